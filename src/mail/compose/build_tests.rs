//! Built messages, read back by our own parser and by mail-parser.
//!
//! Invariant: what is asked of a message is asked of its bytes, never of the code that made them.

use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::super::defect::Defects;
use super::super::parse;
use super::build::*;
use super::*;
use crate::id::BlobHash;

fn stamp() -> Stamp {
    Stamp {
        message_id: "0198-uuid@example.org".into(),
        date: 1_795_425_245,
        utc_offset: 3600,
        boundary_seed: [7; 16],
        seven_bit: false,
    }
}

fn attached(name: &str, media_type: &str, bytes: &[u8]) -> (Attached, (BlobHash, Vec<u8>)) {
    let hash = BlobHash::try_from(blake3::hash(bytes).to_string()).unwrap();
    let size = bytes.len() as u64;
    let attached =
        Attached { name: name.into(), media_type: media_type.into(), hash: hash.clone(), size };
    (attached, (hash, bytes.to_vec()))
}

fn draft(to: &str, subject: &str, body: &str) -> Draft {
    Draft {
        from: "Ann <ann@example.org>".into(),
        to: to.into(),
        subject: subject.into(),
        body: body.into(),
        ..Draft::default()
    }
}

fn built(draft: &Draft) -> Built {
    build(draft, &Files::new(), &stamp()).unwrap()
}

type Files = std::collections::HashMap<BlobHash, Vec<u8>>;

fn check_lines(built: &Built) {
    let text = built.bytes.split(|&b| b == b'\n');
    let count = text.clone().count();
    for (index, line) in text.enumerate() {
        assert!(index + 1 == count || line.ends_with(b"\r"), "a lone LF");
        assert!(line.len() <= 999 && !line.strip_suffix(b"\r").unwrap_or(line).contains(&b'\r'));
    }
    assert!(built.bytes.ends_with(b"\r\n"));
}

#[test]
fn a_plain_message() {
    let mut given = draft("Bob <bob@x.org>, ann@example.org", "Lunch", "Hi Bob,\nlunch?\n-- \nAnn");
    given.bcc = "eve@x.org, BOB@x.org".into();
    given.in_reply_to = Some("p@x".into());
    given.references = vec!["r@x".into(), "no id".into(), "p@x".into()];
    let made = built(&given);
    let expected = "From: Ann <ann@example.org>\r\n\
        To: Bob <bob@x.org>, ann@example.org\r\n\
        Subject: Lunch\r\n\
        Date: Mon, 23 Nov 2026 10:14:05 +0100\r\n\
        Message-ID: <0198-uuid@example.org>\r\n\
        In-Reply-To: <p@x>\r\n\
        References: <r@x> <p@x>\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8; format=flowed; delsp=no\r\n\
        Content-Transfer-Encoding: 7bit\r\n\r\n\
        Hi Bob,\r\nlunch?\r\n-- \r\nAnn\r\n";
    assert_eq!(String::from_utf8(made.bytes.clone()).unwrap(), expected);
    assert_eq!(made.envelope_from, "ann@example.org");
    assert_eq!(made.envelope_to, ["bob@x.org", "ann@example.org", "eve@x.org"]);
    assert!(!made.needs_8bit && !made.needs_smtputf8);
    assert_eq!(built(&given), made, "equal input, equal bytes");
}

#[test]
fn who_is_only_in_bcc_leaves_no_trace() {
    let mut given = draft("", "x", "y");
    given.bcc = "jörg@x.org".into();
    let made = built(&given);
    let text = String::from_utf8(made.bytes.clone()).unwrap();
    assert!(made.needs_smtputf8 && text.is_ascii() && !text.to_lowercase().contains("bcc"));
    assert!(text.contains("To: undisclosed-recipients:;\r\n"), "{text}");
    assert_eq!(made.envelope_to, ["jörg@x.org"]);
}

