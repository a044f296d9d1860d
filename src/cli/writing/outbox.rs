//! `outbox`: what is to be sent, and what became of it.
//!
//! Invariant: what nobody knows about is sent once more only when it is said so; what is on its way
//! is not taken back.

use serde_json::json;

use super::send::{self, Plan, What};
use super::{Outbox, Writing, drafts, find, sent};
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::command::intent::Intent;
use crate::engine::Device;
use crate::engine::view::{OutboxRow, OutboxState};
use crate::id::ActionId;
use crate::mail::compose::{Draft, narrow};
use crate::notice::{Exit, Explain as _, Notice};

/// What is said of what nobody knows about.
const MAYBE: &str = "it may have been sent already";

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
        OutboxState::Partly => "sent, but not to all",
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
            let why = row.why.as_deref().filter(|_| row.refused.is_empty());
            let why = why.map(|why| format!("  ({why})")).unwrap_or_default();
            let to = row.refused.iter().map(|to| format!("{}: {}", to.address, to.reason));
            let to = to.collect::<Vec<_>>().join("; ");
            let why = if to.is_empty() { why } else { format!("  (not to {to})") };
            let (queued, state) = (&row.queued, state(row.state));
            format!("{queued}  {state}{when}  {}  {}{why}", row.to, row.subject)
        })?;
    }
    Ok(Exit::Done)
}

fn named(home: &Home, id: &str) -> Result<OutboxRow, Notice> {
    let device = find::reader::<OutboxRow>(home, id)?;
    row_of(home, &device, id)
}

