//! What people like to know of their mail: how much a week, who writes, by which lists it comes,
//! how soon it is answered.
//!
//! Invariant: bounded, whatever the mailbox; read on a thread and connections of its own, so that
//! neither a key nor the engine waits for it. What a name hides is taken out before it is told.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::Path;

use crate::engine::EngineError;
use crate::engine::view::Label;
use crate::label;
use crate::mail::Address;
use crate::mail::compose::address_key;
use crate::mailbox::{self, Counted};
use crate::safe_text;
use crate::search::Index;
use crate::store::{Db, Kind};

/// Weeks that are told.
pub const WEEKS: usize = 104;
/// Senders that are told.
pub const SENDERS: usize = 10;
/// Lists that are told.
pub const LISTS: usize = 8;
/// Labels that are told.
pub const LABELS: usize = 8;
/// Rows that are looked through, the newest first.
const MAX_ROWS: usize = 500_000;
/// Rows that are read at a time.
const A_TIME: usize = 1_000;
/// Addresses that are told apart.
const MAX_MET: usize = 100_000;
/// Seconds of a week.
const WEEK: i64 = 7 * 86_400;
/// An answer that came later than this answers something else, in seconds.
const LATEST: i64 = 30 * 86_400;
/// Up to where the classes of waits reach, in seconds: an hour, a day, a week, and what is later.
const CLASSES: [i64; 3] = [3_600, 86_400, WEEK];
/// What the classes are called.
pub const CLASS_NAMES: [&str; 4] = ["within an hour", "within a day", "within a week", "later"];
/// The longest address that is told, in bytes (RFC 5321 section 4.5.3.1).
const MAX_ADDRESS_BYTES: usize = 320;

/// How soon messages were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answers {
    /// Within an hour, a day, a week, later.
    pub classes: [u64; 4],
    /// Half of them came no later than this many seconds.
    pub median: i64,
}

impl Answers {
    fn of(mut waits: Vec<i64>) -> Self {
        waits.sort_unstable();
        let mut classes = [0; 4];
        for wait in &waits {
            let class = CLASSES.iter().position(|end| wait < end).unwrap_or(CLASSES.len());
            classes[class] += 1;
        }
        Self { classes, median: waits.get(waits.len() / 2).copied().unwrap_or(0) }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Messages of each of the last weeks, the oldest first.
    pub weeks: Vec<u64>,
    /// These are conversations, each in the week of its last message: there is no index of all
    /// messages on this device.
    pub by_conversation: bool,
    /// Conversations that were counted.
    pub conversations: u64,
    /// Messages in them.
    pub messages: u64,
    /// Who wrote in most conversations, and in how many; without the user.
    pub senders: Vec<(Address, u64)>,
    /// Mailing lists, and how many messages of the same weeks came by each; none where there is no
    /// index of all messages.
    pub lists: Vec<(String, u64)>,
    /// The user's answers to others; where there is no such index, of conversations of two messages
    /// alone.
    pub yours: Answers,
    /// Others' answers to the user, of the same.
    pub theirs: Answers,
}

/// The user's labels with the most conversations, and with how many.
#[must_use]
pub fn labels(all: &[Label]) -> Vec<(String, u64)> {
    let own = all.iter().filter(|of| !label::is_system(of.id.as_str()) && of.thread_count > 0);
    let mut labels: Vec<(String, u64)> = own.map(|of| (of.name.clone(), of.thread_count)).collect();
    labels.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    labels.truncate(LABELS);
    labels
}

/// Counts what is in the mailbox of the data directory `dir`, at `now`, Unix seconds.
///
/// # Errors
/// When the database refuses.
pub fn count(dir: &Path, now: i64) -> Result<Stats, EngineError> {
    let path = dir.join("mailbox.db");
    let Some(db) = Db::read(&path, Kind::Mailbox, mailbox::VERSION)? else {
        return Ok(Stats::default());
    };
    let mut sum = Sum::new(now);
    let (mut next, mut rows) = (Some(i64::MAX), 0);
    while let Some(before) = next.filter(|_| rows < MAX_ROWS) {
        let (found, after) = mailbox::counted(&db, before, A_TIME)?;
        rows += A_TIME;
        for row in &found {
            sum.add(row);
        }
        next = after;
    }
    let (mut stats, own) = sum.stats();
    // The index of a backend in this process has every message with its date; that of a device has
    // only what is kept here.
    if let Some(index) = Index::read(&dir.join("backend"))? {
        let weeks = index.spans(now - weeks_seconds(), now, WEEK)?;
        if weeks.iter().any(|count| *count > 0) {
            (stats.weeks, stats.by_conversation) = (weeks, false);
            stats.lists = index.lists(now - weeks_seconds(), LISTS)?;
            let waits = index.waits(&own, LATEST)?;
            (stats.yours, stats.theirs) = (Answers::of(waits.yours), Answers::of(waits.theirs));
        }
    }
    Ok(stats)
}

/// Seconds of all weeks that are told.
fn weeks_seconds() -> i64 {
    WEEK.saturating_mul(i64::try_from(WEEKS).unwrap_or(0))
}

/// What was counted so far.
struct Sum {
    begin: i64,
    weeks: Vec<u64>,
    conversations: u64,
    messages: u64,
    met: HashMap<String, Met>,
    /// Conversations of two messages in which the user wrote: who wrote first, and the wait.
    pairs: Vec<(String, i64)>,
}

#[derive(Default)]
struct Met {
    who: Option<Address>,
    rows: u64,
    /// Of these, those in which the user wrote.
    sent: u64,
}

impl Sum {
    fn new(now: i64) -> Self {
        Self {
            begin: now - weeks_seconds(),
            weeks: vec![0; WEEKS],
            conversations: 0,
            messages: 0,
            met: HashMap::new(),
            pairs: Vec::new(),
        }
    }

