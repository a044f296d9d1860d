//! Real mail that is not part of this package: every file of it is accounted for exactly once.
//!
//! Read from `MAILTUI_CORPORA` (`../shared/corpora` by default); skipped, with a line, where
//! absent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use mailtui::bridge::discover::{Source, discover};
use mailtui::bridge::import::{ImportReport, ImportRequest, import};
use mailtui::bridge::ledger::Forgetful;
use mailtui::bridge::{Follow, Followed, Incoming, MailSink, Outcome, SinkError};
use mailtui::id::{ThreadId, base32};

pub(crate) fn corpora() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let path = std::env::var_os("MAILTUI_CORPORA").map_or(default, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no corpora at {}", path.display());
    None
}

/// Takes in everything, a thread a message: what the store makes of it is tested elsewhere.
#[derive(Default)]
struct TakesAll {
    taken: Vec<Outcome>,
    bytes: usize,
}

impl MailSink for TakesAll {
    fn submit(&mut self, batch: Vec<Incoming>) -> Result<Vec<Outcome>, SinkError> {
        let earlier = std::mem::take(&mut self.taken);
        for message in batch {
            self.bytes += message.raw.len();
            let id = base32(blake3::hash(&message.raw).as_bytes(), 20);
            let thread = ThreadId::try_from(id).expect("base 32 is an id");
            self.taken.push(Outcome::Imported { thread, new: true, message: None });
        }
        Ok(earlier)
    }

    fn finish(&mut self) -> Result<Vec<Outcome>, SinkError> {
        Ok(std::mem::take(&mut self.taken))
    }

    fn follow(&mut self, _: Vec<Follow>) -> Result<Vec<Followed>, SinkError> {
        unreachable!("who remembers nothing follows nothing")
    }

    fn roots(&mut self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, SinkError> {
        Ok(threads.to_vec())
    }
}

fn import_all(path: &Path) -> ImportReport {
    let request = ImportRequest { paths: vec![path.to_owned()], ..ImportRequest::default() };
    import(&request, &mut Forgetful, &mut TakesAll::default(), &mut |_| {}, &AtomicBool::new(false))
        .expect("the sink takes all")
}

/// Every regular file below `path`, by a walk of its own.
fn files(path: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(path).expect("readable") {
        let entry = entry.expect("readable").path();
        if entry.is_dir() {
            files(&entry, into);
        } else {
            into.insert(entry);
        }
    }
}

fn sets(corpora: &Path) -> BTreeMap<String, PathBuf> {
    let names = fs::read_dir(corpora).expect("readable");
    let names = names.map(|entry| entry.expect("readable"));
    names
        .filter(|entry| entry.path().is_dir())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect()
}

#[test]
fn every_file_is_accounted_for_exactly_once() {
    let Some(corpora) = corpora() else { return };
    for (set, path) in sets(&corpora) {
        let mut all = BTreeSet::new();
        files(&path, &mut all);
        let found = discover(std::slice::from_ref(&path), &AtomicBool::new(false));
        let mut met = BTreeSet::new();
        let sources = found.sources.iter().map(Source::path);
        let failures = found.failures.listed().iter().map(|failure| failure.path.clone());
        for file in sources.chain(failures) {
            assert!(all.contains(&file), "{set}: {} is not a file of it", file.display());
            assert!(met.insert(file.clone()), "{set}: {} is met twice", file.display());
        }
        let forgotten: Vec<&PathBuf> = all.difference(&met).collect();
        assert_eq!(forgotten.len() as u64, found.skipped, "{set}: {forgotten:?}");
        assert!(forgotten.iter().all(|file| {
            file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
        }));
    }
}

/// How many messages other tools see in each file of a set, from the oracle's lines: `FILE` or, in
/// an mbox, `FILE#N`.
fn oracle_counts(lines: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let name = line["file"].as_str().expect("a file");
        let file = name.rsplit_once(".mbox#").map(|(stem, _)| format!("{stem}.mbox"));
        *counts.entry(file.unwrap_or_else(|| name.to_owned())).or_default() += 1;
    }
    counts
}

#[test]
fn a_file_holds_as_many_messages_as_other_tools_see() {
    let Some(corpora) = corpora() else { return };
    let mut files = 0;
    for set in sets(&corpora).into_keys() {
        let oracle = corpora.join("oracle").join(format!("{set}.jsonl"));
        let Ok(lines) = fs::read_to_string(oracle) else { continue };
        for (file, count) in oracle_counts(&lines) {
            let path = corpora.join(&file);
            let report = import_all(&path);
            let codes: Vec<&str> =
                report.failed.listed().iter().map(|failure| failure.code.as_str()).collect();
            // The oracle has a line for each file; an empty one holds no message.
            let empty = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == 0);
            let expected = if empty { (0, vec!["empty"]) } else { (count, vec![]) };
            assert_eq!((report.messages, codes), expected, "{file}");
            files += 1;
        }
    }
    assert!(files > 0, "an oracle names no file");
}
