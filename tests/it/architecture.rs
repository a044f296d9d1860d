//! The house: which room may know which, and where an outside library comes in. The table is the
//! one of the map in `src/lib.rs`.
//!
//! Invariant: each rule is a function over sources, so that it is itself tested on sources that
//! break it; a rule that cannot fail would be worth nothing.

use crate::support::source::{Source, functions, names_behind, names_library, sources};

/// The rooms by floor: a room imports only rooms of lower floors.
const FLOORS: [&[&str]; 8] = [
    &["id", "label", "clock", "notice", "limits", "safe_text", "crash"],
    &["store", "mail", "config"],
    &["mailbox", "thread", "sync", "account", "search"],
    &["command", "projection", "bridge"],
    &["imap", "smtp"],
    &["engine", "backend"],
    &["ui"],
    &["cli", "main"],
];

/// Beside the floors: the first must not know the second.
const NEVER: [(&str, &str); 2] = [("ui", "backend"), ("ui", "bridge")];

/// Outside libraries with one door: the library, and the paths that may name it.
const DOORS: [(&str, &[&str]); 19] = [
    ("ratatui", &["src/ui"]),
    ("crossterm", &["src/ui"]),
    ("image", &["src/ui/picture"]),
    ("ratatui_image", &["src/ui/picture"]),
    (
        "rusqlite",
        &[
            "src/store",
            "src/mailbox",
            "src/thread",
            "src/search",
            "src/backend/storage",
            "src/engine",
        ],
    ),
    ("tokio_tungstenite", &["src/sync"]),
    (
        "tokio",
        &[
            "src/account",
            "src/sync",
            "src/imap",
            "src/smtp",
            "src/backend",
            "src/engine",
            "src/ui",
            "src/cli",
            "src/main.rs",
        ],
    ),
    ("imap_proto", &["src/imap"]),
    ("tokio_rustls", &["src/account", "src/imap"]),
    ("mail_parser", &["src/mail"]),
    ("html2text", &["src/mail"]),
    ("clap", &["src/cli", "src/main.rs"]),
    ("toml_edit", &["src/account", "src/command", "src/config"]),
    ("hyper", &["src/account"]),
    ("simple_dns", &["src/account"]),
    ("roxmltree", &["src/account"]),
    ("rustls", &["src/account", "src/imap"]),
    ("secrecy", &["src/account"]),
    ("lru", &["src/engine", "src/backend"]),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = ["utils", "util", "common", "types", "helpers", "helper", "misc"];

const MAX_FILE_LINES: usize = 600;
const MAX_COLUMNS: usize = 100;
const MAX_FUNCTION_LINES: usize = 70;

/// Functions that are longer for a reason: path, name, why. It may not grow past
/// [`MAX_LONG_FUNCTIONS`], and an entry that is no longer needed fails.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];
const MAX_LONG_FUNCTIONS: usize = 5;

#[test]
fn rooms_import_lower_floors_only() {
    assert_none(sources("src").iter().flat_map(wrong_imports));
}

#[test]
fn outside_libraries_have_one_door() {
    assert_none(sources("src").iter().flat_map(wrong_doors));
}

/// Every name of an event that a schema has is in its list of all names.
#[test]
fn every_name_of_an_event_is_listed() {
    for (path, all) in [
        ("src/mailbox/event.rs", mailtui::mailbox::name::ALL),
        ("src/thread/event/name.rs", mailtui::thread::name::ALL),
    ] {
        let source = sources("src").into_iter().find(|source| source.path == path);
        let source = source.expect("there is one").text;
        let named = source.lines().filter_map(|line| {
            let (_, name) = line.trim().strip_prefix("pub const ")?.split_once(": &str = \"")?;
            name.strip_suffix("\";")
        });
        assert_eq!(named.collect::<Vec<_>>(), all, "{path}");
    }
}

#[test]
fn files_are_small_and_begin_with_what_they_are() {
    assert_none(everything().iter().flat_map(wrong_shape));
}

#[test]
fn functions_fit_on_a_screen() {
    let all = everything();
    let long: Vec<_> = all.iter().flat_map(long_functions).collect();
    let listed = |(path, name, _): &(String, String, usize)| {
        LONG_FUNCTIONS.iter().any(|(p, n, _)| p == path && n == name)
    };
    let unlisted = long.iter().filter(|f| !listed(f));
    assert_none(unlisted.map(|(path, name, lines)| format!("{path}: fn {name}, {lines} lines")));
    assert!(LONG_FUNCTIONS.len() <= MAX_LONG_FUNCTIONS, "split one instead");
    for (path, name, why) in LONG_FUNCTIONS {
        let needed = long.iter().any(|(p, n, _)| p == path && n == name);
        assert!(needed && !why.is_empty(), "not needed, or without a reason: {path} {name}");
    }
}

#[test]
fn the_rules_can_fail() {
    let imports = |path: &str, text: &str| wrong_imports(&Source::new(path, text)).len();
    assert_eq!(imports("src/store/log.rs", "use crate::id::EventId;"), 0);
    assert_eq!(imports("src/store/log.rs", "use crate::{id, mail::Flags};"), 1, "one floor");
    assert_eq!(imports("src/mail/mod.rs", "// crate::store\nlet s = crate::store::X;"), 1);
    assert_eq!(imports("src/engine/mod.rs", "use crate::ui::App;"), 1, "upwards");
    assert_eq!(imports("src/ui/view/list.rs", "use super::super::backend::X;"), 0, "ui::backend");
    assert_eq!(imports("src/ui/app.rs", "use super::super::backend::X;"), 1, "super reaches it");
    assert_eq!(imports("src/ui/app.rs", "use crate::bridge::mbox;"), 1, "never");
    assert_eq!(imports("src/main.rs", "use mailtui::{cli, engine};"), 0);
    assert_eq!(imports("src/attic.rs", ""), 1, "a room without a floor");

    let doors = |path: &str, text: &str| wrong_doors(&Source::new(path, text)).len();
    assert_eq!(doors("src/ui/app.rs", "use ratatui::Frame;"), 0);
    assert_eq!(doors("src/engine/mod.rs", "use ratatui::Frame;"), 1);
    assert_eq!(doors("src/backend/worker.rs", "rusqlite::Connection::open(p)"), 1);
    assert_eq!(doors("src/backend/storage/log.rs", "rusqlite::Connection::open(p)"), 0);

    let shape = |path: &str, text: &str| wrong_shape(&Source::new(path, text)).len();
    assert_eq!(shape("src/id.rs", "//! x\n"), 0);
    assert_eq!(shape("src/id.rs", "use x;\n"), 1, "no header");
    assert_eq!(shape("src/mail/utils.rs", "//! x\n"), 1, "an empty name");
    assert_eq!(shape("src/id.rs", &format!("//! {}\n", "é".repeat(97))), 1, "101 columns");
    assert_eq!(shape("src/id.rs", &"//! x\n".repeat(601)), 1, "601 lines");

    let body = "x;\n".repeat(70);
    let long = Source::new("src/id.rs", &format!("fn a() {{\n{body}}}\nfn b() {{}}\n"));
    assert_eq!(long_functions(&long), [("src/id.rs".to_owned(), "a".to_owned(), 72)]);
}

fn assert_none(wrong: impl Iterator<Item = String>) {
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn everything() -> Vec<Source> {
    ["src", "tests", "benches"].into_iter().flat_map(sources).collect()
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The room of a file below `src`; the map itself, `lib.rs`, is in none.
fn room(path: &str) -> Option<&str> {
    let first = path.strip_prefix("src/")?.split('/').next()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    (room != "lib").then_some(room)
}

fn wrong_imports(source: &Source) -> Vec<String> {
    let Some(from) = room(&source.path) else { return Vec::new() };
    let Some(own) = floor(from) else {
        return vec![format!("{}: the room {from:?} is on no floor", source.path)];
    };
    let mut names = names_behind(&source.code, "crate");
    names.extend(names_behind(&source.code, "mailtui"));
    // `super` from `src/a/b.rs` is `a`; one more is the crate.
    let depth = source.path.trim_end_matches("/mod.rs").matches('/').count();
    names.extend(names_behind(&source.code, &vec!["super"; depth].join("::")));
    names.sort();
    names.dedup();
    let allowed = |to: &str| {
        let Some(other) = floor(to) else { return true };
        let wired = from == "main" && to == "cli";
        to == from || other < own || (own == 0 && other == 0) || wired
    };
    let never = |to: &str| NEVER.contains(&(from, to));
    let wrong = names.iter().filter(|to| !allowed(to) || never(to));
    wrong.map(|to| format!("{}: {from} must not know {to}", source.path)).collect()
}

fn wrong_doors(source: &Source) -> Vec<String> {
    let inside = |path: &str| {
        source.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            || source.path == format!("{path}.rs")
    };
    let wrong = DOORS.iter().filter(|(library, doors)| {
        names_library(&source.code, library) && !doors.iter().any(|door| inside(door))
    });
    wrong.map(|(library, doors)| format!("{}: {library} only in {doors:?}", source.path)).collect()
}

fn wrong_shape(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut wrong = Vec::new();
    if !source.text.starts_with("//!") {
        wrong.push(format!("{path}: does not begin with //!"));
    }
    let lines = source.text.lines().count();
    if lines > MAX_FILE_LINES {
        wrong.push(format!("{path}: {lines} lines"));
    }
    if path.split(['/', '.']).any(|part| EMPTY_NAMES.contains(&part)) {
        wrong.push(format!("{path}: the name says nothing"));
    }
    for (n, line) in source.text.lines().enumerate() {
        if line.chars().count() > MAX_COLUMNS {
            wrong.push(format!("{path}:{}: {} columns", n + 1, line.chars().count()));
        }
    }
    wrong
}

fn long_functions(source: &Source) -> Vec<(String, String, usize)> {
    let long = functions(&source.code).into_iter().filter(|f| f.2 > MAX_FUNCTION_LINES);
    long.map(|(name, _, lines)| (source.path.clone(), name, lines)).collect()
}
