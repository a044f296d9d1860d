//! A device that takes the Mailbox store in as a snapshot: the same as one that took in the log.
//!
//! Invariant: "the same" is asked of the rows of every confirmed table, byte for byte, and of what
//! the lists show; histories are drawn from a seed, with labels, links, undo and purges.

use std::collections::BTreeSet;

use mailtui::backend::Backend;
use mailtui::bridge::Folder;
use mailtui::command::intent::{Change, Intent, Target};
use mailtui::crash::SNAPSHOTS;
use mailtui::crash::faults::die_at;
use mailtui::engine::Device;
use mailtui::engine::view::Window;
use mailtui::id::{ActionId, DeviceId, EventId, LabelId, StoreId, ThreadId};
use mailtui::label::{self, Place};
use mailtui::mailbox::{self, Of, snapshot};
use mailtui::store::{Args, Db, Kind, Log, NewEvent, Own};
use mailtui::sync::{Bytes, Frame, Manifest, PurgeOrder, SeenThread};

use crate::support::clock::Dice;
use crate::support::mail::mail;
use crate::support::world::World;

/// Histories that a run plays.
const SEEDS: u64 = 10;
/// What happens in one of them.
const MOVES: usize = 40;
const LABELS: [&str; 3] = ["Work", "work", "Home"];

