//! Messages that are not fetched whole: what of them is here, how the rest comes, and that nothing
//! of them is given out before.

use serde_json::Value;

use super::look;
use crate::support::binary::{Home, text};
use crate::support::dovecot::Dovecot;
use crate::support::link::Link;
use crate::support::mail::mail;
use crate::support::pty::Pty;

/// What an account says that fetches little ahead.
const LITTLE: &str = "bodies = \"on-demand\"\nahead_kib = 32\n";
/// What is attached, in bytes.
const FILE_BYTES: usize = 600_000;

/// Bytes that do not compress to nothing.
fn file() -> Vec<u8> {
    let mut state = 7_u32;
    let mut byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap()
    };
    (0..FILE_BYTES).map(&mut byte).collect()
}

/// Base 64 in lines of 76.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for line in bytes.chunks(57) {
        for three in line.chunks(3) {
            let at = |n: usize| u32::from(three.get(n).copied().unwrap_or(0));
            let word = at(0) << 16 | at(1) << 8 | at(2);
            for n in 0..4 {
                let sign = SIGNS[usize::try_from(word >> (18 - 6 * n) & 63).unwrap()];
                out.push(if n > three.len() { b'=' } else { sign });
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// A message with a text and a file, as a server has it.
fn large(id: &str) -> Vec<u8> {
    let content = base64(&file());
    let message = mail(id).subject(&format!("subject {id}")).parts(&[
        ("Content-Type: text/plain", format!("the words of {id}").as_bytes()),
        (
            "Content-Type: application/pdf; name=\"report.pdf\"\nContent-Transfer-Encoding: \
             base64\nContent-Disposition: attachment; filename=\"report.pdf\"",
            &content,
        ),
    ]);
    crlf(&message.bytes())
}

fn crlf(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

fn shown(home: &Home, id: &str) -> Value {
    home.json(&["show", &home.thread(&format!("subject {id}"))]).remove(0)
}

#[test]
fn what_is_large_comes_when_it_is_wanted() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    let raw = large("a");
    client.append("INBOX", "", &raw);
    client.append("INBOX", "", &crlf(&mail("small").subject("subject small").bytes()));
    let link = Link::to(server.imap);
    let home = Home::new();
    server.account_with(&home, "u1", link.port, LITTLE);
    let report = look(&home);
    assert_eq!(report["accounts"][0]["new"], 2, "{report}");
    assert!(link.received() < 100_000, "{} bytes", link.received());
    let message = &shown(&home, "a")["messages"][0];
    assert_eq!(text(message, "text"), "the words of a");
    assert_eq!(message["whole"], false, "{message}");
    let size = message["attachments"][0]["size"].as_u64().unwrap();
    assert!(size.abs_diff(FILE_BYTES as u64) < 100, "about {size}");
    assert!(shown(&home, "small")["messages"][0].get("whole").is_none());
    assert_eq!(home.json(&["search", "words"]).len(), 1);

    // Offline nothing of it is given out, and it is said why.
    let thread = home.thread("subject a");
    let (dir, saved) = (home.path("out"), home.path("out/report.pdf"));
    std::fs::create_dir_all(&dir).unwrap();
    let to = dir.to_str().unwrap();
    let save = ["attachment", "save", &thread, "1", "--to", to];
    for args in [&["show", "--raw", &thread][..], &save, &["forward", &thread, "--to", "x@y.org"]] {
        let ended = home.run(&[&["--offline"], args].concat());
        assert_eq!(ended.code(), Some(3), "{args:?} {ended}");
        assert!(ended.to_string().contains("mail server"), "{ended}");
        assert!(ended.stdout.is_empty() && !saved.exists());
    }
    home.run(&save).ok();
    assert_eq!(std::fs::read(&saved).unwrap(), file());
    assert_eq!(home.run(&["--offline", "show", "--raw", &thread]).stdout, raw);
    let message = &shown(&home, "a")["messages"][0];
    assert!(message.get("whole").is_none() && message["copies"] == 0, "{message}");
    assert_eq!(message["attachments"][0]["size"], FILE_BYTES);
    assert_eq!(home.json(&["search", "words"]).len(), 1, "found once");
    let report = look(&home);
    assert_eq!(report["accounts"][0]["new"], 0, "{report}");
    home.assert_healthy("the rest of it came");
}

#[test]
fn what_is_here_by_another_way_is_one_message() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    let home = Home::new();
    let file = |id: &str, raw: &[u8]| {
        let path = home.path(&format!("{id}.eml"));
        std::fs::write(&path, raw).unwrap();
        path
    };
    // One was imported before its server is met, one after, and of one other bytes.
    home.import(&file("before", &large("before")));
    for id in ["before", "after", "other"] {
        client.append("INBOX", "", &large(id));
    }
    client.ok("CREATE work");
    client.append("work", "", &large("after"));
    server.account_with(&home, "u1", server.imap, LITTLE);
    look(&home);
    home.import(&file("after", &large("after")));
    let forged = large("other").into_iter().chain(*b"forged\r\n").collect::<Vec<u8>>();
    let forged = String::from_utf8(forged).unwrap().replace("Ben Okafor", "Eve");
    home.import(&file("other", forged.as_bytes()));
    let of = |id: &str| shown(&home, id)["messages"].as_array().unwrap().clone();
    for (id, whole, copies) in [("before", true, 0), ("after", true, 0), ("other", false, 1)] {
        let messages = of(id);
        assert_eq!(messages.len(), 1, "{id}");
        assert_eq!(messages[0].get("whole").is_none(), whole, "{id}: {}", messages[0]);
        assert_eq!(messages[0]["copies"], copies, "{id}: {}", messages[0]);
    }
    look(&home);
    // The rest of the first one is that of its server, whatever else has its name.
    let thread = home.thread("subject other");
    home.run(&["attachment", "save", &thread, "1", "--to", home.path(".").to_str().unwrap()]).ok();
    let raw = home.run(&["show", "--raw", &thread]).ok().stdout;
    assert!(raw.starts_with(&large("other")) && of("other")[0]["copies"] == 1);
    home.assert_healthy("other ways");
}

#[test]
fn what_is_not_whole_is_moved_there_and_is_in_no_export() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    for id in ["a", "b"] {
        client.append("INBOX", "", &large(id));
    }
    let home = Home::new();
    server.account_with(&home, "u1", server.imap, LITTLE);
    look(&home);
    home.run(&["archive", &home.thread("subject a")]).ok();
    look(&home);
    assert_eq!(client.folder("Archive")[0].id, "a@example.org");
    assert_eq!((client.folder("INBOX").len(), home.list("archive").len()), (1, 1));
    // Without its server none of it is written out.
    let accounts = home.data().join("accounts.toml");
    let text = std::fs::read_to_string(&accounts).unwrap();
    std::fs::remove_file(&accounts).unwrap();
    let out = home.path("out");
    let export = ["--json", "export", "--maildir", out.to_str().unwrap()];
    let ended = home.run(&export);
    let said = ended.object();
    assert_eq!(
        (said["written"].as_u64(), &said["failed"][0]["code"]),
        (Some(0), &"not-whole".into())
    );
    assert!(!out.join("cur").read_dir().is_ok_and(|mut all| all.next().is_some()), "{ended}");
    crate::support::dovecot::write_accounts(&home, &text);
    let said = home.run(&export).object();
    assert_eq!((said["written"].as_u64(), said["failed"].as_array().unwrap().len()), (Some(2), 0));
    assert_eq!(home.list("archive").len(), 1, "and it is where it was");
    home.assert_healthy("an export");
}

#[test]
fn the_reader_fetches_the_rest_of_what_is_read() {
    let Some(server) = Dovecot::start() else { return };
    let mut client = server.client("u1");
    client.append("INBOX", "", &large("a"));
    let home = Home::new();
    server.account_with(&home, "u1", server.imap, LITTLE);
    let mut pty = Pty::start(&home, (110, 40), &[]);
    pty.wait_text("subject a");
    pty.press("\r");
    pty.wait_text("the words of a");
    pty.wait("all of it", |screen| {
        screen.contains("report.pdf") && !screen.contains("at its mail server")
    });
    pty.kill();
    assert!(shown(&home, "a")["messages"][0].get("whole").is_none());
}
