//! Moves by which something goes wrong: deaths, connections that only one side believes in, clocks,
//! flipped bits, and versions that write what this one does not know.
//!
//! Invariant: as every move, drawn from the simulation's dice alone; none breaks what a disk or a
//! transport guarantees.

use mailtui::crash::{self, faults};
use mailtui::engine::Device;
use mailtui::id::{DeviceId, EventId, StoreId};
use mailtui::store::{Action, Args, Db, Kind, Log, NewEvent};
use mailtui::thread::EpochBegan;
use mailtui::thread::name::EPOCH_BEGAN;

use crate::simulation::moves::Simulation;
use crate::support::clock::Dice;
use crate::support::disk::{CHANGES, Disk, Fault};
use crate::support::platter::Loss;

/// The moves of this file.
pub(super) const STEPS: [&str; 20] = [
    "die",
    "kill.device",
    "kill.backend",
    "power.device",
    "power.backend",
    "disk.fails",
    "disk.full",
    "disk.heals",
    "disk",
    "let-go",
    "lose",
    "notice",
    "old.up",
    "old.end",
    "apart",
    "together",
    "flip",
    "evict",
    "clock",
    "clock.years",
];

/// Points that are passed at most before one dies.
const DEATH_WITHIN: usize = 24;
/// Calls of a disk until one fails, at most.
const CALLS: usize = 40;
const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 8_766 * HOUR_MS;

impl Simulation {
    pub(super) fn fault(&mut self, step: &str) -> Option<()> {
        let at = self.a_device();
        let connected = self.world.is_connected(at);
        match step {
            "die" if self.dice.once_in(2) => {
                let points = [crash::POINTS, crash::SIMULATED, crash::SNAPSHOTS].concat();
                self.draw_loss();
                faults::die_at(self.dice.pick::<&str>(&points));
            }
            "die" => faults::die_in(1 + self.dice.below(DEATH_WITHIN) as u64),
            "power.device" | "power.backend" | "disk.fails" | "disk.full" => {
                self.disk_fault(step, at);
            }
            "disk.heals" => {
                let disks = self.world.stations.iter().map(|station| &station.disk);
                let healed: u64 = disks.chain([&self.world.disk]).map(Disk::heal).sum();
                return (healed > 0).then_some(());
            }
            "kill.device" => self.world.kill_device(at),
            "kill.backend" => self.world.kill_backend(),
            "disk" => return self.world.sync_disk(at).then_some(()),
            "let-go" | "lose" if !connected => return None,
            "let-go" => {
                if self.dice.once_in(2) {
                    // With something on its lips.
                    self.world.save(at);
                    self.world.sync_disk(at);
                    self.world.send(at, Some);
                }
                self.world.let_go(at);
            }
            "lose" => self.world.lose(at),
            "notice" => return self.world.notice(at).then_some(()),
            "old.up" => {
                let which = self.dice.below(self.world.old());
                return self.world.deliver_old(which).then_some(());
            }
            "old.end" => {
                let which = self.dice.below(self.world.old());
                return self.world.end_old(which).then_some(());
            }
            "apart" => self.world.stations[at].apart = true,
            "together" if !self.world.stations[at].apart => return None,
            "together" => self.world.stations[at].apart = false,
            "flip" => return self.flip(at),
            "evict" => drop(self.world.on_device(at, Device::evict_idle)?),
            "clock" => {
                let hours = i64::try_from(self.dice.below(100)).expect("small") - 50;
                self.world.stations[at].clock.turn(hours * HOUR_MS);
            }
            "clock.years" => {
                let years = i64::try_from(self.dice.below(120)).expect("small") - 60;
                let clocks = [&self.world.clock, &self.world.stations[at].clock];
                clocks[self.dice.below(2)].turn(years * YEAR_MS);
            }
            _ => panic!("an unknown fault: {step}"),
        }
        Some(())
    }

    /// Somebody dies at one of these points, often.
    pub(super) fn may_die_at(&mut self, of: &str) {
        let points = [crash::POINTS, crash::SIMULATED, crash::SNAPSHOTS].concat();
        let points: Vec<&str> = points.into_iter().filter(|name| name.starts_with(of)).collect();
        if self.dice.once_in(2) {
            self.draw_loss();
            faults::die_at(self.dice.pick::<&str>(&points));
        }
    }

    /// What is lost by the next death.
    fn draw_loss(&mut self) {
        let dice = Dice::new(self.dice.next());
        let losses = [None, None, Some(Loss::All), Some(Loss::Some(dice))];
        self.world.cut_power = self.dice.pick(&losses).clone();
    }

