//! A process that has the data directory for longer, without a screen: it takes in what its backend
//! says, and does what other commands ask of it.
//!
//! Invariant: one thread has the driver; everybody else asks it through the side door.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use crate::backend::HostHandle;
use crate::cli::beside::{self, Listening};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::engine::link::LinkEvent;
use crate::engine::{Driver, EngineError, SideDoor, Task};
use crate::notice::{Explain as _, Notice};

/// How long a turn waits at most: how often it is looked whether it was told to stop.
const LOOK: Duration = Duration::from_millis(100);

/// What wakes it.
enum Input {
    Link(LinkEvent),
    Run(Task),
}

/// The driver, and who may ask it.
pub(super) struct Attend {
    /// The device and its link.
    pub(super) driver: Driver,
    /// A way to the driver, for other threads of this process.
    pub(super) side: SideDoor,
    // Gone before the socket, so that the last guests hear of the end.
    receiver: Receiver<Input>,
    _listening: Option<Listening>,
}

impl Attend {
    /// Begins to hear other commands. Where that cannot be, they say that the directory is in use.
    pub(super) fn begin(
        home: &Home,
        output: Output,
        driver: Driver,
        events: Receiver<LinkEvent>,
        embedded: Option<HostHandle>,
    ) -> Self {
        let (inputs, receiver) = mpsc::channel();
        let tasks = inputs.clone();
        let side = SideDoor::new(move |task| tasks.send(Input::Run(task)).is_ok());
        let listening = beside::listen(home, side.clone(), embedded);
        if let Err(error) = &listening {
            let line = format!("other commands cannot work through this one: {error}");
            let hint = "they say that the directory is in use";
            output.notice(&Notice::warning("no-socket", line, hint));
        }
        std::thread::spawn(move || {
            for event in events {
                if inputs.send(Input::Link(event)).is_err() {
                    return;
                }
            }
        });
        Self { driver, side, receiver, _listening: listening.ok() }
    }

    /// Does what waits first, or waits a moment for it; `false` when there was nothing.
    pub(super) fn turn(&mut self, output: Output) -> Result<bool, Notice> {
        match self.receiver.recv_timeout(LOOK) {
            Ok(Input::Link(event)) => link_event(&mut self.driver, event, output)?,
            Ok(Input::Run(task)) => task(&mut self.driver),
            Err(_) => return Ok(false),
        }
        Ok(true)
    }
}

/// Takes an event in; a connection that is gone is said once, and one that is refused ends it.
fn link_event(driver: &mut Driver, event: LinkEvent, output: Output) -> Result<(), Notice> {
    let tells = !matches!(event, LinkEvent::Dialing);
    driver.link_event(event).map_err(|error| error.notice())?;
    if tells && let Some(error) = driver.last_error.clone() {
        let error = EngineError::from(error);
        if error.is_permanent() {
            return Err(error.notice());
        }
        output.notice(&error.notice());
    }
    Ok(())
}
