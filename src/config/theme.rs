//! Themes: what each role looks like, from a text of TOML.
//!
//! Invariant: roles are named by what they mean, never by where they stand on the screen. A text
//! that is wrong in a line gives the theme without that line, and says the line. What is built in
//! is read by the same function as what a user wrote.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::Warning;
use super::colour::Colour;
use super::read::{line_of, span_of, toml_of, unknown};

/// What stands on a screen, by what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Text, and what has no other role.
    Text,
    /// What may be overlooked.
    Muted,
    /// What should be seen first.
    Strong,
    /// The program's own colour.
    Accent,
    /// Marks of what is unread.
    Unread,
    /// Stars.
    Star,
    /// Marks of what is selected.
    Selected,
    /// The row under the cursor.
    Cursor,
    /// Text of others in an answer.
    Quote,
    /// What was searched for, where it stands.
    Hit,
    /// Keys, where they are explained.
    Key,
    /// Labels without a colour of their own.
    Label,
    /// Something done.
    Good,
    /// Something to look at.
    Warning,
    /// Something not done.
    Error,
    /// Lines between parts.
    Rule,
    /// What lies on top of the screen.
    Panel,
}

/// How many roles there are.
pub const ROLES: usize = 17;

impl Role {
    /// All, in the order of their numbers.
    pub const ALL: [Self; ROLES] = [
        Self::Text,
        Self::Muted,
        Self::Strong,
        Self::Accent,
        Self::Unread,
        Self::Star,
        Self::Selected,
        Self::Cursor,
        Self::Quote,
        Self::Hit,
        Self::Key,
        Self::Label,
        Self::Good,
        Self::Warning,
        Self::Error,
        Self::Rule,
        Self::Panel,
    ];

    /// Its name in a theme.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Muted => "muted",
            Self::Strong => "strong",
            Self::Accent => "accent",
            Self::Unread => "unread",
            Self::Star => "star",
            Self::Selected => "selected",
            Self::Cursor => "cursor",
            Self::Quote => "quote",
            Self::Hit => "hit",
            Self::Key => "key",
            Self::Label => "label",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Rule => "rule",
            Self::Panel => "panel",
        }
    }
}

/// How something looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The letters.
    pub fg: Colour,
    /// What is under them.
    pub bg: Colour,
    /// Bold.
    pub bold: bool,
    /// Fainter than other text.
    pub dim: bool,
    /// Slanted.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Letters and ground changed for one another.
    pub reverse: bool,
}

impl Look {
    const PLAIN: Self = Self {
        fg: Colour::Default,
        bg: Colour::Default,
        bold: false,
        dim: false,
        italic: false,
        underline: false,
        reverse: false,
    };
}

/// A theme: a look for every role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// What is under everything; the terminal's own where the theme has none.
    pub background: Colour,
    looks: [Look; ROLES],
}

impl Palette {
    /// How a role looks.
    #[must_use]
    pub const fn look(&self, role: Role) -> Look {
        self.looks[role as usize]
    }

    /// The built-in theme of this name.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| Self::read(text).0)
    }

    /// The theme of a user's text, and what of it does nothing. What it does not say is as in the
    /// theme that it names as its base, or as in the one of 16 colours.
    #[must_use]
    pub fn own(text: &str) -> (Self, Vec<Warning>) {
        let has_base = Document::parse(toml_of(text).0).is_ok_and(|d| d.contains_key("base"));
        let (mut palette, warnings) = Self::read(text);
        if !has_base && let Some(mut base) = Self::built_in(SIXTEEN) {
            base.background = palette.background;
            for (own, base) in palette.looks.iter_mut().zip(base.looks) {
                if *own == Look::PLAIN {
                    *own = base;
                }
            }
        }
        (palette, warnings)
    }

    /// The theme of a text, and what of it does nothing.
    #[must_use]
    pub fn read(text: &str) -> (Self, Vec<Warning>) {
        let (text, mut warnings) = toml_of(text);
        let mut palette = Self { background: Colour::Default, looks: [Look::PLAIN; ROLES] };
        let Ok(document) = Document::parse(text.as_str()) else { return (palette, warnings) };
        let table = document.as_table();
        let mut wrong = |span: Option<Range<usize>>, text_of: String| {
            let line = line_of(&text, span.map_or(0, |span| span.start));
            warnings.push(Warning { line, text: text_of });
        };
        if let Some(item) = table.get("base") {
            match item.as_str().and_then(Self::built_in) {
                Some(base) => palette = base,
                None => wrong(span_of(table, "base", item), takes_base()),
            }
        }
        for (key, item) in document.iter().filter(|(key, _)| *key != "base") {
            let said = palette.set(key, item);
            if let Some((inner, said)) = said {
                wrong(inner.or_else(|| span_of(table, key, item)), said);
            }
        }
        warnings.sort_by_key(|warning| warning.line);
        (palette, warnings)
    }

    /// Sets one key; what is wrong with it, and where, if not at the key.
    fn set(&mut self, key: &str, item: &Item) -> Option<(Option<Range<usize>>, String)> {
        let colour = item.as_str().and_then(Colour::parse);
        if key == "background" {
            let Some(colour) = colour else { return Some((None, takes_colour(key))) };
            self.background = colour;
            return None;
        }
        let Some(role) = Role::ALL.into_iter().find(|role| role.name() == key) else {
            let names = Role::ALL.map(Role::name).into_iter().chain(["base", "background"]);
            return Some((None, unknown("role", key, names)));
        };
        let look = &mut self.looks[role as usize];
        if let Some(colour) = colour {
            look.fg = colour;
            return None;
        }
        match item.as_table_like() {
            Some(table) => look.set(key, table),
            None => Some((None, takes_colour(key))),
        }
    }
}

