//! Addresses as a user types them (RFC 5322 section 3.4, RFC 6531): a list with a place for every
//! mistake.
//!
//! Invariant: total; every address that is given can be put into a header and an envelope as it
//! stands; what is typed and is none has an error whose range covers it. A mistake in one address
//! does not touch the others. This file must not read addresses of mail that came: `mail::address`
//! does, leniently.

use std::ops::Range;

use super::super::Address;
use super::super::address::unescape;
use super::domain;
use super::line::one_line;

/// The longest local part, in bytes (RFC 5321 section 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;
/// The longest address, in bytes (RFC 5321 section 4.5.3.1.3, without the brackets).
const MAX_ADDRESS_BYTES: usize = 254;

/// What is wrong with a typed address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Wrong {
    /// No `@`.
    #[error("no @ in it")]
    NoAt,
    /// Nothing before the `@`.
    #[error("nothing before the @")]
    NoLocal,
    /// Nothing behind the `@`.
    #[error("nothing behind the @")]
    NoDomain,
    /// A character that cannot stand before the `@`, or a dot too many.
    #[error("a character before the @ that cannot be there")]
    Local,
    /// What is behind the `@` is no domain.
    #[error("no such domain can exist")]
    Domain,
    /// Two addresses without a comma between them, or words behind one.
    #[error("a comma is missing, or words stand behind the address")]
    Comma,
    /// A quote, comment or angle bracket that does not end.
    #[error("a quote or bracket is not closed")]
    Unclosed,
    /// Longer than an address can be.
    #[error("too long for an address")]
    TooLong,
    /// A control character, or one that hides or reorders text.
    #[error("a character that cannot be seen")]
    Hidden,
    /// Words and a colon before an address, and no semicolon that ends a group (RFC 5322, 3.4).
    #[error("a colon begins a group, which ends with a semicolon; or take the words out")]
    Group,
    /// More than one address where one is meant.
    #[error("only one address can be here")]
    OneOnly,
}

/// Reads a field: the addresses, in order, and what is wrong where. Groups are their members.
#[must_use]
pub fn parse(text: &str) -> (Vec<Address>, Vec<(Range<usize>, Wrong)>) {
    let (mut out, mut wrong) = (Vec::new(), Vec::new());
    for range in items(text) {
        match address(&text[range.clone()]) {
            Ok(Some(address)) => out.push(address),
            Ok(None) => {}
            Err(why) => wrong.push((range, why)),
        }
    }
    (out, wrong)
}

/// The address as text that [`parse`] gives back: a name with special characters in quotes.
#[must_use]
pub fn format(address: &Address) -> String {
    let name = address.name.as_deref().map(one_line).unwrap_or_default();
    let spec = one_line(&address.address);
    let good = split_spec(&spec).is_ok();
    // What is none stays one item, with an error of its own.
    let spec = if good { spec } else { spec.replace(['<', '>', '"'], "") };
    match name.as_str() {
        "" if good => spec,
        "" => format!("<{spec}>"),
        name => format!("{} <{spec}>", quoted_if_needed(name)),
    }
}

/// A list of addresses as text.
#[must_use]
pub fn format_list<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    addresses.into_iter().map(format).collect::<Vec<_>>().join(", ")
}

/// Checks `local@domain`, and gives both parts as typed.
///
/// # Errors
/// What is wrong with it.
pub(super) fn split_spec(spec: &str) -> Result<(&str, &str), Wrong> {
    let (local, domain) = spec.rsplit_once('@').ok_or(Wrong::NoAt)?;
    if local.is_empty() {
        return Err(Wrong::NoLocal);
    }
    if domain.is_empty() {
        return Err(Wrong::NoDomain);
    }
    if spec.chars().any(char::is_control) || crate::safe_text::has_hidden(spec) {
        return Err(Wrong::Hidden);
    }
    if !is_local(local) {
        return Err(Wrong::Local);
    }
    let wire = domain::ascii(domain).ok_or(Wrong::Domain)?;
    if local.len() > MAX_LOCAL_BYTES || local.len() + 1 + wire.len() > MAX_ADDRESS_BYTES {
        return Err(Wrong::TooLong);
    }
    Ok((local, domain))
}

