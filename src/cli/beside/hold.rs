//! A backend in another process is held between two commits for a moment, so that this one can
//! begin to read it there.
//!
//! Invariant: it is held for as long as this process takes to begin, and never longer than it
//! allows by itself; who was too slow is told so. Nothing of the owner's is written by it.

use std::io;
use std::time::Duration;

use super::guest::dial;
use super::{Answer, Lines, Request};
use crate::backend::HostHandle;
use crate::cli::home::Home;
use crate::limits::{HELLO_TIMEOUT, MAX_HELLO_BYTES};
use crate::notice::{Exit, Explain as _, Notice};

/// How often one that was too slow tries again: the machine is busy.
const TRIES: usize = 5;
/// How long a guest may take before it says that it has begun.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// Does `begin` while the backend of the directory, in another process, is held; `None` when nobody
/// hears.
pub(in crate::cli) fn while_held<T>(
    home: &Home,
    begin: impl Fn() -> Result<T, Notice>,
) -> Result<Option<T>, Notice> {
    for _ in 0..TRIES {
        let Ok(stream) = dial(home) else { return Ok(None) };
        let Ok(mut lines) = Lines::new(stream) else { return Ok(None) };
        let hold = Request::Hold { version: env!("CARGO_PKG_VERSION").to_owned() };
        let held = lines.write(&hold).and_then(|()| lines.read(MAX_HELLO_BYTES, HELLO_TIMEOUT));
        match held {
            Ok(Some(Answer::Held)) => {}
            Ok(Some(Answer::Refused(refusal))) => return Err(refusal.into()),
            // It ends, or is another version that does not know the question.
            _ => return Ok(None),
        }
        let begun = begin()?;
        let released = lines
            .write(&Request::Release)
            .and_then(|()| lines.read(MAX_HELLO_BYTES, HELLO_TIMEOUT));
        if matches!(released, Ok(Some(Answer::Released { in_time: true }))) {
            return Ok(Some(begun));
        }
    }
    let line = "the mailtui that has this data directory open did not wait long enough";
    Err(Notice::error("unanswered", line, "the machine is busy: run it again"))
}

/// The side of the process whose backend it is.
pub(super) fn hold(
    backend: Option<&HostHandle>,
    version: &str,
    lines: &mut Lines,
) -> io::Result<()> {
    let refuse = |line: &str, hint: &str| {
        Answer::Refused(Notice::error("in-use", line, hint).exit(Exit::DataDir).into())
    };
    if version != env!("CARGO_PKG_VERSION") {
        let line = "another version of mailtui has this data directory open";
        return lines.write(&refuse(line, "quit it first"));
    }
    let Some(backend) = backend else {
        let line = "the mail is not in this data directory: its backend is elsewhere";
        return lines.write(&refuse(line, "make the backup where the backend is"));
    };
    let held = match backend.hold() {
        Ok(held) => held,
        Err(error) => return lines.write(&Answer::Refused(error.notice().into())),
    };
    lines.write(&Answer::Held)?;
    let begun = matches!(lines.read(MAX_HELLO_BYTES, BEGIN_WITHIN), Ok(Some(Request::Release)));
    let in_time = held.release() && begun;
    lines.write(&Answer::Released { in_time })
}
