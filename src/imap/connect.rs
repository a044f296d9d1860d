//! From a server's name to a session that is signed in.
//!
//! Invariant: no name, password or token leaves before the connection is safe: by TLS from the
//! first byte, by STARTTLS that was asked for and done, or on this machine alone. A server that
//! offers no STARTTLS, says that we are signed in already, or sends anything in clear behind the
//! STARTTLS answer, is refused (RFC 8314; CVE-2011-0411 and its kin).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use imap_proto::Status;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::account::{Auth, Password, Security, Server};
use crate::imap::ImapError;
use crate::imap::client::{Client, Piece, Stream};

/// How long each step of connecting may take.
const STEP: Duration = Duration::from_secs(15);
/// The largest file of certificates that is read, in bytes.
const MAX_CA_BYTES: u64 = 1024 * 1024;

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
        let mut client = Client::new(stream, &name);
        return match client.greeting().await? {
            Status::Ok => Ok(client),
            _ => Err(ImapError::Injected(name)),
        };
    }
    let mut client = Client::new(Box::new(tcp), &name);
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
    Ok(Client::new(stream, &name))
}

async fn dial(server: &Server) -> Result<TcpStream, ImapError> {
    let name = server.authority();
    let found = tokio::net::lookup_host((server.host.as_str(), server.port));
    let found = tokio::time::timeout(STEP, found).await;
    let found = found.map_err(|_| ImapError::Slow(name.clone()))?;
    let mut last = ImapError::NoHost(server.host.clone());
    for address in found.map_err(|_| ImapError::NoHost(server.host.clone()))? {
        match tokio::time::timeout(STEP, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // A command is one small packet: it does not wait for the next.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Ok(Err(error)) => {
                last = ImapError::Unreached(name.clone(), error.kind().to_string());
            }
            Err(_) => last = ImapError::Slow(name.clone()),
        }
    }
    Err(last)
}

fn is_loopback(tcp: &TcpStream) -> bool {
    tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback())
}

async fn secure(stream: Box<dyn Stream>, way: &Way) -> Result<Box<dyn Stream>, ImapError> {
    let name = way.server.authority();
    let failed = |why: String| ImapError::Tls(name.clone(), ImapError::words(&why));
    let config = trust(way.ca.as_deref()).map_err(failed)?;
    let host = ServerName::try_from(way.server.host.clone());
    let host = host.map_err(|_| ImapError::NoHost(way.server.host.clone()))?;
    let connector = TlsConnector::from(Arc::new(config));
    match tokio::time::timeout(STEP, connector.connect(host, stream)).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(ImapError::Slow(name)),
    }
}

/// Trusts the system's authorities, and those of a file.
fn trust(ca: Option<&Path>) -> Result<rustls::ClientConfig, String> {
    let mut roots = rustls::RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = ca {
        use rustls::pki_types::pem::PemObject as _;
        let wrong = |what: &str| format!("{}: {what}", path.display());
        let length = std::fs::metadata(path).map_err(|error| wrong(&error.to_string()))?.len();
        if length > MAX_CA_BYTES {
            return Err(wrong("too large"));
        }
        let pem = std::fs::read(path).map_err(|error| wrong(&error.to_string()))?;
        for one in rustls::pki_types::CertificateDer::pem_slice_iter(&pem) {
            let one = one.map_err(|_| wrong("no certificates in PEM"))?;
            roots.add(one).map_err(|error| wrong(&error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

async fn sign_in(client: &mut Client, way: &Way, password: &Password) -> Result<(), ImapError> {
    client.capability().await?;
    let done = match way.auth {
        Auth::XOAuth2 if client.can("AUTH=XOAUTH2") => {
            let text =
                format!("user={}\u{1}auth=Bearer {}\u{1}\u{1}", way.login, password.expose());
            authenticate(client, "XOAUTH2", text.as_bytes()).await
        }
        Auth::XOAuth2 => return Err(ImapError::NoAuth(client.server.clone())),
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
        Auth::Password => return Err(ImapError::NoAuth(client.server.clone())),
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
