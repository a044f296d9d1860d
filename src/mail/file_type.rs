//! The media type of a file that is to be attached, by its name and how it begins.
//!
//! Invariant: pure and total. What the bytes say stands above what the name says; a file is text
//! only when its beginning is UTF-8 without controls. This file must not be used for mail that
//! came: that says its types itself.

/// How a file begins, and what it then is.
const MAGIC: [(&[u8], &str); 14] = [
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\x7fELF", "application/octet-stream"),
];
/// The type by the end of the name.
const ENDINGS: [(&str, &str); 44] = [
    ("txt", "text/plain"),
    ("text", "text/plain"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("tsv", "text/tab-separated-values"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("css", "text/css"),
    ("ics", "text/calendar"),
    ("vcf", "text/vcard"),
    ("patch", "text/x-diff"),
    ("diff", "text/x-diff"),
    ("json", "application/json"),
    ("xml", "application/xml"),
    ("pdf", "application/pdf"),
    ("ps", "application/postscript"),
    ("rtf", "application/rtf"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("tgz", "application/gzip"),
    ("tar", "application/x-tar"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("epub", "application/epub+zip"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("svg", "image/svg+xml"),
    ("heic", "image/heic"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("eml", "message/rfc822"),
];
/// Bytes of the beginning that are looked at for text.
const LOOKED_AT: usize = 4_096;
/// What nobody knows.
const UNKNOWN: &str = "application/octet-stream";

/// The media type of a file with this name that begins like this.
#[must_use]
pub fn file_type(name: &str, bytes: &[u8]) -> &'static str {
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return found;
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return "image/webp";
    }
    let text = is_text(bytes);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let by_name = ENDINGS.iter().find(|(known, _)| Some(*known) == ending.as_deref());
    match by_name {
        // A part with bytes that are no text would be shown as such.
        Some((_, found)) if found.starts_with("text/") && !text => UNKNOWN,
        Some((_, found)) => found,
        None if text && !bytes.is_empty() => "text/plain",
        None => UNKNOWN,
    }
}

/// How the name of a file of this type ends, without the dot.
#[must_use]
pub fn file_ending(media_type: &str) -> Option<&'static str> {
    ENDINGS.iter().find(|(_, known)| *known == media_type).map(|(ending, _)| *ending)
}

fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last sign may be cut by where the looking ends.
        Err(error) if error.error_len().is_none() && head.len() == LOOKED_AT => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_above_names() {
        for (name, bytes, expected) in [
            ("a.PDF", &b"%PDF-1.7"[..], "application/pdf"),
            ("a.txt", b"%PDF-1.7", "application/pdf"),
            ("photo", b"\xff\xd8\xff\xe0", "image/jpeg"),
            ("a.txt", b"plain", "text/plain"),
            ("a.txt", b"\0\x01", UNKNOWN),
            ("notes", "Grüße\n".as_bytes(), "text/plain"),
            ("notes", b"\xfc\xff", UNKNOWN),
            ("a.eml", b"From: a@x.org\n", "message/rfc822"),
            ("x.docx", b"PK\x03\x04", ENDINGS[23].1),
            ("empty", b"", UNKNOWN),
            ("empty.csv", b"", "text/csv"),
            ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ] {
            assert_eq!(file_type(name, bytes), expected, "{name}");
        }
        let long = "é".repeat(LOOKED_AT);
        assert_eq!(file_type("x", &long.as_bytes()[1..]), UNKNOWN);
        assert_eq!(file_type("x", format!("a{long}").as_bytes()), "text/plain");
    }
}
