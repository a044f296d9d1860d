//! The MIME tree (RFC 2046): a message's body to texts and attachments.
//!
//! Invariant: total; depth and count of parts are bounded; every leaf with a file name or
//! `Content-Disposition: attachment`, and every message/rfc822, is listed. This file must not
//! choose between alternatives: `alternative` does.

use super::Attachment;
use super::base64::Use;
use super::charset;
use super::defect::{self, Defects};
use super::field::{self, Head, next_line};
use super::html;
use super::param::Structured;
use super::report::{self, is_report};
use super::transfer;
use super::word;

/// Parts inside parts that are followed; below, a part is a leaf.
const MAX_DEPTH: usize = 30;
/// Parts of one message that are read.
const MAX_PARTS: usize = 5_000;
/// The longest boundary, in bytes (RFC 2046 section 5.1.1 allows 70).
const MAX_BOUNDARY_BYTES: usize = 1_000;

/// Where in an HTML page its charset is looked for, in bytes (HTML standard section 4.2.5.4).
const MAX_META_BYTES: usize = 1_024;

/// What a text part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines as they are to be shown.
    Plain,
    /// Paragraphs with soft line ends (RFC 3676); `delete_space` is its `DelSp=yes`.
    Flowed {
        /// The space at a soft line end goes too.
        delete_space: bool,
    },
    /// HTML.
    Html,
}

/// A part that may be shown; the others are left out.
#[derive(Debug)]
pub(super) enum Node {
    /// A text part, decoded.
    Text(Kind, String),
    /// The parts of a multipart other than alternative.
    All(Vec<Node>),
    /// The parts of a multipart/alternative, plainest first.
    OneOf(Vec<Node>),
    /// A message inside the message, with the lines that say whose it is.
    Message(String, Box<Node>),
}

/// Gets each attachment in the order in which they are listed: what it is, in how many attached
/// messages it lies, its bytes.
pub(super) type Visit<'v> = dyn FnMut(&Attachment, usize, &[u8]) + 'v;

/// Walks a message's parts.
pub(super) struct Walker<'d> {
    pub(super) attachments: Vec<Attachment>,
    defects: &'d mut Defects,
    parts: usize,
    /// Who wants the bytes of what is attached, if anybody.
    visit: Option<&'d mut Visit<'d>>,
    /// Whether pictures that stand in the text are visited, which are no attachments.
    pictures: bool,
    /// Messages inside messages that are being walked.
    inside: usize,
    /// Texts of parts that are not shown, where they are wanted: for who looks for words.
    unshown: Option<Vec<String>>,
    /// Whether the tree has more than is shown: an attached message.
    more: bool,
}

/// What a part's surroundings say about it.
#[derive(Clone, Copy)]
struct Context {
    depth: usize,
    /// RFC 2046 section 5.1.5: parts of a digest are messages unless they say otherwise.
    in_digest: bool,
    in_alternative: bool,
    /// What is not shown of it is nothing to miss: another part says the same, it belongs to a
    /// page, or it is for a program.
    not_missed: bool,
}

impl Context {
    /// A message, at this depth.
    const fn message(depth: usize) -> Self {
        Self { depth, in_digest: false, in_alternative: false, not_missed: false }
    }
}

impl<'d> Walker<'d> {
    pub(super) fn new(defects: &'d mut Defects) -> Self {
        Self {
            attachments: Vec::new(),
            defects,
            parts: 0,
            visit: None,
            pictures: false,
            inside: 0,
            unshown: None,
            more: false,
        }
    }

    /// Whether the tree is also the one of who only wants what is shown.
    pub(super) const fn is_as_shown(&self) -> bool {
        !self.more
    }

    /// One that also reads what is text and is not shown.
    pub(super) fn reading_all(defects: &'d mut Defects) -> Self {
        Self { unshown: Some(Vec::new()), ..Self::new(defects) }
    }

