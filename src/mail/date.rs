//! Date fields to Unix seconds (RFC 5322 section 3.3 and 4.3, and what senders write instead).
//!
//! Invariant: total; a date that is not a real one is `None`, never a guess at another. This file
//! must not read a clock.

/// Tokens of a date field that are looked at.
const MAX_TOKENS: usize = 16;
/// Bytes of a date field that are looked at.
const MAX_BYTES: usize = 512;

#[derive(Default)]
struct Found {
    day: Option<i64>,
    month: Option<i64>,
    year: Option<i64>,
    /// Seconds since midnight.
    time: Option<i64>,
    /// Seconds east of Greenwich.
    zone: Option<i64>,
}

/// Reads a Date field, or the date at the end of a Received field.
#[must_use]
pub(super) fn parse(value: &[u8]) -> Option<i64> {
    let text = without_comments(&value[..value.len().min(MAX_BYTES)]);
    let mut found = Found::default();
    for token in tokens(&text).into_iter().take(MAX_TOKENS) {
        take(&token, &mut found)?;
    }
    let (year, month, day) = (found.year?, found.month?, found.day?);
    if !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    Some(days_from_epoch(year, month, day) * 86_400 + found.time? - found.zone.unwrap_or(0))
}

/// The date of a Received field: what follows its last semicolon (RFC 5321 section 4.4).
#[must_use]
pub(super) fn received(value: &[u8]) -> Option<i64> {
    let at = value.iter().rposition(|&b| b == b';')?;
    parse(&value[at + 1..])
}

/// Uses one token; `None` when it makes the whole date unreadable.
fn take(token: &str, found: &mut Found) -> Option<()> {
    let first = token.as_bytes().first().copied()?;
    if matches!(first, b'+' | b'-') {
        if found.time.is_some() {
            found.zone = found.zone.or_else(|| offset(token));
        }
    } else if token.contains(':') {
        if found.time.is_none() {
            found.time = Some(time(token)?);
        }
    } else if first.is_ascii_digit() {
        number(token, found)?;
    } else if let Some(month) = month(token) {
        found.month = found.month.or(Some(month));
    } else if found.time.is_some() && found.zone.is_none() {
        found.zone = named_zone(token);
    }
    Some(())
}

/// A day, a year, or a date in one piece (`2009-01-02`, `2-Jan-2009`).
fn number(token: &str, found: &mut Found) -> Option<()> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    if digits < token.len() {
        let parts: Vec<&str> = token.split(['-', '/', '.']).collect();
        if let [a, b, c] = parts.as_slice() {
            // `02/03/04` means different days to different senders: only a year in front is clear.
            let numbered = || b.parse().ok().filter(|_| a.len() == 4);
            let month = month(b).or_else(numbered)?;
            let (year, day) = if a.len() == 4 { (a, c) } else { (c, a) };
            found.year = Some(full_year(year)?);
            found.month = Some(month);
            found.day = Some(day.parse().ok()?);
        }
        return Some(());
    }
    if found.day.is_none() && digits <= 2 {
        found.day = Some(token.parse().ok()?);
    } else if found.year.is_none() && (2..=4).contains(&digits) {
        found.year = Some(full_year(token)?);
    }
    Some(())
}

/// RFC 5322 section 4.3: two digits below 50 are 20xx, other two and three digits 19xx.
fn full_year(digits: &str) -> Option<i64> {
    let year: i64 = digits.parse().ok()?;
    match digits.len() {
        2 if year < 50 => Some(year + 2000),
        2 | 3 => Some(year + 1900),
        4 => Some(year),
        _ => None,
    }
}

fn time(token: &str) -> Option<i64> {
    let mut parts = token.split(':');
    let mut next = |most: i64| -> Option<i64> {
        let part = parts.next()?.split('.').next()?;
        part.parse().ok().filter(|value| (0..=most).contains(value))
    };
    let (hour, minute) = (next(23)?, next(59)?);
    let second = if token.matches(':').count() >= 2 { next(60)? } else { 0 };
    Some(hour * 3600 + minute * 60 + second)
}

fn offset(token: &str) -> Option<i64> {
    let digits: String = token.chars().skip(1).filter(char::is_ascii_digit).take(4).collect();
    let value: i64 = digits.parse().ok()?;
    let (hours, minutes) = if digits.len() <= 2 { (value, 0) } else { (value / 100, value % 100) };
    let seconds = hours * 3600 + minutes * 60;
    Some(if token.starts_with('-') { -seconds } else { seconds })
}

