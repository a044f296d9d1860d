//! What the terminal is told to report and to do while it is ours: the mouse, the focus, keys that
//! can be told apart, whole frames.
//!
//! Invariant: pure; bytes by what the environment says. What was switched on is switched off, once,
//! in the reverse order: a terminal counts how often keys were switched.

use std::ffi::OsString;

/// The terminal's modes that are ours to switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    /// It reports presses, the wheel and drags (xterm's 1002 and 1006). With Shift it selects text
    /// itself.
    pub mouse: bool,
    /// It says when it has the focus and when not (1004).
    pub focus: bool,
    /// It tells keys apart that were one (kitty's keyboard protocol, level 1): Esc is no beginning.
    pub keys: bool,
    /// It shows a frame when all of it is there (2026).
    pub whole: bool,
}

/// A frame begins.
pub const FRAME: &[u8] = b"\x1b[?2026h";
/// It ends.
pub const FRAME_END: &[u8] = b"\x1b[?2026l";

/// What the terminal of this environment can be told. It is not asked: who does not know a private
/// mode ignores it, and a console, which may not, is told nothing.
#[must_use]
pub fn of(env: &dyn Fn(&str) -> Option<OsString>) -> Modes {
    const KEYS: [&str; 7] =
        ["xterm-kitty", "xterm-ghostty", "foot", "alacritty", "contour", "rio", "wezterm"];
    let set = |name: &str| {
        env(name).filter(|value| !value.is_empty()).map(|v| v.to_string_lossy().into_owned())
    };
    let term = set("TERM").unwrap_or_default();
    let plain = ["", "dumb", "linux"].contains(&term.as_str()) || term.starts_with("vt");
    let inside = set("TMUX").is_some() || term.starts_with("tmux") || term.starts_with("screen");
    let program = set("TERM_PROGRAM").unwrap_or_default();
    let knows = KEYS.iter().any(|known| term.starts_with(known))
        || ["kitty", "ghostty", "WezTerm", "rio"].contains(&program.as_str())
        || set("KITTY_WINDOW_ID").is_some();
    Modes { mouse: !plain, focus: !plain, keys: knows && !plain && !inside, whole: !plain }
}

impl Modes {
    /// The bytes that switch them on.
    #[must_use]
    pub fn on(self) -> Vec<u8> {
        [
            (self.mouse, "\x1b[?1002h\x1b[?1006h"),
            (self.focus, "\x1b[?1004h"),
            (self.keys, "\x1b[>1u"),
        ]
        .iter()
        .filter(|(is, _)| *is)
        .flat_map(|(_, bytes)| bytes.bytes())
        .collect()
    }

    /// The bytes that switch them off.
    #[must_use]
    pub fn off(self) -> Vec<u8> {
        [
            (self.keys, "\x1b[<1u"),
            (self.focus, "\x1b[?1004l"),
            (self.mouse, "\x1b[?1006l\x1b[?1002l"),
        ]
        .iter()
        .filter(|(is, _)| *is)
        .flat_map(|(_, bytes)| bytes.bytes())
        .collect()
    }

    /// As a number, to be kept where a dying thread finds it.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.mouse as u8
            | (self.focus as u8) << 1
            | (self.keys as u8) << 2
            | (self.whole as u8) << 3
    }

    /// Of such a number.
    #[must_use]
    pub fn of_bits(bits: u8) -> Self {
        let is = |at: u8| bits & (1 << at) != 0;
        Self { mouse: is(0), focus: is(1), keys: is(2), whole: is(3) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(env: &[(&str, &str)], mouse: bool, keys: bool) {
        let found = of(&|name| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        });
        let expected = Modes { mouse, focus: mouse, keys, whole: mouse };
        assert_eq!(found, expected, "{env:?}");
        assert_eq!(Modes::of_bits(found.bits()), found);
    }

    #[test]
    fn who_may_take_a_mode_for_something_else_is_told_nothing() {
        check(&[("TERM", "xterm-256color")], true, false);
        check(&[("TERM", "xterm-kitty")], true, true);
        check(&[("TERM", "foot-extra")], true, true);
        check(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")], true, true);
        check(&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")], true, true);
        // Whoever stands between does not pass it on.
        check(&[("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1")], true, false);
        check(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")], true, false);
        check(&[("TERM", "linux"), ("KITTY_WINDOW_ID", "1")], false, false);
        check(&[("TERM", "vt220")], false, false);
        check(&[("TERM", "dumb")], false, false);
        check(&[], false, false);
    }

    #[test]
    fn what_is_on_is_switched_off_in_reverse() {
        let all = Modes { mouse: true, focus: true, keys: true, whole: true };
        assert_eq!(all.on(), b"\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[>1u");
        assert_eq!(all.off(), b"\x1b[<1u\x1b[?1004l\x1b[?1006l\x1b[?1002l");
        assert_eq!(Modes::default().on(), b"");
    }
}
