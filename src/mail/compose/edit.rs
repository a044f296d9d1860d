//! A draft as the text that an editor gets, and back.
//!
//! Invariant: reading never fails and loses nothing that was typed: what cannot be taken stands in
//! the text and is listed. What the text does not show (what is answered, ancestors, the account)
//! stays as it was. This file must not open files: paths to attach come out as text.

use super::{Draft, Field, line::one_line};

/// The line of a file that is attached already; without the line it is no longer.
const ATTACHED: &str = "Attached";
/// The line of a file that is to be attached.
const ATTACH: &str = "Attach";

/// What came back from the editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The draft.
    pub draft: Draft,
    /// Paths of files that are to be attached, in order.
    pub attach: Vec<String>,
    /// What could not be taken as it was meant.
    pub problems: Vec<Problem>,
}

/// A line that could not be taken as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which, from 1.
    pub line: usize,
    /// Why.
    pub why: Why,
}

/// Why a line could not be taken as it was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// No field that can be written by hand; the line begins the text now.
    #[error("this is no field that can be set here, so it begins the text")]
    NoField,
    /// The header is gone; its fields are as before.
    #[error("there is no header, so it is as it was")]
    NoHeader,
    /// The line of an attached file cannot be read; the file stays.
    #[error("this line names no attached file, so what was attached stays")]
    Attached,
}

/// The draft as text.
#[must_use]
pub fn to_text(draft: &Draft) -> String {
    let mut out = String::new();
    for field in Field::ALL {
        let value = one_line(draft.field(field));
        // Few mails have one; who wants it writes it.
        if field != Field::ReplyTo || !value.is_empty() {
            push_field(&mut out, field.name(), &value);
        }
    }
    push_field(&mut out, "Subject", &one_line(&draft.subject));
    for (index, file) in draft.attachments.iter().enumerate() {
        let number = index + 1;
        let (name, kind) = (one_line(&file.name), one_line(&file.media_type));
        let about = format!("#{number} {name} ({kind}, {} bytes)", file.size);
        push_field(&mut out, ATTACHED, &about);
    }
    out.push('\n');
    out.push_str(&draft.body);
    // An editor ends the last line; one line end at the end is not the user's.
    out.push('\n');
    out
}

fn push_field(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push(':');
    if !value.is_empty() {
        out.push(' ');
        out.push_str(value);
    }
    out.push('\n');
}

/// Reads the text of an editor; `base` is the draft that it was given.
#[must_use]
pub fn from_text(text: &str, base: &Draft) -> Edited {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut out = Edited { draft: base.clone(), attach: Vec::new(), problems: Vec::new() };
    let (head, body) = split(&text);
    let body = body.strip_suffix('\n').unwrap_or(body);
    let fields: Vec<(usize, &str)> = head.lines().enumerate().map(|(n, l)| (n + 1, l)).collect();
    if !fields.iter().any(|(_, line)| known(line).is_some()) {
        out.problems.push(Problem { line: 1, why: Why::NoHeader });
        let all = text.strip_suffix('\n').unwrap_or(&text);
        out.draft.body = all.strip_prefix('\n').unwrap_or(all).replace('\r', "\n");
        return out;
    }
    let mut header = Header::default();
    for (number, line) in fields {
        if !header.take(line) {
            out.problems.push(Problem { line: number, why: Why::NoField });
            header.strays.push(line);
        } else if known(line).is_some_and(|(name, _)| name == ATTACHED)
            && header.kept.last().is_some_and(|index| base.attachments.get(*index).is_none())
        {
            out.problems.push(Problem { line: number, why: Why::Attached });
        }
    }
    header.fill(&mut out, base);
    out.draft.body = header.strays.join("\n");
    if !header.strays.is_empty() && !body.is_empty() {
        out.draft.body.push('\n');
    }
    out.draft.body.push_str(body);
    // Old systems end a line so; in a field it stays what it is, lest it begins another.
    out.draft.body = out.draft.body.replace('\r', "\n");
    out
}

/// The header and the text, parted by the first empty line.
fn split(text: &str) -> (&str, &str) {
    if let Some(body) = text.strip_prefix('\n') {
        return ("", body);
    }
    match text.find("\n\n") {
        Some(at) => (&text[..at], &text[at + 2..]),
        None => (text, ""),
    }
}

