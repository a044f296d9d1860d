//! What a label is: the fold of all that was written of it, without the events of undone actions.
//!
//! Invariant: the same pure fold gives the confirmed row from the confirmed events, and the row
//! that a device shows from these and its own behind them; so the two cannot disagree. A label that
//! was made and is not any more keeps its row, hidden, so that it comes back with its conversations
//! when it is made again.

use std::collections::BTreeSet;

use rusqlite::params;

use crate::id::{ActionId, LabelId};
use crate::label;
use crate::mailbox::event::MailboxEvent;
use crate::store::{Args, Db, Event, OwnEvent, StoreError};

/// A write to a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Its action; what the backend makes of mail has none.
    pub action: Option<ActionId>,
    /// The event.
    pub event: MailboxEvent,
}

/// A label as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelState {
    /// Its name.
    pub name: String,
    /// Its colour, a name of the palette.
    pub color: Option<String>,
    /// Its place among the system's labels.
    pub display_order: i64,
    /// Unix seconds.
    pub created_at: i64,
    /// Whether it is hidden.
    pub deleted: bool,
}

/// What a label is after `writes`, in order; `None` when nothing was written of it.
#[must_use]
pub fn fold(id: &LabelId, writes: &[Write], undone: &BTreeSet<ActionId>) -> Option<LabelState> {
    let system = label::is_system(id.as_str());
    let name = |text: &str| label::clean_name(text).unwrap_or_else(|| id.as_str().to_owned());
    let color = |text: &Option<String>| text.as_deref().and_then(label::color).map(str::to_owned);
    // What it was called at first is how it is found again, whatever was undone.
    let called = writes.iter().find_map(|write| match &write.event {
        MailboxEvent::LabelCreated(made) => Some(name(&made.name)),
        _ => None,
    });
    let mut state = LabelState {
        name: called.unwrap_or_else(|| id.as_str().to_owned()),
        color: None,
        display_order: 0,
        created_at: 0,
        deleted: true,
    };
    let stands = |write: &&Write| !write.action.as_ref().is_some_and(|id| undone.contains(id));
    let mut made_before = false;
    for write in writes.iter().filter(stands) {
        match &write.event {
            // A label that is there stays as it is: somebody else made it as well.
            MailboxEvent::LabelCreated(made) if state.deleted => {
                state.name = name(&made.name);
                state.color = color(&made.color).or(state.color);
                state.deleted = false;
                if !std::mem::replace(&mut made_before, true) {
                    (state.display_order, state.created_at) = (made.display_order, made.created_at);
                }
            }
            MailboxEvent::LabelRenamed(renamed) if !system => state.name = name(&renamed.name),
            MailboxEvent::LabelRecolored(colored) => state.color = color(&colored.color),
            MailboxEvent::LabelDeleted(_) if !system => state.deleted = true,
            _ => {}
        }
    }
    // What is no label's is kept beside them: saved searches.
    let is_labels = |write: &Write| {
        !matches!(write.event, MailboxEvent::SearchSaved(_) | MailboxEvent::SearchRemoved(_))
    };
    writes.iter().any(is_labels).then_some(state)
}

/// What of an action's writes to a label is not what the label shows when the action is undone,
/// since another action wrote there later: `name`, `colour`, `there`.
#[must_use]
pub fn kept(writes: &[Write], undone: &BTreeSet<ActionId>, action: &ActionId) -> Vec<&'static str> {
    let cell = |event: &MailboxEvent| match event {
        MailboxEvent::LabelCreated(_) | MailboxEvent::LabelDeleted(_) => Some("there"),
        MailboxEvent::LabelRenamed(_) => Some("name"),
        MailboxEvent::LabelRecolored(_) => Some("colour"),
        _ => None,
    };
    let mut kept = Vec::new();
    for (at, write) in writes.iter().enumerate() {
        let Some(cell) = cell(&write.event).filter(|_| write.action.as_ref() == Some(action))
        else {
            continue;
        };
        let later = writes[at + 1..].iter().any(|other| {
            other.action.as_ref() != Some(action)
                && !other.action.as_ref().is_some_and(|id| undone.contains(id))
                && self::same_cell(cell, &other.event)
        });
        if later && !kept.contains(&cell) {
            kept.push(cell);
        }
    }
    kept
}

