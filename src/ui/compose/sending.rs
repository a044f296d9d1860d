//! The box that asks when something is sent, and says what may be wrong with it.
//!
//! Invariant: what cannot be sent never comes so far; what may be a mistake is said before the
//! choice, and then the first choice is to go back. What is chosen is for the draft as it is.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::composer::{Composer, Focus, Then};
use super::{Writing, keeping, outgoing};
use crate::command::intent::HOLD_SECONDS;
use crate::command::motion::Motion;
use crate::command::when;
use crate::engine::view::OutboxRow;
use crate::id::EventId;
use crate::mail::compose::{Draft, Warning, checks};
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::line::Line;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;
/// After how long a conversation that nobody answers comes back: what is said, and in seconds.
pub const REMINDERS: [(&str, Option<u64>); 5] = [
    ("no", None),
    ("in a day", Some(DAY)),
    ("in 3 days", Some(3 * DAY)),
    ("in a week", Some(7 * DAY)),
    ("in 2 weeks", Some(14 * DAY)),
];

/// How something is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How long it is held, in seconds by the backend's clock.
    pub hold: u64,
    /// Not before, Unix seconds.
    pub send_at: Option<i64>,
    /// The conversation comes back when nobody answers for so many seconds.
    pub remind: Option<u64>,
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Back to writing.
    Back,
    /// At once, but for the hold.
    Now,
    /// Not before this time, Unix seconds; and what that is called.
    At(String, i64),
}

/// The box.
#[derive(Debug, Clone)]
pub struct SendBox {
    /// To whom, in a safe line.
    pub to: String,
    /// What may be wrong.
    pub warnings: Vec<String>,
    /// What is typed: a time.
    pub line: Line,
    /// The choice under the cursor.
    pub cursor: usize,
    /// Which of [`REMINDERS`].
    pub remind: usize,
    /// How long it is held when it is sent at once, in seconds.
    pub hold: u64,
    /// What is sent once more, where it is not what is being written.
    again: Option<Box<OutboxRow>>,
    now: Zoned,
    offered: Vec<Choice>,
}

impl SendBox {
    fn new(draft: &Draft, warnings: Vec<String>, hold: u64, now: Zoned) -> Self {
        let times = when::offered(&now).into_iter();
        let times = times.map(|(name, at)| Choice::At(name.to_owned(), at));
        let back = (!warnings.is_empty()).then_some(Choice::Back);
        let offered = back.into_iter().chain([Choice::Now]).chain(times).collect();
        let people = draft.recipients();
        let all: Vec<&str> =
            people.all().map(|to| to.name.as_deref().unwrap_or(&to.address)).collect();
        let to = crate::safe_text::line(&all.join(", "));
        let (line, again) = (Line::default(), None);
        Self { to, warnings, line, cursor: 0, remind: 0, hold, again, now, offered }
    }

    /// What its first choice is called.
    #[must_use]
    pub const fn back(&self) -> &'static str {
        if self.again.is_some() { "Do not send it" } else { "Back to writing" }
    }

    /// What can be chosen now, or why what is typed cannot.
    ///
    /// # Errors
    /// A line that says what is wrong with what is typed.
    pub fn choices(&self) -> Result<Vec<Choice>, String> {
        let typed = self.line.text().trim();
        if typed.is_empty() {
            return Ok(self.offered.clone());
        }
        when::read(typed, &self.now).map(|at| vec![Choice::At("Send".to_owned(), at)])
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        let last = self.choices().map_or(0, |choices| choices.len().saturating_sub(1));
        self.cursor = match motion {
            Motion::Down => self.cursor + 1,
            Motion::Up => self.cursor.saturating_sub(1),
            _ => self.cursor,
        }
        .min(last);
    }

    /// The next time to be reminded.
    pub const fn remind_next(&mut self) {
        self.remind = (self.remind + 1) % REMINDERS.len();
    }
}

/// Minutes east of UTC at this time.
#[must_use]
pub fn offset_minutes(at_ms: i64, zone: &TimeZone) -> i32 {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    zone.to_offset(at).seconds() / 60
}

/// What is said of a warning that is no error; `None` for what stops the sending.
fn said(warning: &Warning) -> Option<String> {
    match warning {
        Warning::NoRecipients | Warning::Address(_) => None,
        other => Some(crate::safe_text::line(&other.to_string())),
    }
}

