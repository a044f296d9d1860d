//! The connection cut at every byte of a submission, in both directions, and behind the last dot.
//!
//! Invariant: after every cut what the sender knows is compared with what the server has: it is
//! refused only where the server has no whole message, accepted only where it has one, and unknown
//! otherwise; unknown is said only where the dot can have left. Time is the test's, but for the
//! sockets at the end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use mailtui::account::{Auth, Password, Security, Server};
use mailtui::smtp::{Deadlines, Delivery, Stop, Submission, Watch, Way, submit};

use crate::support::SCREEN_DEADLINE;
use crate::support::scripted_smtp::{Act, Cut, Letter, Played, Script, play};

/// Bytes of the message, so that the whole talk has a little more.
const MESSAGE_BYTES: usize = 2048;
/// Bytes of the last dot with its line end.
const DOT_BYTES: usize = 3;
/// What the pipe holds where the end is far, in bytes.
const FAR_PIPE_BYTES: usize = 32;
/// How many cuts there are between the last dot and its answer.
const CUTS_BEHIND: usize = 10;

/// A message with dots where they matter, to two.
fn letter() -> Letter {
    let mut message = "From: ann@example.org\r\nSubject: cut\r\n\r\n".to_owned();
    let mut n = 0;
    while message.len() < MESSAGE_BYTES - 8 {
        n += 1;
        message += &[format!("line {n}\r\n"), ".\r\n".to_owned(), "..é\r\n".to_owned()][n % 3];
    }
    message += "end.\r\n";
    Letter::new(&["bob@example.org", "eve@example.org"], message)
}

/// What is known, in one word, after it was compared with what the server has.
fn word(at: usize, played: &Played) -> &'static str {
    let whole = played.seen.taken.len();
    assert!(whole < 2, "cut at {at}: {whole} copies");
    match &played.known {
        Submission::Refused(refusal) => {
            assert_eq!(whole, 0, "cut at {at}: {refusal:?}");
            "refused"
        }
        Submission::Accepted(taken) => {
            assert_eq!(whole, 1, "cut at {at}: {taken:?}");
            "accepted"
        }
        Submission::Unknown(_) => "unknown",
    }
}

/// How many bytes go each way when nothing is cut, and where the message and the dot begin.
struct Whole {
    took: usize,
    gave: usize,
    dot: usize,
    answer: usize,
}

fn whole() -> Whole {
    let played = play(&Script::default(), &letter());
    assert_eq!(word(0, &played), "accepted");
    let taken = &played.seen.taken[0];
    assert_eq!(taken.message(), letter().message);
    let answer = played.seen.answered;
    let whole = Whole {
        took: played.seen.took - "QUIT\r\n".len(),
        gave: answer + "250 2.0.0 queued as 4711\r\n".len(),
        dot: played.seen.began + taken.wire.len(),
        answer,
    };
    assert_eq!(whole.took, whole.dot + DOT_BYTES);
    whole
}

#[test]
fn cut_after_every_byte_that_the_server_takes() {
    cuts_of_what_is_taken(Cut::Ends);
}

#[test]
fn no_byte_goes_on_after_every_byte_that_the_server_takes() {
    cuts_of_what_is_taken(Cut::Silent);
}

fn cuts_of_what_is_taken(cut: Cut) {
    let whole = whole();
    let letter = letter();
    assert!(whole.took > MESSAGE_BYTES);
    let mut words = std::collections::BTreeMap::new();
    for at in 0..=whole.took {
        // Near the end a byte at a time, so that nothing waits in the pipe unread.
        let pipe = if at + FAR_PIPE_BYTES > whole.dot { 1 } else { FAR_PIPE_BYTES };
        let script = Script { takes: Some(at), cut, pipe, ..Script::default() };
        let word = word(at, &play(&script, &letter));
        *words.entry(word).or_insert(0_usize) += 1;
        match at {
            // Not all of the message was taken out of the pipe: the dot cannot be in it.
            _ if at + pipe < whole.dot => assert_eq!(word, "refused", "{at}"),
            _ if at < whole.dot => assert_ne!(word, "accepted", "{at}"),
            _ if at < whole.took => assert_eq!(word, "unknown", "{at}"),
            _ => assert_eq!(word, "accepted", "{at}"),
        }
    }
    println!("{words:?}");
    assert!(words["refused"] > MESSAGE_BYTES && words["unknown"] >= DOT_BYTES - 1);
}

