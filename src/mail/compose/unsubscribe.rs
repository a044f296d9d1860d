//! How to leave a mailing list, by what its message says (RFC 2369 section 3.2, RFC 8058).
//!
//! Invariant: one click is an https address and was declared as one; a mail is what a mailto link
//! may be; another address is only shown. Nothing else comes out of a message. This file must not
//! connect anywhere, and whether the header was signed is not known here: who asks the user says
//! where the request goes.

use super::super::charset;
use super::super::defect::Defects;
use super::super::field;
use super::{Draft, mailto};

/// What is posted for one click (RFC 8058 section 3.2).
pub const ONE_CLICK_BODY: &str = "List-Unsubscribe=One-Click";
/// Addresses of one field that are looked at.
const MAX_URIS: usize = 20;
/// The longest address that is taken, in bytes.
const MAX_URI_BYTES: usize = 4 * 1024;

/// A way to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// [`ONE_CLICK_BODY`] is posted here, without cookies, and no redirect is followed.
    OneClick {
        /// An https address.
        url: String,
        /// Its host, to be shown when the user is asked.
        host: String,
    },
    /// This is sent.
    Mail(Box<Draft>),
    /// A page that the user can open; it is not opened by itself.
    Page {
        /// An address of the web.
        url: String,
        /// Its host.
        host: String,
    },
}

/// The best way that a raw message, or its header, offers: one click, else a mail, else a page.
#[must_use]
pub fn of(raw: &[u8]) -> Option<Way> {
    let head = field::message(raw, &mut Defects::default());
    let all = uris(head.first("List-Unsubscribe")?);
    let posts = head.first("List-Unsubscribe-Post").is_some_and(is_one_click);
    let page = all.iter().find_map(|uri| https(uri));
    if let (true, Some((url, host))) = (posts, &page) {
        return Some(Way::OneClick { url: url.clone(), host: host.clone() });
    }
    // One address, which the user is asked about: nobody else gets it.
    let mails = all.iter().filter_map(|uri| mailto::parse(uri).ok());
    let mut asked = mails.map(|mail| Draft {
        to: mail.draft.to,
        subject: mail.draft.subject,
        body: mail.draft.body,
        ..Draft::default()
    });
    let mail = asked.find(|draft| {
        let people = draft.recipients();
        people.errors.is_empty() && people.to.len() == 1
    });
    if let Some(mail) = mail {
        return Some(Way::Mail(Box::new(mail)));
    }
    let page = page.or_else(|| all.iter().find_map(|uri| shown(uri)));
    page.map(|(url, host)| Way::Page { url, host })
}

fn is_one_click(value: &[u8]) -> bool {
    let value: Vec<u8> = value.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    value.eq_ignore_ascii_case(ONE_CLICK_BODY.as_bytes())
}

/// What stands in angle brackets, without the white space of folding (RFC 2369 section 2).
pub(super) fn uris(value: &[u8]) -> Vec<String> {
    let text = charset::guess(value);
    let mut out = Vec::new();
    let mut rest = text.as_ref() as &str;
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else { break };
        let uri: String =
            rest[start + 1..start + end].chars().filter(|c| !c.is_whitespace()).collect();
        if (1..=MAX_URI_BYTES).contains(&uri.len()) && out.len() < MAX_URIS {
            out.push(uri);
        }
        rest = &rest[start + end + 1..];
    }
    out
}

/// An https address and its host; none with a login in it, which would hide the host.
fn https(uri: &str) -> Option<(String, String)> {
    of_scheme(uri, "https")
}

/// An address that is only shown: whether others can see who opens it is for its user to judge.
fn shown(uri: &str) -> Option<(String, String)> {
    of_scheme(uri, "http")
}

fn of_scheme(uri: &str, scheme: &str) -> Option<(String, String)> {
    let url = url::Url::parse(uri).ok()?;
    let plain = url.scheme() == scheme && url.username().is_empty() && url.password().is_none();
    let host = url.host_str().filter(|host| plain && !host.is_empty())?.to_owned();
    Some((url.into(), host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: &str) {
        let got = match of(format!("{header}\nSubject: s\n\nList-Unsubscribe: <x>\n").as_bytes()) {
            None => "none".to_owned(),
            Some(Way::OneClick { url, host }) => format!("click {host} {url}"),
            Some(Way::Mail(draft)) => format!("mail {} {} {}", draft.to, draft.subject, draft.body),
            Some(Way::Page { url, host }) => format!("page {host} {url}"),
        };
        assert_eq!(got, expected, "{header}");
    }

    #[test]
    fn ways() {
        let both = "List-Unsubscribe: <mailto:l@x.org?subject=out&body=b&bcc=e@x.org>,\n \
            <https://x.org/u?id=1>";
        let post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click";
        check(&format!("{both}\n{post}"), "click x.org https://x.org/u?id=1");
        check(both, "mail l@x.org out b");
        check("List-Unsubscribe: <https://x.org/\n u>", "page x.org https://x.org/u");
        check(&format!("List-Unsubscribe: <http://x.org/u>\n{post}"), "page x.org http://x.org/u");
        check(&format!("List-Unsubscribe: <https://a@x.org/u>\n{post}"), "none");
        check(&format!("List-Unsubscribe: <javascript:x>, <file:///x>\n{post}"), "none");
        check("List-Unsubscribe: <mailto:?subject=x>", "none");
        check("List-Unsubscribe: <mailto:a@x.org,b@x.org?subject=x>", "none");
        let cc = of(b"List-Unsubscribe: <mailto:a@x.org?cc=e@x.org&in-reply-to=q@x>\n\n");
        let Some(Way::Mail(draft)) = cc else { panic!("{cc:?}") };
        assert_eq!((draft.cc.as_str(), draft.in_reply_to.as_ref()), ("", None));
        check("List-Unsubscribe: <mailto:a%0d%0ab@x.org>", "none");
        check("List-Unsubscribe: https://x.org", "none");
        check("List-Unsubscribe: <https://x.org", "none");
        check(post, "none");
    }
}
