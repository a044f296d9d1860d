//! `doctor --disk` and `doctor --compact`: what takes how much room, and giving it back.
//!
//! Invariant: every file of the data directory is counted, also one that this file does not know;
//! every database in it is compacted, also one that a later part of the program adds.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::cli::desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::clock::{Clock as _, SystemClock};
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::{self, StoreError};

/// Folders below the data directory that are looked into.
const MOST_DEEP: usize = 4;

/// What a table of a database is for. Those that are not listed are `other`.
const KINDS: [(&str, &[&str]); 13] = [
    ("threadLogs", &["threads.db:eventlog", "threads.db:stores", "threads.db:bases"]),
    (
        "blobs",
        &[
            "threads.db:blobs",
            "threads.db:blobParts",
            "threads.db:uploads",
            "threads.db:missingBlobs",
        ],
    ),
    ("queue", &["threads.db:queue", "threads.db:poisoned", "threads.db:again"]),
    (
        "snapshots",
        &[
            "threads.db:snapshots",
            "threads.db:ahead",
            "snapshots.db:snapshots",
            "snapshots.db:chunks",
        ],
    ),
    (
        "messageIndex",
        &[
            "threads.db:messages",
            "threads.db:messageBytes",
            "threads.db:joined",
            "threads.db:linked",
            "threads.db:splits",
            "threads.db:linkActions",
        ],
    ),
    ("mailboxLog", &["mailbox.db:eventlog", "mailbox.db:stores", "mailbox.db:bases"]),
    (
        "rows",
        &[
            "mailbox.db:labels",
            "mailbox.db:labelEvents",
            "mailbox.db:labelCounts",
            "mailbox.db:threadIndex",
            "mailbox.db:threadLabels",
            "mailbox.db:threadLinks",
            "mailbox.db:threadEvents",
            "mailbox.db:watermarks",
            "mailbox.db:actions",
            "mailbox.db:actionThreads",
            "mailbox.db:undone",
            "mailbox.db:purged",
        ],
    ),
    (
        "shown",
        &[
            "mailbox.db:shown",
            "mailbox.db:arrived",
            "mailbox.db:shownCounts",
            "mailbox.db:overlay",
            "mailbox.db:labelsShown",
        ],
    ),
    ("ownEvents", &["mailbox.db:unprojected", "mailbox.db:refused"]),
    (
        "servers",
        &[
            "threads.db:edgeFolders",
            "threads.db:edgeMessages",
            "threads.db:edgeGone",
            "threads.db:edgeThreads",
            "threads.db:edgeTurns",
            "threads.db:edgeConflicts",
            "threads.db:edgeOutlines",
            "threads.db:outbox",
            "threads.db:sentCopies",
        ],
    ),
    ("keptLogs", &["threads.db:keeping"]),
    ("keptBlobs", &["threads.db:named"]),
    (
        "words",
        &[
            "search.db:words_data",
            "search.db:words_idx",
            "search.db:words_docsize",
            "search.db:short_data",
            "search.db:short_idx",
            "search.db:short_docsize",
            "search.db:message",
            "search.db:thread",
        ],
    ),
];

fn kind_of(file: &str, table: &str) -> &'static str {
    let name = format!("{file}:{table}");
    let found = KINDS.iter().find(|(_, tables)| tables.contains(&name.as_str()));
    found.map_or("other", |(kind, _)| kind)
}

/// The regular files of a directory and its folders, in order.
fn files(dir: &Path, depth: usize, found: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(dir)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // The entry itself: a link leads out of the directory.
        let meta = match entry.metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            meta => meta?,
        };
        if meta.is_file() {
            found.push((entry.path(), meta.len()));
        } else if meta.is_dir() && depth > 0 {
            files(&entry.path(), depth - 1, found)?;
        }
    }
    Ok(())
}

fn all_files(home: &Home) -> Result<Vec<(PathBuf, u64)>, Notice> {
    let mut found = Vec::new();
    files(&home.dir, MOST_DEEP, &mut found).map_err(|error| {
        let line = format!("{}: {error}", home.dir.display());
        Notice::error("io", line, "may you read it?")
    })?;
    Ok(found)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn notice(error: StoreError) -> Notice {
    error.notice()
}

/// Says what takes how much room.
pub(super) fn disk(home: &Home, output: Output) -> Result<Exit, Notice> {
    if !home.dir.exists() {
        return Ok(Exit::Done);
    }
    let named = KINDS.iter().map(|(kind, _)| *kind).chain(["free", "wal", "other", "files"]);
    let mut kinds: BTreeMap<&str, u64> = named.map(|kind| (kind, 0)).collect();
    for (path, bytes) in all_files(home)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut add = |kind: &'static str, bytes: u64| *kinds.entry(kind).or_default() += bytes;
        if name.ends_with("-wal") || name.ends_with("-shm") {
            add("wal", bytes);
        } else if store::is_database(&path).map_err(notice)? {
            let space = store::space(&path).map_err(notice)?;
            // The device's own: what it keeps of a backend elsewhere.
            let kept = path.parent() == Some(&home.dir) && name == "threads.db";
            for (table, bytes) in &space.tables {
                match kind_of(&name, table) {
                    "threadLogs" if kept => add("keptLogs", *bytes),
                    "blobs" if kept => add("keptBlobs", *bytes),
                    kind => add(kind, *bytes),
                }
            }
            add("free", space.free);
        } else {
            add("files", bytes);
        }
    }
    let total: u64 = kinds.values().sum();
    let mut value = json!({ "kinds": kinds, "total": total });
    let held = crate::backend::holds(&home.backend_dir(), SystemClock.now()).map_err(notice)?;
    if let Some(held) = held {
        value["messages"] = held.messages.into();
        value["mail"] = held.bytes.into();
        value["perByte"] = per_byte(total, held.bytes);
        value["trash"] = json!({ "threads": held.trashed, "ripe": held.ripe });
        let (blobs, unnamed) = held.blobs;
        value["blobs"] = json!({ "stored": blobs, "unnamed": unnamed, "uploads": held.uploads });
    }
    output.result(&value, || table(&kinds, total, &value))?;
    Ok(Exit::Done)
}

