//! What the terminal is asked: which colour its background has (OSC 11). Its answer comes among the
//! keys, and is told from them here.
//!
//! Invariant: nobody waits for the answer, and no part of it ever counts as a key: letters of it
//! would do something to mail. What only begins like an answer goes on as the keys that it is.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use crate::config::colour::Rgb;

/// Asks for the background; it is answered in the same form.
pub const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";
/// How an answer goes on behind `ESC ]`.
const BEGIN: &str = "11;";
/// The most keys of an answer.
const MOST_KEYS: usize = 64;
/// The keys of one answer come together; what comes later than this behind the last is typed.
const PAUSE: Duration = Duration::from_secs(2);

/// Whether the terminal of this environment can be asked: others would show the question.
#[must_use]
pub fn can(env: &dyn Fn(&str) -> Option<OsString>) -> bool {
    const KNOWN: [&str; 10] = [
        "xterm",
        "tmux",
        "foot",
        "alacritty",
        "wezterm",
        "rxvt",
        "konsole",
        "gnome",
        "contour",
        "ghostty",
    ];
    let term = env("TERM").map(|term| term.to_string_lossy().into_owned()).unwrap_or_default();
    KNOWN.iter().any(|known| term.starts_with(known))
}

/// What an input turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// These are input like any other, in this order.
    Input(Vec<Event>),
    /// The background is this.
    Background(Rgb),
    /// Perhaps a part of an answer: nothing yet, or nothing that can be read.
    Nothing,
}

/// The keys of an answer that have come so far.
#[derive(Debug, Default)]
pub struct Ear {
    /// Whether a question is open.
    waits: bool,
    held: Vec<Event>,
    text: String,
    last: Option<Instant>,
    /// The last key was Esc, which may have been read apart from what it begins or ends.
    escape: bool,
    /// An answer has ended with the first half of its end.
    half: bool,
}

impl Ear {
    /// One that waits for an answer, or does not.
    #[must_use]
    pub fn new(waits: bool) -> Self {
        Self { waits, ..Self::default() }
    }

    /// Whether something is held back that is to go on when nothing follows.
    #[must_use]
    pub const fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// What was held back, because nothing follows.
    pub fn give_up(&mut self) -> Heard {
        let answered = self.is_answer();
        let held = self.reset();
        // An answer that has begun is one, even if its end is lost.
        if answered || held.is_empty() { Heard::Nothing } else { Heard::Input(held) }
    }

    fn reset(&mut self) -> Vec<Event> {
        self.text.clear();
        std::mem::take(&mut self.held)
    }

    fn is_answer(&self) -> bool {
        self.text.starts_with(BEGIN)
    }

    /// Takes in what has come.
    pub fn hear(&mut self, event: Event, now: Instant) -> Heard {
        if !self.waits {
            return Heard::Input(vec![event]);
        }
        let late = self.last.replace(now).is_some_and(|last| now.duration_since(last) > PAUSE);
        let mut before = match (late && self.holds()).then(|| self.give_up()) {
            Some(Heard::Input(held)) => held,
            _ => Vec::new(),
        };
        let heard = self.next(event);
        match heard {
            Heard::Input(mut rest) => {
                before.append(&mut rest);
                Heard::Input(before)
            }
            other if before.is_empty() => other,
            // An answer does not begin behind keys that were held: it begins anew.
            _ => Heard::Input(before),
        }
    }

    fn next(&mut self, event: Event) -> Heard {
        let Event::Key(key) = &event else {
            let mut all = self.reset();
            all.push(event);
            return Heard::Input(all);
        };
        let (code, alt) = (key.code, key.modifiers.contains(KeyModifiers::ALT));
        let escaped = std::mem::replace(&mut self.escape, code == KeyCode::Esc);
        if std::mem::take(&mut self.half) {
            self.waits = false;
            if code == KeyCode::Char('\\') {
                return Heard::Nothing;
            }
        }
        if self.held.is_empty() {
            // `ESC ]`, read as one key or as two.
            if code == KeyCode::Char(']') && (alt || escaped) {
                self.held.push(event);
                return Heard::Nothing;
            }
            return Heard::Input(vec![event]);
        }
        if self.is_answer() && ends(key) {
            let colour = colour(&self.text);
            self.reset();
            self.half = code == KeyCode::Esc;
            self.waits = self.half;
            return colour.map_or(Heard::Nothing, Heard::Background);
        }
        if let (KeyCode::Char(c), false) = (code, alt) {
            self.text.push(c);
            let begins = BEGIN.starts_with(&self.text) || self.is_answer();
            if begins && self.text.len() < MOST_KEYS {
                self.held.push(event);
                return Heard::Nothing;
            }
        }
        let answered = self.is_answer();
        let mut all = self.reset();
        if answered {
            return Heard::Nothing;
        }
        all.push(event);
        Heard::Input(all)
    }
}

