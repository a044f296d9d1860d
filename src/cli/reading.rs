//! The command lines that scripts start again and again, and that end in milliseconds.
//!
//! Invariant: what is taken here means the same to the whole parser, whose lexer this is. What is
//! not taken is no error yet: the whole parser says what it is. To make that one, with every
//! command and option and what help says of them, takes longer than to search.

use std::ffi::{OsStr, OsString};

use clap_lex::RawArgs;

use super::args::{Cli, Command, Global, List, Search, Wait, order};

/// How many rows are given where nobody says it.
const LIMIT: usize = 50;
/// Options of every command: without a value, and with one.
const FLAGS: [&str; 3] = ["offline", "json", "quiet"];
const GLOBAL: [&str; 3] = ["data-dir", "backend", "token-file"];

/// A command that is here, and its options; each has a value.
struct Known {
    name: &'static str,
    options: &'static [&'static str],
}

const KNOWN: [Known; 2] = [
    Known { name: "list", options: &["label", "limit", "before"] },
    Known { name: "search", options: &["limit", "by"] },
];

/// What stands on a line: each option at most once.
#[derive(Default)]
struct Line<'a> {
    command: Option<&'static Known>,
    flags: Vec<&'a str>,
    values: Vec<(&'a str, &'a str)>,
    words: Vec<&'a str>,
}

/// The command line, if it is one of these.
pub(super) fn parse(args: &[OsString]) -> Option<Cli> {
    // The rest is not looked at twice.
    if !args.iter().any(|arg| KNOWN.iter().any(|known| arg == known.name)) {
        return None;
    }
    let raw = RawArgs::new(args);
    let mut line = Line::read(&raw)?;
    let global = Global {
        data_dir: line.take("data-dir").map(Into::into),
        backend: line.take("backend").map(str::to_owned),
        token_file: line.take("token-file").map(Into::into),
        offline: line.flags.contains(&"offline"),
        json: line.flags.contains(&"json"),
        quiet: line.flags.contains(&"quiet"),
    };
    let command = line.command()?;
    Some(Cli {
        global,
        sync_only: false,
        watch: false,
        print_default_config: false,
        linear: false,
        command: Some(command),
    })
}

impl<'a> Line<'a> {
    fn read(raw: &'a RawArgs) -> Option<Self> {
        let (mut line, mut at) = (Self::default(), raw.cursor());
        raw.next(&mut at)?; // the program
        while let Some(arg) = raw.next(&mut at) {
            if arg.is_escape() {
                // Only words follow, of a command.
                line.command?;
                line.words
                    .extend(raw.remaining(&mut at).map(OsStr::to_str).collect::<Option<Vec<_>>>()?);
            } else if let Some((name, value)) = arg.to_long() {
                let name = name.ok()?;
                if value.is_none() && FLAGS.contains(&name) {
                    (!line.flags.contains(&name)).then(|| line.flags.push(name))?;
                } else {
                    let value = value.or_else(|| raw.next_os(&mut at))?.to_str()?;
                    line.option(name, value)?;
                }
            } else if arg.is_short() || arg.is_stdio() {
                return None;
            } else {
                line.word(arg.to_value().ok()?)?;
            }
        }
        Some(line)
    }

    fn word(&mut self, word: &'a str) -> Option<()> {
        if self.command.is_some() {
            self.words.push(word);
            return Some(());
        }
        self.command = KNOWN.iter().find(|known| known.name == word);
        self.command.map(drop)
    }

    fn option(&mut self, name: &'a str, value: &'a str) -> Option<()> {
        let own = self.command.is_some_and(|known| known.options.contains(&name));
        let twice = self.values.iter().any(|(had, _)| *had == name);
        let odd = value.is_empty() || value.starts_with('-');
        let known = own || GLOBAL.contains(&name);
        (known && !twice && !odd).then(|| self.values.push((name, value)))
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        let at = self.values.iter().position(|(had, _)| *had == name)?;
        Some(self.values.swap_remove(at).1)
    }

