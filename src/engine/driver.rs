//! A device and its link, driven step by step: what the commands and the engine's thread share.
//!
//! Invariant: nothing is sent that is not on disk; a frame is taken in before the next is awaited.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::command::intent::Intent;
use crate::engine::keep::FETCHES;
use crate::engine::link::{Link, LinkEvent, SILENCE};
use crate::engine::silence::{Silence, TellSilence};
use crate::engine::slice::{Further, further};
use crate::engine::slices::Slices;
use crate::engine::view::{Done, Link as LinkView, Status};
use crate::engine::{Device, EngineError};
use crate::limits::CONNECT_TIMEOUT;
use crate::notice::Explain as _;
use crate::sync::{Frame, IngestMessage, SyncError};

/// How soon whoever waits sees that it is stopped, or that nothing is heard.
const STOP_LOOK: Duration = Duration::from_millis(100);

/// A device with its link.
#[derive(Debug)]
pub struct Driver {
    /// The device.
    pub device: Device,
    link: Option<Link>,
    state: LinkView,
    remote: bool,
    next_question: u64,
    /// How often the connection has ended: what was asked before that is answered no more.
    pub breaks: u64,
    /// Frames that have come: while they do, what is awaited may still come.
    pub heard: u64,
    /// Why the connection is not there, when it is not.
    pub last_error: Option<SyncError>,
    /// Actions decided and not yet on disk.
    pub saving: u64,
    /// How long a command waits for a backend that says nothing new.
    patience: Duration,
    /// A snapshot, a slice at a time.
    pub(super) slices: Slices,
    /// What says that the user stops it, where somebody may.
    stop: Option<Arc<AtomicBool>>,
    /// Who hears that nothing is heard while something is awaited.
    silence: Silence,
}

/// What a synchronisation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Synced {
    /// Mailbox events taken in.
    pub pulled: u64,
    /// Own events confirmed.
    pub pushed: u64,
    /// Conversations fetched to be kept.
    pub fetched: u64,
}

impl std::ops::AddAssign for Synced {
    fn add_assign(&mut self, more: Self) {
        self.pulled += more.pulled;
        self.pushed += more.pushed;
        self.fetched += more.fetched;
    }
}

impl Driver {
    /// A device with or without a link.
    #[must_use]
    pub const fn new(device: Device, link: Option<Link>, remote: bool) -> Self {
        let state = LinkView::Offline;
        let (last_error, saving, next_question, patience) = (None, 0, 1, SILENCE);
        let (breaks, heard, slices) = (0, 0, Slices::NONE);
        Self {
            device,
            link,
            state,
            remote,
            next_question,
            breaks,
            heard,
            last_error,
            saving,
            patience,
            slices,
            stop: None,
            silence: Silence::NONE,
        }
    }

    /// From now on whatever waits ends with [`EngineError::Stopped`] soon after this is set; `None`
    /// for nothing more to end it.
    pub fn stop_at(&mut self, stop: Option<Arc<AtomicBool>>) {
        self.stop = stop;
    }

    /// From now on this hears when a backend that something is awaited of says nothing at all.
    pub fn tell_silence(&mut self, tell: TellSilence) {
        self.silence = Silence::of(tell);
    }

    /// Gives it a link.
    pub fn set_link(&mut self, link: Link) {
        self.state = LinkView::Connecting;
        self.link = Some(link);
    }

    /// Whether there is a link at all.
    #[must_use]
    pub const fn has_link(&self) -> bool {
        self.link.is_some()
    }

    /// Takes an event of the link in, and sends what that makes possible.
    ///
    /// # Errors
    /// When the database refuses or the backend is not this directory's.
    pub fn link_event(&mut self, event: LinkEvent) -> Result<(), EngineError> {
        self.link_events(event, &mut |_, _| None)
    }

