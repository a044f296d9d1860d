//! The motions: down, up, pages, ends. In the reader they scroll.

use super::context::Context::{
    self, Accounts, Colours, Compose, Drafts, Ex, Files, FirstRun, Help, History, Links, List,
    Outbox, Page, Palette, Panel, Picker, Prompt, Reader, Saves, Search,
};
use super::registry::{Command, Group, Verb};

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One down.
    Down,
    /// One up.
    Up,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// The first.
    First,
    /// The last.
    Last,
}

const SCROLLS: &[Context] =
    &[List, Reader, History, Accounts, Drafts, Outbox, Links, Files, Page, Panel];
const CHOOSES: &[Context] = &[
    List, Reader, History, Accounts, FirstRun, Colours, Drafts, Outbox, Saves, Links, Files, Page,
    Panel,
];

/// The declarations.
pub const MOTIONS: [Command; 11] = [
    motion("down", "Down", CHOOSES, &["j", "Down"], Motion::Down),
    motion("up", "Up", CHOOSES, &["k", "Up"], Motion::Up),
    motion("half-down", "Half a page down", SCROLLS, &["C-d"], Motion::HalfDown),
    motion("half-up", "Half a page up", SCROLLS, &["C-u"], Motion::HalfUp),
    motion("page-down", "A page down", SCROLLS, &["PgDn", "C-f"], Motion::PageDown),
    motion("page-up", "A page up", SCROLLS, &["PgUp", "C-b"], Motion::PageUp),
    motion("first", "To the first", SCROLLS, &["g g", "Home"], Motion::First),
    motion("last", "To the last", SCROLLS, &["G", "End"], Motion::Last),
    motion("read-on", "A page on", &[Reader, Page], &["Space"], Motion::PageDown),
    motion("next-entry", "Next entry", &[Picker, Prompt, Help], &["Down", "C-n"], Motion::Down),
    motion("previous-entry", "Previous entry", &[Picker, Prompt, Help], &["Up", "C-p"], Motion::Up),
];

const fn motion(
    name: &'static str,
    does: &'static str,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    to: Motion,
) -> Command {
    Command {
        name,
        does,
        hint: "",
        group: Group::Move,
        contexts,
        keys,
        undoable: false,
        verb: Verb::Motion(to),
    }
}

/// What an edit key does in a line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Removes the character before the caret.
    Erase,
    /// Removes the character behind the caret.
    EraseNext,
    /// Removes the word before the caret.
    EraseWord,
    /// Removes everything; in a text of many lines, what is before the caret in its line.
    EraseAll,
    /// Removes what is behind the caret in its line.
    EraseRest,
    /// Moves the caret one left.
    Left,
    /// Moves the caret one right.
    Right,
    /// Moves the caret to the start.
    Start,
    /// Moves the caret to the end.
    End,
}

/// The declarations of the keys of a text line; all other characters type themselves.
pub const EDITS: [Command; 8] = [
    Command {
        contexts: &[Picker, Prompt, Compose, Search, Palette, Ex, Help],
        ..edit("erase", "Erase a character", &["Backspace", "C-h"], Edit::Erase)
    },
    edit("erase-next", "Erase the character behind", &["Delete"], Edit::EraseNext),
    Command {
        contexts: &[Picker, Prompt, Compose, Search, Palette, Ex, Help],
        ..edit("erase-word", "Erase a word", &["C-w"], Edit::EraseWord)
    },
    edit("erase-all", "Erase the line", &["C-u"], Edit::EraseAll),
    edit("left", "Left", &["Left"], Edit::Left),
    edit("right", "Right", &["Right"], Edit::Right),
    edit("start", "To the start", &["Home", "C-a"], Edit::Start),
    edit("end", "To the end", &["End", "C-e"], Edit::End),
];

const fn edit(
    name: &'static str,
    does: &'static str,
    keys: &'static [&'static str],
    how: Edit,
) -> Command {
    Command {
        name,
        does,
        hint: "",
        group: Group::Text,
        contexts: &[Picker, Prompt, Compose, Search, Palette, Ex],
        keys,
        undoable: false,
        verb: Verb::Edit(how),
    }
}
