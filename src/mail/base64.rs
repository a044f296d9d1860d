//! Base64 (RFC 2045 section 6.8) as it comes: blocks one behind the other, noise on the line, text
//! behind it, text that only says that it is base64.
//!
//! Invariant: total and linear. Of what is to be read as text nothing is dropped: what is not
//! base64 stays as it stands, and that is said. This file must not know charsets.

use std::borrow::Cow;

/// Noise on the line: of so many bytes of a body at most one is none of the alphabet; where more
/// are, it is text.
const NOISE: usize = 20;
/// The same of a single line, which a little noise must not make text.
const LINE_NOISE: usize = 10;
/// Letters that no text has without a blank or a mark: a line, or a block at the end that is not
/// padded, is base64 when it has so many.
const SURE_LETTERS: usize = 32;

/// What a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A file: what is no base64 is left out.
    File,
    /// A text that is a file: what is no base64 is left out, unless none of it is.
    TextFile,
    /// A text to be read: what is no base64 stays as it stands.
    Text,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read<'a> {
    /// The data.
    pub(super) bytes: Cow<'a, [u8]>,
    /// Some of it was none: it was left as it stands, or out.
    pub(super) broken: bool,
}

/// Blocks as far as they go.
struct Blocks {
    bytes: Vec<u8>,
    /// Where behind a padding something begins that is no block; the length where nothing does.
    end: usize,
    /// Something else than letters, padding at the end and line ends was met.
    odd: bool,
}

/// Decodes data for a use.
pub(super) fn decode_for(body: &[u8], usage: Use) -> Read<'_> {
    let text = || decode_text(body);
    match usage {
        Use::File => decode(body),
        Use::Text => text(),
        // What stands behind its end has come from elsewhere.
        Use::TextFile => match text() {
            Read { bytes: Cow::Owned(_), broken: true } => decode(body),
            read => read,
        },
    }
}

/// Decodes data that is not for reading; what is no base64 is left out.
pub(super) fn decode(body: &[u8]) -> Read<'_> {
    let blocks = blocks(body, false);
    let broken = blocks.end < body.len() || (blocks.odd && is_noisy(body, NOISE));
    Read { bytes: Cow::Owned(blocks.bytes), broken }
}

/// Decodes data that is text; what is no base64 stays as it stands.
pub(super) fn decode_text(body: &[u8]) -> Read<'_> {
    let blocks = blocks(body, true);
    if !blocks.odd && blocks.end == body.len() {
        return Read { bytes: Cow::Owned(blocks.bytes), broken: false };
    }
    let Some(cut) = text_begins(body) else {
        let mut bytes = blocks.bytes;
        bytes.extend_from_slice(&body[blocks.end..]);
        return Read { bytes: Cow::Owned(bytes), broken: blocks.end < body.len() };
    };
    let cut = cut.min(blocks.end);
    let (before, after) = body.split_at(cut);
    if !is_encoded(before) {
        return Read { bytes: Cow::Borrowed(body), broken: true };
    }
    let mut bytes = self::blocks(before, true).bytes;
    bytes.extend_from_slice(after);
    Read { bytes: Cow::Owned(bytes), broken: true }
}

/// Decodes block after block; what is no letter is skipped.
fn blocks(body: &[u8], text: bool) -> Blocks {
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3 + 3);
    let (mut at, mut odd) = (0, false);
    loop {
        at += block(&body[at..], &mut bytes, &mut odd);
        let rest = &body[at..];
        let skipped = rest.iter().take_while(|b| **b == b'=' || b.is_ascii_whitespace()).count();
        at += skipped;
        if at == body.len() {
            return Blocks { bytes, end: at, odd };
        }
        odd = true;
        if !is_block(&body[at..], text) {
            // What is said stands behind the line end.
            return Blocks { bytes, end: at - skipped + past_padding(rest), odd };
        }
    }
}

fn past_padding(rest: &[u8]) -> usize {
    rest.iter().take_while(|b| **b == b'=').count()
}

