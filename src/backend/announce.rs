//! New mail is announced: one notice for a burst, and the account's own command.
//!
//! Invariant: what is told here came in new after its inbox had been taken in as a whole, in the
//! transaction that took it in; so nothing is told twice, and after a crash rather not at all. All
//! texts went through `safe_text`. A command is a program with arguments, gets one JSON object of
//! bounded size on its standard input, and a bounded time; nothing here waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::account::{Account, Settings, run_command};
use crate::backend::core::Backend;
use crate::backend::storage::EdgeMessage;
use crate::backend::thread_client::state_of;
use crate::clock::{self, Clock as _, SystemClock, rfc3339};
use crate::id::{StoreId, ThreadId};
use crate::imap::{FolderState, Role};
use crate::notice::{Explain as _, Notice};
use crate::safe_text;
use crate::store::StoreError;

/// A burst ends when nothing came for so long.
const QUIET: Duration = Duration::from_millis(700);
/// The longest that the first message of a burst waits.
const BURST: Duration = Duration::from_secs(4);
/// Messages of a burst that are named; the others are counted.
const NAMED: usize = 20;
/// Characters of a name, an address or a subject; with [`NAMED`] less than a pipe holds.
const TEXT_CHARS: usize = 120;
/// Announcements that are kept for who asks.
const KEPT: usize = 32;
/// How long a command may take.
const COMMAND_WITHIN: Duration = Duration::from_secs(30);
/// How long the end of the program waits until commands have got what came.
const LAST_COMMANDS: Duration = Duration::from_secs(2);

/// What became of messages that were fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// How many are new here.
    pub new: u64,
    /// The UIDs of those that are news, with their conversations.
    pub news: Vec<(u32, ThreadId)>,
    /// The UIDs of those that are to be fetched whole after all.
    pub whole: Vec<u32>,
}

impl Taken {
    /// Notes a message that is new here: it is news when it is unread and came into an inbox that
    /// had been taken in as a whole before.
    pub(super) fn note(&mut self, folder: &FolderState, held: &EdgeMessage, thread: &ThreadId) {
        let whole = folder.uidnext > 0 && held.uid >= folder.uidnext;
        if folder.role == Role::Inbox && whole && !held.base.flags.read {
            self.news.push((held.uid, thread.clone()));
        }
    }
}

impl Backend {
    /// Muted conversations are no news.
    pub(super) fn drop_muted(&mut self, news: &mut Vec<(u32, ThreadId)>) -> Result<(), StoreError> {
        for (uid, thread) in std::mem::take(news) {
            if !state_of(&self.db, &StoreId::thread(&thread))?.trail().1.muted {
                news.push((uid, thread));
            }
        }
        Ok(())
    }
}

/// A message that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct News {
    /// Its conversation, for `mailtui show`.
    pub thread: String,
    /// The name of who wrote, or the address where there is none.
    pub from: String,
    /// The address.
    pub address: String,
    /// Its subject.
    pub subject: String,
    /// When it was written.
    pub date: Option<String>,
}

impl News {
    /// Makes texts of mail fit to be told.
    pub(super) fn new(
        thread: &str,
        from: Option<&crate::mail::Address>,
        subject: Option<&str>,
        date: i64,
    ) -> Self {
        let safe = |text: &str| safe_text::line(text).chars().take(TEXT_CHARS).collect::<String>();
        let address = from.map_or(String::new(), |from| safe(&from.address));
        let name = from.and_then(|from| from.name.as_deref()).map(safe);
        Self {
            thread: thread.to_owned(),
            from: name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| address.clone()),
            address,
            subject: subject.map(safe).unwrap_or_default(),
            date: rfc3339(date),
        }
    }
}

/// New mail of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The account's id.
    pub account: String,
    /// How many messages.
    pub count: usize,
    /// Some of them, the first that came first.
    pub named: Vec<News>,
}

/// Where the workers of an account tell what came.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    account: Arc<Account>,
    to: Sender<(Arc<Account>, Vec<News>)>,
}

impl Teller {
    pub(super) fn tell(&self, news: Vec<News>) {
        if !news.is_empty() {
            // Nobody listens only while the program ends.
            let _ = self.to.send((Arc::clone(&self.account), news));
        }
    }
}

/// What is told to who asks.
#[derive(Debug, Default)]
pub(super) struct Told {
    number: u64,
    kept: VecDeque<(u64, Announcement)>,
    /// Why an account's command failed last.
    failed: BTreeMap<String, Notice>,
}

