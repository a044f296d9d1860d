//! Adding an account: every step, every way back, and what is never shown.

use crate::engine::accounts::{AccountAsk, AccountStep, Draft};
use crate::engine::handle::Update;
use crate::notice::Notice;
use crate::ui::app::{Door, Layer, Message, Stage};
use crate::ui::double::Double;
use crate::ui::harness::Screen;
use crate::ui::wizard::Step;

use super::beginning::told;

fn answer(screen: &mut Screen, step: AccountStep) {
    let ticket = screen.model.asks;
    screen.send(Message::Engine(Box::new(Update::Account(ticket, step))));
}

fn found() -> AccountStep {
    AccountStep::Found {
        draft: Draft {
            address: "ann@example.org".to_owned(),
            imap: "imaps://imap.example.org:993".to_owned(),
            smtp: "smtps://smtp.example.org:465".to_owned(),
            login: "ann@example.org".to_owned(),
        },
        says: "Found: the domain says so.".to_owned(),
        hint: "make an app password at https://example.org/app".to_owned(),
    }
}

fn refused() -> AccountStep {
    AccountStep::Failed(Notice::error(
        "login",
        "imap.example.org refuses the login",
        "this provider refuses account passwords; make an app password there",
    ))
}

fn step(screen: &Screen) -> Option<Step> {
    match screen.model.layers.last() {
        Some(Layer::Wizard(wizard)) => Some(wizard.step),
        _ => None,
    }
}

/// The wizard of the first run, with the servers found, up to the password.
fn at_password(columns: u16, rows: u16) -> Screen {
    let mut screen = Screen::first_run(told(), columns, rows);
    screen.press("4ann@example.org<Enter>");
    answer(&mut screen, found());
    screen.press("<Enter><Enter><Enter>");
    assert_eq!(step(&screen), Some(Step::Password));
    screen
}

#[test]
fn an_account_is_added_and_its_mail_opens() {
    let mut screen = at_password(80, 24);
    screen.press("hush pass<Enter>");
    let Some(AccountAsk::Add { draft, password, .. }) = screen.asked.last() else {
        panic!("{:?}", screen.asked);
    };
    assert_eq!(
        (draft.imap.as_str(), password.expose()),
        ("imaps://imap.example.org:993", "hush pass")
    );
    answer(&mut screen, AccountStep::Added("Added ann@example.org".to_owned()));
    assert_eq!(screen.opened, [Door::Own]);
    assert!(matches!(screen.model.stage, Stage::Mail) && screen.model.layers.is_empty());
    assert!(screen.text().contains("Added ann@example.org"), "{}", screen.text());
}

#[test]
fn what_is_typed_as_a_password_is_shown_by_nothing() {
    let mut screen = at_password(80, 24);
    screen.press("hush");
    assert!(screen.text().contains("› ••••") && !screen.text().contains("hush"));
    assert!(!format!("{:?}", screen.model).contains("hush"));
    screen.press("<Backspace>p<Enter>");
    assert!(!format!("{:?} {:?}", screen.model, screen.asked).contains("husp"));
    answer(&mut screen, refused());
    assert_eq!(step(&screen), Some(Step::Password), "a password that is wrong is typed again");
    assert!(screen.text().contains("make an app password there"), "{}", screen.text());
    // Nobody sees what stands there: what is typed now is no end of it.
    screen.press("right<Enter>");
    let Some(AccountAsk::Add { password, .. }) = screen.asked.last() else { panic!() };
    assert_eq!(password.expose(), "right");
    // The same again, where it was the login that was wrong.
    answer(&mut screen, refused());
    screen.press("<Esc><Enter><Enter>");
    let Some(AccountAsk::Add { password, .. }) = screen.asked.last() else { panic!() };
    assert_eq!(password.expose(), "right");
}

#[test]
fn esc_goes_back_everywhere_and_calls_off() {
    let mut screen = at_password(80, 24);
    screen.press("x<Enter>");
    assert_eq!(step(&screen), Some(Step::Trying));
    let ticket = screen.model.asks;
    for expected in [Step::Password, Step::Login, Step::Smtp, Step::Imap, Step::Address] {
        screen.press("<Esc>");
        assert_eq!(step(&screen), Some(expected));
    }
    assert!(matches!(screen.asked.last(), Some(AccountAsk::Cancel(of)) if *of == ticket));
    // What is answered too late changes nothing.
    let late = Update::Account(ticket, refused());
    screen.send(Message::Engine(Box::new(late)));
    assert_eq!(step(&screen), Some(Step::Address));
    screen.press("<Enter>");
    assert_eq!(step(&screen), Some(Step::Finding), "what was typed is still there");
    screen.press("<Esc><Esc>");
    assert_eq!(step(&screen), None);
    assert!(screen.opened.is_empty());
}

#[test]
fn servers_are_shown_and_can_be_changed() {
    let mut screen = Screen::first_run(told(), 80, 24);
    screen.press("4ann@example.org<Enter>");
    answer(&mut screen, found());
    screen.press("<C-u>imap://localhost:143<Enter><C-u><Enter><C-u>ann<Enter>p<Enter>");
    let Some(AccountAsk::Add { draft, .. }) = screen.asked.last() else { panic!("no") };
    let typed = (draft.imap.as_str(), draft.smtp.as_str(), draft.login.as_str());
    assert_eq!(typed, ("imap://localhost:143", "", "ann"));
    let failed =
        Notice::error("unreached", "nobody listens at localhost:143", "is the port right?");
    answer(&mut screen, AccountStep::Failed(failed));
    assert_eq!(step(&screen), Some(Step::Imap), "where the server is may be wrong");
}

#[test]
fn it_opens_from_the_accounts_too_where_there_can_be_one() {
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.press("gma");
    assert_eq!(step(&screen), Some(Step::Address));
    screen.press("<Esc><Esc>");
    screen.model.status.remote = true;
    screen.press("gma");
    assert_eq!(step(&screen), None);
}

#[test]
fn screens() {
    for (columns, rows) in [(40, 10), (80, 24), (200, 50)] {
        let mut screen = Screen::first_run(told(), columns, rows);
        screen.press("4ann@example.org");
        insta::assert_snapshot!(format!("wizard-address-{columns}x{rows}"), screen.text());
        screen.press("<Enter>");
        let time = screen.model.now_ms + 2_000;
        screen.send(Message::Time(time));
        insta::assert_snapshot!(format!("wizard-finding-{columns}x{rows}"), screen.text());
        answer(&mut screen, found());
        insta::assert_snapshot!(format!("wizard-found-{columns}x{rows}"), screen.text());
        screen.press("<Enter><Enter><Enter>secret<Enter>");
        answer(&mut screen, refused());
        insta::assert_snapshot!(format!("wizard-refused-{columns}x{rows}"), screen.text());
    }
}
