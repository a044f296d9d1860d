//! The tour of the sample mailbox: five steps that are done by doing them.
//!
//! Invariant: pure. It looks on at what keys did and takes none of them away; a goal is reached by
//! what the model shows, not by the key alone. Keys that it names are the registry's.

use crate::command::intent::Intent;
use crate::command::keymap::Keymap;
use crate::command::registry::Command;
use crate::engine::handle::Request;
use crate::notice::Severity;
use crate::ui::app::{Effect, Layer, Model};

/// Rows that a selection needs before it is called several.
const SEVERAL: usize = 2;

/// Where the tour is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tour {
    /// Steps that are behind; all of them when it is done.
    pub step: usize,
    /// Goals of this step that are reached.
    pub reached: usize,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// What it teaches.
    pub title: &'static str,
    /// One sentence more, where there is room for it.
    pub says: &'static str,
    /// What to do, in order.
    pub goals: &'static [Goal],
}

/// One thing to do.
#[derive(Debug)]
pub struct Goal {
    /// Commands whose keys are shown.
    pub shown: &'static [&'static str],
    /// What to do with them.
    pub word: &'static str,
    /// Further commands that do as well.
    also: &'static [&'static str],
    reached: fn(&Model, &[Effect]) -> bool,
}

/// The steps.
pub const STEPS: [Step; 5] = [
    Step {
        title: "Move and open",
        says: "A line is a conversation, the newest on top. Opening one marks it as read.",
        goals: &[
            goal(&["down", "up"], "move", |_, _| true),
            goal(&["open"], "open", |model, _| model.reader.is_some()),
            goal(&["back"], "back", |model, _| model.reader.is_none()),
        ],
    },
    Step {
        title: "Archive, undo",
        says: "Archived mail is kept. Undo goes back as far as you like, also after a restart.",
        goals: &[goal(&["archive"], "archive", |_, effects| changes(effects)), UNDO],
    },
    Step {
        title: "Several at once",
        says: "Any key applies to all that is selected. A name that is new makes a label.",
        goals: &[
            Goal { also: &["select-next"], ..goal(&["select"], "select 2", selects) },
            goal(&["label"], "label", |model, _| matches!(model.layers[..], [Layer::Picker(_)])),
            Goal { also: &["toggle"], ..goal(&["apply"], "set", |_, did| changes(did)) },
        ],
    },
    Step {
        title: "Go elsewhere",
        says: "The first key waits for the second and shows which there are.",
        goals: &[
            Goal { also: ELSEWHERE, ..goal(&["go-starred"], "starred", |model, _| !home(model)) },
            Goal { also: ELSEWHERE, ..goal(&["go-inbox"], "back to the inbox", |m, _| home(m)) },
        ],
    },
    Step {
        title: "Help, and the way out",
        says: "The sample goes when you quit; your own mail never does.",
        goals: &[
            goal(&["help"], "all keys", |model, _| matches!(model.layers[..], [Layer::Help(_)])),
            goal(&["close-help"], "close", |model, _| model.layers.is_empty()),
        ],
    },
];

/// Other ways to another list.
const ELSEWHERE: &[&str] =
    &["go-inbox", "go-all", "go-sent", "go-drafts", "next-label", "previous-label"];

/// An undo may wait until it is known what it undoes; it then comes by itself.
const UNDO: Goal = goal(&["undo"], "undo", |model, effects| {
    !model.wanted.is_empty() || effects.iter().any(|effect| asks(effect, undoes))
});

const fn goal(
    shown: &'static [&'static str],
    word: &'static str,
    reached: fn(&Model, &[Effect]) -> bool,
) -> Goal {
    Goal { shown, word, also: &[], reached }
}

fn selects(model: &Model, _: &[Effect]) -> bool {
    model.list.selected.len() >= SEVERAL
}

fn home(model: &Model) -> bool {
    model.list.label.as_str() == "inbox"
}

fn changes(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| asks(effect, |intent| matches!(intent, Intent::Change { .. })))
}

fn undoes(intent: &Intent) -> bool {
    matches!(intent, Intent::Undo(_))
}

fn asks(effect: &Effect, what: fn(&Intent) -> bool) -> bool {
    matches!(effect, Effect::Ask(Request::Intend(intent)) if what(intent))
}

impl Tour {
    /// The step to do; none when all are done.
    #[must_use]
    pub fn now(&self) -> Option<&'static Step> {
        STEPS.get(self.step)
    }

    /// Goes on to the next step.
    pub fn skip(&mut self) {
        *self = Self { step: (self.step + 1).min(STEPS.len()), reached: 0 };
    }
}

impl Goal {
    /// The first keys of the commands that are shown.
    #[must_use]
    pub fn keys(&self, keymap: &Keymap) -> String {
        let key = |name: &&'static str| keymap.keys(name).next();
        self.shown.iter().filter_map(key).collect::<Vec<_>>().join(" ")
    }

    fn is_done_by(&self, command: &Command) -> bool {
        self.shown.contains(&command.name) || self.also.contains(&command.name)
    }
}

