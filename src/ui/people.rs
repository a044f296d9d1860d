//! Who takes part in a conversation, in few columns.
//!
//! Invariant: a name is never empty, and the result is never wider than asked. A name that shows
//! another address is not believed: the address stands there.

use std::borrow::Cow;

use crate::mail::{Address, shows_another};
use crate::ui::{reader, text};

/// What one is called among others: the first name.
fn first_name(address: &Address) -> String {
    let full = reader::name(address);
    let given = match (&address.name, full.split_once(", ")) {
        // "Family, Given", but not "Name, Title of Something".
        (Some(_), Some((family, given))) if !family.contains(' ') => given,
        (Some(_), _) => &*full,
        (None, _) => full.split_once('@').map_or(&*full, |(local, _)| local),
    };
    let word = given.split_whitespace().find(|word| !is_initial(word)).unwrap_or(given);
    word.trim_matches(['"', '\'', ',', '(', ')']).to_owned()
}

/// An address without a name that shows another: there is no room here to say so.
fn believed(address: &Address) -> Cow<'_, Address> {
    if shows_another(address) {
        return Cow::Owned(Address { name: None, address: address.address.clone() });
    }
    Cow::Borrowed(address)
}

fn is_initial(word: &str) -> bool {
    word.ends_with('.') || word.chars().count() == 1
}

/// The participants in at most `columns` columns: one by full name, more by first names, the last
/// kept when not all fit.
#[must_use]
pub fn short(addresses: &[Address], columns: usize) -> String {
    let names: Vec<String> = match addresses {
        [] => vec!["(no sender)".to_owned()],
        [one] => vec![reader::name(&believed(one)).into_owned()],
        more => more.iter().map(|one| first_name(&believed(one))).collect(),
    };
    let names: Vec<String> =
        names.into_iter().map(|n| if n.trim().is_empty() { "?".to_owned() } else { n }).collect();
    let all = names.join(", ");
    if let (true, [first, .., last]) = (text::width(&all) > columns, names.as_slice()) {
        let ends = format!("{first} … {last}");
        if names.len() > 2 && text::width(&ends) <= columns {
            return ends;
        }
    }
    text::cut(&all, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(people: &[(&str, &str)], columns: usize, shown: &str) {
        let people: Vec<Address> = people
            .iter()
            .map(|(name, address)| Address {
                name: (!name.is_empty()).then(|| (*name).to_owned()),
                address: (*address).to_owned(),
            })
            .collect();
        assert_eq!(short(&people, columns), shown);
    }

    #[test]
    fn one_is_full_and_many_are_short() {
        check(&[], 20, "(no sender)");
        check(&[("Ann Lee", "a@x")], 20, "Ann Lee");
        check(&[("", "ann@x.org")], 20, "ann@x.org");
        check(&[("", "")], 20, "?");
        check(&[("Lee, Ann", "a@x"), ("J. R. Bob", "b@x"), ("", "carl@x")], 20, "Ann, Bob, carl");
        check(&[("Ann", "a@x"), ("Bob", "b@x"), ("Carl", "c@x")], 11, "Ann … Carl");
        check(&[("Ann", "a@x"), ("Bob", "b@x"), ("Carl", "c@x")], 6, "Ann,…");
        // A name that shows another address is not believed.
        check(&[("ann@bank.test", "eve@e.test")], 20, "eve@e.test");
        check(&[("Bank <ann@bank.test>", "eve@e.test")], 20, "eve@e.test");
        check(&[("ann\u{ff20}bank.test", "eve@e.test"), ("Bob", "b@x")], 20, "eve, Bob");
        check(&[("Ann@bank.test", "ann@bank.test")], 20, "Ann@bank.test");
        check(&[("田中 花子", "t@x"), ("Bob", "b@x")], 9, "田中, Bob");
    }
}
