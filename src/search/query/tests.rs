//! The language, case by case, and what holds for whatever is typed.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

/// Sunday, 2024-03-10, 12:00 UTC.
const NOW: i64 = 1_710_072_000;

fn me() -> Vec<String> {
    vec!["ann@example.org".to_owned(), "a.lee@work.example".to_owned()]
}

fn read(text: &str, typing: bool) -> Parsed {
    let me = me();
    parse(text, &Context { now: NOW, zone: &TimeZone::UTC, me: &me, typing, saved: &[] })
}

/// How `text` is understood, with every group shown; marks behind it.
fn shown(text: &str, typing: bool) -> String {
    let parsed = read(text, typing);
    let mut out = tree(&parsed.query);
    for mark in &parsed.marks {
        let sign = match mark.weight {
            Weight::Open => '…',
            Weight::Warning => '~',
            Weight::Error => '!',
        };
        let _ = write!(out, " {sign}[{}] {}", &text[mark.span.clone()], mark.message);
    }
    out
}

fn tree(query: &Query) -> String {
    let all = |parts: &[Query], with: &str| {
        let parts: Vec<String> = parts.iter().map(tree).collect();
        format!("({})", parts.join(with))
    };
    match query {
        Query::All => "all".to_owned(),
        Query::And(parts) => all(parts, " & "),
        Query::Or(parts) => all(parts, " | "),
        Query::Not(part) => format!("!{}", tree(part)),
        leaf @ Query::Leaf(_) => leaf.print(&TimeZone::UTC),
    }
}

fn check(cases: &[(&str, &str)], typing: bool) {
    for (text, expected) in cases {
        assert_eq!(shown(text, typing), *expected, "{text}");
    }
}

#[test]
fn words_phrases_and_groups() {
    check(
        &[
            ("", "all"),
            ("  ", "all"),
            ("lunch", "lunch"),
            ("Lunch Café", "(lunch & cafe)"),
            ("lunch AND dinner", "(lunch & dinner)"),
            ("a b OR c d", "(a & (b | c) & d)"),
            ("a OR b OR c", "(a | b | c)"),
            ("a | b|c", "(a | b | c)"),
            ("{a b c}", "(a | b | c)"),
            ("{a (b c)}", "(a | (b & c))"),
            ("(a b) OR c", "((a & b) | c)"),
            ("-a", "!a"),
            ("a -b", "(a & !b)"),
            ("NOT a", "!a"),
            ("NOT NOT a", "a"),
            ("-(a b)", "!(a & b)"),
            ("-{a b}", "!(a | b)"),
            ("-\"a b\"", "!\"a b\""),
            ("--a", "!a"),
            ("a - b", "(a & b)"),
            ("rock or roll", "(rock & or & roll)"),
            ("\"a OR b\"", "\"a or b\""),
            ("+exact", "exact"),
            ("lun*", "lun*"),
            ("\"big lun*\"", "\"big lun*\""),
            ("foo-bar a.b@c.de", "(\"foo bar\" & \"a b c de\")"),
            ("日本語", "\"日 本 語\""),
            ("((a))", "a"),
            ("a AROUND 5 b", "a AROUND 5 b"),
            ("a AROUND \"b c\" d", "(a AROUND 10 \"b c\" & d)"),
            ("subject:(a AROUND 3 b)", "subject:a AROUND 3 subject:b"),
        ],
        false,
    );
}

