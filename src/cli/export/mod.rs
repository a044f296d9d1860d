//! `export`: mail into files that any mail program reads, and `import` without loss.
//!
//! Invariant: nothing is written over; what is in the directory already is skipped, so an export
//! that was broken off goes on. What is not on this device is fetched. Every message is counted
//! once: written, skipped or failed.

mod maildir;
mod mbox;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::backend::Reader;
use crate::bridge::leave::{Dressed, Wanted, for_maildir, for_mbox, letters};
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::reach::Reach;
use crate::cli::{show, stop};
use crate::engine::view::{Cursor, Message, Row, Window};
use crate::engine::{Device, EngineError};
use crate::id::{BlobHash, LabelId, MessageId, ThreadId};
use crate::label;
use crate::notice::{Exit, Explain as _, Notice};
use crate::safe_text;
use maildir::{Letter, Maildir, OURS};
use mbox::Mbox;

/// Rows that are looked for at a time.
const PAGE: usize = 500;
/// Conversations after which the files are opened anew: what was read of them is let go.
const RENEW_AFTER: usize = 256;
/// How often progress is said, on a terminal and elsewhere.
const TICKS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Failures that are listed.
const MAX_LISTED: usize = 1_000;

/// What is written, and where.
#[derive(Debug, Args)]
#[group(required = true, multiple = true, args = ["maildir", "mbox"])]
pub(super) struct Export {
    /// Into this Maildir; it is made, or gone on with.
    #[arg(long, value_name = "DIR", conflicts_with = "mbox")]
    maildir: Option<PathBuf>,
    /// Into this mbox file, which is made; the conversation is named with --thread.
    #[arg(long, value_name = "FILE", requires = "thread")]
    mbox: Option<PathBuf>,
    /// Only these conversations.
    #[arg(long, value_name = "THREAD")]
    thread: Vec<String>,
    /// Only what is in a label, by id or name; everything otherwise, trash and spam too.
    #[arg(long, value_name = "LABEL", conflicts_with = "thread")]
    label: Option<String>,
}

/// Where it goes.
enum Into {
    Maildir(Maildir),
    Mbox(Mbox),
}

/// What was done until now.
#[derive(Default)]
struct Sum {
    messages: u64,
    written: u64,
    skipped: u64,
    /// How many failed, and what is listed of them.
    failed: u64,
    listed: Vec<Value>,
    /// Messages that could not carry all that is known of them.
    bare: u64,
    /// Whether nothing but what is not on this device failed.
    only_absent: bool,
}

/// Writes mail into files.
pub(super) fn run(home: &Home, output: Output, export: &Export) -> Result<Exit, Notice> {
    let stop = stop::flag();
    let device = super::caught_up(home)?;
    let threads = device.as_ref().map_or_else(|| Ok(Vec::new()), |d| threads(d, export))?;
    let Some(device) = device else { return Ok(Exit::Done) };
    let path = export.maildir.as_ref().or(export.mbox.as_ref());
    let path = path.map_or_else(|| Path::new("."), PathBuf::as_path);
    let into = match &export.mbox {
        Some(_) => Mbox::new(path).map(Into::Mbox),
        None => Maildir::open(path).map(Into::Maildir),
    };
    let into = into.map_err(|error| failed(path, &error))?;
    let logs = Reader::open(&home.backend_dir()).map_err(|error| error.notice())?;
    let sum = Sum { only_absent: true, ..Sum::default() };
    let mut work =
        Work { home, logs, device, reach: Reach::new(home), into, path, sum, cut_off: None };
    let bar = std::io::stderr().is_terminal();
    let tick = if bar { TICKS.0 } else { TICKS.1 };
    let mut told = Instant::now();
    let mut broken = Ok(());
    for (at, thread) in threads.iter().enumerate() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        if at % RENEW_AFTER == RENEW_AFTER - 1 {
            work.renew()?;
        }
        if told.elapsed() >= tick {
            told = Instant::now();
            let line = format!("exporting {at} of {} conversations", threads.len());
            output.progress(&line, bar);
        }
        broken = work.thread(thread);
        if broken.is_err() {
            break;
        }
    }
    if bar {
        output.progress("", true);
    }
    let stopped = stop.load(Ordering::SeqCst);
    let whole = !stopped && broken.is_ok();
    let is_mbox = matches!(work.into, Into::Mbox(_));
    let ended = if is_mbox && !whole { Ok(()) } else { work.into.end() };
    let ended = ended.map_err(|error| failed(path, &error));
    if is_mbox && (!whole || ended.is_err()) {
        let lost = std::mem::take(&mut work.sum.written); // half a file is none
        if let (Err(notice), Some(thread)) = (&ended, threads.first()) {
            work.sum.fail(lost, thread, notice);
        }
    }
    let exit = said(output, &work.sum, stopped);
    broken.and(ended).and(exit)
}

