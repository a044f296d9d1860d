//! The engine's thread: intents before frames, answers at once, the disk after the answer.
//!
//! Invariant: the UI never waits for it; it never waits for the UI. A failed commit takes the views
//! back and says so.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::command::intent::Intent;
use crate::engine::coming::{Coming, Input, Listed, is_key};
use crate::engine::elsewhere::Both;
use crate::engine::handle::{EngineHandle, PurgeStep, Request, Update};
use crate::engine::link::{Endpoint, Link, LinkEvent};
use crate::engine::purging::Purging;
use crate::engine::searcher::Searcher;
use crate::engine::side_door::SideDoor;
use crate::engine::slice::{BEAT, Pace};
use crate::engine::syncer::{Written, syncer};
use crate::engine::view::{Done, ImportProgress, Status};
use crate::engine::writing::Journal;
use crate::engine::{Device, Driver, EngineError};
use crate::id::ThreadId;
use crate::limits::COMMIT_WITHIN;
use crate::notice::{Explain as _, Notice};
use crate::sync::SyncError;

/// How long the thread sleeps when nothing happens.
const IDLE: Duration = Duration::from_secs(1);
/// Conversations loaded ahead at a time.
const MAX_AHEAD: usize = 8;
/// Answers in a row after which frames are taken in, whatever else is asked.
const MAX_BEATS: u32 = 4;
/// How long a disk that refused rests.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Runs an import: paths, a stop flag, and whom to tell. Made by the wiring, which knows a sink.
pub type ImportJob = Arc<
    dyn Fn(Vec<PathBuf>, Arc<AtomicBool>, &mut dyn FnMut(ImportProgress)) -> Notice + Send + Sync,
>;

/// Starts the engine on a thread of its own.
///
/// # Errors
/// When a thread or the link's runtime cannot be made.
pub fn start(
    device: Device,
    endpoint: Option<Endpoint>,
    import: Option<ImportJob>,
) -> Result<(EngineHandle, SideDoor), EngineError> {
    let (inputs, receiver) = mpsc::channel::<Input>();
    let (requests, from_ui) = mpsc::channel::<Request>();
    let (updates, to_ui) = mpsc::channel();
    let remote = matches!(endpoint, Some(Endpoint::Url { .. }));
    let link = match endpoint {
        Some(endpoint) => Some(Link::start(endpoint, device.id().clone(), inputs.clone())?),
        None => None,
    };
    let forward = inputs.clone();
    std::thread::spawn(move || {
        while let Ok(request) = from_ui.recv() {
            if forward.send(Input::Request(request)).is_err() {
                return;
            }
        }
        // The UI is gone without a goodbye: what it decided is still put on disk.
        let _ = forward.send(Input::Request(Request::Quit));
    });
    let mut driver = Driver::new(device, link, remote);
    driver.device.sync_later();
    driver.device.copy_beside();
    let tasks = inputs.clone();
    let side = SideDoor::new(move |task| tasks.send(Input::Run(task)).is_ok());
    let done = inputs.clone();
    let disk = syncer(move |log, became| done.send(Input::Synced(log, became)).is_ok());
    let mut engine = Engine::new(driver, updates, disk, inputs, import);
    engine.search_beside();
    let body = move || engine.run(&receiver);
    let thread = std::thread::Builder::new().name("engine".to_owned());
    thread.spawn(body).map_err(|error| SyncError::Unreached(error.to_string()))?;
    Ok((EngineHandle { requests, updates: to_ui }, side))
}

