//! As whom a user writes: what the accounts say of it.
//!
//! Invariant: a signature that cannot be read costs the signature and not the message; it is read
//! anew whenever something is written. This file must not choose among identities.

use std::io::Read as _;
use std::path::Path;

use super::{Account, Accounts, Signature};
use crate::mail::Address;
use crate::mail::compose::Identity;
use crate::notice::Notice;

/// The longest signature, in bytes.
const MAX_SIGNATURE_BYTES: u64 = 16 * 1024;

/// The identities of the accounts of `dir`, those that can send first; and what is wrong with them.
#[must_use]
pub fn identities(accounts: &Accounts, dir: &Path) -> (Vec<Identity>, Vec<Notice>) {
    let mut wrong = Vec::new();
    let mut list: Vec<&Account> = accounts.list.iter().collect();
    list.sort_by_key(|account| account.smtp.is_none());
    let identities = list.into_iter().map(|account| {
        let signature = match &account.settings.signature {
            None => String::new(),
            Some(Signature::Text(text)) => text.clone(),
            Some(Signature::File(path)) => match read(&dir.join(path)) {
                Ok(text) => text,
                Err(error) => {
                    let line = format!("{}: {error}", path.display());
                    let hint = "what is written has no signature until it can be read";
                    wrong.push(Notice::warning("signature", line, hint));
                    String::new()
                }
            },
        };
        let from =
            Address { name: account.name.clone(), address: account.address.as_str().to_owned() };
        let aliases = account.settings.aliases.clone();
        let account_id = Some(account.id.to_string());
        let above = account.settings.above;
        Identity { account: account_id, from, aliases, signature, above }
    });
    (identities.collect(), wrong)
}

fn read(path: &Path) -> std::io::Result<String> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("this is no file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_SIGNATURE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SIGNATURE_BYTES {
        return Err(std::io::Error::other("longer than 16 KiB"));
    }
    String::from_utf8(bytes).map_err(|_| std::io::Error::other("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_say_as_whom_one_writes() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("sig"), "Ann\nof file\n").unwrap();
        let account = |id: &str, more: &str| {
            format!(
                "[accounts.{id}]\naddress = \"{id}@x.org\"\nname = \"Ann\"\n\
                 imap = \"imaps://x.org\"\npassword = {{ keyring = true }}\n{more}\n"
            )
        };
        let smtp = "smtp = \"smtps://x.org\"\n";
        let text = [
            account("reads", "signature = \"hi\""),
            account("a", &format!("{smtp}aliases = [\"b@x.org\", \"*@y.org\"]\nhold = 30")),
            account("b", &format!("{smtp}signature_file = \"sig\"")),
            account("c", &format!("{smtp}signature_file = \"none\"")),
        ]
        .concat();
        let accounts = Accounts::parse(&text, Path::new("accounts.toml")).unwrap();
        assert_eq!((accounts.unknown.len(), accounts.list[1].settings.hold), (0, Some(30)));
        let (all, wrong) = identities(&accounts, dir.path());
        let said: Vec<_> =
            all.iter().map(|me| (me.account.as_deref(), me.signature.as_str())).collect();
        let expected = [
            (Some("a"), ""),
            (Some("b"), "Ann\nof file\n"),
            (Some("c"), ""),
            (Some("reads"), "hi"),
        ];
        assert_eq!(said, expected);
        assert_eq!(all[0].aliases, ["b@x.org", "*@y.org"]);
        assert_eq!(all[0].from.name.as_deref(), Some("Ann"));
        assert_eq!((wrong.len(), wrong[0].code), (1, "signature"));
        for more in [
            "aliases = [\"nobody\"]",
            "aliases = [\"*\"]",
            "signature = \"a\"\nsignature_file = \"b\"",
            "hold = -1",
            "answers = \"beside\"",
        ] {
            let text = account("a", more);
            assert!(Accounts::parse(&text, Path::new("accounts.toml")).is_err(), "{more}");
        }
    }
}
