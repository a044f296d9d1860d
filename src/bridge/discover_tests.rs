//! Tests of the walk: which files are mail, in which order, and that none is forgotten.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

const MAIL: &str = "Subject: x\n\nx\n";
const MBOX: &str = "From a@b Fri Feb 22 17:06:23 2008\nSubject: x\n\nx\n";

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// A line a source (`path kind folder`), a line a failure (`path code`), then what was skipped.
fn told(root: &Path, names: &[&str]) -> Vec<String> {
    let paths: Vec<PathBuf> = names.iter().map(|name| root.join(name)).collect();
    let mut found = discover(&paths, &AtomicBool::new(false));
    found.failures.sort();
    let short = |path: &Path| path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
    let mut lines = Vec::new();
    for source in &found.sources {
        let folder = source.folder();
        let place = folder.place.map_or("-", crate::label::Place::as_str);
        let sent = if folder.sent { "+sent" } else { "" };
        let drafts = if folder.drafts { "+drafts" } else { "" };
        let kind = if source.mbox { "mbox" } else { "one" };
        let labels = folder.labels.join("|");
        let line = format!("{} {kind} {place}{sent}{drafts} {labels}", short(&source.path()));
        lines.push(line.trim_end().to_owned());
    }
    for failure in found.failures.listed() {
        lines.push(format!("{} {}", short(&failure.path), failure.code));
    }
    lines.push(format!("skipped {}", found.skipped));
    lines
}

fn check(files: &[(&str, &str)], names: &[&str], expected: &[&str]) {
    let dir = tree(files);
    assert_eq!(told(dir.path(), names), expected, "{names:?}");
}

#[test]
fn a_file_is_mail_by_its_first_line_its_name_or_its_place() {
    check(
        &[
            ("d/header", MAIL),
            ("d/blank-first", "\n\r\nSubject: x\n"),
            ("d/mbox", MBOX),
            ("d/any.eml", "no header"),
            ("d/from.EML", MBOX),
            ("d/text", "no header"),
            ("d/blank", "\n\n"),
            ("d/zero", ""),
            ("d/zero.eml", ""),
            ("d/cur/any", "no header"),
            ("d/new/from", MBOX),
            ("d/new/zero", ""),
            ("d/patch:2,S", MBOX),
            ("named", "no header"),
        ],
        &["d", "named"],
        &[
            "named one -",
            "d/any.eml one -",
            "d/blank-first one -",
            "d/from.EML one -",
            "d/header one -",
            "d/mbox mbox -",
            "d/patch:2,S one -",
            "d/cur/any one -",
            "d/new/from one -",
            "d/blank empty",
            "d/new/zero empty",
            "d/text not-mail",
            "d/zero empty",
            "d/zero.eml empty",
            "skipped 0",
        ],
    );
}

#[test]
fn folders_come_from_paths_and_order_the_run() {
    check(
        &[
            ("M/cur/1:2,S", MAIL),
            ("M/.Trash/cur/2", MAIL),
            ("M/.Sent/cur/3", MAIL),
            ("M/.a.b/new/4", MAIL),
            ("M/foo/bar/5", MAIL),
            ("M/foo/cur/6", MAIL),
            ("M/Drafts", MBOX),
            ("M/Junk.mbox", MBOX),
            ("M/Archive.mbox", MBOX),
            ("M/lists/rust", MBOX),
            ("M/lists/one.txt", MBOX),
        ],
        &["M"],
        &[
            "M/.a.b/new/4 one - a/b",
            "M/cur/1:2,S one -",
            "M/foo/bar/5 one - foo/bar",
            "M/foo/cur/6 one - foo",
            "M/lists/one.txt mbox - lists",
            "M/lists/rust mbox - lists/rust",
            "M/Archive.mbox mbox archive",
            "M/.Sent/cur/3 one archive+sent",
            "M/Drafts mbox archive+drafts",
            "M/Junk.mbox mbox spam",
            "M/.Trash/cur/2 one trash",
            "skipped 0",
        ],
    );
}

#[test]
fn an_export_of_gmail_is_no_folder() {
    let export =
        "From 1@xxx Thu Jun 11 00:38:38 +0000 2020\nX-GM-THRID: 1\nX-Gmail-Labels: x\n\nx\n";
    check(
        &[("Takeout/Mail/Alles.mbox", export), ("Takeout/Mail/Other.mbox", MBOX)],
        &["Takeout"],
        &[
            "Takeout/Mail/Alles.mbox mbox -",
            "Takeout/Mail/Other.mbox mbox - Mail/Other",
            "skipped 0",
        ],
    );
    check(
        &[("Papierkorb.mbox", export)],
        &["Papierkorb.mbox"],
        &["Papierkorb.mbox mbox -", "skipped 0"],
    );
}

#[test]
fn a_named_root_is_no_label_but_may_be_a_place() {
    let files = [
        ("M/.Trash/cur/1", MAIL),
        ("M/.work/cur/2", MAIL),
        ("M/Sent", MBOX),
        ("M/lists.mbox", MBOX),
        ("plain/Trash/3", MAIL),
    ];
    check(
        &files,
        &["M/.Trash", "M/.work/cur", "M/Sent", "M/lists.mbox", "plain/Trash"],
        &[
            "M/lists.mbox mbox -",
            "M/.work/cur/2 one -",
            "plain/Trash/3 one -",
            "M/Sent mbox archive+sent",
            "M/.Trash/cur/1 one trash",
            "skipped 0",
        ],
    );
}

