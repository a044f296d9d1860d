//! The loop: input and the engine's updates → `update` → at most one frame.
//!
//! Invariant: a key never waits for disk or network. All that has come is taken in before a frame
//! is drawn, keys before the engine's updates, and these only right before the frame: so a key acts
//! on the rows that were on screen when it was pressed. The first frame is drawn before the mailbox
//! is opened. However the loop ends, what was decided is on disk before the program is gone.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crossterm::event::Event as TerminalEvent;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::command::bindings::Bindings;
use crate::command::context::Context;
use crate::engine::handle::{Request, Update};
use crate::engine::view::{Label, Page, Status};
use crate::mail::compose::Draft;
use crate::notice::{Exit, Explain, Notice};
use crate::ui::announce::{self, Tells};
use crate::ui::app::{Beginning, Door, Effect, Layer, Message, Model, Quitting, UiExit};
use crate::ui::asked::Ear;
use crate::ui::compose::desk::{DeskJob, EditorJob, EditorRun, Leftover};
use crate::ui::compose::keeping::PAUSE_MS;
use crate::ui::compose::rescue;
use crate::ui::first_run::FirstRun;
use crate::ui::gate::Gate;
use crate::ui::latency::Latency;
use crate::ui::look::Look;
use crate::ui::modes::Modes;
use crate::ui::outside::{Outside, Wish};
use crate::ui::pace::Pace;
use crate::ui::signals::{self, Told, Watch};
use crate::ui::sources::{self, AccountJob, Event, KeysJob, Open, SettingsJob};
use crate::ui::terminal::Screen;
use crate::ui::{input, look, update, view, which};

/// The most that is taken in before a frame is drawn.
const MAX_BATCH: usize = 1_000;
/// How often the clock is looked at while something on screen depends on it.
const TICK_BUSY: Duration = Duration::from_millis(250);
/// How often the clock is looked at otherwise: dates change at midnight.
const TICK_IDLE: Duration = Duration::from_secs(30);
/// How long the last saves may take once the terminal has hung up or a signal asks for the end.
const HANGUP_PATIENCE: Duration = Duration::from_secs(10);
/// How long they may take after a panic: nobody may be left to make them.
const CRASH_PATIENCE: Duration = Duration::from_secs(3);
/// How long the engine may take to come to rest before the program is stopped.
const PAUSE_PATIENCE: Duration = Duration::from_secs(5);

