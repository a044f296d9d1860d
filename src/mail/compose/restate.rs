//! A message as it came, with other words of a mail store in its header: what a file must say when
//! its folder and name do not.
//!
//! Invariant: nothing else changes: the canonical bytes are the same, and what is asked for is what
//! [`stored()`] then finds; where that cannot be, there is no such message.

use super::header::FieldWriter;
use crate::mail::field::{is_from_line, next_line};
use crate::mail::{Flags, canonical_hash, stored};

/// Fields from which flags, labels and places are read.
const FIELDS: [&str; 7] = [
    "Status",
    "X-Status",
    "X-Keywords",
    "X-Mozilla-Keys",
    "X-Mozilla-Status",
    "X-Mozilla-Status2",
    "X-Gmail-Labels",
];

/// The message with these names, and these flags where they are given, and no others, in its
/// header.
#[must_use]
pub fn restate(raw: &[u8], names: &[String], flags: Option<Flags>) -> Option<Vec<u8>> {
    let flags = flags.map(|flags| Flags { trashed: false, ..flags });
    let mut out = Vec::with_capacity(raw.len() + 256);
    let mut rest = raw;
    if let Some(after) = rest.strip_prefix("\u{feff}".as_bytes()) {
        out.extend_from_slice(&raw[..raw.len() - after.len()]);
        rest = after;
    }
    // What stands above the header stays above it.
    loop {
        let (line, after) = next_line(rest);
        if rest.is_empty() || !(line.is_empty() || is_from_line(line)) {
            break;
        }
        out.extend_from_slice(&rest[..rest.len() - after.len()]);
        rest = after;
    }
    out.extend(fields(names, flags, line_end(raw)));
    without(rest, &mut out);
    let (said_flags, said_names) = stored(&out);
    let same = canonical_hash(raw) == canonical_hash(&out);
    let as_asked = said_names == names && (flags.is_none() || said_flags == flags);
    (same && as_asked).then_some(out)
}

/// How its lines end.
fn line_end(raw: &[u8]) -> &'static [u8] {
    match raw.iter().position(|b| *b == b'\n') {
        Some(at) if at > 0 && raw[at - 1] == b'\r' => b"\r\n",
        _ => b"\n",
    }
}

/// The fields that say it.
fn fields(names: &[String], flags: Option<Flags>, end: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut field = |name: &str, value: &str| {
        let mut writer = FieldWriter::new(&mut lines, name);
        writer.text(value);
        writer.end();
    };
    let mut words: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    if let Some(flags) = flags {
        field("Status", if flags.read { "RO" } else { "O" });
        let letters = [(flags.answered, 'A'), (flags.starred, 'F'), (flags.draft, 'T')];
        let letters: String = letters.iter().filter(|(on, _)| *on).map(|(_, c)| *c).collect();
        if !letters.is_empty() {
            field("X-Status", &letters);
        }
        if flags.forwarded {
            // A word between white space, as it is looked for.
            field("X-Keywords", "$Forwarded");
        }
    }
    if words.len() == 1 {
        // The comma says that spaces part nothing.
        words.push(String::new());
    }
    if !words.is_empty() {
        field("X-Keywords", words.join(", ").trim_end());
    }
    let text: Vec<&[u8]> = lines.split(|b| *b == b'\n').collect();
    let text: Vec<&[u8]> = text.iter().map(|l| l.strip_suffix(b"\r").unwrap_or(l)).collect();
    text.join(end)
}

fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.'));
    if plain {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The rest of the message without the fields that say something else.
fn without(mut rest: &[u8], out: &mut Vec<u8>) {
    let mut aside = false;
    while !rest.is_empty() {
        let (line, after) = next_line(rest);
        if line.is_empty() {
            break;
        }
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line.split(|b| *b == b':').next().unwrap_or_default().trim_ascii_end();
            aside = name.len() < line.len()
                && FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field.as_bytes()));
        }
        if !aside {
            out.extend_from_slice(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RAW: &str = "Received: x\nStatus: RO\nX-Keywords: a\n b\nSubject: x\n\nX-Keywords: no\n";

    #[test]
    fn only_what_a_store_says_changes() {
        let names = ["To do".to_owned(), "a".to_owned()];
        let out = restate(RAW.as_bytes(), &names, None).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "X-Keywords: \"To do\", a\nReceived: x\nSubject: x\n\nX-Keywords: no\n"
        );
        let flags = Flags { read: true, starred: true, forwarded: true, ..Flags::default() };
        let out = restate(RAW.replace('\n', "\r\n").as_bytes(), &[], Some(flags)).unwrap();
        assert_eq!(stored(&out), (Some(flags), Vec::new()));
        assert!(!out.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r'));
        assert_eq!(restate(b"", &[], None), Some(Vec::new()));
    }

    #[test]
    fn odd_messages_are_themselves_or_none() {
        for raw in
            ["no header at all\n", "\n\nSubject: x\n\nbody", "From a b\nTo: x\n\n", "\n", "x"]
        {
            if let Some(out) = restate(raw.as_bytes(), &["a b".to_owned()], None) {
                assert_eq!(canonical_hash(&out), canonical_hash(raw.as_bytes()), "{raw:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn names_are_read_as_they_were_given(
            names in prop::collection::btree_set("[ -~äß€😀]{1,30}", 0..6),
            read in any::<bool>(), starred in any::<bool>(), forwarded in any::<bool>(),
        ) {
            let clean = |name: String| crate::label::clean_name(&name);
            let ours = |name: &String| {
                !name.starts_with('$') && !name.to_lowercase().contains("junk")
            };
            let names: std::collections::BTreeSet<String> =
                names.into_iter().filter_map(clean).filter(ours).collect();
            let names: Vec<String> = names.into_iter().collect();
            let flags = Flags { read, starred, forwarded, ..Flags::default() };
            let out = restate(RAW.as_bytes(), &names, Some(flags));
            prop_assert_eq!(stored(&out.unwrap()), (Some(flags), names));
        }
    }
}
