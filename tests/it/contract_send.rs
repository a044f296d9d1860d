//! Sending from scripts, through a real server: what arrives is what was written, byte for byte as
//! others read it, nobody sees a Bcc, and the exit code says what became of it.
//!
//! Invariant: each server is started by its test; the program sends by its own means only.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::authority::Authority;
use crate::support::binary::{Home, one, text};
use crate::support::dovecot::{has, write_accounts};
use crate::support::mail::{mail, mbox, write};
use crate::support::pty::Pty;
use crate::support::serve::{ClosedPort, Serve};
use crate::support::smtp_sink::{Front, Kept, Sink, read_by_python};
use crate::support::{SCREEN_DEADLINE, wait_for};

/// An account that sends by `smtp`, and whose mail is nowhere to be fetched.
fn accounts(smtp: &str) -> String {
    format!(
        "[accounts.u1]\naddress = \"u1@example.org\"\nname = \"Ünal One\"\nlogin = \"u1\"\n\
         imap = \"imap+plain://localhost:1\"\n{smtp}\
         password = {{ command = [\"echo\", \"pw-u1\"] }}\nhold = 0\n"
    )
}

fn at_sink(home: &Home, sink: &Sink) {
    write_accounts(home, &accounts(&format!("smtp = \"smtp+plain://localhost:{}\"\n", sink.port)));
}

/// Sends something, which must be sent when the command returns.
fn sent(home: &Home, args: &[&str]) -> Value {
    let sent = one(home.json(&[args, &["--send", "--wait", "--force"]].concat()));
    assert_eq!((&sent["state"], &sent["pending"]), (&json!("sent"), &json!(0)), "{args:?}");
    sent
}

fn raw(kept: &Kept) -> String {
    String::from_utf8_lossy(&kept.raw).into_owned()
}

#[test]
fn what_arrives_is_what_was_written() {
    let Some(sink) = Sink::start(Front::Plain, &Authority::new()) else { return };
    let home = Home::new();
    at_sink(&home, &sink);
    let body = "Grüße,\n\n  indented\nFrom here on\n.\n-- \nÜ 🎉\n";
    write(&home.path("body"), body.as_bytes());
    write(&home.path("naïve.bin"), &[0, 255, 13, 10, 46, 13, 10, 1]);
    let of = sent(
        &home,
        &[
            "compose",
            "--to",
            "Jürgen <j@x.org>",
            "--cc",
            "\"Doe, C\" <c@bücher.example>",
            "--bcc",
            "secret@hidden.example",
            "--subject",
            "Überraschung – für Jürgen",
            "--body-file",
            "body",
            "--attach",
            "naïve.bin",
        ],
    );
    for name in ["queued", "thread"] {
        let late = home.run(&["outbox", "cancel", &text(&of, name), "--json"]).exited(1);
        let error = late.error();
        assert_eq!(error["code"], "already-sent", "{late}");
        assert!(text(&error, "message").contains("was sent at 20"), "{late}");
    }
    let kept = sink.kept(1);
    assert_eq!(kept.envelope["from"], "u1@example.org");
    let to = ["j@x.org", "c@xn--bcher-kva.example", "secret@hidden.example"];
    assert_eq!(kept.envelope["to"], json!(to));
    let read = read_by_python(&kept.raw);
    assert_eq!(read["subject"], "Überraschung – für Jürgen");
    assert_eq!(read["from"], "Ünal One <u1@example.org>");
    assert_eq!(read["bcc"], Value::Null);
    assert_eq!(read["defects"], json!([]));
    assert!(!raw(&kept).contains("hidden.example"), "{}", raw(&kept));
    let unflowed = text(&read, "text").replace("\r\n", "\n");
    assert!(unflowed.contains("Grüße,\n\n"), "{unflowed:?}");
    assert_eq!(
        (sink.count(), home.json(&["outbox"]).len(), home.json(&["drafts"]).len()),
        (1, 0, 0)
    );
    let thread = one(home.threads("sent").into_iter().map(Value::from).collect());
    let shown = home.show(thread.as_str().expect("an id"));
    let message = &shown["messages"][0];
    assert_eq!(message["subject"], "Überraschung – für Jürgen");
    assert_eq!(message["attachments"][0]["name"], "naïve.bin");
    assert_eq!(message["attachments"][0]["size"], 8);
    // Who was not named to the others is known here.
    assert_eq!(message["bcc"], json!([{"name": null, "address": "secret@hidden.example"}]));
    assert_eq!(home.json(&["search", "bcc:secret@hidden.example"]).len(), 1);
    let plain = home.run(&["show", thread.as_str().expect("an id")]).ok();
    let plain = String::from_utf8_lossy(&plain.stdout).into_owned();
    for line in ["Cc: Doe, C <c@xn--bcher-kva.example>", "Bcc: secret@hidden.example"] {
        assert!(plain.lines().any(|shown| shown == line), "{line}: {plain}");
    }
    home.assert_healthy("sending");
}

