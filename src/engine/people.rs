//! Everybody who was met in all mail that is in the index, for addresses that are being typed.
//!
//! Invariant: bounded, whatever the mailbox; read on a thread and a connection of its own, so that
//! neither a key nor the engine waits for it. What a name hides is taken out before it is proposed.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::Path;

use crate::engine::EngineError;
use crate::engine::search::SentTo;
use crate::mail::Address;
use crate::mail::compose::{Person, address_key};
use crate::mailbox::{self, Met};
use crate::safe_text;
use crate::store::{Db, Kind};
use crate::thread::{Step, Trail, What};

/// People that are told.
pub const MAX_PEOPLE: usize = 5_000;
/// Addresses that are told apart; the newest are met first.
const MAX_MET: usize = 100_000;
/// Rows that are looked through.
const MAX_ROWS: usize = 500_000;
/// Conversations that are read for whom mail in them went to, the newest first.
const MAX_LOOKED: usize = 2_000;
/// Rows that are read at a time.
const A_TIME: usize = 1_000;
/// The longest address that is proposed, in bytes (RFC 5321 section 4.5.3.1).
const MAX_ADDRESS_BYTES: usize = 320;

/// Everybody who was met in the mailbox of the data directory `dir`: whom one wrote to first, then
/// who wrote most.
///
/// # Errors
/// When the database refuses.
pub fn everybody(dir: &Path, sent_to: Option<&SentTo>) -> Result<Vec<Person>, EngineError> {
    let path = dir.join("mailbox.db");
    let Some(db) = Db::read(&path, Kind::Mailbox, mailbox::VERSION)? else {
        return Ok(Vec::new());
    };
    let (mut all, mut next, mut rows) = (HashMap::new(), Some(i64::MAX), 0);
    let mut looked = 0;
    while let Some(before) = next.filter(|_| rows < MAX_ROWS) {
        let (met, after) = mailbox::met(&db, before, A_TIME)?;
        rows += A_TIME;
        for met in &met {
            meet(&mut all, met);
            for went in went_to(met.trail.as_deref()) {
                meet(&mut all, &went);
            }
            let Some((sent_to, thread)) = sent_to.zip(met.sent.as_ref()) else { continue };
            if looked < MAX_LOOKED {
                looked += 1;
                for (people, last) in sent_to(thread) {
                    meet(&mut all, &to(people, last));
                }
            }
        }
        next = after;
    }
    Ok(best(all))
}

/// People to whom something went.
const fn to(people: Vec<Address>, last: i64) -> Met {
    Met { people, last, wrote: true, sent: None, trail: None }
}

/// To whom the messages of a draft's store went, by the trail of its row.
fn went_to(trail: Option<&str>) -> Vec<Met> {
    let trail = trail.and_then(|text| serde_json::from_str::<Trail>(text).ok());
    let entries = trail.into_iter().flat_map(|trail| trail.entries);
    let titles = entries.filter_map(|entry| match entry.what {
        What::Outgoing(Step::Claimed { title, .. }) => Some(title),
        _ => None,
    });
    titles.map(|title| to(title.people(), title.at)).collect()
}

fn meet(all: &mut HashMap<String, Person>, met: &Met) {
    for who in met.people.iter().filter(|who| who.address.len() <= MAX_ADDRESS_BYTES) {
        let key = address_key(&who.address);
        if !key.contains('@') || (all.len() >= MAX_MET && !all.contains_key(&key)) {
            continue;
        }
        let person = all.entry(key).or_insert_with(|| Person {
            address: safe(who),
            count: 0,
            last: met.last,
            wrote_to: false,
        });
        person.count = person.count.saturating_add(1);
        person.wrote_to |= met.wrote;
        // The newest name that anybody gave.
        if who.name.is_some() && (met.last > person.last || person.address.name.is_none()) {
            person.address = safe(who);
        }
        person.last = person.last.max(met.last);
    }
}

fn best(all: HashMap<String, Person>) -> Vec<Person> {
    let mut people: Vec<Person> = all.into_values().collect();
    people.sort_by(|a, b| {
        let key = |person: &Person| {
            (Reverse(person.wrote_to), Reverse(person.count), Reverse(person.last))
        };
        key(a).cmp(&key(b)).then_with(|| a.address.address.cmp(&b.address.address))
    });
    people.truncate(MAX_PEOPLE);
    people
}

/// An address as it may be typed.
fn safe(address: &Address) -> Address {
    let name = address.name.as_deref().map(safe_text::line);
    Address { name, address: safe_text::line(&address.address) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, address: &str) -> Address {
        let name = (!name.is_empty()).then(|| name.to_owned());
        Address { name, address: address.to_owned() }
    }

    #[test]
    fn whom_one_wrote_to_comes_first_then_who_wrote_most() {
        let mut all = HashMap::new();
        let met = |people: &[Address], last, wrote| Met { wrote, ..to(people.to_vec(), last) };
        for last in 0..5 {
            meet(&mut all, &met(&[of("Often", "often@x.org")], last, false));
        }
        meet(&mut all, &met(&[of("", "ANN@x.org"), of("", "nobody")], 9, true));
        meet(&mut all, &met(&[of("Ann\u{202e}", "ann@x.org")], 3, false));
        meet(&mut all, &met(&[of("Late", "late@x.org")], 99, false));
        let best = best(all);
        let said: Vec<_> = best
            .iter()
            .map(|p| (p.address.name.as_deref(), p.address.address.as_str(), p.count, p.last))
            .collect();
        let expected = [
            (Some("Ann"), "ann@x.org", 2, 9),
            (Some("Often"), "often@x.org", 5, 4),
            (Some("Late"), "late@x.org", 1, 99),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn to_whom_something_went_is_known_by_its_trail() {
        let title = |to: &str| serde_json::json!({ "t": to, "a": 7 });
        let entry = |at: u64, what: serde_json::Value| {
            let id = format!("e{at}");
            serde_json::json!({ "p": at, "i": id, "d": "d", "w": { "b": what } })
        };
        let claimed = serde_json::json!({ "c": {
            "q": "e2", "i": "e1", "t": title("Bob <bob@x.org>, eve@x.org, half"),
        }});
        let saved = serde_json::json!({ "s": { "t": title("nobody@x.org") } });
        let trail = Trail::default();
        let mut text = serde_json::to_value(&trail).unwrap();
        text["e"] = serde_json::json!([entry(1, saved), entry(2, claimed)]);
        let met = went_to(Some(&text.to_string()));
        let people: Vec<_> = met.iter().flat_map(|met| &met.people).collect();
        let people: Vec<_> = people.iter().map(|who| who.address.as_str()).collect();
        assert_eq!((people, met[0].wrote, met[0].last), (vec!["bob@x.org", "eve@x.org"], true, 7));
        assert!(went_to(None).is_empty() && went_to(Some("{")).is_empty());
    }

    #[test]
    fn however_many_there_are_so_many_are_told() {
        let mut all = HashMap::new();
        for n in 0..MAX_PEOPLE + 10 {
            let people = vec![of("", &format!("p{n}@x.org"))];
            meet(&mut all, &Met { wrote: n > MAX_PEOPLE, ..to(people, 1) });
        }
        let best = best(all);
        assert_eq!(best.len(), MAX_PEOPLE);
        assert!(best[..9].iter().all(|person| person.wrote_to));
    }
}
