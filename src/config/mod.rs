//! What the user has set: `config.toml` and the themes beside it, as values.
//!
//! Invariant: pure and total; text comes in, settings and warnings go out, and no text can make it
//! fail: what is wrong is said with its line, and the rest holds. It must not open a file, know a
//! terminal, or have a setting that does nothing.

pub mod colour;
mod declared;
mod nearest;
mod read;
pub mod tabs;
pub mod theme;

pub use declared::{DECLARED, Declared, default_file};
pub use nearest::nearest;

/// The settings' file in the directory for configuration.
pub const FILE: &str = "config.toml";
/// The directory of the user's own themes beside it.
pub const THEMES: &str = "themes";
/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 * 1024;
/// The longest wait before what is read counts as read, in seconds.
pub const MAX_MARK_READ_SECONDS: i64 = 3_600;
/// The fewest and the most columns that may be asked for a reader beside the list.
pub const PREVIEW_COLUMNS: (i64, i64) = (40, 400);

/// The theme that is called `auto`: chosen by what the terminal is.
pub const AUTO: &str = "auto";

/// All that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A theme's name, or [`AUTO`].
    pub theme: String,
    /// Lines of a conversation in the list.
    pub density: Density,
    /// Whether the lists stand at the left where there is room.
    pub sidebar: bool,
    /// Where a conversation is read.
    pub preview: Preview,
    /// Columns of the reader beside the list; 0 is what suits the screen.
    pub preview_width: u16,
    /// Seconds that a conversation is on the screen before it counts as read; `None` is never.
    pub mark_read_after: Option<u32>,
    /// Where one goes when the open conversation leaves.
    pub auto_advance: Advance,
    /// What is a key away above the list.
    pub tabs: Vec<tabs::Tab>,
    /// How dates are written.
    pub dates: Dates,
    /// Whether hours are counted to 12.
    pub twelve: bool,
    /// Whether the terminal's title is set.
    pub title: bool,
    /// Whether the terminal may open links itself.
    pub links: bool,
    /// Whether new mail is announced in the terminal.
    pub notify: bool,
    /// Whether the mouse points and scrolls.
    pub mouse: bool,
    /// Whether the interface is lines.
    pub linear: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: AUTO.to_owned(),
            density: Density::Compact,
            sidebar: true,
            preview: Preview::Right,
            preview_width: 0,
            mark_read_after: Some(0),
            auto_advance: Advance::List,
            tabs: Vec::new(),
            dates: Dates::Short,
            twelve: false,
            title: true,
            links: true,
            notify: true,
            mouse: true,
            linear: false,
        }
    }
}

/// How much room a conversation has in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Density {
    /// One line.
    Compact,
    /// Two lines.
    Comfortable,
}

/// Where a conversation is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preview {
    /// At the right of the list, where there is room.
    Right,
    /// Under the list, where there is room.
    Below,
    /// Instead of the list.
    Off,
}

/// Where one goes when the open conversation leaves the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// To the next, older one.
    Next,
    /// To the previous, newer one.
    Previous,
    /// Back to the list.
    List,
}

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// As near as needed: `09:41`, `12 Nov`, `2009-11-17`.
    Short,
    /// ISO 8601: `09:41`, `2025-11-12`.
    Iso,
}

/// Something in a file that does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there; safe to show.
    pub text: String,
}

/// The settings and the theme that they name, with what is wrong in their files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What is set.
    pub settings: Settings,
    /// The theme that is named; `None` where it is chosen by what the terminal is.
    pub palette: Option<theme::Palette>,
    /// What does nothing: the file, and what is wrong in it.
    pub warnings: Vec<(String, Warning)>,
}

impl Default for Loaded {
    fn default() -> Self {
        Self::of(None, |_| None)
    }
}

