//! A mailing list is left by one click (RFC 8058), over a real socket with TLS.
//!
//! Invariant: no test asks anybody beyond loopback: every host is at one place.

use mailtui::account::OneClickError;
use mailtui::account::discover::Roads;
use mailtui::account::one_click_now;

use crate::support::authority::Authority;
use crate::support::signposts::{Files, Https};

const URL: &str = "https://lists.example.org/off?id=7";

/// What came of it, and what was asked.
fn click(url: &str, names: &[&str], answer: &[u8]) -> (Result<(), OneClickError>, Vec<String>) {
    let home = tempfile::tempdir().expect("a directory");
    let authority = Authority::new();
    let mut files = Files::new();
    files.insert("lists.example.org/off".to_owned(), answer.to_vec());
    let https = Https::start(authority.server(names), files);
    let roads = Roads {
        hosts: Some(https.address),
        ca: Some(authority.write(home.path())),
        ..Roads::default()
    };
    (one_click_now(url, &roads), https.asked())
}

const NAMES: [&str; 2] = ["lists.example.org", "elsewhere.example"];

#[test]
fn it_is_one_request_and_says_nothing_else() {
    let yes = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok";
    let (done, asked) = click(URL, &NAMES, yes);
    done.expect("it said yes");
    let wanted = "POST lists.example.org/off?id=7 List-Unsubscribe=One-Click \
                  (host content-type connection content-length)";
    assert_eq!(asked, [wanted]);
    let (done, _) = click(URL, &NAMES, b"HTTP/1.1 204 No Content\r\n\r\n");
    done.expect("it said yes without a word");
}

#[test]
fn what_is_no_yes_is_said_and_no_redirect_is_followed() {
    let moved = b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/x\r\n\
                  Content-Length: 0\r\n\r\n";
    for (answer, status) in
        [(&moved[..], 302), (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 500)]
    {
        let (done, asked) = click(URL, &NAMES, answer);
        let said = |of: &OneClickError| matches!(of, OneClickError::Answer(_, s) if *s == status);
        assert!(done.as_ref().is_err_and(said), "{done:?}");
        assert_eq!(asked.len(), 1);
    }
    let endless = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1024 * 1024]].concat();
    for answer in [&b""[..], b"nonsense\r\n\r\n", &endless] {
        let (done, _) = click(URL, &NAMES, answer);
        assert!(matches!(done, Err(OneClickError::Silent(_))), "{done:?}");
    }
}

#[test]
fn who_is_not_the_host_is_told_nothing() {
    let yes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let (done, asked) = click(URL, &["elsewhere.example"], yes);
    assert!(matches!(done, Err(OneClickError::Unreached(..))), "{done:?}");
    assert_eq!(asked.len(), 0);
    for url in ["http://lists.example.org/off", "https://", "nonsense"] {
        let (done, asked) = click(url, &NAMES, yes);
        assert!(matches!(done, Err(OneClickError::Address)), "{url}: {done:?}");
        assert_eq!(asked.len(), 0);
    }
    for url in ["https://localhost:1/x", "https://127.0.0.1:1/", "https://[::1]:1/"] {
        let done = one_click_now(url, &Roads::default());
        assert!(matches!(done, Err(OneClickError::Private(_))), "{url}: {done:?}");
    }
}
