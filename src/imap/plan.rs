//! What to ask a server, given what is known of a folder and what it said when it was selected.
//!
//! Invariant: pure. A folder counts as taken in only after everything below its next UID was
//! compared once; after that as little is asked as the server allows: nothing, what changed since
//! a state (RFC 7162), or all flags.

use std::ops::RangeInclusive;

use crate::imap::client::Selected;
use crate::imap::edge::{FolderState, Known};

/// UIDs of the first listing of a folder: what fills a screen comes before all else.
const FIRST_UIDS: u32 = 200;
/// UIDs of one listing at most.
const MOST_UIDS: u32 = 1 << 24;
/// The same for a folder whose answers were too much at once.
const HEAVY_UIDS: u32 = 10_000;
/// Messages that a listing should have, about.
const LISTED: u32 = 2_000;
/// Messages that are fetched with one command at most.
const BATCH_MESSAGES: usize = 50;
/// Bytes that are fetched with one command, about.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// How to learn what a folder has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// It is as it was.
    Nothing,
    /// The server has told it already, when it was selected.
    Told,
    /// Ask for what changed since this state; what is gone is told too.
    Changed(u64),
    /// Ask for what changed since this state, and compare all UIDs for what is gone.
    ChangedAndGone(u64),
    /// Ask for everything.
    All,
}

/// How to learn what a selected folder has.
#[must_use]
pub fn ask(known: &FolderState, selected: &Selected, qresync: bool) -> Ask {
    let fresh = known.uidnext == 0 || known.uidvalidity != selected.uidvalidity;
    // A state that goes backwards says nothing of what changed since.
    if fresh || known.modseq == 0 || selected.modseq < known.modseq {
        return Ask::All;
    }
    if qresync {
        return Ask::Told;
    }
    let same_count = u64::from(selected.exists) == known.messages;
    let same = same_count && selected.uidnext == known.uidnext;
    match (same, selected.modseq == known.modseq) {
        (true, true) => Ask::Nothing,
        (true, false) => Ask::Changed(known.modseq),
        _ => Ask::ChangedAndGone(known.modseq),
    }
}

/// The windows of a listing of everything, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// All from here on was listed; 0 at the end.
    above: u32,
    size: u32,
    /// The largest.
    most: u32,
}

impl Windows {
    /// Below the next UID; of a server that does not say it, below the greatest there can be.
    /// Of a `heavy` folder, whose answers were too much at once, no window is large.
    #[must_use]
    pub const fn below(uidnext: u32, heavy: bool) -> Self {
        let above = if uidnext == 0 { u32::MAX } else { uidnext };
        let most = if heavy { HEAVY_UIDS } else { MOST_UIDS };
        Self { above, size: FIRST_UIDS, most }
    }

    /// The next window; `None` after the oldest.
    #[must_use]
    pub fn next(&self) -> Option<RangeInclusive<u32>> {
        (self.above > 1).then(|| self.above.saturating_sub(self.size).max(1)..=self.above - 1)
    }

    /// A window was listed, and so many messages were in it: where UIDs are sparse the next is
    /// larger.
    pub fn listed(&mut self, window: &RangeInclusive<u32>, messages: usize) {
        self.above = *window.start();
        let messages = u32::try_from(messages).unwrap_or(u32::MAX).max(1);
        let fits = self.size.saturating_mul(LISTED / messages.min(LISTED)).max(1);
        // Four times as many at most: the next may be denser.
        self.size = fits.min(self.size.saturating_mul(4)).clamp(FIRST_UIDS, self.most);
    }
}

/// A fetch of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetch {
    /// Whole messages, and how many bytes they have together.
    Whole(Vec<u32>, usize),
    /// One message in parts.
    Parts(u32, u64),
    /// One of which only the header, the structure and the texts are fetched.
    Outline(u32, u64),
    /// One that is larger than is taken in.
    TooLarge(u32, u64),
}

