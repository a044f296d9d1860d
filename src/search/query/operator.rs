//! The operators, by name: what each is for, and which names mean the same.
//!
//! Invariant: names are lower case ASCII; the first of a row is the one that is shown.

use super::Field;

/// What stands before a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::search) enum Operator {
    /// Words in a text.
    Text(Field),
    /// Words in a text to somebody, as another header says it.
    DeliveredTo,
    Label,
    Category,
    In,
    Is,
    Has,
    Larger,
    Smaller,
    Before,
    After,
    On,
    OlderThan,
    NewerThan,
    Account,
    MessageId,
}

/// An operator as it is known.
#[derive(Debug, Clone, Copy)]
pub(in crate::search) struct Row {
    pub(in crate::search) names: &'static [&'static str],
    pub(in crate::search) operator: Operator,
    pub(in crate::search) what: &'static str,
}

const fn row(names: &'static [&'static str], operator: Operator, what: &'static str) -> Row {
    Row { names, operator, what }
}

/// All operators, in the order in which they are offered.
pub(in crate::search) const ALL: &[Row] = &[
    row(&["from", "sender"], Operator::Text(Field::From), "who sent it"),
    row(&["to", "recipient"], Operator::Text(Field::To), "who it is to (To, Cc, Bcc)"),
    row(&["cc"], Operator::Text(Field::Cc), "who it is to (Cc)"),
    row(&["bcc"], Operator::Text(Field::Bcc), "who it is to (Bcc)"),
    row(&["subject"], Operator::Text(Field::Subject), "words of the subject"),
    row(&["label", "l", "tag"], Operator::Label, "has a label"),
    row(&["in", "folder"], Operator::In, "where it is: inbox, archive, sent, trash, anywhere"),
    row(&["is"], Operator::Is, "what it is: unread, read, starred, muted, snoozed"),
    row(&["has"], Operator::Has, "what it has: attachment, userlabels"),
    row(&["filename", "attachment"], Operator::Text(Field::Filename), "name of an attachment"),
    row(&["larger", "larger_than", "size"], Operator::Larger, "more bytes: 5M, 100k"),
    row(&["smaller", "smaller_than"], Operator::Smaller, "fewer bytes: 5M, 100k"),
    row(&["before", "older"], Operator::Before, "before a day: 2024-01-31, 2024, monday"),
    row(&["after", "newer", "since"], Operator::After, "on a day or later: 2024-01-31, 2024"),
    row(&["on", "date"], Operator::On, "on a day, in a month or year: 2024-01-31, 2024-01"),
    row(&["older_than"], Operator::OlderThan, "longer ago than: 3d, 2w, 1m, 1y"),
    row(&["newer_than"], Operator::NewerThan, "not longer ago than: 3d, 2w, 1m, 1y"),
    row(&["list"], Operator::Text(Field::List), "came by a mailing list"),
    row(&["body", "text"], Operator::Text(Field::Body), "words of the text"),
    row(&["category"], Operator::Category, "a category of Gmail: promotions, social"),
    row(&["deliveredto"], Operator::DeliveredTo, "who it is to"),
    row(&["account"], Operator::Account, "is in an account: its address, or what it begins with"),
    row(&["rfc822msgid", "msgid"], Operator::MessageId, "the message with this Message-ID"),
];

/// The operator with this name, in any case.
pub(in crate::search) fn find(name: &str) -> Option<Operator> {
    let name = name.to_ascii_lowercase();
    ALL.iter().find(|row| row.names.contains(&name.as_str())).map(|row| row.operator)
}

/// Whether `name` could be one: letters, with `_` and digits behind.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What stands before a colon in mail and is no operator: answers, forwards, addresses.
pub(super) fn is_common(name: &str) -> bool {
    const COMMON: [&str; 26] = [
        "re", "fw", "fwd", "aw", "wg", "sv", "vs", "vb", "antw", "tr", "rv", "res", "enc", "ynt",
        "odp", "doorst", "http", "https", "ftp", "mailto", "file", "news", "tel", "urn", "git",
        "ssh",
    ];
    COMMON.contains(&name.to_ascii_lowercase().as_str())
}

/// The word of `known` that is nearest to what was typed, if one is near.
pub(in crate::search) fn nearest<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let typed: Vec<char> = typed.to_lowercase().chars().take(MAX_NEAR_CHARS).collect();
    let most = match typed.len() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    let near = known.into_iter().map(|word| (distance(&typed, word), word));
    near.filter(|(far, _)| *far <= most).min_by_key(|(far, _)| *far).map(|(_, word)| word)
}

/// Characters of a word that are compared with a known one.
const MAX_NEAR_CHARS: usize = 24;

/// Letters to add, take out, change, or change places of, from one word to the other.
fn distance(typed: &[char], word: &str) -> usize {
    let word: Vec<char> = word.chars().take(MAX_NEAR_CHARS).collect();
    let mut rows = vec![vec![0; word.len() + 1]; typed.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=typed.len() {
        for j in 1..=word.len() {
            let changed = usize::from(typed[i - 1] != word[j - 1]);
            let mut least =
                (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && typed[i - 1] == word[j - 2] && typed[i - 2] == word[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[typed.len()][word.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_once() {
        let mut names: Vec<&str> = ALL.iter().flat_map(|row| row.names).copied().collect();
        let count = names.len();
        assert!(names.iter().all(|name| is_name(name) && *name == name.to_ascii_lowercase()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(find("FROM"), Some(Operator::Text(Field::From)));
    }

    #[test]
    fn what_was_meant() {
        let names = || ALL.iter().flat_map(|row| row.names).copied();
        for (typed, meant) in [
            ("form", Some("from")),
            ("subjct", Some("subject")),
            ("lable", Some("label")),
            ("filname", Some("filename")),
            ("note", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names()), meant, "{typed}");
        }
    }
}
