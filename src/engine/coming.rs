//! What comes to the engine's thread, and what of it waits.
//!
//! Invariant: frames wait in order, and so do requests; while pages are taken in nothing is
//! answered and nothing is lost.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::engine::MailboxPage;
use crate::engine::handle::Request;
use crate::engine::link::LinkEvent;
use crate::engine::searcher::Said;
use crate::engine::side_door::Task;
use crate::engine::slice::{NEXT_PAGE, mailbox_page};
use crate::engine::syncer::Written;
use crate::engine::view::{ImportProgress, Window};
use crate::id::LabelId;
use crate::notice::Notice;

/// A list and the part of it that is shown.
pub(super) type Listed = (LabelId, Window);

/// What wakes the engine's thread.
pub(super) enum Input {
    Request(Request),
    Run(Task),
    Link(LinkEvent),
    Import(ImportProgress),
    Imported(Notice),
    Sought(Said),
    Synced(Written, Result<(), Notice>),
}

impl From<LinkEvent> for Input {
    fn from(event: LinkEvent) -> Self {
        Self::Link(event)
    }
}

/// Whether a request comes of a key: rows that are asked for again come of rows that changed.
pub(super) fn is_key(request: &Request, listed: Option<&Listed>) -> bool {
    match request {
        Request::List { label, window, .. } => {
            listed.is_none_or(|listed| (&listed.0, &listed.1) != (label, window))
        }
        Request::Rows { .. }
        | Request::Prefetch(_)
        | Request::People
        | Request::Stats(_)
        | Request::Original(_)
        | Request::Resume => false,
        _ => true,
    }
}

/// What comes, and what waits.
pub(super) struct Coming<'a> {
    inputs: &'a Receiver<Input>,
    /// The link's events.
    pub(super) waiting: VecDeque<LinkEvent>,
    /// What came while pages were taken in.
    pub(super) held: VecDeque<Input>,
}

impl<'a> Coming<'a> {
    /// Of a channel.
    pub(super) const fn new(inputs: &'a Receiver<Input>) -> Self {
        Self { inputs, waiting: VecDeque::new(), held: VecDeque::new() }
    }

    /// The next input, waited for at most so long.
    pub(super) fn next(&mut self, wait: Duration) -> Result<Input, RecvTimeoutError> {
        self.held.pop_front().map_or_else(|| self.inputs.recv_timeout(wait), Ok)
    }

    /// The next page, where nothing else is to be done first: a key, or an end of the link. Where
    /// the device is `behind`, it is waited for.
    pub(super) fn page(&mut self, behind: bool, listed: Option<&Listed>) -> Option<MailboxPage> {
        let wait = if behind { NEXT_PAGE } else { Duration::ZERO };
        while let Ok(input) = self.inputs.try_recv() {
            self.put(input);
        }
        while !self.urgent(listed) {
            if let Some(event) = self.waiting.pop_front() {
                return mailbox_page(event).map_err(|event| self.waiting.push_front(event)).ok();
            }
            let input = self.inputs.recv_timeout(wait).ok()?;
            self.put(input);
        }
        None
    }

    fn put(&mut self, input: Input) {
        match input {
            Input::Link(event) => self.waiting.push_back(event),
            other => self.held.push_back(other),
        }
    }

    fn urgent(&self, listed: Option<&Listed>) -> bool {
        self.held.iter().any(|input| match input {
            Input::Request(request) => is_key(request, listed),
            Input::Run(_) => true,
            _ => false,
        })
    }
}
