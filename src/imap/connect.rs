//! From a server's name to a session that is signed in.
//!
//! Invariant: no name, password or token leaves before the connection is safe: by TLS from the
//! first byte, by STARTTLS that was asked for and done, or on this machine alone. A server that
//! offers no STARTTLS, says that we are signed in already, or sends anything in clear behind the
//! STARTTLS answer, is refused (RFC 8314; CVE-2011-0411 and its kin).

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use imap_proto::Status;
use tokio::net::TcpStream;

use crate::account::{Auth, Cause, Password, Security, Server, dial, tls};
use crate::imap::ImapError;
use crate::imap::client::{Client, Piece, Stream};

/// Where to connect, and who signs in.
#[derive(Debug, Clone)]
pub struct Way {
    /// The server.
    pub server: Server,
    /// Who.
    pub login: String,
    /// How.
    pub auth: Auth,
    /// Certificates that are trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// How long the server may be silent; `None` is as long as it is usual.
    pub silence: Option<Duration>,
}

impl Way {
    fn client(&self, stream: Box<dyn Stream>) -> Client {
        let mut client = Client::new(stream, &self.server.authority());
        if let Some(silence) = self.silence {
            client.set_silence(silence);
        }
        client
    }
}

/// Connects and signs in.
///
/// # Errors
/// What the cause is: the name, the way, TLS, the sign-in, or an answer that does not come.
pub async fn connect(way: &Way, password: &Password) -> Result<Client, ImapError> {
    let mut client = open(way).await?;
    sign_in(&mut client, way, password).await?;
    // What a server can do may be more now, and may have come in clear before.
    client.capability().await?;
    client.enable().await?;
    Ok(client)
}

/// A safe connection; nobody is signed in.
async fn open(way: &Way) -> Result<Client, ImapError> {
    let name = way.server.authority();
    let tcp = dial(&way.server).await?;
    if way.server.security == Security::Plain && !is_loopback(&tcp) {
        return Err(ImapError::NoTls(name));
    }
    if way.server.security == Security::Tls {
        let stream = secure(Box::new(tcp), way).await?;
        let mut client = way.client(stream);
        return match client.greeting().await? {
            Status::Ok => Ok(client),
            _ => Err(ImapError::Injected(name)),
        };
    }
    let mut client = way.client(Box::new(tcp));
    if client.greeting().await? != Status::Ok {
        return Err(ImapError::Injected(name)); // signed in as somebody, by nobody's word
    }
    if way.server.security == Security::Plain {
        return Ok(client);
    }
    client.capability().await?;
    if !client.can("STARTTLS") {
        return Err(ImapError::NoTls(name));
    }
    match client.command("STARTTLS", &[Piece::Plain("STARTTLS")], &mut |_| {}).await {
        Ok(_) => {}
        Err(ImapError::No { .. }) => return Err(ImapError::NoTls(name)),
        Err(error) => return Err(error),
    }
    client.forget_capabilities();
    let stream = secure(client.into_stream()?, way).await?;
    Ok(way.client(stream))
}

async fn dial(server: &Server) -> Result<TcpStream, ImapError> {
    let tcp = dial::tcp(&server.host, server.port).await;
    let tcp = tcp.map_err(|cause| ImapError::of(server, cause))?;
    // A command is one small packet: it does not wait for the next.
    let _ = tcp.set_nodelay(true);
    Ok(tcp)
}

fn is_loopback(tcp: &TcpStream) -> bool {
    tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback())
}

async fn secure(stream: Box<dyn Stream>, way: &Way) -> Result<Box<dyn Stream>, ImapError> {
    let config = tls::client(way.ca.as_deref()).map_err(|error| {
        ImapError::Tls(way.server.authority(), Cause::Tls(ImapError::words(&error.to_string())))
    })?;
    match dial::tls(stream, &way.server.host, &config).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(cause) => Err(ImapError::of(&way.server, cause)),
    }
}

async fn sign_in(client: &mut Client, way: &Way, password: &Password) -> Result<(), ImapError> {
    client.capability().await?;
    let done = match way.auth {
        Auth::XOAuth2 if client.can("AUTH=XOAUTH2") => {
            let text =
                format!("user={}\u{1}auth=Bearer {}\u{1}\u{1}", way.login, password.expose());
            authenticate(client, "XOAUTH2", text.as_bytes()).await
        }
        Auth::Password if client.can("AUTH=PLAIN") => {
            // RFC 4616: authorization identity, authentication identity, password.
            let text = format!("\0{}\0{}", way.login, password.expose());
            authenticate(client, "PLAIN", text.as_bytes()).await
        }
        Auth::Password if !client.can("LOGINDISABLED") => {
            let pieces = [
                Piece::Plain("LOGIN "),
                Piece::Text(way.login.as_bytes()),
                Piece::Plain(" "),
                Piece::Text(password.expose().as_bytes()),
            ];
            client.command("LOGIN", &pieces, &mut |_| {}).await.map(drop)
        }
        Auth::XOAuth2 | Auth::Password => {
            return Err(ImapError::NoAuth(client.server.clone()));
        }
    };
    match done {
        Err(ImapError::No { words, .. }) => {
            Err(ImapError::Refused { server: client.server.clone(), words })
        }
        other => other,
    }
}

/// A mechanism whose client speaks first (RFC 3501, section 6.2.2; RFC 4959).
async fn authenticate(
    client: &mut Client,
    mechanism: &str,
    initial: &[u8],
) -> Result<(), ImapError> {
    let encoded = base64::engine::general_purpose::STANDARD.encode(initial);
    let tag = if client.can("SASL-IR") {
        let command = format!("AUTHENTICATE {mechanism} {encoded}");
        client.start(&[Piece::Plain(&command)]).await?
    } else {
        let tag = client.start(&[Piece::Plain(&format!("AUTHENTICATE {mechanism}"))]).await?;
        client.go_on(&tag, &mut |_| {}).await?;
        client.answer(format!("{encoded}\r\n").as_bytes()).await?;
        tag
    };
    finish(client, &tag).await
}

/// A mechanism that failed may say why first, and wants an empty answer before it says no.
async fn finish(client: &mut Client, tag: &str) -> Result<(), ImapError> {
    let mut asked = false;
    loop {
        match client.finish_or_go_on("AUTHENTICATE", tag).await? {
            Some(_) => return Ok(()),
            None if asked => return Err(ImapError::Malformed),
            None => {
                asked = true;
                client.answer(b"\r\n").await?;
            }
        }
    }
}
