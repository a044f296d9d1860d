//! Reading folders: what changed, and messages that are not here yet, the newest first.
//!
//! Invariant: a folder counts as taken in only after all of it was; what is broken off is gone on
//! with, and nothing is fetched twice. A folder that the server does not let us read holds up no
//! other.

use std::time::{Duration, Instant};

use crate::bridge::SinkError;
use crate::imap::client::{Client, FolderStatus, PART_BYTES, Selected, Since};
use crate::imap::edge::{Arrived, Batch, FolderState, Known, Listing, Stand};
use crate::imap::plan::{self, Ask, Fetch, Windows};
use crate::imap::worker::{Doing, FolderLine, Running};
use crate::imap::{FolderKey, ImapError, Role, names};
use crate::limits::MAX_MESSAGE_BYTES;

/// Messages whose sizes are asked at a time.
const SIZES: usize = 200;
/// How often the inbox is looked at while another folder is read.
const INBOX_EVERY: Duration = Duration::from_secs(15);

impl From<SinkError> for ImapError {
    fn from(error: SinkError) -> Self {
        Self::Backend(error.0)
    }
}

impl Running {
    /// Looks at all folders.
    pub(super) async fn pass(&mut self, client: &mut Client) -> Result<(), ImapError> {
        self.shared.tell(|status| status.doing = Doing::Listing);
        self.list(client).await?;
        let mut whole = true;
        for folder in self.folders.clone() {
            match self.look(client, &folder).await {
                Ok(()) => self.line(folder.key, |line| line.problem = None),
                Err(error @ ImapError::No { .. }) => {
                    whole = false;
                    let line = format!("{}: {error}", folder.shown);
                    self.line(folder.key, |line| line.problem = Some(error.to_string()));
                    self.shared.problem(line);
                }
                Err(error) => return Err(error),
            }
        }
        if whole {
            self.job.edge.passed(&self.job.account)?;
            self.shared.tell(|status| status.whole = true);
        }
        Ok(())
    }

    /// Asks for the folders.
    pub(super) async fn list(&mut self, client: &mut Client) -> Result<(), ImapError> {
        let mut found = names::found(&client.list().await?);
        let settings = &self.job.settings;
        let named = |list: &[String], shown: &str| list.iter().any(|name| name == shown);
        found.retain(|found| {
            let wanted = settings.folders.is_empty() || named(&settings.folders, &found.shown);
            found.role == Role::Inbox || (wanted && !named(&settings.ignore, &found.shown))
        });
        self.folders = self.job.edge.folders(&self.job.account, found)?;
        self.folders.sort_by_key(|folder| (rank(folder.role), folder.key));
        let lines = self.folders.iter().map(|folder| FolderLine {
            key: folder.key,
            shown: folder.shown.clone(),
            role: folder.role,
            messages: folder.messages,
            whole: folder.uidnext > 0,
            problem: None,
        });
        let lines = lines.collect();
        self.shared.tell(|status| status.folders = lines);
        Ok(())
    }

    fn line(&self, key: FolderKey, change: impl FnOnce(&mut FolderLine)) {
        self.shared.tell(|status| {
            if let Some(line) = status.folders.iter_mut().find(|line| line.key == key) {
                change(line);
            }
        });
    }

    /// Reads a folder, unless it is as it was.
    async fn look(&mut self, client: &mut Client, folder: &FolderState) -> Result<(), ImapError> {
        if folder.uidnext > 0 && folder.modseq > 0 && folder.role != Role::Inbox {
            let status = client.status(&folder.name).await?;
            if is_same(folder, status) {
                return Ok(());
            }
        }
        self.read(client, folder).await
    }

    /// Reads the inbox; it is selected afterwards.
    pub(super) async fn read_inbox(&mut self, client: &mut Client) -> Result<(), ImapError> {
        self.inbox_asked = Instant::now();
        let inbox = self.folders.iter().find(|folder| folder.role == Role::Inbox).cloned();
        match inbox {
            Some(inbox) => self.read(client, &inbox).await,
            None => Ok(()),
        }
    }

