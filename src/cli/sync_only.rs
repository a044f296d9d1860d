//! `--sync-only`: synchronise without a screen.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::engine::{EngineError, Synced};
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::Own;

/// How often `--watch` looks whether it was told to stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long `--watch` waits before it tries again.
const AGAIN: Duration = Duration::from_secs(2);

/// Synchronises once, or goes on and says every change.
pub(super) fn run(home: &Home, output: Output, watch: bool) -> Result<Exit, Notice> {
    let mut session = Session::open(home)?;
    if home.offline {
        report(&session, output, Synced::default())?;
        return Ok(Exit::Done);
    }
    let stop = watch.then(super::stop::flag);
    let first = session.connect().and_then(|()| session.synchronise_all());
    let Some(stop) = stop else {
        report(&session, output, first.clone().unwrap_or_default())?;
        first?;
        return Ok(Exit::Done);
    };
    match first {
        Ok(synced) => report(&session, output, synced)?,
        Err(notice) if notice.exit == Exit::Unreached => output.notice(&notice),
        Err(notice) => return Err(notice),
    }
    while !stop.load(Ordering::SeqCst) {
        let Ok(event) = session.events.recv_timeout(LOOK) else { continue };
        session.driver.link_event(event).map_err(|error| error.notice())?;
        if let Some(error) = session.driver.last_error.take() {
            let error = EngineError::from(error);
            if error.is_permanent() {
                return Err(error.notice());
            }
            output.notice(&error.notice());
            std::thread::sleep(AGAIN.min(LOOK));
        }
        let news = session.driver.device.news();
        if news.lists || news.pulled > 0 || news.pushed > 0 {
            report(&session, output, Synced { pulled: news.pulled, pushed: news.pushed })?;
        }
    }
    Ok(Exit::Stopped)
}

fn report(session: &Session, output: Output, synced: Synced) -> Result<(), Notice> {
    let device = &session.driver.device;
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
