//! Header fields as bytes: folding, encoded words, parameters (RFC 5322 section 2.2.3, RFC 2047,
//! RFC 2231).
//!
//! Invariant: one call writes one field: no value ends it or begins another. Lines are at most 78
//! octets unless a single word is longer, and that is at most [`MAX_WORD_BYTES`]; a character is
//! never split between encoded words. This file must not know which fields a message has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::Address;
use super::domain;
use super::line::one_line;
use super::typed::quoted_if_needed;

/// The longest line that is written where it can be folded, in octets (RFC 5322 section 2.1.1).
const LINE: usize = 78;
/// The longest line with an encoded word in it (RFC 2047 section 2).
const ENCODED_LINE: usize = 76;
/// The longest encoded word (RFC 2047 section 2).
const ENCODED_WORD: usize = 75;
/// What an encoded word takes beside its data: `=?utf-8?q?` and `?=`.
const ENCODED_FRAME: usize = 12;
/// Below this room the next encoded word goes to a new line.
const LEAST_ROOM: usize = ENCODED_FRAME + 12;
/// The longest word that is written as it stands, in octets: with a field's name before it, it
/// stays below the 998 of RFC 5322 section 2.1.1.
pub(super) const MAX_WORD_BYTES: usize = 900;
/// The longest name that stands in quotes; a longer one is encoded, so that it can be folded.
const MAX_QUOTED_BYTES: usize = 60;
/// The longest plain parameter; a longer one is written in pieces (RFC 2231 section 3).
const MAX_PARAM_BYTES: usize = 50;

/// Writes one field.
pub(super) struct FieldWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Octets of the line that is open.
    column: usize,
    /// Nothing stands behind the colon yet.
    empty: bool,
    /// How long the line that is open may become.
    most: usize,
}

impl<'a> FieldWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, name: &str) -> Self {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        Self { out, column: name.len() + 1, empty: true, most: LINE }
    }

    /// A word that is not split, behind a space or a fold.
    pub(super) fn word(&mut self, word: &str) {
        self.word_before(word, 0);
    }

    /// A word with room for `more` octets behind it.
    fn word_before(&mut self, word: &str, more: usize) {
        self.separate(word.len() + more);
        self.out.extend_from_slice(word.as_bytes());
        self.column += word.len();
    }

    /// Ends the field.
    pub(super) fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }

    fn separate(&mut self, length: usize) {
        if !self.empty && self.column + 1 + length > self.most {
            self.out.extend_from_slice(b"\r\n ");
            self.column = 1;
            self.most = LINE;
        } else {
            self.out.push(b' ');
            self.column += 1;
        }
        self.empty = false;
    }

    /// Text: as it stands where it is plain, else in encoded words.
    pub(super) fn text(&mut self, text: &str) {
        let text = one_line(text);
        if is_plain(&text) {
            text.split(' ').filter(|word| !word.is_empty()).for_each(|word| self.word(word));
        } else {
            self.encoded(&text);
        }
    }

    fn encoded(&mut self, text: &str) {
        let base64 = prefers_base64(text);
        let mut rest = text;
        while !rest.is_empty() {
            let mut room = ENCODED_LINE.saturating_sub(self.column + 1);
            if room < LEAST_ROOM {
                room = ENCODED_LINE - 1;
                self.separate(LINE);
            } else {
                self.separate(0);
            }
            let data = room.min(ENCODED_WORD) - ENCODED_FRAME;
            let (word, after) = encode_some(rest, data, base64);
            self.out.extend_from_slice(word.as_bytes());
            self.column += word.len();
            self.most = ENCODED_LINE;
            rest = after;
        }
    }

    /// Addresses. With `utf8`, a message that may have UTF-8 in its header (RFC 6532), domains stay
    /// as they are.
    pub(super) fn addresses(&mut self, addresses: &[Address], utf8: bool) {
        for (index, address) in addresses.iter().enumerate() {
            let comma = if index + 1 < addresses.len() { "," } else { "" };
            let spec = one_line(&address.address);
            let spec = if utf8 { spec } else { domain::wire(&spec) };
            let name = address.name.as_deref().map(one_line).unwrap_or_default();
            if name.is_empty() {
                self.word(&format!("{spec}{comma}"));
                continue;
            }
            self.phrase(&name);
            self.word(&format!("<{spec}>{comma}"));
        }
    }

    fn phrase(&mut self, name: &str) {
        if !is_plain(name) {
            self.encoded(name);
            return;
        }
        let quoted = quoted_if_needed(name);
        if quoted.len() <= MAX_QUOTED_BYTES {
            self.word(&quoted);
        } else if quoted == name {
            name.split(' ').for_each(|word| self.word(word));
        } else {
            self.encoded(name);
        }
    }

    /// `; name=value`, by RFC 2231 where it is long or not ASCII.
    pub(super) fn param(&mut self, name: &str, value: &str) {
        let value = one_line(value);
        self.out.push(b';');
        self.column += 1;
        // Readers decode an encoded word there too, although RFC 2047 section 5 forbids it, and
        // take quotes away twice.
        let plain =
            value.is_ascii() && !value.contains("=?") && !value.contains(['"', '\\', '<', '>']);
        if plain && value.len() <= MAX_PARAM_BYTES {
            self.word_before(&format!("{name}={}", quoted(&value)), 1);
            return;
        }
        let pieces = percent_pieces(&value);
        for (index, piece) in pieces.iter().enumerate() {
            let charset = if index == 0 { "utf-8''" } else { "" };
            let end = if index + 1 < pieces.len() { ";" } else { "" };
            if pieces.len() == 1 {
                self.word_before(&format!("{name}*={charset}{piece}"), 1);
            } else {
                self.word_before(&format!("{name}*{index}*={charset}{piece}{end}"), 1);
            }
        }
    }
}

