//! A real Dovecot, started on free ports of this machine with a configuration of our own.
//!
//! Invariant: it has a directory, a certificate and users of its own, and is killed with all its
//! processes when the test ends. Where it is not installed, tests say so and are skipped.

use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::binary::Home;
use super::other_client::OtherClient;
use super::serve::free_port;
use super::wait_for;

/// How long it may take to begin.
const UP: Duration = Duration::from_secs(30);
/// The users; the password of `u1` is `pw-u1`.
const USERS: usize = 4;

/// A running server.
pub(crate) struct Dovecot {
    dir: tempfile::TempDir,
    child: Child,
    /// Its port for IMAP with STARTTLS.
    pub(crate) imap: u16,
    /// Its port for LMTP.
    pub(crate) lmtp: u16,
}

impl Dovecot {
    /// Starts one; `None`, with the reason said, where it cannot be had.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// As [`Dovecot::start`], with more of a configuration.
    pub(crate) fn start_with(more: &str) -> Option<Self> {
        for program in ["dovecot", "openssl"] {
            if !has(program) {
                println!("skipped: {program} is not installed");
                return None;
            }
        }
        let dir = tempfile::tempdir().expect("a directory");
        let (imap, lmtp) = (free_port(), free_port());
        let root = rustix::process::geteuid().is_root();
        prepare(dir.path(), root, imap, lmtp, more);
        let mut command = if root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=dovecot", "--regid=dovecot", "--clear-groups", "dovecot"]);
            command
        } else {
            Command::new("dovecot")
        };
        command.arg("-F").arg("-c").arg(dir.path().join("dovecot.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let child = command.spawn().expect("dovecot starts");
        let server = Self { dir, child, imap, lmtp };
        let up = wait_for(UP, || OtherClient::try_connect(imap).ok());
        assert!(up.is_some(), "dovecot is not up: {}", server.log());
        Some(server)
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("dovecot.log")).unwrap_or_default()
    }

    /// Its certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.dir.path().join("cert.pem")
    }

    /// Another client, signed in.
    pub(crate) fn client(&self, user: &str) -> OtherClient {
        let mut client = OtherClient::try_connect(self.imap).expect("it accepts");
        client.ok(&format!("LOGIN {user} pw-{user}"));
        client
    }

    /// Makes `home` fetch the account of `user`, through `port` where that is another one.
    pub(crate) fn account(&self, home: &Home, user: &str, port: u16) {
        self.account_with(home, user, port, "");
    }

    /// As [`Dovecot::account`], with more settings.
    pub(crate) fn account_with(&self, home: &Home, user: &str, port: u16, more: &str) {
        let text = format!(
            "[accounts.{user}]\naddress = \"{user}@example.org\"\n\
             imap = \"imap://localhost:{port}\"\n\
             login = \"{user}\"\npassword = {{ command = [\"echo\", \"pw-{user}\"] }}\n\
             tls_ca = \"{}\"\n{more}",
            self.certificate().display()
        );
        write_accounts(home, &text);
    }

    /// Delivers a message to a user as a mail server does.
    pub(crate) fn deliver(&self, user: &str, raw: &[u8]) {
        super::other_client::lmtp(self.lmtp, user, raw);
    }
}

/// Writes `accounts.toml` of a home.
pub(crate) fn write_accounts(home: &Home, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(home.data()).expect("a data directory");
    std::fs::set_permissions(home.data(), std::fs::Permissions::from_mode(0o700)).expect("rights");
    let path = home.data().join("accounts.toml");
    std::fs::write(&path, text).expect("accounts");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("rights");
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::TERM);
        }
        let ended = wait_for(Duration::from_secs(10), || self.child.try_wait().ok().flatten());
        if ended.is_none() {
            let _ = self.child.kill();
        }
    }
}

/// Whether a program is there.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = [PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")];
    std::env::split_paths(&path).chain(more).any(|dir| dir.join(program).is_file())
}

fn prepare(dir: &Path, root: bool, imap: u16, lmtp: u16, more: &str) {
    let at = dir.display();
    for name in ["run", "mail", "home"] {
        std::fs::create_dir(dir.join(name)).expect("a directory");
    }
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"])
        .arg(dir.join("key.pem"))
        .arg("-out")
        .arg(dir.join("cert.pem"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl runs").success(), "a certificate");
    let mut users = String::new();
    for n in 1..=USERS {
        let _ = writeln!(users, "u{n}:{{PLAIN}}pw-u{n}::::::");
    }
    std::fs::write(dir.join("users"), users).expect("users");
    let me = if root { "dovecot".to_owned() } else { whoami() };
    std::fs::write(dir.join("dovecot.conf"), configuration(&at, &me, imap, lmtp, more))
        .expect("a configuration");
    if root {
        let all = Command::new("chown").arg("-R").arg("dovecot:dovecot").arg(dir).status();
        assert!(all.expect("chown runs").success());
    }
    let open = Command::new("chmod").arg("755").arg(dir).status();
    assert!(open.expect("chmod runs").success());
}

fn whoami() -> String {
    let output = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn configuration(at: &dyn std::fmt::Display, me: &str, imap: u16, lmtp: u16, more: &str) -> String {
    let uses = ["Drafts", "Sent", "Trash", "Archive", "Junk"].map(|name| {
        format!("  mailbox {name} {{\n    auto = subscribe\n    special_use = \\{name}\n  }}\n")
    });
    format!(
        "base_dir = {at}/run\nstate_dir = {at}/run\nlog_path = {at}/dovecot.log\n\
         protocols = imap lmtp\nlisten = 127.0.0.1\ndefault_internal_user = {me}\n\
         default_internal_group = {me}\ndefault_login_user = {me}\nfirst_valid_uid = 0\n\
         mail_uid = {me}\nmail_home = {at}/home/%u\nmail_location = sdbox:{at}/mail/%u\n\
         auth_mechanisms = plain login xoauth2\ndisable_plaintext_auth = no\nssl = yes\n\
         ssl_cert = <{at}/cert.pem\nssl_key = <{at}/key.pem\n\
         passdb {{\n  driver = passwd-file\n  mechanisms = plain login\n\
         \x20 args = scheme=PLAIN username_format=%u {at}/users\n}}\n\
         userdb {{\n  driver = passwd-file\n  args = username_format=%n {at}/users\n\
         \x20 default_fields = uid={me} gid={me} home={at}/home/%n\n}}\n\
         auth_username_format = %Ln\nauth_failure_delay = 0\nmail_max_userip_connections = 100\n\
         service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {imap}\n  }}\n\
         \x20 inet_listener imaps {{\n    port = 0\n  }}\n}}\n\
         service lmtp {{\n  inet_listener lmtp {{\n    address = 127.0.0.1\n\
         \x20   port = {lmtp}\n  }}\n}}\n\
         service anvil {{\n  chroot =\n}}\nservice stats {{\n  chroot =\n}}\n\
         service dns-client {{\n  chroot =\n}}\n\
         namespace inbox {{\n  inbox = yes\n  separator = /\n{}}}\n{more}",
        uses.concat()
    )
}
