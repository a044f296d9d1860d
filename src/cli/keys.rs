//! `keys`, and `keys.toml`: where it lies, and when it is read again.
//!
//! Invariant: the file is read, never written. What cannot be read of it is said and left out;
//! nobody waits for it: what changes is seen by a thread of its own, by the file's time.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::output::Output;
use super::own_files::{self, Seen};
use crate::command::bindings::{self, Bindings, MAX_FILE_BYTES, Wrong};
use crate::command::keymap::Keymap;
use crate::command::preset::Preset;
use crate::command::registry::{Group, all};
use crate::notice::{Exit, Notice};
use crate::ui::KeysJob;

/// Its name.
const FILE: &str = "keys.toml";
/// Columns of the keys, and of a command's name.
const COLUMNS: (usize, usize) = (18, 22);

/// Where it lies; `None` without a home.
fn path() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "mailtui")?;
    Some(dirs.config_dir().join(FILE))
}

/// What is bound, and who tells when that changes.
pub(super) fn bound() -> (Bindings, KeysJob) {
    let path = path();
    let first = path.as_deref().map(load).unwrap_or_default();
    let known = first.clone();
    let job: KeysJob = Box::new(move |tell| {
        if let Some(path) = path {
            watch(&path, known, tell);
        }
    });
    (first, job)
}

/// What the file binds.
fn load(path: &Path) -> Bindings {
    match text_of(path) {
        Ok(text) => bindings::read(&text.unwrap_or_default()),
        Err(what) => Bindings { wrong: vec![Wrong { line: 1, what }], ..Bindings::default() },
    }
}

/// A sign that is no UTF-8 spoils its line only.
fn text_of(path: &Path) -> Result<Option<String>, String> {
    // One byte more than is taken tells that there are more.
    let bytes = own_files::read(path, MAX_FILE_BYTES as u64 + 1)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Tells what is bound each time that it is other than before; `false` ends it.
fn watch(path: &Path, mut known: Bindings, tell: &dyn Fn(Bindings) -> bool) {
    let mut seen = Seen::nothing();
    loop {
        if seen.is_due(own_files::stamp(path)) {
            let bound = load(path);
            if bound != known {
                known = bound.clone();
                if !tell(bound) {
                    return;
                }
            }
        }
        std::thread::sleep(own_files::LOOK_EVERY);
    }
}

/// Lists the keys: those of a preset, or as they are bound.
pub(super) fn run(output: Output, preset: Option<Preset>, markdown: bool) -> Result<Exit, Notice> {
    let bound = match preset {
        Some(preset) => {
            Bindings { keymap: std::sync::Arc::new(Keymap::of(preset)), wrong: Vec::new() }
        }
        None => path().as_deref().map(load).unwrap_or_default(),
    };
    for wrong in &bound.wrong {
        output.notice(&Notice::warning("keys", format!("{FILE}: {wrong}"), ""));
    }
    if markdown {
        output.bytes(bound.keymap.markdown().as_bytes())?;
    } else if output.json {
        for command in all() {
            let contexts: Vec<&str> = command.contexts.iter().map(|c| c.name()).collect();
            let keys: Vec<&str> = bound.keymap.keys(command.name).collect();
            let value = json!({
                "command": command.name, "keys": keys, "contexts": contexts,
                "group": command.group.title(), "does": command.does,
                "undoable": command.undoable,
            });
            output.result(&value, String::new)?;
        }
    } else {
        output.bytes(table(&bound.keymap).as_bytes())?;
    }
    Ok(Exit::Done)
}

/// The keys by groups, for people.
fn table(keymap: &Keymap) -> String {
    let (keys_wide, name_wide) = COLUMNS;
    let mut lines = Vec::new();
    for group in Group::ALL {
        lines.push(group.title().to_owned());
        for command in all().filter(|command| command.group == group) {
            let keys = keymap.keys(command.name).collect::<Vec<_>>().join("  ");
            let (name, does) = (command.name, command.does);
            lines.push(format!("  {keys:keys_wide$} {name:name_wide$} {does}"));
        }
        lines.push(String::new());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn a_change_is_told_and_what_is_no_file_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        assert_eq!(load(&path), Bindings::default());
        let (tell, told) = channel();
        let watched = path.clone();
        std::thread::spawn(move || {
            watch(&watched, Bindings::default(), &|bound| tell.send(bound).is_ok());
        });
        for key in ["y y", "Y"] {
            std::fs::write(&path, format!("[keys]\nspam = \"{key}\"\n")).unwrap();
            let patience = Duration::from_secs(20);
            while told.recv_timeout(patience).unwrap().keymap.key("spam") != key {}
        }
        assert!(load(dir.path()).wrong[0].what.contains("no file"));
        std::fs::write(&path, b"[keys]\nspam = \"X\"\nstar = \"\xff\"\n").unwrap();
        let bound = load(&path);
        assert_eq!((bound.keymap.key("spam"), bound.keymap.key("star")), ("X", "\u{fffd}"));
    }
}
