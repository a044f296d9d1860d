//! What other machines say: frames of a backend or a device, answers of a mail server.

use std::io::Cursor;

use mailtui::imap::client::{Client, Since};
use mailtui::imap::names;
use mailtui::sync::{Frame, PROTOCOL, decode, encode};

use super::own;
use super::play::{Reader, Target};

pub(super) const FRAMES: Target =
    Target { name: "", seeds: frame_seeds, tokens: JSON, reader: || Box::new(frame) };
pub(super) const IMAP: Target =
    Target { name: "", seeds: imap_seeds, tokens: ANSWERS, reader: imap };

/// What is made of an answer may be so many times as large: a message is read as such.
const MOST_TIMES: usize = 64;

/// Words of frames.
const JSON: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\u001b",
    b"\\ud800",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"\0",
    b"\x01",
    b"\"store\":\"mailbox-root\"",
    b"\"store\":\"thread-aaaaaaaaaaaaaaaaaaaa\"",
    b"{\"Push\":{\"stores\":[",
    b"{\"Page\":",
    b"{\"Blob\":",
    b"\"events\":[",
    b"\"head\":18446744073709551615",
    b"\"epoch\":\"1.a\"",
    b"\"chain\":\"",
    b"\"args\":",
    b"\x28\xb5\x2f\xfd",
    b"[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"\"id\":\"\\u001b[2J\"",
];
/// Words of a mail server's answers (RFC 3501, 7162, 6154, 4315; Gmail's).
const ANSWERS: &[&[u8]] = &[
    b"* ",
    b"+ ",
    b"m1 ",
    b"\r\n",
    b"OK",
    b"NO",
    b"BYE ",
    b"(",
    b")",
    b"\"",
    b"\\",
    b"{0}\r\n",
    b"{3}\r\nabc",
    b"{99999999999999999999}\r\n",
    b"{262145}\r\n",
    b"NIL",
    b"FETCH (",
    b"UID ",
    b"FLAGS (",
    b"\\Seen",
    b"\\*",
    b"BODY[] ",
    b"BODY[]<0> ",
    b"RFC822.SIZE ",
    b"MODSEQ (1)",
    b"INTERNALDATE \"",
    b"X-GM-LABELS (",
    b"X-GM-THRID ",
    b"VANISHED (EARLIER) 1:",
    b"4294967295",
    b"1:4294967295",
    b"[UIDVALIDITY ",
    b"[COPYUID 1 1:3 4:6]",
    b"[HIGHESTMODSEQ 9223372036854775808]",
    b"LIST (\\Noselect) \"/\" ",
    b"STATUS \"a\" (",
    b"&-",
    b"&AGE-",
    b"&////-",
    b"CAPABILITY IMAP4rev1 QRESYNC ",
    b"ENABLED QRESYNC",
    b"EXISTS",
    b"EXPUNGE",
    b"SEARCH ",
    b"ENVELOPE (",
    b"BODYSTRUCTURE (",
    b"\xff",
    b"\0",
    b"\x1b[2J",
];

fn frame_seeds() -> Vec<Vec<u8>> {
    let plain = |json: &str| [b"\0", json.as_bytes()].concat();
    let error = Frame::Error { code: "x".into(), message: "word ".repeat(400), retry: false };
    let hello = Frame::Hello {
        protocol: PROTOCOL,
        device: mailtui::id::DeviceId::try_from("device").expect("an id"),
        token: None,
        hears: vec!["accounts".to_owned()],
    };
    let event = "{\"position\":1,\"id\":\"e1\",\"name\":\"v1.LabelCreated\",\
        \"args\":{\"id\":\"l\",\"name\":\"L\"},\"device\":\"d\",\"epoch\":\"1.a\"}";
    let chain = serde_json::to_string(&mailtui::store::Chain::default()).expect("it is text");
    vec![
        encode(&error).expect("a frame"),
        encode(&hello).expect("a frame"),
        encode(&Frame::Ping { n: 7 }).expect("a frame"),
        plain(&format!(
            "{{\"Push\":{{\"stores\":[{{\"store\":\"mailbox-root\",\"events\":[{event}]}}]}}}}"
        )),
        plain(&format!(
            "{{\"Page\":{{\"store\":\"mailbox-root\",\"events\":[{event}],\"more\":false,\
             \"head\":1,\
             \"chain\":{chain}}}}}"
        )),
        plain("{\"Credit\":{\"store\":\"mailbox-root\",\"pages\":4}}"),
        plain("{\"Settle\":{\"seq\":1}}"),
    ]
}

