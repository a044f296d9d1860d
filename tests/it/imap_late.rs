//! A mail server that carries out late what a program that is dead has told it: what was in the
//! server's buffer when the connection went is done seconds after the next one has looked.
//!
//! Invariant: every cell has one writer, the user here or another client, so what it must be at the
//! end is known; everything is drawn from a seed, and a seed that fails is named. The server is a
//! few maps (`imap_late/server`), the backend and the device are real; the worker is played here,
//! since it has to die between any two of its steps.

mod server;
mod stars;

use std::collections::BTreeMap;

use mailtui::backend::{Fetched, prepare};
use mailtui::bridge::Incoming;
use mailtui::clock::Clock as _;
use mailtui::command::intent::{Change, Intent};
use mailtui::id::{LabelId, ThreadId};
use mailtui::imap::{
    FolderState, Found, Known, Listing, Order, Outcome, Report, Stand, What, Wish,
};
use mailtui::label::Place;

use self::server::{Command, FOLDERS, Server, place_of};
use crate::support::mail::mail;
use crate::support::record::Random;
use crate::support::world::World;

const ACCOUNT: &str = "u";
/// Messages; each is a conversation, and has its writer by its number.
const MESSAGES: usize = 10;
/// Steps of one seed.
const STEPS: u64 = 40;
/// Seeds without `MAILTUI_LATE_SEEDS`.
const SEEDS: u64 = 24;
/// Looks after which both sides agree.
const LOOKS: usize = 6;
/// Looks at all folders within one, as the worker has it.
const SWEEPS: usize = 5;

/// The worker is dead, or its connection.
struct Dead;

/// What a message must be at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Last {
    folder: usize,
    seen: bool,
    starred: bool,
    label: bool,
}

struct Play {
    /// Messages of one conversation.
    talk: usize,
    world: World,
    server: Server,
    dice: Random,
    wanted: Vec<Last>,
    threads: BTreeMap<usize, ThreadId>,
    project: Option<LabelId>,
    folders: Vec<FolderState>,
    /// The connection that is open, by its number.
    connection: u64,
    is_open: bool,
    looks: u64,
    /// Nothing dies any more, and nobody presses a key.
    quiet: bool,
    told: Vec<String>,
}

impl Play {
    fn new(seed: u64, talk: usize) -> Self {
        let mut play = Self {
            talk,
            world: World::new(&[("A", false)], seed),
            server: Server::new(!seed.is_multiple_of(3)),
            dice: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            wanted: Vec::new(),
            threads: BTreeMap::new(),
            project: None,
            folders: Vec::new(),
            connection: 0,
            is_open: false,
            looks: 0,
            quiet: true,
            told: Vec::new(),
        };
        for n in 0..MESSAGES {
            play.server.append(0, n);
            play.wanted.push(Last { folder: 0, seen: false, starred: false, label: false });
        }
        play.settle();
        play.know();
        play.quiet = false;
        play
    }

    fn tell(&mut self, line: String) {
        self.told.push(line);
    }

    /// Which conversation each message is, and the label.
    fn know(&mut self) {
        let window = mailtui::engine::view::Window::First;
        let list = mailtui::label::system("anywhere");
        for row in self.world.device(0).page(&list, &window, 100).expect("readable").rows {
            let subject = row.subject.clone().unwrap_or_default();
            if let Some(n) = subject.strip_prefix('n').and_then(|n| n.parse().ok()) {
                self.threads.insert(n, row.thread.clone());
            }
        }
        assert_eq!(self.threads.len(), MESSAGES.div_ceil(self.talk), "all came in");
        self.world.device_mut(0).intend(&Intent::CreateLabel("project".into())).expect("made");
        self.world.sync();
        self.project = self.world.device(0).find_label("project").expect("readable");
    }

    /// One in so many times.
    fn one_in(&mut self, many: u64) -> bool {
        !self.quiet && self.dice.below(many) == 0
    }

