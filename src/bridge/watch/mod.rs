//! Which directories of a mail tree change, as they do.
//!
//! Invariant: it only looks. What it names may have changed, and what it does not name has not, for
//! longer than [`SWEEP_EVERY`]; where the system tells of changes (inotify) they are named at once,
//! and where it does not, or no more of them, the tree is looked through every [`POLL_EVERY`].

#[cfg(target_os = "linux")]
mod inotify;
mod poll;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::maildir;
use crate::notice::Notice;
use poll::Poll;

/// How often a tree is looked through where the system does not tell of changes.
pub const POLL_EVERY: Duration = Duration::from_secs(1);
/// How often it is where the system does: changes made on another machine are not told.
pub const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// How long a change may be followed by others before it is told, so that they are told together.
const QUIET: Duration = Duration::from_millis(40);
/// How long it is kept back at most.
const MOST_QUIET: Duration = Duration::from_millis(400);
/// Directories nested deeper than this below a named one are not watched.
const MAX_DEPTH: usize = 64;
/// Directories that are named one by one; of more, all are looked at.
const MAX_TOUCHED: usize = 1_000;

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// Anything.
    All,
    /// What lies directly in these directories.
    In(BTreeSet<PathBuf>),
}

impl Touched {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::In(mut a), Self::In(b)) => {
                a.extend(b);
                if a.len() > MAX_TOUCHED { Self::All } else { Self::In(a) }
            }
            _ => Self::All,
        }
    }
}

/// Watches directories and what lies below them.
#[derive(Debug)]
pub struct Watcher {
    #[cfg(target_os = "linux")]
    told: Option<inotify::Inotify>,
    poll: Poll,
    next_poll: Instant,
}

impl Watcher {
    /// Begins to watch; with a line for the user where changes are not told of by the system.
    #[must_use]
    pub fn start(roots: &[PathBuf]) -> (Self, Option<Notice>) {
        let poll = Poll::of(roots);
        #[cfg(target_os = "linux")]
        {
            let (told, notice) = match inotify::Inotify::start(roots) {
                Ok(told) => (Some(told), None),
                Err(error) => (None, Some(polling(&error.to_string()))),
            };
            let every = if told.is_some() { SWEEP_EVERY } else { POLL_EVERY };
            (Self { told, poll, next_poll: Instant::now() + every }, notice)
        }
        #[cfg(not(target_os = "linux"))]
        (Self { poll, next_poll: Instant::now() + POLL_EVERY }, None)
    }

    /// Waits so long for a change; returns once it has been quiet for a moment after it. The second
    /// value is a line for the user, where changes are told of no more.
    pub fn wait(&mut self, within: Duration) -> (Option<Touched>, Option<Notice>) {
        let mut notice = None;
        #[cfg(target_os = "linux")]
        if let Some(told) = &mut self.told {
            let found = told.wait(within).and_then(|first| {
                let Some(mut all) = first else { return Ok(None) };
                let until = Instant::now() + MOST_QUIET;
                while let left @ 1.. = until.saturating_duration_since(Instant::now()).as_millis() {
                    let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
                    match told.wait(QUIET.min(left))? {
                        Some(more) => all = all.and(more),
                        None => break,
                    }
                }
                Ok(Some(all))
            });
            match found {
                Ok(Some(touched)) => return (Some(touched), None),
                Ok(None) => {}
                Err(error) => {
                    self.told = None;
                    self.next_poll = Instant::now();
                    notice = Some(polling(&error.to_string()));
                }
            }
        } else {
            std::thread::sleep(within.min(POLL_EVERY));
        }
        #[cfg(not(target_os = "linux"))]
        std::thread::sleep(within.min(POLL_EVERY));
        let mut touched = None;
        if Instant::now() >= self.next_poll {
            touched = self.poll.look();
            self.next_poll = Instant::now() + self.every();
        }
        (touched, notice)
    }

    #[cfg(target_os = "linux")]
    fn every(&self) -> Duration {
        if self.told.is_some() { SWEEP_EVERY } else { POLL_EVERY }
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "elsewhere it depends on what the system tells")]
    fn every(&self) -> Duration {
        POLL_EVERY
    }
}

