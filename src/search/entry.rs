//! A message as it goes into the index: its texts as folded words.
//!
//! Invariant: pure, and bounded: of a very long text the first [`MAX_TEXT_BYTES`] of words count.
//! Text that says again what the shown text says is not there twice. This file must not know where
//! messages come from.

use std::collections::HashSet;

use crate::id::{BlobHash, MessageId, ThreadId};
use crate::mail::{Address, Searchable};
use crate::search::fts::{FILE_MARK, LIST_MARK, RECIPIENT_MARK, SENDER_MARK, SUBJECT_MARK};
use crate::search::words;

/// Folded words of one text of a message that go into the index, in bytes.
pub const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// The longest beginnings of words that are found without reading all words that begin so.
pub const SHORT_CHARS: usize = 3;

/// How many bits a character has.
const CHAR_BITS: usize = 21;
const _: () = assert!(CHAR_BITS * SHORT_CHARS <= 64);

/// A message as it goes into the index.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its thread.
    pub thread: ThreadId,
    /// Our id of it.
    pub message: MessageId,
    /// Its bytes' name: further copies of a message are entries of their own.
    pub raw: BlobHash,
    /// What it is sorted by, Unix seconds.
    pub date: i64,
    /// How many bytes.
    pub size: u64,
    /// Whether something is attached.
    pub attached: bool,
    /// Message-ID without angle brackets.
    pub message_id: String,
    /// What the list that it came by is known by; empty for none.
    pub list: String,
    /// Its words.
    pub texts: Texts,
}

/// What of a message follows from its bytes alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Whether something is attached.
    pub attached: bool,
    /// The id of its list.
    pub list: String,
    /// Its words.
    pub texts: Texts,
}

impl Words {
    /// The words of a message.
    #[must_use]
    pub fn of(message: &Searchable) -> Self {
        let (attached, list) = (message.attached, message.list_id.clone());
        Self { attached, list, texts: Texts::of(message) }
    }
}

/// Folded words with a space between, by the column that they are in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// Of the subject.
    pub subject: String,
    /// Of who wrote it.
    pub sender: String,
    /// Of who it is to.
    pub recipient: String,
    /// Of who got a copy.
    pub cc: String,
    /// Of who got one in secret.
    pub bcc: String,
    /// Of its text, what is attached as text included.
    pub body: String,
    /// Of the names of what is attached.
    pub file: String,
    /// Of the list that it came by.
    pub list: String,
}

impl Texts {
    /// The words of a message.
    #[must_use]
    pub fn of(message: &Searchable) -> Self {
        let mut texts = Self {
            subject: folded(&message.subject),
            sender: people(&message.from),
            recipient: people(&message.to),
            cc: people(&message.cc),
            bcc: people(&message.bcc),
            body: folded(&message.text),
            file: String::new(),
            list: marked(&message.list),
        };
        for name in &message.files {
            words::join(name, &mut texts.file);
        }
        add_new(&mut texts.body, &message.more);
        for text in [&mut texts.recipient, &mut texts.cc, &mut texts.bcc, &mut texts.file] {
            cut(text);
        }
        texts
    }

    /// A Bcc that no bytes have, where these have none.
    pub fn add_bcc(&mut self, bcc: &[Address]) {
        if self.bcc.is_empty() {
            self.bcc = people(bcc);
        }
    }

    /// How many bytes they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let all = [&self.subject, &self.sender, &self.recipient, &self.cc, &self.bcc];
        let all = all.into_iter().chain([&self.body, &self.file, &self.list]);
        size_of::<Self>() + all.map(String::capacity).sum::<usize>()
    }

    /// The beginnings of its words, each once: of one and two letters those of all but the body,
    /// and again with their field's mark; of three letters those of all. A script in which each
    /// letter is a word has none of these.
    #[must_use]
    pub fn begins(&self) -> String {
        let fields = [
            (Some(SUBJECT_MARK), &self.subject),
            (Some(SENDER_MARK), &self.sender),
            (Some(RECIPIENT_MARK), &self.recipient),
            (Some(RECIPIENT_MARK), &self.cc),
            (Some(RECIPIENT_MARK), &self.bcc),
            (Some(FILE_MARK), &self.file),
            (None, &self.body),
        ];
        let mut begins = Vec::with_capacity(self.body.len() / 4);
        for (mark, text) in fields {
            for word in text.split(' ') {
                let mut begin = 0;
                for (at, c) in word.chars().take(SHORT_CHARS).enumerate() {
                    begin |= place(c, at);
                    if at + 1 == SHORT_CHARS {
                        begins.push(begin);
                    } else if let Some(mark) = mark {
                        begins.extend([begin, place(mark, 0) | begin >> CHAR_BITS]);
                    }
                }
            }
        }
        // As numbers, in the order of their texts.
        begins.sort_unstable();
        begins.dedup();
        let mut out = String::with_capacity(begins.len() * (SHORT_CHARS + 1));
        for begin in begins {
            for at in (0..SHORT_CHARS).rev() {
                let c = (begin >> (CHAR_BITS * at)) & ((1 << CHAR_BITS) - 1);
                let c = u32::try_from(c).ok().and_then(char::from_u32);
                out.extend(c.filter(|c| *c != '\0'));
            }
            out.push(' ');
        }
        out
    }
}

