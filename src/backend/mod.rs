//! The sync backend: it orders every event, keeps the logs, projects threads into the Mailbox
//! store, and takes mail in. It runs inside `mailtui`, or on a server with `serve`.
//!
//! Invariant: acknowledged means on disk, and no event leaves in any frame before it is. All state
//! is owned by [`Backend`], which is synchronous and takes time as an argument; [`host`] gives it a
//! thread, [`listener`] gives it sockets.

mod announce;
mod auth;
pub mod backup;
mod blobs;
mod bootstrap;
mod core;
mod cut;
mod doctor;
mod echo;
pub mod edge;
mod edge_host;
mod edge_out;
mod edge_rest;
mod edge_stars;
mod error;
mod fetcher;
mod finder;
mod follow;
mod heal;
pub mod host;
#[cfg(test)]
mod hostile_tests;
mod indexer;
mod ingest;
pub mod listener;
mod mailbox_client;
mod maker;
mod mend;
mod outbox;
pub mod place;
mod pump;
mod purge;
#[cfg(debug_assertions)]
mod remembered;
mod removed;
mod reproject;
mod returns;
mod rights;
mod session;
mod showing;
mod storage;
#[cfg(test)]
mod tests;
mod thread_client;
mod wake;
mod worker;

pub use announce::{Announcement, News, Taken};
pub use auth::token;
pub use core::{Backend, Options};
pub use cut::{Cut, FILES, SNAPSHOTS, begin_again};
pub use doctor::{Finding, Holds, conflicts, holds, inspect, projecting};
pub use edge::Fetched;
pub use edge_host::MailEdge;
pub use error::BackendError;
pub use fetcher::{AccountStatus, Fetcher, FetcherHandle};
pub use host::{Host, HostHandle};
pub use indexer::{
    IndexHandle, check_index, drop_spoilt_index, index_now, index_until, look_at_index,
};
pub use ingest::{Packer, Prepared, Whole, prepare, prepare_with_words};
pub use mend::mend;
pub use outbox::{
    Claim, Due, Gave, Given, Look, NotTaken, Parcel, Post, Said, Sending, SendingHandle, SmtpPost,
    Told, Why,
};
pub use storage::{Logs, Looked, Texts, VERSION as FORMAT};

use std::path::Path;

use crate::id::{BlobHash, StoreId, ThreadId};
use crate::store::{Blobs, Db, Event, Log, StoreError};

/// Which backend lies in a directory, and the epoch of its logs; `None` when there is none.
///
/// # Errors
/// When the file is damaged or newer.
pub fn identity(dir: &Path) -> Result<Option<(String, String)>, StoreError> {
    let Some(db) = storage::read(dir)? else { return Ok(None) };
    let setting = |name| storage::Snapshots::setting(&db, name);
    Ok(setting("backend")?.zip(setting("epoch")?))
}

/// The last position of the Mailbox log in a backend's directory; `None` when there is none.
///
/// # Errors
/// When the file is damaged or newer.
pub fn mailbox_head(dir: &Path) -> Result<Option<u64>, StoreError> {
    let path = dir.join("mailbox.db");
    let db = Db::read(&path, crate::store::Kind::Mailbox, crate::mailbox::VERSION)?;
    db.map(|db| Ok(Log::head(&db, &StoreId::mailbox())?.position)).transpose()
}

/// The logs of a backend's directory, for commands that only read.
#[derive(Debug)]
pub struct Reader(Db);

impl Reader {
    /// Opens the logs in `dir` for reading; `None` when there are none.
    ///
    /// # Errors
    /// When the file is damaged or newer.
    pub fn open(dir: &Path) -> Result<Option<Self>, StoreError> {
        Ok(storage::read(dir)?.map(Self))
    }

    /// A store's log, when it is what was written to it.
    ///
    /// # Errors
    /// When the database refuses, or the log is damaged.
    pub fn log(&self, store: &StoreId) -> Result<Vec<Event>, StoreError> {
        Ok(Log::checked(&self.0, store, 0, usize::MAX, usize::MAX)?.0)
    }

    /// The thread that the message with this Message-ID is in, or belongs into.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn thread_of(&self, message_id: &str) -> Result<Option<ThreadId>, StoreError> {
        storage::Index::thread(&self.0, message_id)
    }

    /// A blob's bytes.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn blob(&self, hash: &BlobHash) -> Result<Option<Vec<u8>>, StoreError> {
        Blobs::get(&self.0, hash)
    }
}
