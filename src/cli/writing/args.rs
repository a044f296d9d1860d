//! The arguments of what is written and sent.
//!
//! Invariant: what is asked here is read before anything is done: a time that is none, or options
//! that do not go together, change nothing.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::account::MAX_HOLD_SECONDS;
use crate::cli::args::Wait;

/// What is written and sent.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Verb {
    /// Write a message: a draft, or sent at once with --send.
    Compose(Box<Writing>),
    /// Answer a message.
    Reply(Box<Reply>),
    /// Forward a message, in the text or as a file.
    Forward(Box<Forward>),
    /// List, show, edit and discard what is written and not sent.
    Drafts {
        #[command(subcommand)]
        verb: Option<Drafts>,
    },
    /// Send a draft.
    Send(Send),
    /// List what is to be sent; take it back, try it again, write on it.
    Outbox {
        #[command(subcommand)]
        verb: Option<Outbox>,
    },
    /// Leave a mailing list, as its message says.
    Unsubscribe {
        /// The conversation.
        thread: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        wait: Wait,
    },
    /// Write what a mailto link asks for; `mailtui mailto:…` is the same.
    #[command(hide = true)]
    Mailto {
        /// The link.
        link: String,
    },
}

/// A message, as far as the command line says it.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Words {
    /// The account that sends it, by id or address.
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// From: an address of yours.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) from: Option<String>,
    /// To; as often as there are people.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) to: Vec<String>,
    /// Cc.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) cc: Vec<String>,
    /// Bcc: gets it, and nobody else sees that.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) bcc: Vec<String>,
    /// The subject.
    #[arg(long, value_name = "TEXT")]
    pub(super) subject: Option<String>,
    /// The text.
    #[arg(long, value_name = "TEXT", group = "text")]
    pub(super) body: Option<String>,
    /// A file with the text; `-` is standard input.
    #[arg(long, value_name = "FILE", group = "text")]
    pub(super) body_file: Option<PathBuf>,
    /// Attach a file.
    #[arg(long, value_name = "FILE")]
    pub(super) attach: Vec<PathBuf>,
    /// Open it in $VISUAL or $EDITOR; so it is on a terminal when no text is given.
    #[arg(long)]
    pub(super) edit: bool,
    /// Open no editor.
    #[arg(long, conflicts_with = "edit")]
    pub(super) no_edit: bool,
    /// `-`: the text is what comes on standard input, as it is without this when that is no
    /// terminal.
    #[arg(value_name = "-", value_parser = ["-"], group = "text")]
    pub(super) stdin: Option<String>,
}

impl Words {
    /// Whether anything at all is said.
    pub(super) fn any(&self) -> bool {
        let lists = [&self.to, &self.cc, &self.bcc];
        lists.iter().any(|list| !list.is_empty()) || self.subject.is_some() || self.any_text()
    }

    /// Whether a text or a file is given.
    pub(super) fn any_text(&self) -> bool {
        self.body.is_some()
            || self.body_file.is_some()
            || self.stdin.is_some()
            || !self.attach.is_empty()
    }
}

/// How it is sent.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Order {
    /// Seconds in which `mailtui outbox cancel` or `mailtui undo` takes it back; the account's
    /// `hold`, or 10.
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(0..=MAX_HOLD_SECONDS),
    )]
    pub(super) hold: Option<u64>,
    /// Not before: 3h, "tomorrow 9:00", monday, or a time as in RFC 3339.
    #[arg(long, value_name = "WHEN")]
    pub(super) at: Option<String>,
    /// If nobody has answered by then, the conversation is in the inbox again.
    #[arg(long, value_name = "WHEN")]
    pub(super) remind: Option<String>,
    /// Should the server refuse some of the recipients, the others get it.
    #[arg(long)]
    pub(super) partial: bool,
    /// Return when it is sent, or when it surely is not.
    #[arg(long, conflicts_with = "at")]
    pub(super) wait: bool,
    /// Do not ask about what is unusual, such as no subject.
    #[arg(long, visible_alias = "yes")]
    pub(super) force: bool,
}

