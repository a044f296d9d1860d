//! A draft to the bytes that are sent (RFC 5322, RFC 2045 to 2049, RFC 6532).
//!
//! Invariant: the bytes end every line with CRLF, no line is over 998 octets, Bcc is nowhere in
//! them, and equal input gives equal bytes. This file must not open anything: attachments come in
//! as bytes.
//!
//! Written by ourselves: mail-builder puts attached messages into base 64, which RFC 2046 section
//! 5.2.1 forbids, splits characters between encoded words, writes file names as encoded words
//! instead of by RFC 2231, and has no format=flowed.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::super::Address;
use super::header::{FieldWriter, MAX_WORD_BYTES};
use super::transfer::{self, MAX_LINE};
use super::{Attached, BuildError, Draft, Recipients, domain, flowed};
use crate::id::{BlobHash, base32};
use crate::limits::MAX_MESSAGE_BYTES;
use crate::safe_text::MAX_FILE_NAME_BYTES;

/// Ancestors that are written; the first and the nearest stay (RFC 5322 section 3.6.4 has no bound,
/// servers have).
pub(super) const MAX_REFERENCES: usize = 30;
/// Characters of the boundary that come from the seed: 16 bytes in base 32.
const BOUNDARY_CHARS: usize = 26;
/// The type of what has none, or one that cannot be sent as it is.
const OCTETS: &str = "application/octet-stream";

/// Where the bytes of attachments are.
pub trait Blobs {
    /// The bytes of a blob; `None` when it is not there.
    fn bytes(&self, hash: &BlobHash) -> Option<Cow<'_, [u8]>>;
}

impl<S: std::hash::BuildHasher> Blobs for HashMap<BlobHash, Vec<u8>, S> {
    fn bytes(&self, hash: &BlobHash) -> Option<Cow<'_, [u8]>> {
        self.get(hash).map(|bytes| Cow::Borrowed(bytes.as_slice()))
    }
}

/// What a message is stamped with when it is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// When it was written, in Unix seconds.
    pub date: i64,
    /// Seconds east of Greenwich where it was written.
    pub utc_offset: i32,
    /// What the boundary between parts is made of; drawn anew for each message.
    pub boundary_seed: [u8; 16],
    /// The server takes no 8-bit data (RFC 6152): an attached message that has some goes as a file.
    pub seven_bit: bool,
}

/// A message that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The message.
    pub bytes: Vec<u8>,
    /// The reverse-path.
    pub envelope_from: String,
    /// To, Cc and Bcc, each address once, in order.
    pub envelope_to: Vec<String>,
    /// An address needs SMTPUTF8 (RFC 6531).
    pub needs_smtputf8: bool,
    /// The bytes need 8BITMIME (RFC 6152).
    pub needs_8bit: bool,
}

/// Builds the message.
///
/// # Errors
/// When the draft cannot be sent as it is.
pub fn build(draft: &Draft, blobs: &dyn Blobs, stamp: &Stamp) -> Result<Built, BuildError> {
    let people = draft.recipients();
    if !people.errors.is_empty() {
        return Err(BuildError::Addresses(people.errors));
    }
    let sender = people.from.first().ok_or(BuildError::NoSender)?;
    if people.all().next().is_none() {
        return Err(BuildError::NoRecipients);
    }
    let parts = parts(draft, blobs, stamp)?;
    let needs_smtputf8 =
        people.from.iter().chain(&people.reply_to).chain(people.all()).any(needs_utf8);
    // Who is only in Bcc must leave no trace in the header, not even by its encoding.
    let header_utf8 = people.from.iter().chain(&people.to).chain(&people.cc);
    let header_utf8 = header_utf8.chain(&people.reply_to).any(needs_utf8);
    let mut bytes = Vec::new();
    write_people(&people, header_utf8, &mut bytes);
    write_header(draft, stamp, &mut bytes)?;
    write_parts(&parts, &stamp.boundary_seed, &mut bytes);
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(BuildError::TooLarge { size: bytes.len(), most: MAX_MESSAGE_BYTES });
    }
    let mut seen = HashSet::new();
    let to = people.all().filter(|to| seen.insert(domain::address_key(&to.address)));
    Ok(Built {
        envelope_from: domain::wire(&sender.address),
        envelope_to: to.map(|to| domain::wire(&to.address)).collect(),
        needs_smtputf8,
        needs_8bit: !bytes.is_ascii(),
        bytes,
    })
}

