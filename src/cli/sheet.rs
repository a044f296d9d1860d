//! A draft in a file for the user's editor: of a command, or of the interface.
//!
//! Invariant: the file, and what it was made from, are the user's own and go only when the draft is
//! on disk elsewhere. It is there as a whole or not at all. What somebody works on is nobody
//! else's: who made it, and the editor as long as it lives, hold its lock, also where the one is
//! killed and the other is not. The editor is a program with arguments, never a line for a shell.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::engine::writing::JournalEntry;
use crate::mail::compose::{Draft, Edited, from_text, to_text};
use crate::notice::{Explain as _, Notice};
use crate::safe_text;

/// The directory in the data directory that files for editors lie in.
const DIR: &str = "compose";
/// How the names of the commands' files begin.
pub(super) const OF_COMMAND: &str = "command-";
/// How the names of the interface's files begin.
pub(super) const OF_SCREEN: &str = "open-";
/// How the names of files begin that nobody takes by itself: the user was told of them.
const ASIDE: &str = "kept-";
/// The most that is taken back, in bytes.
pub(super) const MAX_EDITED_BYTES: usize = 32 * 1024 * 1024;
/// The most that a base may have, in bytes: as JSON, a text may be several times as long.
const MAX_BASE_BYTES: u64 = 8 * 32 * 1024 * 1024;
/// How the names of files end that are being written.
const NEW: &str = ".new";
/// After so long nobody writes them any more.
const WRITTEN_WITHIN: Duration = Duration::from_hours(1);
/// Files that are looked at, the oldest first.
const MAX_LEFT: usize = 1_000;
/// What is run when the user names no editor.
const FALLBACKS: [&str; 3] = ["nano", "vim", "vi"];

/// A draft in a file.
#[derive(Debug)]
pub(super) struct Sheet {
    base: JournalEntry,
    /// The file with what it was made from.
    kept: PathBuf,
    /// What the editor gets.
    path: PathBuf,
    /// Of the base, or of the text where that is alone.
    lock: File,
}

impl Sheet {
    /// Puts a draft into a file of this name; what had it before is replaced.
    pub(super) fn new(dir: &Path, stem: &str, base: JournalEntry) -> Result<Self, Notice> {
        let text = to_text(&base.draft);
        Self::of(dir, stem, base, &text)
    }

    fn of(dir: &Path, stem: &str, base: JournalEntry, text: &str) -> Result<Self, Notice> {
        let dir = dir.join(DIR);
        crate::store::private_dir(&dir).map_err(|error| error.notice())?;
        let (kept, path) = (dir.join(format!("{stem}.json")), dir.join(format!("{stem}.eml")));
        let entry = serde_json::to_vec(&base).map_err(failed)?;
        // Without a text a base says that nothing was written; a text is never without its base.
        let lock = own_file(&kept, &entry).map_err(failed)?;
        own_file(&path, text.as_bytes()).map_err(failed)?;
        let synced = File::open(&dir).and_then(|dir| dir.sync_all());
        synced.map_err(failed)?;
        Ok(Self { base, kept, path, lock })
    }

    /// Leaves a draft there for whoever looks next: the file that it is in.
    pub(super) fn leave(dir: &Path, stem: &str, entry: JournalEntry) -> Result<String, Notice> {
        let text = to_text(&entry.draft);
        // Of another text than it was made from, or it would be taken for untouched.
        let subject = format!("{}…", entry.draft.subject);
        let draft = Draft { subject, ..entry.draft };
        let sheet = Self::of(dir, stem, JournalEntry { draft, ..entry }, &text)?;
        Ok(sheet.place())
    }

