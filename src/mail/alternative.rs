//! Which of several forms of one part is shown (RFC 2046 section 5.1.4), and what the others say.
//!
//! Invariant: pure, and the only rule for it: what is shown, the row's snippet and what a search
//! finds follow it alike. The plainest form is shown, but for one that says nearly nothing while a
//! page says much: then the page is, and that is told. This file must not make text safe but for
//! who is given it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::defect::Defects;
use super::part::{Kind, Node, Walker};
use super::{envelope, field, html};
use crate::safe_text;

/// Letters of a text up to which it can be only a word about the page, such as that the reader's
/// program shows none.
const STUB_LETTERS: usize = 600;
/// Letters of a text that are few, whatever they say: about a dozen words.
const FEW_LETTERS: usize = 60;
/// Letters of a page that are much beside few.
const MUCH_LETTERS: usize = 300;
/// A page says much more than a text with few letters when it has so many times those.
const MUCH_MORE: usize = 8;
/// A page says more than a text that leads to a browser when it has so many times its letters.
const MORE: usize = 3;
/// What a letter of a script counts that writes words with one or two of them.
const WIDE_LETTER: usize = 3;
/// The first such letter.
const FIRST_WIDE: char = '\u{2e80}';
/// The most of a page that is looked at, in bytes.
const MAX_LOOKED_BYTES: usize = 256 * 1024;

/// A text that says that it is not the message.
const NO_HTML: &[&str] = &[
    "not support html",
    "n't support html",
    "not display html",
    "n't display html",
    "unable to display html",
    "not able to display html",
    "not read html",
    "supports html",
    "html-capable",
    "html capable",
    "html-enabled",
    "html enabled",
    "html-compatible",
    "html compatible",
    "requires html",
    "html version of this",
    "this is an html",
    "this email is in html",
    "this message is in html",
    "this is a multi-part message in mime format",
    "no plain text version",
    "kein html",
    "keine html",
    "nicht html-f",
    "html darstellen",
    "html anzeigen",
    "pas le html",
    "pas le format html",
    "au format html",
    "no soporta html",
    "no admite html",
    "en formato html",
    "in formato html",
    "non supporta html",
    "geen html",
    "não suporta html",
];

/// A text that leads to a browser.
const IN_BROWSER: &[&str] = &[
    "in your browser",
    "in a browser",
    "in browser",
    "in your web browser",
    "in a web browser",
    "view online",
    "read online",
    "online version",
    "web version",
    "view this email",
    "view this e-mail",
    "view this message",
    "view this newsletter",
    "im browser",
    "online-version",
    "dans votre navigateur",
    "version en ligne",
    "en su navegador",
    "en tu navegador",
    "nel browser",
    "nel tuo browser",
    "in de browser",
    "in je browser",
    "no seu navegador",
];

/// Which form is preferred. Forms inside of forms follow what was found out about these: each page
/// is looked at once, however deep it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Prefer {
    /// What they say decides.
    #[default]
    ByText,
    /// The plainest.
    Plainest,
    /// The richest.
    Richest,
}

/// The form that is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice<'n> {
    /// It.
    pub(super) node: &'n Node,
    /// It is a page, in the place of a text that says nearly nothing.
    pub(super) page_instead: bool,
    /// What is preferred inside of it.
    pub(super) inside: Prefer,
}

/// The plainest form that says something, else the last that does (the last is the richest); the
/// other way round where the plainest says nearly nothing.
pub(super) fn choose(nodes: &[Node], prefer: Prefer) -> Option<Choice<'_>> {
    let richest = nodes.iter().rev().find(|node| says(node, false))?;
    let plain = nodes.iter().find(|node| says(node, true));
    let as_before = |node| Choice { node, page_instead: false, inside: prefer };
    let plain = match (plain, prefer) {
        (Some(plain), Prefer::Plainest) => return Some(as_before(plain)),
        (Some(plain), Prefer::ByText) => plain,
        (None, _) | (_, Prefer::Richest) => return Some(as_before(richest)),
    };
    if std::ptr::eq(richest, plain) || !has_page(richest) {
        return Some(as_before(plain));
    }
    let mut text = String::new();
    let short = gather(plain, &mut text) && letters(&text, STUB_LETTERS) <= STUB_LETTERS;
    let page_instead = short && {
        let mut page = String::new();
        gather(richest, &mut page);
        says_nearly_nothing(&text, &page)
    };
    Some(if page_instead {
        Choice { node: richest, page_instead, inside: Prefer::Richest }
    } else {
        Choice { node: plain, page_instead, inside: Prefer::Plainest }
    })
}

