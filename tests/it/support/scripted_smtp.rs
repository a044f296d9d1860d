//! A server for submission inside the process, on a pipe: it answers as an honest one does, or as a
//! script says, takes and gives only so many bytes, and knows whether it has a whole message.
//!
//! Invariant: a message counts as taken when the line with the dot alone was read to its last byte,
//! whatever is answered. It notes every line with whether it came encrypted. Time is the test's.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use mailtui::account::dial::Stream;
use mailtui::account::{Auth, Password, Security, Server};
use mailtui::smtp::{
    Deadlines, Delivery, Envelope, Progress, Stop, Submission, Watch, Way, submit_on,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::TlsAcceptor;

use super::authority::Authority;

/// The password of ann.
pub(crate) const PASSWORD: &str = "open-sesame-4711";
/// Who sends.
pub(crate) const FROM: &str = "ann@example.org";
/// What an honest one offers, each on a line.
pub(crate) const OFFERS: [&str; 4] = ["SIZE 100000", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN"];
/// What the pipe holds in each direction unless a test says otherwise, in bytes.
const PIPE_BYTES: usize = 64;
/// Longer than all deadlines together.
const OVER: Duration = Duration::from_hours(10);

/// What is done instead of the usual answer.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Says this.
    Say(String),
    /// Says this again and again.
    Flood(&'static str),
    /// Says this, a byte every few seconds, and never ends.
    Drip(&'static str),
    /// Says nothing more.
    Hang,
    /// Ends the connection.
    Close,
}

/// Says this.
pub(crate) fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It ends.
    Ends,
    /// Nothing goes any more, and nobody says so.
    Silent,
}

/// How a server is.
#[derive(Clone)]
pub(crate) struct Script {
    /// How its connection is kept secret.
    pub(crate) security: Security,
    /// What it offers.
    pub(crate) offers: Vec<String>,
    /// At a step that begins so: do this; the first that fits counts. Steps are `GREETING`,
    /// `HANDSHAKE` of TLS, a command, `BODY` before the message is read, and `DOT` behind it; with
    /// `tls ` before one it is meant once encrypted only.
    pub(crate) acts: Vec<(&'static str, Act)>,
    /// So many bytes are taken at most.
    pub(crate) takes: Option<usize>,
    /// So many bytes of answers are given at most.
    pub(crate) gives: Option<usize>,
    /// What happens then.
    pub(crate) cut: Cut,
    /// What the pipe holds, in bytes.
    pub(crate) pipe: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            security: Security::Plain,
            offers: OFFERS.map(str::to_owned).to_vec(),
            acts: Vec::new(),
            takes: None,
            gives: None,
            cut: Cut::Ends,
            pipe: PIPE_BYTES,
        }
    }
}

impl Script {
    /// An honest one but for one step.
    pub(crate) fn but(step: &'static str, act: Act) -> Self {
        Self { acts: vec![(step, act)], ..Self::default() }
    }
}

/// A message that was taken whole, with its dots as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// MAIL, as it came.
    pub(crate) mail: String,
    /// Every RCPT that was said yes to, as it came.
    pub(crate) to: Vec<String>,
    /// What came up to the last dot.
    pub(crate) wire: Vec<u8>,
}

impl Taken {
    /// The message as it is delivered (RFC 5321, 4.5.2).
    pub(crate) fn message(&self) -> Vec<u8> {
        let lines = self.wire.split_inclusive(|byte| *byte == b'\n');
        lines.flat_map(|line| line.strip_prefix(b".").unwrap_or(line)).copied().collect()
    }
}

/// What it saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Every line before and behind the message: whether encrypted, and what.
    pub(crate) lines: Vec<(bool, String)>,
    /// Every whole message.
    pub(crate) taken: Vec<Taken>,
    /// Bytes taken.
    pub(crate) took: usize,
    /// Bytes of answers given.
    pub(crate) gave: usize,
    /// Bytes taken when the message began.
    pub(crate) began: usize,
    /// Bytes given when the last dot had come.
    pub(crate) answered: usize,
}

/// How a submission ended, on both sides.
pub(crate) struct Played {
    /// What the sender knows.
    pub(crate) known: Submission,
    /// What the server saw.
    pub(crate) seen: Seen,
    /// What the sender was told on the way.
    pub(crate) told: Vec<Progress>,
    /// How long it took.
    pub(crate) lasted: Duration,
}

/// Something to submit.
#[derive(Clone)]
pub(crate) struct Letter {
    /// From and for whom.
    pub(crate) envelope: Envelope,
    /// The message.
    pub(crate) message: Vec<u8>,
    /// How one shows who one is.
    pub(crate) auth: Auth,
}

impl Letter {
    /// To these, with this message.
    pub(crate) fn new(to: &[&str], message: impl Into<Vec<u8>>) -> Self {
        let to = to.iter().map(|address| (*address).to_owned()).collect();
        let envelope = Envelope { from: FROM.to_owned(), to, ..Envelope::default() };
        Self { envelope, message: message.into(), auth: Auth::Password }
    }

