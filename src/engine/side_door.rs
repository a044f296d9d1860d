//! The second door to the engine's thread, for who needs an answer.
//!
//! Invariant: a task runs between requests, alone, and is short.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::engine::link::SILENCE;
use crate::engine::{Driver, EngineError};
use crate::sync::SyncError;

/// The first and the longest wait before the engine is asked again.
const LOOK: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(16));

/// A question to the backend: its number, and how often the connection had ended when it was asked.
/// On another connection it is answered no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The number.
    pub seq: u64,
    breaks: u64,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// The engine has ended.
    Ended,
    /// It was not done, or cannot be known.
    Failed(EngineError),
}

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

    /// Asks the backend something, by way of the engine.
    ///
    /// # Errors
    /// When the engine has ended, or cannot ask.
    pub fn question(
        &self,
        ask: impl FnOnce(&mut Driver) -> Result<u64, EngineError> + Send + 'static,
    ) -> Result<Asked, Unanswered> {
        let asked = self.ask(move |driver| Ok(Asked { seq: ask(driver)?, breaks: driver.breaks }));
        asked.ok_or(Unanswered::Ended)?.map_err(Unanswered::Failed)
    }

    /// Looks until `step` gives something. The end of the connection that `asked` was asked on ends
    /// it, and so does a backend that says nothing for too long. `meanwhile` is called between two
    /// looks, and may give up.
    ///
    /// # Errors
    /// The outer one is that of `meanwhile`.
    pub fn wait<T: Send + 'static, E>(
        &self,
        asked: Option<Asked>,
        step: impl Fn(&mut Driver) -> Result<Option<T>, EngineError> + Clone + Send + 'static,
        mut meanwhile: impl FnMut() -> Result<(), E>,
    ) -> Result<Result<T, Unanswered>, E> {
        let (mut wait, mut since, mut heard) = (LOOK.0, Instant::now(), 0);
        loop {
            let step = step.clone();
            let look = move |driver: &mut Driver| match step(driver)? {
                None if let Some(error) = driver.unreached() => Err(error),
                None if asked.is_some_and(|asked| asked.breaks != driver.breaks) => {
                    Err(SyncError::Unreached("the connection was lost".to_owned()).into())
                }
                found => Ok((found, driver.heard)),
            };
            match self.ask(look) {
                None => return Ok(Err(Unanswered::Ended)),
                Some(Err(error)) => return Ok(Err(Unanswered::Failed(error))),
                Some(Ok((Some(found), _))) => return Ok(Ok(found)),
                Some(Ok((None, now))) if now != heard => (heard, since) = (now, Instant::now()),
                Some(Ok((None, _))) if since.elapsed() > SILENCE => {
                    return Ok(Err(Unanswered::Failed(SyncError::Timeout.into())));
                }
                Some(Ok((None, _))) => {}
            }
            meanwhile()?;
            std::thread::sleep(wait);
            wait = (wait * 2).min(LOOK.1);
        }
    }
}
