//! The frames as they stand on the wire: what one version sends, another must be able to read.
//!
//! Invariant: a line of `tests/golden/frames-v2.jsonl` is never changed, only added; each is read
//! and written again without a difference. What protocol 1 sent is still read.

use mailtui::bridge::Follow;
use mailtui::bridge::follow::{Change, FlagsChange};
use mailtui::id::{BlobHash, DeviceId, Epoch, EventId, MessageId, StoreId, ThreadId};
use mailtui::label::Place;
use mailtui::mail::Flags;
use mailtui::store::{Action, Args, Chain, Event, NewEvent};
use mailtui::sync::{
    Bytes, Cursor, FoundHit, Frame, IngestMessage, PurgeOrder, PurgedRow, Refused, SeenThread,
    StoreAck, StorePush,
};

/// The frames of protocol 1, a line each.
const OLD: &str = include_str!("../golden/frames-v1.jsonl");
/// The frames of this protocol, a line each.
const GOLDEN: &str = include_str!("../golden/frames-v2.jsonl");

fn event() -> NewEvent {
    NewEvent {
        id: EventId::try_from("01900000-0000-7000-8000-000000000001").unwrap(),
        name: "v1.ThreadStarred".to_owned(),
        args: Args::of(&serde_json::json!({ "starred": true })),
        device: DeviceId::try_from("dabcdefghijkl").unwrap(),
        action: Some(Action {
            id: mailtui::id::ActionId::try_from("01900000-0000-7000-8000-000000000002").unwrap(),
            name: "star".to_owned(),
            at: 1_700_000_000_000,
            redoes: None,
        }),
        epoch: Epoch::try_from("1.abcdef").unwrap(),
    }
}

/// Every field of a change that a source made.
fn follow() -> Follow {
    let message = MessageId::try_from("abcdefghijklmnopqrst").unwrap();
    let set = Flags { read: true, starred: true, ..Flags::default() };
    let cleared = Flags { answered: true, forwarded: true, draft: true, ..Flags::default() };
    let flags = vec![FlagsChange { message: message.clone(), set, cleared, sent: Some(true) }];
    let place = Some(Place::Archive);
    let (on, off) = (vec!["New".to_owned()], vec!["Old".to_owned()]);
    Follow {
        thread: ThreadId::try_from("abcdefghijklmnopqrst").unwrap(),
        token: "abcdefghijklmnopqrst.7".to_owned(),
        covers: vec![message],
        change: Change { flags, place, on, off },
    }
}

/// An event whose content was taken out.
fn left() -> NewEvent {
    let event = event();
    NewEvent { args: event.args.without_content(&serde_json::json!({ "source": 1 })), ..event }
}

fn frames() -> Vec<Frame> {
    let store = || StoreId::try_from("thread-abcdefghijklmnopqrst").unwrap();
    let epoch = || Epoch::try_from("1.abcdef").unwrap();
    let chain = Chain::from_bytes(&[7; 16]);
    let hash = || BlobHash::try_from("0a".repeat(32)).unwrap();
    let events = || vec![Event { position: 2, event: event() }];
    let refused = Refused { id: event().id, code: "writer".into(), reason: "not yours".into() };
    let ack = StoreAck {
        store: store(),
        positions: vec![(event().id, 2)],
        refused: vec![refused],
        missing: vec![hash()],
        head: 2,
        chain,
    };
    let message = IngestMessage {
        raw: Bytes(b"Subject: x\n\ny\n".to_vec()),
        folder: serde_json::json!({ "place": "archive" }),
        flags: serde_json::Value::Null,
        file_time: Some(1_700_000_000),
    };
    let push = |expect, again| {
        let push = StorePush { store: store(), expect, events: vec![event()], again };
        Frame::Push { stores: vec![push] }
    };
    let device = DeviceId::try_from("dabcdefghijkl").unwrap();
    let follow = serde_json::to_value(follow()).unwrap();
    let mut frames = told();
    frames.extend(purges_and_blobs());
    frames.extend([
        Frame::Hello { protocol: 2, device, token: Some("secret".into()), hears: Vec::new() },
        Frame::Welcome { protocol: 2, backend: "babcdefghijkl".into(), epoch: epoch() },
        push(None, false),
        push(Some(7), false),
        push(None, true),
        Frame::Ack { stores: vec![ack] },
        Frame::Subscribe {
            store: store(),
            cursor: Some(Cursor { epoch: epoch(), position: 2, chain }),
        },
        Frame::Unsubscribe { store: store() },
        Frame::Page { store: store(), events: events(), more: true, head: 9, chain },
        Frame::Live { store: store(), events: events(), head: 2, chain },
        Frame::Credit { store: store(), pages: 4 },
        Frame::Behind { store: StoreId::mailbox(), head: 90_000 },
        Frame::Withheld {
            store: store(),
            code: "damaged-log".into(),
            message: "its log is damaged".into(),
        },
        Frame::Diverged { store: store(), position: 9, chain: Chain::default() },
        Frame::Ingest { seq: 1, messages: vec![message] },
        Frame::Ingested { seq: 1, outcomes: vec![serde_json::json!({ "outcome": "copy" })] },
        Frame::Settle { seq: 2 },
        Frame::Settling { seq: 2, left: 7 },
        Frame::Settled { seq: 2, head: 40 },
        Frame::Error { code: "token".into(), message: "the token is wrong".into(), retry: false },
        Frame::Ping { n: 3 },
        Frame::Pong { n: 3 },
        Frame::Page {
            store: StoreId::mailbox(),
            events: vec![Event { position: 2, event: left() }],
            more: false,
            head: 2,
            chain,
        },
        Frame::Follow { seq: 4, changes: vec![follow] },
    ]);
    frames
}