    /// A short one to bob.
    pub(crate) fn to_bob() -> Self {
        let text = "From: ann@example.org\r\nTo: bob@example.org\r\nSubject: hi\r\n\r\nhello\r\n";
        Self::new(&["bob@example.org"], text)
    }
}

/// Runs on a clock of its own that jumps over every wait.
pub(crate) fn on_paused_clock<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(test)
}

/// Plays one submission against a script.
pub(crate) fn play(script: &Script, letter: &Letter) -> Played {
    play_with(script, letter, Stop::never(), |_| {})
}

/// As [`play`], with what may stop it, and who is told on the way.
pub(crate) fn play_with(
    script: &Script,
    letter: &Letter,
    stop: Stop,
    mut on_the_way: impl FnMut(Progress) + Send,
) -> Played {
    let authority = (script.security != Security::Plain)
        .then(|| (Authority::new(), tempfile::tempdir().expect("a directory")));
    let tls = authority.as_ref().map(|one| TlsAcceptor::from(one.0.server(&["smtp.example.org"])));
    let way = Way {
        server: Server::new("smtp.example.org", 587, script.security),
        login: "ann".to_owned(),
        auth: letter.auth,
        ca: authority.as_ref().map(|(one, dir)| one.write(dir.path())),
        domain: "example.org".to_owned(),
    };
    let password = Password::new(PASSWORD.to_owned()).expect("a password");
    let seen = Arc::new(Mutex::new(Seen::default()));
    on_paused_clock(async {
        let (ours, theirs) = tokio::io::duplex(script.pipe);
        let talk = Talk::new(theirs, tls, script.clone(), Arc::clone(&seen));
        let server = tokio::spawn(talk.serve());
        let (begun, deadlines) = (tokio::time::Instant::now(), Deadlines::default());
        let delivery = Delivery {
            way: &way,
            password: &password,
            envelope: &letter.envelope,
            message: &letter.message,
            deadlines: &deadlines,
        };
        let mut told = Vec::new();
        let mut tell = |progress| {
            told.push(progress);
            on_the_way(progress);
        };
        let mut watch = Watch { stop, tell: &mut tell };
        let submission = submit_on(Box::new(ours), true, &delivery, &mut watch);
        let known = tokio::time::timeout(OVER, submission).await.expect("it ends by itself");
        let lasted = begun.elapsed();
        // What was said at last is heard, unless the server waits for good.
        let _ = tokio::time::timeout(OVER, server).await;
        let seen = std::mem::take(&mut *lock(&seen));
        Played { known, seen, told, lasted }
    })
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().expect("no panic while noted")
}

/// The server's side of a connection; `None` anywhere is its end.
struct Talk {
    stream: Option<Box<dyn Stream>>,
    tls: Option<TlsAcceptor>,
    secret: bool,
    script: Script,
    seen: Arc<Mutex<Seen>>,
    rest: Vec<u8>,
    mail: String,
    to: Vec<String>,
}

impl Talk {
    fn new(
        stream: DuplexStream,
        tls: Option<TlsAcceptor>,
        script: Script,
        seen: Arc<Mutex<Seen>>,
    ) -> Self {
        Self {
            stream: Some(Box::new(stream)),
            tls,
            secret: false,
            script,
            seen,
            rest: Vec::new(),
            mail: String::new(),
            to: Vec::new(),
        }
    }

    async fn serve(mut self) {
        let _: Option<()> = self.talk().await;
        if let Some(mut stream) = self.stream.take() {
            let _ = stream.shutdown().await;
        }
    }

    async fn talk(&mut self) -> Option<()> {
        if self.script.security == Security::Tls {
            self.encrypt().await?;
        }
        self.at("GREETING", "220 smtp.example.org ESMTP\r\n").await?;
        loop {
            let line = self.line().await?;
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            lock(&self.seen).lines.push((self.secret, line.clone()));
            let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match word.as_str() {
                "EHLO" => {
                    let hello = self.hello();
                    self.at(&line, &hello).await?;
                }
                "STARTTLS" => {
                    self.at(&line, "220 go on\r\n").await?;
                    self.encrypt().await?;
                }
                "AUTH" => self.log_in(&line).await?,
                "MAIL" => {
                    self.mail.clone_from(&line);
                    self.to.clear();
                    self.at(&line, "250 2.1.0 ok\r\n").await?;
                }
                "RCPT" => {
                    if self.at(&line, "250 2.1.5 ok\r\n").await? {
                        self.to.push(line);
                    }
                }
                "DATA" => {
                    self.at(&line, "354 go on\r\n").await?;
                    self.message().await?;
                }
                "QUIT" => {
                    self.at(&line, "221 bye\r\n").await?;
                    return None;
                }
                _ => drop(self.at(&line, "250 ok\r\n").await?),
            }
        }
    }

