//! A draft in the user's editor: it lies in a file while that runs, and stays there until it is
//! saved.
//!
//! Invariant: the file, and what it was made from, are the user's own and go only when the draft is
//! on disk elsewhere; what somebody works on is nobody else's. The editor is a program with
//! arguments, never a line for a shell.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

use crate::clock::{Clock as _, SystemClock};
use crate::engine::writing::JournalEntry;
use crate::mail::compose::{Edited, from_text, to_text};
use crate::notice::{Explain as _, Notice};
use crate::safe_text;

/// The directory in the data directory that files for editors lie in.
const DIR: &str = "compose";
/// How the names of the commands' files begin: the interface has its own beside them.
const PREFIX: &str = "command-";
/// The most that is taken back, in bytes.
const MAX_EDITED_BYTES: u64 = 32 * 1024 * 1024;
/// Files of commands that are looked at.
const MAX_LEFT: usize = 1_000;
/// What is run when the user names no editor.
const FALLBACKS: [&str; 3] = ["nano", "vim", "vi"];

/// A draft in a file.
#[derive(Debug)]
pub(super) struct Sheet {
    base: JournalEntry,
    /// The file with what it was made from; locked while this lives.
    kept: PathBuf,
    /// What the editor gets.
    path: PathBuf,
    _lock: File,
}

impl Sheet {
    /// Puts a draft into a file.
    pub(super) fn new(dir: &Path, base: JournalEntry) -> Result<Self, Notice> {
        let dir = dir.join(DIR);
        crate::store::private_dir(&dir).map_err(|error| error.notice())?;
        let stem = format!("{PREFIX}{}-{}", SystemClock.now_ms(), std::process::id());
        let (kept, path) = (dir.join(format!("{stem}.json")), dir.join(format!("{stem}.eml")));
        let entry = serde_json::to_vec(&base).map_err(failed)?;
        let lock = own_file(&kept, &entry).map_err(failed)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(failed)?;
        own_file(&path, to_text(&base.draft).as_bytes()).map_err(failed)?;
        Ok(Self { base, kept, path, _lock: lock })
    }

    /// Leaves a text there as a command that ended does: the file that it is in.
    pub(super) fn leave(dir: &Path, entry: JournalEntry) -> Result<String, Notice> {
        let text = to_text(&entry.draft);
        // Of another text than it was made from, or it would be taken for untouched.
        let draft = crate::mail::compose::Draft { body: String::new(), ..entry.draft };
        let sheet = Self::new(dir, JournalEntry { draft, ..entry })?;
        let mut file = OpenOptions::new().write(true).open(&sheet.path).map_err(failed)?;
        file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok(safe_text::line(&sheet.path.to_string_lossy()))
    }

    /// What commands left there that have ended.
    pub(super) fn left(dir: &Path) -> Vec<Self> {
        let Ok(entries) = std::fs::read_dir(dir.join(DIR)) else { return Vec::new() };
        let names = entries.flatten().map(|entry| entry.path()).filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            name.starts_with(PREFIX) && name.ends_with(".json")
        });
        let mut names: Vec<PathBuf> = names.take(MAX_LEFT).collect();
        names.sort();
        names.into_iter().filter_map(Self::at).collect()
    }

    /// The one whose base is there, if nobody works on it.
    fn at(kept: PathBuf) -> Option<Self> {
        let mut lock = File::open(&kept).ok()?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
        let mut text = Vec::new();
        (&mut lock).take(MAX_EDITED_BYTES).read_to_end(&mut text).ok()?;
        let base = serde_json::from_slice(&text).ok()?;
        let path = kept.with_extension("eml");
        Some(Self { base, kept, path, _lock: lock })
    }

    /// Which writing it is: a number that no other has. The interface's are positive.
    pub(super) fn slot(&self) -> Option<i64> {
        let stem = self.kept.file_stem()?.to_str()?.strip_prefix(PREFIX)?;
        let (at, process) = stem.split_once('-')?;
        let (at, process) = (at.parse::<i64>().ok()?, process.parse::<i64>().ok()?);
        Some(-at.saturating_mul(1_024).saturating_add(process % 1_024))
    }

    /// What it was made from.
    pub(super) const fn base(&self) -> &JournalEntry {
        &self.base
    }

    /// Runs the editor on it, and waits for its end.
    pub(super) fn edit(&self) -> Result<(), Notice> {
        let words = words(&|name| std::env::var(name).ok())?;
        let Some((program, args)) = words.split_first() else { return Err(none()) };
        let mut command = Command::new(program);
        command.args(args).arg(&self.path);
        // What is piped in or out is the command's, and not the editor's.
        let terminal = || OpenOptions::new().read(true).write(true).open("/dev/tty");
        if !std::io::stdin().is_terminal() {
            command.stdin(terminal().map_or_else(|_| Stdio::null(), Stdio::from));
        }
        if !std::io::stdout().is_terminal() {
            command.stdout(terminal().map_or_else(|_| Stdio::null(), Stdio::from));
        }
        let ended = command.status().map_err(|error| self.told(program, &error.to_string()))?;
        if ended.success() { Ok(()) } else { Err(self.told(program, &ended.to_string())) }
    }

    fn told(&self, program: &str, why: &str) -> Notice {
        let line = format!("the editor {}: {why}", safe_text::line(program));
        let path = safe_text::line(&self.path.to_string_lossy());
        let hint = format!("what was written is in {path}; the next compose saves it as a draft");
        Notice::error("editor", line, hint)
    }

    /// What is in the file now; `None` when it is as it was.
    pub(super) fn edited(&self) -> Result<Option<Edited>, Notice> {
        let mut bytes = Vec::new();
        let file = File::open(&self.path).map_err(failed)?;
        file.take(MAX_EDITED_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_EDITED_BYTES {
            return Err(self.told("gave back", "more than a message can be"));
        }
        // An editor of another charset: nothing of it is lost but signs that are none.
        let text = String::from_utf8_lossy(&bytes);
        let changed = text != to_text(&self.base.draft);
        Ok(changed.then(|| from_text(&text, &self.base.draft)))
    }

    /// Takes it away: the draft is on disk, or was given up.
    pub(super) fn done(self) {
        // The base goes last: without it the text would be nobody's.
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(&self.kept);
    }
}

