//! `mailto:` links (RFC 6068) to drafts.
//!
//! Invariant: a link fills To, Cc, Subject, body and In-Reply-To, nothing else; what else it names
//! is refused and listed, and no value of it is more than one line but the body's. It never says
//! who sends, who gets it unseen, or what is attached. This file must not follow other links.

use super::Draft;
use super::build::is_msg_id;
use super::line::lines;

/// The longest link that is read, in bytes.
const MAX_URI_BYTES: usize = 64 * 1024;
/// Fields of a link that are looked at.
const MAX_FIELDS: usize = 100;

/// What a link asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mailto {
    /// The draft; it has no sender yet.
    pub draft: Draft,
    /// Names of fields that were not taken, safe to show, in order.
    pub refused: Vec<String>,
}

/// Why a text is no link that can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailtoError {
    /// It does not begin with `mailto:`.
    #[error("this is no mailto link")]
    Scheme,
    /// It is longer than any that is meant to be read.
    #[error("the link is longer than 64 KiB")]
    TooLong,
    /// Its addresses are not percent-encoded text.
    #[error("the link is not encoded as RFC 6068 says")]
    Encoding,
}

/// Reads a link.
///
/// # Errors
/// When it is none. Single fields that cannot be taken are only refused.
pub fn parse(uri: &str) -> Result<Mailto, MailtoError> {
    let uri = uri.trim();
    if uri.len() > MAX_URI_BYTES {
        return Err(MailtoError::TooLong);
    }
    let scheme = uri.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let rest = &uri[scheme.ok_or(MailtoError::Scheme)?.len()..];
    // RFC 6068 section 2: a fragment has no meaning.
    let rest = rest.split('#').next().unwrap_or_default();
    let (to, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut out = Mailto::default();
    let to = decoded(to).ok_or(MailtoError::Encoding)?;
    if !add_list(&mut out.draft.to, &to) {
        return Err(MailtoError::Encoding);
    }
    for field in query.split('&').filter(|field| !field.is_empty()).take(MAX_FIELDS) {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let name = decoded(name).unwrap_or_else(|| name.to_owned());
        let taken = decoded(value).is_some_and(|value| take(&mut out.draft, &name, &value));
        if !taken {
            out.refused.push(crate::safe_text::line(&name));
        }
    }
    Ok(out)
}

/// Takes a field into the draft; `false` when it must not be.
fn take(draft: &mut Draft, name: &str, value: &str) -> bool {
    let fill = |field: &mut String| {
        let free = field.is_empty() && is_line(value);
        if free {
            value.trim().clone_into(field);
        }
        free
    };
    match name.to_ascii_lowercase().as_str() {
        "to" => add_list(&mut draft.to, value),
        "cc" => add_list(&mut draft.cc, value),
        "subject" => fill(&mut draft.subject),
        "body" if draft.body.is_empty() => {
            draft.body = lines(value);
            true
        }
        "in-reply-to" if draft.in_reply_to.is_none() => {
            let id = value.trim();
            let id = id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id);
            if is_msg_id(id) {
                draft.in_reply_to = Some(id.to_owned());
                draft.references = vec![id.to_owned()];
            }
            is_msg_id(id)
        }
        _ => false,
    }
}

fn add_list(field: &mut String, value: &str) -> bool {
    if !is_line(value) {
        return false;
    }
    let value = value.trim();
    if !field.is_empty() && !value.is_empty() {
        field.push_str(", ");
    }
    field.push_str(value);
    true
}

/// No control: nothing in it could end a header field.
fn is_line(value: &str) -> bool {
    super::line::one_line(value) == value.trim()
}

/// Percent-decoded UTF-8, strictly: a plus is a plus (RFC 6068 section 5).
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// To, Cc, subject, body, and what was refused.
    fn check(uri: &str, expected: [&str; 4], refused: &[&str]) {
        let got = parse(uri).unwrap();
        let Draft { to, cc, subject, body, .. } = &got.draft;
        assert_eq!([to, cc, subject, body], expected, "{uri}");
        assert_eq!(got.refused, refused, "{uri}");
        assert_eq!((&got.draft.bcc, &got.draft.from), (&String::new(), &String::new()));
        assert!(got.draft.attachments.is_empty() && got.draft.reply_to.is_empty());
    }

    #[test]
    fn links() {
        check("mailto:a@x.org", ["a@x.org", "", "", ""], &[]);
        check(
            "MAILTO:a@x.org,b@x.org?cc=c@x.org&to=d@x.org",
            ["a@x.org,b@x.org, d@x.org", "c@x.org", "", ""],
            &[],
        );
        check(
            "mailto:?Subject=a%20b+c&body=one%0D%0Atwo%00#x",
            ["", "", "a b+c", "one\ntwo "],
            &[],
        );
        check("mailto:%22not%40me%22@x.org", ["\"not@me\"@x.org", "", "", ""], &[]);
        check("mailto:u@x.org?subject=caf%C3%A9", ["u@x.org", "", "café", ""], &[]);
        check("mailto:", ["", "", "", ""], &[]);
    }

    #[test]
    fn what_is_refused() {
        check(
            "mailto:a@x?bcc=e@x&attach=/etc/passwd&attachment=x&from=b@x&reply-to=c@x",
            ["a@x", "", "", ""],
            &["bcc", "attach", "attachment", "from", "reply-to"],
        );
        check(
            "mailto:a@x?subject=a%0D%0ABcc:%20e@x&cc=b%0Ac",
            ["a@x", "", "", ""],
            &["subject", "cc"],
        );
        check(
            "mailto:a@x?subject=%zz&subject=ok&subject=two&body=%ff",
            ["a@x", "", "ok", ""],
            &["subject", "subject", "body"],
        );
        check(
            "mailto:a@x?%1b[2J=x&in-reply-to=nothing",
            ["a@x", "", "", ""],
            &["\u{fffd}[2J", "in-reply-to"],
        );
        assert_eq!(parse("http://x"), Err(MailtoError::Scheme));
        assert_eq!(parse("mailté:x"), Err(MailtoError::Scheme));
        assert_eq!(parse("mailto:a%0ab@x"), Err(MailtoError::Encoding));
        assert_eq!(parse("mailto:a%é@x"), Err(MailtoError::Encoding));
        assert_eq!(parse(&format!("mailto:{}", "a".repeat(70_000))), Err(MailtoError::TooLong));
        let reply = parse("mailto:?in-reply-to=%3Ca@b%3E").unwrap().draft;
        assert_eq!((reply.in_reply_to.as_deref(), reply.references.len()), (Some("a@b"), 1));
    }

    proptest! {
        #[test]
        fn no_link_makes_a_line_of_a_header(
            uri in "mailto:([ -~]|%0[ad]|[?&]|(subject|cc|body)=|é){0,60}"
        ) {
            if let Ok(got) = parse(&uri) {
                for text in [&got.draft.to, &got.draft.cc, &got.draft.subject] {
                    prop_assert!(is_line(text));
                }
            }
        }
    }
}
