//! Mail providers that many people have: their servers, and what they want in place of the
//! account's password.
//!
//! Invariant: a table and nothing else. What is not in it is asked of DNS and of the provider
//! itself (`discover`); what is in it needs no network. A link leads to where its owner makes what
//! is wanted.

use super::{Protocol, Server};

/// What a provider lets in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The account's password.
    Password,
    /// A password made for one program; the account's own is refused. Where it is made.
    AppPassword(&'static str),
    /// An access token only.
    OAuth,
    /// Nothing: it has no IMAP.
    Closed,
}

/// A provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: &'static str,
    /// Domains of its addresses.
    pub domains: &'static [&'static str],
    /// Ends of the names of the hosts that take mail in for domains of its customers.
    pub mx: &'static [&'static str],
    /// Fetching: a URL.
    imap: &'static str,
    /// Sending: a URL.
    smtp: &'static str,
    /// What it lets in by.
    pub entry: Entry,
    /// What else its user has to know; empty for nothing.
    pub hint: &'static str,
}

impl Provider {
    /// Where mail is fetched; `None` where it is not.
    #[must_use]
    pub fn imap(&self) -> Option<Server> {
        Server::parse(self.imap, Protocol::Imap).ok()
    }

    /// Where mail is sent.
    #[must_use]
    pub fn smtp(&self) -> Option<Server> {
        Server::parse(self.smtp, Protocol::Smtp).ok()
    }

    /// Whether it files by itself what is sent through it: a copy from here is a second one.
    #[must_use]
    pub fn files_sent(&self) -> bool {
        matches!(self.name, "Gmail" | "Outlook" | "Microsoft 365")
    }

    /// What its user has to do before a password is accepted, one line; empty for nothing.
    #[must_use]
    pub fn cure(&self) -> String {
        let name = self.name;
        let cure = match self.entry {
            Entry::Password => String::new(),
            Entry::AppPassword(link) => {
                format!("{name} refuses account passwords; make an app password at {link}")
            }
            Entry::OAuth => format!(
                "{name} refuses all passwords; use --auth xoauth2 and a --password-command that \
                 prints an access token"
            ),
            Entry::Closed => format!("{name} has no IMAP, so its mail cannot be fetched"),
        };
        let joint = if cure.is_empty() || self.hint.is_empty() { "" } else { "; " };
        format!("{cure}{joint}{}", self.hint)
    }
}

/// The provider of addresses of a domain.
#[must_use]
pub fn of_domain(domain: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.domains.contains(&domain))
}

/// The provider whose hosts take mail in for a domain.
#[must_use]
pub fn of_mx(host: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.mx.iter().any(|end| is_below(host, end)))
}

/// The provider that has this server.
#[must_use]
pub fn of_server(host: &str) -> Option<&'static Provider> {
    let has = |server: Option<Server>| server.is_some_and(|s| s.host == host && !s.is_local());
    PROVIDERS.iter().find(|provider| has(provider.imap()) || has(provider.smtp()))
}

fn is_below(host: &str, end: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

const fn row(
    name: &'static str,
    domains: &'static [&'static str],
    mx: &'static [&'static str],
    servers: [&'static str; 2],
    entry: Entry,
    hint: &'static str,
) -> Provider {
    let [imap, smtp] = servers;
    Provider { name, domains, mx, imap, smtp, entry, hint }
}

const IMAP_ON: &str = "IMAP has to be switched on in the settings of its web site";

use Entry::{AppPassword, Closed, OAuth, Password};

