//! Finds the servers of an address: what to ask is planned, all is asked at once, and the best of
//! what came is taken.
//!
//! Invariant: the plan ([`plan`], [`follow`]) and the choice ([`choose()`]) are pure; who is asked
//! is a [`World`], which a test can be. Nothing is sent but the domain and, to the domain itself,
//! the address; no password is known here. It ends within [`WITHIN`], with what came until then.

mod autoconfig;
mod choose;
mod dns;
mod net;

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

pub use choose::{choose, is_settled};
pub use net::{Net, Roads};

use super::providers::{self, Provider};
use super::{Address, Auth, Protocol, Security, Server};

/// How long it may take, whoever does not answer.
pub const WITHIN: Duration = Duration::from_secs(5);
/// The most questions that answers may lead to.
const MAX_FOLLOWED: usize = 4;

/// Who said where the servers are, the most trusted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The table of this program, by the domain.
    Known,
    /// `autoconfig.DOMAIN`, by HTTPS.
    Autoconfig,
    /// A file at a well-known place of the domain, by HTTPS.
    WellKnown,
    /// Mozilla's list of providers, by the domain.
    Ispdb,
    /// The table of this program, by who takes mail in for the domain.
    KnownMx,
    /// DNS (RFC 6186), with servers of the domain itself.
    Srv,
    /// Mozilla's list, by who takes mail in for the domain.
    IspdbMx,
    /// DNS (RFC 6186), with servers of another domain. DNS can be forged on the way.
    SrvElsewhere,
    /// A usual name, where a server with its certificate answered.
    Guess,
}

impl Source {
    /// Who it is, for the line that says what was found.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Known => "known provider",
            Self::Autoconfig | Self::WellKnown => "the domain says so",
            Self::Ispdb => "Mozilla's list of providers",
            Self::KnownMx => "known provider, by who takes mail in for the domain",
            Self::IspdbMx => "Mozilla's list, by who takes mail in for the domain",
            Self::Srv => "DNS",
            Self::SrvElsewhere => "DNS, which names another domain",
            Self::Guess => "a usual name that answered",
        }
    }
}

/// A service that DNS may name (RFC 6186; RFC 8314, 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `_imaps._tcp`
    Imaps,
    /// `_imap._tcp`
    Imap,
    /// `_submissions._tcp`
    Submissions,
    /// `_submission._tcp`
    Submission,
}

impl Service {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Imaps => "_imaps._tcp.",
            Self::Imap => "_imap._tcp.",
            Self::Submissions => "_submissions._tcp.",
            Self::Submission => "_submission._tcp.",
        }
    }

    const fn means(self) -> (Protocol, Security) {
        match self {
            Self::Imaps => (Protocol::Imap, Security::Tls),
            Self::Imap => (Protocol::Imap, Security::StartTls),
            Self::Submissions => (Protocol::Smtp, Security::Tls),
            Self::Submission => (Protocol::Smtp, Security::StartTls),
        }
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// A file of Mozilla's form.
    Fetch(Source, String),
    /// Records of a service.
    Srv(Service, String),
    /// Who takes mail in.
    Mx(String),
    /// Whether a server answers, with its certificate; the less, the better.
    Knock(Protocol, Server, u32),
}

/// A record of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrvRecord {
    /// The least first.
    pub priority: u16,
    /// Of equal priority the most first.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; empty where the service is not offered.
    pub host: String,
}

/// What one answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Who says so.
    pub source: Source,
    /// Of one source, the least first.
    pub order: u32,
    /// Where mail is fetched.
    pub imap: Option<Server>,
    /// Where mail is sent.
    pub smtp: Option<Server>,
    /// Who logs in; `None` is the address.
    pub login: Option<String>,
    /// How.
    pub auth: Auth,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Who said so.
    pub source: Source,
    /// Where mail is fetched.
    pub imap: Server,
    /// Where mail is sent.
    pub smtp: Option<Server>,
    /// Who logs in.
    pub login: String,
    /// How.
    pub auth: Auth,
}

/// Who is asked.
pub trait World: Sync {
    /// A file by HTTPS: at most 64 KiB, `None` where it is not.
    fn fetch(&self, url: &str) -> impl Future<Output = Option<Vec<u8>>> + Send;
    /// Records of a service.
    fn srv(&self, name: &str) -> impl Future<Output = Vec<SrvRecord>> + Send;
    /// Hosts that take mail in, the preferred first.
    fn mx(&self, domain: &str) -> impl Future<Output = Vec<String>> + Send;
    /// Whether a server answers there, with a certificate of its name where it begins with TLS.
    fn knock(&self, server: &Server) -> impl Future<Output = bool> + Send;
}

