//! How the program looks and behaves by what is set: settings, theme and terminal put together.
//!
//! Invariant: pure. What the terminal cannot show is not asked of it: fewer colours, no colours and
//! an unknown background each have their own theme, and `NO_COLOR` wins over every setting.

use crate::config::colour::Rgb;
use crate::config::theme::Palette;
use crate::config::{Loaded, Settings};
use crate::notice::Severity;
use crate::ui::ability::{Ability, Colours};
use crate::ui::announce::{Shows, Tells};
use crate::ui::app::Model;
use crate::ui::modes::Modes;
use crate::ui::panel;
use crate::ui::theme::Theme;

/// What is known of the terminal's own background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// Nothing.
    #[default]
    Unknown,
    /// It is dark (`true`) or light.
    Dark(bool),
    /// It is this.
    Is(Rgb),
}

/// What the look is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What the terminal can show.
    pub ability: Ability,
    /// What is under everything there.
    pub background: Background,
    /// What the user has set.
    pub loaded: Loaded,
}

impl Default for Look {
    fn default() -> Self {
        let ability = Ability { screen: true, colours: Colours::Sixteen, signs: true };
        Self { ability, background: Background::default(), loaded: Loaded::default() }
    }
}

impl Look {
    /// The theme that follows.
    #[must_use]
    pub fn theme(&self) -> Theme {
        let auto = |dark: bool, ground| {
            let name = if dark { "dark" } else { "light" };
            let palette = Palette::built_in(name);
            palette.map(|palette| Theme::on_terminal(&palette, self.ability, ground))
        };
        let theme = match (&self.loaded.palette, self.background) {
            (Some(palette), _) => Some(Theme::painted(palette, self.ability)),
            (None, Background::Unknown) => None,
            (None, Background::Dark(dark)) => auto(dark, None),
            (None, Background::Is(ground)) => auto(ground.is_dark(), Some(ground)),
        };
        theme.unwrap_or_else(|| Theme::of(self.ability))
    }

    /// What the terminal is to report, of what it could.
    #[must_use]
    pub fn modes(&self, can: Modes) -> Modes {
        Modes { mouse: can.mouse && self.loaded.settings.mouse, ..can }
    }

    /// What the terminal may be told, of what it could be.
    #[must_use]
    pub fn tells(&self, can: Tells) -> Tells {
        let Settings { title, links, notify, .. } = self.loaded.settings;
        Tells {
            title: can.title && title,
            links: can.links && links,
            notice: if notify { can.notice } else { Shows::Nothing },
        }
    }
}

impl Model {
    /// What the user has set.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.look.loaded.settings
    }
}

/// The model as it is set at start.
pub fn begin(model: &mut Model, look: Look) {
    model.theme = look.theme();
    model.look = look;
    complain(model);
}

/// What is set has changed.
pub fn changed(model: &mut Model, loaded: Loaded) {
    let changes = model.look.loaded.settings.changes(&loaded.settings);
    let repainted = model.look.loaded.palette != loaded.palette;
    let same = model.look.loaded.warnings == loaded.warnings;
    model.look.loaded = loaded;
    model.theme = model.look.theme();
    let said = match changes.as_slice() {
        [] if repainted => Some("The theme is read again".to_owned()),
        [] => None,
        [one] => Some(format!("Set: {one}")),
        [one, rest @ ..] => Some(format!("Set: {one}, and {} more", rest.len())),
    };
    if let Some(said) = said {
        model.say(Severity::Info, said, "");
    }
    if !same {
        complain(model);
    }
}

/// The terminal said what its background is.
pub fn background(model: &mut Model, ground: Rgb) {
    model.look.background = Background::Is(ground);
    model.theme = model.look.theme();
}

fn complain(model: &mut Model) {
    let complaints = model.look.loaded.complaints();
    panel::complain(model, complaints, "the rest of it holds");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str, colours: Colours, background: Background) -> Look {
        let ability = Ability { screen: true, colours, signs: true };
        Look { ability, background, loaded: Loaded::of(Some(text), |_| None) }
    }

    #[test]
    fn the_theme_follows_from_setting_and_terminal() {
        use Background::{Dark, Is, Unknown};
        let built_in = |name| Palette::built_in(name).unwrap();
        let able = |colours| Ability { screen: true, colours, signs: true };
        let check = |text: &str, colours, background, theme: Theme| {
            assert_eq!(look(text, colours, background).theme(), theme, "{text} {background:?}");
        };
        let (all, own) = (able(Colours::True), Theme::on_terminal);
        check("", Colours::True, Unknown, Theme::new(true).able(Colours::True));
        check("", Colours::True, Dark(true), own(&built_in("dark"), all, None));
        check("", Colours::True, Dark(false), own(&built_in("light"), all, None));
        let night = Rgb(0, 0, 40);
        check("", Colours::True, Is(night), own(&built_in("dark"), all, Some(night)));
        let light = Theme::painted(&built_in("light"), all);
        check("theme = \"light\"", Colours::True, Is(night), light);
        check("theme = \"light\"", Colours::None, Is(night), Theme::new(false));
        check("theme = \"none\"", Colours::Sixteen, Unknown, Theme::new(true));
    }

    #[test]
    fn what_is_not_wanted_is_not_told() {
        let can = Tells { title: true, links: true, notice: Shows::Osc9 };
        let of = |text| look(text, Colours::True, Background::Unknown).tells(can);
        assert_eq!(of(""), can);
        let nothing = Tells { title: false, links: false, notice: Shows::Nothing };
        assert_eq!(of("title = false\nlinks = false\nnotify = false"), nothing);
    }
}
