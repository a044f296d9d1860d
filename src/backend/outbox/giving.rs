//! One message on its way: built, claimed, given away, and what became of it said.
//!
//! Invariant: a message is given away only behind a claim that is on disk, by the thread that made
//! it; what became of it is said until the backend has it on disk, or is gone. What the storage
//! refuses before the claim is told, and its account rests.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::parcel::{attached, build_message, is_to_be_filed};
use super::post::{Parcel, both};
use super::sending::Office;
use super::settle::own;
use super::{Claim, Due, Gave, Told, Why};
use crate::account::Account;
use crate::crash;
use crate::id::EventId;
use crate::notice::{Explain as _, Notice};
use crate::smtp::{Envelope, Stop};
use crate::store::Blobs;

/// How long a result waits that the disk does not take, before it is said again.
const SAY_AGAIN: Duration = Duration::from_secs(1);

/// A thread that sends for an account; the account is free again when this goes.
pub(super) struct AtWork {
    office: Office,
    bell: SyncSender<()>,
    id: String,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut state = self.office.shared.lock();
        state.busy.remove(&self.id);
        state.looked = false; // what is left is not known before the next look
        drop(state);
        let _ = self.bell.try_send(());
    }
}

impl AtWork {
    /// For the account `id`, which is busy with it already.
    pub(super) const fn new(office: Office, bell: SyncSender<()>, id: String) -> Self {
        Self { office, bell, id }
    }

    /// Sends a message.
    pub(super) fn send(self, due: &Due, account: &Account, stop: &Stop) {
        let office = &self.office;
        let password = match account.secret.read(&office.dir, &account.id) {
            Ok(password) => password,
            Err(error) => {
                let notice = error.notice();
                let why = Why::new(notice.code, &both(&notice.message, &notice.hint));
                return self.refuse(due, error.is_permanent(), why);
            }
        };
        let hashes = attached(due);
        let blobs = office.ask(move |backend, _| backend.outbox_blobs(&hashes));
        let blobs = match blobs {
            Some(Ok(blobs)) => blobs,
            Some(Err(notice)) => return office.rest(due, &self.id, &notice),
            None => return,
        };
        let built = match build_message(due, account, blobs) {
            Ok(built) => built,
            Err(why) => return self.refuse(due, true, why),
        };
        let envelope = Envelope {
            from: built.envelope_from,
            to: built.envelope_to,
            smtputf8: built.needs_smtputf8,
            eight_bit: built.needs_8bit,
            partial: due.of.partial,
        };
        let message = own(built.bytes.clone(), due.at);
        let raw = Blobs::pack(&built.bytes);
        let claim = Claim { due: due.clone(), account: self.id.clone(), raw };
        let claimed = office.ask(move |backend, now| backend.outbox_claim(&claim, now));
        match claimed {
            Some(Ok(true)) => {}
            Some(Err(notice)) => return office.rest(due, &self.id, &notice),
            // Something came first: it is looked at again.
            Some(Ok(false)) | None => return,
        }
        crash::point("claim.after-commit");
        let mut open = Open { office, queued: &due.queued, settled: false };
        let parcel =
            Parcel { account, password: &password, envelope: &envelope, message: &built.bytes };
        let given = office.post.give(&parcel, stop);
        crash::point("settle.before-begin");
        let (account, file) = (self.id.clone(), is_to_be_filed(account));
        let told = settle(office, &Gave { due: due.clone(), account, file, message, given });
        open.settled = told.is_some();
        crash::point("settle.after-commit");
        office.tell(due, Some(&self.id), told.as_ref());
    }
}

impl AtWork {
    /// It is not sent as it is.
    fn refuse(&self, due: &Due, lasting: bool, why: Why) {
        if let Err(notice) = refuse(&self.office, due, Some(&self.id), lasting, why) {
            self.office.rest(due, &self.id, &notice);
        }
    }
}

/// A message that is being given away: when this goes and nothing was said of its end, that is
/// unknown.
struct Open<'a> {
    office: &'a Office,
    queued: &'a EventId,
    settled: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.settled {
            let queued = self.queued.clone();
            self.office.ask(move |backend, _| backend.outbox_let_go(&queued));
        }
    }
}

/// Says what became of a message until it is on disk; what was written of it. `None` when the
/// backend is gone.
fn settle(office: &Office, gave: &Gave) -> Option<Told> {
    loop {
        let gave = gave.clone();
        match office.ask(move |backend, now| backend.outbox_settle(gave, now)) {
            None => return None,
            Some(Ok(told)) => return Some(told),
            // The disk may take it later; until then it is in nobody's hands but ours.
            Some(Err(_)) => std::thread::sleep(SAY_AGAIN),
        }
    }
}

/// Says that a message is not sent as it is.
pub(super) fn refuse(
    office: &Office,
    due: &Due,
    account: Option<&str>,
    lasting: bool,
    why: Why,
) -> Result<(), Notice> {
    let of = due.clone();
    let done = office.ask(move |backend, now| backend.outbox_refuse(&of, lasting, &why, now));
    let told = done.transpose()?;
    office.tell(due, account, told.as_ref());
    Ok(())
}
