//! What is typed, clicked or edited by hand: queries, addresses, `mailto:` links, drafts, accounts.

use std::path::Path;

use jiff::tz::TimeZone;
use mailtui::account::Accounts;
use mailtui::id::{LabelId, ThreadId};
use mailtui::mail::compose::{
    Draft, Field as Place, format_address, from_text, mailto, parse_addresses, to_text,
};
use mailtui::search::query::{MAX_LEAVES, MAX_MARKS, MAX_QUERY_BYTES};
use mailtui::search::{
    Ask, Context, Field, Index, Known, Names, Needles, Order, Parsed, Person, Rows, complete, parse,
};
use mailtui::store::StoreError;

use super::own;
use super::play::{Reader, Target};
use crate::support::terminal_bytes::is_hostile;

pub(super) const QUERIES: Target =
    Target { name: "", seeds: queries, tokens: WORDS, reader: query };
pub(super) const ADDRESSES: Target =
    Target { name: "", seeds: typed, tokens: SIGNS, reader: || Box::new(addresses) };
pub(super) const MAILTO: Target =
    Target { name: "", seeds: clicked, tokens: PERCENT, reader: || Box::new(link) };
pub(super) const DRAFTS: Target =
    Target { name: "", seeds: drafts, tokens: LINES, reader: || Box::new(draft) };
pub(super) const ACCOUNTS: Target =
    Target { name: "", seeds: accounts, tokens: TOML, reader: || Box::new(account) };

/// Words of the query language.
const WORDS: &[&[u8]] = &[
    b"from:",
    b"to:me ",
    b"cc:",
    b"subject:",
    b"label:",
    b"in:anywhere ",
    b"is:unread ",
    b"is:",
    b"has:attachment ",
    b"filename:",
    b"larger:",
    b"larger:99999999999999999999g ",
    b"before:",
    b"after:2024/13/45 ",
    b"older_than:",
    b"newer_than:99999999999y ",
    b"list:",
    b"rfc822msgid:",
    b"\"",
    b"-",
    b"--",
    b"(",
    b")",
    b"{",
    b"}",
    b"OR ",
    b" OR",
    b"AND ",
    b"NOT ",
    b"AROUND ",
    b" AROUND 3 ",
    b"|",
    b"*",
    b":",
    b"+",
    b"\\",
    b"'",
    b" ",
    b"\xc3\xa9",
    b"\xe6\x97\xa5\xe6\x9c\xac",
    b"e\xcc\x81",
    b"\xc4\xb0",
    b"\xef\xac\x81",
    b"\xf0\x9f\x98\x80",
    b"\xe2\x80\x9c",
    b"\0",
    b"\x1b",
    b"NEAR(",
    b"subject:(",
];
/// Signs of addresses.
const SIGNS: &[&[u8]] = &[
    b"<",
    b">",
    b"@",
    b",",
    b";",
    b":",
    b"\"",
    b"\\",
    b"(",
    b")",
    b" ",
    b".",
    b"..",
    b"[",
    b"]",
    b"g: ",
    b"\r\nBcc: x@y.example",
    b"\n",
    b"\t",
    b"\xc3\xa9",
    b"\xe2\x80\xae",
    b"xn--",
    b"\0",
    b"Ada <ada@x.example>",
    b"=?utf-8?q?x?=",
    b"-",
    b"_",
];
/// Words of `mailto:` links (RFC 6068).
const PERCENT: &[&[u8]] = &[
    b"mailto:",
    b"?",
    b"&",
    b"=",
    b"#",
    b"%",
    b"%0d%0a",
    b"%0D%0ABcc:x@y.example",
    b"subject=",
    b"body=",
    b"to=",
    b"cc=",
    b"bcc=",
    b"in-reply-to=",
    b"from=",
    b"attach=/etc/passwd",
    b"%00",
    b"%1b",
    b"%ff",
    b"%e2%80%ae",
    b",",
    b"@",
    b"<",
    b">",
    b"%2C",
    b"+",
    b"%",
    b"\xc3\xa9",
];
/// Lines of a draft in an editor.
const LINES: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\n\n",
    b"To: ",
    b"Bcc: ",
    b"Subject: ",
    b"Attach: ",
    b"Attached: #1 ",
    b"Attached: #99999999999999999999 ",
    b"X: ",
    b": ",
    b" ",
    b"\t",
    b"> ",
    b"-- \n",
    b"\xe2\x80\xae",
    b"\0",
    b"\x1b",
    b"From: ",
    b"Reply-To: ",
    b"Cc: a@b.example, \"",
];
/// Words of `accounts.toml`.
const TOML: &[&[u8]] = &[
    b"[[",
    b"]]",
    b"[",
    b"]",
    b"=",
    b"\"",
    b"'''",
    b"\"\"\"",
    b"\n",
    b"#",
    b".",
    b"{",
    b"}",
    b",",
    b"true",
    b"nan",
    b"1979-05-27T07:32:00Z",
    b"\\u001b",
    b"[accounts.b]\n",
    b"address = ",
    b"imap = ",
    b"smtp = ",
    b"auth = \"oauth2\"",
    b"password = { command = [",
    b"quiet = \"22:00-06:00\"",
    b"\"imaps://x.example:99999\"",
    b"signature = ",
    b"a.b.c.d.e.f = 1\n",
    b"[[[[[[[[[[[[[[",
    b"{a={a={a={a=",
    b"\x1b",
    b"\xff",
    b"\xe2\x80\xae",
];

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn queries() -> Vec<Vec<u8>> {
    bytes(&[
        "from:ada subject:(a \"b c\" -d) (in:inbox OR is:starred) label:work older_than:3d",
        "has:attachment filename:pdf larger:5M before:2024/01/02 after:2023-12-01 NOT x* {a b}",
        "\"grüße aus\" AROUND 5 ort list:x.example rfc822msgid:<a@b> to:me cc:x bcc:y -(a b)",
        "日本語 été straße ﬁ",
        "",
    ])
}

