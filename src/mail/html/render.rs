//! Tags and text to lines: blocks, lists, quotes, tables, links.
//!
//! Invariant: state is bounded (depths are counted up to a limit); output is linear in input. This
//! file must not read HTML source.

use mail_parser::decoders::html::add_html_token;

use super::super::charset::windows_1252_char;
use super::token::Tag;

/// Quotes inside quotes that are marked.
const MAX_QUOTE_DEPTH: usize = 10;
/// Lists inside lists that are indented.
const MAX_LIST_DEPTH: usize = 16;
/// Link targets that are listed; further links show their text only.
const MAX_LINKS: usize = 1_000;
/// The longest entity, in bytes between `&` and `;`.
const MAX_ENTITY_BYTES: usize = 32;

#[derive(Default)]
pub(super) struct Renderer {
    out: String,
    /// Line ends to write before the next text: 1 ends the line, 2 leaves an empty one.
    breaks: usize,
    space: bool,
    cell: bool,
    marker: Option<String>,
    quotes: usize,
    pre: usize,
    /// The number of the next item, for each open list; `None` for one without numbers.
    lists: Vec<Option<usize>>,
    /// The open link: its target, and where its text begins.
    link: Option<(String, usize)>,
    links: Vec<String>,
    numbers: std::collections::HashMap<String, usize>,
}

impl Renderer {
    pub(super) fn text(&mut self, source: &str) {
        let decoded = entities(source);
        if self.pre > 0 {
            for (index, line) in decoded.split('\n').enumerate() {
                if index > 0 {
                    self.breaks = (self.breaks + 1).min(2);
                }
                let line = line.trim_end_matches('\r');
                if !line.is_empty() {
                    self.write(line);
                }
            }
            return;
        }
        for (index, word) in decoded.split(is_space).enumerate() {
            if index > 0 {
                self.space = true;
            }
            if !word.is_empty() {
                self.write(word);
            }
        }
    }

    pub(super) fn open(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            "br" => self.breaks = (self.breaks + 1).min(2),
            "hr" => {
                self.end_block(1);
                self.write("---");
                self.end_block(1);
            }
            "a" => self.open_link(tag),
            "img" => self.image(tag),
            "td" | "th" => self.cell = self.line_has_text(),
            "blockquote" => {
                self.end_block(2);
                self.quotes += 1;
            }
            "pre" => {
                self.end_block(2);
                self.pre += 1;
            }
            "ul" | "ol" => {
                self.end_block(if self.lists.is_empty() { 2 } else { 1 });
                if self.lists.len() < MAX_LIST_DEPTH {
                    self.lists.push((tag.name == "ol").then_some(1));
                }
            }
            "li" => self.item(),
            name => self.end_block(breaks_around(name)),
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        match name {
            "a" => self.close_link(),
            "td" | "th" | "br" | "hr" | "img" => {}
            "blockquote" => {
                self.end_block(2);
                self.quotes = self.quotes.saturating_sub(1);
            }
            "pre" => {
                self.end_block(2);
                self.pre = self.pre.saturating_sub(1);
            }
            "ul" | "ol" => {
                self.lists.pop();
                self.end_block(if self.lists.is_empty() { 2 } else { 1 });
                self.marker = None;
            }
            name => self.end_block(breaks_around(name)),
        }
    }

    /// The text, and the targets of its links.
    pub(super) fn finish(mut self) -> String {
        self.close_link();
        let mut out = self.out;
        for (index, target) in self.links.iter().enumerate() {
            out.push_str(if index == 0 { "\n\n" } else { "\n" });
            out.push('[');
            out.push_str(&(index + 1).to_string());
            out.push_str("] ");
            out.push_str(target);
        }
        out
    }

    /// Writes a piece of a line, with what was waiting before it.
    fn write(&mut self, text: &str) {
        let begins = self.breaks > 0 && !self.out.is_empty();
        if begins {
            self.out.extend(std::iter::repeat_n('\n', self.breaks));
        }
        if begins || self.out.is_empty() {
            self.begin_line();
        } else if self.cell {
            self.out.push_str(" | ");
        } else if self.space && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
        (self.breaks, self.space, self.cell) = (0, false, false);
        self.out.push_str(text);
    }

    fn begin_line(&mut self) {
        let quotes = self.quotes.min(MAX_QUOTE_DEPTH);
        if quotes > 0 {
            self.out.extend(std::iter::repeat_n('>', quotes));
            self.out.push(' ');
        }
        if let Some(marker) = self.marker.take() {
            self.out.push_str(&marker);
        } else {
            self.out.extend(std::iter::repeat_n("  ", self.lists.len()));
        }
    }

