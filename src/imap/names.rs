//! Names of folders: from the server's spelling to what they are for.
//!
//! Invariant: pure and total. A name that cannot be decoded is shown as it is spelled, sanitised;
//! commands always use the server's own spelling, as text.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::bridge::{Folder, folder};
use crate::imap::client::Listed;
use crate::imap::edge::{Found, Role};
use crate::label::Place;
use crate::safe_text;

/// The longest name that is taken, in bytes: what is longer is no folder of a person.
const MAX_NAME_BYTES: usize = 1_000;

/// Modified base 64 (RFC 3501, section 5.1.3): `,` for `/`, without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// A name in modified UTF-7 as Unicode; `None` where it is spelled wrong.
#[must_use]
pub fn decode(name: &str) -> Option<String> {
    let mut decoded = String::new();
    let mut rest = name;
    while let Some((before, shifted)) = rest.split_once('&') {
        decoded.push_str(before);
        let (coded, after) = shifted.split_once('-')?;
        if coded.is_empty() {
            decoded.push('&');
        } else {
            let bytes = BASE64.decode(coded).ok()?;
            let mut units = Vec::with_capacity(bytes.len() / 2);
            let (pairs, odd) = bytes.as_chunks::<2>();
            if !odd.is_empty() {
                return None;
            }
            units.extend(pairs.iter().map(|pair| u16::from_be_bytes(*pair)));
            decoded.push_str(&String::from_utf16(&units).ok()?);
        }
        rest = after;
    }
    decoded.push_str(rest);
    Some(decoded)
}

/// A name in modified UTF-7.
#[must_use]
pub fn encode(name: &str) -> String {
    let mut encoded = String::new();
    let mut shifted: Vec<u16> = Vec::new();
    let flush = |shifted: &mut Vec<u16>, encoded: &mut String| {
        if !shifted.is_empty() {
            let bytes: Vec<u8> = shifted.drain(..).flat_map(u16::to_be_bytes).collect();
            encoded.push('&');
            encoded.push_str(&BASE64.encode(bytes));
            encoded.push('-');
        }
    };
    for character in name.chars() {
        if matches!(character, ' '..='~') {
            flush(&mut shifted, &mut encoded);
            encoded.push(character);
            if character == '&' {
                encoded.push('-');
            }
        } else {
            let mut units = [0; 2];
            shifted.extend_from_slice(character.encode_utf16(&mut units));
        }
    }
    flush(&mut shifted, &mut encoded);
    encoded
}

/// What the folders of a list are; those that hold no messages, and virtual ones, are left out. On
/// a server with `labels` (Gmail) a message is read in the folder of all mail, the trash or spam.
#[must_use]
pub fn found(listed: &[Listed], labels: bool) -> Vec<Found> {
    let mut all: Vec<(Found, bool)> = Vec::new();
    let mut names = BTreeSet::new();
    // Where its user hides the folder of all mail, labels are folders as elsewhere.
    let gmail = labels && listed.iter().any(|one| one.attributes.contains("all"));
    for one in listed {
        let holds = !["noselect", "nonexistent"].iter().any(|no| one.attributes.contains(*no));
        if !holds || one.name.is_empty() || one.name.len() > MAX_NAME_BYTES {
            continue;
        }
        let Some((found, marked)) = what(one, gmail) else { continue };
        if names.insert(one.name.as_str()) {
            all.push((found, marked));
        }
    }
    single_roles(&mut all);
    all.into_iter().map(|(found, _)| found).collect()
}

/// A role has one folder: that which the server marks, or the first with the usual name.
fn single_roles(all: &mut [(Found, bool)]) {
    for role in [Role::Inbox, Role::Archive, Role::Spam, Role::Trash, Role::Sent, Role::Drafts] {
        let of_role = |(found, _): &(Found, bool)| found.role == role;
        let marked = all.iter().position(|held| of_role(held) && held.1);
        let Some(one) = marked.or_else(|| all.iter().position(of_role)) else { continue };
        for (at, held) in all.iter_mut().enumerate() {
            if at != one && held.0.role == role {
                held.0.role = Role::Label;
            }
        }
    }
}