    fn hello(&self) -> String {
        let mut lines = vec!["smtp.example.org".to_owned()];
        if self.script.security == Security::StartTls && !self.secret {
            lines.push("STARTTLS".to_owned());
        }
        lines.extend(self.script.offers.iter().cloned());
        let last = lines.len() - 1;
        let said = |(n, line)| format!("250{}{line}\r\n", if n == last { ' ' } else { '-' });
        lines.into_iter().enumerate().map(said).collect()
    }

    async fn log_in(&mut self, line: &str) -> Option<()> {
        use base64::Engine as _;
        let code = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let (plain, token) = (
            format!("AUTH PLAIN {}", code(&format!("\0ann\0{PASSWORD}"))),
            format!("user=ann\u{1}auth=Bearer {PASSWORD}\u{1}\u{1}"),
        );
        let mut right = line == plain || line == format!("AUTH XOAUTH2 {}", code(&token));
        if line == "AUTH LOGIN" {
            right = true;
            for (ask, want) in [("Username:", "ann"), ("Password:", PASSWORD)] {
                self.at(line, &format!("334 {}\r\n", code(ask))).await?;
                let said = self.line().await?;
                right &= String::from_utf8_lossy(&said).trim_end() == code(want);
            }
        }
        let answer = if right { "235 welcome\r\n" } else { "535 5.7.8 no\r\n" };
        self.at(if line == "AUTH LOGIN" { "WELCOME" } else { line }, answer).await.map(drop)
    }

    async fn message(&mut self) -> Option<()> {
        {
            let mut seen = lock(&self.seen);
            seen.began = seen.took - self.rest.len();
        }
        // What is to be done here is done before a byte of it is read.
        self.at("BODY", "").await?;
        let mut wire = Vec::new();
        loop {
            let line = self.line().await?;
            if line == b".\r\n" {
                break;
            }
            wire.extend_from_slice(&line);
        }
        let taken = Taken { mail: self.mail.clone(), to: std::mem::take(&mut self.to), wire };
        {
            let mut seen = lock(&self.seen);
            seen.taken.push(taken);
            seen.answered = seen.gave;
        }
        self.at("DOT", "250 2.0.0 queued as 4711\r\n").await.map(drop)
    }

    /// Does what the script has for a step, or the usual; says whether it was a yes.
    async fn at(&mut self, step: &str, usual: &str) -> Option<bool> {
        let labelled = format!("{}{step}", if self.secret { "tls " } else { "" });
        let fits = |(at, _): &&(&'static str, Act)| {
            step.starts_with(at) || (self.secret && labelled.starts_with(at))
        };
        let act = self.script.acts.iter().find(fits).map(|(_, act)| act.clone());
        match act.unwrap_or_else(|| say(usual)) {
            Act::Say(text) => {
                self.give(text.as_bytes()).await?;
                Some(text.starts_with('2'))
            }
            Act::Flood(text) => loop {
                self.give(text.as_bytes()).await?;
            },
            Act::Drip(text) => loop {
                for byte in text.as_bytes() {
                    self.give(std::slice::from_ref(byte)).await?;
                    tokio::time::sleep(Duration::from_secs(5)).await;
                }
            },
            Act::Hang => std::future::pending().await,
            Act::Close => None,
        }
    }

    async fn encrypt(&mut self) -> Option<()> {
        self.at("HANDSHAKE", "").await?;
        let (stream, tls) = (self.stream.take()?, self.tls.clone()?);
        self.stream = Some(Box::new(tls.accept(stream).await.ok()?));
        self.secret = true;
        Some(())
    }

    /// A line with its end; only CRLF ends one.
    async fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|two| two == b"\r\n") {
                return Some(self.rest.drain(..end + 2).collect());
            }
            let left = self.script.takes.map_or(usize::MAX, |most| most - lock(&self.seen).took);
            if left == 0 {
                return self.cut().await;
            }
            let mut part = [0; 1024];
            let length = part.len().min(left);
            let count = self.stream.as_mut()?.read(&mut part[..length]).await.ok()?;
            if count == 0 {
                return None;
            }
            lock(&self.seen).took += count;
            self.rest.extend_from_slice(&part[..count]);
        }
    }

    async fn give(&mut self, bytes: &[u8]) -> Option<()> {
        let left = self.script.gives.map_or(usize::MAX, |most| most - lock(&self.seen).gave);
        let now = &bytes[..bytes.len().min(left)];
        self.stream.as_mut()?.write_all(now).await.ok()?;
        self.stream.as_mut()?.flush().await.ok()?;
        lock(&self.seen).gave += now.len();
        if now.len() < bytes.len() { self.cut().await } else { Some(()) }
    }

    async fn cut<T>(&mut self) -> Option<T> {
        if self.script.cut == Cut::Silent {
            std::future::pending::<()>().await;
        }
        self.stream = None;
        None
    }
}
