//! Whole messages of our own through [`super::parse`], a case for each behaviour, and hostile ones.

use proptest::prelude::*;

use super::{Parsed, parse};

/// One line a fact, so that a failing test reads like the message.
fn facts(parsed: &Parsed) -> Vec<String> {
    let mut out = Vec::new();
    for (name, list) in [
        ("from", &parsed.from),
        ("to", &parsed.to),
        ("cc", &parsed.cc),
        ("bcc", &parsed.bcc),
        ("reply-to", &parsed.reply_to),
    ] {
        for address in list {
            let shown = address.name.as_deref().unwrap_or("-");
            out.push(format!("{name} {shown} <{}>", address.address));
        }
    }
    out.extend(parsed.subject.iter().map(|subject| format!("subject {subject}")));
    out.extend(parsed.message_id.iter().map(|id| format!("id {id}")));
    out.extend(parsed.references.iter().map(|id| format!("after {id}")));
    out.extend(parsed.date.iter().map(|date| format!("date {date}")));
    out.extend(parsed.received.iter().map(|date| format!("received {date}")));
    for part in &parsed.attachments {
        let name = part.name.as_deref().unwrap_or("-");
        out.push(format!("attached {name} {} {}", part.media_type, part.size));
    }
    out.extend(parsed.keywords.iter().map(|keyword| format!("keyword {keyword}")));
    out.extend(parsed.defects.iter().map(|defect| format!("defect {defect}")));
    out.extend(parsed.text.lines().map(|line| format!("| {line}")));
    out
}

/// The header that makes a message complete, so that a case shows only what it is about.
const BASE: &str = "From: a@b.c\nDate: Thu, 1 Jan 1970 00:00:10 +0000\nMessage-ID: <m@x>\n";

/// Checks a message that begins with [`BASE`], whose own facts are left out.
/// With either line end it must read the same.
fn check(rest: &str, expected: &[&str]) {
    check_once(&format!("{BASE}{rest}"), expected);
    check_once(&format!("{BASE}{rest}").replace('\n', "\r\n"), expected);
}

fn check_once(raw: &str, expected: &[&str]) {
    let base = ["from - <a@b.c>", "id m@x", "date 10"];
    let got = facts(&parse(raw.as_bytes()));
    let got: Vec<&str> = got.iter().map(String::as_str).filter(|f| !base.contains(f)).collect();
    assert_eq!(got, expected, "{raw}");
}

fn check_bytes(raw: &[u8], expected: &[&str]) {
    assert_eq!(facts(&parse(raw)), expected, "{:?}", String::from_utf8_lossy(raw));
}

const NOTHING: [&str; 3] =
    ["defect date-missing", "defect from-missing", "defect message-id-missing"];

#[test]
fn header_fields() {
    check(
        "To: =?utf-8?B?5bGx55Sw?= <y@z.jp>,\n \"B, C\" <b@c.d>\nCc: d@e.f (Dora)\nBcc: g@h.i\n\
         Reply-To: list@x.y\nSubject: =?koi8-r?B?8NLJ18XU?=\n  =?utf-8?Q?_=E2=9C=94?=  x\n\
         References: <1@x>\n <2@x>\nIn-Reply-To: <3@x>\n\
         Received: from a by b; Thu, 1 Jan 1970 00:01:00 +0000\nX-Gmail-Labels: A,B\n\nhi\n",
        &[
            "to 山田 <y@z.jp>",
            "to B, C <b@c.d>",
            "cc Dora <d@e.f>",
            "bcc - <g@h.i>",
            "reply-to - <list@x.y>",
            "subject Привет ✔ x",
            "after 1@x",
            "after 2@x",
            "received 60",
            "keyword A",
            "keyword B",
            "| hi",
        ],
    );
    check("Subject:\n\n", &["subject "]);
    check("Subject: one\nSubject: two\n\n", &["subject one"]);
    check("To: a@b.c\nTo: a@b.c, d@e.f\n\n", &["to - <a@b.c>", "to - <d@e.f>"]);
    check("In-Reply-To: <yes>\nReferences: <no>\n\n", &[]);
}

