//! Every call to the disk fails once, and the power goes at every call, while mail comes, keys are
//! pressed and devices talk: nothing that was said to be saved is lost, nothing is there twice, and
//! who failed says so clearly and can be tried again.
//!
//! Invariant: SQLite, the backend and the devices are the real ones; only the disk below them is
//! the test's. Which calls fail is spread evenly over all of them; `--full` takes every one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use mailtui::backend::{Backend, Options};
use mailtui::bridge::Folder;
use mailtui::command::intent::{Change, Intent, Target};
use mailtui::engine::Device;
use mailtui::engine::view::Window;
use mailtui::id::ThreadId;
use mailtui::label::{self, Place};
use mailtui::mailbox;
use mailtui::store::{Blobs, compact, disk::CAN_BE_WATCHED};
use mailtui::sync::{Bytes, Frame, IngestMessage, PurgeOrder, SeenThread};

use crate::support::clock::{Dice, ManualClock};
use crate::support::disk::{CHANGES, Call, Disk, Fault};
use crate::support::house::{DEVICES, Done, House};
use crate::support::mail::mail;
use crate::support::platter::Loss;
use crate::support::world::scratch;

/// Tries of a step, with the first: a fault hits once, so that the second must work.
const TRIES: usize = 2;
/// Runs of each sweep that are spread over the calls, where not every call gets its own.
const RUNS: u64 = 60;

