//! The box that asks until when conversations sleep.

use jiff::{Timestamp, tz::TimeZone};

use super::keys::{intents, screen};
use crate::command::intent::{Change, Intent};
use crate::command::when;
use crate::ui::app::Layer;
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;

fn offered() -> Vec<(&'static str, i64)> {
    let now = Timestamp::from_millisecond(NOW_MS).unwrap().to_zoned(TimeZone::UTC);
    when::offered(&now)
}

/// The last changes that were decided.
fn changes(screen: &Screen) -> Vec<Change> {
    match screen.double.log.last() {
        Some(Intent::Change { changes, .. }) => changes.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_chosen_or_typed_hides_the_row_and_is_undone() {
    let mut screen = screen();
    let first = screen.subject();
    screen.press("h");
    let text = screen.text();
    for (name, until) in offered() {
        let line =
            text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains(&crate::ui::date::long(until, &TimeZone::UTC)), "{line}");
    }
    screen.press("<Down><Enter>");
    assert_eq!(changes(&screen), [Change::Snooze(Some(offered()[1].1))]);
    assert!(screen.model.layers.is_empty());
    assert!(screen.subject() != first && !screen.text().contains(&first), "{}", screen.text());
    screen.press("z");
    assert!(intents(&screen).last().unwrap().starts_with("Undo"), "{:?}", intents(&screen));
    screen.press("b2d<Enter>");
    let until = NOW_MS / 1_000 + 2 * 86_400;
    let said = format!("until {} · z undoes", crate::ui::date::long(until, &TimeZone::UTC));
    assert!(screen.text().contains(&said), "{said}: {}", screen.text());
    assert_eq!(changes(&screen), [Change::Snooze(Some(until))]);
}

#[test]
fn what_is_no_time_stays_to_be_mended_and_escape_does_nothing() {
    let mut screen = screen();
    screen.press("hsoon<Enter>");
    assert!(matches!(screen.model.layers[..], [Layer::Snooze(_)]), "it stays open");
    let text = screen.text();
    assert!(text.contains("that is no time") && text.contains("in 2 weeks"), "{text}");
    screen.press("<C-u>");
    assert_eq!(screen.model.notice, None, "what is mended is not blamed any more");
    screen.press("2001-01-01<Enter>");
    assert!(screen.text().contains("that is over already"), "{}", screen.text());
    screen.press("<Esc>");
    assert!(screen.model.layers.is_empty() && screen.double.log.is_empty());
}

#[test]
fn the_box_is_drawn_at_every_size_and_for_many() {
    for (columns, rows) in [(30, 6), (40, 10), (80, 24), (200, 50)] {
        let mut screen = Screen::new(Double::sample(), columns, rows);
        screen.press("<Space><Space>h<Down><Down><Down><Down><Down><Up>tomor");
        screen.press("row<C-u>x<Enter><Esc>");
        assert!(screen.model.layers.is_empty());
    }
    let mut screen = screen();
    screen.press("<Space><Space>h");
    assert!(screen.text().contains("Snooze 2 conversations"), "{}", screen.text());
    insta::assert_snapshot!("snooze-80x24", screen.text());
}