/// What one folder is, and whether the server itself says so.
fn what(one: &Listed, gmail: bool) -> Option<(Found, bool)> {
    let has = |attribute: &str| one.attributes.contains(attribute);
    let decoded = decode(&one.name).unwrap_or_else(|| one.name.clone());
    let shown = safe_text::line(&decoded);
    let parts: Vec<&str> = match one.delimiter.as_deref() {
        Some(delimiter) if !delimiter.is_empty() => shown.split(delimiter).collect(),
        _ => vec![shown.as_str()],
    };
    // A folder that shows what is in others by a mark of its messages has nothing of its own.
    if has("flagged") || (has("all") && !gmail) || has("important") {
        return None;
    }
    let marked = [
        ("archive", Role::Archive),
        ("junk", Role::Spam),
        ("trash", Role::Trash),
        ("sent", Role::Sent),
        ("drafts", Role::Drafts),
        ("all", Role::All),
    ];
    let marked = marked.into_iter().find(|(name, _)| has(name)).map(|(_, role)| role);
    if gmail && !matches!(marked, Some(Role::All | Role::Spam | Role::Trash)) {
        return None; // all else is a label of what is in these three
    }
    let inbox = one.name.eq_ignore_ascii_case("INBOX");
    // What was filed elsewhere is not in the inbox of this server.
    let named = || {
        let says = folder::of_path(below_inbox(&parts).iter().copied());
        Folder { place: says.place.or(Some(Place::Archive)), ..says }
    };
    let (role, says) = if inbox {
        (Role::Inbox, Folder::default())
    } else if let Some(role) = marked {
        (role, says(role))
    } else {
        let says = named();
        (usual(&says), says)
    };
    let found = Found { name: one.name.clone(), shown, role, says };
    Some((found, inbox || marked.is_some()))
}

/// Some servers have all folders below the inbox: that says nothing of them.
fn below_inbox<'a>(parts: &'a [&'a str]) -> &'a [&'a str] {
    match parts {
        [first, rest @ ..] if !rest.is_empty() && first.eq_ignore_ascii_case("inbox") => rest,
        all => all,
    }
}

/// What a folder with this role says of its messages.
fn says(role: Role) -> Folder {
    let place = match role {
        Role::Sent | Role::Drafts => Some(Place::Archive),
        other => other.place(),
    };
    let (sent, drafts) = (role == Role::Sent, role == Role::Drafts);
    Folder { place, sent, drafts, ..Folder::default() }
}

/// The role of a folder by its usual name.
fn usual(says: &Folder) -> Role {
    if !says.labels.is_empty() {
        return Role::Label;
    }
    match says.place {
        _ if says.drafts => Role::Drafts,
        _ if says.sent => Role::Sent,
        Some(Place::Archive) => Role::Archive,
        Some(Place::Spam) => Role::Spam,
        Some(Place::Trash) => Role::Trash,
        Some(Place::Inbox) | None => Role::Label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_modified_utf_7() {
        for (encoded, decoded) in [
            ("INBOX", "INBOX"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("~peter/mail/&ZeVnLIqe-/&U,BTFw-", "~peter/mail/日本語/台北"),
            ("a&-b", "a&b"),
            ("&2D3eAA-", "😀"),
        ] {
            assert_eq!(decode(encoded).as_deref(), Some(decoded), "{encoded}");
            assert_eq!(encode(decoded), encoded, "{decoded}");
        }
        for wrong in ["&", "a&AP", "&!!-", "&AA-", "&2D0-"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }

    /// `NAME ATTRIBUTES…` → `ROLE PLACE LABELS` of each folder.
    fn check(listed: &[&str], expected: &[&str]) {
        check_with(listed, false, expected);
    }

    fn check_with(listed: &[&str], labels: bool, expected: &[&str]) {
        let listed: Vec<Listed> = listed
            .iter()
            .map(|text| {
                let mut words = text.split(' ');
                Listed {
                    name: words.next().unwrap().to_owned(),
                    delimiter: Some("/".to_owned()),
                    attributes: words.map(str::to_owned).collect(),
                }
            })
            .collect();
        let told: Vec<String> = found(&listed, labels)
            .iter()
            .map(|found| {
                let place = found.says.place.map_or("-", Place::as_str);
                format!("{}: {:?} {place} {}", found.shown, found.role, found.says.labels.join(","))
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn what_folders_are_for() {
        check(
            &["inbox", "Papierkorb trash", "Sent", "Work/2019", "Old noselect", "Stars flagged"],
            &[
                "inbox: Inbox - ",
                "Papierkorb: Trash trash ",
                "Sent: Sent archive ",
                "Work/2019: Label archive Work/2019",
            ],
        );
        check(
            &["INBOX", "INBOX/Archive", "INBOX/Work", "Archive archive"],
            &[
                "INBOX: Inbox - ",
                "INBOX/Archive: Label archive ",
                "INBOX/Work: Label archive Work",
                "Archive: Archive archive ",
            ],
        );
        let gmail =
            ["INBOX", "[Gmail]/All all", "[Gmail]/Trash trash", "[Gmail]/Spam junk", "Work"];
        check_with(&gmail[..1], true, &["INBOX: Inbox - "]);
        check_with(
            &gmail,
            true,
            &[
                "[Gmail]/All: All archive ",
                "[Gmail]/Trash: Trash trash ",
                "[Gmail]/Spam: Spam spam ",
            ],
        );
        check(&["a\u{202e}b\u{1b}[2J"], &["ab\u{fffd}[2J: Label archive ab\u{fffd}[2J"]);
    }
}
