//! The user's editor: it gets a draft in a file, and the terminal; what it leaves in the file is
//! taken.
//!
//! Invariant: the file and what it was made from stay until the draft is kept elsewhere; nobody but
//! the user can read them. The editor is a program with arguments, never a line for a shell. An
//! editor that fails takes nothing away: what it wrote is taken like that of any other.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, WaitOptions, waitpid};

use crate::cli::tui_write::Desk;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::writing::{JournalEntry, Writing};
use crate::mail::compose::{from_text, to_text};
use crate::notice::{Explain as _, Notice};
use crate::safe_text;
use crate::ui::compose::desk::{EditorJob, EditorRun, EditorSaid, Leftover};
use crate::ui::compose::opening::slot_at;
use crate::ui::signals;

/// The directory in the data directory that files for the editor lie in.
const DIR: &str = "compose";
/// How the names of the interface's own begin: other programs have theirs beside them.
const PREFIX: &str = "open-";
/// The most that is taken back, in bytes.
const MAX_EDITED_BYTES: u64 = 2 * 1024 * 1024;
/// What is run when the user names no editor.
const FALLBACKS: [&str; 3] = ["nano", "vim", "vi"];

fn file(dir: &Path, slot: i64, ending: &str) -> PathBuf {
    dir.join(DIR).join(format!("{PREFIX}{slot}.{ending}"))
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

fn failed(why: impl std::fmt::Display) -> Notice {
    let line = format!("the editor: {}", safe_text::line(&why.to_string()));
    Notice::error("editor", line, "VISUAL and EDITOR say which one; what you wrote is here")
}

fn run(dir: &Path, job: &EditorJob) -> Result<(Option<String>, Option<Notice>), Notice> {
    crate::store::private_dir(&dir.join(DIR)).map_err(|error| error.notice())?;
    let entry = JournalEntry {
        thread: job.thread.clone(),
        from: job.from.clone(),
        draft: job.draft.clone(),
    };
    let base = serde_json::to_string(&entry).map_err(failed)?;
    put(&file(dir, job.slot, "json"), &base).map_err(failed)?;
    let path = file(dir, job.slot, "eml");
    let given = to_text(&job.draft);
    put(&path, &given).map_err(failed)?;
    let words = words(&|name| std::env::var(name).ok())?;
    let problem = spawn(&words, &path).err();
    let text = read(&path).map_err(failed)?;
    if text == given {
        forget(dir, job.slot);
        return Ok((None, problem));
    }
    // From here on the journal has it. A file that stayed would be older than what is typed next;
    // where the journal cannot be written, it stays.
    let entry = JournalEntry { draft: from_text(&text, &job.draft).draft, ..entry };
    let noted = Writing::open(dir)
        .and_then(|mut writing| writing.note(job.slot, &entry, SystemClock.now()));
    if noted.is_ok() {
        forget(dir, job.slot);
    }
    Ok((Some(text), problem))
}

/// Writes a file of one's own.
fn put(path: &Path, text: &str) -> std::io::Result<()> {
    let _ = std::fs::remove_file(path);
    let mut file = std::fs::OpenOptions::new();
    let mut file = file.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_EDITED_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The editor's program and arguments.
fn words(env: &dyn Fn(&str) -> Option<String>) -> Result<Vec<String>, Notice> {
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| {
        let said = env(name)?;
        (!said.trim().is_empty()).then_some((name, said))
    });
    let Some((name, said)) = named else {
        let path = env("PATH").unwrap_or_default();
        let there =
            |program: &&str| std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
        let found = FALLBACKS.iter().find(|program| there(program));
        return found
            .map(|program| vec![(*program).to_owned()])
            .ok_or_else(|| failed("there is none"));
    };
    let words = shlex::split(&said).filter(|words| !words.is_empty());
    words.ok_or_else(|| failed(format!("{name} cannot be read: a quote is not closed")))
}

/// Runs it until it ends. Should it be stopped, so is this program, as one job of the shell.
fn spawn(words: &[String], path: &Path) -> Result<(), Notice> {
    let (program, arguments) = words.split_first().ok_or_else(|| failed("there is none"))?;
    let child = Command::new(program).args(arguments).arg(path).spawn();
    let child = child.map_err(|error| failed(format!("{program}: {error}")))?;
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
                let how = match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => format!("ended with {code}"),
                    (None, Some(signal)) => format!("was ended by signal {signal}"),
                    (None, None) => "ended in some way".to_owned(),
                };
                return Err(failed(format!("{program} {how}")));
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// The draft is kept elsewhere.
pub(super) fn forget(dir: &Path, slot: i64) {
    for ending in ["eml", "json"] {
        let _ = std::fs::remove_file(file(dir, slot, ending));
    }
}

/// Drafts in files of a program before `started` (Unix milliseconds) that did not come to taking
/// them.
pub(super) fn leftovers(dir: &Path, started: i64) -> Vec<Leftover> {
    let Ok(entries) = std::fs::read_dir(dir.join(DIR)) else { return Vec::new() };
    let slot = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let slot = name.strip_prefix(PREFIX)?.strip_suffix(".eml")?.parse::<i64>().ok()?;
        // The composer that is open now may be older than its mailbox is open.
        (slot < slot_at(started)).then_some(slot)
    };
    let mut slots: Vec<i64> = entries.flatten().filter_map(slot).collect();
    slots.sort_unstable();
    slots.into_iter().filter_map(|slot| leftover(dir, slot)).collect()
}

