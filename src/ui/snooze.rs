//! The box that asks until when conversations sleep: times to choose from, and a line to type one.
//!
//! Invariant: what is chosen is for the rows as they were drawn when the box opened, and the times
//! are those that it showed.

use jiff::{Timestamp, Zoned};

use crate::command::context::Subject;
use crate::command::motion::Motion;
use crate::command::{snooze, when};
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::keys;
use crate::ui::line::Line;

/// The box.
#[derive(Debug, Clone)]
pub struct SnoozeBox {
    /// The rows it is for.
    pub subjects: Vec<Subject>,
    /// What is typed.
    pub line: Line,
    /// The choice under the cursor.
    pub cursor: usize,
    /// When it was opened.
    now: Zoned,
    offered: Vec<Choice>,
}

/// A choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// Unix seconds; `None` ends the snooze now.
    pub until: Option<i64>,
}

impl SnoozeBox {
    fn new(subjects: Vec<Subject>, now: Zoned) -> Self {
        let choice = |name: &str, until| Choice { name: name.to_owned(), until };
        let offered = when::offered(&now).into_iter();
        let mut offered: Vec<Choice> =
            offered.map(|(name, until)| choice(name, Some(until))).collect();
        if snooze::all_sleep(&subjects) {
            offered.insert(0, choice("Wake now", None));
        }
        Self { subjects, line: Line::default(), cursor: 0, now, offered }
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
        let until = when::read(typed, &self.now)?;
        Ok(vec![Choice { name: "Until".to_owned(), until: Some(until) }])
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
}

/// Opens the box for the rows of the command.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let subjects = keys::subjects(model);
    let now = Timestamp::from_millisecond(model.now_ms).map(|at| at.to_zoned(model.zone.clone()));
    if let (false, Ok(now)) = (subjects.is_empty(), now) {
        model.notice = None;
        model.layers.push(Layer::Snooze(SnoozeBox::new(subjects, now)));
    }
    Vec::new()
}

/// Enter in the box.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::Snooze(open)) = model.layers.last() else { return Vec::new() };
    let chosen = match open.choices() {
        Ok(choices) => choices.into_iter().nth(open.cursor),
        Err(wrong) => {
            model.say(Severity::Warning, wrong, format!("say {}", when::EXAMPLES));
            return Vec::new();
        }
    };
    let intent = chosen.and_then(|choice| match choice.until {
        Some(until) => snooze::until(&open.subjects, until),
        None => snooze::wake(&open.subjects),
    });
    model.layers.pop();
    keys::triage(model, intent)
}
