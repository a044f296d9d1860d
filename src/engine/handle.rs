//! The UI's end of the engine: requests in, updates out, nobody waits.
//!
//! Invariant: no call here blocks on disk or network.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};

use crate::command::intent::{Intent, Target};
use crate::engine::accounts::{AccountStep, Accounts, NewMail};
use crate::engine::original::{Original, OriginalAsk};
use crate::engine::search::{Found, Indexed, Sought};
use crate::engine::sizes::Sizes;
use crate::engine::stats::Stats;
use crate::engine::told::Writers;
use crate::engine::view::{
    Done, HistoryPage, ImportProgress, Label, OpenDraft, Outgoing, Page, PurgeSum, Row, Status,
    Thread, Window,
};
use crate::engine::writing::Journal;
use crate::id::MessageId;
use crate::id::{ActionId, EventId, LabelId, ThreadId};
use crate::mail::compose::Person;
use crate::notice::Notice;
use crate::search::{Named, Snippet};

/// What the UI asks for. Every request is answered by updates, in order.
#[derive(Debug)]
pub enum Request {
    /// Rows of a list; answered by [`Update::Page`] with the same ticket.
    List {
        /// Returned with the page, so that stale answers are told apart.
        ticket: u64,
        /// The label or virtual list.
        label: LabelId,
        /// Which rows.
        window: Window,
        /// At most so many.
        limit: usize,
    },
    /// Search; answered by [`Update::Found`] with the same ticket, unless another search is asked
    /// for before: that one breaks it off.
    Search {
        /// Returned with the answer.
        ticket: u64,
        /// What.
        sought: Sought,
        /// At most so many conversations.
        limit: usize,
    },
    /// This was searched: remember it on this device; see [`Update::Searches`].
    Searched(String),
    /// The screen is divided so: remember it on this device; see [`Update::Sizes`].
    Divided(Sizes),
    /// Nobody wants the answer to the last search any more.
    StopSearch,
    /// The conversations that these threads are in, in this order; answered by [`Update::Rows`].
    Rows {
        /// Returned with the answer.
        ticket: u64,
        /// Threads.
        threads: Vec<ThreadId>,
    },
    /// A conversation; answered by [`Update::Thread`], and again whenever it changes until `Close`.
    Open(ThreadId),
    /// The reader was closed.
    Close,
    /// Load these threads when there is nothing else to do, the first one first: they may be
    /// opened next. What was asked for before is forgotten.
    Prefetch(Vec<ThreadId>),
    /// Actions, the newest first; answered by [`Update::History`] with the same ticket.
    History {
        /// Returned with the page.
        ticket: u64,
        /// Older than this one.
        before: Option<ActionId>,
        /// At most so many.
        limit: usize,
    },
    /// What an action was done to; answered by [`Update::ActionRows`].
    ActionRows {
        /// The action.
        action: ActionId,
        /// At most so many rows.
        limit: usize,
    },
    /// What is written and not sent; answered by [`Update::Outgoing`].
    Outgoing,
    /// A draft to be written on, at this save or at its last; answered by [`Update::Draft`] with
    /// the same ticket, when it is here.
    Draft {
        /// Returned with the answer.
        ticket: u64,
        /// Its store.
        thread: ThreadId,
        /// The save; the last one of any draft there when absent.
        save: Option<EventId>,
    },
    /// What of a message's bytes writing needs; answered by [`Update::Original`] with the same
    /// ticket.
    Original(OriginalAsk),
    /// Fetch the rest of a message that is not whole; it is told with its conversation.
    Rest {
        /// Its thread.
        thread: ThreadId,
        /// The message.
        message: MessageId,
    },
    /// Everybody who was met in mail; answered by [`Update::People`].
    People,
    /// Count what is here, at this time (Unix seconds); answered by [`Update::Stats`].
    Stats(i64),
    /// Remember what is being written, at every pause, until it is saved as a draft: should this
    /// program be killed, it is saved then at the next start. Answered by [`Update::Noted`].
    Journal(Journal),
    /// Let the journal forget what it has under this number, once all that was decided until now is
    /// on disk; answered by [`Update::Kept`] then. Not at all where what was decided was taken back
    /// more often than whoever asks has heard of: it may be about what is not there any more.
    Forget {
        /// The number.
        slot: i64,
        /// How many times [`Update::TakenBack`] came before.
        losses: u64,
    },
    /// Something the user asked for; answered by [`Update::Done`], then [`Update::Changed`].
    Intend(Intent),
    /// Find out what a purge would take; answered by [`Update::Purge`] with the same ticket.
    /// Nothing goes.
    LookPurge {
        /// Returned with the answers, so that a yes is for what was shown.
        ticket: u64,
        /// What.
        of: PurgeOf,
    },
    /// Purge what was found under this ticket; answered by [`Update::Purge`].
    Purge(u64),
    /// Forget what was found.
    LeavePurge,
    /// Import from these paths; answered by [`Update::Import`] as it goes.
    Import(Vec<PathBuf>),
    /// Stop the running import; what is in stays.
    StopImport,
    /// Commit what is being saved and do nothing until `Resume`; answered by [`Update::Paused`].
    Pause,
    /// Go on.
    Resume,
    /// Commit what is being saved, then end; answered by [`Update::Ended`].
    Quit,
}

