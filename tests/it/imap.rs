//! Mail in over IMAP, against a real Dovecot.
//!
//! Invariant: what the program has is compared with what another client sees at the server, folder
//! by folder; the link between is one that counts and can be cut.

mod cut;
mod folders;
mod kill;
mod labels;
mod lacking;
mod neomutt;
mod oauth;
mod outline;
mod screen;
mod stars;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::support::binary::{Home, run_within, text};
use crate::support::dovecot::Dovecot;
use crate::support::link::Link;
use crate::support::mail::mail;
use crate::support::other_client::OtherClient;

/// How long one look at all folders may take.
const LOOK: Duration = Duration::from_mins(5);
/// Folders, beside those that every account has.
const FOLDERS: usize = 15;

/// How many messages; the counts of the issue with `MAILTUI_IMAP_MESSAGES`.
fn messages() -> usize {
    let asked = std::env::var("MAILTUI_IMAP_MESSAGES").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(1_000)
}

/// Looks at the account once.
fn look(home: &Home) -> Value {
    let mut command = home.command(&["--sync-only", "--json"]);
    command.env("RUST_BACKTRACE", "1");
    run_within(command, LOOK).ok().object()
}

/// The label that a folder of the server is here.
fn label_of(folder: &str) -> &str {
    match folder {
        "INBOX" => "inbox",
        "Archive" => "archive",
        "Trash" => "trash",
        "Junk" => "spam",
        "Sent" => "sent",
        "Drafts" => "drafts",
        other => other,
    }
}

/// A message as the program has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Here {
    thread: String,
    read: bool,
    starred: bool,
    answered: bool,
}

/// Everything that the program has: by label the Message-IDs of its threads, and each message.
fn everything(home: &Home) -> (BTreeMap<String, BTreeSet<String>>, BTreeMap<String, Here>) {
    let mut by_label: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut all = BTreeMap::new();
    let rows = home.list("anywhere");
    let threads: Vec<String> = rows.iter().map(|row| text(row, "thread")).collect();
    let mut shown: Vec<Value> = Vec::new();
    for some in threads.chunks(500) {
        let mut args = vec!["show"];
        args.extend(some.iter().map(String::as_str));
        shown.extend(home.json(&args));
    }
    for thread in &shown {
        let labels: Vec<&str> =
            thread["labels"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for message in thread["messages"].as_array().unwrap() {
            let id = text(message, "messageId");
            let flags: Vec<&str> =
                message["flags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let here = Here {
                thread: text(thread, "thread"),
                read: flags.contains(&"read"),
                starred: flags.contains(&"starred"),
                answered: flags.contains(&"answered"),
            };
            assert!(all.insert(id.clone(), here).is_none(), "{id} is there twice");
            for label in &labels {
                by_label.entry((*label).to_owned()).or_default().insert(id.clone());
            }
        }
    }
    (by_label, all)
}

/// Names of user labels by id.
fn label_names(home: &Home) -> BTreeMap<String, String> {
    let rows = home.json(&["labels"]);
    rows.iter().map(|row| (text(row, "id"), text(row, "name"))).collect()
}

/// Asserts that each message is where the server has it, with its flags, and nothing else is there.
fn assert_equal(home: &Home, client: &mut OtherClient, when: &str) {
    let (by_label, all) = everything(home);
    let names = label_names(home);
    let by_name: BTreeMap<&str, &BTreeSet<String>> = by_label
        .iter()
        .map(|(id, ids)| (names.get(id).map_or(id.as_str(), String::as_str), ids))
        .collect();
    let mut there: BTreeSet<String> = BTreeSet::new();
    for folder in client.folders() {
        let mails = client.folder(&folder);
        for mail in &mails {
            there.insert(mail.id.clone());
            let here = all.get(&mail.id).unwrap_or_else(|| {
                panic!("{when}: {} of {folder} is not here", mail.id);
            });
            let has = (mail.has("\\Seen"), mail.has("\\Flagged"), mail.has("\\Answered"));
            let own = matches!(folder.as_str(), "Sent" | "Drafts");
            let ours = (here.read || own && has.0, here.starred, here.answered);
            assert_eq!(
                (has.0 || own && here.read, has.1, has.2),
                ours,
                "{when}: {mail:?} of {folder}"
            );
            let label = label_of(&folder);
            // A conversation is in the least hidden place that any of its messages is in.
            let placed = ["archive", "trash", "spam", "inbox"].contains(&label);
            let in_label = |name: &str| {
                by_name
                    .get(name)
                    .or(by_label.get(name).as_ref())
                    .is_some_and(|ids| ids.contains(&mail.id))
            };
            let is_there = in_label(label) || (placed && label != "inbox" && in_label("inbox"));
            assert!(is_there, "{when}: {} of {folder} is not in {label}", mail.id);
        }
    }
    let here: BTreeSet<String> = all.keys().cloned().collect();
    let more: Vec<_> = here.difference(&there).collect();
    assert!(more.is_empty(), "{when}: here and not at the server: {more:?}");
}

/// A message of a thread: every third answers the one before it in its folder.
fn generated(n: usize, folder: &str) -> Vec<u8> {
    let id = format!("m{n}");
    let minute = i64::try_from(n).unwrap();
    let new = mail(&id).subject(&format!("topic {n} of {folder}")).at(minute);
    let new =
        if n % 3 == 2 { new.reply_to(&format!("m{}", n - 1), &format!("m{}", n - 1)) } else { new };
    new.bytes()
}

/// Fills an account: in every folder some messages, with flags.
fn fill(client: &mut OtherClient, messages: usize) -> Vec<String> {
    let mut folders: Vec<String> =
        ["INBOX", "Archive", "Trash", "Junk", "Sent"].map(str::to_owned).to_vec();
    for n in 0..FOLDERS {
        let folder = format!("work/f{n:02}");
        client.ok(&format!("CREATE \"{folder}\""));
        folders.push(folder);
    }
    for n in 0..messages {
        let folder = &folders[(n / 3) % folders.len()];
        let flags = match n % 7 {
            0 => "\\Seen \\Flagged",
            1 | 2 => "",
            3 => "\\Seen \\Answered",
            _ => "\\Seen",
        };
        client.append(folder, flags, &generated(n, folder));
    }
    folders
}

#[test]
fn an_account_is_taken_in_as_the_server_has_it() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    let folders = fill(&mut client, messages());
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    let report = look(&home);
    assert_eq!(report["accounts"][0]["new"], messages(), "{report}");
    assert_equal(&home, &mut client, "the first look");
    home.assert_healthy("the first look");
    // Threads as Dovecot itself makes them (RFC 5256, without its merging of subjects).
    let (_, all) = everything(&home);
    for folder in folders {
        let mails = client.folder(&folder);
        let by_uid: BTreeMap<u32, &str> = mails.iter().map(|m| (m.uid, m.id.as_str())).collect();
        for line in client.text("UID THREAD REFS UTF-8 ALL") {
            let Some(groups) = line.strip_prefix("* THREAD ") else { continue };
            for group in groups_of(groups) {
                let threads: BTreeSet<&str> =
                    group.iter().map(|uid| all[by_uid[uid]].thread.as_str()).collect();
                assert_eq!(threads.len(), 1, "one conversation in {folder}: {group:?}");
            }
        }
    }
    let report = look(&home);
    assert_eq!(report["accounts"][0]["new"], 0, "a second look finds nothing: {report}");
}