/// What may come of it when something is sent of which nobody knows whether it was.
const MAYBE: &str = "It may have been sent already: whoever got it would get it twice. Look in \
     Sent (g t), or ask somebody who was to get it, first.";
/// The same where it was.
const SURELY: &str = "An earlier text of this was sent already: whoever got it gets this as well.";

/// Asks before something is sent once more that may have been sent.
pub(super) fn ask_again(model: &mut Model, row: &OutboxRow) -> Vec<Effect> {
    let now = Timestamp::from_millisecond(model.now_ms).map(|at| at.to_zoned(model.zone.clone()));
    let Ok(now) = now else { return Vec::new() };
    let draft = Draft { to: row.to.clone(), ..Draft::default() };
    let warnings = vec![MAYBE.to_owned()];
    let again = Some(Box::new(row.clone()));
    let asked = SendBox { again, ..SendBox::new(&draft, warnings, HOLD_SECONDS, now) };
    model.layers.push(Layer::Sending(asked));
    Vec::new()
}

/// What of a draft was sent before, or may have been: what that is, and what may come of it.
fn before(writing: &Writing, composer: &Composer) -> Option<(Option<EventId>, &'static str)> {
    if composer.doubtful {
        return Some((composer.again.clone(), MAYBE));
    }
    let thread = composer.thread.as_ref()?;
    let row = writing.outgoing.drafts.iter().find(|row| row.thread == *thread)?;
    let before = row.before.as_ref()?;
    Some((Some(before.queued.clone()), if before.surely { SURELY } else { MAYBE }))
}

/// Asks when to send, unless it cannot be sent: then it says why, where it is wrong.
pub fn ask(model: &mut Model) -> Vec<Effect> {
    let now = Timestamp::from_millisecond(model.now_ms).map(|at| at.to_zoned(model.zone.clone()));
    let before = model.writing.open.as_deref().and_then(|open| before(&model.writing, open));
    let (Some(composer), Ok(now)) = (model.writing.open.as_deref_mut(), now) else {
        return Vec::new();
    };
    let draft = composer.draft();
    let warnings = checks(&draft);
    if let Some(Warning::Address(error)) =
        warnings.iter().find(|w| matches!(w, Warning::Address(_)))
    {
        composer.go_to(error);
        model.say(Severity::Warning, error.to_string(), "not sent: mend it first");
    } else if warnings.contains(&Warning::NoRecipients) {
        composer.focus = Focus::To;
        model.say(Severity::Warning, "Nobody to send it to", "not sent: say to whom");
    } else if !composer.coming.is_empty() {
        model.say(Severity::Info, "A file is still being read", "not sent yet");
    } else {
        let mut warnings: Vec<String> = warnings.iter().filter_map(said).collect();
        if let Some((queued, says)) = before {
            // Who goes on behind the question knows it.
            composer.again = queued.or(composer.again.take());
            warnings.insert(0, says.to_owned());
        }
        let hold = draft.account.as_ref().and_then(|account| model.writing.holds.get(account));
        let hold = hold.copied().unwrap_or(HOLD_SECONDS);
        model.layers.push(Layer::Sending(SendBox::new(&draft, warnings, hold, now)));
    }
    Vec::new()
}

/// Enter in the box.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Sending(open)) = model.layers.last() else { return Vec::new() };
    let chosen = match open.choices() {
        Ok(choices) => choices.into_iter().nth(open.cursor),
        Err(wrong) => {
            model.say(Severity::Warning, wrong, format!("say {}", when::EXAMPLES));
            return Vec::new();
        }
    };
    let at_once = open.hold;
    let remind = REMINDERS.get(open.remind).and_then(|(_, seconds)| *seconds);
    let again = open.again.clone();
    model.layers.pop();
    let (hold, send_at) = match chosen {
        Some(Choice::Now) => (at_once, None),
        // Until its time it can be taken back anyway.
        Some(Choice::At(_, at)) => (0, Some(at)),
        Some(Choice::Back) | None => return Vec::new(),
    };
    let plan = Plan { hold, send_at, remind };
    match again {
        Some(row) => outgoing::again(model, &row, &plan),
        None => keeping::close(model, Then::Send(plan)),
    }
}
