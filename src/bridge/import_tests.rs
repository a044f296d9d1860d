//! Tests of the import against a scripted sink: the real one is a floor above.

use std::fmt::Write as _;
use std::fs;

use super::*;
use crate::bridge::ledger::Forgetful;
use crate::bridge::{Folder, Followed};
use crate::label::Place;
use crate::mail::Flags;
use crate::notice::{Exit, Notice};

/// Takes in everything; a message's thread is its first line. `lag` batches are answered late, as
/// a backend behind a wire does.
#[derive(Default)]
struct Script {
    seen: Vec<Incoming>,
    late: VecDeque<Vec<Outcome>>,
    lag: usize,
    begun: Vec<String>,
    batches: Vec<usize>,
    /// Threads whose row is another thread.
    linked: Vec<(&'static str, &'static str)>,
    breaks_after: Option<usize>,
}

impl Script {
    fn outcome(&mut self, message: &Incoming) -> Outcome {
        let text = String::from_utf8_lossy(&message.raw).into_owned();
        let first = text.lines().next().unwrap_or_default();
        let id = first.strip_prefix("Thread: ").unwrap_or("thread-x").trim();
        let thread = ThreadId::try_from(id).unwrap();
        if text.contains("refuse") {
            return Outcome::Failed { code: "refused".into(), reason: "not \u{1b}[1m this".into() };
        }
        if self.seen.iter().any(|seen| seen.raw == message.raw) {
            return Outcome::Duplicate { thread, message: None };
        }
        if text.contains("copy") {
            return Outcome::Copy { thread, message: None };
        }
        let new = !self.begun.iter().any(|begun| begun == id);
        self.begun.push(id.to_owned());
        Outcome::Imported { thread, new, message: None }
    }
}

impl MailSink for Script {
    fn submit(&mut self, batch: Vec<Incoming>) -> Result<Vec<Outcome>, SinkError> {
        if self.breaks_after == Some(self.batches.len()) {
            return Err(SinkError(Notice::error("disk-full", "the disk is full", "free some")));
        }
        self.batches.push(batch.len());
        let mut outcomes = Vec::new();
        for message in batch {
            outcomes.push(self.outcome(&message));
            self.seen.push(message);
        }
        self.late.push_back(outcomes);
        if self.late.len() <= self.lag {
            return Ok(Vec::new());
        }
        Ok(self.late.pop_front().unwrap_or_default())
    }

    fn finish(&mut self) -> Result<Vec<Outcome>, SinkError> {
        Ok(std::mem::take(&mut self.late).into_iter().flatten().collect())
    }

    fn follow(&mut self, changes: Vec<Follow>) -> Result<Vec<Followed>, SinkError> {
        assert!(changes.is_empty(), "who remembers nothing follows nothing: {changes:?}");
        Ok(Vec::new())
    }

    fn roots(&mut self, threads: &[ThreadId]) -> Result<Vec<ThreadId>, SinkError> {
        assert!(threads.len() <= ROOTS_CHUNK);
        let root = |thread: &ThreadId| {
            let link = self.linked.iter().find(|(from, _)| *from == thread.as_str());
            link.map_or_else(|| thread.clone(), |(_, to)| ThreadId::try_from(*to).unwrap())
        };
        Ok(threads.iter().map(root).collect())
    }
}

/// A directory with these files; a name that ends in `/` is a directory.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
            continue;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn run(sink: &mut Script, paths: &[PathBuf]) -> ImportReport {
    let request = ImportRequest { paths: paths.to_vec(), ..ImportRequest::default() };
    import(&request, &mut Forgetful, sink, &mut |_| {}, &AtomicBool::new(false)).unwrap()
}

const FROM: &str = "From a@b Fri Feb 22 17:06:23 2008\n";

/// The report as JSON, without the temporary directory in paths.
fn json(report: &ImportReport, root: &Path) -> String {
    serde_json::to_string(report).unwrap().replace(&root.to_string_lossy()[..], "")
}