impl Told {
    /// The announcements after the one with this number, and the number of the last.
    pub(super) fn after(&self, number: u64) -> (u64, Vec<Announcement>) {
        let new = self.kept.iter().filter(|(at, _)| *at > number);
        (self.number, new.map(|(_, announcement)| announcement.clone()).collect())
    }

    /// Why an account's command failed last.
    pub(super) fn failed(&self, account: &str) -> Option<Notice> {
        self.failed.get(account).cloned()
    }
}

/// The thread that announces.
#[derive(Debug)]
pub(super) struct Announcer {
    to: Option<Sender<(Arc<Account>, Vec<News>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Announcer {
    /// Starts it.
    pub(super) fn start(told: Arc<Mutex<Told>>) -> std::io::Result<Self> {
        let (to, from) = mpsc::channel();
        let run = move || Announcing { told, bursts: BTreeMap::new(), began: None }.run(&from);
        let thread = std::thread::Builder::new().name("announcer".to_owned()).spawn(run)?;
        Ok(Self { to: Some(to), thread: Some(thread) })
    }

    /// Where the workers of `account` tell; `None` once it ends.
    pub(super) fn teller(&self, account: &Account) -> Option<Teller> {
        let to = self.to.clone()?;
        Some(Teller { account: Arc::new(account.clone()), to })
    }
}

impl Drop for Announcer {
    /// The workers have ended before: what they told is announced.
    fn drop(&mut self) {
        self.to = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The burst of an account.
#[derive(Debug)]
struct Burst {
    account: Arc<Account>,
    count: usize,
    named: Vec<News>,
}

struct Announcing {
    told: Arc<Mutex<Told>>,
    bursts: BTreeMap<String, Burst>,
    began: Option<Instant>,
}

impl Announcing {
    fn run(mut self, from: &Receiver<(Arc<Account>, Vec<News>)>) {
        loop {
            let news = match self.began {
                None => from.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(began) => from.recv_timeout(QUIET.min(BURST.saturating_sub(began.elapsed()))),
            };
            match news {
                Ok((account, news)) => self.take(account, news),
                Err(RecvTimeoutError::Timeout) => drop(self.announce()),
                Err(RecvTimeoutError::Disconnected) => {
                    let until = Instant::now() + LAST_COMMANDS;
                    for done in self.announce() {
                        let left = until.saturating_duration_since(Instant::now());
                        let _ = done.recv_timeout(left);
                    }
                    return;
                }
            }
        }
    }

    fn take(&mut self, account: Arc<Account>, news: Vec<News>) {
        self.began.get_or_insert_with(Instant::now);
        let id = account.id.as_str().to_owned();
        let new = Burst { account: Arc::clone(&account), count: 0, named: Vec::new() };
        let burst = self.bursts.entry(id).or_insert(new);
        burst.account = account;
        burst.count += news.len();
        let room = NAMED.saturating_sub(burst.named.len());
        burst.named.extend(news.into_iter().take(room));
    }

    /// Announces what came; the commands that were started say when they have ended.
    fn announce(&mut self) -> Vec<Receiver<()>> {
        self.began = None;
        let mut started = Vec::new();
        for (id, burst) in std::mem::take(&mut self.bursts) {
            let settings = &burst.account.settings;
            if is_quiet(settings, SystemClock.now(), &clock::zone()) {
                continue;
            }
            started.extend(self.command(&id, &burst));
            if settings.notify {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                told.number += 1;
                let number = told.number;
                let (count, named) = (burst.count, burst.named);
                told.kept.push_back((number, Announcement { account: id, count, named }));
                while told.kept.len() > KEPT {
                    told.kept.pop_front();
                }
            }
        }
        started
    }

    /// Starts the account's command, if it has one.
    fn command(&self, id: &str, burst: &Burst) -> Option<Receiver<()>> {
        let argv = burst.account.settings.on_new_mail.clone();
        if argv.is_empty() {
            return None;
        }
        let input = object(&burst.account, burst.count, &burst.named);
        let (told, id) = (Arc::clone(&self.told), id.to_owned());
        let (done, is_done) = mpsc::channel();
        let run = move || {
            let ended = run_command(&argv, input.as_bytes(), COMMAND_WITHIN);
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            match ended {
                Ok(()) => drop(told.failed.remove(&id)),
                Err(error) => {
                    let message = format!("on_new_mail: {}", error.notice().message);
                    let hint = "it is `on_new_mail` in accounts.toml";
                    told.failed.insert(id, Notice::warning("on-new-mail", message, hint));
                }
            }
            drop(told);
            let _ = done.send(());
        };
        std::thread::Builder::new().name("on-new-mail".to_owned()).spawn(run).ok()?;
        Some(is_done)
    }
}

/// What a command gets: one line.
fn object(account: &Account, count: usize, named: &[News]) -> String {
    let value = serde_json::json!({
        "account": account.id.as_str(),
        "address": safe_text::line(account.address.as_str()),
        "count": count,
        "messages": named,
    });
    format!("{value}\n")
}

/// Whether nothing is announced at this time, Unix seconds.
fn is_quiet(settings: &Settings, now: i64, zone: &TimeZone) -> bool {
    let Some(quiet) = settings.quiet_hours else { return false };
    let Ok(at) = jiff::Timestamp::from_second(now) else { return false };
    let time = at.to_zoned(zone.clone());
    let minute =
        u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs());
    quiet.covers(minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Accounts, QuietHours};
    use crate::mail::Address;

    fn account(more: &str) -> Account {
        let text = format!(
            "[accounts.ann]\naddress = \"ann@example.org\"\nimap = \"imaps://imap.example.org\"\n\
             password = {{ keyring = true }}\n{more}"
        );
        Accounts::parse(&text, std::path::Path::new("accounts.toml")).unwrap().list.remove(0)
    }

    fn news(n: usize) -> News {
        let from = Address { name: Some("B\u{1b}]0;x\u{7}".to_owned()), address: "b@x".to_owned() };
        News::new("t1", Some(&from), Some(&format!("\u{1b}[2J{n}")), 0)
    }

    #[test]
    fn a_burst_is_one_announcement_and_one_command_an_account() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("got");
        let more = format!("on_new_mail = [\"tee\", \"-a\", \"{}\"]\n", file.display());
        let told = Arc::new(Mutex::new(Told::default()));
        let announcer = Announcer::start(Arc::clone(&told)).unwrap();
        let teller = announcer.teller(&account(&more)).unwrap();
        for n in 0..30 {
            teller.tell(vec![news(n)]);
        }
        teller.tell(Vec::new());
        drop(teller);
        drop(announcer);
        let (last, all) = told.lock().unwrap().after(0);
        assert_eq!((last, all.len(), all[0].count, all[0].named.len()), (1, 1, 30, NAMED));
        assert!(told.lock().unwrap().after(last).1.is_empty(), "none twice");
        assert!(
            !all[0].named[0].from.contains('\u{1b}') && !all[0].named[0].subject.contains('\u{1b}')
        );
        let got = std::fs::read_to_string(file).unwrap();
        let lines: Vec<serde_json::Value> =
            got.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 1);
        assert_eq!((&lines[0]["count"], &lines[0]["account"]), (&30.into(), &"ann".into()));
        assert_eq!(lines[0]["messages"][0]["address"], "b@x");
    }

    #[test]
    fn quiet_hours_and_no_wish_announce_nothing() {
        let settings =
            |quiet: &str| Settings { quiet_hours: QuietHours::parse(quiet), ..Settings::default() };
        // 1970-01-01 12:30.
        let now = 12 * 3_600 + 30 * 60;
        for (quiet, is) in [("12:00-13:00", true), ("13:00-12:00", false), ("", false)] {
            assert_eq!(is_quiet(&settings(quiet), now, &TimeZone::UTC), is, "{quiet}");
        }
        let told = Arc::new(Mutex::new(Told::default()));
        let announcer = Announcer::start(Arc::clone(&told)).unwrap();
        announcer.teller(&account("notify = false\n")).unwrap().tell(vec![news(1)]);
        drop(announcer);
        assert_eq!(told.lock().unwrap().after(0), (0, Vec::new()));
    }

    #[test]
    fn what_a_command_gets_fits_into_a_pipe() {
        const PIPE_BYTES: usize = 64 * 1024;
        let long = "\u{10ffff}\"\\é".repeat(500);
        let from = Address { name: Some(long.clone()), address: long.clone() };
        let named = vec![News::new("t", Some(&from), Some(&long), 0); NAMED];
        assert!(object(&account(""), NAMED, &named).len() < PIPE_BYTES);
    }

    #[test]
    fn a_command_that_fails_is_told() {
        let told = Arc::new(Mutex::new(Told::default()));
        let announcer = Announcer::start(Arc::clone(&told)).unwrap();
        let account = account("on_new_mail = [\"/nowhere/at-all\"]\n");
        announcer.teller(&account).unwrap().tell(vec![news(1)]);
        drop(announcer);
        let failed = told.lock().unwrap().failed("ann").unwrap();
        assert!(failed.message.contains("/nowhere/at-all"), "{}", failed.message);
    }
}
