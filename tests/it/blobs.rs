//! Blobs over the wire: a device that sends one to a real `serve`, part by part, and gets it back.
//!
//! Invariant: what the backend has said it has is there after it was killed.

use std::net::SocketAddr;
use std::time::Duration;

use mailtui::limits::BLOB_CHUNK_BYTES;
use mailtui::store::{Blobs, MAX_BLOB_BYTES};
use mailtui::sync::{Bytes, Connection, Frame, PROTOCOL, connect};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::support::binary::count;
use crate::support::serve::Serve;

/// How long an answer may take.
const SOON: Duration = Duration::from_secs(30);

/// A device that speaks frames and nothing else.
struct Peer {
    runtime: Runtime,
    connection: Connection<TcpStream>,
}

impl Peer {
    fn of(serve: &Serve) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = serve.url();
        let address: SocketAddr = url.trim_start_matches("ws://").parse().unwrap();
        let token = std::fs::read_to_string(serve.token_file()).unwrap().trim().to_owned();
        let connection = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.unwrap();
            let mut connection = connect(stream, &url).await.unwrap();
            let device = "dabcdefghijkl".try_into().unwrap();
            let hello =
                Frame::Hello { protocol: PROTOCOL, device, token: Some(token), hears: Vec::new() };
            connection.send(&hello).await.unwrap();
            let welcome = connection.receive().await.unwrap();
            assert!(matches!(welcome, Some(Frame::Welcome { .. })), "{welcome:?}");
            connection
        });
        Self { runtime, connection }
    }

    fn ask(&mut self, frame: &Frame) -> Frame {
        let answer = async {
            self.connection.send(frame).await.unwrap();
            loop {
                match self.connection.receive().await.unwrap().expect("an answer") {
                    Frame::Ping { .. } => {}
                    frame => return frame,
                }
            }
        };
        self.runtime.block_on(async { tokio::time::timeout(SOON, answer).await.unwrap() })
    }

    /// Offers bytes under the name of `named`; how much is there, and why it was not taken.
    fn put(&mut self, named: &[u8], size: usize, offset: usize, data: &[u8]) -> (u64, String) {
        let (hash, data) = (Blobs::name(named), Bytes(data.to_vec()));
        let frame = Frame::BlobPut { hash, offset: offset as u64, size: size as u64, data };
        match self.ask(&frame) {
            Frame::BlobHave { have, refused, .. } => (have, refused.unwrap_or_default()),
            other => panic!("{other:?}"),
        }
    }

    /// A whole blob, part by part; `None` when it is not there.
    fn get(&mut self, named: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let (hash, offset) = (Blobs::name(named), bytes.len() as u64);
            let Frame::Blob { size, data, .. } = self.ask(&Frame::BlobGet { hash, offset }) else {
                panic!("no blob");
            };
            bytes.extend(data.0);
            if bytes.len() as u64 == size? {
                return Some(bytes);
            }
        }
    }
}

#[test]
fn a_blob_is_sent_over_a_kill_and_comes_back() {
    let mut serve = Serve::start();
    let bytes = b"0123456789a".repeat(BLOB_CHUNK_BYTES / 5);
    let (size, part) = (bytes.len(), BLOB_CHUNK_BYTES);
    let said = |have: usize| (have as u64, String::new());
    let mut peer = Peer::of(&serve);
    assert_eq!(peer.put(&bytes, size, 0, &[]), said(0));
    assert_eq!(peer.put(&bytes, size, 0, &bytes[..part]), said(part));
    serve.kill();
    serve.restart();
    let mut peer = Peer::of(&serve);
    assert_eq!(peer.get(&bytes), None, "half of it is none");
    assert_eq!(peer.put(&bytes, size, 0, &[]), said(part), "it goes on where it was");
    assert_eq!(peer.put(&bytes, size, part, &bytes[part..2 * part]), said(2 * part));
    assert_eq!(peer.put(&bytes, size, 2 * part, &bytes[2 * part..]), said(size));
    serve.kill();
    serve.restart();
    assert_eq!(Peer::of(&serve).get(&bytes).as_ref(), Some(&bytes));
    serve.stop();
    let disk = serve.home().json(&["doctor", "--disk"]).remove(0);
    let blobs = &disk["blobs"];
    assert_eq!(
        [count(blobs, "stored"), count(blobs, "unnamed"), count(blobs, "uploads")],
        [1, 1, 0]
    );
    serve.assert_healthy("a blob that nothing names yet");
}

#[test]
fn what_is_not_a_blob_is_refused_and_the_connection_goes_on() {
    let serve = Serve::start();
    let mut peer = Peer::of(&serve);
    let (one, other) = (b"one".repeat(BLOB_CHUNK_BYTES), b"other".repeat(BLOB_CHUNK_BYTES));
    let part = BLOB_CHUNK_BYTES;
    let (size, have) = (one.len(), part as u64);
    assert_eq!(peer.put(&one, size, 0, &one[..part]), (have, String::new()));
    for (size, offset, data, code) in [
        (size, 0, &one[..part], "offset"),
        (size, part - 1, &one[..part], "offset"),
        (size, 2 * part, &one[..part], "offset"),
        (size, part, &one[..part - 1], "part"),
        (size + 1, part, &one[..part], "size"),
        (MAX_BLOB_BYTES + 1, part, &one[..part], "too-large"),
    ] {
        assert_eq!(peer.put(&one, size, offset, data), (have, code.to_owned()));
    }
    assert_eq!(peer.put(&one, size, part, &other[..part]), (2 * have, String::new()));
    assert_eq!(peer.put(&one, size, 2 * part, &other[..part]), (0, "hash".to_owned()));
    assert_eq!(peer.put(b"short", 5, 0, b"shirt"), (0, "hash".to_owned()));
    assert_eq!(peer.put(b"short", 5, 0, b"short"), (5, String::new()));
    assert_eq!((peer.get(b"short").as_deref(), peer.get(&one)), (Some(&b"short"[..]), None));
}
