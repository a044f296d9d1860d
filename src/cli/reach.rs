//! What is not on this device, fetched for a command that reads.
//!
//! Invariant: the backend is reached when something is first missing, and once for all of it;
//! offline nothing is opened, and that is said.

use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::engine::{Device, EngineError};
use crate::id::{BlobHash, ThreadId};
use crate::notice::{Explain as _, Notice};

/// The way to a backend that may never be needed.
pub(super) struct Reach<'a> {
    home: &'a Home,
    desk: Option<Desk>,
}

impl<'a> Reach<'a> {
    /// Nothing is opened yet.
    pub(super) const fn new(home: &'a Home) -> Self {
        Self { home, desk: None }
    }

    pub(super) const fn home(&self) -> &'a Home {
        self.home
    }

    pub(super) fn desk(&mut self, what: &str) -> Result<&mut Desk, Notice> {
        if self.home.offline {
            return Err(EngineError::NotHere(what.to_owned()).notice());
        }
        if self.desk.is_none() {
            let mut desk = Desk::open(self.home)?;
            if let Desk::Own(session) = &mut desk {
                session.connect()?;
            }
            self.desk = Some(desk);
        }
        // It was put there above.
        self.desk.as_mut().ok_or_else(|| EngineError::Stopped.notice())
    }

    /// Fetches a thread from the remote backend; its log is kept here from then on.
    pub(super) fn thread(&mut self, device: &mut Device, thread: &ThreadId) -> Result<(), Notice> {
        let error = |error: EngineError| error.notice();
        match self.desk(thread.as_str())? {
            Desk::Beside(guest) => {
                guest.fetch(thread)?;
                let log = guest.device().kept_log(thread).map_err(error)?;
                device.put_log(thread, &log);
                for hash in device.text_blobs(thread) {
                    device.put_blob(&hash, guest.blob(&hash)?);
                }
            }
            Desk::Own(session) => {
                session.driver.device.note_opened(thread).map_err(error)?;
                session.driver.device.load(thread).map_err(error)?;
                session
                    .driver
                    .until(&session.events, None, |driver| Ok(driver.device.is_loaded(thread)))
                    .map_err(error)?;
                let fetched = &mut session.driver.device;
                device.put_log(thread, &fetched.kept_log(thread).map_err(error)?);
                for hash in device.text_blobs(thread) {
                    if let Some(bytes) = fetched.blob(&hash) {
                        device.put_blob(&hash, bytes);
                    }
                }
            }
        }
        Ok(())
    }

    /// Fetches a blob.
    pub(super) fn blob(&mut self, hash: &BlobHash) -> Result<Option<Vec<u8>>, Notice> {
        match self.desk(hash.as_str())? {
            Desk::Beside(guest) => guest.blob(hash).map(Some),
            Desk::Own(session) => {
                session.driver.device.fetch_blob(hash).map_err(|error| error.notice())?;
                session
                    .driver
                    .until(&session.events, None, |driver| Ok(driver.device.has_blob(hash)))
                    .map_err(|error| error.notice())?;
                Ok(session.driver.device.blob(hash))
            }
        }
    }
}
