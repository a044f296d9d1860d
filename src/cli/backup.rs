//! `backup`: one moment of the backend in this data directory, in one file.
//!
//! Invariant: the file is written by this process, with this user's rights and for this user only,
//! whoever has the directory: a backend that runs waits between two commits for as long as it takes
//! to begin to read, and goes on. Under its name there is a whole backup that was read back, or
//! what was there before.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::backend::backup::{self, BackupError, Contents};
use crate::backend::{Cut, FILES};
use crate::cli::beside;
use crate::cli::desk::{self, Found};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::{Clock as _, SystemClock};
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::StoreError;
use crate::store::disk::{self, Fresh};

/// How often progress is said: over the same line on a terminal, seldom otherwise.
const SAY_EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Makes a backup.
pub(super) fn run(home: &Home, output: Output, file: &Path, force: bool) -> Result<Exit, Notice> {
    if home.is_remote() {
        let line = "the mail is not in this data directory: its backend is elsewhere";
        let hint = "run `mailtui backup` where the backend is, with the data directory it serves";
        return Err(Notice::error("other-backend", line, hint).exit(Exit::Usage));
    }
    free(file, force)?;
    if !home.backend_dir().join(FILES[0]).exists() {
        let line = format!("there is no mail in {}", home.dir.display());
        return Err(Notice::error("no-mail", line, "name another --data-dir").exit(Exit::NotFound));
    }
    let stop = super::stop::flag();
    let begin = || Cut::of(&home.backend_dir()).map_err(|error| error.notice());
    let found = desk::soon(home, |home| beside::while_held(home, begin))?;
    let (_owner, cut) = match found {
        Found::Own(owner) => (Some(owner), begin()?),
        Found::Other(cut) => (None, cut),
    };
    let copies = Copies::beside(file)?;
    let mut said = Said::new(output, "copied", &stop, cut.size().map_err(|e| e.notice())?);
    let copied = cut.copy_to(&copies.path, &mut |done| said.go_on(done));
    if !copied.map_err(|error| error.notice())? {
        return Err(backup::notice(file, &BackupError::Stopped));
    }
    let contents = contents(&cut, &copies.path)?;
    drop(cut);
    let size: u64 = contents.files.iter().map(|(_, bytes)| bytes).sum();
    said.next("written", size);
    let failed = |error: BackupError| backup::notice(file, &error);
    let made = copies.path.join("backup");
    let mut fresh = Fresh::new(&made).map_err(|error| error.notice())?;
    backup::write(&contents, &copies.path, &mut fresh, &mut |done| said.go_on(done))
        .map_err(failed)?;
    fresh.finish().map_err(|error| error.notice())?;
    said.next("checked", size);
    check(&made, &mut said)?;
    free(file, force)?;
    put_in_place(&made, file)?;
    drop(copies);
    said.end();
    let bytes = std::fs::metadata(file).map_or(0, |meta| meta.len());
    let value = json!({ "file": file.display().to_string(), "bytes": bytes,
        "epoch": contents.epoch, "at": contents.at });
    output.result(&value, || {
        format!("Backed up to {}: {}.", file.display(), crate::ui::text::size(bytes))
    })?;
    Ok(Exit::Done)
}

/// That nothing is in the file's place, or it may go.
fn free(file: &Path, force: bool) -> Result<(), Notice> {
    if !force && std::fs::symlink_metadata(file).is_ok() {
        let line = format!("{} is there already", file.display());
        return Err(Notice::error("exists", line, "name another file, or give --force"));
    }
    let what = match std::fs::metadata(file) {
        Ok(meta) if meta.is_dir() => "a directory",
        // A device or a pipe would be gone for every other program.
        Ok(meta) if !meta.is_file() => "not a file",
        _ => return Ok(()),
    };
    let line = format!("{} is {what}", file.display());
    Err(Notice::error("exists", line, "name a file").exit(Exit::Usage))
}

/// What was read back takes its name, for good.
fn put_in_place(made: &Path, file: &Path) -> Result<(), Notice> {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let moved = disk::rename(made, file).and_then(|()| disk::sync_dir(dir));
    moved.map_err(|error| error.notice())
}

fn contents(cut: &Cut, dir: &Path) -> Result<Contents, Notice> {
    let (backend, epoch) = cut.identity().map_err(|error| error.notice())?;
    let mut files = Vec::new();
    for name in cut.names() {
        let path = dir.join(name);
        let meta = std::fs::metadata(&path);
        let meta = meta.map_err(|error| StoreError::Io { path, error }.notice())?;
        files.push((name.to_owned(), meta.len()));
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Contents { backend, epoch, at: SystemClock.now(), version, files })
}

/// Reads a backup from beginning to end.
fn check(file: &Path, said: &mut Said<'_>) -> Result<(), Notice> {
    let failed = |error: BackupError| backup::notice(file, &error);
    let open = File::open(file).map_err(BackupError::from).map_err(failed)?;
    backup::read(&mut BufReader::new(open), None, &mut |done| said.go_on(done)).map_err(failed)?;
    Ok(())
}

/// A directory beside the file, for its owner only and gone with this value, for the copies that
/// the file is made of. It is locked: one that nobody locks is what a crash left, and goes.
struct Copies {
    path: PathBuf,
    _lock: File,
}

impl Copies {
    fn beside(file: &Path) -> Result<Self, Notice> {
        let mut name = OsString::from(".");
        name.push(file.file_name().unwrap_or_default());
        name.push(".");
        sweep(file, &name);
        name.push(std::process::id().to_string());
        let path = file.with_file_name(name);
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        let locked = made.and_then(|()| File::open(&path)).and_then(|dir| {
            dir.try_lock().map_err(std::io::Error::from)?;
            Ok(dir)
        });
        let lock = locked.map_err(|error| StoreError::Io { path: path.clone(), error }.notice())?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes the copies that a backup to this file left which was killed. What cannot be removed
/// harms none that is made now.
fn sweep(file: &Path, start: &OsStr) {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let number = name.as_bytes().strip_prefix(start.as_bytes());
        let ours = number.is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit));
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if File::open(&path).is_ok_and(|dir| dir.try_lock().is_ok()) {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

/// Progress on standard error, and whether somebody asked to stop.
pub(super) struct Said<'a> {
    output: Output,
    what: &'static str,
    stop: &'a AtomicBool,
    size: u64,
    last: Instant,
    terminal: bool,
    any: bool,
}

impl<'a> Said<'a> {
    pub(super) fn new(output: Output, what: &'static str, stop: &'a AtomicBool, size: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { output, what, stop, size, last: Instant::now(), terminal, any: false }
    }

    fn next(&mut self, what: &'static str, size: u64) {
        (self.what, self.size) = (what, size);
    }

    pub(super) fn go_on(&mut self, done: u64) -> bool {
        let (often, seldom) = SAY_EVERY;
        if self.last.elapsed() >= if self.terminal { often } else { seldom } {
            (self.last, self.any) = (Instant::now(), true);
            let size = crate::ui::text::size;
            let line = format!("{} {} of {}", self.what, size(done), size(self.size.max(done)));
            self.output.progress(&line, self.terminal);
        }
        !self.stop.load(Ordering::SeqCst)
    }

    pub(super) fn end(&self) {
        if self.any && self.terminal && !self.output.quiet {
            let mut err = std::io::stderr();
            let _ = err.write_all(b"\r\x1b[K").and_then(|()| err.flush());
        }
    }
}
