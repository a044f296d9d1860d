//! `serve`: the backend for other devices.
//!
//! Invariant: the data directory that is served is a device of this backend too, so that reading
//! commands on it say what the backend has, while it serves and afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::backend::{Fetcher, Host, Options, listener, token};
use crate::cli::beside;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::session::pipe;
use crate::clock::SystemClock;
use crate::engine::link::{Endpoint, Link};
use crate::engine::{Driver, EngineError, SideDoor};
use crate::limits::THREAD_CLIENTS_SERVE;
use crate::notice::{Exit, Explain as _, Notice};

/// How often the directory's own device looks whether it was told to stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long after an error the device is opened again: a full disk may have room then.
const AGAIN: Duration = Duration::from_secs(5);

/// Serves until Ctrl-C or SIGTERM.
pub(super) fn run(home: &Home, output: Output, listen: &str) -> Result<Exit, Notice> {
    if home.is_remote() {
        let line = "this data directory belongs to a remote backend";
        return Err(Notice::error("other-backend", line, "serve from a directory of its own"));
    }
    let listen = listen.replace("localhost:", "127.0.0.1:");
    if listen.parse::<std::net::SocketAddr>().is_err() {
        let line = format!("{} is not IP:PORT", crate::safe_text::line(&listen));
        return Err(Notice::error("address", line, "such as 127.0.0.1:7070").exit(Exit::Usage));
    }
    let _owner = home.own()?;
    // Before the port: who finds that open finds the token too.
    let token = token(&home.dir).map_err(|error| error.notice())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Notice::error("runtime", error.to_string(), ""))?;
    let socket = runtime.block_on(listener::bind(&listen)).map_err(|error| error.notice())?;
    home.has_its_mail()?;
    let options = Options { dir: home.backend_dir(), thread_clients: THREAD_CLIENTS_SERVE };
    let host = Host::start(&options, Box::new(SystemClock)).map_err(|error| error.notice())?;
    // What is wrong with a conversation's log is for who reads this program's lines.
    let _ = host.handle().tell_notices(move |notice| output.notice(notice));
    // Nobody works through it but who makes a backup: it has no engine that could be asked.
    let nobody = SideDoor::new(|_| false);
    let _listening = beside::listen(home, nobody, Some(host.handle())).ok();
    let here = Here::start(home, &host, output)?;
    let fetcher = Fetcher::start(&home.dir, host.handle());
    let fetcher = fetcher.map_err(|error| Notice::error("runtime", error.to_string(), ""))?;
    // Without it devices write and read as well; only nobody says how accounts are.
    let _ = super::tui_mail::tell(&home.dir, fetcher.handle(), host.handle());
    let address = socket.local_addr().map_or_else(|_| listen, |a| a.to_string());
    let value = serde_json::json!({ "listening": format!("ws://{address}") });
    output.result(&value, || {
        let file = home.dir.join("token");
        format!("listening on ws://{address}; the token is in {}", file.display())
    })?;
    runtime.block_on(listener::run(socket, host.handle(), token, super::stop::wait()));
    drop(fetcher);
    here.stop();
    host.stop();
    Ok(Exit::Done)
}

/// The directory's own device, kept at the backend's head.
struct Here {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Here {
    fn start(home: &Home, host: &Host, output: Output) -> Result<Self, Notice> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, home, endpoint) = (Arc::clone(&stop), home.clone(), pipe(host));
        let run = move || {
            while !stopped.load(Ordering::SeqCst) {
                if let Err(notice) = follow(&home, endpoint.clone(), &stopped) {
                    output.notice(&notice);
                    rest(&stopped);
                }
            }
        };
        let thread = std::thread::Builder::new().name("own-device".to_owned()).spawn(run);
        let thread = thread.map_err(|error| Notice::error("runtime", error.to_string(), ""))?;
        Ok(Self { stop, thread })
    }

    fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = self.thread.join();
    }
}

/// Opens the device and takes in what the backend says until told to stop.
fn follow(home: &Home, endpoint: Endpoint, stop: &AtomicBool) -> Result<(), Notice> {
    let notice = |error: EngineError| error.notice();
    let device = home.device()?;
    let (sender, events) = mpsc::channel();
    let link = Link::start(endpoint, device.id().clone(), sender);
    let link = link.map_err(|error| error.notice())?;
    let mut driver = Driver::new(device, Some(link), false);
    while !stop.load(Ordering::SeqCst) {
        match events.recv_timeout(LOOK) {
            Ok(event) => driver.link_event(event).map_err(notice)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                rest(stop);
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Waits before the device is opened again, or until told to stop.
fn rest(stop: &AtomicBool) {
    let until = Instant::now() + AGAIN;
    while Instant::now() < until && !stop.load(Ordering::SeqCst) {
        std::thread::sleep(LOOK);
    }
}