    fn disk_fault(&mut self, step: &str, at: usize) {
        let nth = 1 + self.dice.below(CALLS) as u64;
        let loss = Dice::new(self.dice.next());
        let loss = if self.dice.once_in(3) { Loss::All } else { Loss::Some(loss) };
        let mine = self.dice.once_in(2);
        let disk = if mine { &self.world.stations[at].disk } else { &self.world.disk };
        match step {
            "disk.fails" => disk.plan(CHANGES, nth, 1 + nth % 2, Fault::Error),
            "disk.full" => disk.room(Some(self.dice.below(64 * 1024))),
            // Some go in the middle of what a call of the program writes.
            "power.device" | "power.backend" if self.dice.once_in(2) => {
                self.world.cut_power = Some(loss);
                disk.plan(CHANGES, nth, 1, Fault::Cut);
            }
            "power.device" => {
                self.world.cut_power = Some(loss);
                self.world.kill_device(at);
            }
            _ => {
                self.world.cut_power = Some(loss);
                self.world.kill_backend();
            }
        }
    }

    /// A bit flips in what a device knows of the Mailbox log's end.
    fn flip(&mut self, at: usize) -> Option<()> {
        self.world.cut(at);
        let flipped = "UPDATE stores SET chain = zeroblob(32) WHERE id = ?1 AND head > 0";
        let flip = |device: &mut Device| device.db().sql().execute(flipped, [StoreId::MAILBOX]);
        let rows = self.world.on_device(at, flip);
        // Its disk may fail just then, and have it all the same.
        self.flipped.extend((!matches!(rows, Some(Ok(0)))).then_some(at));
        (rows?.ok()? > 0).then_some(())
    }

    /// Somebody of a newer version writes what this one does not know.
    pub(super) fn newer(&mut self) -> Option<()> {
        let at = self.a_device();
        let thread = if self.dice.once_in(3) { None } else { Some(self.a_thread(at)?) };
        let (store, name, file, kind, version) = match &thread {
            None => {
                let version = mailtui::mailbox::VERSION;
                (StoreId::mailbox(), "v9.Painted", "mailbox.db", Kind::Mailbox, version)
            }
            Some(thread) => {
                let (store, version) = (StoreId::thread(thread), mailtui::backend::FORMAT);
                (store, "v9.ThreadPainted", "threads.db", Kind::Threads, version)
            }
        };
        self.world.disk.heal();
        self.world.commit();
        let path = self.world.backend_dir().join(file);
        let mut db = Db::open(&path, kind, version, "").expect("opens");
        if thread.is_some() && Log::head(&db, &store).expect("readable").position == 0 {
            return None;
        }
        self.newer += 1;
        let text = format!("newer-{}", self.newer);
        let id = EventId::try_from(text.clone()).expect("an id");
        let action = text.as_str().try_into().expect("an id");
        let action = Action { id: action, name: "paint".to_owned(), at: 1, redoes: None };
        let device = DeviceId::try_from("newer").expect("an id");
        let (args, epoch) =
            (Args::from_text("{\"a\":1}".to_owned()), self.world.backend().epoch().clone());
        let event =
            NewEvent { id, name: name.to_owned(), args, device, action: Some(action), epoch };
        // It marks an epoch that a restore began before the first event of it, as this one does.
        let mark = thread.as_ref().and_then(|_| self.mark_before(&db, &store, &event));
        let events: Vec<NewEvent> = mark.into_iter().chain([event]).collect();
        db.begin().expect("begins");
        Log::append(&db, &store, &events).expect("appended");
        db.commit().expect("commits");
        Some(())
    }

    /// What a Thread log gets before its first event of an epoch that a restore began.
    fn mark_before(&self, db: &Db, store: &StoreId, event: &NewEvent) -> Option<NewEvent> {
        let log = Log::all(db, store).expect("readable");
        let marks = log.iter().filter(|event| event.event.name == EPOCH_BEGAN);
        let mut epochs = marks.filter_map(|mark| mark.event.args.read::<EpochBegan>());
        if self.world.restores == 0 || epochs.any(|began| began.epoch == event.epoch) {
            return None;
        }
        let at = log.last().map_or(0, |last| last.position);
        Some(NewEvent {
            id: EventId::try_from(format!("mark-{}", event.id)).expect("an id"),
            name: EPOCH_BEGAN.to_owned(),
            args: Args::of(&EpochBegan { epoch: event.epoch.clone(), at }),
            device: DeviceId::try_from("backend").expect("an id"),
            action: None,
            epoch: event.epoch.clone(),
        })
    }

    /// The backend is put back to its last backup.
    pub(super) fn restore(&mut self) -> Option<()> {
        for disk in self.world.stations.iter().map(|station| &station.disk) {
            disk.heal();
        }
        if !self.world.restore("one") {
            return None;
        }
        let there = self.world.held_somewhere();
        self.taken_in.retain(|(_, _, event)| there.contains(event));
        Some(())
    }

    /// From now on nothing goes wrong any more.
    pub(super) fn stop_faults(&mut self) {
        faults::live();
        self.world.cut_power = None;
        for disk in self.world.stations.iter().map(|s| &s.disk).chain([&self.world.disk]) {
            disk.heal();
        }
        self.world.heal();
        for (point, times) in std::mem::take(&mut self.world.died) {
            *self.hits.entry(point).or_default() += times;
        }
    }
}
