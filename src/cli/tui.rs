//! `mailtui` without a command: the terminal interface, or plain lines where there is no terminal.
//!
//! Invariant: the first screen is read from the files and drawn before anything else is started;
//! nothing is written before the user has chosen something.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use crate::account::Accounts;
use crate::backend::{Fetcher, Host};
use crate::bridge::find::{Around, find};
use crate::bridge::import::{ImportRequest, Progress};
use crate::cli::beside::{self, Listening};
use crate::cli::demo::Sample;
use crate::cli::desk;
use crate::cli::home::{Home, Where};
use crate::cli::output::Output;
use crate::cli::session::{Session, embedded, pipe};
use crate::clock::SystemClock;
use crate::engine::handle::EngineHandle;
use crate::engine::link::Endpoint;
use crate::engine::view::{ImportProgress, Label, Page, Status, Window};
use crate::engine::{Device, EngineError, ImportJob, Owner, SideDoor};
use crate::label;
use crate::mail::compose::Draft;
use crate::notice::{Exit, Explain as _, Notice};
use crate::store::StoreError;
use crate::ui::ability::{Ability, Colours};
use crate::ui::text;
use crate::ui::{Background, Door, FirstRun, Found, Look, SettingsJob, Start, Tell, UiExit};

/// Rows read for the first screen: those of a tall terminal; a taller one asks for the rest.
const FIRST_ROWS: usize = 60;

/// Runs the interface.
pub(super) fn run(home: &Home, output: Output, linear: bool) -> Result<Exit, Notice> {
    let linear = is_linear(linear);
    if !linear && !has_screen(output) {
        return plain(home, output);
    }
    let (first, older) = match first_screen(home) {
        // The interface opens first, and says that this takes a while.
        Err(EngineError::Store(StoreError::Older { .. })) => (None, true),
        first => (first.map_err(|error| error.notice())?, false),
    };
    let choosing = first.is_none() && !older && !home.is_remote() && !has_account(home);
    // A directory in use is said before the screen changes. Before a choice it is not kept: other
    // commands may bring the first mail in meanwhile.
    let known = home.dir.join(if choosing { "lock" } else { "" }).exists();
    let owner = if known { Some(desk::own_soon(home)?) } else { None };
    let owner = owner.filter(|_| !choosing);
    let first_run = choosing.then(|| FirstRun {
        found: found(),
        data_dir: crate::safe_text::line(&tilde(&home.dir)),
        home: std::env::home_dir(),
    });
    let beginning = Beginning { first, first_run, older, compose: None, linear };
    show(home, output, owner, beginning, None)
}

/// Runs the interface with a message that is written on; `None` where it cannot be: there is no
/// screen, no mailbox yet, or another process has the directory.
pub(super) fn write(
    home: &Home,
    output: Output,
    draft: Draft,
    told: Option<Notice>,
) -> Result<Option<Exit>, Notice> {
    if !has_screen(output) || !home.dir.join("lock").exists() {
        return Ok(None);
    }
    let Ok(first) = first_screen(home) else { return Ok(None) };
    let Ok(owner) = home.own() else { return Ok(None) };
    let compose = Some((Box::new(draft), told));
    let beginning = Beginning { first, first_run: None, older: false, compose, linear: false };
    show(home, output, Some(owner), beginning, None).map(Some)
}

/// Whether there is an account: then its mail is on its way.
fn has_account(home: &Home) -> bool {
    Accounts::read(&home.dir).is_ok_and(|accounts| !accounts.list.is_empty())
}

/// What the interface begins with.
#[derive(Default)]
struct Beginning {
    first: Option<(Page, Vec<Label>, Status)>,
    first_run: Option<FirstRun>,
    /// The files are of an older format: opening them brings them to this one.
    older: bool,
    /// What is written on at once, and what is said of it.
    compose: Option<(Box<Draft>, Option<Notice>)>,
    /// As lines.
    linear: bool,
}

