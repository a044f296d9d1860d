//! Long quotes of a message that is unfolded, as one line that says how long they are.
//!
//! Invariant: nothing is left out without a line that says so; where something is looked for, or
//! where a message is nothing but quotes, all is shown. Pure.

use super::Kind;
use crate::ui::text;

/// Lines of a quote that are shown as they are; a longer one is folded.
const SHORT_QUOTE_LINES: usize = 6;

/// `lines` of a message with its long quotes folded.
#[must_use]
pub(super) fn folded(lines: &[(Kind, String)]) -> Vec<(Kind, String)> {
    let own = |(kind, text): &(Kind, String)| {
        matches!(kind, Kind::Text | Kind::Link | Kind::Target) && !text.trim().is_empty()
    };
    if !lines.iter().any(own) {
        return lines.to_vec();
    }
    let quoted = |line: &(Kind, String)| matches!(line.0, Kind::Quote(_));
    let mut out = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let run = lines[at..].iter().take_while(|line| quoted(line)).count();
        if run > SHORT_QUOTE_LINES {
            let many = text::plural(run as u64, "quoted line", "quoted lines");
            out.push((Kind::Folded, many));
        } else {
            out.extend_from_slice(&lines[at..at + run.max(1)]);
        }
        at += run.max(1);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter a line: `t`ext, `q`uote, `b`lank, `f`olded.
    fn check(lines: &str, wanted: &str) {
        let made: Vec<(Kind, String)> = lines
            .chars()
            .map(|c| match c {
                'q' => (Kind::Quote(1), "> words".to_owned()),
                'b' => (Kind::Text, String::new()),
                _ => (Kind::Text, "words".to_owned()),
            })
            .collect();
        let shown: String = folded(&made)
            .iter()
            .map(|(kind, text)| match kind {
                Kind::Quote(_) => 'q',
                Kind::Folded => 'f',
                _ if text.is_empty() => 'b',
                _ => 't',
            })
            .collect();
        assert_eq!(shown, wanted, "{lines}");
    }

    #[test]
    fn long_quotes_are_folded_and_short_ones_are_not() {
        check("tqqqqqqt", "tqqqqqqt");
        check("tqqqqqqqt", "tft");
        check("tqqqqqqqbqqqqqqqq", "tfbf");
        check("tqqtqqqqqqqqq", "tqqtf");
        check("", "");
        check("t", "t");
        // A message that is nothing but quotes says something.
        check("qqqqqqqqq", "qqqqqqqqq");
        check("bqqqqqqqqqb", "bqqqqqqqqqb");
    }

    #[test]
    fn a_fold_says_how_long_it_is() {
        let line = (Kind::Quote(2), String::new());
        let lines: Vec<_> =
            std::iter::once((Kind::Text, "a".to_owned())).chain(vec![line; 12]).collect();
        assert_eq!(folded(&lines)[1], (Kind::Folded, "12 quoted lines".to_owned()));
    }
}
