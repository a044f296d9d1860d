//! Searching in a real terminal beside a backend on another machine: what it holds and the device
//! does not is found there, marked, and opened.

use crate::support::binary::{Home, finish};
use crate::support::mail::{mail, write};
use crate::support::pty::Pty;
use crate::support::serve::Serve;
use crate::support::{RUN_DEADLINE, SCREEN_DEADLINE, wait_for};

/// How many conversations there are: more than are loaded ahead around the cursor.
const MANY: usize = 30;

/// A backend with mail, and a device that keeps so much of it.
fn pair(keep: &str) -> (Serve, Home) {
    let (serve, sender, device) = (Serve::start(), Home::new(), Home::new());
    for n in 0..MANY {
        let one = mail(&format!("n{n}")).at(10 + i64::try_from(n).expect("few"));
        let one = one.set("Subject", &format!("Letter {n:02}"));
        let one = one.body(format!("The zeppelin of berth {n:02} rises\n"));
        write(&sender.path(&format!("box/{n}.eml")), &one.bytes());
    }
    serve.run(&sender, &["import", "box"]).ok();
    serve.run(&device, &["device", "keep", keep]).ok();
    serve.sync(&device);
    // All is in its index.
    let found = serve.home().run(&["search", "zeppelin", "--json"]).ok();
    assert_eq!(found.lines().len(), MANY, "{found}");
    (serve, device)
}

fn open(serve: &Serve, device: &Home) -> Pty {
    let (url, token) = (serve.url(), serve.token_file().display().to_string());
    let pty = Pty::start(device, (140, 30), &["--backend", &url, "--token-file", &token]);
    pty.wait("the inbox", |screen| screen.contains("Letter 29"));
    pty
}

#[test]
fn what_the_backend_holds_is_found_marked_and_opened() {
    let (mut serve, device) = pair("none");
    let mut pty = open(&serve, &device);
    pty.press("/");
    pty.press("zeppelin*");
    let found = |screen: &str| {
        screen.contains("with what the backend holds") && screen.matches('⇅').count() > 5
    };
    let screen = pty.wait("what is there, with the lines where it stands", found);
    assert!(screen.contains("Letter 20  ⇅ The zeppelin of berth 20 rises"), "{screen}");
    assert!(screen.find("Letter 29") < screen.find("Letter 20"), "the newest first: {screen}");
    pty.press("\r");
    pty.press("G");
    pty.wait_text("Letter 00");
    pty.press("\r");
    pty.wait_text("u back");
    pty.wait_text("The zeppelin of berth 00 rises");
    pty.press("u");
    // Without it, it is said what is searched; once it is there again, it is asked again.
    serve.stop();
    pty.wait("the loss", |screen| !screen.contains("online · remote"));
    pty.press("/");
    pty.press("\u{15}");
    pty.press("berth");
    pty.wait_text("only what is on this device");
    serve.restart();
    pty.wait_text("with what the backend holds");
    pty.press("\u{1b}");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    device.assert_healthy("a search at the backend");
}

#[test]
fn what_is_here_is_one_row_with_what_is_there() {
    let (serve, device) = pair("newest:10");
    let mut pty = open(&serve, &device);
    pty.press("/");
    pty.press("zeppelin*");
    let screen = pty.wait("both", |screen| {
        screen.contains("with what the backend holds") && screen.contains("30 conversations")
    });
    assert_eq!(screen.matches("Letter 25").count(), 1, "{screen}");
    pty.wait("what is here is not marked", |screen| {
        screen.contains("Letter 21  The zeppelin") && screen.contains("Letter 12  ⇅ The zeppelin")
    });
    pty.press("\u{1b}");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

#[test]
fn places_are_asked_of_what_the_backend_holds() {
    let (serve, device) = pair("none");
    for (query, count) in [("zeppelin in:inbox", MANY), ("in:inbox", MANY), ("in:trash", 0)] {
        let found = serve.run(&device, &["search", query, "--limit", "0", "--json"]).ok();
        assert_eq!(found.lines().len(), count, "{query}: {found}");
    }
}

/// What a command prints of a search, on a device whose directory nobody else has, or somebody.
fn searched(serve: &Serve, device: &Home, args: &[&str]) -> (Vec<u8>, String) {
    let run = serve.run(device, &[&["search"], args].concat()).ok();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    (run.stdout, said)
}

#[test]
fn a_command_finds_the_same_while_the_terminal_is_open() {
    let (mut serve, device) = pair("newest:10");
    let asked: [&[&str]; 4] = [
        &["zeppelin", "--limit", "0"],
        &["zeppelin", "--limit", "0", "--json"],
        &["zeppelin", "--limit", "15", "--json"],
        &["berth 0*", "--by", "relevance", "--json"],
    ];
    let all = || asked.map(|args| searched(&serve, &device, args));
    let alone = all();
    assert_eq!(String::from_utf8_lossy(&alone[1].0).lines().count(), MANY);
    let mut pty = open(&serve, &device);
    pty.wait_text("online · remote");
    assert!(all() == alone, "the same bytes and nothing else to say: {:?}", all()[0]);
    // What the terminal searches is its own, and stays.
    pty.press("/");
    pty.press("zeppelin*");
    pty.wait("both", |screen| {
        screen.contains("with what the backend holds") && screen.contains("30 conversations")
    });
    assert!(all() == alone, "beside a search on the screen");
    pty.wait("what was found there", |screen| screen.contains("30 conversations"));
    pty.press("\u{1b}");
    // Without a backend the owner cannot ask it, and that is said.
    serve.stop();
    pty.wait("the loss", |screen| !screen.contains("online · remote"));
    let (found, said) = searched(&serve, &device, &["zeppelin", "--limit", "0", "--json"]);
    assert_eq!(String::from_utf8_lossy(&found).lines().count(), 10);
    assert!(said.contains("kept-only") && !said.contains("another mailtui"), "{said}");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
    device.assert_healthy("searches beside a terminal");
}

#[test]
fn a_command_finds_the_same_beside_a_device_without_a_screen() {
    let (serve, device) = pair("none");
    let alone = searched(&serve, &device, &["zeppelin", "--limit", "0", "--json"]);
    let watch = serve.command(&device, &["--sync-only", "--watch"]).spawn();
    let mut watch = watch.expect("it starts");
    let socket = device.data().join("socket");
    let heard = wait_for(SCREEN_DEADLINE, || socket.exists().then_some(()));
    assert!(heard.is_some(), "it hears nobody");
    let commands: Vec<_> = (0..4)
        .map(|_| {
            let args = ["search", "zeppelin", "--limit", "0", "--json"];
            serve.command(&device, &args).spawn().expect("it starts")
        })
        .collect();
    for command in commands {
        let run = finish(command, "search".to_owned(), RUN_DEADLINE).ok();
        assert!(run.stdout == alone.0 && run.stderr.is_empty(), "each is answered: {run}");
    }
    let _ = watch.kill();
    watch.wait().expect("waitable");
}
