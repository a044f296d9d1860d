//! The plan and the choice, with a world that is a list of answers.

use std::collections::BTreeMap;

use super::*;

/// A world of known answers; what is not in it is not there, and `hangs` never answers.
#[derive(Default)]
struct Script {
    files: BTreeMap<String, String>,
    srv: BTreeMap<String, Vec<SrvRecord>>,
    mx: Vec<String>,
    open: Vec<&'static str>,
    hangs: bool,
}

impl Script {
    async fn answer<T>(&self, answer: Option<T>) -> Option<T> {
        if answer.is_none() && self.hangs {
            std::future::pending::<()>().await;
        }
        answer
    }
}

impl World for Script {
    async fn fetch(&self, url: &str) -> Option<Vec<u8>> {
        self.answer(self.files.get(url).map(|file| file.clone().into_bytes())).await
    }
    async fn srv(&self, name: &str) -> Vec<SrvRecord> {
        self.answer(self.srv.get(name).cloned()).await.unwrap_or_default()
    }
    async fn mx(&self, _: &str) -> Vec<String> {
        let known = (!self.mx.is_empty()).then(|| self.mx.clone());
        self.answer(known).await.unwrap_or_default()
    }
    async fn knock(&self, server: &Server) -> bool {
        let open = self.open.contains(&server.authority().as_str());
        self.answer(open.then_some(())).await.is_some()
    }
}

fn config(imap: &str) -> String {
    format!(
        "<clientConfig><emailProvider><incomingServer type='imap'><hostname>{imap}</hostname>\
         <port>993</port><socketType>SSL</socketType></incomingServer></emailProvider>\
         </clientConfig>"
    )
}

fn record(host: &str, port: u16, priority: u16, weight: u16) -> SrvRecord {
    SrvRecord { priority, weight, port, host: host.to_owned() }
}

fn run(address: &str, world: &Script) -> Option<Found> {
    let address = Address::parse(address).unwrap();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // Time goes on by itself when all wait: five seconds take none.
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(discover(&address, world))
}

fn check(world: &Script, want: Option<(Source, &str, Option<&str>)>) {
    let found = run("ann@example.org", world);
    let found = found.map(|f| {
        (f.source, f.imap.url(Protocol::Imap), f.smtp.map(|smtp| smtp.url(Protocol::Smtp)))
    });
    let want = want.map(|(s, imap, smtp)| (s, imap.to_owned(), smtp.map(str::to_owned)));
    assert_eq!(found, want);
}

const ISPDB: &str = "https://autoconfig.thunderbird.net/v1.1/example.org";
const WELL_KNOWN: &str = "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml";

#[test]
fn a_known_provider_needs_no_network() {
    let world = Script { hangs: true, ..Script::default() };
    let found = run("ann@gmail.com", &world).unwrap();
    assert_eq!((found.source, found.imap.host.as_str()), (Source::Known, "imap.gmail.com"));
    assert_eq!((found.login.as_str(), found.auth), ("ann@gmail.com", Auth::Password));
    assert_eq!(run("ann@outlook.com", &world).unwrap().auth, Auth::XOAuth2);
    assert_eq!(run("ann@tuta.com", &world), None);
}

#[test]
fn the_most_trusted_answer_is_taken_whatever_else_hangs() {
    for hangs in [false, true] {
        let mut world = Script { hangs, ..Script::default() };
        check(&world, None);
        world.open = vec!["imap.example.org:143", "mail.example.org:993", "mail.example.org:465"];
        let smtp = Some("smtps://mail.example.org:465");
        check(&world, Some((Source::Guess, "imaps://mail.example.org:993", smtp)));

        world.srv.insert("_imap._tcp.example.org".into(), vec![record("a.example.net", 143, 0, 0)]);
        check(&world, Some((Source::SrvElsewhere, "imap://a.example.net:143", smtp)));
        let records = vec![
            record("", 993, 0, 0),
            record("c.example.org", 993, 2, 9),
            record("b.example.org", 993, 1, 1),
            record("A.example.org", 1993, 1, 5),
        ];
        world.srv.insert("_imaps._tcp.example.org".into(), records);
        check(&world, Some((Source::Srv, "imaps://a.example.org:1993", smtp)));
        let records = vec![record("s.example.org", 587, 0, 0)];
        world.srv.insert("_submission._tcp.example.org".into(), records);
        let smtp = Some("smtp://s.example.org:587");
        check(&world, Some((Source::Srv, "imaps://a.example.org:1993", smtp)));

        world.files.insert(ISPDB.into(), config("ispdb.example.org"));
        check(&world, Some((Source::Ispdb, "imaps://ispdb.example.org:993", smtp)));
        world.files.insert(WELL_KNOWN.into(), config("well.example.org"));
        check(&world, Some((Source::WellKnown, "imaps://well.example.org:993", smtp)));
    }
}

#[test]
fn who_takes_mail_in_says_whose_it_is() {
    let mut world = Script { mx: vec!["mx1.mail.hoster.example.".into()], ..Script::default() };
    check(&world, None);
    let ispdb = "https://autoconfig.thunderbird.net/v1.1/hoster.example";
    world.files.insert(ispdb.into(), config("imap.hoster.example"));
    check(&world, Some((Source::IspdbMx, "imaps://imap.hoster.example:993", None)));
    world.mx.push("aspmx.l.google.com".into());
    let smtp = Some("smtps://smtp.gmail.com:465");
    check(&world, Some((Source::KnownMx, "imaps://imap.gmail.com:993", smtp)));
    let followed = follow(&["a.b.c.d.e.f.example".into(), "x.example".into()]);
    assert_eq!(followed.len(), MAX_FOLLOWED);
}

#[test]
fn the_plan_asks_only_by_https_and_names_the_address_to_its_own_domain_alone() {
    let address = Address::parse("ann+x@example.org").unwrap();
    let urls = plan(&address).into_iter().filter_map(|ask| match ask {
        Ask::Fetch(_, url) => Some(url),
        _ => None,
    });
    for url in urls {
        let url = url::Url::parse(&url).unwrap();
        assert_eq!(url.scheme(), "https");
        let host = url.host_str().unwrap();
        let own = host == "example.org" || host.ends_with(".example.org");
        assert!(own || !url.as_str().contains("ann"), "{url}");
    }
}

#[test]
fn nothing_is_waited_for_that_could_not_change_the_choice() {
    let given = |source, order, protocol| {
        part(source, order, protocol, Server::new("x.example.org", 993, Security::Tls))
    };
    let ispdb = Ask::Fetch(Source::Ispdb, String::new());
    let both = [given(Source::Srv, 0, Protocol::Imap), given(Source::Srv, 0, Protocol::Smtp)];
    assert!(is_settled(&both, &[]));
    assert!(!is_settled(&both[..1], &[]), "where mail is sent is not known");
    assert!(!is_settled(&both, std::slice::from_ref(&ispdb)));
    let guess = Ask::Knock(Protocol::Imap, Server::new("x", 1, Security::Tls), 0);
    assert!(is_settled(&both, std::slice::from_ref(&guess)));
    let late = [given(Source::Guess, 3, Protocol::Imap), given(Source::Guess, 0, Protocol::Smtp)];
    assert!(!is_settled(&late, &[guess]), "a better guess may come");
}
