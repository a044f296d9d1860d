//! The real program, killed with SIGKILL while drafts are written in a terminal, while an editor
//! has one, while they are queued, and while they go to a server that thinks about every answer.
//!
//! Invariant: every word that is typed has a number, so that a word that is missing, moved or there
//! twice is seen. What the journal had, or an exit code acknowledged, is in exactly one place
//! afterwards: a draft, the outbox, or the server. What was typed since may be there or not. A
//! place that says *unknown* may be at the server too, and nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use mailtui::crash;
use mailtui::engine::writing::Writing;
use serde_json::Value;

use crate::support::binary::{Home, finish, run, run_within, text};
use crate::support::dovecot::write_accounts;
use crate::support::mail::{mail, write_maildir};
use crate::support::pty::Pty;
use crate::support::record::Random;
use crate::support::serve::ClosedPort;
use crate::support::slow_sink::SlowSink;
use crate::support::{RUN_DEADLINE, SCREEN_DEADLINE, wait_for};

const SIGKILL: i32 = 9;
const SIZE: (u16, u16) = (80, 24);
/// Kills without `MAILTUI_WRITING_KILLS`.
const KILLS: u64 = 20;
/// Kills that one data directory lives through.
const A_LIFE: u64 = 10;
/// Lives at a time.
const ABREAST: u64 = 3;
/// The longest between two keys, and the longest that something killed at random lives, at first.
const KEYS: Duration = Duration::from_millis(25);
const USUAL: Duration = Duration::from_millis(500);

/// What was written under a subject.
#[derive(Debug, Default)]
struct Piece {
    /// Every word that was typed, in order.
    words: Vec<String>,
    /// How many of them must be there.
    kept: usize,
    /// It was queued, and an exit code said so.
    queued: bool,
}

/// Where something is, by subject: what is written there, and what the outbox says of it.
type Places = BTreeMap<String, Vec<(String, Vec<String>)>>;

/// A data directory under fire.
struct Life<'a> {
    home: Home,
    /// Where its mail server is not.
    _closed: ClosedPort,
    sink: &'a SlowSink,
    random: Random,
    /// Begins every subject and word of this one.
    name: String,
    pieces: BTreeMap<String, Piece>,
    usual: Duration,
    round: u64,
    hits: u64,
}

/// What all lives saw.
#[derive(Debug, Default)]
struct Counts {
    kills: u64,
    lost: Vec<String>,
    doubled: Vec<String>,
    unknown: u64,
}

impl<'a> Life<'a> {
    fn new(sink: &'a SlowSink, name: &str, seed: u64) -> Self {
        let (home, closed) = (Home::new(), ClosedPort::new());
        let accounts = format!(
            "[accounts.ann]\naddress = \"ann@example.org\"\nname = \"Ann\"\n\
             imap = \"imap+plain://localhost:{}\"\nsmtp = \"smtp+plain://localhost:{}\"\n\
             login = \"u1\"\npassword = {{ command = [\"echo\", \"pw-u1\"] }}\n",
            closed.port, sink.port
        );
        write_accounts(&home, &accounts);
        write_maildir(&home.path("Mail"), "", &[mail("topic-00")]);
        home.import(&home.path("Mail"));
        // It appends what the test put beside it, and waits for a key.
        let editor = "#!/bin/sh\ncat \"$HOME/more\" >>\"$1\"; echo now in the editor; read line\n";
        std::fs::write(home.path("editor"), editor).expect("written");
        let rights = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(home.path("editor"), rights).expect("a program");
        let (name, random) = (name.to_owned(), Random(seed | 1));
        let (pieces, usual) = (BTreeMap::new(), USUAL);
        Self { home, _closed: closed, sink, random, name, pieces, usual, round: 0, hits: 0 }
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.random.below(of) == 0
    }

    fn rest(&mut self, most: Duration) {
        let most = u64::try_from(most.as_micros()).expect("short").max(1);
        std::thread::sleep(Duration::from_micros(self.random.below(most)));
    }

    fn terminal(&self) -> Pty {
        let editor = self.home.path("editor").display().to_string();
        Pty::start_in(&self.home, SIZE, &[("VISUAL", &editor)], &[])
    }

    /// Whether the journal has these bytes.
    fn journal_has(&self, word: &str) -> bool {
        ["writing.db", "writing.db-wal"].iter().any(|file| {
            let bytes = std::fs::read(self.home.data().join(file)).unwrap_or_default();
            bytes.windows(word.len()).any(|window| window == word.as_bytes())
        })
    }

