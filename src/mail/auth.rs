//! What the receiving server says of a sender: the field Authentication-Results (RFC 8601).
//!
//! Invariant: pure; only the topmost field counts, and only when the server that it names received
//! the message last, as the topmost Received field says: anybody can write such fields, also
//! further Received ones, but what the last server put above them is not theirs. That is no proof
//! where that server writes none of its own, so the server is always named.

use super::Address;
use super::facts::Auth;
use super::field::Head;
use super::links::organisation;

/// The longest field that is read, in bytes.
const MAX_BYTES: usize = 16 * 1024;
/// Results of one field that are read.
const MAX_RESULTS: usize = 64;
/// The longest name that is kept, in characters.
const MAX_NAME_CHARS: usize = 253;

/// What a person is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The sender's domain stands for it.
    Verified,
    /// The sender's domain says that it is not its own.
    Failed,
    /// Nobody stands for it.
    Unverified,
}

impl Auth {
    /// What it says of a message from `from`.
    #[must_use]
    pub fn verdict(&self, from: &[Address]) -> Verdict {
        let is = |result: &Option<String>, wanted: &str| result.as_deref() == Some(wanted);
        if is(&self.dmarc, "fail") {
            return Verdict::Failed;
        }
        let domain = |address: &Address| {
            address.address.rsplit_once('@').map(|(_, domain)| organisation(domain))
        };
        let [from] = from else { return Verdict::Unverified };
        let about = self.from.as_deref().map(organisation);
        let aligned = about.is_some() && about == domain(from);
        let passed = [&self.dmarc, &self.dkim, &self.spf].iter().any(|result| is(result, "pass"));
        if aligned && passed { Verdict::Verified } else { Verdict::Unverified }
    }
}

/// What the header says.
pub(super) fn results(head: &Head<'_>) -> Option<Auth> {
    let field = head.first("Authentication-Results")?;
    let text = String::from_utf8_lossy(&field[..field.len().min(MAX_BYTES)]);
    let auth = parse(&text)?;
    let last = received_by(head.first("Received")?)?;
    (organisation(&last) == organisation(&auth.by)).then_some(auth)
}

/// The server that a Received field says took the message (RFC 5321 section 4.4).
///
/// Before `by` stands what the other side said of itself: a field with two of them names nobody.
fn received_by(value: &[u8]) -> Option<String> {
    let text = without_comments(&String::from_utf8_lossy(&value[..value.len().min(MAX_BYTES)]));
    let mut words = text.split(';').next()?.split_ascii_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("by"))?;
    let host = words.next()?;
    if words.any(|word| word.eq_ignore_ascii_case("by")) {
        return None;
    }
    if host.parse().is_ok_and(is_google) {
        return Some("google.com".to_owned());
    }
    host.contains('.').then(|| host.to_owned())
}

/// Whether this is how Google's servers call themselves among each other, in the topmost field of
/// all that comes there: a private address (RFC 1918) written as 6to4 (RFC 3056).
fn is_google(address: std::net::Ipv6Addr) -> bool {
    matches!(address.octets(), [0x20, 0x02, 10, ..])
}

/// Reads the field's value.
fn parse(value: &str) -> Option<Auth> {
    let text = without_comments(value);
    let mut parts = text.split(';');
    let by = parts.next()?.split_ascii_whitespace().next()?;
    // Some servers leave their name out: then nobody knows who says it.
    if by.contains('=') || !by.contains('.') {
        return None;
    }
    let mut auth = Auth { by: name(by), ..Auth::default() };
    let (mut dkim, mut spf) = (None, None);
    for part in parts.take(MAX_RESULTS) {
        let mut words = part.split_ascii_whitespace();
        let Some((method, result)) = words.next().and_then(|word| word.split_once('=')) else {
            continue;
        };
        let method = method.split('/').next().unwrap_or_default().to_ascii_lowercase();
        let result = name(result).to_ascii_lowercase();
        let passed = result == "pass";
        let property = |wanted: &str| {
            let found = words.clone().filter_map(|word| word.split_once('='));
            let mut found = found.filter(|(key, _)| key.eq_ignore_ascii_case(wanted));
            let value = found.next().map(|(_, value)| value.trim_matches('"'))?;
            Some(name(value.rsplit('@').next().unwrap_or_default()))
        };
        let slot = match method.as_str() {
            "dmarc" => {
                auth.from = property("header.from");
                &mut auth.dmarc
            }
            "dkim" => {
                if passed && dkim.is_none() {
                    dkim = property("header.d").or_else(|| property("header.i"));
                }
                &mut auth.dkim
            }
            "spf" => {
                if passed {
                    spf = property("smtp.mailfrom");
                }
                &mut auth.spf
            }
            _ => continue,
        };
        // Of several signatures one that holds is enough.
        if slot.is_none() || passed && method == "dkim" {
            *slot = Some(result);
        }
    }
    auth.from = auth.from.or(dkim).or(spf);
    Some(auth)
}

