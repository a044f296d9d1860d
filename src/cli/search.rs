//! `search`: what the index finds, as `list` shows it; no connection, no runtime.
//!
//! Invariant: what the index lacks is put in first, as far as that goes in a bounded time, and what
//! it lacks then is said: too little is never shown in silence, and nothing found in what is not
//! all is no success. The index is a cache: a damaged one is made again, and never an error.

mod quiet;
mod saved;
mod there;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use crate::account::Accounts;
use crate::backend::{Logs, Looked, drop_spoilt_index, index_until, look_at_index};
use crate::cli::args::{Search, query_word};
use crate::cli::home::Home;
use crate::cli::list;
use crate::cli::output::Output;
use crate::cli::shelf::of_account;
use crate::clock::{self, Clock as _, SystemClock};
use crate::engine::elsewhere::FoundThere;
use crate::engine::view::Row;
use crate::engine::{Device, EngineError, KEPT_FORMAT};
use crate::notice::{Exit, Explain as _, Notice};
use crate::search::query::value_text;
use crate::search::{Ask, Context, Index, Query, Wants, Weight, parse};
use crate::store::StoreError;
use quiet::Quiet;

/// How long messages are put into the index before it is asked; what is left then is put in by the
/// next search, or by whoever else looks after it.
const SOON: Duration = Duration::from_secs(10);
/// Messages that are counted, of those that it lacks.
const COUNTED: usize = 1_000_000;

/// What was found.
struct Found {
    rows: Vec<Row>,
    /// What is to say about it.
    said: Vec<Notice>,
    /// Messages were not looked at, since the index lacks them.
    lacks: bool,
}

/// Finds conversations, or looks after the saved searches.
pub(super) fn run(home: &Home, output: Output, search: &Search) -> Result<Exit, Notice> {
    let words = search.query.iter().map(|word| query_word(word));
    let text = words.collect::<Vec<_>>().join(" ");
    match search {
        Search { save: Some(name), .. } => saved::save(home, output, (name, &text), search.wait),
        Search { unsave: Some(name), .. } => saved::remove(home, output, name, search.wait),
        Search { saved: Some(name), .. } if name.is_empty() => saved::list(home, output),
        Search { saved: Some(name), .. } => {
            look_for(home, output, &saved::named(home, name)?.query, search)
        }
        _ => look_for(home, output, &text, search),
    }
}

/// What a query asks here and now; what is odd about it is said.
fn read(home: &Home, output: Output, text: &str) -> Result<Query, Notice> {
    let wants = Wants::of(text);
    let zone = if wants.zone { clock::zone() } else { TimeZone::UTC };
    let now = SystemClock.now();
    let me = if wants.me { mine(home)? } else { Vec::new() };
    let saved = if wants.saved { saved::all(home)? } else { Vec::new() };
    let context = Context { now, zone: &zone, me: &me, typing: false, saved: &saved };
    let parsed = parse(text, &context);
    for mark in parsed.marks.iter().filter(|mark| mark.weight != Weight::Error) {
        output.notice(&Notice::warning("query", &mark.message, &mark.hint));
    }
    parsed.asked(text).map_err(|error| error.notice())
}

/// Finds conversations.
fn look_for(home: &Home, output: Output, text: &str, search: &Search) -> Result<Exit, Notice> {
    let query = read(home, output, text)?;
    let (limit, order) = (search.limit, search.by);
    let limit = if limit == 0 { usize::MAX } else { limit };
    let ask = Ask { query: &query, limit, order, typing: false };
    let quiet = Quiet::of(home).filter(|_| !home.is_remote());
    let found = quiet.as_ref().and_then(|quiet| find_quietly(home, quiet, &ask));
    let Some(found) =
        found.map_or_else(|| find(home, output, &ask, quiet.as_ref()), |found| Ok(Some(found)))?
    else {
        return Ok(Exit::Done);
    };
    for notice in &found.said {
        output.notice(notice);
    }
    list::print(output, &found.rows)?;
    let is_nothing = found.rows.is_empty() && found.lacks;
    // The process ends: to take it apart would only cost time.
    std::mem::forget(found);
    Ok(if is_nothing { Exit::Partial } else { Exit::Done })
}

/// The user's own addresses: `from:me`. Those of an account that has a whole domain are its domain.
fn mine(home: &Home) -> Result<Vec<String>, Notice> {
    let accounts = Accounts::read(&home.dir).map_err(|error| error.notice())?;
    let identities = if accounts.list.is_empty() && home.is_remote() {
        // The backend has them, and has told of them.
        let device = home.reader().ok().flatten();
        let told = device.and_then(|device| device.told_writers().ok());
        told.map(|(identities, _)| identities).unwrap_or_default()
    } else {
        crate::account::identities(&accounts, &home.dir).0
    };
    let mut all = Vec::new();
    for identity in identities {
        all.push(identity.from.address);
        let aliases = identity.aliases.iter();
        all.extend(aliases.map(|alias| alias.trim_start_matches(['*', '@']).to_owned()));
    }
    Ok(all)
}

/// Finds in files of which nothing is lacking, as long as they do not change; `None` where that
/// cannot be, whyever.
fn find_quietly(home: &Home, quiet: &Quiet, ask: &Ask<'_>) -> Option<Found> {
    if !quiet.is_known() {
        return None;
    }
    let mut device = Device::read_quiet(&home.dir, Box::new(SystemClock)).ok()??;
    device.ask_accounts(&of_account(home));
    if device.knew_others().ok()? || device.has_overslept(SystemClock.now()).ok()? {
        return None;
    }
    let index = Index::read_quiet(&home.backend_dir()).ok()??;
    let rows = device.find(&index, ask, &|| true).ok()?;
    let said = missing_labels(&device, ask.query);
    let found = quiet.holds(home).then_some(Found { rows, said, lacks: false });
    // They hold no lock, and the process ends: to close them would only cost time.
    std::mem::forget((device, index));
    found
}

