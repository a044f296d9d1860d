//! Where the interface finds the words and texts of mail: the index beside the logs, and the logs.
//!
//! Invariant: files are opened by the thread that searches, when it searches first.

use std::sync::Arc;

use crate::account::{Account, Accounts};
use crate::backend::{Logs, Texts, drop_spoilt_index, index_now, look_at_index};
use crate::cli::home::Home;
use crate::cli::search::indexed;
use crate::engine::search::{OfAccount, Reading, SentTo, Shelf};

/// Where the words of mail are.
pub(super) fn shelf(home: &Home) -> Shelf {
    let (dir, logs) = indexed(home);
    let (of, kept_only) = (dir.clone(), home.is_remote());
    let lacks = move || {
        if kept_only {
            // Nobody else does here. What fails is counted below.
            let _ = index_now(&of, logs, &|| true);
        }
        let lacks = look_at_index(&of, logs, usize::MAX).map_or(0, |looked| looked.lacks);
        lacks as u64
    };
    let of = dir.clone();
    let spoilt = move || {
        let dropped = drop_spoilt_index(&of).unwrap_or(false);
        let of = of.clone();
        // Whoever follows the logs does the same when mail comes; two do no harm.
        dropped
            && std::thread::Builder::new()
                .name("index".to_owned())
                .spawn(move || drop(index_now(&of, logs, &|| true)))
                .is_ok()
    };
    let of = dir.clone();
    let reading = move || -> Option<Reading> {
        let texts = Texts::open(&of, logs).ok().flatten()?;
        Some(Box::new(move |thread, date| texts.of(thread, date).ok().flatten()))
    };
    let of = dir.clone();
    let sent_to = move || -> Option<SentTo> {
        let texts = Texts::open(&of, logs).ok().flatten()?;
        Some(Box::new(move |thread| texts.sent_to(thread).unwrap_or_default()))
    };
    let of_account = of_account(home);
    let (reading, sent_to) = (Arc::new(reading), Arc::new(sent_to));
    Shelf {
        dir,
        spoilt: Arc::new(spoilt),
        lacks: Arc::new(lacks),
        reading,
        sent_to,
        of_account,
        kept_only,
    }
}

/// Which threads are of an account: its id or address, or all whose address begins so. Only who
/// fetches knows: a device of another backend has no accounts.
pub(super) fn of_account(home: &Home) -> OfAccount {
    let (dir, of_backend, remote) = (home.dir.clone(), home.backend_dir(), home.is_remote());
    Arc::new(move |name| {
        let accounts = Accounts::read(&dir).ok().filter(|_| !remote)?;
        let lower = name.to_lowercase();
        let begins =
            |account: &&Account| account.address.as_str().to_lowercase().starts_with(&lower);
        let ids: Vec<&Account> = match accounts.named(name) {
            Ok(account) => vec![account],
            Err(_) => accounts.list.iter().filter(begins).collect(),
        };
        if ids.is_empty() {
            return None;
        }
        let texts = Texts::open(&of_backend, Logs::Backend).ok().flatten();
        let of = |account: &Account| texts.as_ref()?.of_account(account.id.as_str()).ok();
        Some(ids.into_iter().filter_map(of).flatten().collect())
    })
}