#[test]
fn single_parts() {
    check("\none\n\n two\n", &["| one", "| ", "|  two"]);
    check(
        "Content-Type: text/plain; charset=iso-8859-15\nContent-Transfer-Encoding: quoted-printable\
         \n\n=A4 10=\n0\n",
        &["| € 100"],
    );
    check(
        "Content-Type: text/plain; charset=shift_jis\nContent-Transfer-Encoding: base64\n\n\
         g26DjYFb\n",
        &["| ハロー"],
    );
    check("Content-Type: text/plain; charset=x-none\n\nü\n", &["defect charset-unknown", "| ü"]);
    check("Content-Transfer-Encoding: rot13\n\nuv\n", &["defect transfer-encoding", "| uv"]);
    let base64 = "Content-Transfer-Encoding: base64\n\n";
    check(&format!("{base64}b25l\nIA==\ndHdv\n"), &["| one two"]);
    let broken = "defect transfer-encoding";
    check(&format!("{base64}b25lIA==\n-- \nA list\n"), &[broken, "| one ", "| -- ", "| A list"]);
    check(&format!("{base64}Hello,\n\nsee you."), &[broken, "| Hello,", "| ", "| see you."]);
    check("Content-Type: text\n\nhi\n", &["| hi"]);
    check(
        "Content-Type: text/html\n\n<p>Hi <a href='http://x.y'>you</a><script>no</script>\n",
        &["| Hi you [1]", "| ", "| [1] http://x.y/"],
    );
    check(
        "Content-Type: application/pdf; name=\"=?utf-8?Q?=C3=A9.pdf?=\"\n\
         Content-Transfer-Encoding: base64\n\naGVsbG8=\n",
        &["attached é.pdf application/pdf 5"],
    );
    check("Content-Type: text/plain; name=a.txt\n\nhi", &["attached a.txt text/plain 2", "| hi"]);
    check("Content-Disposition: attachment\n\nhi", &["attached - text/plain 2"]);
    check("Content-Type: image/png\n\nxx", &["defect part-not-shown"]);
}

#[test]
fn a_part_that_is_neither_shown_nor_listed_is_told() {
    let part = |kind: &str, body: &str| format!("Content-Type: {kind}\n\n{body}\n--b");
    let with = |subtype: &str, kind: &str, body: &str| {
        let part = part(kind, body);
        format!("Content-Type: multipart/{subtype}; boundary=b\n\n--b\n\none\n--b\n{part}--\n")
    };
    for kind in ["application/pdf", "audio/wav", "text/calendar", "text/rtf", "image/png"] {
        check(&format!("Content-Type: {kind}\n\nxx"), &["defect part-not-shown"]);
        check(&with("mixed", kind, "xx"), &["defect part-not-shown", "| one"]);
        check(&with("mixed", kind, " \n"), &["| one"]);
        // The page has them, another part says the same, or it is for a program.
        for subtype in ["related", "alternative", "report", "signed"] {
            check(&with(subtype, kind, "xx"), &["| one"]);
        }
        let named = format!("{kind}; name=a.b");
        check(&with("mixed", &named, "xx"), &[&format!("attached a.b {kind} 2"), "| one"]);
    }
    check(&with("encrypted", "application/octet-stream", "xx"), &["defect encrypted", "| one"]);
    let inner = with("mixed", "message/rfc822", "Content-Type: application/pdf\n\nxx");
    assert_eq!(parse(inner.as_bytes()).defects.last().map(String::as_str), Some("part-not-shown"));
}

#[test]
fn reports_of_machines_are_read() {
    let report = |kind: &str, head: &str| {
        format!(
            "Content-Type: multipart/report; boundary=b\n\n--b\n\nIt failed.\n--b\n\
             Content-Type: message/{kind}\n{head}\nReporting-MTA: dns; mx.x.org\n\n\
             Final-Recipient: rfc822;\n bob@x.org\nAction: =?utf-8?q?f=C3=A4iled?=\n\
             Diagnostic-Code: smtp; \x1b[2J 550\n--b\nContent-Type: text/rfc822-headers\n\n\
             Subject: unlucky\n--b--\n"
        )
    };
    let lines = [
        "defect control-characters",
        "| It failed.",
        "| ",
        "| Reporting-MTA: dns; mx.x.org",
        "| ",
        "| Final-Recipient: rfc822; bob@x.org",
        "| Action: fäiled",
        "| Diagnostic-Code: smtp; \u{fffd}[2J 550",
    ];
    for kind in ["delivery-status", "disposition-notification", "Global-Delivery-Status"] {
        check(&report(kind, ""), &lines);
        let found = super::searchable(report(kind, "").as_bytes());
        assert!(
            found.text.contains("bob@x.org") && found.more == ["Subject: unlucky"],
            "{found:?}"
        );
    }
    let attached = report("delivery-status", "Content-Disposition: attachment\n");
    check_once(
        &format!("{BASE}{attached}"),
        &["attached - message/delivery-status 129", "| It failed."],
    );
    let found = super::searchable(attached.as_bytes());
    assert!(found.more[0].contains("Final-Recipient: rfc822; bob@x.org\n"), "{found:?}");
}

