//! A mail server as a few maps, with what dead connections left to be done.
//!
//! Invariant: a UID is given once; a command on a UID that is gone does nothing (RFC 3501, section
//! 6.4.8).

use std::collections::BTreeMap;

use mailtui::imap::client::Listed;
use mailtui::imap::{Found, What, names};
use mailtui::label::Place;
use mailtui::mail::Flags;

use crate::support::record::Random;

/// The folders, in the order in which they are looked at; the last is a label.
pub(super) const FOLDERS: [&str; 3] = ["INBOX", "Archive", "project"];

/// The place that a folder is.
pub(super) fn place_of(folder: usize) -> Place {
    if folder == 0 { Place::Inbox } else { Place::Archive }
}

/// A message in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) n: usize,
    pub(super) seen: bool,
    pub(super) starred: bool,
}

impl Mail {
    pub(super) fn flags(&self) -> Flags {
        Flags { read: self.seen, starred: self.starred, ..Flags::default() }
    }
}

/// A folder.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    pub(super) next: u32,
    pub(super) mails: BTreeMap<u32, Mail>,
}

/// What a connection asks for.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Store { folder: usize, uids: Vec<u32>, flags: Vec<String>, on: bool },
    Copy { folder: usize, uids: Vec<u32>, to: usize },
    Move { folder: usize, uids: Vec<u32>, to: usize },
    Delete { folder: usize, uids: Vec<u32> },
}

impl Command {
    /// The commands by which an order is carried out.
    pub(super) fn of(what: &What, folder: usize, uids: &[u32], to: Option<usize>) -> Vec<Self> {
        let uids = uids.to_vec();
        match (what, to) {
            (What::Flags { on, off }, _) => {
                let store = |flags: &Vec<String>, on| {
                    let (flags, uids) = (flags.clone(), uids.clone());
                    (!flags.is_empty()).then_some(Self::Store { folder, uids, flags, on })
                };
                store(on, true).into_iter().chain(store(off, false)).collect()
            }
            (What::CopyTo(_), Some(to)) => vec![Self::Copy { folder, uids, to }],
            (_, Some(to)) => vec![Self::Move { folder, uids, to }],
            _ => vec![Self::Delete { folder, uids }],
        }
    }
}

pub(super) struct Server {
    pub(super) folders: Vec<Folder>,
    /// What dead connections left, in the order in which they did.
    pub(super) late: Vec<Command>,
    /// Whether it says where messages went (RFC 4315).
    pub(super) tells: bool,
}

impl Server {
    pub(super) fn new(tells: bool) -> Self {
        let folder = Folder { next: 1, mails: BTreeMap::new() };
        Self { folders: vec![folder; FOLDERS.len()], late: Vec::new(), tells }
    }

    pub(super) fn found() -> Vec<Found> {
        let listed = FOLDERS.map(|name| Listed {
            name: name.to_owned(),
            delimiter: Some("/".to_owned()),
            attributes: (name == "Archive").then(|| "archive".to_owned()).into_iter().collect(),
        });
        names::found(&listed, false)
    }

    pub(super) fn append(&mut self, folder: usize, n: usize) {
        self.put(folder, Mail { n, seen: false, starred: false });
    }

    fn put(&mut self, folder: usize, mail: Mail) -> u32 {
        let folder = &mut self.folders[folder];
        let uid = folder.next;
        folder.next += 1;
        folder.mails.insert(uid, mail);
        uid
    }

    /// Where a message is, and how.
    pub(super) fn of(&self, n: usize) -> Vec<(usize, Mail)> {
        let all = self.folders.iter().enumerate();
        let of = |(at, folder): (usize, &Folder)| {
            let mails: Vec<_> = folder.mails.values().filter(|mail| mail.n == n).collect();
            mails.into_iter().map(|mail| (at, *mail)).collect::<Vec<_>>()
        };
        all.flat_map(of).collect()
    }

    /// The other client marks a message.
    pub(super) fn mark(&mut self, n: usize, seen: bool) {
        let mails = self.folders.iter_mut().flat_map(|folder| folder.mails.values_mut());
        mails.filter(|mail| mail.n == n).for_each(|mail| mail.seen = seen);
    }

    /// The other client stars a message, or no more.
    pub(super) fn star(&mut self, n: usize, starred: bool) {
        let mails = self.folders.iter_mut().flat_map(|folder| folder.mails.values_mut());
        mails.filter(|mail| mail.n == n).for_each(|mail| mail.starred = starred);
    }

    /// The other client moves a message.
    pub(super) fn take(&mut self, n: usize, to: usize) {
        let found = self.folders.iter().enumerate().find_map(|(at, folder)| {
            folder.mails.iter().find(|(_, mail)| mail.n == n).map(|(uid, _)| (at, *uid))
        });
        let (folder, uid) = found.expect("it is there");
        self.carry_out(&Command::Move { folder, uids: vec![uid], to });
    }

    /// Those of these UIDs that are there.
    pub(super) fn present(&self, folder: usize, uids: &[u32]) -> Vec<u32> {
        let there = |uid: &&u32| self.folders[folder].mails.contains_key(uid);
        uids.iter().filter(there).copied().collect()
    }

    /// Does what is asked; from UIDs to those that messages have now, where it tells.
    pub(super) fn carry_out(&mut self, command: &Command) -> BTreeMap<u32, u32> {
        let mut places = BTreeMap::new();
        match command {
            Command::Store { folder, uids, flags, on } => {
                for uid in uids {
                    let Some(mail) = self.folders[*folder].mails.get_mut(uid) else { continue };
                    for flag in flags {
                        match flag.as_str() {
                            "\\Seen" => mail.seen = *on,
                            "\\Flagged" => mail.starred = *on,
                            _ => {}
                        }
                    }
                }
            }
            Command::Copy { folder, uids, to } | Command::Move { folder, uids, to } => {
                for uid in uids {
                    let Some(mail) = self.folders[*folder].mails.get(uid).copied() else {
                        continue;
                    };
                    places.insert(*uid, self.put(*to, mail));
                    if matches!(command, Command::Move { .. }) {
                        self.folders[*folder].mails.remove(uid);
                    }
                }
            }
            Command::Delete { folder, uids } => {
                self.folders[*folder].mails.retain(|uid, _| !uids.contains(uid));
            }
        }
        if self.tells { places } else { BTreeMap::new() }
    }

    /// One command of a dead connection is carried out, or was never received; which, and whether
    /// it was.
    pub(super) fn carry_out_one(&mut self, dice: &mut Random) -> Option<(Command, bool)> {
        if self.late.is_empty() {
            return None;
        }
        let which = usize::try_from(dice.below(self.late.len() as u64)).expect("small");
        let command = self.late.remove(which);
        let done = dice.below(4) > 0;
        if done {
            self.carry_out(&command);
        }
        Some((command, done))
    }
}
