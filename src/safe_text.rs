//! What leaves mail for a screen, a title, a log, JSON or a disk goes through here.
//!
//! Invariant: [`line()`] and [`text`] leave no C0, C1 or DEL control (each becomes U+FFFD; tab and
//! newline stay in [`text`], and become a space in [`line()`]), no bidi override, embedding or
//! isolate, no U+200B, U+2060 or U+FEFF; joiners stay only between letters and emoji; nothing else
//! changes, and doing it twice changes nothing more. This file must not know what a mail is.

/// The longest file name that [`file_name`] gives, in bytes; file systems take 255, and room is
/// left for a number that tells equal names apart.
pub const MAX_FILE_NAME_BYTES: usize = 200;
/// The longest extension that is kept when a file name is cut, in bytes.
const MAX_EXTENSION_BYTES: usize = 24;
/// The file name where nothing of the given one can stay.
const NAMELESS: &str = "attachment";

/// One line of safe text: tabs and line ends become a space.
#[must_use]
pub fn line(text: &str) -> String {
    if text.bytes().all(|b| matches!(b, 0x20..=0x7e)) {
        return text.to_owned();
    }
    clean(text, false)
}

/// Safe text of many lines: tabs stay, every line end (CRLF, LF, a lone CR) is LF.
#[must_use]
pub fn text(text: &str) -> String {
    if text.bytes().all(|b| matches!(b, b'\t' | b'\n' | 0x20..=0x7e)) {
        return text.to_owned();
    }
    clean(text, true)
}

/// Whether `text` holds a character that is taken out because it hides or reorders what is read
/// (bidi controls and zero-width characters).
#[must_use]
pub fn has_hidden(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(is_hidden)
}

/// Whether `text` holds a control that is shown as U+FFFD (tab and line ends are none).
#[must_use]
pub fn has_control(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// A name under which a file can be written into any directory: no separators or characters that a
/// file system or shell treats as special, no leading dot or dash, no device name of Windows, at
/// most [`MAX_FILE_NAME_BYTES`] bytes with its extension kept, never empty.
#[must_use]
pub fn file_name(name: &str) -> String {
    let cleaned: String = line(name).chars().filter_map(file_char).collect();
    let trimmed = trim_name(&cleaned);
    let (stem, _) = trimmed.split_once('.').unwrap_or((trimmed, ""));
    let name = match trimmed {
        "" => NAMELESS.to_owned(),
        _ if is_device(stem.trim_end()) => format!("_{trimmed}"),
        _ => trimmed.to_owned(),
    };
    bound_name(&name)
}

fn clean(text: &str, keep_lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let kept = match c {
            '\r' if chars.peek() == Some(&'\n') => continue,
            '\n' | '\r' if keep_lines => '\n',
            '\t' if keep_lines => '\t',
            '\t' | '\n' | '\r' => ' ',
            ' '..='~' => c,
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c if is_hidden(c) => continue,
            '\u{200c}' | '\u{200d}' => {
                let joins =
                    last.is_some_and(is_joinable) && chars.peek().copied().is_some_and(is_joinable);
                if !joins {
                    continue;
                }
                c
            }
            c => c,
        };
        out.push(kept);
        last = Some(kept);
    }
    out
}

const fn is_hidden(c: char) -> bool {
    let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    bidi || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

/// Letters, the marks that belong to them (an Indic virama stands before a joiner), and emoji.
fn is_joinable(c: char) -> bool {
    c.is_alphabetic()
        || matches!(c,
            '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}' | '\u{6d6}'..='\u{6ed}' | '\u{900}'..='\u{dff}'
            | '\u{e31}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{a9}' | '\u{ae}' | '\u{2190}'..='\u{2bff}'
            | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{1f000}'..='\u{1faff}' | '\u{e0020}'..='\u{e007f}')
}

fn file_char(c: char) -> Option<char> {
    match c {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | char::REPLACEMENT_CHARACTER => {
            Some('_')
        }
        // Marks that reorder or vanish: harmless in a text, a trap in a name.
        '\u{61c}' | '\u{200c}'..='\u{200f}' | '\u{2028}' | '\u{2029}' => None,
        c => Some(c),
    }
}

fn trim_name(name: &str) -> &str {
    let start = name.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '.' | '-'));
    start.trim_end_matches(|c: char| c.is_whitespace() || c == '.')
}

