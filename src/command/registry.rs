//! Every command, declared exactly once: keymap, help, hint bar and docs all read this.
//!
//! Invariant: in any context a key sequence names at most one command, and no sequence begins with
//! another one. Pure: this file must not know a terminal, and a command must not build a widget.

use std::sync::OnceLock;

use super::compose::{Out, Write};
use super::context::{Context, Subject};
use super::files::{self, FileVerb};
use super::intent::Intent;
use super::key::Key;
use super::keymap::Keymap;
use super::motion::{Edit, Motion};
use super::reading::{self, Copied};
use super::select::Which;
use super::{
    again, archive, compose, go, label, motion, mute, open, order, palette, panels, program, purge,
    read, search, select, snooze, spam, star, tour, trash, undo,
};

/// What a command does. What needs the rows as drawn is a pure function of them.
#[derive(Debug, Clone, Copy)]
pub enum Verb {
    /// Decides an intent from the rows it applies to.
    Decide(fn(&[Subject]) -> Option<Intent>),
    /// Moves the cursor, or scrolls.
    Motion(Motion),
    /// Edits a line of text.
    Edit(Edit),
    /// Opens the conversation under the cursor.
    Open,
    /// Something about files of a conversation.
    Files(FileVerb),
    /// Shows the links of the message.
    Links,
    /// Opens the link under the cursor.
    OpenLink,
    /// Copies something.
    Copy(Copied),
    /// Something about searching.
    Search(search::Does),
    /// Back to the list.
    Back,
    /// To the next (`true`) or previous message.
    Message(bool),
    /// To the next (`true`) or previous conversation.
    Conversation(bool),
    /// Folds or unfolds the message under the cursor.
    Fold,
    /// Folds (`true`) or unfolds all messages.
    FoldAll(bool),
    /// To the list with this id.
    Go(&'static str),
    /// To the next (`true`) or previous list of the sidebar.
    Along(bool),
    /// Selects or unselects the row.
    Select,
    /// Selects the row and goes on.
    SelectNext,
    /// Unselects all.
    Clear,
    /// Selects these rows and no others.
    SelectSome(Which),
    /// Begins a range, or ends it.
    SelectRange,
    /// Archives, and goes on to the next (`true`) or previous conversation.
    ArchiveGo(bool),
    /// Does again what was done last.
    Again,
    /// Asks where conversations shall be moved.
    PickPlace,
    /// Asks what to find in the conversation.
    Find,
    /// Asks for words that the history is looked through for.
    Filter,
    /// Unfolds or folds the quotes of the message.
    Quotes,
    /// Shows or hides the headers of the messages in full.
    Headers,
    /// Opens the label picker.
    PickLabels,
    /// Asks until when conversations shall sleep.
    PickTime,
    /// Asks for a new name for the label under the cursor.
    RenameLabel,
    /// Asks for a colour for the label under the cursor.
    RecolorLabel,
    /// Deletes the label under the cursor.
    DeleteLabel,
    /// Joins the selected conversations.
    Join,
    /// Splits the conversation.
    Split,
    /// Asks whether conversations, or all of the trash (`true`), shall be gone for ever.
    Purge(bool),
    /// Undoes the last action.
    Undo,
    /// Does again what was undone last.
    Redo,
    /// Opens the history.
    History,
    /// Undoes the action under the cursor.
    UndoThis,
    /// Does the undone action under the cursor again.
    RedoThis,
    /// Does what is chosen on the first run.
    Choose,
    /// Does the choice with the number that was pressed.
    ChooseNumber,
    /// Stops the running import.
    Stop,
    /// Something about writing.
    Write(Write),
    /// Something about drafts and what is being sent.
    Out(Out),
    /// Lets what is typed go on, or goes to the next choice.
    Complete,
    /// Accepts the text or entry.
    Accept,
    /// Toggles the entry and stays.
    Toggle,
    /// Closes what is on top.
    Close,
    /// Opens the palette.
    Palette,
    /// Opens the line for a command.
    Ex,
    /// Completes that, by the next (`true`) or previous choice.
    CompleteEx(bool),
    /// Opens the help.
    Help,
    /// Shows how accounts are.
    Accounts,
    /// Shows what the program has to say of itself.
    Panel(panels::Shows),
    /// Shows how fast keys are drawn, or no more.
    Latency,
    /// Asks for an account.
    AddAccount,
    /// Stops the program, as the shell's job.
    Suspend,
    /// Draws everything again.
    Redraw,
    /// Shows one pane fewer, or all again.
    Panes,
    /// Ends the tour of the sample mailbox, or starts it again.
    Tour,
    /// Skips a step of the tour.
    SkipStep,
    /// Quits when all is saved.
    Quit,
    /// Quits; the second time at once.
    StopNow,
}

/// A section of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Deciding about conversations.
    Triage,
    /// Moving in a list or text.
    Move,
    /// Opening and reading.
    Read,
    /// Going to another list.
    Go,
    /// Writing and sending.
    Write,
    /// The program.
    Program,
    /// The tour of the sample mailbox; only there.
    Tour,
    /// Labels themselves.
    Labels,
    /// Lines of text.
    Text,
}

