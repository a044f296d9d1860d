//! `import --watch`: takes in every change of live directories as it is made.
//!
//! Invariant: a change is told once it is on disk and seen by other commands; what could not be
//! taken in is tried again and never skipped. The directory's owner hears other commands meanwhile;
//! beside another owner it imports through that one, and takes the directory over when it is free.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, TryRecvError};
use std::time::{Duration, Instant};

use crate::backend::{Host, HostHandle};
use crate::bridge::import::{ImportReport, ImportRequest, import};
use crate::bridge::watch::{Touched, Watcher};
use crate::bridge::{MailSink, SinkError};
use crate::cli::attend::Attend;
use crate::cli::beside::{Guest, GuestSink};
use crate::cli::desk::{self, Found};
use crate::cli::home::Home;
use crate::cli::import::{Bar, plain, sources};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::sinks::SideSink;
use crate::engine::{Owner, SideDoor, Sources};
use crate::notice::{Exit, Notice};

/// How often it is looked whether it was told to stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long is waited before what could not be taken in is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Failures that are remembered, so that none is told twice.
const TOLD: usize = 100_000;

/// Imports, then goes on until it is stopped.
pub(super) fn run(
    home: &Home,
    output: Output,
    request: ImportRequest,
    wait: bool,
) -> Result<Exit, Notice> {
    for path in &request.paths {
        if !path.is_dir() {
            let line = format!("{} is not a directory", path.display());
            let hint = "--watch takes directories that are there";
            let exit = if path.exists() { Exit::Usage } else { Exit::NotFound };
            return Err(Notice::error("not-a-directory", line, hint).exit(exit));
        }
    }
    if home.offline && home.is_remote() {
        let line = "mail is taken in by the backend, and --offline reaches none";
        let hint = "run it without --offline";
        return Err(Notice::error("offline", line, hint).exit(Exit::Unreached));
    }
    let stop = super::stop::flag();
    // Before anything is read, so that no change falls between.
    let (watcher, notice) = Watcher::start(&request.paths);
    if let Some(notice) = notice {
        output.notice(&notice);
    }
    let waits = Waits { watcher, due: Some(Touched::All), not_before: Instant::now() };
    let mut watch = Watch {
        output,
        request,
        wait,
        stop,
        waits,
        told: HashSet::new(),
        first: true,
        again: false,
    };
    while !watch.stop.load(Ordering::SeqCst) {
        match desk::soon(home, Guest::knock) {
            Ok(Found::Own(owner)) => return watch.own(home, owner),
            Ok(Found::Other(mut guest)) => watch.beside(home, &mut guest)?,
            // A command that takes long has it; what changed meanwhile is taken in after that.
            Err(notice) if notice.code == "in-use" && !watch.first => watch.again(&notice),
            Err(notice) => return Err(notice),
        }
        // The guest is gone: an owner must not wait for one that thinks for hours.
        watch.until_due();
    }
    Ok(Exit::Stopped)
}

/// What waits to be taken in.
struct Waits {
    watcher: Watcher,
    due: Option<Touched>,
    not_before: Instant,
}

struct Watch {
    output: Output,
    request: ImportRequest,
    wait: bool,
    stop: Arc<AtomicBool>,
    waits: Waits,
    /// Failures that were told.
    told: HashSet<(PathBuf, u64, String)>,
    first: bool,
    /// What is due was tried before, and may be taken in already without our having heard.
    again: bool,
}

impl Watch {
    /// Waits until there is something to take in, or it was stopped.
    fn until_due(&mut self) {
        while !self.stop.load(Ordering::SeqCst) {
            if self.waits.due.is_some() && Instant::now() >= self.waits.not_before {
                return;
            }
            let (touched, notice) = self.waits.watcher.wait(LOOK);
            if let Some(notice) = notice {
                self.output.notice(&notice);
            }
            if let Some(touched) = touched {
                self.later(touched);
            }
        }
    }

