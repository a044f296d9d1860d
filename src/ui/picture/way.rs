//! How the terminal shows pictures, as its environment says.
//!
//! Invariant: pure; nothing is asked of the terminal, so nothing waits for an answer and none is
//! taken for keys. What is not known to have a protocol of its own gets half blocks, or signs of
//! text where there are few colours.

use std::ffi::OsString;

use crate::ui::ability::{Ability, Colours};

/// The name under which a user says it better.
const SAID: &str = "MAILTUI_PICTURES";

/// How pictures are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By kitty's protocol.
    Kitty,
    /// By that of iTerm2.
    Iterm,
    /// By sixels.
    Sixel,
    /// By half blocks in any colour.
    Blocks,
    /// By half blocks in the 256 colours.
    Indexed,
    /// By shades, in the colour of text.
    Shades,
    /// By signs that every font has.
    Signs,
}

/// How the terminal of this environment shows pictures.
#[must_use]
pub fn way(env: &dyn Fn(&str) -> Option<OsString>, ability: Ability) -> Way {
    let set = |name: &str| {
        let value = env(name).filter(|value| !value.is_empty());
        value.map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let said = match set(SAID).as_str() {
        "kitty" => Some(Way::Kitty),
        "iterm" => Some(Way::Iterm),
        "sixel" => Some(Way::Sixel),
        "blocks" => Some(Way::Blocks),
        "256" => Some(Way::Indexed),
        "shades" => Some(Way::Shades),
        "signs" => Some(Way::Signs),
        _ => None,
    };
    if let Some(said) = said {
        return said;
    }
    if !ability.signs {
        return Way::Signs;
    }
    if ability.colours == Colours::None {
        return Way::Shades;
    }
    let (term, program) = (set("TERM"), set("TERM_PROGRAM"));
    // In a multiplexer its own screen counts, whatever terminal it was started in.
    let inside = ["TMUX", "STY", "ZELLIJ"].iter().any(|name| !set(name).is_empty())
        || term.starts_with("screen")
        || term.starts_with("tmux");
    if !inside && let Some(way) = own(&term, &program, &set) {
        return way;
    }
    let deep = matches!(set("COLORTERM").as_str(), "truecolor" | "24bit")
        || term.ends_with("-direct")
        || term.contains("kitty");
    match deep {
        true => Way::Blocks,
        false if term.contains("256") => Way::Indexed,
        false => Way::Shades,
    }
}

/// A protocol of its own.
fn own(term: &str, program: &str, set: &dyn Fn(&str) -> String) -> Option<Way> {
    let kitty = ["xterm-kitty", "xterm-ghostty"].contains(&term)
        || program == "ghostty"
        || !set("KITTY_WINDOW_ID").is_empty();
    let iterm = ["iTerm.app", "WezTerm", "rio"].contains(&program)
        || set("LC_TERMINAL") == "iTerm2"
        || !set("KONSOLE_VERSION").is_empty();
    let sixel = ["foot", "mlterm", "yaft"].iter().any(|name| term.starts_with(name));
    match (kitty, iterm, sixel) {
        (true, _, _) => Some(Way::Kitty),
        (_, true, _) => Some(Way::Iterm),
        (_, _, true) => Some(Way::Sixel),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::ability;

    fn check(env: &[(&str, &str)], expected: Way) {
        let get = |name: &str| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        assert_eq!(way(&get, ability::of(&get)), expected, "{env:?}");
    }

    #[test]
    fn the_environment_says_how() {
        check(&[("TERM", "xterm-kitty")], Way::Kitty);
        check(&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")], Way::Kitty);
        check(&[("TERM", "xterm-ghostty")], Way::Kitty);
        check(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], Way::Iterm);
        check(&[("TERM", "xterm-256color"), ("KONSOLE_VERSION", "240801")], Way::Iterm);
        check(&[("TERM", "foot")], Way::Sixel);
        check(&[("TERM", "foot-extra")], Way::Sixel);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Way::Blocks);
        check(&[("TERM", "xterm-256color")], Way::Indexed);
        check(&[("TERM", "xterm")], Way::Shades);
        check(&[("TERM", "linux"), ("COLORTERM", "truecolor")], Way::Signs);
        check(&[("TERM", "xterm-kitty"), ("NO_COLOR", "1")], Way::Shades);
        check(&[("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1")], Way::Indexed);
        check(&[("TERM", "foot"), ("TMUX", "/tmp/x")], Way::Shades);
        check(&[("TERM", "xterm"), ("MAILTUI_PICTURES", "sixel")], Way::Sixel);
        check(&[("TERM", "xterm"), ("MAILTUI_PICTURES", "what")], Way::Shades);
        check(&[], Way::Shades);
    }
}
