//! Leaving a mailing list by one click (RFC 8058): a request that says so, and nothing else.
//!
//! Invariant: HTTPS with a certificate that is checked; no redirect is followed, no cookie, login
//! or name goes along; nothing on this machine or in its own network is reached, whatever a message
//! or a name server says; every step has a deadline, and the answer a bound.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;

use super::discover::Roads;
use super::{Cause, dial, tls};
use crate::mail::compose::unsubscribe::ONE_CLICK_BODY;
use crate::notice::{Exit, Explain, Notice};

/// The longest answer that is read, in bytes: what it says is not looked at.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// The longest head of an answer, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Addresses of one host that are tried.
const MAX_ADDRESSES: usize = 4;

/// Why a list was not left.
#[derive(Debug, thiserror::Error)]
pub enum OneClickError {
    /// The address is none that is asked.
    #[error("the address to leave the list is none that can be asked")]
    Address,
    /// The host is here, or in this machine's own network.
    #[error("{0} is in this machine's own network")]
    Private(String),
    /// It was not reached.
    #[error("{0}: {1}")]
    Unreached(String, Cause),
    /// It answered something else than yes.
    #[error("{0} answered with {1}")]
    Answer(String, u16),
    /// It gave no answer that can be read.
    #[error("{0} gave no answer")]
    Silent(String),
    /// Certificates cannot be read.
    #[error(transparent)]
    Account(#[from] super::AccountError),
}

impl Explain for OneClickError {
    fn is_permanent(&self) -> bool {
        matches!(self, Self::Address | Self::Private(_))
    }

    fn notice(&self) -> Notice {
        let line = self.to_string();
        match self {
            Self::Address => Notice::error("unsubscribe", line, "the message may be forged"),
            Self::Private(_) => {
                Notice::error("private-address", line, "nothing there was asked; is it forged?")
            }
            Self::Unreached(..) | Self::Silent(_) => {
                Notice::error("unreached", line, "try again later").exit(Exit::Unreached)
            }
            Self::Answer(..) => {
                Notice::error("unsubscribe", line, "open the list's page in a browser")
            }
            Self::Account(error) => error.notice(),
        }
    }
}

/// Asks `url`, as the message says it, to leave. `roads.hosts` leads a test to itself.
///
/// # Errors
/// When it was not asked, or did not say yes.
pub async fn one_click(url: &str, roads: &Roads) -> Result<(), OneClickError> {
    let url = Url::parse(url).map_err(|_| OneClickError::Address)?;
    let host = url.host_str().filter(|_| url.scheme() == "https").ok_or(OneClickError::Address)?;
    let said = crate::safe_text::line(host);
    let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = url.port_or_known_default().ok_or(OneClickError::Address)?;
    let config = tls::client(roads.ca.as_deref())?;
    let limit = dial::STEP;
    let asked = async {
        let stream = match roads.hosts {
            Some(place) => TcpStream::connect(place).await.ok(),
            None => connect(&name, port, &said).await?,
        };
        let unreached = |cause| OneClickError::Unreached(said.clone(), cause);
        let stream = stream.ok_or_else(|| unreached(Cause::Closed))?;
        let stream = dial::tls(stream, &name, &config).await.map_err(unreached)?;
        ask(&url, stream, &said).await
    };
    let status = tokio::time::timeout(limit.saturating_mul(3), asked).await;
    let status = status.map_err(|_| OneClickError::Silent(said.clone()))??;
    if status.is_success() { Ok(()) } else { Err(OneClickError::Answer(said, status.as_u16())) }
}

async fn connect(host: &str, port: u16, said: &str) -> Result<Option<TcpStream>, OneClickError> {
    let unreached = |cause| OneClickError::Unreached(said.to_owned(), cause);
    let found = tokio::time::timeout(dial::STEP, tokio::net::lookup_host((host, port))).await;
    let found = found.map_err(|_| unreached(Cause::Slow("looking up its name")))?;
    let found: Vec<SocketAddr> = found.map_err(|_| unreached(Cause::NoHost))?.collect();
    let public: Vec<SocketAddr> =
        found.iter().copied().filter(|at| is_public(at.ip())).take(MAX_ADDRESSES).collect();
    if public.is_empty() && !found.is_empty() {
        return Err(OneClickError::Private(said.to_owned()));
    }
    for address in public {
        // What was looked up is what is connected to: a name is not asked for twice.
        if let Ok(Ok(stream)) = tokio::time::timeout(dial::STEP, TcpStream::connect(address)).await
        {
            return Ok(Some(stream));
        }
    }
    Ok(None)
}

async fn ask(
    url: &Url,
    stream: impl dial::Stream + 'static,
    said: &str,
) -> Result<StatusCode, OneClickError> {
    let silent = || OneClickError::Silent(said.to_owned());
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_buf_size(MAX_HEAD_BYTES);
    let (mut sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|_| silent())?;
    // It ends with this set, however this ends.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = Request::post(path)
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from_static(ONE_CLICK_BODY.as_bytes())))
        .map_err(|_| OneClickError::Address)?;
    let (head, body) = sender.send_request(request).await.map_err(|_| silent())?.into_parts();
    // What it says beyond its status is of no use, and may be without end.
    drop(Limited::new(body, MAX_ANSWER_BYTES).collect().await);
    Ok(head.status)
}

/// Whether an address is one of the public network: a message may name any.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                // RFC 1122 section 3.2.1.3, RFC 6598, RFC 6890, RFC 2544, RFC 1112 section 4.
                || a == 0
                || (a == 100 && (b & 0xc0) == 64)
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b & 0xfe) == 18)
                || a >= 240)
        }
        IpAddr::V6(ip) => {
            let inner = ip.to_ipv4_mapped().or_else(|| nat64(ip));
            if let Some(inner) = inner {
                return is_public(IpAddr::V4(inner));
            }
            // RFC 4291 section 2.4: what is assigned for everybody begins with 001; 2001:db8:: is
            // documentation (RFC 3849), 2001:0:: and 2002:: have an address of IPv4 in them (RFC
            // 4380, RFC 3056).
            let [a, b, ..] = ip.segments();
            let inside = a == 0x2002 || (a == 0x2001 && b == 0);
            (a & 0xe000) == 0x2000 && !(a == 0x2001 && b == 0xdb8) && !inside
        }
    }
}

/// The address of IPv4 in one of RFC 6052.
fn nat64(ip: Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    let bytes = ip.octets();
    let prefix = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
    let last: [u8; 4] = bytes[12..].try_into().ok()?;
    (bytes[..12] == prefix).then(|| last.into())
}

/// Runs it on a runtime of its own.
///
/// # Errors
/// As [`one_click`].
pub fn one_click_now(url: &str, roads: &Roads) -> Result<(), OneClickError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = Arc::new(runtime.map_err(|_| OneClickError::Silent("the system".to_owned()))?);
    runtime.block_on(one_click(url, roads))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_asked() {
        for (ip, public) in [
            ("93.184.216.34", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.31.0.1", false),
            ("172.32.0.1", true),
            ("192.168.0.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("0.0.0.0", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:2800:220:1::1", true),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("2001:0:1:2::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:93.184.216.34", true),
            ("64:ff9b::a00:1", false),
            ("::127.0.0.1", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }
}
