//! A Thread log that is damaged here and whole on a device comes back from there.
//!
//! Invariant: what does not fit its chain is sent to nobody and makes no rows; what a device says
//! of it is taken only where a chain proves it that stands in the file. Until then the store is on
//! a list on disk, and every device that can be asked is asked once a connection, and again
//! whenever something came back. Who runs the backend hears of the damage, and of its end.

use crate::backend::core::Backend;
use crate::backend::storage::{Damaged, append_at};
use crate::id::StoreId;
use crate::limits::MAX_PUSHED_EVENTS;
use crate::notice::{Explain as _, Notice};
use crate::store::{Appended, Log, NewEvent, Place, StoreError};
use crate::sync::Frame;

/// Damaged logs that a device is asked for when it connects.
const ASKED_AT_FIRST: usize = 256;
/// Lines that wait for who runs the backend: the newest go, where nobody reads them.
const TOLD: usize = 64;

impl Backend {
    /// A device's hello says that it can be asked for what it holds of a damaged log.
    ///
    /// # Errors
    /// When the storage refuses.
    pub fn hears_lacks(&mut self, session: u64) -> Result<(), StoreError> {
        let Some(open) = self.sessions.get_mut(&session) else { return Ok(()) };
        open.mends = true;
        for store in Damaged::some(&self.db, ASKED_AT_FIRST)? {
            let lacks = self.lacks(&store)?;
            self.ready.push((session, lacks));
        }
        Ok(())
    }

    /// What who runs the backend should read, since this was last asked.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// A log was met that is not what was written to it; whether it still is not, when it has said
    /// itself what it can. The transaction is the caller's.
    pub(super) fn met_damage(&mut self, store: &StoreId) -> Result<bool, StoreError> {
        if store.as_thread().is_none() {
            return Ok(true);
        }
        if !Damaged::note(&self.db, store)? {
            return Ok(true);
        }
        let position = Log::sound(&self.db, store)?.position + 1;
        self.tell_host(StoreError::Broken { store: store.clone(), position }.notice());
        // Of what stands in it twice one may be whole.
        if self.put(store, 0, &[])? > 0 && self.is_whole(store, None)? {
            return Ok(false);
        }
        self.ask_devices(store)?;
        Ok(true)
    }

    /// Whether a log that is not what a device holds is damaged here: then the device hears that,
    /// and keeps what it holds.
    pub(super) fn is_damaged(&mut self, session: u64, store: &StoreId) -> Result<bool, StoreError> {
        if store.as_thread().is_none() || Log::verify(&self.db, store)?.is_none() {
            return Ok(false);
        }
        self.begin()?;
        if !self.met_damage(store)? {
            return Ok(false);
        }
        let position = Log::sound(&self.db, store)?.position + 1;
        let notice = StoreError::Broken { store: store.clone(), position }.notice();
        let (code, message) = (notice.code.to_owned(), notice.message);
        self.held.push((session, Frame::Withheld { store: store.clone(), code, message }));
        Ok(true)
    }

    /// Puts right what a chain proves; how many rows. What cannot be put right stays as it is, and
    /// is nobody else's concern.
    fn put(&self, store: &StoreId, after: u64, events: &[NewEvent]) -> Result<u64, StoreError> {
        match Log::mend(&self.db, store, after, events) {
            Err(error) if error.is_permanent() => Ok(0),
            put => put,
        }
    }

    /// Whether a log is what was written to it again: then it is projected, and who runs the
    /// backend hears of it.
    fn is_whole(&mut self, store: &StoreId, from: Option<&str>) -> Result<bool, StoreError> {
        let key = Damaged::key(&self.db, store)?;
        let Some(key) = key.filter(|_| matches!(Log::verify(&self.db, store), Ok(None))) else {
            return Ok(false);
        };
        Damaged::mended(&self.db, key)?;
        self.clients.leave(key);
        let with = from.map(|device| format!(", with what the device {device} holds"));
        let line = format!("{store}: its log is whole again{}", with.unwrap_or_default());
        self.tell_host(Notice::info(line));
        Ok(true)
    }

    fn ask_devices(&mut self, store: &StoreId) -> Result<(), StoreError> {
        let lacks = self.lacks(store)?;
        let asked = self.sessions.iter().filter(|(_, session)| session.mends);
        self.ready.extend(asked.map(|(id, _)| (*id, lacks.clone())));
        Ok(())
    }

    fn lacks(&self, store: &StoreId) -> Result<Frame, StoreError> {
        let at = Log::sound(&self.db, store)?;
        Ok(Frame::Lacks { store: store.clone(), after: at.position, chain: at.chain })
    }

    fn tell_host(&mut self, notice: Notice) {
        if self.notices.len() < TOLD {
            self.notices.push(notice);
        }
    }

    /// Appends to a Thread log; where its end is damaged and its rows are not, that is put right
    /// first.
    pub(super) fn append_mended(
        &self,
        (store, found): (&StoreId, Option<Place>),
        restored: Option<i64>,
        events: &[NewEvent],
    ) -> Result<Appended, StoreError> {
        let append = |found| append_at(&self.db, &self.epoch, restored, (store, found), events);
        match append(found) {
            Err(StoreError::Broken { .. }) if Log::mend(&self.db, store, 0, &[])? > 0 => {
                append(Log::find(&self.db, store)?)
            }
            appended => appended,
        }
    }

    /// What a device holds of a log that is damaged here.
    pub(super) fn mend_log(
        &mut self,
        session: u64,
        store: &StoreId,
        after: u64,
        events: &[NewEvent],
    ) -> Result<(), StoreError> {
        if Damaged::key(&self.db, store)?.is_none() || events.len() > MAX_PUSHED_EVENTS {
            return Ok(());
        }
        self.begin()?;
        let put = self.put(store, after, events)?;
        let device = self.sessions.get(&session).map(|session| session.device.to_string());
        if !self.is_whole(store, device.as_deref())? && put > 0 {
            self.ask_devices(store)?;
        }
        Ok(())
    }
}
