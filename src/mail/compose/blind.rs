//! A message of one's own without Bcc, before it is handed on.
//!
//! Invariant: every byte but those of Bcc fields in the message's own header stays as it is, in its
//! order. Only what the user sent is treated so: there Bcc names people who were promised to stay
//! unnamed (RFC 5322 section 3.6.3). What others sent goes on exactly as it came, with its Bcc, for
//! that is what they let one see, and a changed copy would break their signatures.

use std::borrow::Cow;

/// Fields that are left out.
const BLIND: [&str; 2] = ["bcc", "resent-bcc"];

/// `raw` without its Bcc; as it is where it has none.
#[must_use]
pub fn without_bcc(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut kept: Vec<u8> = Vec::new();
    let (mut at, mut copied, mut dropping) = (0, 0, false);
    while at < raw.len() {
        let end = raw[at..].iter().position(|b| *b == b'\n').map_or(raw.len(), |n| at + n + 1);
        let line = &raw[at..end];
        if line.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            break;
        }
        let folded = matches!(line[0], b' ' | b'\t');
        let drop = if folded { dropping } else { is_blind(line) };
        if drop {
            kept.extend_from_slice(&raw[copied..at]);
            copied = end;
        }
        (dropping, at) = (drop, end);
    }
    if copied == 0 {
        return Cow::Borrowed(raw);
    }
    kept.extend_from_slice(&raw[copied..]);
    Cow::Owned(kept)
}

/// Whether a line begins a Bcc field; white space before the colon is obsolete and read all the
/// same (RFC 5322 section 4.5).
fn is_blind(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|b| *b == b':') else { return false };
    let name = line[..colon].trim_ascii_end();
    BLIND.iter().any(|blind| name.eq_ignore_ascii_case(blind.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bcc_of_the_header_goes() {
        for (raw, expected) in [
            (
                "From: a\r\nBcc: x@y\r\nTo: b\r\n\r\nBcc: t\r\n",
                "From: a\r\nTo: b\r\n\r\nBcc: t\r\n",
            ),
            ("bcc : x@y,\n\tz@y\nTo: b\n c\n\nt", "To: b\n c\n\nt"),
            ("To: b\nBCC: x@y", "To: b\n"),
            ("Bcc: x\nResent-Bcc: y\n z\n\nt", "\nt"),
            ("From: a\n\nBcc: x\n", "From: a\n\nBcc: x\n"),
            ("X-Bcc: a\nBccs: b\n\n", "X-Bcc: a\nBccs: b\n\n"),
            ("", ""),
        ] {
            assert_eq!(without_bcc(raw.as_bytes()), expected.as_bytes(), "{raw:?}");
        }
        assert!(matches!(without_bcc(b"To: a\n\nt"), Cow::Borrowed(_)));
    }
}
