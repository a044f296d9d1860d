//! Letters that look like others: names and domains that only seem to be what they are.
//!
//! Invariant: pure; a whole word in one script is nobody's deceit, but for one whose every letter
//! has a Latin double. What is not known is not marked.

/// The longest label that is decoded, in characters (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// A domain with its `xn--` labels decoded (RFC 3492); what is broken stays.
#[must_use]
pub(super) fn readable(domain: &str) -> String {
    let labels = domain.split('.').map(|label| {
        let encoded = label.get(..4).filter(|start| start.eq_ignore_ascii_case("xn--"));
        encoded.and_then(|_| decode(&label[4..])).unwrap_or_else(|| label.to_owned())
    });
    labels.collect::<Vec<_>>().join(".")
}

/// Whether a name or domain has a word that mixes scripts in which letters look alike, or one made
/// of doubles alone.
#[must_use]
pub(super) fn looks_like_another(text: &str) -> bool {
    text.split(|c: char| !c.is_alphabetic()).any(|word| {
        let of = |script: Script| word.chars().filter(|c| script_of(*c) == script).count();
        let (latin, greek, cyrillic) = (of(Script::Latin), of(Script::Greek), of(Script::Cyrillic));
        let mixed = [latin, greek, cyrillic].iter().filter(|count| **count > 0).count() > 1;
        let odd = word.chars().any(|c| script_of(c) == Script::Styled);
        let doubles = cyrillic > 1 && word.chars().all(|c| double(c).is_some());
        mixed || odd || doubles
    })
}

/// Whether a domain has letters that look like others, or signs that look like a dot or a slash, or
/// like nothing.
#[must_use]
pub(super) fn domain_looks_like_another(domain: &str) -> bool {
    looks_like_another(domain) || domain.chars().any(|c| is_odd_sign(c) || is_unseen(c))
}

/// Whether a character takes no place or is drawn as nothing.
#[must_use]
pub(super) const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}

/// Punctuation and lines that can be taken for those of an address.
const fn is_odd_sign(c: char) -> bool {
    matches!(c,
        '\u{a0}' | '\u{2000}'..='\u{206f}' | '\u{2200}'..='\u{22ff}' | '\u{2500}'..='\u{257f}'
        | '\u{2980}'..='\u{29ff}' | '\u{2e00}'..='\u{2e7f}' | '\u{3000}'..='\u{3004}'
        | '\u{a789}' | '\u{fe50}'..='\u{fe6b}' | '\u{ff0f}' | '\u{ff1a}' | '\u{ff20}')
}

/// A text with the signs that are others in another form as those (NFKC).
pub(super) fn compatible(text: &str) -> impl Iterator<Item = char> {
    use unicode_normalization::UnicodeNormalization as _;
    text.nfkc()
}

/// A text as hosts in it are read: in the plain forms of its signs, and with a dot for what is read
/// as one (UTS 46 section 2.3) but the full stop of a sentence in signs that have no other.
pub(super) fn with_dots(text: &str) -> impl Iterator<Item = char> {
    let mut signs = compatible(text).peekable();
    let mut before = None;
    std::iter::from_fn(move || {
        let sign = signs.next()?;
        let in_host = |c: &char| c.is_alphanumeric() && !is_ideograph(*c);
        let inside = before.as_ref().is_some_and(in_host) && signs.peek().is_some_and(in_host);
        before = Some(sign);
        Some(if sign == '\u{3002}' && inside { '.' } else { sign })
    })
}

const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether a word of small letters ends in a capital `I`, as if that were a small `l`.
#[must_use]
pub(super) fn ends_in_another(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|word| {
        let small = word.strip_suffix('I').and_then(|rest| rest.chars().next_back());
        word.len() > 3 && small.is_some_and(char::is_lowercase)
    })
}

/// What a name looks like: doubles as the Latin letters that they look like, lower case, and one
/// letter for those that nobody tells apart in every type face (`I`, `l`, `1`; `O`, `0`).
#[must_use]
pub(super) fn skeleton(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let folded = text.nfkc().flat_map(char::to_lowercase).map(|c| double(c).unwrap_or(c));
    let folded = folded.map(|c| match c {
        'i' | '\u{131}' | '1' => 'l',
        '0' => 'o',
        c => c,
    });
    let folded: String = folded.collect();
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    /// Letters of formulas, and others that are drawn as Latin ones.
    Styled,
    Other,
}

fn script_of(c: char) -> Script {
    match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Script::Latin,
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        '\u{251}'
        | '\u{261}'
        | '\u{26a}'
        | '\u{1d00}'..='\u{1d2b}'
        | '\u{2160}'..='\u{217f}'
        | '\u{ff21}'..='\u{ff3a}'
        | '\u{ff41}'..='\u{ff5a}'
        | '\u{1d400}'..='\u{1d7ff}' => Script::Styled,
        _ => Script::Other,
    }
}

