//! What is copied, as bytes for the terminal (OSC 52), which puts it on the clipboard of the
//! machine that the user sits at.
//!
//! Invariant: pure; the text goes in base 64, so nothing in it can end the sequence; bounded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest text that is copied, in bytes: terminals drop sequences beyond 100,000 or so.
pub const MAX_COPIED_BYTES: usize = 72 * 1024;

/// The sequence that copies `text`; `None` where it is too long.
#[must_use]
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let fits = text.len() <= MAX_COPIED_BYTES;
    fits.then(|| format!("\x1b]52;c;{}\x07", STANDARD.encode(text)).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_copied_and_cannot_break_out() {
        assert_eq!(bytes("hi").as_deref(), Some(&b"\x1b]52;c;aGk=\x07"[..]));
        let inside = bytes("\x07\x1b]2;x").unwrap();
        assert_eq!(inside.iter().filter(|byte| **byte < b' ').count(), 2);
        assert_eq!(bytes(&"x".repeat(MAX_COPIED_BYTES + 1)), None);
    }
}
