//! What is to be done with something that was queued: by what its log says, and the backend's
//! clock.
//!
//! Invariant: pure. Nothing is claimed that may have been sent: not what was claimed before and
//! whose end nobody knows, not what was first offered in another life of the logs, not what has a
//! Message-ID or a save that was sent under another name, not what comes of a draft that may have
//! been sent, or was, and does not say that its user knows. Clocks of devices count for nothing.

use crate::id::{Epoch, EventId};
use crate::thread::{Failure, OutboxItem, QueuedRow, Stage};

/// Rests between tries, in seconds: the first after the first try, the last for all further ones.
const RESTS: [i64; 5] = [60, 5 * 60, 15 * 60, 60 * 60, 60 * 60];
/// Tries end so long after the first, in seconds: two days.
const TRIED_FOR: i64 = 2 * 24 * 60 * 60;
/// Codes of failures that are no try: nothing was asked of a server.
pub(super) const STOPPED: &str = "stopped";

/// How often something was tried, as its log tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tries {
    /// The time of the first try, Unix seconds.
    pub(super) first: Option<i64>,
    /// Failures that were for now.
    pub(super) failed: usize,
    /// It was given away, and nothing says that it failed since.
    pub(super) open: bool,
    /// Nobody knows what became of it, and its log says so.
    pub(super) doubt: bool,
    /// It was sent.
    pub(super) sent: bool,
    /// The codes of its failures.
    pub(super) codes: Vec<String>,
}

impl Tries {
    /// It is claimed.
    pub(super) fn claimed(&mut self, at: i64) {
        self.first.get_or_insert(at);
        self.open = true;
        self.doubt = false;
    }

    /// It failed.
    pub(super) fn failed(&mut self, kind: Failure, code: &str) {
        // What nobody knows stays open: it may have been sent.
        self.open = kind == Failure::Unknown;
        self.doubt = self.open;
        self.failed += usize::from(kind == Failure::Temporary && code != STOPPED);
        self.codes.push(code.to_owned());
    }

    /// When it is tried again after one more failure at `now`; `None` when that is over.
    pub(super) fn again(&self, now: i64) -> Option<i64> {
        let rest = RESTS.get(self.failed).or(RESTS.last()).copied().unwrap_or(3_600);
        let first = self.first.unwrap_or(now);
        // A clock that was put back begins anew.
        let over = now.saturating_sub(first) >= TRIED_FOR;
        (!over).then(|| now.saturating_add(rest))
    }
}

/// What is known of something that was queued.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// How far its store has it; `None` when it is not there any more.
    pub(super) item: Option<&'a OutboxItem>,
    /// What queued it; `None` where the log does not have that.
    pub(super) queued: Option<&'a QueuedRow>,
    /// How it was tried.
    pub(super) tries: &'a Tries,
    /// Somebody took it back while it was on its way.
    pub(super) taken_back: bool,
    /// This process gives it away now.
    pub(super) sending: bool,
    /// A message with its Message-ID is here, or was and is purged.
    pub(super) known: bool,
    /// The same was sent, or may have been, by something else that was queued.
    pub(super) twin: bool,
    /// Something else of its draft was sent, or may have been, its log said so when this was
    /// queued, and who queued it was not asked.
    pub(super) doubt: bool,
    /// It was tried under another name: the same save by the same Message-ID.
    pub(super) tried_before: bool,
    /// What it tries again is on its way in this moment.
    pub(super) behind: bool,
    /// The epoch of the logs.
    pub(super) epoch: &'a Epoch,
    /// When the backend took it.
    pub(super) accepted: i64,
    /// The time.
    pub(super) now: i64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing any more.
    Over,
    /// Nothing before this time; `None` until something else happens.
    Wait(Option<i64>),
    /// It is claimed and sent.
    Claim,
    /// It failed without a try.
    Fail(Failure, &'static str, &'static str),
    /// It was sent after all.
    Found,
}

/// Why nobody knows: the program ended in the midst of it.
const CRASHED: &str = "the program ended while it was being sent: look into Sent, or ask somebody \
     who was to get it, before it is sent again";
/// Why nobody knows: a backup was put back.
const RESTORED: &str = "a backup was put back since it was queued, and it may have been sent \
     before: look into Sent before it is sent again";
/// It is on its way, or gone, under another name.
const TWIN: &str = "the same message was sent already, or may have been; this one never is";
/// Who tries again what failed by this was asked.
pub(super) const IN_DOUBT: &str = "in-doubt";
/// What was changed since may be sent a second time.
const DOUBT: &str = "this draft may have been sent before it was queued now, or was: look into \
     Sent; tried again with --force, it is sent all the same";
/// Somebody took it back.
pub(super) const TAKEN_BACK: &str = "it was taken back while it was being tried, and was not sent";

/// Decides.
pub(super) fn decide(facts: &Facts<'_>) -> Verdict {
    let Some(item) = facts.item else { return Verdict::Over };
    match &item.stage {
        Stage::Failed { .. } => Verdict::Over,
        Stage::Unknown { .. } if facts.known => Verdict::Found,
        Stage::Unknown { .. } => Verdict::Wait(None),
        Stage::Claimed if facts.sending => Verdict::Wait(None),
        Stage::Claimed if facts.known => Verdict::Found,
        Stage::Claimed => Verdict::Fail(Failure::Unknown, "crashed", CRASHED),
        Stage::Waiting { retry_at, .. } => waiting(facts, item, *retry_at),
    }
}

