//! The lines of one message that is unfolded: who, what to look at, the text, what is attached.
//!
//! Invariant: nothing of the text is left out but what a line has no room for of a target; pure.

use std::collections::HashMap;

use super::{HEAD_COLUMNS, Kind, name};
use crate::engine::view::Message;
use crate::mail::links::{self, LinkWarning};
use crate::mail::{Address, Doubt, Known, LeftOut, Verdict, doubts};
use crate::ui::text;

/// Lines of a text that are looked at as targets of links; further ones are text.
const MAX_JUDGED: usize = 2_000;
/// Addresses of one sender's field that are named.
const MAX_SENDERS: usize = 20;
/// The defect of a message with an address that has signs which are not seen.
const HIDDEN_IN_ADDRESS: &str = "hidden-in-address";
/// The defect of a message of which not all parts are read.
const TOO_MANY_PARTS: &str = "too-many-parts";
/// What is said of it.
const NOT_ALL: &str = "! its parts are too many, or too deep in each other: some are not shown, \
                       H shows it as it came";
/// What is said of a page in the place of a text.
const PAGE_INSTEAD: &str = "its page is shown: its plain text says nearly nothing · H H shows that";
/// Lines of a signature; what is longer is text.
const MAX_SIGNATURE: usize = 20;
/// Texts of one link that are looked at.
const MAX_SAID: usize = 4;

type Lines = Vec<(Kind, String)>;

/// The lines above a message's text: who, and what to look at.
pub(super) fn top(message: &Message, doubts: &[Doubt], columns: usize) -> Lines {
    let mut out = Vec::new();
    // The address is seen, also where the head has no room for it.
    let from = message.from.iter().take(MAX_SENDERS).map(Address::shown);
    let from = from.collect::<Vec<_>>().join(", ");
    let from = match message.from.len().saturating_sub(MAX_SENDERS) {
        0 => from,
        more => format!("{from} and {more} more"),
    };
    if message.from.len() > 1 || !head_shows(&from, columns) {
        let parts = text::wrap(&format!("from {from}"), columns);
        out.extend(parts.into_iter().map(|part| (Kind::Meta, part)));
    }
    people(message, columns, &mut out);
    trust(message, doubts, columns, &mut out);
    out
}

/// Whether a head has room for an address, in a reader with so many columns of text.
fn head_shows(address: &str, columns: usize) -> bool {
    text::width(address) + " <>".len() + HEAD_COLUMNS <= columns
}

/// The lines of the text of `message`, in so many columns: made of its text and facts alone.
pub(super) fn lines(message: &Message, columns: usize) -> Lines {
    let mut out = vec![(Kind::Blank, String::new())];
    shown(message, columns, &mut out);
    while out.last().is_some_and(|(_, text)| text.is_empty()) && out.len() > 1 {
        out.pop();
    }
    if let Some(line) = message.facts.html.and_then(left_out) {
        out.push((Kind::Blank, String::new()));
        out.push((Kind::Meta, text::cut(&line, columns)));
    }
    if message.facts.page_instead {
        out.push((Kind::Meta, text::cut(PAGE_INSTEAD, columns)));
    }
    out
}

/// The lines below the text: what is attached, what is not here, what is wrong.
pub(super) fn foot(message: &Message, columns: usize) -> Lines {
    let mut out = Vec::new();
    attached(message, columns, &mut out);
    if message.outline.is_some() {
        let says = if message.wanted { "fetching the rest" } else { "the rest is" };
        let line = format!("{says} at its mail server ({} in all)", text::size(message.size));
        out.push((Kind::Meta, text::cut(&line, columns)));
    }
    if message.copies > 0 {
        let copies = text::plural(message.copies, "other copy", "other copies");
        out.push((Kind::Defect, text::cut(&format!("{copies} under the same id"), columns)));
    }
    if message.defects.iter().any(|code| code == TOO_MANY_PARTS) {
        out.extend(text::wrap(NOT_ALL, columns).into_iter().map(|part| (Kind::Warning, part)));
    }
    if !message.defects.is_empty() {
        let line = format!("as found: {}", message.defects.join(", "));
        out.push((Kind::Defect, text::cut(&line, columns)));
    }
    out
}

