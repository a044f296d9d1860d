//! A connection to a server for sending: greeting, encryption, login; then lines and answers.
//!
//! Invariant: no login leaves before the connection is safe (RFC 8314; RFC 3207, section 6): by TLS
//! from the first byte, by STARTTLS that was offered and done, or on this machine alone. Every step
//! has a deadline, every line and every answer a bound. What a server says goes only into the cause
//! of a failure, and never with a password in it that it repeats.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use zeroize::Zeroizing;

use super::dial::{self, Stream, within};
use super::{Auth, Cause, Password, Security, Server};

/// The longest line of an answer, in bytes (RFC 5321, 4.5.3.1.5, has 512).
const MAX_LINE_BYTES: usize = 4096;
/// The most lines of one answer.
const MAX_LINES: usize = 128;
/// What is read at a time, in bytes.
const PART_BYTES: usize = 1024;
/// What stands for a password that a server repeats.
const HIDDEN: &str = "…";

/// How long each step until the login may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Until the greeting has come.
    pub greeting: Duration,
    /// Until TLS is agreed on.
    pub tls: Duration,
    /// Until a line is taken, and again until it is answered.
    pub command: Duration,
}

/// Who logs in, and how.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// Who.
    pub name: &'a str,
    /// How.
    pub auth: Auth,
    /// With what.
    pub password: &'a Password,
}

/// An answer: its code and its lines without it. It has no text form: a server may repeat a
/// password, and [`Wire::words`] knows which.
pub struct Reply {
    /// The code of its last line.
    pub code: u16,
    /// Its lines.
    pub lines: Vec<String>,
    /// Whether its lines have different codes, which no honest answer has (RFC 5321, 4.2.1).
    pub mixed: bool,
}

/// A connection on which lines come and go.
pub struct Wire {
    stream: Box<dyn Stream>,
    /// What was read and belongs to no line yet.
    rest: Vec<u8>,
    patience: Patience,
    /// What no words of the server may show.
    secrets: Vec<Zeroizing<String>>,
}

impl Wire {
    /// From a connection to one that is safe: greeting, hello, encryption; returns what the server
    /// offers. `local` says that the peer is this machine; without `config` nothing but that is
    /// spoken to.
    ///
    /// # Errors
    /// The cause.
    pub async fn open(
        stream: Box<dyn Stream>,
        local: bool,
        server: &Server,
        config: Option<&Arc<ClientConfig>>,
        patience: Patience,
    ) -> Result<(Self, Vec<String>), Cause> {
        let safe = async |stream: Box<dyn Stream>| {
            let config = config.ok_or_else(|| Cause::Tls("no authority is trusted".to_owned()))?;
            dial::tls_within(patience.tls, stream, &server.host, config).await
        };
        let mut wire = match server.security {
            Security::Plain if !local => return Err(Cause::NotLocal),
            Security::Tls => Self::new(Box::new(safe(stream).await?), patience),
            Security::Plain | Security::StartTls => Self::new(stream, patience),
        };
        wire.greeting().await?;
        let mut offers = wire.ehlo().await?;
        if server.security == Security::StartTls {
            let stream = wire.start_tls(&offers).await?;
            wire = Self::new(Box::new(safe(stream).await?), patience);
            // What was said in clear is not believed (RFC 3207, 4.2).
            offers = wire.ehlo().await?;
        }
        Ok((wire, offers))
    }

    fn new(stream: Box<dyn Stream>, patience: Patience) -> Self {
        Self { stream, rest: Vec::new(), patience, secrets: Vec::new() }
    }

    /// Sends a line, within the patience of a command.
    ///
    /// # Errors
    /// The cause.
    pub async fn send(&mut self, line: &[u8]) -> Result<(), Cause> {
        self.send_last(line, self.patience.command).await
    }

    /// Sends bytes of which it is not known, when this fails, whether they left.
    ///
    /// # Errors
    /// The cause.
    pub async fn send_last(&mut self, line: &[u8], limit: Duration) -> Result<(), Cause> {
        within(limit, "sending", async {
            let sent = async {
                self.stream.write_all(line).await?;
                self.stream.flush().await
            };
            sent.await.map_err(|_| Cause::Ended("sending"))
        })
        .await
    }

