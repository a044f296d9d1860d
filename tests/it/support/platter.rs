//! What of a directory's files is on the disk, and what the machine only remembers: values, no I/O.
//!
//! Invariant: what was not synced may be lost in any part; what was synced never is. Bytes of a
//! file are kept by its sync, names of a directory by the directory's. Changes of names are kept in
//! their order, as a journal keeps them; bytes in any order, by sector or less.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::clock::Dice;

/// What is lost when the power goes.
#[derive(Debug, Clone)]
pub(crate) enum Loss {
    /// All that was not synced.
    All,
    /// A part of it, chosen by these dice.
    Some(Dice),
}

/// A change of bytes that is not synced.
#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Change {
    fn to(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, new) => {
                let end = at + new.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(new);
            }
            Self::Truncate(size) => bytes.truncate(*size),
        }
    }
}

/// A file, whatever it is called.
#[derive(Debug, Default)]
struct Inode {
    kept: Vec<u8>,
    changes: Vec<Change>,
    size: usize,
}

/// A change of names that is not synced.
#[derive(Debug, Clone)]
enum Naming {
    Add(PathBuf, u64),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    AddDir(PathBuf),
}

impl Naming {
    /// The directory whose sync keeps it.
    fn dir(&self) -> &Path {
        let (Self::Add(path, _) | Self::Remove(path) | Self::Rename(_, path) | Self::AddDir(path)) =
            self;
        path.parent().unwrap_or(Path::new(""))
    }

    fn to(&self, names: &mut BTreeMap<PathBuf, u64>, new_dirs: &mut BTreeSet<PathBuf>) {
        match self {
            Self::Add(path, inode) => drop(names.insert(path.clone(), *inode)),
            // A directory goes with all that is in it.
            Self::Remove(path) => names.retain(|name, _| !name.starts_with(path)),
            Self::Rename(from, to) => {
                let inside: Vec<PathBuf> =
                    names.keys().filter(|name| name.starts_with(from)).cloned().collect();
                for name in inside {
                    if let (Some(inode), Ok(rest)) = (names.remove(&name), name.strip_prefix(from))
                    {
                        let is_it = rest.as_os_str().is_empty();
                        names.insert(if is_it { to.clone() } else { to.join(rest) }, inode);
                    }
                }
                if new_dirs.remove(from) {
                    new_dirs.insert(to.clone());
                }
            }
            Self::AddDir(path) => drop(new_dirs.remove(path)),
        }
    }
}

/// All files that were ever opened through the disk.
#[derive(Debug, Default)]
pub(crate) struct Platter {
    names: BTreeMap<PathBuf, u64>,
    /// Names as they are on the disk.
    kept: BTreeMap<PathBuf, u64>,
    /// Directories that are not on the disk yet.
    new_dirs: BTreeSet<PathBuf>,
    journal: Vec<Naming>,
    inodes: BTreeMap<u64, Inode>,
    next: u64,
    /// How often what the machine shows, and what is on the disk, may have become something else.
    changes: (u64, u64),
}

impl Platter {
    /// The file of this name, if it is known.
    pub(crate) fn find(&self, path: &Path) -> Option<u64> {
        self.names.get(path).copied()
    }

    /// Two numbers that grow: while the first is the same, so is what the machine shows of files
    /// that it changes through the disk; while the second is, what a power cut would leave.
    pub(crate) const fn changes(&self) -> (u64, u64) {
        self.changes
    }

    /// A file that was there before anybody looked: it is on the disk as it is.
    pub(crate) fn found(&mut self, path: &Path, bytes: Vec<u8>) -> u64 {
        self.next += 1;
        self.changes.1 += 1;
        let size = bytes.len();
        self.inodes.insert(self.next, Inode { kept: bytes, changes: Vec::new(), size });
        self.names.insert(path.to_owned(), self.next);
        self.kept.insert(path.to_owned(), self.next);
        self.next
    }

    pub(crate) fn make(&mut self, path: &Path) -> u64 {
        self.next += 1;
        self.inodes.insert(self.next, Inode::default());
        self.name(Naming::Add(path.to_owned(), self.next));
        self.next
    }

    pub(crate) fn make_dir(&mut self, path: &Path) {
        self.changes.0 += 1;
        self.new_dirs.insert(path.to_owned());
        self.journal.push(Naming::AddDir(path.to_owned()));
    }

