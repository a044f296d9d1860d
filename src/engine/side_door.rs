//! The second door to the engine's thread, for who needs an answer.
//!
//! Invariant: a task runs between requests, alone, and is short.

use std::sync::Arc;
use std::sync::mpsc;

use crate::engine::Driver;

/// What is run on the engine's thread between requests. It must be short: keys wait for it.
pub type Task = Box<dyn FnOnce(&mut Driver) + Send>;

/// A second way to the thread that has the driver, beside the UI's: for who needs an answer.
#[derive(Clone)]
pub struct SideDoor {
    tasks: Arc<dyn Fn(Task) -> bool + Send + Sync>,
}

impl std::fmt::Debug for SideDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SideDoor")
    }
}

impl SideDoor {
    /// A door to the thread that takes `tasks`; they answer whether it still does.
    #[must_use]
    pub fn new(tasks: impl Fn(Task) -> bool + Send + Sync + 'static) -> Self {
        Self { tasks: Arc::new(tasks) }
    }

    /// Runs `task` on the engine's thread and waits for what it returns; `None` when the engine
    /// has ended before it. What keys decided until then is committed. A task must be short.
    pub fn ask<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Driver) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, receiver) = mpsc::sync_channel(1);
        let task: Task = Box::new(move |driver| {
            // Who asked waits below; the channel has room.
            let _ = answer.send(task(driver));
        });
        if (self.tasks)(task) { receiver.recv().ok() } else { None }
    }
}
