//! The beginning of a message's newest text, for a row of a list.
//!
//! Invariant: one line, safe, at most [`SNIPPET_CHARS`] characters. This file must not look at
//! anything but the shown text.

/// The longest snippet, in characters.
pub const SNIPPET_CHARS: usize = 140;
/// Lines of the text that are looked at.
const MAX_LINES: usize = 400;

/// What a row shows of a text: quoted lines, the lines that introduce them and the signature are
/// left out, unless nothing else is there.
#[must_use]
pub fn snippet(text: &str) -> String {
    let lines: Vec<&str> = text.lines().take(MAX_LINES).map(str::trim_end).collect();
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        if *line == "--" || line.trim_matches(['-', ' ']) == "Original Message" {
            break;
        }
        let quoted = line.trim_start().starts_with('>');
        if !quoted && !introduces_quote(&lines, index) {
            add(&mut out, line);
        }
        if out.chars().count() >= SNIPPET_CHARS {
            break;
        }
    }
    if out.is_empty() {
        for line in &lines {
            add(&mut out, line.trim_start().trim_start_matches(['>', ' ']));
            if out.chars().count() >= SNIPPET_CHARS {
                break;
            }
        }
    }
    let safe = crate::safe_text::line(&out);
    safe.chars().take(SNIPPET_CHARS).collect::<String>().trim_end().to_owned()
}

/// Adds the words of a line; rules and other lines without a letter or digit say nothing.
fn add(out: &mut String, line: &str) {
    if !line.contains(char::is_alphanumeric) && line.chars().count() > 2 {
        return;
    }
    for word in line.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
}

/// `On Monday, Ann wrote:`: a line, or the last of two, that ends in a colon before a quote.
fn introduces_quote(lines: &[&str], index: usize) -> bool {
    let next_is_quote = |from: usize| {
        lines[from..]
            .iter()
            .find(|l| !l.is_empty())
            .is_some_and(|l| l.trim_start().starts_with('>'))
    };
    let ends = |line: &str| line.ends_with(':');
    let here = lines[index];
    if here.starts_with("On ") && here.ends_with(" wrote:") {
        return true;
    }
    if ends(here) {
        return next_is_quote(index + 1);
    }
    let begins = ["On ", "Am ", "Le ", "El ", "Il ", "Op "].iter().any(|w| here.starts_with(w));
    begins && lines.get(index + 1).is_some_and(|l| ends(l)) && next_is_quote(index + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets() {
        let cases = [
            ("Hello\n\nworld", "Hello world"),
            ("On Monday Ann wrote:\n> old\n> older\n\nNew text\n-- \nAnn", "New text"),
            ("On Mon, 1 Jan 2024 at 10:00,\nAnn <a@b.c> wrote:\n\n> old\n\nyes", "yes"),
            ("Note:\nnot a quote", "Note: not a quote"),
            ("> only\n> quoted", "only quoted"),
            ("yes\n-----Original Message-----\nFrom: x", "yes"),
            ("yes\n----- Original Message -----\nFrom: x", "yes"),
            ("On Monday, Ann wrote:\n--] old\n\nyes", "--] old yes"),
            ("=====\nTitle\n-----\ntext", "Title text"),
            ("", ""),
            ("ok", "ok"),
            ("a\u{1b}[2Jb\tc", "a\u{fffd}[2Jb c"),
        ];
        for (given, expected) in cases {
            assert_eq!(snippet(given), expected, "{given:?}");
        }
        assert_eq!(snippet(&"é".repeat(500)).chars().count(), SNIPPET_CHARS);
    }
}
