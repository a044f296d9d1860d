//! The box of a message's links, and what is copied of a message.
//!
//! Invariant: what is opened or copied is the target that the box shows; one with a warning is
//! opened by a second press only, after its full target was shown. Nothing is opened but `http`,
//! `https`, `ftp` and `mailto`.

use crate::command::motion::Motion;
use crate::command::reading::Copied;
use crate::command::registry::Verb;
use crate::engine::view::Message;
use crate::mail::links::{self, Link, LinkWarning};
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::clipboard::MAX_COPIED_BYTES;
use crate::ui::compose::desk::DeskAsk;

/// The box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinksBox {
    /// The links of the message, by number.
    pub links: Vec<Link>,
    /// The one under the cursor.
    pub cursor: usize,
    /// Whether the warnings of the one under the cursor were seen.
    pub seen: bool,
    typed: u32,
}

impl LinksBox {
    /// The link under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Link> {
        self.links.get(self.cursor)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        let last = self.links.len().saturating_sub(1);
        let page = 10;
        let to = match motion {
            Motion::Down => self.cursor + 1,
            Motion::Up => self.cursor.saturating_sub(1),
            Motion::HalfDown | Motion::PageDown => self.cursor + page,
            Motion::HalfUp | Motion::PageUp => self.cursor.saturating_sub(page),
            Motion::First => 0,
            Motion::Last => last,
        };
        self.set(to);
        self.typed = 0;
    }

    fn set(&mut self, to: usize) {
        self.cursor = to.min(self.links.len().saturating_sub(1));
        self.seen = false;
    }

    /// Goes to the link with the number that is typed, digit by digit.
    pub fn insert(&mut self, typed: &str) {
        let last = self.links.last().map_or(0, |link| link.n);
        for digit in typed.chars().filter_map(|c| c.to_digit(10)) {
            let longer = self.typed.saturating_mul(10).saturating_add(digit);
            self.typed = if longer <= last { longer } else { digit };
            if let Some(at) = self.links.iter().position(|link| link.n == self.typed) {
                self.set(at);
            }
        }
    }
}

/// What a key does here.
pub fn press(model: &mut Model, verb: Verb) -> Vec<Effect> {
    match verb {
        Verb::Links => open(model),
        Verb::OpenLink => follow(model),
        Verb::Copy(what) => copy(model, what),
        _ => Vec::new(),
    }
}

fn current(model: &Model) -> Option<&Message> {
    let reader = model.reader.as_ref()?;
    reader.messages.as_ref()?.get(reader.current)
}

/// Opens the box for the message under the cursor, at the first link in sight.
fn open(model: &mut Model) -> Vec<Effect> {
    let Some(message) = current(model) else { return Vec::new() };
    let links = links::by_number(links::links(&message.text, &message.facts));
    if links.is_empty() {
        model.say(Severity::Info, "There is no link in this message", "");
        return Vec::new();
    }
    let cursor = model.reader.as_ref().and_then(|reader| reader.first_link(&links)).unwrap_or(0);
    model.layers.push(Layer::Links(LinksBox { links, cursor, seen: false, typed: 0 }));
    Vec::new()
}

/// Opens the link under the cursor.
fn follow(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Links(open)) = model.layers.last_mut() else { return Vec::new() };
    let Some(link) = open.current().cloned() else { return Vec::new() };
    if link.warnings.contains(&LinkWarning::Refused) || !links::may_open(&link.target) {
        model.say(Severity::Warning, "This link is not opened", "y copies it");
        return Vec::new();
    }
    if !link.warnings.is_empty() && !std::mem::replace(&mut open.seen, true) {
        return Vec::new();
    }
    model.layers.pop();
    let host = links::host(&link.target).unwrap_or_default();
    model.say(Severity::Info, format!("Opening {host}"), "");
    vec![Effect::Desk(DeskAsk::OpenLink(link.target))]
}

/// Copies something.
fn copy(model: &mut Model, what: Copied) -> Vec<Effect> {
    let found = match (what, model.layers.last(), current(model)) {
        (Copied::Link, Some(Layer::Links(open)), _) => {
            open.current().map(|link| ("link", link.target.clone()))
        }
        (Copied::Address, _, Some(message)) => {
            message.from.first().map(|from| ("address", from.address.clone()))
        }
        (Copied::Text, _, Some(message)) => Some(("text", message.text.clone())),
        (Copied::Id, _, Some(message)) => {
            message.message_id.as_ref().map(|id| ("Message-ID", format!("<{id}>")))
        }
        _ => None,
    };
    let Some((name, text)) = found.filter(|(_, text)| !text.is_empty()) else {
        model.say(Severity::Info, "There is nothing to copy", "");
        return Vec::new();
    };
    if text.len() > MAX_COPIED_BYTES {
        let hint = "`mailtui show --json` has it";
        model.say(Severity::Warning, format!("The {name} is too long to be copied"), hint);
        return Vec::new();
    }
    model.say(Severity::Info, format!("The {name} is copied"), "");
    vec![Effect::Copy(text)]
}
