//! Who an answer goes to, and as whom.
//!
//! Invariant: nobody is twice in an answer, and oneself only where there is nobody else; an address
//! that a message states for answers is where they go, unless a list put its own there. This file
//! must not write texts.

use std::collections::HashSet;

use super::super::Address;
use super::{Shown, address_key};

/// Somebody that the user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account that sends its mail.
    pub account: Option<String>,
    /// The address and name that are in From.
    pub from: Address,
    /// Its other addresses; `*@domain` is every address of a domain.
    pub aliases: Vec<String>,
    /// The signature, without the line above it; empty is none.
    pub signature: String,
    /// Its answers are written above what they quote.
    pub above: bool,
}

impl Identity {
    /// Whether `address` is one of its own: by case, tag (`ann+list@`) and alias alike.
    #[must_use]
    pub fn is(&self, address: &str) -> bool {
        is(self, address)
    }
}

/// Who is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Who wrote it.
    Sender,
    /// Everybody who got it.
    All,
    /// The list that it came by; everybody, where it came by none.
    List,
}

/// Whether `address` is this identity: by case, tag (`ann+list@`) and alias alike.
#[must_use]
pub(super) fn is(identity: &Identity, address: &str) -> bool {
    let key = address_key(address);
    let domain = |alias: &str| {
        let domain = alias.strip_prefix('*').map(address_key);
        domain.is_some_and(|domain| domain.starts_with('@') && key.ends_with(&domain))
    };
    is_named(identity, &key) || identity.aliases.iter().any(|alias| domain(alias))
}

/// Whether one of its own addresses has this key, with a tag or without.
fn is_named(identity: &Identity, key: &str) -> bool {
    let bare = untagged(key);
    let mut named = std::iter::once(&identity.from.address).chain(&identity.aliases);
    named.any(|own| {
        let own = address_key(own);
        own == key || bare.as_ref() == Some(&own)
    })
}

/// `ann@x` of `ann+tag@x` (RFC 5233).
fn untagged(key: &str) -> Option<String> {
    let (local, domain) = key.rsplit_once('@')?;
    let (bare, _) = local.split_once('+')?;
    (!bare.is_empty()).then(|| format!("{bare}@{domain}"))
}

/// To and Cc of an answer.
#[must_use]
pub(super) fn of_answer(
    shown: &Shown,
    answer: Answer,
    me: &[Identity],
) -> (Vec<Address>, Vec<Address>) {
    let mut pick = Pick { me, seen: HashSet::new() };
    let ours = shown.from.iter().any(|from| pick.is_me(from));
    let list = shown.hints.list_post.as_deref();
    if answer == Answer::List
        && let Some(list) = list
    {
        return (pick.all(&[Address { name: None, address: list.to_owned() }]), Vec::new());
    }
    let all = answer != Answer::Sender;
    if all && !shown.hints.followup_to.is_empty() {
        let to = pick.others(&shown.hints.followup_to);
        if !to.is_empty() {
            return (to, Vec::new());
        }
    }
    let sender = senders(shown);
    let to = if ours { &shown.to } else { &sender };
    let mut to = pick.others(to);
    let mut cc = Vec::new();
    if all {
        if !ours {
            cc = pick.others(&shown.to);
        }
        cc.extend(pick.others(&shown.cc));
        // A list put itself into Reply-To and is neither in To nor in Cc.
        cc.extend(pick.others(&shown.reply_to));
    } else if to.is_empty() && ours {
        to = pick.others(&shown.cc);
    }
    if to.is_empty() {
        to = std::mem::take(&mut cc);
    }
    if to.is_empty() {
        // A note to oneself.
        to = pick.all(&sender);
    }
    (to, cc)
}

/// Whom an answer to the sender goes to: Reply-To, unless it is only the list's own address there.
fn senders(shown: &Shown) -> Vec<Address> {
    let list = shown.hints.list_post.as_deref().map(address_key);
    let is_list = |address: &Address| Some(address_key(&address.address)) == list;
    let stated = |list: &[Address]| -> Vec<Address> {
        list.iter().filter(|a| !a.address.is_empty() && !is_list(a)).cloned().collect()
    };
    let wanted = stated(&shown.reply_to);
    if !wanted.is_empty() {
        return wanted;
    }
    let from = stated(&shown.from);
    if from.is_empty() { [shown.reply_to.clone(), shown.from.clone()].concat() } else { from }
}

/// Takes addresses once each.
struct Pick<'a> {
    me: &'a [Identity],
    seen: HashSet<String>,
}

impl Pick<'_> {
    fn is_me(&self, address: &Address) -> bool {
        self.me.iter().any(|me| is(me, &address.address))
    }

    fn all(&mut self, addresses: &[Address]) -> Vec<Address> {
        let mut out = Vec::new();
        for address in addresses.iter().filter(|address| !address.address.is_empty()) {
            if self.seen.insert(address_key(&address.address)) {
                out.push(address.clone());
            }
        }
        out
    }

    fn others(&mut self, addresses: &[Address]) -> Vec<Address> {
        let others: Vec<_> = addresses.iter().filter(|a| !self.is_me(a)).cloned().collect();
        self.all(&others)
    }
}

/// As whom an answer is written: the identity and the address that the message was sent to.
#[must_use]
pub(super) fn writer<'a>(shown: &Shown, me: &'a [Identity]) -> Option<(&'a Identity, Address)> {
    let from = shown.from.iter();
    let addressed = from.chain(&shown.to).chain(&shown.cc).chain(&shown.hints.delivered_to);
    for address in addressed {
        if let Some(identity) = me.iter().find(|me| is(me, &address.address)) {
            return Some((identity, own_address(identity, &address.address)));
        }
    }
    me.first().map(|identity| (identity, identity.from.clone()))
}

/// The identity's own address, or its alias where the message came to that one.
fn own_address(identity: &Identity, address: &str) -> Address {
    let key = address_key(address);
    let alias = identity.aliases.iter().find(|alias| address_key(alias) == key);
    let catch_all = || (!is_named(identity, &key)).then_some(address);
    match alias.map(String::as_str).or_else(catch_all) {
        Some(address) => Address { name: identity.from.name.clone(), address: address.to_owned() },
        None => identity.from.clone(),
    }
}
