//! Text that is put into a header or a body: what could end a line or a field is a space.
//!
//! Invariant: the result of [`one_line`] has no control and no line separator of any kind; that of
//! [`lines`] has LF and tab only. This file must not make text safe for a terminal.

/// One line: controls become a space, and none is left at the ends.
#[must_use]
pub(super) fn one_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(ends_a_line, " ").trim().to_owned()
}

/// Lines: every line end is LF, every other control but tab a space.
#[must_use]
pub(super) fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), " ")
}

/// Controls, and the separators of Unicode that some programs take for line ends.
fn ends_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_line_is_a_space() {
        assert_eq!(one_line(" a\r\nBcc: x\0\u{85}\u{2028}b\n"), "a Bcc: x   b");
        assert_eq!(lines("a\r\nb\rc\td\0e\u{1b}\u{2029}f"), "a\nb\nc\td e \u{2029}f");
    }
}
