//! Another mail program beside: neomutt, as a person has it, in a terminal.
//!
//! Invariant: what is done in neomutt is here after a look, and what is done here is in neomutt.

use super::{assert_equal, generated, look};
use crate::support::binary::Home;
use crate::support::dovecot::{Dovecot, has};
use crate::support::pty::Pty;

/// Runs neomutt on the inbox, with keys that it presses by itself.
fn neomutt(server: &Dovecot, home: &Home, keys: &str) -> Pty {
    let rc = format!(
        "set folder = \"imap://u1@localhost:{}/\"\nset imap_user = u1\nset imap_pass = pw-u1\n\
         set spool_file = +INBOX\nset record = \"\"\nset ssl_starttls = no\n\
         set ssl_force_tls = no\nset imap_authenticators = login\nset delete = yes\n\
         set quit = yes\nset move = no\nset confirm_append = no\nset confirm_create = no\n\
         set mark_old = no\nset wait_key = no\nset sort = date-received\nset header_cache = \"\"\n\
         set resolve = no\nset index_format = \"%Z|%s\"\nset mailcap_path = \"\"\n{keys}\n",
        server.imap
    );
    let path = home.path("neomuttrc");
    std::fs::write(&path, rc).expect("a configuration");
    Pty::shell(home, (100, 40), &format!("exec neomutt -n -F '{}'", path.display()))
}

#[test]
fn what_is_done_in_neomutt_is_here_and_what_is_done_here_is_there() {
    let Some(server) = Dovecot::start() else { return };
    if !has("neomutt") {
        println!("skipped: neomutt is not installed");
        return;
    }
    let mut client = server.client("u1");
    for n in 0..12 {
        client.append("INBOX", "", &generated(n * 3, "INBOX"));
    }
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    look(&home);
    let on = |n: usize, keys: &str| format!("<limit>~i m{n}@example.org<enter>{keys}");
    let keys = [
        on(3, "<flag-message>"),
        on(6, "<clear-flag>N"),
        on(9, "<delete-message>"),
        on(12, "<save-message>=Archive<enter>"),
        "<limit>~A<enter><sync-mailbox><quit>".to_owned(),
    ];
    let mut pty = neomutt(&server, &home, &format!("push \"{}\"", keys.concat()));
    pty.wait_end();
    let inbox = client.folder("INBOX");
    let find = |n: usize| inbox.iter().find(|mail| mail.id == format!("m{n}@example.org"));
    assert!(find(3).is_some_and(|m| m.has("\\Flagged")), "{inbox:?}\n{}", pty.screen());
    assert!(find(6).is_some_and(|m| m.has("\\Seen")), "{inbox:?}");
    assert!(find(9).is_none() && find(12).is_none(), "{inbox:?}");
    look(&home);
    let here = |label: &str| -> Vec<String> {
        home.list(label).iter().map(|row| row["subject"].to_string()).collect()
    };
    let has = |label: &str, n: usize| here(label).contains(&format!("\"topic {n} of INBOX\""));
    assert!(has("starred", 3) && !has("unread", 6) && has("unread", 3));
    assert!(!has("anywhere", 9) && has("archive", 12) && !has("inbox", 12));
    assert_equal(&home, &mut client, "neomutt");
    // And ours there.
    let thread = |n: usize| home.thread(&format!("topic {n} of INBOX"));
    for (command, n) in [("star", 15), ("read", 18), ("archive", 21), ("unstar", 3)] {
        home.run(&[command, &thread(n)]).ok();
    }
    home.run(&["move", &thread(12), "inbox"]).ok();
    look(&home);
    let pty = neomutt(&server, &home, "");
    let screen = pty.wait("its index", |screen| screen.contains("topic 33 of INBOX"));
    let line = |n: usize| screen.lines().find(|line| line.contains(&format!("topic {n} of")));
    assert!(line(15).is_some_and(|line| line.contains('!')), "{screen}");
    assert!(line(3).is_some_and(|line| !line.contains('!')), "{screen}");
    assert!(line(18).is_some_and(|line| !line.starts_with('N')), "{screen}");
    assert!(line(21).is_none() && line(12).is_some(), "{screen}");
    assert_equal(&home, &mut client, "neomutt and back");
    home.assert_healthy("neomutt");
}
