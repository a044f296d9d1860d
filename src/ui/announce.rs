//! What reaches the terminal beside its cells: the title, notices of new mail, the bell.
//!
//! Invariant: pure; bytes for a terminal that understands them, by what its environment says.
//! Every text is cleaned here once more, so that no subject can end a sequence and begin another.

use std::ffi::OsString;

use crate::safe_text;
use crate::ui::osc8;

/// Characters of a notice at most.
const NOTICE_CHARS: usize = 160;

/// So long after something was done here, what becomes unread is its doing, in milliseconds.
const OWN_MS: i64 = 3_000;
/// What comes within so long is one burst, in milliseconds.
const BURST_MS: i64 = 4_000;

/// What a terminal may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tells {
    /// Its title can be set.
    pub title: bool,
    /// It opens links itself.
    pub links: bool,
    /// How it shows a notice.
    pub notice: Shows,
}

/// How a terminal shows a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shows {
    /// Not at all; also not by a bell.
    #[default]
    Nothing,
    /// By the bell alone.
    Bell,
    /// By OSC 9, as iTerm2 began it, and the bell.
    Osc9,
    /// By OSC 777, as urxvt began it, and the bell.
    Osc777,
}

/// What the terminal of this environment may be told; `MAILTUI_NOTIFY` says otherwise: `off`,
/// `bell`, `osc9` or `osc777`.
#[must_use]
pub fn of(env: &dyn Fn(&str) -> Option<OsString>) -> Tells {
    let set = |name: &str| {
        env(name).filter(|value| !value.is_empty()).map(|v| v.to_string_lossy().into_owned())
    };
    let term = set("TERM").unwrap_or_default();
    // A console takes such sequences for others, or prints them.
    let plain = ["", "dumb", "linux"].contains(&term.as_str()) || term.starts_with("vt");
    let program = set("TERM_PROGRAM").unwrap_or_default();
    let multiplexer = term.starts_with("screen") || term.starts_with("tmux");
    let own = || match () {
        () if plain || multiplexer || set("TMUX").is_some() => Shows::Bell,
        () if ["foot", "rxvt"].iter().any(|known| term.starts_with(known)) => Shows::Osc777,
        () if set("VTE_VERSION").is_some() => Shows::Osc777,
        () if ["iTerm.app", "WezTerm", "ghostty"].contains(&program.as_str()) => Shows::Osc9,
        () if ["xterm-kitty", "xterm-ghostty"].contains(&term.as_str()) => Shows::Osc9,
        () if set("WT_SESSION").is_some() => Shows::Osc9,
        () => Shows::Bell,
    };
    let notice = match set("MAILTUI_NOTIFY").as_deref() {
        Some("off" | "0" | "no" | "none") => Shows::Nothing,
        Some("bell") => Shows::Bell,
        Some("osc9") => Shows::Osc9,
        Some("osc777") => Shows::Osc777,
        _ => own(),
    };
    Tells { title: !plain, links: osc8::known(env), notice }
}

/// What the inbox of a device of another backend was when it was last caught up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watch {
    /// Unread conversations; `None` before it was caught up.
    unread: Option<u64>,
    /// When the last notice was made, Unix milliseconds.
    told: i64,
    /// When something was last done here, Unix milliseconds.
    pub did: i64,
}

impl Watch {
    /// How many conversations more are unread, when that is to be told. Such a device knows no
    /// accounts; what it knows is its rows. What it did itself is nothing new, nor is what it takes
    /// in while it catches up for the first time.
    pub fn more(&mut self, caught_up: bool, unread: u64, now: i64) -> Option<u64> {
        if !caught_up {
            return None;
        }
        let own = now - self.did < OWN_MS;
        let Some(before) = self.unread.filter(|before| *before < unread && !own) else {
            self.unread = Some(unread);
            return None;
        };
        if now - self.told < BURST_MS {
            return None;
        }
        (self.unread, self.told) = (Some(unread), now);
        Some(unread - before)
    }
}

/// Keeps the title that is there, to be put back at the end (XTWINOPS 22).
pub const KEEP_TITLE: &[u8] = b"\x1b[22;2t";
/// Puts it back (XTWINOPS 23).
pub const TITLE_BACK: &[u8] = b"\x1b[23;2t";