    /// What was read and is not shown.
    pub(super) fn into_unshown(self) -> (Vec<Attachment>, Vec<String>) {
        (self.attachments, self.unshown.unwrap_or_default())
    }

    /// One that gives the bytes of what is attached away.
    pub(super) fn visiting(defects: &'d mut Defects, visit: &'d mut Visit<'d>) -> Self {
        Self { visit: Some(visit), ..Self::new(defects) }
    }

    /// Gives also the pictures that stand in the text to `visit`.
    pub(super) fn visiting_pictures(defects: &'d mut Defects, visit: &'d mut Visit<'d>) -> Self {
        Self { pictures: true, ..Self::visiting(defects, visit) }
    }

    /// Walks the whole message below `head`.
    pub(super) fn message(&mut self, head: &Head<'_>) -> Node {
        self.part(head, Context::message(0))
    }

    fn part(&mut self, head: &Head<'_>, context: Context) -> Node {
        self.parts += 1;
        let kind = head.first("Content-Type").map(Structured::parse).unwrap_or_default();
        let default = if context.in_digest { "message/rfc822" } else { "text/plain" };
        let media_type = if kind.value.contains('/') { kind.value.as_str() } else { default };
        if let Some(subtype) = media_type.strip_prefix("multipart/") {
            if let Some(node) = self.multipart(head, &kind, subtype, context) {
                return node;
            }
            self.defects.note(defect::BOUNDARY);
            return self.leaf(head, &kind, "text/plain", context);
        }
        if matches!(media_type, "message/rfc822" | "message/global" | "message/news") {
            return self.nested(head, &kind, media_type, context);
        }
        self.leaf(head, &kind, media_type, context)
    }

    /// The parts between the boundaries; `None` when none is found.
    fn multipart(
        &mut self,
        head: &Head<'_>,
        kind: &Structured,
        subtype: &str,
        context: Context,
    ) -> Option<Node> {
        let boundary = kind.text("boundary", self.defects)?;
        let boundary = kind.raw("boundary").unwrap_or(boundary.as_bytes());
        let boundary = boundary.trim_ascii_end();
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY_BYTES {
            return None;
        }
        let (bodies, closed) = split(head.body, boundary)?;
        if !closed {
            self.defects.note(defect::UNCLOSED);
        }
        if subtype == "encrypted" {
            self.defects.note(defect::ENCRYPTED);
        }
        let inner = Context {
            depth: context.depth + 1,
            in_digest: subtype == "digest",
            in_alternative: subtype == "alternative",
            not_missed: matches!(
                subtype,
                "alternative" | "related" | "report" | "signed" | "encrypted"
            ),
        };
        let mut nodes = Vec::with_capacity(bodies.len().min(16));
        for body in bodies {
            if self.parts >= MAX_PARTS || inner.depth > MAX_DEPTH {
                self.defects.note(defect::PARTS);
                break;
            }
            let head = field::part(body, self.defects);
            nodes.push(self.part(&head, inner));
        }
        Some(if inner.in_alternative { Node::OneOf(nodes) } else { Node::All(nodes) })
    }

    /// A message inside the message: listed, and its text is shown unless it says attachment.
    fn nested(
        &mut self,
        head: &Head<'_>,
        kind: &Structured,
        media_type: &str,
        context: Context,
    ) -> Node {
        let encoding = head.first("Content-Transfer-Encoding");
        let bytes = transfer::decode(encoding, head.body, Use::File, self.defects);
        let disposition = disposition(head);
        self.attach(kind, disposition.as_ref(), media_type, &bytes);
        if context.depth >= MAX_DEPTH || self.parts >= MAX_PARTS {
            self.defects.note(defect::PARTS);
            return Node::All(Vec::new());
        }
        let inner = field::message(&bytes, self.defects);
        self.inside += 1;
        let node = self.part(&inner, Context::message(context.depth + 1));
        self.inside -= 1;
        let attached = disposition.is_some_and(|value| value.value == "attachment");
        if attached && self.unshown.is_none() {
            return Node::All(Vec::new());
        }
        self.more |= attached;
        Node::Message(self.summary(&inner), Box::new(node))
    }

