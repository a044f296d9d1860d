//! Submission, step by step, against a server that says no, lies, floods, stops or breaks off.
//!
//! Invariant: whatever a server does, what the sender knows is true of what the server has, nothing
//! waits for ever, and no password is in what is known.

use std::time::Duration;

use mailtui::account::Security::{Plain, StartTls};
use mailtui::account::{Auth, Security};
use mailtui::smtp::Lasting::{Permanent, Temporary};
use mailtui::smtp::{Lasting, Outcome, Progress, Refusal, Stop, Stopper, Submission};

use crate::support::scripted_smtp::{Act, Letter, PASSWORD, Played, Script, play, play_with, say};

/// A submission whose knowledge is true, as far as the server can tell.
fn played(script: &Script, letter: &Letter) -> Played {
    let played = play(script, letter);
    assert_true(&played);
    played
}

/// What must hold of every submission.
fn assert_true(played: &Played) {
    let whole = played.seen.taken.len();
    match &played.known {
        Submission::Accepted(_) => assert_eq!(whole, 1, "{:?}", played.known),
        // The server's own no behind the dot is one too.
        Submission::Refused(refusal) => {
            let given = played.told.contains(&Progress::GivenAway);
            assert!(whole == 0 || given, "{refusal:?}");
        }
        Submission::Unknown(_) => assert!(played.told.contains(&Progress::GivenAway)),
    }
    // As it would be shown: what is no text would be escaped.
    let text = format!("{:?}", played.known);
    assert!(!text.contains(PASSWORD) && text.len() < 8192, "{text}");
    assert!(!text.contains("\\u{") && !text.contains("\\n"), "{text}");
    for (secret, line) in &played.seen.lines {
        assert!(line.is_ascii() || line.contains('@'), "{secret} {line}");
        assert!(!line.contains(&gethostname()), "the name of this machine: {line}");
    }
}

fn gethostname() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    // One that is part of what is said anyway shows nothing.
    if name.len() < 4 || "smtp.example.org localhost".contains(&name) {
        "\0".to_owned()
    } else {
        name
    }
}

fn refused(played: &Played) -> &Refusal {
    let Submission::Refused(refusal) = &played.known else { panic!("{:?}", played.known) };
    assert!(!refusal.hint.is_empty() && !refusal.code.is_empty() && !refusal.line.is_empty());
    refusal
}

fn assert_accepted(played: &Played) {
    let Submission::Accepted(taken) = &played.known else { panic!("{:?}", played.known) };
    assert_eq!(taken.answer, "250 2.0.0 queued as 4711");
}

fn commands(played: &Played) -> Vec<&str> {
    played.seen.lines.iter().map(|(_, line)| line.as_str()).collect()
}

#[test]
fn an_honest_server_gets_the_message_as_it_is() {
    for security in [Security::Plain, Security::StartTls, Security::Tls] {
        let script = Script { security, ..Script::default() };
        let letter = Letter::new(
            &["bob@example.org", "eve@example.org"],
            "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n\r\n.\r\nend\r\n",
        );
        let done = played(&script, &letter);
        assert_accepted(&done);
        let taken = &done.seen.taken[0];
        assert_eq!(taken.message(), letter.message);
        assert_eq!(
            taken.mail,
            format!("MAIL FROM:<ann@example.org> SIZE={}", letter.message.len())
        );
        assert_eq!(taken.to, ["RCPT TO:<bob@example.org>", "RCPT TO:<eve@example.org>"]);
        let hello = if security == Security::StartTls { 2 } else { 1 };
        let said = |line: &str| commands(&done).iter().filter(|said| **said == line).count();
        assert_eq!((said("EHLO [127.0.0.1]"), said("QUIT")), (hello, 1));
        let clear = done.seen.lines.iter().filter(|(secret, _)| !secret);
        let clear: Vec<&str> = clear.map(|(_, line)| line.as_str()).collect();
        match security {
            Security::Plain => {}
            Security::Tls => assert!(clear.is_empty(), "{clear:?}"),
            Security::StartTls => assert_eq!(clear, ["EHLO [127.0.0.1]", "STARTTLS"]),
        }
        assert_eq!(done.told.last(), Some(&Progress::GivenAway));
    }
}

