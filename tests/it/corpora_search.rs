//! What is found in real mail against what two other mail tools find in it (the corpora's oracle).
//!
//! What both find must be found, and what neither finds only where the word stands in the subject,
//! the addresses, the text or the names of what is attached. Other differences stand in
//! [`EXPLAINED`] with their reason; one that is listed and no longer occurs fails too.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use mailtui::id::{LabelId, MessageId, ThreadId};
use mailtui::label;
use mailtui::mail::{Parsed, searchable};
use mailtui::search::entry::{Entry, Texts};
use mailtui::search::{Ask, Context, Index, Names, Order, Query, Rows, parse};
use mailtui::store::StoreError;
use serde_json::Value;

/// The most pairs of a query and a message that may be explained.
const MOST_EXPLAINED: usize = 40;

const HALF: &str = "half of a German word, whose charset the tools failed: the letter before it is \
                    no ASCII, and the word is found as a whole";
const NO_TEXT: &str = "an attribute of <meta> in the HTML part, which is no text of the message";
const ELSEWHERE: &str = "in the header of a part that lies elsewhere (message/external-body)";

/// Differences that stay: set, query, numbers of the messages in the set, reason.
const EXPLAINED: &[(&str, &str, &[u64], &str)] = &[
    ("enmime", "content", &[42, 43, 44, 45], NO_TEXT),
    ("mail-parser", "cklicher", &[33, 36, 40, 44], HALF),
    ("mail-parser", "erordentliche", &[33, 36, 40, 44], HALF),
    ("mail-parser", "liche", &[33, 36, 40, 44], HALF),
    ("mail-parser", "rchten", &[33, 36, 40, 44], HALF),
    (
        "notmuch-misc",
        "signed",
        &[18],
        "it stands in the middle of `designed` only, and in the media type of a part",
    ),
    ("python-test_email", "content", &[37], ELSEWHERE),
    ("python-test_email", "plain", &[37], ELSEWHERE),
];

/// What we find and neither tool does, for one reason: it stands as a word in what a reader is
/// shown, as the test finds out without our words and index. None of it is a message that must be
/// found.
const MORE: &[(&str, &str, &[u64])] = &[
    ("enmime", "accounts", &[58]),
    ("enmime", "content", &[57, 58]),
    ("enmime", "invoice", &[58]),
    ("imaptest", "subject", &[16, 17, 18, 19, 20, 153]),
    ("mail-parser", "blueball", &[22, 29, 31, 33, 38, 40, 45, 49]),
    ("mail-parser", "redball", &[29, 36, 45, 49]),
    ("mikel-mail", "enron", &[36]),
    ("mikel-mail", "recipients", &[31, 94]),
    ("mikel-mail", "world", &[28]),
    ("python-test_email", "content", &[26, 32]),
    ("python-test_email", "counter", &[36]),
    ("python-test_email", "following", &[26]),
    ("python-test_email", "plain", &[26, 32]),
    ("python-test_email", "subject", &[6, 11, 26, 29, 31, 47]),
    ("python-test_email", "there", &[18, 36]),
];

#[test]
fn we_find_what_other_tools_find() {
    let Some(corpora) = corpora() else { return };
    let mut differ: BTreeSet<(String, String, u64)> = BTreeSet::new();
    let (mut queries, mut must_find) = (0, 0);
    let mut more: BTreeSet<(String, String, u64)> = BTreeSet::new();
    for set in sets(&corpora, ".search.jsonl") {
        let mail = Mail::of(&corpora, &set);
        for line in lines(&corpora, &set, ".search.jsonl") {
            let word = line["query"].as_str().unwrap();
            let numbers = |key: &str| -> BTreeSet<u64> {
                line[key].as_array().unwrap().iter().filter_map(Value::as_u64).collect()
            };
            let notmuch = numbers("notmuch_any_field_stemmed");
            let dovecot = numbers("dovecot_body_substring");
            let ours = mail.find(word);
            let (must, may) = (&notmuch & &dovecot, &notmuch | &dovecot);
            let stands = |n: &u64| mail.stands_in(*n, word);
            (queries, must_find) = (queries + 1, must_find + must.len());
            let found = ours.difference(&may).filter(|n| stands(n));
            more.extend(found.map(|n| (set.clone(), word.to_owned(), *n)));
            let missed = must.difference(&ours);
            let wrong = ours.difference(&may).filter(|n| !stands(n));
            differ.extend(missed.chain(wrong).map(|n| (set.clone(), word.to_owned(), *n)));
        }
    }
    let (others, own) = (differ.len(), more.len());
    println!("{queries} queries, {must_find} must be found, {others} differ, {own} more");
    assert!(queries > 100 && must_find > 500, "{queries} queries, {must_find} answers");
    let explained: BTreeSet<(String, String, u64)> = EXPLAINED
        .iter()
        .flat_map(|(set, query, numbers, _)| {
            numbers.iter().map(|n| ((*set).to_owned(), (*query).to_owned(), *n))
        })
        .collect();
    assert!(explained.len() <= MOST_EXPLAINED, "{} are explained", explained.len());
    let new: Vec<_> = differ.difference(&explained).collect();
    let gone: Vec<_> = explained.difference(&differ).collect();
    assert!(new.is_empty(), "{} unexplained: {new:#?}", new.len());
    assert!(gone.is_empty(), "explained, but no longer there: {gone:#?}");
    let listed: BTreeSet<(String, String, u64)> = MORE
        .iter()
        .flat_map(|(set, query, numbers)| {
            numbers.iter().map(|n| ((*set).to_owned(), (*query).to_owned(), *n))
        })
        .collect();
    let changed: Vec<_> = more.symmetric_difference(&listed).collect();
    assert!(changed.is_empty(), "found by nobody else, and not as listed: {changed:#?}");
}

