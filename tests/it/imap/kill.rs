//! The real binary, killed with SIGKILL while it fetches and writes, at named points and at random,
//! while another client changes the same account and commands of ours do too.
//!
//! Invariant: every flag and every place has one writer in this test, so what it must be at the end
//! is known: on both sides each message is there once, where its writer put it, as it marked it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mailtui::crash;

use super::{LOOK, assert_equal, everything, generated, look};
use crate::support::binary::{Home, finish, run_within};
use crate::support::dovecot::Dovecot;
use crate::support::mail::mail;
use crate::support::other_client::OtherClient;
use crate::support::record::Random;

const SIGKILL: i32 = 9;
/// Messages at the beginning.
const MESSAGES: usize = 120;
/// How many random kills without `MAILTUI_IMAP_KILLS`.
const TIMES: u64 = 12;
/// The other client rests so long between two of its commands.
const REST: Duration = Duration::from_millis(4);
/// The longest that a process that fetches lives, at first.
const USUAL: Duration = Duration::from_millis(400);
/// Where points lie that a look passes when something changed on both sides.
const PASSED: [&str; 5] = ["ingest.", "commit.", "client.", "worker.", "queue."];

fn points() -> Vec<&'static str> {
    let passed = |point: &&str| PASSED.iter().any(|place| point.starts_with(place));
    crash::POINTS.iter().copied().filter(passed).chain(crash::MAIL.iter().copied()).collect()
}

/// What a message must be at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Last {
    folder: String,
    seen: bool,
    starred: bool,
    label: bool,
}

/// What each message must be, by its Message-ID.
type Wanted = BTreeMap<String, Last>;

/// The other client: it marks every fifth message as read and unread, moves every fifth after
/// those, appends, and expunges some of what it appended.
struct Other {
    client: OtherClient,
    random: Random,
    next: usize,
}

const PLACES: [&str; 3] = ["INBOX", "Archive", "work/f01"];

impl Other {
    fn turn(&mut self, wanted: &mut Wanted) {
        let some: Vec<String> = wanted.keys().cloned().collect();
        let id = &some[usize::try_from(self.random.below(some.len() as u64)).unwrap()];
        match number(id) {
            n if n % 5 == 0 => {
                let last = wanted.get_mut(id).expect("it is there");
                let seen = self.random.below(2) == 0;
                let sign = if seen { '+' } else { '-' };
                let uid = self.uid(&last.folder, id);
                self.client.ok(&format!("UID STORE {uid} {sign}FLAGS (\\Seen)"));
                last.seen = seen;
            }
            n if n % 5 == 1 => {
                let last = wanted.get_mut(id).expect("it is there");
                let to = PLACES[usize::try_from(self.random.below(3)).unwrap()];
                if to != last.folder {
                    let uid = self.uid(&last.folder, id);
                    self.client.ok(&format!("UID MOVE {uid} \"{to}\""));
                    to.clone_into(&mut last.folder);
                }
            }
            n if n % 5 == 4 && n > MESSAGES * 3 && self.random.below(3) == 0 => {
                let uid = self.uid("INBOX", id);
                self.client.ok(&format!("UID STORE {uid} +FLAGS (\\Deleted)"));
                self.client.ok(&format!("UID EXPUNGE {uid}"));
                let id = id.clone();
                wanted.remove(&id);
            }
            n if n % 5 == 4 => self.append(wanted),
            _ => {}
        }
    }

    fn append(&mut self, wanted: &mut Wanted) {
        self.next += 5;
        let name = format!("m{}", self.next);
        let raw = mail(&name).at(i64::try_from(self.next).unwrap()).bytes();
        self.client.append("INBOX", "", &raw);
        let last = Last { folder: "INBOX".to_owned(), ..Last::default() };
        wanted.insert(format!("{name}@example.org"), last);
    }

    fn uid(&mut self, folder: &str, id: &str) -> u32 {
        self.client.ok(&format!("SELECT \"{folder}\""));
        let found = self.client.text(&format!("UID SEARCH HEADER MESSAGE-ID \"<{id}>\""));
        let uids: Vec<u32> = found
            .iter()
            .filter_map(|line| line.strip_prefix("* SEARCH"))
            .flat_map(str::split_whitespace)
            .filter_map(|uid| uid.parse().ok())
            .collect();
        assert_eq!(uids.len(), 1, "{id} is in {folder} once: {uids:?}");
        uids[0]
    }
}