#[test]
fn every_login_that_is_known_is_used_and_none_where_none_is_offered_on_this_machine() {
    let check = |offer: &[&str], auth: Auth, want: Option<&str>| {
        let offers = offer.iter().map(|line| (*line).to_owned()).collect();
        let script = Script { offers, ..Script::default() };
        let letter = Letter { auth, ..Letter::to_bob() };
        let done = played(&script, &letter);
        let used =
            commands(&done).iter().find_map(|line| line.strip_prefix("AUTH ")?.split(' ').next());
        match want {
            Some(way) => {
                assert_accepted(&done);
                assert_eq!(used, Some(way).filter(|way| !way.is_empty()));
            }
            None => assert_eq!((refused(&done).code.as_str(), used), ("no-login", None)),
        }
    };
    check(&["AUTH PLAIN LOGIN"], Auth::Password, Some("PLAIN"));
    check(&["AUTH LOGIN"], Auth::Password, Some("LOGIN"));
    check(&["AUTH=LOGIN"], Auth::Password, Some("LOGIN"));
    check(&["AUTH XOAUTH2 PLAIN"], Auth::XOAuth2, Some("XOAUTH2"));
    check(&["AUTH XOAUTH2"], Auth::Password, None);
    check(&["AUTH GSSAPI"], Auth::Password, None);
    check(&["AUTH PLAIN"], Auth::XOAuth2, None);
    check(&["SIZE 1000"], Auth::Password, Some(""));
    let mute = Script { security: Security::Tls, offers: Vec::new(), ..Script::default() };
    assert_eq!(refused(&played(&mute, &Letter::to_bob())).code, "no-login");
}

#[test]
fn a_no_at_every_step_is_a_refusal_with_its_words() {
    let check = |step: &'static str, words: &str, lasting: Lasting, code: &str| {
        let done = played(&Script::but(step, say(&format!("{words}\r\n"))), &Letter::to_bob());
        let refusal = refused(&done);
        assert_eq!((refusal.lasting, refusal.code.as_str()), (lasting, code), "{step} {refusal:?}");
        assert!(refusal.line.contains(words), "{step} {}", refusal.line);
        let given = done.told.contains(&Progress::GivenAway);
        assert_eq!(given, step == "DOT", "{step}");
    };
    check("GREETING", "421 4.3.2 too busy", Temporary, "later");
    check("GREETING", "554 5.7.1 go away", Permanent, "not-mail");
    check("EHLO", "421 4.3.2 too busy", Temporary, "later");
    check("EHLO", "502 5.5.1 what", Permanent, "not-mail");
    check("AUTH", "535 5.7.8 bad", Permanent, "login");
    check("AUTH", "454 4.7.0 later", Temporary, "later");
    check("AUTH", "421 4.7.0 bye", Temporary, "later");
    check("MAIL", "550 5.7.1 not yours", Permanent, "smtp-sender");
    check("MAIL", "530 5.7.0 authenticate first", Permanent, "smtp-login");
    check("MAIL", "452 4.3.1 disk full", Temporary, "smtp-later");
    check("MAIL", "421 4.3.2 bye", Temporary, "smtp-later");
    check("MAIL", "552 5.3.4 too big", Permanent, "smtp-size");
    check("RCPT", "550 5.1.1 nobody", Permanent, "smtp-recipients");
    check("RCPT", "450 4.2.1 greylisted", Temporary, "smtp-later");
    check("RCPT", "421 4.3.2 bye", Temporary, "smtp-later");
    check("DATA", "554 5.5.1 no", Permanent, "smtp-no");
    check("DATA", "451 4.3.0 later", Temporary, "smtp-later");
    check("DATA", "421 4.3.0 bye", Temporary, "smtp-later");
    check("BODY", "552 5.3.4 too much", Permanent, "smtp-size");
    check("BODY", "421 4.3.2 bye", Temporary, "smtp-later");
    check("DOT", "550 5.7.1 spam", Permanent, "smtp-no");
    check("DOT", "451 4.3.0 later", Temporary, "smtp-later");
    check("DOT", "421 4.3.2 bye", Temporary, "smtp-later");
    check("DOT", "552 5.3.4 too big", Permanent, "smtp-size");
    let large = played(&Script::but("MAIL", say("552 5.3.4 too big\r\n")), &Letter::to_bob());
    assert!(refused(&large).line.contains("refuses the message: 552"), "{}", refused(&large).line);
}

