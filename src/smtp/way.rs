//! The way to the server of an account.
//!
//! Invariant: it has no password; that comes beside it when it is needed.

use std::path::PathBuf;

use super::SmtpError;
use crate::account::{Account, AccountError, Auth, Cause, Protocol, Server};

/// Where to connect, and who signs in.
#[derive(Debug, Clone)]
pub struct Way {
    /// The server.
    pub server: Server,
    /// Who.
    pub login: String,
    /// How.
    pub auth: Auth,
    /// Certificates that are trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// The domain of the account's address: whose cures apply when something is wrong.
    pub domain: String,
}

impl Way {
    /// That of an account; `None` where it has no server for sending.
    #[must_use]
    pub fn of(account: &Account) -> Option<Self> {
        Some(Self {
            server: account.smtp.clone()?,
            login: account.login.clone(),
            auth: account.auth,
            ca: account.tls_ca.clone(),
            domain: account.address.domain().to_owned(),
        })
    }

    /// Why it did not get there.
    pub(super) fn failed(&self, cause: Cause) -> SmtpError {
        SmtpError::Server(AccountError::Failed {
            protocol: Protocol::Smtp,
            server: self.server.clone(),
            domain: self.domain.clone(),
            cause,
        })
    }
}
