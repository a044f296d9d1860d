//! Random keys, answers, sizes and times: never a panic, never a control character in a cell, the
//! cursor always on a row that is seen. The harness checks every frame.

use proptest::prelude::*;

use crate::engine::handle::Update;
use crate::engine::view::{ImportProgress, Link, Status};
use crate::notice::Notice;
use crate::ui::app::{Door, Message};
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;
use crate::ui::tests::beginning::told;

#[derive(Debug, Clone)]
enum Step {
    Press(&'static str),
    Paste(String),
    Resize(u16, u16),
    Pause,
    Resume,
    Changed,
    Drop(usize),
    Hostile(usize, String),
    Time(i64),
    Status(u64),
    Import(u64, bool),
    Gone(usize),
}

const KEYS: [&str; 78] = [
    "v",
    "]",
    "[",
    ".",
    "\\",
    "O",
    "Q",
    "3",
    "12",
    "0",
    "<Down>",
    "the",
    "j",
    "k",
    "j",
    "k",
    "gg",
    "G",
    "<C-d>",
    "<C-u>",
    "<PgDn>",
    "<PgUp>",
    "<Enter>",
    "o",
    "u",
    "<Esc>",
    "q",
    "e",
    "#",
    "l",
    "s",
    "I",
    "U",
    "x",
    "<Space>",
    "z",
    "?",
    "<Tab>",
    "<S-Tab>",
    "gi",
    "ga",
    "gs",
    "g",
    "n",
    "p",
    "J",
    "K",
    ";",
    ",",
    "<Backspace>",
    "日",
    "<Delete>",
    "T",
    "c",
    "r",
    "a",
    "f",
    "<C-x>s",
    "<C-x>u",
    "<C-x>h",
    "<C-x>k",
    "<C-x>a",
    "<C-w>",
    "gd",
    "go",
    "b@x.org",
    ">",
    "<C-k>",
    "<C-p>",
    ":",
    "la",
    "go ",
    "*a",
    "*u",
    "V",
    "m",
    "h",
    "y",
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..KEYS.len()).prop_map(|at| Step::Press(KEYS[at])),
        1 => any::<String>().prop_map(Step::Paste),
        1 => (1_u16..150, 1_u16..50).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        2 => Just(Step::Changed),
        1 => any::<usize>().prop_map(Step::Drop),
        1 => (any::<usize>(), any::<String>()).prop_map(|(at, text)| Step::Hostile(at, text)),
        1 => any::<i32>().prop_map(|by| Step::Time(by.into())),
        1 => any::<u64>().prop_map(Step::Status),
        1 => (any::<u64>(), any::<bool>()).prop_map(|(done, ended)| Step::Import(done, ended)),
        1 => any::<usize>().prop_map(Step::Gone),
    ]
}

fn take(screen: &mut Screen, step: Step) {
    let engine = |screen: &mut Screen, update| screen.send(Message::Engine(Box::new(update)));
    let rows = screen.double.rows.len().max(1);
    match step {
        Step::Press(keys) => drop(screen.press(keys)),
        Step::Paste(text) => screen.send(Message::Paste(text)),
        Step::Resize(columns, rows) => screen.resize(columns, rows),
        Step::Pause => screen.paused = true,
        Step::Resume => screen.resume(),
        Step::Changed => engine(screen, Update::Changed),
        Step::Drop(at) => drop(screen.double.rows.drain(at % rows..).take(3).count()),
        Step::Hostile(at, text) => {
            if let Some(row) = screen.double.rows.get_mut(at % rows) {
                row.subject = Some(text.clone());
                row.snippet.clone_from(&text);
                row.participants.iter_mut().for_each(|who| who.name = Some(text.clone()));
                row.last_activity = i64::MAX - i64::try_from(text.len()).unwrap();
            }
            engine(screen, Update::Notice(Notice::info(text)));
        }
        Step::Time(by) => screen.send(Message::Time(NOW_MS + by * 1_000)),
        Step::Status(n) => {
            let link = if n % 3 == 0 { Link::Refused } else { Link::Online { behind: n } };
            let status = Status { link, remote: n % 2 == 0, saving: n, pending: n / 2 };
            engine(screen, Update::Status(status));
        }
        Step::Import(done, ended) => {
            let total = (done % 3 > 0).then_some(done / 2);
            let progress = ImportProgress { done, total, imported: done, failed: 0, ended };
            engine(screen, Update::Import(progress));
        }
        Step::Gone(at) => {
            if let Some(row) = screen.double.rows.get(at % rows) {
                let id = row.thread.clone();
                engine(screen, Update::Thread(id, None));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_breaks_the_screen(
        first_run: bool,
        demo: bool,
        many in 0_usize..400,
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut screen = if first_run {
            Screen::first_run(told(), 80, 24)
        } else {
            Screen::new(Double::many(many), 80, 24)
        };
        if demo && !first_run {
            screen.send(Message::Opened(Door::Demo));
        }
        for step in steps {
            take(&mut screen, step);
        }
    }
}
