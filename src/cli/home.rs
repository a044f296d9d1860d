//! The data directory of a command, and where its backend is.
//!
//! Invariant: a directory has one backend for good: its own inside, or a remote one that it
//! remembers. The token is kept in a file that only its owner reads, never printed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backend::place;
use crate::cli::args::Global;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::{Device, EngineError, Owner};
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::{Own, StoreError};

/// Where the backend is.
#[derive(Debug, Clone)]
pub(super) enum Where {
    /// In this process, beside the device.
    Embedded,
    /// At an address.
    Remote(Remote),
}

/// A remote backend, as it is remembered.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Remote {
    /// `ws://HOST:PORT`.
    pub(super) url: String,
    /// Its token.
    pub(super) token: String,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Remote({})", self.url)
    }
}

/// A command's data directory.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// The directory.
    pub(super) dir: PathBuf,
    /// Where its backend is.
    pub(super) backend: Where,
    /// Whether no connection may be opened.
    pub(super) offline: bool,
}

impl Home {
    /// From the global options and what the directory remembers.
    pub(super) fn of(global: &Global) -> Result<Self, Notice> {
        let dir = match &global.data_dir {
            Some(dir) => dir.clone(),
            None => default_dir()?,
        };
        if dir.exists() && !dir.is_dir() {
            let line = format!("{} is not a directory", dir.display());
            return Err(Notice::error("not-a-directory", line, "name another --data-dir"));
        }
        let backend = backend(&dir, global)?;
        Ok(Self { dir, backend, offline: global.offline })
    }

    /// The embedded backend's directory.
    pub(super) fn backend_dir(&self) -> PathBuf {
        self.dir.join("backend")
    }

    /// Whether the backend is in another process.
    pub(super) const fn is_remote(&self) -> bool {
        matches!(self.backend, Where::Remote(_))
    }

    /// Takes the directory, and makes it where it is absent.
    pub(super) fn own(&self) -> Result<Owner, Notice> {
        Owner::take(&self.dir).map_err(|error| error.notice())
    }

    /// Opens the device for writing. A directory that knows no backend yet remembers this one, so
    /// that what is done offline is not taken for an embedded one's.
    pub(super) fn device(&self) -> Result<Device, Notice> {
        if !self.dir.join("remote.json").exists() {
            self.remember()?;
        }
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        Device::open_on(&self.dir, self.is_remote(), Box::new(SystemClock), &host)
            .map_err(|error| error.notice())
    }

    /// Remembers a remote backend; one that was known before is replaced only after a welcome.
    pub(super) fn remember(&self) -> Result<(), Notice> {
        match &self.backend {
            Where::Remote(remote) => remember(&self.dir, remote),
            Where::Embedded => Ok(()),
        }
    }

    /// Opens the device for reading; `None` when there is nothing.
    pub(super) fn reader(&self) -> Result<Option<Device>, Notice> {
        let device =
            Device::read(&self.dir, Box::new(SystemClock)).map_err(|error| error.notice())?;
        let path = self.dir.join("mailbox.db");
        // Beside its backend it is made again by whoever looks for it.
        if device.is_none()
            && self.dir.join("remote.json").exists()
            && std::fs::metadata(&path).is_ok_and(|meta| meta.len() == 0)
        {
            let detail = "it is empty".to_owned();
            return Err(StoreError::Damaged { path, detail }.notice());
        }
        Ok(device)
    }

    /// As [`Home::reader`], of one moment of the file.
    pub(super) fn still_reader(&self) -> Result<Option<Device>, Notice> {
        still(self.reader()?)
    }

    /// Whether the embedded backend holds more than the device has taken in: it was served, or a
    /// command ended before it was seen.
    pub(super) fn is_behind(&self, device: Option<&Device>) -> Result<bool, Notice> {
        if self.is_remote() {
            return Ok(false);
        }
        // A backend that cannot be read keeps nobody from reading what the device has.
        let there = crate::backend::mailbox_head(&self.backend_dir()).unwrap_or(None);
        let here = device.map(Device::head).transpose();
        let here = here.map_err(|error| error.notice())?;
        // A snooze that is over is ended by the backend, which nobody may have run since.
        let over = device.map(|device| device.has_overslept(SystemClock.now())).transpose();
        Ok(there > here || over.map_err(|error| error.notice())? == Some(true))
    }

    /// That no restore was broken off in the moment in which there is no backend. One that was made
    /// then would be empty.
    pub(super) fn is_not_half_restored(&self) -> Result<(), Notice> {
        if !place::is_broken_off(&self.dir) {
            return Ok(());
        }
        let line = format!("a restore into {} was broken off", self.dir.display());
        let hint = "run the same `mailtui restore` again; what was there is put aside, whole";
        Err(Notice::error("damaged", line, hint).exit(Exit::DataDir))
    }

