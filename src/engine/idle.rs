//! What the engine's thread does when nobody waits for anything: it loads ahead, lets go of what
//! nobody asks for, and fetches what this device is to keep.
//!
//! Invariant: in steps of a few milliseconds, each after everything that waits.

use std::time::{Duration, Instant};

use super::{Engine, Update};
use crate::engine::keep::FETCHES_BESIDE;
use crate::id::ThreadId;
use crate::notice::Explain as _;

/// A conversation of more threads than this is not loaded ahead.
const MAX_AHEAD_MEMBERS: usize = 8;
/// How often idle threads are looked for.
const SWEEP: Duration = Duration::from_secs(15);

impl Engine {
    /// Loads a conversation that may be opened next; nobody waits for it, and nobody is told.
    pub(super) fn prefetch(&mut self, thread: &ThreadId) {
        let Ok(Some(row)) = self.driver.device.row(thread) else { return };
        if row.members.len() <= MAX_AHEAD_MEMBERS {
            let members = row.members.iter().map(|member| &member.thread);
            let loaded = members.into_iter().try_for_each(|m| self.driver.device.load(m));
            // What is wrong with it is said when it is opened.
            let _ = loaded.and_then(|()| self.driver.send());
        }
    }

    /// Lets go of threads that nobody has asked for in a while; looked for now and then.
    pub(super) fn evict_idle(&mut self) {
        if self.swept.elapsed() < SWEEP || self.driver.device.is_saving() {
            return;
        }
        self.swept = Instant::now();
        let done = self.driver.device.evict_idle();
        if let Err(error) = done.and_then(|()| self.driver.send()) {
            self.tell(Update::Notice(error.notice()));
        }
    }

    /// Does a step of keeping what this device is to keep; whether there is more to do at once.
    pub(super) fn keep_on(&mut self) -> bool {
        let device = &mut self.driver.device;
        if !device.keeps() || device.is_saving() || self.due.is_some() || !self.ahead.is_empty() {
            return false;
        }
        let kept = device.keep_on(FETCHES_BESIDE);
        match kept.and_then(|kept| self.driver.send().map(|()| kept)) {
            Ok(kept) => !kept.done && !kept.waits,
            Err(error) => {
                // Once is enough: it begins anew with the next connection.
                self.driver.device.keep_no_more();
                self.tell(Update::Notice(error.notice()));
                false
            }
        }
    }
}