    fn subject(&self, n: u64) -> String {
        format!("{}-r{:03}-{n}.", self.name, self.round)
    }

    /// A word that there is once.
    fn word(&mut self, subject: &str) -> String {
        let piece = self.pieces.entry(subject.to_owned()).or_default();
        let word = format!("{subject}w{:03}", piece.words.len());
        piece.words.push(word.clone());
        word
    }

    /// All that was typed is kept.
    fn pause(&mut self, subject: &str) {
        let piece = &self.pieces[subject];
        let last = piece.words.last().expect("something was typed").clone();
        let noted = wait_for(SCREEN_DEADLINE, || self.journal_has(&last).then_some(()));
        assert!(noted.is_some(), "the journal never had {last}");
        self.keep(subject);
    }

    fn keep(&mut self, subject: &str) {
        let piece = self.pieces.get_mut(subject).expect("it is written");
        piece.kept = piece.words.len();
    }

    fn type_words(&mut self, pty: &mut Pty, subject: &str) {
        for _ in 0..=self.random.below(6) {
            let word = self.word(subject);
            pty.press(&format!("{word} "));
            self.rest(KEYS);
            if self.one_in(4) {
                self.pause(subject);
            }
        }
    }

    /// Writes a draft in the composer; whether one is back in the list.
    fn write(&mut self, pty: &mut Pty, n: u64) -> bool {
        let subject = self.subject(n);
        pty.press("c");
        pty.wait_text("Subject");
        pty.press(&format!("bob@example.org\t\t\t{subject}\t"));
        self.type_words(pty, &subject);
        if self.one_in(3) && !self.edit(pty, &subject) {
            return false;
        }
        match self.random.below(5) {
            0 | 1 => return false,
            2 => pty.press("\u{1b}"),
            _ => pty.press("\u{18}s\r"),
        }
        if self.one_in(4) {
            return false;
        }
        pty.wait("the list", |screen| screen.contains("topic-00") && !screen.contains("Subject"));
        true
    }

    /// Writes on in the editor; whether that ended.
    fn edit(&mut self, pty: &mut Pty, subject: &str) -> bool {
        let writes = self.one_in(2);
        let more = if writes { self.word(subject) + "\n" } else { String::new() };
        std::fs::write(self.home.path("more"), more).expect("written");
        pty.press("\u{18}e");
        pty.wait_text("now in the editor");
        if writes {
            self.keep(subject);
        } else {
            // What was typed right before it is safe while it runs, however long that is.
            self.pause(subject);
        }
        if self.one_in(2) {
            return false;
        }
        pty.press("\r");
        if self.one_in(3) {
            return false;
        }
        pty.wait("the composer", |screen| screen.contains("Subject"));
        // Behind what the editor wrote.
        pty.press("\u{1b}[6~\u{1b}[F ");
        self.type_words(pty, subject);
        true
    }

    /// Writes in the terminal, which is killed.
    fn write_round(&mut self) {
        let mut pty = self.terminal();
        if self.one_in(5) {
            self.rest(USUAL);
        } else {
            pty.wait_text("topic-00");
            for n in 0..=self.random.below(3) {
                if !self.write(&mut pty, n) {
                    break;
                }
            }
            self.rest(KEYS * 10);
        }
        self.hits += 1;
        pty.kill();
    }

    /// Queues with commands, and kills what sends.
    fn send_round(&mut self) {
        for n in 0..self.random.below(3) {
            let subject = self.subject(n);
            let run = run(self.compose(&subject, &[])).ok();
            assert!(run.object()["queued"].is_string(), "{run}");
            self.pieces.get_mut(&subject).expect("written").queued = true;
            self.keep(&subject);
        }
        let subject = self.subject(9);
        let command = match self.random.below(3) {
            0 => self.home.command(&["--sync-only", "--json"]),
            1 => self.home.command(&["--sync-only", "--watch", "--json"]),
            _ => self.compose(&subject, &["--wait"]),
        };
        let mut child = { command }.spawn().expect("the program starts");
        self.rest(self.usual);
        let _ = child.kill();
        let run = finish(child, format!("round {}", self.round), RUN_DEADLINE);
        let hit = run.status.code().is_none();
        self.hits += u64::from(hit);
        self.usual = self.usual.mul_f64(if hit { 1.1 } else { 0.7 });
        if !hit && let Some(piece) = self.pieces.get_mut(&subject) {
            (piece.kept, piece.queued) = (piece.words.len(), true);
        }
    }

