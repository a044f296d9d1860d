//! Where a link leads, as one word and as a browser reads it.
//!
//! Invariant: it leads where it would in a browser (URL standard sections 4.4 and 5.2); no sign of
//! it is white space, a control, or one that is not seen. This file must not judge a target.

use crate::mail::links;
use crate::safe_text;

/// An address of a page as a browser reads it, as everywhere ([`links::normal`]); one that is not
/// opened stays as it was written, but as one word.
pub(super) fn target(address: &str) -> String {
    let word = word(address);
    let read = links::normal(&word);
    // Read, it may be too long.
    if links::may_open(&read) { read } else { word }
}

/// An address of a page: white space around it and line ends in it are not part of it, and what
/// else cannot stand in a word is written with `%`.
fn word(address: &str) -> String {
    let address = address.trim_matches(|c: char| c <= ' ');
    let mut out = String::with_capacity(address.len());
    for c in address.chars() {
        if matches!(c, '\t' | '\n' | '\r') {
            continue;
        }
        let mut bytes = [0; 4];
        let text = c.encode_utf8(&mut bytes);
        if c.is_ascii_graphic() || !is_lost(c, text) {
            out.push(c);
            continue;
        }
        for byte in text.bytes() {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(hex_digit));
        }
    }
    out
}

/// Whether a sign would part the word, or not be seen in it.
fn is_lost(c: char, text: &str) -> bool {
    let joins = matches!(c, '\u{200c}' | '\u{200d}');
    joins || c.is_whitespace() || c.is_control() || safe_text::has_hidden(text)
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase()
}
