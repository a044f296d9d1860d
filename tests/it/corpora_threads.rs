//! Real mail through the real binary: the threads are those of other tools, in any order of files,
//! and every file is accounted for.
//!
//! Invariant: only what the tools agree on is a truth here.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::binary::{Home, count, text};
use crate::support::corpora::{corpus, files, oracle};

/// Message-IDs that are one thread.
type Group = BTreeSet<String>;

/// How many threads are shown by one command; an argument list has a bound.
const SHOW_AT_ONCE: usize = 400;

/// What the binary made of a mailbox: the Message-IDs of each thread.
fn groups(home: &Home) -> BTreeSet<Group> {
    let threads = home.threads("anywhere");
    let mut groups = BTreeSet::new();
    for some in threads.chunks(SHOW_AT_ONCE) {
        let args: Vec<&str> =
            std::iter::once("show").chain(some.iter().map(String::as_str)).collect();
        for shown in home.json(&args) {
            let messages = shown["messages"].as_array().expect("messages");
            let ids = messages.iter().filter_map(|m| m["messageId"].as_str());
            groups.insert(ids.map(str::to_owned).collect());
        }
    }
    groups
}

/// The Message-ID that the tools read in each file of a set.
fn ids(oracle: &[Value]) -> BTreeMap<String, String> {
    let bare = |id: &Value| {
        id.as_str().map(|id| id.trim().trim_start_matches('<').trim_end_matches('>').to_owned())
    };
    let id =
        |line: &Value| bare(&line["message_id"]).or_else(|| bare(&line["notmuch"]["message_id"]));
    let known = oracle.iter().filter_map(|line| Some((text(line, "file"), id(line)?)));
    known.collect()
}

fn import(paths: impl IntoIterator<Item = PathBuf>, home: &Home) -> Value {
    let paths = paths.into_iter().map(OsString::from);
    let args: Vec<OsString> = std::iter::once("import".into()).chain(paths).collect();
    home.json(&args).remove(0)
}

/// The truth of notmuch-default, as groups of Message-IDs.
fn notmuch_truth() -> Option<BTreeSet<Group>> {
    let ids = ids(&oracle("notmuch-default")?);
    let truths = std::fs::read_to_string(corpus("oracle/threads.json")?).expect("readable");
    let truths: Vec<Value> = serde_json::from_str(&truths).expect("JSON");
    let truth = truths.iter().find(|truth| truth["truth"] == "notmuch-default")?;
    let group = |files: &Value| {
        let files = files.as_array().expect("a group").iter();
        files.map(|file| ids[file.as_str().expect("a file")].clone()).collect()
    };
    Some(truth["groups"].as_array().expect("groups").iter().map(group).collect())
}

#[test]
fn notmuch_default_has_its_24_threads() {
    let (Some(truth), Some(path)) = (notmuch_truth(), corpus("notmuch-default/msg")) else {
        return;
    };
    let home = Home::new();
    let summary = home.import(&path);
    assert_eq!(summary["failed"], json!([]));
    let counts = |summary: &Value| {
        ["messages", "imported", "duplicates", "copies", "threads"].map(|f| count(summary, f))
    };
    assert_eq!(counts(&summary), [53, 52, 1, 0, 24], "{summary}");
    assert_eq!(groups(&home), truth);
    let again = home.import(&path);
    assert_eq!(counts(&again), [53, 0, 53, 0, 24], "{again}");
    assert_eq!(count(&again, "newThreads"), 0);
    assert_eq!(groups(&home), truth);
    home.assert_healthy("notmuch-default");
}

#[test]
fn notmuch_default_has_them_in_any_order() {
    let (Some(truth), Some(path)) = (notmuch_truth(), corpus("notmuch-default/msg")) else {
        return;
    };
    let forward = files(&path);
    let backward: Vec<_> = forward.iter().rev().cloned().collect();
    let mut orders = vec![forward.clone(), backward];
    // Steps that are coprime to the number of files visit each once.
    for step in [7, 19, 31, 50] {
        let at = |n: usize| forward[n * step % forward.len()].clone();
        orders.push((0..forward.len()).map(at).collect());
    }
    for (n, order) in orders.into_iter().enumerate() {
        let home = Home::new();
        let summary = import(order, &home);
        let counts = (count(&summary, "imported"), count(&summary, "duplicates"));
        assert_eq!(counts, (52, 1), "order {n}: {summary}");
        assert_eq!(groups(&home), truth, "order {n}");
    }
}