    /// Sends bytes while nothing comes; `false` as soon as something does, or has: then not all of
    /// them may be sent.
    ///
    /// # Errors
    /// The cause.
    pub async fn send_unless_answered(
        &mut self,
        bytes: &[u8],
        limit: Duration,
    ) -> Result<bool, Cause> {
        let mut sent = 0;
        let stream = &mut self.stream;
        let rest = &mut self.rest;
        let sending = std::future::poll_fn(|cx| {
            let mut part = [0; PART_BYTES];
            let mut part = ReadBuf::new(&mut part);
            match Pin::new(&mut **stream).poll_read(cx, &mut part) {
                Poll::Ready(Ok(())) if !part.filled().is_empty() => {
                    rest.extend_from_slice(part.filled());
                }
                Poll::Ready(_) => return Poll::Ready(Err(Cause::Ended("sending"))),
                Poll::Pending => {}
            }
            if !rest.is_empty() {
                return Poll::Ready(Ok(false));
            }
            while let Some(left) = bytes.get(sent..).filter(|left| !left.is_empty()) {
                match Pin::new(&mut **stream).poll_write(cx, left) {
                    Poll::Ready(Ok(count)) if count > 0 => sent += count,
                    Poll::Ready(_) => return Poll::Ready(Err(Cause::Ended("sending"))),
                    Poll::Pending => return Poll::Pending,
                }
            }
            match Pin::new(&mut **stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => Poll::Ready(Ok(true)),
                Poll::Ready(Err(_)) => Poll::Ready(Err(Cause::Ended("sending"))),
                Poll::Pending => Poll::Pending,
            }
        });
        within(limit, "sending", sending).await
    }

    /// Says goodbye as far as that takes no time; how it is taken is nothing.
    pub fn leave(mut self) {
        use futures_util::FutureExt as _;
        let goodbye = async {
            self.stream.write_all(b"QUIT\r\n").await?;
            self.stream.flush().await?;
            self.stream.shutdown().await
        };
        let _: Option<std::io::Result<()>> = goodbye.now_or_never();
    }

    async fn line(&mut self, what: &'static str) -> Result<String, Cause> {
        loop {
            if let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.rest.len() > MAX_LINE_BYTES {
                return Err(Cause::TooMuch);
            }
            let mut part = [0; PART_BYTES];
            match self.stream.read(&mut part).await {
                Ok(0) | Err(_) => return Err(Cause::Ended(what)),
                Ok(length) => self.rest.extend_from_slice(part.get(..length).unwrap_or_default()),
            }
        }
    }

    /// One answer, of one line or more (RFC 5321, 4.2.1), within `limit` as a whole.
    ///
    /// # Errors
    /// The cause.
    pub async fn reply(&mut self, what: &'static str, limit: Duration) -> Result<Reply, Cause> {
        within(limit, what, async {
            let mut reply = Reply { code: 0, lines: Vec::new(), mixed: false };
            loop {
                let line = self.line(what).await?;
                let digits = line.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
                let Some(code) = digits.and_then(|code| code.parse().ok()) else {
                    return Err(Cause::Strange(self.shown(&line)));
                };
                reply.mixed |= !reply.lines.is_empty() && code != reply.code;
                reply.code = code;
                let (more, text) = match line.as_bytes().get(3) {
                    None => (false, ""),
                    Some(b' ') => (false, line.get(4..).unwrap_or_default()),
                    Some(b'-') => (true, line.get(4..).unwrap_or_default()),
                    Some(_) => return Err(Cause::Strange(self.shown(&line))),
                };
                reply.lines.push(text.to_owned());
                if !more {
                    return Ok(reply);
                }
                if reply.lines.len() >= MAX_LINES {
                    return Err(Cause::TooMuch);
                }
            }
        })
        .await
    }

    /// A reply's words, safe to show.
    #[must_use]
    pub fn words(&self, reply: &Reply) -> String {
        self.shown(&format!("{} {}", reply.code, reply.lines.join(" ")))
    }

    fn shown(&self, text: &str) -> String {
        let mut text = Zeroizing::new(text.to_owned());
        for secret in &self.secrets {
            text = Zeroizing::new(text.replace(secret.as_str(), HIDDEN));
        }
        Cause::words(&text)
    }

    async fn greeting(&mut self) -> Result<(), Cause> {
        let reply = self.reply("greeting", self.patience.greeting).await?;
        match reply.code {
            220 => Ok(()),
            400..=499 => Err(Cause::Later(self.words(&reply))),
            _ => Err(Cause::Strange(self.words(&reply))),
        }
    }

    /// Says hello; returns what the server offers.
    async fn ehlo(&mut self) -> Result<Vec<String>, Cause> {
        // An address literal: what this machine is called is nobody's affair (RFC 5321, 4.1.3).
        self.send(b"EHLO [127.0.0.1]\r\n").await?;
        let reply = self.reply("EHLO", self.patience.command).await?;
        match reply.code {
            250 => Ok(reply.lines.into_iter().skip(1).collect()),
            400..=499 => Err(Cause::Later(self.words(&reply))),
            _ => Err(Cause::Strange(self.words(&reply))),
        }
    }

