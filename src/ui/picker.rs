//! The label picker: a filter, the user's labels, and one entry that makes a new label.
//!
//! Invariant: what an entry does is decided by the rows as they were drawn when the picker opened
//! (and by what was toggled in it since). The labels are those that the engine said last.

use crate::command::context::Subject;
use crate::command::intent::{Change, Intent};
use crate::command::label::{self, Carried};
use crate::command::motion::{Edit, Motion};
use crate::engine::view::{Label, LabelKind};
use crate::id::LabelId;
use crate::label::{clean_name, folded, user_label};
use crate::ui::line::Line;

/// The picker's state.
#[derive(Debug, Clone)]
pub struct Picker {
    /// What is typed to filter.
    pub filter: Line,
    /// The rows it is for; none when it is only for the labels themselves.
    pub subjects: Vec<Subject>,
    /// The entry under the cursor.
    pub cursor: usize,
    labels: Vec<Label>,
    /// Names of the system's labels, which no label of the user can have.
    taken: Vec<String>,
    /// Labels made here whose id only the engine knows.
    made: Vec<String>,
    /// The label under the cursor that vanished, until the cursor moves.
    lost: Option<String>,
    /// What was typed and where the cursor was when an entry was last toggled.
    toggled: Option<(String, usize)>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A label and how many of the rows carry it.
    Label(Label, Carried),
    /// Makes a label of this name and puts it on.
    New(String),
}

impl Picker {
    /// A picker over the user's among `labels` for `subjects`.
    #[must_use]
    pub fn new(labels: &[Label], subjects: Vec<Subject>) -> Self {
        let system = labels.iter().filter(|label| label.kind == LabelKind::System);
        let taken = system.flat_map(|label| [folded(&label.name), label.id.to_string()]).collect();
        let labels = users(labels);
        Self {
            filter: Line::default(),
            subjects,
            cursor: 0,
            labels,
            taken,
            made: Vec::new(),
            lost: None,
            toggled: None,
        }
    }

    /// Takes in the labels as they are now; the cursor stays on its label.
    pub fn refresh(&mut self, labels: &[Label]) {
        let under = self.current().map(|label| (label.id.clone(), label.name.clone()));
        self.labels = users(labels);
        // What was made here has its own id now.
        self.made.retain(|name| {
            let id = user_label(name);
            let Some(real) = self.labels.iter().find(|label| folded(&label.name) == *name) else {
                return true;
            };
            for label in self.subjects.iter_mut().flat_map(|subject| &mut subject.labels) {
                if *label == id {
                    label.clone_from(&real.id);
                }
            }
            false
        });
        let at = self.entries().iter().position(|entry| match entry {
            Entry::Label(label, _) => Some(&label.id) == under.as_ref().map(|(id, _)| id),
            Entry::New(_) => false,
        });
        // What was made here comes back under its own id.
        let is_there = |name: &String| {
            self.labels.iter().any(|label| folded(&label.name) == folded(name))
                || self.made.contains(&folded(name))
        };
        if at.is_none() && self.lost.is_none() {
            self.lost = under.map(|(_, name)| name).filter(|name| !is_there(name));
        }
        let last = self.entries().len().saturating_sub(1);
        self.cursor = at.unwrap_or(self.cursor).min(last);
    }

    /// The label under the cursor.
    #[must_use]
    pub fn current(&self) -> Option<&Label> {
        let entries = self.entries();
        let Some(Entry::Label(label, _)) = entries.get(self.cursor) else { return None };
        self.labels.iter().find(|held| held.id == label.id)
    }

    /// The entries that match what is typed.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let typed = clean_name(self.filter.text());
        let wanted = folded(self.filter.text());
        let shown = self.labels.iter().filter(|label| folded(&label.name).contains(&wanted));
        let mut entries: Vec<Entry> = shown
            .map(|label| Entry::Label(label.clone(), label::carried(&self.subjects, &label.id)))
            .collect();
        if let Some(name) = typed {
            let known = self.labels.iter().any(|label| folded(&label.name) == wanted);
            if !known && !self.taken.contains(&wanted) {
                entries.push(Entry::New(name));
            }
        }
        entries
    }

    /// The label under the cursor that vanished since: what stands there now was not chosen.
    pub fn take_lost(&mut self) -> Option<String> {
        self.lost.take()
    }

    /// Types text into the filter.
    pub fn insert(&mut self, text: &str) {
        self.filter.insert(text);
        (self.cursor, self.lost) = (0, None);
    }

    /// Does an edit key in the filter.
    pub fn edit(&mut self, how: Edit) {
        self.filter.edit(how);
        (self.cursor, self.lost) = (0, None);
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        self.lost = None;
        let last = self.entries().len().saturating_sub(1);
        self.cursor = match motion {
            Motion::Down => self.cursor + 1,
            Motion::Up => self.cursor.saturating_sub(1),
            _ => self.cursor,
        }
        .min(last);
    }

    /// As [`Picker::choose`], and the picker stays.
    pub fn toggle(&mut self) -> Option<Intent> {
        let intent = self.choose();
        self.toggled = Some((self.filter.text().to_owned(), self.cursor));
        intent
    }

    /// Whether the entry under the cursor is the one that was toggled just now: choosing it again
    /// to close would take back what it did.
    #[must_use]
    pub fn is_toggled(&self) -> bool {
        let here =
            |(typed, at): &(String, usize)| typed == self.filter.text() && *at == self.cursor;
        self.toggled.as_ref().is_some_and(here)
    }

    /// What the entry under the cursor asks for; its mark changes at once.
    pub fn choose(&mut self) -> Option<Intent> {
        match self.entries().into_iter().nth(self.cursor)? {
            Entry::Label(label, _) => {
                let intent = label::toggle(&self.subjects, &label.id)?;
                let Intent::Change { changes, .. } = &intent else { return Some(intent) };
                let on = changes.contains(&Change::Label(label.id.clone(), true));
                self.mark(&label.id, on);
                Some(intent)
            }
            Entry::New(name) => {
                let id = user_label(&name);
                self.mark(&id, true);
                let (kind, color) = (LabelKind::User, None);
                let (thread_count, unread_count) = (0, 0);
                let label = Label { id, name, kind, color, thread_count, unread_count };
                let intent = label::create(&self.subjects, &label.name);
                self.made.push(folded(&label.name));
                self.labels.push(label);
                intent
            }
        }
    }

    fn mark(&mut self, id: &LabelId, on: bool) {
        for subject in &mut self.subjects {
            subject.labels.retain(|label| label != id);
            if on {
                subject.labels.push(id.clone());
            }
        }
    }
}

