//! Thread stores on the device: what a loaded one is, and how its log comes in. What stays loaded
//! is decided in `memory`.
//!
//! Invariant: a loaded store is its log and the own events that the log does not hold. Embedded,
//! logs are read from the backend through the protocol; a device of a remote backend keeps the
//! logs of threads that it opened.

use crate::crash;
use crate::engine::apply::follows;
use crate::engine::keep::append_kept;
use crate::engine::view::Message;
use crate::engine::{Device, EngineError};
use crate::id::{BlobHash, MessageId, Seen, StoreId, ThreadId};
use crate::mail::Flags;
use crate::mailbox;
use crate::projection::entries;
use crate::store::{Chain, Event, Own, StoreError};
use crate::sync::{Cursor, Frame};
use crate::thread::{Base, Entry, MessageRow, SaveRow, ThreadState, decide, run};

/// A loaded Thread store.
#[derive(Debug, Default, Clone)]
pub(super) struct OpenThread {
    state: ThreadState,
    chain: Chain,
    /// Whether the log's end was reached since it was asked for.
    pub(super) complete: bool,
    /// Whether the backend sends what comes.
    pub(super) subscribed: bool,
    /// When it was last asked for, Unix milliseconds.
    pub(super) used_ms: i64,
}

impl OpenThread {
    /// A store made from a whole log.
    #[must_use]
    pub(super) fn of_log(events: &[Event]) -> Self {
        let mut open = Self::default();
        open.add(events);
        open.complete = true;
        open
    }

    pub(super) fn add(&mut self, events: &[Event]) {
        self.state.apply(events);
        self.chain = self.chain_after(events);
    }

    /// The chain behind these events, when they were put behind it.
    fn chain_after(&self, events: &[Event]) -> Chain {
        events.iter().fold(self.chain, |chain, event| chain.after(&event.event))
    }

    /// The last position that it holds.
    #[must_use]
    pub(super) const fn position(&self) -> u64 {
        self.state.position
    }

    /// Its messages, with own events on top, in the reader's order. Texts in blobs are taken from
    /// `text`.
    #[must_use]
    pub(super) fn messages(
        &self,
        thread: &ThreadId,
        own: &[Entry],
        text: &mut dyn FnMut(&BlobHash) -> Option<String>,
    ) -> Vec<Message> {
        let mut entries = self.state.entries.clone();
        entries.extend(
            own.iter()
                .filter(|o| !entries.iter().any(|e| e.id == o.id))
                .cloned()
                .collect::<Vec<_>>(),
        );
        let start = Base::default();
        let cells = run(&start, &entries, &decide(&start, &entries, 0));
        let rows = self.state.sorted();
        let any_flagged = rows.iter().any(|row| row.message.flags.starred);
        let newest = rows.last().map(|row| row.position);
        rows.into_iter()
            .map(|row| {
                let flagged = row.message.flags.starred;
                let starred =
                    cells.starred && (flagged || (!any_flagged && Some(row.position) == newest));
                let flags = Flags {
                    read: !cells.is_unread(row.position),
                    starred,
                    trashed: false,
                    ..row.message.flags
                };
                message(thread, row, flags, text)
            })
            .collect()
    }

    /// The raw bytes' names of its messages, in the reader's order, copies after their first; those
    /// that are not whole are left out.
    #[must_use]
    pub(super) fn raw(&self) -> Vec<BlobHash> {
        let rows = self.state.sorted();
        rows.into_iter()
            .flat_map(|row| std::iter::once(&row.message).chain(&row.copies))
            .filter(|message| !message.outline)
            .map(|message| message.raw.clone())
            .collect()
    }

    /// What it holds of each message that is shown: whether it is our own sent mail, and its bytes,
    /// copies behind the first; `None` for one that is not whole.
    #[must_use]
    pub(super) fn originals(&self) -> Vec<(MessageId, bool, Vec<Option<BlobHash>>)> {
        let rows = self.state.sorted();
        let of = |row: &MessageRow| {
            let all = std::iter::once(&row.message).chain(&row.copies);
            let raws = all.map(|of| (!of.outline).then(|| of.raw.clone())).collect();
            (row.message.message.clone(), row.message.sent, raws)
        };
        rows.into_iter().map(of).collect()
    }

    /// The saves of its drafts, in log order.
    pub(super) fn saves(&self) -> &[SaveRow] {
        &self.state.saves
    }

    /// Blobs that its shown texts are in.
    #[must_use]
    pub(super) fn text_blobs(&self) -> Vec<BlobHash> {
        self.state.messages.iter().filter_map(|row| row.message.text_blob.clone()).collect()
    }
}