/// The Latin letter that a letter looks like.
fn double(c: char) -> Option<char> {
    let pairs = [
        ('а', 'a'),
        ('с', 'c'),
        ('ԁ', 'd'),
        ('е', 'e'),
        ('һ', 'h'),
        ('і', 'i'),
        ('ј', 'j'),
        ('ӏ', 'l'),
        ('о', 'o'),
        ('р', 'p'),
        ('ԛ', 'q'),
        ('ѕ', 's'),
        ('ԝ', 'w'),
        ('х', 'x'),
        ('у', 'y'),
        ('А', 'a'),
        ('В', 'b'),
        ('С', 'c'),
        ('Е', 'e'),
        ('Н', 'h'),
        ('І', 'i'),
        ('Ј', 'j'),
        ('К', 'k'),
        ('М', 'm'),
        ('О', 'o'),
        ('Р', 'p'),
        ('Ѕ', 's'),
        ('Т', 't'),
        ('Х', 'x'),
        ('к', 'k'),
        ('ο', 'o'),
        ('α', 'a'),
        ('ν', 'v'),
        ('ι', 'i'),
        ('ρ', 'p'),
    ];
    pairs.iter().find(|(like, _)| *like == c).map(|(_, latin)| *latin)
}

/// Decodes what stands behind `xn--` (RFC 3492 section 6.2).
fn decode(encoded: &str) -> Option<String> {
    if encoded.len() > MAX_LABEL {
        return None;
    }
    let (basic, rest) = encoded.rsplit_once('-').unwrap_or(("", encoded));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = rest.bytes();
    while digits.len() > 0 {
        let (before, mut weight, mut k) = (i, 1_u32, 36_u32);
        loop {
            let digit = match digits.next()? {
                byte @ b'a'..=b'z' => byte - b'a',
                byte @ b'A'..=b'Z' => byte - b'A',
                byte @ b'0'..=b'9' => byte - b'0' + 26,
                _ => return None,
            };
            i = i.checked_add(u32::from(digit).checked_mul(weight)?)?;
            let least = k.saturating_sub(bias).clamp(1, 26);
            if u32::from(digit) < least {
                break;
            }
            weight = weight.checked_mul(36 - least)?;
            k += 36;
        }
        let count = u32::try_from(out.len() + 1).ok()?;
        let delta = (i - before) / if before == 0 { 700 } else { 2 };
        bias = adapted(delta + delta / count);
        n = n.checked_add(i / count)?;
        i %= count;
        out.insert(usize::try_from(i).ok()?, char::from_u32(n)?);
        i += 1;
    }
    Some(out.into_iter().collect())
}

fn adapted(mut delta: u32) -> u32 {
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_read() {
        for (domain, expected) in [
            ("xn--mnchen-3ya.de", "münchen.de"),
            ("a.xn--fiqs8s", "a.中国"),
            ("xn--80ak6aa92e.com", "аррӏе.com"),
            ("XN--BCHER-KVA.ch", "BüCHER.ch"),
            ("xn--.com", ".com"),
            ("xn--99999999999.com", "xn--99999999999.com"),
            ("plain.org", "plain.org"),
        ] {
            assert_eq!(readable(domain), expected);
        }
    }

    #[test]
    fn doubles_are_seen() {
        for honest in ["Анна Каренина", "Zoë", "Ελλάδα", "田中 Tanaka", "paypal", "da.де", "", "я"]
        {
            assert!(!looks_like_another(honest), "{honest}");
        }
        for odd in ["p\u{430}ypal", "Аpple", "аррӏе", "Βank", "𝐏aypal", "ｐａｙ", "ɡoogle", "ⅼook"]
        {
            assert!(looks_like_another(odd), "{odd}");
        }
        for odd in ["a.test\u{2044}b.test", "a\u{ad}b.test", "a\u{200d}b.test", "a\u{2024}test"] {
            assert!(domain_looks_like_another(odd) && !looks_like_another(odd), "{odd:?}");
        }
        assert!(!domain_looks_like_another("bücher.example") && !domain_looks_like_another(""));
        assert_eq!(skeleton("Ｐ\u{430}yPal,  Inc."), "paypal lnc");
        assert_eq!(skeleton("PayPaI 0"), skeleton("paypa1 O"));
        for (text, odd) in [
            ("PayPaI", true),
            ("GmaiI Team", true),
            ("paypaI.com", true),
            ("LinkedIn", false),
            ("OpenAI", false),
            ("Henry VIII", false),
            ("IBM, McIntosh", false),
            ("Wii I", false),
        ] {
            assert_eq!(ends_in_another(text), odd, "{text}");
        }
    }
}
