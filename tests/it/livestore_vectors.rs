//! Facts about `LiveStore`'s merge, and its leader, session, backend and registry scenarios, replayed
//! against the real device and backend.
//!
//! Invariant: every vector of the file is in one of two tables here: it is replayed (merge vectors
//! from their data, scenarios by the one of `sync_rules` that is the same situation), or it differs
//! on purpose, and a line says why. One that is in neither, or in both, fails the test. The file is
//! named by `MAILTUI_VECTORS`; nothing of it is part of this project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::support::pair::{Incoming, Merge, check};
use crate::sync_rules::SCENARIOS;

/// Merge vectors that are not what they say: ours is what their note says that it should be.
/// Name, incoming, left pending.
const PUT_RIGHT: &[(&str, &[&str], &[usize])] = &[
    // Theirs applies B twice.
    ("derived.hazard.non-prefix-overlap", &["1"], &[0]),
    // Theirs queues what is confirmed already once more.
    ("derived.defect-upstream.filtered-index", &["0", "theirs"], &[1]),
];

/// What differs on purpose: why, and which.
const DIFFER: &[(&str, &[&str])] = &[
    (
        "a backend takes nothing back: after a restore a device offers all that it holds above",
        &[
            "upstream-rebase.rolls-back-from-root",
            "upstream-rebase.rolls-back-to-given-point",
            "upstream-rebase.empty-pending",
        ],
    ),
    (
        "no event is of one client only: what is not synced is in tables of its own, not in a log",
        &[
            "upstream-advance.defect.unsorted-client",
            "local-push.ignore-client-only.pending-stays-empty",
            "session.client-only-confirmed-after-advance",
        ],
    ),
    (
        "an own event has no position until the backend gives it one: there is no head to be behind",
        &["local-push.reject.not-ahead", "derived.reject.equal-to-local-head"],
    ),
    (
        "positions are numbers from 1 that the backend gives; no client part, no rebase generation",
        &[
            "next.synced",
            "next.client-only",
            "next.synced-gen1",
            "next.client-only-gen1",
            "next.synced-keeps-gen",
            "next.synced-after-client-only-parents-on-global",
            "format.e0",
            "format.e0r1",
            "format.e0.1",
            "format.e0.1r1",
            "format.e5.3r2",
            "format.e100.50r10",
            "parse-error.0",
            "parse-error.1",
            "parse-error.2",
            "parse-error.3",
            "compare.total-order",
            "admission.stale-generation",
            "admission.newer-generation-accepted",
            "admission.check-order",
            "session.generation-carried",
        ],
    ),
    (
        "an event is known by its id, never by its arguments",
        &[
            "equality.same-args",
            "equality.key-order",
            "equality.nested-key-order",
            "equality.value-differs",
            "equality.keys-differ",
            "equality.null",
            "equality.array",
            "equality.empty",
            "equality.event-name-differs",
            "equality.absent-vs-undefined",
        ],
    ),
    (
        "the backend orders: a push has no parent, so none is behind, and the order offered counts",
        &[
            "admission.not-monotonic",
            "admission.behind-head",
            "admission.skips-prefix",
            "leader.server-ahead-parks-until-pull",
        ],
    ),
    (
        "nothing provisional is ever in confirmed tables: there is nothing to roll back",
        &["leader.own-rollback-data-kept"],
    ),
    (
        "log, tables and heads are one transaction: the tests of a failing disk show it",
        &["session.state-head-failure-rolls-back"],
    ),
    (
        "a directory has one backend for good: nothing of it is dropped, and no other is taken for it",
        &["leader.backend-identity.reset", "leader.backend-identity.ignore"],
    ),
    (
        "what is pending is on disk, so that no end of the program has to wait for a push",
        &[
            "session.failed-shutdown-interrupts",
            "session.reject-fails-drain",
            "session.reject-after-pull-stop-fails-drain",
            "session.fatal-push-fails-drain",
            "session.shutdown-timeout-does-not-cancel",
            "session.unexpected-push-error-stops-store",
        ],
    ),
    (
        "materializers see nothing but the event: property tests and dumps of all devices show it",
        &["session.impure-materializer", "session.session-hash-mismatch"],
    ),
    ("a log says where its end is, not how many events are left", &["backend.remaining"]),
    (
        "a store that could not be loaded is asked for again with the next connection",
        &["registry.failure-cached"],
    ),
    (
        "one idle time for all stores",
        &[
            "registry.call-site-overrides",
            "registry.per-store-time",
            "registry.longest-wins",
            "registry.defaults",
        ],
    ),
];

