//! Accounts: at which servers a user's mail is, how one logs in there, and where the password comes
//! from.
//!
//! Invariant: `DIR/accounts.toml` ([`Accounts`]) is the user's own file: it is read as written,
//! changed one table at a time with its comments kept, and no password is in it. A password is a
//! [`Password`], which can be shown to a server and to nobody else. This room opens connections to
//! find servers and to try them ([`discover`], [`probe`]), never to fetch mail.

mod address;
mod cause;
pub mod dial;
pub mod discover;
mod error;
mod file;
mod identity;
mod one_click;
pub mod probe;
pub mod providers;
mod secret;
mod server;
mod settings;
pub mod smtp_wire;
pub mod tls;

use std::path::PathBuf;

pub use address::{AccountId, Address};
pub use cause::Cause;
pub use error::AccountError;
pub use file::{Accounts, Editor, FILE, Stamp, Unknown, forgotten, removed};
pub use identity::identities;
pub use one_click::{OneClickError, one_click, one_click_now};
pub use secret::{Password, Secret, has_keyring, run_command};
pub use server::{Protocol, Security, Server};
pub use settings::{MAX_HOLD_SECONDS, QuietHours, Settings, Signature};

/// How one shows who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Auth {
    /// A password of the account, or one made for this program.
    #[default]
    Password,
    /// An access token (the mechanism XOAUTH2); [`Secret`] gives the token.
    XOAuth2,
}

impl Auth {
    /// Its name in `accounts.toml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::XOAuth2 => "xoauth2",
        }
    }

    /// By its name in `accounts.toml`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Password, Self::XOAuth2].into_iter().find(|auth| auth.name() == name)
    }
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name here, made of the address once and never changed.
    pub id: AccountId,
    /// The address of its mail.
    pub address: Address,
    /// The name in `From` of what is sent.
    pub name: Option<String>,
    /// Where mail is fetched.
    pub imap: Server,
    /// Where mail is sent; `None` for an account that only reads.
    pub smtp: Option<Server>,
    /// Who logs in, at both servers.
    pub login: String,
    /// How.
    pub auth: Auth,
    /// Where the password or token comes from.
    pub secret: Secret,
    /// Certificates (PEM) that are trusted beside those of the system, for a server of one's own.
    pub tls_ca: Option<PathBuf>,
    /// How it is fetched, announced and written from.
    pub settings: Settings,
}
