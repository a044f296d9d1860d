//! The engine's thread and the bytes of messages that are answered or forwarded: taken where they
//! are, kept for drafts on a thread of their own.
//!
//! Invariant: every question has one answer, after a time of ours at the latest; nothing that is
//! asked here holds up a key. Bytes that were only looked at do not stay in memory.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Engine;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::handle::{Request, Update};
use crate::engine::original::{Head, Original, OriginalAsk, Want};
use crate::engine::people::everybody;
use crate::engine::stats;
use crate::engine::view::Link;
use crate::engine::writing::Writing;
use crate::mail::attached;
use crate::mail::compose::{Attached, without_bcc};
use crate::notice::{Explain as _, Notice};
use crate::safe_text;

/// How long the bytes of a message are waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// Questions that wait at a time; more are answered at once, with nothing.
const MAX_WAITING: usize = 64;

/// A question that waits for bytes.
pub(super) struct Awaited {
    ask: OriginalAsk,
    /// In which connection the bytes were asked for.
    asked: Option<u64>,
    until: Instant,
}

impl Engine {
    /// What writing asks of mail, and of the journal.
    pub(super) fn of_writing(&mut self, asks: Request) {
        match asks {
            Request::Journal(journal) => self.journal(&journal),
            Request::Forget { slot, losses } => self.forget(slot, losses),
            Request::People => self.people(),
            Request::Stats(now) => self.stats(now),
            Request::Rest { thread, message } => self.want(thread, message),
            Request::Original(ask) => self.original(ask),
            _ => {}
        }
    }

    /// Takes a question; it is answered when the bytes are here.
    fn original(&mut self, ask: OriginalAsk) {
        if self.originals.len() >= MAX_WAITING {
            return self.not_here(&ask);
        }
        self.originals.push(Awaited { ask, asked: None, until: Instant::now() + PATIENCE });
        self.answer_originals();
    }

    /// Looks who was met in mail.
    fn people(&self) {
        let (updates, dir) = (self.updates.clone(), self.driver.device.dir().to_owned());
        let sent_to = self.driver.device.sent_to.clone();
        std::thread::spawn(move || {
            // Where nothing can be read, what is on the screen is proposed all the same.
            if let Ok(people) = everybody(&dir, sent_to.and_then(|make| make()).as_ref()) {
                let _ = updates.send(Update::People(people));
            }
        });
    }

    /// Counts what is here.
    fn stats(&self, now: i64) {
        let (updates, dir) = (self.updates.clone(), self.driver.device.dir().to_owned());
        std::thread::spawn(move || {
            let update = match stats::count(&dir, now) {
                Ok(stats) => Update::Stats(Box::new(stats)),
                Err(error) => Update::Notice(error.notice()),
            };
            let _ = updates.send(update);
        });
    }

    /// Answers what can be answered, and asks for the bytes of the rest.
    pub(super) fn answer_originals(&mut self) {
        let mut here = BTreeSet::new();
        for mut awaited in std::mem::take(&mut self.originals) {
            let raw = awaited.ask.raw.clone();
            if let Some(bytes) = self.driver.device.blob(&raw) {
                self.tell_original(awaited.ask, bytes);
                here.insert(raw);
                continue;
            }
            let link = self.driver.status().link;
            // A connection that is tried again may still bring it.
            let lost = !self.driver.has_link();
            if lost || Instant::now() >= awaited.until {
                self.not_here(&awaited.ask);
                continue;
            }
            let online = matches!(link, Link::Online { .. } | Link::Syncing { .. });
            let breaks = self.driver.breaks;
            if online && awaited.asked != Some(breaks) {
                awaited.asked = Some(breaks);
                let mut others = self.originals.iter();
                if !others.any(|other| other.ask.raw == raw && other.asked == Some(breaks)) {
                    let fetched = self.driver.device.fetch_blob(&raw);
                    if let Err(error) = fetched.and_then(|()| self.driver.send()) {
                        self.tell(Update::Notice(error.notice()));
                    }
                }
            }
            self.originals.push(awaited);
        }
        // Not before all who wait for it are answered.
        for raw in here {
            self.driver.device.let_go_of_blob(&raw);
        }
    }

    fn not_here(&self, ask: &OriginalAsk) {
        let hint = "it is fetched when the backend is reached";
        let why = Notice::warning("not-here", "the message itself is not on this device", hint);
        self.tell(Update::Original(Box::new(Original {
            ticket: ask.ticket,
            message: ask.message.clone(),
            head: None,
            files: Err(why),
        })));
    }

    fn tell_original(&self, ask: OriginalAsk, raw: Vec<u8>) {
        let head = Some(Head::read(&raw));
        let OriginalAsk { ticket, message, want, .. } = ask;
        let told =
            move |files| Update::Original(Box::new(Original { ticket, message, head, files }));
        if want == Want::Head {
            return self.tell(told(Ok(Vec::new())));
        }
        // What is kept is waited for on disk: not here.
        let (updates, dir) = (self.updates.clone(), self.driver.device.dir().to_owned());
        std::thread::spawn(move || {
            let _ = updates.send(told(keep(&dir, &want, &raw)));
        });
    }
}

/// Puts what is wanted of a message where drafts have their files.
fn keep(dir: &Path, want: &Want, raw: &[u8]) -> Result<Vec<Attached>, Notice> {
    let mut writing = Writing::open(dir).map_err(|error| error.notice())?;
    let mut put = |name: &str, media_type: String, bytes: &[u8]| {
        let hash = writing.put(bytes, SystemClock.now()).map_err(|error| error.notice())?;
        let name = safe_text::file_name(name);
        Ok(Attached { name, media_type, hash, size: bytes.len() as u64 })
    };
    match want {
        Want::Head => Ok(Vec::new()),
        Want::Files => attached(raw)
            .into_iter()
            .map(|(file, bytes)| {
                put(file.name.as_deref().unwrap_or("attachment"), file.media_type, &bytes)
            })
            .collect(),
        Want::Whole(name) => Ok(vec![put(name, "message/rfc822".to_owned(), &without_bcc(raw))?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kept_as_they_are_and_a_whole_message_without_bcc() {
        let dir = tempfile::tempdir().unwrap();
        let raw = b"From: me@x.org\nBcc: eve@x.org\nContent-Type: multipart/mixed; boundary=b\n\n\
            --b\n\nhello\n--b\nContent-Type: text/plain; name=\"a/b.txt\"\n\
            Content-Disposition: attachment\n\nwords\n--b--\n";
        let files = keep(dir.path(), &Want::Files, raw).unwrap();
        assert_eq!((files.len(), files[0].size), (1, 5));
        assert!(!files[0].name.contains('/'), "{}", files[0].name);
        let kept = |file: &Attached| {
            let writing = Writing::existing(dir.path()).unwrap().unwrap();
            String::from_utf8(writing.get(&file.hash).unwrap().unwrap()).unwrap()
        };
        assert_eq!(kept(&files[0]), "words");
        let whole = keep(dir.path(), &Want::Whole("s.eml".into()), raw).unwrap();
        assert!(!kept(&whole[0]).contains("eve@x.org") && kept(&whole[0]).contains("hello"));
    }

    #[test]
    fn a_header_says_how_to_answer_and_how_to_leave() {
        let head = Head::read(
            b"List-Post: <mailto:l@x.org>\nList-Unsubscribe: <mailto:off@x.org>\n\nbody\n",
        );
        assert_eq!(head.hints.list_post.as_deref(), Some("l@x.org"));
        assert!(head.leave.is_some());
        assert_eq!(Head::read(b""), Head::default());
    }
}
