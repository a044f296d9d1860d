//! Where events come from: the terminal, signals, panics, and the engine; each on a thread of its
//! own, all into one channel.
//!
//! Invariant: no thread here changes the model or draws; a thread that finds the channel closed
//! ends.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{Event as TerminalEvent, KeyEventKind};

use crate::command::bindings::Bindings;
use crate::config::Loaded;
use crate::config::colour::Rgb;
use crate::engine::accounts::AccountAsk;
use crate::engine::handle::{EngineHandle, Request, Update};
use crate::notice::{Exit, Notice};
use crate::ui::app::Door;
use crate::ui::asked::{Ear, Heard};
use crate::ui::compose::desk::{DeskAsk, DeskJob, DeskSaid};
use crate::ui::gate::{Gate, Reader as InputReader};
use crate::ui::signals::{Told, Watch};
use crate::ui::terminal;

/// Opens a mailbox; called on a thread of its own, after the first frame. The paths are what will
/// be imported into it: what cannot be read is refused here, before anything is written.
/// What is not the engine's to say it tells by the third.
pub type Open = Box<dyn FnMut(Door, &[PathBuf], Tell) -> Result<EngineHandle, Notice> + Send>;

/// Tells the interface something; whether it still listens.
pub type Tell = Box<dyn Fn(Update) -> bool + Send>;

/// Does what is asked of accounts, on a thread of its own; the flag calls it off.
pub type AccountJob = Arc<dyn Fn(AccountAsk, Arc<AtomicBool>, Tell) + Send + Sync>;

/// Tells of settings that have changed, on a thread of its own, until nobody listens.
pub type SettingsJob = Box<dyn FnOnce(&dyn Fn(Loaded) -> bool) + Send>;
/// Tells of keys that are bound otherwise, on a thread of its own, until nobody listens.
pub type KeysJob = Box<dyn FnOnce(&dyn Fn(Bindings) -> bool) + Send>;

/// The longest line that is read at once, in bytes.
const MAX_LINE_BYTES: u64 = 4_096;
/// How long the terminal may take to take its modes back when the program is ended by force.
const LAST_BYTES: Duration = Duration::from_millis(200);

/// What comes in.
pub enum Event {
    /// From the terminal, and when it was read.
    Input(TerminalEvent, Instant),
    /// The terminal cannot be read any more.
    InputGone,
    /// From the system.
    Told(Told),
    /// A thread has panicked.
    Crashed,
    /// A mailbox was opened.
    Opened(Door, Sender<Request>),
    /// It could not be opened.
    NotOpened(Notice),
    /// The engine says something.
    Engine(Update),
    /// What was asked of the desk.
    Desk(DeskSaid),
    /// What the user has set is other than before.
    Settings(Box<Loaded>),
    /// The terminal's background is this.
    Background(Rgb),
    /// Keys are bound otherwise.
    Keys(Bindings),
    /// The engine is gone.
    EngineGone,
}

impl Event {
    /// When it was read, where it is a key.
    #[must_use]
    pub(super) fn key_at(&self) -> Option<Instant> {
        match self {
            Self::Input(TerminalEvent::Key(key), at) if key.kind != KeyEventKind::Release => {
                Some(*at)
            }
            _ => None,
        }
    }

    /// Whether it is taken in before what the engine said.
    #[must_use]
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::Input(..) | Self::InputGone | Self::Told(_) | Self::Crashed)
    }

    /// Whether the engine says it of itself, and no key waits for it.
    #[must_use]
    pub const fn is_unasked(&self) -> bool {
        matches!(
            self,
            Self::Engine(
                Update::Changed
                    | Update::Labels(_)
                    | Update::Saved(_)
                    | Update::Status(_)
                    | Update::Accounts(_)
                    | Update::Import(_)
            )
        )
    }
}

/// Starts the threads that read the terminal, watch signals, and open mailboxes as asked.
///
/// # Errors
/// When a thread cannot be made.
pub fn start(
    events: &Sender<Event>,
    watch: Option<Watch>,
    open: Open,
    doors: Receiver<(Door, Vec<PathBuf>)>,
    patience: Duration,
    mut ear: Ear,
) -> std::io::Result<Gate> {
    let (gate, mut door) = Gate::new()?;
    let (input, told, opened) = (events.clone(), events.clone(), events.clone());
    spawn("input", move || read_input(&input, &mut door, &mut ear))?;
    if let Some(watch) = watch {
        let tell = move |what| told.send(Event::Told(what)).is_ok();
        spawn("signals", move || watch.run(tell, patience, force))?;
    }
    spawn("engine-updates", move || open_doors(open, &doors, &opened))?;
    Ok(gate)
}

/// Starts the threads that read lines instead of keys, and open mailboxes as asked.
///
/// # Errors
/// When a thread cannot be made.
pub fn start_lines(
    events: &Sender<Event>,
    open: Open,
    doors: Receiver<(Door, Vec<PathBuf>)>,
) -> std::io::Result<()> {
    let (input, opened) = (events.clone(), events.clone());
    spawn("lines", move || read_lines(&input))?;
    spawn("engine-updates", move || open_doors(open, &doors, &opened))
}

/// Reads lines until there are no more; a line is a paste. One that is too long is cut.
fn read_lines(events: &Sender<Event>) {
    let mut input = std::io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut input, MAX_LINE_BYTES).read_until(b'\n', &mut line);
        let event = match read {
            Ok(1..) => {
                let line = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
                Event::Input(TerminalEvent::Paste(line), Instant::now())
            }
            Ok(0) | Err(_) => Event::InputGone,
        };
        let over = matches!(event, Event::InputGone);
        if events.send(event).is_err() || over {
            return;
        }
    }
}