/// The messages of a set, indexed.
struct Mail {
    index: Index,
    messages: BTreeMap<u64, Parsed>,
    _dir: tempfile::TempDir,
}

impl Mail {
    fn of(corpora: &Path, set: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut index = Index::open(dir.path()).unwrap();
        let mut messages = BTreeMap::new();
        let mut entries = Vec::new();
        for line in lines(corpora, set, ".jsonl") {
            let (n, file) = (line["n"].as_u64().unwrap(), line["file"].as_str().unwrap());
            let raw = message(corpora, file);
            let read = searchable(&raw);
            entries.push(Entry {
                thread: thread(n),
                message: MessageId::try_from(format!("message-{n:04}")).unwrap(),
                raw: mailtui::store::Blobs::name(&raw),
                date: i64::try_from(n).unwrap(),
                size: raw.len() as u64,
                attached: read.attached,
                message_id: read.message_id.clone(),
                list: String::new(),
                texts: Texts::of(&read),
            });
            messages.insert(n, mailtui::mail::parse(&raw));
        }
        index.begin().unwrap();
        index.add(&entries).unwrap();
        index.commit().unwrap();
        Self { index, messages, _dir: dir }
    }

    fn find(&self, text: &str) -> BTreeSet<u64> {
        let zone = TimeZone::UTC;
        let parsed =
            parse(text, &Context { now: 0, zone: &zone, me: &[], typing: false, saved: &[] });
        let query: Query = parsed.asked(text).unwrap();
        let ask = Ask { query: &query, limit: usize::MAX, order: Order::Newest, typing: false };
        let hits = self.index.find(&ask, &mut Each, &|| true).unwrap();
        hits.iter().map(|hit| u64::try_from(hit.date).unwrap()).collect()
    }

    /// Whether the word stands in what a reader is shown, read without our words and index.
    fn stands_in(&self, n: u64, word: &str) -> bool {
        let message = &self.messages[&n];
        let people = [&message.from, &message.to, &message.cc, &message.bcc].into_iter().flatten();
        let people = people.flat_map(|one| [one.name.as_deref(), Some(one.address.as_str())]);
        let files = message.attachments.iter().map(|file| file.name.as_deref());
        let texts = [message.subject.as_deref(), Some(message.text.as_str())];
        let mut texts = texts.into_iter().chain(people).chain(files).flatten();
        texts.any(|text| {
            let lower = text.to_lowercase();
            lower.split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
        })
    }
}

fn thread(n: u64) -> ThreadId {
    ThreadId::try_from(format!("thread-{n:05}")).unwrap()
}

/// Each thread is a conversation of its own, in the inbox.
struct Each;

impl Names for Each {
    fn labels(&mut self, _name: &str) -> Vec<LabelId> {
        Vec::new()
    }
}

impl Rows for Each {
    fn shown(&mut self, thread: &ThreadId) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError> {
        Ok(Some((thread.clone(), vec![label::system("inbox")])))
    }

    fn few(&mut self, _: &[LabelId], _: usize) -> Result<Option<Vec<ThreadId>>, StoreError> {
        Ok(None)
    }
}

fn corpora() -> Option<PathBuf> {
    let root = std::env::var_os("MAILTUI_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"),
        PathBuf::from,
    );
    if root.join("oracle").is_dir() {
        return Some(root);
    }
    println!("skipped: no corpora at {}", root.display());
    None
}

/// Names of the sets that have such a file.
fn sets(corpora: &Path, end: &str) -> Vec<String> {
    let files = std::fs::read_dir(corpora.join("oracle")).unwrap();
    let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut sets: Vec<String> =
        names.filter_map(|name| name.strip_suffix(end).map(str::to_owned)).collect();
    sets.sort();
    sets
}

fn lines(corpora: &Path, set: &str, end: &str) -> Vec<Value> {
    let file = corpora.join("oracle").join(format!("{set}{end}"));
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The bytes of `path`, or of the n-th message of an mbox for `path#n`.
fn message(corpora: &Path, file: &str) -> Vec<u8> {
    let Some((path, index)) = file.rsplit_once('#') else {
        return std::fs::read(corpora.join(file)).unwrap();
    };
    let raw = std::fs::read(corpora.join(path)).unwrap();
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b"From ") {
            messages.push(Vec::new());
        } else if let Some(last) = messages.last_mut() {
            last.extend_from_slice(line);
        }
    }
    messages.swap_remove(index.parse().unwrap())
}
