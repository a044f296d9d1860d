//! Folders and accounts: a message in several, a folder that goes or is renamed, an account that is
//! down, a first look that is broken off.
//!
//! Invariant: as elsewhere here, what the program has is what the server has, and nothing comes
//! twice.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use serde_json::Value;

use super::{LOOK, assert_equal, change, everything, fill, generated, label_names, look};
use crate::support::binary::{Home, run_within, text};
use crate::support::dovecot::{Dovecot, write_accounts};
use crate::support::link::Link;
use crate::support::mail::mail;
use crate::support::other_client::OtherClient;
use crate::support::serve::ClosedPort;
use crate::support::wait_for;

/// How long mail may take that comes while another account hangs.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_message_in_two_folders_is_one_with_both_labels() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    let raw = generated(0, "several");
    for folder in ["one", "two"] {
        client.ok(&format!("CREATE {folder}"));
        client.append(folder, "\\Seen", &raw);
    }
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    look(&home);
    let (by_label, all) = everything(&home);
    assert_eq!(all.len(), 1);
    let names = label_names(&home);
    let ours = |by_label: BTreeMap<String, BTreeSet<String>>| -> Vec<String> {
        let mut labels: Vec<String> =
            by_label.keys().filter_map(|id| names.get(id).cloned()).collect();
        labels.retain(|name| ["one", "two"].contains(&name.as_str()));
        labels.sort();
        labels
    };
    assert_eq!(ours(by_label), ["one", "two"]);
    // It leaves one, and is in the other still.
    client.ok("SELECT one");
    client.ok("STORE 1 +FLAGS (\\Deleted)");
    client.ok("EXPUNGE");
    look(&home);
    let (by_label, all) = everything(&home);
    assert_eq!(all.len(), 1);
    assert_eq!(ours(by_label), ["two"]);
    assert_equal(&home, &mut client, "two folders");
    home.assert_healthy("two folders");
}

#[test]
fn folders_that_go_or_get_another_name_are_followed() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    for (at, folder) in ["old", "gone", "kept"].into_iter().enumerate() {
        client.ok(&format!("CREATE {folder}"));
        for n in 0..10 {
            client.append(folder, "\\Seen", &generated(at * 100 + n * 3, folder));
        }
    }
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    assert_eq!(look(&home)["accounts"][0]["new"], 30);
    client.ok("RENAME old other");
    client.ok("DELETE gone");
    // Once may be a list that was cut short.
    for _ in 0..2 {
        let report = look(&home);
        assert_eq!(report["accounts"][0]["new"], 0, "a new name is no new mail: {report}");
    }
    assert_eq!(everything(&home).1.len(), 20);
    assert_equal(&home, &mut client, "other folders");
    home.assert_healthy("other folders");
}

#[test]
fn an_account_that_is_down_disturbs_no_other() {
    let Some(server) = Dovecot::start() else { return };
    for user in ["u1", "u2"] {
        let mut client = server.client(user);
        for n in 0..10 {
            let raw = mail(&format!("{user}-{n}")).at(n).bytes();
            client.append("INBOX", "", &raw);
        }
    }
    // It accepts, and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let silent_port = silent.local_addr().expect("its address").port();
    let account = |user: &str, port: u16| {
        format!(
            "[accounts.{user}]\naddress = \"{user}@example.org\"\n\
             imap = \"imap://localhost:{port}\"\nlogin = \"{user}\"\n\
             password = {{ command = [\"echo\", \"pw-{user}\"] }}\ntls_ca = \"{}\"\n\n",
            server.certificate().display()
        )
    };
    let home = Home::new();
    let closed = ClosedPort::new();
    write_accounts(&home, &(account("u2", closed.port) + &account("u1", server.imap)));
    let run = run_within(home.command(&["--sync-only", "--json"]), LOOK).exited(4);
    let report = run.object();
    let accounts = report["accounts"].as_array().expect("accounts");
    let of = |user: &str| accounts.iter().find(|a| a["account"] == user).expect("it is said");
    assert_eq!((of("u1")["new"].as_u64(), of("u1")["whole"].as_bool()), (Some(10), Some(true)));
    assert!(text(of("u2"), "error").len() > 5, "{report}");
    // One that hangs holds up nothing either: mail of the other comes meanwhile.
    write_accounts(&home, &(account("u2", silent_port) + &account("u1", server.imap)));
    let mut child = home.command(&["--sync-only", "--watch"]).spawn().expect("it starts");
    server.deliver("u1", &mail("while-it-hangs").bytes());
    let found = wait_for(SOON, || {
        home.list("inbox").iter().any(|row| row["subject"] == "while-it-hangs").then_some(())
    });
    let _ = child.kill();
    let _ = child.wait();
    assert!(found.is_some(), "{:?}", home.list("inbox"));
    // It is back.
    write_accounts(&home, &(account("u2", server.imap) + &account("u1", server.imap)));
    let report = look(&home);
    assert_eq!(home.list("inbox").len(), 21, "{report}");
    home.assert_healthy("two accounts");
}

