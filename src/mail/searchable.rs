//! Everything in a message that somebody may look for.
//!
//! Invariant: total, like [`super::parse`]; whatever a reader can be shown of a message is in it,
//! and text that is attached or of a form that is not shown as well. This file must not
//! know what a word is.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::alternative::{self, Prefer};
use super::body;
use super::defect::Defects;
use super::envelope;
use super::field::{self, Head};
use super::part::{Node, Walker};
use super::{Address, Attachment, Parsed, word};
use crate::safe_text;

/// The longest `List-Id` that is shown, in bytes (RFC 2919, section 3).
const MAX_LIST_ID: usize = 255;

/// What can be looked for in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Searchable {
    /// Decoded subject.
    pub subject: String,
    /// From, and who else says to have written it.
    pub from: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// Message-ID without angle brackets.
    pub message_id: String,
    /// What its list is called and known by (RFC 2919).
    pub list: String,
    /// What its list is known by alone (RFC 2919, section 2), in small letters; safe to show.
    pub list_id: String,
    /// The shown text.
    pub text: String,
    /// Texts that a reader is not shown at once: other forms of what is shown, attached texts.
    pub more: Vec<String>,
    /// File names of what is attached.
    pub files: Vec<String>,
    /// Whether anything is attached.
    pub attached: bool,
}

/// Reads all of a message that can be looked for.
#[must_use]
pub fn searchable(raw: &[u8]) -> Searchable {
    let raw = envelope::with_newlines(raw);
    let all = catch_unwind(AssertUnwindSafe(|| read(&raw, true)));
    all.or_else(|_| catch_unwind(AssertUnwindSafe(|| read(&raw, false)))).unwrap_or_default()
}

/// As [`super::parse`] and [`searchable`], of one reading where that gives both.
#[must_use]
pub fn parse_and_search(raw: &[u8]) -> (Parsed, Searchable) {
    let raw = envelope::with_newlines(raw);
    let both = catch_unwind(AssertUnwindSafe(|| read_both(&raw)));
    both.ok().flatten().unwrap_or_else(|| (envelope::parse(&raw), searchable(&raw)))
}

/// `None` where what is found is not told from what is shown: in an attached message.
fn read_both(raw: &[u8]) -> Option<(Parsed, Searchable)> {
    let mut defects = Defects::default();
    let head = field::message(raw, &mut defects);
    let mut parsed = envelope::header(&head, &mut defects);
    let mut found = of_header(&head, parsed.clone());
    let mut walker = Walker::reading_all(&mut defects);
    let tree = walker.message(&head);
    if !walker.is_as_shown() {
        return None;
    }
    let (attachments, unshown) = walker.into_unshown();
    envelope::show(&mut parsed, &tree, &mut defects);
    found.take_body(parsed.text.clone(), &attachments, &tree, unshown);
    parsed.attachments = attachments;
    Some((envelope::finish(parsed, &head, defects), found))
}

fn read(raw: &[u8], with_body: bool) -> Searchable {
    let mut defects = Defects::default();
    let head = field::message(raw, &mut defects);
    let header = envelope::header(&head, &mut defects);
    let mut found = of_header(&head, header);
    if with_body {
        let mut walker = Walker::reading_all(&mut defects);
        let tree = walker.message(&head);
        let (attachments, unshown) = walker.into_unshown();
        let text = body::shown(&tree, &mut defects).text;
        found.take_body(text, &attachments, &tree, unshown);
    }
    found
}

impl Searchable {
    /// Takes in what stands below the header.
    fn take_body(
        &mut self,
        text: String,
        attachments: &[Attachment],
        tree: &Node,
        unshown: Vec<String>,
    ) {
        self.attached = !attachments.is_empty();
        self.files = attachments.iter().filter_map(|file| file.name.clone()).collect();
        self.text = text;
        alternative::unchosen(tree, Prefer::ByText, &mut self.more);
        self.more.extend(unshown);
    }
}