/// Whether a key is the end of an answer: BEL, or `ESC \`.
fn ends(key: &KeyEvent) -> bool {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    let whole = matches!(
        (key.code, ctrl, alt),
        (KeyCode::Char('g'), true, _) | (KeyCode::Char('\\'), _, true)
    );
    whole || key.code == KeyCode::Esc
}

/// `11;rgb:1414/1717/1d1d`, with one to four digits a part.
fn colour(text: &str) -> Option<Rgb> {
    let parts = text.strip_prefix(BEGIN)?.split_once(':')?.1;
    let mut parts = parts.split('/').map(|part| {
        let most = 16_u32.checked_pow(u32::try_from(part.len()).ok()?)?.checked_sub(1)?;
        let fits = (1..=4).contains(&part.len());
        let value = u32::from_str_radix(part, 16).ok().filter(|_| fits)?;
        u8::try_from(value * 255 / most).ok()
    });
    Some(Rgb(parts.next()??, parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    fn keys(text: &str) -> Vec<Event> {
        let parts = text.chars().map(|c| match c {
            '\u{7}' => key(KeyCode::Char('g'), KeyModifiers::CONTROL),
            '⌥' => key(KeyCode::Char(']'), KeyModifiers::ALT),
            '⎋' => key(KeyCode::Char('\\'), KeyModifiers::ALT),
            '␛' => key(KeyCode::Esc, KeyModifiers::NONE),
            c => key(KeyCode::Char(c), KeyModifiers::NONE),
        });
        parts.collect()
    }

    /// The input and the background that come of `text`, and what is still held.
    fn hear(ear: &mut Ear, text: &str) -> (Vec<Event>, Option<Rgb>) {
        let (now, mut input, mut ground) = (Instant::now(), Vec::new(), None);
        for event in keys(text) {
            match ear.hear(event, now) {
                Heard::Input(mut events) => input.append(&mut events),
                Heard::Background(rgb) => ground = Some(rgb),
                Heard::Nothing => {}
            }
        }
        (input, ground)
    }

    #[test]
    fn an_answer_is_heard_and_keys_around_it_are_keys() {
        for (text, typed, ground) in [
            ("jj⌥11;rgb:1414/1717/1d1d⎋e", "jje", Some(Rgb(0x14, 0x17, 0x1d))),
            ("⌥11;rgb:ff/80/0\u{7}", "", Some(Rgb(255, 128, 0))),
            ("⌥11;rgba:ffff/ffff/ffff/ffff⎋", "", Some(Rgb(255, 255, 255))),
            ("⌥11;what⎋e", "e", None),
            ("⌥11;rgb:eeeeee/e/e⎋x", "x", None),
            ("␛]11;rgb:0/0/0␛\\e", "␛e", Some(Rgb(0, 0, 0))),
            ("⌥11;rgb:0/0/0␛e", "e", Some(Rgb(0, 0, 0))),
            ("␛e]e", "␛e]e", None),
            ("⌥12;e", "⌥12;e", None),
            ("⌥e", "⌥e", None),
            ("⌥⌥", "⌥⌥", None),
            ("e", "e", None),
        ] {
            let (input, found) = hear(&mut Ear::new(true), text);
            assert_eq!((input, found), (keys(typed), ground), "{text}");
        }
    }

    #[test]
    fn what_is_held_goes_on_when_nothing_follows() {
        let mut ear = Ear::new(true);
        assert_eq!(hear(&mut ear, "⌥1"), (Vec::new(), None));
        assert!(ear.holds());
        assert_eq!(ear.give_up(), Heard::Input(keys("⌥1")));
        assert_eq!(hear(&mut ear, "⌥11;rgb:e"), (Vec::new(), None));
        assert_eq!(ear.give_up(), Heard::Nothing, "no letter of an answer is a key");
        let mut deaf = Ear::new(false);
        assert_eq!(hear(&mut deaf, "⌥11;e").0, keys("⌥11;e"));
    }

    #[test]
    fn an_answer_without_an_end_ends() {
        let mut ear = Ear::new(true);
        let (input, _) = hear(&mut ear, &format!("⌥11;{}", "e".repeat(MOST_KEYS)));
        assert!(input.len() <= 4, "{}", input.len());
    }
}