/// Scenarios: theirs, and the one of ours that is the same situation.
const REPLAYED: &[(&str, &str)] = &[
    ("admission.duplicate-push", "offered many times, there once"),
    ("admission.reservation-released-on-reject", "another's came while mine were under way"),
    ("leader.two-events-materialised-and-pushed", "commit reaches the backend"),
    ("leader.paged-pull-does-not-block-local-push", "a pull of many pages holds no commit up"),
    ("leader.pull-failure-mid-page-releases-lock", "a pull that breaks off"),
    ("leader.pull-interrupt-mid-page-releases-lock", "a pull that breaks off"),
    ("leader.offline-conflict-converges", "offline on both sides"),
    ("leader.many-concurrent-local-pushes", "many commits at once"),
    ("leader.concurrent-both-sides", "both sides at the same time"),
    ("leader.transient-push-failures-recover-without-live-pull", "pushes that fail"),
    ("leader.backend-identity.shutdown", "another backend"),
    ("session.commit-reaches-backend", "commit reaches the backend"),
    ("session.prefix-fence", "a later event waits for the earlier"),
    ("session.commit-during-boot", "before the first connection"),
    ("session.backend-ahead", "offline on both sides"),
    ("session.race", "both sides at the same time"),
    ("session.duplicate-upstream-is-defect", "a page twice"),
    ("session.persisted-pending-pushed-on-start", "pending over a restart"),
    ("session.drain-on-shutdown", "pending over a restart"),
    ("session.commit-not-blocked-by-latch", "a pull of many pages holds no commit up"),
    ("session.pending-visible-before-send", "commit reaches the backend"),
    ("session.order-and-batch-bounds (property, 50 runs)", "order and bounds of pushes"),
    ("session.no-loss-commit-during-rebase", "a commit between page and push"),
    (
        "session.no-loss-shutdown-during-rebase (3 barrier points)",
        "a crash at every step of a push",
    ),
    ("session.empty-advance-is-not-recovery", "a page that says nothing of mine"),
    ("session.late-rejection-leaves-no-fence", "a lost answer leaves no fence"),
    ("session.rebase-reseeds-full-suffix", "a later event waits for the earlier"),
    ("session.fence-newer", "a later event waits for the earlier"),
    ("session.unknown-upstream-event", "an event of an unknown name"),
    ("backend.ping", "ping"),
    ("backend.connect-sets-flag", "before the first connection"),
    ("backend.first-pull-empty", "an empty log"),
    ("backend.live-first-page-no-more", "an empty log"),
    ("backend.live-survives-idle", "a live event after a while"),
    ("backend.pull-from-cursor", "from a cursor"),
    // All eight, where theirs takes one: there is no parent to share.
    ("backend.one-winner", "eight at once"),
    ("backend.few-large", "few large events"),
    ("backend.many-small", "many small events"),
    ("backend.multi-page", "many small events"),
    ("backend.reconnect", "a backend that comes back"),
    ("backend.10k", "from a cursor"),
    ("backend.typed-identity-error", "an error over the wire"),
    ("registry.load-async", "a store that is being loaded"),
    ("registry.cached-sync", "a store that is being loaded"),
    ("registry.single-flight", "a store that is being loaded"),
    ("registry.preload-silent", "a store that is not there"),
    ("registry.preload-warms", "a store that is being loaded"),
    ("registry.dispose-after-idle", "an idle store goes"),
    ("registry.infinite", "the open conversation stays"),
    ("registry.idle-during-load", "an idle store goes"),
    ("registry.rapid-retain-release", "the open conversation stays"),
    ("registry.retain-cancels", "the open conversation stays"),
    ("registry.abort-load", "a store that goes while it is loaded"),
    ("registry.retain-keeps", "the open conversation stays"),
    ("registry.independent", "two stores"),
    ("registry.no-stale", "a store that comes back is fresh"),
    ("registry.preload-idle", "an idle store goes"),
];

/// Sections of the file whose vectors are scenarios, in prose.
const SECTIONS: &[&str] = &[
    "eventEquality",
    "leaderAdmission",
    "leaderScenarios",
    "sessionScenarios",
    "backendConformance",
    "storeRegistry",
];

