//! Which known name somebody meant.
//!
//! Invariant: pure; a name that is far from all gives none, for a wrong guess is worse than none.

/// Characters of a name that are looked at: what is longer is no slip of a finger.
const MAX_CHARS: usize = 64;

/// The known name that `name` is nearest to, if one is near.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = name.chars().take(MAX_CHARS).flat_map(char::to_lowercase).collect();
    let most = (typed.len() / 3).max(1);
    known
        .into_iter()
        .map(|known| (steps(&typed, &known.chars().collect::<Vec<_>>()), known))
        .filter(|(steps, _)| *steps <= most)
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, known)| known)
}

/// How many characters are to be put in, left out, replaced, or swapped with the next one.
fn steps(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_forgiven_and_another_word_is_not() {
        let known = ["theme", "density", "preview", "preview_width", "dates"];
        for (typed, meant) in [
            ("themme", Some("theme")),
            ("Theme", Some("theme")),
            ("tehme", Some("theme")),
            ("densty", Some("density")),
            ("preview-width", Some("preview_width")),
            ("date", Some("dates")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
