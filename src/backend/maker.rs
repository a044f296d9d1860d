//! Snapshots made beside the backend's thread, when it has nothing else to do.
//!
//! Invariant: at most one is made at a time, and the backend waits for none. A backend that was
//! started for one command makes none, unless a device waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backend::{Backend, bootstrap};
use crate::store::StoreError;

/// How long a backend must have run before it makes one, and rest after one that failed.
const REST: Duration = Duration::from_secs(10);

/// Makes snapshots.
#[derive(Debug)]
pub(super) struct Maker {
    running: Option<JoinHandle<Result<bool, StoreError>>>,
    stop: Arc<AtomicBool>,
    rest: Instant,
    failed: bool,
}

impl Maker {
    pub(super) fn new() -> Self {
        let (stop, rest) = (Arc::default(), Instant::now() + REST);
        Self { running: None, stop, rest, failed: false }
    }

    /// Looks after it, after a slice that did something (`busy`) or nothing. Returns whether there
    /// is more to do.
    pub(super) fn tend(&mut self, backend: &mut Backend, busy: bool) -> Result<bool, StoreError> {
        if let Some(done) = self.running.take_if(|running| running.is_finished()) {
            self.failed = !matches!(done.join(), Ok(Ok(true)));
            self.rest = Instant::now() + REST;
            if !self.failed {
                backend.adopt_snapshot()?;
                backend.commit()?;
            }
            return Ok(true);
        }
        if busy || self.running.is_some() {
            return Ok(busy);
        }
        let awaited = backend.snapshots.wanted && !self.failed;
        if (awaited || Instant::now() >= self.rest) && backend.wants_snapshot()? {
            let (dir, id) = (backend.snapshots.dir().to_owned(), backend.id.clone());
            let stop = Arc::clone(&self.stop);
            let body = move || bootstrap::make(&dir, &id, &|| stop.load(Ordering::SeqCst));
            // Where no thread can be had, it is tried again later.
            self.running = std::thread::Builder::new().name("snapshot".to_owned()).spawn(body).ok();
            self.rest = Instant::now() + REST;
        }
        backend.shorten()
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(running) = self.running.take() {
            // It ends within a chunk; what it made is dropped at the next start.
            let _ = running.join();
        }
    }
}
