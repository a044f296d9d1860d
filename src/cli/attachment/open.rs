//! `attachment open`: an attachment is given to what opens files of its kind.
//!
//! Invariant: the opener is a program with arguments, never a line for a shell; the file lies in a
//! directory that only the user can enter, and cannot be run. What is a program, by its name, its
//! type or its bytes, is opened only when somebody said so.

use std::ffi::OsString;
use std::io::{BufRead as _, IsTerminal as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use super::find::Item;
use super::{file_name, put, runs};
use crate::cli::home::Home;
use crate::cli::opener::{FALLBACK, VARIABLE};
use crate::cli::output::Output;
use crate::notice::{Exit, Explain as _, Notice};
use crate::safe_text;

/// Where opened files lie, in the data directory.
const DIR: &str = "opened";
/// How long they are kept: what opened them may still read them.
const KEPT: Duration = Duration::from_hours(24);
/// How long a failure of the opener is waited for; one that has not ended then shows the file.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(20);

/// How it is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// Also what is a program.
    pub(super) force: bool,
    /// Until it has ended.
    pub(super) wait: bool,
}

/// Opens an attachment.
pub(super) fn open(
    home: &Home,
    output: Output,
    item: &Item,
    bytes: &[u8],
    how: How,
) -> Result<Exit, Notice> {
    if let Some(what) = runs(&item.attachment, bytes).filter(|_| !how.force) {
        let name = safe_text::line(&file_name(&item.attachment));
        if !confirmed(output, &format!("{name} is {what}. Open it? (yes/no) ")) {
            let line = format!("{name} is {what}; it was not opened");
            let hint = "save it and look at it first, or add --force";
            return Err(Notice::error("program", line, hint).exit(Exit::Usage));
        }
    }
    let words = opener(&|name| std::env::var_os(name))?;
    let path = place(&home.dir, &file_name(&item.attachment), bytes)?;
    run(&words, &path, how.wait)?;
    let (opener, path) = (words[0].to_string_lossy(), path.to_string_lossy());
    let said = json!({ "n": item.number, "path": path, "opener": safe_text::line(&opener) });
    output.result(&said, || format!("Opened {}", safe_text::line(&file_name(&item.attachment))))?;
    Ok(Exit::Done)
}

/// Asks on the terminal.
fn confirmed(output: Output, question: &str) -> bool {
    if output.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return false;
    }
    output.ask(question);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}

/// What opens files and links: the program and arguments in `MAILTUI_OPEN`, else the desktop's.
pub(in crate::cli) fn opener(
    env: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Vec<OsString>, Notice> {
    let said = env(VARIABLE).map(|said| said.to_string_lossy().into_owned());
    let Some(said) = said.filter(|said| !said.trim().is_empty()) else {
        return Ok(vec![FALLBACK.into()]);
    };
    let words = shlex::split(&said).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| {
        let line = "MAILTUI_OPEN cannot be read: a quote is not closed";
        Notice::error("opener", line, "name a program and its arguments").exit(Exit::Usage)
    })?;
    Ok(words.into_iter().map(OsString::from).collect())
}

/// Writes the file where only the user can read it; older ones go.
pub(in crate::cli) fn place(data: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Notice> {
    let failed = |error: std::io::Error| {
        let line = format!("the file to open could not be written: {error}");
        Notice::error("write", line, "is there room in the data directory?")
    };
    let dir = data.join(DIR);
    crate::store::private_dir(&dir).map_err(|error| error.notice())?;
    sweep(&dir, SystemTime::now());
    // Each in a directory of its own: what opens it shows the name that it has.
    let own = dir.join(uuid::Uuid::now_v7().simple().to_string());
    crate::store::private_dir(&own).map_err(|error| error.notice())?;
    put::put(&own, name, bytes).map_err(failed)
}

/// Takes away what was opened long ago.
fn sweep(dir: &Path, now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|about| about.modified());
        let age = age.ok().and_then(|since| now.duration_since(since).ok());
        if age.is_some_and(|age| age > KEPT) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Starts the opener. One that goes on showing the file is left alone.
pub(in crate::cli) fn run(words: &[OsString], path: &Path, wait: bool) -> Result<(), Notice> {
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let shown = safe_text::line(&program.to_string_lossy());
    let hint = "MAILTUI_OPEN names another program";
    let failed = |why: String| Notice::error("opener", format!("{shown} {why}"), hint);
    // An absolute path is no option of the opener, whatever it is called.
    let path = std::path::absolute(path).map_err(|error| failed(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(arguments).arg(&path);
    if !wait {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    }
    let mut child = command.spawn().map_err(|error| failed(format!("cannot be run: {error}")))?;
    let since = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(format!("could not open it ({status})"))),
            Ok(None) if !wait && since.elapsed() > PATIENCE => {
                // Somebody has to wait for it, or it stays as a dead process while we live.
                std::thread::spawn(move || child.wait());
                return Ok(());
            }
            Ok(None) => std::thread::sleep(LOOK),
            Err(error) => return Err(failed(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_opener_is_a_program_with_arguments() {
        let env = |said: &'static str| move |_: &str| Some(OsString::from(said));
        assert_eq!(opener(&env("open -a 'My Viewer'")).unwrap(), ["open", "-a", "My Viewer"]);
        assert_eq!(opener(&env(" ")).unwrap().len(), 1);
        assert_eq!(opener(&env("x 'y")).unwrap_err().code, "opener");
    }

    #[test]
    fn opened_files_are_private_and_go_after_a_while() {
        let data = tempfile::tempdir().unwrap();
        let first = place(data.path(), "a.txt", b"one").unwrap();
        let second = place(data.path(), "a.txt", b"two").unwrap();
        assert_eq!(std::fs::read(&first).unwrap(), b"one");
        assert_eq!(second.file_name().unwrap(), "a.txt");
        for path in [first.parent().unwrap(), first.parent().unwrap().parent().unwrap()] {
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        sweep(&data.path().join(DIR), SystemTime::now() + KEPT + Duration::from_mins(1));
        assert!(!first.exists() && !second.exists());
    }

    #[test]
    fn an_opener_that_fails_is_said() {
        let path = Path::new("/dev/null");
        assert!(run(&["true".into()], path, false).is_ok());
        assert_eq!(run(&["false".into()], path, false).unwrap_err().code, "opener");
        assert_eq!(run(&["/no/such".into()], path, true).unwrap_err().code, "opener");
    }
}
