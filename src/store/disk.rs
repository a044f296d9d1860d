//! What is done to files that must outlive a power cut, outside SQLite: made, replaced, synced.
//!
//! Invariant: what a function here has returned from is on disk with the directories that lead to
//! it; a file that is replaced is the old one or the new one, never a part. Everything here and
//! every database can be watched by a test, which then stands for the disk: it sees each step
//! before it is done, and may refuse it. A release build has no watchers.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

use crate::store::StoreError;

/// A step that is about to be done to a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// An empty file is made where none is.
    Make(&'a Path),
    /// A directory is made where none is.
    MakeDir(&'a Path),
    /// Bytes are put behind what a file holds.
    Append(&'a Path, &'a [u8]),
    /// What a file holds is written again where it is.
    Again(&'a Path),
    /// What a file holds goes to the disk.
    Sync(&'a Path),
    /// Which names a directory has goes to the disk.
    SyncDir(&'a Path),
    /// A file or a directory takes another name, and the place of what had it.
    Rename(&'a Path, &'a Path),
    /// The name of a file goes, or of a directory with all that is in it.
    Remove(&'a Path),
}

/// A test that stands for the disk below a directory.
pub trait Watch: Send + Sync {
    /// The SQLite VFS by which databases are opened.
    fn vfs(&self) -> &str;

    /// A step is about to be done.
    ///
    /// # Errors
    /// What the disk is to say instead of doing it.
    fn about_to(&self, step: Step<'_>) -> io::Result<()>;
}

/// While it lives, a test stands for the disk.
#[derive(Debug)]
#[must_use = "it is over when this is dropped"]
pub struct Watched(#[cfg_attr(not(debug_assertions), expect(dead_code))] u64);

/// Whether this build can be watched.
pub const CAN_BE_WATCHED: bool = cfg!(debug_assertions);

/// From now on `watch` stands for the disk below `dir`, an absolute path without links. In a
/// release build this is nothing.
pub fn watch(dir: &Path, watch: Arc<dyn Watch>) -> Watched {
    #[cfg(debug_assertions)]
    return watchers::add(dir, watch);
    #[cfg(not(debug_assertions))]
    {
        let _ = (dir, watch);
        Watched(0)
    }
}

#[cfg(debug_assertions)]
mod watchers {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{PoisonError, RwLock};

    use super::{Arc, Path, PathBuf, Watch, Watched};

    /// By the directory: a test may have hundreds of disks.
    type All = BTreeMap<PathBuf, (u64, Arc<dyn Watch>)>;

    static NEXT: AtomicU64 = AtomicU64::new(1);
    static ALL: RwLock<All> = RwLock::new(All::new());

    pub(super) fn add(dir: &Path, watch: Arc<dyn Watch>) -> Watched {
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let mut all = ALL.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(dir.to_owned(), (number, watch));
        Watched(number)
    }

    pub(super) fn of(path: &Path) -> Option<Arc<dyn Watch>> {
        let all = ALL.read().unwrap_or_else(PoisonError::into_inner);
        let mine = path.ancestors().find_map(|dir| all.get(dir));
        mine.map(|(_, watch)| Arc::clone(watch))
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            let mut all = ALL.write().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, (number, _)| *number != self.0);
        }
    }
}

#[inline]
fn watcher(path: &Path) -> Option<Arc<dyn Watch>> {
    #[cfg(debug_assertions)]
    return watchers::of(path);
    #[cfg(not(debug_assertions))]
    {
        let _ = path;
        None
    }
}

#[inline]
fn about_to(path: &Path, step: Step<'_>) -> io::Result<()> {
    watcher(path).map_or(Ok(()), |watch| watch.about_to(step))
}

fn io_of(path: &Path) -> impl Fn(io::Error) -> StoreError + '_ {
    |error| StoreError::Io { path: path.to_owned(), error }
}

/// A connection to the database at `path`.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    match watcher(path) {
        Some(watch) => Connection::open_with_flags_and_vfs(path, flags, watch.vfs()),
        None => Connection::open_with_flags(path, flags),
    }
}

/// Makes an empty file for its owner only where none is; one that is there gets these rights.
///
/// A file that is there is not opened: to close it again would give up the locks that SQLite holds
/// on it in this process.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    if !path.try_exists()? {
        about_to(path, Step::Make(path))?;
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
}

/// Makes `dir` and its parents where absent, readable by its owner only, for good; so is a
/// directory that is there and empty. One that holds something keeps the rights that its owner
/// gave it.
pub(crate) fn private_dir(dir: &Path) -> Result<(), StoreError> {
    let io = io_of(dir);
    let absent = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.is_dir();
    let mut missing: Vec<&Path> = dir.ancestors().take_while(absent).collect();
    while let Some(dir) = missing.pop() {
        about_to(dir, Step::MakeDir(dir)).map_err(&io)?;
        match DirBuilder::new().mode(0o700).create(dir) {
            // Another process was first.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => {}
            made => made.map_err(&io)?,
        }
        sync_parent(dir).map_err(&io)?;
    }
    if std::fs::read_dir(dir).map_err(&io)?.next().is_none() {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(&io)?;
    }
    Ok(())
}

/// Puts on disk which names the directory has that `path` lies in.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    let dir = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    about_to(dir, Step::SyncDir(dir))?;
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // A directory in which one may make files and not look, a file system that has no such
        // sync: there is nothing more to be done.
        Err(error)
            if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) =>
        {
            Ok(())
        }
        done => done,
    }
}

