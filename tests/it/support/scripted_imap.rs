//! A mail server that tells lies on demand: an engine that answers as an honest one does, and a
//! script of pairs, what is asked and what is answered instead.
//!
//! Invariant: it writes down every line that it hears, and whether it came in clear. It keeps no
//! more order than a small mailbox needs; that real servers are understood is shown with Dovecot.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use super::scripted_engine::Engine;
pub(crate) use super::scripted_engine::{Folder, Message, folder, message};

/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_mins(2);
/// What the honest server can do.
pub(crate) const CAN: &str = "IMAP4rev1 IDLE UIDPLUS MOVE SASL-IR LITERAL+ AUTH=PLAIN";

/// One thing to do instead of the usual answer. In texts, `{tag}` is the command's.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Says this.
    Say(String),
    /// Says these bytes so many times.
    Flood(Vec<u8>, usize),
    /// Answers as an honest server does.
    Usual,
    /// Answers as an honest server does, with every `.0` as `.1`.
    Instead(String, String),
    /// Says a byte, and waits, so many times.
    Drip(Duration, usize),
    /// Says nothing more, and reads on.
    Hang,
    /// Ends the connection.
    Close,
}

/// Says this.
pub(crate) fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// When a command has these parts, in this order (`*` between them): do this.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    expect: String,
    /// So many of such commands are answered as usual before.
    after: usize,
    acts: Vec<Act>,
}

/// A pair of a script; the first that fits counts. The greeting is asked for by `GREETING`.
pub(crate) fn pair(expect: &str, acts: Vec<Act>) -> Pair {
    Pair { expect: expect.to_owned(), after: 0, acts }
}

impl Pair {
    /// Only after so many of them.
    pub(crate) fn after(mut self, count: usize) -> Self {
        self.after = count;
        self
    }

    fn fits(&self, command: &str) -> bool {
        let command = command.to_ascii_uppercase();
        let mut rest = command.as_str();
        for (at, part) in self.expect.split('*').enumerate() {
            let Some(found) = rest.find(part) else { return false };
            if at == 0 && found != 0 {
                return false;
            }
            rest = &rest[found + part.len()..];
        }
        true
    }
}

/// How a connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begins {
    /// In clear, for good.
    Clear,
    /// In clear, until STARTTLS.
    StartTls,
    /// With TLS.
    Tls,
}

/// A line that was heard.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// Whether it came through TLS.
    pub(crate) secret: bool,
    /// The line without its tag.
    pub(crate) line: String,
}

/// What the server's threads and the test share.
pub(super) struct State {
    script: Vec<Pair>,
    heard: Vec<Heard>,
    pub(super) folders: Vec<Folder>,
    pub(super) can: String,
    seen: BTreeMap<usize, usize>,
    connections: usize,
    open: Vec<TcpStream>,
}

/// A running server.
pub(crate) struct ScriptedImap {
    /// Its port on loopback.
    pub(crate) port: u16,
    begins: Begins,
    state: Arc<Mutex<State>>,
}

impl ScriptedImap {
    /// Starts one; honest as long as it has no script.
    pub(crate) fn start(begins: Begins, folders: Vec<Folder>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let state = State {
            script: Vec::new(),
            heard: Vec::new(),
            folders,
            can: CAN.to_owned(),
            seen: BTreeMap::new(),
            connections: 0,
            open: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                {
                    let mut state = lock(&shared);
                    state.connections += 1;
                    state.open.extend(stream.try_clone());
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || Connection::serve(stream, begins, shared));
            }
        });
        Self { port, begins, state }
    }

    /// From now on it answers by this script.
    pub(crate) fn script(&self, script: Vec<Pair>) {
        let mut state = lock(&self.state);
        state.script = script;
        state.seen.clear();
    }

    /// From now on it says that it can do this.
    pub(crate) fn can(&self, can: &str) {
        can.clone_into(&mut lock(&self.state).can);
    }

    /// Everything that it heard, and forgets it.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut lock(&self.state).heard)
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// Says something on every connection that nobody asked for; they are in clear.
    pub(crate) fn push(&self, text: &str) {
        for mut stream in &lock(&self.state).open {
            let _ = stream.write_all(text.as_bytes());
        }
    }

    /// Looks at its folders, or changes them as another client would.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Vec<Folder>) -> T) -> T {
        change(&mut lock(&self.state).folders)
    }

    /// The part of `accounts.toml` for it.
    pub(crate) fn account(&self, id: &str) -> String {
        let (scheme, ca) = match self.begins {
            Begins::Clear => ("imap+plain", String::new()),
            Begins::StartTls => ("imap", certificate_line()),
            Begins::Tls => ("imaps", certificate_line()),
        };
        format!(
            "[accounts.{id}]\naddress = \"{id}@example.org\"\nlogin = \"{id}\"\n\
             imap = \"{scheme}://localhost:{}\"\n{ca}\
             password = {{ command = [\"echo\", \"{PASSWORD}\"] }}\n",
            self.port
        )
    }
}

/// The password of every account.
pub(crate) const PASSWORD: &str = "open-sesame-4711";

