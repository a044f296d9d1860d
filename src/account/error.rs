//! What can go wrong with accounts.
//!
//! Invariant: no password is in an error, and what a server or a program said is one safe line.

use std::path::PathBuf;

use super::{Cause, Protocol, Server};
use crate::notice::{Exit, Explain, Notice};
use crate::store::StoreError;

/// An error of the accounts.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// No address.
    #[error("{0} is not a mail address")]
    Address(String),
    /// No id of an account.
    #[error("there is no account {0}")]
    Id(String),
    /// There is no such account.
    #[error("there is no account {0}")]
    NoAccount(String),
    /// The address has an account.
    #[error("{address} is here already, as {id}")]
    Exists {
        /// The address.
        address: String,
        /// Its account.
        id: String,
    },
    /// No address of a server.
    #[error("{text} is not an address of an {protocol} server: {why}")]
    Url {
        /// What was given.
        text: String,
        /// For what.
        protocol: Protocol,
        /// Why not.
        why: &'static str,
    },
    /// A login or a password in an address of a server.
    #[error("an address of a server has no login in it")]
    ServerLogin,
    /// A password would go over a network as it is.
    #[error("{host} is not this machine, and without TLS everybody on the way reads the password")]
    PlainBeyond {
        /// The server.
        host: String,
    },
    /// The file with the accounts cannot be taken as it is.
    #[error("{}, line {line}: {what}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong, without what stands there.
        what: String,
    },
    /// Others may read or write a file that is its owner's affair.
    #[error("{} is open to others (mode {rights:04o})", path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its mode.
        rights: u32,
    },
    /// Another process changes the file with the accounts.
    #[error("{} is being changed by another mailtui", path.display())]
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// The disk said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A password is empty, too long, or of more than one line.
    #[error("a password is one line of text that is not empty")]
    PasswordForm,
    /// The file with a password cannot be read.
    #[error("{}: {error}", path.display())]
    PasswordFile {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A command without a program.
    #[error("the password command is empty")]
    NoCommand,
    /// The command gave no password.
    #[error("the password command {program} failed: {what}")]
    Command {
        /// The program.
        program: String,
        /// How.
        what: String,
    },
    /// Certificates cannot be used.
    #[error("{0}")]
    Tls(String),
    /// Nobody says where the servers of a domain are.
    #[error("no servers were found for {domain}")]
    NotFound {
        /// The domain.
        domain: String,
        /// What its user has to know; empty for nothing.
        hint: String,
    },
    /// A server does not let us in.
    #[error("{protocol} at {}: {cause}", server.authority())]
    Failed {
        /// What was spoken.
        protocol: Protocol,
        /// With whom.
        server: Server,
        /// The domain of the address.
        domain: String,
        /// Why.
        cause: Cause,
    },
    /// The keyring did not answer.
    #[error("the keyring did not answer: {0}")]
    Keyring(String),
}

impl Explain for AccountError {
    fn is_permanent(&self) -> bool {
        match self {
            Self::Store(error) => error.is_permanent(),
            Self::Failed { cause, .. } => !cause.may_pass(),
            Self::Busy { .. } | Self::Command { .. } | Self::Keyring(_) => false,
            _ => true,
        }
    }

    fn notice(&self) -> Notice {
        let line = self.to_string();
        match self {
            Self::Store(error) => error.notice(),
            Self::Address(_) => {
                Notice::error("address", line, "an address is like ann@example.org")
                    .exit(Exit::Usage)
            }
            Self::Id(_) | Self::NoAccount(_) => {
                Notice::error("no-account", line, "`mailtui account list` lists all")
                    .exit(Exit::NotFound)
            }
            Self::Exists { id, .. } => {
                let hint = format!("`mailtui account remove {id}` first, or edit accounts.toml");
                Notice::error("account-exists", line, hint)
            }
            Self::Url { protocol, .. } => {
                let (name, host) = (protocol.scheme(), "HOST:PORT");
                let hint = format!("{name}s://{host} is TLS, {name}://{host} is STARTTLS");
                Notice::error("server", line, hint).exit(Exit::Usage)
            }
            Self::ServerLogin => {
                Notice::error("server", line, "name the login with --login").exit(Exit::Usage)
            }
            Self::PlainBeyond { .. } => {
                let hint = "only a server on this machine may be reached without TLS";
                Notice::error("plain", line, hint).exit(Exit::Usage)
            }
            Self::File { .. } => Notice::error("accounts-file", line, "edit that line"),
            Self::Exposed { path, .. } => {
                let hint = format!("chmod 600 {}", path.display());
                Notice::error("exposed", line, hint)
            }
            Self::Busy { .. } => Notice::error("busy", line, "try again when that has ended"),
            Self::PasswordForm => Notice::error("password", line, "give it again"),
            Self::PasswordFile { .. } => {
                let hint = "write the password into it, as its only line, with mode 600";
                Notice::error("password-file", line, hint)
            }
            Self::NoCommand | Self::Command { .. } => {
                Notice::error("password-command", line, "run it by hand; it prints the password")
            }
            Self::Tls(_) => {
                Notice::error("tls", line, "name certificates in PEM with --tls-ca FILE")
            }
            Self::NotFound { hint, .. } => {
                let usual =
                    "is there a network? else name them: --imap imaps://HOST --smtp smtps://HOST";
                let hint = if hint.is_empty() { usual } else { hint };
                Notice::error("no-servers", line, hint)
            }
            Self::Failed { protocol, server, domain, cause } => {
                Notice::error(cause.code(), line, cause.cure(*protocol, &server.host, domain))
            }
            Self::Keyring(_) => {
                let hint = "use --password-command or --password-file instead";
                Notice::error("keyring", line, hint)
            }
        }
    }
}
