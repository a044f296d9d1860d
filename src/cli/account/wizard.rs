//! Adds an account for the interface: the work of `account add`, asked for step by step.
//!
//! Invariant: as `account add`: nothing is written before both servers let the account in, nor
//! after it was called off. It runs on a thread of its own and tells how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{add, attempt, told};
use crate::account::discover::{self, Net, Roads};
use crate::account::providers::{self, Entry, Provider};
use crate::account::{
    Account, AccountError, AccountId, Accounts, Address, Auth, Password, Protocol, Secret, Server,
    Settings,
};
use crate::cli::home::Home;
use crate::engine::accounts::{AccountAsk, AccountStep, Draft};
use crate::engine::handle::Update;
use crate::notice::Notice;
use crate::safe_text;
use crate::ui::{AccountJob, Tell};

/// What does it for the interface of `home`.
pub(in crate::cli) fn job(home: &Home) -> AccountJob {
    let home = home.clone();
    Arc::new(move |ask: AccountAsk, stop: Arc<AtomicBool>, tell: Tell| {
        let (ticket, done) = match ask {
            AccountAsk::Find { ticket, address } => (ticket, find(&home, &address)),
            AccountAsk::Add { ticket, draft, password } => {
                let doing = |what: String| {
                    tell(Update::Account(ticket, AccountStep::Doing(what)));
                };
                (ticket, add_it(&home, &draft, &password, &stop, &doing))
            }
            AccountAsk::Cancel(_) => return,
        };
        tell(Update::Account(ticket, done.unwrap_or_else(AccountStep::Failed)));
    })
}

fn offline(home: &Home) -> Result<(), Notice> {
    if home.offline {
        let line = "servers are tried over the network, and --offline reaches none";
        return Err(Notice::error("offline", line, "start without --offline"));
    }
    Ok(())
}

fn is_new(home: &Home, address: &Address) -> Result<(), Notice> {
    match Accounts::read(&home.dir).map_err(told)?.named(address.as_str()) {
        Ok(held) => {
            let (address, id) = (address.to_string(), held.id.to_string());
            Err(told(AccountError::Exists { address, id }))
        }
        Err(_) => Ok(()),
    }
}

fn find(home: &Home, address: &str) -> Result<AccountStep, Notice> {
    let address = Address::parse(address).map_err(told)?;
    is_new(home, &address)?;
    offline(home)?;
    let domain = address.domain();
    let net = Net::new(Roads::default()).map_err(told)?;
    let Some(found) = attempt::now(discover::discover(&address, &net))? else {
        let draft = Draft {
            address: address.to_string(),
            imap: format!("imaps://imap.{domain}"),
            smtp: format!("smtps://smtp.{domain}"),
            login: address.to_string(),
        };
        let says = format!("No servers were found for {domain}: who has its mail names them.");
        let hint = providers::of_domain(domain).map(Provider::cure).unwrap_or_default();
        return Ok(AccountStep::Found { draft, says: safe_text::line(&says), hint });
    };
    let provider = providers::of_domain(domain)
        .filter(|provider| provider.imap().as_ref() == Some(&found.imap))
        .or_else(|| providers::of_server(&found.imap.host));
    let hint = provider.map(Provider::cure).unwrap_or_default();
    let refuses = provider.is_some_and(|provider| provider.entry == Entry::OAuth);
    if refuses || found.auth == Auth::XOAuth2 {
        let name = provider.map_or(domain, |provider| provider.name);
        return Err(Notice::error("no-login", format!("{name} takes no passwords"), hint));
    }
    let smtp = found.smtp.as_ref().map(|smtp| smtp.url(Protocol::Smtp));
    let draft = Draft {
        address: address.to_string(),
        imap: found.imap.url(Protocol::Imap),
        smtp: smtp.unwrap_or_default(),
        login: found.login,
    };
    let says = format!("Found: {}.", found.source.words());
    Ok(AccountStep::Found { draft, says, hint })
}

fn account(draft: &Draft) -> Result<Account, AccountError> {
    let address = Address::parse(&draft.address)?;
    let smtp = Some(draft.smtp.trim()).filter(|smtp| !smtp.is_empty());
    let login = Some(draft.login.trim()).filter(|login| !login.is_empty());
    Ok(Account {
        id: AccountId::of(&address),
        name: None,
        imap: Server::parse(draft.imap.trim(), Protocol::Imap)?,
        smtp: smtp.map(|smtp| Server::parse(smtp, Protocol::Smtp)).transpose()?,
        login: login.unwrap_or(address.as_str()).to_owned(),
        auth: Auth::Password,
        secret: Secret::Keyring,
        tls_ca: None,
        settings: Settings::default(),
        address,
    })
}

fn add_it(
    home: &Home,
    draft: &Draft,
    password: &Password,
    stop: &AtomicBool,
    doing: &dyn Fn(String),
) -> Result<AccountStep, Notice> {
    offline(home)?;
    let mut account = account(draft).map_err(told)?;
    is_new(home, &account.address)?;
    let smtp = account.smtp.as_ref().map(|smtp| format!(" and {}", smtp.authority()));
    let (imap, smtp) = (account.imap.authority(), smtp.unwrap_or_default());
    doing(safe_text::line(&format!("logging in at {imap}{smtp}")));
    let failed = attempt::both(&account, password)?.into_iter().find_map(|tried| tried.failed);
    if let Some(failed) = failed {
        return Err(failed);
    }
    if stop.load(Ordering::SeqCst) {
        return Err(Notice::error("stopped", "it was called off; nothing was written", ""));
    }
    let kept = add::store(home, &mut account, password, add::Keeps::Best)?;
    let address = safe_text::line(account.address.as_str());
    let kept = kept.map(|kept| format!("; {kept}")).unwrap_or_default();
    Ok(AccountStep::Added(format!("Added {address}{kept}")))
}
