//! What several events do to one thread's rows in the end. Pure.
//!
//! Invariant: the rows after the net effect are the rows after its events one by one; only what is
//! written twice in between is not written.

use std::collections::BTreeMap;

use crate::id::LabelId;
use crate::mailbox::event::{MailboxEvent, Source, ThreadFacts};

/// What happens to a label of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Write {
    /// It is taken off first.
    pub(super) off: bool,
    /// It is put on, at this time, unless it is on.
    pub(super) on: Option<i64>,
}

/// What happens to a thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Net {
    /// Its row: `None` stays as it is; with nothing in it, it goes.
    pub(super) row: Option<Option<ThreadFacts>>,
    /// All labels that it had are taken off first.
    pub(super) reset: bool,
    /// Labels that are written.
    pub(super) labels: BTreeMap<LabelId, Write>,
    /// Where its watermark is then.
    pub(super) mark: Option<Source>,
}

impl Net {
    /// Takes the next event of the thread in; events of other kinds do nothing to its rows.
    pub(super) fn take(&mut self, event: MailboxEvent) {
        let source = event.source().filter(|source| source.last).cloned();
        match event {
            MailboxEvent::Added(added) => {
                // It says all labels of the thread: should the row be there, others are not its.
                self.unlabel();
                let at = added.thread.last_activity;
                added.labels.into_iter().for_each(|label| self.put_on(label, at));
                self.row = Some(Some(added.thread));
            }
            MailboxEvent::Changed(changed) => self.row = Some(Some(changed.thread)),
            MailboxEvent::Label(change, true) => self.put_on(change.label, change.at),
            MailboxEvent::Label(change, false) => {
                self.labels.insert(change.label, Write { off: true, on: None });
            }
            MailboxEvent::Removed(_) => {
                self.unlabel();
                self.row = Some(None);
            }
            _ => {}
        }
        if source.is_some() {
            self.mark = source;
        }
    }

    fn unlabel(&mut self) {
        self.reset = true;
        self.labels.clear();
    }

    fn put_on(&mut self, label: LabelId, at: i64) {
        self.labels.entry(label).or_default().on.get_or_insert(at);
    }
}
