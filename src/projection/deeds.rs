//! What an event of a thread did, in short, for history.

use crate::mailbox::{Deed, DraftDeed};
use crate::store::Args;
use crate::thread::ThreadEvent;

/// The deed of an event that a device writes; `None` for mail, and for what has no shape.
#[must_use]
pub fn deed(name: &str, args: &Args) -> Option<Deed> {
    use crate::label::Place;
    Some(match ThreadEvent::read(name, args)? {
        ThreadEvent::Label(change, on) => match Place::parse(change.label.as_str()) {
            Some(place) if on => Deed::Place(place),
            Some(place) => Deed::Leave(place),
            None => Deed::Label(change.label, on),
        },
        ThreadEvent::Read(mark) => Deed::Read(mark.read),
        ThreadEvent::Starred(star) => Deed::Star(star.starred),
        ThreadEvent::Muted(mute) => Deed::Mute(mute.muted),
        ThreadEvent::Snoozed(snooze) => Deed::Snooze(Some(snooze.until)),
        ThreadEvent::Unsnoozed(_) => Deed::Snooze(None),
        ThreadEvent::Linked(link, on) => Deed::Link(link.thread, on),
        // A device begins the store of a draft with its first save, and no other.
        ThreadEvent::Saved(_) | ThreadEvent::Created(_) => Deed::Draft(DraftDeed::Saved),
        ThreadEvent::Discarded(_) => Deed::Draft(DraftDeed::Discarded),
        ThreadEvent::Queued(_) => Deed::Draft(DraftDeed::Queued),
        ThreadEvent::Cancelled(_) => Deed::Draft(DraftDeed::Cancelled),
        ThreadEvent::Undone(undo) => Deed::Undo(undo.action),
        _ => return None,
    })
}
