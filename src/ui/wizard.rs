//! The steps by which an account is added.
//!
//! Invariant: Esc goes one step back everywhere, and what was asked for is called off by it.
//! Nothing is written before both servers let the account in. What is typed as a password is shown
//! by its length alone, has no text form, and is wiped when it goes.

use unicode_segmentation::UnicodeSegmentation as _;
use zeroize::Zeroizing;

use crate::account::Password;
use crate::command::motion::Edit;
use crate::engine::accounts::{AccountAsk, AccountStep, Draft};
use crate::notice::{Explain as _, Notice, Severity};
use crate::ui::app::{Door, Effect, Layer, Model, Stage};
use crate::ui::line::Line;

/// The longest password that is taken, in bytes: all its room from the start, since growing would
/// leave copies behind.
const MAX_SECRET_BYTES: usize = 4_096;

/// A line of text that is not shown.
#[derive(Clone)]
pub struct Hidden(Zeroizing<String>);

impl Default for Hidden {
    fn default() -> Self {
        Self(Zeroizing::new(String::with_capacity(MAX_SECRET_BYTES)))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl Hidden {
    /// How many signs it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.graphemes(true).count()
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, text: &str) {
        let text = text.trim_matches(['\n', '\r']);
        if self.0.len() + text.len() <= MAX_SECRET_BYTES && !text.contains(char::is_control) {
            self.0.push_str(text);
        }
    }

    fn edit(&mut self, how: Edit) {
        match how {
            Edit::Erase => {
                let last = self.0.grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
                self.0.truncate(last);
            }
            Edit::EraseWord | Edit::EraseAll => self.0.clear(),
            Edit::Left
            | Edit::Right
            | Edit::Start
            | Edit::End
            | Edit::EraseNext
            | Edit::EraseRest => {}
        }
    }
}

/// Where the wizard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The address is asked for.
    Address,
    /// Its servers are looked for.
    Finding,
    /// Where mail is fetched.
    Imap,
    /// Where mail is sent.
    Smtp,
    /// Who logs in.
    Login,
    /// The password is asked for.
    Password,
    /// The servers are tried.
    Trying,
}

/// The wizard.
#[derive(Debug, Clone)]
pub struct Wizard {
    /// The number of what was asked for last.
    pub ticket: u64,
    /// Where it is.
    pub step: Step,
    /// The line that is typed.
    pub line: Line,
    /// What was typed.
    pub draft: Draft,
    /// The password.
    pub secret: Hidden,
    /// Whether it was refused: nobody sees it, so what is typed then takes its place.
    refused: bool,
    /// Where the servers are from.
    pub says: String,
    /// What has to be known before a password is typed.
    pub hint: String,
    /// Why it did not work.
    pub error: Option<Notice>,
    /// What is being done.
    pub doing: String,
    /// Since when, Unix milliseconds.
    pub since: i64,
}

impl Wizard {
    fn new() -> Self {
        Self {
            ticket: 0,
            step: Step::Address,
            line: Line::default(),
            draft: Draft::default(),
            secret: Hidden::default(),
            refused: false,
            says: String::new(),
            hint: String::new(),
            error: None,
            doing: String::new(),
            since: 0,
        }
    }

    /// Whether it waits for an answer.
    #[must_use]
    pub const fn waits(&self) -> bool {
        matches!(self.step, Step::Finding | Step::Trying)
    }

    /// Types `text`.
    pub fn insert(&mut self, text: &str) {
        match self.step {
            Step::Finding | Step::Trying => {}
            Step::Password => {
                self.drop_refused();
                self.secret.insert(text);
            }
            _ => self.line.insert(text.trim_matches(['\n', '\r', ' '])),
        }
    }

    /// Does an edit key.
    pub fn edit(&mut self, how: Edit) {
        match self.step {
            Step::Finding | Step::Trying => {}
            Step::Password => {
                self.drop_refused();
                self.secret.edit(how);
            }
            _ => self.line.edit(how),
        }
    }

    fn drop_refused(&mut self) {
        if std::mem::take(&mut self.refused) {
            self.secret = Hidden::default();
        }
    }

    /// Goes to a step, with what was typed there.
    fn go(&mut self, step: Step) {
        self.step = step;
        let text = self.field(step).cloned().unwrap_or_default();
        self.line = Line::default();
        self.line.insert(&text);
    }

    fn field(&mut self, step: Step) -> Option<&mut String> {
        match step {
            Step::Address => Some(&mut self.draft.address),
            Step::Imap => Some(&mut self.draft.imap),
            Step::Smtp => Some(&mut self.draft.smtp),
            Step::Login => Some(&mut self.draft.login),
            Step::Finding | Step::Password | Step::Trying => None,
        }
    }

    fn keep(&mut self) {
        let typed = self.line.text().trim().to_owned();
        if let Some(field) = self.field(self.step) {
            *field = typed;
        }
    }
}

