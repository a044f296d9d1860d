//! The links of a message: what they say, where they lead, and where the two disagree.
//!
//! Invariant: pure and linear; nothing is resolved or fetched. A warning is about what can be told
//! from the letters alone, so a link without one is not thereby safe. What is opened is what is
//! shown.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::Serialize;
use url::{Host, Url};

use super::facts::Anchor;
use super::script;

/// Links of a message that are listed.
const MAX_LINKS: usize = 2_000;
/// The longest target that is read, in bytes; a longer one is refused.
const MAX_TARGET_BYTES: usize = 8 * 1024;
/// Words of a link's text that are looked at.
const MAX_WORDS: usize = 40;
/// Ends of file names that could be taken for domains.
const FILE_ENDS: [&str; 22] = [
    "pdf", "txt", "html", "htm", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "zip", "png", "jpg",
    "jpeg", "gif", "svg", "csv", "js", "json", "php", "asp", "exe",
];

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its number in the text, where it has one.
    #[serde(skip)]
    pub n: Option<u32>,
    /// What it says; empty for an image.
    pub text: String,
    /// Where it leads.
    pub target: String,
    /// Why not to trust it.
    pub warnings: Vec<LinkWarning>,
}

/// Why not to trust a link; stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkWarning {
    /// Its text names another domain or address than its target.
    OtherTarget,
    /// Its host has letters that look like others.
    Lookalike,
    /// Its host is written in other letters than those it is resolved by (RFC 3492).
    Punycode,
    /// Something that looks like a host stands before an `@` in it.
    User,
    /// Its host is a number.
    Number,
    /// It is none that is opened: another scheme, too long, or broken.
    Refused,
}

impl LinkWarning {
    /// What it means, for a person.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::OtherTarget => "its text names another place",
            Self::Lookalike => "its host has letters that look like others",
            Self::Punycode => "its host is written in other letters",
            Self::User => "what stands before the @ is not its host",
            Self::Number => "its host is a number",
            Self::Refused => "it is not opened",
        }
    }
}

/// The links of a shown text: those with a number, in their order, then those that stand in it.
#[must_use]
pub fn links(text: &str, anchors: &[Anchor]) -> Vec<Link> {
    let (numbered, bare) = lines(text);
    let mut out: Vec<Link> = Vec::new();
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let mut add = |n: Option<u32>, said: &str, target: &str| {
        let new = out.len() < MAX_LINKS && seen.insert((said.to_owned(), target.to_owned()));
        if new {
            let (text, target) = (said.to_owned(), target.to_owned());
            let warnings = warnings(&text, &target);
            out.push(Link { n, text, target, warnings });
        }
    };
    let mut told = HashSet::new();
    for anchor in anchors {
        if let Some(target) = numbered.get(&anchor.n) {
            told.insert(anchor.n);
            add(Some(anchor.n), &anchor.text, target);
        }
    }
    let mut rest: Vec<_> = numbered.iter().filter(|(n, _)| !told.contains(*n)).collect();
    rest.sort_unstable();
    for (n, target) in rest {
        add(Some(*n), "", target);
    }
    // What a link with a number says is no link of its own: it would lead elsewhere.
    let said_by: HashSet<&str> =
        anchors.iter().flat_map(|anchor| anchor.text.split_whitespace()).collect();
    for (said, target) in bare.iter().filter(|(said, _)| !said_by.contains(said)) {
        add(None, said, target);
    }
    out
}

/// The number and target of a line that lists a link, as the text of a page ends in.
#[must_use]
pub fn listed(line: &str) -> Option<(u32, &str)> {
    let (number, target) = line.strip_prefix('[')?.split_once("] ")?;
    // A target may end in, and hold, what a sentence would not count to it.
    let begins = find(target).first().is_some_and(|(range, _)| range.start == 0);
    let is_word = !target.contains(char::is_whitespace);
    (begins && is_word).then_some((number.parse().ok()?, target))
}

