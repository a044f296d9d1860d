//! Triage of the sample mailbox in a real terminal, with few keys: the inbox is gone through once,
//! and each conversation ends where a sensible person would want it.
//!
//! Invariant: every key that is pressed on the way is counted; none is a chord, none is pressed to
//! confirm. What is pressed is decided by what the row under the cursor says, as a person would.

use crate::support::binary::Home;
use crate::support::pty::Pty;

/// The most keys for fifty conversations.
const MOST_KEYS: usize = 75;
/// A terminal that shows all of any list.
const SIZE: (u16, u16) = (200, 170);
/// The fewest conversations that this is about.
const LEAST: usize = 50;

/// Where a conversation shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It waits for an answer or a deed: it stays where it is, with the star that it has.
    Stays,
    /// The same, and gets a star.
    Starred,
    /// It is read, or there is nothing to do about it.
    Archived,
    /// Nobody needs it again.
    Thrown,
    /// It is spam.
    Spam,
    /// It is for later: the first time that is offered will do.
    Later,
}

use Fate::{Archived, Later, Spam, Starred, Stays, Thrown};

/// The conversations of the sample's inbox, by their subjects.
const FATES: [(&str, Fate); 52] = [
    ("Lost on the 7 bus", Archived),
    ("Handed in: one jar", Stays),
    ("Could you feed Admiral Nelson", Starred),
    ("Should the compiler say please", Stays),
    ("Your ticket: Quayside", Stays),
    ("Take 3 is up", Starred),
    ("Ends without a word when", Archived),
    ("Three records for the dark", Thrown),
    ("Dad's seventieth", Starred),
    ("Set list for the Lighthouse", Archived),
    ("The winter rota, and a bet", Stays),
    ("Meter 4471", Archived),
    ("[tansy-ci] nightly", Thrown),
    ("Your cat is in my kitchen", Archived),
    ("Rechnung 2026-1188", Starred),
    ("Who takes my van", Archived),
    ("The shed", Archived),
    ("An apprentice for the spring", Starred),
    ("Your parcel is behind", Archived),
    ("The lamp in the window", Archived),
    ("[PATCH 0/3]", Later),
    ("שאלה על לחם השיפון", Archived),
    ("A book is waiting for you", Later),
    ("Guess which one is you", Stays),
    ("New in case 14", Spam),
    ("The production sheet prints", Archived),
    ("We have a bed for you", Archived),
    ("You have an appointment", Archived),
    ("Plätzchen, Züge", Archived),
    ("New order book", Stays),
    ("Class 3b would like", Archived),
    ("Saturday count", Archived),
    ("Für die Bäckerei", Archived),
    ("Stiff starter in a cold", Archived),
    ("Who set the bakehouse radio", Archived),
    ("What is new in Sheaf", Thrown),
    ("Ελιές για το ψωμί", Archived),
    ("Walnut rye label", Archived),
    ("Order 5531", Archived),
    ("Friday tasting", Archived),
    ("The Crumb, No. 47", Archived),
    ("Oven 2 runs hot", Archived),
    ("lindenbread.example is renewed", Archived),
    ("石臼の納期", Archived),
    ("What you asked me about the pad", Stays),
    ("Invitation: Rehearsal", Archived),
    ("Your inspection", Archived),
    ("عيّنات التمر", Archived),
    ("Street supper", Archived),
    ("We need a name before", Archived),
    ("Your receipt HQ-20418", Archived),
    ("Tansy 0.8.4", Archived),
];

/// The keys that do it, the cursor on the next one behind them.
const fn keys(fate: Fate) -> &'static [&'static str] {
    match fate {
        Stays => &["j"],
        Starred => &["s", "j"],
        Archived => &["e"],
        Thrown => &["#"],
        Spam => &["!"],
        Later => &["h", "\r"],
    }
}

/// The row under the cursor.
fn pointed(screen: &str) -> Option<String> {
    let row = screen.lines().filter_map(|line| line.split_once('│')).map(|(_, row)| row);
    row.map(str::to_owned).find(|row| row.starts_with('▸'))
}

fn fate(row: &str) -> Option<(&'static str, Fate)> {
    FATES.iter().find(|(subject, _)| row.contains(subject)).copied()
}

/// What stands in the list on a screen.
fn listed(screen: &str) -> Vec<&'static str> {
    let rows = screen.lines().filter_map(|line| line.split_once('│')).map(|(_, row)| row);
    let mut found: Vec<&str> =
        rows.filter_map(|row| fate(row).map(|(subject, _)| subject)).collect();
    found.sort_unstable();
    found
}

/// The list that keys lead to has these, and of the sample's inbox no others.
fn has(pty: &mut Pty, keys: &str, title: &str, which: impl Fn(Fate) -> bool) {
    let wanted = wanted(which);
    pty.press(keys);
    pty.wait(&format!("in {title}: {wanted:?}"), |screen| {
        screen.starts_with(&format!(" {title} ")) && listed(screen) == wanted
    });
}

fn wanted(which: impl Fn(Fate) -> bool) -> Vec<&'static str> {
    let mut wanted: Vec<&str> =
        FATES.iter().filter(|(_, fate)| which(*fate)).map(|(subject, _)| *subject).collect();
    wanted.sort_unstable();
    wanted
}

#[test]
fn fifty_conversations_of_the_sample_take_few_keys() {
    let home = Home::new();
    let mut pty = Pty::start(&home, SIZE, &["demo"]);
    pty.wait("the inbox", |screen| screen.contains("52 conversations") && screen.contains("▸ ●"));
    let (mut pressed, mut gone_through) = (0, 0);
    let mut last = String::new();
    while gone_through < FATES.len() {
        let screen = pty.wait("the next row", |screen| {
            pointed(screen).is_some_and(|row| fate(&row).is_none_or(|(now, _)| now != last))
        });
        let row = pointed(&screen).unwrap_or_default();
        let Some((subject, fate)) = fate(&row) else { panic!("an unknown row: {row}") };
        for key in keys(fate) {
            if *key == "\r" {
                pty.wait_text("Snooze 1 conversation");
            }
            pty.press(key);
            pressed += 1;
        }
        last = subject.to_owned();
        gone_through += 1;
    }
    eprintln!("{gone_through} conversations, {pressed} keys");
    assert!(gone_through >= LEAST && pressed <= MOST_KEYS, "{gone_through}: {pressed} keys");

    // Where they are, looked at with keys that are no triage.
    let stays = |fate| fate == Stays || fate == Starred;
    has(&mut pty, "gi", "Inbox", stays);
    // All that stayed has a star.
    has(&mut pty, "gs", "Starred", stays);
    has(&mut pty, "gz", "Snoozed", |fate| fate == Later);
    has(&mut pty, ":go trash\r", "Trash", |fate| fate == Thrown);
    has(&mut pty, ":go spam\r", "Spam", |fate| fate == Spam);
    has(&mut pty, ":go archive\r", "Archive", |fate| fate == Archived);
    // One key too many can be taken back.
    has(&mut pty, "gi", "Inbox", stays);
    pty.press("ez");
    pty.wait_text("Undid: archive of 1 conversation");
    has(&mut pty, "gi", "Inbox", stays);
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}
