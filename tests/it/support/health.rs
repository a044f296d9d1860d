//! What must be true of every world that has come to rest, whatever happened in it.
//!
//! Invariant: each rule gives lines, so that a failing run says all that is wrong at once.

use std::collections::{BTreeMap, BTreeSet};

use mailtui::engine::view::Window;
use mailtui::id::{DeviceId, EventId, LabelId, StoreId};
use mailtui::mailbox::MailboxEvent;
use mailtui::store::{Event, Log, Own, OwnEvent};

use crate::support::truth::{Line, Truth};
use crate::support::world::World;

/// Why events on purged threads are refused.
const PURGED: &str = "was purged";
/// Why events are that a restore lost: on threads that went with it, and of names that only a
/// newer version knows who may write.
const LOST: [&str; 2] =
    ["the backend has no such conversation", "only the backend writes events of this name"];
/// Rows read at a time: few, so that pages have edges.
const PAGE: usize = 3;

/// All that is wrong.
pub(crate) fn of(world: &mut World, truth: &Truth, labels: &BTreeSet<LabelId>) -> Vec<String> {
    let mut wrong = Vec::new();
    if world.backend().lacks_snapshot() {
        wrong.push("the backend lacks a snapshot, and makes none".to_owned());
    }
    for at in 0..world.stations.len() {
        if let Some(rows) = world.device(at).syncing() {
            wrong.push(format!("device {at} waits for rows of a snapshot: {rows:?}"));
        }
        let waits = Own::all(world.device(at).db()).expect("readable").into_iter();
        let waits = waits.filter(|own| !held_back(world, at, own)).count();
        if waits != 0 {
            let pending = world.device(at).pending().expect("readable");
            wrong.push(format!("device {at}: pending, not projected: {pending:?}"));
        }
        let mut refused = world.device_mut(at).news().refused;
        refused.retain(|line| !may_be_refused(world, line));
        wrong.extend(refused.into_iter().map(|line| format!("device {at}: refused: {line}")));
        // Of names that are known here a device offers only what devices write.
        let offered = Own::refused(world.device(at).db()).expect("readable").into_iter();
        let known = offered.filter(|r| r.reason.contains(LOST[1]) && !r.name.starts_with("v9."));
        wrong.extend(known.map(|r| format!("device {at}: it offered {}: {}", r.name, r.id)));
        lists(world, at, truth, labels, &mut wrong);
        let mut found = world.device_mut(at).doctor(true).expect("the doctor runs");
        found.retain(|(code, line, _)| *code != "refused" || !may_be_refused(world, line));
        wrong.extend(found.into_iter().map(|(_, line, _)| format!("device {at}: doctor: {line}")));
    }
    let found = world.backend().doctor().expect("the doctor runs");
    // A message that only a log was left of came back without its bytes.
    let found = found.into_iter().filter(|found| found.code != "blob-missing");
    wrong.extend(found.map(|f| format!("backend: doctor: {}: {}", f.code, f.detail)));
    logs(world, truth, &mut wrong);
    gone(world, truth, &mut wrong);
    twice(truth, &mut wrong);
    wrong
}

/// No message is in two conversations.
fn twice(truth: &Truth, wrong: &mut Vec<String>) {
    let mut seen = BTreeMap::new();
    for (root, members) in truth.conversations() {
        for told in members.iter().map(|member| &truth.threads[member]) {
            for message in told.state.messages.iter().map(|row| &row.message.message) {
                let other = seen.insert(message.clone(), root.clone());
                if let Some(other) = other.filter(|other| *other != root) {
                    wrong.push(format!("message {message} is in {other} and in {root}"));
                }
            }
        }
    }
}

/// Whether an own event rightly waits for a log that is kept and was not fetched since.
fn held_back(world: &World, at: usize, own: &OwnEvent) -> bool {
    let (Some(position), Some(thread)) = (own.position, own.store.as_thread()) else {
        return false;
    };
    let device = world.device(at);
    let kept = device.kept_log(&thread).expect("readable").len() as u64;
    let seen = mailtui::mailbox::watermark(device.db(), &thread).expect("readable");
    (1..position).contains(&kept) && seen.is_some_and(|seen| position <= seen.position)
}

/// Whether an event may be refused for this reason.
fn may_be_refused(world: &World, line: &str) -> bool {
    line.contains(PURGED) || (world.restores > 0 && LOST.iter().any(|lost| line.contains(lost)))
}

/// Of a purged thread nobody has anything but its id.
fn gone(world: &World, truth: &Truth, wrong: &mut Vec<String>) {
    let both = truth.purged.iter().filter(|thread| truth.threads.contains_key(thread));
    wrong.extend(both.map(|thread| format!("{thread} was purged and has a log")));
    for at in 0..world.stations.len() {
        let device = world.device(at);
        for event in Log::all(device.db(), &StoreId::mailbox()).expect("readable") {
            let read = MailboxEvent::read(&event.event.name, &event.event.args);
            let of = read.as_ref().and_then(MailboxEvent::source).map(|source| &source.thread);
            if of.is_some_and(|of| truth.purged.contains(of)) && !event.event.args.is_gone() {
                wrong.push(format!("device {at}: its log speaks of {of:?}: {:?}", event.event));
            }
        }
        for thread in &truth.purged {
            let kept = device.kept_log(thread).expect("readable").len();
            let own = Own::of(device.db(), &StoreId::thread(thread)).expect("readable").len();
            let row = mailtui::mailbox::raw_row(device.db(), thread).expect("readable");
            if (kept, own) != (0, 0) || row.is_some() || device.holds(thread) {
                wrong
                    .push(format!("device {at} has {kept} events of {thread}, {own} own, {row:?}"));
            }
        }
    }
}

