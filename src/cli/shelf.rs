//! Where the interface finds the words and texts of mail: the index beside the logs, and the logs.
//!
//! Invariant: files are opened by the thread that searches, when it searches first.

use std::sync::Arc;

use crate::backend::{Texts, drop_spoilt_index, index_now, look_at_index};
use crate::cli::home::Home;
use crate::cli::search::indexed;
use crate::engine::search::{Reading, SentTo, Shelf};

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
    let (reading, sent_to) = (Arc::new(reading), Arc::new(sent_to));
    Shelf { dir, spoilt: Arc::new(spoilt), lacks: Arc::new(lacks), reading, sent_to, kept_only }
}