impl Loaded {
    /// Of the text of the file, if there is one, and of the user's own theme of a name.
    #[must_use]
    pub fn of(text: Option<&str>, own: impl Fn(&str) -> Option<String>) -> Self {
        let text = text.unwrap_or_default();
        let (settings, said) = Settings::read(text);
        let in_file = |warning| (FILE.to_owned(), warning);
        let mut warnings: Vec<_> = said.into_iter().map(in_file).collect();
        let name = settings.theme.as_str();
        let palette = match (name, own(name)) {
            (AUTO, _) => None,
            (_, Some(text)) => {
                let (palette, said) = theme::Palette::own(&text);
                let file = format!("{THEMES}/{name}.toml");
                warnings.extend(said.into_iter().map(|warning| (file.clone(), warning)));
                Some(palette)
            }
            (_, None) => theme::Palette::built_in(name).or_else(|| {
                let at = text.lines().position(|line| line.trim_start().starts_with("theme"));
                let known = theme::BUILT_IN.map(|(name, _)| name).into_iter().chain([AUTO]);
                let near = nearest(name, known).map(|near| format!("; is it {near}?"));
                let text = format!("there is no theme {name}{}", near.unwrap_or_default());
                warnings.push(in_file(Warning { line: at.unwrap_or(0) + 1, text }));
                None
            }),
        };
        Self { settings, palette, warnings }
    }

    /// What is wrong, a line each.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let said =
            |(file, what): &(String, Warning)| format!("{file} line {}: {}", what.line, what.text);
        self.warnings.iter().map(said).collect()
    }
}

impl Settings {
    /// The settings of a file's text, and what of it does nothing.
    #[must_use]
    pub fn read(text: &str) -> (Self, Vec<Warning>) {
        read::settings(text)
    }

    /// Each setting's name and value, as the file has it.
    #[must_use]
    pub fn values(&self) -> Vec<(&'static str, String)> {
        let seconds = self.mark_read_after.map_or(-1, i64::from);
        let text = |text: &str| format!("\"{text}\"");
        vec![
            ("theme", text(&self.theme)),
            ("density", text(read::DENSITY.name(self.density))),
            ("sidebar", self.sidebar.to_string()),
            ("preview", text(read::PREVIEW.name(self.preview))),
            ("preview_width", self.preview_width.to_string()),
            ("mark_read_after", seconds.to_string()),
            ("auto_advance", text(read::ADVANCE.name(self.auto_advance))),
            ("tabs", tabs::written(&self.tabs)),
            ("dates", text(read::DATES.name(self.dates))),
            ("hours", if self.twelve { "12" } else { "24" }.to_owned()),
            ("title", self.title.to_string()),
            ("links", self.links.to_string()),
            ("notify", self.notify.to_string()),
            ("mouse", self.mouse.to_string()),
            ("linear", self.linear.to_string()),
        ]
    }

    /// What is other in `new`, in words: `theme is "light"`.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Vec<String> {
        let both = self.values().into_iter().zip(new.values());
        both.filter(|(old, new)| old != new)
            .map(|(_, (name, value))| format!("{name} is {value}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_the_users_own_a_built_in_one_or_said_to_be_none() {
        let mine = |name: &str| (name == "mine").then(|| "text = \"#zz\"\nmuted = \"red\"".into());
        let load = |text: &str| Loaded::of(Some(text), mine);
        assert_eq!(Loaded::default().palette, None);
        assert_eq!(load("theme = \"light\"").palette, theme::Palette::built_in("light"));
        let own = load("theme = \"mine\"");
        assert_eq!(own.complaints()[0].split(':').next(), Some("themes/mine.toml line 1"));
        let look = own.palette.unwrap().look(theme::Role::Muted);
        assert_eq!(look.fg, colour::Colour::Indexed(1));
        let none = load("# x\ntheme = \"drak\"\nhours = 7");
        assert_eq!(none.palette, None);
        let said = none.complaints();
        assert_eq!((said[0].as_str(), said.len()), ("config.toml line 3: hours takes 24 or 12", 2));
        let (_, second) = &none.warnings[1];
        assert_eq!((second.line, second.text.as_str()), (2, "there is no theme drak; is it dark?"));
    }
}
