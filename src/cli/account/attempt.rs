//! Tries the servers of an account.
//!
//! Invariant: what is tried and what is not is said; a server that was not asked is not "ok".

use serde_json::json;

use crate::account::{Account, AccountError, Cause, Password, Protocol, Security, probe};
use crate::cli::output::Output;
use crate::imap::ImapError;
use crate::imap::connect::{Way, connect};
use crate::notice::{Explain as _, Notice};

/// What came of one server.
#[derive(Debug)]
pub(super) struct Tried {
    /// Which; `None` when it did not come to that.
    pub(super) protocol: Option<Protocol>,
    /// Why not.
    pub(super) failed: Option<Notice>,
}

impl Tried {
    /// Says it: a line on standard output, and the error where there is one.
    pub(super) fn say(&self, account: &Account, output: Output) -> Result<(), Notice> {
        let server = match self.protocol {
            Some(Protocol::Imap) => Some(account.imap.url(Protocol::Imap)),
            Some(Protocol::Smtp) => account.smtp.as_ref().map(|smtp| smtp.url(Protocol::Smtp)),
            None => None,
        };
        let error = self.failed.as_ref().map(
            |notice| json!({ "code": notice.code, "message": notice.message, "hint": notice.hint }),
        );
        let value = json!({
            "id": account.id.as_str(), "server": server, "ok": self.failed.is_none(),
            "error": error,
        });
        output.result(&value, || {
            let server = server.as_deref().unwrap_or("password");
            match &self.failed {
                None => format!("{}  {server}  ok", account.id),
                Some(notice) => {
                    format!("{}  {server}  {}\n  {}", account.id, notice.message, notice.hint)
                }
            }
        })
    }
}

/// Tries fetching and sending, one after the other: a wrong password is not counted twice by a
/// provider that has both.
pub(super) fn both(account: &Account, password: &Password) -> Result<Vec<Tried>, Notice> {
    let mut tried = Vec::new();
    let failed = now(imap(account, password))?;
    let wrong = failed.as_ref().is_some_and(|notice| notice.code == "login");
    tried.push(Tried { protocol: Some(Protocol::Imap), failed });
    if account.smtp.is_some() && !wrong {
        let failed = now(probe::smtp(account, password))?.err();
        let failed = failed.map(|error| error.notice());
        tried.push(Tried { protocol: Some(Protocol::Smtp), failed });
    }
    Ok(tried)
}

/// Runs one task to its end. A look-up of a name that hangs is left behind: only the end of this
/// process can stop it, and nobody waits for what it says.
pub(super) fn now<T>(task: impl Future<Output = T>) -> Result<T, Notice> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(|error| Notice::error("runtime", error.to_string(), ""))?;
    let done = runtime.block_on(task);
    runtime.shutdown_background();
    Ok(done)
}

async fn imap(account: &Account, password: &Password) -> Option<Notice> {
    let way = Way {
        server: account.imap.clone(),
        login: account.login.clone(),
        auth: account.auth,
        ca: account.tls_ca.clone(),
        silence: None,
    };
    let error = match connect(&way, password).await {
        Ok(mut client) => {
            // It let us in; how it takes the goodbye is nothing.
            let _ = client.logout().await;
            return None;
        }
        Err(error) => error,
    };
    let cause = match &error {
        ImapError::NoHost(_) => Cause::NoHost,
        ImapError::Unreached(_, why) if *why == Cause::Closed.to_string() => Cause::Closed,
        ImapError::Unreached(_, why) => Cause::Unreached(why.clone()),
        ImapError::Slow(_) => Cause::Slow("IMAP"),
        ImapError::Tls(_, cause) => cause.clone(),
        ImapError::NoTls(_) if account.imap.security == Security::Plain => Cause::NotLocal,
        ImapError::NoTls(_) => Cause::NoStartTls,
        ImapError::Injected(_) => Cause::Injected,
        ImapError::Refused { words, .. } => Cause::Refused(words.clone()),
        ImapError::NoAuth(_) => Cause::NoLogin("others".to_owned()),
        ImapError::Closed => Cause::Ended("IMAP"),
        ImapError::TooLarge(_) => Cause::TooMuch,
        ImapError::Malformed => Cause::Strange("no IMAP".to_owned()),
        _ => return Some(error.notice()),
    };
    let error = AccountError::Failed {
        protocol: Protocol::Imap,
        server: account.imap.clone(),
        domain: account.address.domain().to_owned(),
        cause,
    };
    Some(error.notice())
}
