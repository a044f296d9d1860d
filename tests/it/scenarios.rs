//! Scenario files, replayed against the real engine, backend and pipeline.
//!
//! Invariant: what held once fails the test when it does not hold any more; so does everything in a
//! file that was named by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use mailtui::command::intent::Change;
use mailtui::label::{Place, user_label};
use serde_json::Value;

use crate::support::play::{End, Final, FinalRow, Key, Play, Shows, Step};

/// What holds today and must go on to hold.
const HOLD: &[&str] = &["overlay-", "seen-", "own-", "undo-", "link-", "restore-"];
/// 2024-05-13T08:00:00Z, when a snooze ends that names a day.
const MONDAY: i64 = 1_715_587_200;

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|item| item.as_str().expect("text").to_owned()).collect()
}

fn key(step: &Value) -> Key {
    let label = || user_label(&text(step, "label"));
    let intent = text(step, "intent");
    Key::Do(match intent.as_str() {
        "undo" => return Key::Undo(text(step, "undoes")),
        "label" => Change::Label(label(), true),
        "unlabel" => Change::Label(label(), false),
        "read" => Change::Read(true),
        "unread" => Change::Read(false),
        "star" => Change::Star(true),
        "unstar" => Change::Star(false),
        "mute" => Change::Mute(true),
        "unmute" => Change::Mute(false),
        "snooze" => Change::Snooze(Some(MONDAY)),
        "unsnooze" => Change::Snooze(None),
        place => Change::Place(Place::parse(place).unwrap_or_else(|| panic!("intent {place:?}"))),
    })
}

/// A step; `None` for one that this version does not know.
fn step(value: &Value) -> Option<Step> {
    let device = || text(value, "device");
    let thread = || text(value, "thread");
    Some(match value["do"].as_str()? {
        "mail" => {
            Step::Mail { thread: thread(), id: text(value, "id"), own: value["from"] == "me" }
        }
        "link" => {
            let threads = texts(&value["threads"]);
            Step::Link(threads[0].clone(), threads[1].clone())
        }
        "key" => {
            let mut on = texts(&value["threads"]);
            on.extend(value["thread"].as_str().map(str::to_owned));
            Step::Key { device: device(), action: text(value, "action"), on, key: key(value) }
        }
        "push" => Step::Push {
            device: device(),
            only: value["thread"].as_str().map(str::to_owned),
            ack_lost: value["ack"] == "lost",
        },
        "project" => Step::Project,
        "pull" => Step::Pull(device()),
        "sync" => Step::Sync,
        "restart" => Step::Restart(device()),
        "holds" => Step::Holds { device: device(), thread: thread() },
        "backup" => Step::Backup,
        "restore" => Step::Restore,
        "expect" => {
            Step::Expect { device: device(), thread: thread(), shows: shows(&value["shows"]) }
        }
        _ => return None,
    })
}

/// A place or a user label by the name that a scenario gives it.
fn label_named(name: &str) -> String {
    Place::parse(name).map_or_else(|| user_label(name), Place::label).to_string()
}

fn labels(value: &Value) -> BTreeSet<String> {
    texts(value).iter().map(|name| user_label(name).to_string()).collect()
}

fn shows(value: &Value) -> Shows {
    let known = ["place", "labels", "unread", "messages"];
    let asked = value.as_object().expect("an object");
    assert!(asked.keys().all(|name| known.contains(&name.as_str())), "unknown: {value}");
    Shows {
        place: value["place"].as_str().map(str::to_owned),
        labels: value.get("labels").map(labels),
        unread: value["unread"].as_u64(),
        messages: value["messages"].as_u64(),
    }
}

fn each<T>(value: &Value, read: impl Fn(&Value) -> T) -> BTreeMap<String, T> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), read(value))).collect()
}

fn end(scenario: &Value) -> End {
    let last = &scenario["final"];
    let number = |value: &Value| value.as_u64().expect("a number");
    End {
        threads: each(&last["threads"], |thread| Final {
            place: text(thread, "place"),
            labels: labels(&thread["labels"]),
            unread: number(&thread["unread"]),
            messages: number(&thread["messages"]),
            snoozed: !thread["snoozed"].is_null(),
            muted: thread["muted"] == true,
        }),
        rows: each(&last["rows"], |row| FinalRow {
            members: texts(&row["members"]),
            place: text(row, "place"),
            labels: labels(&row["labels"]),
            unread: number(&row["unread"]),
        }),
        counts: each(&last["counts"], number)
            .into_iter()
            .map(|(name, count)| (label_named(&name), count))
            .collect(),
        logs: each(&scenario["log"], texts),
    }
}

/// Plays a scenario: what did not hold; `None` when it has steps that are not known.
fn play(scenario: &Value) -> Option<Vec<String>> {
    let steps = scenario["steps"].as_array().expect("steps");
    let steps: Option<Vec<Step>> = steps.iter().map(step).collect();
    let (steps, end) = (steps?, end(scenario));
    let threads = texts(&scenario["threads"]);
    let played = std::panic::catch_unwind(|| Play::new(&threads).run(&steps, &end));
    Some(played.unwrap_or_else(|_| vec!["the product panicked, see above".to_owned()]))
}

fn files() -> Vec<PathBuf> {
    let names = std::env::var("MAILTUI_SCENARIOS").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/scenarios.json").to_owned()
    });
    names.split(':').filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

#[test]
fn files_are_replayed() {
    // Files that somebody names are about what must hold, all of it.
    let strict = std::env::var_os("MAILTUI_SCENARIOS_STRICT").is_some();
    let must = |name: &str| strict || HOLD.iter().any(|prefix| name.starts_with(prefix));
    let (mut failed, mut held, mut others) = (Vec::new(), 0, 0);
    for path in files() {
        let Ok(bytes) = std::fs::read(&path) else {
            assert!(!strict, "there is no {}", path.display());
            println!("skipped: there is no {}", path.display());
            continue;
        };
        let file: Value = serde_json::from_slice(&bytes).expect("a scenario file is JSON");
        for scenario in file["scenarios"].as_array().expect("a list of scenarios") {
            let name = text(scenario, "name");
            let wrong = play(scenario).unwrap_or_else(|| vec!["an unknown step".to_owned()]);
            if wrong.is_empty() {
                held += 1;
                println!("{name}: ok");
            } else if must(&name) {
                println!("{name}: FAILED");
                failed.push(format!("{name}:\n  {}", wrong.join("\n  ")));
            } else {
                others += 1;
                println!("{name}: does not hold:\n  {}", wrong.join("\n  "));
            }
        }
    }
    println!("{held} hold, {} failed, {others} others do not hold", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
