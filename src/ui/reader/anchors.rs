//! Where links stand in the lines that are seen, so that the terminal can open them.
//!
//! Invariant: what is linked is the target that the box of links shows, whole: a part of a link
//! that a line's end has cut off leads where the whole leads, and a link with a warning nowhere.
//! The text is not changed. Pure.

use std::ops::Range;

use super::{Kind, Line, Reader};
use crate::mail::links::{self, Link};
use crate::ui::osc8::{MAX_ANCHORS, Target};
use crate::ui::text;

/// Lines above the first that is seen in which a link may begin.
const ABOVE: usize = 12;
/// Lines that a link goes on in.
const GOES_ON: usize = 40;

/// A part of a line that leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The line.
    pub line: usize,
    /// Where in its text, in bytes.
    pub range: Range<usize>,
    /// Where it leads.
    pub target: Target,
    /// The number of the link in all that is read.
    pub number: u64,
}

impl Reader {
    /// Looks up the links of the messages that are seen.
    pub(super) fn look_up_links(&mut self) {
        let Some(messages) = &self.messages else { return };
        let mut last = None;
        for line in self.lines.iter().skip(self.top).take(self.height) {
            if last == Some(line.message) {
                continue;
            }
            last = Some(line.message);
            if let Some(message) = messages.get(line.message) {
                self.linked.entry(message.id.clone()).or_insert_with(|| {
                    links::by_number(links::links(&message.text, &message.facts))
                });
            }
        }
    }

    fn links_of(&self, message: usize) -> &[Link] {
        let of = self.messages.as_ref().and_then(|all| all.get(message));
        of.and_then(|message| self.linked.get(&message.id)).map_or(&[], Vec::as_slice)
    }

    /// Whether the text of a message has numbers of ours for its links.
    fn is_numbered(&self, message: usize) -> bool {
        let of = self.messages.as_ref().and_then(|all| all.get(message));
        of.is_some_and(|message| !message.facts.links.is_empty() || !message.facts.lists.is_empty())
    }

    /// The first of these links of the current message that stands in the lines that are seen, by
    /// its place among them. What the head says is no link, and where links have numbers only a
    /// number behind what the link says counts: a text cannot choose another.
    #[must_use]
    pub fn first_link(&self, links: &[Link]) -> Option<usize> {
        let numbered = self.is_numbered(self.current);
        let seen = self.lines.iter().skip(self.top).take(self.height);
        let mut mine = seen.filter(|line| line.message == self.current && has_links(line));
        mine.find_map(|line| {
            let text = line.text.as_str();
            if numbered {
                return first_number(text, links);
            }
            let said = |at: &usize| {
                let link = &links[*at];
                Some((text.find(&link.text).filter(|_| !link.text.is_empty())?, *at))
            };
            (0..links.len()).filter_map(|at| said(&at)).min().map(|(_, at)| at)
        })
    }

