//! `account add`: finds the servers, asks for the password once, tries them, and writes.
//!
//! Invariant: nothing is written before the servers let the account in (or `--no-test` said not to
//! ask them), and where the password is kept is said. It is asked for at most once, after what was
//! found is shown.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use zeroize::Zeroizing;

use super::prompt::{self, Asked};
use super::{Add, attempt, line, read, told, value};
use crate::account::discover::{self, Found, Net, Roads};
use crate::account::providers::{self, Entry, Provider};
use crate::account::{
    Account, AccountError, AccountId, Address, Auth, Editor, Password, Protocol, Secret, Server,
    Settings, has_keyring,
};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::notice::{Exit, Explain as _, Notice};
use crate::safe_text;

/// Adds an account.
pub(super) fn run(home: &Home, output: Output, add: &Add) -> Result<Exit, Notice> {
    let address = Address::parse(&add.address).map_err(told)?;
    if let Ok(held) = read(home, output)?.named(address.as_str()) {
        let (address, id) = (address.to_string(), held.id.to_string());
        return Err(told(AccountError::Exists { address, id }));
    }
    if home.offline && !add.no_test {
        let line = "the servers are tried before an account is written, and --offline reaches none";
        let hint = "leave --offline out, or give --no-test";
        return Err(Notice::error("offline", line, hint).exit(Exit::Unreached));
    }
    let found = servers(home, output, add, &address)?;
    let by_domain = providers::of_domain(address.domain());
    let by_domain = by_domain.filter(|provider| provider.imap().as_ref() == Some(&found.imap));
    let provider = by_domain.or_else(|| providers::of_server(&found.imap.host));
    advise(output, add, &found, provider)?;
    let mut account = Account {
        id: AccountId::of(&address),
        name: add.name.clone(),
        imap: found.imap,
        smtp: found.smtp,
        login: add.login.clone().unwrap_or(found.login),
        auth: add.auth.unwrap_or(found.auth),
        secret: secret(add)?,
        tls_ca: absolute(add.tls_ca.as_deref())?,
        settings: Settings::default(),
        address,
    };
    let password = password(home, add, &account)?;
    if add.no_test {
        let line = "the servers were not tried";
        output.notice(&Notice::warning("not-tested", line, "`mailtui account test` tries them"));
    } else {
        let smtp = account.smtp.as_ref().map(|smtp| format!(" and {}", smtp.authority()));
        let (imap, smtp) = (account.imap.authority(), smtp.unwrap_or_default());
        output.progress(&format!("logging in at {imap}{smtp}"), false);
        for tried in attempt::both(&account, &password)? {
            if let Some(failed) = tried.failed {
                return Err(failed);
            }
        }
    }
    if let Some(kept) = store(home, &mut account, &password, keeps(add))? {
        output.notice(&Notice::info(kept));
    }
    let added = value(home, &account);
    output.result(&json!({ "added": added }), || format!("added: {}", line(&added)))?;
    Ok(Exit::Done)
}

/// The servers: as they were named, and as they are found where they were not.
fn servers(home: &Home, output: Output, add: &Add, address: &Address) -> Result<Found, Notice> {
    let parse = |url: &Option<String>, protocol| {
        let server = url.as_deref().map(|url| Server::parse(url, protocol)).transpose();
        server.map_err(told)
    };
    let imap = parse(&add.imap, Protocol::Imap)?;
    let smtp = parse(&add.smtp, Protocol::Smtp)?;
    if let Some(imap) = &imap
        && (smtp.is_some() || add.no_smtp)
    {
        let login = address.as_str().to_owned();
        let (imap, auth) = (imap.clone(), Auth::Password);
        return Ok(Found { source: discover::Source::Known, imap, smtp, login, auth });
    }
    let mut found = find(home, output, add, address)?;
    if let Some(imap) = imap {
        found.imap = imap;
    }
    if smtp.is_some() || add.no_smtp {
        found.smtp = smtp;
    }
    if found.smtp.is_none() && !add.no_smtp {
        let line = format!("no server for sending was found for {}", address.domain());
        let hint = "name it with --smtp smtps://HOST, or only read with --no-smtp";
        return Err(Notice::error("no-servers", line, hint));
    }
    let imap = found.imap.url(Protocol::Imap);
    let smtp = found.smtp.as_ref().map_or("none".to_owned(), |smtp| smtp.url(Protocol::Smtp));
    output.progress(&format!("{imap}, {smtp} ({})", found.source.words()), false);
    Ok(found)
}

fn find(home: &Home, output: Output, add: &Add, address: &Address) -> Result<Found, Notice> {
    let provider = providers::of_domain(address.domain());
    let none = || {
        let hint = provider.map(Provider::cure).unwrap_or_default();
        told(AccountError::NotFound { domain: address.domain().to_owned(), hint })
    };
    if home.offline && provider.is_none() {
        return Err(none());
    }
    output.progress(&format!("looking for the servers of {}", address.domain()), false);
    let roads = Roads { ca: add.tls_ca.clone(), ..Roads::default() };
    let net = Net::new(roads).map_err(told)?;
    let found = attempt::now(discover::discover(address, &net))?;
    found.ok_or_else(none)
}

