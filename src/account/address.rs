//! A mail address, and the id of an account that is made of it.
//!
//! Invariant: an [`Address`] has one line, a local part and a domain that can be looked up; an
//! [`AccountId`] is safe as a file name, a key of TOML and a word of the command line.

use super::AccountError;

/// The longest address, in bytes (RFC 5321, 4.5.3.1.3, without the brackets).
const MAX_ADDRESS_BYTES: usize = 254;
/// The longest id, in bytes.
const MAX_ID_BYTES: usize = 64;

/// An address such as `ann@example.org`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    /// The domain as DNS knows it: lower case, `xn--` for what is not ASCII.
    domain: String,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is none, or its domain cannot be looked up.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        let wrong = || AccountError::Address(text.to_owned());
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"');
        if local.is_empty() || text.len() > MAX_ADDRESS_BYTES || text.contains(odd) {
            return Err(wrong());
        }
        if crate::safe_text::has_hidden(text) || local.contains('@') {
            return Err(wrong());
        }
        let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else { return Err(wrong()) };
        let domain = domain.trim_end_matches('.').to_ascii_lowercase();
        if domain.is_empty() || !domain.split('.').all(is_label) {
            return Err(wrong());
        }
        Ok(Self { text: text.to_owned(), domain })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.text.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The domain as DNS knows it.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// A label of a domain name (RFC 1035, 2.3.1, and the underscore that is met in practice).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The name of an account: `ann-example-org` for `ann@example.org`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

impl AccountId {
    /// The id that is made of an address: its letters and digits in lower case, a `-` for the rest.
    #[must_use]
    pub fn of(address: &Address) -> Self {
        let mut id = String::new();
        for part in format!("{}.{}", address.local(), address.domain())
            .to_lowercase()
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|part| !part.is_empty())
        {
            if !id.is_empty() {
                id.push('-');
            }
            id.push_str(part);
        }
        id.truncate(MAX_ID_BYTES);
        if id.is_empty() {
            "account".clone_into(&mut id);
        }
        Self(id.trim_end_matches('-').to_owned())
    }

    /// The same with a number, for an address whose id another account has.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        let tail = format!("-{number}");
        let mut id = self.0.clone();
        id.truncate(MAX_ID_BYTES - tail.len());
        Self(id + &tail)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AccountId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<&str> for AccountId {
    type Error = AccountError;

    fn try_from(text: &str) -> Result<Self, AccountError> {
        let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = (1..=MAX_ID_BYTES).contains(&text.len()) && text.bytes().all(inside);
        if !fits || text.starts_with('-') {
            return Err(AccountError::Id(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Option<(&str, &str)>) {
        let got = Address::parse(text).ok();
        let got = got.map(|a| (a.domain().to_owned(), AccountId::of(&a).to_string()));
        assert_eq!(got, want.map(|(d, i)| (d.to_owned(), i.to_owned())), "{text:?}");
    }

    #[test]
    fn addresses_and_their_ids() {
        check("ann@example.org", Some(("example.org", "ann-example-org")));
        check(" Ann.B+x@Example.ORG ", Some(("example.org", "ann-b-x-example-org")));
        check("jörg@bücher.example", Some(("xn--bcher-kva.example", "j-rg-xn-bcher-kva-example")));
        check("é@_", Some(("_", "account")));
        check("ann@localhost", Some(("localhost", "ann-localhost")));
        for wrong in [
            "ann",
            "@example.org",
            "ann@",
            "ann@[127.0.0.1]",
            "ann@127.0.0.1",
            "a b@example.org",
            "a\u{1b}@example.org",
            "a\u{202e}@example.org",
            "Ann <ann@example.org>",
            "ann@exa mple.org",
            "ann@-.\u{0}",
            "a@b@example.org",
            "ann@example..org",
        ] {
            check(wrong, None);
        }
        check(&format!("{}@example.org", "a".repeat(250)), None);
    }

    #[test]
    fn ids_are_bounded_and_read_back() {
        let long = Address::parse(&format!("{}@example.org", "a".repeat(200))).unwrap();
        let id = AccountId::of(&long);
        assert_eq!(id.as_str().len(), MAX_ID_BYTES);
        assert_eq!(id.numbered(12).as_str().len(), MAX_ID_BYTES);
        assert_eq!(AccountId::try_from(id.as_str()).unwrap(), id);
        for wrong in ["", "-a", "A", "a/b", "a.b", "..", "a\n"] {
            assert!(AccountId::try_from(wrong).is_err(), "{wrong:?}");
        }
    }
}
