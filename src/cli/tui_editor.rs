//! The user's editor: it gets a draft in a file, and the terminal; what it leaves in the file is
//! taken.
//!
//! Invariant: the file and what it was made from stay until the draft is kept elsewhere. An editor
//! that fails takes nothing away: what it wrote is taken like that of any other. What is too long
//! for the screen stays in its file, and that is said.

use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, WaitOptions, waitpid};

use crate::cli::sheet::{self, OF_SCREEN, Sheet};
use crate::cli::tui_write::Desk;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::writing::{JournalEntry, Writing};
use crate::mail::compose::{from_text, to_text};
use crate::notice::Notice;
use crate::ui::compose::area::MAX_TEXT_BYTES;
use crate::ui::compose::desk::{EditorJob, EditorRun, EditorSaid, Leftover};
use crate::ui::compose::opening::slot_at;
use crate::ui::signals;

fn stem(slot: i64) -> String {
    format!("{OF_SCREEN}{slot}")
}

/// Runs the editor.
pub(super) fn job(desk: Desk) -> EditorRun {
    Box::new(move |job| {
        let (dir, _) = desk.dir();
        let (text, problem) = match run(&dir, job) {
            Ok((text, problem)) => (text, problem),
            Err(problem) => (None, Some(problem)),
        };
        EditorSaid { slot: job.slot, text, problem }
    })
}

fn run(dir: &Path, job: &EditorJob) -> Result<(Option<String>, Option<Notice>), Notice> {
    let entry = JournalEntry {
        thread: job.thread.clone(),
        from: job.from.clone(),
        draft: job.draft.clone(),
    };
    let sheet = Sheet::new(dir, &stem(job.slot), entry.clone())?;
    let problem = sheet.edit(spawn).err();
    let text = sheet.text(MAX_TEXT_BYTES)?;
    if text == to_text(&job.draft) {
        sheet.done();
        return Ok((None, problem));
    }
    // From here on the journal has it. A file that stayed would be older than what is typed next;
    // where the journal cannot be written, it stays.
    let entry = JournalEntry { draft: from_text(&text, &job.draft).draft, ..entry };
    let noted = Writing::open(dir)
        .and_then(|mut writing| writing.note(job.slot, &entry, SystemClock.now()));
    if noted.is_ok() {
        sheet.done();
    }
    Ok((Some(text), problem))
}

/// Runs it until it ends. Should it be stopped, so is this program, as one job of the shell.
fn spawn(mut command: Command) -> Result<(), String> {
    let child = command.spawn().map_err(|error| error.to_string())?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    loop {
        match waitpid(pid, WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => {
                if signals::has_shell() {
                    let _ = signals::stop();
                }
            }
            Ok(Some((_, status))) if status.exit_status() == Some(0) => return Ok(()),
            Ok(Some((_, status))) => {
                return Err(match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => format!("ended with {code}"),
                    (None, Some(signal)) => format!("was ended by signal {signal}"),
                    (None, None) => "ended in some way".to_owned(),
                });
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The draft is kept elsewhere.
pub(super) fn forget(dir: &Path, slot: i64) {
    sheet::done(dir, &stem(slot));
}

/// Leaves what could not be kept where the next start finds it: the file that it is in.
pub(super) fn leave(dir: &Path, left: Leftover) -> Result<String, Notice> {
    let Leftover { slot, thread, from, draft } = left;
    Sheet::leave(dir, &stem(slot), JournalEntry { thread, from, draft })
}

/// Drafts in files of a program before `started` (Unix milliseconds) that did not come to taking
/// them; and what is wrong with those that cannot be taken.
pub(super) fn leftovers(dir: &Path, started: i64) -> Vec<Result<Leftover, Notice>> {
    let slot = |sheet: Sheet| {
        let slot = sheet.name(OF_SCREEN)?.parse::<i64>().ok()?;
        // The composer that is open now may be older than its mailbox is open.
        (slot < slot_at(started)).then_some((slot, sheet))
    };
    let sheets = Sheet::left(dir, OF_SCREEN).into_iter().filter_map(slot);
    sheets.filter_map(|(slot, sheet)| leftover(slot, sheet)).collect()
}

fn leftover(slot: i64, sheet: Sheet) -> Option<Result<Leftover, Notice>> {
    match sheet.edited(MAX_TEXT_BYTES) {
        Ok(None) => {
            // Nothing was written that the journal does not have.
            sheet.done();
            None
        }
        Ok(Some(edited)) => {
            let JournalEntry { thread, from, .. } = sheet.base().clone();
            Some(Ok(Leftover { slot, thread, from, draft: edited.draft }))
        }
        Err(notice) => Some(Err(notice)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::compose::Draft;

    #[test]
    fn what_an_editor_left_is_found_until_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert!(leftovers(dir.path(), 1).is_empty());
        let draft =
            Draft { body: "one\n".into(), references: vec!["1@x".into()], ..Draft::default() };
        let base = JournalEntry { thread: None, from: None, draft: draft.clone() };
        for slot in [7, 8] {
            drop(Sheet::new(dir.path(), &stem(slot), base.clone()).unwrap());
        }
        let path = dir.path().join("compose/open-7.eml");
        std::fs::write(path, format!("{}two\n", to_text(&draft))).unwrap();
        let found = leftovers(dir.path(), 1);
        assert_eq!(found.len(), 1, "one was not written in");
        let found = found[0].as_ref().unwrap();
        assert_eq!((found.draft.body.as_str(), found.slot), ("one\n\ntwo", 7));
        assert_eq!(found.draft.references, ["1@x"]);
        forget(dir.path(), 7);
        assert!(leftovers(dir.path(), 1).is_empty());
        leave(dir.path(), Leftover { slot: 9, thread: None, from: None, draft }).unwrap();
        assert_eq!(leftovers(dir.path(), 1).len(), 1);
        assert!(leftovers(dir.path(), 0).is_empty(), "it is open here");
    }
}
