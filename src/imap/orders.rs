//! What we say of a conversation otherwise than its server does, as orders for it.
//!
//! Invariant: pure. Only what changed here since both sides agreed is ordered, so a message that
//! somebody threw away elsewhere is not taken out of the trash by us. Nothing is destroyed: what
//! leaves a folder is in another one afterwards.

use std::collections::{BTreeMap, BTreeSet};

use crate::bridge::Folder;
use crate::id::MessageId;
use crate::imap::edge::{FolderKey, Role, What};
use crate::imap::gmail;
use crate::label::Place;
use crate::mail::Flags;

/// A conversation as we have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    /// Where it is, whether it is starred, its labels.
    pub stand: Aligned,
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
}

/// A message as we have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// Read here.
    pub read: bool,
    /// Answered here.
    pub answered: bool,
    /// Forwarded here.
    pub forwarded: bool,
    /// Our own: it has no read mark.
    pub own: bool,
}

/// What both sides last agreed on, of a conversation as a whole.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Aligned {
    /// Where it is.
    #[serde(rename = "p")]
    pub place: Place,
    /// Starred.
    #[serde(rename = "s", default)]
    pub starred: bool,
    /// Names of its labels.
    #[serde(rename = "l", default)]
    pub labels: BTreeSet<String>,
}

/// A message in a folder of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The folder.
    pub folder: FolderKey,
    /// Its UID there.
    pub uid: u32,
    /// The message.
    pub message: MessageId,
    /// Flags that both sides last agreed on.
    pub base: Flags,
    /// Keywords that both sides last agreed on.
    pub keywords: Vec<String>,
    /// Labels of Gmail that both sides last agreed on, as it spells them; `None` elsewhere.
    pub labels: Option<Vec<String>>,
    /// The folder that we took it from.
    pub moved_from: Option<FolderKey>,
}

impl Row {
    /// Whether it is starred there.
    #[must_use]
    pub fn is_starred(&self) -> bool {
        self.labels.as_ref().map_or(self.base, |held| gmail::flags(self.base, held)).starred
    }

    /// Whether it is marked as deleted and waits there to be expunged: it is in no other folder, or
    /// a server that moves by copying keeps it. With Gmail the trash is a folder like any other.
    pub(super) const fn is_marked(&self) -> bool {
        self.base.trashed && self.labels.is_none()
    }
}

/// The rows that count: one that is marked as deleted does where no other row has its message. So
/// the last one that somebody may expunge is never taken for a copy of one that stays.
#[must_use]
pub fn standing(mut rows: Vec<Row>) -> Vec<Row> {
    let stay = rows.iter().filter(|row| !row.is_marked()).map(|row| row.message.clone());
    let stay: BTreeSet<MessageId> = stay.collect();
    rows.retain(|row| !row.is_marked() || !stay.contains(&row.message));
    rows
}

/// A folder of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderInfo {
    /// What it is for.
    pub role: Role,
    /// What it says of its messages.
    pub says: Folder,
    /// Whether keywords can be set there.
    pub keywords: bool,
}

impl FolderInfo {
    pub(super) fn home(&self) -> Place {
        self.says.place.unwrap_or(Place::Inbox)
    }
}

/// An order for one row.
pub type Ordered = (usize, What);

/// Everything that is to be written of a conversation; empty when both sides agree. Flags come
/// before moves: a UID is of one folder.
#[must_use]
pub fn orders(
    ours: &Ours,
    agreed: &Aligned,
    rows: &[Row],
    folders: &BTreeMap<FolderKey, FolderInfo>,
) -> Vec<Ordered> {
    let scene = Scene { ours, agreed, rows, folders };
    let mut all = scene.flags();
    let mut moves = scene.moves();
    moves.extend(scene.labels(&moves));
    // Labels and copies before moves: a UID is of one folder.
    moves.sort_by_key(|(_, what)| match what {
        What::Flags { .. } | What::Labels { .. } => 0,
        What::CopyTo(_) => 1,
        What::Move(_) | What::MoveTo(_) | What::Delete => 2,
    });
    all.extend(moves);
    all
}