#[test]
fn what_is_no_answer_is_none() {
    let check = |step: &'static str, words: &str, code: &str| {
        let done = played(&Script::but(step, say(words)), &Letter::to_bob());
        match (&done.known, step) {
            (Submission::Unknown(doubt), "DOT") => assert_eq!(doubt.code, code, "{words}"),
            (Submission::Refused(refusal), _) => assert_eq!(refusal.code, code, "{step} {words}"),
            known => panic!("{known:?}"),
        }
    };
    for step in ["GREETING", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "BODY", "DOT"] {
        check(step, "what\r\n", "not-mail");
        check(step, "25\r\n", "not-mail");
        check(step, "2500 ok\r\n", "not-mail");
        check(step, "\r\n", "not-mail");
        check(step, "\u{1b}[2J\u{202e}\0\x07\r\n", "not-mail");
        check(step, &"x".repeat(100_000), "too-much");
        check(step, &"250-x\r\n".repeat(1000), "too-much");
    }
    for step in ["MAIL", "RCPT", "DATA", "BODY"] {
        check(step, "100 what\r\n", "not-mail");
        check(step, "900 what\r\n", "not-mail");
    }
    // Lines of one answer that contradict each other say nothing.
    for step in ["MAIL", "RCPT", "DATA", "DOT"] {
        check(step, "550-no\r\n250 yes\r\n", "not-mail");
        check(step, "250-yes\r\n550 no\r\n", "not-mail");
    }
    check("MAIL", "354 go on\r\n", "not-mail");
    check("RCPT", "354 go on\r\n", "not-mail");
    check("DATA", "250 ok\r\n", "not-mail");
    check("DOT", "354 go on\r\n", "not-mail");
    check("DOT", "100 what\r\n", "not-mail");
}

#[test]
fn an_end_at_every_step_is_a_refusal_until_the_dot() {
    for security in [Security::Plain, Security::StartTls, Security::Tls] {
        for step in ["GREETING", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "BODY", "DOT"] {
            let done =
                played(&Script { security, ..Script::but(step, Act::Close) }, &Letter::to_bob());
            match &done.known {
                Submission::Unknown(doubt) => {
                    assert_eq!((step, doubt.code.as_str()), ("DOT", "ended"));
                }
                // Who ends the connection instead of reading may not be seen to before the dot.
                _ => assert_eq!((step != "DOT", refused(&done).code.as_str()), (true, "ended")),
            }
        }
    }
}

#[test]
fn floods_and_drips_end_by_themselves() {
    for step in ["GREETING", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "BODY", "DOT"] {
        for act in [
            Act::Flood("xxxxxxxxxxxxxxxx"),
            Act::Flood("250-more\r\n"),
            Act::Drip("250-more\r\n"),
            Act::Drip("x"),
        ] {
            let done = played(&Script::but(step, act.clone()), &Letter::to_bob());
            let unknown = matches!(done.known, Submission::Unknown(_));
            assert_eq!(unknown, step == "DOT", "{step} {act:?} {:?}", done.known);
            let most = Duration::from_mins(if step == "DOT" { 11 } else { 4 });
            assert!(done.lasted <= most, "{step} {act:?} {:?}", done.lasted);
        }
    }
}

#[test]
fn a_silence_at_every_step_has_its_deadline() {
    let check = |step: &'static str, security: Security, seconds: u64| {
        let script = Script { security, ..Script::but(step, Act::Hang) };
        let done = played(&script, &Letter::to_bob());
        assert_eq!(done.lasted.as_secs(), seconds, "{step}");
        if let Submission::Unknown(doubt) = &done.known {
            assert_eq!((step.trim_start_matches("tls "), doubt.code.as_str()), ("DOT", "slow"));
        } else {
            let refusal = refused(&done);
            assert_eq!((refusal.lasting, refusal.code.as_str()), (Lasting::Temporary, "slow"));
        }
    };
    check("GREETING", Plain, 60);
    check("EHLO", Plain, 60);
    check("STARTTLS", StartTls, 60);
    check("tls EHLO", StartTls, 60);
    check("AUTH", Plain, 60);
    check("MAIL", Plain, 120);
    check("RCPT", Plain, 120);
    check("DATA", Plain, 120);
    check("DOT", Plain, 600);
    check("HANDSHAKE", Security::Tls, 30);
    check("HANDSHAKE", StartTls, 30);
    check("tls AUTH", Security::Tls, 60);
    check("tls DOT", Security::Tls, 600);
}

#[test]
fn a_message_that_nobody_reads_has_its_deadline() {
    let letter = Letter::new(&["bob@example.org"], "x\r\n".repeat(20_000));
    let done = played(&Script::but("BODY", Act::Hang), &letter);
    assert_eq!(done.lasted.as_secs(), 180);
    assert_eq!(refused(&done).code, "slow");
}