#[test]
fn the_report_is_the_contract() {
    let dir = tree(&[
        ("a.eml", "Thread: aaaaaaaa\n\n1"),
        ("b.eml", "Thread: aaaaaaaa\n\n1"),
        ("c.eml", "Thread: bbbbbbbb\n\ncopy"),
        ("d.eml", "Thread: bbbbbbbb\n\nrefuse"),
        ("e.txt", "not mail at all\n"),
        ("f", ""),
        (".hidden", "x"),
    ]);
    let report = run(&mut Script::default(), &[dir.path().to_owned()]);
    assert_eq!(
        json(&report, dir.path()),
        concat!(
            r#"{"messages":4,"imported":1,"duplicates":1,"copies":1,"failed":["#,
            r#"{"path":"/d.eml","offset":0,"reason":"not "#,
            "\u{fffd}",
            r#"[1m this","code":"refused"},"#,
            r#"{"path":"/e.txt","offset":0,"#,
            r#""reason":"the first line is neither a header field nor a From line","#,
            r#""code":"not-mail"},"#,
            r#"{"path":"/f","offset":0,"reason":"the file is empty","code":"empty"}],"#,
            r#""skipped":1,"threads":2,"newThreads":1}"#
        )
    );
    assert_eq!(report.exit(), Exit::Partial);
}

#[test]
fn outcomes_meet_their_origins_however_late_they_come() {
    let mut mbox = String::new();
    let mut offsets = Vec::new();
    for n in 0..1_000 {
        if n % 300 == 7 {
            offsets.push(mbox.len() as u64);
        }
        let what = if n % 300 == 7 { "refuse" } else { "take" };
        write!(mbox, "{FROM}Thread: t{n:07}\n\n{what}\n\n").unwrap();
    }
    let dir = tree(&[("box", &mbox)]);
    for lag in [0, 1, 3, 100] {
        let mut sink = Script { lag, ..Script::default() };
        let report = run(&mut sink, &[dir.path().join("box")]);
        let failed: Vec<u64> = report.failed.listed().iter().map(|f| f.offset).collect();
        assert_eq!(failed, offsets, "lag {lag}");
        assert_eq!((report.messages, report.imported, report.threads), (1_000, 996, 996));
        assert_eq!(sink.batches, [200; 5]);
    }
}

#[test]
fn rows_are_counted_by_root() {
    let dir = tree(&[
        ("1.eml", "Thread: aaaaaaaa\n\n1"),
        ("2.eml", "Thread: bbbbbbbb\n\n2"),
        ("3.eml", "Thread: cccccccc\n\n3"),
        ("4.eml", "Thread: dddddddd\n\n4"),
        ("5.eml", "Thread: aaaaaaaa\n\n1"),
    ]);
    let mut sink = Script {
        linked: vec![("bbbbbbbb", "aaaaaaaa"), ("dddddddd", "cccccccc")],
        begun: vec!["dddddddd".to_owned()],
        ..Script::default()
    };
    let report = run(&mut sink, &[dir.path().to_owned()]);
    // aaaaaaaa+bbbbbbbb began here, though a duplicate came after; dddddddd was there before.
    assert_eq!((report.threads, report.new_threads), (2, 1));
    let again = run(&mut sink, &[dir.path().to_owned()]);
    assert_eq!((again.imported, again.duplicates), (0, 5));
    assert_eq!((again.threads, again.new_threads), (2, 0));
}