#[test]
fn meta_charset_counts_where_the_mail_states_none() {
    let mut raw = b"Content-Type: text/html\n\n<meta charset=\"iso-8859-2\">".to_vec();
    raw.extend_from_slice(b"\xb3\xf3d\xbc");
    assert_eq!(parse(&raw).text, "łódź");
}

const MIXED: &str = "Content-Type: multipart/mixed; boundary=\"b\"\n\n";

#[test]
fn multiparts() {
    check(
        &format!(
            "{MIXED}preamble\n--b\n\none\n--b \nContent-Type: text/html\n\n<b>two</b>\n--b--\nend"
        ),
        &["| one", "| ", "| two"],
    );
    let alternative = |plain: &str| {
        format!(
            "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n{plain}\n--b\n\
             Content-Type: multipart/related; boundary=c\n\n--c\nContent-Type: text/html\n\n\
             <i>rich</i>\n--c\nContent-Type: image/png; name=i.png\nContent-ID: <i>\n\nxx\n--c--\n\
             --b--\n"
        )
    };
    check(&alternative("plain"), &["attached i.png image/png 2", "| plain"]);
    check(&alternative(" \n"), &["attached i.png image/png 2", "| rich"]);
    check(
        &format!("{MIXED}--b\n\none\n--b\nContent-Type: text/plain\n\nthe rest is gone"),
        &["defect boundary-unclosed", "| one", "| ", "| the rest is gone"],
    );
    check(&format!("{MIXED}no boundary here"), &["defect boundary-missing", "| no boundary here"]);
    check("Content-Type: multipart/mixed\n\nhi", &["defect boundary-missing", "| hi"]);
    // The inner boundary begins with the outer one.
    check(
        &format!(
            "{MIXED}--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\none\n--bb\n\ntwo\n\
             --bb--\n--b\n\nthree\n--b--\n"
        ),
        &["| one", "| ", "| two", "| ", "| three"],
    );
    check(
        "Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: \
         application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream; \
         name=e.asc\n\nxx\n--b--\n",
        &["attached e.asc application/octet-stream 2", "defect encrypted"],
    );
}

#[test]
fn what_cannot_be_opened_is_said() {
    let smime = |kind: &str| {
        format!("Content-Type: application/pkcs7-mime; smime-type={kind}; name=smime.p7m\n\nxx")
    };
    let listed = "attached smime.p7m application/pkcs7-mime 2";
    check(&smime("signed-data"), &[listed, "defect opaque-signature"]);
    check(&smime("enveloped-data"), &[listed, "defect encrypted"]);
}

#[test]
fn messages_inside_messages() {
    let inner = "From: x@y.z\nSubject: inner\n\nhello";
    let size = format!("attached - message/rfc822 {}", inner.len());
    let lines = ["| see", "| ", "| From: x@y.z", "| Subject: inner", "| ", "| hello"];
    check_once(
        &format!("{BASE}{MIXED}--b\n\nsee\n--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"),
        &[&[size.as_str()], lines.as_slice()].concat(),
    );
    let digest = "Content-Type: multipart/digest; boundary=b";
    check_once(
        &format!("{BASE}{digest}\n\n--b\n\n{inner}\n--b--\n"),
        &[&[size.as_str()], &lines[2..]].concat(),
    );
    check(
        &format!(
            "{MIXED}--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\
             Content-Disposition: attachment; filename=m.eml\n\nU3ViamVjdDogeAoKeQ==\n--b--\n"
        ),
        &["attached m.eml message/rfc822 13"],
    );
}

#[test]
fn broken_and_empty_input() {
    check_bytes(b"", &NOTHING);
    check_bytes(b"\n\n\n", &NOTHING);
    check_bytes(b"\xff\xfe\0\x01", &{
        let mut expected = vec!["defect control-characters"];
        expected.extend(&NOTHING[..2]);
        expected.extend(["defect header-end-missing", NOTHING[2], "| ÿþ\u{fffd}\u{fffd}"]);
        expected
    });
    check_bytes(b"Subject: x", &["subject x", NOTHING[0], NOTHING[1], NOTHING[2]]);
    check_bytes(b"Subject: x\r\rold\rmac", &{
        ["subject x", NOTHING[0], NOTHING[1], NOTHING[2], "| old", "| mac"]
    });
    check("Date: tomorrow\n\n", &[]);
    let unreadable = parse(b"Date: tomorrow\n\n");
    assert_eq!((unreadable.date, unreadable.defects[0].as_str()), (None, "date-unreadable"));
}

