//! A backend that says what no honest one says: to a device in a process of its own, over a real
//! socket.
//!
//! Invariant: the device says what is wrong, in one line with a hint, and ends in time; it holds
//! nothing that the backend has not, what it has not sent waits, and with an honest backend it is
//! what every other device is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mailtui::backend::{Backend, Options};
use mailtui::clock::SystemClock;
use mailtui::id::{EventId, StoreId};
use mailtui::store::{Args, Chain, Event};
use mailtui::sync::{Frame, encode};
use serde_json::Value;

use crate::support::binary::{Home, Run, count, run, text};
use crate::support::mail::{Mail, mail, many, mbox, write};
use crate::support::meddler::{Meddler, Meddling, Said, between};
use crate::support::serve::Serve;

/// How long a device may take to give a backend up that says nothing.
const SILENT: Duration = Duration::from_secs(90);

/// What is done to what the backend says, and whether a device notices that something is wrong.
struct Case {
    name: &'static str,
    meddling: Meddling,
    /// How the run may end.
    exits: &'static [i32],
}

fn on_pages(mut change: impl FnMut(u64, Frame) -> Vec<Said> + 'static) -> Meddler {
    let mut pages = 0;
    Box::new(move |_, frame| {
        if !matches!(&frame, Frame::Page { events, .. } if !events.is_empty()) {
            return vec![Said::Frame(frame)];
        }
        pages += 1;
        change(pages - 1, frame)
    })
}

/// Changes the first page that has events.
fn first_page(mut change: impl FnMut(Frame) -> Vec<Said> + 'static) -> Meddler {
    on_pages(move |nth, frame| if nth == 0 { change(frame) } else { vec![Said::Frame(frame)] })
}

/// Changes the events of every page.
fn events(mut change: impl FnMut(&mut Vec<Event>) + 'static) -> Meddler {
    on_pages(move |_, mut frame| {
        if let Frame::Page { events, .. } = &mut frame {
            change(events);
        }
        vec![Said::Frame(frame)]
    })
}

fn acks(mut change: impl FnMut(&mut (EventId, u64)) + 'static) -> Meddler {
    Box::new(move |_, mut frame| {
        if let Frame::Ack { stores } = &mut frame {
            stores.iter_mut().flat_map(|ack| &mut ack.positions).for_each(&mut change);
        }
        vec![Said::Frame(frame)]
    })
}

fn welcome(change: impl Fn(Frame) -> Frame + 'static) -> Meddler {
    Box::new(move |_, frame| {
        let is_first = matches!(frame, Frame::Welcome { .. });
        vec![Said::Frame(if is_first { change(frame) } else { frame })]
    })
}

fn other() -> EventId {
    EventId::try_from("nobody-sent-this").expect("an id")
}

const WRONG: &[i32] = &[1, 5];
/// It may be right in the end: what is missing is asked for again, and where a page came first that
/// has an own event, nothing is left to be answered.
const EITHER: &[i32] = &[0, 1, 5];