    /// As [`Driver::link_event`]; see [`Device::receive_with`].
    ///
    /// # Errors
    /// As [`Driver::link_event`].
    pub fn link_events(&mut self, event: LinkEvent, more: Further<'_>) -> Result<(), EngineError> {
        match event {
            LinkEvent::Dialing => self.state = LinkView::Connecting,
            LinkEvent::Frame(frame, _place) => {
                self.last_error = None;
                self.state = LinkView::Online { behind: 0 };
                self.heard += 1;
                match self.device.receive_with(*frame, more) {
                    Err(EngineError::Sync(error)) if error.is_permanent() => self.refused(error),
                    Err(EngineError::OtherBackend(id)) => {
                        self.link = None;
                        self.state = LinkView::Refused;
                        return Err(EngineError::OtherBackend(id));
                    }
                    Err(error @ (EngineError::Store(_) | EngineError::Sync(_))) => {
                        self.breaks += 1;
                        self.begin_anew();
                        return Err(error);
                    }
                    other => other?,
                }
                self.saved();
                self.send()?;
            }
            LinkEvent::Room => self.send()?,
            LinkEvent::Down(error) => {
                self.breaks += 1;
                self.device.disconnected();
                // Until it is tried again there is no connection, and none is being made.
                self.state = LinkView::Offline;
                self.last_error = Some(error);
            }
            LinkEvent::Refused(error) => self.refused(error),
        }
        Ok(())
    }

    /// What the backend said could not be taken in: it says it again on another connection.
    pub(super) fn begin_anew(&mut self) {
        self.device.disconnected();
        self.state = LinkView::Connecting;
        if let Some(link) = &self.link {
            link.redial();
        }
    }

    pub(super) fn refused(&mut self, error: SyncError) {
        self.breaks += 1;
        self.device.disconnected();
        self.link = None;
        self.state = LinkView::Refused;
        self.last_error = Some(error);
    }