    pub(crate) fn remove(&mut self, path: &Path) {
        self.name(Naming::Remove(path.to_owned()));
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) {
        self.name(Naming::Rename(from.to_owned(), to.to_owned()));
    }

    fn name(&mut self, naming: Naming) {
        self.changes.0 += 1;
        naming.to(&mut self.names, &mut BTreeSet::new());
        self.journal.push(naming);
    }

    pub(crate) fn size(&self, inode: u64) -> usize {
        self.inodes.get(&inode).map_or(0, |inode| inode.size)
    }

    pub(crate) fn write(&mut self, inode: u64, at: usize, bytes: &[u8]) {
        self.changes.0 += 1;
        let Some(inode) = self.inodes.get_mut(&inode) else { return };
        inode.size = inode.size.max(at + bytes.len());
        inode.changes.push(Change::Write(at, bytes.to_vec()));
    }

    pub(crate) fn truncate(&mut self, inode: u64, size: usize) {
        self.changes.0 += 1;
        let Some(inode) = self.inodes.get_mut(&inode) else { return };
        inode.size = inode.size.min(size);
        inode.changes.push(Change::Truncate(size));
    }

    pub(crate) fn sync(&mut self, inode: u64) {
        self.changes.1 += 1;
        let Some(inode) = self.inodes.get_mut(&inode) else { return };
        for change in inode.changes.drain(..) {
            change.to(&mut inode.kept);
        }
    }

    /// A sync failed: the system takes what it could not write for written, so that no later sync
    /// brings it to the disk.
    pub(crate) fn fail_sync(&mut self, inode: u64) {
        self.changes.1 += 1;
        let Some(inode) = self.inodes.get_mut(&inode) else { return };
        inode.changes.clear();
    }

    pub(crate) fn sync_dir(&mut self, dir: &Path) {
        self.changes.1 += 1;
        let (synced, rest) = self.journal.drain(..).partition(|naming| naming.dir() == dir);
        self.journal = rest;
        let synced: Vec<Naming> = synced;
        for naming in synced {
            naming.to(&mut self.kept, &mut self.new_dirs);
        }
    }

    /// Whether anything would be lost.
    pub(crate) fn is_synced(&self) -> bool {
        self.journal.is_empty() && self.inodes.values().all(|inode| inode.changes.is_empty())
    }

    /// What a power cut would leave that takes all it can, file by file.
    pub(crate) fn kept(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = self
            .kept
            .iter()
            .filter(|(path, _)| !self.new_dirs.iter().any(|dir| path.starts_with(dir)));
        files.map(|(path, inode)| (path.clone(), self.inodes[inode].kept.clone())).collect()
    }

    /// The power goes: what is there when the machine starts again, and which directories and files
    /// are gone.
    pub(crate) fn lose(&mut self, mut loss: Loss) -> Left {
        (self.changes.0, self.changes.1) = (self.changes.0 + 1, self.changes.1 + 1);
        let journal = std::mem::take(&mut self.journal);
        let kept = match &mut loss {
            Loss::All => 0,
            Loss::Some(dice) => dice.below(journal.len() + 1),
        };
        for naming in &journal[..kept] {
            naming.to(&mut self.kept, &mut self.new_dirs);
        }
        for inode in self.inodes.values_mut() {
            inode.lose(&mut loss);
        }
        let lost_dirs = std::mem::take(&mut self.new_dirs);
        self.kept.retain(|path, _| !lost_dirs.iter().any(|dir| path.starts_with(dir)));
        let gone = self.names.keys().filter(|path| !self.kept.contains_key(*path));
        let gone = gone.cloned().collect();
        self.names = self.kept.clone();
        self.inodes.retain(|inode, _| self.kept.values().any(|kept| kept == inode));
        let files = self.names.iter().map(|(path, inode)| (path.clone(), &self.inodes[inode].kept));
        Left { files: files.map(|(path, kept)| (path, kept.clone())).collect(), gone, lost_dirs }
    }
}

