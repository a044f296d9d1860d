//! The mail edge towards servers: what they say becomes events, what we say otherwise becomes
//! orders.
//!
//! Invariant: every method changes rows and logs in one transaction (the caller commits). What a
//! server says is compared with what was agreed on, never with what we have: so a key that was
//! pressed here stands until it is written there. What is written is taken for agreed only when
//! the server has said so.

mod said;

use std::collections::{BTreeMap, BTreeSet};

use self::said::{base_of, read_as_shown, said_of};
use crate::backend::announce::Taken;
use crate::backend::core::Backend;
use crate::backend::echo::Agreed;
use crate::backend::ingest::Prepared;
use crate::backend::storage::{Base, Conflicts, Dirty, EdgeFolder, EdgeMessage, Edges};
use crate::backend::thread_client::state_of;
use crate::bridge::follow::{Change, Occurrence, Pair};
use crate::bridge::{Folder, Follow, Outcome, Said};
use crate::id::{MessageId, StoreId, ThreadId};
use crate::imap::orders::{Aligned, FolderInfo, Message, Ours, standing};
use crate::imap::shown::Shown;
use crate::imap::{Conflict, FolderKey, FolderState, Found, Known, Listing, Stand};
use crate::mailbox;
use crate::store::StoreError;
use crate::thread::ThreadState;

/// A message that was fetched, ready for the one transaction; or why it is not taken in.
#[derive(Debug)]
pub struct Fetched {
    /// What is said of it.
    pub known: Known,
    /// The message.
    pub prepared: Result<Prepared, String>,
    /// Its bytes.
    pub size: u64,
}

/// What one row was and is.
#[derive(Debug)]
struct Step {
    was: Option<EdgeMessage>,
    is: Option<EdgeMessage>,
    /// It came in with this: it has spoken for itself.
    new: bool,
}

