//! A streaming reader of mbox files: plain (mboxo) and mboxrd, LF or CRLF.
//!
//! Invariant: memory is one message (at most the given bound) and two pieces of a line, whatever
//! the file holds; every byte of the file belongs to exactly one entry. It must not decide what a
//! message means: `Status` headers and the like are read at ingest.

use std::io::{self, BufRead};

use super::from_line::{self, PREFIX};

/// A line is read in pieces of at most this many bytes, so that a file without line ends is
/// bounded.
const PIECE_BYTES: usize = 64 * 1024;

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
}

/// The message that is being read.
#[derive(Debug)]
struct Begun {
    offset: u64,
    date: Option<i64>,
    raw: Vec<u8>,
    bytes: u64,
}

impl<R: BufRead> MboxReader<R> {
    /// Reads from `input`; a message larger than `max_bytes` is [`Entry::TooLarge`].
    pub fn new(input: R, max_bytes: usize) -> Self {
        Self {
            pieces: Pieces::new(input),
            line: Piece::default(),
            max_bytes,
            begun: None,
            after_empty: true,
        }
    }

    /// How much of the file was read, in bytes.
    pub fn offset(&self) -> u64 {
        self.pieces.offset
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
            if self.separates()? {
                let before = self.begun.replace(Begun {
                    offset: self.line.offset,
                    date: from_line::date(&self.line.bytes),
                    raw: Vec::new(),
                    bytes: 0,
                });
                self.after_empty = false;
                if let Some(before) = before {
                    return Ok(Some(before.end(self.max_bytes)));
                }
                continue;
            }
            self.after_empty = empty;
            self.take_line(empty);
        }
    }

    fn separates(&mut self) -> io::Result<bool> {
        if !(self.after_empty && self.line.starts && self.line.bytes.starts_with(PREFIX)) {
            return Ok(false);
        }
        // The first one was recognised by the file's kind; it need not be plausible. A line that is
        // far too long is a file with other line ends, and nothing of it may be lost.
        if self.begun.is_none() {
            return Ok(self.line.bytes.len() <= from_line::MAX_LINE_BYTES);
        }
        let next = self.pieces.peek()?;
        Ok(from_line::separates(&self.line.bytes, next))
    }

    fn take_line(&mut self, empty: bool) {
        if self.begun.is_none() && empty {
            return;
        }
        let begun = self.begun.get_or_insert_with(|| Begun {
            offset: self.line.offset,
            date: None,
            raw: Vec::new(),
            bytes: 0,
        });
        let text = if self.line.starts { unquoted(&self.line.bytes) } else { &self.line.bytes };
        begun.bytes += text.len() as u64;
        if begun.bytes > self.max_bytes as u64 + END_BYTES {
            begun.raw = Vec::new();
        } else {
            begun.raw.extend_from_slice(text);
        }
    }
}

/// The empty line after a message is not part of it; it may be CRLF.
const END_BYTES: u64 = 2;

