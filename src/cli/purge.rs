//! `purge`: what lies in trash goes for ever, after a yes.
//!
//! Invariant: what is counted before the question is what goes after it, or less: the backend keeps
//! what changed meanwhile, and it is listed. Nothing is purged without the backend.

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::cli::args::Purge;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::stop;
use crate::engine::view::PurgeSum;
use crate::engine::{Device, EngineError};
use crate::id::ThreadId;
use crate::label::Place;
use crate::limits::{PURGE_ROWS, TRASH_KEPT};
use crate::notice::{Exit, Explain as _, Notice};
use crate::sync::{PurgeOrder, PurgedRow, SeenThread};

/// A conversation with its threads.
type Row = Vec<SeenThread>;

/// What became of conversations.
#[derive(Debug, Default)]
struct Sum {
    gone: PurgeSum,
    /// Conversations that are not in trash for long enough.
    young: u64,
    kept: Vec<Value>,
    /// Those that went, or would.
    rows: Vec<Row>,
    /// How many were not come to, where it was stopped.
    left: Option<usize>,
}

impl Sum {
    fn add(&mut self, row: &[SeenThread], became: PurgedRow) {
        let thread = row.iter().map(|member| member.thread.as_str()).min().unwrap_or_default();
        match became.kept {
            Some((code, _)) if code == "young" => self.young += 1,
            Some((code, reason)) => {
                let (code, reason) =
                    (crate::safe_text::line(&code), crate::safe_text::line(&reason));
                self.kept.push(json!({ "thread": thread, "code": code, "reason": reason }));
            }
            None => {
                self.gone.rows += 1;
                self.gone.messages += became.messages;
                self.gone.bytes += became.bytes;
                self.rows.push(row.to_vec());
            }
        }
    }
}

/// Purges what is named, after a yes.
pub(super) fn run(home: &Home, output: Output, purge: &Purge) -> Result<Exit, Notice> {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !purge.yes && !purge.dry_run && !terminal {
        let line = "a purge is for ever, and there is nobody to ask";
        let hint = "look with --dry-run first, then give --yes";
        return Err(Notice::error("not-confirmed", line, hint).exit(Exit::Usage));
    }
    if home.offline {
        let line = "purging is done by the backend, and --offline reaches none";
        let hint = "run it again without --offline; nothing was purged";
        return Err(Notice::error("offline", line, hint).exit(Exit::Unreached));
    }
    // Who may still say no is asked first; until then Ctrl-C ends it with nothing done.
    let mut stop = purge.yes.then(stop::flag);
    let mut desk = Desk::open(home)?;
    // What was decided before counts: an archived thread is not in trash.
    desk.finish(home, true).map_err(nothing)?;
    let mut rows = rows(desk.device(), &purge.threads)?;
    if purge.threads.is_empty() && older(purge).is_some() {
        // What is gone where it came from is shown nowhere; its time counts as in trash.
        let gone = desk.device().rows_without_messages();
        rows.extend(gone.map_err(|error| error.notice())?);
    }
    let order =
        PurgeOrder { rows: Vec::new(), older: older(purge), anywhere: purge.anywhere, dry: true };
    let mut sum = order_all(&mut desk, &rows, &order, stop.as_deref()).map_err(nothing)?;
    if sum.left.is_some() {
        return Err(Notice::error("stopped", "nothing was purged", "").exit(Exit::Stopped));
    }
    if !purge.dry_run && sum.gone.rows > 0 {
        if !purge.yes && !confirmed(output, &sum) {
            return Err(Notice::error("stopped", "nothing was purged", "").exit(Exit::Stopped));
        }
        let stop = stop.get_or_insert_with(stop::flag);
        let order = PurgeOrder { dry: false, ..order };
        let (young, kept) = (sum.young, std::mem::take(&mut sum.kept));
        let went = order_all(&mut desk, &sum.rows, &order, Some(stop));
        let done = went.and_then(|went| desk.finish(home, true).map(|()| went));
        // And its words with it.
        if let Desk::Own(session) = &desk {
            session.index(output, stop);
        }
        sum = done?;
        sum.young += young;
        sum.kept.splice(0..0, kept);
    }
    say(output, &sum, purge.dry_run)
}

/// How long what goes must have been in trash.
fn older(purge: &Purge) -> Option<i64> {
    let default = || i64::try_from(TRASH_KEPT.as_secs()).ok();
    match purge.trash_older {
        Some(age) => Some(age),
        None if purge.trash || !purge.threads.is_empty() => None,
        None => default(),
    }
}

/// An age such as `30d`, in seconds.
pub(super) fn age(text: &str) -> Result<i64, String> {
    const UNITS: [(char, i64); 3] = [('h', 3_600), ('d', 86_400), ('w', 7 * 86_400)];
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(*unit));
    let read = unit.and_then(|(unit, seconds)| {
        let number: u32 = text.strip_suffix(*unit)?.parse().ok()?;
        i64::from(number).checked_mul(*seconds)
    });
    read.ok_or_else(|| "an age is a number with h, d or w, such as 30d".to_owned())
}

