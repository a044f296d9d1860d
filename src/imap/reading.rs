//! From responses to values.
//!
//! Invariant: pure, and total over what a server can send: words are as many and as long as a
//! person's are, sets are bounded, and a panic of the parser is no more than a response that cannot
//! be read. Nothing here trusts a number; who asked decides what fits.

use std::ops::RangeInclusive;

use imap_proto::{AttributeValue, NameAttribute, Response, ResponseCode};

use crate::imap::ImapError;
use crate::imap::edge::Known;
use crate::mail::Flags;

/// Keywords and labels of one message at most; a longer list is no list of a person's.
const MAX_KEYWORDS: usize = 200;
/// The longest keyword or label that is taken, in bytes.
const MAX_KEYWORD_BYTES: usize = 1_000;
/// Ranges of UIDs that one command tells to be gone, at most.
const MAX_RANGES: usize = 200_000;
/// What is kept of the answer to one command, in bytes, about.
const MAX_KEPT_BYTES: usize = 16 * 1024 * 1024;
/// How the answer to `ENABLE` begins.
const ENABLED: &[u8] = b"* ENABLED";

/// A response, read. The parser is not ours: should it panic over something, that was no IMAP.
pub(super) fn parse(response: &[u8]) -> Option<Response<'_>> {
    // The parser takes what was switched on (RFC 5161) for all that the server can do.
    let head = response.get(..ENABLED.len()).unwrap_or_default();
    if head.eq_ignore_ascii_case(ENABLED) {
        return None;
    }
    let read = crate::crash::report::contained(|| Response::parse(response).ok());
    read.flatten().map(|(_, read)| read)
}

pub(super) fn is_quotable(text: &[u8]) -> bool {
    text.len() < 1024 && text.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}

pub(super) fn attribute(attribute: &NameAttribute<'_>) -> String {
    let name = match attribute {
        NameAttribute::NoInferiors => "noinferiors",
        NameAttribute::NoSelect => "noselect",
        NameAttribute::Marked => "marked",
        NameAttribute::Unmarked => "unmarked",
        NameAttribute::All => "all",
        NameAttribute::Archive => "archive",
        NameAttribute::Drafts => "drafts",
        NameAttribute::Flagged => "flagged",
        NameAttribute::Junk => "junk",
        NameAttribute::Sent => "sent",
        NameAttribute::Trash => "trash",
        NameAttribute::Extension(name) => name.trim_start_matches('\\'),
        _ => "",
    };
    name.to_ascii_lowercase()
}

/// A string without the backslashes that quote (RFC 3501, section 9, `quoted`): the parser leaves
/// them in. One before another character is itself, as in the atom of a flag.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let quoted = characters.next_if(|next| character == '\\' && matches!(next, '\\' | '"'));
        plain.push(quoted.unwrap_or(character));
    }
    plain
}

