//! Folders with names that are weapons, too many of them, and none at all.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Scene, Then, check};
use crate::support::binary::text;
use crate::support::scripted_imap::{Act, folder, message, pair, say};

#[test]
fn a_list_without_an_inbox_removes_nothing() {
    let empty = || vec![say("{tag} OK done\r\n")];
    check("empty", vec![pair("LIST", empty())], Then::Fails("contradiction"));
    let other = vec![say("* LIST () \"/\" \"other\"\r\n{tag} OK done\r\n")];
    check("others", vec![pair("LIST", other)], Then::Fails("contradiction"));
    let hidden = vec![say("* LIST (\\Noselect) \"/\" INBOX\r\n{tag} OK done\r\n")];
    check("no such inbox", vec![pair("LIST", hidden)], Then::Fails("contradiction"));
}

#[test]
fn a_folder_that_is_not_listed_and_answers_is_there() {
    let only = vec![say("* LIST () \"/\" INBOX\r\n{tag} OK done\r\n")];
    check("only the inbox", vec![pair("LIST", only)], Then::GoesOn);
}

#[test]
fn what_is_taken_for_gone_by_a_lie_comes_back_with_the_truth() {
    // A lie in which nothing contradicts anything is what another client's expunging looks like.
    let empty = |name: &str, count: usize| {
        let none = Act::Instead(format!("{count} EXISTS"), "0 EXISTS".to_owned());
        pair(&format!("SELECT*{name}"), vec![none])
    };
    let listing = pair("UID FETCH*(UID FLAGS)", vec![say("{tag} OK done\r\n")]);
    let gone = || pair("STATUS", vec![say("{tag} NO there is none\r\n")]);
    let inbox = || vec![say("* LIST () \"/\" INBOX\r\n{tag} OK done\r\n")];
    let lies: Vec<(Vec<_>, &[&str])> = vec![
        (vec![empty("INBOX", 3), empty("WORK", 2), empty("TRASH", 1), listing], &[]),
        (vec![pair("LIST", inbox()), gone()], &["a1", "a2", "a3"]),
    ];
    for (script, left) in lies {
        let mut scene = Scene::new();
        let all = ["a1", "a2", "a3", "w1", "w2", "t1"];
        scene.home.run(&["star", &scene.home.thread("w1")]).ok();
        scene.look().run.ok();
        let before = scene.home.list("anywhere");
        scene.bad.script(script);
        scene.look().run.ok();
        scene.assert_everything("the lie", left);
        scene.bad.script(Vec::new());
        scene.look().run.ok();
        scene.assert_everything("the truth", &all);
        let place = |rows: &[Value]| -> BTreeMap<String, Value> {
            let of = |row: &Value| (text(row, "subject"), row["labels"].clone());
            rows.iter().map(of).filter(|(subject, _)| !subject.starts_with('g')).collect()
        };
        let after = scene.home.list("anywhere");
        assert_eq!(place(&after), place(&before), "where it was, with its labels");
        scene.home.assert_healthy("the truth");
    }
}

#[test]
fn too_many_folders_are_refused() {
    let many: Vec<String> = (0..30_000).map(|n| format!("* LIST () \"/\" \"f{n}\"\r\n")).collect();
    let script = vec![pair("LIST", vec![say(&many.concat()), Act::Usual])];
    check("many", script, Then::Fails("too-large"));
}

#[test]
fn names_that_are_weapons() {
    let mut scene = Scene::new();
    let names = [
        "../../../../etc/passwd",
        "/etc/passwd",
        "..",
        "a\u{1b}[2J\u{1b}]0;owned\u{7}b",
        "&!!!-",
        "&AAo-newline",
        "&2D0-",
        "&AGEAYg-&AGI-",
        "a*b%c",
        "a\"b\\c",
        "-rf",
        "inbox/trash/inbox",
        "starred",
        "unread",
        "all",
        "anywhere",
        "{5}",
        "\u{202e}gnp.exe",
    ];
    let long = "n".repeat(4_000);
    scene.bad.with(|folders| {
        for (n, name) in names.iter().copied().chain([long.as_str()]).enumerate() {
            let new = message(&super::raw(&format!("n{n}")));
            folders.push(folder(name, "", vec![new]));
        }
    });
    scene.look().run.ok();
    let here = scene.subjects();
    for (n, name) in names.iter().enumerate() {
        assert!(here.contains(&format!("n{n}")), "{name:?} is read: {here:?}");
    }
    let labels = scene.home.run(&["labels"]).ok();
    let control = labels.stdout.iter().any(|byte| *byte < 0x20 && *byte != b'\n');
    assert!(!control, "{labels}");
    assert!(!String::from_utf8_lossy(&labels.stdout).contains('\u{202e}'), "{labels}");
    scene.home.assert_healthy("names that are weapons");
}
