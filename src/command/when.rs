//! Until when a conversation sleeps, as people say it: `3h`, `tomorrow`, `monday 18:00`.
//!
//! Invariant: pure: the time and the zone come in as an argument. What is read lies in the future;
//! an hour that a day does not have (the clock goes forward) is the hour after it.

use std::time::Duration;

use jiff::civil::{Date, Time, Weekday, time};
use jiff::{Span, Timestamp, Zoned};

use crate::clock::MONTHS;

/// When a day begins for who names only the day.
const MORNING: Time = time(8, 0, 0, 0);
/// When an evening begins.
const EVENING: Time = time(18, 0, 0, 0);
/// How long `later` is.
const LATER: Duration = Duration::from_hours(3);
/// The longest text that is looked at, in bytes.
const MAX_BYTES: usize = 64;

/// What can be said, for hints.
pub const EXAMPLES: &str = "3h, tomorrow 8, mon 9:00, in 2 weeks, weekend, 24 dec or \
     2030-01-31T08:00:00Z";

/// What is offered before anything is typed: a name, and what is read for it.
const OFFERED: [(&str, &str); 5] = [
    ("Later today", "later"),
    ("This evening", "today 18:00"),
    ("Tomorrow", "tomorrow"),
    ("Weekend", "weekend"),
    ("Next week", "next week"),
];

/// The times that are offered at `now`, Unix seconds; those that are over are left out.
#[must_use]
pub fn offered(now: &Zoned) -> Vec<(&'static str, i64)> {
    let mut offered: Vec<(&'static str, i64)> = Vec::new();
    for (name, text) in OFFERED {
        let Ok(until) = read(text, now) else { continue };
        let of_today = local(until, now).is_some_and(|at| at.date() == now.date());
        if text == "later" && !of_today {
            continue;
        }
        // On a Friday the weekend is tomorrow.
        if !offered.iter().any(|(_, other)| *other == until) {
            offered.push((name, until));
        }
    }
    // In the late afternoon the evening comes before "later".
    offered.sort_by_key(|(_, until)| *until);
    offered
}

/// Reads a time after `now`, Unix seconds.
///
/// # Errors
/// A line that says what is wrong with it.
pub fn read(text: &str, now: &Zoned) -> Result<i64, String> {
    let clean = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if clean.is_empty() || clean.len() > MAX_BYTES {
        return Err("say until when".to_owned());
    }
    let until = moment(&clean, now).ok_or_else(|| "that is no time".to_owned())?;
    if until <= now.timestamp().as_second() {
        return Err("that is over already".to_owned());
    }
    Ok(until)
}

fn local(seconds: i64, now: &Zoned) -> Option<Zoned> {
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(now.time_zone().clone()))
}

fn moment(text: &str, now: &Zoned) -> Option<i64> {
    // RFC 3339, section 5.6; its letters may be of either case.
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_second());
    }
    let lower = text.to_ascii_lowercase();
    if let Some(at) = later(&lower, now) {
        return Some(at);
    }
    let (day, hour) = match lower.split_once('t') {
        // `2030-01-31T18:00` has no zone: it is here.
        Some((day, hour)) if day.parse::<Date>().is_ok() => (day, clock(hour)?),
        _ => match lower.rsplit_once(' ') {
            Some((day, hour)) if clock(hour).is_some() => {
                (day.trim_end_matches(" at"), clock(hour)?)
            }
            // `tomorrow 8` is at eight; `24 12` is nothing.
            Some((day, hour)) if bare(hour).is_some() && names_day(day, now) => {
                (day.trim_end_matches(" at"), bare(hour)?)
            }
            _ => match clock(&lower) {
                Some(hour) => return next(hour, now),
                None => (lower.as_str(), if is_evening(&lower) { EVENING } else { MORNING }),
            },
        },
    };
    at(date(day, now)?, hour, now)
}

/// An hour with nothing behind it: `8`, `18`.
fn bare(text: &str) -> Option<Time> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    Time::new(text.parse().ok().filter(|_| plain)?, 0, 0, 0).ok()
}

/// Whether this is a day, and an hour may stand behind it; behind a month stands a day.
fn names_day(text: &str, now: &Zoned) -> bool {
    month(text).is_none() && date(text.trim_end_matches(" at"), now).is_some()
}