    /// Puts what was decided on disk, and offers it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn commit(&mut self) -> Result<(), EngineError> {
        self.device.commit()?;
        self.device.sync()?;
        self.saved();
        self.send()
    }

    /// Commits without waiting for the disk; see [`Device::sync_later`].
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn commit_soon(&mut self) -> Result<(), EngineError> {
        self.device.commit()
    }

    /// Commits up to this number are on disk: what they decided is offered.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn synced(&mut self, commit: u64) -> Result<(), EngineError> {
        self.device.synced(commit);
        self.saved();
        self.send()
    }

    /// Nothing is being saved any more, once all of it is on disk.
    fn saved(&mut self) {
        if !self.device.is_saving() && self.device.unsynced().is_none() {
            self.saving = 0;
        }
    }

    /// Sends what waits to be sent.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn send(&mut self) -> Result<(), EngineError> {
        if let Some(link) = &self.link {
            let left = link.send(self.device.outgoing()?);
            self.device.unsaid(left);
        }
        Ok(())
    }

    /// Makes the labels and decides the intent as one: it is on disk when this returns, or nothing
    /// of it is kept.
    ///
    /// # Errors
    /// As [`Device::label_for`], [`Device::intend`] and [`Device::commit`].
    pub fn decide(&mut self, labels: &[String], intent: &Intent) -> Result<Done, EngineError> {
        // What was decided before stays, whatever becomes of this one.
        self.commit_soon()?;
        let device = &mut self.device;
        device.joint = (!labels.is_empty()).then(|| device.action("label"));
        let made = labels.iter().try_for_each(|name| device.label_for(name).map(drop));
        let done = made.and_then(|()| device.intend(intent));
        device.joint = None;
        match done {
            Ok(done) => self.commit().map(|()| done),
            Err(error) => {
                device.take_back();
                Err(error)
            }
        }
    }

    /// Takes the list of what the backend refused away; its lines. On disk when this returns.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn clear_refused(&mut self) -> Result<Vec<String>, EngineError> {
        self.commit_soon()?;
        let lines = self.device.clear_refused()?;
        self.commit().map(|()| lines)
    }

    /// The number of a question to the backend.
    pub(super) fn question(&mut self) -> u64 {
        let seq = self.next_question;
        self.next_question += 1;
        seq
    }

    /// Asks the backend to say when all that it has is projected; see [`Device::is_settled`].
    pub fn ask_settle(&mut self) -> u64 {
        let seq = self.question();
        self.device.settle(seq);
        seq
    }

    /// Hands raw messages to the backend; see [`Device::take_ingested`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn ask_ingest(&mut self, messages: Vec<IngestMessage>) -> Result<u64, EngineError> {
        let seq = self.question();
        self.device.want(Frame::Ingest { seq, messages });
        self.send()?;
        Ok(seq)
    }

    /// Hands what a source changed to the backend; see [`Device::take_ingested`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn ask_follow(&mut self, changes: Vec<serde_json::Value>) -> Result<u64, EngineError> {
        let seq = self.question();
        self.device.want(Frame::Follow { seq, changes });
        self.send()?;
        Ok(seq)
    }

    /// Why nothing can be asked of the backend now, if so.
    #[must_use]
    pub fn unreached(&self) -> Option<EngineError> {
        let offline = || SyncError::Unreached("there is no connection".to_owned());
        let error = self.last_error.clone().or_else(|| self.link.is_none().then(offline));
        error.map(EngineError::from)
    }

    /// The status line.
    #[must_use]
    pub fn status(&self) -> Status {
        let link = match self.state {
            LinkView::Online { .. } => match self.device.syncing() {
                Some((done, total)) => LinkView::Syncing { done, total },
                None => LinkView::Online { behind: self.device.behind().unwrap_or(0) },
            },
            other => other,
        };
        let (pending, _) = self.device.pending().unwrap_or_default();
        Status { link, remote: self.remote, saving: self.saving, pending }
    }

    /// Waits until the first frame of the backend is here.
    ///
    /// # Errors
    /// When it is not reached in time, or refuses.
    pub fn connect(&mut self, events: &Receiver<LinkEvent>) -> Result<(), EngineError> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        self.until(events, Some(deadline), |driver| {
            Ok(matches!(driver.state, LinkView::Online { .. }))
        })
    }

    /// Takes frames in until `done`. A connection that goes is an error: a command says so and
    /// keeps its work; it does not wait for ever.
    ///
    /// # Errors
    /// When the backend is not reached, refuses, or is silent for too long, or it is stopped.
    pub fn until(
        &mut self,
        events: &Receiver<LinkEvent>,
        deadline: Option<Instant>,
        done: impl FnMut(&mut Self) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError> {
        let ended = self.wait(events, deadline, done);
        self.silence.ends();
        ended
    }

    fn wait(
        &mut self,
        events: &Receiver<LinkEvent>,
        deadline: Option<Instant>,
        mut done: impl FnMut(&mut Self) -> Result<bool, EngineError>,
    ) -> Result<(), EngineError> {
        let mut silent = Duration::ZERO;
        let mut end = deadline.unwrap_or_else(|| Instant::now() + self.patience);
        loop {
            self.send()?;
            if done(self)? {
                return Ok(());
            }
            if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::SeqCst)) {
                return Err(EngineError::Stopped);
            }
            if let Some(error) = self.last_error.clone() {
                return Err(self.told(error).into());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(SyncError::Timeout.into());
            }
            let looks = self.stop.is_some() || self.silence.is_told();
            let turn = if looks { left.min(STOP_LOOK) } else { left };
            match events.recv_timeout(turn) {
                Ok(event) => {
                    silent = Duration::ZERO;
                    self.silence.ends();
                    // A ping says that it is alive, not that what is awaited will come.
                    if deadline.is_none() && !is_ping(&event) {
                        end = Instant::now() + self.patience;
                    }
                    let mut next = Some(event);
                    while let Some(event) = next.take() {
                        self.link_events(event, &mut |have, behind| {
                            further(events, (have, behind), &mut next)
                        })?;
                    }
                }
                Err(RecvTimeoutError::Timeout) if turn < left => {
                    silent += turn;
                    self.silence.lasts(silent);
                }
                Err(RecvTimeoutError::Timeout) => return Err(SyncError::Timeout.into()),
                Err(RecvTimeoutError::Disconnected) => {
                    let error = SyncError::Unreached("the link has ended".to_owned());
                    return Err(error.into());
                }
            }
        }
    }

    /// Why a connection ended, in the backend's own words where it gave some.
    fn told(&mut self, error: SyncError) -> SyncError {
        match self.device.take_failure() {
            Some((code, message)) if !error.is_permanent() => SyncError::Failed { code, message },
            _ => error,
        }
    }

    /// Offers what is pending, waits until the backend has projected all that it has, and takes
    /// the Mailbox log in up to there.
    ///
    /// # Errors
    /// As [`Driver::until`].
    pub fn synchronise(&mut self, events: &Receiver<LinkEvent>) -> Result<Synced, EngineError> {
        self.synchronise_telling(events, |_, _| ())
    }

    /// As [`Driver::synchronise`]; `tell` hears how much of a snapshot is here, and how much it is.
    ///
    /// # Errors
    /// As [`Driver::until`].
    pub fn synchronise_telling(
        &mut self,
        events: &Receiver<LinkEvent>,
        mut tell: impl FnMut(u64, u64),
    ) -> Result<Synced, EngineError> {
        let mut told = |driver: &Self| {
            if let Some((done, all)) = driver.device.syncing() {
                tell(done, all);
            }
        };
        // In a new epoch logs are compared first: what the backend has lost is pending then.
        self.until(events, None, |driver| {
            told(driver);
            Ok(driver.device.is_compared() && driver.device.pending()?.0 == 0)
        })?;
        let seq = self.ask_settle();
        self.until(events, None, |driver| {
            told(driver);
            driver.device.is_settled(seq)
        })?;
        Ok(self.so_far())
    }

    /// What was pulled, pushed and fetched since this was last asked.
    pub fn so_far(&mut self) -> Synced {
        let mut news = self.device.news();
        // Told by who has somebody to tell.
        self.device.news.late = std::mem::take(&mut news.late);
        Synced { pulled: news.pulled, pushed: news.pushed, fetched: news.fetched }
    }

    /// Fetches what this device is to keep, and lets go of the rest; until `go_on` says no. It is
    /// told how many threads were fetched.
    ///
    /// # Errors
    /// As [`Driver::until`].
    pub fn refresh(
        &mut self,
        events: &Receiver<LinkEvent>,
        mut go_on: impl FnMut(u64) -> bool,
    ) -> Result<(), EngineError> {
        if !self.device.keeps() {
            return Ok(());
        }
        self.until(events, None, |driver| {
            loop {
                let kept = driver.device.keep_on(FETCHES)?;
                if kept.done || !go_on(kept.fetched) {
                    return Ok(true);
                }
                driver.send()?;
                if kept.waits {
                    return Ok(false);
                }
            }
        })
    }
}

