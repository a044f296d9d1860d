//! The box that asks before a mailing list is left, and says by what way.
//!
//! Invariant: nothing is asked of anybody before Enter in the box, which names who is asked; a page
//! is only shown, never fetched. What is asked runs beside the interface.

use crate::command::intent::HOLD_SECONDS;
use crate::mail::compose::unsubscribe::Way;
use crate::mail::compose::{self, Answer, Draft, Hints, Style};
use crate::notice::{Notice, Severity};
use crate::safe_text;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::compose::composer::Then;
use crate::ui::compose::desk::DeskAsk;
use crate::ui::compose::sending::Plan;
use crate::ui::compose::{keeping, opening, original};
use crate::ui::update::ask;

/// The box.
#[derive(Debug, Clone)]
pub struct LeaveBox {
    /// By what way.
    pub way: Way,
    /// As whom a mail asks: account and From.
    writer: (Option<String>, String),
}

impl LeaveBox {
    /// What it says, a paragraph each, and what Enter does.
    #[must_use]
    pub fn says(&self) -> (Vec<String>, &'static str) {
        match &self.way {
            Way::OneClick { host, .. } => (
                vec![
                    format!("{} is asked to take you off its list.", safe_text::line(host)),
                    "It is one request over the web (RFC 8058); it tells them that you read \
                     this message."
                        .to_owned(),
                ],
                "Enter asks · Esc does not",
            ),
            Way::Mail(mail) => {
                let to = mail.recipients().to.first().map(compose::format_address);
                let to = safe_text::line(&to.unwrap_or_default());
                let from = safe_text::line(&self.writer.1);
                (
                    vec![
                        format!("A mail to {to} asks to take you off its list."),
                        format!("It is sent as {from}."),
                    ],
                    "Enter sends it · Esc does not",
                )
            }
            Way::Page { url, .. } => (
                vec![
                    "Open this page to leave; it is not opened by itself:".to_owned(),
                    safe_text::line(url),
                ],
                "Enter closes",
            ),
        }
    }
}

/// Asks whether the list of the message that is read shall be left.
pub fn ask_first(model: &mut Model) -> Vec<Effect> {
    let Some(message) = original::read(model).cloned() else { return Vec::new() };
    if model.writing.heads.of(&message.id).is_some() {
        open(model);
        return Vec::new();
    }
    let Some(request) = original::wanted(model, &message) else {
        nothing(model);
        return Vec::new();
    };
    model.writing.leaves = Some((request.ticket, message.id));
    model.say(Severity::Info, "Looking how its list is left…", "");
    ask([crate::engine::handle::Request::Original(request)])
}

/// Whether the answer with this ticket was for here.
pub fn came(model: &mut Model, ticket: u64) -> bool {
    let Some((_, message)) = model.writing.leaves.take_if(|(wanted, _)| *wanted == ticket) else {
        return false;
    };
    // Where something else is read by now, nothing is asked.
    let same = original::read(model).is_some_and(|read| read.id == message);
    if same && model.layers.is_empty() && model.writing.open.is_none() {
        model.notice = None;
        open(model);
    }
    true
}

fn nothing(model: &mut Model) {
    let hint = "answer it, or ! marks it as spam";
    model.say(Severity::Info, "This message does not say how its list is left", hint);
}

fn open(model: &mut Model) {
    let Some(message) = original::read(model) else { return };
    let head = model.writing.heads.of(&message.id).cloned().unwrap_or_default();
    let Some(way) = head.leave else { return nothing(model) };
    // As whom the list knows one: the address that its message came to.
    let shown = message.shown(Hints { followup_to: Vec::new(), ..head.hints });
    let me = &model.writing.identities;
    let answer = compose::reply(&shown, Answer::Sender, me, Style::default());
    let writer = (answer.account, answer.from);
    model.layers.push(Layer::Leave(Box::new(LeaveBox { way, writer })));
}

/// Enter in the box.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Leave(open)) = model.layers.pop() else { return Vec::new() };
    let LeaveBox { way, writer: (account, from) } = *open;
    match way {
        Way::Page { .. } => Vec::new(),
        Way::OneClick { url, host } => {
            let line = format!("{} is being asked…", safe_text::line(&host));
            model.say(Severity::Info, line, "");
            vec![crate::ui::app::Effect::Desk(DeskAsk::Leave { url, host })]
        }
        Way::Mail(mail) => {
            let hold = account.as_ref().and_then(|account| model.writing.holds.get(account));
            let hold = hold.copied().unwrap_or(HOLD_SECONDS);
            opening::open(model, Draft { account, from, ..*mail });
            let plan = Plan { hold, send_at: None, remind: None };
            keeping::close(model, Then::Send(plan))
        }
    }
}

/// What came of a request to be taken off a list.
pub fn left(model: &mut Model, host: &str, done: Result<(), Notice>) {
    match done {
        Ok(()) => {
            let line = format!("{} was asked, and said yes", safe_text::line(host));
            model.say(Severity::Info, line, "");
        }
        Err(notice) => {
            let line = format!("The list was not left: {}", notice.message);
            model.say(notice.severity, line, notice.hint);
        }
    }
}
