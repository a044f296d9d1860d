//! Colours and emphasis: the 16 colours of any terminal, or none.
//!
//! Invariant: colour never carries a meaning alone; a mark, a word or an emphasis says the same.
//! Foregrounds only, so that light and dark backgrounds both work.

use crate::ui::ability::Ability;
use ratatui::style::{Color, Modifier, Style};

/// Colours that tell user labels apart.
const CHIPS: [Color; 5] = [Color::Cyan, Color::Magenta, Color::Green, Color::Yellow, Color::Blue];
/// The palette, in the order of the names that labels have it under.
const PALETTE: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];
/// Colours of quotes, by depth.
const QUOTES: [Color; 3] = [Color::Cyan, Color::Green, Color::Magenta];

/// What stands for our signs where the font does not have them.
const PLAIN: [(&str, &str); 14] = [
    ("▸", ">"),
    ("›", ">"),
    ("✓", "x"),
    ("✗", "!"),
    ("●", "*"),
    ("★", "+"),
    ("…", "~"),
    ("╭", "┌"),
    ("╮", "┐"),
    ("╰", "└"),
    ("╯", "┘"),
    ("—", "-"),
    ("–", "-"),
    ("’", "'"),
];

/// What stands for a sign of ours where the font does not have it.
#[must_use]
pub fn plain(symbol: &str) -> Option<&'static str> {
    PLAIN.iter().find(|(sign, _)| *sign == symbol).map(|(_, plain)| *plain)
}

/// How things look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
    signs: bool,
}

impl Theme {
    /// With colours, or without (`NO_COLOR`, see no-color.org).
    #[must_use]
    pub const fn new(colour: bool) -> Self {
        Self { colour, signs: true }
    }

    /// As this terminal can show it.
    #[must_use]
    pub const fn of(ability: Ability) -> Self {
        Self { colour: ability.colour, signs: ability.signs }
    }

    /// Whether the terminal's font has our signs.
    #[must_use]
    pub const fn has_signs(self) -> bool {
        self.signs
    }

    fn fg(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// Plain text.
    #[must_use]
    pub const fn text(self) -> Style {
        Style::new()
    }

    /// What may be overlooked.
    #[must_use]
    pub const fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What should be seen first.
    #[must_use]
    pub const fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The program's own colour.
    #[must_use]
    pub fn accent(self) -> Style {
        self.fg(Color::Cyan)
    }

    /// Unread marks.
    #[must_use]
    pub fn unread(self) -> Style {
        self.fg(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// Stars.
    #[must_use]
    pub fn star(self) -> Style {
        self.fg(Color::Yellow)
    }

    /// The row under the cursor.
    #[must_use]
    pub const fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Selection marks.
    #[must_use]
    pub fn selected(self) -> Style {
        self.fg(Color::Green).add_modifier(Modifier::BOLD)
    }

    /// A label's chip: in its own colour, or in one that is always the same for it.
    #[must_use]
    pub fn chip(self, id: &str, own: Option<&str>) -> Style {
        let sum: usize = id.bytes().map(usize::from).sum();
        own.and_then(|name| self.palette(name)).unwrap_or_else(|| self.fg(CHIPS[sum % CHIPS.len()]))
    }

    /// A colour of the palette by the name that labels have it under.
    #[must_use]
    pub fn palette(self, name: &str) -> Option<Style> {
        let at = crate::label::COLORS.iter().position(|known| *known == name)?;
        PALETTE.get(at).map(|colour| self.fg(*colour))
    }

    /// Quoted text of this depth (1 is the nearest).
    #[must_use]
    pub fn quote(self, depth: usize) -> Style {
        self.fg(QUOTES[depth.saturating_sub(1) % QUOTES.len()]).add_modifier(Modifier::DIM)
    }

    /// What was searched for, where it stands.
    #[must_use]
    pub fn hit(self) -> Style {
        self.fg(Color::Yellow).add_modifier(Modifier::BOLD).add_modifier(Modifier::UNDERLINED)
    }

    /// A key in the hint bar and the help.
    #[must_use]
    pub fn key(self) -> Style {
        self.fg(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// Something done.
    #[must_use]
    pub fn good(self) -> Style {
        self.fg(Color::Green)
    }

    /// Something to look at.
    #[must_use]
    pub fn warning(self) -> Style {
        self.fg(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// Something not done.
    #[must_use]
    pub fn error(self) -> Style {
        self.fg(Color::Red).add_modifier(Modifier::BOLD)
    }
}
