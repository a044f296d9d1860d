//! What is written and kept nowhere when the program ends: whoever started the interface puts it
//! where the next start finds it.
//!
//! Invariant: a draft that was saved or that the journal has is none of these. It only reads.

use std::collections::VecDeque;

use super::composer::{Composer, Then, Typed};
use super::desk::Leftover;
use crate::command::key::Code;
use crate::ui::app::Model;

/// What would be lost.
#[must_use]
pub fn unkept(model: &Model) -> Vec<Leftover> {
    let writing = &model.writing;
    let all = writing.open.as_deref().into_iter().chain(&writing.leaving);
    all.filter(|composer| composer.then != Some(Then::Discard)).filter_map(left).collect()
}

fn left(composer: &Composer) -> Option<Leftover> {
    let mut draft = composer.draft();
    let words = words(&composer.held);
    if !words.is_empty() {
        draft.body = if draft.body.is_empty() { words } else { format!("{}\n{words}", draft.body) };
    }
    let kept = composer.kept.as_ref();
    let is_kept = composer.noted.has(&draft) || kept.is_some_and(|(.., kept)| *kept == draft);
    let blank = draft == composer.begun || draft.is_blank();
    if is_kept || (blank && composer.coming.is_empty() && composer.saved.is_none()) {
        return None;
    }
    let (thread, from) = kept.map(|(thread, from, _)| (thread.clone(), from.clone())).unzip();
    Some(Leftover { slot: composer.slot, thread, from, draft })
}

/// The words among what was typed: keys that do something are none.
pub(super) fn words(held: &VecDeque<Typed>) -> String {
    let mut words = String::new();
    for typed in held {
        match typed {
            Typed::Paste(text) => words.push_str(text),
            Typed::Key(key) if key.code == Code::Enter && !key.ctrl => words.push('\n'),
            Typed::Key(key) => words.extend(key.typed()),
        }
    }
    if words.trim().is_empty() { String::new() } else { words }
}