/// The names of fields that can be written by hand.
const NAMES: [&str; 8] = ["From", "To", "Cc", "Bcc", "Reply-To", "Subject", ATTACH, ATTACHED];

/// The field of a line, where it is one that can be written by hand.
fn known(line: &str) -> Option<(&'static str, &str)> {
    let (name, value) = line.split_once(':')?;
    let name = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name.trim_end()))?;
    Some((name, value.trim()))
}

/// The header as it was read so far.
#[derive(Default)]
struct Header<'a> {
    /// Name and value of each field, as often as it stands there.
    fields: Vec<(&'static str, String)>,
    /// Attached files that are named; one past the end for a line that names none.
    kept: Vec<usize>,
    strays: Vec<&'a str>,
}

impl<'a> Header<'a> {
    /// Takes a line; `false` when it is no field and continues none.
    fn take(&mut self, line: &'a str) -> bool {
        if let Some((name, value)) = known(line) {
            if name == ATTACHED {
                self.kept.push(number(value).unwrap_or(usize::MAX));
            }
            self.fields.push((name, value.to_owned()));
            return true;
        }
        match self.fields.last_mut() {
            // A folded field, as mail has them; not behind a line that was no field.
            Some((_, value)) if line.starts_with([' ', '\t']) && self.strays.is_empty() => {
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(line.trim());
                true
            }
            _ => false,
        }
    }

    /// All values of a field in one; `None` when it does not stand there.
    fn value(&self, name: &str, between: &str) -> Option<String> {
        let all = self.fields.iter().filter(|(known, _)| *known == name);
        let all: Vec<&str> = all.map(|(_, value)| value.as_str()).collect();
        if all.is_empty() {
            return None;
        }
        let said: Vec<&str> = all.into_iter().filter(|value| !value.is_empty()).collect();
        Some(said.join(between))
    }

    fn fill(&self, out: &mut Edited, base: &Draft) {
        for field in Field::ALL {
            let value = self.value(field.name(), ", ");
            // A draft has a sender, whoever takes the line away.
            if field == Field::From && value.is_none() {
                continue;
            }
            *out.draft.field_mut(field) = value.unwrap_or_default();
        }
        out.draft.subject = self.value("Subject", " ").unwrap_or_default();
        let paths = self.fields.iter().filter(|(name, value)| *name == ATTACH && !value.is_empty());
        out.attach = paths.map(|(_, path)| path.clone()).collect();
        let unread = self.kept.iter().any(|index| base.attachments.get(*index).is_none());
        if !unread {
            let files = base.attachments.iter().enumerate();
            let files = files.filter(|(index, _)| self.kept.contains(index));
            out.draft.attachments = files.map(|(_, file)| file.clone()).collect();
        }
    }
}

