//! What a backend tells a device of the accounts that it has: as whom one writes, and how each is.
//!
//! Invariant: no password, login or server is in it. It comes over the wire and may be anything: it
//! is bounded and made safe when it is read, and what is not understood is left out. A device keeps
//! as whom one writes, so that it can write while the backend is not reached.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::accounts::{AccountLine, Accounts, FolderLine, Work};
use crate::engine::{Device, EngineError};
use crate::mail::Address;
use crate::mail::compose::Identity;
use crate::notice::Notice;
use crate::safe_text;
use crate::store::Own;

/// Where a device keeps what it was told.
const SETTING: &str = "told-identities";
/// Accounts that are told.
const MAX_ACCOUNTS: usize = 64;
/// Aliases, conflicts and problems of one that are told.
const MAX_LINES: usize = 50;
/// Folders of one that are told.
const MAX_FOLDERS: usize = 500;
/// The longest signature, in bytes.
const MAX_SIGNATURE_BYTES: usize = 16 * 1024;
/// The longest line, in bytes.
const MAX_LINE_BYTES: usize = 1024;

/// All that is told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Told {
    /// As whom one writes, those that can send first.
    pub identities: Vec<ToldIdentity>,
    /// How accounts are.
    pub accounts: Vec<ToldAccount>,
    /// Why the accounts cannot be read, where they cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ToldError>,
}

/// As whom one writes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToldIdentity {
    account: String,
    name: Option<String>,
    address: String,
    aliases: Vec<String>,
    signature: String,
    above: bool,
    hold: Option<u64>,
}

/// How an account is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToldAccount {
    address: String,
    work: String,
    folder: String,
    done: u64,
    total: u64,
    new: u64,
    written: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ToldError>,
    conflicts: Vec<String>,
    problems: Vec<String>,
    folders: Vec<ToldFolder>,
}

/// How a folder is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToldFolder {
    name: String,
    role: String,
    messages: u64,
    whole: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Why something is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToldError {
    line: String,
    hint: String,
}

/// What folders can be here.
const ROLES: [&str; 8] =
    ["inbox", "archive", "spam", "trash", "sent", "drafts", "label", "all mail"];

/// As whom one writes, and how long what an account sends is held, in seconds.
pub type Writers = (Vec<Identity>, BTreeMap<String, u64>);

impl Told {
    /// What is told of these.
    #[must_use]
    pub fn of(writers: &Writers, accounts: &Accounts) -> Self {
        let (identities, holds) = writers;
        let identity = |me: &Identity| {
            let account = me.account.clone().unwrap_or_default();
            ToldIdentity {
                hold: holds.get(&account).copied(),
                account,
                name: me.from.name.clone(),
                address: me.from.address.clone(),
                aliases: me.aliases.iter().take(MAX_LINES).cloned().collect(),
                signature: me.signature.clone(),
                above: me.above,
            }
        };
        Self {
            identities: identities.iter().take(MAX_ACCOUNTS).map(identity).collect(),
            accounts: accounts.lines.iter().take(MAX_ACCOUNTS).map(tell).collect(),
            error: accounts.error.as_ref().map(tell_error),
        }
    }

    /// As whom one writes.
    #[must_use]
    pub fn writers(&self) -> Writers {
        let known = self.identities.iter().take(MAX_ACCOUNTS);
        let known = known.filter(|me| line(&me.address).contains('@'));
        let mut holds = BTreeMap::new();
        let identities = known.map(|me| {
            let account = line(&me.account);
            holds.extend(me.hold.map(|hold| (account.clone(), hold)));
            let from = Address { name: me.name.as_deref().map(line), address: line(&me.address) };
            let most = me.signature.floor_char_boundary(MAX_SIGNATURE_BYTES);
            Identity {
                account: Some(account).filter(|account| !account.is_empty()),
                from,
                aliases: me.aliases.iter().take(MAX_LINES).map(|alias| line(alias)).collect(),
                signature: safe_text::text(&me.signature[..most]),
                above: me.above,
            }
        });
        (identities.collect(), holds)
    }

    /// How accounts are.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts {
            lines: self.accounts.iter().take(MAX_ACCOUNTS).map(heard).collect(),
            error: self.error.as_ref().map(error),
        }
    }
}

fn tell(of: &AccountLine) -> ToldAccount {
    let (work, folder, done, total) = match &of.work {
        Work::Nothing => ("nothing", "", 0, 0),
        Work::Connecting => ("connecting", "", 0, 0),
        Work::Listing => ("listing", "", 0, 0),
        Work::Reading { folder, done, total } => ("reading", folder.as_str(), *done, *total),
        Work::Writing(messages) => ("writing", "", *messages, 0),
        Work::Waiting => ("waiting", "", 0, 0),
        Work::Resting => ("resting", "", 0, 0),
        Work::Stopped => ("stopped", "", 0, 0),
    };
    let newest = |lines: &[String]| lines[lines.len().saturating_sub(MAX_LINES)..].to_vec();
    let folder_of = |folder: &FolderLine| ToldFolder {
        name: folder.name.clone(),
        role: folder.role.to_owned(),
        messages: folder.messages,
        whole: folder.whole,
        problem: folder.problem.clone(),
    };
    ToldAccount {
        address: of.address.clone(),
        work: work.to_owned(),
        folder: folder.to_owned(),
        done,
        total,
        new: of.new,
        written: of.written,
        error: of.error.as_ref().map(tell_error),
        conflicts: newest(&of.conflicts),
        problems: newest(&of.problems),
        folders: of.folders.iter().take(MAX_FOLDERS).map(folder_of).collect(),
    }
}

