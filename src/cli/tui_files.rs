//! What is done with files of a conversation from the screen: fetched, saved, opened, piped, read.
//!
//! Invariant: each on a thread of its own, so that nothing else waits, and stopped when it is no
//! more wanted. The same functions as `mailtui attachment`: nothing is written over, no shell sees
//! a name, and what is a program is opened only when somebody said so.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::backend::Reader;
use crate::cli::attach::expanded;
use crate::cli::attachment::find::bytes_of;
use crate::cli::attachment::{file_name, open, put, runs};
use crate::engine::{Driver, SideDoor, Unanswered};
use crate::mail::{Address, Attachment, each_picture, file_type, others, parse};
use crate::notice::{Explain as _, Notice};
use crate::safe_text;
use crate::ui::compose::desk::{DeskSaid, DeskTell};
use crate::ui::files::{FileAct, FileAsk, FileItem, FileStep, name};
use crate::ui::picture::{Picture, Room, Way, make};
use crate::ui::terminal::Screen;
use crate::ui::text;

/// Bytes of a text that are shown; who wants more saves it.
const MAX_SHOWN_BYTES: usize = 256 * 1024;
/// Bytes of what a program prints that are shown.
const MAX_PRINTED_BYTES: u64 = 256 * 1024;
/// What is said below a picture that cannot be shown.
const PICTURE_HINT: &str = "A lists what is attached; s there saves it, o opens it";
/// What stands between two forms.
const BETWEEN_FORMS: &str = "\n\n──\n\n";
/// How often it is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Who does it.
#[derive(Clone)]
pub(super) struct Files {
    side: Arc<Mutex<Option<SideDoor>>>,
    running: Arc<Mutex<Option<Running>>>,
    way: Way,
}

/// What is under way.
struct Running {
    ticket: u64,
    stop: Arc<AtomicBool>,
}

impl Files {
    pub(super) fn new(side: &Arc<Mutex<Option<SideDoor>>>, way: Way) -> Self {
        Self { side: Arc::clone(side), running: Arc::new(Mutex::new(None)), way }
    }

    /// Begins what is asked; what was under way is stopped.
    pub(super) fn begin(&self, dir: &Path, ask: FileAsk, tell: DeskTell) {
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Running { ticket: ask.ticket, stop: Arc::clone(&stop) };
        if let Some(before) = running.replace(now) {
            before.stop.store(true, Ordering::SeqCst);
        }
        drop(running);
        let side = self.side.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (dir, way) = (dir.to_owned(), self.way);
        let work = move || {
            let told = ask.clone();
            let tell = |step: FileStep| tell(DeskSaid::File(Box::new(told.clone()), step));
            let work = Work { dir: &dir, side: side.as_ref(), stop: &stop, tell: &tell, way };
            let step = work.run(&ask).unwrap_or_else(FileStep::Failed);
            if !stop.load(Ordering::SeqCst) {
                tell(step);
            }
        };
        // Without a thread there is no answer; Esc goes back.
        drop(std::thread::Builder::new().name("files".to_owned()).spawn(work));
    }

    /// Stops it.
    pub(super) fn stop(&self, ticket: u64) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.as_ref().filter(|running| running.ticket == ticket) {
            running.stop.store(true, Ordering::SeqCst);
        }
    }
}

/// What is under way.
struct Work<'a> {
    dir: &'a Path,
    side: Option<&'a SideDoor>,
    stop: &'a AtomicBool,
    tell: &'a dyn Fn(FileStep) -> bool,
    way: Way,
}

