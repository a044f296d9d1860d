//! What writing on the screen needs of the world: as whom, files to attach, drafts that an editor
//! left behind.
//!
//! Invariant: bytes are on disk here before their hash is told; nothing is read that is not a
//! regular file, or is larger than can be sent. What a path's error says goes through `safe_text`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::account::identities;
use crate::account::{Account, Accounts};
use crate::cli::demo::Sample;
use crate::cli::home::Home;
use crate::cli::tui_editor;
use crate::cli::tui_files::Files;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::SideDoor;
use crate::engine::writing::Writing;
use crate::mail::compose::{Attached, Identity};
use crate::mail::{Address, file_type};
use crate::notice::{Explain as _, Notice};
use crate::safe_text;
use crate::ui::compose::desk::{DeskAsk, DeskJob, DeskSaid};

/// The largest file that is attached, in bytes: packed for mail it is a third longer, and no server
/// takes more.
const MAX_ATTACHED_BYTES: u64 = 36 * 1024 * 1024;
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
        let files = Files::new(side);
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
                    tell(DeskSaid::Leftover(Box::new(leftover)));
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
        }
    })
}

/// Who writes in the sample mailbox.
fn nobody() -> Identity {
    let from = Address { name: Some("You".to_owned()), address: "you@example.org".to_owned() };
    Identity { account: None, from, aliases: Vec::new(), signature: String::new() }
}

/// A path as it was typed, with `~` for the user's home.
pub(super) fn expanded(typed: &str) -> PathBuf {
    match (typed.strip_prefix('~'), std::env::home_dir()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(typed),
    }
}

/// Keeps a file's bytes.
fn attach(dir: &Path, typed: &str) -> Result<Attached, Notice> {
    let path = expanded(typed);
    let shown = safe_text::line(typed);
    let failed = |why: &str, hint: &str| Notice::error("attach", format!("{shown}: {why}"), hint);
    let io = |error: std::io::Error| failed(&error.to_string(), "nothing is attached");
    let mut file = std::fs::File::open(&path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    if !about.is_file() {
        return Err(failed("this is no file", "a directory can be packed first"));
    }
    let too_large = || {
        let most = MAX_ATTACHED_BYTES / (1024 * 1024);
        failed(&format!("larger than {most} MB, which no server takes"), "share it in another way")
    };
    if about.len() > MAX_ATTACHED_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_ATTACHED_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    let size = bytes.len() as u64;
    if size > MAX_ATTACHED_BYTES {
        return Err(too_large());
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = safe_text::file_name(&name.unwrap_or_default());
    let mut writing = Writing::open(dir).map_err(|error| error.notice())?;
    let hash = writing.put(&bytes, SystemClock.now()).map_err(|error| error.notice())?;
    Ok(Attached { media_type: file_type(&name, &bytes).to_owned(), name, hash, size })
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
        assert!(attach(dir.path(), &at("")).unwrap_err().message.contains("no file"));
        let large = std::fs::File::create(at("large")).unwrap();
        large.set_len(MAX_ATTACHED_BYTES + 1).unwrap();
        assert!(attach(dir.path(), &at("large")).unwrap_err().message.contains("larger than"));
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
