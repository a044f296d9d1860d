//! Whether the start of a file looks like mail, and of which kind.
//!
//! Invariant: pure over the bytes it is given; bounded by [`PROBE_BYTES`]. It decides by the first
//! line that is not empty and by nothing else, so that the same file is mail on every machine.

use super::from_line::PREFIX;

/// How much of a file is looked at, in bytes: room for leading empty lines and a long first field.
pub(crate) const PROBE_BYTES: usize = 16 * 1024;

/// What a file's first line that is not empty is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// There is no such line.
    Blank,
    /// A `From ` line.
    Mbox,
    /// A header field.
    Field,
    /// Anything else.
    Other,
}

/// Decides by the first bytes of a file.
pub(crate) fn start(bytes: &[u8]) -> Start {
    let line = first_line(bytes).1;
    if line.is_empty() {
        Start::Blank
    } else if is_field(line) {
        // Before `From `: "From : a@b" is a field by RFC 5322 section 4.5 (obs-from).
        Start::Field
    } else if line.starts_with(PREFIX) {
        Start::Mbox
    } else {
        Start::Other
    }
}

/// Whether an mbox that begins so is an export of Gmail: it writes its number of the conversation
/// and its labels above everything else.
pub(crate) fn is_export(bytes: &[u8]) -> bool {
    let (at, line) = first_line(bytes);
    let mut lines = bytes[at + line.len()..].split(|b| *b == b'\n').skip(1);
    let mut next = |name: &[u8]| {
        let line = lines.next().unwrap_or_default();
        line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    line.starts_with(PREFIX) && next(b"X-GM-THRID:") && next(b"X-Gmail-Labels:")
}

/// The offset of the first line that is not empty, and that line without its line end. A byte
/// order mark, which some editors put in front, is not part of it.
pub(crate) fn first_line(bytes: &[u8]) -> (usize, &[u8]) {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut at = bytes.len() - text.len();
    for whole in text.split_inclusive(|b| *b == b'\n') {
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.is_empty() {
            return (at, line);
        }
        at += whole.len();
    }
    (at, &[])
}

/// Whether a line begins with a header field: `1*ftext *WSP ":"` (RFC 5322 sections 3.6.8, 4.5).
pub(crate) fn is_field(line: &[u8]) -> bool {
    let name = line.iter().take_while(|b| matches!(b, 33..=57 | 59..=126)).count();
    let after = line.get(name..).unwrap_or_default();
    name > 0 && after.iter().find(|b| !matches!(b, b' ' | b'\t')) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_of_gmail_says_so_first() {
        let from = "From 1@xxx Thu Jun 11 00:38:38 +0000 2020";
        for (text, expected) in [
            (format!("{from}\nX-GM-THRID: 1\nX-Gmail-Labels: a\n"), true),
            (format!("{from}\r\nX-GM-THRID: 1\r\nX-Gmail-Labels: a\r\n"), true),
            (format!("{from}\nX-Gmail-Labels: a\nX-GM-THRID: 1\n"), false),
            (format!("{from}\nSubject: x\nX-GM-THRID: 1\nX-Gmail-Labels: a\n"), false),
            ("X-GM-THRID: 1\nX-Gmail-Labels: a\n".to_owned(), false),
            (format!("{from}\n"), false),
        ] {
            assert_eq!(is_export(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn the_first_line_that_is_not_empty_decides() {
        let cases: [(&[u8], Start); 16] = [
            (b"", Start::Blank),
            (b"\n\r\n\n", Start::Blank),
            (b" \t\nSubject: x", Start::Other),
            (b"\xef\xbb\xbf\nSubject: x", Start::Field),
            (b"Subject: x", Start::Field),
            (b"\r\n\nSubject:\r\n", Start::Field),
            (b"X-!#$%: x", Start::Field),
            (b"Subject : x", Start::Field),
            (b"From : John <a@b>", Start::Field),
            (b"From a@b Fri Feb 22 17:06:23 2008", Start::Mbox),
            (b"From \nSubject: x", Start::Mbox),
            (b":+1:", Start::Other),
            (b"# a heading", Start::Other),
            (b"a b: c", Start::Other),
            (b"{\"a\": 1}", Start::Field),
            (b"\x01\x01\x01\x01\n", Start::Other),
        ];
        for (bytes, expected) in cases {
            assert_eq!(start(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
