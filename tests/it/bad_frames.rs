//! Frames that no honest peer sends: to a backend over a real socket, and to a device.
//!
//! Invariant: each is recognised and said, ends at most its own connection, changes nothing, and an
//! honest peer is served right after.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use mailtui::backend::{Host, Options, listener, token};
use mailtui::clock::SystemClock;
use mailtui::command::intent::Intent;
use mailtui::engine::{Device, EngineError};
use mailtui::id::{DeviceId, Epoch, EventId, StoreId};
use mailtui::limits::MAX_STRANGERS;
use mailtui::notice::{Exit, Explain as _};
use mailtui::store::{Args, Chain, Event, NewEvent};
use mailtui::sync::{Frame, PROTOCOL, Refused, StoreAck, StorePush, SyncError, decode, encode};
use serde_json::json;
use tempfile::TempDir;

/// How long a peer is listened to.
const PATIENCE: Duration = Duration::from_secs(20);

/// A backend on a port of its own; it ends with this.
struct Served {
    port: u16,
    token: String,
    _host: Host,
    _runtime: tokio::runtime::Runtime,
    _dir: TempDir,
}

fn serve() -> Served {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { dir: dir.path().to_owned(), thread_clients: 4 };
    let host = Host::start(&options, Box::new(SystemClock)).unwrap();
    let known = token(dir.path()).unwrap();
    let text = std::fs::read_to_string(dir.path().join("token")).unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let socket = runtime.block_on(listener::bind("127.0.0.1:0")).unwrap();
    let port = socket.local_addr().unwrap().port();
    runtime.spawn(listener::run(socket, host.handle(), known, std::future::pending()));
    Served { port, token: text.trim().to_owned(), _host: host, _runtime: runtime, _dir: dir }
}

/// A peer that speaks WebSocket (RFC 6455) by hand.
struct Peer(TcpStream);

impl Peer {
    fn dial(served: &Served) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                       \r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        Self(stream)
    }

    /// A message with this opcode that says it is so long; masked with zeros, so as it is.
    fn send(&mut self, opcode: u8, length: usize, bytes: &[u8]) {
        let mut frame = vec![0x80 | opcode, 0x80 | 127];
        frame.extend((length as u64).to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(bytes);
        // A backend that has seen enough may have gone.
        let _ = self.0.write_all(&frame);
    }

    fn say(&mut self, bytes: &[u8]) {
        self.send(2, bytes.len(), bytes);
    }

    fn hello(&mut self, protocol: u32, token: &str) {
        let device = DeviceId::try_from("device").unwrap();
        let hello =
            Frame::Hello { protocol, device, token: Some(token.to_owned()), hears: Vec::new() };
        self.say(&encode(&hello).unwrap());
    }

    /// The next frame but pings; `None` at the end.
    fn hear(&mut self) -> Option<Frame> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).ok()?;
        let mut length = usize::from(head[1] & 0x7f);
        let mut long = [0; 8];
        match length {
            126 => {
                self.0.read_exact(&mut long[6..]).ok()?;
                length = usize::try_from(u64::from_be_bytes(long)).ok()?;
            }
            127 => {
                self.0.read_exact(&mut long).ok()?;
                length = usize::try_from(u64::from_be_bytes(long)).ok()?;
            }
            _ => {}
        }
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).ok()?;
        (head[0] & 0xf == 2).then(|| decode(&bytes).expect("a backend says frames"))
    }
}

/// Says something as a device whose hello was good; what is heard until the end, or until the ping
/// behind it is answered.
fn heard(served: &Served, opcode: u8, length: Option<usize>, bytes: &[u8]) -> (Vec<Frame>, bool) {
    let mut peer = Peer::dial(served);
    peer.hello(PROTOCOL, &served.token);
    assert!(matches!(peer.hear(), Some(Frame::Welcome { protocol: PROTOCOL, .. })));
    peer.send(opcode, length.unwrap_or(bytes.len()), bytes);
    peer.say(&encode(&Frame::Ping { n: 99 }).unwrap());
    let mut frames = Vec::new();
    while let Some(frame) = peer.hear() {
        if frame == (Frame::Pong { n: 99 }) {
            return (frames, true);
        }
        frames.push(frame);
    }
    (frames, false)
}

fn plain(json: &str) -> Vec<u8> {
    [b"\0", json.as_bytes()].concat()
}

