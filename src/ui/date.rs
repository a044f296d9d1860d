//! Dates for people, in the reader's own zone.
//!
//! Invariant: the clock and the zone come in as arguments; a date out of range is an empty text.

use jiff::Timestamp;
use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::config::Dates;
use crate::ui::app::Model;

/// Columns of a date of this year; a list of such dates only has no wider column.
pub const NEAR_COLUMNS: usize = 6;

/// An hour of twelve.
const TWELVE: &str = "%-I:%M %P";

fn local(seconds: i64, zone: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(zone.clone()))
}

/// Today `09:41`, this year `12 Nov`, else `2009-11-17`.
#[must_use]
pub fn short(seconds: i64, now: i64, zone: &TimeZone) -> String {
    let (Some(at), Some(now)) = (local(seconds, zone), local(now, zone)) else {
        return String::new();
    };
    let format = if at.date() == now.date() {
        "%H:%M"
    } else if at.year() == now.year() {
        "%-d %b"
    } else {
        "%Y-%m-%d"
    };
    at.strftime(format).to_string()
}

/// A date of a list, as the user has set it; `narrow` where every column counts.
#[must_use]
pub fn listed(seconds: i64, model: &Model, narrow: bool) -> String {
    let (now, zone, settings) = (model.now(), &model.zone, model.settings());
    let today = |at: &Zoned| local(now, zone).is_some_and(|now| now.date() == at.date());
    match (settings.dates, local(seconds, zone)) {
        (_, Some(at)) if settings.twelve && today(&at) => at.strftime(TWELVE).to_string(),
        (Dates::Iso, Some(at)) if !today(&at) => at.strftime("%Y-%m-%d").to_string(),
        _ if narrow => shortest(seconds, now, zone),
        _ => short(seconds, now, zone),
    }
}

/// As [`short`] where every column counts: the day of another year is left out, `2009-11`.
#[must_use]
pub fn shortest(seconds: i64, now: i64, zone: &TimeZone) -> String {
    let date = short(seconds, now, zone);
    match date.rsplit_once('-') {
        Some((month, _)) => month.to_owned(),
        None => date,
    }
}

/// `Wed 12 Nov 2025, 09:41`.
#[must_use]
pub fn long(seconds: i64, zone: &TimeZone) -> String {
    local(seconds, zone)
        .map(|at| at.strftime("%a %-d %b %Y, %H:%M").to_string())
        .unwrap_or_default()
}

/// A wait for people: `6 s`, `4 min`.
#[must_use]
pub fn wait(seconds: u64) -> String {
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearer_dates_say_more() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let now = 1_763_000_000; // 2025-11-13 02:13:20 UTC
        for (seconds, shown) in [
            (now, "03:13"),
            (now - 3_600 * 3, "00:13"),
            (now - 3_600 * 4, "12 Nov"),
            (1_258_471_718, "2009-11-17"),
            (i64::MAX, ""),
        ] {
            assert_eq!(short(seconds, now, &zone), shown);
        }
        assert_eq!(long(1_258_471_718, &zone), "Tue 17 Nov 2009, 16:28");
        assert_eq!([wait(6), wait(200), wait(9_000)], ["6 s", "4 min", "3 h"]);
    }
}