fn same_cell(cell: &str, event: &MailboxEvent) -> bool {
    match event {
        MailboxEvent::LabelCreated(_) | MailboxEvent::LabelDeleted(_) => cell == "there",
        MailboxEvent::LabelRenamed(_) => cell == "name",
        MailboxEvent::LabelRecolored(_) => cell == "colour",
        _ => false,
    }
}

/// Takes in what an event writes to labels, or undoes; returns the labels. The undo is noted
/// already.
pub(super) fn take(
    db: &Db,
    event: &Event,
    read: &MailboxEvent,
) -> Result<BTreeSet<LabelId>, StoreError> {
    let mut labels = BTreeSet::new();
    if let Some(label) = read.label() {
        let new = &event.event;
        db.sql()
            .prepare_cached(
                "INSERT OR IGNORE INTO labelEvents(label, position, name, args, action)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                label.as_str(),
                i64::try_from(event.position).unwrap_or(i64::MAX),
                new.name,
                new.args.text(),
                new.action.as_ref().map(|action| action.id.as_str()),
            ])?;
        labels.insert(label.clone());
    } else if let MailboxEvent::Undone(undo) = read {
        labels = written_by(db, &undo.action)?;
    }
    for label in &labels {
        let (writes, undone) = writes(db, label)?;
        put(db, "labels", label, fold(label, &writes, &undone).as_ref())?;
    }
    Ok(labels)
}

/// The labels that an action wrote to, as far as the log has it.
///
/// # Errors
/// When the database refuses.
pub fn written_by(db: &Db, action: &ActionId) -> Result<BTreeSet<LabelId>, StoreError> {
    let mut statement =
        db.sql().prepare_cached("SELECT DISTINCT label FROM labelEvents WHERE action = ?1")?;
    let rows = statement.query_map([action.as_str()], |row| row.get::<_, String>(0))?;
    let mut labels = BTreeSet::new();
    for row in rows {
        labels.insert(parsed(&row?)?);
    }
    Ok(labels)
}

/// All that the log has of a label, in order, and which of its actions are undone.
///
/// # Errors
/// When the database refuses.
pub fn writes(db: &Db, label: &LabelId) -> Result<(Vec<Write>, BTreeSet<ActionId>), StoreError> {
    let mut statement = db.sql().prepare_cached(
        "SELECT e.name, e.args, e.action, u.actionId IS NOT NULL FROM labelEvents e
         LEFT JOIN undone u ON u.actionId = e.action WHERE e.label = ?1 ORDER BY e.position",
    )?;
    let mut rows = statement.query([label.as_str()])?;
    let (mut writes, mut undone) = (Vec::new(), BTreeSet::new());
    while let Some(row) = rows.next()? {
        let (name, args): (String, String) = (row.get(0)?, row.get(1)?);
        let action: Option<String> = row.get(2)?;
        let action = action.as_deref().map(parsed::<ActionId>).transpose()?;
        if row.get(3)? {
            undone.extend(action.clone());
        }
        if let Some(event) = MailboxEvent::read(&name, &Args::from_text(args)) {
            writes.push(Write { action, event });
        }
    }
    Ok((writes, undone))
}

/// Adds what a device's own events of the Mailbox store write to a label, or undo of it.
pub fn add_own(
    own: &[OwnEvent],
    label: &LabelId,
    writes: &mut Vec<Write>,
    undone: &mut BTreeSet<ActionId>,
) {
    for event in own {
        match MailboxEvent::read(&event.name, &event.args) {
            Some(MailboxEvent::Undone(undo)) => {
                undone.insert(undo.action);
            }
            Some(read) if read.label() == Some(label) => {
                let action = event.action.as_ref().map(|action| action.id.clone());
                writes.push(Write { action, event: read });
            }
            _ => {}
        }
    }
}