impl Backend {
    /// The account's folders as the server lists them.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_folders(
        &mut self,
        account: &str,
        found: &[Found],
        now: i64,
    ) -> Result<Vec<FolderState>, StoreError> {
        self.begin()?;
        self.now = now;
        let listed: BTreeSet<&str> = found.iter().map(|found| found.name.as_str()).collect();
        for gone in Edges::folders(&self.db, account)? {
            if listed.contains(gone.state.name.as_str()) {
                continue;
            }
            self.empty(&gone)?;
            Edges::drop_folder(&self.db, gone.state.key)?;
        }
        for found in found {
            Edges::put_folder(&self.db, account, found)?;
        }
        Ok(Edges::folders(&self.db, account)?.into_iter().map(|folder| folder.state).collect())
    }

    /// Folders that are known and not among these names.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_unlisted(
        &mut self,
        account: &str,
        listed: &[String],
    ) -> Result<Vec<FolderState>, StoreError> {
        let listed: BTreeSet<&String> = listed.iter().collect();
        let known = Edges::folders(&self.db, account)?.into_iter().map(|folder| folder.state);
        Ok(known.filter(|state| !listed.contains(&state.name)).collect())
    }

    /// Everything leaves a folder.
    fn empty(&mut self, folder: &EdgeFolder) -> Result<(), StoreError> {
        let all = Edges::range(&self.db, folder.state.key, &(0..=u32::MAX))?;
        let leave = |mut held: EdgeMessage| {
            held.base.said = Some(folder.info.says.clone()); // the folder may be forgotten
            Step { was: Some(held), is: None, new: false }
        };
        self.take_steps(&folder.account, all.into_iter().map(leave).collect())
    }

    /// What a server says of a folder; the UIDs that are to be fetched.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_listing(&mut self, listing: &Listing, now: i64) -> Result<Vec<u32>, StoreError> {
        self.begin()?;
        self.now = now;
        let Some(folder) = self.edge_folder(listing.folder, listing.uidvalidity)? else {
            return Ok(Vec::new());
        };
        let mut steps = Vec::new();
        let mut here: BTreeMap<u32, EdgeMessage> = BTreeMap::new();
        if let Some(whole) = &listing.whole {
            let held = Edges::range(&self.db, listing.folder, whole)?;
            here.extend(held.into_iter().map(|held| (held.uid, held)));
        }
        let mut wanted = Vec::new();
        let mut said = BTreeSet::new();
        for known in &listing.messages {
            if !said.insert(known.uid) {
                continue;
            }
            let held = match here.remove(&known.uid) {
                Some(held) => Some(held),
                None => Edges::range(&self.db, listing.folder, &(known.uid..=known.uid))?.pop(),
            };
            let Some(held) = held else {
                wanted.push(known.uid);
                continue;
            };
            let base = base_of(known);
            if base != held.base {
                let is = EdgeMessage { base, ..held.clone() };
                steps.push(Step { was: Some(held), is: Some(is), new: false });
            }
        }
        let mut gone: BTreeMap<u32, EdgeMessage> = here; // not said of a part of which all is said
        for range in &listing.vanished {
            let held = Edges::range(&self.db, listing.folder, range)?;
            gone.extend(held.into_iter().map(|held| (held.uid, held)));
        }
        gone.retain(|uid, _| !said.contains(uid));
        let gone = gone.into_values().map(|held| Step { was: Some(held), is: None, new: false });
        steps.extend(gone);
        self.take_steps(&folder.account, steps)?;
        Ok(wanted)
    }

    /// The folder, with UIDs that count under this; what was known under another is gone.
    fn edge_folder(
        &mut self,
        key: FolderKey,
        uidvalidity: u32,
    ) -> Result<Option<EdgeFolder>, StoreError> {
        let Some(mut folder) = Edges::folder(&self.db, key)? else { return Ok(None) };
        if folder.state.uidvalidity != uidvalidity {
            self.empty(&folder)?;
            Edges::revalidate(&self.db, key, uidvalidity)?;
            folder.state.uidvalidity = uidvalidity;
            folder.state.uidnext = 0;
        }
        Ok(Some(folder))
    }

    /// Messages that were fetched.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_arrived(
        &mut self,
        key: FolderKey,
        uidvalidity: u32,
        fetched: Vec<Fetched>,
        now: i64,
    ) -> Result<Taken, StoreError> {
        self.begin()?;
        let mut taken = Taken::default();
        let Some(folder) = self.edge_folder(key, uidvalidity)? else { return Ok(taken) };
        let (mut messages, mut rest) = (Vec::new(), Vec::new());
        for one in fetched {
            // A second answer of the same message: what was asked for is there already.
            let uid = one.known.uid;
            if !Edges::range(&self.db, key, &(uid..=uid))?.is_empty() {
                continue;
            }
            if let Ok(prepared) = &one.prepared
                && prepared.must_be_whole(&self.db)?
            {
                taken.whole.push(uid);
                continue;
            }
            let held = EdgeMessage {
                folder: key,
                uid,
                known: None,
                base: base_of(&one.known),
                size: one.size,
                moved_from: None,
                brought: false,
            };
            match one.prepared {
                Ok(prepared) => {
                    messages.push(prepared);
                    rest.push(held);
                }
                Err(problem) => Edges::put(&self.db, &held, Some(&problem))?,
            }
        }
        let outcomes = self.ingest(messages, now)?;
        let mut steps = Vec::new();
        for (outcome, held) in outcomes.into_iter().zip(rest) {
            let (known, fresh) = match outcome {
                Outcome::Imported { thread, message, .. } => (message.map(|m| (thread, m)), true),
                Outcome::Duplicate { thread, message } => (message.map(|m| (thread, m)), false),
                Outcome::Copy { thread, message } => (message.map(|m| (thread, m)), false),
                Outcome::Purged => {
                    Edges::put(&self.db, &held, Some("purged"))?;
                    continue;
                }
                Outcome::Failed { reason, .. } => {
                    Edges::put(&self.db, &held, Some(&reason))?;
                    continue;
                }
            };
            taken.new += u64::from(fresh);
            let Some(known) = known else { continue };
            if fresh {
                taken.note(&folder.state, &held, &known.0);
            }
            steps.push(self.met(&folder.account, known, held, fresh)?);
        }
        self.take_steps(&folder.account, steps)?;
        self.drop_muted(&mut taken.news)?;
        Ok(taken)
    }

    /// Takes changes of rows, and follows what they say of conversations.
    fn take_steps(&mut self, account: &str, steps: Vec<Step>) -> Result<(), StoreError> {
        let mut by_thread: BTreeMap<ThreadId, Vec<Step>> = BTreeMap::new();
        for step in steps {
            let known =
                |held: &Option<EdgeMessage>| held.as_ref().and_then(|held| held.known.clone());
            match known(&step.is).or_else(|| known(&step.was)) {
                Some((thread, _)) => by_thread.entry(thread).or_default().push(step),
                None => self.put_step(account, &step)?,
            }
        }
        if by_thread.is_empty() {
            return Ok(());
        }
        let folders = Edges::folders(&self.db, account)?;
        let says = |key: FolderKey| {
            folders.iter().find(|of| of.state.key == key).map(|of| of.info.says.clone())
        };
        let said = |held: &EdgeMessage| {
            let folder = held.base.said.clone().or_else(|| says(held.folder));
            said_of(folder.unwrap_or_default(), &held.base)
        };
        let info = folders.iter().map(|of| (of.state.key, of.info.clone())).collect();
        for (thread, steps) in by_thread {
            let agreed = self.follow_thread(account, &thread, &steps, &said)?;
            let agreed = self.agree_on_new(account, &thread, &steps, agreed, &info)?;
            Edges::agree(&self.db, account, &thread, &agreed, Dirty::Yes)?;
        }
        Ok(())
    }

    fn put_step(&mut self, account: &str, step: &Step) -> Result<(), StoreError> {
        match (&step.was, &step.is) {
            (_, Some(is)) => Edges::put(&self.db, is, None),
            (Some(was), None) => {
                // What another folder has too is not gone; whether it went to yet another is seen.
                let others = self.others(account, was.known.as_ref(), was)?;
                if others.is_empty() {
                    Edges::leave(&self.db, account, was)
                } else {
                    Edges::leave_behind(&self.db, account, was)
                }
            }
            (None, None) => Ok(()),
        }
    }

    /// A message is met in a folder: what it was before, and is now.
    fn met(
        &self,
        account: &str,
        known: (ThreadId, MessageId),
        held: EdgeMessage,
        fresh: bool,
    ) -> Result<Step, StoreError> {
        let others = self.others(account, Some(&known), &held)?;
        let was = match Edges::claim(&self.db, account, &known.1)? {
            None if !fresh && others.is_empty() => self.returned(account, &known, &held)?,
            was => was,
        };
        let brought = was.iter().chain(&others).any(|row| row.brought);
        let is = EdgeMessage {
            known: Some(known),
            moved_from: was.as_ref().and_then(|was| was.moved_from),
            brought: fresh || brought,
            ..held
        };
        Ok(Step { was, is: Some(is), new: fresh })
    }

    /// A message that was gone from an account of which its conversation was known, and is there
    /// again: it was where both sides last agreed that the conversation is.
    fn returned(
        &self,
        account: &str,
        (thread, message): &(ThreadId, MessageId),
        held: &EdgeMessage,
    ) -> Result<Option<EdgeMessage>, StoreError> {
        let Some(agreed) = Edges::agreed(&self.db, account, thread, self.now)? else {
            return Ok(None);
        };
        let state = state_of(&self.db, &StoreId::thread(thread))?;
        let Some(row) = state.messages.iter().find(|row| row.message.message == *message) else {
            return Ok(None);
        };
        let folder = Folder {
            place: Some(agreed.stand.place),
            sent: row.message.sent,
            labels: agreed.stand.labels.into_iter().collect(),
            ..Folder::default()
        };
        let flags = read_as_shown(&state, row.position, row.message.flags);
        let base = Base { flags, said: Some(folder), ..Base::default() };
        let known = Some((thread.clone(), message.clone()));
        Ok(Some(EdgeMessage { folder: 0, uid: 0, known, base, brought: true, ..held.clone() }))
    }

    /// The other rows of a message in its account.
    fn others(
        &self,
        account: &str,
        known: Option<&(ThreadId, MessageId)>,
        besides: &EdgeMessage,
    ) -> Result<Vec<EdgeMessage>, StoreError> {
        let Some((thread, message)) = known else { return Ok(Vec::new()) };
        let mut rows = Edges::of_thread(&self.db, account, thread)?;
        rows.retain(|row| {
            let same = (row.folder, row.uid) == (besides.folder, besides.uid);
            !same && row.known.as_ref().is_some_and(|(_, of)| of == message)
        });
        Ok(rows)
    }

    fn follow_thread(
        &mut self,
        account: &str,
        thread: &ThreadId,
        steps: &[Step],
        said: &dyn Fn(&EdgeMessage) -> Said,
    ) -> Result<Agreed, StoreError> {
        let mut agreed = Edges::agreed(&self.db, account, thread, self.now)?;
        let state = state_of(&self.db, &StoreId::thread(thread))?;
        let ours = self.ours(&state)?;
        let occurrence = |held: &EdgeMessage, new: bool| {
            let (_, message) = held.known.clone()?;
            Some(Occurrence { message, said: said(held), new })
        };
        let rows = Edges::of_thread(&self.db, account, thread)?;
        let mut before: Vec<Occurrence> =
            rows.iter().filter_map(|held| occurrence(held, false)).collect();
        let mut fresh = BTreeSet::new();
        for step in steps {
            if let Some(was) = &step.was {
                // One that had left is not among the rows, and speaks as it did there.
                if !rows.iter().any(|row| (row.folder, row.uid) == (was.folder, was.uid)) {
                    before.extend(occurrence(was, false));
                }
            }
            fresh.extend(step.is.iter().filter(|_| step.new).map(|is| (is.folder, is.uid)));
        }
        let pairs = pairs(&state, steps, &before, said);
        for step in steps {
            self.put_step(account, step)?;
        }
        let mut now: Vec<Occurrence> = Vec::new();
        let rows = Edges::of_thread(&self.db, account, thread)?;
        let starred = rows.iter().any(EdgeMessage::is_starred);
        for held in rows {
            now.extend(occurrence(&held, fresh.contains(&(held.folder, held.uid))));
        }
        let mut change = Change::of(&before, &now, &pairs);
        if let Some(agreed) = &mut agreed {
            agreed.hear_echo(&mut change, starred, self.now);
        }
        let pending = agreed.as_ref().is_some_and(|agreed| agreed.stand.place != ours.stand.place);
        if pending && let Some(there) = change.place.take() {
            // Ours was pressed and is not written yet: it stands, and is written over theirs.
            let here = ours.stand.place;
            if let Some(agreed) = &mut agreed {
                agreed.stand.place = there;
            }
            if there != here {
                Conflicts::note(&self.db, account, thread, (here, Some(there)), self.now)?;
            }
        }
        if !change.is_empty() {
            let token = format!("{}.{}", self.epoch.as_str(), Edges::turn(&self.db)?);
            let covers: BTreeSet<MessageId> =
                before.into_iter().chain(now).map(|known| known.message).collect();
            let covers = covers.into_iter().collect();
            let follow = Follow { thread: thread.clone(), token, covers, change };
            self.follow(&[follow], self.now)?;
        }
        self.note_stars(account, thread, &other_stars(steps))?;
        self.agree_again(thread, agreed, &ours)
    }

    /// What came in has spoken for itself when it was taken in: what the conversation has by it and
    /// the server shows is no wish of ours to be written there.
    fn agree_on_new(
        &mut self,
        account: &str,
        thread: &ThreadId,
        steps: &[Step],
        mut agreed: Agreed,
        folders: &BTreeMap<FolderKey, FolderInfo>,
    ) -> Result<Agreed, StoreError> {
        if steps.iter().any(|step| step.new) {
            let ours = self.ours(&state_of(&self.db, &StoreId::thread(thread))?)?;
            let held = Edges::of_thread(&self.db, account, thread)?;
            let rows = standing(held.iter().filter_map(EdgeMessage::row).collect());
            Shown { ours: &ours, rows: &rows, folders }.agree(&mut agreed.stand);
        }
        Ok(agreed)
    }

    /// What was as agreed before a server's word is as agreed after it.
    pub(super) fn agree_again(
        &mut self,
        thread: &ThreadId,
        agreed: Option<Agreed>,
        before: &Ours,
    ) -> Result<Agreed, StoreError> {
        let after = self.ours(&state_of(&self.db, &StoreId::thread(thread))?)?.stand;
        Ok(match agreed {
            // Met for the first time: what we have of it already is not written over there.
            None => Agreed::of(after),
            Some(agreed) => {
                let (was, stand) = (&before.stand, &agreed.stand);
                let came = after.labels.difference(&was.labels);
                let went: BTreeSet<&String> = was.labels.difference(&after.labels).collect();
                let mut labels: BTreeSet<String> = stand.labels.clone();
                labels.extend(came.cloned());
                labels.retain(|label| !went.contains(label));
                let place = if was.place == stand.place { after.place } else { stand.place };
                let starred =
                    if was.starred == stand.starred { after.starred } else { stand.starred };
                agreed.with(Aligned { place, starred, labels })
            }
        })
    }

    /// A conversation as orders see it.
    pub(super) fn ours(&mut self, state: &ThreadState) -> Result<Ours, StoreError> {
        let (_, cells) = state.trail();
        let mut labels = BTreeSet::new();
        for id in &cells.labels {
            labels.extend(mailbox::label_name(self.mailbox.db(), id)?);
        }
        let stand = Aligned { place: cells.place, starred: cells.starred, labels };
        let messages = state.sorted().into_iter().map(|row| {
            let message = &row.message;
            Message {
                id: message.message.clone(),
                read: !cells.is_unread(row.position),
                answered: message.flags.answered,
                forwarded: message.flags.forwarded,
                own: message.sent || message.flags.draft,
            }
        });
        Ok(Ours { stand, messages: messages.collect() })
    }

    /// A folder was taken in as a whole; `false` when more is in it than is known, and nothing
    /// counts as taken in.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_stand(&mut self, stand: Stand) -> Result<bool, StoreError> {
        self.begin()?;
        if self.edge_folder(stand.folder, stand.uidvalidity)?.is_none() {
            return Ok(true); // it is gone meanwhile
        }
        if Edges::count(&self.db, stand.folder)? < stand.exists {
            Edges::stand(&self.db, stand.folder, 0, 0)?;
            return Ok(false);
        }
        Edges::stand(&self.db, stand.folder, stand.uidnext, stand.modseq)?;
        Ok(true)
    }

    /// All folders were looked at: what left one and is in none is gone.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_passed(&mut self, account: &str, now: i64) -> Result<(), StoreError> {
        self.begin()?;
        self.now = now;
        let mut gone = Vec::new();
        for held in Edges::take_gone(&self.db, account)? {
            let Some((thread, message)) = held.known else { continue };
            if held.brought && !Edges::is_somewhere(&self.db, &thread, &message)? {
                self.note_gone(account, &thread)?;
                gone.push((thread, message));
            }
        }
        if !gone.is_empty() {
            let token = format!("{}.{}", self.epoch.as_str(), Edges::turn(&self.db)?);
            self.remove_messages(&gone, true, &token)?;
        }
        self.outbox_looked_at()?;
        Edges::wake(&self.db, account)
    }

    /// A message is gone there: where its conversation was put somewhere here meanwhile, both said
    /// something else.
    fn note_gone(&mut self, account: &str, thread: &ThreadId) -> Result<(), StoreError> {
        let agreed = Edges::agreed(&self.db, account, thread, self.now)?;
        let here = state_of(&self.db, &StoreId::thread(thread))?.trail().1.place;
        if agreed.is_some_and(|agreed| agreed.stand.place != here) {
            Conflicts::note(&self.db, account, thread, (here, None), self.now)?;
        }
        Ok(())
    }

    /// The last conflicts of an account.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_conflicts(&self, account: &str) -> Result<Vec<Conflict>, StoreError> {
        Conflicts::of(&self.db, account)
    }

    /// An account goes; its mail stays.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn edge_forget(&mut self, account: &str) -> Result<(), StoreError> {
        self.begin()?;
        Edges::forget(&self.db, account)
    }
}

