//! When two raw messages are the same one, and by what a message is known.
//!
//! Invariant: line ends, `From ` quoting and what a mail store writes into a message make no
//! difference; anything else does. The bytes are read once and nothing is copied.

use super::Parsed;
use super::field::next_line;

/// Fields that mail stores write into a message and change later.
const STORE_FIELDS: [&str; 16] = [
    super::outline::FIELD,
    "Status",
    "X-Status",
    "X-Keywords",
    "X-UID",
    "X-TUID",
    "X-IMAP",
    "X-IMAPbase",
    "X-Gmail-Labels",
    "X-GM-THRID",
    "X-GM-MSGID",
    "X-Account-Key",
    "X-UIDL",
    "Content-Length",
    "Lines",
    "X-Mozilla-Keys",
];
/// The beginning of the names of further such fields.
const STORE_FIELD_PREFIX: &[u8] = b"x-mozilla-status";
/// Empty lines are held back until something follows them, then hashed in runs of this many.
const EMPTY_LINES: [u8; 256] = [b'\n'; 256];

/// The BLAKE3 hash of the message's canonical bytes.
#[must_use]
pub fn canonical_hash(raw: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let (mut in_header, mut begun, mut aside, mut empty_lines) = (true, false, false, 0_usize);
    let mut rest = raw;
    while !rest.is_empty() {
        let (line, after) = next_line(rest);
        rest = after;
        if in_header && !begun && (line.is_empty() || is_mbox_from(line)) {
            continue;
        }
        begun = true;
        if in_header && !line.is_empty() {
            if !matches!(line.first(), Some(b' ' | b'\t')) {
                aside = is_store_field(line);
            }
            if aside {
                continue;
            }
        }
        if line.is_empty() {
            in_header = false;
            empty_lines += 1;
            continue;
        }
        while empty_lines > 0 {
            let some = empty_lines.min(EMPTY_LINES.len());
            hasher.update(&EMPTY_LINES[..some]);
            empty_lines -= some;
        }
        hasher.update(if in_header { line } else { unquoted(line) });
        hasher.update(b"\n");
    }
    *hasher.finalize().as_bytes()
}

/// How a message is known: its Message-ID, else `hash:` and the canonical hash.
#[must_use]
pub fn message_key(parsed: &Parsed, raw: &[u8]) -> String {
    match &parsed.message_id {
        Some(id) if !id.is_empty() => id.clone(),
        _ => format!("hash:{}", blake3::Hash::from_bytes(canonical_hash(raw)).to_hex()),
    }
}

fn is_mbox_from(line: &[u8]) -> bool {
    unquoted(line).starts_with(b"From ")
}

/// The line without the `>` that an mbox writer put before `From ` (mboxo and mboxrd).
fn unquoted(line: &[u8]) -> &[u8] {
    let marks = line.iter().take_while(|&&b| b == b'>').count();
    if line[marks..].starts_with(b"From ") { &line[marks..] } else { line }
}

fn is_store_field(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|&b| b == b':') else { return false };
    let name = line[..colon].trim_ascii_end();
    STORE_FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes()))
        || name
            .get(..STORE_FIELD_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(STORE_FIELD_PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "Subject: x\nTo: a@b\n\nline\n\nFrom here\nend\n";

    fn check(other: &str, same: bool) {
        let equal = canonical_hash(BASE.as_bytes()) == canonical_hash(other.as_bytes());
        assert_eq!(equal, same, "{other:?}");
    }

    #[test]
    fn what_makes_no_difference() {
        check(&BASE.replace('\n', "\r\n"), true);
        check(&BASE.replace("From here", ">From here"), true);
        check(&BASE.replace("From here", ">>>From here"), true);
        check(&format!("From a@b Mon Jan  1 00:00:00 2024\n{BASE}"), true);
        check(&format!("{BASE}\n\n"), true);
        check(BASE.trim_end(), true);
        let stored = "Status: RO\nX-Status: A\nX-Keywords: a\n  b\nX-UID: 3\n\
            X-TUID: a1b2\nContent-Length: 9\n\
            Lines: 2\nX-Mozilla-Status: 0001\nX-Mozilla-Status2: 0\nX-IMAPbase: 1 2\n\
            X-Mozilla-Keys: $label1\nX-Account-Key: account1\nX-UIDL: 7\nX-GM-THRID: 12\n\
            X-Gmail-Labels: Inbox,\n =?UTF-8?Q?x?=\n";
        check(&format!("{stored}{BASE}"), true);
        check(&BASE.replace("To:", &format!("{stored}To:")), true);
    }

    #[test]
    fn what_makes_a_difference() {
        check(&BASE.replace("line", "lime"), false);
        check(&BASE.replace("line\n", "line\n\n"), false);
        check(&BASE.replace("Subject: x", "Subject: y"), false);
        check(&BASE.replace("line", "Status: RO\nline"), false);
        check(&BASE.replace("end", "> end"), false);
        check(&BASE.replace("To:", "X-List: l\nTo:"), false);
        check("", false);
    }

    #[test]
    fn keys() {
        let raw = b"Subject: x\n\nbody";
        let mut parsed = Parsed::default();
        let key = message_key(&parsed, raw);
        assert!(key.starts_with("hash:") && key.len() == 5 + 64, "{key}");
        parsed.message_id = Some("yes".to_owned());
        assert_eq!(message_key(&parsed, raw), "yes");
    }
}
