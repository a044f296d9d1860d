//! What is made of mail: the message, its text, its links, its words, its attachments.

use std::fmt::Write as _;

use mailtui::mail::links::{find, host, links, listed, may_open, warnings};
use mailtui::mail::{
    Address, Parsed, attached, canonical_hash, expunged, looks_like_mail, message_key, parse,
    parse_and_search, searchable, snippet, stored,
};
use mailtui::search::entry::Texts;

use super::own;
use super::play::{Reader, Target};
use crate::support::terminal_bytes::is_hostile;

/// What is made of a message may be so many times as large: a byte becomes three of UTF-8, a page's
/// table or quote puts signs around them, and a text is there plain and rich.
const MOST_TIMES: usize = 24;
/// Beside that, in bytes: words that are ours.
const MOST_BESIDE: usize = 16 * 1024;
/// What the links of a text say and lead to may be so many times as large as the text.
const LINK_TIMES: usize = 8;

pub(super) const MESSAGES: Target =
    Target { name: "", seeds: own::all_messages, tokens: MIME, reader: || Box::new(message) };
pub(super) const PAGES: Target = Target { name: "", seeds: pages, tokens: HTML, reader: page };
pub(super) const HEADERS: Target =
    Target { name: "", seeds: headers, tokens: HEADER, reader: header };
pub(super) const TEXTS: Target =
    Target { name: "", seeds: texts, tokens: LINKS, reader: || Box::new(text) };

/// Words of mail (RFC 5322, RFC 2045-2047, RFC 2231).
const MIME: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"\n\n",
    b"\r",
    b"\r\n ",
    b"\0",
    b"\x1b",
    b"\x9b",
    b"--",
    b"--=_own-boundary_=",
    b"--=_own-boundary_=--\n",
    b"From: ",
    b"Subject: ",
    b"Content-Type: multipart/mixed; boundary=a\n\n--a\n",
    b"Content-Type: multipart/alternative; boundary=\"\"\n\n--\n",
    b"Content-Type: message/rfc822\n\n",
    b"Content-Type: text/html\n\n",
    b"Content-Type: text/plain; charset=",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"Content-Disposition: attachment; filename*=utf-8''%e2%80%ae",
    b"begin 644 x\n",
    b"=?utf-8?B?",
    b"=?utf-8?Q?=1b[2J?=",
    b"?=",
    b"=?iso-2022-jp?B?GyRC?=",
    b"utf-7",
    b"utf-16",
    b"gb18030",
    b"=\n",
    b"=00",
    b"=9b",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"\xf0\x9f\x98\x80",
    b"\xe2\x80\x8b",
    b"name*0*=x''%",
    b"name*9999999999=x",
    b"References: <a@b> ",
    b"Date: ",
    b"X-GM-THRID: ",
    b"X-Mozilla-Status: ffff\n",
    b"Status: RO\n",
    b"begin-base64 644 x\n",
    b"Content-Type: multipart/digest; boundary=d\n\n--d\n\n",
    b"message/partial",
    b"format=flowed; delsp=yes",
];
/// Words of pages.
const HTML: &[&[u8]] = &[
    b"<",
    b">",
    b"</",
    b"<!",
    b"<!--",
    b"-->",
    b"--!>",
    b"<![CDATA[",
    b"<?",
    b"&",
    b"&#",
    b"&#x",
    b";",
    b"&#0;",
    b"&#27;",
    b"&#x9b;",
    b"&#x202e;",
    b"&#1114112;",
    b"&lt;",
    b"&NotNestedGreaterGreater;",
    b"<table><tr><td>",
    b"</table>",
    b"<ul><li>",
    b"<ol start=-9223372036854775808><li>",
    b"<blockquote>",
    b"</blockquote>",
    b"<pre>",
    b"<a href=",
    b"</a>",
    b"<a href=\"javascript:x\">",
    b"<a href=https://\xc3\xa9.example>",
    b"<script>",
    b"</script",
    b"<style>",
    b"</style>",
    b"<style>@media",
    b"{display:none}",
    b"<div style=\"display:none\">",
    b"style='",
    b"font-size:0",
    b"<plaintext>",
    b"<svg>",
    b"<textarea>",
    b"<img src=x width=1 height=1>",
    b"<img alt='",
    b"colspan=999999999",
    b"<br>",
    b"<hr>",
    b"<p>",
    b"<b>",
    b"/>",
    b"=\"",
    b"='",
    b"\0",
    b"\x1b[2J",
    b"\x9b",
    b"\xc2\x9b",
    b"\xe2\x80\xae",
    b"[1] http://x.example/\n",
    b"[4294967296] http://x/",
    b"<template>",
    b"<noscript>",
    b"/*",
    b"*/",
    b"@import url(http://x.example)",
    b"!important",
    b"<!--[if mso]>",
    b"<base href=http://y.example/>",
    b"<meta http-equiv=refresh>",
];
/// Words of header fields.
const HEADER: &[&[u8]] = &[
    b"<",
    b">",
    b"@",
    b",",
    b";",
    b":",
    b"\"",
    b"\\",
    b"\\\"",
    b"(",
    b")",
    b"(((((((((((((((((",
    b"=?utf-8?Q?",
    b"?=",
    b"=?utf-8?B?",
    b"=?us-ascii*en?Q?x?= ",
    b" ",
    b"\r\n\t",
    b"\r\n",
    b"group: ",
    b"undisclosed-recipients:;",
    b"<@a,@b:c@d>",
    b"[IPv6:::1]",
    b"\xc3\xa9",
    b"\xff",
    b"\0",
    b"\x1b]0;x\x07",
    b"\xe2\x80\xae",
    b"xn--",
    b"a@b",
    b"<>",
    b"<a@b> <a@b>",
    b"Mon, 1 Jan 0000 00:00:00 +9999",
    b"; dkim=pass",
    b"smtp.mailfrom=",
    b"31 Feb 99999",
    b"-2400",
    b"(comment (",
    b"charset=",
    b"*0*=",
    b"''",
];
/// Words of texts with links.
const LINKS: &[&[u8]] = &[
    b"http://",
    b"https://",
    b"ftp://",
    b"mailto:",
    b"www.",
    b"HTTP://",
    b"[1] http://a.example/\n",
    b"[2] mailto:x@y.example\n",
    b"[0] ",
    b"[4294967295] http://b.example\n",
    b"(",
    b")",
    b"]",
    b"}",
    b">",
    b"<",
    b"\"",
    b"|",
    b" ",
    b"\n",
    b"@",
    b"%",
    b"%00",
    b"#",
    b"?",
    b"xn--80ak6aa92e.com",
    b"\xd0\xb0pple.com",
    b"user:pw@",
    b"127.0.0.1",
    b"[::1]",
    b"0x7f.1",
    b":99999",
    b"\xe2\x80\xae",
    b"\xc2\xa0",
    b"\xef\xbc\x8e",
    b"\xe3\x80\x82",
    b".",
    b",",
    b"\xe2\x80\x99",
    b"\xe2\x80\xa6",
    b"javascript:",
    b"data:text/html,x",
    b"\x1b",
];

