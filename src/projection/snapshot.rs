//! What of a thread the Mailbox store mirrors.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{LabelId, ThreadId};
use crate::mailbox::{Shown, ThreadFacts, ThreadRow};
use crate::store::Args;
use crate::thread::{Cells, ThreadState, Trail};

/// A thread's row and labels at a position of its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The row.
    pub facts: ThreadFacts,
    /// All labels, places and derived ones included.
    pub labels: BTreeSet<LabelId>,
}

/// What keys change of a row, by its cells.
#[must_use]
pub(super) fn shown(cells: &Cells) -> Shown {
    Shown {
        place: cells.place,
        snoozed_until: cells.snoozed,
        starred: cells.starred,
        muted: cells.muted,
        unread_count: cells.unread(),
        labels: cells.all_labels(),
    }
}

/// The snapshot of a loaded thread.
#[must_use]
pub fn of_thread(thread: &ThreadId, state: &ThreadState) -> Snapshot {
    let (trail, cells): (Trail, Cells) = state.trail();
    let summary = state.summary();
    Snapshot {
        labels: cells.all_labels(),
        facts: ThreadFacts {
            id: thread.clone(),
            subject: summary.subject,
            participants: summary.participants,
            snippet: summary.snippet,
            // What woke is listed as if it had come then.
            last_activity: summary.last_activity.max(cells.woken.unwrap_or(i64::MIN)),
            created_at: summary.created_at,
            message_count: state.counted(&cells.links),
            unread_count: cells.unread(),
            starred: cells.starred,
            muted: cells.muted,
            has_attachment: summary.has_attachment,
            place: cells.place,
            snoozed_until: cells.snoozed,
            links: cells.links.into_iter().filter(|other| other != thread).collect(),
            trail: Args::of(&trail),
        },
    }
}

/// The snapshot that a confirmed row mirrors. Links are not in the row: the caller knows them.
#[must_use]
pub fn of_row(row: &ThreadRow, links: Vec<ThreadId>) -> Snapshot {
    Snapshot {
        labels: row.shown.labels.clone(),
        facts: ThreadFacts {
            id: row.id.clone(),
            subject: row.subject.clone(),
            participants: row.participants.clone(),
            snippet: row.snippet.clone(),
            last_activity: row.last_activity,
            created_at: row.created_at,
            message_count: row.message_count,
            unread_count: row.shown.unread_count,
            starred: row.shown.starred,
            muted: row.shown.muted,
            has_attachment: row.has_attachment,
            place: row.shown.place,
            snoozed_until: row.shown.snoozed_until,
            links,
            trail: Args::from_text(row.trail.clone()),
        },
    }
}
