//! Panels about the program itself, and the notices that one of them shows.
//!
//! Invariant: values; what was said is kept as it was said, the last [`KEPT`] of it.

use std::collections::VecDeque;

use crate::command::panels::Shows;
use crate::engine::handle::Request;
use crate::engine::view::Link;
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model, Shown};
use crate::ui::asking;
use crate::ui::meter::Figures;
use crate::ui::update::ask;

/// Notices that are kept.
pub const KEPT: usize = 200;

/// A panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panel {
    /// What it shows.
    pub shows: Shows,
    /// Lines that it is scrolled by.
    pub top: usize,
}

/// What was said, the last one last.
#[derive(Debug, Clone, Default)]
pub struct Log(VecDeque<Said>);

/// Something that was said, and how many times in a row.
#[derive(Debug, Clone)]
pub struct Said {
    /// What, and when last.
    pub notice: Shown,
    /// How many times.
    pub times: u64,
}

impl Log {
    /// Keeps what is said.
    pub fn keep(&mut self, notice: Shown) {
        match self.0.back_mut() {
            Some(last) if last.notice.text == notice.text && last.notice.hint == notice.hint => {
                last.times = last.times.saturating_add(1);
                last.notice = notice;
            }
            _ => self.0.push_back(Said { notice, times: 1 }),
        }
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// What was said, the last first.
    pub fn newest(&self) -> impl Iterator<Item = &Said> {
        self.0.iter().rev()
    }

    /// How much of it went wrong.
    #[must_use]
    pub fn wrong(&self) -> usize {
        self.0.iter().filter(|said| said.notice.severity > Severity::Info).count()
    }
}

/// Says the first of these lines; all of them stand among the notices, in their order.
pub fn complain(model: &mut Model, lines: Vec<String>, alone: &str) {
    let more = lines.len().saturating_sub(1);
    let hint = match (more, asking::hint(model, "notices", "")) {
        (0, _) => alone.to_owned(),
        (more, key) if key.is_empty() => format!("and {more} more"),
        (more, key) => format!("and {more} more: {key}shows them"),
    };
    let mut lines = lines.into_iter();
    let Some(first) = lines.next() else { return };
    for text in lines.rev().take(KEPT) {
        let (severity, since) = (Severity::Warning, model.now_ms);
        model.said.keep(Shown { severity, text, hint: String::new(), since });
    }
    model.say(Severity::Warning, first, hint);
}

/// Opens a panel.
pub fn open(model: &mut Model, shows: Shows) -> Vec<Effect> {
    model.layers.push(Layer::Panel(Panel { shows, top: 0 }));
    match shows {
        // What was counted before is seen until it is counted anew.
        Shows::Stats => ask([Request::Stats(model.now())]),
        Shows::Notices => Vec::new(),
    }
}

/// Remembers since when there is no connection; one that is tried again was not there meanwhile.
pub fn connection(model: &mut Model, link: Link) {
    match link {
        Link::Offline | Link::Refused => {
            model.offline_since.get_or_insert(model.now_ms);
        }
        Link::Connecting => {}
        Link::Online { .. } | Link::Syncing { .. } => model.offline_since = None,
    }
}

/// Shows how fast keys are drawn, or no more.
pub fn latency(model: &mut Model) -> Vec<Effect> {
    model.latency = match model.latency {
        None => Some(Figures::default()),
        Some(_) => None,
    };
    Vec::new()
}

/// What was measured, where it is shown.
pub fn measured(model: &mut Model, figures: Figures) {
    if model.latency.is_some() {
        model.latency = Some(figures);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_kept_and_what_is_said_again_is_counted() {
        let said = |text: &str, severity, since| Shown {
            severity,
            text: text.to_owned(),
            hint: String::new(),
            since,
        };
        let mut log = Log::default();
        log.keep(said("one", Severity::Info, 1));
        log.keep(said("two", Severity::Error, 2));
        log.keep(said("two", Severity::Error, 3));
        let kept: Vec<_> =
            log.newest().map(|s| (s.notice.text.as_str(), s.times, s.notice.since)).collect();
        assert_eq!((kept, log.wrong()), (vec![("two", 2, 3), ("one", 1, 1)], 1));
        for n in 0..2 * KEPT {
            log.keep(said(&n.to_string(), Severity::Info, 4));
        }
        assert_eq!(log.newest().count(), KEPT);
        assert_eq!(log.newest().next().unwrap().notice.text, (2 * KEPT - 1).to_string());
    }
}
