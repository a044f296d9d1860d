//! A writing command's session: the directory is ours, the device is open, and the backend is
//! there, inside or elsewhere.
//!
//! Invariant: what was done is on disk before the backend is waited for; when that is not reached,
//! the work is kept and the exit code says so.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};

use crate::backend::{Fetcher, Host, Options, Sending, SmtpPost, listener};
use crate::cli::desk;
use crate::cli::home::{Home, Where};
use crate::cli::output::Output;
use crate::clock::SystemClock;
use crate::engine::link::{Endpoint, Link, LinkEvent};
use crate::engine::{Driver, Owner, Synced};
use crate::limits::THREAD_CLIENTS_EMBEDDED;
use crate::notice::{Explain as _, Notice};

/// A session.
#[derive(Debug)]
pub(super) struct Session {
    /// The device and its link.
    pub(super) driver: Driver,
    /// What the link says.
    pub(super) events: Receiver<LinkEvent>,
    /// Who fetches mail into the embedded backend, where that is asked for; gone before it.
    pub(super) fetcher: Option<Fetcher>,
    /// Who sends and fetches nothing, where that is asked for; gone before the backend.
    sending: Option<Sending>,
    /// The embedded backend, when it runs.
    pub(super) host: Option<Host>,
    home: Home,
    link: Option<mpsc::Sender<LinkEvent>>,
    _owner: Owner,
}

impl Session {
    /// Takes the directory and opens the device; nothing is connected yet.
    pub(super) fn open(home: &Home) -> Result<Self, Notice> {
        Self::of(home, desk::own_soon(home)?)
    }

    /// Opens the device of a directory that is ours.
    pub(super) fn of(home: &Home, owner: Owner) -> Result<Self, Notice> {
        let device = home.device()?;
        let (link, events) = mpsc::channel();
        Ok(Self {
            driver: Driver::new(device, None, home.is_remote()),
            events,
            fetcher: None,
            sending: None,
            host: None,
            home: home.clone(),
            link: Some(link),
            _owner: owner,
        })
    }

    /// Starts the embedded backend, or dials the remote one, and waits for its welcome.
    pub(super) fn connect(&mut self) -> Result<(), Notice> {
        let Some(sender) = self.link.take() else { return Ok(()) };
        let endpoint = match &self.home.backend {
            Where::Embedded => {
                let host = embedded(&self.home)?;
                let endpoint = pipe(&host);
                self.host = Some(host);
                endpoint
            }
            Where::Remote(remote) => {
                Endpoint::Url { url: remote.url.clone(), token: remote.token.clone() }
            }
        };
        let id = self.driver.device.id().clone();
        let link = Link::start(endpoint, id, sender).map_err(|error| error.notice())?;
        self.driver.set_link(link);
        self.driver.connect(&self.events).map_err(|error| error.notice())?;
        self.home.remember()
    }

    /// Fetches mail of all accounts from now on, where the backend is in this process.
    pub(super) fn fetch_mail(&mut self) -> Result<(), Notice> {
        let Some(host) = &self.host else { return Ok(()) };
        let fetcher = Fetcher::start(&self.home.dir, host.handle());
        let fetcher = fetcher.map_err(|error| Notice::error("runtime", error.to_string(), ""))?;
        self.fetcher = Some(fetcher);
        Ok(())
    }

    /// Sends what is due from now on, where the backend is in this process.
    pub(super) fn send_mail(&mut self) -> Result<(), Notice> {
        let Some(host) = self.host.as_ref().filter(|_| self.fetcher.is_none()) else {
            return Ok(());
        };
        let sending = Sending::start(&self.home.dir, host.handle(), Arc::new(SmtpPost::default()));
        let sending = sending.map_err(|error| Notice::error("runtime", error.to_string(), ""))?;
        self.sending = Some(sending);
        Ok(())
    }

    /// Says at the start that [`Session::index`] will be called.
    pub(super) fn hurry(&self) {
        if let Some(host) = &self.host {
            host.handle().index().hurry();
        }
    }

    /// Has the index of words take in all that came, where the backend is in this process; until
    /// `stop`, or the disk refuses: the next process goes on from there.
    pub(super) fn index(&self, output: Output, stop: &AtomicBool) {
        let Some(host) = &self.host else { return };
        let terminal = std::io::stderr().is_terminal();
        let mut told = false;
        let handle = host.handle();
        handle.index().catch_up(&mut |left| {
            output.progress(&format!("indexing, {left} messages left"), terminal);
            told = true;
            !stop.load(Ordering::SeqCst)
        });
        if told && terminal {
            output.progress("", true);
        }
    }

    /// Offers what is pending and takes in all that the backend has.
    pub(super) fn synchronise(&mut self) -> Result<Synced, Notice> {
        self.driver.synchronise(&self.events).map_err(|error| error.notice())
    }

    /// Sends what was done, and takes in what became of it: then the next command sees it.
    pub(super) fn finish(&mut self) -> Result<(), Notice> {
        self.connect()?;
        self.synchronise().map(drop)
    }
}

/// Starts the backend inside this process.
pub(super) fn embedded(home: &Home) -> Result<Host, Notice> {
    let mail = home.backend_dir().join("threads.db");
    // It is made where it is absent.
    if std::fs::metadata(mail).map_or(0, |mail| mail.len()) == 0 {
        home.has_its_mail()?;
    }
    let options = Options { dir: home.backend_dir(), thread_clients: THREAD_CLIENTS_EMBEDDED };
    Host::start(&options, Box::new(SystemClock)).map_err(|error| error.notice())
}

/// The way to an embedded backend: the same frames over a WebSocket on an in-process pipe.
pub(super) fn pipe(host: &Host) -> Endpoint {
    let handle = host.handle();
    Endpoint::Pipe(Arc::new(move || listener::pipe(&handle)))
}
