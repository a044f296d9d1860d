//! The lists of drafts and of what is being sent, and what is said of what was sent just now.
//!
//! Invariant: they show what the engine said last; a key names the save or the order that its line
//! showed. What nobody knows to be sent is sent again only after that was said.

use super::opening;
use super::sending::{self, Plan};
use crate::command::compose::Out;
use crate::command::intent::{HOLD_SECONDS, Intent, SendOrder};
use crate::command::motion::Motion;
use crate::engine::handle::Request;
use crate::engine::view::{DraftRow, OutboxRow, OutboxState, Outgoing, Row, Wrote};
use crate::id::{EventId, ThreadId};
use crate::mail::Address;
use crate::mail::compose::{People, Person, address_key};
use crate::notice::Severity;
use crate::ui::app::{Effect, Model, Sent};
use crate::ui::compose::Writing;
use crate::ui::keys;
use crate::ui::update::ask;

/// People that are remembered for completion: those that the engine tells of, and some more.
const MAX_PEOPLE: usize = crate::engine::people::MAX_PEOPLE + 1_000;

/// How long it is not asked again who was met in mail, in milliseconds.
const MET_AGAIN_MS: i64 = 30_000;

/// After so long behind the hold it is said that something is not sent yet, in milliseconds.
const LONG_MS: i64 = 20_000;
/// After so long nothing is said of it any more, until something becomes of it, in milliseconds.
const QUIET_MS: i64 = 60_000;

/// Something that was sent here just now, until it is known what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its store.
    pub thread: ThreadId,
    /// What queued it.
    pub queued: EventId,
    /// To whom, in a safe line.
    pub to: String,
    /// When it was queued, Unix milliseconds.
    pub since: i64,
    /// How long it is held, in seconds.
    pub hold: u64,
    /// Not before, Unix seconds.
    pub send_at: Option<i64>,
    /// How far it is, once the engine has shown it.
    pub shown: Option<OutboxRow>,
}

impl Held {
    /// What was queued by `wrote`.
    #[must_use]
    pub fn new(wrote: &Wrote, to: &str, plan: &Plan, since: i64) -> Self {
        Self {
            thread: wrote.thread.clone(),
            queued: wrote.event.clone(),
            to: crate::safe_text::line(to),
            since,
            hold: plan.hold,
            send_at: plan.send_at,
            shown: None,
        }
    }

    /// What is said of it now.
    #[must_use]
    pub fn says(&self, now_ms: i64, demo: bool) -> Option<(String, &'static str)> {
        let left = i64::try_from(self.hold).unwrap_or(i64::MAX).saturating_mul(1_000);
        let left = left.saturating_sub(now_ms.saturating_sub(self.since));
        let confirmed = self.shown.as_ref().is_none_or(|row| row.confirmed);
        if left < -QUIET_MS {
            return None;
        }
        match self.shown.as_ref().map_or(OutboxState::Queued, |row| row.state) {
            _ if self.send_at.is_some() => None,
            OutboxState::Queued if left > 0 => {
                let seconds = (left + 999) / 1_000;
                Some((format!("Sending in {seconds} s"), "z takes it back"))
            }
            OutboxState::Queued if !confirmed => {
                Some(("It is sent when the backend is reached".to_owned(), "g o: the outbox"))
            }
            OutboxState::Queued if demo => {
                Some(("The sample mailbox sends nothing".to_owned(), "g o: the outbox"))
            }
            OutboxState::Queued if left < -LONG_MS => {
                Some(("Not sent yet".to_owned(), "g o: the outbox"))
            }
            OutboxState::Queued | OutboxState::Sending => Some(("Sending…".to_owned(), "")),
            OutboxState::Retrying => {
                Some(("Not sent yet; it is tried again".to_owned(), "g o: the outbox"))
            }
            OutboxState::Failed | OutboxState::Unknown | OutboxState::Partly => None,
        }
    }
}

/// The list that is shown instead of conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Drafts, and conversations that a server has among its drafts.
    Drafts,
    /// What is being sent.
    Outbox,
}

/// Which list is shown instead of conversations, if one is.
#[must_use]
pub fn shown(model: &Model) -> Option<Shown> {
    match model.list.label.as_str() {
        "drafts" => Some(Shown::Drafts),
        "outbox" => Some(Shown::Outbox),
        _ => None,
    }
}

