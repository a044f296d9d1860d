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

/// RFC 3339, UTC, to the second, of Unix seconds; `None` outside years 1 to 9999.
#[must_use]
pub fn rfc3339(seconds: i64) -> Option<String> {
    let at = jiff::Timestamp::from_second(seconds).ok()?;
    let text = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    (text.len() == 20).then_some(text)
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
    }
}
