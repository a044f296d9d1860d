//! `export`: what is written is taken in again without loss, and nothing is written over.
//!
//! Invariant: two mailboxes are compared by what the command line says of them: conversations by
//! their messages, each with place, labels, flags and what was read of its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::binary::{Home, count, one, run, text};
use crate::support::mail::{mail, mbox, write};
use crate::support::serve::Serve;

/// Every conversation of a mailbox: the ids of its messages, with all that must come back.
fn told(home: &Home) -> BTreeMap<BTreeSet<String>, Value> {
    let names: BTreeMap<String, String> = home
        .json(&["labels"])
        .iter()
        .map(|label| (text(label, "id"), text(label, "name")))
        .collect();
    let threads: Vec<String> = home.threads("anywhere");
    let shown = threads.chunks(200).flat_map(|some| {
        let args: Vec<&str> =
            std::iter::once("show").chain(some.iter().map(String::as_str)).collect();
        home.json(&args)
    });
    shown
        .map(|thread| {
            let messages = thread["messages"].as_array().unwrap();
            let ids = messages.iter().map(|message| text(message, "id")).collect();
            let labels: BTreeSet<&str> = thread["labels"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| names.get(id.as_str().unwrap()).map_or("?", String::as_str))
                .collect();
            let messages: Vec<Value> = messages.iter().map(message).collect();
            (ids, json!({ "place": thread["place"], "labels": labels, "messages": messages }))
        })
        .collect()
}

/// What must come back of a message. Where its date came from need not: a message without one has
/// it from its file then.
fn message(message: &Value) -> Value {
    let mut message = message.clone();
    let fields = message.as_object_mut().unwrap();
    fields.remove("thread");
    fields.remove("sortFrom");
    message
}

fn assert_same(before: &Home, after: &Home) {
    let (before, after) = (told(before), told(after));
    assert!(!before.is_empty());
    for (ids, thread) in &before {
        assert_eq!(after.get(ids), Some(thread), "{ids:?}");
    }
    assert_eq!(before.len(), after.len());
}

