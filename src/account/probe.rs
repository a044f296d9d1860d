//! Tries a server for sending: greeting, encryption, login, and goodbye. Nothing is sent.
//!
//! Invariant: what [`super::smtp_wire`] holds: no login before the connection is safe, a deadline
//! for every step, a bound for every answer.

use std::path::Path;

use super::smtp_wire::{Login, Patience, Wire, mechanisms};
use super::{Account, AccountError, Cause, Password, Protocol, Security, Server, dial, tls};

/// Somebody waits at a prompt: a step is short.
const PATIENCE: Patience = Patience { greeting: dial::STEP, tls: dial::STEP, command: dial::STEP };

/// What a server for sending said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpReport {
    /// The words of its last EHLO answer, after the first line.
    pub offers: Vec<String>,
}

/// Tries the server for sending of an account; `None` where it has none.
///
/// # Errors
/// [`AccountError::Failed`] with the cause, or what is wrong with the certificates it names.
pub async fn smtp(
    account: &Account,
    password: &Password,
) -> Result<Option<SmtpReport>, AccountError> {
    let Some(server) = &account.smtp else { return Ok(None) };
    let login = Login { name: &account.login, auth: account.auth, password };
    let done = attempt(server, account.tls_ca.as_deref(), &login).await?;
    done.map(Some).map_err(|cause| AccountError::Failed {
        protocol: Protocol::Smtp,
        server: server.clone(),
        domain: account.address.domain().to_owned(),
        cause,
    })
}

async fn attempt(
    server: &Server,
    ca: Option<&Path>,
    login: &Login<'_>,
) -> Result<Result<SmtpReport, Cause>, AccountError> {
    let config = tls::client(ca)?;
    Ok(async {
        let tcp = dial::tcp(&server.host, server.port).await?;
        let local = tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
        let (mut wire, offers) =
            Wire::open(Box::new(tcp), local, server, Some(&config), PATIENCE).await?;
        // As when it sends: who is on this machine may need no login.
        if server.security != Security::Plain || !mechanisms(&offers).is_empty() {
            wire.log_in(&offers, login).await?;
        }
        // It let us in; how it takes the goodbye is nothing.
        let _ = wire.send(b"QUIT\r\n").await;
        Ok(SmtpReport { offers })
    }
    .await)
}