    /// What is there of those whose names begin so, and nobody works on.
    pub(super) fn left(dir: &Path, prefix: &str) -> Vec<Self> {
        let dir = dir.join(DIR);
        let Ok(entries) = std::fs::read_dir(&dir) else { return Vec::new() };
        let stem = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            if name.starts_with(prefix) && name.ends_with(NEW) && is_old(&entry) {
                let _ = std::fs::remove_file(entry.path());
            }
            let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".eml"))?;
            stem.starts_with(prefix).then(|| stem.to_owned())
        };
        let mut stems: Vec<String> = entries.flatten().filter_map(stem).collect();
        stems.sort();
        stems.dedup();
        stems.into_iter().take(MAX_LEFT).filter_map(|stem| Self::at(&dir, &stem)).collect()
    }

    /// The one of this name, if nobody works on it.
    fn at(dir: &Path, stem: &str) -> Option<Self> {
        let (kept, path) = (dir.join(format!("{stem}.json")), dir.join(format!("{stem}.eml")));
        let (mut lock, has_base) = match File::open(&kept) {
            Ok(file) => (file, true),
            // An editor that saved once more after all was taken.
            Err(_) => (File::open(&path).ok()?, false),
        };
        flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
        if !path.exists() {
            let _ = std::fs::remove_file(&kept);
            return None;
        }
        let _ = std::fs::set_permissions(&path, Permissions::from_mode(0o600));
        let mut base = None;
        if has_base {
            let mut text = Vec::new();
            (&mut lock).take(MAX_BASE_BYTES).read_to_end(&mut text).ok()?;
            base = serde_json::from_slice(&text).ok();
        }
        // What the text itself says is there, whatever it was made from.
        let draft = Draft::default();
        let base = base.unwrap_or(JournalEntry { thread: None, from: None, draft });
        Some(Self { base, kept, path, lock })
    }

    /// What its name is without how names like it begin.
    pub(super) fn name(&self, prefix: &str) -> Option<&str> {
        self.kept.file_stem()?.to_str()?.strip_prefix(prefix)
    }

    /// What it was made from.
    pub(super) const fn base(&self) -> &JournalEntry {
        &self.base
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        safe_text::line(&self.path.to_string_lossy())
    }

    /// Runs the editor on it, by who knows how to wait for a program. The editor holds the lock as
    /// well.
    pub(super) fn edit(
        &self,
        run: impl FnOnce(Command) -> Result<(), String>,
    ) -> Result<(), Notice> {
        let words = words(&|name| std::env::var(name).ok())?;
        let Some((program, args)) = words.split_first() else { return Err(none()) };
        let mut command = Command::new(program);
        command.args(args).arg(&self.path);
        // Another program that is started in this moment has it as well, until it ends.
        let shared = self.lock.try_clone().map_err(failed)?;
        fcntl_setfd(&shared, FdFlags::empty()).map_err(failed)?;
        let ran = run(command);
        drop(shared);
        let _ = std::fs::set_permissions(&self.path, Permissions::from_mode(0o600));
        ran.map_err(|why| {
            let line =
                format!("the editor: {}: {}", safe_text::line(program), safe_text::line(&why));
            Notice::error("editor", line, "VISUAL and EDITOR say which one")
        })
    }

    /// The text that is there now, of at most so many bytes. One that is longer is put aside.
    pub(super) fn text(&self, most: usize) -> Result<String, Notice> {
        let mut bytes = Vec::new();
        let no_pipe = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(no_pipe).open(&self.path);
        let file = match file {
            // An editor that took it away wrote nothing.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(to_text(&self.base.draft));
            }
            file => file.map_err(failed)?,
        };
        file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > most {
            let place = self.aside()?;
            let line = format!("the editor gave back more than a message can be; it is in {place}");
            return Err(Notice::error("too-large", line, "shorten it, or attach it as a file"));
        }
        Ok(read(bytes))
    }

    /// What is in the file now; `None` when it is as it was.
    pub(super) fn edited(&self, most: usize) -> Result<Option<Edited>, Notice> {
        let text = self.text(most)?;
        let changed = text != to_text(&self.base.draft);
        Ok(changed.then(|| from_text(&text, &self.base.draft)))
    }

    /// Gives the text a name by which nobody takes it any more, or takes it away.
    fn aside(&self) -> Result<String, Notice> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut to = self.path.with_file_name(format!("{ASIDE}{name}"));
        for more in 1..MAX_LEFT {
            if !to.exists() {
                break;
            }
            to = self.path.with_file_name(format!("{ASIDE}{more}-{name}"));
        }
        std::fs::rename(&self.path, &to).map_err(failed)?;
        let _ = std::fs::remove_file(&self.kept);
        Ok(safe_text::line(&to.to_string_lossy()))
    }

    /// Takes it away: the draft is on disk, or was given up.
    pub(super) fn done(self) {
        remove(&self.path, &self.kept);
    }
}

/// Takes away the one of this name.
pub(super) fn done(dir: &Path, stem: &str) {
    let dir = dir.join(DIR);
    remove(&dir.join(format!("{stem}.eml")), &dir.join(format!("{stem}.json")));
}

fn remove(path: &Path, kept: &Path) {
    // The base goes last: it says alone that there is nothing.
    let _ = std::fs::remove_file(path);
    let _ = std::fs::remove_file(kept);
}

/// A text as an editor wrote it: one that is not UTF-8 is of a charset with a byte a character.
pub(super) fn read(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

fn failed<E: std::fmt::Display>(error: E) -> Notice {
    Notice::error("editor", format!("the text for the editor: {error}"), "is there room?")
}

/// A file that only its owner reads, whole from the moment it has its name; locked.
fn own_file(path: &Path, bytes: &[u8]) -> std::io::Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(NEW);
    let new = path.with_file_name(name);
    let _ = std::fs::remove_file(&new);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    let put = made.and_then(|mut file| {
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        Ok(file)
    });
    if put.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    put
}