/// Decodes up to the padding or the end; how many bytes that are.
fn block(body: &[u8], out: &mut Vec<u8>, odd: &mut bool) -> usize {
    let (mut buffer, mut count, mut used) = (0_u32, 0_u8, body.len());
    for (at, &byte) in body.iter().enumerate() {
        let Some(value) = value(byte) else {
            match byte {
                b'=' if count >= 2 => {
                    used = at + 1;
                    break;
                }
                b'\r' | b'\n' => {}
                _ => *odd = true,
            }
            continue;
        };
        buffer = (buffer << 6) | u32::from(value);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&buffer.to_be_bytes()[1..]);
            (buffer, count) = (0, 0);
        }
    }
    match count {
        2 => out.push((buffer >> 4).to_be_bytes()[3]),
        3 => out.extend_from_slice(&(buffer >> 2).to_be_bytes()[2..]),
        _ => {}
    }
    used
}

/// What a letter of the alphabet counts.
const fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// Whether what stands behind a padding is another block: letters alone, padded; or very many of
/// them; or, of text, so few that are text when decoded.
fn is_block(rest: &[u8], text: bool) -> bool {
    let end = rest.iter().position(|b| *b == b'=').unwrap_or(rest.len());
    let (letters, padded) = (&rest[..end], end < rest.len());
    let (count, noise) = measure(letters);
    if noise > 0 {
        return false;
    }
    let padding = past_padding(&rest[end..]);
    if padded {
        return count > 0 && (count + padding.min(2)).is_multiple_of(4);
    }
    if count >= SURE_LETTERS {
        return true;
    }
    let mut bytes = Vec::new();
    block(letters, &mut bytes, &mut false);
    count.is_multiple_of(4) && (!text || is_clean(&bytes))
}

/// Where a body ceases to be base64 and is text: at its first line that has far too much in it
/// that is none, if all from there on is so, and is nothing when decoded.
fn text_begins(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    for line in body.split_inclusive(|b| *b == b'\n') {
        if is_noisy(line, LINE_NOISE) {
            let rest = &body[at..];
            let decoded = blocks(rest, true).bytes;
            let nothing = decoded.is_empty() || !is_clean(&decoded);
            return (is_noisy(rest, NOISE) && nothing).then_some(at);
        }
        at += line.len();
    }
    None
}

/// Whether the lines before a text are base64: one that no text has, or text when decoded.
fn is_encoded(before: &[u8]) -> bool {
    let mut lines = before.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let (count, noise) = measure(first);
    if count >= SURE_LETTERS && noise == 0 {
        return true;
    }
    let decoded = blocks(before, true).bytes;
    let letters = before.iter().filter(|b| value(**b).is_some() || **b == b'=').count();
    letters > 0 && letters.is_multiple_of(4) && is_clean(&decoded)
}

/// Whether more than one byte of `share` is none of the alphabet.
fn is_noisy(body: &[u8], share: usize) -> bool {
    let (letters, noise) = measure(body);
    noise * share > letters + noise
}

/// Letters, and what is none of the alphabet: other bytes, and the blanks between two on a line.
fn measure(body: &[u8]) -> (usize, usize) {
    let (mut letters, mut noise) = (0, 0);
    // Nothing on the line yet; something; blanks behind it.
    let (mut begun, mut blank) = (false, false);
    for &byte in body {
        match byte {
            b'\r' | b'\n' => (begun, blank) = (false, false),
            b' ' | b'\t' => blank = begun,
            _ => {
                noise += usize::from(blank);
                (begun, blank) = (true, false);
                if value(byte).is_some() || byte == b'=' {
                    letters += 1;
                } else {
                    noise += 1;
                }
            }
        }
    }
    (letters, noise)
}

/// Whether it can be text as most write it.
fn is_clean(bytes: &[u8]) -> bool {
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(control))
}

#[cfg(test)]
mod tests {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn check(body: &str, expected: &str, broken: bool) {
        let read = decode_text(body.as_bytes());
        let got = (String::from_utf8_lossy(&read.bytes), read.broken);
        assert_eq!(got, (expected.into(), broken), "{body:?}");
    }

