//! From the path of a folder to what it says of its messages.
//!
//! Invariant: pure over names. A folder with a name that every mail program knows is a place or a
//! system label; every other one is a user label named by its path, and its mail stays in the
//! inbox.

use crate::bridge::Folder;
use crate::label::{self, Place};

/// The folder of messages below a named root, from the names between the root and the message.
///
/// `cur`, `new` and empty names say nothing; `.A.B` (Maildir++) is A/B. A well-known name at the
/// end (`work/Archive`) or at the front (`Archive/2019`) decides the place; the rest is the label,
/// so that mail somebody filed or threw away does not come back to the inbox.
#[must_use]
pub fn of_path<'a>(names: impl IntoIterator<Item = &'a str>) -> Folder {
    let mut parts: Vec<String> = names.into_iter().flat_map(split).collect();
    let gmail = parts.iter().any(|part| matches!(part.as_str(), "[Gmail]" | "[Google Mail]"));
    parts.retain(|part| {
        !part.eq_ignore_ascii_case("inbox") && !matches!(part.as_str(), "[Gmail]" | "[Google Mail]")
    });
    let Some(last) = parts.last() else { return Folder::default() };
    if gmail && last.eq_ignore_ascii_case("All Mail") {
        return Known::Archive.folder();
    }
    if let Some(known) = known(last) {
        parts.pop();
        return labelled(known.folder(), &parts);
    }
    let base = parts.first().and_then(|first| known(first)).map(Known::folder);
    labelled(base.unwrap_or_default(), &parts)
}

/// The folder of a named root: only a well-known name says anything.
#[must_use]
pub fn of_root(name: &str) -> Folder {
    split(name).last().and_then(|last| known(last)).map(Known::folder).unwrap_or_default()
}

/// The folder of an mbox from its file name: without the ending that says "mbox". `None` where the
/// name is that of a single message or of an export of everything, which is no folder.
#[must_use]
pub fn mbox_stem(file_name: &str) -> Option<&str> {
    let (stem, ending) = file_name.rsplit_once('.').unwrap_or((file_name, ""));
    if stem.is_empty() {
        return None;
    }
    match ending.to_ascii_lowercase().as_str() {
        "eml" | "txt" | "msg" | "raw" => None,
        "mbox" | "mbx" | "mboxrd" | "mboxo" | "mboxcl" | "mboxcl2" => {
            // Google Takeout; the labels are in each message's X-Gmail-Labels.
            (!stem.starts_with("All mail Including Spam and Trash")).then_some(stem)
        }
        // Apple Mail: Work.mbox/mbox.
        _ if file_name == "mbox" => None,
        _ => Some(file_name),
    }
}

/// Where a folder stands in a run: what waits for the user first, what hides mail last.
pub(crate) fn rank(folder: &Folder) -> u8 {
    match folder.place {
        _ if folder.drafts => 3,
        _ if folder.sent => 2,
        None | Some(Place::Inbox) => 0,
        Some(Place::Archive) => 1,
        Some(Place::Spam) => 4,
        Some(Place::Trash) => 5,
    }
}

/// The folders that mail programs agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Archive,
    Trash,
    Spam,
    Sent,
    Drafts,
}

impl Known {
    /// Sent mail and drafts never were in the inbox, so they are in the archive.
    fn folder(self) -> Folder {
        let place = match self {
            Self::Archive | Self::Sent | Self::Drafts => Place::Archive,
            Self::Trash => Place::Trash,
            Self::Spam => Place::Spam,
        };
        Folder {
            place: Some(place),
            sent: self == Self::Sent,
            drafts: self == Self::Drafts,
            ..Folder::default()
        }
    }
}

fn known(name: &str) -> Option<Known> {
    Some(match name.to_lowercase().as_str() {
        "archive" | "archives" => Known::Archive,
        "trash" | "deleted" | "deleted items" | "deleted messages" | "bin" => Known::Trash,
        "spam" | "junk" | "junk e-mail" | "junk email" | "bulk mail" => Known::Spam,
        "sent" | "sent items" | "sent mail" | "sent messages" | "sent-mail" => Known::Sent,
        "drafts" | "draft" => Known::Drafts,
        _ => return None,
    })
}

fn labelled(mut folder: Folder, parts: &[String]) -> Folder {
    folder.labels.extend(label::clean_name(&parts.join("/")));
    folder
}

