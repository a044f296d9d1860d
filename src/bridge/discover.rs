//! Walks the named paths into an ordered list of what will be read.
//!
//! Invariant: every file met is accounted for exactly once: a source, a failure, or skipped. It
//! only looks (names, kinds, first lines); it must not write, follow a link out of a named tree, or
//! depend on the order in which a file system lists names.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::failures::Failures;
use super::ledger::Stamp;
use super::probe::{self, Start};
use super::{Folder, folder, maildir, packed, thunderbird};
use crate::mail::Flags;
use crate::notice::{Exit, Notice};

/// Directories nested deeper than this below a named path are listed as failed.
const MAX_DEPTH: usize = 64;
/// Files in one run; what is beyond it is left off, with a notice.
const MAX_SOURCES: usize = 10_000_000;
/// Notices in one run; a line for each named path is more than anyone reads.
const MAX_NOTICES: usize = 20;

/// A directory or named file, shared by its sources; an mbox with a name of its own has its own.
#[derive(Debug)]
pub(crate) struct Dir {
    path: PathBuf,
    folder: Arc<Folder>,
}

/// A file that holds mail. There may be as many as messages, all of them in memory, so it is small.
#[derive(Debug)]
pub struct Source {
    dir: Arc<Dir>,
    name: Box<OsStr>,
    /// Whether it holds many messages.
    pub mbox: bool,
    /// Its flags, from its name.
    pub flags: Option<Flags>,
    /// As it was when it was found.
    pub stamp: Stamp,
}

impl Source {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.path.join(&*self.name)
    }

    /// The directory that it lies in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.dir.path
    }

    /// Its name there.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// What its folder says.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.dir.folder
    }

    /// Its size when it was found, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.stamp.size
    }

    /// Its modification time, Unix seconds.
    #[must_use]
    pub const fn modified(&self) -> i64 {
        self.stamp.modified.div_euclid(1_000_000_000)
    }
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Found {
    /// What will be read, in the order of reading: inbox and ordinary folders, then archive, sent,
    /// drafts, spam, trash; by directory and name in each.
    pub sources: Vec<Source>,
    /// What is not mail, empty or unreadable.
    pub failures: Failures,
    /// What was left alone on purpose.
    pub skipped: u64,
    /// A line for each named path that is not there or holds no mail.
    pub notices: Vec<Notice>,
    /// Named paths that are there.
    pub named: usize,
}

/// Walks `paths`. When `stop` is set the walk ends early; what was found so far is returned.
#[must_use]
pub fn discover(paths: &[PathBuf], stop: &AtomicBool) -> Found {
    discover_in(paths, &[], stop)
}

/// As [`discover`]; of directories below `paths` only those of `only` are looked at, and not what
/// lies below them. All are when it is empty.
#[must_use]
pub fn discover_in(paths: &[PathBuf], only: &[PathBuf], stop: &AtomicBool) -> Found {
    let mut walk = Walk { found: Found::default(), seen: HashSet::new(), stop };
    let mut directories = Vec::new();
    // Named files first: being named makes a file mail, whatever the walk of a directory would say.
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => directories.push(path),
            Ok(metadata) => walk.named_file(path, &metadata),
            Err(error) => walk.no_such_path(path, &error),
        }
    }
    // An outer directory before one inside it, which it covers.
    directories.sort_by_key(|path| path.canonicalize().unwrap_or_default());
    for path in directories {
        walk.named_directory(path, only);
    }
    let mut found = walk.found;
    found.sources.sort_unstable_by(order);
    found
}

/// By place, then by directory, then by name; no path is put together for it.
fn order(a: &Source, b: &Source) -> Ordering {
    let same = Arc::ptr_eq(&a.dir, &b.dir);
    folder::rank(a.folder())
        .cmp(&folder::rank(b.folder()))
        .then_with(|| if same { Ordering::Equal } else { a.dir.path.cmp(&b.dir.path) })
        .then_with(|| a.name.cmp(&b.name))
}

struct Walk<'a> {
    found: Found,
    /// Device and inode of directories walked and files named.
    seen: HashSet<(u64, u64)>,
    stop: &'a AtomicBool,
}

/// A directory that waits to be walked.
struct Pending {
    path: PathBuf,
    /// The names between the named path and it.
    names: Vec<String>,
    /// In a directory whose files are all skipped.
    skip: bool,
}

/// What all entries of one named path share.
struct Root {
    real: PathBuf,
    base: Folder,
}

