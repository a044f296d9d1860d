//! Every file of a data directory is damaged: a bit flips, the end is cut off, it is overwritten,
//! it is empty. What the program then says is right, or an error with a hint; and `doctor` makes
//! again what the other side has.
//!
//! Invariant: what is right is what the same commands said before. No command panics; what is on
//! standard output is right, or `doctor` finds that it is not. Places are drawn from a seed; with
//! `--full` there are many more.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::binary::{Home, Run, run, text};
use crate::support::clock::Dice;
use crate::support::mail::{mail, many, mbox, write};
use crate::support::serve::Serve;

/// Bits that are flipped in each file, of a sample and of all that are tried.
const FLIPS: (usize, usize) = (4, 150);
/// Bytes of a database's page.
const PAGE: usize = 4096;

/// What happens to a file.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Flip(u64),
    Page(u64),
    Cut(usize),
    Garbage,
    Empty,
}

impl Damage {
    fn all() -> Vec<Self> {
        let full = std::env::var_os("MAILTUI_FAULTS_ALL").is_some();
        let flips = if full { FLIPS.1 } else { FLIPS.0 } as u64;
        let mut all = vec![Self::Garbage, Self::Empty, Self::Cut(2), Self::Cut(16)];
        all.extend((0..flips).map(Self::Flip));
        all.extend((0..flips / 2).map(Self::Page));
        all
    }

    fn to(self, path: &Path) {
        let mut bytes = std::fs::read(path).expect("the file is there");
        let (length, mut dice) = (bytes.len(), Dice::new(0));
        match self {
            Self::Flip(seed) => {
                dice = Dice::new(seed * 7 + 1);
                bytes[dice.below(length)] ^= 1 << dice.below(8);
            }
            Self::Page(seed) => {
                dice = Dice::new(seed * 11 + 3);
                let from = dice.below(length.div_ceil(PAGE)) * PAGE;
                bytes[from..(from + PAGE).min(length)].fill(0xa5);
            }
            Self::Cut(part) => bytes.truncate(length - length / part),
            Self::Garbage => bytes.fill_with(|| u8::try_from(dice.below(256)).expect("a byte")),
            Self::Empty => bytes.clear(),
        }
        std::fs::write(path, bytes).expect("written");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("readable").map(|entry| entry.expect("readable")) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else if entry.file_type().expect("known").is_file() {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// A data directory, what its commands say, and how they are run on a copy of it.
struct Sound {
    home: Home,
    data: PathBuf,
    list: Vec<String>,
    show: Vec<String>,
    threads: Vec<String>,
}

fn lines(run: &Run) -> Vec<String> {
    String::from_utf8_lossy(&run.stdout).lines().map(str::to_owned).collect()
}

impl Sound {
    fn of(home: Home) -> Self {
        let data = home.data();
        let threads = home.threads("anywhere");
        let mut sound = Self { home, data, list: Vec::new(), show: Vec::new(), threads };
        let said = [sound.list(&sound.data), sound.show(&sound.data)].map(|run| lines(&run.ok()));
        [sound.list, sound.show] = said;
        assert!(sound.list.len() > 5 && sound.show.len() == sound.list.len());
        sound
    }

    fn on(&self, data: &Path, args: &[&str]) -> Run {
        run(self.home.command_on(data, &[args, &["--json"]].concat()))
    }

    fn list(&self, data: &Path) -> Run {
        self.on(data, &["list", "--label", "anywhere", "--limit", "0"])
    }

    fn show(&self, data: &Path) -> Run {
        let threads = self.threads.iter().map(String::as_str);
        self.on(data, &["show"].into_iter().chain(threads).collect::<Vec<_>>())
    }

    /// What is wrong with what a command said; whether it said something that is not right.
    fn judge(run: &Run, right: &[String], wrong: &mut Vec<String>) -> bool {
        let said = String::from_utf8_lossy(&run.stderr);
        if said.contains("panicked") || run.status.code().is_none() {
            wrong.push(format!("it panics: {run}"));
        }
        if run.code() != Some(0) {
            let error = said.lines().filter_map(|line| serde_json::from_str(line).ok());
            let error: Vec<serde_json::Value> = error.collect();
            let filled = |field: &str| {
                error.last().and_then(|e| e["error"][field].as_str()).is_some_and(|t| !t.is_empty())
            };
            if !["code", "message", "hint"].into_iter().all(filled) {
                wrong.push(format!("it does not say clearly what is wrong: {run}"));
            }
            if !matches!(run.code(), Some(1 | 3 | 5 | 6)) {
                wrong.push(format!("an exit code of its own: {run}"));
            }
        }
        let shown = lines(run);
        shown.iter().any(|line| !right.contains(line))
            || (run.code() == Some(0) && shown.len() != right.len())
    }

    /// Damages one file of a copy; what is wrong with what follows. `heals` says whether all must
    /// be right after `doctor` and `after`.
    fn check(&self, copy_to: &Path, file: &str, damage: Damage, after: &[&str]) -> Vec<String> {
        let mut wrong = Vec::new();
        copy(&self.data, copy_to);
        damage.to(&copy_to.join(file));
        let list = self.list(copy_to);
        let mut lied = Self::judge(&list, &self.list, &mut wrong);
        let show = self.show(copy_to);
        lied |= Self::judge(&show, &self.show, &mut wrong);
        let doctor = self.on(copy_to, &["doctor"]);
        let said = [&doctor.stdout[..], &doctor.stderr[..]].concat();
        if String::from_utf8_lossy(&said).contains("panicked") {
            wrong.push(format!("doctor panics: {doctor}"));
        }
        if lied && doctor.code() == Some(0) {
            wrong.push(format!("what is wrong is shown, and nobody finds it: {list}\n{show}"));
        }
        if doctor.code() != Some(6) {
            // Where the record itself can be read, all of it is there again, or is withheld.
            if !after.is_empty() {
                self.on(copy_to, after);
            }
            let (list, show) = (self.list(copy_to), self.show(copy_to));
            if Self::judge(&list, &self.list, &mut wrong) || list.code() != Some(0) {
                wrong.push(format!("after doctor: {list}\n{doctor}"));
            }
            if Self::judge(&show, &self.show, &mut wrong)
                || (show.code() != Some(0) && file != "backend/threads.db")
            {
                wrong.push(format!("after doctor: {show}\n{doctor}"));
            }
            // What the record lost stays said; all else is said once.
            let again = self.on(copy_to, &["doctor"]);
            if again.code() != Some(0) && file != "backend/threads.db" {
                wrong.push(format!("doctor again: {again}"));
            }
        } else if file != "backend/threads.db" && file != "remote.json" && !is_foreign(&doctor) {
            wrong.push(format!("it is not made again: {doctor}"));
        }
        let _ = std::fs::remove_dir_all(copy_to);
        wrong.into_iter().map(|line| format!("{file}, {damage:?}: {line}")).collect()
    }

    fn check_all(&self, files: &[&str], after: &[&str]) {
        let cases: Vec<(&str, Damage)> =
            files.iter().flat_map(|file| Damage::all().into_iter().map(|d| (*file, d))).collect();
        let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let players = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..players {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some((file, damage)) = cases.get(at) else { return };
                        let to = self.home.path(&format!("copy-{at}"));
                        let found = self.check(&to, file, *damage, after);
                        wrong.lock().unwrap().extend(found);
                    }
                });
            }
        });
        let wrong = wrong.into_inner().unwrap();
        println!("{} cases of damage", cases.len());
        assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    }
}

