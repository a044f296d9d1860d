//! How much of the Mailbox log a device takes in at a time.
//!
//! Invariant: a slice is whole pages, so no batch is split; a key waits for one slice at most, and
//! for a short one where keys have been pressed just now.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::engine::link::LinkEvent;
use crate::limits::PAGE_EVENTS;
use crate::store::{Chain, Event, Head};
use crate::sync::Frame;

/// Events taken in as one transaction, at most.
pub(super) const SLICE_EVENTS: usize = 5_000;
/// How long a slice may take while nobody presses a key.
const ALONE: Duration = Duration::from_millis(20);
/// How long while somebody does.
const BESIDE_KEYS: Duration = Duration::from_millis(4);
/// How long the next page is waited for that the backend has.
pub(super) const NEXT_PAGE: Duration = Duration::from_millis(2);
/// How long after an answer nothing is taken in while somebody presses keys: who has it asks for
/// what comes with it.
pub(super) const BEAT: Duration = Duration::from_micros(500);
/// How long after a key somebody is taken to be pressing keys.
const AT_KEYS: Duration = Duration::from_secs(2);

/// A page of the Mailbox log.
#[derive(Debug)]
pub struct MailboxPage {
    /// Its events.
    pub events: Vec<Event>,
    /// The log's last position when it was sent.
    pub head: u64,
    /// The chain at its last event.
    pub chain: Chain,
}

/// Gives the next page, told how many events the slice has already and whether the backend has
/// more; `None` ends the slice.
pub type Further<'a> = &'a mut dyn FnMut(usize, bool) -> Option<MailboxPage>;

/// What becomes of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// It is in the open transaction, or was known.
    Yes,
    /// It does not follow on the log.
    Gap,
    /// It does not fit its own chain, or says again what the log has elsewhere.
    Unfit,
}

/// Pages that are in the log of the open transaction and not in its tables yet.
#[derive(Debug, Default)]
pub(super) struct Slice {
    /// Their events.
    pub(super) events: Vec<Event>,
    /// The log's end; `None` before the first page.
    pub(super) end: Option<Head>,
}

/// The page of the Mailbox log that a frame is; anything else comes back.
pub(super) fn mailbox_page(event: LinkEvent) -> Result<MailboxPage, LinkEvent> {
    let LinkEvent::Frame(frame, place) = event else { return Err(event) };
    match *frame {
        Frame::Page { store, events, head, chain, .. }
        | Frame::Live { store, events, head, chain }
            if store.as_thread().is_none() =>
        {
            Ok(MailboxPage { events, head, chain })
        }
        other => Err(LinkEvent::Frame(Box::new(other), place)),
    }
}

/// The next of the link's events when it is a page of the Mailbox log; anything else is put
/// `aside`, and ends the slice.
pub(super) fn further(
    events: &Receiver<LinkEvent>,
    (have, behind): (usize, bool),
    aside: &mut Option<LinkEvent>,
) -> Option<MailboxPage> {
    if have >= SLICE_EVENTS {
        return None;
    }
    let wait = if behind { NEXT_PAGE } else { Duration::ZERO };
    mailbox_page(events.recv_timeout(wait).ok()?).map_err(|event| *aside = Some(event)).ok()
}

/// Sizes slices by how long the last ones took.
#[derive(Debug)]
pub(super) struct Pace {
    each: Duration,
    key: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        // Of a slow machine; the first slices say better.
        Self { each: Duration::from_micros(50), key: None }
    }
}

impl Pace {
    /// Something was asked for.
    pub(super) fn key(&mut self, now: Instant) {
        self.key = Some(now);
    }

    /// Whether somebody is taken to be pressing keys.
    pub(super) fn beside_keys(&self, now: Instant) -> bool {
        self.key.is_some_and(|key| now.saturating_duration_since(key) < AT_KEYS)
    }

    /// How many events the next slice may have.
    pub(super) fn events(&self, now: Instant) -> usize {
        let within = if self.beside_keys(now) { BESIDE_KEYS } else { ALONE };
        let fit = within.as_nanos() / self.each.as_nanos().max(1);
        usize::try_from(fit).unwrap_or(SLICE_EVENTS).clamp(PAGE_EVENTS, SLICE_EVENTS)
    }

    /// A slice of so many events took so long.
    pub(super) fn took(&mut self, events: usize, took: Duration) {
        let Ok(events @ 1..) = u32::try_from(events) else { return };
        // Half of it is the last one: what the machine does beside changes from one to the next.
        self.each = (self.each + took / events) / 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_fit_their_time_and_keys_make_them_short() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        for _ in 0..20 {
            pace.took(1_000, Duration::from_millis(20));
        }
        let alone = pace.events(now);
        assert!((900..=1_100).contains(&alone), "{alone}");
        assert!(!pace.beside_keys(now));
        pace.key(now);
        let beside = pace.events(now + Duration::from_millis(100));
        assert!((180..=220).contains(&beside), "{beside}");
        assert_eq!(pace.events(now + AT_KEYS), alone);
        assert!(pace.beside_keys(now) && !pace.beside_keys(now + AT_KEYS));
        pace.took(1, Duration::from_secs(9));
        assert_eq!(pace.events(now), PAGE_EVENTS, "a page at least");
        for _ in 0..40 {
            pace.took(5_000, Duration::from_micros(1));
        }
        assert_eq!(pace.events(now), SLICE_EVENTS, "and a bound");
    }
}
