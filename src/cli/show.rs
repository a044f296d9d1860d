//! `show`: conversations with their messages, or the messages' bytes.

use std::io::IsTerminal as _;

use serde_json::{Value, json};

use crate::backend::Reader;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::reach::Reach;
use crate::clock::rfc3339;
use crate::command::intent::Target;
use crate::engine::view::{Message, Thread};
use crate::engine::{Device, EngineError};
use crate::id::{BlobHash, StoreId, ThreadId};
use crate::mail::Flags;
use crate::mail::links::links;
use crate::notice::{Exit, Explain as _, Notice};

/// Shows conversations. What is not there is said at the end; the rest is shown.
pub(super) fn show(
    home: &Home,
    output: Output,
    threads: &[String],
    raw: bool,
    force: bool,
) -> Result<Exit, Notice> {
    if raw && !force && std::io::stdout().is_terminal() {
        let line = "raw mail can do anything to a terminal";
        return Err(
            Notice::error("terminal", line, "redirect it, or add --force").exit(Exit::Usage)
        );
    }
    let Some(mut device) = super::caught_up(home)? else {
        return Err(EngineError::NoThread(crate::safe_text::line(&threads[0])).notice());
    };
    let logs = Reader::open(&home.backend_dir()).map_err(|error| error.notice())?;
    let mut missing = None;
    for name in threads {
        let shown = one(home, &mut device, logs.as_ref(), name).and_then(|(thread, short)| {
            if raw {
                let thread = complete(home, &mut device, logs.as_ref(), thread)?;
                print_raw(home, &device, logs.as_ref(), &thread, output)?;
            } else {
                output.result(&object(&thread), || plain(&thread))?;
            }
            missing = missing.take().or(short);
            Ok(())
        });
        match shown {
            Err(notice) if notice.exit == Exit::NotFound => missing = missing.or(Some(notice)),
            other => other?,
        }
    }
    missing.map_or(Ok(Exit::Done), Err)
}

/// The conversation with the rest of all its messages.
fn complete(
    home: &Home,
    device: &mut Device,
    logs: Option<&Reader>,
    thread: Thread,
) -> Result<Thread, Notice> {
    let outlines = thread.messages.iter().filter(|message| message.outline.is_some());
    let outlines: Vec<_> = outlines.map(|of| (of.thread.clone(), of.id.clone())).collect();
    if outlines.is_empty() {
        return Ok(thread);
    }
    {
        let mut reach = Reach::new(home);
        for (of, message) in &outlines {
            reach.rest(device, of, std::slice::from_ref(message))?;
        }
    }
    one(home, device, logs, thread.row.thread.as_str()).map(|(thread, _)| thread)
}

/// A conversation with its log loaded, and why messages of its row are missing where some are.
pub(super) fn one(
    home: &Home,
    device: &mut Device,
    logs: Option<&Reader>,
    name: &str,
) -> Result<(Thread, Option<Notice>), Notice> {
    let none = || EngineError::NoThread(crate::safe_text::line(name)).notice();
    let id = ThreadId::try_from(name).map_err(|_| none())?;
    let row = device.row(&id).map_err(|error| error.notice())?.ok_or_else(none)?;
    let mut short = None;
    for member in &row.members {
        short = short.or(load(home, device, logs, member)?);
    }
    let thread = device.thread(&id).map_err(|error| error.notice())?.ok_or_else(none)?;
    let whole = thread.messages.len() as u64 >= thread.row.message_count;
    Ok((thread, short.filter(|_| !whole)))
}

/// Puts a thread's log and long texts into the device, from files or from the backend. A kept log
/// that ends before what the row shows is fetched on; `Some` says why it could not be.
pub(super) fn load(
    home: &Home,
    device: &mut Device,
    logs: Option<&Reader>,
    member: &Target,
) -> Result<Option<Notice>, Notice> {
    load_by(&mut Reach::new(home), device, logs, member)
}

/// As [`load`], for many: the backend is reached once.
pub(super) fn load_by(
    reach: &mut Reach<'_>,
    device: &mut Device,
    logs: Option<&Reader>,
    member: &Target,
) -> Result<Option<Notice>, Notice> {
    let error = |error: crate::store::StoreError| error.notice();
    let thread = &member.thread;
    if let Some(logs) = logs {
        device.put_log(thread, &logs.log(&StoreId::thread(thread)).map_err(error)?);
        for hash in device.text_blobs(thread) {
            if let Some(bytes) = logs.blob(&hash).map_err(error)? {
                device.put_blob(&hash, bytes);
            }
        }
        return Ok(None);
    }
    let kept = device.kept_log(thread).map_err(|error| error.notice())?;
    let Some(last) = kept.last() else { return reach.thread(device, thread).map(|()| None) };
    device.put_log(thread, &kept);
    let mut readable = true;
    for hash in device.text_blobs(thread) {
        match device.blob(&hash) {
            Some(bytes) => device.put_blob(&hash, bytes),
            None => readable = false,
        }
    }
    if readable && last.position >= member.seen.position {
        return Ok(None);
    }
    match reach.thread(device, thread) {
        Err(notice) if readable => Ok(Some(notice)),
        other => other.map(|()| None),
    }
}