/// The next time that clocks show this.
fn next(hour: Time, now: &Zoned) -> Option<i64> {
    let today = at(now.date(), hour, now)?;
    if today > now.timestamp().as_second() {
        return Some(today);
    }
    at(now.date().tomorrow().ok()?, hour, now)
}

fn at(date: Date, hour: Time, now: &Zoned) -> Option<i64> {
    let at = date.to_datetime(hour).to_zoned(now.time_zone().clone()).ok()?;
    Some(at.timestamp().as_second())
}

/// A wait from now on: `3h`, `later`.
fn later(text: &str, now: &Zoned) -> Option<i64> {
    if matches!(text, "later" | "later today") {
        return Some(now.checked_add(LATER).ok()?.timestamp().as_second());
    }
    let text = text.strip_prefix("in ").unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let number: i32 = text[..end].parse().ok()?;
    let span = match text[end..].trim_start() {
        "m" | "min" | "mins" | "minute" | "minutes" => Span::new().try_minutes(number),
        "h" | "hour" | "hours" => Span::new().try_hours(number),
        "d" | "day" | "days" => Span::new().try_days(number),
        "w" | "week" | "weeks" => Span::new().try_weeks(number),
        "month" | "months" => Span::new().try_months(number),
        _ => return None,
    };
    Some(now.checked_add(span.ok()?).ok()?.timestamp().as_second())
}

fn is_evening(text: &str) -> bool {
    matches!(text, "evening" | "this evening" | "tonight")
        || text.strip_suffix(" evening").is_some()
}

fn date(text: &str, now: &Zoned) -> Option<Date> {
    let today = now.date();
    let text = text.strip_suffix(" evening").unwrap_or(text);
    match text {
        "today" | "this" | "evening" | "tonight" => return Some(today),
        "tomorrow" => return today.tomorrow().ok(),
        "weekend" | "this weekend" | "the weekend" => {
            return today.nth_weekday(1, Weekday::Saturday).ok();
        }
        "next week" => return today.nth_weekday(1, Weekday::Monday).ok(),
        "next month" => return today.first_of_month().checked_add(Span::new().months(1)).ok(),
        _ => {}
    }
    match weekday(text.strip_prefix("next ").unwrap_or(text)) {
        // The next day of that name, and never today.
        Some(day) => today.nth_weekday(1, day).ok(),
        None => text.parse().ok().or_else(|| of_month(text, today)),
    }
}

/// `24 dec`, `dec 24`: the next one, today too.
fn of_month(text: &str, today: Date) -> Option<Date> {
    let (one, other) = text.split_once(' ')?;
    let (month, day) = match (month(one), month(other)) {
        (Some(month), None) => (month, other),
        (None, Some(month)) => (month, one),
        _ => return None,
    };
    let plain = day.len() <= 2 && day.bytes().all(|byte| byte.is_ascii_digit());
    let day: i8 = day.parse().ok().filter(|_| plain)?;
    // The 29th of February is not in every year.
    let years = (0..=8).filter_map(|more| today.year().checked_add(more));
    years.filter_map(|year| Date::new(year, month, day).ok()).find(|date| *date >= today)
}

fn month(text: &str) -> Option<i8> {
    let named = |name: &&str| **name == *text || (text.len() >= 3 && name.starts_with(text));
    let at = MONTHS.iter().position(named)?;
    i8::try_from(at + 1).ok()
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "monday" | "mon" => Weekday::Monday,
        "tuesday" | "tue" | "tues" => Weekday::Tuesday,
        "wednesday" | "wed" => Weekday::Wednesday,
        "thursday" | "thu" | "thur" | "thurs" => Weekday::Thursday,
        "friday" | "fri" => Weekday::Friday,
        "saturday" | "sat" => Weekday::Saturday,
        "sunday" | "sun" => Weekday::Sunday,
        _ => return None,
    })
}