/// Every list of a device, read page by page, and every count.
fn lists(
    world: &World,
    at: usize,
    truth: &Truth,
    labels: &BTreeSet<LabelId>,
    wrong: &mut Vec<String>,
) {
    let lines = truth.lines();
    // Deleted labels are hidden, and equal names are one label; that the table which says so is
    // right is the doctor's to prove.
    let db = world.device(at).db();
    let renamed = mailtui::mailbox::renamed_in_rows(db).expect("readable");
    let shown = |line: &Line| {
        let shown = |label: &LabelId| renamed.get(label).cloned().unwrap_or(Some(label.clone()));
        let mut line = line.clone();
        line.labels = line.labels.iter().filter_map(shown).collect();
        line
    };
    for list in World::lists(labels) {
        let twins = mailtui::mailbox::twins(db, &list).expect("readable");
        let mut found = Vec::new();
        let mut window = Window::First;
        loop {
            let page = world.device(at).page(&list, &window, PAGE).expect("readable");
            let Some(last) = page.rows.last() else { break };
            let (last_activity, thread) = (last.last_activity, last.thread.clone());
            window = Window::After(mailtui::engine::view::Cursor { last_activity, thread });
            found.extend(page.rows);
        }
        let roots: BTreeSet<_> = found.iter().map(|row| row.thread.clone()).collect();
        let within = |lists: &BTreeSet<LabelId>| twins.iter().any(|twin| lists.contains(twin));
        let inside = || lines.iter().filter(|(_, (_, lists))| within(lists));
        let wanted: BTreeSet<_> = inside().map(|(root, _)| root.clone()).collect();
        if roots != wanted || roots.len() != found.len() {
            wrong.push(format!("device {at}: list {list} is {roots:?}, not {wanted:?}"));
        }
        for row in found {
            let line = Line::from(&row);
            let told = lines.get(&row.thread).map(|(told, _)| shown(told));
            if told.as_ref() != Some(&line) {
                wrong.push(format!("device {at}: {list} shows {line:?}, not {told:?}"));
            }
        }
        let count = world.device(at).count(&list).expect("readable");
        let unread = inside().filter(|(_, (line, _))| line.unread > 0).count() as u64;
        let told = if twins.len() > 1 { (wanted.len() as u64, unread) } else { truth.count(&list) };
        if count != told {
            wrong.push(format!("device {at}: counts {count:?} in {list}, not {told:?}"));
        }
    }
}

/// Events that stand after a later one of their device, each with that. What came back though its
/// device had let it go keeps its order among its like; all else keeps it altogether.
fn out_of_order<'a>(
    log: &'a [Event],
    let_go: &BTreeSet<EventId>,
) -> Vec<(&'a EventId, &'a EventId)> {
    let mut last: BTreeMap<(&DeviceId, bool), &EventId> = BTreeMap::new();
    let mut wrong = Vec::new();
    for event in log.iter().map(|event| &event.event).filter(|event| event.action.is_some()) {
        let back = let_go.contains(&event.id);
        let before = last.get(&(&event.device, back)).filter(|before| ***before > event.id);
        wrong.extend(before.map(|before| (*before, &event.id)));
        for of in [true, false].into_iter().filter(|like| back || !like) {
            let last = last.entry((&event.device, of)).or_insert(&event.id);
            *last = (*last).max(&event.id);
        }
    }
    wrong
}

/// Nothing that was put on disk or acknowledged is missing or there twice; each device's order is
/// kept.
fn logs(world: &World, truth: &Truth, wrong: &mut Vec<String>) {
    let mut held: BTreeMap<(StoreId, EventId), usize> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut note = |store: &StoreId, id: &EventId| {
        *held.entry((store.clone(), id.clone())).or_default() += 1;
        ids.insert(id.clone());
    };
    for (thread, told) in &truth.threads {
        let store = StoreId::thread(thread);
        told.log.iter().for_each(|event| note(&store, &event.event.id));
        wrong.extend(
            out_of_order(&told.log, &world.promises.let_go)
                .into_iter()
                .map(|(before, late)| format!("{thread}: {late} stands after {before}")),
        );
    }
    let mailbox = mailtui::store::Db::read(
        &world.backend_dir().join("mailbox.db"),
        mailtui::store::Kind::Mailbox,
        mailtui::mailbox::VERSION,
    );
    let mailbox = mailbox.expect("opens").expect("is there");
    let root = StoreId::mailbox();
    for event in mailtui::store::Log::all(&mailbox, &root).expect("readable") {
        note(&root, &event.event.id);
    }
    let purged = |store: &StoreId| store.as_thread().is_some_and(|t| truth.purged.contains(&t));
    let mut refused = BTreeSet::new();
    for at in 0..world.stations.len() {
        let lost = Own::refused(world.device(at).db()).expect("readable").into_iter();
        let lost = lost.filter(|refusal| may_be_refused(world, &refusal.reason));
        refused.extend(lost.map(|refusal| refusal.id));
    }
    let kept = world.promises.kept.iter().filter(|(id, _)| !refused.contains(id));
    for (id, store) in kept.filter(|(_, store)| !purged(store)) {
        match held.get(&(store.clone(), id.clone())) {
            Some(1) => {}
            other => wrong.push(format!("{store}: own event {id} is there {other:?} times")),
        }
    }
    let gone = |id: &&EventId| !world.promises.kept.get(id).is_some_and(purged);
    let missing = world.promises.acknowledged.difference(&ids).filter(|id| !refused.contains(id));
    for id in missing.filter(gone) {
        wrong.push(format!("acknowledged event {id} is nowhere"));
    }
}
