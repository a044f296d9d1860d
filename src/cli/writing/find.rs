//! Finds drafts and what is in the outbox by what a user calls them, and opens drafts.
//!
//! Invariant: a name that could mean two is none: nothing is guessed where mail is sent or thrown
//! away.

use crate::backend::Reader;
use crate::cli::home::Home;
use crate::cli::show;
use crate::command::intent::Target;
use crate::engine::view::{DraftRow, OpenDraft, OutboxRow, Outgoing};
use crate::engine::writing::Writing;
use crate::engine::{Device, EngineError};
use crate::id::{EventId, ThreadId};
use crate::notice::{Exit, Explain as _, Notice};
use crate::safe_text;

/// A row that can be named.
pub(super) trait Named: Clone {
    /// The rows.
    fn rows(outgoing: &Outgoing) -> &[Self];
    /// Its thread.
    fn thread(&self) -> &ThreadId;
    /// The events that it is known by.
    fn events(&self) -> Vec<&EventId>;
    /// What it is not, and how all are listed.
    const NONE: (&'static str, &'static str, &'static str);
}

impl Named for DraftRow {
    fn rows(outgoing: &Outgoing) -> &[Self] {
        &outgoing.drafts
    }

    fn thread(&self) -> &ThreadId {
        &self.thread
    }

    fn events(&self) -> Vec<&EventId> {
        vec![&self.draft, &self.save]
    }

    const NONE: (&'static str, &'static str, &'static str) =
        ("no-draft", "is no draft", "`mailtui drafts` lists all");
}

impl Named for OutboxRow {
    fn rows(outgoing: &Outgoing) -> &[Self] {
        &outgoing.outbox
    }

    fn thread(&self) -> &ThreadId {
        &self.thread
    }

    fn events(&self) -> Vec<&EventId> {
        vec![&self.queued, &self.save]
    }

    const NONE: (&'static str, &'static str, &'static str) =
        ("not-queued", "is not in the outbox", "`mailtui outbox` lists all");
}

/// What is called `name`.
pub(super) fn named<T: Named>(device: &Device, name: &str) -> Result<T, Notice> {
    let outgoing = device.outgoing_rows().map_err(|error| error.notice())?;
    let rows = T::rows(&outgoing);
    let is_event = |row: &&T| row.events().iter().any(|event| event.as_str() == name);
    if let Some(row) = rows.iter().find(is_event) {
        return Ok(row.clone());
    }
    let mut of_thread = rows.iter().filter(|row| row.thread().as_str() == name);
    let shown = safe_text::line(name);
    let (code, line, hint) = T::NONE;
    match (of_thread.next(), of_thread.next()) {
        (Some(row), None) => Ok(row.clone()),
        (None, _) => Err(Notice::error(code, format!("{shown} {line}"), hint).exit(Exit::NotFound)),
        (Some(_), Some(_)) => {
            let line = format!("there are several in {shown}: two devices wrote at once");
            let hint = "name one by its `save`, as the list shows it";
            Err(Notice::error("ambiguous", line, hint).exit(Exit::Usage))
        }
    }
}

/// The device for reading; a directory without one has neither drafts nor an outbox.
pub(super) fn reader<T: Named>(home: &Home, name: &str) -> Result<Device, Notice> {
    let (code, line, hint) = T::NONE;
    let none = || {
        Notice::error(code, format!("{} {line}", safe_text::line(name)), hint).exit(Exit::NotFound)
    };
    crate::cli::caught_up(home)?.ok_or_else(none)
}

/// The name of a save.
pub(super) fn save(text: &str) -> Result<EventId, Notice> {
    EventId::try_from(text).map_err(|_| EngineError::NoDraft(safe_text::line(text)).notice())
}

/// A draft's text, from files or from the backend.
pub(super) fn open(
    home: &Home,
    device: &mut Device,
    thread: &ThreadId,
    save: &EventId,
    all: bool,
) -> Result<OpenDraft, Notice> {
    let notice = |error: EngineError| error.notice();
    let logs = Reader::open(&home.backend_dir()).map_err(|error| error.notice())?;
    let here = device.open_draft(thread, Some(save)).map_err(notice)?;
    // Without a row nothing of it is anywhere else.
    if (all || matches!(here, Ok(None)))
        && let Some(target) = target(device, thread)?
    {
        match show::load(home, device, logs.as_ref(), &target) {
            // What was saved here and not sent yet is here.
            Err(_) if matches!(here, Ok(Some(_))) => {}
            other => drop(other?),
        }
    }
    // A text of its own, then nothing is missing.
    for _ in 0..2 {
        match device.open_draft(thread, Some(save)).map_err(notice)? {
            Ok(Some(draft)) => return Ok(draft),
            Ok(None) => break,
            Err(hash) => {
                let own = Writing::existing(&home.dir).map_err(|error| error.notice())?;
                let own = own.map(|writing| writing.get(&hash)).transpose();
                let bytes = match own.map_err(|error| error.notice())?.flatten() {
                    Some(bytes) => bytes,
                    None => show::bytes(home, device, logs.as_ref(), &hash)?,
                };
                device.put_blob(&hash, bytes);
            }
        }
    }
    Err(EngineError::NoDraft(save.to_string()).notice())
}

fn target(device: &Device, thread: &ThreadId) -> Result<Option<Target>, Notice> {
    let members = device.targets(thread).map_err(|error| error.notice())?;
    Ok(members.into_iter().find(|member| member.thread == *thread))
}
