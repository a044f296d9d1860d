//! `drafts`: what is written and not sent.
//!
//! Invariant: looking opens no connection unless the text is elsewhere; throwing away is an action
//! that can be undone, and never takes a save that was not looked at.

use serde_json::{Value, json};

use super::{Begun, Drafts, Place, Writing, find};
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::rfc3339;
use crate::command::intent::Intent;
use crate::engine::view::{DraftRow, OpenDraft, OutboxRow};
use crate::engine::writing::Writing as Unsaved;
use crate::id::EventId;
use crate::mail::compose::{Draft, checks, to_text};
use crate::notice::{Exit, Explain as _, Notice};
use crate::safe_text;

/// Does it; without a verb they are listed.
pub(super) fn run(home: &Home, output: Output, verb: Option<Drafts>) -> Result<Exit, Notice> {
    match verb.unwrap_or(Drafts::List) {
        Drafts::List => list(home, output),
        Drafts::Show { draft, save } => show(home, output, &draft, save.as_deref()),
        Drafts::History { draft } => history(home, output, &draft),
        Drafts::Discard { drafts, wait } => discard(home, output, &drafts, !wait.no_wait),
        Drafts::Edit { draft, save, writing } => {
            let (row, open) = open(home, &draft, save.as_deref(), false)?;
            edit(home, output, &writing, open, row.save, (None, None))
        }
    }
}

/// Goes on with a draft; `last` is the save that it is made from, `back` where it waits in the
/// outbox, `again` what of it may have been sent, or was refused.
pub(super) fn edit(
    home: &Home,
    output: Output,
    writing: &Writing,
    open: OpenDraft,
    last: EventId,
    (back, again): (Option<OutboxRow>, Option<EventId>),
) -> Result<Exit, Notice> {
    let saved = Some((open.thread, last));
    let begun = Begun { saved, back, again, ..Begun::new(open.draft, Place::Instead) };
    super::write(home, output, writing, begun)
}

/// A draft of its own that begins as `draft`.
pub(super) fn begin(
    home: &Home,
    output: Output,
    writing: &Writing,
    draft: Draft,
) -> Result<Exit, Notice> {
    super::write(home, output, writing, Begun::new(draft, Place::Instead))
}

/// What of drafts is in the journal alone: on a screen, or where a program was killed.
fn unsaved(home: &Home) -> Option<Notice> {
    let left = Unsaved::existing(&home.dir).ok()??.journal().ok()?.len();
    let line = match left {
        0 => return None,
        1 => "the words of a draft are not saved yet".to_owned(),
        left => format!("the words of {left} drafts are not saved yet"),
    };
    Some(Notice::info(format!("{line}: it is open, or saved when mailtui starts")))
}

fn list(home: &Home, output: Output) -> Result<Exit, Notice> {
    let Some(device) = crate::cli::caught_up_still(home)? else { return Ok(Exit::Done) };
    let outgoing = device.outgoing_rows().map_err(|error| error.notice())?;
    for row in &outgoing.drafts {
        let value = json!({
            "thread": row.thread, "draft": row.draft, "save": row.save, "to": row.to,
            "subject": row.subject, "snippet": row.snippet, "at": rfc3339(row.at),
            "attachments": row.attachments,
        });
        output.result(&value, || {
            let at = rfc3339(row.at).unwrap_or_default();
            let at = at.get(..16).unwrap_or_default().replace('T', " ");
            let file = if row.attachments { "@" } else { " " };
            let or = |text: &str, none: &str| if text.is_empty() { none } else { text }.to_owned();
            let (to, subject) = (or(&row.to, "(nobody)"), or(&row.subject, "(no subject)"));
            // A thread with two is no name for either of them.
            let several = outgoing.drafts.iter().filter(|of| of.thread == row.thread).count() > 1;
            let name = if several { row.save.as_str() } else { row.thread.as_str() };
            format!("{name}  {at}  {file}  {to}  {subject}")
        })?;
    }
    if let Some(notice) = unsaved(home) {
        output.notice(&notice);
    }
    Ok(Exit::Done)
}

