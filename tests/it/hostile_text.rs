//! Hostile text in every place that mail and file names have for text: none of it reaches a
//! terminal, a pipe or a log.
//!
//! Invariant: every sequence below carries the number 31337, which no sequence of ours does, so
//! that what came from mail is told from what we draw.

use std::os::unix::ffi::OsStrExt;

use crate::support::binary::{Home, Run};
use crate::support::mail::{base64, encoded_words, mail, write};
use crate::support::pty::Pty;
use crate::support::serve::Serve;
use crate::support::terminal_bytes::{foreign_in_terminal, hostile_in_json, hostile_in_plain};

/// Payloads: the name, and the bytes. None has a line end, so that a header can hold it.
const PAYLOADS: [(&str, &[u8]); 18] = [
    ("csi", b"\x1b[31337m"),
    ("clear", b"\x1b[2J\x1b[31337;1H"),
    ("osc title", b"\x1b]0;31337\x07"),
    ("osc clipboard", b"\x1b]52;c;MzEzMzc=\x1b\\"),
    ("osc link", b"\x1b]8;;http://31337.example.org\x1b\\x\x1b]8;;\x1b\\"),
    ("dcs", b"\x1bP+q31337\x1b\\"),
    ("apc", b"\x1b_Ga=31337\x1b\\"),
    ("pm and sos", b"\x1b^31337\x1b\\\x1bX31337\x1b\\"),
    ("reset", b"\x1bc"),
    ("bell, backspace, delete", b"\x07\x08\x7f\x0e\x0f\x05"),
    ("raw c1 csi", b"\x9b31337m"),
    ("raw c1 strings", b"\x9d0;31337\x9c\x9031337\x9c\x9f31337\x9c"),
    ("utf-8 c1 csi", b"\xc2\x9b31337m"),
    ("utf-8 c1 strings", b"\xc2\x9d0;31337\xc2\x9c\xc2\x9031337\xc2\x9c\xc2\x85"),
    ("bidi override", "\u{202e}31337\u{202c}".as_bytes()),
    ("bidi isolate", "\u{2066}31337\u{2069}\u{2067}\u{2068}\u{202a}\u{202b}\u{202d}".as_bytes()),
    ("zero width", "313\u{200b}37\u{2060}\u{feff}".as_bytes()),
    ("cut sequence", b"\x1b["),
];

/// A text that shows that the place was reached, around a payload.
fn around(payload: &[u8]) -> Vec<u8> {
    [b"seen ", payload, b" end"].concat()
}

/// A message with the payload in every header and part.
fn everywhere(n: usize, payload: &[u8]) -> Vec<u8> {
    let text = around(payload);
    let decoded = String::from_utf8_lossy(payload).into_owned();
    let words = encoded_words(&format!("word {decoded} end"));
    let percent: Vec<String> = payload.iter().map(|b| format!("%{b:02X}")).collect();
    let percent = percent.concat();
    let file = |rest: &str| {
        let type_and = "Content-Type: application/octet-stream\nContent-Disposition: attachment;";
        format!("{type_and} {rest}")
    };
    let raw_name = [b"Content-Disposition: attachment; filename=\"", &text[..], b"\""].concat();
    // A Latin-1 part can hold raw C1 bytes; a base 64 part holds anything.
    let mut latin = b"Content-Type: text/plain; charset=iso-8859-1\n\n".to_vec();
    latin.extend_from_slice(&text);
    let parts: Vec<Vec<u8>> = vec![
        [b"Content-Type: text/plain; charset=utf-8\n\n", &text[..], b"\tlast"].concat(),
        latin,
        format!(
            "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{}",
            base64(
                &[b"<p title=\"", payload, b"\">", &text[..], b"</p>&#27;[31337m&#155;x"].concat()
            )
        )
        .into_bytes(),
        format!("{}\n\nx", file(&format!("filename*=utf-8''{percent}"))).into_bytes(),
        format!("{}\n\nx", file(&format!("filename=\"{words}\""))).into_bytes(),
        [&raw_name[..], b"\n\nx"].concat(),
    ];
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(b"--=_b\n");
        body.extend_from_slice(&part);
        body.extend_from_slice(b"\n");
    }
    body.extend_from_slice(b"--=_b--\n");
    let address = [b"\"", &text[..], b"\" <x", payload, b"@example.org>"].concat();
    let id = [b"<id", payload, format!("{n:02}@example.org>").as_bytes()].concat();
    let subject = [&text[..], b" ", words.as_bytes()].concat();
    mail(&format!("hostile-{n}"))
        .at(i64::try_from(n).expect("few"))
        .set_bytes("From", &address)
        .set_bytes("To", &[words.as_bytes(), b" <to@example.org>"].concat())
        .set_bytes("Cc", &address)
        .set_bytes("Bcc", &address)
        .set_bytes("Reply-To", &address)
        .set_bytes("Subject", &subject)
        .set_bytes("Message-ID", &id)
        .set_bytes("References", &[b"<ref", payload, b"@example.org>"].concat())
        .set_bytes("List-Id", &text)
        .set_bytes("X-Gmail-Labels", &text)
        .set_bytes("X-Keywords", &[b"kw", payload].concat())
        .set("MIME-Version", "1.0")
        .set("Content-Type", "multipart/mixed; boundary=\"=_b\"")
        .body(body)
        .bytes()
}

