//! What was searched for, where it stands in the reader.
//!
//! Invariant: places are in order and lie in lines that are laid out; a phrase that goes on in the
//! next line is marked in both.

use std::ops::Range;

use super::{Kind, Reader};
use crate::engine::view::Message;
use crate::mail::Address;
use crate::search::{Field, Needles};

/// Messages of a conversation that are unfolded since they were found; further ones stay as they
/// are.
const MAX_UNFOLDED: usize = 50;

impl Reader {
    /// Whether it shows what was searched for.
    #[must_use]
    pub const fn has_hits(&self) -> bool {
        !self.hits.is_empty()
    }

    /// To the next (`true`) or previous hit; whether there is one.
    pub fn hit(&mut self, next: bool) -> bool {
        let seen = |line: usize| (self.top..self.top + self.height).contains(&line);
        // Where the last hit is out of sight, it goes on from what is in sight.
        let from = self.hit.filter(|hit| self.hits.get(*hit).is_some_and(|(line, _)| seen(*line)));
        let to = match (from, next) {
            (Some(hit), true) => hit.checked_add(1),
            (Some(hit), false) => hit.checked_sub(1),
            (None, true) => Some(self.hits.partition_point(|(line, _)| *line < self.top)),
            (None, false) => {
                self.hits.partition_point(|(line, _)| *line < self.top + self.height).checked_sub(1)
            }
        };
        let Some(to) = to.filter(|to| *to < self.hits.len()) else { return false };
        self.show_hit(to);
        true
    }

    /// Goes to a hit.
    pub(super) fn show_hit(&mut self, hit: usize) {
        let Some((line, _)) = self.hits.get(hit).cloned() else { return };
        self.hit = Some(hit);
        self.current = self.lines[line].message;
        if !(self.top..self.top + self.height).contains(&line) {
            self.top = line.saturating_sub(self.height / 3).min(self.last_top());
        }
    }

    /// Unfolds what was found; the first of it.
    pub(super) fn unfold_found(&mut self, messages: &[Message]) -> Option<usize> {
        let needles = self.needles.as_ref().filter(|needles| !needles.is_empty())?;
        let found = messages.iter().enumerate().filter(|(_, message)| is_in(needles, message));
        let mut first = None;
        for (at, message) in found.take(MAX_UNFOLDED) {
            self.folds.insert(message.id.clone(), false);
            first = first.or(Some(at));
        }
        first
    }

    /// The first hit of the message that keys are for is in sight.
    pub(super) fn show_first_hit(&mut self) {
        let of_it = |(line, _): &(usize, _)| self.lines[*line].message == self.current;
        let Some(hit) = self.hits.iter().position(of_it) else { return };
        let (line, _) = self.hits[hit];
        self.hit = Some(hit);
        if line >= self.top + self.height {
            self.top = line.saturating_sub(self.height / 3).min(self.last_top());
        }
    }

    /// Finds what was searched for in the lines.
    pub(super) fn find_hits(&mut self) {
        let before = self.hit.and_then(|hit| self.hits.get(hit).cloned());
        self.hits.clear();
        self.hit = None;
        let Some(needles) = self.needles.as_ref().filter(|needles| !needles.is_empty()) else {
            return;
        };
        let mut line = 0;
        while let Some(first) = self.lines.get(line) {
            let Some(field) = field(&first.kind) else {
                line += 1;
                continue;
            };
            // Text that is wrapped is one text.
            let same =
                |other: &super::Line| other.kind == first.kind && other.message == first.message;
            let count = self.lines[line..].iter().take_while(|other| same(other)).count();
            let texts: Vec<&str> =
                self.lines[line..line + count].iter().map(|line| line.text.as_str()).collect();
            self.hits.extend(in_lines(needles, field, &texts, line));
            line += count;
        }
        self.hit = before.and_then(|before| self.hits.iter().position(|hit| *hit == before));
    }
}

/// Hits in lines of one text, the first of which is `first`.
fn in_lines(
    needles: &Needles,
    field: Field,
    texts: &[&str],
    first: usize,
) -> Vec<(usize, Range<usize>)> {
    let (mut out, mut at, mut line) = (Vec::new(), 0, 0);
    for hit in needles.find(field, &texts.join("\n")) {
        while line < texts.len() && at + texts[line].len() < hit.start {
            at += texts[line].len() + 1;
            line += 1;
        }
        let (mut start, mut here) = (at, line);
        while here < texts.len() && start < hit.end {
            let (from, to) = (hit.start.saturating_sub(start), hit.end - start);
            let to = to.min(texts[here].len());
            if from < to {
                out.push((first + here, from..to));
            }
            start += texts[here].len() + 1;
            here += 1;
        }
    }
    out
}

/// What a line is to a search.
const fn field(kind: &Kind) -> Option<Field> {
    match kind {
        Kind::Text | Kind::Quote(_) | Kind::Signature | Kind::Link => Some(Field::Body),
        Kind::Attachment => Some(Field::Filename),
        _ => None,
    }
}

fn is_in(needles: &Needles, message: &Message) -> bool {
    let named = |field, who: &[Address]| {
        who.iter().any(|who| {
            let name = who.name.as_deref().unwrap_or_default();
            needles.is_in(field, name) || needles.is_in(field, &who.address)
        })
    };
    let files = message.attachments.iter().filter_map(|file| file.name.as_deref());
    needles.is_in(Field::Body, &message.text)
        || named(Field::From, &message.from)
        || named(Field::To, &message.to)
        || named(Field::Cc, &message.cc)
        || files.into_iter().any(|name| needles.is_in(Field::Filename, name))
}
