//! What is asked of texts, as expressions of FTS5.
//!
//! Invariant: pure; what comes out is always a valid expression, whatever words went in.

use crate::search::entry::SHORT_CHARS;
use crate::search::query::{Field, Test};

/// Stands before each word of a list's id in the index, so that nobody finds it who does not ask
/// for lists: it is no letter, and so in no word.
pub(super) const LIST_MARK: char = '\u{e000}';

/// Stand before a beginning of one or two letters in the table of beginnings, where that is one of
/// a word of this field: no letters, and so in no word.
pub(super) const SENDER_MARK: char = '\u{e001}';
pub(super) const RECIPIENT_MARK: char = '\u{e002}';
pub(super) const SUBJECT_MARK: char = '\u{e003}';
pub(super) const FILE_MARK: char = '\u{e004}';

/// A test of texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Text {
    /// Over all words.
    pub(super) words: String,
    /// Over beginnings of words alone, where they answer.
    pub(super) short: Option<String>,
    /// What is asked of all words beside `short`.
    pub(super) beside: Option<String>,
}

impl Text {
    /// The expression of a test; `None` for one that is not about texts, or asks nothing.
    ///
    /// All words that begin with one or two letters are very many, so while somebody types, the
    /// last word of a test asks less than it will mean: its one or two letters are looked for in
    /// subjects, names and files only, wherever the words before them stand, and not at all where
    /// they are those of a body.
    pub(super) fn of(test: &Test, typing: bool) -> Option<Self> {
        match test {
            Test::Text { field, words, prefix } => {
                let before = words.len().saturating_sub(1);
                let last = words.last().filter(|_| *prefix);
                let few = last.is_some_and(|last| last.chars().count() < SHORT_CHARS);
                let begin = last.and_then(|last| begin(*field, last, typing));
                let whole =
                    |words: &[String]| format!("{}{}", columns(*field), phrase(*field, words));
                let star = if *prefix { " *" } else { "" };
                let all = format!("{}{star}", whole(words));
                let text = Self { words: all, ..Self::default() };
                match (before, begin) {
                    (0, short @ Some(_)) => Some(Self { short, ..text }),
                    (_, None) if !(typing && few) || *field == Field::List => Some(text),
                    (0, None) => None,
                    (_, None) => Some(Self { words: whole(&words[..before]), ..text }),
                    (_, short) if typing && few => {
                        Some(Self { short, beside: Some(whole(&words[..before])), ..text })
                    }
                    (_, Some(_)) => Some(text),
                }
            }
            Test::Near { field, first, second, within } => {
                let (first, second) = (phrase(*field, first), phrase(*field, second));
                let words = format!("{}NEAR({first} {second}, {within})", columns(*field));
                Some(Self { words, ..Self::default() })
            }
            _ => None,
        }
    }
}

/// The expression over beginnings that a beginning in a field is, if it is one.
fn begin(field: Field, begin: &str, typing: bool) -> Option<String> {
    let mark = match (field, begin.chars().count()) {
        (Field::Any, SHORT_CHARS) => None,
        (Field::Any, chars) if chars < SHORT_CHARS && typing => None,
        (Field::Body | Field::List | Field::Any, _) => return None,
        (_, chars) if chars >= SHORT_CHARS => return None,
        (Field::From, _) => Some(SENDER_MARK),
        (Field::To, _) => Some(RECIPIENT_MARK),
        (Field::Cc | Field::Bcc, _) if typing => Some(RECIPIENT_MARK),
        (Field::Cc | Field::Bcc, _) => return None,
        (Field::Subject, _) => Some(SUBJECT_MARK),
        (Field::Filename, _) => Some(FILE_MARK),
    };
    Some(quoted(&mark.into_iter().chain(begin.chars()).collect::<String>()))
}

/// Each of some expressions; `None` of none. They stand side by side, since the parser of FTS5 goes
/// into few parentheses within each other.
pub(super) fn all(parts: &[String]) -> Option<String> {
    joined(parts, ") AND (")
}

