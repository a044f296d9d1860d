//! Changes of a tree as Linux tells of them (inotify(7)).
//!
//! Invariant: every directory of the tree has a watch, or this gives up with the reason; when the
//! system has lost count, everything may have changed.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::Touched;
use crate::bridge::maildir;

/// Events that wait to be looked at; the system keeps further ones, up to a bound of its own.
const EVENTS: usize = 4_096;
/// Bytes of events read at a time.
const BUFFER_BYTES: usize = 16 * 1024;

/// An event: the watch, what happened, and to which name.
type Event = (i32, ReadFlags, OsString);

/// The watches of a tree.
#[derive(Debug)]
pub(super) struct Inotify {
    fd: Arc<OwnedFd>,
    events: Receiver<Event>,
    roots: Vec<PathBuf>,
    paths: HashMap<i32, PathBuf>,
    watches: HashMap<PathBuf, i32>,
}

impl Inotify {
    /// Watches these directories and what lies below them.
    pub(super) fn start(roots: &[PathBuf]) -> io::Result<Self> {
        let fd = Arc::new(inotify::init(CreateFlags::CLOEXEC)?);
        let (sender, events) = mpsc::sync_channel(EVENTS);
        let reading = Arc::clone(&fd);
        // It waits in the system's read, and ends with the process.
        std::thread::Builder::new()
            .name("inotify".to_owned())
            .spawn(move || read(&reading, &sender))?;
        let (paths, watches) = (HashMap::new(), HashMap::new());
        let mut watcher = Self { fd, events, roots: roots.to_vec(), paths, watches };
        for root in roots {
            watcher.add_tree(root)?;
        }
        Ok(watcher)
    }

    /// Waits so long for a change.
    pub(super) fn wait(&mut self, within: Duration) -> io::Result<Option<Touched>> {
        let first = match self.events.recv_timeout(within) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return self.missing_roots(),
            Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        let mut touched = Touched::In(BTreeSet::new());
        let mut next = Some(first);
        while let Some(event) = next {
            touched = touched.and(self.event(event)?);
            next = self.events.try_recv().ok();
        }
        let nothing = matches!(&touched, Touched::In(dirs) if dirs.is_empty());
        Ok((!nothing).then_some(touched))
    }

    /// A named directory that vanished and is there again.
    fn missing_roots(&mut self) -> io::Result<Option<Touched>> {
        let lost = |root: &&PathBuf| !self.watches.contains_key(*root) && root.is_dir();
        let back: Vec<PathBuf> = self.roots.iter().filter(lost).cloned().collect();
        for root in &back {
            self.add_tree(root)?;
        }
        Ok((!back.is_empty()).then_some(Touched::All))
    }

    fn event(&mut self, (watch, what, name): Event) -> io::Result<Touched> {
        let mut touched = BTreeSet::new();
        if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            for root in self.roots.clone() {
                self.add_tree(&root)?;
            }
            return Ok(Touched::All);
        }
        let Some(dir) = self.paths.get(&watch).cloned() else {
            return Ok(Touched::In(touched));
        };
        if what.intersects(ReadFlags::IGNORED | ReadFlags::UNMOUNT | ReadFlags::DELETE_SELF) {
            self.forget(watch);
            touched.insert(dir);
        } else if what.contains(ReadFlags::ISDIR) {
            let path = dir.join(&name);
            if what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                // What lies in it already made no event; and a hidden directory may just have
                // become a Maildir.
                touched.extend(self.add_tree(&path)?);
                touched.extend(self.add_tree(&dir)?);
            } else {
                touched.extend(self.forget_below(&path));
            }
        } else if !what.contains(ReadFlags::CREATE) || is_part(&dir) {
            // A file that was made elsewhere than in a Maildir is told of when it was written.
            touched.insert(dir);
        }
        Ok(Touched::In(touched).and(Touched::In(BTreeSet::new())))
    }

    /// Watches a directory and what lies below it; returns those that had no watch.
    fn add_tree(&mut self, root: &Path) -> io::Result<Vec<PathBuf>> {
        let (mut all, mut new) = (Vec::new(), Vec::new());
        if root.file_name().is_none_or(|name| name != "tmp") || self.roots.iter().any(|r| r == root)
        {
            super::directories(root, &mut |dir| all.push(dir.to_owned()));
        }
        for dir in all {
            match inotify::add_watch(&*self.fd, &dir, wanted()) {
                Ok(watch) => {
                    if let Some(old) = self.paths.insert(watch, dir.clone())
                        && old != dir
                    {
                        self.watches.remove(&old);
                    }
                    if self.watches.insert(dir.clone(), watch) != Some(watch) {
                        new.push(dir);
                    }
                }
                // Gone again, or not ours to look into.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(new)
    }

    fn forget(&mut self, watch: i32) {
        if let Some(dir) = self.paths.remove(&watch)
            && self.watches.get(&dir) == Some(&watch)
        {
            self.watches.remove(&dir);
        }
    }

    /// A directory is elsewhere now, or gone, with all below it.
    fn forget_below(&mut self, root: &Path) -> Vec<PathBuf> {
        let below: Vec<_> = self
            .watches
            .iter()
            .filter(|(dir, _)| dir.starts_with(root))
            .map(|(dir, watch)| (dir.clone(), *watch))
            .collect();
        let remove = |(dir, watch): (PathBuf, i32)| {
            // One that is gone has none any more.
            let _ = inotify::remove_watch(&*self.fd, watch);
            self.paths.remove(&watch);
            self.watches.remove(&dir);
            dir
        };
        below.into_iter().map(remove).collect()
    }
}

fn wanted() -> WatchFlags {
    WatchFlags::CREATE
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::MOVE
        | WatchFlags::DELETE
        | WatchFlags::DELETE_SELF
        | WatchFlags::ONLYDIR
        | WatchFlags::EXCL_UNLINK
}

fn is_part(dir: &Path) -> bool {
    dir.file_name().is_some_and(|name| maildir::holds_messages(&name.to_string_lossy()))
}

fn read(fd: &OwnedFd, events: &SyncSender<Event>) {
    let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
    let mut reader = Reader::new(fd, &mut buffer);
    loop {
        let event = match reader.next() {
            Ok(event) => event,
            Err(Errno::INTR) => continue,
            Err(_) => return, // who waits hears that nobody tells any more
        };
        let name = event.file_name().map(CStr::to_bytes).unwrap_or_default();
        let name = OsStr::from_bytes(name).to_owned();
        if events.send((event.wd(), event.events(), name)).is_err() {
            return;
        }
    }
}
