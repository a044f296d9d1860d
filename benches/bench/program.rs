//! Runs the release binary to its end and says what it wrote and how much memory it had.
//!
//! Invariant: nothing of the caller's environment reaches the program.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The release binary.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_mailtui");
/// How often the memory of a running program is read.
const MEMORY_EVERY: Duration = Duration::from_millis(5);

/// A program that has ended with code 0.
pub(crate) struct Finished {
    /// What it wrote to standard output.
    pub(crate) stdout: Vec<u8>,
    /// The most resident memory it was seen with, in KiB.
    pub(crate) peak_kib: u64,
}

/// The program on a data directory.
pub(crate) fn command(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().env("HOME", data).env("TERM", "xterm-256color");
    command.arg("--data-dir").arg(data).args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn finish(command: Command) -> Finished {
    run(command, |_| 0)
}

/// Runs it to its end and watches its memory.
pub(crate) fn finish_watched(command: Command) -> Finished {
    run(command, |child| {
        let mut peak = 0;
        while child.try_wait().expect("the program can be waited for").is_none() {
            peak = peak.max(resident_peak_kib(child.id()).unwrap_or(0));
            std::thread::sleep(MEMORY_EVERY);
        }
        peak
    })
}

fn run(mut command: Command, watch: impl FnOnce(&mut Child) -> u64) -> Finished {
    let mut child = command.spawn().expect("the program starts");
    let mut output = child.stdout.take().expect("its output is piped");
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).map(|_| bytes)
    });
    let peak_kib = watch(&mut child);
    let status = child.wait().expect("the program can be waited for");
    let stdout = reader.join().expect("a reader").expect("its output can be read");
    assert!(status.success(), "{status}: {command:?}");
    Finished { stdout, peak_kib }
}

/// `VmHWM` of a process: the kernel's own record of the most resident memory (proc(5)).
pub(crate) fn resident_peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Rows of the inbox, as `list` says them; 0 for all.
pub(crate) fn rows(data: &Path, limit: usize) -> Vec<Value> {
    let limit = limit.to_string();
    let args = ["list", "--label", "inbox", "--limit", &limit, "--json"];
    let output = String::from_utf8(finish(command(data, &args)).stdout).expect("UTF-8");
    output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A field's text.
pub(crate) fn text(row: &Value, field: &str) -> String {
    row[field].as_str().expect("text").to_owned()
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Bytes of all files below a folder.
pub(crate) fn disk_bytes(folder: &Path) -> u64 {
    files(folder).iter().map(|path| path.metadata().map_or(0, |m| m.len())).sum()
}

/// Copies the files of a directory into another.
pub(crate) fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a directory of ours") {
        let entry = entry.expect("a directory of ours");
        if entry.file_type().expect("a file").is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("room on the disk");
        }
    }
}
