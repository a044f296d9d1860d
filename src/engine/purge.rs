//! Purge on a device: what is asked of the backend, and what goes here when it is done.
//!
//! Invariant: nothing is purged here before the backend's log says so. What goes then goes in the
//! transaction that takes that in, but for kept logs, which are another file: those follow, at the
//! next start at the latest.

use crate::crash;
use crate::engine::kept::Kept;
use crate::engine::view::Cursor;
use crate::engine::{Device, Driver, EngineError};
use crate::id::{LabelId, StoreId, ThreadId};
use crate::mailbox::{self, Bound};
use crate::store::{Log, StoreError};
use crate::sync::{Frame, PurgeOrder, SeenThread};

/// Conversations of a list, each with its threads, and where the list goes on.
type Rows = (Vec<Vec<SeenThread>>, Option<Cursor>);

impl Device {
    /// The conversations of a list after a row, as they are shown, at most `most`; where the list
    /// goes on, if it does.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn rows_after(
        &self,
        label: &LabelId,
        after: Option<&Cursor>,
        most: usize,
    ) -> Result<Rows, EngineError> {
        let bound = after.map_or(Bound::Start, |cursor| {
            Bound::After(cursor.last_activity, cursor.thread.clone())
        });
        let (keys, more) = mailbox::page(&self.db, &[label.as_str()], &bound, most)?;
        let last = keys.last().filter(|_| more);
        let next = last.map(|(last_activity, thread)| Cursor {
            last_activity: *last_activity,
            thread: thread.clone(),
        });
        let rows = keys.iter().map(|(_, root)| self.members_seen(root));
        Ok((rows.collect::<Result<_, _>>()?, next))
    }

    /// Conversations of which nothing is left to show: they are in no list, and go as trash does.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn rows_without_messages(&self) -> Result<Vec<Vec<SeenThread>>, EngineError> {
        let roots = mailbox::without_messages(&self.db)?;
        let rows = roots.iter().map(|root| self.members_seen(root));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The threads of the conversation that shows a thread, with what was taken in of each.
    fn members_seen(&self, root: &ThreadId) -> Result<Vec<SeenThread>, StoreError> {
        let seen = mailbox::seen_members(&self.db, root)?;
        Ok(seen.into_iter().map(|(thread, seen)| SeenThread { thread, seen }).collect())
    }

    /// What is kept of a purged thread beside the Mailbox store.
    pub(super) fn drop_thread(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        crash::point("purge.before-kept");
        if let Some(kept) = &mut self.kept {
            kept.begin()?;
            Kept::pin(kept, thread, false)?;
            Kept::drop(kept, thread)?;
            kept.commit()?;
        }
        if let Some(open) = self.open.pop(thread) {
            for blob in open.text_blobs() {
                self.blobs.pop(&blob);
            }
            if open.subscribed {
                self.wanted.push(Frame::Unsubscribe { store: StoreId::thread(thread) });
            }
        }
        self.news.threads.insert(thread.clone());
        Ok(())
    }

    /// Kept logs of threads that were purged when this process last ended too early.
    pub(super) fn drop_purged(&mut self) -> Result<(), EngineError> {
        let Some(kept) = &self.kept else { return Ok(()) };
        for (store, _) in Log::stores(kept)? {
            if let Some(thread) = store.as_thread()
                && mailbox::is_purged(&self.db, &thread)?
            {
                self.drop_thread(&thread)?;
            }
        }
        Ok(())
    }
}

impl Driver {
    /// Orders a purge; see [`Device::take_purged`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn ask_purge(&mut self, order: PurgeOrder) -> Result<u64, EngineError> {
        let seq = self.question();
        self.device.want(Frame::Purge { seq, order });
        self.send()?;
        Ok(seq)
    }
}
