//! The outbox of the real binary: what was queued is sent through a server of others, once, filed
//! at the account's mail server, and never sent again after a kill.
//!
//! Invariant: the drafts are written by the engine, as any command does; what was delivered is
//! counted where the server keeps it.

use std::time::Duration;

use mailtui::clock::SystemClock;
use mailtui::command::intent::{Intent, SendOrder};
use mailtui::engine::Device;
use mailtui::engine::view::{OutboxState, Outgoing};
use mailtui::id::{EventId, MessageId, ThreadId};
use mailtui::mail::compose::Draft;
use serde_json::Value;

use crate::support::authority::Authority;
use crate::support::binary::{Home, run_within, text};
use crate::support::dovecot::{Dovecot, write_accounts};
use crate::support::link::Link;
use crate::support::mail::mail;
use crate::support::serve::ClosedPort;
use crate::support::smtp_sink::{Front, Sink, read_by_python};

/// How long one look may take.
const LOOK: Duration = Duration::from_mins(2);
const SIGKILL: i32 = 9;

fn device(home: &Home) -> Device {
    Device::open(&home.data(), false, Box::new(SystemClock)).expect("a device")
}

fn draft(subject: &str) -> Draft {
    Draft {
        to: "Bob <bob@example.org>".to_owned(),
        bcc: "carl@example.org".to_owned(),
        subject: subject.to_owned(),
        body: "At noon?\n.\nFrom me\n".to_owned(),
        ..Draft::default()
    }
}

/// Writes a draft and queues it, as a command does.
fn queue(home: &Home, draft: Draft, again: Option<(ThreadId, EventId)>) -> (ThreadId, EventId) {
    let mut device = device(home);
    let intent = Intent::SaveDraft { slot: None, thread: None, from: None, draft: Box::new(draft) };
    let saved = device.intend(&intent).expect("decides").wrote.expect("a save");
    let order = SendOrder {
        thread: saved.thread.clone(),
        save: saved.event.clone(),
        domain: "example.org".to_owned(),
        hold: 0,
        send_at: None,
        offset: 60,
        again: again.map(|(_, queued)| queued),
        partial: false,
        remind: None,
    };
    let queued = device.intend(&Intent::Send(order)).expect("decides").wrote.expect("queued");
    device.commit().expect("on disk");
    (saved.thread, queued.event)
}

fn outgoing(home: &Home) -> Outgoing {
    device(home).outgoing_rows().expect("readable")
}

fn state(home: &Home) -> Option<OutboxState> {
    outgoing(home).outbox.pop().map(|row| row.state)
}

/// Looks once, and ends as it says.
fn look(home: &Home, crash_at: Option<&str>) -> crate::support::binary::Run {
    let mut command = home.command(&["--sync-only", "--json"]);
    if let Some(point) = crash_at {
        command.env("MAILTUI_CRASH_AT", point);
    }
    run_within(command, LOOK)
}

/// An account whose mail server is not there while what this returns is held.
fn sends_only(home: &Home, sink: &Sink) -> ClosedPort {
    let closed = ClosedPort::new();
    let text = format!(
        "[accounts.ann]\naddress = \"ann@example.org\"\nname = \"Ann\"\n\
         imap = \"imap+plain://localhost:{}\"\nsmtp = \"smtp+plain://localhost:{}\"\n\
         login = \"u1\"\npassword = {{ command = [\"echo\", \"pw-u1\"] }}\n",
        closed.port, sink.port
    );
    write_accounts(home, &text);
    closed
}

#[test]
fn what_is_queued_is_sent_and_filed_once() {
    let Some(dovecot) = Dovecot::start() else { return };
    let Some(sink) = Sink::start(Front::Plain, &Authority::new()) else { return };
    let home = Home::new();
    let more = format!("name = \"Ann\"\nsmtp = \"smtp+plain://localhost:{}\"\n", sink.port);
    dovecot.account_with(&home, "u1", dovecot.imap, &more);
    dovecot.deliver("u1", &mail("asked").subject("Lunch?").bytes());
    look(&home, None).ok();
    let asked = home.show(&home.thread("Lunch?"));
    let message: MessageId = text(&asked["messages"][0], "id").as_str().try_into().unwrap();
    let id = text(&asked["messages"][0], "messageId");
    let answer = Draft {
        in_reply_to: Some(id.clone()),
        references: vec![id],
        answers: vec![message],
        ..draft("Re: Lunch?")
    };
    queue(&home, answer, None);
    let run = look(&home, None).ok();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("Sent: Re: Lunch?"), "{said}");
    assert_eq!((sink.count(), outgoing(&home)), (1, Outgoing::default()));
    let kept = sink.kept(1);
    let to: Vec<&str> =
        kept.envelope["to"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(to, ["bob@example.org", "carl@example.org"]);
    let read = read_by_python(&kept.raw);
    assert_eq!((text(&read, "subject").as_str(), &read["bcc"]), ("Re: Lunch?", &Value::Null));
    assert_eq!(text(&read, "from"), "Ann <u1@example.org>", "filled from the account");
    // It is in the conversation, and once among sent mail, whoever looks and however often.
    let mut client = dovecot.client("u1");
    for _ in 0..2 {
        let sent = client.folder("Sent");
        assert_eq!(sent.len(), 1, "{sent:?}");
        assert!(sent[0].has("\\Seen"));
        let inbox = client.folder("INBOX");
        assert!(inbox[0].has("\\Answered"), "{inbox:?}");
        let shown = home.show(&home.thread("Lunch?"));
        assert_eq!(shown["messages"].as_array().unwrap().len(), 2);
        assert_eq!(shown["messages"][1]["copies"], 0, "what was filed is what was sent");
        look(&home, None).ok();
    }
    assert_eq!(sink.count(), 1);
    home.assert_healthy("sending");
}