    /// A command that writes a message and queues it.
    fn compose(&mut self, subject: &str, more: &[&str]) -> std::process::Command {
        let words: Vec<String> = (0..3).map(|_| self.word(subject)).collect();
        let body = words.join(" ");
        let mut args = vec!["compose", "--to", "bob@example.org", "--subject", subject, "--body"];
        args.extend([body.as_str(), "--no-edit", "--send", "--hold", "0", "--force", "--json"]);
        args.extend(more);
        self.home.command(&args)
    }

    /// All that is anywhere, by subject.
    fn places(&self) -> Places {
        let mut places = Places::new();
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for row in self.home.json(&["drafts"]) {
            let shown = self.home.json(&["drafts", "show", &text(&row, "draft")]);
            let found = ("draft".to_owned(), words(&text(&shown[0], "text")));
            places.entry(text(&row, "subject")).or_default().push(found);
        }
        for row in self.home.json(&["outbox"]) {
            let found = (text(&row, "state"), Vec::new());
            places.entry(text(&row, "subject")).or_default().push(found);
        }
        for taken in self.sink.taken() {
            if taken.subject.starts_with(&format!("{}-", self.name)) {
                let found = ("sent".to_owned(), words(&taken.body));
                places.entry(taken.subject).or_default().push(found);
            }
        }
        places
    }

    /// Compares what is there with what must be.
    fn check(&self, lost: &mut Vec<String>, doubled: &mut Vec<String>) {
        let places = self.places();
        for (subject, piece) in &self.pieces {
            let found = places.get(subject).map(Vec::as_slice).unwrap_or_default();
            let names: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
            let told = || format!("round {}: {subject} {piece:?} is in {found:?}", self.round);
            if (piece.kept > 0 && found.is_empty()) || (piece.queued && names == ["draft"]) {
                lost.push(told());
            }
            match names[..] {
                [] | [_] | ["unknown" | "sending", "sent"] => {}
                _ => doubled.push(told()),
            }
            for (place, words) in found {
                let may_be_cut = place == "draft";
                // What waits shows its words when it is a draft again, or sent.
                if (place == "draft" || place == "sent") && !piece.is_whole(words, may_be_cut) {
                    lost.push(told());
                }
            }
        }
    }

    /// Whether neither the journal nor an editor's file has anything any more.
    fn is_recovered(&self) -> bool {
        let files = std::fs::read_dir(self.home.data().join("compose"));
        let journal = Writing::existing(&self.home.data()).expect("readable");
        let journal = journal.map_or(Ok(Vec::new()), |writing| writing.journal());
        files.map_or(0, Iterator::count) == 0 && journal.expect("readable").is_empty()
    }

    /// What the journal and the files of editors have.
    fn left(&self) -> String {
        let journal = Writing::existing(&self.home.data()).expect("readable");
        let files = std::fs::read_dir(self.home.data().join("compose")).into_iter().flatten();
        let files: Vec<_> = files.flatten().map(|entry| entry.file_name()).collect();
        format!("{:?} {files:?}", journal.map(|writing| writing.journal()))
    }

    /// Starts once more, lets everything be sent that is due, and counts.
    fn end(mut self, counts: &mut Counts) {
        let mut pty = self.terminal();
        pty.wait_text("topic-00");
        // What an editor still had that outlived its terminal is taken when one goes to Drafts.
        pty.press("gd");
        let taken = wait_for(SCREEN_DEADLINE, || self.is_recovered().then_some(()));
        assert!(taken.is_some(), "not taken in: {} {}", self.left(), pty.screen());
        pty.press("q");
        assert_eq!(pty.wait_end(), 0);
        self.round += 1;
        run_within(self.home.command(&["--sync-only", "--json"]), RUN_DEADLINE);
        self.check(&mut counts.lost, &mut counts.doubled);
        let unknown = |row: &&Value| row["state"] == "unknown";
        let unknown = self.home.json(&["outbox"]).iter().filter(unknown).count() as u64;
        assert!(unknown <= self.hits, "{unknown} unknown of {} kills", self.hits);
        counts.unknown += unknown;
        counts.kills += self.hits;
        self.home.assert_healthy(&self.name);
    }
}