impl Work<'_> {
    fn run(&self, ask: &FileAsk) -> Result<FileStep, Notice> {
        let Some(first) = ask.items.first() else { return Ok(FileStep::Done(String::new())) };
        match &ask.act {
            FileAct::Save(to) => self.save(&ask.items, &expanded(to)),
            FileAct::Source => {
                let raw = self.raw(first)?;
                let more = if others(&raw).is_empty() { "" } else { " (H: its other form)" };
                Ok(FileStep::Page(format!("As it came{more}"), shown(&raw)))
            }
            FileAct::Other => Ok(other_form(&self.raw(first)?)),
            FileAct::View => {
                let bytes = self.bytes(first)?;
                if file_type("", &bytes).starts_with("image/") {
                    let title = safe_text::line(&name(&first.attachment));
                    return Ok(FileStep::Picture(title, self.made(&bytes, ask.room)?));
                }
                view(&first.attachment, &bytes)
            }
            FileAct::Picture(at) => self.picture(first, *at, ask.room),
            FileAct::Open(force) => self.open(first, *force),
            FileAct::Pipe(typed) => self.pipe(first, typed),
        }
    }

    /// The bytes of the message that it is in: from the files, else by the engine.
    fn raw(&self, item: &FileItem) -> Result<Vec<u8>, Notice> {
        let missing = || {
            let line = format!("the bytes {} are missing", item.raw);
            Notice::error("blob", line, "run `mailtui doctor`")
        };
        let logs = Reader::open(&self.dir.join("backend")).map_err(|error| error.notice())?;
        if let Some(logs) = logs {
            return logs.blob(&item.raw).map_err(|error| error.notice())?.ok_or_else(missing);
        }
        let side = self.side.ok_or_else(missing)?;
        let (wanted, hash) = (item.raw.clone(), item.raw.clone());
        let begin = move |driver: &mut Driver| {
            if !driver.device.has_blob(&wanted) {
                driver.device.fetch_blob(&wanted)?;
            }
            driver.send().map(|()| 0)
        };
        let asked = side.question(begin).map_err(unanswered)?;
        let here = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&here);
        let look = move |driver: &mut Driver, _: u64| {
            driver.send()?;
            counted.store(driver.device.blob_fetched(&hash), Ordering::Relaxed);
            Ok(driver.device.blob(&hash))
        };
        let seq = asked.seq;
        let mut told = 0;
        let waited = side.wait(
            Some(asked),
            move |driver| look(driver, seq),
            || {
                let have = here.load(Ordering::Relaxed);
                if have != told {
                    told = have;
                    (self.tell)(FileStep::Fetching(have, item.raw_size));
                }
                if self.stop.load(Ordering::SeqCst) { Err(()) } else { Ok(()) }
            },
        );
        match waited {
            Ok(done) => done.map_err(unanswered),
            Err(()) => Err(Notice::info("stopped")),
        }
    }

    fn bytes(&self, item: &FileItem) -> Result<Vec<u8>, Notice> {
        let raw = self.raw(item)?;
        bytes_of(&raw, item.at, &item.attachment).ok_or_else(|| {
            let line = format!("{} is not in its message", name(&item.attachment));
            Notice::error("attachment", line, "H shows the message as it came")
        })
    }

    /// One of the pictures of a message; what one cannot show does not hide the others.
    fn picture(&self, item: &FileItem, at: i64, room: (u16, u16)) -> Result<FileStep, Notice> {
        let raw = self.raw(item)?;
        let mut count = 0_i64;
        each_picture(&raw, &mut |_, _| count += 1);
        if count == 0 {
            return Err(Notice::info("there is no picture in this message"));
        }
        let (at, mut now, mut found) = (at.rem_euclid(count), 0_i64, None);
        each_picture(&raw, &mut |attachment, bytes| {
            if now == at {
                found = Some((safe_text::line(&name(attachment)), bytes.to_vec()));
            }
            now += 1;
        });
        let (name, bytes) = found.unwrap_or_default();
        let title = match count {
            1 => name,
            _ => format!("{name} ({} of {count}, n the next)", at + 1),
        };
        Ok(match self.made(&bytes, room) {
            Ok(picture) => FileStep::Picture(title, picture),
            Err(notice) => FileStep::Page(
                title,
                format!("It cannot be shown: {}\n{PICTURE_HINT}", notice.message),
            ),
        })
    }

    fn made(&self, bytes: &[u8], room: (u16, u16)) -> Result<Arc<Picture>, Notice> {
        let stop = || self.stop.load(Ordering::SeqCst);
        let room = Room { cells: room, cell: Screen::cell(), way: self.way };
        make(bytes, room, &stop).map(Arc::new).map_err(|error| error.notice())
    }

    fn save(&self, items: &[FileItem], to: &Path) -> Result<FileStep, Notice> {
        let place = safe_text::line(&to.to_string_lossy());
        if !to.is_dir() {
            let line = format!("{place} is not a directory");
            return Err(Notice::error("not-a-directory", line, "make it, or name another with S"));
        }
        let mut last = None;
        for item in items {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let bytes = self.bytes(item)?;
            let path = put::put(to, &file_name(&item.attachment), &bytes).map_err(|error| {
                let line = format!("{place}: {error}");
                Notice::error("write", line, "is there room, and may you write there?")
            })?;
            last = Some(path);
        }
        let last = last.as_deref().and_then(Path::file_name).unwrap_or_default();
        let last = safe_text::line(&last.to_string_lossy());
        Ok(FileStep::Done(match items.len() {
            1 => format!("Saved {last} in {place}"),
            count => format!("Saved {count} attachments in {place}"),
        }))
    }

    fn open(&self, item: &FileItem, force: bool) -> Result<FileStep, Notice> {
        let bytes = self.bytes(item)?;
        if let Some(kind) = runs(&item.attachment, &bytes).filter(|_| !force) {
            return Ok(FileStep::Program(format!("It is {kind}.")));
        }
        let words = open::opener(&|name| std::env::var_os(name))?;
        let name = file_name(&item.attachment);
        if self.stop.load(Ordering::SeqCst) {
            return Err(Notice::info("stopped"));
        }
        let path = open::place(self.dir, &name, &bytes)?;
        open::run(&words, &path, false)?;
        Ok(FileStep::Done(format!("Opened {name}")))
    }

    /// Runs a program on the bytes; what it prints is read here.
    fn pipe(&self, item: &FileItem, typed: &str) -> Result<FileStep, Notice> {
        let failed = |why: String| Notice::error("pipe-failed", why, "no shell reads it");
        let words = shlex::split(typed).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| failed("a quote is not closed".to_owned()))?;
        let bytes = self.bytes(item)?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let spawned = command.spawn();
        let mut child = spawned.map_err(|error| failed(format!("{}: {error}", words[0])))?;
        let input = child.stdin.take();
        // It need not read all of it.
        let feeding = std::thread::spawn(move || input.map(|mut stdin| stdin.write_all(&bytes)));
        let output = child.stdout.take();
        let reading = std::thread::spawn(move || {
            let mut printed = Vec::new();
            if let Some(mut output) = output {
                let _ = output.by_ref().take(MAX_PRINTED_BYTES).read_to_end(&mut printed);
                let _ = std::io::copy(&mut output, &mut std::io::sink());
            }
            printed
        });
        let status = self.wait(&mut child)?;
        drop(feeding.join());
        let printed = reading.join().unwrap_or_default();
        let said = match (status, printed.is_empty()) {
            (Some(0), true) => "It printed nothing.".to_owned(),
            (Some(0), false) => shown(&printed),
            (status, _) => {
                let how = status.map_or("a signal".to_owned(), |code| code.to_string());
                format!("It ended with {how}.\n\n{}", shown(&printed))
            }
        };
        Ok(FileStep::Page(safe_text::line(typed), said))
    }

    fn wait(&self, child: &mut Child) -> Result<Option<i32>, Notice> {
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status.code()),
                Ok(None) if self.stop.load(Ordering::SeqCst) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(Notice::info("stopped"));
                }
                Ok(None) => std::thread::sleep(LOOK),
                Err(error) => return Err(Notice::error("pipe-failed", error.to_string(), "")),
            }
        }
    }
}

