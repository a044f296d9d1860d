//! Links that the terminal opens itself (OSC 8): where they stand on the screen, and their bytes.
//!
//! Invariant: pure. Nothing of mail reaches the terminal here but a target that is an address of
//! the web or of mail, as a browser reads it, in printable ASCII and of a bounded length; and a
//! cell is linked only where it shows what the link was made for. Whether a link is to be trusted
//! is not decided here: see [`crate::mail::links`].

use std::ffi::OsString;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use crate::ui::text;

/// The longest target that terminals take, in bytes (VTE has the least).
const MAX_TARGET_BYTES: usize = 2_083;
/// Links of a frame; what is more is text.
pub const MAX_ANCHORS: usize = 500;
/// Ends a link.
pub const END: &[u8] = b"\x1b]8;;\x1b\\";

/// A part of a row that leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Where it begins.
    pub at: Position,
    /// What stands there; where another thing does, nothing is linked.
    pub text: String,
    /// Where it leads.
    pub target: Target,
    /// Parts of one link have one number, so that the terminal shows them as one.
    pub number: u64,
}

/// A target that may be written to a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Arc<str>);

impl Target {
    /// A target as a browser reads it; `None` where it is another thing, or too long.
    #[must_use]
    pub fn of(target: &str) -> Option<Self> {
        let known = ["https://", "http://", "mailto:"].iter().any(|s| target.starts_with(s));
        let plain = target.bytes().all(|byte| byte.is_ascii_graphic());
        (known && plain && target.len() <= MAX_TARGET_BYTES).then(|| Self(target.into()))
    }
}

impl Anchor {
    /// The bytes that begin it.
    #[must_use]
    pub fn begin(&self) -> Vec<u8> {
        format!("\x1b]8;id={};{}\x1b\\", self.number, self.target.0).into_bytes()
    }

    /// Columns that it takes.
    #[must_use]
    pub fn columns(&self) -> u16 {
        u16::try_from(text::width(&self.text)).unwrap_or(u16::MAX)
    }

    /// Whether the cells show what it was made for.
    #[must_use]
    pub fn is_shown(&self, cells: &Buffer) -> bool {
        let end = self.at.x.saturating_add(self.columns());
        if self.text.is_empty() || self.at.y >= cells.area.bottom() || end > cells.area.right() {
            return false;
        }
        let (mut x, mut left) = (self.at.x, self.text.as_str());
        while x < end {
            let symbol = cells[(x, self.at.y)].symbol();
            let Some(rest) = left.strip_prefix(symbol) else { return false };
            left = rest;
            x += u16::try_from(text::width(symbol)).unwrap_or(1).max(1);
        }
        left.is_empty()
    }
}

/// Whether the terminal of this environment has such links. It is not asked: who does not know them
/// should ignore them, and some do not.
#[must_use]
pub fn known(env: &dyn Fn(&str) -> Option<OsString>) -> bool {
    const TERMS: [&str; 8] =
        ["xterm-kitty", "xterm-ghostty", "foot", "alacritty", "contour", "rio", "wezterm", "tmux"];
    const PROGRAMS: [&str; 7] =
        ["kitty", "ghostty", "WezTerm", "rio", "iTerm.app", "vscode", "WarpTerminal"];
    /// VTE before 0.50 showed them as text.
    const VTE_FROM: u32 = 5_000;
    let set = |name: &str| {
        env(name).filter(|value| !value.is_empty()).map(|v| v.to_string_lossy().into_owned())
    };
    let term = set("TERM").unwrap_or_default();
    if ["", "dumb", "linux"].contains(&term.as_str()) || term.starts_with("vt") {
        return false;
    }
    let vte = set("VTE_VERSION").and_then(|version| version.parse::<u32>().ok());
    TERMS.iter().any(|known| term.starts_with(known))
        || set("TERM_PROGRAM").is_some_and(|program| PROGRAMS.contains(&program.as_str()))
        || vte.is_some_and(|version| version >= VTE_FROM)
        || ["TMUX", "KITTY_WINDOW_ID", "WT_SESSION", "KONSOLE_VERSION"]
            .iter()
            .any(|name| set(name).is_some())
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn no_target_is_other_than_an_address_in_plain_letters() {
        for (target, fits) in [
            ("https://example.org/a;b?c=d#e", true),
            ("http://xn--e1afmkfd.example/%D0%BF", true),
            ("mailto:ann@example.org?subject=Hi%20there", true),
            ("ftp://example.org/", false),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("https://example.org/\u{1b}]0;x\u{7}", false),
            ("https://example.org/\u{9c}", false),
            ("https://example.org/a b", false),
            ("https://пример.example/", false),
            ("https://example.org/\n", false),
            ("", false),
        ] {
            assert_eq!(Target::of(target).is_some(), fits, "{target:?}");
        }
        assert_eq!(Target::of(&format!("https://example.org/{}", "a".repeat(3_000))), None);
    }

    #[test]
    fn what_is_covered_is_not_linked() {
        let mut cells = Buffer::empty(Rect::new(0, 0, 20, 2));
        cells.set_string(2, 1, "to 日本.example", Style::new());
        let anchor = |x, y, text: &str| Anchor {
            at: Position { x, y },
            text: text.to_owned(),
            target: Target::of("https://example.org/").unwrap(),
            number: 7,
        };
        assert!(anchor(5, 1, "日本.example").is_shown(&cells));
        assert!(!anchor(5, 1, "日本.exbmple").is_shown(&cells));
        assert!(!anchor(5, 0, "日本.example").is_shown(&cells));
        assert!(!anchor(6, 1, "本.example").is_shown(&cells), "it begins inside a sign");
        assert!(!anchor(18, 1, "example").is_shown(&cells));
        assert!(!anchor(5, 9, "日").is_shown(&cells));
        assert!(!anchor(5, 1, "").is_shown(&cells));
        let begun = anchor(5, 1, "x").begin();
        assert_eq!(begun, b"\x1b]8;id=7;https://example.org/\x1b\\");
    }

    #[test]
    fn who_might_show_them_as_text_gets_none() {
        let check = |env: &[(&str, &str)], has: bool| {
            let found = known(&|name| {
                env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            });
            assert_eq!(found, has, "{env:?}");
        };
        check(&[("TERM", "xterm-kitty")], true);
        check(&[("TERM", "tmux-256color")], true);
        check(&[("TERM", "screen-256color"), ("TMUX", "/tmp/x")], true);
        check(&[("TERM", "screen-256color")], false);
        check(&[("TERM", "xterm-256color")], false);
        check(&[("TERM", "xterm-256color"), ("VTE_VERSION", "7603")], true);
        check(&[("TERM", "xterm-256color"), ("VTE_VERSION", "4800")], false);
        check(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], true);
        check(&[("TERM", "linux"), ("KITTY_WINDOW_ID", "1")], false);
        check(&[("TERM", "dumb"), ("TMUX", "x")], false);
        check(&[], false);
    }
}
