//! `--sync-only`: synchronise without a screen.

mod summary;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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
use summary::Summary;

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
    let live = std::io::stderr().is_terminal();
    session.driver.tell_silence(Box::new(move |silent| match silent {
        Some(silent) => output.progress(&summary::silence(silent), live),
        None if live => output.progress("", true),
        None => {}
    }));
    let (synced, first) = exchange(&mut session, output, &stop);
    if !watch || first.as_ref().is_err_and(is_stop) {
        return once(&mut session, output, (synced, first), &stop);
    }
    // What goes on looks at the flag itself.
    session.driver.stop_at(None);
    session.fetch_mail()?;
    match first {
        Ok(()) => report(&session.driver.device, output, synced)?,
        Err(notice) if notice.exit == Exit::Unreached => output.notice(&notice),
        Err(notice) => return Err(notice),
    }
    go_on(home, output, session, &stop)
}

/// Synchronises, and fetches what is to be kept; what was done, also where it was broken off.
fn exchange(
    session: &mut Session,
    output: Output,
    stop: &AtomicBool,
) -> (Synced, Result<(), Notice>) {
    let mut synced = Synced::default();
    let went = session.connect().and_then(|()| synchronise(session, output));
    let went = went.map(|done| synced = done).and_then(|()| fetch(session, output, stop));
    synced += session.driver.so_far();
    (synced, went)
}

/// Looks at every account once, and says what there is.
fn once(
    session: &mut Session,
    output: Output,
    (mut synced, first): (Synced, Result<(), Notice>),
    stop: &AtomicBool,
) -> Result<Exit, Notice> {
    let mut fetched = Fetched::default();
    if first.is_ok() {
        fetched = mail_fetch::once(session, output, stop)?;
        if !fetched.accounts.is_empty() || !fetched.failed.is_empty() {
            synced += match synchronise(session, output) {
                Err(notice) if is_stop(&notice) => session.driver.so_far(),
                more => more?,
            };
        }
        session.index(output, stop);
    }
    tell_late(&mut session.driver.device, output);
    let stopped = stop.load(Ordering::SeqCst);
    let device = &session.driver.device;
    let ended =
        Ended { stopped, broken: first.is_err() && !stopped, left_out: first.is_ok() && !stopped };
    report_with(device, output, synced, &fetched, ended)?;
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
    let mut synced = Synced::default();
    while !stop.load(Ordering::SeqCst) {
        let turned = attend.turn(output)?;
        keep(&mut attend.driver)?;
        if !turned {
            continue;
        }
        let device = &mut attend.driver.device;
        tell_late(device, output);
        let news = device.news();
        // That something is kept is no change, and is told with the next.
        let (pulled, pushed, fetched) = (news.pulled, news.pushed, news.fetched);
        synced += Synced { pulled, pushed, fetched };
        if news.lists || news.pulled > 0 || news.pushed > 0 {
            report(device, output, std::mem::take(&mut synced))?;
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
    report_with(device, output, synced, &Fetched::default(), Ended::default())
}

/// How it ended.
#[derive(Debug, Clone, Copy, Default)]
struct Ended {
    /// The user stopped it.
    stopped: bool,
    /// Something else did.
    broken: bool,
    /// It did not, and what is not kept is what has no room.
    left_out: bool,
}

fn report_with(
    device: &Device,
    output: Output,
    synced: Synced,
    fetched: &Fetched,
    ended: Ended,
) -> Result<(), Notice> {
    let notice = |error: EngineError| error.notice();
    let (pending, _) = device.pending().map_err(notice)?;
    let left_out = if ended.left_out { device.left_out().map_err(notice)? } else { 0 };
    let limit = device.policy().map_err(notice)?.limit;
    let summary = Summary {
        stores: 1 + device.kept_sum().map_err(notice)?.whole,
        synced,
        pending,
        head: device.head().map_err(notice)?,
        backend: Own::setting(device.db(), "backend").map_err(|error| error.notice())?,
        keeps: device.keeps(),
        left_out: (left_out > 0).then_some((left_out, limit)),
        broken: ended.broken,
        came: device.syncing().filter(|_| ended.stopped || ended.broken),
        stopped: ended.stopped,
        behind: device.behind(),
        fetched,
    };
    output.result(&summary.value(), || summary.line())
}