/// What the interface starts with.
pub struct Start {
    /// The first screen, read before the engine starts.
    pub first: Option<(Page, Vec<Label>, Status)>,
    /// The first run's choices, when there is no mailbox yet; nothing is opened before a choice.
    pub first_run: Option<FirstRun>,
    /// Whether opening the mailbox brings it to this format first, which takes a while.
    pub older: bool,
    /// Whether to open the sample mailbox at once.
    pub demo: bool,
    /// What is written on at once, and what is said of it.
    pub compose: Option<(Box<Draft>, Option<Notice>)>,
    /// How things look, and what else is set.
    pub look: Look,
    /// Tells when that changes.
    pub settings: SettingsJob,
    /// Whether the terminal can be asked for its background.
    pub asks: bool,
    /// The user's zone.
    pub zone: TimeZone,
    /// The clock.
    pub clock: Box<dyn Clock>,
    /// What the terminal may be told beside its cells.
    pub tells: Tells,
    /// What it can report.
    pub modes: Modes,
    /// Opens a mailbox.
    pub open: Open,
    /// Does what is asked of accounts.
    pub accounts: AccountJob,
    /// Reads files and says as whom is written.
    pub desk: DeskJob,
    /// What keys mean.
    pub keys: Bindings,
    /// Tells when that changes.
    pub keys_job: KeysJob,
    /// Runs the user's editor in the terminal that it is given.
    pub editor: EditorRun,
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

/// Runs the interface until the user quits; how it ended, and what is written and kept nowhere.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(start: Start) -> Result<(UiExit, Vec<Leftover>), UiError> {
    // Signals are watched before the terminal is changed: one that came too early left it so.
    let watch = Watch::new();
    let (events, incoming) = channel();
    let alarm = events.clone();
    // Nobody listens any more when the loop has ended already.
    let mut screen = open_screen(&start, move || drop(alarm.send(Event::Crashed)))?;
    let (own, asks) = (start.first_run.is_none(), start.asks);
    let first_door = if start.demo { Door::Demo } else { Door::Own };
    let mut model = Model::new(Beginning {
        now_ms: start.clock.now_ms(),
        zone: start.zone,
        theme: start.look.theme(),
        demo: start.demo,
        first: start.first,
        first_run: start.first_run,
    });
    look::begin(&mut model, start.look);
    crate::ui::asking::bound(&mut model, start.keys, false);
    model.older = start.older.then_some(model.now_ms);
    let (columns, rows) = Screen::size()?;
    if let Some((draft, told)) = start.compose {
        crate::ui::compose::opening::asked(&mut model, *draft, told);
    }
    // Nothing is asked for before the first frame: nobody is there yet to answer.
    let mut effects = update::update(&mut model, Message::Resize(columns, rows));
    draw(&mut screen, &model)?;
    if asks {
        Screen::ask_background()?;
    }
    let (doors, door_requests) = channel();
    let patience = HANGUP_PATIENCE.saturating_add(Duration::from_secs(1));
    let gate = sources::start(&events, watch, start.open, door_requests, patience, Ear::new(asks))?;
    let (accounts, asked) = channel();
    sources::attend_accounts(&events, start.accounts, asked)?;
    sources::attend_keys(&events, start.keys_job)?;
    let (desk, desk_asked) = channel();
    sources::attend_desk(&events, start.desk, desk_asked)?;
    sources::attend_settings(&events, start.settings)?;
    let mut outside = Outside::new(doors, accounts, desk);
    if own || start.demo {
        effects.push(Effect::Open(first_door, Vec::new()));
    }
    effects.extend(update::update(&mut model, Message::Drawn));
    if let Some(exit) = outside.carry_out(effects) {
        return Ok((exit, rescue::unkept(&model)));
    }
    let mut looping = Loop {
        screen,
        model,
        outside,
        incoming,
        early: VecDeque::new(),
        clock: start.clock,
        editor: start.editor,
        tells: start.tells,
        modes: start.modes,
        gate,
        pace: Pace::new(Instant::now()),
        latency: Latency::default(),
        ending: None,
    };
    // After a panic only `last_words` touches what it left behind.
    let ended = catch_unwind(AssertUnwindSafe(|| looping.run()));
    let exit = ended.unwrap_or_else(|_| looping.last_words());
    // Words that cannot be read any more after a panic are in the journal up to the last pause.
    let left = catch_unwind(AssertUnwindSafe(|| rescue::unkept(&looping.model)));
    Ok((exit, left.unwrap_or_default()))
}

fn open_screen(start: &Start, alarm: impl Fn() + Send + Sync + 'static) -> std::io::Result<Screen> {
    let look = &start.look;
    Screen::open(look.tells(start.tells), look.modes(start.modes), alarm)
}

fn draw(screen: &mut Screen, model: &Model) -> std::io::Result<()> {
    crate::crash::point("ui.frame");
    let drawing = view::drawing(model);
    screen.erase(drawing.as_ref())?;
    let anchors = if screen.tells.links { view::anchors(model) } else { Vec::new() };
    screen.paint.frame(model.size, anchors, |area, buf| view::draw(model, area, buf))?;
    screen.draw(drawing)
}

/// Why the program ends although no key asked for it, and until when it waits for the last saves.
#[derive(Debug, Clone, Copy)]
struct Ending {
    until: Instant,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Told,
    Interrupted,
    Crashed,
}

struct Loop {
    screen: Screen,
    model: Model,
    outside: Outside,
    incoming: Receiver<Event>,
    /// What came while something else was waited for.
    early: VecDeque<Event>,
    clock: Box<dyn Clock>,
    editor: EditorRun,
    /// What the terminal could be told, whatever is set.
    tells: Tells,
    /// What it could report.
    modes: Modes,
    gate: Gate,
    pace: Pace,
    latency: Latency,
    ending: Option<Ending>,
}