struct Engine {
    driver: Driver,
    updates: Sender<Update>,
    inputs: Sender<Input>,
    import: Option<ImportJob>,
    stop_import: Arc<AtomicBool>,
    /// The conversation in the reader.
    reading: Option<ThreadId>,
    /// When the open transaction must be committed.
    due: Option<Instant>,
    /// The thread that waits for the disk.
    disk: Sender<Written>,
    /// The last commit that it was given, and of the kept logs.
    syncing: Option<u64>,
    syncing_kept: Option<u64>,
    /// When a disk that refused is tried again.
    try_at: Option<Instant>,
    last_status: Option<Status>,
    /// When that was told.
    status_at: Instant,
    /// When it is told that lists changed.
    lists: Owed,
    /// Whether it was said that the backend is not reached, since it was last.
    outage: bool,
    /// The purge that was asked for.
    purging: Option<Purging>,
    /// Conversations to load when there is nothing else to do.
    ahead: VecDeque<ThreadId>,
    /// Whether there is more to look at of what this device is to keep.
    keeping: bool,
    /// When idle threads were last looked for.
    swept: Instant,
    /// How much of the Mailbox log is taken in at a time.
    pace: Pace,
    /// The list that was asked for last.
    listed: Option<Listed>,
    /// Drafts that are to be opened when they are here.
    opening: Vec<Opening>,
    /// Entries of the journal that go when everything that was decided is on disk.
    saved: Vec<Journal>,
    /// Messages whose bytes are waited for.
    originals: Vec<Awaited>,
    /// How often what was decided was taken back.
    losses: u64,
    /// Who searches, where there is an index.
    searcher: Option<Searcher>,
    /// What is searched here and at the backend; `None` where all mail is here.
    both: Option<Both>,
}

impl Engine {
    fn new(
        driver: Driver,
        updates: Sender<Update>,
        disk: Sender<Written>,
        inputs: Sender<Input>,
        import: Option<ImportJob>,
    ) -> Self {
        Self {
            driver,
            updates,
            disk,
            inputs,
            import,
            stop_import: Arc::default(),
            reading: None,
            due: None,
            syncing: None,
            syncing_kept: None,
            try_at: None,
            last_status: None,
            status_at: Instant::now(),
            lists: Owed::default(),
            outage: false,
            purging: None,
            ahead: VecDeque::new(),
            keeping: false,
            swept: Instant::now(),
            pace: Pace::default(),
            listed: None,
            opening: Vec::new(),
            saved: Vec::new(),
            originals: Vec::new(),
            losses: 0,
            searcher: None,
            both: None,
        }
    }

    fn run(mut self, inputs: &Receiver<Input>) {
        self.begin();
        let mut coming = Coming::new(inputs);
        let (mut answered, mut beats) = (false, 0);
        loop {
            let wait = match self.due {
                _ if answered => BEAT,
                _ if !coming.waiting.is_empty() || !self.ahead.is_empty() || self.keeping => {
                    Duration::ZERO
                }
                _ if self.driver.is_slicing() => Duration::ZERO,
                Some(due) => due.saturating_duration_since(Instant::now()),
                None => IDLE,
            };
            let mut next = match coming.next(wait) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            answered = false;
            // Requests first; frames wait in order.
            while let Some(input) = next {
                match input {
                    Input::Request(Request::Quit) => return self.quit(),
                    Input::Request(Request::Pause) => coming.held.extend(self.pause(inputs)),
                    Input::Request(request) => {
                        self.note_key(&request);
                        self.request(request);
                        answered = true;
                    }
                    Input::Run(task) => {
                        // What keys decided stays apart from what the task decides.
                        self.commit_soon();
                        task(&mut self.driver);
                    }
                    Input::Synced(log, done) if log.kept => self.synced_kept(log.commit, done),
                    Input::Synced(log, done) => self.synced(log.commit, done),
                    Input::Link(event) => coming.waiting.push_back(event),
                    other => self.heard(other),
                }
                next = coming.next(Duration::ZERO).ok();
            }
            if self.due.is_some_and(|due| due <= Instant::now()) {
                // The commit waits for no disk, and the disk works while the answer is read.
                self.commit_soon();
                self.sync_disk();
            }
            self.tell_news();
            answered = answered && self.pace.beside_keys(Instant::now()) && beats < MAX_BEATS;
            beats = if answered { beats + 1 } else { 0 };
            if answered {
                continue;
            }
            if let Some(event) = coming.waiting.pop_front() {
                self.link_events(event, &mut coming);
            }
            let sliced = self.driver.slice(Instant::now);
            self.told(sliced);
            if let Some(thread) = self.ahead.pop_front() {
                self.prefetch(&thread);
            }
            self.evict_idle();
            self.compose_on();
            self.keeping = coming.waiting.is_empty() && self.keep_on();
            self.sync_disk();
            self.tell_news();
            self.purge_on();
        }
    }

