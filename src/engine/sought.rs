//! The engine's thread and searches: what is found beside it becomes rows here.
//!
//! Invariant: the rows are as this device shows them when they are told, with what keys decided and
//! no disk has yet; nothing here waits for a search.

use std::time::Instant;

use super::{Engine, Searcher, Update};
use crate::engine::EngineError;
use crate::engine::coming::Input;
use crate::engine::handle::Request;
use crate::engine::search::Found;
use crate::engine::searcher::Said;
use crate::limits::COMMIT_WITHIN;
use crate::notice::{Explain as _, Notice};

impl Engine {
    /// Starts who searches, where the wiring has said in what.
    pub(super) fn search_beside(&mut self) {
        let Some(shelf) = self.driver.device.shelf.take() else { return };
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
            (Request::StopSearch, Some(searcher)) => {
                searcher.stop();
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells what threads beside this one say.
    pub(super) fn heard(&self, input: Input) {
        match input {
            Input::Import(progress) => self.tell(Update::Import(progress)),
            Input::Imported(notice) => self.tell(Update::Notice(notice)),
            Input::Sought(said) => self.tell_sought(said),
            _ => {}
        }
    }

    /// Tells what was found.
    fn tell_sought(&self, said: Said) {
        match said {
            Said::Snippets { ticket, of } => self.tell(Update::Snippets(ticket, of)),
            Said::Indexed(at) => self.tell(Update::Indexed(at)),
            Said::Found { ticket, roots, more, wrong } => {
                let found = match self.driver.device.rows(&roots) {
                    Ok(rows) => Found { rows, more, wrong },
                    Err(error) => Found { wrong: Some(error.notice()), ..Found::default() },
                };
                self.tell(Update::Found(ticket, found));
            }
        }
    }
}