/// Finds, after all was looked at; `None` where there is no mail.
fn find(
    home: &Home,
    output: Output,
    ask: &Ask<'_>,
    quiet: Option<&Quiet>,
) -> Result<Option<Found>, Notice> {
    let Some(mut device) = super::caught_up_still(home)? else { return Ok(None) };
    device.ask_accounts(&of_account(home));
    let mut looked = index(home, output)?;
    let there = home.is_remote().then(|| there::ask(home, ask));
    let found = there.as_ref().and_then(|there| there.as_ref().ok());
    let look_up = |index: Option<&Index>| match (found, index) {
        (Some(found), index) => device.find_with(index, ask, found).map(|(rows, _)| rows),
        (None, Some(index)) => device.find(index, ask, &|| true),
        (None, None) => Ok(Vec::new()),
    };
    let mut rows = look_up(looked.index.as_ref());
    if let Err(EngineError::Store(error)) = &rows
        && error.is_damage()
    {
        // Read in pieces, it is met only now. A damaged file elsewhere is told of by the second.
        looked.index = None;
        if drop_spoilt_index(&indexed(home).0).unwrap_or(false) {
            looked = index(home, output)?;
            rows = look_up(looked.index.as_ref());
        }
    }
    let rows = rows.map_err(|error| error.notice())?;
    let mut said = incomplete(looked.lacks);
    said.extend(there.and_then(not_all));
    let mut missing = missing_labels(&device, ask.query);
    // A device of another backend knows no accounts; that one was asked.
    missing.retain(|notice| !(home.is_remote() && notice.code == "no-account"));
    said.extend(missing);
    let is_whole = looked.lacks == 0 && !looked.stale;
    if let Some(quiet) = quiet
        && is_whole
        && quiet.holds(home)
        && !home.is_behind(Some(&device))?
    {
        quiet.remember();
    }
    Ok(Some(Found { rows, said, lacks: looked.lacks > 0 }))
}

/// Labels that are asked for and that are not there: they find nothing.
fn missing_labels(device: &Device, query: &Query) -> Vec<Notice> {
    let missing = device.labels_missing(query).into_iter();
    let say = |(name, near): (String, Option<String>)| {
        let line = format!("no label is called {}", crate::safe_text::line(&name));
        let hint = match near {
            Some(near) => format!("did you mean label:{} ?", value_text(&near)),
            None => "`mailtui labels` lists them".to_owned(),
        };
        Notice::warning("no-label", line, crate::safe_text::line(&hint))
    };
    let account = |name: String| {
        let line = format!("no account is called {}", crate::safe_text::line(&name));
        let hint = "`mailtui account list` lists them, where the backend is";
        Notice::warning("no-account", line, hint)
    };
    missing.map(say).chain(device.accounts_missing(query).into_iter().map(account)).collect()
}

/// Where the index is, and of which logs.
pub(super) fn indexed(home: &Home) -> (PathBuf, Logs) {
    if home.is_remote() {
        (home.dir.clone(), Logs::Kept(KEPT_FORMAT))
    } else {
        (home.backend_dir(), Logs::Backend)
    }
}

/// The index, after it has taken in what it lacks, as far as that goes.
fn index(home: &Home, output: Output) -> Result<Looked, Notice> {
    let (dir, logs) = indexed(home);
    let look = || look_at_index(&dir, logs, COUNTED).map_err(|error| no_index(&dir, &error));
    let looked = look()?;
    if looked.lacks == 0 && !looked.stale {
        return Ok(looked);
    }
    drop(looked); // it may be made again
    let bar = std::io::stderr().is_terminal();
    let tell = || {
        if bar && let Ok(looked) = look() {
            output.progress(&format!("indexing; {} messages to go", looked.lacks), true);
        }
    };
    // A directory that cannot be written is searched as it is.
    let _ = index_until(&dir, logs, Instant::now() + SOON, &tell);
    if bar {
        output.progress("", true);
    }
    look()
}

/// What the index is no file of: no backup has what makes it one.
pub(super) fn no_index(dir: &Path, error: &StoreError) -> Notice {
    let notice = error.notice();
    if !matches!(error, StoreError::Sqlite(_) | StoreError::Io { .. }) {
        return notice;
    }
    let path = crate::safe_text::line(&dir.join(Index::NAME).to_string_lossy());
    Notice { hint: format!("move {path} away; the next search makes it again"), ..notice }
}

/// What to say where not all was searched.
fn incomplete(lacks: usize) -> Vec<Notice> {
    let mut said = Vec::new();
    if lacks > 0 {
        let line = match lacks {
            1 => "1 message is not in the index yet, and was not looked at".to_owned(),
            _ => format!("{lacks} messages are not in the index yet, and were not looked at"),
        };
        let hint = "search again to go on with them; `mailtui --sync-only` puts all in";
        said.push(Notice::warning("not-indexed", line, hint));
    }
    said
}

/// What to say where not all of the backend was searched.
fn not_all(there: Result<FoundThere, String>) -> Option<Notice> {
    match there {
        Ok(FoundThere { lacks: 0, .. }) => None,
        Ok(FoundThere { lacks, .. }) => {
            let line = format!("the backend has {lacks} messages that it could not look at yet");
            Some(Notice::warning("not-indexed", line, "search again in a moment"))
        }
        Err(why) => {
            let line = format!("only what this device keeps was searched: {why}");
            let hint = "`mailtui device keep` says what that is, and changes it";
            Some(Notice::warning("kept-only", line, hint))
        }
    }
}
