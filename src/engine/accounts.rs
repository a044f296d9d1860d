//! How mail accounts are, as the interface shows it: values, safe to draw.
//!
//! Invariant: all texts went through `safe_text`; nothing here reaches a server. Who
//! fetches fills it in where that is this process; a device of a remote backend has none of it.

use crate::account::Password;
use crate::notice::Notice;

/// All accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts {
    /// In the order of the file.
    pub lines: Vec<AccountLine>,
    /// Why the file cannot be read, where it cannot.
    pub error: Option<Notice>,
}

/// How one account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLine {
    /// Its address.
    pub address: String,
    /// What it is doing.
    pub work: Work,
    /// Messages that came in new since the program began.
    pub new: u64,
    /// Changes of messages that were written to the server since then.
    pub written: u64,
    /// Why it is not as it should be.
    pub error: Option<Notice>,
    /// Where the server said otherwise than what was done here, and what stands; the newest last.
    pub conflicts: Vec<String>,
    /// What else went wrong, the newest last.
    pub problems: Vec<String>,
    /// Its folders.
    pub folders: Vec<FolderLine>,
}

/// What an account is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Work {
    /// It has not begun.
    #[default]
    Nothing,
    /// It connects.
    Connecting,
    /// It asks for the folders.
    Listing,
    /// It reads a folder: so many messages of so many.
    Reading {
        /// Its name.
        folder: String,
        /// Messages that are here.
        done: u64,
        /// All that are wanted.
        total: u64,
    },
    /// It writes what was done here to so many messages.
    Writing(u64),
    /// It waits for news.
    Waiting,
    /// It tries again later.
    Resting,
    /// It ended.
    Stopped,
}

/// How a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderLine {
    /// Its name.
    pub name: String,
    /// What it is here: `inbox`, `archive`, `label`.
    pub role: &'static str,
    /// Messages that are known of it.
    pub messages: u64,
    /// Whether it was taken in as a whole.
    pub whole: bool,
    /// Why it is not read.
    pub problem: Option<String>,
}

/// New mail of one account, to be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMail {
    /// The account's address, where there are several.
    pub account: Option<String>,
    /// How many messages.
    pub count: usize,
    /// Who wrote the first one.
    pub from: String,
    /// What the first one is about.
    pub subject: String,
}

impl AccountLine {
    /// The account in few columns: `ann@…`.
    #[must_use]
    pub fn short(&self) -> String {
        self.address.split_once('@').map_or(self.address.clone(), |(who, _)| format!("{who}@…"))
    }
}

impl NewMail {
    /// In one line: `Ann: Lunch on Friday?`, or `3 new messages; Ann: Lunch on Friday?`.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { count, from, subject, .. } = self;
        let from = if from.is_empty() { "(nobody)" } else { from };
        let subject = if subject.is_empty() { "(no subject)" } else { subject };
        let account = self.account.as_ref().map(|a| format!("{a}: ")).unwrap_or_default();
        let many = if *count > 1 { format!("{count} new messages; ") } else { String::new() };
        format!("{account}{many}{from}: {subject}")
    }
}

/// What the interface asks of who can add accounts.
#[derive(Debug)]
pub enum AccountAsk {
    /// Find the servers of an address; answered by [`AccountStep::Found`].
    Find {
        /// Returned with the answers.
        ticket: u64,
        /// The address, as it was typed.
        address: String,
    },
    /// Try the servers, and add the account when both let it in.
    Add {
        /// Returned with the answers.
        ticket: u64,
        /// The account.
        draft: Draft,
        /// Its password.
        password: Password,
    },
    /// What was asked under this ticket is not wanted any more.
    Cancel(u64),
}

/// An account as it is typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// Its address.
    pub address: String,
    /// Where mail is fetched: `imaps://HOST:PORT`.
    pub imap: String,
    /// Where mail is sent: `smtps://HOST:PORT`; empty for an account that only reads.
    pub smtp: String,
    /// Who logs in.
    pub login: String,
}

/// How far adding an account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountStep {
    /// Servers were found, or could be these.
    Found {
        /// The account with them.
        draft: Draft,
        /// Where they are from, or that none was found.
        says: String,
        /// What has to be known before a password is typed; may be empty.
        hint: String,
    },
    /// This is being done.
    Doing(String),
    /// It cannot be: why, and what to do.
    Failed(Notice),
    /// It is written; where its password is kept.
    Added(String),
}
