//! How whoever sends a message is told of it on its way, and stops it.
//!
//! Invariant: a stop counts until the last dot leaves and never behind it: what was given away
//! cannot be called back, so its answer is awaited.

use tokio::sync::watch;

/// How far a submission is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It connects.
    Connecting,
    /// It is connected and signs in.
    SigningIn,
    /// It says who it is from and for.
    Addressing,
    /// So many bytes of the message are sent.
    Sending {
        /// Sent so far.
        sent: usize,
        /// Of how many.
        total: usize,
    },
    /// The last dot leaves: from here on it cannot be stopped.
    GivenAway,
}

/// The end of a [`Stop`] that stops.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// One, and what it stops.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(Some(receiver)))
    }

    /// Stops what was not given away yet.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Says whether to stop. When its [`Stopper`] is gone, nobody stops it any more.
#[derive(Debug, Clone)]
pub struct Stop(Option<watch::Receiver<bool>>);

impl Stop {
    /// One that never says so.
    #[must_use]
    pub const fn never() -> Self {
        Self(None)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.0.as_ref().is_some_and(|stop| *stop.borrow())
    }

    /// Until it says so.
    pub(super) async fn stopped(&mut self) {
        if let Some(stop) = &mut self.0
            && stop.wait_for(|stopped| *stopped).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Who watches a submission.
pub struct Watch<'a> {
    /// Stops it.
    pub stop: Stop,
    /// Is told; it must not wait.
    pub tell: &'a mut (dyn FnMut(Progress) + Send),
}