/// How to fetch messages of these sizes, newest first.
#[must_use]
pub fn fetches(wanted: &[u32], sizes: &[(u32, u32)], most: usize) -> Vec<Fetch> {
    let mut uids = wanted.to_vec();
    uids.sort_unstable_by(|a, b| b.cmp(a));
    uids.dedup();
    let (mut fetches, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0);
    for uid in uids {
        // One of which the server says nothing is gone meanwhile.
        let Some((_, size)) = sizes.iter().find(|(of, _)| *of == uid) else { continue };
        let size = usize::try_from(*size).unwrap_or(usize::MAX);
        if size > most {
            fetches.push(Fetch::TooLarge(uid, size as u64));
            continue;
        }
        if size > BATCH_BYTES {
            fetches.push(Fetch::Parts(uid, size as u64));
            continue;
        }
        if batch.len() >= BATCH_MESSAGES || bytes + size > BATCH_BYTES {
            fetches.push(Fetch::Whole(std::mem::take(&mut batch), std::mem::take(&mut bytes)));
        }
        batch.push(uid);
        bytes += size;
    }
    if !batch.is_empty() {
        fetches.push(Fetch::Whole(batch, bytes));
    }
    fetches
}

/// As [`fetches`], but of messages that are larger than `ahead` what is large is left out.
#[must_use]
pub fn fetches_ahead(
    wanted: &[u32],
    sizes: &[(u32, u32)],
    most: usize,
    ahead: Option<u64>,
) -> Vec<Fetch> {
    let Some(ahead) = ahead else { return fetches(wanted, sizes, most) };
    let large = |uid: &u32| {
        let size = sizes.iter().find(|(of, _)| of == uid).map_or(0, |(_, size)| u64::from(*size));
        size > ahead && usize::try_from(size).is_ok_and(|size| size <= most)
    };
    let (large, small): (Vec<u32>, Vec<u32>) = wanted.iter().partition(|uid| large(uid));
    let of = |uid: &u32| sizes.iter().find(|(of, _)| of == uid).map_or(0, |(_, s)| u64::from(*s));
    // What is small comes first: it is what there is to read of most mail.
    let mut all = fetches(&small, sizes, most);
    let mut large: Vec<Fetch> = large.iter().map(|uid| Fetch::Outline(*uid, of(uid))).collect();
    large.sort_by_key(|fetch| match fetch {
        Fetch::Outline(uid, _) => std::cmp::Reverse(*uid),
        _ => std::cmp::Reverse(0),
    });
    large.dedup();
    all.extend(large);
    all
}

/// UIDs as a set of a command, with neighbours as ranges.
#[must_use]
pub fn set(uids: &[u32]) -> String {
    let mut uids = uids.to_vec();
    uids.sort_unstable();
    uids.dedup();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(uid) => *last = uid,
            _ => ranges.push((uid, uid)),
        }
    }
    let text = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}:{last}") }
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}