/// Whether a plain text says nearly nothing of what the page beside it says: it has no word but
/// links, or says that it is not the message, or leads to a browser, or has a few words where the
/// page has very many.
fn says_nearly_nothing(plain: &str, page: &str) -> bool {
    let own = letters(plain, STUB_LETTERS);
    if own > STUB_LETTERS {
        return false;
    }
    let other = letters(page, MUCH_LETTERS.max(MUCH_MORE * STUB_LETTERS));
    if own == 0 {
        return other > 0;
    }
    let plain = folded(plain);
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| plain.contains(phrase));
    (has(NO_HTML) && other > 0)
        || (has(IN_BROWSER) && other >= own * MORE)
        || (own <= FEW_LETTERS && other >= MUCH_LETTERS && other >= own * MUCH_MORE)
}

/// The letters of a text without its links; counted until they are more than `enough`.
fn letters(text: &str, enough: usize) -> usize {
    let mut count = 0;
    for word in text.split_whitespace().filter(|word| !is_link(word)) {
        for letter in word.chars().filter(|c| c.is_alphabetic()) {
            count += if letter >= FIRST_WIDE { WIDE_LETTER } else { 1 };
        }
        if count > enough {
            break;
        }
    }
    count
}

fn is_link(word: &str) -> bool {
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let starts =
        |with: &str| bare.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    word.contains("://") || starts("www.") || starts("mailto:")
}

/// In small letters, its words a blank apart.
fn folded(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").replace('’', "'")
}

fn says(node: &Node, plain_only: bool) -> bool {
    match node {
        Node::Text(Kind::Html, text) => !plain_only && text.contains(|c: char| !c.is_whitespace()),
        Node::Text(_, text) => text.contains(|c: char| !c.is_whitespace()),
        Node::All(nodes) | Node::OneOf(nodes) => nodes.iter().any(|node| says(node, plain_only)),
        Node::Message(..) => !plain_only,
    }
}

fn has_page(node: &Node) -> bool {
    match node {
        Node::Text(kind, _) => *kind == Kind::Html,
        Node::All(nodes) | Node::OneOf(nodes) => nodes.iter().any(has_page),
        Node::Message(..) => false,
    }
}

/// The texts below a node, of pages what is read of them; `false` where there is a message, which
/// always says something.
fn gather(node: &Node, out: &mut String) -> bool {
    match node {
        Node::Text(Kind::Html, text) => {
            let looked = text.floor_char_boundary(MAX_LOOKED_BYTES);
            out.extend([&html::to_text(&text[..looked]), "\n"]);
            true
        }
        Node::Text(_, text) => {
            out.extend([text, "\n"]);
            true
        }
        Node::All(nodes) | Node::OneOf(nodes) => nodes.iter().all(|node| gather(node, out)),
        Node::Message(..) => false,
    }
}

/// What the forms say that are not shown, each as text that is safe to read; empty where every
/// part has one form.
#[must_use]
pub fn others(raw: &[u8]) -> Vec<String> {
    let raw = envelope::with_newlines(raw);
    let read = || {
        let mut defects = Defects::default();
        let head = field::message(&raw, &mut Defects::default());
        let mut out = Vec::new();
        unchosen(&Walker::new(&mut defects).message(&head), Prefer::ByText, &mut out);
        out
    };
    let read = catch_unwind(AssertUnwindSafe(read)).unwrap_or_default();
    let said = read.iter().filter(|text| !text.trim().is_empty());
    said.map(|text| safe_text::text(text.trim_end())).collect()
}

/// The forms that are not chosen, as text.
pub(super) fn unchosen(node: &Node, prefer: Prefer, out: &mut Vec<String>) {
    match node {
        Node::Text(..) => {}
        Node::All(nodes) => nodes.iter().for_each(|node| unchosen(node, prefer, out)),
        Node::Message(_, node) => unchosen(node, prefer, out),
        Node::OneOf(nodes) => {
            let choice = choose(nodes, prefer);
            for node in nodes {
                match choice {
                    Some(choice) if std::ptr::eq(choice.node, node) => {
                        unchosen(node, choice.inside, out);
                    }
                    _ => every(node, out),
                }
            }
        }
    }
}

