//! Encoded words (RFC 2047) in header fields, leniently.
//!
//! Invariant: total; what is no encoded word stays. Words of one charset that follow each other are
//! joined before decoding, because senders split characters between them. This file must not make
//! text safe: its callers do.

use super::base64;
use super::charset;
use super::defect::Defects;
use super::transfer;

/// The longest charset name in an encoded word, in bytes.
const MAX_CHARSET_BYTES: usize = 64;
/// The most data of an encoded word that is looked through for its end, in bytes (RFC 2047 allows
/// 75; senders that ignore it are common, and without a bound hostile input costs squared time).
const MAX_DATA_BYTES: usize = 8 * 1024;

/// An encoded word, its data decoded to bytes of its charset.
struct Word<'a> {
    charset: &'a [u8],
    bytes: Vec<u8>,
}

impl Word<'_> {
    /// Whether the bytes of `next` go on where these end. Charsets with shift states begin every
    /// word anew (RFC 1468).
    fn joins(&self, next: &Self) -> bool {
        let starts = |prefix: &str| {
            let start = self.charset.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        };
        self.charset.eq_ignore_ascii_case(next.charset)
            && !["iso-2022", "utf-7", "utf-16", "hz-"].into_iter().any(starts)
    }
}

/// Decodes a field's value: unfolded, encoded words decoded, other bytes read as UTF-8 or
/// Windows-1252.
pub(super) fn decode(value: &[u8], defects: &mut Defects) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    let mut open: Option<Word<'_>> = None;
    while let Some(start) = find(rest, *b"=?") {
        let Some((word, after)) = encoded_word(&rest[start..]) else {
            close(&mut open, &mut out, defects);
            out.push_str(&charset::guess(&rest[..start + 2]));
            rest = &rest[start + 2..];
            continue;
        };
        let between = &rest[..start];
        let adjacent = open.is_some() && between.iter().all(u8::is_ascii_whitespace);
        match &mut open {
            Some(last) if adjacent && last.joins(&word) => {
                last.bytes.extend_from_slice(&word.bytes);
            }
            _ => {
                close(&mut open, &mut out, defects);
                if !adjacent {
                    out.push_str(&charset::guess(between));
                }
                open = Some(word);
            }
        }
        rest = after;
    }
    close(&mut open, &mut out, defects);
    out.push_str(&charset::guess(rest));
    out
}

fn close(open: &mut Option<Word<'_>>, out: &mut String, defects: &mut Defects) {
    if let Some(word) = open.take() {
        out.push_str(&charset::decode(Some(word.charset), &word.bytes, defects));
    }
}

/// Reads `=?charset?encoding?data?=` at the start of `bytes`, and what follows it.
fn encoded_word(bytes: &[u8]) -> Option<(Word<'_>, &[u8])> {
    let inner = bytes.strip_prefix(b"=?")?;
    let mark = inner.iter().take(MAX_CHARSET_BYTES).position(|&b| b == b'?')?;
    let (charset, rest) = (&inner[..mark], &inner[mark + 1..]);
    if charset.is_empty() || charset.iter().any(u8::is_ascii_whitespace) {
        return None;
    }
    let (encoding, data) = match rest {
        [encoding, b'?', data @ ..] => (encoding.to_ascii_lowercase(), data),
        _ => return None,
    };
    let end = find(&data[..data.len().min(MAX_DATA_BYTES)], *b"?=")?;
    let (data, after) = (&data[..end], &data[end + 2..]);
    let bytes = match encoding {
        b'b' => base64::decode(data).bytes.into_owned(),
        b'q' => {
            let spaced: Vec<u8> = data
                .iter()
                .filter(|b| !matches!(b, b'\r' | b'\n'))
                .map(|&b| if b == b'_' { b' ' } else { b })
                .collect();
            transfer::quoted_printable(&spaced)
        }
        _ => return None,
    };
    Some((Word { charset, bytes }, after))
}

/// Where `needle` (two bytes) begins in `bytes`.
fn find(bytes: &[u8], needle: [u8; 2]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let cases = [
            ("plain", "plain"),
            ("=?utf-8?Q?gr=C3=BC=C3=9F?=", "grüß"),
            ("=?UTF-8?B?Z3LDvMOf?= x", "grüß x"),
            ("a =?iso-8859-1?q?b_c?= d", "a b c d"),
            ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
            ("=?utf-8?Q?a?=\r\n\t=?iso-8859-1?Q?=E9?=", "aé"),
            // A character that is split between two words.
            ("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü"),
            ("=?utf-8*de?Q?ja?=", "ja"),
            ("=?iso-2022-jp?B?GyRCJCIbKEI=?= =?iso-2022-jp?B?GyRCJCIbKEI=?=", "ああ"),
            ("=?none?B?VEVTVA=?=", "TEST"),
            ("=?utf-8?X?a?= =?", "=?utf-8?X?a?= =?"),
            ("=?utf-8?Q?unclosed", "=?utf-8?Q?unclosed"),
            ("Re:=?utf-8?Q?x?=y", "Re:xy"),
            ("=?utf-8?Q?with space?=", "with space"),
        ];
        for (given, expected) in cases {
            assert_eq!(decode(given.as_bytes(), &mut Defects::default()), expected, "{given}");
        }
        assert_eq!(decode(b"caf\xe9", &mut Defects::default()), "café");
    }

    #[test]
    fn many_openings_cost_linear_time() {
        let hostile = "=?a?Q? ".repeat(30_000);
        assert_eq!(decode(hostile.as_bytes(), &mut Defects::default()), hostile);
    }
}
