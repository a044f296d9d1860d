//! Where a command applies, and what it may know of the rows it applies to.
//!
//! Invariant: a [`Subject`] is what was drawn when the key was pressed, nothing newer. This file
//! must not know how rows are listed or drawn.

use crate::command::intent::{Change, Intent, Target};
use crate::id::LabelId;
use crate::label::Place;

/// A part of the program that has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// The choices of the first run.
    FirstRun,
    /// The list of conversations.
    List,
    /// An open conversation.
    Reader,
    /// A search that is being typed.
    Search,
    /// What was done.
    History,
    /// The label picker.
    Picker,
    /// The colours for a label.
    Colours,
    /// A line of text that is asked for.
    Prompt,
    /// The help.
    Help,
    /// How accounts are.
    Accounts,
    /// A message that is being written.
    Compose,
    /// The drafts.
    Drafts,
    /// What is being sent.
    Outbox,
    /// The saves of a draft.
    Saves,
    /// The files of a conversation.
    Files,
    /// A text that is read over the reader.
    Page,
    /// The links of a message.
    Links,
    /// What is found by some letters: commands, lists, people.
    Palette,
    /// A command that is typed.
    Ex,
    /// What the program shows of itself.
    Panel,
    /// All of these.
    Everywhere,
}

impl Context {
    /// Every context that can be on top.
    pub const REAL: [Self; 20] = [
        Self::FirstRun,
        Self::List,
        Self::Reader,
        Self::Search,
        Self::History,
        Self::Picker,
        Self::Colours,
        Self::Prompt,
        Self::Help,
        Self::Accounts,
        Self::Compose,
        Self::Drafts,
        Self::Outbox,
        Self::Saves,
        Self::Files,
        Self::Page,
        Self::Links,
        Self::Palette,
        Self::Ex,
        Self::Panel,
    ];

    /// Whether a command of `self` applies in `other`.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self == other || self == Self::Everywhere
    }

    /// Its name, for help.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstRun => "first run",
            Self::List => "list",
            Self::Reader => "reader",
            Self::Search => "search",
            Self::History => "history",
            Self::Picker => "label picker",
            Self::Colours => "colours",
            Self::Prompt => "text line",
            Self::Help => "help",
            Self::Accounts => "accounts",
            Self::Compose => "composer",
            Self::Drafts => "drafts",
            Self::Outbox => "outbox",
            Self::Saves => "saves",
            Self::Files => "attachments",
            Self::Page => "page",
            Self::Links => "links",
            Self::Palette => "palette",
            Self::Ex => "command line",
            Self::Panel => "panel",
            Self::Everywhere => "everywhere",
        }
    }
}

/// One row as it was drawn: what a command decides by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its members, each with what the row showed of it.
    pub targets: Vec<Target>,
    /// Where it is.
    pub place: Place,
    /// Its labels.
    pub labels: Vec<LabelId>,
    /// Whether anything in it is unread.
    pub unread: bool,
    /// Whether it is starred.
    pub starred: bool,
}

/// `change` on all of `subjects`; `None` when there are none.
#[must_use]
pub fn change(subjects: &[Subject], change: Change) -> Option<Intent> {
    let targets: Vec<Target> = subjects.iter().flat_map(|row| row.targets.clone()).collect();
    (!targets.is_empty()).then(|| Intent::Change { changes: vec![change], targets })
}

/// Rows for the tests of commands.
#[cfg(test)]
pub(crate) mod sample {
    use super::*;
    use crate::id::{Epoch, Seen, ThreadId};

    /// A row of one thread named `id`.
    pub(crate) fn subject(id: &str, starred: bool) -> Subject {
        let seen = Seen { epoch: Epoch::try_from("e1").unwrap(), position: 7 };
        Subject {
            targets: vec![Target { thread: ThreadId::try_from(id).unwrap(), seen }],
            place: Place::Inbox,
            labels: vec![Place::Inbox.label()],
            unread: true,
            starred,
        }
    }
}
