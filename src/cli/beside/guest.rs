//! The side of a writing command whose directory another process owns.
//!
//! Invariant: what it shows it reads from the files, as every command does; only what changes
//! something goes to the owner. A connection that ends without an answer is never taken for done.

use std::io;
use std::os::unix::net::UnixStream;

use super::{Answer, Lines, NAME, Request};
use crate::bridge::{Follow, Followed, Incoming, MailSink, Outcome, SinkError};
use crate::cli::home::Home;
use crate::command::intent::Intent;
use crate::engine::elsewhere::FoundThere;
use crate::engine::errands::Question;
use crate::engine::link::SILENCE;
use crate::engine::policy::Policy;
use crate::engine::view::Done;
use crate::engine::{Device, KeptSum, changes_to_wire, from_wire, to_wire};
use crate::id::{BlobHash, ThreadId};
use crate::limits::{HELLO_TIMEOUT, MAX_FRAME_BYTES, MAX_HELLO_BYTES};
use crate::notice::{Exit, Explain as _, Notice};
use crate::sync::{PurgeOrder, PurgedRow};

/// A command beside the owner of its directory.
#[derive(Debug)]
pub(in crate::cli) struct Guest {
    lines: Lines,
    device: Device,
}

/// Why something was not done.
#[derive(Debug)]
pub(in crate::cli) enum Lost {
    /// The owner said no.
    Refused(Notice),
    /// The owner gave the directory up before.
    Ended,
    /// The owner said nothing that tells; why.
    Unanswered(String),
}

/// Whether somebody hears the socket of this directory.
pub(in crate::cli) fn is_heard(home: &Home) -> bool {
    dial(home).is_ok_and(|stream| !super::has_ended(&stream))
}

pub(super) fn dial(home: &Home) -> io::Result<UnixStream> {
    let stream = super::at(&home.dir, NAME, |address| UnixStream::connect(address))?;
    if super::is_same_user(&stream) { Ok(stream) } else { Err(io::ErrorKind::NotFound.into()) }
}

impl Guest {
    /// Asks to be let in; `None` when nobody is there, or there is no room now.
    pub(in crate::cli) fn knock(home: &Home) -> Result<Option<Self>, Notice> {
        let Ok(stream) = dial(home) else { return Ok(None) };
        let hello = super::hello(home);
        let answer = Lines::new(stream).and_then(|mut lines| {
            lines.write(&hello)?;
            Ok((lines.read(MAX_HELLO_BYTES, HELLO_TIMEOUT)?, lines))
        });
        match answer {
            Ok((Some(Answer::Welcome), lines)) => {
                Ok(home.reader()?.map(|device| Self { lines, device }))
            }
            Ok((Some(Answer::Refused(refusal)), _)) => Err(refusal.into()),
            _ => Ok(None),
        }
    }

    /// The files, for reading.
    pub(in crate::cli) const fn device(&self) -> &Device {
        &self.device
    }

