//! What is fetched of a message that is not fetched whole: its header, its structure and its texts.
//!
//! Invariant: pure, and total over what a server says: a structure that cannot be put together
//! again gives nothing, and the message is fetched whole then. What is put together has every part
//! that the message has, in order, with its own header; of what is left out the body is empty. It
//! says in its first field that it is not whole.

use imap_proto::{BodyContentCommon, BodyStructure, ContentEncoding};

use crate::mail;

/// Parts of one message at most.
const MAX_PARTS: usize = 100;
/// Parts inside parts at most.
const MAX_DEPTH: usize = 10;
/// Texts of one message that are fetched ahead, in bytes; one that has more is fetched whole.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;
/// What is this small comes along whatever it is: signatures, invitations. In bytes.
const SMALL_BYTES: u64 = 8 * 1024;
/// The longest boundary, in bytes (RFC 2046, section 5.1.1 allows 70).
const MAX_BOUNDARY_BYTES: usize = 200;

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its number (RFC 3501, section 6.4.5); empty for the whole message.
    pub(super) number: Vec<u32>,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Parts between boundaries.
    Parts(String, Vec<Part>),
    /// One that has no parts, or whose parts are not looked at.
    Leaf {
        /// As it is transferred.
        octets: u64,
        /// About, after transfer decoding.
        decoded: u64,
        /// It is fetched.
        wanted: bool,
    },
}

/// The header and body of a part, as far as they were fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fetched {
    /// Its number.
    pub(super) number: Vec<u32>,
    /// Its header (RFC 3501, `MIME`).
    pub(super) header: Option<Vec<u8>>,
    /// Its body.
    pub(super) body: Option<Vec<u8>>,
}

/// A message without what is at its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// What was put together.
    pub raw: Vec<u8>,
    /// For each thing that is attached how large it is, about, where it was left out.
    pub files: Vec<Option<u64>>,
}

/// The structure of a message of which something can be left out; `None` for one that is to be
/// fetched whole.
pub(super) fn structure(said: &BodyStructure<'_>) -> Option<Part> {
    let mut count = 0;
    let root = part(said, Vec::new(), &mut count)?;
    let leaves = root.leaves();
    let is_wanted = |part: &&&Part| matches!(part.kind, Kind::Leaf { wanted: true, .. });
    let text: u64 = leaves.iter().filter(is_wanted).map(|part| part.octets()).sum();
    let all = leaves.iter().all(|part| is_wanted(&part));
    (!all && text <= MAX_TEXT_BYTES).then_some(root)
}

fn part(said: &BodyStructure<'_>, number: Vec<u32>, count: &mut usize) -> Option<Part> {
    *count += 1;
    if *count > MAX_PARTS || number.len() > MAX_DEPTH {
        return None;
    }
    let (common, other) = match said {
        BodyStructure::Multipart { common, bodies, .. } => {
            let boundary = parameter(common, "boundary")?;
            let fits = !boundary.is_empty() && boundary.len() <= MAX_BOUNDARY_BYTES;
            if !fits || boundary.contains(['\r', '\n']) {
                return None;
            }
            let parts = (1..).zip(bodies).map(|(at, body)| {
                let number = number.iter().copied().chain([at]).collect();
                part(body, number, count)
            });
            let parts = parts.collect::<Option<Vec<_>>>()?;
            return Some(Part { number, kind: Kind::Parts(boundary, parts) });
        }
        BodyStructure::Basic { common, other, .. }
        | BodyStructure::Text { common, other, .. }
        | BodyStructure::Message { common, other, .. } => (common, other),
    };
    let octets = u64::from(other.octets);
    let attached = common.disposition.as_ref();
    let attached = attached.is_some_and(|said| said.ty.eq_ignore_ascii_case("attachment"));
    let kind = format!("{}/{}", common.ty.ty, common.ty.subtype).to_ascii_lowercase();
    let text = matches!(said, BodyStructure::Text { .. }) || mail::is_report(&kind);
    let text = text && !attached;
    let decoded = match other.transfer_encoding {
        // Lines of 76 signs and their end are 57 bytes (RFC 2045, section 6.8).
        ContentEncoding::Base64 => octets * 57 / 78,
        _ => octets,
    };
    // Of a message of one part the body is left out, or it is no matter.
    let wanted = text || (octets <= SMALL_BYTES && !number.is_empty());
    Some(Part { number, kind: Kind::Leaf { octets, decoded, wanted } })
}

