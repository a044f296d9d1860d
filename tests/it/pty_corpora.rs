//! Messages of the corpora opened in the program in a terminal, from their first line to their
//! last: what other tools read in them stands on the screen, and nothing of them is more than text.
//!
//! Invariant: skipped, with a line, where there are none. A sample is opened, all of them where
//! `MAILTUI_CORPORA_ALL` is set; it is of conversations of one message, which are shown unfolded.

use std::collections::{BTreeMap, BTreeSet};

use mailtui::mail::links::{links, normal};
use mailtui::mail::parse;

use crate::support::binary::{Home, text};
use crate::support::corpora::{corpus, oracle};
use crate::support::pty::Pty;
use crate::support::terminal_bytes::foreign_in_terminal;

/// The sets of which messages are opened.
const SETS: [&str; 9] = [
    "email-mime",
    "enmime",
    "mail-parser",
    "mikel-mail",
    "nodemailer",
    "notmuch-misc",
    "notmuch-default",
    "python-test_email",
    "sa-easy-ham-1",
];
/// Messages of each set that are opened.
const SAMPLE: usize = 6;
/// The longest text that is paged through, in bytes.
const MAX_TEXT_BYTES: usize = 32 * 1024;
/// The terminal, in columns and rows.
const SIZE: (u16, u16) = (120, 100);

/// A message, and what must be seen of it.
struct Wanted {
    file: String,
    tokens: Vec<String>,
}

/// What of a text is compared: signs, whatever parts them into lines and pages.
fn squeezed(text: &str) -> String {
    // The test's terminal drops the sign that stands for what cannot be read.
    let seen = |c: &char| !c.is_whitespace() && !matches!(c, '>' | '│' | '┊' | '\u{fffd}');
    let kept = text.chars().filter(seen);
    kept.flat_map(char::to_lowercase).collect()
}

/// Messages of a set by their Message-ID, with what other tools and we read in them.
fn wanted(set: &str, most: usize) -> BTreeMap<String, Wanted> {
    let mut all = BTreeMap::new();
    let Some(lines) = oracle(set) else { return all };
    let root = corpus("").expect("its oracle is there");
    let step = lines.len().div_ceil(most).max(1);
    for line in lines.iter().step_by(step) {
        let file = line["file"].as_str().unwrap_or_default().to_owned();
        // A message within an mbox is opened where it lies alone.
        let Ok(raw) = std::fs::read(root.join(&file)) else { continue };
        let parsed = parse(&raw);
        let Some(id) = parsed.message_id.clone() else { continue };
        if parsed.text.len() > MAX_TEXT_BYTES {
            continue;
        }
        // What other tools misread is listed where what is parsed is compared.
        let ours = squeezed(&parsed.text);
        let told = line["text_tokens"].as_array().into_iter().flatten();
        let told = told.filter_map(|token| token.as_str()).map(squeezed);
        let mut tokens: Vec<String> = told.filter(|token| ours.contains(token)).collect();
        let all_links = links(&parsed.text, &parsed.facts);
        for link in all_links {
            // Of what stands in the text that is all that is shown: it need not have a scheme, nor
            // be written as a browser reads it. A target has a slash that stands for no path.
            let said = [link.text.clone(), format!("http://{}", link.text)];
            if said.iter().all(|said| normal(said) != link.target) {
                tokens.push(squeezed(link.target.trim_end_matches('/')));
            }
            tokens.push(squeezed(&link.text));
        }
        all.insert(id, Wanted { file, tokens });
    }
    all
}

/// A whole frame: the last line is drawn last, and says the key that was begun behind `keys`.
fn framed(pty: &mut Pty, keys: &str) -> String {
    pty.press(keys);
    pty.press("g");
    let begun = |screen: &str| screen.lines().last().is_some_and(|line| line.contains("g…"));
    let screen = pty.wait("a whole frame", begun);
    pty.press("!");
    pty.wait("no key", |screen| !begun(screen));
    screen
}

/// Everything that is shown of the open message, from its first line to its last.
fn paged(pty: &mut Pty) -> String {
    let is_open = |screen: &str| screen.contains("1 message") && screen.contains("\n▸ ");
    pty.wait("the message", is_open);
    // A long quote is folded until a key unfolds it.
    let mut screen = framed(pty, "Q");
    let mut all = squeezed(&screen);
    // Where it is told how far this is, there is more than a page.
    while screen.contains("1 message · ") && !screen.contains("1 message · end") {
        screen = framed(pty, "\u{4}");
        all.push_str(&squeezed(&screen));
    }
    all
}

#[test]
fn what_others_read_is_on_the_screen() {
    if corpus("oracle").is_none() {
        return;
    }
    let all = std::env::var_os("MAILTUI_CORPORA_ALL").is_some_and(|value| !value.is_empty());
    let (mut seen, mut missed) = ((0, 0), BTreeSet::new());
    for set in SETS {
        let wanted = wanted(set, if all { usize::MAX } else { SAMPLE });
        let home = Home::new();
        let root = corpus("").expect("it is there");
        let files = wanted.values().map(|one| root.join(&one.file).display().to_string());
        let args: Vec<String> = ["import".to_owned()].into_iter().chain(files).collect();
        if args.len() == 1 {
            continue;
        }
        home.run(&args);
        let rows = home.list("inbox");
        let mut pty = Pty::start(&home, SIZE, &[]);
        pty.wait_text("Inbox");
        for row in &rows {
            if row["messageCount"] == 1 {
                pty.press("\r");
                let shown = paged(&mut pty);
                let message = &home.show(&text(row, "thread"))["messages"][0];
                let id = message["messageId"].as_str().unwrap_or_default();
                if let Some(one) = wanted.get(id) {
                    seen = (seen.0 + 1, seen.1 + one.tokens.len());
                    let lost = one.tokens.iter().filter(|token| !shown.contains(*token));
                    missed.extend(lost.map(|token| format!("{}: {token}", one.file)));
                }
                pty.press("u");
                pty.wait("the list", |screen| !screen.contains("u back"));
            }
            pty.press("j");
        }
        pty.press("q");
        assert_eq!(pty.wait_end(), 0, "{set}");
        let foreign = foreign_in_terminal(&pty.bytes());
        assert!(foreign.is_empty(), "{set}: {}", foreign.join("\n"));
    }
    println!("{{\"opened\":{},\"tokens\":{},\"missed\":{}}}", seen.0, seen.1, missed.len());
    assert!(seen.0 > 10 && seen.1 > 100, "{seen:?}");
    assert!(missed.is_empty(), "not on the screen: {missed:#?}");
}