fn typed() -> Vec<Vec<u8>> {
    bytes(&[
        "Ada Moser <ada@x.example>, \"B, C\" <b@y.example>; (c) d@z.example, g: e@w.example;",
        "jörg@müller.example, <x@[192.0.2.1]>, a.b+c@d.example",
        "",
    ])
}

fn clicked() -> Vec<Vec<u8>> {
    bytes(&[
        "mailto:a@x.example,b@y.example?subject=Gr%C3%BC%C3%9Fe&body=a%0D%0Ab&cc=c@z.example",
        "mailto:?to=a@x.example&in-reply-to=%3C1@x.example%3E&bcc=q@x.example&attach=/x#f",
    ])
}

fn drafts() -> Vec<Vec<u8>> {
    bytes(&[
        "From: a@x.example\nTo: b@y.example\nSubject: s\nAttach: ~/x.pdf\n\nText\n\n\
         > quote\n-- \nme\n",
        "To: a\n b\nNo field\n\nText",
        "",
    ])
}

fn accounts() -> Vec<Vec<u8>> {
    bytes(&[
        "notify = true\n\n[accounts.ada-x-example]\naddress = \"a@x.example\"\nname = \"Ada\"\n\
         imap = \"imaps://x.example:993\"\nsmtp = \"smtps://x.example:465\"\nlogin = \"a\"\n\
         password = { command = [\"pass\", \"show\", \"a b\"] } # a comment\n",
        "[accounts.b]\naddress = \"b@x.example\"\nimap = \"imap://127.0.0.1:1143\"\n\
         password = { file = \"/x\" }\ncolour = 1\n[accounts.c]\n",
        "",
    ])
}

/// Who knows a label of any name, and shows nothing.
struct Nobody;

impl Names for Nobody {
    fn labels(&mut self, name: &str) -> Vec<LabelId> {
        LabelId::try_from(name).into_iter().collect()
    }
}

impl Rows for Nobody {
    fn shown(&mut self, _: &ThreadId) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError> {
        Ok(None)
    }

    fn few(&mut self, _: &[LabelId], _: usize) -> Result<Option<Vec<ThreadId>>, StoreError> {
        Ok(None)
    }
}

fn query() -> Reader {
    let dir = tempfile::tempdir().expect("a directory");
    let index = Index::open(dir.path()).expect("an index");
    Box::new(move |bytes| {
        let _keep = &dir;
        ask(&index, &String::from_utf8_lossy(bytes), bytes.len() % 2 == 0);
    })
}

fn read(text: &str, typing: bool) -> Parsed {
    let me = ["me@x.example".to_owned()];
    parse(text, &Context { now: 1_714_986_000, zone: &TimeZone::UTC, me: &me, typing, saved: &[] })
}

