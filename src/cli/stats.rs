//! `stats`: what `:stats` shows, for scripts.
//!
//! Invariant: read from the files, no connection; the numbers are those of the screen, counted by
//! the same function.

use serde_json::{Value, json};

use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::clock::{Clock as _, SystemClock};
use crate::engine::stats::{self, Answers, CLASS_NAMES, Stats};
use crate::notice::{Exit, Explain as _, Notice};

/// Counts, and says it.
pub(super) fn run(home: &Home, output: Output) -> Result<Exit, Notice> {
    let Some(device) = super::caught_up_still(home)? else { return Ok(Exit::Done) };
    let now = SystemClock.now_ms().div_euclid(1_000);
    let labels = stats::labels(&device.labels().map_err(|error| error.notice())?);
    let counted = stats::count(&home.dir, now).map_err(|error| error.notice())?;
    output.result(&object(&counted, &labels), || plain(&counted, &labels))?;
    Ok(Exit::Done)
}

fn object(of: &Stats, labels: &[(String, u64)]) -> Value {
    let senders = of.senders.iter().map(|(who, conversations)| {
        json!({"name": who.name, "address": who.address, "conversations": conversations})
    });
    let lists = of.lists.iter().map(|(list, messages)| json!({"list": list, "messages": messages}));
    let labels =
        labels.iter().map(|(label, number)| json!({"label": label, "conversations": number}));
    json!({
        "messages": of.messages,
        "conversations": of.conversations,
        "weeks": of.weeks,
        "weeksOf": if of.by_conversation { "conversations" } else { "messages" },
        "senders": senders.collect::<Vec<_>>(),
        "lists": lists.collect::<Vec<_>>(),
        "labels": labels.collect::<Vec<_>>(),
        "youAnswered": answers(&of.yours),
        "youWereAnswered": answers(&of.theirs),
    })
}

fn answers(of: &Answers) -> Value {
    let [hour, day, week, later] = of.classes;
    let median = (of.count() > 0).then_some(of.median);
    json!({
        "answers": of.count(), "medianSeconds": median,
        "withinHour": hour, "withinDay": day, "withinWeek": week, "later": later,
    })
}

fn plain(of: &Stats, labels: &[(String, u64)]) -> String {
    let mut lines = vec![format!("{:>8}  messages", of.messages)];
    lines.push(format!("{:>8}  conversations", of.conversations));
    let what = if of.by_conversation { "conversations" } else { "messages" };
    let last = of.weeks.len().min(LAST_WEEKS);
    let weeks: u64 = of.weeks[of.weeks.len() - last..].iter().sum();
    lines.push(format!("{weeks:>8}  {what} in the last {last} weeks"));
    let mut part = |title: &str, of: &[(String, u64)]| {
        if of.iter().any(|(_, number)| *number > 0) {
            lines.push(String::new());
            lines.push(title.to_owned());
            lines.extend(of.iter().map(|(name, number)| format!("{number:>8}  {name}")));
        }
    };
    let senders: Vec<_> = of.senders.iter().map(|(who, n)| (who.address.clone(), *n)).collect();
    part("Who writes, conversations", &senders);
    part("Mailing lists, messages", &of.lists);
    part("Labels, conversations", labels);
    for (title, of) in [("You answered", &of.yours), ("You were answered", &of.theirs)] {
        let classes: Vec<_> =
            CLASS_NAMES.iter().map(|name| (*name).to_owned()).zip(of.classes).collect();
        part(title, &classes);
    }
    lines.join("\n")
}

/// Weeks whose sum is said in words.
const LAST_WEEKS: usize = 4;
