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
    let label = label.unwrap_or_default().trim_ascii();
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
    let found = (label.len() <= MAX_LABEL_BYTES).then(|| charset_decoder(label)).flatten();
    // The tables are a library's; a panic in them costs the charset, not the message.
    if let Some(text) = found.and_then(|decoder| catch_unwind(|| decoder(bytes)).ok()) {
        return text;
    }
    defects.note(defect::CHARSET);
    guess(bytes)
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
        let cases: [(Option<&str>, &[u8], &str, &[&str]); 11] = [
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
        ];
        for (label, bytes, expected, codes) in cases {
            let mut defects = Defects::default();
            assert_eq!(decode(label.map(str::as_bytes), bytes, &mut defects), expected);
            assert_eq!(defects.into_codes(), codes, "{label:?}");
        }
    }
}
