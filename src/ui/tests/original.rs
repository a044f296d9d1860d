//! What the message that is answered says in its header, and its files: answers to lists, leaving
//! them, forwards.

use std::collections::BTreeMap;

use super::compose::writer;
use crate::command::intent::Intent;
use crate::engine::handle::{Request, Update};
use crate::engine::original::{Head, Original, OriginalAsk, Want};
use crate::id::BlobHash;
use crate::mail::compose::{Attached, Person};
use crate::mail::{Address, Attachment};
use crate::notice::Notice;
use crate::ui::app::{Layer, Message};
use crate::ui::compose::desk::{DeskAsk, DeskSaid};
use crate::ui::double::NOW_MS;
use crate::ui::harness::Screen;

/// A reader on a message whose bytes can be asked for; the double answers nothing of them.
fn reading(change: impl Fn(&mut crate::engine::view::Message)) -> Screen {
    let mut screen = writer();
    screen.press("<Enter>");
    let messages = screen.model.reader.as_mut().unwrap().messages.as_mut().unwrap();
    for message in messages {
        message.raw = BlobHash::try_from(format!("{:064x}", message.id.as_str().len())).ok();
        message.size = 2_000;
        change(message);
    }
    screen.paused = true;
    screen
}

/// What was asked of messages and is not answered.
fn asked(screen: &mut Screen) -> Vec<OriginalAsk> {
    let mut asked = Vec::new();
    screen.waiting.retain(|request| match request {
        Request::Original(ask) => {
            asked.push(ask.clone());
            false
        }
        _ => true,
    });
    asked
}

fn answer(screen: &mut Screen, ask: &OriginalAsk, raw: Option<&str>, files: Vec<Attached>) {
    let original = Original {
        ticket: ask.ticket,
        message: ask.message.clone(),
        head: raw.map(|raw| Head::read(raw.as_bytes())),
        files: Ok(files),
    };
    screen.send(Message::Engine(Box::new(Update::Original(Box::new(original)))));
}

/// A reader on a message with this header.
fn headed(raw: &str) -> Screen {
    let mut screen = reading(|_| ());
    screen.send(Message::Time(NOW_MS + 1));
    let asks = asked(&mut screen);
    assert_eq!(asks.len(), 1, "it is asked for while one reads");
    answer(&mut screen, &asks[0], Some(raw), Vec::new());
    screen.send(Message::Time(NOW_MS + 2));
    assert_eq!(asked(&mut screen).len(), 0, "and not again");
    screen
}

fn draft(screen: &Screen) -> crate::mail::compose::Draft {
    screen.model.writing.open.as_ref().expect("a composer").draft()
}

const LIST: &str = "List-Post: <mailto:list@lists.example>\n\
    Mail-Followup-To: list@lists.example, cy@x.example\n\
    List-Unsubscribe: <https://lists.example/off?id=1>, <mailto:off@lists.example?subject=off>\n";
const CLICK: &str = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n";

#[test]
fn an_answer_to_all_honours_the_header() {
    let mut screen = headed(&format!("{LIST}\n"));
    screen.press("a");
    assert_eq!(draft(&screen).to, "list@lists.example, cy@x.example");
}

#[test]
fn an_answer_waits_for_a_header_that_is_not_here_yet_and_keys_wait_with_it() {
    let mut screen = reading(|message| message.size = 64 * 1024 * 1024);
    screen.send(Message::Time(NOW_MS + 1));
    assert_eq!(asked(&mut screen).len(), 0, "all of a large message is not fetched to look at it");
    screen.press("aHello");
    let asks = asked(&mut screen);
    assert_eq!((asks.len(), &asks[0].want), (1, &Want::Head));
    assert!(screen.text().contains("opening…"));
    answer(&mut screen, &asks[0], Some(&format!("{LIST}\n")), Vec::new());
    assert_eq!(draft(&screen).to, "list@lists.example, cy@x.example");
    assert!(draft(&screen).body.contains("Hello"));
    // Where it does not come the answer begins without it.
    let mut screen = reading(|_| ());
    screen.press("ax");
    screen.send(Message::Time(NOW_MS + 3_000));
    assert!(screen.text().contains("opening…"));
    screen.send(Message::Time(NOW_MS + 5_000));
    assert!(draft(&screen).body.contains('x') && screen.text().contains("look to whom it goes"));
    let mut screen = reading(|_| ());
    screen.press("ax");
    let asks = asked(&mut screen);
    answer(&mut screen, &asks[0], None, Vec::new());
    assert!(draft(&screen).body.contains('x') && screen.text().contains("look to whom it goes"));
    let mut screen = reading(|_| ());
    screen.press("ax<Esc>");
    assert!(screen.model.writing.open.is_none(), "one need not wait");
}

