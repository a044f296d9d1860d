//! The backend as the IMAP room sees it: questions to its thread, answers when they are on disk.
//!
//! Invariant: messages are parsed, hashed and compressed here, on the account's own thread; the
//! backend's has only the transaction.

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;

use crate::backend::announce::{News, Teller};
use crate::backend::edge::Fetched;
use crate::backend::host::HostHandle;
use crate::backend::{BackendError, Prepared, prepare};
use crate::bridge::{Incoming, SinkError};
use crate::clock::{Clock as _, SystemClock};
use crate::imap::gmail;
use crate::imap::orders::is_label;
use crate::imap::{
    Arrived, Batch, Conflict, Edge, Filed, FolderState, Found, Letter, Listing, Missing, Order,
    Report, Stand, Took, Wish,
};
use crate::notice::{Explain as _, Notice};

/// A door to a running backend, for one account.
#[derive(Debug, Clone)]
pub struct MailEdge {
    host: HostHandle,
    teller: Option<Teller>,
}

impl MailEdge {
    /// To this backend; news is told to `teller`.
    pub(super) const fn new(host: HostHandle, teller: Option<Teller>) -> Self {
        Self { host, teller }
    }
}

/// Waits for an answer.
fn answer<T>(asked: Result<Receiver<Result<T, Notice>>, BackendError>) -> Result<T, SinkError> {
    let receiver = asked.map_err(|error| SinkError(error.notice()))?;
    let answer = receiver.recv().map_err(|_| SinkError(BackendError::Stopped.notice()))?;
    answer.map_err(SinkError)
}

impl Edge for MailEdge {
    fn folders(&mut self, account: &str, found: Vec<Found>) -> Result<Vec<FolderState>, SinkError> {
        let account = account.to_owned();
        answer(self.host.work(move |backend, now| backend.edge_folders(&account, &found, now)))
    }

    fn unlisted(
        &mut self,
        account: &str,
        listed: Vec<String>,
    ) -> Result<Vec<FolderState>, SinkError> {
        let account = account.to_owned();
        answer(self.host.work(move |backend, _| backend.edge_unlisted(&account, &listed)))
    }

    fn listing(&mut self, listing: Listing) -> Result<Vec<u32>, SinkError> {
        answer(self.host.work(move |backend, now| backend.edge_listing(&listing, now)))
    }

    fn arrived(&mut self, batch: Batch) -> Result<Took, SinkError> {
        let Batch { folder, uidvalidity, says, messages } = batch;
        let now = SystemClock.now();
        let fetched: Vec<Fetched> = messages
            .into_iter()
            .map(|Arrived { known, raw, received, outline }| {
                let bytes = raw.as_ref().map_or(0, |raw| raw.len() as u64);
                let size = outline.as_ref().map_or(bytes, |left| left.size);
                let prepared = raw.map_err(|(_, reason)| reason).map(|raw| {
                    let (mut flags, mut folder) = (known.flags, says.clone());
                    if let Some(held) = &known.labels {
                        folder = gmail::says(&folder, held);
                        flags = gmail::flags(flags, held);
                    } else {
                        let labels = known.keywords.iter().filter(|word| is_label(word));
                        folder.labels.extend(labels.cloned());
                    }
                    let flags = Some(flags);
                    let incoming = Incoming { raw, folder, flags, file_time: received };
                    let prepared = prepare(incoming, now).outline(outline);
                    prepared.in_conversation(known.conversation.clone())
                });
                Fetched { known, prepared, size }
            })
            .collect();
        // Only where somebody is told of it: most mail is old mail that is fetched once.
        let headlines = self.teller.as_ref().map(|_| headlines(&fetched)).unwrap_or_default();
        let job = move |backend: &mut super::Backend, now| {
            backend.edge_arrived(folder, uidvalidity, fetched, now)
        };
        let taken = answer(self.host.work(job))?;
        if let Some(teller) = &self.teller {
            let news = taken.news.into_iter().filter_map(|(uid, thread)| {
                let news = headlines.get(&uid)?.clone();
                Some(News { thread: thread.to_string(), ..news })
            });
            teller.tell(news.collect());
        }
        Ok(Took { new: taken.new, whole: taken.whole })
    }

    fn wanted(&mut self, account: &str) -> Result<Vec<Missing>, SinkError> {
        let account = account.to_owned();
        answer(self.host.work(move |backend, _| backend.edge_wanted(&account)))
    }

    fn completed(&mut self, batch: Batch) -> Result<(), SinkError> {
        let Batch { folder, uidvalidity, says, messages } = batch;
        let now = SystemClock.now();
        let whole: Vec<(u32, Option<Prepared>)> = messages
            .into_iter()
            .map(|Arrived { known, raw, received, .. }| {
                let incoming = raw.ok().map(|raw| {
                    let (folder, flags) = (says.clone(), Some(known.flags));
                    Incoming { raw, folder, flags, file_time: received }
                });
                (known.uid, incoming.map(|incoming| prepare(incoming, now)))
            })
            .collect();
        let job = move |backend: &mut super::Backend, now| {
            backend.edge_completed(folder, uidvalidity, whole, now)
        };
        answer(self.host.work(job))
    }

    fn stand(&mut self, stand: Stand) -> Result<bool, SinkError> {
        answer(self.host.work(move |backend, _| backend.edge_stand(stand)))
    }

    fn away(&mut self, account: &str) -> Result<u64, SinkError> {
        let account = account.to_owned();
        answer(self.host.work(move |backend, _| backend.edge_away(&account)))
    }

    fn passed(&mut self, account: &str) -> Result<(), SinkError> {
        let account = account.to_owned();
        answer(self.host.work(move |backend, now| backend.edge_passed(&account, now)))
    }

    fn orders(&mut self, account: &str, wish: Wish) -> Result<Vec<Order>, SinkError> {
        let account = account.to_owned();
        answer(self.host.work(move |backend, now| backend.edge_orders(&account, &wish, now)))
    }

    fn conflicts(&mut self, account: &str) -> Result<Vec<Conflict>, SinkError> {
        let account = account.to_owned();
        answer(self.host.work(move |backend, _| backend.edge_conflicts(&account)))
    }

    fn letters(&mut self, account: &str, fresh: bool) -> Result<Vec<Letter>, SinkError> {
        let account = account.to_owned();
        answer(self.host.work(move |backend, _| backend.edge_letters(&account, fresh)))
    }

    fn letter(&mut self, name: &str) -> Result<Option<Vec<u8>>, SinkError> {
        let name = name.to_owned();
        answer(self.host.work(move |backend, _| backend.edge_letter(&name)))
    }

    fn filed(&mut self, name: &str, filed: Filed) -> Result<(), SinkError> {
        let name = name.to_owned();
        answer(self.host.work(move |backend, now| backend.edge_filed(&name, &filed, now)))
    }

    fn report(&mut self, account: &str, reports: Vec<Report>) -> Result<(), SinkError> {
        let account = account.to_owned();
        answer(self.host.work(move |backend, now| backend.edge_report(&account, &reports, now)))
    }
}

/// What would be told of messages, by UID.
fn headlines(fetched: &[Fetched]) -> BTreeMap<u32, News> {
    let told = |one: &Fetched| {
        let (from, subject, date) = one.prepared.as_ref().ok()?.headline()?;
        Some((one.known.uid, News::new("", from, subject, date)))
    };
    fetched.iter().filter(|one| !one.known.flags.read).filter_map(told).collect()
}