/// Copies of a message that is twice in a folder into which a connection that is gone had copied
/// it: that was carried out late, after it was told again.
#[must_use]
pub fn doubled(rows: &[Row], copied: &BTreeSet<FolderKey>) -> Vec<Ordered> {
    let is_first = |at: usize| {
        let row = &rows[at];
        let same = |other: &&Row| (other.folder, &other.message) == (row.folder, &row.message);
        rows.iter().filter(|other| same(other)).all(|other| row.uid <= other.uid)
    };
    let one = |at: &usize| copied.contains(&rows[*at].folder) && !is_first(*at);
    (0..rows.len()).filter(one).map(|at| (at, What::Delete)).collect()
}

struct Scene<'a> {
    ours: &'a Ours,
    agreed: &'a Aligned,
    rows: &'a [Row],
    folders: &'a BTreeMap<FolderKey, FolderInfo>,
}

impl Scene<'_> {
    fn message(&self, row: &Row) -> Option<&Message> {
        self.ours.messages.iter().find(|message| message.id == row.message)
    }

    fn is_own(&self, row: &Row) -> bool {
        self.message(row).is_none_or(|message| message.own)
    }

    /// The rows of the newest received message; of the newest at all where none was received.
    fn newest(&self) -> Vec<usize> {
        let is_of = |row: &Row, message: &Message| row.message == message.id && !row.is_marked();
        let here = |message: &&Message| self.rows.iter().any(|row| is_of(row, message));
        let mut messages = self.ours.messages.iter().rev().filter(here);
        let received = messages.clone().find(|message| !message.own);
        let Some(newest) = received.or_else(|| messages.next()) else { return Vec::new() };
        let of = |(at, row): (usize, &Row)| (row.message == newest.id).then_some(at);
        self.rows.iter().enumerate().filter_map(of).collect()
    }

    fn flags(&self) -> Vec<Ordered> {
        let (wanted, was) = (&self.ours.stand, self.agreed);
        let starred = self.rows.iter().any(Row::is_starred);
        let star = wanted.starred && !was.starred && !starred;
        let unstar = !wanted.starred && was.starred;
        let newest = if star { self.newest() } else { Vec::new() };
        let mut all = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let (mut on, mut off) = (Vec::new(), Vec::new());
            if let Some(message) = self.message(row) {
                if !message.own && message.read != row.base.read {
                    if message.read { &mut on } else { &mut off }.push("\\Seen".to_owned());
                }
                if message.answered && !row.base.answered {
                    on.push("\\Answered".to_owned());
                }
                let keywords = self.folders.get(&row.folder).is_some_and(|of| of.keywords);
                if message.forwarded && !row.base.forwarded && keywords {
                    on.push("$Forwarded".to_owned());
                }
            }
            if newest.contains(&at) {
                on.push("\\Flagged".to_owned());
            }
            if unstar && row.is_starred() {
                off.push("\\Flagged".to_owned());
            }
            if row.is_marked() && self.is_taken_back() {
                off.push("\\Deleted".to_owned());
            }
            self.keyword_changes(row, &mut on, &mut off);
            if !on.is_empty() || !off.is_empty() {
                all.push((at, What::Flags { on, off }));
            }
        }
        all
    }

    /// Labels that have no folder are keywords, where the server has such.
    fn keyword_changes(&self, row: &Row, on: &mut Vec<String>, off: &mut Vec<String>) {
        let (wanted, was) = (&self.ours.stand.labels, &self.agreed.labels);
        let Some(folder) = self.folders.get(&row.folder) else { return };
        for label in was.difference(wanted) {
            off.extend(row.keywords.iter().filter(|held| *held == label).cloned());
        }
        if !folder.keywords || self.is_own(row) || row.labels.is_some() {
            return;
        }
        for label in wanted.difference(was) {
            let has_folder = self.folder_of(label).is_some();
            if !has_folder && is_keyword(label) && !row.keywords.contains(label) {
                on.push(label.clone());
            }
        }
    }

    fn folder_of(&self, label: &str) -> Option<FolderKey> {
        let found = self.folders.iter().find(|(_, folder)| folder.says.labels == [label]);
        found.map(|(key, _)| *key)
    }

    /// Whether the conversation left the trash here.
    fn is_taken_back(&self) -> bool {
        self.agreed.place == Place::Trash && self.ours.stand.place != Place::Trash
    }

    fn moves(&self) -> Vec<Ordered> {
        let (to, from) = (self.ours.stand.place, self.agreed.place);
        if to == from {
            return Vec::new();
        }
        let mut all = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let Some(folder) = self.folders.get(&row.folder) else { continue };
            let home = folder.home();
            if row.is_marked() {
                // It is in the trash; where it comes back is where it is, as far as that fits.
                let fits = home == to || folder.role == Role::Label;
                let goes = self.is_taken_back() && !fits;
                all.extend(goes.then(|| (at, self.home_again(row, to))));
                continue;
            }
            // Out of the trash and out of spam goes what the conversation had there.
            let back = home == from && home.hidden() > 1 && to != from;
            let order = match to {
                Place::Trash => (home != to).then_some(What::Move(Role::Trash)),
                Place::Spam => (home != to && !self.is_own(row)).then_some(What::Move(Role::Spam)),
                _ if back => Some(self.home_again(row, to)),
                Place::Archive if row.labels.is_some() => without_inbox(row),
                Place::Archive => (folder.role == Role::Inbox).then_some(What::Move(Role::Archive)),
                Place::Inbox => None,
            };
            all.extend(order.map(|order| (at, order)));
        }
        if to == Place::Inbox && all.is_empty() {
            all = self.inbox_again();
        }
        all
    }

    /// Where a message goes that leaves the trash or spam: where it was, as far as that fits.
    fn home_again(&self, row: &Row, to: Place) -> What {
        if row.labels.is_some() {
            return What::Move(Role::All); // and the label of the inbox from there
        }
        let before = row.moved_from.filter(|key| {
            self.folders.get(key).is_some_and(|folder| {
                folder.home() == to
                    || (folder.home().hidden() <= 1 && self.is_own(row))
                    || folder.role == Role::Label
            })
        });
        before.map_or(What::Move(Role::of_place(to)), What::MoveTo)
    }

    /// The conversation waits in the inbox again: what we took from there, or its newest message.
    fn inbox_again(&self) -> Vec<Ordered> {
        let role = |key: &FolderKey| self.folders.get(key).map(|folder| folder.role);
        let labelled =
            |row: &Row| row.labels.as_ref().is_some_and(|held| gmail::has(held, gmail::INBOX));
        let waits = |row: &Row| {
            let stands = !row.is_marked() || self.is_taken_back();
            stands && role(&row.folder) == Some(Role::Inbox) || labelled(row)
        };
        if self.rows.iter().any(waits) {
            return Vec::new();
        }
        let newest = self.newest();
        if newest.iter().any(|at| self.rows[*at].labels.is_some()) {
            let on = || What::Labels { on: vec![gmail::INBOX.to_owned()], off: Vec::new() };
            return newest.into_iter().map(|at| (at, on())).collect();
        }
        let ours = |row: &Row| row.moved_from.as_ref().and_then(role) == Some(Role::Inbox);
        let taken: Vec<usize> = (0..self.rows.len()).filter(|at| ours(&self.rows[*at])).collect();
        let stays = |at: usize| {
            let of = role(&self.rows[at].folder);
            matches!(of, Some(Role::Label | Role::Sent | Role::Drafts))
        };
        // Out of the archive rather than a copy of what a label has: it would be in three folders.
        let of = |which: &[usize]| {
            let ids: BTreeSet<&MessageId> =
                which.iter().map(|at| &self.rows[*at].message).collect();
            let best = |id: &MessageId| {
                let rows = (0..self.rows.len()).filter(|at| self.rows[*at].message == *id);
                rows.min_by_key(|at| (stays(*at), *at))
            };
            ids.into_iter().filter_map(best).collect::<Vec<usize>>()
        };
        let which = if taken.is_empty() { of(&newest) } else { of(&taken) };
        let inbox = self.folders.iter().find(|(_, folder)| folder.role == Role::Inbox);
        let Some((inbox, _)) = inbox else { return Vec::new() };
        let order = |at: usize| {
            let what = if stays(at) { What::CopyTo(*inbox) } else { What::MoveTo(*inbox) };
            (at, what)
        };
        which.into_iter().map(order).collect()
    }

    /// Labels that are labels there too.
    fn gmail_labels(&self) -> Vec<Ordered> {
        let (wanted, was) = (&self.ours.stand.labels, &self.agreed.labels);
        let mut all = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let Some(held) = &row.labels else { continue };
            let named = |label: &String| {
                let is = |one: &&String| gmail::shown(one).as_ref() == Some(label);
                held.iter().filter(is).cloned().collect::<Vec<_>>()
            };
            let off: Vec<String> = was.difference(wanted).flat_map(named).collect();
            let mut on = Vec::new();
            if !self.is_own(row) {
                let new = wanted.difference(was).filter(|label| named(label).is_empty());
                on.extend(new.filter_map(|label| gmail::spelled(label)));
            }
            if !on.is_empty() || !off.is_empty() {
                all.push((at, What::Labels { on, off }));
            }
        }
        all
    }

    /// Labels that have a folder: into it, and out of it.
    fn labels(&self, moved: &[Ordered]) -> Vec<Ordered> {
        let (wanted, was) = (&self.ours.stand.labels, &self.agreed.labels);
        let mut all = self.gmail_labels();
        for label in wanted.difference(was) {
            let Some(folder) = self.folder_of(label) else { continue };
            let mut done: BTreeSet<&MessageId> = self
                .rows
                .iter()
                .filter(|row| row.folder == folder)
                .map(|row| &row.message)
                .collect();
            for (at, row) in self.rows.iter().enumerate() {
                if !self.is_own(row) && done.insert(&row.message) {
                    all.push((at, What::CopyTo(folder)));
                }
            }
        }
        for label in was.difference(wanted) {
            let Some(folder) = self.folder_of(label) else { continue };
            for (at, row) in self.rows.iter().enumerate() {
                if row.folder != folder || moved.iter().any(|(moved, _)| *moved == at) {
                    continue;
                }
                let elsewhere = self
                    .rows
                    .iter()
                    .any(|other| other.message == row.message && other.folder != folder);
                let to = Role::of_place(self.ours.stand.place);
                all.push((at, if elsewhere { What::Delete } else { What::Move(to) }));
            }
        }
        // A copy is made before its original goes elsewhere.
        all.sort_by_key(|(at, what)| (!matches!(what, What::CopyTo(_)), *at));
        all
    }
}

/// Out of the inbox, where it is a label.
fn without_inbox(row: &Row) -> Option<What> {
    let held = row.labels.iter().flatten().filter(|label| label.eq_ignore_ascii_case(gmail::INBOX));
    let off: Vec<String> = held.cloned().collect();
    (!off.is_empty()).then(|| What::Labels { on: Vec::new(), off })
}

/// Whether a label's name can be a keyword as it is (RFC 3501, section 9, `atom`).
#[must_use]
pub fn is_keyword(name: &str) -> bool {
    let special = |byte: u8| b"(){%*\"\\] ".contains(&byte) || !(0x21..0x7f).contains(&byte);
    !name.is_empty() && name.len() <= 64 && !name.bytes().any(special)
}

/// Whether a keyword is a label of the user: not what programs tell each other (RFC 5788).
#[must_use]
pub fn is_label(keyword: &str) -> bool {
    let known = ["junk", "nonjunk", "notjunk", "redirected", "forwarded", "mdnsent", "old"];
    !keyword.starts_with(['$', '\\']) && !known.contains(&keyword.to_ascii_lowercase().as_str())
}