    /// What may happen at any moment of the worker's life, its death included.
    fn moment(&mut self) -> Result<(), Dead> {
        if self.one_in(6) {
            self.late();
        }
        if self.one_in(8) {
            self.key();
        }
        if self.one_in(10) {
            self.other();
        }
        if self.one_in(25) {
            self.tell("dies".into());
            return Err(Dead);
        }
        Ok(())
    }

    /// What a dead connection told happens now, or never; `false` when there is nothing.
    fn late(&mut self) -> bool {
        let Some((command, done)) = self.server.carry_out_one(&mut self.dice) else { return false };
        self.tell(format!("{}: {command:?}", if done { "late" } else { "never" }));
        true
    }

    /// The user presses a key: stars what is 2 of 5, stars, moves and labels what is 3 of 5, marks
    /// what is 4 of 5.
    fn key(&mut self) {
        if self.talk > 1 {
            return self.key_of_talk();
        }
        let n = usize::try_from(self.dice.below(MESSAGES as u64)).expect("small");
        let last = &mut self.wanted[n];
        let change = match n % 5 {
            2 => {
                last.starred = !last.starred;
                Change::Star(last.starred)
            }
            3 if self.dice.below(6) == 0 => {
                last.starred = !last.starred;
                Change::Star(last.starred)
            }
            3 if self.dice.below(4) == 0 => {
                last.label = !last.label;
                Change::Label(self.project.clone().expect("it was made"), last.label)
            }
            3 => {
                last.folder = usize::from(last.folder == 0);
                Change::Place(place_of(last.folder))
            }
            4 => {
                last.seen = !last.seen;
                Change::Read(last.seen)
            }
            _ => return,
        };
        self.press(n, change);
    }

    fn press(&mut self, n: usize, change: Change) {
        self.tell(format!("n{n}: {change:?}"));
        let targets = self.world.device(0).targets(&self.threads[&n]).expect("readable");
        let intent = Intent::Change { changes: vec![change], targets };
        self.world.device_mut(0).intend(&intent).expect("decided");
        self.world.sync();
    }

    /// The other client marks what is 0 of 5, and moves what is 1 of 5.
    fn other(&mut self) {
        if self.talk > 1 {
            return self.other_of_talk();
        }
        let n = usize::try_from(self.dice.below(MESSAGES as u64)).expect("small");
        match n % 5 {
            0 => {
                self.wanted[n].seen = !self.wanted[n].seen;
                self.server.mark(n, self.wanted[n].seen);
            }
            1 => {
                let to = usize::from(self.wanted[n].folder == 0);
                self.wanted[n].folder = to;
                self.server.take(n, to);
            }
            _ => return,
        }
        self.tell(format!("n{n}: the other client: {:?}", self.wanted[n]));
    }

    /// Begins a connection, where there is none.
    fn connect(&mut self) {
        if self.is_open {
            return;
        }
        self.connection += 1;
        (self.is_open, self.looks) = (true, 0);
        self.tell(format!("connection {}", self.connection));
        let found: Vec<Found> = Server::found();
        let now = self.world.clock.now();
        self.folders = self.world.backend().edge_folders(ACCOUNT, &found, now).expect("taken in");
        self.commit();
    }

    fn commit(&mut self) {
        self.world.backend().commit().expect("on disk");
        self.world.sync();
    }

    fn index(&self, key: i64) -> usize {
        let state = self.folders.iter().find(|of| of.key == key).expect("it is known");
        FOLDERS.iter().position(|name| *name == state.name).expect("it is there")
    }

