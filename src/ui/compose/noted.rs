//! What the journal has of a draft that is open: asked for, answered, refused.
//!
//! Invariant: the journal has what it answered for, not what it was asked to keep. Answers come in
//! the order of the requests. This file must not ask by itself: `keeping` does.

use std::collections::VecDeque;

use crate::mail::compose::Draft;

/// How long a journal that refused rests, in milliseconds.
const REST_MS: i64 = 5_000;

/// What the journal has.
#[derive(Debug, Clone, Default)]
pub struct Noted {
    /// What it has, by its own word.
    has: Option<Draft>,
    /// What it was asked to keep and did not answer yet, oldest first.
    asked: VecDeque<Draft>,
    /// Whether it was told to forget all of it once the save is on disk.
    forgets: bool,
    /// When it refused last, Unix milliseconds.
    refused: Option<i64>,
}

impl Noted {
    /// Whether it has `draft`.
    #[must_use]
    pub fn has(&self, draft: &Draft) -> bool {
        self.has.as_ref() == Some(draft)
    }

    /// Whether it has `draft`, or will have unless it refuses: it need not be asked.
    #[must_use]
    pub fn gets(&self, draft: &Draft) -> bool {
        !self.forgets && self.asked.back().or(self.has.as_ref()) == Some(draft)
    }

    /// Whether there is something to forget that it was not told to.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.forgets && (self.has.is_some() || !self.asked.is_empty())
    }

    /// Whether it refused a moment ago.
    #[must_use]
    pub fn rests(&self, now_ms: i64) -> bool {
        self.refused.is_some_and(|at| now_ms - at < REST_MS)
    }

    /// It is asked to keep `draft`.
    pub fn ask(&mut self, draft: Draft) {
        self.forgets = false;
        self.asked.push_back(draft);
    }

    /// It answered: it has what it was asked to keep, or still what it had before.
    pub fn answered(&mut self, kept: bool, now_ms: i64) {
        let asked = self.asked.pop_front();
        if kept {
            (self.has, self.refused) = (asked, None);
        } else {
            self.refused = Some(now_ms);
        }
    }

    /// It is told to forget, once the save is on disk.
    pub const fn forget(&mut self) {
        self.forgets = true;
    }

    /// It has forgotten.
    pub fn forgot(&mut self) {
        self.has = None;
        self.forgets = false;
    }

    /// What it was told to forget is not saved after all, and stays.
    pub const fn keeps(&mut self) {
        self.forgets = false;
    }

    /// Something was put there by another hand.
    pub fn has_other(&mut self) {
        self.has.get_or_insert_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(body: &str) -> Draft {
        Draft { body: body.to_owned(), ..Draft::default() }
    }

    #[test]
    fn what_was_asked_for_counts_once_it_is_answered() {
        let mut noted = Noted::default();
        noted.ask(draft("a"));
        assert!(noted.gets(&draft("a")) && noted.holds() && !noted.has(&draft("a")));
        noted.ask(draft("b"));
        noted.answered(true, 1);
        assert!(noted.has(&draft("a")) && noted.gets(&draft("b")));
        noted.answered(false, 2);
        assert!(noted.has(&draft("a")) && !noted.gets(&draft("b")));
        assert!(noted.rests(3) && !noted.rests(2 + REST_MS));
    }

    #[test]
    fn what_is_forgotten_is_there_until_it_says_so() {
        let mut noted = Noted::default();
        noted.ask(draft("a"));
        noted.answered(true, 1);
        noted.forget();
        assert!(noted.has(&draft("a")) && !noted.holds() && !noted.gets(&draft("a")));
        noted.keeps();
        assert!(noted.gets(&draft("a")));
        noted.forget();
        noted.ask(draft("b"));
        noted.forgot();
        noted.answered(true, 2);
        assert!(noted.has(&draft("b")), "asked for behind it");
    }
}
