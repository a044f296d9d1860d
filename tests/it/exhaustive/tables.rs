//! What the files of a process hold: read once, and not again before they change.
//!
//! Invariant: what is known of files is what reading them now would give. The disk says whether
//! they have changed; it sees every write but those of an open transaction, which no reader sees.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use mailtui::id::{Epoch, EventId, StoreId, ThreadId};
use mailtui::mailbox;
use mailtui::store::{Db, Event, Kind, Log, Own};
use rusqlite::types::ValueRef;

use super::process::{BACKEND, Machine};
use crate::support::house::KEPT;

/// What databases hold.
pub(super) struct Tables {
    /// All rows of all tables.
    pub(super) print: u128,
    /// The conversation's log.
    pub(super) log: Vec<Event>,
    /// All events of all logs.
    pub(super) ids: BTreeSet<(StoreId, EventId)>,
    /// Of a device: its own events, with the epoch of their first offer.
    pub(super) offered: BTreeMap<EventId, Option<Epoch>>,
    pub(super) wrong: Vec<String>,
}

/// What is known of the files of a process.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// Of the backend: what is committed.
    pub(super) tables: Option<Arc<Tables>>,
    /// What a power cut would leave, where that is something else than what is there.
    pub(super) cut: Option<Arc<Tables>>,
}

impl Tables {
    fn of(dbs: &[Db], who: usize, thread: &ThreadId) -> Self {
        let (mut print, mut wrong) = (Fingerprint::default(), Vec::new());
        for db in dbs {
            print.all(db);
        }
        let ids = ids_of(dbs, &mut wrong);
        let (mut log, mut own) = (Vec::new(), BTreeMap::new());
        if who == BACKEND {
            log = Log::all(&dbs[0], &StoreId::thread(thread)).expect("readable");
        } else {
            own = offered(&dbs[0]);
        }
        Self { print: print.end(), log, ids, offered: own, wrong }
    }
}

/// The own events of a device, with the epoch of their first offer.
pub(super) fn offered(db: &Db) -> BTreeMap<EventId, Option<Epoch>> {
    let all = Own::all(db).expect("readable");
    all.into_iter().map(|own| (own.id, own.offered)).collect()
}

impl Machine {
    /// What its files hold, read again where they changed.
    pub(super) fn look(&mut self) -> Known {
        let (written, kept) = self.disk.changes();
        if self.who == BACKEND && self.looked.0 != written {
            self.known.tables = None;
        }
        if self.looked.1 != kept || self.disk.is_synced() {
            self.known.cut = None;
        }
        if self.who == BACKEND && self.known.tables.is_none() {
            let dbs = readers(&self.dir, self.who);
            self.known.tables = Some(Arc::new(Tables::of(&dbs, self.who, self.thread())));
        }
        if self.known.cut.is_none() && !self.disk.is_synced() {
            let dbs = self.cut();
            self.known.cut = Some(Arc::new(Tables::of(&dbs, self.who, self.thread())));
        }
        // To read a log may make its index anew, which is nobody's.
        self.looked = self.disk.changes();
        self.known.clone()
    }

    /// It is in a state of which this is known.
    pub(super) fn recall(&mut self, known: Known) {
        self.known = known;
        self.looked = self.disk.changes();
    }

    /// What a power cut would leave, opened.
    fn cut(&self) -> Vec<Db> {
        let home = crate::support::world::scratch();
        for (name, bytes) in self.synced() {
            std::fs::write(home.path().join(name), bytes).expect("written");
        }
        // They are open: the names may go.
        readers(home.path(), self.who)
    }
}

/// The databases of a process, for reading what is committed.
pub(super) fn readers(dir: &Path, who: usize) -> Vec<Db> {
    let format = if who == BACKEND { mailtui::backend::FORMAT } else { KEPT };
    let threads = ("threads.db", Kind::Threads, format);
    let mailbox = ("mailbox.db", Kind::Mailbox, mailbox::VERSION);
    let all = if who == BACKEND { [threads, mailbox] } else { [mailbox, threads] };
    let open = |(name, kind, version)| Db::read(&dir.join(name), kind, version).expect("opens");
    all.into_iter().filter_map(open).collect()
}

/// All events of all logs; none is there twice.
fn ids_of(dbs: &[Db], wrong: &mut Vec<String>) -> BTreeSet<(StoreId, EventId)> {
    let mut ids = BTreeSet::new();
    for db in dbs {
        for (store, _) in Log::stores(db).expect("readable") {
            for event in Log::all(db, &store).expect("readable") {
                let id = event.event.id;
                if !ids.insert((store.clone(), id.clone())) {
                    wrong.push(format!("{id} is in {store} twice"));
                }
            }
        }
    }
    ids
}

/// A name made of all that something is.
#[derive(Clone, Default)]
pub(super) struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    pub(super) fn of(value: &impl std::fmt::Debug) -> u128 {
        let mut print = Self::default();
        print.add(value);
        print.end()
    }

    pub(super) fn add(&mut self, value: &impl std::fmt::Debug) {
        self.bytes(format!("{value:?}").as_bytes());
    }

    pub(super) fn put(&mut self, number: u128) {
        self.0.update(&number.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.put(bytes.len() as u128);
        self.0.update(bytes);
    }

    /// Every row of every table, without the numbers that only say how many there were before.
    pub(super) fn all(&mut self, db: &Db) {
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
        let mut tables = db.sql().prepare_cached(tables).expect("prepared");
        let tables = tables.query_map([], |row| row.get::<_, String>(0)).expect("readable");
        for table in tables.map(|table| table.expect("a name")) {
            let mut rows = db.sql().prepare_cached(&format!("SELECT * FROM \"{table}\"")).unwrap();
            let number = |name: &str| name == "gseq" || (table == "queue" && name == "id");
            let columns = rows.column_names().enumerate();
            let columns = columns.filter(|(_, name)| !number(name)).map(|(column, _)| column);
            let columns: Vec<usize> = columns.collect();
            let mut lines: Vec<Vec<u8>> = Vec::new();
            let mut rows = rows.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let mut line = Vec::new();
                for at in &columns {
                    value(row.get_ref_unwrap(*at), &mut line);
                }
                lines.push(line);
            }
            if table != "queue" {
                lines.sort_unstable();
            }
            self.bytes(table.as_bytes());
            self.put(lines.len() as u128);
            for line in &lines {
                self.bytes(line);
            }
        }
    }

    pub(super) fn end(&self) -> u128 {
        let bytes = self.0.finalize().as_bytes()[..16].try_into().expect("16 bytes");
        u128::from_le_bytes(bytes)
    }
}

/// A value of a row behind others, so that no two rows read alike.
fn value(value: ValueRef<'_>, to: &mut Vec<u8>) {
    let (kind, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(number) => (1, &number.to_le_bytes()),
        ValueRef::Real(number) => (2, &number.to_le_bytes()),
        ValueRef::Text(bytes) => (3, bytes),
        ValueRef::Blob(bytes) => (4, bytes),
    };
    to.push(kind);
    to.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    to.extend_from_slice(bytes);
}
