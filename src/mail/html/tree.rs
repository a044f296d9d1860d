//! The elements that are open, as a browser would have them: enough to know where each ends.
//!
//! Invariant: at most [`MAX_DEPTH`] are open, deeper ones are not noted; a step costs at most that
//! many looks, and most cost one. Where a browser would end an element later than this does, what
//! it hides is shown.

use std::collections::HashMap;

use super::style::Look;

/// Elements inside elements that are noted; browsers stop there as well.
const MAX_DEPTH: usize = 512;

/// An open element.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name; empty once its end came early.
    pub(super) name: String,
    /// How what is inside looks.
    pub(super) look: Look,
    /// How what a table may not hold looks: it stands before the table.
    outside: Look,
    /// Whether it did something that its end takes back.
    pub(super) acts: bool,
}

/// The open elements.
#[derive(Debug, Default)]
pub(super) struct Tree {
    open: Vec<Entry>,
    counts: HashMap<String, usize>,
    /// Looks at entries, to know what a page costs.
    pub(super) steps: usize,
}

impl Tree {
    /// How text looks here.
    pub(super) fn look(&self) -> Look {
        match self.open.last() {
            Some(entry) if is_table_part(&entry.name) => entry.outside,
            Some(entry) => entry.look,
            None => Look::default(),
        }
    }

    /// What an element `name` begins from.
    pub(super) fn around(&self, name: &str) -> Look {
        match self.open.last() {
            Some(entry) if is_table_part(&entry.name) && goes_into_tables(name) => entry.look,
            _ => self.look(),
        }
    }

    /// Whether there is room for another element.
    pub(super) fn has_room(&self) -> bool {
        self.open.len() < MAX_DEPTH
    }

    /// Opens an element.
    pub(super) fn push(&mut self, name: String, look: Look, acts: bool) {
        let outside = match self.open.last() {
            Some(entry) if is_table_part(&name) && name != "table" => entry.outside,
            _ => self.look(),
        };
        self.steps += 1;
        *self.counts.entry(name.clone()).or_default() += 1;
        self.open.push(Entry { name, look, outside, acts });
    }

    /// What a start tag `name` ends first (HTML standard section 13.2.6.4.7).
    pub(super) fn ended_by_start(&mut self, name: &str) -> Vec<Entry> {
        match name {
            "li" => self.end(&["li"], &["ul", "ol", "menu"]),
            "dt" | "dd" => self.end(&["dt", "dd"], &["dl"]),
            "td" | "th" => self.end(&["td", "th"], &["table"]),
            "tr" => self.end(&["tr"], &["table"]),
            "tbody" | "thead" | "tfoot" => self.end(&["tbody", "thead", "tfoot"], &["table"]),
            "option" => self.end(&["option"], &["select"]),
            "a" => self.end(&["a"], &["td", "th", "table"]),
            _ => Vec::new(),
        }
        .into_iter()
        .chain(if ends_paragraphs(name) { self.end(&["p"], &[]) } else { Vec::new() })
        .collect()
    }

    /// What an end tag ends, the innermost first.
    pub(super) fn ended_by_end(&mut self, name: &str) -> Vec<Entry> {
        self.steps += 1;
        if self.counts.get(name).is_none_or(|count| *count == 0) {
            return Vec::new();
        }
        let Some(at) = self.find(&[name]) else { return Vec::new() };
        let block_inside = self.open[at + 1..].iter().any(|entry| is_special(&entry.name));
        if is_special(name) || !block_inside {
            return self.cut(at);
        }
        if !is_formatting(name) {
            return Vec::new(); // as browsers do
        }
        let before = at.checked_sub(1).map_or_else(Look::default, |at| self.open[at].look);
        if self.open[at].look != before {
            return self.cut(at);
        }
        *self.counts.entry(name.to_owned()).or_default() -= 1;
        let entry = &mut self.open[at];
        let acts = std::mem::take(&mut entry.acts);
        let name = std::mem::take(&mut entry.name);
        vec![Entry { name, look: entry.look, outside: entry.outside, acts }]
    }

    /// Ends everything down to the innermost of `names`, if it is open inside of `walls`.
    fn end(&mut self, names: &[&str], walls: &[&str]) -> Vec<Entry> {
        self.steps += 1;
        let open = |name: &&str| self.counts.get(*name).is_some_and(|count| *count > 0);
        if !names.iter().any(open) {
            return Vec::new();
        }
        let is_wall = |entry: &Entry| {
            walls.contains(&entry.name.as_str())
                || walls.is_empty()
                    && matches!(entry.name.as_str(), "table" | "td" | "th" | "caption" | "button")
        };
        let wall = self.open.iter().rposition(is_wall);
        let found = self.find(names);
        match (found, wall) {
            (Some(found), Some(wall)) if wall > found => Vec::new(),
            (Some(found), _) => self.cut(found),
            (None, _) => Vec::new(),
        }
    }

    fn find(&mut self, names: &[&str]) -> Option<usize> {
        let at = self.open.iter().rposition(|entry| names.contains(&entry.name.as_str()));
        self.steps += self.open.len() - at.unwrap_or(0);
        at
    }

    fn cut(&mut self, at: usize) -> Vec<Entry> {
        let ended: Vec<Entry> = self.open.drain(at..).rev().collect();
        self.steps += ended.len();
        for entry in &ended {
            if let Some(count) = self.counts.get_mut(&entry.name) {
                *count = count.saturating_sub(1);
            }
        }
        ended
    }
}

/// Elements that have no inside.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

fn is_table_part(name: &str) -> bool {
    matches!(name, "table" | "tbody" | "thead" | "tfoot" | "tr")
}

fn goes_into_tables(name: &str) -> bool {
    is_table_part(name) && name != "table" || matches!(name, "td" | "th" | "caption" | "colgroup")
}

fn ends_paragraphs(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "center"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dd"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "search"
            | "section"
            | "summary"
            | "table"
            | "ul"
    )
}

/// Elements that the end of an inline element does not reach over.
fn is_special(name: &str) -> bool {
    is_table_part(name)
        || ends_paragraphs(name)
        || matches!(name, "td" | "th" | "caption" | "body" | "html" | "button" | "object")
}

/// Elements that browsers end even where they are nested wrongly.
fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b"
            | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}