/// A history that one device writes.
struct Story {
    world: World,
    dice: Dice,
    mails: usize,
    actions: Vec<ActionId>,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let world = World::new(&[("writer", false), ("away", false)], dice.next());
        let mut story = Self { world, dice, mails: 0, actions: Vec::new() };
        for _ in 0..3 {
            story.mail();
        }
        story.world.sync();
        story
    }

    fn mail(&mut self) {
        let name = format!("m{}", self.mails);
        let message = mail(&name).at(i64::try_from(self.dice.below(900)).expect("small"));
        let to = format!("m{}", self.dice.below(self.mails.max(1)));
        let joins = self.mails > 0 && self.dice.once_in(3);
        let message = if joins { message.reply_to(&to, &to) } else { message };
        let place = [None, None, Some(Place::Archive), Some(Place::Trash)][self.dice.below(4)];
        let labels = vec![(*self.dice.pick(&LABELS)).to_owned()];
        let labels = if self.dice.once_in(3) { labels } else { Vec::new() };
        self.world.mail(message.bytes(), Folder { place, labels, ..Folder::default() });
        self.mails += 1;
    }

    fn row(&mut self) -> Vec<Target> {
        let page = self.world.device(0).page(&label::system("anywhere"), &Window::First, 50);
        let rows = page.expect("readable").rows;
        if rows.is_empty() { Vec::new() } else { self.dice.pick(&rows).members.clone() }
    }

    fn intend(&mut self, intent: &Intent) {
        if let Ok(done) = self.world.device_mut(0).intend(intent) {
            self.actions.extend(done.action);
        }
        self.world.save(0);
    }

    fn act(&mut self) {
        let on = self.dice.once_in(2);
        match self.dice.below(14) {
            0..=3 => self.mail(),
            4 | 5 => {
                let place = Change::Place(*self.dice.pick(&Place::ALL));
                let targets = self.row();
                self.intend(&Intent::Change { changes: vec![place], targets });
            }
            6 => {
                let changes = vec![Change::Star(on), Change::Snooze(on.then_some(1_715_587_200))];
                let targets = self.row();
                self.intend(&Intent::Change { changes, targets });
            }
            7 => {
                let work = Change::Label(label::user_label(LABELS[self.dice.below(3)]), on);
                let targets = self.row();
                self.intend(&Intent::Change { changes: vec![work], targets });
            }
            8 => {
                let name = LABELS[self.dice.below(3)].to_owned();
                self.intend(&Intent::CreateLabel(name));
            }
            9 if !self.actions.is_empty() => {
                let action = self.dice.pick(&self.actions).clone();
                self.intend(&Intent::Undo(Some(action)));
            }
            10 => {
                let threads: Vec<ThreadId> =
                    [self.row(), self.row()].concat().into_iter().map(|t| t.thread).collect();
                self.intend(&Intent::Join(threads));
            }
            11 => {
                let targets = self.row();
                self.intend(&Intent::Split(targets.into_iter().map(|t| t.thread).collect()));
            }
            12 => self.purge(),
            _ => self.catch_up(),
        }
    }

    fn purge(&mut self) {
        self.catch_up();
        let seen = |target: Target| SeenThread { thread: target.thread, seen: target.seen };
        let row = self.row().into_iter().map(seen).collect();
        let order = PurgeOrder { rows: vec![row], older: None, anywhere: true, dry: false };
        self.world.device_mut(0).want(Frame::Purge { seq: 1, order });
        self.catch_up();
    }

    /// The writer and the backend come to agree; the other device hears nothing.
    fn catch_up(&mut self) {
        for _ in 0..20 {
            self.world.connect(0);
            self.world.save(0);
            self.world.send(0, Some);
            while self.world.deliver_up(0) {}
            self.world.project();
            while self.world.pump() {}
            while self.world.deliver_down(0) {}
        }
    }

    fn log(&self) -> Db {
        let path = self.world.backend_dir().join("mailbox.db");
        Db::read(&path, Kind::Mailbox, mailbox::VERSION).expect("readable").expect("there")
    }

    fn tables(&self, at: usize) -> Vec<(&'static str, String)> {
        mailbox::dump(self.world.device(at).db()).expect("readable")
    }

    /// Every device is the same as the backend, shows what it should, and is sound.
    fn agrees(&mut self, says: &str) {
        self.world.sync();
        let truth = mailbox::dump(&self.log()).expect("readable");
        let lists = |world: &World, at: usize| -> Vec<String> {
            let used: BTreeSet<LabelId> =
                LABELS.iter().map(|name| label::user_label(name)).collect();
            let page = |label: LabelId| {
                let page = world.device(at).page(&label, &Window::First, 1_000);
                let count = world.device(at).count(&label).expect("readable");
                format!("{label} {count:?} {:?}", page.expect("readable").rows)
            };
            World::lists(&used).into_iter().map(page).collect()
        };
        for at in 0..self.world.stations.len() {
            assert_eq!(self.tables(at), truth, "{says}: tables of device {at}");
            assert_eq!(lists(&self.world, at), lists(&self.world, 0), "{says}: lists of {at}");
            let found = self.world.device_mut(at).doctor(true).expect("readable");
            let wrong: Vec<_> = found.iter().filter(|(code, ..)| *code != "refused").collect();
            assert!(wrong.is_empty(), "{says}: device {at}: {wrong:?}");
        }
        let found = self.world.backend().doctor().expect("readable");
        assert!(found.is_empty(), "{says}: the backend: {found:?}");
    }

    fn snapshot(&mut self) {
        self.world.commit();
        assert!(self.world.backend().make_snapshot().expect("room on the disk"));
        self.world.commit();
    }

    fn base(&self, at: usize) -> u64 {
        let store = StoreId::mailbox();
        Log::base(self.world.device(at).db(), &store).expect("readable").position
    }
}

/// All chunks of a file's confirmed tables.
fn chunks(db: &Db) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    snapshot::write(db, &mut |chunk| {
        chunks.push(chunk.plain);
        Ok(())
    })
    .expect("readable");
    chunks
}

fn tables() -> Db {
    Db::memory(&[Log::SQL, Own::SQL, mailbox::SQL].concat()).expect("tables")
}

/// Materialises what a log has after one position and up to another.
fn replay(log: &Db, into: &Db, after: u64, through: u64) {
    let (mut events, _) =
        Log::range(log, &StoreId::mailbox(), after, usize::MAX, usize::MAX).expect("a log");
    events.retain(|event| event.position <= through);
    let mut groups = mailbox::Groups::new(false);
    mailbox::materialize(into, &events, &mut groups).expect("materialises");
    groups.settle(into).expect("settles");
}