fn message(
    thread: &ThreadId,
    row: &MessageRow,
    flags: Flags,
    text: &mut dyn FnMut(&BlobHash) -> Option<String>,
) -> Message {
    let added = &row.message;
    let blob = || added.text_blob.as_ref().and_then(&mut *text);
    Message {
        id: added.message.clone(),
        thread: thread.clone(),
        message_id: added.message_id.clone(),
        from: added.from.clone(),
        to: added.to.clone(),
        cc: added.cc.clone(),
        bcc: added.bcc.clone(),
        reply_to: added.reply_to.clone(),
        date: added.date,
        sort_date: added.sort_date,
        sort_from: added.sort_from,
        subject: added.subject.clone(),
        text: added.text.clone().or_else(blob).unwrap_or_default(),
        facts: added.facts.as_deref().cloned().unwrap_or_default(),
        flags,
        attachments: added.attachments.clone(),
        references: added.references.clone(),
        raw: (!added.outline).then(|| added.raw.clone()),
        outline: added.outline.then(|| added.raw.clone()),
        wanted: row.wanted,
        size: added.size,
        copies: row.copies.len() as u64,
        defects: added.defects.clone(),
    }
}

impl Device {
    pub(super) fn subscribe_thread(&mut self, thread: &ThreadId) {
        let Some(epoch) = self.epoch.clone() else { return };
        let Some(open) = self.open.peek_mut(thread) else { return };
        if open.subscribed {
            return;
        }
        open.subscribed = true;
        let position = open.state.position;
        let store = StoreId::thread(thread);
        let epoch = self.comparing.held(&store).unwrap_or(epoch);
        let cursor = (position > 0).then_some(Cursor { epoch, position, chain: open.chain });
        self.wanted.push(Frame::Subscribe { store: StoreId::thread(thread), cursor });
    }

    /// Whether a loaded thread's log is here up to what the backend had when it was asked.
    #[must_use]
    pub fn is_loaded(&self, thread: &ThreadId) -> bool {
        self.open.peek(thread).is_some_and(|open| open.complete)
            && self.missing_blobs(thread).is_empty()
    }

    /// Whether anything of a thread's messages is here.
    #[must_use]
    pub fn holds(&self, thread: &ThreadId) -> bool {
        self.open.peek(thread).is_some_and(|open| open.position() > 0)
    }

    pub(super) fn thread_page(
        &mut self,
        thread: &ThreadId,
        events: &[Event],
        head: u64,
        chain: Chain,
    ) -> Result<(), EngineError> {
        let Some(open) = self.open.peek(thread) else {
            let fits = self.kept_page(thread, events, head, chain)?;
            return if fits { self.thread_compared(thread) } else { self.ask_thread_again(thread) };
        };
        let here = open.position();
        let new = &events[events.partition_point(|event| event.position <= here)..];
        if new.first().is_some_and(|first| first.position != here + 1) {
            return self.misfit(); // an answer to an older subscription; the newer one's comes
        }
        if !follows(new, here, head) || open.chain_after(new) != chain {
            return self.ask_thread_again(thread);
        }
        // The disk may refuse: what is loaded is never ahead of what is kept.
        if !new.is_empty() && !self.keep_page(thread, new, chain)? {
            return self.ask_thread_again(thread);
        }
        let Some(open) = self.open.peek_mut(thread) else { return Ok(()) };
        open.add(new);
        open.complete = open.position() >= head;
        let through = open.position();
        self.fetch_blobs(thread)?;
        self.settle_kept(thread)?;
        self.news.threads.insert(thread.clone());
        if let Some(seen) = crate::mailbox::watermark(&self.db, thread)? {
            self.begin_full()?;
            self.forget_projected(thread, seen.position.min(through))?;
            self.commit()?;
        }
        self.thread_compared(thread)
    }

    /// Puts events behind the kept log of a thread that is loaded; `false`, and nothing, when they
    /// do not end there as the backend says.
    fn keep_page(
        &mut self,
        thread: &ThreadId,
        new: &[Event],
        chain: Chain,
    ) -> Result<bool, EngineError> {
        self.begin_kept(thread)?;
        let Some(kept) = &mut self.kept else { return Ok(true) };
        let (_, end, bytes) = append_kept(kept, thread, new)?;
        if end != chain {
            kept.rollback();
            return Ok(false);
        }
        crash::point("kept.before-commit");
        kept.commit()?;
        crash::point("kept.after-commit");
        self.keeper.grew(bytes);
        Ok(true)
    }

    /// The own events on a thread as entries over its loaded log, those that it holds included.
    pub(super) fn own_of(&self, thread: &ThreadId) -> Result<Vec<Entry>, StoreError> {
        let mut own = Own::of(&self.db, &StoreId::thread(thread))?;
        for event in &mut own {
            event.position = None;
        }
        let Some(open) = self.open.peek(thread) else { return Ok(Vec::new()) };
        let epoch = mailbox::watermark(&self.db, thread)?.map(|seen| seen.epoch);
        let here = epoch.map(|epoch| Seen { epoch, position: open.position() });
        Ok(entries(&own, &self.id, open.state.epochs(), here.as_ref()))
    }
}
