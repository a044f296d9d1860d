//! Reading: links, what is copied, and what a message makes believe.

use crate::command::context::Context;
use crate::engine::view::{Message, Thread};
use crate::mail::{Address, Anchor, Auth, LeftOut, PartStart, Targets};
use crate::ui::app::Layer;
use crate::ui::compose::desk::DeskAsk;
use crate::ui::double::Double;
use crate::ui::harness::Screen;

/// A screen on which a conversation is read whose last message was changed.
fn reading(change: impl FnOnce(&mut Message)) -> Screen {
    let mut screen = Screen::new(Double::sample(), 100, 30);
    screen.press("<Enter>");
    let reader = screen.model.reader.as_mut().unwrap();
    let mut messages = reader.messages.clone().unwrap();
    change(messages.last_mut().unwrap());
    let row = reader.row.clone();
    reader.take(Thread { row, messages });
    // What opens next is placed anew.
    screen.resize(100, 30);
    while screen.model.reader.as_ref().unwrap().current + 1
        < screen.model.reader.as_ref().unwrap().messages.as_ref().unwrap().len()
    {
        screen.press("n");
    }
    screen
}

fn with_links(message: &mut Message) {
    "Sign in at bank.example [1] or here [2], www.plain.test\n\n\
     [1] https://evil.test/bank.example\n[2] https://good.test/a"
        .clone_into(&mut message.text);
    let anchor = |n, text: &str| Anchor { n, text: text.to_owned() };
    message.facts.links = vec![anchor(1, "bank.example"), anchor(2, "here")];
}

fn opened(screen: &Screen) -> Vec<&str> {
    let links = screen.desk.iter().filter_map(|ask| match ask {
        DeskAsk::OpenLink(target) => Some(target.as_str()),
        _ => None,
    });
    links.collect()
}

