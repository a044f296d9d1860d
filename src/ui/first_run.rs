//! The first run: what can be chosen, and the import that a choice started.
//!
//! Invariant: nothing is opened or written before a choice; what was found comes in as data.

use std::path::PathBuf;

use crate::command::motion::Motion;
use crate::ui::line::Line;
use crate::ui::text;

/// The most places with mail that are offered.
pub const MAX_FOUND: usize = 3;

/// Mail that is on this machine already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub path: PathBuf,
    /// As it is shown: safe, with `~`.
    pub shown: String,
    /// `Maildir`, `mbox`.
    pub kind: String,
    /// Messages, when they could be counted quickly.
    pub messages: Option<u64>,
}

/// What the first run is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirstRun {
    /// Mail that was found.
    pub found: Vec<Found>,
    /// Where ours will be, as it is shown.
    pub data_dir: String,
    /// The user's home, for a `~` in a typed path.
    pub home: Option<PathBuf>,
}

/// What a choice does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Opens the sample mailbox.
    LookAround,
    /// Imports from here.
    Import(PathBuf),
    /// Asks for a path.
    ImportOther,
    /// Asks for an account.
    AddAccount,
    /// Is not built yet.
    Later,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its number; `None` for further places with mail.
    pub number: Option<u32>,
    /// What it says.
    pub title: String,
    /// More about it.
    pub detail: String,
    /// What it does.
    pub does: Does,
}

/// The screen's state.
#[derive(Debug, Clone)]
pub struct Screen {
    /// What it was told.
    pub told: FirstRun,
    /// The choices.
    pub choices: Vec<Choice>,
    /// The one under the cursor.
    pub cursor: usize,
    /// The path that was typed last: who mistyped it need not type it again.
    pub typed: Line,
    /// Paths to import once the mailbox is open.
    pub paths: Vec<PathBuf>,
    /// What is being opened, if anything is.
    pub opening: Option<&'static str>,
    /// What is opened is shown at once: its mail comes from an account.
    pub to_mail: bool,
}

impl Screen {
    /// The screen for what was found.
    #[must_use]
    pub fn new(told: FirstRun) -> Self {
        let choices = choices(&told.found);
        let (typed, paths) = (Line::default(), Vec::new());
        Self { told, choices, cursor: 0, typed, paths, opening: None, to_mail: false }
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        let last = self.choices.len().saturating_sub(1);
        self.cursor = match motion {
            Motion::Down => self.cursor + 1,
            Motion::Up => self.cursor.saturating_sub(1),
            _ => self.cursor,
        }
        .min(last);
    }

    /// The path that `typed` means: `~` is the home.
    #[must_use]
    pub fn path(&self, typed: &str) -> Option<PathBuf> {
        let typed = typed.trim();
        if typed.is_empty() {
            return None;
        }
        match (typed.strip_prefix('~'), &self.told.home) {
            (Some(""), Some(home)) => Some(home.clone()),
            (Some(rest), Some(home)) if rest.starts_with('/') => {
                Some(home.join(rest.trim_start_matches('/')))
            }
            _ => Some(PathBuf::from(typed)),
        }
    }
}

fn choices(found: &[Found]) -> Vec<Choice> {
    let fixed = |number, title: &str, detail: &str, does| Choice {
        number: Some(number),
        title: title.to_owned(),
        detail: detail.to_owned(),
        does,
    };
    let mut choices =
        vec![fixed(1, "Look around", "sample messages, gone on quit", Does::LookAround)];
    for (at, found) in found.iter().take(MAX_FOUND).enumerate() {
        let count = found.messages.map(|n| format!(", {}", text::plural(n, "message", "messages")));
        choices.push(Choice {
            number: (at == 0).then_some(2),
            title: format!("Import {}", found.shown),
            detail: format!("{}{} (found here)", found.kind, count.unwrap_or_default()),
            does: Does::Import(found.path.clone()),
        });
    }
    if found.is_empty() {
        choices.push(fixed(2, "Import found mail", "none found in the usual places", Does::Later));
    }
    choices.push(fixed(3, "Import other", "mbox, Maildir, .eml", Does::ImportOther));
    choices.push(fixed(4, "Add an account", "IMAP + SMTP; servers are found", Does::AddAccount));
    choices.push(fixed(5, "Join my machine", "code from another mailtui: later", Does::Later));
    choices
}