fn pages() -> Vec<Vec<u8>> {
    let nested = "<div><blockquote><ul><li><b>".repeat(20) + "x";
    [own::PAGE, &nested, "a < b & c > d", "<a href=x", ""]
        .map(|page| page.as_bytes().to_vec())
        .into()
}

fn headers() -> Vec<Vec<u8>> {
    [
        "Ada <ada@x.example>, \"B, C\" <b@y.example>, g: d@z.example;, (c) e@w.example",
        "=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?w58=?= <x@y.example>",
        "multipart/mixed; boundary=\"a b\"; charset*=utf-8'en'%e4; name*0=a; name*1*=%20b",
        "Mon, 06 May 2024 09:00:00 +0200 (CEST)",
        "<1@x.example> <2@x.example> text <3@x.example>",
        "mx.x.example; spf=pass smtp.mailfrom=a@b.example; dkim=fail (x) header.d=c.example",
        "attachment; filename=\"../../etc/passwd\"; size=12",
    ]
    .map(|value| value.as_bytes().to_vec())
    .into()
}

fn texts() -> Vec<Vec<u8>> {
    [
        "See https://example.org/a(b)?c=d#e, www.example.net. Or <mailto:a@b.example?subject=x>\n",
        "[1] https://example.org/\n[2] http://user@bank.example:80/x\n\n> quoted http://a.b\n",
        "https://xn--pple-43d.com http://\u{430}pple.com/ http://127.0.0.1 http://[::1]/ ftp://x",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// A message with these bytes as its page.
fn page() -> Reader {
    Box::new(|bytes| {
        let head: &[u8] = b"From: a@x.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n";
        message(&[head, bytes].concat());
    })
}

/// A message with these bytes in each field that is read.
fn header() -> Reader {
    Box::new(|bytes| {
        let mut raw = Vec::new();
        for name in [
            "From",
            "To",
            "Reply-To",
            "Subject",
            "Date",
            "Received",
            "Message-ID",
            "References",
            "Content-Type",
            "Content-Disposition",
            "Authentication-Results",
            "X-Keywords",
            "List-Id",
        ] {
            raw.extend_from_slice(name.as_bytes());
            raw.extend_from_slice(b": ");
            raw.extend_from_slice(bytes);
            raw.extend_from_slice(b"\r\n");
        }
        raw.extend_from_slice(b"\r\ntext\r\n");
        message(&raw);
    })
}

fn message(raw: &[u8]) {
    let parsed = parse(raw);
    is_safe(&parsed);
    let most = raw.len() * MOST_TIMES + MOST_BESIDE;
    let made = size(&parsed);
    assert!(made <= most, "{} bytes became {made}", raw.len());
    assert!(!parsed.defects.iter().any(|defect| defect == "unreadable"), "given up");
    let files = attached(raw);
    for (file, bytes) in &files {
        assert_eq!(file.size, bytes.len() as u64, "{file:?}");
        assert!(parsed.attachments.contains(file), "{file:?} is not listed");
    }
    let found = searchable(raw);
    let (once, found_at_once) = parse_and_search(raw);
    assert!(once == parsed && found_at_once == found, "one reading gives what two give");
    let words = Texts::of(&found);
    let _ = words.begins();
    assert!(words.body.len() <= most, "{} bytes have {} of words", raw.len(), words.body.len());
    assert_eq!(found.subject, parsed.subject.clone().unwrap_or_default());
    let short = snippet(&parsed.text);
    assert!(!short.contains('\n') && short.chars().all(|c| !is_hostile(c)), "{short:?}");
    assert!(short.chars().count() <= mailtui::mail::SNIPPET_CHARS + 1, "{short:?}");
    let _ = (looks_like_mail(raw), expunged(raw), stored(raw), canonical_hash(raw));
    let _ = message_key(&parsed, raw);
    for link in links(&parsed.text, &parsed.facts) {
        line_is_safe("a link", &link.text);
        line_is_safe("a target", &link.target);
    }
}

/// Nothing in it can reach a terminal as anything but text, and its places are places.
fn is_safe(parsed: &Parsed) {
    let bad = parsed.text.chars().find(|c| is_hostile(*c));
    assert_eq!(bad, None, "in the text");
    let all = [&parsed.from, &parsed.to, &parsed.cc, &parsed.bcc, &parsed.reply_to];
    for Address { name, address } in all.into_iter().flatten() {
        line_is_safe("a name", name.as_deref().unwrap_or_default());
        line_is_safe("an address", address);
    }
    for file in &parsed.attachments {
        line_is_safe("a file name", file.name.as_deref().unwrap_or_default());
        line_is_safe("a type", &file.media_type);
    }
    line_is_safe("the subject", parsed.subject.as_deref().unwrap_or_default());
    line_is_safe("the id", parsed.message_id.as_deref().unwrap_or_default());
    for text in parsed.references.iter().chain(&parsed.keywords).chain(&parsed.defects) {
        line_is_safe("a word", text);
    }
    for anchor in &parsed.facts.links {
        line_is_safe("what a link says", &anchor.text);
    }
    if let Some(auth) = &parsed.facts.auth {
        let results = [&auth.spf, &auth.dkim, &auth.dmarc, &auth.from];
        for text in results.into_iter().flatten().chain([&auth.by]) {
            line_is_safe("a result", text);
        }
    }
    let mut last = 0;
    for part in &parsed.facts.parts {
        assert!(parsed.text.is_char_boundary(part.at) && part.at >= last, "a part at {}", part.at);
        last = part.at;
    }
}

fn line_is_safe(what: &str, text: &str) {
    let bad = text.chars().find(|c| is_hostile(*c) || matches!(c, '\n' | '\t'));
    assert_eq!(bad, None, "in {what}: {text:?}");
}

/// All texts of a message together, in bytes.
fn size(parsed: &Parsed) -> usize {
    let mut all = String::new();
    let _ = write!(all, "{parsed:?}");
    all.len()
}

fn text(bytes: &[u8]) {
    let text = mailtui::safe_text::text(&String::from_utf8_lossy(bytes));
    assert_eq!(mailtui::safe_text::text(&text), text, "made safe twice");
    let mut last = 0;
    for (range, target) in find(&text) {
        assert!(text.get(range.clone()).is_some_and(|said| !said.is_empty()), "{range:?}");
        assert!(range.start >= last, "{range:?} overlaps");
        last = range.end;
        let _ = (warnings(&text[range], &target), host(&target), may_open(&target));
    }
    let _ = text.lines().filter_map(listed).count();
    let all = links(&text, &mailtui::mail::Facts::default());
    let made: usize = all.iter().map(|link| link.text.len() + link.target.len()).sum();
    assert!(made <= text.len() * LINK_TIMES, "{} bytes of text became {made}", text.len());
    for link in all {
        line_is_safe("a host", &host(&link.target).unwrap_or_default());
        // What may be opened has a host that is shown, and no sign that is none.
        assert!(!may_open(&link.target) || !link.target.chars().any(char::is_control), "{link:?}");
    }
}
