//! `account`: which servers mail is fetched from and sent by.
//!
//! Invariant: it writes `accounts.toml` and the password it was given, and nothing else; so it
//! works beside whatever owns the directory, which takes the file up by itself. An account is
//! written only after its servers let it in.

mod add;
mod attempt;
mod prompt;
mod wizard;

use std::path::PathBuf;

pub(super) use wizard::job;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::account::{Account, AccountError, Accounts, Editor, Protocol, Secret, Signature};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::rfc3339;
use crate::command::intent::HOLD_SECONDS;
use crate::imap::Conflict;
use crate::label::Place;
use crate::notice::{Exit, Explain as _, Notice};
use crate::safe_text;

/// What is done to accounts.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Find the servers of an address, try them, and add the account.
    Add(Box<Add>),
    /// List accounts.
    List,
    /// Try the servers of all accounts, or of one.
    Test {
        /// An account, by id or address.
        #[arg(value_name = "ID")]
        account: Option<String>,
    },
    /// Forget an account and its password; the mail that was fetched stays.
    Remove {
        /// The account, by id or address.
        #[arg(value_name = "ID")]
        account: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// A new account.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its address, such as ann@example.org.
    #[arg(value_name = "ADDRESS")]
    address: String,
    /// Where mail is fetched: imaps://HOST:PORT (TLS) or imap://HOST:PORT (STARTTLS).
    #[arg(long, value_name = "URL")]
    imap: Option<String>,
    /// Where mail is sent: smtps://HOST:PORT (TLS) or smtp://HOST:PORT (STARTTLS).
    #[arg(long, value_name = "URL", conflicts_with = "no_smtp")]
    smtp: Option<String>,
    /// Only read: no server for sending.
    #[arg(long)]
    no_smtp: bool,
    /// Who logs in; the address unless something else is found.
    #[arg(long, value_name = "NAME")]
    login: Option<String>,
    /// The name in From.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How: password, or xoauth2 with a command that prints an access token.
    #[arg(long, value_name = "HOW", value_parser = auth)]
    auth: Option<crate::account::Auth>,
    /// A program and its arguments; the first line that it prints is the password. No shell.
    #[arg(long, value_name = "ARGV", group = "from")]
    password_command: Option<String>,
    /// A file of mode 600; its first line is the password, and it is read each time.
    #[arg(long, value_name = "FILE", group = "from")]
    password_file: Option<PathBuf>,
    /// Read the password from the first line of standard input.
    #[arg(long, group = "from")]
    password_stdin: bool,
    #[arg(
        long,
        value_name = "WHERE",
        value_parser = ["file", "keyring"],
        conflicts_with_all = ["password_command", "password_file"],
        help = "Where a password that is typed is kept: file or keyring"
    )]
    keep: Option<String>,
    /// Certificates (PEM) of a server of your own.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Write it without trying the servers.
    #[arg(long)]
    no_test: bool,
}

fn auth(text: &str) -> Result<crate::account::Auth, String> {
    crate::account::Auth::parse(text).ok_or_else(|| "it is password or xoauth2".to_owned())
}