/// What only a device gets that asks for it.
fn told() -> Vec<Frame> {
    let device = DeviceId::try_from("dabcdefghijkl").unwrap();
    let hears = vec!["accounts".to_owned()];
    let root = mailtui::id::ThreadId::try_from("abcdefghijklmnopqrst").unwrap();
    let line = "the invoice of May".to_owned();
    let hit = FoundHit { root, date: 1_700_000_000, line, marks: vec![(4, 11)] };
    vec![
        Frame::Hello { protocol: 2, device, token: Some("secret".into()), hears },
        Frame::Accounts { told: serde_json::json!({ "identities": [], "accounts": [] }) },
        Frame::Finder {},
        Frame::Search {
            seq: 7,
            query: "subject:invoice -is:read".into(),
            best: true,
            typing: true,
            limit: 50,
        },
        Frame::Search { seq: 8, query: "tea".into(), best: false, typing: false, limit: 50 },
        Frame::Found { seq: 7, hits: vec![hit], more: true, lacks: 3, wrong: None },
        Frame::Found {
            seq: 8,
            hits: Vec::new(),
            more: false,
            lacks: 0,
            wrong: Some("no index".into()),
        },
        Frame::Lacks {
            store: StoreId::try_from("thread-abcdefghijklmnopqrst").unwrap(),
            after: 1,
            chain: Chain::from_bytes(&[7; 16]),
        },
        Frame::Mend {
            store: StoreId::try_from("thread-abcdefghijklmnopqrst").unwrap(),
            after: 1,
            events: vec![event()],
        },
    ]
}

#[test]
fn a_hello_that_hears_more_is_read_by_a_program_that_knows_no_more() {
    #[derive(serde::Deserialize)]
    enum Before {
        Hello { protocol: u32, device: DeviceId, token: Option<String> },
    }
    let hello = serde_json::to_string(&told()[0]).unwrap();
    let Before::Hello { protocol, device, token } = serde_json::from_str(&hello).unwrap();
    assert_eq!((protocol, device.as_str(), token.is_some()), (2, "dabcdefghijkl", true));
}

fn purges_and_blobs() -> Vec<Frame> {
    let hash = || BlobHash::try_from("0a".repeat(32)).unwrap();
    let thread = mailtui::id::ThreadId::try_from("abcdefghijklmnopqrst").unwrap();
    let epoch = Epoch::try_from("1.abcdef").unwrap();
    let seen = mailtui::id::Seen { epoch, position: 3 };
    let rows = vec![vec![SeenThread { thread, seen }]];
    let order = PurgeOrder { rows, older: Some(2_592_000), anywhere: true, dry: true };
    vec![
        Frame::Purge { seq: 4, order },
        Frame::Purged {
            seq: 4,
            rows: vec![
                PurgedRow { messages: 2, bytes: 700, kept: None },
                PurgedRow { kept: Some(("new-mail".into(), "why".into())), ..PurgedRow::default() },
            ],
        },
        Frame::BlobGet { hash: hash(), offset: 0 },
        Frame::Blob { hash: hash(), offset: 0, size: Some(3), data: Bytes(vec![1, 2, 3]) },
        Frame::BlobPut { hash: hash(), offset: 0, size: 3, data: Bytes(vec![1, 2, 3]) },
        Frame::BlobHave { hash: hash(), have: 3, refused: None },
        Frame::BlobHave { hash: hash(), have: 0, refused: Some("hash".into()) },
    ]
}

#[test]
fn what_protocol_1_sent_is_still_read() {
    for line in OLD.lines() {
        let read = serde_json::from_str::<Frame>(line);
        assert!(read.is_ok(), "{line}: {read:?}");
    }
    assert!(OLD.lines().count() >= 22);
}

#[test]
fn frames_are_what_they_always_were() {
    let golden: Vec<&str> = GOLDEN.lines().collect();
    let now: Vec<String> =
        frames().iter().map(|frame| serde_json::to_string(frame).unwrap()).collect();
    assert_eq!(now, golden, "a frame that changed is a new protocol version");
    for (line, frame) in golden.iter().zip(frames()) {
        assert_eq!(serde_json::from_str::<Frame>(line).unwrap(), frame);
        let bytes = mailtui::sync::encode(&frame).unwrap();
        assert_eq!(mailtui::sync::decode(&bytes).unwrap(), frame);
    }
    let Some(Frame::Follow { changes, .. }) = frames().pop() else { unreachable!("the last") };
    assert_eq!(serde_json::from_value::<Follow>(changes[0].clone()).unwrap(), follow());
}