#[test]
fn international_addresses() {
    let made = built(&draft("Jörg <a@bücher.example>", "x", "y"));
    assert_eq!(made.envelope_to, ["a@xn--bcher-kva.example"]);
    assert!(!made.needs_smtputf8 && made.bytes.is_ascii());
    let made = built(&draft("Jörg <jörg@bücher.example>", "x", "y"));
    assert_eq!(made.envelope_to, ["jörg@xn--bcher-kva.example"]);
    assert!(made.needs_smtputf8 && made.needs_8bit);
    assert_eq!(parse(&made.bytes).to[0].address, "jörg@bücher.example");
}

#[test]
fn attachments_keep_their_bytes() {
    let inner = b"Subject: in\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xa9\r\n";
    let files: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        ("Größe 1.pdf", "application/pdf", (0..=255).collect(), "base64"),
        ("../../etc/passwd", "nonsense\r\nBcc: x", vec![0; 100], "base64"),
        ("in.eml", "message/rfc822", inner.to_vec(), "8bit"),
        ("plain.eml", "message/rfc822", b"Subject: x\n\ny\n".to_vec(), "7bit"),
        ("long.eml", "message/rfc822", vec![b'x'; 2000], "base64"),
        ("cr.eml", "message/rfc822", b"a: b\r\rc\n".to_vec(), "base64"),
        ("empty", "text/plain", Vec::new(), "base64"),
    ];
    let (mut given, mut blobs) = (draft("b@x.org", "s", "see attached"), Files::new());
    for (name, kind, bytes, _) in &files {
        let (attached, (hash, bytes)) = attached(name, kind, bytes);
        given.attachments.push(attached);
        blobs.insert(hash, bytes);
    }
    let made = build(&given, &blobs, &stamp()).unwrap();
    check_lines(&made);
    assert!(made.needs_8bit);
    let read = MessageParser::default().parse(&made.bytes).unwrap();
    assert_eq!(read.attachment_count(), files.len());
    for ((name, _, bytes, encoding), part) in files.iter().zip(read.attachments()) {
        assert_eq!(part.attachment_name(), Some(name.replace('/', "_").as_str()));
        assert_eq!(part.content_transfer_encoding(), Some(*encoding), "{name}");
        if *encoding == "base64" {
            assert_eq!(part.contents(), bytes, "{name}");
        }
    }
    let text = made.bytes.windows(inner.len()).any(|window| window == inner);
    assert!(text, "an attached message goes byte by byte");
    let seven = build(&given, &blobs, &Stamp { seven_bit: true, ..stamp() }).unwrap();
    assert!(seven.bytes.is_ascii() && !seven.needs_8bit);
    blobs.clear();
    let missing = build(&given, &blobs, &stamp()).unwrap_err();
    assert_eq!(missing.kind(), "attachment-missing");
}

#[test]
fn a_boundary_is_in_no_part() {
    let own = "--=_a4dqobyha4dqobyha4dqobyha4.0";
    let inner = format!("Subject: x\n\n{own}\n");
    let (file, (hash, bytes)) = attached("x.eml", "message/rfc822", inner.as_bytes());
    let mut given = draft("b@x.org", "s", own);
    given.attachments.push(file);
    let made = build(&given, &Files::from([(hash, bytes)]), &stamp()).unwrap();
    let read = parse(&made.bytes);
    assert_eq!((read.text.lines().next(), read.attachments.len()), (Some(own), 1));
    assert!(read.defects.is_empty(), "{:?}", read.defects);
}

#[test]
fn what_cannot_be_sent() {
    let check = |given: &Draft, stamp: &Stamp, kind: &str| {
        let error = build(given, &Files::new(), stamp).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(!error.to_string().is_empty() && !error.hint().is_empty());
    };
    check(&draft(" , ", "s", "b"), &stamp(), "no-recipients");
    check(&draft("ann", "s", "b"), &stamp(), "bad-address");
    let nobody = Draft { from: String::new(), ..draft("b@x.org", "s", "b") };
    check(&nobody, &stamp(), "no-sender");
    for id in ["a b@c", "x", "a@b>\r\nBcc: x", "é@x"] {
        check(&draft("b@x.org", "", ""), &Stamp { message_id: id.into(), ..stamp() }, "bad-stamp");
    }
    check(&draft("b@x.org", "", ""), &Stamp { date: i64::MAX, ..stamp() }, "bad-stamp");
}

