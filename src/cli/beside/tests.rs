//! The lines of both sides, and a host whose engine is driven by hand.
//!
//! Invariant: nothing here needs a data directory but its socket and its device.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;

use super::*;
use crate::clock::SystemClock;
use crate::engine::{Device, SideDoor, Task};
use crate::label::Place;

const SOON: Duration = Duration::from_secs(5);

/// What a reader makes of `bytes` after which the other side stays or goes.
fn read(bytes: &[u8], limit: usize, stays: bool) -> Result<Option<Request>, io::ErrorKind> {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || {
        // A reader that has seen enough goes away.
        let _ = theirs.write_all(&bytes);
        stays.then_some(theirs)
    });
    let within = if stays { Duration::from_millis(100) } else { SOON };
    let found = Lines::new(ours).unwrap().read(limit, within);
    drop(writer.join());
    found.map_err(|error| error.kind())
}

#[test]
fn lines_are_read_whole_or_refused() {
    use io::ErrorKind::{InvalidData, TimedOut, UnexpectedEof, WouldBlock};
    let settle = Ok(Some(Request::Settle));
    assert_eq!(read(b"\"Settle\"\n", 100, false), settle);
    assert_eq!(read(b"\"Settle\"\nrest", 100, true), settle);
    assert_eq!(read(b"", 100, false), Ok(None), "the end");
    assert_eq!(read(b"\"Settle\"", 100, false), Err(UnexpectedEof), "half a line is none");
    let waited = read(b"\"Settle\"", 100, true);
    assert!(matches!(waited, Err(TimedOut | WouldBlock)), "{waited:?}");
    assert_eq!(read(&vec![b'x'; 400_000], 1_000, true), Err(InvalidData), "too long");
    for garbage in [
        &b"\n"[..],
        b"{}\n",
        b"\"Serve\"\n",
        b"{\"Decide\":{}}\n",
        b"{\"Decide\":{\"labels\":[],\"intent\":{\"Undo\":\"a b\\u0007\"}}}\n",
        b"{\"Ingest\":{\"messages\":[{\"raw\":\"%\"}]}}\n",
        b"\xff\xfe\n",
    ] {
        let text = String::from_utf8_lossy(garbage);
        assert!(matches!(read(garbage, 1_000, false), Err(InvalidData | UnexpectedEof)), "{text}");
    }
}

#[test]
fn lines_follow_each_other() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (mut ours, mut theirs) = (Lines::new(ours).unwrap(), Lines::new(theirs).unwrap());
    let change = crate::command::intent::Change::Place(Place::Trash);
    let requests = [
        Request::Decide {
            labels: vec!["Größe".to_owned()],
            intent: Intent::Change { changes: vec![change], targets: Vec::new() },
        },
        Request::Ingest { messages: Vec::new() },
        Request::Settle,
    ];
    for request in &requests {
        theirs.write(request).unwrap();
    }
    for request in requests {
        assert_eq!(ours.read::<Request>(1_000, SOON).unwrap(), Some(request));
    }
}

#[test]
fn a_notice_arrives_as_it_was() {
    let sent = Notice::error("no-thread", "there is none", "list them").exit(Exit::NotFound);
    assert_eq!(Notice::from(Refusal::from(sent.clone())), sent);
    let hostile = Refusal {
        code: "x\u{1b}[2J".repeat(100),
        message: "a\u{1b}]0;b\u{7}\nc".to_owned(),
        hint: String::new(),
        exit: 77,
    };
    let notice = Notice::from(hostile);
    assert_eq!(notice.exit, Exit::Error);
    assert!(!notice.code.contains('\u{1b}') && notice.code.chars().count() <= 64, "{notice:?}");
    assert!(!notice.message.contains(['\u{1b}', '\u{7}', '\n']), "{notice:?}");
}

