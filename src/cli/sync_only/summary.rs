//! What a synchronisation says when it ends: as an object, and as a line.
//!
//! Invariant: pure. What came is said also where it was broken off, and that the next run goes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::mail_fetch::Fetched;
use crate::engine::Synced;
use crate::engine::link::SILENCE;
use crate::notice::Notice;

/// What there is to say.
pub(super) struct Summary<'a> {
    /// Stores that are here as a whole.
    pub(super) stores: u64,
    pub(super) synced: Synced,
    /// Changes that the backend does not have.
    pub(super) pending: u64,
    /// The end of the Mailbox log here.
    pub(super) head: u64,
    /// Which backend it is.
    pub(super) backend: Option<String>,
    /// It is a device that keeps a part of what another backend has.
    pub(super) keeps: bool,
    /// Conversations that the limit leaves out, and the limit in bytes.
    pub(super) left_out: Option<(u64, u64)>,
    /// Something other than the user ended it.
    pub(super) broken: bool,
    /// How much of a snapshot is here, of how much, where it was broken off.
    pub(super) came: Option<(u64, u64)>,
    /// The user stopped it.
    pub(super) stopped: bool,
    /// How many events of the Mailbox log are not here, where that is known.
    pub(super) behind: Option<u64>,
    /// What accounts there are, and what became of them.
    pub(super) fetched: &'a Fetched,
}

impl Summary<'_> {
    pub(super) fn value(&self) -> Value {
        let Synced { pulled, pushed, fetched } = self.synced;
        let mut value = json!({
            "stores": self.stores, "pulled": pulled, "pushed": pushed,
            "pending": self.pending, "head": self.head, "backend": self.backend,
        });
        if self.keeps {
            value["fetched"] = fetched.into();
        }
        if let Some((left_out, limit)) = self.left_out {
            value["leftOut"] = left_out.into();
            value["limit"] = limit.into();
        }
        if let Some((came, of)) = self.came {
            value["snapshot"] = json!({ "came": came, "of": of });
        }
        if !self.fetched.accounts.is_empty() {
            value["accounts"] = self.fetched.accounts.clone().into();
            value["failed"] = self.fetched.failed.iter().map(failure).collect();
        }
        if self.stopped {
            value["stopped"] = true.into();
            value["behind"] = self.behind.into();
        }
        value
    }

    pub(super) fn line(&self) -> String {
        let Synced { pulled, pushed, fetched } = self.synced;
        let mut line = format!("{pulled} pulled, {pushed} pushed, {} pending", self.pending);
        let mut say = |more: String| {
            line.push_str(", ");
            line.push_str(&more);
        };
        if fetched > 0 {
            say(format!("{fetched} conversations fetched"));
        }
        if let Some((left_out, limit)) = self.left_out {
            say(format!("{left_out} left out: the limit of {limit} bytes has no room for them"));
        }
        if let Some((came, of)) = self.came {
            say(format!("{came} of {of} conversations of the list have come"));
        }
        if let Some(behind) = self.behind.filter(|behind| self.stopped && *behind > 0) {
            say(format!("{behind} behind"));
        }
        let some = self.came.is_some() || self.synced != Synced::default();
        if self.stopped {
            line + " (stopped; run it again to go on)"
        } else if self.broken && some {
            line + " (broken off; run it again to go on from there)"
        } else {
            line
        }
    }
}

fn failure((account, notice): &(String, Notice)) -> Value {
    json!({ "account": account, "code": notice.code, "reason": notice.message })
}

/// That nothing was heard for so long.
pub(super) fn silence(silent: Duration) -> String {
    let (silent, most) = (silent.as_secs(), SILENCE.as_secs());
    format!("nothing heard from the backend for {silent} s; it is given up after {most} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_and_what_did_not_is_said() {
        let none = Fetched::default();
        let plain = || Summary {
            stores: 1,
            synced: Synced { pulled: 3, pushed: 2, fetched: 0 },
            pending: 1,
            head: 9,
            backend: None,
            keeps: true,
            left_out: None,
            broken: false,
            came: None,
            stopped: false,
            behind: Some(4),
            fetched: &none,
        };
        assert_eq!(plain().line(), "3 pulled, 2 pushed, 1 pending");
        assert_eq!(plain().value()["fetched"], 0);
        let mut full = Summary { left_out: Some((5, 70_000)), ..plain() };
        full.synced.fetched = 7;
        let said = "3 pulled, 2 pushed, 1 pending, 7 conversations fetched, \
                    5 left out: the limit of 70000 bytes has no room for them";
        assert_eq!(full.line(), said);
        assert_eq!((&full.value()["leftOut"], &full.value()["limit"]), (&json!(5), &json!(70_000)));
        let broken = Summary { broken: true, came: Some((48, 69)), ..plain() };
        let said = "3 pulled, 2 pushed, 1 pending, 48 of 69 conversations of the list have come \
                    (broken off; run it again to go on from there)";
        assert_eq!(broken.line(), said);
        assert_eq!(broken.value()["snapshot"], json!({ "came": 48, "of": 69 }));
        let nothing = Summary { broken: true, synced: Synced::default(), ..plain() };
        assert_eq!(nothing.line(), "0 pulled, 0 pushed, 1 pending", "not even begun");
        let stopped = Summary { stopped: true, ..plain() };
        let said = "3 pulled, 2 pushed, 1 pending, 4 behind (stopped; run it again to go on)";
        assert_eq!(stopped.line(), said);
    }
}
