//! Folders with names that are weapons, too many of them, and none at all.

use super::{Scene, Then, check};
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
fn a_list_without_the_other_folders_loses_nothing_for_good() {
    let only = vec![say("* LIST () \"/\" INBOX\r\n{tag} OK done\r\n")];
    check("only the inbox", vec![pair("LIST", only)], Then::GoesOn);
}

#[test]
fn too_many_folders_are_refused() {
    let many: String = (0..30_000).map(|n| format!("* LIST () \"/\" \"f{n}\"\r\n")).collect();
    let script = vec![pair("LIST", vec![say(&many), Act::Usual])];
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
