//! What can be set, as a user meets it: the README's table, the file that the program prints.
//!
//! Invariant: the table is compared row by row with what is declared, so that neither can say what
//! the other does not.

use mailtui::config::theme::{BUILT_IN, Palette, Role};
use mailtui::config::{DECLARED, Loaded, Settings};

use crate::support::binary::Home;

const README: &str = include_str!("../../README.md");

fn section() -> &'static str {
    let (_, after) = README.split_once("\n## Settings and themes\n").expect("the section");
    after.split("\n## ").next().expect("there is one")
}

#[test]
fn the_readme_has_every_setting_with_its_default() {
    let rows: Vec<&str> = section().lines().filter(|line| line.starts_with("| `")).collect();
    let values = Settings::default().values();
    let declared = DECLARED.iter().zip(values).map(|(declared, (name, value))| {
        format!("| `{name} = {value}` | {} | {} |", declared.takes, declared.does)
    });
    assert_eq!(rows, declared.collect::<Vec<_>>());
}

#[test]
fn the_readme_has_every_role_and_theme_and_its_example_is_one() {
    for name in Role::ALL.map(Role::name).into_iter().chain(BUILT_IN.map(|(name, _)| name)) {
        assert!(section().contains(&format!("`{name}`")), "{name}");
    }
    let example = section().split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let (palette, warnings) = Palette::own(example.expect("an example"));
    assert_eq!(warnings, []);
    assert_ne!(Some(palette), Palette::built_in("dark"));
}

#[test]
fn the_default_file_is_printed_and_sets_nothing() {
    let home = Home::new();
    let printed = home.run(&["--print-default-config"]).ok().stdout;
    let text = String::from_utf8(printed).expect("UTF-8");
    assert_eq!(Loaded::of(Some(&text), |_| None), Loaded::default());
    for declared in DECLARED {
        assert!(text.contains(&format!("\n{} = ", declared.name)), "{}", declared.name);
    }
    assert!(!home.data().exists(), "nothing is made for it");
}
