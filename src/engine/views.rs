//! Views: pages of lists, labels with counts, conversations; as this device shows them.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::intent::Target;
use crate::engine::threads::OpenThread;
use crate::engine::view::{Cursor, Page, Row, Thread, Window};
use crate::engine::{Device, EngineError};
use crate::id::{LabelId, ThreadId};
use crate::mail::Address;
use crate::mailbox::{self, Bound, Conversations, Member, MemberRow, Members};

/// The places whose union a virtual list is; they share no conversation.
fn places(label: &str) -> Option<&'static [&'static str]> {
    match label {
        "all" => Some(&["inbox", "archive", "snoozed"]),
        "anywhere" => Some(&["inbox", "archive", "snoozed", "spam", "trash"]),
        _ => None,
    }
}

impl Device {
    /// The conversations that these threads are in, each by its root; one that is not in the index
    /// is its own.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn roots(&self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, EngineError> {
        let root = |thread: &ThreadId| {
            Ok(mailbox::root_of(&self.db, thread)?.unwrap_or_else(|| thread.clone()))
        };
        threads.iter().map(root).collect()
    }

    /// A part of a list.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn page(
        &self,
        label: &LabelId,
        window: &Window,
        limit: usize,
    ) -> Result<Page, EngineError> {
        // One moment, and one lock of the file instead of one for each row.
        let _still = self.db.still()?;
        let at = |cursor: &Cursor| (cursor.last_activity, cursor.thread.clone());
        let (bound, backwards) = match window {
            Window::First => (Bound::Start, false),
            Window::Last => (Bound::End, true),
            Window::After(cursor) => (Bound::After(at(cursor).0, at(cursor).1), false),
            Window::From(cursor) => (Bound::From(at(cursor).0, at(cursor).1), false),
            Window::Before(cursor) => (Bound::Before(at(cursor).0, at(cursor).1), true),
        };
        let lists = self.lists(label)?;
        let lists: Vec<&str> = lists.iter().map(LabelId::as_str).collect();
        let (keys, more) = mailbox::page(&self.db, &lists, &bound, limit)?;
        let beyond = |bound: Bound| -> Result<bool, EngineError> {
            Ok(!mailbox::page(&self.db, &lists, &bound, 1)?.0.is_empty())
        };
        let (more_before, more_after) = match (keys.first().cloned(), keys.last().cloned()) {
            (Some((at, first)), Some((end, last))) => {
                if backwards {
                    (more, beyond(Bound::After(end, last))?)
                } else {
                    let before = matches!(bound, Bound::After(..) | Bound::From(..))
                        && beyond(Bound::Before(at, first))?;
                    (before, more)
                }
            }
            _ => (
                matches!(bound, Bound::After(..) | Bound::From(..)) && beyond(Bound::End)?,
                matches!(bound, Bound::Before(..)) && beyond(Bound::Start)?,
            ),
        };
        let renamed = mailbox::renamed_in_rows(&self.db)?;
        let mut conversations = Conversations::of(&self.db)?;
        let mut rows = Vec::with_capacity(keys.len());
        for (_, root) in keys {
            rows.extend(merge(conversations.members(&root)?, &renamed));
        }
        Ok(Page { label: label.clone(), rows, more_before, more_after })
    }

    /// The row that shows a thread: its conversation's.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn row(&self, thread: &ThreadId) -> Result<Option<Row>, EngineError> {
        let members = Conversations::of(&self.db)?.showing(thread, false)?;
        Ok(merge(members, &mailbox::renamed_in_rows(&self.db)?))
    }

    /// The rows of these conversations, in this order, each once; of what is gone there is none.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn rows(&self, threads: &[ThreadId]) -> Result<Vec<Row>, EngineError> {
        let _still = self.db.still()?;
        let renamed = mailbox::renamed_in_rows(&self.db)?;
        let mut conversations = Conversations::of(&self.db)?;
        let (mut rows, mut met) = (Vec::with_capacity(threads.len()), BTreeSet::new());
        for thread in threads {
            let Some(root) = mailbox::root_of(&self.db, thread)? else { continue };
            if met.insert(root.clone()) {
                rows.extend(merge(conversations.members(&root)?, &renamed));
            }
        }
        Ok(rows)
    }

    /// Every member of the conversation that shows a thread, with what its row has taken in.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn targets(&self, thread: &ThreadId) -> Result<Vec<Target>, EngineError> {
        let Some(root) = mailbox::root_of(&self.db, thread)? else { return Ok(Vec::new()) };
        let members = mailbox::seen_members(&self.db, &root)?.into_iter();
        Ok(members.map(|(thread, seen)| Target { thread, seen }).collect())
    }

    /// How many conversations are in a list, and how many of them have unread mail.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn count(&self, label: &LabelId) -> Result<(u64, u64), EngineError> {
        Ok(match places(label.as_str()) {
            Some(places) => mailbox::count(&self.db, places)?,
            None => mailbox::count_any(&self.db, &self.lists(label)?)?,
        })
    }

    /// Whether a snooze that the rows show was over at `now`, Unix seconds.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn has_overslept(&self, now: i64) -> Result<bool, EngineError> {
        Ok(mailbox::has_overslept(&self.db, now)?)
    }

    /// The lists whose union a label or virtual list is.
    fn lists(&self, label: &LabelId) -> Result<Vec<LabelId>, EngineError> {
        Ok(match places(label.as_str()) {
            Some(places) => places.iter().map(|place| crate::label::system(place)).collect(),
            None => mailbox::twins(&self.db, label)?,
        })
    }

    /// A conversation: the union of its members' messages. `None` when it is not in the index.
    /// Members whose log is not loaded show no messages.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn thread(&mut self, thread: &ThreadId) -> Result<Option<Thread>, EngineError> {
        let Some(row) = self.row(thread)? else { return Ok(None) };
        let mut messages = Vec::new();
        for member in &row.members {
            let own = self.own_of(&member.thread)?;
            let blobs = &self.blobs;
            let mut text = |hash: &crate::id::BlobHash| {
                blobs.peek(hash).map(|held| String::from_utf8_lossy(&held.bytes).into_owned())
            };
            if let Some(open) = self.open.peek(&member.thread) {
                messages.extend(open.messages(&member.thread, &own, &mut text));
            }
        }
        messages.sort_by(|a, b| (a.sort_date, &a.id).cmp(&(b.sort_date, &b.id)));
        // Members that a restore and a server made of the same mail hold the same bytes.
        let mut seen = BTreeSet::new();
        messages.retain(|m| seen.insert((m.id.clone(), m.raw.clone(), m.outline.clone())));
        Ok(Some(Thread { row, messages }))
    }

    /// Puts a whole log in as a loaded thread, for commands that read files.
    pub fn put_log(&mut self, thread: &ThreadId, events: &[crate::store::Event]) {
        // All that a command shows is held at the same time, however much it is.
        if self.open.len() == self.open.cap().get() {
            self.open.resize(self.open.cap().saturating_add(1));
        }
        self.open.push(thread.clone(), OpenThread::of_log(events));
    }

    /// Blobs of long texts that a loaded thread needs.
    #[must_use]
    pub fn text_blobs(&self, thread: &ThreadId) -> Vec<crate::id::BlobHash> {
        self.open.peek(thread).map(OpenThread::text_blobs).unwrap_or_default()
    }

    /// The raw bytes' names of a loaded thread's messages.
    #[must_use]
    pub fn raw(&self, thread: &ThreadId) -> Vec<crate::id::BlobHash> {
        self.open.peek(thread).map(OpenThread::raw).unwrap_or_default()
    }

    /// Of each message of a loaded thread: whether it is our own sent mail, and the names of its
    /// bytes, those of copies behind the first; `None` for one that is not whole.
    #[must_use]
    pub fn originals(
        &self,
        thread: &ThreadId,
    ) -> Vec<(crate::id::MessageId, bool, Vec<Option<crate::id::BlobHash>>)> {
        self.open.peek(thread).map(OpenThread::originals).unwrap_or_default()
    }

    /// The log of a thread that this device keeps; empty when it keeps none, or a damaged one.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn kept_log(&self, thread: &ThreadId) -> Result<Vec<crate::store::Event>, EngineError> {
        let store = crate::id::StoreId::thread(thread);
        Ok(match &self.kept {
            Some(kept) => crate::engine::kept::Kept::log(kept, &store)?.unwrap_or_default(),
            None => Vec::new(),
        })
    }
}

