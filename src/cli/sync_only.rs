//! `--sync-only`: synchronise without a screen.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::backend::Host;
use crate::cli::attend::Attend;
use crate::cli::home::Home;
use crate::cli::mail_fetch::{self, Fetched};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::engine::late::too_late;
use crate::engine::writing::recovered;
use crate::engine::{Device, Driver, EngineError, FETCHES, Synced};
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::Own;

/// How often progress is said.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Synchronises once, or goes on and says every change.
pub(super) fn run(home: &Home, output: Output, watch: bool) -> Result<Exit, Notice> {
    let mut session = Session::open(home)?;
    recover_drafts(&mut session.driver.device, output);
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
    let stop = super::stop::flag();
    session.driver.stop_at(Some(Arc::clone(&stop)));
    let mut first = session.connect().and_then(|()| synchronise(&mut session, output));
    if first.is_ok()
        && let Err(notice) = fetch(&mut session, output, &stop)
    {
        first = Err(notice);
    }
    if !watch || first.as_ref().is_err_and(is_stop) {
        return once(&mut session, output, first, &stop);
    }
    // What goes on looks at the flag itself.
    session.driver.stop_at(None);
    session.fetch_mail()?;
    match first {
        Ok(synced) => report(&session.driver.device, output, synced)?,
        Err(notice) if notice.exit == Exit::Unreached => output.notice(&notice),
        Err(notice) => return Err(notice),
    }
    go_on(home, output, session, &stop)
}

/// Looks at every account once, and says what there is.
fn once(
    session: &mut Session,
    output: Output,
    first: Result<Synced, Notice>,
    stop: &AtomicBool,
) -> Result<Exit, Notice> {
    let mut synced = match &first {
        Ok(synced) => *synced,
        Err(_) => session.driver.so_far(),
    };
    let mut fetched = Fetched::default();
    if first.is_ok() {
        fetched = mail_fetch::once(session, output, stop)?;
        if !fetched.accounts.is_empty() || !fetched.failed.is_empty() {
            let more = match synchronise(session, output) {
                Err(notice) if is_stop(&notice) => session.driver.so_far(),
                more => more?,
            };
            synced.pulled += more.pulled;
            synced.pushed += more.pushed;
        }
        session.index(output, stop);
    }
    tell_late(&mut session.driver.device, output);
    let stopped = stop.load(Ordering::SeqCst);
    report_with(&session.driver.device, output, synced, &fetched, stopped)?;
    if let Err(notice) = first
        && !is_stop(&notice)
    {
        return Err(notice);
    }
    for (account, notice) in &fetched.failed {
        let line = format!("{account}: {}", notice.message);
        output.notice(&Notice::warning(notice.code, line, &notice.hint));
    }
    Ok(match (stopped, fetched.failed.is_empty()) {
        (true, _) => Exit::Stopped,
        (false, true) => Exit::Done,
        (false, false) => Exit::Partial,
    })
}

/// Whether this is no fault, but what the user asked for.
fn is_stop(notice: &Notice) -> bool {
    notice.exit == Exit::Stopped
}

/// Offers and takes in all; says how much of a snapshot is here, where there is one.
fn synchronise(session: &mut Session, output: Output) -> Result<Synced, Notice> {
    let live = std::io::stderr().is_terminal();
    let mut told: Option<Instant> = None;
    let Session { driver, events, .. } = session;
    let done = driver.synchronise_telling(events, |done, all| {
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            told = Some(Instant::now());
            output.progress(&format!("syncing {done}/{all}"), live);
        }
    });
    if live && told.is_some() {
        output.progress("", true);
    }
    tell_late(&mut driver.device, output);
    done.map_err(|error| error.notice())
}

/// What a killed program left of drafts is saved, and goes to the other devices like any other.
fn recover_drafts(device: &mut Device, output: Output) {
    match device.recover_drafts() {
        Ok(0) => {}
        Ok(count) => output.notice(&Notice::info(recovered(count))),
        Err(error) => output.notice(&error.notice()),
    }
}