#[test]
fn encryption_that_is_taken_away_or_mixed_with_clear_words_ends_it() {
    let check = |acts: Vec<(&'static str, Act)>, code: &str| {
        let script = Script { security: Security::StartTls, acts, ..Script::default() };
        let done = played(&script, &Letter::to_bob());
        assert_eq!(refused(&done).code, code);
        let clear: Vec<_> = done.seen.lines.iter().filter(|(secret, _)| !secret).collect();
        let harmless =
            |line: &str| line.starts_with("EHLO ") || line == "STARTTLS" || line == "QUIT";
        assert!(clear.iter().all(|(_, line)| harmless(line)), "{clear:?}");
    };
    check(vec![("EHLO", say("250-a\r\n250 AUTH PLAIN\r\n"))], "no-starttls");
    check(vec![("EHLO", say("250 a\r\n"))], "no-starttls");
    check(vec![("STARTTLS", say("454 no\r\n"))], "no-starttls");
    check(vec![("STARTTLS", say("501 no\r\n"))], "no-starttls");
    check(vec![("STARTTLS", say("220 go on\r\n250 AUTH PLAIN\r\n"))], "injected");
    check(vec![("STARTTLS", say("250 ok\r\n"))], "no-starttls");
    check(vec![("STARTTLS", say("220 go on\r\n250"))], "injected");
    check(vec![("tls EHLO", say("502 what\r\n"))], "not-mail");
    // What it offered in clear is forgotten: nothing is offered behind it.
    check(vec![("tls EHLO", say("250 a\r\n"))], "no-login");
}

#[test]
fn what_nobody_asked_for_is_never_taken_for_the_answer_to_the_message() {
    // A yes too many, at each step before: then the last would be taken for the answer to the dot.
    for (step, words) in [
        ("MAIL", "250 ok\r\n250 ok\r\n"),
        ("RCPT", "250 ok\r\n250 ok\r\n"),
        ("DATA", "354 go on\r\n250 queued\r\n"),
        ("AUTH", "235 welcome\r\n250 ok\r\n"),
        ("BODY", "250 queued\r\n"),
    ] {
        let done = played(&Script::but(step, say(words)), &Letter::to_bob());
        assert_eq!(refused(&done).code, "not-mail", "{step}");
        assert!(done.seen.taken.is_empty(), "{step}");
    }
    let gone = played(&Script::but("RCPT", say("250 ok\r\n421 bye\r\n")), &Letter::to_bob());
    assert_eq!(refused(&gone).code, "smtp-later");
}

