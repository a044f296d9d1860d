//! What a backend tells a device of its accounts: as whom one writes there, and how they are.
//!
//! Invariant: no secret is among it, nor where one is kept; a device writes as it was told while
//! nobody is reached.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::binary::Home;
use crate::support::dovecot::write_accounts;
use crate::support::mail::{mail, write_maildir};
use crate::support::pty::Pty;
use crate::support::serve::{ClosedPort, Serve};

const SIZE: (u16, u16) = (90, 24);

/// An account whose servers are not there while what this returns is held.
fn account(serve: &Serve) -> ClosedPort {
    let data = serve.home().data();
    let secret = data.join("where-it-is-kept");
    std::fs::write(&secret, "the-password").expect("written");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("rights");
    let closed = ClosedPort::new();
    let port = closed.port;
    let text = format!(
        "[accounts.ann]\naddress = \"ann@example.org\"\nname = \"Ann Moser\"\n\
         imap = \"imap+plain://localhost:{port}\"\nlogin = \"the-login\"\n\
         smtp = \"smtp+plain://localhost:{port}\"\nsignature = \"Ann of the backend\"\n\
         password = {{ file = \"{}\" }}\n",
        secret.display()
    );
    write_accounts(serve.home(), &text);
    closed
}

/// All that the device has on disk.
fn kept(device: &Home) -> Vec<u8> {
    let files = std::fs::read_dir(device.data()).expect("a directory").flatten();
    files.flat_map(|file| std::fs::read(file.path()).unwrap_or_default()).collect()
}

/// Leaves the composer, then the program; an escape and a letter at once would be another key.
fn end(mut pty: Pty) {
    pty.press("\u{1b}");
    pty.wait("the list", |s| s.contains("topic") && !s.contains("Subject"));
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

#[test]
fn a_device_writes_as_its_backend_and_sees_its_accounts() {
    let serve = Serve::start();
    let _closed = account(&serve);
    let device = Home::new();
    write_maildir(&device.path("Mail"), "", &[mail("topic")]);
    let import = device.path("Mail").display().to_string();
    serve.run(&device, &["import", &import]).ok();
    serve.sync(&device);
    let mut pty = Pty::start(&device, SIZE, &[]);
    pty.wait_text("topic");
    pty.press("gm");
    // Nobody listens there: the device sees why, and what to do.
    pty.wait("its state", |s| s.contains("ann@example.org") && s.contains("localhost"));
    pty.press("q");
    pty.press("c");
    pty.wait("as whom", |s| s.contains("Ann Moser") && s.contains("Ann of the backend"));
    end(pty);
    drop(serve);
    let mut pty = Pty::start(&device, SIZE, &[]);
    pty.wait_text("topic");
    pty.press("c");
    pty.wait("as whom", |s| s.contains("Ann Moser") && s.contains("Ann of the backend"));
    end(pty);
    // A command writes as the same.
    let args = ["compose", "--to", "bob@example.org", "--body", "hello", "--offline"];
    device.run(&args).ok();
    let bytes = kept(&device);
    let has = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(has(b"Ann of the backend"));
    for secret in ["the-password", "the-login", "where-it-is-kept", "localhost"] {
        assert!(!has(secret.as_bytes()), "{secret}");
    }
}
