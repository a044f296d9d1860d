//! Where a writing command does its work: in this process, or in the one that owns the directory.
//!
//! Invariant: the same decisions and the same answers either way. Both reach `beside::decide`; what
//! a command shows it reads from the files.

use std::time::{Duration, Instant};

use crate::cli::beside::{self, Guest, Lost};
use crate::cli::home::Home;
use crate::cli::session::Session;
use crate::command::intent::Intent;
use crate::engine::Device;
use crate::engine::view::Done;
use crate::id::ThreadId;
use crate::notice::{Explain as _, Notice};

/// How long a directory is waited for that another command has for a moment.
const MOMENT: Duration = Duration::from_secs(5);
/// How often it is tried meanwhile.
const AGAIN: Duration = Duration::from_millis(20);

/// A writing command's place of work.
pub(super) enum Desk {
    /// The directory is ours.
    Own(Box<Session>),
    /// Another process has it and does what it is asked.
    Beside(Box<Guest>),
}

impl Desk {
    /// Takes the directory, or finds who has it.
    pub(super) fn open(home: &Home) -> Result<Self, Notice> {
        let guest = |home: &Home| Guest::knock(home).map(|guest| guest.map(Box::new));
        let found = soon(home, guest)?;
        Ok(match found {
            Found::Own(owner) => Self::Own(Box::new(Session::of(home, owner)?)),
            Found::Other(guest) => Self::Beside(guest),
        })
    }

    /// What is shown.
    pub(super) fn device(&self) -> &Device {
        match self {
            Self::Own(session) => &session.driver.device,
            Self::Beside(guest) => guest.device(),
        }
    }

    /// Makes the labels and decides the intent as one; on disk when this returns.
    pub(super) fn decide(
        &mut self,
        home: &Home,
        labels: &[String],
        intent: &Intent,
    ) -> Result<Done, Notice> {
        loop {
            let lost = match self {
                Self::Own(session) => return beside::decide(&mut session.driver, labels, intent),
                Self::Beside(guest) => guest.decide(labels, intent),
            };
            match lost {
                Ok(done) => return Ok(done),
                Err(Lost::Ended) => *self = Self::open(home)?,
                Err(lost) => return Err(lost.into()),
            }
        }
    }

    /// Takes the list of what the backend refused away; its lines.
    pub(super) fn clear_refused(&mut self) -> Result<Vec<String>, Notice> {
        match self {
            Self::Own(session) => session.driver.clear_refused().map_err(|error| error.notice()),
            Self::Beside(guest) => guest.clear_refused(),
        }
    }

    /// Keeps a thread on this device that was just written to; offline it can be written on. What
    /// cannot be kept now is fetched when it is asked for.
    pub(super) fn keep_here(&mut self, home: &Home, thread: &ThreadId) {
        // A terminal keeps what it wants by itself, and an embedded backend has everything.
        let Self::Own(session) = self else { return };
        if !home.is_remote() || home.offline {
            return;
        }
        let Session { driver, events, .. } = &mut **session;
        let asked = driver.device.note_opened(thread).and_then(|()| driver.device.load(thread));
        if asked.is_ok() {
            drop(driver.until(events, None, |driver| Ok(driver.device.is_loaded(thread))));
        }
    }

    /// What a writing command ends with: seen by the next one. Offline it is sent later.
    pub(super) fn finish(&mut self, home: &Home, wait: bool) -> Result<(), Notice> {
        if home.offline || !wait {
            return Ok(());
        }
        loop {
            let lost = match self {
                Self::Own(session) => return session.finish(),
                Self::Beside(guest) => guest.settle(),
            };
            match lost {
                Ok(()) => return Ok(()),
                Err(Lost::Ended) => *self = Self::open(home)?,
                Err(lost) => return Err(lost.into()),
            }
        }
    }
}

/// Who has the directory.
pub(super) enum Found<T> {
    /// We have.
    Own(crate::engine::Owner),
    /// Somebody who was found by asking.
    Other(T),
}

/// Takes the directory, or asks whoever has it. One that neither gives it up nor answers within a
/// moment has it for longer.
pub(super) fn soon<T>(
    home: &Home,
    other: impl Fn(&Home) -> Result<Option<T>, Notice>,
) -> Result<Found<T>, Notice> {
    let until = Instant::now() + MOMENT;
    loop {
        let in_use = match home.own() {
            Ok(owner) => return Ok(Found::Own(owner)),
            Err(notice) if notice.code == "in-use" => notice,
            Err(notice) => return Err(notice),
        };
        if let Some(other) = other(home)? {
            return Ok(Found::Other(other));
        }
        if Instant::now() >= until {
            return Err(in_use);
        }
        std::thread::sleep(AGAIN);
    }
}

/// Takes the directory; one that another command has for a moment is waited for.
pub(super) fn own_soon(home: &Home) -> Result<crate::engine::Owner, Notice> {
    let heard = |home: &Home| Ok(beside::is_heard(home).then_some(()));
    match soon(home, heard)? {
        Found::Own(owner) => Ok(owner),
        // It runs for as long as its user wants. Should it end now, it is ours after all.
        Found::Other(()) => home.own(),
    }
}
