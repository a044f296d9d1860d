//! A mail server that does as it is told: IMAP or SMTP up to the login, and what can be wrong until
//! then.
//!
//! Invariant: it listens on loopback, notes every line with whether it came encrypted, and ends
//! with its test. It knows one user: ann, whose password is [`PASSWORD`].

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The password of ann.
pub(crate) const PASSWORD: &str = "pw-of-ann";
/// How long one read may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a connection begins.
#[derive(Clone)]
pub(crate) enum Front {
    /// In clear, for good.
    Plain,
    /// With TLS.
    Tls(Arc<ServerConfig>),
    /// In clear, then STARTTLS.
    StartTls(Arc<ServerConfig>),
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ill {
    /// Nothing.
    Well,
    /// STARTTLS is not offered.
    Stripped,
    /// More stands behind the answer to STARTTLS, in clear.
    Injects,
    /// No way to log in is offered.
    NoLogin,
    /// The first line does not end.
    Endless,
    /// It says no at once.
    Busy,
    /// After its greeting it says nothing more.
    Silent,
}

/// The server.
pub(crate) struct Double {
    address: SocketAddr,
    lines: Arc<Mutex<Vec<(bool, String)>>>,
    over: Arc<AtomicBool>,
}

enum Line {
    Clear(TcpStream),
    Safe(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// One connection.
struct Talk {
    line: Line,
    /// Read and not yet taken.
    rest: Vec<u8>,
    front: Front,
    ill: Ill,
    lines: Arc<Mutex<Vec<(bool, String)>>>,
}

impl Double {
    /// One that speaks IMAP.
    pub(crate) fn imap(front: Front, ill: Ill) -> Self {
        Self::start(front, ill, Talk::imap)
    }

    /// One that speaks SMTP.
    pub(crate) fn smtp(front: Front, ill: Ill) -> Self {
        Self::start(front, ill, Talk::smtp)
    }

    fn start(front: Front, ill: Ill, talk: fn(&mut Talk) -> std::io::Result<()>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (noted, over) = (Arc::clone(&lines), Arc::new(AtomicBool::new(false)));
        let ended = Arc::clone(&over);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (front, lines) = (front.clone(), Arc::clone(&noted));
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let line = match &front {
                        Front::Tls(config) => safe(stream, config),
                        _ => Line::Clear(stream),
                    };
                    let mut one = Talk { line, rest: Vec::new(), front, ill, lines };
                    let _ = talk(&mut one);
                    one.end();
                });
            }
        });
        Self { address, lines, over }
    }

    /// Where it listens.
    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its address by name, with the scheme.
    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.port())
    }

    /// The lines that came: whether encrypted, and what.
    pub(crate) fn lines(&self) -> Vec<(bool, String)> {
        self.lines.lock().expect("no panic while noted").clone()
    }

    /// Asserts that no login came in clear.
    pub(crate) fn assert_no_login_in_clear(&self) {
        for (safe, line) in self.lines() {
            let upper = line.to_uppercase();
            let login = ["AUTH", "LOGIN"].iter().any(|word| upper.contains(word));
            assert!(safe || !login, "in clear: {line}");
        }
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn safe(stream: TcpStream, config: &Arc<ServerConfig>) -> Line {
    let connection = ServerConnection::new(Arc::clone(config)).expect("a connection");
    Line::Safe(Box::new(StreamOwned::new(connection, stream)))
}

impl Talk {
    fn say(&mut self, text: &str) -> std::io::Result<()> {
        match &mut self.line {
            Line::Clear(stream) => stream.write_all(text.as_bytes()),
            Line::Safe(stream) => stream.write_all(text.as_bytes()).and_then(|()| stream.flush()),
        }
    }

    fn hear(&mut self) -> std::io::Result<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                let safe = matches!(self.line, Line::Safe(_));
                self.lines.lock().expect("no panic while noted").push((safe, line.clone()));
                return Ok(line);
            }
            let mut part = [0; 1024];
            let read = match &mut self.line {
                Line::Clear(stream) => stream.read(&mut part)?,
                Line::Safe(stream) => stream.read(&mut part)?,
            };
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.rest.extend_from_slice(&part[..read]);
        }
    }

    fn endless(&mut self) -> std::io::Result<()> {
        loop {
            self.say(&"x".repeat(64 * 1024))?;
        }
    }

    fn secure(&mut self, yes: &str) -> std::io::Result<()> {
        let Front::StartTls(config) = self.front.clone() else {
            return Err(std::io::ErrorKind::Unsupported.into());
        };
        let injected = if self.ill == Ill::Injects { "* 250 more\r\n" } else { "" };
        self.say(&format!("{yes}{injected}"))?;
        let Line::Clear(stream) = &self.line else {
            return Err(std::io::ErrorKind::Unsupported.into());
        };
        self.line = safe(stream.try_clone()?, &config);
        Ok(())
    }

    /// Whether STARTTLS is to be offered.
    fn offers_tls(&self) -> bool {
        let clear = matches!(self.line, Line::Clear(_));
        clear && matches!(self.front, Front::StartTls(_)) && self.ill != Ill::Stripped
    }

    fn offers_login(&self) -> bool {
        self.ill != Ill::NoLogin
    }

    fn smtp(&mut self) -> std::io::Result<()> {
        match self.ill {
            Ill::Endless => return self.endless(),
            Ill::Busy => return self.say("421 4.7.0 too many connections\r\n"),
            _ => self.say("220 double ESMTP\r\n")?,
        }
        loop {
            let line = self.hear()?;
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                _ if self.ill == Ill::Silent => {}
                ["EHLO", _] => {
                    let tls = if self.offers_tls() { "250-STARTTLS\r\n" } else { "" };
                    let auth = if self.offers_login() { "250-AUTH PLAIN LOGIN\r\n" } else { "" };
                    self.say(&format!("250-double\r\n{tls}{auth}250 8BITMIME\r\n"))?;
                }
                ["STARTTLS"] => self.secure("220 go on\r\n")?,
                ["AUTH", "PLAIN", initial] if right(initial) => self.say("235 welcome\r\n")?,
                ["AUTH", ..] => self.say("535 5.7.8 bad \u{1b}[2Jcredentials\r\n")?,
                _ => return self.say("221 bye\r\n"),
            }
        }
    }

    fn imap(&mut self) -> std::io::Result<()> {
        match self.ill {
            Ill::Endless => return self.endless(),
            Ill::Busy => return self.say("* BYE too many connections\r\n"),
            _ => self.say("* OK double\r\n")?,
        }
        loop {
            let line = self.hear()?;
            let words: Vec<&str> = line.split(' ').collect();
            let [tag, rest @ ..] = &words[..] else { return Ok(()) };
            match *rest {
                ["CAPABILITY"] => {
                    let tls = if self.offers_tls() { " STARTTLS" } else { "" };
                    let auth =
                        if self.offers_login() { " AUTH=PLAIN SASL-IR" } else { " LOGINDISABLED" };
                    self.say(&format!("* CAPABILITY IMAP4rev1{tls}{auth}\r\n{tag} OK done\r\n"))?;
                }
                ["STARTTLS"] => self.secure(&format!("{tag} OK go on\r\n"))?,
                ["AUTHENTICATE", "PLAIN", initial] if right(initial) => {
                    self.say(&format!("{tag} OK welcome\r\n"))?;
                }
                ["AUTHENTICATE", ..] => {
                    self.say(&format!("{tag} NO [AUTHENTICATIONFAILED] bad credentials\r\n"))?;
                }
                ["LOGOUT"] => return self.say(&format!("* BYE\r\n{tag} OK bye\r\n")),
                _ => self.say(&format!("{tag} BAD what\r\n"))?,
            }
        }
    }

    fn end(&mut self) {
        match &mut self.line {
            Line::Clear(stream) => drop(stream.shutdown(Shutdown::Write)),
            Line::Safe(stream) => {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    }
}

fn right(initial: &str) -> bool {
    let expected = format!("\0ann\0{PASSWORD}");
    base64::engine::general_purpose::STANDARD.encode(expected) == initial
}