/// A dot-atom, with UTF-8 (RFC 6531 section 3.3), or a quoted string.
fn is_local(local: &str) -> bool {
    if let Some(inner) = local.strip_prefix('"') {
        return inner.strip_suffix('"').is_some_and(is_quoted_content);
    }
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

/// Escapes are whole, and no quote is bare.
fn is_quoted_content(inner: &str) -> bool {
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c == '"' || c == '\\' && chars.next().is_none() {
            return false;
        }
    }
    true
}

fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(c)
        || !c.is_ascii() && !c.is_whitespace() && !c.is_control()
}

/// Where each item stands, trimmed; a comma, a semicolon and a line end separate, and so does the
/// colon of a group that ends. An opening mark without its closing one is an ordinary character, so
/// that only its own item is wrong.
fn items(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut marks = Marks { quote: true, comment: true, angle: true };
    // Whether what stands before this place can be the name of a group.
    let (mut grouped, mut named) = (false, true);
    let last = text.rfind(';').unwrap_or(0);
    while let Some(c) = text[at..].chars().next() {
        let (enabled, close) = match c {
            '"' => (&mut marks.quote, '"'),
            '(' => (&mut marks.comment, ')'),
            '<' => (&mut marks.angle, '>'),
            _ => {
                let opens = c == ':' && at < last && !grouped && named;
                if matches!(c, ',' | ';' | '\n' | '\r') || opens {
                    // The name of a group is no address.
                    if !opens || text[start..at].trim().is_empty() {
                        push(text, start..at, &mut out);
                    }
                    grouped = opens || grouped && c != ';';
                    start = at + 1;
                }
                named = start > at || named && !matches!(c, '@' | '[');
                at += c.len_utf8();
                continue;
            }
        };
        let end = enabled.then(|| closing(&text[at..], close)).flatten();
        *enabled = end.is_some();
        let end = at + end.unwrap_or(1);
        named &= !text[at..end].contains(['@', '[', '<']);
        at = end;
    }
    push(text, start..text.len(), &mut out);
    out
}

/// Which marks are still looked for: one that is not closed will not be later, and this keeps time
/// linear.
struct Marks {
    quote: bool,
    comment: bool,
    angle: bool,
}

