//! Undo, redo and history with the real binary: at any depth, after a restart and kill -9, from the
//! other device, out of order; newer work of others is left alone, and it is said whose it is.
//!
//! Invariant: devices share nothing but the socket of `serve`.

use serde_json::{Value, json};

use crate::support::binary::{Home, Run, run, text};
use crate::support::mail::{many, mbox, write};
use crate::support::serve::Serve;

/// A home with `n` conversations, m-001 and so on.
fn home(n: i64) -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", n)));
    home.import(&home.path("box"));
    home
}

/// A backend, A with `n` conversations, and B in step.
fn devices(n: i64) -> (Serve, Home, Home) {
    let serve = Serve::start();
    let (a, b) = (Home::new(), Home::new());
    write(&a.path("box"), &mbox(&many("m", n)));
    serve.run(&a, &["import", "box"]).ok();
    serve.sync(&b);
    (serve, a, b)
}

fn done(run: Run) -> Value {
    run.ok().object()
}

/// A command with `--json`.
fn json(home: &Home, args: &[&str]) -> Value {
    let args = [args, &["--json"]].concat();
    done(home.run(&args))
}

fn json_at(serve: &Serve, home: &Home, args: &[&str]) -> Value {
    let args = [args, &["--json"]].concat();
    done(serve.run(home, &args))
}

fn said(run: Run) -> String {
    String::from_utf8(run.ok().stdout).expect("UTF-8").trim_end().to_owned()
}

fn history(home: &Home) -> Vec<Value> {
    home.json(&["history", "--limit", "0"])
}

/// Name, how many threads, and whether it is undone, of each action, the newest first.
fn lines(home: &Home) -> Vec<String> {
    let line = |row: &Value| {
        let undone = if row["undone"] == true { " undone" } else { "" };
        let again = if row["redoOf"].is_string() { " again" } else { "" };
        let pending = if row["pending"] == true { " pending" } else { "" };
        format!("{} {}{again}{undone}{pending}", text(row, "what"), row["threads"])
    };
    history(home).iter().map(line).collect()
}

fn place(home: &Home, thread: &str) -> String {
    let rows = home.list("anywhere");
    let row = rows.iter().find(|row| row["thread"] == thread).expect("listed");
    text(row, "place")
}

#[test]
fn undo_and_redo_go_as_deep_as_the_past_after_every_restart() {
    let home = home(3);
    let threads = home.threads("inbox");
    let t = threads[0].as_str();
    home.run(&["archive", &threads[0], &threads[1]]).ok();
    home.run(&["label", t, "+Work", "+Home"]).ok();
    home.run(&["star", t]).ok();
    home.run(&["trash", t]).ok();
    let row = |home: &Home| {
        let rows = home.list("anywhere");
        rows.into_iter().find(|row| row["thread"] == t).expect("listed")
    };
    let mut past = vec![row(&home)];
    // Every command is a process of its own: each undo is after a restart.
    // The labels were made by the command that put them on: that is one action.
    let labelled = "create label Work, create label Home, label +Work +Home";
    for what in ["trash", "star", labelled] {
        assert_eq!(said(home.run(&["undo"])), format!("Undid: {what} of 1 conversation."));
        past.push(row(&home));
    }
    assert_eq!(said(home.run(&["undo"])), "Undid: archive of 2 conversations.");
    assert_eq!(home.threads("inbox").len(), 3);
    assert_eq!(said(home.run(&["undo"])), "there is nothing to undo");
    assert_eq!(said(home.run(&["redo"])), "Redid: archive of 2 conversations.");
    for what in [labelled, "star", "trash"] {
        past.truncate(3);
        assert_eq!(said(home.run(&["redo"])), format!("Redid: {what} of 1 conversation."));
    }
    assert_eq!(row(&home), past[0], "as it was");
    assert_eq!(said(home.run(&["redo"])), "there is nothing to redo");
    // And back again, through what was redone.
    assert_eq!(said(home.run(&["undo"])), "Undid: trash of 1 conversation.");
    assert_eq!(row(&home), past[1]);
    home.run(&["undo"]).ok();
    assert_eq!(row(&home), past[2]);
    assert_eq!(said(home.run(&["redo"])), "Redid: star of 1 conversation.");
    assert_eq!(row(&home), past[1]);
    home.run(&["read", &threads[2]]).ok();
    assert_eq!(said(home.run(&["redo"])), "Redid: trash of 1 conversation.", "reading is no work");
    home.run(&["undo"]).ok();
    home.run(&["star", &threads[2]]).ok();
    assert_eq!(said(home.run(&["redo"])), "there is nothing to redo", "something new was done");
    home.assert_healthy("undo and redo");
}

