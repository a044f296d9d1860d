//! The headers of a message in full: every address with its name, the date, its ids.
//!
//! Invariant: nothing is cut; what the message has not is not there. Pure.

use jiff::tz::TimeZone;

use super::Kind;
use crate::engine::view::Message;
use crate::mail::Address;
use crate::ui::{date, text};

/// Addresses of one field that are named; what is more is counted, and is in the source.
const MAX_NAMED: usize = 200;
/// The ids that are named of all that it answers.
const MAX_ANSWERED: usize = 5;

/// The lines, in so many columns.
pub(super) fn lines(message: &Message, zone: &TimeZone, columns: usize) -> Vec<(Kind, String)> {
    let mut out = Vec::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            let parts = text::wrap(&format!("{name}: {}", text::clean(value)), columns);
            out.extend(parts.into_iter().map(|part| (Kind::Meta, part)));
        }
    };
    field("From", &all(&message.from));
    field("To", &all(&message.to));
    field("Cc", &all(&message.cc));
    field("Bcc", &all(&message.bcc));
    field("Reply-To", &all(&message.reply_to));
    field("Date", &message.date.map(|at| date::long(at, zone)).unwrap_or_default());
    field("Subject", message.subject.as_deref().unwrap_or_default());
    field("Message-ID", message.message_id.as_deref().unwrap_or_default());
    let answers: Vec<&str> =
        message.references.iter().rev().take(MAX_ANSWERED).map(String::as_str).collect();
    field("In answer to", &answers.join(", "));
    out
}

fn all(addresses: &[Address]) -> String {
    let shown = |who: &Address| match who.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{name} <{}>", who.shown()),
        None => who.shown().into_owned(),
    };
    let named: Vec<String> = addresses.iter().take(MAX_NAMED).map(shown).collect();
    match addresses.len().saturating_sub(MAX_NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
