//! Two devices and a backend, each a process of its own: what one does the other shows, byte for
//! byte, and nothing is lost while the backend is away.
//!
//! Invariant: the devices share nothing but the socket.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::binary::{Home, run, text};
use crate::support::mail::{mail, many, mbox, write};
use crate::support::serve::Serve;
use crate::support::{SCREEN_DEADLINE, wait_for};

/// Commands whose output must be equal on all devices.
const SHOWN: [&[&str]; 5] = [
    &["list", "--label", "anywhere", "--limit", "0", "--json"],
    &["list", "--label", "inbox", "--limit", "0", "--json"],
    &["list", "--label", "archive", "--limit", "0", "--json"],
    &["list", "--limit", "0"],
    &["labels", "--json"],
];

fn output(device: &Home, args: &[&str]) -> String {
    String::from_utf8(device.run(args).ok().stdout).expect("UTF-8")
}

fn assert_equal(a: &Home, b: &Home, when: &str) {
    for args in SHOWN {
        assert_eq!(output(a, args), output(b, args), "{args:?} on A and B, {when}");
    }
}

/// A backend, A with `mails` imported through it, and B in step.
fn devices(mails: &[crate::support::mail::Mail]) -> (Serve, Home, Home) {
    let serve = Serve::start();
    let (a, b) = (Home::new(), Home::new());
    write(&a.path("box"), &mbox(mails));
    let imported = serve.run(&a, &["import", "box", "--json"]).ok().object();
    assert_eq!(imported["imported"], mails.len(), "{imported}");
    serve.sync(&b);
    (serve, a, b)
}

#[test]
fn an_empty_device_gets_the_same_lists() {
    let (mut serve, a, b) = devices(&many("m", 120));
    assert_eq!(b.list("inbox").len(), 120);
    assert_equal(&a, &b, "after the first sync");
    serve.stop();
    assert_equal(&a, &b, "with the backend gone");
    a.assert_healthy("import on A");
    b.assert_healthy("first sync of B");
    serve.assert_healthy("import of A");
}

#[test]
fn the_served_directory_can_be_read_while_it_serves() {
    let (mut serve, a, _) = devices(&many("m", 30));
    let wanted = output(&a, &["list", "--limit", "0", "--json"]);
    let same = wait_for(SCREEN_DEADLINE, || (serve.list_beside() == wanted).then_some(()));
    assert!(same.is_some(), "the served directory lists {}", serve.list_beside());
    serve.stop();
    assert_eq!(serve.list_beside(), wanted, "afterwards");
    serve.assert_healthy("reading beside serve");
}

