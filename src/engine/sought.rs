//! The engine's thread and searches: what is found beside it becomes rows here.
//!
//! Invariant: the rows are as this device shows them when they are told, with what keys decided and
//! no disk has yet; nothing here waits for a search.

use std::time::Instant;

use super::{Engine, Searcher, Update};
use crate::engine::EngineError;
use crate::engine::coming::Input;
use crate::engine::elsewhere::{Both, FoundThere, Joined};
use crate::engine::handle::Request;
use crate::engine::search::Found;
use crate::engine::searcher::Said;
use crate::id::ThreadId;
use crate::limits::COMMIT_WITHIN;
use crate::notice::{Explain as _, Notice};
use crate::search::Snippet;

impl Engine {
    /// Starts who searches, where the wiring has said in what.
    pub(super) fn search_beside(&mut self) {
        let Some(shelf) = self.driver.device.shelf.take() else { return };
        self.both = shelf.kept_only.then(Both::default);
        let inputs = self.inputs.clone();
        let dir = self.driver.device.dir().to_owned();
        let tell = move |said| inputs.send(Input::Sought(said)).is_ok();
        self.searcher = Some(Searcher::start(dir, shelf, tell));
    }

    /// What a search asks.
    pub(super) fn of_search(&mut self, asks: Request) -> Result<(), EngineError> {
        match (asks, &self.searcher) {
            (Request::Rows { ticket, threads }, _) => {
                let rows = self.driver.device.rows(&threads)?;
                self.tell(Update::Rows(ticket, rows));
            }
            (Request::Search { ticket, sought, limit }, Some(searcher)) => {
                if let Some(both) = &mut self.both {
                    let device = &mut self.driver.device;
                    let frame = both.ask(ticket, &sought, limit, device.can_search_there());
                    if let Some(frame) = frame {
                        device.search_there(frame);
                    }
                }
                searcher.seek(ticket, sought, limit);
            }
            (Request::Search { ticket, .. }, None) => {
                let wrong = Notice::warning("no-index", "there is nothing to search here", "");
                self.tell(Update::Found(ticket, Found { wrong: Some(wrong), ..Found::default() }));
            }
            (Request::Searched(text), _) => {
                // It goes to disk with what is decided next, or soon.
                self.driver.device.remember_search(&text)?;
                self.due.get_or_insert_with(|| Instant::now() + COMMIT_WITHIN);
            }
            (Request::Divided(sizes), _) => {
                self.driver.device.remember_sizes(sizes)?;
                self.due.get_or_insert_with(|| Instant::now() + COMMIT_WITHIN);
            }
            (Request::StopSearch, Some(searcher)) => {
                searcher.stop();
                self.both = self.both.as_ref().map(|_| Both::default());
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells what threads beside this one say.
    pub(super) fn heard(&mut self, input: Input) {
        match input {
            Input::Import(progress) => self.tell(Update::Import(progress)),
            Input::Imported(notice) => self.tell(Update::Notice(notice)),
            Input::Sought(said) => self.tell_sought(said),
            _ => {}
        }
    }

    /// Tells what was found.
    fn tell_sought(&mut self, said: Said) {
        match said {
            Said::Snippets { ticket, of } => self.tell(Update::Snippets(ticket, of)),
            Said::Indexed(at) => self.tell(Update::Indexed(at)),
            Said::Found { ticket, hits, more, wrong } => {
                let both = self.both.as_mut();
                let joined = both.and_then(|both| both.found_here(ticket, &hits, more));
                let joined = joined.unwrap_or_else(|| Joined {
                    ticket,
                    roots: hits.into_iter().map(|hit| hit.root).collect(),
                    more,
                    ..Joined::default()
                });
                let lines = self.lines(&joined);
                self.tell(Update::Found(ticket, self.rows_of(joined, wrong)));
                self.tell_lines(ticket, lines);
            }
        }
    }

    /// The backend can be asked from now on: it is asked what was searched before.
    pub(super) fn search_again_there(&mut self) {
        if let Some(frame) = self.both.as_mut().and_then(Both::again) {
            self.driver.device.search_there(frame);
        }
    }

    /// The backend found something: it is told once what is here was.
    pub(super) fn found_there(&mut self, found: FoundThere) {
        let wrong = found.wrong.clone().map(|wrong| {
            Notice::warning(
                "search-there",
                format!("the backend: {wrong}"),
                "what is here was searched",
            )
        });
        let Some(joined) = self.both.as_mut().and_then(|both| both.found_there(found)) else {
            return;
        };
        let (ticket, lines) = (joined.ticket, self.lines(&joined));
        self.tell(Update::Elsewhere(ticket, self.rows_of(joined, wrong)));
        self.tell_lines(ticket, lines);
    }

    fn rows_of(&self, joined: Joined, wrong: Option<Notice>) -> Found {
        let Joined { roots, elsewhere, more, .. } = joined;
        let there = self.both.as_ref().map(|both| both.asked).unwrap_or_default();
        match self.driver.device.rows(&roots) {
            Ok(rows) => Found { rows, more, wrong, elsewhere, there },
            Err(error) => Found { wrong: Some(error.notice()), ..Found::default() },
        }
    }

    fn lines(&self, joined: &Joined) -> Vec<(ThreadId, Snippet)> {
        self.both.as_ref().map(|both| both.lines(&joined.elsewhere)).unwrap_or_default()
    }

    fn tell_lines(&self, ticket: u64, lines: Vec<(ThreadId, Snippet)>) {
        if !lines.is_empty() {
            self.tell(Update::Snippets(ticket, lines));
        }
    }
}