    fn later(&mut self, touched: Touched) {
        self.waits.due = Some(match self.waits.due.take() {
            Some(due) => due.and(touched),
            None => touched,
        });
    }

    /// What is due is tried again after a while.
    fn again(&mut self, why: &Notice) {
        self.again = true;
        self.output.notice(why);
        self.waits.not_before = Instant::now() + RETRY;
    }

    /// Takes in what is due.
    fn round(&mut self, sources: &mut Sources, sink: &mut dyn MailSink) -> Result<(), Notice> {
        let Some(due) = self.waits.due.take() else { return Ok(()) };
        self.request.only = match &due {
            Touched::All => Vec::new(),
            Touched::In(dirs) => dirs.iter().cloned().collect(),
        };
        let mut bar = Bar::new(self.output);
        let mut show = |progress: &_| bar.show(progress);
        let done = import(&self.request, sources, sink, &mut show, &self.stop);
        bar.end();
        if let Some(trouble) = sources.trouble() {
            self.output.notice(trouble);
        }
        match done {
            Ok(report) => self.tell(report),
            Err(SinkError(notice)) if notice.exit == Exit::Unreached => {
                self.later(due);
                self.again(&notice);
                Ok(())
            }
            Err(SinkError(notice)) => Err(notice),
        }
    }

    /// One object for what changed; the first is told in any case.
    fn tell(&mut self, mut report: ImportReport) -> Result<(), Notice> {
        if self.told.len() > TOLD {
            self.told.clear();
        }
        let told = &mut self.told;
        report.failed.retain(|failure| {
            told.insert((failure.path.clone(), failure.offset, failure.code.clone()))
        });
        if self.first {
            report.notices.iter().for_each(|notice| self.output.notice(notice));
        }
        let again = std::mem::take(&mut self.again) && report.messages > 0;
        if self.first || again || report.says_anything() {
            self.output.result(&report, || plain(&report))?;
        }
        self.first &= report.stopped;
        Ok(())
    }

    /// One round through the process that has the directory.
    fn beside(&mut self, home: &Home, guest: &mut Guest) -> Result<(), Notice> {
        let mut sources = sources(home, Some(guest.device()));
        let mut sink = GuestSink { guest, wait: self.wait };
        self.round(&mut sources, &mut sink)
    }

    /// Rounds until it is stopped: this process has the directory, and hears other commands.
    fn own(mut self, home: &Home, owner: Owner) -> Result<Exit, Notice> {
        let mut session = Session::of(home, owner)?;
        session.connect()?;
        let host = session.host.as_ref().map(Host::handle);
        let embedded = host.clone();
        let Session { driver, events, .. } = session;
        let (output, stop) = (self.output, Arc::clone(&self.stop));
        let mut attend = Attend::begin(home, output, driver, events, embedded);
        let (ended, end) = mpsc::sync_channel(1);
        let (home, side) = (home.clone(), attend.side.clone());
        std::thread::spawn(move || {
            // The other thread waits for it, unless it failed itself.
            let _ = ended.send(self.rounds(&home, &side, host.as_ref()));
        });
        loop {
            attend.turn(output)?;
            // What it says is of no use here: rows are read when they are asked for.
            attend.driver.device.news();
            match end.try_recv() {
                Ok(done) => return done.map(|()| Exit::Stopped),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => {
                    stop.store(true, Ordering::SeqCst);
                    let line = "the thread that imports has died";
                    return Err(Notice::error("died", line, "run it again"));
                }
            }
        }
    }

    fn rounds(
        &mut self,
        home: &Home,
        side: &SideDoor,
        host: Option<&HostHandle>,
    ) -> Result<(), Notice> {
        while !self.stop.load(Ordering::SeqCst) {
            self.until_due();
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            // Opened each time: the backend may have begun another life, or purged something.
            let device = home.reader()?;
            let mut sources = sources(home, device.as_ref());
            let mut sink = SideSink::new(side.clone(), host.cloned(), self.wait);
            self.round(&mut sources, &mut sink)?;
        }
        Ok(())
    }
}
