//! `mute`: what comes later does not bring the conversation back to the inbox.
//!
//! Invariant: absolute, by what was drawn: off only where all rows are muted.

use super::context::{Context, Subject, change};
use super::intent::{Change, Intent};
use super::registry::{Command, Group, Verb};

/// The declaration.
pub const MUTE: Command = Command {
    name: "mute",
    does: "Mute: answers do not bring it back; unmute",
    hint: "",
    group: Group::Triage,
    contexts: &[Context::List, Context::Reader],
    keys: &["m"],
    undoable: true,
    verb: Verb::Decide(decide),
};

fn decide(subjects: &[Subject]) -> Option<Intent> {
    let muted = |row: &Subject| row.labels.iter().any(|label| label.as_str() == "muted");
    change(subjects, Change::Mute(!subjects.iter().all(muted)))
}

#[cfg(test)]
mod tests {
    use super::super::context::sample::subject;
    use super::*;

    #[test]
    fn off_only_where_all_are_muted() {
        let loud = subject("aaaaaaaa", false);
        let mut muted = loud.clone();
        muted.labels.push(crate::label::system("muted"));
        for (rows, on) in
            [(vec![loud.clone()], true), (vec![loud, muted.clone()], true), (vec![muted], false)]
        {
            let Some(Intent::Change { changes, .. }) = decide(&rows) else { panic!("no intent") };
            assert_eq!(changes, [Change::Mute(on)]);
        }
        assert_eq!(decide(&[]), None);
    }
}
