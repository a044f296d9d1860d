//! `label`: the picker, and what choosing in it means.

use super::context::{Context, Subject, change};
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};
use crate::id::LabelId;
use crate::label::{clean_name, user_label};

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

/// Makes the label `name` and puts it on: two intents, in order.
#[must_use]
pub fn create(subjects: &[Subject], name: &str) -> Vec<Intent> {
    let Some(name) = clean_name(name) else { return Vec::new() };
    let id = user_label(&name);
    let apply = change(subjects, Change::Label(id, true));
    std::iter::once(Intent::CreateLabel(name)).chain(apply).collect()
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

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
    fn creates_before_it_applies() {
        let made = create(&[subject("aaaaaaaa", false)], "  Big   Plans ");
        assert_eq!(made[0], Intent::CreateLabel("Big Plans".to_owned()));
        let Intent::Change { changes, .. } = &made[1] else { panic!("no change") };
        assert_eq!(*changes, [Change::Label(user_label("Big Plans"), true)]);
        assert!(create(&[], " \u{7} ").len() <= 1);
    }
}