#[test]
fn history_says_what_was_done_by_whom_and_what_became_of_it() {
    let home = home(3);
    let threads = home.threads("inbox");
    let archived = json(&home, &["archive", &threads[0], &threads[1]]);
    let starred = json(&home, &["star", &threads[2]]);
    home.run(&["undo", &text(&archived, "action")]).ok();
    home.run(&["--offline", "label", &threads[2], "+Work"]).ok();
    assert_eq!(
        lines(&home),
        [
            "create label Work, label +Work 1 pending",
            "undo of archive 2",
            "star 1",
            "archive 2 undone"
        ]
    );
    let rows = history(&home);
    let row = &rows[3];
    assert_eq!(row["changes"], json!([["place", "archive"]]));
    assert_eq!((&row["name"], &row["action"]), (&"archive".into(), &archived["action"]));
    assert_eq!(row["undoneBy"], rows[1]["action"]);
    assert_eq!(rows[1]["undoOf"], archived["action"]);
    assert!(text(row, "at").ends_with('Z') && !text(row, "deviceName").is_empty(), "{row}");
    assert!(rows.iter().all(|other| other["device"] == row["device"]));

    let names = |args: &[&str]| -> Vec<String> {
        home.json(&[&["history"], args].concat()).iter().map(|row| text(row, "what")).collect()
    };
    let labelled = "create label Work, label +Work";
    assert_eq!(names(&["--limit", "2"]), [labelled, "undo of archive"]);
    let before = |row: &Value| names(&["--limit", "2", "--before", &text(row, "action")]);
    assert_eq!(before(&rows[0]), ["undo of archive", "star"]);
    assert_eq!(before(&rows[3]), Vec::<String>::new());
    assert_eq!(names(&["--thread", &threads[2]]), [labelled, "star"]);
    assert_eq!(names(&["--thread", &threads[0]]), ["undo of archive", "archive"]);
    let device = text(row, "device");
    for whose in ["this", &device, &text(row, "deviceName")] {
        assert_eq!(names(&["--device", whose]).len(), 4, "{whose}");
    }
    assert_eq!(names(&["--device", "elsewhere"]), Vec::<String>::new());
    home.run(&["history", "--before", "none"]).exited(3);
    home.run(&["history", "--thread", "nope nope"]).exited(3);

    let plain = said(home.run(&["history"]));
    let line = plain.lines().last().expect("a line");
    assert!(line.contains("this device") && line.contains("archive: 2 conversations · undone"));
    assert!(plain.lines().next().expect("a line").ends_with("· pending"), "{plain}");
    assert!(line.starts_with(&text(&archived, "action")), "{line}");
    assert_eq!(starred["threads"], 1);
    let nothing = Home::new();
    assert_eq!(said(nothing.run(&["history"])), "");
    assert!(!nothing.data().exists(), "a reading command makes no directory");
}

#[test]
fn what_cannot_be_undone_or_redone_is_said() {
    let home = home(2);
    let thread = home.threads("inbox").remove(0);
    let star = text(&json(&home, &["star", &thread]), "action");
    assert_eq!(said(home.run(&["redo", &star])), "It is not undone: star.");
    let undo = json(&home, &["undo", &star]);
    assert_eq!((&undo["undid"], &undo["threads"]), (&star.as_str().into(), &1.into()), "{undo}");
    let count = history(&home).len();
    let again = json(&home, &["undo", &star]);
    assert_eq!((&again["action"], &again["threads"]), (&Value::Null, &0.into()), "{again}");
    assert_eq!(said(home.run(&["undo", &star])), "It is undone already: star.");
    let refused = home.run(&["undo", &text(&undo, "action"), "--json"]).exited(2).error();
    assert_eq!(refused["code"], "undo-of-undo");
    assert_eq!(history(&home).len(), count, "no event");
    // The undo named is as good as what it undid.
    home.run(&["redo", &text(&undo, "action")]).ok();
    assert_eq!(said(home.run(&["redo", &star])), "It is done again already: star.");
    for command in ["undo", "redo"] {
        home.run(&[command, "01a20422-2ec4-726b-b9ae-6676863be3b9"]).exited(3);
        home.run(&[command, "no action\u{7}"]).exited(3);
    }
    home.assert_healthy("refusals");
}

