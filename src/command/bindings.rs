//! The text of `keys.toml` as a [`Keymap`], with what is wrong in it by its line.
//!
//! Invariant: pure and total. A line that cannot be used is said and left out; all others hold.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml_edit::{Document, Item, Value};

use super::context::Context;
use super::fuzzy::nearest;
use super::key::Key;
use super::keymap::{Keymap, MAX_SEQUENCE_KEYS};
use super::preset::Preset;
use super::registry::{Command, all};

/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// Lines that no TOML can be made of, which are left out one after another.
const MAX_BROKEN_LINES: usize = 20;
/// Commands that one binding may leave without a key. The first key of many sequences is rarely
/// meant to go: a hand that knows them would do something else with each.
const MAX_LOST: usize = 3;
/// Where what is typed is text: a binding may not begin with a sign there.
const TYPED: [Context; 7] = [
    Context::Compose,
    Context::Picker,
    Context::Prompt,
    Context::Search,
    Context::Palette,
    Context::Ex,
    Context::Help,
];

/// Something that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// What a file binds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bindings {
    /// The keys.
    pub keymap: Arc<Keymap>,
    /// What could not be used, by line.
    pub wrong: Vec<Wrong>,
}

/// The keymap of `text`, and what is wrong in it.
#[must_use]
pub fn read(text: &str) -> Bindings {
    let mut wrong = Vec::new();
    if text.len() > MAX_FILE_BYTES {
        let what = format!("it is larger than {} KiB", MAX_FILE_BYTES / 1_024);
        return Bindings { wrong: vec![Wrong { line: 1, what }], ..Bindings::default() };
    }
    let mut text = text.to_owned();
    for _ in 0..=MAX_BROKEN_LINES {
        let (line, what) = match Document::parse(text.as_str()) {
            Ok(document) => {
                let mut reader = Reader { text: &text, wrong };
                let keymap = reader.keymap(&document);
                reader.wrong.sort_by_key(|wrong| wrong.line);
                return Bindings { keymap: Arc::new(keymap), wrong: reader.wrong };
            }
            Err(error) => {
                let line = line_of(&text, error.span().map_or(0, |span| span.start));
                (line, error.message().lines().next().unwrap_or_default().to_owned())
            }
        };
        wrong.push(Wrong { line, what: crate::safe_text::line(&what) });
        let Some(without) = without_line(&text, line) else { break };
        text = without;
    }
    Bindings { wrong, ..Bindings::default() }
}

/// The text with nothing but its end in this line; `None` when there is nothing in it anyway.
fn without_line(text: &str, line: usize) -> Option<String> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What is found wrong at the start of a line may have begun in one before.
    let at = (0..line.min(lines.len())).rev().find(|at| !lines[*at].trim().is_empty())?;
    lines[at] = "";
    Some(lines.join("\n"))
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

struct Reader<'a> {
    text: &'a str,
    wrong: Vec<Wrong>,
}