#[test]
fn operators() {
    check(
        &[
            ("from:ann", "from:ann"),
            ("From:Ann", "from:ann"),
            ("from: ann", "from:ann"),
            ("from:ann@example.org", "from:\"ann example org\""),
            ("from:\"Ann Lee\"", "from:\"ann lee\""),
            ("from:(ann OR bob)", "(from:ann | from:bob)"),
            ("from:(ann -bob)", "(from:ann & !from:bob)"),
            ("subject:{a b} c", "((subject:a | subject:b) & c)"),
            ("from:(ann to:bob)", "(from:ann & to:bob)"),
            ("-from:ann", "!from:ann"),
            ("from:me", "(from:\"ann example org\" | from:\"a lee work example\")"),
            ("from:\"me\"", "from:\"me\""),
            ("to:ann cc:bob bcc:carl", "(to:ann & cc:bob & bcc:carl)"),
            ("deliveredto:ann", "to:ann"),
            ("filename:pdf", "filename:pdf"),
            ("filename:*.pdf", "filename:pdf"),
            ("filename:\"a b.pdf\"", "filename:\"a b pdf\""),
            ("list:dev.example.org", "list:\"dev example org\""),
            ("body:word", "body:word"),
            ("account:ann@example.org", "account:ann@example.org"),
            ("label:work", "label:work"),
            ("l:work tag:home", "(label:work & label:home)"),
            ("label:\"My Label\"", "label:\"My Label\""),
            ("label:(work OR home)", "(label:work | label:home)"),
            ("category:Promotions", "label:\"category promotions\""),
            ("in:inbox in:ANYWHERE", "(in:inbox & in:anywhere)"),
            ("in:bin in:junk in:draft", "(in:trash & in:spam & in:drafts)"),
            ("in:work", "label:work"),
            ("is:unread is:read", "(is:unread & is:read)"),
            ("is:(unread starred)", "(is:unread & is:starred)"),
            ("is:spam is:muted", "(in:spam & is:muted)"),
            ("is:important", "label:important"),
            ("has:attachment", "has:attachment"),
            ("has:userlabels", "has:userlabels"),
            ("has:nouserlabels", "!has:userlabels"),
            (
                "has:document",
                "(filename:doc | filename:docx | filename:odt | filename:rtf | \
              filename:pages)",
            ),
            ("larger:5M smaller:100k", "(larger:5M & smaller:100K)"),
            ("size:1000000", "larger:1000000"),
            ("larger_than:1.5k", "larger:1536"),
            ("rfc822msgid:<a.b@c.de>", "rfc822msgid:a.b@c.de"),
        ],
        false,
    );
}

#[test]
fn dates() {
    check(
        &[
            ("after:2024/01/31", "after:2024-01-31"),
            ("before:2024-01-31", "before:2024-01-31"),
            ("newer:2024-1-5 older:2024/2/6", "(after:2024-01-05 & before:2024-02-06)"),
            ("after:2024-02", "after:2024-02-01"),
            ("before:2024", "before:2024-01-01"),
            ("after:20240131", "after:2024-01-31"),
            ("after:31.01.2024", "after:2024-01-31"),
            ("after:31/1/2024", "after:2024-01-31"),
            ("after:04/16/2004", "after:2004-04-16"),
            ("after:1706659200", "after:2024-01-31"),
            ("after:@17", "after:@17"),
            ("before:today after:yesterday", "(before:2024-03-10 & after:2024-03-09)"),
            ("after:monday", "after:2024-03-04"),
            ("after:Sun", "after:2024-03-10"),
            ("after:jan before:april", "(after:2024-01-01 & before:2023-04-01)"),
            ("on:2024-01-31", "(after:2024-01-31 & before:2024-02-01)"),
            ("on:2023", "(after:2023-01-01 & before:2024-01-01)"),
            ("on:feb", "(after:2024-02-01 & before:2024-03-01)"),
            ("on:2d", "(after:2024-03-08 & before:2024-03-09)"),
            ("-on:2024-01-31", "!(after:2024-01-31 & before:2024-02-01)"),
            ("older_than:3d", "before:@1709812800"),
            ("newer_than:2w", "after:@1708862400"),
            ("older_than:1m", "before:@1707566400"),
            ("older_than:1y", "before:@1678449600"),
            ("newer_than:12h", "after:2024-03-10"),
            ("after:7d", "after:@1709467200"),
            ("older_than:2023-01-01", "before:2023-01-01"),
            ("after:02/03/2004", "after:2004-02-03 ~[after:02/03/2004] read as month/day/year"),
        ],
        false,
    );
}

#[test]
fn a_day_begins_where_the_zone_says() {
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    let context = Context { now: NOW, zone: &zone, me: &[], typing: false, saved: &[] };
    let query = parse("on:2024-01-31", &context).query;
    let begin = 1_706_659_200 - 2 * 3_600;
    let mut tests = Vec::new();
    query.leaves(&mut |leaf, wanted| tests.push((leaf.test.clone(), wanted)));
    let end = begin + 86_400;
    assert_eq!(tests, [(Test::After(begin), true), (Test::Before(end), true)]);
    assert_eq!(query.print(&zone), "after:2024-01-31 before:2024-02-01");
}

