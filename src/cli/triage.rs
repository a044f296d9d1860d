//! The commands that change conversations, and `undo`.

use std::collections::BTreeSet;

use serde_json::json;

use crate::cli::args::label_word;
use crate::cli::desk::Desk;
use crate::cli::history;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::command::intent::{Change, Intent, Target};
use crate::command::{snooze, when};
use crate::engine::view::Done;
use crate::engine::{Device, EngineError};
use crate::id::ThreadId;
use crate::label::{self, Place};
use crate::notice::{Exit, Explain as _, Notice};

/// Makes the same changes on all threads: one action.
pub(super) fn change(
    home: &Home,
    output: Output,
    threads: &[String],
    changes: Vec<Change>,
    wait: bool,
) -> Result<Exit, Notice> {
    let mut desk = Desk::open(home)?;
    let targets = known(home, &mut desk, threads)?;
    intend(home, desk, output, &[], &Intent::Change { changes, targets }, wait)
}

/// `move T… PLACE`.
pub(super) fn move_to(
    home: &Home,
    output: Output,
    words: &[String],
    wait: bool,
) -> Result<Exit, Notice> {
    let (place, threads) = words.split_last().map_or(("", words), |(l, t)| (l.as_str(), t));
    let place = Place::parse(&place.to_lowercase()).ok_or_else(|| {
        let line = format!("{} is not a place", crate::safe_text::line(place));
        Notice::error("place", line, "a place is inbox, archive, spam or trash").exit(Exit::Usage)
    })?;
    change(home, output, threads, vec![Change::Place(place)], wait)
}

/// `snooze T… --until WHEN`, said in the zone of this machine.
pub(super) fn snooze(
    home: &Home,
    output: Output,
    threads: &[String],
    until: &str,
    wait: bool,
) -> Result<Exit, Notice> {
    let until = when::read(until, &jiff::Zoned::now()).map_err(|line| {
        Notice::error("when", line, format!("say {}", when::EXAMPLES)).exit(Exit::Usage)
    })?;
    let mut desk = Desk::open(home)?;
    let targets = known(home, &mut desk, threads)?;
    let place = |target: &Target| desk.device().row(&target.thread);
    let rows: Result<Vec<_>, EngineError> = targets.iter().map(place).collect();
    let rows = rows.map_err(|error| error.notice())?;
    let changes = snooze::changes(until, rows.iter().flatten().map(|row| row.place));
    intend(home, desk, output, &[], &Intent::Change { changes, targets }, wait)
}

/// `label T… +a -b`. A label that is put on is made where it is absent.
pub(super) fn label(
    home: &Home,
    output: Output,
    words: &[String],
    wait: bool,
) -> Result<Exit, Notice> {
    let (labels, threads): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| label_word(word).is_some());
    if labels.is_empty() || threads.is_empty() {
        let line = "threads and labels are needed";
        let hint = "mailtui label THREAD +on -off";
        return Err(Notice::error("usage", line, hint).exit(Exit::Usage));
    }
    let mut desk = Desk::open(home)?;
    let threads: Vec<String> = threads.into_iter().cloned().collect();
    let targets = known(home, &mut desk, &threads)?;
    let (mut changes, mut made) = (Vec::new(), Vec::new());
    for (on, name) in labels.into_iter().filter_map(|word| label_word(word)) {
        changes.push(label_change(desk.device(), &mut made, on, name)?);
    }
    intend(home, desk, output, &made, &Intent::Change { changes, targets }, wait)
}

/// The change that a word asks for; a label that has to be made for it is added to `made`.
fn label_change(
    device: &Device,
    made: &mut Vec<String>,
    on: bool,
    name: &str,
) -> Result<Change, Notice> {
    let notice = |error: EngineError| error.notice();
    let id = match device.find_label(name).map_err(notice)? {
        Some(id) => id,
        None if on => {
            let clean = label::clean_name(name).ok_or_else(|| EngineError::NoName.notice())?;
            let (id, new) = device.label_named(&clean).map_err(notice)?;
            if new {
                made.push(clean);
            }
            id
        }
        None => {
            let known = made.iter().find(|made| label::folded(made) == label::folded(name));
            let none = || EngineError::NoLabel(crate::safe_text::line(name)).notice();
            device.label_named(known.ok_or_else(none)?).map_err(notice)?.0
        }
    };
    match (Place::parse(id.as_str()), id.as_str(), on) {
        (Some(place), _, true) => Ok(Change::Place(place)),
        // Out of the place that it is in is into the archive; out of another is nothing.
        (Some(_), _, false) => Ok(Change::Label(id, false)),
        (None, "starred", on) => Ok(Change::Star(on)),
        (None, "unread", on) => Ok(Change::Read(!on)),
        (None, "muted", on) => Ok(Change::Mute(on)),
        (None, other, _) if label::is_system(other) => {
            let line = format!("{other} follows from the mail itself");
            Err(Notice::error("derived", line, "only your own labels and places can be changed")
                .exit(Exit::Usage))
        }
        (None, _, on) => Ok(Change::Label(id, on)),
    }
}