    fn end_block(&mut self, breaks: usize) {
        if breaks > 0 {
            self.breaks = self.breaks.max(breaks);
            self.space = false;
        }
    }

    fn line_has_text(&self) -> bool {
        self.breaks == 0 && !self.out.is_empty()
    }

    fn item(&mut self) {
        self.end_block(1);
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        self.marker = Some(match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{indent}{number}. ");
                *number += 1;
                marker
            }
            _ => format!("{indent}- "),
        });
    }

    fn open_link(&mut self, tag: &Tag<'_>) {
        self.close_link();
        let target = entities(tag.attribute("href").unwrap_or_default());
        let target: String = target.split_whitespace().collect();
        let scheme = target.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if matches!(scheme.as_str(), "http" | "https" | "mailto" | "ftp") {
            self.link = Some((target, self.out.len()));
        }
    }

    fn close_link(&mut self) {
        let Some((target, start)) = self.link.take() else { return };
        let text = self.out.get(start..).unwrap_or_default().trim();
        let plain = |url: &str| {
            let url = url.trim_start_matches("mailto:").trim_end_matches('/');
            url.trim_start_matches("https://").trim_start_matches("http://").to_owned()
        };
        if plain(text) == plain(&target) {
            return;
        }
        let number = match self.numbers.get(&target) {
            Some(number) => *number,
            None if self.links.len() >= MAX_LINKS => return,
            None => {
                self.links.push(target.clone());
                self.numbers.insert(target, self.links.len());
                self.links.len()
            }
        };
        let (space, breaks, cell) = (self.space, self.breaks, self.cell);
        if self.out.len() > start {
            // The mark follows the link's text, not what waits behind it.
            (self.space, self.breaks, self.cell) = (true, 0, false);
        }
        let wrote_text = self.out.len() > start;
        self.write(&format!("[{number}]"));
        if wrote_text {
            (self.space, self.breaks, self.cell) = (space, breaks, cell);
        }
    }

    fn image(&mut self, tag: &Tag<'_>) {
        let alt = entities(tag.attribute("alt").unwrap_or_default());
        let words: Vec<&str> = alt.split(is_space).filter(|word| !word.is_empty()).collect();
        if words.is_empty() || words.len() == 1 && is_file_name(words[0]) {
            return;
        }
        self.write(&format!("[{}]", words.join(" ")));
    }
}

/// What programs put into `alt` when the sender said nothing.
fn is_file_name(word: &str) -> bool {
    let extension = word.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|e| matches!(e.as_str(), "png" | "jpg" | "jpeg" | "gif" | "webp" | "svg"))
}

/// How many line ends a tag leaves on both of its sides.
fn breaks_around(name: &str) -> usize {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dl" | "fieldset" | "figure" => 2,
        "div" | "tr" | "table" | "tbody" | "thead" | "tfoot" | "caption" | "li" | "dt" | "dd"
        | "center" | "address" | "article" | "aside" | "body" | "details" | "figcaption"
        | "footer" | "form" | "header" | "html" | "legend" | "main" | "menu" | "nav" | "option"
        | "section" | "summary" => 1,
        _ => 0,
    }
}

/// White space that HTML folds, and the no-break space, with which senders lay pages out.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{a0}'
}

fn entities(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let bytes = rest.as_bytes();
        let name = bytes[1..].iter().take(MAX_ENTITY_BYTES);
        let length = name.take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
        let (entity, after) = rest.split_at(1 + length);
        let ended = after.starts_with(';');
        if length == 0 || !decode_entity(entity, ended, &mut out) {
            out.push_str(entity);
            rest = after;
            continue;
        }
        rest = after.strip_prefix(';').unwrap_or(after);
    }
    out.push_str(rest);
    out
}

/// Decodes `&name`; without its semicolon only what browsers take without it.
fn decode_entity(entity: &str, ended: bool, out: &mut String) -> bool {
    let number = entity.strip_prefix("&#").map(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    });
    if let Some(number) = number {
        return number.is_ok_and(|number| {
            // Numbers of the C1 range mean Windows-1252 (HTML standard section 13.2.5.80).
            let c = match u8::try_from(number) {
                Ok(byte) => windows_1252_char(byte),
                Err(_) => char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER),
            };
            out.push(c);
            true
        });
    }
    let bare = ["&amp", "&lt", "&gt", "&quot", "&nbsp", "&copy", "&reg"];
    if !ended && !bare.contains(&entity) {
        return false;
    }
    let whole = format!("{entity};");
    let start = out.len();
    add_html_token(out, whole.as_bytes(), false);
    if out[start..] == whole {
        out.truncate(start);
        return false;
    }
    true
}