#[test]
fn a_reply_joins_its_conversation_here_and_elsewhere() {
    let Some(sink) = Sink::start(Front::Plain, &Authority::new()) else { return };
    let home = Home::new();
    let first = mail("first@x.org").set("From", "Bob <bob@x.org>").subject("Plan").body("What?\n");
    write(&home.path("box"), &mbox(std::slice::from_ref(&first)));
    home.import(&home.path("box"));
    at_sink(&home, &sink);
    let thread = home.thread("Plan");
    sent(&home, &["reply", &thread, "--body", "This – exactly.\n> not quoted by us"]);
    let kept = sink.kept(1);
    assert_eq!(kept.envelope["to"], json!(["bob@x.org"]));
    let shown = home.show(&thread);
    let messages = shown["messages"].as_array().expect("messages");
    assert_eq!(messages.len(), 2, "{shown}");
    let flags = messages[0]["flags"].as_array().expect("flags");
    assert!(flags.contains(&json!("answered")), "{shown}");
    assert_eq!(messages[1]["subject"], "Re: Plan");
    sent(&home, &["forward", &thread, "--to", "eve@x.org", "--attached"]);
    let whole = raw(&sink.kept(2));
    assert!(whole.contains("message/rfc822"), "{whole}");
    home.assert_healthy("a reply");

    if !has("notmuch") {
        println!("skipped: notmuch is not installed");
        return;
    }
    let maildir = home.path("maildir");
    for dir in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(maildir.join(dir)).expect("a maildir");
    }
    write(&maildir.join("cur/1:2,"), &first.bytes());
    write(&maildir.join("cur/2:2,"), &kept.raw);
    let config = home.path("notmuch-config");
    let of =
        format!("[database]\npath={}\n[user]\nprimary_email=u1@example.org\n", maildir.display());
    write(&config, of.as_bytes());
    let notmuch = |args: &[&str]| {
        let mut command = Command::new("notmuch");
        command.env_clear().envs(home.environment()).env("NOTMUCH_CONFIG", &config).args(args);
        let output = command.output().expect("notmuch runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    notmuch(&["new", "--quiet"]);
    assert_eq!(notmuch(&["search", "--output=threads", "*"]).lines().count(), 1);
    let shown = notmuch(&["show", "--format=text", "subject:Re"]);
    assert!(shown.contains("This – exactly.\n> not quoted by us"), "{shown}");
}

#[test]
fn the_exit_code_says_what_became_of_it() {
    let home = Home::new();
    let args = ["compose", "--to", "b@x.org", "--subject", "s", "--body", "b", "--send", "--wait"];
    // No server for sending: refused for good.
    write_accounts(&home, &accounts(""));
    let refused = home.run(&[&args[..], &["--json"]].concat()).exited(1);
    assert_eq!(refused.object()["state"], "failed");
    assert_eq!(refused.error()["code"], "refused");
    let row = one(home.json(&["outbox"]));
    assert_eq!(row["state"], "failed");
    assert!(row["why"].is_string(), "{row}");
    // Nobody listens there: kept, and tried again.
    let closed = ClosedPort::new();
    let smtp = format!("smtp = \"smtp+plain://localhost:{}\"\n", closed.port);
    write_accounts(&home, &accounts(&smtp));
    let id = text(&row, "queued");
    let later = home.run(&["outbox", "retry", &id, "--wait", "--json"]).exited(5);
    assert_eq!(
        (&later.object()["state"], &later.error()["code"]),
        (&json!("retrying"), &json!("retrying"))
    );
    let row = one(home.json(&["outbox"]));
    assert!(row["retryAt"].is_string() && row["why"].is_string(), "{row}");
    let offline = home.run(&[&args[..], &["--offline", "--json"]].concat()).exited(5);
    assert_eq!(offline.error()["code"], "offline");
    assert_eq!(home.json(&["outbox"]).len(), 2);
    for row in home.json(&["outbox"]) {
        home.run(&["outbox", "cancel", &text(&row, "queued")]).ok();
    }
    assert_eq!((home.json(&["outbox"]).len(), home.json(&["drafts"]).len()), (0, 2));
    home.assert_healthy("refusals");
}

#[test]
fn a_device_sends_by_its_backend() {
    let Some(sink) = Sink::start(Front::Plain, &Authority::new()) else { return };
    let mut serve = Serve::start();
    at_sink(serve.home(), &sink);
    let device = Home::new();
    let args = ["compose", "--to", "b@x.org", "--subject", "s", "--body", "b", "--hold", "0"];
    let more = ["--send", "--wait", "--json"];
    let run = serve.run(&device, &[&args[..], &more].concat()).ok();
    assert_eq!(run.object()["state"], "sent");
    let kept = sink.kept(1);
    // It has no accounts of its own: the backend says who sends it.
    assert_eq!(read_by_python(&kept.raw)["from"], "Ünal One <u1@example.org>");
    assert_eq!(sink.count(), 1);
    serve.stop();
    serve.assert_healthy("sending for a device");
}

/// A server that takes whole messages for anybody but `bad@`, and says so, or nothing to them;
/// where it listens.
fn server(says_so: bool) -> u16 {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut writer = stream.try_clone().expect("a copy");
            let mut data = false;
            let _ = writer.write_all(b"220 x\r\n");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let says: &[u8] = match line.get(..4).unwrap_or(&line) {
                    "." if data && !says_so => break,
                    "." if data => {
                        data = false;
                        b"250 ok\r\n"
                    }
                    _ if data => continue,
                    "EHLO" => b"250-x\r\n250 AUTH PLAIN\r\n",
                    "AUTH" => b"235 ok\r\n",
                    "RCPT" if line.contains("bad@") => b"550 who\r\n",
                    "DATA" => {
                        data = true;
                        b"354 go\r\n"
                    }
                    _ => b"250 ok\r\n",
                };
                let _ = writer.write_all(says);
            }
        }
    });
    port
}

