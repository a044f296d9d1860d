//! What a server can do, by its last EHLO answer (RFC 5321, 4.1.1.1).
//!
//! Invariant: what is not understood is not offered.

use crate::account::smtp_wire::mechanisms;

/// What counts for a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Offers {
    /// The largest message, in bytes, where one is said (RFC 1870).
    pub(super) most: Option<u64>,
    /// Whether a size may be declared (RFC 1870).
    pub(super) size: bool,
    /// RFC 6152.
    pub(super) eight_bit: bool,
    /// RFC 6531.
    pub(super) utf8: bool,
    /// Whether it offers any login.
    pub(super) login: bool,
}

impl Offers {
    pub(super) fn of(lines: &[String]) -> Self {
        let mut offers = Self { login: !mechanisms(lines).is_empty(), ..Self::default() };
        for line in lines {
            let mut words = line.split_ascii_whitespace();
            let word = words.next().unwrap_or_default().to_ascii_uppercase();
            match word.as_str() {
                "SIZE" => {
                    offers.size = true;
                    // No number, or 0, is no limit that is known (RFC 1870, 4).
                    offers.most = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                }
                "8BITMIME" => offers.eight_bit = true,
                "SMTPUTF8" => offers.utf8 = true,
                _ => {}
            }
        }
        offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_read_as_they_are_said() {
        let check = |lines: &[&str], want: Offers| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(Offers::of(&lines), want, "{lines:?}");
        };
        let none = Offers::default();
        check(&[], none);
        check(&["PIPELINING", "SIZEABLE 12", "X8BITMIME"], none);
        check(&["size 1000"], Offers { most: Some(1000), size: true, ..none });
        check(&["SIZE"], Offers { size: true, ..none });
        check(&["SIZE 0"], Offers { size: true, ..none });
        check(&["SIZE -5"], Offers { size: true, ..none });
        check(&["SIZE 99999999999999999999999"], Offers { size: true, ..none });
        check(&["8bitmime", "SMTPUTF8"], Offers { eight_bit: true, utf8: true, ..none });
        check(&["AUTH PLAIN"], Offers { login: true, ..none });
        check(&["AUTH"], none);
    }
}