/// Any of some expressions; `None` of none.
pub(super) fn any(parts: &[String]) -> Option<String> {
    joined(parts, ") OR (")
}

/// The expression, and none of the others.
pub(super) fn without(with: &str, others: &[String]) -> String {
    match any(others) {
        Some(others) => format!("({with}) NOT ({others})"),
        None => with.to_owned(),
    }
}

fn joined(parts: &[String], with: &str) -> Option<String> {
    match parts {
        [] => None,
        [part] => Some(part.clone()),
        parts => Some(format!("({})", parts.join(with))),
    }
}

fn columns(field: Field) -> &'static str {
    match field {
        Field::Any => "",
        Field::From => "sender : ",
        Field::To => "{recipient cc bcc} : ",
        Field::Cc => "cc : ",
        Field::Bcc => "bcc : ",
        Field::Subject => "subject : ",
        Field::Body => "body : ",
        Field::Filename => "file : ",
        Field::List => "list : ",
    }
}

fn phrase(field: Field, words: &[String]) -> String {
    let mark = (field == Field::List).then_some(LIST_MARK);
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        text.extend(mark);
        text.push_str(word);
    }
    quoted(&text)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\"").replace('\0', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: Field, words: &[&str], prefix: bool, typing: bool, want: (&str, Option<&str>)) {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let text = Text::of(&Test::Text { field, words, prefix }, typing).unwrap_or_default();
        assert_eq!((text.words.as_str(), text.short.as_deref()), want);
    }

    #[test]
    fn expressions_together() {
        let parts: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(all(&parts).as_deref(), Some("(a) AND (b) AND (c)"));
        assert_eq!((any(&parts[..1]).as_deref(), any(&[])), (Some("a"), None));
        assert_eq!(without("x", &parts[1..]), "(x) NOT ((b) OR (c))");
        assert_eq!(without("x", &[]), "x");
    }

    #[test]
    fn tests_as_expressions() {
        check(Field::Any, &["a", "b"], false, false, ("\"a b\"", None));
        check(Field::Any, &["a", "b"], true, false, ("\"a b\" *", None));
        check(Field::Any, &["a", "b"], true, true, ("\"a b\" *", Some("\"b\"")));
        check(Field::Any, &["a", "bcd"], true, true, ("\"a bcd\" *", None));
        check(Field::Any, &["abc"], true, false, ("\"abc\" *", Some("\"abc\"")));
        check(Field::Any, &["ab"], true, false, ("\"ab\" *", None));
        check(Field::Any, &["ab"], true, true, ("\"ab\" *", Some("\"ab\"")));
        check(Field::From, &["abc"], true, true, ("sender : \"abc\" *", None));
        let a = Some("\"\u{e001}a\"");
        check(Field::From, &["a"], true, true, ("sender : \"a\" *", a));
        check(Field::From, &["a"], true, false, ("sender : \"a\" *", a));
        check(Field::From, &["a"], false, true, ("sender : \"a\"", None));
        check(Field::From, &["b", "a"], true, true, ("sender : \"b a\" *", a));
        check(Field::From, &["b", "a"], true, false, ("sender : \"b a\" *", None));
        check(Field::Cc, &["ab"], true, true, ("cc : \"ab\" *", Some("\"\u{e002}ab\"")));
        check(Field::Cc, &["ab"], true, false, ("cc : \"ab\" *", None));
        check(Field::Subject, &["ab"], true, false, ("subject : \"ab\" *", Some("\"\u{e003}ab\"")));
        check(Field::Body, &["a"], true, false, ("body : \"a\" *", None));
        check(Field::Body, &["a"], true, true, ("", None));
        check(Field::Body, &["b", "a"], true, true, ("body : \"b\"", None));
        check(Field::Body, &["abc"], true, true, ("body : \"abc\" *", None));
        check(Field::To, &["x"], false, false, ("{recipient cc bcc} : \"x\"", None));
        let list = "list : \"\u{e000}a \u{e000}b\"";
        check(Field::List, &["a", "b"], false, false, (list, None));
        check(Field::Any, &["a\"b"], false, false, ("\"a\"\"b\"", None));
    }
}