    /// Makes the labels and decides the intent; on disk when this returns.
    pub(in crate::cli) fn decide(
        &mut self,
        labels: &[String],
        intent: &Intent,
    ) -> Result<Done, Lost> {
        let request = Request::Decide { labels: labels.to_vec(), intent: intent.clone() };
        match self.ask(&request)? {
            Answer::Decided(done) => Ok(done),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits until all that was done is seen by the next command.
    pub(in crate::cli) fn settle(&mut self) -> Result<(), Lost> {
        match self.ask(&Request::Settle) {
            Ok(Answer::Settled) => Ok(()),
            Ok(other) => Err(unexpected(&other)),
            // What was done is on disk; who has the directory next can be asked as well.
            Err(Lost::Unanswered(_)) => Err(Lost::Ended),
            Err(lost) => Err(lost),
        }
    }

    /// Orders a purge; what became of each conversation. On disk when this returns.
    pub(in crate::cli) fn purge(&mut self, order: PurgeOrder) -> Result<Vec<PurgedRow>, Notice> {
        match self.ask(&Request::Purge { order })? {
            Answer::Purged(rows) => Ok(rows),
            other => Err(unexpected(&other).into()),
        }
    }

    /// Takes the list of what was refused away; its lines.
    pub(in crate::cli) fn clear_refused(&mut self) -> Result<Vec<String>, Notice> {
        match self.ask(&Request::ClearRefused)? {
            Answer::Cleared(lines) => Ok(lines),
            other => Err(unexpected(&other).into()),
        }
    }

    /// Brings a thread's log into the files.
    pub(in crate::cli) fn fetch(&mut self, thread: &ThreadId) -> Result<(), Notice> {
        match self.ask(&Request::Fetch { thread: thread.clone() })? {
            Answer::Fetched => Ok(()),
            other => Err(unexpected(&other).into()),
        }
    }

    /// The bytes with this name.
    pub(in crate::cli) fn blob(&mut self, hash: &BlobHash) -> Result<Vec<u8>, Notice> {
        match self.ask(&Request::Blob { hash: hash.clone() })? {
            Answer::Blob(bytes) => Ok(bytes.0),
            other => Err(unexpected(&other).into()),
        }
    }

    /// What the remote backend finds.
    pub(in crate::cli) fn search(&mut self, question: Question) -> Result<FoundThere, Lost> {
        match self.ask(&Request::Search { question })? {
            Answer::Found(found) => Ok(found),
            other => Err(unexpected(&other)),
        }
    }

    /// From now on keep this of the remote backend; how much is kept now.
    pub(in crate::cli) fn keep(&mut self, policy: &Policy) -> Result<KeptSum, Notice> {
        self.kept(&Request::Keep { policy: policy.clone() })
    }

    /// Pins threads, or lets them go again; how much is kept now.
    pub(in crate::cli) fn pin(
        &mut self,
        threads: &[ThreadId],
        pinned: bool,
    ) -> Result<KeptSum, Notice> {
        self.kept(&Request::Pin { threads: threads.to_vec(), pinned })
    }

    fn kept(&mut self, request: &Request) -> Result<KeptSum, Notice> {
        match self.ask(request)? {
            Answer::Kept(sum) => Ok(sum),
            other => Err(unexpected(&other).into()),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Answer, Lost> {
        // A line that was not written whole is not acted on.
        self.lines.write(request).map_err(|_| Lost::Ended)?;
        loop {
            let answer = self.lines.read(MAX_FRAME_BYTES, SILENCE);
            match answer.map_err(|error| Lost::Unanswered(error.to_string()))? {
                Some(Answer::Working) => {}
                Some(Answer::Refused(refusal)) => return Err(Lost::Refused(refusal.into())),
                Some(Answer::Ended) => return Err(Lost::Ended),
                Some(answer) => return Ok(answer),
                None => return Err(Lost::Unanswered("it has ended".to_owned())),
            }
        }
    }
}

impl From<Lost> for Notice {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Refused(notice) => notice,
            Lost::Unanswered(why) => {
                let line =
                    format!("the mailtui that has this data directory open did not answer: {why}");
                let hint = "look whether it was done, and run it again if it was not";
                Self::error("unanswered", line, hint)
            }
            Lost::Ended => {
                let line = "the mailtui that had this data directory open has quit";
                Self::error("unreached", line, "run it again").exit(Exit::Unreached)
            }
        }
    }
}

fn unexpected(answer: &Answer) -> Lost {
    Lost::Unanswered(format!("it said {}", word(answer)))
}

/// What an answer is called; what is in it may be long.
const fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Welcome => "welcome",
        Answer::Working => "working",
        Answer::Decided(_) => "decided",
        Answer::Ingested(_) => "ingested",
        Answer::Fetched => "fetched",
        Answer::Blob(_) => "blob",
        Answer::Found(_) => "found",
        Answer::Kept(_) => "kept",
        Answer::Purged(_) => "purged",
        Answer::Held => "held",
        Answer::Released { .. } => "released",
        Answer::Settled => "settled",
        Answer::Cleared(_) => "cleared",
        Answer::Refused(_) => "refused",
        Answer::Ended => "ended",
    }
}

/// Mail into the owner: read and batched here, taken in there.
pub(in crate::cli) struct GuestSink<'a> {
    /// The way to the owner.
    pub(in crate::cli) guest: &'a mut Guest,
    /// Whether the end waits for the rows.
    pub(in crate::cli) wait: bool,
}

impl MailSink for GuestSink<'_> {
    fn submit(&mut self, batch: Vec<Incoming>) -> Result<Vec<Outcome>, SinkError> {
        let sent = batch.len();
        match self.guest.ask(&Request::Ingest { messages: to_wire(batch) }).map_err(stopped)? {
            Answer::Ingested(outcomes) if outcomes.len() == sent => from_wire(outcomes),
            other => Err(stopped(unexpected(&other))),
        }
    }

    fn finish(&mut self) -> Result<Vec<Outcome>, SinkError> {
        if self.wait {
            self.guest.settle().map_err(stopped)?;
        }
        Ok(Vec::new())
    }

    fn follow(&mut self, changes: Vec<Follow>) -> Result<Vec<Followed>, SinkError> {
        let sent = changes.len();
        let changes = changes_to_wire(&changes);
        match self.guest.ask(&Request::Follow { changes }).map_err(stopped)? {
            Answer::Ingested(done) if done.len() == sent => from_wire(done),
            other => Err(stopped(unexpected(&other))),
        }
    }

    fn roots(&mut self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, SinkError> {
        let roots = self.guest.device.roots(threads);
        roots.map_err(|error| SinkError(error.notice()))
    }
}

fn stopped(lost: Lost) -> SinkError {
    SinkError(lost.into())
}
