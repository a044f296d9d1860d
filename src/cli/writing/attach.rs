//! Files that go with a message, and texts from files.
//!
//! Invariant: nothing is read that is not a regular file or standard input, nor more of it than
//! can be sent; the bytes are on disk before a draft names them. What a path's error says goes
//! through `safe_text`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::cli::attach::{self, MAX_ATTACHED_BYTES, Part};
use crate::cli::home::Home;
use crate::cli::sheet;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::writing::Writing;
use crate::limits::MAX_MESSAGE_BYTES;
use crate::mail::compose::Attached;
use crate::notice::{Explain as _, Notice};

/// The longest text, in bytes.
const MAX_TEXT_BYTES: u64 = MAX_MESSAGE_BYTES as u64 / 2;
/// The most that is read of standard input, in bytes: more than a text may have is kept, not sent.
const MAX_PIPED_BYTES: u64 = 4 * MAX_TEXT_BYTES;

/// Reads files that are to be attached.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Part>, Notice> {
    let (mut parts, mut left) = (Vec::with_capacity(paths.len()), MAX_ATTACHED_BYTES);
    for path in paths {
        let part = attach::read(path, left)?;
        left -= part.bytes.len() as u64;
        parts.push(part);
    }
    Ok(parts)
}

/// Keeps what was read; on disk when this returns.
pub(super) fn keep(home: &Home, parts: Vec<Part>) -> Result<Vec<Attached>, Notice> {
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let mut writing = Writing::open(&home.dir).map_err(|error| error.notice())?;
    let mut keep = |part: Part| {
        let hash = writing.put(&part.bytes, SystemClock.now()).map_err(|error| error.notice())?;
        let size = part.bytes.len() as u64;
        Ok(Attached { name: part.name, media_type: part.media_type, hash, size })
    };
    parts.into_iter().map(&mut keep).collect()
}

/// A text of a file.
pub(super) fn text(path: &Path) -> Result<String, Notice> {
    let name = attach::shown(path);
    let bytes = attach::bytes(path, MAX_TEXT_BYTES)?.ok_or_else(|| too_long(&name))?;
    String::from_utf8(bytes).map_err(|_| no_text(&name))
}

/// What is piped in, which is nowhere else; and what is wrong with it.
pub(super) fn piped() -> Result<(String, Option<Notice>), Notice> {
    let name = "standard input";
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MAX_PIPED_BYTES).read_to_end(&mut bytes);
    read.map_err(|error| attach::failed(name, &error))?;
    let too_long = (bytes.len() as u64 > MAX_TEXT_BYTES).then(|| too_long(name));
    Ok(match String::from_utf8(bytes) {
        Ok(text) => (text, too_long),
        Err(error) => {
            (sheet::read(error.into_bytes()), Some(too_long.unwrap_or_else(|| no_text(name))))
        }
    })
}

/// What is said of a text with characters that no mail has: what made it was not to be read.
pub(super) fn unreadable(text: &str) -> Option<Notice> {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let at = text.split('\n').position(|line| line.contains(odd))? + 1;
    let line = format!("line {at} of the text has control characters: they are sent as blanks");
    Some(Notice::warning("control", line, "a file that is no text is attached with --attach"))
}

fn too_long(name: &str) -> Notice {
    let line = format!("{name}: the text is longer than any message");
    Notice::error("too-large", line, "attach it with --attach")
}

fn no_text(name: &str) -> Notice {
    let hint = "convert it with iconv, or attach it with --attach";
    Notice::error("not-utf8", format!("{name}: the text is not UTF-8"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_share_what_a_message_may_have() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("notes.txt"), "hello").unwrap();
        std::fs::write(at("latin"), b"\xe4").unwrap();
        let large = std::fs::File::create(at("large")).unwrap();
        large.set_len(MAX_ATTACHED_BYTES).unwrap();
        assert_eq!(read(&[at("notes.txt"), at("large")]).unwrap_err().code, "too-large");
        assert_eq!(read(&[at("notes.txt"), at("notes.txt")]).unwrap().len(), 2);
        assert_eq!(text(&at("latin")).unwrap_err().code, "not-utf8");
        assert_eq!(text(&at("notes.txt")).unwrap(), "hello");
    }

    #[test]
    fn what_is_not_sent_as_it_is_is_said() {
        let check = |text: &str, line: Option<&str>| {
            let said = unreadable(text).map(|notice| notice.message);
            assert_eq!(said.as_deref().and_then(|said| said.split(" has ").next()), line);
        };
        check("a\tb\r\nc\u{e4}\n", None);
        check("a\nb\0c", Some("line 2 of the text"));
        check("\u{1b}[31mred", Some("line 1 of the text"));
    }
}
