//! `restore`: a backup is put back into this data directory, and begins a new epoch.
//!
//! Invariant: the whole backup was read and checked before anything here is touched; what was here
//! is put aside under the time, and nothing is deleted. The backend's directory is the old one or
//! the new one, whole; between the two renames it is absent, which every command says, and the same
//! restore is done again.

use std::io::BufReader;
use std::path::Path;

use serde_json::json;

use crate::backend::backup::{self, BackupError, Contents};
use crate::backend::{begin_again, place};
use crate::cli::backup::Said;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::{Device, Owner};
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::{Own, StoreError, disk};

/// Puts a backup back.
pub(super) fn run(home: &Home, output: Output, file: &Path) -> Result<Exit, Notice> {
    if home.is_remote() {
        let line = "the mail is not in this data directory: its backend is elsewhere";
        let hint = "run `mailtui restore` where the backend is, or name another --data-dir";
        return Err(Notice::error("other-backend", line, hint).exit(Exit::Usage));
    }
    let meta = std::fs::metadata(file).map_err(|error| backup::notice(file, &error.into()))?;
    if !meta.is_file() {
        // It is read twice; a pipe gives its bytes once, and opening one waits for who writes.
        let line = format!("{} is not a file", file.display());
        return Err(Notice::error("no-file", line, "name a backup").exit(Exit::Usage));
    }
    let stop = super::stop::flag();
    let size = meta.len();
    let mut said = Said::new(output, "checked", &stop, size);
    let failed = |error: BackupError| backup::notice(file, &error);
    // All of it is looked at before anything is made, here too.
    read(file, None, &mut said).map_err(failed)?;
    let owner = home.own()?;
    let told = |error: StoreError| error.notice();
    let fresh = place::fresh(&home.dir).map_err(told)?;
    let put = read(file, Some(&fresh), &mut said).map_err(failed).and_then(|contents| {
        said.end();
        Ok((contents, begin_again(&fresh, &SystemClock).map_err(told)?))
    });
    let (contents, epoch) = put.inspect_err(|_| {
        // A disk that is full gets its room back; what stays goes with the next restore.
        let _ = disk::remove_tree(&fresh);
    })?;
    let another = is_of_another(home, &contents)?;
    let aside = place::exchange(&home.dir, &aside_name(), another).map_err(told)?;
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

/// What the directory is called into which this restore puts aside what was there.
fn aside_name() -> String {
    let time = jiff::Timestamp::from_second(SystemClock.now()).unwrap_or_default();
    format!("before-restore-{}", time.strftime("%Y%m%dT%H%M%SZ"))
}

/// Whether the device here is of another backend than the backup: it would refuse it, and what it
/// has not sent yet is for that other one.
fn is_of_another(home: &Home, contents: &Contents) -> Result<bool, Notice> {
    let device = Device::read(&home.dir, Box::new(SystemClock));
    let Ok(Some(device)) = device else { return Ok(false) };
    let known = Own::setting(device.db(), "backend").map_err(|error| error.notice())?;
    Ok(known.is_some_and(|known| known != contents.backend))
}

fn made_at(at: i64) -> String {
    let time = jiff::Timestamp::from_second(at).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