pub(super) fn uid(values: &[AttributeValue<'_>]) -> Option<u32> {
    values.iter().find_map(|value| match value {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    })
}

/// What is said of a message; `None` where it is not said of which, or nothing of its flags.
pub(super) fn known(values: &[AttributeValue<'_>]) -> Option<Known> {
    let mut known = Known { uid: uid(values)?, ..Known::default() };
    let mut told = false;
    for value in values {
        match value {
            AttributeValue::Flags(flags) => {
                told = true;
                let (set, keywords) = flags_of(flags.iter().map(AsRef::as_ref));
                (known.flags, known.keywords) = (set, keywords);
            }
            AttributeValue::Rfc822Size(size) => known.size = Some(*size),
            AttributeValue::GmailLabels(labels) => {
                let labels: Vec<String> = labels.iter().map(|label| unescaped(label)).collect();
                known.labels = Some(bounded(labels.iter().map(String::as_str)));
            }
            AttributeValue::GmailThrId(thread) => {
                known.conversation = Some(crate::mail::conversation_key(*thread));
            }
            _ => {}
        }
    }
    told.then_some(known)
}

/// Words of a list, as many and as long as a person's are, each once.
pub(super) fn bounded<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let short = words.filter(|word| word.len() <= MAX_KEYWORD_BYTES);
    let mut words: Vec<String> = short.take(MAX_KEYWORDS).map(str::to_owned).collect();
    words.sort();
    words.dedup();
    words
}

/// What was kept of the answer to one command.
#[derive(Debug, Default)]
pub(super) struct Kept {
    bytes: usize,
    ranges: usize,
}

impl Kept {
    pub(super) fn push(&mut self, all: &mut Vec<Known>, known: Option<Known>) {
        let Some(known) = known else { return };
        let words = known.keywords.iter().chain(known.labels.iter().flatten());
        // A word is a string of its own, with its place in the list and in memory.
        self.bytes += size_of::<Known>() + words.map(|word| 48 + word.len()).sum::<usize>();
        if self.bytes <= MAX_KEPT_BYTES {
            all.push(known);
        }
    }

    pub(super) fn ranges(
        &mut self,
        all: &mut Vec<RangeInclusive<u32>>,
        ranges: &[RangeInclusive<u32>],
    ) {
        self.ranges += ranges.len();
        if self.ranges <= MAX_RANGES {
            all.extend(ranges.iter().cloned());
        }
    }

    /// Whether all of it was kept: a part of an answer is none.
    pub(super) const fn fits(&self) -> Result<(), ImapError> {
        if self.bytes <= MAX_KEPT_BYTES && self.ranges <= MAX_RANGES {
            return Ok(());
        }
        Err(ImapError::TooLarge("answers without end"))
    }
}

/// Flags and keywords of a list (RFC 9051, section 2.3.2).
pub(super) fn flags_of<'a>(names: impl Iterator<Item = &'a str>) -> (Flags, Vec<String>) {
    let (mut flags, mut keywords) = (Flags::default(), Vec::new());
    for name in names {
        match name.to_ascii_lowercase().as_str() {
            "\\seen" => flags.read = true,
            "\\flagged" => flags.starred = true,
            "\\answered" => flags.answered = true,
            "\\draft" => flags.draft = true,
            "\\deleted" => flags.trashed = true,
            "$forwarded" | "\\forwarded" | "forwarded" => flags.forwarded = true,
            other if other.starts_with('\\') => {}
            _ => keywords.push(name),
        }
    }
    (flags, bounded(keywords.into_iter()))
}

/// Where copies are, and where a message was appended (RFC 4315).
pub(super) type Places = (Option<(u32, Vec<(u32, u32)>)>, Option<(u32, u32)>);

pub(super) fn places(code: Option<&ResponseCode<'_>>) -> Places {
    match code {
        Some(ResponseCode::CopyUid(validity, from, to)) => {
            (Some((*validity, expand(from).into_iter().zip(expand(to)).collect())), None)
        }
        Some(ResponseCode::AppendUid(validity, uids)) => {
            (None, expand(uids).first().map(|uid| (*validity, *uid)))
        }
        _ => (None, None),
    }
}

/// UIDs of a set, bounded: no command of ours names more.
pub(super) fn expand(set: &[imap_proto::rfc4315::UidSetMember]) -> Vec<u32> {
    use imap_proto::rfc4315::UidSetMember;
    const MOST: usize = 10_000;
    let mut uids = Vec::new();
    for member in set {
        match member {
            UidSetMember::Uid(uid) => uids.push(*uid),
            UidSetMember::UidRange(range) => uids.extend(range.clone().take(MOST)),
        }
        if uids.len() > MOST {
            break;
        }
    }
    uids
}

/// `17-Jul-1996 02:44:25 -0700` as Unix seconds (RFC 3501, section 9, `date-time`).
pub(super) fn internal_date(text: &str) -> Option<i64> {
    let date = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?;
    Some(date.to_timestamp().ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_keywords() {
        let (flags, keywords) =
            flags_of(["\\Seen", "\\FLAGGED", "\\Recent", "work", "$Forwarded", "work"].into_iter());
        assert!(flags.read && flags.starred && flags.forwarded && !flags.answered);
        assert_eq!(keywords, ["work"]);
    }

    #[test]
    fn quoted_characters() {
        let cases = [("\\Inbox", "\\Inbox"), (r"\\Inbox", r"\Inbox"), (r#"a\"b"#, "a\"b")];
        for (text, expected) in cases {
            assert_eq!(unescaped(text), expected);
        }
    }

    #[test]
    fn dates_of_arrival() {
        assert_eq!(internal_date("17-Jul-1996 02:44:25 -0700"), Some(837_596_665));
        assert_eq!(internal_date(" 1-Jan-1970 00:00:09 +0000"), Some(9));
        assert_eq!(internal_date("yesterday"), None);
    }

    #[test]
    fn what_was_switched_on_is_not_all_that_the_server_can() {
        assert_eq!(parse(b"* ENABLED QRESYNC\r\n"), None);
        assert!(parse(b"* CAPABILITY IMAP4rev1 MOVE\r\n").is_some());
    }

    #[test]
    fn a_panic_of_the_parser_is_no_imap() {
        assert_eq!(parse("* OK [ALERT]é\r\n".as_bytes()), None);
    }
}
