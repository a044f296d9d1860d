//! Servers of others that take mail, started on free ports of this machine: aiosmtpd, which keeps
//! what it gets with its envelope, and OpenSMTPD, which hands it on by LMTP. And Python's `email`,
//! which reads what was delivered.
//!
//! Invariant: each has a directory of its own and ends with its test. Of OpenSMTPD there is one at
//! a time on a machine, since the path of its control socket is built in; tests take turns by a
//! lock. Where something is not installed, the test says so and is skipped.

use std::fs::File;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::authority::Authority;
use super::dovecot::has;
use super::serve::free_port;
use super::wait_for;

/// How long a server may take to begin, and a message to arrive.
const UP: Duration = Duration::from_secs(30);
/// How long another test may have OpenSMTPD.
const TURN: Duration = Duration::from_mins(2);
/// The Python that Debian's packages are for.
const PYTHON: &str = "/usr/bin/python3";
/// The control socket that OpenSMTPD has wherever it runs.
const CONTROL: &str = "/run/smtpd.sock";

/// Keeps each message as it came, and its envelope beside it. Arguments: directory, port, front.
const SINK: &str = r#"
import json, os, signal, ssl, sys
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

where, port, front = sys.argv[1], int(sys.argv[2]), sys.argv[3]

class Keep:
    count = 0
    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        name = os.path.join(where, str(Keep.count))
        with open(name + ".eml", "wb") as file:
            file.write(envelope.original_content)
        said = {"from": envelope.mail_from, "to": envelope.rcpt_tos,
                "options": envelope.mail_options, "host": session.host_name,
                "login": session.auth_data.login.decode() if session.auth_data else ""}
        with open(name + ".tmp", "w") as file:
            json.dump(said, file)
        os.rename(name + ".tmp", name + ".json")
        return "250 2.0.0 kept as %d" % Keep.count

def right(server, session, envelope, mechanism, data):
    good = data.password == b"pw-" + data.login
    return AuthResult(success=good, handled=good, auth_data=data)

more = {}
if front != "plain":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(where, "cert.pem"), os.path.join(where, "key.pem"))
    if front == "tls":
        more = dict(ssl_context=context, auth_require_tls=False)
    else:
        more = dict(tls_context=context, require_starttls=True)
    more.update(authenticator=right, auth_required=True)
server = Controller(Keep(), hostname="127.0.0.1", port=port, enable_SMTPUTF8=True, **more)
server.start()
signal.sigwait([signal.SIGTERM, signal.SIGINT])
server.stop()
"#;

/// Reads a message on standard input with Python's `email`.
const READ: &str = r#"
import email, email.policy, json, sys
policy = email.policy.default.clone(utf8=True)
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=policy)
body = message.get_body(("plain",))
print(json.dumps({
    "subject": str(message["Subject"]), "from": str(message["From"]), "to": str(message["To"]),
    "bcc": message["Bcc"], "text": body.get_content() if body else None,
    "defects": [repr(d) for d in message.defects],
}))
"#;

/// What Python's `email` says of a message.
pub(crate) fn read_by_python(raw: &[u8]) -> Value {
    use std::io::Write as _;
    let mut command = Command::new(PYTHON);
    command.args(["-c", READ]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("python runs");
    child.stdin.take().expect("a pipe").write_all(raw).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("one object")
}

/// How a sink's connections are kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    /// Not at all, and nobody logs in.
    Plain,
    /// By STARTTLS, then a login.
    StartTls,
    /// By TLS, then a login.
    Tls,
}

/// A message that a sink got.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Its bytes, as they came.
    pub(crate) raw: Vec<u8>,
    /// `{from, to, options, host, login}`.
    pub(crate) envelope: Value,
}

/// A running aiosmtpd.
pub(crate) struct Sink {
    dir: tempfile::TempDir,
    _child: Group,
    /// Its port.
    pub(crate) port: u16,
}