/// Whether there is a terminal.
fn is_terminal() -> bool {
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// Whether the interface is lines: as it was `asked`, or as the user has set for every terminal.
pub(super) fn is_linear(asked: bool) -> bool {
    let set = || super::settings::load(super::settings::dir().as_deref()).settings.linear;
    asked || (is_terminal() && set())
}

/// Whether there is a terminal with a screen.
pub(super) fn is_drawn() -> bool {
    is_terminal() && ability().screen
}

/// As [`is_drawn`]; why not is said where it is not plain to see.
pub(super) fn has_screen(output: Output) -> bool {
    if !is_terminal() {
        return false;
    }
    let screen = ability().screen;
    if !screen {
        let term = std::env::var_os("TERM").unwrap_or_default();
        let line = match term.to_string_lossy() {
            term if term.is_empty() => "this terminal has no name (TERM)".to_owned(),
            term => format!("TERM={term} has no screen to draw on"),
        };
        let hint = "lines only; TERM=xterm-256color draws, if the terminal can";
        output.notice(&Notice::warning("no-screen", line, hint));
    }
    screen
}

fn ability() -> Ability {
    crate::ui::ability::of(&|name| std::env::var_os(name))
}

/// Runs the interface on sample mail.
pub(super) fn run_sample(
    home: &Home,
    output: Output,
    sample: Sample,
    linear: bool,
) -> Result<Exit, Notice> {
    show(home, output, None, Beginning { linear, ..Beginning::default() }, Some(sample))
}

fn show(
    home: &Home,
    output: Output,
    owner: Option<Owner>,
    beginning: Beginning,
    sample: Option<Sample>,
) -> Result<Exit, Notice> {
    let demo = sample.is_some();
    // The thread that opens doors may outlive the interface; the sample must not.
    let sample = Arc::new(Mutex::new(sample));
    let _gone = Gone(Arc::clone(&sample));
    let slot = Arc::clone(&sample);
    let beside = Arc::new(Mutex::new(None));
    let listening = Arc::clone(&beside);
    let side = Arc::new(Mutex::new(None));
    let desk = super::tui_write::Desk::new(home, &slot, &side);
    let running = Vec::new();
    let mut doors = Doors { home: home.clone(), owner, sample, running, listening, side };
    let of_desk = desk.clone();
    let (look, settings) = look();
    let (keys, keys_job) = super::keys::bound();
    let start = Start {
        keys,
        keys_job,
        first: beginning.first,
        first_run: beginning.first_run,
        older: beginning.older,
        demo,
        compose: beginning.compose,
        asks: asks(&look),
        look,
        settings,
        tells: crate::ui::announce::of(&|name| std::env::var_os(name)),
        modes: crate::ui::modes::of(&|name| std::env::var_os(name)),
        zone: crate::clock::zone(),
        clock: Box::new(SystemClock),
        accounts: super::account::job(home),
        desk: super::tui_write::job(desk.clone()),
        editor: super::tui_editor::job(desk),
        open: Box::new(move |door, paths, tell| doors.open(door, paths, tell)),
    };
    let exit = if beginning.linear {
        crate::ui::run_linear(start, &mut std::io::stdout())
    } else {
        crate::ui::run(start)
    };
    // While the directory is still ours: the socket of whoever has it next stays.
    drop(beside.lock().map(|mut listening| listening.take()));
    let (exit, left) = exit.map_err(|error| error.notice())?;
    let unkept = super::tui_write::rescue(&of_desk, left);
    let exit = ended(exit);
    match (exit, unkept) {
        (exit, None) => exit,
        (Ok(Exit::Done), Some(notice)) => Err(notice),
        (exit, Some(notice)) => {
            output.notice(&notice);
            exit
        }
    }
}

/// Whether more is drawn where the background is known, and the terminal can be asked for it.
fn asks(look: &Look) -> bool {
    let many = matches!(look.ability.colours, Colours::Many | Colours::True);
    many && crate::ui::asked::can(&|name| std::env::var_os(name))
}

/// How things look by what is set and what the terminal is, and who tells when that changes.
fn look() -> (Look, SettingsJob) {
    let dir = super::settings::dir();
    let loaded = super::settings::load(dir.as_deref());
    let first = loaded.clone();
    let settings: SettingsJob = Box::new(move |tell| {
        if let Some(dir) = dir {
            super::settings::watch(&dir, first, tell);
        }
    });
    let dark = crate::ui::ability::is_dark(&|name| std::env::var_os(name));
    let background = dark.map_or(Background::Unknown, Background::Dark);
    (Look { ability: ability(), background, loaded }, settings)
}

/// What is said of the end.
fn ended(exit: UiExit) -> Result<Exit, Notice> {
    match exit {
        UiExit::Quit => Ok(Exit::Done),
        UiExit::Forced => Ok(Exit::Stopped),
        UiExit::Unsaved(notice) | UiExit::NotOpened(notice) => Err(notice),
        UiExit::Crashed => Err(Notice::error(
            "crash",
            "the screen has ended because of that",
            "what was decided is saved; `mailtui doctor` checks everything",
        )),
        UiExit::EngineGone => {
            Err(Notice::error("engine", "the engine has stopped", "run `mailtui doctor`"))
        }
    }
}

/// The inbox's first rows, read from the files; `None` while there is no mail.
fn first_screen(home: &Home) -> Result<Option<(Page, Vec<Label>, Status)>, EngineError> {
    let Some(mut device) = Device::read(&home.dir, Box::new(SystemClock))? else { return Ok(None) };
    device.hold_still()?;
    let page = device.page(&label::system("inbox"), &Window::First, FIRST_ROWS)?;
    let labels = device.labels()?;
    let anything = device.count(&label::system("anywhere"))?.0 > 0;
    let (pending, _) = device.pending()?;
    let status = Status { remote: home.is_remote(), pending, ..Status::default() };
    Ok(anything.then_some((page, labels, status)))
}

/// Removes the sample mailbox when the interface has ended, however it ended.
struct Gone(Arc<Mutex<Option<Sample>>>);

impl Drop for Gone {
    fn drop(&mut self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Opens mailboxes for the interface.
struct Doors {
    home: Home,
    owner: Option<Owner>,
    sample: Arc<Mutex<Option<Sample>>>,
    /// What must live as long as the interface.
    running: Vec<Running>,
    /// The socket for commands beside the interface; taken away when that ends.
    listening: Arc<Mutex<Option<Listening>>>,
    /// The way to the engine for who needs bytes of it.
    side: Arc<Mutex<Option<SideDoor>>>,
}

struct Running {
    _fetcher: Option<Fetcher>,
    _host: Option<Host>,
    _owner: Option<Owner>,
}

impl Doors {
    fn open(&mut self, door: Door, paths: &[PathBuf], tell: Tell) -> Result<EngineHandle, Notice> {
        if let Some(path) = paths.iter().find(|path| !path.exists()) {
            let line = format!("{} is not there", path.display());
            return Err(Notice::error(
                "no-such-path",
                line,
                "name a file or directory that exists",
            ));
        }
        match door {
            Door::Own => {
                let owner = match self.owner.take() {
                    Some(owner) => owner,
                    None => desk::own_soon(&self.home)?,
                };
                let home = self.home.clone();
                self.start(&home, Some(owner), tell)
            }
            Door::Demo => {
                let slot = Arc::clone(&self.sample);
                let mut sample = slot.lock().unwrap_or_else(PoisonError::into_inner);
                let home = match &*sample {
                    Some(sample) => sample.home().clone(),
                    None => sample.insert(Sample::make()?).home().clone(),
                };
                self.start(&home, None, tell)
            }
        }
    }

    fn start(
        &mut self,
        home: &Home,
        owner: Option<Owner>,
        tell: Tell,
    ) -> Result<EngineHandle, Notice> {
        let mut device = home.device()?;
        device.search_in(super::shelf::shelf(home));
        let (endpoint, host) = match &home.backend {
            Where::Embedded => {
                let host = embedded(home)?;
                (Some(pipe(&host)), Some(host))
            }
            Where::Remote(_) if home.offline => (None, None),
            Where::Remote(remote) => {
                let (url, token) = (remote.url.clone(), remote.token.clone());
                (Some(Endpoint::Url { url, token }), None)
            }
        };
        let import = host.as_ref().map(|host| importer(home, host));
        let started = crate::engine::start(device, endpoint, import);
        let (handle, side) = started.map_err(|error| error.notice())?;
        *self.side.lock().unwrap_or_else(PoisonError::into_inner) = Some(side.clone());
        if owner.is_some() {
            // Without a socket the interface works as well; commands then say that the directory
            // is in use.
            let listening = beside::listen(home, side, host.as_ref().map(Host::handle)).ok();
            if let Ok(mut held) = self.listening.lock() {
                *held = listening;
            }
        }
        // Sample mail has no account.
        let fetcher = host.as_ref().filter(|_| owner.is_some());
        let fetcher = fetcher.and_then(|host| Fetcher::start(&home.dir, host.handle()).ok());
        if let Some(fetcher) = &fetcher {
            // Without it mail comes in as well; only nobody says so.
            let _ = super::tui_mail::watch(fetcher.handle(), tell);
        }
        self.running.push(Running { _fetcher: fetcher, _host: host, _owner: owner });
        Ok(handle)
    }
}

/// The import job of an embedded backend.
fn importer(home: &Home, host: &Host) -> ImportJob {
    let (home, host) = (home.clone(), host.handle());
    Arc::new(move |paths: Vec<PathBuf>, stop: Arc<AtomicBool>, tell| {
        let mut sources = super::import::sources(&home, home.reader().ok().flatten().as_ref());
        let request = ImportRequest { paths, ..ImportRequest::default() };
        let mut last = ImportProgress::default();
        let mut progress = |at: &Progress| {
            last = ImportProgress {
                done: at.done,
                total: at.total,
                imported: at.imported,
                failed: at.failed,
                ended: false,
            };
            tell(last.clone());
        };
        let report = super::sinks::through(&host, &request, &mut sources, &mut progress, &stop);
        tell(ImportProgress { ended: true, ..last });
        match report {
            Ok(report) => said(&report),
            Err(error) => error.0,
        }
    })
}

fn said(report: &crate::bridge::import::ImportReport) -> Notice {
    let messages = text::plural(report.imported, "message", "messages");
    let mut line = format!("Imported {messages}.");
    if report.followed > 0 {
        line = format!("{line} {} changed at the source.", text::count(report.followed));
    }
    match (report.failed.count(), report.notices.first()) {
        (0, None) => Notice::info(line),
        (0, Some(notice)) => notice.clone(),
        (failed, _) => {
            let line = format!("{line} {} could not be read.", text::count(failed));
            Notice::warning("failed", line, "`mailtui import` lists them with their reasons")
        }
    }
}

/// Mail that is on this machine already, as the first run offers it.
fn found() -> Vec<Found> {
    let Some(home) = std::env::home_dir() else { return Vec::new() };
    let env = |name: &str| std::env::var_os(name);
    let spool = PathBuf::from("/var/mail");
    find(&Around { home: &home, spool: &spool, env: &env })
        .into_iter()
        .map(|candidate| Found {
            shown: crate::safe_text::line(&tilde(&candidate.path)),
            kind: candidate.kind.to_string(),
            messages: Some(candidate.messages.number()),
            path: candidate.path,
        })
        .collect()
}

/// A path with `~` for the user's home.
fn tilde(path: &std::path::Path) -> String {
    let home = std::env::home_dir();
    match home.and_then(|home| path.strip_prefix(home).ok().map(std::path::Path::to_owned)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// Without a terminal: the inbox as lines, or what could be done first.
fn plain(home: &Home, output: Output) -> Result<Exit, Notice> {
    if first_screen(home).map_err(|error| error.notice())?.is_some() {
        return super::list::list(home, output, &super::args::List::inbox(50));
    }
    for line in [
        "No mail here yet.",
        "  mailtui demo           look around in sample mail (needs a terminal)",
        "  mailtui import PATH…   take in mbox files, Maildirs and .eml files",
    ] {
        output.line(line)?;
    }
    for place in found() {
        let count = place.messages.map(|count| format!(", {count} messages")).unwrap_or_default();
        output.line(&format!("  found: {} ({}{count})", place.shown, place.kind))?;
    }
    Ok(Exit::Done)
}

/// A session on a home, for the sample's import.
pub(super) fn session(home: &Home) -> Result<Session, Notice> {
    let mut session = Session::open(home)?;
    session.connect()?;
    Ok(session)
}