#[test]
fn one_refused_recipient_is_enough_unless_it_was_said_otherwise() {
    let script = |acts: Vec<(&'static str, Act)>| Script { acts, ..Script::default() };
    let nobody = ("RCPT TO:<nobody", say("550 5.1.1 no such user\r\n"));
    let later = ("RCPT TO:<later", say("450 4.2.1 greylisted\r\n"));
    let to = ["bob@example.org", "nobody@example.org", "later@example.org"];
    let letter = Letter::new(&to, "a: b\r\n\r\nc\r\n");
    let done = played(&script(vec![nobody.clone(), later.clone()]), &letter);
    let refusal = refused(&done);
    assert_eq!((refusal.lasting, refusal.code.as_str()), (Lasting::Permanent, "smtp-recipients"));
    assert!(refusal.line.contains("2 of 3"), "{}", refusal.line);
    let both =
        "nobody@example.org: 550 5.1.1 no such user, later@example.org: 450 4.2.1 greylisted";
    assert!(refusal.line.contains(both), "{}", refusal.line);
    let said: Vec<_> =
        refusal.recipients.iter().map(|one| (one.address.as_str(), &one.outcome)).collect();
    assert!(matches!(said[0], ("bob@example.org", Outcome::Taken { .. })), "{said:?}");
    assert!(matches!(said[1].1, Outcome::Refused { permanent: true, .. }), "{said:?}");
    assert!(matches!(said[2].1, Outcome::Refused { permanent: false, .. }), "{said:?}");
    let lines = commands(&done);
    assert_eq!(lines[lines.len() - 2..], ["RSET", "QUIT"], "{lines:?}");
    assert!(!lines.contains(&"DATA"));

    let mut all_the_same = letter.clone();
    all_the_same.envelope.partial = true;
    let done = played(&script(vec![nobody.clone(), later.clone()]), &all_the_same);
    assert_accepted(&done);
    assert_eq!(done.seen.taken[0].to, ["RCPT TO:<bob@example.org>"]);
    let Submission::Accepted(taken) = &done.known else { panic!() };
    assert!(matches!(taken.recipients[1].outcome, Outcome::Refused { permanent: true, .. }));

    // Nobody is left.
    all_the_same.envelope.to.remove(0);
    let done = played(&script(vec![nobody, later.clone()]), &all_the_same);
    assert_eq!(refused(&done).code, "smtp-recipients");
    let done = played(&script(vec![later]), &Letter::new(&["later@example.org"], "a: b\r\n\r\n"));
    assert_eq!((refused(&done).lasting, done.seen.taken.len()), (Lasting::Temporary, 0));
}

#[test]
fn what_a_server_cannot_take_is_not_given_to_it() {
    let offers = |offers: &[&str]| Script {
        offers: offers.iter().map(|line| (*line).to_owned()).collect(),
        ..Script::default()
    };
    let check = |script: &Script, letter: &Letter, want: &str| {
        let done = played(script, letter);
        if want.starts_with("MAIL") {
            assert_accepted(&done);
            assert_eq!(done.seen.taken[0].mail, want);
        } else {
            let refusal = refused(&done);
            assert_eq!((refusal.code.as_str(), refusal.lasting), (want, Lasting::Permanent));
            assert!(commands(&done).iter().all(|line| !line.starts_with("MAIL")));
        }
    };
    let bob = &["bob@example.org"][..];
    let plain = Letter::new(bob, "a: b\r\n\r\nc\r\n");
    let eight = Letter::new(bob, "a: b\r\n\r\né\r\n");
    let header = Letter::new(bob, "a: é\r\n\r\nc\r\n");
    let address = Letter::new(&["杨@example.org"], "a: b\r\n\r\nc\r\n");
    let domain = Letter::new(&["bob@bücher.example"], "a: b\r\n\r\nc\r\n");
    let mut flagged = plain.clone();
    (flagged.envelope.smtputf8, flagged.envelope.eight_bit) = (true, true);
    let (all, none) = (offers(&["SIZE 11", "8BITMIME", "SMTPUTF8"]), offers(&[]));
    check(&all, &plain, "MAIL FROM:<ann@example.org> SIZE=11");
    check(&none, &plain, "MAIL FROM:<ann@example.org>");
    check(&offers(&["SIZE 10"]), &plain, "smtp-size");
    check(&offers(&["SIZE 0"]), &plain, "MAIL FROM:<ann@example.org> SIZE=11");
    check(&none, &eight, "smtp-8bit");
    check(&offers(&["8BITMIME"]), &eight, "MAIL FROM:<ann@example.org> BODY=8BITMIME");
    check(&offers(&["8BITMIME"]), &header, "smtp-utf8");
    let both = offers(&["8BITMIME", "SMTPUTF8"]);
    check(&both, &header, "MAIL FROM:<ann@example.org> BODY=8BITMIME SMTPUTF8");
    check(&none, &address, "smtp-utf8");
    check(&both, &address, "MAIL FROM:<ann@example.org> SMTPUTF8");
    check(&none, &domain, "MAIL FROM:<ann@example.org>");
    check(&none, &flagged, "smtp-utf8");
    check(&both, &flagged, "MAIL FROM:<ann@example.org> BODY=8BITMIME SMTPUTF8");
}

#[test]
fn nothing_is_said_for_a_message_that_could_become_two_or_an_address_that_could_become_a_command() {
    let check = |letter: &Letter, code: &str| {
        let done = played(&Script::default(), letter);
        let refusal = refused(&done);
        assert_eq!((refusal.code.as_str(), refusal.lasting), (code, Lasting::Permanent));
        assert_eq!((done.seen.took, done.told.len()), (0, 0), "nothing left");
    };
    let bob = &["bob@example.org"][..];
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\r.\r", "\r\r\n.\r\n", "\n"] {
        let more = "MAIL FROM:<eve@example.org>\r\nRCPT TO:<x@example.org>\r\nDATA\r\nbad\r\n";
        check(&Letter::new(bob, format!("a: b\r\n\r\nc{end}{more}")), "message-form");
    }
    check(&Letter::new(bob, "a\0b\r\n"), "message-form");
    check(&Letter::new(bob, "x".repeat(999)), "message-form");
    check(&Letter::new(bob, ""), "message-form");
    check(&Letter::new(&[], "a: b\r\n"), "no-recipient");
    check(&Letter::new(&["bob@example.org>\r\nRCPT TO:<eve@example.org"], "a: b\r\n"), "address");
    check(&Letter::new(&[&"x".repeat(100_000)], "a: b\r\n"), "address");
    let mut from = Letter::to_bob();
    from.envelope.from = "ann@example.org> SIZE=1\r\nRSET".to_owned();
    check(&from, "address");
}