/// Whether a file looks like one that is not ours: those are left alone.
fn is_foreign(run: &Run) -> bool {
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    said.contains("not a file of this kind") || said.contains("newer") || said.contains("older")
}

/// Mail with long texts, labels, places, a conversation of several.
fn fill(home: &Home, run: &dyn Fn(&[&str])) {
    let mut box_of = many("m", 10);
    box_of.push(mail("long").body("a long text of many words ".repeat(2_000)));
    box_of.push(mail("reply").reply_to("long", "long"));
    write(&home.path("box"), &mbox(&box_of));
    run(&["import", "box", "--label", "Lists"]);
    run(&["labels", "create", "Trips"]);
}

#[test]
fn a_directory_with_its_backend() {
    let home = Home::new();
    fill(&home, &|args| drop(home.run(args).ok()));
    let threads = home.threads("anywhere");
    home.run(&["archive", &threads[0], &threads[1]]).ok();
    home.run(&["label", &threads[2], "+Trips"]).ok();
    home.run(&["undo"]).ok();
    home.run(&["doctor", "--compact"]).ok();
    let sound = Sound::of(home);
    let files = [
        "mailbox.db",
        "sources.db",
        "backend/threads.db",
        "backend/mailbox.db",
        "backend/snapshots.db",
    ];
    sound.check_all(&files, &["--sync-only"]);
}

#[test]
fn a_device_of_a_remote_backend() {
    let serve = Serve::start();
    let home = Home::new();
    fill(&home, &|args| drop(serve.run(&home, args).ok()));
    home.run(&["device", "keep", "all"]).ok();
    serve.sync(&home);
    home.run(&["doctor", "--compact"]).ok();
    serve.sync(&home);
    let sound = Sound::of(home);
    sound.check_all(&["mailbox.db", "threads.db", "remote.json"], &["--sync-only"]);
}

