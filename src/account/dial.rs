//! From a host and a port to a stream, safe or not.
//!
//! Invariant: every step has its own deadline, and every failure its cause.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::cause::{self, Cause};

/// How long each step may take.
pub(super) const STEP: Duration = Duration::from_secs(10);
/// How long one of a host's addresses may take, so that the next has a turn.
const ONE_ADDRESS: Duration = Duration::from_secs(4);
/// Addresses of one host that are tried.
const MAX_ADDRESSES: usize = 4;

/// A stream that may be TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Within `limit`, or a cause that says at what.
pub(super) async fn within<T>(
    limit: Duration,
    what: &'static str,
    step: impl Future<Output = Result<T, Cause>>,
) -> Result<T, Cause> {
    tokio::time::timeout(limit, step).await.unwrap_or(Err(Cause::Slow(what)))
}

/// Connects to a host.
///
/// # Errors
/// The cause.
pub async fn tcp(host: &str, port: u16) -> Result<TcpStream, Cause> {
    let found = tokio::time::timeout(STEP, tokio::net::lookup_host((host, port))).await;
    let found = found.map_err(|_| Cause::Slow("looking up its name"))?;
    let found: Vec<SocketAddr> = found.map_err(|_| Cause::NoHost)?.take(MAX_ADDRESSES).collect();
    let mut last = Cause::NoHost;
    for address in found {
        match tokio::time::timeout(ONE_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                last = Cause::Closed;
            }
            Ok(Err(error)) => last = Cause::Unreached(error.kind().to_string()),
            Err(_) => last = Cause::Slow("connecting"),
        }
    }
    Err(last)
}

/// TLS over a stream, with a certificate of `host`.
///
/// # Errors
/// The cause; what is wrong with a certificate is said apart.
pub async fn tls<S: Stream>(
    stream: S,
    host: &str,
    config: &Arc<ClientConfig>,
) -> Result<TlsStream<S>, Cause> {
    tls_within(STEP, stream, host, config).await
}

/// As [`tls`], with a deadline of the caller's.
///
/// # Errors
/// The cause; what is wrong with a certificate is said apart.
pub async fn tls_within<S: Stream>(
    limit: Duration,
    stream: S,
    host: &str,
    config: &Arc<ClientConfig>,
) -> Result<TlsStream<S>, Cause> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Cause::NoHost)?;
    let connector = TlsConnector::from(Arc::clone(config));
    within(limit, "TLS", async {
        connector.connect(name, stream).await.map_err(|error| cause::of_tls(&error))
    })
    .await
}