fn frame(bytes: &[u8]) {
    let Ok(frame) = decode(bytes) else { return };
    let again = encode(&frame).expect("what was read can be written");
    assert_eq!(decode(&again).ok(), Some(frame), "written and read again it is another");
}

fn imap_seeds() -> Vec<Vec<u8>> {
    let body = own::messages().swap_remove(0);
    let fetch =
        format!("* 1 FETCH (UID 7 FLAGS (\\Seen $Forwarded a) BODY[] {{{}}}\r\n", body.len());
    vec![
        b"* CAPABILITY IMAP4rev1 IDLE QRESYNC X-GM-EXT-1\r\nm1 OK done\r\n".to_vec(),
        b"* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent &AOk-\"\r\n* LIST () NIL {3}\r\nabc\r\n\
          * LIST (\\Noselect) \".\" x\r\nm1 OK done\r\n"
            .to_vec(),
        b"* STATUS \"INBOX\" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5 HIGHESTMODSEQ 6)\r\nm1 OK x\r\n"
            .to_vec(),
        b"* 3 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen a)\r\n\
          * OK [PERMANENTFLAGS (\\Seen \\*)] l\r\n\
          * OK [UIDVALIDITY 1] v\r\n* OK [UIDNEXT 9] n\r\n* OK [HIGHESTMODSEQ 77] h\r\n\
          * VANISHED (EARLIER) 1:3,7\r\n* 1 FETCH (UID 8 FLAGS () MODSEQ (5))\r\n\
          m1 OK [READ-WRITE] done\r\n"
            .to_vec(),
        b"* 1 FETCH (UID 3 FLAGS (\\Seen) X-GM-LABELS (\"a \\\\b\" \\Inbox) X-GM-THRID 12345)\r\n\
          * 2 FETCH (UID 4 RFC822.SIZE 123)\r\n* 2 EXPUNGE\r\nm1 OK done\r\n"
            .to_vec(),
        [fetch.as_bytes(), &body, b" INTERNALDATE \"06-May-2024 09:00:00 +0200\")\r\nm1 OK d\r\n"]
            .concat(),
        b"* 1 FETCH (UID 3 RFC822.SIZE 9 BODY[HEADER.FIELDS (MESSAGE-ID)] {21}\r\n\
          Message-ID: <a@b>\r\n\r\n)\r\nm1 OK d\r\n"
            .to_vec(),
        b"m1 OK [COPYUID 38505 304,319:320 3956:3958] done\r\n".to_vec(),
        b"m1 NO [TRYCREATE] no such folder\r\n".to_vec(),
    ]
}

/// Everything that is asked of a server, each answered with these bytes.
fn imap() -> Reader {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    Box::new(move |bytes| runtime.block_on(ask(bytes)))
}

async fn ask(bytes: &[u8]) {
    let most = bytes.len() * MOST_TIMES + 4096;
    let client = || {
        let stream = tokio::io::join(Cursor::new(bytes.to_vec()), tokio::io::sink());
        let mut client = Client::new(Box::new(stream), "server");
        client.use_labels(true);
        client
    };
    let is_bounded = |what: &str, made: usize| assert!(made <= most, "{what}: {made} bytes");
    let is_clean = |text: &str| assert!(!text.chars().any(char::is_control), "{text:?}");
    if let Err(error) = client().capability().await {
        is_clean(&error.to_string());
    }
    if let Ok(listed) = client().list().await {
        is_bounded("a list", listed.iter().map(|one| one.name.len()).sum());
        for one in &listed {
            if let Some(name) = names::decode(&one.name) {
                assert_eq!(names::decode(&names::encode(&name)), Some(name), "{one:?}");
            }
        }
        let _ = (names::found(&listed, true), names::found(&listed, false));
    }
    let _ = client().status("a").await;
    if let Ok(selected) = client().select("a", Some(Since(1, 2))).await {
        is_bounded("changes", selected.changed.len() * 8 + selected.vanished.len() * 8);
    }
    if let Ok((known, gone)) = client().listing("1:*", Some(1)).await {
        is_bounded("a listing", known.len() * 8 + gone.len() * 8);
    }
    let _ = client().sizes("1:*").await;
    let _ = client().identities("1:*").await;
    if let Ok(bodies) = client().bodies("1:*", 1024 * 1024).await {
        is_bounded("bodies", bodies.iter().map(|(.., body)| body.len()).sum());
    }
    match client().uid_move("1", "b").await {
        Err(error) => is_clean(&error.to_string()),
        Ok(end) => is_clean(&end.words),
    }
}