/// Puts what a device shows of a label into its table: the log's writes, and its own after them.
///
/// # Errors
/// When the database refuses.
pub fn show(db: &Db, label: &LabelId, own: &[OwnEvent]) -> Result<(), StoreError> {
    let (mut writes, mut undone) = writes(db, label)?;
    add_own(own, label, &mut writes, &mut undone);
    put(db, "labelsShown", label, fold(label, &writes, &undone).as_ref())
}

/// Makes the confirmed labels again.
pub(super) fn fold_all(db: &Db) -> Result<(), StoreError> {
    db.sql().execute("DELETE FROM labels", [])?;
    for label in written(db)? {
        let (writes, undone) = writes(db, &label)?;
        put(db, "labels", &label, fold(&label, &writes, &undone).as_ref())?;
    }
    Ok(())
}

/// The labels that the log has events of.
fn written(db: &Db) -> Result<BTreeSet<LabelId>, StoreError> {
    let mut statement = db.sql().prepare("SELECT DISTINCT label FROM labelEvents")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|row| parsed(&row?)).collect()
}

/// Makes the table of shown labels again.
///
/// # Errors
/// When the database refuses.
pub fn show_all(db: &Db, own: &[OwnEvent]) -> Result<(), StoreError> {
    db.sql().execute("DELETE FROM labelsShown", [])?;
    let mut labels = written(db)?;
    for event in own {
        let read = MailboxEvent::read(&event.name, &event.args);
        labels.extend(read.as_ref().and_then(MailboxEvent::label).cloned());
    }
    labels.iter().try_for_each(|label| show(db, label, own))
}

fn put(
    db: &Db,
    table: &str,
    label: &LabelId,
    state: Option<&LabelState>,
) -> Result<(), StoreError> {
    let Some(state) = state else {
        db.sql()
            .prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?
            .execute([label.as_str()])?;
        return Ok(());
    };
    let kind = if label::is_system(label.as_str()) { "system" } else { "user" };
    let (LabelState { name, color, display_order, created_at, deleted }, folded) =
        (state, label::folded(&state.name));
    if table == "labels" {
        db.sql()
            .prepare_cached(
                "INSERT OR REPLACE INTO labels(id, name, type, color, displayOrder, createdAt,
                     deleted) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                label.as_str(),
                name,
                kind,
                color,
                display_order,
                created_at,
                deleted
            ])?;
    } else {
        db.sql()
            .prepare_cached(
                "INSERT OR REPLACE INTO labelsShown(id, name, type, color, displayOrder, createdAt,
                     deleted, folded) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                label.as_str(),
                name,
                kind,
                color,
                display_order,
                created_at,
                deleted,
                folded
            ])?;
    }
    Ok(())
}

