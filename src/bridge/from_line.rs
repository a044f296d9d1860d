//! The `From ` line that begins a message in an mbox, and its date.
//!
//! Invariant: total over any bytes, no clock. RFC 4155 wants `From addr-spec asctime`; real files
//! put zones before or after the year, leave seconds out, or write nothing after `From `. A line of
//! prose that begins with "From " must not pass for one, since many writers do not quote.

use jiff::civil::Date;
use jiff::tz::Offset;

/// What every separator begins with.
pub(crate) const PREFIX: &[u8] = b"From ";
/// A hop of mail by UUCP leaves the separator of the machine before as the first line.
const QUOTED_PREFIX: &[u8] = b">From ";
/// Longer lines are prose, in bytes.
pub(crate) const MAX_LINE_BYTES: usize = 1_000;
/// Years that a date may have; others are a broken clock.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9999;

/// Whether `line` (without or with its line end) separates messages, given the start of what comes
/// after it; both follow an empty line or the file's start.
pub(crate) fn separates(line: &[u8], next: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(PREFIX) else { return false };
    if line.len() > MAX_LINE_BYTES {
        return false;
    }
    // A forwarded message or a log may quote such a line: a message begins with its header.
    if date(line).is_some() {
        // A file that was cut within the first line of it.
        let cut = next.iter().all(|b| matches!(b, 33..=57 | 59..=126));
        let empty_header = matches!(next, [b'\n', ..] | [b'\r', b'\n', ..]) && exact(rest);
        let field = super::probe::is_field(next) || next.starts_with(QUOTED_PREFIX);
        return cut || field || empty_header;
    }
    // Writers that know no sender or date: "From ", "From - ", "From nobody", "From a@b c".
    let words: Vec<&[u8]> = words(rest).collect();
    let sender = words.first().is_some_and(|word| word.contains(&b'@'));
    // A file that was cut within its last `From ` line: nothing of that message is there.
    let cut = sender && !line.ends_with(b"\n");
    cut || (sender || words.len() <= 1) && super::probe::is_field(next)
}

/// Whether it is of the form that programs write, `SENDER Fri Feb …`: then a message without a
/// header may begin with it.
fn exact(rest: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    let mut words = words(rest);
    words.next().is_some() && words.next().is_some_and(|word| DAYS.contains(&word))
}

/// As [`separates`], where no empty line stands before: Mozilla's `From - DATE` and Eudora's
/// `From ???@??? DATE`, which no text has by chance, and whose writers leave that line out after a
/// message without an end of its last line.
pub(crate) fn separates_anywhere(line: &[u8], next: &[u8]) -> bool {
    let own = [&b"From - "[..], b"From ???@??? "].iter().any(|start| line.starts_with(start));
    own && date(line).is_some() && super::probe::is_field(next)
}

/// The date of a `From ` line in Unix seconds; UTC where it names no zone that is known.
pub(crate) fn date(line: &[u8]) -> Option<i64> {
    let rest = line.strip_prefix(PREFIX)?;
    if line.len() > MAX_LINE_BYTES {
        return None;
    }
    let words: Vec<&str> = words(rest).filter_map(|word| std::str::from_utf8(word).ok()).collect();
    let at = words.iter().rposition(|word| time(word).is_some())?;
    let (hour, minute, second) = time(words[at])?;
    let (mut year, mut zone) = (None, None);
    for word in &words[at + 1..] {
        if let (None, Some(value)) = (year, number_of(word, 4).filter(|y| YEARS.contains(y))) {
            year = Some(value);
        } else if zone.is_none() {
            zone = Some(offset(word)?);
        } else {
            return None;
        }
    }
    let (month, day, year_before) = day_before(&words[..at])?;
    let day = Date::new(year.or(year_before)?, month, day).ok()?;
    let stamp = zone.unwrap_or(Offset::UTC).to_timestamp(day.at(hour, minute, second, 0)).ok()?;
    Some(stamp.as_second())
}

fn words(rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// `hh:mm` or `hh:mm:ss`; a leap second is the second before it.
fn time(word: &str) -> Option<(i8, i8, i8)> {
    let mut parts = word.split(':');
    let mut part = |most: i16| {
        let value = number_of(parts.next()?, 2).filter(|value| *value <= most)?;
        i8::try_from(value).ok()
    };
    let (hour, minute) = (part(23)?, part(59)?);
    let second = if word.len() == 5 { 0 } else { part(60)?.min(59) };
    (parts.next().is_none() && matches!(word.len(), 5 | 8)).then_some((hour, minute, second))
}

/// `Feb 22`, `22 Feb` or `22 Feb 2008` at the end of the words before the time.
fn day_before(words: &[&str]) -> Option<(i8, i8, Option<i16>)> {
    let day = |word: &str| {
        let value: i8 = word.trim_end_matches(',').parse().ok()?;
        (1..=31).contains(&value).then_some(value)
    };
    match words {
        [.., date, name, year] if month(name).is_some() && year.len() == 4 => {
            Some((month(name)?, day(date)?, number_of(year, 4).filter(|y| YEARS.contains(y))))
        }
        [.., first, second] => month(first)
            .and_then(|month| Some((month, day(second)?, None)))
            .or_else(|| Some((month(second)?, day(first)?, None))),
        _ => None,
    }
}

fn month(word: &str) -> Option<i8> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let lower = word.trim_end_matches(',').to_ascii_lowercase();
    let at = NAMES.iter().position(|name| *name == lower)?;
    i8::try_from(at + 1).ok()
}

