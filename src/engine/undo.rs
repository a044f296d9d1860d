//! Undo and redo, at any depth and out of order.
//!
//! Invariant: an undo names the action and is one action itself; it is never undone. A redo is a
//! new action with the same changes on the same threads, absolute, by their rows as they are now.
//! Both are decided without loading a thread.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::count::conversations;
use crate::command::events::event;
use crate::command::intent::Target;
use crate::command::past::{change_of, done};
use crate::engine::history::Past;
use crate::engine::view::{By, Done, Kept};
use crate::engine::{Device, EngineError};
use crate::id::{ActionId, StoreId, ThreadId};
use crate::mailbox::{
    self, Deed, DraftDeed, Groups, LabelCreated, LabelDeleted, LabelRecolored, LabelRenamed,
    SearchRemoved, SearchSaved,
};
use crate::projection::{above, deed, trail_of};
use crate::store::{Action, Args, Own, StoreError};
use crate::thread::{self, Cell, Cells, Linked, Why};

/// Kinds of things left alone that a line says; the rest is counted.
const MOST_SAID: usize = 3;
/// An undo without a name may mean what was sent so long ago, and is told that it is too late; in
/// milliseconds.
const JUST_SENT_MS: i64 = 60_000;

/// What an undo left alone on one thread.
type LeftAlone = (Vec<thread::Kept>, Cells);

impl Device {
    /// Undoes an action: the named one of any device, or this device's last that stands.
    pub(super) fn undo(&mut self, named: Option<&ActionId>) -> Result<Done, EngineError> {
        let past = match named {
            Some(id) => self.past(id)?.ok_or_else(|| EngineError::NoAction(id.to_string()))?,
            None => self.last_standing()?.ok_or(EngineError::NothingToUndo)?,
        };
        if let Some(undone) = past.undoes {
            return Err(EngineError::UndoOfUndo(undone.to_string()));
        }
        let what = self.what(&past.name, &past.deeds);
        if past.undone_by.is_some() {
            let says = format!("It is undone already: {what}.");
            return Ok(Done { undid: Some(past.id), says, ..Done::default() });
        }
        if self.is_on_its_way(&past.id)? {
            let says = crate::engine::late::TOO_LATE.to_owned();
            return Ok(Done { says, ..Done::default() });
        }
        let threads = self.reached(&past.id)?;
        let (mut groups, mut rows) = (Groups::of_overlay(), BTreeSet::new());
        let (mut left, mut later, mut gone) = (Vec::new(), 0, 0);
        let action = self.action("undo");
        for thread in threads.keys() {
            // A thread that is not in the index gets its undo from the backend.
            // A draft that was begun here is undone here: it must not be sent before that is known.
            let root = match mailbox::root_of(&self.db, thread)? {
                None if thread.is_draft() && Own::has(&self.db, &StoreId::thread(thread))? => {
                    thread.clone()
                }
                None => {
                    gone += usize::from(mailbox::is_purged(&self.db, thread)?);
                    continue;
                }
                Some(root) => root,
            };
            groups.touch(&self.db, thread)?;
            rows.insert(root);
            let seen = mailbox::watermark(&self.db, thread)?;
            let args = Args::of(&thread::ActionUndone { action: past.id.clone(), seen });
            let store = StoreId::thread(thread);
            self.add(&store, thread::name::ACTION_UNDONE, &args, &action)?;
            match self.left_alone(thread)? {
                Some((kept, cells)) if !kept.is_empty() => {
                    left.push((thread.clone(), kept, cells));
                }
                Some(_) => {}
                None => later += 1,
            }
            self.cover(thread)?;
        }
        let args = Args::of(&mailbox::ActionUndone { action: past.id.clone() });
        self.add(&StoreId::mailbox(), mailbox::name::ACTION_UNDONE, &args, &action)?;
        groups.settle(&self.db)?;
        let kept = self.kept(left)?;
        let mut says = self.undid_said(&past.id, &what, rows.len(), &kept)? + &gone_said(gone);
        if later > 0 {
            says = format!("{says} {later} show it when it is synchronised.");
        }
        let (action, undid) = (Some(action.id), Some(past.id));
        Ok(Done { action, threads: rows.len(), says, undid, kept, ..Done::default() })
    }