#[test]
fn a_kill_at_any_point_of_sending_sends_nothing_twice() {
    let Some(sink) = Sink::start(Front::Plain, &Authority::new()) else { return };
    let mut delivered = 0;
    for (point, now, then, is_sent) in [
        ("claim.before-commit", 0, 1, true),
        ("claim.after-commit", 0, 0, false),
        ("settle.before-begin", 1, 1, false),
        ("settle.before-commit", 1, 1, false),
        ("settle.after-commit", 1, 1, true),
    ] {
        let home = Home::new();
        let _closed = sends_only(&home, &sink);
        let (thread, queued) = queue(&home, draft(point), None);
        let run = look(&home, Some(point));
        assert_eq!(run.signal(), Some(SIGKILL), "{point}: {run:?}");
        assert_eq!(sink.count() - delivered, now, "{point}");
        for _ in 0..2 {
            // The mail server is not there, which is said.
            look(&home, None).exited(4);
            assert_eq!(sink.count() - delivered, then, "{point}");
            let state = state(&home);
            let unknown = state == Some(OutboxState::Unknown);
            assert_eq!((unknown, state.is_none()), (!is_sent, is_sent), "{point}: {state:?}");
        }
        if !is_sent {
            // Its user looks, and sends it again.
            let order = SendOrder {
                save: outgoing(&home).outbox[0].save.clone(),
                thread,
                domain: "example.org".to_owned(),
                hold: 0,
                send_at: None,
                offset: 0,
                again: Some(queued),
                partial: false,
                remind: None,
            };
            let mut device = device(&home);
            device.intend(&Intent::Send(order)).expect("decides");
            device.commit().expect("on disk");
            drop(device);
            look(&home, None).exited(4);
            assert_eq!((sink.count() - delivered, state(&home)), (then + 1, None), "{point}");
        }
        home.assert_healthy(point);
        delivered = sink.count();
    }
}

#[test]
fn what_nobody_knew_is_found_among_sent_mail() {
    let Some(dovecot) = Dovecot::start() else { return };
    let Some(sink) = Sink::start(Front::Plain, &Authority::new()) else { return };
    let home = Home::new();
    let more = format!("smtp = \"smtp+plain://localhost:{}\"\n", sink.port);
    dovecot.account_with(&home, "u1", dovecot.imap, &more);
    queue(&home, draft("Lunch"), None);
    let run = look(&home, Some("settle.before-begin"));
    assert_eq!((run.signal(), sink.count()), (Some(SIGKILL), 1));
    look(&home, None).ok();
    assert_eq!(state(&home), Some(OutboxState::Unknown));
    // A server that files by itself.
    dovecot.client("u1").append("Sent", "\\Seen", &sink.kept(1).raw);
    look(&home, None).ok();
    assert_eq!((state(&home), sink.count()), (None, 1));
    look(&home, None).ok();
    assert_eq!(dovecot.client("u1").folder("Sent").len(), 1);
    assert_eq!(home.show(&home.thread("Lunch"))["messages"].as_array().unwrap().len(), 1);
    home.assert_healthy("finding");
}

#[test]
fn what_cannot_be_sent_is_said_and_kept() {
    let (home, closed) = (Home::new(), [ClosedPort::new(), ClosedPort::new()]);
    let text = format!(
        "[accounts.ann]\naddress = \"ann@example.org\"\nimap = \"imap+plain://localhost:{}\"\n\
         smtp = \"smtp+plain://localhost:{}\"\npassword = {{ command = [\"echo\", \"x\"] }}\n",
        closed[0].port, closed[1].port
    );
    write_accounts(&home, &text);
    queue(&home, draft("Lunch"), None);
    let run = look(&home, None).exited(4);
    let failed = run.object()["failed"].clone();
    let codes: Vec<&str> =
        failed.as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert!(codes.contains(&"sent-later"), "{failed}");
    assert_eq!(state(&home), Some(OutboxState::Retrying));
    home.assert_healthy("no server");
}

#[test]
fn a_link_that_is_cut_while_a_copy_is_filed_makes_no_second_one() {
    let Some(dovecot) = Dovecot::start() else { return };
    let Some(sink) = Sink::start(Front::Plain, &Authority::new()) else { return };
    let link = Link::to(dovecot.imap);
    let home = Home::new();
    let more = format!("smtp = \"smtp+plain://localhost:{}\"\n", sink.port);
    dovecot.account_with(&home, "u1", link.port, &more);
    look(&home, None).ok();
    queue(&home, draft("Lunch"), None);
    // Cut further and further, until one look gets to the end.
    let looks = (1..3_000).step_by(40);
    let (all, mut cuts, mut while_filed) = (looks.clone().count(), 0, 0);
    for bytes in looks {
        link.cut_after(bytes);
        let was_cut = look(&home, None).code() == Some(4);
        link.cut_after(-1);
        let copies = dovecot.client("u1").folder("Sent").len();
        assert!(copies <= 1, "after {bytes} bytes");
        cuts += usize::from(was_cut);
        while_filed += usize::from(was_cut && copies == 0 && sink.count() == 1);
    }
    look(&home, None).ok();
    println!("{cuts} cuts, {while_filed} while the copy was filed");
    let is_enough = cuts > 5 && while_filed > 5 && cuts < all;
    assert!(is_enough, "{cuts} cuts, {while_filed} while it was filed");
    assert_eq!((dovecot.client("u1").folder("Sent").len(), sink.count()), (1, 1));
    assert_eq!(outgoing(&home), Outgoing::default());
    home.assert_healthy("the cuts");
}