/// The title with the count of unread conversations in the inbox.
#[must_use]
pub fn title(unread: u64) -> String {
    if unread == 0 { "mailtui".to_owned() } else { format!("({unread}) mailtui") }
}

/// Sets the title.
#[must_use]
pub fn title_bytes(title: &str) -> Vec<u8> {
    format!("\x1b]2;{}\x07", safe(title)).into_bytes()
}

/// Shows a notice.
#[must_use]
pub fn notice_bytes(shows: Shows, text: &str) -> Vec<u8> {
    let text = safe(text);
    match shows {
        Shows::Nothing => Vec::new(),
        Shows::Bell => b"\x07".to_vec(),
        // It begins with a word, since some terminals take OSC 9 with a number for an order.
        Shows::Osc9 => format!("\x1b]9;mailtui: {text}\x07\x07").into_bytes(),
        Shows::Osc777 => {
            // The third field ends the sequence, so that it may have any sign.
            format!("\x1b]777;notify;mailtui;{text}\x07\x07").into_bytes()
        }
    }
}

fn safe(text: &str) -> String {
    safe_text::line(text).chars().take(NOTICE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_what_it_understands() {
        let check = |env: &[(&str, &str)], title: bool, notice: Shows| {
            let tells = of(&|name| {
                env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            });
            assert_eq!((tells.title, tells.notice), (title, notice), "{env:?}");
        };
        check(&[("TERM", "xterm-256color")], true, Shows::Bell);
        check(&[("TERM", "linux")], false, Shows::Bell);
        check(&[("TERM", "foot")], true, Shows::Osc777);
        check(&[("TERM", "xterm-256color"), ("VTE_VERSION", "7600")], true, Shows::Osc777);
        check(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], true, Shows::Osc9);
        check(&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "WezTerm")], true, Shows::Bell);
        check(&[("TERM", "foot"), ("MAILTUI_NOTIFY", "off")], true, Shows::Nothing);
        check(&[("TERM", "xterm"), ("MAILTUI_NOTIFY", "osc9")], true, Shows::Osc9);
    }

    #[test]
    fn a_device_of_another_backend_tells_by_its_inbox() {
        let mut watch = Watch::default();
        let mut at = |caught_up, unread, now| watch.more(caught_up, unread, now);
        assert_eq!(at(false, 3, 10_000), None, "not caught up yet");
        assert_eq!(at(true, 900, 20_000), None, "the first time");
        assert_eq!(at(true, 902, 30_000), Some(2));
        assert_eq!(at(true, 902, 40_000), None, "none twice");
        assert_eq!(at(true, 700, 50_000), None);
        assert_eq!(at(false, 705, 60_000), None, "while it catches up again");
        assert_eq!(at(true, 710, 70_000), Some(10), "then all at once");
        assert_eq!(at(true, 711, 71_000), None, "a burst");
        assert_eq!(at(true, 712, 75_000), Some(2));
        watch.did = 90_000;
        assert_eq!(watch.more(true, 713, 90_500), None, "marked as unread here");
        assert_eq!(watch.more(true, 713, 99_000), None);
    }

    #[test]
    fn no_text_ends_a_sequence() {
        let hostile = "a\x07b\x1b\\c\u{9c}d\u{9d}2;x\u{202e}\r\n;";
        for bytes in [
            notice_bytes(Shows::Osc9, hostile),
            notice_bytes(Shows::Osc777, hostile),
            title_bytes(hostile),
        ] {
            let text = String::from_utf8(bytes).unwrap();
            let inside = text.strip_prefix("\x1b]").unwrap().trim_end_matches('\x07');
            assert!(!inside.chars().any(char::is_control), "{inside:?}");
            assert!(!inside.contains('\u{202e}'), "{inside:?}");
        }
        assert_eq!(notice_bytes(Shows::Bell, hostile), b"\x07");
        assert!(notice_bytes(Shows::Nothing, hostile).is_empty());
        assert_eq!((title(0), title(3)), ("mailtui".to_owned(), "(3) mailtui".to_owned()));
    }
}