    /// Reads a folder: what changed in it, and what is new.
    async fn read(&mut self, client: &mut Client, folder: &FolderState) -> Result<(), ImapError> {
        self.doing(folder, 0, 0);
        let since = (folder.modseq > 0).then_some(Since(folder.uidvalidity, folder.modseq));
        let selected = client.select(&folder.name, since).await?;
        if selected.uidvalidity == 0 {
            return Err(ImapError::Malformed);
        }
        let mut fetch = Vec::new();
        match plan::ask(folder, &selected, client.can("QRESYNC")) {
            Ask::Nothing => {}
            Ask::Told => fetch = self.told(folder, &selected)?,
            Ask::Changed(modseq) => {
                let (messages, vanished) = client.listing("1:*", Some(modseq)).await?;
                let messages = plan::within(messages, &(1..=u32::MAX));
                let listing = Listing { messages, vanished, ..listing(folder, &selected) };
                fetch = self.job.edge.listing(listing)?;
            }
            Ask::ChangedAndGone(_) | Ask::All => {
                self.read_all(client, folder, &selected).await?;
            }
        }
        self.fetch(client, folder, &selected, &fetch).await?;
        self.stand(folder, &selected)
    }

    fn told(&mut self, folder: &FolderState, selected: &Selected) -> Result<Vec<u32>, ImapError> {
        let listing = Listing {
            messages: plan::within(selected.changed.clone(), &(1..=u32::MAX)),
            vanished: selected.vanished.clone(),
            ..listing(folder, selected)
        };
        Ok(self.job.edge.listing(listing)?)
    }

    /// Compares everything, the newest first, and fetches what is not here.
    async fn read_all(
        &mut self,
        client: &mut Client,
        folder: &FolderState,
        selected: &Selected,
    ) -> Result<(), ImapError> {
        let mut windows = Windows::below(selected.uidnext);
        let mut left = u64::from(selected.exists);
        while let Some(window) = windows.next() {
            // The rest is said at once where no message is left: nothing can be in it.
            let window = if left == 0 { 1..=*window.end() } else { window };
            let set = if *window.end() == u32::MAX - 1 {
                format!("{}:*", window.start())
            } else {
                format!("{}:{}", window.start(), window.end())
            };
            let (messages, _) = client.listing(&set, None).await?;
            let messages = plan::within(messages, &window);
            left = left.saturating_sub(messages.len() as u64);
            windows.listed(&window, messages.len());
            let whole = Some(window);
            let said = Listing { whole, messages, ..listing(folder, selected) };
            let wanted = self.job.edge.listing(said)?;
            self.fetch(client, folder, selected, &wanted).await?;
        }
        Ok(())
    }

    /// The folder is taken in up to what was said when it was selected.
    fn stand(&mut self, folder: &FolderState, selected: &Selected) -> Result<(), ImapError> {
        let greatest = selected.changed.iter().map(|known| known.uid).max().unwrap_or(0);
        let next = selected.uidnext.max(greatest.saturating_add(1));
        let stand = Stand {
            folder: folder.key,
            uidvalidity: selected.uidvalidity,
            uidnext: next.max(folder_next(folder, selected)),
            modseq: selected.modseq,
        };
        self.job.edge.stand(stand)?;
        if let Some(held) = self.folders.iter_mut().find(|held| held.key == folder.key) {
            held.uidvalidity = stand.uidvalidity;
            held.uidnext = stand.uidnext;
            held.modseq = stand.modseq;
            held.messages = u64::from(selected.exists);
        }
        self.line(folder.key, |line| {
            line.whole = true;
            line.messages = u64::from(selected.exists);
        });
        Ok(())
    }

    /// Fetches messages, the newest first.
    async fn fetch(
        &mut self,
        client: &mut Client,
        folder: &FolderState,
        selected: &Selected,
        wanted: &[u32],
    ) -> Result<(), ImapError> {
        let total = wanted.len() as u64;
        let mut done = 0;
        let mut newest_first = wanted.to_vec();
        newest_first.sort_unstable_by(|a, b| b.cmp(a));
        for some in newest_first.chunks(SIZES) {
            let sizes = client.sizes(&plan::set(some)).await?;
            for fetch in plan::fetches(some, &sizes, MAX_MESSAGE_BYTES) {
                self.doing(folder, done, total);
                let messages = fetch_one(client, &fetch).await?;
                done += messages.len() as u64;
                let batch = Batch {
                    folder: folder.key,
                    uidvalidity: selected.uidvalidity,
                    says: folder.says.clone(),
                    messages,
                };
                let bytes: usize =
                    batch.messages.iter().map(|m| m.raw.as_ref().map_or(0, Vec::len)).sum();
                let new = self.job.edge.arrived(batch)?;
                let received = client.received();
                self.shared.tell(|status| {
                    status.new += new;
                    status.received = received;
                });
                self.spare_the_line(bytes).await;
                self.interlude(client, folder).await?;
            }
        }
        Ok(())
    }

