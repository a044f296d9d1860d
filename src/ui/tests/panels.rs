//! What the program shows of itself: notices, statistics, how fast keys are drawn, the connection.

use std::time::Duration;

use crate::engine::handle::{Request, Update};
use crate::engine::stats::{Answers, Stats};
use crate::engine::view::{ImportProgress, Link, Status};
use crate::mail::Address;
use crate::notice::{Notice, Severity};
use crate::ui::app::Message;
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;
use crate::ui::meter::Figures;

/// The smallest usual screen, the usual one, and a large one.
const SIZES: [(u16, u16); 3] = [(40, 10), (80, 24), (200, 50)];

fn engine(update: Update) -> Message {
    Message::Engine(Box::new(update))
}

fn offline(link: Link) -> Message {
    engine(Update::Status(Status { link, remote: true, ..Double::status() }))
}

#[test]
fn what_was_said_can_be_read_again() {
    for (columns, rows) in SIZES {
        let mut screen = Screen::new(Double::sample(), columns, rows);
        screen.press("#z");
        screen.send(Message::Time(NOW_MS + 60_000));
        let wrong = Notice::error(
            "login",
            "imap.example.net refuses the login",
            "this provider takes no account passwords; make an app password there",
        );
        screen.send(engine(Update::Notice(wrong)));
        screen.send(Message::Time(NOW_MS + 120_000));
        assert!(screen.model.notice.is_none(), "it is not on the screen any more");
        screen.press("ttgn");
        insta::assert_snapshot!(format!("notices-{columns}x{rows}"), screen.text());
        screen.press("q");
        assert!(screen.model.layers.is_empty());
    }
}

#[test]
fn an_action_says_what_to_how_many_and_the_key_that_undoes_it() {
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.press("xjxe");
    let said = screen.model.notice.clone().unwrap();
    assert_eq!((said.severity, said.hint.as_str()), (Severity::Info, "z undoes"));
    assert!(said.text.contains('2'), "{said:?}");
    assert_eq!(screen.model.said.newest().next().unwrap().notice, said);
}

fn counted() -> Stats {
    let weeks = (0..104).map(|week| (week * 37 + week * week) % 61 + week / 3).collect();
    let who = |name: &str, address: &str| Address {
        name: (!name.is_empty()).then(|| name.to_owned()),
        address: address.to_owned(),
    };
    Stats {
        weeks,
        by_conversation: false,
        conversations: 41_203,
        messages: 120_334,
        senders: vec![
            (who("rust-users list", "list@example.org"), 3_120),
            (who("花子 田中", "hanako@example.jp"), 1_040),
            (who("", "a.rather.long.address.indeed@subdomain.example.com"), 77),
            (who("Ann Example", "ann@example.org"), 1),
        ],
        lists: vec![
            ("rust-users.lists.example.org".to_owned(), 9_204),
            ("花.lists.example.jp".to_owned(), 61),
        ],
        yours: Answers { classes: [120, 300, 80, 11], median: 7_000 },
        theirs: Answers { classes: [9, 70, 12, 0], median: 40_000 },
    }
}

#[test]
fn what_was_counted_is_drawn_at_every_size() {
    for (columns, rows) in SIZES {
        let mut screen = Screen::new(Double::sample(), columns, rows);
        screen.press("gS");
        assert!(screen.text().contains("counting…"), "{}", screen.text());
        screen.send(engine(Update::Stats(Box::new(counted()))));
        insta::assert_snapshot!(format!("stats-{columns}x{rows}"), screen.text());
        screen.press("G");
        insta::assert_snapshot!(format!("stats-end-{columns}x{rows}"), screen.text());
        screen.press("<Esc>");
        assert!(screen.model.layers.is_empty());
    }
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.press("gS");
    screen.send(engine(Update::Stats(Box::default())));
    assert!(screen.text().contains("0 messages"), "{}", screen.text());
}

#[test]
fn how_fast_keys_are_drawn_is_shown_until_it_is_not() {
    let ms = Duration::from_millis;
    let figures = Figures {
        keys: 1_000,
        p50: ms(1),
        p99: ms(3),
        max: ms(120),
        cpu: Duration::from_micros(420),
        cpu_p99: ms(2),
    };
    for (columns, rows) in SIZES {
        let mut screen = Screen::new(Double::sample(), columns, rows);
        screen.send(Message::Measured(figures));
        assert_eq!(screen.model.latency, None, "nobody looks");
        screen.press(":latency<Enter>");
        screen.send(Message::Measured(figures));
        insta::assert_snapshot!(format!("latency-{columns}x{rows}"), screen.text());
        screen.press("j:latency<Enter>");
        assert!(!screen.text().contains("CPU a key"));
    }
}

#[test]
fn since_when_there_is_no_connection_is_said_where_there_is_room() {
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.send(offline(Link::Offline));
    screen.send(Message::Time(NOW_MS + 3_600_000));
    // A try does not begin it anew.
    screen.send(offline(Link::Connecting));
    assert!(screen.text().contains("offline since 09:41"), "{}", screen.text());
    screen.send(offline(Link::Offline));
    assert!(screen.text().contains("offline since 09:41"), "{}", screen.text());
    screen.send(offline(Link::Syncing { done: 18_204, total: 41_203 }));
    assert!(screen.text().contains("syncing 18,204/41,203"), "{}", screen.text());
    screen.send(offline(Link::Offline));
    assert!(screen.text().contains("offline since 10:41"), "{}", screen.text());
    screen.resize(40, 10);
    assert!(screen.text().contains("offline"), "{}", screen.text());
    assert!(!screen.text().contains("since"), "{}", screen.text());
}

/// A sync says with every slice that lists changed: they are asked for again now and then, and once
/// more behind the last.
#[test]
fn while_rows_come_in_the_list_is_asked_for_now_and_then() {
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.send(engine(Update::Status(Status {
        link: Link::Online { behind: 9_000 },
        ..Double::status()
    })));
    screen.paused = true;
    let mut asked = Vec::new();
    for ms in 0..450_i64 {
        screen.send(Message::Time(NOW_MS + ms));
        if ms < 400 && ms % 4 == 0 {
            screen.send(engine(Update::Changed));
        }
        let lists = |request: &Request| matches!(request, Request::List { .. });
        if screen.waiting.iter().any(lists) {
            asked.push(ms);
            screen.resume();
            screen.paused = true;
        }
    }
    assert_eq!(asked, [0, 100, 200, 300, 400]);
    screen.resume();
    screen.send(offline(Link::Online { behind: 0 }));
    screen.paused = true;
    for _ in 0..3 {
        screen.send(engine(Update::Changed));
        let lists = |request: &Request| matches!(request, Request::List { .. });
        assert!(screen.waiting.iter().any(lists), "caught up: at once");
        screen.resume();
        screen.paused = true;
    }
}

#[test]
fn an_import_can_be_stopped_from_the_list() {
    let import = |done, ended| {
        let total = Some(41_203);
        engine(Update::Import(ImportProgress { done, total, imported: done, failed: 0, ended }))
    };
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.press("gX");
    assert!(screen.text().contains("Nothing is being imported"), "{}", screen.text());
    screen.send(import(18_240, false));
    screen.send(Message::Time(NOW_MS + 20_000));
    assert!(screen.text().contains("g X stops"), "{}", screen.text());
    screen.press("gX");
    assert!(screen.model.import.as_ref().unwrap().stopping);
    assert!(screen.text().contains("stopping"), "{}", screen.text());
}
