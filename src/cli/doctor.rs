//! `doctor`: checks what is on disk, says what was wrong, and repairs what can be made again.

use serde_json::json;

use crate::backend::{Backend, Finding, Options};
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::SystemClock;
use crate::limits::THREAD_CLIENTS_EMBEDDED;
use crate::notice::{Exit, Explain as _, Notice};

/// Checks; exit 0 when clean.
pub(super) fn run(home: &Home, output: Output) -> Result<Exit, Notice> {
    if !home.dir.exists() {
        return Ok(Exit::Done);
    }
    let mut found: Vec<Finding> = Vec::new();
    // Beside an owner, or where we may not write, nothing is written: then this reads, and says.
    let owner = home.own();
    if let Err(notice) = &owner
        && !matches!(notice.code, "in-use" | "io")
    {
        return Err(notice.clone());
    }
    let writable = owner.is_ok();
    home.has_its_mail()?;
    if home.backend_dir().join("threads.db").exists() {
        found.extend(backend(home, writable)?);
    }
    if home.dir.join("mailbox.db").exists() {
        found.extend(device(home, writable)?);
    }
    for finding in &found {
        output.result(finding, || {
            let end = if finding.repaired { " (repaired)" } else { "" };
            format!("{}: {}{end}", finding.code, finding.detail)
        })?;
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

fn backend(home: &Home, writable: bool) -> Result<Vec<Finding>, Notice> {
    let notice = |error: crate::store::StoreError| error.notice();
    if writable {
        let options = Options { dir: home.backend_dir(), thread_clients: THREAD_CLIENTS_EMBEDDED };
        let mut backend = Backend::open(&options, &SystemClock).map_err(notice)?;
        return backend.doctor().map_err(notice);
    }
    crate::backend::inspect(&home.backend_dir()).map_err(notice)
}

fn device(home: &Home, writable: bool) -> Result<Vec<Finding>, Notice> {
    let notice = |error: crate::engine::EngineError| error.notice();
    let found = if writable {
        home.device()?.doctor(true).map_err(notice)?
    } else {
        match home.still_reader()? {
            Some(mut device) => device.doctor(false).map_err(notice)?,
            None => Vec::new(),
        }
    };
    Ok(found
        .into_iter()
        .map(|(code, detail, repaired)| Finding { code: code.to_owned(), detail, repaired })
        .collect())
}
