//! `search`: what the index finds, as `list` shows it; no connection, no runtime.
//!
//! Invariant: what the index lacks is put in first where that is little, and said otherwise: too
//! little is never shown in silence.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use crate::backend::{index_now, not_indexed};
use crate::cli::args::query_word;
use crate::cli::home::Home;
use crate::cli::list;
use crate::cli::output::Output;
use crate::clock::{Clock as _, SystemClock};
use crate::notice::{Exit, Explain as _, Notice};
use crate::search::{Ask, Context, Index, Order, Weight, parse};
use crate::store::StoreError;

/// Messages that are put into the index before it is asked, at most: less than a second of work.
const SOON: usize = 2_000;
/// How long another process that has the directory is given to index what came last.
const MOMENT: Duration = Duration::from_secs(2);
/// How often it is looked at meanwhile.
const AGAIN: Duration = Duration::from_millis(20);

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
    let dir = if home.is_remote() { home.dir.clone() } else { home.backend_dir() };
    if let Some(notice) = catch_up(home, &dir)? {
        output.notice(&notice);
    }
    let Some(index) = Index::read(&dir).map_err(|error| error.notice())? else {
        return Ok(Exit::Done); // there is no mail
    };
    let limit = if limit == 0 { usize::MAX } else { limit };
    let ask = Ask { query: &query, limit, order, typing: false };
    let rows = device.find(&index, &ask, &|| true).map_err(|error| error.notice())?;
    for row in &rows {
        list::print(output, row)?;
    }
    Ok(Exit::Done)
}

/// Has the index take in what it lacks, where that is soon done; what to say where it is not.
fn catch_up(home: &Home, dir: &Path) -> Result<Option<Notice>, Notice> {
    let error = |error: StoreError| error.notice();
    let mut lacks = not_indexed(dir, SOON + 1).map_err(error)?;
    if lacks == 0 {
        return Ok(None);
    }
    let until = Instant::now() + MOMENT;
    if lacks <= SOON {
        loop {
            // Who has the directory indexes what comes; else it is ours to do.
            if let Ok(_owner) = home.own() {
                // A directory that cannot be written is searched as it is.
                let _ = index_now(dir, &|| true);
            }
            lacks = not_indexed(dir, SOON + 1).map_err(error)?;
            if lacks == 0 {
                return Ok(None);
            }
            if Instant::now() >= until {
                break;
            }
            std::thread::sleep(AGAIN);
        }
    }
    let lacks = if lacks > SOON { format!("more than {SOON}") } else { lacks.to_string() };
    let line = format!("{lacks} messages are not in the index yet, and were not looked at");
    let hint = "`mailtui --sync-only` puts them in; a mailtui that is open does so by itself";
    Ok(Some(Notice::warning("not-indexed", line, hint)))
}