/// Labels that rows show under another id, or not at all.
pub(super) type Renamed = BTreeMap<LabelId, Option<LabelId>>;

/// Merges the members of a conversation into its row.
pub(super) fn merge(mut members: Members, renamed: &Renamed) -> Option<Row> {
    let targets = |member: &Member| {
        let thread = member.row.id.clone();
        member.seen.clone().map(|seen| Target { thread, seen })
    };
    let targets = members.iter().filter_map(targets).collect();
    let message_count: u64 = members.iter().map(|member| member.row.message_count).sum();
    let there: Vec<bool> = members.iter().map(|member| member.row.is_there()).collect();
    let group: Vec<MemberRow> = members.iter_mut().map(Member::take_grouped).collect();
    let group = mailbox::group(&group)?;
    // The row is of what is there; keys on it reach all members.
    let mut there = there.into_iter();
    members.retain(|_| there.next().unwrap_or(false));
    members.sort_by(|a, b| (a.row.created_at, &a.row.id).cmp(&(b.row.created_at, &b.row.id)));
    let any = |is: fn(&mailbox::ThreadRow) -> bool| members.iter().any(|member| is(&member.row));
    let (starred, muted) = (any(|row| row.shown.starred), any(|row| row.shown.muted));
    let has_attachment = any(|row| row.has_attachment);
    let snoozed_until = members.iter().filter_map(|member| member.row.shown.snoozed_until).min();
    let newest = members
        .iter_mut()
        .max_by_key(|member| (member.row.last_activity, member.row.id.clone()))?;
    let snippet = std::mem::take(&mut newest.row.snippet);
    let subject = members.first_mut()?.row.subject.take();
    let shown = |label: LabelId| match renamed.get(&label) {
        Some(other) => other.clone(),
        None => Some(label),
    };
    let mut labels: Vec<LabelId> = group.labels.into_iter().filter_map(shown).collect();
    labels.sort_unstable();
    labels.dedup();
    Some(Row {
        thread: group.root,
        members: targets,
        subject,
        participants: each_once(members.into_iter().flat_map(|m| m.row.participants).collect()),
        last_activity: group.last_activity,
        labels,
        place: group.place,
        message_count,
        // Of what two members hold each has its own mark.
        unread_count: group.unread.min(message_count),
        starred,
        muted,
        has_attachment,
        snoozed_until,
        snippet,
    })
}

