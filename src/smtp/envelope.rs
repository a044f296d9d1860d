//! Who a message is from and for: the envelope, which is not its header.
//!
//! Invariant: an address has no character that could end it or its line, so that none can become a
//! second recipient, a parameter or a command. Bcc is nothing here: its addresses are recipients.

use super::SmtpError;
use super::submission::{Outcome, Recipient};

/// The longest address, in bytes (RFC 5321, 4.5.3.1.3, without the brackets).
const MAX_ADDRESS_BYTES: usize = 254;
/// The most recipients of one submission; servers take at least 100 (RFC 5321, 4.5.3.1.8), and say
/// no by themselves to what is above their own limit.
const MAX_RECIPIENTS: usize = 1000;

/// Who a message is from and for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Who sends it, and is told when it cannot be delivered.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// It needs SMTPUTF8 (RFC 6531), also where no byte of header and addresses shows it.
    pub smtputf8: bool,
    /// It needs 8BITMIME (RFC 6152), also where no byte shows it.
    pub eight_bit: bool,
    /// It goes to those whom the server takes, though it refuses others. Otherwise one refused
    /// recipient is enough and nobody gets it, since who wrote it has to decide.
    pub partial: bool,
}

/// An envelope that was looked at.
#[derive(Debug)]
pub(super) struct Addresses {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    /// Whether one has a character beyond ASCII that cannot be written otherwise.
    pub(super) utf8: bool,
}

impl Envelope {
    /// Looks at every address.
    ///
    /// # Errors
    /// Which one cannot be said to a server.
    pub(super) fn look(&self) -> Result<Addresses, SmtpError> {
        if self.to.is_empty() {
            return Err(SmtpError::NoRecipient);
        }
        if self.to.len() > MAX_RECIPIENTS {
            return Err(SmtpError::ManyRecipients { count: self.to.len(), most: MAX_RECIPIENTS });
        }
        let from = written(&self.from)?;
        let to: Vec<String> =
            self.to.iter().map(|address| written(address)).collect::<Result<_, _>>()?;
        let utf8 = !from.is_ascii() || to.iter().any(|address| !address.is_ascii());
        Ok(Addresses { from, to, utf8 })
    }

    /// Its recipients, of whom nothing is known.
    pub(super) fn recipients(&self) -> Vec<Recipient> {
        let one =
            |address: &String| Recipient { address: shown(address), outcome: Outcome::NotAsked };
        self.to.iter().map(one).collect()
    }
}

/// An address, safe to show; one that can be sent to is not changed by that.
fn shown(address: &str) -> String {
    crate::safe_text::line(address).chars().take(MAX_ADDRESS_BYTES).collect()
}

/// An address as it stands on the wire. Where only the domain is international it is written as DNS
/// has it, which every server takes (RFC 6531, 3.2 and 3.7.1).
fn written(address: &str) -> Result<String, SmtpError> {
    let wrong = || SmtpError::Address(shown(address));
    let (local, domain) = address.rsplit_once('@').ok_or_else(wrong)?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>');
    if local.is_empty() || domain.is_empty() || address.len() > MAX_ADDRESS_BYTES {
        return Err(wrong());
    }
    if address.contains(odd) || crate::safe_text::has_hidden(address) {
        return Err(wrong());
    }
    // The way of a message is not the sender's to say (RFC 5321, appendix C).
    let quoted = local.starts_with('"') && local.ends_with('"') && local.len() > 2;
    if !quoted && local.contains([',', ':', ';', '"', '@', '(', ')', '[', ']', '\\']) {
        return Err(wrong());
    }
    if local.is_ascii() && !domain.is_ascii() {
        let Ok(url::Host::Domain(domain)) = url::Host::parse(domain) else { return Err(wrong()) };
        return Ok(format!("{local}@{domain}"));
    }
    Ok(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, want: Option<&str>) {
        assert_eq!(written(address).ok().as_deref(), want, "{address:?}");
    }

    #[test]
    fn an_address_cannot_say_more_than_an_address() {
        for good in [
            "ann@example.org",
            "a.b+c=d@example.org",
            "o'neil@example.org",
            "\"a..b\"@example.org",
            "ann@[127.0.0.1]",
            "ann@localhost",
            "杨@example.org",
            "杨@例え.example",
        ] {
            check(good, Some(good));
        }
        check("ann@bücher.example", Some("ann@xn--bcher-kva.example"));
        let long = format!("{}@example.org", "a".repeat(250));
        for wrong in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@example.org\r\nRCPT TO:<eve@example.org>",
            "ann@example.org\nDATA",
            "ann\r@example.org",
            "ann@example.org> SIZE=1",
            "ann@example.org>,<eve@example.org",
            "<ann@example.org>",
            "ann smith@example.org",
            "\"ann smith\"@example.org",
            "ann@example.org NOTIFY=NEVER",
            "ann\u{a0}b@example.org",
            "ann\u{2028}b@example.org",
            "ann\u{202e}b@example.org",
            "ann\0@example.org",
            "ann\u{85}@example.org",
            "@a.example,@b.example:ann@example.org",
            "ann,eve@example.org",
            "a@b@example.org",
            &long,
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn an_envelope_has_somebody_to_go_to() {
        let with = |to: Vec<String>| Envelope {
            from: "a@b.example".to_owned(),
            to,
            ..Envelope::default()
        };
        assert!(with(Vec::new()).look().is_err());
        assert!(with(vec!["x@y.example".to_owned(); MAX_RECIPIENTS + 1]).look().is_err());
        assert!(!with(vec!["x@y.example".to_owned()]).look().unwrap().utf8);
        assert!(with(vec!["é@y.example".to_owned()]).look().unwrap().utf8);
        assert!(
            Envelope { to: vec!["x@y.example".to_owned()], ..Envelope::default() }.look().is_err()
        );
    }
}
