//! As whom the command line writes.
//!
//! Invariant: an account that is named is there, or nothing is written; where this directory has
//! no accounts, because its backend is elsewhere, a name is taken as it is and judged there.

use crate::account::{self, Accounts};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::SystemClock;
use crate::engine::Device;
use crate::mail::compose::{Draft, Identity, address_key, format_address};
use crate::notice::{Exit, Explain as _, Notice};

/// As whom one may write here, those that can send first.
pub(super) fn all(home: &Home, output: Output) -> Result<Vec<Identity>, Notice> {
    let accounts = Accounts::read(&home.dir).map_err(|error| error.notice())?;
    if accounts.list.is_empty() && home.is_remote() {
        // The backend has them, and has told of them.
        let device = Device::read(&home.dir, Box::new(SystemClock)).ok().flatten();
        let told = device.and_then(|device| device.told_writers().ok());
        return Ok(told.map(|(identities, _)| identities).unwrap_or_default());
    }
    let (identities, wrong) = account::identities(&accounts, &home.dir);
    for notice in wrong {
        output.notice(&notice);
    }
    Ok(identities)
}

/// The identity that `--account` names.
pub(super) fn of_account<'a>(me: &'a [Identity], name: &str) -> Result<&'a Identity, Notice> {
    let is = |me: &&Identity| {
        me.account.as_deref() == Some(name) || me.from.address.eq_ignore_ascii_case(name)
    };
    let none = || account::AccountError::NoAccount(crate::safe_text::line(name)).notice();
    me.iter().find(is).ok_or_else(none)
}

/// Puts `--account` and `--from` into a draft. What only names an address of ours chooses the
/// account that it belongs to.
pub(super) fn choose(
    draft: &mut Draft,
    me: &[Identity],
    account: Option<&str>,
    from: Option<&str>,
) -> Result<(), Notice> {
    if let Some(name) = account {
        if me.is_empty() {
            draft.account = Some(crate::safe_text::line(name));
        } else {
            let chosen = of_account(me, name)?;
            draft.account.clone_from(&chosen.account);
            draft.from = format_address(&chosen.from);
        }
    }
    let Some(from) = from else { return Ok(()) };
    super::line(from).clone_into(&mut draft.from);
    let named = draft.recipients().from;
    if account.is_none()
        && let Some(named) = named.first()
        && let Some(owner) = me.iter().find(|me| has(me, &named.address))
    {
        draft.account.clone_from(&owner.account);
        if named.name.is_none() && !from.contains('<') {
            let name = owner.from.name.clone();
            let named = crate::mail::Address { name, address: named.address.clone() };
            draft.from = format_address(&named);
        }
    }
    Ok(())
}

/// Refuses to write as somebody who is none of the user's identities.
pub(super) fn is_mine(draft: &Draft, me: &[Identity]) -> Result<(), Notice> {
    let from = draft.recipients().from;
    // Where none is known here, the backend judges; what is no address is said when it is sent.
    let other = from.iter().find(|from| !me.iter().any(|me| has(me, &from.address)));
    let Some(other) = other.filter(|_| !me.is_empty()) else { return Ok(()) };
    let line = format!("{} is no address of yours", super::shown(other));
    let mine = me.iter().flat_map(|me| std::iter::once(&me.from.address).chain(&me.aliases));
    let mine: Vec<String> = mine.map(|own| crate::safe_text::line(own)).collect();
    let hint = format!("yours: {}; --force writes as another", mine.join(", "));
    Err(Notice::error("not-yours", line, hint).exit(Exit::Usage))
}

/// Whether an address is one of this identity's.
fn has(me: &Identity, address: &str) -> bool {
    let key = address_key(address);
    let is = |own: &String| match own.strip_prefix('*') {
        Some(domain) => key.ends_with(&address_key(domain)),
        None => address_key(own) == key,
    };
    address_key(&me.from.address) == key || me.aliases.iter().any(is)
}

/// Seconds east of Greenwich of local time now.
pub(super) fn offset() -> i32 {
    jiff::Zoned::now().offset().seconds()
}

/// Seconds east of Greenwich of local time at `at`, Unix seconds.
pub(super) fn offset_at(at: Option<i64>) -> i32 {
    let at = at.and_then(|at| jiff::Timestamp::from_second(at).ok());
    let zone = crate::clock::zone();
    at.map_or_else(offset, |at| zone.to_offset(at).seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Address;

    #[test]
    fn an_address_chooses_its_account() {
        let me = |account: &str, aliases: &[&str]| Identity {
            account: Some(account.to_owned()),
            from: Address {
                name: Some("Ann".to_owned()),
                address: format!("ann@{account}.example"),
            },
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            signature: String::new(),
            above: false,
        };
        let all = [me("home", &["*@family.example"]), me("work", &["Sales@work.example"])];
        let check = |account: Option<&str>, from: Option<&str>, want: (Option<&str>, &str)| {
            let mut draft = crate::mail::compose::blank(&all[0]);
            choose(&mut draft, &all, account, from).unwrap();
            assert_eq!(
                (draft.account.as_deref(), draft.from.as_str()),
                want,
                "{account:?} {from:?}"
            );
        };
        check(None, None, (Some("home"), "Ann <ann@home.example>"));
        check(Some("work"), None, (Some("work"), "Ann <ann@work.example>"));
        check(Some("ANN@work.example"), None, (Some("work"), "Ann <ann@work.example>"));
        let sales = "sales@work.example";
        check(None, Some(sales), (Some("work"), "Ann <sales@work.example>"));
        check(None, Some("X <sales@work.example>"), (Some("work"), "X <sales@work.example>"));
        check(None, Some("me@family.example"), (Some("home"), "Ann <me@family.example>"));
        check(Some("home"), Some(sales), (Some("home"), sales));
        let is_mine = |from: &str, me: &[Identity]| {
            is_mine(&Draft { from: from.to_owned(), ..Draft::default() }, me).is_ok()
        };
        assert!(is_mine("X <SALES@work.example>", &all) && is_mine("me@family.example", &all));
        assert!(is_mine("eve@x.org", &[]) && !is_mine("eve@x.org", &all));
        let mut draft = Draft::default();
        assert_eq!(choose(&mut draft, &all, Some("none"), None).unwrap_err().code, "no-account");
        choose(&mut draft, &[], Some("elsewhere"), None).unwrap();
        assert_eq!(draft.account.as_deref(), Some("elsewhere"));
    }
}