/// A conversation that was opened once is kept; what comes to it later is shown too.
#[test]
fn a_thread_that_is_kept_gets_what_comes_later() {
    let (mut serve, a, b) = devices(&[mail("plan")]);
    let thread = b.thread("plan");
    let shown = |device: &Home, args: &[&str]| {
        let run = device.run(&[&["show", thread.as_str(), "--json"], args].concat());
        (run.code(), run.object()["messages"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(shown(&b, &[]), (Some(0), 1));
    for n in 1..3 {
        let name = format!("{n}.eml");
        mail(&name).at(n).reply_to("plan", "plan").write(&a.path(&name));
        serve.run(&a, &["import", &name]).ok();
    }
    // The row comes with the Mailbox store; the messages when they are asked for.
    b.run(&["star", &thread]).ok();
    assert_eq!(shown(&b, &["--offline"]), (Some(3), 1), "what is here, and that it is not all");
    assert_eq!(shown(&b, &[]), (Some(0), 3));
    mail("last").at(9).reply_to("plan", "plan").write(&a.path("last.eml"));
    serve.run(&a, &["import", "last.eml"]).ok();
    serve.sync(&b);
    serve.stop();
    assert_eq!(shown(&b, &[]), (Some(0), 4), "--sync-only brings what is kept to the head");
    assert_eq!(a.run(&["show", &thread]).code(), Some(5), "never opened, and not to be had");
}

#[test]
fn work_offline_shows_at_once_and_arrives_later() {
    let (mut serve, a, b) = devices(&many("m", 12));
    serve.stop();
    let threads = b.threads("inbox");
    let picked: Vec<&str> = threads[2..5].iter().map(String::as_str).collect();
    let archive = [&["archive"][..], &picked].concat();
    // Not reached, the work kept: that is exit code 5, and the list has changed already.
    run(serve.command(&b, &archive)).exited(5);
    let expect_archived = |when: &str| {
        let inbox = b.threads("inbox");
        assert!(picked.iter().all(|t| !inbox.iter().any(|i| i == t)), "{when}: {inbox:?}");
        assert_eq!((inbox.len(), b.threads("archive").len()), (9, 3), "{when}");
        let labels = b.json(&["labels"]);
        let count = |id: &str| {
            labels.iter().find(|l| l["id"] == id).map(|l| l["threadCount"].clone()).unwrap()
        };
        assert_eq!((count("inbox"), count("archive")), (9.into(), 3.into()), "{when}");
    };
    expect_archived("at once");
    run(serve.command(&b, &["--sync-only"])).exited(5);
    expect_archived("after another start");
    assert_eq!(a.threads("inbox").len(), 12, "A knows nothing yet");
    serve.restart();
    let status = serve.sync(&b);
    assert_eq!(status["pending"], 0, "{status}");
    serve.sync(&a);
    expect_archived("after the sync");
    assert_equal(&a, &b, "after both synced");
    assert_eq!(a.threads("archive").len(), 3);
    serve.stop();
    for (device, name) in [(&a, "A"), (&b, "B")] {
        device.assert_healthy(name);
    }
    serve.assert_healthy("work offline");
}

#[test]
fn an_archive_hides_no_message_that_its_row_did_not_show() {
    let (mut serve, a, b) = devices(&many("m", 3));
    let thread = b.thread("m-001");
    serve.stop();
    run(serve.command(&b, &["archive", &thread])).exited(5);
    assert!(!b.threads("inbox").contains(&thread));
    serve.restart();
    mail("news").at(50).reply_to("m-001", "m-001").write(&a.path("news.eml"));
    serve.run(&a, &["import", "news.eml"]).ok();
    serve.sync(&b);
    serve.sync(&a);
    for (device, name) in [(&a, "A"), (&b, "B")] {
        let rows = device.list("inbox");
        let row = rows.iter().find(|row| row["thread"] == thread.as_str());
        let row = row.unwrap_or_else(|| panic!("{name}: not in the inbox: {rows:#?}"));
        assert_eq!(row["messageCount"], 2, "{name}");
    }
    assert_equal(&a, &b, "after the race");
    serve.stop();
    a.assert_healthy("the race");
    b.assert_healthy("the race");
    serve.assert_healthy("the race");
}

#[test]
fn both_devices_triage_and_meet() {
    let (mut serve, a, b) = devices(&many("m", 10));
    let threads = a.threads("inbox");
    serve.stop();
    let offline = |device: &Home, args: &[&str]| {
        device.run(&[&["--offline"], args].concat()).ok();
    };
    offline(&a, &["label", &threads[0], "+Work"]);
    offline(&a, &["star", &threads[1]]);
    offline(&a, &["read", &threads[2]]);
    offline(&b, &["label", &threads[0], "+work", "+home"]);
    offline(&b, &["trash", &threads[1]]);
    offline(&b, &["archive", &threads[3]]);
    offline(&b, &["undo"]);
    serve.restart();
    for device in [&a, &b, &a] {
        serve.sync(device);
    }
    assert_equal(&a, &b, "after both worked offline");
    let rows = a.list("anywhere");
    let row = |n: usize| rows.iter().find(|row| row["thread"] == threads[n].as_str()).unwrap();
    assert_eq!(row(0)["labels"], serde_json::json!(["home", "inbox", "unread", "work"]));
    assert_eq!((text(row(1), "place").as_str(), &row(1)["starred"]), ("trash", &true.into()));
    assert_eq!(row(2)["unreadCount"], 0);
    assert_eq!(row(3)["place"], "inbox", "undone on B");
    serve.stop();
    serve.assert_healthy("two devices offline");
}

#[test]
fn a_killed_backend_has_what_it_acknowledged() {
    let (mut serve, a, b) = devices(&many("m", 40));
    let threads = a.threads("inbox");
    let first: Vec<&str> = threads[..20].iter().map(String::as_str).collect();
    serve.run(&a, &[&["archive"][..], &first].concat()).ok();
    serve.kill();
    serve.restart();
    serve.sync(&b);
    assert_equal(&a, &b, "after kill -9 of the backend");
    assert_eq!(b.threads("archive").len(), 20);
    serve.stop();
    serve.assert_healthy("kill -9");
}

#[test]
fn sync_only_says_where_it_stands() {
    let (mut serve, a, b) = devices(&many("m", 7));
    let status = serve.sync(&b);
    for field in ["stores", "pulled", "pushed", "pending", "head"] {
        assert!(status[field].is_u64(), "{field}: {status}");
    }
    assert!(status["backend"].is_string(), "{status}");
    assert_eq!((&status["pulled"], &status["pushed"]), (&0.into(), &0.into()), "nothing new");
    serve.run(&a, &["archive", &a.thread("m-003")]).ok();
    let status = serve.sync(&b);
    assert_ne!(status["pulled"], 0, "{status}");
    serve.stop();
}

#[test]
fn watch_says_a_line_for_what_comes() {
    let (serve, a, b) = devices(&many("m", 3));
    let mut watching = serve.command(&b, &["--sync-only", "--watch", "--json"]);
    let mut child = watching.spawn().expect("it starts");
    let lines = lines_of(child.stdout.take().expect("piped"));
    let next = |what: &str| lines.recv_timeout(SCREEN_DEADLINE).expect(what);
    next("where it stands at first");
    serve.run(&a, &["archive", &a.thread("m-001")]).ok();
    let archived = wait_for(SCREEN_DEADLINE, || (b.threads("archive").len() == 1).then_some(()));
    assert!(archived.is_some(), "B shows it without being asked to sync");
    let line: serde_json::Value = serde_json::from_str(&next("a line for it")).expect("JSON");
    assert_eq!(line["pending"], 0, "{line}");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a pid");
    kill_process(pid, Signal::INT).expect("sent");
    let status = wait_for(SCREEN_DEADLINE, || child.try_wait().expect("waitable"));
    assert_eq!(status.and_then(|status| status.code()), Some(130), "stopped by the user");
    assert_equal(&a, &b, "after watching");
}

/// The lines of a stream as they come.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}

#[test]
fn what_was_served_is_listed_where_it_was_served() {
    let (mut serve, a, _) = devices(&many("m", 5));
    serve.stop();
    assert_equal(&a, serve.home(), "at first");
    serve.restart();
    write(&a.path("more"), &mbox(&many("n", 3)));
    serve.run(&a, &["import", "more"]).ok();
    serve.stop();
    assert_equal(&a, serve.home(), "and again");
}

#[test]
fn offline_says_what_it_keeps() {
    let serve = Serve::start();
    let device = Home::new();
    mail("one").write(&device.path("m.eml"));
    serve.run(&device, &["import", "m.eml"]).ok();
    serve.run(&device, &["--offline", "--sync-only", "--json"]).ok();
    let thread = device.threads("inbox").remove(0);
    serve.run(&device, &["--offline", "archive", &thread]).ok();
    serve.run(&device, &["--offline", "--sync-only", "--json"]).exited(5);
    assert_eq!(serve.sync(&device)["pushed"], 1);
}
