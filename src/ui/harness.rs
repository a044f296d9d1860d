//! Drives the whole model by key strings on a screen of cells.
//!
//! `Screen::new(double).press("jjxe<Esc>z")` presses keys, lets the double answer each, draws after
//! every step as the event loop does, and checks what must hold of every frame.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::{Beginning, Door, Effect, Message, Model, UiExit};
use super::compose::desk::{DeskAsk, EditorJob};
use super::double::{Double, NOW_MS};
use super::first_run::FirstRun;
use super::theme::Theme;
use super::{text, update, view};
use crate::command::key::Key;
use crate::engine::accounts::AccountAsk;
use crate::engine::handle::Request;

/// A model with a screen and an engine's double.
pub(crate) struct Screen {
    pub(crate) model: Model,
    pub(crate) double: Double,
    pub(crate) exit: Option<UiExit>,
    pub(crate) opened: Vec<Door>,
    /// Requests that wait while the double is paused.
    pub(crate) waiting: Vec<Request>,
    pub(crate) paused: bool,
    pub(crate) announced: Vec<String>,
    pub(crate) copied: Vec<String>,
    pub(crate) asked: Vec<AccountAsk>,
    pub(crate) desk: Vec<DeskAsk>,
    pub(crate) edits: Vec<EditorJob>,
    buffer: Buffer,
}

impl Screen {
    pub(crate) fn new(double: Double, columns: u16, rows: u16) -> Self {
        let mut screen = Self::closed(double, columns, rows, None);
        screen.send(Message::Opened(Door::Own));
        screen.labels();
        screen
    }

    pub(crate) fn first_run(told: FirstRun, columns: u16, rows: u16) -> Self {
        Self::closed(Double::sample(), columns, rows, Some(told))
    }

    /// The screen while the mailbox is brought to this format.
    pub(crate) fn older(columns: u16, rows: u16) -> Self {
        let mut screen = Self::closed(Double::sample(), columns, rows, None);
        screen.model.older = Some(NOW_MS);
        screen
    }

    /// The screen of an opened mailbox that has not answered yet.
    pub(crate) fn unanswered(columns: u16, rows: u16) -> Self {
        let mut screen = Self::closed(Double::sample(), columns, rows, None);
        screen.paused = true;
        screen.send(Message::Opened(Door::Own));
        screen
    }

    fn closed(double: Double, columns: u16, rows: u16, told: Option<FirstRun>) -> Self {
        let model = Model::new(Beginning {
            now_ms: NOW_MS,
            zone: jiff::tz::TimeZone::UTC,
            theme: Theme::new(true),
            demo: false,
            first: None,
            first_run: told,
        });
        let mut screen = Self {
            model,
            double,
            exit: None,
            opened: Vec::new(),
            waiting: Vec::new(),
            paused: false,
            announced: Vec::new(),
            copied: Vec::new(),
            asked: Vec::new(),
            desk: Vec::new(),
            edits: Vec::new(),
            buffer: Buffer::empty(Rect::new(0, 0, columns, rows)),
        };
        screen.send(Message::Resize(columns, rows));
        screen
    }

    pub(crate) fn labels(&mut self) {
        let labels = crate::engine::handle::Update::Labels(self.double.labels());
        self.send(Message::Engine(Box::new(labels)));
        let status = crate::engine::handle::Update::Status(Double::status());
        self.send(Message::Engine(Box::new(status)));
    }

    /// Sends one message, and whatever the double answers, then draws.
    pub(crate) fn send(&mut self, message: Message) {
        let effects = update::update(&mut self.model, message);
        self.carry_out(effects);
        self.draw();
        let effects = update::update(&mut self.model, Message::Drawn);
        self.carry_out(effects);
        self.draw();
    }

    /// Carries out what something else than a message asked for, then draws.
    pub(crate) fn follow(&mut self, effects: Vec<Effect>) {
        self.carry_out(effects);
        self.draw();
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(request) => self.waiting.push(request),
                Effect::Open(door, _) => {
                    self.opened.push(door);
                    let effects = update::update(&mut self.model, Message::Opened(door));
                    self.carry_out(effects);
                }
                Effect::Suspend | Effect::Redraw => {}
                Effect::Desk(ask) => self.desk.push(ask),
                Effect::Edit(job) => self.edits.push(*job),
                Effect::Account(ask) => self.asked.push(ask),
                Effect::Copy(text) => self.copied.push(text),
                Effect::Announce(line) => self.announced.push(line),
                Effect::Exit(exit) => self.exit = Some(exit),
            }
        }
        while !self.paused && !self.waiting.is_empty() {
            let request = self.waiting.remove(0);
            for answer in self.double.answer(request) {
                let effects = update::update(&mut self.model, Message::Engine(Box::new(answer)));
                self.carry_out(effects);
            }
        }
    }

    /// Lets the double answer again.
    pub(crate) fn resume(&mut self) {
        self.paused = false;
        self.carry_out(Vec::new());
        self.draw();
    }

    /// Presses keys: characters, and names in angle brackets.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        for key in parse(keys) {
            self.send(Message::Key(key));
        }
        self
    }

    pub(crate) fn draw(&mut self) {
        self.buffer.reset();
        view::draw(&self.model, self.buffer.area, &mut self.buffer);
        self.check();
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.buffer.resize(Rect::new(0, 0, columns, rows));
        self.send(Message::Resize(columns, rows));
    }

    /// What holds of every frame.
    fn check(&self) {
        for cell in &self.buffer().content {
            assert!(!cell.symbol().chars().any(char::is_control), "{:?}", cell.symbol());
        }
        let list = &self.model.list;
        assert!(list.cursor < list.rows.len().max(1), "cursor {}", list.cursor);
        let visible = list.top..list.top + list.height.max(1);
        assert!(visible.contains(&list.cursor), "cursor {} not in {visible:?}", list.cursor);
        if let Some(reader) = &self.model.reader {
            assert!(reader.top <= reader.last_top());
        }
    }

    pub(crate) fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The screen as text; wide characters take their two columns.
    pub(crate) fn text(&self) -> String {
        let buffer = self.buffer();
        let mut out = String::new();
        for y in 0..buffer.area.height {
            let mut line = String::new();
            let mut x = 0;
            while x < buffer.area.width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += u16::try_from(text::width(symbol)).unwrap().max(1);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    pub(crate) fn subject(&self) -> String {
        let row = self.model.list.current();
        row.and_then(|row| row.subject.clone()).unwrap_or_default()
    }
}

pub(crate) fn parse(keys: &str) -> Vec<Key> {
    let mut out = Vec::new();
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        if let Some((key, after)) = named.and_then(|(name, rest)| Some((Key::parse(name)?, rest))) {
            out.push(key);
            rest = after;
        } else {
            out.push(Key::plain(crate::command::key::Code::Char(c)));
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}
