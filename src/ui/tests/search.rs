//! Searching on the screen: the line, what it finds, the way back.

use super::keys::intents;
use crate::engine::handle::{Request, Update};
use crate::engine::search::Indexed;
use crate::id::LabelId;
use crate::search::Named;
use crate::ui::app::Message;
use crate::ui::double::Double;
use crate::ui::harness::Screen;

fn screen(columns: u16, rows: u16) -> Screen {
    Screen::new(Double::sample(), columns, rows)
}

fn subjects(screen: &Screen) -> Vec<&str> {
    screen.model.list.rows.iter().map(|row| row.subject.as_deref().unwrap_or_default()).collect()
}

#[test]
fn what_is_typed_is_found_at_once() {
    let mut screen = screen(80, 24);
    screen.press("jj/");
    assert!(subjects(&screen).is_empty(), "{}", screen.text());
    screen.press("lun");
    assert_eq!(subjects(&screen), ["Lunch on Friday?"]);
    assert!(screen.text().contains("Search  1 conversation"), "{}", screen.text());
    screen.press("x");
    assert!(subjects(&screen).is_empty());
    assert!(screen.text().contains("Nothing was found"), "{}", screen.text());
    screen.press("<Backspace><Backspace><Backspace>");
    assert!(subjects(&screen).len() > 1);
}

#[test]
fn escape_goes_back_to_where_one_was() {
    for keys in ["jjj/lunch<Esc>", "jjj/lunch<Enter><Esc>", "jjj/lunch<Enter>q", "jjj/<Esc>"] {
        let mut screen = screen(80, 24);
        screen.press(keys);
        assert_eq!(screen.model.list.cursor, 3, "{keys}");
        assert_eq!(screen.model.list.label.as_str(), "inbox", "{keys}");
        assert!(screen.model.search.is_none() && screen.exit.is_none(), "{keys}");
    }
    let mut screen = screen(80, 24);
    screen.press("j<Enter>/lunch<Enter><Esc>");
    assert!(screen.model.reader.is_some(), "the conversation that was read");
}

#[test]
fn what_was_found_is_a_list_that_keys_work_on() {
    let mut screen = screen(80, 24);
    screen.press("/the<Enter>");
    let found = subjects(&screen).len();
    assert!(found > 1, "{}", screen.text());
    screen.press("je");
    assert_eq!(subjects(&screen).len(), found, "it stays, archived");
    assert_eq!(screen.model.list.rows[1].place, crate::label::Place::Archive);
    assert_eq!(screen.model.list.cursor, 1);
    screen.press("z");
    assert_eq!(screen.model.list.rows[1].place, crate::label::Place::Inbox);
    screen.press("gg<Space><Space>#");
    let trashed = screen.double.rows.iter().filter(|row| row.place.as_str() == "trash").count();
    assert_eq!(trashed, 2);
    screen.press("<Enter>u");
    assert!(screen.model.search.is_some(), "back from a conversation is what was found");
    screen.press("gi");
    assert!(screen.model.search.is_none());
}

#[test]
fn an_answer_to_what_is_not_asked_any_more_is_left() {
    let mut screen = screen(80, 24);
    screen.press("/");
    screen.paused = true;
    screen.press("lunc");
    let asked = screen.waiting.iter().filter(|asks| matches!(asks, Request::Search { .. }));
    assert_eq!(asked.count(), 4);
    screen.press("<Esc>");
    screen.resume();
    assert_eq!(screen.model.list.label.as_str(), "inbox");
    assert!(subjects(&screen).len() > 5);
}

#[test]
fn keys_for_a_row_wait_for_what_is_found() {
    let mut screen = screen(80, 24);
    screen.press("/");
    screen.paused = true;
    screen.press("lunch<Enter>e");
    screen.resume();
    let here = |row: &&crate::engine::view::Row| row.place.as_str() == "archive";
    let archived: Vec<_> = screen.double.rows.iter().filter(here).collect();
    assert_eq!(archived.len(), 1);
    assert_eq!(archived[0].subject.as_deref(), Some("Lunch on Friday?"));
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let mut screen = screen(80, 24);
    screen.press("/lunch before:never");
    insta::assert_snapshot!("search-wrong-80x24", screen.text());
}