fn tell_error(notice: &Notice) -> ToldError {
    ToldError { line: notice.message.clone(), hint: notice.hint.clone() }
}

fn error(told: &ToldError) -> Notice {
    Notice::error("account", line(&told.line), line(&told.hint))
}

fn heard(of: &ToldAccount) -> AccountLine {
    let lines = |all: &[String]| all.iter().take(MAX_LINES).map(|one| line(one)).collect();
    let folder = |folder: &ToldFolder| FolderLine {
        name: line(&folder.name),
        role: ROLES.into_iter().find(|role| *role == folder.role).unwrap_or("label"),
        messages: folder.messages,
        whole: folder.whole,
        problem: folder.problem.as_deref().map(line),
    };
    AccountLine {
        address: line(&of.address),
        work: match of.work.as_str() {
            "connecting" => Work::Connecting,
            "listing" => Work::Listing,
            "reading" => Work::Reading { folder: line(&of.folder), done: of.done, total: of.total },
            "writing" => Work::Writing(of.done),
            "waiting" => Work::Waiting,
            "resting" => Work::Resting,
            "stopped" => Work::Stopped,
            _ => Work::Nothing,
        },
        new: of.new,
        written: of.written,
        error: of.error.as_ref().map(error),
        conflicts: lines(&of.conflicts),
        problems: lines(&of.problems),
        folders: of.folders.iter().take(MAX_FOLDERS).map(folder).collect(),
    }
}

fn line(text: &str) -> String {
    safe_text::line(&text[..text.floor_char_boundary(MAX_LINE_BYTES)])
}

impl Device {
    /// The backend told of its accounts; what cannot be read is as if it was not said.
    pub(super) fn told(&mut self, told: serde_json::Value) -> Result<(), EngineError> {
        let Ok(told) = serde_json::from_value::<Told>(told) else { return Ok(()) };
        let kept = Told { identities: told.identities.clone(), ..Told::default() };
        let text = serde_json::to_string(&kept).unwrap_or_default();
        if Own::setting(&self.db, SETTING)?.as_deref() != Some(&text) {
            self.begin_full()?;
            Own::set(&self.db, SETTING, &text)?;
            self.commit()?;
        }
        self.news.told = Some(Box::new(told));
        Ok(())
    }

    /// As whom one writes, as the backend said it last.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn told_writers(&self) -> Result<Writers, EngineError> {
        let text = Own::setting(&self.db, SETTING)?;
        let told = text.and_then(|text| serde_json::from_str::<Told>(&text).ok());
        Ok(told.map(|told| told.writers()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        let folder = FolderLine {
            name: "INBOX".into(),
            role: "inbox",
            messages: 7,
            whole: true,
            problem: None,
        };
        let work = Work::Reading { folder: "INBOX".into(), done: 3, total: 9 };
        let account = AccountLine {
            address: "ann@x.org".into(),
            work,
            new: 1,
            written: 2,
            error: Some(Notice::error("account", "no", "do")),
            conflicts: vec!["c".into()],
            problems: vec!["p".into()],
            folders: vec![folder],
        };
        Accounts { lines: vec![account], error: None }
    }

    fn writers() -> Writers {
        let me = Identity {
            account: Some("ann".into()),
            from: Address { name: Some("Ann".into()), address: "ann@x.org".into() },
            aliases: vec!["*@y.org".into()],
            signature: "Ann\nof x".into(),
            above: true,
        };
        (vec![me], BTreeMap::from([("ann".to_owned(), 30)]))
    }

    #[test]
    fn what_is_told_is_what_is_heard() {
        let told = Told::of(&writers(), &accounts());
        let over = serde_json::to_value(&told).unwrap();
        let heard: Told = serde_json::from_value(over).unwrap();
        assert_eq!((heard.writers(), heard.accounts()), (writers(), accounts()));
    }

    #[test]
    fn whatever_is_told_is_bounded_and_safe() {
        let many = |n: usize, of: serde_json::Value| vec![of; n];
        let nasty = "\u{1b}[2J\u{202e}".repeat(1_000);
        let told = serde_json::json!({
            "later": 1,
            "identities": many(90, serde_json::json!({
                "account": nasty, "address": format!("{nasty}@x"), "aliases": many(900, "a".into()),
                "signature": "\u{9b}".repeat(20_000)
            })),
            "accounts": many(90, serde_json::json!({ "address": nasty, "work": "dancing",
                "folders": many(2, serde_json::json!({ "name": nasty, "role": "king" })) })),
        });
        let told: Told = serde_json::from_value(told).unwrap();
        let (identities, _) = told.writers();
        assert_eq!((identities.len(), told.accounts().lines.len()), (0, MAX_ACCOUNTS));
        let line = &told.accounts().lines[0];
        assert!(line.work == Work::Nothing && line.address.len() <= MAX_LINE_BYTES);
        let folders = vec![ToldFolder::default(); MAX_FOLDERS + 9];
        let many = heard(&ToldAccount { folders, ..ToldAccount::default() });
        assert_eq!(many.folders.len(), MAX_FOLDERS);
        assert!(!line.address.contains('\u{1b}') && line.folders[0].role == "label");
    }
}
