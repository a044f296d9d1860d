//! What the terminal's events mean to the model.
//!
//! Invariant: pure; what means nothing is nothing, and no event is two things.

use crossterm::event::{
    Event, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::ui::app::Message;
use crate::ui::keymap;
use crate::ui::mouse::{Does, Mouse};

/// What input means; while something is `written`, a key with Alt means nothing: as Esc and the key
/// it would leave the draft and do something to mail.
pub(super) fn messages(event: Event, written: bool) -> Vec<Message> {
    match event {
        Event::Key(key) if written && key.modifiers.contains(KeyModifiers::ALT) => Vec::new(),
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            keymap::keys(&key).into_iter().map(Message::Key).collect()
        }
        Event::Paste(text) => vec![Message::Paste(text)],
        Event::Mouse(event) => mouse(event).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// With Shift the terminal selects text, where it passes that on at all.
fn mouse(event: MouseEvent) -> Option<Message> {
    let does = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => Does::Press,
        MouseEventKind::Drag(MouseButton::Left) => Does::Drag,
        MouseEventKind::Up(MouseButton::Left) => Does::Release,
        MouseEventKind::ScrollDown => Does::Wheel(true),
        MouseEventKind::ScrollUp => Does::Wheel(false),
        _ => return None,
    };
    let plain = !event.modifiers.contains(KeyModifiers::SHIFT);
    plain.then_some(Message::Mouse(Mouse { does, at: (event.column, event.row) }))
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

    #[test]
    fn the_mouse_is_a_press_or_the_wheel_and_shift_is_the_terminals() {
        let check = |kind, modifiers, does: Option<Does>| {
            let found = mouse(MouseEvent { kind, column: 7, row: 3, modifiers });
            let found = found.map(|message| match message {
                Message::Mouse(mouse) => mouse,
                other => panic!("{other:?}"),
            });
            assert_eq!(found, does.map(|does| Mouse { does, at: (7, 3) }), "{kind:?}");
        };
        let (left, none) = (MouseButton::Left, KeyModifiers::NONE);
        check(MouseEventKind::Down(left), none, Some(Does::Press));
        check(MouseEventKind::Down(left), KeyModifiers::SHIFT, None);
        check(MouseEventKind::Up(left), none, Some(Does::Release));
        check(MouseEventKind::Drag(left), none, Some(Does::Drag));
        check(MouseEventKind::Drag(MouseButton::Right), none, None);
        check(MouseEventKind::Down(MouseButton::Middle), none, None);
        check(MouseEventKind::ScrollDown, none, Some(Does::Wheel(true)));
        check(MouseEventKind::ScrollUp, none, Some(Does::Wheel(false)));
        check(MouseEventKind::Moved, none, None);
    }
}
