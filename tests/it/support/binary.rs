//! Runs the real binary in a home directory of its own.
//!
//! Invariant: nothing of the machine's user is read: HOME, XDG and mail variables point into the
//! test's own directory or are gone. A run that takes longer than its deadline is killed and fails.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{RUN_DEADLINE, wait_for};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_mailtui");

/// A fresh home directory with room for a data directory, gone at the end of the test.
pub(crate) struct Home {
    dir: tempfile::TempDir,
}

/// What a finished run left.
#[derive(Debug)]
pub(crate) struct Run {
    /// The arguments, for messages.
    pub(crate) args: String,
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// All bytes of its standard output.
    pub(crate) stdout: Vec<u8>,
    /// All bytes of its standard error.
    pub(crate) stderr: Vec<u8>,
}

impl Home {
    /// A new one.
    pub(crate) fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        std::fs::create_dir(home.path("tmp")).expect("a temporary directory of its own");
        home
    }

    /// The data directory; it does not exist until the program makes it.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A path in this home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The environment that every run gets, names and values.
    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        vec![
            ("HOME", self.dir.path().to_owned()),
            ("PATH", path.into()),
            ("TERM", "xterm-256color".into()),
            ("LANG", "C.UTF-8".into()),
            ("TMPDIR", self.path("tmp")),
            ("RUST_BACKTRACE", "1".into()),
        ]
    }

    /// The program with this home's data directory and nothing of the caller's environment.
    pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Command {
        self.command_on(&self.data(), args)
    }

    /// As [`Home::command`], on another data directory.
    pub(crate) fn command_on<S: AsRef<std::ffi::OsStr>>(&self, data: &Path, args: &[S]) -> Command {
        let mut command = Command::new(BINARY);
        command.env_clear().envs(self.environment()).current_dir(self.dir.path());
        command.arg("--data-dir").arg(data).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Run {
        run(self.command(args))
    }

    /// Runs with `--json`, which must end with code 0, and returns the objects of standard output.
    pub(crate) fn json<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Vec<Value> {
        let mut command = self.command(args);
        command.arg("--json");
        run(command).ok().lines()
    }

    /// The summary of an import with code 0.
    pub(crate) fn import(&self, path: &Path) -> Value {
        one(self.json(&["import".as_ref(), path.as_os_str()]))
    }

    /// The rows of `list` in a label, all of them.
    pub(crate) fn list(&self, label: &str) -> Vec<Value> {
        self.json(&["list", "--label", label, "--limit", "0"])
    }

    /// The ids of `list` in a label, in order.
    pub(crate) fn threads(&self, label: &str) -> Vec<String> {
        self.list(label).iter().map(|row| text(row, "thread")).collect()
    }

    /// The one object of `show` for one thread.
    pub(crate) fn show(&self, thread: &str) -> Value {
        one(self.json(&["show", thread]))
    }

    /// The thread whose subject is `subject`, wherever it is.
    pub(crate) fn thread(&self, subject: &str) -> String {
        let rows = self.list("anywhere");
        let found = rows.iter().find(|row| row["subject"] == subject);
        text(found.unwrap_or_else(|| panic!("no thread {subject:?} in {rows:#?}")), "thread")
    }

    /// Asserts that `doctor` finds nothing.
    pub(crate) fn assert_healthy(&self, after: &str) {
        let run = self.run(&["doctor", "--json"]);
        assert_eq!(run.code(), Some(0), "doctor after {after}: {run}");
    }
}

impl Run {
    /// The exit code; `None` when a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it.
    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// This run, which must have ended with code 0.
    pub(crate) fn ok(self) -> Self {
        self.exited(0)
    }

    /// This run, which must have ended with `code`.
    pub(crate) fn exited(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{self}");
        self
    }

    /// Standard output as one JSON object a line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.stdout).expect("standard output is UTF-8");
        let parse = |l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l:?} of {self}"));
        text.lines().map(parse).collect()
    }

    /// The one object of standard output.
    pub(crate) fn object(&self) -> Value {
        one(self.lines())
    }

    /// The `error` object that a failed `--json` run leaves as a line of standard error.
    pub(crate) fn error(&self) -> Value {
        let text = String::from_utf8_lossy(&self.stderr).into_owned();
        let objects = text.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
        let mut errors: Vec<Value> =
            objects.map(|v| v["error"].clone()).filter(Value::is_object).collect();
        assert_eq!(errors.len(), 1, "one error line: {self}");
        errors.remove(0)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (out, err) =
            (String::from_utf8_lossy(&self.stdout), String::from_utf8_lossy(&self.stderr));
        writeln!(f, "mailtui {} → {}", self.args, self.status)?;
        write!(f, "--- stdout\n{out}\n--- stderr\n{err}")
    }
}

/// The only element.
pub(crate) fn one(mut values: Vec<Value>) -> Value {
    assert_eq!(values.len(), 1, "one object: {values:#?}");
    values.remove(0)
}

/// A field that must be text.
pub(crate) fn text(value: &Value, field: &str) -> String {
    let found = value[field].as_str();
    found.unwrap_or_else(|| panic!("no text {field:?} in {value:#}")).to_owned()
}

/// A field that must be a count.
pub(crate) fn count(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_else(|| panic!("no count {field:?} in {value:#}"))
}

/// Runs a command to its end, within [`RUN_DEADLINE`].
pub(crate) fn run(command: Command) -> Run {
    run_within(command, RUN_DEADLINE)
}

/// Runs a command to its end; it is killed and the test fails after `deadline`.
pub(crate) fn run_within(mut command: Command, deadline: Duration) -> Run {
    let args: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    let args = args.join(" ");
    let child = command.spawn().unwrap_or_else(|e| panic!("mailtui {args}: {e}"));
    finish(child, args, deadline)
}

/// Collects a started child to its end.
pub(crate) fn finish(mut child: Child, args: String, deadline: Duration) -> Run {
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    let status = wait_for(deadline, || child.try_wait().expect("the child can be waited for"));
    if status.is_none() {
        let _ = child.kill();
    }
    let collect = |handle: Option<std::thread::JoinHandle<Vec<u8>>>| {
        handle.map(|h| h.join().expect("a reader")).unwrap_or_default()
    };
    let (stdout, stderr) = (collect(stdout), collect(stderr));
    let Some(status) = status else {
        let _ = child.wait();
        let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        panic!("mailtui {args} did not end in {deadline:?}\n{out}\n{err}");
    };
    Run { args, status, stdout, stderr }
}

fn drain(mut stream: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}
