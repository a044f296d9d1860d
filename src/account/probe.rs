//! Tries a server for sending: greeting, encryption, login, and goodbye. Nothing is sent.
//!
//! Invariant: no login leaves before the connection is safe (RFC 8314; RFC 3207, section 6): by TLS
//! from the first byte, by STARTTLS that was offered and done, or on this machine alone. Every step
//! has a deadline, every line and every answer a bound, and what a server says goes only into the
//! cause of a failure.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use zeroize::Zeroizing;

use super::dial::{self, Stream, within};
use super::{Account, AccountError, Auth, Cause, Password, Protocol, Security, Server, tls};

/// The longest line of an answer, in bytes (RFC 5321, 4.5.3.1.5, has 512).
const MAX_LINE_BYTES: usize = 4096;
/// The most lines of one answer.
const MAX_LINES: usize = 128;

/// What a server for sending said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpReport {
    /// The words of its last EHLO answer, after the first line.
    pub offers: Vec<String>,
}

/// Tries the server for sending of an account; `None` where it has none.
///
/// # Errors
/// [`AccountError::Failed`] with the cause, or what is wrong with the certificates it names.
pub async fn smtp(
    account: &Account,
    password: &Password,
) -> Result<Option<SmtpReport>, AccountError> {
    let Some(server) = &account.smtp else { return Ok(None) };
    let done = attempt(server, account.tls_ca.as_deref(), &account.login, account.auth, password);
    let done = done.await?;
    done.map(Some).map_err(|cause| AccountError::Failed {
        protocol: Protocol::Smtp,
        server: server.clone(),
        domain: account.address.domain().to_owned(),
        cause,
    })
}

async fn attempt(
    server: &Server,
    ca: Option<&Path>,
    login: &str,
    auth: Auth,
    password: &Password,
) -> Result<Result<SmtpReport, Cause>, AccountError> {
    let config = tls::client(ca)?;
    Ok(async {
        let tcp = dial::tcp(&server.host, server.port).await?;
        let local = tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
        let mut wire = match server.security {
            Security::Plain if !local => return Err(Cause::NotLocal),
            Security::Tls => Wire::new(Box::new(dial::tls(tcp, &server.host, &config).await?)),
            Security::Plain | Security::StartTls => Wire::new(Box::new(tcp)),
        };
        wire.greeting().await?;
        let mut offers = wire.ehlo().await?;
        if server.security == Security::StartTls {
            let stream = wire.start_tls(&offers).await?;
            wire = Wire::new(Box::new(dial::tls(stream, &server.host, &config).await?));
            // What was said in clear is not believed (RFC 3207, 4.2).
            offers = wire.ehlo().await?;
        }
        wire.log_in(&offers, login, auth, password).await?;
        // It let us in; how it takes the goodbye is nothing.
        let _ = wire.send(b"QUIT\r\n").await;
        Ok(SmtpReport { offers })
    }
    .await)
}

/// An answer: its code and its lines without it.
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    fn words(&self) -> String {
        Cause::words(&format!("{} {}", self.code, self.lines.join(" ")))
    }
}

/// A connection on which lines come and go.
struct Wire {
    stream: Box<dyn Stream>,
    /// What was read and belongs to no line yet.
    rest: Vec<u8>,
}