#[test]
fn cut_after_every_byte_that_the_server_gives() {
    let whole = whole();
    let letter = letter();
    for cut in [Cut::Ends, Cut::Silent] {
        for at in 0..=whole.gave {
            let script = Script { gives: Some(at), cut, ..Script::default() };
            let played = play(&script, &letter);
            let want = match at {
                _ if at < whole.answer => "refused",
                _ if at < whole.gave => "unknown",
                _ => "accepted",
            };
            assert_eq!(word(at, &played), want, "{cut:?} {at} of {}", whole.gave);
        }
    }
}

#[test]
fn a_cut_inside_tls_is_no_other() {
    let letter = letter();
    for security in [Security::Tls, Security::StartTls] {
        let of = |script: &Script| {
            let played = play(script, &letter);
            (word(0, &played), played)
        };
        let (done, honest) = of(&Script { security, ..Script::default() });
        assert_eq!(done, "accepted");
        let dot = honest.seen.took - "QUIT\r\n".len() - DOT_BYTES;
        for at in [dot - 500, dot - 1, dot, dot + 1, dot + 2, dot + 3] {
            let script = Script { security, takes: Some(at), ..Script::default() };
            let (word, played) = of(&script);
            assert!(word != "accepted" || at == dot + DOT_BYTES, "{at}: {:?}", played.known);
        }
        for step in ["MAIL", "RCPT", "DATA"] {
            let script = Script { security, ..Script::but(step, Act::Close) };
            assert_eq!(of(&script).0, "refused", "{step}");
        }
        let script = Script { security, ..Script::but("DOT", Act::Close) };
        let (word, played) = of(&script);
        assert_eq!((word, played.seen.taken.len()), ("unknown", 1));
    }
}

#[test]
fn ten_cuts_between_the_last_dot_and_its_answer_are_all_unknown() {
    let whole = whole();
    for n in 0..CUTS_BEHIND {
        let cut = if n % 2 == 0 { Cut::Ends } else { Cut::Silent };
        let script = Script { gives: Some(whole.answer + n), cut, ..Script::default() };
        let played = play(&script, &letter());
        assert_eq!((word(n, &played), played.seen.taken.len()), ("unknown", 1), "{n}");
    }
}

/// Takes one message on a real socket up to the last dot and ends the connection then, after a part
/// of its answer: in order, or by a reset.
fn cut_behind_the_dot(listener: &TcpListener, answer: &str, reset: bool) -> Option<()> {
    let (stream, _) = listener.accept().ok()?;
    stream.set_read_timeout(Some(SCREEN_DEADLINE)).ok()?;
    let mut reader = BufReader::new(stream);
    reader.get_mut().write_all(b"220 socket\r\n").ok()?;
    let mut in_message = false;
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).ok().filter(|read| *read > 0)?;
        let say: &[u8] = match &line[..] {
            b".\r\n" => break,
            _ if in_message => continue,
            b"DATA\r\n" => {
                in_message = true;
                b"354 go on\r\n"
            }
            hello if hello.starts_with(b"EHLO") => b"250-socket\r\n250 8BITMIME\r\n",
            _ => b"250 ok\r\n",
        };
        reader.get_mut().write_all(say).ok()?;
    }
    reader.get_mut().write_all(answer.as_bytes()).ok()?;
    if reset {
        let at_once = Some(Duration::ZERO);
        rustix::net::sockopt::set_socket_linger(reader.get_ref(), at_once).ok()?;
    }
    Some(())
}

#[test]
fn ten_cuts_behind_the_dot_on_real_sockets_are_all_unknown() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let way = Way {
        server: Server::new("127.0.0.1", listener.local_addr().unwrap().port(), Security::Plain),
        login: "ann".to_owned(),
        auth: Auth::Password,
        ca: None,
        domain: "example.org".to_owned(),
    };
    let server = std::thread::spawn(move || {
        let parts = ["", "2", "250", "250 2.0.0 queued", "250-queued\r\n"];
        for n in 0..CUTS_BEHIND {
            cut_behind_the_dot(&listener, parts[n / 2], n % 2 == 1).expect("a whole message");
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (letter, deadlines) = (letter(), Deadlines::default());
    let password = Password::new("hush".to_owned()).expect("a password");
    runtime.expect("a runtime").block_on(async {
        for n in 0..CUTS_BEHIND {
            let delivery = Delivery {
                way: &way,
                password: &password,
                envelope: &letter.envelope,
                message: &letter.message,
                deadlines: &deadlines,
            };
            let mut watch = Watch { stop: Stop::never(), tell: &mut |_| {} };
            let known = tokio::time::timeout(SCREEN_DEADLINE, submit(&delivery, &mut watch)).await;
            let known = known.expect("it ends");
            assert!(matches!(known, Submission::Unknown(_)), "{n}: {known:?}");
        }
    });
    server.join().expect("ten whole messages");
}
