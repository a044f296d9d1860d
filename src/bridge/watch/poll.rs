//! Changes of a tree by looking through it: where the system does not tell.
//!
//! Invariant: no file is opened. A directory whose time is so young that a further change might not
//! move it is named again the next time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Touched;
use crate::bridge::maildir;

/// A time younger than this may stand for a later change too: file systems count in steps.
const YOUNG: Duration = Duration::from_secs(2);

/// How a directory looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    print: u64,
    young: bool,
}

/// How a tree looked last.
#[derive(Debug)]
pub(super) struct Poll {
    roots: Vec<PathBuf>,
    last: BTreeMap<PathBuf, Look>,
}

impl Poll {
    /// As these directories and what lies below them look now.
    pub(super) fn of(roots: &[PathBuf]) -> Self {
        Self { roots: roots.to_vec(), last: looks(roots) }
    }

    /// What looks otherwise than it did.
    pub(super) fn look(&mut self) -> Option<Touched> {
        let now = looks(&self.roots);
        let mut touched: BTreeSet<PathBuf> = BTreeSet::new();
        for (dir, look) in &now {
            let was = self.last.get(dir);
            if was.is_none_or(|was| was.young || was.print != look.print) {
                touched.insert(dir.clone());
            }
        }
        touched.extend(self.last.keys().filter(|dir| !now.contains_key(*dir)).cloned());
        self.last = now;
        (!touched.is_empty()).then(|| Touched::In(BTreeSet::new()).and(Touched::In(touched)))
    }
}

fn looks(roots: &[PathBuf]) -> BTreeMap<PathBuf, Look> {
    let mut looks = BTreeMap::new();
    for root in roots {
        super::directories(root, &mut |dir| {
            if let Ok(metadata) = fs::metadata(dir) {
                looks.insert(dir.to_owned(), look(dir, &metadata));
            }
        });
    }
    looks
}

/// In a Maildir's parts files come and go, which the directory's time tells; elsewhere a file may
/// be written in place.
fn look(dir: &Path, metadata: &Metadata) -> Look {
    let mut print = DefaultHasher::new();
    let young = |metadata: &Metadata| {
        let age = metadata.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        age.is_none_or(|age| age < YOUNG)
    };
    let mut look = Look { print: 0, young: young(metadata) };
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec()).hash(&mut print);
    let part = dir.file_name().is_some_and(|n| maildir::holds_messages(&n.to_string_lossy()));
    if !part {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some((entry.file_name(), entry.metadata().ok()?)))
            .filter(|(_, metadata)| metadata.is_file())
            .collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, file) in files {
            (name, file.len(), file.mtime(), file.mtime_nsec(), file.ctime()).hash(&mut print);
            look.young |= young(&file);
        }
    }
    look.print = print.finish();
    look
}