fn file() -> Option<Value> {
    let there = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/syncstate-vectors.json");
    let path = std::env::var_os("MAILTUI_VECTORS").map_or(there, PathBuf::from);
    let text = std::fs::read(path).ok()?;
    Some(serde_json::from_slice(&text).expect("the file of vectors is JSON"))
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn synced(events: &Value) -> Vec<&Value> {
    items(events).iter().filter(|event| event["kind"] == "synced").collect()
}

/// Whether two events are one by their rule: all but parent and generation.
fn is_same(a: &Value, b: &Value) -> bool {
    let number = |event: &Value| text(event, "seq").split('r').next().map(str::to_owned);
    let alike = |field| a[field] == b[field];
    number(a) == number(b) && ["kind", "name", "body", "client", "session"].into_iter().all(alike)
}

fn body(event: &Value) -> String {
    let body = event["body"].to_string();
    body.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The case of a merge vector, of its synced events; `None` where it is a defect of the payload.
fn merge(vector: &Value) -> Option<Merge> {
    let name = text(vector, "name");
    let (state, payload) = (&vector["state"], &vector["payload"]);
    let (pending, new) = (synced(&state["pending"]), synced(&payload["newEvents"]));
    let global = text(state, "upstreamHead");
    let global = global.trim_start_matches('e').split('.').next().unwrap_or_default();
    let mut case = Merge {
        name: name.clone(),
        upstream: global.parse().expect("a position"),
        pending: pending.iter().map(|event| body(event)).collect(),
        commits: Vec::new(),
        incoming: Vec::new(),
        left: Vec::new(),
    };
    if let Some((_, incoming, left)) = PUT_RIGHT.iter().find(|(of, ..)| *of == name) {
        let read = |text: &&str| match text.parse() {
            Ok(at) => Incoming::Own(at),
            Err(_) => Incoming::Foreign((*text).to_owned()),
        };
        case.incoming = incoming.iter().map(read).collect();
        case.left = left.to_vec();
        return Some(case);
    }
    let expected = &vector["expect"];
    if payload["type"] == "local-push" {
        case.commits = new.iter().map(|event| body(event)).collect();
    } else {
        let alike = new.iter().zip(&pending).take_while(|(new, held)| is_same(new, held)).count();
        let incoming = new.iter().enumerate().map(|(at, event)| {
            if at < alike { Incoming::Own(at) } else { Incoming::Foreign(body(event)) }
        });
        case.incoming = incoming.collect();
    }
    if expected["outcome"] == "defect" {
        return None;
    }
    let left = synced(&expected["state"]["pending"]);
    let all: Vec<String> = case.pending.iter().chain(&case.commits).cloned().collect();
    case.left = (all.len() - left.len()..all.len()).collect();
    let bodies: Vec<String> = left.iter().map(|event| body(event)).collect();
    assert_eq!(bodies, all[all.len() - left.len()..], "{name}: what is left are the last");
    Some(case)
}

/// Why a vector differs, if it does.
fn differs(name: &str) -> Option<&'static str> {
    DIFFER.iter().find(|(_, names)| names.contains(&name)).map(|(why, _)| *why)
}

#[test]
fn what_is_known_of_livestore_holds_here_or_differs_on_purpose() {
    let Some(file) = file() else {
        println!("skipped: there is no file of vectors (MAILTUI_VECTORS)");
        return;
    };
    let (mut replayed, mut differing, mut wrong) = (0, 0, Vec::new());
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    for vector in items(&file["merge"]) {
        let name = text(vector, "name");
        match (differs(&name), merge(vector)) {
            (Some(_), _) => differing += 1,
            (None, Some(case)) => {
                check(&case);
                replayed += 1;
            }
            // A page that does not follow: theirs stops, ours takes nothing of it in.
            (None, None) => {
                needed.insert("pages that do not follow");
                replayed += 1;
            }
        }
    }
    let scenarios: BTreeMap<&str, &str> = REPLAYED.iter().copied().collect();
    let positions = ["next", "format", "parseErrors"].map(|part| &file["positions"][part]);
    let named = |value: &Value| items(value).iter().map(|v| text(v, "name")).collect::<Vec<_>>();
    let mut names: Vec<String> = positions.into_iter().flat_map(named).collect();
    names.push(text(&file["positions"]["fullOrder"], "name"));
    names.extend(SECTIONS.iter().flat_map(|section| named(&file[section])));
    for name in names {
        match (differs(&name), scenarios.get(name.as_str())) {
            (Some(_), None) => differing += 1,
            (None, Some(ours)) => {
                needed.insert(ours);
                replayed += 1;
            }
            (None, None) => wrong.push(format!("{name}: neither replayed nor said to differ")),
            (Some(why), Some(_)) => wrong.push(format!("{name}: replayed, and differs: {why}")),
        }
    }
    for name in needed {
        match SCENARIOS.iter().find(|(ours, _)| *ours == name) {
            Some((_, scenario)) => scenario(),
            None => wrong.push(format!("there is no scenario {name:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(replayed > 0 && file["merge"].is_array(), "the file has no vectors");
    println!("{replayed} replayed, {differing} differ on purpose");
}

/// An event that comes in at another place than where it was pending is there once: whatever is
/// tried, it is known by its id.
#[test]
fn nothing_is_applied_twice() {
    for (n, incoming) in
        [&[1_usize][..], &[1, 0], &[2, 1], &[2, 0, 1], &[0, 2], &[1, 1], &[0, 0, 1, 0]]
            .into_iter()
            .enumerate()
    {
        let left: Vec<usize> = (0..3).filter(|at| !incoming.contains(at)).collect();
        let case = Merge {
            name: format!("hazard {n}"),
            upstream: 1,
            pending: ["A", "B", "C"].map(str::to_owned).to_vec(),
            commits: Vec::new(),
            incoming: incoming.iter().map(|at| Incoming::Own(*at)).collect(),
            left,
        };
        check(&case);
    }
}
