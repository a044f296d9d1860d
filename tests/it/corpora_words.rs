//! Our words in real mail against those that SQLite's `unicode61` sees: whoever searches for one of
//! those finds the text that it stands in.
//!
//! Read from `MAILTUI_CORPORA` (`../shared/corpora` by default); skipped, with a line, where there
//! are none. What is between letters without parting them (a soft hyphen) parts words there and
//! not here: that is the one rule in which they differ. Any other difference is listed in
//! [`EXPLAINED`], or the test fails; so it does for one that no longer occurs.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use mailtui::mail::{parse as parse_mail, parse_and_search, searchable};
use mailtui::search::{Context, Field, Needles, parse, words};
use rusqlite::Connection;

/// Words of `unicode61` that are not found by themselves, and why.
const EXPLAINED: &[(&str, &str)] = &[
    ("iche", THAANA),
    ("mi", THAANA),
    ("\u{7fb}", "Unicode has no such character: SQLite takes what it does not know for letters"),
];

const THAANA: &str = "the sender's UTF-7 says a vowel sign of Thaana between them, and a mark on a \
                      letter parts no word";

/// The longest file that is read, in bytes.
const MAX_FILE_BYTES: usize = 1024 * 1024;

#[test]
fn every_word_that_unicode61_sees_is_found() {
    let Some(corpora) = corpora() else { return };
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "CREATE VIRTUAL TABLE t USING fts5(x, tokenize='unicode61 remove_diacritics 2');
         CREATE VIRTUAL TABLE v USING fts5vocab('t', 'row')",
    )
    .unwrap();
    let mut files = Vec::new();
    walk(&corpora, &mut files);
    let (mut seen, mut hyphened) = (0, 0);
    let mut missed = BTreeMap::<String, BTreeSet<PathBuf>>::new();
    for file in &files {
        let raw = std::fs::read(file).unwrap();
        let raw = &raw[..raw.len().min(MAX_FILE_BYTES)];
        let message = searchable(raw);
        let at_once = parse_and_search(raw);
        assert!(at_once.0 == parse_mail(raw) && at_once.1 == message, "{}", file.display());
        let mut texts = vec![message.subject, message.text];
        texts.extend(message.more);
        let text = texts.join("\n");
        db.execute("INSERT INTO t VALUES (?1)", [&text]).unwrap();
        let terms: Vec<String> = {
            let mut all = db.prepare_cached("SELECT term FROM v").unwrap();
            let all = all.query_map([], |row| row.get(0)).unwrap();
            all.map(Result::unwrap).collect()
        };
        db.execute("DELETE FROM t", []).unwrap();
        seen += terms.len();
        let ours: HashSet<String> = words::folded(&text).into_iter().collect();
        for term in terms {
            if !is_found(&term, &ours, &text) {
                if is_found_at_hyphens(&term, &text) {
                    hyphened += 1;
                    continue;
                }
                missed.entry(term).or_default().insert(file.clone());
            }
        }
    }
    assert!(files.len() > 100 && seen > 1_000, "{} files, {seen} words", files.len());
    let explained: BTreeSet<&str> = EXPLAINED.iter().map(|(term, _)| *term).collect();
    let new: Vec<_> = missed.iter().filter(|(t, _)| !explained.contains(t.as_str())).collect();
    let gone: Vec<_> = explained.iter().filter(|term| !missed.contains_key(**term)).collect();
    let differ = missed.len();
    println!("{} files, {seen} words, {hyphened} of soft hyphens, {differ} differ", files.len());
    assert!(new.is_empty(), "{} not found: {new:#?}", new.len());
    assert!(gone.is_empty(), "explained, but found: {gone:?}");
}

/// Whether a query that is this word finds the text.
fn is_found(term: &str, ours: &HashSet<String>, text: &str) -> bool {
    match words::folded(term).as_slice() {
        [] => false,
        [one] => ours.contains(one),
        _ => {
            let zone = TimeZone::UTC;
            let context = Context { now: 0, zone: &zone, me: &[], typing: false, saved: &[] };
            let query = parse(&format!("\"{term}\""), &context).query;
            Needles::of(&query).is_in(Field::Body, text)
        }
    }
}

/// Whether it does where each soft hyphen parts words.
fn is_found_at_hyphens(term: &str, text: &str) -> bool {
    let text = text.replace('\u{ad}', " ");
    is_found(term, &words::folded(&text).into_iter().collect(), &text)
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, files);
        } else if path.components().any(|part| part.as_os_str() == "msg") {
            files.push(path);
        }
    }
}

fn corpora() -> Option<PathBuf> {
    let root = std::env::var_os("MAILTUI_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"),
        PathBuf::from,
    );
    if root.join("oracle").is_dir() {
        return Some(root);
    }
    println!("skipped: no corpora at {}", root.display());
    None
}