    /// Where somebody presses keys, less is taken in at a time.
    fn note_key(&mut self, request: &Request) {
        if is_key(request, self.listed.as_ref()) {
            self.pace.key(Instant::now());
        }
        if let Request::List { label, window, .. } = request {
            self.listed = Some((label.clone(), window.clone()));
        }
    }

    /// Goes on with the purge that was asked for, a part at a time.
    fn purge_on(&mut self) {
        let Some(purging) = &mut self.purging else { return };
        let ticket = purging.ticket;
        let Some(step) = purging.step(&mut self.driver) else { return };
        if !matches!(step, PurgeStep::Found(_)) {
            self.purging = None;
        }
        self.tell(Update::Purge(ticket, step));
    }

    /// Rests, with everything on disk and no transaction open, until it is told to go on or to
    /// end; returns what came meanwhile.
    fn pause(&mut self, inputs: &Receiver<Input>) -> Vec<Input> {
        self.commit();
        self.tell(Update::Paused);
        let mut held = Vec::new();
        while let Ok(input) = inputs.recv() {
            match input {
                Input::Request(Request::Resume) => break,
                Input::Request(Request::Quit) => {
                    held.push(input);
                    break;
                }
                _ => held.push(input),
            }
        }
        held
    }

    /// Has what was committed synced to disk, elsewhere: a key does not wait for that.
    fn sync_disk(&mut self) {
        if self.driver.device.is_distrusted() {
            return self.write_anew();
        }
        if let Some((log, commit)) = self.driver.device.unsynced()
            && self.syncing.is_none_or(|last| last < commit)
            && self.disk.send(Written { kept: false, log, commit }).is_ok()
        {
            self.syncing = Some(commit);
        }
        if let Some((log, commit)) = self.driver.device.unsynced_kept()
            && self.syncing_kept.is_none_or(|last| last < commit)
            && self.disk.send(Written { kept: true, log, commit }).is_ok()
        {
            self.syncing_kept = Some(commit);
        }
    }

    /// Kept logs are on disk up to a commit, or the disk refused.
    fn synced_kept(&mut self, commit: u64, done: Result<(), Notice>) {
        if done.is_err() {
            return self.synced(0, done);
        }
        if !self.driver.device.is_distrusted() {
            let done = self.driver.device.synced_kept(commit);
            self.told(done);
        }
    }

    fn synced(&mut self, commit: u64, done: Result<(), Notice>) {
        // What waited for the disk to be free goes now.
        if self.due.is_some() {
            self.commit_soon();
        }
        match done {
            Ok(()) if self.driver.device.is_distrusted() => {}
            Ok(()) => {
                let done = self.driver.synced(commit);
                self.told(done);
            }
            Err(notice) => {
                self.tell(Update::Notice(notice));
                self.driver.device.distrust();
                self.try_at = None;
            }
        }
    }

    /// Writes what could not be synced to another place of the disk, again and again until it is
    /// there. Until then it is shown as saving, and nothing of it is sent.
    fn write_anew(&mut self) {
        let now = Instant::now();
        if self.driver.device.is_saving() || self.try_at.is_some_and(|at| now < at) {
            return;
        }
        self.try_at = Some(now + TRY_AGAIN);
        if self.driver.device.sync().is_ok() {
            let done = self.driver.synced(0);
            self.told(done);
        }
    }