#[test]
fn a_message_carries_its_folder_flags_and_time() {
    let dir = tree(&[
        ("M/cur/1:2,FS", "Thread: aaaaaaaa\n\n1"),
        ("M/new/2", &format!("\n{FROM}Thread: bbbbbbbb\n\n{FROM}Subject: no\n")),
        ("M/.Sent/cur/3:2,S", "\r\nThread: cccccccc\r\n\r\n3"),
        ("M/.lists.rust/new/4", "Thread: dddddddd\n\n4"),
    ]);
    let mut sink = Script::default();
    let request = ImportRequest {
        paths: vec![dir.path().join("M")],
        place: None,
        labels: vec!["old".to_owned()],
        ..ImportRequest::default()
    };
    let report =
        import(&request, &mut Forgetful, &mut sink, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    assert_eq!((report.messages, report.imported), (4, 4));
    let labels = |own: &[&str]| -> Vec<String> {
        own.iter().chain(&["old"]).map(|label| (*label).to_owned()).collect()
    };
    let [four, one, two, three] = &sink.seen[..] else { panic!("four messages") };
    assert_eq!(one.flags, Some(Flags { read: true, starred: true, ..Flags::default() }));
    assert_eq!(one.folder, Folder { labels: labels(&[]), ..Folder::default() });
    assert_eq!((two.flags, two.file_time), (None, Some(1_203_699_983)));
    assert_eq!(two.raw, format!("Thread: bbbbbbbb\n\n{FROM}Subject: no\n").as_bytes());
    assert!(three.folder.sent && three.folder.place == Some(Place::Archive));
    assert_eq!(three.raw, b"Thread: cccccccc\r\n\r\n3");
    assert_eq!(four.folder.labels, labels(&["lists/rust"]));
}

#[test]
fn a_place_on_the_command_line_is_for_every_message() {
    let dir = tree(&[("x/Trash/1.eml", "A: 1\n\n"), ("x/2.eml", "A: 2\n\n")]);
    let mut sink = Script::default();
    let request = ImportRequest {
        paths: vec![dir.path().to_owned()],
        place: Some(Place::Archive),
        labels: Vec::new(),
        ..ImportRequest::default()
    };
    import(&request, &mut Forgetful, &mut sink, &mut |_| {}, &AtomicBool::new(false)).unwrap();
    assert!(sink.seen.iter().all(|message| message.folder.place == Some(Place::Archive)));
}

#[test]
fn a_sink_that_breaks_ends_the_run_and_stop_finishes_what_was_submitted() {
    let mut mbox = String::new();
    for n in 0..900 {
        write!(mbox, "{FROM}Thread: t{n:07}\n\nx\n\n").unwrap();
    }
    let dir = tree(&[("box", &mbox)]);
    let request = ImportRequest { paths: vec![dir.path().to_owned()], ..ImportRequest::default() };
    let mut sink = Script { breaks_after: Some(2), ..Script::default() };
    let error = import(&request, &mut Forgetful, &mut sink, &mut |_| {}, &AtomicBool::new(false))
        .unwrap_err();
    assert_eq!(error.0.code, "disk-full");

    let stop = AtomicBool::new(false);
    let mut sink = Script { lag: 1, ..Script::default() };
    let mut told = Vec::new();
    let report = import(
        &request,
        &mut Forgetful,
        &mut sink,
        &mut |progress| {
            told.push(*progress);
            stop.store(progress.imported > 0, Ordering::Relaxed);
        },
        &stop,
    )
    .unwrap();
    assert!(report.stopped && report.exit() == Exit::Stopped);
    assert_eq!((report.messages, report.imported), (400, 400));
    assert_eq!(sink.seen.len(), 400);
    assert!(serde_json::to_string(&report).unwrap().contains(r#""stopped":true"#));
    assert!(told.windows(2).all(|pair| pair[0].bytes_done <= pair[1].bytes_done));
    assert_eq!((told[0].total, told[0].bytes_total), (None, mbox.len() as u64));
}

#[test]
fn what_is_too_large_is_listed_and_the_rest_goes_on() {
    let dir = tree(&[("z.eml", "A: 1\n\nx")]);
    let large = "y".repeat(1023) + "\n";
    let large = large.repeat(limits::MAX_MESSAGE_BYTES / 1024 + 1);
    fs::write(dir.path().join("a.eml"), format!("A: 1\n\n{large}")).unwrap();
    fs::write(dir.path().join("b.mbox"), format!("{FROM}A: 1\n\n{large}\n{FROM}A: 2\n")).unwrap();
    let report = run(&mut Script::default(), &[dir.path().to_owned()]);
    let codes: Vec<&str> = report.failed.listed().iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["too-large", "too-large"]);
    assert_eq!((report.messages, report.imported), (4, 2));
}

#[test]
fn a_path_that_is_not_there_does_not_stop_the_others() {
    let dir = tree(&[("a.eml", "A: 1\n\nx"), ("empty/", ""), ("M/cur/", ""), ("zero", "")]);
    let at = |name: &str| dir.path().join(name);
    let cases: [(&[&str], u64, &str, &str, Exit); 6] = [
        (&["gone"], 0, "no-such-path", "no-such-path", Exit::NotFound),
        (&["gone", "a.eml"], 1, "no-such-path", "no-such-path", Exit::Partial),
        (&["a.eml/x"], 0, "no-such-path", "no-such-path", Exit::NotFound),
        (&["empty"], 0, "", "no-mail", Exit::Done),
        (&["M"], 0, "", "no-mail", Exit::Done),
        (&["zero"], 0, "empty", "", Exit::Partial),
    ];
    for (names, imported, failed, notice, exit) in cases {
        let paths: Vec<PathBuf> = names.iter().map(|name| at(name)).collect();
        let report = run(&mut Script::default(), &paths);
        let codes: Vec<&str> = report.failed.listed().iter().map(|f| f.code.as_str()).collect();
        assert_eq!(codes.join(" "), failed, "{names:?}");
        let told: Vec<&str> = report.notices.iter().map(|notice| notice.code).collect();
        assert_eq!(told.join(" "), notice, "{names:?}");
        assert!(report.notices.iter().all(|notice| !notice.hint.is_empty()));
        assert_eq!((report.imported, report.exit()), (imported, exit), "{names:?}");
    }
}