/// Only a local part makes a message one for SMTPUTF8: a domain has another name in ASCII.
fn needs_utf8(address: &Address) -> bool {
    !domain::wire(&address.address).is_ascii()
}

fn write_people(people: &Recipients, utf8: bool, out: &mut Vec<u8>) {
    let fields = [
        ("From", &people.from),
        ("To", &people.to),
        ("Cc", &people.cc),
        ("Reply-To", &people.reply_to),
    ];
    for (name, addresses) in fields {
        if !addresses.is_empty() {
            let mut field = FieldWriter::new(out, name);
            field.addresses(addresses, utf8);
            field.end();
        } else if name == "To" && people.cc.is_empty() {
            // RFC 5322 section 3.4: a group without members says that there are some.
            let mut field = FieldWriter::new(out, name);
            field.word("undisclosed-recipients:;");
            field.end();
        }
    }
}

fn write_header(draft: &Draft, stamp: &Stamp, out: &mut Vec<u8>) -> Result<(), BuildError> {
    if !is_msg_id(&stamp.message_id) {
        return Err(BuildError::Stamp);
    }
    let mut text = |name: &str, value: &str| {
        let mut field = FieldWriter::new(out, name);
        field.text(value);
        field.end();
    };
    text("Subject", &draft.subject);
    text("Date", &date(stamp.date, stamp.utc_offset).ok_or(BuildError::Stamp)?);
    let ids = |name: &str, ids: &[&str], out: &mut Vec<u8>| {
        if !ids.is_empty() {
            let mut field = FieldWriter::new(out, name);
            for id in ids {
                field.word(&format!("<{id}>"));
            }
            field.end();
        }
    };
    ids("Message-ID", &[&stamp.message_id], out);
    let answered = draft.in_reply_to.as_deref().filter(|id| is_msg_id(id));
    ids("In-Reply-To", &answered.into_iter().collect::<Vec<_>>(), out);
    let chain = draft.references.iter().map(String::as_str).filter(|id| is_msg_id(id));
    ids("References", &bounded(chain.collect()), out);
    out.extend_from_slice(b"MIME-Version: 1.0\r\n");
    Ok(())
}

/// The first ancestor and the nearest ones.
pub(super) fn bounded<T>(mut chain: Vec<T>) -> Vec<T> {
    if chain.len() > MAX_REFERENCES {
        chain.drain(1..chain.len() - (MAX_REFERENCES - 1));
    }
    chain
}

/// Whether an id can be written between angle brackets (RFC 5322 section 3.6.4).
pub(super) fn is_msg_id(id: &str) -> bool {
    let printable = id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>'));
    let parts =
        id.split_once('@').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
    printable && parts && id.len() <= MAX_WORD_BYTES
}

/// `Mon, 23 Nov 2026 10:14:05 +0100` (RFC 5322 section 3.3).
fn date(seconds: i64, utc_offset: i32) -> Option<String> {
    // Offsets are written in minutes.
    let offset = jiff::tz::Offset::from_seconds(utc_offset / 60 * 60).ok()?;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    let local = time.to_zoned(jiff::tz::TimeZone::fixed(offset));
    let year = local.year();
    (1900..=9999).contains(&year).then(|| local.strftime("%a, %d %b %Y %H:%M:%S %z").to_string())
}

/// A part: its header fields and its body.
struct Part {
    header: Vec<u8>,
    body: Vec<u8>,
}

fn parts(draft: &Draft, blobs: &dyn Blobs, stamp: &Stamp) -> Result<Vec<Part>, BuildError> {
    let mut out = vec![text_part(&draft.body)];
    for attached in &draft.attachments {
        let here = blobs.bytes(&attached.hash);
        let bytes = here.filter(|bytes| u64::try_from(bytes.len()) == Ok(attached.size));
        let Some(bytes) = bytes else {
            return Err(BuildError::Attachment { name: crate::safe_text::line(&attached.name) });
        };
        out.push(attachment_part(attached, &bytes, stamp.seven_bit));
    }
    Ok(out)
}