#[test]
fn a_bulk_label_undone_leaves_those_that_had_it() {
    let home = home(4);
    let threads = home.threads("inbox");
    home.run(&["label", &threads[1], "+Work"]).ok();
    let all: Vec<&str> = threads.iter().map(String::as_str).collect();
    home.run(&[&["label"], all.as_slice(), &["+Work"]].concat()).ok();
    home.run(&["label", &threads[3], "-Work"]).ok();
    home.run(&["label", &threads[3], "+Work"]).ok();
    let bulk = text(&history(&home)[2], "action");
    let undone = json(&home, &["undo", &bulk]);
    let work = |home: &Home| {
        let mut found = home.threads("work");
        found.sort();
        found
    };
    let mut kept = vec![threads[1].clone(), threads[3].clone()];
    kept.sort();
    assert_eq!(work(&home), kept);
    // Only what was written since is something that the undo left alone.
    let left = undone["kept"].as_array().expect("a list");
    assert_eq!(left.len(), 1, "{undone}");
    assert_eq!((&left[0]["thread"], &left[0]["cell"]), (&json!(threads[3]), &json!("label:work")));
    assert_eq!(left[0]["by"]["name"], "label");
    home.run(&["redo"]).ok();
    assert_eq!(work(&home).len(), 4);
    home.assert_healthy("bulk label");
}

#[test]
fn a_archives_b_trashes_a_undoes() {
    let (mut serve, a, b) = devices(3);
    let threads = a.threads("inbox");
    let all: Vec<&str> = threads.iter().map(String::as_str).collect();
    let archive = json_at(&serve, &a, &[&["archive"], all.as_slice()].concat());
    serve.sync(&b);
    let trash = json_at(&serve, &b, &["trash", all[0]]);
    serve.sync(&a);
    let name = text(&history(&b)[0], "deviceName");
    let undone = serve.run(&a, &["undo"]).ok();
    let wanted =
        format!("Undid: archive of 3 conversations. 1 stays in trash: trashed since by {name}.\n");
    assert_eq!(String::from_utf8_lossy(&undone.stdout), wanted);
    serve.sync(&b);
    for device in [&a, &b] {
        assert_eq!(place(device, all[0]), "trash");
        assert_eq!(device.threads("inbox").len(), 2);
        assert_eq!(lines(device), ["undo of archive 3", "trash 1", "archive 3 undone"]);
    }
    assert_eq!(history(&a)[2]["action"], archive["action"]);
    // Told again, it says so and does nothing; the trash of B, undone by A, out of order.
    let trashed = text(&trash, "action");
    assert_eq!(json_at(&serve, &a, &["undo", &trashed])["kept"], json!([]));
    assert_eq!(place(&a, all[0]), "inbox");
    serve.sync(&b);
    assert_eq!(place(&b, all[0]), "inbox");
    // B does again what A undid: the archive is A's, the redo B's.
    json_at(&serve, &b, &["redo", &text(&archive, "action")]);
    serve.sync(&a);
    assert_eq!(lines(&a)[0], "archive 3 again");
    assert_eq!((a.threads("archive").len(), b.threads("archive").len()), (3, 3));
    assert_eq!(history(&a), history(&b));
    serve.stop();
    for device in [&a, &b] {
        device.assert_healthy("undo on both");
    }
    serve.assert_healthy("undo on both");
}

#[test]
fn an_undo_says_what_stays_that_this_device_had_not_heard_of() {
    let (serve, a, b) = devices(3);
    let threads = a.threads("inbox");
    serve.run(&a, &["archive", &threads[0], &threads[1]]).ok();
    serve.sync(&b);
    json_at(&serve, &b, &["trash", &threads[0]]);
    // A synchronises with its undo, and not before.
    let undone = serve.run(&a, &["undo"]);
    let name = text(&history(&b)[0], "deviceName");
    let wanted =
        format!("Undid: archive of 2 conversations. 1 stays in trash: trashed since by {name}.");
    assert_eq!(said(undone), wanted);
    serve.run(&a, &["label", &threads[1], &threads[2], "+Work"]).ok();
    serve.sync(&b);
    json_at(&serve, &b, &["label", &threads[1], "+Work"]);
    let undone = json_at(&serve, &a, &["undo"]);
    let kept: Vec<String> =
        undone["kept"].as_array().expect("a list").iter().map(|k| text(k, "stays")).collect();
    assert_eq!(kept, ["labelled Work"], "{undone}");
    assert_eq!(undone["threads"], 2);
}