/// What has to be known before a password is typed, or that none will do.
fn advise(
    output: Output,
    add: &Add,
    found: &Found,
    provider: Option<&Provider>,
) -> Result<(), Notice> {
    let Some(provider) = provider else { return Ok(()) };
    if provider.entry == Entry::OAuth && add.auth.unwrap_or(found.auth) == Auth::Password {
        let line = format!("{} takes no passwords", provider.name);
        return Err(Notice::error("no-login", line, provider.cure()));
    }
    let token = add.password_command.is_some() || add.password_file.is_some();
    if found.auth == Auth::XOAuth2 && !token {
        let line = format!("{} takes access tokens only", provider.name);
        return Err(Notice::error("no-login", line, provider.cure()));
    }
    let cure = provider.cure();
    if !cure.is_empty() {
        output.progress(&cure, false);
    }
    Ok(())
}

/// A path that means the same from everywhere.
fn absolute(path: Option<&Path>) -> Result<Option<PathBuf>, Notice> {
    let path = path.map(std::path::absolute).transpose();
    path.map_err(|error| Notice::error("path", error.to_string(), "").exit(Exit::Usage))
}

/// Where the password will come from; for one that is typed this is decided when it is written.
fn secret(add: &Add) -> Result<Secret, Notice> {
    if let Some(command) = &add.password_command {
        let argv = shlex::split(command).filter(|argv| argv.iter().any(|word| !word.is_empty()));
        let Some(argv) = argv else {
            let line = "--password-command has no program, or a quote without its other one";
            let hint = "such as --password-command 'pass show mail/ann'";
            return Err(Notice::error("password-command", line, hint).exit(Exit::Usage));
        };
        return Ok(Secret::Command(argv));
    }
    Ok(absolute(add.password_file.as_deref())?.map_or(Secret::Keyring, Secret::File))
}

/// Whether the password is ours to keep.
const fn keeps(add: &Add) -> Keeps {
    let theirs = add.password_command.is_some() || add.password_file.is_some();
    match &add.keep {
        _ if theirs => Keeps::No,
        Some(place) if place.len() == "file".len() => Keeps::File,
        Some(_) => Keeps::Keyring,
        None => Keeps::Best,
    }
}

/// Where a password is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Nowhere: the user keeps it.
    No,
    /// In a file.
    File,
    /// In the keyring.
    Keyring,
    /// In the keyring, where there is one that works.
    Best,
}

fn password(home: &Home, add: &Add, account: &Account) -> Result<Password, Notice> {
    if keeps(add) == Keeps::No {
        return account.secret.read(&home.dir, &account.id).map_err(told);
    }
    if add.password_stdin {
        let mut line = Zeroizing::new(Vec::new());
        let read = std::io::stdin().lock().read_until(b'\n', &mut line);
        read.map_err(|error| Notice::error("input", error.to_string(), "give the password"))?;
        return Password::first_line(&line).map_err(told);
    }
    let login = safe_text::line(&account.login);
    let server = safe_text::line(&account.imap.host);
    match prompt::ask(&format!("Password of {login} at {server}: ")).map_err(told)? {
        Asked::Password(password) => Ok(password),
        Asked::Stopped => {
            Err(Notice::error("stopped", "nothing was written", "").exit(Exit::Stopped))
        }
        Asked::Nobody => {
            let line = "there is no terminal to ask for the password";
            let hint = "use --password-stdin, --password-command or --password-file";
            Err(Notice::error("password", line, hint).exit(Exit::Usage))
        }
    }
}

/// Writes the password where it belongs, then the account: who reads the file finds both. Returns
/// where the password is kept.
pub(super) fn store(
    home: &Home,
    account: &mut Account,
    password: &Password,
    keeps: Keeps,
) -> Result<Option<String>, Notice> {
    let mut editor = Editor::open(&home.dir).map_err(told)?;
    account.id = editor.id_for(&account.address).map_err(told)?;
    let mut kept = None;
    if keeps != Keeps::No {
        account.secret = keep(home, account, password, keeps).map_err(told)?;
        kept = Some(match &account.secret {
            Secret::File(path) => {
                let path = home.dir.join(path);
                format!("the password is kept in {}, readable by you only", path.display())
            }
            _ => "the password is kept in the keyring".to_owned(),
        });
    }
    let added = editor.add(account);
    if added.is_err() && keeps != Keeps::No {
        let _ = account.secret.forget(&home.dir, &account.id);
    }
    added.map_err(|error| error.notice())?;
    Ok(kept)
}

fn keep(
    home: &Home,
    account: &Account,
    password: &Password,
    keeps: Keeps,
) -> Result<Secret, AccountError> {
    let (dir, id) = (&home.dir, &account.id);
    if keeps == Keeps::Keyring || (keeps == Keeps::Best && has_keyring()) {
        match Secret::Keyring.keep(dir, id, password) {
            Ok(()) => return Ok(Secret::Keyring),
            // There is one, and it is locked or broken: the file does as well.
            Err(_) if keeps == Keeps::Best => {}
            Err(error) => return Err(error),
        }
    }
    let file = Secret::kept(id);
    file.keep(dir, id, password)?;
    Ok(file)
}
