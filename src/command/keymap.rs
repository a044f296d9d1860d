//! Which keys mean which command: a preset, and what the user bound over it.
//!
//! Invariant: in any context a sequence names at most one command, and none begins with another; a
//! binding that would break that is left out and said. A command that nothing else is bound to
//! keeps the keys that the registry declares. Pure: a file is a text here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::context::Context;
use super::key::Key;
use super::preset::Preset;
use super::registry::{Command, Resolved, Verb, all};

/// Keys of one sequence.
pub const MAX_SEQUENCE_KEYS: usize = 4;

/// One sequence and its command.
#[derive(Debug, Clone)]
struct Bound {
    keys: Vec<Key>,
    shown: String,
    command: &'static Command,
}

impl PartialEq for Bound {
    fn eq(&self, other: &Self) -> bool {
        (&self.keys, self.command.name) == (&other.keys, other.command.name)
    }
}

impl Eq for Bound {}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// The preset beneath.
    pub preset: Preset,
    bound: Vec<Bound>,
    /// The keys of each command, as they are shown.
    shown: BTreeMap<&'static str, Vec<String>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::of(Preset::default())
    }
}

impl Keymap {
    /// A preset's.
    #[must_use]
    pub fn of(preset: Preset) -> Self {
        let mut bound = Vec::new();
        for command in all() {
            let declared = || command.keys.iter().map(|keys| (*keys).to_owned()).collect();
            let keys: Vec<String> = preset
                .keys(command.name)
                .map_or_else(declared, |keys| keys.iter().map(|k| (*k).to_owned()).collect());
            bound.extend(keys.into_iter().map(|shown| Bound {
                keys: Key::sequence(&shown),
                shown,
                command,
            }));
        }
        let shown = index(&bound);
        Self { preset, bound, shown }
    }

    /// Gives `command` these keys and no others; what they meant before where it applies loses
    /// them. Returns the names of commands that are without a key by that.
    pub fn bind(&mut self, command: &'static Command, keys: &[Vec<Key>]) -> Vec<&'static str> {
        self.bound.retain(|bound| bound.command.name != command.name);
        let hides = |a: &[Key], b: &[Key]| a.starts_with(b) || b.starts_with(a);
        let meets = |other: &Command| {
            Context::REAL.iter().any(|context| command.applies(*context) && other.applies(*context))
        };
        let mut lost = Vec::new();
        self.bound.retain(|bound| {
            let stays = !meets(bound.command) || !keys.iter().any(|k| hides(k, &bound.keys));
            if !stays && !lost.contains(&bound.command.name) {
                lost.push(bound.command.name);
            }
            stays
        });
        let shown = |keys: &[Key]| keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ");
        self.bound.extend(keys.iter().map(|keys| Bound {
            keys: keys.clone(),
            shown: shown(keys),
            command,
        }));
        self.shown = index(&self.bound);
        lost.retain(|name| !self.has(name));
        lost
    }

    /// What `keys` mean in `context`.
    #[must_use]
    pub fn resolve(&self, context: Context, keys: &[Key]) -> Resolved {
        let mut found = Resolved::Nothing;
        for bound in &self.bound {
            if bound.keys.starts_with(keys) && bound.command.applies(context) {
                if bound.keys.len() == keys.len() {
                    return Resolved::Command(bound.command);
                }
                found = Resolved::Prefix;
            }
        }
        found
    }

    /// The keys of a command in `context` that does one of these.
    pub fn keys_of(&self, context: Context, does: impl Fn(Verb) -> bool) -> Option<Vec<Key>> {
        let fits = |bound: &&Bound| bound.command.applies(context) && does(bound.command.verb);
        self.bound.iter().find(fits).map(|bound| bound.keys.clone())
    }

    /// The commands that go on from `prefix`, with the keys that are still to press, in the order
    /// of the registry.
    #[must_use]
    pub fn continuations(
        &self,
        context: Context,
        prefix: &[Key],
    ) -> Vec<(String, &'static Command)> {
        let goes_on = |bound: &&Bound| {
            bound.command.applies(context)
                && bound.keys.len() > prefix.len()
                && bound.keys.starts_with(prefix)
        };
        let found = self.bound.iter().filter(goes_on).map(|bound| {
            let rest: Vec<String> = bound.keys[prefix.len()..].iter().map(Key::to_string).collect();
            (rest.join(" "), bound.command)
        });
        let mut found: Vec<_> = found.collect();
        let order: BTreeMap<&str, usize> =
            all().enumerate().map(|(at, command)| (command.name, at)).collect();
        found.sort_by_key(|(_, command)| order.get(command.name).copied());
        found
    }

    /// The keys of the command of this name, the first one first.
    pub fn keys(&self, name: &str) -> impl Iterator<Item = &str> + use<'_> {
        self.shown.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Its first key; empty where it has none.
    #[must_use]
    pub fn key(&self, name: &str) -> &str {
        self.keys(name).next().unwrap_or_default()
    }

    /// Whether `name` has a key.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.keys(name).next().is_some()
    }