#[test]
fn replay_from_zero_is_incremental_is_a_snapshot_and_its_tail() {
    for seed in 1..=SEEDS {
        let mut story = Story::new(seed);
        for _ in 0..MOVES {
            story.act();
        }
        story.catch_up();
        let log = story.log();
        let head = Log::head(&log, &StoreId::mailbox()).expect("readable").position;
        let whole = tables();
        replay(&log, &whole, 0, head);
        let wanted = mailbox::dump(&whole).expect("readable");
        assert_eq!(mailbox::dump(&log).expect("readable"), wanted, "seed {seed}: as it grew");
        let step = (head / 12).max(1);
        for cut in (0..=head).step_by(usize::try_from(step).expect("small")) {
            let until = tables();
            replay(&log, &until, 0, cut);
            let from = tables();
            let chunks = chunks(&until);
            snapshot::load(&from, chunks.into_iter().map(Ok)).expect("loads");
            let (a, b) = (mailbox::dump(&from), mailbox::dump(&until));
            assert_eq!(a.expect("readable"), b.expect("readable"), "seed {seed}: cut at {cut}");
            replay(&log, &from, cut, head);
            let both = mailbox::dump(&from).expect("readable");
            assert_eq!(both, wanted, "seed {seed}: snapshot at {cut} and its tail");
        }
    }
}

#[test]
fn a_device_that_bootstraps_is_one_that_took_the_log_in() {
    for seed in 1..=SEEDS {
        let mut story = Story::new(seed);
        let first = story.dice.below(MOVES);
        for at in 0..MOVES {
            story.act();
            if at == first {
                // The other device saw so much, and decided something since.
                story.agrees(&format!("seed {seed}: before"));
                story.world.cut(1);
            }
        }
        let page = story.world.device(1).page(&label::system("anywhere"), &Window::First, 50);
        if let Some(row) = page.expect("readable").rows.into_iter().next() {
            let changes = vec![Change::Star(true)];
            let intent = Intent::Change { changes, targets: row.members };
            story.world.device_mut(1).intend(&intent).expect("decides");
        }
        story.catch_up();
        story.snapshot();
        for _ in 0..story.dice.below(MOVES) {
            story.act();
        }
        let cut = story.dice.once_in(2);
        if cut {
            story.world.commit();
            story.world.backend().truncate().expect("room on the disk");
        }
        let (held, new) = (story.world.device(1).head(), story.world.join("new", false));
        let held = held.expect("readable");
        story.agrees(&format!("seed {seed}, cut {cut}"));
        let at = story.world.backend().snapshot_position().expect("it is there");
        assert_eq!(story.base(new), at, "seed {seed}: it took the snapshot");
        let must = cut && held < at;
        assert_eq!(story.base(1), if must { at } else { 0 }, "seed {seed}: where it must");
        story.world.restart_backend();
        for _ in 0..5 {
            story.act();
        }
        story.agrees(&format!("seed {seed}: afterwards"));
    }
}

#[test]
fn a_broken_off_bootstrap_goes_on_wherever_it_was() {
    let mut died = BTreeSet::new();
    for (seed, point) in (100..).zip(SNAPSHOTS.iter().cycle().take(2 * SNAPSHOTS.len())) {
        let mut story = Story::new(seed);
        for _ in 0..MOVES / 2 {
            story.act();
        }
        story.agrees("before");
        story.world.cut(1);
        for _ in 0..MOVES / 2 {
            story.act();
        }
        story.catch_up();
        die_at(point);
        // A snapshot that a death broke off is begun again; so is what was given up.
        for _ in 0..3 {
            story.world.commit();
            story.world.on_backend(Backend::make_snapshot);
            story.world.on_backend(Backend::truncate);
        }
        story.world.join("new", seed % 2 == 0);
        story.agrees(&format!("seed {seed}, death at {point}"));
        died.extend(story.world.died.keys().copied());
    }
    let never: Vec<_> = SNAPSHOTS.iter().filter(|point| !died.contains(*point)).collect();
    assert!(never.is_empty(), "nobody died at {never:?}");
}

