//! Content-Transfer-Encoding: quoted-printable, uuencode and [`base64`] (RFC 2045 section 6),
//! leniently.
//!
//! Invariant: total and linear; what cannot be decoded is skipped or kept as it stands. This file
//! must not know charsets.

use std::borrow::Cow;

use super::base64::{self, Use};
use super::defect::{self, Defects};

/// Decodes a part's body by the value of its Content-Transfer-Encoding; of a text that is read
/// nothing is dropped.
pub(super) fn decode<'a>(
    encoding: Option<&[u8]>,
    body: &'a [u8],
    usage: Use,
    defects: &mut Defects,
) -> Cow<'a, [u8]> {
    let value = encoding.unwrap_or_default();
    let token: Vec<u8> = value
        .iter()
        .copied()
        .skip_while(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\''))
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        .map(|b| b.to_ascii_lowercase())
        .collect();
    match token.as_slice() {
        b"base64" => {
            let read = base64::decode_for(body, usage);
            if read.broken {
                defects.note(defect::TRANSFER);
            }
            read.bytes
        }
        b"quoted-printable" => Cow::Owned(quoted_printable(body)),
        b"x-uuencode" | b"uuencode" | b"uue" | b"x-uue" => {
            uuencode(body).map_or_else(|| undecoded(body, defects), Cow::Owned)
        }
        b"" | b"7bit" | b"8bit" | b"binary" => Cow::Borrowed(body),
        _ => undecoded(body, defects),
    }
}

fn undecoded<'a>(body: &'a [u8], defects: &mut Defects) -> Cow<'a, [u8]> {
    defects.note(defect::TRANSFER);
    Cow::Borrowed(body)
}

/// Quoted-printable; a broken escape stays as it is written.
pub(super) fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'=' => match after {
                [b'\n', next @ ..] | [b'\r', b'\n', next @ ..] => rest = next,
                [high, low, next @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    out.push(hex(*high) << 4 | hex(*low));
                    rest = next;
                }
                _ => match soft_break(after) {
                    Some(next) => rest = next,
                    None => out.push(b'='),
                },
            },
            _ => out.push(byte),
        }
    }
    out
}

/// What follows a `=` that stands before white space and a line end, or at the end of the data.
fn soft_break(after: &[u8]) -> Option<&[u8]> {
    let blank = after.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
    match after.get(blank) {
        Some(b'\n') => Some(&after[blank + 1..]),
        None => Some(&[]),
        Some(_) => None,
    }
}

/// The value of a hexadecimal digit; 0 for anything else.
pub(super) fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or(0)
}

fn uuencode(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    // Spaces at the end of a line are data.
    let mut lines =
        bytes.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.find(|line| line.starts_with(b"begin "))?;
    for line in lines.take_while(|line| line.trim_ascii_end() != b"end") {
        let Some((&first, data)) = line.split_first() else { continue };
        let wanted = out.len() + usize::from(first.wrapping_sub(b' ') & 63);
        for group in data.chunks(4) {
            let bits = (0..4).fold(0_u32, |bits, i| {
                let value = group.get(i).map_or(0, |b| b.wrapping_sub(b' ') & 63);
                bits << 6 | u32::from(value)
            });
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
        }
        // Relays take spaces off line ends: what is missing then are zeros.
        out.resize(wanted, 0);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(encoding: &str, body: &str, expected: &str) {
        let mut defects = Defects::default();
        let got = decode(Some(encoding.as_bytes()), body.as_bytes(), Use::Text, &mut defects);
        assert_eq!(String::from_utf8_lossy(&got), expected, "{encoding} {body:?}");
    }

    #[test]
    fn encodings() {
        check(" BASE64\r\n", "aGVs\r\nbG8=", "hello");
        check("base64", "aGVsbG8", "hello");
        check("base64", "aGV!sb G8=trailing", "hellotrailing");
        check("base64", "", "");
        check("base64", "=", "");
        check("quoted-printable", "gr=C3=BC=\r\nn", "grün");
        check("Quoted-Printable", "a=\nb= \nc=", "abc");
        check("quoted-printable", "a=zz=4", "a=zz=4");
        check("\"7bit\"", "a=20", "a=20");
        check("x-uuencode", "begin 644 x\n%:&5L;&\\\n`\nend\n", "hello");
        check("uuencode", "no begin line", "no begin line");
        check("x-uue", "begin 644 x\n$0\n", "@\0\0\0");
        check("no-such", "as is", "as is");
    }
}
