//! A streaming reader of mbox files: mboxo, mboxrd, mboxcl and mboxcl2, LF or CRLF.
//!
//! Invariant: memory is one message (at most the given bound), as much again that was looked at
//! ahead, and a piece of a line, whatever the file holds; every byte of the file belongs to exactly
//! one entry. It must not decide what a message means: `Status` headers and the like are read at
//! ingest.
//!
//! A `Content-Length` is believed only where what stands at its end is a separator or the end of
//! the file; else the message ends at the next `From ` line, as in files without lengths.

use std::io::{self, Read};

use super::from_line::{self, PREFIX};

/// A line is read in pieces of at most this many bytes, so that a file without line ends is
/// bounded.
const PIECE_BYTES: usize = 64 * 1024;
/// Bytes looked at where a length says that a message ends: empty lines, a `From ` line, a field.
const END_LOOK_BYTES: usize = 4 * 1024;
/// Empty lines between where a length says that a message ends and the next `From ` line: the one
/// of the format, and one where the last line of the message has no end.
const END_EMPTY_LINES: usize = 2;
/// The field that says how long a message's body is.
const LENGTH_FIELD: &[u8] = b"content-length:";

/// One message of an mbox, or what is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A message.
    Message {
        /// Where its `From ` line begins.
        offset: u64,
        /// The date of the `From ` line, Unix seconds.
        date: Option<i64>,
        /// RFC 5322 bytes, quoting undone.
        raw: Vec<u8>,
    },
    /// A message above the bound; its bytes are gone.
    TooLarge {
        /// Where its `From ` line begins.
        offset: u64,
        /// How large it is, in bytes.
        bytes: u64,
    },
}

/// Reads entries one at a time.
#[derive(Debug)]
pub struct MboxReader<R> {
    pieces: Pieces<R>,
    line: Piece,
    max_bytes: usize,
    begun: Option<Begun>,
    /// The line before was empty, or this is the start of the file.
    after_empty: bool,
    /// A length that was right had unquoted `From ` lines before it: this writer quotes none.
    unquoted_writer: bool,
}

/// The message that is being read.
#[derive(Debug, Default)]
struct Begun {
    offset: u64,
    date: Option<i64>,
    raw: Vec<u8>,
    bytes: u64,
    /// The empty line after the header was met.
    in_body: bool,
    /// What `Content-Length` says.
    length: Option<Length>,
    /// Its end is known by its length; no empty line belongs to the format.
    exact: bool,
}

/// What the `Content-Length` fields of one message say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Bytes(usize),
    /// No number, or several.
    Nonsense,
}

impl<R: Read> MboxReader<R> {
    /// Reads from `input`; a message larger than `max_bytes` is [`Entry::TooLarge`].
    pub fn new(input: R, max_bytes: usize) -> Self {
        Self {
            pieces: Pieces::new(input),
            line: Piece::default(),
            max_bytes,
            begun: None,
            after_empty: true,
            unquoted_writer: false,
        }
    }

    /// How much of the file was read, in bytes.
    pub fn offset(&self) -> u64 {
        self.pieces.offset
    }

    /// What is read from.
    pub fn input(&self) -> &R {
        &self.pieces.input
    }

    /// Where the message that is being read begins; for the place of an error.
    pub fn begun_at(&self) -> u64 {
        self.begun.as_ref().map_or(self.pieces.offset, |begun| begun.offset)
    }