/// Obsolete zones (RFC 5322 section 4.3) and the usual others; unknown ones count as UTC.
fn named_zone(token: &str) -> Option<i64> {
    let hours = match token.to_ascii_uppercase().as_str() {
        "UT" | "UTC" | "GMT" | "Z" | "WET" => 0,
        "EST" | "CDT" => -5,
        "EDT" | "AST" => -4,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "BST" | "CET" | "MET" | "WEST" => 1,
        "CEST" | "MEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "JST" | "KST" => 9,
        _ => return None,
    };
    Some(hours * 3600)
}

fn month(token: &str) -> Option<i64> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = token.get(..3)?.to_ascii_lowercase();
    let place = NAMES.iter().position(|name| *name == start)?;
    i64::try_from(place + 1).ok()
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar (years begin in March here, so that the
/// leap day is the last of a year).
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Comments (nested) become a space; white space around a colon goes.
fn without_comments(value: &[u8]) -> String {
    let mut out = String::with_capacity(value.len());
    let mut depth = 0_usize;
    for &byte in value {
        match byte {
            b'(' => depth += 1,
            b')' => {
                depth = depth.saturating_sub(1);
                out.push(' ');
            }
            _ if depth > 0 => {}
            b':' => {
                out.truncate(out.trim_end().len());
                out.push(':');
            }
            _ if byte.is_ascii_whitespace() => {
                if !out.ends_with(':') {
                    out.push(' ');
                }
            }
            _ => out.push(if byte.is_ascii() { char::from(byte) } else { '?' }),
        }
    }
    out
}

/// Words, split at white space and commas; `12:00:00+0200`, `12:00GMT` and `2009-01-02T03:04Z` are
/// taken apart.
fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for word in text.split([' ', ',', '"']).filter(|word| !word.is_empty()) {
        let (date, clock) = match word.split_once('T') {
            Some((date, clock)) if date.ends_with(|c: char| c.is_ascii_digit()) => (date, clock),
            _ => ("", word),
        };
        out.extend((!date.is_empty()).then(|| date.to_owned()));
        let zone = clock.find(|c: char| c == '+' || c == '-' || c.is_ascii_alphabetic());
        match zone {
            Some(at) if at > 0 && clock[..at].contains(':') => {
                out.push(clock[..at].to_owned());
                out.push(clock[at..].to_owned());
            }
            _ => out.push(clock.to_owned()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let cases = [
            ("Thu, 1 Jan 1970 00:00:00 +0000", Some(0)),
            ("Fri, 21 Nov 1997 09:55:06 -0600", Some(880_127_706)),
            ("21 Nov 97 09:55:06 GMT", Some(880_106_106)),
            ("Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", Some(880_127_706)),
            ("Fri, 21 Nov 1997 09:55 EST (a (nested) one)", Some(880_124_100)),
            ("Fri Nov 21 09:55:06 1997", Some(880_106_106)),
            ("Fri Nov 21 09:55:06 CST 1997", Some(880_127_706)),
            ("1997-11-21T09:55:06Z", Some(880_106_106)),
            ("1997-11-21 09:55:06 -06:00", Some(880_127_706)),
            ("21-Nov-1997 09:55:06", Some(880_106_106)),
            ("Fri, 21 Nov 1997 09:55:06+0000", Some(880_106_106)),
            ("21 November 1997 09:55:06.123 Nowhere", Some(880_106_106)),
            ("Thu, 29 Feb 2024 00:00:00 +0000", Some(1_709_164_800)),
            ("Thu, 13 Feb 1969 23:32 -0330", Some(-27_723_480)),
            ("Wed, 29 Feb 2023 00:00:00 +0000", None),
            ("Thu Jan 01 00:00:10 +0000", None),
            ("Fri, 32 Nov 1997 09:55:06 -0600", None),
            ("Fri, 21 Nov 1997 25:55:06 -0600", None),
            ("10/09/2002 10:00:00", None),
            ("2002/09/10 00:00:00", Some(1_031_616_000)),
            ("yesterday", None),
            ("", None),
            ("((((", None),
        ];
        for (given, expected) in cases {
            assert_eq!(parse(given.as_bytes()), expected, "{given:?}");
        }
        let hop = b"from a by b; c; Thu, 1 Jan 1970 00:01:00 +0000\r\n";
        assert_eq!((received(hop), received(b"no date")), (Some(60), None));
    }
}