impl Group {
    /// All groups, in the order of the help.
    pub const ALL: [Self; 9] = [
        Self::Triage,
        Self::Move,
        Self::Read,
        Self::Go,
        Self::Write,
        Self::Program,
        Self::Tour,
        Self::Labels,
        Self::Text,
    ];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Triage => "Triage",
            Self::Move => "Move",
            Self::Read => "Read",
            Self::Go => "Go to",
            Self::Write => "Write",
            Self::Program => "Program",
            Self::Tour => "Tour",
            Self::Labels => "Labels",
            Self::Text => "Text lines",
        }
    }
}

/// One command.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// Its name, for ever.
    pub name: &'static str,
    /// What it does, for help.
    pub does: &'static str,
    /// One word for the hint bar; empty when it is not shown there.
    pub hint: &'static str,
    /// Its section of the help.
    pub group: Group,
    /// Where it applies.
    pub contexts: &'static [Context],
    /// Its keys; a sequence is separated by spaces.
    pub keys: &'static [&'static str],
    /// Whether `undo` takes it back.
    pub undoable: bool,
    /// What it does.
    pub verb: Verb,
}

impl Command {
    /// Whether it applies in `context`.
    #[must_use]
    pub fn applies(&self, context: Context) -> bool {
        self.contexts.iter().any(|c| c.covers(context))
    }
}

/// A command that `undo` does not take back.
pub(super) const fn declare(
    group: Group,
    name: &'static str,
    does: &'static str,
    hint: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    verb: Verb,
) -> Command {
    Command { name, does, hint, group, contexts, keys, undoable: false, verb }
}

/// Every command, in the order of help and hints.
pub fn all() -> impl Iterator<Item = &'static Command> {
    const TRIAGE: [Command; 13] = [
        archive::ARCHIVE,
        trash::TRASH,
        spam::SPAM,
        label::LABEL,
        star::STAR,
        snooze::SNOOZE,
        mute::MUTE,
        undo::UNDO,
        select::SELECT,
        select::SELECT_NEXT,
        select::CLEAR,
        read::READ,
        read::UNREAD,
    ];
    open::OPENING
        .iter()
        .chain(&search::SEARCHING)
        .chain(&TRIAGE)
        .chain(&again::QUICK)
        .chain(&select::SELECTING)
        .chain(&reading::READING)
        .chain(&order::LINKING)
        .chain(&files::FILES)
        .chain(&purge::PURGING)
        .chain(&motion::MOTIONS)
        .chain(&go::GOING)
        .chain(&undo::UNDOING)
        .chain(&snooze::GOING)
        .chain(&compose::WRITING)
        .chain(&palette::ASKING)
        .chain(&program::PROGRAM)
        .chain(&panels::PANELS)
        .chain(&tour::TOURING)
        .chain(&order::LABELS)
        .chain(&motion::EDITS)
        .chain(&compose::EDITS)
}

