//! Properties of the materializers on random logs of both schemas, sound and unsound events mixed:
//! they are total, and how a log falls into pages and transactions does not matter.
//!
//! Invariant: drawn as small numbers, so that a failing log shrinks to a short one. A thread, label
//! or action is one of a few, so that events meet.

use std::collections::BTreeSet;

use mailtui::id::{DeviceId, Epoch, EventId, StoreId};
use mailtui::mailbox::name as on_mailbox;
use mailtui::mailbox::{self, Groups, SQL, dump, materialize, rebuild_shown};
use mailtui::store::{Action, Args, Db, Event, Log, NewEvent, Own};
use mailtui::thread::{ThreadState, name as on_thread};
use proptest::prelude::*;
use serde_json::{Value, json};

const THREADS: [&str; 4] = ["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"];
const LABELS: [&str; 5] = ["inbox", "trash", "unread", "u-work", "u-home"];
const ACTIONS: [&str; 3] = ["act-1", "act-2", "act-3"];
const MESSAGES: [&str; 3] = ["m-1", "m-2", "m-3"];
/// The longest log.
const LONGEST: usize = 30;

/// What is wrong with an event's arguments.
#[derive(Debug, Clone)]
enum Flaw {
    /// Nothing.
    None,
    /// A field, by its place, is something else.
    Field(usize, usize),
    /// All of them are this.
    All(Vec<u8>),
}

/// One event, drawn: its name by its place, and numbers to draw its arguments from.
#[derive(Debug, Clone)]
struct Drawn {
    name: usize,
    dice: [usize; 6],
    flaw: Flaw,
}

fn drawn(names: usize) -> impl Strategy<Value = Drawn> {
    let flaw = prop_oneof![
        12 => Just(Flaw::None),
        2 => (0_usize..20, 0_usize..8).prop_map(|(field, what)| Flaw::Field(field, what)),
        1 => prop::collection::vec(any::<u8>(), 0..24).prop_map(Flaw::All),
    ];
    // One name more than there are: one that nobody knows.
    (0..=names, prop::array::uniform6(0_usize..12), flaw).prop_map(|(name, dice, flaw)| Drawn {
        name,
        dice,
        flaw,
    })
}

fn pick<'a>(from: &[&'a str], at: usize) -> &'a str {
    from[at % from.len()]
}

fn junk(what: usize) -> Value {
    match what {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!("\u{0}\u{202e}' OR 1=1 --"),
        4 => json!([1, "x", {}]),
        5 => json!({ "place": { "place": [] } }),
        6 => json!(1e300),
        _ => json!(true),
    }
}

fn flawed(mut args: Value, flaw: &Flaw) -> Args {
    match flaw {
        Flaw::None => {}
        Flaw::Field(at, what) => {
            if let Some(fields) = args.as_object_mut().filter(|fields| !fields.is_empty()) {
                let field = fields.keys().nth(at % fields.len()).cloned().expect("there");
                if *what == 7 {
                    fields.remove(&field);
                } else {
                    fields.insert(field, junk(*what));
                }
            }
        }
        Flaw::All(bytes) => return Args::from_text(String::from_utf8_lossy(bytes).into_owned()),
    }
    Args::from_text(args.to_string())
}

fn source(position: u64, [a, b, ..]: [usize; 6]) -> Value {
    let device = format!("dev-{}", b % 2);
    let action = json!({
        "id": pick(&ACTIONS, b), "name": "archive", "at": 7, "device": device,
        "position": position, "changes": [],
    });
    let actions = if b % 3 == 0 { vec![action] } else { Vec::new() };
    json!({
        "thread": pick(&THREADS, a), "epoch": "1.x", "from": position / 2, "through": position,
        "last": b % 4 != 1, "actions": actions,
    })
}

