//! `send`: a draft is checked, queued, and waited for where that is asked for.
//!
//! Invariant: what cannot be sent is refused before it is queued, with its place; what is only
//! unusual is asked about. What is queued is on disk before anything is said of it, and an exit
//! code of 0 under `--wait` means that the server has taken it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::args::{self, Order};
use super::{find, identities};
use crate::account::Accounts;
use crate::backend::Host;
use crate::cli::attend::Attend;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::clock::rfc3339;
use crate::command::intent::{HOLD_SECONDS, Intent, SendOrder};
use crate::command::when;
use crate::engine::view::{DraftRow, OutboxState, Wrote};
use crate::engine::writing::Writing;
use crate::engine::{Device, EngineError};
use crate::id::{EventId, ThreadId};
use crate::mail::compose::{Draft, Warning, address_key, checks};
use crate::notice::{Exit, Explain as _, Notice, Severity};
use crate::safe_text;
use crate::thread::RefusedTo;

/// How long `--wait` waits after the hold is over: longer than a server may take.
const WAIT_MOST: Duration = Duration::from_mins(15);
/// How often it is said that it still waits.
const SAY_EVERY: Duration = Duration::from_secs(15);
/// How often the files are looked at beside another process.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How something is sent, read from the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    hold: Option<u64>,
    send_at: Option<i64>,
    remind: Option<u64>,
    partial: bool,
    wait: bool,
    force: bool,
}

impl Plan {
    /// Reads it.
    pub(super) fn read(order: &Order) -> Result<Self, Notice> {
        let now = jiff::Zoned::now();
        let time = |text: &Option<String>| {
            let read = text.as_deref().map(|text| when::read(text, &now)).transpose();
            read.map_err(|line| {
                Notice::error("when", line, format!("say {}", when::EXAMPLES)).exit(Exit::Usage)
            })
        };
        let (send_at, remind) = (time(&order.at)?, time(&order.remind)?);
        let sent = send_at.unwrap_or_else(|| now.timestamp().as_second());
        let remind = remind.map(|at| u64::try_from(at.saturating_sub(sent)).unwrap_or(0));
        if remind == Some(0) {
            let line = "it would be reminded of before it is sent";
            return Err(Notice::error("when", line, "remind later than --at").exit(Exit::Usage));
        }
        let (hold, partial) = (order.hold, order.partial);
        let (wait, force) = (order.wait, order.force);
        Ok(Self { hold, send_at, remind, partial, wait, force })
    }

    /// At once as far as the account says so, and not asked about.
    pub(super) const fn plain() -> Self {
        let (hold, send_at, remind) = (None, None, None);
        Self { hold, send_at, remind, partial: false, wait: false, force: true }
    }

    /// The same, whatever is unusual.
    pub(super) const fn forced(self) -> Self {
        Self { force: true, ..self }
    }

    /// Whether what is unusual is not asked about.
    pub(super) const fn is_forced(&self) -> bool {
        self.force
    }
}

/// `send DRAFT`.
pub(super) fn run(home: &Home, output: Output, send: &args::Send) -> Result<Exit, Notice> {
    let plan = Plan::read(&send.order)?;
    let mut device = find::reader::<DraftRow>(home, &send.draft)?;
    let row: DraftRow = find::named(&device, &send.draft)?;
    let open = find::open(home, &mut device, &row.thread, &row.save, false)?;
    check(output, &open.draft, plan)?;
    is_written_on(home, &row.thread, plan)?;
    let again = sent_before(home, output, &device, &row.thread, plan)?;
    drop(device);
    let desk = Desk::open(home)?;
    let what = What { thread: &row.thread, save: &row.save, draft: &open.draft, again };
    queue(home, output, desk, &what, plan, !send.wait.no_wait)
}

/// Refuses what a screen has words for that are not saved yet: they would not go along.
fn is_written_on(home: &Home, thread: &ThreadId, plan: Plan) -> Result<(), Notice> {
    if plan.is_forced() {
        return Ok(());
    }
    let writing = Writing::existing(&home.dir).map_err(|error| error.notice())?;
    let journal = writing.map(|writing| writing.journal()).transpose();
    let journal = journal.map_err(|error| error.notice())?.unwrap_or_default();
    if journal.iter().all(|(_, entry)| entry.thread.as_ref() != Some(thread)) {
        return Ok(());
    }
    let line = "it is being written on: what is not saved yet would not go along";
    let hint = "leave it on the screen first; --force sends it as it was saved";
    Err(Notice::error("open-elsewhere", line, hint))
}

