//! Too much of everything: literals, lines, responses, words, parentheses.

use super::{Then, check};
use crate::support::scripted_imap::{Act, pair, say};

/// A block of bytes that is sent again and again.
fn block(byte: u8) -> Vec<u8> {
    vec![byte; 256 * 1024]
}

#[test]
fn literals_without_end() {
    for length in ["4294967295", "18446744073709551615", "99999999999999999999999", "9000000"] {
        let lie = format!("* 1 FETCH (UID 4 FLAGS () BODY[] {{{length}}}\r\n");
        let acts = vec![say(&lie), Act::Flood(block(b'x'), 400)];
        let script = vec![pair("UID FETCH*BODY.PEEK[]", acts)];
        check(&format!("a literal of {length}"), script, Then::Fails("too-large"));
    }
    // Many that are as large as may be, none of which was asked for.
    let mut one = b"* 1 FETCH (UID 99 FLAGS () BODY[] {262144}\r\n".to_vec();
    one.extend_from_slice(&block(b'x'));
    one.extend_from_slice(b")\r\n");
    let script = vec![pair("UID FETCH*BODY.PEEK[]", vec![Act::Flood(one, 1_000), Act::Usual])];
    check("bodies without end", script, Then::Fails("too-large"));
}

#[test]
fn lines_and_responses_without_end() {
    let line = vec![say("* OK "), Act::Flood(block(b'y'), 400)];
    check("a line", vec![pair("LIST", line)], Then::Fails("too-large"));
    let greeting = vec![Act::Flood(block(b'z'), 400)];
    check("a greeting", vec![pair("GREETING", greeting)], Then::Fails("too-large"));
    for (name, one) in [
        ("status", "* OK still there\r\n"),
        ("list", "* LIST () \"/\" \"x\"\r\n"),
        ("flags", "* 1 FETCH (UID 9 FLAGS (\\Seen))\r\n"),
        ("exists", "* 7 EXISTS\r\n"),
    ] {
        let many: Vec<u8> = one.repeat(1_000).into_bytes();
        let script = vec![pair("SELECT", vec![Act::Flood(many, 1_000), Act::Usual])];
        check(name, script, Then::Fails("too-large"));
    }
    let nonsense: Vec<u8> = b"\r\n".repeat(10_000);
    let script = vec![pair("SELECT", vec![Act::Flood(nonsense, 10), Act::Usual])];
    check("nonsense", script, Then::Fails("malformed"));
}

#[test]
fn words_without_end() {
    let words: Vec<String> = (0..60_000).map(|n| format!("k{n}")).collect();
    let one = format!("* 1 FETCH (UID 1 FLAGS ({}))\r\n", words.join(" ")).into_bytes();
    let script = vec![pair("UID FETCH*FLAGS", vec![Act::Flood(one, 200), Act::Usual])];
    check("keywords", script, Then::Fails("too-large"));
    let ranges: Vec<String> = (0..100_000).map(|n| (n * 2 + 9).to_string()).collect();
    let one = format!("* VANISHED (EARLIER) {}\r\n", ranges.join(",")).into_bytes();
    let script = vec![pair("SELECT", vec![Act::Flood(one, 100), Act::Usual])];
    check("vanished", script, Then::Fails("too-large"));
    let name = "n".repeat(900_000);
    let one = format!("* LIST () \"/\" \"{name}\"\r\n").into_bytes();
    let script = vec![pair("LIST", vec![Act::Flood(one, 200), Act::Usual])];
    check("names", script, Then::Fails("too-large"));
}

#[test]
fn parentheses_within_each_other() {
    let deep = format!("* 1 FETCH (UID 1 BODYSTRUCTURE {}", "(".repeat(100_000));
    let script = vec![pair("UID FETCH", vec![say(&deep), say("\r\n"), Act::Usual])];
    check("deep", script, Then::Fails("too-large"));
    let message = r#"("message" "rfc822" NIL NIL NIL "7bit" 1 "#;
    let deep = format!("* 1 FETCH (UID 1 BODYSTRUCTURE {}\r\n", message.repeat(2_000));
    let script = vec![pair("UID FETCH", vec![say(&deep), Act::Usual])];
    check("messages in messages", script, Then::Fails("too-large"));
}

#[test]
fn what_a_parser_stumbles_over() {
    for lie in [
        "* 1 FETCH (UID 1 INTERNALDATE NIL FLAGS ())\r\n",
        "* OK [ALERT]\u{e9}\r\n",
        "* ID (\"a\" NIL)\r\n",
        "* METADATA \"\" (/private/x NIL)\r\n",
        "* METADATA \"\" /shared/\u{e9}\r\n",
        "* 99999999999999999999 EXISTS\r\n",
        "* 1 FETCH (UID 99999999999 FLAGS (\\Seen))\r\n",
        "* 1 FETCH (FLAGS (\u{0}\u{1}\u{2}))\r\n",
        "* SEARCH \u{1b}[2J\r\n",
        "\u{feff}\r\n",
        "* \r\n",
        "*\r\n",
    ] {
        check(lie, vec![pair("SELECT", vec![say(lie), Act::Usual])], Then::GoesOn);
    }
}
