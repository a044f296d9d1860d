//! `search`: what the index finds, as `list` shows it; no connection, no runtime.
//!
//! Invariant: what the index lacks is put in first where that is little, and said otherwise: too
//! little is never shown in silence.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::backend::{Logs, Looked, Texts, index_now, look_at_index};
use crate::cli::args::query_word;
use crate::cli::home::Home;
use crate::cli::list;
use crate::cli::output::Output;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::KEPT_FORMAT;
use crate::engine::search::{Reading, Shelf};
use crate::notice::{Exit, Explain as _, Notice};
use crate::search::{Ask, Context, Index, Order, Weight, parse};

/// Messages that are put into the index before it is asked, at most: less than a second of work.
const SOON: usize = 2_000;

/// Where the words of mail are, for the interface.
pub(super) fn shelf(home: &Home) -> Shelf {
    let (dir, logs) = place(home);
    let (of, kept_only) = (dir.clone(), home.is_remote());
    let lacks = move || {
        if kept_only {
            // Nobody else does here. What fails is counted below.
            let _ = index_now(&of, logs, &|| true);
        }
        let lacks = look_at_index(&of, logs, usize::MAX).map_or(0, |looked| looked.lacks);
        lacks as u64
    };
    let of = dir.clone();
    let reading = move || -> Option<Reading> {
        let texts = Texts::open(&of, logs).ok().flatten()?;
        Some(Box::new(move |thread, date| texts.of(thread, date).ok().flatten()))
    };
    Shelf { dir, lacks: Arc::new(lacks), reading: Arc::new(reading), kept_only }
}

/// Where the index is, and of what logs.
fn place(home: &Home) -> (PathBuf, Logs) {
    if home.is_remote() {
        (home.dir.clone(), Logs::Kept(KEPT_FORMAT))
    } else {
        (home.backend_dir(), Logs::Backend)
    }
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
    let parsed = parse(&text, &Context { now, zone: &zone, me: &[], typing: false });
    for mark in parsed.marks.iter().filter(|mark| mark.weight != Weight::Error) {
        output.notice(&Notice::warning("query", &mark.message, &mark.hint));
    }
    let query = parsed.asked(&text).map_err(|error| error.notice())?;
    let Some(device) = super::caught_up_still(home)? else { return Ok(Exit::Done) };
    let Some(index) = index(home, output)? else { return Ok(Exit::Done) };
    let limit = if limit == 0 { usize::MAX } else { limit };
    let ask = Ask { query: &query, limit, order, typing: false };
    let rows = device.find(&index, &ask, &|| true).map_err(|error| error.notice())?;
    for row in &rows {
        list::print(output, row)?;
    }
    Ok(Exit::Done)
}

/// The index, after it has taken in what it lacks, where that is soon done; what it lacks else is
/// said. `None` where there is no mail.
fn index(home: &Home, output: Output) -> Result<Option<Index>, Notice> {
    let (dir, logs) = place(home);
    let look = || look_at_index(&dir, logs, SOON + 1).map_err(|error| error.notice());
    let mut looked = look()?;
    if (1..=SOON).contains(&looked.lacks) || looked.stale {
        drop(looked); // it may be made again
        // A directory that cannot be written is searched as it is.
        let _ = index_now(&dir, logs, &|| true);
        looked = look()?;
    }
    let Looked { index, lacks, .. } = looked;
    if lacks > 0 {
        let lacks = if lacks > SOON { format!("more than {SOON}") } else { lacks.to_string() };
        let line = format!("{lacks} messages are not in the index yet, and were not looked at");
        let hint = "`mailtui --sync-only` puts them in; a mailtui that is open does so by itself";
        output.notice(&Notice::warning("not-indexed", line, hint));
    }
    if home.is_remote() {
        let line = "only what this device keeps was searched";
        let hint = "`mailtui device keep` says what that is, and changes it";
        output.notice(&Notice::warning("kept-only", line, hint));
    }
    Ok(index)
}
