//! Claims: tags that nobody used, UIDs that nobody has, messages that nobody asked for, states
//! that go backwards, bodies that are none.

use super::{Then, check};
use crate::support::scripted_imap::{Act, pair, say};

fn instead(from: &str, to: &str) -> Act {
    Act::Instead(from.to_owned(), to.to_owned())
}

#[test]
fn answers_to_what_was_not_asked() {
    for (name, lie, then) in [
        ("another tag", "m999 OK done\r\n", Then::Fails("malformed")),
        ("an old tag", "m1 OK done\r\n", Then::Fails("malformed")),
        ("no tag", " OK done\r\n", Then::GoesOn),
        ("go on", "+ go on\r\n", Then::Fails("malformed")),
        ("bye", "* BYE for today \u{1b}]0;owned\u{7}\r\n", Then::Fails("closed")),
        ("PREAUTH", "* PREAUTH you are root\r\n", Then::GoesOn),
        ("a refusal", "{tag} NO \u{1b}[2J\u{202e}secret\r\n", Then::GoesOn),
    ] {
        let acts = vec![say(lie), Act::Usual];
        let only = name == "a refusal";
        let acts = if only { vec![say(lie)] } else { acts };
        check(name, vec![pair("SELECT*INBOX", acts)], then);
    }
    // The answer to the next command is there before it was asked.
    let early = vec![Act::Usual, say("m4 OK done\r\nm5 OK done\r\nm6 OK done\r\nm7 OK done\r\n")];
    check("early", vec![pair("AUTHENTICATE", early)], Then::Fails("malformed"));
}

#[test]
fn lies_before_every_answer() {
    let lies = [
        "* 0 EXISTS\r\n* 4000000000 EXISTS\r\n* 4000000000 RECENT\r\n",
        "* LIST () \"/\" \"../../evil\"\r\n* LSUB () NIL evil\r\n",
        "* STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 3 HIGHESTMODSEQ 9)\r\n",
        "* 1 FETCH (UID 1 FLAGS (\\Deleted) RFC822.SIZE 0 BODY[] {3}\r\nabc)\r\n",
        "* OK [UIDVALIDITY 99] so\r\n* OK [UIDNEXT 1] so\r\n* OK [PERMANENTFLAGS ()] so\r\n",
        "* OK [COPYUID 99 1:4000000000 1:4000000000] so\r\n* OK [APPENDUID 1 1] so\r\n",
        "* OK [REFERRAL imap://evil.example.org/] go there\r\n* NAMESPACE NIL NIL NIL\r\n",
        "* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN\r\n",
        "* SEARCH 1 2 3\r\n* ENABLED QRESYNC\r\n* QUOTA \"\" (STORAGE 9 1)\r\n",
    ];
    for lie in lies {
        let commands = ["CAPABILITY", "AUTHENTICATE", "LIST", "SELECT", "UID FETCH", "IDLE"];
        let before = |command: &&str| pair(command, vec![say(lie), Act::Usual]);
        check(lie, commands.iter().map(before).collect(), Then::GoesOn);
    }
}

#[test]
fn uids_that_are_none() {
    for (name, lie) in [
        ("zero", "* 1 FETCH (UID 0 FLAGS (\\Seen))\r\n"),
        ("huge", "* 1 FETCH (UID 4294967295 FLAGS ())\r\n"),
        ("missing", "* 1 FETCH (FLAGS (\\Seen \\Deleted))\r\n"),
        ("twice", "* 1 FETCH (UID 2 FLAGS ())\r\n* 1 FETCH (UID 2 FLAGS ())\r\n"),
        ("not asked", "* 9 FETCH (UID 77 FLAGS () BODY[] {3}\r\nabc)\r\n"),
        ("not there", "* 900 EXPUNGE\r\n* VANISHED 500:600\r\n"),
    ] {
        check(name, vec![pair("UID FETCH", vec![say(lie), Act::Usual])], Then::GoesOn);
    }
}

#[test]
fn counts_that_are_wrong() {
    for (name, acts) in [
        ("more than there are", vec![instead(" EXISTS", "00000 EXISTS")]),
        ("fewer", vec![instead("4 EXISTS", "1 EXISTS")]),
        ("none at all", vec![instead("4 EXISTS", "0 EXISTS")]),
        ("the next UID is less", vec![instead("UIDNEXT 5", "UIDNEXT 2")]),
        ("the next UID is huge", vec![instead("UIDNEXT 5", "UIDNEXT 4294967295")]),
        ("no next UID", vec![instead("OK [UIDNEXT 5]", "OK")]),
        ("a state", vec![say("* OK [HIGHESTMODSEQ 18446744073709551615] so\r\n"), Act::Usual]),
        ("a state of none", vec![say("* OK [HIGHESTMODSEQ 0] so\r\n"), Act::Usual]),
    ] {
        check(name, vec![pair("SELECT*INBOX", acts)], Then::GoesOn);
    }
}

#[test]
fn a_folder_that_lists_none_of_its_messages() {
    // It says that it has four, and lists none of them.
    let script = vec![pair("UID FETCH*(UID FLAGS)", vec![say("{tag} OK done\r\n")])];
    check("lists none", script, Then::GoesOn);
}

#[test]
fn validity_that_is_none_or_changes_at_every_look() {
    let script = vec![pair("SELECT", vec![instead("UIDVALIDITY 7", "UIDVALIDITY 0")])];
    check("zero", script, Then::Fails("malformed"));
    let script = vec![pair("SELECT", vec![instead("OK [UIDVALIDITY 7]", "OK")])];
    check("missing", script, Then::Fails("malformed"));
    let turns: Vec<_> = (0..60)
        .rev()
        .map(|n| {
            let other = instead("UIDVALIDITY 7", &format!("UIDVALIDITY {}", 100 + n));
            pair("SELECT", vec![other]).after(n)
        })
        .collect();
    check("another at every look", turns, Then::GoesOn);
}

#[test]
fn bodies_that_are_none() {
    let body = |text: &str| {
        let lie = format!("* 4 FETCH (UID 4 FLAGS () {text})\r\n{{tag}} OK done\r\n");
        vec![pair("UID FETCH*BODY.PEEK[]", vec![say(&lie)])]
    };
    for (name, text) in [("NIL", "BODY[] NIL"), ("nothing", "RFC822.SIZE 3")] {
        check(name, body(text), Then::GoesOn);
    }
    let script = vec![pair("UID FETCH*BODY.PEEK[]", vec![say("{tag} NO not that one\r\n")])];
    check("refused", script, Then::GoesOn);
    let script = vec![pair("UID FETCH*RFC822.SIZE)", vec![say("{tag} OK done\r\n")])];
    check("no sizes", script, Then::GoesOn);
    let size = vec![instead("RFC822.SIZE ", "RFC822.SIZE 9")];
    check("another size", vec![pair("UID FETCH*RFC822.SIZE)", size)], Then::GoesOn);
}
