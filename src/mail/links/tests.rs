//! Links: what is found, what is warned of, how they are numbered.

use super::LinkWarning::{Lookalike, Number, OtherTarget, Punycode, Refused, User};
use super::*;
use crate::mail::facts::Anchor;

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
    check_find("<http://a.b> \"HTTP://C.D/?e=f,\"", &[same("http://a.b"), same("HTTP://C.D/?e=f")]);
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
        ("ann@a.example", "https://www.a.example/"),
        ("write to ann@a.example", "https://b.example"),
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
    check_warnings("support@bank.example", "https://evil.test/", &[OtherTarget]);
    check_warnings("https://bank\u{2024}example/", "https://evil.test/", &[OtherTarget]);
    for dot in ['\u{3002}', '\u{ff0e}', '\u{ff61}'] {
        check_warnings(&format!("paypal{dot}com"), "https://evil.example/", &[OtherTarget]);
        check_warnings(&format!("www.a{dot}test"), "https://a.test/", &[]);
    }
    check_warnings("你好。再见。", "https://a.test/", &[]);
    check_warnings("x", "https://bank.example@evil.test/", &[User]);
    check_warnings("x", "http://\u{261}oogle.com/", &[Lookalike, Punycode]);
    check_warnings("x", "http://a.test\u{2044}login.b.test/", &[Lookalike, Punycode]);
    check_warnings("x", "http://a.test\u{29f8}b.test/", &[Lookalike, Punycode]);
    check_warnings("x", "http://127.0.0.1/", &[Number]);
    check_warnings("x", "http://2130706433/", &[Number]);
    check_warnings("x", "http://[::1]/", &[Number]);
    check_warnings("x", "https://xn--80ak6aa92e.com/", &[Lookalike, Punycode]);
    check_warnings("x", "https://p\u{430}ypal.com/", &[Lookalike, Punycode]);
    check_warnings("paypal.com", "https://p\u{430}ypal.com/", &[Lookalike, Punycode, OtherTarget]);
    for target in ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "", "http://"] {
        check_warnings("x", target, &[Refused]);
    }
    check_warnings("x", &format!("http://a/{}", "b".repeat(10_000)), &[Refused]);
}

/// Facts with these texts of links, as they were before lists were noted.
fn told(links: Vec<Anchor>) -> Facts {
    Facts { links, ..Facts::default() }
}

#[test]
fn lines_that_imitate_ours_have_no_number() {
    let raw = b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\n[1] https://bank.test/a\n\
        --x\nContent-Type: text/html\n\n<p>go <a href='http://evil.test'>in</a>\
        <p>[1] https://bank.test/b<p>\xe2\x80\x8b[2] https://bank.test/c\n\
        --x\n\n[1] https://bank.test/d\n--x--\n";
    let parsed = crate::mail::parse(raw);
    let lists: Vec<_> = parsed.facts.lists.iter().map(|l| &parsed.text[l.at..l.to]).collect();
    assert_eq!(lists, ["[1] http://evil.test/"], "{}", parsed.text);
    let found = links(&parsed.text, &parsed.facts);
    let told: Vec<_> = found.iter().map(|l| (l.n, l.text.as_str(), l.target.as_str())).collect();
    let bank = ["a", "b", "c", "d"].map(|end| format!("https://bank.test/{end}"));
    assert_eq!(told[0], (1, "in", "http://evil.test/"));
    assert_eq!(
        told[1..],
        [2, 3, 4, 5].map(|n| (n, &*bank[n as usize - 2], &*bank[n as usize - 2]))
    );
    // A text without a page has the numbers that it has.
    let plain = links("see [7]\n\n[7] https://a.test/", &Facts::default());
    assert_eq!((plain[0].n, plain.len()), (7, 1));
}

#[test]
fn what_a_numbered_link_says_is_no_link_of_its_own() {
    let anchor = Anchor { n: 1, text: "to www.bank.test now".to_owned() };
    let text = "to www.bank.test now [1] www.other.test\n\n[1] http://evil.test/";
    let found = links(text, &told(vec![anchor]));
    let targets: Vec<_> = found.iter().map(|link| link.target.as_str()).collect();
    assert_eq!(targets, ["http://evil.test/", "http://www.other.test/"]);
}

#[test]
fn numbers_lead_to_the_targets_at_the_end() {
    let anchor = |n, text: &str| Anchor { n, text: text.to_owned() };
    let text = "bank.example [1] and more [2]\nhttps://c.test\n[1] http://forged.test\n\n\
                [1] http://a.test/\n[2] http://b.test/x.";
    let found = links(text, &told(vec![anchor(1, "bank.example"), anchor(3, "none")]));
    let told: Vec<_> = found.iter().map(|l| (l.n, l.text.as_str(), l.target.as_str())).collect();
    let expected = [
        (1, "bank.example", "http://a.test/"),
        (2, "", "http://b.test/x."),
        (3, "https://c.test", "https://c.test/"),
    ];
    assert_eq!(told, expected);
    assert_eq!(found[0].warnings, [OtherTarget]);
    assert_eq!(listed("[1] see http://a"), None);
    assert_eq!(listed("[x] http://a"), None);
    assert_eq!(listed("[0] http://a"), None);
    assert_eq!(listed("[4000000000] http://a"), None);
    assert_eq!(listed("[2] http:a.test"), Some((2, "http:a.test")));
    let whole = "http://a/?u=<http://b>|https://c.";
    assert_eq!(listed(&format!("[7] {whole}")), Some((7, whole)));
}

#[test]
fn every_target_has_one_number() {
    let anchor = |n, text: &str| Anchor { n, text: text.to_owned() };
    let text = "a [1] b.test [1] c [2] d [3] http://e.test http://f.test http://E.test/ \
                http://d.test\n\n\
                [1] http://a.test/\n[2] http:c.test\n[3] http://d.test/";
    let anchors = [(1, "a"), (2, "c"), (1, "b.test"), (3, "d")];
    let found = links(text, &told(anchors.map(|(n, text)| anchor(n, text)).to_vec()));
    assert_eq!(found.len(), 8);
    let found = by_number(found);
    let told: Vec<_> = found.iter().map(|l| (l.n, l.text.as_str(), l.target.as_str())).collect();
    let expected = [
        (1, "b.test", "http://a.test/"),
        (2, "c", "http://c.test/"),
        (3, "d", "http://d.test/"),
        (4, "http://e.test", "http://e.test/"),
        (5, "http://f.test", "http://f.test/"),
    ];
    assert_eq!(told, expected);
    assert_eq!(found[0].warnings, [OtherTarget]);
}

#[test]
fn targets_are_those_that_a_browser_opens() {
    for (target, expected) in [
        ("https://good.test\\@evil.test/", "https://good.test/@evil.test/"),
        ("http://\u{ff47}oogle.test", "http://google.test/"),
        ("http://a\u{3002}test", "http://a.test/"),
        ("http:evil.test", "http://evil.test/"),
        ("http:///evil.test/", "http://evil.test/"),
        ("HTTP://2130706433", "http://127.0.0.1/"),
        ("http://\u{261}oogle.com/", "http://xn--oogle-qmc.com/"),
        ("javascript:x", "javascript:x"),
        ("http://", "http://"),
    ] {
        assert_eq!(normal(target), expected);
        assert_eq!(normal(expected), expected);
    }
}

#[test]
fn an_organisation_is_the_end_of_a_host() {
    for (host, expected) in
        [("a.b.c", "b.c"), ("B.C.", "b.c"), ("a.b.co.uk", "b.co.uk"), ("c", "c"), ("", "")]
    {
        assert_eq!(organisation(host), expected);
    }
}
