//! `label`: the picker, and what choosing in it means.

use super::context::{Context, Subject, change};
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};
use crate::id::LabelId;
use crate::label::clean_name;

/// The declaration.
pub const LABEL: Command = Command {
    name: "label",
    does: "Put labels on or take them off",
    hint: "label",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["l"],
    undoable: true,
    verb: Verb::PickLabels,
};

/// How many of the rows carry a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// None.
    None,
    /// Some.
    Some,
    /// All.
    All,
}

/// How many of `subjects` carry `label`, as drawn.
#[must_use]
pub fn carried(subjects: &[Subject], label: &LabelId) -> Carried {
    match subjects.iter().filter(|row| row.labels.contains(label)).count() {
        0 => Carried::None,
        n if n == subjects.len() => Carried::All,
        _ => Carried::Some,
    }
}

/// Takes `label` off when all carry it as drawn, else puts it on.
#[must_use]
pub fn toggle(subjects: &[Subject], label: &LabelId) -> Option<Intent> {
    let on = carried(subjects, label) != Carried::All;
    change(subjects, Change::Label(label.clone(), on))
}

/// Makes the label `name` and puts it on.
#[must_use]
pub fn create(subjects: &[Subject], name: &str) -> Option<Intent> {
    let name = clean_name(name)?;
    let targets = subjects.iter().flat_map(|row| row.targets.clone()).collect();
    Some(Intent::NewLabel { name, color: None, targets })
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;
    use crate::label::user_label;

    #[test]
    fn toggles_by_what_was_drawn() {
        let work = user_label("work");
        let mut with = subject("aaaaaaaa", false);
        with.labels.push(work.clone());
        let without = subject("bbbbbbbb", false);
        for (rows, carries, on) in [
            (vec![without.clone()], Carried::None, true),
            (vec![with.clone(), without], Carried::Some, true),
            (vec![with], Carried::All, false),
        ] {
            assert_eq!(carried(&rows, &work), carries);
            let Some(Intent::Change { changes, .. }) = toggle(&rows, &work) else { panic!() };
            assert_eq!(changes, [Change::Label(work.clone(), on)]);
        }
    }

    #[test]
    fn making_one_is_one_intent() {
        let row = subject("aaaaaaaa", false);
        let made = create(std::slice::from_ref(&row), "  Big   Plans ");
        let name = "Big Plans".to_owned();
        assert_eq!(made, Some(Intent::NewLabel { name, color: None, targets: row.targets }));
        assert_eq!(create(&[], " "), None);
    }
}
