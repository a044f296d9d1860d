//! The text of `accounts.toml` as values.
//!
//! Invariant: pure and total. Every key of an account is read by one line of [`account`]; what is
//! left of the table afterwards is not known.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use super::{Accounts, Unknown};
use crate::account::settings::{MAX_HOLD_SECONDS, MAX_POLL_MINUTES};
use crate::account::{
    Account, AccountError, AccountId, Address, Auth, Protocol, QuietHours, Secret, Server,
    Settings, Signature,
};

/// What is wrong, and where in the text.
struct Wrong(Option<Range<usize>>, String);

type Read<T> = Result<T, Wrong>;

/// All accounts of a file.
pub(super) fn accounts(text: &str, path: &Path) -> Result<Accounts, AccountError> {
    let at = |span: &Option<Range<usize>>| line_of(text, span.as_ref().map_or(0, |s| s.start));
    let file = |Wrong(span, what): Wrong| AccountError::File {
        path: path.to_owned(),
        line: at(&span),
        what: crate::safe_text::line(&what),
    };
    let document = Document::parse(text)
        .map_err(|error| file(Wrong(error.span(), error.message().to_owned())))?;
    let mut accounts = Accounts::default();
    let mut unknown = Vec::new();
    for (key, item) in document.iter() {
        if key == "notify" {
            let wrong = || file(Wrong(item.span(), "notify is true or false".to_owned()));
            accounts.notify = item.as_bool().ok_or_else(wrong)?;
            continue;
        }
        if key != "accounts" {
            unknown.push((span_of(document.as_table(), key, item), key.to_owned()));
            continue;
        }
        let tables = item
            .as_table_like()
            .ok_or_else(|| file(Wrong(item.span(), "accounts are tables".to_owned())))?;
        for (id, item) in tables.iter() {
            let span = span_of(tables, id, item);
            let account = one(id, item, span, &mut unknown).map_err(file)?;
            accounts.list.push(account);
        }
    }
    let named =
        |(span, key): &(_, String)| Unknown { line: at(span), key: crate::safe_text::line(key) };
    accounts.unknown = unknown.iter().map(named).collect();
    Ok(accounts)
}

/// The line, from 1, in which byte `at` of the text lies.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

fn span_of(table: &dyn TableLike, key: &str, item: &Item) -> Option<Range<usize>> {
    table.get_key_value(key).and_then(|(key, _)| key.span()).or_else(|| item.span())
}

fn one(
    id: &str,
    item: &Item,
    span: Option<Range<usize>>,
    unknown: &mut Vec<(Option<Range<usize>>, String)>,
) -> Read<Account> {
    let table = item.as_table_like();
    let table = table.ok_or_else(|| Wrong(span.clone(), "an account is a table".to_owned()))?;
    let mut keys = Keys { table, span: item.span().or(span.clone()), read: BTreeSet::new() };
    let wrong_id = "an id is of a-z, 0-9 and -";
    let id = AccountId::try_from(id).map_err(|_| Wrong(span, wrong_id.to_owned()))?;
    let account = account(id, &mut keys)?;
    for (key, item) in table.iter() {
        if !keys.read.contains(key) {
            unknown.push((span_of(table, key, item), key.to_owned()));
        }
    }
    Ok(account)
}

fn account(id: AccountId, keys: &mut Keys<'_>) -> Read<Account> {
    let said = |error: AccountError| error.to_string();
    let address = keys.needed("address", |text| Address::parse(text).map_err(said))?;
    Ok(Account {
        id,
        name: keys.text("name", |text| Ok(text.to_owned()))?,
        imap: keys.needed("imap", |text| Server::parse(text, Protocol::Imap).map_err(said))?,
        smtp: keys.text("smtp", |text| Server::parse(text, Protocol::Smtp).map_err(said))?,
        login: keys
            .text("login", |text| login(text).ok_or_else(|| "this is no login".to_owned()))?
            .unwrap_or_else(|| address.as_str().to_owned()),
        auth: keys
            .text("auth", |text| {
                Auth::parse(text).ok_or_else(|| "auth is \"password\" or \"xoauth2\"".to_owned())
            })?
            .unwrap_or_default(),
        secret: secret(keys)?,
        tls_ca: keys.text("tls_ca", |text| Ok(text.into()))?,
        settings: settings(keys)?,
        address,
    })
}

