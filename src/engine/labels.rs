//! Labels on the device: found by id or name, made, renamed, recoloured, deleted.
//!
//! Invariant: what is shown is the fold of the log's events and this device's own after them; every
//! change is an action with events in the Mailbox store and touches no conversation's row. Labels
//! with equal names are one label here: what is done to it is done to each of them.

use std::collections::BTreeSet;

use crate::command::count::conversations;
use crate::command::events::event;
use crate::command::intent::{Change, Target};
use crate::engine::view::{Done, Label, LabelKind};
use crate::engine::{Device, EngineError};
use crate::id::{ActionId, LabelId, StoreId, ThreadId};
use crate::label;
use crate::mailbox::{
    self, Groups, LabelCreated, LabelDeleted, LabelRecolored, LabelRenamed, MailboxEvent, name,
};
use crate::store::{Action, Args, Own, StoreError};

/// A change of a label's events: the name of the event, and its arguments for an id.
type Event<'a> = (&'static str, &'a dyn Fn(LabelId) -> Args);

impl Device {
    /// All labels with counts, in display order; own changes included.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn labels(&self) -> Result<Vec<Label>, EngineError> {
        let labels = mailbox::shown_labels(&self.db)?.into_iter();
        Ok(labels
            .map(|row| Label {
                id: row.id,
                name: row.name,
                kind: if row.user { LabelKind::User } else { LabelKind::System },
                color: row.color,
                thread_count: row.threads,
                unread_count: row.unread,
            })
            .collect())
    }

    /// The label with this id, or else with this name in any case; the virtual lists too.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn find_label(&self, name: &str) -> Result<Option<LabelId>, EngineError> {
        // System labels are known before the first event of a backend is here.
        if let Some(id) = label::system_id(&name.to_lowercase()) {
            return Ok(Some(id));
        }
        Ok(mailbox::find_label(&self.db, name)?.map(|(id, _)| id))
    }

    /// The user label that is called so; where there is none, the id that it is made under, and
    /// `true`. One that was deleted under this name is made again.
    ///
    /// # Errors
    /// When the name is empty or the system's, or the database refuses.
    pub fn label_named(&self, text: &str) -> Result<(LabelId, bool), EngineError> {
        // One moment: a label that another process makes between two looks would be no label of
        // this name and yet have its id.
        let _still = self.db.still()?;
        let name = label::clean_name(text).ok_or(EngineError::NoName)?;
        not_the_systems(&name)?;
        let there = mailbox::find_label(&self.db, &name)?;
        if let Some((id, held)) = there
            && label::folded(&held) == label::folded(&name)
        {
            return Ok((id, false));
        }
        if let Some(id) = mailbox::deleted_by_name(&self.db, &name)? {
            return Ok((id, true));
        }
        for id in label::ids_for(&name) {
            if mailbox::shown_by_id(&self.db, &id)?.is_none_or(|(_, deleted)| deleted) {
                return Ok((id, true));
            }
        }
        Err(EngineError::NoName) // the ids have no end
    }

    /// A user label that is there: its name, and the ids that show as one with it.
    fn user_label(&self, id: &LabelId) -> Result<(String, Vec<LabelId>), EngineError> {
        if label::is_system(id.as_str()) {
            return Err(EngineError::SystemLabel(id.to_string()));
        }
        match mailbox::shown_by_id(&self.db, id)? {
            Some((name, false)) => Ok((name, mailbox::twins(&self.db, id)?)),
            _ => Err(EngineError::NoLabel(id.to_string())),
        }
    }

    /// The user label with this name, made where there is none; whether it was made.
    ///
    /// # Errors
    /// As [`Device::label_named`].
    pub fn label_for(&mut self, text: &str) -> Result<(LabelId, bool), EngineError> {
        let (id, new) = self.label_named(text)?;
        if new {
            self.begin_full()?;
            self.unsent = true;
            let action = self.action("create label");
            self.make_label(&id, text, None, &action)?;
        }
        Ok((id, new))
    }

    fn make_label(
        &mut self,
        id: &LabelId,
        text: &str,
        color: Option<&'static str>,
        action: &Action,
    ) -> Result<(), EngineError> {
        let created = LabelCreated {
            id: id.clone(),
            name: label::clean_name(text).ok_or(EngineError::NoName)?,
            kind: "user".to_owned(),
            color: None,
            display_order: 0,
            created_at: self.clock.now(),
        };
        let store = StoreId::mailbox();
        self.add(&store, name::LABEL_CREATED, &Args::of(&created), action)?;
        // A write of its own, so that history and a redo know it.
        if let Some(color) = color.map(str::to_owned) {
            let colored = LabelRecolored { id: id.clone(), color: Some(color) };
            self.add(&store, name::LABEL_RECOLORED, &Args::of(&colored), action)?;
        }
        Ok(())
    }

    /// Makes a label and puts it on threads: one action.
    pub(super) fn new_label(
        &mut self,
        text: &str,
        color: Option<&str>,
        targets: &[Target],
    ) -> Result<Done, EngineError> {
        let called = label::clean_name(text).ok_or(EngineError::NoName)?;
        let color = color.map(palette).transpose()?;
        let (id, new) = self.label_named(&called)?;
        if !new && targets.is_empty() {
            let says = format!("The label {called} is there.");
            return Ok(Done { says, ..Done::default() });
        }
        let action = self.action(if new { "create label" } else { "label" });
        if new {
            self.make_label(&id, &called, color, &action)?;
        }
        let (mut groups, mut rows) = (Groups::of_overlay(), BTreeSet::new());
        for target in targets {
            let root = mailbox::root_of(&self.db, &target.thread)?
                .ok_or_else(|| EngineError::NoThread(target.thread.to_string()))?;
            rows.insert(root);
            groups.touch(&self.db, &target.thread)?;
            let (name, args) = event(&Change::Label(id.clone(), true), target);
            self.add(&StoreId::thread(&target.thread), name, &args, &action)?;
            self.cover(&target.thread)?;
        }
        groups.settle(&self.db)?;
        let made = if new { "Made the label" } else { "Put on the label" };
        let on = match rows.len() {
            0 => String::new(),
            n => format!(" on {}", conversations(n as u64)),
        };
        let says = format!("{made} {called}{on}.");
        Ok(Done { action: Some(action.id), threads: rows.len(), says, ..Done::default() })
    }

    pub(super) fn rename_label(&mut self, id: &LabelId, text: &str) -> Result<Done, EngineError> {
        let (was, twins) = self.user_label(id)?;
        let called = label::clean_name(text).ok_or(EngineError::NoName)?;
        not_the_systems(&called)?;
        if was == called {
            let says = format!("The label is called {called}.");
            return Ok(Done { says, ..Done::default() });
        }
        let other = mailbox::find_label(&self.db, &called)?.is_some_and(|(other, held)| {
            label::folded(&held) == label::folded(&called) && !twins.contains(&other)
        });
        let args = |id| Args::of(&LabelRenamed { id, name: called.clone() });
        let action = self.write_all("rename label", &twins, (name::LABEL_RENAMED, &args))?;
        let one = if other { ": it shows as one with the label of that name" } else { "" };
        let says = format!("Renamed the label {was} to {called}{one}.");
        Ok(Done { action: Some(action), says, ..Done::default() })
    }

    pub(super) fn recolor_label(
        &mut self,
        id: &LabelId,
        color: Option<&str>,
    ) -> Result<Done, EngineError> {
        let (called, twins) = self.user_label(id)?;
        let color = color.map(palette).transpose()?;
        let args = |id| Args::of(&LabelRecolored { id, color: color.map(str::to_owned) });
        let action = self.write_all("recolor label", &twins, (name::LABEL_RECOLORED, &args))?;
        let says = match color {
            Some(color) => format!("The label {called} is {color}."),
            None => format!("The label {called} has no colour."),
        };
        Ok(Done { action: Some(action), says, ..Done::default() })
    }

    pub(super) fn delete_label(&mut self, id: &LabelId) -> Result<Done, EngineError> {
        let (called, twins) = self.user_label(id)?;
        let (threads, _) = mailbox::count_any(&self.db, &twins)?;
        let args = |id| Args::of(&LabelDeleted { id });
        let action = self.write_all("delete label", &twins, (name::LABEL_DELETED, &args))?;
        let says = format!("Deleted the label {called}: {} showed it.", conversations(threads));
        let threads = usize::try_from(threads).unwrap_or(usize::MAX);
        Ok(Done { action: Some(action), threads, says, ..Done::default() })
    }

    fn write_all(
        &mut self,
        action: &str,
        labels: &[LabelId],
        (name, args): Event<'_>,
    ) -> Result<ActionId, StoreError> {
        let action = self.action(action);
        for label in labels {
            self.add(&StoreId::mailbox(), name, &args(label.clone()), &action)?;
        }
        Ok(action.id)
    }

    /// Shows what an own event of the Mailbox store, which was just added, does to labels.
    pub(super) fn show_own_labels(&mut self, name: &str, args: &Args) -> Result<(), StoreError> {
        let own = Own::of(&self.db, &StoreId::mailbox())?;
        let read = MailboxEvent::read(name, args);
        let mut labels: BTreeSet<LabelId> =
            read.as_ref().and_then(MailboxEvent::label).cloned().into_iter().collect();
        if let Some(MailboxEvent::Undone(undo)) = &read {
            labels = self.labels_of(&undo.action)?;
        }
        labels.iter().try_for_each(|label| mailbox::show(&self.db, label, &own))
    }

    /// The labels that an action wrote to.
    fn labels_of(&self, action: &ActionId) -> Result<BTreeSet<LabelId>, StoreError> {
        let mut labels = mailbox::written_by(&self.db, action)?;
        for event in Own::of(&self.db, &StoreId::mailbox())? {
            if event.action.as_ref().is_some_and(|held| held.id == *action) {
                let read = MailboxEvent::read(&event.name, &event.args);
                labels.extend(read.as_ref().and_then(MailboxEvent::label).cloned());
            }
        }
        Ok(labels)
    }

    /// Shows labels as the log and own events have them now.
    pub(super) fn show_labels(&self, labels: &BTreeSet<LabelId>) -> Result<(), StoreError> {
        if labels.is_empty() {
            return Ok(());
        }
        let own = Own::of(&self.db, &StoreId::mailbox())?;
        labels.iter().try_for_each(|label| mailbox::show(&self.db, label, &own))
    }

    /// Makes the list of shown labels again.
    pub(super) fn show_all_labels(&self) -> Result<(), StoreError> {
        mailbox::show_all(&self.db, &Own::of(&self.db, &StoreId::mailbox())?)
    }

    /// What the undo of an action leaves alone of its labels, as a sentence; empty when all of it
    /// was taken back.
    pub(super) fn labels_kept(&self, action: &ActionId) -> Result<String, StoreError> {
        let own = Own::of(&self.db, &StoreId::mailbox())?;
        let mut said = Vec::new();
        for label in self.labels_of(action)? {
            let (mut writes, mut undone) = mailbox::writes(&self.db, &label)?;
            mailbox::add_own(&own, &label, &mut writes, &mut undone);
            let state = mailbox::fold(&label, &writes, &undone);
            let Some(state) = state else { continue };
            for cell in mailbox::kept(&writes, &undone, action) {
                said.push(match cell {
                    "name" => format!(" The label stays {}: renamed since.", state.name),
                    "colour" => format!(" {} keeps its colour: recoloured since.", state.name),
                    _ if state.deleted => format!(" {} stays deleted.", state.name),
                    _ => format!(" {} stays: made since.", state.name),
                });
            }
        }
        Ok(said.concat())
    }

    /// Changes as they are done on threads: a label that is taken off goes with all that show as
    /// one with it.
    pub(super) fn with_twins(&self, changes: &[Change]) -> Result<Vec<Change>, StoreError> {
        let mut all = Vec::with_capacity(changes.len());
        for change in changes {
            match change {
                Change::Label(label, false) if !label::is_system(label.as_str()) => {
                    let mut twins = mailbox::twins(&self.db, label)?;
                    if !twins.contains(label) {
                        twins.push(label.clone());
                    }
                    all.extend(twins.into_iter().map(|twin| Change::Label(twin, false)));
                }
                other => all.push(other.clone()),
            }
        }
        Ok(all)
    }

    /// Whether the removal of a label changes a thread, as it is shown.
    pub(super) fn carries(&self, thread: &ThreadId, label: &LabelId) -> Result<bool, StoreError> {
        if let Some(shown) = mailbox::overlaid(&self.db, thread)? {
            return Ok(shown.labels.contains(label));
        }
        let row = mailbox::raw_row(&self.db, thread)?;
        Ok(row.is_some_and(|row| row.shown.labels.contains(label)))
    }
}

/// A name that is the system's, by id or by what it is called, is for no label of the user.
fn not_the_systems(name: &str) -> Result<(), EngineError> {
    let folded = label::folded(name);
    let called = mailbox::SYSTEM.iter().any(|(_, called)| label::folded(called) == folded);
    if called || label::is_system(&folded) {
        return Err(EngineError::SystemLabel(name.to_owned()));
    }
    Ok(())
}

fn palette(color: &str) -> Result<&'static str, EngineError> {
    label::color(color).ok_or_else(|| EngineError::NoColor(crate::safe_text::line(color)))
}
