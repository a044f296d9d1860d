//! From a stream of bytes to single responses (RFC 3501, section 7), each with its literals.
//!
//! Invariant: nothing is kept that is longer than the bounds say, and nothing is read before its
//! end is known: a server that sends more than was asked for costs an error, never memory. What a
//! response means is the parser's business.

use crate::imap::ImapError;

/// The longest response without its literals, in bytes: some thousand ranges of `VANISHED`.
const MAX_TEXT_BYTES: usize = 1024 * 1024;
/// How far a response says what kind it is, in bytes: behind a tag of ours and one word.
const HEAD_BYTES: usize = 64;
/// Parentheses within each other.
const MAX_DEPTH: usize = 24;
/// Literals of one response that carries no message, in bytes.
pub(super) const MAX_LITERAL_BYTES: usize = 256 * 1024;
/// Bytes that are read at a time.
const READ_BYTES: usize = 64 * 1024;

/// Parts a stream into responses.
#[derive(Debug)]
pub(super) struct Framer {
    buffer: Vec<u8>,
    /// Where the response begins.
    start: usize,
    /// What was looked at.
    at: usize,
    /// The literal goes up to here.
    literal_end: usize,
    /// Literals of this response, in bytes.
    literals: usize,
    depth: usize,
    quoted: bool,
    escaped: bool,
    /// Where the line begins: the first of a response says what kind it is.
    line: usize,
    /// What the literals of one response may have, in bytes.
    most: usize,
}