/// Messages of which a row that was known has another star now.
fn other_stars(steps: &[Step]) -> BTreeSet<MessageId> {
    let other = |step: &&Step| {
        let star = |held: &Option<EdgeMessage>| held.as_ref().map(EdgeMessage::is_starred);
        star(&step.was).zip(star(&step.is)).is_some_and(|(was, is)| was != is)
    };
    let of = |step: &Step| step.is.as_ref().and_then(|is| is.known.clone());
    steps.iter().filter(other).filter_map(of).map(|(_, message)| message).collect()
}

/// What the server says otherwise of messages that were known.
fn pairs(
    state: &ThreadState,
    steps: &[Step],
    before: &[Occurrence],
    said: &dyn Fn(&EdgeMessage) -> Said,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for step in steps.iter().filter(|step| !step.new) {
        let Some(is) = &step.is else { continue };
        let Some((_, message)) = &is.known else { continue };
        let known_here = before.iter().any(|known| known.message == *message);
        let here = state.messages.iter().find(|row| row.message.message == *message);
        let before = match (&step.was, here) {
            (Some(was), _) => said(was),
            // It was here before it was met at this server: that one's word counts.
            (None, Some(row)) if !known_here => {
                let flags = read_as_shown(state, row.position, row.message.flags);
                Said { flags, ..said(is) }
            }
            (None, _) => continue,
        };
        pairs.push(Pair { message: message.clone(), before, now: said(is) });
    }
    pairs
}
