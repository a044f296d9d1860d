//! Files that the user writes (settings, themes, keys): how they are read, and by what it is seen
//! that they have changed.
//!
//! Invariant: they are read, never written; only what is a file is opened, since anything else
//! could be waited for, and never more of it is read than asked for.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// By what a file is known to be the one that was read: its number, size and time; `None` where
/// there is none.
pub(super) type Stamp = Option<(u64, u64, i64, i64)>;

/// What the file is known by now.
pub(super) fn stamp(path: &Path) -> Stamp {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}

/// At most `most` bytes of it; `None` where there is no such file.
///
/// # Errors
/// A line that says why it cannot be read.
pub(super) fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, String> {
    let said = |error: std::io::Error| crate::safe_text::line(&error.to_string());
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Err("it is no file".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(said(error)),
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(said)?;
    Ok(Some(bytes))
}
