//! `--sync-only`: synchronise without a screen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use crate::cli::beside;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::engine::link::LinkEvent;
use crate::engine::{Device, Driver, EngineError, SideDoor, Synced, Task};
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::Own;

/// How often `--watch` looks whether it was told to stop.
const LOOK: Duration = Duration::from_millis(100);

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

/// What wakes a watcher.
enum Input {
    Link(LinkEvent),
    Run(Task),
}

/// Says every change until it is stopped; other commands work through it meanwhile.
fn go_on(home: &Home, output: Output, session: Session, stop: &AtomicBool) -> Result<Exit, Notice> {
    let Session { mut driver, events, .. } = session;
    let (inputs, receiver) = mpsc::channel();
    let tasks = inputs.clone();
    let side = SideDoor::new(move |task| tasks.send(Input::Run(task)).is_ok());
    let listening = beside::listen(home, side);
    if let Err(error) = &listening {
        let line = format!("other commands cannot work through this one: {error}");
        output.notice(&Notice::warning("no-socket", line, "they say that the directory is in use"));
    }
    let _listening = listening.ok();
    // Gone before the socket, so that the last guests hear of the end.
    let receiver = receiver;
    std::thread::spawn(move || {
        for event in events {
            if inputs.send(Input::Link(event)).is_err() {
                return;
            }
        }
    });
    while !stop.load(Ordering::SeqCst) {
        match receiver.recv_timeout(LOOK) {
            Ok(Input::Link(event)) => link_event(&mut driver, event, output)?,
            Ok(Input::Run(task)) => task(&mut driver),
            Err(_) => continue,
        }
        let news = driver.device.news();
        if news.lists || news.pulled > 0 || news.pushed > 0 {
            let synced = Synced { pulled: news.pulled, pushed: news.pushed };
            report(&driver.device, output, synced)?;
        }
    }
    Ok(Exit::Stopped)
}

/// Takes an event in; a connection that is gone is said once, and one that is refused ends it.
fn link_event(driver: &mut Driver, event: LinkEvent, output: Output) -> Result<(), Notice> {
    let tells = !matches!(event, LinkEvent::Dialing);
    driver.link_event(event).map_err(|error| error.notice())?;
    if tells && let Some(error) = driver.last_error.clone() {
        let error = EngineError::from(error);
        if error.is_permanent() {
            return Err(error.notice());
        }
        output.notice(&error.notice());
    }
    Ok(())
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