#[test]
fn a_device_that_reads_the_log_as_it_is_cut_gets_the_snapshot() {
    let mut story = Story::new(12);
    for _ in 0..MOVES {
        story.act();
    }
    story.catch_up();
    story.world.turn_pages_of(3);
    let new = story.world.join("new", false);
    story.world.connect(new);
    while story.world.deliver_down(new) {}
    story.world.send(new, Some);
    while story.world.deliver_up(new) {}
    story.world.pump();
    assert!(story.world.deliver_down(new), "it has the first page");
    story.snapshot();
    story.world.backend().truncate().expect("room on the disk");
    story.agrees("cut while it was read");
    assert!(story.base(new) > 0, "it took the snapshot");
}

#[test]
fn a_backup_of_a_log_that_was_cut_is_put_back_and_serves_every_device() {
    for newer in [false, true] {
        let mut story = Story::new(9);
        for _ in 0..MOVES {
            story.act();
        }
        story.catch_up();
        story.snapshot();
        story.world.commit();
        assert!(story.world.backend().truncate().expect("room on the disk") > 0);
        if newer {
            // No snapshot is made over it.
            let path = story.world.backend_dir().join("mailbox.db");
            let mut db = Db::open(&path, Kind::Mailbox, mailbox::VERSION, "").expect("opens");
            let id = EventId::try_from("newer".to_owned()).expect("an id");
            let device = DeviceId::try_from("newer").expect("an id");
            let epoch = story.world.backend().epoch().clone();
            let args = Args::from_text("{}".to_owned());
            let name = "v9.Painted".to_owned();
            db.begin().expect("begins");
            let event = NewEvent { id, name, args, device, action: None, epoch };
            Log::append(&db, &StoreId::mailbox(), &[event]).expect("appended");
            db.commit().expect("commits");
        }
        assert!(story.world.backup("cut"));
        for _ in 0..5 {
            story.act();
        }
        assert!(story.world.restore("cut"));
        story.world.join("new", newer);
        story.agrees(&format!("newer {newer}"));
        let found = story.world.backend().doctor().expect("readable");
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn a_snapshot_of_before_anybody_did_anything_leaves_no_history() {
    let mut story = Story::new(5);
    story.snapshot();
    assert!(story.world.backend().truncate().expect("room on the disk") > 0);
    assert!(story.world.backup("early"));
    let new = story.world.join("new", false);
    story.agrees("it has the snapshot");
    assert!(story.base(new) > 0, "and not the log");
    let targets = story.row();
    story.intend(&Intent::Change { changes: vec![Change::Star(true)], targets });
    story.agrees("it has heard of an action");
    let done = |story: &Story| {
        let history = mailbox::history(story.world.device(new).db(), &Of::default(), None, 10);
        history.expect("readable").len()
    };
    assert_eq!(done(&story), 1);
    assert!(story.world.restore("early"));
    story.agrees("the action is gone with what it did");
    assert_eq!(done(&story), 0);
}

#[test]
fn what_a_purge_took_out_of_a_snapshot_is_back_with_a_restore() {
    let mut story = Story::new(6);
    story.snapshot();
    assert!(story.world.backend().truncate().expect("room on the disk") > 0);
    assert!(story.world.backup("early"));
    let at = story.world.backend().snapshot_position();
    // Nobody hears of the purge: who did would bring it back.
    let seen = |target: Target| SeenThread { thread: target.thread, seen: target.seen };
    let row = story.row().into_iter().map(seen).collect();
    let order = PurgeOrder { rows: vec![row], anywhere: true, ..PurgeOrder::default() };
    assert_eq!(story.world.backend().purge(&order).expect("purges")[0].kept, None);
    assert_eq!(story.world.backend().snapshot_position(), at, "it loses rows in its place");
    // It has the snapshot, and of the purge behind it nothing yet.
    (0..2).for_each(|at| story.world.cut(at));
    let new = story.world.join("new", false);
    story.world.connect(new);
    while story.base(new) == 0 {
        story.world.send(new, Some);
        while story.world.deliver_up(new) {}
        story.world.commit();
        story.world.pump();
        assert!(story.world.deliver_down(new), "it gets what it asked for");
    }
    let log = Log::head(story.world.device(new).db(), &StoreId::mailbox()).expect("readable");
    assert_eq!(log.position, story.base(new), "it is at the snapshot");
    assert!(mailbox::lacks_rows(story.world.device(new).db()).expect("readable"));
    assert!(story.world.restore("early"));
    story.agrees("nothing was purged");
}

#[test]
fn a_damaged_file_of_snapshots_is_made_anew_for_a_log_that_is_cut() {
    type Damage = fn(&std::path::Path);
    let whole: Damage = |path| std::fs::write(path, [0xa5; 9_000]).expect("written");
    let empty: Damage = |path| std::fs::write(path, []).expect("written");
    let part: Damage = |path| {
        let mut bytes = std::fs::read(path).expect("there");
        let from = bytes.len() / 4096 / 2 * 4096;
        bytes[from..].fill(0xa5);
        std::fs::write(path, bytes).expect("written");
    };
    for (seed, damage) in (20..).zip([whole, empty, part]) {
        let mut story = Story::new(seed);
        for _ in 0..MOVES {
            story.act();
        }
        story.catch_up();
        story.snapshot();
        story.world.commit();
        assert!(story.world.backend().truncate().expect("room on the disk") > 0);
        let path = story.world.backend_dir().join("snapshots.db");
        story.world.stop_backend();
        damage(&path);
        story.world.restart_backend();
        if story.world.backend().lacks_snapshot() {
            assert!(story.world.backend().make_snapshot().expect("it is made"));
        }
        let new = story.world.join("new", false);
        story.agrees(&format!("damage {seed}"));
        assert!(story.base(new) > 0, "it took the snapshot");
        let found = story.world.backend().doctor().expect("readable");
        assert!(found.is_empty(), "{found:?}");
    }
}

/// A backend with a snapshot, and a device that was told of it, with the chunks as they came.
fn offered() -> (Story, Device, Manifest, Vec<Vec<u8>>) {
    let mut story = Story::new(7);
    for _ in 0..MOVES {
        story.act();
    }
    story.catch_up();
    story.snapshot();
    let dir = tempfile::tempdir().expect("room");
    let clock = Box::new(story.world.clock.clone());
    let mut device = Device::open(dir.path(), false, clock).expect("a device");
    let backend = story.world.backend();
    backend.connect(99, device.id().clone());
    device.receive(backend.welcome()).expect("a welcome");
    let talk = |backend: &mut Backend, frames: Vec<Frame>| -> Vec<Frame> {
        for frame in frames {
            backend.handle(99, frame, 0).expect("handles");
        }
        backend.commit().expect("commits");
        while backend.pump().expect("reads") {}
        backend.frames().into_iter().filter(|(to, _)| *to == 99).map(|(_, frame)| frame).collect()
    };
    let answer = talk(backend, device.outgoing().expect("speaks"));
    let [Frame::Snapshot { manifest }] = answer.as_slice() else { panic!("{answer:?}") };
    let manifest = manifest.clone();
    let get = |chunk| Frame::ChunkGet { snapshot: manifest.hash.clone(), chunk };
    let chunks = talk(backend, (0..manifest.chunks.len() as u64).map(get).collect());
    let data = chunks.into_iter().map(|frame| match frame {
        Frame::Chunk { data, .. } => data.0,
        other => panic!("{other:?}"),
    });
    let data = data.collect();
    (story, device, manifest, data)
}

/// What a device asks for after these frames, and what it says of them.
fn told(device: &mut Device, frames: Vec<Frame>) -> (Vec<Frame>, Option<String>) {
    let mut said = None;
    for frame in frames {
        if let Err(error) = device.receive(frame) {
            said = Some(error.to_string());
        }
        said = device.news().error.map(|(_, line, _)| line).or(said);
    }
    (device.outgoing().expect("speaks"), said)
}

#[test]
fn a_damaged_part_is_fetched_again_and_then_the_log() {
    let (_story, mut device, manifest, chunks) = offered();
    let (asked, said) = told(&mut device, vec![Frame::Snapshot { manifest: manifest.clone() }]);
    assert!(matches!(asked.as_slice(), [Frame::ChunkGet { chunk: 0, .. }, ..]), "{asked:?}");
    assert_eq!(said, None);
    let name = &manifest.hash;
    let send = |data: Vec<u8>| {
        let data = Bytes(data);
        vec![Frame::Chunk { snapshot: name.clone(), chunk: 0, data }]
    };
    let mut flipped = chunks[0].clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let (asked, said) = told(&mut device, send(flipped));
    assert!(said.expect("it says so").contains("damaged"));
    assert!(matches!(asked.as_slice(), [Frame::ChunkGet { chunk: 0, .. }]), "{asked:?}");
    assert!(device.syncing().is_some_and(|(done, _)| done == 0), "nothing was taken in");
    let cut = chunks[0][..chunks[0].len() - 1].to_vec();
    let (asked, said) = told(&mut device, send(cut));
    assert!(said.expect("it says so").contains("damaged"));
    assert!(matches!(asked.as_slice(), [Frame::Replay { cursor: None, .. }]), "{asked:?}");
    assert_eq!(device.syncing(), None, "the log is awaited");
}

#[test]
fn what_is_no_snapshot_for_this_device_is_said_and_the_log_taken() {
    let (_story, _, manifest, _) = offered();
    let named = |change: &dyn Fn(&mut Manifest)| {
        let mut other = manifest.clone();
        change(&mut other);
        other.hash = other.name();
        other
    };
    for (offer, says) in [
        (named(&|m| m.format += 1), "newer"),
        (named(&|m| m.schema += 1), "newer"),
        (named(&|m| m.projection += 1), "newer"),
        (named(&|m| m.backend.push('x')), "another mailbox"),
        (named(&|m| m.rows += 1), "damaged"),
        (Manifest { position: manifest.position + 1, ..manifest.clone() }, "damaged"),
    ] {
        let (_story, mut device, ..) = offered();
        let (asked, said) = told(&mut device, vec![Frame::Snapshot { manifest: offer }]);
        assert!(said.as_ref().is_some_and(|said| said.contains(says)), "{says}: {said:?}");
        assert!(matches!(asked.as_slice(), [Frame::Replay { .. }]), "{asked:?}");
    }
}

#[test]
fn a_snapshot_whose_rows_are_all_here_is_not_asked_for_again() {
    let (mut story, mut device, manifest, chunks) = offered();
    device.sync_later();
    told(&mut device, vec![Frame::Snapshot { manifest: manifest.clone() }]);
    let all_here = |device: &Device| {
        let state = Own::setting(device.db(), "bootstrap").expect("readable");
        state.is_some_and(|state| state.contains("\"phase\":\"Roots\""))
    };
    for (chunk, data) in (0..).zip(chunks) {
        let (snapshot, data) = (manifest.hash.clone(), Bytes(data));
        told(&mut device, vec![Frame::Chunk { snapshot, chunk, data }]);
        while !all_here(&device) && device.bootstrap_on(1).expect("room") {}
    }
    assert!(all_here(&device), "what follows the rows is still to be done");
    device.disconnected();
    let mut asked = told(&mut device, vec![story.world.backend().welcome()]).0;
    assert!(asked.is_empty(), "{asked:?}");
    while device.bootstrap_on(1).expect("room") {}
    asked.extend(device.outgoing().expect("speaks"));
    let [Frame::Subscribe { cursor: Some(cursor), .. }] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(cursor.position, manifest.position);
}
