//! Blobs of devices: what they send and ask for, and what goes because nothing names it.
//!
//! Invariant: an event that a device offers is taken when the blobs that it names are here and on
//! disk with it, never before. A blob that nothing names goes [`BLOB_KEPT`] after its last
//! reference or upload, by this clock, a few at a time when there is nothing else to do.

use crate::backend::core::Backend;
use crate::backend::storage::references;
use crate::id::{ActionId, BlobHash, StoreId};
use crate::limits::BLOB_KEPT;
use crate::store::{Blobs, Durability, IncomingPart, Log, NewEvent, StoreError, UPLOAD_KEPT};
use crate::sync::{Bytes, Frame};
use crate::thread::named_blobs;

/// Blobs that are collected in one slice.
const COLLECT_BLOBS: usize = 64;
/// How often they are looked for, in seconds.
const COLLECT_EVERY: i64 = 60 * 60;

impl Backend {
    /// A part of a blob.
    ///
    /// # Errors
    /// When a long one of an older form cannot be written in parts.
    pub(super) fn blob(&mut self, hash: &BlobHash, offset: u64) -> Result<Frame, StoreError> {
        if Blobs::is_unsplit(&self.db, hash)? {
            self.begin()?;
            match Blobs::split(&self.db, hash) {
                Ok(_) | Err(StoreError::Row(_)) => {}
                Err(error) => return Err(error),
            }
        }
        // A damaged blob is as good as none to who asks; `doctor` says which it is.
        let part = Blobs::part(&self.db, hash, offset).ok().flatten();
        let (size, data) = part.map_or((None, Vec::new()), |(size, data)| (Some(size), data));
        Ok(Frame::Blob { hash: hash.clone(), offset, size, data: Bytes(data) })
    }

    /// Keeps a part of a blob; the answer leaves with the commit.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(super) fn put_blob(
        &mut self,
        hash: &BlobHash,
        offset: u64,
        size: u64,
        data: &[u8],
    ) -> Result<Frame, StoreError> {
        self.begin()?;
        let part = IncomingPart { hash, offset, size, data, now: self.now };
        let taken = self.uploads.take(&self.db, &part)?;
        if taken.unfit.is_none() && taken.have == size {
            references::arrived(&self.db, hash)?;
        }
        let refused = taken.unfit.map(|unfit| unfit.code().to_owned());
        Ok(Frame::BlobHave { hash: hash.clone(), have: taken.have, refused })
    }

    /// Counts the blobs that new events name. From the first event on that names one which is not
    /// here the events are taken out, and the names of those blobs returned.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(super) fn without_blobs(
        &self,
        store: &StoreId,
        events: &mut Vec<NewEvent>,
    ) -> Result<Vec<BlobHash>, StoreError> {
        for (at, event) in events.iter().enumerate() {
            let named = named_blobs(&event.name, &event.args);
            if named.is_empty() || Log::holds(&self.db, store, &event.id)? {
                continue;
            }
            let mut missing = Vec::new();
            for hash in &named {
                if Blobs::size(&self.db, hash)?.is_none() {
                    missing.push(hash.clone());
                }
            }
            if !missing.is_empty() {
                // What an action does to a store is taken as a whole: a batch that names the action
                // says so.
                let mine =
                    |other: &&NewEvent| id_of(other).is_some() && id_of(other) == id_of(event);
                let before = events[..at].iter().rev().take_while(mine).count();
                events.truncate(at - before);
                return Ok(missing);
            }
            for hash in &named {
                references::refer(&self.db, hash)?;
            }
        }
        Ok(Vec::new())
    }

    /// Takes out a few blobs that nothing has named for long; `false` when there are none, or it
    /// was looked for a moment ago.
    ///
    /// # Errors
    /// When the storage refuses; nothing is then taken out.
    pub fn tidy(&mut self, now: i64) -> Result<bool, StoreError> {
        // A clock that was put back does not stop it.
        if (self.tidied..self.tidied.saturating_add(COLLECT_EVERY)).contains(&now) {
            return Ok(false);
        }
        let kept = i64::try_from(BLOB_KEPT.as_secs()).unwrap_or(i64::MAX);
        self.db.durable(Durability::Normal)?;
        self.db.begin()?;
        let gone = Blobs::collect(&self.db, now.saturating_sub(kept), COLLECT_BLOBS);
        let gone = gone.and_then(|gone| {
            Ok(gone + self.uploads.give_up(&self.db, now.saturating_sub(UPLOAD_KEPT))?)
        });
        match gone.and_then(|gone| self.db.commit().map(|()| gone)) {
            Ok(0) => {
                self.tidied = now;
                Ok(false)
            }
            Ok(_) => Ok(true),
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }
}

