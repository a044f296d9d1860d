//! `account`: what is tried, said and written, by the real binary against servers that do as they
//! are told.
//!
//! Invariant: whatever goes wrong, nothing is written, the cause has its code and its cure, and the
//! password is in nothing but the place that was said.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::RUN_DEADLINE;
use crate::support::authority::Authority;
use crate::support::binary::{Home, Run, finish, text};
use crate::support::double::{Double, Front, Ill, PASSWORD};
use crate::support::pty::Pty;
use crate::support::serve::{ClosedPort, Serve};

/// Runs `account add ann@example.org` with the password on standard input.
fn add(home: &Home, password: &str, args: &[&str]) -> Run {
    let mut all = vec!["account", "add", "ann@example.org", "--json"];
    all.extend(args);
    let mut command = home.command(&all);
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // One that refuses the command line does not read it.
    let _ = writeln!(stdin, "{password}");
    drop(stdin);
    finish(child, all.join(" "), RUN_DEADLINE)
}

fn assert_nowhere(run: &Run, secret: &str) {
    let said = [&run.stdout[..], &run.stderr[..]].concat();
    assert!(!String::from_utf8_lossy(&said).contains(secret), "the password is in {run}");
}

fn files(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let names = entries.map(|e| e.expect("readable").file_name().to_string_lossy().into_owned());
    names.collect()
}

/// The servers of a case, and the options that name them.
struct Pair {
    imap: Double,
    smtp: Double,
    options: Vec<String>,
}

impl Pair {
    fn new(home: &Home, front: impl Fn(&Authority) -> Front, ill: [Ill; 2]) -> Self {
        let authority = Authority::new();
        let ca = authority.write(&home.path(""));
        let front = front(&authority);
        let imap = Double::imap(front.clone(), ill[0]);
        let smtp = Double::smtp(front.clone(), ill[1]);
        let tail = match front {
            Front::Tls(_) => "s",
            Front::StartTls(_) => "",
            Front::Plain => "+plain",
        };
        let options = ["--imap", &imap.url(&format!("imap{tail}")), "--smtp"]
            .into_iter()
            .chain([smtp.url(&format!("smtp{tail}")).as_str()])
            .chain(["--login", "ann", "--password-stdin", "--tls-ca", &ca.to_string_lossy()])
            .map(str::to_owned)
            .collect();
        Self { imap, smtp, options }
    }

    fn add(&self, home: &Home, password: &str) -> Run {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        add(home, password, &options)
    }
}

fn tls(authority: &Authority) -> Front {
    Front::Tls(authority.server(&["localhost"]))
}

fn start_tls(authority: &Authority) -> Front {
    Front::StartTls(authority.server(&["localhost"]))
}

