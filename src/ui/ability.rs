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
    /// Whether it shows colours, and the user wants them (`NO_COLOR`, `CLICOLOR`).
    pub colour: bool,
    /// Whether it has signs beyond the few hundred of a console's font.
    pub signs: bool,
}

/// What the terminal of this environment can do.
#[must_use]
pub fn of(env: &dyn Fn(&str) -> Option<OsString>) -> Ability {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let term = set("TERM").map(|term| term.to_string_lossy().into_owned()).unwrap_or_default();
    let monochrome = term.ends_with("-m") || term.ends_with("-mono") || term.starts_with("vt");
    // https://no-color.org: any value but an empty one; http://bixense.com/clicolors: 0 is off.
    let unwanted = set("NO_COLOR").is_some() || set("CLICOLOR").is_some_and(|value| value == "0");
    Ability {
        screen: !term.is_empty() && term != "dumb",
        colour: !monochrome && !unwanted,
        signs: term != "linux" && !term.starts_with("vt"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(env: &[(&str, &str)], screen: bool, colour: bool, signs: bool) {
        let found = of(&|name| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        });
        assert_eq!(found, Ability { screen, colour, signs }, "{env:?}");
    }

    #[test]
    fn the_environment_is_taken_at_its_word() {
        check(&[("TERM", "xterm-256color")], true, true, true);
        check(&[("TERM", "xterm")], true, true, true);
        check(&[("TERM", "tmux-256color"), ("NO_COLOR", "")], true, true, true);
        check(&[("TERM", "xterm"), ("NO_COLOR", "1")], true, false, true);
        check(&[("TERM", "xterm"), ("CLICOLOR", "0")], true, false, true);
        check(&[("TERM", "xterm"), ("CLICOLOR", "1")], true, true, true);
        check(&[("TERM", "linux")], true, true, false);
        check(&[("TERM", "vt220")], true, false, false);
        check(&[("TERM", "xterm-mono")], true, false, true);
        check(&[("TERM", "dumb")], false, true, true);
        check(&[("TERM", "")], false, true, true);
        check(&[], false, true, true);
    }
}