    /// The next entry; `None` at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read on. What came before stays good.
    pub fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if !self.pieces.next_into(&mut self.line)? {
                return Ok(self.begun.take().map(|begun| begun.end(self.max_bytes)));
            }
            let empty = self.line.is_empty_line();
            if self.separates() {
                let before = self.begun.replace(Begun {
                    offset: self.line.offset,
                    date: from_line::date(&self.line.bytes),
                    ..Begun::default()
                });
                self.after_empty = false;
                if let Some(before) = before {
                    return Ok(Some(before.end(self.max_bytes)));
                }
                continue;
            }
            self.after_empty = empty;
            if self.take_line(empty) {
                self.body_by_length();
            }
        }
    }

    fn separates(&mut self) -> bool {
        if !(self.line.starts && self.line.bytes.starts_with(PREFIX)) {
            return false;
        }
        // The first one was recognised by the file's kind; it need not be plausible. A line that is
        // far too long is a file with other line ends, and nothing of it may be lost.
        if self.begun.is_none() {
            return self.after_empty && self.line.bytes.len() <= from_line::MAX_LINE_BYTES;
        }
        let next = self.pieces.ahead(PIECE_BYTES);
        if self.after_empty {
            from_line::separates(&self.line.bytes, next)
        } else {
            from_line::separates_anywhere(&self.line.bytes, next)
        }
    }

    /// Takes a line into the message; true where its header ends here and a length is known.
    fn take_line(&mut self, empty: bool) -> bool {
        if self.begun.is_none() && empty {
            return false;
        }
        let begun = self
            .begun
            .get_or_insert_with(|| Begun { offset: self.line.offset, ..Begun::default() });
        let text = if self.line.starts { unquoted(&self.line.bytes) } else { &self.line.bytes };
        begun.take(text, self.max_bytes);
        if begun.in_body {
            return false;
        }
        if self.line.starts {
            begun.length = begun.length_after(&self.line.bytes);
        }
        begun.in_body = empty;
        empty && begun.length.is_some()
    }

    /// Takes the body of the message in one, if its length proves right.
    fn body_by_length(&mut self) {
        let Some(begun) = &mut self.begun else { return };
        let Some(Length::Bytes(length)) = begun.length else { return };
        if length > self.max_bytes {
            return;
        }
        let ahead = self.pieces.ahead(length + END_LOOK_BYTES);
        let Some(body) = ahead.get(..length) else { return };
        let Some(empty) = end_after(body, &ahead[length..]) else { return };
        let mut lines = body.split_inclusive(|b| *b == b'\n');
        self.unquoted_writer |= lines.any(|line| line.starts_with(PREFIX));
        if self.unquoted_writer {
            begun.take(body, self.max_bytes);
        } else {
            for line in body.split_inclusive(|b| *b == b'\n') {
                begun.take(unquoted(line), self.max_bytes);
            }
        }
        begun.exact = true;
        self.pieces.skip(length + empty);
        self.after_empty = true;
    }
}

/// How many bytes of empty lines stand after `body` before a separator or the end of the file;
/// `None` where neither comes. `rest` is what follows, all of it where it is short.
fn end_after(body: &[u8], rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..END_EMPTY_LINES {
        at += [&b"\n"[..], b"\r\n"]
            .iter()
            .find(|end| rest[at..].starts_with(end))
            .map_or(0, |e| e.len());
    }
    if at == rest.len() {
        return Some(at);
    }
    if at == 0 && !matches!(body.last(), None | Some(b'\n')) {
        return None;
    }
    let end = rest[at..].iter().position(|b| *b == b'\n').map_or(rest.len(), |n| at + n + 1);
    from_line::separates(&rest[at..end], &rest[end..]).then_some(at)
}

/// The empty line after a message is not part of it; it may be CRLF.
const END_BYTES: u64 = 2;

impl Begun {
    fn take(&mut self, text: &[u8], max_bytes: usize) {
        self.bytes += text.len() as u64;
        if self.bytes > max_bytes as u64 + END_BYTES {
            self.raw = Vec::new();
        } else {
            self.raw.extend_from_slice(text);
        }
    }

    /// What is known of the length after this line of the header.
    fn length_after(&self, line: &[u8]) -> Option<Length> {
        let Some(name) = line.get(..LENGTH_FIELD.len()) else { return self.length };
        if !name.eq_ignore_ascii_case(LENGTH_FIELD) {
            return self.length;
        }
        let value = line[LENGTH_FIELD.len()..].trim_ascii();
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
        Some(match (number, self.length) {
            (Some(bytes), None) if digits => Length::Bytes(bytes),
            (Some(bytes), Some(said)) if said == Length::Bytes(bytes) => said,
            _ => Length::Nonsense,
        })
    }

