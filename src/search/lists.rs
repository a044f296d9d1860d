//! How many messages the index has of each mailing list.
//!
//! Invariant: it only reads. Lists are told apart by the words of what they are known by, as
//! `list:` finds them; a list's name is kept beside when a message of it comes in, and goes with
//! every purge. Memory is bounded by the number of messages that are looked at.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rusqlite::{OptionalExtension as _, params};

use super::Index;
use super::fts::LIST_MARK;
use crate::store::StoreError;

/// Messages of lists that are looked at.
const MAX_LISTED: usize = 500_000;

/// What the words of lists are read from, and their names; neither says anything that the words of
/// messages do not say.
pub(super) const SQL: &str = "
    CREATE VIRTUAL TABLE IF NOT EXISTS spoken USING fts5vocab(words, instance);
    CREATE TABLE IF NOT EXISTS list(words TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
";

impl Index {
    /// Keeps what a list is called, by the words that a message of it has.
    pub(super) fn name_list(&self, words: &str, name: &str) -> Result<(), StoreError> {
        if !words.is_empty() && !name.is_empty() {
            let words = words.replace(LIST_MARK, "");
            let sql = "INSERT OR IGNORE INTO list(words, name) VALUES (?1, ?2)";
            self.db.sql().prepare_cached(sql)?.execute([words.as_str(), name])?;
        }
        Ok(())
    }

    /// The `most` lists with the most messages since `begin` (Unix seconds), with how many; what
    /// has no name yet is called by its words.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn lists(&self, begin: i64, most: usize) -> Result<Vec<(String, u64)>, StoreError> {
        let there = "SELECT 1 FROM sqlite_schema WHERE name = 'spoken'";
        if !self.db.sql().prepare(there)?.exists([])? {
            return Ok(Vec::new());
        }
        // Words come one by one: where each stands tells lists apart, whatever comes first.
        let mut messages: HashMap<i64, u64> = HashMap::new();
        self.each_word(begin, |message, at, word| {
            let full = messages.len() >= MAX_LISTED && !messages.contains_key(&message);
            if !full {
                let known = messages.entry(message).or_default();
                *known = known.wrapping_add(hashed(at, word));
            }
        })?;
        let sql = "SELECT 1 FROM message WHERE id = ?1 AND gone = 0";
        let mut shown = self.db.sql().prepare(sql)?;
        let mut lists: HashMap<u64, (u64, i64)> = HashMap::new();
        for (message, list) in messages {
            if shown.exists([message])? {
                let (count, newest) = lists.entry(list).or_default();
                *count += 1;
                *newest = message.max(*newest);
            }
        }
        let mut lists: Vec<(u64, i64)> = lists.into_values().collect();
        lists.sort_unstable_by(|a, b| b.cmp(a));
        // Some may have one name.
        lists.truncate(most.saturating_mul(2));
        let mut said: BTreeMap<i64, BTreeMap<i64, String>> =
            lists.iter().map(|(_, newest)| (*newest, BTreeMap::new())).collect();
        self.each_word(begin, |message, at, word| {
            if let Some(words) = said.get_mut(&message) {
                words.insert(at, word.to_owned());
            }
        })?;
        let mut named: Vec<(String, u64)> = Vec::new();
        for (count, newest) in lists {
            let words = said.remove(&newest).unwrap_or_default();
            let words = words.into_values().collect::<Vec<_>>().join(" ");
            let name = self.list_name(&words)?.unwrap_or(words);
            match named.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += count,
                None => named.push((name, count)),
            }
        }
        named.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        named.truncate(most);
        Ok(named)
    }

    fn list_name(&self, words: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT name FROM list WHERE words = ?1";
        let mut statement = self.db.sql().prepare_cached(sql)?;
        Ok(statement.query_row([words], |row| row.get(0)).optional()?)
    }

    /// Every word of a list's with its message and its place there.
    fn each_word(&self, begin: i64, mut see: impl FnMut(i64, i64, &str)) -> Result<(), StoreError> {
        let end = char::from_u32(u32::from(LIST_MARK) + 1).unwrap_or(char::MAX);
        let sql = "SELECT doc, offset, term FROM spoken
                   WHERE term >= ?1 AND term < ?2 AND col = 'list' AND doc >= ?3";
        let mut statement = self.db.sql().prepare(sql)?;
        let mut rows = statement.query(params![LIST_MARK.to_string(), end.to_string(), begin])?;
        while let Some(row) = rows.next()? {
            let term = row.get_ref(2)?.as_str().unwrap_or_default();
            see(row.get(0)?, row.get(1)?, term.trim_start_matches(LIST_MARK));
        }
        Ok(())
    }
}