type Found<'a> = (HashMap<u32, &'a str>, Vec<(&'a str, String)>);

/// Targets by number, the last of each counts, and what else stands in the text.
fn lines(text: &str) -> Found<'_> {
    let (mut numbered, mut bare) = (HashMap::new(), Vec::new());
    for line in text.lines() {
        if let Some((n, target)) = listed(line) {
            if numbered.len() < MAX_LINKS {
                numbered.insert(n, target);
            }
        } else if bare.len() < MAX_LINKS {
            bare.extend(find(line).into_iter().map(|(at, target)| (&line[at], target)));
        }
    }
    (numbered, bare)
}

/// Where links stand in plain text, and where they lead.
#[must_use]
pub fn find(text: &str) -> Vec<(Range<usize>, String)> {
    let mut out = Vec::new();
    let mut at = 0;
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '|')) {
        if let Some(range) = in_word(word) {
            let said = &word[range.clone()];
            let bare = said.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
            let target = if bare { format!("http://{said}") } else { said.to_owned() };
            out.push((at + range.start..at + range.end, target));
        }
        // Each sign that words are parted at is found again behind its word.
        at += word.len();
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    out
}

/// Where in a word a link stands: a scheme, up to what cannot end one.
fn in_word(word: &str) -> Option<Range<usize>> {
    if !word.contains([':', '.']) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let begins = |with: &str| {
        let at = lower.find(with)?;
        // `xhttp://` and `awww.` are other words.
        let before = word[..at].chars().next_back();
        (!before.is_some_and(char::is_alphanumeric)).then_some((at, with.len()))
    };
    let starts = ["https://", "http://", "ftp://", "mailto:", "www."].iter();
    let (start, scheme) = starts.filter_map(|with| begins(with)).min()?;
    let mut end = word.len();
    while let Some(last) = word[start..end].chars().next_back() {
        let inside = &word[start..end];
        let closes = |open: char, close: char| {
            last == close && inside.matches(close).count() > inside.matches(open).count()
        };
        let stops =
            matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '”' | '’' | '»' | '…');
        if !stops && !closes('(', ')') && !closes('[', ']') && !closes('{', '}') {
            break;
        }
        end -= last.len_utf8();
        if word.len() - end > MAX_WORDS {
            break; // no sentence ends like this
        }
    }
    (end > start + scheme).then_some(start..end)
}

/// The host of a target, as it is resolved; the address of a `mailto:`.
#[must_use]
pub fn host(target: &str) -> Option<String> {
    let url = parse(target)?;
    match url.scheme() {
        "mailto" => Some(crate::safe_text::line(url.path())),
        _ => url.host_str().map(crate::safe_text::line),
    }
}

/// Whether a target is one that may be opened: `http`, `https`, `ftp` or `mailto`.
#[must_use]
pub fn may_open(target: &str) -> bool {
    parse(target).is_some_and(|url| {
        matches!(url.scheme(), "http" | "https" | "ftp") && url.has_host()
            || url.scheme() == "mailto"
    })
}

fn parse(target: &str) -> Option<Url> {
    if target.len() > MAX_TARGET_BYTES || target.contains(char::is_control) {
        return None;
    }
    Url::parse(target).ok()
}

/// Why not to trust a link that says `text` and leads to `target`.
#[must_use]
pub fn warnings(text: &str, target: &str) -> Vec<LinkWarning> {
    let Some(url) = parse(target).filter(|_| may_open(target)) else {
        return vec![LinkWarning::Refused];
    };
    let mut out = Vec::new();
    let (domain, user) = match url.host() {
        None => (url.path().rsplit_once('@').map(|(_, domain)| domain.to_owned()), false),
        Some(Host::Domain(domain)) => (Some(domain.to_owned()), !url.username().is_empty()),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => {
            out.push(LinkWarning::Number);
            (None, !url.username().is_empty())
        }
    };
    if user {
        out.push(LinkWarning::User);
    }
    if let Some(domain) = &domain {
        let read = script::readable(domain);
        if script::looks_like_another(&read) {
            out.push(LinkWarning::Lookalike);
        }
        if read != *domain {
            out.push(LinkWarning::Punycode);
        }
    }
    if names_another(text, &url, domain.as_deref()) {
        out.push(LinkWarning::OtherTarget);
    }
    out
}

