//! The text of `config.toml` as settings.
//!
//! Invariant: total. A line that is no TOML is said and passed over; a value that does not fit is
//! said and leaves its setting as it was; a name that means nothing is said with the nearest one.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::tabs::{MOST_TABS, Tab};
use super::{
    Advance, DECLARED, Dates, Density, MAX_MARK_READ_SECONDS, PREVIEW_COLUMNS, Preview, Settings,
    Warning, nearest,
};
use crate::safe_text;

/// Lines of a file that may be no TOML before the rest is not read.
const MAX_BROKEN_LINES: usize = 20;
/// The most that is said of one file.
const MAX_WARNINGS: usize = 50;

/// The words of a setting, and what each means.
pub(super) struct Words<T: 'static>(&'static [(&'static str, T)]);

impl<T: Copy + PartialEq> Words<T> {
    pub(super) fn name(&self, value: T) -> &'static str {
        self.0.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
    }

    fn read(&self, text: &str) -> Option<T> {
        self.0.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
    }
}

pub(super) const DENSITY: Words<Density> =
    Words(&[("compact", Density::Compact), ("comfortable", Density::Comfortable)]);
pub(super) const PREVIEW: Words<Preview> =
    Words(&[("right", Preview::Right), ("below", Preview::Below), ("off", Preview::Off)]);
pub(super) const ADVANCE: Words<Advance> =
    Words(&[("next", Advance::Next), ("previous", Advance::Previous), ("list", Advance::List)]);
pub(super) const DATES: Words<Dates> = Words(&[("short", Dates::Short), ("iso", Dates::Iso)]);

/// A text without the lines that are no TOML: it is one, or empty.
pub(super) fn toml_of(text: &str) -> (String, Vec<Warning>) {
    let mut left = text.trim_start_matches('\u{feff}').to_owned();
    let mut warnings = Vec::new();
    for _ in 0..MAX_BROKEN_LINES {
        let Err(error) = Document::parse(left.as_str()) else { return (left, warnings) };
        let line = line_of(&left, error.span().map_or(0, |span| span.start));
        let what = error.message().lines().next().unwrap_or("this is no TOML").to_owned();
        warnings.push(Warning { line, text: safe_text::line(&what) });
        let lines = left.split('\n').enumerate();
        let kept: Vec<&str> =
            lines.map(|(number, text)| if number + 1 == line { "" } else { text }).collect();
        let kept = kept.join("\n");
        if kept == left {
            break;
        }
        left = kept;
    }
    (String::new(), warnings)
}

/// The line, from 1, in which byte `at` of the text lies.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

pub(super) fn span_of(table: &dyn TableLike, key: &str, item: &Item) -> Option<Range<usize>> {
    table.get_key_value(key).and_then(|(key, _)| key.span()).or_else(|| item.span())
}

/// What is said of a name that means nothing.
pub(super) fn unknown<'a>(
    what: &str,
    key: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let near = nearest(key, known).map(|near| format!("; is it {near}?")).unwrap_or_default();
    format!("{} is no {what}{near}", safe_text::line(key))
}

/// The settings of a text, and what of it does nothing.
pub(super) fn settings(text: &str) -> (Settings, Vec<Warning>) {
    let (text, mut warnings) = toml_of(text);
    let mut settings = Settings::default();
    let Ok(document) = Document::parse(text.as_str()) else { return (settings, warnings) };
    for (key, item) in document.iter() {
        let known = DECLARED.iter().find(|declared| declared.name == key);
        let wrong = match known {
            None => Some(unknown("setting", key, DECLARED.map(|declared| declared.name))),
            Some(declared) => set(&mut settings, key, item)
                .is_none()
                .then(|| format!("{key} takes {}", declared.takes)),
        };
        if let Some(said) = wrong {
            let span = span_of(document.as_table(), key, item);
            let line = line_of(&text, span.map_or(0, |span| span.start));
            warnings.push(Warning { line, text: said });
        }
    }
    warnings.sort_by_key(|warning| warning.line);
    warnings.truncate(MAX_WARNINGS);
    (settings, warnings)
}

/// Sets one; `None` where the value does not fit.
fn set(settings: &mut Settings, key: &str, item: &Item) -> Option<()> {
    let number =
        |least: i64, most: i64| item.as_integer().filter(|number| (least..=most).contains(number));
    match key {
        "theme" => item.as_str().filter(|name| is_name(name))?.clone_into(&mut settings.theme),
        "density" => settings.density = DENSITY.read(item.as_str()?)?,
        "sidebar" => settings.sidebar = item.as_bool()?,
        "preview" => settings.preview = PREVIEW.read(item.as_str()?)?,
        "preview_width" => {
            let (least, most) = PREVIEW_COLUMNS;
            let columns = number(0, most).filter(|columns| *columns == 0 || *columns >= least)?;
            settings.preview_width = u16::try_from(columns).ok()?;
        }
        "mark_read_after" => {
            settings.mark_read_after = match number(-1, MAX_MARK_READ_SECONDS)? {
                -1 => None,
                seconds => Some(u32::try_from(seconds).ok()?),
            }
        }
        "auto_advance" => settings.auto_advance = ADVANCE.read(item.as_str()?)?,
        "tabs" => settings.tabs = tabs(item)?,
        "dates" => settings.dates = DATES.read(item.as_str()?)?,
        "hours" => settings.twelve = number(12, 24).filter(|n| [12, 24].contains(n))? == 12,
        "title" => settings.title = item.as_bool()?,
        "links" => settings.links = item.as_bool()?,
        "notify" => settings.notify = item.as_bool()?,
        "mouse" => settings.mouse = item.as_bool()?,
        "linear" => settings.linear = item.as_bool()?,
        _ => return None,
    }
    Some(())
}