    /// What became of an undo of this device once it is synchronised: what another device did
    /// before it, and this one did not know when it was decided, is left alone as well.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn became_of_undo(&self, done: Done) -> Result<Done, EngineError> {
        let _still = self.db.still()?;
        let (Some(action), Some(undid)) = (&done.action, &done.undid) else { return Ok(done) };
        let Some(past) = self.past(undid)? else { return Ok(done) };
        let (mut rows, mut left, mut gone) = (BTreeSet::new(), Vec::new(), 0);
        for thread in self.reached(undid)?.into_keys() {
            let Some(row) = mailbox::raw_row(&self.db, &thread)? else {
                gone += usize::from(mailbox::is_purged(&self.db, &thread)?);
                continue;
            };
            rows.extend(mailbox::root_of(&self.db, &thread)?);
            let trail = trail_of(&row);
            match thread::kept_since(&trail, undid, action) {
                Some((kept, cells)) if !kept.is_empty() => left.push((thread, kept, cells)),
                Some(_) => {}
                // Not there yet, or no longer: what was decided is what is known.
                None => return Ok(done),
            }
        }
        let kept = self.kept(left)?;
        let what = self.what(&past.name, &past.deeds);
        let says = self.undid_said(undid, &what, rows.len(), &kept)? + &gone_said(gone);
        Ok(Done { threads: rows.len(), says, kept, ..done })
    }

    fn undid_said(
        &self,
        undid: &ActionId,
        what: &str,
        rows: usize,
        kept: &[Kept],
    ) -> Result<String, EngineError> {
        Ok(said("Undid", what, rows) + &kept_said(kept) + &self.labels_kept(undid)?)
    }

    /// What the undo that was just added leaves alone on a thread; `None` when the action is older
    /// than what its row knows.
    fn left_alone(&self, thread: &ThreadId) -> Result<Option<LeftAlone>, StoreError> {
        let Some(row) = mailbox::raw_row(&self.db, thread)? else { return Ok(None) };
        let own = Own::of(&self.db, &StoreId::thread(thread))?;
        let here = mailbox::watermark(&self.db, thread)?;
        let trail = trail_of(&row);
        let own = above(&trail, &own, &self.id, here.as_ref());
        Ok(thread::kept(&trail, &own))
    }

    /// What was left alone, with who did what since.
    fn kept(
        &self,
        left: Vec<(ThreadId, Vec<thread::Kept>, Cells)>,
    ) -> Result<Vec<Kept>, EngineError> {
        let mut known: BTreeMap<ActionId, By> = BTreeMap::new();
        let mut found = Vec::new();
        for (thread, kept, cells) in left {
            for thread::Kept { cell, why } in kept {
                let by = match why {
                    Why::Message => None,
                    Why::Action(id) => {
                        if !known.contains_key(&id) {
                            let by = self.by(&id)?;
                            known.insert(id.clone(), by);
                        }
                        known.get(&id).cloned()
                    }
                };
                let stays = self.stays(&cell, &cells);
                let (cell, thread) = (cell_name(&cell), thread.clone());
                found.push(Kept { thread, cell, stays, by });
            }
        }
        Ok(found)
    }

    fn by(&self, id: &ActionId) -> Result<By, EngineError> {
        let past = self.past(id)?;
        let (name, device) = past.map_or_else(
            || (String::new(), self.id.clone()),
            |past| (crate::safe_text::line(&past.name), past.device),
        );
        let device_name = self.device_name(&device);
        Ok(By { action: id.clone(), name, device, device_name })
    }

    /// How a cell stays, in words.
    fn stays(&self, cell: &Cell, cells: &Cells) -> String {
        let which = |on: bool, yes: &str, no: &str| if on { yes } else { no }.to_owned();
        match cell {
            Cell::Place => format!("in {}", cells.place.as_str()),
            Cell::Snooze => which(cells.snoozed.is_some(), "snoozed", "awake"),
            Cell::Label(id) => {
                let on = which(cells.labels.contains(id), "labelled", "without label");
                format!("{on} {}", self.label_name(id))
            }
            Cell::Star => which(cells.starred, "starred", "unstarred"),
            Cell::Mute => which(cells.muted, "muted", "unmuted"),
            Cell::Read => which(cells.unread() == 0, "read", "unread"),
            Cell::Link(other) => which(cells.links.contains(other), "joined", "split"),
            Cell::Outgoing => {
                let sends = cells.outgoing.as_ref().is_some_and(|of| !of.items.is_empty());
                which(sends, "in the outbox", "as it was written since")
            }
        }
    }

    /// Does an undone action again: the named one, or the one whose undo by this device is the
    /// newest, unless something new was done after it.
    pub(super) fn redo(&mut self, named: Option<&ActionId>) -> Result<Done, EngineError> {
        let past = match named {
            Some(id) => self.past(id)?.ok_or_else(|| EngineError::NoAction(id.to_string()))?,
            None => self.last_undone()?.ok_or(EngineError::NothingToRedo)?,
        };
        // To redo what an undo undid is what was meant.
        let past = match &past.undoes {
            Some(id) => self.past(id)?.ok_or_else(|| EngineError::NoAction(id.to_string()))?,
            None => past,
        };
        let what = self.what(&past.name, &past.deeds);
        let nothing = |says: String| Ok(Done { says, ..Done::default() });
        if past.deeds.iter().any(|deed| matches!(deed, Deed::Draft(_))) {
            return nothing(format!("That is not done again by a key: {what}. Open the draft."));
        }
        if past.undone_by.is_none() {
            return nothing(format!("It is not undone: {what}."));
        }
        if self.stands_again(&past.id)? {
            return nothing(format!("It is done again already: {what}."));
        }
        let reached = self.reached(&past.id)?;
        let unknown = |deeds: &Vec<Deed>| deeds.is_empty() || deeds.contains(&Deed::Unknown);
        if past.deeds.contains(&Deed::Unknown)
            || reached.values().any(unknown)
            || (reached.is_empty() && past.deeds.is_empty())
        {
            return Err(EngineError::NotRedoable(past.id.to_string()));
        }
        let mut action = self.action(&past.name);
        action.redoes = Some(past.id.clone());
        let (mut groups, mut rows, mut gone) = (Groups::of_overlay(), BTreeSet::new(), 0);
        for (thread, deeds) in &reached {
            let (Some(root), Some(seen)) =
                (mailbox::root_of(&self.db, thread)?, mailbox::watermark(&self.db, thread)?)
            else {
                gone += usize::from(mailbox::is_purged(&self.db, thread)?);
                continue;
            };
            groups.touch(&self.db, thread)?;
            rows.insert(root);
            let target = Target { thread: thread.clone(), seen };
            for deed in deeds {
                self.do_again(deed, &target, &action)?;
            }
            self.cover(thread)?;
        }
        let mut of_mailbox = past.deeds.iter().filter(|deed| deed.is_of_mailbox()).peekable();
        if rows.is_empty() && of_mailbox.peek().is_none() {
            // An action without an event would be in no history.
            return nothing(format!(
                "Nothing of it is left to do again: {what}.{}",
                gone_said(gone)
            ));
        }
        for deed in of_mailbox {
            let (name, args) = label_event(deed, self.clock.now());
            self.add(&StoreId::mailbox(), name, &args, &action)?;
        }
        groups.settle(&self.db)?;
        let says = said("Redid", &what, rows.len()) + &gone_said(gone);
        let (action, redid) = (Some(action.id), Some(past.id));
        Ok(Done { action, threads: rows.len(), says, redid, ..Done::default() })
    }

    fn do_again(
        &mut self,
        deed: &Deed,
        target: &Target,
        action: &Action,
    ) -> Result<(), StoreError> {
        let (name, args) = match (change_of(deed), deed) {
            (Some(change), _) => event(&change, target),
            (None, Deed::Link(other, on)) => {
                let name =
                    if *on { thread::name::THREAD_LINKED } else { thread::name::THREAD_UNLINKED };
                (name, Args::of(&Linked { thread: other.clone(), held: Vec::new() }))
            }
            _ => return Ok(()),
        };
        self.add(&StoreId::thread(&target.thread), name, &args, action)
    }

    /// The threads that an action reached, with what it did to each.
    pub(super) fn reached(
        &self,
        id: &ActionId,
    ) -> Result<BTreeMap<ThreadId, Vec<Deed>>, StoreError> {
        let of_all: Vec<Deed> = mailbox::action(&self.db, id)?
            .map(|done| done.deeds)
            .unwrap_or_default()
            .into_iter()
            .filter(|deed| !deed.is_of_mailbox())
            .collect();
        let projected = mailbox::deeds_on(&self.db, id)?.into_iter();
        let mut reached: BTreeMap<ThreadId, Vec<Deed>> = projected
            .map(|(thread, deeds)| (thread, deeds.unwrap_or_else(|| of_all.clone())))
            .collect();
        let mut own: BTreeMap<ThreadId, Vec<Deed>> = BTreeMap::new();
        for event in Own::of_action(&self.db, id)? {
            let Some(thread) = event.store.as_thread() else { continue };
            let deed = deed(&event.name, &event.args).unwrap_or(Deed::Unknown);
            own.entry(thread).or_default().push(deed);
        }
        reached.extend(own);
        Ok(reached)
    }

    /// This device's last action that stands.
    fn last_standing(&self) -> Result<Option<Past>, EngineError> {
        let (mut found, now) = (None, self.clock.now_ms());
        self.own_past(|past| {
            let stands = past.undoes.is_none() && past.undone_by.is_none() && past.name != "undo";
            // A pause in writing is no key, and what was taken back is sent by a key again.
            let wrote =
                |deed: &Deed| matches!(deed, Deed::Draft(DraftDeed::Saved | DraftDeed::Cancelled));
            let stands = stands && (past.deeds.is_empty() || !past.deeds.iter().all(wrote));
            // What was sent a while ago is not what is meant.
            let old = now.saturating_sub(past.at) > JUST_SENT_MS;
            let stands = stands && !(old && self.is_on_its_way(&past.id).unwrap_or(false));
            if stands {
                found = Some(past);
            }
            !stands
        })?;
        Ok(found)
    }

    /// What `redo` does without a name: going back in time through what this device did, the first
    /// undo that no redo has answered. What was done anew before that leaves nothing to redo; read
    /// marks do not count, since opening a conversation makes them.
    fn last_undone(&self) -> Result<Option<Past>, EngineError> {
        let (mut found, mut redone) = (None, BTreeSet::new());
        self.own_past(|past| {
            if let Some(undone) = past.undoes {
                let answered = redone.remove(&undone);
                if !answered {
                    found = Some(undone);
                }
                return answered;
            }
            if let Some(of) = past.redoes {
                redone.insert(of);
                return true;
            }
            past.name == "read"
        })?;
        match found {
            Some(id) => Ok(self.past(&id)?),
            None => Ok(None),
        }
    }

    /// Whether an action that was undone was done again, and that stands.
    fn stands_again(&self, id: &ActionId) -> Result<bool, EngineError> {
        for redo in mailbox::redos_of(&self.db, id)?.into_iter().map(|done| done.id) {
            if self.past(&redo)?.is_some_and(|past| past.undone_by.is_none()) {
                return Ok(true);
            }
        }
        let own = Own::actions(&self.db)?;
        for redo in own.iter().filter(|action| action.redoes.as_ref() == Some(id)) {
            if self.past(&redo.id)?.is_some_and(|past| past.undone_by.is_none()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// "Undid: archive of 3 conversations."
fn said(verb: &str, what: &str, rows: usize) -> String {
    match rows {
        0 => format!("{verb}: {what}."),
        rows => format!("{verb}: {what} of {}.", conversations(rows as u64)),
    }
}

/// " 1 is gone for ever."
fn gone_said(gone: usize) -> String {
    match gone {
        0 => String::new(),
        1 => " 1 is gone for ever.".to_owned(),
        more => format!(" {more} are gone for ever."),
    }
}

/// " 1 stays in trash: trashed since by laptop."
fn kept_said(kept: &[Kept]) -> String {
    let mut kinds: BTreeMap<(String, String), usize> = BTreeMap::new();
    for one in kept {
        let why = match &one.by {
            Some(by) => format!("{} since by {}", done(&by.name), by.device_name),
            None => "a message came since".to_owned(),
        };
        *kinds.entry((one.stays.clone(), why)).or_default() += 1;
    }
    let mut said = String::new();
    for ((stays, why), count) in kinds.iter().take(MOST_SAID) {
        let verb = if *count == 1 { "stays" } else { "stay" };
        said = format!("{said} {count} {verb} {stays}: {why}.");
    }
    let more: usize = kinds.values().skip(MOST_SAID).sum();
    if more > 0 {
        said = format!("{said} {more} more keep what was done since.");
    }
    said
}

fn cell_name(cell: &Cell) -> String {
    match cell {
        Cell::Place => "place".to_owned(),
        Cell::Snooze => "snooze".to_owned(),
        Cell::Label(id) => format!("label:{id}"),
        Cell::Star => "starred".to_owned(),
        Cell::Mute => "muted".to_owned(),
        Cell::Read => "read".to_owned(),
        Cell::Link(thread) => format!("link:{thread}"),
        Cell::Outgoing => "draft".to_owned(),
    }
}

/// The event that does a deed on a label again.
fn label_event(deed: &Deed, now: i64) -> (&'static str, Args) {
    use mailbox::name;
    match deed.clone() {
        Deed::Made(id, name) => {
            let kind = "user".to_owned();
            let (color, display_order) = (None, 0);
            let made = LabelCreated { id, name, kind, color, display_order, created_at: now };
            (name::LABEL_CREATED, Args::of(&made))
        }
        Deed::Renamed(id, name) => (name::LABEL_RENAMED, Args::of(&LabelRenamed { id, name })),
        Deed::Recolored(id, color) => {
            (name::LABEL_RECOLORED, Args::of(&LabelRecolored { id, color }))
        }
        Deed::Deleted(id) => (name::LABEL_DELETED, Args::of(&LabelDeleted { id })),
        Deed::SearchSaved(id, name, query) => {
            (name::SEARCH_SAVED, Args::of(&SearchSaved { id, name, query }))
        }
        Deed::SearchRemoved(id, name) => {
            (name::SEARCH_REMOVED, Args::of(&SearchRemoved { id, name }))
        }
        // Asked for those above only.
        _ => ("v1.Nothing", Args::nothing()),
    }
}
