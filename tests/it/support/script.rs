//! Stories for two devices, A and B, as short lines.
//!
//! Every story begins with one received message, `first`, in each thread that its end names; both
//! devices show it, unread. Steps are parted by `;`:
//!
//! | step | is |
//! |---|---|
//! | `mail T m` · `sent T m` | a received message, one of our own |
//! | `A archive x T` · `A label x T,U work` | a key on a device, as action `x` |
//! | `A undo u T x` | the undo of `x`, as action `u` |
//! | `push A` · `push A T` | what is pending, or that of one thread, reaches the backend |
//! | `push A lost` | the same, and the answer is lost |
//! | `project` · `pull A` | the pipeline; the Mailbox log to A |
//! | `sync` | everything until all is quiet |
//! | `restart A` | A's process dies and starts again |
//! | `A shows T archive 1/2 +work` | what A shows: place, unread/messages, labels, if named |
//!
//! The end is a line a thread: as in `shows`, `muted` if so, and the log after `|`, where
//! `undo-x` is an undo that the backend carried there.

use std::collections::{BTreeMap, BTreeSet};

use mailtui::command::intent::Change;
use mailtui::label::{Place, user_label};

use crate::support::play::{End, Final, FinalRow, Key, Play, Shows, Step};

/// 2024-05-13T08:00:00Z, until when the stories snooze.
const NEXT_WEEK: i64 = 1_715_587_200;

/// Plays the story; fails with all that does not hold.
pub(crate) fn check(what: &str, story: &str, end: &[&str]) {
    let ends: BTreeMap<String, (Final, Vec<String>)> = end.iter().map(|line| last(line)).collect();
    let threads: Vec<String> = ends.keys().cloned().collect();
    let first =
        |thread: &String| Step::Mail { thread: thread.clone(), id: "first".to_owned(), own: false };
    let mut steps: Vec<Step> = threads.iter().map(first).collect();
    steps.push(Step::Sync);
    steps.extend(story.split(';').map(str::trim).filter(|line| !line.is_empty()).map(step));
    steps.push(Step::Sync);
    let wrong = Play::new(&threads).run(&steps, &end_of(ends));
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

fn step(line: &str) -> Step {
    let words: Vec<&str> = line.split_whitespace().collect();
    let text =
        |at: usize| (*words.get(at).unwrap_or_else(|| panic!("too short: {line}"))).to_owned();
    match words[..] {
        ["sync"] => Step::Sync,
        ["project"] => Step::Project,
        ["pull", device] => Step::Pull(device.to_owned()),
        ["restart", device] => Step::Restart(device.to_owned()),
        ["push", device, ref rest @ ..] => Step::Push {
            device: device.to_owned(),
            only: rest.first().filter(|word| **word != "lost").map(|word| (*word).to_owned()),
            ack_lost: rest.contains(&"lost"),
        },
        [kind @ ("mail" | "sent"), thread, id] => {
            Step::Mail { thread: thread.to_owned(), id: id.to_owned(), own: kind == "sent" }
        }
        [device, "shows", thread, ref rest @ ..] => Step::Expect {
            device: device.to_owned(),
            thread: thread.to_owned(),
            shows: shows(rest),
        },
        _ => Step::Key {
            device: text(0),
            action: text(2),
            on: text(3).split(',').map(str::to_owned).collect(),
            key: key(&text(1), words.get(4).copied()),
        },
    }
}

fn key(name: &str, with: Option<&str>) -> Key {
    let label = || user_label(with.expect("a label"));
    Key::Do(match name {
        "undo" => return Key::Undo(with.expect("an action").to_owned()),
        "label" => Change::Label(label(), true),
        "unlabel" => Change::Label(label(), false),
        "read" => Change::Read(true),
        "mute" => Change::Mute(true),
        "unmute" => Change::Mute(false),
        "snooze" => Change::Snooze(Some(NEXT_WEEK)),
        place => Change::Place(Place::parse(place).unwrap_or_else(|| panic!("no key {place:?}"))),
    })
}

fn shows(words: &[&str]) -> Shows {
    let mut shows = Shows::default();
    for word in words {
        if let Some((unread, messages)) = word.split_once('/') {
            shows.unread = Some(unread.parse().expect("a number"));
            shows.messages = Some(messages.parse().expect("a number"));
        } else if let Some(label) = word.strip_prefix('+') {
            shows.labels.get_or_insert_default().insert(user_label(label).to_string());
        } else if *word == "bare" {
            shows.labels = Some(BTreeSet::new());
        } else {
            shows.place = Some((*word).to_owned());
        }
    }
    shows
}

fn last(line: &str) -> (String, (Final, Vec<String>)) {
    let (state, log) = line.split_once('|').unwrap_or_else(|| panic!("no log: {line}"));
    let words: Vec<&str> = state.split_whitespace().collect();
    let (thread, words) = words.split_first().expect("a thread");
    let muted = words.contains(&"muted");
    let words: Vec<&str> = words.iter().copied().filter(|word| *word != "muted").collect();
    let shows = shows(&words);
    let state = Final {
        place: shows.place.expect("a place"),
        labels: shows.labels.unwrap_or_default(),
        unread: shows.unread.expect("unread"),
        messages: shows.messages.expect("messages"),
        snoozed: false,
        muted,
    };
    ((*thread).to_owned(), (state, log.split_whitespace().map(str::to_owned).collect()))
}

/// Each thread is a row of its own, and counts once for its place and each label.
fn end_of(ends: BTreeMap<String, (Final, Vec<String>)>) -> End {
    let mut end = End::default();
    for (thread, (state, log)) in ends {
        let lists = state.labels.iter().chain([&state.place]);
        for list in lists {
            *end.counts.entry(list.clone()).or_default() += 1;
        }
        let row = FinalRow {
            members: vec![thread.clone()],
            place: state.place.clone(),
            labels: state.labels.clone(),
            unread: state.unread,
        };
        end.rows.insert(thread.clone(), row);
        let named = |event: &String| {
            let key = !is_message(event);
            if key { format!("{event}.{thread}") } else { event.clone() }
        };
        end.logs.insert(thread.clone(), log.iter().map(named).collect());
        end.threads.insert(thread, state);
    }
    end
}

/// Messages have long names, actions short ones, and so have the undos that the backend carries.
fn is_message(event: &str) -> bool {
    event.len() > 2 && !event.starts_with("undo-")
}