fn takes_base() -> String {
    format!("base takes {}", BUILT_IN.map(|(name, _)| name).join(", "))
}

fn takes_colour(key: &str) -> String {
    format!("{key} takes \"#rrggbb\", a colour such as \"cyan\", or \"default\"")
}

impl Look {
    /// Sets what a table says; the first that is wrong in it, and where.
    fn set(&mut self, role: &str, table: &dyn TableLike) -> Option<(Option<Range<usize>>, String)> {
        const KEYS: [&str; 7] = ["fg", "bg", "bold", "dim", "italic", "underline", "reverse"];
        let mut wrong = None;
        for (key, item) in table.iter() {
            let colour = || item.as_str().and_then(Colour::parse);
            let fits = match key {
                "fg" => colour().map(|colour| self.fg = colour),
                "bg" => colour().map(|colour| self.bg = colour),
                "bold" => item.as_bool().map(|on| self.bold = on),
                "dim" => item.as_bool().map(|on| self.dim = on),
                "italic" => item.as_bool().map(|on| self.italic = on),
                "underline" => item.as_bool().map(|on| self.underline = on),
                "reverse" => item.as_bool().map(|on| self.reverse = on),
                _ => {
                    let said = unknown(&format!("part of {role}"), key, KEYS);
                    wrong.get_or_insert((span_of(table, key, item), said));
                    Some(())
                }
            };
            if fits.is_none() {
                let said = match key {
                    "fg" | "bg" => takes_colour(&format!("{role}.{key}")),
                    _ => format!("{role}.{key} takes true or false"),
                };
                wrong.get_or_insert((span_of(table, key, item), said));
            }
        }
        wrong
    }
}

/// What is built in: names, and texts as a user would write them.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    ("high-contrast", include_str!("../../assets/themes/high-contrast.toml")),
    (SIXTEEN, include_str!("../../assets/themes/16-colours.toml")),
    (MONOCHROME, include_str!("../../assets/themes/monochrome.toml")),
];

/// The theme for terminals of 16 colours, and where nothing is known of the background.
pub const SIXTEEN: &str = "16-colours";
/// The theme without colours.
pub const MONOCHROME: &str = "monochrome";

#[cfg(test)]
mod tests {
    use super::super::colour::{AA, AAA, Rgb, indexed};
    use super::*;

    const TRUE: [&str; 3] = ["dark", "light", "high-contrast"];

    #[test]
    fn what_is_built_in_is_without_fault() {
        for (name, text) in BUILT_IN {
            assert_eq!(Palette::read(text).1, [], "{name}");
            assert!(Palette::built_in(name).is_some());
        }
        assert_eq!(Palette::built_in("nothing"), None);
        assert_eq!(Role::ALL.map(|role| role as usize), std::array::from_fn(|at| at));
    }

    /// Every two colours that can stand on one another: a role's letters on its own ground, on the
    /// theme's, on the cursor's row and on what lies on top.
    fn pairs(palette: &Palette) -> Vec<(Role, Colour, Colour)> {
        let or = |colour, other| if colour == Colour::Default { other } else { colour };
        let text = palette.look(Role::Text).fg;
        let mut pairs = Vec::new();
        for role in Role::ALL {
            let look = palette.look(role);
            let fg = or(look.fg, text);
            let grounds = [palette.background, palette.look(Role::Panel).bg];
            for ground in grounds {
                pairs.push((role, fg, or(look.bg, or(ground, palette.background))));
            }
            if palette.look(Role::Cursor).fg == Colour::Default {
                let ground = or(palette.look(Role::Cursor).bg, palette.background);
                pairs.push((role, fg, or(look.bg, ground)));
            }
        }
        pairs
    }