/// The folder names in one name of a path.
fn split(name: &str) -> Vec<String> {
    if super::maildir::holds_messages(name) {
        return Vec::new();
    }
    // Thunderbird: Work.sbd holds the folders below Work; Apple Mail: Work.mbox holds an mbox.
    let name = [".sbd", ".mbox"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let parts: Vec<&str> = match name.strip_prefix('.') {
        Some(folders) => folders.split('.').collect(),
        None => match name.get(..6) {
            // Some servers' trees are copied without the first dot: INBOX.Work.
            Some(start) if start.eq_ignore_ascii_case("inbox.") => name.split('.').collect(),
            _ => vec![name],
        },
    };
    parts.into_iter().filter_map(|part| label::clean_name(&utf7(part))).collect()
}

/// Decodes IMAP's modified UTF-7 (RFC 3501 section 5.1.3), in which servers write folder names to
/// disk; a name that is not valid in it is itself.
fn utf7(name: &str) -> String {
    if name.contains('&') && name.is_ascii() {
        decode_utf7(name).unwrap_or_else(|| name.to_owned())
    } else {
        name.to_owned()
    }
}

fn decode_utf7(name: &str) -> Option<String> {
    use base64::Engine as _;
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((plain, coded)) = rest.split_once('&') {
        out.push_str(plain);
        let (coded, after) = coded.split_once('-')?;
        rest = after;
        if coded.is_empty() {
            out.push('&');
            continue;
        }
        let bytes = base64::engine::general_purpose::STANDARD_NO_PAD
            .decode(coded.replace(',', "/"))
            .ok()
            .filter(|bytes| bytes.len() % 2 == 0)?;
        let units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        out.push_str(&String::from_utf16(&units).ok()?);
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `place[+sent|+drafts] label|label`.
    fn told(folder: &Folder) -> String {
        let place = folder.place.map_or("-", Place::as_str);
        let more = if folder.sent { "+sent" } else { "" };
        let draft = if folder.drafts { "+drafts" } else { "" };
        format!("{place}{more}{draft} {}", folder.labels.join("|")).trim_end().to_owned()
    }

    #[test]
    fn a_path_is_a_place_or_a_label() {
        let cases = [
            ("", "-"),
            ("cur", "-"),
            ("INBOX", "-"),
            ("Inbox/new", "-"),
            (".INBOX", "-"),
            ("archive", "archive"),
            ("Archives", "archive"),
            (".Archive/cur", "archive"),
            ("INBOX/Archive", "archive"),
            (".INBOX.Archive", "archive"),
            ("INBOX.Archive", "archive"),
            ("Trash", "trash"),
            ("DELETED", "trash"),
            ("Deleted Items", "trash"),
            ("Deleted Messages", "trash"),
            ("[Gmail]/Bin", "trash"),
            ("Spam", "spam"),
            ("junk", "spam"),
            (".Junk E-mail", "spam"),
            ("Sent", "archive+sent"),
            ("Sent Items", "archive+sent"),
            ("[Gmail]/Sent Mail", "archive+sent"),
            ("[Google Mail]/Sent Messages", "archive+sent"),
            ("Drafts", "archive+drafts"),
            ("[Gmail]/All Mail", "archive"),
            ("All Mail", "- All Mail"),
            ("foo/bar", "- foo/bar"),
            ("foo/cur", "- foo"),
            ("foo/baz/new", "- foo/baz"),
            (".foo.bar/cur", "- foo/bar"),
            (".INBOX.foo", "- foo"),
            ("INBOX/foo", "- foo"),
            ("[Gmail]/Important", "- Important"),
            ("work/INBOX", "- work"),
            ("work/Archive", "archive work"),
            ("Archive/2019", "archive Archive/2019"),
            ("Trash/old", "trash Trash/old"),
            ("Work.sbd/Client", "- Work/Client"),
            ("Work.mbox", "- Work"),
            ("Inboxes", "- Inboxes"),
            ("linux.kernel", "- linux.kernel"),
            (".Entw&APw-rfe & Co", "- Entw&APw-rfe & Co"),
            (".Entw&APw-rfe", "- Entwürfe"),
            ("R&-D", "- R&D"),
            ("a\u{1b}[31m", "- a\u{fffd}[31m"),
        ];
        for (path, expected) in cases {
            assert_eq!(told(&of_path(path.split('/'))), expected, "{path:?}");
        }
    }

    #[test]
    fn a_root_is_only_a_well_known_name() {
        for (name, expected) in
            [("Maildir", "-"), (".Trash", "trash"), (".INBOX.Sent", "archive+sent"), (".work", "-")]
        {
            assert_eq!(told(&of_root(name)), expected, "{name:?}");
        }
    }

    #[test]
    fn an_mbox_is_named_by_its_stem() {
        let cases = [
            ("Archive.mbox", Some("Archive")),
            ("Sent", Some("Sent")),
            ("linux.kernel", Some("linux.kernel")),
            ("list.MBX", Some("list")),
            ("message.eml", None),
            ("msg_25.txt", None),
            ("mbox", None),
            (".mbox", None),
            ("All mail Including Spam and Trash-002.mbox", None),
        ];
        for (name, expected) in cases {
            assert_eq!(mbox_stem(name), expected, "{name:?}");
        }
    }
}
