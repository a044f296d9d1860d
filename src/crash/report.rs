//! What a panic leaves behind: one line on standard error, and a file with where it happened.
//!
//! Invariant: no mail is in either. The message of a panic may quote what was worked on (a slice
//! error quotes the text), so it is kept only where it is a literal of the program. The file is
//! the user's alone, and a process writes a bounded number of panics into it.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::{self, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::clock::{Clock as _, SystemClock, rfc3339};
use crate::safe_text;

/// The file's name in the data directory.
pub const FILE: &str = "crash.txt";
/// The most panics that one process reports.
const MAX_REPORTS: usize = 8;
/// The longest report, in bytes.
const MAX_REPORT_BYTES: usize = 64 * 1024;

thread_local! {
    /// Whether a panic of this thread is an answer, and no crash.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// What this process has reported.
static TOLD: Mutex<Told> = Mutex::new(Told { count: 0, file: None, held: None });

struct Told {
    count: usize,
    file: Option<PathBuf>,
    /// Lines that wait until the screen is the shell's again.
    held: Option<Vec<String>>,
}

/// From now on every panic of this process is reported into `dir`, or into the temporary directory
/// while that is absent: nothing makes a data directory but what stores something in it.
pub fn install(dir: &Path) {
    let dir = dir.to_owned();
    panic::set_hook(Box::new(move |info| report(&dir, info)));
}

/// Does what a library does with bytes of others; `None` where it panics over them. That is no
/// crash of the program: nobody is told, and no file is written. It must touch nothing that lives
/// on.
pub fn contained<T>(work: impl FnOnce() -> T + panic::UnwindSafe) -> Option<T> {
    let before = CONTAINED.replace(true);
    let done = panic::catch_unwind(work);
    CONTAINED.set(before);
    done.ok()
}

/// Whether a panic of this thread is contained now: hooks leave it alone.
#[must_use]
pub fn is_contained() -> bool {
    CONTAINED.get()
}

/// While this lives, lines about panics are kept; they are said when it is dropped.
#[derive(Debug)]
pub struct Hold(());

/// Keeps lines back while the terminal shows something else.
#[must_use]
pub fn hold() -> Hold {
    told().held.get_or_insert_with(Vec::new);
    Hold(())
}

impl Drop for Hold {
    fn drop(&mut self) {
        for line in told().held.take().into_iter().flatten() {
            say(&line);
        }
    }
}

fn told() -> std::sync::MutexGuard<'static, Told> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn say(line: &str) {
    // Nobody is left to tell when this fails.
    let _ = writeln!(io::stderr(), "{line}");
}

fn report(dir: &Path, info: &PanicHookInfo<'_>) {
    if is_contained() {
        return;
    }
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let literal = info.payload().downcast_ref::<&'static str>().copied();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let text = text(&place, literal, thread, &Backtrace::force_capture().to_string());
    let mut told = told();
    if told.count == MAX_REPORTS {
        return;
    }
    told.count += 1;
    let file = match &told.file {
        Some(file) => append(file, &text).map(|()| file.clone()),
        None => first(dir, &text),
    };
    let mut line = format!("mailtui: crashed at {} (thread {thread})", safe_text::line(&place));
    if let Ok(file) = file {
        let shown = safe_text::line(&file.display().to_string());
        // Writing to a `String` cannot fail.
        let _ = write!(line, "\n  a report, without any mail in it, is in {shown}");
        told.file = Some(file);
    }
    match &mut told.held {
        Some(held) => held.push(line),
        None => say(&line),
    }
}

/// The report's text.
fn text(place: &str, literal: Option<&str>, thread: &str, trace: &str) -> String {
    let at = rfc3339(SystemClock.now()).unwrap_or_default();
    let why = literal.unwrap_or("(left out: it is made of values, which may be mail)");
    let (version, os, arch) =
        (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    let mut text = format!(
        "mailtui {version} on {os} {arch} crashed at {at}\nplace: {place}\nthread: {thread}\n\
         message: {why}\n\n{trace}\n"
    );
    let mut end = MAX_REPORT_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    safe_text::text(&text)
}

/// Writes the first report of this process, in place of an earlier process's.
fn first(dir: &Path, text: &str) -> io::Result<PathBuf> {
    let mut options = File::options();
    options.write(true).mode(0o600);
    let file = if dir.is_dir() {
        let file = dir.join(FILE);
        // A new file, so that its mode is ours whatever lay there.
        let _ = std::fs::remove_file(&file);
        file
    } else {
        std::env::temp_dir().join(format!("mailtui-crash-{}.txt", std::process::id()))
    };
    options.create_new(true).open(&file)?.write_all(text.as_bytes())?;
    Ok(file)
}

fn append(file: &Path, text: &str) -> io::Result<()> {
    File::options().append(true).open(file)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_report_says_where_and_keeps_only_literals() {
        let shown = text("src/x.rs:1:2", Some("a literal"), "engine", "trace");
        for part in ["place: src/x.rs:1:2", "thread: engine", "message: a literal", "trace"] {
            assert!(shown.contains(part), "{shown}");
        }
        assert!(text("", None, "", "").contains("message: (left out"));
        assert!(!text("", None, "\u{1b}[2J", "").contains('\u{1b}'));
        assert!(text("", None, "", &"é".repeat(MAX_REPORT_BYTES)).len() <= MAX_REPORT_BYTES + 2);
    }

    #[test]
    fn a_report_is_the_users_alone_and_replaces_the_last() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "old").unwrap();
        let file = first(dir.path(), "one\n").unwrap();
        append(&file, "two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
