//! The shown text of a message: its parts, joined; which form of one, `alternative` says.
//!
//! Invariant: nothing that is shown is cut or wrapped; the result is safe for a terminal. This file
//! must not decode bytes.

use super::alternative::{self, Prefer};
use super::defect::Defects;
use super::facts::{Anchor, Facts, PartStart, Targets};
use super::html;
use super::part::{Kind, Node};

/// Texts of links that are told of a message.
const MAX_ANCHORS: usize = 1_000;
/// Parts of a text whose beginnings are told.
const MAX_PARTS: usize = 1_000;

/// What is shown of a message.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// All shown parts, joined by an empty line.
    pub(super) text: String,
    /// What is known beside it.
    pub(super) facts: Facts,
    /// Links that have a number.
    links: usize,
    /// The head of a message was the last that was joined: what follows is part of it.
    headed: bool,
    /// Which form is preferred where it is.
    prefer: Prefer,
}

/// All shown parts of the tree.
pub(super) fn shown(node: &Node, defects: &mut Defects) -> Shown {
    let mut out = Shown::default();
    out.render(node, defects);
    out.text.truncate(out.text.trim_end().len());
    out
}

impl Shown {
    fn render(&mut self, node: &Node, defects: &mut Defects) {
        match node {
            Node::Text(Kind::Plain, text) => self.join(text, false, defects),
            Node::Text(Kind::Flowed { delete_space }, text) => {
                self.join(&unflowed(text, *delete_space), false, defects);
            }
            Node::Text(Kind::Html, text) => self.page(text, defects),
            Node::All(nodes) => nodes.iter().for_each(|node| self.render(node, defects)),
            Node::OneOf(nodes) => {
                if let Some(choice) = alternative::choose(nodes, self.prefer) {
                    self.facts.page_instead |= choice.page_instead;
                    let before = std::mem::replace(&mut self.prefer, choice.inside);
                    self.render(choice.node, defects);
                    self.prefer = before;
                }
            }
            Node::Message(summary, node) => {
                self.join(summary, true, defects);
                self.headed = true;
                self.render(node, defects);
                self.headed = false;
            }
        }
    }

    fn page(&mut self, source: &str, defects: &mut Defects) {
        let page = html::render(source, self.links + 1);
        self.join(&page.text, false, defects);
        let list = page.text[page.list..].trim_matches(['\r', '\n']);
        let length = crate::safe_text::text(list.trim_end()).len();
        if length > 0 && self.facts.lists.len() < MAX_PARTS {
            let to = self.text.len();
            self.facts.lists.push(Targets { at: to.saturating_sub(length), to });
        }
        self.links = page.next - 1;
        let room = MAX_ANCHORS.saturating_sub(self.facts.links.len());
        let anchors = page.anchors.into_iter().take(room);
        self.facts.links.extend(
            anchors.map(|anchor| Anchor { text: crate::safe_text::line(&anchor.text), ..anchor }),
        );
        if !page.counts.is_empty() {
            let before = self.facts.html.unwrap_or_default();
            self.facts.html = Some(before.and(page.counts));
        }
    }

    /// Appends a part behind an empty line; blank parts are left out.
    fn join(&mut self, text: &str, message: bool, defects: &mut Defects) {
        let text = text.trim_start_matches(['\r', '\n']).trim_end();
        if text.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        let at = self.text.len();
        let part = at > 0 && !std::mem::take(&mut self.headed);
        if (part || message) && self.facts.parts.len() < MAX_PARTS {
            self.facts.parts.push(PartStart { at, message });
        }
        self.text.push_str(&defects.text(text));
    }
}

/// Joins the soft line ends of `format=flowed` (RFC 3676 section 4.1) and takes space-stuffing
/// away.
fn unflowed(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // The quote depth of the paragraph that is open, if one is.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|&b| b == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_signature = content == "-- ";
        let joins = open == Some(depth) && !is_signature;
        if !joins {
            if !out.is_empty() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            if depth > 0 && !content.is_empty() {
                out.push(' ');
            }
        }
        let soft = content.ends_with(' ') && !is_signature;
        let content = if soft && delete_space { &content[..content.len() - 1] } else { content };
        out.push_str(content);
        open = soft.then_some(depth);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowed_text() {
        let cases = [
            ("one \ntwo\nthree", false, "one two\nthree"),
            ("one \ntwo", true, "onetwo"),
            ("> a \n> b\n>> c\nd", false, "> a b\n>> c\nd"),
            ("> a \nb", false, "> a \nb"),
            (" From here\n >stuffed", false, "From here\n>stuffed"),
            ("a\n-- \nsig \nend", false, "a\n-- \nsig end"),
            ("a\n\nb", false, "a\n\nb"),
        ];
        for (given, delete_space, expected) in cases {
            assert_eq!(unflowed(given, delete_space), expected, "{given:?}");
        }
    }
}
