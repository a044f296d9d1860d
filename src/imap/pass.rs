//! Reading folders: what changed, and messages that are not here yet, the newest first.
//!
//! Invariant: a folder counts as taken in only after all of it was; what is broken off is gone on
//! with, and nothing is fetched twice. A folder that the server does not let us read holds up no
//! other.

use std::time::{Duration, Instant};

use crate::bridge::SinkError;
use crate::imap::client::{Client, FolderStatus, Listed, Selected, Since};
use crate::imap::commands::PART_BYTES;
use crate::imap::edge::{Arrived, Batch, FolderState, Found, Known, Left, Listing, Stand};
use crate::imap::plan::{self, Ask, Fetch, Windows};
use crate::imap::worker::{Doing, FolderLine, Running};
use crate::imap::{FolderKey, ImapError, Outline, Role, gmail, names};
use crate::limits::MAX_MESSAGE_BYTES;

/// Messages whose sizes are asked at a time.
const SIZES: usize = 200;
/// Looks at all folders within one, while messages go from one to the other.
const SWEEPS: usize = 5;
/// How often the inbox is looked at while another folder is read.
const INBOX_EVERY: Duration = Duration::from_secs(15);
/// How often the UIDs of a folder may begin to count anew.
const ANEW_EVERY: Duration = Duration::from_mins(10);

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
        // Somebody waits for it.
        self.complete(client).await?;
        // What left one folder may be in another that was looked at before: all are looked at again
        // until none of it is.
        let (mut whole, mut settled, mut away) = (true, false, 0);
        for sweep in 0..SWEEPS {
            self.heard = false;
            whole = self.sweep(client).await?;
            let now = self.job.edge.away(&self.job.account)?;
            settled = now == 0 || (sweep > 0 && now == away && !self.heard);
            if settled || !whole {
                break;
            }
            away = now;
        }
        if whole {
            if settled {
                self.job.edge.passed(&self.job.account)?;
            }
            self.shared.tell(|status| status.whole = true);
        }
        Ok(())
    }

    /// Looks at each folder; whether all could be read.
    async fn sweep(&mut self, client: &mut Client) -> Result<bool, ImapError> {
        let mut whole = true;
        let wanted: Vec<FolderState> =
            self.folders.iter().filter(|folder| self.is_wanted(folder)).cloned().collect();
        for folder in wanted {
            match self.look(client, &folder).await {
                Ok(()) => self.line(folder.key, |line| line.problem = None),
                Err(error) => {
                    whole = false;
                    self.spare(&folder, error)?;
                }
            }
        }
        Ok(whole)
    }

    /// A folder that cannot be read holds up no other, as long as the connection is of use.
    fn spare(&mut self, folder: &FolderState, error: ImapError) -> Result<(), ImapError> {
        if matches!(error, ImapError::TooLarge(_)) {
            self.heavy.insert(folder.key);
        }
        if error.ends_connection() {
            return Err(error);
        }
        self.line(folder.key, |line| line.problem = Some(error.to_string()));
        self.shared.problem(format!("{}: {error}", folder.shown));
        Ok(())
    }

    /// Asks for the folders. There is always an inbox (RFC 3501, section 5.1): a list without it is
    /// none, and nobody's mail is gone by it.
    pub(super) async fn list(&mut self, client: &mut Client) -> Result<(), ImapError> {
        let labels = client.can(gmail::CAPABILITY);
        let listed = client.list().await?;
        let mut found = names::found(&listed, labels);
        let has = |role: Role| found.iter().any(|found| found.role == role);
        // With labels the inbox is one, and everything is in the folder of all mail.
        client.use_labels(has(Role::All));
        if !has(Role::Inbox) && !has(Role::All) {
            return Err(ImapError::Contradiction("it lists no inbox"));
        }
        self.take_unlisted(client, &listed, &mut found).await?;
        self.folders = self.job.edge.folders(&self.job.account, found)?;
        self.folders.sort_by_key(|folder| (rank(folder.role), folder.key));
        let lines = self.folders.iter().filter(|folder| self.is_wanted(folder));
        let lines = lines.map(|folder| FolderLine {
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

    /// Whether the user wants a folder to be read. One that is not is there all the same: what was
    /// read of it before is not gone, and messages can be moved to it.
    pub(super) fn is_wanted(&self, folder: &FolderState) -> bool {
        let settings = &self.job.settings;
        let named = |list: &[String]| list.contains(&folder.shown);
        let wanted = settings.folders.is_empty() || named(&settings.folders);
        matches!(folder.role, Role::Inbox | Role::All) || (wanted && !named(&settings.ignore))
    }

    /// A folder that was known and is listed no more is asked for by its name: one that answers is
    /// there, and no mail of it is taken for gone.
    async fn take_unlisted(
        &mut self,
        client: &mut Client,
        listed: &[Listed],
        found: &mut Vec<Found>,
    ) -> Result<(), ImapError> {
        let listed = listed.iter().map(|listed| listed.name.clone()).collect();
        for folder in self.job.edge.unlisted(&self.job.account, listed)? {
            match client.status(&folder.name).await {
                Ok(_) => {}
                Err(ImapError::No { .. }) => continue,
                Err(error) => return Err(error),
            }
            let FolderState { name, shown, role, says, .. } = folder;
            // A role has one folder: that which is listed.
            let held = found.iter().any(|found| found.role == role);
            let role = if held { Role::Label } else { role };
            found.push(Found { name, shown, role, says });
        }
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
        if folder.uidnext > 0 && folder.modseq > 0 && !is_attended(folder) {
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
        let inbox = self.folders.iter().find(|folder| is_attended(folder)).cloned();
        let Some(inbox) = inbox else { return Ok(()) };
        match self.read(client, &inbox).await {
            Ok(()) => Ok(()),
            Err(error) => self.spare(&inbox, error),
        }
    }

    /// Reads a folder: what changed in it, and what is new.
    async fn read(&mut self, client: &mut Client, folder: &FolderState) -> Result<(), ImapError> {
        self.doing(folder, 0, 0);
        let mut known = folder.clone();
        if self.heavy.contains(&folder.key) {
            known.modseq = 0; // what changed is too much at once: all of it, in small windows
        }
        let since = (known.modseq > 0).then_some(Since(known.uidvalidity, known.modseq));
        let mut selected = match client.select(&folder.name, since).await {
            Err(ImapError::No { .. }) if since.is_some() => {
                known.modseq = 0; // it may be that state which it does not like
                client.select(&folder.name, None).await?
            }
            selected => selected?,
        };
        self.check_validity(folder, &selected)?;
        let mut fetch = Vec::new();
        match plan::ask(&known, &selected, client.can("QRESYNC")) {
            Ask::Nothing => {}
            Ask::Told => fetch = self.told(folder, &selected)?,
            Ask::Changed(modseq) => {
                let (messages, vanished) = client.listing("1:*", Some(modseq)).await?;
                let messages = plan::within(messages, &(1..=u32::MAX));
                let listing = Listing { messages, vanished, ..listing(folder, &selected) };
                fetch = self.job.edge.listing(listing)?;
            }
            Ask::ChangedAndGone(_) | Ask::All => {
                self.read_all(client, folder, &mut selected).await?;
            }
        }
        self.fetch(client, folder, &mut selected, &fetch).await?;
        selected.exists = selected.exists.saturating_sub(client.news_so_far().gone);
        self.stand(folder, &selected)
    }

    /// UIDs count from now on as they do, unless they began anew a moment ago already: a server
    /// that does so at every look would have everything fetched for ever.
    fn check_validity(
        &mut self,
        folder: &FolderState,
        selected: &Selected,
    ) -> Result<(), ImapError> {
        if selected.uidvalidity == 0 {
            return Err(ImapError::Malformed);
        }
        if folder.uidvalidity != 0 && folder.uidvalidity != selected.uidvalidity {
            let now = Instant::now();
            let last = self.anew.get(&folder.key);
            if last.is_some_and(|last| now.duration_since(*last) < ANEW_EVERY) {
                return Err(ImapError::Contradiction("it counts its messages anew at each look"));
            }
            self.anew.insert(folder.key, now);
        }
        Ok(())
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
        selected: &mut Selected,
    ) -> Result<(), ImapError> {
        let heavy = self.heavy.contains(&folder.key);
        let mut windows = Windows::below(selected.uidnext, heavy);
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
            exists: u64::from(selected.exists),
        };
        let stands = self.job.edge.stand(stand)?;
        if let Some(held) = self.folders.iter_mut().find(|held| held.key == folder.key) {
            held.uidvalidity = stand.uidvalidity;
            held.uidnext = if stands { stand.uidnext } else { 0 };
            held.modseq = if stands { stand.modseq } else { 0 };
            held.messages = u64::from(selected.exists);
        }
        if !stands {
            return Err(ImapError::Contradiction("it has more messages than it gives"));
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
        selected: &mut Selected,
        wanted: &[u32],
    ) -> Result<(), ImapError> {
        let total = wanted.len() as u64;
        self.heard |= total > 0;
        let mut done = 0;
        let mut newest_first = wanted.to_vec();
        newest_first.sort_unstable_by(|a, b| b.cmp(a));
        for some in newest_first.chunks(SIZES) {
            let sizes = client.sizes(&plan::set(some)).await?;
            let ahead = self.job.settings.ahead();
            for fetch in plan::fetches_ahead(some, &sizes, MAX_MESSAGE_BYTES, ahead) {
                self.doing(folder, done, total);
                let messages = fetch_one(client, &fetch).await?;
                done += messages.len() as u64;
                let again = self.take(client, folder, selected, messages)?;
                for fetch in plan::fetches(&again, &sizes, MAX_MESSAGE_BYTES) {
                    let messages = fetch_one(client, &fetch).await?;
                    self.take(client, folder, selected, messages)?;
                }
                self.interlude(client, folder, selected).await?;
            }
        }
        Ok(())
    }

    /// Takes messages in that were fetched; those that are to be fetched whole after all.
    fn take(
        &mut self,
        client: &Client,
        folder: &FolderState,
        selected: &Selected,
        messages: Vec<Arrived>,
    ) -> Result<Vec<u32>, ImapError> {
        let took = self.job.edge.arrived(Batch {
            folder: folder.key,
            uidvalidity: selected.uidvalidity,
            says: folder.says.clone(),
            messages,
        })?;
        let received = client.received();
        self.shared.tell(|status| {
            status.new += took.new;
            status.received = received;
        });
        Ok(took.whole)
    }

    /// While a long folder is read, new mail and what was done here do not wait for its end.
    async fn interlude(
        &mut self,
        client: &mut Client,
        folder: &FolderState,
        selected: &mut Selected,
    ) -> Result<(), ImapError> {
        let mut away = false;
        let gone = client.news_so_far().gone;
        let due = !is_attended(folder) && self.inbox_asked.elapsed() > INBOX_EVERY;
        if due {
            self.inbox_asked = Instant::now();
            let inbox = self.folders.iter().find(|held| is_attended(held)).cloned();
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
            self.write(client, self.looks == 0).await?;
            self.complete(client).await?;
        }
        if away {
            let now = client.select(&folder.name, None).await?;
            if now.uidvalidity != selected.uidvalidity {
                return Err(ImapError::Contradiction("its messages count anew meanwhile"));
            }
            selected.exists = selected.exists.saturating_sub(gone).min(now.exists);
        }
        Ok(())
    }

    pub(super) fn doing(&self, folder: &FolderState, done: u64, total: u64) {
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

/// The folder in which new mail is waited for.
const fn is_attended(folder: &FolderState) -> bool {
    matches!(folder.role, Role::Inbox | Role::All)
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

pub(super) async fn fetch_one(
    client: &mut Client,
    fetch: &Fetch,
) -> Result<Vec<Arrived>, ImapError> {
    match fetch {
        Fetch::TooLarge(uid, size) => {
            let reason = format!("{size} bytes, more than are taken in");
            let known = Known { uid: *uid, ..Known::default() };
            let raw = Err(("too-large".to_owned(), reason));
            Ok(vec![Arrived { known, raw, received: None, outline: None }])
        }
        Fetch::Whole(uids, bytes) => {
            let bodies = match client.bodies(&plan::set(uids), *bytes).await {
                // Some servers refuse all for one that they cannot read.
                Err(ImapError::No { .. }) => one_by_one(client, uids, *bytes).await?,
                bodies => bodies?,
            };
            let asked = bodies.into_iter().filter(|(known, ..)| uids.contains(&known.uid));
            let arrived = asked.map(|(known, received, raw)| whole(known, received, raw));
            let mut arrived: Vec<_> = arrived.collect();
            arrived.sort_by_key(|one| std::cmp::Reverse(one.known.uid));
            arrived.dedup_by_key(|one| one.known.uid);
            Ok(arrived)
        }
        Fetch::Parts(uid, size) => Ok(in_parts(client, *uid, *size).await?.into_iter().collect()),
        Fetch::Outline(uid, size) => {
            let Some((known, received, outline)) = client.outline(*uid).await? else {
                return Ok(in_parts(client, *uid, *size).await?.into_iter().collect());
            };
            let Outline { raw, files } = outline;
            let outline = Some(Left { size: *size, files });
            Ok(vec![Arrived { known, raw: Ok(raw), received, outline }])
        }
    }
}

fn whole(known: Known, received: Option<i64>, raw: Vec<u8>) -> Arrived {
    Arrived { known, raw: Ok(raw), received, outline: None }
}

type Bodies = Vec<(Known, Option<i64>, Vec<u8>)>;

/// Messages that a server does not give together; one that it does not give is asked for again at
/// the next look.
async fn one_by_one(client: &mut Client, uids: &[u32], bytes: usize) -> Result<Bodies, ImapError> {
    let mut all = Vec::new();
    for uid in uids {
        match client.bodies(&uid.to_string(), bytes).await {
            Ok(bodies) => all.extend(bodies),
            Err(ImapError::No { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// A long message, a part at a time. One of which a part does not come is not taken in.
async fn in_parts(client: &mut Client, uid: u32, size: u64) -> Result<Option<Arrived>, ImapError> {
    let mut all: Option<Arrived> = None;
    let mut offset = 0;
    while u64::from(offset) < size {
        let Some((known, received, part)) = client.part(uid, offset).await? else {
            return Ok(None);
        };
        let length = part.len();
        match &mut all {
            None => all = Some(whole(known, received, part)),
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
