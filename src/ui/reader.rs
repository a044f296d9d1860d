//! The reader's state: one conversation, laid out in lines for a width.
//!
//! Invariant: `lines` is what [`Reader::lay_out`] made of the conversation, the folds and the
//! width; `top` is at most its last line. A message is wrapped once for a width.

pub mod anchors;
mod body;
mod headers;
mod hits;
mod quotes;
pub mod turned;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use jiff::tz::TimeZone;

use crate::command::context::Subject;
use crate::command::motion::Motion;
use crate::engine::view::{Message, Row, Thread};
use crate::id::MessageId;
use crate::mail::links::Link;
use crate::mail::{Address, Doubt, Facts};
use crate::search::Needles;
use crate::ui::{date, list, text};

/// Columns that text is wrapped to at most; longer lines tire the eye.
pub const MEASURE_COLUMNS: usize = 100;

/// Lines of a folded message that its line begins with, as many as fit.
const BEGINNING_LINES: usize = 3;
/// Columns of a head that name and address share with others: the date, marks, a short name.
const HEAD_COLUMNS: usize = 34;
/// Addresses that a head names where there are more than one.
const HEAD_SENDERS: usize = 4;
/// Folded messages that stay in sight above the one that is gone to.
const CONTEXT_LINES: usize = 3;
/// Columns of names of folded messages at most: what they say begins in one column behind.
const NAME_COLUMNS: usize = 24;
/// From so many visible lines on there is a blank above a message that is unfolded.
const BLANK_FROM: usize = 12;

/// What a line is, for its look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The head of a message: name, address, date, and whether it is unread and folded.
    Head {
        /// The name.
        name: String,
        /// The address, or the beginning of the text when folded.
        detail: String,
        /// The date.
        date: String,
        /// Unread.
        unread: bool,
        /// Starred.
        starred: bool,
        /// Folded to this line.
        folded: bool,
        /// The address is doubtful: it is seen also when folded.
        doubtful: bool,
    },
    /// A line about the message: recipients, defects.
    Meta,
    /// Text.
    Text,
    /// Text quoted this deep.
    Quote(usize),
    /// The signature under a text.
    Signature,
    /// A long quote that is folded: how long it is.
    Folded,
    /// An attachment.
    Attachment,
    /// What was wrong with the message.
    Defect,
    /// What to look at before the message is believed.
    Warning,
    /// A link of the text with its number.
    Link,
    /// Where a link leads, as we have listed it.
    Target,
    /// Between two parts of a message.
    Rule,
    /// Between messages.
    Blank,
}

impl Kind {
    /// Whether it says what the program says, not the message.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        match self {
            Self::Meta
            | Self::Target
            | Self::Attachment
            | Self::Defect
            | Self::Warning
            | Self::Rule
            | Self::Folded
            | Self::Head { .. } => true,
            Self::Text | Self::Quote(_) | Self::Signature | Self::Link | Self::Blank => false,
        }
    }
}

/// One line of the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: Kind,
    /// Its text; empty for a head.
    pub text: String,
    /// The message it belongs to.
    pub message: usize,
    /// Whether it is of the head of a message that is unfolded.
    pub head: bool,
}

impl Line {
    fn blank(message: usize) -> Self {
        Self { kind: Kind::Blank, text: String::new(), message, head: false }
    }
}

/// What wrapping the text of a message gave, with the width, the text and the facts that it was
/// made of.
type Wrapped = HashMap<MessageId, (usize, String, Facts, Vec<(Kind, String)>)>;

