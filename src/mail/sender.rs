//! What is doubtful about a name and the address behind it.
//!
//! Invariant: pure; a doubt is about what the name makes believe, and hides nothing.

use std::collections::HashMap;

use super::Address;
use super::links::organisation;
use super::script::{
    domain_looks_like_another, ends_in_another, is_unseen, looks_like_another, readable, skeleton,
    with_dots,
};

/// Names that are remembered.
const MAX_KNOWN: usize = 10_000;

/// A doubt about a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Its name shows another address.
    NameShowsAddress,
    /// What stands before the `@` of its address is another address.
    BeginsWithAddress,
    /// Its name has letters that look like others.
    NameLookalike,
    /// Its domain has letters that look like others.
    DomainLookalike,
    /// Its address has signs that are not seen.
    Unseen,
    /// An address of the message had signs that are not seen, and are taken out.
    TakenOut,
    /// More than one address stands where one belongs.
    Several,
    /// Somebody else here has this name, under another address.
    KnownName,
}

impl Doubt {
    /// What it means, for a person.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::NameShowsAddress => "the name shows another address",
            Self::BeginsWithAddress => "the address begins with another address",
            Self::NameLookalike => "the name has letters that look like others",
            Self::DomainLookalike => "the domain has letters that look like others",
            Self::Unseen => "the address has signs that cannot be seen",
            Self::TakenOut => "an address of it had signs that cannot be seen",
            Self::Several => "it names more than one sender",
            Self::KnownName => "the same name wrote here under another address",
        }
    }
}

/// Who wrote before, by what their names look like.
#[derive(Debug, Clone, Default)]
pub struct Known(HashMap<String, String>);

impl Known {
    /// Notes a sender; of equal names the first counts.
    pub fn note(&mut self, address: &Address) {
        let like = skeleton(address.name.as_deref().unwrap_or_default());
        if !like.is_empty() && self.0.len() < MAX_KNOWN {
            self.0.entry(like).or_insert_with(|| address.address.clone());
        }
    }
}

/// The doubts about `address`, where those before are `known`.
#[must_use]
pub fn doubts(address: &Address, known: &Known) -> Vec<Doubt> {
    let mut out = Vec::new();
    let same = |other: &str| other.eq_ignore_ascii_case(&address.address);
    let name = address.name.as_deref().unwrap_or_default();
    if shows_another(address) {
        out.push(Doubt::NameShowsAddress);
    }
    let (local, domain) = address.address.rsplit_once('@').unwrap_or_default();
    if begins_with_address(local, domain) {
        out.push(Doubt::BeginsWithAddress);
    }
    if looks_like_another(name) || ends_in_another(name) {
        out.push(Doubt::NameLookalike);
    }
    let domain = readable(domain);
    if address.address.chars().chain(domain.chars()).any(is_unseen) {
        out.push(Doubt::Unseen);
    } else if domain_looks_like_another(&domain) || ends_in_another(&domain) {
        out.push(Doubt::DomainLookalike);
    }
    if known.0.get(&skeleton(name)).is_some_and(|known| !same(known)) {
        out.push(Doubt::KnownName);
    }
    out
}

/// Whether the name shows an address that is not the one behind it.
#[must_use]
pub fn shows_another(address: &Address) -> bool {
    let name = address.name.as_deref().unwrap_or_default();
    if name.is_ascii() && !name.contains('@') {
        return false; // nearly all, and quickly
    }
    let read: String = with_dots(name).collect();
    let words = read.split(|c: char| c.is_whitespace() || "<>()[]\"',;:".contains(c));
    let mut shown = words.map(|word| word.trim_matches('.')).filter(|word| is_address(word));
    shown.any(|word| !word.eq_ignore_ascii_case(&address.address))
}

/// Whether what stands before the `@` is an address, of somebody else's domain.
fn begins_with_address(local: &str, domain: &str) -> bool {
    let read: String = with_dots(local).filter(|c| !matches!(c, '"' | '\\')).collect();
    let mut words = read.split(|c: char| c.is_whitespace() || "<>()[]',;:".contains(c));
    words.any(|word| {
        let other = word.rsplit_once('@').map(|(_, other)| organisation(other));
        is_address(word) && other.is_some_and(|other| other != organisation(domain))
    })
}

/// `local@domain`.
fn is_address(word: &str) -> bool {
    let Some((local, domain)) = word.split_once('@') else {
        return false;
    };
    !local.is_empty() && domain.len() > 2 && domain.trim_end_matches('.').contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str, address: &str) -> Address {
        let name = (!name.is_empty()).then(|| name.to_owned());
        Address { name, address: address.to_owned() }
    }

    fn check(name: &str, at: &str, expected: &[Doubt]) {
        let mut known = Known::default();
        for (name, at) in [("Ann Lee", "ann@a.test"), ("", "bob@a.test"), ("Ann Lee", "x@y.z")] {
            known.note(&address(name, at));
        }
        assert_eq!(doubts(&address(name, at), &known), expected, "{name} <{at}>");
    }

    #[test]
    fn names_that_pretend() {
        for (name, at) in [
            ("Ann Lee", "ANN@a.test"),
            ("", "x@y.test"),
            ("bob@a.test", "bob@A.test"),
            ("Bob @ Work", "bob@a.test"),
            ("Анна", "anna@a.test"),
            ("", ""),
        ] {
            check(name, at, &[]);
        }
        check("bob@a.test", "eve@e.test", &[Doubt::NameShowsAddress]);
        check("Bob (bob\u{ff20}a.test)", "eve@e.test", &[Doubt::NameShowsAddress]);
        check("bob\u{ff20}a\u{2024}test", "eve@e.test", &[Doubt::NameShowsAddress]);
        check("bob@a\u{3002}test", "eve@e.test", &[Doubt::NameShowsAddress]);
        check("bob@a\u{ff0e}test", "eve@e.test", &[Doubt::NameShowsAddress]);
        check("bob\u{ff20}a\u{ff0e}test", "bob@a.test", &[]);
        check("P\u{430}ypal", "eve@e.test", &[Doubt::NameLookalike]);
        check("Eve", "eve@p\u{430}ypal.com", &[Doubt::DomainLookalike]);
        check("Eve", "eve@xn--80ak6aa92e.com", &[Doubt::DomainLookalike]);
        check("Eve", "eve@exam\u{ad}ple.com", &[Doubt::Unseen]);
        check("Eve", "e\u{3164}ve@e.test", &[Doubt::Unseen]);
        check("Eve", "eve@a.test\u{2044}e.test", &[Doubt::DomainLookalike]);
        check("", "\"security@paypal.com\"@evil.example", &[Doubt::BeginsWithAddress]);
        check("", "\"a <b\u{ff20}c\u{3002}test>\"@evil.example", &[Doubt::BeginsWithAddress]);
        check("", "\"ann@mail.a.test\"@a.test", &[]);
        check("", "bounce+ann=a.test@list.test", &[]);
        check("PayPaI", "x@paypai.com", &[Doubt::NameLookalike]);
        check("", "x@paypaI.com", &[Doubt::DomainLookalike]);
        check("Ann L33", "x@e.test", &[]);
        check("Ann Iee", "x@e.test", &[Doubt::KnownName]);
        check("ann  lee", "eve@e.test", &[Doubt::KnownName]);
        check("\u{410}nn Lee", "eve@e.test", &[Doubt::NameLookalike, Doubt::KnownName]);
    }
}