#[test]
fn a_first_look_that_is_broken_off_goes_on_where_it_was() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    for n in 0..600 {
        let filler = "0123456789 ".repeat(100);
        let raw = [generated(n * 3, "INBOX"), filler.into_bytes(), b"\r\n".to_vec()].concat();
        client.append(if n < 300 { "INBOX" } else { "Archive" }, "", &raw);
    }
    let link = Link::to(server.imap);
    let whole = Home::new();
    server.account(&whole, "u1", link.port);
    look(&whole);
    let full = link.received();
    let home = Home::new();
    server.account(&home, "u1", link.port);
    let (before, mut broken) = (link.received(), 0);
    for bytes in [300, 420, 360] {
        link.cut_after(bytes);
        let run = run_within(home.command(&["--sync-only", "--json"]), LOOK);
        broken += u64::from(run.code() == Some(4));
    }
    link.cut_after(-1);
    look(&home);
    let read = link.received() - before;
    println!("{{\"read\":{read},\"full\":{full},\"broken\":{broken}}}");
    assert!(broken >= 2, "it was broken off {broken} times");
    // What was on its way, at most 50 messages, comes again; and so do greetings and folders.
    let again = broken * (50 * 1_400 + 12_000);
    assert!(read <= full + again, "{read} bytes of {full}");
    assert_equal(&home, &mut client, "a first look in parts");
    home.assert_healthy("a first look in parts");
}

/// What servers lack; what they have besides is the same.
const LACKING: [&str; 3] = [
    "IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE UIDPLUS CONDSTORE MOVE SPECIAL-USE",
    "IMAP4rev1 UIDPLUS SPECIAL-USE CHILDREN",
    "IMAP4rev1 IDLE UIDPLUS QRESYNC CONDSTORE ENABLE",
];

#[test]
fn servers_that_can_less_are_followed_and_written_to() {
    for capabilities in LACKING {
        let more = format!("protocol imap {{\n  imap_capability = {capabilities}\n}}\n");
        let Some(server) = Dovecot::start_with(&more) else { return };
        let mut client = server.client("u1");
        fill(&mut client, 240);
        let home = Home::new();
        server.account(&home, "u1", server.imap);
        look(&home);
        for round in 0..2 {
            change(&mut client, round);
            super::cut::mark_here(&home, i64::try_from(round).unwrap());
            look(&home);
            look(&home);
            assert_equal(&home, &mut client, &format!("round {round} of {capabilities}"));
        }
        home.assert_healthy(capabilities);
    }
}

/// Rows that are kept of what servers have.
fn kept_of_servers(home: &Home) -> i64 {
    let db = rusqlite::Connection::open(home.data().join("backend/threads.db")).expect("opens");
    let tables = ["edgeFolders", "edgeMessages", "edgeThreads", "edgeGone"];
    let count = |table: &str| -> i64 {
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .expect("counts")
    };
    tables.map(count).iter().sum()
}

#[test]
fn what_a_server_had_is_forgotten_with_the_account_and_its_mail_stays() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    for n in 0..6 {
        client.append("INBOX", "", &generated(n * 3, "INBOX"));
    }
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    look(&home);
    assert!(kept_of_servers(&home) > 6);
    // A table that is gone from the file may come back: nothing is forgotten by that alone.
    let accounts = home.data().join("accounts.toml");
    let text = std::fs::read_to_string(&accounts).expect("it is there");
    write_accounts(&home, "");
    look(&home);
    assert!(kept_of_servers(&home) > 6);
    write_accounts(&home, &text);
    home.run(&["account", "remove", "u1", "--yes"]).ok();
    look(&home);
    assert_eq!(kept_of_servers(&home), 0);
    assert_eq!(home.list("inbox").len(), 6, "its mail stays");
    home.assert_healthy("after the account went");
    // The same again is another account: what is there already does not come twice.
    write_accounts(&home, &text);
    look(&home);
    assert_equal(&home, &mut client, "the account again");
}