fn users(labels: &[Label]) -> Vec<Label> {
    labels.iter().filter(|label| label.kind == LabelKind::User).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::context::sample::subject;

    fn label(name: &str) -> Label {
        let (id, name) = (user_label(name), name.to_owned());
        let (kind, color) = (LabelKind::User, None);
        Label { id, name, kind, color, thread_count: 1, unread_count: 0 }
    }

    fn check(typed: &str, shown: &[&str]) {
        let labels = [label("Work"), label("Travel")];
        let mut picker = Picker::new(&labels, vec![subject("aaaaaaaa", false)]);
        picker.filter.insert(typed);
        let entries: Vec<String> = picker
            .entries()
            .into_iter()
            .map(|entry| match entry {
                Entry::Label(label, _) => label.name,
                Entry::New(name) => format!("new {name}"),
            })
            .collect();
        assert_eq!(entries, shown, "{typed:?}");
    }

    #[test]
    fn filters_and_offers_to_create() {
        check("", &["Work", "Travel"]);
        check("  ", &["Work", "Travel"]);
        check("RAV", &["Travel", "new RAV"]);
        check("work", &["Work"]);
        check("x", &["new x"]);
    }

    #[test]
    fn choosing_twice_takes_off_again() {
        let mut picker = Picker::new(&[label("Work")], vec![subject("aaaaaaaa", false)]);
        for on in [true, false] {
            let chosen = picker.choose();
            let Some(Intent::Change { changes, .. }) = chosen else { panic!("one change") };
            assert_eq!(changes, [Change::Label(user_label("work"), on)]);
        }
    }

    #[test]
    fn what_was_toggled_is_not_toggled_again_by_closing() {
        let labels = [label("Work"), label("Travel")];
        let mut picker = Picker::new(&labels, vec![subject("aaaaaaaa", false)]);
        assert!(!picker.is_toggled());
        picker.toggle();
        assert!(picker.is_toggled());
        picker.go(Motion::Down);
        assert!(!picker.is_toggled(), "another entry");
        picker.go(Motion::Up);
        picker.filter.insert("w");
        assert!(!picker.is_toggled(), "another filter");
    }

    #[test]
    fn a_system_name_is_not_offered_and_a_new_label_gets_its_own_id() {
        let system = |id: &'static str, name: &str| Label {
            id: crate::label::system(id),
            kind: LabelKind::System,
            ..label(name)
        };
        let inbox = system("inbox", "Inbox");
        let mut picker = Picker::new(&[inbox, label("Work")], vec![subject("aaaaaaaa", false)]);
        picker.filter.insert("inbox");
        assert_eq!(picker.entries(), []);
        picker.filter = Line::default();
        picker.filter.insert("Plans");
        let chosen = picker.choose();
        assert!(matches!(chosen, Some(Intent::NewLabel { .. })), "{chosen:?}");
        // It had been deleted under another id, and has come back.
        let back = Label { id: user_label("other"), ..label("plans") };
        picker.refresh(&[back.clone(), label("Work")]);
        assert_eq!(picker.entries(), [Entry::Label(back.clone(), Carried::All)]);
        let off = picker.choose();
        let Some(Intent::Change { changes, .. }) = off else { panic!("a change: {off:?}") };
        assert_eq!(changes, [Change::Label(back.id, false)]);
    }

    #[test]
    fn the_cursor_stays_on_its_label() {
        let mut picker = Picker::new(&[label("Books"), label("Travel"), label("Work")], Vec::new());
        picker.cursor = 1;
        picker.refresh(&[label("Art"), label("Books"), label("Travel"), label("Work")]);
        assert_eq!(picker.current().map(|label| label.name.as_str()), Some("Travel"));
        picker.refresh(&[label("Art")]);
        assert_eq!(picker.cursor, 0);
        picker.refresh(&[]);
        assert_eq!((picker.cursor, picker.current()), (0, None));
        assert_eq!(picker.choose(), None);
    }
}
