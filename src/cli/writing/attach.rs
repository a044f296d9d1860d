//! Files that go with a message, and texts from files.
//!
//! Invariant: nothing is read that is not a regular file or standard input, nor more of it than
//! can be sent; the bytes are on disk before a draft names them. What a path's error says goes
//! through `safe_text`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cli::home::Home;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::writing::Writing;
use crate::limits::MAX_MESSAGE_BYTES;
use crate::mail::compose::Attached;
use crate::mail::file_type;
use crate::notice::{Exit, Explain as _, Notice};
use crate::safe_text;

/// The most that is attached to one message, in bytes: packed for mail it is a third longer.
const MAX_ATTACHED_BYTES: u64 = MAX_MESSAGE_BYTES as u64 / 4 * 3 - 1024 * 1024;
/// The longest text, in bytes.
const MAX_TEXT_BYTES: u64 = MAX_MESSAGE_BYTES as u64 / 2;

/// A file that was read, to be attached.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its name, as it is sent.
    pub(super) name: String,
    /// Its media type.
    pub(super) media_type: String,
    /// What is in it.
    pub(super) bytes: Vec<u8>,
}

/// Reads files that are to be attached.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Part>, Notice> {
    let (mut parts, mut left) = (Vec::with_capacity(paths.len()), MAX_ATTACHED_BYTES);
    for path in paths {
        let too_large = || {
            let most = MAX_ATTACHED_BYTES / (1024 * 1024);
            let line = format!("{}: more than {most} MiB cannot be sent", shown(path));
            Notice::error("too-large", line, "share it in another way")
        };
        let bytes = bytes(path, left)?.ok_or_else(too_large)?;
        left -= bytes.len() as u64;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = safe_text::file_name(&name.unwrap_or_default());
        let media_type = file_type(&name, &bytes).to_owned();
        parts.push(Part { name, media_type, bytes });
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

/// A text from a file, or from standard input.
pub(super) fn text(path: Option<&Path>) -> Result<String, Notice> {
    let name = path.map_or_else(|| "standard input".to_owned(), shown);
    let bytes = if let Some(path) = path {
        bytes(path, MAX_TEXT_BYTES)?
    } else {
        bounded(std::io::stdin().lock(), MAX_TEXT_BYTES).map_err(|error| failed(&name, &error))?
    };
    let Some(bytes) = bytes else {
        let line = format!("{name}: the text is longer than any message");
        return Err(Notice::error("too-large", line, "attach it with --attach"));
    };
    String::from_utf8(bytes).map_err(|_| {
        let line = format!("{name}: the text is not UTF-8");
        let hint = "convert it with iconv, or attach it with --attach";
        Notice::error("not-utf8", line, hint)
    })
}

/// What is in a file; `None` when that is more than `most` bytes.
fn bytes(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Notice> {
    let name = shown(path);
    // Opening what is a pipe could wait for ever.
    let about = std::fs::metadata(path).map_err(|error| failed(&name, &error))?;
    if !about.is_file() {
        let hint = "name a file; a directory can be packed first";
        let line = format!("{name} is not a file");
        return Err(Notice::error("not-a-file", line, hint).exit(Exit::Usage));
    }
    let file = File::open(path).map_err(|error| failed(&name, &error))?;
    bounded(file, most).map_err(|error| failed(&name, &error))
}

fn bounded(from: impl Read, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

fn failed(name: &str, error: &std::io::Error) -> Notice {
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let exit = if missing { Exit::NotFound } else { Exit::Error };
    Notice::error("file", format!("{name}: {error}"), "nothing was written or sent").exit(exit)
}

fn shown(path: &Path) -> String {
    safe_text::line(&path.to_string_lossy())
}

/// A path as it was typed into an editor, with `~` for the user's home.
pub(super) fn expanded(typed: &str) -> PathBuf {
    match (typed.strip_prefix('~'), std::env::home_dir()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(typed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_what_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("notes.txt"), "hello").unwrap();
        let parts = read(&[at("notes.txt")]).unwrap();
        assert_eq!((parts[0].name.as_str(), &*parts[0].media_type), ("notes.txt", "text/plain"));
        std::fs::write(at("latin"), b"\xe4").unwrap();
        let large = File::create(at("large")).unwrap();
        large.set_len(MAX_ATTACHED_BYTES + 1).unwrap();
        for (name, code, exit) in [
            ("none", "file", Exit::NotFound),
            (".", "not-a-file", Exit::Usage),
            ("large", "too-large", Exit::Error),
        ] {
            let refused = read(&[at(name)]).unwrap_err();
            assert_eq!((refused.code, refused.exit), (code, exit), "{name}");
        }
        assert_eq!(read(&[at("notes.txt"), at("large")]).unwrap_err().code, "too-large");
        assert_eq!(text(Some(&at("latin"))).unwrap_err().code, "not-utf8");
        assert_eq!(text(Some(&at("notes.txt"))).unwrap(), "hello");
    }
}
