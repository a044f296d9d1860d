//! What a command leaves on disk, and when it returns: modes, `--no-wait`, `--offline`, a stop by
//! the user in the middle.
//!
//! Invariant: nothing here asks how files are laid out, only who may read them and what is in them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::RUN_DEADLINE;
use crate::support::binary::{BINARY, Home, count, finish, run};
use crate::support::mail::{many, mbox, write};
use crate::support::serve::Serve;

/// Every path below a directory, itself included.
fn tree(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).expect("readable");
        found.extend(entries.flat_map(|entry| tree(&entry.expect("an entry").path())));
    }
    found
}

fn assert_private(data: &Path) {
    for path in tree(data) {
        // A file of a running program may be gone by now.
        let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
        let mode = meta.permissions().mode() & 0o777;
        let expected = if meta.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    }
}

#[test]
fn only_the_user_can_read_the_data_directory_whatever_the_umask() {
    for umask in ["000", "077"] {
        let home = Home::new();
        write(&home.path("box"), &mbox(&many("m", 5)));
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh", BINARY, "--data-dir"]);
        command.arg(home.data()).args(["import", "box"]).current_dir(home.path(""));
        command.env_clear().envs(home.environment()).stdin(Stdio::null());
        run(command).ok();
        assert_private(&home.data());
    }
}

#[test]
fn the_backends_token_and_stores_are_private() {
    let serve = Serve::start();
    let token = std::fs::read_to_string(serve.token_file()).expect("a token");
    assert!(token.trim().len() >= 32, "256 random bits take more than {:?}", token.trim().len());
    assert_private(serve.token_file().parent().expect("its directory"));
    let other = Serve::start();
    assert_ne!(token, std::fs::read_to_string(other.token_file()).expect("a token"));
}

#[test]
fn no_wait_is_durable_and_arrives() {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", 30)));
    let args = ["import", "box", "--no-wait", "--json"];
    assert_eq!(count(&home.run(&args).ok().object(), "imported"), 30);
    home.assert_healthy("--no-wait");
    // The next command that waits has all of it.
    assert_eq!(count(&home.import(&home.path("box")), "duplicates"), 30);
    let threads = home.threads("inbox");
    assert_eq!(threads.len(), 30);
    home.run(&["archive", &threads[0], "--no-wait"]).ok();
    assert_eq!(home.threads("inbox").len(), 29, "own work shows at once");
    home.assert_healthy("archive --no-wait");
}

#[test]
fn stopped_by_the_user_what_is_in_stays_and_the_rest_comes_later() {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", 3_000)));
    let mut stopped = 0;
    for wait in [40, 120, 250] {
        let child = home.command(&["import", "box", "--json"]).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(wait));
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        let _ = kill_process(pid, Signal::INT);
        let run = finish(child, "import, stopped".into(), RUN_DEADLINE);
        // A signal in the first moment, before it is asked for, ends the program by itself.
        let by_signal = run.signal() == Some(Signal::INT.as_raw());
        assert!(by_signal || matches!(run.code(), Some(0 | 130)), "after {wait} ms: {run}");
        stopped += u32::from(run.code() == Some(130));
        home.assert_healthy("a stop by the user");
    }
    let summary = home.import(&home.path("box"));
    assert_eq!(count(&summary, "messages"), 3_000, "{summary}");
    assert_eq!(count(&summary, "copies"), 0, "{summary}");
    assert_eq!(home.list("inbox").len(), 3_000);
    println!("stopped in the middle {stopped} of 3 times");
}

#[test]
fn without_serve_no_port_is_opened() {
    let home = Home::new();
    write(&home.path("box"), &mbox(&many("m", 2_000)));
    let mut child = home.command(&["import", "box", "--json"]).spawn().expect("it starts");
    let mut looked = 0;
    while child.try_wait().expect("waitable").is_none() {
        assert_eq!(listening_sockets(child.id()), Vec::<String>::new());
        looked += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
    finish(child, "import".into(), RUN_DEADLINE).ok();
    assert!(looked > 3, "it was looked at while it ran");
}

#[test]
fn a_listening_socket_is_found() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    assert!(!listening_sockets(std::process::id()).is_empty());
    drop(listener);
}

/// The listening TCP sockets of a process: its descriptors against the kernel's tables (proc(5)).
fn listening_sockets(pid: u32) -> Vec<String> {
    const LISTEN: &str = "0A";
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let links = descriptors.filter_map(|d| std::fs::read_link(d.ok()?.path()).ok());
    let own: Vec<String> = links.map(|link| link.to_string_lossy().into_owned()).collect();
    let mut found = Vec::new();
    for table in ["tcp", "tcp6"] {
        let rows = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for row in rows.lines().skip(1) {
            let fields: Vec<&str> = row.split_whitespace().collect();
            let (Some(&state), Some(inode)) = (fields.get(3), fields.get(9)) else { continue };
            if state == LISTEN && own.contains(&format!("socket:[{inode}]")) {
                found.push(row.to_owned());
            }
        }
    }
    found
}
