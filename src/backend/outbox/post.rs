//! Who gives a message to a server.
//!
//! Invariant: what comes back is what is known: only what the server surely has not is refused.
//! This file keeps nothing and tries nothing twice.

use super::{Given, NotTaken, Why};
use crate::account::{Account, Password};
use crate::smtp::{
    Deadlines, Delivery, Envelope, Lasting, Outcome, Stop, Submission, Watch, Way, submit,
};

/// A message that is given away.
#[derive(Debug)]
pub struct Parcel<'a> {
    /// Who sends it.
    pub account: &'a Account,
    /// What opens the server.
    pub password: &'a Password,
    /// From whom and for whom.
    pub envelope: &'a Envelope,
    /// Its bytes.
    pub message: &'a [u8],
}

/// Gives messages away, one after the other on each thread.
pub trait Post: Send + Sync {
    /// Gives one away; it may be stopped until the server could have all of it.
    fn give(&self, parcel: &Parcel<'_>, stop: &Stop) -> Given;
}

/// By SMTP.
#[derive(Debug, Clone, Copy, Default)]
pub struct SmtpPost {
    /// How long each step may take.
    pub deadlines: Deadlines,
}

impl Post for SmtpPost {
    fn give(&self, parcel: &Parcel<'_>, stop: &Stop) -> Given {
        let Some(way) = Way::of(parcel.account) else {
            return Given::Refused(true, Why::new("no-smtp", "the account does not send"));
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else {
            return Given::Refused(false, Why::new("runtime", "the machine gives no runtime"));
        };
        let delivery = Delivery {
            way: &way,
            password: parcel.password,
            envelope: parcel.envelope,
            message: parcel.message,
            deadlines: &self.deadlines,
        };
        let mut watch = Watch { stop: stop.clone(), tell: &mut |_| {} };
        given(runtime.block_on(submit(&delivery, &mut watch)))
    }
}

fn given(submission: Submission) -> Given {
    match submission {
        Submission::Accepted(taken) => {
            let refused = taken.recipients.into_iter().filter_map(|one| match one.outcome {
                Outcome::Refused { words, permanent: lasting } => {
                    Some(NotTaken { address: one.address, words, lasting })
                }
                _ => None,
            });
            Given::Taken { refused: refused.collect() }
        }
        Submission::Refused(refusal) => {
            let why = Why::new(&refusal.code, &both(&refusal.line, &refusal.hint));
            match refusal.lasting {
                Lasting::Permanent => Given::Refused(true, why),
                Lasting::Temporary => Given::Refused(false, why),
                Lasting::Stopped => Given::Stopped,
            }
        }
        Submission::Unknown(doubt) => {
            Given::Unknown(Why::new(&doubt.code, &both(&doubt.why, &doubt.hint)))
        }
    }
}

/// What happened and what to do about it, in one line.
pub(super) fn both(line: &str, hint: &str) -> String {
    if hint.is_empty() { line.to_owned() } else { format!("{line}; {hint}") }
}