const CASES: [Case; 20] = [
    Case {
        name: "a frame of a newer protocol",
        meddling: || first_page(|_| vec![Said::Bytes(b"\0{\"Teleport\":{}}".to_vec())]),
        exits: WRONG,
    },
    Case {
        name: "a backend of a newer protocol",
        meddling: || {
            welcome(|_| Frame::Error {
                code: "backend-newer".to_owned(),
                message: "protocol 9".to_owned(),
                retry: false,
            })
        },
        exits: &[5],
    },
    Case {
        name: "a page that is cut",
        meddling: || {
            first_page(|frame| {
                let bytes = encode(&frame).expect("encodes");
                vec![Said::Bytes(bytes[..bytes.len() / 2].to_vec())]
            })
        },
        exits: WRONG,
    },
    Case {
        name: "a connection that ends within a message",
        meddling: || {
            first_page(|_| vec![Said::Raw(b"\x82\x7f\0\0\0\0\0\0\x10\0\0{".to_vec()), Said::End])
        },
        exits: WRONG,
    },
    Case {
        name: "an oversized message",
        meddling: || first_page(|_| vec![Said::Raw(b"\x82\x7f\0\0\0\0\x50\0\0\0\0{".to_vec())]),
        exits: WRONG,
    },
    Case {
        name: "a bomb",
        meddling: || {
            first_page(|_| {
                let bomb = zstd::bulk::compress(&vec![b' '; 100 * 1024 * 1024], 1).expect("packs");
                vec![Said::Bytes([&[1], bomb.as_slice()].concat())]
            })
        },
        exits: WRONG,
    },
    Case {
        name: "garbage",
        meddling: || first_page(|_| vec![Said::Bytes(vec![0xff, 0, 0x1b, b'['])]),
        exits: WRONG,
    },
    Case {
        name: "garbage beside any message",
        meddling: || first_page(|_| vec![Said::Raw(vec![0xff; 100])]),
        exits: WRONG,
    },
    Case {
        name: "pages out of order",
        meddling: || {
            let mut held = None;
            on_pages(move |nth, frame| match (nth, held.take()) {
                (0, _) => {
                    held = Some(frame);
                    Vec::new()
                }
                (_, Some(first)) => vec![Said::Frame(frame), Said::Frame(first)],
                (_, None) => vec![Said::Frame(frame)],
            })
        },
        exits: EITHER,
    },
    Case { name: "a page that is missing", meddling: || first_page(|_| Vec::new()), exits: EITHER },
    Case {
        name: "every frame twice",
        meddling: || {
            Box::new(|nth, frame| {
                let again = (nth > 0).then(|| Said::Frame(frame.clone()));
                again.into_iter().chain([Said::Frame(frame)]).collect()
            })
        },
        exits: &[0],
    },
    Case {
        name: "events with other bytes",
        meddling: || events(|events| events[0].event.args = Args::from_text("{}".to_owned())),
        exits: WRONG,
    },
    Case {
        name: "events at other places",
        meddling: || events(|events| events.iter_mut().for_each(|event| event.position += 1)),
        exits: WRONG,
    },
    Case { name: "events that turn", meddling: || events(|events| events.reverse()), exits: WRONG },
    Case {
        name: "another chain",
        meddling: || {
            on_pages(|_, mut frame| {
                if let Frame::Page { chain, .. } = &mut frame {
                    *chain = Chain::from_bytes(&[7; 16]);
                }
                vec![Said::Frame(frame)]
            })
        },
        exits: WRONG,
    },
    Case {
        name: "another store's events",
        meddling: || {
            let mut last: Option<Vec<Event>> = None;
            on_pages(move |_, mut frame| {
                if let Frame::Page { events, store, .. } = &mut frame {
                    match &last {
                        Some(last) if store.as_thread().is_some() => events.clone_from(last),
                        _ => last = Some(events.clone()),
                    }
                }
                vec![Said::Frame(frame)]
            })
        },
        exits: WRONG,
    },
    Case {
        name: "the list's events for a conversation's, and the other way",
        meddling: || {
            on_pages(|_, mut frame| {
                if let Frame::Page { store, .. } = &mut frame {
                    let thread = StoreId::try_from("thread-abcdefghijklmnopqrst").expect("an id");
                    *store = if store.as_thread().is_some() { StoreId::mailbox() } else { thread };
                }
                vec![Said::Frame(frame)]
            })
        },
        exits: WRONG,
    },
    Case {
        name: "an answer to what was not sent",
        meddling: || acks(|(id, _)| *id = other()),
        exits: EITHER,
    },
    Case {
        name: "an answer with a place that cannot be",
        meddling: || acks(|(_, position)| *position = 0),
        exits: EITHER,
    },
    Case {
        name: "every frame late",
        meddling: || {
            Box::new(|_, frame| {
                std::thread::sleep(Duration::from_millis(150));
                vec![Said::Frame(frame)]
            })
        },
        exits: &[0],
    },
];

/// A backend with mail, a device that has it, and what comes after that.
struct Scene {
    serve: Serve,
    first: Home,
}

impl Scene {
    fn new() -> Self {
        let (serve, first) = (Serve::start(), Home::new());
        let scene = Self { serve, first };
        scene.import("early", &many("early", 20));
        scene
    }

    fn import(&self, name: &str, mails: &[Mail]) {
        write(&self.first.path(name), &mbox(mails));
        self.serve.run(&self.first, &["import", name]).ok();
    }

    /// Makes a snapshot, which new devices are offered from then on.
    fn snapshot(&mut self) {
        self.serve.stop();
        let dir = self.serve.home().data().join("backend");
        let mut backend =
            Backend::open(&Options { dir, thread_clients: 2 }, &SystemClock).expect("opens");
        assert!(backend.make_snapshot().expect("made"));
        drop(backend);
        self.serve.restart();
    }

    /// A device that keeps all, and has done something that is not sent.
    fn device(&self) -> Home {
        let device = Home::new();
        self.serve.sync(&device);
        device.run(&["device", "keep", "all"]).ok();
        device
    }
}

/// Runs a device against a backend that is meddled with; fails where it does not end well.
fn told(scene: &Scene, device: &Home, case: &Case) -> Run {
    let name = case.name;
    let port = between(scene.serve.port(), case.meddling);
    let url = format!("ws://127.0.0.1:{port}");
    let token = scene.serve.token_file();
    let token = token.to_str().expect("a path");
    let begun = Instant::now();
    let args = ["--sync-only", "--json", "--backend", &url, "--token-file", token];
    let run = run(device.command(&args));
    assert!(begun.elapsed() < SILENT, "{name}: it took {:?}", begun.elapsed());
    let code = run.code().unwrap_or(-1);
    assert!(case.exits.contains(&code), "{name}: {run}");
    assert!(!String::from_utf8_lossy(&run.stderr).contains("panicked"), "{name}: {run}");
    if code != 0 {
        let error = run.error();
        for field in ["code", "message", "hint"] {
            let said = text(&error, field);
            assert!(!said.is_empty() && !said.contains(['\n', '\u{1b}']), "{name}: {run}");
        }
    }
    run
}

