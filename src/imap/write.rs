//! Writing what was done here: flags, moves, copies.
//!
//! Invariant: before a message leaves a folder it is looked at once more: the same UID under the
//! same validity, with the same Message-ID and size. Nothing is expunged but by UID, and nothing
//! leaves a folder before it is in another.

use std::collections::BTreeMap;

use crate::crash;
use crate::imap::ImapError;
use crate::imap::client::{Client, End};
use crate::imap::edge::{FolderKey, Order, Outcome, Report, Role, Target, What, Wish};
use crate::imap::plan;
use crate::imap::worker::{Doing, Running};

/// Conversations that are looked at at a time.
const THREADS: usize = 500;
/// Messages in one command at most.
const MESSAGES: usize = 200;
/// Rounds of orders at a time: what a server refuses again and again waits.
const ROUNDS: usize = 50;

impl Running {
    /// Writes everything that is to be written; `early`, before all folders were looked at, only
    /// what does no harm when it was done already.
    pub(super) async fn write(
        &mut self,
        client: &mut Client,
        early: bool,
    ) -> Result<(), ImapError> {
        let copies = !client.can("MOVE");
        for _ in 0..ROUNDS {
            let (connection, looks) = (self.connection, self.looks);
            let wish = Wish { most: THREADS, early, connection, looks };
            let mut orders = self.job.edge.orders(&self.job.account, wish)?;
            orders.retain(|order| !early || !order.what.is_copy(copies));
            if orders.is_empty() {
                return Ok(());
            }
            let count = orders.iter().map(|order| order.targets.len() as u64).sum();
            self.shared.tell(|status| status.doing = Doing::Writing(count));
            let mut selected = None;
            for order in orders {
                for some in order.targets.chunks(MESSAGES) {
                    let order = Order { targets: some.to_vec(), ..order.clone() };
                    self.carry_out(client, order, &mut selected).await?;
                }
            }
        }
        Ok(())
    }

    /// Carries out one order, and reports it.
    async fn carry_out(
        &mut self,
        client: &mut Client,
        order: Order,
        selected: &mut Option<FolderKey>,
    ) -> Result<(), ImapError> {
        let outcomes = match self.enter(client, &order, selected).await {
            Ok(true) => self.perform(client, &order).await,
            Ok(false) => Ok(vec![Outcome::Absent; order.targets.len()]),
            Err(error) => Err(error),
        };
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) if error.ends_connection() => return Err(error),
            Err(error) => {
                *selected = None;
                self.shared.problem(error.to_string());
                vec![Outcome::Refused(error.to_string()); order.targets.len()]
            }
        };
        let done = |outcome: &&Outcome| !matches!(outcome, Outcome::Absent | Outcome::Refused(_));
        let written = outcomes.iter().filter(done).count() as u64;
        self.shared.tell(|status| status.written += written);
        let report = Report { order, outcomes };
        crash::point("written.before-told");
        self.job.edge.report(&self.job.account, vec![report])?;
        crash::point("written.after-told");
        Ok(())
    }

    /// Selects the folder of an order; `false` when its UIDs count no more.
    async fn enter(
        &mut self,
        client: &mut Client,
        order: &Order,
        selected: &mut Option<FolderKey>,
    ) -> Result<bool, ImapError> {
        if *selected == Some(order.folder) {
            return Ok(true);
        }
        let name = self.name(order.folder);
        let Some(name) = name else { return Ok(false) };
        *selected = None;
        let now = client.select(&name, None).await?;
        if now.uidvalidity != order.uidvalidity {
            return Ok(false);
        }
        *selected = Some(order.folder);
        Ok(true)
    }

    fn name(&self, key: FolderKey) -> Option<String> {
        self.folders.iter().find(|folder| folder.key == key).map(|folder| folder.name.clone())
    }

    async fn perform(
        &mut self,
        client: &mut Client,
        order: &Order,
    ) -> Result<Vec<Outcome>, ImapError> {
        match &order.what {
            What::Flags { on, off } => {
                let uids: Vec<u32> = order.targets.iter().map(|target| target.uid).collect();
                for (flags, to) in [(on, true), (off, false)] {
                    if !flags.is_empty() {
                        client.store(&plan::set(&uids), flags, to).await?;
                    }
                }
                // A server says yes to flags of a message that is gone, too.
                let (there, _) = client.listing(&plan::set(&uids), None).await?;
                let is_there = |uid: &u32| there.iter().any(|known| known.uid == *uid);
                let outcome = |uid| if is_there(uid) { Outcome::Done } else { Outcome::Absent };
                Ok(uids.iter().map(outcome).collect())
            }
            What::Labels { on, off } => {
                let uids: Vec<u32> = order.targets.iter().map(|target| target.uid).collect();
                for (labels, to) in [(on, true), (off, false)] {
                    if !labels.is_empty() {
                        client.store_labels(&plan::set(&uids), labels, to).await?;
                    }
                }
                Ok(vec![Outcome::Done; order.targets.len()])
            }
            What::Move(role) => {
                let to = self.of_role(client, *role, order.folder).await?;
                self.transfer(client, order, to, true).await
            }
            What::MoveTo(to) => self.transfer(client, order, *to, true).await,
            What::CopyTo(to) => self.transfer(client, order, *to, false).await,
            What::Delete => {
                let here = same(client, &order.targets).await?;
                let uids: Vec<u32> = here.values().copied().collect();
                let gone = delete(client, &uids).await?;
                let outcome = if gone { Outcome::Done } else { Outcome::Marked };
                Ok(outcomes(&order.targets, &here, &mut |_| outcome.clone()))
            }
        }
    }

    /// The folder of a role, made where there is none. Making it leaves none selected but ours.
    async fn of_role(
        &mut self,
        client: &mut Client,
        role: Role,
        back: FolderKey,
    ) -> Result<FolderKey, ImapError> {
        let find = |folders: &[crate::imap::FolderState]| {
            let of = |wanted| folders.iter().find(|f| f.role == wanted).map(|f| f.key);
            of(role).or_else(|| (role == Role::Archive).then(|| of(Role::All)).flatten())
        };
        if let Some(key) = find(&self.folders) {
            return Ok(key);
        }
        client.create(role.default_name()).await?;
        self.list(client).await?;
        let held = self.folders.iter().find(|folder| folder.key == back).cloned();
        if let Some(held) = held {
            let now = client.select(&held.name, None).await?;
            if now.uidvalidity != held.uidvalidity {
                return Err(ImapError::Contradiction("its messages count anew meanwhile"));
            }
        }
        find(&self.folders).ok_or_else(|| ImapError::No {
            command: "CREATE",
            words: format!("there is no folder {}", role.default_name()),
        })
    }

    async fn transfer(
        &mut self,
        client: &mut Client,
        order: &Order,
        to: FolderKey,
        moves: bool,
    ) -> Result<Vec<Outcome>, ImapError> {
        let Some(name) = self.name(to) else {
            return Ok(vec![Outcome::Absent; order.targets.len()]);
        };
        let here = same(client, &order.targets).await?;
        let uids: Vec<u32> = here.values().copied().collect();
        if uids.is_empty() {
            return Ok(vec![Outcome::Absent; order.targets.len()]);
        }
        let set = plan::set(&uids);
        let mut left = true;
        let end = if !moves {
            client.uid_copy(&set, &name).await?
        } else if client.can("MOVE") {
            client.uid_move(&set, &name).await?
        } else {
            let end = client.uid_copy(&set, &name).await?;
            left = delete(client, &uids).await?;
            end
        };
        let places = places(&end);
        // What it tells of some and not of others has not happened to those.
        let tells = !places.is_empty() || (client.can("UIDPLUS") && self.tells_places);
        self.tells_places |= !places.is_empty();
        let mut moved = |uid| match places.get(&uid) {
            None if tells => Outcome::Absent,
            place if left => Outcome::Moved(to, place.copied()),
            place => Outcome::Copied(to, place.copied()),
        };
        Ok(outcomes(&order.targets, &here, &mut moved))
    }
}

