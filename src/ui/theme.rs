//! Colours and emphasis: a theme as this terminal can show it.
//!
//! Invariant: colour never carries a meaning alone; a mark, a word or an emphasis says the same.
//! Where the terminal's background is its own, only foregrounds are drawn.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::config::colour::{AA, Colour, Rgb};
use crate::config::theme::{Look, MONOCHROME, Palette, ROLES, Role, SIXTEEN};
use crate::ui::ability::{Ability, Colours};

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
/// The same as terminals mostly have them, to be made readable on a theme's own background.
const TRUE: [Rgb; 16] = [
    Rgb(0x00, 0x00, 0x00),
    Rgb(0xcd, 0x31, 0x31),
    Rgb(0x1f, 0xa8, 0x4a),
    Rgb(0xc4, 0xa0, 0x00),
    Rgb(0x3b, 0x78, 0xff),
    Rgb(0xbc, 0x3f, 0xbc),
    Rgb(0x11, 0xa8, 0xcd),
    Rgb(0xc0, 0xc0, 0xc0),
    Rgb(0x76, 0x76, 0x76),
    Rgb(0xf1, 0x4c, 0x4c),
    Rgb(0x23, 0xd1, 0x8b),
    Rgb(0xf5, 0xf5, 0x43),
    Rgb(0x6c, 0x9e, 0xf8),
    Rgb(0xd6, 0x70, 0xd6),
    Rgb(0x29, 0xb8, 0xdb),
    Rgb(0xff, 0xff, 0xff),
];

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
    signs: bool,
    colours: Colours,
    /// What is drawn under everything, and letters on it; `None` leaves both to the terminal.
    ground: Option<(Color, Color)>,
    /// What is under everything, where that is known: drawn, or the terminal's own.
    under: Option<Rgb>,
    styles: [Style; ROLES],
}

impl Theme {
    /// With the colours of any terminal, or without (`NO_COLOR`, see no-color.org).
    #[must_use]
    pub fn new(colour: bool) -> Self {
        let colours = if colour { Colours::Sixteen } else { Colours::None };
        Self::of(Ability { screen: true, colours, signs: true })
    }

    /// Without knowing more than what this terminal can show.
    #[must_use]
    pub fn of(ability: Ability) -> Self {
        let name = if ability.colours == Colours::None { MONOCHROME } else { SIXTEEN };
        Self::painted(&built_in(name), ability)
    }

    /// A theme on its own background, if it has one; where the terminal has too few colours for
    /// it, the one that is made for them.
    #[must_use]
    pub fn painted(palette: &Palette, ability: Ability) -> Self {
        let palette = &fallen_back(palette, ability.colours);
        let colours = ability.colours;
        let (text, under) = (palette.look(Role::Text).fg, palette.background);
        let ground = (under != Colour::Default)
            .then(|| (color(shown(under, colours)), color(shown(text, colours))));
        let known = if let Colour::True(rgb) = under { Some(rgb) } else { None };
        let styles = Role::ALL.map(|role| style(palette.look(role), colours));
        Self { signs: ability.signs, colours, ground, under: known, styles }
    }

    /// The letters of a theme on the terminal's own background, which may be known: they are moved
    /// until they can be read on it.
    #[must_use]
    pub fn on_terminal(palette: &Palette, ability: Ability, background: Option<Rgb>) -> Self {
        let palette = &fallen_back(palette, ability.colours);
        // What can be read on a ground that stands out can be read on the other, too.
        let raised = background.filter(|_| ability.colours == Colours::True).map(Rgb::raised);
        let ground = raised.or(background);
        let readable = |colour: Colour| match (colour, ground) {
            (Colour::True(rgb), Some(ground)) => Colour::True(rgb.readable(ground, AA)),
            (other, _) => other,
        };
        let styles = Role::ALL.map(|role| match role {
            // The terminal's own letters are right on its own background.
            Role::Text => Style::new(),
            Role::Panel => Style { bg: raised.map(Colour::True).map(color), ..Style::new() },
            Role::Cursor => Style::new().add_modifier(Modifier::REVERSED),
            role => {
                let look = palette.look(role);
                let look = Look { fg: readable(look.fg), bg: Colour::Default, ..look };
                style(look, ability.colours)
            }
        });
        let (signs, colours) = (ability.signs, ability.colours);
        Self { signs, colours, ground: None, under: ground, styles }
    }

    /// The colour of letters that have none of their own.
    #[cfg(test)]
    pub(crate) fn usual(&self) -> Color {
        self.ground.map_or(Color::Reset, |(_, text)| text)
    }

