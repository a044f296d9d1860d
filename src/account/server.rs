//! A server of an account: host, port, and how the connection is kept secret.
//!
//! Invariant: what is not encrypted stays on this machine: [`Security::Plain`] is refused for every
//! host but this one when a server is named, and whoever connects looks at the peer once more.

use super::AccountError;

/// What is spoken with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Fetching.
    Imap,
    /// Sending (RFC 6409).
    Smtp,
}

impl Protocol {
    /// Its name in an address of a server.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Smtp => "smtp",
        }
    }

    /// The port unless another is named (RFC 8314, 3.2 and 3.3; RFC 6409, 3.1).
    #[must_use]
    pub const fn port(self, security: Security) -> u16 {
        match (self, security) {
            (Self::Imap, Security::Tls) => 993,
            (Self::Imap, _) => 143,
            (Self::Smtp, Security::Tls) => 465,
            (Self::Smtp, _) => 587,
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Imap => "IMAP",
            Self::Smtp => "SMTP",
        })
    }
}

/// How a connection is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after a command; required, never only tried (RFC 8314, 4).
    StartTls,
    /// Nothing: on this machine only.
    Plain,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is kept secret.
    pub security: Security,
}

impl Server {
    /// A server at a name and a port.
    #[must_use]
    pub fn new(host: &str, port: u16, security: Security) -> Self {
        Self { host: host.to_ascii_lowercase(), port, security }
    }

    /// Reads `imaps://host:port` (TLS), `imap://host:port` (STARTTLS, required) or
    /// `imap+plain://host:port` (nothing; this machine only); for SMTP the same with `smtp`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str, protocol: Protocol) -> Result<Self, AccountError> {
        let wrong = |why| AccountError::Url { text: text.to_owned(), protocol, why };
        let (scheme, _) = text.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let name = protocol.scheme();
        let scheme = scheme.to_ascii_lowercase();
        let security = match scheme.strip_prefix(name) {
            Some("s") => Security::Tls,
            Some("") => Security::StartTls,
            Some("+plain") => Security::Plain,
            _ => return Err(wrong("its scheme is another")),
        };
        let url = url::Url::parse(text).map_err(|_| wrong("it cannot be read"))?;
        if !url.username().is_empty() || url.password().is_some() {
            // Not repeated in the error: it may hold a password.
            return Err(AccountError::ServerLogin);
        }
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        if !bare || url.fragment().is_some() {
            return Err(wrong("something stands behind the host"));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("it has no host"))?;
        let host = url::Host::parse(host).map_err(|_| wrong("its host is none"))?;
        let host = match host {
            url::Host::Domain(name) => name.trim_end_matches('.').to_owned(),
            url::Host::Ipv4(address) => address.to_string(),
            url::Host::Ipv6(address) => address.to_string(),
        };
        let port = match url.port() {
            Some(0) => return Err(wrong("0 is no port")),
            port => port.unwrap_or_else(|| protocol.port(security)),
        };
        let server = Self { host, port, security };
        if security == Security::Plain && !server.is_local() {
            return Err(AccountError::PlainBeyond { host: server.host });
        }
        Ok(server)
    }

    /// As [`Server::parse`] reads it.
    #[must_use]
    pub fn url(&self, protocol: Protocol) -> String {
        let tail = match self.security {
            Security::Tls => "s",
            Security::StartTls => "",
            Security::Plain => "+plain",
        };
        format!("{}{tail}://{}", protocol.scheme(), self.authority())
    }

    /// `host:port`.
    #[must_use]
    pub fn authority(&self) -> String {
        let v6 = self.host.contains(':');
        let (open, close) = if v6 { ("[", "]") } else { ("", "") };
        format!("{open}{}{close}:{}", self.host, self.port)
    }

    /// Whether its name is one of this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocol: Protocol, text: &str, want: Option<(&str, u16, Security)>) {
        let got = Server::parse(text, protocol).ok();
        let want = want.map(|(host, port, security)| Server::new(host, port, security));
        assert_eq!(got, want, "{text}");
        if let Some(server) = got {
            assert_eq!(Server::parse(&server.url(protocol), protocol).unwrap(), server);
        }
    }

    #[test]
    fn servers() {
        use Protocol::{Imap, Smtp};
        use Security::{Plain, StartTls, Tls};
        check(Imap, "imaps://imap.example.org", Some(("imap.example.org", 993, Tls)));
        check(Imap, "imap://Imap.Example.org", Some(("imap.example.org", 143, StartTls)));
        check(Imap, "IMAPS://imap.example.org:1993/", Some(("imap.example.org", 1993, Tls)));
        check(Smtp, "smtps://smtp.example.org", Some(("smtp.example.org", 465, Tls)));
        check(Smtp, "smtp://smtp.example.org", Some(("smtp.example.org", 587, StartTls)));
        check(Smtp, "smtp+plain://127.0.0.1:2525", Some(("127.0.0.1", 2525, Plain)));
        check(Imap, "imap+plain://localhost", Some(("localhost", 143, Plain)));
        check(Imap, "imap+plain://[::1]:1143", Some(("::1", 1143, Plain)));
        for wrong in [
            "imap.example.org",
            "smtp://imap.example.org",
            "imaps://",
            "imaps://a b",
            "imaps://host:0",
            "imaps://host:99999",
            "imaps://ann:secret@host",
            "imaps://ann@host",
            "imaps://host/inbox",
            "imaps://host?x",
            "imap+plain://example.org",
            "imap+plain://192.168.0.1",
            "imap+plain://localhost.example.org",
        ] {
            check(Imap, wrong, None);
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        let error = Server::parse("imaps://ann:hush@host", Protocol::Imap).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hush"));
    }
}
