//! Starts the release binary and says how long it took and how much memory it had.
//!
//! Invariant: nothing of the caller's environment reaches the program; every wait has a deadline.

use std::io::Read;
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const BINARY: &str = env!("CARGO_BIN_EXE_mailtui");
/// How long the first screen may take.
const SCREEN_DEADLINE: Duration = Duration::from_secs(30);
/// How often the memory of a running program is read.
const MEMORY_EVERY: Duration = Duration::from_millis(10);
/// Starts of a program that does nothing, for the floor.
const FLOOR_STARTS: usize = 50;
const COLUMNS: u16 = 80;
const ROWS: u16 = 24;

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
fn resident_peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The middle of how long it takes to start a program that does nothing, and wait for it.
pub(crate) fn floor() -> Duration {
    let once = |_| {
        let start = Instant::now();
        let status = Command::new("true").status().expect("`true` is there");
        assert!(status.success());
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..FLOOR_STARTS).map(once).collect();
    times.sort();
    times[times.len() / 2]
}

/// From the start of the program in a terminal to the byte after which `row` is on the screen.
pub(crate) fn first_screen(data: &Path, row: &str) -> Duration {
    let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pty");
    let mut command = CommandBuilder::new(BINARY);
    command.env_clear();
    command.env("HOME", data);
    command.env("TERM", "xterm-256color");
    command.arg("--data-dir");
    command.arg(data);
    let mut output = pair.master.try_clone_reader().expect("the pty can be read");
    let (send, receive) = mpsc::channel();
    let start = Instant::now();
    let mut child = pair.slave.spawn_command(command).expect("the program starts");
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            if send.send((Instant::now(), buffer[..read].to_vec())).is_err() {
                break;
            }
        }
    });
    let cells = |count| NonZeroU16::new(count).expect("a terminal has cells");
    let mut terminal = vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0);
    let at = loop {
        let Ok((at, bytes)) = receive.recv_timeout(SCREEN_DEADLINE) else {
            panic!("no {row:?} on the screen:\n{}", terminal.screen().contents());
        };
        terminal.process(&bytes);
        if terminal.screen().contents().contains(row) {
            break at;
        }
    };
    child.kill().expect("the program can be killed");
    let _ = child.wait();
    at.duration_since(start)
}