/// Whether the text names a domain or an address, and none of them is the target's.
fn names_another(text: &str, url: &Url, domain: Option<&str>) -> bool {
    let mut named = text
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '[' | ']'))
        .take(MAX_WORDS)
        .filter_map(|word| named(word, url.scheme() == "mailto"))
        .peekable();
    if named.peek().is_none() {
        return false;
    }
    let host = url.host_str().unwrap_or_default();
    let own = domain.map_or(host.to_owned(), organisation);
    let address = url.path().to_ascii_lowercase();
    !named.all(|name| if name.contains('@') { name == address } else { organisation(&name) == own })
}

/// The host or address that a word names.
fn named(word: &str, addresses: bool) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
    if word.contains('@') && !word.contains("://") {
        let plain = addresses && word.contains('.');
        return plain.then(|| word.trim_start_matches("mailto:").to_ascii_lowercase());
    }
    if let Some((_, rest)) = word.split_once("://") {
        let url = Url::parse(&format!("http://{rest}")).ok()?;
        return url.host_str().map(str::to_owned);
    }
    let host = word.split(['/', '?', '#', ':']).next()?;
    let (_, end) = host.rsplit_once('.')?;
    let end_is_name = end.chars().count() >= 2 && end.chars().all(char::is_alphabetic);
    let is_file = FILE_ENDS.iter().any(|known| end.eq_ignore_ascii_case(known));
    let labels = host
        .split('.')
        .all(|l| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_')));
    if !end_is_name || is_file && !word.contains('/') || !labels {
        return None;
    }
    Url::parse(&format!("http://{host}")).ok()?.host_str().map(str::to_owned)
}

/// The part of a host that somebody owns, about: below `co.uk` and the like three labels, else two.
#[must_use]
pub fn organisation(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = host.rsplit('.').collect();
    let shared = ["co", "com", "org", "net", "ac", "gov", "edu", "or", "ne", "go"];
    let country = labels.first().is_some_and(|label| label.len() == 2);
    let below = country && labels.get(1).is_some_and(|label| shared.contains(label));
    let count = if below { 3 } else { 2 };
    let mut own: Vec<&str> = labels.into_iter().take(count).collect();
    own.reverse();
    own.join(".")
}

#[cfg(test)]
mod tests {
    use super::LinkWarning::{Lookalike, Number, OtherTarget, Punycode, Refused, User};
    use super::*;