/// The arguments of a Mailbox event of this name.
fn mailbox_args(name: &str, position: u64, dice: [usize; 6]) -> Value {
    let source = source(position, dice);
    let dice = |n: usize| dice[n];
    let thread = || {
        let links: Vec<&str> =
            if dice(2) % 3 == 0 { vec![pick(&THREADS, dice(3))] } else { Vec::new() };
        json!({
            "id": pick(&THREADS, dice(0)), "subject": "s", "participants": [], "snippet": "t",
            "lastActivity": dice(4), "createdAt": 1,
            "messageCount": 2 + dice(5), "unreadCount": dice(5) % 3,
            "starred": dice(4) % 2 == 0, "muted": false, "hasAttachment": false,
            "place": pick(&["inbox", "archive", "trash", "spam"], dice(3)), "links": links,
            "trail": { "b": {} },
        })
    };
    match name {
        on_mailbox::THREAD_ADDED => {
            let labels = [pick(&LABELS, dice(3)), pick(&LABELS, dice(4))];
            json!({ "thread": thread(), "labels": labels, "source": source })
        }
        on_mailbox::SUMMARY_CHANGED => json!({ "thread": thread(), "source": source }),
        on_mailbox::LABEL_APPLIED | on_mailbox::LABEL_REMOVED => {
            json!({ "label": pick(&LABELS, dice(2)), "at": dice(3), "source": source })
        }
        on_mailbox::THREAD_PURGED => {
            json!({ "thread": pick(&THREADS, dice(0) + dice(1)), "at": 9 })
        }
        on_mailbox::LABEL_CREATED => json!({
            "id": pick(&LABELS[3..], dice(0)), "name": pick(&["Work", "Home", "work"], dice(1)),
            "type": "user", "createdAt": dice(2),
        }),
        on_mailbox::LABEL_RENAMED => {
            json!({ "id": pick(&LABELS[3..], dice(0)), "name": pick(&["A", "B"], dice(1)) })
        }
        on_mailbox::LABEL_RECOLORED => json!({ "id": pick(&LABELS[3..], dice(0)), "color": "red" }),
        on_mailbox::LABEL_DELETED => json!({ "id": pick(&LABELS[3..], dice(0)) }),
        on_mailbox::SEARCH_SAVED => json!({
            "id": pick(&["_s_a", "_s_b", "work"], dice(0)), "name": pick(&["A", "B"], dice(1)),
            "query": pick(&["x", "from:a -y"], dice(2)),
        }),
        on_mailbox::SEARCH_REMOVED => {
            json!({ "id": pick(&["_s_a", "_s_b"], dice(0)), "name": "A" })
        }
        on_mailbox::EPOCH_BEGAN => json!({ "epoch": pick(&["1.x", "2.y"], dice(0)) }),
        on_mailbox::ACTION_UNDONE => json!({ "action": pick(&ACTIONS, dice(0)) }),
        _ => json!({ "source": source, "thread": pick(&THREADS, dice(0)) }),
    }
}

/// The arguments of a Thread event of this name.
fn thread_args(name: &str, position: u64, dice: [usize; 6]) -> Value {
    let [a, b, c, d, ..] = dice;
    let at = position.saturating_sub(c as u64 % 4);
    let seen = json!({ "epoch": pick(&["1.x", "2.y"], d), "position": at });
    match name {
        on_thread::THREAD_CREATED => json!({ "thread": THREADS[0] }),
        on_thread::MESSAGE_ADDED => json!({
            "message": pick(&MESSAGES, a), "copy": b % 5 == 0, "raw": "00", "size": 1,
            "sortDate": c, "sortFrom": "import", "snippet": "t", "sent": d % 5 == 0,
            "flags": { "read": d % 2 == 0, "starred": false },
        }),
        on_thread::LABEL_APPLIED | on_thread::LABEL_REMOVED => {
            json!({ "label": pick(&LABELS, a), "seen": seen })
        }
        on_thread::THREAD_READ => json!({ "read": a % 2 == 0, "seen": seen }),
        on_thread::FLAGS_CHANGED => {
            json!({ "message": pick(&MESSAGES, a), "set": { "read": true } })
        }
        on_thread::THREAD_STARRED => json!({ "starred": a % 2 == 0 }),
        on_thread::THREAD_MUTED => json!({ "muted": a % 2 == 0 }),
        on_thread::THREAD_SNOOZED => json!({ "until": 1_715_587_200 + a, "seen": seen }),
        on_thread::THREAD_UNSNOOZED => json!({}),
        on_thread::THREAD_LINKED | on_thread::THREAD_UNLINKED => {
            json!({ "thread": pick(&THREADS[1..], a) })
        }
        on_thread::EPOCH_BEGAN => json!({
            "epoch": pick(&["1.x", "2.y"], a), "at": position.saturating_sub(b as u64),
        }),
        on_thread::ACTION_UNDONE => json!({ "action": pick(&ACTIONS, a), "seen": seen }),
        _ => json!({ "anything": a }),
    }
}

fn log(
    drawn: &[Drawn],
    names: &[&str],
    args: impl Fn(&str, u64, [usize; 6]) -> Value,
) -> Vec<Event> {
    let event = |(position, drawn): (u64, &Drawn)| {
        let name = names.get(drawn.name).copied().unwrap_or("v9.Unheard");
        let action = Action {
            id: pick(&ACTIONS, drawn.dice[2]).try_into().expect("an id"),
            name: "label".to_owned(),
            at: 7,
            redoes: None,
        };
        let event = NewEvent {
            id: EventId::try_from(format!("e{position:03}")).expect("an id"),
            name: name.to_owned(),
            args: flawed(args(name, position, drawn.dice), &drawn.flaw),
            device: DeviceId::try_from(format!("dev-{}", drawn.dice[1] % 2)).expect("an id"),
            action: (drawn.dice[3] % 2 == 0).then_some(action),
            epoch: Epoch::try_from("1.x").expect("an epoch"),
        };
        Event { position, event }
    };
    (1..).zip(drawn).map(event).collect()
}

