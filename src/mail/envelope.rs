//! A raw message to [`Parsed`]: the entry of this room.
//!
//! Invariant: never fails and never panics; where reading the parts goes wrong, the header is still
//! read. This file must not interpret single fields: their files do.

use std::borrow::Cow;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::defect::{self, Defects};
use super::field::{self, Head};
use super::part::{Node, Walker};
use super::{
    Address, Attachment, Parsed, address, auth, body, date, gmail, message_id, status, word,
};

/// Fields of one name whose addresses are joined.
const MAX_ADDRESS_FIELDS: usize = 50;

/// Received fields that are looked through for a date.
const MAX_HOPS: usize = 20;

/// How much of a message is looked through for its id alone, in bytes.
const FRONT_BYTES: usize = 64 * 1024;

/// Reads a message.
#[must_use]
pub fn parse(raw: &[u8]) -> Parsed {
    let raw = with_newlines(raw);
    let read = |with_body| catch_unwind(AssertUnwindSafe(|| read(&raw, with_body)));
    read(true).or_else(|_| read(false)).unwrap_or_else(|_| Parsed {
        defects: vec![defect::UNREADABLE.to_owned()],
        ..Parsed::default()
    })
}

/// The Message-ID alone, from the front of a message.
#[must_use]
pub fn message_id_of(raw: &[u8]) -> Option<String> {
    let raw = with_newlines(&raw[..raw.len().min(FRONT_BYTES)]);
    let mut defects = Defects::default();
    let head = field::message(&raw, &mut defects);
    head.first("Message-ID").and_then(|value| message_id::own(value, &mut defects))
}

/// What is attached to a message, with its bytes; what is inside an attached message goes with it.
#[must_use]
pub fn attached(raw: &[u8]) -> Vec<(Attachment, Vec<u8>)> {
    let mut kept = Vec::new();
    each_attachment(raw, &mut |attachment, inside, bytes| {
        if inside == 0 {
            kept.push((attachment.clone(), bytes.to_vec()));
        }
    });
    kept
}

/// Gives every attachment of a message to `visit`, as many and in the order as [`parse`] lists
/// them: what it is, in how many attached messages it lies, its bytes. Nothing is kept meanwhile.
pub fn each_attachment<'v>(raw: &[u8], visit: &'v mut (dyn FnMut(&Attachment, usize, &[u8]) + 'v)) {
    let raw = with_newlines(raw);
    // What cannot be walked to its end has what was found until then, as [`parse`] has nothing.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let mut defects = Defects::default();
        let head = field::message(&raw, &mut Defects::default());
        Walker::visiting(&mut defects, visit).message(&head);
    }));
}

/// Gives every picture of a message to `visit`: those that are attached, and those that stand in
/// its text and are no attachments. Nothing is kept meanwhile.
pub fn each_picture(raw: &[u8], visit: &mut dyn FnMut(&Attachment, &[u8])) {
    let raw = with_newlines(raw);
    let mut pictures = |attachment: &Attachment, _: usize, bytes: &[u8]| {
        let declared = attachment.media_type.starts_with("image/");
        if declared || super::file_type("", bytes).starts_with("image/") {
            visit(attachment, bytes);
        }
    };
    // As for attachments.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let mut defects = Defects::default();
        let head = field::message(&raw, &mut Defects::default());
        Walker::visiting_pictures(&mut defects, &mut pictures).message(&head);
    }));
}

fn read(raw: &[u8], with_body: bool) -> Parsed {
    let mut defects = Defects::default();
    let head = field::message(raw, &mut defects);
    let mut parsed = header(&head, &mut defects);
    if with_body {
        let mut walker = Walker::new(&mut defects);
        let tree = walker.message(&head);
        parsed.attachments = walker.attachments;
        show(&mut parsed, &tree, &mut defects);
    } else {
        defects.note(defect::UNREADABLE);
    }
    finish(parsed, &head, defects)
}

/// The text that is shown, and what is known beside it.
pub(super) fn show(parsed: &mut Parsed, tree: &Node, defects: &mut Defects) {
    let shown = body::shown(tree, defects);
    (parsed.text, parsed.facts) = (shown.text, shown.facts);
}

/// What is said of a message once all of it was read.
pub(super) fn finish(mut parsed: Parsed, head: &Head<'_>, defects: Defects) -> Parsed {
    parsed.facts.auth = auth::results(head);
    parsed.defects = defects.into_codes();
    parsed
}

pub(super) fn header(head: &Head<'_>, defects: &mut Defects) -> Parsed {
    let message_id = head.first("Message-ID").and_then(|value| message_id::own(value, defects));
    if message_id.is_none() {
        defects.note(defect::ID_MISSING);
    }
    let date = head.first("Date").map(date::parse);
    match date {
        Some(None) => defects.note(defect::DATE),
        None => defects.note(defect::DATE_MISSING),
        Some(Some(_)) => {}
    }
    let from = addresses(head, "From", defects);
    if from.is_empty() {
        defects.note(defect::FROM_MISSING);
    }
    let references = message_id::references(
        head.first("References"),
        head.first("In-Reply-To"),
        message_id.as_deref(),
        defects,
    );
    Parsed {
        subject: head.first("Subject").map(|value| {
            let decoded = word::decode(value, defects);
            defects.line(&decoded)
        }),
        from,
        to: addresses(head, "To", defects),
        cc: addresses(head, "Cc", defects),
        bcc: addresses(head, "Bcc", defects),
        reply_to: addresses(head, "Reply-To", defects),
        date: date.flatten(),
        received: head.all("Received").take(MAX_HOPS).find_map(date::received),
        references,
        conversation: gmail::conversation(head),
        status: status::flags(head),
        keywords: status::keywords(head, defects),
        message_id,
        ..Parsed::default()
    }
}

pub(super) fn addresses(head: &Head<'_>, name: &str, defects: &mut Defects) -> Vec<Address> {
    let mut fields = head.all(name).take(MAX_ADDRESS_FIELDS);
    let mut out = fields.next().map(|value| address::parse(value, defects)).unwrap_or_default();
    // RFC 5322 allows each of them once; where a relay added another, its new addresses count.
    for value in fields {
        let known: HashSet<Address> = out.iter().cloned().collect();
        out.extend(address::parse(value, defects).into_iter().filter(|a| !known.contains(a)));
    }
    out
}

/// Files of old systems end lines with a lone CR; then, and only then, CR is a line end.
pub(super) fn with_newlines(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.contains(&b'\n') || !raw.contains(&b'\r') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|&b| if b == b'\r' { b'\n' } else { b }).collect())
}
