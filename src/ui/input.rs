//! What the terminal's events mean to the model.
//!
//! Invariant: pure; what means nothing is nothing, and no event is two things.

use crossterm::event::{Event, KeyEventKind, KeyModifiers};

use crate::ui::app::Message;
use crate::ui::keymap;

/// What input means; while something is `written`, a key with Alt means nothing: as Esc and the key
/// it would leave the draft and do something to mail.
pub(super) fn messages(event: Event, written: bool) -> Vec<Message> {
    match event {
        Event::Key(key) if written && key.modifiers.contains(KeyModifiers::ALT) => Vec::new(),
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            keymap::keys(&key).into_iter().map(Message::Key).collect()
        }
        Event::Paste(text) => vec![Message::Paste(text)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent};

    use super::*;

    #[test]
    fn releases_and_the_focus_are_no_input() {
        let mut key = KeyEvent::new(KeyCode::Char('e'), KeyModifiers::NONE);
        assert_eq!(messages(Event::Key(key), false).len(), 1);
        key.kind = KeyEventKind::Release;
        assert!(messages(Event::Key(key), false).is_empty());
        assert!(messages(Event::FocusGained, false).is_empty());
        let alt = KeyEvent::new(KeyCode::Char('e'), KeyModifiers::ALT);
        assert_eq!(messages(Event::Key(alt), false).len(), 2);
        assert!(messages(Event::Key(alt), true).is_empty());
    }
}