#[test]
fn depth_and_counts_are_bounded() {
    use std::fmt::Write;
    let mut deep = String::new();
    for n in 0..2_000 {
        let _ = write!(deep, "Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
    }
    let parsed = parse(format!("{deep}\n\nend").as_bytes());
    assert!(parsed.defects.contains(&"too-many-parts".to_owned()), "{:?}", parsed.defects);
    // The last depth that is read, and the first that is not: what is not shown is said.
    let at = |depth: usize| {
        let one = |n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
        parse(format!("{}\nend", (0..depth).map(one).collect::<String>()).as_bytes())
    };
    let said = |parsed: &Parsed| parsed.defects.contains(&"too-many-parts".to_owned());
    assert!(at(30).text == "end" && !said(&at(30)));
    assert!(at(31).text.is_empty() && said(&at(31)));
    let nested = "Content-Type: message/rfc822\n\n".repeat(2_000);
    assert!(parse(nested.as_bytes()).defects.contains(&"too-many-parts".to_owned()));
    let many = format!("{MIXED}{}", "--b\n\nx\n".repeat(50_000));
    let parsed = parse(many.as_bytes());
    assert!(parsed.defects.contains(&"too-many-parts".to_owned()), "{:?}", parsed.defects);
    let huge = format!("Subject: {}\n\nx", "word ".repeat(1_000_000));
    let parsed = parse(huge.as_bytes());
    assert!(parsed.subject.is_some_and(|subject| subject.len() < 300_000));
}

/// C0 with ESC and BEL, DEL, C1 as UTF-8, OSC, DCS, APC, bidi and zero-width characters.
const HOSTILE: &str = "\u{1b}]0;t\u{7}\u{1b}[2J\u{1b}P+q\u{1b}\\\u{1b}_x\u{1b}\\\0\u{8}\u{b}\u{c}\
    \u{7f}\u{80}\u{9b}31m\u{9d}\u{202e}\u{2066}\u{2069}\u{200b}\u{2060}\u{feff}end";

#[test]
fn hostile_characters_come_out_nowhere() {
    let hex = HOSTILE.bytes().fold(String::new(), |hex, b| hex + &format!("={b:02X}"));
    let percent = hex.replace('=', "%");
    for hostile in
        [HOSTILE.to_owned(), format!("=?utf-8?Q?{hex}?="), "=?x?Q?=1B=9B=85?=".to_owned()]
    {
        let raw = format!(
            "From: {hostile} <{hostile}@x.y>\nTo: \"{hostile}\" <a@b.c> ({hostile})\n\
             Cc: {hostile}: d@e.f;\nBcc: <{hostile}>\nReply-To: {hostile}\nSubject: {hostile}\n\
             Message-ID: <{hostile}@x>\nReferences: <{hostile}1@x>\nDate: {hostile}\n\
             X-Keywords: {hostile}\nX-Gmail-Labels: {hostile}\n{MIXED}--b\n\n{hostile}\n--b\n\
             Content-Type: text/html\n\n<p title='{hostile}'>{hostile}&#27;&#155;&#x202e;\n--b\n\
             Content-Type: x/y{hostile}; name=\"{hostile}\"\n\n{hostile}\n--b\n\
             Content-Disposition: attachment; filename*=utf-8''{percent}\n\nx\n--b\n\
             Content-Type: message/rfc822\n\nFrom: {hostile}\nSubject: {hostile}\n\n\
             {hostile}\n--b--"
        );
        let parsed = parse(raw.as_bytes());
        assert_eq!(unsafe_characters(&parsed), Vec::<String>::new());
        assert!(parsed.defects.contains(&"control-characters".to_owned()));
        assert!(parsed.attachments.len() >= 3, "{:?}", parsed.attachments);
    }
    let parsed = parse(format!("Subject: {HOSTILE}\n\n").as_bytes());
    assert!(parsed.defects.contains(&"hidden-characters".to_owned()), "{:?}", parsed.defects);
}

/// The facts that hold what a terminal could act on or a reader could be fooled by.
fn unsafe_characters(parsed: &Parsed) -> Vec<String> {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
    };
    let facts = facts(parsed);
    facts.into_iter().filter(|fact| fact.chars().any(|c| is_unsafe(c) && c != '\t')).collect()
}

