//! `labels`: listed from the files; made, renamed, recoloured and deleted by its verbs.
//!
//! Invariant: listing opens no connection. A verb is one action, which `undo` takes back.

use serde_json::json;

use crate::cli::args::LabelVerb;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::command::intent::Intent;
use crate::engine::{Device, EngineError};
use crate::id::LabelId;
use crate::label;
use crate::notice::{Exit, Explain as _, Notice};

/// Lists labels with counts.
pub(super) fn list(home: &Home, output: Output) -> Result<Exit, Notice> {
    let Some(device) = super::caught_up_still(home)? else { return Ok(Exit::Done) };
    for label in device.labels().map_err(|error| error.notice())? {
        let value = json!({
            "id": label.id, "name": label.name, "type": label.kind, "color": label.color,
            "threadCount": label.thread_count, "unreadCount": label.unread_count,
        });
        output.result(&value, || {
            let color = label.color.map(|color| format!("  {color}")).unwrap_or_default();
            format!(
                "{:>8} {:>8}  {}  ({}){color}",
                label.thread_count, label.unread_count, label.name, label.id
            )
        })?;
    }
    Ok(Exit::Done)
}

/// Does what a verb says.
pub(super) fn change(home: &Home, output: Output, verb: LabelVerb) -> Result<Exit, Notice> {
    let notice = |error: EngineError| error.notice();
    let mut desk = Desk::open(home)?;
    let (label, intent, wait) = match verb {
        LabelVerb::Create { name, color, wait } => {
            let (id, _) = desk.device().label_named(&name).map_err(notice)?;
            let color = color.as_deref().map(palette).transpose()?.flatten();
            (id, Intent::NewLabel { name, color, targets: Vec::new() }, wait)
        }
        LabelVerb::Rename { label, name, wait } => {
            let id = own_label(desk.device(), &label)?;
            (id.clone(), Intent::RenameLabel(id, name), wait)
        }
        LabelVerb::Recolor { label, color, wait } => {
            let id = own_label(desk.device(), &label)?;
            (id.clone(), Intent::RecolorLabel(id, palette(&color)?), wait)
        }
        LabelVerb::Delete { label, wait } => {
            let id = own_label(desk.device(), &label)?;
            (id.clone(), Intent::DeleteLabel(id), wait)
        }
    };
    let deletes = matches!(intent, Intent::DeleteLabel(_));
    let done = desk.decide(home, &[], &intent)?;
    let finished = desk.finish(home, !wait.no_wait);
    let (pending, _) = desk.device().pending().map_err(notice)?;
    let value = json!({
        "action": done.action, "label": label, "threads": done.threads, "pending": pending,
    });
    let back = if deletes { " `mailtui undo` brings it back." } else { "" };
    output.result(&value, || format!("{}{back}", done.says))?;
    finished.map(|()| Exit::Done)
}

/// A label by id or name; one of the system is refused.
fn own_label(device: &Device, text: &str) -> Result<LabelId, Notice> {
    let none = || EngineError::NoLabel(crate::safe_text::line(text)).notice();
    let id = device.find_label(text).map_err(|error| error.notice())?.ok_or_else(none)?;
    if label::is_system(id.as_str()) {
        return Err(EngineError::SystemLabel(id.to_string()).notice());
    }
    Ok(id)
}

/// A colour by its name; `none` is none.
fn palette(text: &str) -> Result<Option<String>, Notice> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let known = label::color(text).map(|color| Some(color.to_owned()));
    known.ok_or_else(|| EngineError::NoColor(crate::safe_text::line(text)).notice())
}
