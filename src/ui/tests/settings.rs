//! What the user sets, as it is felt: each setting changes what it says, at once.

use crate::config::Loaded;
use crate::ui::ability::{Ability, Colours};
use crate::ui::app::Message;
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;

/// A screen on which `text` was put into the file while the program runs.
fn set(size: (u16, u16), text: &str) -> Screen {
    let mut screen = Screen::new(Double::sample(), size.0, size.1);
    change(&mut screen, text);
    screen
}

fn change(screen: &mut Screen, text: &str) {
    let loaded = Loaded::of(Some(text), |_| None);
    screen.send(Message::Settings(Box::new(loaded)));
}

fn unread(screen: &Screen) -> usize {
    screen.model.list.rows.iter().filter(|row| row.unread_count > 0).count()
}

#[test]
fn a_change_is_said_and_a_mistake_with_its_line() {
    let mut screen = set((80, 24), "density = \"comfortable\"");
    assert!(screen.text().contains("Set: density is \"comfortable\""), "{}", screen.text());
    change(&mut screen, "densty = 1");
    let shown = screen.text();
    assert!(
        shown.contains("! config.toml line 1: densty is no setting; is it density?"),
        "{shown}"
    );
    screen.model.look.ability = Ability { screen: true, colours: Colours::True, signs: true };
    let before = screen.model.theme;
    change(&mut screen, "theme = \"light\"");
    assert_ne!(screen.model.theme, before);
    assert!(screen.text().contains("Set: theme is \"light\""), "{}", screen.text());
    screen.model.notice = None;
    change(&mut screen, "theme = \"light\" # the same");
    assert_eq!(screen.model.notice, None);
}

#[test]
fn a_conversation_has_one_line_or_two() {
    let compact = set((80, 24), "");
    let mut screen = set((80, 24), "density = \"comfortable\"");
    assert_eq!(screen.model.list.height, compact.model.list.height / 2);
    screen.press("j");
    insta::assert_snapshot!("comfortable-80x24", screen.text());
    screen.press("G");
    assert!(screen.text().contains('▸'), "{}", screen.text());
}

#[test]
fn a_conversation_is_read_under_the_list_or_instead_of_it() {
    let mut below = set((80, 24), "preview = \"below\"");
    below.press("j<Enter>");
    insta::assert_snapshot!("below-80x24", below.text());
    let mut off = set((200, 50), "preview = \"off\"");
    off.press("j<Enter>");
    assert!(!off.text().contains("Ann Example"), "{}", off.text());
    let mut panes = set((200, 50), "");
    panes.press("<Enter>");
    let all = crate::ui::layout::of(&panes.model);
    panes.press("w");
    let two = crate::ui::layout::of(&panes.model);
    assert!(all.sidebar.width > 0 && two.sidebar.width == 0 && two.list.width > 0);
    panes.press("w");
    assert_eq!(crate::ui::layout::of(&panes.model).list.width, 0);
    panes.press("w");
    assert_eq!(crate::ui::layout::of(&panes.model), all);
}

#[test]
fn what_is_open_counts_as_read_when_it_is_set() {
    for (text, at_once, later) in [
        ("", true, true),
        ("mark_read_after = 3", false, true),
        ("mark_read_after = -1", false, false),
    ] {
        let mut screen = set((80, 24), text);
        let all = unread(&screen);
        screen.press("<Enter>");
        assert_eq!(unread(&screen) < all, at_once, "{text}");
        screen.send(Message::Time(NOW_MS + 3_000));
        assert_eq!(unread(&screen) < all, later, "{text}");
    }
}

#[test]
fn what_leaves_gives_way_to_what_is_set() {
    for (text, keys, expected) in [
        ("auto_advance = \"next\"", "j<Enter>e", Some(2)),
        ("auto_advance = \"previous\"", "j<Enter>e", Some(0)),
        ("auto_advance = \"previous\"", "<Enter>e", None),
        ("auto_advance = \"next\"", "G<Enter>e", None),
        ("", "j<Enter>e", None),
    ] {
        let mut screen = set((80, 24), text);
        let rows = screen.model.list.rows.clone();
        screen.press(keys);
        let open = screen.model.reader.as_ref().map(|reader| reader.row.thread.clone());
        let expected = expected.map(|at: usize| rows[at].thread.clone());
        assert_eq!(open, expected, "{text} {keys}");
    }
}

#[test]
fn dates_are_written_as_is_set() {
    let iso = set((80, 24), "dates = \"iso\"").text();
    assert!(iso.contains("2025-11-12") && !iso.contains("12 Nov"), "{iso}");
    let twelve = set((80, 24), "hours = 12").text();
    assert!(twelve.contains("9:29 am") && twelve.contains("12 Nov"), "{twelve}");
}
