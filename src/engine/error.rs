//! What can go wrong on the device.

use crate::notice::{Exit, Explain, Notice};
use crate::store::StoreError;
use crate::sync::SyncError;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The storage said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The wire said no.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// There is no such thread here.
    #[error("there is no thread {0}")]
    NoThread(String),
    /// The thread's messages are not on this device.
    #[error("thread {0} is not on this device")]
    NotHere(String),
    /// The backend has lost bytes that its logs name.
    #[error("the backend does not have the bytes {0}")]
    NoBlob(String),
    /// The backend cannot send a thread; which, and why.
    #[error("the backend cannot send {0}: {1}")]
    Withheld(String, String),
    /// There is no such draft.
    #[error("there is no draft {0}, or it was written on since")]
    NoDraft(String),
    /// What a draft says is not what any version known here writes; which.
    #[error("what is written in draft {0} cannot be read; it stays on disk as it is")]
    Unreadable(String),
    /// The bytes of a draft's text are neither here nor on the backend; which.
    #[error("what is written in draft {0} is neither here nor on the backend")]
    NoText(String),
    /// There is no such label.
    #[error("there is no label {0}")]
    NoLabel(String),
    /// A label of the system, which the user cannot change.
    #[error("{0} is a label of the system")]
    SystemLabel(String),
    /// No colour of the palette.
    #[error("{0} is no colour")]
    NoColor(String),
    /// A name that nothing is left of.
    #[error("a label needs a name")]
    NoName,
    /// A saved search without a name.
    #[error("a saved search needs a name")]
    NoSearchName,
    /// There is no such saved search.
    #[error("no search is saved as {0}")]
    NoSearch(String),
    /// A query that is too long to be saved; how long, in bytes.
    #[error("a query of {0} bytes is not saved")]
    LongSearch(usize),
    /// Too many saved searches; how many there may be.
    #[error("there are {0} saved searches")]
    ManySearches(usize),
    /// A conversation of more threads than are split at a time; how many.
    #[error("a conversation of {0} threads is not split so")]
    TooManyToSplit(usize),
    /// There is nothing to undo.
    #[error("there is nothing to undo")]
    NothingToUndo,
    /// There is nothing to redo.
    #[error("there is nothing to redo")]
    NothingToRedo,
    /// An undo was to be undone; the action that it undid.
    #[error("an undo is not undone")]
    UndoOfUndo(String),
    /// What an action did is not known here.
    #[error("what {0} did is not known, so it cannot be done again")]
    NotRedoable(String),
    /// There is no such action.
    #[error("there is no action {0}")]
    NoAction(String),
    /// The backend is not the one that this data directory belongs to.
    #[error("this data directory belongs to another backend ({0})")]
    OtherBackend(String),
    /// The user stopped it.
    #[error("stopped")]
    Stopped,
}

impl EngineError {
    /// What is wrong with a draft.
    fn of_draft(&self, line: &str) -> Notice {
        match self {
            Self::Unreadable(_) => {
                let hint = "update this mailtui, or go on with an earlier save: `mailtui drafts \
                            history` lists them";
                Notice::error("draft-unreadable", line, hint)
            }
            Self::NoText(_) => {
                let hint = "go on with an earlier save: `mailtui drafts history` lists them; run \
                            `mailtui doctor` where the backend is";
                Notice::error("draft-lost", line, hint)
            }
            _ => Notice::error("no-draft", line, "`mailtui drafts` lists all").exit(Exit::NotFound),
        }
    }

    /// What is wrong with a saved search.
    fn of_search(&self, line: &str) -> Notice {
        match self {
            Self::NoSearch(_) => {
                let hint = "`mailtui search --saved` lists them";
                Notice::error("no-search", line, hint).exit(Exit::NotFound)
            }
            Self::LongSearch(_) => {
                Notice::error("query", line, "save parts of it, and name them in it: @part")
                    .exit(Exit::Usage)
            }
            Self::ManySearches(_) => {
                Notice::error("too-many", line, "remove one first: `mailtui search --unsave NAME`")
                    .exit(Exit::Usage)
            }
            _ => Notice::error("no-name", line, "give it at least one visible character")
                .exit(Exit::Usage),
        }
    }
}

impl Explain for EngineError {
    fn is_permanent(&self) -> bool {
        match self {
            Self::Store(error) => error.is_permanent(),
            Self::Sync(error) => error.is_permanent(),
            Self::NotHere(_) | Self::Stopped => false,
            _ => true,
        }
    }

    fn notice(&self) -> Notice {
        let line = self.to_string();
        match self {
            Self::Store(error) => error.notice(),
            Self::Sync(error) => error.notice(),
            Self::NoThread(_) => {
                Notice::error("no-thread", line, "`mailtui list --label anywhere` lists all")
                    .exit(Exit::NotFound)
            }
            Self::NotHere(_) => Notice::error(
                "not-here",
                line,
                "run the command again without --offline to fetch it",
            )
            .exit(Exit::NotFound),
            Self::Withheld(..) => {
                let hint = "run `mailtui doctor` where the backend runs";
                Notice::error("withheld", line, hint)
            }
            Self::NoBlob(_) => {
                Notice::error("blob", line, "run `mailtui doctor` where the backend is")
            }
            Self::NoDraft(_) | Self::Unreadable(_) | Self::NoText(_) => self.of_draft(&line),
            Self::NoLabel(_) => {
                Notice::error("no-label", line, "`mailtui labels` lists all").exit(Exit::NotFound)
            }
            Self::NoName => {
                Notice::error("no-name", line, "give it at least one visible character")
                    .exit(Exit::Usage)
            }
            Self::SystemLabel(_) => {
                Notice::error("system-label", line, "only your own labels can be changed")
                    .exit(Exit::Usage)
            }
            Self::NoColor(_) => Notice::error(
                "color",
                line,
                format!("a colour is none or one of {}", crate::label::COLORS.join(", ")),
            )
            .exit(Exit::Usage),
            Self::NoSearchName
            | Self::NoSearch(_)
            | Self::LongSearch(_)
            | Self::ManySearches(_) => self.of_search(&line),
            Self::TooManyToSplit(_) => {
                let hint = "take fewer threads out of it at a time";
                Notice::error("too-many", line, hint).exit(Exit::Usage)
            }
            Self::NothingToUndo => Notice::warning("nothing-to-undo", line, ""),
            Self::NothingToRedo => Notice::warning("nothing-to-redo", line, ""),
            Self::UndoOfUndo(undone) => {
                let hint = format!("`mailtui redo {undone}` does again what it undid");
                Notice::error("undo-of-undo", line, hint).exit(Exit::Usage)
            }
            Self::NotRedoable(_) => Notice::error(
                "not-redoable",
                line,
                "it was done by another version of mailtui, or was too much at once",
            ),
            Self::NoAction(_) => {
                Notice::error("no-action", line, "`mailtui history` lists all").exit(Exit::NotFound)
            }
            Self::OtherBackend(_) => Notice::error(
                "other-backend",
                line,
                "name another --data-dir for this backend, or leave --backend out",
            ),
            Self::Stopped => Notice::error("stopped", line, "").exit(Exit::Stopped),
        }
    }
}