    /// Reads a folder as a whole.
    fn look(&mut self, folder: usize) -> Result<bool, Dead> {
        self.moment()?;
        let now = self.world.clock.now();
        let key = self.folders.iter().find(|of| of.name == FOLDERS[folder]).expect("known").key;
        let there = self.server.folders[folder].clone();
        let known = |(uid, mail): (&u32, &server::Mail)| Known {
            uid: *uid,
            flags: mail.flags(),
            ..Known::default()
        };
        let messages: Vec<Known> = there.mails.iter().map(known).collect();
        let listing = Listing {
            folder: key,
            uidvalidity: 1,
            whole: Some(1..=u32::MAX),
            messages: messages.clone(),
            vanished: Vec::new(),
        };
        let wanted = self.world.backend().edge_listing(&listing, now).expect("taken in");
        self.commit();
        self.moment()?;
        let heard = !wanted.is_empty();
        let mut fetched = Vec::new();
        for known in messages.into_iter().filter(|known| wanted.contains(&known.uid)) {
            let raw = raw(there.mails[&known.uid].n, self.talk);
            let size = raw.len() as u64;
            let says = self.folders.iter().find(|of| of.key == key).expect("known").says.clone();
            let flags = Some(known.flags);
            let prepared = Ok(prepare(Incoming { raw, folder: says, flags, file_time: None }, now));
            fetched.push(Fetched { known, prepared, size });
        }
        if heard {
            self.world.backend().edge_arrived(key, 1, fetched, now).expect("taken in");
            self.commit();
            self.moment()?;
        }
        let exists = there.mails.len() as u64;
        let stand = Stand { exists, folder: key, uidvalidity: 1, uidnext: there.next, modseq: 0 };
        self.world.backend().edge_stand(stand).expect("taken in");
        self.commit();
        Ok(heard)
    }

    /// Looks at all folders, as often as the worker does.
    fn pass(&mut self) -> Result<(), Dead> {
        self.tell("pass".into());
        let (mut away, mut settled) = (0, false);
        for sweep in 0..SWEEPS {
            let mut heard = false;
            for folder in 0..FOLDERS.len() {
                heard |= self.look(folder)?;
            }
            let now = self.world.backend().edge_away(ACCOUNT).expect("readable");
            settled = now == 0 || (sweep > 0 && now == away && !heard);
            if settled {
                break;
            }
            away = now;
        }
        if settled {
            let now = self.world.clock.now();
            self.world.backend().edge_passed(ACCOUNT, now).expect("taken in");
            self.commit();
        }
        self.looks += 1;
        Ok(())
    }

    /// Writes what is to be written.
    fn write(&mut self, early: bool) -> Result<(), Dead> {
        self.tell(format!("write{}", if early { ", early" } else { "" }));
        for _ in 0..50 {
            self.moment()?;
            let (connection, looks) = (self.connection, self.looks);
            let wish = Wish { most: 500, early, connection, looks };
            let now = self.world.clock.now();
            let mut orders =
                self.world.backend().edge_orders(ACCOUNT, &wish, now).expect("readable");
            self.commit();
            orders.retain(|order| !early || !matches!(order.what, What::CopyTo(_)));
            if orders.is_empty() {
                return Ok(());
            }
            for order in orders {
                self.moment()?;
                self.carry_out(order)?;
            }
        }
        Ok(())
    }

    /// Carries out one order, and reports it.
    fn carry_out(&mut self, order: Order) -> Result<(), Dead> {
        let folder = self.index(order.folder);
        let uids: Vec<u32> = order.targets.iter().map(|target| target.uid).collect();
        let here = self.server.present(folder, &uids);
        let to = self.destination(&order.what);
        let mut outcomes = vec![Outcome::Absent; uids.len()];
        for command in Command::of(&order.what, folder, &here, to) {
            self.tell(format!("{command:?}"));
            if self.one_in(8) {
                self.tell("dies with it in flight".into());
                self.server.late.push(command);
                return Err(Dead);
            }
            let places = self.server.carry_out(&command);
            self.moment()?;
            let there = uids.iter().enumerate().filter(|(_, uid)| here.contains(uid));
            for (at, uid) in there {
                outcomes[at] = match (to, places.get(uid)) {
                    (None, _) => Outcome::Done,
                    (Some(_), None) if self.server.tells => Outcome::Absent,
                    (Some(to), place) => {
                        let of = |of: &&FolderState| of.name == FOLDERS[to];
                        let key = self.folders.iter().find(of).expect("known").key;
                        Outcome::Moved(key, place.map(|uid| (1, *uid)))
                    }
                };
            }
        }
        let now = self.world.clock.now();
        let reports = [Report { order, outcomes }];
        self.world.backend().edge_report(ACCOUNT, &reports, now).expect("taken in");
        self.commit();
        Ok(())
    }