impl Begun {
    fn end(mut self, max_bytes: usize) -> Entry {
        if self.bytes > max_bytes as u64 + END_BYTES {
            return Entry::TooLarge { offset: self.offset, bytes: self.bytes };
        }
        let cut = [&b"\n\r\n"[..], b"\n\n"].into_iter().find(|end| self.raw.ends_with(end));
        match cut {
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

/// Cuts the input into pieces, with one to look ahead.
#[derive(Debug)]
struct Pieces<R> {
    input: R,
    offset: u64,
    line_start: bool,
    ahead: Option<Piece>,
}

impl<R: BufRead> Pieces<R> {
    fn new(input: R) -> Self {
        Self { input, offset: 0, line_start: true, ahead: None }
    }

    /// Fills `piece`; false at the end.
    fn next_into(&mut self, piece: &mut Piece) -> io::Result<bool> {
        if let Some(ahead) = self.ahead.take() {
            *piece = ahead;
            return Ok(!piece.bytes.is_empty());
        }
        piece.bytes.clear();
        piece.offset = self.offset;
        piece.starts = self.line_start;
        while piece.bytes.len() < PIECE_BYTES {
            let buffer = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let room = &buffer[..buffer.len().min(PIECE_BYTES - piece.bytes.len())];
            let end = room.iter().position(|b| *b == b'\n').map(|at| at + 1);
            let taken = end.unwrap_or(room.len());
            piece.bytes.extend_from_slice(&room[..taken]);
            self.input.consume(taken);
            if end.is_some() || taken == 0 {
                break;
            }
        }
        self.offset += piece.bytes.len() as u64;
        self.line_start = piece.bytes.last() == Some(&b'\n');
        Ok(!piece.bytes.is_empty())
    }

    /// The piece after the current one, left in place; empty at the end.
    fn peek(&mut self) -> io::Result<&[u8]> {
        if self.ahead.is_none() {
            let mut piece = Piece::default();
            self.next_into(&mut piece)?;
            self.ahead = Some(piece);
        }
        Ok(self.ahead.as_ref().map_or(&[], |piece| &piece.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads all of `file`: (offset, raw) of each message, and offsets of those too large.
    fn read(file: &[u8], max: usize) -> (Vec<(u64, Vec<u8>)>, Vec<u64>) {
        let mut reader = MboxReader::new(io::BufReader::with_capacity(7, file), max);
        let (mut messages, mut large) = (Vec::new(), Vec::new());
        while let Some(entry) = reader.next_entry().unwrap() {
            match entry {
                Entry::Message { offset, raw, .. } => messages.push((offset, raw)),
                Entry::TooLarge { offset, .. } => large.push(offset),
            }
        }
        assert_eq!(reader.offset(), file.len() as u64);
        (messages, large)
    }

    fn check(file: &str, expected: &[(u64, &str)]) {
        let (messages, large) = read(file.as_bytes(), 10_000);
        let messages: Vec<(u64, String)> = messages
            .into_iter()
            .map(|(offset, raw)| (offset, String::from_utf8(raw).unwrap()))
            .collect();
        let expected: Vec<(u64, String)> =
            expected.iter().map(|(offset, raw)| (*offset, (*raw).to_owned())).collect();
        assert_eq!((messages, large), (expected, vec![]), "{file:?}");
    }

    const D: &str = "From a@b Fri Feb 22 17:06:23 2008";

    #[test]
    fn messages_begin_after_an_empty_line() {
        check("", &[]);
        check("\n\n", &[]);
        check(&format!("{D}\nA: 1\n\nx\n\n{D}\nB: 2\n\n"), &[(0, "A: 1\n\nx\n"), (43, "B: 2\n")]);
        check(&format!("\n{D}\nA: 1\n\nx"), &[(1, "A: 1\n\nx")]);
        // Not after an empty line, and prose after one: both are text.
        check(&format!("{D}\nA: 1\n\nx\n{D}\n"), &[(0, &format!("A: 1\n\nx\n{D}\n"))]);
        check(&format!("{D}\nA: 1\n\nFrom me to you\nx\n"), &[(0, "A: 1\n\nFrom me to you\nx\n")]);
        check("From x\nA: 1\n\nFrom \nB: 2\n", &[(0, "A: 1\n"), (13, "B: 2\n")]);
        check(&format!("{D}\n\n{D}\nB: 2\n"), &[(0, ""), (35, "B: 2\n")]);
    }

    #[test]
    fn a_file_that_was_cut_gives_what_is_there() {
        check(&format!("{D}\nA: 1\n\nx\n\n{D}"), &[(0, "A: 1\n\nx\n"), (43, "")]);
        check(&format!("{D}\nA: 1\n\nx\n\n{}", &D[..12]), &[(0, "A: 1\n\nx\n"), (43, "")]);
        check(&format!("{D}\nA: 1\n\nx\n\n{D}\nB"), &[(0, "A: 1\n\nx\n"), (43, "B")]);
    }

    #[test]
    fn quoting_is_undone_by_one() {
        check(
            &format!("{D}\nA: 1\n\n>From x\n>>From y\n> From z\n>Fromage\n\n"),
            &[(0, "A: 1\n\nFrom x\n>From y\n> From z\n>Fromage\n")],
        );
    }

    #[test]
    fn crlf_files_keep_their_line_ends() {
        check(
            &format!("{D}\r\nA: 1\r\n\r\n>From x\r\n\r\n{D}\r\nB: 2\r\n\r\n"),
            &[(0, "A: 1\r\n\r\nFrom x\r\n"), (54, "B: 2\r\n")],
        );
    }

    #[test]
    fn a_message_above_the_bound_is_listed_and_the_rest_goes_on() {
        let long = "y".repeat(3 * PIECE_BYTES);
        let file = format!("{D}\nA: 1\n\n{D}\n{long}\n\n{D}\nB: 2\n");
        let (messages, large) = read(file.as_bytes(), 100);
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[1].1, b"B: 2\n");
        assert_eq!(large, [40]);
        // Exactly the bound is taken in.
        let file = format!("{D}\n{}\n\n", "z".repeat(99));
        assert_eq!(read(file.as_bytes(), 100).0[0].1.len(), 100);
        assert_eq!(read(file.as_bytes(), 99).1, [0]);
    }

    #[test]
    fn a_line_longer_than_a_piece_does_not_begin_one() {
        let long = format!("{}From a@b Fri Feb 22 17:06:23 2008", "y".repeat(PIECE_BYTES));
        check_len(&format!("{D}\nA: 1\n\n{long}\n"), 1);
    }

    #[test]
    fn a_file_with_other_line_ends_is_not_lost() {
        let file = format!("{D}\rA: 1\r\r{}", "x\r".repeat(600));
        check(&file, &[(0, &file)]);
    }

    fn check_len(file: &str, expected: usize) {
        assert_eq!(read(file.as_bytes(), 1 << 20).0.len(), expected);
    }

    /// mboxrd as RFC-less tradition has it: quote `>*From `, end with an empty line.
    fn write(messages: &[Vec<u8>]) -> Vec<u8> {
        let mut file = Vec::new();
        for message in messages {
            file.extend_from_slice(D.as_bytes());
            file.push(b'\n');
            for line in message.split_inclusive(|b| *b == b'\n') {
                let quotes = line.iter().take_while(|b| **b == b'>').count();
                if line[quotes..].starts_with(PREFIX) {
                    file.push(b'>');
                }
                file.extend_from_slice(line);
            }
            file.push(b'\n');
        }
        file
    }

    fn body() -> impl Strategy<Value = Vec<u8>> {
        let words = prop_oneof![
            Just(b"From ".to_vec()),
            Just(b">".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\n\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(format!("\n\n{D}\n").into_bytes()),
            proptest::collection::vec(any::<u8>(), 0..8),
        ];
        proptest::collection::vec(words, 0..12).prop_map(|words| {
            let mut text = b"A: 1\n\n".to_vec();
            text.extend(words.concat());
            text.push(b'\n');
            text
        })
    }

    proptest! {
        #[test]
        fn what_mboxrd_writes_is_read_back(messages in proptest::collection::vec(body(), 1..5)) {
            let (read, large) = read(&write(&messages), 1 << 20);
            let read: Vec<Vec<u8>> = read.into_iter().map(|(_, raw)| raw).collect();
            prop_assert_eq!(read, messages);
            prop_assert!(large.is_empty());
        }

        #[test]
        fn any_bytes_are_read_to_the_end(file in proptest::collection::vec(any::<u8>(), 0..400)) {
            read(&file, 50);
        }
    }
}