    fn end(mut self, max_bytes: usize) -> Entry {
        if self.bytes > max_bytes as u64 + END_BYTES {
            return Entry::TooLarge { offset: self.offset, bytes: self.bytes };
        }
        let cut = [&b"\n\r\n"[..], b"\n\n"].into_iter().find(|end| self.raw.ends_with(end));
        match cut {
            _ if self.exact => {}
            Some(end) => self.raw.truncate(self.raw.len() + 1 - end.len()),
            None if matches!(&self.raw[..], b"\n" | b"\r\n") => self.raw.clear(),
            None => {}
        }
        if self.raw.len() > max_bytes {
            return Entry::TooLarge { offset: self.offset, bytes: self.bytes };
        }
        Entry::Message { offset: self.offset, date: self.date, raw: self.raw }
    }
}

/// Undoes mboxrd quoting: one `>` less before `From `. In mboxo files `>From ` is the only form.
fn unquoted(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|b| **b == b'>').count();
    if quotes > 0 && line[quotes..].starts_with(PREFIX) { &line[1..] } else { line }
}

/// A line, or a part of one that is longer than [`PIECE_BYTES`].
#[derive(Debug, Default)]
struct Piece {
    bytes: Vec<u8>,
    offset: u64,
    /// Whether a line starts here.
    starts: bool,
}

impl Piece {
    fn is_empty_line(&self) -> bool {
        self.starts && matches!(&self.bytes[..], b"\n" | b"\r\n")
    }
}

/// Cuts the input into pieces, and shows what comes after them.
#[derive(Debug)]
struct Pieces<R> {
    input: R,
    /// What was read; what stands before `at` is done with.
    buffer: Vec<u8>,
    at: usize,
    /// Where in the file `at` is.
    offset: u64,
    line_start: bool,
    ended: bool,
    /// Why nothing more can be read; told when all that was read before is done with.
    failed: Option<io::Error>,
}

impl<R: Read> Pieces<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            at: 0,
            offset: 0,
            line_start: true,
            ended: false,
            failed: None,
        }
    }

    /// What comes next: at least `bytes` of it, where there is so much.
    fn ahead(&mut self, bytes: usize) -> &[u8] {
        if self.buffer.len() - self.at < bytes && !self.ended {
            // Half of it is done with: so each byte is moved once or twice, however far one looks.
            if self.at > self.buffer.len() / 2 {
                self.buffer.drain(..self.at);
                self.at = 0;
            }
            let missing = bytes - (self.buffer.len() - self.at);
            let wanted = missing.max(PIECE_BYTES) as u64;
            let before = self.buffer.len();
            match self.input.by_ref().take(wanted).read_to_end(&mut self.buffer) {
                Ok(_) => self.ended = ((self.buffer.len() - before) as u64) < wanted,
                Err(error) => (self.ended, self.failed) = (true, Some(error)),
            }
        }
        &self.buffer[self.at..]
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
        self.offset += bytes as u64;
        self.line_start = true;
    }

    /// Fills `piece`; false at the end.
    fn next_into(&mut self, piece: &mut Piece) -> io::Result<bool> {
        let (offset, starts) = (self.offset, self.line_start);
        let end_in = |bytes: &[u8]| {
            let room = &bytes[..bytes.len().min(PIECE_BYTES)];
            room.iter().position(|b| *b == b'\n').map(|at| at + 1)
        };
        // What is there already may hold a whole line; only then need no more be read.
        let end = match end_in(self.ahead(1)) {
            None => end_in(self.ahead(PIECE_BYTES)),
            end => end,
        };
        let bytes = &self.buffer[self.at..];
        let taken = end.unwrap_or(bytes.len().min(PIECE_BYTES));
        piece.bytes.clear();
        piece.bytes.extend_from_slice(&bytes[..taken]);
        (piece.offset, piece.starts) = (offset, starts);
        self.skip(taken);
        self.line_start = piece.bytes.last() == Some(&b'\n');
        match self.failed.take() {
            Some(error) if taken == 0 => Err(error),
            failed => {
                self.failed = failed;
                Ok(taken > 0)
            }
        }
    }
}

#[cfg(test)]
#[path = "mbox_tests.rs"]
mod tests;