/// What was sent of this draft before, or may have been: that is asked about. It may have been
/// taken back too late, and written on since.
fn sent_before(
    home: &Home,
    output: Output,
    device: &Device,
    thread: &ThreadId,
    plan: Plan,
) -> Result<Option<EventId>, Notice> {
    let before = device.sent_before(thread).map_err(|error| error.notice())?;
    let Some(queued) = before.as_ref().filter(|_| !plan.is_forced()) else { return Ok(before) };
    let was = super::sent::was_sent(home, device, queued.as_str())?;
    let line = was.map_or_else(
        || "this draft may have been sent already".to_owned(),
        |was| was.message.replacen(queued.as_str(), "this draft", 1),
    );
    let question = format!("{line}, and would be sent twice.\nSend it once more? Type yes: ");
    if super::confirmed(output, &question) == Some(true) {
        return Ok(before);
    }
    let hint = "look for it in Sent; --force sends it once more";
    Err(Notice::error("sent-before", line, hint).exit(Exit::Usage))
}

/// What is sent.
pub(super) struct What<'a> {
    pub(super) thread: &'a ThreadId,
    pub(super) save: &'a EventId,
    pub(super) draft: &'a Draft,
    /// What was queued before and is tried again.
    pub(super) again: Option<EventId>,
}

/// Says what is wrong with a draft and its place, and asks about what is unusual.
pub(super) fn check(output: Output, draft: &Draft, plan: Plan) -> Result<(), Notice> {
    let mut unusual = Vec::new();
    for warning in checks(draft) {
        match &warning {
            Warning::NoRecipients => {
                let hint = "name somebody with --to, --cc or --bcc";
                return Err(
                    Notice::error("no-recipients", warning.to_string(), hint).exit(Exit::Usage)
                );
            }
            Warning::Address(error) => {
                let text = draft.field(error.field);
                let before = text.get(..error.range.start).unwrap_or_default();
                let there = text.get(error.range.clone()).unwrap_or_default().trim();
                let place = before.chars().count() + 1;
                let (field, wrong) = (error.field.name(), error.wrong);
                let there = safe_text::line(there);
                let line = format!("{field}, character {place}: {there}: {wrong}");
                let hint = "correct the address, or take it out";
                return Err(Notice::error("bad-address", line, hint).exit(Exit::Usage));
            }
            _ => unusual.push(warning.to_string()),
        }
    }
    if unusual.is_empty() || plan.is_forced() {
        return Ok(());
    }
    let line = unusual.join("; ");
    let question = format!("Before it is sent: {line}.\nSend it as it is? Type yes: ");
    if super::confirmed(output, &question) == Some(true) {
        return Ok(());
    }
    let hint = "nothing was sent; --force sends it as it is";
    Err(Notice::error("unusual", line, hint).exit(Exit::Usage))
}

/// Queues it, and waits as it is asked to.
pub(super) fn queue(
    home: &Home,
    output: Output,
    mut desk: Desk,
    what: &What<'_>,
    plan: Plan,
    wait: bool,
) -> Result<Exit, Notice> {
    let order = order(home, output, what, plan);
    let hold = order.hold;
    let done = desk.decide(home, &[], &Intent::Send(order))?;
    let queued =
        done.wrote.clone().ok_or_else(|| EngineError::NoDraft(what.save.to_string()).notice())?;
    let finished = desk.finish(home, wait);
    let (mut ended, mut failed) = (End::Waits, finished.err());
    let pending = if plan.wait && failed.is_none() {
        let (end, pending) = settled(home, output, desk, &queued, hold);
        match end {
            Ok(end) => ended = end,
            Err(notice) => failed = Some(notice),
        }
        pending
    } else {
        if failed.is_none() {
            nobody_sends(home, output, &desk);
        }
        pending(desk.device())
    };
    let pending = pending?;
    let state = ended.state();
    let failed_to = if state == "sent" { refused(home, &queued) } else { Vec::new() };
    let mut value = json!({
        "action": done.action, "thread": queued.thread, "save": what.save, "queued": queued.event,
        "hold": hold, "sendAt": plan.send_at.and_then(rfc3339), "state": state, "pending": pending,
    });
    let mut says = if state == "sent" { "Sent.".to_owned() } else { done.says.clone() };
    if !failed_to.is_empty() {
        value["failed"] = json!(failed_to);
        let to = failed_to.iter().map(|to| {
            let again = if to.retried { " (tried again by itself)" } else { "" };
            format!("{}: {}{again}", to.address, to.reason)
        });
        says = format!("Sent, but not to {}", to.collect::<Vec<_>>().join("; "));
    }
    output.result(&value, || format!("{}  {says}", queued.event))?;
    match failed {
        Some(notice) => Err(notice),
        None if !failed_to.is_empty() => Ok(Exit::Partial),
        None => ended.exit(),
    }
}

