//! `doctor`: checks what is on disk, says what was wrong, and repairs what can be made again.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::backend::{Backend, Finding, Options};
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::SystemClock;
use crate::engine::{Device, EngineError};
use crate::id::StoreId;
use crate::limits::THREAD_CLIENTS_EMBEDDED;
use crate::mailbox;
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::{Db, Kind, Log};

/// Checks; exit 0 when clean.
pub(super) fn run(home: &Home, output: Output) -> Result<Exit, Notice> {
    if !home.dir.exists() {
        return Ok(Exit::Done);
    }
    let stop = super::stop::flag();
    let go_on = || !stop.load(Ordering::SeqCst);
    let (mut found, mut left): (Vec<Finding>, Vec<&str>) = (Vec::new(), Vec::new());
    // Beside an owner, or where we may not write, nothing is written: then this reads, and says.
    let owner = home.own();
    if let Err(notice) = &owner
        && !matches!(notice.code, "in-use" | "io")
    {
        return Err(notice.clone());
    }
    let writable = owner.is_ok();
    if writable {
        found.extend(mend(home)?);
    }
    home.has_its_mail()?;
    if home.backend_dir().join("threads.db").exists() {
        let (checked, not) = backend(home, writable, &go_on)?;
        found.extend(checked);
        left.extend(not);
    }
    if home.dir.join("mailbox.db").exists() {
        if go_on() {
            found.extend(device(home, writable)?);
        } else {
            left.push("device");
        }
    }
    if go_on() {
        let (dir, logs) = super::search::indexed(home);
        let index = crate::backend::check_index(&dir, logs, writable);
        found.extend(index.map_err(|error| super::search::no_index(&dir, &error))?);
    } else {
        left.push("index");
    }
    say(home, output, &found, &left)
}

/// Says what was found, and what was not come to where it was stopped.
fn say(home: &Home, output: Output, found: &[Finding], left: &[&str]) -> Result<Exit, Notice> {
    for finding in found {
        output.result(finding, || {
            let end = if finding.repaired { " (repaired)" } else { "" };
            format!("{}: {}{end}", finding.code, finding.detail)
        })?;
    }
    if !left.is_empty() {
        let value = json!({ "stopped": true, "found": found.len(), "left": left });
        output.result(&value, || {
            let left = left.join(", ");
            format!("stopped; {} found, not checked to the end: {left}; run it again", found.len())
        })?;
        return Ok(Exit::Stopped);
    }
    if found.is_empty() {
        let waits = crate::backend::projecting(&home.backend_dir());
        return match waits.map_err(|error| error.notice())? {
            Some((left, of)) => {
                let projecting = json!({ "left": left, "of": of });
                output.result(&json!({ "clean": true, "projecting": projecting }), || {
                    format!("clean; {left} of {of} rows are still made again, in the background")
                })
            }
            None => output.result(&json!({ "clean": true }), || "clean".to_owned()),
        }
        .map(|()| Exit::Done);
    }
    Ok(Exit::Error)
}

/// Says what the backend refused once more, and takes the list away.
pub(super) fn clear_refused(home: &Home, output: Output) -> Result<Exit, Notice> {
    if !home.dir.join("mailbox.db").exists() {
        return Ok(Exit::Done);
    }
    let lines = Desk::open(home)?.clear_refused()?;
    for detail in lines {
        let finding = Finding { code: "refused".to_owned(), detail, repaired: true };
        output.result(&finding, || format!("refused: {} (cleared)", finding.detail))?;
    }
    Ok(Exit::Done)
}

/// Makes files again that cannot even be opened, where the other side has what was in them.
fn mend(home: &Home) -> Result<Vec<Finding>, Notice> {
    let mut found = Vec::new();
    let has_mail = home.backend_dir().join("threads.db").exists();
    if has_mail {
        let mended = crate::backend::mend(&home.backend_dir(), &SystemClock);
        found.extend(mended.map_err(|error| error.notice())?);
    }
    if has_mail || home.is_remote() {
        let mended = crate::engine::mend(&home.dir, home.is_remote(), None);
        found.extend(mended.map_err(|error| error.notice())?.into_iter().map(finding));
    }
    Ok(found)
}

fn finding((code, detail, repaired): (&str, String, bool)) -> Finding {
    Finding { code: code.to_owned(), detail, repaired }
}

/// Rows of which no log tells are compared with those of the backend beside them.
fn compare(home: &Home, device: &mut Device) -> Result<Option<Finding>, Notice> {
    let path = home.backend_dir().join("mailbox.db");
    let notice = |error: crate::store::StoreError| error.notice();
    let theirs = Db::read(&path, Kind::Mailbox, mailbox::VERSION).map_err(notice)?;
    let Some(theirs) = theirs.filter(|_| !home.is_remote()) else { return Ok(None) };
    let head = |db| Log::head(db, &StoreId::mailbox()).map_err(notice);
    if head(&theirs)? != head(device.db())?
        || mailbox::dump(&theirs).map_err(notice)? == mailbox::dump(device.db()).map_err(notice)?
    {
        return Ok(None);
    }
    device.fetch_again().map_err(|error| error.notice())?;
    Ok(Some(finding(("table", "its rows were not those of the backend".to_owned(), true))))
}

/// What is wrong with the backend beside the device, and what was not checked.
fn backend(
    home: &Home,
    writable: bool,
    go_on: &dyn Fn() -> bool,
) -> Result<(Vec<Finding>, Vec<&'static str>), Notice> {
    let notice = |error: crate::store::StoreError| error.notice();
    if writable {
        let options = Options { dir: home.backend_dir(), thread_clients: THREAD_CLIENTS_EMBEDDED };
        let mut backend = Backend::open(&options, &SystemClock).map_err(notice)?;
        return backend.doctor_until(go_on).map_err(notice);
    }
    let found = crate::backend::inspect(&home.backend_dir()).map_err(notice)?;
    Ok((found, Vec::new()))
}

fn device(home: &Home, writable: bool) -> Result<Vec<Finding>, Notice> {
    let notice = |error: crate::engine::EngineError| error.notice();
    let (mut more, mut compared) = (Vec::new(), None);
    let found = if writable {
        let mut device = home.device()?;
        let found = match device.doctor(true) {
            Err(EngineError::Store(error)) if error.is_damage() => {
                drop(device);
                // A file that is whole, with rows in it that were never written so.
                let met = Some(error.to_string());
                more = crate::engine::mend(&home.dir, home.is_remote(), met).map_err(notice)?;
                device = home.device()?;
                device.doctor(true).map_err(notice)?
            }
            found => found.map_err(notice)?,
        };
        compared = compare(home, &mut device)?;
        found
    } else {
        match home.still_reader()? {
            Some(mut device) => device.doctor(false).map_err(notice)?,
            None => Vec::new(),
        }
    };
    Ok(more.into_iter().chain(found).map(finding).chain(compared).collect())
}