/// Passes on what the user binds while the program runs.
///
/// # Errors
/// When a thread cannot be made.
pub fn attend_keys(events: &Sender<Event>, job: KeysJob) -> std::io::Result<()> {
    let events = events.clone();
    spawn("keys", move || job(&|bound| events.send(Event::Keys(bound)).is_ok()))
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map(|_| ())
}

/// Ends the program although the loop does not: a terminal that takes no bytes holds it up.
fn force() {
    // The modes need no byte; what needs some is tried for a moment.
    let _ = crossterm::terminal::disable_raw_mode();
    let _ = spawn("restore", terminal::restore);
    thread::sleep(LAST_BYTES);
    std::process::exit(Exit::Stopped as i32);
}

/// Reads the terminal until the program ends; a blocked read dies with it. While the gate is shut
/// another program reads it.
fn read_input(events: &Sender<Event>, door: &mut InputReader, ear: &mut Ear) {
    loop {
        if !door.wait() {
            continue;
        }
        let (heard, goes_on) = match crossterm::event::read() {
            Ok(event) => (ear.hear(event, Instant::now()), true),
            Err(_) => (Heard::Nothing, false),
        };
        let sent = match heard {
            Heard::Input(inputs) => {
                let at = Instant::now();
                inputs.into_iter().all(|input| events.send(Event::Input(input, at)).is_ok())
            }
            Heard::Background(ground) => events.send(Event::Background(ground)).is_ok(),
            Heard::Nothing => true,
        };
        if !goes_on {
            drop(events.send(Event::InputGone));
        }
        if !sent || !goes_on {
            return;
        }
    }
}

/// Tells the loop, as an engine does.
fn tell(events: &Sender<Event>) -> Tell {
    let events = events.clone();
    Box::new(move |update| events.send(Event::Engine(update)).is_ok())
}

/// Does what is asked of accounts, each on a thread of its own: one that waits for a server holds
/// up no other.
///
/// # Errors
/// When a thread cannot be made.
pub fn attend_accounts(
    events: &Sender<Event>,
    job: AccountJob,
    asked: Receiver<AccountAsk>,
) -> std::io::Result<()> {
    let events = events.clone();
    spawn("accounts", move || {
        let mut running: Option<Arc<AtomicBool>> = None;
        for ask in asked {
            if let Some(stop) = running.take() {
                stop.store(true, Ordering::SeqCst);
            }
            if matches!(ask, AccountAsk::Cancel(_)) {
                continue;
            }
            let stop = Arc::new(AtomicBool::new(false));
            running = Some(Arc::clone(&stop));
            let (job, tell) = (Arc::clone(&job), tell(&events));
            // Without a thread there is no answer; Esc goes back.
            let _ = spawn("account", move || job(ask, stop, tell));
        }
    })
}

/// Does what is asked of the desk, one after the other: files are read in the order in which they
/// were attached.
///
/// # Errors
/// When a thread cannot be made.
pub fn attend_desk(
    events: &Sender<Event>,
    job: DeskJob,
    asked: Receiver<DeskAsk>,
) -> std::io::Result<()> {
    let events = events.clone();
    spawn("desk", move || {
        for ask in asked {
            let events = events.clone();
            job(ask, Box::new(move |said| events.send(Event::Desk(said)).is_ok()));
        }
    })
}

/// Passes on what the user sets while the program runs.
///
/// # Errors
/// When a thread cannot be made.
pub fn attend_settings(events: &Sender<Event>, job: SettingsJob) -> std::io::Result<()> {
    let events = events.clone();
    spawn("settings", move || {
        job(&|loaded| events.send(Event::Settings(Box::new(loaded))).is_ok());
    })
}

/// Opens mailboxes as asked and passes on what their engines say.
fn open_doors(mut open: Open, doors: &Receiver<(Door, Vec<PathBuf>)>, events: &Sender<Event>) {
    for (door, paths) in doors {
        let handle = match open(door, &paths, tell(events)) {
            Ok(handle) => handle,
            Err(notice) => match events.send(Event::NotOpened(notice)) {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let EngineHandle { requests, updates } = handle;
        if events.send(Event::Opened(door, requests)).is_err() {
            return;
        }
        for update in updates {
            if events.send(Event::Engine(update)).is_err() {
                return;
            }
        }
        if events.send(Event::EngineGone).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_mailbox_that_cannot_be_opened_can_be_tried_again() {
        let ((doors, requests), (events, told)) = (channel(), channel());
        let mut tries = 0;
        let open: Open = Box::new(move |_, _, _| {
            tries += 1;
            if tries == 1 {
                return Err(Notice::error("in-use", "in use", ""));
            }
            let ((requests, _), (updates, receiver)) = (channel(), channel());
            drop(updates.send(Update::Changed));
            Ok(EngineHandle { requests, updates: receiver })
        });
        doors.send((Door::Own, Vec::new())).unwrap();
        doors.send((Door::Own, Vec::new())).unwrap();
        drop(doors);
        open_doors(open, &requests, &events);
        let told: Vec<Event> = told.try_iter().collect();
        assert!(
            matches!(
                told[..],
                [
                    Event::NotOpened(_),
                    Event::Opened(Door::Own, _),
                    Event::Engine(Update::Changed),
                    Event::EngineGone
                ]
            ),
            "{}",
            told.len()
        );
    }
}
