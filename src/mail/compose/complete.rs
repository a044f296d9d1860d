//! Addresses of people seen, for what is being typed.
//!
//! Invariant: pure and bounded; who was written to stands before who only wrote, and a match at the
//! beginning before one inside. This file must not decide who is kept as seen.

use std::cmp::Reverse;
use std::ops::Range;

use super::super::Address;
use super::checks::fold;
use super::format_address;

/// Proposals that are given.
pub const MAX_PROPOSALS: usize = 10;
/// The most of what is typed that is looked for, in bytes.
const MAX_TYPED_BYTES: usize = 256;

/// Somebody whose address was in mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Name and address.
    pub address: Address,
    /// In how many messages.
    pub count: u32,
    /// When last, in Unix seconds.
    pub last: i64,
    /// The user wrote to them.
    pub wrote_to: bool,
}

/// Everybody, ready to be looked through at every key.
#[derive(Debug, Clone, Default)]
pub struct People(Vec<(String, Person)>);

impl People {
    /// Takes everybody in; once, not at every key.
    #[must_use]
    pub fn new(people: Vec<Person>) -> Self {
        let folded = |person: &Person| {
            let name = person.address.name.as_deref().unwrap_or_default();
            format!("{}\n{}", fold(name), fold(&person.address.address))
        };
        let keyed = people.into_iter().filter(|person| !person.address.address.is_empty());
        Self(keyed.map(|person| (folded(&person), person)).collect())
    }
}

/// A completion of what is typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// The bytes of the field that a proposal replaces.
    pub range: Range<usize>,
    /// Addresses as they are typed, the best first.
    pub proposals: Vec<String>,
}

/// What is being typed in an address field at the caret (a byte offset): from the comma before it
/// to the comma behind.
#[must_use]
pub fn token_at(field: &str, caret: usize) -> Range<usize> {
    let caret = field.floor_char_boundary(caret.min(field.len()));
    let (mut start, mut end, mut quoted) = (0, field.len(), false);
    for (at, c) in field.char_indices() {
        match c {
            '"' => quoted = !quoted,
            // An open quote before the caret may be half of a name; commas in it are of the name.
            ',' | ';' | '\n' if !quoted => {
                if at < caret {
                    start = at + c.len_utf8();
                } else {
                    end = at;
                    break;
                }
            }
            _ => {}
        }
    }
    let token = &field[start..end];
    let from = start + token.len() - token.trim_start().len();
    let until = from + field[from..end].trim_end().len();
    from.min(end)..until
}

/// Completes what is typed at the caret; without proposals where nothing is typed.
#[must_use]
pub fn complete(field: &str, caret: usize, people: &People) -> Completion {
    let range = token_at(field, caret);
    let typed = &field[range.clone()];
    let typed = &typed[..typed.floor_char_boundary(MAX_TYPED_BYTES)];
    let wanted = fold(typed.trim_matches(['"', '<', '>', ' ']));
    if wanted.is_empty() {
        return Completion { range, proposals: Vec::new() };
    }
    let mut found: Vec<_> = people
        .0
        .iter()
        .filter_map(|(folded, person)| rank(folded, &wanted).map(|rank| (rank, person)))
        .collect();
    let key = |(rank, person): &(u8, &Person)| {
        (Reverse(person.wrote_to), *rank, Reverse(person.count), Reverse(person.last))
    };
    found.sort_by(|a, b| {
        key(a).cmp(&key(b)).then_with(|| a.1.address.address.cmp(&b.1.address.address))
    });
    let proposals = found.iter().map(|(_, person)| format_address(&person.address));
    Completion { range, proposals: proposals.take(MAX_PROPOSALS).collect() }
}

/// How well `wanted` fits `name\naddress`: 0 at the beginning of either, 1 at that of a word in the
/// name, 2 at that of a part of the address; words in any order count like the least of them.
fn rank(folded: &str, wanted: &str) -> Option<u8> {
    let (name, address) = folded.split_once('\n')?;
    if name.starts_with(wanted) || address.starts_with(wanted) {
        return Some(0);
    }
    if word_starts(name, wanted) {
        return Some(1);
    }
    if word_starts(address, wanted) {
        return Some(2);
    }
    let mut words = wanted.split_whitespace().peekable();
    words.peek()?;
    words.all(|word| word_starts(name, word) || word_starts(address, word)).then_some(3)
}

/// Whether `wanted` stands in `text` where a word begins.
fn word_starts(text: &str, wanted: &str) -> bool {
    text.match_indices(wanted).any(|(at, _)| {
        let begins = wanted.starts_with(|c: char| !c.is_alphanumeric());
        begins || text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        let of = |name: &str, address: &str, count, last, wrote_to| Person {
            address: Address {
                name: (!name.is_empty()).then(|| name.to_owned()),
                address: address.to_owned(),
            },
            count,
            last,
            wrote_to,
        };
        People::new(vec![
            of("Ann Lee", "ann@x.org", 5, 1, false),
            of("Anna Bell", "anna@y.org", 2, 9, true),
            of("Lee, Jörg", "joerg@z.org", 9, 9, false),
            of("", "sales@annex.org", 50, 9, false),
            of("Ann Other", "a.other@x.org", 5, 7, false),
            of("Somebody", "", 5, 7, false),
        ])
    }

    fn check(field: &str, range: &str, expected: &[&str]) {
        let caret = field.find('|').unwrap();
        let got = complete(&field.replace('|', ""), caret, &people());
        assert_eq!(&field.replace('|', "")[got.range], range, "{field}");
        assert_eq!(got.proposals, expected, "{field}");
    }

    #[test]
    fn proposals() {
        const ANN: &str = "Ann Lee <ann@x.org>";
        const ANNA: &str = "Anna Bell <anna@y.org>";
        const LEE: &str = "\"Lee, Jörg\" <joerg@z.org>";
        const OTHER: &str = "Ann Other <a.other@x.org>";
        check("an|", "an", &[ANNA, OTHER, ANN, "sales@annex.org"]);
        check("ÄNN l|", "ÄNN l", &[ANN]);
        check("lee a|", "lee a", &[ANN]);
        check("lee|", "lee", &[LEE, ANN]);
        check("jorg|", "jorg", &[LEE]);
        check("\"lee, j|", "\"lee, j", &[LEE]);
        check("bob@x.org, oth|, c@x.org", "oth", &[OTHER]);
        check("an|n@x.org; b", "ann@x.org", &[ANN]);
        check("@y|", "@y", &[ANNA]);
        check("nn|", "nn", &[]);
        check("a@x.org, |", "", &[]);
        check("|", "", &[]);
        assert_eq!(token_at("é", 1), 0..2);
        assert_eq!(token_at("a,b", 99), 2..3);
    }
}