fn failed<E: std::fmt::Display>(error: E) -> Notice {
    Notice::error("editor", format!("the text for the editor: {error}"), "is there room?")
}

/// A new file that only its owner reads.
fn own_file(path: &Path, bytes: &[u8]) -> std::io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

fn none() -> Notice {
    let hint = "set VISUAL or EDITOR, or give the text with --body-file";
    Notice::error("no-editor", "there is no editor", hint)
}

/// The editor's program and arguments, by the environment.
fn words(env: &dyn Fn(&str) -> Option<String>) -> Result<Vec<String>, Notice> {
    let said = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| env(name).filter(|said| !said.trim().is_empty()).map(|said| (name, said)));
    if let Some((name, said)) = said {
        return shlex::split(&said).filter(|words| !words.is_empty()).ok_or_else(|| {
            let line = format!("{name} has a quote that does not end");
            Notice::error("no-editor", line, "it is a program and its arguments")
        });
    }
    let path = env("PATH").unwrap_or_default();
    let is_there =
        |program: &str| std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
    let found = FALLBACKS.into_iter().find(|program| is_there(program));
    found.map(|program| vec![program.to_owned()]).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::compose::Draft;

    #[test]
    fn an_editor_is_a_program_with_arguments() {
        let check = |visual: Option<&str>, editor: Option<&str>, want: Option<&[&str]>| {
            let env = |name: &str| match name {
                "VISUAL" => visual.map(str::to_owned),
                "EDITOR" => editor.map(str::to_owned),
                _ => None,
            };
            let found = words(&env).ok();
            let want = want.map(|words| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
            assert_eq!(found, want, "{visual:?} {editor:?}");
        };
        check(Some("vim -u 'my rc'"), Some("ed"), Some(&["vim", "-u", "my rc"]));
        check(Some(" "), Some("ed; rm x"), Some(&["ed;", "rm", "x"]));
        check(Some("vim '"), None, None);
        check(None, None, None);
    }

    #[test]
    fn a_text_that_is_left_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Draft { body: "one".to_owned(), to: "bob".to_owned(), ..Draft::default() };
        let entry = JournalEntry { thread: None, from: None, draft: draft.clone() };
        Sheet::leave(dir.path(), entry).unwrap();
        let left = Sheet::left(dir.path());
        assert_eq!(left[0].edited().unwrap().unwrap().draft, draft);
    }

    #[test]
    fn a_sheet_stays_until_it_is_done_and_is_one_command_s() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Draft { body: "one".to_owned(), ..Draft::default() };
        let base = JournalEntry { thread: None, from: None, draft };
        let sheet = Sheet::new(dir.path(), base.clone()).unwrap();
        assert!(sheet.edited().unwrap().is_none());
        assert!(Sheet::left(dir.path()).is_empty(), "somebody works on it");
        std::fs::write(&sheet.path, "Subject: hi\n\ntwo\n").unwrap();
        drop(sheet);
        let mut left = Sheet::left(dir.path());
        assert_eq!(left.len(), 1);
        let sheet = left.remove(0);
        assert_eq!(*sheet.base(), base);
        let draft = sheet.edited().unwrap().unwrap().draft;
        assert_eq!((draft.subject.as_str(), draft.body.as_str()), ("hi", "two"));
        sheet.done();
        assert!(Sheet::left(dir.path()).is_empty());
        assert_eq!(std::fs::read_dir(dir.path().join(DIR)).unwrap().count(), 0);
    }
}