/// What is said of messages, each once, and only of those in the window: servers answer `n:*`
/// with the last message though its UID is less, and hostile ones say anything.
#[must_use]
pub fn within(mut messages: Vec<Known>, window: &RangeInclusive<u32>) -> Vec<Known> {
    messages.retain(|known| window.contains(&known.uid));
    // What is said last counts.
    messages.reverse();
    messages.sort_by_key(|known| known.uid);
    messages.dedup_by_key(|known| known.uid);
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::edge::Role;

    fn state(uidvalidity: u32, uidnext: u32, modseq: u64, messages: u64) -> FolderState {
        let (name, shown) = ("a".to_owned(), "a".to_owned());
        let (role, says) = (Role::Label, crate::bridge::Folder::default());
        FolderState { key: 1, name, shown, role, says, uidvalidity, uidnext, modseq, messages }
    }

    #[test]
    fn as_little_is_asked_as_can_be() {
        let selected = |uidvalidity, uidnext, modseq, exists| Selected {
            uidvalidity,
            uidnext,
            exists,
            modseq,
            ..Selected::default()
        };
        let known = state(1, 10, 5, 9);
        let cases = [
            (&known, selected(1, 10, 5, 9), true, Ask::Told),
            (&known, selected(1, 10, 5, 9), false, Ask::Nothing),
            (&known, selected(1, 10, 6, 9), false, Ask::Changed(5)),
            (&known, selected(1, 11, 6, 10), false, Ask::ChangedAndGone(5)),
            (&known, selected(1, 10, 6, 8), false, Ask::ChangedAndGone(5)),
            (&known, selected(2, 10, 5, 9), true, Ask::All),
            (&known, selected(1, 10, 0, 9), true, Ask::All),
            (&known, selected(1, 10, 4, 9), true, Ask::All),
            (&state(1, 0, 0, 0), selected(1, 10, 5, 9), true, Ask::All),
            (&state(1, 10, 0, 9), selected(1, 10, 5, 9), true, Ask::All),
        ];
        for (known, selected, qresync, expected) in cases {
            assert_eq!(ask(known, &selected, qresync), expected, "{known:?} {selected:?}");
        }
    }

    #[test]
    fn windows_go_from_the_newest_to_the_oldest_and_leave_nothing_out() {
        for (uidnext, every) in [(2, 1), (201, 1), (5_000, 1), (4_000_000_000, 1_000_000), (0, 7)] {
            let mut windows = Windows::below(uidnext, false);
            let (mut expected, mut asked) = (if uidnext == 0 { u32::MAX } else { uidnext }, 0);
            while let Some(window) = windows.next() {
                assert_eq!(*window.end(), expected - 1);
                expected = *window.start();
                let size = window.end() - window.start() + 1;
                windows.listed(&window, usize::try_from(size / every).unwrap());
                asked += 1;
                assert!(asked < 3_000_000);
                if uidnext == 0 && asked > 50 {
                    break;
                }
            }
            assert!(expected == 1 || uidnext == 0);
            if uidnext == 4_000_000_000 {
                assert!(asked < 300, "{asked}: sparse UIDs are few questions");
            }
        }
        assert_eq!(Windows::below(1, false).next(), None, "an empty folder");
    }

    #[test]
    fn messages_are_fetched_newest_first_and_in_bounds() {
        let sizes = [(1, 10), (2, 5_000_000), (3, 4_000_000), (4, 300_000), (5, 99_000_000)];
        let fetched = fetches(&[1, 2, 3, 4, 5, 6, 4], &sizes, 50_000_000);
        assert_eq!(
            fetched,
            [
                Fetch::TooLarge(5, 99_000_000),
                Fetch::Whole(vec![4], 300_000),
                Fetch::Parts(2, 5_000_000),
                Fetch::Whole(vec![3, 1], 4_000_010),
            ]
        );
        let many: Vec<(u32, u32)> = (1..=120).map(|uid| (uid, 1)).collect();
        let uids: Vec<u32> = (1..=120).collect();
        let lengths: Vec<usize> = fetches(&uids, &many, 10)
            .iter()
            .map(|fetch| match fetch {
                Fetch::Whole(uids, _) => uids.len(),
                _ => 0,
            })
            .collect();
        assert_eq!(lengths, [50, 50, 20]);
    }

    #[test]
    fn sets_of_uids() {
        for (uids, expected) in
            [(&[][..], ""), (&[3], "3"), (&[3, 1, 2, 2, 7, u32::MAX], "1:3,7,4294967295")]
        {
            assert_eq!(set(uids), expected);
        }
    }

    #[test]
    fn what_was_not_asked_is_not_heard() {
        let known = |uid, read| Known {
            uid,
            flags: crate::mail::Flags { read, ..Default::default() },
            ..Known::default()
        };
        let said = vec![known(3, false), known(9, true), known(3, true), known(0, true)];
        assert_eq!(within(said, &(1..=5)), [known(3, true)]);
    }
}
