//! What the screen takes from the bytes of a message that is answered or forwarded: the header of
//! its list, its files.
//!
//! Invariant: the real program with real mail; nobody beyond this machine is asked anything.

use crate::support::binary::Home;
use crate::support::mail::{Mail, mail, write_maildir};
use crate::support::pty::Pty;

const FILES: &str = "--b\nContent-Type: text/plain\n\nSee the file.\n--b\n\
    Content-Type: text/plain; name=notes.txt\n\
    Content-Disposition: attachment; filename=notes.txt\n\nwords in a file\n--b--\n";

fn listed() -> Mail {
    mail("a-list")
        .set("List-Post", "<mailto:list@lists.example.org>")
        .set("Mail-Followup-To", "list@lists.example.org, cy@example.org")
        .set("List-Unsubscribe", "<mailto:off@lists.example.org?subject=off>")
        .set("Content-Type", "multipart/mixed; boundary=b")
        .body(FILES)
}

#[test]
fn a_list_is_answered_left_and_forwarded_with_its_files() {
    let home = Home::new();
    write_maildir(&home.path("Mail"), "", &[listed()]);
    home.import(&home.path("Mail"));
    let mut pty = Pty::start(&home, (80, 24), &[]);
    pty.wait_text("a-list");
    // From the list, before anything of the message is here.
    pty.press("a");
    pty.wait_text("list@lists.example.org, cy@example.org");
    pty.press("\u{1b}");
    pty.wait_text("g u leave the list");
    pty.press("gu");
    pty.wait_text("A mail to off@lists.example.org");
    pty.press("\r");
    pty.wait_text("Sending in");
    pty.press("z");
    pty.wait_text("a-list");
    pty.press("f");
    pty.wait_text("1 file goes along with it");
    pty.press("bob@example.org\u{1b}");
    pty.wait_text("Kept as a draft");
    pty.press("uq");
    assert_eq!(pty.wait_end(), 0);
    let drafts = home.json(&["drafts"]);
    let drafts: Vec<_> = drafts.iter().map(|row| (&row["to"], &row["attachments"])).collect();
    assert!(drafts.contains(&(&"bob@example.org".into(), &true.into())), "{drafts:?}");
    assert!(drafts.iter().any(|(to, _)| **to == "off@lists.example.org"), "{drafts:?}");
}