#[test]
fn strangers_who_say_nothing_keep_nobody_out() {
    let served = serve();
    let silent = || TcpStream::connect(("127.0.0.1", served.port)).unwrap();
    let mut idle: Vec<TcpStream> = (0..3 * MAX_STRANGERS).map(|_| silent()).collect();
    for _ in 0..3 {
        let mut peer = Peer::dial(&served);
        peer.hello(PROTOCOL, &served.token);
        assert!(matches!(peer.hear(), Some(Frame::Welcome { .. })));
        idle.extend((0..MAX_STRANGERS).map(|_| silent()));
        // Who is known stays, however many come.
        peer.say(&encode(&Frame::Ping { n: 7 }).unwrap());
        assert_eq!(peer.hear(), Some(Frame::Pong { n: 7 }));
    }
}

#[test]
fn what_is_no_frame_ends_its_own_connection_with_a_word() {
    let served = serve();
    let bomb = zstd::bulk::compress(&vec![b' '; 100 * 1024 * 1024], 1).unwrap();
    let deep = "[".repeat(200_000);
    for (what, bytes) in [
        ("a frame of a newer protocol", plain("{\"Teleport\":{\"store\":\"mailbox-root\"}}")),
        ("cut", plain("{\"Push\":{\"stores\":[{\"store\":\"mailb")),
        ("garbage", vec![0xff, 0x00, 0x1b, 0x5b]),
        ("empty", Vec::new()),
        ("garbage that says it is compressed", vec![1, 2, 3, 4]),
        ("a bomb", [&[1], bomb.as_slice()].concat()),
        ("deeply nested", plain(&format!("{{\"Push\":{{\"stores\":{deep}"))),
        ("duplicate keys", plain("{\"Settle\":{\"seq\":1,\"seq\":2}}")),
        ("a huge count", plain("{\"Credit\":{\"store\":\"mailbox-root\",\"pages\":99999999999}}")),
        ("a negative one", plain("{\"Settle\":{\"seq\":-1}}")),
        (
            "an id that could write on a terminal",
            plain("{\"Unsubscribe\":{\"store\":\"\\u001b[2J\"}}"),
        ),
    ] {
        let (frames, goes_on) = heard(&served, 2, None, &bytes);
        let [Frame::Error { code, retry: true, .. }] = frames.as_slice() else {
            panic!("{what}: {frames:?}")
        };
        assert!(code == "frame" && !goes_on, "{what}: {code}");
    }
    let (frames, goes_on) = heard(&served, 2, Some(80 * 1024 * 1024), b"\0{");
    assert!(frames.is_empty() && !goes_on, "oversized: {frames:?}");
    assert!(!heard(&served, 1, None, b"{}").1, "text");
    // The honest one is served, whatever the others said.
    assert_eq!(heard(&served, 2, None, &plain("{\"Pong\":{\"n\":1}}")), (Vec::new(), true));
}

#[test]
fn what_a_device_must_not_say_is_refused() {
    let served = serve();
    for (what, bytes, code) in [
        ("a second hello", "{\"Hello\":{\"protocol\":2,\"device\":\"device\"}}", "frame"),
        ("an answer", "{\"Settled\":{\"seq\":1,\"head\":7}}", "frame"),
        ("a page", "{\"Behind\":{\"store\":\"mailbox-root\",\"head\":1}}", "frame"),
    ] {
        let (frames, _) = heard(&served, 2, None, &plain(bytes));
        let refused = matches!(&frames[..], [Frame::Error { code: said, .. }] if said == code);
        assert!(refused, "{what}: {frames:?}");
    }
    let nothing = plain("{\"Credit\":{\"store\":\"thread-nowhere1\",\"pages\":4294967295}}");
    assert_eq!(heard(&served, 2, None, &nothing), (Vec::new(), true));
    // Arguments are opaque: however deep they are, they are kept out as what they are not.
    let args = "[".repeat(100_000) + &"]".repeat(100_000);
    let event =
        "\"id\":\"e1\",\"name\":\"v1.LabelCreated\",\"device\":\"device\",\"epoch\":\"1.a\"";
    let events = format!("[{{{event},\"args\":{args}}}]");
    let push =
        format!("{{\"Push\":{{\"stores\":[{{\"store\":\"mailbox-root\",\"events\":{events}}}]}}}}");
    let (frames, goes_on) = heard(&served, 2, None, &plain(&push));
    assert!(matches!(&frames[..], [Frame::Ack { .. } | Frame::Error { .. }]), "{frames:?}");
    assert!(goes_on || matches!(frames[0], Frame::Error { .. }));
}