/// The conversations that are meant.
fn threads(device: &Device, export: &Export) -> Result<Vec<ThreadId>, Notice> {
    if !export.thread.is_empty() {
        let named = |name: &String| {
            let none = || EngineError::NoThread(safe_text::line(name)).notice();
            let id = ThreadId::try_from(name.as_str()).map_err(|_| none())?;
            let row = device.row(&id).map_err(|error| error.notice())?;
            row.map(|row| row.thread).ok_or_else(none)
        };
        return export.thread.iter().map(named).collect();
    }
    let label = match &export.label {
        Some(name) => device
            .find_label(name)
            .map_err(|error| error.notice())?
            .ok_or_else(|| EngineError::NoLabel(safe_text::line(name)).notice())?,
        None => label::system("anywhere"),
    };
    let (mut threads, mut window) = (Vec::new(), Window::First);
    loop {
        let page = device.page(&label, &window, PAGE).map_err(|error| error.notice())?;
        let last = page
            .rows
            .last()
            .map(|row| Cursor { last_activity: row.last_activity, thread: row.thread.clone() });
        threads.extend(page.rows.into_iter().map(|row| row.thread));
        match last.filter(|_| page.more_after) {
            Some(last) => window = Window::After(last),
            None => return Ok(threads),
        }
    }
}

/// The work, as far as it is.
struct Work<'a> {
    home: &'a Home,
    logs: Option<Reader>,
    device: Device,
    reach: Reach<'a>,
    into: Into,
    path: &'a Path,
    sum: Sum,
    /// Why the rest of messages is not to be had.
    cut_off: Option<Notice>,
}

impl Work<'_> {
    /// Lets go of what was read.
    fn renew(&mut self) -> Result<(), Notice> {
        if let Some(device) = self.home.reader()? {
            self.device = device;
        }
        Ok(())
    }

    /// Writes a conversation. Only what ends the export is an error.
    fn thread(&mut self, thread: &ThreadId) -> Result<(), Notice> {
        let error = |error: EngineError| error.notice();
        let Some(row) = self.device.row(thread).map_err(error)? else { return Ok(()) };
        if row.thread.is_draft() {
            return Ok(());
        }
        let mut short = None;
        for member in &row.members {
            let loaded =
                show::load_by(&mut self.reach, &mut self.device, self.logs.as_ref(), member);
            match loaded {
                Err(notice) if notice.exit == Exit::Unreached => return Err(notice),
                Err(notice) | Ok(Some(notice)) => short = short.or(Some(notice)),
                Ok(None) => {}
            }
        }
        self.complete(thread)?;
        let Some(view) = self.device.thread(thread).map_err(error)? else { return Ok(()) };
        let missing = row.message_count.saturating_sub(view.messages.len() as u64);
        if let Some(notice) = short.filter(|_| missing > 0) {
            self.sum.messages += missing;
            self.sum.fail(missing, &row.thread, &notice);
        }
        let labels = self.labels(&view.row)?;
        for message in &view.messages {
            let Some((sent, raws)) = self.originals(message) else { continue };
            let wanted = Wanted {
                place: view.row.place,
                sent,
                flags: message.flags,
                labels: labels.clone(),
            };
            for (number, hash) in raws.iter().enumerate() {
                match hash {
                    Some(hash) => self.message(message, number, hash, &wanted)?,
                    None => self.left(message),
                }
            }
        }
        Ok(())
    }

    /// Fetches the rest of what is not whole. What does not come is left, and said.
    fn complete(&mut self, thread: &ThreadId) -> Result<(), Notice> {
        let view = self.device.thread(thread).map_err(|error| error.notice())?;
        let mut outlines: BTreeMap<ThreadId, Vec<MessageId>> = BTreeMap::new();
        for message in view.iter().flat_map(|view| &view.messages) {
            if message.outline.is_some() {
                outlines.entry(message.thread.clone()).or_default().push(message.id.clone());
            }
        }
        for (thread, messages) in outlines {
            // Where one did not come the others are not waited for, each as long again.
            if self.cut_off.is_none() {
                self.cut_off = self.reach.rest(&mut self.device, &thread, &messages).err();
            }
        }
        Ok(())
    }

    /// A message that is not whole is in no export.
    fn left(&mut self, message: &Message) {
        self.sum.messages += 1;
        let absent = Notice::error("not-whole", "the rest of it is at its mail server", "");
        let notice = self.cut_off.clone().unwrap_or(absent);
        self.sum.fail(1, &message.thread, &notice);
    }

    fn originals(&self, message: &Message) -> Option<(bool, Vec<Option<BlobHash>>)> {
        let all = self.device.originals(&message.thread).into_iter();
        let mut found = all.filter(|(id, ..)| *id == message.id);
        found.next().map(|(_, sent, raws)| (sent, raws))
    }

    /// Names of the user labels of a row.
    fn labels(&self, row: &Row) -> Result<Vec<String>, Notice> {
        let known = self.device.labels().map_err(|error| error.notice())?;
        let user = |id: &&LabelId| !label::is_system(id.as_str());
        let name = |id: &LabelId| known.iter().find(|label| label.id == *id);
        let names = row.labels.iter().filter(user).filter_map(name);
        Ok(names.map(|label| label.name.clone()).collect())
    }

    fn message(
        &mut self,
        message: &Message,
        copy: usize,
        hash: &BlobHash,
        wanted: &Wanted,
    ) -> Result<(), Notice> {
        self.sum.messages += 1;
        // In the order of their names the first of several is the first that is taken in.
        let unique = format!("{}.{}.{copy:03}{OURS}", message.sort_date.max(0), message.id);
        if matches!(&self.into, Into::Maildir(maildir) if maildir.has(&unique)) {
            self.sum.skipped += 1;
            return Ok(());
        }
        let raw = match self.raw(hash) {
            Err(notice) if notice.exit == Exit::Unreached => return Err(notice),
            Err(notice) => {
                self.sum.fail(1, &message.thread, &notice);
                return Ok(());
            }
            Ok(raw) => raw,
        };
        let time = message.sort_date;
        let Dressed { bytes, whole, lost } = match &self.into {
            Into::Maildir(_) => for_maildir(&raw, wanted),
            Into::Mbox(_) => for_mbox(&raw, wanted),
        };
        let bytes = bytes.as_deref().unwrap_or(&raw);
        let put = match &mut self.into {
            Into::Mbox(mbox) => mbox.put(bytes, time),
            Into::Maildir(maildir) => maildir.put(&Letter {
                unique: &unique,
                flags: letters(wanted.flags),
                place: wanted.place,
                time,
                bytes,
            }),
        };
        if let Err(error) = put {
            let notice = failed(self.path, &error);
            self.sum.fail(1, &message.thread, &notice);
            return Err(notice);
        }
        self.sum.written += 1;
        if !whole {
            self.sum.bare(message, &lost);
        }
        Ok(())
    }

    fn raw(&mut self, hash: &BlobHash) -> Result<Vec<u8>, Notice> {
        let here = match &self.logs {
            Some(logs) => logs.blob(hash).map_err(|error| error.notice())?,
            None => self.device.blob(hash),
        };
        let bytes = match here {
            None if self.logs.is_none() => self.reach.blob(hash)?,
            here => here,
        };
        bytes.ok_or_else(|| {
            let line = format!("the bytes {hash} are missing");
            Notice::error("blob", line, "run `mailtui doctor`")
        })
    }
}

