//! A row of the list: the threads of one conversation, merged. Pure.
//!
//! Invariant: a conversation is counted once for each label; its place is the first of inbox,
//! archive, spam, trash that a member is in.

use std::collections::BTreeSet;

use crate::id::{LabelId, ThreadId};
use crate::label::{Place, system};

/// What the list needs of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The thread.
    pub id: ThreadId,
    /// Unix seconds.
    pub last_activity: i64,
    /// Unread messages.
    pub unread: u64,
    /// Where it is.
    pub place: Place,
    /// Whether it is hidden for a time.
    pub snoozed: bool,
    /// All labels.
    pub labels: BTreeSet<LabelId>,
}

/// What the list shows of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// The least id among the members.
    pub root: ThreadId,
    /// The newest activity, Unix seconds.
    pub last_activity: i64,
    /// Unread messages of all members.
    pub unread: u64,
    /// Where it is.
    pub place: Place,
    /// All labels as listed.
    pub labels: BTreeSet<LabelId>,
    /// The lists it is in: `labels`, but a snoozed conversation is not in its place's list.
    pub lists: BTreeSet<LabelId>,
}

/// Where a place stands in the order in which a linked row shows it.
#[must_use]
pub fn order_of(place: Place) -> usize {
    Place::ALL.iter().position(|other| *other == place).unwrap_or(Place::ALL.len())
}

impl MemberRow {
    /// Whether it shows anything: a thread whose messages are all gone where they came from, and a
    /// draft that was sent, have no label.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !self.labels.is_empty()
    }

    /// Whether it is in a place: a draft is in none.
    fn is_placed(&self) -> bool {
        self.labels.iter().any(|label| Place::parse(label.as_str()).is_some())
    }
}

/// Merges the members of a conversation; `None` when there are none that show anything.
#[must_use]
pub fn group(members: &[MemberRow]) -> Option<GroupRow> {
    let root = members.iter().map(|member| &member.id).min()?.clone();
    let members: Vec<&MemberRow> = members.iter().filter(|member| member.is_there()).collect();
    let placed = members.iter().any(|member| member.is_placed());
    let places = members.iter().filter(|member| member.is_placed() == placed);
    let place = places.map(|member| member.place).min_by_key(|place| order_of(*place))?;
    let shown = |member: &&MemberRow| member.place == place && !member.snoozed;
    // What is thrown away is in its place's list, snoozed or not.
    let snoozed = place.hidden() < 2 && !members.iter().any(shown);
    let mut labels: BTreeSet<LabelId> = members
        .iter()
        .flat_map(|member| &member.labels)
        .filter(|label| Place::parse(label.as_str()).is_none() && label.as_str() != "snoozed")
        .cloned()
        .collect();
    labels.extend(placed.then(|| place.label()));
    let mut lists = labels.clone();
    if snoozed {
        labels.insert(system("snoozed"));
        lists.insert(system("snoozed"));
        lists.remove(&place.label());
    }
    Some(GroupRow {
        root,
        last_activity: members.iter().map(|member| member.last_activity).max()?,
        unread: members.iter().map(|member| member.unread).sum(),
        place,
        labels,
        lists,
    })
}
