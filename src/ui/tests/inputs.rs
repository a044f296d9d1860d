//! What is pasted into every line that can be typed: text, never a key, never a control character,
//! and nothing is done by it.

use std::collections::BTreeSet;

use super::beginning::told;
use super::files::reading;
use super::keys::{intents, screen};
use crate::ui::app::{Layer, Message};
use crate::ui::compose::composer::Focus;
use crate::ui::double::{Double, NOW_MS};
use crate::ui::harness::Screen;

/// Keys of commands among what terminals, shells and eyes take for more than letters: C0, DEL, C1,
/// the end of a bracketed paste, a line for a shell, and what turns the writing direction.
const HOSTILE: &str = "e#!3.z\u{3}\u{18}s\u{1b}[201~\u{1b}]52;c;eA==\u{7}\u{8}\u{7f}\r\nyes\r\n\
     \u{202e}\u{9b}2Jq\u{0};rm -rf ~\t";

/// Every line, by the keys that lead to it from the list.
const LINES: [(&str, &str); 26] = [
    ("search", "/"),
    ("palette", "<C-k>"),
    ("command", ":"),
    ("help", "?"),
    ("picker", "l"),
    ("rename", "l<C-r>"),
    ("colours", "l<C-o>"),
    ("snooze", "h"),
    ("move", "v"),
    ("save search", "/lunch<C-s>"),
    ("find", "<Enter>\\"),
    ("filter", "sgh\\"),
    ("purge", "Da"),
    ("wizard", "gma"),
    ("from", "c<S-Tab>"),
    ("to", "c"),
    ("cc", "c<Tab>"),
    ("bcc", "c<Tab><Tab>"),
    ("subject", "c<Tab><Tab><Tab>"),
    ("text", "c<Tab><Tab><Tab><Tab>"),
    ("attach", "c<C-x>a"),
    ("sending", "cb@x.org<Tab><Tab><Tab>s<Tab>t<C-x>s"),
    ("file", "<Enter>A|"),
    ("files", "<Enter>A"),
    ("accounts", "gm"),
    ("notices", "gn"),
];

/// What lies on top and the line in it, if it has one: whoever adds a layer says here which.
fn line(layer: &Layer) -> (&'static str, Option<&str>) {
    match layer {
        Layer::Help(open) => ("help", Some(open.filter.text())),
        Layer::Palette(open) => ("palette", Some(open.line.text())),
        Layer::Ex(open) => ("command", Some(open.line.text())),
        Layer::Picker(open) => ("picker", Some(open.filter.text())),
        Layer::Rename(open) => ("rename", Some(open.line.text())),
        Layer::SaveSearch(open) => ("save search", Some(open.line.text())),
        Layer::Snooze(open) => ("snooze", Some(open.line.text())),
        Layer::Path(line) => ("path", Some(line.text())),
        Layer::Wizard(open) => ("wizard", Some(open.line.text())),
        Layer::Purge(open) => ("purge", Some(open.line.text())),
        Layer::Move(open) => ("move", Some(open.line.text())),
        Layer::Find(open) => ("find", Some(open.line.text())),
        Layer::Filter(open) => ("filter", Some(open.line.text())),
        Layer::Sending(open) => ("sending", Some(open.line.text())),
        Layer::Attach(open) => ("attach", Some(open.line.text())),
        Layer::FileLine(open) => ("file", Some(open.line.text())),
        Layer::Panel(_) => ("notices", None),
        Layer::Accounts(_) => ("accounts", None),
        Layer::Colours(_) => ("colours", None),
        Layer::Links(_) => ("links", None),
        Layer::Saves(_) => ("saves", None),
        Layer::Files(_) => ("files", None),
        Layer::Page(_) => ("page", None),
        Layer::Leave(_) => ("leave", None),
    }
}

/// Neither moves a terminal's cursor nor turns what is read.
fn assert_harmless(what: &str, text: &str) {
    let turns = ['\u{202e}', '\u{202d}', '\u{2066}', '\u{2067}', '\u{2068}'];
    let bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || turns.contains(&c);
    assert!(!text.contains(bad), "{what}: {text:?}");
}

fn pasted(keys: &str) -> Screen {
    // A conversation is open with files.
    let (mut screen, keys) = match keys.strip_prefix("<Enter>") {
        Some(keys) => (reading(), keys),
        None => (screen(), keys),
    };
    screen.press(keys);
    let before = (intents(&screen), screen.desk.len(), screen.model.layers.len());
    // The harness looks at every cell of every frame.
    screen.send(Message::Paste(HOSTILE.to_owned()));
    screen.send(Message::Time(NOW_MS + 400));
    let asked = (intents(&screen), screen.desk.len(), screen.model.layers.len());
    assert_eq!(asked, before, "{keys}: nothing was done, and the box is still open");
    let quiet = screen.exit.is_none() && screen.asked.is_empty() && screen.copied.is_empty();
    assert!(quiet && screen.edits.is_empty() && screen.announced.is_empty(), "{keys}");
    screen
}

#[test]
fn what_is_pasted_into_any_line_is_text_and_does_nothing() {
    let mut met = BTreeSet::new();
    for (what, keys) in LINES {
        let screen = pasted(keys);
        assert_harmless(what, &screen.text());
        let Some(layer) = screen.model.layers.last() else {
            let composer = screen.model.writing.open.as_deref();
            let search = screen.model.search.as_ref().map(|search| search.line.text().to_owned());
            let texts: Vec<String> = match (composer, search) {
                (Some(composer), _) => {
                    Focus::ALL.iter().map(|focus| composer.field(*focus).text()).collect()
                }
                (None, Some(typed)) => vec![typed],
                (None, None) => panic!("{what}: no line at {keys}"),
            };
            assert!(texts.iter().any(|text| text.contains("rm -rf")), "{what}: {texts:?}");
            for text in &texts {
                assert_harmless(what, text);
            }
            continue;
        };
        let (name, text) = line(layer);
        assert_eq!(name, what, "{keys}");
        if let Some(text) = text {
            assert!(text.contains("rm -rf"), "{what}: {text:?}");
            assert_harmless(what, text);
            met.insert(name);
        }
    }
    assert_eq!(met.len(), 15, "every layer with a line but the first run's path: {met:?}");
}

#[test]
fn what_is_pasted_into_the_first_run_is_text_too() {
    for keys in ["3", "4"] {
        let mut screen = Screen::first_run(told(), 80, 24);
        screen.press(keys);
        screen.send(Message::Paste(HOSTILE.to_owned()));
        let (name, text) = screen.model.layers.last().map(line).expect("a line");
        assert!(text.is_some_and(|text| text.contains("rm -rf")), "{name}: {text:?}");
        assert_harmless(name, text.unwrap_or_default());
        assert!(screen.opened.is_empty() && screen.asked.is_empty(), "{name}");
    }
}

/// A paste that is longer than any line is cut, and a key after it is still a key.
#[test]
fn a_paste_without_end_fills_the_line_and_no_more() {
    let mut screen = Screen::new(Double::sample(), 80, 24);
    for (what, keys) in LINES.into_iter().filter(|(_, keys)| !keys.starts_with('c')) {
        screen.press(keys);
        screen.send(Message::Paste("x\u{1b}".repeat(1 << 17)));
        if let Some((_, Some(text))) = screen.model.layers.last().map(line) {
            assert!(text.len() <= 4_096, "{what}: {} bytes", text.len());
        }
        screen.press("<Esc><Esc><Esc><Esc><Esc>");
        assert!(screen.model.layers.is_empty(), "{what}: closed");
        screen = Screen::new(Double::sample(), 80, 24);
    }
}
