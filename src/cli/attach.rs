//! Files that are to be attached: read, and refused where they are none.
//!
//! Invariant: nothing is read that is not a regular file, nor more of it than can be sent; opening
//! waits for nobody. What a path's error says goes through `safe_text`.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::limits::MAX_MESSAGE_BYTES;
use crate::mail::file_type;
use crate::notice::{Exit, Notice};
use crate::safe_text;

/// The most that is attached to one message, in bytes: packed for mail it is a third longer.
pub(super) const MAX_ATTACHED_BYTES: u64 = MAX_MESSAGE_BYTES as u64 / 4 * 3 - 1024 * 1024;

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

/// Reads a file that is to be attached, of at most so many bytes.
pub(super) fn read(path: &Path, most: u64) -> Result<Part, Notice> {
    let too_large = || {
        let most = MAX_ATTACHED_BYTES / (1024 * 1024);
        let line = format!("{}: more than {most} MiB cannot be sent", shown(path));
        Notice::error("too-large", line, "share it in another way")
    };
    let bytes = bytes(path, most)?.ok_or_else(too_large)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = safe_text::file_name(&name.unwrap_or_default());
    let media_type = file_type(&name, &bytes).to_owned();
    Ok(Part { name, media_type, bytes })
}

/// What is in a file; `None` when that is more than `most` bytes.
pub(super) fn bytes(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Notice> {
    let name = shown(path);
    let file = open(path).map_err(|error| failed(&name, &error))?;
    let about = file.metadata().map_err(|error| failed(&name, &error))?;
    if !about.is_file() {
        let hint = "name a file; a directory can be packed first";
        let line = format!("{name} is not a file");
        return Err(Notice::error("not-a-file", line, hint).exit(Exit::Usage));
    }
    if about.len() > most {
        return Ok(None);
    }
    bounded(file, most).map_err(|error| failed(&name, &error))
}

/// Opens it, and waits for nobody at the other end of what is a pipe.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// What is there to read; `None` when that is more than `most` bytes.
pub(super) fn bounded(from: impl Read, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// Why it could not be read.
pub(super) fn failed(name: &str, error: &std::io::Error) -> Notice {
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let exit = if missing { Exit::NotFound } else { Exit::Error };
    Notice::error("file", format!("{name}: {error}"), "name a file that can be read").exit(exit)
}

/// A path for people.
pub(super) fn shown(path: &Path) -> String {
    safe_text::line(&path.to_string_lossy())
}

/// A path as it was typed, with `~` for the user's home.
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
        let part = read(&at("notes.txt"), 5).unwrap();
        assert_eq!((part.name.as_str(), &*part.media_type), ("notes.txt", "text/plain"));
        let large = File::create(at("large")).unwrap();
        large.set_len(MAX_ATTACHED_BYTES + 1).unwrap();
        // A pipe that nobody writes to.
        let fifo = rustix::fs::FileType::Fifo;
        let rights = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), fifo, rights, 0).unwrap();
        for (name, most, code, exit) in [
            ("none", 5, "file", Exit::NotFound),
            (".", 5, "not-a-file", Exit::Usage),
            ("pipe", 5, "not-a-file", Exit::Usage),
            ("notes.txt", 4, "too-large", Exit::Error),
            ("large", MAX_ATTACHED_BYTES, "too-large", Exit::Error),
        ] {
            let refused = read(&at(name), most).unwrap_err();
            assert_eq!((refused.code, refused.exit), (code, exit), "{name}");
        }
    }
}