impl Inode {
    fn lose(&mut self, loss: &mut Loss) {
        let changes = std::mem::take(&mut self.changes);
        if let Loss::Some(dice) = loss {
            // In order up to a place, or any.
            let (in_order, until) = (dice.once_in(2), dice.below(changes.len() + 1));
            for (n, change) in changes.into_iter().enumerate() {
                let reached = if in_order { n < until } else { dice.once_in(2) };
                match change {
                    change if reached => change.to(&mut self.kept),
                    // One that was under way, or one of several, is torn.
                    Change::Write(at, bytes) if n == until || !in_order && dice.once_in(4) => {
                        tear(&mut self.kept, at, &bytes, dice);
                    }
                    _ => {}
                }
            }
        }
        self.size = self.kept.len();
    }
}

/// The unit that a disk writes, in bytes.
const SECTOR: usize = 512;

/// Some sectors of a write reach the disk, or its beginning up to the middle of one.
fn tear(kept: &mut Vec<u8>, at: usize, bytes: &[u8], dice: &mut Dice) {
    if dice.once_in(2) {
        let part = dice.below(bytes.len() + 1);
        return Change::Write(at, bytes[..part].to_vec()).to(kept);
    }
    for (n, sector) in bytes.chunks(SECTOR).enumerate() {
        if dice.once_in(2) {
            Change::Write(at + n * SECTOR, sector.to_vec()).to(kept);
        }
    }
}

/// What a power cut leaves.
#[derive(Debug)]
pub(crate) struct Left {
    /// Every file with its bytes.
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    /// Files whose names are gone.
    pub(crate) gone: Vec<PathBuf>,
    /// Directories that are gone with all that is in them.
    pub(crate) lost_dirs: BTreeSet<PathBuf>,
}

#[test]
fn what_is_synced_is_kept_and_nothing_else_for_sure() {
    let (dir, path, other) = (Path::new("/d"), Path::new("/d/f"), Path::new("/d/g"));
    let mut platter = Platter::default();
    let file = platter.make(path);
    platter.write(file, 0, b"old");
    platter.sync(file);
    platter.sync_dir(dir);
    platter.write(file, 2, b"new");
    platter.rename(path, other);
    assert_eq!((platter.size(file), platter.find(path), platter.is_synced()), (5, None, false));
    let left = platter.lose(Loss::All);
    assert_eq!(left.files, BTreeMap::from([(path.to_owned(), b"old".to_vec())]));
    assert_eq!(left.gone, [other]);
    assert!(platter.is_synced());

    let file = platter.find(path).unwrap();
    platter.write(file, 0, b"lost");
    platter.fail_sync(file);
    platter.sync(file);
    assert_eq!(platter.lose(Loss::All).files[path], b"old", "the second sync says nothing");

    platter.make_dir(Path::new("/d/e"));
    let deep = platter.make(Path::new("/d/e/f"));
    platter.sync(deep);
    platter.sync_dir(Path::new("/d/e"));
    assert_eq!(platter.lose(Loss::All).lost_dirs.len(), 1, "its parent was not synced");
    assert_eq!(platter.find(Path::new("/d/e/f")), None);
}

#[test]
fn a_directory_moves_with_what_is_in_it() {
    let path = Path::new;
    let mut platter = Platter::default();
    let file = platter.found(path("/d/old/f"), b"old".to_vec());
    platter.found(path("/d/older"), Vec::new());
    platter.rename(path("/d/old"), path("/d/aside"));
    assert_eq!(
        (platter.find(path("/d/aside/f")), platter.find(path("/d/old/f"))),
        (Some(file), None)
    );
    assert_eq!(platter.lose(Loss::All).gone, [path("/d/aside/f")], "it was not synced");
    platter.rename(path("/d/old"), path("/d/aside"));
    platter.sync_dir(path("/d"));
    platter.remove(path("/d/aside"));
    platter.sync_dir(path("/d"));
    assert_eq!(platter.lose(Loss::All).files.into_keys().collect::<Vec<_>>(), [path("/d/older")]);
}

#[test]
fn dice_lose_all_or_none_or_tear() {
    let path = Path::new("/d/f");
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let mut platter = Platter::default();
        let file = platter.found(path, vec![0; 4]);
        platter.write(file, 0, &[1, 1]);
        platter.write(file, 2, &[2, 2]);
        seen.insert(platter.lose(Loss::Some(Dice::new(seed))).files[path].clone());
    }
    for wanted in [[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 2, 2], [1, 1, 2, 2], [1, 0, 0, 0]] {
        assert!(seen.contains(wanted.as_slice()), "{wanted:?} of {seen:?}");
    }
}