#[test]
fn a_list_is_left_by_one_click_when_that_was_said() {
    let mut screen = headed(&format!("{LIST}{CLICK}\n"));
    assert!(screen.text().contains("g u leave the list"), "{}", screen.text());
    screen.press("gu");
    assert!(screen.text().contains("lists.example is asked to take you off its list."));
    screen.press("<Esc>");
    let left = |screen: &Screen| {
        let of = |ask: &&DeskAsk| matches!(ask, DeskAsk::Leave { .. });
        screen.desk.iter().filter(of).cloned().collect::<Vec<_>>()
    };
    assert!(left(&screen).is_empty(), "nothing is asked without a yes");
    screen.press("gu<Enter>");
    let (url, host) = ("https://lists.example/off?id=1".to_owned(), "lists.example".to_owned());
    assert_eq!(left(&screen), [DeskAsk::Leave { url, host: host.clone() }]);
    let before = screen.model.reader.as_ref().unwrap().top;
    screen.press("jk");
    assert_eq!(screen.model.reader.as_ref().unwrap().top, before, "keys work meanwhile");
    screen.send(Message::Desk(Box::new(DeskSaid::Left(host.clone(), Ok(())))));
    assert!(screen.text().contains("lists.example was asked, and said yes"));
    let no = Notice::error("unreached", "lists.example: no", "try again later");
    screen.send(Message::Desk(Box::new(DeskSaid::Left(host, Err(no)))));
    assert!(screen.text().contains("The list was not left: lists.example: no"));
}

#[test]
fn a_list_is_left_by_a_mail_or_a_page_is_shown() {
    let mut screen = headed(&format!("{LIST}\n"));
    screen.press("gu");
    assert!(screen.text().contains("A mail to off@lists.example"), "{}", screen.text());
    screen.press("<Enter>");
    screen.resume();
    let sent = screen.double.log.iter().filter_map(|intent| match intent {
        Intent::SaveDraft { draft, .. } => Some((draft.to.clone(), draft.from.clone())),
        Intent::Send(order) => Some((order.hold.to_string(), String::new())),
        _ => None,
    });
    let sent: Vec<_> = sent.collect();
    let me = "Me <me@example.org>".to_owned();
    let expected = [("off@lists.example".to_owned(), me), ("10".to_owned(), String::new())];
    assert_eq!(sent, expected);
    assert!(screen.model.writing.open.is_none());
    let mut screen = headed("List-Unsubscribe: <https://lists.example/a-page>\n\n");
    screen.press("gu");
    assert!(screen.text().contains("https://lists.example/a-page"));
    screen.press("<Enter>");
    assert!(screen.model.layers.is_empty() && screen.double.log.len() == 1);
    let mut screen = headed("Subject: s\n\n");
    assert!(!screen.text().contains("leave the list"));
    screen.press("gu");
    assert!(screen.text().contains("does not say how its list is left"));
}

#[test]
fn a_list_is_asked_about_only_while_its_message_is_read() {
    let mut screen = reading(|message| message.size = 64 * 1024 * 1024);
    screen.press("gu");
    let asks = asked(&mut screen);
    let head = format!("{LIST}{CLICK}\n");
    screen.press("<Esc>");
    answer(&mut screen, &asks[0], Some(&head), Vec::new());
    assert!(screen.model.layers.is_empty());
    let mut screen = reading(|message| message.size = 64 * 1024 * 1024);
    screen.press("gu");
    let asks = asked(&mut screen);
    answer(&mut screen, &asks[0], Some(&head), Vec::new());
    assert!(matches!(screen.model.layers[..], [Layer::Leave(_)]));
}

#[test]
fn the_files_of_a_message_go_along_when_it_is_forwarded() {
    let file = |name: &str| Attached {
        name: name.into(),
        media_type: "text/plain".into(),
        hash: BlobHash::try_from("ab").unwrap(),
        size: 2_048,
    };
    let mut screen = reading(|message| {
        let name = Some("a.txt".to_owned());
        let media_type = "text/plain".to_owned();
        message.attachments = vec![Attachment { name, media_type, size: 2_048 }];
    });
    screen.send(Message::Time(NOW_MS + 1));
    let asks = asked(&mut screen);
    answer(&mut screen, &asks[0], Some("\n"), Vec::new());
    screen.press("f");
    assert!(screen.text().contains("1 file, 2 KB (being read…)"), "{}", screen.text());
    screen.press("bob@x.org<C-x>s");
    assert!(screen.model.layers.is_empty(), "it is not sent before they are there");
    let asks = asked(&mut screen);
    assert_eq!((asks.len(), &asks[0].want), (1, &Want::Files));
    answer(&mut screen, &asks[0], Some("\n"), vec![file("a.txt")]);
    assert!(screen.text().contains("1 file goes along with it (2 KB)"));
    assert_eq!(draft(&screen).attachments, [file("a.txt")]);
    screen.press("<C-x>d");
    assert!(draft(&screen).attachments.is_empty());
}

