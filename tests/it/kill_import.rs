//! A long import, killed with SIGKILL again and again and then run to its end, leaves what one that
//! was never killed leaves.
//!
//! Invariant: compared is all that a user can ask for: every row of every list, every message of a
//! sample of threads, labels with their counts, and `doctor`.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::RUN_DEADLINE;
use crate::support::binary::{Home, finish};
use crate::support::mail::{Mail, mail};

/// Messages without `MAILTUI_KILL_IMPORT`.
const MESSAGES: usize = 1_500;
/// How often the import is killed.
const KILLS: usize = 5;
/// Every so many rows the whole thread is compared.
const SAMPLE: usize = 97;
/// How often progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Messages in threads of one to five, some of which come before the message they answer, in three
/// folders, some read, some twice.
fn write_mail(root: &Path, count: usize) {
    for n in 0..count {
        // Backwards within each five: replies come first.
        let (first, at) = (n / 5 * 5, n % 5);
        let (id, parent) =
            (format!("m{}", first + 4 - at), format!("m{}", (first + 3).saturating_sub(at)));
        let begins = at == 4 || n % 7 == 0;
        let minute = i64::try_from(first + 4 - at).expect("small");
        let mail: Mail = mail(&id).at(minute).body(format!("Word{n} of {id}.\n").repeat(20));
        let mail = if begins { mail } else { mail.reply_to(&parent, &parent) };
        let folder = ["", ".Archive", ".Lists.rust"][n % 3];
        let flags = if n % 4 == 0 { "S" } else { "" };
        let dir = root.join(folder).join("cur");
        mail.write(&dir.join(format!("{n}.host:2,{flags}")));
        if n % 50 == 0 {
            mail.write(&root.join(".Copies/cur").join(format!("{n}.host:2,S")));
        }
        if n < 3 {
            for part in ["new", "tmp"] {
                std::fs::create_dir_all(root.join(folder).join(part)).expect("a folder");
            }
        }
    }
}

/// All that a user can ask for.
fn state(home: &Home) -> Vec<Value> {
    let mut state = home.json(&["labels"]);
    let rows = home.list("anywhere");
    let sample: Vec<String> = rows
        .iter()
        .step_by(SAMPLE)
        .map(|row| row["thread"].as_str().expect("an id").to_owned())
        .collect();
    state.extend(rows);
    let mut show = vec!["show"];
    show.extend(sample.iter().map(String::as_str));
    state.extend(home.json(&show));
    state
}

/// Blobs of raw mail that are durable: they only grow.
fn bytes_on_disk(home: &Home) -> u64 {
    let backend = home.data().join("backend");
    let sizes = ["threads.db", "threads.db-wal"].map(|name| std::fs::metadata(backend.join(name)));
    sizes.into_iter().flatten().map(|file| file.len()).sum()
}

/// Waits until the import has written `goal` bytes, then kills it; whether it still ran.
fn kill_at(mut child: Child, home: &Home, goal: u64) -> bool {
    let deadline = Instant::now() + RUN_DEADLINE;
    while bytes_on_disk(home) < goal && child.try_wait().is_ok_and(|ended| ended.is_none()) {
        assert!(Instant::now() < deadline, "the import does not go on");
        std::thread::sleep(LOOK_EVERY);
    }
    let _ = child.kill();
    finish(child, "an import under fire".into(), RUN_DEADLINE).signal() == Some(9)
}

#[test]
fn an_import_that_is_killed_five_times_ends_where_one_ends_that_is_not() {
    let count = std::env::var("MAILTUI_KILL_IMPORT").ok().and_then(|text| text.parse().ok());
    let (clean, killed) = (Home::new(), Home::new());
    write_mail(&clean.path("mail"), count.unwrap_or(MESSAGES));
    let mail = clean.path("mail");
    let whole = clean.import(&mail);
    let bytes = bytes_on_disk(&clean);

    let mut kills = 0;
    for round in 1..=KILLS as u64 {
        let child = killed.command(&["import".as_ref(), mail.as_os_str()]).spawn().expect("starts");
        kills += usize::from(kill_at(child, &killed, bytes * round / (KILLS as u64 + 2)));
        killed.assert_healthy(&format!("kill {round}"));
    }
    assert_eq!(kills, KILLS, "an import ended before it was killed");
    let rest = killed.import(&mail);
    killed.assert_healthy("the import that was killed");
    assert_eq!(rest["messages"], whole["messages"], "{rest} and {whole}");
    assert!(rest["duplicates"].as_u64() > whole["duplicates"].as_u64(), "{rest} and {whole}");
    let (left, right) = (state(&clean), state(&killed));
    for (clean, killed) in left.iter().zip(&right) {
        assert_eq!(killed, clean);
    }
    assert_eq!(left.len(), right.len());
    println!("{{\"imported\":{},\"kills\":{kills},\"rows\":{}}}", whole["imported"], left.len());
}