/// What a sequence of keys means.
#[derive(Debug, Clone, Copy)]
pub enum Resolved {
    /// This command.
    Command(&'static Command),
    /// The beginning of at least one command.
    Prefix,
    /// Nothing.
    Nothing,
}

/// What `keys` mean in `context` as declared.
#[must_use]
pub fn resolve(context: Context, keys: &[Key]) -> Resolved {
    declared().resolve(context, keys)
}

/// The keys as declared.
#[must_use]
pub fn declared() -> &'static Keymap {
    static DECLARED: OnceLock<Keymap> = OnceLock::new();
    DECLARED.get_or_init(Keymap::default)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn no_two_commands_share_a_key_in_a_context() {
        for context in Context::REAL {
            let mut bound: BTreeMap<Vec<Key>, &str> = BTreeMap::new();
            for command in all().filter(|command| command.applies(context)) {
                for keys in command.keys {
                    let sequence = Key::sequence(keys);
                    assert!(!sequence.is_empty(), "{}: {keys:?} is no key", command.name);
                    if let Some(other) = bound.insert(sequence, command.name) {
                        panic!("{keys} is {other} and {} in {context:?}", command.name);
                    }
                }
            }
            for (short, name) in &bound {
                for (long, other) in &bound {
                    let hides = long.len() > short.len() && long.starts_with(short);
                    assert!(!hides, "{name} hides {other} in {context:?}");
                }
            }
        }
    }

    #[test]
    fn every_command_is_reachable_where_it_applies() {
        for command in all() {
            assert!(!command.keys.is_empty() && !command.contexts.is_empty(), "{}", command.name);
            for context in Context::REAL.into_iter().filter(|context| command.applies(*context)) {
                for keys in command.keys {
                    let found = resolve(context, &Key::sequence(keys));
                    let Resolved::Command(found) = found else { panic!("{keys} in {context:?}") };
                    assert_eq!(found.name, command.name);
                }
            }
        }
    }

    #[test]
    fn names_and_descriptions_are_there_once() {
        let names: BTreeSet<&str> = all().map(|command| command.name).collect();
        assert_eq!(names.len(), all().count());
        for command in all() {
            assert!(!command.does.is_empty() && !command.does.ends_with('.'), "{}", command.name);
            assert!(declared().markdown().contains(&format!("| {} |", command.name)));
        }
    }

    #[test]
    fn only_triage_is_undoable_and_triage_that_changes_mail_is() {
        for command in all() {
            let by_hand = matches!(command.verb, Verb::Join | Verb::Split);
            let label = super::super::order::word(command.verb).is_some();
            let triage = matches!(
                command.verb,
                Verb::Decide(_)
                    | Verb::PickLabels
                    | Verb::PickTime
                    | Verb::PickPlace
                    | Verb::ArchiveGo(_)
                    | Verb::Again
            );
            // What is left keeps itself; what is thrown away can come back.
            let out = matches!(command.verb, Verb::Out(Out::Discard) | Verb::Write(Write::Discard));
            let changes = by_hand || label || triage || out;
            assert_eq!(command.undoable, changes, "{}", command.name);
        }
    }

    #[test]
    fn g_is_a_prefix_with_continuations() {
        let g = Key::sequence("g");
        assert!(matches!(resolve(Context::List, &g), Resolved::Prefix));
        assert!(matches!(resolve(Context::List, &Key::sequence("g x")), Resolved::Nothing));
        let rest: Vec<String> =
            declared().continuations(Context::List, &g).into_iter().map(|(keys, _)| keys).collect();
        let all = ["g", "i", "s", "a", "t", "d", "o", "h", "z", "b", "m", "n", "S", "L", "X"];
        assert_eq!(rest, all);
    }
}