/// `18:00`, `9am`, `6:30pm`.
fn clock(text: &str) -> Option<Time> {
    match text {
        "noon" => return Time::new(12, 0, 0, 0).ok(),
        "midnight" => return Time::new(0, 0, 0, 0).ok(),
        _ => {}
    }
    let (digits, add) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(digits), _) => (digits, Some(0)),
        (_, Some(digits)) => (digits, Some(12)),
        _ => (text, None),
    };
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (hour, minute),
        None if add.is_some() => (digits, "0"),
        _ => return None,
    };
    let number = |text: &str| {
        let plain = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i8>().ok().filter(|_| plain)
    };
    let hour = match (number(hour)?, add) {
        (hour @ 1..=12, Some(add)) => hour % 12 + add,
        (_, Some(_)) => return None,
        (hour, None) => hour,
    };
    Time::new(hour, number(minute)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    /// A zone of its own rules, as in POSIX: an hour ahead of UTC, in summer two.
    fn zone() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn now(text: &str) -> Zoned {
        text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone()).unwrap()
    }

    fn check(at: &str, text: &str, wanted: Result<&str, &str>) {
        let found = read(text, &now(at));
        let found = found.map(|until| {
            let at = Timestamp::from_second(until).unwrap().to_zoned(zone());
            at.strftime("%a %Y-%m-%d %H:%M").to_string()
        });
        let wanted = wanted.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found, wanted, "{text:?} at {at}");
    }

    #[test]
    fn people_say_times_in_many_ways() {
        // A Wednesday.
        let at = "2026-11-25T14:30:00";
        for (text, wanted) in [
            ("30m", "Wed 2026-11-25 15:00"),
            ("3h", "Wed 2026-11-25 17:30"),
            ("in 3 hours", "Wed 2026-11-25 17:30"),
            ("2d", "Fri 2026-11-27 14:30"),
            ("1w", "Wed 2026-12-02 14:30"),
            ("later", "Wed 2026-11-25 17:30"),
            ("18:00", "Wed 2026-11-25 18:00"),
            ("9:15", "Thu 2026-11-26 09:15"),
            ("6pm", "Wed 2026-11-25 18:00"),
            ("12am", "Thu 2026-11-26 00:00"),
            ("today 18:00", "Wed 2026-11-25 18:00"),
            ("tonight", "Wed 2026-11-25 18:00"),
            ("this evening", "Wed 2026-11-25 18:00"),
            ("Tomorrow", "Thu 2026-11-26 08:00"),
            ("tomorrow  evening", "Thu 2026-11-26 18:00"),
            ("tomorrow at 6:30pm", "Thu 2026-11-26 18:30"),
            ("monday", "Mon 2026-11-30 08:00"),
            ("mon 18:00", "Mon 2026-11-30 18:00"),
            ("wednesday", "Wed 2026-12-02 08:00"),
            ("next friday", "Fri 2026-11-27 08:00"),
            ("weekend", "Sat 2026-11-28 08:00"),
            ("next week", "Mon 2026-11-30 08:00"),
            ("tomorrow 8", "Thu 2026-11-26 08:00"),
            ("tomorrow at 17", "Thu 2026-11-26 17:00"),
            ("mon", "Mon 2026-11-30 08:00"),
            ("mon 9", "Mon 2026-11-30 09:00"),
            ("next fri 0", "Fri 2026-11-27 00:00"),
            ("today 20", "Wed 2026-11-25 20:00"),
            ("in 2 weeks", "Wed 2026-12-09 14:30"),
            ("2 weeks", "Wed 2026-12-09 14:30"),
            ("in 1 month", "Fri 2026-12-25 14:30"),
            ("next month", "Tue 2026-12-01 08:00"),
            ("next month 9:00", "Tue 2026-12-01 09:00"),
            ("noon", "Thu 2026-11-26 12:00"),
            ("tomorrow noon", "Thu 2026-11-26 12:00"),
            ("24 dec", "Thu 2026-12-24 08:00"),
            ("Dec 24", "Thu 2026-12-24 08:00"),
            ("december 24 18:00", "Thu 2026-12-24 18:00"),
            ("1 nov", "Mon 2027-11-01 08:00"),
            ("29 feb", "Tue 2028-02-29 08:00"),
            ("2026-12-24 9", "Thu 2026-12-24 09:00"),
            ("2026-12-24", "Thu 2026-12-24 08:00"),
            ("2026-12-24 20:15", "Thu 2026-12-24 20:15"),
            ("2026-12-24T20:15", "Thu 2026-12-24 20:15"),
            ("2026-12-24T20:15:00Z", "Thu 2026-12-24 21:15"),
            ("2026-12-24t20:15:00+01:00", "Thu 2026-12-24 20:15"),
        ] {
            check(at, text, Ok(wanted));
        }
    }

    #[test]
    fn what_is_no_time_or_over_says_so() {
        let at = "2026-11-25T14:30:00";
        for (text, wanted) in [
            ("", "say until when"),
            ("soon", "that is no time"),
            ("25:00", "that is no time"),
            ("13pm", "that is no time"),
            ("0pm", "that is no time"),
            ("+1:00", "that is no time"),
            ("3", "that is no time"),
            ("24 12", "that is no time"),
            ("tomorrow 24", "that is no time"),
            ("tomorrow 8 9", "that is no time"),
            ("tomorrow -8", "that is no time"),
            ("31 feb", "that is no time"),
            ("dec", "that is no time"),
            ("dec 24 dec", "that is no time"),
            ("d 24", "that is no time"),
            ("in weeks", "that is no time"),
            ("in -2 weeks", "that is no time"),
            ("mon tue", "that is no time"),
            ("\u{1b}[31mmon", "that is no time"),
            ("today 8", "that is over already"),
            ("3y", "that is no time"),
            ("99999999999h", "that is no time"),
            ("2147483647w", "that is no time"),
            ("2026-02-30", "that is no time"),
            ("today 9:00", "that is over already"),
            ("today", "that is over already"),
            ("2020-01-01T00:00:00Z", "that is over already"),
            ("0h", "that is over already"),
        ] {
            check(at, text, Err(wanted));
        }
        assert!(read(&"x".repeat(1 << 20), &now(at)).is_err());
    }

    #[test]
    fn clocks_that_change_are_followed() {
        // The night in which there is no 02:30, and the one in which it is twice.
        check("2026-03-28T12:00:00", "tomorrow 2:30", Ok("Sun 2026-03-29 03:30"));
        check("2026-03-28T12:00:00", "1d", Ok("Sun 2026-03-29 12:00"));
        check("2026-03-28T12:00:00", "24h", Ok("Sun 2026-03-29 13:00"));
        check("2026-10-24T12:00:00", "tomorrow 2:30", Ok("Sun 2026-10-25 02:30"));
        check("2026-03-28T12:00:00", "tomorrow 2", Ok("Sun 2026-03-29 03:00"));
        check("2026-03-28T12:00:00", "sun 8", Ok("Sun 2026-03-29 08:00"));
        check("2026-03-20T12:00:00", "in 2 weeks", Ok("Fri 2026-04-03 12:00"));
        check("2026-10-20T12:00:00", "in 1 month", Ok("Fri 2026-11-20 12:00"));
        check("2026-10-24T12:00:00", "mon", Ok("Mon 2026-10-26 08:00"));
        check("2026-10-24T12:00:00", "24h", Ok("Sun 2026-10-25 11:00"));
    }

    #[test]
    fn what_is_offered_is_ahead_and_there_once() {
        let names =
            |at| -> Vec<&str> { offered(&now(at)).into_iter().map(|(name, _)| name).collect() };
        let all: Vec<&str> = OFFERED.iter().map(|(name, _)| *name).collect();
        assert_eq!(names("2026-11-25T09:00:00"), all);
        assert_eq!(names("2026-11-25T22:00:00"), all[2..]);
        assert_eq!(names("2026-11-25T16:56:00")[..2], ["This evening", "Later today"]);
        // A Friday: the weekend is tomorrow; a Sunday: so is the next week.
        assert_eq!(names("2026-11-27T20:00:00"), ["Later today", "Tomorrow", "Next week"]);
        assert_eq!(names("2026-11-29T20:00:00"), ["Later today", "Tomorrow", "Weekend"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,70}|[0-9a-z:+ -]{0,24}") {
            let at = now("2026-11-25T14:30:00");
            if let Ok(until) = read(&text, &at) {
                proptest::prop_assert!(until > at.timestamp().as_second());
            }
        }
    }
}