#[test]
fn what_cannot_be_asked_is_marked_at_its_place_and_the_rest_counts() {
    check(
        &[
            ("a is:foo b", "(a & b) ![is:foo] is:foo is not known"),
            ("larger:big a", "a ![larger:big] big is no size"),
            ("a after:soon", "a ![after:soon] soon is no date"),
            ("a before:2024-13-01", "a ![before:2024-13-01] 2024-13-01 is no date"),
            ("older_than:7", "all ![older_than:7] 7 is no age"),
            ("a from:", "a ![from:] from: has nothing behind it"),
            ("from: to:bob", "to:bob ![from:] from: has nothing behind it"),
            ("label:\"\" a", "a ![label:\"\"] nothing stands between the quotes"),
            ("rfc822msgid:<>", "all ![rfc822msgid:<>] no Message-ID is here"),
            ("form:ann", "\"form ann\" ~[form:] form: is no operator"),
            ("Re: hello", "(re & hello)"),
            ("https://example.org/a", "\"https example org a\""),
            ("12:30", "\"12 30\""),
            ("a )", "a ~[)] ) closes nothing"),
            ("OR a", "a ~[OR] OR has nothing before it"),
            ("&&", "all ~[&&] no letter or digit is here ![&&] nothing is asked for"),
            ("rock & roll", "(rock & roll) ~[&] no letter or digit is here"),
            ("f*o", "\"f o\" ~[f*o] * stands behind a word only"),
            ("()", "all ![()] nothing is asked for"),
            ("a* AROUND b", "(a* & b) ~[AROUND] AROUND is left out"),
        ],
        false,
    );
}

#[test]
fn what_is_not_finished_counts_so_far() {
    check(
        &[
            ("lun", "lun*"),
            ("lun ", "lun"),
            ("lun.", "lun"),
            ("big lun", "(big & lun*)"),
            ("from:an", "from:an*"),
            ("\"big lun", "\"big lun*\" …[\"] the quote is not closed yet"),
            ("\"big lun\"", "\"big lun\""),
            ("\"", "all …[\"] the quote is not closed yet"),
            ("(a OR b", "(a | b*) …[(] ( is not closed yet"),
            ("{a b", "(a | b*) …[{] { is not closed yet"),
            ("a OR", "a …[OR] OR has nothing behind it"),
            ("a NOT", "a …[NOT] NOT has nothing behind it"),
            ("a AROUND 5", "a …[AROUND 5] AROUND has nothing behind it"),
            ("a -", "a"),
            ("a -b", "(a & !b)"),
            ("a from:", "a …[from:] from: has nothing behind it"),
            ("a is:un", "a …[is:un] is:un is not known"),
            ("a is:un b", "(a & b*) ![is:un] is:un is not known"),
            ("a after:2024-0", "a …[after:2024-0] 2024-0 is no date"),
            ("a after:yest", "a …[after:yest] yest is no date"),
            ("a after:soon", "a ![after:soon] soon is no date"),
            ("日本", "\"日 本*\""),
        ],
        true,
    );
}

#[test]
fn hints_say_what_to_write() {
    for (text, hint) in [
        ("is:unraed", "did you mean is:unread ?"),
        ("form:ann", "did you mean from: ?"),
        ("has:atachment", "did you mean has:attachment ?"),
        ("note: x", "it is searched for as text"),
        ("after:02/03/2004", "write 2004-02-03 to be sure"),
    ] {
        assert_eq!(read(text, false).marks[0].hint, hint, "{text}");
    }
    let error = read("wörd is:x", false).asked("wörd is:x").expect_err("not known");
    assert_eq!(error.to_string(), "is:x is not known (at character 6 of the query)");
}

#[test]
fn who_is_not_known_is_looked_for_as_a_word() {
    let context = Context { now: NOW, zone: &TimeZone::UTC, me: &[], typing: false, saved: &[] };
    let parsed = parse("from:me", &context);
    assert_eq!(tree(&parsed.query), "from:\"me\"");
    assert_eq!(parsed.marks[0].message, "none is known to be yours");
}