/// A mailbox with something of everything.
fn mailbox() -> Home {
    let home = Home::new();
    let source = home.path("Mail");
    let put =
        |folder: &str, name: &str, bytes: &[u8]| write(&source.join(folder).join(name), bytes);
    put("cur", "1:2,", &mail("new").bytes());
    put("cur", "2:2,S", &mail("read").at(1).bytes());
    put("cur", "3:2,FRS", &mail("answer").at(2).reply_to("read", "read").bytes());
    put("cur", "4:2,PS", &mail("forwarded").at(3).set("X-Keywords", "kept \"To do\"").bytes());
    put("cur", "5:2,", &mail("stale").at(4).set("X-Keywords", "old").bytes());
    put(".Archive/cur", "6:2,S", &mail("done").at(5).bytes());
    put(".Sent/cur", "7:2,S", &mail("mine").at(6).bytes());
    put(".Sent/cur", "8:2,S", &mail("my-answer").at(7).reply_to("new", "new").bytes());
    put(".Trash/cur", "9:2,", &mail("gone").at(8).bytes());
    put(".Spam/cur", "10:2,", &mail("spam").at(9).without("Message-ID").bytes());
    put(".Work.Kunden/cur", "11:2,", &mail("label").at(10).body("a\r\nFrom here\r\n\n\n").bytes());
    put(".Drafts/cur", "12:2,DS", &mail("draft").at(11).bytes());
    put("cur", "13:2,", &mail("undated").without("Date").bytes());
    put("cur", "14:2,S", &mail("read").at(1).body("Another under the same id.").bytes());
    put("cur", "15:2,", b"Just some text without a header\n");
    home.import(&source);
    let thread = |subject: &str| home.thread(subject);
    home.run(&["label", &thread("stale"), "+Grüße, \"Du\" \\", "+a b", "-old"]).ok();
    // Called like flags, places, and notes of other programs.
    let odd = ["+Junk", "+Draft", "+Opened", "+Chat", "+NotJunk", "+$label1", "+a $Forwarded b"];
    home.run(&[&["label", &thread("stale")], &odd[..]].concat()).ok();
    home.run(&["move", &thread("label"), "archive"]).ok();
    home.run(&["move", &thread("mine"), "inbox"]).ok();
    home.run(&["star", &thread("done")]).ok();
    home.run(&["unread", &thread("done")]).ok();
    home.run(&["trash", &thread("forwarded")]).ok();
    home
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn a_maildir_is_taken_in_again_without_loss() {
    let home = mailbox();
    let said = one(home.json(&["export", "--maildir", "out"]));
    assert_eq!((count(&said, "messages"), count(&said, "written")), (15, 15));
    assert_eq!((count(&said, "skipped"), &said["failed"]), (0, &json!([])));
    let out = home.path("out");
    for path in files(&out) {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    assert!(std::fs::read_dir(out.join("tmp")).unwrap().next().is_none());
    let other = Home::new();
    let taken = other.import(&out);
    assert_eq!((count(&taken, "imported"), count(&taken, "copies")), (14, 1));
    assert_same(&home, &other);
    // The bytes are equal as an import compares them, and what they say is what is known.
    let again = home.import(&out);
    assert_eq!((count(&again, "duplicates"), count(&again, "copies")), (15, 0));
    assert_same(&home, &other);
    // What has no other place for its labels is the one that was changed; the rest is as it came.
    let came: BTreeSet<Vec<u8>> =
        files(&home.path("Mail")).iter().map(|path| std::fs::read(path).unwrap()).collect();
    let changed = files(&out).iter().filter(|p| !came.contains(&std::fs::read(p).unwrap())).count();
    assert!(changed <= 6, "{changed} files are other than they came");
}

#[test]
fn an_export_goes_on_and_writes_over_nothing() {
    let home = mailbox();
    let export = ["export", "--maildir", "out"];
    home.json(&export);
    let out = home.path("out");
    // Half of it is taken away, one is moved by another program, one is left half written.
    let mut there = files(&out);
    there.sort();
    for path in there.iter().step_by(2) {
        std::fs::remove_file(path).unwrap();
    }
    let kept = &there[1];
    let name = kept.file_name().unwrap().to_string_lossy();
    let moved = out.join("new").join(name.split(':').next().unwrap());
    std::fs::rename(kept, &moved).unwrap();
    std::fs::write(&moved, "mine").unwrap();
    let lost = there[0].file_name().unwrap().to_string_lossy().into_owned();
    std::os::unix::fs::symlink(
        home.path("victim"),
        out.join("tmp").join(lost.split(':').next().unwrap()),
    )
    .unwrap();
    let said = one(home.json(&export));
    let lost = there.len().div_ceil(2) as u64;
    assert_eq!((count(&said, "written"), count(&said, "skipped")), (lost, 15 - lost));
    assert_eq!(std::fs::read(&moved).unwrap(), b"mine");
    assert!(!home.path("victim").exists());
    // A directory of something else is left alone, and so is a file.
    write(&home.path("other/notes.txt"), b"mine");
    home.run(&["export", "--maildir", "other"]).exited(1);
    assert_eq!(files(&home.path("other")).len(), 1);
    home.run(&["export", "--maildir", "other/notes.txt"]).exited(1);
    home.run(&["export"]).exited(2);
}

#[test]
fn a_part_is_chosen_and_a_conversation_is_an_mbox() {
    let home = mailbox();
    let said = one(home.json(&["export", "--maildir", "some", "--label", "a b"]));
    assert_eq!(count(&said, "written"), 1);
    home.run(&["export", "--maildir", "none", "--label", "no such label"]).exited(3);
    let thread = home.thread("read");
    let args = ["export", "--thread", &thread, "--mbox", "thread.mbox"];
    assert_eq!(count(&one(home.json(&args)), "written"), 3);
    let file = home.path("thread.mbox");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    home.run(&args).exited(1);
    // What a stopped one left is no reason to refuse, and is gone when it is whole.
    let (part, late) = (home.path(".late.mbox.mailtui-part"), home.path("late.mbox"));
    write(&part, b"half");
    home.json(&["export", "--thread", &thread, "--mbox", "late.mbox"]);
    assert_eq!(std::fs::read(&late).unwrap(), std::fs::read(&file).unwrap());
    assert!(!part.exists());
    let other = Home::new();
    other.import(&file);
    let (before, after) = (told(&home), told(&other));
    assert_eq!(after.len(), 1);
    for (ids, thread) in &after {
        assert_eq!(before.get(ids), Some(thread));
    }
    // One that is there is named, and it is said what to do.
    let again = home.run(&["export", "--thread", &thread, "--mbox", "late.mbox", "--json"]);
    let error = again.exited(1).error();
    assert_eq!(error["code"], "exists", "{error}");
    assert_eq!(error["message"], "late.mbox is there already", "{error}");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("new file")), "{error}");
    home.run(&["export", "--mbox", "x"]).exited(2);
}