/// `undo [ACTION]`.
pub(super) fn undo(
    home: &Home,
    output: Output,
    action: Option<&str>,
    wait: bool,
) -> Result<Exit, Notice> {
    let intent = Intent::Undo(action.map(history::action).transpose()?);
    let (done, pending, finished) = past(home, &intent, wait)?;
    let value = json!({
        "action": done.action, "undid": done.undid, "threads": done.threads, "kept": done.kept,
        "pending": pending,
    });
    output.result(&value, || done.says.clone())?;
    finished?;
    if done.says == crate::engine::late::TOO_LATE {
        let hint = "nobody takes it back any more; look in Sent, and in the outbox";
        return Err(Notice::error("already-sent", done.says, hint));
    }
    Ok(Exit::Done)
}

/// `redo [ACTION]`.
pub(super) fn redo(
    home: &Home,
    output: Output,
    action: Option<&str>,
    wait: bool,
) -> Result<Exit, Notice> {
    let intent = Intent::Redo(action.map(history::action).transpose()?);
    let (done, pending, finished) = past(home, &intent, wait)?;
    let value = json!({
        "action": done.action, "redid": done.redid, "threads": done.threads, "pending": pending,
    });
    output.result(&value, || done.says.clone())?;
    finished.map(|()| Exit::Done)
}

/// Decides about an action that may be another device's and not known here yet.
fn past(
    home: &Home,
    intent: &Intent,
    wait: bool,
) -> Result<(Done, u64, Result<(), Notice>), Notice> {
    let mut desk = Desk::open(home)?;
    let done = match desk.decide(home, &[], intent) {
        Err(unknown) if unknown.code == "no-action" && !home.offline => {
            // Not reached, it stays unknown.
            desk.finish(home, true).map_err(|_| unknown)?;
            desk.decide(home, &[], intent)?
        }
        other => other?,
    };
    let finished = desk.finish(home, wait);
    let device = desk.device();
    // What others did until then is known only now.
    let done = if finished.is_ok() { device.became_of_undo(done) } else { Ok(done) };
    let done = done.map_err(|error| error.notice())?;
    let (pending, _) = device.pending().map_err(|error| error.notice())?;
    Ok((done, pending, finished))
}

/// As [`targets`]; what `list` shows of a directory that was only served is taken in first.
fn known(home: &Home, desk: &mut Desk, threads: &[String]) -> Result<Vec<Target>, Notice> {
    match targets(desk.device(), threads) {
        Err(none) if none.code == "no-thread" && !home.offline => {
            if !home.is_behind(Some(desk.device()))? {
                return Err(none);
            }
            desk.finish(home, true)?;
            targets(desk.device(), threads)
        }
        other => other,
    }
}

/// `link T T…` and `unlink T…`: by these threads themselves, not by their conversations' members.
pub(super) fn link(
    home: &Home,
    output: Output,
    threads: &[String],
    what: fn(Vec<ThreadId>) -> Intent,
    wait: bool,
) -> Result<Exit, Notice> {
    let ids: Result<Vec<ThreadId>, Notice> = threads
        .iter()
        .map(|name| {
            let none = |_| EngineError::NoThread(crate::safe_text::line(name)).notice();
            ThreadId::try_from(name.as_str()).map_err(none)
        })
        .collect();
    let intent = what(ids?);
    intend(home, Desk::open(home)?, output, &[], &intent, wait)
}

/// Every member of each named thread's conversation, with what its row shows.
fn targets(device: &Device, threads: &[String]) -> Result<Vec<Target>, Notice> {
    let _still = device.db().still().map_err(|error| error.notice())?;
    let (mut targets, mut there) = (Vec::new(), BTreeSet::new());
    for name in threads {
        let none = || EngineError::NoThread(crate::safe_text::line(name)).notice();
        let id = ThreadId::try_from(name.as_str()).map_err(|_| none())?;
        let members = device.targets(&id).map_err(|error| error.notice())?;
        if members.is_empty() {
            return Err(none());
        }
        targets.extend(members.into_iter().filter(|member| there.insert(member.thread.clone())));
    }
    Ok(targets)
}

fn intend(
    home: &Home,
    mut desk: Desk,
    output: Output,
    labels: &[String],
    intent: &Intent,
    wait: bool,
) -> Result<Exit, Notice> {
    let done = desk.decide(home, labels, intent)?;
    let finished = desk.finish(home, wait);
    let (pending, _) = desk.device().pending().map_err(|error| error.notice())?;
    let value = json!({ "action": done.action, "threads": done.threads, "pending": pending });
    output.result(&value, || done.says.clone())?;
    finished.map(|()| Exit::Done)
}