/// Names that Windows takes for a device, whatever extension follows.
fn is_device(stem: &str) -> bool {
    let upper = stem.to_ascii_uppercase();
    let numbered = |port: &str| {
        upper.strip_prefix(port).is_some_and(|rest| {
            let mut chars = rest.chars();
            matches!(chars.next(), Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'))
                && chars.next().is_none()
        })
    };
    matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
        || numbered("COM")
        || numbered("LPT")
}

fn bound_name(name: &str) -> String {
    if name.len() <= MAX_FILE_NAME_BYTES {
        return name.to_owned();
    }
    let extension = name
        .rfind('.')
        .map(|dot| &name[dot..])
        .filter(|extension| extension.len() <= MAX_EXTENSION_BYTES)
        .unwrap_or_default();
    let stem = name.floor_char_boundary(MAX_FILE_NAME_BYTES - extension.len());
    let stem = name[..stem].trim_end_matches(|c: char| c.is_whitespace() || c == '.');
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forbidden(c: char, keep_lines: bool) -> bool {
        (c.is_control() && !(keep_lines && matches!(c, '\t' | '\n'))) || is_hidden(c)
    }

    #[test]
    fn every_character_alone_is_kept_replaced_or_removed_by_the_rule() {
        for c in '\0'..=char::MAX {
            let one = c.to_string();
            let expected_text = match c {
                '\t' | '\n' => one.clone(),
                '\r' => "\n".to_owned(),
                '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "\u{fffd}".to_owned(),
                '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{200b}'..='\u{200d}'
                | '\u{2060}'
                | '\u{feff}' => String::new(),
                _ => one.clone(),
            };
            assert_eq!(text(&one), expected_text, "text of U+{:04X}", u32::from(c));
            let expected_line = match c {
                '\t' | '\n' | '\r' => " ".to_owned(),
                _ => expected_text,
            };
            assert_eq!(line(&one), expected_line, "line of U+{:04X}", u32::from(c));
            assert_eq!(has_hidden(&one), is_hidden(c));
            assert!(!file_name(&one).chars().any(|c| forbidden(c, false) || c == '/'));
        }
    }

    #[test]
    fn joiners_stay_between_letters_and_emoji_only() {
        let kept = [
            "👩\u{200d}💻",
            "👩\u{200d}❤\u{fe0f}\u{200d}👨",
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "ක\u{dca}\u{200d}ය",
        ];
        for word in kept {
            assert_eq!(line(word), word);
        }
        assert_eq!(line("\u{200d}a b\u{200c} \u{200c}\u{a0}\u{200c}1"), "a b \u{a0}1");
        assert_eq!(line("a\u{200d}\u{200d}\u{200d}b"), "a\u{200d}b");
    }

    #[test]
    fn lines_and_escape_sequences() {
        assert_eq!(text("a\r\nb\rc\n\td"), "a\nb\nc\n\td");
        assert_eq!(line("a\r\nb\tc"), "a b c");
        assert_eq!(line("\u{1b}]0;x\u{7}\u{9b}2J"), "\u{fffd}]0;x\u{fffd}\u{fffd}2J");
        assert_eq!(line("pay\u{202e}lap"), "paylap");
        assert!(has_hidden("pay\u{202e}lap") && !has_hidden("payläp") && !has_hidden("a\u{1b}"));
        assert!(has_control("a\u{85}") && !has_control("a\r\n\tb"));
    }

    #[test]
    fn file_names() {
        let cases = [
            ("report.pdf", "report.pdf"),
            ("Größe 1.txt", "Größe 1.txt"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\x\\y.doc", "C__x_y.doc"),
            ("-rf", "rf"),
            (".bashrc", "bashrc"),
            ("a\u{1b}[2Jb\n.txt", "a_[2Jb .txt"),
            ("exe\u{202e}fdp.exe", "exefdp.exe"),
            ("con", "_con"),
            ("NUL.txt", "_NUL.txt"),
            ("com1 .log", "_com1 .log"),
            ("COM¹", "_COM¹"),
            ("console.log", "console.log"),
            ("name. . ", "name"),
            ("", "attachment"),
            (" .-. ", "attachment"),
            ("\u{200b}", "attachment"),
        ];
        for (given, expected) in cases {
            assert_eq!(file_name(given), expected, "{given:?}");
        }
        let long = format!("{}.tar.gz", "é".repeat(300));
        let bounded = file_name(&long);
        assert!(bounded.len() <= MAX_FILE_NAME_BYTES && bounded.ends_with("é.gz"), "{bounded}");
        assert!(file_name(&format!("a.{}", "b".repeat(400))).len() <= MAX_FILE_NAME_BYTES);
    }

    fn nasty() -> impl Strategy<Value = String> {
        let parts = prop_oneof![
            any::<char>().prop_map(|c| c.to_string()),
            "[ -~]{0,4}",
            prop::sample::select(vec![
                "\u{200d}", "\u{200c}", "\u{202e}", "\u{feff}", "\r", "\n", "\t", "\u{1b}",
                "\u{9b}", "👩", "\u{fe0f}", "ی", "\u{94d}", ".", "-", "/", "\\", "CON", " ",
                "con.", "NUL",
            ])
            .prop_map(str::to_owned),
        ];
        prop::collection::vec(parts, 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn nothing_forbidden_is_left_and_twice_is_once(given in nasty()) {
            let one = line(&given);
            prop_assert!(!one.chars().any(|c| forbidden(c, false)), "{one:?}");
            prop_assert_eq!(&line(&one), &one);
            let many = text(&given);
            prop_assert!(!many.chars().any(|c| forbidden(c, true)), "{many:?}");
            prop_assert_eq!(&text(&many), &many);
            prop_assert!(!has_hidden(&one) && !has_hidden(&many));
        }

        #[test]
        fn file_names_are_safe_and_stable(given in nasty(), times in 1_usize..12) {
            let name = file_name(&given.repeat(times));
            prop_assert!(!name.is_empty() && name.len() <= MAX_FILE_NAME_BYTES);
            prop_assert!(!name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']));
            prop_assert!(!name.chars().any(|c| forbidden(c, false) || matches!(c, '/' | '\\')));
            prop_assert_eq!(file_name(&name), name);
        }
    }
}
