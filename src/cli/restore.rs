//! `restore`: a backup is put back into this data directory, and begins a new epoch.
//!
//! Invariant: the whole backup was read and checked before anything here is touched; what was here
//! is put aside under the time, and nothing is deleted. The backend's directory is the old one or
//! the new one, whole; between the two renames it is absent, which every command says, and the same
//! restore is done again.

use std::io::BufReader;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::backend::backup::{self, BackupError, Contents};
use crate::backend::begin_again;
use crate::cli::backup::{Said, explain};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::{Device, Owner};
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::{Own, StoreError};

/// Puts a backup back.
pub(super) fn run(home: &Home, output: Output, file: &Path) -> Result<Exit, Notice> {
    if home.is_remote() {
        let line = "the mail is not in this data directory: its backend is elsewhere";
        let hint = "run `mailtui restore` where the backend is, or name another --data-dir";
        return Err(Notice::error("other-backend", line, hint).exit(Exit::Usage));
    }
    let meta = std::fs::metadata(file).map_err(|error| explain(file, &error.into()))?;
    if !meta.is_file() {
        // It is read twice; a pipe gives its bytes once, and opening one waits for who writes.
        let line = format!("{} is not a file", file.display());
        return Err(Notice::error("no-file", line, "name a backup").exit(Exit::Usage));
    }
    let stop = super::stop::flag();
    let size = meta.len();
    let mut said = Said::new(output, "checked", &stop, size);
    let failed = |error: BackupError| explain(file, &error);
    // All of it is looked at before anything is made, here too.
    read(file, None, &mut said).map_err(failed)?;
    let owner = home.own()?;
    let fresh = home.dir.join("backend.new");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| StoreError::Io { path, error }.notice()
    };
    if fresh.exists() {
        // What a restore left that was broken off, before it was anything.
        std::fs::remove_dir_all(&fresh).map_err(io(&fresh))?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(&fresh).map_err(io(&fresh))?;
    let put = read(file, Some(&fresh), &mut said).map_err(failed).and_then(|contents| {
        said.end();
        Ok((contents, begin_again(&fresh, &SystemClock).map_err(|error| error.notice())?))
    });
    let (contents, epoch) = put.inspect_err(|_| {
        // A disk that is full gets its room back; what stays goes with the next restore.
        let _ = std::fs::remove_dir_all(&fresh);
    })?;
    let aside = put_aside(home, &contents)?;
    std::fs::rename(&fresh, home.backend_dir()).map_err(io(&fresh))?;
    sync_dir(&home.dir)?;
    let made = made_at(contents.at);
    let value = json!({ "restored": contents.at, "epoch": epoch.as_str(),
        "aside": aside.as_ref().map(|path| path.display().to_string()) });
    output.result(&value, || match &aside {
        Some(path) => format!(
            "Restored the backup of {made}. What was here is in {}; nothing was deleted.",
            path.display()
        ),
        None => format!("Restored the backup of {made}."),
    })?;
    take_in(home, owner)?;
    Ok(Exit::Done)
}

fn read(file: &Path, into: Option<&Path>, said: &mut Said<'_>) -> Result<Contents, BackupError> {
    let open = std::fs::File::open(file)?;
    backup::read(&mut BufReader::new(open), into, &mut |done| said.go_on(done))
}

/// Rows as they were put back, and what this directory's device holds beyond them offered again:
/// then the next command sees both.
fn take_in(home: &Home, owner: Owner) -> Result<(), Notice> {
    if home.offline {
        return Ok(());
    }
    let mut session = Session::of(home, owner)?;
    session.connect()?;
    session.synchronise().map(drop)
}

/// Moves what was here into a directory of its own; `None` when nothing was.
fn put_aside(home: &Home, contents: &Contents) -> Result<Option<PathBuf>, Notice> {
    // What is remembered of imported files is of mail that may not be there any more.
    let mut names = vec!["backend", "sources.db", "sources.db-wal", "sources.db-shm"];
    if is_of_another(home, contents)? {
        names.extend(["mailbox.db", "mailbox.db-wal", "mailbox.db-shm"]);
    }
    names.retain(|name| home.dir.join(name).exists());
    if names.is_empty() {
        return Ok(None);
    }
    // The backend goes last: while it is there, what is there is as it was.
    names.sort_by_key(|name| *name == "backend");
    let time = jiff::Timestamp::from_second(SystemClock.now()).unwrap_or_default();
    let first = format!("before-restore-{}", time.strftime("%Y%m%dT%H%M%SZ"));
    // Another restore of this second, or of a clock that was put back, keeps what it put aside.
    let mut aside = home.dir.join(&first);
    for again in 2.. {
        match std::fs::DirBuilder::new().mode(0o700).create(&aside) {
            Ok(()) => break,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                aside = home.dir.join(format!("{first}-{again}"));
            }
            Err(error) => return Err(StoreError::Io { path: aside, error }.notice()),
        }
    }
    let io = |error| StoreError::Io { path: aside.clone(), error }.notice();
    for name in names {
        std::fs::rename(home.dir.join(name), aside.join(name)).map_err(io)?;
    }
    sync_dir(&aside)?;
    Ok(Some(aside))
}

/// Whether the device here is of another backend than the backup: it would refuse it, and what it
/// has not sent yet is for that other one.
fn is_of_another(home: &Home, contents: &Contents) -> Result<bool, Notice> {
    let device = Device::read(&home.dir, Box::new(SystemClock));
    let Ok(Some(device)) = device else { return Ok(false) };
    let known = Own::setting(device.db(), "backend").map_err(|error| error.notice())?;
    Ok(known.is_some_and(|known| known != contents.backend))
}

fn sync_dir(dir: &Path) -> Result<(), Notice> {
    let synced = std::fs::File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| StoreError::Io { path: dir.to_owned(), error }.notice())
}

fn made_at(at: i64) -> String {
    let time = jiff::Timestamp::from_second(at).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