/// Addresses that are compared with each other; more are looked up in a set, which costs a few
/// more than a set of a few is worth.
const COMPARED: usize = 32;

/// Who wrote, each once, where they are first.
fn each_once(mut all: Vec<Address>) -> Vec<Address> {
    if all.len() > COMPARED {
        let mut met = BTreeSet::new();
        all.retain(|address| met.insert(address.address.to_lowercase()));
        return all;
    }
    let mut each: Vec<Address> = Vec::with_capacity(all.len());
    for address in all {
        if !each.iter().any(|met| is_same(&met.address, &address.address)) {
            each.push(address);
        }
    }
    each
}

/// Whether two texts are one in lower case.
fn is_same(one: &str, other: &str) -> bool {
    let is_plain = || one.is_ascii() && other.is_ascii();
    one.eq_ignore_ascii_case(other) || (!is_plain() && one.to_lowercase() == other.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_each_there_once() {
        let of = |address: &str| Address { name: None, address: address.to_owned() };
        let some = ["a@x", "A@X", "\u{212a}@x", "k@x", "K@X", "É@x", "é@x", "e@x", "", "a@xy", ""];
        let once = ["a@x", "\u{212a}@x", "É@x", "e@x", "", "a@xy"];
        let many: Vec<String> = (0..COMPARED).map(|n| format!("{n}@x")).collect();
        let few: Vec<Address> = some.map(of).into();
        assert_eq!(each_once(few.clone()), once.map(of));
        let both = few.into_iter().chain(many.iter().map(|address| of(address)));
        let shown: Vec<Address> =
            once.map(of).into_iter().chain(many.iter().map(|a| of(a))).collect();
        assert_eq!(each_once(both.collect()), shown);
    }
}
