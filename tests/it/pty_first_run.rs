//! The first minute in a real terminal: first run, import, triage, undo, quit, start again.
//!
//! Invariant: what the screen says is compared with what `list` says of the same directory.

use crate::support::binary::{Home, text};
use crate::support::mail::{Mail, mail, write_maildir};
use crate::support::pty::Pty;

const THREADS: i64 = 12;

/// A home with a Maildir at `~/Mail`, as the first-run screen finds it.
fn home_with_mail() -> Home {
    let home = Home::new();
    let topic = |n: i64| mail(&format!("topic-{n:02}")).at(n);
    let mails: Vec<Mail> = (0..THREADS).map(topic).collect();
    write_maildir(&home.path("Mail"), "", &mails);
    home
}

fn subjects(home: &Home, label: &str) -> Vec<String> {
    home.list(label).iter().map(|row| text(row, "subject")).collect()
}

/// The topics that the screen shows, from top to bottom.
fn shown(screen: &str) -> Vec<String> {
    let lines = screen.lines().filter_map(|line| Some(&line[line.find("topic-")?..]));
    lines.map(|at| at.chars().take("topic-00".len()).collect()).collect()
}

/// Waits until the screen shows exactly these topics in this order.
fn wait_topics(pty: &Pty, topics: &[String]) {
    pty.wait(&format!("{topics:?}"), |screen| shown(screen) == topics);
}

/// Chooses "Import ~/Mail", the second choice, and waits for the list.
fn import_from_first_run(pty: &mut Pty) {
    pty.wait_text("Mail");
    pty.press("j\r");
    // A long import says that the newest are readable and waits for Enter; a short one may be
    // over before the eye sees it.
    let newest = format!("topic-{:02}", THREADS - 1);
    let screen = pty.wait("the list", |s| s.contains(&newest) || s.contains("readable now"));
    if !screen.contains(&newest) {
        pty.press("\r");
    }
    pty.wait_text(&newest);
}

fn quit(mut pty: Pty) {
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

#[test]
fn the_first_screen_has_the_choices_at_both_sizes() {
    for size in [(80, 24), (60, 15)] {
        let home = home_with_mail();
        let mut pty = Pty::start(&home, size, &[]);
        for text in
            ["mailtui", "No mail here yet", "Look around", "Import", "Add an account", "Join"]
        {
            pty.wait_text(text);
        }
        assert!(!home.data().exists(), "nothing is written before a choice");
        pty.press("jjk?");
        pty.press("\u{1b}");
        quit(pty);
        assert!(!home.data().exists(), "nothing is written before a choice");
    }
}

#[test]
fn look_around_leaves_nothing_behind() {
    let home = home_with_mail();
    let mut pty = Pty::start(&home, (80, 24), &[]);
    pty.wait_text("Look around");
    pty.press("\r");
    pty.wait("the sample's inbox", |s| !s.contains("Look around") && s.contains("Inbox"));
    quit(pty);
    assert_eq!(home.run(&["list", "--label", "anywhere"]).ok().stdout, b"", "gone on quit");
    let mut pty = Pty::start(&home, (80, 24), &["demo"]);
    pty.wait("the sample's inbox", |s| s.contains("Lists") && s.contains("unread"));
    pty.press("e");
    pty.wait_text("Archived 1");
    quit(pty);
    let left: Vec<_> = std::fs::read_dir(home.path("tmp")).into_iter().flatten().collect();
    assert!(left.is_empty(), "left in the temporary directory: {left:?}");
}

#[test]
fn ten_threads_are_triaged_and_undone_across_a_restart() {
    let home = home_with_mail();
    let mut pty = Pty::start(&home, (80, 24), &[]);
    import_from_first_run(&mut pty);
    let all: Vec<String> = (0..THREADS).rev().map(|n| format!("topic-{n:02}")).collect();
    wait_topics(&pty, &all);

    // The newest four are archived, the next three thrown away, three more starred.
    for (key, left) in [("e", 11), ("e", 10), ("e", 9), ("e", 8), ("#", 7), ("#", 6), ("#", 5)] {
        pty.press(key);
        wait_topics(&pty, &all[all.len() - left..]);
    }
    pty.press("sjsjs");
    quit(pty);
    assert_eq!(subjects(&home, "inbox"), all[7..]);
    assert_eq!(subjects(&home, "archive"), all[..4]);
    assert_eq!(subjects(&home, "trash"), all[4..7]);
    assert_eq!(subjects(&home, "starred"), all[7..10]);
    home.assert_healthy("triage in the terminal");

    let mut pty = Pty::start(&home, (80, 24), &[]);
    wait_topics(&pty, &all[7..]);
    pty.press("zzz");
    for left in [6, 7, 8, 9, 10, 11, 12] {
        pty.press("z");
        wait_topics(&pty, &all[all.len() - left..]);
    }
    quit(pty);
    assert_eq!(subjects(&home, "inbox"), all);
    assert_eq!(subjects(&home, "starred"), Vec::<String>::new());
    home.assert_healthy("undo in the terminal");

    let pty = Pty::start(&home, (60, 15), &[]);
    pty.wait("the newest first", |screen| {
        let shown = shown(screen);
        shown.len() >= 5 && all.starts_with(&shown)
    });
    quit(pty);
}

#[test]
fn the_reader_opens_and_closes() {
    let home = home_with_mail();
    home.import(&home.path("Mail"));
    for size in [(80, 24), (60, 15)] {
        let mut pty = Pty::start(&home, size, &[]);
        pty.wait_text("topic-11");
        pty.press("j\r");
        pty.wait_text("This is topic-10.");
        pty.press("\u{1b}");
        pty.wait("the list again", |screen| shown(screen).len() >= 5);
        pty.press("G");
        pty.wait_text("topic-00");
        pty.press("gg");
        pty.wait_text("topic-11");
        pty.press("?");
        pty.wait("help", |screen| screen.to_lowercase().contains("archive"));
        pty.press("\u{1b}");
        pty.wait("the list again", |screen| shown(screen).len() >= 5);
        quit(pty);
    }
}
