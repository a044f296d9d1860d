//! The tour of the sample mailbox in a real terminal: five steps, done with the keys that it names.

use crate::support::binary::Home;
use crate::support::pty::Pty;

/// What is pressed, and what the screen says then.
const WALK: [(&str, &str); 13] = [
    ("j", "✓ j k move"),
    ("\r", "▸ u back"),
    ("u", "Tour 2 of 5"),
    ("e", "▸ z undo"),
    ("z", "Tour 3 of 5"),
    ("x", "▸ x select 2"),
    ("jx", "▸ l label"),
    ("l", "Label 2 conversations"),
    ("\r", "Tour 4 of 5"),
    ("gs", "▸ g i back"),
    ("gi", "Tour 5 of 5"),
    ("?", "Keys"),
    ("\x1b", "Tour done"),
];

#[test]
fn the_tour_is_walked_with_the_keys_that_it_names() {
    for size in [(80, 24), (40, 10)] {
        let home = Home::new();
        let mut pty = Pty::start(&home, size, &["demo"]);
        pty.wait("the first step", |screen| {
            screen.contains("Tour 1 of 5") && screen.contains("▸ j k move") && screen.contains("●")
        });
        for (keys, shown) in WALK {
            pty.press(keys);
            pty.wait_text(shown);
        }
        let own = pty.wait_text("mailtui import PATH");
        assert!(own.contains("quit"), "{own}");
        pty.press("T");
        pty.wait("no panel", |screen| !screen.contains("Tour"));
        pty.press("T");
        pty.wait_text("Tour 1 of 5");
        pty.press(">");
        pty.wait_text("Tour 2 of 5");
        pty.press("q");
        assert_eq!(pty.wait_end(), 0);
    }
}