    fn told(&self, done: Result<(), EngineError>) {
        if let Err(error) = done {
            self.tell(Update::Notice(error.notice()));
        }
    }

    /// Takes in an event of the link; a page of the Mailbox log with those behind it, for as long
    /// as nothing else is there to do and a key would not have to wait.
    fn link_events(&mut self, event: LinkEvent, coming: &mut Coming<'_>) {
        let ended = match &event {
            LinkEvent::Down(_) => Some(Ended::ForNow),
            LinkEvent::Refused(_) => Some(Ended::ForGood),
            _ => None,
        };
        if ended.is_some()
            && let Some(purging) = self.purging.take()
        {
            self.tell(Update::Purge(purging.ticket, Purging::lost()));
        }
        let (begun, mut events) = (Instant::now(), 0);
        let most = self.pace.events(begun);
        let listed = self.listed.as_ref();
        let done = self.driver.link_events(event, &mut |have, behind| {
            events = have;
            if have < most { coming.page(behind, listed) } else { None }
        });
        self.pace.took(events, begun.elapsed());
        if let Err(error) = done {
            self.tell(Update::Notice(error.notice()));
        }
        self.tell_outage(ended);
        // A frame puts what was decided on disk first; that the link is gone does not.
        if !self.driver.device.is_saving() {
            self.due = None;
        }
    }

    fn tell(&self, update: Update) {
        // A UI that is gone needs no news.
        let _ = self.updates.send(update);
    }

    fn commit_soon(&mut self) {
        self.due = None;
        let done = self.driver.commit_soon();
        self.taken_back(done);
    }

    fn commit(&mut self) {
        self.due = None;
        let done = self.driver.commit();
        self.taken_back(done);
    }

    /// Says that what was decided could not be kept, and shows it as it is.
    fn taken_back(&mut self, done: Result<(), EngineError>) {
        if self.driver.device.has_lost() {
            self.tell_lost();
        } else {
            self.told(done);
        }
    }

    fn quit(mut self) {
        self.stop_import.store(true, Ordering::SeqCst);
        self.commit();
        self.forget_saved();
        self.tell(Update::Ended);
    }

    fn request(&mut self, request: Request) {
        let done = match request {
            Request::List { ticket, label, window, limit } => self
                .driver
                .device
                .page(&label, &window, limit)
                .map(|page| self.tell(Update::Page { ticket, page })),
            Request::History { ticket, before, limit } => {
                self.tell_history(ticket, before.as_ref(), limit)
            }
            Request::ActionRows { action, limit } => {
                self.driver.device.action_rows(&action, limit).map(|(rows, total)| {
                    self.tell(Update::ActionRows { action, rows, total });
                })
            }
            Request::Open(thread) => self.open(thread),
            Request::Close => self.close(),
            Request::Prefetch(threads) => {
                self.ahead = threads.into_iter().take(MAX_AHEAD).collect();
                Ok(())
            }
            Request::Outgoing => {
                self.driver.device.outgoing_rows().map(|rows| self.tell(Update::Outgoing(rows)))
            }
            Request::Draft { ticket, thread, save } => {
                self.opening.push(Opening { ticket, thread, save, asked: Asked::Nothing });
                self.open_drafts();
                Ok(())
            }
            asks @ (Request::People
            | Request::Stats(_)
            | Request::Original(_)
            | Request::Rest { .. }
            | Request::Journal(_)
            | Request::Forget { .. }) => {
                self.of_writing(asks);
                Ok(())
            }
            Request::Intend(intent) => self.intend(&intent),
            Request::LookPurge { ticket, of } => {
                self.purging = Some(Purging::look(ticket, of));
                Ok(())
            }
            Request::Purge(ticket) => {
                if let Some(purging) = self.purging.as_mut().filter(|p| p.ticket == ticket) {
                    purging.go();
                }
                Ok(())
            }
            Request::LeavePurge => {
                self.purging = None;
                Ok(())
            }
            Request::Import(paths) => {
                self.start_import(paths);
                Ok(())
            }
            Request::StopImport => {
                self.stop_import.store(true, Ordering::SeqCst);
                Ok(())
            }
            // What is taken in elsewhere is nothing there.
            asks => self.of_search(asks),
        };
        if let Err(error) = done {
            self.tell(Update::Notice(error.notice()));
        }
    }

