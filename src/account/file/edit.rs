//! Changes `accounts.toml`.
//!
//! Invariant: an [`Editor`] holds the lock from before it reads until it goes, so that of two
//! writers none is lost; it appends a table or takes one out, and every other byte stays. What it
//! writes can be read back, or is not written.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use toml_edit::{Array, DocumentMut, InlineTable, Value};

use super::{Accounts, FILE};
use crate::account::{Account, AccountError, AccountId, Address, Protocol, Secret};
use crate::store::StoreError;

/// How long another writer is waited for.
const LOCK_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a new file begins with.
const HEAD: &str = "\
# Accounts of mailtui: one table each. Edit as you like; what runs takes a change up within
# seconds, and `mailtui account list` says what is wrong. No password belongs in here.
#
#   imap = \"imaps://HOST:PORT\"        TLS; imap://HOST:PORT is STARTTLS. For smtp the same
#   login = \"…\"                       when it is not the address
#   auth = \"xoauth2\"                  when what `password` gives is an access token
#   password = { command = [\"pass\", \"show\", \"mail\"] }, or { file = \"…\" } of mode 600,
#              or { keyring = true }: the first line is the password
#   tls_ca = \"/path/ca.pem\"           certificates of a server of your own
#   on_new_mail = [\"program\", \"…\"]    gets what came as JSON on its standard input; no shell
#   notify = true                     announce new mail in the terminal; before the first
#                                     table it is for all accounts
#   quiet_hours = \"22:00-07:00\"       but not then
#   bandwidth_kib = 0                 KiB a second at most; 0 is no limit
#   bodies = \"on-demand\"            of mail larger than ahead_kib = 256 the texts, till more
#                                     is wanted; \"all\" is everything
#   poll_minutes = 5                  how often to ask where the server does not tell
#   folders = [\"INBOX\"]               only these; empty is all
#   ignore = [\"Spam\"]                 but not these
#   aliases = [\"ann@work.example\"]    your other addresses here; *@domain is all of a domain
#   signature = \"…\"                  below what you write; or signature_file = \"/path\"
#   hold = 10                         seconds in which what you send can be taken back
";

/// The file, locked.
#[derive(Debug)]
pub struct Editor {
    dir: PathBuf,
    text: String,
    accounts: Accounts,
    _lock: File,
}

impl Editor {
    /// Takes the lock, waiting for another writer for a few seconds, and reads the file.
    ///
    /// # Errors
    /// When another writer does not end, the disk refuses, or the file is wrong: one that cannot be
    /// read is not changed.
    pub fn open(dir: &Path) -> Result<Self, AccountError> {
        crate::store::private_dir(dir)?;
        let lock = lock(dir)?;
        let text = super::text(dir)?.unwrap_or_default();
        let accounts = Accounts::parse(&text, &dir.join(FILE))?;
        Ok(Self { dir: dir.to_owned(), text, accounts, _lock: lock })
    }

    /// The accounts of the file.
    #[must_use]
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The id for an account of this address.
    ///
    /// # Errors
    /// When it has one.
    pub fn id_for(&self, address: &Address) -> Result<AccountId, AccountError> {
        if let Ok(held) = self.accounts.named(address.as_str()) {
            return Err(AccountError::Exists {
                address: address.to_string(),
                id: held.id.to_string(),
            });
        }
        let plain = AccountId::of(address);
        let numbered = (2..).map(|number| plain.numbered(number));
        let mut ids = std::iter::once(plain.clone()).chain(numbered);
        Ok(ids.find(|id| self.accounts.get(id).is_none()).unwrap_or(plain))
    }

    /// Appends an account.
    ///
    /// # Errors
    /// When its id or address is there, or the disk refuses.
    pub fn add(&mut self, account: &Account) -> Result<(), AccountError> {
        self.id_for(&account.address)?;
        let mut text =
            if self.text.trim().is_empty() { HEAD.to_owned() } else { self.text.clone() };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&table(account));
        self.write(text)
    }

    /// Takes an account out, with the comments right above it; what its server had is to be
    /// forgotten.
    ///
    /// # Errors
    /// When it is not there, or the disk refuses.
    pub fn remove(&mut self, id: &AccountId) -> Result<(), AccountError> {
        if self.accounts.get(id).is_none() {
            return Err(AccountError::NoAccount(id.to_string()));
        }
        let text = without(&self.text, id);
        let text = text.ok_or_else(|| AccountError::File {
            path: self.dir.join(FILE),
            line: 1,
            what: format!("{id} cannot be taken out; take it out by hand"),
        })?;
        self.write(text)?;
        super::removed::note(&self.dir, id)
    }

    fn write(&mut self, text: String) -> Result<(), AccountError> {
        let path = self.dir.join(FILE);
        let accounts = Accounts::parse(&text, &path)?;
        crate::store::disk::replace(&path, text.as_bytes())?;
        (self.text, self.accounts) = (text, accounts);
        Ok(())
    }
}

/// Who changes accounts has this, as long as it is there.
pub(super) fn lock(dir: &Path) -> Result<File, AccountError> {
    let path = &dir.join("accounts.lock");
    let io = |error| AccountError::Store(StoreError::Io { path: path.to_owned(), error });
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path).map_err(io)?;
    let until = Instant::now() + LOCK_WITHIN;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                std::thread::sleep(LOOK_EVERY);
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(AccountError::Busy { path: path.with_file_name(FILE) });
            }
            Err(error) => return Err(io(error.into())),
        }
    }
}