impl From<&EngineError> for crate::notice::Notice {
    fn from(error: &EngineError) -> Self {
        error.notice()
    }
}

fn is_ping(event: &LinkEvent) -> bool {
    matches!(event, LinkEvent::Frame(frame, _) if matches!(**frame, Frame::Ping { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::engine::link::Place;

    fn driver(dir: &std::path::Path) -> Driver {
        let device = Device::open(dir, false, Box::new(SystemClock)).unwrap();
        Driver::new(device, None, false)
    }

    #[test]
    fn a_backend_that_only_pings_is_not_waited_for_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut driver = driver(dir.path());
        driver.patience = Duration::from_millis(100);
        let (sender, events) = std::sync::mpsc::channel();
        let pings = std::thread::spawn(move || {
            for _ in 0..200 {
                let ping = LinkEvent::Frame(Box::new(Frame::Ping { n: 1 }), Place::default());
                if sender.send(ping).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let begun = Instant::now();
        let ended = driver.until(&events, None, |_| Ok(false));
        assert!(matches!(ended, Err(EngineError::Sync(SyncError::Timeout))), "{ended:?}");
        assert!(begun.elapsed() < Duration::from_secs(1));
        drop(events);
        pings.join().unwrap();
    }

    #[test]
    fn a_backend_that_cannot_go_on_is_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let mut driver = driver(dir.path());
        let (sender, events) = std::sync::mpsc::channel();
        let (code, message) = ("disk-full".to_owned(), "the disk is full".to_owned());
        let error = Frame::Error { code, message, retry: true };
        sender.send(LinkEvent::Frame(Box::new(error), Place::default())).unwrap();
        let lost = SyncError::Unreached("the connection ended".to_owned());
        sender.send(LinkEvent::Down(lost)).unwrap();
        let notice = driver.until(&events, None, |_| Ok(false)).unwrap_err().notice();
        assert_eq!((notice.code, notice.message.contains("disk is full")), ("disk-full", true));
    }
}
