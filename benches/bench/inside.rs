//! What the interface waits for from the engine, measured between the two: no terminal, no drawing.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailtui::backend::{Host, Options, listener};
use mailtui::clock::SystemClock;
use mailtui::command::intent::{Change, Intent};
use mailtui::engine::Device;
use mailtui::engine::handle::{EngineHandle, Request, Update};
use mailtui::engine::link::Endpoint;
use mailtui::engine::view::{Cursor, Link, Page, Row, Window};
use mailtui::label::{Place, system};
use mailtui::limits::THREAD_CLIENTS_EMBEDDED;
use serde_json::{Value, json};

use crate::measure::{Times, millis, ratio, syncing, timed};
use crate::random::Random;
use crate::stage::{SEED, Stage};

/// Intents on single rows.
const INTENTS: usize = 300;
/// Rows that are on a screen.
const ROWS: usize = 50;
/// Conversations that are archived at once, and how often.
const ARCHIVED: usize = 1_000;
const ARCHIVES: usize = 5;
/// Conversations in the overlay, at most.
const OVERLAY: usize = 100_000;
/// Of which so many are one action.
const TOGETHER: usize = 5_000;
/// Pages that are read over it.
const PAGES: usize = 1_000;
/// How long an answer may take.
const DEADLINE: Duration = Duration::from_mins(2);

/// A running engine.
pub(crate) struct Engine {
    pub(crate) handle: EngineHandle,
    _host: Option<Host>,
    ticket: u64,
}

/// The backend that lies in a data directory.
pub(crate) fn host(dir: &Path) -> Host {
    let options = Options { dir: dir.join("backend"), thread_clients: THREAD_CLIENTS_EMBEDDED };
    Host::start(&options, Box::new(SystemClock)).expect("a backend")
}

impl Engine {
    /// On a device alone, or with the backend that lies beside it, once it has all of that.
    fn start(dir: &Path, with_backend: bool) -> Self {
        if !with_backend {
            return Self::on(dir, None, None);
        }
        let engine = Self::begin(dir);
        engine.online();
        engine
    }

    /// With the backend that lies beside the device, as far as that may be behind.
    pub(crate) fn begin(dir: &Path) -> Self {
        let host = host(dir);
        let handle = host.handle();
        let endpoint = Endpoint::Pipe(Arc::new(move || listener::pipe(&handle)));
        Self::on(dir, Some(host), Some(endpoint))
    }

    /// On the device in `dir`, with a backend at `endpoint`.
    pub(crate) fn on(dir: &Path, host: Option<Host>, endpoint: Option<Endpoint>) -> Self {
        let remote = matches!(endpoint, Some(Endpoint::Url { .. }));
        let device = Device::open(dir, remote, Box::new(SystemClock)).expect("a device");
        let (handle, _side) = mailtui::engine::start(device, endpoint, None).expect("an engine");
        Self { handle, _host: host, ticket: 0 }
    }

    /// Waits until a device that is behind has all that the backend has.
    pub(crate) fn caught_up(&self) {
        let mut behind = false;
        self.until(|update| {
            let Update::Status(status) = update else { return false };
            behind |= matches!(status.link, Link::Online { behind: 1.. });
            behind && is_idle(status.link)
        });
    }

    /// Waits until the device is connected, and at the backend's head as far as it knows.
    fn online(&self) {
        self.until(|update| matches!(update, Update::Status(status) if is_idle(status.link)));
    }

    pub(crate) fn ask(&self, request: Request) {
        self.handle.requests.send(request).expect("the engine runs");
    }

    /// Takes updates in until one fits.
    pub(crate) fn until(&self, mut fits: impl FnMut(&Update) -> bool) -> Update {
        let begun = Instant::now();
        loop {
            let left = DEADLINE.saturating_sub(begun.elapsed());
            let update = self.handle.updates.recv_timeout(left).expect("an answer in time");
            if let Update::Notice(notice) = &update {
                panic!("{}", notice.message);
            }
            if fits(&update) {
                return update;
            }
        }
    }

    /// The inbox's first rows.
    fn rows(&mut self, limit: usize) -> Vec<Row> {
        self.rows_hearing(limit, &mut |_| {})
    }

    /// The same; what else comes is heard.
    pub(crate) fn rows_hearing(
        &mut self,
        limit: usize,
        heard: &mut dyn FnMut(&Update),
    ) -> Vec<Row> {
        self.ticket += 1;
        let (ticket, label) = (self.ticket, system("inbox"));
        self.ask(Request::List { ticket, label, window: Window::First, limit });
        let answer = self.until(|update| {
            heard(update);
            matches!(update, Update::Page { ticket: t, .. } if *t == ticket)
        });
        let Update::Page { page: Page { rows, .. }, .. } = answer else { unreachable!() };
        rows
    }

    /// Has an intent decided and reads the screen's rows; how long that took.
    pub(crate) fn changed(&mut self, intent: Intent, heard: &mut dyn FnMut(&Update)) -> Duration {
        let begun = Instant::now();
        self.ask(Request::Intend(intent));
        self.rows_hearing(ROWS, heard);
        begun.elapsed()
    }

    /// Has an intent decided, reads the rows that it changed, and waits until it is on disk; how
    /// long the rows and the disk took.
    fn intend(&mut self, intent: Intent) -> (Duration, Duration) {
        let begun = Instant::now();
        self.ask(Request::Intend(intent));
        self.ticket += 1;
        let (ticket, label) = (self.ticket, system("inbox"));
        self.ask(Request::List { ticket, label, window: Window::First, limit: ROWS });
        let (mut rows, mut disk, mut done) = (None, None, false);
        self.until(|update| {
            match update {
                Update::Done(_) => done = true,
                Update::Page { ticket: t, .. } if *t == ticket => rows = Some(begun.elapsed()),
                Update::Status(status) if done && status.saving == 0 => {
                    disk = Some(begun.elapsed());
                }
                _ => {}
            }
            rows.is_some() && disk.is_some()
        });
        (rows.expect("it was waited for"), disk.expect("it was waited for"))
    }

