//! A command that is typed: `archive`, `label Work`, `go sent`, `search from:ann`.
//!
//! Invariant: pure. The words are the registry's names and [`WITH_WORDS`]; what is not known is
//! never guessed and done, only named.

use super::context::Context;
use super::fuzzy::{nearest, score};
use super::registry::{Command, all};
use crate::label::Place;

/// The longest line that is read, in bytes.
const MAX_LINE_BYTES: usize = 4_096;
/// Choices that are offered.
const MAX_OFFERS: usize = 50;

/// The commands that take words behind them: name, what stands behind, what it does.
pub const WITH_WORDS: [(&str, &str, &str); 8] = [
    ("label", "NAME", "Put a label on; -NAME takes it off"),
    ("move", "PLACE", "Move to a place or label, out of the inbox"),
    ("go", "LIST", "To a list or label"),
    ("search", "QUERY", "Search all mail"),
    ("snooze", "WHEN", "Hide until then: tomorrow 8, mon, 3h"),
    ("help", "WORDS", "The keys, or those that a word or key is about"),
    ("q", "", "Quit; waits until all is saved"),
    ("q!", "", "Quit at once"),
];

/// What a line asks for.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// Nothing.
    Nothing,
    /// This command, as its key would.
    Run(&'static Command),
    /// The label of this name put on (`true`) or taken off.
    Label(&'a str, bool),
    /// A move to the place or label of this name.
    Move(&'a str),
    /// To the list of this name.
    Go(&'a str),
    /// A search.
    Search(&'a str),
    /// A snooze until then.
    Snooze(&'a str),
    /// The help about this.
    Help(&'a str),
    /// The end, when all is saved (`false`) or at once.
    Quit(bool),
    /// A command that does nothing here.
    NotHere(&'static Command),
    /// A command that takes no words.
    NoWords(&'static Command),
    /// No command; the nearest one.
    Unknown(&'a str, Option<&'static str>),
}

/// What `text` asks for in `context`.
#[must_use]
pub fn read(text: &str, context: Context) -> Asked<'_> {
    let text = text.get(..MAX_LINE_BYTES).unwrap_or(text).trim().trim_start_matches(':').trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match (word, rest) {
        ("", _) => Asked::Nothing,
        ("q" | "quit", "") => Asked::Quit(false),
        ("q!" | "quit!", "") => Asked::Quit(true),
        ("help" | "h", words) => Asked::Help(words),
        ("move", name) if !name.is_empty() => Asked::Move(name),
        ("go", name) if !name.is_empty() => Asked::Go(name),
        ("search", query) if !query.is_empty() => Asked::Search(query),
        ("snooze", when) if !when.is_empty() => Asked::Snooze(when),
        ("label", name) if !name.is_empty() => match name.strip_prefix('-') {
            Some(name) => Asked::Label(name.trim(), false),
            None => Asked::Label(name.strip_prefix('+').unwrap_or(name).trim(), true),
        },
        (word, rest) => match named(word, context) {
            Ok(command) if !command.applies(context) => Asked::NotHere(command),
            Ok(command) if !rest.is_empty() => Asked::NoWords(command),
            Ok(command) => Asked::Run(command),
            Err(near) => Asked::Unknown(word, near),
        },
    }
}

/// The command of this name, or the only one here whose name begins so; else the nearest name.
fn named(word: &str, context: Context) -> Result<&'static Command, Option<&'static str>> {
    if let Some(command) = all().find(|command| command.name == word) {
        return Ok(command);
    }
    let mut begun = all().filter(|c| c.applies(context) && c.name.starts_with(word));
    if let (Some(command), None) = (begun.next(), begun.next()) {
        return Ok(command);
    }
    let here = || all().filter(|command| command.applies(context)).map(|command| command.name);
    let others = WITH_WORDS.iter().map(|(name, ..)| *name);
    Err(nearest(word, here().chain(others)).or_else(|| nearest(word, all().map(|c| c.name))))
}

/// A choice for the word at the end of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The whole line with it.
    pub line: String,
    /// What is shown of it.
    pub shown: String,
    /// What it does.
    pub does: String,
    /// The command whose key does the same, where one does.
    pub command: Option<&'static str>,
}

/// What may be meant by `text`; `lists` are the lists there are, `labels` those of the user.
#[must_use]
pub fn offers<'a>(
    text: &str,
    context: Context,
    lists: &'a [String],
    labels: &'a [String],
) -> Vec<Offer> {
    let text = text.trim_start().trim_start_matches(':').trim_start();
    let Some((word, rest)) = text.split_once(char::is_whitespace) else {
        return commands(text, context);
    };
    let rest = rest.trim_start();
    let places = Place::ALL.map(Place::as_str);
    let of = |names: &'a [String]| names.iter().map(String::as_str).collect::<Vec<_>>();
    let (sign, wanted, names) = match word {
        "go" => ("", rest, of(lists)),
        "label" if rest.starts_with(['-', '+']) => (&rest[..1], rest[1..].trim_start(), of(labels)),
        "label" => ("", rest, of(labels)),
        "move" => ("", rest, places.into_iter().chain(of(labels)).collect()),
        _ => return Vec::new(),
    };
    let offer = |name: &str| Offer {
        line: format!("{word} {sign}{name}"),
        shown: format!("{sign}{name}"),
        does: String::new(),
        command: None,
    };
    best(wanted, names.into_iter().map(|name| (name, offer(name))))
}

fn commands(typed: &str, context: Context) -> Vec<Offer> {
    let words = WITH_WORDS.iter().map(|(name, behind, does)| {
        let gap = if behind.is_empty() { "" } else { " " };
        let offer = Offer {
            line: format!("{name}{gap}"),
            shown: format!("{name}{gap}{behind}"),
            does: (*does).to_owned(),
            command: None,
        };
        (*name, offer)
    });
    let doubles = |name: &str| WITH_WORDS.iter().any(|(known, ..)| *known == name);
    let here = all().filter(move |c| c.applies(context) && !doubles(c.name)).map(|command| {
        let offer = Offer {
            line: command.name.to_owned(),
            shown: command.name.to_owned(),
            does: command.does.to_owned(),
            command: Some(command.name),
        };
        (command.name, offer)
    });
    best(typed, words.chain(here))
}

/// Those that begin with what is typed, then those that it fits, the best first.
fn best<'a>(typed: &str, all: impl Iterator<Item = (&'a str, Offer)>) -> Vec<Offer> {
    let folded = typed.to_lowercase();
    let fits = all.filter_map(|(name, offer)| {
        let begins = name.to_lowercase().starts_with(&folded);
        Some(((!begins, -score(typed, name)?), offer))
    });
    let mut fits: Vec<_> = fits.collect();
    if !typed.is_empty() {
        fits.sort_by_key(|(rank, _)| *rank);
    }
    fits.into_iter().map(|(_, offer)| offer).take(MAX_OFFERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: &str) {
        let found = match read(text, Context::List) {
            Asked::Nothing => "nothing".to_owned(),
            Asked::Run(command) => format!("run {}", command.name),
            Asked::Label(name, on) => format!("label {name} {on}"),
            Asked::Move(name) => format!("move {name}"),
            Asked::Go(name) => format!("go {name}"),
            Asked::Search(query) => format!("search {query}"),
            Asked::Snooze(when) => format!("snooze {when}"),
            Asked::Help(words) => format!("help {words}"),
            Asked::Quit(at_once) => format!("quit {at_once}"),
            Asked::NotHere(command) => format!("not here {}", command.name),
            Asked::NoWords(command) => format!("no words {}", command.name),
            Asked::Unknown(word, near) => format!("unknown {word} {}", near.unwrap_or("-")),
        };
        assert_eq!(found, wanted, "{text:?}");
    }

    #[test]
    fn lines_are_read() {
        check("", "nothing");
        check(" : ", "nothing");
        check("archive", "run archive");
        check(":archive ", "run archive");
        check("arch", "run archive");
        check("archvie", "unknown archvie archive");
        check("wrok", "unknown wrok -");
        check("archive all", "no words archive");
        check("zebra crossing", "unknown zebra -");
        check("next-message", "not here next-message");
        check("label", "run label");
        check("label Big Plans", "label Big Plans true");
        check("label -Work", "label Work false");
        check("label +Work", "label Work true");
        check("go sent", "go sent");
        check("move Big Plans", "move Big Plans");
        check("move", "run move");
        check("search from:ann is:unread", "search from:ann is:unread");
        check("search", "run search");
        check("snooze tomorrow 8", "snooze tomorrow 8");
        check("help g i", "help g i");
        check("h", "help ");
        check("q", "quit false");
        check("q!", "quit true");
        check("st", "unknown st star");
    }

    #[test]
    fn words_are_completed() {
        let lists = ["Inbox", "Sent", "Work"].map(str::to_owned);
        let labels = ["Work", "Travel"].map(str::to_owned);
        let lines = |text: &str| -> Vec<String> {
            let offers = offers(text, Context::List, &lists, &labels);
            offers.into_iter().map(|offer| offer.line).collect()
        };
        assert_eq!(lines("archi"), ["archive"]);
        assert_eq!(lines("go s"), ["go Sent"]);
        assert_eq!(lines("label -tr"), ["label -Travel"]);
        assert_eq!(lines("label "), ["label Work", "label Travel"]);
        assert_eq!(lines("search x"), [""; 0]);
        assert!(lines("").len() > 20 && lines("la")[0] == "label ");
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_too_strange(text in "\\PC{0,90}|(label|go|search) \\PC{0,30}") {
            let _ = read(&text, Context::Reader);
            let _ = offers(&text, Context::List, &[], std::slice::from_ref(&text));
        }
    }
}