impl Framer {
    /// A stream from its beginning.
    pub(super) const fn new() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            at: 0,
            literal_end: 0,
            literals: 0,
            depth: 0,
            quoted: false,
            escaped: false,
            line: 0,
            most: MAX_LITERAL_BYTES,
        }
    }

    /// What the literals of one response may have from now on, in bytes.
    pub(super) const fn allow(&mut self, bytes: usize) {
        self.most = bytes;
    }

    /// Whether bytes wait that are no whole response yet, or more than one.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }

    /// Where the next bytes go.
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.at -= self.start;
            self.line -= self.start;
            self.literal_end = self.literal_end.saturating_sub(self.start);
            self.start = 0;
        }
        self.buffer.reserve(READ_BYTES);
        &mut self.buffer
    }

    /// The next whole response; `None` when more bytes are needed.
    pub(super) fn response(&mut self) -> Result<Option<Vec<u8>>, ImapError> {
        loop {
            if self.at < self.literal_end {
                self.at = self.literal_end.min(self.buffer.len());
                if self.at < self.literal_end {
                    return Ok(None);
                }
            }
            let Some(byte) = self.buffer.get(self.at).copied() else { return Ok(None) };
            self.at += 1;
            if self.at - self.start - self.literals > MAX_TEXT_BYTES {
                return Err(ImapError::TooLarge("a response without end"));
            }
            if byte == b'\n' {
                if let Some(length) = self.literal()? {
                    self.literals += length;
                    self.literal_end = self.at + length;
                    self.quoted = false;
                    self.line = self.literal_end;
                    continue;
                }
                return Ok(Some(self.cut()));
            }
            self.nest(byte)?;
        }
    }

    /// Counts parentheses outside strings: a parser goes as deep as a server likes.
    fn nest(&mut self, byte: u8) -> Result<(), ImapError> {
        if self.escaped {
            self.escaped = false;
            return Ok(());
        }
        match byte {
            b'\\' if self.quoted => self.escaped = true,
            b'"' => self.quoted = !self.quoted,
            b'(' if !self.quoted => self.depth += 1,
            b')' if !self.quoted => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > MAX_DEPTH && !self.is_status() {
            return Err(ImapError::TooLarge("parentheses without end"));
        }
        Ok(())
    }

    /// How long a literal follows on the line that ends here (RFC 3501, section 4.3; RFC 3516 for
    /// the tilde). Text for people is no data: nothing follows on a status response.
    fn literal(&self) -> Result<Option<usize>, ImapError> {
        let line = &self.buffer[self.line..self.at - 1];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(inner) = line.strip_suffix(b"}") else { return Ok(None) };
        let Some(open) = inner.iter().rposition(|byte| *byte == b'{') else { return Ok(None) };
        let digits = &inner[open + 1..];
        let digits = digits.strip_suffix(b"+").unwrap_or(digits);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || self.is_status() {
            return Ok(None);
        }
        let length = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<usize>().ok());
        match length.filter(|length| self.literals.saturating_add(*length) <= self.most) {
            Some(length) => Ok(Some(length)),
            None => Err(ImapError::TooLarge("a part that is larger than what was asked for")),
        }
    }

    /// Whether the response is one of `OK`, `NO`, `BAD`, `BYE`, `PREAUTH`, or asks to go on.
    fn is_status(&self) -> bool {
        // It is asked at each parenthesis too: a tag without end must not be read each time.
        let text = &self.buffer[self.start..self.at.min(self.start + HEAD_BYTES)];
        let mut words = text.split(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
        if words.next() == Some(b"+") {
            return true;
        }
        let second = words.next().unwrap_or_default();
        ["OK", "NO", "BAD", "BYE", "PREAUTH"]
            .iter()
            .any(|word| second.eq_ignore_ascii_case(word.as_bytes()))
    }

    fn cut(&mut self) -> Vec<u8> {
        let response = self.buffer[self.start..self.at].to_vec();
        self.start = self.at;
        self.line = self.at;
        self.literal_end = self.at;
        self.literals = 0;
        self.depth = 0;
        self.quoted = false;
        self.escaped = false;
        if self.start == self.buffer.len() && self.buffer.capacity() > 4 * READ_BYTES {
            // A long message is gone: so is its room.
            self.buffer = Vec::new();
            (self.start, self.at, self.line, self.literal_end) = (0, 0, 0, 0);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stream is parted into, whatever its packets are.
    fn check(stream: &str, expected: &[&str]) {
        for packet in [1, 2, 3, 7, stream.len().max(1)] {
            let mut framer = Framer::new();
            let mut parted = Vec::new();
            for bytes in stream.as_bytes().chunks(packet) {
                framer.room().extend_from_slice(bytes);
                while let Some(response) = framer.response().unwrap() {
                    parted.push(String::from_utf8(response).unwrap());
                }
            }
            assert_eq!(parted, expected, "{stream:?} by {packet}");
            assert!(framer.is_empty());
        }
    }

    fn refused(stream: &[u8]) -> bool {
        let mut framer = Framer::new();
        framer.room().extend_from_slice(stream);
        loop {
            match framer.response() {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(error) => return matches!(error, ImapError::TooLarge(_)),
            }
        }
    }

    #[test]
    fn a_stream_is_parted_into_responses() {
        check("* OK hello\r\n", &["* OK hello\r\n"]);
        check("* 1 EXISTS\r\na1 OK\r\n", &["* 1 EXISTS\r\n", "a1 OK\r\n"]);
        check("* 1 EXISTS\na1 OK\n", &["* 1 EXISTS\n", "a1 OK\n"]);
        let body = "* 1 FETCH (BODY[] {5}\r\na\r\n)( UID 3)\r\n";
        check(&format!("{body}a1 OK done\r\n"), &[body, "a1 OK done\r\n"]);
        let two = "* 1 FETCH (A {1}\r\n( B {2}\r\n\"( C \"x\\\"(\")\r\n";
        check(two, &[two]);
        // No data follows on text for people, whatever it ends with.
        check("* OK it was {3}\r\n* NO {9}\r\n", &["* OK it was {3}\r\n", "* NO {9}\r\n"]);
        check("+ go on {3}\r\n", &["+ go on {3}\r\n"]);
        check("* X {a}\r\n* X {}\r\n", &["* X {a}\r\n", "* X {}\r\n"]);
    }

    #[test]
    fn what_is_larger_than_asked_for_is_refused_before_it_is_read() {
        assert!(refused(b"* 1 FETCH (BODY[] {300000}\r\n"));
        assert!(refused(b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n"));
        assert!(refused(&[b"* X ".as_slice(), &[b'('; 40], b"\r\n"].concat()));
        assert!(!refused(&[b"* OK ".as_slice(), &[b'('; 40], b"\r\n"].concat()));
        let half = MAX_TEXT_BYTES / 2 - 16;
        let long_tag = [&vec![b'x'; half], b" OK ".as_slice(), &vec![b'('; half], b"\r\n"].concat();
        assert!(refused(&long_tag), "it is no status, and known to be none at once");
        assert!(refused(&[b"* X ".as_slice(), &vec![b'x'; MAX_TEXT_BYTES + 1]].concat()));
        let mut framer = Framer::new();
        framer.allow(3);
        framer.room().extend_from_slice(b"* X {2}\r\nab {2}\r\ncd\r\n");
        assert!(framer.response().is_err(), "all literals of a response count together");
    }
}
