//! What the README says is what the program does.
//!
//! Invariant: reads the README as its readers do. It does not judge prose, only what can be tried.

use std::collections::BTreeSet;
use std::path::Path;

use mailtui::account::Accounts;
use mailtui::command::bindings;
use mailtui::command::key::Key;
use mailtui::command::registry;

use crate::support::binary::Home;

const README: &str = include_str!("../../README.md");

/// The lines between this heading and the next of its rank.
fn section(heading: &str) -> &'static str {
    let (_, after) = README.split_once(&format!("\n{heading}\n")).expect("the heading is there");
    let rank = heading.split(' ').next().expect("a rank");
    after.split(&format!("\n{rank} ")).next().expect("a section")
}

/// The first cells of a section's tables.
fn first_cells(heading: &str) -> impl Iterator<Item = &'static str> {
    let rows = section(heading).lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split(" | ").next()).skip(1)
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_key_that_it_names_is_bound() {
    let bound: BTreeSet<Vec<Key>> =
        registry::all().flat_map(|command| command.keys).map(|keys| Key::sequence(keys)).collect();
    let named: Vec<&str> = first_cells("## Keys").flat_map(code).collect();
    assert!(named.len() > 20, "{named:?}");
    for keys in named {
        let keys = keys.replace("Ctrl-", "C-").replace("Shift-", "S-");
        assert!(bound.contains(&Key::sequence(&keys)), "{keys} does nothing");
    }
}

#[test]
fn every_undoable_key_is_named() {
    let named: BTreeSet<String> =
        first_cells("## Keys").flat_map(code).map(|key| key.replace("Ctrl-", "C-")).collect();
    for command in registry::all().filter(|command| command.undoable) {
        assert!(command.keys.iter().any(|key| named.contains(*key)), "{}", command.name);
    }
}

#[test]
fn its_own_keys_are_bound() {
    let example = section("### Own keys").split("```toml\n").nth(1).expect("an example");
    let bound = bindings::read(example.split("```").next().expect("its end"));
    assert_eq!(bound.wrong, [], "the example is right");
    for (name, key) in [("spam", "X"), ("archive", "e"), ("mute", ""), ("trash", "d d")] {
        assert_eq!(bound.keymap.key(name), key, "{name}");
    }
}

/// It is made by the program: whoever changes a key writes it there again.
#[test]
fn the_table_of_all_keys_is_the_registrys() {
    let table = registry::declared().markdown();
    assert!(section("## All keys").contains(&table), "write it again: mailtui keys --markdown");
}

#[test]
fn keys_are_listed_as_they_are_bound() {
    let home = Home::new();
    let stdout = |args: &[&str]| String::from_utf8(home.run(args).ok().stdout).expect("UTF-8");
    let lines = stdout(&["keys", "--json"]);
    assert_eq!(lines.lines().count(), registry::all().count());
    assert!(lines.contains(r#""command":"archive","#) && lines.contains(r#""keys":["e"]"#));
    assert_eq!(stdout(&["keys", "--markdown"]), registry::declared().markdown());
    assert!(stdout(&["keys", "--preset", "vim"]).contains("  a                  archive"));
    assert!(stdout(&["man"]).contains(".SH KEYS"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(stdout(&["completions", shell]).contains("mailtui"), "{shell}");
    }
}

/// The commands of `mailtui --help`.
fn commands(home: &Home) -> BTreeSet<String> {
    let help = String::from_utf8(home.run(&["--help"]).ok().stdout).expect("UTF-8");
    let (_, after) = help.split_once("Commands:\n").expect("commands");
    let lines = after.lines().take_while(|line| !line.is_empty());
    // A line that goes on is further in.
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn it_names_every_command_and_no_other() {
    let there = commands(&Home::new());
    let mut named = BTreeSet::new();
    for cell in first_cells("## From scripts") {
        for words in code(cell) {
            let word = words.strip_prefix("mailtui").unwrap_or(words).split_whitespace().next();
            named.extend(word.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())));
        }
    }
    for name in &there {
        assert!(named.contains(name.as_str()), "the README does not say `{name}`");
    }
    for name in &named {
        assert!(there.contains(*name), "there is no `mailtui {name}`");
    }
}

#[test]
fn its_example_says_what_the_program_says() {
    let console = section("## From scripts").split("```console\n").nth(1).expect("an example");
    let mut lines = console.lines();
    let line = lines.next().and_then(|line| line.strip_prefix("$ mailtui --data-dir /tmp/try "));
    let mut args: Vec<&str> = line.expect("a command line").split(' ').collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(args.pop().expect("a path"));
    args.push(path.to_str().expect("a path in UTF-8"));
    let stdout = Home::new().run(&args).ok().stdout;
    assert_eq!(String::from_utf8(stdout).expect("UTF-8").trim_end(), lines.next().expect("output"));
}

#[test]
fn what_it_links_to_is_there() {
    let targets = README.split("](").skip(1).filter_map(|after| after.split(')').next());
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    let mut seen = 0;
    for target in local {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(target).exists(), "{target}");
        seen += 1;
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn its_accounts_are_read_and_their_options_are_there() {
    let text = section("## Accounts");
    let example = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let read = Accounts::parse(example.expect("an example"), Path::new("README.md"));
    let read = read.expect("accounts");
    assert_eq!((read.list.len(), &read.unknown[..]), (1, &[][..]));
    let help = Home::new().run(&["account", "add", "--help"]).ok().stdout;
    let help = String::from_utf8(help).expect("UTF-8");
    let named: Vec<&str> = code(text).filter_map(|word| word.strip_prefix("--")).collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        let name = name.split(' ').next().unwrap_or_default();
        assert!(help.contains(&format!("--{name}")), "there is no --{name}");
    }
}
