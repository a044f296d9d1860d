//! Mail in which everything that can name a place names a trap: whatever is done with it, nothing
//! is fetched, looked up or started.
//!
//! Invariant: the real program under `strace`: not one call to a socket of the internet, not one to
//! a file that names are resolved by, no other program. The same rules see it when there is a
//! reason to connect.

mod names;

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::binary::{BINARY, Home, finish};
use crate::support::dovecot::write_accounts;
use crate::support::mail::{Mail, mail};
use crate::support::pty::Pty;
use crate::support::{SCREEN_DEADLINE, wait_for};

/// How long one command may take under `strace`.
const LONG: Duration = Duration::from_mins(2);
/// Escape is told from an escape sequence by the pause behind it.
const PAUSE: Duration = Duration::from_millis(80);
/// The calls that are written down.
const CALLS: &str = "trace=network,open,openat,execve";
/// Files that names are resolved by.
const RESOLVERS: [&str; 7] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/libnss_",
    "/nscd/",
];

/// Fields of a header that name places.
const FIELDS: &str = "List-Unsubscribe: <@u>, <mailto:off@@h>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
List-Archive: <@u>
List-Help: <@u>
List-Post: <@u>
List-Subscribe: <@u>
Archived-At: <@u>
Disposition-Notification-To: <mdn@@h>
Return-Receipt-To: <mdn@@h>
X-Confirm-Reading-To: <mdn@@h>
Content-Location: @u
Content-Base: @u
BIMI-Location: v=BIMI1; l=@u; a=@u
X-Image-URL: @u
X-Face-URL: @u
Link: <@u>; rel=preload
Sender: <sender@@h>
Reply-To: <reply@@h>
Authentication-Results: @h; dkim=pass header.d=@h; spf=pass smtp.mailfrom=@h
DKIM-Signature: v=1; d=@h; s=x; q=dns/txt
Autocrypt: addr=a@@h; keydata=AAAA
OpenPGP: url=@u
X-Mailer-Update: @u";

/// Elements, attributes and styles that a browser would follow.
const PAGE: &str = "<?xml version=\"1.0\"?><?xml-stylesheet href=\"@u\" type=\"text/css\"?>\
<!DOCTYPE html PUBLIC \"x\" \"@u\" [<!ENTITY e SYSTEM \"@u\">]>\
<html manifest=\"@u\"><head><base href=\"@u\"><meta http-equiv=refresh content=\"0;url=@u\">\
<meta property=og:image content=\"@u\"><link rel=stylesheet href=\"@u\"><link rel=icon href=\"@u\">\
<link rel=preload as=image href=\"@u\"><link rel=dns-prefetch href=\"@u\">\
<link rel=preconnect href=\"@u\"><link rel=prefetch href=\"@u\"><script src=\"@u\"></script>\
<style>@import url(@u); @import \"@u\"; @font-face { font-family: x; src: url(@u) }\
body { background: url('@u'); list-style: url(@u); cursor: url(@u), auto; content: url(@u) }\
div { -moz-binding: url(@u); behavior: url(@u); filter: url(@u#x) }</style></head>\
<body background=\"@u\" style=\"background-image:url(@u)\"><p>seen @n &e;</p>\
<img src=\"@u\" srcset=\"@u 1x, @u 2x\" longdesc=\"@u\" usemap=\"@u\" lowsrc=\"@u\" dynsrc=\"@u\">\
<img src=\"@u\" width=1 height=1><picture><source srcset=\"@u\"></picture><img src=\"cid:1@@h\">\
<iframe src=\"@u\" srcdoc=\"<img src=@u>\"></iframe><object data=\"@u\" codebase=\"@u\"></object>\
<embed src=\"@u\"><applet code=\"@u\" archive=\"@u\"></applet><bgsound src=\"@u\">\
<video src=\"@u\" poster=\"@u\"><track src=\"@u\"></video><audio src=\"@u\" autoplay></audio>\
<table background=\"@u\"><tr><td background=\"@u\">cell</td></tr></table>\
<form action=\"@u\"><input type=image src=\"@u\" formaction=\"@u\"></form>\
<a href=\"@u\" ping=\"@u\">the link</a><area href=\"@u\"><q cite=\"@u\">q</q>\
<ins cite=\"@u\">i</ins>\
<svg><image href=\"@u\" xlink:href=\"@u\"/><use href=\"@u#x\"/><style>@import '@u';</style></svg>\
<math href=\"@u\"><mi>x</mi></math><v:fill src=\"@u\"/><noscript><img src=\"@u\"></noscript>\
<!--[if mso]><v:image src=\"@u\"/><![endif]--><portal src=\"@u\"></portal>\
<div style=\"background:url(@u)\" onclick=\"location='@u'\">the end of @n</div></body></html>";

