//! Accounts and new mail: the view, the line in short, and what the terminal is told.

use crate::engine::accounts::{AccountLine, Accounts, FolderLine, NewMail, Work};
use crate::engine::handle::Update;
use crate::engine::view::Status;
use crate::notice::{Notice, Severity};
use crate::ui::app::Message;
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;

fn folder(name: &str, role: &'static str, messages: u64, whole: bool) -> FolderLine {
    FolderLine { name: name.to_owned(), role, messages, whole, problem: None }
}

fn line(address: &str, work: Work) -> AccountLine {
    AccountLine {
        address: address.to_owned(),
        work,
        new: 0,
        written: 0,
        error: None,
        conflicts: Vec::new(),
        problems: Vec::new(),
        folders: Vec::new(),
    }
}

/// One account that fetches, one that is up to date, and one that cannot be reached.
fn accounts() -> Accounts {
    let reading = Work::Reading { folder: "INBOX".to_owned(), done: 120, total: 3_400 };
    let mut ann = line("ann@example.org", reading);
    ann.folders = vec![
        folder("INBOX", "inbox", 120, false),
        folder("Archive", "archive", 18_204, true),
        folder("日本語/仕事", "label", 7, true),
    ];
    let mut bob = line("bob@example.com", Work::Waiting);
    (bob.new, bob.written) = (3, 1);
    bob.folders = vec![folder("INBOX", "inbox", 42, true), folder("Shared", "label", 0, false)];
    bob.folders[1].problem = Some("the server does not let it be read".to_owned());
    bob.problems = vec!["Shared: the server does not let it be read".to_owned()];
    let mut carla = line("carla@example.net", Work::Resting);
    carla.error = Some(Notice::error(
        "login",
        "imap.example.net refuses the login",
        "this provider takes no account passwords; make an app password there",
    ));
    Accounts { lines: vec![ann, bob, carla], error: None }
}

fn told(columns: u16, rows: u16, accounts: Accounts) -> Screen {
    let mut screen = Screen::new(Double::sample(), columns, rows);
    screen.send(Message::Engine(Box::new(Update::Accounts(Box::new(accounts)))));
    screen
}

#[test]
fn what_each_account_is_doing() {
    for (columns, rows) in [(40, 10), (80, 24), (200, 50)] {
        let mut screen = told(columns, rows, accounts());
        screen.press("gm");
        insta::assert_snapshot!(format!("accounts-{columns}x{rows}"), screen.text());
    }
    let mut screen = told(40, 10, accounts());
    screen.press("gmG");
    insta::assert_snapshot!("accounts-end-40x10", screen.text());
    screen.press("q");
    assert!(screen.model.layers.is_empty());
}

#[test]
fn the_view_says_where_accounts_are_when_they_are_not_here() {
    let mut screen = told(80, 24, Accounts::default());
    screen.press("gm");
    assert!(screen.text().contains("mailtui account add you@example.org"), "{}", screen.text());
    screen.model.status.remote = true;
    screen.draw();
    assert!(screen.text().contains("The backend has none"), "{}", screen.text());
    screen.model.accounts = None;
    screen.draw();
    assert!(screen.text().contains("The backend has the accounts"), "{}", screen.text());
    let error = Notice::error("accounts", "accounts.toml, line 3: imap is missing", "");
    let mut screen = told(80, 24, Accounts { error: Some(error), ..Accounts::default() });
    screen.press("gm");
    assert!(screen.text().contains("✗ accounts.toml, line 3"), "{}", screen.text());
}

#[test]
fn the_line_says_in_short_what_is_fetched_or_cannot_be() {
    let mut all = accounts();
    let screen = told(80, 24, all.clone());
    assert!(screen.text().contains("! carla@…: imap.example.net refuses"), "{}", screen.text());
    all.lines.pop();
    let screen = told(80, 24, all.clone());
    assert!(screen.text().contains("ann@… INBOX 120/3,400"), "{}", screen.text());
    all.lines.remove(0);
    let screen = told(80, 24, all);
    assert!(!screen.text().contains("@…"), "{}", screen.text());
}

#[test]
fn new_mail_is_told_once_and_hides_no_error() {
    let news = |count| NewMail {
        account: None,
        count,
        from: "Ann".to_owned(),
        subject: "Lunch".to_owned(),
    };
    let mut screen = Screen::new(Double::sample(), 80, 24);
    screen.send(Message::Engine(Box::new(Update::NewMail(news(3)))));
    assert_eq!(screen.announced, ["3 new messages; Ann: Lunch"]);
    assert!(screen.text().contains("New mail: 3 new messages; Ann: Lunch"), "{}", screen.text());
    screen.model.say(Severity::Error, "The disk is full", "");
    screen.send(Message::Engine(Box::new(Update::NewMail(news(1)))));
    assert_eq!(screen.announced[1], "Ann: Lunch");
    assert!(screen.text().contains("The disk is full"), "{}", screen.text());
}

#[test]
fn a_device_of_another_backend_tells_what_became_unread_and_not_what_it_did() {
    let mut screen = Screen::new(Double::sample(), 80, 24);
    let status = Status { remote: true, ..Double::status() };
    screen.send(Message::Engine(Box::new(Update::Status(status))));
    let read = screen.double.rows.iter().position(|row| row.unread_count == 0).unwrap();
    let unread = |screen: &mut Screen, at: usize| {
        screen.double.rows[at].unread_count = 1;
        screen.double.rows[at].labels.push(crate::label::system("unread"));
        let labels = screen.double.labels();
        screen.send(Message::Engine(Box::new(Update::Labels(labels))));
    };
    let later = NOW_MS + 60_000;
    screen.send(Message::Time(later));
    assert!(screen.announced.is_empty(), "{:?}", screen.announced);
    unread(&mut screen, read);
    assert_eq!(screen.announced, ["1 more unread conversation"]);
    screen.send(Message::Time(later + 60_000));
    screen.press("jU");
    screen.send(Message::Time(later + 120_000));
    assert_eq!(screen.announced.len(), 1, "{:?}", screen.announced);
}