/// Bytes on disk for each byte of mail, to the thousandth.
fn per_byte(total: u64, mail: u64) -> Value {
    let thousandths = total.saturating_mul(1_000).checked_div(mail);
    let exact = thousandths.and_then(|n| u32::try_from(n).ok()).map(|n| f64::from(n) / 1_000.0);
    exact.map_or(Value::Null, Value::from)
}

fn table(kinds: &BTreeMap<&str, u64>, total: u64, value: &Value) -> String {
    let mut lines: Vec<(u64, &str)> = kinds.iter().map(|(kind, bytes)| (*bytes, *kind)).collect();
    lines.sort_by(|a, b| b.cmp(a));
    lines.push((total, "total"));
    let mut lines: Vec<String> =
        lines.iter().map(|(bytes, kind)| format!("{bytes:>15}  {kind}")).collect();
    if let Some(mail) = value["mail"].as_u64() {
        lines.push(format!("{mail:>15}  mail, {} messages", value["messages"]));
        if let Some(per_byte) = value["perByte"].as_f64() {
            lines.push(format!("{per_byte:>15.3}  bytes on disk for each byte of mail"));
        }
        let (trash, ripe) = (&value["trash"]["threads"], &value["trash"]["ripe"]);
        lines.push(format!("{trash} threads in trash, {ripe} of them for longer than 30 days"));
    }
    lines.join("\n")
}

/// Writes every database anew, one after the other.
pub(super) fn compact(home: &Home, output: Output) -> Result<Exit, Notice> {
    if !home.dir.exists() {
        return Ok(Exit::Done);
    }
    let stop = super::stop::flag();
    let mut owner = desk::own_soon(home)?;
    if home.backend_dir().join("threads.db").exists() && !home.served_only() {
        // What was purged and is not known here yet goes first.
        let mut session = Session::of(home, owner)?;
        session.connect()?;
        session.synchronise()?;
        drop(session);
        owner = desk::own_soon(home)?;
    } else if home.dir.join("mailbox.db").exists() {
        drop(home.device()?);
    } else if home.served_only() {
        drop(super::session::embedded(home)?);
    }
    let (mut done, mut before, mut after) = (Vec::new(), 0, 0);
    for (path, _) in all_files(home)? {
        if !store::is_database(&path).map_err(notice)? {
            continue;
        }
        if stop.load(Ordering::SeqCst) {
            let line = "stopped between two files; those before are compact";
            return Err(Notice::error("stopped", line, "run it again").exit(Exit::Stopped));
        }
        let name = path.strip_prefix(&home.dir).unwrap_or(&path).display().to_string();
        let name = crate::safe_text::line(&name);
        output.progress(&format!("compacting {name}"), std::io::stderr().is_terminal());
        let was = on_disk(&path);
        store::compact(&path).map_err(notice)?;
        let is = on_disk(&path);
        (before, after) = (before + was, after + is);
        done.push(json!({ "file": name, "before": was, "after": is }));
    }
    drop(owner);
    if std::io::stderr().is_terminal() {
        output.progress("", true);
    }
    let value = json!({ "files": done, "before": before, "after": after });
    output.result(&value, || format!("{before} bytes were {after} bytes afterwards"))?;
    Ok(Exit::Done)
}

/// A database's bytes, its write-ahead log included.
fn on_disk(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
    size(path) + size(Path::new(&log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_kind() {
        let dir = tempfile::tempdir().unwrap();
        let options = crate::backend::Options { dir: dir.path().join("b"), thread_clients: 1 };
        drop(crate::backend::Backend::open(&options, &SystemClock).unwrap());
        let mut others = Vec::new();
        for file in ["threads.db", "mailbox.db"] {
            let space = store::space(&options.dir.join(file)).unwrap();
            others.extend(space.tables.into_keys().filter(|table| kind_of(file, table) == "other"));
        }
        others.sort();
        others.dedup();
        let known = [
            "actionStores",
            "backend",
            "damaged",
            "device",
            "purged",
            "purgedMessages",
            "sqlite_schema",
            "sqlite_sequence",
            "sqlite_stat1",
            "trashed",
            "undoneActions",
        ];
        others.retain(|table| !known.contains(&table.as_str()));
        assert!(others.is_empty(), "give them a kind, or list them here: {others:?}");
        assert_eq!(per_byte(2_500, 1_000), 2.5);
        assert_eq!(per_byte(1, 0), Value::Null);
    }
}