fn waiting(facts: &Facts<'_>, item: &OutboxItem, retry_at: Option<i64>) -> Verdict {
    let here = facts.queued.is_some_and(|queued| queued.epoch == *facts.epoch);
    let tried = facts.tries.first.is_some() || facts.tried_before;
    if facts.known && (tried || !here) {
        return Verdict::Found;
    }
    if !here || facts.tries.open {
        return Verdict::Fail(Failure::Unknown, "restored", RESTORED);
    }
    if facts.taken_back {
        return Verdict::Fail(Failure::Permanent, "taken-back", TAKEN_BACK);
    }
    if facts.behind {
        return Verdict::Wait(None);
    }
    if facts.known || facts.twin || facts.tries.sent {
        return Verdict::Fail(Failure::Permanent, "sent-already", TWIN);
    }
    if facts.doubt {
        return Verdict::Fail(Failure::Permanent, IN_DOUBT, DOUBT);
    }
    let hold = i64::try_from(item.hold).unwrap_or(i64::MAX);
    let held = facts.accepted.min(facts.now).saturating_add(hold);
    // A time that lies farther ahead than any rest was said by a clock that was wrong.
    let longest = facts.now.saturating_add(RESTS.iter().copied().max().unwrap_or_default());
    let rested = retry_at.filter(|at| *at <= longest).unwrap_or(i64::MIN);
    let due = held.max(rested).max(item.send_at.unwrap_or(i64::MIN));
    if due > facts.now { Verdict::Wait(Some(due)) } else { Verdict::Claim }
}

/// Whether two that were queued are the same message under other names.
pub(super) fn is_twin(one: &QueuedRow, other: &QueuedRow) -> bool {
    one.queued != other.queued
        && (one.of.message_id == other.of.message_id || one.of.save == other.of.save)
}