/// The UIDs of each top group of a THREAD answer.
fn groups_of(text: &str) -> Vec<Vec<u32>> {
    let (mut groups, mut depth) = (Vec::new(), 0);
    let mut digits = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if let Ok(uid) = std::mem::take(&mut digits).parse::<u32>() {
            let last: &mut Vec<u32> = groups.last_mut().expect("a group is open");
            last.push(uid);
        }
        match character {
            '(' => {
                depth += 1;
                if depth == 1 {
                    groups.push(Vec::new());
                }
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    groups
}

#[test]
fn what_another_client_does_is_followed() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    fill(&mut client, 300);
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    look(&home);
    change(&mut client, 0);
    look(&home);
    assert_equal(&home, &mut client, "the changes");
    home.assert_healthy("the changes");
}

/// Flags, moves, appends and expunges, different in every round.
fn change(client: &mut OtherClient, round: usize) {
    let mails = client.folder("INBOX");
    for (n, mail) in mails.iter().enumerate() {
        let uid = mail.uid;
        match (n + round) % 9 {
            0 => drop(client.ok(&format!("UID STORE {uid} +FLAGS (\\Seen)"))),
            1 => drop(client.ok(&format!("UID STORE {uid} -FLAGS (\\Seen)"))),
            2 => drop(client.ok(&format!("UID STORE {uid} +FLAGS (\\Flagged)"))),
            3 => drop(client.ok(&format!("UID STORE {uid} -FLAGS (\\Flagged)"))),
            4 => drop(client.ok(&format!("UID MOVE {uid} Archive"))),
            5 => drop(client.ok(&format!("UID MOVE {uid} \"work/f01\""))),
            _ => {}
        }
    }
    for n in 0..10 {
        let n = 100_000 + round * 100 + n * 3;
        client.append("INBOX", "", &generated(n, "INBOX"));
    }
    let mails = client.folder("work/f02");
    for mail in mails.iter().take(3) {
        client.ok(&format!("UID STORE {} +FLAGS (\\Deleted)", mail.uid));
    }
    client.ok("EXPUNGE");
}

#[test]
fn little_is_read_after_a_disconnection() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    let many = messages().max(1_000);
    for n in 0..many {
        client.append("INBOX", "", &generated(n, "INBOX"));
    }
    let link = Link::to(server.imap);
    let home = Home::new();
    server.account(&home, "u1", link.port);
    look(&home);
    let full: usize = {
        client.ok("SELECT INBOX");
        client.ok("UID FETCH 1:* (UID FLAGS)").iter().map(Vec::len).sum()
    };
    client.ok(&format!("STORE 1:{} +FLAGS (\\Seen)", many / 100));
    let before = link.received();
    look(&home);
    let read = link.received() - before;
    println!("{{\"read\":{read},\"full\":{full},\"messages\":{many}}}");
    // A connection has its greeting, certificate and folders besides.
    let fixed = 8_000;
    let most = u64::try_from(full).unwrap() / 20 + fixed;
    assert!(read <= most, "{read} bytes of {full}");
    assert_equal(&home, &mut client, "the changes");
}