fn text_part(body: &str) -> Part {
    let encoded = transfer::text(&flowed::encode(body));
    let mut header = Vec::new();
    let mut field = FieldWriter::new(&mut header, "Content-Type");
    field.word("text/plain");
    field.param("charset", "utf-8");
    field.param("format", "flowed");
    field.param("delsp", "no");
    field.end();
    write_encoding(encoded.name, &mut header);
    Part { header, body: encoded.bytes }
}

fn attachment_part(attached: &Attached, bytes: &[u8], seven_bit: bool) -> Part {
    let stated = media_type(&attached.media_type);
    let message = (stated == "message/rfc822").then(|| message_lines(bytes, seven_bit)).flatten();
    let (kind, encoding, body) = match message {
        Some(lines) if lines.is_ascii() => (stated, "7bit", lines),
        Some(lines) => (stated, "8bit", lines),
        None if stated.starts_with("message/") => (OCTETS.to_owned(), "base64", Vec::new()),
        None => (stated, "base64", Vec::new()),
    };
    let body = if encoding == "base64" { transfer::base64(bytes) } else { body };
    let mut header = Vec::new();
    let mut field = FieldWriter::new(&mut header, "Content-Type");
    field.word(&kind);
    if kind.starts_with("text/") && std::str::from_utf8(bytes).is_ok() {
        field.param("charset", "utf-8");
    }
    field.end();
    write_encoding(encoding, &mut header);
    let mut field = FieldWriter::new(&mut header, "Content-Disposition");
    field.word("attachment");
    let name = sent_name(&attached.name);
    if !name.is_empty() {
        field.param("filename", &name);
    }
    field.end();
    Part { header, body }
}

/// The file name that is sent: never a path.
fn sent_name(name: &str) -> String {
    let name = super::line::one_line(name).replace(['/', '\\'], "_");
    if name.len() <= MAX_FILE_NAME_BYTES {
        return name;
    }
    // Cut with its extension kept.
    crate::safe_text::file_name(&name)
}

/// A media type that can stand in a header; a multipart has no meaning as a file.
fn media_type(stated: &str) -> String {
    let token = |part: &str| {
        let inside = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        (1..=100).contains(&part.len()) && part.bytes().all(inside)
    };
    match stated.split_once('/') {
        Some((kind, subtype)) if token(kind) && token(subtype) => {
            let stated = stated.to_ascii_lowercase();
            if stated.starts_with("multipart/") { OCTETS.to_owned() } else { stated }
        }
        _ => OCTETS.to_owned(),
    }
}

/// An attached message with CRLF line ends; `None` when it cannot go as it is, since RFC 2046
/// section 5.2.1 allows no other encoding: then it goes as a file.
fn message_lines(bytes: &[u8], seven_bit: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let ended = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for line in ended.split(|&b| b == b'\n') {
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        if out.ends_with(b"\r") {
            return None;
        }
        out.extend_from_slice(b"\r\n");
    }
    let bare = out.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n');
    let fits = !bare && !out.contains(&0) && transfer::longest_line(&out) <= MAX_LINE;
    (fits && (out.is_ascii() || !seven_bit)).then_some(out)
}

fn write_encoding(name: &str, out: &mut Vec<u8>) {
    let mut field = FieldWriter::new(out, "Content-Transfer-Encoding");
    field.word(name);
    field.end();
}

fn write_parts(parts: &[Part], seed: &[u8; 16], out: &mut Vec<u8>) {
    if let [only] = parts {
        out.extend_from_slice(&only.header);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&only.body);
        return;
    }
    let boundary = boundary(parts, seed);
    let mut field = FieldWriter::new(out, "Content-Type");
    field.word("multipart/mixed");
    field.param("boundary", &boundary);
    field.end();
    for part in parts {
        out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
        out.extend_from_slice(&part.header);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&part.body);
    }
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
}

/// A boundary that no line of a part begins with.
fn boundary(parts: &[Part], seed: &[u8; 16]) -> String {
    let base = base32(seed, BOUNDARY_CHARS);
    let mut number = 0_u32;
    loop {
        // `=_` is in no quoted-printable or base 64 (RFC 2045 section 6.7).
        let boundary = format!("=_{base}.{number}");
        let line = format!("--{boundary}");
        let taken =
            |part: &Part| part.body.split(|&b| b == b'\n').any(|l| l.starts_with(line.as_bytes()));
        if number == u32::MAX || !parts.iter().any(taken) {
            return boundary;
        }
        number += 1;
    }
}