/// Pieces from which a mutator makes messages that reach every reader.
const PIECES: [&str; 40] = [
    "\n",
    "\r\n",
    "\n\n",
    " ",
    "\t",
    "From: ",
    "To: ",
    "Subject: ",
    "Date: ",
    "References: ",
    "Content-Type: ",
    "multipart/mixed; boundary=b",
    "multipart/alternative; boundary=\"b\"",
    "\n--b\n",
    "\n--b--\n",
    "message/rfc822\n\n",
    "text/html; charset=utf-7\n\n",
    "text/plain; ",
    "charset=iso-2022-jp",
    "format=flowed",
    "Content-Transfer-Encoding: ",
    "base64\n\n",
    "quoted-printable\n\n",
    "x-uuencode\n\nbegin 644 x\n",
    "Content-Disposition: attachment; ",
    "filename*0*=utf-8''%C3",
    "name*1=",
    "=?utf-8?Q?",
    "=?iso-2022-jp?B?",
    "?=",
    "<",
    ">",
    "\"",
    "(",
    "a@b.c",
    "<table><td>",
    "<a href='http://x'>",
    "&#x110000;",
    "\u{202e}\u{1b}[",
    ";,:",
];

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(PIECES.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (prop::collection::vec(piece, 0..60), changes).prop_map(|(pieces, changes)| {
        let mut raw = pieces.concat();
        for (place, byte) in changes {
            if !raw.is_empty() {
                let at = place.index(raw.len());
                raw[at] = byte;
            }
        }
        raw
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn parse_never_fails_and_its_output_is_safe(raw in mutated()) {
        let parsed = parse(&raw);
        prop_assert_eq!(unsafe_characters(&parsed), Vec::<String>::new());
        prop_assert!(!parsed.defects.contains(&"unreadable".to_owned()), "a panic inside");
        prop_assert_eq!(&parsed, &parse(&raw));
        let shown = super::snippet(&parsed.text);
        prop_assert!(shown.chars().count() <= super::SNIPPET_CHARS);
        prop_assert!(!shown.contains(char::is_control));
        let crlf = String::from_utf8_lossy(&raw).replace('\r', "").replace('\n', "\r\n");
        let lf = crlf.replace('\r', "");
        let hash = |text: &str| super::canonical_hash(text.as_bytes());
        prop_assert_eq!(hash(&crlf), hash(&lf));
    }
}

#[test]
fn parts_begin_where_the_facts_say() {
    let raw = b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\x1b\r\n--x\n\n\n--x\n\
        Content-Type: message/rfc822\n\nFrom: Ann\n\ntwo\n--x\nContent-Type: text/html\n\n\
        <a href=http://a>b</a>\n--x\nContent-Type: text/html\n\n<a href=http://c>d</a>\n--x--\n";
    let parsed = parse(raw);
    let begin: Vec<_> =
        parsed.facts.parts.iter().map(|p| (&parsed.text[p.at..], p.message)).collect();
    let links = "b [1]\n\n[1] http://a/\n\nd [2]\n\n[2] http://c/";
    let message = format!("From: Ann\n\ntwo\n\n{links}");
    assert_eq!(parsed.text, format!("one\u{fffd}\n\n{message}"));
    let expected = [(message.as_str(), true), (links, false), ("d [2]\n\n[2] http://c/", false)];
    assert_eq!(begin, expected);
    let told: Vec<_> = parsed.facts.links.iter().map(|a| (a.n, a.text.as_str())).collect();
    assert_eq!(told, [(1, "b"), (2, "d")]);
    let lists: Vec<_> = parsed.facts.lists.iter().map(|l| &parsed.text[l.at..l.to]).collect();
    assert_eq!(lists, ["[1] http://a/", "[2] http://c/"]);
}

#[test]
fn signs_that_are_not_seen_in_an_address_are_noted() {
    for (from, noted) in [
        ("Ann <a\u{200b}nn@a.test>", true),
        ("ann@a.te\u{ad}st", true),
        ("\u{2060}Ann <ann@a.test>", false),
        ("Ann <ann@a.test>", false),
    ] {
        let parsed = parse(format!("From: {from}\n\nx").as_bytes());
        let found = parsed.defects.iter().any(|code| code == "hidden-in-address");
        assert_eq!(found, noted, "{from:?} {:?}", parsed.defects);
    }
}
