//! A backend in a process of its own: `mailtui serve`.
//!
//! Invariant: it listens on loopback only and is killed when the test ends.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::net::TcpSocket;

use super::binary::{self, Home, Run};
use super::{SCREEN_DEADLINE, wait_for};

/// How long an armed backend may go on after it has answered.
const AFTERMATH: Duration = Duration::from_millis(300);

/// A `serve` that may be running or not.
pub(crate) struct Serve {
    home: Home,
    port: u16,
    child: Option<Child>,
}

/// A port of this machine that was free a moment ago, for a program that listens on it next. Where
/// nobody is to listen it is a [`ClosedPort`].
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A port of this machine on which nobody listens as long as this is held: it is bound, so it is
/// given to nobody else, and who connects is refused.
pub(crate) struct ClosedPort {
    /// The port.
    pub(crate) port: u16,
    _held: TcpSocket,
}

impl ClosedPort {
    /// Takes one.
    pub(crate) fn new() -> Self {
        let held = TcpSocket::new_v4().expect("a socket");
        held.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let port = held.local_addr().expect("its address").port();
        let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect_err("it is closed");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        Self { port, _held: held }
    }
}

impl Serve {
    /// Starts a backend with a fresh data directory and waits until it accepts.
    pub(crate) fn start() -> Self {
        let mut serve = Self { home: Home::new(), port: free_port(), child: None };
        serve.restart();
        serve
    }

    /// Starts it again on the same data directory and port.
    pub(crate) fn restart(&mut self) {
        self.spawn(None);
        assert!(self.accepts_or_ends(), "serve has ended at once");
        let token = wait_for(SCREEN_DEADLINE, || self.token_file().exists().then_some(()));
        assert!(token.is_some(), "serve has written no token");
    }

    /// As [`Serve::restart`], to die at a crash point; that may be before it accepts.
    pub(crate) fn restart_armed(&mut self, point: &str) {
        self.spawn(Some(point));
        self.accepts_or_ends();
    }

    /// Waits until it accepts (true) or has ended (false).
    fn accepts_or_ends(&mut self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let child = self.child.as_mut().expect("it was started");
        let up = wait_for(SCREEN_DEADLINE, || {
            let accepts = TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok();
            let ended = child.try_wait().expect("it can be waited for").is_some();
            (accepts || ended).then_some(accepts)
        });
        up.unwrap_or_else(|| panic!("serve neither accepts on {address} nor ends"))
    }

    /// Whether SIGKILL has ended it by itself, now or in a moment; it can be started again then.
    pub(crate) fn has_died(&mut self) -> bool {
        let Some(child) = self.child.as_mut() else { return false };
        let status = wait_for(AFTERMATH, || child.try_wait().expect("it can be waited for"));
        let Some(status) = status else { return false };
        assert_eq!(status.signal(), Some(9), "serve ended by itself: {status}");
        self.child = None;
        true
    }

    fn spawn(&mut self, crash: Option<&str>) {
        assert!(self.child.is_none(), "it runs already");
        let listen = format!("127.0.0.1:{}", self.port);
        let mut command = self.home.command(&["serve", "--listen", &listen]);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log());
        command.stdout(Stdio::null()).stderr(log.expect("a log file"));
        command.envs(crash.map(|point| ("MAILTUI_CRASH_AT", point)));
        self.child = Some(command.spawn().expect("serve starts"));
    }

    /// Ends it as an administrator would, and waits.
    pub(crate) fn stop(&mut self) {
        self.end(Signal::TERM);
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Where the token is.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.home.data().join("token")
    }

    /// Where its standard error goes.
    pub(crate) fn log(&self) -> PathBuf {
        self.home.path("serve.log")
    }

    /// On which port.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// `doctor` of its data directory; it must not be running.
    pub(crate) fn assert_healthy(&self, after: &str) {
        self.home.assert_healthy(after);
    }

    /// The home that it serves from.
    pub(crate) const fn home(&self) -> &Home {
        &self.home
    }

    /// `list --json` on its data directory, running or not.
    pub(crate) fn list_beside(&self) -> String {
        let run = self.home.run(&["list", "--limit", "0", "--json"]).ok();
        String::from_utf8(run.stdout).expect("UTF-8")
    }

    /// A command of a device of this backend.
    pub(crate) fn command(&self, device: &Home, args: &[&str]) -> Command {
        let token = self.token_file();
        let mut command = device.command(args);
        command.args(["--backend", &self.url(), "--token-file"]).arg(token);
        command
    }

    /// Runs a command on a device of this backend.
    pub(crate) fn run(&self, device: &Home, args: &[&str]) -> Run {
        binary::run(self.command(device, args))
    }

    /// Runs `--sync-only` on a device, which must reach the head, and returns its object.
    pub(crate) fn sync(&self, device: &Home) -> Value {
        let run = self.run(device, &["--sync-only", "--json"]).ok();
        let status = run.object();
        assert_eq!(status["pending"], 0, "{run}");
        status
    }

    fn end(&mut self, signal: Signal) {
        let Some(mut child) = self.child.take() else { return };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("the signal is sent");
        let ended = wait_for(SCREEN_DEADLINE, || child.try_wait().expect("it can be waited for"));
        if ended.is_none() {
            let _ = child.kill();
            panic!("serve did not end after {signal:?}");
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            println!("--- what serve said\n{log}");
        }
    }
}
