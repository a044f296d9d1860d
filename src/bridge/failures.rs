//! The list of what was not taken in, with its place and reason.
//!
//! Invariant: bounded, and what is left off is counted; every text in it is safe to print. It must
//! not hold content of a message.

use std::io;
use std::path::Path;

use serde::{Serialize, Serializer};

use super::Failure;
use super::packed::PackedError;
use crate::safe_text;

/// Failures that are listed in one run; further ones are only counted.
pub const MAX_LISTED: usize = 10_000;

/// What failed, in a stable order, and how many were left off the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    listed: Vec<Failure>,
    left_off: u64,
}

impl Failures {
    /// Adds one.
    pub fn add(&mut self, path: &Path, offset: u64, code: &str, reason: &str) {
        if self.listed.len() >= MAX_LISTED {
            self.left_off += 1;
            return;
        }
        self.listed.push(Failure {
            path: path.to_owned(),
            offset,
            reason: safe_text::line(reason),
            code: safe_text::line(code),
        });
    }

    /// Adds what the system would not let us read, with its reason.
    pub fn add_io(&mut self, path: &Path, offset: u64, error: &io::Error) {
        match PackedError::of(error) {
            Some(packed) => self.add(path, offset, packed.code, &packed.reason),
            None => self.add(path, offset, "unreadable", &error.to_string()),
        }
    }

    /// Leaves out what `keep` does not want told.
    pub fn retain(&mut self, keep: impl FnMut(&Failure) -> bool) {
        self.listed.retain(keep);
    }

    /// What is listed.
    #[must_use]
    pub fn listed(&self) -> &[Failure] {
        &self.listed
    }

    /// How many are not listed.
    #[must_use]
    pub fn left_off(&self) -> u64 {
        self.left_off
    }

    /// How many there are in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.listed.len() as u64 + self.left_off
    }

    /// Puts the list in the order of path and offset, so that a run's report does not depend on
    /// the order in which a file system lists names.
    pub fn sort(&mut self) {
        self.listed.sort_by(|a, b| (&a.path, a.offset).cmp(&(&b.path, b.offset)));
    }
}

impl Serialize for Failures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.listed.serialize(serializer)
    }
}

/// A path as JSON and terminals may have it: names are bytes, and may hold escape sequences.
pub(crate) fn safe_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&safe_text::line(&path.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn the_list_is_bounded_and_safe() {
        let mut failures = Failures::default();
        let path = Path::new(std::ffi::OsStr::from_bytes(b"a\x1b]0;x\x07\xff"));
        for offset in 0..MAX_LISTED as u64 + 3 {
            failures.add(path, offset, "not-mail", "bell \u{7}");
        }
        assert_eq!((failures.listed().len(), failures.left_off()), (MAX_LISTED, 3));
        let json = serde_json::to_string(&failures.listed()[0]).unwrap();
        assert!(!json.contains("\\u001b") && !json.contains("\\u0007"), "{json}");
    }
}