impl Wire {
    fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, rest: Vec::new() }
    }

    async fn send(&mut self, line: &[u8]) -> Result<(), Cause> {
        within("sending", async {
            let sent = async {
                self.stream.write_all(line).await?;
                self.stream.flush().await
            };
            sent.await.map_err(|_| Cause::Ended("sending"))
        })
        .await
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
            let mut part = [0; 1024];
            match self.stream.read(&mut part).await {
                Ok(0) | Err(_) => return Err(Cause::Ended(what)),
                Ok(length) => self.rest.extend_from_slice(part.get(..length).unwrap_or_default()),
            }
        }
    }

    /// One answer, of one line or more (RFC 5321, 4.2.1).
    async fn reply(&mut self, what: &'static str) -> Result<Reply, Cause> {
        within(what, async {
            let mut reply = Reply { code: 0, lines: Vec::new() };
            loop {
                let line = self.line(what).await?;
                let strange = || Cause::Strange(Cause::words(&line));
                let digits = line.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
                reply.code = digits.and_then(|code| code.parse().ok()).ok_or_else(strange)?;
                let (more, text) = match line.as_bytes().get(3) {
                    None => (false, ""),
                    Some(b' ') => (false, line.get(4..).unwrap_or_default()),
                    Some(b'-') => (true, line.get(4..).unwrap_or_default()),
                    Some(_) => return Err(strange()),
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

    async fn greeting(&mut self) -> Result<(), Cause> {
        let reply = self.reply("greeting").await?;
        match reply.code {
            220 => Ok(()),
            400..=499 => Err(Cause::Later(reply.words())),
            _ => Err(Cause::Strange(reply.words())),
        }
    }

    /// Says hello; returns what the server offers.
    async fn ehlo(&mut self) -> Result<Vec<String>, Cause> {
        // An address literal: what this machine is called is nobody's affair (RFC 5321, 4.1.3).
        self.send(b"EHLO [127.0.0.1]\r\n").await?;
        let reply = self.reply("EHLO").await?;
        match reply.code {
            250 => Ok(reply.lines.into_iter().skip(1).collect()),
            400..=499 => Err(Cause::Later(reply.words())),
            _ => Err(Cause::Strange(reply.words())),
        }
    }

    async fn start_tls(mut self, offers: &[String]) -> Result<Box<dyn Stream>, Cause> {
        if !offers.iter().any(|offer| offer.trim().eq_ignore_ascii_case("STARTTLS")) {
            return Err(Cause::NoStartTls);
        }
        self.send(b"STARTTLS\r\n").await?;
        if self.reply("STARTTLS").await?.code != 220 {
            return Err(Cause::NoStartTls);
        }
        // More in the same packet would be taken for what came encrypted.
        if self.rest.is_empty() { Ok(self.stream) } else { Err(Cause::Injected) }
    }

    async fn log_in(
        &mut self,
        offers: &[String],
        login: &str,
        auth: Auth,
        password: &Password,
    ) -> Result<(), Cause> {
        let ways = mechanisms(offers);
        let knows = |way: &str| ways.iter().any(|known| known == way);
        let password = password.expose();
        match auth {
            Auth::XOAuth2 if knows("XOAUTH2") => {
                let text = format!("user={login}\u{1}auth=Bearer {password}\u{1}\u{1}");
                self.authenticate("XOAUTH2", &Zeroizing::new(text)).await
            }
            // RFC 4616: nobody else's name, the login, the password.
            Auth::Password if knows("PLAIN") => {
                let text = format!("\0{login}\0{password}");
                self.authenticate("PLAIN", &Zeroizing::new(text)).await
            }
            Auth::Password if knows("LOGIN") => self.login(login, password).await,
            _ if ways.is_empty() => Err(Cause::NoLogin("none".to_owned())),
            _ => Err(Cause::NoLogin(Cause::words(&ways.join(" ")))),
        }
    }

    /// A mechanism that is one message of ours (RFC 4954, 4).
    async fn authenticate(&mut self, way: &str, text: &str) -> Result<(), Cause> {
        let text = Zeroizing::new(STANDARD.encode(text));
        self.send(Zeroizing::new(format!("AUTH {way} {}\r\n", *text)).as_bytes()).await?;
        let mut reply = self.reply("AUTH").await?;
        let mut why = None;
        if reply.code == 334 {
            // Says why it fails, and wants an empty answer before it says no.
            why = reply.lines.first().and_then(|line| STANDARD.decode(line.trim()).ok());
            self.send(b"\r\n").await?;
            reply = self.reply("AUTH").await?;
        }
        outcome(&reply, why.as_deref())
    }

    /// The mechanism LOGIN, which has no standard and is all that some servers know.
    async fn login(&mut self, login: &str, password: &str) -> Result<(), Cause> {
        self.send(b"AUTH LOGIN\r\n").await?;
        for word in [login, password] {
            let reply = self.reply("AUTH").await?;
            if reply.code != 334 {
                return outcome(&reply, None);
            }
            let word = Zeroizing::new(STANDARD.encode(word));
            self.send(Zeroizing::new(format!("{}\r\n", *word)).as_bytes()).await?;
        }
        outcome(&self.reply("AUTH").await?, None)
    }
}

/// RFC 4954, 6: 235 is yes, 454 not now; all else is no.
fn outcome(reply: &Reply, why: Option<&[u8]>) -> Result<(), Cause> {
    let why = why.map(|why| Cause::words(&String::from_utf8_lossy(why)));
    match reply.code {
        235 => Ok(()),
        400..=499 => Err(Cause::Later(reply.words())),
        _ => Err(Cause::Refused(why.map_or_else(
            || reply.words(),
            |why| Cause::words(&format!("{} {why}", reply.words())),
        ))),
    }
}

/// Ways to log in: `AUTH PLAIN LOGIN`, and the form of old servers, `AUTH=PLAIN`.
fn mechanisms(offers: &[String]) -> Vec<String> {
    let mut ways = Vec::new();
    for offer in offers {
        let upper = offer.to_ascii_uppercase();
        if let Some(rest) = upper.strip_prefix("AUTH").filter(|r| r.starts_with([' ', '='])) {
            ways.extend(rest.split([' ', '=']).filter(|w| !w.is_empty()).map(str::to_owned));
        }
    }
    ways
}