    /// No more bytes in a second than the user allows.
    async fn spare_the_line(&self, bytes: usize) {
        let most = u64::from(self.job.settings.bandwidth_kib) * 1024;
        if most > 0 {
            let seconds = bytes as u64 * 1000 / most;
            tokio::time::sleep(Duration::from_millis(seconds)).await;
        }
    }

    /// While a long folder is read, new mail and what was done here do not wait for its end.
    async fn interlude(
        &mut self,
        client: &mut Client,
        folder: &FolderState,
    ) -> Result<(), ImapError> {
        let mut away = false;
        let due = folder.role != Role::Inbox && self.inbox_asked.elapsed() > INBOX_EVERY;
        if due {
            self.inbox_asked = Instant::now();
            let inbox = self.folders.iter().find(|held| held.role == Role::Inbox).cloned();
            if let Some(inbox) = inbox.filter(|inbox| inbox.uidnext > 0) {
                let status = client.status(&inbox.name).await?;
                if !is_same(&inbox, status) {
                    away = true;
                    Box::pin(self.read(client, &inbox)).await?;
                }
            }
        }
        if self.shared.take_orders() {
            away = true;
            self.write(client, !self.looked).await?;
        }
        if away {
            client.select(&folder.name, None).await?;
        }
        Ok(())
    }

    fn doing(&self, folder: &FolderState, done: u64, total: u64) {
        self.shared.tell(|status| {
            status.doing = Doing::Reading(folder.shown.clone(), done, total);
        });
    }
}

/// What waits for the user first, what hides mail last.
const fn rank(role: Role) -> u8 {
    match role {
        Role::Inbox => 0,
        Role::All => 1,
        Role::Drafts => 2,
        Role::Sent => 3,
        Role::Archive => 4,
        Role::Label => 5,
        Role::Spam => 6,
        Role::Trash => 7,
    }
}

fn is_same(folder: &FolderState, status: FolderStatus) -> bool {
    status.uidvalidity == folder.uidvalidity
        && status.uidnext == folder.uidnext
        && status.modseq == folder.modseq
        && status.modseq > 0
        && u64::from(status.messages) == folder.messages
}

/// A server that does not say its next UID: what is known is kept.
const fn folder_next(folder: &FolderState, selected: &Selected) -> u32 {
    if folder.uidvalidity != selected.uidvalidity {
        return 1;
    }
    if folder.uidnext == 0 { 1 } else { folder.uidnext }
}

fn listing(folder: &FolderState, selected: &Selected) -> Listing {
    Listing { folder: folder.key, uidvalidity: selected.uidvalidity, ..Listing::default() }
}

async fn fetch_one(client: &mut Client, fetch: &Fetch) -> Result<Vec<Arrived>, ImapError> {
    match fetch {
        Fetch::TooLarge(uid, size) => {
            let reason = format!("{size} bytes, more than are taken in");
            let known = Known { uid: *uid, ..Known::default() };
            let raw = Err(("too-large".to_owned(), reason));
            Ok(vec![Arrived { known, raw, received: None }])
        }
        Fetch::Whole(uids, bytes) => {
            let bodies = client.bodies(&plan::set(uids), *bytes).await?;
            let asked = bodies.into_iter().filter(|(known, ..)| uids.contains(&known.uid));
            let arrived =
                asked.map(|(known, received, raw)| Arrived { known, raw: Ok(raw), received });
            let mut arrived: Vec<_> = arrived.collect();
            arrived.sort_by_key(|one| std::cmp::Reverse(one.known.uid));
            arrived.dedup_by_key(|one| one.known.uid);
            Ok(arrived)
        }
        Fetch::Parts(uid, size) => Ok(in_parts(client, *uid, *size).await?.into_iter().collect()),
    }
}

/// A long message, a part at a time.
async fn in_parts(client: &mut Client, uid: u32, size: u64) -> Result<Option<Arrived>, ImapError> {
    let mut all: Option<Arrived> = None;
    let mut offset = 0;
    while u64::from(offset) < size {
        let Some((known, received, part)) = client.part(uid, offset).await? else { break };
        let length = part.len();
        match &mut all {
            None => all = Some(Arrived { known, raw: Ok(part), received }),
            Some(Arrived { raw: Ok(raw), .. }) => raw.extend_from_slice(&part),
            Some(_) => {}
        }
        let full = usize::try_from(PART_BYTES).unwrap_or(usize::MAX);
        if length < full {
            break;
        }
        offset += PART_BYTES;
    }
    Ok(all)
}