    #[test]
    fn every_pair_of_a_true_colour_theme_can_be_read() {
        for name in TRUE {
            let palette = Palette::built_in(name).unwrap();
            let least = if name == "high-contrast" { AAA } else { AA };
            let all = pairs(&palette);
            assert!(all.len() >= ROLES * 2);
            for (role, fg, bg) in all {
                let (Colour::True(fg), Colour::True(bg)) = (fg, bg) else {
                    panic!("{name}: {role:?} has no true colour")
                };
                let contrast = fg.contrast(bg);
                assert!(contrast >= least, "{name}: {role:?} {fg:?} on {bg:?} is {contrast:.2}");
                assert_eq!((palette.look(role).dim, palette.look(role).reverse), (false, false));
            }
        }
    }

    #[test]
    fn a_terminal_of_256_colours_can_be_read_too() {
        let rgb = |colour: Colour| -> Rgb {
            let Colour::Indexed(at) = colour.of_256() else { panic!("{colour:?}") };
            indexed(at).unwrap()
        };
        for name in TRUE {
            for (role, fg, bg) in pairs(&Palette::built_in(name).unwrap()) {
                let contrast = rgb(fg).contrast(rgb(bg));
                assert!(contrast >= AA, "{name}: {role:?} is {contrast:.2}");
            }
        }
    }

    #[test]
    fn colour_is_never_the_only_signal() {
        // Without colours these roles still differ from text.
        for (name, _) in BUILT_IN {
            let palette = Palette::built_in(name).unwrap();
            for role in [Role::Hit, Role::Unread, Role::Warning, Role::Error, Role::Strong] {
                let look = palette.look(role);
                assert!(look.bold || look.underline || look.reverse, "{name}: {role:?}");
            }
        }
        let mono = Palette::built_in(MONOCHROME).unwrap();
        for role in Role::ALL {
            let look = mono.look(role);
            assert_eq!((look.fg, look.bg), (Colour::Default, Colour::Default), "{role:?}");
        }
        let sixteen = Palette::built_in(SIXTEEN).unwrap();
        for role in Role::ALL {
            // Foregrounds only: they do on dark and on light grounds.
            assert_eq!(sixteen.look(role).bg, Colour::Default, "{role:?}");
        }
    }

    fn check(text: &str, expected: &[(usize, &str)]) {
        let (palette, warnings) = Palette::read(text);
        assert_eq!(warnings.len(), expected.len(), "{text}: {warnings:?}");
        for (warning, (line, said)) in warnings.iter().zip(expected) {
            assert_eq!(warning.line, *line, "{text}: {warning:?}");
            assert!(warning.text.contains(said), "{warning:?}");
        }
        let accent = Colour::True(Rgb(0xff, 0, 0));
        assert_eq!(palette.look(Role::Accent).fg, accent, "the rest holds: {text}");
    }

    #[test]
    fn a_broken_line_is_said_and_the_rest_holds() {
        let good = "accent = \"#ff0000\"";
        check(good, &[]);
        check(&format!("base = \"light\"\n{good}"), &[]);
        check(&format!("base = \"lite\"\n{good}"), &[(1, "base takes dark, light")]);
        check(&format!("{good}\nacent = \"red\""), &[(2, "acent is no role; is it accent?")]);
        check(&format!("{good}\ntext = \"rot\""), &[(2, "text takes \"#rrggbb\"")]);
        check(&format!("{good}\nbackground = 3"), &[(2, "background takes")]);
        check(&format!("{good}\nkey = {{ fgg = \"red\" }}"), &[(2, "part of key; is it fg?")]);
        check(&format!("{good}\nkey = {{ bold = 1 }}"), &[(2, "key.bold takes true or false")]);
        check(&format!("{good}\n[key]\n\nbg = 1"), &[(4, "key.bg takes")]);
        check(&format!("text = \"#fff\n{good}"), &[(1, "")]);
        let (mine, _) = Palette::read("base = \"dark\"\nunread = \"#00ff00\"");
        let dark = Palette::built_in("dark").unwrap();
        assert_eq!(mine.look(Role::Unread).bold, dark.look(Role::Unread).bold);
        assert_eq!(mine.background, dark.background);
    }
}