fn print_raw(
    home: &Home,
    device: &Device,
    logs: Option<&Reader>,
    thread: &Thread,
    output: Output,
) -> Result<(), Notice> {
    for member in &thread.row.members {
        for hash in device.raw(&member.thread) {
            output.bytes(&bytes(home, device, logs, &hash)?)?;
        }
    }
    Ok(())
}

/// The bytes with this name, from files or from the backend.
pub(super) fn bytes(
    home: &Home,
    device: &Device,
    logs: Option<&Reader>,
    hash: &BlobHash,
) -> Result<Vec<u8>, Notice> {
    let bytes = match logs {
        Some(logs) => logs.blob(hash).map_err(|error| error.notice())?,
        None => match device.blob(hash) {
            Some(bytes) => Some(bytes),
            None => Reach::new(home).blob(hash)?,
        },
    };
    bytes.ok_or_else(|| {
        let line = format!("the bytes {hash} are missing");
        Notice::error("blob", line, "run `mailtui doctor`")
    })
}

fn object(thread: &Thread) -> Value {
    json!({
        "thread": thread.row.thread,
        "subject": thread.row.subject,
        "labels": thread.row.labels,
        "place": thread.row.place,
        "messages": thread.messages.iter().map(message).collect::<Vec<_>>(),
    })
}

fn message(message: &Message) -> Value {
    let mut shown = json!({
        "id": message.id,
        "thread": message.thread,
        "messageId": message.message_id,
        "from": message.from,
        "to": message.to,
        "cc": message.cc,
        "bcc": message.bcc,
        "replyTo": message.reply_to,
        "date": message.date.and_then(rfc3339),
        "sortDate": rfc3339(message.sort_date),
        "sortFrom": message.sort_from,
        "subject": message.subject,
        "text": message.text,
        "links": links(&message.text, &message.facts),
        "html": message.facts.html,
        "auth": message.facts.auth,
        "flags": flags(message.flags),
        "attachments": message.attachments,
        "copies": message.copies,
        "defects": message.defects,
    });
    if message.outline.is_some() {
        shown["whole"] = Value::Bool(false);
    }
    if message.facts.page_instead {
        shown["pageInstead"] = Value::Bool(true);
    }
    shown
}

fn flags(flags: Flags) -> Vec<&'static str> {
    [
        ("read", flags.read),
        ("starred", flags.starred),
        ("answered", flags.answered),
        ("forwarded", flags.forwarded),
        ("draft", flags.draft),
    ]
    .into_iter()
    .filter(|(_, on)| *on)
    .map(|(name, _)| name)
    .collect()
}

fn plain(thread: &Thread) -> String {
    let mut lines = vec![format!("Subject: {}", thread.row.subject.as_deref().unwrap_or("(none)"))];
    for message in &thread.messages {
        let people = |list: &[crate::mail::Address]| {
            let one = |address: &crate::mail::Address| match &address.name {
                Some(name) => format!("{name} <{}>", address.shown()),
                None => address.shown().into_owned(),
            };
            list.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        lines.push(String::new());
        lines.push(format!("From: {}", people(&message.from)));
        lines.push(format!("To: {}", people(&message.to)));
        for (name, list) in [("Cc", &message.cc), ("Bcc", &message.bcc)] {
            lines.extend((!list.is_empty()).then(|| format!("{name}: {}", people(list))));
        }
        lines.push(format!("Date: {}", rfc3339(message.sort_date).unwrap_or_default()));
        for attachment in &message.attachments {
            let name = attachment.name.as_deref().unwrap_or("(no name)");
            let (kind, size) = (&attachment.media_type, attachment.size);
            lines.push(format!("Attachment: {name} ({kind}, {size} bytes)"));
        }
        if message.facts.page_instead {
            lines.push("Shown: its page; its plain text says nearly nothing".to_owned());
        }
        if !message.defects.is_empty() {
            lines.push(format!("As found: {}", message.defects.join(", ")));
        }
        lines.push(String::new());
        lines.push(message.text.clone());
    }
    lines.join("\n")
}
