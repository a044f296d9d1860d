//! Content-Type and Content-Disposition: a value and its parameters (RFC 2045, 2183, 2231).
//!
//! Invariant: total; of two parameters with one name the first counts. This file must not decide
//! what a part is.

use super::charset;
use super::defect::Defects;
use super::transfer::hex;
use super::word;

/// Parameters of one field that are read.
const MAX_PARAMS: usize = 100;
/// Pieces of one continued parameter that are joined (RFC 2231 section 3).
const MAX_PIECES: usize = 100;

/// A parsed structured field.
#[derive(Debug, Default)]
pub(super) struct Structured {
    /// The value before the first `;`, lower case, without white space.
    pub(super) value: String,
    params: Vec<(String, Vec<u8>)>,
}

impl Structured {
    /// Reads a field's value.
    pub(super) fn parse(field: &[u8]) -> Self {
        let field: Vec<u8> =
            field.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
        let end = field.iter().position(|&b| b == b';').unwrap_or(field.len());
        let head = field[..end].trim_ascii();
        // `application/pdf name="x"`: the semicolon is missing, the type still stands first.
        let stop = head.iter().position(u8::is_ascii_whitespace);
        let (value, stray) = match stop {
            Some(at) if !head[at..].trim_ascii_start().starts_with(b"/") => {
                (&head[..at], head[at..].trim_ascii_start())
            }
            _ => (head, &[][..]),
        };
        let value = value.iter().filter(|b| !b.is_ascii_whitespace());
        let value = value.map(|&b| char::from(b.to_ascii_lowercase())).collect();
        let mut params = Vec::new();
        read_params(stray, &mut params);
        read_params(field.get(end + 1..).unwrap_or_default(), &mut params);
        Self { value, params }
    }

    /// The bytes of a parameter, as written.
    pub(super) fn raw(&self, name: &str) -> Option<&[u8]> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    /// A parameter as text: `name*`, `name*0*` and so on (RFC 2231) before the plain `name`, in
    /// which encoded words are decoded although RFC 2047 section 5 forbids them there.
    pub(super) fn text(&self, name: &str, defects: &mut Defects) -> Option<String> {
        if let Some(value) = self.raw(&format!("{name}*")) {
            let (charset, data) = split_charset(value);
            return Some(charset::decode(charset, &unpercent(data), defects));
        }
        if let Some(text) = self.continued(name, defects) {
            return Some(text);
        }
        self.raw(name).map(|value| word::decode(value, defects))
    }

    fn continued(&self, name: &str, defects: &mut Defects) -> Option<String> {
        let (mut bytes, mut charset, mut encoded) = (Vec::new(), None, false);
        for piece in 0..MAX_PIECES {
            if let Some(value) = self.raw(&format!("{name}*{piece}*")) {
                let (label, data) = if piece == 0 { split_charset(value) } else { (None, value) };
                if piece == 0 {
                    charset = label;
                }
                bytes.extend_from_slice(&unpercent(data));
                encoded = true;
            } else if let Some(value) = self.raw(&format!("{name}*{piece}")) {
                bytes.extend_from_slice(value);
            } else if piece == 0 {
                return None;
            } else {
                break;
            }
        }
        if encoded {
            return Some(charset::decode(charset, &bytes, defects));
        }
        Some(word::decode(&bytes, defects))
    }
}

fn read_params(bytes: &[u8], params: &mut Vec<(String, Vec<u8>)>) {
    let mut rest = bytes;
    while !rest.is_empty() && params.len() < MAX_PARAMS {
        let Some(end) = rest.iter().position(|&b| matches!(b, b'=' | b';')) else { return };
        let name = rest[..end].trim_ascii().to_ascii_lowercase();
        let is_value = rest[end] == b'=';
        rest = &rest[end + 1..];
        if !is_value {
            continue;
        }
        let (value, after) = read_value(rest.trim_ascii_start());
        rest = after;
        let name = String::from_utf8_lossy(&name).into_owned();
        if !name.is_empty() {
            params.push((name, value));
        }
    }
}

/// A quoted string, or everything up to the next semicolon (senders forget the quotes).
fn read_value(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let skip_to_next = |rest: &'_ [u8]| rest.iter().position(|&b| b == b';').map_or(0, |at| at + 1);
    let Some(quoted) = bytes.strip_prefix(b"\"") else {
        let end = bytes.iter().position(|&b| b == b';').unwrap_or(bytes.len());
        let value = bytes[..end].trim_ascii();
        let value = value.strip_suffix(b"\"").unwrap_or(value);
        return (value.to_vec(), bytes.get(end + 1..).unwrap_or_default());
    };
    let mut value = Vec::new();
    let mut rest = quoted;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.first()) {
            (b'\\', Some(&escaped)) => {
                value.push(escaped);
                rest = &after[1..];
            }
            (b'"', _) => {
                let next = skip_to_next(rest);
                return (value, if next == 0 { &[] } else { &rest[next..] });
            }
            _ => value.push(byte),
        }
    }
    (value, rest)
}

/// `charset'language'data`; without the quotes it is all data.
fn split_charset(value: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut parts = value.splitn(3, |&b| b == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_language), Some(data)) => (Some(charset), data),
        _ => (None, value),
    }
}

fn unpercent(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, next @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                out.push(hex(*high) << 4 | hex(*low));
                rest = next;
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &str, value: &str, name: &str, expected: Option<&str>) {
        let parsed = Structured::parse(field.as_bytes());
        assert_eq!(parsed.value, value, "{field}");
        let text = parsed.text(name, &mut Defects::default());
        assert_eq!(text.as_deref(), expected, "{field}");
    }

    #[test]
    fn parameters() {
        check(" Text/PLAIN; charset=\"utf-8\"", "text/plain", "charset", Some("utf-8"));
        check("text / html;\r\n\tCharset = x", "text/html", "charset", Some("x"));
        check("a/b; name=\"a \\\"b\\\"; c.txt\"; x=y", "a/b", "x", Some("y"));
        check("a/b; name=\"a \\\"b\\\"; c.txt\"", "a/b", "name", Some("a \"b\"; c.txt"));
        check("a/b; name=This is it.txt; x=y", "a/b", "name", Some("This is it.txt"));
        check("a/b; name==?utf-8?B?VGhpcw==?=", "a/b", "name", Some("This"));
        check("a/b; name=\"=?utf-8?Q?=C3=A9?=\"", "a/b", "name", Some("é"));
        check("a/b; name*=utf-8'en'%C3%A9t%C3%A9", "a/b", "name", Some("été"));
        check("a/b; n*1*=%A9.txt; n*0*=utf-8''%C3", "a/b", "n", Some("é.txt"));
        check("a/b; n*0=\"long\"; n*1=\" name\"", "a/b", "n", Some("long name"));
        check("a/b name=\"x.pdf\"; y=z", "a/b", "name", Some("x.pdf"));
        check("a/b; name=\"unclosed", "a/b", "name", Some("unclosed"));
        check("a/b; name=1; name=2", "a/b", "name", Some("1"));
        check("", "", "name", None);
        check(";;;=;a", "", "a", None);
    }
}