#[test]
fn what_may_have_been_sent_is_written_on_only_when_that_is_said() {
    let home = Home::new();
    write_accounts(
        &home,
        &accounts(&format!("smtp = \"smtp+plain://127.0.0.1:{}\"\n", server(false))),
    );
    let args = ["compose", "--to", "b@x.org", "--subject", "s", "--body", "b", "--send", "--wait"];
    let doubted = home.run(&[&args[..], &["--json"]].concat()).exited(1);
    assert_eq!(doubted.object()["state"], "unknown", "{doubted}");
    let id = text(&one(home.json(&["outbox"])), "queued");
    for more in [&["--no-edit", "--send"][..], &["--subject", "t", "--send"], &["--subject", "t"]] {
        let refused = home.run(&[&["outbox", "edit", &id, "--json"], more].concat()).exited(2);
        assert_eq!(refused.error()["code"], "unknown", "{more:?}");
        assert_eq!(one(home.json(&["outbox"]))["queued"], json!(id));
    }
    let back = home.run(&["outbox", "cancel", &id]).ok();
    let said = String::from_utf8_lossy(&back.stderr).into_owned();
    assert!(said.contains("may have been sent"), "{back}");
    assert_eq!((home.json(&["outbox"]).len(), home.json(&["drafts"]).len()), (0, 1));
    // However it is changed, that stays: it is refused with that reason, and sent when tried again.
    let draft = text(&one(home.json(&["drafts"])), "thread");
    let change = ["drafts", "edit", &draft, "--subject", "t", "--send", "--wait", "--json"];
    assert_eq!(home.run(&change).exited(1).object()["state"], "failed");
    let row = one(home.json(&["outbox"]));
    assert!(text(&row, "why").contains("may have been sent"), "{row}");
    let id = text(&row, "queued");
    let asked = home.run(&["outbox", "retry", &id, "--wait", "--json"]).exited(2);
    assert_eq!(asked.error()["code"], "unknown", "{asked}");
    let again = home.run(&["outbox", "retry", &id, "--force", "--wait", "--json"]).exited(1);
    assert_eq!(again.object()["state"], "unknown", "the server was asked: {again}");
    // Who says yes is not asked twice.
    let id = text(&one(home.json(&["outbox"])), "queued");
    let change = ["outbox", "edit", &id, "--subject", "u", "--send", "--wait", "--force", "--json"];
    let again = home.run(&change).exited(1);
    assert_eq!(again.object()["state"], "unknown", "the server was asked: {again}");
}

#[test]
fn other_commands_get_through_while_one_waits_for_a_server() {
    // It is connected to and never says a word.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let home = Home::new();
    write_accounts(&home, &accounts(&format!("smtp = \"smtp+plain://127.0.0.1:{port}\"\n")));
    let args = ["compose", "--to", "b@x.org", "--subject", "s", "--body", "b", "--send", "--wait"];
    let mut waits = home.command(&args).stdin(Stdio::null()).spawn().expect("it starts");
    let (_line, _) = listener.accept().expect("it is asked");
    home.run(&["compose", "--subject", "meanwhile", "--body", "x"]).ok();
    let drafts = home.json(&["drafts"]);
    assert!(drafts.iter().any(|row| row["subject"] == "meanwhile"), "{drafts:?}");
    assert!(waits.try_wait().expect("its state").is_none(), "it still waits");
    waits.kill().expect("killed");
    waits.wait().expect("gone");
}

