//! Tells the interface how accounts are and what came in, where this process fetches mail.
//!
//! Invariant: reads what workers say of themselves and waits for none of them; each announcement
//! is passed on once. Nothing is told that did not change.

use std::path::Path;
use std::time::Duration;

use crate::account::{Account, Accounts as AccountsFile, identities};
use crate::backend::{AccountStatus, Announcement, FetcherHandle, HostHandle};
use crate::engine::accounts::{AccountLine, Accounts, FolderLine, NewMail, Work};
use crate::engine::handle::Update;
use crate::engine::told::{Told, Writers};
use crate::imap::worker::Doing;
use crate::imap::{Conflict, Role};
use crate::safe_text;
use crate::ui::Tell;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(250);
/// How often devices are told what changed.
const TELL: Duration = Duration::from_secs(1);

/// Tells `tell` from now on, on a thread of its own, until nobody listens.
pub(super) fn watch(fetcher: FetcherHandle, tell: Tell) -> std::io::Result<()> {
    let run = move || {
        let (mut shown, mut number) = (None, 0);
        loop {
            let statuses = fetcher.accounts();
            let now =
                Accounts { lines: statuses.iter().map(line).collect(), error: fetcher.error() };
            let (last, news) = fetcher.announced(number);
            number = last;
            let several = statuses.len() > 1;
            let news = news.into_iter().map(|news| new_mail(news, &statuses, several));
            let mut updates: Vec<Update> = news.map(Update::NewMail).collect();
            if fetcher.has_looked() && shown.as_ref() != Some(&now) {
                updates.push(Update::Accounts(Box::new(now.clone())));
                shown = Some(now);
            }
            if !updates.into_iter().all(&tell) {
                return;
            }
            std::thread::sleep(LOOK);
        }
    };
    std::thread::Builder::new().name("account-states".to_owned()).spawn(run).map(drop)
}

fn new_mail(news: Announcement, statuses: &[AccountStatus], several: bool) -> NewMail {
    let address = || {
        let of = statuses.iter().find(|status| status.id == news.account);
        of.map_or(news.account.clone(), |of| safe_text::line(&of.address))
    };
    let account = several.then(address);
    let first = news.named.into_iter().next();
    let (from, subject) = first.map(|first| (first.from, first.subject)).unwrap_or_default();
    NewMail { account, count: news.count, from, subject }
}

/// Tells devices of this backend how accounts are and as whom one writes, until the backend stops.
pub(super) fn tell(dir: &Path, fetcher: FetcherHandle, host: HostHandle) -> std::io::Result<()> {
    let dir = dir.to_owned();
    let run = move || {
        let mut shown = None;
        loop {
            if fetcher.has_looked() {
                let lines = fetcher.accounts().iter().map(line).collect();
                let now = Accounts { lines, error: fetcher.error() };
                // A file that cannot be read is said in `now`; a signature is read anew each time.
                let writers = AccountsFile::read(&dir).map(|file| writers(&file, &dir));
                let told = Told::of(&writers.unwrap_or_default(), &now);
                if shown.as_ref() != Some(&told) {
                    let Ok(value) = serde_json::to_value(&told) else { return };
                    if host.tell_accounts(value).is_err() {
                        return;
                    }
                    shown = Some(told);
                }
            }
            std::thread::sleep(TELL);
        }
    };
    std::thread::Builder::new().name("accounts-told".to_owned()).spawn(run).map(drop)
}

/// As whom one writes, and how long what an account sends is held.
fn writers(file: &AccountsFile, dir: &Path) -> Writers {
    let (identities, _) = identities(file, dir);
    let hold = |account: &Account| Some((account.id.to_string(), account.settings.hold?));
    (identities, file.list.iter().filter_map(hold).collect())
}

fn line(of: &AccountStatus) -> AccountLine {
    let status = &of.status;
    AccountLine {
        address: safe_text::line(&of.address),
        work: work(&status.doing),
        new: status.new,
        written: status.written,
        error: status.error.clone().or_else(|| of.command.clone()),
        conflicts: status.conflicts.iter().map(Conflict::line).collect(),
        problems: status.problems.iter().map(|line| safe_text::line(line)).collect(),
        folders: status
            .folders
            .iter()
            .map(|folder| FolderLine {
                name: safe_text::line(&folder.shown),
                role: role(folder.role),
                messages: folder.messages,
                whole: folder.whole,
                problem: folder.problem.as_deref().map(safe_text::line),
            })
            .collect(),
    }
}

fn work(doing: &Doing) -> Work {
    match doing {
        Doing::Nothing => Work::Nothing,
        Doing::Connecting => Work::Connecting,
        Doing::Listing => Work::Listing,
        Doing::Reading(folder, done, total) => {
            Work::Reading { folder: safe_text::line(folder), done: *done, total: *total }
        }
        Doing::Writing(messages) => Work::Writing(*messages),
        Doing::Waiting => Work::Waiting,
        Doing::Resting => Work::Resting,
        Doing::Stopped => Work::Stopped,
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Inbox => "inbox",
        Role::Archive => "archive",
        Role::Spam => "spam",
        Role::Trash => "trash",
        Role::Sent => "sent",
        Role::Drafts => "drafts",
        Role::Label => "label",
        Role::All => "all mail",
    }
}