/// A directory with an owner whose engine has no connection.
fn host() -> (tempfile::TempDir, Home, Listening) {
    let dir = tempfile::tempdir().unwrap();
    let home = Home { dir: dir.path().to_owned(), backend: Where::Embedded, offline: false };
    let device = Device::open(&home.dir, false, Box::new(SystemClock)).unwrap();
    let (tasks, receiver) = mpsc::channel::<Task>();
    std::thread::spawn(move || {
        let mut driver = Driver::new(device, None, false);
        for task in receiver {
            task(&mut driver);
        }
    });
    let side = SideDoor::new(move |task| tasks.send(task).is_ok());
    let listening = listen(&home, side, None).unwrap();
    (dir, home, listening)
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_of_a_process_that_ended_is_nobody_s() {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    assert!(!is_gone(pid), "it was not waited for");
    child.wait().unwrap();
    assert!(is_gone(pid));
    let (stream, _other) = UnixStream::pair().unwrap();
    assert!(!has_ended(&stream), "this process");
}

#[test]
fn a_guest_is_heard_and_the_socket_goes_with_its_host() {
    let (_dir, home, listening) = host();
    let path = home.dir.join(NAME);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut guest = Guest::knock(&home).unwrap().expect("let in");
    let made = guest.decide(&[], &Intent::CreateLabel("Work".to_owned())).unwrap();
    assert_eq!(made.says, "Made the label Work.");
    assert!(guest.device().find_label("work").unwrap().is_some(), "it is in the files");
    let undone = guest.decide(&[], &Intent::Undo(None)).unwrap();
    assert!(undone.action.is_some() && guest.device().find_label("work").unwrap().is_none());
    let none = guest.decide(&[], &Intent::Undo(None)).unwrap();
    assert_eq!((none.action, none.threads), (None, 0));
    let refused = guest.decide(&["Kept".to_owned()], &Intent::CreateLabel(" ".to_owned()));
    assert!(matches!(&refused, Err(Lost::Refused(n)) if n.code == "no-name"), "{refused:?}");
    assert!(guest.device().find_label("kept").unwrap().is_none(), "all of it or nothing");
    let lost = guest.settle();
    assert!(matches!(&lost, Err(Lost::Refused(n)) if n.exit == Exit::Unreached), "{lost:?}");
    drop(listening);
    let late = guest.decide(&[], &Intent::CreateLabel("Late".to_owned()));
    assert!(matches!(late, Err(Lost::Ended)), "not done, and said so: {late:?}");
    assert!(!path.exists());
    assert!(Guest::knock(&home).unwrap().is_none());
}

#[test]
fn nonsense_ends_its_own_connection_only() {
    let (_dir, home, _listening) = host();
    let long = vec![b'a'; 100_000];
    for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\"Settle\"\n", b"\n\n", &long] {
        let mut stream = at(&home.dir, NAME, |address| UnixStream::connect(address)).unwrap();
        // It may have hung up already.
        let _ = stream.write_all(nonsense);
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(!String::from_utf8_lossy(&said).contains("Welcome"), "{nonsense:?}");
    }
    assert!(Guest::knock(&home).unwrap().is_some());
}

#[test]
fn another_backend_and_another_version_are_refused() {
    let (_dir, home, _listening) = host();
    let hello = |version: &str, backend: Option<&str>| {
        let stream = at(&home.dir, NAME, |address| UnixStream::connect(address)).unwrap();
        let mut lines = Lines::new(stream).unwrap();
        let (version, backend) = (version.to_owned(), backend.map(str::to_owned));
        lines.write(&Request::Hello { version, backend }).unwrap();
        lines.read::<Answer>(10_000, SOON).unwrap()
    };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(hello(version, None), Some(Answer::Welcome));
    for answer in [hello("0.0.0", None), hello(version, Some("ws://127.0.0.1:1"))] {
        let Some(Answer::Refused(refusal)) = answer else { panic!("{answer:?}") };
        assert_eq!((refusal.code.as_str(), refusal.exit), ("in-use", Exit::DataDir as u8));
    }
}

#[test]
fn what_a_crash_left_is_nobody_and_is_replaced() {
    let (_dir, home, listening) = host();
    std::mem::forget(listening);
    let stale = tempfile::tempdir().unwrap();
    let path = stale.path().join(NAME);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let crashed = Home { dir: stale.path().to_owned(), ..home };
    assert!(path.exists() && !is_heard(&crashed));
    assert!(Guest::knock(&crashed).unwrap().is_none());
    let listening = listen(&crashed, SideDoor::new(|_| false), None).unwrap();
    assert!(is_heard(&crashed), "replaced");
    assert!(Guest::knock(&crashed).unwrap().is_none(), "an engine that has ended lets nobody in");
    drop(listening);
}

#[test]
#[cfg(target_os = "linux")]
fn a_directory_with_a_long_path_has_a_socket_too() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("d".repeat(150));
    std::fs::create_dir(&long).unwrap();
    let home = Home { dir: long, backend: Where::Embedded, offline: false };
    let _listening = listen(&home, SideDoor::new(|_| false), None).unwrap();
    assert!(is_heard(&home));
}
