//! The door to the backend's thread: what may be asked of it, from any other.
//!
//! Invariant: an input waits for room in a bounded queue, never in memory; who asks hears when the
//! backend has stopped. Nothing is done here: the thread does it, in its turn.

use std::sync::mpsc::{self, Receiver};

use tokio::sync::mpsc as frames;

use super::{HostHandle, Input, Job, OUTGOING, ROOM_AGAIN, later};
use crate::backend::indexer::IndexHandle;
use crate::backend::{Backend, BackendError, Finding, Prepared};
use crate::bridge::{Follow, Followed, Outcome};
use crate::id::DeviceId;
use crate::imap::worker::Handle;
use crate::notice::Notice;
use crate::store::StoreError;
use crate::sync::Frame;

impl HostHandle {
    pub(super) fn send(&self, input: Input) -> Result<(), BackendError> {
        self.inputs.send(input).map_err(|_| BackendError::Stopped)
    }

    /// A device is there. Returns its frames; the first is the welcome.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub async fn connect(
        &self,
        session: u64,
        device: DeviceId,
    ) -> Result<frames::Receiver<Frame>, BackendError> {
        let (out, receiver) = frames::channel(OUTGOING);
        self.forward(Input::Connect { session, device, out }).await?;
        Ok(receiver)
    }

    /// A frame of a device.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub async fn frame(&self, session: u64, frame: Frame) -> Result<(), BackendError> {
        self.forward(Input::Frame { session, frame: Box::new(frame) }).await
    }

    /// A page was written to the device's socket.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub async fn written(&self, session: u64) -> Result<(), BackendError> {
        self.forward(Input::Written { session }).await
    }

    /// The device is gone.
    pub async fn gone(&self, session: u64) {
        // A stopped backend has forgotten it already.
        let _ = self.forward(Input::Gone { session }).await;
    }

    /// Hands an input over without blocking the runtime's thread while the queue is full.
    pub(super) async fn forward(&self, input: Input) -> Result<(), BackendError> {
        let mut input = input;
        loop {
            match self.inputs.try_send(input) {
                Ok(()) => return Ok(()),
                Err(mpsc::TrySendError::Full(back)) => input = back,
                Err(mpsc::TrySendError::Disconnected(_)) => return Err(BackendError::Stopped),
            }
            tokio::time::sleep(ROOM_AGAIN).await;
        }
    }

    /// Who keeps the index of words.
    #[must_use]
    pub const fn index(&self) -> &IndexHandle {
        &self.index
    }

    /// Takes prepared mail in; the answer comes when it is on disk.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub fn ingest(
        &self,
        messages: Vec<Prepared>,
    ) -> Result<Receiver<Result<Vec<Outcome>, Notice>>, BackendError> {
        let (answer, receiver) = mpsc::sync_channel(1);
        self.send(Input::Ingest { messages, answer })?;
        Ok(receiver)
    }

    /// Takes in what a source changed; the answer comes when it is on disk.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub fn follow(
        &self,
        changes: Vec<Follow>,
    ) -> Result<Receiver<Result<Vec<Followed>, Notice>>, BackendError> {
        let (answer, receiver) = mpsc::sync_channel(1);
        self.send(Input::Follow { changes, answer })?;
        Ok(receiver)
    }

    /// Has the backend do something, with the time in Unix seconds; the answer comes when it is on
    /// disk.
    ///
    /// # Errors
    /// When the backend has stopped.
    pub(in crate::backend) fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Backend, i64) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Receiver<Result<T, Notice>>, BackendError> {
        let (answer, receiver) = mpsc::sync_channel(1);
        let job: Job =
            Box::new(move |backend, now, waiting| later(answer, job(backend, now), waiting));
        self.send(Input::Work { job })?;
        Ok(receiver)
    }

    /// Wakes `worker` whenever a conversation changed that a mail server has.
    pub(in crate::backend) fn tell_of_changes(&self, worker: Handle) {
        // A backend that has stopped changes nothing.
        let _ = self.send(Input::Listen { worker });
    }

    /// Checks everything; see [`Backend::doctor`].
    ///
    /// # Errors
    /// When the backend has stopped.
    pub fn doctor(&self) -> Result<Result<Vec<Finding>, Notice>, BackendError> {
        let (answer, receiver) = mpsc::sync_channel(1);
        self.send(Input::Doctor { answer })?;
        receiver.recv().map_err(|_| BackendError::Stopped)
    }
}
