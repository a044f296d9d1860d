//! What an answer or a forward holds of the message before: quoted, attributed, without signature.
//!
//! Invariant: every line of the other's words is marked as theirs. This file must not choose
//! recipients.

use super::super::Address;
use super::flowed::SIGNATURE;
use super::line::{lines, one_line};
use super::{Shown, format_list};

/// The longest name in an attribution, in characters.
const MAX_NAME_CHARS: usize = 80;
/// The line above what is forwarded; below it, nothing is the user's own.
pub(super) const FORWARDED: &str = "---------- Forwarded message ----------";

/// A text as a quote (RFC 3676 section 4.5): `> ` before each line, `>` before one that is a quote.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in lines(text).trim_matches('\n').split('\n') {
        let (depth, content) = depth(line);
        out.extend(std::iter::repeat_n('>', depth + 1));
        if !content.trim().is_empty() {
            out.push(' ');
            out.push_str(content);
        }
        out.push('\n');
    }
    out
}

/// How deep a line is quoted, `> >` like `>>`, and what it says.
fn depth(line: &str) -> (usize, &str) {
    let (mut depth, mut rest) = (0, line);
    loop {
        let next = if depth > 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { rest };
        match next.strip_prefix('>') {
            Some(after) => (depth, rest) = (depth + 1, after),
            None => return (depth, if depth > 0 { next } else { rest }),
        }
    }
}

/// A text up to the signature; all of it where nothing stands before that.
#[must_use]
pub(super) fn without_signature(text: &str) -> &str {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_end_matches(['\r', '\n']) == SIGNATURE {
            let before = &text[..at];
            return if before.trim().is_empty() { text } else { before.trim_end() };
        }
        at += line.len();
    }
    text.trim_end()
}

/// `On 2026-11-23 10:14, Ann wrote:`, with the time `utc_offset` seconds east of Greenwich.
#[must_use]
pub(super) fn attribution(shown: &Shown, utc_offset: i32) -> String {
    let who = shown.from.first().map(name).unwrap_or_default();
    let who = if who.is_empty() { "Somebody".to_owned() } else { who };
    match shown.date.and_then(|date| local_time(date, utc_offset)) {
        Some(when) => format!("On {when}, {who} wrote:"),
        None => format!("{who} wrote:"),
    }
}

fn name(address: &Address) -> String {
    let name = address.name.as_deref().unwrap_or(&address.address);
    let name = crate::safe_text::line(&one_line(name));
    name.chars().take(MAX_NAME_CHARS).collect()
}

fn local_time(seconds: i64, utc_offset: i32) -> Option<String> {
    let offset = jiff::tz::Offset::from_seconds(utc_offset).ok()?;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    let local = time.to_zoned(jiff::tz::TimeZone::fixed(offset));
    Some(local.strftime("%Y-%m-%d %H:%M").to_string())
}

/// The message inside a forward: who wrote it to whom, and its text.
#[must_use]
pub(super) fn forwarded(shown: &Shown, utc_offset: i32) -> String {
    let date = shown.date.and_then(|date| local_time(date, utc_offset)).unwrap_or_default();
    let fields = [
        ("From", format_list(&shown.from)),
        ("Date", date),
        ("Subject", one_line(shown.subject.as_deref().unwrap_or_default())),
        ("To", format_list(&shown.to)),
        ("Cc", format_list(&shown.cc)),
    ];
    let mut out = format!("{FORWARDED}\n");
    for (field, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        out.extend([*field, ": ", &crate::safe_text::line(value), "\n"]);
    }
    out.push('\n');
    out.push_str(lines(&shown.text).trim_end());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes() {
        for (given, expected) in [
            ("a\n\nb", "> a\n>\n> b\n"),
            ("> a\n>> b\n> > c\n>d", ">> a\n>>> b\n>>> c\n>> d\n"),
            (" indented", ">  indented\n"),
            ("a\r\nb\rc", "> a\n> b\n> c\n"),
            ("", ">\n"),
        ] {
            assert_eq!(quote(given), expected, "{given:?}");
        }
    }

    #[test]
    fn signatures_are_cut() {
        for (given, expected) in [
            ("a\n-- \nAnn", "a"),
            ("a\n--\nb", "a\n--\nb"),
            ("-- \nAnn", "-- \nAnn"),
            ("a\n> -- \n> x\n\n", "a\n> -- \n> x"),
        ] {
            assert_eq!(without_signature(given), expected, "{given:?}");
        }
    }

    #[test]
    fn attributions() {
        let ann = Address { name: Some("Ann\u{1b}[2J".into()), address: "ann@x.org".into() };
        let mut shown = Shown { from: vec![ann], date: Some(0), ..Shown::default() };
        assert_eq!(attribution(&shown, 3600), "On 1970-01-01 01:00, Ann [2J wrote:");
        shown.from[0].name = None;
        shown.date = Some(i64::MAX);
        assert_eq!(attribution(&shown, 0), "ann@x.org wrote:");
    }
}
