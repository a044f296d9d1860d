//! The beginning of a word, as the words of the index that begin so.
//!
//! Invariant: both ask the same of every message. FTS5 reads whole lists of all words that have a
//! beginning before it tells its first answer, and the list of a word only as far as answers are
//! wanted. So a beginning that few words have is asked as these; one that many have stays one, as
//! it is then not known whether that would be less.

use rusqlite::OptionalExtension as _;

use super::Index;
use super::entry::SHORT_CHARS;
use super::query::{Field, Leaf, Query, Test};
use crate::store::StoreError;

/// Words that a beginning is asked as, at most.
const MAX_WORDS: usize = 16;
/// Beginnings of a query that are looked up; more stay what they are.
const MAX_BEGINNINGS: usize = 4;
/// Sorts behind a word and before all that it begins: no word has it.
const BEHIND: char = '\u{1}';

/// The first word from a place on: an instance of it, so that its list is not read.
const NEXT: &str = "SELECT term FROM spoken WHERE term >= ?1 LIMIT 1";

impl Index {
    /// The query with beginnings that all answers have as the words that begin so, where these are
    /// few; `None` where nothing is to be done.
    pub(super) fn spelled_out(&self, query: &Query) -> Option<Query> {
        let mut left = MAX_BEGINNINGS;
        match query {
            Query::And(parts) if parts.iter().any(is_beginning) => {
                let spelled = |part: &Query| self.spelled(part, &mut left);
                Some(Query::And(parts.iter().map(spelled).collect()))
            }
            query if is_beginning(query) => Some(self.spelled(query, &mut left)),
            _ => None,
        }
    }