/// As [`told`]; fails where the device is not sound after it.
fn meddled(scene: &Scene, device: &Home, case: &Case) -> Run {
    let (name, run) = (case.name, told(scene, device, case));
    device.assert_healthy(name);
    let known = scene.first.threads("anywhere");
    let here = device.threads("anywhere");
    // Rows of a log that does not fit go, until the backend says them again.
    assert!(here.iter().all(|thread| known.contains(thread)), "{name}");
    run
}

#[test]
fn a_device_says_what_is_wrong_and_is_right_with_an_honest_backend() {
    let scene = Scene::new();
    let devices: Vec<Home> = CASES.iter().map(|_| scene.device()).collect();
    scene.import(
        "late",
        &[many("late", 150), vec![mail("x").reply_to("early-001", "early-001")]].concat(),
    );
    let starred = scene.first.thread("early-002");
    for device in &devices {
        let run = device.run(&["star", &starred, "--offline", "--json"]);
        assert!(matches!(run.code(), Some(0 | 5)), "{run}");
    }
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = CASES.get(at) else { return };
                    let done =
                        catch_unwind(AssertUnwindSafe(|| meddled(&scene, &devices[at], case)));
                    wrong.lock().unwrap().extend(done.is_err().then_some(case.name));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
    scene.serve.sync(&scene.first);
    let right = scene.first.list("anywhere");
    for (case, device) in CASES.iter().zip(&devices) {
        scene.serve.sync(device);
        assert!(device.list("anywhere") == right, "{}", case.name);
        assert_eq!(device.threads("starred"), [starred.as_str()], "{}", case.name);
        device.assert_healthy(case.name);
    }
}

/// Parts of snapshots that were changed on their way.
static PARTS: AtomicUsize = AtomicUsize::new(0);

fn parts(mut bad: impl FnMut(usize) -> bool + 'static) -> Meddler {
    let mut seen = 0;
    Box::new(move |_, mut frame| {
        if let Frame::Chunk { data, .. } = &mut frame {
            if bad(seen) {
                let middle = data.0.len() / 2;
                data.0[middle] ^= 1;
                PARTS.fetch_add(1, Ordering::Relaxed);
            }
            seen += 1;
        }
        vec![Said::Frame(frame)]
    })
}

/// A snapshot with a flipped bit is asked for again, and where it stays so the log is taken.
#[test]
fn a_snapshot_with_a_flipped_bit_is_not_taken_in() {
    let mut scene = Scene::new();
    scene.snapshot();
    let cases = [
        Case { name: "a part, once", meddling: || parts(|nth| nth == 0), exits: &[0] },
        Case { name: "every part", meddling: || parts(|_| true), exits: &[0] },
    ];
    for case in cases {
        let (device, before) = (Home::new(), PARTS.load(Ordering::Relaxed));
        meddled(&scene, &device, &case);
        assert!(PARTS.load(Ordering::Relaxed) > before, "{}: no snapshot was sent", case.name);
        assert!(device.list("anywhere") == scene.first.list("anywhere"), "{}", case.name);
    }
}

/// A backend that has welcomed a device and says nothing more is given up in time.
#[test]
fn a_backend_that_falls_silent_is_given_up() {
    let scene = Scene::new();
    let device = scene.device();
    scene.import("late", &many("late", 5));
    let silent = Case {
        name: "silence",
        meddling: || {
            Box::new(|nth, frame| if nth == 0 { vec![Said::Frame(frame)] } else { Vec::new() })
        },
        exits: &[5],
    };
    let run = meddled(&scene, &device, &silent);
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    let at = |seconds: u32| {
        let line = format!("nothing heard from the backend for {seconds} s");
        said.find(&line).unwrap_or_else(|| panic!("{line}: {run}"))
    };
    assert!(at(5) < at(10) && at(10) < said.find("\"error\"").expect("an error"), "{run}");
    assert_eq!(run.object()["snapshot"], Value::Null, "there was none to come: {run}");
    scene.serve.sync(&device);
    assert!(device.list("anywhere") == scene.first.list("anywhere"));
}

/// A snapshot that is broken off stays as far as it came; that is said, and the next run goes on.
#[test]
fn a_snapshot_that_is_broken_off_says_what_came() {
    let mut scene = Scene::new();
    scene.import("many", &many("many", 400));
    scene.snapshot();
    let broken = Case {
        name: "an end within a snapshot",
        meddling: || {
            Box::new(|_, frame| match frame {
                Frame::Chunk { chunk: 1.., .. } => vec![Said::End],
                frame => vec![Said::Frame(frame)],
            })
        },
        exits: &[5],
    };
    let device = Home::new();
    for _ in 0..2 {
        let run = told(&scene, &device, &broken);
        let said = run.object();
        let (came, of) = (count(&said["snapshot"], "came"), count(&said["snapshot"], "of"));
        assert!(0 < came && came < of && of == 420, "what is there stays: {run}");
        assert_eq!(device.threads("anywhere").len() as u64, came, "{run}");
    }
    let whole = scene.serve.sync(&device);
    assert_eq!(whole["snapshot"], Value::Null, "{whole}");
    assert!(device.list("anywhere") == scene.first.list("anywhere"));
    device.assert_healthy("a snapshot in three runs");
}