    /// That the embedded backend has the mail that this device has seen there. A new one in its
    /// place would look like an empty mailbox.
    pub(super) fn has_its_mail(&self) -> Result<(), Notice> {
        let device = match Device::read(&self.dir, Box::new(SystemClock)) {
            // What it knows is read when it is of this format; then there is a next time.
            Err(EngineError::Store(StoreError::Older { .. })) => return Ok(()),
            read => read.map_err(|error| error.notice())?,
        };
        let Some(device) = device.filter(|_| !self.is_remote()) else { return Ok(()) };
        let known = Own::setting(device.db(), "backend").map_err(|error| error.notice())?;
        let Some(known) = known else { return Ok(()) };
        match crate::backend::identity(&self.backend_dir()) {
            Ok(held) if held.as_ref().is_none_or(|(held, _)| *held != known) => {
                let path = self.backend_dir().join("threads.db");
                let line = format!(
                    "{}, where the mail is, {}",
                    path.display(),
                    if held.is_some() { "is of another mailbox" } else { "is not there" },
                );
                let hint = "put `backend` back from a backup";
                Err(Notice::error("damaged", line, hint).exit(Exit::DataDir))
            }
            // What is wrong with the file itself is said by whoever opens it.
            _ => Ok(()),
        }
    }

    /// Whether there is a backend's data and no device's yet: a directory that was only served.
    pub(super) fn served_only(&self) -> bool {
        !self.dir.join("mailbox.db").exists() && self.backend_dir().join("threads.db").exists()
    }
}

/// From now on the device reads one moment of its file.
pub(super) fn still(mut device: Option<Device>) -> Result<Option<Device>, Notice> {
    if let Some(device) = &mut device {
        device.hold_still().map_err(|error| error.notice())?;
    }
    Ok(device)
}

pub(super) fn default_dir() -> Result<PathBuf, Notice> {
    directories::ProjectDirs::from("", "", "mailtui")
        .map(|dirs| dirs.data_dir().to_owned())
        .ok_or_else(|| Notice::error("home", "there is no home directory", "name a --data-dir"))
}

fn backend(dir: &Path, global: &Global) -> Result<Where, Notice> {
    let file = dir.join("remote.json");
    let known: Option<Remote> = match std::fs::read(&file) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| {
            let line = format!("{} is damaged: {error}", file.display());
            Notice::error("damaged", line, "name --backend and --token-file again")
                .exit(Exit::DataDir)
        })?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        // Taken for absent, the directory would get a second backend, of its own.
        Err(error) => {
            let line = format!("{}: {error}", file.display());
            return Err(Notice::error("io", line, "may you read it?").exit(Exit::DataDir));
        }
    };
    let Some(url) = &global.backend else {
        return Ok(known.map_or(Where::Embedded, Where::Remote));
    };
    let parsed = url::Url::parse(url).ok().filter(|parsed| parsed.scheme() == "ws");
    if parsed.is_none_or(|parsed| parsed.host_str().is_none()) {
        let line = format!("{url} is not an address of a backend");
        return Err(Notice::error(
            "address",
            line,
            "use ws://HOST:PORT, such as ws://127.0.0.1:7070",
        )
        .exit(Exit::Usage));
    }
    if dir.join("backend").exists() {
        let line = "this data directory has mail of its own";
        let hint = "name another --data-dir for this backend, or leave --backend out";
        return Err(Notice::error("other-backend", line, hint));
    }
    let token = match (&global.token_file, known) {
        (Some(path), _) => read_token(path)?,
        (None, Some(known)) if known.url == *url => known.token,
        (None, _) => {
            let hint = "the backend wrote it to `token` in its data directory";
            return Err(
                Notice::error("token-file", "--backend needs --token-file", hint).exit(Exit::Usage)
            );
        }
    };
    Ok(Where::Remote(Remote { url: url.clone(), token }))
}

/// What is said of a token that others on this machine may read. It is used all the same: who
/// copies a token from another machine often has it so.
pub(super) fn exposed_token(path: &Path) -> Option<Notice> {
    use std::os::unix::fs::PermissionsExt as _;
    let rights = std::fs::metadata(path).ok()?.permissions().mode();
    (rights & 0o077 != 0).then(|| {
        let line = format!("others on this machine may read the token in {}", path.display());
        let hint = format!("chmod 600 {}", path.display());
        Notice::warning("token-file", line, crate::safe_text::line(&hint))
    })
}

fn read_token(path: &Path) -> Result<String, Notice> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let line = format!("{}: {error}", path.display());
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        Notice::error("token-file", line, "the backend wrote it to `token` in its data directory")
            .exit(if missing { Exit::NotFound } else { Exit::Error })
    })?;
    Ok(text.trim().to_owned())
}

fn remember(dir: &Path, remote: &Remote) -> Result<(), Notice> {
    let path = dir.join("remote.json");
    let text = serde_json::to_vec(remote).unwrap_or_default();
    if std::fs::read(&path).is_ok_and(|held| held == text) {
        return Ok(());
    }
    crate::store::disk::replace(&path, &text).map_err(|error| error.notice())
}