fn number(id: &str) -> usize {
    id.trim_start_matches('m').split('@').next().and_then(|n| n.parse().ok()).expect("one of ours")
}

/// Runs `during` while the other client works.
fn beside<T>(other: Other, wanted: Wanted, during: impl FnOnce() -> T) -> (Other, Wanted, T) {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let working = std::thread::spawn(move || {
        let (mut other, mut wanted) = (other, wanted);
        while !stopped.load(Ordering::SeqCst) {
            other.turn(&mut wanted);
            std::thread::sleep(REST);
        }
        (other, wanted)
    });
    let done = during();
    stop.store(true, Ordering::SeqCst);
    let (other, wanted) = working.join().expect("the other client works");
    (other, wanted, done)
}

/// What we do: star and unstar what is 2 of 5, archive or label what is 3 of 5.
struct Here<'a> {
    home: &'a Home,
    threads: BTreeMap<String, String>,
    random: Random,
    /// What is wanted of the messages that are ours to change.
    mine: Wanted,
}

impl Here<'_> {
    fn turn(&mut self) {
        let some: Vec<String> = self.mine.keys().cloned().collect();
        let id = &some[usize::try_from(self.random.below(some.len() as u64)).unwrap()];
        let last = self.mine.get_mut(id).expect("it is there");
        let thread = self.threads[id].as_str();
        let args = if number(id) % 5 == 2 {
            last.starred = !last.starred;
            vec![if last.starred { "star" } else { "unstar" }, thread]
        } else if !last.label {
            last.label = true;
            vec!["label", thread, "+project"]
        } else if last.folder == "INBOX" {
            "Archive".clone_into(&mut last.folder);
            vec!["archive", thread]
        } else {
            "INBOX".clone_into(&mut last.folder);
            vec!["move", thread, "inbox"]
        };
        self.home.run(&args).ok();
    }
}

/// An account with messages, and what they are.
fn begin(server: &Dovecot, home: &Home, seed: u64) -> (Other, Wanted) {
    let mut client = server.client("u1");
    for folder in ["work/f01", "project"] {
        client.ok(&format!("CREATE \"{folder}\""));
    }
    let mut wanted = Wanted::new();
    for n in 0..MESSAGES {
        // None answers another: a conversation has one message, and so one writer.
        let n = n * 3;
        let flags = if n % 2 == 0 { "\\Seen" } else { "" };
        client.append("INBOX", flags, &generated(n, "INBOX"));
        let last = Last { folder: "INBOX".to_owned(), seen: n % 2 == 0, ..Last::default() };
        wanted.insert(format!("m{n}@example.org"), last);
    }
    server.account(home, "u1", server.imap);
    look(home);
    let next = (MESSAGES * 3).next_multiple_of(5) + 4;
    (Other { client, random: Random(seed | 1), next }, wanted)
}

fn here<'a>(home: &'a Home, wanted: &Wanted, seed: u64) -> Here<'a> {
    let (_, all) = everything(home);
    let mine = |id: &String| matches!(number(id) % 5, 2 | 3);
    Here {
        home,
        threads: all.into_iter().map(|(id, here)| (id, here.thread)).collect(),
        random: Random(seed | 1),
        mine: wanted
            .iter()
            .filter(|(id, _)| mine(id))
            .map(|(i, l)| (i.clone(), l.clone()))
            .collect(),
    }
}

/// What is not as it must be at the server: lost, doubled, flipped.
fn compare(client: &mut OtherClient, wanted: &Wanted) -> [Vec<String>; 3] {
    let mut there: BTreeMap<String, Vec<(String, bool, bool)>> = BTreeMap::new();
    for folder in client.folders() {
        for mail in client.folder(&folder) {
            let flags = (mail.has("\\Seen"), mail.has("\\Flagged"));
            there.entry(mail.id).or_default().push((folder.clone(), flags.0, flags.1));
        }
    }
    let [mut lost, mut doubled, mut flipped] = [const { Vec::new() }; 3];
    for (id, last) in wanted {
        let found = there.remove(id).unwrap_or_default();
        let mut folders: BTreeSet<&str> = [last.folder.as_str()].into();
        folders.extend(last.label.then_some("project"));
        let is: BTreeSet<&str> = found.iter().map(|(folder, ..)| folder.as_str()).collect();
        if !folders.is_subset(&is) {
            lost.push(format!("{id}: {folders:?}, and is in {is:?}"));
        }
        if found.len() > folders.len() {
            doubled.push(format!("{id}: {folders:?}, and is in {found:?}"));
        }
        // A star of a conversation is on one of its messages, and so in one of the folders.
        let starred = found.iter().any(|(.., starred)| *starred);
        let seen = found.iter().all(|(_, seen, _)| *seen == last.seen);
        if starred != last.starred || !seen {
            flipped.push(format!("{id}: {last:?}, and is {found:?}"));
        }
    }
    doubled.extend(there.into_keys().map(|id| format!("{id} is there again")));
    [lost, doubled, flipped]
}

