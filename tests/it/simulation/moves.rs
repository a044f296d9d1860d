//! The moves of a simulation, drawn by weight.
//!
//! Invariant: all chance comes from the simulation's dice; a move that is not possible now does
//! nothing and is not counted.

use std::collections::{BTreeMap, BTreeSet};

use mailtui::bridge::{Folder, Outcome};
use mailtui::command::intent::{Change, Intent, Target};
use mailtui::engine::view::Window;
use mailtui::id::{ActionId, EventId, LabelId, ThreadId};
use mailtui::label::{self, Place};
use mailtui::sync::{Bytes, Frame, IngestMessage, PurgeOrder, SeenThread};

use crate::simulation::checks::{self, Press};
use crate::simulation::faults;
use crate::support::clock::Dice;
use crate::support::mail::{Mail, mail};
use crate::support::truth::{log_of, message_of};
use crate::support::world::World;

/// The moves, and how often each is drawn among all.
pub(super) const STEPS: &[(&str, usize)] = &[
    ("mail.new", 2),
    ("mail.reply", 9),
    ("mail.join", 2),
    ("mail.early", 2),
    ("mail.again", 2),
    ("mail.copy", 1),
    ("mail.sent", 2),
    ("mail.filed", 3),
    ("mail.by-device", 3),
    ("mail.removed", 5),
    ("mail.returned", 5),
    ("wake", 4),
    ("link.by-hand", 1),
    ("purge", 4),
    ("key", 26),
    ("key.stale", 6),
    ("key.bulk", 4),
    ("undo.last", 5),
    ("undo.any", 7),
    ("redo.last", 4),
    ("redo.any", 4),
    ("label", 2),
    ("label.rename", 2),
    ("label.recolor", 1),
    ("label.delete", 2),
    ("label.new", 2),
    ("join.by-device", 2),
    ("split.by-device", 3),
    ("save", 16),
    ("connect", 12),
    ("cut", 4),
    ("send", 16),
    ("up", 22),
    ("down", 26),
    ("commit", 12),
    ("step", 12),
    ("pump", 16),
    ("settle", 2),
    ("open", 4),
    ("read", 4),
    ("restart.device", 3),
    ("restart.backend", 3),
    ("clock", 3),
    ("talk", 12),
    ("die", 12),
    ("kill.device", 2),
    ("kill.backend", 2),
    ("power.device", 3),
    ("power.backend", 3),
    ("disk.fails", 3),
    ("disk.full", 2),
    ("disk.heals", 6),
    ("disk", 14),
    ("let-go", 3),
    ("lose", 3),
    ("notice", 6),
    ("old.up", 8),
    ("old.end", 3),
    ("apart", 2),
    ("together", 4),
    ("flip", 1),
    ("evict", 2),
    ("clock.years", 2),
    ("newer", 2),
    ("backup", 2),
    ("restore", 1),
    ("snapshot", 4),
    ("truncate", 3),
    ("bootstrap", 8),
    ("device.new", 1),
];

/// Moves of one seed at most.
const MOST_MOVES: usize = 360;
/// Names that labels are made with; two of them are one label.
const LABELS: [&str; 4] = ["Work", "work", "Später", "Inbox"];
/// When snoozes end, Unix seconds.
const SNOOZED_UNTIL: i64 = 1_715_587_200;
/// Rows that a device draws at a time.
const DRAWN: usize = 20;

/// A message that came in, for replies, duplicates and copies.
#[derive(Clone)]
struct Posted {
    name: String,
    /// The first of its conversation as its writer saw it.
    root: String,
    bytes: Vec<u8>,
}

