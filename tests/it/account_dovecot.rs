//! The same against a real server: Dovecot's IMAP and submission, by the real binary.
//!
//! Invariant: Dovecot is started by the test on free loopback ports and ends with it. Where it is
//! not installed, the test says so.

use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::authority::Authority;
use crate::support::binary::Home;
use crate::support::double::{Double, Front, Ill};
use crate::support::serve::free_port;
use crate::support::{SCREEN_DEADLINE, wait_for};

/// What Dovecot runs as when the test is root.
const USER: &str = "dovecot";

struct Dovecot {
    child: Child,
    imap: u16,
    imaps: u16,
    submission: u16,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// The output of a command, one word.
fn word(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().expect("it runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn start(dir: &Path, authority: &Authority, relay: u16) -> Dovecot {
    let (imap, imaps, submission) = (free_port(), free_port(), free_port());
    let root = word("id", &["-u"]) == "0";
    let (user, group) = if root {
        (USER.to_owned(), USER.to_owned())
    } else {
        (word("id", &["-un"]), word("id", &["-gn"]))
    };
    authority.write_server(dir, &["localhost"]);
    std::fs::write(dir.join("passwd"), "ann:{PLAIN}pw-ann::::::\n").expect("written");
    let d = dir.display();
    let config = format!(
        "base_dir = {d}/run\nstate_dir = {d}/run\nlog_path = {d}/dovecot.log\n\
         protocols = imap submission\nlisten = 127.0.0.1\ndefault_internal_user = {user}\n\
         default_internal_group = {group}\ndefault_login_user = {user}\nfirst_valid_uid = 0\n\
         mail_uid = {user}\nmail_gid = {group}\nmail_home = {d}/home/%u\n\
         mail_location = maildir:{d}/mail/%u\nauth_mechanisms = plain login\n\
         disable_plaintext_auth = yes\nssl = yes\nssl_cert = <{d}/cert.pem\n\
         ssl_key = <{d}/key.pem\nauth_failure_delay = 0\nhostname = localhost\n\
         submission_relay_host = 127.0.0.1\nsubmission_relay_port = {relay}\n\
         submission_relay_trusted = yes\n\
         passdb {{\n driver = passwd-file\n args = username_format=%u {d}/passwd\n}}\n\
         userdb {{\n driver = passwd-file\n args = username_format=%u {d}/passwd\n\
         default_fields = uid={user} gid={group} home={d}/home/%u\n}}\n\
         service imap-login {{\n chroot =\n inet_listener imap {{\n port = {imap}\n }}\n\
         inet_listener imaps {{\n port = {imaps}\n ssl = yes\n }}\n}}\n\
         service submission-login {{\n chroot =\n inet_listener submission {{\n\
         port = {submission}\n }}\n}}\n\
         service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n\
         service dns-client {{\n chroot =\n}}\n"
    );
    let file = dir.join("dovecot.conf");
    std::fs::write(&file, config).expect("written");
    for name in ["run", "mail", "home"] {
        std::fs::create_dir(dir.join(name)).expect("made");
    }
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).expect("set");
    let mut command = if root {
        let owner = format!("{user}:{group}");
        let owned = Command::new("chown").args(["-R", &owner]).arg(dir).status();
        assert!(owned.expect("it runs").success());
        let mut command = Command::new("setpriv");
        let (uid, gid) = (format!("--reuid={user}"), format!("--regid={group}"));
        command.args([uid.as_str(), gid.as_str(), "--clear-groups", "dovecot"]);
        command
    } else {
        Command::new("dovecot")
    };
    command.arg("-F").arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("dovecot starts");
    let server = Dovecot { child, imap, imaps, submission };
    for port in [imap, imaps, submission] {
        let up = wait_for(SCREEN_DEADLINE, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
        let log = || std::fs::read_to_string(dir.join("dovecot.log")).unwrap_or_default();
        assert!(up.is_some(), "dovecot does not listen on {port}: {}", log());
    }
    server
}

#[test]
fn dovecot_lets_an_account_in_by_tls_and_starttls_and_refuses_a_wrong_password() {
    if Command::new("dovecot").arg("--version").output().is_err() {
        println!("skipped: dovecot is not installed");
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let authority = Authority::new();
    let relay = Double::smtp(Front::Plain, Ill::NoLogin);
    let server = start(dir.path(), &authority, relay.port());
    let home = Home::new();
    let ca = authority.write(&home.path("")).to_string_lossy().into_owned();
    let smtp = format!("smtp://localhost:{}", server.submission);
    let add = |imap: &str, smtp: &str, password: &str| {
        let command = format!("echo {password}");
        let servers = ["--imap", imap, "--smtp", smtp, "--login", "ann", "--tls-ca", &ca];
        let rest = ["--password-command", &command, "--json"];
        home.run(&[&["account", "add", "ann@example.org"], &servers[..], &rest].concat())
    };
    for imap in
        [format!("imaps://localhost:{}", server.imaps), format!("imap://localhost:{}", server.imap)]
    {
        let wrong = add(&imap, &smtp, "wrong").exited(1);
        assert_eq!(wrong.error()["code"], "login", "{wrong}");
        add(&imap, &smtp, "pw-ann").ok();
        home.run(&["account", "test"]).ok();
        home.run(&["account", "remove", "ann-example-org", "--yes"]).ok();
    }
}
