//! The parser of the commands that scripts start again and again, and that end in milliseconds.
//!
//! Invariant: a part of the whole parser, made of the same pieces: what it takes means the same to
//! both. What it does not take is no error yet: the whole parser says what it is. To make that one,
//! with every command and option and what help says of them, takes longer than to search.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use super::args::{Cli, Command, Global, List, Search};

/// A command line with a command that is here.
#[derive(Debug, Parser)]
#[command(name = "mailtui", disable_help_subcommand = true, disable_help_flag = true)]
struct Reading {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Read,
}

#[derive(Debug, Subcommand)]
enum Read {
    List(List),
    Search(Search),
}

/// The command line, if it is one of these.
pub(super) fn parse(args: &[OsString]) -> Option<Cli> {
    // The rest is not looked at twice.
    if !args.iter().any(|arg| arg == "list" || arg == "search") {
        return None;
    }
    let Reading { global, command } = Reading::try_parse_from(args).ok()?;
    let command = Some(match command {
        Read::List(list) => Command::List(list),
        Read::Search(search) => Command::Search(search),
    });
    Some(Cli {
        global,
        sync_only: false,
        watch: false,
        print_default_config: false,
        linear: false,
        command,
    })
}

#[cfg(test)]
mod tests {
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