/// Text with what could end a line, a field or an encoded word.
const HOSTILE: &str = "([ -~]|\r\n|\n|\r|\u{0}|\r\nBcc: e@v.il\r\n\r\n\
    |=\\?utf-8\\?q\\?=0A\\?=|é|😀|\u{85}|\u{2028}){0,60}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nothing_can_add_a_header(
        from in HOSTILE, name in HOSTILE, subject in HOSTILE, body in HOSTILE, id in HOSTILE,
        file in HOSTILE, kind in HOSTILE
    ) {
        let name = super::super::Address { name: Some(name), address: "bob@x.org".into() };
        let sender = super::super::Address { name: Some(from), address: "ann@x.org".into() };
        let (file, (hash, bytes)) = attached(&file, &kind, b"bytes");
        let given = Draft {
            from: format_address(&sender),
            to: format_address(&name),
            subject: subject.clone(),
            body,
            in_reply_to: Some(id.clone()),
            references: vec![id, "a@b".into()],
            attachments: vec![file],
            ..Draft::default()
        };
        let made = build(&given, &Files::from([(hash, bytes)]), &stamp()).unwrap();
        check_lines(&made);
        let fields = |list: Vec<String>| -> Vec<String> {
            list.into_iter().map(|name| name.to_lowercase()).collect()
        };
        let own = super::super::field::message(&made.bytes, &mut Defects::default());
        let other = MessageParser::default().parse(&made.bytes).unwrap();
        let theirs = fields(other.headers().iter().map(|h| h.name().to_owned()).collect());
        let known = [
            "from", "to", "subject", "date", "message-id", "in-reply-to", "references",
            "mime-version", "content-type",
        ];
        prop_assert!(theirs.iter().all(|name| known.contains(&name.as_str())), "{:?}", theirs);
        prop_assert_eq!(own.fields.len(), theirs.len());
        let read = parse(&made.bytes);
        prop_assert_eq!(read.from.len(), 1);
        prop_assert_eq!(&read.to[0].address, "bob@x.org");
        prop_assert_eq!(other.to().unwrap().first().unwrap().address(), Some("bob@x.org"));
        prop_assert_eq!(read.attachments.len(), 1);
        prop_assert_eq!(other.attachment(0).unwrap().contents(), b"bytes");
        prop_assert_eq!(made.envelope_to, ["bob@x.org"]);
    }

    #[test]
    fn what_was_written_is_read(
        subject in "\\PC{0,100}", name in "[a-zA-Zéß日,.\"\\\\ ]{1,40}",
        body in "(\\PC{0,30}\n){0,8}", file in "[a-zA-Z日é ;\"'.]{1,60}"
    ) {
        let fold = |text: &str| {
            let safe = crate::safe_text::line(text);
            safe.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let name = super::super::Address { name: Some(name), address: "bob@x.org".into() };
        let (file, (hash, bytes)) = attached(&file, "image/png", b"\x89PNG");
        let given = Draft {
            attachments: vec![file.clone()],
            ..draft(&format_address(&name), &subject, &body)
        };
        let made = build(&given, &Files::from([(hash, bytes)]), &stamp()).unwrap();
        let read = parse(&made.bytes);
        prop_assert_eq!(read.subject.unwrap_or_default(), fold(&subject));
        let read_name = read.to[0].name.clone().unwrap_or_default();
        prop_assert_eq!(read_name, fold(&name.name.unwrap()));
        prop_assert_eq!(read.message_id.as_deref(), Some("0198-uuid@example.org"));
        prop_assert_eq!(read.date, Some(1_795_425_245));
        let words = |text: &str| {
            let safe = crate::safe_text::text(text);
            safe.split_whitespace().flat_map(str::chars).filter(|&c| c != '>').collect::<String>()
        };
        prop_assert_eq!(words(&read.text), words(&body));
        let file_read = read.attachments[0].name.clone().unwrap_or_default();
        prop_assert_eq!(file_read, fold(&file.name));
        prop_assert_eq!(read.attachments[0].size, 4);
    }
}