fn order(home: &Home, output: Output, what: &What<'_>, plan: Plan) -> SendOrder {
    let accounts = Accounts::read(&home.dir).unwrap_or_default();
    let named = what.draft.account.as_deref();
    let account = named.and_then(|name| accounts.named(name).ok()).or(accounts.list.first());
    if account.is_none() && !home.is_remote() {
        let line = "there is no account to send it with";
        let hint = "`mailtui account add` adds one; it waits in the outbox";
        output.notice(&Notice::warning("no-account", line, hint));
    }
    let from = what.draft.recipients().from.into_iter().next().map(|from| from.address);
    let from = from.or_else(|| account.map(|account| account.address.as_str().to_owned()));
    let key = address_key(&from.unwrap_or_default());
    let domain = key.rsplit_once('@').map(|(_, domain)| domain.to_owned());
    let of_account = account.and_then(|account| account.settings.hold);
    SendOrder {
        thread: what.thread.clone(),
        save: what.save.clone(),
        domain: domain.unwrap_or_default(),
        hold: plan.hold.or(of_account).unwrap_or(HOLD_SECONDS),
        send_at: plan.send_at,
        offset: identities::offset() / 60,
        again: what.again.clone(),
        partial: plan.partial,
        remind: plan.remind,
    }
}

/// To whom it did not go, though it was sent.
fn refused(home: &Home, queued: &Wrote) -> Vec<RefusedTo> {
    let device = home.reader().ok().flatten();
    let refused = device.and_then(|device| device.refused_to(&queued.thread, &queued.event).ok());
    refused.unwrap_or_default()
}

/// A command of its own ends before anything is sent: that is said.
fn nobody_sends(home: &Home, output: Output, desk: &Desk) {
    if !home.is_remote() && matches!(desk, Desk::Own(_)) {
        let line = "it is sent while mailtui runs";
        let hint = "open mailtui, run `mailtui --sync-only`, or give --wait";
        let notice = Notice::warning("not-sent-yet", line, hint);
        output.notice(&Notice { severity: Severity::Info, ..notice });
    }
}

/// What became of what was queued.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// It waits, and nobody looked for long enough.
    Waits,
    Sent,
    /// It was taken back meanwhile.
    Cancelled,
    Failed(String),
    Unknown(String),
    /// A try failed; there will be another.
    Later(String),
}

impl End {
    const fn state(&self) -> &'static str {
        match self {
            Self::Waits => "queued",
            Self::Sent => "sent",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
            Self::Unknown(_) => "unknown",
            Self::Later(_) => "retrying",
        }
    }

    fn exit(self) -> Result<Exit, Notice> {
        Err(match self {
            Self::Waits | Self::Sent => return Ok(Exit::Done),
            Self::Cancelled => {
                Notice::error("cancelled", "it was taken back before it was sent", "it is a draft")
            }
            Self::Failed(why) => {
                let hint = "`mailtui outbox edit` writes on it, `mailtui outbox retry` sends it";
                Notice::error("refused", format!("it was not sent: {why}"), hint)
            }
            Self::Unknown(why) => {
                let line = format!("nobody knows whether it was sent: {why}");
                let hint = "look for it in Sent; `mailtui outbox retry --force` sends it once more";
                Notice::error("unknown", line, hint)
            }
            Self::Later(why) => {
                let line = format!("not sent yet: {why}");
                let hint = "it is tried again; `mailtui outbox` shows when";
                Notice::error("retrying", line, hint).exit(Exit::Unreached)
            }
        })
    }
}

/// Where it stands now.
fn look(device: &Device, queued: &Wrote) -> Result<End, EngineError> {
    let outgoing = device.outgoing_rows()?;
    let row = outgoing.outbox.into_iter().find(|row| row.queued == queued.event);
    let Some(row) = row else {
        let sent = device.sent_as(queued.event.as_str())?.is_some();
        let back = outgoing.drafts.iter().any(|row| row.thread == queued.thread);
        return Ok(if back && !sent { End::Cancelled } else { End::Sent });
    };
    let why = row.why.unwrap_or_default();
    Ok(match row.state {
        OutboxState::Partly => End::Sent,
        OutboxState::Queued | OutboxState::Sending => End::Waits,
        OutboxState::Retrying => End::Later(why),
        OutboxState::Failed => End::Failed(why),
        OutboxState::Unknown => End::Unknown(why),
    })
}

