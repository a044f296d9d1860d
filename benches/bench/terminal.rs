//! A program in a real terminal: typed into, and looked at as it draws.
//!
//! Invariant: the time of a screen is when its last byte came out of the terminal, not when it was
//! looked at; every wait has a deadline; the program ends with the value.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a screen may take.
const DEADLINE: Duration = Duration::from_mins(2);
/// The terminal's size.
pub(crate) const COLUMNS: u16 = 100;
/// The terminal's size.
pub(crate) const ROWS: u16 = 30;

/// A program in a terminal.
pub(crate) struct Terminal {
    name: String,
    started: Instant,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    /// What came and is not drawn yet.
    waiting: VecDeque<(Instant, Vec<u8>)>,
    parser: vt100::Parser,
    /// When the last byte that is drawn came.
    drawn: Instant,
}

impl Terminal {
    /// Starts a program with nothing of the caller's environment but its path.
    pub(crate) fn start(program: &Path, args: &[&str], home: &Path) -> Self {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(program);
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")] {
            command.env(name, value);
        }
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home);
        command.cwd(home);
        command.args(args);
        let mut reader = pair.master.try_clone_reader().expect("the pty can be read");
        let keys = pair.master.take_writer().expect("the pty can be written");
        let (send, output) = mpsc::channel();
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if send.send((Instant::now(), buffer[..read].to_vec())).is_err() {
                    break;
                }
            }
        });
        let cells = |count| NonZeroU16::new(count).expect("a terminal has cells");
        Self {
            name: program.display().to_string(),
            started,
            child,
            _master: pair.master,
            keys,
            output,
            waiting: VecDeque::new(),
            parser: vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0),
            drawn: started,
        }
    }

    /// When it was started.
    pub(crate) const fn started(&self) -> Instant {
        self.started
    }

    /// Types; returns when.
    pub(crate) fn press(&mut self, keys: &str) -> Instant {
        let at = Instant::now();
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("it reads");
        at
    }

    /// Draws what came until the screen fits; returns when its last byte came.
    pub(crate) fn wait(&mut self, what: &str, fits: impl Fn(&vt100::Screen) -> bool) -> Instant {
        let begun = Instant::now();
        while !fits(self.parser.screen()) {
            let left = DEADLINE.saturating_sub(begun.elapsed());
            let came = self.draw(left);
            assert!(came, "{}: no {what}:\n{}", self.name, self.parser.screen().contents());
        }
        self.drawn
    }

    /// Draws one piece of output; `false` when none came in time.
    fn draw(&mut self, within: Duration) -> bool {
        let next = self.waiting.pop_front().or_else(|| self.output.recv_timeout(within).ok());
        let Some((at, bytes)) = next else { return false };
        self.parser.process(&bytes);
        self.drawn = at;
        true
    }

    /// Draws until nothing has come for so long.
    pub(crate) fn settle(&mut self, quiet: Duration) {
        while self.draw(quiet) {}
    }

    /// The text of the row that is selected: the one drawn in reverse.
    pub(crate) fn selected(&self) -> Option<String> {
        selected(self.parser.screen())
    }

    /// All that the screen shows.
    pub(crate) fn contents(&self) -> String {
        self.parser.screen().contents()
    }

    /// `VmHWM` in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let pid = self.child.process_id().expect("it runs");
        super::program::resident_peak_kib(pid).expect("proc(5) is there")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of the row that is drawn in reverse, but for sidebar and marks.
pub(crate) fn selected(screen: &vt100::Screen) -> Option<String> {
    let reversed = |row| screen.cell(row, COLUMNS / 2).is_some_and(vt100::Cell::inverse);
    let row = (1..ROWS - 1).find(|&row| reversed(row))?;
    Some(screen.contents_between(row, COLUMNS / 3, row, COLUMNS))
}

/// The line of hints at the bottom.
pub(crate) fn hints(screen: &vt100::Screen) -> String {
    screen.contents_between(ROWS - 1, 0, ROWS - 1, COLUMNS)
}