    fn leaf(
        &mut self,
        head: &Head<'_>,
        kind: &Structured,
        media_type: &str,
        context: Context,
    ) -> Node {
        let encoding = head.first("Content-Transfer-Encoding");
        let disposition = disposition(head);
        let attached = disposition.as_ref().is_some_and(|value| value.value == "attachment");
        let usage = match (is_text(media_type), attached) {
            (false, _) => Use::File,
            (true, true) => Use::TextFile,
            (true, false) => Use::Text,
        };
        let bytes = transfer::decode(encoding, head.body, usage, self.defects);
        let listed = attached || name(kind, disposition.as_ref(), self.defects).is_some();
        if listed {
            self.attach(kind, disposition.as_ref(), media_type, &bytes);
        } else if self.pictures && media_type.starts_with("image/") {
            let attachment = self.described(kind, disposition.as_ref(), media_type, &bytes);
            if let Some(visit) = &mut self.visit {
                visit(&attachment, self.inside, &bytes);
            }
        }
        let is_sealed =
            media_type.ends_with("/pkcs7-mime") || media_type.ends_with("/x-pkcs7-mime");
        if is_sealed {
            let signed =
                kind.raw("smime-type").is_some_and(|t| t.eq_ignore_ascii_case(b"signed-data"));
            self.defects.note(if signed { defect::OPAQUE } else { defect::ENCRYPTED });
        }
        let shown = !attached && is_shown(media_type, context);
        if !(shown || listed || is_sealed || context.not_missed || bytes.trim_ascii().is_empty()) {
            self.defects.note(defect::NOT_SHOWN);
        }
        if !shown && (self.unshown.is_none() || !is_text(media_type)) {
            return Node::All(Vec::new());
        }
        if is_report(media_type) {
            let mut aside = Defects::default();
            let text = report::text(&bytes, if shown { self.defects } else { &mut aside });
            return self.unless_unshown(shown, Kind::Plain, text);
        }
        let is_html = matches!(media_type, "text/html" | "application/xhtml+xml");
        let stated = kind.raw("charset").filter(|charset| !charset.is_empty());
        let charset = stated.or_else(|| meta_charset(&bytes).filter(|_| is_html));
        let mut aside = Defects::default();
        let text = charset::decode(charset, &bytes, if shown { self.defects } else { &mut aside });
        let is = |name: &str, wanted: &str| {
            kind.raw(name).is_some_and(|value| value.eq_ignore_ascii_case(wanted.as_bytes()))
        };
        let shape = if is_html {
            Kind::Html
        } else if is("format", "flowed") {
            Kind::Flowed { delete_space: is("delsp", "yes") }
        } else {
            Kind::Plain
        };
        self.unless_unshown(shown, shape, text)
    }

    /// A text; one that is not shown goes to who looks for words.
    fn unless_unshown(&mut self, shown: bool, kind: Kind, text: String) -> Node {
        if shown {
            return Node::Text(kind, text);
        }
        if let Some(unshown) = &mut self.unshown {
            unshown.push(if kind == Kind::Html { html::to_text(&text) } else { text });
        }
        Node::All(Vec::new())
    }

    fn attach(
        &mut self,
        kind: &Structured,
        disposition: Option<&Structured>,
        media_type: &str,
        bytes: &[u8],
    ) {
        let attachment = self.described(kind, disposition, media_type, bytes);
        if let Some(visit) = &mut self.visit {
            visit(&attachment, self.inside, bytes);
        }
        self.attachments.push(attachment);
    }

    fn described(
        &mut self,
        kind: &Structured,
        disposition: Option<&Structured>,
        media_type: &str,
        bytes: &[u8],
    ) -> Attachment {
        let name = name(kind, disposition, self.defects);
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Attachment { name, media_type: self.defects.line(media_type), size }
    }

