//! Asks the program `notmuch` for the tags of a directory's messages.
//!
//! Invariant: the program gets arguments, never a shell; it is told to write nothing, and runs
//! without the user's configuration and hooks; it ends at a deadline, or when the user stops the
//! import. What it says is bounded.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::Tags;
use crate::safe_text;

/// How long the program may take: a dump of a million messages takes half a minute.
const DEADLINE: Duration = Duration::from_mins(5);
/// How often it is asked whether the user stopped the import.
const TICK: Duration = Duration::from_millis(100);
/// The longest dump that is read, in bytes.
const MAX_DUMP_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// How much of what the program complains of is kept, in bytes.
const MAX_COMPLAINT_BYTES: u64 = 4 * 1024;
/// Names that are tried for the file of settings.
const MAX_NAMES: u32 = 1_000;

/// Reads the tags of the messages below `root` into `tags`. When it fails, none of them count.
pub(super) fn read(root: &Path, tags: &mut Tags, stop: &AtomicBool) -> Result<(), String> {
    let settings = Settings::of(root)?;
    let mut config = std::ffi::OsString::from("--config=");
    config.push(&settings.path);
    let mut command = Command::new("notmuch");
    command.arg(config).args(["dump", "--format=batch-tag", "--include=tags"]);
    run(command, tags, stop, DEADLINE)
}

/// Runs a program that writes a dump to its standard output.
pub(super) fn run(
    mut command: Command,
    tags: &mut Tags,
    stop: &AtomicBool,
    deadline: Duration,
) -> Result<(), String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "notmuch is not installed".to_owned(),
        _ => error.to_string(),
    })?;
    let (Some(output), Some(complaints)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("it has no output".to_owned());
    };
    let (done, wait) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut tags = Tags::default();
        let read = tags.read(&mut BufReader::new(output.take(MAX_DUMP_BYTES)));
        let _ = done.send(());
        read.map(|()| tags)
    });
    let complaint = thread::spawn(move || complaint(complaints));
    if let Err(why) = wait_for(&wait, stop, deadline) {
        let _ = child.kill();
        let _ = child.wait();
        // Its threads end with its output, which a process that it began may hold on to.
        return Err(why);
    }
    let ended = child.wait();
    let told = complaint.join().unwrap_or_default();
    let read = reader.join().map_err(|_| "its output could not be read".to_owned())?;
    match ended {
        Ok(status) if status.success() => {}
        Ok(_) if !told.is_empty() => return Err(told),
        Ok(status) => return Err(format!("notmuch ended with {status}")),
        Err(error) => return Err(error.to_string()),
    }
    tags.merge(read.map_err(|error| error.to_string())?);
    Ok(())
}

fn wait_for(
    wait: &mpsc::Receiver<()>,
    stop: &AtomicBool,
    deadline: Duration,
) -> Result<(), String> {
    let mut left = deadline;
    loop {
        match wait.recv_timeout(TICK.min(left)) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        left = left.saturating_sub(TICK);
        if stop.load(Ordering::Relaxed) {
            return Err("it was stopped".to_owned());
        }
        if left.is_zero() {
            return Err(format!("notmuch took longer than {} s", deadline.as_secs()));
        }
    }
}

/// The last line of what a program complains of; all of it is read, so that it never waits.
fn complaint(mut from: impl Read) -> String {
    let mut text = Vec::new();
    let _ = from.by_ref().take(MAX_COMPLAINT_BYTES).read_to_end(&mut text);
    let _ = io::copy(&mut from, &mut io::sink());
    let text = String::from_utf8_lossy(&text);
    safe_text::line(text.trim().lines().last().unwrap_or_default())
}

/// A file of settings that name the directory and nothing else; gone when dropped.
struct Settings {
    path: PathBuf,
}

impl Settings {
    fn of(root: &Path) -> Result<Self, String> {
        let real = root.canonicalize().map_err(|error| error.to_string())?;
        let name =
            plain(real.as_os_str()).ok_or("its name has characters that notmuch cannot be told")?;
        let mut made = create().map_err(|error| error.to_string())?;
        let text = format!("[database]\npath={}\n", name.replace('\\', "\\\\"));
        made.1.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(made.0)
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A name that a line of settings can hold.
fn plain(name: &OsStr) -> Option<&str> {
    name.to_str().filter(|name| !name.chars().any(char::is_control))
}

fn create() -> io::Result<(Settings, File)> {
    let dir = std::env::temp_dir();
    let mut last = io::Error::other("no name is free");
    for n in 0..MAX_NAMES {
        let path = dir.join(format!("mailtui-{}-{n}.notmuch", std::process::id()));
        // Never one that is there: it may be another's.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((Settings { path }, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
