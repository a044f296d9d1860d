//! `import`: mail from files, with progress, stoppable, safe to repeat.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::bridge::import::{ImportReport, ImportRequest, Progress, import};
use crate::cli::beside::GuestSink;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::sinks::into;
use crate::clock::SystemClock;
use crate::engine::{Device, Sources};
use crate::label::{self, Place};
use crate::notice::{Exit, Notice};
use crate::store::Own;

/// How often progress is shown on a terminal.
const TICK_TERMINAL: Duration = Duration::from_millis(100);
/// How often progress is shown as a line otherwise.
const TICK_LINES: Duration = Duration::from_secs(1);

/// Imports and says what became of it.
pub(super) fn run(
    home: &Home,
    output: Output,
    request: &ImportRequest,
    wait: bool,
) -> Result<Exit, Notice> {
    if let [path] = request.paths.as_slice()
        && !path.exists()
    {
        let line = format!("{} is not there", path.display());
        let hint = "name a file or a directory that exists";
        return Err(Notice::error("no-such-path", line, hint).exit(Exit::NotFound));
    }
    if home.offline && home.is_remote() {
        let line = "mail is taken in by the backend, and --offline reaches none";
        return Err(Notice::error("offline", line, AGAIN).exit(Exit::Unreached));
    }
    let stop = super::stop::flag();
    let mut desk = Desk::open(home)?;
    let mut bar = Bar::new(output);
    let mut show = |progress: &Progress| bar.show(progress);
    if let Desk::Own(session) = &mut desk {
        session.connect().map_err(again)?;
        if wait {
            session.hurry();
        }
    }
    let mut sources = sources(home, Some(desk.device()));
    let report = match &mut desk {
        Desk::Own(session) => into(session, request, &mut sources, &mut show, &stop, wait),
        Desk::Beside(guest) => {
            let mut sink = GuestSink { guest, wait };
            import(request, &mut sources, &mut sink, &mut show, &stop)
        }
    };
    bar.end();
    if let Some(trouble) = sources.trouble() {
        output.notice(trouble);
    }
    let report = report.map_err(|error| again(error.0))?;
    if let Desk::Own(session) = &desk
        && wait
    {
        session.index(output, &stop);
    }
    for notice in &report.notices {
        output.notice(notice);
    }
    output.result(&report, || plain(&report))?;
    Ok(report.exit())
}

/// What was imported from where into this directory; of its own backend, or of the remote one as
/// the device knows it.
pub(super) fn sources(home: &Home, device: Option<&Device>) -> Sources {
    let known = |device: &Device| {
        let setting = |name| Own::setting(device.db(), name).ok().flatten();
        setting("backend").zip(setting("epoch"))
    };
    let backend = if home.is_remote() {
        device.and_then(known)
    } else {
        crate::backend::identity(&home.backend_dir()).ok().flatten()
    };
    let mut sources = Sources::open(&home.dir, backend.as_ref(), &SystemClock);
    let purged = device.map(|device| crate::mailbox::purged(device.db()));
    if let Some(Ok(purged)) = purged {
        sources.forget_purged(&purged);
    }
    sources
}

/// The hint of an import that the backend was not there for: its files are still what they were.
const AGAIN: &str = "run it again when the backend is there; what is in already is not taken twice";

fn again(notice: Notice) -> Notice {
    match notice.exit {
        Exit::Unreached => Notice { hint: AGAIN.to_owned(), ..notice },
        _ => notice,
    }
}

/// Progress on standard error.
pub(super) struct Bar {
    output: Output,
    terminal: bool,
    started: Instant,
    last: Option<Instant>,
}

impl Bar {
    /// Begins now.
    pub(super) fn new(output: Output) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { output, terminal, started: Instant::now(), last: None }
    }

    /// Shows how far it is, when it is time to.
    pub(super) fn show(&mut self, progress: &Progress) {
        let tick = if self.terminal { TICK_TERMINAL } else { TICK_LINES };
        if self.last.unwrap_or(self.started).elapsed() < tick {
            return;
        }
        self.last = Some(Instant::now());
        let line = line(progress, self.started.elapsed(), self.terminal);
        self.output.progress(&line, self.terminal);
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if self.last.is_some() && self.terminal {
            self.output.progress("", true);
        }
    }
}

fn line(progress: &Progress, since: Duration, bar: bool) -> String {
    let part = match progress.total {
        Some(total) if total > 0 => Some((progress.done, total)),
        _ if progress.bytes_total > 0 => Some((progress.bytes_done, progress.bytes_total)),
        _ => None,
    };
    let mut line = format!("importing {} messages", progress.done);
    if let Some((done, total)) = part {
        let done = done.min(total);
        let percent = done * 100 / total;
        if bar {
            let full = usize::try_from(percent / 5).unwrap_or(0).min(20);
            line = format!(
                "importing {}{} {percent} %, {} messages",
                "█".repeat(full),
                "░".repeat(20 - full),
                progress.done
            );
        } else {
            let _ = write!(line, " ({percent} %)");
        }
        if let Some(left) =
            since.as_secs().checked_mul(total - done).and_then(|n| n.checked_div(done))
        {
            let _ = write!(line, ", {left} s left");
        }
    }
    if progress.failed > 0 {
        let _ = write!(line, ", {} failed", progress.failed);
    }
    line
}

pub(super) fn plain(report: &ImportReport) -> String {
    let followed = match (report.followed, report.gone_count) {
        (0, 0) => String::new(),
        (followed, 0) => format!("; {followed} followed"),
        (0, gone) => format!("; {gone} gone at the source, kept here"),
        (followed, gone) => format!("; {followed} followed, {gone} gone at the source, kept here"),
    };
    let mut lines = vec![format!(
        "{} messages: {} imported, {} duplicates, {} copies, {} failed; {} conversations, \
         {} new{followed}{}",
        report.messages,
        report.imported,
        report.duplicates,
        report.copies,
        report.failed.count(),
        report.threads,
        report.new_threads,
        if report.stopped { " (stopped; run it again to go on)" } else { "" },
    )];
    if report.purged > 0 {
        let rest = "stay purged; --purged-too brings them back";
        lines.push(format!("  {} of them {rest}", report.purged));
    }
    for failure in report.failed.listed() {
        let path = crate::safe_text::line(&failure.path.to_string_lossy());
        lines
            .push(format!("  {path} at {}: {} ({})", failure.offset, failure.reason, failure.code));
    }
    lines.join("\n")
}

/// The request of the command line. `--label inbox` says what `--place inbox` says; a label that
/// follows from the mail itself cannot be put on it.
pub(super) fn request(
    paths: Vec<PathBuf>,
    mut place: Option<Place>,
    labels: Vec<String>,
    revive: bool,
) -> Result<ImportRequest, Notice> {
    let mut names = Vec::new();
    for text in labels {
        let usage =
            |code, line: String, hint| Err(Notice::error(code, line, hint).exit(Exit::Usage));
        let Some(name) = label::clean_name(&text) else {
            let hint = "give it at least one visible character";
            return usage("no-name", "a label needs a name".to_owned(), hint);
        };
        let id = name.to_lowercase();
        match Place::parse(&id) {
            Some(named) if place.is_none_or(|place| place == named) => place = Some(named),
            Some(_) => {
                let line = format!("{name} is a second place");
                return usage("place", line, "a conversation is in one place");
            }
            None if label::is_system(&id) => {
                let line = format!("{id} follows from the mail itself");
                return usage("derived", line, "only your own labels and places can be put on");
            }
            None => names.push(name),
        }
    }
    Ok(ImportRequest { paths, place, labels: names, revive, ..ImportRequest::default() })
}
