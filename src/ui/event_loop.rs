//! The loop: input and the engine's updates → `update` → at most one frame. The only file with
//! threads.
//!
//! Invariant: a key never waits for disk or network. All that has come is taken in before a frame
//! is drawn, keys before the engine's updates, and these only right before the frame: so a key acts
//! on the rows that were on screen when it was pressed. The first frame is drawn before the mailbox
//! is opened.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{Event as TerminalEvent, KeyEventKind};
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::engine::handle::{EngineHandle, Request, Update};
use crate::engine::view::{Label, Page, Status};
use crate::notice::{Exit, Explain, Notice};
use crate::ui::app::{Beginning, Door, Effect, Message, Model, Quitting, UiExit};
use crate::ui::first_run::FirstRun;
use crate::ui::terminal::Screen;
use crate::ui::theme::Theme;
use crate::ui::{keymap, signals, update, view};

/// The most that is taken in before a frame is drawn.
const MAX_BATCH: usize = 1_000;
/// The most requests that are kept until the mailbox is open.
const MAX_BACKLOG: usize = 1_000;
/// The shortest time between frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);
/// For so long after a key, what it brings about is drawn at once.
const AFTER_KEY: Duration = Duration::from_millis(150);
/// How often the clock is looked at while something on screen depends on it.
const TICK_BUSY: Duration = Duration::from_millis(250);
/// How often the clock is looked at otherwise: dates change at midnight.
const TICK_IDLE: Duration = Duration::from_secs(30);
/// How long the last saves may take once the terminal has hung up.
const HANGUP_PATIENCE: Duration = Duration::from_secs(10);

/// Opens a mailbox; called on a thread of its own, after the first frame. The paths are what will
/// be imported into it: what cannot be read is refused here, before anything is written.
pub type Open = Box<dyn FnMut(Door, &[PathBuf]) -> Result<EngineHandle, Notice> + Send>;

/// What the interface starts with.
pub struct Start {
    /// The first screen, read before the engine starts.
    pub first: Option<(Page, Vec<Label>, Status)>,
    /// The first run's choices, when there is no mailbox yet; nothing is opened before a choice.
    pub first_run: Option<FirstRun>,
    /// Whether to open the sample mailbox at once.
    pub demo: bool,
    /// Whether to use colours (`NO_COLOR`).
    pub colour: bool,
    /// The user's zone.
    pub zone: TimeZone,
    /// The clock.
    pub clock: Box<dyn Clock>,
    /// Opens a mailbox.
    pub open: Open,
}

/// Why the interface could not go on.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// The terminal cannot be used.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] std::io::Error),
}

impl Explain for UiError {
    fn is_permanent(&self) -> bool {
        true
    }

    fn notice(&self) -> Notice {
        Notice::error("terminal", self.to_string(), "`mailtui list` works without one")
            .exit(Exit::Error)
    }
}

enum Event {
    Input(TerminalEvent),
    /// The terminal is gone, or somebody told the program to end.
    InputGone,
    Opened(Door, Sender<Request>),
    NotOpened(Notice),
    Engine(Update),
    EngineGone,
}

/// Runs the interface until the user quits.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(start: Start) -> Result<UiExit, UiError> {
    let mut screen = Screen::open()?;
    let own = start.first_run.is_none();
    let first_door = if start.demo { Door::Demo } else { Door::Own };
    let mut model = Model::new(Beginning {
        now_ms: start.clock.now_ms(),
        zone: start.zone,
        theme: Theme::new(start.colour),
        demo: start.demo,
        first: start.first,
        first_run: start.first_run,
    });
    let size = screen.terminal.size()?;
    // Nothing is asked for before the first frame: nobody is there yet to answer.
    let early = update::update(&mut model, Message::Resize(size.width, size.height));
    draw(&mut screen, &model)?;

    let (events, incoming) = channel();
    let (doors, door_requests) = channel();
    spawn("mailtui-input", {
        let events = events.clone();
        move || read_input(&events)
    })?;
    spawn("mailtui-signals", {
        let events = events.clone();
        // A closed channel means that the end has come already.
        move || drop(signals::wait_for_end().then(|| events.send(Event::InputGone)))
    })?;
    let open = start.open;
    spawn("mailtui-engine-updates", move || open_doors(open, &door_requests, &events))?;
    let mut outside = Outside { doors, engine: None, backlog: Vec::new() };
    let mut effects = early;
    if own || start.demo {
        effects.push(Effect::Open(first_door, Vec::new()));
    }
    effects.extend(update::update(&mut model, Message::Drawn));
    if let Some(exit) = outside.carry_out(effects) {
        return Ok(exit);
    }
    Loop { screen, model, outside, incoming, clock: start.clock }.run()
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map(|_| ())
}