#[cfg(target_os = "linux")]
fn polling(why: &str) -> Notice {
    let line = format!("the system does not tell of changes in all directories: {why}");
    let hint = "they are looked through every second; more are told of with a higher \
                fs.inotify.max_user_watches";
    Notice::warning("polling", line, hint)
}

/// `root` and the directories below it that may hold mail, or become a folder that does: what is
/// hidden and no Maildir is named itself, and not looked into.
fn directories(root: &Path, tell: &mut dyn FnMut(&Path)) {
    let mut pending = vec![(root.to_owned(), 0)];
    while let Some((dir, depth)) = pending.pop() {
        tell(&dir);
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let leaf = maildir::holds_messages(&name);
        let hidden = depth > 0 && name.starts_with('.') && !maildir::is_maildir(&dir);
        if leaf || hidden || depth >= MAX_DEPTH {
            continue;
        }
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_dir && entry.file_name() != "tmp" {
                pending.push((entry.path(), depth + 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a change of a tree touches, by both ways; relative to the tree.
    fn check(before: &[&str], change: impl Fn(&Path), expected: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("Mail");
        for path in before {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let roots = [root.clone()];
        let mut poll = Poll::of(&roots);
        #[cfg(target_os = "linux")]
        let mut told = inotify::Inotify::start(&roots).unwrap();
        change(&root);
        let names = |touched: Option<Touched>| match touched {
            Some(Touched::In(dirs)) => dirs
                .iter()
                .map(|dir| dir.strip_prefix(&root).unwrap().to_str().unwrap().to_owned())
                .collect::<BTreeSet<_>>(),
            other => panic!("{other:?}"),
        };
        let wanted: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        #[cfg(target_os = "linux")]
        {
            let mut found = BTreeSet::new();
            // The kernel may take a while on a loaded machine; what is told besides comes with it.
            let wait = |all: bool| Duration::from_millis(if all { 20 } else { 2_000 });
            while let Some(touched) = told.wait(wait(found.is_superset(&wanted))).unwrap() {
                found.extend(names(Some(touched)));
            }
            assert!(found.is_superset(&wanted), "told {found:?}, not {wanted:?}");
            assert!(!found.iter().any(|name| name.contains("tmp")), "{found:?}");
        }
        let polled = names(poll.look());
        assert!(polled.is_superset(&wanted), "polled {polled:?}, not {wanted:?}");
    }

    #[test]
    fn what_changes_is_named() {
        let maildir = ["cur/1:2,", "new/2", "tmp/3", ".Sent/cur/4", ".git/x"];
        check(&maildir, |root| fs::write(root.join("new/5"), "x").unwrap(), &["new"]);
        check(&maildir, |root| fs::remove_file(root.join("cur/1:2,")).unwrap(), &["cur"]);
        let to = |root: &Path, a: &str, b: &str| fs::rename(root.join(a), root.join(b)).unwrap();
        check(&maildir, |root| to(root, "new/2", "cur/2:2,S"), &["new", "cur"]);
        check(&maildir, |root| to(root, "tmp/3", ".Sent/cur/3:2,S"), &[".Sent/cur"]);
        // A folder that appears, is moved, and vanishes.
        let make = |root: &Path| {
            for sub in ["cur", "new", "tmp"] {
                fs::create_dir_all(root.join(".New").join(sub)).unwrap();
            }
            fs::write(root.join(".New/new/1"), "x").unwrap();
        };
        check(&maildir, make, &[".New/new"]);
        check(&maildir, |root| to(root, ".Sent", ".Old"), &[".Sent/cur", ".Old/cur"]);
        check(&maildir, |root| fs::remove_dir_all(root.join(".Sent")).unwrap(), &[".Sent/cur"]);
        // An mbox beside others.
        let boxes = ["a/work", "a/home"];
        check(&boxes, |root| fs::write(root.join("a/work"), "longer").unwrap(), &["a"]);
    }

    #[test]
    fn many_touched_directories_are_all() {
        let some = |n: usize| Touched::In((0..n).map(|n| PathBuf::from(n.to_string())).collect());
        assert_eq!(some(2).and(some(3)), some(3));
        assert_eq!(some(1).and(Touched::All), Touched::All);
        assert_eq!(some(1).and(some(MAX_TOUCHED + 1)), Touched::All);
    }
}