impl Sink {
    /// Starts one; `None`, with the reason said, where it cannot be had.
    pub(crate) fn start(front: Front, authority: &Authority) -> Option<Self> {
        let mut look = Command::new(PYTHON);
        look.args(["-c", "import aiosmtpd"]).stderr(Stdio::null());
        if !look.status().is_ok_and(|status| status.success()) {
            println!("skipped: python3-aiosmtpd is not installed");
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        authority.write_server(dir.path(), &["localhost"]);
        let (port, word) = (free_port(), format!("{front:?}").to_lowercase());
        let mut command = Command::new(PYTHON);
        command.args(["-c", SINK]).arg(dir.path()).args([&port.to_string(), &word]);
        let log = File::create(dir.path().join("log")).expect("a log");
        let child = Group::spawn(command.stderr(log));
        let said = || std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        assert!(listens(port), "aiosmtpd is not up: {}", said());
        Some(Self { dir, _child: child, port })
    }

    /// The `n`th message, from 1, once it is there.
    pub(crate) fn kept(&self, n: usize) -> Kept {
        let envelope = self.dir.path().join(format!("{n}.json"));
        let text = wait_for(UP, || std::fs::read(&envelope).ok()).expect("it comes");
        Kept {
            raw: std::fs::read(self.dir.path().join(format!("{n}.eml"))).expect("it was kept"),
            envelope: serde_json::from_slice(&text).expect("one object"),
        }
    }

    /// How many messages it got.
    pub(crate) fn count(&self) -> usize {
        let all = std::fs::read_dir(self.dir.path()).expect("readable").flatten();
        all.filter(|file| file.path().extension().is_some_and(|end| end == "eml")).count()
    }
}

/// A running OpenSMTPD.
pub(crate) struct OpenSmtpd {
    _child: Group,
    _dir: tempfile::TempDir,
    _turn: File,
    /// Its port.
    pub(crate) port: u16,
}

impl OpenSmtpd {
    /// Starts one that hands everything to the users `u1` and `u2` at a port for LMTP; `None`, with
    /// the reason said, where it cannot be had.
    pub(crate) fn start(lmtp: u16) -> Option<Self> {
        if !has("smtpd") {
            println!("skipped: opensmtpd is not installed");
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            println!("skipped: OpenSMTPD runs as root only");
            return None;
        }
        let turn = File::create(std::env::temp_dir().join("opensmtpd.turn")).expect("a lock");
        let mine = || flock(&turn, FlockOperation::NonBlockingLockExclusive).ok();
        if wait_for(TURN, mine).is_none() || UnixStream::connect(CONTROL).is_ok() {
            println!("skipped: another OpenSMTPD runs on this machine");
            return None;
        }
        let (dir, port) = (tempfile::tempdir().expect("a directory"), free_port());
        let file = dir.path().join("smtpd.conf");
        let user = "\"65534:65534:/nonexistent\"";
        let text = format!(
            "table users {{ u1 = {user}, u2 = {user} }}\n\
             listen on 127.0.0.1 port {port} hostname localhost\n\
             action \"local\" lmtp \"127.0.0.1:{lmtp}\" rcpt-to userbase <users>\n\
             match from any for any action \"local\"\n"
        );
        std::fs::write(&file, text).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
        let mut command = Command::new("/usr/sbin/smtpd");
        command.arg("-d").arg("-f").arg(&file);
        let log = File::create(dir.path().join("log")).expect("a log");
        let child = Group::spawn(command.stderr(log));
        let said = || std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        assert!(listens(port), "OpenSMTPD is not up: {}", said());
        Some(Self { _child: child, _dir: dir, _turn: turn, port })
    }
}

fn listens(port: u16) -> bool {
    wait_for(UP, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()).is_some()
}

/// A program with all that it starts; it ends when this goes.
struct Group(Child);

impl Group {
    fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        Self(command.spawn().expect("it starts"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(pid, Signal::TERM);
        }
        let ended = wait_for(Duration::from_secs(10), || self.0.try_wait().ok().flatten());
        if ended.is_none() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// What of Dovecot's configuration makes it take mail and hand it on to a port.
pub(crate) fn dovecot_submission(port: u16, relay: u16) -> String {
    format!(
        "protocols = imap lmtp submission\nhostname = localhost\n\
         service submission-login {{\n  chroot =\n  inet_listener submission {{\n\
         \x20   port = {port}\n  }}\n}}\n\
         submission_relay_host = 127.0.0.1\nsubmission_relay_port = {relay}\n\
         submission_relay_trusted = yes\n"
    )
}

/// Whether Dovecot can take mail here.
pub(crate) fn has_submission() -> bool {
    let has = Path::new("/usr/lib/dovecot/submission").exists();
    if !has {
        println!("skipped: dovecot-submissiond is not installed");
    }
    has
}
