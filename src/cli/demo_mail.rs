//! The sample mail, as if it had just come in.
//!
//! Invariant: pure; the time comes in as an argument, and at [`WRITTEN`] the files come out as they
//! are. Only dates in headers move: whoever reads a message finds the text that was written.
//!
//! Most messages move with the clock, so that the newest is a few minutes old whenever the sample
//! is opened. Those whose text names days of the week say `X-Moves: weeks` and move by whole weeks,
//! so that their Friday stays a Friday.

use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Span};

/// When the newest message of the sample has just come in: 2026-11-20 17:00 UTC, Unix seconds.
pub const WRITTEN: i64 = 1_795_194_000;
/// Seconds of a week.
const WEEK: i64 = 7 * 24 * 3_600;
/// The header that says that a message moves by whole weeks; it is left out of what comes out.
const BY_WEEKS: &[u8] = b"X-Moves: weeks\n";
/// The date of a line between messages.
const FROM_LINE: &str = "%a %b %e %H:%M:%S %Y";

/// The sample mail: a file a folder, in the order in which it is taken in.
const FILES: [(&str, &[u8]); 10] = [
    ("Inbox.mbox", include_bytes!("../../assets/demo/Inbox.mbox")),
    ("Team.mbox", include_bytes!("../../assets/demo/Team.mbox")),
    ("Tansy.mbox", include_bytes!("../../assets/demo/Tansy.mbox")),
    ("Family.mbox", include_bytes!("../../assets/demo/Family.mbox")),
    ("Band.mbox", include_bytes!("../../assets/demo/Band.mbox")),
    ("Archive.mbox", include_bytes!("../../assets/demo/Archive.mbox")),
    ("Sent.mbox", include_bytes!("../../assets/demo/Sent.mbox")),
    ("Drafts.mbox", include_bytes!("../../assets/demo/Drafts.mbox")),
    ("Spam.mbox", include_bytes!("../../assets/demo/Spam.mbox")),
    ("Trash.mbox", include_bytes!("../../assets/demo/Trash.mbox")),
];

/// The files of the sample with their names, as of `now`, Unix seconds.
pub fn at(now: i64) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    FILES.iter().map(move |(name, mbox)| (*name, moved(mbox, now)))
}

/// An mbox with its dates moved to `now`.
fn moved(mbox: &[u8], now: i64) -> Vec<u8> {
    let by_clock = now.saturating_sub(WRITTEN);
    let by_weeks = by_clock.div_euclid(WEEK).saturating_mul(WEEK);
    let mut out = Vec::with_capacity(mbox.len());
    for message in messages(mbox) {
        let (head, body) = message.split_at(head_bytes(message));
        let lines: Vec<&[u8]> = head.split_inclusive(|byte| *byte == b'\n').collect();
        let by = if lines.contains(&BY_WEEKS) { by_weeks } else { by_clock };
        for line in lines.into_iter().filter(|line| *line != BY_WEEKS) {
            match moved_line(line, by) {
                Some(moved) => out.extend_from_slice(moved.as_bytes()),
                None => out.extend_from_slice(line),
            }
        }
        out.extend_from_slice(body);
    }
    out
}

/// The messages of an mbox, each from its `From ` line on. In a body such a line is quoted.
fn messages(mbox: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = mbox;
    std::iter::from_fn(move || {
        let next =
            rest.windows(7).position(|at| at == b"\n\nFrom ").map_or(rest.len(), |at| at + 2);
        let (message, after) = rest.split_at(next);
        rest = after;
        (!message.is_empty()).then_some(message)
    })
}

/// How long the head of a message is, in bytes.
fn head_bytes(message: &[u8]) -> usize {
    message.windows(2).position(|at| at == b"\n\n").map_or(message.len(), |at| at + 1)
}

