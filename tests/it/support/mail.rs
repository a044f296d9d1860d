//! Small messages of our own, and the files they lie in.
//!
//! Invariant: everything follows from the arguments; no clock, no randomness. Addresses are in
//! `example.org` (RFC 2606), so that no message can belong to anybody.

use std::fmt::Write as _;
use std::path::Path;

/// 2024-05-06T09:00:00Z, a Monday: minute 0 of all messages here.
const MINUTE_0: i64 = 1_714_986_000;

/// A message in the making.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// A message with the id `<ID@example.org>`, the subject `ID` and one line of text.
pub(crate) fn mail(id: &str) -> Mail {
    let new = Mail { headers: Vec::new(), body: format!("This is {id}.\n").into_bytes() };
    new.set("From", "Ada Moser <ada@example.org>")
        .set("To", "Ben Okafor <ben@example.org>")
        .set("Subject", id)
        .at(0)
        .set("Message-ID", &format!("<{id}@example.org>"))
}

impl Mail {
    /// Puts a header field in place of those with this name.
    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        self.set_bytes(name, value.as_bytes())
    }

    /// As [`Mail::set`], with bytes that need not be UTF-8.
    pub(crate) fn set_bytes(mut self, name: &str, value: &[u8]) -> Self {
        match self.headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value.to_vec(),
            None => self.headers.push((name.to_owned(), value.to_vec())),
        }
        self
    }

    /// Gives it a subject.
    pub(crate) fn subject(self, subject: &str) -> Self {
        self.set("Subject", subject)
    }

    /// Takes a header field off.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }

    /// Dates it so many minutes after [`MINUTE_0`].
    pub(crate) fn at(self, minute: i64) -> Self {
        let date = rfc2822(MINUTE_0 + minute * 60);
        self.set("Date", &date)
    }

    /// Makes it a reply to the message with `id` of ours, in a thread that began with `root`.
    pub(crate) fn reply_to(self, root: &str, id: &str) -> Self {
        let references = if root == id {
            format!("<{id}@example.org>")
        } else {
            format!("<{root}@example.org> <{id}@example.org>")
        };
        self.set("In-Reply-To", &format!("<{id}@example.org>")).set("References", &references)
    }

    /// The text.
    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// A multipart of the given parts: header lines and content of each.
    pub(crate) fn parts(self, parts: &[(&str, &[u8])]) -> Self {
        const BOUNDARY: &str = "=_own-boundary_=";
        let mut body = Vec::new();
        for (headers, content) in parts {
            body.extend_from_slice(format!("--{BOUNDARY}\n{headers}\n\n").as_bytes());
            body.extend_from_slice(content);
            body.push(b'\n');
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\n").as_bytes());
        self.set("MIME-Version", "1.0")
            .set("Content-Type", &format!("multipart/mixed; boundary=\"{BOUNDARY}\""))
            .body(body)
    }

    /// The message as it lies in a file, with LF line ends.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in &self.headers {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.push(b'\n');
        }
        out.push(b'\n');
        out.extend_from_slice(&self.body);
        out
    }

    /// Writes it as a file, making the folders above.
    pub(crate) fn write(&self, path: &Path) {
        write(path, &self.bytes());
    }
}

/// `count` threads of one message, `NAME-000` and on, each a minute after the one before.
pub(crate) fn many(name: &str, count: i64) -> Vec<Mail> {
    (0..count).map(|n| mail(&format!("{name}-{n:03}")).at(n)).collect()
}

/// Writes bytes as a file, making the folders above.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).expect("a folder for test mail");
    }
    std::fs::write(path, bytes).expect("a file of test mail");
}

/// Writes messages into `cur` of a Maildir folder with these flags (letters after `:2,`).
pub(crate) fn write_maildir(folder: &Path, flags: &str, mails: &[Mail]) {
    for sub in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(folder.join(sub)).expect("a Maildir");
    }
    for (n, mail) in mails.iter().enumerate() {
        mail.write(&folder.join(format!("cur/{MINUTE_0}.M{n}.own:2,{flags}")));
    }
}

/// Messages as an mboxrd: `From ` lines, and `>` before lines that look like one.
pub(crate) fn mbox(mails: &[Mail]) -> Vec<u8> {
    let mut out = Vec::new();
    for mail in mails {
        out.extend_from_slice(b"From ada@example.org Mon May  6 09:00:00 2024\n");
        for line in mail.bytes().split_inclusive(|&b| b == b'\n') {
            let unquoted = line.iter().position(|&b| b != b'>').map_or(&b""[..], |at| &line[at..]);
            if unquoted.starts_with(b"From ") {
                out.push(b'>');
            }
            out.extend_from_slice(line);
        }
        out.push(b'\n');
    }
    out
}

/// LF line ends as CRLF.
pub(crate) fn crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        if byte == b'\n' {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}

/// Bytes as base 64, in one line.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// UTF-8 text as RFC 2047 encoded words, each short enough.
pub(crate) fn encoded_words(text: &str) -> String {
    let mut out = String::new();
    for piece in text.chars().collect::<Vec<_>>().chunks(8) {
        let piece: String = piece.iter().collect();
        let space = if out.is_empty() { "" } else { " " };
        let _ = write!(out, "{space}=?utf-8?B?{}?=", base64(piece.as_bytes()));
    }
    out
}

fn rfc2822(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).expect("a time of our own");
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