    /// Decides an intent. Each has exactly one answer, also one that failed, or the UI would take
    /// the next answer for this one's.
    fn intend(&mut self, intent: &Intent) -> Result<(), EngineError> {
        match self.driver.device.intend(intent) {
            Ok(done) => {
                self.driver.saving += 1;
                // A disk that has nothing to do begins at once; what comes while it is busy shares
                // its next turn.
                let busy = self.driver.device.unsynced().is_some();
                let wait = if busy { COMMIT_WITHIN } else { Duration::ZERO };
                self.due.get_or_insert_with(|| Instant::now() + wait);
                self.tell(Update::Done(done));
                Ok(())
            }
            Err(error) => {
                self.tell(Update::Done(Done::default()));
                Err(error)
            }
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as all that answer a request")]
    fn close(&mut self) -> Result<(), EngineError> {
        self.reading = None;
        self.driver.device.pin([]);
        Ok(())
    }

    fn open(&mut self, thread: ThreadId) -> Result<(), EngineError> {
        self.reading = Some(thread);
        self.load_members(|_, _| true)?;
        self.tell_thread()
    }

    /// Loads the members of the open conversation that are `wanted`; all of them stay loaded.
    fn load_members(
        &mut self,
        wanted: impl Fn(&Device, &ThreadId) -> bool,
    ) -> Result<(), EngineError> {
        let Some(thread) = &self.reading else { return Ok(()) };
        let device = &mut self.driver.device;
        let Some(row) = device.row(thread)? else { return Ok(()) };
        device.pin(row.members.iter().map(|member| member.thread.clone()));
        for member in row.members {
            if wanted(device, &member.thread) {
                device.note_opened(&member.thread)?;
                device.load(&member.thread)?;
            }
        }
        self.driver.send()
    }

    fn tell_thread(&mut self) -> Result<(), EngineError> {
        let Some(thread) = self.reading.clone() else { return Ok(()) };
        // A member may have come to it while it was open.
        self.load_members(|device, member| !device.is_open(member))?;
        let view = self.driver.device.thread(&thread)?;
        // Until the log is here there is nothing to read yet; the row alone is on screen already.
        if view.as_ref().is_none_or(|view| !view.messages.is_empty()) {
            self.tell(Update::Thread(thread, view.map(Box::new)));
        }
        Ok(())
    }

    fn start_import(&mut self, paths: Vec<PathBuf>) {
        let Some(job) = self.import.clone() else {
            let hint = "import where the backend is, or use `mailtui import`";
            let notice = Notice::warning("no-import", "nothing to import into here", hint);
            return self.tell(Update::Notice(notice));
        };
        self.stop_import.store(false, Ordering::SeqCst);
        let (stop, inputs) = (Arc::clone(&self.stop_import), self.inputs.clone());
        std::thread::spawn(move || {
            let notice = job(paths, stop, &mut |progress| {
                // An engine that has ended needs no progress.
                let _ = inputs.send(Input::Import(progress));
            });
            let _ = inputs.send(Input::Imported(notice));
        });
    }
}

#[path = "composing.rs"]
mod composing;
#[path = "idle.rs"]
mod idle;
#[path = "originals.rs"]
mod originals;
#[path = "rest.rs"]
mod rest;
#[path = "sought.rs"]
mod sought;
#[path = "telling.rs"]
mod telling;

use composing::{Asked, Opening};
use originals::Awaited;
use telling::{Ended, Owed};

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
