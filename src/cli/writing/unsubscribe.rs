//! `unsubscribe`: a mailing list is left as its message says.
//!
//! Invariant: asked first, with the place that the request goes to; a page is only shown. What is
//! posted is one request (`account::one_click`), what is sent is a mail in the outbox like any
//! other.

use serde_json::json;

use super::identities;
use super::original::Original;
use super::send::{self, Plan, What};
use crate::account::discover::Roads;
use crate::account::one_click_now;
use crate::cli::args::Wait;
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::command::intent::Intent;
use crate::mail::compose::unsubscribe::{self, Way};
use crate::mail::compose::{self, Answer, Draft, Style};
use crate::notice::{Exit, Explain as _, Notice};
use crate::safe_text;

/// Messages of a conversation that are looked at, newest first.
const MAX_LOOKED_AT: usize = 20;

/// Leaves the list that the newest message with such a word came by.
pub(super) fn run(
    home: &Home,
    output: Output,
    thread: &str,
    yes: bool,
    wait: Wait,
) -> Result<Exit, Notice> {
    let mut original = Original::find(home, thread, None)?;
    let Some(way) = way(&mut original)? else {
        let line = "none of its messages names a way to leave a list that can be taken";
        return Err(
            Notice::error("no-list", line, "answer it, or mark it as spam").exit(Exit::NotFound)
        );
    };
    match way {
        Way::Page { url, host } => {
            let value =
                json!({ "way": "page", "url": safe(&url), "host": safe(&host), "done": false });
            output.result(&value, || format!("Open this page to leave: {}", safe(&url)))?;
            Ok(Exit::Done)
        }
        Way::OneClick { url, host } => {
            let question = format!("{} is asked to take you off its list.", safe(&host));
            ask(output, yes, &question)?;
            if home.offline {
                let line = "--offline reaches nobody, and nothing was asked";
                return Err(Notice::error("offline", line, "").exit(Exit::Unreached));
            }
            one_click_now(&url, &Roads::default()).map_err(|error| error.notice())?;
            let value = json!({ "way": "one-click", "host": safe(&host), "done": true });
            output.result(&value, || format!("{} was asked, and said yes.", safe(&host)))?;
            Ok(Exit::Done)
        }
        Way::Mail(mail) => {
            let to = mail.recipients().to.first().map(super::shown).unwrap_or_default();
            ask(output, yes, &format!("A mail to {to} asks to take you off its list."))?;
            let draft = addressed(home, output, &original, *mail)?;
            let mut desk = Desk::open(home)?;
            let intent = Intent::SaveDraft {
                slot: None,
                thread: None,
                from: None,
                draft: Box::new(draft.clone()),
            };
            let done = desk.decide(home, &[], &intent)?;
            let Some(wrote) = done.wrote else { return Err(super::nothing()) };
            let (thread, save) = (&wrote.thread, &wrote.event);
            let what = What { thread, save, draft: &draft, again: None };
            send::queue(home, output, desk, &what, Plan::plain(), !wait.no_wait)
        }
    }
}

fn safe(text: &str) -> String {
    safe_text::line(text)
}

/// The way of the newest message that says one.
fn way(original: &mut Original<'_>) -> Result<Option<Way>, Notice> {
    let last = original.messages.len();
    for at in (0..last).rev().take(MAX_LOOKED_AT) {
        let raw = original.head(&original.messages[at])?;
        if let Some(way) = unsubscribe::of(&raw) {
            original.at = at;
            return Ok(Some(way));
        }
    }
    Ok(None)
}

/// As whom the list knows one: the address that its message came to.
fn addressed(
    home: &Home,
    output: Output,
    original: &Original<'_>,
    mail: Draft,
) -> Result<Draft, Notice> {
    let me = identities::all(home, output)?;
    let answer = compose::reply(&original.shown(), Answer::Sender, &me, Style::default());
    Ok(Draft { account: answer.account, from: answer.from, ..mail })
}

fn ask(output: Output, yes: bool, what: &str) -> Result<(), Notice> {
    if yes {
        return Ok(());
    }
    match super::confirmed(output, &format!("{what}\nType yes to go on: ")) {
        Some(true) => Ok(()),
        Some(false) => {
            Err(Notice::error("stopped", "nothing was asked or sent", "").exit(Exit::Stopped))
        }
        None => {
            let hint = "give --yes";
            Err(Notice::error("not-confirmed", what, hint).exit(Exit::Usage))
        }
    }
}