/// What a header has, by the header as it was read.
fn of_header(head: &Head<'_>, header: Parsed) -> Searchable {
    let mut defects = Defects::default();
    let mut list = String::new();
    for name in ["List-Id", "X-Mailing-List", "Mailing-List"] {
        if let Some(value) = head.first(name) {
            list.push_str(&word::decode(value, &mut defects));
            list.push(' ');
        }
    }
    let list_id = head.first("List-Id").map(|value| word::decode(value, &mut defects));
    let list_id = list_id.as_deref().and_then(id_of_list).unwrap_or_default();
    let mut from = header.from;
    for name in ["Sender", "Reply-To"] {
        for address in envelope::addresses(head, name, &mut defects) {
            if !from.contains(&address) {
                from.push(address);
            }
        }
    }
    Searchable {
        subject: header.subject.unwrap_or_default(),
        from,
        to: header.to,
        cc: header.cc,
        bcc: header.bcc,
        message_id: header.message_id.unwrap_or_default(),
        list,
        list_id,
        ..Searchable::default()
    }
}

/// What stands in the last angle brackets of a `List-Id`; all of one that has none and is a word.
fn id_of_list(value: &str) -> Option<String> {
    let inside = value.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    let id = inside.map_or(value, |(id, _)| id).trim();
    let fits = !id.is_empty() && id.len() <= MAX_LIST_ID && !id.contains(char::is_whitespace);
    fits.then(|| safe_text::line(&id.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_can_be_looked_for_is_there() {
        let raw = "From: Ann <ann@x.org>\r\nReply-To: Team <team@x.org>\r\nTo: bo@y.org\r\n\
            Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nList-Id: The list <list.x.org>\r\n\
            Message-ID: <1@x.org>\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n\
            --a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
            --b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>rich</b>\r\n--b--\r\n\
            --a\r\nContent-Type: text/csv; name=\"t.csv\"\r\n\
            Content-Disposition: attachment; filename=\"t.csv\"\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nY2VsbA==\r\n--a\r\n\
            Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n\
            Subject: inner\r\n\r\ndeep\r\n--a--\r\n";
        let found = searchable(raw.as_bytes());
        assert_eq!((found.subject.as_str(), found.list.trim()), ("Grüße", "The list <list.x.org>"));
        assert_eq!(found.from.len(), 2);
        assert_eq!((found.message_id.as_str(), found.attached), ("1@x.org", true));
        assert_eq!(found.files, ["t.csv"]);
        assert!(found.text.contains("plain") && found.text.contains("deep"), "{}", found.text);
        assert!(found.text.contains("Subject: inner"), "{}", found.text);
        assert_eq!(found.more, ["rich", "cell"]);
    }

    #[test]
    fn one_reading_gives_what_two_give() {
        let inner = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ndeep\u{202e}\r\n";
        let file = "Content-Type: text/plain; charset=none; name=a\r\n\
            Content-Disposition: attachment; filename=a\r\n\r\n\u{7}cell\r\n";
        let page = "Content-Type: text/html\r\n\r\n<b>rich</b>\r\n";
        let nothing = String::new();
        let many = |kind: &str, parts: &[&str]| {
            let parts = parts.iter().flat_map(|part| ["--b\r\n", part, "\r\n"]);
            let parts = parts.collect::<String>();
            format!("Content-Type: multipart/{kind}; boundary=b\r\n\r\n{parts}--b--\r\n")
        };
        let attached = format!("Content-Disposition: attachment\r\n{inner}");
        for body in [
            nothing,
            "\r\ntext\r\n".to_owned(),
            "Content-Type: text/plain; charset=none\r\n\r\nx\r\n".to_owned(),
            many("mixed", &["\r\ntext", file, inner]),
            many("mixed", &["\r\ntext", &attached, file]),
            many("alternative", &["\r\ntext", page]),
            "Content-Type: multipart/mixed; boundary=b\r\n\r\nno part".to_owned(),
        ] {
            let raw = format!("From: a@x.org\r\nBcc: b@x.org\r\nList-Id: <l.x.org>\r\n{body}");
            let two = (envelope::parse(raw.as_bytes()), searchable(raw.as_bytes()));
            assert_eq!(parse_and_search(raw.as_bytes()), two, "{raw}");
        }
    }

    #[test]
    fn anything_is_read() {
        for raw in [&b""[..], b"\0\xff", b"Subject: x", b"\n\n\n", b"Content-Type: multipart/mixed"]
        {
            assert_eq!(parse_and_search(raw), (envelope::parse(raw), searchable(raw)));
        }
        assert_eq!(searchable(b"Subject: x").subject, "x");
    }
}