#[test]
fn labels_are_meant_by_id_name_and_as_gmail_writes_them() {
    for (given, id, name, meant) in [
        ("work", "work", "Work", true),
        ("WORK", "work", "Work", true),
        ("l_abc", "l_abc", "Größe", true),
        ("grösse", "l_abc", "Größe", false),
        ("my-label", "l_abc", "My Label", true),
        ("my label", "l_abc", "My Label", true),
        ("a-b-c", "l_abc", "A/B C", true),
        ("other", "work", "Work", false),
    ] {
        assert_eq!(is_label(given, id, name), meant, "{given} {name}");
    }
}

#[test]
fn bounds_are_kept_and_said() {
    let deep = format!("{}a{} b", "(".repeat(5_000), ")".repeat(5_000));
    let parsed = read(&deep, false);
    assert_eq!(tree(&parsed.query), "(a & b)");
    assert_eq!(parsed.marks.len(), 1, "{:?}", parsed.marks);
    assert_eq!(parsed.marks[0].weight, Weight::Error);

    let many = "a ".repeat(MAX_LEAVES + 500);
    let parsed = read(&many, false);
    let mut leaves = 0;
    parsed.query.leaves(&mut |_, _| leaves += 1);
    assert_eq!((leaves, parsed.marks.len()), (MAX_LEAVES, 1));

    let long = format!("{} b", "a".repeat(MAX_QUERY_BYTES));
    assert!(read(&long, false).asked(&long).is_err());

    let phrase = format!("\"{}\"", "a ".repeat(MAX_PHRASE_WORDS + 1));
    assert_eq!(read(&phrase, false).marks[0].weight, Weight::Warning);
}

/// What may still come while somebody types is an error where nobody does.
#[test]
fn what_asks_nothing_is_an_error() {
    for text in ["(", "\"", "{", "OR", "()", "\"\"", "( OR", "-("] {
        assert!(read(text, false).asked(text).is_err(), "{text}");
    }
    for text in ["", " ", "(a", "\"a", "a OR"] {
        assert!(read(text, false).asked(text).is_ok(), "{text}");
    }
    assert!(read("(", true).asked("(").is_ok());
}

/// Shapes that make a careless reader look at a character again and again.
#[test]
fn hostile_queries_end() {
    let shapes = [
        "(",
        ")",
        "{",
        "-",
        "-(",
        "\"",
        "\" \"",
        "|",
        "OR ",
        "NOT ",
        "a OR ",
        "from:",
        "from: ",
        "from:(",
        "a AROUND ",
        "AROUND 1 ",
        "+",
        "-+",
        "*",
        "a*",
        ":",
        "x:",
        "is:un ",
        "on:2024 ",
        "has:image ",
        "NOT)",
        "é",
        "{(",
        "({",
        "){",
        " ",
        "from:me ",
        "\u{301}",
    ];
    let begin = std::time::Instant::now();
    for shape in shapes {
        let text = shape.repeat(MAX_QUERY_BYTES / shape.len() + 1);
        for typing in [false, true] {
            check_any(&text, typing);
        }
        // All together take about a second; one that is looked at again and again takes minutes.
        assert!(begin.elapsed().as_secs() < 60, "{shape:?}");
    }
}

/// The query without the places of its leaves.
fn plain(query: &Query) -> Query {
    match query {
        Query::All => Query::All,
        Query::And(parts) => Query::And(parts.iter().map(plain).collect()),
        Query::Or(parts) => Query::Or(parts.iter().map(plain).collect()),
        Query::Not(part) => Query::Not(Box::new(plain(part))),
        Query::Leaf(leaf) => Query::Leaf(Leaf { span: 0..0, test: leaf.test.clone() }),
    }
}

fn is_normal(query: &Query) -> bool {
    match query {
        Query::All | Query::Leaf(_) => true,
        Query::Not(part) => !matches!(**part, Query::Not(_) | Query::All) && is_normal(part),
        Query::And(parts) => {
            parts.len() > 1
                && parts.iter().all(|p| !matches!(p, Query::And(_) | Query::All) && is_normal(p))
        }
        Query::Or(parts) => {
            parts.len() > 1
                && parts.iter().all(|p| !matches!(p, Query::Or(_) | Query::All) && is_normal(p))
        }
    }
}