/// An account as a table.
fn table(account: &Account) -> String {
    let text = |value: &str| Value::from(value).to_string();
    let mut lines = vec![format!("[accounts.{}]", account.id)];
    let mut put = |key: &str, value: String| lines.push(format!("{key} = {value}"));
    put("address", text(account.address.as_str()));
    if let Some(name) = &account.name {
        put("name", text(name));
    }
    put("imap", text(&account.imap.url(Protocol::Imap)));
    if let Some(smtp) = &account.smtp {
        put("smtp", text(&smtp.url(Protocol::Smtp)));
    }
    if account.login != account.address.as_str() {
        put("login", text(&account.login));
    }
    if account.auth != crate::account::Auth::default() {
        put("auth", text(account.auth.name()));
    }
    put("password", secret(&account.secret));
    if let Some(ca) = &account.tls_ca {
        put("tls_ca", text(&ca.to_string_lossy()));
    }
    lines.join("\n") + "\n"
}

fn secret(secret: &Secret) -> String {
    let mut table = InlineTable::new();
    match secret {
        Secret::Command(argv) => table.insert("command", argv.iter().collect::<Array>().into()),
        Secret::File(path) => table.insert("file", path.to_string_lossy().as_ref().into()),
        Secret::Keyring => table.insert("keyring", true.into()),
    };
    table.to_string()
}

/// The text without an account: its table, and the comments above it down from the last empty line.
fn without(text: &str, id: &AccountId) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let accounts = document.get_mut("accounts")?.as_table_like_mut()?;
    let gone = accounts.remove(id.as_str())?;
    let above = gone.as_table()?.decor().prefix()?.as_str().unwrap_or_default();
    let kept = above.rfind("\n\n").map_or("", |end| &above[..=end]).to_owned();
    if kept.trim().is_empty() {
        return Some(document.to_string());
    }
    // What stands apart from the table belongs to the file: to what comes next.
    let position = gone.as_table()?.position();
    let next = document.get_mut("accounts")?.as_table_like_mut().and_then(|accounts| {
        let tables = accounts.iter_mut().filter_map(|(_, item)| item.as_table_mut());
        let behind = tables.filter(|table| table.position() > position);
        behind.min_by_key(|table| table.position())
    });
    let join = |own: Option<&str>| format!("{kept}{}", own.unwrap_or_default());
    if let Some(table) = next {
        let all = join(table.decor().prefix().and_then(|own| own.as_str()));
        table.decor_mut().set_prefix(all);
    } else {
        let all = join(document.trailing().as_str());
        document.set_trailing(all);
    }
    Some(document.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::account::{Auth, Security, Server, Settings};

    fn account(editor: &Editor, address: &str) -> Account {
        let address = Address::parse(address).unwrap();
        Account {
            id: editor.id_for(&address).unwrap(),
            name: Some("Ann \"A\" Ä".to_owned()),
            imap: Server::new("imap.example.org", 993, Security::Tls),
            smtp: Some(Server::new("smtp.example.org", 587, Security::StartTls)),
            login: "ann".to_owned(),
            auth: Auth::XOAuth2,
            secret: Secret::Command(vec!["a b".to_owned(), "\"\\".to_owned()]),
            tls_ca: Some("/ca.pem".into()),
            settings: Settings::default(),
            address,
        }
    }

    #[test]
    fn what_is_added_is_read_back_and_the_rest_stays() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("data");
        let mut editor = Editor::open(&dir).unwrap();
        let first = account(&editor, "a.b@example.org");
        editor.add(&first).unwrap();
        let second = Account {
            secret: Secret::kept(&first.id),
            auth: Auth::Password,
            tls_ca: None,
            smtp: None,
            name: None,
            ..account(&editor, "a-b@example.org")
        };
        assert_eq!(second.id.as_str(), "a-b-example-org-2");
        editor.add(&second).unwrap();
        assert!(matches!(editor.add(&first), Err(AccountError::Exists { .. })));
        let read = Accounts::read(&dir).unwrap();
        assert_eq!(read.list, [first.clone(), second.clone()]);
        assert_eq!(read.unknown, []);
        let path = dir.join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(HEAD));
        editor.remove(&first.id).unwrap();
        let left = std::fs::read_to_string(&path).unwrap();
        assert!(left.starts_with(HEAD), "{left}");
        assert_eq!(Accounts::read(&dir).unwrap().list, std::slice::from_ref(&second));
        assert!(matches!(editor.remove(&first.id), Err(AccountError::NoAccount(_))));
        editor.remove(&second.id).unwrap();
        assert_eq!(Accounts::read(&dir).unwrap(), Accounts::default());
        editor.add(&second).unwrap();
        let again = std::fs::read_to_string(&path).unwrap();
        assert_eq!(again.matches(HEAD).count(), 1, "{again}");
    }

    #[test]
    fn comments_stay_where_they_belong() {
        let file =
            "# head\n\n# of a\n[accounts.a]\nx = 1 # one\n\n# of b\n[accounts.b]\ny = 2\n# end\n";
        let check = |id: &str, want: &str| {
            let got = without(file, &AccountId::try_from(id).unwrap());
            assert_eq!(got.as_deref(), Some(want), "without {id}");
        };
        check("a", "# head\n\n# of b\n[accounts.b]\ny = 2\n# end\n");
        check("b", "# head\n\n# of a\n[accounts.a]\nx = 1 # one\n# end\n");
    }

    #[test]
    fn of_two_writers_one_waits_and_a_file_of_others_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        let other = std::thread::spawn({
            let path = dir.path().to_owned();
            move || lock(&path).map(drop)
        });
        drop(held);
        other.join().unwrap().unwrap();
        std::fs::write(dir.path().join(FILE), "").unwrap();
        let rights = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(dir.path().join(FILE), rights).unwrap();
        assert!(matches!(Editor::open(dir.path()), Err(AccountError::Exposed { .. })));
        assert!(matches!(Accounts::read(dir.path()), Err(AccountError::Exposed { .. })));
    }
}
