//! All that can happen in a small world: two devices press two keys each on one conversation, a
//! message comes, and at every moment a connection can go (with an acknowledgement, which is then
//! asked for again), or a process end. Every order of it is played, by breadth-first search.
//!
//! Invariant: it is the real backend and the real devices. A state is known by all that matters in
//! it, and is gone on from once. A state is reached again by playing the moves that led to it: what
//! a process only remembers is then there as well, which a copy of its files would not have.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use mailtui::bridge::Folder;
use mailtui::command::intent::{Change, Intent};
use mailtui::engine::view::Window;
use mailtui::id::{DeviceId, EventId, StoreId, ThreadId};
use mailtui::label::{self, Place};
use mailtui::mailbox;
use mailtui::projection::entries;
use mailtui::store::{Db, Kind, Own};
use mailtui::sync::encode;
use mailtui::thread::{Base, Cells, Entry, What, decide, run};

use crate::support::house::{DEVICES, House};
use crate::support::mail::mail;
use crate::support::truth::{Truth, fold};

/// Failures that are listed.
const LISTED: usize = 5;

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    /// A device's next key.
    Key(usize),
    /// What a device said arrives at the backend, which answers.
    Arrive(usize),
    /// A device takes in what is under way to it.
    Hear(usize),
    /// The pipeline runs, and what came of it is sent.
    Project,
    /// A message comes to the conversation.
    Mail,
    /// A connection goes, with all that is under way, and comes back.
    Cut(usize),
    /// A device's process ends, and starts again.
    EndDevice(usize),
    /// The backend's process ends, and starts again.
    EndBackend,
}

const MOVES: [Move; 13] = [
    Move::Key(0),
    Move::Key(1),
    Move::Arrive(0),
    Move::Arrive(1),
    Move::Hear(0),
    Move::Hear(1),
    Move::Project,
    Move::Mail,
    Move::Cut(0),
    Move::Cut(1),
    Move::EndDevice(0),
    Move::EndDevice(1),
    Move::EndBackend,
];

/// A set of moves, by their places in [`MOVES`].
type Set = u32;

impl Move {
    const fn is_fault(self) -> bool {
        matches!(self, Self::Cut(_) | Self::EndDevice(_) | Self::EndBackend)
    }

    /// What it reads or changes: the devices, the backend, what is under way to each device, and
    /// how many faults there may be.
    const fn touches(self) -> u32 {
        const BACKEND: u32 = 1 << 4;
        const FAULT: u32 = 1 << 5;
        match self {
            Self::Key(at) => 1 << at,
            Self::Arrive(at) => 0b101 << at | BACKEND,
            Self::Hear(at) => 0b101 << at,
            Self::Project => 0b1100 | BACKEND,
            Self::Mail => BACKEND,
            Self::Cut(at) | Self::EndDevice(at) => 0b101 << at | FAULT,
            Self::EndBackend => 0b1111 | BACKEND | FAULT,
        }
    }

    /// Whether two moves give the same in either order, and neither hinders the other.
    const fn commutes(self, other: Self) -> bool {
        self.touches() & other.touches() == 0
    }
}

/// A key on the conversation.
#[derive(Debug, Clone, Copy)]
enum Key {
    Archive,
    Trash,
    Read,
    Undo,
}

impl Key {
    fn intent(self) -> Intent {
        let change = match self {
            Self::Archive => Change::Place(Place::Archive),
            Self::Trash => Change::Place(Place::Trash),
            Self::Read => Change::Read(true),
            Self::Undo => return Intent::Undo(None),
        };
        Intent::Change { changes: vec![change], targets: Vec::new() }
    }
}

/// What there is in a world.
#[derive(Debug, Clone, Copy)]
struct Scope {
    /// The keys of each device, in order.
    keys: [&'static [Key]; 2],
    /// Whether a message comes.
    mail: bool,
    /// Faults that may happen on one path.
    faults: u32,
}

/// A world at one moment.
struct Small {
    house: House,
    thread: ThreadId,
    scope: Scope,
    pressed: [usize; 2],
    came: bool,
    faults: u32,
    /// Whether the pipeline may have something to do.
    stirred: bool,
}

impl Small {
    /// The beginning: one message in the inbox, known to everybody, who are connected.
    fn new(files: &Path, thread: &ThreadId, scope: Scope) -> Self {
        let mut house = House::of_files(Some(files));
        house.talk().expect("quiet");
        let thread = thread.clone();
        let (came, faults) = (!scope.mail, scope.faults);
        Self { house, thread, scope, pressed: [0, 0], came, faults, stirred: false }
    }

