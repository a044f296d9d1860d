//! Devices that hear how accounts are.
//!
//! Invariant: only a device whose hello asked for it is told: a program that knows no such frame
//! could not read it. What is told is opaque here; nothing of it is kept on disk.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{HostHandle, Input, Loop};
use crate::backend::BackendError;
use crate::sync::Frame;

/// What is done about it.
pub(super) enum Accounting {
    /// This session hears it.
    Hears(u64),
    /// It is so now.
    Told(Value),
}

/// Who hears it, and what was told last.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    sessions: BTreeSet<u64>,
    last: Option<Value>,
}

impl HostHandle {
    /// A device's hello says that it hears how accounts are.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub async fn hears_accounts(&self, session: u64) -> Result<(), BackendError> {
        self.forward(Input::Accounts(Accounting::Hears(session))).await
    }

    /// Tells devices how accounts are now.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub fn tell_accounts(&self, told: Value) -> Result<(), BackendError> {
        self.send(Input::Accounts(Accounting::Told(told)))
    }
}

impl Loop {
    pub(super) fn account(&mut self, accounting: Accounting) {
        match accounting {
            Accounting::Hears(session) => {
                self.hearing.sessions.insert(session);
                if let Some(told) = self.hearing.last.clone() {
                    self.tell_one(session, told);
                }
            }
            Accounting::Told(told) => {
                self.hearing.last = Some(told.clone());
                let outs = &self.outs;
                self.hearing.sessions.retain(|session| outs.contains_key(session));
                for session in self.hearing.sessions.clone() {
                    self.tell_one(session, told.clone());
                }
            }
        }
    }

    fn tell_one(&mut self, session: u64, told: Value) {
        let Some(out) = self.outs.get(&session) else { return };
        if out.try_send(Frame::Accounts { told }).is_err() {
            self.drop_session(session);
        }
    }
}