fn row_of(home: &Home, device: &Device, id: &str) -> Result<OutboxRow, Notice> {
    find::named(device, id)
        .or_else(|notice| Err(sent::was_sent(home, device, id)?.unwrap_or(notice)))
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
    let missing = |notice: Notice| {
        if notice.code != "not-queued" || !home.is_remote() {
            return notice;
        }
        let hint = "`mailtui --sync-only` fetches what other devices queued; then `mailtui outbox` \
                    lists all";
        Notice { hint: hint.to_owned(), ..notice }
    };
    let rows: Result<Vec<OutboxRow>, Notice> =
        ids.iter().map(|id| named(home, id).map_err(missing)).collect();
    let rows = rows?;
    rows.iter().try_for_each(is_here)?;
    let mut desk = Desk::open(home)?;
    let mut decided = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.state == OutboxState::Unknown {
            let hint = "look for it in Sent before it is sent as a draft";
            output.notice(&Notice::warning("unknown", MAYBE, hint));
        }
        decided.push(match row.state {
            OutboxState::Partly => put_away(home, &mut desk, row)?,
            _ => take_back(home, &mut desk, row)?,
        });
    }
    let finished = desk.finish(home, wait);
    let outgoing = desk.device().outgoing_rows().map_err(|error| error.notice())?;
    let mut exit = Exit::Done;
    for (row, done) in rows.iter().zip(decided) {
        // What was claimed meanwhile goes its way.
        let there = outgoing.outbox.iter().any(|other| other.queued == row.queued);
        let seen = row.state == OutboxState::Partly;
        let cancelled = !there && (seen || !is_sent(&desk, row)?);
        let value = json!({
            "action": done.action, "thread": row.thread, "queued": row.queued,
            "cancelled": cancelled,
        });
        output.result(&value, || {
            let says = match (seen, cancelled) {
                (true, _) => done.says.as_str(),
                (false, true) => "Taken back: it is a draft.",
                (false, false) => "It was on its way.",
            };
            format!("{}  {says}", row.thread)
        })?;
        if !cancelled {
            let hint = "`mailtui outbox` shows how it ends; what was sent is in Sent";
            output.notice(&Notice::warning("too-late", "it cannot be taken back any more", hint));
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

/// Whether it was sent, whatever else is written in its store.
fn is_sent(desk: &Desk, row: &OutboxRow) -> Result<bool, Notice> {
    let sent = desk.device().sent_as(row.queued.as_str()).map_err(|error| error.notice())?;
    Ok(sent.is_some_and(|(_, queued)| queued == row.queued))
}

/// The line of what went to some only is taken out of the outbox.
fn put_away(
    home: &Home,
    desk: &mut Desk,
    row: &OutboxRow,
) -> Result<crate::engine::view::Done, Notice> {
    let (thread, save) = (row.thread.clone(), row.save.clone());
    desk.decide(home, &[], &Intent::DiscardDraft { thread, save })
}

/// What went to some only, for those alone who did not get it.
fn for_the_rest(row: &OutboxRow, draft: &Draft) -> Draft {
    let only: Vec<String> = row.refused.iter().map(|to| to.address.clone()).collect();
    narrow(draft, &only)
}

/// Sends what went to some only to the others.
fn retry_rest(
    home: &Home,
    output: Output,
    row: &OutboxRow,
    draft: &Draft,
    plan: Plan,
    wait: bool,
) -> Result<Exit, Notice> {
    let draft = for_the_rest(row, draft);
    send::check(output, &draft, plan.forced())?;
    let mut desk = Desk::open(home)?;
    let intent =
        Intent::SaveDraft { slot: None, thread: None, from: None, draft: Box::new(draft.clone()) };
    let done = desk.decide(home, &[], &intent)?;
    let Some(wrote) = done.wrote else { return Err(super::nothing()) };
    // It goes to them now, or is a draft: nobody needs to be told any more.
    put_away(home, &mut desk, row)?;
    let what = What { thread: &wrote.thread, save: &wrote.event, draft: &draft, again: None };
    send::queue(home, output, desk, &what, plan, wait)
}

fn retry(home: &Home, output: Output, id: &str, plan: Plan, wait: bool) -> Result<Exit, Notice> {
    let mut device = find::reader::<OutboxRow>(home, id)?;
    let row = row_of(home, &device, id)?;
    match row.state {
        OutboxState::Partly => {}
        OutboxState::Failed if row.is_twin() => {
            let line = row.why.as_deref().unwrap_or(MAYBE);
            let hint = "`mailtui outbox cancel` makes it a draft; look in Sent for the other";
            return Err(Notice::error("already-sent", line, hint));
        }
        OutboxState::Failed if !row.is_in_doubt() => {}
        OutboxState::Failed | OutboxState::Unknown if plan.is_forced() => {}
        OutboxState::Failed | OutboxState::Unknown => sent_twice(output, "Send it once more?")?,
        _ => {
            let line = format!("it is {}", state(row.state));
            let hint = "only what was refused, or is unknown, can be sent again";
            return Err(Notice::error("not-over", line, hint).exit(Exit::Usage));
        }
    }
    let open = find::open(home, &mut device, &row.thread, &row.save, false)?;
    drop(device);
    if row.state == OutboxState::Partly {
        return retry_rest(home, output, &row, &open.draft, plan, wait);
    }
    send::check(output, &open.draft, plan.forced())?;
    let desk = Desk::open(home)?;
    let again = Some(row.queued.clone());
    let what = What { thread: &row.thread, save: &row.save, draft: &open.draft, again };
    send::queue(home, output, desk, &what, plan, wait)
}

/// What may have been sent is written on only when that is said. Nothing leaves the outbox before
/// there is something to save, but for as long as an editor runs; what was refused leaves it with
/// the save.
fn edit(home: &Home, output: Output, id: &str, writing: &Writing) -> Result<Exit, Notice> {
    let mut device = find::reader::<OutboxRow>(home, id)?;
    let row = row_of(home, &device, id)?;
    is_here(&row)?;
    if row.is_doubtful() && !writing.order.force {
        sent_twice(output, "Write on it all the same?")?;
    }
    let open = find::open(home, &mut device, &row.thread, &row.save, false)?;
    drop(device);
    if row.state == OutboxState::Partly {
        let exit = drafts::begin(home, output, writing, for_the_rest(&row, &open.draft))?;
        // They are in a draft now, or it is on its way to them.
        let mut desk = Desk::open(home)?;
        put_away(home, &mut desk, &row)?;
        return desk.finish(home, !writing.wait.no_wait).map(|()| exit);
    }
    let save = row.save.clone();
    // Who sends it at once was asked, or knows why it was refused.
    let over = matches!(row.state, OutboxState::Failed | OutboxState::Unknown);
    let again = over.then(|| row.queued.clone());
    let back = Some(row).filter(|row| row.state != OutboxState::Failed);
    drafts::edit(home, output, writing, open, save, (back, again))
}

/// Asks about what nobody knows whether it was sent.
pub(super) fn sent_twice(output: Output, what: &str) -> Result<(), Notice> {
    let question = format!("{MAYBE}, and would be sent twice.\n{what} Type yes: ");
    if super::confirmed(output, &question) == Some(true) {
        return Ok(());
    }
    let hint = "look for it in Sent; --force sends it once more";
    Err(Notice::error("unknown", MAYBE, hint).exit(Exit::Usage))
}

/// Takes a message out of the outbox, which is known when this returns; the action that did it.
pub(super) fn take_out(
    home: &Home,
    desk: &mut Desk,
    row: &OutboxRow,
) -> Result<Option<ActionId>, Notice> {
    let done = take_back(home, desk, row)?;
    let finished = desk.finish(home, true);
    if let Err(notice) = finished {
        // Whether it was on its way is not known: it stays where it was.
        desk.decide(home, &[], &Intent::Undo(done.action))?;
        return Err(notice);
    }
    let there = desk.device().outgoing_rows().map_err(|error| error.notice())?;
    if there.outbox.iter().any(|other| other.queued == row.queued) || is_sent(desk, row)? {
        let hint = "`mailtui outbox` shows how it ends";
        return Err(Notice::error("on-its-way", "it is on its way already", hint));
    }
    Ok(done.action)
}

/// The same before an editor runs, without holding anything meanwhile.
pub(super) fn out(home: &Home, row: Option<OutboxRow>) -> Result<Option<ActionId>, Notice> {
    let Some(row) = row else { return Ok(None) };
    take_out(home, &mut Desk::open(home)?, &row)
}

/// Puts back what was taken out for an editor that came to nothing; why it did so.
pub(super) fn put_back(home: &Home, output: Output, out: Option<&ActionId>, why: Notice) -> Notice {
    let Some(action) = out else { return why };
    let back = Desk::open(home).and_then(|mut desk| {
        desk.decide(home, &[], &Intent::Undo(Some(action.clone())))?;
        desk.finish(home, true)
    });
    match back {
        Ok(()) => output.notice(&Notice::info("it is in the outbox again, as it was")),
        Err(notice) => output.notice(&notice),
    }
    why
}
