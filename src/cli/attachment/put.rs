//! A file from a mail, put into a directory of the user's.
//!
//! Invariant: a file that is there is never written over and no link is followed: the name is made
//! anew, or another is taken (`name (2).ext`). Only the user can read it, and nobody can run it.
//! What could not be written as a whole is taken away again.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::mail::file_ending;
use crate::safe_text;

/// How many names are tried.
const MAX_TRIES: usize = 10_000;

/// The name that an attachment gets as a file; its type says how one without a name ends.
pub(in crate::cli) fn file_name(name: Option<&str>, media_type: &str) -> String {
    match name.filter(|name| !name.trim().is_empty()) {
        Some(name) => safe_text::file_name(name),
        None => safe_text::file_name(&match file_ending(media_type) {
            Some(ending) => format!("attachment.{ending}"),
            None => "attachment".to_owned(),
        }),
    }
}

/// Writes a file into `dir`; its path.
///
/// # Errors
/// When the directory is not there or cannot be written to.
pub(in crate::cli) fn put(dir: &Path, name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    let (path, mut file) = make(dir, name)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(&path);
    }
    written.map(|()| path)
}

/// Makes a file that was not there.
fn make(dir: &Path, name: &str) -> std::io::Result<(PathBuf, File)> {
    for number in 1..=MAX_TRIES {
        let path = dir.join(numbered(name, number));
        // O_EXCL: what is there stays, a link that leads nowhere too.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (path, file)),
        }
    }
    Err(std::io::Error::other("too many files have this name already"))
}

/// `name.ext` as `name (2).ext`.
fn numbered(name: &str, number: usize) -> String {
    if number < 2 {
        return name.to_owned();
    }
    match name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) {
        Some((stem, ending)) => format!("{stem} ({number}).{ending}"),
        None => format!("{name} ({number})"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn nothing_is_written_over_and_no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("a.txt"), "mine").unwrap();
        symlink(at("victim"), at("a (2).txt")).unwrap();
        symlink(at("a.txt"), at("a (3).txt")).unwrap();
        let path = put(dir.path(), "a.txt", b"new").unwrap();
        assert_eq!(path, at("a (4).txt"));
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read(at("a.txt")).unwrap(), b"mine");
        assert!(!at("victim").exists());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert!(put(&at("none"), "a", b"").is_err());
    }

    #[test]
    fn names() {
        for (name, kind, file) in [
            (Some("../../.bashrc"), "text/plain", "_.._.bashrc"),
            (Some("a\u{202e}fdp.exe"), "x/y", "afdp.exe"),
            (Some("  "), "image/png", "attachment.png"),
            (None, "message/rfc822", "attachment.eml"),
            (None, "application/x-none", "attachment"),
        ] {
            assert_eq!(file_name(name, kind), file);
        }
        for (name, second) in [("a.tar.gz", "a.tar (2).gz"), ("a", "a (2)"), (".x", ".x (2)")] {
            assert_eq!(numbered(name, 2), second);
        }
    }
}
