//! Blobs on a device: long texts of loaded threads in memory, and on disk beside the kept logs that
//! name them; fetched part by part, and sent to a backend that has lost them.
//!
//! Invariant: bytes that do not have the blob's name are shown to nobody: they are fetched again. A
//! device beside its backend writes no blob; the backend's are the record.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use crate::engine::kept::Kept;
use crate::engine::threads::OpenThread;
use crate::engine::{Device, EngineError};
use crate::id::{BlobHash, StoreId, ThreadId};
use crate::store::{Blobs, Durability, IncomingPart, Own, OwnEvent, StoreError, Unfit, Uploads};
use crate::sync::{Bytes, Frame};
use crate::thread::named_blobs;

/// Long texts kept in memory, beside those of loaded threads.
pub(super) const BLOBS_KEPT: usize = 8;
/// How often the same blob may come with a wrong hash before it is taken for lost.
const TRIES: u32 = 3;

/// A blob in memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    /// Its bytes, from the beginning.
    pub(super) bytes: Vec<u8>,
    /// Whether all are here and have its name.
    whole: bool,
}

impl Held {
    /// A blob that is here as a whole.
    pub(super) const fn whole(bytes: Vec<u8>) -> Self {
        Self { bytes, whole: true }
    }
}

/// Blobs that are sent, and what is known of the others in this connection.
#[derive(Debug, Default)]
pub(super) struct Sending {
    under_way: BTreeSet<BlobHash>,
    /// Those that the backend has, and those that it cannot get from here.
    settled: BTreeSet<BlobHash>,
    /// How often a blob came wrong.
    wrong: BTreeMap<BlobHash, u32>,
    /// What was asked for last and the backend does not have.
    nowhere: BTreeSet<BlobHash>,
}

impl Device {
    pub(super) fn missing_blobs(&self, thread: &ThreadId) -> Vec<BlobHash> {
        let blobs = self.open.peek(thread).map(OpenThread::text_blobs).unwrap_or_default();
        blobs.into_iter().filter(|hash| !self.is_in_memory(hash)).collect()
    }

    fn is_in_memory(&self, hash: &BlobHash) -> bool {
        self.blobs.peek(hash).is_some_and(|held| held.whole)
    }

    /// Takes the long texts of a loaded thread from disk, and asks for those that are not here.
    pub(super) fn fetch_blobs(&mut self, thread: &ThreadId) -> Result<(), EngineError> {
        let texts = |device: &Self, thread: &ThreadId| {
            device.open.peek(thread).map(OpenThread::text_blobs).unwrap_or_default()
        };
        let shown: BTreeSet<BlobHash> =
            self.pinned.iter().flat_map(|pinned| texts(self, pinned)).collect();
        // What is shown and what is asked for must have room at the same time; and what is shown
        // is not what goes first.
        let room = shown.len() + texts(self, thread).len() + BLOBS_KEPT;
        self.blobs.resize(NonZeroUsize::new(room).unwrap_or(NonZeroUsize::MIN));
        for hash in &shown {
            self.blobs.promote(hash);
        }
        for hash in self.missing_blobs(thread) {
            match self.take_from_disk(&hash)? {
                Some(bytes) => drop(self.blobs.push(hash, Held::whole(bytes))),
                None => self.fetch_blob(&hash)?,
            }
        }
        Ok(())
    }

    /// A blob from disk. One that is damaged goes, and is fetched again.
    fn take_from_disk(&mut self, hash: &BlobHash) -> Result<Option<Vec<u8>>, EngineError> {
        let Some(kept) = &mut self.kept else { return Ok(None) };
        match Blobs::get(kept, hash) {
            Err(StoreError::Row(_)) => {
                kept.begin()?;
                Blobs::remove(kept, hash)?;
                kept.commit()?;
                Ok(None)
            }
            other => Ok(other?),
        }
    }

