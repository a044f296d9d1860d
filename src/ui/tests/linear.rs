//! The interface as lines: what is said, and what a typed line is.

use crate::engine::handle::Update;
use crate::notice::Notice;
use crate::ui::app::Message;
use crate::ui::double::Double;
use crate::ui::harness::Screen;
use crate::ui::linear::{self, Said};

struct Lines {
    screen: Screen,
    said: Said,
}

impl Lines {
    fn new(double: Double) -> Self {
        let mut screen = Screen::new(double, linear::SIZE.0, linear::SIZE.1);
        linear::begin(&mut screen.model);
        screen.send(Message::Resize(linear::SIZE.0, linear::SIZE.1));
        Self { screen, said: Said::default() }
    }

    /// Types a line; what is said then.
    fn type_line(&mut self, line: &str) -> Vec<String> {
        for key in linear::keys(&self.screen.model, line) {
            self.screen.send(Message::Key(key));
        }
        self.hear()
    }

    fn hear(&mut self) -> Vec<String> {
        let lines = linear::changed(&self.screen.model, &mut self.said);
        for line in &lines {
            assert!(!line.contains(char::is_control), "{line:?}");
        }
        lines
    }
}

#[test]
fn one_hears_where_one_is_and_nothing_twice() {
    let mut lines = Lines::new(Double::sample());
    assert_eq!(
        lines.hear(),
        [
            "Inbox: 14 conversations, 3 unread",
            "1: unread, with files, Ann Example, Quarterly numbers, 3 messages, 09:29, label Work"
        ]
    );
    assert_eq!(lines.hear(), [""; 0]);
    let second = "2: starred, Bob, Carla, Me, Lunch on Friday?, 5 messages, 08:06";
    assert_eq!(lines.type_line("j"), [second]);
    assert_eq!(lines.type_line("select"), [second.replace("starred", "selected, starred")]);
    assert_eq!(lines.type_line("x"), [second]);
}

#[test]
fn what_is_done_is_said_with_the_key_that_undoes_it() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    for typed in ["e", ":archive", "archive"] {
        lines.type_line("g g");
        let said = lines.type_line(typed);
        assert!(said[0].contains("; z undoes"), "{typed}: {said:?}");
        assert!(said.iter().any(|line| line.starts_with("Inbox: 13 conversations")), "{said:?}");
        assert!(said.iter().any(|line| line.starts_with("1: starred, Bob")), "{said:?}");
        let said = lines.type_line("undo");
        assert!(said[1..].iter().any(|line| line.starts_with("Inbox: 14")), "{said:?}");
        // Where one was, one stays: below what came back.
        lines.type_line("gg");
    }
    // A slip of the hand is a word that is no command, and not seven keys.
    let log = lines.screen.double.log.len();
    let said = lines.type_line("archvie");
    assert!(said[0].contains("There is no command archvie"), "{said:?}");
    assert_eq!(lines.screen.double.log.len(), log);
    let said = lines.type_line("gs");
    assert!(said[0].starts_with("Starred"), "{said:?}");
    lines.type_line("g i");
    let wrong = Notice::error("disk", "the disk is full", "make room");
    lines.screen.send(Message::Engine(Box::new(Update::Notice(wrong))));
    assert_eq!(lines.hear()[0], "error: the disk is full; make room");
}

#[test]
fn a_conversation_is_read_and_left() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    lines.type_line("j");
    let said = lines.type_line("");
    assert!(said.iter().any(|line| line.contains("Lunch on Friday?")), "{said:?}");
    assert!(said.len() > 4, "its text: {said:?}");
    let said = lines.type_line("u");
    assert!(said.last().is_some_and(|line| line.starts_with("2: ")), "{said:?}");
}

#[test]
fn a_box_is_said_and_takes_a_line() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    let said = lines.type_line("label");
    assert!(said.iter().any(|line| line.contains("Travel")), "{said:?}");
    let said = lines.type_line("travel").join("\n");
    assert!(said.contains("label Travel"), "{said}");
    let said = lines.type_line("help");
    assert!(said.iter().any(|line| line.contains("Archive")), "{said:?}");
    lines.type_line("esc");
    let said = lines.type_line("/lunch");
    assert!(said.iter().any(|line| line.contains("Lunch on Friday?")), "{said:?}");
}

#[test]
fn every_script_is_said_without_what_moves_a_terminal() {
    let mut lines = Lines::new(Double::scripts());
    lines.hear();
    for typed in ["j", "", "u", "j", "", "u", "g h", "esc", "g S", "esc", "g d", "g i"] {
        lines.type_line(typed);
    }
}