impl Loop {
    fn run(&mut self) -> UiExit {
        let mut waiting = Vec::new();
        loop {
            let wait = self.pace.wait(Instant::now()).unwrap_or_else(|| self.tick());
            let (input, said) = sorted(self.batch(wait));
            self.look_at(&input, &said);
            waiting.extend(said);
            let time = update::update(&mut self.model, Message::Time(self.clock.now_ms()));
            let exit = self.outside.carry_out(time).or_else(|| self.take(input));
            let exit = exit.or_else(|| self.grant(&mut waiting));
            if let Some(exit) = exit {
                return self.exit(exit);
            }
            if !self.pace.is_due(Instant::now()) && self.ending.is_none() {
                continue;
            }
            // What the engine said changes the rows, so it is taken in only right before they are
            // drawn: between here and the frame no key can come.
            if let Some(exit) = self.take(std::mem::take(&mut waiting)) {
                return self.exit(exit);
            }
            if let Some(ending) = self.ending {
                if Instant::now() >= ending.until {
                    return self.exit(UiExit::Forced);
                }
                continue;
            }
            if let Some(exit) = self.frame() {
                return self.exit(exit);
            }
        }
    }

    /// Draws a frame of the size that the terminal has now.
    fn frame(&mut self) -> Option<UiExit> {
        let drawn = Screen::size().and_then(|(columns, rows)| {
            let mut effects = Vec::new();
            if self.model.size != (columns, rows) {
                effects = update::update(&mut self.model, Message::Resize(columns, rows));
            }
            if let Some(figures) = self.latency.figures(self.model.latency.is_some()) {
                effects.extend(update::update(&mut self.model, Message::Measured(figures)));
            }
            draw(&mut self.screen, &self.model)?;
            self.latency.drawn();
            self.tell_terminal().map(|()| effects)
        });
        self.pace.drawn(Instant::now());
        let Ok(mut effects) = drawn else {
            // The terminal is gone.
            return self.end(How::Told);
        };
        effects.extend(update::update(&mut self.model, Message::Drawn));
        self.outside.carry_out(effects)
    }

    /// What the terminal gets beside the frame: the title, new mail, what is copied.
    fn tell_terminal(&mut self) -> std::io::Result<()> {
        self.screen.tells = self.model.look.tells(self.tells);
        self.screen.report(self.model.look.modes(self.modes))?;
        let unread = self.model.labels.iter().find(|label| label.id.as_str() == "inbox");
        let title = announce::title(unread.map_or(0, |inbox| inbox.unread_count));
        if let Some(text) = self.outside.copied.take() {
            self.screen.copy(&text)?;
        }
        self.screen.tell(&title, &std::mem::take(&mut self.outside.announced))
    }

    /// Begins to end without a key.
    fn end(&mut self, how: How) -> Option<UiExit> {
        let patience = if how == How::Crashed { CRASH_PATIENCE } else { HANGUP_PATIENCE };
        let until = Instant::now() + patience;
        match &mut self.ending {
            Some(ending) if how == How::Crashed => ending.how = how,
            Some(_) => {}
            None => self.ending = Some(Ending { until, how }),
        }
        let effects = update::update(&mut self.model, Message::Hangup);
        self.outside.carry_out(effects)
    }

    /// The exit, as the reason for the end has it.
    fn exit(&self, exit: UiExit) -> UiExit {
        match self.ending.map(|ending| ending.how) {
            Some(How::Crashed) => UiExit::Crashed,
            Some(How::Interrupted) if exit == UiExit::Quit => UiExit::Forced,
            _ => exit,
        }
    }

    /// After a panic in the loop itself: waits until what was decided is on disk.
    fn last_words(&mut self) -> UiExit {
        let until = Instant::now() + CRASH_PATIENCE;
        if let Some(engine) = self.outside.engine.take()
            && engine.send(Request::Quit).is_ok()
        {
            self.wait_for(until, |event| {
                matches!(event, Event::EngineGone | Event::Engine(Update::Ended))
            });
        }
        UiExit::Crashed
    }

