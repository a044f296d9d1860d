//! From a draft whose time has come to the message that is sent, and the account that sends it.
//!
//! Invariant: pure. Whoever is not said to send is chosen only where there is no choice; nothing of
//! a draft is corrected here but an empty From.

use std::collections::HashMap;

use super::rest::with_bytes;
use super::{Due, Why};
use crate::account::{Account, providers};
use crate::id::BlobHash;
use crate::mail::Address;
use crate::mail::compose::{Built, Draft, Stamp, build, format_address};

/// The code with which a server is known that takes no 8-bit text.
const NO_EIGHT_BIT: &str = "smtp-8bit";
/// Seconds of a minute: time zones are said in minutes.
const MINUTE: i32 = 60;

/// The account that sends a draft.
pub(super) fn pick<'a>(accounts: &'a [Account], draft: &Draft) -> Result<&'a Account, Why> {
    let account = match draft.account.as_deref() {
        Some(id) => accounts.iter().find(|account| account.id.as_str() == id).ok_or_else(|| {
            let line =
                format!("there is no account {id} any more; choose another one in the draft");
            Why::new("no-account", &line)
        })?,
        None => by_sender(accounts, draft)?,
    };
    if account.smtp.is_none() {
        let line = format!(
            "{} has no server for sending; add `smtp` to it in accounts.toml",
            account.address.as_str()
        );
        return Err(Why::new("no-smtp", &line));
    }
    Ok(account)
}

/// The account whose address it is from; the only one that sends, where it is from another.
fn by_sender<'a>(accounts: &'a [Account], draft: &Draft) -> Result<&'a Account, Why> {
    let from = draft.recipients().from;
    let own = |account: &&Account| {
        from.iter().any(|from| from.address.eq_ignore_ascii_case(account.address.as_str()))
    };
    let other = |account: &&Account| {
        let mut aliases = account.settings.aliases.iter();
        aliases.any(|alias| from.iter().any(|from| is_alias(alias, &from.address)))
    };
    if let Some(account) = accounts.iter().find(own).or_else(|| accounts.iter().find(other)) {
        return Ok(account);
    }
    let mut sending = accounts.iter().filter(|account| account.smtp.is_some());
    match (sending.next(), sending.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => {
            let line = "no account has that sender; choose one in the draft";
            Err(Why::new("which-account", line))
        }
        (None, _) => {
            let line = "there is no account that sends; `mailtui account add` makes one";
            Err(Why::new("no-account", line))
        }
    }
}

/// Whether an alias is this address, or all of its domain.
fn is_alias(alias: &str, address: &str) -> bool {
    match alias.strip_prefix("*@") {
        Some(all) => address.rsplit_once('@').is_some_and(|(_, of)| of.eq_ignore_ascii_case(all)),
        None => alias.eq_ignore_ascii_case(address),
    }
}

/// Whether a copy is to be filed: not where the server does that itself.
pub(super) fn is_to_be_filed(account: &Account) -> bool {
    let provider = account.smtp.as_ref().and_then(|smtp| providers::of_server(&smtp.host));
    !provider.is_some_and(providers::Provider::files_sent)
}

/// The blobs that it is made of.
pub(super) fn attached(due: &Due) -> Vec<BlobHash> {
    let files = due.draft.attachments.iter().map(|attached| attached.hash.clone());
    files.chain(due.raw.clone()).collect()
}

/// Builds the message.
pub(super) fn build_message(
    due: &Due,
    account: &Account,
    blobs: Vec<(BlobHash, Vec<u8>)>,
) -> Result<Built, Why> {
    let mut draft = due.draft.clone();
    if draft.from.trim().is_empty() {
        let (name, address) = (account.name.clone(), account.address.as_str().to_owned());
        draft.from = format_address(&Address { name, address });
    }
    let seed = blake3::hash(format!("{} {} {}", due.queued, due.head, due.at).as_bytes());
    let mut boundary_seed = [0; 16];
    boundary_seed.copy_from_slice(&seed.as_bytes()[..16]);
    let stamp = Stamp {
        message_id: due.of.message_id.clone(),
        date: due.at,
        utc_offset: due.of.offset.saturating_mul(MINUTE),
        boundary_seed,
        seven_bit: due.codes.iter().any(|code| code == NO_EIGHT_BIT),
    };
    let blobs: HashMap<BlobHash, Vec<u8>> = blobs.into_iter().collect();
    let built = build(&draft, &blobs, &stamp)
        .map_err(|error| Why::new(error.kind(), &format!("{error}; {}", error.hint())))?;
    let Some(raw) = &due.raw else { return Ok(built) };
    let line = "what the others got is not here any more; write to these anew";
    let bytes = blobs.get(raw).cloned().ok_or_else(|| Why::new("raw-missing", line))?;
    Ok(with_bytes(built, bytes))
}

/// Whether the same message may be taken when it is built otherwise.
pub(super) fn can_be_built_otherwise(due: &Due, code: &str) -> bool {
    code == NO_EIGHT_BIT && !due.codes.iter().any(|known| known == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Accounts;

    fn accounts(text: &str) -> Vec<Account> {
        let path = std::path::Path::new("accounts.toml");
        Accounts::parse(text, path).unwrap().list
    }

    fn check(accounts: &[Account], account: Option<&str>, from: &str, expected: &str) {
        let account = account.map(str::to_owned);
        let draft = Draft { account, from: from.to_owned(), ..Draft::default() };
        let picked = match pick(accounts, &draft) {
            Ok(account) => account.id.to_string(),
            Err(why) => why.code,
        };
        assert_eq!(picked, expected, "{draft:?}");
    }

    #[test]
    fn who_sends_is_said_or_the_only_one() {
        let reads = "[accounts.read]\naddress = \"a@read.example\"\n\
                     imap = \"imaps://i.read.example\"\npassword = { keyring = true }\n";
        let smtp = "smtp = \"smtps://s.work.example\"\n";
        let one = &format!("{}{smtp}", reads.replace("read", "work"));
        let home = one.replace("work", "home").replace("a@", "h@");
        let home = format!("{home}aliases = [\"me@alias.example\", \"*@mine.example\"]\n");
        let all = accounts(&[one, reads, &home].concat());
        check(&all, Some("home"), "a@work.example", "home");
        check(&all, None, "A <A@Work.example>", "work");
        check(&all, None, "Me@alias.example", "home");
        check(&all, None, "any@Mine.example", "home");
        check(&all, None, "any@sub.mine.example", "which-account");
        check(&all, None, "a@elsewhere.example", "which-account");
        check(&all, None, "", "which-account");
        check(&all, Some("gone"), "", "no-account");
        check(&all, Some("read"), "", "no-smtp");
        check(&all, None, "a@read.example", "no-smtp");
        check(&accounts(&[one, reads].concat()), None, "other@x.example", "work");
        check(&accounts(reads), None, "", "no-account");
        check(&[], None, "", "no-account");
    }

    #[test]
    fn a_copy_is_filed_where_the_server_does_not() {
        for (host, filed) in [
            ("s.work.example", true),
            ("smtp.gmail.com", false),
            ("smtp.office365.com", false),
            ("smtp.fastmail.com", true),
        ] {
            let text = format!(
                "[accounts.a]\naddress = \"a@b.example\"\nimap = \"imaps://i.b.example\"\n\
                 smtp = \"smtps://{host}\"\nlogin = \"a\"\n\
                 password = {{ keyring = true }}\n"
            );
            assert_eq!(is_to_be_filed(&accounts(&text)[0]), filed, "{host}");
        }
    }
}