/// One seed being played.
pub(super) struct Simulation {
    pub(super) world: World,
    pub(super) dice: Dice,
    pub(super) hits: BTreeMap<&'static str, u64>,
    /// Keys that were pressed, and what their rows showed.
    pub(super) presses: Vec<Press>,
    posted: Vec<Posted>,
    /// Threads that messages were acknowledged to be in, the messages' names, and their events.
    pub(super) taken_in: Vec<(ThreadId, String, EventId)>,
    /// Rows as they were drawn, by device: what a key is pressed on.
    pub(super) drawn: Vec<Vec<Vec<(Target, u64)>>>,
    actions: Vec<ActionId>,
    settles: u64,
    pub(super) newer: u64,
    /// Devices with a flipped bit.
    pub(super) flipped: BTreeSet<usize>,
    /// Whether moves are told as they are made.
    told: bool,
    /// A device that is rarely heard of.
    slow: usize,
}

impl Simulation {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let devices = [("A", false), ("B", true), ("C", true)];
        let mut world = World::new(&devices, dice.next());
        let slow = dice.below(devices.len());
        // The first two are driven as by a terminal, whose disk comes later; the last by commands.
        world.sync_later(0);
        world.sync_later(1);
        world.turn_pages_of([3, 7, 500][dice.below(3)]);
        world.slice = [0, 12, 5_000][dice.below(3)];
        world.boot_slices = [0, 1, 3, usize::MAX][dice.below(4)];
        Self {
            drawn: vec![Vec::new(); devices.len()],
            world,
            dice,
            hits: BTreeMap::new(),
            presses: Vec::new(),
            posted: Vec::new(),
            taken_in: Vec::new(),
            actions: Vec::new(),
            settles: 0,
            newer: 0,
            flipped: BTreeSet::new(),
            told: std::env::var_os("MAILTUI_SIM_TELL").is_some(),
            slow,
        }
    }

    /// Plays it; what was wrong.
    pub(super) fn play(&mut self) -> Vec<String> {
        for _ in 0..3 {
            self.take("mail.new");
        }
        if self.dice.once_in(2) {
            self.world.sync();
        }
        let moves = MOST_MOVES / 2 + self.dice.below(MOST_MOVES / 2);
        let sum: usize = STEPS.iter().map(|(_, weight)| weight).sum();
        for _ in 0..moves {
            let mut at = self.dice.below(sum);
            let drawn = STEPS.iter().find(|(_, weight)| {
                let here = at < *weight;
                at = at.saturating_sub(*weight);
                here
            });
            self.take(drawn.expect("within the sum").0);
            let wrong = checks::along_the_way(self);
            if !wrong.is_empty() {
                return wrong;
            }
        }
        self.stop_faults();
        checks::at_rest(self)
    }

    fn take(&mut self, step: &'static str) {
        self.world.clock.turn(500);
        let died = self.world.died.values().sum::<u64>();
        let done = self.try_step(step).is_some();
        if self.told && done {
            let died = self.world.died.values().sum::<u64>() - died;
            println!("{step}{}", if died > 0 { ", and somebody died" } else { "" });
        }
        if done {
            *self.hits.entry(step).or_default() += 1;
        }
    }

    pub(super) fn a_device(&mut self) -> usize {
        let at = self.dice.below(self.world.stations.len());
        let heard = at != self.slow || self.dice.once_in(4);
        if heard { at } else { (at + 1) % self.world.stations.len() }
    }

    fn try_step(&mut self, step: &'static str) -> Option<()> {
        if let Some(kind) = step.strip_prefix("mail.") {
            return self.mail(kind);
        }
        if faults::STEPS.contains(&step) {
            return self.fault(step);
        }
        let at = self.a_device();
        match step {
            "link.by-hand" => return self.link(at),
            "wake" => return self.wake(),
            "newer" => return self.newer(),
            "backup" => return self.world.backup("one").then_some(()),
            "restore" => return self.restore(),
            "purge" => return self.purge(at),
            "snapshot" | "truncate" | "device.new" => return self.snapshots(step),
            "bootstrap" => return self.bootstrap(at),
            "key" => return self.key(at, 1, false),
            "key.stale" => return self.key(at, 1, true),
            "key.bulk" => return self.key(at, 6, false),
            "undo.last" => return self.intend(at, &Intent::Undo(None)),
            "redo.last" => return self.intend(at, &Intent::Redo(None)),
            "undo.any" | "redo.any" => {
                let known = self.actions.len();
                let at_action = self.dice.below(known);
                let action = Some(self.actions.get(at_action)?.clone());
                let intent = if step == "undo.any" { Intent::Undo } else { Intent::Redo };
                return self.intend(at, &intent(action));
            }
            "label" => {
                let name = (*self.dice.pick(&LABELS)).to_owned();
                return self.intend(at, &Intent::CreateLabel(name));
            }
            "label.rename" | "label.recolor" | "label.delete" | "label.new" | "join.by-device"
            | "split.by-device" => return self.by_hand(step, at),
            "save" if !self.world.device(at).is_saving() => return None,
            "connect" if self.world.is_connected(at) => return None,
            "cut" | "send" if !self.world.is_connected(at) => return None,
            "save" => self.world.save(at),
            "connect" => self.world.connect(at),
            "cut" => self.world.cut(at),
            "send" => self.world.send(at, Some),
            "up" => return self.several(at, World::deliver_up),
            "down" => return self.several(at, World::deliver_down),
            "commit" => self.world.commit(),
            "step" => return self.world.step().then_some(()),
            "pump" => return self.world.pump().then_some(()),
            "settle" => {
                self.settles += 1;
                let seq = self.settles;
                self.world.device_mut(at).settle(seq);
            }
            "open" => {
                let thread = self.a_thread(at)?;
                self.may_die_at("kept.");
                self.world.on_device(at, |device| device.load(&thread))?.ok()?;
            }
            "talk" => self.talk(at),
            "read" => self.draw(at),
            "restart.device" => self.world.restart_device(at),
            "restart.backend" => {
                if self.dice.once_in(2) {
                    self.hurry();
                }
                self.world.restart_backend();
            }
            _ => panic!("an unknown step: {step}"),
        }
        Some(())
    }

    fn several(&mut self, at: usize, deliver: fn(&mut World, usize) -> bool) -> Option<()> {
        let most = 1 + self.dice.below(4);
        let moved = (0..most).filter(|_| deliver(&mut self.world, at)).count();
        (moved > 0).then_some(())
    }

    /// All that can be said without a commit of the backend is said and heard.
    fn hurry(&mut self) {
        for at in 0..self.world.stations.len() {
            while self.world.deliver_down(at) {}
            self.world.save(at);
            self.world.send(at, Some);
            while self.world.deliver_up(at) {}
            while self.world.deliver_down(at) {}
        }
    }

    /// A while in which nothing goes wrong between a device and the backend.
    fn talk(&mut self, at: usize) {
        self.world.connect(at);
        self.world.save(at);
        for _ in 0..=self.dice.below(3) {
            self.world.sync_disk(at);
            self.world.send(at, Some);
            self.world.sync_disk(at);
            self.world.send(at, Some);
            while self.world.deliver_up(at) {}
            self.world.step();
            self.world.pump();
            while self.world.deliver_down(at) {}
        }
    }

    /// Messages are gone where they came from, or there again.
    fn remove(&mut self, removed: bool) -> Option<()> {
        let mut messages = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let any = (!self.taken_in.is_empty()).then(|| self.dice.pick(&self.taken_in).clone());
            let (thread, _, id) = any?;
            let (log, _) = log_of(&self.world.backend_dir(), &thread);
            let its = log.iter().find(|event| event.event.id == id).and_then(message_of);
            messages.push((thread, its?.message));
        }
        let token = format!("pass {}", self.dice.next());
        let changed = self.world.on_backend(|backend| {
            let changed = backend.remove_messages(&messages, removed, &token)?;
            // The same again changes nothing.
            assert_eq!(backend.remove_messages(&messages, removed, &token)?, 0);
            Ok(changed)
        })?;
        (changed > 0).then_some(())
    }

    fn mail(&mut self, kind: &str) -> Option<()> {
        if let "removed" | "returned" = kind {
            return self.remove(kind == "removed");
        }
        let name = format!("m{}", self.posted.len());
        let minute = i64::try_from(self.dice.below(500)).expect("small");
        let new = mail(&name).at(minute);
        let any = (!self.posted.is_empty()).then(|| self.dice.pick(&self.posted).clone());
        let reply = |to: &Posted| new.clone().reply_to(&to.root, &to.name);
        let mut folder = Folder::default();
        let (message, root): (Mail, String) = match kind {
            "new" | "by-device" if self.dice.once_in(2) => (new, name.clone()),
            "new" => (new.body(format!("{name} again")), name.clone()),
            "reply" | "sent" | "filed" | "by-device" => {
                let to = any?;
                (reply(&to), to.root)
            }
            "join" => {
                let (one, other) = (any?, self.dice.pick(&self.posted).clone());
                (new.reply_to(&one.name, &other.name), one.root)
            }
            // An answer to what is still to come: the next message.
            "early" => (new.reply_to(&format!("m{}", self.posted.len() + 1), "m0"), name.clone()),
            "again" => return self.mail_again(any?.bytes),
            "copy" => {
                let old = any?;
                let mut bytes = old.bytes;
                bytes.extend_from_slice(b"A list's footer.\n");
                self.world.try_mail(bytes, Folder::default());
                return Some(());
            }
            _ => panic!("an unknown kind of mail: {kind}"),
        };
        folder.sent = kind == "sent";
        if kind == "filed" {
            folder.place = [None, Some(Place::Archive), Some(Place::Trash)][self.dice.below(3)];
            folder.drafts = self.dice.once_in(4);
            folder.labels = vec![(*self.dice.pick(&LABELS)).to_owned()];
        }
        let bytes = message.bytes();
        if kind == "by-device" {
            let at = self.a_device();
            if !self.world.is_connected(at) {
                return None;
            }
            let raw = Bytes(bytes);
            let message = IngestMessage {
                raw,
                folder: serde_json::to_value(&folder).expect("json"),
                flags: serde_json::Value::Null,
                file_time: None,
            };
            self.world.device_mut(at).want(Frame::Ingest { seq: 1, messages: vec![message] });
            return Some(());
        }
        let outcome = self.world.try_mail(bytes.clone(), folder)?;
        if let Outcome::Imported { thread, .. } = outcome {
            let (log, _) = log_of(&self.world.backend_dir(), &thread);
            let its = log.into_iter().rev().find(|event| message_of(event).is_some());
            self.taken_in.push((thread, name.clone(), its.expect("it is there").event.id));
        }
        self.posted.push(Posted { name, root, bytes });
        Some(())
    }

    /// A message comes a second time.
    fn mail_again(&mut self, bytes: Vec<u8>) -> Option<()> {
        let revive = self.dice.once_in(3);
        let folder = Folder { revive, ..Folder::default() };
        let outcome = self.world.try_mail(bytes, folder)?;
        match outcome {
            // It may have been lost, or its bytes.
            _ if self.world.restores > 0 => {}
            Outcome::Duplicate { .. } => {}
            Outcome::Purged => assert!(!revive, "it was wanted"),
            Outcome::Imported { .. } => assert!(revive, "a message that was there"),
            other => panic!("{other:?}"),
        }
        Some(())
    }

    /// Time goes on to where snoozes end, or not yet; a clock may go back as well.
    fn wake(&mut self) -> Option<()> {
        let now = SNOOZED_UNTIL + i64::try_from(self.dice.below(3)).expect("small") - 1;
        let woke = self.world.on_backend(|backend| backend.wake(now))?;
        woke.then_some(())
    }

    fn link(&mut self, at: usize) -> Option<()> {
        let (a, b) = (self.a_thread(at)?, self.a_thread(at)?);
        self.world.on_backend(|backend| backend.link(&a, &b))?;
        (a != b).then_some(())
    }

    /// A device orders a purge of rows as it drew them, some of them long ago.
    fn purge(&mut self, at: usize) -> Option<()> {
        if !self.world.is_connected(at) {
            return None;
        }
        if self.dice.once_in(2) {
            self.draw(at);
        }
        let drawn = self.drawn[at].clone();
        let mut rows = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let row = (!drawn.is_empty()).then(|| self.dice.pick(&drawn).clone())?;
            let seen = |(target, _): (Target, u64)| SeenThread {
                thread: target.thread,
                seen: target.seen,
            };
            rows.push(row.into_iter().map(seen).collect());
        }
        self.may_die_at("purge.");
        let (anywhere, dry) = (!self.dice.once_in(3), self.dice.once_in(6));
        let order = PurgeOrder { rows, older: None, anywhere, dry };
        self.world.device_mut(at).want(Frame::Purge { seq: 1, order });
        // Mostly it gets there before the line is cut.
        if !self.dice.once_in(3) {
            self.world.save(at);
            self.world.send(at, Some);
            while self.world.deliver_up(at) {}
        }
        Some(())
    }

    /// A device reads its lists anew: what keys are pressed on from now on.
    fn draw(&mut self, at: usize) {
        let device = self.world.device(at);
        let anywhere = label::system("anywhere");
        let rows = device.page(&anywhere, &Window::First, DRAWN).expect("readable").rows;
        let member = |target: Target| {
            let row = mailtui::mailbox::raw_row(device.db(), &target.thread);
            let shown = row.expect("readable").expect("there").message_count;
            (target, shown)
        };
        let rows = rows.into_iter().map(|row| row.members.into_iter().map(member).collect());
        self.drawn[at] = rows.collect();
    }

    pub(super) fn a_thread(&mut self, at: usize) -> Option<ThreadId> {
        let rows = self.world.device(at).page(&label::system("anywhere"), &Window::First, DRAWN);
        let rows = rows.expect("readable").rows;
        let row = (!rows.is_empty()).then(|| self.dice.pick(&rows).clone())?;
        Some(self.dice.pick(&row.members).thread.clone())
    }

    fn key(&mut self, at: usize, rows: usize, stale: bool) -> Option<()> {
        if !stale {
            self.draw(at);
        }
        let mut targets: Vec<(Target, u64)> = Vec::new();
        for _ in 0..rows {
            let drawn = &self.drawn[at];
            let row = (!drawn.is_empty()).then(|| self.dice.pick(drawn).clone())?;
            if !targets.contains(&row[0]) {
                targets.extend(row);
            }
        }
        let mut changes = vec![self.change()];
        if self.dice.once_in(6) {
            changes.push(self.change());
        }
        let on = targets.iter().map(|(target, _)| target.clone()).collect();
        self.intend(at, &Intent::Change { changes, targets: on })?;
        self.presses.extend(targets.into_iter().map(|(target, shown)| Press { target, shown }));
        Some(())
    }

    fn change(&mut self) -> Change {
        let on = self.dice.once_in(2);
        match self.dice.below(12) {
            0..=4 => Change::Place(*self.dice.pick(&Place::ALL)),
            5 | 6 => Change::Read(on),
            7 => Change::Star(on),
            8 => Change::Mute(on),
            9 => Change::Snooze(on.then_some(SNOOZED_UNTIL)),
            _ => Change::Label(label::user_label(LABELS[self.dice.below(4)]), on),
        }
    }

    pub(super) fn intend(&mut self, at: usize, intent: &Intent) -> Option<()> {
        let done = self.world.on_device(at, |device| device.intend(intent))?.ok()?;
        self.actions.extend(done.action);
        // Mostly the disk is not far behind.
        if self.dice.once_in(2) {
            self.world.save(at);
        }
        Some(())
    }

    /// The labels that keys put on.
    pub(super) fn named_labels() -> std::collections::BTreeSet<LabelId> {
        LABELS.iter().map(|name| label::user_label(name)).collect()
    }
}