/// The conversations that are named, or all that are shown in trash.
fn rows(device: &Device, threads: &[String]) -> Result<Vec<Row>, Notice> {
    let mut rows: Vec<Row> = Vec::new();
    if threads.is_empty() {
        let (label, mut next) = (Place::Trash.label(), None);
        loop {
            let page = device.rows_after(&label, next.as_ref(), PURGE_ROWS);
            let (page, more) = page.map_err(|error| error.notice())?;
            rows.extend(page);
            next = more;
            if next.is_none() {
                return Ok(rows);
            }
        }
    }
    for name in threads {
        let none = || EngineError::NoThread(crate::safe_text::line(name)).notice();
        let id = ThreadId::try_from(name.as_str()).map_err(|_| none())?;
        if crate::mailbox::is_purged(device.db(), &id).map_err(|error| error.notice())? {
            continue; // said twice is done once: a command that was broken off is run again
        }
        let row = device.row(&id).map_err(|error| error.notice())?.ok_or_else(none)?;
        let members = row.members.into_iter();
        let row: Row =
            members.map(|target| SeenThread { thread: target.thread, seen: target.seen }).collect();
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Gives an order on these rows, a part at a time, until it is stopped between two.
fn order_all(
    desk: &mut Desk,
    rows: &[Row],
    order: &PurgeOrder,
    stop: Option<&AtomicBool>,
) -> Result<Sum, Notice> {
    let mut sum = Sum::default();
    for (at, part) in (0..).step_by(PURGE_ROWS).zip(rows.chunks(PURGE_ROWS)) {
        if stop.is_some_and(|stop| stop.load(Ordering::SeqCst)) {
            sum.left = Some(rows.len() - at);
            break;
        }
        let order = PurgeOrder { rows: part.to_vec(), ..order.clone() };
        let became = give(desk, order)?;
        if became.len() != part.len() {
            let line = "the backend did not answer for every conversation";
            return Err(Notice::error("protocol", line, "is it a mailtui backend?"));
        }
        for (row, became) in part.iter().zip(became) {
            sum.add(row, became);
        }
    }
    Ok(sum)
}

/// Gives one order, here or where the directory is open.
fn give(desk: &mut Desk, order: PurgeOrder) -> Result<Vec<PurgedRow>, Notice> {
    let session = match desk {
        Desk::Beside(guest) => return guest.purge(order),
        Desk::Own(session) => session,
    };
    let notice = |error: EngineError| error.notice();
    let seq = session.driver.ask_purge(order).map_err(notice)?;
    let mut answer = None;
    let waited = session.driver.until(&session.events, None, |driver| {
        answer = driver.device.take_purged(seq);
        Ok(answer.is_some())
    });
    waited.map_err(notice)?;
    Ok(answer.unwrap_or_default())
}

/// An order that never reached the backend left everything as it was.
fn nothing(notice: Notice) -> Notice {
    match notice.exit {
        Exit::Unreached => Notice {
            hint: "nothing was purged; run it again when it is there".to_owned(),
            ..notice
        },
        _ => notice,
    }
}

/// Asks on the terminal. Only a whole `yes` is one.
fn confirmed(output: Output, sum: &Sum) -> bool {
    let what = sum.gone.what();
    output
        .ask(&format!("{what} will be gone for ever. This cannot be undone.\nType yes to go on: "));
    let mut line = String::new();
    // Whoever cannot answer has not said yes.
    let read = std::io::stdin().lock().read_line(&mut line);
    read.is_ok() && line.trim() == "yes"
}

fn say(output: Output, sum: &Sum, dry: bool) -> Result<Exit, Notice> {
    let mut value = json!({
        "purged": sum.gone.rows,
        "messages": sum.gone.messages,
        "bytes": sum.gone.bytes,
        "kept": sum.kept,
    });
    if sum.young > 0 {
        value["younger"] = sum.young.into();
    }
    if dry {
        value["dryRun"] = true.into();
    }
    if let Some(left) = sum.left {
        value["stopped"] = true.into();
        value["left"] = left.into();
    }
    output.result(&value, || {
        let verb = if dry { "Would purge" } else { "Purged" };
        let mut lines = vec![format!("{verb} {}.", sum.gone.what())];
        if sum.young > 0 {
            lines.push(format!("  {} in trash for less long stay", sum.young));
        }
        for kept in &sum.kept {
            let word = |name: &str| kept[name].as_str().unwrap_or_default().to_owned();
            lines.push(format!("  kept {}: {} ({})", word("thread"), word("reason"), word("code")));
        }
        if let Some(left) = sum.left {
            lines.push(format!("  stopped; {left} conversations are left: run it again to go on"));
        }
        lines.join("\n")
    })?;
    if sum.left.is_some() {
        return Ok(Exit::Stopped);
    }
    Ok(if sum.kept.is_empty() { Exit::Done } else { Exit::Partial })
}

#[cfg(test)]
mod tests {
    #[test]
    fn ages() {
        for (text, seconds) in
            [("30d", Some(2_592_000)), ("2w", Some(1_209_600)), ("12h", Some(43_200))]
                .into_iter()
                .chain(
                    ["", "d", "30", "-1d", "1y", "1.5d", "9999999999d", "30dd"].map(|t| (t, None)),
                )
        {
            assert_eq!(super::age(text).ok(), seconds, "{text}");
        }
    }
}