/// Parts, by their header and what is in them.
const PARTS: [(&str, &str); 11] = [
    ("Content-Type: text/plain", "seen @n @u mailto:a@@h www.@h and <@u>"),
    ("Content-Type: text/html\nContent-Location: @u\nContent-Base: @u", PAGE),
    (
        "Content-Type: message/external-body; access-type=URL; URL=\"@u\"",
        "Content-Type: text/plain",
    ),
    (
        "Content-Type: message/external-body; access-type=anon-ftp; site=\"@h\"; name=x",
        "Content-Type: text/html\nContent-ID: <1@@h>",
    ),
    (
        "Content-Type: message/external-body; access-type=mail-server; server=\"x@@h\"",
        "Content-Type: text/plain\n\nsend me",
    ),
    (
        "Content-Type: text/xml; name=x.xml",
        "<?xml-stylesheet href='@u'?><!DOCTYPE a SYSTEM '@u'>\
         <a xmlns:xi='x'><xi:include href='@u'/></a>",
    ),
    (
        "Content-Type: image/svg+xml; name=x.svg\nContent-Disposition: inline",
        "<svg xmlns='http://www.w3.org/2000/svg'><image href='@u'/></svg>",
    ),
    (
        "Content-Type: text/calendar; method=REQUEST",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nATTACH:@u\nURL:@u\nORGANIZER:mailto:o@@h\n\
         END:VEVENT\nEND:VCALENDAR",
    ),
    ("Content-Type: text/vcard; name=x.vcf", "BEGIN:VCARD\nPHOTO;VALUE=uri:@u\nURL:@u\nEND:VCARD"),
    ("Content-Type: text/uri-list; name=x.url", "@u\n[InternetShortcut]\nURL=@u"),
    ("Content-Type: message/rfc822", "Subject: inner\nContent-Type: text/html\n\n<img src='@u'>"),
];

/// The traps on loopback: nobody may come to them.
struct Traps {
    four: TcpListener,
    six: Option<TcpListener>,
    names: UdpSocket,
}

impl Traps {
    fn set() -> Self {
        let four = TcpListener::bind("127.0.0.1:0").expect("a port");
        let six = TcpListener::bind("[::1]:0").ok();
        let names = UdpSocket::bind("127.0.0.1:0").expect("a port");
        four.set_nonblocking(true).expect("it is open");
        if let Some(six) = &six {
            six.set_nonblocking(true).expect("it is open");
        }
        names.set_nonblocking(true).expect("it is open");
        Self { four, six, names }
    }

    /// A message for each way to name a place, with that in every place that there is.
    fn messages(&self) -> Vec<Mail> {
        let port = |trap: &TcpListener| trap.local_addr().expect("it is open").port();
        let (four, names) = (port(&self.four), self.names.local_addr().expect("open").port());
        let six = self.six.as_ref().map_or(9, port);
        let ways = [
            (format!("http://127.0.0.1:{four}/a"), "127.0.0.1".to_owned()),
            (format!("https://[::1]:{six}/a"), "[IPv6:::1]".to_owned()),
            ("http://a.trap.test/a?b=c".to_owned(), "a.trap.test".to_owned()),
            ("//b.trap.test/a".to_owned(), "b.trap.test".to_owned()),
            (format!("ftp://user:pw@127.0.0.1:{names}/a"), "localhost".to_owned()),
            ("\\\\c.trap.test\\share\\a.png".to_owned(), "xn--e1afmkfd.trap.test".to_owned()),
        ];
        ways.iter().enumerate().map(|(n, (url, host))| everywhere(n, url, host)).collect()
    }