impl Order {
    /// The first option that is given.
    fn given(&self) -> Option<&'static str> {
        let given = [
            ("--hold", self.hold.is_some()),
            ("--at", self.at.is_some()),
            ("--remind", self.remind.is_some()),
            ("--partial", self.partial),
            ("--wait", self.wait),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// A message that is saved, and sent where that is said.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct Writing {
    #[command(flatten)]
    pub(super) words: Words,
    /// Send it; without this it is a draft.
    #[arg(long)]
    pub(super) send: bool,
    #[command(flatten)]
    pub(super) order: Order,
    #[command(flatten)]
    pub(super) wait: Wait,
}

impl Writing {
    /// Nothing but a draft: no text is read from anywhere.
    pub(super) fn plain() -> Self {
        let words = Words { body: Some(String::new()), no_edit: true, ..Words::default() };
        Self { words, ..Self::default() }
    }

    /// An option about sending that is given without `--send`.
    pub(super) fn misplaced(&self) -> Option<&'static str> {
        self.order.given().filter(|_| !self.send)
    }
}

/// An answer.
#[derive(Debug, Args)]
pub(in crate::cli) struct Reply {
    /// A conversation, whose newest message is answered; or the Message-ID of a message.
    #[arg(value_name = "THREAD|MESSAGE")]
    pub(super) target: String,
    /// Answer this message of the conversation, by its `id` or Message-ID.
    #[arg(long, value_name = "MESSAGE")]
    pub(super) message: Option<String>,
    /// Everybody who got it.
    #[arg(long, conflicts_with = "list")]
    pub(super) all: bool,
    /// The list that it came by.
    #[arg(long)]
    pub(super) list: bool,
    /// Quote nothing.
    #[arg(long)]
    pub(super) no_quote: bool,
    #[command(flatten)]
    pub(super) writing: Writing,
}

/// A forward.
#[derive(Debug, Args)]
pub(in crate::cli) struct Forward {
    /// A conversation, whose newest message is forwarded; or the Message-ID of a message.
    #[arg(value_name = "THREAD|MESSAGE")]
    pub(super) target: String,
    /// Forward this message of the conversation, by its `id` or Message-ID.
    #[arg(long, value_name = "MESSAGE")]
    pub(super) message: Option<String>,
    /// The whole message as a file, as it came.
    #[arg(long)]
    pub(super) attached: bool,
    #[command(flatten)]
    pub(super) writing: Writing,
}

/// What is done with drafts; a draft is named by its thread, its first or its last save.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Drafts {
    /// List drafts, newest first.
    List,
    /// Show a draft.
    Show {
        /// The draft.
        draft: String,
        /// As it was at this save.
        #[arg(long, value_name = "SAVE")]
        save: Option<String>,
    },
    /// Write on a draft: in an editor, or by what is given here.
    Edit {
        /// The draft.
        draft: String,
        /// Go on from how it was at this save.
        #[arg(long, value_name = "SAVE")]
        save: Option<String>,
        #[command(flatten)]
        writing: Box<Writing>,
    },
    /// Throw drafts away; `undo` brings them back.
    Discard {
        /// The drafts.
        #[arg(required = true, value_name = "DRAFT")]
        drafts: Vec<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// List the saves of a draft, newest first.
    History {
        /// The draft.
        draft: String,
    },
}

/// A draft that is sent.
#[derive(Debug, Args)]
pub(in crate::cli) struct Send {
    /// The draft, by its thread or a save.
    #[arg(value_name = "DRAFT|THREAD")]
    pub(super) draft: String,
    #[command(flatten)]
    pub(super) order: Order,
    #[command(flatten)]
    pub(super) wait: Wait,
}

/// What is done with the outbox; a message in it is named by its thread or what `queued` says.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Outbox {
    /// List what is to be sent, newest first.
    List,
    /// Take messages back; they are drafts again.
    Cancel {
        /// The messages.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Send again what was refused, or what nobody knows about.
    Retry {
        /// The message.
        id: String,
        #[command(flatten)]
        order: Box<Order>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Take a message back and write on it.
    Edit {
        /// The message.
        id: String,
        #[command(flatten)]
        writing: Box<Writing>,
    },
}