    fn check_find(text: &str, expected: &[(&str, &str)]) {
        let found = find(text);
        let found: Vec<(&str, &str)> =
            found.iter().map(|(at, target)| (&text[at.clone()], target.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn links_stand_in_plain_text() {
        let same = |url: &'static str| (url, url);
        check_find("See https://a.b/c.", &[same("https://a.b/c")]);
        check_find("(http://a.b/c_(d)), x", &[same("http://a.b/c_(d)")]);
        check_find(
            "<http://a.b> \"HTTP://C.D/?e=f,\"",
            &[same("http://a.b"), same("HTTP://C.D/?e=f")],
        );
        check_find("www.a.b, awww.a.b", &[("www.a.b", "http://www.a.b")]);
        check_find("mailto:a@b.c é ftp://x", &[same("mailto:a@b.c"), same("ftp://x")]);
        check_find("http:// javascript:x xhttp://a", &[]);
    }

    fn check_warnings(text: &str, target: &str, expected: &[LinkWarning]) {
        assert_eq!(warnings(text, target), expected, "{text} -> {target}");
    }

    #[test]
    fn what_looks_like_another_is_warned_of() {
        for (text, target) in [
            ("here", "https://a.example/"),
            ("www.a.example", "https://a.example/x"),
            ("A.EXAMPLE/x", "https://mail.a.example"),
            ("https://shop.a.co.uk", "https://a.co.uk"),
            ("report.pdf", "https://a.example"),
            ("e.g. this, v1.2 and 3.4.5", "https://a.example"),
            ("ann@a.example", "mailto:Ann@a.example"),
            ("ann@a.example", "https://b.example"),
            ("münchen.de", "https://xn--mnchen-3ya.de"),
        ] {
            let found = warnings(text, target);
            let allowed = found.iter().all(|warning| *warning == Punycode);
            assert!(allowed, "{text} -> {target}: {found:?}");
        }
        check_warnings("https://bank.example", "https://evil.example/bank.example", &[OtherTarget]);
        check_warnings("Sign in at bank.example!", "http://evil.test", &[OtherTarget]);
        check_warnings("bank.co.uk", "http://evil.co.uk", &[OtherTarget]);
        check_warnings("ann@bank.example", "mailto:ann@evil.test", &[OtherTarget]);
        check_warnings("x", "https://bank.example@evil.test/", &[User]);
        check_warnings("x", "http://127.0.0.1/", &[Number]);
        check_warnings("x", "http://2130706433/", &[Number]);
        check_warnings("x", "http://[::1]/", &[Number]);
        check_warnings("x", "https://xn--80ak6aa92e.com/", &[Lookalike, Punycode]);
        check_warnings("x", "https://p\u{430}ypal.com/", &[Lookalike, Punycode]);
        check_warnings(
            "paypal.com",
            "https://p\u{430}ypal.com/",
            &[Lookalike, Punycode, OtherTarget],
        );
        for target in
            ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "", "http://"]
        {
            check_warnings("x", target, &[Refused]);
        }
        check_warnings("x", &format!("http://a/{}", "b".repeat(10_000)), &[Refused]);
    }

    #[test]
    fn what_a_numbered_link_says_is_no_link_of_its_own() {
        let anchor = Anchor { n: 1, text: "to www.bank.test now".to_owned() };
        let text = "to www.bank.test now [1] www.other.test\n\n[1] http://evil.test/";
        let found = links(text, &[anchor]);
        let targets: Vec<_> = found.iter().map(|link| link.target.as_str()).collect();
        assert_eq!(targets, ["http://evil.test/", "http://www.other.test"]);
    }

    #[test]
    fn numbers_lead_to_the_targets_at_the_end() {
        let anchor = |n, text: &str| Anchor { n, text: text.to_owned() };
        let text = "bank.example [1] and more [2]\nhttps://c.test\n[1] http://forged.test\n\n\
                    [1] http://a.test/\n[2] http://b.test/x.";
        let found = links(text, &[anchor(1, "bank.example"), anchor(3, "none")]);
        let told: Vec<_> =
            found.iter().map(|l| (l.n, l.text.as_str(), l.target.as_str())).collect();
        let expected = [
            (Some(1), "bank.example", "http://a.test/"),
            (Some(2), "", "http://b.test/x."),
            (None, "https://c.test", "https://c.test"),
        ];
        assert_eq!(told, expected);
        assert_eq!(found[0].warnings, [OtherTarget]);
        assert_eq!(listed("[1] see http://a"), None);
        assert_eq!(listed("[x] http://a"), None);
        let whole = "http://a/?u=<http://b>|https://c.";
        assert_eq!(listed(&format!("[7] {whole}")), Some((7, whole)));
    }

    #[test]
    fn an_organisation_is_the_end_of_a_host() {
        for (host, expected) in
            [("a.b.c", "b.c"), ("B.C.", "b.c"), ("a.b.co.uk", "b.co.uk"), ("c", "c"), ("", "")]
        {
            assert_eq!(organisation(host), expected);
        }
    }
}
