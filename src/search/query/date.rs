//! Dates and ages as they are written: `2024/01/31`, `2024-01`, `yesterday`, `monday`, `3d`, `1y`.
//!
//! Invariant: total; what is no date is `None`. A day begins where the zone says; a month is a
//! month of the calendar. This file must not read a clock.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use crate::clock::MONTHS;

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// What a date means in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct When {
    /// The first second.
    pub(super) start: i64,
    /// The second behind the last; for a moment, its day is meant by `on:`.
    pub(super) end: i64,
    /// It was read as month/day/year, and could be day/month/year.
    pub(super) unclear: bool,
    /// It is a moment and no day.
    pub(super) moment: bool,
}

/// What `text` means, now and here.
pub(super) fn parse(text: &str, now: i64, zone: &TimeZone) -> Option<When> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(seconds) = epoch(&text) {
        return Some(moment(seconds));
    }
    if let Some(ago) = age(&text, now, zone) {
        return Some(moment(ago));
    }
    let today = here(now, zone)?.date();
    let (first, behind, unclear) = named(&text, today).or_else(|| numbered(&text))?;
    Some(When { start: begin(first, zone)?, end: begin(behind, zone)?, unclear, moment: false })
}

/// The day that a moment is in.
pub(super) fn day_of(seconds: i64, zone: &TimeZone) -> Option<(i64, i64)> {
    let day = here(seconds, zone)?.date();
    Some((begin(day, zone)?, begin(day.tomorrow().ok()?, zone)?))
}

/// `seconds` as it is written: the day that begins then, else the second itself.
pub(super) fn print(seconds: i64, zone: &TimeZone) -> String {
    here(seconds, zone)
        .map(|at| at.date())
        .filter(|day| (1000..=9999).contains(&day.year()) && begin(*day, zone) == Some(seconds))
        .map_or_else(|| format!("@{seconds}"), |day| day.to_string())
}

/// Whether `text` may be the beginning of a date.
pub(super) fn is_begun(text: &str) -> bool {
    const WORDS: [&str; 3] = ["today", "yesterday", "tomorrow"];
    let text = text.to_ascii_lowercase();
    let number = |b: u8| b.is_ascii_digit() || b"-/.@".contains(&b);
    let names = WORDS.into_iter().chain(DAYS.map(|(name, _)| name)).chain(MONTHS);
    text.bytes().all(number) || names.into_iter().any(|name| name.starts_with(&text))
}

/// `7d`, `2w`, `3m`, `1y`, `12h`: that long ago.
pub(super) fn age(text: &str, now: i64, zone: &TimeZone) -> Option<i64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().ok()?;
    let span = match unit.trim_start() {
        "h" | "hour" | "hours" => Span::new().try_hours(number),
        "d" | "day" | "days" => Span::new().try_days(number),
        "w" | "week" | "weeks" => Span::new().try_weeks(number),
        "m" | "mo" | "month" | "months" => Span::new().try_months(number),
        "y" | "year" | "years" => Span::new().try_years(number),
        _ => return None,
    };
    let ago = here(now, zone)?.checked_sub(span.ok()?).ok()?;
    Some(ago.timestamp().as_second())
}

const fn moment(seconds: i64) -> When {
    When { start: seconds, end: seconds, unclear: false, moment: true }
}

fn here(seconds: i64, zone: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(zone.clone()))
}

fn begin(day: Date, zone: &TimeZone) -> Option<i64> {
    Some(day.to_zoned(zone.clone()).ok()?.timestamp().as_second())
}

/// `@1706659200`, or nine digits and more.
fn epoch(text: &str) -> Option<i64> {
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse().ok();
    }
    let long = text.len() >= 9 && text.bytes().all(|b| b.is_ascii_digit());
    long.then(|| text.parse().ok()).flatten()
}

fn one_day(day: Date) -> Option<(Date, Date, bool)> {
    Some((day, day.tomorrow().ok()?, false))
}

/// The last such day or month, which may be the present one.
fn named(text: &str, today: Date) -> Option<(Date, Date, bool)> {
    match text {
        "today" => return one_day(today),
        "yesterday" => return one_day(today.yesterday().ok()?),
        "tomorrow" => return one_day(today.tomorrow().ok()?),
        _ => {}
    }
    if let Some(day) = weekday(text) {
        let back = i64::from(day.until(today.weekday()));
        return one_day(today.checked_sub(Span::new().days(back)).ok()?);
    }
    let month = month_of(text)?;
    let year = if month <= today.month() { today.year() } else { today.year() - 1 };
    one_month(year, month)
}

fn one_month(year: i16, month: i8) -> Option<(Date, Date, bool)> {
    let first = Date::new(year, month, 1).ok()?;
    Some((first, first.checked_add(Span::new().months(1)).ok()?, false))
}

fn weekday(text: &str) -> Option<Weekday> {
    let meant = |(name, _): &&(&str, Weekday)| *name == text || name[..3] == *text;
    DAYS.iter().find(meant).map(|(_, day)| *day)
}

fn month_of(text: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|name| *name == text || name[..3] == *text)?;
    i8::try_from(at + 1).ok()
}

/// `2024`, `2024-01`, `2024-01-31`, `20240131`, `31.01.2024`, `01/31/2024`.
fn numbered(text: &str) -> Option<(Date, Date, bool)> {
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return day(&text[..4], &text[4..6], &text[6..]);
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    if parts.iter().any(|part| part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    match *parts.as_slice() {
        [year] if year.len() == 4 => {
            let first = Date::new(year.parse().ok()?, 1, 1).ok()?;
            Some((first, first.checked_add(Span::new().years(1)).ok()?, false))
        }
        [year, month] if year.len() == 4 => one_month(year.parse().ok()?, month.parse().ok()?),
        [year, month, at] if year.len() == 4 => day(year, month, at),
        [a, b, year] if year.len() == 4 => {
            // With points, the day comes first everywhere; with a slash, where Gmail comes from,
            // the month does, unless it can be none.
            if text.contains('.') || a.parse::<u8>().ok()? > 12 {
                return day(year, b, a);
            }
            let (first, behind, _) = day(year, a, b)?;
            Some((first, behind, a != b && b.parse::<u8>().ok()? <= 12))
        }
        _ => None,
    }
}

fn day(year: &str, month: &str, day: &str) -> Option<(Date, Date, bool)> {
    one_day(Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?)
}
