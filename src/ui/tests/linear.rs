//! The interface as lines: what is said, and what a typed line is.

use crate::command::context::Context;
use crate::command::intent::Intent;
use crate::engine::handle::Update;
use crate::notice::Notice;
use crate::ui::app::Message;
use crate::ui::double::Double;
use crate::ui::harness::Screen;
use crate::ui::linear::{self, Said};
use crate::ui::linear_write;

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
        if self.screen.model.context() == Context::Compose {
            let (effects, mut said) = linear_write::type_line(&mut self.screen.model, line);
            self.screen.follow(effects);
            said.extend(self.hear());
            return said;
        }
        match linear::keys(&self.screen.model, line) {
            Ok(keys) => {
                for key in keys {
                    self.screen.send(Message::Key(key));
                }
                self.hear()
            }
            Err(said) => vec![said],
        }
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
fn a_command_where_none_can_be_typed_does_nothing_and_that_is_said() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    lines.type_line("");
    let mut boxes = 0;
    for opens in ["links", "attachments", "accounts", "help", "statistics", "notices"] {
        lines.type_line(opens);
        let context = lines.screen.model.context();
        if context == Context::Reader {
            continue; // nothing to show
        }
        boxes += 1;
        let (asked, before) = (lines.screen.desk.len(), format!("{:?}", lines.screen.model.layers));
        for slip in ["foo", "archive", ":archive", "read", "/x y", "label Work"] {
            let said = lines.type_line(slip);
            assert!(said[0].starts_with("no keys of this box: "), "{opens}, {slip}: {said:?}");
            assert_eq!(format!("{:?}", lines.screen.model.layers), before, "{opens}, {slip}");
        }
        assert_eq!((lines.screen.desk.len(), lines.screen.model.context()), (asked, context));
        lines.type_line("esc");
    }
    assert!(boxes > 2, "{boxes}");
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

fn drafts(lines: &Lines) -> Vec<crate::mail::compose::Draft> {
    let saves = lines.screen.double.log.iter().filter_map(|intent| match intent {
        Intent::SaveDraft { draft, .. } => Some((**draft).clone()),
        _ => None,
    });
    saves.collect()
}

#[test]
fn a_message_is_written_and_kept_by_lines() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    let said = lines.type_line("compose").join("\n");
    assert!(said.contains("To: nobody yet") && said.contains(".help"), "{said}");
    // What looks like a key, a command or a search is text.
    for text in ["Dear Bob,", "", "e", "archive", "  /lunch", "..hidden", "esc"] {
        assert_eq!(lines.type_line(text), [""; 0], "{text:?}");
    }
    assert_eq!(lines.type_line(".to bob@example.org")[..1], ["To: bob@example.org"]);
    assert_eq!(lines.type_line(".subject Lunch: Friday")[..1], ["Subject: Lunch: Friday"]);
    assert_eq!(lines.type_line(".nothing"), ["There is no .nothing; .help lists what is"]);
    assert_eq!(lines.type_line(".to"), [".to takes ADDRESSES"]);
    assert_eq!(lines.type_line(".send now"), [".send takes no words"]);
    lines.type_line("oops");
    lines.type_line(".undo");
    let all = lines.type_line(".show").join("\n");
    assert!(all.contains("archive\n  /lunch\n.hidden\nesc") && !all.contains("oops"), "{all}");
    assert!(drafts(&lines).is_empty());
    let said = lines.type_line(".keep").join("\n");
    assert!(said.contains("Kept as a draft"), "{said}");
    let kept = drafts(&lines);
    assert_eq!(
        (kept[0].to.as_str(), kept[0].subject.as_str()),
        ("bob@example.org", "Lunch: Friday")
    );
    assert!(kept[0].body.starts_with("Dear Bob,\n\ne\narchive\n  /lunch\n.hidden\nesc\n"));
    assert!(lines.screen.double.log.len() == 1, "nothing else was done");
}

#[test]
fn what_is_written_is_sent_by_lines_after_the_box_asked_when() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    lines.type_line("compose");
    lines.type_line("Hello");
    let said = lines.type_line(".send").join("\n");
    assert!(said.contains("warning: Nobody to send it to"), "{said}");
    lines.type_line(".to half an addr");
    let said = lines.type_line(".send").join("\n");
    assert!(said.contains("not sent: mend it first"), "{said}");
    lines.type_line(".to bob@example.org");
    // A text goes on where it was, not into the field that was wrong.
    lines.type_line("World");
    let said = lines.type_line(".send").join("\n");
    assert!(said.contains("bob@example.org"), "the box says to whom: {said}");
    // Without a subject the first choice is to go back.
    lines.type_line("");
    let sent = |lines: &Lines| {
        lines.screen.double.log.iter().filter(|intent| matches!(intent, Intent::Send(_))).count()
    };
    assert_eq!((sent(&lines), lines.screen.model.context()), (0, Context::Compose));
    lines.type_line(".subject Hi");
    lines.type_line(".send");
    lines.type_line("");
    assert_eq!(sent(&lines), 1);
    assert_eq!(drafts(&lines).last().unwrap().body, "Hello\nWorld\n");
    assert_ne!(lines.screen.model.context(), Context::Compose);
}

#[test]
fn an_answer_begins_with_who_gets_it_and_is_thrown_away_by_lines() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    lines.type_line("");
    let said = lines.type_line("reply").join("\n");
    assert!(
        said.contains("Answer") && said.contains("To: ") && said.contains("Subject: Re:"),
        "{said}"
    );
    lines.type_line("Yes.");
    lines.type_line(".discard");
    assert_eq!(lines.screen.model.context(), Context::Reader);
}

#[test]
fn hostile_lines_are_text_of_the_message_and_harmless() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    lines.type_line("compose");
    lines.type_line("\u{1b}]0;x\u{7}\u{202e}evil");
    lines.type_line(".subject \u{1b}[31m\u{9b}2J");
    lines.type_line(".\u{1b}[2J");
    for line in lines.type_line(".show") {
        assert!(!line.contains(char::is_control) && !line.contains('\u{202e}'), "{line:?}");
    }
}

#[test]
fn what_the_cursor_is_on_in_a_box_is_said() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    let said = lines.type_line("move");
    assert!(said.iter().any(|line| line == "here: Archive"), "{said:?}");
    lines.type_line("esc");
    lines.type_line("snooze");
    let said = lines.type_line("esc");
    assert!(said.len() <= 2, "{said:?}");
}

#[test]
fn who_comes_back_to_what_was_read_hears_its_subject_and_not_all_of_it() {
    let mut lines = Lines::new(Double::sample());
    lines.hear();
    lines.type_line("j");
    let all = lines.type_line("").len();
    lines.type_line("reply");
    lines.type_line("Yes.");
    let said = lines.type_line(".keep");
    assert!(all > 8 && said.len() < 4, "{all}: {said:?}");
    assert!(said.iter().any(|line| line.contains("Lunch on Friday?")), "{said:?}");
}
