//! The write-ahead log copied into its file on a thread of its own, while more is written than one
//! commit should wait for.
//!
//! Invariant: it writes nothing of its own and takes nothing away; that it cannot work costs room
//! on the disk and nothing else.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::mailbox;
use crate::store::{Db, Kind};

/// How often it looks.
const EVERY: Duration = Duration::from_millis(100);

/// A running checkpointer; it ends when it is dropped, and empties the log if it can.
#[derive(Debug)]
pub(super) struct Checkpointer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Begins, for the Mailbox store in `path`.
    pub(super) fn start(path: &Path) -> Self {
        let (path, stop) = (path.to_owned(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let body = move || {
            // A connection that may write nothing copies the log all the same.
            let Ok(Some(db)) = Db::read(&path, Kind::Mailbox, mailbox::VERSION) else { return };
            while !stopped.load(Ordering::SeqCst) {
                std::thread::park_timeout(EVERY);
                // What it cannot do now it does at the next turn, or SQLite in a later commit.
                let _ = db.checkpoint_some();
            }
        };
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(body).ok();
        Self { stop, thread }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // Nobody waits for it: a copy that is under way goes on.
            thread.thread().unpark();
        }
    }
}
