//! What effects act on: the engine, the threads that do what is asked, the loop itself.
//!
//! Invariant: nothing here waits; what is asked before the mailbox is open is kept, in its order.

use std::path::PathBuf;
use std::sync::mpsc::Sender;

use crossterm::event::Event as TerminalEvent;

use crate::engine::accounts::AccountAsk;
use crate::engine::handle::Request;
use crate::ui::app::{Door, Effect, UiExit};
use crate::ui::compose::desk::{DeskAsk, EditorJob};

/// The most requests that are kept until the mailbox is open.
const MAX_BACKLOG: usize = 1_000;

/// What is asked of the loop itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// To stop, as the shell's job: a key asked for it.
    Suspend,
    /// To stop: a signal asked for it.
    Stop,
    /// To draw everything again.
    Redraw,
    /// To give the terminal to the editor.
    Edit(Box<EditorJob>),
}

/// What effects act on.
pub(super) struct Outside {
    pub(super) doors: Sender<(Door, Vec<PathBuf>)>,
    pub(super) accounts: Sender<AccountAsk>,
    pub(super) engine: Option<Sender<Request>>,
    pub(super) backlog: Vec<Request>,
    pub(super) wish: Option<Wish>,
    /// New mail that the terminal is to be told.
    pub(super) announced: Vec<String>,
    /// The terminal says that it has the focus: what is new is seen there.
    pub(super) focused: bool,
    /// What is to be copied, the last of it counts.
    pub(super) copied: Option<String>,
    /// What is asked of the desk.
    pub(super) desk: Sender<DeskAsk>,
}

impl Outside {
    /// Before a mailbox is open.
    pub(super) fn new(
        doors: Sender<(Door, Vec<PathBuf>)>,
        accounts: Sender<AccountAsk>,
        desk: Sender<DeskAsk>,
    ) -> Self {
        Self {
            doors,
            accounts,
            engine: None,
            backlog: Vec::new(),
            wish: None,
            announced: Vec::new(),
            focused: false,
            copied: None,
            desk,
        }
    }

    /// Carries `effects` out; the exit, when one is among them.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) -> Option<UiExit> {
        for effect in effects {
            match (effect, &self.engine) {
                // A closed channel is told by the thread that reads the updates.
                (Effect::Ask(request), Some(engine)) => drop(engine.send(request)),
                (Effect::Ask(request), None) if self.backlog.len() < MAX_BACKLOG => {
                    self.backlog.push(request);
                }
                (Effect::Ask(_), None) => {}
                (Effect::Open(door, paths), _) => drop(self.doors.send((door, paths))),
                (Effect::Suspend, _) => self.wish = Some(Wish::Suspend),
                (Effect::Account(ask), _) => drop(self.accounts.send(ask)),
                (Effect::Announce(_), _) if self.focused => {}
                (Effect::Announce(line), _) => self.announced.push(line),
                (Effect::Copy(text), _) => self.copied = Some(text),
                (Effect::Redraw, _) => drop(self.wish.get_or_insert(Wish::Redraw)),
                (Effect::Desk(ask), _) => drop(self.desk.send(ask)),
                (Effect::Edit(job), _) => self.wish = Some(Wish::Edit(job)),
                (Effect::Exit(exit), _) => return Some(exit),
            }
        }
        None
    }

    /// Remembers whether the terminal has the focus, where it says so.
    pub(super) const fn focus(&mut self, event: &TerminalEvent) {
        match event {
            TerminalEvent::FocusGained => self.focused = true,
            TerminalEvent::FocusLost => self.focused = false,
            _ => {}
        }
    }

    pub(super) fn opened(&mut self, engine: Sender<Request>) {
        for request in self.backlog.drain(..) {
            drop(engine.send(request));
        }
        self.engine = Some(engine);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn requests_wait_until_the_mailbox_is_open_and_keep_their_order() {
        let (doors, opened) = channel();
        let mut outside = Outside {
            doors,
            accounts: channel().0,
            engine: None,
            backlog: Vec::new(),
            wish: None,
            announced: Vec::new(),
            focused: false,
            copied: None,
            desk: channel().0,
        };
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
        // New mail is announced where nobody is known to look.
        for (event, announced) in [
            (TerminalEvent::FocusGained, 0),
            (TerminalEvent::FocusLost, 1),
            (TerminalEvent::FocusGained, 1),
        ] {
            outside.focus(&event);
            outside.carry_out(vec![Effect::Announce("a".to_owned())]);
            assert_eq!(outside.announced.len(), announced, "{event:?}");
        }
    }
}
