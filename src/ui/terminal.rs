//! The terminal: taken over at start, given back at the end and while the program is stopped.
//!
//! Invariant: after [`Screen`] is dropped, or after a panic of the thread that draws, the terminal
//! is as it was: main screen, cursor shown, modes off. Nothing of a frame reaches it after that.
//! What is said of panics waits until then, so that it cannot scribble over the screen.

use std::io::{self, Stdout, Write};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::style::ResetColor;
use ratatui::layout::Position;

use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::crash::report::{self, Hold};
use crate::ui::announce::{self, Tells};
use crate::ui::modes::{self, Modes};
use crate::ui::paint::Paint;
use crate::ui::picture::Drawing;
use crate::ui::{asked, clipboard};

/// Bytes of a frame that are gathered before they are written.
const FRAME_BYTES: usize = 64 * 1024;

/// The modes that are switched on, where a dying thread finds them.
static ON: AtomicU8 = AtomicU8::new(0);

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// The terminal while it is ours.
pub struct Screen {
    /// What is drawn to.
    pub paint: Paint<Frames>,
    ours: Arc<AtomicBool>,
    before: Arc<Hook>,
    /// What it is told beside its cells.
    pub tells: Tells,
    /// What it reports, while it is ours.
    modes: Modes,
    /// What the terminal draws itself, and where.
    drawn: Option<(Position, Arc<Drawing>)>,
    /// The title that was set last; empty while the terminal is not ours.
    title: String,
    /// Dropped last: what it says is said on the shell's screen.
    _held: Hold,
}

impl Screen {
    /// Takes the terminal over. `alarm` is called on the thread of every panic from now on.
    ///
    /// # Errors
    /// When it is none, or cannot be written to.
    pub fn open(
        tells: Tells,
        modes: Modes,
        alarm: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let ours = Arc::new(AtomicBool::new(true));
        let frames = Frames { ours: Arc::clone(&ours), out: io::stdout(), gathered: Vec::new() };
        take(modes).inspect_err(|_| restore())?;
        let paint = Paint::new(frames);
        let before = Arc::new(panic::take_hook());
        install_hook(alarm, &ours, &before);
        let title = String::new();
        Ok(Self { paint, ours, before, tells, modes, drawn: None, title, _held: report::hold() })
    }