/// Whether a text can stand in a header as it is: printable ASCII, single spaces, words that a line
/// can hold, nothing that would be taken for an encoded word.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
        && !text.contains("=?")
        && !text.contains("  ")
        && text.split(' ').all(|word| word.len() < LINE - 20)
}

/// A parameter's value: a token as it stands, else in quotes (RFC 2045 section 5.1). It has none.
fn quoted(value: &str) -> String {
    let token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if !value.is_empty() && value.bytes().all(token) {
        return value.to_owned();
    }
    format!("\"{value}\"")
}

/// Percent-encoded pieces, none of which splits a character's octets from their signs.
fn percent_pieces(value: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    for c in value.chars() {
        let mut octets = [0; 4];
        let mut encoded = String::new();
        for byte in c.encode_utf8(&mut octets).bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
                encoded.push(char::from(byte));
            } else {
                push_hex(&mut encoded, '%', byte);
            }
        }
        match out.last_mut() {
            Some(last) if last.len() + encoded.len() <= MAX_PARAM_BYTES => last.push_str(&encoded),
            _ => out.push(encoded),
        }
    }
    out
}

fn push_hex(out: &mut String, sign: char, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push(sign);
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Whether base 64 is shorter than the Q encoding.
fn prefers_base64(text: &str) -> bool {
    let q: usize = text.bytes().map(q_width).sum();
    q > text.len().div_ceil(3) * 4
}

/// Octets of a byte in the Q encoding, of what is allowed in a phrase (RFC 2047 section 5).
const fn q_width(byte: u8) -> usize {
    if byte.is_ascii_alphanumeric() || byte == b' ' || byte == b'-' { 1 } else { 3 }
}

/// One encoded word with as many characters of `text` as fit into `room` octets of data, at least
/// one, and what is left.
fn encode_some(text: &str, room: usize, base64: bool) -> (String, &str) {
    let (mut width, mut end) = (0, 0);
    for (at, c) in text.char_indices() {
        let next = at + c.len_utf8();
        width += text[at..next].bytes().map(q_width).sum::<usize>();
        let length = if base64 { next.div_ceil(3) * 4 } else { width };
        if length > room && end > 0 {
            break;
        }
        end = next;
    }
    let (now, later) = text.split_at(end);
    if base64 {
        return (format!("=?utf-8?b?{}?=", STANDARD.encode(now)), later);
    }
    let mut word = "=?utf-8?q?".to_owned();
    for byte in now.bytes() {
        match byte {
            b' ' => word.push('_'),
            byte if q_width(byte) == 1 => word.push(char::from(byte)),
            byte => push_hex(&mut word, '=', byte),
        }
    }
    word.push_str("?=");
    (word, later)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::defect::Defects;
    use super::super::super::param::Structured;
    use super::super::super::{address, field, word};
    use super::*;

    /// The value that a reader finds, after it was asked that the field is one and its lines fit.
    fn written(write: impl FnOnce(&mut FieldWriter<'_>)) -> (Vec<u8>, String) {
        let mut out = Vec::new();
        let mut writer = FieldWriter::new(&mut out, "Subject");
        write(&mut writer);
        writer.end();
        let text = String::from_utf8(out.clone()).unwrap();
        for line in text.split("\r\n") {
            assert!(line.len() <= LINE, "{} octets: {line}", line.len());
            assert!(!line.contains(['\r', '\n']));
            assert!(line.is_empty() || !line.trim().is_empty(), "a line of spaces");
            for word in line.split(' ').filter(|word| word.starts_with("=?")) {
                assert!(word.len() <= ENCODED_WORD && line.len() <= ENCODED_LINE, "{line}");
            }
        }
        let head = field::message(&out, &mut Defects::default());
        assert_eq!(head.fields.len(), 1, "{text}");
        let value = head.first("Subject").unwrap().to_vec();
        (value, text)
    }

    #[test]
    fn plain_text_stays_and_is_folded() {
        let (_, text) = written(|w| w.text("Lunch on Friday?"));
        assert_eq!(text, "Subject: Lunch on Friday?\r\n");
        let (_, text) = written(|w| w.text(&"word ".repeat(30)));
        assert!(text.lines().count() == 3 && text.lines().skip(1).all(|l| l.starts_with(" w")));
        let (_, text) = written(|w| w.text("Ein Gruß aus Wien"));
        assert_eq!(text, "Subject: =?utf-8?q?Ein_Gru=C3=9F_aus_Wien?=\r\n");
        let (_, text) = written(|w| w.text("日本"));
        assert_eq!(text, "Subject: =?utf-8?b?5pel5pys?=\r\n");
        let (_, text) = written(|w| w.text("a\r\nBcc: x@y"));
        assert_eq!(text, "Subject: a Bcc: x@y\r\n");
    }

    #[test]
    fn parameters() {
        for name in [
            "a b.pdf",
            "Größe \"1\".txt",
            "a\\b",
            "",
            "=?utf-8?q?x?=",
            &"long name ".repeat(12),
            "文.文",
        ] {
            let (value, _) = written(|w| {
                w.word("attachment");
                w.param("filename", name);
            });
            let read = Structured::parse(&value).text("filename", &mut Defects::default());
            assert_eq!(read.as_deref(), Some(one_line(name).as_str()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn text_is_given_back(text in "(\\PC|[ -~]|=\\?|\r|\n|\t|\u{0}|é| |😀){0,120}") {
            let (value, _) = written(|w| w.text(&text));
            let read = word::decode(&value, &mut Defects::default());
            prop_assert_eq!(one_line(&read), one_line(&text));
        }

        #[test]
        fn names_are_given_back(name in "([ -~]|=\\?|\r\n|é|😀){0,120}", local in "[a-z]{1,40}") {
            let given = Address { name: Some(name.clone()), address: format!("{local}@x.org") };
            let list = [given.clone(), given];
            let (value, _) = written(|w| w.addresses(&list, false));
            let read = address::parse(&value, &mut Defects::default());
            prop_assert_eq!(read.len(), 2);
            let fold = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
            for one in read {
                prop_assert_eq!(&one.address, &list[0].address);
                prop_assert_eq!(one.name.unwrap_or_default(), fold(&one_line(&name)));
            }
        }

        #[test]
        fn a_hostile_parameter_is_one(
            name in "([ -~]|\r\n|;|=\\?|\\?=|utf-8\\?q\\?|\"|\\\\|é|😀|\u{0}){0,90}"
        ) {
            let (value, _) = written(|w| {
                w.word("attachment");
                w.param("filename", &name);
                w.param("size", "1");
            });
            let read = Structured::parse(&value);
            let mut defects = Defects::default();
            prop_assert_eq!(read.text("size", &mut defects), Some("1".to_owned()));
            prop_assert_eq!(read.text("filename", &mut defects), Some(one_line(&name)));
        }
    }
}
