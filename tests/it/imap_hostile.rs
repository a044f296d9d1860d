//! Mail servers that lie, break off, flood and threaten, and those that sit in between.
//!
//! Invariant: each lie is told to a mailbox that is known, beside a second account on an honest
//! server. It is refused or bounded: the other account goes on, memory grows by little, nothing of
//! the server's text reaches a terminal, and when the server is honest again everything is there
//! as it was.

mod bounds;
mod claims;
mod clear;
mod folders;
mod stall;

use std::collections::BTreeSet;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::POLL;
use crate::support::binary::{Home, Run, finish, text};
use crate::support::dovecot::write_accounts;
use crate::support::mail::mail;
use crate::support::scripted_imap::{Begins, Folder, Pair, ScriptedImap, folder, message};

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(100);
/// What a lying server may cost, in KiB of memory.
const MOST_KIB: u64 = 32 * 1024;

/// A home with two accounts: one on a server that will lie, one on an honest one.
struct Scene {
    home: Home,
    bad: ScriptedImap,
    good: ScriptedImap,
    /// Messages of the honest server so far.
    sent: usize,
    /// What an honest look costs, in KiB.
    usual: u64,
}

/// What one look left.
struct Look {
    run: Run,
    /// The most memory that it had, in KiB.
    peak: u64,
}

fn raw(id: &str) -> Vec<u8> {
    mail(id).bytes()
}

/// Three in the inbox, two with a label, one thrown away.
fn mailbox() -> Vec<Folder> {
    let of = |names: &[&str]| names.iter().map(|id| message(&raw(id))).collect::<Vec<_>>();
    vec![
        folder("INBOX", "", of(&["a1", "a2", "a3"])),
        folder("work", "", of(&["w1", "w2"])),
        folder("Trash", "\\Trash", of(&["t1"])),
    ]
}

impl Scene {
    /// Both accounts were looked at once while both servers were honest.
    fn new() -> Self {
        let mut scene = Self::fresh(Begins::Clear);
        let look = scene.look();
        scene.usual = look.peak;
        look.run.ok();
        scene.assert_everything("an honest look", &["a1", "a2", "a3", "w1", "w2", "t1"]);
        scene.bad.heard();
        scene
    }

    /// Nothing was looked at.
    fn fresh(begins: Begins) -> Self {
        let home = Home::new();
        let bad = ScriptedImap::start(begins, mailbox());
        let good = ScriptedImap::start(Begins::Clear, vec![folder("INBOX", "", Vec::new())]);
        write_accounts(&home, &format!("{}\n{}", bad.account("bad"), good.account("good")));
        Self { home, bad, good, sent: 0, usual: 0 }
    }

    /// Looks at both accounts once; meanwhile the honest one has new mail, which comes in.
    fn look(&mut self) -> Look {
        self.sent += 1;
        let new = message(&raw(&format!("g{}", self.sent)));
        self.good.with(|folders| folders[0].take(new));
        let mut child = self.home.command(&["--sync-only", "--json"]).spawn().expect("it starts");
        let peak = watch(&mut child);
        let run = finish(child, "--sync-only".to_owned(), LOOK);
        assert_eq!(run.signal(), None, "{run}");
        let told = [run.stdout.clone(), run.stderr.clone()].concat();
        let control = told.iter().any(|byte| *byte < 0x20 && *byte != b'\n' || *byte == 0x7f);
        assert!(!control && std::str::from_utf8(&told).is_ok(), "text for a terminal: {run}");
        let crash = self.home.data().join("crash.txt");
        assert!(!crash.exists(), "{run}\n{}", std::fs::read_to_string(&crash).unwrap());
        let here = self.subjects();
        assert!(here.contains(&format!("g{}", self.sent)), "the other account: {here:?} {run}");
        Look { run, peak }
    }

    fn subjects(&self) -> BTreeSet<String> {
        self.home.list("anywhere").iter().map(|row| text(row, "subject")).collect()
    }

    /// Everything that was known of the lying server is here, and nothing else of it.
    fn assert_everything(&self, when: &str, expected: &[&str]) {
        let here: BTreeSet<String> =
            self.subjects().into_iter().filter(|subject| !subject.starts_with('g')).collect();
        assert_eq!(here, expected.iter().map(ToString::to_string).collect(), "{when}");
    }
}

/// The most memory that a process had, in KiB, until it ended.
fn watch(child: &mut Child) -> u64 {
    let (end, mut peak) = (Instant::now() + LOOK, 0);
    while Instant::now() < end && child.try_wait().expect("it can be waited for").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = kib.unwrap_or(peak);
        std::thread::sleep(POLL);
    }
    peak
}

/// What a lie does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The account's look fails, with this code on standard error.
    Fails(&'static str),
    /// The look goes on to its end.
    GoesOn,
}

/// Tells a lie to a mailbox that is known and got one message more; then the truth.
fn check(name: &str, script: Vec<Pair>, then: Then) {
    let mut scene = Scene::new();
    scene.bad.with(|folders| folders[0].take(message(&raw("a4"))));
    scene.bad.script(script);
    let Look { run, peak } = scene.look();
    match then {
        Then::Fails(code) => {
            assert_eq!(run.code(), Some(4), "{name}: {run}");
            let told = String::from_utf8_lossy(&run.stderr).into_owned();
            assert!(told.contains(&format!("\"{code}\"")), "{name}: not {code}: {run}");
        }
        Then::GoesOn => assert_eq!(run.code(), Some(0), "{name}: {run}"),
    }
    let grown = peak.saturating_sub(scene.usual);
    println!("{{\"lie\":{name:?},\"grown_kib\":{grown},\"usual_kib\":{}}}", scene.usual);
    assert!(grown <= MOST_KIB, "{name}: {grown} KiB more than {}", scene.usual);
    for known in ["a1", "a2", "a3", "w1", "w2", "t1"] {
        assert!(scene.subjects().contains(known), "{name}: {known} is gone");
    }
    // The truth again.
    scene.bad.script(Vec::new());
    scene.look().run.ok();
    scene.assert_everything(name, &["a1", "a2", "a3", "a4", "w1", "w2", "t1"]);
    scene.home.assert_healthy(name);
}
