//! What is shown of a conversation, turned by a key: quotes, headers, what is looked for.
//!
//! Invariant: what was seen stays in sight, whatever comes in above it; what is found is gone to.

use std::collections::HashMap;

use super::Reader;
use crate::id::MessageId;
use crate::search::Needles;

/// Where the first line that is seen stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    /// Its message.
    message: usize,
    /// Lines from the head of that.
    below: usize,
    /// Whether the first place that is found from there on is gone to.
    seeks: bool,
}

/// What was marked, folded and in sight before something is looked for.
#[derive(Debug, Clone)]
pub struct State {
    needles: Option<Needles>,
    finding: bool,
    folds: HashMap<MessageId, bool>,
    seen: Kept,
    from: Kept,
}

impl Reader {
    /// Unfolds or folds the long quotes of the message that keys are for.
    pub fn turn_quotes(&mut self) {
        let id = self.messages.as_ref().and_then(|all| all.get(self.current)).map(|m| m.id.clone());
        if let Some(id) = id {
            if !self.quotes.remove(&id) {
                self.quotes.insert(id);
            }
            self.anew(self.top, false);
        }
    }

    /// Shows headers in full, or as before.
    pub fn turn_headers(&mut self) {
        self.headers = !self.headers;
        // They stand below the head of what is read.
        let top = if self.headers { self.head_of(self.current) } else { self.top };
        self.anew(top, false);
    }

    /// What is marked, folded and in sight.
    #[must_use]
    pub fn state(&self) -> State {
        let below = self.head_of(self.current).max(self.top);
        State {
            needles: self.needles.clone(),
            finding: self.finding,
            folds: self.folds.clone(),
            seen: self.kept(self.top, false),
            from: self.kept(below, true),
        }
    }

    /// As it was then.
    pub fn restore(&mut self, state: State) {
        (self.needles, self.finding, self.folds) = (state.needles, state.finding, state.folds);
        self.keeps = Some(state.seen);
        self.width = 0;
    }

    /// Looks for this, from where it was in `state` on.
    pub fn find(&mut self, needles: Needles, state: &State) {
        (self.needles, self.finding) = (Some(needles), true);
        if let Some(messages) = self.messages.take() {
            self.unfold_found(&messages);
            self.messages = Some(messages);
        }
        self.keeps = Some(state.from);
        self.width = 0;
    }

    /// Marks what a search found, or nothing; what is seen stays.
    pub fn end_find(&mut self, needles: Option<Needles>) {
        (self.needles, self.finding) = (needles, false);
        self.anew(self.top, false);
    }

    /// The lines are laid out anew.
    fn anew(&mut self, top: usize, seeks: bool) {
        self.keeps = Some(self.kept(top, seeks));
        self.width = 0;
    }

    fn kept(&self, top: usize, seeks: bool) -> Kept {
        let message = self.lines.get(top).map_or(0, |line| line.message);
        let below = top.saturating_sub(self.head_of(message));
        Kept { message, below, seeks }
    }

    fn head_of(&self, message: usize) -> usize {
        self.lines.iter().position(|line| line.message == message).unwrap_or(0)
    }

    /// What was seen is in sight again.
    pub(super) fn put_back(&mut self, kept: Kept) {
        let head = self.head_of(kept.message);
        let lines = self.lines[head..].iter().take_while(|line| line.message == kept.message);
        let last = lines.count().saturating_sub(1);
        self.top = (head + kept.below.min(last)).min(self.last_top());
        if kept.seeks && !self.hits.is_empty() {
            let from = self.hits.partition_point(|(line, _)| *line < self.top);
            self.show_hit(if from < self.hits.len() { from } else { 0 });
        }
    }
}