/// Syncs a write-ahead log to disk; one that is not there was copied into its file, synced.
///
/// # Errors
/// When the disk refuses.
pub fn sync_log(log: &Path) -> Result<(), StoreError> {
    let done = about_to(log, Step::Sync(log))
        .and_then(|()| File::open(log))
        .and_then(|file| file.sync_data());
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io_of(log)(error)),
        _ => Ok(()),
    }
}

/// Puts bytes behind the `size` bytes of a file that is there. Nobody may write it meanwhile.
pub(super) fn append(path: &Path, size: u64, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    about_to(path, Step::Append(path, bytes))?;
    OpenOptions::new().write(true).open(path)?.write_all_at(bytes, size)
}

/// Writes what a write-ahead log holds again, as it is and where it is, and syncs it: after a sync
/// that failed the system takes for written what it could not write. Nobody may write it meanwhile.
///
/// # Errors
/// When the disk refuses.
pub(super) fn write_again(log: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::FileExt as _;
    /// Bytes at a time.
    const PART: usize = 1024 * 1024;
    let io = io_of(log);
    let file = match OpenOptions::new().read(true).write(true).open(log) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        file => file.map_err(&io)?,
    };
    about_to(log, Step::Again(log)).map_err(&io)?;
    let (mut part, mut at) = (vec![0; PART], 0);
    loop {
        let read = file.read_at(&mut part, at).map_err(&io)?;
        if read == 0 {
            break;
        }
        file.write_all_at(&part[..read], at).map_err(&io)?;
        at += read as u64;
    }
    about_to(log, Step::Sync(log)).and_then(|()| file.sync_data()).map_err(&io)
}

/// Puts `bytes` in place of the file at `path`, for its owner only: a crash leaves the old file or
/// the new one.
///
/// # Errors
/// When the disk refuses; the old file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut fresh = Fresh::new(path)?;
    fresh.write_all(bytes).map_err(io_of(path))?;
    fresh.finish()
}

/// Writes a file for its owner only that may be lost, or left half written, at any time.
///
/// # Errors
/// When the disk refuses.
pub fn put_hint(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    let written = about_to(path, Step::Make(path))
        .and_then(|()| options.write(true).create(true).truncate(true).mode(0o600).open(path))
        .and_then(|mut file| file.write_all(bytes));
    written.map_err(io_of(path))
}

/// Makes a directory for its owner only where nothing is; for good when its parent is synced next.
///
/// # Errors
/// When something is there, or the system refuses.
pub fn make_dir(dir: &Path) -> Result<(), StoreError> {
    let made =
        about_to(dir, Step::MakeDir(dir)).and_then(|()| DirBuilder::new().mode(0o700).create(dir));
    made.map_err(io_of(dir))
}

/// Gives a file or a directory another name, of which nothing may be there; for good when both
/// directories are synced next.
///
/// # Errors
/// When the system refuses.
pub fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    let moved = about_to(from, Step::Rename(from, to)).and_then(|()| std::fs::rename(from, to));
    moved.map_err(io_of(to))
}

/// Puts on disk which names a directory has.
///
/// # Errors
/// When the disk refuses.
pub fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    sync_parent(&dir.join("any")).map_err(io_of(dir))
}

