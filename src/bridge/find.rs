//! Looks for mail that is already on this machine, for the first screen.
//!
//! Invariant: reading only, and bounded: so many names, files and bytes, whatever lies there; what
//! is beyond is "at least". It takes home and environment as arguments and must not read its own.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::mbox::MboxReader;
use super::probe::{self, Start};
use super::{maildir, packed};

/// Names that are looked at for one candidate.
const MAX_NAMES: u32 = 100_000;
/// Files that are opened for one candidate.
const MAX_OPENED: u32 = 1_000;
/// How much of one mbox is read to guess how many messages it holds, in bytes.
const SAMPLE_BYTES: u64 = 1024 * 1024;
/// How much is read for one candidate, in bytes.
const MAX_READ_BYTES: u64 = 32 * SAMPLE_BYTES;
/// Directories nested deeper below a candidate are not looked at.
const MAX_DEPTH: usize = 8;
/// The largest configuration file that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 256 * 1024;
/// Profiles of one mail program that are looked at.
const MAX_PROFILES: usize = 20;

/// Where to look.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The user's home.
    pub home: &'a Path,
    /// The directory of system mailboxes, `/var/mail`.
    pub spool: &'a Path,
    /// A variable of the environment: `MAIL`, `USER` and `NOTMUCH_CONFIG` are asked for.
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
}

/// What a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Maildir, or a tree of them.
    Maildir,
    /// One mbox.
    Mbox,
    /// A directory of mboxes or message files.
    Directory,
    /// Thunderbird's folders.
    Thunderbird,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Maildir => "Maildir",
            Self::Mbox => "mbox",
            Self::Directory => "mail folders",
            Self::Thunderbird => "Thunderbird",
        })
    }
}

/// How many messages were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// All of them.
    Exactly(u64),
    /// Judged by the start of each mbox.
    About(u64),
    /// Counting was given up.
    AtLeast(u64),
}

impl Count {
    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        let (Self::Exactly(n) | Self::About(n) | Self::AtLeast(n)) = self;
        n
    }
}

/// Mail that could be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// How much of it there is.
    pub messages: Count,
}

/// Candidates with at least one message, the most likely first; none twice.
#[must_use]
pub fn find(around: &Around<'_>) -> Vec<Candidate> {
    let mut seen = HashSet::new();
    let mut candidates = Vec::new();
    for (path, thunderbird) in places(around) {
        let Ok(real) = path.canonicalize() else { continue };
        if !seen.insert(real.clone()) {
            continue;
        }
        let mut look = Look::default();
        let kind = if real.is_file() {
            look.file(&real);
            Kind::Mbox
        } else {
            look.tree(&real);
            match (thunderbird, look.in_maildir > 0) {
                (true, _) => Kind::Thunderbird,
                (false, true) => Kind::Maildir,
                (false, false) => Kind::Directory,
            }
        };
        if look.messages > 0 {
            candidates.push(Candidate { path, kind, messages: look.count() });
        }
    }
    candidates
}

/// Every path to look at, and whether it is Thunderbird's.
fn places(around: &Around<'_>) -> Vec<(PathBuf, bool)> {
    let home = around.home;
    let mut places: Vec<PathBuf> = Vec::new();
    places.extend((around.env)("MAIL").filter(|mail| !mail.is_empty()).map(|mail| home.join(mail)));
    places.extend(["Mail", "Maildir", ".mail", "mail", "mbox"].map(|name| home.join(name)));
    let user = (around.env)("USER").filter(|user| Path::new(user).components().count() == 1);
    places.extend(user.map(|user| around.spool.join(user)));
    places.extend(notmuch(around));
    let mut places: Vec<(PathBuf, bool)> =
        places.into_iter().filter(|path| path != home).map(|path| (path, false)).collect();
    for profiles in [
        ".thunderbird",
        ".icedove",
        "snap/thunderbird/common/.thunderbird",
        ".var/app/org.mozilla.Thunderbird/.thunderbird",
    ] {
        for profile in sorted(&home.join(profiles)).into_iter().take(MAX_PROFILES) {
            places.extend(["Mail", "ImapMail"].map(|name| (profile.join(name), true)));
        }
    }
    places
}