    fn can(&self, what: Move) -> bool {
        match what {
            Move::Key(at) => self.pressed[at] < self.scope.keys[at].len(),
            Move::Arrive(at) => self.house.is_said(at),
            Move::Hear(at) => self.house.is_told(at),
            Move::Project => self.stirred,
            Move::Mail => !self.came,
            Move::Cut(_) | Move::EndDevice(_) | Move::EndBackend => self.faults > 0,
        }
    }

    fn enabled(&self) -> Set {
        let can = MOVES.iter().enumerate().filter(|(_, what)| self.can(**what));
        can.fold(0, |set, (n, _)| set | 1 << n)
    }

    fn play(&mut self, what: Move) {
        self.faults -= u32::from(what.is_fault());
        match what {
            Move::Key(at) => {
                let mut intent = self.scope.keys[at][self.pressed[at]].intent();
                let device = self.house.device(at).expect("open");
                if let Intent::Change { targets, .. } = &mut intent {
                    *targets = device.targets(&self.thread).expect("readable");
                }
                device.intend(&intent).expect("a key does something");
                self.house.save(at).expect("saved");
                self.house.speak(at).expect("a device speaks");
                self.pressed[at] += 1;
            }
            Move::Arrive(at) => {
                self.house.arrive(at).expect("the backend answers");
                self.stirred = true;
            }
            Move::Hear(at) => {
                self.house.hear(at).expect("a device takes it in");
                self.house.speak(at).expect("a device speaks");
            }
            Move::Project => {
                while self.house.project().expect("the pipeline works") {}
                self.stirred = false;
            }
            Move::Mail => {
                let raw = mail("m2").reply_to("m1", "m1").bytes();
                self.house.mail("m2", raw, Folder::default()).expect("taken in");
                (self.came, self.stirred) = (true, true);
            }
            Move::Cut(at) => {
                self.house.cut(at);
                self.house.dial(at).expect("a device speaks");
            }
            Move::EndDevice(at) => {
                self.house.end_device(at);
                self.house.dial(at).expect("a device speaks");
            }
            Move::EndBackend => {
                self.house.end_backend();
                (0..DEVICES.len()).for_each(|at| self.house.dial(at).expect("a device speaks"));
                self.stirred = true;
            }
        }
    }

    /// What it is known by: every log, queue, snapshot, own event and row, and what is under way.
    fn fingerprint(&mut self) -> u128 {
        let mut hash = Fingerprint::default();
        hash.add(&(self.pressed, self.came, self.faults, self.stirred));
        for at in 0..DEVICES.len() {
            hash.add(&self.house.is_connected(at));
            for frame in self.house.under_way(at).into_iter().flatten() {
                hash.0.update(&encode(frame).expect("encodes"));
            }
            let device = self.house.device(at).expect("open");
            hash.tables(device.db(), &["eventlog", "watermarks", "threadIndex", "threadLabels"]);
            hash.tables(device.db(), &["unprojected", "refused", "overlay", "shown", "device"]);
        }
        let dir = self.house.backend_dir();
        let logs = Db::read(&dir.join("threads.db"), Kind::Threads, mailtui::backend::FORMAT);
        let logs = logs.expect("opens").expect("is there");
        hash.tables(&logs, &["eventlog", "snapshots", "ahead", "queue", "actionStores"]);
        hash.tables(&logs, &["undoneActions"]);
        let index = Db::read(&dir.join("mailbox.db"), Kind::Mailbox, mailbox::VERSION);
        hash.tables(&index.expect("opens").expect("is there"), &["eventlog", "watermarks"]);
        hash.end()
    }

    /// What is wrong at this moment, and, where nothing can happen any more, for good.
    fn wrong(&mut self) -> Vec<String> {
        let truth = Truth::read(&self.house.backend_dir());
        let Some(told) = truth.threads.get(&self.thread) else {
            return vec!["the conversation has no log".to_owned()];
        };
        let mut wrong = order(&told.log);
        let entries = fold(&told.log).entries;
        wrong.extend(hidden(&entries));
        for at in 0..DEVICES.len() {
            wrong.extend(self.shown(at, &told.log));
        }
        if self.enabled() & !faults() == 0 {
            wrong.extend(self.house.wrong());
        }
        wrong
    }

