//! An address field cut into words, quoted strings, comments and marks (RFC 5322 section 3.2).
//!
//! Invariant: every byte is passed a bounded number of times, whatever is left open. This file must
//! not know what an address is.

/// The longest encoded word that is kept in one piece, in bytes (RFC 2047 allows 75).
const MAX_WORD_BYTES: usize = 1_000;
/// Comments inside comments that are followed.
const MAX_COMMENT_DEPTH: usize = 32;

/// A piece of an address field.
pub(super) enum Token<'a> {
    Comma,
    Colon,
    Semicolon,
    Space,
    Angle(&'a str),
    Comment(&'a str),
    Quoted(&'a str),
    Word(&'a str),
}

/// Cuts the field into tokens. An opening mark without its closing one is an ordinary character,
/// and so is every such mark after it: that is found out once, so that time stays linear.
pub(super) struct Reader<'a> {
    rest: &'a str,
    quotes: bool,
    comments: bool,
    angles: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, quotes: true, comments: true, angles: true }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let first = self.rest.chars().next()?;
        let simple = match first {
            ',' => Some(Token::Comma),
            ';' => Some(Token::Semicolon),
            ':' => Some(Token::Colon),
            c if c.is_whitespace() => Some(Token::Space),
            _ => None,
        };
        if let Some(token) = simple {
            self.rest = &self.rest[first.len_utf8()..];
            return Some(token);
        }
        if first == '"' && self.quotes {
            match closing_quote(self.rest) {
                Some(end) => return Some(Token::Quoted(self.cut(1, end))),
                None => self.quotes = false,
            }
        }
        if first == '(' && self.comments {
            match closing_comment(self.rest) {
                Some(end) => return Some(Token::Comment(self.cut(1, end))),
                None => self.comments = false,
            }
        }
        if first == '<' && self.angles {
            match self.rest.find('>') {
                Some(end) => return Some(Token::Angle(self.cut(1, end))),
                None => self.angles = false,
            }
        }
        let end = self.word_end(first.len_utf8());
        let word = &self.rest[..end];
        self.rest = &self.rest[end..];
        Some(Token::Word(word))
    }

    /// What stands from `start` to `end`; the reader goes on behind the mark at `end`.
    fn cut(&mut self, start: usize, end: usize) -> &'a str {
        let inner = &self.rest[start..end];
        self.rest = &self.rest[end + 1..];
        inner
    }

    fn word_end(&self, from: usize) -> usize {
        let mut literal = self.rest.starts_with('[');
        // An encoded word is one word, whatever is in it.
        if let Some(end) = self.rest.strip_prefix("=?").and_then(encoded_end) {
            return end + 2;
        }
        for (at, c) in self.rest[from..].char_indices() {
            let ends = match c {
                '[' => {
                    literal = true;
                    false
                }
                ']' => {
                    literal = false;
                    false
                }
                ',' | ';' => true,
                ':' => !literal,
                '"' => self.quotes,
                '(' => self.comments,
                '<' => self.angles,
                c => c.is_whitespace(),
            };
            if ends {
                return from + at;
            }
        }
        self.rest.len()
    }
}

/// Where an encoded word ends, given what follows its `=?`; it holds no white space.
fn encoded_end(inner: &str) -> Option<usize> {
    let inner = &inner[..inner.floor_char_boundary(MAX_WORD_BYTES)];
    let charset = inner.find('?')?;
    let data = charset + 3;
    let end = data + inner.get(data..)?.find("?=")? + 2;
    let word = inner.get(..end)?;
    (!word.contains(char::is_whitespace)).then_some(end)
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

fn closing_comment(text: &str) -> Option<usize> {
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' if depth < MAX_COMMENT_DEPTH => depth += 1,
            b')' if depth == 1 => return Some(at),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}
