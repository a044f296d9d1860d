//! The label picker: a filter, the user's labels, and one entry that makes a new label.
//!
//! Invariant: what an entry does is decided by the rows as they were drawn when the picker opened
//! (and by what was toggled in it since).

use crate::command::context::Subject;
use crate::command::intent::{Change, Intent};
use crate::command::label::{self, Carried};
use crate::command::motion::Motion;
use crate::engine::view::{Label, LabelKind};
use crate::id::LabelId;
use crate::label::{clean_name, user_label};
use crate::ui::line::Line;

/// The picker's state.
#[derive(Debug, Clone)]
pub struct Picker {
    /// What is typed to filter.
    pub filter: Line,
    /// The rows it is for.
    pub subjects: Vec<Subject>,
    /// The entry under the cursor.
    pub cursor: usize,
    labels: Vec<(LabelId, String)>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A label and how many of the rows carry it.
    Label(LabelId, String, Carried),
    /// Makes a label of this name and puts it on.
    New(String),
}

impl Picker {
    /// A picker over the user's `labels` for `subjects`.
    #[must_use]
    pub fn new(labels: &[Label], subjects: Vec<Subject>) -> Self {
        let labels = labels
            .iter()
            .filter(|label| label.kind == LabelKind::User)
            .map(|label| (label.id.clone(), label.name.clone()))
            .collect();
        Self { filter: Line::default(), subjects, cursor: 0, labels }
    }

    /// The entries that match what is typed.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let typed = clean_name(self.filter.text());
        let wanted = typed.as_deref().unwrap_or_default().to_lowercase();
        let mut entries: Vec<Entry> = self
            .labels
            .iter()
            .filter(|(_, name)| name.to_lowercase().contains(&wanted))
            .map(|(id, name)| {
                Entry::Label(id.clone(), name.clone(), label::carried(&self.subjects, id))
            })
            .collect();
        if let Some(name) = typed {
            let id = user_label(&name);
            let known =
                self.labels.iter().any(|(known, n)| *known == id || n.to_lowercase() == wanted);
            if !known {
                entries.push(Entry::New(name));
            }
        }
        entries
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        let last = self.entries().len().saturating_sub(1);
        self.cursor = match motion {
            Motion::Down => self.cursor + 1,
            Motion::Up => self.cursor.saturating_sub(1),
            _ => self.cursor,
        }
        .min(last);
    }

    /// What the entry under the cursor asks for; its mark changes at once.
    pub fn choose(&mut self) -> Vec<Intent> {
        let intents = match self.entries().get(self.cursor) {
            Some(Entry::Label(id, ..)) => {
                label::toggle(&self.subjects, id).into_iter().collect::<Vec<_>>()
            }
            Some(Entry::New(name)) => {
                self.labels.push((user_label(name), name.clone()));
                label::create(&self.subjects, name)
            }
            None => Vec::new(),
        };
        for intent in &intents {
            let Intent::Change { changes, .. } = intent else { continue };
            for change in changes {
                let Change::Label(id, on) = change else { continue };
                for subject in &mut self.subjects {
                    subject.labels.retain(|label| label != id);
                    if *on {
                        subject.labels.push(id.clone());
                    }
                }
            }
        }
        intents
    }
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
                Entry::Label(_, name, _) => name,
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
            let [Intent::Change { changes, .. }] = chosen.as_slice() else { panic!("one change") };
            assert_eq!(*changes, [Change::Label(user_label("work"), on)]);
        }
    }
}
