//! The loop of the interface as lines: a line is typed, what changed is said.
//!
//! Invariant: the same model and commands as on the screen; no byte moves a cursor. A line waits
//! until what the line before it asked for is answered, so that a script hears what it did.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crossterm::event::Event as TerminalEvent;

use crate::clock::Clock;
use crate::command::context::Context;
use crate::command::key::Key;
use crate::ui::app::{Beginning, Door, Effect, Message, Model, Quitting, UiExit};
use crate::ui::compose::composer::Composer;
use crate::ui::compose::desk::Leftover;
use crate::ui::compose::rescue;
use crate::ui::event_loop::{Start, UiError};
use crate::ui::linear::{self, Said};
use crate::ui::linear_write;
use crate::ui::outside::Outside;
use crate::ui::sources::{self, Event};
use crate::ui::{look, update};

/// How long an answer is waited for before the next line is taken.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(250);
/// What is said first.
const HOW: &str = "Type keys or commands, each line ends with Enter; help lists them, q quits.";

/// Runs the interface as lines, until the user quits or nothing more is typed.
///
/// # Errors
/// When nothing can be written.
pub fn run(start: Start, out: &mut dyn Write) -> Result<(UiExit, Vec<Leftover>), UiError> {
    let (events, incoming) = channel();
    let (own, demo) = (start.first_run.is_none(), start.demo);
    let mut model = Model::new(Beginning {
        now_ms: start.clock.now_ms(),
        zone: start.zone,
        theme: crate::ui::theme::Theme::new(false),
        demo: false,
        first: start.first,
        first_run: start.first_run,
    });
    look::begin(&mut model, start.look);
    model.theme = crate::ui::theme::Theme::new(false);
    linear::begin(&mut model);
    crate::ui::asking::bound(&mut model, start.keys, false);
    let mut effects = update::update(&mut model, Message::Resize(linear::SIZE.0, linear::SIZE.1));
    let (doors, door_requests) = channel();
    sources::start_lines(&events, start.open, door_requests)?;
    let (accounts, asked) = channel();
    sources::attend_accounts(&events, start.accounts, asked)?;
    let (desk, desk_asked) = channel();
    sources::attend_desk(&events, start.desk, desk_asked)?;
    let outside = Outside::new(doors, accounts, desk);
    if own || demo {
        let door = if demo { Door::Demo } else { Door::Own };
        effects.push(Effect::Open(door, Vec::new()));
    }
    let mut lines =
        Lines { model, outside, incoming, clock: start.clock, said: Said::default(), out };
    lines.write(&[HOW.to_owned()])?;
    let ended = lines.outside.carry_out(effects);
    let exit = match ended {
        Some(exit) => exit,
        None => lines.run()?,
    };
    let left = rescue::unkept(&lines.model);
    Ok((exit, left))
}

struct Lines<'a> {
    model: Model,
    outside: Outside,
    incoming: Receiver<Event>,
    clock: Box<dyn Clock>,
    said: Said,
    out: &'a mut dyn Write,
}

impl Lines<'_> {
    fn run(&mut self) -> Result<UiExit, UiError> {
        let mut typed = std::collections::VecDeque::new();
        let mut over = false;
        let mut since = Instant::now();
        loop {
            let rests = self.rests() || since.elapsed() > PATIENCE;
            if rests {
                if let Some(exit) = self.seen() {
                    return Ok(exit);
                }
                self.say()?;
                let line: Option<String> = typed.pop_front();
                let writes = self.model.context() == Context::Compose;
                let keys = match (line, over) {
                    (Some(line), _) if writes => {
                        since = Instant::now();
                        if let Some(exit) = self.written(&line)? {
                            return Ok(exit);
                        }
                        continue;
                    }
                    (Some(line), _) => match linear::keys(&self.model, &line) {
                        Ok(keys) => keys,
                        Err(said) => {
                            self.write(&[said])?;
                            continue;
                        }
                    },
                    // Nothing more is typed: as if the terminal were gone.
                    (None, true) if self.model.quitting == Quitting::No => {
                        if let Some(exit) = self.tell(Message::Hangup) {
                            return Ok(exit);
                        }
                        Vec::new()
                    }
                    (None, _) => Vec::new(),
                };
                if !keys.is_empty() {
                    since = Instant::now();
                    if let Some(exit) = self.press(keys) {
                        return Ok(exit);
                    }
                    continue;
                }
            }
            match self.incoming.recv_timeout(TICK) {
                Ok(Event::Input(TerminalEvent::Paste(line), _)) => typed.push_back(line),
                Ok(Event::InputGone) | Err(RecvTimeoutError::Disconnected) => over = true,
                Ok(event) => {
                    if let Some(exit) = self.take(event) {
                        return Ok(exit);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Message::Time(self.clock.now_ms());
            if let Some(exit) = self.tell(now) {
                return Ok(exit);
            }
        }
    }

    /// Whether all that was asked is answered.
    fn rests(&self) -> bool {
        let model = &self.model;
        let reads = model.reader.as_ref().is_some_and(|reader| reader.messages.is_none());
        let past = model.history.as_ref().is_some_and(|history| !history.loaded);
        let opens = model.open || model.first_run_waits();
        let writing = &model.writing;
        let waits = |composer: &Composer| composer.waits.is_some() || !composer.coming.is_empty();
        let writes = writing.open.as_deref().is_some_and(waits) || !writing.leaving.is_empty();
        opens && model.sent.is_empty() && model.list.is_settled() && !reads && !past && !writes
    }

    fn press(&mut self, keys: Vec<Key>) -> Option<UiExit> {
        for key in keys {
            if let Some(exit) = self.tell(Message::Key(key)) {
                return Some(exit);
            }
        }
        None
    }

    /// Takes in a line of a message that is being written.
    fn written(&mut self, line: &str) -> std::io::Result<Option<UiExit>> {
        let (effects, said) = linear_write::type_line(&mut self.model, line);
        self.write(&said)?;
        let exit = self.carry_out(effects);
        // What follows from any message follows from this one too.
        Ok(exit.or_else(|| self.tell(Message::Time(self.clock.now_ms()))))
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Option<UiExit> {
        let exit = self.outside.carry_out(effects);
        // No other program gets the terminal, and nothing is announced beside the lines.
        self.outside.wish = None;
        self.outside.announced.clear();
        self.outside.copied = None;
        exit
    }

    /// What was said counts as seen.
    fn seen(&mut self) -> Option<UiExit> {
        self.tell(Message::Drawn)
    }

    fn say(&mut self) -> std::io::Result<()> {
        let lines = linear::changed(&self.model, &mut self.said);
        self.write(&lines)
    }

    fn write(&mut self, lines: &[String]) -> std::io::Result<()> {
        for line in lines {
            writeln!(self.out, "{line}")?;
        }
        if lines.is_empty() { Ok(()) } else { self.out.flush() }
    }

    fn tell(&mut self, message: Message) -> Option<UiExit> {
        let effects = update::update(&mut self.model, message);
        self.carry_out(effects)
    }

    fn take(&mut self, event: Event) -> Option<UiExit> {
        let message = match event {
            Event::Opened(door, engine) => {
                self.outside.opened(engine);
                Message::Opened(door)
            }
            Event::NotOpened(notice) => Message::NotOpened(notice),
            Event::Engine(update) => Message::Engine(Box::new(update)),
            Event::Desk(said) => Message::Desk(Box::new(said)),
            Event::EngineGone => Message::EngineGone,
            _ => return None,
        };
        let exit = self.tell(message);
        // Its steps are about a screen.
        self.model.tour = None;
        exit
    }
}
