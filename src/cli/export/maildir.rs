//! A Maildir that is written: folders, names, and what is there already.
//!
//! Invariant: nothing that is there is written over or taken away, but what this program left in
//! `tmp`. A file is under its name only when its bytes are on disk; so what is there is whole, and
//! an export that was broken off goes on.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::bridge::leave::folder;
use crate::label::Place;

/// Files that are brought to disk together.
const BATCH_FILES: usize = 500;
/// Bytes after which they are, however few.
const BATCH_BYTES: usize = 64 * 1024 * 1024;
/// The end of the unique part of names that are made here.
pub(super) const OURS: &str = ".mailtui";
/// The parts of a Maildir.
const PARTS: [&str; 3] = ["cur", "new", "tmp"];

/// A Maildir that is written.
pub(super) struct Maildir {
    dir: PathBuf,
    /// The unique parts of the names that are there.
    there: HashSet<String>,
    /// Files in `tmp`, with the names that they get.
    waiting: Vec<(PathBuf, PathBuf)>,
    bytes: usize,
}

/// A message as a file.
pub(super) struct Letter<'a> {
    /// The unique part of its name.
    pub(super) unique: &'a str,
    /// Its flags, as the end of its name.
    pub(super) flags: String,
    /// Its folder.
    pub(super) place: Place,
    /// When it is from, Unix seconds.
    pub(super) time: i64,
    /// What it is.
    pub(super) bytes: &'a [u8],
}

impl Maildir {
    /// Opens one, or makes it. A directory with other things in it is refused.
    pub(super) fn open(dir: &Path) -> std::io::Result<Self> {
        let mut maildir =
            Self { dir: dir.to_owned(), there: HashSet::new(), waiting: Vec::new(), bytes: 0 };
        let is_one = PARTS.iter().all(|part| dir.join(part).is_dir());
        if !is_one && dir.is_dir() && std::fs::read_dir(dir)?.next().is_some() {
            // One that was broken off while it was made has nothing but these.
            let mut entries = std::fs::read_dir(dir)?.flatten();
            let is_part = |name: &std::ffi::OsStr| PARTS.iter().any(|part| name == *part);
            if !entries.all(|entry| is_part(&entry.file_name())) {
                return Err(std::io::Error::other("it has other things in it, and is no Maildir"));
            }
        }
        for place in Place::ALL {
            let folder = folder(place);
            if place == Place::Inbox || dir.join(folder).is_dir() {
                maildir.make(folder)?;
                maildir.look(&dir.join(folder))?;
            }
        }
        Ok(maildir)
    }

    fn make(&self, folder: &str) -> std::io::Result<()> {
        for part in PARTS {
            let path = self.dir.join(folder).join(part);
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        Ok(())
    }

    fn look(&mut self, folder: &Path) -> std::io::Result<()> {
        for part in ["cur", "new"] {
            for entry in std::fs::read_dir(folder.join(part))? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                let unique = name.split([':', ';', '!']).next().unwrap_or_default();
                self.there.insert(unique.to_owned());
            }
        }
        Ok(())
    }

    /// Whether a message is there, in whatever folder and with whatever flags.
    pub(super) fn has(&self, unique: &str) -> bool {
        self.there.contains(unique)
    }

    /// Writes a message; under its name with [`Maildir::settle`] at the latest.
    pub(super) fn put(&mut self, letter: &Letter<'_>) -> std::io::Result<()> {
        let folder = folder(letter.place);
        if !self.dir.join(folder).join("tmp").is_dir() {
            self.make(folder)?;
        }
        let folder = self.dir.join(folder);
        let tmp = folder.join("tmp").join(letter.unique);
        // Of an export that was broken off; a link is taken away, not followed.
        match std::fs::remove_file(&tmp) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&tmp)?;
        file.write_all(letter.bytes)?;
        // Where a message does not say its date, its file does.
        let time = Duration::from_secs(u64::try_from(letter.time).unwrap_or(0));
        let _ = file.set_modified(SystemTime::UNIX_EPOCH + time);
        let name = folder.join("cur").join(format!("{}{}", letter.unique, letter.flags));
        self.there.insert(letter.unique.to_owned());
        self.waiting.push((tmp, name));
        self.bytes += letter.bytes.len();
        if self.waiting.len() >= BATCH_FILES || self.bytes >= BATCH_BYTES {
            self.settle()?;
        }
        Ok(())
    }

    /// Brings what was written to disk, and under its names.
    pub(super) fn settle(&mut self) -> std::io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let dir = File::open(&self.dir)?;
        sync(&dir)?;
        for (tmp, name) in std::mem::take(&mut self.waiting) {
            // A link is refused where a file of this name is there; a renaming would not be.
            match std::fs::hard_link(&tmp, &name) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => std::fs::remove_file(&tmp)?,
            }
        }
        self.bytes = 0;
        sync(&dir)
    }
}

/// Brings all that was written to the file system to disk: one wait for many files.
#[cfg(target_os = "linux")]
fn sync(dir: &File) -> std::io::Result<()> {
    Ok(rustix::fs::syncfs(dir)?)
}

/// Brings all that was written to disk.
#[cfg(not(target_os = "linux"))]
fn sync(_dir: &File) -> std::io::Result<()> {
    rustix::fs::sync();
    Ok(())
}