/// Everything that `of` tries again, in steps of one to the next.
pub(super) fn ancestors<'a>(all: &'a [QueuedRow], of: &'a QueuedRow) -> Vec<&'a EventId> {
    let mut found: Vec<&EventId> = Vec::new();
    let mut next = of.of.again.as_ref();
    while let Some(again) = next {
        if found.contains(&again) || *again == of.queued {
            break;
        }
        found.push(again);
        let row = all.iter().find(|row| row.queued == *again);
        next = row.and_then(|row| row.of.again.as_ref());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::{MessageQueued, Title};

    const NOW: i64 = 1_000_000;

    fn id(text: &str) -> EventId {
        EventId::try_from(text).unwrap()
    }

    fn row(queued: &str, save: &str, message: &str, again: Option<&str>) -> QueuedRow {
        let args = serde_json::json!({ "save": save, "messageId": message, "again": again });
        let of: MessageQueued = serde_json::from_value(args).unwrap();
        QueuedRow { queued: id(queued), epoch: Epoch::try_from("now").unwrap(), of, raw: None }
    }

    fn item(stage: Stage, hold: u64, send_at: Option<i64>) -> OutboxItem {
        assert!(DOUBT.starts_with(crate::thread::DOUBTED));
        let (queued, save, draft) = (id("q"), id("s"), id("s"));
        let (message_id, title) = (String::new(), Title::default());
        OutboxItem { queued, save, draft, message_id, title, hold, send_at, stage }
    }

    /// The stage, then words: `sending known twin doubt back before behind old lost tried
    /// open sent`.
    fn check(stage: &str, words: &str, expected: &str) {
        let says = |word: &str| words.split(' ').any(|said| said == word);
        let why = String::new();
        let (mut hold, mut send_at, mut accepted) = (10, None, NOW - 10);
        let stage = match stage {
            "gone" => None,
            "claimed" => Some(Stage::Claimed),
            "failed" => Some(Stage::Failed { why }),
            "unknown" => Some(Stage::Unknown { why }),
            "waiting" => Some(Stage::Waiting { retry_at: None, why }),
            "held" => {
                accepted = NOW - 4;
                Some(Stage::Waiting { retry_at: None, why })
            }
            "clock-back" => {
                accepted = NOW + 5_000;
                Some(Stage::Waiting { retry_at: None, why })
            }
            "later" => {
                send_at = Some(NOW + 500);
                Some(Stage::Waiting { retry_at: None, why })
            }
            "for-ever" => {
                hold = u64::MAX;
                Some(Stage::Waiting { retry_at: None, why })
            }
            "resting" => Some(Stage::Waiting { retry_at: Some(NOW + 60), why }),
            "rested" => Some(Stage::Waiting { retry_at: Some(NOW), why }),
            "wrong-clock" => Some(Stage::Waiting { retry_at: Some(NOW + 90_000), why }),
            other => panic!("{other}"),
        };
        let item = stage.map(|stage| item(stage, hold, send_at));
        let queued = row("q", "s", "m@x", None);
        let epoch = Epoch::try_from(if says("old") { "then" } else { "now" }).unwrap();
        let tries = Tries {
            first: (says("tried") || says("open")).then_some(NOW - 100),
            open: says("open"),
            sent: says("sent"),
            ..Tries::default()
        };
        let verdict = decide(&Facts {
            item: item.as_ref(),
            queued: (!says("lost")).then_some(&queued),
            tries: &tries,
            taken_back: says("back"),
            sending: says("sending"),
            known: says("known"),
            twin: says("twin"),
            doubt: says("doubt"),
            tried_before: says("before"),
            behind: says("behind"),
            epoch: &epoch,
            accepted,
            now: NOW,
        });
        let verdict = match verdict {
            Verdict::Over => "over".to_owned(),
            Verdict::Wait(at) => at.map_or("wait".to_owned(), |at| format!("wait {}", at - NOW)),
            Verdict::Claim => "claim".to_owned(),
            Verdict::Fail(Failure::Unknown, code, _) => format!("unknown {code}"),
            Verdict::Fail(_, code, _) => format!("failed {code}"),
            Verdict::Found => "found".to_owned(),
        };
        assert_eq!(verdict, expected, "{item:?} {words}");
    }

    #[test]
    fn what_is_queued_is_claimed_when_its_time_has_come() {
        check("waiting", "", "claim");
        check("held", "", "wait 6");
        check("later", "", "wait 500");
        check("resting", "tried", "wait 60");
        check("rested", "tried", "claim");
        check("clock-back", "", "wait 10");
        check("wrong-clock", "tried", "claim");
        check("for-ever", "", &format!("wait {}", i64::MAX - NOW));
    }

    #[test]
    fn what_may_have_been_sent_is_never_claimed() {
        for (stage, words, expected) in [
            ("gone", "", "over"),
            ("failed", "", "over"),
            ("failed", "known", "over"),
            ("unknown", "", "wait"),
            ("unknown", "known", "found"),
            ("unknown", "old", "wait"),
            ("claimed", "sending", "wait"),
            ("claimed", "sending known", "wait"),
            ("claimed", "", "unknown crashed"),
            ("claimed", "old", "unknown crashed"),
            ("claimed", "known", "found"),
            ("waiting", "old", "unknown restored"),
            ("held", "old", "unknown restored"),
            ("later", "old", "unknown restored"),
            ("waiting", "lost", "unknown restored"),
            ("rested", "old tried", "unknown restored"),
            ("waiting", "old known", "found"),
            ("rested", "tried known", "found"),
            ("rested", "open", "unknown restored"),
            ("waiting", "known", "failed sent-already"),
            ("waiting", "known before", "found"),
            ("waiting", "before", "claim"),
            ("waiting", "twin", "failed sent-already"),
            ("waiting", "sent", "failed sent-already"),
            ("waiting", "behind", "wait"),
            ("waiting", "behind old", "unknown restored"),
            ("held", "twin", "failed sent-already"),
            ("later", "doubt", "failed in-doubt"),
            ("waiting", "doubt twin", "failed sent-already"),
            ("waiting", "doubt behind", "wait"),
            ("waiting", "doubt old", "unknown restored"),
            ("resting", "tried back", "failed taken-back"),
            ("rested", "tried back", "failed taken-back"),
        ] {
            check(stage, words, expected);
        }
    }

    #[test]
    fn rests_grow_and_end_after_two_days() {
        let mut tries = Tries::default();
        let (mut now, mut rests) = (NOW, Vec::new());
        while let Some(at) = {
            tries.claimed(now);
            tries.again(now)
        } {
            tries.failed(Failure::Temporary, "slow");
            rests.push((at - now) / 60);
            now = at;
        }
        assert_eq!(rests[..6], [1, 5, 15, 60, 60, 60]);
        assert!(now - NOW >= TRIED_FOR && now - NOW < TRIED_FOR + 3_600, "{now}");
        assert!(tries.open);
        let before = tries.failed;
        tries.claimed(now);
        tries.failed(Failure::Temporary, STOPPED);
        assert_eq!(tries.failed, before, "nobody was asked");
        tries.claimed(now);
        tries.failed(Failure::Unknown, "cut");
        assert!(tries.open);
    }

    #[test]
    fn the_same_message_under_another_name_is_known() {
        let one = row("q1", "s1", "a@x", None);
        for (other, twin) in [
            (row("q2", "s1", "b@x", None), true),
            (row("q2", "s2", "a@x", None), true),
            (row("q2", "s2", "b@x", None), false),
            (row("q1", "s1", "a@x", None), false),
        ] {
            assert_eq!(is_twin(&one, &other), twin, "{other:?}");
        }
        let all = [one, row("q2", "s1", "b@x", Some("q1")), row("q3", "s1", "c@x", Some("q2"))];
        assert_eq!(ancestors(&all, &all[2]), [&id("q2"), &id("q1")]);
        let ring = [row("q1", "s", "a@x", Some("q2")), row("q2", "s", "b@x", Some("q1"))];
        assert_eq!(ancestors(&ring, &ring[0]), [&id("q2")]);
    }
}