    fn assert_empty(&self) {
        let came = |trap: &TcpListener| match trap.accept() {
            Ok((_, from)) => Some(from),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                None
            }
        };
        assert_eq!((came(&self.four), self.six.as_ref().and_then(came)), (None, None));
        assert!(self.names.recv(&mut [0; 512]).is_err(), "a packet came");
    }
}

fn everywhere(n: usize, url: &str, host: &str) -> Mail {
    let name = format!("trap-{n}");
    let filled = |text: &str| {
        text.replace("@u", url)
            .replace("@@h", &format!("@{host}"))
            .replace("@h", host)
            .replace("@n", &name)
    };
    let parts: Vec<(String, String)> =
        PARTS.iter().map(|(head, body)| (filled(head), filled(body))).collect();
    let parts: Vec<(&str, &[u8])> =
        parts.iter().map(|(head, body)| (head.as_str(), body.as_bytes())).collect();
    let new = mail(&name).set("From", &filled("From <from@@h>"));
    let fields = filled(FIELDS);
    let fields = fields.lines().map(|line| line.split_once(": ").expect("a field"));
    fields.fold(new, |mail, (name, value)| mail.set(name, value)).parts(&parts)
}

/// The rest of a command line that runs the program under `strace`, whose notes go to `notes`.
fn traced(notes: &Path) -> Vec<String> {
    let notes = notes.display().to_string();
    ["strace", "-f", "-qq", "-s", "200", "-o", &notes, "-e", CALLS].map(str::to_owned).into()
}

/// Whether processes can be followed here; a line that says why not.
fn can_trace(home: &Home) -> bool {
    let notes = home.path("first");
    let words = traced(&notes);
    let ran = Command::new(&words[0]).args(&words[1..]).arg("true").output();
    let told = std::fs::read_to_string(&notes).is_ok_and(|notes| notes.contains("execve("));
    if ran.is_ok_and(|ran| ran.status.success()) && told {
        return true;
    }
    println!("skipped: strace cannot follow a process here");
    false
}

/// What the notes have that must not be: the net, names, other programs.
fn wrong(notes: &str, home: &Home) -> Vec<String> {
    let own = home.path("").display().to_string();
    let is_wrong = |line: &&str| {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let net = ["AF_INET", "AF_NETLINK", "AF_PACKET"].iter().any(|family| call.contains(family));
        let beside =
            call.starts_with("connect(") && call.contains("AF_UNIX") && !call.contains(&own);
        let started = call.starts_with("execve(") && !call.contains(BINARY);
        net || beside || started || RESOLVERS.iter().any(|file| call.contains(file))
    };
    notes.lines().filter(is_wrong).map(str::to_owned).collect()
}

/// Runs the program; its standard output, and what it did that must not be.
fn run(home: &Home, args: &[&str], code: Option<i32>) -> (String, Vec<String>) {
    let notes = home.path("notes");
    let words = traced(&notes);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(BINARY).arg("--data-dir").arg(home.data()).args(args);
    command.env_clear().envs(home.environment()).current_dir(home.path(""));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = finish(command.spawn().expect("strace starts"), args.join(" "), LONG);
    assert!(code.is_none() || run.status.code() == code, "{run}");
    let told = std::fs::read_to_string(&notes).expect("notes");
    assert!(told.contains("execve("), "nothing was written down: {run}");
    (String::from_utf8_lossy(&run.stdout).into_owned(), wrong(&told, home))
}

