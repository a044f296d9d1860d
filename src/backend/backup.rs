//! A backup: one file with the files of a cut, and what says that it is whole.
//!
//! Invariant: every byte is covered by a hash. A file of which a bit is flipped, or whose end is
//! missing, is no backup; nothing of it is used before all of it was read. It names the program's
//! formats by the files in it, so that an older one is brought to this one when it is put back.

use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::notice::{Exit, Notice};

/// How a backup begins.
const MAGIC: &[u8; 16] = b"mailtui-backup1\n";
/// How it ends, before the hash of all of it.
const END: &[u8; 8] = b"the end\n";
/// Bytes of a part, before it is compressed.
const PART_BYTES: usize = 1 << 20;
/// The longest list of contents that is read, in bytes.
const MAX_CONTENTS_BYTES: u32 = 64 * 1024;
/// The zstd level: most of what is in it is compressed already.
const LEVEL: i32 = 1;
/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Which backend it is of.
    pub backend: String,
    /// The epoch of its logs.
    pub epoch: String,
    /// When it was made, by that machine's clock, Unix seconds.
    pub at: i64,
    /// The program that made it.
    pub version: String,
    /// Its files: names in the backend's directory, and bytes.
    pub files: Vec<(String, u64)>,
}

/// Why a file is no backup, or none that can be read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is something else.
    #[error("it is not a backup of mailtui")]
    NotOne,
    /// A part of it is missing or changed.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It names files that this program does not know.
    #[error("it was made by a newer mailtui ({0})")]
    Newer(String),
    /// Somebody asked to stop.
    #[error("stopped")]
    Stopped,
    /// The disk refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What is wrong with the backup in `file`, as a notice.
#[must_use]
pub fn notice(file: &Path, error: &BackupError) -> Notice {
    let line = format!("{}: {error}", file.display());
    match error {
        BackupError::NotOne | BackupError::Damaged(_) => {
            Notice::error("damaged-backup", line, "nothing was changed; use another backup")
        }
        BackupError::Newer(_) => {
            Notice::error("newer", line, "use that version").exit(Exit::DataDir)
        }
        BackupError::Stopped => {
            Notice::error("stopped", "stopped; nothing was changed", "").exit(Exit::Stopped)
        }
        BackupError::Io(error) if error.kind() == io::ErrorKind::NotFound => {
            Notice::error("no-file", line, "look at its name").exit(Exit::NotFound)
        }
        BackupError::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
            let hint = "free some space and run the same command again";
            Notice::error("disk-full", "the disk is full; nothing half-written was kept", hint)
        }
        BackupError::Io(_) => Notice::error("io", line, "is there room, and may you write there?"),
    }
}

/// Told how many bytes are done; says whether to go on.
pub type GoOn<'a> = &'a mut dyn FnMut(u64) -> bool;

/// A writer or reader that hashes what goes through it.
struct Hashed<T> {
    inner: T,
    hasher: blake3::Hasher,
}

impl<T> Hashed<T> {
    fn new(inner: T) -> Self {
        Self { inner, hasher: blake3::Hasher::new() }
    }
}

impl<T: Write> Hashed<T> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.inner.write_all(bytes)
    }
}

impl<T: Read> Hashed<T> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BackupError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        self.inner.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BackupError::Damaged("its end is missing"),
            _ => BackupError::Io(error),
        })?;
        self.hasher.update(bytes);
        Ok(())
    }

    fn length(&mut self, most: u32) -> Result<usize, BackupError> {
        let length = u32::from_le_bytes(self.take()?);
        if length > most {
            return Err(BackupError::Damaged("a part of it is too long"));
        }
        usize::try_from(length).map_err(|_| BackupError::Damaged("a part of it is too long"))
    }
}

/// Writes a backup of the files of `contents` in `dir`.
///
/// # Errors
/// When the disk refuses, or `go_on` says no.
pub fn write(
    contents: &Contents,
    dir: &Path,
    to: &mut dyn Write,
    go_on: GoOn<'_>,
) -> Result<(), BackupError> {
    let mut to = Hashed::new(to);
    let list = serde_json::to_vec(contents).map_err(io::Error::from)?;
    to.put(MAGIC)?;
    to.put(&u32::try_from(list.len()).unwrap_or(u32::MAX).to_le_bytes())?;
    to.put(&list)?;
    to.put(blake3::hash(&list).as_bytes())?;
    let (mut done, mut part) = (0, vec![0; PART_BYTES]);
    for (name, size) in &contents.files {
        let mut file = std::fs::File::open(dir.join(name))?;
        let mut left = *size;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(PART_BYTES);
            file.read_exact(&mut part[..wanted])?;
            write_part(&mut to, &part[..wanted])?;
            left -= wanted as u64;
            done += wanted as u64;
            if !go_on(done) {
                return Err(BackupError::Stopped);
            }
        }
    }
    to.put(END)?;
    let all = to.hasher.finalize();
    to.inner.write_all(all.as_bytes())?;
    Ok(())
}

fn write_part(to: &mut Hashed<&mut dyn Write>, plain: &[u8]) -> Result<(), BackupError> {
    let packed = zstd::bulk::compress(plain, LEVEL)?;
    to.put(&u32::try_from(packed.len()).unwrap_or(u32::MAX).to_le_bytes())?;
    to.put(blake3::hash(plain).as_bytes())?;
    to.put(&packed)?;
    Ok(())
}