    /// What of the lines that are seen leads somewhere.
    #[must_use]
    pub fn anchors(&self) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let end = (self.top + self.height).min(self.lines.len());
        for at in self.top.saturating_sub(ABOVE)..end {
            if found.len() >= MAX_ANCHORS {
                break;
            }
            self.of_line(at, &mut found);
        }
        found.retain(|part| (self.top..end).contains(&part.line));
        found.sort_by_key(|part| (part.line, part.range.start));
        // What stands in another is a part of it.
        found.dedup_by(|next, last| next.line == last.line && next.range.start < last.range.end);
        found
    }

    fn of_line(&self, at: usize, found: &mut Vec<Found>) {
        let Some(line) = self.lines.get(at) else { return };
        if !has_links(line) {
            return;
        }
        let links = self.links_of(line.message);
        let text = line.text.as_str();
        let mut add = |line: usize, range: Range<usize>, link: &Link| {
            if let Some(target) = Target::of(&link.target).filter(|_| link.warnings.is_empty()) {
                let message = self.lines.get(line).map_or(0, |line| line.message) as u64;
                let number = message * 10_000 + u64::from(link.n);
                found.push(Found { line, range, target, number });
            }
        };
        if let (Kind::Link | Kind::Target, Some((range, n))) = (&line.kind, number(text, 0)) {
            if let Some(link) = links.iter().find(|link| link.n == n && range.start == 0) {
                add(at, 0..text.len(), link);
            }
            return;
        }
        if self.is_numbered(line.message) {
            let mut from = 0;
            while let Some((range, n)) = number(text, from) {
                from = range.end;
                if let Some(link) = links.iter().find(|link| link.n == n) {
                    let said =
                        text[..range.start].strip_suffix(' ').unwrap_or(&text[..range.start]);
                    let said = said.strip_suffix(link.text.as_str()).map_or(range.start, str::len);
                    add(at, said..range.end, link);
                }
            }
        }
        for (range, target) in links::find(text) {
            let normal = links::normal(&target);
            let (start, said) = (range.start, &text[range.clone()]);
            // A link that has a line's end in it begins in the last word of its line.
            let word = &text[start..];
            let longer = links.iter().filter(|link| {
                let all = link.text.as_str();
                all.len() > word.len() && all.starts_with(word) && link.target != normal
            });
            let mut parts = longer.map(|link| (link, self.parts(at, start, &link.text)));
            if let Some((link, parts)) = parts.rfind(|(_, parts)| !parts.is_empty()) {
                for (line, range) in parts {
                    add(line, range, link);
                }
            } else if let Some(link) = links.iter().find(|link| link.target == normal) {
                add(at, start..start + said.len(), link);
            }
        }
    }

    /// The parts of a link that begins at byte `start` of a line and goes on in those below; none
    /// where these are not it.
    fn parts(&self, at: usize, start: usize, all: &str) -> Vec<(usize, Range<usize>)> {
        let Some(first) = self.lines.get(at) else { return Vec::new() };
        let mut parts = vec![(at, start..first.text.len())];
        let Some(mut left) = all.strip_prefix(&first.text[start..]) else { return Vec::new() };
        for (line, number) in self.lines[at + 1..].iter().take(GOES_ON).zip(at + 1..) {
            if line.message != first.message || left.is_empty() {
                break;
            }
            let from = own(line);
            let word = line.text[from..].split(char::is_whitespace).next().unwrap_or_default();
            if let Some(rest) = left.strip_prefix(word).filter(|_| !word.is_empty()) {
                parts.push((number, from..from + word.len()));
                left = rest;
            } else if word.starts_with(left) {
                parts.push((number, from..from + left.len()));
                left = "";
            } else {
                return Vec::new();
            }
        }
        if left.is_empty() { parts } else { Vec::new() }
    }
}

/// Whether a line is of the text of a message.
const fn has_links(line: &Line) -> bool {
    let kind = &line.kind;
    matches!(kind, Kind::Text | Kind::Quote(_) | Kind::Signature | Kind::Link | Kind::Target)
}

/// The link of the first number in a line that stands behind what its link says, or begins it.
fn first_number(text: &str, links: &[Link]) -> Option<usize> {
    let mut from = 0;
    while let Some((range, n)) = number(text, from) {
        from = range.end;
        let before = text[..range.start].trim_end();
        let is_its = |link: &Link| {
            let last = link.text.split_whitespace().next_back().unwrap_or_default();
            link.n == n && (before.is_empty() || before.ends_with(last))
        };
        if let Some(at) = links.iter().position(is_its) {
            return Some(at);
        }
    }
    None
}

/// Where a line's own text begins, behind the marks of a quote.
fn own(line: &Line) -> usize {
    if matches!(line.kind, Kind::Quote(_)) { text::quote(&line.text).1 } else { 0 }
}

/// The first `[n]` from byte `from` on, and its number.
fn number(text: &str, from: usize) -> Option<(Range<usize>, u32)> {
    let mut at = from;
    while let Some(start) = text[at..].find('[').map(|found| at + found) {
        let digits = text[start + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let end = start + 1 + digits;
        if text[end..].starts_with(']')
            && let Ok(n) = text[start + 1..end].parse()
        {
            return Some((start..end + 1, n));
        }
        at = start + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_in_brackets() {
        for (text, found) in [
            ("see [12] there", Some((4..8, 12))),
            ("[a] [1]", Some((4..7, 1))),
            ("[] [1", None),
            ("[99999999999]", None),
            ("日本[3]", Some((6..9, 3))),
        ] {
            assert_eq!(number(text, 0), found, "{text}");
        }
        assert_eq!(number("[1] [2]", 3), Some((4..7, 2)));
    }
}