/// How many bytes a quote, comment or angle takes that begins `text`. A local part in quotes may
/// hold the bracket that would end an angle.
fn closing(text: &str, close: char) -> Option<usize> {
    if close == '>'
        && text.starts_with("<\"")
        && let Some(quote) = closing(&text[1..], '"')
    {
        let rest = &text[1 + quote..];
        let end = rest.find(['>', '\n', '\r'])?;
        return rest[end..].starts_with('>').then_some(1 + quote + end + 1);
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if close != '>' => escaped = true,
            '\n' | '\r' => return None,
            c if c == close => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn push(text: &str, range: Range<usize>, out: &mut Vec<Range<usize>>) {
    let item = &text[range.clone()];
    let start = range.start + item.len() - item.trim_start().len();
    let end = start + item.trim().len();
    if start < end {
        out.push(start..end);
    }
}

/// One item; `None` when there is only a comment.
fn address(item: &str) -> Result<Option<Address>, Wrong> {
    let mut words = Vec::new();
    let (mut comment, mut angle) = (None, None);
    let mut rest = item;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => closing(rest, '"').ok_or(Wrong::Unclosed)?,
            '(' => closing(rest, ')').ok_or(Wrong::Unclosed)?,
            '<' => closing(rest, '>').ok_or(Wrong::Unclosed)?,
            _ => rest.find(['"', '(', '<']).unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(length);
        match c {
            '(' => comment = Some(unescape(&part[1..length - 1])),
            '<' if angle.is_some() => return Err(Wrong::Comma),
            '<' => angle = Some(part[1..length - 1].trim()),
            _ if angle.is_some() && !part.trim().is_empty() => return Err(Wrong::Comma),
            _ => words.push(part),
        }
        rest = after;
    }
    let unquoted = words.iter().filter(|word| !word.starts_with('"'));
    let mut named = unquoted.map(|word| if angle.is_none() { before_at(word) } else { word });
    if named.any(|word| word.contains(':')) {
        return Err(Wrong::Group);
    }
    let (name, spec) = match angle {
        Some(spec) => (name_of(&words), spec.to_owned()),
        None if words.iter().all(|word| word.trim().is_empty()) => return Ok(None),
        None => (String::new(), words.concat().trim().to_owned()),
    };
    // White space outside quotes: two addresses, or a name without angle brackets.
    let outside = spec.rsplit_once('"').map_or(spec.as_str(), |(_, outside)| outside);
    if outside.contains(char::is_whitespace) || spec.matches('@').count() > 1 && !spec.contains('"')
    {
        return Err(if spec.contains('@') { Wrong::Comma } else { Wrong::NoAt });
    }
    split_spec(&spec)?;
    let name = if name.is_empty() { comment.unwrap_or_default() } else { name };
    let name = one_line(&name);
    Ok(Some(Address { name: (!name.is_empty()).then_some(name), address: spec }))
}

/// What can be a local part: a colon behind the `@` is of an address literal.
fn before_at(word: &str) -> &str {
    word.split_once('@').map_or(word, |(before, _)| before)
}

/// The words before the angle brackets; quoted ones without their quotes.
fn name_of(words: &[&str]) -> String {
    let mut out = String::new();
    for word in words {
        match word.strip_prefix('"').and_then(|word| word.strip_suffix('"')) {
            Some(inner) => out.push_str(&unescape(inner)),
            None => out.push_str(word),
        }
    }
    out
}

/// A name as a phrase: in quotes where a character of it would mean something.
pub(super) fn quoted_if_needed(name: &str) -> String {
    if name.chars().all(|c| is_atom(c) || c == ' ') {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len() + 2);
    out.push('"');
    for c in name.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &[(&str, &str)], wrong: &[(&str, Wrong)]) {
        let (got, errors) = parse(text);
        let got: Vec<_> =
            got.iter().map(|a| (a.name.as_deref().unwrap_or(""), a.address.as_str())).collect();
        assert_eq!(got, expected, "{text:?}");
        let errors: Vec<_> = errors.into_iter().map(|(range, why)| (&text[range], why)).collect();
        assert_eq!(errors, wrong, "{text:?}");
    }

    #[test]
    fn good_ones() {
        check("", &[], &[]);
        check(" , ;\n", &[], &[]);
        check("ann@x.org", &[("", "ann@x.org")], &[]);
        check("Ann Lee <a@x>, b@x (Bo)", &[("Ann Lee", "a@x"), ("Bo", "b@x")], &[]);
        let both = &[("Lee, Ann", "ann@x.org"), ("", "b@y.org")];
        check("\"Lee, Ann\" <ann@x.org>; b@y.org", both, &[]);
        check("\"a \\\"b\\\"\" <c@d.e>", &[("a \"b\"", "c@d.e")], &[]);
        check(
            "Team: a@x.org, B <b@x.org>; c@x.org",
            &[("", "a@x.org"), ("B", "b@x.org"), ("", "c@x.org")],
            &[],
        );
        check("Friends: a@b.org;", &[("", "a@b.org")], &[]);
        check("undisclosed-recipients:;", &[], &[]);
        check("\"a, b\"@x.org", &[("", "\"a, b\"@x.org")], &[]);
        check("Jörg <jörg@bücher.example>", &[("Jörg", "jörg@bücher.example")], &[]);
        check(
            "user@[192.0.2.1], u@[IPv6:2001:db8::1]",
            &[("", "user@[192.0.2.1]"), ("", "u@[IPv6:2001:db8::1]")],
            &[],
        );
        check("a@localhost", &[("", "a@localhost")], &[]);
    }

    #[test]
    fn a_mistake_has_its_place_and_leaves_the_others() {
        check("ann", &[], &[("ann", Wrong::NoAt)]);
        check("Ann Lee, b@x.org", &[("", "b@x.org")], &[("Ann Lee", Wrong::NoAt)]);
        check("@x.org", &[], &[("@x.org", Wrong::NoLocal)]);
        check("ann@", &[], &[("ann@", Wrong::NoDomain)]);
        check("a@x.org b@x.org", &[], &[("a@x.org b@x.org", Wrong::Comma)]);
        check("A <a@x.org> B <b@x.org>", &[], &[("A <a@x.org> B <b@x.org>", Wrong::Comma)]);
        check(
            "\"Ann <a@x.org>, b@x.org",
            &[("", "b@x.org")],
            &[("\"Ann <a@x.org>", Wrong::Unclosed)],
        );
        check("Ann <a@x.org, b@x.org", &[("", "b@x.org")], &[("Ann <a@x.org", Wrong::Unclosed)]);
        check("a..b@x.org", &[], &[("a..b@x.org", Wrong::Local)]);
        check(
            "a@x..org,a@-,a@1.2.3.4,a@x%2eorg",
            &[],
            &[
                ("a@x..org", Wrong::Domain),
                ("a@-", Wrong::Domain),
                ("a@1.2.3.4", Wrong::Domain),
                ("a@x%2eorg", Wrong::Domain),
            ],
        );
        check("a\u{202e}@x.org", &[], &[("a\u{202e}@x.org", Wrong::Hidden)]);
        check("a@b@x.org", &[], &[("a@b@x.org", Wrong::Comma)]);
        check("foo: a@b.org", &[], &[("foo: a@b.org", Wrong::Group)]);
        check("mailto:a@b.org", &[], &[("mailto:a@b.org", Wrong::Group)]);
        check("To: B <b@x.org>, c@x.org", &[("", "c@x.org")], &[("To: B <b@x.org>", Wrong::Group)]);
        let long = format!("{}@x.org", "a".repeat(65));
        check(&long, &[], &[(&long, Wrong::TooLong)]);
    }

    /// Each would cost as many looks as it has bytes, squared.
    #[test]
    fn a_long_item_is_read_once() {
        const BYTES: usize = 512 * 1024;
        for piece in ["a", "(", "\"", "<", "<\"", "x@:", "é "] {
            let text = piece.repeat(BYTES / piece.len()) + ";";
            assert!(!parse(&text).1.is_empty(), "{piece}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_is_an_address_or_has_an_error(
            text in "([a-zA-Z@<>\"(),;:. \\\\é\n\r\t\u{0}]|a@b\\.c){0,40}"
        ) {
            let (addresses, wrong) = parse(&text);
            for address in &addresses {
                prop_assert!(split_spec(&address.address).is_ok());
                let (again, none) = parse(&format(address));
                prop_assert_eq!(again, vec![address.clone()]);
                prop_assert!(none.is_empty());
            }
            for (range, _) in wrong {
                prop_assert!(!text[range].trim().is_empty());
            }
        }

        #[test]
        fn an_address_is_given_back(name in "\\PC{0,30}", local in "[a-zé.+\"<>, -]{0,9}") {
            let name = one_line(&name);
            let name = (!name.is_empty()).then_some(name);
            let given = Address { name, address: format!("{local}@x.org") };
            let (got, wrong) = parse(&format(&given));
            if split_spec(&given.address).is_ok() {
                prop_assert_eq!(got, vec![given]);
            } else {
                prop_assert!(got.len() + wrong.len() <= 1, "{:?} {:?}", got, wrong);
            }
        }
    }
}
