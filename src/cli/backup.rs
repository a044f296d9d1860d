//! `backup`: one moment of the backend in this data directory, in one file.
//!
//! Invariant: the file is written by this process, with this user's rights and for this user only,
//! whoever has the directory: a backend that runs waits between two commits for as long as it takes
//! to begin to read, and goes on. Under its name there is a whole backup that was read back, or
//! what was there before.

use std::io::{BufReader, IsTerminal as _, Write as _};
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
use crate::store::disk::Fresh;

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
    let copied = cut.copy_to(&copies.0, &mut |done| said.go_on(done));
    if !copied.map_err(|error| error.notice())? {
        return Err(stopped());
    }
    let contents = contents(&cut, &copies.0)?;
    drop(cut);
    let size: u64 = contents.files.iter().map(|(_, bytes)| bytes).sum();
    said.next("written", size);
    let failed = |error: BackupError| explain(file, &error);
    let mut fresh = Fresh::new(file).map_err(|error| error.notice())?;
    backup::write(&contents, &copies.0, &mut fresh, &mut |done| said.go_on(done))
        .map_err(failed)?;
    free(file, force)?;
    fresh.finish().map_err(|error| error.notice())?;
    drop(copies);
    said.next("checked", size);
    check(file, &mut said)?;
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
    if file.is_dir() {
        let line = format!("{} is a directory", file.display());
        return Err(Notice::error("exists", line, "name a file").exit(Exit::Usage));
    }
    Ok(())
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
    let failed = |error: BackupError| explain(file, &error);
    let open = std::fs::File::open(file).map_err(BackupError::from).map_err(failed)?;
    backup::read(&mut BufReader::new(open), None, &mut |done| said.go_on(done)).map_err(failed)?;
    Ok(())
}

/// What is wrong with a backup, as a notice.
pub(super) fn explain(file: &Path, error: &BackupError) -> Notice {
    let line = format!("{}: {error}", file.display());
    match error {
        BackupError::NotOne | BackupError::Damaged(_) => {
            Notice::error("damaged-backup", line, "nothing was changed; use another backup")
        }
        BackupError::Newer(_) => {
            Notice::error("newer", line, "use that version").exit(Exit::DataDir)
        }
        BackupError::Stopped => stopped(),
        BackupError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Notice::error("no-file", line, "look at its name").exit(Exit::NotFound)
        }
        BackupError::Io(_) => Notice::error("io", line, "is there room, and may you write there?"),
    }
}

fn stopped() -> Notice {
    Notice::error("stopped", "stopped; nothing was changed", "").exit(Exit::Stopped)
}

/// A directory beside the file, for its owner only and gone with this value, for the copies that
/// the file is made of.
struct Copies(PathBuf);

impl Copies {
    fn beside(file: &Path) -> Result<Self, Notice> {
        let mut name = std::ffi::OsString::from(".");
        name.push(file.file_name().unwrap_or_default());
        name.push(format!(".{}", std::process::id()));
        let path = file.with_file_name(name);
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| StoreError::Io { path: path.clone(), error }.notice())?;
        Ok(Self(path))
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
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
