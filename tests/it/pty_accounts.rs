//! Mail that comes in while the interface is open, in a real terminal and from a real Dovecot: what
//! the terminal is told, the account's command, and the view of accounts.
//!
//! Invariant: what came is announced once, also after a start; the first fetch announces nothing.

use std::time::Duration;

use serde_json::Value;

use crate::support::binary::Home;
use crate::support::dovecot::Dovecot;
use crate::support::mail::mail;
use crate::support::pty::Pty;
use crate::support::wait_for;

/// How long a command may take to get what came.
const TOLD: Duration = Duration::from_mins(1);

fn quit(mut pty: Pty) {
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

/// What the account's command got so far.
fn told(home: &Home) -> Vec<Value> {
    let text = std::fs::read_to_string(home.path("told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
}

/// How often the terminal was told.
fn notices(pty: &Pty) -> usize {
    let bytes = pty.bytes();
    bytes.windows(4).filter(|window| *window == b"\x1b]9;").count()
}

fn start(home: &Home, text: &str) -> Pty {
    let pty = Pty::start_in(home, (80, 24), &[("MAILTUI_NOTIFY", "osc9")], &[]);
    pty.wait_text(text);
    pty
}

#[test]
fn new_mail_is_announced_once_and_the_first_fetch_not_at_all() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    for n in 0..3 {
        client.append("INBOX", "", &mail(&format!("old-{n}")).bytes());
    }
    let home = Home::new();
    let file = home.path("told");
    let more = format!("on_new_mail = [\"tee\", \"-a\", \"{}\"]\n", file.display());
    server.account_with(&home, "u1", server.imap, &more);
    let mut pty = start(&home, "old-2");
    pty.press("gm");
    pty.wait_text("up to date");
    pty.press("q");

    // A subject that would end the notice and set the title, were it not made safe.
    let hostile = "new\u{1b}\\\u{7}\u{1b}]2;owned\u{7}";
    server.deliver("u1", &mail("new-0").subject(hostile).bytes());
    let got = wait_for(TOLD, || told(&home).pop()).expect("the command is started");
    assert_eq!((&got["count"], &got["account"]), (&1.into(), &"u1".into()));
    assert_eq!(told(&home).len(), 1, "the first fetch announced nothing");
    pty.wait_text("New mail");
    // The terminal is told behind the frame that says so.
    wait_for(TOLD, || (notices(&pty) > 0).then_some(())).expect("the terminal is told");
    let bytes = pty.bytes();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("\u{1b}]2;(4) mailtui\u{7}"), "the title has the count");
    assert!(text.contains("\u{1b}]9;mailtui: ") && !text.contains("\u{1b}]2;owned"));
    assert_eq!(notices(&pty), 1);
    quit(pty);

    // Nothing is told again; what came meanwhile is told as one.
    client.append("INBOX", "", &mail("off-0").bytes());
    client.append("INBOX", "", &mail("off-1").bytes());
    client.append("INBOX", "\\Seen", &mail("read-elsewhere").bytes());
    let pty = start(&home, "off-1");
    let all = wait_for(TOLD, || Some(told(&home)).filter(|all| all.len() > 1));
    let all = all.expect("what came meanwhile is told");
    assert_eq!((all.len(), &all[1]["count"]), (2, &2.into()), "{all:?}");
    pty.wait_text("2 new messages");
    wait_for(TOLD, || (notices(&pty) > 0).then_some(())).expect("the terminal is told");
    assert_eq!(notices(&pty), 1);
    quit(pty);
    assert_eq!(told(&home).len(), 2);
    home.assert_healthy("announcements");
}

#[test]
fn an_account_that_cannot_be_reached_says_why() {
    let home = Home::new();
    let text = "[accounts.ann]\naddress = \"ann@example.org\"\nimap = \"imap://localhost:1\"\n\
                password = { command = [\"echo\", \"x\"] }\n";
    crate::support::dovecot::write_accounts(&home, text);
    let mut pty = start(&home, "ann@…: ");
    pty.press("gm");
    let screen = pty.wait_text("not connected, tries again");
    assert!(screen.contains("ann@example.org") && screen.contains('✗'), "{screen}");
    pty.press("\u{1b}");
    quit(pty);
}

#[test]
fn the_first_run_adds_an_account_and_shows_its_mail() {
    let Some(server) = Dovecot::start() else { return };
    server.client("u2").append("INBOX", "", &mail("first-mail").bytes());
    let home = Home::new();
    let certificate = server.certificate();
    let environment = [("SSL_CERT_FILE", certificate.to_str().expect("a path in UTF-8"))];
    let mut pty = Pty::start_in(&home, (80, 24), &environment, &[]);
    pty.wait_text("Add an account");
    pty.press("4");
    pty.wait_text("Your mail address");
    // A domain that is in no DNS: its servers are named by hand.
    pty.press("u2@mail.invalid\r");
    pty.wait_text("Where mail is fetched");
    pty.press(&format!("\u{15}imap://localhost:{}\r", server.imap));
    pty.wait_text("Where mail is sent");
    pty.press("\u{15}\r");
    pty.wait_text("Who logs in");
    pty.press("\u{15}u2\r");
    pty.wait_text("it is not shown");
    pty.press("wrong-word\r");
    pty.wait_text("refuses the login");
    assert!(!home.data().exists(), "nothing is written before the server lets it in");
    pty.press("\u{15}pw-u2\r");
    pty.wait_text("first-mail");
    let bytes = String::from_utf8_lossy(&pty.bytes()).into_owned();
    assert!(!bytes.contains("wrong-word") && !bytes.contains("pw-u2"), "no password is shown");
    quit(pty);
    let accounts = home.json(&["account", "list"]);
    assert_eq!(
        (accounts.len(), &accounts[0]["address"], &accounts[0]["state"]),
        (1, &"u2@mail.invalid".into(), &"ready".into())
    );
    home.assert_healthy("an account added in the terminal");
}
