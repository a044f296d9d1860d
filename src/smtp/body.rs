//! The bytes of a message: what may be sent, and how it stands on the wire.
//!
//! Invariant: a message has no bare CR and no bare LF, so that no server, however it reads line
//! ends, can find the end of it before its end (SMTP smuggling; RFC 5321, 2.3.8 and 4.1.1.4).
//! Nothing of it is changed but the dots that begin lines, which the server takes back.

use super::SmtpError;

/// The longest line, in bytes without its end (RFC 5321, 4.5.3.1.6).
const MAX_LINE_BYTES: usize = 998;
/// The bytes of a message that are sent at a time.
pub(super) const BLOCK_BYTES: usize = 16 * 1024;

/// What a message needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    /// 8BITMIME: a byte above 127.
    pub(super) eight_bit: bool,
    /// SMTPUTF8: such a byte in its header (RFC 6532).
    pub(super) utf8: bool,
    /// Bytes to declare (RFC 1870, 3): line ends count, added dots do not.
    pub(super) size: usize,
    /// Its last line has no end, and gets one.
    pub(super) open: bool,
}

/// Looks at every byte.
///
/// # Errors
/// Which line cannot be sent, and why.
pub(super) fn look(message: &[u8]) -> Result<Needs, SmtpError> {
    if message.is_empty() {
        return Err(SmtpError::Empty);
    }
    let open = !message.ends_with(b"\r\n");
    let size = message.len() + if open { 2 } else { 0 };
    let mut needs = Needs { eight_bit: false, utf8: false, size, open };
    let (mut line, mut length, mut header) = (1_usize, 0_usize, true);
    let mut bytes = message.iter().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' if bytes.peek() == Some(&&b'\n') => {
                bytes.next();
                header &= length > 0;
                (line, length) = (line + 1, 0);
                continue;
            }
            b'\r' | b'\n' => return Err(SmtpError::BareLineEnd { line }),
            0 => return Err(SmtpError::Nul { line }),
            128.. => {
                needs.eight_bit = true;
                needs.utf8 |= header;
            }
            _ => {}
        }
        length += 1;
        if length > MAX_LINE_BYTES {
            return Err(SmtpError::LongLine { line });
        }
    }
    Ok(needs)
}

/// Puts a second dot before each that begins a line (RFC 5321, 4.5.2), a block at a time.
#[derive(Debug)]
pub(super) struct Dots {
    at_start: bool,
}

impl Dots {
    pub(super) const fn new() -> Self {
        Self { at_start: true }
    }

    /// The next block as it stands on the wire.
    pub(super) fn stuff(&mut self, block: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(block.len() + 16);
        for byte in block {
            if self.at_start && *byte == b'.' {
                out.push(b'.');
            }
            out.push(*byte);
            self.at_start = *byte == b'\n';
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_end_a_message_early_is_refused() {
        let check = |message: &[u8], want: &str| {
            let got = look(message).map_err(|error| error.to_string());
            let line = "line";
            match got {
                Ok(_) => assert_eq!(want, "", "{message:?}"),
                Err(said) => assert!(!want.is_empty() && said.contains(want), "{said} {line}"),
            }
        };
        check(b"a: b\r\n\r\nc\r\n", "");
        check(b"a: b\r\n\r\nc", "");
        check(b"", "empty");
        check(b"a\n.\r\nMAIL FROM:<x@y>", "line 1");
        check(b"a\r\n\n.\n", "line 2");
        check(b"a\r\n.\r", "line 2");
        check(b"a\r\n.\rb\r\n", "line 2");
        check(b"a\r\r\nb", "line 1");
        check(b"a\r\nb\0\r\n", "line 2");
        check(&[b'x'; 998], "");
        check(&[b'x'; 999], "line 1");
        check(&[b"y\r\n".to_vec(), vec![b'x'; 999]].concat(), "line 2");
    }

    #[test]
    fn what_it_needs_is_seen() {
        let check = |message: &[u8], eight_bit: bool, utf8: bool, size: usize| {
            let needs = look(message).unwrap();
            let got = (needs.eight_bit, needs.utf8, needs.size);
            assert_eq!(got, (eight_bit, utf8, size), "{message:?}");
        };
        check(b"a: b\r\n\r\nc\r\n", false, false, 11);
        check(b"a: b\r\n\r\nc", false, false, 11);
        check("a: b\r\n\r\né\r\n".as_bytes(), true, false, 12);
        check("a: é\r\n\r\nb\r\n".as_bytes(), true, true, 12);
        check(b"\r\n..\r\n", false, false, 6);
    }

    /// As a server takes dots back (RFC 5321, 4.5.2), up to the end of the message.
    fn taken(wire: &[u8]) -> (Vec<u8>, usize) {
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            let end = wire[at..].windows(2).position(|two| two == b"\r\n").unwrap() + at + 2;
            let line = &wire[at..end];
            if line == b".\r\n" {
                return (out, end);
            }
            out.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            at = end;
        }
    }

    proptest! {
        #[test]
        fn a_server_takes_what_was_given_and_nothing_ends_it_early(
            parts in prop::collection::vec(
                prop_oneof![4 => Just("."), 2 => Just("a"), 6 => Just("\r\n"), 1 => Just("\r"),
                    1 => Just("\n")],
                1..16,
            ),
            cut in 1_usize..9,
        ) {
            let message = parts.concat() + "\r\n";
            let bare = message.replace("\r\n", "").contains(['\r', '\n']);
            prop_assert_eq!(look(message.as_bytes()).is_err(), bare);
            let mut dots = Dots::new();
            let mut wire: Vec<u8> =
                message.as_bytes().chunks(cut).flat_map(|block| dots.stuff(block)).collect();
            wire.extend_from_slice(b".\r\n");
            if !bare {
                let (got, end) = taken(&wire);
                prop_assert_eq!(String::from_utf8(got).unwrap(), message);
                prop_assert_eq!(end, wire.len());
            }
        }
    }
}