/// Opens the wizard.
pub fn open(model: &mut Model) -> Vec<Effect> {
    if model.status.remote {
        let hint = "there: `mailtui account add you@example.org`";
        model.say(Severity::Info, "The backend has the accounts", hint);
    } else if model.demo {
        model.say(Severity::Info, "Sample mail has no account", "start `mailtui` for your own");
    } else {
        model.notice = None;
        model.layers.push(Layer::Wizard(Box::new(Wizard::new())));
    }
    Vec::new()
}

/// The key that accepts.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let (now, ticket) = (model.now_ms, model.asks + 1);
    let Some(Layer::Wizard(wizard)) = model.layers.last_mut() else { return Vec::new() };
    if wizard.waits() {
        return Vec::new();
    }
    wizard.keep();
    let draft = wizard.draft.clone();
    let ask = match wizard.step {
        Step::Address if draft.address.is_empty() => return Vec::new(),
        Step::Address => {
            let domain = draft.address.rsplit('@').next().unwrap_or_default();
            wizard.doing = format!("looking for the servers of {domain}");
            wizard.step = Step::Finding;
            AccountAsk::Find { ticket, address: draft.address }
        }
        Step::Imap if draft.imap.is_empty() => return Vec::new(),
        Step::Imap => return step(wizard, Step::Smtp),
        Step::Smtp => return step(wizard, Step::Login),
        Step::Login => return step(wizard, Step::Password),
        Step::Password | Step::Finding | Step::Trying => {
            match Password::new(wizard.secret.0.as_str().to_owned()) {
                Ok(password) => {
                    "logging in".clone_into(&mut wizard.doing);
                    wizard.step = Step::Trying;
                    AccountAsk::Add { ticket, draft, password }
                }
                Err(error) => {
                    wizard.error = Some(error.notice());
                    return Vec::new();
                }
            }
        }
    };
    (wizard.ticket, wizard.since, wizard.error) = (ticket, now, None);
    model.asks = ticket;
    vec![Effect::Account(ask)]
}

fn step(wizard: &mut Wizard, step: Step) -> Vec<Effect> {
    wizard.error = None;
    wizard.go(step);
    Vec::new()
}

/// One step back.
pub fn back(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Wizard(wizard)) = model.layers.last_mut() else { return Vec::new() };
    let called_off = wizard.waits().then_some(wizard.ticket);
    wizard.keep();
    wizard.error = None;
    let to = match wizard.step {
        Step::Address => {
            model.layers.pop();
            return Vec::new();
        }
        Step::Finding | Step::Imap => Step::Address,
        Step::Smtp => Step::Imap,
        Step::Login => Step::Smtp,
        Step::Password => Step::Login,
        Step::Trying => Step::Password,
    };
    wizard.ticket = 0;
    wizard.go(to);
    called_off.map(AccountAsk::Cancel).map(Effect::Account).into_iter().collect()
}

/// Takes in how far it is.
pub fn take(model: &mut Model, ticket: u64, told: AccountStep) -> Vec<Effect> {
    if let AccountStep::Added(says) = told {
        return added(model, ticket, &says);
    }
    let wizard = model.layers.iter_mut().find_map(|layer| match layer {
        Layer::Wizard(wizard) if wizard.ticket == ticket && wizard.waits() => Some(wizard),
        _ => None,
    });
    let Some(wizard) = wizard else { return Vec::new() };
    match told {
        AccountStep::Found { draft, says, hint } => {
            wizard.draft = draft;
            (wizard.says, wizard.hint) = (says, hint);
            wizard.go(Step::Imap);
        }
        AccountStep::Doing(what) => wizard.doing = what,
        AccountStep::Failed(notice) => {
            let to = match wizard.step {
                Step::Finding => Step::Address,
                // What was typed may be wrong; where the server is may be as well.
                _ if notice.code == "login" => Step::Password,
                _ => Step::Imap,
            };
            wizard.refused = to == Step::Password;
            wizard.error = Some(notice);
            wizard.go(to);
        }
        AccountStep::Added(_) => {}
    }
    Vec::new()
}

/// The account is there: its mail comes in.
fn added(model: &mut Model, ticket: u64, says: &str) -> Vec<Effect> {
    model.layers.retain(|layer| match layer {
        Layer::Wizard(wizard) => wizard.ticket != ticket,
        Layer::Accounts(_) => false,
        _ => true,
    });
    model.say(Severity::Info, says, "g m shows what it is doing");
    let Stage::FirstRun(screen) = &mut model.stage else { return Vec::new() };
    if model.open {
        model.stage = Stage::Mail;
        return Vec::new();
    }
    screen.opening = Some("opening the mailbox");
    screen.to_mail = true;
    vec![Effect::Open(Door::Own, Vec::new())]
}
