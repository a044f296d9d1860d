//! Bytes that nobody would write, drawn from a seed: whatever comes from outside is read without a
//! panic, and what is made of it is safe, in its bounds, and not much larger than it was.
//!
//! Invariant: a seed and a round always give the same input where the seeds are the same. A panic
//! counts even where the product contains it, but for that of a parser which is not ours. What
//! fails is made as small as it gets, and printed with the command that plays it again.

mod answers;
mod cost;
mod mail;
mod mutate;
mod own;
mod play;
mod shapes;
mod typed;

use play::{Target, play};

/// A test of each target.
macro_rules! targets {
    ($($name:ident: $target:expr;)*) => {
        $(#[test]
        fn $name() {
            play(&Target { name: stringify!($name), ..$target });
        })*
    };
}

targets! {
    messages: mail::MESSAGES;
    pages: mail::PAGES;
    headers: mail::HEADERS;
    texts: mail::TEXTS;
    queries: typed::QUERIES;
    typed_addresses: typed::ADDRESSES;
    mailto_links: typed::MAILTO;
    edited_drafts: typed::DRAFTS;
    account_files: typed::ACCOUNTS;
    frames: answers::FRAMES;
    imap_answers: answers::IMAP;
}