fn hashed(at: i64, word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (at, word).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use crate::id::{MessageId, ThreadId};
    use crate::mail::{Address, Searchable};
    use crate::search::entry::{Entry, Texts};
    use crate::search::{Index, Waits};

    const DAY: i64 = 86_400;

    /// A message of a thread: who wrote it, when, and by which list it came.
    fn entry(thread: u64, n: u64, from: &str, date: i64, list: &str) -> Entry {
        let from = Address { name: Some("Ann Lee".to_owned()), address: from.to_owned() };
        let text = if list.is_empty() { String::new() } else { format!("A list <{list}>") };
        let texts =
            Texts::of(&Searchable { from: vec![from], list: text, ..Searchable::default() });
        Entry {
            thread: ThreadId::try_from(format!("thread-{thread:04}")).unwrap(),
            message: MessageId::try_from(format!("message-{thread:04}-{n}")).unwrap(),
            raw: crate::store::Blobs::name(format!("{thread} {n}").as_bytes()),
            date,
            size: 1,
            attached: false,
            message_id: String::new(),
            list: list.to_owned(),
            texts,
        }
    }

    fn index(entries: &[Entry]) -> (tempfile::TempDir, Index) {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path()).unwrap();
        index.add(entries).unwrap();
        (dir, index)
    }

    #[test]
    fn messages_are_counted_by_the_list_that_they_came_by() {
        let named = |n, list| entry(n, 0, "a@x.org", i64::try_from(n).unwrap() * DAY, list);
        let (_dir, index) = index(&[
            named(1, "old.x.org"),
            named(10, "tea.x.org"),
            named(11, "tea.x.org"),
            named(12, "x.tea.org"),
            named(13, ""),
            entry(14, 0, "a@x.org", 14 * DAY, "tea.x.org"),
            Entry { list: String::new(), ..named(15, "no.name.org") },
        ]);
        let lists = index.lists(5 * DAY, 9).unwrap();
        let said: Vec<_> = lists.iter().map(|(list, n)| (list.as_str(), *n)).collect();
        let all = [("tea.x.org", 3), ("a list no name org", 1), ("x.tea.org", 1)];
        assert_eq!(said, all);
        assert_eq!(index.lists(5 * DAY, 1).unwrap().len(), 1);
        let gone = ThreadId::try_from("thread-0010").unwrap();
        index.hide(&gone, &MessageId::try_from("message-0010-0").unwrap(), true).unwrap();
        assert_eq!(index.lists(5 * DAY, 9).unwrap()[0], ("tea.x.org".to_owned(), 2));
        // What is purged leaves no name behind.
        index.drop_thread(&gone).unwrap();
        assert_eq!(index.lists(5 * DAY, 1).unwrap()[0].0, "a list tea x org");
    }

    #[test]
    fn an_answer_is_the_next_message_of_the_other_side() {
        let (_dir, index) = index(&[
            entry(1, 0, "a@x.org", 1_000, ""),
            entry(1, 1, "me@y.org", 1_600, ""),
            entry(1, 2, "me@y.org", 1_700, ""),
            entry(1, 3, "b@x.org", 2_700, ""),
            entry(1, 4, "a@x.org", 2_800, ""),
            entry(1, 5, "Me@Y.org", 2_950, ""),
            // Nobody's business.
            entry(2, 0, "a@x.org", 1_000, ""),
            entry(2, 1, "b@x.org", 1_010, ""),
            // Too late.
            entry(3, 0, "me@y.org", 1_000, ""),
            entry(3, 1, "b@x.org", 1_000 + 2 * DAY, ""),
            entry(4, 0, "me@y.org.example", 1_000, ""),
            entry(4, 1, "b@x.org", 1_010, ""),
        ]);
        let waits = index.waits("me@y.org", DAY).unwrap();
        // `me@y.org.example` has the same words; its waits are told with these.
        assert_eq!(waits.yours, [600, 150]);
        assert_eq!(waits.theirs, [1_000, 10]);
        assert_eq!(index.waits("", DAY).unwrap(), Waits::default());
        assert_eq!(index.waits("\"; DROP", DAY).unwrap(), Waits::default());
    }
}