fn unanswered(why: Unanswered) -> Notice {
    match why {
        Unanswered::Ended => Notice::error("engine", "the engine has ended", ""),
        Unanswered::Failed(error) => error.notice(),
    }
}

/// Bytes as text that can be shown, its beginning.
fn shown(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(MAX_SHOWN_BYTES)];
    let shown = safe_text::text(&String::from_utf8_lossy(start));
    match (bytes.len() - start.len()) as u64 {
        0 => shown,
        more => format!("{shown}\n… {} more", text::size(more)),
    }
}

/// A file that can be read here: a message, or a text.
fn view(attachment: &Attachment, bytes: &[u8]) -> Result<FileStep, Notice> {
    let title = safe_text::line(&name(attachment));
    let media_type = attachment.media_type.as_str();
    if media_type == "message/rfc822" || media_type == "message/global" {
        return Ok(FileStep::Page(title, message(bytes)));
    }
    let start = &bytes[..bytes.len().min(MAX_SHOWN_BYTES)];
    let page = matches!(media_type, "text/html" | "application/xhtml+xml");
    let is_text = media_type.starts_with("text/")
        || media_type.ends_with("json")
        || media_type.ends_with("xml")
        || file_type("", start).starts_with("text/");
    if page {
        // Read as the text of a message is.
        let head = b"Content-Type: text/html\r\nContent-Transfer-Encoding: binary\r\n\r\n";
        return Ok(FileStep::Page(title, parse(&[head, start].concat()).text));
    }
    if is_text {
        return Ok(FileStep::Page(title, shown(bytes)));
    }
    let line = format!("{title} ({media_type}) cannot be read here");
    Err(Notice::warning("no-text", line, "o opens it, s saves it"))
}

