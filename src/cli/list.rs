//! `list`: read from the files, no connection, no runtime.

use serde::Serialize;

use crate::cli::args;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::rfc3339;
use crate::engine::view::{Cursor, Row, Window};
use crate::engine::{Device, EngineError};
use crate::id::ThreadId;
use crate::label::Place;
use crate::mail::{Address, shows_another};
use crate::notice::{Exit, Explain as _, Notice};

/// Rows read at a time.
const PAGE: usize = 500;

/// A row as the contract lists it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    thread: &'a ThreadId,
    subject: Option<&'a str>,
    participants: &'a [Address],
    last_activity: Option<String>,
    labels: &'a [crate::id::LabelId],
    place: Place,
    message_count: u64,
    unread_count: u64,
    starred: bool,
    snippet: &'a str,
}

impl<'a> Line<'a> {
    fn of(row: &'a Row) -> Self {
        Self {
            thread: &row.thread,
            subject: row.subject.as_deref(),
            participants: &row.participants,
            last_activity: rfc3339(row.last_activity),
            labels: &row.labels,
            place: row.place,
            message_count: row.message_count,
            unread_count: row.unread_count,
            starred: row.starred,
            snippet: &row.snippet,
        }
    }
}

/// Lists conversations.
pub(super) fn list(home: &Home, output: Output, asked: &args::List) -> Result<Exit, Notice> {
    let label = asked.label.as_str();
    let device = super::caught_up_still(home)?;
    let before = asked.before.as_deref().map(Before::parse).transpose()?;
    let Some(device) = device else { return Ok(Exit::Done) };
    let notice = |error: EngineError| error.notice();
    let label = device
        .find_label(label)
        .map_err(notice)?
        .ok_or_else(|| EngineError::NoLabel(crate::safe_text::line(label)).notice())?;
    let mut window = before.map_or(Ok(Window::First), |before| before.window(&device))?;
    let mut left = if asked.limit == 0 { usize::MAX } else { asked.limit };
    while left > 0 {
        let page = device.page(&label, &window, left.min(PAGE)).map_err(notice)?;
        print(output, &page.rows)?;
        left -= page.rows.len();
        match page.rows.last() {
            Some(last) if page.more_after => {
                let thread = last.thread.clone();
                window = Window::After(Cursor { last_activity: last.last_activity, thread });
            }
            _ => break,
        }
    }
    Ok(Exit::Done)
}

/// Sorts behind every thread of the same second: ids are at most 64 of these.
const AFTER_ALL: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

/// Where a list goes on.
enum Before {
    Thread(ThreadId),
    Cursor(Cursor),
}

impl Before {
    /// A thread; a last activity (Unix seconds or RFC 3339) and a thread with a dot between; or a
    /// last activity alone, for everything that is older.
    fn parse(text: &str) -> Result<Self, Notice> {
        let wrong = || {
            let line = format!("{} is no place in a list", crate::safe_text::line(text));
            Notice::error("cursor", line, "use the thread of the last row that you have")
                .exit(Exit::Usage)
        };
        if let Some(cursor) = Cursor::parse(text) {
            return Ok(Self::Cursor(cursor));
        }
        if let Some((at, thread)) = text.rsplit_once('.')
            && let Ok(at) = at.parse::<jiff::Timestamp>()
        {
            let thread = ThreadId::try_from(thread).map_err(|_| wrong())?;
            return Ok(Self::Cursor(Cursor { last_activity: at.as_second(), thread }));
        }
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            let thread = ThreadId::try_from(AFTER_ALL).map_err(|_| wrong())?;
            return Ok(Self::Cursor(Cursor { last_activity: at.as_second(), thread }));
        }
        let id = ThreadId::try_from(text).map_err(|_| wrong())?;
        if id.as_str().len() < 8 || id.as_str().contains(['.', '/']) {
            Err(wrong())
        } else {
            Ok(Self::Thread(id))
        }
    }

    fn window(self, device: &Device) -> Result<Window, Notice> {
        match self {
            Self::Cursor(cursor) => Ok(Window::After(cursor)),
            Self::Thread(thread) => {
                let row = device.row(&thread).map_err(|error| error.notice())?;
                let row = row.ok_or_else(|| EngineError::NoThread(thread.to_string()).notice())?;
                let last_activity = row.last_activity;
                Ok(Window::After(Cursor { last_activity, thread: row.thread }))
            }
        }
    }
}

/// Prints rows, many at a time.
pub(super) fn print(output: Output, rows: &[Row]) -> Result<(), Notice> {
    for some in rows.chunks(PAGE) {
        let mut lines = String::new();
        for row in some {
            lines.push_str(&output.text(&Line::of(row), || plain(row))?);
            lines.push('\n');
        }
        output.bytes(lines.as_bytes())?;
    }
    Ok(())
}

/// A row as a line for people.
pub(super) fn plain(row: &Row) -> String {
    let date = rfc3339(row.last_activity).unwrap_or_default();
    let who: Vec<_> = row
        .participants
        .iter()
        .map(|who| {
            // A name that shows another address is not believed.
            let name = who.name.as_deref().filter(|_| !shows_another(who));
            name.map_or_else(|| who.shown(), Into::into)
        })
        .collect();
    format!(
        "{}  {}  {}{}{}  {}  {}",
        row.thread,
        date.get(..16).unwrap_or_default().replace('T', " "),
        if row.unread_count > 0 { "N" } else { " " },
        if row.starred { "*" } else { " " },
        if row.has_attachment { "@" } else { " " },
        who.join(", "),
        row.subject.as_deref().unwrap_or("(no subject)"),
    )
}
