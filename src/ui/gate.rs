//! Who reads the terminal: this program, or another that it gave the terminal to.
//!
//! Invariant: while the gate is shut nothing here reads the terminal, so that no key of the other
//! program's is lost to this one. What was read before is not lost either.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

/// How long the reading thread may take to stop reading.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long is looked for what was read already; a look of no time sees nothing.
const LOOK: Duration = Duration::from_millis(1);

/// The end of the loop.
#[derive(Debug)]
pub struct Gate {
    wake: PipeWriter,
    resume: Sender<()>,
    stopped: Receiver<()>,
}

/// The end of the thread that reads.
#[derive(Debug)]
pub struct Reader {
    woken: PipeReader,
    resumed: Receiver<()>,
    stops: Sender<()>,
}

/// The gate while it is shut; it opens when this is dropped.
#[derive(Debug)]
pub struct Shut<'a>(Option<&'a Gate>);

impl Drop for Shut<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.0 {
            let _ = gate.resume.send(());
        }
    }
}

impl Gate {
    /// An open gate.
    ///
    /// # Errors
    /// When the system has no more files.
    pub fn new() -> std::io::Result<(Self, Reader)> {
        let (woken, wake) = pipe()?;
        let ((resume, resumed), (stops, stopped)) = (channel(), channel());
        Ok((Self { wake, resume, stopped }, Reader { woken, resumed, stops }))
    }

    /// Shuts it; returns when nothing reads any more.
    pub fn shut(&mut self) -> Shut<'_> {
        let told = self.wake.write_all(&[0]).is_ok();
        // A reader that has ended does not read.
        let _ = self.stopped.recv_timeout(PATIENCE);
        Shut(told.then_some(self))
    }
}

impl Reader {
    /// Waits until the terminal has something; `false` when the gate was shut meanwhile.
    pub fn wait(&mut self) -> bool {
        if crossterm::event::poll(LOOK).unwrap_or(true) {
            return true;
        }
        let stdin = std::io::stdin();
        let mut both =
            [PollFd::new(&stdin, PollFlags::IN), PollFd::new(&self.woken, PollFlags::IN)];
        if poll(&mut both, None).is_err() {
            return false;
        }
        let (keys, woken) = (both[0].revents(), both[1].revents());
        if !woken.is_empty() {
            let _ = self.woken.read(&mut [0]);
            let _ = self.stops.send(());
            let _ = self.resumed.recv();
            return false;
        }
        // A terminal that is gone is found out by reading it.
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        keys.intersects(gone) || crossterm::event::poll(LOOK).unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_ended_holds_nobody_up() {
        let (mut gate, reader) = Gate::new().unwrap();
        drop(reader);
        drop(gate.shut());
    }
}
