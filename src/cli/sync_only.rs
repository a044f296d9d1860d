//! `--sync-only`: synchronise without a screen.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::backend::Host;
use crate::cli::attend::Attend;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::engine::{Device, EngineError, Synced};
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::Own;

/// Synchronises once, or goes on and says every change.
pub(super) fn run(home: &Home, output: Output, watch: bool) -> Result<Exit, Notice> {
    let mut session = Session::open(home)?;
    if home.offline {
        let device = &session.driver.device;
        report(device, output, Synced::default())?;
        let (pending, _) = device.pending().map_err(|error| error.notice())?;
        if pending > 0 {
            let line = format!("{pending} changes are kept and were not sent: it is offline");
            let hint = "run it again without --offline";
            return Err(Notice::error("offline", line, hint).exit(Exit::Unreached));
        }
        return Ok(Exit::Done);
    }
    let stop = watch.then(super::stop::flag);
    let first = session.connect().and_then(|()| session.synchronise_all());
    let Some(stop) = stop else {
        report(&session.driver.device, output, first.clone().unwrap_or_default())?;
        first?;
        return Ok(Exit::Done);
    };
    match first {
        Ok(synced) => report(&session.driver.device, output, synced)?,
        Err(notice) if notice.exit == Exit::Unreached => output.notice(&notice),
        Err(notice) => return Err(notice),
    }
    go_on(home, output, session, &stop)
}

/// Says every change until it is stopped; other commands work through it meanwhile.
fn go_on(home: &Home, output: Output, session: Session, stop: &AtomicBool) -> Result<Exit, Notice> {
    let embedded = session.host.as_ref().map(Host::handle);
    let Session { driver, events, .. } = session;
    let mut attend = Attend::begin(home, output, driver, events, embedded);
    while !stop.load(Ordering::SeqCst) {
        if !attend.turn(output)? {
            continue;
        }
        let device = &mut attend.driver.device;
        let news = device.news();
        if news.lists || news.pulled > 0 || news.pushed > 0 {
            let synced = Synced { pulled: news.pulled, pushed: news.pushed };
            report(device, output, synced)?;
        }
    }
    Ok(Exit::Stopped)
}

fn report(device: &Device, output: Output, synced: Synced) -> Result<(), Notice> {
    let notice = |error: EngineError| error.notice();
    let (pending, _) = device.pending().map_err(notice)?;
    let head = device.head().map_err(notice)?;
    let backend = Own::setting(device.db(), "backend").map_err(|error| error.notice())?;
    let stores = 1 + device.kept_stores().map_err(notice)?;
    let value = json!({
        "stores": stores, "pulled": synced.pulled, "pushed": synced.pushed,
        "pending": pending, "head": head, "backend": backend,
    });
    output.result(&value, || {
        format!("{} pulled, {} pushed, {pending} pending", synced.pulled, synced.pushed)
    })
}