/// Reads a backup from beginning to end and checks all of it; its files are written into `into`
/// where one is given. What is written is a backup's only when this returns.
///
/// # Errors
/// When it is none, is damaged or newer, the disk refuses, or `go_on` says no.
pub fn read(
    from: &mut dyn Read,
    into: Option<&Path>,
    go_on: GoOn<'_>,
) -> Result<Contents, BackupError> {
    let mut from = Hashed::new(from);
    let magic: [u8; 16] = from.take().map_err(|error| match error {
        BackupError::Damaged(_) => BackupError::NotOne,
        other => other,
    })?;
    if magic != *MAGIC {
        return Err(BackupError::NotOne);
    }
    let contents = read_contents(&mut from)?;
    let mut done = 0;
    for (name, size) in &contents.files {
        let mut to = match into {
            Some(dir) => Some(crate::store::disk::Fresh::new(&dir.join(name)).map_err(stored)?),
            None => None,
        };
        let mut left = *size;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(PART_BYTES);
            let plain = read_part(&mut from, wanted)?;
            if let Some(to) = &mut to {
                to.write_all(&plain)?;
            }
            left -= wanted as u64;
            done += wanted as u64;
            if !go_on(done) {
                return Err(BackupError::Stopped);
            }
        }
        if let Some(to) = to {
            to.finish().map_err(stored)?;
        }
    }
    if from.take::<8>()? != *END {
        return Err(BackupError::Damaged("its end is another's"));
    }
    let all = from.hasher.finalize();
    if from.take::<HASH_BYTES>()? != *all.as_bytes() {
        return Err(BackupError::Damaged("its bytes are not those that were written"));
    }
    if from.inner.read(&mut [0])? != 0 {
        return Err(BackupError::Damaged("something follows its end"));
    }
    Ok(contents)
}

fn stored(error: crate::store::StoreError) -> BackupError {
    match error {
        crate::store::StoreError::Io { error, .. } => BackupError::Io(error),
        other => BackupError::Io(io::Error::other(other.to_string())),
    }
}

fn read_contents(from: &mut Hashed<&mut dyn Read>) -> Result<Contents, BackupError> {
    let damaged = BackupError::Damaged("what is in it cannot be read");
    let length = from.length(MAX_CONTENTS_BYTES)?;
    let mut list = vec![0; length];
    from.fill(&mut list)?;
    if from.take::<HASH_BYTES>()? != *blake3::hash(&list).as_bytes() {
        return Err(damaged);
    }
    let contents: Contents = serde_json::from_slice(&list).map_err(|_| damaged)?;
    let names: Vec<&str> = contents.files.iter().map(|(name, _)| name.as_str()).collect();
    let known = [super::FILES.as_slice(), &[super::cut::SNAPSHOTS]].concat();
    if names != super::FILES && names != known {
        return Err(BackupError::Newer(crate::safe_text::line(&contents.version)));
    }
    Ok(contents)
}

fn read_part(from: &mut Hashed<&mut dyn Read>, wanted: usize) -> Result<Vec<u8>, BackupError> {
    let most = zstd::zstd_safe::compress_bound(PART_BYTES);
    let length = from.length(u32::try_from(most).unwrap_or(u32::MAX))?;
    let hash: [u8; HASH_BYTES] = from.take()?;
    let mut packed = vec![0; length];
    from.fill(&mut packed)?;
    let plain = zstd::bulk::decompress(&packed, wanted).unwrap_or_default();
    if plain.len() != wanted || hash != *blake3::hash(&plain).as_bytes() {
        return Err(BackupError::Damaged("its bytes are not those that were written"));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(dir: &Path) -> (Contents, Vec<u8>) {
        let text = b"some mail and its index, ".repeat(100_000);
        std::fs::write(dir.join("threads.db"), &text).unwrap();
        std::fs::write(dir.join("mailbox.db"), b"rows").unwrap();
        let contents = Contents {
            backend: "b".to_owned(),
            epoch: "1.a".to_owned(),
            at: 7,
            version: "0".to_owned(),
            files: vec![("threads.db".to_owned(), text.len() as u64), ("mailbox.db".to_owned(), 4)],
        };
        let mut bytes = Vec::new();
        write(&contents, dir, &mut bytes, &mut |_| true).unwrap();
        (contents, bytes)
    }

    #[test]
    fn what_is_written_comes_back() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (contents, bytes) = backup(from.path());
        let back = read(&mut bytes.as_slice(), Some(to.path()), &mut |_| true).unwrap();
        assert_eq!(back, contents);
        for (name, _) in &contents.files {
            let file = |dir: &Path| std::fs::read(dir.join(name)).unwrap();
            assert!(file(from.path()) == file(to.path()), "{name}");
        }
        assert!(bytes.len() < 100_000, "{}", bytes.len());
    }

    #[test]
    fn a_flipped_bit_and_a_missing_end_are_recognised_wherever_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let (_, bytes) = backup(dir.path());
        let check = |bytes: &[u8]| read(&mut &bytes[..], None, &mut |_| true);
        assert!(check(&bytes).is_ok());
        for at in (0..bytes.len()).step_by(1 + bytes.len() / 2_000) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(check(&flipped).is_err(), "byte {at}");
            assert!(check(&bytes[..at]).is_err(), "cut at {at}");
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        assert!(matches!(check(&longer), Err(BackupError::Damaged(_))));
        assert!(matches!(check(b"Subject: mail\n\n"), Err(BackupError::NotOne)));
    }

    #[test]
    fn who_is_told_of_progress_can_stop_it() {
        let dir = tempfile::tempdir().unwrap();
        let (contents, bytes) = backup(dir.path());
        let stopped = write(&contents, dir.path(), &mut Vec::new(), &mut |_| false);
        assert!(matches!(stopped, Err(BackupError::Stopped)));
        let stopped = read(&mut bytes.as_slice(), None, &mut |_| false);
        assert!(matches!(stopped, Err(BackupError::Stopped)));
    }
}
