//! Which of the files that were found are as they were when last read, which are new, changed or
//! only renamed, and which that were there are not.
//!
//! Invariant: no file is opened here. A file counts as gone only when the system says that it is
//! not there: what cannot be looked at is left as it was.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::discover::Source;
use super::ledger::{FileRow, Ledger, LeftOut, Stamp};
use super::report::ImportRequest;
use crate::id::ThreadId;

/// Rows of a directory that no file was found for yet.
type Left = HashMap<OsString, FileRow>;

/// What a survey found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Named paths, absolute and without links.
    pub(super) roots: Vec<PathBuf>,
    /// Files to read, by their place in the list, in its order; with the row of what was there.
    pub(super) read: Vec<(usize, Option<Box<FileRow>>)>,
    /// Files that were another before, and need not be read.
    pub(super) renamed: Vec<(usize, PathBuf, FileRow)>,
    /// Rows whose file is gone, with its path.
    pub(super) lost: Vec<(PathBuf, FileRow)>,
    /// Messages in files that are as they were.
    pub(super) same: u64,
    /// Messages that were left out of those files.
    pub(super) left_out: LeftOut,
    /// The bytes of those files.
    pub(super) same_bytes: u64,
    /// Their threads.
    pub(super) touched: HashSet<ThreadId>,
}

/// A directory's path without links: the key of its rows. One that is gone is where it was.
pub(super) fn real_directory(dir: &Path) -> PathBuf {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    dir.canonicalize().unwrap_or_else(|_| match (dir.parent(), dir.file_name()) {
        (Some(parent), Some(name)) => real_directory(parent).join(name),
        _ => dir.to_owned(),
    })
}

impl Survey {
    /// Compares what was found with what is remembered. `whole` when the walk was not stopped:
    /// only then something can be missing. Files that are as they were are read again where tags
    /// beside them may have changed (`tagged`).
    pub(super) fn of(
        request: &ImportRequest,
        sources: &[Source],
        ledger: &mut dyn Ledger,
        whole: bool,
        tagged: bool,
    ) -> Self {
        let roots = request.paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
        let mut survey = Self { roots, ..Self::default() };
        let mut left: HashMap<PathBuf, Left> = HashMap::new();
        let mut here: Option<(&Path, PathBuf)> = None;
        for (at, source) in sources.iter().enumerate() {
            // Files of one directory follow on each other: its real path is asked for once.
            if here.as_ref().is_none_or(|(dir, _)| *dir != source.directory()) {
                here = Some((source.directory(), real_directory(source.directory())));
            }
            let Some((_, dir)) = &here else { continue };
            if !left.contains_key(dir) {
                left.insert(dir.clone(), ledger.directory(dir));
            }
            let row = left.get_mut(dir).and_then(|left| left.remove(source.name()));
            match row {
                Some(row)
                    if !(row.gone || tagged)
                        && row.stamp == Some(source.stamp)
                        && !(request.revive && row.left_out.purged > 0) =>
                {
                    survey.same += row.held.len() as u64;
                    survey.left_out.purged += row.left_out.purged;
                    survey.left_out.expunged += row.left_out.expunged;
                    survey.same_bytes += source.bytes();
                    survey.touched.extend(row.held.into_iter().map(|held| held.thread));
                }
                row => survey.read.push((at, row.map(Box::new))),
            }
        }
        if whole {
            survey.look_for_the_rest(request, ledger, left);
            survey.match_renamed(sources);
        }
        survey
    }

    /// Rows for which no file was found, in the directories that were looked at.
    fn look_for_the_rest(
        &mut self,
        request: &ImportRequest,
        ledger: &mut dyn Ledger,
        mut left: HashMap<PathBuf, Left>,
    ) {
        let mut directories: Vec<PathBuf> = Vec::new();
        if request.only.is_empty() {
            for root in self.roots.iter().filter(|root| root.is_dir()) {
                directories.extend(ledger.below(root));
            }
        } else {
            directories.extend(request.only.iter().map(|dir| real_directory(dir)));
        }
        directories.sort();
        directories.dedup();
        for dir in directories {
            let rows = match left.remove(&dir) {
                Some(rows) => rows,
                None => ledger.directory(&dir),
            };
            let mut rows: Vec<_> = rows.into_iter().collect();
            rows.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, row) in rows {
                let path = dir.join(name);
                if row.gone || is_absent(&path) {
                    self.lost.push((path, row));
                }
            }
        }
    }

    /// A file that is new under its name and was another before: renamed, or moved to another
    /// folder. Nothing needs to be read where its name says all that is said of its message.
    fn match_renamed(&mut self, sources: &[Source]) {
        let mut by_stamp: HashMap<Stamp, usize> = HashMap::new();
        for (at, (_, row)) in self.lost.iter().enumerate() {
            if let (Some(stamp), [held]) = (row.stamp, row.held.as_slice())
                && !held.header
                && stamp.changed == 0
            {
                by_stamp.insert(stamp, at);
            }
        }
        let mut taken = HashMap::new();
        self.read.retain(|(at, row)| {
            let source = &sources[*at];
            let was = (row.is_none() && !source.mbox).then(|| by_stamp.remove(&source.stamp));
            was.flatten().is_none_or(|was| {
                taken.insert(was, *at);
                false
            })
        });
        let lost = std::mem::take(&mut self.lost);
        for (was, (path, row)) in lost.into_iter().enumerate() {
            match taken.get(&was) {
                Some(at) => self.renamed.push((*at, path, row)),
                // What was gone already is listed once.
                None if row.gone => {}
                None => self.lost.push((path, row)),
            }
        }
        self.renamed.sort_by_key(|(at, ..)| *at);
    }
}

/// Whether a file is not there, or holds nothing any more: some programs leave an empty mbox.
fn is_absent(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(metadata) => metadata.is_file() && metadata.len() == 0,
        Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}