/// A login that can be a word of a protocol.
pub(super) fn login(text: &str) -> Option<String> {
    let fits = !text.is_empty() && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

fn settings(keys: &mut Keys<'_>) -> Read<Settings> {
    let plain = Settings::default();
    let quiet = |text: &str| {
        QuietHours::parse(text).ok_or_else(|| "quiet hours are like \"22:00-07:00\"".to_owned())
    };
    let argv = keys.list("on_new_mail")?;
    if argv.as_ref().is_some_and(|argv| argv.first().is_none_or(String::is_empty)) {
        return Err(keys.wrong("on_new_mail", "a command begins with a program"));
    }
    Ok(Settings {
        on_new_mail: argv.unwrap_or_default(),
        notify: keys.truth("notify")?.unwrap_or(plain.notify),
        quiet_hours: keys.text("quiet_hours", quiet)?,
        bandwidth_kib: keys.number("bandwidth_kib", 0, u32::MAX)?.unwrap_or(plain.bandwidth_kib),
        on_demand: keys.text("bodies", on_demand)?.unwrap_or(plain.on_demand),
        ahead_kib: keys.number("ahead_kib", 0, u32::MAX)?.unwrap_or(plain.ahead_kib),
        poll_minutes: keys
            .number("poll_minutes", 1, MAX_POLL_MINUTES)?
            .unwrap_or(plain.poll_minutes),
        folders: keys.list("folders")?.unwrap_or_default(),
        ignore: keys.list("ignore")?.unwrap_or_default(),
        aliases: aliases(keys)?,
        signature: signature(keys)?,
        hold: keys.number("hold", 0, MAX_HOLD_SECONDS)?,
        above: keys.text("answers", above)?.unwrap_or(plain.above),
    })
}

/// Which messages are fetched whole before they are wanted.
fn on_demand(text: &str) -> Result<bool, String> {
    match text {
        "all" => Ok(false),
        "on-demand" => Ok(true),
        _ => Err("bodies is \"all\" or \"on-demand\"".to_owned()),
    }
}

/// Where answers are written.
fn above(text: &str) -> Result<bool, String> {
    match text {
        "above" => Ok(true),
        "below" => Ok(false),
        _ => Err("answers is \"below\" or \"above\" what they quote".to_owned()),
    }
}

/// Each is an address, or every address of a domain.
fn aliases(keys: &mut Keys<'_>) -> Read<Vec<String>> {
    let aliases = keys.list("aliases")?.unwrap_or_default();
    let fits = |alias: &String| {
        let address = alias.strip_prefix('*').map(|domain| format!("any{domain}"));
        Address::parse(address.as_ref().unwrap_or(alias)).is_ok()
    };
    if aliases.iter().all(fits) {
        return Ok(aliases);
    }
    Err(keys.wrong("aliases", "an alias is an address, or *@domain"))
}

fn signature(keys: &mut Keys<'_>) -> Read<Option<Signature>> {
    let text = keys.text("signature", |text| Ok(Signature::Text(text.to_owned())))?;
    let file = keys.text("signature_file", |path| Ok(Signature::File(path.into())))?;
    if text.is_some() && file.is_some() {
        return Err(keys.wrong("signature_file", "there is a signature already"));
    }
    Ok(text.or(file))
}

/// `password = { command = […] }`, `{ file = "…" }` or `{ keyring = true }`.
fn secret(keys: &mut Keys<'_>) -> Read<Secret> {
    const FORM: &str =
        "password is { command = [\"program\", …] }, { file = \"…\" } or { keyring = true }";
    let wrong = keys.wrong("password", FORM);
    let Some(item) = keys.item("password") else {
        return Err(Wrong(keys.span.clone(), "password is missing".to_owned()));
    };
    let table = item.as_table_like().filter(|table| table.len() == 1);
    let Some((key, item)) = table.and_then(|table| table.iter().next()) else { return Err(wrong) };
    let found = match key {
        "command" => strings(item)
            .filter(|argv| argv.first().is_some_and(|p| !p.is_empty()))
            .map(Secret::Command),
        "file" => item.as_str().filter(|f| !f.is_empty()).map(|f| Secret::File(f.into())),
        "keyring" => item.as_bool().filter(|on| *on).map(|_| Secret::Keyring),
        _ => None,
    };
    found.ok_or(wrong)
}

fn strings(item: &Item) -> Option<Vec<String>> {
    item.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

/// A table, and which of its keys were read.
struct Keys<'a> {
    table: &'a dyn TableLike,
    span: Option<Range<usize>>,
    read: BTreeSet<&'static str>,
}

impl<'a> Keys<'a> {
    fn item(&mut self, key: &'static str) -> Option<&'a Item> {
        self.read.insert(key);
        self.table.get(key)
    }

    fn wrong(&self, key: &str, what: &str) -> Wrong {
        let span = self.table.get(key).and_then(|item| span_of(self.table, key, item));
        Wrong(span.or_else(|| self.span.clone()), what.to_owned())
    }

    fn text<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Read<Option<T>> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let text = item.as_str();
        let text = text.ok_or_else(|| self.wrong(key, &format!("{key} is a text in quotes")))?;
        read(text).map(Some).map_err(|what| self.wrong(key, &what))
    }

    fn needed<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Read<T> {
        let found = self.text(key, read)?;
        found.ok_or_else(|| Wrong(self.span.clone(), format!("{key} is missing")))
    }

    fn truth(&mut self, key: &'static str) -> Read<Option<bool>> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let wrong = || self.wrong(key, &format!("{key} is true or false"));
        item.as_bool().map(Some).ok_or_else(wrong)
    }

    fn number<N>(&mut self, key: &'static str, least: N, most: N) -> Read<Option<N>>
    where
        N: TryFrom<i64> + PartialOrd + Copy + std::fmt::Display,
    {
        let Some(item) = self.item(key) else { return Ok(None) };
        let number = item.as_integer().and_then(|number| N::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        let wrong = || self.wrong(key, &format!("{key} is a number from {least} to {most}"));
        number.map(Some).ok_or_else(wrong)
    }

    fn list(&mut self, key: &'static str) -> Read<Option<Vec<String>>> {
        let Some(item) = self.item(key) else { return Ok(None) };
        let wrong = || self.wrong(key, &format!("{key} is a list of texts"));
        strings(item).map(Some).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "# mine\n[accounts.ann]\naddress = \"ann@example.org\"\nname = \"Ann\"\n\
        imap = \"imaps://imap.example.org\"\nsmtp = \"smtp://smtp.example.org\"\nlogin = \"a\"\n\
        auth = \"xoauth2\"\npassword = { command = [\"pass\", \"show\", \"x\"] }\n\
        tls_ca = \"/ca.pem\"\non_new_mail = [\"notify\", \"-x\"]\nnotify = false\n\
        quiet_hours = \"22:00-07:00\"\nbandwidth_kib = 100\npoll_minutes = 1\n\
        bodies = \"on-demand\"\nahead_kib = 64\n\
        folders = [\"INBOX\"]\nignore = [\"Spam\"]\n\
        aliases = [\"*@x.org\"]\nsignature = \"Ann\"\nhold = 0\n\
        answers = \"above\"\n";
    const LEAST: &str = "[accounts.bob]\naddress = \"bob@example.org\"\n\
        imap = \"imap://mail.example.org:1143\"\npassword = { keyring = true }\n";

    fn parse(text: &str) -> Result<Accounts, AccountError> {
        accounts(text, Path::new("accounts.toml"))
    }

    #[test]
    fn every_key_is_read() {
        let found = parse(&format!("{WHOLE}{LEAST}")).unwrap();
        assert_eq!(found.unknown, []);
        let [ann, bob] = &found.list[..] else { panic!("{found:?}") };
        assert_eq!(ann.auth, Auth::XOAuth2);
        assert_eq!(ann.secret, Secret::Command(["pass", "show", "x"].map(str::to_owned).to_vec()));
        let settings = Settings {
            on_new_mail: vec!["notify".to_owned(), "-x".to_owned()],
            notify: false,
            quiet_hours: QuietHours::parse("22:00-07:00"),
            bandwidth_kib: 100,
            on_demand: true,
            ahead_kib: 64,
            poll_minutes: 1,
            folders: vec!["INBOX".to_owned()],
            ignore: vec!["Spam".to_owned()],
            aliases: vec!["*@x.org".to_owned()],
            signature: Some(Signature::Text("Ann".to_owned())),
            hold: Some(0),
            above: true,
        };
        assert_eq!(ann.settings, settings);
        assert_eq!(ann.tls_ca.as_deref(), Some(Path::new("/ca.pem")));
        assert_eq!((bob.login.as_str(), bob.smtp.as_ref()), ("bob@example.org", None));
        assert_eq!(bob.settings, Settings::default());
        assert_eq!(found.named("ANN@example.org").unwrap().id, ann.id);
        assert_eq!(found.named("bob").unwrap().id, bob.id);
        assert!(found.named("carl").is_err());
    }

    #[test]
    fn what_is_not_known_is_named_with_its_line() {
        let text = format!("colour = 1\n{LEAST}passwort = 1\n[other]\nx = 1\n");
        let unknown = parse(&text).unwrap().unknown;
        let unknown: Vec<_> = unknown.iter().map(|u| (u.line, u.key.as_str())).collect();
        assert_eq!(unknown, [(1, "colour"), (6, "passwort"), (7, "other")]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_not_repeated() {
        let check = |line: usize, change: (&str, &str), said: &str| {
            let text = format!("\n{WHOLE}").replace(change.0, change.1);
            let error = parse(&text).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("line {line}:")) && text.contains(said), "{text}");
            assert!(!text.contains("hush") && !format!("{error:?}").contains("hush"), "{text}");
        };
        check(4, ("\"ann@example.org\"", "\"hush"), "string");
        check(4, ("\"ann@example.org\"", "7"), "a text");
        check(
            4,
            ("\"ann@example.org\"", "\"ann\""),
            "no mail address".replace("no", "not a").as_str(),
        );
        check(3, ("address", "adress"), "address is missing");
        check(3, ("accounts.ann", "accounts.\"An n\""), "an id is of");
        check(6, ("imaps://", "http://"), "IMAP server");
        check(6, ("imaps://", "imaps://ann:hush@"), "no login");
        check(9, ("xoauth2", "plain"), "auth is");
        check(10, ("{ command = [\"pass\", \"show\", \"x\"] }", "\"hush\""), "password is");
        check(10, ("{ command = [\"pass\", \"show\", \"x\"] }", "{ command = [] }"), "password is");
        check(3, ("password", "passwort"), "password is missing");
        check(12, ("[\"notify\", \"-x\"]", "\"notify\""), "list of texts");
        check(12, ("[\"notify\", \"-x\"]", "[]"), "begins with a program");
        check(13, ("notify = false", "notify = 1"), "true or false");
        check(14, ("22:00-07:00", "22-7"), "quiet hours");
        check(15, ("bandwidth_kib = 100", "bandwidth_kib = -1"), "from 0");
        check(16, ("poll_minutes = 1", "poll_minutes = 1441"), "to 1440");
        assert!(parse("accounts = 1").is_err() && parse("[accounts]\nann = 1").is_err());
        assert!(parse("[accounts.a]\n[accounts.a]\n").unwrap_err().to_string().contains("line 2"));
        assert_eq!(parse("").unwrap(), Accounts::default());
        assert!(parse(LEAST).unwrap().notify && !parse("notify = false").unwrap().notify);
        assert!(parse("notify = 1").is_err());
    }
}
