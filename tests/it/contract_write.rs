//! Writing from scripts: drafts are saved, listed, edited, forked and discarded; answers go to
//! whom they should, what is wrong is refused with its place and leaves nothing behind.
//!
//! Invariant: every command is its own process, so nothing here can hide in memory.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::RUN_DEADLINE;
use crate::support::binary::{Home, Run, finish, one, run, text};
use crate::support::dovecot::write_accounts;
use crate::support::mail::{Mail, mail, mbox, write};
use crate::support::serve::Serve;

/// Two accounts, of which the first only reads.
pub(crate) const ACCOUNTS: &str = r#"
[accounts.reads]
address = "reads@example.org"
imap = "imap+plain://localhost:1"
password = { command = ["echo", "x"] }

[accounts.ann]
address = "ann@example.org"
name = "Ann"
imap = "imap+plain://localhost:1"
smtp = "smtp+plain://localhost:1"
password = { command = ["echo", "x"] }
aliases = ["sales@example.org", "*@family.example"]
signature = "Ann\nof Example"
hold = 77
"#;

fn piped(home: &Home, args: &[&str], input: &[u8]) -> Run {
    use std::io::Write as _;
    let mut command = home.command(args);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let run = finish(child, args.join(" "), RUN_DEADLINE);
    writer.join().expect("it ends");
    run
}

pub(crate) fn drafts(home: &Home) -> Vec<Value> {
    home.json(&["drafts"])
}

pub(crate) fn draft(home: &Home, thread: &str) -> Value {
    one(home.json(&["drafts", "show", thread]))
}

/// A home with mail in it.
fn with_mail(mails: &[Mail]) -> Home {
    let home = Home::new();
    write(&home.path("box"), &mbox(mails));
    home.import(&home.path("box"));
    home
}

