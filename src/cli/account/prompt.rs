//! Asks for a password without showing it.
//!
//! Invariant: the terminal gets its modes back however the question ends, and what was typed is
//! wiped. Keys are taken one by one, so that Ctrl-C is an answer here and leaves no terminal
//! without echo behind.

use std::fs::File;
use std::io::{Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::{Zeroize as _, Zeroizing};

use crate::account::{AccountError, Password};

/// The longest line that is taken, in bytes.
const MAX_LINE_BYTES: usize = 4096;

/// The terminal's modes, put back at the end.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn begin(terminal: &'a File) -> std::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// What came of the question.
#[derive(Debug)]
pub(super) enum Asked {
    /// An answer.
    Password(Password),
    /// Nobody can be asked.
    Nobody,
    /// The user stopped it.
    Stopped,
}

/// Asks on the terminal that this process is at.
pub(super) fn ask(question: &str) -> Result<Asked, AccountError> {
    let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") else {
        return Ok(Asked::Nobody);
    };
    let Ok(handle) = terminal.try_clone() else { return Ok(Asked::Nobody) };
    let Ok(quiet) = Quiet::begin(&handle) else { return Ok(Asked::Nobody) };
    let _ = terminal.write_all(question.as_bytes());
    let line = line(&terminal);
    let _ = terminal.write_all(b"\r\n");
    drop(quiet);
    line.map_or(Ok(Asked::Stopped), |line| Password::first_line(&line).map(Asked::Password))
}

/// What a key does to the line.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    On,
    End,
    Stop,
}

/// A line as it is typed; `None` when the user stops it or goes away.
fn line(mut terminal: &File) -> Option<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE_BYTES));
    let mut byte = [0];
    while matches!(terminal.read(&mut byte), Ok(1)) {
        match key(&mut line, byte[0]) {
            Key::On => {}
            Key::End => return Some(line),
            Key::Stop => return None,
        }
    }
    byte.zeroize();
    None
}

fn key(line: &mut Vec<u8>, byte: u8) -> Key {
    match byte {
        b'\r' | b'\n' => return Key::End,
        // Ctrl-C, Ctrl-D, Ctrl-\
        3 | 4 | 28 => return Key::Stop,
        // Backspace, in both forms: one character, which may have several bytes.
        8 | 127 => while line.pop().is_some_and(|last| last & 0xc0 == 0x80) {},
        // Ctrl-U
        21 => line.clear(),
        _ if line.len() < MAX_LINE_BYTES => line.push(byte),
        _ => {}
    }
    Key::On
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_typed_and_mended() {
        let check = |typed: &str, want: &str, end: Key| {
            let mut line = Vec::new();
            let keys: Vec<Key> = typed.bytes().map(|byte| key(&mut line, byte)).collect();
            assert_eq!(String::from_utf8_lossy(&line), want, "{typed:?}");
            assert_eq!(keys.last(), Some(&end), "{typed:?}");
        };
        check("hush\r", "hush", Key::End);
        check("hux\u{7f}sh\n", "hush", Key::End);
        check("hä\u{8}\u{8}\u{8}ush\n", "ush", Key::End);
        check("wrong\u{15}hush\n", "hush", Key::End);
        check("hu\u{3}", "hu", Key::Stop);
        check("hu\u{4}", "hu", Key::Stop);
        check(&"x".repeat(MAX_LINE_BYTES + 9), &"x".repeat(MAX_LINE_BYTES), Key::On);
    }
}