    /// Takes away what the terminal has drawn itself, where another thing or nothing is to be
    /// there; the next frame is then drawn as a whole.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub fn erase(&mut self, but: Option<&(Position, Arc<Drawing>)>) -> io::Result<()> {
        if self.drawn.is_none() || self.drawn.as_ref() == but {
            return Ok(());
        }
        let (_, drawn) = self.drawn.take().unwrap_or_default();
        self.paint.forget();
        if self.ours.load(Ordering::SeqCst) { put(&drawn.erase) } else { Ok(()) }
    }

    /// Lets the terminal draw, behind the frame; the cursor stays where the frame left it.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub fn draw(&mut self, what: Option<(Position, Arc<Drawing>)>) -> io::Result<()> {
        let Some((at, drawing)) = &what else { return Ok(()) };
        if self.drawn == what || !self.ours.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut bytes = format!("\x1b7\x1b[{};{}H", at.y + 1, at.x + 1).into_bytes();
        bytes.extend_from_slice(&drawing.bytes);
        bytes.extend_from_slice(b"\x1b8");
        put(&bytes)?;
        self.drawn = what;
        Ok(())
    }

    /// Lets the terminal report other things, where these are others than before.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub fn report(&mut self, modes: Modes) -> io::Result<()> {
        if self.modes == modes || !self.ours.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.modes = modes;
        switch(modes)
    }

    /// Gives the terminal back for a while.
    pub fn leave(&mut self) {
        // It may be gone already.
        let _ = self.erase(None);
        if !std::mem::take(&mut self.title).is_empty() && self.ours.load(Ordering::SeqCst) {
            let _ = put(announce::TITLE_BACK);
        }
        self.ours.store(false, Ordering::SeqCst);
        restore();
    }

    /// Sets the title where it changed, and tells of new mail, as the terminal can.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub fn tell(&mut self, title: &str, news: &[String]) -> io::Result<()> {
        let mut bytes = Vec::new();
        if self.tells.title && self.title != title {
            if self.title.is_empty() {
                bytes.extend(announce::KEEP_TITLE);
            }
            bytes.extend(announce::title_bytes(title));
            title.clone_into(&mut self.title);
        }
        for line in news {
            bytes.extend(announce::notice_bytes(self.tells.notice, line));
        }
        if bytes.is_empty() || !self.ours.load(Ordering::SeqCst) {
            return Ok(());
        }
        put(&bytes)
    }

    /// Asks for the background; the answer comes among the keys, if it comes.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub fn ask_background() -> io::Result<()> {
        put(asked::QUESTION)
    }

    /// Puts a text on the clipboard, where the terminal lets it; one that is too long is not.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        match clipboard::bytes(text) {
            Some(bytes) if self.ours.load(Ordering::SeqCst) => put(&bytes),
            _ => Ok(()),
        }
    }

    /// Takes the terminal again, whoever changed its modes meanwhile; the next frame is drawn as a
    /// whole.
    ///
    /// # Errors
    /// When it is gone.
    pub fn retake(&mut self) -> io::Result<()> {
        // What the raw mode was made from is read anew: a shell may have had the terminal.
        let _ = disable_raw_mode();
        take(self.modes)?;
        self.ours.store(true, Ordering::SeqCst);
        self.repaint();
        Ok(())
    }

    /// The terminal had another size for a moment and may have dropped cells: the
    /// next frame is drawn as a whole.
    pub fn repaint(&mut self) {
        self.drawn = None;
        self.paint.forget();
    }

    /// Columns and rows now.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn size() -> io::Result<(u16, u16)> {
        crossterm::terminal::window_size().map(|size| (size.columns, size.rows))
    }

    /// Pixels of a cell, where the system knows: nothing is asked of the terminal.
    #[must_use]
    pub fn cell() -> Option<(u16, u16)> {
        let size = crossterm::terminal::window_size().ok()?;
        let cell = (size.width.checked_div(size.columns)?, size.height.checked_div(size.rows)?);
        (cell.0 > 0 && cell.1 > 0).then_some(cell)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let before = Arc::clone(&self.before);
        if !std::thread::panicking() {
            // The hook of before us; it cannot be moved out of its shared box.
            panic::set_hook(Box::new(move |info| before(info)));
        }
        self.leave();
    }
}

/// Frames on their way to the terminal, each written as a whole; none once the terminal is no
/// longer ours.
#[derive(Debug)]
pub struct Frames {
    ours: Arc<AtomicBool>,
    out: Stdout,
    gathered: Vec<u8>,
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = std::mem::replace(&mut self.gathered, Vec::with_capacity(FRAME_BYTES));
        if frame.is_empty() || !self.ours.load(Ordering::SeqCst) {
            return Ok(());
        }
        let whole = Modes::of_bits(ON.load(Ordering::SeqCst)).whole;
        if whole {
            self.out.write_all(modes::FRAME)?;
        }
        self.out.write_all(&frame)?;
        if whole {
            self.out.write_all(modes::FRAME_END)?;
        }
        self.out.flush()
    }
}

fn put(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
}

fn take(modes: Modes) -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    switch(modes)
}

/// Switches off what is on, and these on.
fn switch(modes: Modes) -> io::Result<()> {
    let mut bytes = Modes::of_bits(ON.swap(modes.bits(), Ordering::SeqCst)).off();
    bytes.extend(modes.on());
    if bytes.is_empty() { Ok(()) } else { put(&bytes) }
}

fn install_hook(
    alarm: impl Fn() + Send + Sync + 'static,
    ours: &Arc<AtomicBool>,
    before: &Arc<Hook>,
) {
    let (ours, before) = (Arc::clone(ours), Arc::clone(before));
    let drawer = std::thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if report::is_contained() {
            return; // a library and bytes of others: the program goes on
        }
        if std::thread::current().id() == drawer {
            ours.store(false, Ordering::SeqCst);
            restore();
        }
        before(info);
        alarm();
    }));
}

/// Gives the terminal back; harmless when it is back already.
pub fn restore() {
    // Each step is tried whatever became of the one before. Keys are switched on the screen that
    // is left: the shell's has its own count of them.
    let _ = switch(Modes::default());
    let _ = execute!(io::stdout(), ResetColor, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}