#[test]
fn what_both_sides_moved_is_where_it_was_put_here_and_that_is_told() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    for n in 0..3 {
        client.append("INBOX", "", &generated(n * 3, "INBOX"));
    }
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    look(&home);
    let conflicts = |home: &Home| -> Vec<Value> {
        let list = home.json(&["account", "list"]);
        list[0]["conflicts"].as_array().expect("a list").clone()
    };
    assert_eq!(conflicts(&home), Vec::<Value>::new());
    let thread = |n: usize| home.thread(&format!("topic {} of INBOX", n * 3));
    for n in 0..3 {
        home.run(&["archive", &thread(n)]).ok();
    }
    let gone = thread(2);
    client.ok("SELECT INBOX");
    client.ok("UID MOVE 1 Trash");
    client.ok("UID MOVE 2 Archive");
    client.ok("UID STORE 3 +FLAGS (\\Deleted)");
    client.ok("UID EXPUNGE 3");
    look(&home);
    look(&home);
    assert_equal(&home, &mut client, "both moved");
    assert_eq!(client.folder("Archive").len(), 2, "what was done here stands");
    let said = |one: &Value| {
        let [here, there, stands] = ["here", "there", "stands"].map(|key| one[key].to_string());
        (text(one, "thread"), format!("{here} {there} {stands}"))
    };
    let told: BTreeSet<(String, String)> = conflicts(&home).iter().map(said).collect();
    let expected = [
        (thread(0), "\"archive\" \"trash\" \"archive\"".to_owned()),
        (gone, "\"archive\" null null".to_owned()),
    ];
    // What both did the same is none.
    assert_eq!(told, expected.into());
}

#[test]
fn what_comes_in_is_written_nowhere() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    let folders = ["INBOX", "one", "Archive", "two", "INBOX", "one", "Sent", "Trash"];
    for folder in ["one", "two"] {
        client.ok(&format!("CREATE {folder}"));
    }
    // Conversations of which each message is in another folder, some of them starred.
    let append = |client: &mut OtherClient, thread: usize, n: usize| {
        let (first, id) = (format!("c{thread}-0"), format!("c{thread}-{n}"));
        let new = mail(&id).subject("across").at(i64::try_from(n).unwrap());
        let new = if n > 0 { new.reply_to(&first, &first) } else { new };
        let flags = ["", "\\Seen", "\\Flagged", "\\Seen later"][(thread + n) % 4];
        client.append(folders[(thread + n) % folders.len()], flags, &new.bytes());
    };
    let counts = |client: &mut OtherClient| -> Vec<(String, usize)> {
        let mut all: Vec<_> = client
            .folders()
            .into_iter()
            .map(|name| (name.clone(), client.folder(&name).len()))
            .collect();
        all.sort();
        all
    };
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    // All at once, and then one after the other.
    for ns in [vec![0, 1, 2], vec![3], vec![4, 5], vec![6], vec![7, 8]] {
        for thread in 0..8 {
            for n in &ns {
                append(&mut client, thread, *n);
            }
        }
        let before = counts(&mut client);
        for _ in 0..2 {
            let report = look(&home);
            assert_eq!(report["accounts"][0]["written"], 0, "{ns:?}: {report}");
        }
        assert_eq!(counts(&mut client), before, "{ns:?}");
    }
    home.assert_healthy("across folders");
}

#[test]
fn one_inbox_has_all_accounts_and_each_is_found_by_itself() {
    let Some(server) = Dovecot::start() else { return };
    let mut texts = String::new();
    let home = Home::new();
    for (user, ids) in [("u1", ["a", "both"]), ("u2", ["b", "both"])] {
        let mut client = server.client(user);
        for id in ids {
            client.append("INBOX", "", &mail(id).subject(&format!("mail {id}")).bytes());
        }
        client.append("Archive", "", &mail(&format!("{user}-old")).subject(user).bytes());
        server.account(&home, user, server.imap);
        texts += &std::fs::read_to_string(home.data().join("accounts.toml")).expect("it is there");
    }
    write_accounts(&home, &texts);
    look(&home);
    let found = |args: &[&str]| -> BTreeSet<String> {
        home.json(args).iter().map(|row| text(row, "subject")).collect()
    };
    let set = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(found(&["list"]), set(&["mail a", "mail b", "mail both"]), "one inbox");
    let search = |query: &str| found(&["search", query]);
    assert_eq!(search("account:u1 in:inbox"), set(&["mail a", "mail both"]));
    assert_eq!(search("account:u2@example.org in:inbox"), set(&["mail b", "mail both"]));
    assert_eq!(search("account:u1"), set(&["mail a", "mail both", "u1"]));
    assert_eq!(search("-account:u1"), set(&["mail b", "u2"]));
    assert_eq!(search("account:u both"), set(&["mail both"]), "all that begin so");
    // What is done here is done in each.
    home.run(&["archive", &home.thread("mail both")]).ok();
    look(&home);
    assert_eq!(search("account:u2 in:inbox"), set(&["mail b"]));
    assert_eq!(server.client("u1").folder("Archive").len(), 2);
    assert_eq!(server.client("u2").folder("Archive").len(), 2);
    let none = home.run(&["search", "account:nobody"]).ok();
    assert!(none.to_string().contains("no account is called nobody"), "{none}");
    // Saved, it stands with the labels.
    home.run(&["search", "--save", "work", "account:u1 in:inbox"]).ok();
    assert_eq!(search("@work"), set(&["mail a"]));
}