#[test]
fn a_label_that_nobody_has_is_said_below_the_line() {
    let mut screen = screen(80, 24);
    screen.press("/label:nosuch lunch");
    assert!(screen.text().contains("no label is called nosuch"), "{}", screen.text());
    screen.press("<Esc>/in:nowhere");
    assert!(screen.text().contains("no label is called nowhere"), "{}", screen.text());
    screen.press("<Esc>/label:wor");
    assert!(!screen.text().contains("no label is called"), "{}", screen.text());
}

#[test]
fn how_far_the_index_is_is_said_and_what_came_is_looked_for() {
    let mut screen = screen(80, 24);
    screen.press("/lunch");
    let at = |has, lacks| Update::Indexed(Indexed { has, lacks, ..Indexed::default() });
    screen.send(Message::Engine(Box::new(at(1_200, 3_800))));
    assert!(screen.text().contains("indexed 1,200/5,000"), "{}", screen.text());
    screen.double.rows[3].subject = Some("Lunch again".to_owned());
    screen.send(Message::Engine(Box::new(at(5_000, 0))));
    assert_eq!(subjects(&screen).len(), 2);
}

#[test]
fn where_was_looked_is_said_of_every_search() {
    let mut screen = screen(80, 24);
    screen.press("/lunch");
    // It is told when it changes, which may be once.
    let kept = Indexed { has: 9, kept_only: true, ..Indexed::default() };
    screen.send(Message::Engine(Box::new(Update::Indexed(kept))));
    for keys in ["", "<Esc>/fish", "<Enter>", "gi/", "lunch"] {
        screen.press(keys);
        let said = screen.text().contains("only what is on this device");
        assert!(said, "{keys}: {}", screen.text());
    }
    screen.press("<Esc>");
    let grew = Indexed { has: 9, lacks: 1, ..Indexed::default() };
    screen.send(Message::Engine(Box::new(Update::Indexed(grew))));
    screen.press("/fish");
    assert!(screen.text().contains("indexed 9/10"), "{}", screen.text());
}

#[test]
fn the_reader_goes_to_what_was_found() {
    let mut screen = screen(80, 24);
    screen.press("/corner<Enter><Enter>");
    let reader = screen.model.reader.as_ref().unwrap();
    assert!(reader.needles.is_some());
    screen.press("n");
    assert!(screen.model.reader.is_some());
}

#[test]
fn looks() {
    for (columns, rows) in [(40, 10), (80, 24), (200, 50)] {
        let mut screen = screen(columns, rows);
        screen.press("/the");
        insta::assert_snapshot!(format!("search-{columns}x{rows}"), screen.text());
        screen.press("<Enter><Enter>");
        insta::assert_snapshot!(format!("search-read-{columns}x{rows}"), screen.text());
    }
}

#[test]
fn a_word_is_completed_and_searches_before_come_back() {
    let mut screen = screen(80, 24);
    let line = |screen: &Screen| {
        screen.model.search.as_ref().map(|search| search.line.text().to_owned()).unwrap_or_default()
    };
    screen.press("/lab<Tab>");
    assert_eq!(line(&screen), "label:");
    screen.press("wo<Tab>");
    assert_eq!(line(&screen).trim_end(), "label:Work");
    screen.press("<C-u>is:<Tab>");
    let first = line(&screen);
    screen.press("<Tab>");
    assert_ne!(line(&screen), first);
    screen.press("<S-Tab>");
    assert_eq!(line(&screen), first);
    screen.press("<C-u>lunch<Enter><Esc>/fish<Enter>gi/");
    for (key, said) in [
        ("<C-p>", "fish"),
        ("<C-p>", "lunch"),
        ("<C-p>", "lunch"),
        ("<C-n>", "fish"),
        ("<C-n>", ""),
    ] {
        screen.press(key);
        assert_eq!(line(&screen), said, "{key}");
    }
}

fn say(screen: &mut Screen, update: Update) {
    screen.send(Message::Engine(Box::new(update)));
}

