//! How an account is fetched, announced and written from, as its user wants it.
//!
//! Invariant: every value has a default and a bound, so that a file without any of them is whole.

/// The longest time between two looks at a server, in minutes: a day.
pub(super) const MAX_POLL_MINUTES: u32 = 24 * 60;
/// The longest hold of what is sent, in seconds: a day.
pub const MAX_HOLD_SECONDS: u64 = 24 * 60 * 60;
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// What can be set for each account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A command that is started when mail comes, with what came on its standard input: program
    /// and arguments, never a shell.
    pub on_new_mail: Vec<String>,
    /// Whether new mail is announced in the terminal.
    pub notify: bool,
    /// When nothing is announced.
    pub quiet_hours: Option<QuietHours>,
    /// The most that is fetched in a second, in KiB; 0 is no limit.
    pub bandwidth_kib: u32,
    /// Whether of large messages only the texts are fetched, until somebody wants the rest.
    pub on_demand: bool,
    /// How large a message is that is fetched whole all the same, in KiB.
    pub ahead_kib: u32,
    /// How often the server is asked where it does not tell by itself, in minutes.
    pub poll_minutes: u32,
    /// Folders that are fetched; empty is all of them.
    pub folders: Vec<String>,
    /// Folders that are not, of these.
    pub ignore: Vec<String>,
    /// Its other addresses; `*@domain` is every address of a domain.
    pub aliases: Vec<String>,
    /// What stands below what is written.
    pub signature: Option<Signature>,
    /// How long what is sent is held, in seconds.
    pub hold: Option<u64>,
    /// Answers are written above what they quote.
    pub above: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            on_new_mail: Vec::new(),
            notify: true,
            quiet_hours: None,
            bandwidth_kib: 0,
            on_demand: false,
            ahead_kib: 256,
            poll_minutes: 5,
            folders: Vec::new(),
            ignore: Vec::new(),
            aliases: Vec::new(),
            signature: None,
            hold: None,
            above: false,
        }
    }
}

impl Settings {
    /// How large a message is at most that is fetched whole before somebody wants it, in bytes;
    /// `None` where all are.
    #[must_use]
    pub fn ahead(&self) -> Option<u64> {
        self.on_demand.then(|| u64::from(self.ahead_kib) * 1024)
    }
}

/// Where a signature comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// This text.
    Text(String),
    /// What is in this file whenever something is written.
    File(std::path::PathBuf),
}

/// Hours of a day, in local time; they may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// The first minute of the day.
    pub from: u16,
    /// The first minute that is no longer quiet.
    pub until: u16,
}

impl QuietHours {
    /// Reads `22:00-07:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let (from, until) = (minute(from.trim())?, minute(until.trim())?);
        // Equal times could be no time or all of it.
        (from != until).then_some(Self { from, until })
    }

    /// Whether a minute of the day (0 to 1439) is quiet.
    #[must_use]
    pub const fn covers(self, minute: u16) -> bool {
        if self.from < self.until {
            self.from <= minute && minute < self.until
        } else {
            self.from <= minute || minute < self.until
        }
    }
}

impl std::fmt::Display for QuietHours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, until) = (self.from, self.until);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(is_digit);
    if !digits(hour) || !digits(minute) || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let at = hour * 60 + minute;
    (minute < 60 && at < DAY).then_some(at)
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours() {
        let night = QuietHours::parse("22:00-07:00").unwrap();
        assert_eq!(night.to_string(), "22:00-07:00");
        for (minute, quiet) in [(0, true), (419, true), (420, false), (1319, false), (1320, true)] {
            assert_eq!(night.covers(minute), quiet, "{minute}");
        }
        let noon = QuietHours::parse(" 9:30 - 13:05 ").unwrap();
        assert_eq!(noon, QuietHours { from: 570, until: 785 });
        assert!(noon.covers(570) && !noon.covers(785) && !noon.covers(0));
        for wrong in
            ["", "22-7", "24:00-07:00", "22:60-07:00", "1:00-1:00", "+1:00-2:00", "1:0-2:00"]
        {
            assert_eq!(QuietHours::parse(wrong), None, "{wrong:?}");
        }
    }
}
