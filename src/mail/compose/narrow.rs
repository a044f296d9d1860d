//! A draft for some of its recipients only: those who did not get it.
//!
//! Invariant: it names nobody whom the draft did not name and who is not among those that are
//! asked for, and all of these; each stays in the field where it was.

use super::super::Address;
use super::domain::address_key;
use super::draft::Draft;
use super::typed::format_list;

/// `draft` for those of its recipients whose addresses are `only`, as they stood in the envelope.
/// One that no field names is told nobody: it is in Bcc.
#[must_use]
pub fn narrow(draft: &Draft, only: &[String]) -> Draft {
    let mut left: Vec<String> = only.iter().map(|address| address_key(address)).collect();
    let people = draft.recipients();
    let mut keep = |all: &[Address]| {
        let mut kept: Vec<Address> = Vec::new();
        for who in all {
            let key = address_key(&who.address);
            if let Some(at) = left.iter().position(|other| *other == key) {
                left.remove(at);
                kept.push(who.clone());
            }
        }
        format_list(&kept)
    };
    let (to, cc, mut bcc) = (keep(&people.to), keep(&people.cc), keep(&people.bcc));
    for address in only.iter().filter(|address| left.contains(&address_key(address))) {
        bcc = if bcc.is_empty() { address.clone() } else { format!("{bcc}, {address}") };
    }
    Draft { to, cc, bcc, ..draft.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_did_not_get_it_and_nobody_else() {
        let check = |only: &[&str], expected: (&str, &str, &str)| {
            let draft = Draft {
                to: "Ann <ann@x.org>, Bob <BOB@x.org>,".to_owned(),
                cc: "\"Doe, J\" <j@bücher.example>, ann@x.org".to_owned(),
                bcc: "eve@x.org".to_owned(),
                subject: "s".to_owned(),
                ..Draft::default()
            };
            let only: Vec<String> = only.iter().map(|&one| one.to_owned()).collect();
            let made = narrow(&draft, &only);
            assert_eq!((made.to.as_str(), made.cc.as_str(), made.bcc.as_str()), expected);
            assert_eq!(made.subject, "s");
        };
        check(&[], ("", "", ""));
        check(&["bob@x.org"], ("Bob <BOB@x.org>", "", ""));
        let doe = "\"Doe, J\" <j@bücher.example>";
        check(&["j@xn--bcher-kva.example", "eve@x.org"], ("", doe, "eve@x.org"));
        check(&["ann@x.org"], ("Ann <ann@x.org>", "", ""));
        check(&["z@x.org", "eve@x.org"], ("", "", "eve@x.org, z@x.org"));
    }
}
