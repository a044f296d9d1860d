//! What a mail program wrote into a stored message about it, without reading the message.
//!
//! Invariant: the same words as [`super::parse`] finds; only the header is looked at.

use super::defect::Defects;
use super::{Flags, field, status};

/// The flags and the label names that stand in a message's own header.
#[must_use]
pub fn stored(raw: &[u8]) -> (Option<Flags>, Vec<String>) {
    let mut defects = Defects::default();
    let head = field::message(raw, &mut defects);
    (status::flags(&head), status::keywords(&head, &mut defects))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_what_the_whole_message_says() {
        for raw in ["Subject: x\n\nStatus: RO\n", "Status: RO\nX-Keywords: a b\n\nx", "X-Status: F"]
        {
            let parsed = super::super::parse(raw.as_bytes());
            assert_eq!(stored(raw.as_bytes()), (parsed.status, parsed.keywords), "{raw:?}");
        }
    }
}
