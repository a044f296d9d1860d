//! Bytes in any charset to text: the only door to mail-parser's charset tables.
//!
//! Invariant: total; a charset that is unknown or wrong costs characters, never the text. This file
//! must not interpret the text.

use std::panic::catch_unwind;

use mail_parser::decoders::charsets::map::charset_decoder;

use super::defect::{self, Defects};

/// The longest charset name that is looked up, in bytes.
const MAX_LABEL_BYTES: usize = 45;

/// Decodes `bytes` from the charset named `label` (RFC 2978 names, any case; `None` or ASCII with
/// high bytes is read as UTF-8 and where it is not that, as Windows-1252, as senders mean it).
pub(super) fn decode(label: Option<&[u8]>, bytes: &[u8], defects: &mut Defects) -> String {
    let label = label.unwrap_or_default();
    let quotes = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'');
    let start = label.iter().position(|b| !quotes(b)).unwrap_or(label.len());
    let label = &label[start..];
    let label = &label[..label.iter().rposition(|b| !quotes(b)).map_or(0, |last| last + 1)];
    let label = label.split(|&b| b == b'*').next().unwrap_or_default();
    let is = |names: &[&str]| names.iter().any(|n| label.eq_ignore_ascii_case(n.as_bytes()));
    if label.is_empty() || is(&["us-ascii", "ascii", "ansi_x3.4-1968"]) {
        if !bytes.is_ascii() && !label.is_empty() {
            defects.note(defect::CHARSET_BAD);
        }
        return guess(bytes);
    }
    if is(&["utf-8", "utf8"]) {
        return String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| {
            defects.note(defect::CHARSET_BAD);
            String::from_utf8_lossy(bytes).into_owned()
        });
    }
    let name: String = label.iter().take(MAX_LABEL_BYTES + 1).map(|&b| lower(b)).collect();
    let text = match name.as_str() {
        "iso-2022-kr" | "csiso2022kr" => table("euc-kr", &from_shifted(bytes)),
        "hz-gb-2312" | "hz" => table("gb18030", &from_hz(bytes)),
        name => table(alias(name), bytes),
    };
    text.unwrap_or_else(|| {
        defects.note(defect::CHARSET);
        guess(bytes)
    })
}

fn lower(byte: u8) -> char {
    if byte == b'_' { '-' } else { char::from(byte.to_ascii_lowercase()) }
}

/// Decodes by the library's table of this name. A panic in it costs the charset, not the message.
fn table(name: &str, bytes: &[u8]) -> Option<String> {
    let found = (name.len() <= MAX_LABEL_BYTES).then(|| charset_decoder(name.as_bytes())).flatten();
    found.and_then(|decoder| catch_unwind(|| decoder(bytes)).ok())
}

/// Names that senders write and the library's tables do not have.
fn alias(name: &str) -> &str {
    match name {
        "cp932" | "ms932" | "x-ms-cp932" => "shift_jis",
        "cp949" | "uhc" | "x-uhc" => "euc-kr",
        "cp950" | "x-big5" | "big-5" => "big5",
        "euc-cn" | "x-euc-cn" | "cp54936" => "gb18030",
        "eucjp" | "eucjp-ms" | "eucjp-win" | "cp51932" => "euc-jp",
        "iso-2022-jp-1" | "iso-2022-jp-2" | "iso-2022-jp-ms" | "cp50220" | "cp50221" => {
            "iso-2022-jp"
        }
        "windows1250" => "windows-1250",
        "windows1251" => "windows-1251",
        "windows1252" | "x-windows-1252" | "x-ansi" => "windows-1252",
        "cp874" => "windows-874",
        "utf16" => "utf-16",
        "utf16le" => "utf-16le",
        "utf16be" => "utf-16be",
        "utf7" => "utf-7",
        name => name,
    }
}

/// ISO-2022-KR (RFC 1557) as EUC-KR: between SO and SI the high bit is set.
fn from_shifted(bytes: &[u8]) -> Vec<u8> {
    const HEADER: &[u8] = b"\x1b$)C";
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut shifted) = (bytes, false);
    while let Some((&byte, after)) = rest.split_first() {
        rest = rest.strip_prefix(HEADER).unwrap_or(after);
        match byte {
            0x1b if rest.len() < after.len() => {}
            0x0e => shifted = true,
            0x0f => shifted = false,
            b'\n' => {
                shifted = false;
                out.push(byte);
            }
            0x21..=0x7e if shifted => out.push(byte | 0x80),
            _ => out.push(byte),
        }
    }
    out
}

/// HZ (RFC 1843) as GB 2312: between `~{` and `~}` the high bit is set.
fn from_hz(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut shifted) = (bytes, false);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escape = if byte == b'~' { after.first() } else { None };
        match (escape, byte) {
            (Some(&mark @ (b'{' | b'}' | b'~' | b'\n')), _) if mark != b'~' || !shifted => {
                rest = &after[1..];
                match mark {
                    b'{' => shifted = true,
                    b'}' => shifted = false,
                    b'~' => out.push(b'~'),
                    _ => {}
                }
            }
            (_, b'\n') => {
                shifted = false;
                out.push(byte);
            }
            (_, 0x21..=0x7e) if shifted => out.push(byte | 0x80),
            _ => out.push(byte),
        }
    }
    out
}

/// UTF-8 where it is that, else Windows-1252.
pub(super) fn guess(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => windows_1252(bytes),
    }
}

/// The character of one byte in Windows-1252; bytes it does not define stay C1 controls.
pub(super) fn windows_1252_char(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn windows_1252(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| windows_1252_char(b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets() {
        type Case<'a> = (Option<&'a str>, &'a [u8], &'a str, &'a [&'a str]);
        let cases: [Case<'_>; 18] = [
            (None, b"plain", "plain", &[]),
            (None, "grüß".as_bytes(), "grüß", &[]),
            (None, b"gr\xfc\xdf \x80", "grüß €", &[]),
            (Some("us-ascii"), b"gr\xfc", "grü", &["charset-mismatch"]),
            (Some("UTF-8"), b"a\xffb", "a\u{fffd}b", &["charset-mismatch"]),
            (Some("ISO-8859-2"), b"\xb3\xf3d\xbc", "łódź", &[]),
            (Some("koi8-r"), b"\xf0\xd2\xc9", "При", &[]),
            (Some("iso-2022-jp"), b"\x1b$B$\"\x1b(B", "あ", &[]),
            (Some("GB18030"), b"\xc4\xe3", "你", &[]),
            (Some("x-nonsense"), b"a\xe9", "aé", &["charset-unknown"]),
            (Some("iso-8859-1*en"), b"\xe9", "é", &[]),
            (Some("'utf-8' "), "é".as_bytes(), "é", &[]),
            (Some("CP932"), b"\x83n", "ハ", &[]),
            (Some("iso-2022-kr"), b"\x1b$)Ca\x0e0!\x0fb", "a가b", &[]),
            (Some("HZ-GB-2312"), b"a~{Dc~}~~b", "a你~b", &[]),
            (Some("utf16le"), b"a\0b\0", "ab", &[]),
            (Some("utf-7"), b"a+AOk-b", "aéb", &[]),
            (Some(&"x".repeat(100)), b"a", "a", &["charset-unknown"]),
        ];
        for (label, bytes, expected, codes) in cases {
            let mut defects = Defects::default();
            assert_eq!(decode(label.map(str::as_bytes), bytes, &mut defects), expected);
            assert_eq!(defects.into_codes(), codes, "{label:?}");
        }
    }
}
