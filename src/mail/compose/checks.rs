//! What to ask before a draft is sent.
//!
//! Invariant: a warning stops nothing by itself, and none depends on a clock or a network. This
//! file must not decide whether a draft can be built: `build` does.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::draft::AddressError;
use super::flowed::SIGNATURE;
use super::quote::FORWARDED;
use super::{Draft, domain};

/// The size above which many servers refuse a message, in bytes as it is sent.
pub const MAX_COMMON_BYTES: u64 = 25 * 1024 * 1024;
/// What base 64 makes of 57 bytes: a line of 76 and its end.
const BASE64_LINE: (u64, u64) = (57, 78);

/// Beginnings of words that speak of an attachment, folded; a space in one joins two words.
const ATTACHMENT_WORDS: &[&str] = &[
    // English
    "attach",
    "enclosed",
    "enclosure",
    // German
    "anhang",
    "anhange",
    "angehangt",
    "anbei",
    "beigefugt",
    "beiliegend",
    // French
    "piece jointe",
    "pieces jointes",
    "ci-joint",
    // Spanish, Portuguese, Italian, Romanian
    "adjunto",
    "adjunta",
    "adjuntos",
    "adjuntas",
    "adjuntado",
    "anexo",
    "anexado",
    "anexei",
    "allegato",
    "allegati",
    "allegata",
    "allego",
    "atasat",
    // Dutch, Swedish, Norwegian, Danish, Finnish, Icelandic
    "bijlage",
    "bijgevoegd",
    "bifogad",
    "bifogat",
    "bifogar",
    "bilaga",
    "vedlegg",
    "vedlagt",
    "vedhæftet",
    "liitteena",
    "liitteessa",
    "liite",
    "viðhengi",
    // Polish, Czech, Slovak, Hungarian, Turkish
    "załacznik",
    "załaczam",
    "załaczeniu",
    "zalacznik",
    "priloha",
    "priloze",
    "prilohe",
    "mellekelt",
    "csatolt",
    "csatolva",
    "ekte",
    // Greek, Russian, Ukrainian
    "συνημμεν",
    "επισυναπτ",
    "вложени",
    "прикреплен",
    "прикладываю",
    "вкладенн",
    "прикріплен",
    // Japanese, Chinese, Korean
    "添付",
    "附件",
    "첨부",
];

/// Something to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Nobody gets it.
    NoRecipients,
    /// The subject is empty.
    NoSubject,
    /// An address cannot be read.
    Address(AddressError),
    /// The text speaks of an attachment and there is none.
    ForgottenAttachment {
        /// The word, as it was typed.
        word: String,
    },
    /// The domain of a recipient has no dot.
    LoneDomain {
        /// The address.
        address: String,
    },
    /// Larger than many servers take.
    Large {
        /// The size as it is sent, about, in bytes.
        size: u64,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let safe = crate::safe_text::line;
        match self {
            Self::NoRecipients => f.write_str("nobody gets it"),
            Self::NoSubject => f.write_str("it has no subject"),
            Self::Address(error) => write!(f, "{error}"),
            Self::ForgottenAttachment { word } => {
                write!(f, "it says \"{}\" and nothing is attached", safe(word))
            }
            Self::LoneDomain { address } => {
                write!(f, "the domain of {} has no dot", safe(address))
            }
            Self::Large { size } => {
                let mib = size.div_ceil(1024 * 1024);
                write!(f, "it has {mib} MiB, which many servers refuse")
            }
        }
    }
}

/// What to ask about a draft, the gravest first.
#[must_use]
pub fn checks(draft: &Draft) -> Vec<Warning> {
    let people = draft.recipients();
    let mut out = Vec::new();
    if people.all().next().is_none() && people.errors.is_empty() {
        out.push(Warning::NoRecipients);
    }
    let lone: Vec<_> = people.all().filter(|to| is_lone(&to.address)).cloned().collect();
    out.extend(people.errors.into_iter().map(Warning::Address));
    out.extend(lone.into_iter().map(|to| Warning::LoneDomain { address: to.address }));
    if draft.attachments.is_empty()
        && let Some(word) = attachment_word(draft)
    {
        out.push(Warning::ForgottenAttachment { word });
    }
    let size = size(draft);
    if size > MAX_COMMON_BYTES {
        out.push(Warning::Large { size });
    }
    if draft.subject.trim().is_empty() {
        out.push(Warning::NoSubject);
    }
    out
}

