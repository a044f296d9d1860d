//! The terminal: taken over at start, given back at the end, whatever the end is.
//!
//! Invariant: after [`Screen`] is dropped, or after a panic of the thread that draws, the
//! terminal is as it was. Panics of other threads are kept and told when the terminal is back, so
//! that they cannot scribble over the screen.

use std::io::{self, BufWriter, Stdout, Write};
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// Bytes of a frame that are gathered before they are written.
const FRAME_BYTES: usize = 64 * 1024;

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// The terminal while it is ours.
pub struct Screen {
    /// What is drawn to.
    pub terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    told: Arc<Mutex<Vec<String>>>,
    before: Arc<Hook>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it is none, or cannot be written to.
    pub fn open() -> io::Result<Self> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let before = Arc::new(panic::take_hook());
        enable_raw_mode()?;
        let entered = execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste);
        let writer = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        let terminal = entered.and_then(|()| Terminal::new(CrosstermBackend::new(writer)));
        let terminal = terminal.inspect_err(|_| restore())?;
        install_hook(&told, &before);
        Ok(Self { terminal, told, before })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let before = Arc::clone(&self.before);
        if !std::thread::panicking() {
            // The hook of before us; it cannot be moved out of its shared box.
            panic::set_hook(Box::new(move |info| before(info)));
        }
        restore();
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for line in told.iter() {
            // Nobody is left to tell when this fails.
            let _ = writeln!(io::stderr(), "{}", crate::safe_text::line(line));
        }
    }
}

fn install_hook(told: &Arc<Mutex<Vec<String>>>, before: &Arc<Hook>) {
    let (told, before) = (Arc::clone(told), Arc::clone(before));
    let drawer = std::thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == drawer {
            restore();
            before(info);
        } else {
            told.lock().unwrap_or_else(PoisonError::into_inner).push(info.to_string());
        }
    }));
}

/// Gives the terminal back; harmless when it is back already.
fn restore() {
    // Each step is tried whatever became of the one before.
    let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}
