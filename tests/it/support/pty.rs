//! The real binary in a real terminal: a pty, and what a terminal would show of it.
//!
//! Invariant: every byte the program wrote is kept, so that a test can look at them and not only
//! at the screen. The program is killed when the test ends.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use super::binary::{BINARY, Home};
use super::{SCREEN_DEADLINE, wait_for};

/// A program in a terminal of a size.
pub(crate) struct Pty {
    shown: Arc<Mutex<Shown>>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

struct Shown {
    terminal: vt100::Parser,
    bytes: Vec<u8>,
    ended: bool,
}

impl Pty {
    /// Starts the program with this home's data directory in `columns` × `rows`.
    pub(crate) fn start(home: &Home, size: (u16, u16), args: &[&str]) -> Self {
        Self::start_in(home, size, &[], args)
    }

    /// As [`Pty::start`], with further variables in its environment; an empty value removes one.
    pub(crate) fn start_in(
        home: &Home,
        size: (u16, u16),
        environment: &[(&str, &str)],
        args: &[&str],
    ) -> Self {
        let mut command = Self::command(home, BINARY);
        for (name, value) in environment {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        command.arg("--data-dir");
        command.arg(home.data());
        command.args(args);
        Self::spawn(command, size)
    }

    /// Starts a shell on `script`, in which `$MAILTUI` is the program and `$DATA` its directory.
    pub(crate) fn shell(home: &Home, size: (u16, u16), script: &str) -> Self {
        let mut command = Self::command(home, "sh");
        command.env("MAILTUI", BINARY);
        command.env("DATA", home.data());
        command.args(["-c", script]);
        Self::spawn(command, size)
    }

    fn command(home: &Home, program: &str) -> CommandBuilder {
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        for (name, value) in home.environment() {
            command.env(name, value);
        }
        command.cwd(home.path(""));
        command
    }

    fn spawn(command: CommandBuilder, (columns, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).expect("a pty");
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let terminal = vt100::Parser::new(cells(rows), cells(columns), 0);
        let shown = Arc::new(Mutex::new(Shown { terminal, bytes: Vec::new(), ended: false }));
        let output = pair.master.try_clone_reader().expect("the pty can be read");
        follow(output, Arc::clone(&shown));
        let keys = pair.master.take_writer().expect("the pty can be written");
        Self { shown, keys, child, master: pair.master }
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        self.press_bytes(keys.as_bytes());
    }

    /// Types bytes that may be no text.
    pub(crate) fn press_bytes(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("keys are taken");
        self.keys.flush().expect("keys are taken");
    }

    /// Types to a program that may have ended meanwhile.
    pub(crate) fn try_press(&mut self, keys: &str) {
        let _ = self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush());
    }

    /// Whether nothing more comes from the program.
    pub(crate) fn has_ended(&self) -> bool {
        self.shown().ended
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&mut self, (columns, rows): (u16, u16)) {
        self.shown().terminal.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).expect("the pty can be resized");
    }

    /// What the terminal shows, a line a row.
    pub(crate) fn screen(&self) -> String {
        self.shown().terminal.screen().contents()
    }

    /// Every byte that the program wrote so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.shown().bytes.clone()
    }

    /// Waits until the screen satisfies `condition`; `what` says it in words.
    pub(crate) fn wait(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let found = wait_for(SCREEN_DEADLINE, || {
            // Whether it has ended is asked first: what it wrote last is on the screen then.
            let ended = self.shown().ended;
            let screen = self.screen();
            if condition(&screen) { Some(Some(screen)) } else { ended.then_some(None) }
        });
        found.flatten().unwrap_or_else(|| {
            let how = if self.shown().ended { "ended and" } else { "" };
            panic!("the program {how} never showed {what}:\n{}", self.screen())
        })
    }

    /// Waits until the screen contains `text`.
    pub(crate) fn wait_text(&self, text: &str) -> String {
        self.wait(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits until the program has ended by itself, with its exit code.
    pub(crate) fn wait_end(&mut self) -> u32 {
        let ended = wait_for(SCREEN_DEADLINE, || self.child.try_wait().expect("waitable"));
        ended.unwrap_or_else(|| panic!("still running:\n{}", self.screen())).exit_code()
    }

    /// Kills the program with SIGKILL: nothing of it runs any more.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// The program's process.
    pub(crate) fn pid(&self) -> Pid {
        let pid = self.child.process_id().and_then(|id| i32::try_from(id).ok());
        pid.and_then(Pid::from_raw).expect("a pid")
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is there");
    }

    /// Waits until the terminal is as a shell leaves it to a program.
    pub(crate) fn wait_sane(&self, when: &str) {
        // What it was told last may still be on its way.
        let sane = wait_for(SCREEN_DEADLINE, || self.is_sane().ok());
        assert!(sane.is_some(), "{when}: {:?}", self.is_sane());
    }

    /// Whether the terminal is as a shell leaves it to a program: lines are edited and echoed, the
    /// main screen shows, with a cursor, and nothing is reported that was not asked for.
    pub(crate) fn is_sane(&self) -> Result<(), String> {
        let modes = self.master.get_termios().map(|modes| format!("{:?}", modes.local_flags));
        let modes = modes.ok_or("no modes")?;
        let cooked = ["ICANON", "ECHO", "ISIG"].iter().all(|mode| modes.contains(mode));
        let shown = self.shown();
        let screen = shown.terminal.screen();
        let wrong = [
            (!cooked, "raw mode"),
            (screen.alternate_screen(), "the alternate screen"),
            (screen.hide_cursor(), "a hidden cursor"),
            (screen.bracketed_paste(), "bracketed paste"),
            (screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None, "mouse reports"),
        ];
        match wrong.iter().find(|(is, _)| *is) {
            Some((_, what)) => Err(format!("{what} was left behind ({modes})")),
            None => Ok(()),
        }
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().expect("the reader has not failed")
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(mut output: Box<dyn Read + Send>, shown: Arc<Mutex<Shown>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            let mut shown = shown.lock().expect("nobody failed with the screen");
            shown.terminal.process(&buffer[..read]);
            shown.bytes.extend_from_slice(&buffer[..read]);
        }
        shown.lock().expect("nobody failed with the screen").ended = true;
    });
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: columns * 8, pixel_height: rows * 16 }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has cells")
}

#[test]
fn a_terminal_shows_takes_keys_and_keeps_every_byte() {
    let mut command = CommandBuilder::new("sh");
    let script = "printf '\\033[3;3Hhello'; read line; printf \"got $line\"; stty size; exit 3";
    command.args(["-c", script]);
    let mut pty = Pty::spawn(command, (40, 10));
    let screen = pty.wait_text("hello");
    assert_eq!(screen.lines().nth(2), Some("  hello"), "{screen:?}");
    pty.resize((30, 8));
    pty.press("key\r");
    pty.wait_text("got key");
    pty.wait_text("8 30");
    assert_eq!(pty.wait_end(), 3);
    assert!(pty.bytes().windows(6).any(|w| w == b"\x1b[3;3H"));
}
