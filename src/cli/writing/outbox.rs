//! `outbox`: what is to be sent, and what became of it.
//!
//! Invariant: what nobody knows about is sent once more only when it is said so; what is on its way
//! is not taken back.

use serde_json::json;

use super::send::{self, Plan, What};
use super::{Outbox, Writing, drafts, find};
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::command::intent::Intent;
use crate::engine::view::{OutboxRow, OutboxState};
use crate::notice::{Exit, Explain as _, Notice};

/// Does it; without a verb it is listed.
pub(super) fn run(home: &Home, output: Output, verb: Option<Outbox>) -> Result<Exit, Notice> {
    match verb.unwrap_or(Outbox::List) {
        Outbox::List => list(home, output),
        Outbox::Cancel { ids, wait } => cancel(home, output, &ids, !wait.no_wait),
        Outbox::Retry { id, order, wait } => {
            let plan = Plan::read(&order)?;
            retry(home, output, &id, plan, !wait.no_wait)
        }
        Outbox::Edit { id, writing } => edit(home, output, &id, &writing),
    }
}

const fn state(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Queued => "queued",
        OutboxState::Retrying => "retrying",
        OutboxState::Sending => "sending",
        OutboxState::Failed => "failed",
        OutboxState::Unknown => "unknown, check",
    }
}

fn list(home: &Home, output: Output) -> Result<Exit, Notice> {
    let Some(device) = crate::cli::caught_up_still(home)? else { return Ok(Exit::Done) };
    let outgoing = device.outgoing_rows().map_err(|error| error.notice())?;
    for row in &outgoing.outbox {
        let value = send::value(row);
        output.result(&value, || {
            let when = value["retryAt"].as_str().or(value["sendAt"].as_str());
            let when = when.map(|at| format!(" {at}")).unwrap_or_default();
            let why = row.why.as_deref().map(|why| format!("  ({why})")).unwrap_or_default();
            let (queued, state) = (&row.queued, state(row.state));
            format!("{queued}  {state}{when}  {}  {}{why}", row.to, row.subject)
        })?;
    }
    Ok(Exit::Done)
}

fn named(home: &Home, id: &str) -> Result<OutboxRow, Notice> {
    let device = find::reader::<OutboxRow>(home, id)?;
    find::named(&device, id)
}

/// That something can be taken back.
fn is_here(row: &OutboxRow) -> Result<(), Notice> {
    if row.state != OutboxState::Sending {
        return Ok(());
    }
    let hint = "`mailtui outbox` shows how it ends";
    Err(Notice::error("on-its-way", "it is on its way already", hint))
}

fn cancel(home: &Home, output: Output, ids: &[String], wait: bool) -> Result<Exit, Notice> {
    let rows: Result<Vec<OutboxRow>, Notice> = ids.iter().map(|id| named(home, id)).collect();
    let rows = rows?;
    rows.iter().try_for_each(is_here)?;
    let mut desk = Desk::open(home)?;
    let mut decided = Vec::with_capacity(rows.len());
    for row in &rows {
        decided.push(take_back(home, &mut desk, row)?);
    }
    let finished = desk.finish(home, wait);
    let outgoing = desk.device().outgoing_rows().map_err(|error| error.notice())?;
    let mut exit = Exit::Done;
    for (row, done) in rows.iter().zip(decided) {
        // What was claimed meanwhile goes its way.
        let there = outgoing.outbox.iter().any(|other| other.queued == row.queued);
        let back = outgoing.drafts.iter().any(|draft| draft.thread == row.thread);
        let cancelled = back && !there;
        let value = json!({
            "action": done.action, "thread": row.thread, "queued": row.queued,
            "cancelled": cancelled,
        });
        output.result(&value, || {
            let says = if cancelled { "Taken back: it is a draft." } else { "It was on its way." };
            format!("{}  {says}", row.thread)
        })?;
        if !cancelled {
            exit = Exit::Error;
        }
    }
    finished.map(|()| exit)
}

fn take_back(
    home: &Home,
    desk: &mut Desk,
    row: &OutboxRow,
) -> Result<crate::engine::view::Done, Notice> {
    let (thread, queued) = (row.thread.clone(), row.queued.clone());
    desk.decide(home, &[], &Intent::CancelSend { thread, queued })
}

fn retry(home: &Home, output: Output, id: &str, plan: Plan, wait: bool) -> Result<Exit, Notice> {
    let mut device = find::reader::<OutboxRow>(home, id)?;
    let row: OutboxRow = find::named(&device, id)?;
    match row.state {
        OutboxState::Failed => {}
        OutboxState::Unknown if plan.is_forced() => {}
        OutboxState::Unknown => {
            let question = "It may have been sent already, and would be sent twice.\n\
                 Send it once more? Type yes: ";
            if super::confirmed(output, question) != Some(true) {
                let line = "it may have been sent already";
                let hint = "look for it in Sent; --force sends it once more";
                return Err(Notice::error("unknown", line, hint).exit(Exit::Usage));
            }
        }
        _ => {
            let line = format!("it is {}", state(row.state));
            let hint = "only what was refused, or is unknown, can be sent again";
            return Err(Notice::error("not-over", line, hint).exit(Exit::Usage));
        }
    }
    let open = find::open(home, &mut device, &row.thread, &row.save, false)?;
    drop(device);
    send::check(output, &open.draft, plan.forced())?;
    let mut desk = Desk::open(home)?;
    let again = Some(row.queued.clone());
    let what = What { thread: &row.thread, save: &row.save, draft: &open.draft, again };
    send::queue(home, output, &mut desk, &what, plan, wait)
}

/// What waits is taken back first, so that it is not sent while it is written on; what was refused
/// leaves the outbox with the next save.
fn edit(home: &Home, output: Output, id: &str, writing: &Writing) -> Result<Exit, Notice> {
    let mut device = find::reader::<OutboxRow>(home, id)?;
    let row: OutboxRow = find::named(&device, id)?;
    is_here(&row)?;
    let open = find::open(home, &mut device, &row.thread, &row.save, false)?;
    drop(device);
    let mut desk = Desk::open(home)?;
    take_back(home, &mut desk, &row)?;
    desk.finish(home, !writing.wait.no_wait)?;
    let there = desk.device().outgoing_rows().map_err(|error| error.notice())?;
    drop(desk);
    if there.outbox.iter().any(|other| other.queued == row.queued) {
        let hint = "`mailtui outbox` shows how it ends";
        return Err(Notice::error("on-its-way", "it is on its way already", hint));
    }
    drafts::edit(home, output, writing, open, row.save)
}
