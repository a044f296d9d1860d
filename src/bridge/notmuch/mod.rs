//! Tags of notmuch, from a dump: what they say of a message's place, flags and labels.
//!
//! Invariant: bounded, whatever a dump holds; a line that is not understood is counted and changes
//! nothing. A tag is truth over a folder's name and a Maildir's flags, since it is what the user
//! sees there. It must not write anything near the user's mail.

mod dump;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::ledger::{Entry, FileRow, Ledger, Stamp};
use super::report::ImportRequest;
use super::{Folder, SinkError, packed};
use crate::label::{self, Place};
use crate::mail::{self, Flags};
use crate::notice::{Exit, Notice};

/// Messages of one dump whose tags are kept.
const MAX_MESSAGES: usize = 5_000_000;
/// Different sets of tags that are kept.
const MAX_SETS: usize = 100_000;
/// Tags of one message that are kept.
const MAX_TAGS: usize = 100;
/// The longest line that is read, in bytes.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// What a set of tags says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Set {
    /// The place that a tag names; without one it is the archive.
    place: Option<Place>,
    sent: bool,
    flags: Flags,
    labels: Vec<String>,
}

/// The tags of messages, by Message-ID.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    messages: HashMap<[u8; 16], u32>,
    sets: Vec<Set>,
    by_text: HashMap<[u8; 16], u32>,
    /// Lines that were not understood, or were too many.
    left_out: u64,
    /// The databases that they come from, as they were.
    databases: Vec<(PathBuf, Stamp)>,
    /// Whether they may be others than at the last import.
    changed: bool,
}

/// What notmuch writes anew with every change of a database.
const DATABASE: &str = ".notmuch/xapian";
const REVISION: &str = "iamglass";

/// The tags that count for an import: those of the named dump, else those that the notmuch of each
/// named directory tells.
///
/// # Errors
/// When a dump is named and cannot be read.
pub(crate) fn tags(
    request: &ImportRequest,
    ledger: &mut dyn Ledger,
    stop: &AtomicBool,
) -> Result<(Tags, Vec<Notice>), SinkError> {
    let mut tags = Tags::default();
    let mut notices = Vec::new();
    if let Some(path) = &request.notmuch_tags {
        tags.read_file(path).map_err(|error| SinkError(unread(path, &error)))?;
        tags.changed = true;
        if tags.messages.is_empty() {
            let line = format!("there are no tags in {}", path.display());
            let hint = "the output of `notmuch dump` is read, plain or packed by gzip";
            notices.push(Notice::warning("notmuch-tags", line, hint));
        }
    } else {
        for root in request.paths.iter().filter(|path| path.join(DATABASE).is_dir()) {
            // Looked at first: a change while it is dumped is one for the next time.
            tags.look(root, ledger);
            if let Err(why) = dump::read(root, &mut tags, stop) {
                tags.databases.clear();
                let line = format!("notmuch's tags in {} were not read: {why}", root.display());
                notices.push(Notice::warning("notmuch-tags", line, GIVE_A_FILE));
            }
        }
    }
    if tags.left_out > 0 {
        let line = format!("lines of notmuch's tags that were left out: {}", tags.left_out);
        let hint = "they are of no form that is known, or there are too many";
        notices.push(Notice::warning("notmuch-tags", line, hint));
    }
    Ok((tags, notices))
}

const GIVE_A_FILE: &str = "import again with --notmuch-tags FILE, the output of `notmuch dump`";

fn unread(path: &Path, error: &io::Error) -> Notice {
    let line = format!("{} cannot be read: {error}", path.display());
    let notice = Notice::error("notmuch-tags", line, "name the output of `notmuch dump`");
    match error.kind() {
        io::ErrorKind::NotFound => notice.exit(Exit::NotFound),
        _ => notice,
    }
}

impl Tags {
    /// Whether nothing is known of any message.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether files that are as they were have to be read for what is said of them now.
    pub(crate) fn changed(&self) -> bool {
        self.changed && !self.is_empty()
    }

    /// Compares a database with what is remembered of it.
    fn look(&mut self, root: &Path, ledger: &mut dyn Ledger) {
        let Ok(dir) = root.join(DATABASE).canonicalize() else { return };
        let stamp = dir.join(REVISION).metadata().ok().map(|metadata| Stamp::of(&metadata, true));
        let row = ledger.directory(&dir).remove(std::ffi::OsStr::new(REVISION));
        self.changed |= stamp.is_none() || row.and_then(|row| row.stamp) != stamp;
        self.databases.extend(stamp.map(|stamp| (dir.join(REVISION), stamp)));
    }

    /// What is to be remembered once all was read.
    pub(crate) fn rows(&self) -> Vec<Entry> {
        let row = |stamp| FileRow { stamp: Some(stamp), ..FileRow::default() };
        self.databases.iter().map(|(path, stamp)| Entry::Put(path.clone(), row(*stamp))).collect()
    }

    fn read_file(&mut self, path: &Path) -> io::Result<()> {
        self.read(&mut BufReader::new(packed::open(path)?))
    }