/// A home with every payload as mail, as folder names and as names of files that are no mail.
fn hostile_tree() -> Home {
    let home = Home::new();
    for (n, (_, payload)) in PAYLOADS.iter().enumerate() {
        let name = std::ffi::OsStr::from_bytes(payload);
        let mut folder = std::ffi::OsString::from(format!("{n:02}"));
        folder.push(name);
        let folder = home.path("tree").join(folder);
        write(&folder.join("cur/1.eml"), &everywhere(n, payload));
        write(&folder.join("new/.keep"), b"");
        let mut file = std::ffi::OsString::from("no mail ");
        file.push(name);
        write(&folder.join(file), &around(payload));
    }
    home
}

fn assert_clean(run: &Run) {
    let args = &run.args;
    assert!(run.signal().is_none(), "{args}: {:?}", run.status);
    for (stream, bytes) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        let found = hostile_in_plain(bytes);
        assert!(found.is_empty(), "{stream} of {args}:\n{}", found.join("\n"));
        let lines = std::str::from_utf8(bytes).expect("UTF-8, or it had been found").lines();
        for value in lines.filter_map(|line| serde_json::from_str(line).ok()) {
            let found = hostile_in_json(&value);
            assert!(found.is_empty(), "JSON on {stream} of {args}:\n{}", found.join("\n"));
        }
    }
}

#[test]
fn nothing_hostile_on_stdout_stderr_or_in_json() {
    let home = hostile_tree();
    let import = home.run(&["import", "tree"]).exited(4);
    assert_clean(&import);
    let again = home.run(&["import", "tree", "--json"]).exited(4);
    assert_clean(&again);
    let summary = again.object();
    assert_eq!(summary["failed"].as_array().map(Vec::len), Some(PAYLOADS.len()), "{summary}");
    let rows = home.list("anywhere");
    let messages: u64 = rows.iter().filter_map(|row| row["messageCount"].as_u64()).sum();
    assert_eq!(messages, PAYLOADS.len() as u64, "every message is there");
    for args in [
        &["list", "--label", "anywhere", "--limit", "0"][..],
        &["list", "--label", "anywhere", "--limit", "0", "--json"],
        &["labels"],
        &["labels", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &[],
    ] {
        assert_clean(&home.run(args).ok());
    }
    for thread in home.threads("anywhere") {
        assert_clean(&home.run(&["show", &thread]).ok());
        let shown = home.run(&["show", &thread, "--json"]).ok();
        assert_clean(&shown);
        let said = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(said.contains("seen ") && said.contains(" end"), "the text is kept: {said}");
    }
}

#[test]
fn nothing_hostile_from_the_command_line_either() {
    let home = hostile_tree();
    home.run(&["import", "tree"]).exited(4);
    let thread = home.threads("anywhere").remove(0);
    for (_, payload) in PAYLOADS {
        let hostile = std::ffi::OsStr::from_bytes(payload);
        let plus = [b"+", payload].concat();
        let plus = std::ffi::OsStr::from_bytes(&plus);
        let commands: [&[&std::ffi::OsStr]; 7] = [
            &["list".as_ref(), "--label".as_ref(), hostile],
            &["list".as_ref(), "--label".as_ref(), hostile, "--json".as_ref()],
            &["show".as_ref(), hostile],
            &["import".as_ref(), hostile],
            &["import".as_ref(), hostile, "--json".as_ref()],
            &[hostile],
            &["label".as_ref(), thread.as_ref(), plus],
        ];
        for args in commands {
            assert_clean(&home.run(args));
        }
    }
    assert_clean(&home.run(&["labels"]).ok());
    assert_clean(&home.run(&["labels", "--json"]).ok());
}

#[test]
fn nothing_hostile_in_the_log_of_a_backend() {
    let (mut serve, home) = (Serve::start(), hostile_tree());
    let import = serve.run(&home, &["import", "tree", "--json"]).exited(4);
    assert_clean(&import);
    let device = Home::new();
    assert_clean(&serve.run(&device, &["--sync-only"]).ok());
    assert_clean(&device.run(&["list", "--label", "anywhere", "--limit", "0"]).ok());
    serve.stop();
    let found = hostile_in_plain(&std::fs::read(serve.log()).expect("a log"));
    assert!(found.is_empty(), "the log of serve:\n{}", found.join("\n"));
}

#[test]
fn nothing_hostile_in_a_terminal() {
    let home = hostile_tree();
    home.run(&["import", "tree"]).exited(4);
    let mut pty = Pty::start(&home, (100, 30), &[]);
    pty.wait_text("seen");
    for _ in PAYLOADS {
        pty.press("\r");
        pty.wait_text("end");
        pty.press("\u{4}\u{15}");
        pty.press("\u{1b}");
        // Escape is told from an escape sequence by the pause behind it.
        std::thread::sleep(std::time::Duration::from_millis(60));
        pty.press("j");
    }
    pty.press("?\u{1b}");
    std::thread::sleep(std::time::Duration::from_millis(60));
    pty.press("q");
    pty.wait_end();
    let bytes = pty.bytes();
    let foreign = foreign_in_terminal(&bytes);
    assert!(foreign.is_empty(), "{} foreign pieces:\n{}", foreign.len(), foreign.join("\n"));
}

#[test]
fn nothing_hostile_while_a_terminal_imports() {
    let home = hostile_tree();
    let mut pty = Pty::start(&home, (80, 24), &["import", "tree"]);
    assert_eq!(pty.wait_end(), 4);
    let foreign = foreign_in_terminal(&pty.bytes());
    assert!(foreign.is_empty(), "{} foreign pieces:\n{}", foreign.len(), foreign.join("\n"));
}
