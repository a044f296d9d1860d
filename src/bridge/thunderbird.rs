//! What Thunderbird keeps beside its mail: which directories are a profile or an account, and which
//! files are its own.
//!
//! Invariant: it looks at names, and asks only whether one is there. A file is left alone by a name
//! that nothing but Thunderbird gives; a folder is never left out for one.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

/// Files of an account that hold no mail.
const OWN_FILES: [&str; 8] = [
    "msgFilterRules.dat",
    "filterlog.html",
    "junklog.html",
    "popstate.dat",
    "virtualFolders.dat",
    "folderTree.json",
    "folderCache.json",
    "panacea.dat",
];
/// The ending of the index beside each folder's mbox.
const INDEX: &str = ".msf";
/// The ending of the directory with the folders below a folder.
const BELOW: &str = ".sbd";
/// The ending of a directory with copies of messages for the search of the system.
const COPIES: &str = ".mozmsgs";

/// What a directory is to Thunderbird.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing that it knows of, or folders below a folder.
    Other,
    /// Holds the profiles.
    Profiles,
    /// A profile: settings, and directories of accounts.
    Profile,
    /// An account: the names of folders begin here.
    Account,
}

impl Kind {
    /// The kind of a directory with these names in it.
    pub(crate) fn of(directory: &Path, names: &[OsString]) -> Self {
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let below = ends(directory.file_name().unwrap_or_default(), BELOW);
        if has("profiles.ini") {
            Self::Profiles
        } else if has("prefs.js") && (has("Mail") || has("ImapMail")) {
            Self::Profile
        } else if !below && names.iter().any(|name| is_index(directory, name)) {
            Self::Account
        } else {
            Self::Other
        }
    }

    /// The kind of a directory.
    pub(crate) fn at(directory: &Path) -> Self {
        let Ok(entries) = fs::read_dir(directory) else { return Self::Other };
        let names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
        Self::of(directory, &names)
    }

    /// Whether an entry of such a directory is left alone.
    pub(crate) fn leaves(self, directory: &Path, name: &OsStr) -> bool {
        match self {
            Self::Profile => name != "Mail" && name != "ImapMail",
            Self::Profiles => {
                name != "Profiles" && !directory.join(name).join("prefs.js").is_file()
            }
            Self::Account | Self::Other => {
                OWN_FILES.iter().any(|own| name == *own)
                    || is_index(directory, name)
                    || ends(name, COPIES)
            }
        }
    }
}

/// Whether a file without content is a folder without mail: its index lies beside it.
pub(crate) fn is_empty_folder(file: &Path) -> bool {
    let mut index = file.as_os_str().to_owned();
    index.push(INDEX);
    Path::new(&index).is_file()
}

fn is_index(directory: &Path, name: &OsStr) -> bool {
    ends(name, INDEX) && !directory.join(name).is_dir()
}

fn ends(name: &OsStr, ending: &str) -> bool {
    name.as_encoded_bytes().ends_with(ending.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_known_by_what_is_in_them() {
        let cases: [(&str, &[&str], Kind); 6] = [
            ("x", &["Inbox", "Inbox.msf"], Kind::Account),
            ("Work.sbd", &["Inbox", "Inbox.msf"], Kind::Other),
            ("x", &["Inbox"], Kind::Other),
            ("x.default", &["prefs.js", "Mail"], Kind::Profile),
            ("x.default", &["prefs.js"], Kind::Other),
            (".thunderbird", &["profiles.ini", "x.default"], Kind::Profiles),
        ];
        for (path, names, expected) in cases {
            let names: Vec<OsString> = names.iter().map(OsString::from).collect();
            assert_eq!(Kind::of(Path::new(path), &names), expected, "{path} {names:?}");
        }
    }

    #[test]
    fn only_files_of_its_own_are_left_alone() {
        for (name, expected) in [
            ("Inbox", false),
            ("Inbox.msf", true),
            ("Inbox.sbd", false),
            ("Inbox.mozmsgs", true),
            ("msgFilterRules.dat", true),
            ("filterlog.html", true),
            ("rules.dat", false),
        ] {
            assert_eq!(Kind::Account.leaves(Path::new("x"), OsStr::new(name)), expected, "{name}");
        }
        assert!(Kind::Profile.leaves(Path::new("x"), OsStr::new("places.sqlite")));
        assert!(!Kind::Profile.leaves(Path::new("x"), OsStr::new("ImapMail")));
    }
}
