//! A conversation as an mbox file (mboxrd).
//!
//! Invariant: a file that is there is never written over; nobody but the user can read it.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;

/// An mbox file that is written.
pub(super) struct Mbox(BufWriter<File>);

impl Mbox {
    /// Makes the file.
    pub(super) fn new(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self(BufWriter::new(file)))
    }

    /// Writes a message of this time, Unix seconds.
    pub(super) fn put(&mut self, raw: &[u8], time: i64) -> std::io::Result<()> {
        self.0.write_all(&entry(raw, time))
    }

    /// Brings it to disk.
    pub(super) fn end(self) -> std::io::Result<()> {
        self.0.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
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
