//! A disk below a directory, for tests: it counts what is done to files, fails when it is told to,
//! and forgets what was not synced when the power goes.
//!
//! Invariant: the real files hold what the machine shows; the [`Platter`] knows what of it is on
//! the disk. While the disk is dead nothing changes, whoever still has a file open; who had one
//! open then gets only errors of it afterwards. Disks of different directories do not know each
//! other.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use mailtui::store::disk::{Step, Watch, Watched, watch};

use super::platter::{Loss, Platter};
use super::vfs;

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Delete,
    Rename,
    Make,
    MakeDir,
    SyncDir,
}

/// All that changes what a disk holds.
pub(crate) const CHANGES: &[Call] = &[
    Call::Write,
    Call::Truncate,
    Call::Sync,
    Call::Delete,
    Call::Rename,
    Call::Make,
    Call::MakeDir,
    Call::SyncDir,
];

/// What a disk does instead of what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It says that it cannot.
    Error,
    /// It says that it is full.
    Full,
    /// The power goes.
    Cut,
    /// It does it, and one bit of what was read is another; other calls as usual.
    Flip,
}

struct Plan {
    kinds: Vec<Call>,
    /// Calls of these kinds until it happens.
    left: u64,
    /// How many calls it then happens to.
    times: u64,
    fault: Fault,
}

#[derive(Default)]
struct State {
    platter: Platter,
    dead: bool,
    /// How often it died: what was opened in an earlier life answers with errors.
    life: u64,
    calls: Vec<(Call, PathBuf)>,
    recording: bool,
    plan: Option<Plan>,
    happened: u64,
    /// Bytes that files may still grow by.
    room: Option<usize>,
}

/// An open file of a disk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    life: u64,
    inode: u64,
}

/// The disk as SQLite and the product's own files see it.
pub(crate) struct Inner {
    root: PathBuf,
    state: Mutex<State>,
}

/// By their roots: a search of all orders has hundreds.
static ALL: RwLock<BTreeMap<PathBuf, Arc<Inner>>> = RwLock::new(BTreeMap::new());

/// The disk that a path lies on.
pub(crate) fn of(path: &Path) -> Option<Arc<Inner>> {
    let all = ALL.read().unwrap_or_else(PoisonError::into_inner);
    path.ancestors().find_map(|root| all.get(root)).map(Arc::clone)
}

/// A disk, until it is dropped.
pub(crate) struct Disk {
    inner: Arc<Inner>,
    _watched: Watched,
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut all = ALL.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, disk| !Arc::ptr_eq(disk, &self.inner));
    }
}

impl Disk {
    /// A disk below `root`, an absolute path without links; what is there is on it.
    pub(crate) fn new(root: &Path) -> Self {
        vfs::register();
        let inner = Arc::new(Inner { root: root.to_owned(), state: Mutex::default() });
        let mut all = ALL.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(root.to_owned(), Arc::clone(&inner));
        drop(all);
        let watched = watch(root, Arc::<Inner>::clone(&inner));
        Self { inner, _watched: watched }
    }

    /// From now on the calls are listed.
    pub(crate) fn record(&self) {
        let mut state = self.inner.lock();
        state.recording = true;
        state.calls.clear();
    }

    /// The calls since [`Disk::record`], with the file's name.
    pub(crate) fn recorded(&self) -> Vec<(Call, PathBuf)> {
        let mut state = self.inner.lock();
        state.recording = false;
        std::mem::take(&mut state.calls)
    }

    /// `fault` happens at the `nth` call of `kinds` from now, and to the calls after it, `times` in
    /// all.
    pub(crate) fn plan(&self, kinds: &[Call], nth: u64, times: u64, fault: Fault) {
        let plan = Plan { kinds: kinds.to_vec(), left: nth.max(1), times, fault };
        let mut state = self.inner.lock();
        (state.plan, state.happened) = (Some(plan), 0);
    }

    /// Files may grow by so many bytes from now on.
    pub(crate) fn room(&self, bytes: Option<usize>) {
        self.inner.lock().room = bytes;
    }

    /// Nothing fails any more; how often something did.
    pub(crate) fn heal(&self) -> u64 {
        let mut state = self.inner.lock();
        (state.plan, state.room) = (None, None);
        std::mem::take(&mut state.happened)
    }

