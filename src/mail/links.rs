//! The links of a message: what they say, where they lead, and where the two disagree.
//!
//! Invariant: pure and linear; nothing is resolved or fetched. A warning is about what can be told
//! from the letters alone, so a link without one is not thereby safe. What is judged, shown and
//! opened is one target, as a browser reads it (the URL standard of the WHATWG).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde::Serialize;
use url::{Host, Url};

use super::facts::Facts;
use super::script;

/// Links of a message that are listed.
const MAX_LINKS: usize = 2_000;
/// The longest target that is read, in bytes; a longer one is refused.
const MAX_TARGET_BYTES: usize = 8 * 1024;
/// The highest number of a link that is taken from a text: more cannot be listed.
const MAX_NUMBER: u32 = 9_999;
/// Words of a link's text that are looked at.
const MAX_WORDS: usize = 40;
/// Characters of a link's text that are looked at.
const MAX_SAID_CHARS: usize = 4_000;
/// Ends of file names that could be taken for domains.
const FILE_ENDS: [&str; 22] = [
    "pdf", "txt", "html", "htm", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "zip", "png", "jpg",
    "jpeg", "gif", "svg", "csv", "js", "json", "php", "asp", "exe",
];

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its number: that of the text, else one behind all of the text; one for each target.
    #[serde(skip)]
    pub n: u32,
    /// What it says; empty for an image.
    pub text: String,
    /// Where it leads, as a browser reads it; what is refused stays as it came.
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

/// The links of a shown text, by number: those that have one there, then those that stand in it.
/// One that is said in many ways is there as often, under one number.
#[must_use]
pub fn links(text: &str, facts: &Facts) -> Vec<Link> {
    let (numbered, bare) = lines(text, facts);
    let anchors = &facts.links;
    let mut out: Vec<Link> = Vec::new();
    let mut seen: HashSet<(u32, String)> = HashSet::new();
    let mut add = |n: u32, said: &str, target: &str| {
        let new = out.len() < MAX_LINKS && seen.insert((n, said.to_owned()));
        if new {
            let (text, warnings) = (said.to_owned(), warnings(said, target));
            out.push(Link { n, text, target: normal(target), warnings });
        }
    };
    let mut texts: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for anchor in anchors {
        texts.entry(anchor.n).or_default().push(&anchor.text);
    }
    for (n, target) in &numbered {
        let said = texts.get(n).map_or(&[""][..], Vec::as_slice);
        for said in said {
            add(*n, said, target);
        }
    }
    // What a link with a number says is no link of its own: it would lead elsewhere.
    let said_by: HashSet<&str> =
        anchors.iter().flat_map(|anchor| anchor.text.split_whitespace()).collect();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for (n, target) in &numbered {
        numbers.entry(normal(target)).or_insert(*n);
    }
    let mut next = numbered.last_key_value().map_or(1, |(n, _)| n + 1);
    for (said, target) in bare.iter().filter(|(said, _)| !said_by.contains(said)) {
        let n = *numbers.entry(normal(target)).or_insert(next);
        next = next.max(n + 1);
        add(n, said, target);
    }
    out.sort_by_key(|link| link.n);
    out
}

/// The links with one for each number: of what is said, the first that is warned of, else the
/// first; every warning of any of them.
#[must_use]
pub fn by_number(links: Vec<Link>) -> Vec<Link> {
    let mut out: Vec<Link> = Vec::new();
    for link in links {
        match out.last_mut().filter(|last| last.n == link.n) {
            Some(last) => {
                if last.text.is_empty() || last.warnings.len() < link.warnings.len() {
                    last.text = link.text;
                }
                let new = link.warnings.into_iter().filter(|w| !last.warnings.contains(w));
                let new: Vec<_> = new.collect();
                last.warnings.extend(new);
            }
            None => out.push(link),
        }
    }
    out
}

/// A target as a browser reads it: its host as it is resolved, no sign that another program would
/// read in another way. One that is not opened stays as it is.
#[must_use]
pub fn normal(target: &str) -> String {
    match parse(target).filter(may_open_url) {
        Some(url) => crate::safe_text::line(url.as_str()),
        None => target.to_owned(),
    }
}

/// The number and target of a line that lists a link, as the text of a page ends in.
#[must_use]
pub fn listed(line: &str) -> Option<(u32, &str)> {
    let (number, target) = line.strip_prefix('[')?.split_once("] ")?;
    let number = number.parse().ok().filter(|n| (1..=MAX_NUMBER).contains(n))?;
    // A target may end in, and hold, what a sentence would not count to it; a browser needs no
    // slash behind the scheme.
    let begins = find(target).first().is_some_and(|(range, _)| range.start == 0);
    let scheme = target.split_once(':').filter(|(_, rest)| !rest.is_empty());
    let scheme = scheme.is_some_and(|(scheme, _)| {
        ["http", "https", "ftp", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
    });
    let is_word = !target.contains(char::is_whitespace);
    ((begins || scheme) && is_word).then_some((number, target))
}

type Found<'a> = (BTreeMap<u32, &'a str>, Vec<(&'a str, String)>);

/// Targets by number, the last of each counts, and what else stands in the text. Where we have
/// listed targets, lines of the sender that look like these have no number.
fn lines<'a>(text: &'a str, facts: &Facts) -> Found<'a> {
    let (mut numbered, mut bare) = (BTreeMap::new(), Vec::new());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let numbers = facts.lists_at(at) != Some(false);
        at += line.len();
        let line = line.trim_end_matches('\n');
        if let Some((n, target)) = listed(line).filter(|_| numbers) {
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
    parse(target).is_some_and(|url| may_open_url(&url))
}

fn may_open_url(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https" | "ftp") && url.has_host() || url.scheme() == "mailto"
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
        if script::domain_looks_like_another(&read) {
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
    let text: String = script::with_dots(text).take(MAX_SAID_CHARS).collect();
    let mut named = text
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '[' | ']'))
        .take(MAX_WORDS)
        .filter_map(|word| named(word, url.scheme() == "mailto" || word.len() == text.len()))
        .peekable();
    if named.peek().is_none() {
        return false;
    }
    let host = url.host_str().unwrap_or_default();
    let own = domain.map_or(host.to_owned(), organisation);
    let address = url.path().to_ascii_lowercase();
    !named.all(|name| match name.rsplit_once('@') {
        Some(_) if url.scheme() == "mailto" => name == address,
        Some((_, domain)) => organisation(domain) == own,
        None => organisation(&name) == own,
    })
}

/// The host that a word names, or with `addresses` the address.
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
mod tests;