fn parameter(common: &BodyContentCommon<'_>, name: &str) -> Option<String> {
    let all = common.ty.params.as_ref()?;
    let found = all.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(super::reading::unescaped(&found.1))
}

impl Part {
    fn leaves(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Leaf { .. } => vec![self],
            Kind::Parts(_, parts) => parts.iter().flat_map(Self::leaves).collect(),
        }
    }

    const fn octets(&self) -> u64 {
        match &self.kind {
            Kind::Leaf { octets, .. } => *octets,
            Kind::Parts(..) => 0,
        }
    }

    /// What is to be fetched below the message's own header: numbers of parts whose header is
    /// wanted, and where the body is wanted too how many bytes it has.
    pub(super) fn wanted(&self) -> Vec<(String, Option<u64>)> {
        let mut all = Vec::new();
        if !self.number.is_empty() {
            let number: Vec<String> = self.number.iter().map(u32::to_string).collect();
            let body = match &self.kind {
                Kind::Leaf { octets, wanted: true, .. } => Some(*octets),
                _ => None,
            };
            all.push((number.join("."), body));
        }
        if let Kind::Parts(_, parts) = &self.kind {
            all.extend(parts.iter().flat_map(Self::wanted));
        }
        all
    }

    /// Puts the message together; `None` when something of it did not come, or what is attached
    /// to it cannot be told.
    pub(super) fn assemble(&self, header: &[u8], fetched: &[Fetched]) -> Option<Outline> {
        let (raw, mut files) = (mail::outlined(header)?, Vec::new());
        let mut raw = raw;
        self.write(header, fetched, &mut raw, &mut files)?;
        let listed = mail::parse(&raw).attachments.len();
        (listed == files.len()).then_some(Outline { raw, files })
    }

    fn write(
        &self,
        header: &[u8],
        fetched: &[Fetched],
        raw: &mut Vec<u8>,
        files: &mut Vec<Option<u64>>,
    ) -> Option<()> {
        match &self.kind {
            Kind::Parts(boundary, parts) => {
                for part in parts {
                    let of = fetched.iter().find(|one| one.number == part.number)?;
                    let header = of.header.as_ref()?;
                    raw.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
                    raw.extend_from_slice(header);
                    if !ends(header) {
                        raw.extend_from_slice(b"\r\n");
                    }
                    part.write(header, fetched, raw, files)?;
                    raw.extend_from_slice(b"\r\n");
                }
                raw.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
            }
            Kind::Leaf { decoded, wanted, .. } => {
                let mut alone = header.to_vec();
                if *wanted {
                    let of = fetched.iter().find(|one| one.number == self.number)?;
                    let body = of.body.as_ref()?;
                    raw.extend_from_slice(body);
                    alone.extend_from_slice(body);
                }
                let listed = mail::parse(&alone).attachments.len();
                let size = (!wanted).then_some(*decoded);
                files.extend(std::iter::repeat_n(size, listed));
            }
        }
        Some(())
    }
}

/// Whether a header ends with its empty line.
fn ends(header: &[u8]) -> bool {
    header == b"\r\n" || header == b"\n" || header.ends_with(b"\n\r\n") || header.ends_with(b"\n\n")
}

#[cfg(test)]
mod tests {
    use imap_proto::{AttributeValue, Response};

    use super::*;