fn plain(_: &Authority) -> Front {
    Front::Plain
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn an_account_lives_from_add_to_remove() {
    for front in [tls, start_tls, plain] {
        let home = Home::new();
        let pair = Pair::new(&home, front, [Ill::Well; 2]);
        let run = pair.add(&home, PASSWORD).ok();
        assert_nowhere(&run, PASSWORD);
        let added = run.object()["added"].clone();
        assert_eq!(added["id"], "ann-example-org");
        assert_eq!(added["login"], "ann");
        assert_eq!(added["password"], "file");
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(said.contains("secrets/ann-example-org"), "where it is kept is said: {said}");

        let file = home.data().join("accounts.toml");
        let kept = home.data().join("secrets/ann-example-org");
        assert_eq!((mode(&file), mode(&kept)), (0o600, 0o600));
        assert_eq!(mode(kept.parent().expect("a directory")), 0o700);
        let written = std::fs::read_to_string(&file).expect("readable");
        assert!(!written.contains(PASSWORD) && written.contains("# Accounts of mailtui"));
        assert_eq!(std::fs::read_to_string(&kept).expect("readable"), format!("{PASSWORD}\n"));

        let mut listed = added;
        listed["conflicts"] = serde_json::Value::Array(Vec::new());
        assert_eq!(home.json(&["account", "list"]), [listed]);
        let tried = home.json(&["account", "test"]);
        assert!(tried.len() == 2 && tried.iter().all(|one| one["ok"] == true), "{tried:#?}");
        let again = pair.add(&home, PASSWORD).exited(1);
        assert_eq!(again.error()["code"], "account-exists");
        home.run(&["account", "remove", "ann@example.org"]).exited(2);
        home.run(&["account", "remove", "ann@example.org", "--yes"]).ok();
        assert!(!kept.exists() && home.json(&["account", "list"]).is_empty());
        let gone = home.run(&["account", "remove", "ann-example-org", "--yes", "--json"]).exited(3);
        assert_eq!(gone.error()["code"], "no-account");
        assert!(!files(&home.data()).contains(&"mailbox.db".to_owned()), "no mail was touched");
    }
}

/// A case: how both begin, what ails them, the password, and the code and a part of the cure.
type Case = (fn(&Authority) -> Front, [Ill; 2], &'static str, &'static str, &'static str);

#[test]
fn what_goes_wrong_has_its_cause_and_cure_and_writes_nothing() {
    use Ill::{Busy, Endless, Injects, NoLogin, Stripped, Well};
    let other: fn(&Authority) -> Front = |a| Front::Tls(a.server(&["other.example"]));
    let unknown: fn(&Authority) -> Front = |_| Front::Tls(Authority::new().server(&["localhost"]));
    let cases: [Case; 12] = [
        (tls, [Well, Well], "wrong-password", "login", "app password"),
        (tls, [Well, NoLogin], PASSWORD, "no-login", "app password"),
        (tls, [NoLogin, Well], PASSWORD, "no-login", "app password"),
        (start_tls, [Stripped, Well], PASSWORD, "no-starttls", "--imap imaps://"),
        (start_tls, [Well, Stripped], PASSWORD, "no-starttls", "--smtp smtps://"),
        (start_tls, [Injects, Well], PASSWORD, "injected", "nothing was sent"),
        (start_tls, [Well, Injects], PASSWORD, "injected", "nothing was sent"),
        (other, [Well, Well], PASSWORD, "tls-name", "--imap imaps://NAME"),
        (unknown, [Well, Well], PASSWORD, "tls-untrusted", "--tls-ca"),
        (tls, [Well, Endless], PASSWORD, "too-much", "SMTP server"),
        (tls, [Endless, Well], PASSWORD, "too-much", "IMAP server"),
        (tls, [Well, Busy], PASSWORD, "later", "wait a while"),
    ];
    for (front, ill, password, code, cure) in cases {
        let home = Home::new();
        let pair = Pair::new(&home, front, ill);
        let run = pair.add(&home, password).exited(1);
        let error = run.error();
        assert_eq!(error["code"], code, "{ill:?}: {run}");
        assert!(text(&error, "hint").contains(cure), "{ill:?}: {run}");
        assert!(!text(&error, "message").contains('\u{1b}'));
        assert_nowhere(&run, password);
        assert_eq!(files(&home.data()), [""; 0], "{code}");
        pair.imap.assert_no_login_in_clear();
        pair.smtp.assert_no_login_in_clear();
    }
}

#[test]
fn a_server_on_this_machine_may_know_no_login_for_sending() {
    let home = Home::new();
    let plain: fn(&Authority) -> Front = |_| Front::Plain;
    Pair::new(&home, plain, [Ill::Well, Ill::NoLogin]).add(&home, PASSWORD).ok();
    let home = Home::new();
    let run = Pair::new(&home, plain, [Ill::NoLogin, Ill::Well]).add(&home, PASSWORD).exited(1);
    assert_eq!(run.error()["code"], "no-login", "{run}");
}

#[test]
fn a_server_that_is_not_there_or_begins_otherwise_is_said() {
    let home = Home::new();
    let authority = Authority::new();
    let well = Double::imap(Front::Plain, Ill::Well);
    let check = |imap: &str, code: &str| {
        let args = ["--imap", imap, "--no-smtp", "--password-stdin"];
        let run = add(&home, PASSWORD, &args).exited(1);
        assert_eq!(run.error()["code"], code, "{run}");
    };
    let closed = ClosedPort::new();
    check(&format!("imaps://localhost:{}", closed.port), "closed");
    check(&well.url("imaps"), "not-tls");
    check("imaps://nowhere.invalid", "no-host");
    let safe = Double::imap(tls(&authority), Ill::Well);
    check(&safe.url("imaps"), "tls-untrusted");
    assert_eq!(files(&home.data()), [""; 0]);
}

#[test]
fn a_server_that_stops_answering_is_not_waited_for() {
    let home = Home::new();
    let pair = Pair::new(&home, tls, [Ill::Well, Ill::Silent]);
    let begun = Instant::now();
    let run = pair.add(&home, PASSWORD).exited(1);
    assert_eq!(run.error()["code"], "slow", "{run}");
    assert!(text(&run.error(), "message").contains("EHLO"), "{run}");
    assert!(begun.elapsed() < Duration::from_mins(1), "ten seconds, on a machine with work");
    assert_eq!(files(&home.data()), [""; 0]);
}

#[test]
fn wrong_command_lines_are_refused_before_anything_is_asked() {
    let home = Home::new();
    let imap = ["--imap", "imaps://localhost:1", "--no-smtp"];
    let check = |args: &[&str], code: &str| {
        let run = add(&home, "", args).exited(2);
        assert_eq!(run.error()["code"], code, "{run}");
    };
    check(&["--imap", "imap+plain://mail.example.org"], "plain");
    check(&["--imap", "imaps://ann:hush@localhost"], "server");
    check(&["--imap", "http://localhost"], "server");
    check(&["--no-smtp", "--smtp", "smtps://localhost"], "usage");
    check(&[&imap[..], &["--password-command", "'"]].concat(), "password-command");
    check(&[&imap[..], &["--password-command", "x", "--password-stdin"]].concat(), "usage");
    check(&imap, "password");
    let run = home.run(&["account", "add", "ann", "--json"]).exited(2);
    assert_eq!(run.error()["code"], "address");
    let run = home.run(&["account", "add", "ann@tuta.com", "--json"]).exited(1);
    assert!(text(&run.error(), "hint").contains("no IMAP"), "{run}");
    let run = home.run(&["account", "add", "ann@outlook.com", "--json"]).exited(1);
    assert_eq!(run.error()["code"], "no-login");
    let offline = home.run(&["account", "add", "ann@gmail.com", "--offline", "--json"]).exited(5);
    assert_eq!(offline.error()["code"], "offline");
    assert_eq!(files(&home.data()), [""; 0]);
}

#[test]
fn passwords_of_files_and_commands_stay_where_they_are() {
    let home = Home::new();
    let pair = Pair::new(&home, tls, [Ill::Well; 2]);
    let servers: Vec<&str> =
        pair.options.iter().map(String::as_str).filter(|o| *o != "--password-stdin").collect();
    let own = home.path("own password");
    std::fs::write(&own, format!("{PASSWORD}\nsecond\n")).expect("written");
    let rights = |mode| std::fs::set_permissions(&own, std::fs::Permissions::from_mode(mode));
    rights(0o644).expect("set");
    let path = own.to_string_lossy().into_owned();
    let by_file = [&servers[..], &["--password-file", &path]].concat();
    let open = add(&home, "", &by_file).exited(1);
    assert_eq!(open.error()["code"], "exposed");
    rights(0o600).expect("set");
    assert_eq!(add(&home, "", &by_file).ok().object()["added"]["password"], "file");
    home.run(&["account", "remove", "ann-example-org", "--yes"]).ok();
    assert!(own.exists());

    let command = format!("cat '{path}'");
    let by_command = [&servers[..], &["--password-command", &command]].concat();
    let added = add(&home, "", &by_command).ok().object();
    assert_eq!(added["added"]["password"], "command");
    assert!(!home.data().join("secrets").exists());
    std::fs::remove_file(&own).expect("removed");
    let run = home.run(&["account", "test", "--json"]).exited(1);
    let tried: Vec<Value> = run.lines();
    assert_eq!(tried[0]["error"]["code"], "password-command");
}

#[test]
fn accounts_are_changed_beside_whoever_owns_the_directory_and_not_on_a_device() {
    let serve = Serve::start();
    let home = serve.home();
    let pair = Pair::new(home, tls, [Ill::Well; 2]);
    pair.add(home, PASSWORD).ok();
    assert_eq!(home.json(&["account", "list"]).len(), 1);
    let device = Home::new();
    for verb in [&["account", "list"][..], &["account", "add", "a@example.org"]] {
        let run = serve.run(&device, &[verb, &["--json"]].concat()).exited(1);
        assert_eq!(run.error()["code"], "remote");
        assert!(text(&run.error(), "hint").contains("--data-dir DIR"));
    }
}

#[test]
fn a_file_that_is_wrong_is_said_with_its_line_and_left_alone() {
    let home = Home::new();
    std::fs::create_dir(home.data()).expect("made");
    let file = home.data().join("accounts.toml");
    let good = "# mine\n[accounts.bob]\naddress = \"bob@example.org\"\n\
                imap = \"imaps://localhost:1\"\npassword = { file = \"pw\" }\ncolour = 1\n";
    std::fs::write(&file, good).expect("written");
    let run = home.run(&["account", "list", "--json"]).ok();
    assert_eq!(run.lines()[0]["state"], "password-file");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("line 6") && said.contains("colour"), "{said}");

    let wrong = good.replace("bob@example.org", "hush");
    std::fs::write(&file, &wrong).expect("written");
    for verb in [&["account", "list"][..], &["account", "remove", "bob", "--yes"]] {
        let run = home.run(&[verb, &["--json"]].concat()).exited(1);
        assert_eq!(run.error()["code"], "accounts-file");
        assert!(text(&run.error(), "message").contains("line 3"), "{run}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), wrong);
}

#[test]
fn a_keyring_takes_the_password_by_its_standard_input() {
    let home = Home::new();
    let pair = Pair::new(&home, tls, [Ill::Well; 2]);
    let bin = home.path("bin");
    std::fs::create_dir(&bin).expect("made");
    let script = "#!/bin/sh\nverb=$1; echo \"$*\" >> \"$HOME/said\"; for last; do :; done\n\
        case $verb in store) cat > \"$HOME/ring-$last\" ;; lookup) cat \"$HOME/ring-$last\" ;;\n\
        clear) rm \"$HOME/ring-$last\" ;; esac\n";
    let tool = bin.join("secret-tool");
    std::fs::write(&tool, script).expect("written");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).expect("set");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let run = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("PATH", &path).env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
        command.stdin(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let _ = writeln!(child.stdin.take().expect("a pipe"), "{PASSWORD}");
        finish(child, args.join(" "), RUN_DEADLINE)
    };
    let options: Vec<&str> = pair.options.iter().map(String::as_str).collect();
    let added = run(&[&["account", "add", "ann@example.org", "--json"], &options[..]].concat());
    assert_eq!(added.ok().object()["added"]["password"], "keyring");
    assert!(!home.data().join("secrets").exists());
    run(&["account", "test"]).ok();
    assert!(home.path("ring-ann-example-org").exists());
    run(&["account", "remove", "ann-example-org", "--yes"]).ok();
    assert!(!home.path("ring-ann-example-org").exists());
    let said = std::fs::read_to_string(home.path("said")).expect("readable");
    assert!(said.contains("store") && !said.contains(PASSWORD), "{said}");
}

#[test]
fn the_password_is_asked_for_once_and_not_shown() {
    let home = Home::new();
    let pair = Pair::new(&home, tls, [Ill::Well; 2]);
    let options = pair.options.iter().map(String::as_str).filter(|o| *o != "--password-stdin");
    let args: Vec<&str> =
        ["account", "add", "ann@example.org"].into_iter().chain(options).collect();
    let mut stopped = Pty::start(&home, (100, 30), &args);
    stopped.wait_text("Password of ann at localhost");
    stopped.press_bytes(&[b'x', 3]);
    assert_eq!(stopped.wait_end(), 130);
    assert_eq!(files(&home.data()), [""; 0]);

    let mut asked = Pty::start(&home, (100, 30), &args);
    asked.wait_text("Password of ann at localhost");
    asked.press_bytes(format!("x\u{7f}{PASSWORD}\r").as_bytes());
    asked.wait_text("added: ann-example-org");
    assert_eq!(asked.wait_end(), 0);
    let bytes = asked.bytes();
    let shown = String::from_utf8_lossy(&bytes);
    assert!(!shown.contains(PASSWORD) && shown.matches("Password of").count() == 1, "{shown}");
}
