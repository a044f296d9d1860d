//! What is asked of texts, as expressions of FTS5.
//!
//! Invariant: pure; what comes out is always a valid expression, whatever words went in.

use crate::search::entry::SHORT_CHARS;
use crate::search::query::{Field, Test};

/// Stands before each word of a list's id in the index, so that nobody finds it who does not ask
/// for lists: it is no letter, and so in no word.
pub(super) const LIST_MARK: char = '\u{e000}';

/// A test of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// Over all words.
    pub(super) words: String,
    /// Over beginnings of words alone, where they answer.
    pub(super) short: Option<String>,
}

impl Text {
    /// The expression of a test; `None` for one that is not about texts. While somebody types, the
    /// one or two letters of a last word are looked for in subjects, names and files only, and a
    /// single one in all of these, whichever was named.
    pub(super) fn of(test: &Test, typing: bool) -> Option<Self> {
        match test {
            Test::Text { field, words, prefix } => {
                let phrase = phrase(*field, words);
                let star = if *prefix { " *" } else { "" };
                let words_test = format!("{}{phrase}{star}", columns(*field));
                let begin = match words.as_slice() {
                    [begin] if *prefix => Some(begin),
                    _ => None,
                };
                let short = begin.filter(|begin| match (field, begin.chars().count()) {
                    (Field::Any, SHORT_CHARS) => true,
                    (Field::Any, chars) => typing && chars < SHORT_CHARS,
                    // All words that begin with one letter are very many.
                    (Field::Body | Field::List, _) => false,
                    (_, chars) => typing && chars == 1,
                });
                Some(Self { words: words_test, short: short.map(|begin| quoted(begin)) })
            }
            Test::Near { field, first, second, within } => {
                let (first, second) = (phrase(*field, first), phrase(*field, second));
                let words = format!("{}NEAR({first} {second}, {within})", columns(*field));
                Some(Self { words, short: None })
            }
            _ => None,
        }
    }
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
        let text = Text::of(&Test::Text { field, words, prefix }, typing).unwrap();
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
        check(Field::Any, &["a", "b"], true, true, ("\"a b\" *", None));
        check(Field::Any, &["abc"], true, false, ("\"abc\" *", Some("\"abc\"")));
        check(Field::Any, &["ab"], true, false, ("\"ab\" *", None));
        check(Field::Any, &["ab"], true, true, ("\"ab\" *", Some("\"ab\"")));
        check(Field::From, &["abc"], true, true, ("sender : \"abc\" *", None));
        check(Field::From, &["a"], true, true, ("sender : \"a\" *", Some("\"a\"")));
        check(Field::From, &["a"], true, false, ("sender : \"a\" *", None));
        check(Field::Body, &["a"], true, true, ("body : \"a\" *", None));
        check(Field::To, &["x"], false, false, ("{recipient cc bcc} : \"x\"", None));
        let list = "list : \"\u{e000}a \u{e000}b\"";
        check(Field::List, &["a", "b"], false, false, (list, None));
        check(Field::Any, &["a\"b"], false, false, ("\"a\"\"b\"", None));
    }
}
