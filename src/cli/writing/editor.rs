//! The editor of a command, and the numbers of what it writes.
//!
//! Invariant: what is piped into a command, or out of it, is not the editor's: that has the
//! terminal. What commands left is taken once nobody works on it.

use std::fs::OpenOptions;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::sheet::{MAX_EDITED_BYTES, OF_COMMAND, Sheet};
use crate::clock::{Clock as _, SystemClock};
use crate::engine::writing::JournalEntry;
use crate::mail::compose::Edited;
use crate::notice::Notice;

/// What is said of a text that stays in its file.
pub(super) const NEXT: &str = "the next compose saves it as a draft";

/// The name of what this command writes.
fn stem() -> String {
    format!("{OF_COMMAND}{}-{}", SystemClock.now_ms(), std::process::id())
}

/// A file with a draft, for the editor.
pub(super) fn sheet(dir: &Path, base: JournalEntry) -> Result<Sheet, Notice> {
    Sheet::new(dir, &stem(), base)
}

/// Leaves a draft as a command that was killed does: the file that it is in.
pub(super) fn leave(dir: &Path, entry: JournalEntry) -> Result<String, Notice> {
    Sheet::leave(dir, &stem(), entry)
}

/// What commands left that have ended.
pub(super) fn left(dir: &Path) -> Vec<Sheet> {
    Sheet::left(dir, OF_COMMAND)
}

/// Runs the editor, and waits for its end.
pub(super) fn edit(sheet: &Sheet) -> Result<(), Notice> {
    let ran = sheet.edit(|mut command: Command| {
        let terminal = || OpenOptions::new().read(true).write(true).open("/dev/tty");
        if !std::io::stdin().is_terminal() {
            command.stdin(terminal().map_or_else(|_| Stdio::null(), Stdio::from));
        }
        if !std::io::stdout().is_terminal() {
            command.stdout(terminal().map_or_else(|_| Stdio::null(), Stdio::from));
        }
        let ended = command.status().map_err(|error| error.to_string())?;
        if ended.success() { Ok(()) } else { Err(ended.to_string()) }
    });
    ran.map_err(|notice| {
        let hint = format!("what was written is in {}; {NEXT}", sheet.place());
        let hint = if notice.code == "editor" { hint } else { notice.hint };
        Notice { hint, ..notice }
    })
}

/// What is in the file now; `None` when it is as it was.
pub(super) fn edited(sheet: &Sheet) -> Result<Option<Edited>, Notice> {
    sheet.edited(MAX_EDITED_BYTES)
}

/// Which writing it is: a number that no other has. The interface's are positive.
pub(super) fn slot(sheet: &Sheet) -> Option<i64> {
    let (at, process) = sheet.name(OF_COMMAND)?.split_once('-')?;
    let (at, process) = (at.parse::<i64>().ok()?, process.parse::<i64>().ok()?);
    Some(-at.saturating_mul(1_024).saturating_add(process % 1_024))
}
