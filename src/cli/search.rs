//! `search`: what the index finds, as `list` shows it; no connection, no runtime.
//!
//! Invariant: what the index lacks is put in first where that is little, and said otherwise: too
//! little is never shown in silence.

mod quiet;

use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::account::Accounts;
use crate::backend::{Logs, Looked, index_now, look_at_index};
use crate::cli::args::query_word;
use crate::cli::home::Home;
use crate::cli::list;
use crate::cli::output::Output;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::view::Row;
use crate::engine::{Device, KEPT_FORMAT};
use crate::notice::{Exit, Explain as _, Notice};
use crate::search::query::value_text;
use crate::search::{Ask, Context, Index, Order, Query, Weight, parse};
use quiet::Quiet;

/// Messages that are put into the index before it is asked, at most: less than a second of work.
const SOON: usize = 2_000;

/// What was found.
struct Found {
    rows: Vec<Row>,
    /// What is to say about it.
    said: Vec<Notice>,
}

/// Finds conversations.
pub(super) fn run(
    home: &Home,
    output: Output,
    query: &[String],
    limit: usize,
    order: Order,
) -> Result<Exit, Notice> {
    let text = query.iter().map(|word| query_word(word)).collect::<Vec<_>>().join(" ");
    let (now, zone) = (SystemClock.now(), TimeZone::system());
    let me = mine(home, &text)?;
    let parsed = parse(&text, &Context { now, zone: &zone, me: &me, typing: false });
    for mark in parsed.marks.iter().filter(|mark| mark.weight != Weight::Error) {
        output.notice(&Notice::warning("query", &mark.message, &mark.hint));
    }
    let query = parsed.asked(&text).map_err(|error| error.notice())?;
    let limit = if limit == 0 { usize::MAX } else { limit };
    let ask = Ask { query: &query, limit, order, typing: false };
    let quiet = Quiet::of(home);
    let found = quiet.as_ref().and_then(|quiet| find_quietly(home, quiet, &ask));
    let Some(found) =
        found.map_or_else(|| find(home, &ask, quiet.as_ref()), |found| Ok(Some(found)))?
    else {
        return Ok(Exit::Done);
    };
    for notice in &found.said {
        output.notice(notice);
    }
    for row in &found.rows {
        list::print(output, row)?;
    }
    Ok(Exit::Done)
}

/// The user's own addresses, where a query may ask for them: `from:me`. Those of an account that
/// has a whole domain are its domain.
fn mine(home: &Home, text: &str) -> Result<Vec<String>, Notice> {
    let is_asked = |word: &str| word.eq_ignore_ascii_case("me");
    if !text.split(|c: char| !c.is_alphanumeric()).any(is_asked) {
        return Ok(Vec::new());
    }
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
    let device = Device::read_quiet(&home.dir, Box::new(SystemClock)).ok()??;
    if device.knew_others().ok()? || device.has_overslept(SystemClock.now()).ok()? {
        return None;
    }
    let index = Index::read_quiet(&home.backend_dir()).ok()??;
    let rows = device.find(&index, ask, &|| true).ok()?;
    let said = missing_labels(&device, ask.query);
    let found = quiet.holds(home).then_some(Found { rows, said });
    // They hold no lock, and the process ends: to close them would only cost time.
    std::mem::forget((device, index));
    found
}

/// Finds, after all was looked at; `None` where there is no mail.
fn find(home: &Home, ask: &Ask<'_>, quiet: Option<&Quiet>) -> Result<Option<Found>, Notice> {
    let Some(device) = super::caught_up_still(home)? else { return Ok(None) };
    let mut said = Vec::new();
    let (index, is_whole) = index(home, &mut said)?;
    let Some(index) = index else {
        return Ok(Some(Found { rows: Vec::new(), said }));
    };
    let rows = device.find(&index, ask, &|| true).map_err(|error| error.notice())?;
    said.extend(missing_labels(&device, ask.query));
    if let Some(quiet) = quiet
        && is_whole
        && quiet.holds(home)
        && !home.is_behind(Some(&device))?
    {
        quiet.remember();
    }
    Ok(Some(Found { rows, said }))
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
    missing.map(say).collect()
}

/// Where the index is, and of which logs.
pub(super) fn indexed(home: &Home) -> (PathBuf, Logs) {
    if home.is_remote() {
        (home.dir.clone(), Logs::Kept(KEPT_FORMAT))
    } else {
        (home.backend_dir(), Logs::Backend)
    }
}

/// The index, after it has taken in what it lacks, where that is soon done; what it lacks else is
/// said. `None` where there is no mail; and whether it has all there is, and nothing else.
fn index(home: &Home, said: &mut Vec<Notice>) -> Result<(Option<Index>, bool), Notice> {
    let (dir, logs) = indexed(home);
    let look = || look_at_index(&dir, logs, SOON + 1).map_err(|error| error.notice());
    let mut looked = look()?;
    if (1..=SOON).contains(&looked.lacks) || looked.stale {
        drop(looked); // it may be made again
        // A directory that cannot be written is searched as it is.
        let _ = index_now(&dir, logs, &|| true);
        looked = look()?;
    }
    let Looked { index, lacks, stale } = looked;
    if lacks > 0 {
        let lacks = if lacks > SOON { format!("more than {SOON}") } else { lacks.to_string() };
        let line = format!("{lacks} messages are not in the index yet, and were not looked at");
        let hint = "`mailtui --sync-only` puts them in; a mailtui that is open does so by itself";
        said.push(Notice::warning("not-indexed", line, hint));
    }
    if home.is_remote() {
        let line = "only what this device keeps was searched";
        let hint = "`mailtui device keep` says what that is, and changes it";
        said.push(Notice::warning("kept-only", line, hint));
    }
    Ok((index, lacks == 0 && !stale))
}
