//! What was sent already, for who wants to take it back.
//!
//! Invariant: it only looks, at what is on this machine.

use crate::backend::Reader;
use crate::cli::home::Home;
use crate::clock::rfc3339;
use crate::engine::Device;
use crate::id::{EventId, StoreId, ThreadId};
use crate::notice::{Explain as _, Notice};
use crate::safe_text;
use crate::thread::ThreadEvent;

/// That what is called `name` was sent, and when, where that is known here; `None` where it was
/// not.
pub(super) fn was_sent(home: &Home, device: &Device, name: &str) -> Result<Option<Notice>, Notice> {
    let found = device.sent_as(name).map_err(|error| error.notice())?;
    let Some((thread, queued)) = found else { return Ok(None) };
    let at = when(home, device, &thread, &queued)?.and_then(rfc3339);
    let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
    let line = format!("{} was sent{at}", safe_text::line(name));
    Ok(Some(Notice::error("already-sent", line, "nobody takes it back any more; it is in Sent")))
}

/// When, by the log of its draft.
fn when(
    home: &Home,
    device: &Device,
    thread: &ThreadId,
    queued: &EventId,
) -> Result<Option<i64>, Notice> {
    let logs = Reader::open(&home.backend_dir()).map_err(|error| error.notice())?;
    let log = match logs {
        Some(logs) => logs.log(&StoreId::thread(thread)).map_err(|error| error.notice())?,
        None => device.kept_log(thread).map_err(|error| error.notice())?,
    };
    let sent = log.iter().find_map(|event| {
        match ThreadEvent::read(&event.event.name, &event.event.args) {
            Some(ThreadEvent::Sent(sent)) if sent.queued == *queued => Some(sent.at),
            _ => None,
        }
    });
    Ok(sent)
}