/// Tabs; `None` where one of them can be none.
fn tabs(item: &Item) -> Option<Vec<Tab>> {
    let all = item.as_array().filter(|all| all.len() <= MOST_TABS)?;
    all.iter().map(|tab| Tab::read(tab.as_str()?)).collect()
}

/// The most characters of a theme's name.
const MAX_NAME_CHARS: usize = 64;

/// Whether a text can be a theme's name: it is part of a file's name.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_read() {
        let text = "theme = \"mine\"\ndensity = \"comfortable\"\nsidebar = false\n\
            preview = \"below\"\npreview_width = 90\nmark_read_after = -1\n\
            auto_advance = \"next\"\n\
            tabs = [\"unread\", \"label:Team\", \"search:Big Bills\"]\n\
            dates = \"iso\"\nhours = 12\ntitle = false\n\
            links = false\nnotify = false\nmouse = false\nlinear = true\n";
        let (settings, warnings) = Settings::read(text);
        assert_eq!(warnings, []);
        let values = settings.values();
        for (name, value) in &values {
            assert!(text.contains(&format!("{name} = {value}\n")), "{name} = {value}");
        }
        assert_eq!(Settings::default().changes(&settings).len(), DECLARED.len());
        let changes = Settings::default().changes(&Settings::read("hours = 12").0);
        assert_eq!(changes, ["hours is 12"]);
    }

    fn check(text: &str, expected: &[(usize, &str)]) {
        let (settings, warnings) = Settings::read(&format!("{text}\nhours = 12\n"));
        assert!(settings.twelve, "the rest holds: {text} {warnings:?}");
        assert_eq!(warnings.len(), expected.len(), "{text}: {warnings:?}");
        for (warning, (line, said)) in warnings.iter().zip(expected) {
            assert_eq!(warning.line, *line, "{warning:?}");
            assert!(warning.text.contains(said), "{warning:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line_and_the_rest_holds() {
        check("", &[]);
        check("themme = \"dark\"", &[(1, "themme is no setting; is it theme?")]);
        check("\nquux = 1", &[(2, "quux is no setting")]);
        check(
            "# x\ntheme = 7\ndensity = \"wide\"",
            &[(2, "theme takes auto, dark"), (3, "density takes compact or comfortable")],
        );
        check("theme = \"../../etc\"", &[(1, "theme takes")]);
        check("preview_width = 7", &[(1, "0, or columns from 40")]);
        check("preview_width = 99999999999", &[(1, "columns")]);
        check("tabs = \"inbox\"", &[(1, "label:NAME")]);
        check("tabs = [\"inbox\", \"outbox\"]", &[(1, "tabs takes up to 12")]);
        check("tabs = [\"label:\"]", &[(1, "tabs takes")]);
        check("tabs = [1]", &[(1, "tabs takes")]);
        check("mark_read_after = 2.5", &[(1, "seconds")]);
        check("sidebar = \"yes\"", &[(1, "true or false")]);
        check("theme = \"dark\ndensity = \"comfortable\"", &[(1, "")]);
        check("theme\n= = =\n[[", &[(1, ""), (2, ""), (3, "")]);
        check("theme = \"a\"\ntheme = \"b\"", &[(2, "duplicate")]);
        check("theme = {}\n", &[(1, "theme takes")]);
        check("\"th\\u001b[31meme\" = 1", &[(1, "no setting")]);
    }

    #[test]
    fn nothing_that_is_said_can_move_the_terminal() {
        let (_, warnings) = Settings::read("\"a\\u001b]0;x\\u0007\" = 1\n\"\u{202e}x\" = 2");
        assert_eq!(warnings.len(), 2);
        for warning in warnings {
            assert!(!warning.text.contains(char::is_control), "{warning:?}");
            assert!(!warning.text.contains('\u{202e}'), "{warning:?}");
        }
    }

    #[test]
    fn no_text_makes_it_fail() {
        for text in ["[", "\0", "[a]\n[a]", "=", "\u{feff}hours = 12", "'''", "a = [", "\r\r\n"] {
            let _ = Settings::read(text);
        }
        let _ = Settings::read(&"[".repeat(10_000));
        let _ = Settings::read(&"x\n".repeat(10_000));
    }
}