    fn command(mut self) -> Option<Command> {
        let limit = self.take("limit").map_or(Ok(LIMIT), str::parse).ok()?;
        match self.command?.name {
            "list" if self.words.is_empty() => {
                let label = self.take("label").unwrap_or("inbox").to_owned();
                let before = self.take("before").map(str::to_owned);
                Some(Command::List(List { label, limit, before }))
            }
            "search" if !self.words.is_empty() => Some(Command::Search(Search {
                query: self.words.iter().map(|word| (*word).to_owned()).collect(),
                limit,
                by: order(self.take("by").unwrap_or("newest")).ok()?,
                save: None,
                saved: None,
                unsave: None,
                wait: Wait { no_wait: false },
            })),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::prepare;

    /// `known`: that it is taken here. The whole parser then says the same of it.
    fn check(known: bool, line: &str) {
        let args = prepare(line.split(' ').map(OsString::from));
        let here = parse(&args).map(|cli| format!("{cli:?}"));
        let whole = Cli::try_parse_from(&args).map(|cli| format!("{cli:?}"));
        assert_eq!(here.is_some(), known, "{line}");
        if known {
            assert_eq!(here, whole.ok(), "{line}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(5_000))]
        #[test]
        fn a_line_of_any_pieces_means_the_same_to_both(
            pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..7)
        ) {
            let line = format!("m {}", pieces.join(" "));
            let args = prepare(line.split(' ').map(OsString::from));
            if let Some(cli) = parse(&args) {
                let whole = Cli::try_parse_from(&args).map(|cli| format!("{cli:?}"));
                proptest::prop_assert_eq!(whole.ok(), Some(format!("{cli:?}")), "{}", line);
            }
        }
    }

    /// Pieces of command lines, and what stands near them.
    const PIECES: &[&str] = &[
        "list",
        "search",
        "list",
        "search",
        "a",
        "b",
        "-c",
        "-",
        "--",
        "---",
        "",
        "é",
        "help",
        "--limit",
        "--limit=2",
        "--limit=",
        "--limit=-1",
        "--limit=x",
        "7",
        "+7",
        "-7",
        "--json",
        "--json=true",
        "--no-json",
        "--quiet",
        "--offline",
        "--data-dir",
        "--data-dir=d",
        "/d",
        "--backend=ws://h:1",
        "--token-file",
        "--by",
        "--by=relevance",
        "--by=x",
        "relevance",
        "--label",
        "--label=spam",
        "--before",
        "--before=1",
        "--before==1",
        "--help",
        "-h",
        "-V",
        "--version",
        "--save",
        "--saved",
        "--saved=x",
        "--unsave=x",
        "--no-wait",
        "--lim",
        "=",
        "--sync-only",
        "--watch",
        "label",
        "is:unread",
        "\u{1f}x",
        "mailto:a@b",
    ];

    #[test]
    fn what_is_taken_here_is_what_the_whole_parser_takes() {
        for line in [
            "m list",
            "m list --limit 3 --label x --before 2020-01-01 --json",
            "m --data-dir /d --offline list --label=spam --quiet",
            "m search a",
            "m --json search from:a -b --limit 0 c --by relevance --data-dir d",
            "m search list --by=newest -- -x --limit",
            "m --backend ws://h:1 --token-file f search list search",
            "m search -is:unread \u{e9}",
        ] {
            check(true, line);
        }
        for line in [
            "m",
            "m --help",
            "m --version",
            "m search",
            "m search --help",
            "m search -h",
            "m list --version",
            "m list x",
            "m list --limit x",
            "m list --limit 1 --limit 2",
            "m search a --by size",
            "m search a --nothing",
            "m labels",
            "m label search +x",
            "m show list",
            "m --sync-only search a",
            "m --sync-only --watch list",
            "m -- search a",
            "m mailto:search",
        ] {
            check(false, line);
        }
    }
}