/// What is asked for an address that is in no table.
#[must_use]
pub fn plan(address: &Address) -> Vec<Ask> {
    let domain = address.domain();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let query = query.append_pair("emailaddress", address.as_str()).finish();
    let mut asks = vec![
        Ask::Fetch(
            Source::Autoconfig,
            format!("https://autoconfig.{domain}/mail/config-v1.1.xml?{query}"),
        ),
        Ask::Fetch(
            Source::WellKnown,
            format!("https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml"),
        ),
        Ask::Fetch(Source::Ispdb, ispdb(domain)),
        Ask::Mx(domain.to_owned()),
    ];
    let services = [Service::Imaps, Service::Imap, Service::Submissions, Service::Submission];
    asks.extend(services.map(|service| Ask::Srv(service, format!("{}{domain}", service.prefix()))));
    for (protocol, name) in [(Protocol::Imap, "imap"), (Protocol::Smtp, "smtp")] {
        let mut order = 0;
        for security in [Security::Tls, Security::StartTls] {
            for host in [format!("{name}.{domain}"), format!("mail.{domain}")] {
                let server = Server::new(&host, protocol.port(security), security);
                asks.push(Ask::Knock(protocol, server, order));
                order += 1;
            }
        }
    }
    asks
}

fn ispdb(domain: &str) -> String {
    format!("https://autoconfig.thunderbird.net/v1.1/{domain}")
}

/// What is asked because of who takes mail in: the list of providers, by the domains of the host.
#[must_use]
pub fn follow(hosts: &[String]) -> Vec<Ask> {
    let mut asks: Vec<Ask> = Vec::new();
    for host in hosts {
        let mut rest = host.trim_end_matches('.');
        while let Some((_, parent)) = rest.split_once('.') {
            let ask = Ask::Fetch(Source::IspdbMx, ispdb(parent));
            if !parent.contains('.') {
                break;
            }
            if asks.len() < MAX_FOLLOWED && !asks.contains(&ask) {
                asks.push(ask);
            }
            rest = parent;
        }
    }
    asks
}

/// A provider's servers.
fn known(provider: &Provider, source: Source) -> Given {
    let auth = match provider.entry {
        providers::Entry::OAuth => Auth::XOAuth2,
        _ => Auth::Password,
    };
    Given { source, order: 0, imap: provider.imap(), smtp: provider.smtp(), login: None, auth }
}

/// Finds the servers of an address; `None` where nobody says anything.
pub async fn discover(address: &Address, world: &impl World) -> Option<Found> {
    if let Some(provider) = providers::of_domain(address.domain()) {
        return choose(address, &[known(provider, Source::Known)]);
    }
    let until = tokio::time::Instant::now() + WITHIN;
    let mut given = Vec::new();
    let mut waiting: Vec<Ask> = plan(address);
    let mut asked = FuturesUnordered::new();
    asked.extend(waiting.iter().cloned().map(|ask| put(ask, address, world)));
    while let Ok(Some((ask, answer))) = tokio::time::timeout_at(until, asked.next()).await {
        waiting.retain(|other| *other != ask);
        given.extend(answer.given);
        waiting.extend(answer.next.iter().cloned());
        asked.extend(answer.next.into_iter().map(|ask| put(ask, address, world)));
        if is_settled(&given, &waiting) {
            break;
        }
    }
    choose(address, &given)
}

/// What came of a question.
#[derive(Default)]
struct Answer {
    given: Vec<Given>,
    next: Vec<Ask>,
}

async fn put(ask: Ask, address: &Address, world: &impl World) -> (Ask, Answer) {
    let mut answer = Answer::default();
    match &ask {
        Ask::Fetch(source, url) => {
            let bytes = world.fetch(url).await.unwrap_or_default();
            answer.given.extend(autoconfig::read(&bytes, *source, address));
        }
        Ask::Srv(service, name) => {
            answer.given = services(*service, world.srv(name).await, address.domain());
        }
        Ask::Mx(domain) => {
            let hosts = world.mx(domain).await;
            match hosts.iter().find_map(|host| providers::of_mx(host)) {
                Some(provider) => answer.given.push(known(provider, Source::KnownMx)),
                None => answer.next = follow(&hosts),
            }
        }
        Ask::Knock(protocol, server, order) => {
            if world.knock(server).await {
                answer.given.push(part(Source::Guess, *order, *protocol, server.clone()));
            }
        }
    }
    (ask, answer)
}

fn part(source: Source, order: u32, protocol: Protocol, server: Server) -> Given {
    let (imap, smtp) = match protocol {
        Protocol::Imap => (Some(server), None),
        Protocol::Smtp => (None, Some(server)),
    };
    Given { source, order, imap, smtp, login: None, auth: Auth::Password }
}

/// What DNS says of a service: TLS before STARTTLS (RFC 8314, 5.1), then by priority and weight.
fn services(service: Service, mut records: Vec<SrvRecord>, domain: &str) -> Vec<Given> {
    let (protocol, security) = service.means();
    // A root target says that there is no such service (RFC 6186, 3.4).
    records.retain(|record| !record.host.is_empty() && record.port != 0);
    records.sort_by_key(|record| (record.priority, u16::MAX - record.weight));
    let first = u32::from(security == Security::StartTls) * 1000;
    let given = |(record, order): (SrvRecord, u32)| {
        let host = record.host.to_ascii_lowercase();
        let inside =
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let source = if inside { Source::Srv } else { Source::SrvElsewhere };
        part(source, first + order, protocol, Server::new(&host, record.port, security))
    };
    records.into_iter().zip(0..).map(given).collect()
}

#[cfg(test)]
mod tests;