    /// The same on a terminal of so many colours.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn able(self, colours: Colours) -> Self {
        Self { colours, ..self }
    }

    /// Draws the background under what has none, and text on it.
    pub fn lay_ground(&self, buf: &mut Buffer) {
        let Some((ground, text)) = self.ground else { return };
        for cell in &mut buf.content {
            if cell.bg == Color::Reset {
                cell.bg = ground;
            }
            if cell.fg == Color::Reset {
                cell.fg = text;
            }
        }
    }

    /// Whether the terminal's font has our signs.
    #[must_use]
    pub const fn has_signs(&self) -> bool {
        self.signs
    }

    const fn role(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// Plain text.
    #[must_use]
    pub const fn text(&self) -> Style {
        Style::new()
    }

    /// What may be overlooked.
    #[must_use]
    pub const fn dim(&self) -> Style {
        self.role(Role::Muted)
    }

    /// Lines between parts.
    #[must_use]
    pub const fn rule(&self) -> Style {
        self.role(Role::Rule)
    }

    /// What should be seen first.
    #[must_use]
    pub const fn strong(&self) -> Style {
        self.role(Role::Strong)
    }

    /// The program's own colour.
    #[must_use]
    pub const fn accent(&self) -> Style {
        self.role(Role::Accent)
    }

    /// Unread marks.
    #[must_use]
    pub const fn unread(&self) -> Style {
        self.role(Role::Unread)
    }

    /// Stars.
    #[must_use]
    pub const fn star(&self) -> Style {
        self.role(Role::Star)
    }

    /// The row under the cursor.
    #[must_use]
    pub const fn cursor(&self) -> Style {
        self.role(Role::Cursor)
    }

    /// Selection marks.
    #[must_use]
    pub const fn selected(&self) -> Style {
        self.role(Role::Selected)
    }

    /// What stands out from what is under it, by its ground alone.
    #[must_use]
    pub const fn raised(&self) -> Style {
        let Style { bg, .. } = self.role(Role::Panel);
        Style { bg, ..Style::new() }
    }

    /// What lies on top of the screen.
    #[must_use]
    pub const fn panel(&self) -> Style {
        self.role(Role::Panel)
    }

    /// A label's chip: in its own colour, or quiet.
    #[must_use]
    pub fn chip(&self, own: Option<&str>) -> Style {
        own.and_then(|name| self.palette(name)).unwrap_or(self.role(Role::Label))
    }

    /// A colour of the palette by the name that labels have it under, readable where what is under
    /// it is known.
    #[must_use]
    pub fn palette(&self, name: &str) -> Option<Style> {
        let at = crate::label::COLORS.iter().position(|known| *known == name)?;
        let own = match (self.colours, self.under) {
            (Colours::None, _) => return Some(Style::new()),
            (Colours::True | Colours::Many, Some(under)) => {
                color(shown(Colour::True(TRUE.get(at)?.readable(under, AA)), self.colours))
            }
            _ => *PALETTE.get(at)?,
        };
        Some(Style::new().fg(own))
    }

    /// Quoted text of this depth (1 is the nearest).
    #[must_use]
    pub const fn quote(&self, _depth: usize) -> Style {
        self.role(Role::Quote)
    }

    /// What was searched for, where it stands.
    #[must_use]
    pub const fn hit(&self) -> Style {
        self.role(Role::Hit)
    }

    /// A key in the hint bar and the help.
    #[must_use]
    pub const fn key(&self) -> Style {
        self.role(Role::Key)
    }

    /// Something done.
    #[must_use]
    pub const fn good(&self) -> Style {
        self.role(Role::Good)
    }

    /// Something to look at.
    #[must_use]
    pub const fn warning(&self) -> Style {
        self.role(Role::Warning)
    }

    /// Something not done.
    #[must_use]
    pub const fn error(&self) -> Style {
        self.role(Role::Error)
    }
}

/// A theme that is there: every one that is named here is built in.
fn built_in(name: &str) -> Palette {
    Palette::built_in(name).unwrap_or_else(|| Palette::read("").0)
}

/// The theme, or the one for terminals of so few colours.
fn fallen_back(palette: &Palette, colours: Colours) -> Palette {
    let is_true = |colour| matches!(colour, Colour::True(_));
    let looks = || Role::ALL.into_iter().map(|role| palette.look(role));
    let needs_more =
        is_true(palette.background) || looks().any(|look| is_true(look.fg) || is_true(look.bg));
    match colours {
        Colours::None => built_in(MONOCHROME),
        Colours::Sixteen if needs_more => built_in(SIXTEEN),
        _ => *palette,
    }
}

