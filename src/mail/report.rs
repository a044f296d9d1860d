//! What a machine says of a message that was sent: delivered or not (RFC 3464), read or not (RFC
//! 8098), complained of (RFC 5965). Blocks of fields, as text to be read.
//!
//! Invariant: total and linear; every field is there in its order, unfolded, its encoded words
//! decoded; what is no field stays as it is; what is longer than what is read is cut and said. This
//! file must not know what a field means, nor make text safe: `body` does.

use std::borrow::Cow;

use super::charset;
use super::defect::{self, Defects};
use super::field::next_line;
use super::word;

/// The most of a report that is read, in bytes: some 500 recipients.
const MAX_REPORT_BYTES: usize = 256 * 1024;

/// Whether parts of this media type (in small letters) are such reports.
#[must_use]
pub fn is_report(media_type: &str) -> bool {
    matches!(
        media_type,
        "message/delivery-status"
            | "message/global-delivery-status"
            | "message/disposition-notification"
            | "message/global-disposition-notification"
            | "message/feedback-report"
    )
}

/// The fields of a report, a line each, an empty line between its blocks.
pub(super) fn text(bytes: &[u8], defects: &mut Defects) -> String {
    let mut rest = bytes;
    if bytes.len() > MAX_REPORT_BYTES {
        defects.note(defect::HEADER_CUT);
        let kept = &bytes[..MAX_REPORT_BYTES];
        let whole = kept.iter().rposition(|b| *b == b'\n').map_or(kept.len(), |end| end + 1);
        rest = &bytes[..whole];
    }
    let mut out = String::with_capacity(rest.len());
    while !rest.is_empty() {
        let (line, mut after) = next_line(rest);
        if is_blank(line) {
            // One between two blocks.
            if !out.is_empty() && !out.ends_with("\n\n") {
                out.push('\n');
            }
            rest = after;
            continue;
        }
        let mut line = Cow::Borrowed(line.trim_ascii_end());
        while matches!(after.first(), Some(b' ' | b'\t')) {
            let (next, behind) = next_line(after);
            if is_blank(next) {
                break;
            }
            line.to_mut().push(b' ');
            line.to_mut().extend_from_slice(next.trim_ascii());
            after = behind;
        }
        let name = line.iter().position(|b| *b == b':').map_or(0, |colon| colon + 1);
        out.push_str(&charset::guess(&line[..name]));
        out.push_str(&word::decode(&line[name..], defects));
        out.push('\n');
        rest = after;
    }
    out
}

fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_lines() {
        let mut defects = Defects::default();
        for (given, expected) in [
            ("", ""),
            ("Action: failed", "Action: failed\n"),
            ("\n\nA: 1\r\n\r\n \r\n\nB: 2\n", "A: 1\n\nB: 2\n"),
            (
                "Diagnostic-Code: smtp; 550\r\n  no =?utf-8?q?such=20=C3=BC?=\n\tuser \n\nX: y\n",
                "Diagnostic-Code: smtp; 550 no such ü user\n\nX: y\n",
            ),
            ("no field\n folded\nC: 3\n \nD: 4", "no field folded\nC: 3\n\nD: 4\n"),
            ("Final-Recipient: utf-8; jörg@x.org", "Final-Recipient: utf-8; jörg@x.org\n"),
        ] {
            assert_eq!(text(given.as_bytes(), &mut defects), expected, "{given:?}");
        }
        assert!(defects.into_codes().is_empty());
    }

    #[test]
    fn a_report_is_bounded_and_says_so() {
        let mut defects = Defects::default();
        let long = "Final-Recipient: rfc822; somebody@x.org\n".repeat(MAX_REPORT_BYTES / 30);
        let read = text(long.as_bytes(), &mut defects);
        assert!(read.len() <= MAX_REPORT_BYTES && read.ends_with("x.org\n"), "{}", read.len());
        assert_eq!(defects.into_codes(), ["header-cut"]);
        let line = "x".repeat(MAX_REPORT_BYTES * 2);
        assert_eq!(text(line.as_bytes(), &mut Defects::default()).len(), MAX_REPORT_BYTES + 1);
        text(&b"\n \n".repeat(MAX_REPORT_BYTES / 4), &mut Defects::default());
    }
}