#[test]
fn commands_fetch_nothing_that_mail_names() {
    let home = Home::new();
    if !can_trace(&home) {
        return;
    }
    let traps = Traps::set();
    for (n, message) in traps.messages().into_iter().enumerate() {
        message.write(&home.path(&format!("Mail/{n}.eml")));
    }
    let check = |args: &[&str]| {
        let (out, wrong) = run(&home, args, Some(0));
        assert_eq!(wrong, Vec::<String>::new(), "{args:?}");
        out
    };
    check(&["import", "Mail"]);
    let threads = home.threads("anywhere");
    assert!(threads.len() >= 6, "{threads:?}");
    let found = check(&["search", "trap.test", "--json"]);
    assert!(found.lines().count() >= 3, "{found}");
    for args in [&["list"][..], &["labels"], &["doctor"], &["export", "--maildir", "out"]] {
        check(args);
    }
    for thread in &threads {
        let shown = check(&["show", thread, "--json"]);
        assert!(shown.contains("the end of trap-") && shown.contains("inner"), "{shown}");
        check(&["reply", thread, "--body", "An answer."]);
        check(&["forward", thread, "--to", "eve@example.org", "--body", "See."]);
    }
    assert_eq!(home.json(&["drafts"]).len(), 2 * threads.len());
    traps.assert_empty();
}

#[test]
fn a_terminal_fetches_nothing_that_mail_names() {
    let home = Home::new();
    if !can_trace(&home) {
        return;
    }
    let traps = Traps::set();
    let messages = traps.messages();
    for (n, message) in messages.iter().enumerate() {
        message.write(&home.path(&format!("Mail/{n}.eml")));
    }
    home.import(&home.path("Mail"));
    let notes = home.path("notes");
    let script = format!("exec {} \"$MAILTUI\" --data-dir \"$DATA\"", traced(&notes).join(" "));
    let mut pty = Pty::shell(&home, (100, 30), &script);
    let escape = |pty: &mut Pty| {
        pty.press("\u{1b}");
        std::thread::sleep(PAUSE);
    };
    pty.wait_text("trap-0");
    for _ in &messages {
        pty.press("\r");
        pty.wait_text("reply to reply@");
        pty.press("\u{4}\u{4}G");
        pty.press("L");
        pty.wait_text("links");
        escape(&mut pty);
        pty.press("f");
        pty.wait_text("Fwd: trap-");
        pty.press("eve@example.org");
        pty.wait_text("eve@example.org");
        escape(&mut pty);
        pty.wait("the message again", |screen| !screen.contains("Fwd: trap-"));
        pty.press("u");
        pty.wait_text("Drafts");
        pty.press("j");
    }
    // It ends when all drafts are kept, and says so where that is not yet.
    let ended = wait_for(SCREEN_DEADLINE, || {
        pty.try_press("q");
        std::thread::sleep(PAUSE);
        pty.has_ended().then_some(())
    });
    assert!(ended.is_some() && pty.wait_end() == 0, "{}", pty.screen());
    let told = std::fs::read_to_string(&notes).expect("notes");
    assert!(told.contains("execve("), "nothing was written down");
    assert_eq!(wrong(&told, &home), Vec::<String>::new());
    traps.assert_empty();
}

#[test]
fn what_connects_and_looks_up_is_seen() {
    let home = Home::new();
    if !can_trace(&home) {
        return;
    }
    let traps = Traps::set();
    std::fs::write(home.path("pw"), "secret").expect("written");
    std::fs::set_permissions(home.path("pw"), PermissionsExt::from_mode(0o600)).expect("its own");
    let port = traps.four.local_addr().expect("it is open").port();
    let pw = home.path("pw");
    let account = |name: &str, host: &str| {
        let pw = pw.display();
        format!(
            "[accounts.{name}]\naddress = \"{name}@example.org\"\nimap = \"imaps://{host}\"\n\
             password = {{ file = \"{pw}\" }}\n"
        )
    };
    // Nobody answers a connection that is refused at once; that of the other is looked up in vain.
    drop(traps);
    let file = account("a", &format!("127.0.0.1:{port}")) + &account("b", "d.trap.test:993");
    write_accounts(&home, &file);
    let (_, seen) = run(&home, &["--sync-only", "--json"], None);
    let all = seen.join("\n");
    assert!(all.contains(&format!("htons({port})")) && all.contains("connect("), "{all}");
    assert!(RESOLVERS.iter().any(|file| all.contains(file)), "no look-up is seen:\n{all}");
}
