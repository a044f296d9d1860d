//! The one shape in which anything goes wrong in front of a user: a line, a code and a hint.
//!
//! Invariant: a notice is safe to print (its texts went through `safe_text`), and carries no
//! secret. Rooms have their own error enums; each turns into a [`Notice`] here and nowhere else.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was done.
    Info,
    /// Something was left alone, or goes on degraded.
    Warning,
    /// Something was not done.
    Error,
}

/// Exit codes of the program (the command line's contract).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// An error.
    Error = 1,
    /// The command line is wrong.
    Usage = 2,
    /// What was named is not there.
    NotFound = 3,
    /// Done, but something failed and is listed.
    Partial = 4,
    /// The backend was not reached; the work is kept.
    Unreached = 5,
    /// The data directory is in use, newer or damaged.
    DataDir = 6,
    /// Stopped by the user.
    Stopped = 130,
}

/// A line shown to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for scripts, such as `in-use`.
    pub code: &'static str,
    /// What happened, one line.
    pub message: String,
    /// What to do about it, one line; empty when there is nothing to do.
    pub hint: String,
    /// The exit code of a command that ends with this notice.
    pub exit: Exit,
}

impl Notice {
    /// An error that ends a command with exit code 1.
    #[must_use]
    pub fn error(code: &'static str, message: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        Self::new(Severity::Error, Exit::Error, code, message.as_ref(), hint.as_ref())
    }

    /// Something that was done.
    #[must_use]
    pub fn info(message: impl AsRef<str>) -> Self {
        Self::new(Severity::Info, Exit::Done, "done", message.as_ref(), "")
    }

    /// Something that was left alone, or goes on degraded.
    #[must_use]
    pub fn warning(code: &'static str, message: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        Self::new(Severity::Warning, Exit::Done, code, message.as_ref(), hint.as_ref())
    }

    /// The same notice with another exit code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    fn new(severity: Severity, exit: Exit, code: &'static str, message: &str, hint: &str) -> Self {
        Self {
            severity,
            code,
            message: crate::safe_text::line(message),
            hint: crate::safe_text::line(hint),
            exit,
        }
    }
}

/// Every room's error enum implements this: what it is, whether a retry is useless, and the line.
pub trait Explain: std::error::Error {
    /// Whether the same call can never succeed.
    fn is_permanent(&self) -> bool;
    /// The line and hint for the user.
    fn notice(&self) -> Notice;
}
