//! Signing in with an access token (XOAUTH2): Dovecot asks a server of this test what a token is.
//!
//! Invariant: the right token is taken and mail comes; a wrong one is refused, said as that, and
//! never shown.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;

use super::{LOOK, assert_equal, generated};
use crate::support::binary::{Home, run_within};
use crate::support::dovecot::{Dovecot, write_accounts};

const TOKEN: &str = "ya29.right-token";
const WRONG: &str = "ya29.wrong-token";

/// Says of one token that it is `u1`'s, and of all others that they are nobody's.
fn introspection() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || drop(answer(stream)));
        }
    });
    port
}

fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut known, mut any) = (false, false);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if any && line.trim().is_empty() {
                break;
            }
            any = true;
            known |= line.contains(&format!("Bearer {TOKEN}"));
        }
        let (status, body) = if known {
            ("200 OK", r#"{"active":true,"username":"u1"}"#)
        } else {
            ("401 Unauthorized", r#"{"error":"invalid_token"}"#)
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
        let text = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        reader.get_mut().write_all(text.as_bytes())?;
    }
}

fn account(server: &Dovecot, home: &Home, token: &str) {
    let text = format!(
        "[accounts.u1]\naddress = \"u1@example.org\"\nimap = \"imap://localhost:{}\"\n\
         login = \"u1\"\nauth = \"xoauth2\"\npassword = {{ command = [\"echo\", \"{token}\"] }}\n\
         tls_ca = \"{}\"\n",
        server.imap,
        server.certificate().display()
    );
    write_accounts(home, &text);
}

#[test]
fn a_token_is_taken_and_a_wrong_one_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("rights");
    let path = dir.path().join("oauth2.conf.ext");
    let text = format!(
        "introspection_mode = auth\nintrospection_url = http://127.0.0.1:{}/introspect\n\
         username_attribute = username\nactive_attribute = active\nactive_value = true\n",
        introspection()
    );
    std::fs::write(&path, text).expect("a configuration");
    let more = format!(
        "passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {}\n}}\n",
        path.display()
    );
    let Some(server) = Dovecot::start_with(&more) else { return };
    let mut client = server.client("u1");
    for n in 0..20 {
        client.append("INBOX", "", &generated(n, "INBOX"));
    }
    let home = Home::new();
    account(&server, &home, WRONG);
    let run = run_within(home.command(&["--sync-only", "--json"]), LOOK).exited(4);
    let said = run.to_string();
    assert!(said.contains("refused") || said.contains("refuses"), "{said}");
    assert!(!said.contains(WRONG), "{said}");
    account(&server, &home, TOKEN);
    let report = super::look(&home);
    assert_eq!(report["accounts"][0]["new"], 20, "{report} {}", server.log());
    assert_equal(&home, &mut client, "XOAUTH2");
}
