//! Subjects of answers and forwards: one `Re: `, one `Fwd: `, whatever programs before put there.
//!
//! Invariant: only marks that programs write are taken away, each a short known word with a colon.
//! This file must not join conversations: equal subjects say nothing.

/// Marks of an answer, lower case, as programs in many languages write them.
const REPLY: &[&str] = &[
    "re", "aw", "antw", "antwort", "sv", "vs", "odp", "rif", "res", "ynt", "回复", "回覆", "答复",
    "返信",
];
/// Marks of a forward.
const FORWARD: &[&str] = &["fwd", "fw", "wg", "tr", "rv", "vb", "doorst", "enc", "转发", "轉寄"];
/// Marks that are looked at; the rest of a longer pile stays.
const MAX_MARKS: usize = 50;

/// The subject of an answer.
#[must_use]
pub(super) fn of_reply(subject: &str) -> String {
    let subject = super::line::one_line(subject);
    // A list's tag before the mark: `[list] Re: x`.
    let (tag, rest) = tag(&subject);
    let bare = without(rest, REPLY);
    if !tag.is_empty() && bare.len() != rest.len() {
        return join("Re:", &format!("{tag} {bare}"));
    }
    let bare = without(&subject, REPLY);
    let (tag, rest) = self::tag(bare);
    let inner = without(rest, REPLY);
    if !tag.is_empty() && inner.len() != rest.len() {
        return join("Re:", &format!("{tag} {inner}"));
    }
    join("Re:", bare)
}

/// The subject of a forward.
#[must_use]
pub(super) fn of_forward(subject: &str) -> String {
    join("Fwd:", without(&super::line::one_line(subject), FORWARD))
}

fn join(mark: &str, subject: &str) -> String {
    format!("{mark} {subject}").trim_end().to_owned()
}

/// `[tag]` at the beginning, and what follows.
fn tag(subject: &str) -> (&str, &str) {
    match subject.find(']') {
        Some(end) if subject.starts_with('[') => {
            (&subject[..=end], subject[end + 1..].trim_start())
        }
        _ => ("", subject),
    }
}

/// The subject without the marks at its beginning.
fn without<'a>(subject: &'a str, marks: &[&str]) -> &'a str {
    let mut rest = subject.trim_start();
    for _ in 0..MAX_MARKS {
        match after_mark(rest, marks) {
            Some(after) => rest = after,
            None => break,
        }
    }
    rest
}

/// What follows a mark: `Re:`, `RE :`, `Re[2]:`, `Re(2):`, `Re^2:`.
fn after_mark<'a>(subject: &'a str, marks: &[&str]) -> Option<&'a str> {
    let end = subject.find(|c: char| !c.is_alphabetic())?;
    let (word, rest) = subject.split_at(end);
    if !marks.contains(&word.to_lowercase().as_str()) {
        return None;
    }
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).filter(|&end| end > 0);
    let rest = match rest.chars().next()? {
        open @ ('[' | '(') => {
            let close = if open == '[' { ']' } else { ')' };
            let end = digits(&rest[1..])?;
            rest[1 + end..].strip_prefix(close)?
        }
        '^' => &rest[1 + digits(&rest[1..])?..],
        _ => rest,
    };
    // French typography puts a space before the colon, no-break or not.
    let rest = rest.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    Some(rest.strip_prefix([':', '：'])?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_one_mark() {
        for (given, expected) in [
            ("Lunch", "Re: Lunch"),
            ("Re: Lunch", "Re: Lunch"),
            ("RE: re: AW: SV: Lunch", "Re: Lunch"),
            ("Re[2]: Re(3): Re^4: Lunch", "Re: Lunch"),
            ("RE : Déjeuner", "Re: Déjeuner"),
            ("RE\u{a0}: Déjeuner", "Re: Déjeuner"),
            ("回复：午饭", "Re: 午饭"),
            ("[list] Re: Lunch", "Re: [list] Lunch"),
            ("Re: [list] Re: Lunch", "Re: [list] Lunch"),
            ("[list] Lunch", "Re: [list] Lunch"),
            ("Re: [list] Lunch", "Re: [list] Lunch"),
            ("Fwd: Lunch", "Re: Fwd: Lunch"),
            ("Report: Lunch", "Re: Report: Lunch"),
            ("Re", "Re: Re"),
            ("Re[x]: a", "Re: Re[x]: a"),
            ("", "Re:"),
            ("Re:", "Re:"),
            ("a\r\nBcc: b", "Re: a Bcc: b"),
        ] {
            assert_eq!(of_reply(given), expected, "{given:?}");
            assert_eq!(of_reply(&of_reply(given)), expected, "{given:?} twice");
        }
    }

    #[test]
    fn forwards_have_one_mark() {
        for (given, expected) in [
            ("Lunch", "Fwd: Lunch"),
            ("Fwd: FW: WG: Lunch", "Fwd: Lunch"),
            ("Re: Lunch", "Fwd: Re: Lunch"),
            ("", "Fwd:"),
        ] {
            assert_eq!(of_forward(given), expected, "{given:?}");
        }
    }
}
