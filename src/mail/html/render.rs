//! Tags and text to lines: blocks, lists, quotes, tables, links.
//!
//! Invariant: state is bounded (depths are counted up to a limit); output is linear in input. What
//! cannot be seen is counted, and leaves no trace in the lines. This file must not read HTML
//! source.

use super::Rendered;
use super::entity::{entities, in_attribute};
use super::media;
use super::sheet::Sheet;
use super::style::Look;
use super::target::target;
use super::token::Tag;
use super::tree::{Entry, Tree, is_void};
use crate::mail::facts::{Anchor, LeftOut};

/// Quotes inside quotes that are marked.
const MAX_QUOTE_DEPTH: usize = 10;
/// Lists inside lists that are indented.
const MAX_LIST_DEPTH: usize = 16;
/// The highest number that a list gives to an item.
const MAX_ITEM: usize = 9_999_999;
/// Link targets that are listed; further links show their text only.
const MAX_LINKS: usize = 1_000;
/// Characters that are left out of a line that begins off the screen: no more fit into it.
const MAX_INDENTED: usize = 200;
/// Links whose texts are told.
const MAX_ANCHORS: usize = 1_000;
/// The longest text of a link that is told, in characters.
const MAX_ANCHOR_CHARS: usize = 120;

#[derive(Default)]
pub(super) struct Renderer {
    pub(super) sheet: Sheet,
    pub(super) tree: Tree,
    out: String,
    /// Line ends to write before the next text: 1 ends the line, 2 leaves an empty one.
    breaks: usize,
    space: bool,
    /// Characters that a line which begins off the screen still takes.
    unseen: usize,
    /// What waits to stand between two cells.
    cell: Option<&'static str>,
    marker: Option<String>,
    quotes: usize,
    pre: usize,
    /// The number of the next item, for each open list; `None` for one without numbers.
    lists: Vec<Option<usize>>,
    /// What stands between the cells of each open table.
    tables: Vec<&'static str>,
    /// The open link: its target, and where its text begins.
    link: Option<(String, usize)>,
    links: Vec<String>,
    numbers: std::collections::HashMap<String, usize>,
    /// The number of the first link.
    first: usize,
    anchors: Vec<Anchor>,
    counts: LeftOut,
}

impl Renderer {
    /// For a page whose first link has the number `first`.
    pub(super) fn new(sheet: Sheet, first: usize) -> Self {
        Self { sheet, first, ..Self::default() }
    }

