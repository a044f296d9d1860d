//! Transfer encodings, written (RFC 2045 section 6).
//!
//! Invariant: the result is ASCII, its lines end with CRLF and are at most 76 octets (998 where
//! nothing had to be encoded). This file must not know what a part is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest line of encoded data, in octets (RFC 2045 section 6.7 and 6.8).
const LINE: usize = 76;
/// Bytes that fill a line of base 64.
const BASE64_BYTES: usize = LINE / 4 * 3;
/// The longest line that any server takes, in octets (RFC 5321 section 4.5.3.1.6).
pub(super) const MAX_LINE: usize = 998;

/// A text as it goes out.
pub(super) struct Encoded {
    /// The value of Content-Transfer-Encoding.
    pub(super) name: &'static str,
    /// The bytes.
    pub(super) bytes: Vec<u8>,
}

/// Encodes a text with CRLF line ends, as little as it needs.
pub(super) fn text(text: &str) -> Encoded {
    if text.is_ascii() && longest_line(text.as_bytes()) <= MAX_LINE {
        return Encoded { name: "7bit", bytes: text.as_bytes().to_vec() };
    }
    let quoted = quoted_printable(text);
    if quoted.len() > text.len().div_ceil(3) * 4 {
        return Encoded { name: "base64", bytes: base64(text.as_bytes()) };
    }
    Encoded { name: "quoted-printable", bytes: quoted.into_bytes() }
}

/// The longest line, in octets without its end.
pub(super) fn longest_line(bytes: &[u8]) -> usize {
    let lines = bytes.split(|&b| b == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).len()).max().unwrap_or(0)
}

/// Base 64 in lines.
pub(super) fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 3 * 4 + bytes.len() / BASE64_BYTES * 2 + 8);
    for chunk in bytes.chunks(BASE64_BYTES) {
        out.extend_from_slice(STANDARD.encode(chunk).as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Quoted-printable: spaces at ends of lines, `From ` and a lone dot at their beginnings are
/// encoded too, which relays have changed.
fn quoted_printable(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let text = text.strip_suffix("\r\n").unwrap_or(text);
    for line in text.split("\r\n") {
        let mut column = 0;
        for (at, byte) in line.bytes().enumerate() {
            let last = at + 1 == line.len();
            let from = at == 0 && (line.starts_with("From ") || line == ".");
            let plain = match byte {
                b' ' | b'\t' => !last,
                b'=' => false,
                b'!'..=b'~' => !from,
                _ => false,
            };
            let width = if plain { 1 } else { 3 };
            // One octet stays free for the sign of a soft end.
            if column + width > LINE - usize::from(!last) {
                out.push_str("=\r\n");
                column = 0;
            }
            column += width;
            if plain {
                out.push(char::from(byte));
            } else {
                out.push('=');
                out.push(char::from(DIGITS[usize::from(byte >> 4)]));
                out.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::base64::Use;
    use super::super::super::defect::Defects;
    use super::super::super::transfer;
    use super::*;

    #[test]
    fn as_little_as_it_needs() {
        assert_eq!(text("plain \r\n").name, "7bit");
        assert_eq!(text("Viele Grüße aus der Stadt Köln\r\n").name, "quoted-printable");
        assert_eq!(text("日本語の手紙\r\n").name, "base64");
        assert_eq!(text(&format!("{}\r\n", "x".repeat(MAX_LINE + 1))).name, "quoted-printable");
        let soft = quoted_printable("é soft \r\nFrom me\r\n.\r\n");
        assert_eq!(soft, "=C3=A9 soft=20\r\n=46rom me\r\n=2E\r\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_given_back(lines in prop::collection::vec("([ -~]|é|日|\t|=){0,120}", 1..5)) {
            let given = lines.join("\r\n") + "\r\n";
            let encoded = text(&given);
            let name = Some(encoded.name.as_bytes());
            let read = transfer::decode(name, &encoded.bytes, Use::Text, &mut Defects::default());
            prop_assert_eq!(&*read, given.as_bytes());
            prop_assert!(encoded.bytes.is_ascii());
            let most = if encoded.name == "7bit" { MAX_LINE } else { LINE };
            prop_assert!(longest_line(&encoded.bytes) <= most);
            let bare = given.replace("\r\n", "");
            let data = base64(bare.as_bytes());
            let read = crate::mail::base64::decode_text(&data);
            prop_assert_eq!(&*read.bytes, bare.as_bytes());
            prop_assert!(!read.broken);
            prop_assert!(longest_line(&data) <= LINE);
        }
    }
}