    /// The lines that say whose a message inside the message is.
    fn summary(&mut self, head: &Head<'_>) -> String {
        let mut out = String::new();
        for field in ["From", "Date", "Subject"] {
            if let Some(value) = head.first(field) {
                let decoded = word::decode(value, self.defects);
                let line = self.defects.line(&decoded);
                out.extend([field, ": ", line.as_str(), "\n"]);
            }
        }
        out
    }
}

fn disposition(head: &Head<'_>) -> Option<Structured> {
    head.first("Content-Disposition").map(Structured::parse)
}

/// The file name: that of Content-Disposition, else of Content-Type; empty ones count as absent.
fn name(
    kind: &Structured,
    disposition: Option<&Structured>,
    defects: &mut Defects,
) -> Option<String> {
    let stated = disposition.and_then(|value| value.text("filename", defects));
    let stated = stated.filter(|name| !name.trim().is_empty());
    let name = stated.or_else(|| kind.text("name", defects))?;
    let name = defects.line(&name);
    (!name.is_empty()).then_some(name)
}

/// The charset that an HTML page states of itself, where the mail does not.
fn meta_charset(page: &[u8]) -> Option<&[u8]> {
    let start = &page[..page.len().min(MAX_META_BYTES)];
    let at = start.windows(8).position(|window| window.eq_ignore_ascii_case(b"charset="))?;
    let value = start[at + 8..].trim_ascii_start();
    let value = value.strip_prefix(b"\"").or(value.strip_prefix(b"'")).unwrap_or(value);
    let is_label = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.');
    let end = value.iter().position(|b| !is_label(b)).unwrap_or(value.len());
    Some(&value[..end])
}

/// What has words that somebody may look for, shown or not.
fn is_text(media_type: &str) -> bool {
    let programs = matches!(media_type, "text/css" | "text/javascript" | "text/rtf");
    let others = matches!(media_type, "application/xhtml+xml" | "application/json");
    (media_type.starts_with("text/") && !programs) || others || is_report(media_type)
}

/// Text that is meant to be read, not to be used by a program.
fn is_shown(media_type: &str, context: Context) -> bool {
    match media_type {
        "text/plain" | "text/html" | "application/xhtml+xml" => true,
        "text/calendar"
        | "text/vcard"
        | "text/x-vcard"
        | "text/directory"
        | "text/css"
        | "text/rtf"
        | "text/richtext"
        | "text/javascript"
        | "text/x-amp-html"
        | "text/rfc822-headers" => false,
        _ => {
            let readable = media_type.starts_with("text/") || is_report(media_type);
            readable && !context.in_alternative
        }
    }
}

/// The bodies between the lines `--boundary`, and whether the closing line was found. A closing
/// line counts as one only when no other delimiter follows it: some senders use one boundary for
/// a multipart and for the multipart inside it, and then more parts follow.
fn split<'a>(body: &'a [u8], boundary: &[u8]) -> Option<(Vec<&'a [u8]>, bool)> {
    let mut out = Vec::new();
    let (mut start, mut closed, mut found) = (None, false, false);
    let mut at = 0;
    while at < body.len() {
        let (line, after) = next_line(&body[at..]);
        let next = body.len() - after.len();
        if let Some(closing) = delimiter(line, boundary) {
            if let Some(start) = start {
                out.push(&body[start..before_line_end(body, start, at)]);
                if out.len() > MAX_PARTS {
                    return Some((out, true));
                }
            }
            found = true;
            closed = closing;
            start = (!closing).then_some(next);
        }
        at = next;
    }
    if let Some(start) = start {
        out.push(&body[start..]);
    }
    found.then_some((out, closed))
}

/// The line end before a delimiter belongs to the delimiter.
fn before_line_end(body: &[u8], start: usize, delimiter: usize) -> usize {
    let part = &body[start..delimiter];
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    start + part.strip_suffix(b"\r").unwrap_or(part).len()
}

/// Whether the line is `--boundary` (`false`) or `--boundary--` (`true`), white space may follow.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?.trim_ascii_end();
    match rest {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}
