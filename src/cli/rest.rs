//! The rest of messages that are not whole, fetched from their mail server for a command.
//!
//! Invariant: asked for by an event, so that what does not come in time comes with the next look at
//! the account; nothing that is not whole is given out as if it were. Offline nothing is opened.

use std::time::{Duration, Instant};

use crate::backend::Reader;
use crate::cli::beside::Guest;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::reach::Reach;
use crate::cli::session::Session;
use crate::cli::show;
use crate::command::intent::Intent;
use crate::engine::{Device, EngineError};
use crate::id::{MessageId, StoreId, ThreadId};
use crate::notice::{Exit, Explain as _, Notice};
use crate::sync::SyncError;

/// How long it is waited for, while nothing comes.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked whether it came.
const LOOK: Duration = Duration::from_millis(100);

/// The bytes of a message whose rest is at its server.
pub(super) fn raw(home: &Home, thread: &ThreadId, message: &MessageId) -> Result<Vec<u8>, Notice> {
    let mut device = crate::cli::caught_up(home)?.ok_or_else(late)?;
    {
        let mut reach = Reach::new(home);
        reach.rest(&mut device, thread, std::slice::from_ref(message))?;
    }
    let hash = device.whole(thread, message).ok_or_else(late)?;
    let logs = Reader::open(&home.backend_dir()).map_err(|error| error.notice())?;
    show::bytes(home, &device, logs.as_ref(), &hash)
}

impl Reach<'_> {
    /// Fetches the rest of messages of a thread; the device has its log with them afterwards.
    pub(super) fn rest(
        &mut self,
        device: &mut Device,
        thread: &ThreadId,
        messages: &[MessageId],
    ) -> Result<(), Notice> {
        let home = self.home();
        if home.offline {
            let hint = "run the command again without --offline to fetch it";
            return Err(Notice { hint: hint.to_owned(), ..absent() });
        }
        let intent =
            Intent::Fetch(messages.iter().map(|id| (thread.clone(), id.clone())).collect());
        let desk = self.desk(thread.as_str())?;
        desk.decide(home, &[], &intent)?;
        match desk {
            Desk::Own(session) => own(home, session, device, (thread, messages)),
            Desk::Beside(guest) => beside(home, guest, device, (thread, messages)),
        }
    }
}

/// Which messages of which thread.
type Wanted<'a> = (&'a ThreadId, &'a [MessageId]);

fn are_whole(device: &Device, (thread, messages): Wanted<'_>) -> bool {
    messages.iter().all(|message| device.whole(thread, message).is_some())
}

/// Waits in the process that has the directory: this one.
fn own(
    home: &Home,
    session: &mut Session,
    device: &mut Device,
    wanted: Wanted<'_>,
) -> Result<(), Notice> {
    let error = |error: EngineError| error.notice();
    session.connect()?;
    if session.fetcher.is_none() {
        session.fetch_mail()?;
    }
    session.driver.device.load(wanted.0).map_err(error)?;
    let (mut until, mut received) = (Instant::now() + PATIENCE, 0);
    loop {
        let soon = Some(Instant::now() + LOOK);
        let asked = session
            .driver
            .until(&session.events, soon, |driver| Ok(are_whole(&driver.device, wanted)));
        match asked {
            Ok(()) => break,
            Err(EngineError::Sync(SyncError::Timeout)) => {}
            Err(other) => return Err(other.notice()),
        }
        let now = progress(session)?;
        if now > received {
            (received, until) = (now, Instant::now() + PATIENCE);
        }
        if Instant::now() >= until {
            return Err(late());
        }
    }
    match read(home, wanted.0)? {
        Some(log) => device.put_log(wanted.0, &log),
        None => {
            device.put_log(wanted.0, &session.driver.device.kept_log(wanted.0).map_err(error)?);
        }
    }
    if are_whole(device, wanted) { Ok(()) } else { Err(late()) }
}

/// Bytes that came from mail servers, or why none will.
fn progress(session: &Session) -> Result<u64, Notice> {
    let Some(fetcher) = &session.fetcher else { return Ok(0) };
    let handle = fetcher.handle();
    if let Some(error) = handle.error() {
        return Err(error);
    }
    let accounts = handle.accounts();
    if handle.has_looked() && accounts.is_empty() {
        return Err(absent());
    }
    let failed = |status: &crate::imap::worker::Status| status.error.clone();
    let errors: Vec<Notice> = accounts.iter().filter_map(|of| failed(&of.status)).collect();
    if !accounts.is_empty() && errors.len() == accounts.len() {
        return Err(errors.into_iter().next().unwrap_or_else(late));
    }
    Ok(accounts.iter().map(|of| of.status.received).sum())
}

/// Waits while another process does it.
fn beside(
    home: &Home,
    guest: &mut Guest,
    device: &mut Device,
    wanted: Wanted<'_>,
) -> Result<(), Notice> {
    let until = Instant::now() + PATIENCE;
    loop {
        let log = if let Some(log) = read(home, wanted.0)? {
            log
        } else {
            guest.fetch(wanted.0)?;
            guest.device().kept_log(wanted.0).map_err(|error| error.notice())?
        };
        device.put_log(wanted.0, &log);
        if are_whole(device, wanted) {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(late());
        }
        std::thread::sleep(LOOK);
    }
}

/// A thread's log as it is now, where the backend's files are here.
fn read(home: &Home, thread: &ThreadId) -> Result<Option<Vec<crate::store::Event>>, Notice> {
    let logs = Reader::open(&home.backend_dir()).map_err(|error| error.notice())?;
    let log = logs.map(|logs| logs.log(&StoreId::thread(thread)));
    log.transpose().map_err(|error| error.notice())
}

fn absent() -> Notice {
    let line = "the rest of this message is at its mail server";
    Notice::error("not-whole", line, "its account is not fetched here").exit(Exit::NotFound)
}

fn late() -> Notice {
    let line = "the rest of this message is at its mail server, and did not come";
    let hint = "it is asked for, and comes with the next look; `mailtui account list` says more";
    Notice::error("not-whole", line, hint).exit(Exit::NotFound)
}