#[test]
fn notmuch_default_has_them_one_file_at_a_time() {
    let (Some(truth), Some(path)) = (notmuch_truth(), corpus("notmuch-default/msg")) else {
        return;
    };
    let home = Home::new();
    let all = files(&path);
    let counts = (0..all.len()).map(|n| {
        let summary = import([all[n * 23 % all.len()].clone()], &home);
        (count(&summary, "imported"), count(&summary, "duplicates"))
    });
    let sum = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(sum, (52, 1));
    assert_eq!(groups(&home), truth);
    home.assert_healthy("one file at a time");
}

#[test]
fn easy_ham_is_grouped_as_the_tools_that_agree() {
    let (Some(oracle), Some(path)) = (oracle("sa-easy-ham-1"), corpus("sa-easy-ham-1/msg")) else {
        return;
    };
    let home = Home::new();
    let summary = home.import(&path);
    assert_eq!(summary["failed"], json!([]));
    assert_eq!((count(&summary, "messages"), count(&summary, "skipped")), (2500, 0), "{summary}");
    assert_eq!(home.list("anywhere").len() as u64, count(&summary, "threads"));
    let ids = ids(&oracle);
    let mut truth: BTreeMap<String, Group> = BTreeMap::new();
    for line in oracle.iter().filter(|line| line["thread_tools_agree"] == true) {
        let id = ids[&text(line, "file")].clone();
        truth.entry(text(line, "thread_key")).or_default().insert(id);
    }
    assert_eq!(truth.values().map(Group::len).sum::<usize>(), 2335);
    let ours = groups(&home);
    let split_or_joined: Vec<_> = truth.values().filter(|group| !ours.contains(*group)).collect();
    assert!(split_or_joined.is_empty(), "{} threads: {split_or_joined:#?}", split_or_joined.len());
    home.assert_healthy("sa-easy-ham-1");
}

/// Whether a file may hold several messages.
fn is_mbox(file: &Path) -> bool {
    std::fs::read(file).expect("a file of the corpora").starts_with(b"From ")
}

#[test]
fn every_file_of_every_set_is_accounted_for() {
    let Some(root) = corpus("") else { return };
    let mut folders: Vec<PathBuf> = ["msg", "mbox", "aux"]
        .iter()
        .flat_map(|part| {
            std::fs::read_dir(&root).unwrap().map(move |e| e.unwrap().path().join(part))
        })
        .filter(|folder| folder.is_dir())
        .collect();
    folders.sort();
    assert!(folders.len() >= 13, "{folders:?}");
    for folder in folders {
        let home = Home::new();
        let run = home.run(&["import".as_ref(), folder.as_os_str(), "--json".as_ref()]);
        assert!(matches!(run.code(), Some(0 | 4)), "{run}");
        let summary = run.object();
        let failed = summary["failed"].as_array().expect("a list");
        assert_eq!(run.code() == Some(4), !failed.is_empty(), "{summary}");
        for failure in failed {
            assert!(!text(failure, "reason").is_empty() && !text(failure, "code").is_empty());
            assert!(Path::new(&text(failure, "path")).exists(), "{failure}");
        }
        let kept = ["imported", "duplicates", "copies"].map(|field| count(&summary, field));
        let kept: u64 = kept.iter().sum();
        let listed: u64 = home.list("anywhere").iter().map(|row| count(row, "messageCount")).sum();
        assert_eq!(listed, count(&summary, "imported"), "{}: {summary}", folder.display());
        let (mboxes, single): (Vec<_>, Vec<_>) =
            files(&folder).into_iter().partition(|f| is_mbox(f));
        let found = kept + failed.len() as u64 + count(&summary, "skipped");
        let (least, what) = ((mboxes.len() + single.len()) as u64, folder.display());
        if mboxes.is_empty() {
            assert_eq!(found, least, "{what}: {summary}");
        } else {
            assert!(found >= least, "{what}: {summary}");
        }
        home.assert_healthy(&folder.display().to_string());
    }
}

#[test]
fn every_mbox_gives_at_least_one_message() {
    let Some(root) = corpus("") else { return };
    let sets = ["imaptest/mbox", "neomutt/mbox"].map(|set| root.join(set));
    for file in sets.iter().flat_map(|set| files(set)).filter(|file| is_mbox(file)) {
        let home = Home::new();
        let summary = import([file.clone()], &home);
        let bytes = std::fs::read(&file).unwrap();
        let from = |w: &&[u8]| w.starts_with(b"\nFrom ") || w.starts_with(b"\rFrom ");
        let most = bytes.windows(6).filter(from).count() as u64 + 1;
        let messages = count(&summary, "messages");
        assert!((1..=most).contains(&messages), "{}: {summary}", file.display());
    }
}
