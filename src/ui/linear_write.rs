//! Writing in the interface as lines: a line is text of the message, and one that begins with a dot
//! says something about it.
//!
//! Invariant: what does not begin with a dot is text as it was typed, whatever it says; a word
//! behind a dot that is not known changes nothing. What is written is kept as on the screen: by the
//! same composer, at every pause.

use super::text;
use crate::command::compose::Write;
use crate::ui::app::{Effect, Model};
use crate::ui::compose::composer::{Composer, Focus, Typed};
use crate::ui::compose::{self, keeping};
use crate::ui::keys::hold;
use crate::ui::view;

/// What can stand behind a dot: the word, what stands behind it, what it does.
const ORDERS: [(&str, &str, &str); 14] = [
    ("to", "ADDRESSES", "who gets it"),
    ("cc", "ADDRESSES", "who gets a copy"),
    ("bcc", "ADDRESSES", "who gets a copy that nobody sees"),
    ("subject", "WORDS", "what it is about"),
    ("from", "", "the next of your addresses"),
    ("attach", "PATH", "a file goes along"),
    ("detach", "", "the last file does not"),
    ("undo", "", "takes the last line back"),
    ("redo", "", "does that again"),
    ("show", "", "reads all of it"),
    ("send", "", "sends it; asks when first"),
    ("keep", "", "leaves it as a draft"),
    ("discard", "", "throws it away; z brings it back"),
    ("help", "", "says this"),
];
/// What is said when something is begun to be written.
const HOW: &str = "Type the text; .to and .subject, .send or .keep, and .help for the rest. A line \
                   that shall begin with a dot has two.";

/// Takes in a typed line; what is to be done, and what is said at once.
pub fn type_line(model: &mut Model, line: &str) -> (Vec<Effect>, Vec<String>) {
    let Some(composer) = model.writing.open.as_deref_mut() else { return Default::default() };
    composer.popup = None;
    let order = line.strip_prefix('.').filter(|rest| !rest.starts_with('.'));
    match order {
        // It comes as soon as there is something to type into.
        None if composer.waits.is_some() => {
            hold(composer, Typed::Paste(format!("{}\n", undotted(line))));
            Default::default()
        }
        None => {
            composer.focus = Focus::Body;
            compose::keys::insert(model, &format!("{}\n", undotted(line)));
            Default::default()
        }
        Some(_) if composer.waits.is_some() => {
            (Vec::new(), vec!["It is not open yet; nothing was done".to_owned()])
        }
        Some(order) => {
            let (word, rest) = order.split_once(char::is_whitespace).unwrap_or((order, ""));
            follow(model, word, rest.trim())
        }
    }
}

/// A text without the dot that says that it is text.
fn undotted(line: &str) -> &str {
    line.strip_prefix('.').unwrap_or(line)
}

/// Does what stands behind a dot.
fn follow(model: &mut Model, word: &str, rest: &str) -> (Vec<Effect>, Vec<String>) {
    let Some((_, behind, _)) = ORDERS.iter().find(|(known, ..)| *known == word) else {
        return (
            Vec::new(),
            vec![text::clean(&format!("There is no .{word}; .help lists what is"))],
        );
    };
    if behind.is_empty() != rest.is_empty() {
        let line = if rest.is_empty() {
            format!(".{word} takes {behind}")
        } else {
            format!(".{word} takes no words")
        };
        return (Vec::new(), vec![line]);
    }
    let write = match word {
        "to" => return set(model, Focus::To, rest),
        "cc" => return set(model, Focus::Cc, rest),
        "bcc" => return set(model, Focus::Bcc, rest),
        "subject" => return set(model, Focus::Subject, rest),
        "attach" => return (compose::keys::attach(model, rest.to_owned()), Vec::new()),
        "show" => return (Vec::new(), model.writing.open.as_deref().map(all).unwrap_or_default()),
        "from" => Write::Identity,
        "detach" => Write::Detach,
        "undo" => Write::Step(true),
        "redo" => Write::Step(false),
        "send" => Write::Send,
        "keep" => Write::Leave,
        "discard" => Write::Discard,
        _ => return (Vec::new(), help()),
    };
    if let Some(composer) = model.writing.open.as_deref_mut() {
        composer.focus = Focus::Body;
    }
    (compose::keys::perform(model, write), Vec::new())
}

/// Puts words in the place of a field's.
fn set(model: &mut Model, focus: Focus, words: &str) -> (Vec<Effect>, Vec<String>) {
    let now = model.now_ms;
    if let Some(composer) = model.writing.open.as_deref_mut() {
        composer.fields[focus as usize].set(words);
        composer.fields[focus as usize].to_end();
        composer.focus = Focus::Body;
        keeping::changed(composer, now);
    }
    Default::default()
}

fn help() -> Vec<String> {
    let order = |(word, behind, does): &(&str, &str, &str)| match *behind {
        "" => format!(".{word}: {does}"),
        behind => format!(".{word} {behind}: {does}"),
    };
    ORDERS.iter().map(order).collect()
}

/// What is said of a message that is being written, but for its text.
pub(super) fn head(composer: &Composer) -> Vec<String> {
    if composer.waits.is_some() {
        return Vec::new();
    }
    let (what, _) = view::writing_title(composer);
    let mut lines = vec![what];
    for focus in Focus::ALL.into_iter().filter(|focus| *focus != Focus::Body) {
        let said = composer.field(focus).text();
        match said.trim() {
            "" if focus == Focus::To => lines.push("To: nobody yet".to_owned()),
            "" => {}
            said => lines.push(format!("{}: {said}", focus.name())),
        }
        let wrong = composer.errors(focus).into_iter().next();
        lines.extend(wrong.map(|error| format!("wrong in {}: {}", focus.name(), error.wrong)));
    }
    let files = composer.base.attachments.iter();
    lines.extend(files.map(|file| format!("Attached: {} ({})", file.name, text::size(file.size))));
    lines.push(HOW.to_owned());
    lines.iter().map(|line| text::clean(line)).collect()
}

/// All of it, with its text.
fn all(composer: &Composer) -> Vec<String> {
    let mut lines = head(composer);
    lines.pop();
    lines.extend(composer.body.text().lines().map(text::clean));
    lines
}
