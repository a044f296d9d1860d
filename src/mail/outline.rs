//! Messages that are not whole: how one says so, and how it is known again when the rest comes.
//!
//! Invariant: the mark is a field that a mail store writes: it makes no difference to which message
//! it is.

use super::canonical::canonical_hash;
use super::field::next_line;

/// The field that says so.
pub(super) const FIELD: &str = "X-Mailtui-Outline";
const MARK: &[u8] = b"X-Mailtui-Outline: header and texts; the rest is at the mail server\r\n";

/// The beginning of a message of which only this header and some parts are here; `None` where that
/// is no header with its empty line.
#[must_use]
pub fn outlined(header: &[u8]) -> Option<Vec<u8>> {
    let whole = header_end(header) == Some(header.len());
    whole.then(|| [MARK, header].concat())
}

/// The hash of a message's header, whatever follows it.
#[must_use]
pub fn header_hash(raw: &[u8]) -> [u8; 32] {
    canonical_hash(&raw[..header_end(raw).unwrap_or(raw.len())])
}

/// Where the empty line ends that ends a header.
fn header_end(raw: &[u8]) -> Option<usize> {
    let mut rest = raw;
    while !rest.is_empty() {
        let (line, after) = next_line(rest);
        if line.is_empty() {
            return (after.len() < rest.len()).then(|| raw.len() - after.len());
        }
        rest = after;
    }
    None
}