    async fn start_tls(mut self, offers: &[String]) -> Result<Box<dyn Stream>, Cause> {
        if !offers.iter().any(|offer| offer.trim().eq_ignore_ascii_case("STARTTLS")) {
            return Err(Cause::NoStartTls);
        }
        self.send(b"STARTTLS\r\n").await?;
        if self.reply("STARTTLS", self.patience.command).await?.code != 220 {
            return Err(Cause::NoStartTls);
        }
        // More in the same packet would be taken for what came encrypted.
        if self.rest.is_empty() { Ok(self.stream) } else { Err(Cause::Injected) }
    }

    /// Logs in by the best way that both know.
    ///
    /// # Errors
    /// The cause.
    pub async fn log_in(&mut self, offers: &[String], login: &Login<'_>) -> Result<(), Cause> {
        let ways = mechanisms(offers);
        let knows = |way: &str| ways.iter().any(|known| known == way);
        let (name, password) = (login.name, login.password.expose());
        match login.auth {
            Auth::XOAuth2 if knows("XOAUTH2") => {
                let text = format!("user={name}\u{1}auth=Bearer {password}\u{1}\u{1}");
                self.authenticate("XOAUTH2", password, &Zeroizing::new(text)).await
            }
            // RFC 4616: nobody else's name, the login, the password.
            Auth::Password if knows("PLAIN") => {
                let text = format!("\0{name}\0{password}");
                self.authenticate("PLAIN", password, &Zeroizing::new(text)).await
            }
            Auth::Password if knows("LOGIN") => self.login(name, password).await,
            _ if ways.is_empty() => Err(Cause::NoLogin(String::new())),
            _ => Err(Cause::NoLogin(Cause::words(&ways.join(" ")))),
        }
    }

    /// A mechanism that is one message of ours (RFC 4954, 4).
    async fn authenticate(&mut self, way: &str, password: &str, text: &str) -> Result<(), Cause> {
        let text = Zeroizing::new(STANDARD.encode(text));
        self.secrets.push(text.clone());
        self.secrets.push(Zeroizing::new(password.to_owned()));
        self.send(Zeroizing::new(format!("AUTH {way} {}\r\n", *text)).as_bytes()).await?;
        let mut reply = self.reply("AUTH", self.patience.command).await?;
        let mut why = None;
        if reply.code == 334 {
            // Says why it fails, and wants an empty answer before it says no.
            why = reply.lines.first().and_then(|line| STANDARD.decode(line.trim()).ok());
            self.send(b"\r\n").await?;
            reply = self.reply("AUTH", self.patience.command).await?;
        }
        self.outcome(&reply, why.as_deref())
    }

    /// The mechanism LOGIN, which has no standard and is all that some servers know.
    async fn login(&mut self, login: &str, password: &str) -> Result<(), Cause> {
        self.secrets.push(Zeroizing::new(STANDARD.encode(password)));
        self.secrets.push(Zeroizing::new(password.to_owned()));
        self.send(b"AUTH LOGIN\r\n").await?;
        for word in [login, password] {
            let reply = self.reply("AUTH", self.patience.command).await?;
            if reply.code != 334 {
                return self.outcome(&reply, None);
            }
            let word = Zeroizing::new(STANDARD.encode(word));
            self.send(Zeroizing::new(format!("{}\r\n", *word)).as_bytes()).await?;
        }
        let reply = self.reply("AUTH", self.patience.command).await?;
        self.outcome(&reply, None)
    }

    /// RFC 4954, 6: 235 is yes, 454 not now; all else is no.
    fn outcome(&self, reply: &Reply, why: Option<&[u8]>) -> Result<(), Cause> {
        match reply.code {
            235 => Ok(()),
            400..=499 => Err(Cause::Later(self.words(reply))),
            _ => {
                let why = why.map(String::from_utf8_lossy).unwrap_or_default();
                let said = format!("{} {} {why}", reply.code, reply.lines.join(" "));
                Err(Cause::Refused(self.shown(&said)))
            }
        }
    }
}

/// Ways to log in: `AUTH PLAIN LOGIN`, and the form of old servers, `AUTH=PLAIN`.
#[must_use]
pub fn mechanisms(offers: &[String]) -> Vec<String> {
    let mut ways = Vec::new();
    for offer in offers {
        let upper = offer.to_ascii_uppercase();
        if let Some(rest) = upper.strip_prefix("AUTH").filter(|r| r.starts_with([' ', '='])) {
            ways.extend(rest.split([' ', '=']).filter(|w| !w.is_empty()).map(str::to_owned));
        }
    }
    ways
}