/// What a password looks like on the wire, in every way in which it could be sent.
pub(crate) fn is_credential(line: &str) -> bool {
    let up = line.to_ascii_uppercase();
    up.starts_with("LOGIN") || up.starts_with("AUTHENTICATE") || line.contains(PASSWORD)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn certificate_line() -> String {
    let dir = &made().dir;
    format!("tls_ca = \"{}\"\n", dir.path().join("cert.pem").display())
}

/// A key and certificate for `localhost`, made once.
struct Made {
    dir: tempfile::TempDir,
    config: Arc<rustls::ServerConfig>,
}

/// Whether a certificate can be made here.
pub(crate) fn has_tls() -> bool {
    let has = super::dovecot::has("openssl");
    if !has {
        println!("skipped: openssl is not installed");
    }
    has
}

fn made() -> &'static Made {
    use rustls::pki_types::pem::PemObject as _;
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let (key, cert): (PathBuf, PathBuf) =
            (dir.path().join("key.pem"), dir.path().join("cert.pem"));
        let done = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&cert)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.expect("openssl runs").success(), "a certificate");
        let key = rustls::pki_types::PrivateKeyDer::from_pem_file(key).expect("a key");
        let cert = rustls::pki_types::CertificateDer::from_pem_file(cert).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert], key)
            .expect("a configuration");
        Made { dir, config: Arc::new(config) }
    })
}

trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// One connection.
struct Connection {
    wire: Box<dyn Wire>,
    socket: TcpStream,
    secret: bool,
    waiting: Vec<u8>,
    state: Arc<Mutex<State>>,
    engine: Engine,
}

impl Connection {
    fn serve(socket: TcpStream, begins: Begins, state: Arc<Mutex<State>>) {
        let _ = socket.set_read_timeout(Some(IDLE));
        let _ = socket.set_write_timeout(Some(IDLE));
        let wire = Box::new(socket.try_clone().expect("a socket"));
        let engine = Engine::new(begins == Begins::StartTls);
        let mut new = Self { wire, socket, secret: false, waiting: Vec::new(), state, engine };
        if begins == Begins::Tls && new.encrypt().is_none() {
            return;
        }
        let _ = new.talk();
    }

    fn encrypt(&mut self) -> Option<()> {
        let session = rustls::ServerConnection::new(Arc::clone(&made().config)).ok()?;
        let socket = self.socket.try_clone().ok()?;
        self.wire = Box::new(rustls::StreamOwned::new(session, socket));
        self.secret = true;
        Some(())
    }

    fn talk(&mut self) -> Option<()> {
        self.answer("", "GREETING")?;
        loop {
            let line = self.line()?;
            let (tag, command) = match line.split_once(' ') {
                Some((tag, command)) => (tag.to_owned(), command.to_owned()),
                None => (self.engine.idle_tag.clone(), line.clone()), // DONE
            };
            let heard = Heard { secret: self.secret, line: command.clone() };
            lock(&self.state).heard.push(heard);
            self.answer(&tag, &command)?;
            if command.eq_ignore_ascii_case("STARTTLS") && !self.secret {
                self.encrypt()?;
                self.engine.starttls = false;
            }
        }
    }

    /// The acts for a command; the usual answer where the script has none.
    fn acts(&self, command: &str) -> Vec<Act> {
        let mut state = lock(&self.state);
        let at = state.script.iter().position(|pair| pair.fits(command));
        let Some(at) = at else { return vec![Act::Usual] };
        let count = state.seen.entry(at).or_insert(0);
        *count += 1;
        let count = *count;
        let pair = &state.script[at];
        if count > pair.after { pair.acts.clone() } else { vec![Act::Usual] }
    }

    fn answer(&mut self, tag: &str, command: &str) -> Option<()> {
        let usual = self.engine.answer(&mut lock(&self.state), tag, command);
        for act in self.acts(command) {
            match act {
                Act::Say(text) => self.send(text.replace("{tag}", tag).as_bytes())?,
                Act::Flood(bytes, times) => (0..times).try_for_each(|_| self.send(&bytes))?,
                Act::Usual => self.send(&usual)?,
                Act::Instead(from, to) => {
                    let text = String::from_utf8_lossy(&usual).replace(&from, &to);
                    self.send(text.as_bytes())?;
                }
                Act::Drip(wait, times) => {
                    for _ in 0..times {
                        self.send(b"*")?;
                        std::thread::sleep(wait); // that is the lie
                    }
                }
                Act::Hang => while self.read().is_some() {},
                Act::Close => {
                    let _ = self.socket.shutdown(std::net::Shutdown::Both);
                    return None;
                }
            }
        }
        Some(())
    }

    fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.wire.write_all(bytes).ok()?;
        self.wire.flush().ok()
    }

    fn read(&mut self) -> Option<()> {
        let mut bytes = [0; 8192];
        let count = self.wire.read(&mut bytes).ok().filter(|count| *count > 0)?;
        self.waiting.extend_from_slice(&bytes[..count]);
        Some(())
    }

    /// A command with its literals in place.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            let end = loop {
                match self.waiting.iter().position(|byte| *byte == b'\n') {
                    Some(end) => break end,
                    None => self.read()?,
                }
            };
            let bytes: Vec<u8> = self.waiting.drain(..=end).collect();
            let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
            let literal = text.strip_suffix('}').and_then(|text| text.rsplit_once('{'));
            let length = literal.and_then(|(_, n)| n.trim_end_matches('+').parse::<usize>().ok());
            let (Some((before, number)), Some(length)) = (literal, length) else {
                return Some(line + &text);
            };
            if !number.ends_with('+') {
                self.send(b"+ go on\r\n")?;
            }
            while self.waiting.len() < length {
                self.read()?;
            }
            let data: Vec<u8> = self.waiting.drain(..length).collect();
            line = line + before + "\"" + &String::from_utf8_lossy(&data) + "\"";
        }
    }
}