/// All texts below a node.
fn every(node: &Node, out: &mut Vec<String>) {
    match node {
        Node::Text(Kind::Html, text) => out.push(html::to_text(text)),
        Node::Text(_, text) => out.push(text.clone()),
        Node::All(nodes) | Node::OneOf(nodes) => nodes.iter().for_each(|node| every(node, out)),
        Node::Message(summary, node) => {
            out.push(summary.clone());
            every(node, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, searchable, snippet};
    use super::*;

    const LETTER: &str = "We are glad to tell you that the shop moves on Monday. ";

    #[test]
    fn a_text_that_says_nearly_nothing_gives_way() {
        let long = LETTER.repeat(8);
        for (plain, page, gives_way) in [
            (" \n\t", "Hello", true),
            ("https://a.example/1 <http://b.example>", "Confirm your address", true),
            ("https://a.example/1", "https://a.example/1", false),
            ("--- * ---", "Hello", true),
            ("Your mail client does not support HTML.", "Your bill is ready, Ann. Pay it.", true),
            ("Your mail client doesn’t support\nHTML messages.", "Your bill is ready.", true),
            ("Your mail client does not support HTML.", "<1>", false),
            ("Ihr Programm kann leider keine HTML-Mails anzeigen.", LETTER, true),
            ("View this email in your browser: https://a.example/v?i=1", &long, true),
            ("View this email in your browser: https://a.example/v?i=1", LETTER, false),
            ("News of May", &long, true),
            ("News of May", LETTER, false),
            ("お知らせ", &"新しい店は月曜日に開きます。".repeat(10), true),
            ("Yes, I come on Monday.", "Yes, I come on Monday.", false),
            ("Thanks!\n\nAnn", "Thanks! Ann Smith, Head of Sales, 12 Long Street, Town", false),
            (&long, &LETTER.repeat(900), false),
            (&format!("{}View it in your browser", LETTER.repeat(15)), &long.repeat(50), false),
        ] {
            assert_eq!(says_nearly_nothing(plain, page), gives_way, "{plain:?} beside {page:?}");
        }
    }

    fn of(plain: &str, page: &str) -> String {
        format!(
            "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n{plain}\n--b\n\
             Content-Type: multipart/related; boundary=c\n\n--c\nContent-Type: text/html\n\n\
             {page}\n--c--\n--b--\n"
        )
    }

    #[test]
    fn what_is_shown_is_found_and_is_the_snippet() {
        let style = "p {}".repeat(9_000);
        let page = format!("<style>{style}</style><p>{}</p>", LETTER.repeat(8));
        let stub = "Your program is not HTML-capable: https://a.example/1";
        let raw = of(stub, &page);
        let read = parse(raw.as_bytes());
        assert!(read.text.starts_with(LETTER.trim()) && !read.text.contains("capable"));
        assert!(read.facts.page_instead && snippet(&read.text).starts_with("We are glad"));
        let found = searchable(raw.as_bytes());
        assert_eq!((&found.text, found.more), (&read.text, vec![stub.to_owned()]));
        assert_eq!(others(raw.as_bytes()), [stub]);
        let letter =
            "Dear Ann,\n\nwe move on Monday, as I said to you and to all the others.\n\nBo";
        let raw = of(letter, &page);
        let read = parse(raw.as_bytes());
        assert!(read.text.starts_with("Dear Ann") && !read.facts.page_instead);
        assert!(others(raw.as_bytes())[0].starts_with("We are glad"));
        // An empty text is nothing that was passed over.
        let read = parse(of("", &page).as_bytes());
        assert!(read.text.starts_with("We are") && !read.facts.page_instead);
        assert!(others(b"Subject: x\n\none form").is_empty());
    }

    #[test]
    fn forms_inside_of_forms_follow_what_these_say() {
        let many = |boundary: &str, parts: &[&str]| {
            let line = format!("\n--{boundary}");
            let kind = format!("Content-Type: multipart/alternative; boundary={boundary}\n");
            format!("{kind}{line}\n{}{line}--\n", parts.join(&format!("{line}\n")))
        };
        let page = format!("Content-Type: text/html\n\n<p>{}", LETTER.repeat(8));
        let (stub, letter) = ("\nNews of May", format!("\nDear Ann, {LETTER}{LETTER}"));
        for (raw, starts, instead) in [
            (many("a", &[stub, &many("b", &["\nOf May", &page])]), "We are glad", true),
            (many("a", &[&many("b", &[stub, &page])]), "We are glad", true),
            (many("a", &[&letter, &many("b", &[stub, &page])]), "Dear Ann", false),
        ] {
            let read = parse(raw.as_bytes());
            assert!(read.text.starts_with(starts), "{}", read.text);
            assert_eq!(read.facts.page_instead, instead, "{raw}");
            let found = searchable(raw.as_bytes());
            assert!(found.text == read.text && !found.more.contains(&read.text), "{found:?}");
        }
    }

    #[test]
    fn other_forms_are_safe_to_read() {
        let raw = of("a text with some words", "<p>a\u{1b}[2J page\u{202e}&#27;");
        let other = others(raw.as_bytes()).concat();
        assert!(!other.contains(['\u{1b}', '\u{202e}']) && other.contains("page"), "{other:?}");
    }
}
