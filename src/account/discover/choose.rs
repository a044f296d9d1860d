//! Which of the answers is taken.
//!
//! Invariant: pure. The most trusted source that knows where mail is fetched wins; where mail is
//! sent comes from the same source, or from the next that says so.

use super::{Address, Ask, Found, Given, Source};

/// The best of what was given; `None` where nobody knows where mail is fetched.
#[must_use]
pub fn choose(address: &Address, given: &[Given]) -> Option<Found> {
    let mut given: Vec<&Given> = given.iter().collect();
    given.sort_by_key(|given| (given.source, given.order));
    let first = given.iter().find(|given| given.imap.is_some())?;
    let mut after = given.iter().filter(|given| given.source >= first.source);
    let smtp = after.find_map(|given| given.smtp.clone());
    Some(Found {
        source: first.source,
        imap: first.imap.clone()?,
        smtp,
        login: first.login.clone().unwrap_or_else(|| address.as_str().to_owned()),
        auth: first.auth,
    })
}

/// Whether what is still asked could change what is chosen.
#[must_use]
pub fn is_settled(given: &[Given], waiting: &[Ask]) -> bool {
    let least = |has: fn(&Given) -> bool| given.iter().filter(|g| has(g)).map(key).min();
    let (imap, smtp) = (least(|given| given.imap.is_some()), least(|given| given.smtp.is_some()));
    let (Some(imap), Some(smtp)) = (imap, smtp) else { return false };
    let reached = imap.max(smtp);
    waiting.iter().all(|ask| earliest(ask) > reached)
}

const fn key(given: &Given) -> (Source, u32) {
    (given.source, given.order)
}

/// The most trusted answer that a question can have.
fn earliest(ask: &Ask) -> (Source, u32) {
    match ask {
        Ask::Fetch(source, _) => (*source, 0),
        Ask::Srv(..) => (Source::Srv, 0),
        Ask::Mx(_) => (Source::KnownMx, 0),
        Ask::Knock(_, _, order) => (Source::Guess, *order),
    }
}
