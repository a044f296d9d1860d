//! What was done, in words, and as something to do again.
//!
//! Invariant: pure. Names that users gave go through `safe_text`; so does an action's own name,
//! which another device wrote.

use crate::clock::rfc3339;
use crate::command::intent::Change;
use crate::id::LabelId;
use crate::label::Place;
use crate::mailbox::{Deed, DraftDeed};
use crate::safe_text;

/// The change that does a deed again on a thread; `None` for what is no change of one.
#[must_use]
pub fn change_of(deed: &Deed) -> Option<Change> {
    Some(match deed {
        Deed::Place(place) => Change::Place(*place),
        Deed::Leave(place) => Change::Label(place.label(), false),
        Deed::Label(label, on) => Change::Label(label.clone(), *on),
        Deed::Read(on) => Change::Read(*on),
        Deed::Star(on) => Change::Star(*on),
        Deed::Mute(on) => Change::Mute(*on),
        Deed::Snooze(until) => Change::Snooze(*until),
        _ => return None,
    })
}

/// What an action did: "archive", "label +Work -Home", "create label Work".
#[must_use]
pub fn what(name: &str, deeds: &[Deed], label: &dyn Fn(&LabelId) -> String) -> String {
    let mut parts: Vec<String> = Vec::new();
    for deed in deeds {
        let part = word(deed, label);
        let labels = matches!(deed, Deed::Label(..));
        if part.is_empty() || parts.contains(&part) {
            continue;
        }
        match parts.last_mut() {
            Some(last) if labels && last.starts_with("label ") => {
                last.push_str(part.strip_prefix("label").unwrap_or(&part));
            }
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { safe_text::line(name) } else { parts.join(", ") }
}

fn word(deed: &Deed, label: &dyn Fn(&LabelId) -> String) -> String {
    let which = |on: bool, yes: &str, no: &str| if on { yes } else { no }.to_owned();
    match deed {
        Deed::Place(Place::Inbox) => "move to inbox".to_owned(),
        Deed::Place(place) => place.as_str().to_owned(),
        Deed::Leave(place) => format!("out of {}", place.as_str()),
        Deed::Label(id, on) => format!("label {}{}", which(*on, "+", "-"), label(id)),
        Deed::Read(on) => which(*on, "read", "unread"),
        Deed::Star(on) => which(*on, "star", "unstar"),
        Deed::Mute(on) => which(*on, "mute", "unmute"),
        Deed::Snooze(None) => "unsnooze".to_owned(),
        Deed::Snooze(Some(until)) => {
            let until = rfc3339(*until).unwrap_or_default();
            format!("snooze until {}", until.get(..16).unwrap_or("then").replace('T', " "))
        }
        Deed::Link(_, on) => which(*on, "join", "split"),
        Deed::Undo(_) => "undo".to_owned(),
        Deed::Made(_, name) => format!("create label {}", safe_text::line(name)),
        Deed::Renamed(_, name) => format!("rename label to {}", safe_text::line(name)),
        Deed::Recolored(id, _) => format!("colour label {}", label(id)),
        Deed::Deleted(id) => format!("delete label {}", label(id)),
        Deed::SearchSaved(_, name, _) => format!("save search {}", safe_text::line(name)),
        Deed::SearchRemoved(_, name) => format!("remove search {}", safe_text::line(name)),
        Deed::Draft(DraftDeed::Saved) => "write draft".to_owned(),
        Deed::Draft(DraftDeed::Discarded) => "discard draft".to_owned(),
        Deed::Draft(DraftDeed::Queued) => "send".to_owned(),
        Deed::Draft(DraftDeed::Cancelled) => "cancel sending".to_owned(),
        Deed::Unknown => String::new(),
    }
}

/// What an action of this name has made of something: "trashed".
#[must_use]
pub fn done(name: &str) -> &'static str {
    match name {
        "archive" => "archived",
        "trash" => "trashed",
        "spam" => "marked as spam",
        "inbox" => "moved to the inbox",
        "label" => "labelled",
        "read" => "marked read",
        "unread" => "marked unread",
        "star" => "starred",
        "unstar" => "unstarred",
        "mute" => "muted",
        "unmute" => "unmuted",
        "snooze" => "snoozed",
        "unsnooze" => "woken",
        "join" => "joined",
        "split" => "split",
        "discard" => "discarded",
        "send" => "queued to be sent",
        "cancel-send" => "taken back",
        _ => "changed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(deeds: &[Deed], wanted: &str) {
        let label = |id: &LabelId| id.as_str().to_uppercase();
        assert_eq!(what("key", deeds, &label), wanted, "{deeds:?}");
    }

    #[test]
    fn says_what_was_done() {
        let label = |id: &str| LabelId::try_from(id).unwrap();
        check(&[Deed::Place(Place::Trash)], "trash");
        check(&[Deed::Label(label("a"), true), Deed::Label(label("b"), false)], "label +A -B");
        check(&[Deed::Place(Place::Inbox), Deed::Read(false)], "move to inbox, unread");
        check(&[Deed::Snooze(Some(1_715_587_200))], "snooze until 2024-05-13 08:00");
        check(&[Deed::Snooze(Some(i64::MAX))], "snooze until then");
        check(&[Deed::Made(label("a"), "a\u{1b}[2Jb".to_owned())], "create label a\u{fffd}[2Jb");
        check(&[Deed::Deleted(label("a"))], "delete label A");
        check(&[], "key");
        check(&[Deed::Unknown], "key");
        assert_eq!(what("a\u{202e}\nb", &[], &|_| String::new()), safe_text::line("a\u{202e}\nb"));
    }

    #[test]
    fn what_changes_a_thread_can_be_done_again() {
        let deeds = [Deed::Place(Place::Spam), Deed::Leave(Place::Inbox), Deed::Read(true)];
        let wanted = [
            Change::Place(Place::Spam),
            Change::Label(Place::Inbox.label(), false),
            Change::Read(true),
        ];
        assert_eq!(deeds.iter().filter_map(change_of).collect::<Vec<_>>(), wanted);
        assert_eq!(change_of(&Deed::Unknown), None);
    }
}
