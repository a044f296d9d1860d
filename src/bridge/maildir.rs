//! What a Maildir says by names: flags in file names, and which directories are its parts.
//!
//! Invariant: pure over names. It must not trust a name: anything odd is "no flags known".

use std::path::Path;

use crate::mail::Flags;

/// The flags in a file's name (`name:2,FLAGS`); `None` where the name has no such part.
///
/// File systems that cannot hold a colon get `;` or `!` in its place from other programs.
#[must_use]
pub fn flags(name: &str) -> Option<Flags> {
    let (_, letters) = [":2,", ";2,", "!2,"].iter().find_map(|info| name.rsplit_once(info))?;
    if !letters.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let has = |flag: char| letters.contains(flag);
    Some(Flags {
        read: has('S'),
        starred: has('F'),
        answered: has('R'),
        forwarded: has('P'),
        draft: has('D'),
        trashed: has('T'),
    })
}

/// Whether a directory of this name holds a Maildir's messages.
pub(crate) fn holds_messages(name: &str) -> bool {
    matches!(name, "cur" | "new")
}

/// Whether `directory` is a Maildir: it has `cur` or `new`.
pub(crate) fn is_maildir(directory: &Path) -> bool {
    ["cur", "new"]
        .iter()
        .any(|part| directory.join(part).symlink_metadata().is_ok_and(|metadata| metadata.is_dir()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_in_the_name() {
        let none = Flags::default();
        let read = Flags { read: true, ..none };
        let cases = [
            ("1234.M1.host", None),
            ("1234.M1.host:2,", Some(none)),
            ("01:2,", Some(none)),
            ("1234.M1.host:2,S", Some(read)),
            ("1234.M1.host;2,S", Some(read)),
            ("1234.M1.host!2,S", Some(read)),
            ("1234,U=7,S=3:2,Sab", Some(read)),
            ("x:2,S:2,F", Some(Flags { starred: true, ..none })),
            (
                "x:2,DFPRST",
                Some(Flags {
                    read: true,
                    starred: true,
                    answered: true,
                    forwarded: true,
                    draft: true,
                    trashed: true,
                }),
            ),
            ("x:1,S", None),
            ("x:2,S.eml", None),
            ("x:2,S=12", None),
        ];
        for (name, expected) in cases {
            assert_eq!(flags(name), expected, "{name:?}");
        }
    }
}