/// The index in `#2 name (…)`.
fn number(value: &str) -> Option<usize> {
    let digits = value.strip_prefix('#')?.split_whitespace().next()?;
    digits.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Attached;
    use super::*;
    use crate::id::BlobHash;

    fn file(name: &str) -> Attached {
        let hash = BlobHash::try_from("ab").unwrap();
        Attached { name: name.into(), media_type: "text/plain".into(), hash, size: 3 }
    }

    fn base() -> Draft {
        Draft {
            account: Some("work".into()),
            from: "Me <me@x.org>".into(),
            to: "ann@x.org".into(),
            subject: "s".into(),
            body: "text".into(),
            in_reply_to: Some("a@b".into()),
            references: vec!["a@b".into()],
            attachments: vec![file("a.txt"), file("b (2).txt")],
            ..Draft::default()
        }
    }

    #[test]
    fn the_text() {
        let text = to_text(&base());
        let expected = "From: Me <me@x.org>\nTo: ann@x.org\nCc:\nBcc:\nSubject: s\n\
            Attached: #1 a.txt (text/plain, 3 bytes)\n\
            Attached: #2 b (2).txt (text/plain, 3 bytes)\n\ntext\n";
        assert_eq!(text, expected);
        let same = Edited { draft: base(), attach: Vec::new(), problems: Vec::new() };
        assert_eq!(from_text(&text, &base()), same);
        assert_eq!(from_text(&text.replace('\n', "\r\n"), &base()), same);
    }

    /// Edits with `text`: To, subject, body, attached files, paths and problems.
    fn check(
        text: &str,
        expected: [&str; 3],
        attached: &[&str],
        attach: &[&str],
        problems: &[(usize, Why)],
    ) {
        let got = from_text(text, &base());
        assert_eq!([&got.draft.to, &got.draft.subject, &got.draft.body], expected, "{text:?}");
        let names: Vec<_> = got.draft.attachments.iter().map(|f| f.name.as_str()).collect();
        assert_eq!((names.as_slice(), got.attach.as_slice()), (attached, &strings(attach)[..]));
        let found: Vec<_> = got.problems.iter().map(|p| (p.line, p.why)).collect();
        assert_eq!(found, problems, "{text:?}");
        let kept = (got.draft.from, got.draft.in_reply_to, got.draft.account);
        assert_eq!(kept, (base().from, base().in_reply_to, base().account), "{text:?}");
    }

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn what_an_editor_gives_back() {
        const BOTH: [&str; 2] = ["a.txt", "b (2).txt"];
        check(
            "To: b@x.org\n c@x.org\nTO : d@x.org\nsubject: t\n\nbody\n\nmore\n",
            ["b@x.org c@x.org, d@x.org", "t", "body\n\nmore"],
            &[],
            &[],
            &[],
        );
        check(
            "To:\nAttached: #2 x\nAttach: /tmp/a b\nAttach:\n\nx",
            ["", "", "x"],
            &BOTH[1..],
            &["/tmp/a b"],
            &[],
        );
        check("To:\nAttached: nine\n\nx", ["", "", "x"], &BOTH, &[], &[(2, Why::Attached)]);
        check(
            "To: b@x.org\nX-Mailer: y\nDear Bob\nSubject: t\n\nx",
            ["b@x.org", "t", "X-Mailer: y\nDear Bob\nx"],
            &[],
            &[],
            &[(2, Why::NoField), (3, Why::NoField)],
        );
        check(
            "To: b@x.org\nNote: no empty line",
            ["b@x.org", "", "Note: no empty line"],
            &[],
            &[],
            &[(2, Why::NoField)],
        );
        check(
            "only text\n\nmore\n",
            ["ann@x.org", "s", "only text\n\nmore"],
            &BOTH,
            &[],
            &[(1, Why::NoHeader)],
        );
        check("", ["ann@x.org", "s", ""], &BOTH, &[], &[(1, Why::NoHeader)]);
        check("\nTo: x\n", ["ann@x.org", "s", "To: x"], &BOTH, &[], &[(1, Why::NoHeader)]);
        let text = "To: b\nIn-Reply-To: <z@z>\nReferences: <z@z>\n\nx";
        let moved = "In-Reply-To: <z@z>\nReferences: <z@z>\nx";
        check(text, ["b", "", moved], &[], &[], &[(2, Why::NoField), (3, Why::NoField)]);
    }

    proptest! {
        #[test]
        fn a_draft_is_given_back(
            fields in prop::array::uniform6("\\PC{0,20}"), body in "([ -~\t\n]|é|To: |\n\n){0,60}",
            names in prop::collection::vec("\\PC{0,20}", 0..3)
        ) {
            let [to, cc, bcc, reply_to, subject, from] = fields.map(|field| one_line(&field));
            let attachments = names.iter().map(|name| file(name)).collect();
            let draft =
                Draft { from, to, cc, bcc, reply_to, subject, body, attachments, ..base() };
            let edited = from_text(&to_text(&draft), &draft);
            prop_assert_eq!(edited.draft, draft);
            prop_assert!(edited.problems.is_empty() && edited.attach.is_empty());
        }

        #[test]
        fn nothing_typed_is_lost(
            text in "(To: |Attach: |Subject:|X-A: |:| |\n|\n\n|[g-n]{1,3}){0,40}"
        ) {
            let got = from_text(&text, &Draft::default());
            let draft = &got.draft;
            let kept = [
                draft.to.as_str(), &draft.subject, &draft.body, &got.attach.concat(),
            ].concat();
            let count = |text: &str, c: char| text.chars().filter(|&x| x == c).count();
            let typed = text.replace("To:", "").replace("Attach:", "").replace("Subject:", "");
            for c in 'a'..='z' {
                prop_assert!(count(&kept, c) >= count(&typed, c), "{:?} in {:?}", c, kept);
            }
        }
    }
}