    /// A part of a query.
    fn spelled(&self, part: &Query, left: &mut usize) -> Query {
        let words = match beginning(part) {
            Some(begin) if *left > 0 => {
                *left -= 1;
                // A file that cannot be read so says it when it is asked.
                self.words_that_begin(begin).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let mut leaves: Vec<Query> = words.into_iter().map(|word| with_word(part, word)).collect();
        match leaves.len() {
            0 => part.clone(),
            1 => leaves.remove(0),
            _ => Query::Or(leaves),
        }
    }

    /// The words that begin so; none where they are too many.
    fn words_that_begin(&self, begin: &str) -> Result<Vec<String>, StoreError> {
        let mut next = self.db.sql().prepare_cached(NEXT)?;
        let mut words: Vec<String> = Vec::new();
        let mut from = begin.to_owned();
        while let Some(word) = next.query_row([&from], |row| row.get::<_, String>(0)).optional()?
            && word.starts_with(begin)
        {
            if words.len() == MAX_WORDS {
                return Ok(Vec::new());
            }
            from.clone_from(&word);
            from.push(BEHIND);
            words.push(word);
        }
        Ok(words)
    }
}

/// The beginning that a part asks for, where that is all; shorter ones have a table of their own,
/// and too many words.
fn beginning(part: &Query) -> Option<&str> {
    let Query::Leaf(Leaf { test: Test::Text { field, words, prefix: true }, .. }) = part else {
        return None;
    };
    let [begin] = &words[..] else { return None };
    let long = begin.chars().count() > SHORT_CHARS;
    (long && *field != Field::List).then_some(begin)
}

fn is_beginning(part: &Query) -> bool {
    beginning(part).is_some()
}

/// The same part with a whole word in place of its beginning.
fn with_word(part: &Query, word: String) -> Query {
    let mut part = part.clone();
    if let Query::Leaf(Leaf { test: Test::Text { words, prefix, .. }, .. }) = &mut part {
        *words = vec![word];
        *prefix = false;
    }
    part
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::id::{LabelId, MessageId, ThreadId};
    use crate::mail::Searchable;
    use crate::search::entry::{Entry, Texts};
    use crate::search::query::{Context, parse};
    use crate::search::{Ask, Names, Order, Rows};

    /// Each message is a conversation in the inbox.
    struct All;

    impl Names for All {
        fn labels(&mut self, _: &str) -> Vec<LabelId> {
            Vec::new()
        }
    }

    impl Rows for All {
        fn shown(
            &mut self,
            thread: &ThreadId,
        ) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError> {
            Ok(Some((thread.clone(), vec![crate::label::system("inbox")])))
        }

        fn few(&mut self, _: &[LabelId], _: usize) -> Result<Option<Vec<ThreadId>>, StoreError> {
            Ok(None)
        }
    }

    /// Messages with these subjects, the oldest first.
    fn index(subjects: &[&str]) -> (tempfile::TempDir, Index) {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path()).unwrap();
        let entry = |(n, subject): (usize, &&str)| Entry {
            thread: ThreadId::try_from(format!("thread-{n:04}")).unwrap(),
            message: MessageId::try_from(format!("message-{n:04}")).unwrap(),
            raw: crate::store::Blobs::name(subject.as_bytes()),
            date: i64::try_from(n).unwrap(),
            size: 1,
            attached: false,
            message_id: String::new(),
            list: String::new(),
            texts: Texts::of(&Searchable {
                subject: (*subject).to_owned(),
                ..Searchable::default()
            }),
        };
        let entries: Vec<Entry> = subjects.iter().enumerate().map(entry).collect();
        index.add(&entries).unwrap();
        (dir, index)
    }

    fn query(text: &str) -> Query {
        let context = Context { now: 0, zone: &TimeZone::UTC, me: &[], typing: false, saved: &[] };
        parse(text, &context).query
    }

    fn found(index: &Index, text: &str) -> Vec<i64> {
        let query = query(text);
        let ask = Ask { query: &query, limit: 9, order: Order::Newest, typing: false };
        let hits = index.find(&ask, &mut All, &|| true).unwrap();
        hits.into_iter().map(|hit| hit.date).collect()
    }

    /// What a query becomes; nothing where it stays.
    fn spelled(index: &Index, text: &str) -> String {
        index.spelled_out(&query(text)).map(|query| query.print(&TimeZone::UTC)).unwrap_or_default()
    }

    #[test]
    fn a_beginning_is_asked_as_the_words_that_begin_so_where_they_are_few() {
        let (_dir, index) = index(&["wedding", "wed", "weddings", "wedged", "Wedd", "x wedding"]);
        assert_eq!(spelled(&index, "wedd*"), "wedd OR wedding OR weddings");
        assert_eq!(spelled(&index, "x subject:weddi*"), "x subject:wedding OR subject:weddings");
        assert_eq!(spelled(&index, "weddings*"), "weddings");
        assert_eq!(spelled(&index, "wede*"), "wede*");
        for stays in ["wed*", "wedding", "\"x wedd\"*", "list:wedd*", "x OR wedd*", "-wedd*"] {
            assert_eq!(spelled(&index, stays), "", "{stays}");
        }
        assert_eq!(found(&index, "wedd*"), [5, 4, 2, 0]);
        assert_eq!(found(&index, "x wedd*"), [5]);
        assert_eq!(found(&index, "weddi* -x"), [2, 0]);
        assert_eq!(found(&index, "from:wedd*"), [0; 0]);
        assert_eq!(found(&index, "wede*"), [0; 0]);
    }

    #[test]
    fn a_beginning_of_many_words_and_one_of_many_stay_what_they_are() {
        let many: Vec<String> = (0..=MAX_WORDS).map(|n| format!("word{n:02}")).collect();
        let (_dir, index) = index(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(spelled(&index, "word*"), "word*");
        assert_eq!(spelled(&index, "word0*").matches(" OR ").count(), 9);
        assert_eq!(found(&index, "word*").len(), 9);
        let text = "word16* ".repeat(MAX_BEGINNINGS + 1);
        assert!(spelled(&index, &text).ends_with("word16 word16*"));
    }

    #[test]
    fn a_file_without_the_list_of_words_is_asked_for_the_beginning() {
        let (_dir, index) = index(&["wedding"]);
        index.db.sql().execute_batch("DROP TABLE spoken").unwrap();
        assert_eq!(spelled(&index, "wedd*"), "wedd*");
        assert_eq!(found(&index, "wedd*"), [0]);
    }
}
