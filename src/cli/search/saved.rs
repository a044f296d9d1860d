//! `search --save`, `--saved`, `--unsave`: searches that have a name, on every device.
//!
//! Invariant: what cannot be asked is not saved. Saving and removing are actions, which `undo`
//! takes back; listing opens no connection.

use serde_json::json;

use super::read;
use crate::cli::args::Wait;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::command::intent::Intent;
use crate::engine::EngineError;
use crate::notice::{Exit, Explain as _, Notice};
use crate::search::Named;
use crate::search::query::{find_named, hyphened};

/// All of them; none where there is no mail.
pub(super) fn all(home: &Home) -> Result<Vec<Named>, Notice> {
    let Some(device) = crate::cli::caught_up_still(home)? else { return Ok(Vec::new()) };
    device.saved_searches().map_err(|error| error.notice())
}

/// The one that a name means.
pub(super) fn named(home: &Home, name: &str) -> Result<Named, Notice> {
    let given = name.strip_prefix('@').unwrap_or(name);
    let none = || EngineError::NoSearch(crate::safe_text::line(name)).notice();
    find_named(given, &all(home)?).cloned().ok_or_else(none)
}

/// Lists them.
pub(super) fn list(home: &Home, output: Output) -> Result<Exit, Notice> {
    for one in all(home)? {
        let value = json!({ "id": one.id, "name": one.name, "query": one.query });
        output.result(&value, || format!("@{:<24} {}", hyphened(&one.name), one.query))?;
    }
    Ok(Exit::Done)
}

/// Saves a query.
pub(super) fn save(
    home: &Home,
    output: Output,
    (name, text): (&str, &str),
    wait: Wait,
) -> Result<Exit, Notice> {
    let name = name.strip_prefix('@').unwrap_or(name).to_owned();
    read(home, output, text)?;
    change(home, output, &Intent::SaveSearch { name, query: text.to_owned() }, wait)
}

/// Removes one.
pub(super) fn remove(home: &Home, output: Output, name: &str, wait: Wait) -> Result<Exit, Notice> {
    let name = name.strip_prefix('@').unwrap_or(name).to_owned();
    change(home, output, &Intent::RemoveSearch(name), wait)
}

fn change(home: &Home, output: Output, intent: &Intent, wait: Wait) -> Result<Exit, Notice> {
    let mut desk = Desk::open(home)?;
    let done = desk.decide(home, &[], intent)?;
    let finished = desk.finish(home, !wait.no_wait);
    let notice = |error: EngineError| error.notice();
    let (pending, _) = desk.device().pending().map_err(notice)?;
    let saved = desk.device().saved_searches().map_err(notice)?.len();
    let value = json!({ "action": done.action, "saved": saved, "pending": pending });
    let removes = matches!(intent, Intent::RemoveSearch(_));
    let back = if removes { " `mailtui undo` brings it back." } else { "" };
    output.result(&value, || format!("{}{back}", done.says))?;
    finished.map(|()| Exit::Done)
}