/// What of a message is not shown since another form of it is.
fn other_form(raw: &[u8]) -> FileStep {
    let others = others(raw);
    let text = if others.is_empty() {
        "It has one form, and that is shown.".to_owned()
    } else {
        shown(others.join(BETWEEN_FORMS).as_bytes())
    };
    FileStep::Page("The form that is not shown (H: as it came)".to_owned(), text)
}

/// An attached message, as a message is read.
fn message(bytes: &[u8]) -> String {
    let parsed = parse(bytes);
    let people = |list: &[Address]| {
        let one = |address: &Address| match &address.name {
            Some(name) => format!("{name} <{}>", address.shown()),
            None => address.shown().into_owned(),
        };
        list.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let mut lines =
        vec![format!("From: {}", people(&parsed.from)), format!("To: {}", people(&parsed.to))];
    if !parsed.cc.is_empty() {
        lines.push(format!("Cc: {}", people(&parsed.cc)));
    }
    lines.extend(parsed.date.and_then(crate::clock::rfc3339).map(|date| format!("Date: {date}")));
    lines.push(format!("Subject: {}", parsed.subject.unwrap_or_default()));
    lines.extend([String::new(), parsed.text]);
    for attachment in &parsed.attachments {
        let size = text::size(attachment.size);
        lines.push(format!("@ {}  {}, {size}", name(attachment), attachment.media_type));
    }
    safe_text::text(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(media_type: &str, name: &str, bytes: &[u8]) -> Result<String, Notice> {
        let (name, media_type) = (Some(name.to_owned()), media_type.to_owned());
        let size = bytes.len() as u64;
        match view(&Attachment { name, media_type, size }, bytes)? {
            FileStep::Page(_, text) => Ok(text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn texts_and_messages_are_read_and_others_are_not() {
        assert_eq!(page("text/plain", "a", b"a\x1b[2Jb\r\n").unwrap(), "a\u{fffd}[2Jb\n");
        assert_eq!(page("application/json", "a", b"{}").unwrap(), "{}");
        assert_eq!(page("application/octet-stream", "notes", b"hello\n").unwrap(), "hello\n");
        let html = page("text/html", "a", b"<p>one<script>x</script><p>two").unwrap();
        assert!(html.contains("one") && html.contains("two") && !html.contains("script"), "{html}");
        let inner = b"From: A <a@x.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nHello\n";
        let text = page("message/rfc822", "m", inner).unwrap();
        assert!(text.contains("From: A <a@x.org>") && text.contains("Subject: Grüße"), "{text}");
        assert!(text.contains("\n\nHello"), "{text}");
        assert_eq!(page("image/png", "a", b"\x89PNG\0").unwrap_err().code, "no-text");
        let two = b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b\n\
            Content-Type: text/html\n\n<b>two</b>\n--b--\n";
        let texts = [&two[..], b"\none"].map(|raw| match other_form(raw) {
            FileStep::Page(_, text) => text,
            other => panic!("{other:?}"),
        });
        assert_eq!(texts, ["two", "It has one form, and that is shown."]);
        let long = shown(&vec![b'x'; MAX_SHOWN_BYTES + 2_048]);
        assert!(
            long.ends_with("… 2 kB more") || long.contains("more"),
            "{}",
            &long[long.len() - 30..]
        );
    }
}