/// The first page of a table.
fn root_of(path: &Path, table: &str) -> u64 {
    let db = rusqlite::Connection::open(path).expect("opens");
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: u32 = db.query_row(sql, [table], |row| row.get(0)).expect("a table");
    u64::from(page - 1) * PAGE as u64
}

fn overwrite(path: &Path, at: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(path).expect("opens");
    file.write_all_at(&[0xa5; PAGE], at).expect("written");
}

/// What a device has not sent is in the file that is damaged, and is sent from the new one.
#[test]
fn what_is_pending_outlives_the_file_that_it_was_in() {
    let serve = Serve::start();
    let (home, other) = (Home::new(), Home::new());
    fill(&home, &|args| drop(serve.run(&home, args).ok()));
    serve.sync(&home);
    let threads = home.threads("anywhere");
    home.run(&["star", &threads[3], &threads[4], "--offline"]);
    home.run(&["labels", "create", "Offline", "--offline"]);
    let path = home.data().join("mailbox.db");
    assert!(!home.data().join("mailbox.db-wal").exists());
    overwrite(&path, root_of(&path, "threadIndex"));
    let error = home.run(&["list", "--json"]).exited(6).error();
    assert!(text(&error, "hint").contains("doctor"), "{error}");
    let found = home.run(&["doctor", "--json"]).exited(1).lines();
    let codes: Vec<String> = found.iter().map(|finding| text(finding, "code")).collect();
    assert_eq!(codes, ["file", "own"], "{found:?}");
    assert!(found.iter().all(|finding| finding["repaired"] == true), "{found:?}");
    assert!(home.data().join("mailbox.db.damaged").exists());
    serve.sync(&home);
    serve.sync(&other);
    assert_eq!(other.threads("starred").len(), 2);
    assert!(other.json(&["labels"]).iter().any(|label| label["name"] == "Offline"));
    assert_eq!(other.list("anywhere"), home.list("anywhere"));
    home.assert_healthy("a new file");
}

/// The Mailbox store of a backend is made again, and devices that have the old one agree with it.
#[test]
fn a_backend_makes_its_mailbox_store_again() {
    let mut serve = Serve::start();
    let (home, other) = (Home::new(), Home::new());
    fill(&home, &|args| drop(serve.run(&home, args).ok()));
    serve.sync(&other);
    let threads = home.threads("anywhere");
    serve.run(&home, &["archive", &threads[0]]).ok();
    serve.run(&home, &["purge", &threads[5], "--anywhere", "--yes"]).ok();
    serve.run(&other, &["labels", "create", "Later"]).ok();
    serve.sync(&home);
    let (list, labels) = (home.list("anywhere"), home.json(&["labels"]));
    let path = serve.home().data().join("backend/mailbox.db");
    let cases: [(&str, &dyn Fn()); 4] = [
        ("a page of its log", &|| overwrite(&path, root_of(&path, "eventlog"))),
        ("all of it", &|| Damage::Garbage.to(&path)),
        ("it is empty", &|| Damage::Empty.to(&path)),
        ("it is gone", &|| std::fs::remove_file(&path).expect("gone")),
    ];
    for (case, damage) in cases {
        serve.stop();
        serve.assert_healthy(case);
        damage();
        serve.home().run(&["doctor"]);
        serve.assert_healthy(case);
        serve.restart();
        for device in [&home, &other, &home] {
            serve.sync(device);
        }
        for device in [&home, &other] {
            assert_eq!(device.list("anywhere"), list, "{case}");
            assert_eq!(device.json(&["labels"]), labels, "{case}");
            device.assert_healthy(case);
        }
        let new = Home::new();
        serve.sync(&new);
        assert_eq!(new.list("anywhere"), list, "{case}");
    }
}

/// New logs in the place of those that rows were made of would be an empty mailbox.
#[test]
fn a_backend_whose_logs_are_empty_does_not_begin_again() {
    let home = Home::new();
    fill(&home, &|args| drop(home.run(args).ok()));
    for name in ["mailbox.db", "mailbox.db-wal", "mailbox.db-shm"] {
        let _ = std::fs::remove_file(home.data().join(name));
    }
    Damage::Empty.to(&home.data().join("backend/threads.db"));
    let listen = format!("127.0.0.1:{}", crate::support::serve::free_port());
    for args in [&["serve", "--listen", &listen][..], &["import", "box"], &["list"]] {
        let error = home.run(&[args, &["--json"]].concat()).exited(6).error();
        assert!(text(&error, "message").contains("threads.db"), "{error}");
    }
}