    pub(super) fn text(&mut self, source: &str) {
        let decoded = entities(source);
        let look = self.tree.look();
        let chars = decoded.chars().count();
        let indented = look.is_indented() && chars <= self.unseen;
        self.unseen = if indented { self.unseen - chars } else { 0 };
        if !look.shows_text() || indented {
            let words = decoded.split(is_blank).filter(|word| !word.is_empty()).count();
            let words = u32::try_from(words).unwrap_or(u32::MAX);
            self.counts.hidden = self.counts.hidden.saturating_add(words);
            return;
        }
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
            // What fills the space behind a preview is nothing to read.
            if !word.chars().all(is_blank) {
                self.write(word);
            }
        }
    }

    pub(super) fn open(&mut self, tag: Tag<'_>) {
        for entry in self.tree.ended_by_start(&tag.name) {
            self.end(&entry);
        }
        media::count(&tag, &mut self.counts);
        let around = self.tree.around(&tag.name);
        let look = around.inside(&tag, &self.sheet);
        if look.is_indented() && !around.is_indented() {
            self.unseen = MAX_INDENTED;
        } else if ends_line(&tag.name) {
            self.unseen = 0;
        }
        let acts = !look.is_gone();
        if acts {
            self.begin(&tag, look);
        }
        if !is_void(&tag.name) && self.tree.has_room() {
            self.tree.push(tag.name, look, acts);
        } else if acts && !is_void(&tag.name) {
            self.take_back(&tag.name);
        }
    }

    /// What a start tag does.
    fn begin(&mut self, tag: &Tag<'_>, look: Look) {
        match tag.name.as_str() {
            "br" => self.breaks = (self.breaks + 1).min(2),
            "hr" => {
                self.end_block(1);
                self.write("---");
                self.end_block(1);
            }
            "a" => self.open_link(tag),
            "img" if look.shows_boxes() => self.image(tag),
            "td" | "th" => self.open_cell(&tag.name),
            "table" => self.open_table(tag),
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
                    self.lists.push((tag.name == "ol").then(|| number(tag, "start").unwrap_or(1)));
                }
            }
            "li" => self.item(tag),
            "div" if begins_outlook_quote(tag) => {
                self.end_block(2);
                // All that follows is the message that is answered.
                self.quotes += 1;
            }
            name => self.end_block(breaks_around(name)),
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        let ended = self.tree.ended_by_end(name);
        if ended.is_empty() && matches!(name, "p" | "br") {
            self.end_block(1);
        }
        for entry in &ended {
            self.end(entry);
        }
    }

    fn end(&mut self, entry: &Entry) {
        if ends_line(&entry.name) {
            self.unseen = 0;
        }
        if entry.acts {
            self.take_back(&entry.name);
        }
    }

    /// What the end of an element does that did something.
    fn take_back(&mut self, name: &str) {
        match name {
            "a" => self.close_link(),
            "td" | "th" => {}
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
            "table" => {
                self.tables.pop();
                self.end_block(1);
            }
            name => self.end_block(breaks_around(name)),
        }
    }

    /// The text, and the targets of its links.
    pub(super) fn finish(mut self) -> Rendered {
        self.close_link();
        let mut text = self.out;
        let list = text.len();
        for (index, target) in self.links.iter().enumerate() {
            text.push_str(if index == 0 { "\n\n" } else { "\n" });
            text.push('[');
            text.push_str(&(self.first + index).to_string());
            text.push_str("] ");
            text.push_str(target);
        }
        let next = self.first + self.links.len();
        Rendered { text, list, anchors: self.anchors, counts: self.counts, next }
    }

    /// Writes a piece of a line, with what was waiting before it.
    fn write(&mut self, text: &str) {
        let begins = self.breaks > 0 && !self.out.is_empty();
        if begins {
            self.out.extend(std::iter::repeat_n('\n', self.breaks));
        }
        if begins || self.out.is_empty() {
            self.begin_line();
        } else if let Some(between) = self.cell {
            self.out.push_str(between);
        } else if self.space && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
        (self.breaks, self.space, self.cell) = (0, false, None);
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

    fn open_table(&mut self, tag: &Tag<'_>) {
        self.end_block(1);
        let role = tag.attribute("role").unwrap_or_default();
        let layout = role.eq_ignore_ascii_case("presentation") || role.eq_ignore_ascii_case("none");
        // A table with a table inside is there for the layout.
        if let Some(outer) = self.tables.last_mut() {
            *outer = "  ";
        }
        self.tables.push(if layout { "  " } else { " | " });
    }

    fn open_cell(&mut self, name: &str) {
        if let Some(table) = self.tables.last_mut().filter(|_| name == "th") {
            *table = " | ";
        }
        let has_text = self.breaks == 0 && !self.out.is_empty();
        self.cell = has_text.then(|| self.tables.last().copied().unwrap_or(" | "));
    }

    fn item(&mut self, tag: &Tag<'_>) {
        self.end_block(1);
        if let (Some(Some(next)), Some(number)) = (self.lists.last_mut(), number(tag, "value")) {
            *next = number;
        }
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
        let target = target(&in_attribute(tag.attribute("href").unwrap_or_default()));
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
        let (said, leads) = (plain(text), plain(&target));
        // A host alone is the same in capitals.
        if said == leads || !said.contains('/') && said.eq_ignore_ascii_case(&leads) {
            return;
        }
        let number = match self.numbers.get(&target) {
            Some(number) => *number,
            None if self.links.len() >= MAX_LINKS => return,
            None => {
                let number = self.first + self.links.len();
                self.links.push(target.clone());
                self.numbers.insert(target, number);
                number
            }
        };
        if self.anchors.len() < MAX_ANCHORS {
            let text = text.split_whitespace().filter(|w| w.chars().any(|c| c != '>' && c != '|'));
            let text: String = text.collect::<Vec<_>>().join(" ");
            let text = text.chars().take(MAX_ANCHOR_CHARS).collect();
            let n = u32::try_from(number).unwrap_or(u32::MAX);
            self.anchors.push(Anchor { n, text });
        }
        let (space, breaks, cell) = (self.space, self.breaks, self.cell);
        if self.out.len() > start {
            // The mark follows the link's text, not what waits behind it.
            (self.space, self.breaks, self.cell) = (true, 0, None);
        }
        let wrote_text = self.out.len() > start;
        self.write(&format!("[{number}]"));
        if wrote_text {
            (self.space, self.breaks, self.cell) = (space, breaks, cell);
        }
    }

    fn image(&mut self, tag: &Tag<'_>) {
        let alt = in_attribute(tag.attribute("alt").unwrap_or_default());
        let words: Vec<&str> = alt.split(is_space).filter(|word| !word.is_empty()).collect();
        let named = words.is_empty() || words.len() == 1 && is_file_name(words[0]);
        if named || media::is_tracker(tag) {
            return;
        }
        // Of a picture that came along it is said that it can be seen.
        let kind = if media::is_inside(tag) { "image: " } else { "" };
        self.write(&format!("[{kind}{}]", words.join(" ")));
    }
}

/// A number that a list gives, where it is one that lists have.
fn number(tag: &Tag<'_>, name: &str) -> Option<usize> {
    let number = tag.attribute(name)?.trim().parse().ok()?;
    (number <= MAX_ITEM).then_some(number)
}

/// What programs put into `alt` when the sender said nothing.
fn is_file_name(word: &str) -> bool {
    let extension = word.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|e| matches!(e.as_str(), "png" | "jpg" | "jpeg" | "gif" | "webp" | "svg"))
}

/// Whether this is the line that Outlook draws over the head of the message that is answered.
fn begins_outlook_quote(tag: &Tag<'_>) -> bool {
    if tag.attribute("id").is_some_and(|id| id.ends_with("divRplyFwdMsg")) {
        return true;
    }
    let style = tag.attribute("style").unwrap_or_default();
    let lines = ["border-top:solid #E1E1E1 1.0pt", "border-top:solid #B5C4DF 1.0pt"];
    lines.iter().any(|line| style.contains(line))
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

/// Whether a tag ends the line that it stands in.
fn ends_line(name: &str) -> bool {
    breaks_around(name) > 0
        || matches!(name, "br" | "hr" | "td" | "th" | "pre" | "blockquote" | "ul" | "ol")
}

/// White space that HTML folds, and the no-break space, with which senders lay pages out.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{a0}'
}

/// What takes a place and shows nothing: with it senders fill the line behind a preview.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
