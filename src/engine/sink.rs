//! Import against a remote backend: raw messages go there, and it does what its own mail edge does.
//!
//! Invariant: outcomes come back in the order of submission, and each is durable; sending the same
//! again is safe.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;

use serde::de::DeserializeOwned;

use crate::bridge::{Follow, Followed, Incoming, MailSink, Outcome, SinkError};
use crate::engine::link::LinkEvent;
use crate::engine::{Driver, EngineError};
use crate::id::ThreadId;
use crate::notice::{Explain as _, Notice};
use crate::sync::{Bytes, IngestMessage};

/// Batches under way at a time.
const WINDOW: usize = 2;

/// The sink of a device with a remote backend.
#[derive(Debug)]
pub struct RemoteSink<'a> {
    driver: &'a mut Driver,
    events: &'a Receiver<LinkEvent>,
    under_way: VecDeque<u64>,
}

impl<'a> RemoteSink<'a> {
    /// A sink over a connected device.
    #[must_use]
    pub fn new(driver: &'a mut Driver, events: &'a Receiver<LinkEvent>) -> Self {
        Self { driver, events, under_way: VecDeque::new() }
    }

    fn answer(&mut self) -> Result<Vec<Outcome>, SinkError> {
        let Some(seq) = self.under_way.pop_front() else { return Ok(Vec::new()) };
        from_wire(self.answer_to(seq)?)
    }

    fn answer_to(&mut self, seq: u64) -> Result<Vec<serde_json::Value>, SinkError> {
        let mut answer = None;
        self.driver
            .until(self.events, None, |driver| {
                answer = driver.device.take_ingested(seq);
                Ok(answer.is_some())
            })
            .map_err(|error| stop(&error))?;
        Ok(answer.unwrap_or_default())
    }
}

/// Messages as the wire has them.
#[must_use]
pub fn to_wire(batch: Vec<Incoming>) -> Vec<IngestMessage> {
    let message = |incoming: Incoming| IngestMessage {
        raw: Bytes(incoming.raw),
        folder: serde_json::to_value(incoming.folder).unwrap_or_default(),
        flags: serde_json::to_value(incoming.flags).unwrap_or_default(),
        file_time: incoming.file_time,
    };
    batch.into_iter().map(message).collect()
}

/// Changes as the wire has them.
#[must_use]
pub fn changes_to_wire(changes: &[Follow]) -> Vec<serde_json::Value> {
    changes.iter().map(|change| serde_json::to_value(change).unwrap_or_default()).collect()
}

/// What became of messages or changes, from the wire.
///
/// # Errors
/// When it is not what a backend says.
pub fn from_wire<T: DeserializeOwned>(
    outcomes: Vec<serde_json::Value>,
) -> Result<Vec<T>, SinkError> {
    let outcomes = outcomes.into_iter().map(serde_json::from_value);
    outcomes.collect::<Result<_, _>>().map_err(|error| {
        SinkError(Notice::error("protocol", error.to_string(), "is it a mailtui backend?"))
    })
}

fn stop(error: &EngineError) -> SinkError {
    SinkError(error.notice())
}

impl MailSink for RemoteSink<'_> {
    fn submit(&mut self, batch: Vec<Incoming>) -> Result<Vec<Outcome>, SinkError> {
        let seq = self.driver.ask_ingest(to_wire(batch)).map_err(|error| stop(&error))?;
        self.under_way.push_back(seq);
        if self.under_way.len() > WINDOW { self.answer() } else { Ok(Vec::new()) }
    }

    fn finish(&mut self) -> Result<Vec<Outcome>, SinkError> {
        let mut outcomes = Vec::new();
        while !self.under_way.is_empty() {
            outcomes.extend(self.answer()?);
        }
        self.driver.synchronise(self.events).map_err(|error| stop(&error))?;
        Ok(outcomes)
    }

    fn follow(&mut self, changes: Vec<Follow>) -> Result<Vec<Followed>, SinkError> {
        let asked = self.driver.ask_follow(changes_to_wire(&changes));
        let seq = asked.map_err(|error| stop(&error))?;
        from_wire(self.answer_to(seq)?)
    }

    fn roots(&mut self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, SinkError> {
        self.driver.device.roots(threads).map_err(|error| stop(&error))
    }
}