#[test]
fn neomutt_shows_what_was_written() {
    let Some(sink) = Sink::start(Front::Plain, &Authority::new()) else { return };
    if !has("neomutt") {
        println!("skipped: neomutt is not installed");
        return;
    }
    let home = Home::new();
    at_sink(&home, &sink);
    let body = "Grüße aus Köln,\n\n  eingerückt\nFrom here on 漢字\n.\nEnde\n";
    write(&home.path("body"), body.as_bytes());
    let to = "Jürgen <j@x.org>";
    sent(&home, &["compose", "--to", to, "--subject", "Überraschung", "--body-file", "body"]);
    let kept = sink.kept(1).raw;
    write(&home.path("one.mbox"), &[b"From x Thu Jan  1 00:00:00 1970\n", &kept[..]].concat());
    std::fs::create_dir_all(home.path("Mail")).expect("neomutt wants one");
    let rc = "set pager_stop = yes\nset wait_key = no\nset charset = utf-8\nignore *\n\
              unignore from to subject\nset mailcap_path = \"\"\npush \"<display-message>\"\n";
    let folder = format!("set folder = '{}'\n", home.path("Mail").display());
    write(&home.path("muttrc"), [folder.as_str(), rc].concat().as_bytes());
    let (rc, mbox) = (home.path("muttrc"), home.path("one.mbox"));
    let command =
        format!("LC_ALL=C.UTF-8 exec neomutt -n -F '{}' -R -f '{}'", rc.display(), mbox.display());
    let pty = Pty::shell(&home, (100, 30), &command);
    for line in [
        "From: Ünal One <u1@example.org>",
        "To: Jürgen <j@x.org>",
        "Subject: Überraschung",
        "Grüße aus Köln,",
        "  eingerückt",
        "From here on 漢字",
        "Ende",
    ] {
        pty.wait_text(line);
    }
}

#[test]
fn to_whom_it_did_not_go_is_said() {
    let home = Home::new();
    write_accounts(
        &home,
        &accounts(&format!("smtp = \"smtp+plain://127.0.0.1:{}\"\n", server(true))),
    );
    let to = ["compose", "--subject", "s", "--body", "b", "--to", "ok@x.org", "--to", "bad@x.org"];
    let send = ["--partial", "--send", "--wait", "--json"];
    let run = home.run(&[&to[..], &send].concat()).exited(4);
    let sent = run.object();
    assert_eq!(sent["state"], "sent");
    assert_eq!(sent["failed"].as_array().map(Vec::len), Some(1), "{sent}");
    assert_eq!(sent["failed"][0]["address"], "bad@x.org");
    assert!(text(&sent["failed"][0], "reason").contains("who"), "{sent}");
    // It is sent all the same: nobody takes it back.
    assert_eq!(home.run(&["undo", "--json"]).exited(1).error()["code"], "already-sent");
}

/// Two devices; one takes back, without a connection, what the backend sends meanwhile.
#[test]
fn a_cancel_that_comes_too_late_is_told_and_its_draft_is_not_sent_again_unasked() {
    let mut serve = Serve::start();
    let smtp = format!("smtp = \"smtp+plain://127.0.0.1:{}\"\n", server(true));
    write_accounts(serve.home(), &accounts(&smtp));
    let (a, b) = (Home::new(), Home::new());
    let args = ["compose", "--to", "b@x.org", "--subject", "Plan", "--body", "b", "--hold", "5"];
    let queued = serve.run(&a, &[&args[..], &["--send", "--json"]].concat()).ok().object();
    let (id, draft) = (text(&queued, "queued"), text(&queued, "thread"));
    serve.run(&b, &["--sync-only"]).ok();
    let back = serve.run(&b, &["--offline", "outbox", "cancel", &id]).ok();
    assert!(String::from_utf8_lossy(&back.stdout).contains("Taken back"), "{back}");
    let edit = ["--offline", "drafts", "edit", &draft, "--body", "words", "--no-edit"];
    serve.run(&b, &edit).ok();
    let gone = || {
        serve.run(&a, &["--sync-only"]).ok();
        serve.run(&a, &["outbox", "--json"]).ok().stdout.is_empty().then_some(())
    };
    assert!(wait_for(SCREEN_DEADLINE, gone).is_some(), "it is sent");
    let said = |run: &crate::support::binary::Run| {
        String::from_utf8_lossy(&run.stderr).contains("Plan was sent before it was taken back")
    };
    let told = serve.run(&b, &["--sync-only"]).ok();
    assert!(said(&told), "{told}");
    let again = serve.run(&b, &["--sync-only"]).ok();
    assert!(!said(&again), "told once: {again}");
    let asked = serve.run(&b, &["send", &draft, "--json"]).exited(2);
    assert_eq!(asked.error()["code"], "sent-before", "{asked}");
    serve.run(&b, &["send", &draft, "--hold", "0", "--wait", "--force"]).ok();
    serve.stop();
    serve.assert_healthy("a cancel that comes too late");
}
