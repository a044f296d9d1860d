//! The header block: raw bytes to fields and body, without decoding anything.
//!
//! Invariant: every byte is looked at once; a field's value is a slice of the message (still
//! folded). This file must not know what a field means.

use super::defect::{self, Defects};

/// Header fields that are read of one header block; the rest is skipped with a defect.
const MAX_FIELDS: usize = 2_000;
/// Bytes of one field's value that are read; the rest is cut with a defect.
const MAX_VALUE_BYTES: usize = 256 * 1024;
/// The longest field name, in bytes (RFC 5322 section 2.1.1 allows a line of 998).
const MAX_NAME_BYTES: usize = 128;

/// One header field as it stands in the message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    name: &'a [u8],
    /// What stands after the colon, folded.
    pub(super) value: &'a [u8],
}

impl Field<'_> {
    /// Whether the field has this name, in any case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// A header block and what follows it.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) fields: Vec<Field<'a>>,
    pub(super) body: &'a [u8],
}

impl<'a> Head<'a> {
    /// The value of the first field with this name.
    pub(super) fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of all fields with this name, top first.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |field| field.is(name)).map(|field| field.value)
    }
}

/// What a line of a header block is.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Line {
    Field { colon: usize },
    Folded,
    Empty,
    Other,
}

/// Splits a message: empty lines and a `From ` line before the first field are skipped.
pub(super) fn message<'a>(raw: &'a [u8], defects: &mut Defects) -> Head<'a> {
    let mut rest = raw.strip_prefix("\u{feff}".as_bytes()).unwrap_or(raw);
    loop {
        let (line, after) = next_line(rest);
        if line.is_empty() && !after.is_empty() || is_from_line(line) {
            rest = after;
        } else {
            return part(rest, defects);
        }
    }
}

/// Splits a MIME part, which may have no field at all.
pub(super) fn part<'a>(raw: &'a [u8], defects: &mut Defects) -> Head<'a> {
    let mut fields: Vec<Field<'a>> = Vec::with_capacity(24);
    let mut rest = raw;
    while !rest.is_empty() {
        let (line, after) = next_line(rest);
        match classify(line) {
            Line::Empty => return Head { fields, body: after },
            Line::Field { colon } => {
                let end = folded_end(rest, after);
                if fields.len() < MAX_FIELDS {
                    let value = &rest[colon + 1..end];
                    if value.len() > MAX_VALUE_BYTES {
                        defects.note(defect::HEADER_CUT);
                    }
                    let value = &value[..value.len().min(MAX_VALUE_BYTES)];
                    fields.push(Field { name: rest[..colon].trim_ascii_end(), value });
                } else {
                    defects.note(defect::HEADER_CUT);
                }
                rest = &rest[end..];
            }
            // A line that is no field: junk when the header goes on after it, else the body.
            Line::Folded | Line::Other => {
                let (next, _) = next_line(after);
                if !matches!(classify(next), Line::Field { .. }) {
                    defects.note(defect::HEADER_END_MISSING);
                    return Head { fields, body: rest };
                }
                defects.note(defect::HEADER_JUNK);
                rest = after;
            }
        }
    }
    Head { fields, body: rest }
}

/// Whether the first line that is not empty is a header field or begins with `From `: the rule by
/// which a file found in a directory is taken for mail.
#[must_use]
pub fn looks_like_mail(prefix: &[u8]) -> bool {
    let mut rest = prefix.strip_prefix("\u{feff}".as_bytes()).unwrap_or(prefix);
    while !rest.is_empty() {
        let (line, after) = next_line(rest);
        if !line.is_empty() {
            return is_from_line(line) || matches!(classify(line), Line::Field { .. });
        }
        rest = after;
    }
    false
}

/// The first line without its end (LF or CRLF), and what follows.
pub(super) fn next_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match bytes.iter().position(|&b| b == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &bytes[bytes.len()..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

pub(super) fn is_from_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

/// Where in `block` the field ends that begins there, its folded lines included.
fn folded_end(block: &[u8], mut after: &[u8]) -> usize {
    while matches!(after.first(), Some(b' ' | b'\t')) {
        after = next_line(after).1;
    }
    block.len() - after.len()
}

fn classify(line: &[u8]) -> Line {
    match line.first() {
        None => return Line::Empty,
        Some(b' ' | b'\t') => return Line::Folded,
        Some(_) => {}
    }
    let head = &line[..line.len().min(MAX_NAME_BYTES + 1)];
    let Some(colon) = head.iter().position(|&b| b == b':') else { return Line::Other };
    let name = head[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(|b| matches!(b, 33..=126)) {
        return Line::Other;
    }
    Line::Field { colon }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, fields: &[(&str, &str)], body: &str) {
        let mut defects = Defects::default();
        let head = message(raw.as_bytes(), &mut defects);
        let got: Vec<_> = head
            .fields
            .iter()
            .map(|f| (String::from_utf8_lossy(f.name), String::from_utf8_lossy(f.value)))
            .collect();
        let got: Vec<_> = got.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect();
        assert_eq!(got, fields, "{raw:?}");
        assert_eq!(String::from_utf8_lossy(head.body), body, "{raw:?}");
    }

    #[test]
    fn fields_and_body() {
        check("A: 1\nB: 2\n\nbody\n", &[("A", " 1\n"), ("B", " 2\n")], "body\n");
        check("A: 1\r\n\t2\r\n\r\nbody", &[("A", " 1\r\n\t2\r\n")], "body");
        check("\n\nFrom x y\nA : 1\n\nb", &[("A", " 1\n")], "b");
        check("A: 1\njunk here\nB: 2\n\nb", &[("A", " 1\n"), ("B", " 2\n")], "b");
        check("A: 1\nno separator\nbody", &[("A", " 1\n")], "no separator\nbody");
        check("", &[], "");
        check("A: 1", &[("A", " 1")], "");
        check("no mail at all", &[], "no mail at all");
    }

    #[test]
    fn huge_headers_are_cut() {
        let raw = format!("A: {}\n\n", "x".repeat(MAX_VALUE_BYTES * 2));
        let mut defects = Defects::default();
        let head = message(raw.as_bytes(), &mut defects);
        assert_eq!(head.fields[0].value.len(), MAX_VALUE_BYTES);
        let many = "A: 1\n".repeat(MAX_FIELDS + 5);
        assert_eq!(message(many.as_bytes(), &mut defects).fields.len(), MAX_FIELDS);
        assert_eq!(defects.into_codes(), ["header-cut"]);
    }

    #[test]
    fn what_is_taken_for_mail() {
        for mail in ["Subject: x\n", "\r\n\nFrom a b\n", "From x", "X-Y: ", "Subject : y"] {
            assert!(looks_like_mail(mail.as_bytes()), "{mail:?}");
        }
        for other in ["", "\n\n", "hello\nSubject: x", " Subject: x", "two words: x", ": x", "é: x"]
        {
            assert!(!looks_like_mail(other.as_bytes()), "{other:?}");
        }
    }
}