fn is_lone(address: &str) -> bool {
    let domain = address.rsplit_once('@').and_then(|(_, domain)| domain::ascii(domain));
    domain.is_some_and(|domain| !domain.starts_with('[') && !domain.contains('.'))
}

/// About as large as it is sent.
#[must_use]
pub fn size(draft: &Draft) -> u64 {
    let (from, to) = BASE64_LINE;
    let text = u64::try_from(draft.body.len()).unwrap_or(u64::MAX);
    let files = draft.attachments.iter().map(|file| file.size.div_ceil(from).saturating_mul(to));
    files.fold(text, u64::saturating_add)
}

/// The word of the user's own text that speaks of an attachment.
fn attachment_word(draft: &Draft) -> Option<String> {
    let own = draft.body.lines().take_while(|line| *line != SIGNATURE && *line != FORWARDED);
    let own = own.filter(|line| !line.starts_with('>'));
    // A subject that was only taken over says nothing.
    let subject = draft.answers.is_empty() && draft.forwards.is_empty();
    let subject = Some(draft.subject.as_str()).filter(|_| subject);
    subject.into_iter().chain(own).find_map(word_in)
}

fn word_in(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(is_between).filter(|word| !word.is_empty()).collect();
    let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
    for (at, word) in words.iter().enumerate() {
        let pair = folded.get(at..at + 2).map(|two| two.join(" ")).unwrap_or_default();
        let speaks = ATTACHMENT_WORDS.iter().any(|known| {
            // Scripts without spaces have it anywhere in a run.
            let anywhere = known.chars().all(|c| u32::from(c) > 0x2e80);
            folded[at].starts_with(known)
                || anywhere && folded[at].contains(known)
                || known.contains(' ') && pair.starts_with(known)
        });
        if speaks {
            return Some((*word).to_owned());
        }
    }
    None
}

fn is_between(c: char) -> bool {
    !(c.is_alphanumeric() || c == '-' || is_combining_mark(c))
}

/// Lower case without accents.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let plain = text.nfd().filter(|&c| !is_combining_mark(c));
    plain.flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::super::Attached;
    use super::*;
    use crate::id::BlobHash;

    fn draft(body: &str) -> Draft {
        Draft { to: "ann@x.org".into(), subject: "s".into(), body: body.into(), ..Draft::default() }
    }

    #[test]
    fn forgotten_attachments() {
        for (body, word) in [
            ("See the attached file.", Some("attached")),
            ("ATTACHMENTS!", Some("ATTACHMENTS")),
            ("I attach the plan", Some("attach")),
            ("im Anhang findest du", Some("Anhang")),
            ("Die Anhänge:", Some("Anhänge")),
            ("ist angeha\u{308}ngt", Some("angeha\u{308}ngt")),
            ("voir la pièce jointe", Some("pièce")),
            ("Vous trouverez ci-joint", Some("ci-joint")),
            ("te adjunto el archivo", Some("adjunto")),
            ("In allegato trovi", Some("allegato")),
            ("zie de bijlage", Some("bijlage")),
            ("W załączniku przesyłam", Some("załączniku")),
            ("во вложении", Some("вложении")),
            ("資料を添付します", Some("資料を添付します")),
            ("见附件", Some("见附件")),
            ("> See the attached file.\nThanks", None),
            ("Thanks\n-- \nMails with attachments are deleted", None),
            ("\n---------- Forwarded message ----------\nattached", None),
            ("a detachment of changes", None),
            ("a piece of cake", None),
        ] {
            let expected: Vec<_> = word
                .map(|word| Warning::ForgottenAttachment { word: word.to_owned() })
                .into_iter()
                .collect();
            assert_eq!(checks(&draft(body)), expected, "{body:?}");
        }
    }

    #[test]
    fn other_warnings() {
        assert_eq!(checks(&Draft::default()), [Warning::NoRecipients, Warning::NoSubject]);
        let mut given = draft("attached");
        given.to = "ann@localhost, bob, x@[192.0.2.1]".into();
        let hash = BlobHash::try_from("ab").unwrap();
        given.attachments = vec![Attached {
            name: "x".into(),
            media_type: String::new(),
            hash,
            size: MAX_COMMON_BYTES,
        }];
        let got: Vec<_> = checks(&given).iter().map(ToString::to_string).collect();
        assert_eq!(
            got,
            [
                "To: no @ in it",
                "the domain of ann@localhost has no dot",
                "it has 35 MiB, which many servers refuse",
            ]
        );
    }
}
