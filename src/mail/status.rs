//! What mail programs write into a stored message about it: `Status`, `X-Status`, `X-Keywords`,
//! `X-Mozilla-Status`, `X-Mozilla-Keys`, `X-Gmail-Labels`.
//!
//! Invariant: only flags and names come out; nothing here decides a place. This file must not know
//! labels of ours.

use super::defect::Defects;
use super::field::{self, Head};
use super::{Flags, gmail, word};

/// Names of one message that are kept.
pub const MAX_KEYWORDS: usize = 1_000;
/// How much of a message [`expunged`] looks at, in bytes: Mozilla writes its fields in front.
const FRONT_BYTES: usize = 16 * 1024;

/// Bits of `X-Mozilla-Status`.
mod mozilla {
    pub(super) const READ: u32 = 0x0001;
    pub(super) const REPLIED: u32 = 0x0002;
    pub(super) const MARKED: u32 = 0x0004;
    pub(super) const EXPUNGED: u32 = 0x0008;
    pub(super) const FORWARDED: u32 = 0x1000;
    /// Of `X-Mozilla-Status2`: thrown away on the server, and kept here until it is told.
    pub(super) const IMAP_DELETED: u32 = 0x0020_0000;
}

/// The flags of `X-Mozilla-Status`, else of `Status` and `X-Status` (mbox), where one of them is
/// present.
pub(super) fn flags(head: &Head<'_>) -> Option<Flags> {
    let mut flags = mozilla_flags(head).or_else(|| unix_flags(head));
    let forwarded = ["X-Keywords", "X-Mozilla-Keys"].iter().any(|field| {
        let words = head.all(field).flat_map(|value| value.split(u8::is_ascii_whitespace));
        words.into_iter().any(|word| word.eq_ignore_ascii_case(b"$Forwarded"))
    });
    if forwarded {
        flags.get_or_insert_default().forwarded = true;
    }
    flags
}

fn unix_flags(head: &Head<'_>) -> Option<Flags> {
    let (status, more) = (head.first("Status"), head.first("X-Status"));
    if status.is_none() && more.is_none() {
        return None;
    }
    let status_has = |flag| status.is_some_and(|value| value.contains(&flag));
    let more_has = |flag| more.is_some_and(|value| value.contains(&flag));
    Some(Flags {
        read: status_has(b'R'),
        starred: more_has(b'F'),
        answered: more_has(b'A'),
        forwarded: false,
        draft: more_has(b'T'),
        trashed: more_has(b'D') || status_has(b'D'),
    })
}

fn mozilla_flags(head: &Head<'_>) -> Option<Flags> {
    let status = mozilla_bits(head, "X-Mozilla-Status")?;
    let more = mozilla_bits(head, "X-Mozilla-Status2").unwrap_or(0);
    Some(Flags {
        read: status & mozilla::READ != 0,
        starred: status & mozilla::MARKED != 0,
        answered: status & mozilla::REPLIED != 0,
        forwarded: status & mozilla::FORWARDED != 0,
        draft: false,
        trashed: more & mozilla::IMAP_DELETED != 0,
    })
}

/// The bits of a field of Mozilla's. It writes them above everything; what stands below a line of
/// transport came with the message, and a sender must not hide it.
fn mozilla_bits(head: &Head<'_>, name: &str) -> Option<u32> {
    let transport = ["Received", "Return-Path", "Delivered-To"];
    let own = head.fields.iter().take_while(|field| !transport.iter().any(|name| field.is(name)));
    let value = own.into_iter().find(|field| field.is(name))?.value.trim_ascii();
    u32::from_str_radix(std::str::from_utf8(value).ok()?, 16).ok()
}

/// Whether Mozilla holds the message as gone: it stays in the file until that is compacted.
#[must_use]
pub fn expunged(raw: &[u8]) -> bool {
    let front = &raw[..raw.len().min(FRONT_BYTES)];
    let head = field::message(front, &mut Defects::default());
    mozilla_bits(&head, "X-Mozilla-Status").is_some_and(|bits| bits & mozilla::EXPUNGED != 0)
}

/// Label names: `X-Keywords` (separated by spaces or commas), `X-Mozilla-Keys` (by spaces), then
/// `X-Gmail-Labels` (by commas, quoted where a name has one).
pub(super) fn keywords(head: &Head<'_>, defects: &mut Defects) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for field in ["X-Keywords", "X-Mozilla-Keys", "X-Gmail-Labels"] {
        let gmail = field == "X-Gmail-Labels";
        for value in head.all(field) {
            let text = word::decode(value, defects);
            for name in names(&text, !gmail) {
                let name = defects.line(&name);
                let name = if gmail { Some(gmail::in_english(name)) } else { keyword(name) };
                let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
                if !out.contains(&name) && out.len() < MAX_KEYWORDS {
                    out.push(name);
                }
            }
        }
        // A chat never was in the inbox, and has no other word for where it is.
        if gmail && out.iter().any(|name| name == "Chat") && out.len() < MAX_KEYWORDS {
            out.push("Archived".to_owned());
        }
    }
    out
}