fn sorted(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.flatten().take(MAX_NAMES as usize).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// `database.mail_root` or `database.path` of notmuch's configuration; relative to home.
fn notmuch(around: &Around<'_>) -> Option<PathBuf> {
    let home = around.home;
    let named = (around.env)("NOTMUCH_CONFIG").map(|config| home.join(config));
    let usual = [".notmuch-config", ".config/notmuch/default/config"].map(|name| home.join(name));
    let text = named.into_iter().chain(usual).find_map(|path| {
        let mut text = Vec::new();
        File::open(path).ok()?.take(MAX_CONFIG_BYTES).read_to_end(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    })?;
    let value = |wanted: &str| {
        let mut section = "";
        text.lines().map(str::trim).find_map(|line| {
            if line.starts_with('[') {
                section = line;
            }
            let (key, value) = line.split_once('=')?;
            (section == "[database]" && key.trim() == wanted && !value.trim().is_empty())
                .then(|| value.trim().to_owned())
        })
    };
    let path = value("mail_root").or_else(|| value("path"))?;
    let path = path.strip_prefix("~/").or_else(|| path.strip_prefix("$HOME/")).unwrap_or(&path);
    Some(home.join(path))
}

/// Counts messages until a bound is met.
#[derive(Debug, Default)]
struct Look {
    messages: u64,
    in_maildir: u64,
    names: u32,
    opened: u32,
    read: u64,
    estimated: bool,
    gave_up: bool,
}

impl Look {
    fn count(&self) -> Count {
        match (self.gave_up, self.estimated) {
            (true, _) => Count::AtLeast(self.messages),
            (false, true) => Count::About(self.messages),
            (false, false) => Count::Exactly(self.messages),
        }
    }

    fn tree(&mut self, root: &Path) {
        let mut waiting = vec![(root.to_owned(), 0)];
        while let Some((directory, depth)) = waiting.pop() {
            let part = directory
                .file_name()
                .is_some_and(|name| maildir::holds_messages(&name.to_string_lossy()));
            let Ok(entries) = fs::read_dir(&directory) else { continue };
            for entry in entries.flatten() {
                self.names += 1;
                if self.names > MAX_NAMES {
                    self.gave_up = true;
                    return;
                }
                let Ok(kind) = entry.file_type() else { continue };
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if kind.is_dir() {
                    let hidden = name.starts_with('.') && !maildir::is_maildir(&entry.path());
                    if !hidden && name != "tmp" && depth < MAX_DEPTH {
                        waiting.push((entry.path(), depth + 1));
                    }
                    continue;
                }
                let counts = kind.is_file() && !name.starts_with('.');
                if counts && part {
                    self.in_maildir += 1;
                    self.messages += 1;
                } else if counts {
                    self.file(&entry.path());
                }
            }
        }
    }

    /// A file outside a Maildir: a message, an mbox, or none.
    fn file(&mut self, path: &Path) {
        self.opened += 1;
        if self.opened > MAX_OPENED || self.read > MAX_READ_BYTES {
            self.gave_up = true;
            return;
        }
        let Ok(bytes) = fs::metadata(path).map(|metadata| metadata.len()) else { return };
        let Ok(mut file) = packed::open(path) else { return };
        let mut start = Vec::new();
        let probe = file.by_ref().take(probe::PROBE_BYTES as u64).read_to_end(&mut start);
        self.read += start.len() as u64;
        match probe.map(|_| probe::start(&start)) {
            Ok(Start::Field) => self.messages += 1,
            Ok(Start::Mbox) => self.mbox(path, bytes),
            _ => {}
        }
    }

    fn mbox(&mut self, path: &Path, bytes: u64) {
        let Ok(file) = packed::open(path) else { return };
        // Bodies are not wanted: a bound of nothing lets the reader drop them.
        let mut reader = MboxReader::new(file.take(SAMPLE_BYTES), 0);
        let mut messages = 0;
        while let Ok(Some(_)) = reader.next_entry() {
            messages += 1;
        }
        let read = reader.input().get_ref().position().max(1);
        self.read += read;
        self.estimated |= bytes > read;
        self.messages += messages * bytes.max(read) / read;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "Subject: x\n\nx\n";
    const MBOX: &str = "From a@b Fri Feb 22 17:06:23 2008\nSubject: x\n\nx\n\n";

    /// `path kind count` of what is found in a home with these files.
    fn check(files: &[(&str, &str)], env: &[(&str, &str)], expected: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let spool = dir.path().join("spool");
        for (name, text) in files {
            let path = home.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let env = |wanted: &str| {
            let found = env.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| OsString::from(*value))
        };
        let around = Around { home: &home, spool: &spool, env: &env };
        let told: Vec<String> = find(&around)
            .into_iter()
            .map(|found| {
                let path = found.path.strip_prefix(&home).unwrap_or(&found.path).display();
                format!("{path} {} {:?}", found.kind, found.messages)
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn nothing_is_found_in_an_empty_home() {
        check(&[], &[], &[]);
        check(&[("Mail/notes.txt", "no mail")], &[("USER", ".."), ("MAIL", "")], &[]);
    }

    #[test]
    fn mail_in_the_usual_places_is_found_and_counted() {
        let twice = MBOX.repeat(2);
        check(
            &[
                ("Maildir/cur/1:2,S", MAIL),
                ("Maildir/new/2", MAIL),
                ("Maildir/tmp/3", MAIL),
                ("Maildir/.Sent/cur/4", MAIL),
                ("Maildir/.git/5", MAIL),
                ("Mail/work", &twice),
                ("Mail/one.eml", MAIL),
                ("inbox", MBOX),
                (".thunderbird/x.default/Mail/Local Folders/Inbox", &twice),
                (".thunderbird/x.default/Mail/Local Folders/Inbox.msf", "// <!-- -->"),
                (".thunderbird/x.default/ImapMail/host/INBOX.msf", "// <!-- -->"),
            ],
            &[("MAIL", "inbox")],
            &[
                "inbox mbox Exactly(1)",
                "Mail mail folders Exactly(3)",
                "Maildir Maildir Exactly(3)",
                ".thunderbird/x.default/Mail Thunderbird Exactly(2)",
            ],
        );
    }

    #[test]
    fn notmuch_names_a_place_and_none_is_told_twice() {
        let config = "[user]\npath=no\n[database]\n path = archive/all \n";
        check(
            &[(".notmuch-config", config), ("archive/all/a/cur/1", MAIL)],
            &[("MAIL", "archive/all/")],
            &["archive/all Maildir Exactly(1)"],
        );
        check(
            &[("c", "[database]\npath=x\nmail_root=~/y"), ("y/cur/1", MAIL), ("x/cur/1", MAIL)],
            &[("NOTMUCH_CONFIG", "c")],
            &["y Maildir Exactly(1)"],
        );
    }

    #[test]
    fn a_large_mbox_is_estimated() {
        let body = "y".repeat(1000 - MBOX.len());
        let message = format!("{}{body}\n\n", MBOX.trim_end_matches('\n'));
        let count = 3 * usize::try_from(SAMPLE_BYTES).unwrap() / message.len();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mbox"), message.repeat(count)).unwrap();
        let around = Around { home: dir.path(), spool: dir.path(), env: &|_| None };
        let found = find(&around);
        let Count::About(number) = found[0].messages else { panic!("{found:?}") };
        assert!(number.abs_diff(count as u64) < 20, "{number} for {count}");
    }

    #[test]
    fn counting_is_given_up_at_a_bound() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("Mail")).unwrap();
        for n in 0..=MAX_OPENED {
            fs::write(dir.path().join(format!("Mail/{n}.eml")), MAIL).unwrap();
        }
        let around = Around { home: dir.path(), spool: dir.path(), env: &|_| None };
        assert_eq!(find(&around)[0].messages, Count::AtLeast(u64::from(MAX_OPENED)));
    }
}