/// From UIDs of the source to validity and UID of the destination.
fn places(end: &End) -> BTreeMap<u32, (u32, u32)> {
    let Some((validity, pairs)) = &end.copied else { return BTreeMap::new() };
    pairs.iter().map(|(from, to)| (*from, (*validity, *to))).collect()
}

fn outcomes(
    targets: &[Target],
    here: &BTreeMap<usize, u32>,
    done: &mut dyn FnMut(u32) -> Outcome,
) -> Vec<Outcome> {
    let outcome = |(at, _): (usize, &Target)| match here.get(&at) {
        Some(uid) => done(*uid),
        None => Outcome::Absent,
    };
    targets.iter().enumerate().map(outcome).collect()
}

/// The targets that are what they were: by place in the list, their UIDs.
async fn same(client: &mut Client, targets: &[Target]) -> Result<BTreeMap<usize, u32>, ImapError> {
    let uids: Vec<u32> = targets.iter().map(|target| target.uid).collect();
    let found = client.identities(&plan::set(&uids)).await?;
    let mut here = BTreeMap::new();
    for (at, target) in targets.iter().enumerate() {
        // Some servers only guess sizes: they count where there is no Message-ID.
        let is = |(uid, id, size): &&(u32, Option<String>, u64)| {
            *uid == target.uid && *id == target.message_id && (id.is_some() || *size == target.size)
        };
        if found.iter().any(|one| is(&one)) {
            here.insert(at, target.uid);
        }
    }
    Ok(here)
}

/// Takes messages out of the selected folder: of these UIDs alone. A server that cannot do that
/// (RFC 4315) keeps them marked as deleted: its EXPUNGE would take what others have marked and may
/// take back. Whether they are out.
async fn delete(client: &mut Client, uids: &[u32]) -> Result<bool, ImapError> {
    if uids.is_empty() {
        return Ok(true);
    }
    let set = plan::set(uids);
    client.store(&set, &["\\Deleted".to_owned()], true).await?;
    let can = client.can("UIDPLUS");
    if can {
        client.expunge(&set).await?;
    }
    Ok(can)
}
