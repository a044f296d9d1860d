//! `attachment pipe`: a program gets an attachment's bytes on its standard input.
//!
//! Invariant: the program and its arguments are those of the command line; nothing of the mail is
//! among them, and no shell reads them.

use std::ffi::OsString;
use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use serde_json::json;

use super::find::Item;
use crate::cli::output::Output;
use crate::notice::{Exit, Notice};
use crate::safe_text;

/// Runs a program on an attachment. With `--json` what it prints goes to standard error.
pub(super) fn pipe(
    output: Output,
    item: &Item,
    bytes: &[u8],
    words: &[OsString],
) -> Result<Exit, Notice> {
    let mut command = command(words)?;
    if output.json {
        command.stdout(Stdio::from(std::io::stderr()));
    }
    let status = feed(&mut command, bytes)?;
    if output.json {
        let said = json!({ "n": item.number, "size": bytes.len(), "exit": status });
        output.result(&said, String::new)?;
    }
    match status {
        Some(0) => Ok(Exit::Done),
        status => Err(ended(words, status)),
    }
}

/// The program with its arguments.
fn command(words: &[OsString]) -> Result<Command, Notice> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(Notice::error("usage", "name a program behind `--`", "").exit(Exit::Usage));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

/// Gives it the bytes and waits for its end; its exit code.
fn feed(command: &mut Command, bytes: &[u8]) -> Result<Option<i32>, Notice> {
    let shown = safe_text::line(&command.get_program().to_string_lossy());
    let failed = |error: std::io::Error| {
        Notice::error("pipe-failed", format!("{shown}: {error}"), "is it the name of a program?")
    };
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(failed)?;
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(bytes));
    let status = child.wait().map_err(failed)?;
    match written {
        // It need not read all of it.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(failed(error)),
        _ => Ok(status.code()),
    }
}

fn ended(words: &[OsString], status: Option<i32>) -> Notice {
    let program = words.first().map(|program| program.to_string_lossy()).unwrap_or_default();
    let program = safe_text::line(&program);
    let line = match status {
        Some(code) => format!("{program} ended with {code}"),
        None => format!("{program} was ended by a signal"),
    };
    Notice::error("pipe-failed", line, "")
}
