//! Why a server did not let us in.
//!
//! Invariant: the real cause, each with its cure; a server's words are one safe line, cut.

use super::{Protocol, providers};

/// The longest text of a server that is shown, in characters.
const MAX_WORDS: usize = 200;

/// A cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Its name is not known.
    #[error("its name is not found")]
    NoHost,
    /// Nobody listens there.
    #[error("nobody listens there")]
    Closed,
    /// The way is cut.
    #[error("it cannot be reached: {0}")]
    Unreached(String),
    /// It does not answer in time; to what.
    #[error("it does not answer ({0})")]
    Slow(&'static str),
    /// The connection ended; at what.
    #[error("it ended the connection ({0})")]
    Ended(&'static str),
    /// Its certificate is of another name; of which.
    #[error("its certificate is not for this name, but for {0}")]
    OtherName(String),
    /// Its certificate is of nobody who is trusted.
    #[error("its certificate is of no authority that this machine trusts")]
    Untrusted,
    /// Its certificate is too old, or not yet valid.
    #[error("its certificate is not valid at this time")]
    Expired,
    /// Something else about TLS.
    #[error("no safe connection: {0}")]
    Tls(String),
    /// It does not speak TLS.
    #[error("it does not begin with TLS")]
    NotTls,
    /// It does not offer STARTTLS.
    #[error("it offers no encryption (STARTTLS)")]
    NoStartTls,
    /// Something came in clear where it may not be trusted (CVE-2011-0411).
    #[error("it said more in clear than it may before the encryption")]
    Injected,
    /// It was to be on this machine, and is not.
    #[error("it is not on this machine, and without TLS everybody on the way reads the password")]
    NotLocal,
    /// It does not take this login; its words.
    #[error("it refuses the login: {0}")]
    Refused(String),
    /// It refuses for now; its words.
    #[error("it refuses for now: {0}")]
    Later(String),
    /// It knows no way to log in that we know; what it knows, or nothing.
    #[error("it offers no login{}{}", if .0.is_empty() { "" } else { " of this kind, but " }, .0)]
    NoLogin(String),
    /// It speaks another protocol, or says no at once; its words.
    #[error("it does not answer as a mail server: {0}")]
    Strange(String),
    /// It says more than it may.
    #[error("it sends too much")]
    TooMuch,
}

impl Cause {
    /// A server's words, safe to show.
    #[must_use]
    pub fn words(text: &str) -> String {
        crate::safe_text::line(text.trim()).chars().take(MAX_WORDS).collect()
    }

    /// A stable word for scripts.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoHost => "no-host",
            Self::Closed => "closed",
            Self::Unreached(_) => "unreached",
            Self::Slow(_) => "slow",
            Self::Ended(_) => "ended",
            Self::OtherName(_) => "tls-name",
            Self::Untrusted => "tls-untrusted",
            Self::Expired => "tls-expired",
            Self::Tls(_) => "tls",
            Self::NotTls => "not-tls",
            Self::NoStartTls => "no-starttls",
            Self::Injected => "injected",
            Self::NotLocal => "plain",
            Self::Refused(_) => "login",
            Self::Later(_) => "later",
            Self::NoLogin(_) => "no-login",
            Self::Strange(_) => "not-mail",
            Self::TooMuch => "too-much",
        }
    }

    /// Whether trying again can help.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::NoHost
                | Self::Closed
                | Self::Unreached(_)
                | Self::Slow(_)
                | Self::Ended(_)
                | Self::Later(_)
        )
    }

    /// What to do about it at a server of `protocol` at `host`, for an address of `domain`.
    #[must_use]
    pub fn cure(&self, protocol: Protocol, host: &str, domain: &str) -> String {
        let option = protocol.scheme();
        match self {
            Self::Refused(_) | Self::NoLogin(_) => {
                let provider = providers::of_server(host).or_else(|| providers::of_domain(domain));
                let cure = provider.map(providers::Provider::cure).unwrap_or_default();
                if cure.is_empty() {
                    "check login and password; many providers want an app password, made in the \
                     settings of their web site"
                        .to_owned()
                } else {
                    cure
                }
            }
            Self::NoHost => format!("is the name right, and is there a network? --{option} URL"),
            Self::Closed => format!("is the port right? --{option} {option}s://HOST:PORT"),
            Self::Unreached(_) | Self::Slow(_) | Self::Ended(_) => {
                "is there a network, and does a firewall let this port through?".to_owned()
            }
            Self::OtherName(_) => {
                format!("name it as its certificate does: --{option} {option}s://NAME")
            }
            Self::Untrusted => {
                "a server of your own? name its authority with --tls-ca FILE".to_owned()
            }
            Self::Expired => {
                "is the clock of this machine right? else its owner has to renew it".to_owned()
            }
            Self::NotTls => {
                format!("{option}://HOST:PORT begins in clear and goes on with STARTTLS")
            }
            Self::NoStartTls | Self::Injected => {
                format!("nothing was sent; use its port for TLS: --{option} {option}s://HOST")
            }
            Self::NotLocal => format!("use {option}s://HOST or {option}://HOST"),
            Self::Later(_) => "wait a while, then try again".to_owned(),
            Self::Tls(_) | Self::Strange(_) | Self::TooMuch => {
                format!("is it an {protocol} server? --{option} URL names another")
            }
        }
    }
}