    /// A device shows the log up to its watermark, and its own events after that.
    fn shown(&mut self, at: usize, log: &[mailtui::store::Event]) -> Option<String> {
        let thread = self.thread.clone();
        let device = self.house.device(at).expect("open");
        let row = mailbox::raw_row(device.db(), &thread).expect("readable").expect("there");
        let seen = mailbox::watermark(device.db(), &thread).expect("readable").expect("there");
        let shown = mailbox::overlaid(device.db(), &thread).expect("readable").unwrap_or(row.shown);
        let own = Own::of(device.db(), &StoreId::thread(&thread)).expect("readable");
        let before = usize::try_from(seen.position).expect("small");
        let state = fold(&log[..before]);
        let own = entries(&own, device.id(), state.epochs(), Some(&seen));
        let mut all = state.entries;
        all.extend(own);
        let cells = cells_of(&all);
        let wanted = (cells.place, cells.snoozed, cells.unread(), cells.all_labels());
        let found = (shown.place, shown.snoozed_until, shown.unread_count, shown.labels);
        (found != wanted).then(|| format!("{} shows {found:?}, not {wanted:?}", DEVICES[at]))
    }
}

/// All faults.
fn faults() -> Set {
    let faults = MOVES.iter().enumerate().filter(|(_, what)| what.is_fault());
    faults.fold(0, |set, (n, _)| set | 1 << n)
}

#[derive(Default)]
struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    fn add(&mut self, value: &impl std::fmt::Debug) {
        self.0.update(format!("{value:?};").as_bytes());
    }

    /// Rows of tables, without the numbers that only say how many rows there were before.
    fn tables(&mut self, db: &Db, tables: &[&str]) {
        for table in tables {
            let mut rows = db.sql().prepare_cached(&format!("SELECT * FROM {table}")).unwrap();
            let names: Vec<String> = rows.column_names().map(str::to_owned).collect();
            let number = |name: &str| name == "gseq" || (*table == "queue" && name == "id");
            let columns: Vec<usize> =
                (0..names.len()).filter(|column| !number(&names[*column])).collect();
            let mut lines: Vec<String> = Vec::new();
            let mut rows = rows.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let values = columns.iter().map(|column| row.get_ref_unwrap(*column));
                lines.push(format!("{:?}", values.collect::<Vec<_>>()));
            }
            lines.sort();
            self.add(&(table, lines));
        }
    }

    fn end(&self) -> u128 {
        let bytes = self.0.finalize().as_bytes()[..16].try_into().expect("16 bytes");
        u128::from_le_bytes(bytes)
    }
}

fn cells_of(entries: &[Entry]) -> Cells {
    let start = Base::default();
    run(&start, entries, &decide(&start, entries, 0))
}

/// Nothing is there twice, and what a device did is there in the order in which it did it.
fn order(log: &[mailtui::store::Event]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut last: BTreeMap<&DeviceId, &EventId> = BTreeMap::new();
    for event in log.iter().filter(|event| event.event.action.is_some()) {
        let id = &event.event.id;
        if let Some(before) = last.insert(&event.event.device, id)
            && before >= id
        {
            wrong.push(format!("{id} stands after {before}"));
        }
    }
    wrong
}

/// No key hid a message that was in the log before it and not in its row.
fn hidden(log: &[Entry]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut before = Cells::default();
    for (at, entry) in log.iter().enumerate() {
        let after = cells_of(&log[..=at]);
        let seen = match &entry.what {
            What::Place { seen, .. }
            | What::Leave { seen, .. }
            | What::Snooze { seen, .. }
            | What::Undo { seen, .. } => *seen,
            _ => 0,
        };
        let received =
            log[..at].iter().filter(|e| matches!(&e.what, What::Message { own: false, .. }));
        let last = received.map(|entry| entry.position).max().unwrap_or(0);
        if last > seen && after.hides(before.place, before.snoozed) && before.messages() > 0 {
            wrong.push(format!("{entry:?} hid the message at {last}"));
        }
        before = after;
    }
    wrong
}

/// A state that was reached.
struct Known {
    path: Vec<Move>,
    /// Moves that need not be played from here: what they lead to is reached by another order.
    asleep: Set,
    /// Moves that were played from here.
    done: Set,
}

/// What playing a move from a state gave.
struct Reached {
    state: u128,
    path: Vec<Move>,
    asleep: Set,
    enabled: Set,
    wrong: Vec<String>,
}

/// Plays a path; the state at its end.
fn replay(
    files: &Path,
    thread: &ThreadId,
    scope: Scope,
    path: &[Move],
) -> (u128, Set, Vec<String>) {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let t = Instant::now();
        let mut small = Small::new(files, thread, scope);
        let t1 = Instant::now();
        path.iter().for_each(|what| small.play(*what));
        let t2 = Instant::now();
        let x = (small.fingerprint(), small.enabled(), small.wrong());
        let t3 = Instant::now();
        drop(small);
        if std::env::var_os("DBG2").is_some() {
            eprintln!(
                "new {:?} path {} {:?} print {:?} drop {:?}",
                t1 - t,
                path.len(),
                t2 - t1,
                t3 - t2,
                t3.elapsed()
            );
        }
        x
    }));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        (0, 0, vec![format!("it panicked: {}", text.unwrap_or_default())])
    })
}

