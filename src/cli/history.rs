//! `history`: what was done, by whom, on which device, and what became of it.
//!
//! Invariant: read from the files, no connection; nothing of an action's name or labels reaches the
//! output but through `safe_text`.

use serde_json::json;

use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::rfc3339;
use crate::command::count::conversations;
use crate::engine::view::HistoryRow;
use crate::engine::{Device, EngineError};
use crate::id::{ActionId, DeviceId, ThreadId};
use crate::mailbox::{Deed, Of};
use crate::notice::{Exit, Explain as _, Notice};

/// Actions read at a time.
const PAGE: usize = 200;

/// What is listed.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// At most so many; 0 for all.
    pub(super) limit: usize,
    /// Of this device, by id or name.
    pub(super) device: Option<&'a str>,
    /// That reached this conversation.
    pub(super) thread: Option<&'a str>,
    /// Older than this action.
    pub(super) before: Option<&'a str>,
}

/// Lists actions, the newest first.
pub(super) fn history(home: &Home, output: Output, asked: &Asked<'_>) -> Result<Exit, Notice> {
    let Some(device) = super::caught_up_still(home)? else { return Ok(Exit::Done) };
    let notice = |error: EngineError| error.notice();
    let threads = asked.thread.map(|thread| members(&device, thread)).transpose()?;
    let mut before = asked.before.map(action).transpose()?;
    let by = asked.device.map(|name| Whose::parse(&device, name)).transpose()?;
    let of = Of {
        device: by.as_ref().and_then(|by| by.id.clone()),
        threads: threads.unwrap_or_default(),
    };
    let is_wanted = |row: &HistoryRow| by.as_ref().is_none_or(|by| by.is(row));
    let mut left = if asked.limit == 0 { usize::MAX } else { asked.limit };
    while left > 0 {
        // With a name some of a page may be another's: it is read whole.
        let page = device.history(&of, before.as_ref(), PAGE).map_err(notice)?;
        for row in page.rows.iter().filter(|row| is_wanted(row)).take(left) {
            output.result(&object(row), || plain(row))?;
            left -= 1;
        }
        before = page.rows.last().map(|row| row.action.clone());
        if !page.more || before.is_none() {
            break;
        }
    }
    Ok(Exit::Done)
}

/// A device by id, or all of one name.
struct Whose {
    id: Option<DeviceId>,
    name: String,
}

impl Whose {
    fn parse(device: &Device, text: &str) -> Result<Self, Notice> {
        let none = || {
            let line = format!("{} is no device", crate::safe_text::line(text));
            Notice::error("device", line, "`mailtui history --json` names those there are")
                .exit(Exit::Usage)
        };
        if text == "this" {
            return Ok(Self { id: Some(device.id().clone()), name: String::new() });
        }
        let id = DeviceId::try_from(text).map_err(|_| none())?;
        // An id is longer than the name of the device.
        let whole = id.name() != id.as_str();
        let name = if whole { String::new() } else { text.to_owned() };
        Ok(Self { id: whole.then_some(id), name })
    }

    fn is(&self, row: &HistoryRow) -> bool {
        self.id.as_ref().map_or(self.name == row.device_name, |id| *id == row.device)
    }
}

/// An action that was named; what is no id is the name of none.
pub(super) fn action(text: &str) -> Result<ActionId, Notice> {
    ActionId::try_from(text)
        .map_err(|_| EngineError::NoAction(crate::safe_text::line(text)).notice())
}

fn members(device: &Device, text: &str) -> Result<Vec<ThreadId>, Notice> {
    let none = || EngineError::NoThread(crate::safe_text::line(text)).notice();
    let id = ThreadId::try_from(text).map_err(|_| none())?;
    let row = device.row(&id).map_err(|error| error.notice())?;
    // One that is gone for ever has a history still.
    Ok(row.map_or_else(|| vec![id], |row| row.members.into_iter().map(|m| m.thread).collect()))
}

fn object(row: &HistoryRow) -> serde_json::Value {
    let changes: Vec<_> = row.changes.iter().map(|deed| safe(deed).value()).collect();
    json!({
        "action": row.action,
        "at": rfc3339(row.at.div_euclid(1_000)),
        "device": row.device,
        "deviceName": row.device_name,
        "name": row.name,
        "what": row.what,
        "changes": changes,
        "threads": row.threads,
        "undone": row.undone_by.is_some(),
        "undoneBy": row.undone_by,
        "undoOf": row.undoes,
        "redoOf": row.redoes,
        "pending": row.pending,
    })
}

/// A deed whose texts are safe.
fn safe(deed: &Deed) -> Deed {
    let line = |text: &str| crate::safe_text::line(text);
    match deed {
        Deed::Made(id, name) => Deed::Made(id.clone(), line(name)),
        Deed::Renamed(id, name) => Deed::Renamed(id.clone(), line(name)),
        Deed::Recolored(id, color) => Deed::Recolored(id.clone(), color.as_deref().map(line)),
        Deed::SearchSaved(id, name, query) => {
            Deed::SearchSaved(id.clone(), line(name), line(query))
        }
        Deed::SearchRemoved(id, name) => Deed::SearchRemoved(id.clone(), line(name)),
        other => other.clone(),
    }
}

fn plain(row: &HistoryRow) -> String {
    let date = rfc3339(row.at.div_euclid(1_000)).unwrap_or_default();
    let who = if row.here { "this device" } else { &row.device_name };
    let mut line = format!(
        "{}  {}  {who:<12}  {}",
        row.action,
        date.get(..16).unwrap_or("                ").replace('T', " "),
        row.what
    );
    if row.threads > 0 {
        line.push_str(": ");
        line.push_str(&conversations(row.threads));
    }
    for (is, mark) in [
        (row.redoes.is_some(), "done again"),
        (row.undone_by.is_some(), "undone"),
        (row.pending, "pending"),
    ] {
        if is {
            line.push_str(" · ");
            line.push_str(mark);
        }
    }
    line
}