    /// Waits for an event; what else comes until then is kept.
    fn wait_for(&mut self, until: Instant, what: impl Fn(&Event) -> bool) -> Option<Event> {
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match self.incoming.recv_timeout(left) {
                Ok(event) if what(&event) => return Some(event),
                Ok(event) => self.early.push_back(event),
                Err(_) => return None,
            }
        }
        None
    }

    /// How long may be waited for something to happen.
    fn tick(&self) -> Duration {
        let model = &self.model;
        let imports = model.import.as_ref().is_some_and(|import| !import.progress.ended);
        let reads = model.reader.as_ref().is_some_and(|reader| reader.messages.is_none());
        let adds = matches!(model.layers.last(), Some(Layer::Wizard(wizard)) if wizard.waits());
        let busy = imports
            || adds
            || reads
            || model.files.waits.is_some()
            || model.notice.is_some()
            || !model.sent.is_empty()
            || model.list.jumping()
            || crate::ui::search::saved::waits(model)
            || !model.list.loaded
            || model.quitting == Quitting::Saving;
        // It counts as read after a while.
        let reads = model.reader.as_ref().is_some_and(|reader| !reader.marked);
        let busy = busy || (reads && model.settings().mark_read_after.is_some());
        // What is typed goes into the journal at the first pause.
        let types = model.writing.open.as_ref().is_some_and(|open| open.changed.is_some());
        let pause = Duration::from_millis(PAUSE_MS.unsigned_abs());
        let busy = busy || !model.writing.held.is_empty() || !model.writing.leaving.is_empty();
        let tick = match (types, busy) {
            (true, _) => pause.min(TICK_BUSY),
            (false, true) => TICK_BUSY,
            (false, false) => TICK_IDLE,
        };
        let tick = update::refreshes_in(model).map_or(tick, |wait| wait.min(tick));
        which::wait(model).map_or(tick, |wait| wait.min(tick))
    }

    /// Waits for something to come; returns all that has.
    fn batch(&mut self, wait: Duration) -> Vec<Event> {
        let mut batch: Vec<Event> = self.early.drain(..).collect();
        if batch.is_empty() {
            match self.incoming.recv_timeout(wait) {
                Ok(event) => batch.push(event),
                // A terminal that is gone without a word is found out here.
                Err(RecvTimeoutError::Timeout) if Screen::size().is_err() => {
                    batch.push(Event::InputGone);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => batch.push(Event::InputGone),
            }
        }
        while batch.len() < MAX_BATCH {
            let Ok(event) = self.incoming.try_recv() else { break };
            batch.push(event);
        }
        batch
    }

    /// Decides by what came when the next frame is due.
    fn look_at(&mut self, input: &[Event], said: &[Event]) {
        self.latency.keys(input);
        let now = Instant::now();
        let resize = |event: &Event| {
            matches!(event, Event::Input(TerminalEvent::Resize(..), _) | Event::Told(_))
        };
        if input.iter().any(|event| !resize(event)) {
            self.pace.key(now);
        } else if said.iter().any(|event| !event.is_unasked())
            || !input.is_empty()
            || (said.is_empty() && self.pace.wait(now).is_none())
        {
            self.pace.news(now);
        } else if !said.is_empty() {
            self.pace.told();
        }
    }

    fn take(&mut self, events: Vec<Event>) -> Option<UiExit> {
        events.into_iter().find_map(|event| {
            let messages = match event {
                Event::Input(event, _) => {
                    self.outside.focus(&event);
                    input::messages(event, self.model.context() == Context::Compose)
                }
                Event::InputGone | Event::Told(Told::End) => return self.end(How::Told),
                Event::Told(Told::Interrupt) => return self.end(How::Interrupted),
                Event::Crashed => return self.end(How::Crashed),
                Event::Told(Told::Stop) => {
                    self.outside.wish = Some(Wish::Stop);
                    Vec::new()
                }
                Event::Told(Told::Continue) => return self.again(),
                // The frame asks for the size itself; it may be the one that it was before.
                Event::Told(Told::Size) => {
                    self.screen.repaint();
                    Vec::new()
                }
                Event::Opened(door, engine) => {
                    self.outside.opened(engine);
                    vec![Message::Opened(door)]
                }
                Event::NotOpened(notice) => vec![Message::NotOpened(notice)],
                Event::Keys(bound) => vec![Message::Keys(bound)],
                Event::Engine(update) => vec![Message::Engine(Box::new(update))],
                Event::Desk(said) => vec![Message::Desk(Box::new(said))],
                Event::Settings(loaded) => vec![Message::Settings(loaded)],
                Event::Background(ground) => vec![Message::Background(ground)],
                Event::EngineGone => vec![Message::EngineGone],
            };
            messages.into_iter().find_map(|message| {
                let effects = update::update(&mut self.model, message);
                self.outside.carry_out(effects)
            })
        })
    }

    /// Does what was asked of the loop. What the engine has said already is taken in before: that
    /// the mailbox is open may be among it.
    fn grant(&mut self, waiting: &mut Vec<Event>) -> Option<UiExit> {
        let wish = self.outside.wish.take()?;
        if let Some(exit) = self.take(std::mem::take(waiting)) {
            return Some(exit);
        }
        match wish {
            Wish::Redraw => self.again(),
            Wish::Edit(job) => self.edit(&job),
            Wish::Stop => self.suspend(),
            Wish::Suspend if signals::has_shell() => self.suspend(),
            Wish::Suspend => {
                let effects = update::update(&mut self.model, Message::NoShell);
                self.outside.carry_out(effects)
            }
        }
    }

    /// Waits until all that was asked of the engine is on disk; it rests until it is told to go on.
    fn settle(&mut self) -> Result<Option<Sender<Request>>, UiExit> {
        if self.outside.engine.is_none() && !self.outside.backlog.is_empty() {
            // What was decided before the mailbox was open is put on disk too.
            let opened = |event: &Event| matches!(event, Event::Opened(..) | Event::NotOpened(_));
            if let Some(event) = self.wait_for(Instant::now() + HANGUP_PATIENCE, opened)
                && let Some(exit) = self.take(vec![event])
            {
                return Err(exit);
            }
        }
        let engine = self.outside.engine.clone();
        if engine.as_ref().is_some_and(|engine| engine.send(Request::Pause).is_ok()) {
            self.wait_for(Instant::now() + PAUSE_PATIENCE, |event| {
                matches!(event, Event::Engine(Update::Paused) | Event::EngineGone)
            });
        }
        Ok(engine)
    }

    /// Gives the terminal to the shell and stops; returns when the program goes on. No transaction
    /// of the engine is open meanwhile.
    fn suspend(&mut self) -> Option<UiExit> {
        let engine = match self.settle() {
            Ok(engine) => engine,
            Err(exit) => return Some(exit),
        };
        self.screen.leave();
        // When it cannot be stopped it goes on at once.
        let _ = signals::stop();
        if let Some(engine) = engine {
            drop(engine.send(Request::Resume));
        }
        self.again()
    }

    /// Gives the terminal to the editor, and takes back what it wrote.
    fn edit(&mut self, job: &EditorJob) -> Option<UiExit> {
        // The journal has what was typed before the editor has the terminal, for as long as it
        // wants; and nothing that is older than its text comes to the journal behind that.
        match self.settle() {
            Ok(engine) => drop(engine.map(|engine| engine.send(Request::Resume))),
            Err(exit) => return Some(exit),
        }
        // The editor's own C-c is no word to us; what else came meanwhile is taken in behind it.
        let shut = self.gate.shut();
        self.screen.leave();
        let said = (self.editor)(job);
        drop(shut);
        let told = |event: &Event| !matches!(event, Event::Told(Told::Interrupt));
        self.early.extend(self.incoming.try_iter().filter(told));
        if self.screen.retake().is_err() {
            return self.end(How::Told);
        }
        let effects = update::update(&mut self.model, Message::Edited(Box::new(said)));
        self.outside.carry_out(effects).or_else(|| self.again())
    }

    /// Takes the terminal again, and draws everything.
    fn again(&mut self) -> Option<UiExit> {
        if self.screen.retake().is_err() {
            return self.end(How::Told);
        }
        self.pace.key(Instant::now());
        None
    }
}

/// Input, and the rest; each in its order.
fn sorted(batch: Vec<Event>) -> (Vec<Event>, Vec<Event>) {
    batch.into_iter().partition(Event::is_input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    #[test]
    fn keys_come_before_what_the_engine_said() {
        let key = |c| TerminalEvent::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        let (input, said) = sorted(vec![
            Event::Engine(Update::Changed),
            Event::Input(key('e'), Instant::now()),
            Event::EngineGone,
            Event::Input(key('j'), Instant::now()),
            Event::InputGone,
        ]);
        assert!(matches!(
            input[..],
            [Event::Input(TerminalEvent::Key(first), _), Event::Input(..), Event::InputGone]
                if first.code == KeyCode::Char('e')
        ));
        assert!(matches!(said[..], [Event::Engine(_), Event::EngineGone]));
    }
}