#[test]
fn what_was_on_disk_when_it_was_killed_is_undone_from_the_other_device() {
    let (mut serve, a, b) = devices(4);
    let threads = a.threads("inbox");
    serve.run(&a, &["archive", &threads[0]]).ok();
    let bulk = {
        let mut command = serve.command(&a, &["trash", &threads[1], &threads[2], "--json"]);
        command.env("MAILTUI_CRASH_AT", "device.after-commit");
        let crashed = run(command);
        assert_eq!(crashed.signal(), Some(9), "{crashed}");
        text(&history(&a)[0], "action")
    };
    assert_eq!(lines(&a)[0], "trash 2 pending", "kill -9 after it was durable");
    serve.sync(&b);
    // B has never heard of it, and looks once more before it says so.
    serve.run(&b, &["undo", &bulk]).exited(3);
    serve.sync(&a);
    json_at(&serve, &b, &["undo", &bulk]);
    serve.sync(&a);
    for device in [&a, &b] {
        assert_eq!(device.threads("inbox").len(), 3);
        assert_eq!(lines(device), ["undo of trash 2", "trash 2 undone", "archive 1"]);
    }
    assert_eq!(history(&a), history(&b));
    serve.stop();
    serve.assert_healthy("a late bulk");
}

#[test]
fn undo_and_redo_survive_kill_9_and_a_backend_that_is_away() {
    let (mut serve, a, b) = devices(5);
    let threads = a.threads("inbox");
    let picked: Vec<&str> = threads[..3].iter().map(String::as_str).collect();
    serve.run(&a, &[&["archive"], picked.as_slice()].concat()).ok();
    serve.kill();
    for (args, left) in [(&["undo"][..], 5), (&["redo"], 2), (&["undo"], 5), (&["redo"], 2)] {
        let mut command = serve.command(&a, args);
        command.env("MAILTUI_CRASH_AT", "device.after-commit");
        assert_eq!(run(command).signal(), Some(9), "{args:?}");
        assert_eq!(a.threads("inbox").len(), left, "{args:?}");
    }
    let pending: Vec<String> = lines(&a).into_iter().take(4).collect();
    let wanted =
        ["archive 3 again pending", "undo of archive 3 pending", "archive 3 again undone pending"];
    assert_eq!(pending[..3], wanted);
    serve.restart();
    serve.sync(&a);
    serve.sync(&b);
    assert_eq!(history(&a), history(&b));
    assert_eq!(lines(&b).iter().filter(|line| line.contains("pending")).count(), 0);
    assert_eq!((a.threads("archive").len(), b.threads("archive").len()), (3, 3));
    // What another device undid, this one can do again by name, and alone has nothing to.
    assert_eq!(said(serve.run(&b, &["redo"])), "there is nothing to redo");
    serve.stop();
    for home in [&a, &b, serve.home()] {
        home.assert_healthy("kill -9 around undo");
    }
}

#[test]
fn history_is_the_same_beside_an_owner() {
    let (serve, a, b) = devices(2);
    let mut watching =
        serve.command(&b, &["--sync-only", "--watch", "--json"]).spawn().expect("runs");
    serve.run(&a, &["archive", &a.threads("inbox")[0]]).ok();
    let same = crate::support::wait_for(crate::support::SCREEN_DEADLINE, || {
        (history(&b) == history(&a)).then_some(())
    });
    let undone = b.run(&["undo", &text(&history(&a)[0], "action")]);
    let after = lines(&b);
    let _ = watching.kill();
    let _ = watching.wait();
    assert!(same.is_some(), "{:?}", history(&b));
    assert_eq!(said(undone), "Undid: archive of 1 conversation.");
    assert_eq!(after, ["undo of archive 1", "archive 1 undone"]);
}
