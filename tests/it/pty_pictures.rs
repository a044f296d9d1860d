//! Pictures of a message in the program in a terminal: as cells, by the terminal's own protocol,
//! and those that lie about what they are.
//!
//! Invariant: a picture is shown when a key asks for it and never before; what is no picture is a
//! line, and the program goes on.

use crate::support::binary::Home;
use crate::support::mail::mail;
use crate::support::pty::Pty;

/// 24 by 16 pixels, all red.
const RED: &str = "iVBORw0KGgoAAAANSUhEUgAAABgAAAAQCAIAAACDRijCAAAAGklEQVR42mP4ICBAFcQwatCoQaMGjRp\
    EGQIASyyYEDCj5ZEAAAAASUVORK5CYII=";
/// It says that it is 60000 by 60000 pixels.
const BOMB: &str = "iVBORw0KGgoAAAANSUhEUgAA6mAAAOpgCAIAAAAPsOIVAAAADElEQVR42mP4\
    ICAAAAMEARHCKDKAAAAAAElFTkSuQmCC";

/// A page with a picture in it, and one attached that is a bomb.
fn home() -> Home {
    let part = |fields: &str, base64: &str| {
        format!("--x\nContent-Type: {fields}\nContent-Transfer-Encoding: base64\n\n{base64}\n")
    };
    let page = "--x\nContent-Type: text/html\n\n<p>Look <img src='cid:a@b' alt='A red sky'></p>\n";
    let inside = part("image/png\nContent-ID: <a@b>\nContent-Disposition: inline", RED);
    let bomb = part("image/png; name=bomb.png\nContent-Disposition: attachment", BOMB);
    let body = format!("{page}{inside}{bomb}--x--\n");
    let home = Home::new();
    let mail = mail("a-picture").set("Content-Type", "multipart/related; boundary=x");
    mail.body(&body).write(&home.path("m.eml"));
    home.import(&home.path("m.eml"));
    home
}

fn reading(home: &Home, environment: &[(&str, &str)]) -> Pty {
    let mut pty = Pty::start_in(home, (80, 24), environment, &[]);
    pty.wait_text("a-picture");
    pty.press("\r");
    let screen = pty.wait_text("1 picture inside, P shows");
    assert!(screen.contains("Look [image: A red sky]"), "{screen}");
    pty
}

fn holds(bytes: &[u8], piece: &str) -> bool {
    bytes.windows(piece.len()).any(|bytes| bytes == piece.as_bytes())
}

#[test]
fn pictures_of_a_message_are_seen_one_after_the_other() {
    let home = home();
    let mut pty = reading(&home, &[("COLORTERM", "truecolor"), ("TERM", "xterm-256color")]);
    let red = "48;2;240;16;16";
    assert!(!holds(&pty.bytes(), red));
    pty.press("P");
    pty.wait_text("24 × 16, PNG");
    assert!(holds(&pty.bytes(), red), "its colour is behind cells");
    pty.press("n");
    let screen = pty.wait_text("more than is read here");
    assert!(screen.contains("bomb.png (2 of 2"), "{screen}");
    pty.press("n");
    pty.wait_text("24 × 16, PNG");
    pty.resize((60, 20));
    pty.wait("it again", |screen| screen.contains("24 × 16, PNG") && screen.lines().count() <= 20);
    pty.press("q");
    pty.press("A");
    pty.wait_text("1 attachment");
    pty.press("v");
    pty.wait_text("more than is read here");
    pty.press("\u{1b}");
    pty.wait("the reader", |screen| !screen.contains("1 attachment"));
    pty.press("q");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}

#[test]
fn a_terminal_that_draws_pictures_draws_it_and_takes_it_away() {
    let home = home();
    let mut pty = reading(&home, &[("TERM", "xterm-kitty")]);
    assert!(!holds(&pty.bytes(), "\x1b_G"), "nothing before it is asked for");
    pty.press("P");
    pty.wait_text("24 × 16, PNG");
    let drawn = || holds(&pty.bytes(), "\x1b_Ga=T,f=100,").then_some(());
    assert!(crate::support::wait_for(crate::support::SCREEN_DEADLINE, drawn).is_some());
    assert!(!holds(&pty.bytes(), "\x1b_Ga=d"));
    pty.press("q");
    pty.wait_text("P shows");
    assert!(holds(&pty.bytes(), "\x1b_Ga=d,d=I,"));
    pty.press("q");
    pty.press("q");
    assert_eq!(pty.wait_end(), 0);
}