/// What is done, one after the other; each can be done again when it failed.
type Step = (&'static str, fn(&mut House) -> Done);

const STEPS: &[Step] = &[
    ("open", House::open),
    ("import", |house| {
        for id in ["m1", "m2", "m3", "m4"] {
            house.mail(id, mail(id).body(id.repeat(3_000)).bytes(), Folder::default())?;
        }
        Ok(())
    }),
    ("sync", House::talk),
    ("archive", |house| change(house, 0, "m1", &[Change::Place(Place::Archive)])),
    ("label", |house| {
        let work = label::user_label("Work");
        change(house, 1, "m2", &[Change::Label(work, true), Change::Star(true)])
    }),
    ("sync", House::talk),
    ("a reply comes", |house| {
        let raw = mail("m5").reply_to("m1", "m1").bytes();
        house.mail("m5", raw, Folder { labels: vec!["Lists".to_owned()], ..Folder::default() })
    }),
    ("undo", |house| intend(house, 1, &Intent::Undo(None))),
    ("read", |house| change(house, 0, "m3", &[Change::Read(true)])),
    ("labels", |house| {
        intend(house, 0, &Intent::CreateLabel("Trips".to_owned()))?;
        intend(house, 0, &Intent::RenameLabel(label::user_label("Trips"), "Travel".to_owned()))
    }),
    ("load", |house| {
        if let Some(thread) = thread(house, 1, "m1")? {
            told(house.device(1)?.load(&thread))?;
        }
        Ok(())
    }),
    ("sync", House::talk),
    ("trash", |house| change(house, 0, "m4", &[Change::Place(Place::Trash)])),
    ("sync", House::talk),
    ("purge", |house| {
        // It may go even if the answer does not come.
        house.purged("m4");
        let Some(thread) = thread(house, 0, "m4")? else { return Ok(()) };
        let seen = told(house.device(0)?.targets(&thread))?.into_iter();
        let row = seen.map(|Target { thread, seen }| SeenThread { thread, seen }).collect();
        let order = PurgeOrder { rows: vec![row], older: None, anywhere: false, dry: false };
        house.device(0)?.want(Frame::Purge { seq: 1, order });
        house.talk()
    }),
    ("ingest", |house| {
        let messages = ["m6", "m7"].map(|id| IngestMessage {
            raw: Bytes(mail(id).bytes()),
            folder: serde_json::to_value(Folder::default()).expect("json"),
            flags: serde_json::Value::Null,
            file_time: None,
        });
        house.device(1)?.want(Frame::Ingest { seq: 2, messages: messages.into() });
        house.talk()
    }),
    ("compact", |house| {
        house.close();
        let device = ["a/mailbox.db", "b/threads.db"];
        for file in ["home/backend/threads.db", "home/backend/mailbox.db"].iter().chain(&device) {
            told(compact(&house.dir().join(file)))?;
        }
        Ok(())
    }),
    ("open again", House::open),
    ("delete the label", |house| {
        match intend(house, 1, &Intent::DeleteLabel(label::user_label("Trips"))) {
            // It was done, and the answer did not come.
            Err(notice) if notice.code == "no-label" => Ok(()),
            done => done,
        }
    }),
    ("sync", House::talk),
    ("a blob is sent", |house| {
        let bytes = b"an attachment".repeat(1_000);
        let (hash, size) = (Blobs::name(&bytes), bytes.len() as u64);
        house.device(1)?.want(Frame::BlobPut { hash, offset: 0, size, data: Bytes(bytes) });
        house.talk()
    }),
    ("a snapshot is made", House::snapshot),
    ("a new machine", |house| {
        house.move_in();
        house.talk()
    }),
    ("a backup", House::back_up),
    ("what comes after it", |house| {
        // What the backup lacks comes back from a log that is kept; rows may have to come first.
        house.talk()?;
        if let Some(thread) = thread(house, 1, "m1")? {
            told(house.device(1)?.load(&thread))?;
        }
        house.talk()?;
        change(house, 1, "m1", &[Change::Label(label::user_label("Later"), true)])?;
        house.talk()
    }),
    // A step of its own: done again it must not be sent first, for nobody keeps the log that it is
    // in, and what of such is acknowledged after the backup is gone with it.
    ("a key that is not sent", |house| change(house, 0, "m3", &[Change::Star(true)])),
    ("restore", House::restore),
    ("sync", House::talk),
    ("unstar", |house| change(house, 0, "m3", &[Change::Star(false)])),
    ("sync", House::talk),
];

fn told<T>(done: Result<T, impl mailtui::notice::Explain>) -> Done<T> {
    done.map_err(|error| error.notice())
}

/// The conversation with this subject, as a device lists it.
fn thread(house: &mut House, at: usize, subject: &str) -> Done<Option<ThreadId>> {
    let page = house.device(at)?.page(&label::system("anywhere"), &Window::First, 100);
    let mut rows = told(page)?.rows.into_iter();
    let named = rows.find(|row| row.subject.as_deref() == Some(subject));
    Ok(named.map(|row| row.thread))
}

fn intend(house: &mut House, at: usize, intent: &Intent) -> Done {
    told(house.device(at)?.intend(intent))?;
    house.save(at)
}

fn change(house: &mut House, at: usize, subject: &str, changes: &[Change]) -> Done {
    let mut found = thread(house, at, subject)?;
    if found.is_none() {
        // What can be fetched again need not have been on the disk.
        house.talk()?;
        found = thread(house, at, subject)?;
    }
    let targets = told(house.device(at)?.targets(&found.expect("it is in the list")))?;
    intend(house, at, &Intent::Change { changes: changes.to_vec(), targets })
}

/// What a run looks like from outside.
struct Run {
    fault: Fault,
    kinds: &'static [Call],
    /// Which disk, where each machine has its own.
    disk: Option<usize>,
    nth: u64,
    seed: u64,
}

/// How many calls of these kinds a run without a fault makes, by disk.
fn calls(kinds: &[Call], apart: bool) -> Vec<u64> {
    let mut house = House::new(apart);
    house.disks.iter().for_each(Disk::record);
    for (name, step) in STEPS {
        step(&mut house).unwrap_or_else(|notice| panic!("{name}: {notice:?}"));
    }
    house.close();
    let count = |disk: &Disk| {
        disk.recorded().iter().filter(|(call, _)| kinds.contains(call)).count() as u64
    };
    house.disks.iter().map(count).collect()
}

/// Plays all steps with a fault in one of them; what was wrong, and whether it came to the fault.
fn play(run: &Run) -> (Vec<String>, u64) {
    let mut house = House::new(run.disk.is_some());
    let which = run.disk.unwrap_or_default();
    house.disks[which].plan(run.kinds, run.nth, 1, run.fault);
    let (mut wrong, mut hits) = (Vec::new(), 0);
    let loss = if run.seed.is_multiple_of(3) { Loss::All } else { Loss::Some(Dice::new(run.seed)) };
    for (name, step) in STEPS {
        for tried in 1..=TRIES {
            let done = step(&mut house);
            let cut = house.disks.iter().any(Disk::is_dead);
            let Err(notice) = done else { break };
            if notice.code.is_empty() || notice.message.is_empty() || notice.hint.is_empty() {
                wrong.push(format!("{name}: it does not say clearly what failed: {notice:?}"));
            }
            if !cut && run.fault == Fault::Full && notice.code != "disk-full" {
                wrong.push(format!("{name}: a full disk is {notice:?}"));
            }
            hits += 1;
            house.failed();
            if cut {
                house.revive(&loss);
                house.open().unwrap_or_else(|notice| panic!("{name}: {notice:?}"));
                wrong.extend(house.damaged());
            } else if tried == TRIES {
                panic!("{name}: it fails again when nothing does: {notice:?}");
            }
        }
    }
    house.close();
    // The power may have gone when a file was closed: nobody is there to say so.
    house.revive(&loss);
    house.disks[which].heal();
    house.talk().unwrap_or_else(|notice| panic!("at the end: {notice:?}"));
    wrong.extend(house.wrong());
    (wrong, hits)
}

/// A fault at calls of these kinds: at every one, or at so many of them, on all cores.
fn sweep(kinds: &'static [Call], fault: Fault, apart: bool) {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    let full = std::env::var_os("MAILTUI_FAULTS_ALL").is_some();
    let mut runs = Vec::new();
    let mut all = 0;
    for (disk, count) in calls(kinds, apart).into_iter().enumerate() {
        let most = if full { count } else { RUNS / if apart { DEVICES.len() as u64 } else { 1 } };
        let every = (count / most.max(1)).max(1);
        all += count;
        // Not always the same place of a pattern.
        let places = (0..count / every).map(|n| 1 + n * every + n % every);
        runs.extend(places.map(|nth| Run {
            fault,
            kinds,
            disk: apart.then_some(disk),
            nth,
            seed: nth + disk as u64,
        }));
    }
    let (next, hits) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed: Mutex<Vec<String>> = Mutex::default();
    let players = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..players {
            scope.spawn(|| {
                loop {
                    let at = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).expect("small");
                    let Some(run) = runs.get(at) else { return };
                    let wrong = match catch_unwind(AssertUnwindSafe(|| play(run))) {
                        Ok((wrong, hit)) => {
                            hits.fetch_add(hit, Ordering::Relaxed);
                            wrong
                        }
                        Err(panic) => vec![said(panic.as_ref())],
                    };
                    let disk = run.disk.map(|disk| format!(" of disk {disk}")).unwrap_or_default();
                    let line = |line| format!("{fault:?} at call {}{disk}: {line}", run.nth);
                    failed.lock().unwrap().extend(wrong.into_iter().map(line));
                }
            });
        }
    });
    let (failed, hits) = (failed.into_inner().unwrap(), hits.into_inner());
    println!("{fault:?}: {} runs over {all} calls, {hits} steps said so", runs.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(hits > runs.len() as u64 / 2, "only {hits} of {} faults were met", runs.len());
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[test]
fn every_change_of_the_disk_fails_once() {
    sweep(CHANGES, Fault::Error, false);
}

#[test]
fn the_disk_is_full_at_every_write() {
    sweep(&[Call::Write, Call::Make, Call::MakeDir], Fault::Full, false);
}

#[test]
fn every_read_fails_once() {
    sweep(&[Call::Read, Call::Open], Fault::Error, false);
}

#[test]
fn the_power_goes_at_every_change() {
    sweep(CHANGES, Fault::Cut, false);
}

#[test]
fn the_power_of_one_machine_goes_at_every_change() {
    sweep(CHANGES, Fault::Cut, true);
}

/// Opens a directory of the last format, at most twice; what its tables then hold.
fn upgrade(files: &Path, fault: Option<(u64, Fault)>) -> (Vec<String>, usize) {
    let home = scratch();
    let backend = home.path().join("backend");
    std::fs::create_dir(&backend).expect("made");
    for name in ["mailbox.db", "backend/mailbox.db", "backend/threads.db"] {
        let packed = std::fs::read(files.join(format!("{name}.zst"))).expect("the fixture");
        let bytes = zstd::decode_all(packed.as_slice()).expect("a fixture is compressed");
        std::fs::write(home.path().join(name), bytes).expect("a file");
    }
    let disk = Disk::new(home.path());
    disk.record();
    if let Some((nth, fault)) = fault {
        disk.plan(CHANGES, nth, 1, fault);
    }
    let clock = ManualClock::new(3);
    let open = || -> Done<Vec<String>> {
        let options = Options { dir: backend.clone(), thread_clients: 2 };
        let mut served = told(Backend::open(&options, &clock))?;
        let device = told(Device::open(home.path(), false, Box::new(clock.clone())))?;
        assert_eq!(told(served.doctor())?, []);
        Ok(vec![format!("{:?}", told(mailbox::dump(device.db()))?)])
    };
    let first = open();
    let calls = disk.recorded().iter().filter(|(call, _)| CHANGES.contains(call)).count();
    let again = first.or_else(|notice| {
        assert!(!notice.code.is_empty() && !notice.hint.is_empty(), "{notice:?}");
        if disk.is_dead() {
            disk.start_after_cut(Loss::Some(Dice::new(calls as u64)));
        }
        open()
    });
    (again.unwrap_or_else(|notice| panic!("{fault:?}: {notice:?}")), calls)
}

#[test]
fn a_change_of_format_that_fails_is_done_at_the_next_opening() {
    if !CAN_BE_WATCHED {
        return println!("skipped: a release build has no way to a test's disk");
    }
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-2");
    let (wanted, calls) = upgrade(&files, None);
    let every = if std::env::var_os("MAILTUI_FAULTS_ALL").is_some() { 1 } else { calls / 20 };
    for nth in (1..=calls).step_by(every.max(1)) {
        for fault in [Fault::Error, Fault::Full, Fault::Cut] {
            let (found, _) = upgrade(&files, Some((nth as u64, fault)));
            assert_eq!(found, wanted, "{fault:?} at call {nth}");
        }
    }
}