/// What rustls says of a connection that did not come to be.
pub(super) fn of_tls(error: &std::io::Error) -> Cause {
    use rustls::CertificateError as Bad;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(bad)) => match bad {
            Bad::NotValidForName => Cause::OtherName("another".to_owned()),
            Bad::NotValidForNameContext { presented, .. } => Cause::OtherName(names(presented)),
            Bad::UnknownIssuer | Bad::BadSignature => Cause::Untrusted,
            Bad::Expired
            | Bad::ExpiredContext { .. }
            | Bad::NotValidYet
            | Bad::NotValidYetContext { .. } => Cause::Expired,
            other => Cause::Tls(Cause::words(&other.to_string())),
        },
        Some(rustls::Error::InvalidMessage(_)) => Cause::NotTls,
        Some(other) => Cause::Tls(Cause::words(&other.to_string())),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => Cause::Ended("TLS"),
        None => Cause::Unreached(error.kind().to_string()),
    }
}

/// `DnsName("example.org")` as it is: example.org.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| match name.split('"').nth(1) {
        Some(inner) => inner.to_owned(),
        None => name.clone(),
    };
    let names: Vec<String> = presented.iter().take(3).map(bare).collect();
    if names.is_empty() { "none".to_owned() } else { Cause::words(&names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_login_is_cured_by_what_its_provider_wants() {
        let refused = Cause::Refused("no".to_owned());
        let check = |host: &str, domain: &str, part: &str| {
            let cure = refused.cure(Protocol::Imap, host, domain);
            assert!(cure.contains(part), "{host}: {cure}");
        };
        check("imap.gmail.com", "example.org", "myaccount.google.com/apppasswords");
        check("mail.example.org", "icloud.com", "account.apple.com");
        check("outlook.office365.com", "example.org", "--auth xoauth2");
        check("127.0.0.1", "proton.me", "Bridge");
        check("127.0.0.1", "example.org", "app password");
        check("imap.gmx.net", "gmx.de", "switched on");
    }

    #[test]
    fn what_a_server_says_is_one_short_safe_line() {
        let words = Cause::words(&format!(" a\u{1b}[2J\r\nb{}", "x".repeat(1000)));
        assert!(words.starts_with("a\u{fffd}[2J bxx") && words.chars().count() == MAX_WORDS);
        assert_eq!(names(&["DnsName(\"a.example\")".to_owned(), "b".to_owned()]), "a.example, b");
        assert_eq!(names(&[]), "none");
    }
}