/// A character as a part of a number, the first one in front.
fn place(c: char, at: usize) -> u64 {
    u64::from(u32::from(c)) << (CHAR_BITS * (SHORT_CHARS - 1 - at))
}

fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_TEXT_BYTES));
    words::join(text, &mut out);
    cut(&mut out);
    out
}

/// The words of a list's id, marked as such.
fn marked(list: &str) -> String {
    let mut out = String::new();
    words::each(list, |word, _| {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push(LIST_MARK);
        out.push_str(word);
    });
    cut(&mut out);
    out
}

fn people(people: &[Address]) -> String {
    let mut out = String::new();
    for person in people {
        words::join(person.name.as_deref().unwrap_or_default(), &mut out);
        words::join(&person.address, &mut out);
        if out.len() > MAX_TEXT_BYTES {
            break;
        }
    }
    cut(&mut out);
    out
}

/// Takes away what is beyond the bound, at a word's end.
fn cut(text: &mut String) {
    if text.len() > MAX_TEXT_BYTES {
        let end = text.floor_char_boundary(MAX_TEXT_BYTES);
        let end = text[..end].rfind(' ').unwrap_or(0);
        text.truncate(end);
    }
}

/// Adds the lines of further texts that have a word which is not there yet.
fn add_new(body: &mut String, more: &[String]) {
    if more.iter().all(String::is_empty) {
        return;
    }
    let said: HashSet<&str> = body.split(' ').collect();
    let mut met: HashSet<Box<str>> = HashSet::new();
    let (mut added, mut line_words) = (String::new(), String::new());
    for line in more.iter().flat_map(|text| text.lines()) {
        line_words.clear();
        words::join(line, &mut line_words);
        let mut new = line_words.split(' ').filter(|word| !said.contains(word));
        if line_words.is_empty() || !new.any(|word| !met.contains(word)) {
            continue;
        }
        if body.len() + added.len() + line_words.len() >= MAX_TEXT_BYTES {
            break;
        }
        met.extend(line_words.split(' ').filter(|word| !said.contains(word)).map(Box::from));
        if !body.is_empty() || !added.is_empty() {
            added.push(' ');
        }
        added.push_str(&line_words);
    }
    body.push_str(&added);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_says_the_same_again_is_there_once() {
        let message = Searchable {
            subject: "Über Äpfel".to_owned(),
            text: "Hello there\nsecond line".to_owned(),
            more: vec!["HELLO there\nhello new\n\nnew hello".to_owned(), String::new()],
            files: vec!["a-b.pdf".to_owned(), "c.png".to_owned()],
            ..Searchable::default()
        };
        let texts = Texts::of(&message);
        assert_eq!(texts.subject, "uber apfel");
        assert_eq!(texts.body, "hello there second line hello new");
        assert_eq!(texts.file, "a b pdf c png");
    }

    #[test]
    fn beginnings_of_words() {
        let texts = Texts {
            subject: "uber x".to_owned(),
            body: "hello he 日 本 жук".to_owned(),
            ..Texts::default()
        };
        let marked = "\u{e003}u \u{e003}ub \u{e003}x ";
        assert_eq!(texts.begins(), format!("hel u ub ube x жук {marked}"));
        let people = Texts { sender: "ab".to_owned(), bcc: "c".to_owned(), ..Texts::default() };
        assert_eq!(people.begins(), "a ab c \u{e001}a \u{e001}ab \u{e002}c ");
    }

    #[test]
    fn a_very_long_text_is_cut_at_a_word() {
        let text = "wört ".repeat(MAX_TEXT_BYTES / 4);
        let message = Searchable { text, ..Searchable::default() };
        let body = Texts::of(&message).body;
        assert!(body.len() <= MAX_TEXT_BYTES && body.len() > MAX_TEXT_BYTES - 10);
        assert!(body.ends_with(" wort"));
    }
}