fn ask(index: &Index, text: &str, typing: bool) {
    let parsed = read(text, typing);
    assert!(parsed.marks.len() <= MAX_MARKS, "{} marks", parsed.marks.len());
    for mark in &parsed.marks {
        assert!(text.get(mark.span.clone()).is_some(), "{mark:?}");
        assert!(!mark.message.chars().chain(mark.hint.chars()).any(is_hostile), "{mark:?}");
    }
    let mut leaves = 0;
    parsed.query.leaves(&mut |leaf, _| {
        leaves += 1;
        assert!(text.get(leaf.span.clone()).is_some_and(|at| !at.is_empty()), "{leaf:?}");
    });
    assert!(leaves <= MAX_LEAVES, "{leaves} leaves");
    let printed = parsed.query.print(&TimeZone::UTC);
    if printed.len() <= MAX_QUERY_BYTES {
        let again = read(&printed, false);
        assert_eq!(again.query.print(&TimeZone::UTC), printed, "printed, read, and printed");
    }
    let order = if typing { Order::Newest } else { Order::Relevance };
    let ask = Ask { query: &parsed.query, limit: 10, order, typing };
    let found = index.find(&ask, &mut Nobody, &|| true);
    assert!(found.as_ref().is_ok_and(Vec::is_empty), "{found:?}");
    let needles = Needles::of(&parsed.query);
    for field in [Field::Body, Field::Subject] {
        for range in needles.find(field, text) {
            assert!(text.get(range.clone()).is_some_and(|at| !at.is_empty()), "a hit at {range:?}");
        }
    }
    if let Some(snippet) = needles.snippet(text) {
        let is_there = |range: &std::ops::Range<usize>| snippet.text.get(range.clone()).is_some();
        assert!(snippet.hits.iter().all(is_there), "{snippet:?}");
    }
    let person = Person { name: Some("Ada".to_owned()), address: "ada@x.example".to_owned() };
    let (labels, history) = (["Work".to_owned(), "été".to_owned()], ["a \"b".to_owned()]);
    let known = Known { labels: &labels, people: &[person], history: &history, saved: &[] };
    for cursor in [0, text.len() / 2, text.len()] {
        for completion in complete(text, cursor, &known) {
            assert!(text.get(completion.replace.clone()).is_some(), "{completion:?}");
        }
    }
}

/// No line end, so that it cannot become another field.
fn is_line(text: &str) {
    assert!(!text.contains(['\n', '\r', '\0']), "{text:?} is more than a line");
}

fn addresses(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (found, wrong) = parse_addresses(&text);
    for (range, why) in wrong {
        assert!(text.get(range.clone()).is_some(), "{why} at {range:?}");
    }
    for address in found {
        let written = format_address(&address);
        is_line(&written);
        let (again, wrong) = parse_addresses(&written);
        assert!(again == [address] && wrong.is_empty(), "{written:?}: {again:?} {wrong:?}");
    }
}

fn link(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(link) = mailto::parse(&text) else { return };
    let draft = &link.draft;
    assert!(draft.bcc.is_empty() && draft.from.is_empty() && draft.attachments.is_empty());
    for value in [&draft.to, &draft.cc, &draft.subject] {
        is_line(value);
    }
    for name in &link.refused {
        assert!(!name.chars().any(is_hostile), "{name:?}");
    }
}

fn draft(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let edited = from_text(&text, &Draft::default());
    let lines = text.lines().count() + 1;
    assert!(edited.problems.iter().all(|problem| (1..=lines).contains(&problem.line)));
    let values = Place::ALL.map(|field| edited.draft.field(field));
    for value in values.into_iter().chain([edited.draft.subject.as_str()]) {
        // Other controls become spaces where it is written down.
        assert!(!value.contains('\n'), "{value:?} is more than a line");
    }
    // A control that was typed is a space from then on.
    let written = to_text(&edited.draft);
    let again = from_text(&written, &Draft::default());
    assert_eq!(to_text(&again.draft), written, "written, read, and written");
}

fn account(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Accounts::parse(&text, Path::new("accounts.toml")) {
        Err(error) => {
            let said = error.to_string();
            assert!(!said.chars().any(is_hostile), "{said:?}");
        }
        Ok(accounts) => {
            let lines = text.lines().count() + 1;
            assert!(accounts.unknown.iter().all(|unknown| (1..=lines).contains(&unknown.line)));
        }
    }
}

#[test]
fn seeds_are_what_they_stand_for() {
    let all = accounts();
    let text = String::from_utf8_lossy(&all[0]);
    let read = Accounts::parse(&text, Path::new("accounts.toml")).expect("accounts");
    assert_eq!(read.list.len(), 1);
    assert!(
        own::messages()
            .iter()
            .filter(|raw| !raw.is_empty())
            .all(|raw| { mailtui::mail::parse(raw).message_id.is_some() })
    );
}