/// Waits until it is sent, or is not; and how much is pending then.
fn settled(
    home: &Home,
    output: Output,
    desk: Desk,
    queued: &Wrote,
    hold: u64,
) -> (Result<End, Notice>, Result<u64, Notice>) {
    if home.offline {
        let line = "--offline reaches no server";
        let hint = "it is kept, and sent when mailtui runs without";
        let notice = Notice::error("offline", line, hint).exit(Exit::Unreached);
        return (Err(notice), pending(desk.device()));
    }
    let mut patience = Patience::new(output, hold);
    match desk {
        Desk::Own(session) => sent_here(home, *session, queued, &mut patience),
        Desk::Beside(guest) => {
            let mut end = look(guest.device(), queued);
            while matches!(end, Ok(End::Waits)) && patience.goes_on() {
                // Who had the directory may have ended: nobody would send it then.
                if let Ok(owner) = home.own() {
                    drop(guest);
                    return match Session::of(home, owner) {
                        Ok(session) => sent_here(home, session, queued, &mut patience),
                        Err(notice) => (Err(notice), Ok(0)),
                    };
                }
                std::thread::sleep(LOOK_EVERY);
                end = look(guest.device(), queued);
            }
            (came_to(end), pending(guest.device()))
        }
    }
}

/// Sends what is due from this process; other commands do their work through it meanwhile.
fn sent_here(
    home: &Home,
    mut session: Session,
    queued: &Wrote,
    patience: &mut Patience,
) -> (Result<End, Notice>, Result<u64, Notice>) {
    if let Err(notice) = session.connect().and_then(|()| session.send_mail()) {
        return (Err(notice), pending(&session.driver.device));
    }
    let embedded = session.host.as_ref().map(Host::handle);
    let (driver, events) = (session.driver, session.events);
    let mut attend = Attend::begin(home, patience.output, driver, events, embedded);
    loop {
        let end = look(&attend.driver.device, queued);
        if !matches!(end, Ok(End::Waits)) || !patience.goes_on() {
            return (came_to(end), pending(&attend.driver.device));
        }
        let turned = attend.driver.send().map_err(|error| error.notice());
        if let Err(notice) = turned.and_then(|()| attend.turn(patience.output)) {
            return (Err(notice), pending(&attend.driver.device));
        }
    }
}

fn pending(device: &Device) -> Result<u64, Notice> {
    device.pending().map(|(pending, _)| pending).map_err(|error| error.notice())
}

/// How long is waited, and what is said meanwhile.
struct Patience {
    output: Output,
    until: Instant,
    began: Instant,
    say_at: Instant,
}

impl Patience {
    fn new(output: Output, hold: u64) -> Self {
        let began = Instant::now();
        let hold = Duration::from_secs(hold);
        Self { output, until: began + WAIT_MOST + hold, began, say_at: began + hold + SAY_EVERY }
    }

    /// Whether there is time left.
    fn goes_on(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.say_at {
            self.say_at = now + SAY_EVERY;
            let seconds = now.duration_since(self.began).as_secs();
            let line = format!("not sent after {seconds} s; C-c leaves it in the outbox");
            self.output.progress(&line, false);
        }
        now < self.until
    }
}

/// What it came to: that it still waits is an error.
fn came_to(end: Result<End, EngineError>) -> Result<End, Notice> {
    match end.map_err(|error| error.notice())? {
        End::Waits => {
            let line = "it is still waiting to be sent";
            let hint = "`mailtui outbox` shows it";
            Err(Notice::error("waiting", line, hint).exit(Exit::Unreached))
        }
        end => Ok(end),
    }
}

/// A message in the outbox as a line of JSON.
pub(super) fn value(row: &crate::engine::view::OutboxRow) -> Value {
    let mut value = json!({
        "thread": row.thread, "queued": row.queued, "save": row.save, "to": row.to,
        "subject": row.subject, "at": rfc3339(row.at), "state": row.state, "why": row.why,
        "hold": row.hold, "sendAt": row.send_at.and_then(rfc3339),
        "retryAt": row.retry_at.and_then(rfc3339), "confirmed": row.confirmed,
    });
    if !row.refused.is_empty() {
        value["failed"] = json!(row.refused);
    }
    value
}
