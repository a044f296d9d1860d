//! Tells text from control sequences in what a program wrote to a terminal, and says which of both
//! ours never writes.
//!
//! Invariant: nothing is forgiven: what is not in the short list of sequences that crossterm and
//! ratatui write for us is reported. Input is never interpreted, only cut into pieces (ECMA-48,
//! section 5.4 for control sequences, 5.6 for strings).

use serde_json::Value;

/// A piece of terminal output.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// A character for a cell.
    Text(char),
    /// A control character that stands alone.
    Control(char),
    /// `ESC [`: parameters and intermediates, and the final character.
    Csi(String, char),
    /// Any other escape sequence or control string, from `ESC` on.
    Other(String),
}

/// Whether no program may let this character through from mail (beside tab and line feed).
pub(crate) fn is_hostile(c: char) -> bool {
    let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let zero_width = matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}');
    (c.is_control() && c != '\n' && c != '\t') || bidi || zero_width
}

/// What must not be in plain output (a pipe, a log), with the text around it.
pub(crate) fn hostile_in_plain(bytes: &[u8]) -> Vec<String> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return vec![format!("not UTF-8 from byte {}", error.valid_up_to())],
    };
    let around = |at: usize| text.chars().skip(at.saturating_sub(20)).take(40).collect::<String>();
    let found = text.chars().enumerate().filter(|(_, c)| is_hostile(*c));
    found.map(|(at, c)| format!("{c:?} in {:?}", around(at))).collect()
}

/// What must not be in the strings of a JSON value: an escape sequence there is no byte on standard
/// output, but it is one as soon as a script prints it.
pub(crate) fn hostile_in_json(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => hostile_in_plain(text.as_bytes()),
        Value::Array(values) => values.iter().flat_map(hostile_in_json).collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(k, v)| [hostile_in_plain(k.as_bytes()), hostile_in_json(v)].concat())
            .collect(),
        _ => Vec::new(),
    }
}

/// What is in terminal output and is not ours.
pub(crate) fn foreign_in_terminal(bytes: &[u8]) -> Vec<String> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return vec![format!("not UTF-8 from byte {}", error.valid_up_to())],
    };
    let pieces = cut(text);
    let foreign = pieces.iter().filter(|piece| !is_ours(piece));
    foreign.map(|piece| format!("{piece:?}")).collect()
}

fn is_ours(piece: &Piece) -> bool {
    const MODES: [&str; 10] =
        ["25", "7", "1000", "1002", "1003", "1004", "1006", "1015", "1049", "2004"];
    match piece {
        Piece::Text(c) => !is_hostile(*c),
        Piece::Control(c) => matches!(c, '\r' | '\n' | '\u{8}' | '\t'),
        Piece::Csi(parameters, 'h' | 'l') => {
            parameters.strip_prefix('?').is_some_and(|mode| MODES.contains(&mode) || mode == "2026")
        }
        Piece::Csi(parameters, 'm') => {
            let mut numbers = parameters.split([';', ':']);
            numbers.all(|n| n.is_empty() || n.parse::<u8>().is_ok())
        }
        Piece::Csi(parameters, 'H' | 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'J' | 'K' | 'd') => {
            let mut numbers = parameters.split(';');
            numbers.all(|n| n.is_empty() || n.parse::<u16>().is_ok_and(|n| n < 1_000))
        }
        Piece::Csi(parameters, 'q') => parameters.ends_with(' '),
        Piece::Csi(parameters, 'u') => parameters.starts_with(['>', '<', '=']),
        // The title that was there is kept, and put back.
        Piece::Csi(parameters, 't') => matches!(parameters.as_str(), "22;2" | "23;2"),
        Piece::Csi(..) => false,
        Piece::Other(text) => {
            // The last asks which colour the background has (its ST is cut behind the ESC).
            let known = ["\u{1b}7", "\u{1b}8", "\u{1b}(B", "\u{1b}]11;?\u{1b}"];
            known.contains(&text.as_str()) || is_our_title(text)
        }
    }
}

/// The title: the count of unread conversations and the program's name, nothing of mail.
fn is_our_title(text: &str) -> bool {
    let title = text.strip_prefix("\u{1b}]2;").and_then(|rest| rest.strip_suffix("mailtui\u{7}"));
    let count = title.map(|title| title.strip_prefix('(').and_then(|t| t.strip_suffix(") ")));
    match (title, count.flatten()) {
        (Some(title), count) => title.is_empty() || count.is_some_and(|n| n.parse::<u64>().is_ok()),
        (None, _) => false,
    }
}

fn cut(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            pieces.push(if c.is_control() { Piece::Control(c) } else { Piece::Text(c) });
            continue;
        }
        let mut sequence = String::from(c);
        match chars.next() {
            Some('[') => {
                let mut parameters = String::new();
                let last = chars.find(|&c| {
                    let done = !(' '..='?').contains(&c);
                    if !done {
                        parameters.push(c);
                    }
                    done
                });
                pieces.push(Piece::Csi(parameters, last.unwrap_or('\0')));
                continue;
            }
            // OSC, DCS, SOS, PM, APC: up to BEL or ST.
            Some(open @ (']' | 'P' | 'X' | '^' | '_')) => {
                sequence.push(open);
                while let Some(c) = chars.next() {
                    sequence.push(c);
                    if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                        break;
                    }
                }
            }
            Some(intermediate @ ' '..='/') => {
                sequence.push(intermediate);
                sequence.extend(chars.next());
            }
            other => sequence.extend(other),
        }
        pieces.push(Piece::Other(sequence));
    }
    pieces
}

#[test]
fn what_is_not_ours_is_found() {
    let ours = "\u{1b}[?1049h\u{1b}[1;1H\u{1b}[38;5;12mInbox\u{1b}[0m\r\n\u{1b}[?25l é 漢 🙂\
                \u{1b}]11;?\u{1b}\\\
                \u{1b}[22;2t\u{1b}]2;(3) mailtui\u{7}\u{1b}]2;mailtui\u{7}\u{1b}[23;2t";
    assert_eq!(foreign_in_terminal(ours.as_bytes()), Vec::<String>::new());
    let hostile = [
        "\u{1b}]0;title\u{7}",
        "\u{1b}]2;title mailtui\u{7}",
        "\u{1b}]2;(3) x mailtui\u{7}",
        "\u{1b}]9;news\u{7}",
        "\u{1b}]11;#000000\u{1b}\\",
        "\u{1b}[21t",
        "\u{1b}[31337m",
        "\u{1b}[5n",
        "\u{1b}[?31337h",
        "\u{1b}Pq\u{1b}\\",
        "\u{1b}_x\u{1b}\\",
        "\u{1b}c",
        "\u{9b}2J",
        "\u{202e}",
        "\u{200b}",
        "\u{7}",
        "\u{7f}",
    ];
    for bad in hostile {
        assert_ne!(foreign_in_terminal(bad.as_bytes()), Vec::<String>::new(), "{bad:?}");
        assert_ne!(hostile_in_plain(bad.as_bytes()), Vec::<String>::new(), "{bad:?}");
    }
    assert_eq!(foreign_in_terminal(b"\x9b2J").len(), 1, "a raw C1 byte is no UTF-8");
    assert_eq!(hostile_in_json(&serde_json::json!({"a": ["\u{1b}[m"]})).len(), 1);
    assert_eq!(hostile_in_plain("é\tx\n".as_bytes()), Vec::<String>::new());
}
