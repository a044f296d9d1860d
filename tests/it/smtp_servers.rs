//! Submission to servers of others: aiosmtpd, Dovecot's submission service, OpenSMTPD.
//!
//! Invariant: what was given is what was delivered, byte for byte behind what servers put before
//! it, and Python's `email` reads it as it was written. Each server is started by its test.

use std::path::PathBuf;

use mailtui::account::{Auth, Password, Security, Server};
use mailtui::smtp::{Deadlines, Delivery, Lasting, Stop, Submission, Watch, Way, submit};

use crate::support::SCREEN_DEADLINE;
use crate::support::authority::Authority;
use crate::support::dovecot::Dovecot;
use crate::support::scripted_smtp::Letter;
use crate::support::serve::{ClosedPort, free_port};
use crate::support::smtp_sink::{
    Front, OpenSmtpd, Sink, dovecot_submission, has_submission, read_by_python,
};
use crate::support::wait_for;

/// A way to a server on this machine.
fn way(port: u16, security: Security, ca: Option<PathBuf>) -> Way {
    Way {
        server: Server::new("localhost", port, security),
        login: "u1".to_owned(),
        auth: Auth::Password,
        ca,
        domain: "example.org".to_owned(),
    }
}

fn give(way: &Way, password: &str, letter: &Letter) -> Submission {
    let password = Password::new(password.to_owned()).expect("a password");
    let deadlines = Deadlines::default();
    let delivery = Delivery {
        way,
        password: &password,
        envelope: &letter.envelope,
        message: &letter.message,
        deadlines: &deadlines,
    };
    let mut watch = Watch { stop: Stop::never(), tell: &mut |_| {} };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let whole = tokio::time::timeout(SCREEN_DEADLINE, submit(&delivery, &mut watch));
        whole.await.expect("an answer")
    })
}

/// A letter with a header that every server leaves alone.
struct Written {
    letter: Letter,
    subject: &'static str,
    text: &'static str,
}

fn written(to: &[&str], subject: &'static str, more: &str, text: &'static str) -> Written {
    let message = format!(
        "From: Ann <ann@example.org>\r\nTo: {}\r\nSubject: {subject}\r\n\
         Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\
         MIME-Version: 1.0\r\n{more}\r\n{}",
        to[0],
        text.replace('\n', "\r\n")
    );
    Written { letter: Letter::new(to, message), subject, text }
}

fn plain() -> Written {
    let text = "hello\n.\n..\n. dots\n\nFrom me\nend\n";
    written(&["u1@example.org"], "plain", "Content-Type: text/plain; charset=us-ascii\r\n", text)
}

const EIGHT: &str =
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";

fn eight_bit() -> Written {
    written(&["u1@example.org"], "eight", EIGHT, "grüße, 杨 €\n.ü\n")
}

fn international() -> Written {
    written(&["用户@例え.example"], "grüße 杨", EIGHT, "¡hola!\n")
}

/// A message of some size with a hidden recipient.
fn long() -> Written {
    let mut long = plain();
    long.letter.message.extend(".0123456789 abcdefghij\r\n".repeat(20_000).as_bytes());
    long.letter.envelope.to.push("u2@example.org".to_owned());
    long
}

fn assert_delivered(written: &Written, raw: &[u8]) {
    let letter = &written.letter.message;
    assert!(raw.ends_with(letter), "{} of {} bytes", raw.len(), letter.len());
    let read = read_by_python(raw);
    assert_eq!(read["subject"], written.subject, "{read}");
    let text = read["text"].as_str().expect("a text").replace("\r\n", "\n");
    assert!(text.starts_with(written.text), "{text}");
    assert_eq!(read["defects"].as_array().map(Vec::len), Some(0), "{read}");
    assert!(read["bcc"].is_null());
}

fn assert_accepted(known: &Submission) {
    assert!(matches!(known, Submission::Accepted(_)), "{known:?}");
}

fn assert_refused(known: &Submission, code: &str) {
    let Submission::Refused(refusal) = known else { panic!("{known:?}") };
    assert_eq!((refusal.code.as_str(), refusal.lasting), (code, Lasting::Permanent), "{refusal:?}");
}