/// The reader.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The row it was opened from, or as it has become since.
    pub row: Row,
    /// When it was opened, Unix milliseconds.
    pub opened_ms: i64,
    /// Its messages; `None` until the engine has answered.
    pub messages: Option<Vec<Message>>,
    /// The lines, for `width`.
    pub lines: Vec<Line>,
    /// The first visible line.
    pub top: usize,
    /// Visible lines.
    pub height: usize,
    /// The message that keys are for.
    pub current: usize,
    /// Whether opening it has marked it read, or need not any more.
    pub marked: bool,
    /// What was searched for, where it was opened from a search.
    pub needles: Option<Needles>,
    /// Where it stands: lines, and places in each.
    pub hits: Vec<(usize, Range<usize>)>,
    /// The hit that was gone to.
    pub hit: Option<usize>,
    /// Whether something is found in it that was asked for here.
    pub finding: bool,
    /// Whether headers are shown in full.
    pub headers: bool,
    /// Columns of the names of folded messages.
    pub names: usize,
    /// Messages whose long quotes are unfolded.
    quotes: HashSet<MessageId>,
    /// Where what is seen stands, while the lines are laid out anew.
    keeps: Option<turned::Kept>,
    folds: HashMap<MessageId, bool>,
    /// What is doubtful about who wrote each message.
    doubts: Vec<Vec<Doubt>>,
    wrapped: Wrapped,
    /// The links of messages that were seen.
    linked: HashMap<MessageId, Vec<Link>>,
    width: usize,
    placed: bool,
}

impl Reader {
    /// Opens `row`; its messages are still to come.
    #[must_use]
    pub fn new(row: Row, opened_ms: i64) -> Self {
        Self {
            row,
            opened_ms,
            messages: None,
            lines: Vec::new(),
            top: 0,
            height: 1,
            current: 0,
            marked: false,
            needles: None,
            hits: Vec::new(),
            hit: None,
            finding: false,
            headers: false,
            names: 0,
            quotes: HashSet::new(),
            keeps: None,
            folds: HashMap::new(),
            doubts: Vec::new(),
            wrapped: HashMap::new(),
            linked: HashMap::new(),
            width: 0,
            placed: false,
        }
    }

    /// What a command may know of it.
    #[must_use]
    pub fn subjects(&self) -> Vec<Subject> {
        vec![list::subject(&self.row)]
    }

    /// The thread of the message under the cursor.
    #[must_use]
    pub fn thread(&self) -> Option<&crate::id::ThreadId> {
        self.messages.as_ref()?.get(self.current).map(|message| &message.thread)
    }

    /// Takes in the conversation as it is now.
    pub fn take(&mut self, thread: Thread) {
        let newest = thread.messages.len().saturating_sub(1);
        for (at, message) in thread.messages.iter().enumerate() {
            let fold = message.flags.read && at != newest;
            self.folds.entry(message.id.clone()).or_insert(fold);
        }
        let first = thread.messages.iter().position(|m| !m.flags.read).unwrap_or(newest);
        let found = if self.placed { None } else { self.unfold_found(&thread.messages) };
        self.row = thread.row;
        let first = found.unwrap_or(first);
        self.current = if self.placed { self.current.min(newest) } else { first };
        self.doubts = body::sender_doubts(&thread.messages);
        self.messages = Some(thread.messages);
        self.linked.clear();
        self.width = 0;
    }

    /// Lays out for a screen of `width` by `height`, if that or the conversation changed.
    pub fn lay_out(&mut self, width: usize, height: usize, zone: &TimeZone, now: i64) {
        let height = height.max(1);
        let airy = height >= BLANK_FROM;
        let turned = airy != (self.height >= BLANK_FROM);
        self.height = height;
        if self.messages.is_none() {
            return;
        }
        if self.width != width || turned {
            let resized = self.width != 0;
            self.width = width;
            self.lay_lines(airy, zone, now);
            self.find_hits();
            if let (true, Some(kept)) = (self.placed, self.keeps.take()) {
                self.put_back(kept);
            } else if !self.placed {
                self.placed = true;
                self.show_message(self.current);
                self.show_first_hit();
            } else if resized {
                self.show_message(self.current);
            }
        }
        self.top = self.top.min(self.last_top());
        self.look_up_links();
    }

