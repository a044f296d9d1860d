//! The reader of the commands that scripts start again and again, and that end in milliseconds.
//!
//! Invariant: a part of the whole parser: what it takes means the same to both. What it does not
//! take is no error yet: the whole parser says what it is. To make that one, with every command and
//! option and what help says of them, takes longer than to search; to make a small one of the same
//! pieces still took a tenth of a search.

use std::ffi::OsString;
use std::str::FromStr;

use super::args::{Cli, Command, Global, LIMIT, List, Search, Wait, order};

/// A command that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    List,
    Search,
}

/// What was given; nothing twice.
#[derive(Default)]
struct Given<'a> {
    command: Option<Read>,
    words: Vec<&'a str>,
    flags: Vec<&'a str>,
    values: Vec<(&'a str, &'a str)>,
}

/// Options of every command that take no value, and those that take one.
const FLAGS: [&str; 3] = ["--offline", "--json", "--quiet"];
const EVERYWHERE: [&str; 3] = ["--data-dir", "--backend", "--token-file"];

impl Read {
    /// Its own options; each takes a value.
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::List => &["--label", "--limit", "--before"],
            Self::Search => &["--limit", "--by"],
        }
    }
}

impl<'a> Given<'a> {
    /// `None` where something is not known here, is given twice, or is empty.
    fn of(args: &'a [OsString]) -> Option<Self> {
        let mut given = Self::default();
        let mut args = args.iter().skip(1).map(|arg| arg.to_str());
        while let Some(arg) = args.next() {
            let arg = arg.filter(|arg| !arg.is_empty())?;
            if arg == "--" {
                given.command?;
                for word in args.by_ref() {
                    given.words.push(word.filter(|word| !word.is_empty())?);
                }
            } else if arg.starts_with('-') {
                let (name, value) = arg.split_once('=').map_or((arg, None), |(n, v)| (n, Some(v)));
                if FLAGS.contains(&name) {
                    let is_first = value.is_none() && !given.flags.contains(&name);
                    is_first.then(|| given.flags.push(name))?;
                    continue;
                }
                let own = given.command.is_some_and(|read| read.options().contains(&name));
                if !(own || EVERYWHERE.contains(&name)) || given.value(name).is_some() {
                    return None;
                }
                let value = match value {
                    Some(value) => value,
                    // What looks like an option is none's value.
                    None => args.next()?.filter(|value| !value.starts_with('-'))?,
                };
                given.values.push((name, Some(value).filter(|value| !value.is_empty())?));
            } else if given.command.is_some() {
                given.words.push(arg);
            } else {
                given.command = Some(match arg {
                    "list" => Read::List,
                    "search" => Read::Search,
                    _ => return None,
                });
            }
        }
        Some(given)
    }

    fn flag(&self, name: &str) -> bool {
        self.flags.contains(&name)
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.values.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    /// A value that is made of its text.
    fn made<T: FromStr>(&self, name: &str) -> Result<Option<T>, T::Err> {
        self.value(name).map(str::parse).transpose()
    }

    fn global(&self) -> Option<Global> {
        Some(Global {
            data_dir: self.made("--data-dir").ok()?,
            backend: self.made("--backend").ok()?,
            token_file: self.made("--token-file").ok()?,
            offline: self.flag("--offline"),
            json: self.flag("--json"),
            quiet: self.flag("--quiet"),
        })
    }

    fn command(&self) -> Option<Command> {
        let limit = self.made("--limit").ok()?.unwrap_or(LIMIT);
        match self.command? {
            Read::List if self.words.is_empty() => Some(Command::List(List {
                label: self.made("--label").ok()?.unwrap_or_else(|| List::inbox(limit).label),
                limit,
                before: self.made("--before").ok()?,
            })),
            Read::Search if !self.words.is_empty() => Some(Command::Search(Search {
                query: self.words.iter().map(|word| (*word).to_owned()).collect(),
                limit,
                by: self.value("--by").map_or(Ok(crate::search::Order::Newest), order).ok()?,
                save: None,
                saved: None,
                unsave: None,
                wait: Wait::default(),
            })),
            _ => None,
        }
    }
}

/// The command line, if it is one of these.
pub(super) fn parse(args: &[OsString]) -> Option<Cli> {
    let given = Given::of(args)?;
    Some(Cli {
        global: given.global()?,
        sync_only: false,
        watch: false,
        print_default_config: false,
        linear: false,
        command: Some(given.command()?),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use proptest::prelude::*;

    use super::*;
    use crate::cli::args::prepare;

    /// What command lines are made of.
    const PIECES: [&str; 34] = [
        "search",
        "list",
        "labels",
        "a",
        "list",
        "-is:unread",
        "-",
        "--",
        "",
        "é",
        "help",
        "--limit",
        "--limit=3",
        "--limit=",
        "3",
        "+4",
        "-5",
        "x",
        "--by",
        "--by=relevance",
        "newest",
        "--label",
        "--label==x",
        "--before",
        "--data-dir",
        "--data-dir=/d",
        "--backend",
        "--token-file",
        "--offline",
        "--json",
        "--json=true",
        "--quiet",
        "--help",
        "-V",
    ];

    proptest! {
        #[test]
        fn whatever_is_taken_here_means_the_same_to_the_whole_parser(
            command in 0..3_usize,
            before in prop::collection::vec(0..PIECES.len(), 0..3),
            after in prop::collection::vec(0..PIECES.len(), 0..6),
        ) {
            let pieces = before.into_iter().chain([command]).chain(after).map(|at| PIECES[at]);
            let line: Vec<&str> = ["m"].into_iter().chain(pieces).collect();
            let args = prepare(line.iter().map(OsString::from));
            if let Some(here) = parse(&args) {
                let whole = Cli::try_parse_from(&args).map(|cli| format!("{cli:?}")).ok();
                prop_assert_eq!(Some(format!("{here:?}")), whole, "{:?}", line);
            }
        }
    }

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