#[test]
fn uids_that_count_anew_are_no_new_mail() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    client.ok("CREATE moved");
    for n in 0..60 {
        client.append("moved", if n % 2 == 0 { "\\Seen" } else { "" }, &generated(n, "moved"));
    }
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    look(&home);
    let threads = home.threads("anywhere");
    // The same messages in a folder of the same name, made anew.
    let validity = uidvalidity(&mut client, "moved");
    client.ok("RENAME moved before");
    std::thread::sleep(Duration::from_millis(1_100)); // it counts in seconds
    client.ok("CREATE moved");
    client.ok("SELECT before");
    client.ok("UID COPY 1:* moved");
    client.ok("SELECT INBOX");
    client.ok("DELETE before");
    assert_ne!(uidvalidity(&mut client, "moved"), validity);
    let report = look(&home);
    assert_eq!(report["accounts"][0]["new"], 0, "{report}");
    assert_eq!(home.threads("anywhere"), threads);
    assert_equal(&home, &mut client, "new UIDs");
    home.assert_healthy("new UIDs");
}

fn uidvalidity(client: &mut OtherClient, folder: &str) -> String {
    let lines = client.text(&format!("STATUS \"{folder}\" (UIDVALIDITY)"));
    lines.into_iter().find(|line| line.contains("UIDVALIDITY")).expect("it is said")
}

#[test]
fn what_is_done_here_is_done_there() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    client.ok("CREATE project");
    for n in 0..30 {
        client.append("INBOX", "", &generated(n * 3, "INBOX"));
    }
    let home = Home::new();
    server.account(&home, "u1", server.imap);
    look(&home);
    let thread = |n: usize| home.thread(&format!("topic {} of INBOX", n * 3));
    let done = [
        vec!["archive", "1"],
        vec!["trash", "2"],
        vec!["spam", "3"],
        vec!["read", "4"],
        vec!["star", "5"],
        vec!["label", "6", "+project"],
        vec!["label", "7", "+later"],
        vec!["archive", "8"],
        vec!["undo"],
    ];
    for args in done {
        let args: Vec<String> = args
            .into_iter()
            .map(|arg| arg.parse::<usize>().map_or_else(|_| arg.to_owned(), thread))
            .collect();
        home.run(&args).ok();
    }
    let report = look(&home);
    assert!(report["accounts"][0]["written"].as_u64() == Some(7), "{report}");
    let mut ids = |folder: &str| -> BTreeSet<String> {
        client.folder(folder).into_iter().map(|mail| mail.id).collect()
    };
    let id = |n: usize| format!("m{}@example.org", n * 3);
    let inbox = ids("INBOX");
    let there: Vec<_> = ["Archive", "Trash", "Junk", "project"].map(&mut ids).to_vec();
    assert_eq!(inbox.len(), 27, "three have left: {there:?} {}", server.log());
    assert!(inbox.contains(&id(8)), "what was undone is where it was");
    assert!(ids("Archive").contains(&id(1)) && ids("Trash").contains(&id(2)));
    assert!(ids("Junk").contains(&id(3)) && ids("project").contains(&id(6)));
    let mails = client.folder("INBOX");
    let find = |n: usize| mails.iter().find(|mail| mail.id == id(n)).expect("it is there");
    assert!(find(4).has("\\Seen") && find(5).has("\\Flagged") && find(7).has("later"));
    assert!(!find(9).has("\\Seen") && !find(9).has("\\Flagged"));
    assert_equal(&home, &mut client, "our changes");
    // And back again, from here and from there.
    home.run(&["move", &thread(1), "inbox"]);
    home.run(&["unread", &thread(4)]).ok();
    home.run(&["label", &thread(6), "-project"]).ok();
    look(&home);
    assert_equal(&home, &mut client, "and back");
    let inbox: BTreeSet<String> = client.folder("INBOX").into_iter().map(|mail| mail.id).collect();
    assert!(inbox.contains(&id(6)), "it stays where it was besides");
    assert!(client.folder("project").is_empty());
}
