//! How well typed words fit a text, and which of known names is the nearest to an unknown one.
//!
//! Invariant: pure and bounded, whatever the text. A letter counts where a word begins or where it
//! goes on from the one before; what is only strewn over the text does not fit.

/// Signs of a text that are looked at.
const MAX_TEXT_CHARS: usize = 160;
/// Signs of what is typed that are looked at.
const MAX_TYPED_CHARS: usize = 60;
/// A letter at the beginning of a word.
const START: i32 = 8;
/// That the text begins so, or that a word ends where what is typed does.
const WHOLE: i32 = 3;
/// A letter that follows the one before.
const RUN: i32 = 6;
/// A letter somewhere else.
const STREWN: i32 = -7;
/// What a text has for each of its signs that is not typed, at most [`MAX_LENGTH_LOSS`] in all.
const MAX_LENGTH_LOSS: usize = 12;
/// Edits up to which a name is near, for a name of few letters and for one of many.
const NEAR_EDITS: (usize, usize) = (1, 2);
/// A name of fewer letters than this is one of few.
const FEW_LETTERS: usize = 5;

/// How well `typed` fits `text`: the more the better; `None` when it does not. Every word that is
/// typed must fit, in any order.
#[must_use]
pub fn score(typed: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = text.chars().take(MAX_TEXT_CHARS).flat_map(char::to_lowercase).collect();
    let typed: String = typed.chars().take(MAX_TYPED_CHARS).flat_map(char::to_lowercase).collect();
    let mut sum = 0;
    let mut letters = 0;
    for word in typed.split_whitespace() {
        let word: Vec<char> = word.chars().collect();
        letters += word.len();
        sum += word_score(&word, &text)?;
    }
    let rest = text.len().saturating_sub(letters) / 4;
    Some(sum - i32::try_from(rest.min(MAX_LENGTH_LOSS)).unwrap_or(0))
}

/// The best way to find `word` in `text`, letter by letter.
fn word_score(word: &[char], text: &[char]) -> Option<i32> {
    let starts = |at: usize| at == 0 || !text[at - 1].is_alphanumeric();
    // `best[at]`: the best score of the letters so far of which the last stands at `at`.
    let mut best: Vec<Option<i32>> = Vec::new();
    for (nth, letter) in word.iter().enumerate() {
        let mut next = vec![None; text.len()];
        let mut before: Option<i32> = None;
        for at in 0..text.len() {
            if nth > 0 && at > 1 {
                before = before.max(best[at - 2]);
            }
            if text[at] != *letter {
                continue;
            }
            let fresh = match at {
                0 => START + WHOLE,
                at if starts(at) => START,
                _ => STREWN,
            };
            let run = at.checked_sub(1).and_then(|at| *best.get(at)?).map(|s| s + RUN);
            let jump = if nth == 0 { Some(fresh) } else { before.map(|s| s + fresh) };
            next[at] = run.max(jump);
        }
        best = next;
    }
    let ends = |at: usize| text.get(at + 1).is_none_or(|next| !next.is_alphanumeric());
    let whole = |(at, score): (usize, Option<i32>)| Some(score? + if ends(at) { WHOLE } else { 0 });
    best.into_iter().enumerate().filter_map(whole).max().filter(|score| *score > 0)
}

/// Of `names` the one that `typed` is most likely meant to be, where one is near.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> =
        typed.chars().take(MAX_TYPED_CHARS).flat_map(char::to_lowercase).collect();
    let most = if typed.len() < FEW_LETTERS { NEAR_EDITS.0 } else { NEAR_EDITS.1 };
    let near = names.into_iter().filter_map(|name| {
        let known: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
        let begins = !typed.is_empty() && known.starts_with(&typed);
        let edits = if begins { 0 } else { edits(&typed, &known) };
        (edits <= most && edits < typed.len()).then_some((edits, name))
    });
    near.min_by_key(|(edits, _)| *edits).map(|(_, name)| name)
}

/// Letters to put in, take out, exchange or swap with their neighbour between `a` and `b`.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let other = usize::from(a[i - 1] != b[j - 1]);
            let mut least =
                (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + other);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, better: &str, worse: &str) {
        let (better_score, worse_score) = (score(typed, better), score(typed, worse));
        assert!(better_score.is_some(), "{typed:?} fits {better:?}");
        assert!(better_score > worse_score, "{typed:?}: {better_score:?} {worse_score:?}");
    }

    #[test]
    fn words_and_runs_are_better_than_strewn_letters() {
        check("arch", "Archive: out of the inbox, kept", "Search all mail, as you type");
        check("mr", "Mark as read", "Star; unstar when all are starred");
        check("read", "Mark as read", "Mark as unread");
        check("inbox", "Inbox", "Archive: out of the inbox, kept");
        check("label del", "Delete the label", "Rename the label");
        check("ÉMILE", "Émile Zola", "Emil");
        check("田中", "花子 田中", "来週の会議");
    }

    #[test]
    fn what_does_not_fit_is_none() {
        for (typed, text) in
            [("xyz", "Archive"), ("ahe", "Archive"), ("a", ""), ("in out", "Inbox")]
        {
            assert_eq!(score(typed, text), None, "{typed:?} in {text:?}");
        }
        assert!(score("", "Archive").is_some(), "nothing typed fits all");
    }

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let names = ["archive", "star", "unstar", "go-inbox"];
        for (typed, wanted) in [
            ("archvie", Some("archive")),
            ("archv", Some("archive")),
            ("Archive", Some("archive")),
            ("arc", Some("archive")),
            ("satr", Some("star")),
            ("goinbox", Some("go-inbox")),
            ("zebra", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), wanted, "{typed:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(typed in "\\PC{0,90}", text in "\\PC{0,300}") {
            let _ = score(&typed, &text);
            let _ = nearest(&typed, [text.as_str()]);
        }
    }
}