    const HEADER: &[u8] = b"From: a@x.org\r\nMessage-ID: <m@x>\r\nSubject: s\r\n\
        Content-Type: multipart/mixed; boundary=\"o\"\r\n\r\n";
    const SAID: &str = "* 1 FETCH (UID 1 BODYSTRUCTURE (((\"TEXT\" \"PLAIN\" (\"CHARSET\" \
        \"utf-8\") NIL NIL \"7BIT\" 5 1 NIL NIL NIL)(\"TEXT\" \"HTML\" NIL NIL NIL \"7BIT\" 12 1 \
        NIL NIL NIL) \"ALTERNATIVE\" (\"BOUNDARY\" \"i\") NIL NIL)(\"APPLICATION\" \"PDF\" \
        (\"NAME\" \"a.pdf\") NIL NIL \"BASE64\" 7800000 NIL (\"ATTACHMENT\" (\"FILENAME\" \
        \"a.pdf\")) NIL) \"MIXED\" (\"BOUNDARY\" \"o\") NIL NIL))\r\n";

    fn read(said: &str) -> Option<Part> {
        let (_, response) = Response::parse(said.as_bytes()).unwrap();
        let Response::Fetch(_, values) = response else { panic!() };
        values.iter().find_map(|value| match value {
            AttributeValue::BodyStructure(said) => structure(said),
            _ => None,
        })
    }

    fn fetched(number: &[u32], header: &str, body: Option<&str>) -> Fetched {
        let bytes = |text: &str| text.as_bytes().to_vec();
        Fetched { number: number.to_vec(), header: Some(bytes(header)), body: body.map(bytes) }
    }

    #[test]
    fn texts_come_and_what_is_attached_is_named() {
        let part = read(SAID).unwrap();
        let wanted = part.wanted();
        let wanted: Vec<_> = wanted.iter().map(|(at, body)| (at.as_str(), *body)).collect();
        assert_eq!(wanted, [("1", None), ("1.1", Some(5)), ("1.2", Some(12)), ("2", None)]);
        let parts = [
            fetched(&[1], "Content-Type: multipart/alternative; boundary=i\r\n\r\n", None),
            fetched(&[1, 1], "Content-Type: text/plain\r\n\r\n", Some("hello")),
            fetched(&[1, 2], "Content-Type: text/html\r\n\r\n", Some("<b>hello</b>")),
            fetched(
                &[2],
                "Content-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; \
                 filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                None,
            ),
        ];
        let outline = part.assemble(HEADER, &parts).unwrap();
        assert_eq!(outline.files, [Some(5_700_000)]);
        let parsed = mail::parse(&outline.raw);
        assert_eq!((parsed.text.as_str(), parsed.message_id.as_deref()), ("hello", Some("m@x")));
        assert_eq!(parsed.attachments[0].name.as_deref(), Some("a.pdf"));
        assert!(outline.raw.starts_with(b"X-Mailtui-Outline: "), "it says what it is");
        assert_eq!(mail::header_hash(&outline.raw), mail::header_hash(HEADER));
        assert_eq!(part.assemble(HEADER, &parts[..3]), None, "a part that did not come");
        assert_eq!(part.assemble(b"From: a@x.org\r\n", &parts), None, "half a header");
    }

    #[test]
    fn what_cannot_be_put_together_is_fetched_whole() {
        for said in [
            "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 900000 1 NIL NIL NIL)",
            "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5 1)(\"A\" \"B\" NIL NIL NIL \"7BIT\" \
             90000) \"MIXED\" NIL NIL NIL)",
            "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5000000 1)(\"A\" \"B\" NIL NIL NIL \"7BIT\" \
             90000) \"MIXED\" (\"BOUNDARY\" \"b\") NIL NIL)",
        ] {
            let said = format!("* 1 FETCH (UID 1 BODYSTRUCTURE {said})\r\n");
            assert_eq!(read(&said), None, "{said}");
        }
        let one = "(\"APPLICATION\" \"PDF\" (\"NAME\" \"a\") NIL NIL \"BASE64\" 780000)";
        let part = read(&format!("* 1 FETCH (UID 1 BODYSTRUCTURE {one})\r\n")).unwrap();
        let header = b"Message-ID: <m@x>\r\nContent-Type: application/pdf; name=a\r\n\r\n";
        let outline = part.assemble(header, &[]).unwrap();
        assert_eq!(outline.files, [Some(570_000)]);
    }
}