impl Walk<'_> {
    fn named_file(&mut self, path: &Path, metadata: &Metadata) {
        self.found.named += 1;
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            return;
        }
        if !metadata.is_file() {
            let reason = "a device, pipe or socket; name an mbox, a Maildir or an .eml file";
            self.found.failures.add(path, 0, "not-a-file", reason);
            return;
        }
        let folder = Arc::new(Folder::default());
        let dir = Arc::new(Dir { path: parent(path), folder });
        let name = path.file_name().unwrap_or_default().to_owned();
        let own = |stem: &str| folder::of_root(stem);
        self.file(&dir, name, metadata, true, &own);
    }

    fn named_directory(&mut self, path: &Path, only: &[PathBuf]) {
        self.found.named += 1;
        let Ok(real) = path.canonicalize() else {
            self.found.failures.add(path, 0, "unreadable", "cannot be opened");
            return;
        };
        let base = if maildir::is_maildir(path) || is_part(&real) {
            let own = if is_part(&real) { parent(&real) } else { real.clone() };
            folder::of_root(&own.file_name().unwrap_or_default().to_string_lossy())
        } else {
            Folder::default()
        };
        let before = self.found.sources.len();
        let covered = fs::metadata(path).is_ok_and(|at| self.seen.contains(&(at.dev(), at.ino())));
        let root = Root { real, base };
        let mut pending = vec![Pending { path: path.to_owned(), names: Vec::new(), skip: false }];
        if !only.is_empty() {
            for at in only.iter().filter_map(|dir| alone(path, dir)) {
                self.directory(&root, &at, &mut Vec::new());
            }
            return;
        }
        while let Some(next) = pending.pop() {
            if self.stop.load(Relaxed) {
                return;
            }
            self.directory(&root, &next, &mut pending);
        }
        if self.found.sources.len() == before && !covered {
            let message = format!("there is no mail in {}", path.display());
            self.notice(
                "no-mail",
                &message,
                "mbox files, Maildirs, .eml files and directories of them are read",
            );
        }
    }

    fn directory(&mut self, root: &Root, at: &Pending, pending: &mut Vec<Pending>) {
        let Ok(metadata) = fs::symlink_metadata(&at.path) else { return };
        let metadata =
            if at.names.is_empty() { fs::metadata(&at.path).unwrap_or(metadata) } else { metadata };
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            return;
        }
        if at.names.len() > MAX_DEPTH {
            self.found.failures.add(&at.path, 0, "too-deep", "nested too deep");
            return;
        }
        let entries = match fs::read_dir(&at.path) {
            Ok(entries) => entries,
            Err(error) => {
                self.found.failures.add_io(&at.path, 0, &error);
                return;
            }
        };
        // In the order of names, so that a list of failures that is cut is always the same.
        let mut names = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(error) => self.found.failures.add_io(&at.path, 0, &error),
            }
        }
        names.sort_unstable();
        let kind = thunderbird::Kind::of(&at.path, &names);
        // Names of folders begin in the account: a profile's name is no label.
        let below = if kind == thunderbird::Kind::Account { Vec::new() } else { at.names.clone() };
        let mut at = Pending { path: at.path.clone(), names: below, skip: at.skip };
        let folder = Arc::new(with_base(folder::of_path(names_of(&at)), &root.base));
        let dir = Arc::new(Dir { path: at.path.clone(), folder });
        let skipped = at.skip;
        for name in names {
            if self.stop.load(Relaxed) {
                return;
            }
            at.skip = skipped || kind.leaves(&at.path, &name);
            self.entry(root, &at, &dir, name, pending);
        }
    }

    fn entry(
        &mut self,
        root: &Root,
        at: &Pending,
        dir: &Arc<Dir>,
        name: OsString,
        pending: &mut Vec<Pending>,
    ) {
        let path = at.path.join(&name);
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => return self.found.failures.add_io(&path, 0, &error),
        };
        let shown = name.to_string_lossy().into_owned();
        if metadata.is_dir() {
            let hidden = shown.starts_with('.') && !maildir::is_maildir(&path);
            let mut names = at.names.clone();
            let skip = at.skip || hidden || shown == "tmp";
            names.push(shown);
            return pending.push(Pending { path, names, skip });
        }
        if at.skip || shown.starts_with('.') {
            self.found.skipped += 1;
            return;
        }
        // A link to a file of the same tree is that file under another name; a link to a directory
        // of the tree would be walked twice, and one out of the tree was not named.
        let metadata = if metadata.is_symlink() {
            let inside = path.canonicalize().is_ok_and(|real| real.starts_with(&root.real));
            match fs::metadata(&path) {
                Ok(target) if inside && target.is_file() => target,
                _ => return self.found.skipped += 1,
            }
        } else {
            metadata
        };
        // Named on its own too, and accounted for there.
        let named = self.seen.contains(&(metadata.dev(), metadata.ino()));
        if named || !metadata.is_file() {
            self.found.skipped += u64::from(!named);
            return;
        }
        if metadata.len() == 0 && thunderbird::is_empty_folder(&path) {
            self.found.skipped += 1;
            return;
        }
        let own = |stem: &str| with_base(folder::of_path(names_of(at).chain([stem])), &root.base);
        self.file(dir, name, &metadata, false, &own);
    }

    /// Accounts for a regular file; `own` is the folder of an mbox with this stem.
    fn file(
        &mut self,
        dir: &Arc<Dir>,
        name: OsString,
        metadata: &Metadata,
        named: bool,
        own: &dyn Fn(&str) -> Folder,
    ) {
        let path = dir.path.join(&name);
        let shown = name.to_string_lossy().into_owned();
        if metadata.len() == 0 {
            return self.found.failures.add(&path, 0, "empty", "the file is empty");
        }
        let shown = packed::stem(&shown).to_owned();
        let flags = maildir::flags(&shown);
        // One message by its name, whatever stands in it: patches and forwarded mailboxes hold
        // lines that look like separators.
        let certain = is_eml(&shown) || is_part(&dir.path);
        let kind = if certain { Ok((Start::Field, false)) } else { kind(&path) };
        let export = matches!(kind, Ok((_, true)));
        let mbox = match kind.map(|(start, _)| start) {
            Ok(Start::Mbox) => flags.is_none(),
            Ok(Start::Field) => false,
            Ok(_) if named => false,
            Ok(Start::Blank) => {
                return self.found.failures.add(&path, 0, "empty", "nothing but empty lines");
            }
            Ok(Start::Other) => {
                let reason = "the first line is neither a header field nor a From line";
                return self.found.failures.add(&path, 0, "not-mail", reason);
            }
            Err(error) => return self.found.failures.add_io(&path, 0, &error),
        };
        if self.found.sources.len() >= MAX_SOURCES {
            return self.found.failures.add(&path, 0, "too-many", "too many files in one run");
        }
        let stem = if mbox { folder::mbox_stem(&shown) } else { None };
        // An export of Gmail says it in each message; its names are those of the export.
        let own_folder = if mbox && export { Some(Folder::default()) } else { stem.map(own) };
        let dir = own_folder.map_or_else(
            || Arc::clone(dir),
            |folder| Arc::new(Dir { path: dir.path.clone(), folder: Arc::new(folder) }),
        );
        let (name, stamp) = (name.into_boxed_os_str(), Stamp::of(metadata, mbox));
        self.found.sources.push(Source { dir, name, mbox, flags, stamp });
    }

    fn no_such_path(&mut self, path: &Path, error: &io::Error) {
        let shown = path.display();
        if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            self.found.failures.add(path, 0, "no-such-path", "there is no such file or directory");
            let hint = "check the spelling; a path with spaces needs quotes";
            let notice = Notice::error("no-such-path", format!("{shown} does not exist"), hint);
            self.push_notice(notice.exit(Exit::NotFound));
        } else {
            self.found.named += 1;
            self.found.failures.add_io(path, 0, error);
        }
    }

    fn notice(&mut self, code: &'static str, message: &str, hint: &str) {
        self.push_notice(Notice::warning(code, message, hint));
    }

    fn push_notice(&mut self, notice: Notice) {
        if self.found.notices.len() < MAX_NOTICES {
            self.found.notices.push(notice);
        }
    }
}