    /// The lines of all messages.
    fn lay_lines(&mut self, airy: bool, zone: &TimeZone, now: i64) {
        let Some(messages) = &self.messages else { return };
        let columns = self.width.saturating_sub(4).clamp(1, MEASURE_COLUMNS);
        // What is looked for may stand in a quote.
        let sought = self.needles.as_ref().is_some_and(|needles| !needles.is_empty());
        self.lines.clear();
        self.names = 0;
        for (at, message) in messages.iter().enumerate() {
            let folded = self.folds.get(&message.id).copied().unwrap_or(false);
            let doubts = self.doubts.get(at).map_or(&[][..], Vec::as_slice);
            let head = head((at, message), !doubts.is_empty(), folded, zone, now);
            if folded {
                if let (Kind::Head { name, .. }, true) = (&head.kind, doubts.is_empty()) {
                    self.names = self.names.max(text::width(name));
                }
                self.lines.push(head);
                continue;
            }
            // What is above is a folded message, which ends in no blank.
            let above = self.lines.last().filter(|line| airy && line.kind != Kind::Blank);
            if let Some(above) = above.map(|line| line.message) {
                self.lines.push(Line::blank(above));
            }
            self.lines.push(head);
            let of = |head: bool| {
                move |(kind, text): &(Kind, String)| {
                    let (kind, text) = (kind.clone(), text.clone());
                    Line { kind, text, message: at, head }
                }
            };
            let full = self.headers.then(|| headers::lines(message, zone, columns));
            let top = body::top(message, doubts, columns);
            self.lines.extend(top.iter().chain(full.iter().flatten()).map(of(true)));
            let body = wrap_body(&mut self.wrapped, message, columns);
            let open = sought || self.quotes.contains(&message.id);
            let folded = if open { Vec::new() } else { quotes::folded(body) };
            let body = if open { body } else { folded.as_slice() };
            let foot = body::foot(message, columns);
            self.lines.extend(body.iter().chain(&foot).map(of(false)));
            self.lines.push(Line::blank(at));
        }
        self.names = self.names.min(NAME_COLUMNS).min(columns / 3);
    }

    /// How far it can scroll.
    #[must_use]
    pub fn last_top(&self) -> usize {
        self.lines.len().saturating_sub(self.height)
    }

    /// Scrolls.
    pub fn go(&mut self, motion: Motion) {
        let (half, page) = ((self.height / 2).max(1), self.height.saturating_sub(1).max(1));
        self.top = match motion {
            Motion::Down => self.top + 1,
            Motion::Up => self.top.saturating_sub(1),
            Motion::HalfDown => self.top + half,
            Motion::HalfUp => self.top.saturating_sub(half),
            Motion::PageDown => self.top + page,
            Motion::PageUp => self.top.saturating_sub(page),
            Motion::First => 0,
            Motion::Last => self.last_top(),
        }
        .min(self.last_top());
        self.follow();
    }

    /// The message that keys are for is one that is on screen.
    fn follow(&mut self) {
        let end = (self.top + self.height).min(self.lines.len());
        let Some(visible) = self.lines.get(self.top..end) else { return };
        if visible.iter().any(|line| line.message == self.current) {
            return;
        }
        let first = visible.first().map_or(0, |line| line.message);
        let last = visible.last().map_or(0, |line| line.message);
        self.current = self.current.clamp(first, last);
    }

    /// To the next (`true`) or previous message.
    pub fn step(&mut self, next: bool) {
        let last = self.messages.as_ref().map_or(0, Vec::len).saturating_sub(1);
        let to = if next { self.current + 1 } else { self.current.saturating_sub(1) };
        self.show_message(to.min(last));
    }