/// The name of a keyword; `None` for one that is a flag or a note of a mail program to itself.
fn keyword(name: String) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    Some(match lower.as_str() {
        "$label1" => "Important".to_owned(),
        "$label2" => "Work".to_owned(),
        "$label3" => "Personal".to_owned(),
        "$label4" => "To Do".to_owned(),
        "$label5" => "Later".to_owned(),
        "junk" | "$junk" => "Junk".to_owned(),
        "nonjunk" | "notjunk" | "$nonjunk" | "$notjunk" | "junkrecorded" | "$mdnsent"
        | "$forwarded" | "$hasattachment" | "$hasnoattachment" => return None,
        _ => name,
    })
}

fn names(text: &str, by_space: bool) -> Vec<String> {
    let by_space = by_space && !text.contains(',');
    let (mut out, mut name, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted && matches!(chars.peek(), Some('"' | '\\')) => name.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => out.push(std::mem::take(&mut name)),
            c if by_space && c.is_whitespace() && !quoted => out.push(std::mem::take(&mut name)),
            '\r' | '\n' => {}
            c => name.push(c),
        }
    }
    out.push(name);
    out
}

#[cfg(test)]
mod tests {
    use super::super::field;
    use super::*;

    fn check(raw: &str, expected: Option<Flags>, labels: &[&str]) {
        let mut defects = Defects::default();
        let head = field::message(raw.as_bytes(), &mut defects);
        assert_eq!(flags(&head), expected, "{raw:?}");
        assert_eq!(keywords(&head, &mut defects), labels, "{raw:?}");
    }

    #[test]
    fn fields_of_mozilla() {
        let none = Flags::default();
        let mozilla = |bits: &str, expected| {
            check(&format!("X-Mozilla-Status: {bits}\nStatus: RO\n\n"), Some(expected), &[]);
        };
        mozilla("0000", none);
        mozilla("0001", Flags { read: true, ..none });
        let all = Flags { read: true, starred: true, answered: true, forwarded: true, ..none };
        mozilla("1007", all);
        mozilla("none", Flags { read: true, ..none });
        let gone = "X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00200000\n\n";
        check(gone, Some(Flags { read: true, trashed: true, ..none }), &[]);
        check(
            "X-Mozilla-Keys: $label1 $label4 NonJunk $Forwarded blue                \n\n",
            Some(Flags { forwarded: true, ..none }),
            &["Important", "To Do", "blue"],
        );
        check("X-Keywords: Junk $label2 $NotJunk\n\n", None, &["Junk", "Work"]);
    }

    #[test]
    fn a_sender_cannot_say_that_a_message_is_gone() {
        for (raw, expected) in [
            ("X-Mozilla-Status: 0008\n\n", true),
            ("From - Sat Feb 05 09:19:10 2022\nX-Mozilla-Status: 0009\nReceived: x\n\n", true),
            ("Subject: x\nX-Mozilla-Status: 9\n\n", true),
            ("X-Mozilla-Status: 0001\nX-Mozilla-Status: 0008\n\n", false),
            ("Received: from a by b\nX-Mozilla-Status: 0008\n\n", false),
            ("Subject: x\n\nX-Mozilla-Status: 0008\n", false),
            ("X-Mozilla-Status: -8\n\n", false),
        ] {
            assert_eq!(expunged(raw.as_bytes()), expected, "{raw:?}");
        }
    }

    #[test]
    fn status_fields() {
        let none = Flags::default();
        check("Subject: x\n\n", None, &[]);
        check("Status: O\n\n", Some(none), &[]);
        check("Status: RO\n\n", Some(Flags { read: true, ..none }), &[]);
        let all = Flags {
            read: true,
            starred: true,
            answered: true,
            draft: true,
            trashed: true,
            forwarded: false,
        };
        check("status: RO\nX-Status: AFTD\n\n", Some(all), &[]);
        check("X-Keywords: work later  \n\n", None, &["work", "later"]);
        check("X-Keywords: To do, later\n\n", None, &["To do", "later"]);
        check("X-Keywords: \"a, \\\"b\\\" \\\\\", \"To do\"\n\n", None, &["a, \"b\" \\", "To do"]);
        check("X-Gmail-Labels: Inbox,\"a, b\",To do\n\n", None, &["Inbox", "a, b", "To do"]);
        check(
            "X-Gmail-Labels: =?UTF-8?Q?Gr=C3=BC=C3=9Fe,\"x,_y\"?=,\r\n =?UTF-8?Q?z?=\n\n",
            None,
            &["Grüße", "x, y", "z"],
        );
        check(
            "X-Gmail-Labels: Posteingang,=?UTF-8?Q?Ge=C3=B6ffnet?=,Kunden/\"A, B\"/2019\n\n",
            None,
            &["Inbox", "Opened", "Kunden/A, B/2019"],
        );
        check("X-Gmail-Labels: Chat,Inbox\n\n", None, &["Chat", "Inbox", "Archived"]);
    }
}