/// One layer of the search: every move that is to be played from its states, on all cores.
fn layer(
    work: &[(Vec<Move>, usize, Set)],
    play: &(dyn Fn(&[Move]) -> (u128, Set, Vec<String>) + Sync),
) -> Vec<Reached> {
    let next = AtomicUsize::new(0);
    let reached: Mutex<Vec<(usize, Reached)>> = Mutex::default();
    let players = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((path, what, asleep)) = work.get(at) else { return };
                    let mut path = path.clone();
                    path.push(MOVES[*what]);
                    let (state, enabled, wrong) = play(&path);
                    let one = Reached { state, path, asleep: *asleep, enabled, wrong };
                    reached.lock().unwrap().push((at, one));
                }
            });
        }
    });
    let mut reached = reached.into_inner().unwrap();
    // The same whichever core was faster.
    reached.sort_by_key(|(at, _)| *at);
    reached.into_iter().map(|(_, one)| one).collect()
}

/// How far a search came.
#[derive(Debug, Default)]
struct Found {
    states: usize,
    moves: usize,
    ends: usize,
    deepest: usize,
    wrong: Vec<String>,
}

/// Goes through every state that can be reached.
fn search(play: &(dyn Fn(&[Move]) -> (u128, Set, Vec<String>) + Sync)) -> Found {
    let mut found = Found::default();
    let mut known: HashMap<u128, Known> = HashMap::new();
    let (start, enabled, wrong) = play(&[]);
    assert_eq!(wrong, Vec::<String>::new(), "at the beginning");
    known.insert(start, Known { path: Vec::new(), asleep: 0, done: 0 });
    let mut frontier: Vec<(u128, Set)> = vec![(start, enabled)];
    while !frontier.is_empty() && found.wrong.len() < LISTED {
        let mut work = Vec::new();
        for (state, enabled) in frontier.drain(..) {
            let here = known.get_mut(&state).expect("known");
            let now = enabled & !here.asleep & !here.done;
            let mut asleep = here.asleep | here.done;
            for n in (0..MOVES.len()).filter(|n| now & 1 << n != 0) {
                let still = (0..MOVES.len()).filter(|other| MOVES[n].commutes(MOVES[*other]));
                let still = still.fold(0, |set: Set, other| set | 1 << other) & asleep;
                work.push((here.path.clone(), n, still));
                asleep |= 1 << n;
            }
            here.done |= now;
        }
        found.moves += work.len();
        if std::env::var_os("DBG").is_some() {
            eprintln!(
                "known {} work {} moves {} {:?}",
                known.len(),
                work.len(),
                found.moves,
                std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap()
                    .as_secs()
                    % 1000
            );
        }
        for one in layer(&work, play) {
            let path = &one.path;
            found.deepest = found.deepest.max(path.len());
            found.wrong.extend(one.wrong.iter().map(|wrong| format!("{path:?}: {wrong}")));
            match known.get_mut(&one.state) {
                Some(held) => {
                    held.asleep &= one.asleep;
                    if one.enabled & !held.asleep & !held.done != 0 {
                        frontier.push((one.state, one.enabled));
                    }
                }
                None => {
                    found.ends += usize::from(one.enabled & !faults() == 0);
                    known.insert(one.state, Known { path: one.path, asleep: one.asleep, done: 0 });
                    frontier.push((one.state, one.enabled));
                }
            }
        }
    }
    found.states = known.len();
    found
}

/// Plays a world to its ends; says how many states it has.
fn check(scope: Scope) {
    let mut first = House::of_files(None);
    first.mail("m1", mail("m1").bytes(), Folder::default()).expect("taken in");
    first.talk().expect("quiet");
    let page = first.device(0).expect("open").page(&label::system("inbox"), &Window::First, 1);
    let thread = page.expect("readable").rows[0].thread.clone();
    first.close();
    let files = first.dir().to_owned();
    let begun = Instant::now();
    let found = search(&|path| replay(&files, &thread, scope, path));
    let Found { states, moves, ends, deepest, wrong } = found;
    assert!(wrong.is_empty(), "{scope:?}\n{}", wrong.join("\n"));
    println!(
        "exhaustive: {states} states, {moves} moves played, {ends} ends, up to {deepest} moves \
         long, in {:.1} s: {scope:?}",
        begun.elapsed().as_secs_f32()
    );
}

#[test]
fn dbg_scope() {
    let faults = std::env::var("FA").unwrap().parse().unwrap();
    let mail = std::env::var("MA").is_ok();
    let keys: [&'static [Key]; 2] = match std::env::var("KE").unwrap().as_str() {
        "22" => [&[Key::Archive, Key::Undo], &[Key::Trash, Key::Read]],
        "11" => [&[Key::Archive], &[Key::Trash]],
        "20" => [&[Key::Archive, Key::Undo], &[]],
        "21" => [&[Key::Archive, Key::Undo], &[Key::Read]],
        _ => [&[Key::Archive], &[]],
    };
    check(Scope { keys, mail, faults });
}