#[rustfmt::skip]
static PROVIDERS: &[Provider] = &[
    row("Gmail", &["gmail.com", "googlemail.com"], &["google.com", "googlemail.com"],
        ["imaps://imap.gmail.com", "smtps://smtp.gmail.com"],
        AppPassword("https://myaccount.google.com/apppasswords"), "it needs two-step verification"),
    row("Outlook", &["outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de",
        "hotmail.de", "hotmail.fr", "hotmail.co.uk", "live.de", "live.co.uk"],
        &["olc.protection.outlook.com"],
        ["imaps://outlook.office365.com", "smtp://smtp-mail.outlook.com"], OAuth, IMAP_ON),
    row("Microsoft 365", &[], &["mail.protection.outlook.com", "mx.microsoft"],
        ["imaps://outlook.office365.com", "smtp://smtp.office365.com"], OAuth, ""),
    row("iCloud", &["icloud.com", "me.com", "mac.com"], &["mail.icloud.com"],
        ["imaps://imap.mail.me.com", "smtp://smtp.mail.me.com"],
        AppPassword("https://account.apple.com"), ""),
    row("Yahoo", &["yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "yahoo.es", "yahoo.it",
        "ymail.com", "rocketmail.com"], &["yahoodns.net"],
        ["imaps://imap.mail.yahoo.com", "smtps://smtp.mail.yahoo.com"],
        AppPassword("https://login.yahoo.com/account/security"), ""),
    row("AOL", &["aol.com", "aim.com"], &[],
        ["imaps://imap.aol.com", "smtps://smtp.aol.com"],
        AppPassword("https://login.aol.com/account/security"), ""),
    row("Fastmail", &["fastmail.com", "fastmail.fm"], &["messagingengine.com"],
        ["imaps://imap.fastmail.com", "smtps://smtp.fastmail.com"],
        AppPassword("https://app.fastmail.com/settings/security"), ""),
    row("GMX", &["gmx.net", "gmx.de", "gmx.at", "gmx.ch"], &["gmx.net"],
        ["imaps://imap.gmx.net", "smtps://mail.gmx.net"], Password, IMAP_ON),
    row("GMX", &["gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr"], &["gmx.com"],
        ["imaps://imap.gmx.com", "smtps://mail.gmx.com"], Password, IMAP_ON),
    row("WEB.DE", &["web.de"], &["web.de"],
        ["imaps://imap.web.de", "smtp://smtp.web.de"], Password, IMAP_ON),
    row("Posteo", &["posteo.de", "posteo.net", "posteo.org"], &["posteo.de"],
        ["imaps://posteo.de", "smtps://posteo.de"], Password, ""),
    row("mailbox.org", &["mailbox.org"], &["mailbox.org"],
        ["imaps://imap.mailbox.org", "smtps://smtp.mailbox.org"], Password, ""),
    row("Proton", &["proton.me", "protonmail.com", "pm.me", "protonmail.ch"], &["protonmail.ch"],
        ["imap://127.0.0.1:1143", "smtp://127.0.0.1:1025"], Password,
        "Proton Mail Bridge has to run here: take login and password from it, and its exported \
         certificate with --tls-ca"),
    row("Zoho", &["zoho.com", "zohomail.com"], &[],
        ["imaps://imap.zoho.com", "smtps://smtp.zoho.com"],
        AppPassword("https://accounts.zoho.com/home#security/app_password"), IMAP_ON),
    row("Zoho", &["zoho.eu", "zohomail.eu"], &[],
        ["imaps://imap.zoho.eu", "smtps://smtp.zoho.eu"],
        AppPassword("https://accounts.zoho.eu/home#security/app_password"), IMAP_ON),
    row("Zoho", &[], &["zoho.com"],
        ["imaps://imappro.zoho.com", "smtps://smtppro.zoho.com"],
        AppPassword("https://accounts.zoho.com/home#security/app_password"), IMAP_ON),
    row("Zoho", &[], &["zoho.eu"],
        ["imaps://imappro.zoho.eu", "smtps://smtppro.zoho.eu"],
        AppPassword("https://accounts.zoho.eu/home#security/app_password"), IMAP_ON),
    row("Yandex", &["yandex.com", "yandex.ru", "ya.ru"], &["yandex.net", "yandex.ru"],
        ["imaps://imap.yandex.com", "smtps://smtp.yandex.com"],
        AppPassword("https://id.yandex.com/security/app-passwords"), IMAP_ON),
    row("Mail.ru", &["mail.ru", "inbox.ru", "list.ru", "bk.ru"], &["mail.ru"],
        ["imaps://imap.mail.ru", "smtps://smtp.mail.ru"],
        AppPassword("https://account.mail.ru/user/2-step-auth/passwords"), ""),
    row("Migadu", &[], &["migadu.com"],
        ["imaps://imap.migadu.com", "smtps://smtp.migadu.com"], Password, ""),
    row("Runbox", &["runbox.com", "runbox.no"], &["runbox.com"],
        ["imaps://mail.runbox.com", "smtps://mail.runbox.com"], Password, ""),
    row("Gandi", &[], &["mail.gandi.net"],
        ["imaps://mail.gandi.net", "smtps://mail.gandi.net"], Password, ""),
    row("IONOS", &[], &["kundenserver.de", "ionos.de"],
        ["imaps://imap.ionos.de", "smtps://smtp.ionos.de"], Password, ""),
    row("IONOS", &[], &["ionos.com", "1and1.com"],
        ["imaps://imap.ionos.com", "smtps://smtp.ionos.com"], Password, ""),
    row("Strato", &[], &["rzone.de"],
        ["imaps://imap.strato.de", "smtps://smtp.strato.de"], Password, ""),
    row("OVH", &[], &["mail.ovh.net"],
        ["imaps://ssl0.ovh.net", "smtps://ssl0.ovh.net"], Password, ""),
    row("Infomaniak", &["ik.me"], &["infomaniak.ch"],
        ["imaps://mail.infomaniak.com", "smtps://mail.infomaniak.com"], Password, ""),
    row("T-Online", &["t-online.de", "magenta.de"], &["t-online.de"],
        ["imaps://secureimap.t-online.de", "smtps://securesmtp.t-online.de"], Password,
        "T-Online wants its e-mail password, which is set apart from the one of the web site"),
    row("freenet", &["freenet.de"], &[],
        ["imaps://mx.freenet.de", "smtp://mx.freenet.de"], Password, ""),
    row("Comcast", &["comcast.net"], &["comcast.net"],
        ["imaps://imap.comcast.net", "smtp://smtp.comcast.net"], Password, IMAP_ON),
    row("Orange", &["orange.fr", "wanadoo.fr"], &["orange.fr"],
        ["imaps://imap.orange.fr", "smtps://smtp.orange.fr"], Password, ""),
    row("Free", &["free.fr"], &["free.fr"],
        ["imaps://imap.free.fr", "smtps://smtp.free.fr"], Password, ""),
    row("Seznam", &["seznam.cz", "email.cz", "post.cz"], &["seznam.cz"],
        ["imaps://imap.seznam.cz", "smtps://smtp.seznam.cz"], Password, IMAP_ON),
    row("Riseup", &["riseup.net"], &["riseup.net"],
        ["imaps://mail.riseup.net", "smtps://mail.riseup.net"], Password, ""),
    row("Tuta", &["tuta.com", "tutanota.com", "tutanota.de", "tutamail.com", "tuta.io"],
        &["tutanota.de"], ["", ""], Closed, ""),
    row("HEY", &["hey.com"], &["hey.com"], ["", ""], Closed, ""),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Security;

    fn is_safe(server: &Server) -> bool {
        server.security != Security::Plain
    }

    #[test]
    fn every_row_is_whole_and_every_domain_has_one() {
        let mut domains: Vec<&str> = Vec::new();
        for provider in PROVIDERS {
            let servers = [provider.imap(), provider.smtp()];
            let closed = provider.entry == Closed;
            assert!(servers.iter().all(|s| s.is_none() == closed), "{}", provider.name);
            assert!(servers.iter().flatten().all(is_safe), "{}", provider.name);
            assert!(!provider.domains.is_empty() || !provider.mx.is_empty());
            if let AppPassword(link) = provider.entry {
                assert!(link.starts_with("https://") && provider.cure().contains(link));
            }
            domains.extend(provider.domains);
        }
        let count = domains.len();
        domains.sort_unstable();
        domains.dedup();
        assert_eq!(domains.len(), count, "a domain stands twice");
        assert!(PROVIDERS.len() >= 25);
    }

    #[test]
    fn providers_are_found_by_domain_host_and_server() {
        let name = |provider: Option<&Provider>| provider.map(|provider| provider.name);
        assert_eq!(name(of_domain("gmail.com")), Some("Gmail"));
        assert_eq!(name(of_domain("example.org")), None);
        assert_eq!(name(of_mx("ASPMX.L.Google.com.")), Some("Gmail"));
        assert_eq!(name(of_mx("x-org.mail.protection.outlook.com")), Some("Microsoft 365"));
        assert_eq!(name(of_mx("notgoogle.com")), None);
        assert_eq!(name(of_server("imap.gmail.com")), Some("Gmail"));
        assert_eq!(name(of_server("127.0.0.1")), None, "not everything here is a bridge");
        assert_eq!(of_domain("gmx.de").map(Provider::cure).as_deref(), Some(IMAP_ON));
    }
}
