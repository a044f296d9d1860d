//! Inputs of any size that would cost most where somebody reads twice what can be read once.
//!
//! Invariant: pure; a shape of twice the size has twice as much of the same.

/// What reads a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// A message: its parts, its text, its words.
    Message,
    /// The text of a page.
    Page,
    /// The value of every field that is read.
    Field,
    /// A text with links, and its snippet.
    Text,
    /// A query, and what it finds in itself. It is bounded, so its shapes are smaller.
    Query,
    /// A frame.
    Frame,
    /// Addresses that are typed.
    Typed,
}

/// What stands before and behind what is repeated; `#` in it is the number of the repeat.
pub(super) struct Shape(pub(super) Read, pub(super) [&'static str; 3]);

const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n\n--b\n";

/// The shapes.
pub(super) const SHAPES: &[Shape] = &[
    Shape(Read::Message, ["", "Content-Type: multipart/mixed; boundary=b#\n\n--b#\n", "x"]),
    Shape(Read::Message, ["", "Content-Type: message/rfc822\n\n", "x"]),
    Shape(Read::Message, [MIXED, "\nx\n--b\n", ""]),
    Shape(Read::Message, [MIXED, "\n--bb", ""]),
    Shape(Read::Message, [MIXED, "\n--b-", ""]),
    Shape(Read::Message, [MIXED, "\n--", ""]),
    Shape(Read::Message, [MIXED, "Content-Type: message/rfc822\n\n", ""]),
    Shape(Read::Message, [MIXED, "Content-Disposition: attachment; filename=a#\n\nx\n--b\n", ""]),
    Shape(Read::Message, ["", "X-#: y\n", "\nx"]),
    Shape(Read::Message, ["", "To: a#@x.example\n", "\nx"]),
    Shape(Read::Message, ["Subject: x", "\n y", "\n\nx"]),
    Shape(Read::Message, ["X: y\n\n", "word ", "\n"]),
    Shape(Read::Message, ["X: y\n\n", "\n", ""]),
    Shape(Read::Message, ["X: y\n\n", "> > > a\n", ""]),
    Shape(Read::Message, ["X: y\n\n", "begin 644 x\n", ""]),
    Shape(Read::Message, ["Content-Type: text/plain; format=flowed\n\n", "> a \n", ""]),
    Shape(Read::Message, ["Content-Transfer-Encoding: base64\n\n", "QQ==\n", ""]),
    Shape(Read::Message, ["Content-Transfer-Encoding: quoted-printable\n\n", "= \n=4", ""]),
    Shape(Read::Message, ["Content-Type: text/plain; charset=utf-7\n\n", "+AGE", ""]),
    Shape(Read::Message, ["Content-Type: text/plain; charset=iso-2022-jp\n\n", "\u{1b}$B", ""]),
    Shape(Read::Page, ["", "<div>", "x"]),
    Shape(Read::Page, ["", "<div>x</b>", "x"]),
    Shape(Read::Page, ["", "<b><p><i></b>", "x"]),
    Shape(Read::Page, ["", "<blockquote>x", ""]),
    Shape(Read::Page, ["", "<ul><li>x", ""]),
    Shape(Read::Page, ["", "<table><tr><td>x", ""]),
    Shape(Read::Page, ["<table>", "<tr><td>x<td>y", ""]),
    Shape(Read::Page, ["", "<a href=http://x.example/#>y</a>", ""]),
    Shape(Read::Page, ["", "<a href=", ""]),
    Shape(Read::Page, ["", "<a b='", ""]),
    Shape(Read::Page, ["<a ", "b# ", ">x"]),
    Shape(Read::Page, ["", "<!--", ""]),
    Shape(Read::Page, ["", "<!-- x --", ""]),
    Shape(Read::Page, ["", "<script>", ""]),
    Shape(Read::Page, ["", "<style>", ""]),
    Shape(Read::Page, ["<style>", ".a# { display: none } ", "</style><p class=a1>x"]),
    Shape(Read::Page, ["<style>", "@media x {", ""]),
    Shape(Read::Page, ["<style>", "/*", ""]),
    Shape(Read::Page, ["", "<style>.a#{display:none}</style><p class=a#>x</p>", ""]),
    Shape(Read::Page, ["", "<p style='display:none'>x", ""]),
    Shape(Read::Page, ["", "<![CDATA[", ""]),
    Shape(Read::Page, ["", "&", ""]),
    Shape(Read::Page, ["", "&amp", ""]),
    Shape(Read::Page, ["", "&#x41;", ""]),
    Shape(Read::Page, ["<pre>", "\t\n", ""]),
    Shape(Read::Page, ["", "<img src=http://x.example/# alt=y>", ""]),
    Shape(Read::Field, ["", "a# <a#@x.example>, ", ""]),
    Shape(Read::Field, ["", "(", ""]),
    Shape(Read::Field, ["", "\"", ""]),
    Shape(Read::Field, ["", "\"x", ""]),
    Shape(Read::Field, ["", "<", ""]),
    Shape(Read::Field, ["", "<a@b> ", ""]),
    Shape(Read::Field, ["", "g: ", ""]),
    Shape(Read::Field, ["", "@", ""]),
    Shape(Read::Field, ["", "\\", ""]),
    Shape(Read::Field, ["", "=?utf-8?q?a?= ", ""]),
    Shape(Read::Field, ["", "=?utf-8?q?", ""]),
    Shape(Read::Field, ["", "=?", ""]),
    Shape(Read::Field, ["", "?=", ""]),
    Shape(Read::Field, ["text/plain", "; name*#*=a", ""]),
    Shape(Read::Field, ["text/plain", ";", ""]),
    Shape(Read::Field, ["x; ", "dkim=pass (", ""]),
    Shape(Read::Field, ["", "1 Jan ", ""]),
    Shape(Read::Text, ["", "http://x.example/# ", ""]),
    Shape(Read::Text, ["", "http://", ""]),
    Shape(Read::Text, ["http://x.example/", "(", ""]),
    Shape(Read::Text, ["http://x.example/", ")", ""]),
    Shape(Read::Text, ["", "[#] http://x.example/#\n", ""]),
    Shape(Read::Text, ["", "www.", ""]),
    Shape(Read::Text, ["", "\u{e9}:", ""]),
    Shape(Read::Text, ["", "word ", ""]),
    Shape(Read::Text, ["", "e\u{301}", ""]),
    Shape(Read::Query, ["", "a# ", ""]),
    Shape(Read::Query, ["", "(", ""]),
    Shape(Read::Query, ["", "\"", ""]),
    Shape(Read::Query, ["", "-", ""]),
    Shape(Read::Query, ["", "a OR ", ""]),
    Shape(Read::Query, ["", "from:", ""]),
    Shape(Read::Query, ["", "{a ", ""]),
    Shape(Read::Query, ["", "a AROUND 3 ", "b"]),
    Shape(Read::Query, ["", "a ", ""]),
    Shape(Read::Query, ["", "beginning#* ", ""]),
    Shape(Read::Frame, ["{\"Page\":{\"events\":", "[", ""]),
    Shape(
        Read::Frame,
        ["{\"Push\":{\"stores\":[", "{\"store\":\"mailbox-root\",\"events\":[]},", "{}]}}"],
    ),
    Shape(
        Read::Frame,
        ["{\"Error\":{\"code\":\"", "\\u0041", "\",\"message\":\"\",\"retry\":true}}"],
    ),
    Shape(Read::Frame, ["{\"Ping\":{", "\"x#\":1,", "\"n\":1}}"]),
    Shape(Read::Typed, ["", "a# <a#@x.example>, ", ""]),
    Shape(Read::Typed, ["", "(", ""]),
    Shape(Read::Typed, ["", "\"x", ""]),
    Shape(Read::Typed, ["", "<\"", ""]),
    Shape(Read::Typed, ["x@", ":", ";"]),
    Shape(Read::Typed, ["", "g: a@x.example;", ""]),
];

impl Shape {
    /// As many repeats as make about `bytes`.
    pub(super) fn of(&self, bytes: usize) -> Vec<u8> {
        let [head, piece, tail] = self.1;
        let bytes = if self.0 == Read::Query { bytes / 64 } else { bytes };
        let mut out = head.as_bytes().to_vec();
        let (parts, mut n) = (piece.split('#').collect::<Vec<_>>(), 0);
        while out.len() + tail.len() < bytes {
            n += 1;
            let n = n.to_string();
            out.extend_from_slice(parts.join(&n).as_bytes());
        }
        out.extend_from_slice(tail.as_bytes());
        out
    }
}