#[test]
fn labels_that_a_header_cannot_carry_are_named() {
    let home = Home::new();
    write(&home.path("a.eml"), &mail("full").bytes());
    home.import(&home.path("a.eml"));
    let labels: Vec<String> = (0..1_001).map(|n| format!("+l{n}")).collect();
    let thread = home.thread("full");
    let args = ["label", &thread].into_iter().chain(labels.iter().map(String::as_str));
    home.run(&args.collect::<Vec<_>>()).ok();
    let said = home.run(&["--json", "export", "--maildir", "out"]).exited(4);
    let said = said.object();
    assert_eq!((count(&said, "messages"), count(&said, "written")), (1, 1));
    assert_eq!(text(&said["failed"][0], "code"), "bare");
    assert!(text(&said["failed"][0], "reason").contains("l999"), "{said}");
    // Where there is no mail nothing is made.
    let empty = Home::new();
    assert!(empty.run(&["export", "--maildir", "out"]).ok().stdout.is_empty());
    assert!(!empty.path("out").exists());
}

#[test]
fn what_is_not_on_this_device_is_fetched_and_offline_it_is_said() {
    let serve = Serve::start();
    let (home, other) = (Home::new(), Home::new());
    write(&home.path("box"), &mbox(&crate::support::mail::many("m", 5)));
    run(serve.command(&home, &["import", "box"])).ok();
    run(serve.command(&other, &["--sync-only"])).ok();
    let offline = ["export", "--maildir", "out", "--offline", "--json"];
    let refused = run(serve.command(&other, &offline)).exited(3);
    assert_eq!(text(&refused.error(), "code"), "not-here");
    assert_eq!(count(&refused.object(), "messages"), 5);
    let said = run(serve.command(&other, &offline[..3])).ok();
    assert!(String::from_utf8_lossy(&said.stdout).starts_with("5 messages: 5 written"), "{said}");
    assert_eq!(files(&other.path("out")).len(), 5);
}

#[test]
fn the_corpora_come_back_as_they_were() {
    let Some(corpora) = crate::corpora_files::corpora() else { return };
    let home = Home::new();
    // Some of its files are no mail, which is said.
    home.run(&["import".as_ref(), corpora.as_os_str()]).exited(4);
    let said = one(home.json(&["export", "--maildir", "out"]));
    assert_eq!(count(&said, "written"), count(&said, "messages"));
    assert!(count(&said, "written") > 2_000, "{said}");
    let again = home.import(&home.path("out"));
    assert_eq!(count(&again, "duplicates"), count(&again, "messages"), "{again}");
    let other = Home::new();
    other.import(&home.path("out"));
    assert_same(&home, &other);
}