/// A line of a head with its date moved by `by` seconds; `None` where it has none.
fn moved_line(line: &[u8], by: i64) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    if let Some(rest) = line.strip_prefix("From ") {
        let (sender, date) = rest.split_once(' ')?;
        let at = DateTime::strptime(FROM_LINE, date).ok()?;
        let at = at.checked_add(Span::new().try_seconds(by).ok()?).ok()?;
        return Some(format!("From {sender} {}\n", at.strftime(FROM_LINE)));
    }
    // A `Received` ends in a folded line that is its date alone.
    let (before, date) = match line.strip_prefix("Date: ") {
        Some(date) => ("Date: ", date),
        None => (" ", line.strip_prefix(' ')?),
    };
    let at = rfc2822::parse(date).ok()?.checked_add(SignedDuration::from_secs(by)).ok()?;
    Some(format!("{before}{}\n", rfc2822::to_string(&at).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "From a@b.example Fri Nov 20 11:00:00 2026\n\
        Received: from b.example;\n Fri, 20 Nov 2026 12:00:00 +0100\n\
        Date: Fri, 20 Nov 2026 11:59:57 +0100\nSubject: On\n Friday\n\nFri, 20 Nov 2026\n\n\
        From a@b.example Mon Nov  2 11:00:00 2026\nDate: Mon, 02 Nov 2026 12:00:00 +0100\n\
        X-Moves: weeks\nSubject: x\n\n>From a line\nDate: Mon, 02 Nov 2026 12:00:00 +0100\n\n";

    fn check(now: i64, dates: [&str; 3], by_weeks: [&str; 2]) {
        let [from, received, date] = dates;
        let [from_weeks, date_weeks] = by_weeks;
        let expected = format!(
            "From a@b.example {from}\nReceived: from b.example;\n {received}\nDate: {date}\n\
             Subject: On\n Friday\n\nFri, 20 Nov 2026\n\n\
             From a@b.example {from_weeks}\nDate: {date_weeks}\nSubject: x\n\n\
             >From a line\nDate: Mon, 02 Nov 2026 12:00:00 +0100\n\n"
        );
        assert_eq!(String::from_utf8(moved(SAMPLE.as_bytes(), now)).unwrap(), expected, "{now}");
    }

    #[test]
    fn dates_of_heads_move_and_nothing_else() {
        let friday = "Fri Nov 20 11:00:00 2026";
        let received = "Fri, 20 Nov 2026 12:00:00 +0100";
        let date = "Fri, 20 Nov 2026 11:59:57 +0100";
        let monday = ["Mon Nov  2 11:00:00 2026", "Mon, 2 Nov 2026 12:00:00 +0100"];
        check(WRITTEN, [friday, received, date], monday);
        check(
            WRITTEN + 3_600,
            [
                "Fri Nov 20 12:00:00 2026",
                "Fri, 20 Nov 2026 13:00:00 +0100",
                "Fri, 20 Nov 2026 12:59:57 +0100",
            ],
            monday,
        );
        check(
            WRITTEN + WEEK + 1,
            [
                "Fri Nov 27 11:00:01 2026",
                "Fri, 27 Nov 2026 12:00:01 +0100",
                "Fri, 27 Nov 2026 11:59:58 +0100",
            ],
            ["Mon Nov  9 11:00:00 2026", "Mon, 9 Nov 2026 12:00:00 +0100"],
        );
        check(
            WRITTEN - 1,
            [
                "Fri Nov 20 10:59:59 2026",
                "Fri, 20 Nov 2026 11:59:59 +0100",
                "Fri, 20 Nov 2026 11:59:56 +0100",
            ],
            ["Mon Oct 26 11:00:00 2026", "Mon, 26 Oct 2026 12:00:00 +0100"],
        );
    }

    #[test]
    fn a_clock_that_is_far_off_still_gives_mail() {
        for now in [i64::MIN, 0, i64::MAX] {
            let mail: Vec<_> = at(now).collect();
            assert!(mail.iter().all(|(_, mbox)| mbox.starts_with(b"From ")), "{now}");
        }
    }
}
