//! What writing on the screen needs of the world: as whom, files to attach, drafts that an editor
//! left behind.
//!
//! Invariant: bytes are on disk here before their hash is told; nothing is read that is not a
//! regular file, or is larger than can be sent. What a path's error says goes through `safe_text`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::account::discover::Roads;
use crate::account::{Account, Accounts};
use crate::account::{identities, one_click_now};
use crate::cli::attach::{self, MAX_ATTACHED_BYTES, expanded};
use crate::cli::demo::Sample;
use crate::cli::home::Home;
use crate::cli::opener;
use crate::cli::tui_editor;
use crate::cli::tui_files::Files;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::SideDoor;
use crate::engine::writing::Writing;
use crate::mail::Address;
use crate::mail::compose::{Attached, Identity};
use crate::notice::{Explain as _, Notice};
use crate::safe_text;
use crate::ui::ability;
use crate::ui::compose::desk::{DeskAsk, DeskJob, DeskSaid, Leftover};
use crate::ui::picture::way;

/// Entries of a directory that are looked at for a path that is being typed.
const MAX_ENTRIES: usize = 5_000;
/// Paths that are told.
const MAX_PATHS: usize = 50;

/// Where the mailbox is that is written in: the user's own, or the sample while there is one.
#[derive(Clone)]
pub(super) struct Desk {
    home: Home,
    /// What was there before is left over from another program, Unix milliseconds.
    started: i64,
    sample: Arc<Mutex<Option<Sample>>>,
    files: Files,
}

impl Desk {
    pub(super) fn new(
        home: &Home,
        sample: &Arc<Mutex<Option<Sample>>>,
        side: &Arc<Mutex<Option<SideDoor>>>,
    ) -> Self {
        let env = |name: &str| std::env::var_os(name);
        let files = Files::new(side, way(&env, ability::of(&env)));
        let started = SystemClock.now_ms();
        Self { home: home.clone(), started, sample: Arc::clone(sample), files }
    }

    /// The data directory, and whether it is the sample's.
    pub(super) fn dir(&self) -> (PathBuf, bool) {
        let sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        match &*sample {
            Some(sample) => (sample.home().dir.clone(), true),
            None => (self.home.dir.clone(), false),
        }
    }
}

/// Answers what the interface asks.
pub(super) fn job(desk: Desk) -> DeskJob {
    Arc::new(move |ask, tell| {
        let (dir, is_sample) = desk.dir();
        match ask {
            DeskAsk::Identities => {
                if is_sample {
                    tell(DeskSaid::Identities(vec![nobody()], BTreeMap::new()));
                    return;
                }
                // A file that cannot be read is said elsewhere.
                let Ok(accounts) = Accounts::read(&dir) else { return };
                let (identities, wrong) = identities(&accounts, &dir);
                let hold =
                    |account: &Account| Some((account.id.to_string(), account.settings.hold?));
                let holds = accounts.list.iter().filter_map(hold).collect();
                tell(DeskSaid::Identities(identities, holds));
                for notice in wrong {
                    tell(DeskSaid::Problem(notice));
                }
            }
            DeskAsk::Leftovers => {
                for leftover in tui_editor::leftovers(&dir, desk.started) {
                    tell(match leftover {
                        Ok(leftover) => DeskSaid::Leftover(Box::new(leftover)),
                        Err(notice) => DeskSaid::Problem(notice),
                    });
                }
            }
            DeskAsk::Attach { ticket, path } => {
                tell(DeskSaid::Attached(ticket, attach(&dir, &path)));
            }
            DeskAsk::Paths { ticket, typed } => {
                tell(DeskSaid::Paths(ticket, paths(&typed)));
            }
            DeskAsk::Forget(slot) => tui_editor::forget(&dir, slot),
            DeskAsk::File(ask) => desk.files.begin(&dir, *ask, tell),
            DeskAsk::StopFile(ticket) => desk.files.stop(ticket),
            DeskAsk::OpenLink(target) => {
                if let Err(notice) = opener::open(&target) {
                    tell(DeskSaid::Problem(notice));
                }
            }
            DeskAsk::Leave { url, host } => {
                let asks = !is_sample && !desk.home.offline;
                // It may take its time: what else is asked of the desk does not wait for it.
                std::thread::spawn(move || tell(DeskSaid::Left(host, leave(&url, asks))));
            }
        }
    })
}

