//! The typed text as `format=flowed` (RFC 3676): long lines get soft ends, so that a narrow screen
//! can wrap them anew and an old program shows lines of the usual width.
//!
//! Invariant: a reader that joins soft ends has the typed lines again, but for spaces at their
//! ends; no line that was typed begins a quote or looks like `From ` by being wrapped. This
//! file must not encode for transport.

/// The widest line that a soft end leaves, in characters (RFC 3676 section 4.2: 78 or fewer).
const WIDTH: usize = 72;
/// The line above a signature, which keeps its space (RFC 3676 section 4.3).
pub(super) const SIGNATURE: &str = "-- ";

/// The text with CRLF line ends; it ends with one unless it is empty.
#[must_use]
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let text = super::line::lines(text);
    for line in text.trim_end_matches([' ', '\t', '\n']).split('\n') {
        encode_line(line, &mut out);
    }
    out
}

fn encode_line(line: &str, out: &mut String) {
    let depth = line.bytes().take_while(|&b| b == b'>').count();
    let (marks, content) = line.split_at(depth);
    // The space behind the marks is written again below.
    let content = if depth > 0 { content.strip_prefix(' ').unwrap_or(content) } else { content };
    if content == SIGNATURE {
        push(marks, content, out);
        return;
    }
    // A hard line does not end with a space: it would be a soft one.
    let mut rest = content.trim_end_matches([' ', '\t']);
    while let Some(at) = soft_end(rest, WIDTH.saturating_sub(depth + 1)) {
        push(marks, &rest[..at], out);
        rest = &rest[at..];
    }
    push(marks, rest, out);
}

/// One line of the result, stuffed with a space where it needs one (RFC 3676 section 4.4).
fn push(marks: &str, content: &str, out: &mut String) {
    out.push_str(marks);
    let stuffed = if marks.is_empty() {
        content.starts_with([' ', '>']) || content.starts_with("From ")
    } else {
        !content.is_empty()
    };
    if stuffed {
        out.push(' ');
    }
    out.push_str(content);
    out.push_str("\r\n");
}

/// Where a line that is too wide gets its soft end: behind a space, with something before and
/// behind it; never so that a line of its own looks like the one above a signature.
fn soft_end(line: &str, width: usize) -> Option<usize> {
    let (mut columns, mut best) = (0, None);
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        columns += 1;
        let next_is_space = chars.peek().is_none_or(|&(_, next)| next == ' ');
        if c == ' ' && !next_is_space && at > 0 {
            let end = at + 1;
            let is_break = !line[..at].trim().is_empty() && &line[..end] != SIGNATURE;
            if is_break && (columns <= width || best.is_none()) {
                best = Some(end);
            }
        }
        if columns > width && best.is_some() {
            return best;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::parse;
    use super::*;

    #[test]
    fn lines() {
        for (given, expected) in [
            ("", "\r\n"),
            ("one\ntwo  \n", "one\r\ntwo\r\n"),
            ("From here\n indented", " From here\r\n  indented\r\n"),
            ("> quote\n>> two\n>", "> quote\r\n>> two\r\n>\r\n"),
            (">>three", ">> three\r\n"),
            ("> > odd", "> > odd\r\n"),
            ("x\n-- \nAnn", "x\r\n-- \r\nAnn\r\n"),
            ("a\r\nb\rc\0d", "a\r\nb\r\nc d\r\n"),
        ] {
            assert_eq!(encode(given), expected, "{given:?}");
        }
        let long = "word ".repeat(40);
        let lines = encode(&long);
        assert!(lines.lines().count() == 3 && lines.lines().all(|line| line.len() <= WIDTH));
        assert!(lines.lines().take(2).all(|line| line.ends_with(' ')));
        let quoted = encode(&format!("> {long}"));
        assert!(quoted.lines().all(|line| line.starts_with("> word") && line.len() <= WIDTH));
    }

    /// What a reader shows of it: our own.
    fn shown(text: &str) -> String {
        let mail = format!("Content-Type: text/plain; format=flowed\n\n{}", encode(text));
        parse(mail.as_bytes()).text
    }

    fn normal(text: &str) -> String {
        let lines = text.split('\n').map(|line| {
            let depth = line.bytes().take_while(|&b| b == b'>').count();
            let rest = &line[depth..];
            let rest = if depth > 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { rest };
            let rest = if rest == SIGNATURE { rest } else { rest.trim_end_matches(' ') };
            let space = if depth > 0 && !rest.is_empty() { " " } else { "" };
            format!("{}{space}{rest}", ">".repeat(depth))
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        text.trim_start_matches('\n').trim_end().to_owned()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn a_reader_has_the_typed_lines_again(
            text in "(From |-- |> ?|>>|\n|--|a| {1,3}|é|[a-z]{1,12} |[a-z]{70,90}){0,60}"
        ) {
            prop_assert_eq!(shown(&text), normal(&text));
        }
    }
}