fn leftover(dir: &Path, slot: i64) -> Option<Leftover> {
    let text = read(&file(dir, slot, "eml")).ok()?;
    let base = read(&file(dir, slot, "json")).ok();
    let base: Option<JournalEntry> = base.and_then(|base| serde_json::from_str(&base).ok());
    let (thread, from, draft) =
        base.map(|base| (base.thread, base.from, base.draft)).unwrap_or_default();
    if text == to_text(&draft) {
        // Nothing was written that the journal does not have.
        forget(dir, slot);
        return None;
    }
    let draft = from_text(&text, &draft).draft;
    Some(Leftover { slot, thread, from, draft })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::mail::compose::Draft;

    fn sample(slot: i64) -> EditorJob {
        let draft = Draft {
            to: "ann@x.org".into(),
            body: "one\n".into(),
            references: vec!["1@x".into()],
            ..Draft::default()
        };
        EditorJob { slot, thread: None, from: None, draft }
    }

    #[test]
    fn the_editor_is_a_program_with_arguments() {
        let env =
            |visual: &'static str| move |name: &str| (name == "VISUAL").then(|| visual.to_owned());
        assert_eq!(words(&env("emacs -nw 'a b'")).unwrap(), ["emacs", "-nw", "a b"]);
        assert!(words(&env("vi 'x")).is_err());
        assert!(words(&|_| None).is_err());
    }

    #[test]
    fn what_an_editor_left_is_found_until_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        crate::store::private_dir(&dir.path().join(DIR)).unwrap();
        assert!(leftovers(dir.path(), 1).is_empty());
        let (job, other) = (sample(7), sample(8));
        for job in [&job, &other] {
            let entry = JournalEntry { thread: None, from: None, draft: job.draft.clone() };
            let base = serde_json::to_string(&entry).unwrap();
            put(&file(dir.path(), job.slot, "json"), &base).unwrap();
        }
        put(&file(dir.path(), 7, "eml"), &format!("{}two\n", to_text(&job.draft))).unwrap();
        put(&file(dir.path(), 8, "eml"), &to_text(&other.draft)).unwrap();
        let mode = std::fs::metadata(file(dir.path(), 7, "eml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let found = leftovers(dir.path(), 1);
        assert_eq!(found.len(), 1, "one was not written in");
        assert_eq!(found[0].draft.body, "one\n\ntwo");
        assert_eq!(found[0].draft.references, ["1@x"]);
        forget(dir.path(), 7);
        assert!(leftovers(dir.path(), 1).is_empty());
    }
}