fn names(addresses: &[Address]) -> String {
    addresses.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn people(message: &Message, columns: usize, out: &mut Lines) {
    let mut meta = |what: &str, addresses: &[Address]| {
        if !addresses.is_empty() {
            out.push((Kind::Meta, text::cut(&format!("{what} {}", names(addresses)), columns)));
        }
    };
    meta("to", &message.to);
    meta("cc", &message.cc);
    meta("bcc", &message.bcc);
    if message.reply_to != message.from {
        meta("reply to", &message.reply_to);
    }
}

/// What is doubtful about who wrote each message, by those before it.
pub(super) fn sender_doubts(messages: &[Message]) -> Vec<Vec<Doubt>> {
    let mut known = Known::default();
    let mut one = |message: &Message| {
        let Some(from) = message.from.first() else { return Vec::new() };
        let mut found = doubts(from, &known);
        for other in message.from.iter().skip(1).take(MAX_SENDERS) {
            let more = doubts(other, &Known::default());
            found.extend(more);
        }
        let taken_out = message.defects.iter().any(|code| code == HIDDEN_IN_ADDRESS);
        if taken_out && !found.contains(&Doubt::Unseen) {
            found.push(Doubt::TakenOut);
        }
        if message.from.len() > 1 {
            found.insert(0, Doubt::Several);
        }
        found.dedup();
        known.note(from);
        found
    };
    messages.iter().map(&mut one).collect()
}

/// What the receiving server says, and what is doubtful.
fn trust(message: &Message, doubts: &[Doubt], columns: usize, out: &mut Lines) {
    for doubt in doubts {
        out.push((Kind::Warning, text::cut(&format!("! {}", doubt.says()), columns)));
    }
    let Some(auth) = &message.facts.auth else { return };
    let (kind, word) = match auth.verdict(&message.from) {
        Verdict::Verified => (Kind::Meta, "verified"),
        Verdict::Failed => (Kind::Warning, "! FORGED?"),
        Verdict::Unverified => (Kind::Meta, "unverified"),
    };
    let results = [("dmarc", &auth.dmarc), ("dkim", &auth.dkim), ("spf", &auth.spf)];
    let results: Vec<String> = results
        .iter()
        .filter_map(|(method, result)| result.as_ref().map(|r| format!("{method} {r}")))
        .collect();
    let results = if results.is_empty() { "nothing".to_owned() } else { results.join(", ") };
    let line = format!("{word} ({} says {results})", auth.by);
    out.push((kind, text::cut(&line, columns)));
}

/// The text, its parts apart.
fn shown(message: &Message, columns: usize, out: &mut Lines) {
    let mut parts = message.facts.parts.iter().peekable();
    let said = said(message);
    let (mut at, mut judged) = (0, 0);
    let mut signs = signature(&message.text);
    for line in message.text.split_inclusive('\n') {
        while let Some(part) = parts.next_if(|part| part.at <= at) {
            let title = if part.message { " a message in the message " } else { "" };
            let rule = "─".repeat(columns.saturating_sub(2 + text::width(title)));
            out.push((Kind::Rule, text::cut(&format!("──{title}{rule}"), columns)));
            // What comes behind it is another part.
            signs = signs.filter(|from| *from >= at);
        }
        let signed = signs.is_some_and(|from| from <= at);
        let ours = message.facts.lists_at(at);
        at += line.len();
        let line = line.trim_end_matches('\n');
        let listed = links::listed(line).filter(|_| judged < MAX_JUDGED && ours != Some(false));
        if let Some((n, target)) = listed {
            judged += 1;
            if ours.is_none() && message.facts.links.is_empty() {
                noted(line, target, columns, out);
                continue;
            }
            let said = said.get(&n).map_or(&[][..], Vec::as_slice);
            // As it is opened: signs that can be taken for others are none of those any more.
            let line = format!("[{n}] {}", links::normal(target));
            let (kind, line) = link(said, &line, target, columns);
            let kind = if ours.is_some() && kind == Kind::Link { Kind::Target } else { kind };
            out.push((kind, line));
            continue;
        }
        let depth = text::quote(line).0;
        let kind = match depth {
            0 if signed => Kind::Signature,
            0 => Kind::Text,
            depth => Kind::Quote(depth),
        };
        out.extend(text::wrap(line, columns).into_iter().map(|part| (kind.clone(), part)));
    }
}

/// Where the signature of a text begins, in bytes: behind the last line that is `-- ` (RFC 3676,
/// section 4.3), where it is short enough to be one.
fn signature(text: &str) -> Option<usize> {
    let mut from = None;
    let (mut at, mut lines) = (0, 0);
    for line in text.split_inclusive('\n') {
        if matches!(line.trim_end_matches(['\r', '\n']), "-- " | "--") {
            (from, lines) = (Some(at), 0);
        }
        at += line.len();
        lines += 1;
    }
    from.filter(|_| lines <= MAX_SIGNATURE)
}

/// A line of a text that has no list of ours, which notes a link under a number: it is the
/// sender's, and none of it is left out.
fn noted(line: &str, target: &str, columns: usize, out: &mut Lines) {
    out.extend(text::wrap(line, columns).into_iter().map(|part| (Kind::Link, part)));
    let warnings = links::warnings("", target);
    if let Some(warning) = warnings.into_iter().find(|found| *found != LinkWarning::Punycode) {
        out.push((Kind::Warning, text::cut(&format!("! {}", warning.says()), columns)));
    }
}

/// What is said where the text has the number of a link; of many texts the first few.
fn said(message: &Message) -> HashMap<u32, Vec<&str>> {
    let mut said: HashMap<u32, Vec<&str>> = HashMap::new();
    for anchor in &message.facts.links {
        let texts = said.entry(anchor.n).or_default();
        if texts.len() < MAX_SAID {
            texts.push(&anchor.text);
        }
    }
    said
}

/// Where a link leads: on one line, so that its host is seen; the box of links has all of it.
fn link(said: &[&str], line: &str, target: &str, columns: usize) -> (Kind, String) {
    let warned = |text: &str| {
        let warnings = links::warnings(text, target);
        warnings.into_iter().find(|warning| *warning != LinkWarning::Punycode)
    };
    let warning = said.iter().copied().chain([""]).find_map(warned);
    match warning {
        Some(warning) => {
            // The warning is seen whole; what is cut is the target.
            let warning = format!("  ! {}", warning.says());
            let room = columns.saturating_sub(text::width(&warning)).max(columns / 2);
            let line = text::cut(line, room) + &warning;
            (Kind::Warning, text::cut(&line, columns))
        }
        None => (Kind::Link, text::cut(line, columns)),
    }
}

/// What the page has that is not shown.
fn left_out(html: LeftOut) -> Option<String> {
    let mut counts = Vec::new();
    if html.trackers > 0 {
        counts.push(text::plural(html.trackers.into(), "tracker", "trackers"));
    }
    if html.hidden > 0 {
        counts.push(text::plural(html.hidden.into(), "hidden word", "hidden words"));
    }
    let left = (!counts.is_empty()).then(|| format!("{} left out", counts.join(", ")));
    let remote = (html.remote > 0).then(|| "remote images not loaded".to_owned());
    let inside = (html.inside > 0).then(|| {
        let pictures = text::plural(html.inside.into(), "picture", "pictures");
        format!("{pictures} inside, P shows")
    });
    let said: Vec<String> = left.into_iter().chain(remote).chain(inside).collect();
    (!said.is_empty()).then(|| said.join(" · "))
}

fn attached(message: &Message, columns: usize, out: &mut Lines) {
    if !message.attachments.is_empty() {
        out.push((Kind::Blank, String::new()));
    }
    for attachment in &message.attachments {
        let name = attachment.name.as_deref().unwrap_or("(no name)");
        let facts = format!("{}, {}", attachment.media_type, text::size(attachment.size));
        let room = columns.saturating_sub(text::width(&facts) + 4).max(8);
        let line = format!("@ {}  {facts}", text::cut(name, room));
        out.push((Kind::Attachment, text::cut(&line, columns)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_short_and_the_last() {
        for (text, from) in [
            ("Hello\n-- \nAnn\n", Some(6)),
            ("Hello\n--\nAnn", Some(6)),
            ("Hello\n-- \nAnn\nmore\n-- \nBob", Some(19)),
            ("Hello\n> -- \n> Ann\n", None),
            ("Hello -- \nAnn", None),
            ("", None),
        ] {
            assert_eq!(signature(text), from, "{text:?}");
        }
        assert_eq!(signature(&format!("a\n-- \n{}", "b\n".repeat(40))), None);
    }

    #[test]
    fn what_was_left_out_is_one_line() {
        let line =
            |hidden, trackers, remote| left_out(LeftOut { hidden, trackers, remote, inside: 0 });
        assert_eq!(line(0, 0, 0), None);
        let all = line(12, 3, 5);
        let said = "3 trackers, 12 hidden words left out · remote images not loaded";
        assert_eq!(all.as_deref(), Some(said));
        assert_eq!(line(0, 0, 1).as_deref(), Some("remote images not loaded"));
        let inside = left_out(LeftOut { inside: 2, ..LeftOut::default() });
        assert_eq!(inside.as_deref(), Some("2 pictures inside, P shows"));
        assert_eq!(line(1, 0, 0).as_deref(), Some("1 hidden word left out"));
    }
}