    fn add(&mut self, row: &Counted) {
        self.conversations += 1;
        self.messages = self.messages.saturating_add(row.messages);
        let week = usize::try_from((row.last - self.begin).div_euclid(WEEK)).ok();
        if let Some(count) = week.and_then(|week| self.weeks.get_mut(week)) {
            *count += 1;
        }
        let people = row.people.iter().filter(|who| who.address.len() <= MAX_ADDRESS_BYTES);
        for who in people {
            let key = address_key(&who.address);
            if self.met.len() >= MAX_MET && !self.met.contains_key(&key) {
                continue;
            }
            let met = self.met.entry(key).or_default();
            met.rows += 1;
            met.sent += u64::from(row.sent);
            if met.who.as_ref().is_none_or(|known| known.name.is_none() && who.name.is_some()) {
                met.who = Some(who.clone());
            }
        }
        let wait = row.last - row.first;
        if let ([first, _], true, 2, 0..=LATEST) = (&row.people[..], row.sent, row.messages, wait) {
            self.pairs.push((address_key(&first.address), wait));
        }
    }

    /// What that is, and which address is the user's.
    fn stats(self) -> (Stats, String) {
        // Who is in most conversations in which the user wrote is the user.
        let own = self.met.iter().filter(|(_, met)| met.sent > 0);
        let own = own.max_by_key(|(key, met)| (met.sent, Reverse((*key).clone())));
        let own = own.map(|(key, _)| key.clone()).unwrap_or_default();
        let (theirs, yours): (Vec<_>, Vec<_>) =
            self.pairs.into_iter().partition(|(first, _)| *first == own);
        let waits = |pairs: Vec<(String, i64)>| pairs.into_iter().map(|(_, wait)| wait).collect();
        let mut senders: Vec<(String, Met)> =
            self.met.into_iter().filter(|(key, _)| *key != own).collect();
        senders
            .sort_by(|(a, one), (b, other)| (Reverse(one.rows), a).cmp(&(Reverse(other.rows), b)));
        let safe = |who: Address| Address {
            name: who.name.as_deref().map(safe_text::line),
            address: safe_text::line(&who.address),
        };
        let senders = senders.into_iter().take(SENDERS);
        let stats = Stats {
            weeks: self.weeks,
            by_conversation: true,
            conversations: self.conversations,
            messages: self.messages,
            senders: senders.filter_map(|(_, met)| Some((safe(met.who?), met.rows))).collect(),
            yours: Answers::of(waits(yours)),
            lists: Vec::new(),
            theirs: Answers::of(waits(theirs)),
        };
        (stats, own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_026_860;

    fn row(people: &[&str], first: i64, last: i64, messages: u64, sent: bool) -> Counted {
        let who = |address: &&str| Address { name: None, address: (*address).to_owned() };
        let people = people.iter().map(who).collect();
        Counted { people, first: NOW - first, last: NOW - last, messages, sent }
    }

    fn stats(rows: &[Counted]) -> Stats {
        let mut sum = Sum::new(NOW);
        for row in rows {
            sum.add(row);
        }
        sum.stats().0
    }

    #[test]
    fn weeks_end_now_and_what_is_older_is_in_none() {
        let rows = [
            row(&["a@x"], 60, 60, 1, false),
            row(&["a@x"], 60, WEEK + 1, 3, false),
            row(&["b@x"], 60, weeks_seconds() + 1, 1, false),
            row(&["b@x"], -60, -60, 1, false),
        ];
        let stats = stats(&rows);
        assert_eq!(stats.weeks.len(), WEEKS);
        assert_eq!(stats.weeks[WEEKS - 2..], [1, 1]);
        assert_eq!(stats.weeks.iter().sum::<u64>(), 2);
        assert_eq!((stats.conversations, stats.messages, stats.by_conversation), (4, 6, true));
    }

    #[test]
    fn who_wrote_most_comes_first_and_the_user_not_at_all() {
        let rows = [
            row(&["me@x", "a@x"], 60, 0, 2, true),
            row(&["b@x", "ME@x"], 60, 0, 2, true),
            row(&["me@x", "b\u{202e}@x"], 60, 0, 3, true),
            row(&["b@x"], 60, 60, 1, false),
            row(&["c@x"], 60, 60, 1, false),
        ];
        let stats = stats(&rows);
        let said: Vec<_> =
            stats.senders.iter().map(|(who, rows)| (who.address.as_str(), *rows)).collect();
        assert_eq!(said[..3], [("b@x", 2), ("a@x", 1), ("b@x", 1)]);
        assert!(!said.iter().any(|(address, _)| address.eq_ignore_ascii_case("me@x")));
    }

    #[test]
    fn an_answer_is_the_second_of_two_messages() {
        let own = || row(&["me@x", "z@x"], WEEK, 0, 9, true);
        let rows = [
            own(),
            own(),
            own(),
            row(&["a@x", "me@x"], 7_200, 5_400, 2, true),
            row(&["a@x", "me@x"], 2 * 86_400, 86_400 / 2, 2, true),
            row(&["me@x", "a@x"], WEEK + 60, 0, 2, true),
            row(&["me@x", "a@x"], LATEST + 1, 0, 2, true),
            row(&["a@x", "b@x"], 60, 0, 2, false),
        ];
        let stats = stats(&rows);
        assert_eq!(stats.yours, Answers { classes: [1, 0, 1, 0], median: 86_400 * 3 / 2 });
        assert_eq!((stats.theirs.classes, stats.theirs.count()), ([0, 0, 0, 1], 1));
        assert_eq!(super::Answers::of(Vec::new()), Answers::default());
    }
}
