//! `attachment`: what is attached to a conversation: listed, saved, opened, given to a program.
//!
//! Invariant: the bytes are those that the message carries, decoded; a file that is there is never
//! written over, no shell sees a name, and what is a program is opened only when somebody said so.

pub(super) mod find;
pub(super) mod open;
pub(super) mod pipe;
pub(super) mod put;
mod save;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::mail::{Attachment, program};
use crate::notice::{Exit, Notice};
use crate::safe_text;
use crate::ui::text;
use find::{Conversation, Item};

/// What is done with attachments. Each has its number in the conversation; `list` says it.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Verb {
    /// List what is attached to a conversation, with the number of each.
    List {
        /// The conversation, or a Message-ID.
        thread: String,
        /// Only of this message: its id or Message-ID.
        message: Option<String>,
    },
    /// Save attachments. A file that is there is never written over.
    Save {
        /// The conversation, or a Message-ID.
        thread: String,
        /// Which; needless where there is only one.
        #[arg(value_name = "N", conflicts_with = "all")]
        numbers: Vec<usize>,
        /// All of them.
        #[arg(long)]
        all: bool,
        /// Into this directory; else into the one you are in.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Only of this message: its id or Message-ID.
        #[arg(long, value_name = "MESSAGE")]
        message: Option<String>,
    },
    /// Open an attachment with `MAILTUI_OPEN`, else as the desktop does.
    Open {
        /// The conversation, or a Message-ID.
        thread: String,
        /// Which; needless where there is only one.
        #[arg(value_name = "N")]
        number: Option<usize>,
        /// Also what is a program, without asking.
        #[arg(long)]
        force: bool,
        /// Wait until what opens it has ended; it has the terminal meanwhile.
        #[arg(long)]
        wait: bool,
    },
    /// Give an attachment to a program, on its standard input.
    Pipe {
        /// The conversation, or a Message-ID.
        thread: String,
        /// Which; needless where there is only one.
        #[arg(value_name = "N")]
        number: Option<usize>,
        /// The program and its arguments, behind `--`; no shell reads them.
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
}

/// Does it.
pub(super) fn run(home: &Home, output: Output, verb: Verb) -> Result<Exit, Notice> {
    match verb {
        Verb::List { thread, message } => {
            let conversation = Conversation::find(home, &thread, message.as_deref())?;
            for item in &conversation.items {
                output.result(&object(item), || line(item))?;
            }
            Ok(Exit::Done)
        }
        Verb::Save { thread, numbers, all, to, message } => {
            let conversation = Conversation::find(home, &thread, message.as_deref())?;
            save::save(output, &conversation, &numbers, all, to.as_deref())
        }
        Verb::Open { thread, number, force, wait } => {
            let conversation = Conversation::find(home, &thread, None)?;
            let item = conversation.one(number)?;
            let bytes = conversation.bytes(item)?;
            open::open(home, output, item, &bytes, open::How { force, wait })
        }
        Verb::Pipe { thread, number, command } => {
            let conversation = Conversation::find(home, &thread, None)?;
            let item = conversation.one(number)?;
            pipe::pipe(output, item, &conversation.bytes(item)?, &command)
        }
    }
}

/// The name that a file gets.
pub(super) fn file_name(attachment: &Attachment) -> String {
    put::file_name(attachment.name.as_deref(), &attachment.media_type)
}

fn object(item: &Item) -> serde_json::Value {
    let attachment = &item.attachment;
    json!({
        "thread": item.thread,
        "message": item.message,
        "messageId": item.message_id,
        "n": item.number,
        "name": attachment.name,
        "type": attachment.media_type,
        "size": attachment.size,
        "file": file_name(&item.attachment),
    })
}

fn line(item: &Item) -> String {
    let attachment = &item.attachment;
    let name = safe_text::line(attachment.name.as_deref().unwrap_or("(no name)"));
    let size = text::size(attachment.size);
    format!("{:>3}  {name}  {}, {size}  {}", item.number, attachment.media_type, item.whose)
}

/// What kind of program it is, if it is one.
pub(super) fn runs(attachment: &Attachment, bytes: &[u8]) -> Option<&'static str> {
    let name = attachment.name.as_deref().unwrap_or_default();
    program(name, &attachment.media_type, bytes)
        .or_else(|| program(&file_name(attachment), "", &[]))
}