/// A line of such a list.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// A draft that was written here or on another device.
    Draft(&'a DraftRow),
    /// A conversation with a draft of another program.
    Other(&'a Row),
    /// A message that is being sent.
    Out(&'a OutboxRow),
}

/// The lines of the list.
#[must_use]
pub fn entries(model: &Model) -> Vec<Entry<'_>> {
    let outgoing = &model.writing.outgoing;
    match shown(model) {
        Some(Shown::Drafts) => {
            let others = model.list.rows.iter().filter(|row| !row.thread.is_draft());
            let drafts = outgoing.drafts.iter().map(Entry::Draft);
            drafts.chain(others.map(Entry::Other)).collect()
        }
        Some(Shown::Outbox) => outgoing.outbox.iter().map(Entry::Out).collect(),
        None => Vec::new(),
    }
}

/// Whether what is written has to be asked for when lists change.
#[must_use]
pub fn watches(model: &Model) -> bool {
    let writing = &model.writing;
    shown(model).is_some() || !writing.held.is_empty() || writing.open.is_some()
}

/// Moves the cursor.
pub fn go(model: &mut Model, motion: Motion) {
    let last = entries(model).len().saturating_sub(1);
    let page = model.list.height.max(1);
    let cursor = model.writing.cursor;
    let to = match motion {
        Motion::Down => cursor + 1,
        Motion::Up => cursor.saturating_sub(1),
        Motion::HalfDown => cursor + page.div_ceil(2),
        Motion::HalfUp => cursor.saturating_sub(page.div_ceil(2)),
        Motion::PageDown => cursor + page,
        Motion::PageUp => cursor.saturating_sub(page),
        Motion::First => 0,
        Motion::Last => last,
    };
    model.writing.cursor = to.min(last);
}

/// Takes in what is written and not sent; the cursor stays on its line.
pub fn take(model: &mut Model, outgoing: Outgoing) -> Vec<Effect> {
    let here = entries(model).get(model.writing.cursor).map(name_of);
    model.writing.outgoing = outgoing;
    let at = here.and_then(|here| entries(model).iter().position(|e| name_of(e) == here));
    let last = entries(model).len().saturating_sub(1);
    model.writing.cursor = at.unwrap_or(model.writing.cursor).min(last);
    settle(model);
    elsewhere(model);
    Vec::new()
}

fn name_of(entry: &Entry<'_>) -> String {
    match entry {
        Entry::Draft(row) => row.draft.to_string(),
        Entry::Other(row) => row.thread.to_string(),
        Entry::Out(row) => row.queued.to_string(),
    }
}

/// Says what became of what was sent just now.
fn settle(model: &mut Model) {
    let mut says = Vec::new();
    let Writing { held, outgoing, .. } = &mut model.writing;
    held.retain_mut(|held| {
        if let Some(row) = outgoing.outbox.iter().find(|row| row.queued == held.queued) {
            held.shown = Some(row.clone());
            let why = row.why.clone().unwrap_or_default();
            return match row.state {
                OutboxState::Failed => {
                    says.push((Severity::Error, format!("Not sent: {why}"), "g o: the outbox"));
                    false
                }
                OutboxState::Unknown => {
                    let line = "Nobody knows whether it was sent".to_owned();
                    says.push((Severity::Warning, line, "g o says more"));
                    false
                }
                OutboxState::Partly => {
                    let first = row.refused.first().map(|to| to.address.clone());
                    let line = format!("Sent, but not to {}", first.unwrap_or_default());
                    says.push((Severity::Warning, line, "g o says why"));
                    false
                }
                _ => true,
            };
        }
        let Some(shown) = &held.shown else { return true };
        if !outgoing.drafts.iter().any(|row| row.save == shown.save) {
            says.push((Severity::Info, format!("Sent to {}", held.to), ""));
        }
        false
    });
    for (severity, line, hint) in says {
        model.say(severity, line, hint);
    }
}

/// Says that another device wrote on what is open.
fn elsewhere(model: &mut Model) {
    let Writing { open, outgoing, .. } = &mut model.writing;
    let Some(composer) = open.as_deref_mut().filter(|composer| composer.saving.is_none()) else {
        return;
    };
    let (Some(thread), Some(from)) = (&composer.thread, &composer.from) else { return };
    let newest = composer.history.first().is_none_or(|row| row.save == *from);
    let mut same = outgoing.drafts.iter().filter(|row| row.thread == *thread).peekable();
    if newest && !composer.forks && same.peek().is_some() && same.all(|row| row.save != *from) {
        composer.forks = true;
        let line = "Another device wrote on this draft";
        model.say(Severity::Warning, line, "both are kept: yours is a second draft");
    }
}

/// What a key of the lists does.
pub fn perform(model: &mut Model, out: Out) -> Vec<Effect> {
    let here = entries(model).get(model.writing.cursor).copied();
    match (here, out) {
        (None, _) => {
            model.say(Severity::Info, "There is nothing here", "");
            Vec::new()
        }
        (Some(Entry::Other(row)), Out::Open) => {
            let row = row.clone();
            keys::read(model, row)
        }
        (Some(Entry::Draft(row)), Out::Open) => {
            let (thread, save) = (row.thread.clone(), row.save.clone());
            opening::kept(model, &thread, Some(save))
        }
        (Some(Entry::Draft(row)), Out::Discard) => {
            let intent =
                Intent::DiscardDraft { thread: row.thread.clone(), save: row.save.clone() };
            keys::send(model, intent, Sent::Key)
        }
        (Some(Entry::Out(row)), out) => {
            let row = row.clone();
            with_sent(model, &row, out)
        }
        (Some(_), _) => {
            model.say(Severity::Info, "Enter opens it", "");
            Vec::new()
        }
    }
}

fn with_sent(model: &mut Model, row: &OutboxRow, out: Out) -> Vec<Effect> {
    if row.state == OutboxState::Sending {
        model.say(Severity::Info, "It is on its way: nobody stops it any more", "");
        return Vec::new();
    }
    let cancel = || Intent::CancelSend { thread: row.thread.clone(), queued: row.queued.clone() };
    match out {
        Out::Discard if row.state == OutboxState::Partly => {
            let (thread, save) = (row.thread.clone(), row.save.clone());
            keys::send(model, Intent::DiscardDraft { thread, save }, Sent::Key)
        }
        Out::Open | Out::Again if row.state == OutboxState::Partly => {
            let effects = opening::kept(model, &row.thread, Some(row.save.clone()));
            if let Some(composer) = &mut model.writing.open {
                composer.rest = Some((Box::new(row.clone()), out == Out::Again));
            }
            effects
        }
        // What was refused goes out of the outbox by the next save.
        Out::Open if row.state == OutboxState::Failed => {
            let effects = opening::kept(model, &row.thread, Some(row.save.clone()));
            if let Some(composer) = &mut model.writing.open {
                composer.again = Some(row.queued.clone());
                composer.doubtful = row.is_doubtful();
            }
            effects
        }
        Out::Open => {
            // No undo queues again what is being written on.
            let mut effects = keys::send(model, cancel(), Sent::Silent);
            effects.extend(opening::kept(model, &row.thread, Some(row.save.clone())));
            if let Some(composer) = model.writing.open.as_mut().filter(|_| row.is_doubtful()) {
                (composer.again, composer.doubtful) = (Some(row.queued.clone()), true);
            }
            effects
        }
        Out::Discard => keys::send(model, cancel(), Sent::Key),
        Out::Again => match row.state {
            OutboxState::Failed if row.is_twin() => {
                let line = "The same message was sent already, or may have been";
                model.say(Severity::Info, line, "# makes this one a draft");
                Vec::new()
            }
            _ if row.is_doubtful() => sending::ask_again(model, row),
            OutboxState::Failed => {
                let plan = Plan { hold: HOLD_SECONDS, send_at: None, remind: None };
                again(model, row, &plan)
            }
            _ => {
                model.say(Severity::Info, "It is sent by itself", "# takes it back");
                Vec::new()
            }
        },
    }
}

/// Queues once more what was refused, or of which nobody knows.
pub(super) fn again(model: &mut Model, row: &OutboxRow, plan: &Plan) -> Vec<Effect> {
    let from = model.writing.identities.first();
    let domain = from.and_then(|me| me.from.address.rsplit_once('@').map(|(_, d)| d.to_owned()));
    let order = SendOrder {
        thread: row.thread.clone(),
        save: row.save.clone(),
        domain: domain.unwrap_or_default(),
        hold: plan.hold,
        send_at: plan.send_at,
        offset: super::sending::offset_minutes(model.now_ms, &model.zone),
        again: Some(row.queued.clone()),
        partial: false,
        remind: plan.remind,
    };
    keys::send(model, Intent::Send(order), Sent::Key)
}

/// Remembers whom the mail that is here is from.
pub fn learn(model: &mut Model) {
    let reader = model.reader.iter().flat_map(|reader| reader.messages.iter().flatten());
    let mut seen: Vec<(Address, i64, bool)> = Vec::new();
    for message in reader {
        for address in message.from.iter().chain(&message.to).chain(&message.cc) {
            seen.push((address.clone(), message.sort_date, false));
        }
    }
    for row in &model.list.rows {
        seen.extend(row.participants.iter().map(|who| (who.clone(), row.last_activity, false)));
    }
    let known = &mut model.writing.known;
    for (address, last, wrote_to) in seen {
        let key = address_key(&address.address);
        if key.is_empty() || (known.len() >= MAX_PEOPLE && !known.contains_key(&key)) {
            continue;
        }
        let person = known.entry(key).or_insert_with(|| Person {
            address: address.clone(),
            count: 0,
            last,
            wrote_to,
        });
        person.count = person.count.saturating_add(1);
        if last >= person.last {
            person.last = last;
            if address.name.is_some() {
                person.address = safe(&address);
            }
        }
    }
    propose(model);
}

/// Asks who was met in mail, unless that was asked just now.
pub fn ask_met(model: &mut Model) -> Vec<Effect> {
    let writing = &mut model.writing;
    if writing.met_ms.is_some_and(|then| model.now_ms - then < MET_AGAIN_MS) {
        return Vec::new();
    }
    writing.met_ms = Some(model.now_ms);
    ask([Request::People])
}

/// Remembers everybody that the engine met in mail.
pub fn met(model: &mut Model, people: Vec<Person>) -> Vec<Effect> {
    let known = &mut model.writing.known;
    for met in people {
        let key = address_key(&met.address.address);
        let room = known.len() < MAX_PEOPLE || known.contains_key(&key);
        match known.get_mut(&key).filter(|_| room) {
            Some(person) => {
                person.count = person.count.max(met.count);
                person.last = person.last.max(met.last);
                person.wrote_to |= met.wrote_to;
                person.address.name = person.address.name.take().or(met.address.name);
            }
            None if room => drop(known.insert(key, met)),
            None => {}
        }
    }
    propose(model);
    Vec::new()
}

fn propose(model: &mut Model) {
    let Writing { known, identities, people, .. } = &mut model.writing;
    let others =
        known.values().filter(|who| !identities.iter().any(|me| me.is(&who.address.address)));
    *people = People::new(others.cloned().collect());
}

/// An address as it may be typed: what mail hides in a name is not proposed.
fn safe(address: &Address) -> Address {
    let name = address.name.as_deref().map(crate::safe_text::line);
    Address { name, address: crate::safe_text::line(&address.address) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Held {
        Held {
            thread: ThreadId::try_from("draft-a").unwrap(),
            queued: EventId::try_from("q1").unwrap(),
            to: "ann@x.org".into(),
            since: 1_000,
            hold: 10,
            send_at: None,
            shown: None,
        }
    }

    #[test]
    fn the_hold_counts_down() {
        let says = |now| held().says(now, false).map(|(line, _)| line).unwrap_or_default();
        assert_eq!(says(1_000), "Sending in 10 s");
        assert_eq!(says(1_001), "Sending in 10 s");
        assert_eq!(says(10_500), "Sending in 1 s");
        assert_eq!(says(11_000), "Sending…");
        assert_eq!(Held { send_at: Some(9), ..held() }.says(1_000, false), None);
        assert_eq!(says(11_000 + LONG_MS + 1), "Not sent yet");
        assert_eq!(says(11_000 + QUIET_MS + 1), "");
    }
}