#[test]
fn a_link_is_chosen_by_its_number_and_opened() {
    let mut screen = reading(with_links);
    let text = screen.text();
    assert!(text.contains("[2] https://good.test/a"), "{text}");
    assert!(text.contains("! its text names another place"), "{text}");
    screen.press("L");
    assert_eq!(screen.model.context(), Context::Links);
    let text = screen.text();
    for shown in ["3 links", "bank.example  evil.test", "here  good.test", "www.plain.test"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    screen.press("2<Enter>");
    assert_eq!(opened(&screen), ["https://good.test/a"]);
    assert_eq!(screen.model.context(), Context::Reader);
    screen.press("L3<Enter>");
    assert_eq!(opened(&screen), ["https://good.test/a", "http://www.plain.test/"]);
}

#[test]
fn a_link_with_a_warning_is_opened_by_the_second_press_only() {
    let mut screen = reading(with_links);
    screen.press("L1<Enter>");
    assert!(opened(&screen).is_empty());
    let text = screen.text();
    assert!(text.contains("https://evil.test/bank.example"), "{text}");
    assert!(text.contains("Enter again opens it"), "{text}");
    screen.press("jk<Enter>");
    assert!(opened(&screen).is_empty(), "it was left meanwhile");
    screen.press("<Enter>");
    assert_eq!(opened(&screen), ["https://evil.test/bank.example"]);
    screen.press("L1y<Esc>");
    assert_eq!(screen.copied, ["https://evil.test/bank.example"]);
    assert!(screen.model.layers.is_empty());
}

#[test]
fn the_links_begin_at_the_first_in_sight_whatever_their_texts_say() {
    let mut screen = reading(|message| {
        // "m" and "e" stand in any head, and the text has a number of its own.
        "Pay here [1], not [3]\n\nm [2] e [3]\n\n[1] https://a.test/\n[2] mailto:b@b.test\n\
         [3] https://c.test/"
            .clone_into(&mut message.text);
        let anchor = |n, text: &str| Anchor { n, text: text.to_owned() };
        message.facts.links = vec![anchor(1, "here"), anchor(2, "m"), anchor(3, "e")];
    });
    screen.press("L<Enter>");
    assert_eq!(opened(&screen), ["https://a.test/"]);
    // Below the first, the next in sight.
    let mut screen = reading(|message| {
        let far = "\n".repeat(60);
        message.text =
            format!("m [1]{far}Not [1] this: e [2]{far}\n[1] https://a.test/\n[2] https://b.test/");
        let anchor = |n, text: &str| Anchor { n, text: text.to_owned() };
        message.facts.links = vec![anchor(1, "m"), anchor(2, "e")];
    });
    let reader = screen.model.reader.as_mut().unwrap();
    reader.top = reader.lines.iter().position(|line| line.text.starts_with("Not")).unwrap();
    screen.press("L<Enter>");
    assert_eq!(opened(&screen), ["https://b.test/"]);
}

#[test]
fn what_may_not_be_opened_is_not() {
    let mut screen = reading(|message| {
        "[1] http://\u{301}/".clone_into(&mut message.text);
        message.text = "mailto: x http://a.test:99999/".to_owned();
    });
    screen.press("L");
    assert!(matches!(screen.model.layers[..], [Layer::Links(_)]), "{}", screen.text());
    screen.press("<Enter><Enter>");
    assert!(opened(&screen).is_empty());
    let mut screen = reading(|message| "no link".clone_into(&mut message.text));
    screen.press("L");
    assert!(screen.model.layers.is_empty());
}

#[test]
fn pieces_are_copied() {
    let mut screen = reading(|message| {
        message.message_id = Some("a@b.test".to_owned());
        "the text".clone_into(&mut message.text);
        message.from = vec![Address { name: None, address: "ann@a.test".to_owned() }];
    });
    screen.press("yaytyi");
    assert_eq!(screen.copied, ["ann@a.test", "the text", "<a@b.test>"]);
    let mut screen = reading(|message| message.text = "x".repeat(100_000));
    screen.press("ytyi");
    assert!(screen.copied.is_empty(), "too long, and none");
}

#[test]
fn who_pretends_is_seen_with_the_address_also_when_folded() {
    let name = "boss@bank.example";
    let mut screen = reading(|message| {
        let address = "eve@evil.test".to_owned();
        message.from = vec![Address { name: Some(name.to_owned()), address }];
    });
    let text = screen.text();
    assert!(text.contains("boss@bank.example <eve@evil.test>"), "{text}");
    assert!(text.contains("! the name shows another address"), "{text}");
    screen.press(",");
    let text = screen.text();
    assert!(text.contains("boss@bank.example <eve@evil.test>"), "{text}");
    let mut screen = reading(|message| {
        let (name, address) = ("x".repeat(300), "eve@evil.test".to_owned());
        message.from = vec![Address { name: Some(name), address }];
    });
    screen.draw();
    assert!(screen.text().contains("<eve@evil.test>"), "{}", screen.text());
}

#[test]
fn all_senders_are_seen_and_marked() {
    let address = |address: &str| Address { name: None, address: address.to_owned() };
    let mut screen = reading(|message| {
        message.from = vec![address("boss@bank.example"), address("eve@evil.test")];
    });
    let both = "boss@bank.example, eve@evil.test";
    let text = screen.text();
    assert!(text.contains(&format!("2 senders <{both}>")), "{text}");
    assert!(text.contains(&format!("from {both}")), "{text}");
    assert!(text.contains("! it names more than one sender"), "{text}");
    screen.press(",");
    assert!(screen.text().contains(&format!("2 senders <{both}>")), "{}", screen.text());
}

#[test]
fn the_end_of_a_long_address_is_seen() {
    for long in [
        format!("{}@evil.test", "a".repeat(300)),
        format!("x@bank.example.{}evil.test", "long.".repeat(50)),
    ] {
        let from = Address { name: None, address: long };
        let mut screen = reading(|message| message.from = vec![from]);
        screen.resize(80, 24);
        let text = screen.text();
        let head = text.lines().find(|line| line.contains('▸')).unwrap_or_default();
        assert!(head.contains("evil.test"), "{text}");
    }
}

#[test]
fn what_the_program_says_is_marked_where_text_cannot_stand() {
    let said = "verified (mx.b.test says dmarc pass)";
    let screen = reading(|message| {
        message.text = format!("{said}\n┊ {said}\n── a message in the message ──\n\ntwo");
        let at = message.text.find("two").unwrap();
        message.facts.parts = vec![PartStart { at, message: true }];
        message.from = vec![Address { name: None, address: "x@a.test".to_owned() }];
        message.facts.auth = Some(Auth { by: "mx.b.test".to_owned(), ..Auth::default() });
    });
    let text = screen.text();
    let marked = |line: &&str| line.starts_with('┊');
    let ours: Vec<&str> = text.lines().filter(marked).collect();
    assert!(ours.contains(&"┊  unverified (mx.b.test says nothing)"), "{text}");
    assert!(ours.iter().any(|line| line.starts_with("┊  ── a message")), "{text}");
    assert!(!ours.iter().any(|line| line.contains("dmarc pass")), "{text}");
    assert!(text.contains(&format!("\n   {said}")), "{text}");
}

#[test]
fn a_line_that_imitates_a_target_is_not_marked() {
    let screen = reading(|message| {
        let text = "in [1]\n[1] https://bank.test/\n\n[1] https://evil.test/";
        text.clone_into(&mut message.text);
        let at = text.rfind("[1]").unwrap();
        message.facts.lists = vec![Targets { at, to: text.len() }];
        message.facts.links = vec![Anchor { n: 1, text: "in".to_owned() }];
        message.defects = vec!["hidden-in-address".to_owned()];
    });
    let text = screen.text();
    assert!(text.contains("\n┊  [1] https://evil.test/"), "{text}");
    assert!(text.contains("\n   [1] https://bank.test/"), "{text}");
    assert!(text.contains("! an address of it had signs that cannot be seen"), "{text}");
}

#[test]
fn a_page_in_the_place_of_a_text_is_told_with_the_key_that_shows_that() {
    let screen = reading(|message| message.facts.page_instead = true);
    let text = screen.text();
    assert!(text.contains("┊  its page is shown: its plain text says nearly nothing"), "{text}");
    assert!(!reading(|_| ()).text().contains("its page"));
}

#[test]
fn parts_that_are_not_read_are_told_with_the_key_that_shows_them() {
    let screen = reading(|message| {
        message.defects = vec!["too-many-parts".to_owned()];
        message.text.clear();
    });
    let text = screen.text();
    assert!(text.contains("┊  ! its parts are too many, or too deep in each other"), "{text}");
    assert!(text.contains("H shows it as it came"), "{text}");
    let screen = reading(|message| message.defects = vec!["date-missing".to_owned()]);
    let text = screen.text();
    assert!(!text.contains("too deep"), "{text}");
}

#[test]
fn a_number_in_the_text_is_the_one_in_the_box() {
    let mut screen = reading(|message| {
        "a [1] b [1] c [2]\n\n[1] https://good.test\\@evil.test/\n[2] http:two.test/x"
            .clone_into(&mut message.text);
        let anchor = |n, text: &str| Anchor { n, text: text.to_owned() };
        message.facts.links = vec![anchor(1, "a"), anchor(1, "b"), anchor(2, "c")];
    });
    let text = screen.text();
    assert!(text.contains("[1] https://good.test/@evil.test/"), "{text}");
    assert!(text.contains("[2] http://two.test/x"), "{text}");
    screen.press("L");
    assert!(screen.text().contains("2 links"), "{}", screen.text());
    screen.press("2<Enter>L1<Enter>");
    assert_eq!(opened(&screen), ["http://two.test/x", "https://good.test/@evil.test/"]);
}

#[test]
fn facts_are_shown_beside_the_text() {
    let screen = reading(|message| {
        "one\n\nFrom: Bob\n\ntwo".clone_into(&mut message.text);
        message.facts.parts = vec![PartStart { at: 5, message: true }];
        message.facts.html = Some(LeftOut { hidden: 12, trackers: 3, remote: 1, inside: 0 });
        message.from = vec![Address { name: None, address: "x@a.test".to_owned() }];
        message.facts.auth = Some(Auth {
            by: "mx.b.test".to_owned(),
            dmarc: Some("fail".to_owned()),
            from: Some("a.test".to_owned()),
            ..Auth::default()
        });
    });
    let text = screen.text();
    for shown in [
        "── a message in the message ─",
        "3 trackers, 12 hidden words left out · remote images not loaded",
        "! FORGED? (mx.b.test says dmarc fail)",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
}

#[test]
fn what_is_known_of_a_message_changes_below_the_same_text() {
    let outline = crate::id::BlobHash::try_from("a".repeat(64)).unwrap();
    let mut screen = reading(|message| message.outline = Some(outline));
    let mut check = |change: &dyn Fn(&mut Message), shown: &str| {
        let reader = screen.model.reader.as_mut().unwrap();
        let mut messages = reader.messages.clone().unwrap();
        change(messages.last_mut().unwrap());
        let row = reader.row.clone();
        reader.take(Thread { row, messages });
        screen.resize(100, 32);
        let text = screen.text();
        assert!(shown.is_empty() || text.contains(shown), "{shown}: {text}");
        assert_eq!(text.contains("at its mail server"), shown.contains("rest"), "{text}");
    };
    check(&|_| (), "the rest is at its mail server");
    check(&|message| message.wanted = true, "fetching the rest");
    check(&|message| message.outline = None, "");
    check(&|message| message.copies = 1, "1 other copy");
    check(
        &|message| message.facts.html = Some(LeftOut { trackers: 2, ..LeftOut::default() }),
        "2 t",
    );
}

/// What of the reader leads somewhere: the text, and where to.
fn anchors(screen: &Screen) -> Vec<(String, String)> {
    let shown = crate::ui::view::anchors(&screen.model);
    let shown = shown.into_iter().filter(|anchor| anchor.is_shown(screen.buffer()));
    let target = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        let (_, rest) = text.split_once("\x1b]8;id=").unwrap();
        rest.split_once(';').unwrap().1.trim_end_matches("\x1b\\").to_owned()
    };
    shown.map(|anchor| (anchor.text.clone(), target(anchor.begin()))).collect()
}

#[test]
fn links_lead_where_the_whole_of_them_leads() {
    let long = format!("https://example.org/{}", "word-and/".repeat(14));
    let text = format!(
        "See https://example.org/a?b=1, or www.example.net.\n\nAnd {long} behind it.\n\n\
         > quoted {long}\n\nNot https://exаmple.org/x nor http://1.2.3.4/ \
         nor javascript:alert(1) nor \u{202e}https://moc.elpmaxe/ ."
    );
    let mut screen = reading(move |message| {
        message.text.clone_from(&text);
        message.attachments.clear();
    });
    for (columns, rows) in [(80, 50), (200, 50), (40, 60)] {
        screen.resize(columns, rows);
        let found = anchors(&screen);
        let of = |target: &str| -> String {
            let parts = found.iter().filter(|(_, to)| to == target);
            parts.map(|(said, _)| said.as_str()).collect()
        };
        let shown = screen.text();
        assert_eq!(of("https://example.org/a?b=1"), "https://example.org/a?b=1", "{shown}");
        assert_eq!(of("http://www.example.net/"), "www.example.net");
        assert_eq!(of(&long), long.repeat(2), "{columns}: {found:?}\n{shown}");
        assert!(!found.iter().any(|(said, _)| said.contains("mple.org/x")), "{found:?}");
        assert!(!found.iter().any(|(_, to)| to.contains("1.2.3.4") || to.contains("script")));
    }
    // What lies on top is no link, nor what is under it.
    screen.press("?");
    assert_eq!(anchors(&screen), []);
}

#[test]
fn numbers_of_links_lead_where_their_list_says() {
    use crate::mail::{Anchor, Targets};
    let text = "Read the figures [1] or write [2].\n\n[1] https://example.org/figures\n\
                [2] mailto:ann@example.org\n";
    let at = text.find("[1] https").unwrap();
    let screen = reading(move |message| {
        text.clone_into(&mut message.text);
        message.facts.links = vec![
            Anchor { n: 1, text: "the figures".to_owned() },
            Anchor { n: 2, text: "write".to_owned() },
        ];
        message.facts.lists = vec![Targets { at, to: text.len() }];
    });
    let found = anchors(&screen);
    let figures = "https://example.org/figures";
    let said: Vec<(&str, &str)> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let expected = [
        ("the figures [1]", figures),
        ("write [2]", "mailto:ann@example.org"),
        ("[1] https://example.org/figures", figures),
        ("[2] mailto:ann@example.org", "mailto:ann@example.org"),
    ];
    assert_eq!(said, expected, "{}", screen.text());
}
