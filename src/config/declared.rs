//! Every setting, declared once: its name and what it does. The default file, the README's table
//! and the check of names all read this.
//!
//! Invariant: in the order in which [`Settings::values`] has them.

use std::fmt::Write as _;

use super::Settings;

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Its name in the file.
    pub name: &'static str,
    /// What may be set, in words.
    pub takes: &'static str,
    /// What it does.
    pub does: &'static str,
}

const fn setting(name: &'static str, takes: &'static str, does: &'static str) -> Declared {
    Declared { name, takes, does }
}

/// All settings.
pub const DECLARED: [Declared; 15] = [
    setting(
        "theme",
        "auto, dark, light, high-contrast, 16-colours, monochrome, or NAME of themes/NAME.toml",
        "The colours. auto looks at the terminal; NO_COLOR is obeyed whatever stands here.",
    ),
    setting(
        "density",
        "compact or comfortable",
        "Lines of a conversation in the list: one, or two where the screen has twelve lines.",
    ),
    setting("sidebar", "true or false", "Whether the lists stand at the left where there is room."),
    setting(
        "preview",
        "right, below or off",
        "Where a conversation is read: beside the list or under it where there is room, or \
         instead of it.",
    ),
    setting(
        "preview_width",
        "0, or columns from 40 to 400",
        "Columns of the reader at the right of the list; 0 is what suits the screen.",
    ),
    setting(
        "mark_read_after",
        "seconds from 0 to 3600, or -1",
        "How long a conversation is open before it counts as read; -1 is never.",
    ),
    setting(
        "auto_advance",
        "next, previous or list",
        "Where you are when the open conversation is archived or moved: at the next (older) one, \
         at the previous (newer) one, or back in the list.",
    ),
    setting(
        "tabs",
        "up to 12 of inbox, unread, starred, snoozed, sent, archive, all, spam, trash, label:NAME, \
         search:NAME",
        "Lists, labels and saved searches above the list, each with its count; Tab goes along \
         them.",
    ),
    setting(
        "dates",
        "short or iso",
        "Dates in lists: 09:41, 12 Nov and 2009-11-17, or always 2025-11-12.",
    ),
    setting("hours", "24 or 12", "Hours of a day: 16:28 or 4:28 pm."),
    setting("title", "true or false", "Whether the terminal's title shows what is unread."),
    setting(
        "links",
        "true or false",
        "Whether the terminal may open links in mail itself, where it can (OSC 8); L still lists \
         them, and alone opens those with a warning.",
    ),
    setting(
        "notify",
        "true or false",
        "Whether the terminal announces new mail; accounts.toml has more to say about that.",
    ),
    setting(
        "mouse",
        "true or false",
        "Whether a press points and opens, the wheel scrolls, and a border between two parts can \
         be dragged; Shift still selects text.",
    ),
    setting(
        "linear",
        "true or false",
        "Whether mailtui starts as lines instead of a screen, as with --linear.",
    ),
];

/// Columns of a comment in the default file.
const COMMENT_COLUMNS: usize = 78;

/// The file that sets everything to what it is without one.
#[must_use]
pub fn default_file() -> String {
    let mut out = String::from(
        "# mailtui's settings, each as it is without this file. A change is taken in at once.\n",
    );
    for (declared, (name, value)) in DECLARED.iter().zip(Settings::default().values()) {
        out.push('\n');
        for line in wrapped(declared.does).iter().chain(&wrapped(declared.takes)) {
            let _ = writeln!(out, "# {line}");
        }
        let _ = writeln!(out, "{name} = {value}");
    }
    out
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut();
        match last {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= COMMENT_COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_says_every_setting_and_is_the_default() {
        let text = default_file();
        assert_eq!(Settings::read(&text), (Settings::default(), Vec::new()), "{text}");
        let values = Settings::default().values();
        let named: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, DECLARED.map(|declared| declared.name));
        for name in named {
            assert!(text.contains(&format!("\n{name} = ")), "{name}");
        }
        assert!(
            text.lines().all(|line| line.len() <= COMMENT_COLUMNS + 2
                || !line.contains(' ')
                || line.starts_with("# mailtui")),
            "{text}"
        );
    }
}
