//! Labels of conversations that several accounts have messages of.
//!
//! Invariant: a label is on the conversation, whoever said it, and is written to the messages that
//! each account has of it, and to no others.

use super::{label_names, look};
use crate::support::binary::Home;
use crate::support::dovecot::{Dovecot, write_accounts};
use crate::support::mail::mail;

#[test]
fn a_label_goes_to_the_messages_that_each_account_has() {
    let Some(server) = Dovecot::start() else { return };
    let (mut one, mut two) = (server.client("u1"), server.client("u2"));
    one.append("INBOX", "", &mail("asked").subject("topic").bytes());
    two.append("INBOX", "", &mail("answered").subject("topic").reply_to("asked", "asked").bytes());
    two.append("INBOX", "", &mail("else").subject("other").bytes());
    for client in [&mut one, &mut two] {
        client.ok("CREATE project");
    }
    let account = |user: &str| {
        format!(
            "[accounts.{user}]\naddress = \"{user}@example.org\"\n\
             imap = \"imap://localhost:{}\"\nlogin = \"{user}\"\n\
             password = {{ command = [\"echo\", \"pw-{user}\"] }}\ntls_ca = \"{}\"\n\n",
            server.imap,
            server.certificate().display()
        )
    };
    let home = Home::new();
    write_accounts(&home, &(account("u1") + &account("u2")));
    look(&home);
    assert_eq!(home.list("inbox").len(), 2, "the answer is in the conversation");
    // Said at the server of one account: the conversation has it, and so has the other's message.
    one.ok("SELECT INBOX");
    one.ok("UID COPY 1 project");
    look(&home);
    look(&home);
    let thread = home.thread("topic");
    let project = label_names(&home).into_iter().find(|(_, name)| name == "project").unwrap().0;
    let has = |home: &Home| home.list(&project).len();
    assert_eq!(has(&home), 1);
    let ids = |client: &mut crate::support::other_client::OtherClient| {
        let all = client.folder("project").into_iter();
        all.map(|mail| mail.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&mut one), ["asked@example.org"], "and no message that it has not");
    assert_eq!(ids(&mut two), ["answered@example.org"]);
    // Taken off here, it goes from both, and the messages stay where they were.
    home.run(&["label", &thread, "-project"]).ok();
    look(&home);
    assert!(ids(&mut one).is_empty() && ids(&mut two).is_empty());
    assert_eq!((one.folder("INBOX").len(), two.folder("INBOX").len()), (1, 2));
    look(&home);
    assert_eq!(has(&home), 0, "and it does not come back");
    home.assert_healthy("labels of two accounts");
}
