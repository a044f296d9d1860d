//! From a terminal's key event to a key of the registry.
//!
//! Invariant: pure. Modifiers that a legacy terminal cannot tell are folded into the key itself, so
//! that all terminals give the same keys.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::command::key::{Code, Key};

/// The keys of `event`; none for releases and for keys that are never bound. With Alt it is Esc and
/// the key: that is what a terminal sends for it, and what a fast hand sends for Esc and a key.
#[must_use]
pub fn keys(event: &KeyEvent) -> Vec<Key> {
    let escape = event.modifiers.contains(KeyModifiers::ALT).then_some(Key::plain(Code::Esc));
    let key = key(event);
    if key.is_some() { escape.into_iter().chain(key).collect() } else { Vec::new() }
}

fn key(event: &KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let code = match event.code {
        KeyCode::Char(c) if ctrl => Code::Char(c.to_ascii_lowercase()),
        KeyCode::Char(c) if c.is_control() => return None,
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => Code::BackTab,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        _ => return None,
    };
    Some(match (code, ctrl) {
        // What these are on a terminal without the newer keyboard protocols.
        (Code::Char('j' | 'm'), true) => Key::plain(Code::Enter),
        (Code::Char('i'), true) => Key::plain(Code::Tab),
        (Code::Char('['), true) => Key::plain(Code::Esc),
        (Code::Char(_), _) => Key { code, ctrl },
        (_, _) => Key::plain(code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: KeyCode, modifiers: KeyModifiers, shown: &str) {
        let found: Vec<String> =
            keys(&KeyEvent::new(code, modifiers)).iter().map(Key::to_string).collect();
        assert_eq!(found.join(" "), shown, "{code:?} {modifiers:?}");
    }

    #[test]
    fn all_terminals_give_the_same_keys() {
        check(KeyCode::Char('G'), KeyModifiers::SHIFT, "G");
        check(KeyCode::Char('d'), KeyModifiers::CONTROL, "C-d");
        check(KeyCode::Char('i'), KeyModifiers::CONTROL, "Tab");
        check(KeyCode::Tab, KeyModifiers::SHIFT, "S-Tab");
        check(KeyCode::BackTab, KeyModifiers::SHIFT, "S-Tab");
        check(KeyCode::Char('x'), KeyModifiers::ALT, "Esc x");
        check(KeyCode::F(1), KeyModifiers::NONE, "");
        check(KeyCode::Char('\u{1b}'), KeyModifiers::NONE, "");
    }
}