/// One push of what may be written and what may not: of each event it is said what became of it.
#[test]
fn what_a_device_must_not_write_is_refused_by_name_and_the_rest_is_taken() {
    let served = serve();
    let epoch = Epoch::try_from("1.abcdef").unwrap();
    let mine =
        |n| NewEvent { device: DeviceId::try_from("device").unwrap(), ..label(n, &epoch).event };
    let named = |n, name: &str| NewEvent { name: name.to_owned(), ..mine(n) };
    let other = json!({ "id": "l1", "name": "Other", "type": "user", "color": null,
        "displayOrder": 0, "createdAt": 1 });
    let source = json!({ "source": { "store": "thread-nowhere1", "epoch": "1.abcdef", "from": 0,
        "through": 9, "actions": [] }, "last": true });
    let events = vec![
        mine(1),
        NewEvent { args: Args::of(&other), ..mine(1) },
        NewEvent { args: Args::of(&source), ..named(2, "v1.ThreadProjected") },
        named(3, "v1.ThreadRemoved"),
        named(4, "v9.Unheard"),
        label(5, &epoch).event,
        mine(6),
    ];
    let push = |events| {
        let store = StoreId::mailbox();
        let stores = vec![StorePush { store, expect: None, events, again: false }];
        let (frames, goes_on) = heard(&served, 2, None, &encode(&Frame::Push { stores }).unwrap());
        let [Frame::Ack { stores }] = frames.as_slice() else { panic!("{frames:?}") };
        assert!(goes_on, "its connection goes on");
        stores[0].clone()
    };
    let ack = push(events.clone());
    let codes: Vec<(&str, &str)> =
        ack.refused.iter().map(|refused| (refused.id.as_str(), refused.code.as_str())).collect();
    let mut wanted = vec![("event-1", "id-reused"), ("event-5", "device")];
    wanted.extend(["event-2", "event-3", "event-4"].map(|id| (id, "writer")));
    assert_eq!(codes.iter().collect::<BTreeSet<_>>(), wanted.iter().collect());
    let taken: Vec<&str> = ack.positions.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(taken, ["event-1", "event-6"]);
    // The same again is the same answer, and the log is no longer.
    let again = push(events);
    assert_eq!((again.positions, again.head, again.chain), (ack.positions, ack.head, ack.chain));
}

#[test]
fn a_hello_of_another_protocol_hears_which_side_is_older() {
    let served = serve();
    for (protocol, code) in [(1, "backend-newer"), (PROTOCOL + 1, "backend-older")] {
        let mut peer = Peer::dial(&served);
        peer.hello(protocol, "whatever");
        let Some(Frame::Error { code: said, message, retry: false }) = peer.hear() else {
            panic!("no answer to protocol {protocol}")
        };
        assert_eq!(said, code);
        let notice = SyncError::Refused { code: said, message }.notice();
        assert_eq!((notice.code, notice.exit), (code, Exit::Unreached), "the work is kept");
        assert!(notice.hint.contains("upgrade"), "{notice:?}");
        assert!(peer.hear().is_none());
    }
    for first in [plain("{\"Ping\":{\"n\":1}}"), b"x".to_vec(), vec![b'x'; 40_000]] {
        let mut peer = Peer::dial(&served);
        peer.say(&first);
        let heard = peer.hear();
        let said = matches!(&heard, None | Some(Frame::Error { retry: false, .. }));
        assert!(said && (heard.is_none() || peer.hear().is_none()), "{heard:?}");
    }
    // A backend of protocol 1 says no more than its own.
    let old = SyncError::Refused { code: "protocol".into(), message: "protocol 1".into() };
    assert_eq!(old.notice().code, "backend-older");
}

fn welcomed() -> (TempDir, Device, Epoch) {
    let dir = tempfile::tempdir().unwrap();
    let mut device = Device::open(dir.path(), false, Box::new(SystemClock)).unwrap();
    let epoch = Epoch::try_from("1.abcdef").unwrap();
    let welcome = Frame::Welcome { protocol: PROTOCOL, backend: "b".into(), epoch: epoch.clone() };
    device.receive(welcome).unwrap();
    (dir, device, epoch)
}

fn label(n: u64, epoch: &Epoch) -> Event {
    let args = json!({ "id": format!("l{n}"), "name": format!("L{n}"), "type": "user",
        "color": null, "displayOrder": 0, "createdAt": 1 });
    let event = NewEvent {
        id: EventId::try_from(format!("event-{n}")).unwrap(),
        name: "v1.LabelCreated".to_owned(),
        args: Args::of(&args),
        device: DeviceId::try_from("other").unwrap(),
        action: None,
        epoch: epoch.clone(),
    };
    Event { position: n, event }
}

fn page(events: Vec<Event>, head: u64, chain: Chain) -> Frame {
    Frame::Page { store: StoreId::mailbox(), events, more: false, head, chain }
}

fn chain(events: &[Event]) -> Chain {
    events.iter().fold(Chain::default(), |chain, event| chain.after(&event.event))
}