/// A directory at or below a named one, for a look at it alone.
fn alone(root: &Path, dir: &Path) -> Option<Pending> {
    let below = dir.strip_prefix(root).ok()?;
    let mut at = Pending { path: root.to_owned(), names: Vec::new(), skip: false };
    for name in below.components() {
        let kind = thunderbird::Kind::at(&at.path);
        at.skip |= kind.leaves(&at.path, name.as_os_str());
        if kind == thunderbird::Kind::Account {
            at.names.clear();
        }
        at.path.push(name);
        let shown = name.as_os_str().to_string_lossy().into_owned();
        let hidden = shown.starts_with('.') && !maildir::is_maildir(&at.path);
        at.skip |= hidden || shown == "tmp";
        at.names.push(shown);
    }
    Some(at)
}

/// What a file begins with, and whether it is an export of Gmail.
fn kind(path: &Path) -> io::Result<(Start, bool)> {
    let mut start = Vec::new();
    let read = packed::open(path)?.take(probe::PROBE_BYTES as u64).read_to_end(&mut start);
    // What stands before a damage tells what it is; the damage is met again when it is read.
    if start.is_empty() {
        read?;
    }
    packed::no_archive(&start)?;
    Ok((probe::start(&start), probe::is_export(&start)))
}

fn names_of(at: &Pending) -> impl Iterator<Item = &str> {
    at.names.iter().map(String::as_str)
}

/// What the named root says holds where the folder itself says nothing.
fn with_base(mut folder: Folder, base: &Folder) -> Folder {
    if folder.place.is_none() {
        folder.place = base.place;
        folder.sent = base.sent;
        folder.drafts = base.drafts;
    }
    folder
}

fn is_part(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| maildir::holds_messages(&name.to_string_lossy()))
}

fn is_eml(name: &str) -> bool {
    name.get(name.len().saturating_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case(".eml"))
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

#[cfg(test)]
#[path = "discover_tests.rs"]
mod tests;