/// Does it.
pub(super) fn run(home: &Home, output: Output, verb: Verb) -> Result<Exit, Notice> {
    if home.is_remote() {
        let line = "accounts are where the backend is, and this is a device of another one";
        let hint = "run it there: `mailtui --data-dir DIR account …`, also while `serve` runs";
        return Err(Notice::error("remote", line, hint));
    }
    match verb {
        Verb::Add(add) => add::run(home, output, &add),
        Verb::List => list(home, output),
        Verb::Test { account } => test(home, output, account.as_deref()),
        Verb::Remove { account, yes } => remove(home, output, &account, yes),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
fn told(error: AccountError) -> Notice {
    error.notice()
}

/// The accounts; what is not understood in the file is said.
fn read(home: &Home, output: Output) -> Result<Accounts, Notice> {
    let accounts = Accounts::read(&home.dir).map_err(told)?;
    for unknown in &accounts.unknown {
        let path = home.dir.join(crate::account::FILE);
        let line =
            format!("{}, line {}: {} is not known", path.display(), unknown.line, unknown.key);
        output.notice(&Notice::warning("unknown-key", line, "it does nothing; is it misspelt?"));
    }
    Ok(accounts)
}

/// An account as a line of JSON; `state` is what a look at the disk says.
fn value(home: &Home, account: &Account) -> Value {
    let state = match account.secret.look(&home.dir) {
        Ok(()) => "ready",
        Err(error) => error.notice().code,
    };
    let from = match &account.secret {
        Secret::Command(_) => "command",
        Secret::File(_) => "file",
        Secret::Keyring => "keyring",
    };
    let safe = |text: &str| safe_text::line(text);
    json!({
        "id": account.id.as_str(),
        "address": safe(account.address.as_str()),
        "name": account.name.as_deref().map(safe),
        "imap": account.imap.url(Protocol::Imap),
        "smtp": account.smtp.as_ref().map(|smtp| smtp.url(Protocol::Smtp)),
        "login": safe(&account.login),
        "auth": account.auth.name(),
        "password": from,
        "state": state,
        "aliases": account.settings.aliases.iter().map(|alias| safe(alias)).collect::<Vec<_>>(),
        "signature": account.settings.signature.as_ref().map(|from| match from {
            Signature::Text(_) => "text",
            Signature::File(_) => "file",
        }),
        "hold": account.settings.hold.unwrap_or(HOLD_SECONDS),
    })
}

/// The same as a line of text.
fn line(value: &Value) -> String {
    let word = |key: &str| value[key].as_str().unwrap_or("-").to_owned();
    let words = ["id", "address", "imap", "smtp", "login", "state"].map(word);
    words.join("  ")
}

fn list(home: &Home, output: Output) -> Result<Exit, Notice> {
    for account in &read(home, output)?.list {
        let mut value = value(home, account);
        let conflicts = crate::backend::conflicts(&home.backend_dir(), account.id.as_str());
        let conflicts = conflicts.map_err(|error| error.notice())?;
        value["conflicts"] = conflicts.iter().map(conflict).collect();
        output.result(&value, || line(&value))?;
    }
    Ok(Exit::Done)
}

/// A conflict as JSON: nothing of a message is in it.
fn conflict(of: &Conflict) -> Value {
    json!({
        "thread": of.thread.as_str(),
        "at": rfc3339(of.at),
        "here": of.here.as_str(),
        "there": of.there.map(Place::as_str),
        "stands": of.there.map(|_| of.here.as_str()),
    })
}

fn test(home: &Home, output: Output, name: Option<&str>) -> Result<Exit, Notice> {
    let accounts = read(home, output)?;
    let chosen = match name {
        Some(name) => vec![accounts.named(name).map_err(told)?],
        None => accounts.list.iter().collect(),
    };
    if home.offline {
        let line = "servers are tried over the network, and --offline reaches none";
        return Err(Notice::error("offline", line, "leave --offline out").exit(Exit::Unreached));
    }
    let mut exit = Exit::Done;
    for account in chosen {
        let password = account.secret.read(&home.dir, &account.id);
        let tried = match password {
            Ok(password) => attempt::both(account, &password)?,
            Err(error) => vec![attempt::Tried { protocol: None, failed: Some(told(error)) }],
        };
        for tried in tried {
            if tried.failed.is_some() {
                exit = Exit::Error;
            }
            tried.say(account, output)?;
        }
    }
    Ok(exit)
}

fn remove(home: &Home, output: Output, name: &str, yes: bool) -> Result<Exit, Notice> {
    let account = read(home, output)?.named(name).map_err(told)?.clone();
    if !yes && !confirmed(output, &account)? {
        return Err(Notice::error("stopped", "nothing was removed", "").exit(Exit::Stopped));
    }
    let mut editor = Editor::open(&home.dir).map_err(told)?;
    editor.remove(&account.id).map_err(told)?;
    // The account is gone; a password that is not is said, and no reason to bring it back.
    if let Err(error) = account.secret.forget(&home.dir, &account.id) {
        let notice = error.notice();
        output.notice(&Notice::warning("password-kept", notice.message, notice.hint));
    }
    let value = json!({ "removed": account.id.as_str() });
    output.result(&value, || format!("{} is removed; its mail stays here", account.id))?;
    Ok(Exit::Done)
}

/// Asks on the terminal. Only a whole `yes` is one.
fn confirmed(output: Output, account: &Account) -> Result<bool, Notice> {
    use std::io::{BufRead as _, IsTerminal as _};
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let line = "there is nobody to ask";
        return Err(Notice::error("not-confirmed", line, "give --yes").exit(Exit::Usage));
    }
    let (id, address) = (&account.id, safe_text::line(account.address.as_str()));
    output.ask(&format!(
        "{id} ({address}) and its password are forgotten; its mail stays here.\n\
         Type yes to go on: "
    ));
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    Ok(read.is_ok() && line.trim() == "yes")
}