    fn destination(&self, what: &What) -> Option<usize> {
        match what {
            What::Move(role) => {
                let state = self.folders.iter().find(|of| of.role == *role);
                Some(self.index(state.expect("each place has a folder").key))
            }
            What::MoveTo(key) | What::CopyTo(key) => Some(self.index(*key)),
            _ => None,
        }
    }

    /// What the worker does next.
    fn work(&mut self) -> Result<(), Dead> {
        self.connect();
        match self.dice.below(4) {
            0 if self.looks == 0 => self.write(true),
            0 | 1 if self.looks > 0 => {
                self.look(0)?;
                self.write(false)
            }
            _ => {
                self.pass()?;
                self.write(false)
            }
        }
    }

    fn settle(&mut self) {
        self.quiet = true;
        for _ in 0..LOOKS {
            self.connect();
            let done = self.pass().and_then(|()| self.write(false));
            assert!(done.is_ok(), "nothing dies any more");
        }
    }

    fn play(&mut self) {
        for _ in 0..STEPS {
            if self.work().is_err() {
                self.is_open = false;
            }
        }
        self.is_open = false;
        while self.late() {}
        self.settle();
    }

    /// What is not as it must be, on both sides.
    fn wrong(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (n, last) in self.wanted.clone().into_iter().enumerate() {
            let mut folders = vec![last.folder];
            folders.extend(last.label.then_some(FOLDERS.len() - 1));
            let there = self.server.of(n);
            let is: Vec<usize> = there.iter().map(|(folder, _)| *folder).collect();
            let starred = there.iter().any(|(_, mail)| mail.starred);
            let seen = there.iter().all(|(_, mail)| mail.seen == last.seen);
            if is != folders || starred != last.starred || !seen {
                wrong.push(format!("there n{n} must be {last:?}, and is {there:?}"));
            }
            let row = self.world.device(0).row(&self.threads[&n]).expect("readable");
            let row = row.expect("it is there");
            let label = self.project.as_ref().is_some_and(|project| row.labels.contains(project));
            let read = row.unread_count == 0;
            let is = (row.place, row.starred, label, read);
            let must: (Place, bool, bool, bool) =
                (place_of(last.folder), last.starred, last.label, last.seen);
            if is != must {
                wrong.push(format!("here n{n} must be {must:?}, and is {is:?}"));
            }
        }
        wrong
    }
}

/// A message; the first of each `talk` is answered by the others.
fn raw(n: usize, talk: usize) -> Vec<u8> {
    let new = mail(&format!("n{n}")).subject(&format!("n{n}"));
    let new = new.at(i64::try_from(n).expect("small"));
    let root = format!("n{}", n - n % talk);
    if n.is_multiple_of(talk) { new.bytes() } else { new.reply_to(&root, &root).bytes() }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn what_a_server_does_late_is_known_for_an_echo() {
    let first = setting("MAILTUI_LATE_SEED", 1);
    let seeds = setting("MAILTUI_LATE_SEEDS", SEEDS);
    let mut failed = Vec::new();
    for seed in first..first + seeds {
        let mut play = Play::new(seed, 1);
        play.play();
        let wrong = play.wrong();
        if !wrong.is_empty() {
            if failed.is_empty() || seeds == 1 {
                println!("{}", play.told.join("\n"));
            }
            println!("MAILTUI_LATE_SEEDS=1 MAILTUI_LATE_SEED={seed}: {wrong:#?}");
            failed.push(seed);
        }
    }
    println!("{{\"late\":{seeds},\"failed\":{}}}", failed.len());
    assert!(failed.is_empty(), "seeds {failed:?}");
}