#[test]
fn a_draft_is_seen_by_the_next_command() {
    let home = Home::new();
    write_accounts(&home, ACCOUNTS);
    let args = ["compose", "--to", "Bob <bob@x.org>", "--cc", "c@x.org", "--cc", "d@x.org"];
    let more = ["--subject", "Grüße", "--json"];
    let saved = piped(&home, &[&args[..], &more].concat(), "Hällo\r\nBob\n".as_bytes());
    let saved = saved.ok().object();
    assert_eq!(saved["pending"], 0);
    let thread = text(&saved, "thread");
    let row = one(drafts(&home));
    assert_eq!((&row["thread"], &row["save"]), (&saved["thread"], &saved["save"]));
    assert_eq!((&row["to"], &row["subject"]), (&json!("Bob <bob@x.org>"), &json!("Grüße")));
    let listed = one(home.list("drafts"));
    assert_eq!(listed["participants"], json!([{"name": "Bob", "address": "bob@x.org"}]));
    let shown = draft(&home, &thread);
    for (field, value) in [
        ("from", "Ann <ann@example.org>"),
        ("account", "ann"),
        ("cc", "c@x.org, d@x.org"),
        ("text", "Hällo\nBob\n\n-- \nAnn\nof Example\n"),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    home.assert_healthy("compose");

    home.run(&["drafts", "edit", &thread, "--subject", "Other", "--to", "eve@x.org"]).ok();
    let history = home.json(&["drafts", "history", &thread]);
    assert_eq!(history.len(), 2);
    let first = text(&history[1], "save");
    assert_eq!(draft(&home, &thread)["to"], "eve@x.org");
    let old = one(home.json(&["drafts", "show", &thread, "--save", &first]));
    assert_eq!(old["to"], "Bob <bob@x.org>");

    home.run(&["drafts", "discard", &thread]).ok();
    assert_eq!((drafts(&home), home.list("drafts")), (Vec::new(), Vec::new()));
    home.run(&["undo"]).ok();
    assert_eq!(one(drafts(&home))["subject"], "Other");
    home.assert_healthy("discard and undo");
}

#[test]
fn what_is_wrong_is_said_and_leaves_nothing() {
    let home = Home::new();
    write_accounts(&home, ACCOUNTS);
    write(&home.path("latin"), b"gr\xfc\xdfe");
    let send = |more: &[&'static str]| [&["compose", "--send", "--body", "x"][..], more].concat();
    let cases: Vec<(Vec<&str>, i32, &str)> = vec![
        (send(&[]), 2, "no-recipients"),
        (send(&["--to", "ann@x.org, bob"]), 2, "bad-address"),
        (send(&["--cc", "a\u{202e}b@x.org"]), 2, "bad-address"),
        (send(&["--to", "a@x.org"]), 2, "unusual"),
        (send(&["--to", "a@x.org", "--subject", "see attachment"]), 2, "unusual"),
        (send(&["--to", "a@x.org", "--subject", "s", "--at", "never"]), 2, "when"),
        (send(&["--to", "a@x.org", "--at", "2001-01-01T00:00:00Z"]), 2, "when"),
        (send(&["--to", "a@x.org", "--at", "2d", "--remind", "1d"]), 2, "when"),
        (send(&["--to", "a@x.org", "--hold", "-1"]), 2, "usage"),
        (vec!["compose", "--hold", "3", "--body", "x"], 2, "usage"),
        (vec!["compose", "--body", "x", "--body-file", "y"], 2, "usage"),
        (vec!["compose", "--attach", "none"], 3, "file"),
        (vec!["compose", "--attach", "."], 2, "not-a-file"),
        (vec!["compose", "--body-file", "none"], 3, "file"),
        (vec!["compose", "--body-file", "latin"], 1, "not-utf8"),
        (vec!["compose", "--account", "nobody"], 3, "no-account"),
        (vec!["reply", "nothing-there"], 3, "no-thread"),
        (vec!["reply", "<none@example.org>"], 3, "no-thread"),
        (vec!["forward", "nothing-there"], 3, "no-thread"),
        (vec!["send", "nothing-there"], 3, "no-draft"),
        (vec!["drafts", "show", "nothing-there"], 3, "no-draft"),
        (vec!["drafts", "discard", "nothing-there"], 3, "no-draft"),
        (vec!["outbox", "cancel", "nothing-there"], 3, "not-queued"),
        (vec!["outbox", "retry", "nothing-there"], 3, "not-queued"),
        (vec!["unsubscribe", "nothing-there"], 3, "no-thread"),
        (vec!["mailto:%zz"], 2, "mailto"),
    ];
    for (args, exit, code) in cases {
        let refused = home.run(&[&args[..], &["--json"]].concat()).exited(exit);
        assert_eq!(refused.error()["code"], code, "{refused}");
        assert!(refused.stdout.is_empty(), "{refused}");
    }
    assert_eq!((drafts(&home).len(), home.json(&["outbox"]).len()), (0, 0));
    let place = home.run(&[&send(&["--to", "ann@x.org, bob"])[..], &["--json"]].concat());
    assert_eq!(place.error()["message"], "To, character 12: bob: no @ in it");
}

#[test]
fn nothing_that_is_given_ends_a_field_or_reaches_the_terminal() {
    let home = Home::new();
    let hostile = "hi\r\nBcc: evil@x.org\u{1b}]0;x\u{7}\u{202e}";
    let args = ["compose", "--subject", hostile, "--to", hostile, "--body", hostile];
    home.run(&args).ok();
    let row = one(drafts(&home));
    assert!(!text(&row, "subject").contains(char::is_control), "{row}");
    let thread = text(&row, "thread");
    for args in [&["drafts"][..], &["drafts", "show", &thread], &["drafts", "history", &thread]] {
        let run = home.run(args).ok();
        let said = String::from_utf8(run.stdout.clone()).expect("UTF-8");
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!said.contains(bad), "{run}");
        assert!(!said.contains("\nBcc: evil") || said.contains("\nhi"), "{run}");
    }
    let shown = draft(&home, &thread);
    assert_eq!(shown["bcc"], "");
}

#[test]
fn much_is_taken_whole() {
    let home = Home::new();
    let line = "0123456789 abcdefghijklmnopqrstuvwxyz äöü\n";
    let body = line.repeat(10 * 1024 * 1024 / line.len());
    let to: Vec<String> = (0..200).map(|n| format!("p{n}@example.org")).collect();
    let to = to.join(", ");
    let args = ["compose", "--to", &to, "--subject", "much", "-", "--json"];
    let saved = piped(&home, &args, body.as_bytes()).ok().object();
    let shown = draft(&home, &text(&saved, "thread"));
    assert_eq!(shown["text"].as_str().map(str::len), Some(body.len() - 1));
    assert_eq!(shown["to"], to);
    let listed = one(home.list("drafts"));
    let people = listed["participants"].as_array().expect("a list");
    assert!(people.iter().all(|one| text(one, "address").ends_with("@example.org")), "{listed}");
    home.assert_healthy("much");
}

/// A program that edits: it gets the file as its last argument.
pub(crate) fn editor(home: &Home, script: &str) -> String {
    let path = home.path("editor");
    write(&path, format!("#!/bin/sh\n{script}\n").as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("rights");
    path.display().to_string()
}

fn edited(home: &Home, script: &str, args: &[&str]) -> Run {
    let mut command = home.command(args);
    command.env("EDITOR", format!("'{}' --flag 'two words'", editor(home, script)));
    run(command)
}

pub(crate) fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(dir).into_iter().flatten().flatten().map(|file| file.path()).collect()
}

#[test]
fn an_editor_s_text_is_never_lost() {
    let home = Home::new();
    let dir = home.data().join("compose");
    write(&home.path("notes.txt"), b"notes");
    // With its arguments, and the path of a file to attach.
    let wrote = edited(
        &home,
        r#"test "$1 $2" = "--flag two words" || exit 9
           test "$(stat -c %a "$3")" = 600 || exit 8
           printf 'To: bob@x.org\nSubject: hi\nAttach: notes.txt\n\nwritten\n' > "$3""#,
        &["compose", "--edit", "--json"],
    );
    let thread = text(&wrote.ok().object(), "thread");
    let shown = draft(&home, &thread);
    assert_eq!((&shown["to"], &shown["text"]), (&json!("bob@x.org"), &json!("written")));
    assert_eq!(
        shown["attachments"],
        json!([{"name": "notes.txt", "type": "text/plain", "size": 5}])
    );
    assert_eq!(files(&dir).len(), 0);

    let nothing = edited(&home, "true", &["compose", "--edit", "--json"]).exited(130);
    assert_eq!(nothing.error()["code"], "nothing");
    let failed = edited(
        &home,
        r#"printf 'Subject: kept\n\nkept words\n' > "$3"; exit 3"#,
        &["compose", "--edit", "--json"],
    );
    assert_eq!(failed.exited(1).error()["code"], "editor");
    let missing = edited(
        &home,
        r#"printf 'Subject: other\nAttach: none\n\nother words\n' > "$3""#,
        &["compose", "--edit", "--json"],
    );
    assert_eq!(missing.exited(3).error()["code"], "file");
    assert_eq!((drafts(&home).len(), files(&dir).len()), (1, 4));
    for file in files(&dir) {
        let rights = std::fs::metadata(&file).expect("there").permissions().mode() & 0o777;
        assert_eq!(rights, 0o600, "{}", file.display());
    }
    home.run(&["compose", "--body", "next"]).ok();
    let subjects: Vec<String> = drafts(&home).iter().map(|row| text(row, "subject")).collect();
    for subject in ["kept", "other", "hi", ""] {
        assert!(subjects.contains(&subject.to_owned()), "{subject:?} in {subjects:?}");
    }
    assert_eq!((subjects.len(), files(&dir).len()), (4, 0));

    // Typed by hand, and it cannot be sent: it is kept, and the exit code says that it was not.
    let refused = edited(
        &home,
        r#"printf 'To: nobody\nSubject: typed\n\nx\n' > "$3""#,
        &["compose", "--edit", "--send", "--json"],
    );
    assert_eq!(refused.exited(2).error()["code"], "bad-address");
    assert_eq!(drafts(&home)[0]["subject"], "typed");
    assert_eq!(home.json(&["outbox"]).len(), 0);
}

#[test]
fn answers_go_to_whom_they_should() {
    let first = mail("first@x.org")
        .set("From", "Bob <bob@x.org>")
        .set("To", "Sales <sales@example.org>, Carl <carl@x.org>")
        .set("Cc", "dora@x.org, reads@example.org")
        .set("List-Post", "<mailto:list@x.org>")
        .subject("Plan")
        .body("What now?\n");
    let home = with_mail(&[first]);
    write_accounts(&home, ACCOUNTS);
    let thread = text(&home.list("anywhere")[0], "thread");
    let written = |args: &[&str]| {
        let args = [args, &["--body", "Now.", "--json"]].concat();
        let saved = home.run(&args).ok().object();
        draft(&home, &text(&saved, "thread"))
    };
    let check = |args: &[&str], fields: &[(&str, &str)]| {
        let draft = written(args);
        for (field, value) in fields {
            assert_eq!(draft[*field], *value, "{field} of {args:?}");
        }
        draft
    };
    let message = home.show(&thread)["messages"][0].clone();
    let message_id = format!("<{}>", text(&message, "messageId"));
    let base = [("from", "Ann <sales@example.org>"), ("account", "ann"), ("subject", "Re: Plan")];
    let reply = check(&["reply", &thread], &base);
    assert_eq!((&reply["to"], &reply["cc"]), (&json!("Bob <bob@x.org>"), &json!("")));
    assert_eq!(reply["inReplyTo"], message["messageId"]);
    assert_eq!(reply["references"], json!([message["messageId"]]));
    let quoted = text(&reply, "text");
    assert!(quoted.contains("> What now?\n\nNow.\n\n-- \nAnn"), "{quoted:?}");
    let all = check(&["reply", &message_id, "--all"], &base);
    assert_eq!(
        (&all["to"], &all["cc"]),
        (&json!("Bob <bob@x.org>"), &json!("Carl <carl@x.org>, dora@x.org"))
    );
    check(&["reply", &thread, "--list"], &[("to", "list@x.org"), ("cc", "")]);
    let id = text(&message, "id");
    check(
        &["reply", &thread, "--message", &id, "--no-quote"],
        &[("text", "Now.\n\n-- \nAnn\nof Example\n")],
    );
    check(
        &["reply", &thread, "--from", "me@family.example"],
        &[("from", "Ann <me@family.example>")],
    );
    let forward = check(&["forward", &thread, "--to", "eve@x.org"], &[("to", "eve@x.org")]);
    assert!(text(&forward, "text").starts_with("Now.\n"), "{forward}");
    assert!(text(&forward, "text").contains("What now?"), "{forward}");
    let whole = check(&["forward", &thread, "--attached"], &[("subject", "Fwd: Plan")]);
    assert_eq!(whole["attachments"][0]["type"], "message/rfc822");
    assert_eq!(whole["attachments"][0]["name"], "Plan.eml");
    // None of it was sent, so nothing is answered.
    assert_eq!(home.show(&thread)["messages"][0]["flags"], message["flags"]);
    home.assert_healthy("answers");
}

#[test]
fn files_of_a_forwarded_message_go_along() {
    let parts: [(&str, &[u8]); 2] = [
        ("Content-Type: text/plain", b"see it"),
        ("Content-Type: application/pdf; name=\"a.pdf\"", b"%PDF-1.7 x"),
    ];
    let home = with_mail(&[mail("parts@x.org").parts(&parts)]);
    let thread = text(&home.list("anywhere")[0], "thread");
    let saved = one(home.json(&["forward", &thread, "--to", "eve@x.org"]));
    let shown = draft(&home, &text(&saved, "thread"));
    let file = &shown["attachments"][0];
    assert_eq!((&file["name"], &file["type"]), (&json!("a.pdf"), &json!("application/pdf")));
    assert_eq!(file["size"], home.show(&thread)["messages"][0]["attachments"][0]["size"]);
}

#[test]
fn what_is_queued_is_listed_and_taken_back() {
    let home = Home::new();
    write_accounts(&home, ACCOUNTS);
    let args = ["compose", "--to", "bob@x.org", "--subject", "s", "--body", "x", "--send"];
    let queued = one(home.json(&args));
    assert_eq!((&queued["state"], &queued["hold"]), (&json!("queued"), &json!(77)));
    let (thread, id) = (text(&queued, "thread"), text(&queued, "queued"));
    let row = one(home.json(&["outbox"]));
    for (field, value) in [
        ("thread", json!(thread)),
        ("queued", json!(id)),
        ("to", json!("bob@x.org")),
        ("subject", json!("s")),
        ("state", json!("queued")),
        ("why", Value::Null),
        ("hold", json!(77)),
        ("sendAt", Value::Null),
        ("retryAt", Value::Null),
    ] {
        assert_eq!(row[field], value, "{field} in {row}");
    }
    assert_eq!(home.threads("outbox"), std::slice::from_ref(&thread));
    assert_eq!(home.run(&["outbox", "retry", &id, "--json"]).exited(2).error()["code"], "not-over");
    assert_eq!(one(home.json(&["outbox", "cancel", &id]))["cancelled"], true);
    assert_eq!((home.json(&["outbox"]).len(), drafts(&home).len()), (0, 1));

    let later = one(home.json(&["send", &thread, "--at", "2099-01-01T08:00:00Z", "--hold", "5"]));
    assert_eq!((&later["sendAt"], &later["hold"]), (&json!("2099-01-01T08:00:00Z"), &json!(5)));
    home.run(&["undo"]).ok();
    assert_eq!((home.json(&["outbox"]).len(), drafts(&home).len()), (0, 1));

    home.run(&["send", &thread, "--remind", "3d"]).ok();
    home.run(&["outbox", "edit", &thread, "--subject", "other"]).ok();
    assert_eq!(home.json(&["outbox"]).len(), 0);
    assert_eq!(one(drafts(&home))["subject"], "other");
    home.assert_healthy("the outbox");
}

#[test]
fn a_text_that_was_piped_in_is_kept_though_it_cannot_be_sent() {
    for (more, code) in [
        (&["--send", "--to", "bob"][..], "bad-address"),
        (&["--send"], "no-recipients"),
        (&["--attach", "none"], "file"),
        (&["--send", "--to", "a@x.org", "--at", "never"], "when"),
        (&["--from", "eve@x.org"], "not-yours"),
    ] {
        let home = Home::new();
        write_accounts(&home, ACCOUNTS);
        let args = [&["compose", "--subject", "s", "--json"], more].concat();
        let run = piped(&home, &args, b"long thoughts\n");
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        let thread = text(&one(drafts(&home)), "thread");
        assert!(said.contains(code) && said.contains(&format!("drafts edit {thread}")), "{run}");
        assert!(text(&draft(&home, &thread), "text").starts_with("long thoughts\n"), "{code}");
    }
}

#[test]
fn an_edit_that_comes_to_nothing_leaves_it_in_the_outbox() {
    let home = Home::new();
    write_accounts(&home, ACCOUNTS);
    let args = ["compose", "--to", "bob@x.org", "--subject", "s", "--body", "x", "--send"];
    let id = text(&one(home.json(&args)), "queued");
    let stays = |run: Run, exit: i32, code: &str| {
        assert_eq!(run.exited(exit).error()["code"], code);
        let row = one(home.json(&["outbox"]));
        assert_eq!((&row["queued"], &row["state"]), (&json!(id), &json!("queued")));
        assert_eq!(drafts(&home).len(), 0);
    };
    let edit = ["outbox", "edit", &id, "--json"];
    stays(home.run(&[&edit[..], &["--no-edit"]].concat()), 2, "usage");
    stays(home.run(&[&edit[..], &["--subject", "t", "--attach", "none"]].concat()), 3, "file");
    stays(home.run(&[&edit[..], &["--to", "bob", "--send"]].concat()), 2, "bad-address");
    stays(edited(&home, "exit 3", &[&edit[..], &["--edit"]].concat()), 1, "editor");
    stays(edited(&home, "true", &[&edit[..], &["--edit"]].concat()), 130, "nothing");
    let wrote = edited(&home, "echo more >> \"$3\"", &[&edit[..], &["--edit"]].concat());
    wrote.ok();
    assert_eq!((home.json(&["outbox"]).len(), drafts(&home).len()), (0, 1));
    home.assert_healthy("edits that come to nothing");
}

#[test]
fn two_devices_write_and_nothing_is_put_over() {
    let mut serve = Serve::start();
    let (a, b) = (Home::new(), Home::new());
    let json = |home: &Home, args: &[&str]| {
        let run = serve.run(home, &[args, &["--json"]].concat()).ok();
        run.lines()
    };
    let saved = one(json(&a, &["compose", "--subject", "one", "--body", "by a"]));
    let thread = text(&saved, "thread");
    serve.sync(&b);
    assert_eq!(one(json(&b, &["drafts"]))["subject"], "one");
    assert_eq!(one(json(&b, &["drafts", "show", &thread]))["text"], "by a");
    // Both go on from the same save, and neither knows of the other.
    for (home, word) in [(&a, "more of a"), (&b, "more of b")] {
        let args = ["drafts", "edit", &thread, "--body", word, "--offline"];
        serve.run(home, &args).ok();
    }
    for home in [&a, &b, &a] {
        serve.sync(home);
    }
    for home in [&a, &b] {
        let rows = json(home, &["drafts"]);
        let mut texts: Vec<String> = rows
            .iter()
            .map(|row| text(&one(json(home, &["drafts", "show", &text(row, "save")])), "text"))
            .collect();
        texts.sort();
        assert_eq!(texts, ["more of a", "more of b"]);
    }
    let ambiguous = serve.run(&a, &["send", &thread, "--json"]).exited(2);
    assert_eq!(ambiguous.error()["code"], "ambiguous");

    // Queued while the backend is away: kept, and said so.
    serve.stop();
    let args = ["compose", "--to", "x@y.org", "--subject", "s", "--body", "b", "--send", "--json"];
    let kept = serve.run(&a, &args).exited(5);
    assert_eq!(kept.object()["state"], "queued");
    assert_eq!(one(a.json(&["outbox"]))["confirmed"], false);
    serve.run(&a, &[&args[..], &["--offline"]].concat()).ok();
    assert_eq!(a.json(&["outbox"]).len(), 2);
    serve.restart();
    serve.sync(&a);
    assert!(a.json(&["outbox"]).iter().all(|row| row["confirmed"] == true));
    serve.stop();
    serve.assert_healthy("two writers");
}

#[test]
fn a_link_is_a_draft_and_says_only_what_it_may() {
    let home = Home::new();
    write_accounts(&home, ACCOUNTS);
    let link = "MAILTO:bob@x.org?subject=Hi%20there&cc=c@x.org&body=one%0Atwo&bcc=evil@x.org\
                &attach=/etc/passwd&from=evil@x.org";
    let mut command = home.command(&["--quiet", link]);
    command.arg("--json");
    let run = run(command).ok();
    let shown = draft(&home, &text(&run.object(), "thread"));
    for (field, value) in [
        ("to", "bob@x.org"),
        ("cc", "c@x.org"),
        ("bcc", ""),
        ("from", "Ann <ann@example.org>"),
        ("subject", "Hi there"),
        ("text", "one\ntwo\n\n-- \nAnn\nof Example\n"),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["attachments"], json!([]));
}

#[test]
fn the_desktop_file_is_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/mailtui.desktop");
    let file = std::fs::read_to_string(&path).expect("it is there");
    for line in [
        "[Desktop Entry]",
        "Type=Application",
        "Exec=mailtui %u",
        "Terminal=true",
        "MimeType=x-scheme-handler/mailto;",
    ] {
        assert!(file.lines().any(|found| found == line), "{line}");
    }
    if !crate::support::dovecot::has("desktop-file-validate") {
        println!("skipped: desktop-file-utils is not installed");
        return;
    }
    let mut command = std::process::Command::new("desktop-file-validate");
    let output = command.arg(&path).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_list_is_left_as_its_message_says_and_asked_first() {
    const POST: (&str, &str) = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
    let home = with_mail(&[
        mail("page@x.org").set("List-Unsubscribe", "<https://l.example/x>").subject("page"),
        mail("mail@x.org")
            .set("To", "sales@example.org")
            .set("List-Unsubscribe", "<mailto:leave@l.example?subject=off&bcc=a@b.c>")
            .subject("mail"),
        mail("click@x.org")
            .set("List-Unsubscribe", "<https://127.0.0.1:1/x>")
            .set(POST.0, POST.1)
            .subject("click"),
        mail("none@x.org").subject("none"),
    ]);
    write_accounts(&home, ACCOUNTS);
    let page = one(home.json(&["unsubscribe", &home.thread("page")]));
    assert_eq!((&page["way"], &page["done"]), (&json!("page"), &json!(false)));
    for (subject, exit, code) in
        [("mail", 2, "not-confirmed"), ("click", 2, "not-confirmed"), ("none", 3, "no-list")]
    {
        let refused = home.run(&["unsubscribe", &home.thread(subject), "--json"]).exited(exit);
        assert_eq!(refused.error()["code"], code, "{subject}");
    }
    assert_eq!(home.json(&["outbox"]).len(), 0);
    let here = home.run(&["unsubscribe", &home.thread("click"), "--yes", "--json"]).exited(1);
    assert_eq!(here.error()["code"], "private-address");
    home.run(&["unsubscribe", &home.thread("mail"), "--yes"]).ok();
    let row = one(home.json(&["outbox"]));
    assert_eq!((&row["to"], &row["subject"]), (&json!("leave@l.example"), &json!("off")));
    let queued = text(&row, "queued");
    home.run(&["outbox", "cancel", &queued]).ok();
    let shown = draft(&home, &text(&row, "thread"));
    assert_eq!((&shown["from"], &shown["bcc"]), (&json!("Ann <sales@example.org>"), &json!("")));
}