#[test]
fn a_stop_counts_until_the_dot_leaves_and_not_behind_it() {
    let stop_at = |when: fn(Progress) -> bool, script: &Script| {
        let (stopper, stop) = Stopper::new();
        let letter = Letter::new(&["bob@example.org"], "x\r\n".repeat(10_000));
        let done = play_with(script, &letter, stop, |progress| {
            if when(progress) {
                stopper.stop();
            }
        });
        assert_true(&done);
        done
    };
    let honest = Script::default();
    let before: [fn(Progress) -> bool; 5] = [
        |at| at == Progress::Connecting,
        |at| at == Progress::SigningIn,
        |at| at == Progress::Addressing,
        |at| matches!(at, Progress::Sending { sent: 1.., .. }),
        |at| matches!(at, Progress::Sending { sent, total } if sent == total),
    ];
    for when in before {
        let done = stop_at(when, &honest);
        assert_eq!(refused(&done).lasting, Lasting::Stopped);
        assert!(done.seen.taken.is_empty());
    }
    let behind = |at| at == Progress::GivenAway;
    assert_accepted(&stop_at(behind, &honest));
    let done = stop_at(behind, &Script::but("DOT", Act::Hang));
    assert!(matches!(done.known, Submission::Unknown(_)) && done.lasted.as_secs() == 600);
    // One who is gone stops nothing; one who stopped before it began lets nothing begin.
    let (stopper, stop) = Stopper::new();
    drop(stopper);
    assert_accepted(&play_with(&honest, &Letter::to_bob(), stop, |_| {}));
    let (stopper, stop) = Stopper::new();
    stopper.stop();
    let done = play_with(&honest, &Letter::to_bob(), stop, |_| {});
    assert_eq!((refused(&done).lasting, done.seen.took), (Lasting::Stopped, 0));
}

#[test]
fn a_password_that_a_server_repeats_is_not_shown() {
    use base64::Engine as _;
    let plain = base64::engine::general_purpose::STANDARD.encode(format!("\0ann\0{PASSWORD}"));
    for (step, words) in [
        ("AUTH", format!("535 no such command: AUTH PLAIN {plain}\r\n")),
        ("AUTH", format!("535 {PASSWORD} is wrong\r\n")),
        ("MAIL", format!("550 {PASSWORD} and {plain}\r\n")),
        ("DOT", format!("250 {PASSWORD} and {plain}\r\n")),
        ("DOT", format!("what {PASSWORD} and {plain}\r\n")),
    ] {
        let done = played(&Script::but(step, say(&words)), &Letter::to_bob());
        let text = format!("{:?}", done.known);
        assert!(!text.contains(PASSWORD) && !text.contains(&plain), "{text}");
        assert!(text.contains('…'), "{text}");
    }
}

#[test]
fn clear_is_for_this_machine() {
    use crate::support::scripted_smtp::on_paused_clock;
    use mailtui::account::{Password, Server};
    use mailtui::smtp::{Deadlines, Delivery, Watch, Way, submit_on};
    let letter = Letter::to_bob();
    let way = Way {
        server: Server::new("smtp.example.org", 25, Security::Plain),
        login: "ann".to_owned(),
        auth: Auth::Password,
        ca: None,
        domain: "example.org".to_owned(),
    };
    let password = Password::new(PASSWORD.to_owned()).unwrap();
    on_paused_clock(async {
        let (ours, _theirs) = tokio::io::duplex(64);
        let deadlines = Deadlines::default();
        let delivery = Delivery {
            way: &way,
            password: &password,
            envelope: &letter.envelope,
            message: &letter.message,
            deadlines: &deadlines,
        };
        let mut watch = Watch { stop: Stop::never(), tell: &mut |_| {} };
        let known = submit_on(Box::new(ours), false, &delivery, &mut watch).await;
        let Submission::Refused(refusal) = known else { panic!("{known:?}") };
        assert_eq!(refusal.code, "plain");
    });
}