    /// Whether anything failed since it last healed.
    pub(crate) fn failed(&self) -> bool {
        self.inner.lock().happened > 0
    }

    /// Whether the power is gone or the process was killed.
    pub(crate) fn is_dead(&self) -> bool {
        self.inner.lock().dead
    }

    /// Whether a power cut would lose nothing.
    pub(crate) fn is_synced(&self) -> bool {
        self.inner.lock().platter.is_synced()
    }

    /// How often it has changed: see [`Platter::changes`].
    pub(crate) fn changes(&self) -> (u64, u64) {
        self.inner.lock().platter.changes()
    }

    /// What a power cut would leave that takes all it can, file by file.
    pub(crate) fn kept(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.inner.lock().platter.kept()
    }

    /// The process dies, or the power goes: from now on nothing is done to any file. Who has one
    /// open closes it, and then [`Disk::start`] or [`Disk::start_after_cut`] goes on.
    pub(crate) fn die(&self) {
        self.inner.lock().die();
    }

    /// The process starts again: what it had written is there, synced or not.
    pub(crate) fn start(&self) {
        let mut state = self.inner.lock();
        state.dead = false;
    }

    /// The machine starts again after a power cut: what was not synced is gone as `loss` says.
    pub(crate) fn start_after_cut(&self, loss: Loss) {
        let mut state = self.inner.lock();
        let left = state.platter.lose(loss);
        for path in &left.gone {
            let _ = std::fs::remove_file(path);
            // A directory whose new name was not kept is not there: nothing is left in it.
            let dir = path.parent().filter(|dir| *dir != self.inner.root);
            let _ = dir.map(std::fs::remove_dir);
        }
        for dir in &left.lost_dirs {
            let _ = std::fs::remove_dir_all(dir);
        }
        for (path, bytes) in &left.files {
            // It may have been in a directory whose new name was not kept.
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            std::fs::write(path, bytes).expect("a file of a disk");
            let mut index = path.as_os_str().to_owned();
            index.push("-shm");
            let _ = std::fs::remove_file(index);
        }
        state.dead = false;
    }
}

impl State {
    fn die(&mut self) {
        if !self.dead {
            (self.dead, self.life, self.plan) = (true, self.life + 1, None);
        }
    }

    /// A call is counted, and fails if it is its turn; whether it is to flip a bit.
    fn call(&mut self, call: Call, path: &Path, life: Option<u64>) -> Result<bool, Fault> {
        if self.dead || life.is_some_and(|life| life != self.life) {
            return Err(Fault::Error);
        }
        if self.recording {
            self.calls.push((call, path.file_name().unwrap_or_default().into()));
        }
        let Some(plan) = self.plan.as_mut().filter(|plan| plan.kinds.contains(&call)) else {
            return Ok(false);
        };
        plan.left = plan.left.saturating_sub(1);
        if plan.left > 0 {
            return Ok(false);
        }
        if plan.times == 0 {
            return Ok(false);
        }
        plan.times -= 1;
        self.happened += 1;
        match plan.fault {
            Fault::Flip => Ok(true),
            Fault::Cut => {
                self.die();
                Err(Fault::Cut)
            }
            fault => Err(fault),
        }
    }

    /// Whether a file may grow to `end`.
    fn grow(&mut self, inode: u64, end: usize) -> Result<(), Fault> {
        let more = end.saturating_sub(self.platter.size(inode));
        if let Some(room) = &mut self.room {
            let Some(left) = room.checked_sub(more) else {
                self.happened += 1;
                return Err(Fault::Full);
            };
            *room = left;
        }
        Ok(())
    }