/// Skips a step, or ends the tour and starts it again.
pub fn press(model: &mut Model, skip: bool) {
    if !model.demo {
        let says = "The tour is part of the sample mailbox";
        model.say(Severity::Info, says, "`mailtui demo` opens it");
        return;
    }
    model.tour = match model.tour {
        Some(mut tour) if skip => {
            tour.skip();
            Some(tour)
        }
        None if !skip => Some(Tour::default()),
        _ => None,
    };
}

/// Looks on: `command` was carried out, with these effects.
pub fn did(model: &mut Model, command: &Command, effects: &[Effect]) {
    let Some(mut tour) = model.tour else { return };
    let Some(step) = tour.now() else { return };
    let Some(goal) = step.goals.get(tour.reached) else { return };
    if !goal.is_done_by(command) || !(goal.reached)(model, effects) {
        return;
    }
    tour.reached += 1;
    if tour.reached == step.goals.len() {
        tour.skip();
    }
    model.tour = Some(tour);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::app::{Door, Message};
    use crate::ui::double::Double;
    use crate::ui::harness::Screen;

    fn demo() -> Screen {
        let mut screen = Screen::new(Double::sample(), 80, 24);
        screen.send(Message::Opened(Door::Demo));
        screen.labels();
        screen
    }

    /// After `keys`, this many steps and this many goals of the next are behind.
    fn check(keys: &str, step: usize, reached: usize) {
        let mut screen = demo();
        screen.press(keys);
        assert_eq!(screen.model.tour, Some(Tour { step, reached }), "{keys}");
    }

    #[test]
    fn a_step_is_done_by_doing_it() {
        const FIRST: &str = "j<Enter>u";
        const THIRD: &str = "j<Enter>uezxjxlwork<Enter>";
        check("", 0, 0);
        check("<Enter>", 0, 0);
        check("j<Enter>", 0, 2);
        check(FIRST, 1, 0);
        check(&format!("{FIRST}e"), 1, 1);
        check(&format!("{FIRST}ez"), 2, 0);
        check(&format!("{FIRST}ezxx"), 2, 0);
        check(&format!("{FIRST}ezxjxl<Esc>"), 2, 2);
        check(&format!("{FIRST}ez<Space><Space>"), 2, 1);
        check(THIRD, 3, 0);
        check(&format!("{THIRD}gi"), 3, 0);
        check(&format!("{THIRD}gs"), 3, 1);
        check(&format!("{THIRD}<Tab>gi"), 4, 0);
        check(&format!("{THIRD}gsgi?<Esc>"), 5, 0);
        check(&format!("{THIRD}gsgi??jke"), 5, 0);
    }

    #[test]
    fn a_step_can_be_skipped_and_the_tour_ended_and_started_again() {
        check(">", 1, 0);
        check(">>ez", 2, 0);
        check("j>>>>>>>", 5, 0);
        check("j<Enter>TT", 0, 0);
        let mut screen = demo();
        screen.press("T");
        assert_eq!(screen.model.tour, None);
        screen.press("j<Enter>u>");
        assert_eq!(screen.model.tour, None);
    }

    #[test]
    fn an_undo_that_has_to_wait_counts() {
        let mut screen = demo();
        screen.press(">");
        screen.paused = true;
        screen.press("ez");
        assert_eq!(screen.model.tour, Some(Tour { step: 2, reached: 0 }));
        screen.resume();
    }

    #[test]
    fn the_panel_fits_and_leaves_the_rest_its_place() {
        for (columns, rows, lines) in
            [(30, 6, 0), (30, 9, 2), (40, 10, 2), (80, 19, 2), (80, 24, 3), (200, 50, 3)]
        {
            let mut screen = demo();
            screen.resize(columns, rows);
            for step in STEPS.iter().map(Some).chain([None]) {
                let text = screen.text();
                let found = text.lines().filter(|line| line.contains("Tour")).count();
                assert_eq!(found, usize::from(lines > 0), "{columns}x{rows}:\n{text}");
                assert!(text.contains("09:29") && text.contains("quit"), "{text}");
                // From 40 columns on no goal is cut.
                let goals = step.map_or(&[][..], |step| step.goals);
                let whole = |goal: &Goal| {
                    text.contains(&format!("{} {}", goal.keys(&Keymap::default()), goal.word))
                };
                assert!(lines == 0 || columns < 40 || goals.iter().all(whole), "{text}");
                assert!(lines < 3 || step.is_none_or(|step| text.contains(step.says)), "{text}");
                screen.press(">");
            }
            let height = screen.model.list.height;
            screen.press("T");
            assert_eq!(screen.model.list.height, height + lines, "{columns}x{rows}");
        }
    }

    #[test]
    fn there_is_no_tour_of_own_mail() {
        let mut screen = Screen::new(Double::sample(), 80, 24);
        assert_eq!(screen.press("T>").model.tour, None);
        assert!(screen.text().contains("mailtui demo"));
        assert!(!screen.press("?GG").text().contains("Skip a step"));
    }

    #[test]
    fn every_goal_names_commands_of_the_registry() {
        for goal in STEPS.iter().flat_map(|step| step.goals) {
            for name in goal.shown.iter().chain(goal.also) {
                assert!(
                    crate::command::registry::all().any(|command| command.name == *name),
                    "{name}"
                );
            }
            assert!(!goal.keys(&Keymap::default()).is_empty() && !goal.word.is_empty());
        }
    }
}