    /// The keys of all commands as a Markdown table, for the manual.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out =
            String::from("| Keys | Does | Where | Command | Undo |\n|---|---|---|---|---|\n");
        for command in all() {
            // A bar would end the cell.
            let keys: Vec<String> = self
                .keys(command.name)
                .map(|key| format!("`{}`", key.replace('|', "\\|")))
                .collect();
            let places: Vec<&str> = command.contexts.iter().map(|c| c.name()).collect();
            let undo = if command.undoable { "yes" } else { "" };
            let (name, does) = (command.name, command.does);
            let (keys, places) = (keys.join(" "), places.join(", "));
            // Writing to a `String` cannot fail.
            let _ = writeln!(out, "| {keys} | {does} | {places} | {name} | {undo} |");
        }
        out
    }

    /// Sequences that are the same, or begin with one another, in a context.
    #[must_use]
    pub fn clashes(&self) -> Vec<String> {
        let mut out = Vec::new();
        for context in Context::REAL {
            let here: Vec<&Bound> =
                self.bound.iter().filter(|bound| bound.command.applies(context)).collect();
            for (at, one) in here.iter().enumerate() {
                for other in &here[at + 1..] {
                    if one.keys.starts_with(&other.keys) || other.keys.starts_with(&one.keys) {
                        let (one_name, other_name) = (one.command.name, other.command.name);
                        out.push(format!(
                            "{} is {one_name} and {} is {other_name} in {context:?}",
                            one.shown, other.shown
                        ));
                    }
                }
            }
        }
        out
    }
}

/// The keys of each command, in the order in which they are bound.
fn index(bound: &[Bound]) -> BTreeMap<&'static str, Vec<String>> {
    let mut shown: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for bound in bound {
        shown.entry(bound.command.name).or_default().push(bound.shown.clone());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(name: &str) -> &'static Command {
        all().find(|command| command.name == name).unwrap()
    }

    fn means(keymap: &Keymap, context: Context, keys: &str) -> String {
        match keymap.resolve(context, &Key::sequence(keys)) {
            Resolved::Command(command) => command.name.to_owned(),
            Resolved::Prefix => "…".to_owned(),
            Resolved::Nothing => "-".to_owned(),
        }
    }

    #[test]
    fn no_preset_has_two_meanings_for_a_key_and_every_command_has_one() {
        for preset in Preset::ALL {
            let keymap = Keymap::of(preset);
            assert_eq!(keymap.clashes(), [""; 0], "{preset:?}");
            for command in all() {
                let keys: Vec<&str> = keymap.keys(command.name).collect();
                assert!(!keys.is_empty(), "{preset:?}: {} has no key", command.name);
                let all = keys.iter().all(|keys| !Key::sequence(keys).is_empty());
                assert!(all, "{preset:?}: {keys:?}");
            }
        }
    }

    #[test]
    fn a_binding_takes_its_keys_from_whom_had_them_there() {
        let mut keymap = Keymap::default();
        let lost = keymap.bind(command("archive"), &[Key::sequence("a"), Key::sequence("y")]);
        assert_eq!(lost, ["copy-address", "copy-text", "copy-id", "reply-all"]);
        assert_eq!(means(&keymap, Context::List, "a"), "archive");
        assert_eq!(means(&keymap, Context::List, "e"), "-", "the old one is gone");
        assert_eq!(means(&keymap, Context::Files, "a"), "save-all-files", "elsewhere it stays");
        assert_eq!(keymap.key("archive"), "a");
        assert_eq!(keymap.clashes(), [""; 0]);
        let lost = keymap.bind(command("back"), &[]);
        assert_eq!((lost, keymap.has("back")), (Vec::new(), false));
    }

    #[test]
    fn presets_are_what_their_names_say() {
        for (preset, context, keys, wanted) in [
            (Preset::Gmail, Context::List, "e", "archive"),
            (Preset::Vim, Context::List, "a", "archive"),
            (Preset::Vim, Context::List, "d d", "trash"),
            (Preset::Vim, Context::List, "u", "undo"),
            (Preset::Vim, Context::Reader, "R r", "reply"),
            (Preset::Mutt, Context::Reader, "g", "reply-all"),
            (Preset::Mutt, Context::List, "d", "trash"),
            (Preset::Mutt, Context::List, "m", "compose"),
            (Preset::Mutt, Context::List, "t", "select"),
            (Preset::Mutt, Context::List, "c i", "go-inbox"),
        ] {
            assert_eq!(means(&Keymap::of(preset), context, keys), wanted, "{preset:?} {keys}");
        }
    }
}
