//! What goes to standard output and standard error: results, progress, and one error line.
//!
//! Invariant: the only file that prints. What comes from mail is safe text already, except raw
//! bytes that were asked for.

use std::io::Write as _;

use serde::Serialize;

use crate::notice::{Exit, Notice, Severity};

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// One JSON object a line.
    pub(super) json: bool,
    /// Results and errors only.
    pub(super) quiet: bool,
}

impl Output {
    /// A result: as JSON, or the line that `plain` makes.
    pub(super) fn result<T: Serialize>(
        self,
        value: &T,
        plain: impl FnOnce() -> String,
    ) -> Result<(), Notice> {
        self.line(&self.text(value, plain)?)
    }

    /// A result's line, which is not printed yet.
    pub(super) fn text<T: Serialize>(
        self,
        value: &T,
        plain: impl FnOnce() -> String,
    ) -> Result<String, Notice> {
        if self.json {
            serde_json::to_string(value)
                .map_err(|error| Notice::error("json", error.to_string(), ""))
        } else {
            Ok(plain())
        }
    }

    /// A line on standard output. A reader that has gone away ends the command in silence.
    pub(super) fn line(self, line: &str) -> Result<(), Notice> {
        self.bytes(format!("{line}\n").as_bytes())
    }

    /// Bytes on standard output.
    #[expect(clippy::unused_self, reason = "all output goes through a value of this type")]
    pub(super) fn bytes(self, bytes: &[u8]) -> Result<(), Notice> {
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                Err(Notice::error("pipe", "", "").exit(Exit::Done))
            }
            Err(error) => {
                Err(Notice::error("output", error.to_string(), "is there room for the output?"))
            }
            Ok(()) => Ok(()),
        }
    }

    /// Progress, on standard error: over the same line on a terminal, a line each otherwise.
    pub(super) fn progress(self, line: &str, terminal: bool) {
        if !self.quiet {
            let mut err = std::io::stderr();
            let text = if terminal { format!("\r\x1b[K{line}") } else { format!("{line}\n") };
            let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        }
    }

    /// A question, on standard error.
    #[expect(clippy::unused_self, reason = "all output goes through a value of this type")]
    pub(super) fn ask(self, text: &str) {
        let mut err = std::io::stderr();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// An error, or something that was left alone: one line and a hint, on standard error.
    pub(super) fn notice(self, notice: &Notice) {
        if notice.code == "pipe" || (self.quiet && notice.severity != Severity::Error) {
            return;
        }
        let text = if self.json {
            let (code, message, hint) = (notice.code, &notice.message, &notice.hint);
            let kind = if notice.severity == Severity::Error { "error" } else { "notice" };
            serde_json::json!({ kind: { "code": code, "message": message, "hint": hint } })
                .to_string()
        } else if notice.hint.is_empty() {
            format!("mailtui: {}", notice.message)
        } else {
            format!("mailtui: {}\n  {}", notice.message, notice.hint)
        };
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}
