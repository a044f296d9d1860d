//! Searching in a real terminal beside a backend on another machine: what it holds and the device
//! does not is found there, marked, and opened.

use crate::support::binary::Home;
use crate::support::mail::{mail, write};
use crate::support::pty::Pty;
use crate::support::serve::Serve;

/// Two mails; the device keeps the newer one, once it has read it, or none.
fn pair(keep: &str) -> (Serve, Home) {
    let (mut serve, sender, device) = (Serve::start(), Home::new(), Home::new());
    for (at, subject, body) in [
        (10, "Garden plans", "Seeds and the zeppelin\n"),
        (20, "Minutes", "Of zeppelins, and lunch\n"),
    ] {
        let name = format!("box/{at}.eml");
        write(
            &sender.path(&name),
            &mail(subject).at(at).set("Subject", subject).body(body).bytes(),
        );
    }
    serve.run(&sender, &["import", "box"]).ok();
    serve.run(&device, &["device", "keep", keep]).ok();
    serve.sync(&device);
    // All is in its index.
    let found = serve.home().run(&["search", "zeppelin", "--json"]).ok();
    assert_eq!(found.lines().len(), 1, "{found}");
    (serve, device)
}

fn open(serve: &Serve, device: &Home) -> Pty {
    let (url, token) = (serve.url(), serve.token_file().display().to_string());
    let pty = Pty::start(device, (110, 24), &["--backend", &url, "--token-file", &token]);
    pty.wait("the inbox", |screen| screen.contains("Garden") && screen.contains("Minutes"));
    pty
}

#[test]
fn what_the_backend_holds_is_found_marked_and_opened() {
    let (mut serve, device) = pair("none");
    let mut pty = open(&serve, &device);
    pty.press("/");
    pty.press("zeppelin*");
    let found = |screen: &str| {
        screen.contains("with what the backend holds") && screen.matches('⇅').count() == 3
    };
    let screen = pty.wait("both, with the lines where it stands", found);
    assert!(screen.contains("⇅ Seeds and the zeppelin"), "{screen}");
    assert!(screen.find("Minutes") < screen.find("Garden"), "the newest first: {screen}");
    pty.press("\r");
    pty.press("j\r");
    pty.wait_text("Seeds and the zeppelin");
    pty.press("u");
    // Without it, it is said what is searched; once it is there again, it is asked again.
    serve.stop();
    pty.wait("the loss", |screen| !screen.contains("online · remote"));
    pty.press("/");
    pty.press("\u{15}");
    pty.press("minut");
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
    let (serve, device) = pair("newest:1");
    let mut pty = open(&serve, &device);
    pty.press("/");
    pty.press("zeppelin*");
    let found = |screen: &str| {
        screen.contains("with what the backend holds") && screen.matches('⇅').count() == 2
    };
    let screen = pty.wait("both", found);
    assert!(screen.contains("2 conversations"), "{screen}");
    pty.press("\u{1b}");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}
