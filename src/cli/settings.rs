//! `config.toml` and the themes beside it: where they lie, and when they are read again.
//!
//! Invariant: they are read, never written. A file that cannot be read is said and taken for none;
//! nobody waits for it: what changes is seen by a thread of its own, by the files' times.

use std::path::{Path, PathBuf};

use crate::config::{FILE, Loaded, MAX_FILE_BYTES, THEMES, Warning, default_file};
use crate::notice::{Exit, Notice};

use super::output::Output;
use super::own_files::{self, Seen, Stamp};

/// The directory for configuration; `None` without a home.
pub(super) fn dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "mailtui").map(|dirs| dirs.config_dir().to_owned())
}

/// `mailtui --print-default-config`.
pub(super) fn print_default(output: Output) -> Result<Exit, Notice> {
    output.bytes(default_file().as_bytes())?;
    Ok(Exit::Done)
}

/// What is set in `dir`.
pub(super) fn load(dir: Option<&Path>) -> Loaded {
    let Some(dir) = dir else { return Loaded::default() };
    let (text, problem) = match text_of(&dir.join(FILE)) {
        Ok(text) => (text, None),
        Err(problem) => (None, Some(problem)),
    };
    let own = |name: &str| text_of(&theme_file(dir, name)).ok().flatten();
    let mut loaded = Loaded::of(text.as_deref(), own);
    if let Some(text) = problem {
        loaded.warnings.insert(0, (FILE.to_owned(), Warning { line: 1, text }));
    }
    loaded
}

fn theme_file(dir: &Path, name: &str) -> PathBuf {
    dir.join(THEMES).join(format!("{name}.toml"))
}

/// The text of a file; `None` where there is none.
fn text_of(path: &Path) -> Result<Option<String>, String> {
    let Some(bytes) = own_files::read(path, MAX_FILE_BYTES + 1)? else { return Ok(None) };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it has more than {MAX_FILE_BYTES} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        format!("line {} is not UTF-8", good.split(|b| *b == b'\n').count())
    })?;
    Ok(Some(text))
}

fn stamps(dir: &Path, loaded: &Loaded) -> [Stamp; 2] {
    [dir.join(FILE), theme_file(dir, &loaded.settings.theme)].map(|path| own_files::stamp(&path))
}

/// Tells of what is set, each time that it is other than before; `false` ends it.
pub(super) fn watch(dir: &Path, first: Loaded, tell: &dyn Fn(Loaded) -> bool) {
    // Taken after the first reading: what changed between is read once more.
    let (mut known, mut seen) = (first, Seen::nothing());
    loop {
        if seen.is_due(stamps(dir, &known)) {
            let loaded = load(Some(dir));
            if loaded != known {
                known = loaded.clone();
                if !tell(loaded) {
                    return;
                }
            }
        }
        std::thread::sleep(own_files::LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn what_is_set_is_read_and_what_cannot_be_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        assert_eq!(load(Some(dir.path())), Loaded::default());
        assert_eq!(load(None), Loaded::default());
        put(FILE, b"theme = \"mine\"");
        assert!(load(Some(dir.path())).complaints()[0].contains("no theme mine"));
        std::fs::create_dir(dir.path().join(THEMES)).unwrap();
        put("themes/mine.toml", b"text = \"#102030\"");
        let mine = load(Some(dir.path()));
        assert!(mine.palette.is_some() && mine.warnings.is_empty(), "{mine:?}");
        put(FILE, b"hours = 12\n\xff");
        assert!(load(Some(dir.path())).complaints()[0].contains("line 2 is not UTF-8"));
        put(FILE, &vec![b'#'; usize::try_from(MAX_FILE_BYTES).unwrap() + 1]);
        assert!(load(Some(dir.path())).complaints()[0].contains("more than"));
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        std::fs::create_dir(dir.path().join(FILE)).unwrap();
        assert!(load(Some(dir.path())).complaints()[0].contains("no file"));
    }

    #[test]
    fn a_change_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let (tell, told) = channel();
        let first = load(Some(&path));
        let file = path.join(FILE);
        std::thread::spawn(move || watch(&path, first, &|loaded| tell.send(loaded).is_ok()));
        for (text, twelve) in [("hours = 12", true), ("hours = 24 # as it was", false)] {
            std::fs::write(&file, text).unwrap();
            // A file that is seen half written is read once more.
            let patience = Duration::from_secs(20);
            while told.recv_timeout(patience).unwrap().settings.twelve != twelve {}
        }
    }
}
