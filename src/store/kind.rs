//! What the files of a data directory are, and what of SQLite follows from that.
//!
//! Invariant: a kind keeps its number for ever: by it a file is known.

/// Page cache of a connection that reads a file once, in pages of 4 KiB; and of an index of words.
const QUIET_CACHE_PAGES: i32 = 48;
const QUIET_INDEX_CACHE_PAGES: i32 = 20;

/// What a file is, so that one is never opened as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Mailbox store, with the device's own events beside it.
    Mailbox,
    /// Thread logs, the queue, the message index and blobs.
    Threads,
    /// Which files were imported from where.
    Sources,
    /// Snapshots of a Mailbox store.
    Snapshots,
    /// What is being written on a device.
    Writing,
    /// The words of messages.
    Search,
}

impl Kind {
    /// SQLite's `auto_vacuum`, which only a new file takes: whether pages can be given back.
    pub(super) const fn gives_back(self) -> &'static str {
        if matches!(self, Self::Search) { "incremental" } else { "none" }
    }

    /// Page cache of a connection that reads such a file once, in pages of 4 KiB.
    pub(super) const fn quiet_pages(self) -> i32 {
        if matches!(self, Self::Search) { QUIET_INDEX_CACHE_PAGES } else { QUIET_CACHE_PAGES }
    }

    /// SQLite's `application_id`: "mtu" and a letter.
    pub(super) const fn application(self) -> i32 {
        match self {
            Self::Mailbox => 0x6d74_754d,
            Self::Threads => 0x6d74_7554,
            Self::Sources => 0x6d74_7553,
            Self::Snapshots => 0x6d74_754e,
            Self::Writing => 0x6d74_7557,
            Self::Search => 0x6d74_7549,
        }
    }
}
