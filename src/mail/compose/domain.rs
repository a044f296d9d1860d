//! The domain of an address, as DNS and a mail server know it (RFC 5890, RFC 5321 section 4.1.3).
//!
//! Invariant: what is given is ASCII and can stand in an envelope; two addresses with one key are
//! one mailbox as far as anybody but its server can know. This file must not resolve anything.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest label of a domain, in bytes (RFC 1035 section 2.3.4).
const MAX_LABEL_BYTES: usize = 63;
/// The longest domain, in bytes (RFC 5321 section 4.5.3.1.2).
const MAX_DOMAIN_BYTES: usize = 253;

/// The domain in ASCII: lower case, `xn--` for what is not; an address literal as it stands. `None`
/// when it is none.
#[must_use]
pub(super) fn ascii(domain: &str) -> Option<String> {
    if let Some(literal) = domain.strip_prefix('[') {
        let literal = literal.strip_suffix(']')?;
        let known = match literal.get(..5) {
            Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => {
                literal[5..].parse::<Ipv6Addr>().is_ok()
            }
            _ => literal.parse::<Ipv4Addr>().is_ok(),
        };
        return known.then(|| domain.to_owned());
    }
    // The URL standard's host would decode these.
    if domain.contains('%') || domain.ends_with('.') {
        return None;
    }
    let Ok(url::Host::Domain(name)) = url::Host::parse(domain) else { return None };
    let name = name.to_ascii_lowercase();
    (name.len() <= MAX_DOMAIN_BYTES && name.split('.').all(is_label)).then_some(name)
}

/// A label of a name (RFC 1035 section 2.3.1, and the underscore that is met in practice).
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// `local@domain` with the domain in ASCII; as given where that cannot be.
#[must_use]
pub(super) fn wire(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => match ascii(domain) {
            Some(domain) => format!("{local}@{domain}"),
            None => address.to_owned(),
        },
        None => address.to_owned(),
    }
}

/// What equal addresses have in common: case is nobody's way to tell two people apart.
#[must_use]
pub fn address_key(address: &str) -> String {
    wire(address.trim()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        for (given, expected) in [
            ("Example.ORG", Some("example.org")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("[192.0.2.1]", Some("[192.0.2.1]")),
            ("[IPv6:2001:db8::1]", Some("[IPv6:2001:db8::1]")),
            ("[nothing]", None),
            ("[1.2.3.4", None),
            ("a b.org", None),
            ("a..b", None),
            ("x.org.", None),
            ("-a.org", None),
            ("127.0.0.1", None),
            ("é\u{0}", None),
        ] {
            assert_eq!(ascii(given).as_deref(), expected, "{given:?}");
        }
        assert_eq!(address_key("Ann@BÜCHER.example "), "ann@xn--bcher-kva.example");
        assert_eq!(address_key("no address"), "no address");
    }
}