#[test]
fn pages_that_do_not_fit_are_not_taken_in() {
    let (_dir, mut device, epoch) = welcomed();
    let good: Vec<Event> = (1..=3).map(|n| label(n, &epoch)).collect();
    device.receive(page(good.clone(), 3, chain(&good))).unwrap();
    let at = |n: u64, position: u64| Event { position, ..label(n, &epoch) };
    let whole = |new: &[Event]| chain(&[good.as_slice(), new].concat());
    let jump = vec![at(4, 4), at(5, 7)];
    let twice = vec![at(4, 4), at(4, 5)];
    let back = vec![at(5, 5), at(4, 4)];
    for (what, events, head) in [
        ("a gap", vec![at(5, 5)], 5),
        ("positions that jump", jump, 7),
        ("positions that go back", back, 5),
        ("an event twice", twice, 5),
        ("an event at a place that is taken", vec![at(1, 4)], 4),
        ("a head before its events", vec![at(4, 4)], 3),
        ("a head that goes back", Vec::new(), 1),
    ] {
        let chain = whole(&events);
        device.receive(page(events, head, chain)).unwrap();
        let head = device.head().unwrap();
        assert!(head <= 3, "{what}: {head}");
        let frames = device.outgoing().unwrap();
        let again = frames.iter().any(|frame| matches!(frame, Frame::Subscribe { .. }));
        assert!(again, "it asks again after {what}: {frames:?}");
        device.receive(page(good.clone(), 3, self::chain(&good))).unwrap();
        assert_eq!(device.head().unwrap(), 3, "{what}");
        device.disconnected();
        let welcome =
            Frame::Welcome { protocol: PROTOCOL, backend: "b".into(), epoch: epoch.clone() };
        device.receive(welcome).unwrap();
    }
    // One that goes on like that is not asked for ever.
    let nonsense = || page(vec![at(9, 9)], 9, Chain::default());
    let ended = (0..10_000).find_map(|_| device.receive(nonsense()).err());
    assert!(matches!(ended, Some(EngineError::Sync(SyncError::Frame(_)))), "{ended:?}");
    assert!(device.outgoing().unwrap().len() < 1_000);
    assert_eq!(device.head().unwrap(), 3);
    let found = device.doctor(true).unwrap();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn an_answer_to_a_push_says_of_each_event_what_became_of_it() {
    let (_dir, mut device, _) = welcomed();
    device.intend(&Intent::CreateLabel("Work".to_owned())).unwrap();
    device.commit().unwrap();
    let pushed = |device: &mut Device| {
        let frames = device.outgoing().unwrap();
        frames.into_iter().find_map(|frame| match frame {
            Frame::Push { mut stores } => Some(stores.remove(0).events.remove(0).id),
            _ => None,
        })
    };
    let id = pushed(&mut device).expect("it is offered");
    let ack = |positions: Vec<(EventId, u64)>, refused: Vec<Refused>| {
        let ack = json!({ "store": "mailbox-root", "positions": positions, "refused": refused,
            "head": 5, "chain": Chain::default() });
        Frame::Ack { stores: vec![serde_json::from_value::<StoreAck>(ack).unwrap()] }
    };
    let other = EventId::try_from("never-sent").unwrap();
    let no = Refused { id: other.clone(), code: "x".into(), reason: "x".into() };
    for (what, answer) in [
        ("of what was not sent", ack(vec![(id.clone(), 5), (other.clone(), 4)], Vec::new())),
        ("with position 0", ack(vec![(id.clone(), 0)], Vec::new())),
        ("beyond the head", ack(vec![(id.clone(), 6)], Vec::new())),
        ("that leaves it out", ack(Vec::new(), Vec::new())),
        ("that refuses another", ack(vec![(id.clone(), 5)], vec![no])),
        ("at two places", ack(vec![(id.clone(), 5), (id.clone(), 4)], Vec::new())),
    ] {
        let done = device.receive(answer);
        assert!(matches!(done, Err(EngineError::Sync(SyncError::Frame(_)))), "{what}: {done:?}");
        assert_eq!(device.pending().unwrap().0, 1, "an answer {what} confirms nothing");
        device.disconnected();
        let epoch = Epoch::try_from("1.abcdef").unwrap();
        device.receive(Frame::Welcome { protocol: PROTOCOL, backend: "b".into(), epoch }).unwrap();
        assert_eq!(pushed(&mut device), Some(id.clone()), "it is offered again");
    }
    device.receive(ack(vec![(id.clone(), 5)], Vec::new())).unwrap();
    assert_eq!(device.pending().unwrap().0, 0);
    // The same answer once more is an answer to nothing.
    device.receive(ack(vec![(id, 5)], Vec::new())).unwrap();
    let hostile = "x\u{1b}]0;y\u{7}";
    let (code, message) = (hostile.to_owned(), hostile.to_owned());
    let refused = device.receive(Frame::Error { code, message, retry: false }).unwrap_err();
    assert!(!refused.to_string().contains(['\u{1b}', '\u{7}']), "{refused}");
}
