//! The mail edge towards servers, outwards: what we say otherwise becomes orders; what became of
//! them is noted.
//!
//! Invariant: what was ordered is on disk before it is given out, so that a server's word after a
//! crash is known for an echo of ours. What is written is taken for agreed only when the server has
//! said so.

use std::collections::{BTreeMap, BTreeSet};

use crate::backend::core::Backend;
use crate::backend::echo::{Agreed, Told};
use crate::backend::storage::{Dirty, EdgeMessage, Edges};
use crate::backend::thread_client::state_of;
use crate::id::{StoreId, ThreadId};
use crate::imap::orders::{Ordered, doubled, orders, standing};
use crate::imap::shown::Shown;
use crate::imap::{FolderKey, Order, Outcome as Written, Report, Target, What, Wish};
use crate::store::StoreError;

impl Backend {
    /// What is to be written to an account's server.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_orders(
        &mut self,
        account: &str,
        wish: &Wish,
        now: i64,
    ) -> Result<Vec<Order>, StoreError> {
        self.begin()?;
        self.now = now;
        let folders = Edges::folders(&self.db, account)?;
        let info = folders.iter().map(|of| (of.state.key, of.info.clone())).collect();
        let mut groups: BTreeMap<(What, FolderKey), Vec<Target>> = BTreeMap::new();
        for thread in Edges::dirty(&self.db, account, wish.most, wish.early)? {
            let state = state_of(&self.db, &StoreId::thread(&thread))?;
            let ours = self.ours(&state)?;
            let held = Edges::of_thread(&self.db, account, &thread)?;
            let rows = standing(held.iter().filter_map(EdgeMessage::row).collect());
            let shown = Shown { ours: &ours, rows: &rows, folders: &info };
            let (ordered, rests) = self.ordered(account, &thread, &shown, wish)?;
            if rests {
                self.hear_missed_star(account, &thread, &state, &shown)?;
            }
            for (at, what) in ordered {
                let row = &rows[at];
                let of = |held: &&EdgeMessage| (held.folder, held.uid) == (row.folder, row.uid);
                let size = held.iter().find(of).map_or(0, |held| held.size);
                let message = state.messages.iter().find(|m| m.message.message == row.message);
                let message_id = message.and_then(|m| m.message.message_id.clone());
                let target = Target { uid: row.uid, message_id, size };
                groups.entry((what, row.folder)).or_default().push(target);
            }
        }
        let validity = |key: FolderKey| {
            folders.iter().find(|of| of.state.key == key).map_or(0, |of| of.state.uidvalidity)
        };
        let order = |((what, folder), targets)| Order {
            folder,
            uidvalidity: validity(folder),
            targets,
            what,
        };
        Ok(groups.into_iter().map(order).collect())
    }

    /// What is to be written of a conversation, and whether that is nothing and waits for nothing;
    /// on disk that it was told when this returns.
    fn ordered(
        &self,
        account: &str,
        thread: &ThreadId,
        shown: &Shown<'_>,
        wish: &Wish,
    ) -> Result<(Vec<Ordered>, bool), StoreError> {
        let Shown { ours, rows, folders } = *shown;
        let agreed = Edges::agreed(&self.db, account, thread, self.now)?;
        let mut agreed = agreed.unwrap_or_else(|| Agreed::of(ours.stand.clone()));
        let away = Edges::is_away(&self.db, account, thread)?;
        agreed.settle(shown, wish, away, self.now);
        let mut ordered = orders(ours, &agreed.stand, rows, folders);
        let all = ordered.len();
        ordered.retain(|(_, what)| match what {
            // What is marked as deleted may be so since its copy is somewhere else by now.
            What::Flags { off, .. } => !away || !off.iter().any(|flag| flag == "\\Deleted"),
            What::CopyTo(to) => !away && !agreed.awaits_copy(*to, wish),
            // What is away may be where it is to go already, or go there later.
            _ => !away,
        });
        let waits = away || ordered.len() < all;
        if ordered.is_empty() && !away {
            ordered = doubled(rows, &agreed.copied(wish));
        }
        let dirty = match (ordered.is_empty(), waits) {
            (false, _) => Dirty::Yes,
            (true, true) => Dirty::Later,
            (true, false) => Dirty::No,
        };
        agreed.tell(Told::of(ours, &agreed.stand, &ordered, wish, self.now));
        if dirty == Dirty::No {
            agreed = agreed.with(ours.stand.clone());
        }
        Edges::agree(&self.db, account, thread, &agreed, dirty)?;
        Ok((ordered, dirty == Dirty::No))
    }

    /// How many messages left a folder and were not met again yet.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_away(&self, account: &str) -> Result<u64, StoreError> {
        Edges::count_away(&self.db, account)
    }

    /// What became of orders.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_report(
        &mut self,
        account: &str,
        reports: &[Report],
        now: i64,
    ) -> Result<(), StoreError> {
        self.begin()?;
        self.now = now;
        for Report { order, outcomes } in reports {
            let Some(folder) = Edges::folder(&self.db, order.folder)? else { continue };
            if folder.state.uidvalidity != order.uidvalidity {
                continue;
            }
            for (target, outcome) in order.targets.iter().zip(outcomes) {
                let uid = target.uid;
                let held = Edges::range(&self.db, order.folder, &(uid..=uid))?.pop();
                if let Some(held) = held {
                    self.reported(account, held, &order.what, outcome)?;
                }
            }
        }
        Ok(())
    }

    fn reported(
        &mut self,
        account: &str,
        held: EdgeMessage,
        what: &What,
        outcome: &Written,
    ) -> Result<(), StoreError> {
        match (what, outcome) {
            (What::Flags { on, off }, Written::Done) => {
                let is = EdgeMessage { base: held.base.with(on, off), ..held.clone() };
                Edges::put(&self.db, &is, None)?;
                match is.known.as_ref().filter(|_| is.is_starred() != held.is_starred()) {
                    Some((thread, message)) => {
                        self.note_stars(account, thread, &BTreeSet::from([message.clone()]))
                    }
                    None => Ok(()),
                }
            }
            (What::Labels { on, off }, Written::Done) => {
                let is = EdgeMessage { base: held.base.labelled(on, off), ..held };
                Edges::put(&self.db, &is, None)
            }
            (What::Delete, Written::Done) => Edges::remove(&self.db, &held),
            (What::CopyTo(_), Written::Moved(to, place)) => {
                self.put_at(*to, *place, &held, held.moved_from).map(drop)
            }
            (_, Written::Moved(to, place)) => {
                let known = self.put_at(*to, *place, &held, Some(held.folder))?;
                Edges::leave_or_remove(&self.db, account, &held, known)
            }
            (_, Written::Copied(to, place)) => {
                let known = self.put_at(*to, *place, &held, Some(held.folder))?;
                Edges::leave_or_remove(&self.db, account, &held, known)?;
                Edges::put(&self.db, &held.marked(), None)
            }
            (_, Written::Marked) => Edges::put(&self.db, &held.marked(), None),
            // It is looked for in all folders first.
            (_, Written::Absent | Written::Refused(_)) => match &held.known {
                Some((thread, _)) => {
                    let agreed = Edges::agreed(&self.db, account, thread, self.now)?;
                    agreed.map_or(Ok(()), |agreed| {
                        Edges::agree(&self.db, account, thread, &agreed, Dirty::Later)
                    })
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// A message is in a folder now, where the server says under which UID; whether that can be.
    fn put_at(
        &mut self,
        to: FolderKey,
        place: Option<(u32, u32)>,
        held: &EdgeMessage,
        from: Option<FolderKey>,
    ) -> Result<bool, StoreError> {
        let Some((uidvalidity, uid)) = place else { return Ok(false) };
        let Some(folder) = Edges::folder(&self.db, to)? else { return Ok(false) };
        if folder.state.uidvalidity != uidvalidity && folder.state.uidvalidity != 0 {
            return Ok(false); // it is met when that folder is read
        }
        if folder.state.uidvalidity == 0 {
            Edges::revalidate(&self.db, to, uidvalidity)?;
        }
        // A place that another message has is none: whose it is is seen when the folder is read.
        let taken = Edges::range(&self.db, to, &(uid..=uid))?.pop();
        if taken.is_some_and(|taken| taken.known != held.known) {
            return Ok(false);
        }
        let is = EdgeMessage { folder: to, uid, moved_from: from, ..held.clone() };
        Edges::put(&self.db, &is, None)?;
        Ok(true)
    }
}
