//! HTML source to tags and text, as a browser's tokenizer would, without its tree.
//!
//! Invariant: every byte is passed once (what is skipped to an end that is missing ends the
//! document). This file must not know what a tag means.

/// Attributes of one tag that are read.
const MAX_ATTRIBUTES: usize = 64;
/// The longest tag name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// A start tag.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    /// Lower case.
    pub(super) name: String,
    attributes: Vec<(&'a str, &'a str)>,
    /// It ends in `/>`.
    pub(super) closed: bool,
}

impl<'a> Tag<'a> {
    /// The value of an attribute, its entities still encoded.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

#[derive(Debug)]
pub(super) enum Token<'a> {
    Text(&'a str),
    Open(Tag<'a>),
    Close(String),
}

pub(super) struct Tokens<'a> {
    rest: &'a str,
    /// Bytes that were looked at, to know what a page costs.
    pub(super) steps: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { rest: source, steps: 0 }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if !self.rest.starts_with('<') {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                return Some(Token::Text(self.take(end)));
            }
            match self.rest.as_bytes().get(1) {
                Some(b'!' | b'?') => self.skip_markup(),
                Some(b'/') => {
                    if let Some(token) = self.end_tag() {
                        return Some(token);
                    }
                }
                Some(c) if c.is_ascii_alphabetic() => return Some(Token::Open(self.start_tag())),
                _ => return Some(Token::Text(self.take(1))),
            }
        }
    }

    /// Skips to behind the end tag of a raw element, and gives what is before it; without one, to
    /// the end of the document.
    pub(super) fn skip_to_end_of(&mut self, name: &str) -> &'a str {
        let source = self.rest;
        while let Some(at) = self.rest.find("</") {
            self.take(at + 2);
            let end = source.len() - self.rest.len() - 2;
            let found = self.rest.get(..name.len());
            if found.is_some_and(|found| found.eq_ignore_ascii_case(name)) {
                self.take_until_after(">");
                return &source[..end];
            }
        }
        self.rest = "";
        source
    }

    fn skip_markup(&mut self) {
        if self.rest.starts_with("<!--") {
            self.take(4);
            // `<!-->` and `<!--->` are whole comments.
            if self.rest.starts_with('>') || self.rest.starts_with("->") {
                self.take_until_after(">");
            } else {
                self.take_comment();
            }
        } else {
            self.take_until_after(">");
        }
    }

    /// Takes a comment to behind its end; browsers take `--!>` for one as well.
    fn take_comment(&mut self) {
        while let Some(at) = self.rest.find("--") {
            self.take(at + 1);
            if self.rest.starts_with("->") || self.rest.starts_with("-!>") {
                self.take_until_after(">");
                return;
            }
        }
        self.rest = "";
    }

    fn end_tag(&mut self) -> Option<Token<'a>> {
        self.take(2);
        let name = self.name();
        self.take_until_after(">");
        (!name.is_empty()).then_some(Token::Close(name))
    }

    fn start_tag(&mut self) -> Tag<'a> {
        self.take(1);
        let mut tag = Tag { name: self.name(), attributes: Vec::new(), closed: false };
        loop {
            self.rest = self.rest.trim_ascii_start();
            match self.rest.as_bytes().first() {
                None => return tag,
                Some(b'>') => {
                    self.take(1);
                    return tag;
                }
                Some(b'/') => {
                    self.take(1);
                    tag.closed = self.rest.starts_with('>');
                }
                Some(_) => {
                    let attribute = self.attribute();
                    if tag.attributes.len() < MAX_ATTRIBUTES {
                        tag.attributes.push(attribute);
                    }
                }
            }
        }
    }

    fn attribute(&mut self) -> (&'a str, &'a str) {
        let end = self
            .rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'))
            .unwrap_or(self.rest.len());
        // A stray `=` begins a name, or this would not advance.
        let name = self.take(end.max(usize::from(self.rest.starts_with('='))));
        self.rest = self.rest.trim_ascii_start();
        if !self.rest.starts_with('=') {
            return (name, "");
        }
        self.take(1);
        self.rest = self.rest.trim_ascii_start();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        if let Some(quote) = quote {
            self.take(1);
            let end = self.rest.find(quote).unwrap_or(self.rest.len());
            let value = self.take(end);
            self.take(self.rest.len().min(1));
            return (name, value);
        }
        let end = self.rest.find(|c: char| c.is_ascii_whitespace() || c == '>');
        (name, self.take(end.unwrap_or(self.rest.len())))
    }

    /// A tag's name; those of other name spaces (`o:p`) keep their prefix.
    fn name(&mut self) -> String {
        let end = self
            .rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/' | '<'))
            .unwrap_or(self.rest.len());
        let name = self.take(end);
        name[..name.floor_char_boundary(MAX_NAME_BYTES)].to_ascii_lowercase()
    }

    fn take_until_after(&mut self, end: &str) {
        let at = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        self.take(at);
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        self.steps += bytes;
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }
}