    /// Has an intent decided and waits until it is on disk; how long that took.
    fn decide(&self, intent: Intent) -> Duration {
        let (begun, mut done) = (Instant::now(), false);
        self.ask(Request::Intend(intent));
        self.until(|update| {
            done |= matches!(update, Update::Done(_));
            done && matches!(update, Update::Status(status) if status.saving == 0)
        });
        begun.elapsed()
    }

    /// Asks for an intent, and waits for nothing.
    pub(crate) fn ask_intent(&self, intent: Intent) {
        self.ask(Request::Intend(intent));
    }

    /// Waits until what was asked is pending, and then confirmed.
    pub(crate) fn pending_then_confirmed(&self) {
        let mut pending = false;
        self.until(|update| {
            let Update::Status(status) = update else { return false };
            pending |= status.pending > 0;
            pending && status.pending == 0
        });
    }

    /// Waits until the backend has confirmed all that was done.
    fn confirmed(&self) {
        self.until(|update| matches!(update, Update::Status(status) if status.pending == 0));
    }
}

const fn is_idle(link: Link) -> bool {
    matches!(link, Link::Online { behind: 0 })
}

/// Moves of all members of these rows.
pub(crate) fn moves(rows: &[Row], place: Place) -> Intent {
    let targets = rows.iter().flat_map(|row| row.members.clone()).collect();
    Intent::Change { changes: vec![Change::Place(place)], targets }
}

/// A key's intent on one row: until the rows are changed, and until it is on disk.
pub(crate) fn intent(stage: &mut Stage) -> Vec<Value> {
    let threads = stage.largest();
    let copy = stage.device_alone(&stage.seeded(threads));
    let sync = millis(syncing(copy.path()).at(50));
    let mut engine = Engine::start(copy.path(), false);
    let (mut shown, mut durable) = (Vec::new(), Vec::new());
    for _ in 0..INTENTS {
        let row = engine.rows(1);
        shown.push(engine.intend(moves(&row, Place::Archive)).0);
        // And once without rows that are asked for in between.
        let row = engine.rows(1);
        durable.push(engine.decide(moves(&row, Place::Archive)));
    }
    let (shown, durable) = (Times::from(shown), Times::from(durable));
    let syncs = ratio(millis(durable.at(50)), sync);
    vec![
        shown.line("intent-rows", 99, json!({"threads": threads})),
        durable.line("intent-durable", 50, json!({"fdatasyncMs": sync, "fdatasyncs": syncs})),
    ]
}

/// Archive of 1,000 conversations by one key, the backend at work beside it: until the rows are
/// changed, and until it is on disk.
pub(crate) fn archive(stage: &mut Stage) -> Vec<Value> {
    let mut lines = Vec::new();
    for &threads in &stage.sizes {
        let data = stage.seeded(threads);
        let mut engine = Engine::start(&data, true);
        let (mut shown, mut durable) = (Vec::new(), Vec::new());
        for _ in 0..ARCHIVES {
            let some = engine.rows(ARCHIVED);
            let (rows, disk) = engine.intend(moves(&some, Place::Archive));
            shown.push(rows);
            durable.push(rows.max(disk));
            engine.confirmed();
            engine.intend(Intent::Undo(None));
            engine.confirmed();
        }
        let against = || json!({"threads": threads, "archived": ARCHIVED});
        lines.push(Times::from(shown).line("archive-1000-rows", 50, against()));
        lines.push(Times::from(durable).line("archive-1000", 50, against()));
    }
    lines
}

/// Pages of the list while many conversations are shown elsewhere than the backend has them.
pub(crate) fn overlay(stage: &mut Stage) -> Vec<Value> {
    let threads = stage.largest();
    let copy = stage.device_alone(&stage.seeded(threads));
    let mut device = Device::open(copy.path(), false, Box::new(SystemClock)).expect("a device");
    let all = system("anywhere");
    let mut left = OVERLAY.min(usize::try_from(threads).expect("small") / 2);
    let covered = left;
    let mut window = Window::First;
    while left > 0 {
        let page = device.page(&all, &window, TOGETHER.min(left)).expect("a page");
        let last = page.rows.last().expect("there are more");
        window = Window::After(cursor(last));
        left -= page.rows.len();
        for place in [Place::Archive, Place::Inbox] {
            // From where it is to elsewhere: each is covered.
            let some: Vec<Row> = page
                .rows
                .iter()
                .filter(|row| (row.place == Place::Inbox) == (place == Place::Archive))
                .cloned()
                .collect();
            device.intend(&moves(&some, place)).expect("an intent");
        }
        device.commit().expect("room on the disk");
    }
    let (inbox, mut random) = (system("inbox"), Random(SEED));
    let deep = device.page(&inbox, &Window::First, covered).expect("a page").rows;
    let times = Times::of(PAGES, || {
        let row = &deep[usize::try_from(random.below(deep.len() as u64)).expect("small")];
        let window = if random.below(2) == 0 { Window::First } else { Window::After(cursor(row)) };
        let (page, took) = timed(|| device.page(&inbox, &window, ROWS).expect("a page"));
        assert_eq!(page.rows.len(), ROWS, "there are more");
        took
    });
    vec![times.line("overlay-page", 99, json!({"threads": threads, "overlay": covered}))]
}

fn cursor(row: &Row) -> Cursor {
    Cursor { last_activity: row.last_activity, thread: row.thread.clone() }
}