fn parsed<T: for<'a> TryFrom<&'a str, Error = crate::id::InvalidId>>(
    text: &str,
) -> Result<T, StoreError> {
    T::try_from(text).map_err(|error| StoreError::Row(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::event::{LabelCreated, LabelDeleted, LabelRecolored, LabelRenamed};

    /// `x+Work` makes it in action x, `x=Job` renames, `x#red` and `x#` recolour, `x-` deletes;
    /// `.` for x is the backend, which has no actions.
    fn write(text: &str) -> Write {
        let id = || LabelId::try_from("work").unwrap();
        let (action, what) = text.split_at(1);
        let (kind, rest) = what.split_at(1);
        let event = match kind {
            "+" => MailboxEvent::LabelCreated(LabelCreated {
                id: id(),
                name: rest.to_owned(),
                kind: "user".to_owned(),
                color: None,
                display_order: 0,
                created_at: 7,
            }),
            "=" => MailboxEvent::LabelRenamed(LabelRenamed { id: id(), name: rest.to_owned() }),
            "#" => MailboxEvent::LabelRecolored(LabelRecolored {
                id: id(),
                color: (!rest.is_empty()).then(|| rest.to_owned()),
            }),
            _ => MailboxEvent::LabelDeleted(LabelDeleted { id: id() }),
        };
        let action = (action != ".").then(|| ActionId::try_from(action).unwrap());
        Write { action, event }
    }

    fn read(story: &str) -> Vec<Write> {
        story.split_whitespace().map(write).collect()
    }

    /// What a label is, as `name`, `name/colour` or `(name)` when it is hidden.
    fn check(story: &str, undone: &str, wanted: &str) {
        let gone = undone.split_whitespace().map(|id| ActionId::try_from(id).unwrap()).collect();
        let id = LabelId::try_from("work").unwrap();
        let found = fold(&id, &read(story), &gone).map_or_else(String::new, |label| {
            let color = label.color.map(|color| format!("/{color}")).unwrap_or_default();
            let shown = format!("{}{color}", label.name);
            if label.deleted { format!("({shown})") } else { shown }
        });
        assert_eq!(found, wanted, "{story} without {undone}");
    }

    #[test]
    fn a_label_is_the_fold_of_its_events() {
        check("", "", "");
        check("a+Work", "", "Work");
        check("a+Work b=Job c#red", "", "Job/red");
        check("a+Work b=Job c=Play", "", "Play");
        check("a+Work b#red c#", "", "Work");
        check("a+Work b#nocolour", "", "Work");
        check("a+Work b-", "", "(Work)");
        // Two made it: it is made once.
        check("a+Work b=Job c+Work", "", "Job");
        // Made again after it was deleted: under the name that it is made with.
        check("a+Work b=Job c- d+Work", "", "Work");
        check(".+Work b#red c- .+work", "", "work/red");
        // Names are cleaned wherever they come from.
        check("a+\u{1b}[1mWork", "", "\u{fffd}[1mWork");
    }

    #[test]
    fn undone_actions_wrote_nothing() {
        check("a+Work b=Job", "b", "Work");
        check("a+Work b=Job c=Play", "b", "Play");
        check("a+Work b=Job c=Play", "b c", "Work");
        check("a+Work b-", "b", "Work");
        check("a+Work", "a", "(Work)");
        check("a+Work b+Work", "a", "Work");
        check("a+Work b- c+Work", "c", "(Work)");
        check("a+Work b- c+Work", "b", "Work");
        check("a+Work b=Job", "a", "(Job)");
        check("a+Work b=Job a#red", "a", "(Job)");
    }

    #[test]
    fn an_undo_says_what_was_written_since() {
        for (story, action, undone, wanted) in [
            ("a+Work b=Job", "b", "", &[][..]),
            ("a+Work b=Job c=Play", "b", "", &["name"]),
            ("a+Work b=Job c=Play", "b", "c", &[]),
            ("a+Work b=Job c#red", "b", "", &[]),
            ("a+Work b+Work", "a", "", &["there"]),
            ("a+Work b- c+Work", "b", "", &["there"]),
        ] {
            let gone =
                undone.split_whitespace().map(|id| ActionId::try_from(id).unwrap()).collect();
            let action = ActionId::try_from(action).unwrap();
            assert_eq!(kept(&read(story), &gone, &action), wanted, "{story}, {action:?}");
        }
    }

    #[test]
    fn a_label_of_the_system_keeps_its_name_and_stays() {
        let inbox = LabelId::try_from("inbox").unwrap();
        let writes = read(".+Inbox b=Other c- d#red");
        let state = fold(&inbox, &writes, &BTreeSet::new()).unwrap();
        assert_eq!((state.name.as_str(), state.deleted), ("Inbox", false));
        assert_eq!(state.color.as_deref(), Some("red"));
    }
}
