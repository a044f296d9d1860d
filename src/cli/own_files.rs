//! Files that the user writes (settings, themes, keys): how they are read, and by what it is seen
//! that they have changed.
//!
//! Invariant: they are read, never written; only what is a file is opened, since anything else
//! could be waited for, and never more of it is read than asked for. What is being written is left
//! alone until it rests: half of a file of keys would mean other keys.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

/// How often is looked whether files have changed; they are read when two looks see the same.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(400);

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

/// What was seen of files, and what of that was read.
#[derive(Debug)]
pub(super) struct Seen<S> {
    last: Option<S>,
    read: Option<S>,
}

impl<S: PartialEq + Clone> Seen<S> {
    /// Nothing yet: what was read before may have changed since.
    pub(super) const fn nothing() -> Self {
        Self { last: None, read: None }
    }

    /// Whether they are to be read, as they are `now`: they are other than what was read, and have
    /// not changed since the last look.
    pub(super) fn is_due(&mut self, now: S) -> bool {
        let rests = self.last.as_ref() == Some(&now);
        let is_due = rests && self.read.as_ref() != Some(&now);
        if is_due {
            self.read = Some(now.clone());
        }
        self.last = Some(now);
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_read_when_it_rests() {
        let mut seen = Seen::nothing();
        for (at, now, due) in [
            (0, "a", false),
            (1, "a", true),
            (2, "a", false),
            (3, "b", false),
            (4, "c", false),
            (5, "c", true),
            (6, "gone", false),
            (7, "c", false),
            (8, "c", false),
            (9, "d", false),
            (10, "d", true),
        ] {
            assert_eq!(seen.is_due(now), due, "look {at}");
        }
    }
}