    fn show_message(&mut self, at: usize) {
        self.current = at;
        let head = self.lines.iter().position(|line| line.message == at).unwrap_or(0);
        // Folded messages right above stay in sight: they say what this one answers.
        let above = &self.lines[..head];
        let blank = usize::from(above.last().is_some_and(|line| line.kind == Kind::Blank));
        let above = above[..head - blank].iter().rev().take(CONTEXT_LINES);
        let folded = above.take_while(|line| matches!(line.kind, Kind::Head { .. })).count();
        let above = if folded > 0 { folded + blank } else { 0 };
        self.top = (head - above).min(self.last_top());
    }

    /// Folds or unfolds the message that keys are for.
    pub fn fold(&mut self) {
        let id = self.messages.as_ref().and_then(|all| all.get(self.current)).map(|m| m.id.clone());
        if let Some(fold) = id.and_then(|id| self.folds.get_mut(&id)) {
            *fold = !*fold;
            self.width = 0;
        }
    }

    /// Folds or unfolds all messages.
    pub fn fold_all(&mut self, folded: bool) {
        self.folds.values_mut().for_each(|fold| *fold = folded);
        self.width = 0;
    }
}

/// What an address is called: its name, else the address.
#[must_use]
pub fn name(address: &Address) -> Cow<'_, str> {
    let name = address.name.as_deref().filter(|name| !name.is_empty());
    name.map_or_else(|| address.shown(), Cow::Borrowed)
}

fn head(
    (at, message): (usize, &Message),
    doubtful: bool,
    folded: bool,
    zone: &TimeZone,
    now: i64,
) -> Line {
    let from = message.from.first();
    let several = message.from.len() > 1;
    let named = from.filter(|from| from.name.is_some()).map(|from| from.shown().into_owned());
    let all = || message.from.iter().map(Address::shown).take(HEAD_SENDERS);
    let address = if several { Some(all().collect::<Vec<_>>().join(", ")) } else { named };
    let date = if folded {
        date::short(message.sort_date, now, zone)
    } else {
        date::long(message.sort_date, zone)
    };
    let kind = Kind::Head {
        name: if several {
            text::plural(message.from.len() as u64, "sender", "senders")
        } else {
            from.map_or("(no sender)".into(), name).into_owned()
        },
        detail: if folded && !doubtful {
            beginning(&message.text)
        } else {
            address.unwrap_or_default()
        },
        date,
        unread: !message.flags.read,
        starred: message.flags.starred,
        folded,
        doubtful,
    };
    Line { kind, text: String::new(), message: at, head: !folded }
}

/// The first own words of a message: no quotes, no line that only introduces one.
fn beginning(text: &str) -> String {
    let quoted = |line: &str| text::quote(line).0 > 0;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let (mut out, mut taken) = (Vec::new(), 0);
    while let Some(line) = lines.next() {
        let introduces = line.ends_with(':') && lines.peek().is_some_and(|next| quoted(next));
        if quoted(line) || introduces {
            continue;
        }
        out.extend(line.split_whitespace());
        taken += 1;
        if taken == BEGINNING_LINES {
            break;
        }
    }
    out.join(" ")
}

fn wrap_body<'a>(
    cache: &'a mut Wrapped,
    message: &Message,
    columns: usize,
) -> &'a [(Kind, String)] {
    let same = |(at, text, facts, _): &(usize, String, Facts, _)| {
        *at == columns && *text == message.text && *facts == message.facts
    };
    if !cache.get(&message.id).is_some_and(same) {
        let lines = body::lines(message, columns);
        let of = (columns, message.text.clone(), message.facts.clone(), lines);
        cache.insert(message.id.clone(), of);
    }
    cache.get(&message.id).map_or(&[], |(.., lines)| lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_message_begins_with_its_own_words() {
        for (text, shown) in [
            ("Hello,\n\nall   is well.", "Hello, all is well."),
            ("On Monday Ann wrote:\n> Done?\n>> Yes?\n\nDone.", "Done."),
            ("See this:\nit works", "See this: it works"),
            ("> only\n> quotes", ""),
            ("a\nb\nc\nd", "a b c"),
        ] {
            assert_eq!(beginning(text), shown);
        }
    }
}
