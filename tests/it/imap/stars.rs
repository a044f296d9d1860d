//! Which message has a star: a key stars a conversation, a server has stars of messages, and other
//! clients give and take them.
//!
//! Invariant: what is shown as starred is what the server has starred, message by message, whatever
//! comes into the conversation after the star.

use super::{assert_equal, generated, look};
use crate::support::binary::Home;
use crate::support::dovecot::Dovecot;
use crate::support::mail::mail;
use crate::support::other_client::OtherClient;

/// A conversation of two messages in the inbox.
struct Talk {
    client: OtherClient,
    home: Home,
    thread: String,
    _server: Dovecot,
}

impl Talk {
    fn start() -> Option<Self> {
        let server = Dovecot::start()?;
        let mut client = server.client("u1");
        for n in [1, 2] {
            client.append("INBOX", "\\Seen", &generated(n, "INBOX"));
        }
        let home = Home::new();
        server.account(&home, "u1", server.imap);
        look(&home);
        let thread = home.threads("inbox").pop().expect("it came in");
        client.ok("SELECT INBOX");
        Some(Self { client, home, thread, _server: server })
    }

    fn press(&self, key: &str) {
        self.home.run(&[key, &self.thread]).ok();
    }

    fn there(&mut self, what: &str) {
        self.client.ok("SELECT INBOX");
        self.client.ok(&format!("STORE {what}"));
    }

    /// After a look both sides have these stars, and the list says whether there are any.
    fn check(&mut self, stars: &[&str], when: &str) {
        look(&self.home);
        assert_equal(&self.home, &mut self.client, when);
        let mails = self.client.folder("INBOX");
        let starred = mails.iter().filter(|mail| mail.has("\\Flagged"));
        let ids: Vec<String> = starred.map(|mail| mail.id.replace("@example.org", "")).collect();
        assert_eq!(ids, stars, "{when}");
        let listed = self.home.list("inbox").iter().any(|row| row["starred"] == true);
        assert_eq!(listed, !stars.is_empty(), "{when}");
    }
}

#[test]
fn ours_stays_when_another_client_stars_another_message() {
    let Some(mut talk) = Talk::start() else { return };
    talk.press("star");
    talk.check(&["m2"], "ours");
    talk.there("1 +FLAGS (\\Flagged)");
    talk.check(&["m1", "m2"], "theirs beside ours");
    talk.there("1 -FLAGS (\\Flagged)");
    talk.check(&["m2"], "ours alone");
    talk.there("2 -FLAGS (\\Flagged)");
    talk.check(&[], "none");
}

#[test]
fn ours_stays_where_it_was_when_more_comes_in() {
    let Some(mut talk) = Talk::start() else { return };
    talk.press("star");
    talk.check(&["m2"], "ours");
    talk.client.append("INBOX", "\\Seen", &mail("m3").reply_to("m2", "m2").at(9).bytes());
    talk.check(&["m2"], "a newer one");
}

#[test]
fn ours_is_on_the_newest_that_was_received() {
    let Some(mut talk) = Talk::start() else { return };
    let answer = mail("m3").reply_to("m2", "m2").at(9).set("From", "u1@example.org").bytes();
    talk.client.append("Sent", "\\Seen", &answer);
    look(&talk.home);
    talk.press("star");
    talk.check(&["m2"], "our own answer is not starred");
}

#[test]
fn what_was_starred_once_is_not_again() {
    let Some(mut talk) = Talk::start() else { return };
    talk.there("1 +FLAGS (\\Flagged)");
    talk.check(&["m1"], "theirs");
    talk.press("unstar");
    talk.check(&[], "no more");
    talk.press("star");
    talk.check(&["m2"], "ours");
    talk.there("2 -FLAGS (\\Flagged)");
    talk.check(&[], "no more again");
}

#[test]
fn a_star_that_was_written_is_undone() {
    let Some(mut talk) = Talk::start() else { return };
    talk.press("star");
    talk.check(&["m2"], "ours");
    talk.home.run(&["undo"]).ok();
    talk.check(&[], "undone");
    talk.home.run(&["redo"]).ok();
    talk.check(&["m2"], "and again");
}
