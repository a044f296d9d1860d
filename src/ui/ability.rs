//! What the terminal can do, as its environment says.
//!
//! Invariant: pure; the environment comes in. A terminal that is not asked cannot answer wrongly,
//! and none is kept waiting for an answer: nothing is queried.

use std::ffi::OsString;

/// What the terminal can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ability {
    /// Whether it has a screen that can be written anywhere; `TERM=dumb` and no `TERM` have none.
    pub screen: bool,
    /// How many colours it shows, where the user wants any (`NO_COLOR`, `CLICOLOR`).
    pub colours: Colours,
    /// Whether it has signs beyond the few hundred of a console's font.
    pub signs: bool,
}

/// How many colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// None, or none are wanted.
    None,
    /// The 16 of ANSI.
    Sixteen,
    /// The 256 of xterm.
    Many,
    /// All.
    True,
}

/// Whether the terminal's background is dark, as `COLORFGBG` has it: `15;0`, or `0;default;15`.
#[must_use]
pub fn is_dark(env: &dyn Fn(&str) -> Option<OsString>) -> Option<bool> {
    let value = env("COLORFGBG")?;
    let ground = value.to_str()?.rsplit(';').next()?.parse::<u8>().ok()?;
    match ground {
        0..=6 | 8 => Some(true),
        7 | 9..=15 => Some(false),
        _ => None,
    }
}

/// What the terminal of this environment can do.
#[must_use]
pub fn of(env: &dyn Fn(&str) -> Option<OsString>) -> Ability {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let term = set("TERM").map(|term| term.to_string_lossy().into_owned()).unwrap_or_default();
    let monochrome = term.ends_with("-m") || term.ends_with("-mono") || term.starts_with("vt");
    // https://no-color.org: any value but an empty one; http://bixense.com/clicolors: 0 is off.
    let unwanted = set("NO_COLOR").is_some() || set("CLICOLOR").is_some_and(|value| value == "0");
    let names = |name: &str, words: [&str; 2]| {
        set(name).is_some_and(|v| words.iter().any(|word| v.to_string_lossy().ends_with(word)))
    };
    let colours = match () {
        () if monochrome || unwanted => Colours::None,
        () if term == "linux" => Colours::Sixteen,
        () if names("COLORTERM", ["truecolor", "24bit"]) => Colours::True,
        () if ["-direct", "-kitty", "-ghostty"].iter().any(|end| term.ends_with(end)) => {
            Colours::True
        }
        () if term.contains("256color") => Colours::Many,
        () => Colours::Sixteen,
    };
    Ability {
        screen: !term.is_empty() && term != "dumb",
        colours,
        signs: term != "linux" && !term.starts_with("vt"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_env(env: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        let env: Vec<(String, OsString)> =
            env.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
        move |name| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn check(env: &[(&str, &str)], screen: bool, colours: Colours, signs: bool) {
        assert_eq!(of(&of_env(env)), Ability { screen, colours, signs }, "{env:?}");
    }

    #[test]
    fn the_environment_is_taken_at_its_word() {
        use Colours::{Many, None, Sixteen, True};
        check(&[("TERM", "xterm-256color")], true, Many, true);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], true, True, true);
        check(&[("TERM", "xterm-kitty")], true, True, true);
        check(&[("TERM", "xterm")], true, Sixteen, true);
        check(&[("TERM", "tmux-256color"), ("NO_COLOR", "")], true, Many, true);
        check(&[("TERM", "xterm"), ("NO_COLOR", "1"), ("COLORTERM", "24bit")], true, None, true);
        check(&[("TERM", "xterm"), ("CLICOLOR", "0")], true, None, true);
        check(&[("TERM", "xterm"), ("CLICOLOR", "1")], true, Sixteen, true);
        check(&[("TERM", "linux")], true, Sixteen, false);
        check(&[("TERM", "vt220")], true, None, false);
        check(&[("TERM", "xterm-mono")], true, None, true);
        check(&[("TERM", "dumb")], false, Sixteen, true);
        check(&[("TERM", "")], false, Sixteen, true);
        check(&[], false, Sixteen, true);
    }

    #[test]
    fn the_background_is_dark_light_or_not_known() {
        for (value, dark) in [
            ("15;0", Some(true)),
            ("0;15", Some(false)),
            ("0;default;15", Some(false)),
            ("12;8", Some(true)),
            ("default;default", Option::None),
            ("7", Some(false)),
            ("1;99", Option::None),
            ("", Option::None),
        ] {
            assert_eq!(is_dark(&of_env(&[("COLORFGBG", value)])), dark, "{value}");
        }
        assert_eq!(is_dark(&of_env(&[])), Option::None);
    }
}
