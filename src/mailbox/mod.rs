//! The Mailbox store's schema: labels, the thread index, counts; what is needed to list, count and
//! filter without loading a conversation.
//!
//! Invariant: confirmed tables hold only what the confirmed log yields, and equal logs give equal
//! rows; what a device shows of its own events is in tables of its own (`shown`, `overlay`), which
//! can be made again at will. Materializers are total and see no clock.

mod counted;
mod deed;
mod event;
mod group;
mod groups;
mod history;
mod label_log;
mod labels;
mod materializer;
mod members;
mod net;
mod people;
mod purge;
mod query;
mod rebuild;
mod row;
mod saved;
mod schema;
pub mod snapshot;
mod snoozed;

pub use counted::{Counted, counted};
pub use deed::{Deed, DraftDeed, MAX_DEEDS, deeds_text, read_deeds};
pub use event::{
    ActionUndone, EpochBegan, LabelCreated, LabelDeleted, LabelRecolored, LabelRenamed,
    MailboxEvent, Source, SourceAction, ThreadAdded, ThreadChanged, ThreadFacts, ThreadLabel,
    ThreadOnly, ThreadPurged, name,
};
pub use group::{GroupRow, MemberRow, group, order_of};
pub use groups::{Groups, all_overlaid, any_overlaid, overlaid, rebuild_shown, set_overlay};
pub use history::{Done, Of, Reached, action, deeds_on, history, of_device, redos_of, threads_of};
pub use label_log::{LabelState, Write, add_own, fold, kept, show, show_all, writes, written_by};
pub use labels::{
    LabelRow, SYSTEM, deleted_by_name, deleted_labels, find_label, initial, is_known, label_name,
    labels, renamed_in_rows, shown_by_id, shown_labels, twins,
};
pub use materializer::{Changes, materialize};
pub use members::{Conversations, Member, Members};
pub use people::{Met, met};
pub use purge::{is_purged, lacks_rows, purged, redact};
pub use query::{
    Bound, count, count_any, drafts, drafts_in, linked_with, links_of, page, raw_row, root_of,
    seen_members, threads_in, watermark,
};
pub use rebuild::{
    differing, differing_from, knew_others, learn, make, make_from, rebuilt_percent, remake,
};
pub use row::{Shown, ThreadRow};
pub use saved::{MAX_SAVED_QUERY_BYTES, Saved, SearchRemoved, SearchSaved, saved, saved_id};
pub use schema::{SQL, VERSION, clear, dump};
pub use snoozed::{has_overslept, index_snoozes, snoozed_until, without_messages};