    #[test]
    fn blocks_follow_each_other() {
        check("aGVsbG8=IHRo\r\nZXJl", "hello there", false);
        check("aGVsbG8gd29ybGQ=\nYQ==\n\nYg==\nYWJj\n", "hello worldababc", false);
        check("aGVsbG8= d29ybGQ=", "helloworld", false);
        check("YWI====YWI=\n=", "abab", false);
        // A letter of more than one byte is parted by them.
        check("4oI=\nrA==", "€", false);
        let long = "cXVpdGUgYSBsb25nIGxhc3QgYmxvY2sgdGhhdCBpcyBjdXQg";
        check(&format!("YQ==\n{long}Zg"), "aquite a long last block that is cut f", false);
        assert_eq!(*decode(b"AAE=AAEC").bytes, [0, 1, 0, 1, 2]);
    }

    #[test]
    fn noise_is_skipped() {
        check("aGV!sb G8=", "hello", false);
        check("> aGVsbG8s\n> IGhv", "hello, ho", false);
        check("aGVsbG8=\0", "hello\0", true);
        check("=\n", "", false);
        check("", "", false);
        let garbled = "dGhlIGZpcnN0IGxpbmUgb2YgYSB0ZXh0\n#$%#$%#$%\n".to_owned()
            + &"aW4gd2hpY2ggb25lIGxpbmUgaXMgYmFkLiA=\n".replace('=', "").repeat(8);
        let read = decode_text(garbled.as_bytes());
        assert!(String::from_utf8_lossy(&read.bytes).contains("in which"), "{read:?}");
    }

    #[test]
    fn text_behind_it_stays() {
        let footer = "_____________\nThe list\nhttp://lists.example.org/a\n";
        check(&format!("aGVsbG8=\n{footer}"), &format!("hello\n{footer}"), true);
        // Three letters more or less, and there is no padding.
        check(&format!("aGVsbG8h\n{footer}"), &format!("hello!{footer}"), true);
        let line = "dGhlIGZpcnN0IGxpbmUgb2YgYSB0ZXh0";
        let latin = format!("{line}\n6eno\n{footer}");
        let read = decode_text(latin.as_bytes());
        assert!(read.broken && read.bytes.starts_with(b"the first line of a text\xe9\xe9\xe8"));
        assert!(read.bytes.ends_with(footer.as_bytes()));
        check("aGVsbG8=trailing", "hellotrailing", true);
        check("aGVsbG8=\nBest", "hello\nBest", true);
        check("aGVsbG8=)", "hello)", true);
        let read = decode(b"AAEC/w==\nThe list, here\n");
        assert_eq!((&*read.bytes, read.broken), (&b"\0\x01\x02\xff"[..], true));
    }

    #[test]
    fn text_that_is_none_stays() {
        for text in [
            "Hello Bob",
            "Hello,\n\nhow are you? We see us on Monday.\n\nAnn\n",
            "Dear\nall of you, it is = a day\n",
            "Grüße aus Köln, von uns allen.",
            "Thanks.",
        ] {
            check(text, text, true);
        }
        assert!(decode(b"no data at all, but a text").broken);
        let of = |body| decode_for(body, Use::TextFile);
        assert_eq!(*of(b"no data at all, but a text").bytes, *b"no data at all, but a text");
        assert!(!of(b"aGVsbG8=").broken);
        let cut = of(b"aGVsbG8=\n--bound-");
        assert_eq!((&*cut.bytes, cut.broken), (&b"hello"[..], true));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..5),
            text in any::<bool>(),
        ) {
            // The last of several has a padding: one that has none may be a word.
            let padded = |data: &[u8]| {
                let mut data = data.to_vec();
                if data.len().is_multiple_of(3) { data.push(b'x'); }
                data
            };
            let blocks: Vec<_> = blocks.iter().map(|data| padded(data)).collect();
            let body: Vec<u8> = blocks.iter().flat_map(|data| encode(data)).collect();
            let read = if text { decode_text(&body) } else { decode(&body) };
            prop_assert_eq!(&*read.bytes, blocks.concat());
            prop_assert!(!read.broken);
        }

        #[test]
        fn anything_is_read(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let read = decode_text(&body);
            prop_assert!(read.bytes.len() <= body.len());
            decode(&body);
        }
    }

    /// In lines, as it is sent.
    fn encode(data: &[u8]) -> Vec<u8> {
        let letters = STANDARD.encode(data);
        let lines = letters.as_bytes().chunks(76);
        lines.flat_map(|line| line.iter().chain(b"\r\n")).copied().collect()
    }
}
