//! Opens a link in the program that the user has for it.
//!
//! Invariant: a program with arguments, never a line for a shell; only what may be opened; the
//! program gets no terminal, and nobody waits for its end.

use std::process::{Command, Stdio};

use crate::mail::links::{may_open, normal};
use crate::notice::Notice;
use crate::safe_text;

/// The variable that says which program opens links, with its arguments.
pub(super) const VARIABLE: &str = "MAILTUI_OPEN";
/// What opens them where it is not set.
pub(super) const FALLBACK: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

fn failed(why: impl std::fmt::Display) -> Notice {
    let line = format!("the link is not opened: {}", safe_text::line(&why.to_string()));
    Notice::error("open", line, "MAILTUI_OPEN says which program opens links; y copies one")
}

/// Opens `target`.
pub(super) fn open(target: &str) -> Result<(), Notice> {
    let words = words(std::env::var(VARIABLE).ok().as_deref())?;
    let mut command = command(&words, target)?;
    let mut child = command.spawn().map_err(|error| failed(format!("{}: {error}", words[0])))?;
    // Somebody has to take its end, or it stays as a zombie for as long as this program runs.
    let waits = std::thread::Builder::new().name("opener".to_owned());
    waits.spawn(move || child.wait()).map(drop).map_err(failed)
}

/// The program and its arguments.
fn words(said: Option<&str>) -> Result<Vec<String>, Notice> {
    let Some(said) = said.filter(|said| !said.trim().is_empty()) else {
        return Ok(vec![FALLBACK.to_owned()]);
    };
    let words = shlex::split(said).filter(|words| !words.is_empty());
    words.ok_or_else(|| failed(format!("{VARIABLE} cannot be read: a quote is not closed")))
}

fn command(words: &[String], target: &str) -> Result<Command, Notice> {
    let [program, arguments @ ..] = words else { return Err(failed("no program")) };
    // What may be opened begins with its scheme, so it is never taken for an option.
    if !may_open(target) || target.starts_with('-') {
        return Err(failed("it is none that is opened"));
    }
    let mut command = Command::new(program);
    command.args(arguments).arg(normal(target));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_one_argument_of_a_program() {
        let words = words(Some("firefox --new-tab \"a b\"")).unwrap();
        let target = "https://a.test/;rm -rf $(x) `y`";
        let command = command(&words, target).unwrap();
        let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy()).collect();
        assert_eq!(command.get_program(), "firefox");
        let target = "https://a.test/;rm%20-rf%20$(x)%20%60y%60";
        assert_eq!(arguments, ["--new-tab", "a b", target]);
    }

    #[test]
    fn what_may_not_be_opened_is_not() {
        let words = words(None).unwrap();
        for target in ["javascript:x", "file:///etc/passwd", "-x", "--help", "", "http://a\nb"] {
            assert!(command(&words, target).is_err(), "{target}");
        }
        assert!(self::words(Some("\"x")).is_err());
        assert_eq!(self::words(Some(" ")).unwrap(), [FALLBACK]);
    }
}