#[test]
fn ones_own_message_is_forwarded_without_whom_it_went_to_in_secret() {
    let eve = || vec![Address { name: None, address: "eve@x.org".into() }];
    let forwarded = |from: &str| {
        let mut screen = reading(|message| {
            message.from = vec![Address { name: None, address: from.into() }];
            message.bcc = eve();
        });
        screen.send(Message::Time(NOW_MS + 1));
        let asks = asked(&mut screen);
        answer(&mut screen, &asks[0], Some("\n"), Vec::new());
        screen.press("F");
        let wants: Vec<Want> = asked(&mut screen).into_iter().map(|ask| ask.want).collect();
        (wants, draft(&screen).attachments.len())
    };
    let (wants, here) = forwarded("me@example.org");
    assert!(matches!(&wants[..], [Want::Whole(name)] if name.contains("eml")), "{wants:?}");
    assert_eq!(here, 0, "what names them is not attached");
    assert_eq!(forwarded("ann@x.org"), (Vec::new(), 1), "what others sent goes as it came");
}

#[test]
fn an_answer_is_written_where_the_account_has_it() {
    for above in [false, true] {
        let mut screen = reading(|message| message.raw = None);
        for me in &mut screen.model.writing.identities {
            (me.above, me.signature) = (above, "Me".into());
        }
        screen.press("rhere");
        let body = draft(&screen).body;
        let at = |what: &str| body.find(what).unwrap_or_else(|| panic!("{what} in {body}"));
        assert_eq!(at("here") < at("\n> "), above, "{body}");
        assert!(at("here") < at("\n-- \nMe"), "{body}");
        let thread = screen.model.reader.as_ref().unwrap().thread().cloned();
        assert_eq!(draft(&screen).near.first(), thread.as_ref());
    }
}

#[test]
fn whoever_was_met_is_proposed_and_whom_one_wrote_to_first() {
    let of = |name: &str, address: &str, count, wrote_to| Person {
        address: Address { name: Some(name.into()), address: address.into() },
        count,
        last: 1,
        wrote_to,
    };
    let mut screen = writer();
    let people = vec![
        of("Zelda Often", "zelda@far.example", 90, false),
        of("Zed Written", "zed@far.example", 1, true),
        of("Me", "me+zeta@example.org", 500, true),
    ];
    screen.send(Message::Engine(Box::new(Update::People(people))));
    screen.press("cze");
    let text = screen.text();
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
    assert!(at("zed@far.example") < at("zelda@far.example"));
    assert!(!text.contains("me+zeta"), "oneself is not proposed");
    screen.press("<Tab>");
    assert_eq!(draft(&screen).to, "Zed Written <zed@far.example>, ");
}

#[test]
fn a_message_begun_before_it_is_known_as_whom_is_written_as_the_first() {
    let me = writer().model.writing.identities.remove(1);
    let me = crate::mail::compose::Identity { signature: "At work".into(), ..me };
    let mut screen = super::keys::screen();
    screen.press("c");
    let told = Update::Writers((vec![me.clone()], std::collections::BTreeMap::new()));
    screen.send(Message::Engine(Box::new(told)));
    let (from, body) = (draft(&screen).from, draft(&screen).body);
    assert_eq!((from.as_str(), body.as_str()), ("Work <me@work.example>", "\n-- \nAt work\n"));
    assert!(screen.model.writing.open.as_ref().unwrap().is_untouched());
    // A file here that names nobody takes nothing away; one that does stands above.
    let desk = |of| Message::Desk(Box::new(DeskSaid::Identities(of, BTreeMap::default())));
    screen.send(desk(Vec::new()));
    assert_eq!(screen.model.writing.identities, [me]);
    let own = writer().model.writing.identities;
    screen.send(desk(own.clone()));
    screen.send(Message::Engine(Box::new(Update::Writers(Default::default()))));
    assert_eq!(screen.model.writing.identities, own);
}
