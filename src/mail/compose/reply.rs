//! A message to the draft of its answer, or of its forward.
//!
//! Invariant: pure; the draft says whom it answers, so that the message can be marked when it was
//! sent. This file must not send, and must not read a clock: the offset of local time comes in.

use super::build::{bounded, is_msg_id};
use super::people::{Answer, Identity, of_answer, writer};
use super::quote::{attribution, forwarded, quote, without_signature};
use super::{Attached, Draft, Shown, flowed, format_address, format_list, subject};

/// How drafts are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// The signature stands above what is quoted or forwarded, not below.
    pub signature_above: bool,
    /// Seconds east of Greenwich of local time when the message before was written.
    pub utc_offset: i32,
}

/// An empty draft of an identity, with its signature.
#[must_use]
pub fn blank(identity: &Identity) -> Draft {
    Draft {
        account: identity.account.clone(),
        from: format_address(&identity.from),
        body: signed(&identity.signature, "", Style::default()),
        ..Draft::default()
    }
}

/// The draft of an answer.
#[must_use]
pub fn reply(shown: &Shown, answer: Answer, me: &[Identity], style: Style) -> Draft {
    let (to, cc) = of_answer(shown, answer, me);
    let text = without_signature(&shown.text);
    let quoted = if text.trim().is_empty() {
        String::new()
    } else {
        format!("{}\n{}", attribution(shown, style.utc_offset), quote(text))
    };
    let own = shown.message_id.clone().filter(|id| is_msg_id(id));
    let chain = shown.references.iter().filter(|id| is_msg_id(id) && own.as_ref() != Some(id));
    let mut references: Vec<String> = chain.cloned().collect();
    references.extend(own.clone());
    Draft {
        to: format_list(&to),
        cc: format_list(&cc),
        subject: subject::of_reply(shown.subject.as_deref().unwrap_or_default()),
        in_reply_to: own,
        references: bounded(references),
        answers: shown.message.iter().cloned().collect(),
        ..begun(shown, me, &quoted, style)
    }
}

/// The draft of a forward with the message in its text; `attachments` are those of the message that
/// go along.
#[must_use]
pub fn forward_inline(
    shown: &Shown,
    attachments: Vec<Attached>,
    me: &[Identity],
    style: Style,
) -> Draft {
    let text = forwarded(shown, style.utc_offset);
    Draft {
        subject: subject::of_forward(shown.subject.as_deref().unwrap_or_default()),
        forwards: shown.message.iter().cloned().collect(),
        attachments,
        ..begun(shown, me, &text, style)
    }
}

/// The draft of a forward with the message attached as it came; `raw` is the blob of its bytes.
#[must_use]
pub fn forward_attached(
    shown: &Shown,
    raw: (crate::id::BlobHash, u64),
    me: &[Identity],
    style: Style,
) -> Draft {
    let subject = shown.subject.as_deref().unwrap_or_default();
    let stem = if subject.trim().is_empty() { "message" } else { subject };
    let name = crate::safe_text::file_name(&format!("{stem}.eml"));
    let (hash, size) = raw;
    Draft {
        subject: subject::of_forward(subject),
        forwards: shown.message.iter().cloned().collect(),
        attachments: vec![Attached { name, media_type: "message/rfc822".to_owned(), hash, size }],
        ..begun(shown, me, "", style)
    }
}

/// A draft as the identity that the message was sent to, with its signature and `below`.
fn begun(shown: &Shown, me: &[Identity], below: &str, style: Style) -> Draft {
    let Some((identity, from)) = writer(shown, me) else {
        return Draft { body: signed("", below, style), ..Draft::default() };
    };
    let style = Style { signature_above: style.signature_above || identity.above, ..style };
    Draft {
        account: identity.account.clone(),
        from: format_address(&from),
        body: signed(&identity.signature, below, style),
        ..Draft::default()
    }
}

/// Whether the text of an answer that was just begun is written above what it quotes.
#[must_use]
pub fn is_above(body: &str) -> bool {
    // What is quoted begins with its attribution.
    body.starts_with('\n')
}

