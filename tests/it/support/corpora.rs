//! Real mail of others, read where it lies and never copied: `MAILTUI_CORPORA`, by default
//! `../shared/corpora` beside the project.
//!
//! Invariant: where it is absent the test says `skipped: WHY`, which `tests/run` counts.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A part of the corpora; `None`, and a line that says so, where it is not there.
pub(crate) fn corpus(part: &str) -> Option<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = std::env::var_os("MAILTUI_CORPORA").map(PathBuf::from);
    let path = root.unwrap_or_else(|| project.join("../shared/corpora")).join(part);
    if !path.exists() {
        println!("skipped: no corpus at {}", path.display());
        return None;
    }
    Some(path.canonicalize().expect("a path that exists"))
}

/// What other tools read in a set: a value a message.
pub(crate) fn oracle(set: &str) -> Option<Vec<Value>> {
    let path = corpus(&format!("oracle/{set}.jsonl"))?;
    let text = std::fs::read_to_string(path).expect("the oracle can be read");
    Some(text.lines().map(|l| serde_json::from_str(l).expect("a JSON line")).collect())
}

/// Every regular file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the corpora") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
