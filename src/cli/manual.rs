//! `man` and `completions`: what the arguments and the registry declare, as a manual page and for
//! shells.
//!
//! Invariant: nothing here is written by hand that is declared elsewhere; no mailbox is opened.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use super::args::Cli;
use super::output::Output;
use crate::command::keymap::Keymap;
use crate::command::registry::{Group, all};
use crate::notice::{Exit, Notice};

/// Exit codes and what they mean.
const EXITS: [(&str, &str); 8] = [
    ("0", "done"),
    ("1", "an error, said on standard error"),
    ("2", "the command line is wrong"),
    ("3", "not found"),
    ("4", "done, but some of it failed"),
    ("5", "the backend is not reached; the work is kept"),
    ("6", "the data directory is in use, newer or damaged"),
    ("130", "stopped by the user"),
];
/// Files and what they are.
const FILES: [(&str, &str); 2] = [
    ("~/.local/share/mailtui", "mail, accounts, and what was done; --data-dir names another"),
    ("~/.config/mailtui/keys.toml", "a preset of keys, and own ones"),
];

/// Writes the manual page.
pub(super) fn man(output: Output) -> Result<Exit, Notice> {
    output.bytes(page().as_bytes()).map(|()| Exit::Done)
}

/// Writes the completions for `shell`.
pub(super) fn completions(output: Output, shell: clap_complete::Shell) -> Result<Exit, Notice> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mailtui", &mut script);
    output.bytes(&script).map(|()| Exit::Done)
}

/// A text as roff takes it: nothing in it is a request.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let safe = |line: &str| {
        if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
    };
    text.lines().map(safe).collect::<Vec<_>>().join("\n")
}

/// The page in the form of man(7).
fn page() -> String {
    let mut cli = Cli::command();
    cli.build();
    let about = cli.get_about().map(ToString::to_string).unwrap_or_default();
    let mut out = String::new();
    let mut put = |line: &str| {
        out.push_str(line);
        out.push('\n');
    };
    put(&format!(".TH MAILTUI 1 \"\" \"mailtui {}\"", roff(env!("CARGO_PKG_VERSION"))));
    put(&format!(".SH NAME\nmailtui \\- {}", roff(about.trim_end_matches('.'))));
    put(".SH SYNOPSIS\n.B mailtui\n[\\fIOPTIONS\\fR] [\\fICOMMAND\\fR]");
    put(".SH DESCRIPTION\nWithout a command mailtui opens the mailbox on the screen.");
    put("Press \\fB?\\fR there for the keys, \\fBC\\-k\\fR to find a command by some letters.");
    put(".SH OPTIONS");
    for arg in cli.get_arguments() {
        put(&argument(arg));
    }
    put(".SH COMMANDS");
    for command in cli.get_subcommands() {
        put(&subcommand(command, "mailtui"));
    }
    put(".SH KEYS\nAs they are unless \\fIkeys.toml\\fR says otherwise.");
    let keymap = Keymap::default();
    for group in Group::ALL {
        put(&format!(".SS {}", roff(group.title())));
        for command in all().filter(|command| command.group == group) {
            let keys: Vec<String> = keymap.keys(command.name).map(roff).collect();
            put(&format!(".TP\n.B {}\n{}", keys.join(", "), roff(command.does)));
        }
    }
    put(".SH EXIT STATUS");
    for (code, means) in EXITS {
        put(&format!(".TP\n.B {code}\n{}", roff(means)));
    }
    put(".SH FILES");
    for (file, is) in FILES {
        put(&format!(".TP\n.I {}\n{}", roff(file), roff(is)));
    }
    out
}

fn argument(arg: &Arg) -> String {
    let mut name = String::new();
    // Writing to a `String` cannot fail.
    if let Some(long) = arg.get_long() {
        let _ = write!(name, "\\-\\-{}", roff(long));
    }
    let takes = arg.get_action().takes_values();
    for value in arg.get_value_names().unwrap_or_default().iter().filter(|_| takes) {
        let gap = if name.is_empty() { "" } else { " " };
        let _ = write!(name, "{gap}\\fI{}\\fR", roff(value));
    }
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    format!(".TP\n\\fB{name}\\fR\n{}", roff(&help))
}

fn subcommand(command: &Command, path: &str) -> String {
    let path = format!("{path} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut out = format!(".SS \\fB{}\\fR\n{}", roff(&path), roff(&about));
    // The options of the whole program are said once.
    for arg in command.get_arguments().filter(|arg| !arg.is_global_set() && !is_help(arg)) {
        out.push('\n');
        out.push_str(&argument(arg));
    }
    for command in command.get_subcommands() {
        out.push('\n');
        out.push_str(&subcommand(command, &path));
    }
    out
}

fn is_help(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_every_command_and_key_and_nothing_in_it_is_a_request() {
        let page = page();
        for command in Cli::command().get_subcommands() {
            let heading =
                format!(".SS \\fB{}\\fR", roff(&format!("mailtui {}", command.get_name())));
            assert!(page.contains(&heading), "{heading}");
        }
        for command in all() {
            assert!(page.contains(&roff(command.does)), "{}", command.name);
        }
        let known = [".TH", ".SH", ".SS", ".TP", ".B", ".I"];
        for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
            assert!(known.contains(&line.split(' ').next().unwrap()), "{line}");
        }
        assert_eq!(roff(".so x\\y"), "\\&.so x\\ey");
    }
}