/// What holds for whatever is typed.
fn check_any(text: &str, typing: bool) {
    let parsed = read(text, typing);
    assert!(is_normal(&parsed.query), "{text:?}");
    for mark in &parsed.marks {
        assert!(text.get(mark.span.clone()).is_some(), "{text:?}: {mark:?}");
    }
    let mut leaves = 0;
    parsed.query.leaves(&mut |leaf, _| {
        leaves += 1;
        assert!(text.get(leaf.span.clone()).is_some_and(|at| !at.is_empty()), "{text:?}");
        if let Test::Text { words, .. } = &leaf.test {
            assert!(!words.is_empty() && words.len() <= MAX_PHRASE_WORDS, "{text:?}");
        }
    });
    assert!(leaves <= MAX_LEAVES && parsed.marks.len() <= MAX_MARKS);
    let printed = parsed.query.print(&TimeZone::UTC);
    if printed.len() <= MAX_QUERY_BYTES {
        let again = read(&printed, false);
        assert_eq!(plain(&again.query), plain(&parsed.query), "{text:?} as {printed:?}");
        let told = again.marks.iter().find(|mark| mark.weight != Weight::Warning);
        assert_eq!(told, None, "{text:?} as {printed:?}");
        assert_eq!(again.query.print(&TimeZone::UTC), printed);
    }
}

fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "a",
        "b",
        "or",
        "me",
        "foo-bar",
        "日本",
        "é",
        "OR",
        "AND",
        "NOT",
        "AROUND",
        "5",
        "|",
        "(",
        ")",
        "{",
        "}",
        "\"",
        "-",
        "--",
        "+",
        "*",
        ":",
        " ",
        "  ",
        "from:",
        "to:",
        "label:",
        "in:",
        "is:",
        "has:",
        "unread",
        "inbox",
        "image",
        "nouserlabels",
        "attachment",
        "subject:",
        "filename:",
        "larger:",
        "5M",
        "before:",
        "after:",
        "on:",
        "2024-01-31",
        "2024",
        "today",
        "3d",
        "older_than:",
        "list:",
        "rfc822msgid:",
        "<a@b>",
        "category:",
        "x:",
        "re:",
        "\t",
    ]);
    prop_oneof![6 => known.prop_map(str::to_owned), 1 => "\\PC{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn printing_and_reading_gives_the_same(
        pieces in prop::collection::vec((piece(), any::<bool>()), 0..30),
        typing in any::<bool>(),
    ) {
        let gap = |gap: bool| if gap { " " } else { "" };
        let with_gaps = pieces.iter().flat_map(|(piece, then)| [piece.as_str(), gap(*then)]);
        let text: String = with_gaps.collect();
        check_any(&text, typing);
    }

    #[test]
    fn any_text_is_a_query(text in "\\PC{0,80}", typing in any::<bool>()) {
        check_any(&text, typing);
    }

    #[test]
    fn any_second_is_written_so_that_it_is_read(at in any::<i64>()) {
        let query = Query::Leaf(Leaf { span: 0..0, test: Test::Before(at) });
        let again = read(&query.print(&TimeZone::UTC), false);
        prop_assert_eq!(plain(&again.query), query);
    }
}

/// Queries of the cases above with bytes changed, taken out and doubled.
#[test]
fn mutated_queries_are_read() {
    const SEEDS: [&str; 8] = [
        "from:(ann OR bob) subject:\"big lunch\" -is:unread",
        "{a b (c d)} label:\"My Label\" in:anywhere has:image",
        "after:2024/01/31 before:yesterday older_than:3d on:2024-01",
        "a AROUND 5 \"b c\" larger:5M smaller:100k filename:*.pdf",
        "日本語 cafe\u{301} 한국 rfc822msgid:<a.b@c.de> list:x.y",
        "-(a OR -{b NOT c}) to:me cc:me*",
        "((((((((a))))))))",
        "is:foo larger: after:x ) } \"",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (most.max(1) as u64)).expect("small")
    };
    for round in 0..4_000 {
        let mut bytes = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        for _ in 0..=next(6) {
            let at = next(bytes.len());
            match next(5) {
                0 => bytes[at] = u8::try_from(next(256)).expect("a byte"),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"()\"{}-|:* "[next(10)]),
                3 => bytes.extend_from_within(at..),
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                bytes.push(b'a');
            }
        }
        check_any(&String::from_utf8_lossy(&bytes), round % 2 == 0);
    }
}
