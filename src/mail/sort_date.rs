//! The date by which a message is sorted: the first one that can be true.
//!
//! Invariant: never before 1980 or more than a day after the import, unless the import time itself
//! is. This file must not read a clock.

use super::{Parsed, SortFrom};

/// 1980-01-01 in Unix seconds: before it there was no Internet mail; such a date is a broken clock.
const EARLIEST: i64 = 315_532_800;
/// How far a sender's clock may be ahead, in seconds.
const AHEAD: i64 = 86_400;

/// The date to sort by, in Unix seconds, and where it comes from.
#[must_use]
pub fn sort_date(parsed: &Parsed, file_time: Option<i64>, import_time: i64) -> (i64, SortFrom) {
    let candidates = [
        (parsed.date, SortFrom::Date),
        (parsed.received, SortFrom::Received),
        (file_time, SortFrom::File),
    ];
    for (date, from) in candidates {
        if let Some(date) = date.filter(|date| (EARLIEST..=import_time + AHEAD).contains(date)) {
            return (date, from);
        }
    }
    (import_time, SortFrom::Import)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_date_that_can_be_true() {
        const NOW: i64 = 1_700_000_000;
        let check = |date, received, file, expected| {
            let parsed = Parsed { date, received, ..Parsed::default() };
            assert_eq!(sort_date(&parsed, file, NOW), expected);
        };
        check(Some(5_000), Some(NOW), None, (NOW, SortFrom::Received));
        check(Some(NOW - 1), Some(NOW), None, (NOW - 1, SortFrom::Date));
        check(Some(NOW + AHEAD), None, None, (NOW + AHEAD, SortFrom::Date));
        check(Some(NOW + AHEAD + 1), None, Some(NOW), (NOW, SortFrom::File));
        check(Some(EARLIEST), None, None, (EARLIEST, SortFrom::Date));
        check(Some(EARLIEST - 1), Some(0), Some(0), (NOW, SortFrom::Import));
        check(None, Some(i64::MAX), Some(i64::MIN), (NOW, SortFrom::Import));
    }
}