impl Piece {
    /// Whether these are its words: all that were kept, none twice, none out of order. The last may
    /// have been cut by the kill.
    fn is_whole(&self, words: &[String], may_be_cut: bool) -> bool {
        let pairs = words.iter().zip(&self.words);
        let fits = |(at, (is, was)): (usize, (&String, &String))| {
            is == was || (may_be_cut && at + 1 == words.len() && was.starts_with(is.as_str()))
        };
        let complete = words.len() >= self.kept && words.len() <= self.words.len();
        let kept =
            self.kept.checked_sub(1).is_none_or(|last| words.get(last) == self.words.get(last));
        complete && kept && pairs.enumerate().all(fits)
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One data directory after the other, as many as there are kills for.
fn live(sink: &SlowSink, lane: u64, kills: u64, seed: u64) -> Counts {
    let mut counts = Counts::default();
    while counts.kills < kills {
        let name = format!("k{lane}x{}", counts.kills);
        let mut life = Life::new(sink, &name, seed ^ (lane << 32) ^ counts.kills);
        let most = A_LIFE.min(kills - counts.kills);
        while life.hits < most {
            life.round += 1;
            if life.one_in(2) {
                life.write_round();
            } else {
                life.send_round();
            }
            assert!(life.round < most * 4, "too few kills hit: {} of {}", life.hits, life.round);
        }
        life.end(&mut counts);
    }
    counts
}

#[test]
fn random_kills_while_writing_and_sending_lose_no_word_and_send_nothing_twice() {
    let (kills, seed) =
        (setting("MAILTUI_WRITING_KILLS", KILLS), setting("MAILTUI_KILL_SEED", 20_240_506));
    let sink = SlowSink::start();
    let lanes = ABREAST.min(kills.div_ceil(A_LIFE)).max(1);
    let mut all = Counts::default();
    std::thread::scope(|scope| {
        let sink = &sink;
        let share = |lane: u64| kills / lanes + u64::from(lane < kills % lanes);
        let lives: Vec<_> = (0..lanes)
            .map(|lane| scope.spawn(move || live(sink, lane, share(lane), seed)))
            .collect();
        for counts in lives {
            let counts = counts.join().expect("a life ends");
            all.kills += counts.kills;
            all.unknown += counts.unknown;
            all.lost.extend(counts.lost);
            all.doubled.extend(counts.doubled);
        }
    });
    let mut ids = BTreeSet::new();
    let twice = sink.taken().into_iter().filter(|taken| !ids.insert(taken.id.clone()));
    all.doubled.extend(twice.map(|taken| format!("taken twice: {taken:?}")));
    println!("{}", report(&all));
    assert!(all.lost.is_empty() && all.doubled.is_empty(), "seed {seed}: {all:#?}");
}

/// The line that `tests/run kill` says, its fields in this order.
fn report(counts: &Counts) -> String {
    format!(
        "{{\"kills\":{},\"lost\":{},\"doubled\":{},\"unknown\":{}}}",
        counts.kills,
        counts.lost.len(),
        counts.doubled.len(),
        counts.unknown
    )
}

#[test]
fn a_kill_at_every_point_of_sending_says_what_is_known() {
    let sink = SlowSink::start();
    for point in crash::SENDING {
        let mut life = Life::new(&sink, &point.replace('.', "-"), 1);
        for n in 0..2 {
            let subject = life.subject(n);
            run(life.compose(&subject, &[])).ok();
            life.pieces.get_mut(&subject).expect("written").queued = true;
            life.keep(&subject);
        }
        let mut command = life.home.command(&["--sync-only", "--json"]);
        command.env("MAILTUI_CRASH_AT", point);
        let run = run_within(command, RUN_DEADLINE);
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&run.status), Some(SIGKILL));
        life.hits = 1;
        let mut counts = Counts::default();
        life.check(&mut counts.lost, &mut counts.doubled);
        life.end(&mut counts);
        assert!(counts.lost.is_empty() && counts.doubled.is_empty(), "{point}: {counts:#?}");
    }
}

#[test]
fn what_is_missing_twice_or_out_of_order_is_seen() {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let piece = Piece { words: words("a1 a2 a3 a4"), kept: 2, queued: false };
    for (text, is_whole) in [
        ("a1 a2", true),
        ("a1 a2 a3", true),
        ("a1 a2 a", true),
        ("a1", false),
        ("a1 a", false),
        ("a1 a3 a4", false),
        ("a2 a1", false),
        ("a1 a2 a2", false),
        ("a1 a2 a3 a4 a4", false),
    ] {
        assert_eq!(piece.is_whole(&words(text), true), is_whole, "{text}");
    }
    assert!(!piece.is_whole(&words("a1 a2 a"), false));
}