fn tables() -> Db {
    Db::memory(&[Log::SQL, Own::SQL, SQL].concat()).expect("opens")
}

/// Takes a log in, in transactions that end at these places, as a device does.
fn take_in(db: &Db, log: &[Event], ends: &BTreeSet<usize>, device: bool) {
    let mut begun = 0;
    for end in ends.iter().copied().filter(|end| *end < log.len()).chain([log.len()]) {
        let part = &log[begun..end];
        begun = end;
        Log::append(db, &StoreId::mailbox(), part.iter().map(|event| &event.event))
            .expect("the log takes it");
        let mut groups = Groups::new(device);
        let changes = materialize(db, part, &mut groups).expect("total");
        for thread in &changes.purged {
            mailbox::redact(db, thread).expect("takes the content out");
        }
        groups.settle(db).expect("counts");
    }
}

/// What lists are read from, as lines.
fn shown(db: &Db) -> Vec<String> {
    let queries = [
        "SELECT label || ' ' || age || ' ' || thread || ' ' || unread FROM shown ORDER BY 1",
        "SELECT label || ' ' || total || ' ' || unread FROM shownCounts
         WHERE total <> 0 OR unread <> 0 ORDER BY 1",
    ];
    let mut lines = Vec::new();
    for query in queries {
        let mut statement = db.sql().prepare(query).expect("a query");
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("readable");
        lines.extend(rows.map(|row| row.expect("a row")));
    }
    lines
}

/// How many logs are drawn.
fn cases() -> u32 {
    std::env::var("MAILTUI_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Replay from zero is incremental in any split, on a device and on the backend, and what a
    /// rebuild gives; what lists show is what a rebuild of that gives.
    #[test]
    fn how_a_mailbox_log_falls_into_pages_does_not_matter(
        events in prop::collection::vec(drawn(on_mailbox::ALL.len()), 1..LONGEST),
        ends in prop::collection::btree_set(1..LONGEST, 0..8),
    ) {
        let log = log(&events, on_mailbox::ALL, mailbox_args);
        let (whole, parts, single, backend) = (tables(), tables(), tables(), tables());
        take_in(&whole, &log, &BTreeSet::new(), true);
        take_in(&parts, &log, &ends, true);
        take_in(&single, &log, &(1..log.len()).collect(), true);
        take_in(&backend, &log, &ends, false);
        let all = dump(&whole).expect("readable");
        prop_assert_eq!(&dump(&parts).expect("readable"), &all);
        prop_assert_eq!(&dump(&single).expect("readable"), &all);
        prop_assert_eq!(&dump(&backend).expect("readable"), &all);
        prop_assert_eq!(shown(&parts), shown(&whole));
        prop_assert_eq!(shown(&single), shown(&whole));
        rebuild_shown(&whole).expect("made again");
        prop_assert_eq!(shown(&parts), shown(&whole));
        // Made again from what is left of the log, content that was purged taken out.
        let wrong = mailbox::differing(&parts).expect("readable");
        prop_assert!(wrong.is_empty(), "{:?}", wrong);
        // A device that joins later has only that, and the same chain.
        let (left, more) =
            Log::range(&parts, &StoreId::mailbox(), 0, usize::MAX, usize::MAX).expect("readable");
        prop_assert!(!more);
        let late = tables();
        take_in(&late, &left, &ends, true);
        prop_assert_eq!(dump(&late).expect("readable"), all);
        let head = |db| Log::head(db, &StoreId::mailbox()).expect("readable");
        prop_assert_eq!(head(&late), head(&whole));
        prop_assert_eq!(shown(&late), shown(&parts));
    }

    /// A Thread store is the same however its log came, and makes a row whatever it holds.
    #[test]
    fn how_a_thread_log_falls_into_pages_does_not_matter(
        events in prop::collection::vec(drawn(on_thread::ALL.len()), 1..LONGEST),
        ends in prop::collection::btree_set(1..LONGEST, 0..8),
    ) {
        let log = log(&events, on_thread::ALL, thread_args);
        let (mut whole, mut parts) = (ThreadState::default(), ThreadState::default());
        whole.apply(&log);
        let mut begun = 0;
        for end in ends.iter().copied().filter(|end| *end < log.len()).chain([log.len()]) {
            parts.apply(&log[begun..end]);
            begun = end;
        }
        prop_assert_eq!(&parts, &whole);
        let (trail, cells) = whole.trail();
        prop_assert_eq!(trail.with(&[]), cells);
        let row = mailtui::projection::of_thread(&THREADS[0].try_into().expect("an id"), &whole);
        prop_assert_eq!(row.facts.message_count, whole.summary().message_count);
    }
}