fn shown(colour: Colour, colours: Colours) -> Colour {
    if colours == Colours::True { colour } else { colour.of_256() }
}

fn color(colour: Colour) -> Color {
    match colour {
        Colour::Default => Color::Reset,
        Colour::Indexed(at) => PALETTE.get(usize::from(at)).copied().unwrap_or(Color::Indexed(at)),
        Colour::True(Rgb(red, green, blue)) => Color::Rgb(red, green, blue),
    }
}

fn style(look: Look, colours: Colours) -> Style {
    let mut style = Style::new();
    if look.fg != Colour::Default {
        style = style.fg(color(shown(look.fg, colours)));
    }
    if look.bg != Colour::Default {
        style = style.bg(color(shown(look.bg, colours)));
    }
    let emphasis = [
        (look.bold, Modifier::BOLD),
        (look.dim, Modifier::DIM),
        (look.italic, Modifier::ITALIC),
        (look.underline, Modifier::UNDERLINED),
        (look.reverse, Modifier::REVERSED),
    ];
    let wanted = emphasis.into_iter().filter(|(on, _)| *on);
    wanted.fold(style, |style, (_, modifier)| style.add_modifier(modifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able(colours: Colours) -> Ability {
        Ability { screen: true, colours, signs: true }
    }

    #[test]
    fn a_theme_is_shown_as_the_terminal_can() {
        let dark = Palette::built_in("dark").unwrap();
        let at = |colours| Theme::painted(&dark, able(colours));
        assert_eq!(at(Colours::True).accent().fg, Some(Color::Rgb(0x73, 0xc7, 0xe6)));
        assert!(matches!(at(Colours::Many).accent().fg, Some(Color::Indexed(16..))));
        assert_eq!(at(Colours::Sixteen), Theme::new(true), "few colours: the theme for them");
        assert_eq!(at(Colours::None), Theme::new(false));
        assert_eq!(Theme::new(false).palette("red"), Some(Style::new()));
        assert_eq!(Theme::new(true).palette("red").unwrap().fg, Some(Color::Red));
        assert_eq!(Theme::new(true).palette("no colour"), None);
    }

    #[test]
    fn letters_on_the_terminals_own_ground_can_be_read_there() {
        let dark = Palette::built_in("dark").unwrap();
        for ground in [Rgb(0, 0, 0), Rgb(0x30, 0x30, 0x60), Rgb(90, 90, 90)] {
            let theme = Theme::on_terminal(&dark, able(Colours::True), Some(ground));
            assert_eq!(theme.ground, None);
            let few = Theme::on_terminal(&dark, able(Colours::Many), Some(ground));
            assert_eq!(few.raised().bg, None, "no colour of few stands out so little");
            let Some(Color::Rgb(r, g, b)) = theme.raised().bg else { panic!("{theme:?}") };
            let raised = Rgb(r, g, b);
            assert_ne!(raised, ground);
            for (role, style) in Role::ALL.into_iter().zip(theme.styles) {
                assert!(style.bg.is_none() || role == Role::Panel, "{role:?}");
                let Some(Color::Rgb(r, g, b)) = style.fg else { continue };
                assert!(Rgb(r, g, b).contrast(ground) >= AA, "{style:?} on {ground:?}");
                assert!(Rgb(r, g, b).contrast(raised) >= AA, "{style:?} on {raised:?}");
            }
            for name in crate::label::COLORS {
                let Some(Color::Rgb(r, g, b)) = theme.palette(name).unwrap().fg else {
                    panic!("{name}")
                };
                assert!(Rgb(r, g, b).contrast(ground) >= AA, "{name} on {ground:?}");
            }
        }
    }

    #[test]
    fn the_ground_is_laid_under_what_has_none() {
        let dark = Theme::painted(&Palette::built_in("dark").unwrap(), able(Colours::True));
        let mut buf = Buffer::empty(ratatui::layout::Rect::new(0, 0, 2, 1));
        buf[(1, 0)].bg = Color::Red;
        dark.lay_ground(&mut buf);
        assert_eq!((buf[(0, 0)].bg, buf[(1, 0)].bg), (dark.ground.unwrap().0, Color::Red));
        assert!(buf.content.iter().all(|cell| cell.fg == dark.ground.unwrap().1));
    }
}