/// Reads the terminal until the program ends; a blocked read dies with it.
fn read_input(events: &Sender<Event>) {
    loop {
        let (event, goes_on) = match crossterm::event::read() {
            Ok(event) => (Event::Input(event), true),
            Err(_) => (Event::InputGone, false),
        };
        if events.send(event).is_err() || !goes_on {
            return;
        }
    }
}

/// Opens mailboxes as asked and passes on what their engines say.
fn open_doors(mut open: Open, doors: &Receiver<(Door, Vec<PathBuf>)>, events: &Sender<Event>) {
    for (door, paths) in doors {
        let handle = match open(door, &paths) {
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

fn draw(screen: &mut Screen, model: &Model) -> std::io::Result<()> {
    screen.terminal.draw(|frame| {
        let area = frame.area();
        if let Some(caret) = view::draw(model, area, frame.buffer_mut()) {
            frame.set_cursor_position(caret);
        }
    })?;
    Ok(())
}

/// What effects act on.
struct Outside {
    doors: Sender<(Door, Vec<PathBuf>)>,
    engine: Option<Sender<Request>>,
    backlog: Vec<Request>,
}

impl Outside {
    /// Carries `effects` out; the exit, when one is among them.
    fn carry_out(&mut self, effects: Vec<Effect>) -> Option<UiExit> {
        for effect in effects {
            match (effect, &self.engine) {
                // A closed channel is told by the thread that reads the updates.
                (Effect::Ask(request), Some(engine)) => drop(engine.send(request)),
                (Effect::Ask(request), None) if self.backlog.len() < MAX_BACKLOG => {
                    self.backlog.push(request);
                }
                (Effect::Ask(_), None) => {}
                (Effect::Open(door, paths), _) => drop(self.doors.send((door, paths))),
                (Effect::Exit(exit), _) => return Some(exit),
            }
        }
        None
    }

    fn opened(&mut self, engine: Sender<Request>) {
        for request in self.backlog.drain(..) {
            drop(engine.send(request));
        }
        self.engine = Some(engine);
    }
}

struct Loop {
    screen: Screen,
    model: Model,
    outside: Outside,
    incoming: Receiver<Event>,
    clock: Box<dyn Clock>,
}

impl Loop {
    fn run(mut self) -> Result<UiExit, UiError> {
        let (mut drawn_at, mut key_at, mut hung_up) = (Instant::now(), Instant::now(), None);
        let mut waiting = Vec::new();
        loop {
            let frame = FRAME.saturating_sub(drawn_at.elapsed());
            let batch = self.batch(if waiting.is_empty() { self.tick() } else { frame });
            let (input, said) = sorted(batch);
            waiting.extend(said);
            if !input.is_empty() {
                key_at = Instant::now();
            }
            if input.iter().any(|event| matches!(event, Event::InputGone)) {
                hung_up = hung_up.or(Some(Instant::now()));
            }
            let time = update::update(&mut self.model, Message::Time(self.clock.now_ms()));
            let exit = self.outside.carry_out(time).or_else(|| self.take(input));
            if let Some(exit) = exit {
                return Ok(exit);
            }
            let soon = key_at.elapsed() < AFTER_KEY || hung_up.is_some();
            if !waiting.is_empty() && !soon && drawn_at.elapsed() < FRAME {
                continue;
            }
            // What the engine said changes the rows, so it is taken in only right before they are
            // drawn: between here and the frame no key can come.
            if let Some(exit) = self.take(std::mem::take(&mut waiting)) {
                return Ok(exit);
            }
            if let Some(at) = hung_up {
                if Instant::elapsed(&at) > HANGUP_PATIENCE {
                    return Ok(UiExit::Forced);
                }
                continue;
            }
            draw(&mut self.screen, &self.model)?;
            drawn_at = Instant::now();
            let effects = update::update(&mut self.model, Message::Drawn);
            if let Some(exit) = self.outside.carry_out(effects) {
                return Ok(exit);
            }
        }
    }

    /// How long may be waited for something to happen.
    fn tick(&self) -> Duration {
        let model = &self.model;
        let imports = model.import.as_ref().is_some_and(|import| !import.progress.ended);
        let reads = model.reader.as_ref().is_some_and(|reader| reader.messages.is_none());
        let busy = imports
            || reads
            || model.notice.is_some()
            || !model.sent.is_empty()
            || model.list.jumping()
            || !model.list.loaded
            || model.quitting == Quitting::Saving;
        if busy { TICK_BUSY } else { TICK_IDLE }
    }

    /// Waits for something to come; returns all that has.
    fn batch(&mut self, wait: Duration) -> Vec<Event> {
        let mut batch = Vec::new();
        match self.incoming.recv_timeout(wait) {
            Ok(event) => batch.push(event),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => batch.push(Event::InputGone),
        }
        while batch.len() < MAX_BATCH {
            let Ok(event) = self.incoming.try_recv() else { break };
            batch.push(event);
        }
        batch
    }

    fn take(&mut self, events: Vec<Event>) -> Option<UiExit> {
        events.into_iter().find_map(|event| {
            let messages = match event {
                Event::Input(input) => input_messages(input),
                Event::InputGone => vec![Message::Hangup],
                Event::Opened(door, engine) => {
                    self.outside.opened(engine);
                    vec![Message::Opened(door)]
                }
                Event::NotOpened(notice) => vec![Message::NotOpened(notice)],
                Event::Engine(update) => vec![Message::Engine(Box::new(update))],
                Event::EngineGone => vec![Message::EngineGone],
            };
            messages.into_iter().find_map(|message| {
                let effects = update::update(&mut self.model, message);
                self.outside.carry_out(effects)
            })
        })
    }
}

/// Input, and the rest; each in its order.
fn sorted(batch: Vec<Event>) -> (Vec<Event>, Vec<Event>) {
    batch.into_iter().partition(|event| matches!(event, Event::Input(_) | Event::InputGone))
}

fn input_messages(event: TerminalEvent) -> Vec<Message> {
    match event {
        TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => {
            keymap::keys(&key).into_iter().map(Message::Key).collect()
        }
        TerminalEvent::Paste(text) => vec![Message::Paste(text)],
        TerminalEvent::Resize(columns, rows) => vec![Message::Resize(columns, rows)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    #[test]
    fn requests_wait_until_the_mailbox_is_open_and_keep_their_order() {
        let (doors, opened) = channel();
        let mut outside = Outside { doors, engine: None, backlog: Vec::new() };
        let ask = |request| Effect::Ask(request);
        let exit =
            outside.carry_out(vec![ask(Request::Close), Effect::Open(Door::Own, Vec::new())]);
        assert_eq!((exit, opened.try_recv()), (None, Ok((Door::Own, Vec::new()))));
        let (engine, asked) = channel();
        outside.opened(engine);
        let exit = outside.carry_out(vec![ask(Request::StopImport), Effect::Exit(UiExit::Quit)]);
        assert_eq!(exit, Some(UiExit::Quit));
        assert!(matches!(asked.try_recv(), Ok(Request::Close)));
        assert!(matches!(asked.try_recv(), Ok(Request::StopImport)));
    }

    #[test]
    fn a_mailbox_that_cannot_be_opened_can_be_tried_again() {
        let ((doors, requests), (events, told)) = (channel(), channel());
        let mut tries = 0;
        let open: Open = Box::new(move |_, _| {
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

    #[test]
    fn keys_come_before_what_the_engine_said() {
        let key = |c| TerminalEvent::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        let (input, said) = sorted(vec![
            Event::Engine(Update::Changed),
            Event::Input(key('e')),
            Event::EngineGone,
            Event::Input(key('j')),
            Event::InputGone,
        ]);
        assert!(matches!(
            input[..],
            [Event::Input(TerminalEvent::Key(first)), Event::Input(_), Event::InputGone]
                if first.code == KeyCode::Char('e')
        ));
        assert!(matches!(said[..], [Event::Engine(_), Event::EngineGone]));
    }

    #[test]
    fn releases_and_mouse_are_no_input() {
        let mut key = KeyEvent::new(KeyCode::Char('e'), KeyModifiers::NONE);
        assert_eq!(input_messages(TerminalEvent::Key(key)).len(), 1);
        key.kind = KeyEventKind::Release;
        assert!(input_messages(TerminalEvent::Key(key)).is_empty());
        assert!(input_messages(TerminalEvent::FocusGained).is_empty());
    }
}
