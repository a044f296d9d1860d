//! What mail programs write into a stored message about it: `Status`, `X-Status`, `X-Keywords`,
//! `X-Gmail-Labels`.
//!
//! Invariant: only flags and names come out; nothing here decides a place. This file must not know
//! labels of ours.

use super::Flags;
use super::defect::Defects;
use super::field::Head;
use super::word;

/// Names of one message that are kept.
const MAX_KEYWORDS: usize = 100;

/// The flags of `Status` and `X-Status` (mbox), where one of them is present.
pub(super) fn flags(head: &Head<'_>) -> Option<Flags> {
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

/// Label names: `X-Keywords` (separated by spaces or commas), then `X-Gmail-Labels` (by commas,
/// quoted where a name has one).
pub(super) fn keywords(head: &Head<'_>, defects: &mut Defects) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (field, by_space) in [("X-Keywords", true), ("X-Gmail-Labels", false)] {
        for value in head.all(field) {
            let text = word::decode(value, defects);
            for name in names(&text, by_space) {
                let name = defects.line(&name);
                if !name.is_empty() && !out.contains(&name) && out.len() < MAX_KEYWORDS {
                    out.push(name);
                }
            }
        }
    }
    out
}

fn names(text: &str, by_space: bool) -> Vec<String> {
    let by_space = by_space && !text.contains(',');
    let (mut out, mut name, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
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
        check("X-Gmail-Labels: Inbox,\"a, b\",To do\n\n", None, &["Inbox", "a, b", "To do"]);
        check(
            "X-Gmail-Labels: =?UTF-8?Q?Gr=C3=BC=C3=9Fe,\"x,_y\"?=,\r\n =?UTF-8?Q?z?=\n\n",
            None,
            &["Grüße", "x, y", "z"],
        );
    }
}
