//! Message-IDs and the ids of ancestors (RFC 5322 section 3.6.4).
//!
//! Invariant: an id that is read in a Message-ID field equals the same id read in References. This
//! file must not build threads.

use super::charset;
use super::defect::{self, Defects};

/// The longest id that is kept, in bytes; longer ones are cut.
const MAX_ID_BYTES: usize = 1_000;
/// Ancestors kept from the beginning of References: the root and its first answers.
const FIRST_REFERENCES: usize = 10;
/// Ancestors kept from the end of References: the nearest ones.
const LAST_REFERENCES: usize = 90;

/// The id of a Message-ID field: what stands in the angle brackets, else all of it.
pub(super) fn own(value: &[u8], defects: &mut Defects) -> Option<String> {
    let text = charset::guess(value);
    let inner = match text.find('<') {
        Some(start) => {
            let rest = &text[start + 1..];
            &rest[..rest.find('>').unwrap_or(rest.len())]
        }
        None => &text,
    };
    let id = clean(inner, defects);
    if !id.is_empty() && !is_msg_id(&id) {
        defects.note(defect::ID_BAD);
    }
    (!id.is_empty()).then_some(id)
}

/// The ancestors, oldest first: References, or In-Reply-To where it names none.
pub(super) fn references(
    references: Option<&[u8]>,
    in_reply_to: Option<&[u8]>,
    own: Option<&str>,
    defects: &mut Defects,
) -> Vec<String> {
    let listed = ids(references.unwrap_or_default(), own, defects);
    let mut listed = if listed.is_empty() {
        ids(reply_ids(in_reply_to.unwrap_or_default()), own, defects)
    } else {
        listed
    };
    if listed.len() > FIRST_REFERENCES + LAST_REFERENCES {
        defects.note(defect::REFERENCES_CUT);
        listed.drain(FIRST_REFERENCES..listed.len() - LAST_REFERENCES);
    }
    listed
}

/// The part of In-Reply-To that holds ids. Old programs write sentences there, with the sender's
/// address in angle brackets too (`Message from Ann <a@b.c> of Monday <id@b.c>`): an address must
/// not join all answers to its owner. So where the field begins with an id, the ids up to the first
/// other word count, else those behind the last one.
fn reply_ids(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    let is_gap = |b: &u8| b.is_ascii_whitespace() || *b == b',';
    if value.starts_with(b"<") {
        let mut end = 0;
        while let Some(start) = value[end..].iter().position(|b| !is_gap(b)) {
            let start = end + start;
            if value[start] != b'<' {
                break;
            }
            let close = value[start..].iter().position(|&b| b == b'>');
            end = close.map_or(value.len(), |close| start + close + 1);
        }
        return &value[..end];
    }
    let mut start = value.len();
    while let Some(close) = value[..start].iter().rposition(|b| !is_gap(b)) {
        if value[close] != b'>' {
            break;
        }
        let Some(open) = value[..close].iter().rposition(|&b| b == b'<') else { break };
        start = open;
    }
    if start < value.len() { &value[start..] } else { value }
}

/// Whether an id can name a message: ids without `@` are shared by strangers and never join.
fn is_msg_id(id: &str) -> bool {
    id.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

fn ids(value: &[u8], own: Option<&str>, defects: &mut Defects) -> Vec<String> {
    let text = charset::guess(value);
    let mut seen = std::collections::HashSet::new();
    let mut out = Vec::new();
    let mut add = |id: &str, defects: &mut Defects| {
        let id = clean(id, defects);
        if is_msg_id(&id) && Some(id.as_str()) != own && seen.insert(id.clone()) {
            out.push(id);
        }
    };
    let mut rest = text.as_str();
    while let Some(start) = rest.find('<') {
        let inner = &rest[start + 1..];
        // A second `<` before the `>`: the first one was not closed.
        let end = inner.find(['<', '>']).unwrap_or(inner.len());
        add(&inner[..end], defects);
        rest = inner[end..].strip_prefix('>').unwrap_or(&inner[end..]);
    }
    if !text.contains('<') {
        for word in text.split([' ', '\t', '\r', '\n', ',']) {
            add(word, defects);
        }
    }
    out
}

fn clean(id: &str, defects: &mut Defects) -> String {
    let mut id = defects.line(id);
    id.truncate(id.floor_char_boundary(MAX_ID_BYTES));
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_ids() {
        let cases = [
            (" <a@b>\r\n", Some("a@b")),
            ("<a@b> (added by relay)", Some("a@b")),
            ("a@b", Some("a@b")),
            ("<yes>", Some("yes")),
            ("<a b@c>", Some("a b@c")),
            ("<a\r\n\t@c>", Some("a @c")),
            ("<unclosed@x", Some("unclosed@x")),
            ("", None),
            ("<>", None),
            (" \r\n", None),
        ];
        for (given, expected) in cases {
            let got = own(given.as_bytes(), &mut Defects::default());
            assert_eq!(got.as_deref(), expected, "{given:?}");
        }
    }

    fn check(refs: &str, reply: &str, expected: &[&str]) {
        let (refs, reply) = (Some(refs.as_bytes()), Some(reply.as_bytes()));
        let got = references(refs, reply, Some("me@x"), &mut Defects::default());
        assert_eq!(got, expected);
    }

    #[test]
    fn ancestors() {
        check("<a@x> <b@x>\r\n\t<c@x>", "<z@x>", &["a@x", "b@x", "c@x"]);
        check("", "Your mail of Monday <z@x>", &["z@x"]);
        check("", "Message from Ann <ann@x> of \"Mon.\" <p@x>\r\n <z@x>", &["p@x", "z@x"]);
        check("", "<z@x> from Ann <ann@x> of Monday", &["z@x"]);
        check("", "<z@x> (Ann's of Monday)", &["z@x"]);
        check("", "z@x", &["z@x"]);
        check("", "<p@x>, <z@x>", &["p@x", "z@x"]);
        check("<yes> <no>", "<z@x>", &["z@x"]);
        check("<a@x><b@x>,<a@x> <me@x>", "", &["a@x", "b@x"]);
        check("<a@x <b@x>", "", &["a@x", "b@x"]);
        check("a@x b@x", "", &["a@x", "b@x"]);
        check("<yes>", "<@> <x@> <@y>", &[]);
    }

    #[test]
    fn long_lists_keep_both_ends() {
        use std::fmt::Write;
        let mut list = String::new();
        for n in 0..500 {
            let _ = write!(list, "<{n}@x> ");
        }
        let mut defects = Defects::default();
        let got = references(Some(list.as_bytes()), None, None, &mut defects);
        assert_eq!(got.len(), FIRST_REFERENCES + LAST_REFERENCES);
        assert_eq!((got[0].as_str(), got.last().map(String::as_str)), ("0@x", Some("499@x")));
        assert_eq!(defects.into_codes(), ["references-cut"]);
    }
}
