//! A file that is being read, until the last of its messages is answered; and one of one message.
//!
//! Invariant: what is remembered of a file is what was answered of all its messages, or nothing.

use std::cell::RefCell;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::changes::Now;
use super::discover::Source;
use super::ledger::{FileRow, Held, LeftOut, Stamp};
use super::probe::{self, Start};
use super::{Said, from_line, packed};
use crate::id::{MessageId, ThreadId};
use crate::limits;

/// Messages of one file that are remembered; a file of more is read again each time.
const MAX_HELD: usize = 500_000;

/// Where a message that was submitted came from.
pub(super) struct Origin {
    pub(super) path: Rc<PathBuf>,
    pub(super) offset: u64,
    /// What is said of it there, and whether its own header said some of that.
    pub(super) said: Said,
    pub(super) header: bool,
    pub(super) file: Rc<RefCell<Reading>>,
}

/// A file that is read: until its last message is answered.
pub(super) struct Reading {
    /// Its path without links.
    pub(super) real: PathBuf,
    pub(super) was: Option<Box<FileRow>>,
    pub(super) stamp: Stamp,
    pub(super) mbox: bool,
    /// Messages that wait for their answer.
    pub(super) waiting: usize,
    /// Whether it was read to its end.
    pub(super) ended: bool,
    /// Whether something of it was not taken in: then it is read again.
    pub(super) failed: bool,
    /// Its messages, and whether each came in with this run.
    pub(super) held: Vec<(Held, bool)>,
    pub(super) left_out: LeftOut,
}

impl Reading {
    /// A file that was found so.
    pub(super) fn of(source: &Source, real: PathBuf, was: Option<Box<FileRow>>) -> Self {
        Self {
            real,
            was,
            stamp: source.stamp,
            mbox: source.mbox,
            waiting: 0,
            ended: false,
            failed: false,
            held: Vec::new(),
            left_out: LeftOut::default(),
        }
    }

    /// Notes what was answered. A backend that does not say which message it was leaves the file to
    /// be read again.
    pub(super) fn hold(
        &mut self,
        message: Option<MessageId>,
        thread: ThreadId,
        (said, header): (Said, bool),
        imported: bool,
    ) {
        match message {
            Some(message) if self.held.len() <= MAX_HELD => {
                self.held.push((Held { message, thread, said, header }, imported));
            }
            Some(_) => {}
            None => self.failed = true,
        }
    }

    /// What is remembered of it, once all of it is answered; `None` when nothing is.
    pub(super) fn end(&mut self) -> Option<Now> {
        let held = std::mem::take(&mut self.held);
        if held.len() > MAX_HELD || (self.failed && held.is_empty()) {
            return None;
        }
        // An mbox that was written while it was read is not what was read.
        let is_still = |metadata| Stamp::of(&metadata, true) == self.stamp;
        let still = !self.mbox || std::fs::metadata(&self.real).is_ok_and(is_still);
        let stamp = (still && !self.failed).then_some(self.stamp);
        let (held, imported) = held.into_iter().unzip();
        let was = self.was.take().map(|was| (self.real.clone(), *was));
        let row = FileRow { stamp, held, left_out: self.left_out, ..FileRow::default() };
        Some(Now { path: self.real.clone(), was, row, imported })
    }

    /// Whether all of it is answered.
    pub(super) fn is_done(&self) -> bool {
        self.ended && self.waiting == 0
    }
}

/// A file that is one message.
pub(super) enum Single {
    Message { raw: Vec<u8>, date: Option<i64> },
    TooLarge,
}

/// Reads a file that is one message.
pub(super) fn read_single(path: &Path) -> io::Result<Single> {
    let file = packed::open(path)?;
    let mut raw = Vec::new();
    // One more than the bound shows that there is more; so does a `From ` line's worth.
    let most = limits::MAX_MESSAGE_BYTES + probe::PROBE_BYTES;
    file.take(most as u64 + 1).read_to_end(&mut raw)?;
    let date = strip_front(&mut raw);
    Ok(if raw.len() > limits::MAX_MESSAGE_BYTES {
        Single::TooLarge
    } else {
        Single::Message { raw, date }
    })
}

/// Takes away what stands before the first field: empty lines, and a `From ` line that a program
/// left in front of a single message. Returns that line's date.
fn strip_front(raw: &mut Vec<u8>) -> Option<i64> {
    let start = &raw[..raw.len().min(probe::PROBE_BYTES)];
    let (at, line) = probe::first_line(start);
    let (cut, date) = match probe::start(start) {
        Start::Field => (at, None),
        Start::Mbox => {
            let end = raw[at..].iter().position(|b| *b == b'\n').map_or(raw.len(), |n| at + n + 1);
            (end, from_line::date(line))
        }
        Start::Blank | Start::Other => (0, None),
    };
    raw.drain(..cut);
    date
}