/// A draft's row, and what is written.
fn open(
    home: &Home,
    name: &str,
    save: Option<&str>,
    all: bool,
) -> Result<(DraftRow, OpenDraft), Notice> {
    let mut device = find::reader::<DraftRow>(home, name)?;
    let row: DraftRow = find::named(&device, name)?;
    let save = save.map_or_else(|| Ok(row.save.clone()), find::save)?;
    let open = find::open(home, &mut device, &row.thread, &save, all)?;
    Ok((row, open))
}

fn show(home: &Home, output: Output, name: &str, save: Option<&str>) -> Result<Exit, Notice> {
    let (_, open) = open(home, name, save, save.is_some())?;
    output.result(&object(&open), || safe_text::text(&to_text(&open.draft)))?;
    Ok(Exit::Done)
}

fn object(open: &OpenDraft) -> Value {
    let safe = |text: &str| safe_text::line(text);
    let ids = |ids: &[String]| ids.iter().map(|id| safe(id)).collect::<Vec<_>>();
    let Draft { account, from, to, cc, bcc, reply_to, subject, body, .. } = &open.draft;
    let read = open.draft.recipients();
    let files = open.draft.attachments.iter().map(|file| {
        json!({ "name": safe(&file.name), "type": safe(&file.media_type), "size": file.size })
    });
    let wrong = read.errors.iter().map(|error| {
        let at = open.draft.field(error.field).get(..error.range.start).unwrap_or_default();
        json!({
            "field": error.field.name(), "at": at.chars().count() + 1,
            "why": error.wrong.to_string(),
        })
    });
    json!({
        "thread": open.thread, "save": open.save, "account": account.as_deref().map(safe),
        "from": safe(from), "to": safe(to), "cc": safe(cc), "bcc": safe(bcc),
        "replyTo": safe(reply_to), "subject": safe(subject), "text": safe_text::text(body),
        "inReplyTo": open.draft.in_reply_to.as_deref().map(safe),
        "references": ids(&open.draft.references),
        "attachments": files.collect::<Vec<_>>(),
        "wrong": wrong.collect::<Vec<_>>(),
        "warnings": checks(&open.draft).iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn history(home: &Home, output: Output, name: &str) -> Result<Exit, Notice> {
    let mut device = find::reader::<DraftRow>(home, name)?;
    let DraftRow { thread, save, .. } = find::named(&device, name)?;
    let open = find::open(home, &mut device, &thread, &save, true);
    let saves = device.draft_history(&thread).map_err(|error| error.notice())?;
    if saves.is_empty() {
        open?;
    }
    // Of a text that cannot be read, there are earlier ones.
    for row in &saves {
        let at = rfc3339(row.at);
        let value = json!({
            "thread": thread, "save": row.save, "at": at, "device": row.device_name,
            "snippet": row.snippet,
        });
        output.result(&value, || {
            let at = at.clone().unwrap_or_default();
            format!("{}  {at}  {}  {}", row.save, row.device_name, row.snippet)
        })?;
    }
    Ok(Exit::Done)
}

fn discard(home: &Home, output: Output, names: &[String], wait: bool) -> Result<Exit, Notice> {
    let device = find::reader::<DraftRow>(home, &names[0])?;
    let rows: Result<Vec<DraftRow>, Notice> =
        names.iter().map(|name| find::named(&device, name)).collect();
    let rows = rows?;
    drop(device);
    let mut desk = Desk::open(home)?;
    let mut done = Vec::with_capacity(rows.len());
    for DraftRow { thread, save, .. } in rows {
        let intent = Intent::DiscardDraft { thread: thread.clone(), save };
        done.push((thread, desk.decide(home, &[], &intent)?));
    }
    let finished = desk.finish(home, wait);
    for (thread, done) in done {
        let value = json!({ "action": done.action, "thread": thread, "discarded": true });
        output.result(&value, || format!("{thread}  {}", done.says))?;
    }
    finished.map(|()| Exit::Done)
}