/// Looks until nothing is left to do, and compares both sides with what must be.
fn end(home: &Home, mut other: Other, mut wanted: Wanted, mine: Wanted, hits: u64, when: &str) {
    wanted.extend(mine);
    for _ in 0..3 {
        look(home);
    }
    let [lost, doubled, flipped] = compare(&mut other.client, &wanted);
    println!(
        "{{\"killed\":{hits},\"lost\":{},\"doubled\":{},\"flipped\":{}}}",
        lost.len(),
        doubled.len(),
        flipped.len()
    );
    assert!(lost.is_empty() && doubled.is_empty(), "{when}: {lost:#?} {doubled:#?}");
    assert!(flipped.is_empty(), "{when}: {flipped:#?}");
    assert_equal(home, &mut other.client, when);
    home.assert_healthy(when);
}

#[test]
fn a_kill_at_every_point_loses_doubles_and_flips_nothing() {
    let Some(server) = Dovecot::start() else { return };
    let home = Home::new();
    let (mut other, mut wanted) = begin(&server, &home, 7);
    let mut mine = here(&home, &wanted, 11);
    let mut missed = Vec::new();
    let mut hits = 0;
    let points = points();
    for point in &points {
        for times in 1..=2 {
            for _ in 0..6 {
                other.turn(&mut wanted);
            }
            other.append(&mut wanted);
            for _ in 0..2 {
                mine.turn();
            }
            let mut command = home.command(&["--sync-only", "--json"]);
            command.env("MAILTUI_CRASH_AT", format!("{point}:{times}"));
            let run = run_within(command, LOOK);
            if run.signal() == Some(SIGKILL) {
                hits += 1;
            } else {
                missed.push((point, times));
                run.ok();
            }
        }
    }
    end(&home, other, wanted, mine.mine, hits, "the points");
    let never: Vec<_> =
        points.iter().filter(|at| missed.iter().filter(|(m, _)| m == at).count() == 2).collect();
    assert!(never.is_empty(), "points that were never reached: {never:?}");
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn random_kills_while_both_sides_change_lose_double_and_flip_nothing() {
    let Some(server) = Dovecot::start() else { return };
    let home = Home::new();
    let seed = setting("MAILTUI_KILL_SEED", 20_240_506);
    let times = setting("MAILTUI_IMAP_KILLS", TIMES);
    let (other, wanted) = begin(&server, &home, seed);
    let mut mine = here(&home, &wanted, seed + 1);
    let mut random = Random((seed + 2) | 1);
    let (other, wanted, hits) = beside(other, wanted, || {
        let (mut hits, mut usual) = (0, USUAL);
        for round in 0..times {
            let watch: &[&str] = if round % 2 == 0 { &["--watch"] } else { &[] };
            if watch.is_empty() {
                mine.turn();
            }
            let args = [&["--sync-only", "--json"], watch].concat();
            let mut child = home.command(&args).spawn().expect("the program starts");
            if !watch.is_empty() {
                mine.turn();
            }
            let most = u64::try_from(usual.as_micros()).unwrap().max(1);
            std::thread::sleep(Duration::from_micros(random.below(most)));
            let _ = child.kill();
            let run = finish(child, format!("round {round}"), LOOK);
            let hit = run.signal() == Some(SIGKILL);
            hits += u64::from(hit);
            usual = usual.mul_f64(if hit { 1.1 } else { 0.7 });
        }
        hits
    });
    end(&home, other, wanted, mine.mine, hits, &format!("{times} kills of seed {seed}"));
    assert!(hits * 5 >= times * 3, "too few kills hit: {hits} of {times}");
}