#[test]
fn a_sink_keeps_what_was_given_by_every_way() {
    let (authority, dir) = (Authority::new(), tempfile::tempdir().expect("a directory"));
    let ca = authority.write(dir.path());
    for (front, security) in [
        (Front::Plain, Security::Plain),
        (Front::StartTls, Security::StartTls),
        (Front::Tls, Security::Tls),
    ] {
        let Some(sink) = Sink::start(front, &authority) else { return };
        let way = way(sink.port, security, Some(ca.clone()));
        for (n, written) in [plain(), eight_bit(), international(), long()].iter().enumerate() {
            assert_accepted(&give(&way, "pw-u1", &written.letter));
            let kept = sink.kept(n + 1);
            assert_eq!(kept.raw, written.letter.message, "as it is: {front:?} {}", written.subject);
            assert_delivered(written, &kept.raw);
            assert_eq!(kept.envelope["from"], "ann@example.org");
            assert_eq!(kept.envelope["to"], serde_json::json!(written.letter.envelope.to));
            assert_eq!(kept.envelope["host"], "[127.0.0.1]", "no name of this machine");
            let login = if front == Front::Plain { "" } else { "u1" };
            assert_eq!(kept.envelope["login"], login);
        }
        if front != Front::Plain {
            assert_refused(&give(&way, "wrong", &plain().letter), "login");
            let stranger = Way { ca: None, ..way };
            assert_refused(&give(&stranger, "pw-u1", &plain().letter), "tls-untrusted");
        }
        assert_eq!(sink.count(), 4);
    }
    let closed = ClosedPort::new();
    let nobody = way(closed.port, Security::Plain, None);
    let known = give(&nobody, "pw-u1", &plain().letter);
    let Submission::Refused(refusal) = known else { panic!("{known:?}") };
    assert_eq!((refusal.code.as_str(), refusal.lasting), ("closed", Lasting::Temporary));
}

#[test]
fn dovecot_hands_on_what_was_given() {
    if !has_submission() {
        return;
    }
    let authority = Authority::new();
    let Some(sink) = Sink::start(Front::Plain, &authority) else { return };
    let port = free_port();
    let Some(server) = Dovecot::start_with(&dovecot_submission(port, sink.port)) else { return };
    let way = way(port, Security::StartTls, Some(server.certificate()));
    for (n, written) in [plain(), eight_bit(), long()].iter().enumerate() {
        assert_accepted(&give(&way, "pw-u1", &written.letter));
        let kept = sink.kept(n + 1);
        assert_delivered(written, &kept.raw);
        assert_eq!(kept.envelope["to"], serde_json::json!(written.letter.envelope.to));
        let head = &kept.raw[..kept.raw.len() - written.letter.message.len()];
        assert!(!String::from_utf8_lossy(head).contains("u2@"), "nobody hidden is named");
    }
    assert_refused(&give(&way, "wrong", &plain().letter), "login");
    // It does not know SMTPUTF8.
    assert_refused(&give(&way, "pw-u1", &international().letter), "smtp-utf8");
    assert_eq!(sink.count(), 3);
}

#[test]
fn opensmtpd_delivers_what_was_given_by_lmtp() {
    let Some(server) = Dovecot::start() else { return };
    let Some(relay) = OpenSmtpd::start(server.lmtp) else { return };
    let way = way(relay.port, Security::Plain, None);
    for (n, written) in [plain(), eight_bit()].iter().enumerate() {
        assert_accepted(&give(&way, "pw-u1", &written.letter));
        let raw = wait_for(SCREEN_DEADLINE, || delivered(&server, n + 1)).expect("it is delivered");
        assert_delivered(written, &raw);
    }
    assert_refused(&give(&way, "pw-u1", &international().letter), "smtp-utf8");
}

/// The `n`th message, from 1, of `u1`'s inbox, when it is there.
fn delivered(server: &Dovecot, n: usize) -> Option<Vec<u8>> {
    let mut client = server.client("u1");
    client.ok("SELECT INBOX");
    let answers = client.ok("UID FETCH 1:* (BODY.PEEK[])");
    let answer = answers.into_iter().filter(|one| one.ends_with(b")\r\n")).nth(n - 1)?;
    // `* 1 FETCH (UID 1 BODY[] {LENGTH}` CRLF, the message, `)` CRLF.
    let begins = answer.windows(3).position(|three| three == b"}\r\n")? + 3;
    Some(answer.get(begins..answer.len() - 3)?.to_vec())
}