/// The text of a new draft: an empty place to write, what is quoted, the signature.
fn signed(signature: &str, below: &str, style: Style) -> String {
    let signature = super::line::lines(signature);
    let signature = signature.trim_end();
    let signature = if signature.is_empty() {
        String::new()
    } else {
        format!("\n{}\n{signature}\n", flowed::SIGNATURE)
    };
    let is_forward = below.starts_with(super::quote::FORWARDED);
    match (below.is_empty(), style.signature_above) {
        (true, _) => signature,
        (false, true) => format!("\n{signature}\n{below}"),
        // What is forwarded follows what is written about it.
        (false, false) if is_forward => format!("\n\n{below}{signature}"),
        (false, false) => format!("{below}\n{signature}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Address;
    use super::*;
    use crate::id::MessageId;

    fn me() -> Vec<Identity> {
        let of = |name: &str, address: &str| Address {
            name: Some(name.to_owned()),
            address: address.to_owned(),
        };
        vec![
            Identity {
                account: Some("work".into()),
                from: of("Me", "me@work.org"),
                aliases: vec!["info@work.org".into()],
                signature: "Me\nWork".into(),
                above: false,
            },
            Identity {
                account: Some("home".into()),
                from: of("Me", "me@home.org"),
                aliases: vec!["*@catch.org".into()],
                signature: String::new(),
                above: false,
            },
        ]
    }

    /// Answers a message with this header; gives From, To and Cc.
    fn check(header: &str, answer: Answer, expected: [&str; 3]) {
        let shown = Shown::read(format!("{header}\nSubject: s\n\ntext\n").as_bytes());
        let draft = reply(&shown, answer, &me(), Style::default());
        assert_eq!([&draft.from, &draft.to, &draft.cc], expected, "{header}");
        assert!(draft.recipients().errors.is_empty(), "{header}");
    }

    #[test]
    fn whom_an_answer_goes_to() {
        use Answer::{All, List, Sender};
        const WORK: &str = "Me <me@work.org>";
        const HOME: &str = "Me <me@home.org>";
        let plain = "From: Ann <ann@x.org>\nTo: ME@Work.org, Bob <bob@x.org>\n\
            Cc: me+tag@home.org, BOB@x.org, cy@x.org";
        check(plain, Sender, [WORK, "Ann <ann@x.org>", ""]);
        check(plain, All, [WORK, "Ann <ann@x.org>", "Bob <bob@x.org>, cy@x.org"]);
        check(plain, List, [WORK, "Ann <ann@x.org>", "Bob <bob@x.org>, cy@x.org"]);
        let other = "From: ann@x.org\nReply-To: Desk <desk@x.org>, b@x.org\nTo: me@home.org";
        check(other, Sender, [HOME, "Desk <desk@x.org>, b@x.org", ""]);
        let own = "From: me@home.org\nTo: ann@x.org, me@work.org\nCc: bob@x.org";
        check(own, Sender, [HOME, "ann@x.org", ""]);
        check(own, All, [HOME, "ann@x.org", "bob@x.org"]);
        let note = "From: me@home.org\nTo: me@home.org";
        check(note, All, [HOME, "me@home.org", ""]);
        check("From: a@x.org\nTo: info@work.org", Sender, ["Me <info@work.org>", "a@x.org", ""]);
        check("From: a@x.org\nTo: shop@catch.org", Sender, ["Me <shop@catch.org>", "a@x.org", ""]);
        check("From: a@x.org\nTo: me+x@work.org", Sender, [WORK, "a@x.org", ""]);
        check(
            "From: a@x.org\nTo: l@x.org\nDelivered-To: me@home.org",
            All,
            [HOME, "a@x.org", "l@x.org"],
        );
        check("From: a@x.org\nTo: undisclosed-recipients:;", All, [WORK, "a@x.org", ""]);
    }

    #[test]
    fn lists() {
        use Answer::{All, List, Sender};
        const WORK: &str = "Me <me@work.org>";
        let munged = "From: ann@x.org\nTo: l@lists.org\nReply-To: l@lists.org\n\
            List-Post: <mailto:l@lists.org>";
        check(munged, Sender, [WORK, "ann@x.org", ""]);
        check(munged, All, [WORK, "ann@x.org", "l@lists.org"]);
        check(munged, List, [WORK, "l@lists.org", ""]);
        let rewritten = "From: Ann via L <l@lists.org>\nTo: l@lists.org\nReply-To: ann@x.org\n\
            List-Post: <mailto:l@lists.org>";
        check(rewritten, Sender, [WORK, "ann@x.org", ""]);
        check(rewritten, All, [WORK, "ann@x.org", "l@lists.org"]);
        let asked = "From: ann@x.org\nTo: l@lists.org, me@work.org\n\
            Mail-Followup-To: l@lists.org, me@work.org, Bob <b@x.org>";
        check(asked, All, [WORK, "l@lists.org, Bob <b@x.org>", ""]);
        check(asked, Sender, [WORK, "ann@x.org", ""]);
        check("From: a@x.org\nTo: me@work.org\nList-Post: NO", List, [WORK, "a@x.org", ""]);
    }

    fn shown() -> Shown {
        let mut shown = Shown::read(
            b"From: Ann <ann@x.org>\nTo: me@work.org\nSubject: AW: Lunch\nMessage-ID: <3@x>\n\
              References: <1@x> <2@x>\nDate: Mon, 23 Nov 2026 09:14:00 +0000\n\nOne\n> two\n\n\
              -- \nAnn\n",
        );
        shown.message = MessageId::try_from("m1").ok();
        shown
    }

    #[test]
    fn an_answer() {
        let shown = shown();
        let style = Style { utc_offset: 3600, ..Style::default() };
        let draft = reply(&shown, Answer::Sender, &me(), style);
        let quoted = "On 2026-11-23 10:14, Ann wrote:\n> One\n>> two\n";
        assert_eq!(draft.body, format!("{quoted}\n\n-- \nMe\nWork\n"));
        assert_eq!(draft.subject, "Re: Lunch");
        assert_eq!(draft.in_reply_to.as_deref(), Some("3@x"));
        assert_eq!(draft.references, ["1@x", "2@x", "3@x"]);
        assert_eq!((draft.answers.len(), draft.account.as_deref()), (1, Some("work")));
        let above = Style { signature_above: true, ..style };
        let draft = reply(&shown, Answer::Sender, &me(), above);
        assert_eq!(draft.body, format!("\n\n-- \nMe\nWork\n\n{quoted}"));
        let mut mine = me();
        mine[0].above = true;
        let same = reply(&shown, Answer::Sender, &mine, style);
        assert!(same.body == draft.body && is_above(&draft.body) && !is_above(quoted));
        assert_eq!(reply(&Shown::default(), Answer::All, &[], style).to, "");
    }

    #[test]
    fn long_chains_keep_both_ends() {
        let mut shown = shown();
        shown.references = (0..500).map(|n| format!("{n}@x")).chain(["bad".into()]).collect();
        let draft = reply(&shown, Answer::Sender, &me(), Style::default());
        assert_eq!(draft.references.len(), super::super::build::MAX_REFERENCES);
        assert_eq!(draft.references[0], "0@x");
        assert_eq!(draft.references.last().map(String::as_str), Some("3@x"));
    }

    #[test]
    fn forwards() {
        let shown = shown();
        let draft = forward_inline(&shown, Vec::new(), &me(), Style::default());
        assert!(draft.body.starts_with("\n\n---------- Forwarded message ----------\nFrom: Ann"));
        assert!(draft.body.contains("\nSubject: AW: Lunch\nTo: me@work.org\n\nOne\n> two\n"));
        assert_eq!((draft.subject.as_str(), draft.to.as_str()), ("Fwd: AW: Lunch", ""));
        assert_eq!((draft.forwards.len(), draft.in_reply_to), (1, None));
        let hash = crate::id::BlobHash::try_from("ab").unwrap();
        let draft = forward_attached(&shown, (hash, 9), &me(), Style::default());
        assert_eq!(draft.attachments[0].name, "AW_ Lunch.eml");
        assert_eq!(draft.body, "\n-- \nMe\nWork\n");
        assert_eq!(blank(&me()[1]).body, "");
    }
}