    fn find(&mut self, path: &Path) -> Option<u64> {
        match self.platter.find(path) {
            Some(inode) if path.exists() => Some(inode),
            // Somebody removed it behind our back.
            Some(_) => {
                self.platter.remove(path);
                None
            }
            None => std::fs::read(path).ok().map(|bytes| self.platter.found(path, bytes)),
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file is opened, and made if it is not there and `make` says so.
    pub(crate) fn open(&self, path: &Path, make: bool) -> Result<Ticket, Fault> {
        let mut state = self.lock();
        state.call(Call::Open, path, None)?;
        let life = state.life;
        if let Some(inode) = state.find(path) {
            return Ok(Ticket { life, inode });
        }
        if !make {
            return Err(Fault::Error);
        }
        state.call(Call::Make, path, None)?;
        let inode = state.platter.make(path);
        Ok(Ticket { life, inode })
    }

    pub(crate) fn read(&self, file: Ticket, path: &Path) -> Result<bool, Fault> {
        self.lock().call(Call::Read, path, Some(file.life))
    }

    pub(crate) fn write(
        &self,
        file: Ticket,
        path: &Path,
        at: usize,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        let mut state = self.lock();
        let done = state.call(Call::Write, path, Some(file.life));
        if done == Err(Fault::Cut) {
            // It was under way: some of it may have got there.
            state.platter.write(file.inode, at, bytes);
        }
        done?;
        state.grow(file.inode, at + bytes.len())?;
        state.platter.write(file.inode, at, bytes);
        Ok(())
    }

    pub(crate) fn truncate(&self, file: Ticket, path: &Path, size: usize) -> Result<(), Fault> {
        let mut state = self.lock();
        state.call(Call::Truncate, path, Some(file.life))?;
        state.platter.truncate(file.inode, size);
        Ok(())
    }

    /// Syncs a file, with the names of its directory if `dir` says so.
    pub(crate) fn sync(&self, file: Ticket, path: &Path, dir: bool) -> Result<(), Fault> {
        let mut state = self.lock();
        match state.call(Call::Sync, path, Some(file.life)) {
            Err(fault @ (Fault::Error | Fault::Full)) if !state.dead => {
                state.platter.fail_sync(file.inode);
                return Err(fault);
            }
            done => done?,
        };
        state.platter.sync(file.inode);
        if dir && let Some(dir) = path.parent() {
            state.platter.sync_dir(dir);
        }
        Ok(())
    }

    pub(crate) fn delete(&self, path: &Path, sync_dir: bool) -> Result<(), Fault> {
        let mut state = self.lock();
        state.call(Call::Delete, path, None)?;
        state.platter.remove(path);
        if sync_dir && let Some(dir) = path.parent() {
            state.platter.sync_dir(dir);
        }
        Ok(())
    }

    fn step(&self, step: Step<'_>) -> Result<(), Fault> {
        let (call, path) = match step {
            Step::Make(path) => (Call::Make, path),
            Step::MakeDir(path) => (Call::MakeDir, path),
            Step::Append(path, bytes) => {
                let mut state = self.lock();
                let inode = state.find(path).ok_or(Fault::Error)?;
                let (life, size) = (state.life, state.platter.size(inode));
                drop(state);
                return self.write(Ticket { life, inode }, path, size, bytes);
            }
            Step::Again(path) => {
                let mut state = self.lock();
                let inode = state.find(path).ok_or(Fault::Error)?;
                state.call(Call::Write, path, None)?;
                let bytes = std::fs::read(path).map_err(|_| Fault::Error)?;
                state.platter.write(inode, 0, &bytes);
                return Ok(());
            }
            Step::Sync(path) => {
                // A log that is not there has nothing to sync.
                let mut state = self.lock();
                let (life, found) = (state.life, state.find(path));
                drop(state);
                let Some(inode) = found else { return Ok(()) };
                return self.sync(Ticket { life, inode }, path, false);
            }
            Step::SyncDir(path) => (Call::SyncDir, path),
            Step::Rename(from, _) => (Call::Rename, from),
            Step::Remove(path) => (Call::Delete, path),
            _ => return Ok(()),
        };
        let mut state = self.lock();
        state.call(call, path, None)?;
        match step {
            Step::Make(path) => drop(state.platter.make(path)),
            Step::MakeDir(path) => state.platter.make_dir(path),
            Step::SyncDir(path) => state.platter.sync_dir(path),
            Step::Rename(from, to) => {
                state.find(from);
                state.find(to);
                state.platter.rename(from, to);
            }
            Step::Remove(path) => state.platter.remove(path),
            _ => {}
        }
        Ok(())
    }
}

impl Watch for Inner {
    fn vfs(&self) -> &str {
        vfs::NAME
    }

    fn about_to(&self, step: Step<'_>) -> io::Result<()> {
        self.step(step).map_err(|fault| match fault {
            Fault::Full => io::ErrorKind::StorageFull.into(),
            _ => io::Error::other("a disk that fails"),
        })
    }
}