/// The action of an event.
fn id_of(event: &NewEvent) -> Option<&ActionId> {
    event.action.as_ref().map(|action| &action.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::tests::{mail, open, push, star, take_in};
    use crate::limits::BLOB_CHUNK_BYTES;
    use crate::store::Args;
    use crate::thread::name;

    /// The answer to a frame, once it is on disk.
    fn ask(backend: &mut Backend, frame: Frame, now: i64) -> Frame {
        backend.connect(1, crate::id::DeviceId::try_from("device").unwrap());
        backend.handle(1, frame, now).unwrap();
        assert!(backend.frames().is_empty(), "nothing is said before it is on disk");
        backend.commit().unwrap();
        backend.pump().unwrap();
        backend.frames().pop().unwrap().1
    }

    fn put(bytes: &[u8], offset: usize) -> Frame {
        let end = bytes.len().min(offset + BLOB_CHUNK_BYTES);
        let data = Bytes(bytes[offset..end].to_vec());
        let (hash, size) = (Blobs::name(bytes), bytes.len() as u64);
        Frame::BlobPut { hash, offset: offset as u64, size, data }
    }

    fn have(bytes: &[u8], have: usize) -> Frame {
        Frame::BlobHave { hash: Blobs::name(bytes), have: have as u64, refused: None }
    }

    #[test]
    fn a_blob_is_sent_over_a_restart_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let bytes = b"0123456789".repeat(BLOB_CHUNK_BYTES / 9);
        let mut backend = open(dir.path());
        assert_eq!(ask(&mut backend, put(&bytes, 0), 5), have(&bytes, BLOB_CHUNK_BYTES));
        drop(backend);
        let mut backend = open(dir.path());
        assert_eq!(ask(&mut backend, put(&bytes, BLOB_CHUNK_BYTES), 5), have(&bytes, bytes.len()));
        let mut here = Vec::new();
        while here.len() < bytes.len() {
            let (hash, offset) = (Blobs::name(&bytes), here.len() as u64);
            match ask(&mut backend, Frame::BlobGet { hash, offset }, 5) {
                Frame::Blob { data, size: Some(_), .. } => here.extend(data.0),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(here, bytes);
        assert_eq!(backend.doctor().unwrap(), Vec::new(), "unnamed, and that is no fault");
        let kept = i64::try_from(BLOB_KEPT.as_secs()).unwrap();
        assert!(!backend.tidy(5 + kept - 1).unwrap());
        assert!(backend.tidy(5 + kept + COLLECT_EVERY).unwrap());
        assert_eq!(Blobs::census(&backend.db).unwrap(), (0, 0));
    }

    #[test]
    fn an_event_is_taken_when_its_blobs_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let mut backend = open(dir.path());
        let threads = take_in(&mut backend, vec![mail("one", &[])]);
        let store = StoreId::thread(&threads[0]);
        let text = b"a long text";
        let args = format!("{{\"raw\":\"{0}\",\"textBlob\":\"{0}\"}}", Blobs::name(text));
        let named = NewEvent {
            name: name::MESSAGE_ADDED.to_owned(),
            args: Args::from_text(args),
            ..star("b", "{}")
        };
        let mut events = vec![star("a", "{}"), named.clone(), star("c", "{}")];
        let missing = backend.without_blobs(&store, &mut events).unwrap();
        assert_eq!(missing, [Blobs::name(text), Blobs::name(text)]);
        assert_eq!(events, [star("a", "{}")], "what comes after it waits with it");
        ask(&mut backend, put(text, 0), 1);
        let mut events = vec![named];
        assert!(backend.without_blobs(&store, &mut events).unwrap().is_empty());
        assert_eq!((Blobs::census(&backend.db).unwrap(), events.len()), ((2, 0), 1));
        let Frame::Ack { stores } = &push(&mut backend, &threads[0], events)[0] else { panic!() };
        assert_eq!(stores[0].refused[0].code, "writer", "whoever has the bytes");
    }

    #[test]
    fn doctor_says_which_blob_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let mut backend = open(dir.path());
        take_in(&mut backend, vec![mail("one", &[])]);
        backend.db.sql().execute("DELETE FROM blobs", []).unwrap();
        let found = backend.doctor().unwrap();
        assert!(found.len() == 1 && found[0].detail.contains("missing"), "{found:?}");
        assert!(!found[0].repaired);
    }
}