    /// Reads a dump, in the form `batch-tag` or `sup`.
    fn read(&mut self, input: &mut dyn BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let room = MAX_LINE_BYTES as u64;
            if input.take(room).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if line.len() == MAX_LINE_BYTES && !line.ends_with(b"\n") {
                skip_line(input)?;
                self.left_out += 1;
                continue;
            }
            let text = line.trim_ascii();
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            let known = entry(text).is_some_and(|(id, tags)| self.add(&id, tags));
            self.left_out += u64::from(!known);
        }
    }

    fn add(&mut self, id: &[u8], tags: Vec<String>) -> bool {
        if self.messages.len() >= MAX_MESSAGES {
            return false;
        }
        let text = key(tags.join("\n").as_bytes());
        let set = match self.by_text.get(&text) {
            Some(set) => *set,
            None if self.sets.len() >= MAX_SETS => return false,
            None => {
                let set = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
                self.sets.push(Set::of(tags));
                self.by_text.insert(text, set);
                set
            }
        };
        self.messages.insert(key(id), set);
        // Old versions wrote ids in the code of tags; no id that is one itself gives way to that.
        if let Some(decoded) = hex(id).filter(|decoded| decoded != id) {
            self.messages.entry(key(&decoded)).or_insert(set);
        }
        true
    }

    /// Takes in the tags of other messages.
    fn merge(&mut self, mut other: Self) {
        let base = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        self.sets.append(&mut other.sets);
        self.messages.extend(other.messages.into_iter().map(|(id, set)| (id, base + set)));
        self.left_out += other.left_out;
    }

    /// Puts what is said of a message in place of what its folder and its file's name say.
    /// True where something is.
    pub(crate) fn apply(&self, raw: &[u8], folder: &mut Folder, flags: &mut Option<Flags>) -> bool {
        if self.messages.is_empty() {
            return false;
        }
        let id = mail::message_id_of(raw);
        let set = id.and_then(|id| self.messages.get(&key(id.as_bytes())));
        let Some(set) = set.and_then(|set| self.sets.get(*set as usize)) else { return false };
        folder.place = set.place.or(folder.place).or(Some(Place::Archive));
        folder.sent |= set.sent;
        for label in &set.labels {
            if !folder.labels.contains(label) {
                folder.labels.push(label.clone());
            }
        }
        let trashed = flags.is_some_and(|flags| flags.trashed);
        *flags = Some(Flags { trashed, ..set.flags });
        true
    }
}

impl Set {
    fn of(tags: Vec<String>) -> Self {
        let mut set = Self { flags: Flags { read: true, ..Flags::default() }, ..Self::default() };
        let mut place = |named: Place| {
            set.place = set.place.max(Some(named));
        };
        for tag in tags.into_iter().take(MAX_TAGS) {
            match tag.as_str() {
                "inbox" => place(Place::Inbox),
                "archive" => place(Place::Archive),
                "spam" | "junk" => place(Place::Spam),
                "deleted" | "trash" => place(Place::Trash),
                "unread" => set.flags.read = false,
                "flagged" => set.flags.starred = true,
                "replied" => set.flags.answered = true,
                "passed" => set.flags.forwarded = true,
                "draft" => set.flags.draft = true,
                "sent" => set.sent = true,
                _ => set.labels.extend(label::clean_name(&tag)),
            }
        }
        set
    }
}

/// A line of a dump: the Message-ID, and the tags.
fn entry(line: &[u8]) -> Option<(Vec<u8>, Vec<String>)> {
    let batch = line.starts_with(b"+") || line.starts_with(b"-");
    if !batch {
        // `sup`: `ID (TAG TAG)`.
        let (id, tags) = split(line, b" (")?;
        let tags = String::from_utf8_lossy(tags.strip_suffix(b")")?).into_owned();
        return Some((id.to_owned(), tags.split_whitespace().map(str::to_owned).collect()));
    }
    let (tags, query) = match line.strip_prefix(b"-- ") {
        Some(query) => (&[][..], query),
        None => split(line, b" -- ")?,
    };
    let id = unquoted(query.trim_ascii().strip_prefix(b"id:")?)?;
    let mut names = Vec::new();
    for word in tags.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        if let Some(tag) = word.strip_prefix(b"+") {
            names.push(String::from_utf8_lossy(&hex(tag)?).into_owned());
        } else if !word.starts_with(b"-") {
            return None;
        }
    }
    Some((id, names))
}

/// A term of Xapian: as it is, or in quotes, which stand twice inside.
fn unquoted(term: &[u8]) -> Option<Vec<u8>> {
    let Some(rest) = term.strip_prefix(b"\"") else { return Some(term.to_owned()) };
    let inner = rest.strip_suffix(b"\"")?;
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'"' && bytes.next() != Some(&b'"') {
            return None;
        }
        out.push(*byte);
    }
    Some(out)
}

/// Undoes notmuch's code for tags: `%xx` is a byte. `None` where it is not in it.
fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        out.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    Some(out)
}

fn split<'a>(line: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = line.windows(at.len()).position(|window| window == at)?;
    Some((&line[..found], &line[found + at.len()..]))
}

fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|b| *b == b'\n').map(|at| at + 1);
        let count = end.unwrap_or(buffer.len());
        input.consume(count);
        if end.is_some() || count == 0 {
            return Ok(());
        }
    }
}

fn key(text: &[u8]) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(text).as_bytes()[..16]);
    key
}