/// Whether whoever began to write it was killed long ago.
fn is_old(entry: &std::fs::DirEntry) -> bool {
    let written = entry.metadata().and_then(|about| about.modified()).ok();
    written.and_then(|at| at.elapsed().ok()).is_some_and(|ago| ago > WRITTEN_WITHIN)
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

    fn entry(draft: Draft) -> JournalEntry {
        JournalEntry { thread: None, from: None, draft }
    }

    fn sample() -> JournalEntry {
        entry(Draft { body: "one".to_owned(), references: vec!["1@x".into()], ..Draft::default() })
    }

    fn left(dir: &Path) -> Vec<Sheet> {
        Sheet::left(dir, OF_COMMAND)
    }

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
    fn what_is_left_is_found_whatever_of_it_is_written() {
        let check = |draft: Draft| {
            let dir = tempfile::tempdir().unwrap();
            Sheet::leave(dir.path(), "command-1-1", entry(draft.clone())).unwrap();
            let left = left(dir.path());
            assert_eq!(left[0].edited(MAX_EDITED_BYTES).unwrap().unwrap().draft, draft);
        };
        check(Draft { body: "one".into(), to: "bob".into(), ..Draft::default() });
        check(Draft { subject: "only this".into(), ..Draft::default() });
        check(Draft { to: "only@this".into(), ..Draft::default() });
    }

    #[test]
    fn a_sheet_stays_until_it_is_done_and_is_of_one_only() {
        let dir = tempfile::tempdir().unwrap();
        let sheet = Sheet::new(dir.path(), "command-1-1", sample()).unwrap();
        assert!(sheet.edited(MAX_EDITED_BYTES).unwrap().is_none());
        let rights = std::fs::metadata(&sheet.path).unwrap().permissions().mode();
        assert_eq!(rights & 0o777, 0o600);
        assert!(left(dir.path()).is_empty(), "somebody works on it");
        std::fs::write(&sheet.path, "Subject: hi\n\ntwo\n").unwrap();
        drop(sheet);
        assert!(Sheet::left(dir.path(), OF_SCREEN).is_empty());
        let mut left = left(dir.path());
        assert_eq!(left.len(), 1);
        let sheet = left.remove(0);
        assert_eq!((sheet.base(), sheet.name(OF_COMMAND)), (&sample(), Some("1-1")));
        let draft = sheet.edited(MAX_EDITED_BYTES).unwrap().unwrap().draft;
        assert_eq!((draft.subject.as_str(), draft.body.as_str()), ("hi", "two"));
        sheet.done();
        assert_eq!(std::fs::read_dir(dir.path().join(DIR)).unwrap().count(), 0);
    }

    #[test]
    fn an_editor_that_lives_on_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let sheet = Sheet::new(dir.path(), "command-1-1", sample()).unwrap();
        let mut child = None;
        let shared = sheet.lock.try_clone().unwrap();
        fcntl_setfd(&shared, FdFlags::empty()).unwrap();
        child.replace(Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap());
        drop((shared, sheet));
        assert!(left(dir.path()).is_empty(), "the editor has it");
        let mut child = child.unwrap();
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(left(dir.path()).len(), 1);
    }

    #[test]
    fn half_of_a_sheet_is_nothing_or_all_that_there_is() {
        let dir = tempfile::tempdir().unwrap();
        drop(Sheet::new(dir.path(), "command-1-1", sample()).unwrap());
        let path = dir.path().join(DIR).join("command-1-1.eml");
        std::fs::remove_file(&path).unwrap();
        assert!(left(dir.path()).is_empty());
        assert!(!path.with_extension("json").exists(), "a base alone says nothing");
        std::fs::write(&path, "To: bob@x.org\n\nlate words\n").unwrap();
        let found = left(dir.path());
        let draft = found[0].edited(MAX_EDITED_BYTES).unwrap().unwrap().draft;
        assert_eq!((draft.to.as_str(), draft.body.as_str()), ("bob@x.org", "late words"));
        let rights = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(rights & 0o777, 0o600);
    }

    #[test]
    fn what_is_too_long_is_put_aside_and_other_charsets_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let sheet = Sheet::new(dir.path(), "command-1-1", sample()).unwrap();
        std::fs::write(&sheet.path, b"Subject: gr\xfc\xdfe\n\nx\n").unwrap();
        let draft = sheet.edited(100).unwrap().unwrap().draft;
        assert_eq!(draft.subject, "grüße");
        std::fs::write(&sheet.path, "x".repeat(101)).unwrap();
        let refused = sheet.edited(100).unwrap_err();
        let aside = dir.path().join(DIR).join("kept-command-1-1.eml");
        assert!(refused.message.contains(&*aside.to_string_lossy()), "{}", refused.message);
        assert_eq!(std::fs::read(aside).unwrap().len(), 101);
        drop(sheet);
        assert!(left(dir.path()).is_empty());
    }
}
