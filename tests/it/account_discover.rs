//! How the servers of an address are found, over real sockets: HTTPS, DNS by UDP and TCP.
//!
//! Invariant: no test asks anybody beyond loopback: every host is at one place.

use std::time::{Duration, Instant};

use mailtui::account::discover::{Found, Net, Roads, Source, discover};
use mailtui::account::{Address, Protocol};

use crate::support::authority::Authority;
use crate::support::signposts::{Files, Https, Names, Zone};

const AUTOCONFIG: &str = "autoconfig.example.org/mail/config-v1.1.xml";
const WELL_KNOWN: &str = "example.org/.well-known/autoconfig/mail/config-v1.1.xml";
const ISPDB: &str = "autoconfig.thunderbird.net/v1.1/example.org";

fn config(imap: &str) -> String {
    format!(
        "<clientConfig version='1.1'><emailProvider id='x'><incomingServer type='imap'>\
         <hostname>{imap}</hostname><port>993</port><socketType>SSL</socketType>\
         <username>%EMAILLOCALPART%</username></incomingServer><outgoingServer type='smtp'>\
         <hostname>smtp.example.org</hostname><port>465</port><socketType>SSL</socketType>\
         </outgoingServer></emailProvider></clientConfig>"
    )
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn moved(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 301 Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

/// What is found for ann@example.org, and what was asked by HTTPS.
fn find(names: &[&str], files: Files, zone: &Zone) -> (Option<Found>, Vec<String>) {
    let home = tempfile::tempdir().expect("a directory");
    let authority = Authority::new();
    let https = Https::start(authority.server(names), files);
    let dns = Names::start(zone);
    let roads = Roads {
        dns: vec![dns.address],
        hosts: Some(https.address),
        ca: Some(authority.write(home.path())),
    };
    let net = Net::new(roads).expect("a network");
    let address = Address::parse("ann@example.org").expect("an address");
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    let begun = Instant::now();
    let found = runtime.block_on(discover(&address, &net));
    assert!(begun.elapsed() < Duration::from_secs(20), "five seconds, on a machine with work");
    (found, https.asked())
}

const ALL: [&str; 3] = ["autoconfig.example.org", "example.org", "autoconfig.thunderbird.net"];

fn check(files: &[(&str, Vec<u8>)], zone: &Zone, want: (Source, &str)) {
    let files = files.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone()));
    let (found, _) = find(&ALL, files.collect(), zone);
    let found = found.map(|found| (found.source, found.imap.url(Protocol::Imap)));
    assert_eq!(found, Some((want.0, want.1.to_owned())));
}

#[test]
fn files_are_fetched_over_redirects_and_in_chunks() {
    let zone = Zone::default();
    let a = config("a.example.org");
    check(&[(AUTOCONFIG, ok(&a))], &zone, (Source::Autoconfig, "imaps://a.example.org:993"));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{a}\r\n0\r\n\r\n",
        a.len()
    );
    let moves = [
        (AUTOCONFIG, moved("/elsewhere")),
        ("autoconfig.example.org/elsewhere", moved("https://example.org/there")),
        ("example.org/there", chunked.into_bytes()),
    ];
    check(&moves, &zone, (Source::Autoconfig, "imaps://a.example.org:993"));
}

#[test]
fn what_is_not_https_too_long_or_never_ends_is_passed_over() {
    let zone = Zone::default();
    let b = ok(&config("b.example.org"));
    let long = format!("{}<!--{}-->", config("a.example.org"), "x".repeat(70_000));
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n", "x".repeat(100_000));
    for bad in [
        moved("http://example.org/there"),
        moved("/mail/config-v1.1.xml"),
        ok(&long),
        head.into_bytes(),
        b"no HTTP".to_vec(),
        ok("<html>welcome</html>"),
    ] {
        let files = [(AUTOCONFIG, bad), (WELL_KNOWN, b.clone())];
        check(&files, &zone, (Source::WellKnown, "imaps://b.example.org:993"));
    }
}

#[test]
fn a_host_without_a_certificate_of_its_name_says_nothing_and_the_address_goes_to_its_domain_alone()
{
    let files: Files = [(AUTOCONFIG, "a.example.org"), (ISPDB, "c.example.org")]
        .map(|(path, imap)| (path.to_owned(), ok(&config(imap))))
        .into();
    let (found, asked) = find(&ALL[1..], files, &Zone::default());
    let found = found.expect("found");
    assert_eq!((found.source, found.login.as_str()), (Source::Ispdb, "ann"));
    assert_eq!(found.imap.host, "c.example.org");
    assert!(asked.iter().any(|url| url == ISPDB), "{asked:?}");
    assert!(asked.iter().all(|url| !url.contains("ann")), "{asked:?}");
}

#[test]
fn dns_is_asked_by_datagram_and_by_tcp_where_that_is_cut() {
    for cut in [false, true] {
        let mut zone = Zone {
            srv: vec![
                ("_imaps._tcp.example.org", 5, 0, 993, "late.example.org"),
                ("_imaps._tcp.example.org", 1, 0, 1993, "imap.example.org"),
                ("_submissions._tcp.example.org", 0, 0, 465, "smtp.example.org"),
            ],
            mx: vec![(10, "mx.example.org")],
            cut,
        };
        check(&[], &zone, (Source::Srv, "imaps://imap.example.org:1993"));
        zone.mx.push((5, "ASPMX.l.google.com"));
        check(&[], &zone, (Source::KnownMx, "imaps://imap.gmail.com:993"));
    }
}