impl Reader<'_> {
    fn say(&mut self, span: Option<Range<usize>>, what: &str) {
        let line = line_of(self.text, span.map_or(0, |span| span.start));
        self.wrong.push(Wrong { line, what: crate::safe_text::line(what) });
    }

    fn keymap(&mut self, document: &Document<&str>) -> Keymap {
        let mut keymap = Keymap::of(self.preset(document));
        for (name, item) in document.iter() {
            if !["preset", "keys"].contains(&name) {
                let span = document.key(name).and_then(toml_edit::Key::span);
                self.say(span, &format!("`{name}` is no setting here; there are preset, [keys]"));
            } else if name == "keys" && item.as_table_like().is_none() {
                self.say(item.span(), "`keys` is a table: [keys], then NAME = \"KEYS\"");
            }
        }
        let keys = document.get("keys").and_then(Item::as_table_like);
        let mut taken: Vec<(&'static Command, Vec<Key>)> = Vec::new();
        for (name, item) in keys.into_iter().flat_map(|table| table.iter()) {
            let key = keys.and_then(|table| table.get_key_value(name)).and_then(|(k, _)| k.span());
            let span = key.or_else(|| item.span());
            let Some(command) = all().find(|command| command.name == name) else {
                let near = nearest(name, all().map(|command| command.name));
                let near = near.map(|near| format!("; {near} is near")).unwrap_or_default();
                self.say(span, &format!("no command is called {name}{near}"));
                continue;
            };
            let Some(texts) = texts(item) else {
                self.say(span, &format!("{name} is \"KEYS\" or [\"KEYS\", \"KEYS\"]"));
                continue;
            };
            let given = texts.len();
            let sequences: Vec<Vec<Key>> = texts
                .iter()
                .filter_map(|text| self.sequence(command, text, span.clone(), &taken))
                .collect();
            if sequences.is_empty() && given > 0 {
                continue;
            }
            let mut bound = keymap.clone();
            let lost = bound.bind(command, &sequences);
            if lost.len() > MAX_LOST {
                let (first, more) = (lost[0], lost.len() - 1);
                let what = format!(
                    "{name} would leave {first} and {more} more without a key: \
                     give them others above it"
                );
                self.say(span, &what);
                continue;
            }
            keymap = bound;
            taken.extend(sequences.iter().map(|keys| (command, keys.clone())));
            for lost in lost {
                self.say(span.clone(), &format!("{lost} has no key now: {name} took it"));
            }
        }
        keymap
    }

    fn preset(&mut self, document: &Document<&str>) -> Preset {
        let Some(item) = document.get("preset") else { return Preset::default() };
        let name = item.as_str().unwrap_or_default();
        Preset::parse(name).unwrap_or_else(|| {
            let names = Preset::ALL.map(Preset::name);
            let near = nearest(name, names).map(|near| format!("; {near} is near"));
            let what = format!("preset is one of {}{}", names.join(", "), near.unwrap_or_default());
            self.say(item.span(), &what);
            Preset::default()
        })
    }

    /// The keys that are written, where they can be bound to `command`.
    fn sequence(
        &mut self,
        command: &Command,
        text: &str,
        span: Option<Range<usize>>,
        taken: &[(&'static Command, Vec<Key>)],
    ) -> Option<Vec<Key>> {
        let name = command.name;
        let keys = Key::sequence(text.trim());
        let first = keys.first().copied();
        let types = first.is_some_and(|key| key.typed().is_some());
        let typed = TYPED.iter().find(|context| command.applies(**context));
        let meets = |other: &Command| {
            Context::REAL.iter().any(|c| command.applies(*c) && other.applies(*c))
        };
        let other = taken.iter().find(|(other, bound)| {
            meets(other) && (bound.starts_with(&keys) || keys.starts_with(bound))
        });
        let what = match (typed, other) {
            _ if keys.is_empty() => {
                format!("\"{text}\" is no key; keys are as in \"e\", \"g i\", \"C-d\", \"Enter\"")
            }
            _ if keys.len() > MAX_SEQUENCE_KEYS => {
                format!("\"{text}\" is more than {MAX_SEQUENCE_KEYS} keys")
            }
            (Some(context), _) if types => {
                format!("{name}: \"{text}\" types itself in the {}", context.name())
            }
            (_, Some((other, _))) if other.name == name => return None,
            (_, Some((other, _))) => {
                format!("{name}: \"{text}\" is in the way of {} above", other.name)
            }
            _ => return Some(keys),
        };
        self.say(span, &what);
        None
    }
}

/// One text or several.
fn texts(item: &Item) -> Option<Vec<String>> {
    match item.as_value()? {
        Value::String(text) => Some(vec![text.value().clone()]),
        Value::Array(all) => all.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, keys: &[(&str, &str)], wrong: &[(usize, &str)]) {
        let Bindings { keymap, wrong: said } = read(text);
        for (name, wanted) in keys {
            let found: Vec<&str> = keymap.keys(name).collect();
            assert_eq!(found.join(", "), *wanted, "{name} by {text:?}");
        }
        let lines: Vec<(usize, &str)> =
            said.iter().map(|wrong| (wrong.line, wrong.what.as_str())).collect();
        assert_eq!(lines.len(), wrong.len(), "{lines:?}");
        for ((line, what), (wanted_line, wanted)) in lines.iter().zip(wrong) {
            assert!(line == wanted_line && what.contains(wanted), "{line}: {what:?}");
        }
        assert_eq!(keymap.clashes(), [""; 0]);
    }

    #[test]
    fn what_is_written_is_bound() {
        check("", &[("archive", "e"), ("go-inbox", "g i")], &[]);
        check("preset = \"vim\"", &[("archive", "a"), ("trash", "d d, Delete")], &[]);
        check(
            "[keys]\narchive = \"y\"\n",
            &[("archive", "y")],
            &[
                (2, "copy-address has no key now"),
                (2, "copy-text has no key now"),
                (2, "copy-id has no key now"),
            ],
        );
        // The first key of many is not taken from all of them.
        check(
            "[keys]\narchive = [\"e\", \"g\"]\nspam = \"X\"",
            &[("archive", "e"), ("first", "g g, Home"), ("go-inbox", "g i"), ("spam", "X")],
            &[(2, "archive would leave go-inbox and")],
        );
        check(
            "keys = { trash = [\"d d\", \"#\"], spam = [] }",
            &[("trash", "d d, #"), ("spam", "")],
            &[],
        );
        check("[keys]\n\"archive\" = \"C-e\"", &[("archive", "C-e")], &[]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_the_rest_holds() {
        check("preset = \"wim\"\n", &[("archive", "e")], &[(1, "vim is near")]);
        check(
            "[keys]\narchvie = \"a\"\ntrash = \"dd\"\nstar = 7\nspam = \"X\"\n",
            &[("archive", "e"), ("trash", "#, Delete"), ("star", "s"), ("spam", "X")],
            &[(2, "archive is near"), (3, "\"dd\" is no key"), (4, "star is \"KEYS\"")],
        );
        check(
            "[keys]\nspam = \"X\"\nthis is no toml\nstar = \"X a\"\nread = \"i\"\n",
            &[("spam", "X"), ("star", "s"), ("read", "i")],
            &[(3, ""), (4, "star: \"X a\" is in the way of spam")],
        );
        check("[keys]\nspam = \"X\nread = \"i\"\n", &[("spam", "!"), ("read", "i")], &[(2, "")]);
        check("colour = 1\n", &[], &[(1, "`colour` is no setting here")]);
        check("keys = 1\n", &[], &[(1, "`keys` is a table")]);
        check("[keys]\nsend = \"s\"\n", &[("send", "C-x s, C-x C-x")], &[(2, "types itself")]);
        assert_eq!(read(&"x".repeat(MAX_FILE_BYTES + 1)).wrong.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_file_is_too_strange(
            text in "\\PC{0,200}|(\\[keys\\]|[a-z]{1,8} = \"[a-zA-Z -]{0,6}\"|\n){0,30}",
        ) {
            let keymap = read(&text).keymap;
            proptest::prop_assert_eq!(keymap.clashes(), Vec::<String>::new());
        }
    }
}
