//! The same mail where every name is asked of the test's own resolver: nothing is.
//!
//! Invariant: the program runs in a mount namespace of its own, in which the system's list of name
//! servers is ours; what asks for a name there is heard, which is shown by something that has a
//! reason to ask. Skipped, with a line, where there is no such namespace or no port 53.

use std::net::UdpSocket;
use std::process::{Command, Stdio};

use super::{LONG, PAUSE, Traps, write_accounts};
use crate::support::binary::{BINARY, Home, finish};
use crate::support::pty::Pty;
use crate::support::{SCREEN_DEADLINE, wait_for};

/// Where the resolver is, on loopback: any address there is ours, and hardly anybody else's.
const RESOLVER: &str = "127.53.53.53";
/// What is put over the system's files inside.
const INSIDE: &str = "mount --bind \"$1\" /etc/resolv.conf && mount --bind \"$2\" \
                      /etc/nsswitch.conf && shift 2 && exec \"$@\"";

struct Resolver {
    socket: UdpSocket,
    words: Vec<String>,
}

impl Resolver {
    /// The resolver, and the words that run a program before its eyes.
    fn start(home: &Home) -> Option<Self> {
        let Ok(socket) = UdpSocket::bind((RESOLVER, 53)) else {
            println!("skipped: port 53 cannot be had here");
            return None;
        };
        socket.set_nonblocking(true).expect("it is open");
        let file = |name: &str, text: &str| {
            std::fs::write(home.path(name), text).expect("written");
            home.path(name).display().to_string()
        };
        let lines = format!("nameserver {RESOLVER}\noptions timeout:1 attempts:1\n");
        let servers = file("resolv.conf", &lines);
        let order = file("nsswitch.conf", "hosts: files dns\n");
        let words = ["unshare", "-rm", "sh", "-c", INSIDE, "sh", &servers, &order];
        let words: Vec<String> = words.map(str::to_owned).into();
        let ran = Command::new(&words[0]).args(&words[1..]).arg("true").output();
        if !ran.is_ok_and(|ran| ran.status.success()) {
            println!("skipped: there is no mount namespace here");
            return None;
        }
        Some(Self { socket, words })
    }

    fn run(&self, home: &Home, args: &[&str], code: Option<i32>) -> String {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).arg(BINARY).arg("--data-dir").arg(home.data()).args(args);
        command.env_clear().envs(home.environment()).current_dir(home.path(""));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let run = finish(command.spawn().expect("unshare starts"), args.join(" "), LONG);
        assert!(code.is_none() || run.status.code() == code, "{run}");
        String::from_utf8_lossy(&run.stdout).into_owned()
    }

    /// What was asked since the last time, as far as it can be read.
    fn asked(&self) -> Vec<String> {
        let mut packet = [0; 512];
        let mut asked = Vec::new();
        while let Ok(length) = self.socket.recv(&mut packet) {
            asked.push(String::from_utf8_lossy(&packet[..length]).into_owned());
        }
        asked
    }
}

#[test]
fn no_name_that_mail_has_is_asked_for() {
    let home = Home::new();
    let Some(resolver) = Resolver::start(&home) else { return };
    let traps = Traps::set();
    let messages = traps.messages();
    for (n, message) in messages.iter().enumerate() {
        message.write(&home.path(&format!("Mail/{n}.eml")));
    }
    resolver.run(&home, &["import", "Mail"], Some(0));
    for args in [&["list"][..], &["search", "trap.test"], &["export", "--maildir", "out"]] {
        resolver.run(&home, args, Some(0));
    }
    for thread in home.threads("anywhere") {
        let shown = resolver.run(&home, &["show", &thread, "--json"], Some(0));
        assert!(shown.contains("the end of trap-"), "{shown}");
    }
    let words: Vec<String> = resolver.words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!("exec {} \"$MAILTUI\" --data-dir \"$DATA\"", words.join(" "));
    let mut pty = Pty::shell(&home, (100, 30), &script);
    pty.wait_text("trap-0");
    for _ in &messages {
        pty.press("\r");
        pty.wait_text("reply to reply@");
        pty.press("P");
        pty.wait_text("cannot be shown");
        pty.press("q");
        pty.press("A");
        pty.wait_text("attachments");
        pty.press("\u{1b}");
        std::thread::sleep(PAUSE);
        pty.press("u");
        pty.wait("the list", |screen| !screen.contains("reply to reply@"));
        pty.press("j");
    }
    let ended = wait_for(SCREEN_DEADLINE, || {
        pty.try_press("q");
        std::thread::sleep(PAUSE);
        pty.has_ended().then_some(())
    });
    assert!(ended.is_some() && pty.wait_end() == 0, "{}", pty.screen());
    assert_eq!(resolver.asked(), Vec::<String>::new());
    traps.assert_empty();
    // What has a reason to ask is heard.
    let account = "[accounts.d]\naddress = \"d@example.org\"\nimap = \"imaps://d.trap.test:993\"\n\
                   password = { command = [\"echo\", \"x\"] }\n";
    write_accounts(&home, account);
    resolver.run(&home, &["--sync-only", "--json"], None);
    let asked = resolver.asked();
    assert!(asked.iter().any(|packet| packet.contains("trap")), "{asked:?}");
}