    /// Asks for a blob from where it ends here.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn fetch_blob(&mut self, hash: &BlobHash) -> Result<(), EngineError> {
        let on_disk = self.kept.as_ref().map_or(Ok(0), |kept| Uploads::have(kept, hash))?;
        let in_memory = self.blobs.peek(hash).map_or(0, |held| held.bytes.len() as u64);
        let offset = if on_disk > 0 { on_disk } else { in_memory };
        self.sending.nowhere.remove(hash);
        self.wanted.push(Frame::BlobGet { hash: hash.clone(), offset });
        Ok(())
    }

    /// Whether the backend said that it does not have a blob, since that was asked for.
    pub(super) fn is_blob_nowhere(&self, hash: &BlobHash) -> bool {
        self.sending.nowhere.contains(hash)
    }

    /// How many bytes of a blob are here.
    #[must_use]
    pub fn blob_fetched(&self, hash: &BlobHash) -> u64 {
        let on_disk = self.kept.as_ref().map_or(0, |kept| Uploads::have(kept, hash).unwrap_or(0));
        on_disk.max(self.blobs.peek(hash).map_or(0, |held| held.bytes.len() as u64))
    }

    /// Whether a blob is here as a whole.
    #[must_use]
    pub fn has_blob(&self, hash: &BlobHash) -> bool {
        let on_disk = |kept| matches!(Blobs::size(kept, hash), Ok(Some(_)));
        self.is_in_memory(hash) || self.kept.as_ref().is_some_and(on_disk)
    }

    /// A blob that is here as a whole, and has its name.
    #[must_use]
    pub fn blob(&self, hash: &BlobHash) -> Option<Vec<u8>> {
        let held = self.blobs.peek(hash).filter(|held| held.whole);
        let on_disk = || self.kept.as_ref().and_then(|kept| Blobs::get(kept, hash).ok().flatten());
        held.map(|held| held.bytes.clone()).or_else(on_disk)
    }

    /// Puts a blob in, for commands that read files.
    pub fn put_blob(&mut self, hash: &BlobHash, bytes: Vec<u8>) {
        if self.blobs.len() == self.blobs.cap().get() {
            self.blobs.resize(self.blobs.cap().saturating_add(1));
        }
        self.blobs.push(hash.clone(), Held::whole(bytes));
    }

    /// Lets go of a blob in memory that no loaded thread shows.
    pub(super) fn let_go_of_blob(&mut self, hash: &BlobHash) {
        if !self.open.iter().any(|(_, open)| open.text_blobs().contains(hash)) {
            self.blobs.pop(hash);
        }
    }

    pub(super) fn blob_part(
        &mut self,
        hash: &BlobHash,
        offset: u64,
        size: Option<u64>,
        data: Vec<u8>,
    ) -> Result<(), EngineError> {
        let Some(size) = size else { return self.is_nowhere(hash) };
        let named = match &self.kept {
            Some(kept) => !Kept::naming(kept, hash)?.is_empty(),
            None => false,
        };
        let more = if named && !self.is_half_in_memory(hash) {
            self.part_to_disk(hash, offset, size, &data)?
        } else {
            self.part_to_memory(hash, offset, size, data)
        };
        match more {
            Some(offset) if offset == 0 && self.is_lost(hash) => return self.is_nowhere(hash),
            Some(offset) => self.wanted.push(Frame::BlobGet { hash: hash.clone(), offset }),
            None => self.text_came(hash)?,
        }
        let shows = |open: &OpenThread| open.text_blobs().contains(hash);
        let threads = self.open.iter().filter(|(_, open)| shows(open));
        let threads: Vec<_> = threads.map(|(thread, _)| thread.clone()).collect();
        self.news.threads.extend(threads);
        Ok(())
    }

    fn is_half_in_memory(&self, hash: &BlobHash) -> bool {
        self.blobs.peek(hash).is_some_and(|held| !held.whole && !held.bytes.is_empty())
    }

    /// It came wrong, or it begins anew, once more.
    fn is_lost(&mut self, hash: &BlobHash) -> bool {
        let wrong = self.sending.wrong.entry(hash.clone()).or_default();
        *wrong += 1;
        *wrong >= TRIES
    }

    /// The backend has no such blob.
    fn is_nowhere(&mut self, hash: &BlobHash) -> Result<(), EngineError> {
        self.blobs.pop(hash);
        self.sending.nowhere.insert(hash.clone());
        let wanted = self.open.iter().any(|(_, open)| open.text_blobs().contains(hash));
        let mut named = false;
        if let Some(kept) = &mut self.kept {
            named = !Kept::naming(kept, hash)?.is_empty();
            kept.begin()?;
            self.keeper.uploads.forget(kept, hash)?;
            Kept::is_nowhere(kept, hash)?;
            kept.commit()?;
        }
        self.text_came(hash)?;
        // Of what nobody waits for but the disk, nobody need hear.
        if wanted || !named { Err(EngineError::NoBlob(hash.to_string())) } else { Ok(()) }
    }

    /// Keeps a part on disk; from where to go on, if there is more.
    fn part_to_disk(
        &mut self,
        hash: &BlobHash,
        offset: u64,
        size: u64,
        data: &[u8],
    ) -> Result<Option<u64>, EngineError> {
        let now = self.clock.now();
        let Some(kept) = &mut self.kept else { return Ok(None) };
        let known = Blobs::size(kept, hash)?.is_some();
        kept.durable(Durability::Normal)?;
        kept.begin()?;
        let part = IncomingPart { hash, offset, size, data, now };
        let mut taken = self.keeper.uploads.take(kept, &part)?;
        if matches!(taken.unfit, Some(Unfit::Busy | Unfit::Size)) && offset == 0 {
            // What was left half here makes room.
            self.keeper.uploads.give_up(kept, i64::MAX)?;
            taken = self.keeper.uploads.take(kept, &part)?;
        }
        let whole = taken.have == size && Blobs::size(kept, hash)? == Some(size);
        if whole && !known {
            Kept::has_come(kept, hash)?;
            self.keeper.grew(size);
        }
        kept.commit()?;
        if !whole {
            let again = matches!(taken.unfit, None | Some(Unfit::Offset | Unfit::Part));
            return Ok(Some(if again { taken.have } else { 0 }));
        }
        let shown = self.open.iter().any(|(_, open)| open.text_blobs().contains(hash));
        if shown && let Some(bytes) = self.take_from_disk(hash)? {
            self.blobs.push(hash.clone(), Held::whole(bytes));
        }
        Ok(None)
    }

    /// Keeps a part in memory; from where to go on, if there is more.
    fn part_to_memory(
        &mut self,
        hash: &BlobHash,
        offset: u64,
        size: u64,
        data: Vec<u8>,
    ) -> Option<u64> {
        let held = self.blobs.get_or_insert_mut(hash.clone(), Held::default);
        let here = held.bytes.len() as u64;
        if here != offset || held.whole {
            return None; // a part that was asked for twice
        }
        let comes = data.len() as u64;
        held.bytes.extend(data);
        if comes > 0 && here + comes < size {
            return Some(here + comes);
        }
        held.whole = here + comes == size && Blobs::name(&held.bytes) == *hash;
        if held.whole {
            return None;
        }
        held.bytes.clear();
        Some(0)
    }

    /// Sends a blob that is here to the backend, unless it is known to have it; whether it is on
    /// its way. Events that name it wait for it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn send_blob(&mut self, hash: &BlobHash) -> Result<bool, EngineError> {
        if self.sending.settled.contains(hash) || self.sending.under_way.contains(hash) {
            return Ok(self.sending.under_way.contains(hash));
        }
        let Some(size) = self.sendable(hash)? else { return Ok(false) };
        self.sending.under_way.insert(hash.clone());
        // Without data: how much of it is there?
        let (hash, data) = (hash.clone(), Bytes(Vec::new()));
        self.wanted.push(Frame::BlobPut { hash, offset: 0, size, data });
        Ok(true)
    }

    /// How much of a blob the backend has: the next part goes, or what waited for it may.
    pub(super) fn blob_have(&mut self, hash: &BlobHash, have: u64, refused: Option<&str>) {
        if !self.sending.under_way.contains(hash) {
            return;
        }
        match self.part_to_send(hash, have) {
            Some((size, data)) if refused.is_none() && have < size => {
                let (hash, data) = (hash.clone(), Bytes(data));
                self.wanted.push(Frame::BlobPut { hash, offset: have, size, data });
            }
            _ => {
                self.sending.under_way.remove(hash);
                self.sending.settled.insert(hash.clone());
                self.unsent = true;
            }
        }
    }

    /// Events of a store were not taken, for the backend lacks these blobs: they are sent, and the
    /// events offered again. What cannot be sent leaves the queue, and is listed.
    pub(super) fn lacks_blobs(
        &mut self,
        store: &StoreId,
        missing: &[BlobHash],
    ) -> Result<(), StoreError> {
        for hash in missing {
            let here = self.sendable(hash)?.is_some();
            if here && !self.is_lost(hash) {
                self.sending.settled.remove(hash);
                continue;
            }
            let names = |own: &OwnEvent| named_blobs(&own.name, &own.args).contains(hash);
            for own in Own::of(&self.db, store)?.iter().filter(|own| own.position.is_none()) {
                if names(own) {
                    let reason = "the bytes that it names are neither here nor on the backend";
                    Own::refuse(&self.db, &own.id, reason)?;
                    self.news.refused.push(reason.to_owned());
                }
            }
        }
        self.unsent |= !missing.is_empty();
        Ok(())
    }

    /// The connection is gone: what was under way is asked about again.
    pub(super) fn forget_sending(&mut self) {
        self.sending = Sending::default();
    }

    /// Whether an own event must wait for blobs that it names and that are here: they are sent
    /// first.
    pub(super) fn waits_for_blobs(&mut self, own: &OwnEvent) -> Result<bool, EngineError> {
        let mut waits = false;
        for hash in named_blobs(&own.name, &own.args) {
            waits |= self.send_blob(&hash)?;
        }
        Ok(waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::id::{Epoch, EventId};
    use crate::store::{Action, Args, Chain};
    use crate::sync::StoreAck;

    const LONG: usize = crate::limits::BLOB_CHUNK_BYTES + 7;

    /// A device of a remote backend with a pending event that names a blob.
    fn device(dir: &std::path::Path, hash: &BlobHash) -> Device {
        let device = Device::open(dir, true, Box::new(SystemClock)).unwrap();
        let action =
            Action { id: "a".try_into().unwrap(), name: String::new(), at: 1, redoes: None };
        let args = Args::from_text(format!("{{\"raw\":\"{hash}\"}}"));
        let (id, name) = (EventId::try_from("e1").unwrap(), crate::thread::name::MESSAGE_ADDED);
        Own::add(&device.db, &store(), &id, name, &args, Some(&action)).unwrap();
        device
    }

    fn store() -> StoreId {
        StoreId::try_from("thread-aaaaaaaa").unwrap()
    }

    fn welcome(device: &mut Device) {
        let (backend, epoch) = ("b".to_owned(), Epoch::try_from("1.a").unwrap());
        let protocol = crate::sync::PROTOCOL;
        device.receive(Frame::Welcome { protocol, backend, epoch }).unwrap();
    }

    /// What is sent that is a push or a part of a blob: the events, or offset and bytes.
    fn sent(device: &mut Device) -> Vec<(u64, usize)> {
        let frames = device.outgoing().unwrap();
        let told = |frame: &Frame| match frame {
            Frame::Push { stores } => Some((u64::MAX, stores[0].events.len())),
            Frame::BlobPut { offset, data, .. } => Some((*offset, data.0.len())),
            _ => None,
        };
        frames.iter().filter_map(told).collect()
    }

    #[test]
    fn an_event_follows_its_blob_and_a_cut_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = vec![7; LONG];
        let packed = Blobs::pack(&bytes);
        let hash = packed.hash().clone();
        let mut device = device(dir.path(), &hash);
        Blobs::keep(device.kept.as_ref().unwrap(), &packed, 1).unwrap();
        let have = |device: &mut Device, have: u64| {
            let hash = hash.clone();
            device.receive(Frame::BlobHave { hash, have, refused: None }).unwrap();
            sent(device)
        };
        let part = crate::limits::BLOB_CHUNK_BYTES;
        welcome(&mut device);
        assert_eq!(sent(&mut device), [(0, 0)], "first how much of it is there");
        assert_eq!(have(&mut device, 0), [(0, part)]);
        device.disconnected();
        welcome(&mut device);
        assert_eq!(sent(&mut device), [(0, 0)]);
        assert_eq!(have(&mut device, part as u64), [(part as u64, 7)], "it goes on");
        assert_eq!(have(&mut device, LONG as u64), [(u64::MAX, 1)], "and then what names it");
        let lost = |missing| StoreAck {
            store: store(),
            positions: Vec::new(),
            refused: Vec::new(),
            missing,
            head: 0,
            chain: Chain::default(),
        };
        device.receive(Frame::Ack { stores: vec![lost(vec![hash.clone()])] }).unwrap();
        assert_eq!(sent(&mut device), [(0, 0)], "the backend has lost it: again");
    }

    #[test]
    fn what_names_bytes_that_nobody_has_is_listed_and_the_rest_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let hash = Blobs::name(b"nobody has this");
        let mut device = device(dir.path(), &hash);
        welcome(&mut device);
        assert_eq!(sent(&mut device), [(u64::MAX, 1)], "the backend may have it");
        let ack = StoreAck {
            store: store(),
            positions: Vec::new(),
            refused: Vec::new(),
            missing: vec![hash],
            head: 0,
            chain: Chain::default(),
        };
        device.receive(Frame::Ack { stores: vec![ack] }).unwrap();
        assert_eq!((device.pending().unwrap().0, device.news().refused.len()), (0, 1));
    }

    #[test]
    fn a_blob_with_a_wrong_name_is_fetched_again_and_not_for_ever() {
        for remote in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let mut device = Device::open(dir.path(), remote, Box::new(SystemClock)).unwrap();
            let hash = Blobs::name(b"right");
            let mut came = |data: &[u8]| {
                let (hash, size, data) = (hash.clone(), Some(5), Bytes(data.to_vec()));
                device.receive(Frame::Blob { hash, offset: 0, size, data })
            };
            assert!(came(b"wrong").is_ok() && came(b"wrong").is_ok());
            assert!(matches!(came(b"wrong"), Err(EngineError::NoBlob(_))));
            assert!(came(b"right").is_ok());
            assert_eq!(device.blob(&hash).as_deref(), Some(&b"right"[..]));
            let asked = device.wanted.iter();
            let asked = asked.filter(|frame| matches!(frame, Frame::BlobGet { offset: 0, .. }));
            assert_eq!(asked.count(), 2, "after each that was wrong");
        }
    }
}
