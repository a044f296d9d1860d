//! What the engine's thread tells of itself: labels, the status line, changes, history.
//!
//! Invariant: nobody is told what did not change; what cannot be read is said, and nothing waits
//! for it. While rows come in by the thousand, that they do is told now and then: who is told
//! wakes up, asks and draws, and all that would be taken from keys.

use std::time::{Duration, Instant};

use super::{Engine, Update};
use crate::engine::EngineError;
use crate::engine::late::too_late;
use crate::engine::sizes::Sizes;
use crate::engine::view::{HistoryPage, Status};
use crate::id::ActionId;
use crate::mailbox::{self, Of};
use crate::notice::{Explain as _, Notice, Severity};

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is tried again.
    ForNow,
    /// It is not.
    ForGood,
}

/// How often it is told that rows come in, while they do.
const EACH: Duration = Duration::from_millis(50);

/// Whether something changed that was not told yet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Owed {
    owes: bool,
    told_at: Option<Instant>,
}

impl Owed {
    /// Whether it is told now, `changed` or before: at once, but while rows come in by the thousand
    /// once in [`EACH`]. The end of that is no such moment, so what is owed is told then.
    fn is_due(&mut self, changed: bool, takes_in: bool, now: Instant) -> bool {
        self.owes |= changed;
        let too_soon = |told: Instant| now.saturating_duration_since(told) < EACH;
        if !self.owes || (takes_in && self.told_at.is_some_and(too_soon)) {
            return false;
        }
        *self = Self { owes: false, told_at: Some(now) };
        true
    }
}

impl Engine {
    pub(super) fn tell_labels(&self) {
        match self.driver.device.labels() {
            Ok(labels) => self.tell(Update::Labels(labels)),
            Err(error) => self.tell(Update::Notice(error.notice())),
        }
        match self.driver.device.saved_searches() {
            Ok(saved) => self.tell(Update::Saved(saved)),
            Err(error) => self.tell(Update::Notice(error.notice())),
        }
    }

    /// As whom one writes on a device of a remote backend, as that said it last.
    pub(super) fn tell_writers(&self) {
        match self.driver.device.told_writers() {
            Ok((identities, _)) if identities.is_empty() => {}
            Ok(writers) => self.tell(Update::Writers(writers)),
            Err(error) => self.tell(Update::Notice(error.notice())),
        }
    }

    /// What was searched before, and how the screen was divided. Both are conveniences: what cannot
    /// be read is none.
    pub(super) fn tell_remembered(&self) {
        let searches = self.driver.device.past_searches().unwrap_or_default();
        if !searches.is_empty() {
            self.tell(Update::Searches(searches));
        }
        let sizes = self.driver.device.sizes();
        if sizes != Sizes::default() {
            self.tell(Update::Sizes(sizes));
        }
    }

    pub(super) fn tell_status(&mut self) {
        let status = self.driver.status();
        let same = |last: Status| Status { link: status.link, ..last } == status;
        let goes_on = self.last_status.is_some_and(|last| same(last) && last.link.takes_in());
        if goes_on && status.link.takes_in() && self.status_at.elapsed() < EACH {
            return;
        }
        if self.last_status != Some(status) {
            self.status_at = Instant::now();
            self.last_status = Some(status);
            self.tell(Update::Status(status));
        }
    }

    /// Says why there is no connection: once until there is one again, and always where none will
    /// be made any more. In one process only the latter is worth a word.
    pub(super) fn tell_outage(&mut self, ended: Option<Ended>) {
        let Some(error) = &self.driver.last_error else {
            self.outage = false;
            return;
        };
        let mut notice = error.notice();
        match ended {
            Some(Ended::ForGood) => {}
            Some(Ended::ForNow) if self.driver.status().remote && !self.outage => {
                notice.severity = Severity::Warning;
            }
            _ => return,
        }
        self.outage = true;
        self.tell(Update::Notice(notice));
    }

    pub(super) fn tell_news(&mut self) {
        let news = self.driver.device.news();
        let takes_in = self.driver.status().link.takes_in();
        if self.lists.is_due(news.lists, takes_in, Instant::now()) {
            self.tell(Update::Changed);
            self.tell_labels();
        }
        if let Some(thread) = &self.reading {
            // Its members are few; what a page changed may be thousands.
            let db = self.driver.device.db();
            let root = mailbox::root_of(db, thread).ok().flatten();
            let members = root.and_then(|root| mailbox::seen_members(db, &root).ok());
            let changed = news.threads.contains(thread)
                || members.is_some_and(|members| {
                    members.iter().any(|(member, _)| news.threads.contains(member))
                });
            if changed && let Err(error) = self.tell_thread() {
                self.tell(Update::Notice(error.notice()));
            }
        }
        for line in news.refused {
            let hint = "`mailtui doctor` lists what was refused";
            self.tell(Update::Notice(Notice::warning("refused", line, hint)));
        }
        if let Some(told) = news.told {
            self.tell(Update::Writers(told.writers()));
            self.tell(Update::Accounts(Box::new(told.accounts())));
        }
        if news.finder {
            self.search_again_there();
        }
        if let Some(found) = news.found {
            self.found_there(found);
        }
        for line in &news.late {
            self.tell(Update::Notice(too_late(line)));
        }
        self.driver.device.late_told(&news.late);
        if let Some((_, message, retry)) = news.error {
            let hint = if retry { "it is tried again" } else { "" };
            self.tell(Update::Notice(Notice::warning("backend", message, hint)));
        }
        self.tell_status();
    }

    /// A page of the history; one that cannot be read is empty, or nothing would be asked again.
    pub(super) fn tell_history(
        &self,
        ticket: u64,
        before: Option<&ActionId>,
        limit: usize,
    ) -> Result<(), EngineError> {
        let page = self.driver.device.history(&Of::default(), before, limit);
        let (page, done) = match page {
            Ok(page) => (page, Ok(())),
            Err(error) => (HistoryPage::default(), Err(error)),
        };
        self.tell(Update::History { ticket, page });
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_at_once_but_now_and_then_while_rows_come_in() {
        let began = Instant::now();
        let mut owed = Owed::default();
        // (milliseconds since the beginning, it changed, rows come in, it is told)
        for (at, changed, takes_in, told) in [
            (0, false, false, false),
            (0, true, true, true),
            (1, true, true, false),
            (49, true, true, false),
            (50, false, true, true),
            (51, false, true, false),
            (52, true, true, false),
            // The end of it, though nothing changes any more.
            (53, false, false, true),
            (54, false, false, false),
            (55, true, false, true),
            (56, true, false, true),
        ] {
            let now = began + Duration::from_millis(at);
            assert_eq!(owed.is_due(changed, takes_in, now), told, "after {at} ms");
        }
    }
}
