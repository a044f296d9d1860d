//! What the inputs are made of: mail of our own, and of others where it is there.
//!
//! Invariant: the same files give the same seeds, in the same order; nothing of others is kept.

use crate::support::corpora::files;
use crate::support::mail::{base64, mail};

/// Seeds that are taken of the mail of others.
const MOST: usize = 400;
/// The longest of them, in bytes.
const MAX_BYTES: u64 = 16 * 1024;

/// A page with something of everything that is read in one.
pub(super) const PAGE: &str = "<!DOCTYPE html><html><head><style>.h, p.x > b { display:none } \
    @media screen and (max-width: 9px) { i { color: #fff; background: url(http://a.example) } }\
    </style><title>t</title></head><body bgcolor=\"#ffffff\"><!-- c --><p class=x>One &amp; \
    <b>two</b> &#x263A; &nbsp;<a href=\"https://example.org/?a=1&b=2\" title='q'>a link</a></p>\
    <table width=1><tr><th>k<td colspan=2>v<tr><td><ul><li>x<ol start=7><li>y</ol></ul></table>\
    <blockquote type=cite>quoted<br>line<pre>  pre\n\ttab</pre></blockquote><img src=cid:1@x \
    alt=\"a picture\" width=1 height=1><div style=\"display:none;font-size:0px\">hidden</div>\
    <script>if (a < b) { x('</b>') }</script><hr><font color=white>w</font><h1>end</h1></body>";

/// Messages of our own, of every shape that the reader knows.
pub(super) fn messages() -> Vec<Vec<u8>> {
    let inner = mail("inner").body("deep\n").bytes();
    let html = format!("{PAGE}\n");
    vec![
        mail("plain").body("Hello https://example.org/a?b=c and <mailto:a@b.example>.\n").bytes(),
        mail("words")
            .set("Subject", "=?utf-8?B?R3LDvMOfZQ==?= =?iso-8859-1?Q?_=E9?= =?x?q?y?=")
            .set("From", "\"O'Neil, \\\"A\\\"\" (c (d)) <a.b+c@x.example>, g: x@y.example, z;")
            .set("References", "<1@x.example> <2@x.example>\n <3@x.example>")
            .set("Received", "from a by b; Tue, 2 Jan 2024 03:04:05 +0100 (CET)")
            .set("Authentication-Results", "mx.example; dkim=pass header.d=x.example; spf=fail")
            .bytes(),
        mail("page").set("Content-Type", "text/html; charset=utf-8").body(&html).bytes(),
        mail("parts")
            .parts(&[
                ("Content-Type: text/plain; charset=windows-1252; format=flowed", b"a \xe9\n> q"),
                ("Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable", b"<p>=C3"),
                (
                    "Content-Type: image/png; name*0*=utf-8''a%20; name*1=b.png\n\
                     Content-Disposition: attachment\nContent-Transfer-Encoding: base64",
                    base64(b"\x89PNG\r\n\x1a\n and more of it").as_bytes(),
                ),
                ("Content-Type: message/rfc822", &inner),
                ("Content-Type: message/delivery-status", b"Reporting-MTA: dns; x\n\nAction: f"),
                ("Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode", b"begin 644 a"),
            ])
            .bytes(),
        mail("odd")
            .set("Content-Type", "text/plain; charset=\"utf-7\"; x=\"a\\\"b\"; boundary*=''%00")
            .set("Date", "Mon, 06 May 24 09:00 EDT")
            .set("X-Mozilla-Status", "8003")
            .set("X-Keywords", "a,b \"c d\" =?utf-8?q?=C3=A9?=")
            .body("+AGE- +//// ~{ \x1b$B$\"\x1b(B\n")
            .bytes(),
        Vec::new(),
    ]
}

/// Those, and messages of others where they are there.
pub(super) fn all_messages() -> Vec<Vec<u8>> {
    let mut all = messages();
    // Without a line that says `skipped`: what is played does not depend on it.
    let Some(root) = std::env::var_os("MAILTUI_CORPORA").map(std::path::PathBuf::from) else {
        return all;
    };
    if !root.is_dir() {
        return all;
    }
    let fits = |path: &std::path::PathBuf| {
        let small = path.metadata().is_ok_and(|meta| meta.len() <= MAX_BYTES);
        small
            && !path.starts_with(root.join("oracle"))
            && path.extension().is_none_or(|e| e != "md")
    };
    let found: Vec<_> = files(&root).into_iter().filter(fits).collect();
    let step = found.len().div_ceil(MOST).max(1);
    all.extend(found.iter().step_by(step).filter_map(|path| std::fs::read(path).ok()));
    all
}