/// Asks to be taken off a mailing list.
fn leave(url: &str, asks: bool) -> Result<(), Notice> {
    if !asks {
        let line = "nobody is asked from here";
        let hint = "the sample mailbox and --offline reach nobody";
        return Err(Notice::warning("offline", line, hint));
    }
    one_click_now(url, &Roads::default()).map_err(|error| error.notice())
}

/// Puts words that the interface could not keep into files: in the data directory, where the next
/// start finds them, or where there is room. What is said of it.
pub(super) fn rescue(desk: &Desk, left: Vec<Leftover>) -> Option<Notice> {
    let (dir, is_sample) = desk.dir();
    if is_sample || left.is_empty() {
        return None;
    }
    let (mut places, mut next, mut lost) = (Vec::new(), true, None);
    for left in left {
        let elsewhere = left.clone();
        let other = std::env::temp_dir().join(format!("mailtui-{}", std::process::id()));
        match tui_editor::leave(&dir, left) {
            Ok(place) => places.push(place),
            Err(_) => match tui_editor::leave(&other, elsewhere) {
                Ok(place) => {
                    places.push(place);
                    next = false;
                }
                Err(notice) => lost = Some(notice),
            },
        }
    }
    if let Some(notice) = lost {
        let line = format!(
            "what was being written could not be kept: neither {} nor {} takes it ({})",
            dir.display(),
            std::env::temp_dir().display(),
            notice.message
        );
        return Some(Notice::error("not-kept", line, "free some space before you write again"));
    }
    let hint = if next { "the next start has it in Drafts" } else { "copy it from there" };
    let line = format!("what was being written is in {}", places.join(", "));
    Some(Notice::error("not-saved", line, hint))
}

/// Who writes in the sample mailbox.
fn nobody() -> Identity {
    let from = Address { name: Some("You".to_owned()), address: "you@example.org".to_owned() };
    Identity { account: None, from, aliases: Vec::new(), signature: String::new(), above: false }
}

/// Keeps a file's bytes.
fn attach(dir: &Path, typed: &str) -> Result<Attached, Notice> {
    let part = attach::read(&expanded(typed), MAX_ATTACHED_BYTES)?;
    let mut writing = Writing::open(dir).map_err(|error| error.notice())?;
    let hash = writing.put(&part.bytes, SystemClock.now()).map_err(|error| error.notice())?;
    let size = part.bytes.len() as u64;
    Ok(Attached { media_type: part.media_type, name: part.name, hash, size })
}

/// How a path may go on: as it was typed, with what is there.
fn paths(typed: &str) -> Vec<String> {
    let (before, begun) = match typed.rfind('/') {
        Some(at) => typed.split_at(at + 1),
        None if typed == "~" => return vec!["~/".to_owned()],
        None => ("", typed),
    };
    let dir = if before.is_empty() { PathBuf::from(".") } else { expanded(before) };
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<String> = entries
        .take(MAX_ENTRIES)
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !begun.starts_with('.');
            let fits = name.starts_with(begun) && !hidden && !safe_text::has_control(&name);
            let is_dir = entry.path().is_dir();
            fits.then(|| format!("{before}{name}{}", if is_dir { "/" } else { "" }))
        })
        .collect();
    found.sort();
    found.truncate(MAX_PATHS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_and_others_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(at("notes.txt"), "hello").unwrap();
        let file = attach(dir.path(), &at("notes.txt")).unwrap();
        assert_eq!((file.name.as_str(), file.media_type.as_str()), ("notes.txt", "text/plain"));
        let kept = Writing::open(dir.path()).unwrap().get(&file.hash).unwrap();
        assert_eq!(kept.as_deref(), Some(&b"hello"[..]));
        assert!(attach(dir.path(), &at("none")).is_err());
        assert!(attach(dir.path(), &at("")).unwrap_err().message.contains("is not a file"));
    }

    #[test]
    fn paths_go_on() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("docs")).unwrap();
        std::fs::write(dir.path().join("done.txt"), "").unwrap();
        std::fs::write(dir.path().join(".hidden"), "").unwrap();
        let base = format!("{}/", dir.path().display());
        let all = |typed: &str| paths(&format!("{base}{typed}"));
        assert_eq!(all("do"), [format!("{base}docs/"), format!("{base}done.txt")]);
        assert_eq!(all("").len(), 2);
        assert_eq!(all(".h"), [format!("{base}.hidden")]);
        assert!(all("none/x").is_empty());
    }
}
