//! `attachment save`: attachments become files.
//!
//! Invariant: what was saved is said, and what could not be is listed with its reason; the rest
//! goes on.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::find::{Conversation, Item, no_such};
use super::{file_name, put};
use crate::cli::output::Output;
use crate::notice::{Exit, Notice};
use crate::safe_text;

/// Saves those with these numbers, or all.
pub(super) fn save(
    output: Output,
    conversation: &Conversation<'_>,
    numbers: &[usize],
    all: bool,
    to: Option<&Path>,
) -> Result<Exit, Notice> {
    let items = chosen(conversation, numbers, all)?;
    let dir = to.unwrap_or(Path::new("."));
    if !dir.is_dir() {
        let line = format!("{} is not a directory", shown(dir));
        return Err(Notice::error("not-a-directory", line, "make it first").exit(Exit::NotFound));
    }
    let mut done = Done { output, dir, saved: Vec::new(), failed: Vec::new() };
    let mut broken = None;
    conversation.each(&items, &mut |item, bytes| {
        let put = bytes.and_then(|bytes| done.put(item, bytes));
        let told = match put {
            Ok(path) => done.saved(item, &path),
            Err(notice) => {
                done.failed(item, notice);
                Ok(())
            }
        };
        broken = broken.take().or(told.err());
    });
    let Done { saved, failed, .. } = done;
    if let Some(notice) = broken {
        return Err(notice);
    }
    let first = failed.first().map(|(_, notice)| notice.clone());
    if output.json {
        let failed: Vec<&Value> = failed.iter().map(|(line, _)| line).collect();
        output.result(&json!({ "saved": saved, "failed": failed }), String::new)?;
    } else {
        // Where nothing was saved the first is what the command ends with.
        let said = usize::from(saved.is_empty());
        failed.iter().skip(said).for_each(|(_, notice)| output.notice(notice));
    }
    match first {
        None => Ok(Exit::Done),
        // The reason stays; the code says that `failed` names it, but for what was not there.
        Some(notice) if saved.is_empty() && notice.exit == Exit::Error => {
            Err(notice.exit(Exit::Partial))
        }
        Some(notice) if saved.is_empty() => Err(notice),
        Some(_) => Ok(Exit::Partial),
    }
}

/// What was saved until now.
struct Done<'a> {
    output: Output,
    dir: &'a Path,
    saved: Vec<Value>,
    failed: Vec<(Value, Notice)>,
}

impl Done<'_> {
    fn put(&self, item: &Item, bytes: &[u8]) -> Result<PathBuf, Notice> {
        put::put(self.dir, &file_name(&item.attachment), bytes).map_err(|error| {
            let line = format!("{}: {error}", shown(&self.dir.join(file_name(&item.attachment))));
            Notice::error("write", line, "is there room, and may you write there?")
        })
    }

    fn saved(&mut self, item: &Item, path: &Path) -> Result<(), Notice> {
        self.saved.push(json!({
            "n": item.number, "name": item.attachment.name, "path": shown(path),
            "type": item.attachment.media_type, "size": item.attachment.size,
        }));
        if self.output.json { Ok(()) } else { self.output.line(&shown(path)) }
    }

    fn failed(&mut self, item: &Item, notice: Notice) {
        let line = json!({ "n": item.number, "reason": notice.message, "code": notice.code });
        self.failed.push((line, notice));
    }
}

fn chosen<'a>(
    conversation: &'a Conversation<'_>,
    numbers: &[usize],
    all: bool,
) -> Result<Vec<&'a Item>, Notice> {
    if all {
        return Ok(conversation.items.iter().collect());
    }
    if numbers.is_empty() {
        return conversation.one(None).map(|item| vec![item]);
    }
    let mut items: Vec<&Item> = Vec::with_capacity(numbers.len());
    for &number in numbers {
        let found = conversation.items.iter().find(|item| item.number == number);
        let found = found.ok_or_else(|| no_such(number))?;
        if !items.iter().any(|item| item.number == number) {
            items.push(found);
        }
    }
    Ok(items)
}

fn shown(path: &Path) -> String {
    safe_text::line(&path.to_string_lossy())
}