/// `+0200`, `-05:00`, or a name of RFC 5322 section 4.3. Another name of capitals is UTC.
fn offset(word: &str) -> Option<Offset> {
    let hours = match word {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "CET" | "BST" => 1,
        "CEST" => 2,
        _ if word.len() <= 5 && word.bytes().all(|b| b.is_ascii_uppercase()) => 0,
        _ => return numeric_offset(word),
    };
    Offset::from_hours(hours).ok()
}

fn numeric_offset(word: &str) -> Option<Offset> {
    let digits = word.strip_prefix(['+', '-'])?.replace(':', "");
    let value = i32::from(number_of(&digits, 4)?);
    let seconds = (value / 100 * 60 + value % 100) * 60;
    Offset::from_seconds(if word.starts_with('-') { -seconds } else { seconds }).ok()
}

/// A number of exactly `digits` digits.
fn number_of(word: &str, digits: usize) -> Option<i16> {
    (word.len() == digits && word.bytes().all(|b| b.is_ascii_digit()))
        .then(|| word.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dates_are_total_and_in_range(
            words in proptest::collection::vec(
                "Feb|feb,|30|0|31|2008|9999|1969|23:59|23:59:60|24:00|\\+0200|-9999|EST|\u{fe}|a@b",
                0..9,
            ),
        ) {
            let line = format!("From {}", words.join(" "));
            if let Some(seconds) = date(line.as_bytes()) {
                prop_assert!((-100_000 * 3_600..253_402_300_800 + 360_000).contains(&seconds));
                prop_assert!(separates(line.as_bytes(), b""));
            }
        }
    }

    #[test]
    fn dates_as_writers_write_them() {
        let cases: [(&str, Option<i64>); 17] = [
            ("From user@domain  Fri Feb 22 17:06:23 2008", Some(1_203_699_983)),
            ("From user@domain  Fri Feb 22 17:06:23 2008\r\n", Some(1_203_699_983)),
            ("From user@domain  Fri Feb 22 19:06:23 2008 +0200\n", Some(1_203_699_983)),
            ("From 15@xxx Fri Feb 22 17:06:23 +0000 2008", Some(1_203_699_983)),
            ("From a Fri Feb 22 12:06:23 EST 2008", Some(1_203_699_983)),
            ("From a Fri, 22 Feb 2008 17:06:23 +0000", Some(1_203_699_983)),
            ("From a Fri Feb 22 17:06 2008", Some(1_203_699_960)),
            ("From mboxrd@z Thu Jan  1 00:00:00 1970", Some(0)),
            ("From - Sat Feb 05 09:19:10 2022", Some(1_644_052_750)),
            ("From a b c Thu Dec 31 23:59:60 1998", Some(915_148_799)),
            ("From a Fri Feb 30 17:06:23 2008", None),
            ("From a Fri Feb 22 25:06:23 2008", None),
            ("From a Fri Feb 22 17:06:23 9", None),
            ("From 10:30 on 5 May 2020 we met", None),
            ("From nobody", None),
            ("From ", None),
            ("From \u{fe}\u{ff} Fri Feb 22 17:06:23 +9999999 2008", None),
        ];
        for (line, expected) in cases {
            assert_eq!(date(line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn prose_does_not_separate() {
        let cases = [
            ("From a@b Fri Feb 22 17:06:23 2008\n", "Subject: x\n", true),
            ("From a@b Fri Feb 22 17:06:23 2008\n", "no header\n", false),
            ("From a@b Fri Feb 22 17:06:23 2008\n", "\r\nno header\n", true),
            ("From our talk on Fri Feb 22 17:06:23 2008\n", "\nNote: x\n", false),
            ("From a@b Fri Feb 22 17:06:23 2008\n", ">From c Fri Feb 22 17:06:23 2008\n", true),
            ("From now on we meet at 17:06\n", "Note: bring tea\n", false),
            ("From - Sat Feb 05 09:19:10 2022\r\n", "X-Mozilla-Status: 0001\r\n", true),
            ("From ???@??? Fri Feb 22 17:06:23 2008\n", "X-Persona: <x>\n", true),
            ("From \n", "Subject: x\n", true),
            ("From -\r\n", "Subject: x\r\n", true),
            ("From email_test@me.nowhere\n", "Return-Path: <a@b>\n", true),
            ("From email_test@me.nowhere\n", "I heard nothing\n", false),
            ("From email_test@me.nowhere Fri Fe", "", true),
            ("From nobody I heard", "", false),
            ("From one solid piece of aluminum comes a laptop\n", "Note: it is thin\n", false),
            ("From: a@b\n", "Subject: x\n", false),
            ("from a@b\n", "Subject: x\n", false),
        ];
        for (line, next, expected) in cases {
            assert_eq!(separates(line.as_bytes(), next.as_bytes()), expected, "{line:?}");
        }
    }
}