/// Says what was taken back too late. What shows that may be a log that is fetched last.
fn tell_late(device: &mut Device, output: Output) {
    for line in device.take_late() {
        output.notice(&too_late(&line));
    }
}

/// Fetches the Thread logs that this device is to keep; says how many on standard error.
fn fetch(session: &mut Session, output: Output, stop: &AtomicBool) -> Result<(), Notice> {
    let live = std::io::stderr().is_terminal();
    let (mut told, mut last) = (Instant::now(), 0);
    let Session { driver, events, .. } = session;
    let done = driver.refresh(events, |fetched| {
        if fetched > last && told.elapsed() >= TELL_EVERY {
            (told, last) = (Instant::now(), fetched);
            output.progress(&format!("{fetched} conversations fetched"), live);
        }
        !stop.load(Ordering::SeqCst)
    });
    if live && last > 0 {
        output.progress("", true);
    }
    done.map_err(|error| error.notice())
}

/// Says every change until it is stopped; other commands work through it meanwhile.
fn go_on(home: &Home, output: Output, session: Session, stop: &AtomicBool) -> Result<Exit, Notice> {
    let embedded = session.host.as_ref().map(Host::handle);
    let Session { driver, events, host: _host, fetcher: _fetcher, .. } = session;
    let mut attend = Attend::begin(home, output, driver, events, embedded);
    while !stop.load(Ordering::SeqCst) {
        let turned = attend.turn(output)?;
        keep(&mut attend.driver)?;
        if !turned {
            continue;
        }
        let device = &mut attend.driver.device;
        tell_late(device, output);
        let news = device.news();
        if news.lists || news.pulled > 0 || news.pushed > 0 {
            let synced = Synced { pulled: news.pulled, pushed: news.pushed };
            report(device, output, synced)?;
        }
    }
    Ok(Exit::Stopped)
}

/// Keeps what is kept fresh, a little at a time.
fn keep(driver: &mut Driver) -> Result<(), Notice> {
    if driver.device.keeps() {
        let kept = driver.device.keep_on(FETCHES).map(drop);
        kept.and_then(|()| driver.send()).map_err(|error| error.notice())?;
    }
    Ok(())
}

fn report(device: &Device, output: Output, synced: Synced) -> Result<(), Notice> {
    report_with(device, output, synced, &Fetched::default(), false)
}

fn report_with(
    device: &Device,
    output: Output,
    synced: Synced,
    fetched: &Fetched,
    stopped: bool,
) -> Result<(), Notice> {
    let notice = |error: EngineError| error.notice();
    let (pending, _) = device.pending().map_err(notice)?;
    let head = device.head().map_err(notice)?;
    let backend = Own::setting(device.db(), "backend").map_err(|error| error.notice())?;
    let stores = 1 + device.kept_sum().map_err(notice)?.whole;
    let mut value = json!({
        "stores": stores, "pulled": synced.pulled, "pushed": synced.pushed,
        "pending": pending, "head": head, "backend": backend,
    });
    if !fetched.accounts.is_empty() {
        value["accounts"] = fetched.accounts.clone().into();
        value["failed"] = fetched.failed.iter().map(failure).collect();
    }
    let behind = device.behind().filter(|_| stopped);
    if stopped {
        value["stopped"] = true.into();
        value["behind"] = behind.into();
    }
    output.result(&value, || {
        let done = format!("{} pulled, {} pushed, {pending} pending", synced.pulled, synced.pushed);
        match (stopped, behind) {
            (false, _) => done,
            (true, None | Some(0)) => format!("{done} (stopped; run it again to go on)"),
            (true, Some(behind)) => {
                format!("{done}, {behind} behind (stopped; run it again to go on)")
            }
        }
    })
}

fn failure((account, notice): &(String, Notice)) -> serde_json::Value {
    json!({ "account": account, "code": notice.code, "reason": notice.message })
}