impl Into {
    fn end(self) -> std::io::Result<()> {
        match self {
            Self::Maildir(mut maildir) => maildir.settle(),
            Self::Mbox(mbox) => mbox.end(),
        }
    }
}

impl Sum {
    /// A message is written, and does not say all that is known of it.
    fn bare(&mut self, message: &Message, lost: &[String]) {
        self.bare += 1;
        if self.listed.len() < MAX_LISTED {
            let reason = if lost.is_empty() {
                "its header cannot carry its flags or its place".to_owned()
            } else {
                let names: Vec<String> = lost.iter().map(|name| safe_text::line(name)).collect();
                format!("its header cannot carry these labels: {}", names.join(", "))
            };
            let line = json!({
                "thread": message.thread, "message": message.id, "code": "bare", "reason": reason,
            });
            self.listed.push(line);
        }
    }

    fn fail(&mut self, messages: u64, thread: &ThreadId, notice: &Notice) {
        self.failed += messages;
        self.only_absent &= notice.exit == Exit::NotFound;
        if self.listed.len() < MAX_LISTED {
            let line = json!({ "thread": thread, "code": notice.code, "reason": notice.message });
            self.listed.push(line);
        }
    }
}

/// So many messages.
fn counted(messages: u64) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}

/// Says what was done.
fn said(output: Output, sum: &Sum, stopped: bool) -> Result<Exit, Notice> {
    let Sum { messages, written, skipped, failed, .. } = sum;
    let object = json!({
        "messages": messages, "written": written, "skipped": skipped, "failed": sum.listed,
    });
    output.result(&object, || {
        format!(
            "{}: {written} written, {skipped} there already, {failed} failed",
            counted(*messages)
        )
    })?;
    if sum.bare > 0 {
        let line = format!("{} without all labels or flags", counted(sum.bare));
        output.notice(&Notice::warning("bare", line, "--json names them in `failed`"));
    }
    if stopped {
        let line = "stopped; of a Maildir what is written stays, of an mbox nothing";
        let hint = "run it again: a Maildir is gone on with, an mbox begun anew";
        return Err(Notice::error("stopped", line, hint).exit(Exit::Stopped));
    }
    if *failed == 0 {
        return Ok(if sum.bare == 0 { Exit::Done } else { Exit::Partial });
    }
    if sum.only_absent {
        let verb = if *failed == 1 { "is" } else { "are" };
        let line = format!("{} {verb} not on this device", counted(*failed));
        let hint = "run the command again without --offline to fetch them";
        return Err(Notice::error("not-here", line, hint).exit(Exit::NotFound));
    }
    Ok(Exit::Partial)
}

fn failed(path: &Path, error: &std::io::Error) -> Notice {
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        let line = format!("{} is there already", safe_text::line(&path.to_string_lossy()));
        let hint = "nothing was written over; name a new file, or move that one away";
        return Notice::error("exists", line, hint);
    }
    let line = format!("{}: {error}", safe_text::line(&path.to_string_lossy()));
    Notice::error("write", line, "nothing was written over; name a new place, or make room")
}