/// Removes a directory with what is in it; for good when its parent is synced next.
///
/// # Errors
/// When there is none, or the system refuses.
pub fn remove_tree(dir: &Path) -> Result<(), StoreError> {
    let gone = about_to(dir, Step::Remove(dir)).and_then(|()| std::fs::remove_dir_all(dir));
    gone.map_err(io_of(dir))
}

/// Removes a file; for good when its directory is synced next.
///
/// # Errors
/// When there is none, or the system refuses.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    about_to(path, Step::Remove(path)).map_err(io_of(path))?;
    std::fs::remove_file(path).map_err(io_of(path))
}

/// A file that is written beside the one whose place it takes when it is finished; one that is not
/// finished is removed.
#[derive(Debug)]
pub struct Fresh {
    path: PathBuf,
    /// Where it is written.
    beside: PathBuf,
    file: Option<File>,
}

impl Fresh {
    /// Begins a file that will be at `path`, for its owner only.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn new(path: &Path) -> Result<Self, StoreError> {
        let io = io_of(path);
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        // What a crash left may have other rights.
        if std::fs::symlink_metadata(&beside).is_ok() {
            about_to(&beside, Step::Remove(&beside)).map_err(&io)?;
            std::fs::remove_file(&beside).map_err(&io)?;
        }
        about_to(&beside, Step::Make(&beside)).map_err(&io)?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&beside).map_err(&io)?;
        Ok(Self { path: path.to_owned(), beside, file: Some(file) })
    }

    /// It takes its place, for good.
    ///
    /// # Errors
    /// When the disk refuses; what was in its place is then as it was.
    pub fn finish(mut self) -> Result<(), StoreError> {
        let io = io_of(&self.path);
        if let Some(file) = &self.file {
            about_to(&self.beside, Step::Sync(&self.beside)).map_err(&io)?;
            file.sync_all().map_err(&io)?;
        }
        about_to(&self.beside, Step::Rename(&self.beside, &self.path)).map_err(&io)?;
        std::fs::rename(&self.beside, &self.path).map_err(&io)?;
        self.file = None;
        sync_parent(&self.path).map_err(&io)
    }
}

impl Write for Fresh {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else { return Ok(0) };
        about_to(&self.beside, Step::Append(&self.beside, bytes))?;
        file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // The next try removes what stays.
            let _ = about_to(&self.beside, Step::Remove(&self.beside))
                .and_then(|()| std::fs::remove_file(&self.beside));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let beside = dir.path().join("f.new");
        std::fs::write(&beside, "what a crash left").unwrap();
        std::fs::set_permissions(&beside, Permissions::from_mode(0o644)).unwrap();
        replace(&path, b"one").unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), mode(&path)), (b"one".to_vec(), 0o600));
        let mut fresh = Fresh::new(&path).unwrap();
        fresh.write_all(b"tw").unwrap();
        drop(fresh);
        assert_eq!((std::fs::read(&path).unwrap(), beside.exists()), (b"one".to_vec(), false));
    }

    #[test]
    fn directories_that_are_made_are_private_and_those_that_hold_something_are_left() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        let deep = dir.path().join("a/b");
        private_dir(&deep).unwrap();
        assert_eq!((mode(&deep), mode(&dir.path().join("a"))), (0o700, 0o700));
        private_dir(dir.path()).unwrap();
        assert_eq!(mode(dir.path()), 0o755);
    }

    #[test]
    #[cfg(debug_assertions)]
    fn a_watcher_sees_each_step_before_it_is_done_and_may_refuse_it() {
        struct Told(Mutex<Vec<String>>);
        impl Watch for Told {
            fn vfs(&self) -> &'static str {
                "unix"
            }
            fn about_to(&self, step: Step<'_>) -> io::Result<()> {
                let mut told = self.0.lock().unwrap();
                told.push(format!("{step:?}").split('(').next().unwrap().to_owned());
                if told.len() == 5 { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let told = Arc::new(Told(Mutex::default()));
        let watched = watch(&root, Arc::<Told>::clone(&told));
        let path = root.join("f");
        let full = replace(&path, b"one").unwrap_err();
        assert!(full.is_full(), "{full}");
        let steps = ["Make", "Append", "Sync", "Rename", "SyncDir"];
        assert_eq!(*told.0.lock().unwrap(), steps);
        assert_eq!(std::fs::read(&path).unwrap(), b"one", "it is there, and maybe not for good");
        drop(watched);
        replace(&path, b"two").unwrap();
        assert_eq!(told.0.lock().unwrap().len(), 5, "nobody is told any more");
    }
}
