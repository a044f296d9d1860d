//! The real world: HTTPS, name servers, and doors that are knocked at.
//!
//! Invariant: HTTPS only, also after a redirect; an answer has a bound in bytes, in redirects and
//! in time (its caller's). Nothing of an earlier answer (cookies, names) goes into the next.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::task::JoinSet;
use url::Url;

use super::autoconfig::MAX_BYTES;
use super::{SrvRecord, World, dns};
use crate::account::dial;
use crate::account::{AccountError, Security, Server, tls};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 3;
/// The longest head of an answer, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Who the system asks for names.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Where things are asked; a test leads all of it to itself.
#[derive(Debug, Clone, Default)]
pub struct Roads {
    /// Name servers; none are the system's.
    pub dns: Vec<SocketAddr>,
    /// The one place where every host is, whatever its name.
    pub hosts: Option<SocketAddr>,
    /// Certificates that are trusted beside the system's.
    pub ca: Option<std::path::PathBuf>,
}

/// The network.
#[derive(Debug)]
pub struct Net {
    roads: Roads,
    tls: Arc<ClientConfig>,
}

impl Net {
    /// The network as this machine sees it, or along other roads.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn new(mut roads: Roads) -> Result<Self, AccountError> {
        let tls = tls::client(roads.ca.as_deref())?;
        if roads.dns.is_empty() {
            roads.dns = dns::servers(&std::fs::read_to_string(RESOLV_CONF).unwrap_or_default());
        }
        Ok(Self { roads, tls })
    }

    async fn tcp(&self, host: &str, port: u16) -> Option<tokio::net::TcpStream> {
        match self.roads.hosts {
            Some(place) => tokio::net::TcpStream::connect(place).await.ok(),
            None => dial::tcp(host, port).await.ok(),
        }
    }

    /// One request and the answer's head and body.
    async fn request(&self, url: &Url) -> Option<Response<Bytes>> {
        let host = url.host_str()?;
        let stream = self.tcp(host, url.port_or_known_default()?).await?;
        let stream = dial::tls(stream, host, &self.tls).await.ok()?;
        let mut builder = hyper::client::conn::http1::Builder::new();
        builder.max_buf_size(MAX_HEAD_BYTES);
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.ok()?;
        // It ends with this set, however this ends.
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let request = Request::get(path)
            .header(header::HOST, authority)
            .header(header::ACCEPT, "application/xml, text/xml")
            .header(header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .ok()?;
        let (head, body) = sender.send_request(request).await.ok()?.into_parts();
        let body = Limited::new(body, MAX_BYTES).collect().await.ok()?.to_bytes();
        Some(Response::from_parts(head, body))
    }
}

/// Where an answer leads; only to HTTPS.
fn redirect(from: &Url, answer: &Response<Bytes>) -> Option<Url> {
    let moved = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !moved.contains(&answer.status()) {
        return None;
    }
    let to = answer.headers().get(header::LOCATION)?.to_str().ok()?;
    from.join(to).ok().filter(|to| to.scheme() == "https")
}

impl World for Net {
    async fn fetch(&self, url: &str) -> Option<Vec<u8>> {
        let mut url = Url::parse(url).ok().filter(|url| url.scheme() == "https")?;
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.request(&url).await?;
            if answer.status() == StatusCode::OK {
                return Some(answer.into_body().to_vec());
            }
            url = redirect(&url, &answer)?;
        }
        None
    }

    async fn srv(&self, name: &str) -> Vec<SrvRecord> {
        dns::srv(&self.roads.dns, name).await
    }

    async fn mx(&self, domain: &str) -> Vec<String> {
        dns::mx(&self.roads.dns, domain).await
    }

    async fn knock(&self, server: &Server) -> bool {
        let Some(stream) = self.tcp(&server.host, server.port).await else { return false };
        match server.security {
            Security::Tls => dial::tls(stream, &server.host, &self.tls).await.is_ok(),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_https_only() {
        let from = Url::parse("https://example.org/a/b").unwrap();
        let check = |status: u16, to: &str, want: Option<&str>| {
            let answer = Response::builder().status(status).header("location", to);
            let answer = answer.body(Bytes::new()).unwrap();
            assert_eq!(redirect(&from, &answer).as_ref().map(Url::as_str), want, "{to}");
        };
        check(301, "https://other.org/x", Some("https://other.org/x"));
        check(302, "/x", Some("https://example.org/x"));
        check(308, "x", Some("https://example.org/a/x"));
        check(302, "http://other.org/x", None);
        check(302, "file:///etc/passwd", None);
        check(200, "https://other.org/x", None);
    }
}
