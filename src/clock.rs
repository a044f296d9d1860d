//! Time and randomness as arguments.
//!
//! Invariant: nothing below the wiring reads the system clock or the system's random source; it is
//! handed a [`Clock`]. Tests hand it a manual one.

use std::time::{SystemTime, UNIX_EPOCH};

/// The months as they are typed, in their order.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Where a room gets the time and random bytes from.
pub trait Clock: Send {
    /// Unix time in milliseconds.
    fn now_ms(&self) -> i64;
    /// Fills `bytes` with random bytes.
    fn random(&self, bytes: &mut [u8]);

    /// Unix time in seconds.
    fn now(&self) -> i64 {
        self.now_ms().div_euclid(1_000)
    }
}

/// The machine's clock and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn random(&self, bytes: &mut [u8]) {
        // The kernel's random source does not fail once the machine has booted; should it, ids
        // still differ by time, and no secret may be made: `secret` below refuses.
        let _ = getrandom::fill(bytes);
    }
}

/// 32 random bytes for a token.
///
/// # Errors
/// When the machine's random source fails.
pub fn secret() -> std::io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(bytes)
}

/// RFC 3339, UTC, to the second, of Unix seconds; `None` outside years 0 to 9999.
#[must_use]
pub fn rfc3339(seconds: i64) -> Option<String> {
    let at = jiff::Timestamp::from_second(seconds).ok()?;
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    let year = u16::try_from(at.year()).ok()?;
    let two = |number: i8| u16::from(number.unsigned_abs());
    // A row of a list has one: digit by digit that takes a tenth of what a format does.
    let mut text = *b"0000-00-00T00:00:00Z";
    let parts = [
        (0..4, year),
        (5..7, two(at.month())),
        (8..10, two(at.day())),
        (11..13, two(at.hour())),
        (14..16, two(at.minute())),
        (17..19, two(at.second())),
    ];
    for (place, mut number) in parts {
        for digit in text[place].iter_mut().rev() {
            *digit += u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
    }
    std::str::from_utf8(&text).ok().map(str::to_owned)
}

/// The zone of this machine.
#[must_use]
pub fn zone() -> jiff::tz::TimeZone {
    // Its rules are all that is asked for. To say what it is called, the names of all zones that
    // there are would be read, which takes longer than to search a mailbox.
    if std::env::var_os("TZ").is_none()
        && let Ok(rules) = std::fs::read("/etc/localtime")
        && let Ok(zone) = jiff::tz::TimeZone::tzif("", &rules)
    {
        return zone;
    }
    jiff::tz::TimeZone::system()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_zone_is_that_of_the_machine() {
        let summer: jiff::Timestamp = "2024-07-01T00:00:00Z".parse().unwrap();
        let winter: jiff::Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
        let system = jiff::tz::TimeZone::system();
        for at in [summer, winter, jiff::Timestamp::now()] {
            assert_eq!(super::zone().to_offset(at), system.to_offset(at));
        }
    }

    #[test]
    fn rfc3339_is_utc_to_the_second() {
        assert_eq!(super::rfc3339(1_258_471_718).as_deref(), Some("2009-11-17T15:28:38Z"));
        assert_eq!(super::rfc3339(i64::MAX), None);
        let (first, last) = (-62_167_219_200, 253_402_207_200);
        assert_eq!(super::rfc3339(first).as_deref(), Some("0000-01-01T00:00:00Z"));
        assert_eq!((super::rfc3339(first - 1), super::rfc3339(last + 1)), (None, None));
        // A step of many days, hours, minutes and seconds.
        for seconds in (first..=last).step_by(86_400 * 7_001 + 40_271) {
            let at = jiff::Timestamp::from_second(seconds).unwrap();
            assert_eq!(super::rfc3339(seconds), Some(at.to_string()));
        }
    }
}
