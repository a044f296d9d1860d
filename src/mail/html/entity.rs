//! Character references to characters (HTML standard section 13.2.5.72 and on).
//!
//! Invariant: linear; what is no reference stays as it stands.

use mail_parser::decoders::html::add_html_token;

use super::super::charset::windows_1252_char;

/// The longest entity, in bytes between `&` and `;`.
const MAX_ENTITY_BYTES: usize = 32;

/// `source` with its references decoded.
pub(super) fn entities(source: &str) -> String {
    decoded(source, false)
}

/// The same of the value of an attribute: what has no semicolon is none before a `=`.
pub(super) fn in_attribute(source: &str) -> String {
    decoded(source, true)
}

fn decoded(source: &str, attribute: bool) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let bytes = rest.as_bytes();
        let name = bytes[1..].iter().take(MAX_ENTITY_BYTES);
        let length = name.take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
        let (entity, after) = rest.split_at(1 + length);
        let ended = after.starts_with(';');
        let is_name = attribute && after.starts_with('=') && !entity.starts_with("&#");
        if length == 0 || is_name || !decode_entity(entity, ended, &mut out) {
            out.push_str(entity);
            rest = after;
            continue;
        }
        rest = after.strip_prefix(';').unwrap_or(after);
    }
    out.push_str(rest);
    out
}

/// Decodes `&name`; without its semicolon only what browsers take without it.
fn decode_entity(entity: &str, ended: bool, out: &mut String) -> bool {
    let number = entity.strip_prefix("&#").map(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    });
    if let Some(number) = number {
        return number.is_ok_and(|number| {
            // Numbers of the C1 range mean Windows-1252 (HTML standard section 13.2.5.80).
            let c = match u8::try_from(number) {
                Ok(byte) => windows_1252_char(byte),
                Err(_) => char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER),
            };
            out.push(c);
            true
        });
    }
    let bare = ["&amp", "&lt", "&gt", "&quot", "&nbsp", "&copy", "&reg"];
    if !ended && !bare.contains(&entity) {
        return false;
    }
    let whole = format!("{entity};");
    let start = out.len();
    add_html_token(out, whole.as_bytes(), false);
    if out[start..] == whole {
        out.truncate(start);
        return false;
    }
    true
}