#[test]
fn what_is_hidden_temporary_or_elsewhere_is_skipped() {
    let dir = tree(&[
        ("M/cur/1", MAIL),
        ("M/tmp/2", MAIL),
        ("M/tmp/deep/3", MAIL),
        ("M/.git/4", MAIL),
        ("M/.dot", MAIL),
        ("M/a/5", MAIL),
        ("out/6", MAIL),
    ]);
    let at = |name: &str| dir.path().join(name);
    symlink(at("out/6"), at("M/cur/out")).unwrap();
    symlink(at("out"), at("M/outdir")).unwrap();
    symlink(at("M"), at("M/a/loop")).unwrap();
    symlink(at("nowhere"), at("M/broken")).unwrap();
    symlink(at("M/cur/1"), at("M/cur/again")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("M/socket")).unwrap();
    symlink(at("M"), at("link")).unwrap();
    let expected = |root: &str| {
        vec![
            format!("{root}/a/5 one - a"),
            format!("{root}/cur/1 one -"),
            format!("{root}/cur/again one -"),
            "skipped 9".to_owned(),
        ]
    };
    assert_eq!(told(dir.path(), &["M"]), expected("M"));
    assert_eq!(told(dir.path(), &["M/socket"]), ["M/socket not-a-file", "skipped 0"]);
    assert_eq!(told(dir.path(), &["link"]), expected("link"), "a named link is followed");
}

#[test]
fn a_file_that_is_named_twice_counts_once() {
    let files = [("d/a", MAIL), ("d/b", "no header"), ("d/sub/c", MAIL)];
    let all = ["d/a one -", "d/b one -", "d/sub/c one - sub", "skipped 0"];
    check(&files, &["d/sub", "d/b", "d", "d", "d/b"], &all);
}

#[test]
fn what_cannot_be_read_is_listed() {
    let dir = tree(&[("d/a", MAIL), ("d/b.eml", MAIL), ("d/locked/c", MAIL)]);
    let lock = |name: &str| {
        let path = dir.path().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        path
    };
    let locked = lock("d/locked");
    lock("d/a");
    if fs::read_dir(&locked).is_ok() {
        println!("skipped: permissions do not bind this user");
    } else {
        let lines = told(dir.path(), &["d"]);
        assert_eq!(lines, ["d/b.eml one -", "d/a unreadable", "d/locked unreadable", "skipped 0"]);
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_tree_that_is_very_deep_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let deep: PathBuf = std::iter::repeat_n("d", MAX_DEPTH + 5).collect();
    fs::create_dir_all(dir.path().join(&deep)).unwrap();
    fs::write(dir.path().join(&deep).join("mail"), MAIL).unwrap();
    let found = discover(&[dir.path().to_owned()], &AtomicBool::new(false));
    let codes: Vec<&str> = found.failures.listed().iter().map(|f| f.code.as_str()).collect();
    assert_eq!((found.sources.len(), codes), (0, vec!["too-deep"]));
}

#[test]
fn a_walk_can_be_stopped() {
    let dir = tree(&[("d/a", MAIL)]);
    let found = discover(&[dir.path().join("d")], &AtomicBool::new(true));
    assert!(found.sources.is_empty());
}

#[test]
fn the_folders_of_thunderbird_begin_in_an_account() {
    let files = [
        ("t/profiles.ini", "[General]\n"),
        ("t/Crash Reports/x", "x"),
        ("t/p.default/prefs.js", "user_pref(1);\n"),
        ("t/p.default/places.sqlite", "x"),
        ("t/p.default/extensions/x.json", "{}"),
        ("t/p.default/Mail/Local Folders/Inbox", MBOX),
        ("t/p.default/Mail/Local Folders/Inbox.msf", "// <!-- <mdb:mork:z -->"),
        ("t/p.default/Mail/Local Folders/Inbox.sbd/Clients", MBOX),
        ("t/p.default/Mail/Local Folders/Inbox.sbd/Clients.msf", "// <!--"),
        ("t/p.default/Mail/Local Folders/Inbox.sbd/Clients.sbd/Old", MBOX),
        ("t/p.default/Mail/Local Folders/Trash", ""),
        ("t/p.default/Mail/Local Folders/Trash.msf", "// <!--"),
        ("t/p.default/Mail/Local Folders/msgFilterRules.dat", "version=\"9\"\n"),
        ("t/p.default/Mail/Local Folders/filterlog.html", "<html>"),
        ("t/p.default/ImapMail/imap.example.org/Archives", MBOX),
        ("t/p.default/ImapMail/imap.example.org/Archives.msf", "// <!--"),
        ("t/p.default/ImapMail/imap.example.org/INBOX.mozmsgs/1.wdseml", MAIL),
    ];
    let inside = "t/p.default/Mail/Local Folders";
    let expected = [
        format!("{inside}/Inbox mbox -"),
        format!("{inside}/Inbox.sbd/Clients mbox - Clients"),
        format!("{inside}/Inbox.sbd/Clients.sbd/Old mbox - Clients/Old"),
        "t/p.default/ImapMail/imap.example.org/Archives mbox archive".to_owned(),
        "skipped 13".to_owned(),
    ];
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(&files, &["t"], &expected);
    check(&files[2..], &["t/p.default"], &[&expected[..4], &["skipped 11"]].concat());
    // A file without content that is no folder of it is listed.
    check(
        &[("d/zero", ""), ("d/x.msf/1", MAIL)],
        &["d"],
        &["d/x.msf/1 one - x.msf", "d/zero empty", "skipped 0"],
    );
}
