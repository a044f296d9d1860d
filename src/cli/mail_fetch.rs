//! One look at every account, without a screen: for `--sync-only`.
//!
//! Invariant: it ends when each account was looked at as a whole, what was due is sent, and what
//! was done here is written to its server, or cannot be now; what was taken in until then stays.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::backend::{AccountStatus, FetcherHandle};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::imap::worker::Doing;
use crate::notice::{Explain as _, Notice, Severity};

/// How long a turn waits for the device's own news.
const TURN: Duration = Duration::from_millis(20);
/// How often progress is said.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// What became of the accounts.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// One object an account.
    pub(super) accounts: Vec<Value>,
    /// Those that could not be looked at, and why.
    pub(super) failed: Vec<(String, Notice)>,
}

/// Looks at every account once.
pub(super) fn once(
    session: &mut Session,
    output: Output,
    stop: &AtomicBool,
) -> Result<Fetched, Notice> {
    session.fetch_mail()?;
    let Some(handle) = session.fetcher.as_ref().map(crate::backend::Fetcher::handle) else {
        return Ok(Fetched::default());
    };
    let live = std::io::stderr().is_terminal();
    let mut told: Option<Instant> = None;
    let mut heard = 0;
    let mut unsent = Vec::new();
    // Accounts that were looked at as a whole: a worker may be reading again a moment later.
    let mut whole = BTreeSet::new();
    while !stop.load(Ordering::SeqCst) && !is_over(&handle, &mut whole) {
        while let Ok(event) = session.events.recv_timeout(TURN) {
            session.driver.link_event(event).map_err(|error| error.notice())?;
        }
        heard = tell_sent(&handle, heard, output, &mut unsent);
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            told = Some(Instant::now());
            let lines: Vec<String> = handle.accounts().iter().map(line).collect();
            output.progress(&lines.join(" · "), live);
        }
    }
    if live && told.is_some() {
        output.progress("", true);
    }
    tell_sent(&handle, heard, output, &mut unsent);
    let accounts = handle.accounts();
    let failed: Vec<_> = accounts
        .iter()
        .filter(|account| !whole.contains(&account.id))
        .filter_map(|account| Some((account.address.clone(), account.status.error.clone()?)))
        .chain(handle.error().map(|notice| (crate::account::FILE.to_owned(), notice)))
        .chain(unsent)
        .collect();
    Ok(Fetched {
        accounts: accounts.iter().map(|account| value(account, &whole)).collect(),
        failed,
    })
}

fn is_over(handle: &FetcherHandle, whole: &mut BTreeSet<String>) -> bool {
    let accounts = handle.accounts();
    whole.extend(accounts.iter().filter(|account| is_whole(account)).map(|of| of.id.clone()));
    let over =
        |account: &AccountStatus| whole.contains(&account.id) || account.status.error.is_some();
    handle.has_looked() && accounts.iter().all(over) && is_sent(handle, &accounts)
}

/// Everything that was due was given away or refused, and its copies are filed where the accounts
/// can be reached.
fn is_sent(handle: &FetcherHandle, accounts: &[AccountStatus]) -> bool {
    let sending = handle.sending();
    let reached = accounts.iter().all(|account| account.status.error.is_none());
    sending.pending() == Some(0) && (sending.unfiled() == 0 || !reached)
}

/// Says what was sent; what was not is put among what failed. The number of the last notice.
fn tell_sent(
    handle: &FetcherHandle,
    heard: u64,
    output: Output,
    unsent: &mut Vec<(String, Notice)>,
) -> u64 {
    let (last, said) = handle.sending().said(heard);
    for said in said {
        if said.notice.severity == Severity::Info {
            output.notice(&said.notice);
        } else {
            unsent.push((said.account.unwrap_or_default(), said.notice));
        }
    }
    last
}

/// Looked at as a whole, and everything written.
fn is_whole(account: &AccountStatus) -> bool {
    account.status.passes > 0 && account.status.doing == Doing::Waiting
}

/// What an account is doing, one line.
fn line(account: &AccountStatus) -> String {
    let doing = match &account.status.doing {
        Doing::Nothing | Doing::Connecting => "connecting".to_owned(),
        Doing::Listing => "looking at folders".to_owned(),
        Doing::Reading(folder, _, 0) => format!("looking at {folder}"),
        Doing::Reading(folder, done, all) => format!("{folder} {done}/{all}"),
        Doing::Writing(messages) => format!("writing {messages}"),
        Doing::Waiting => "done".to_owned(),
        Doing::Resting => "not reached".to_owned(),
        Doing::Stopped => "stopped".to_owned(),
    };
    format!("{}: {doing}", account.address)
}

fn value(account: &AccountStatus, whole: &BTreeSet<String>) -> Value {
    let status = &account.status;
    let error = status.error.as_ref().map(|notice| notice.message.clone());
    json!({
        "account": account.id, "address": account.address, "new": status.new,
        "written": status.written, "whole": whole.contains(&account.id), "error": error,
    })
}
