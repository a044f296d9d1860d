//! Which conversations a device of a remote backend keeps on disk: what was asked for, as words.
//!
//! Invariant: pure. What is pinned, open, pending or being written is kept whatever is said here.

use serde::{Deserialize, Serialize};

/// How much is kept unless it is told otherwise, in bytes.
pub const KEEP_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// The least limit, in bytes.
const LEAST_BYTES: u64 = 64 * 1024;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What was opened here.
    #[serde(default)]
    pub opened: bool,
    /// What is starred.
    #[serde(default)]
    pub starred: bool,
    /// So many of the newest conversations, without trash and spam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<u64>,
    /// Conversations of so many last days, without trash and spam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Everything.
    #[serde(default)]
    pub all: bool,
    /// At most so many bytes, about.
    pub limit: u64,
}

impl Default for Policy {
    fn default() -> Self {
        let (newest, days) = (None, None);
        Self { opened: true, starred: false, newest, days, all: false, limit: KEEP_BYTES }
    }
}

impl Policy {
    /// The policy that these words say, with this one's limit.
    ///
    /// # Errors
    /// A line about the word that says nothing.
    pub fn parse(&self, words: &[String]) -> Result<Self, String> {
        let mut policy = Self { opened: false, ..Self::default() };
        policy.limit = self.limit;
        for word in words {
            let (what, number) = word.split_once(':').unwrap_or((word, ""));
            match (what, number) {
                ("opened", "") => policy.opened = true,
                ("starred", "") => policy.starred = true,
                ("all", "") => policy.all = true,
                ("newest", n) => policy.newest = Some(n.parse().map_err(|_| unknown(word))?),
                ("days", n) => policy.days = Some(n.parse().map_err(|_| unknown(word))?),
                ("none", "") if words.len() == 1 => {}
                _ => return Err(unknown(word)),
            }
        }
        Ok(policy)
    }

    /// The words that say it.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let flags = [("opened", self.opened), ("starred", self.starred), ("all", self.all)];
        let flags = flags.iter().filter(|(_, on)| *on).map(|(word, _)| (*word).to_owned());
        let mut words: Vec<String> = flags.collect();
        words.extend(self.newest.map(|n| format!("newest:{n}")));
        words.extend(self.days.map(|n| format!("days:{n}")));
        if words.is_empty() {
            words.push("none".to_owned());
        }
        words
    }

    /// Whether a list of conversations by age is wanted.
    #[must_use]
    pub const fn wants_list(&self) -> bool {
        self.all || self.newest.is_some() || self.days.is_some()
    }
}

fn unknown(word: &str) -> String {
    let word = crate::safe_text::line(word);
    format!("{word:?} is none of opened, starred, newest:N, days:N, all, or none alone")
}

/// A size such as `500MB` or `2GiB`, in bytes.
///
/// # Errors
/// A line about what is wrong with it.
pub fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 10] = [
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("tib", 1 << 40),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("tb", 1_000_000_000_000),
        ("b", 1),
        ("", 1),
    ];
    let lower = text.trim().to_lowercase();
    let unit = UNITS.iter().find(|(unit, _)| lower.ends_with(unit)).unwrap_or(&("", 1));
    let number: Option<u64> = lower.strip_suffix(unit.0).and_then(|n| n.trim().parse().ok());
    match number.and_then(|number| number.checked_mul(unit.1)) {
        Some(bytes) if bytes >= LEAST_BYTES => Ok(bytes),
        Some(_) => Err(format!("a limit is at least {} KiB", LEAST_BYTES / 1024)),
        None => Err("a size is a number and a unit, such as 500MB or 2GiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_a_policy_and_back() {
        let parse = |words: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            Policy::default().parse(&words).map(|policy| policy.words().join(" "))
        };
        for words in ["opened", "none", "opened starred", "newest:50", "starred all days:3"] {
            assert_eq!(parse(words), Ok(words.to_owned()));
        }
        for words in ["some", "newest", "newest:x", "days:-1", "none all", "size:3", "ALL"] {
            assert!(parse(words).is_err(), "{words}");
        }
    }

    #[test]
    fn a_size_has_a_unit() {
        let cases = [
            ("2GiB", Some(2 << 30)),
            ("500 mb", Some(500_000_000)),
            ("70000", Some(70_000)),
            ("1k", None),
            ("10", None),
            ("", None),
            ("GiB", None),
            ("99999999999999999999", None),
            ("18446744073709551615tib", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text).ok(), bytes, "{text}");
        }
    }
}