fn saved(name: &str, query: &str) -> Named {
    let id = LabelId::try_from(format!("_s_{}", name.to_lowercase())).unwrap();
    Named { id, name: name.to_owned(), query: query.to_owned() }
}

#[test]
fn a_search_gets_a_name_and_stands_among_the_lists() {
    let mut screen = screen(80, 24);
    screen.press("/lunch<C-s>");
    assert!(screen.text().contains("Save this search as"), "{}", screen.text());
    screen.press("Food<Enter>");
    assert_eq!(intents(&screen), ["SaveSearch Food lunch"]);
    say(&mut screen, Update::Saved(vec![saved("Food", "lunch"), saved("The", "the")]));
    assert!(screen.text().contains("@Food"), "{}", screen.text());
    assert_eq!(screen.model.shown_list().as_str(), "_s_food");
    // It is opened like a label, and left like one.
    screen.press("<Esc><Esc>gi<S-Tab>");
    assert_eq!(screen.model.shown_list().as_str(), "_s_the", "{}", screen.text());
    assert!(subjects(&screen).len() > 1);
    screen.press("<S-Tab>");
    assert_eq!(subjects(&screen), ["Lunch on Friday?"]);
    assert!(screen.text().contains("@Food  1 conversation"), "{}", screen.text());
    screen.press("<C-s><C-u><Enter>");
    assert_eq!(intents(&screen)[1..], ["RemoveSearch Food"]);
    assert!(screen.model.search.is_none());
}

#[test]
fn a_saved_search_asks_what_its_name_asks_elsewhere() {
    let mut screen = screen(80, 24);
    screen.press("/lun");
    assert_eq!(subjects(&screen), ["Lunch on Friday?"], "while one types, the last word grows");
    say(&mut screen, Update::Saved(vec![saved("Short", "lun")]));
    assert_eq!(subjects(&screen), [""; 0], "what is saved is what is shown");
    screen.press("<Esc>gi<S-Tab>");
    assert_eq!(screen.model.shown_list().as_str(), "_s_short", "{}", screen.text());
    assert_eq!(subjects(&screen), [""; 0]);
    // Typed on, it is another search.
    screen.press("/c");
    assert_eq!(subjects(&screen), ["Lunch on Friday?"]);
}

#[test]
fn a_name_asks_in_a_query_and_is_completed() {
    let mut screen = screen(80, 24);
    say(&mut screen, Update::Saved(vec![saved("Food", "lunch")]));
    screen.press("/@f<Tab>");
    assert_eq!(screen.model.search.as_ref().unwrap().line.text(), "@Food");
    assert_eq!(subjects(&screen), ["Lunch on Friday?"]);
    say(&mut screen, Update::Saved(vec![saved("Food", "the")]));
    assert!(subjects(&screen).len() > 1, "what it asks has changed");
}

#[test]
fn what_was_searched_before_is_there_after_a_restart() {
    let mut screen = screen(80, 24);
    screen.press("/the<Enter><Esc>");
    let before = ["lunch", "the"].map(str::to_owned).to_vec();
    say(&mut screen, Update::Searches(before));
    screen.press("/<C-p>");
    assert_eq!(screen.model.search.as_ref().unwrap().line.text(), "the");
    screen.press("<C-p>");
    assert_eq!(screen.model.search.as_ref().unwrap().line.text(), "lunch");
}

#[test]
fn what_was_kept_asks_again_when_mail_changes_unless_somebody_works_on_it() {
    let mut screen = screen(80, 24);
    screen.press("/the<Enter>");
    screen.paused = true;
    let asked = |screen: &Screen| {
        screen.waiting.iter().filter(|asks| matches!(asks, Request::Search { .. })).count()
    };
    let later = |screen: &mut Screen| {
        let now = screen.model.now_ms + 2_000;
        screen.send(Message::Time(now));
    };
    later(&mut screen);
    say(&mut screen, Update::Changed);
    assert_eq!(asked(&screen), 1);
    screen.resume();
    screen.paused = true;
    say(&mut screen, Update::Changed);
    assert_eq!(asked(&screen), 0, "not so soon");
    screen.resume();
    screen.press("j");
    screen.paused = true;
    later(&mut screen);
    assert_eq!(asked(&screen), 0, "not under the hand");
}
