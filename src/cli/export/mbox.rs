//! A conversation as an mbox file (mboxrd).
//!
//! Invariant: a file that is there is never written over; nobody but the user can read it. It is
//! under its name only when all of it is on disk; until then it is beside it, under a name that the
//! next export to the same file begins anew.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Error, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// The end of the name under which it is written.
const PART: &str = ".mailtui-part";

/// An mbox file that is written.
pub(super) struct Mbox {
    /// Where it is put when it is whole.
    path: PathBuf,
    /// Where it is until then; it is taken away when this goes.
    part: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Mbox {
    /// Begins the file. One that is there is refused; what an export left that was stopped is not.
    pub(super) fn new(path: &Path) -> std::io::Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(Error::new(ErrorKind::InvalidInput, "it has no name"));
        };
        if path.symlink_metadata().is_ok() {
            return Err(Error::from(ErrorKind::AlreadyExists));
        }
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(PART);
        let part = path.with_file_name(hidden);
        match std::fs::remove_file(&part) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        Ok(Self { path: path.to_owned(), part, file: Some(BufWriter::new(file)) })
    }

    /// Writes a message of this time, Unix seconds.
    pub(super) fn put(&mut self, raw: &[u8], time: i64) -> std::io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(&entry(raw, time)),
            None => Ok(()),
        }
    }

    /// Brings it to disk, and under its name.
    pub(super) fn end(mut self) -> std::io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let (ours, there) = (file.metadata()?, self.part.symlink_metadata()?);
        if (ours.dev(), ours.ino()) != (there.dev(), there.ino()) {
            return Err(Error::other("another export writes to it"));
        }
        match std::fs::hard_link(&self.part, &self.path) {
            // A file system without links; a renaming would write over.
            Err(error)
                if error.kind() != ErrorKind::AlreadyExists
                    && self.path.symlink_metadata().is_err() =>
            {
                std::fs::rename(&self.part, &self.path)?;
            }
            linked => linked?,
        }
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        File::open(dir.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Mbox {
    fn drop(&mut self) {
        // Whole, it has its own name by now; else it is of no use.
        let _ = std::fs::remove_file(&self.part);
    }
}

/// A message with its `From ` line; what looks like one in it is quoted.
fn entry(raw: &[u8], time: i64) -> Vec<u8> {
    let at = Timestamp::from_second(time).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut out =
        format!("From MAILER-DAEMON {}\n", at.strftime("%a %b %e %H:%M:%S %Y")).into_bytes();
    for line in raw.split_inclusive(|b| *b == b'\n') {
        let marks = line.iter().take_while(|b| **b == b'>').count();
        if line[marks..].starts_with(b"From ") {
            out.push(b'>');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\n") {
        out.push(b'\n');
    }
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::mbox::{Entry, MboxReader};

    #[test]
    fn a_file_is_there_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.mbox");
        let names = || std::fs::read_dir(dir.path()).unwrap().count();
        // What was stopped, as by a crash, is begun anew.
        std::fs::write(dir.path().join(".a.mbox.mailtui-part"), "half").unwrap();
        let mut mbox = Mbox::new(&path).unwrap();
        mbox.put(b"Subject: a\n\nb\n", 0).unwrap();
        assert!(!path.exists());
        drop(mbox);
        assert_eq!(names(), 0, "nothing is left of what was given up");
        let mut mbox = Mbox::new(&path).unwrap();
        mbox.put(b"Subject: a\n\nb\n", 0).unwrap();
        mbox.end().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("From ") && text.ends_with("Subject: a\n\nb\n\n"), "{text}");
        assert_eq!((names(), path.metadata().unwrap().mode() & 0o777), (1, 0o600));
        let refused = Mbox::new(&path).err().map(|error| error.kind());
        assert_eq!(refused, Some(ErrorKind::AlreadyExists));
        let late = Mbox::new(&dir.path().join("b")).unwrap();
        std::fs::write(dir.path().join("b"), "other").unwrap();
        assert!(late.end().is_err());
        assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), b"other");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let messages: [&[u8]; 3] = [
            b"Subject: a\n\nFrom here\n>From there\nx",
            b"Subject: b\n\n\n",
            b"Subject: c\r\n\r\nd\r\n",
        ];
        let file: Vec<u8> = messages.iter().flat_map(|raw| entry(raw, 1_714_986_000)).collect();
        let mut reader = MboxReader::new(&file[..], 1 << 20);
        for expected in messages {
            let Ok(Some(Entry::Message { raw, date, .. })) = reader.next_entry() else { panic!() };
            assert_eq!(date, Some(1_714_986_000));
            let trimmed = |raw: &[u8]| String::from_utf8_lossy(raw).trim_end().to_owned();
            assert_eq!(trimmed(&raw), trimmed(expected));
        }
    }
}