/// A name as it is kept: safe, bounded.
fn name(text: &str) -> String {
    crate::safe_text::line(text).chars().take(MAX_NAME_CHARS).collect()
}

/// A structured value without its comments (RFC 5322 section 3.2.2), its strings left as words.
fn without_comments(text: &str) -> String {
    let (mut out, mut depth, mut quoted) = (String::with_capacity(text.len()), 0_usize, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let next = chars.next().filter(|_| depth == 0);
                out.extend(next.filter(|c| !matches!(c, ';' | '(' | ')')));
            }
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => depth -= 1,
            // Inside a string they part nothing.
            ';' | ' ' | '\t' | '=' if quoted => out.push('_'),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::parse as parse_mail;

    #[test]
    fn results_are_read() {
        let auth = parse(
            "mx.a.test 1; dkim=fail header.d=b.test; dkim=pass (2048; ok) header.i=@C.test;\r\n \
             spf=pass smtp.mailfrom=\"x@d.test\"; dmarc=pass (p=NONE) header.from=c.test; arc=none",
        );
        let auth = auth.unwrap();
        let told = [auth.dkim, auth.spf, auth.dmarc, auth.from].map(Option::unwrap);
        assert_eq!(
            (auth.by.as_str(), told),
            ("mx.a.test", ["pass", "pass", "pass", "c.test"].map(str::to_owned),)
        );
        let only = parse("mx.a.test; spf=pass smtp.mailfrom=x@d.test").unwrap();
        assert_eq!((only.from.as_deref(), only.dmarc), (Some("d.test"), None));
        for none in ["", "spf=pass smtp.mailfrom=x", "none", ";;;", "(mx.a.test); dmarc=pass"] {
            assert_eq!(parse(none), None, "{none}");
        }
        let quoted = parse("mx.a.test; spf=fail reason=\"x; dmarc=pass\"").unwrap();
        assert_eq!((quoted.dmarc, quoted.spf.as_deref()), (None, Some("fail")));
    }

    #[test]
    fn servers_are_found_in_received_fields() {
        for (value, expected) in [
            ("from a.test (by b.test) by c.test (Postfix) with SMTP; d by e", Some("c.test")),
            ("by 2002:a05:6402:3551:b0:5c2:1:9f with SMTP id x;\r\n now", Some("google.com")),
            ("by 2002:b05::1 with SMTP id x; now", None),
            ("from x by localhost; now", None),
            ("from x by a.test by b.test; now", None),
            ("(by a.test)", None),
            ("by", None),
            ("", None),
        ] {
            assert_eq!(received_by(value.as_bytes()).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn only_the_last_server_counts_and_only_for_its_sender() {
        let ours = "Received: from x by mx.a.test; Mon, 1 Jan 2024 10:00:00 +0000\n";
        let says = "Authentication-Results: mx2.a.test; dmarc=pass header.from=b.test\n";
        let fails = "Authentication-Results: mx.a.test; dmarc=fail header.from=b.test\n";
        let other = "Received: from y by mx.evil.test; Mon, 1 Jan 2024 10:00:00 +0000\n";
        for (header, from, expected) in [
            (format!("{ours}{says}"), "x@mail.b.test", Some(Verdict::Verified)),
            (format!("{ours}{says}{fails}"), "x@b.test", Some(Verdict::Verified)),
            (format!("{ours}{fails}{says}"), "x@b.test", Some(Verdict::Failed)),
            (format!("{ours}{says}"), "x@c.test", Some(Verdict::Unverified)),
            (format!("{ours}{says}"), "x@b.test, y@c.test", Some(Verdict::Unverified)),
            (format!("{other}{says}"), "x@b.test", None),
            (says.to_owned(), "x@b.test", None),
            // What stands below the topmost was there when the message came in.
            (format!("{other}{ours}{says}"), "x@b.test", None),
            (format!("Received: from x; now\n{ours}{says}"), "x@b.test", None),
            (format!("Received: by 10.0.0.1; now\n{ours}{says}"), "x@b.test", None),
            (format!("Received: from x by mx.a.test by mx.evil.test; y\n{says}"), "x@b.test", None),
            (format!("Received: from x by mx.evil.test by mx.a.test; y\n{says}"), "x@b.test", None),
        ] {
            let parsed = parse_mail(format!("{header}From: {from}\n\nx").as_bytes());
            let verdict = parsed.facts.auth.as_ref().map(|auth| auth.verdict(&parsed.from));
            assert_eq!(verdict, expected, "{header}{from}");
        }
    }
}