/// What a purge is about.
#[derive(Debug, Clone)]
pub enum PurgeOf {
    /// All that is in trash.
    Trash,
    /// These conversations, each with its threads.
    Rows(Vec<Vec<Target>>),
}

/// How far a purge is.
#[derive(Debug, Clone)]
pub enum PurgeStep {
    /// This would go, if it is wanted.
    Found(PurgeSum),
    /// This is gone.
    Gone(PurgeSum),
    /// It was broken off.
    Failed(Notice),
}

/// What the engine tells the UI.
#[derive(Debug)]
pub enum Update {
    /// A part of a list.
    Page {
        /// The request's.
        ticket: u64,
        /// The rows.
        page: Page,
    },
    /// What a search found.
    Found(u64, Found),
    /// The same again, with what the backend found.
    Elsewhere(u64, Found),
    /// Where the words of a search stand, by the conversations that it found.
    Snippets(u64, Vec<(ThreadId, Snippet)>),
    /// Rows that were asked for one by one; without those that are gone.
    Rows(u64, Vec<Row>),
    /// What was searched on this device before, the newest first; told once.
    Searches(Vec<String>),
    /// How the screen was divided the last time.
    Sizes(Sizes),
    /// How far the index is, told after a search.
    Indexed(Indexed),
    /// All labels with counts, in display order; sent whenever a count or label changed.
    Labels(Vec<Label>),
    /// All saved searches, in the order of their names; sent with the labels.
    Saved(Vec<Named>),
    /// The open conversation; `None` when it is not there (any more).
    Thread(ThreadId, Option<Box<Thread>>),
    /// A part of the history.
    History {
        /// The request's.
        ticket: u64,
        /// The actions.
        page: HistoryPage,
    },
    /// The conversations that an action was done to.
    ActionRows {
        /// The action.
        action: ActionId,
        /// Their rows, in list order.
        rows: Vec<Row>,
        /// How many there are in all.
        total: usize,
    },
    /// Lists changed: ask again for what is on screen.
    Changed,
    /// What is written and not sent.
    Outgoing(Outgoing),
    /// A draft, or `None` when there is no such one.
    Draft(u64, Option<Box<OpenDraft>>),
    /// Everybody who was met in mail, the likeliest first.
    People(Vec<Person>),
    /// What was counted.
    Stats(Box<Stats>),
    /// What was asked of a message.
    Original(Box<Original>),
    /// The journal has what it was asked to remember under this number last, or why it has not.
    Noted(i64, Result<(), Notice>),
    /// The journal has forgotten what it had under this number: the save is on disk.
    Kept(i64),
    /// The disk refused what was decided and answered since the last commit: none of it is there.
    TakenBack(Notice),
    /// An intent was decided.
    Done(Done),
    /// How far the purge with this ticket is.
    Purge(u64, PurgeStep),
    /// Something to tell the user.
    Notice(Notice),
    /// The status line.
    Status(Status),
    /// The running import.
    Import(ImportProgress),
    /// As whom one writes, where the backend has the accounts.
    Writers(Writers),
    /// How mail accounts are, as who fetches their mail says it.
    Accounts(Box<Accounts>),
    /// How far what was asked of an account under this ticket is.
    Account(u64, AccountStep),
    /// New mail came in.
    NewMail(NewMail),
    /// Nothing is unsaved, no transaction is open, and none will be until `Resume`.
    Paused,
    /// The engine has ended; nothing is unsaved.
    Ended,
}

/// The UI's end.
#[derive(Debug)]
pub struct EngineHandle {
    /// Requests to the engine; never blocks.
    pub requests: Sender<Request>,
    /// Updates from the engine.
    pub updates: Receiver<Update>,
}
