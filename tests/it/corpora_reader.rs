//! Every message of the corpora as the reader shows it: nothing of its text is lost on the way, and
//! nothing in it can reach a terminal as anything but text.

use mailtui::engine::view::{Message, Row, Thread};
use mailtui::id::{MessageId, ThreadId};
use mailtui::label::Place;
use mailtui::mail::links::{host, links};
use mailtui::mail::{Parsed, SortFrom, parse};
use mailtui::ui::reader::{Kind, Reader};

use crate::support::corpora::{corpus, files};

/// Widths that are tried, in columns, each on every other message.
const WIDTHS: [usize; 2] = [40, 110];
/// Bytes of a file up to which it is read as one message.
const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;

#[test]
fn what_is_read_is_shown_and_is_only_text() {
    let Some(root) = corpus("") else { return };
    let (mut messages, mut left_out, mut numbered) = (0, 0, 0);
    let files = files(&root).into_iter().filter(|path| !path.starts_with(root.join("oracle")));
    for path in files {
        if path.metadata().expect("a file").len() > MAX_FILE_BYTES {
            continue;
        }
        let parsed = parse(&std::fs::read(&path).expect("readable"));
        let name = path.display().to_string();
        left_out += parsed.facts.html.map_or(0, |html| html.hidden + html.trackers + html.remote);
        numbered += parsed.facts.links.len();
        check(&name, &parsed, WIDTHS[messages % WIDTHS.len()]);
        messages += 1;
    }
    assert!(messages > 1_000, "{messages} messages");
    // A rule that finds nothing anywhere would not be one.
    assert!(left_out > 0 && numbered > 0, "left out {left_out}, links {numbered}");
}

fn check(name: &str, parsed: &Parsed, width: usize) {
    let all = links(&parsed.text, &parsed.facts);
    let mut reader = Reader::new(row(), 0);
    reader.take(Thread { row: row(), messages: vec![message(parsed)] });
    reader.lay_out(width, 20, &jiff::tz::TimeZone::UTC, 0);
    // A long quote is a line that says how long it is, until a key unfolds it.
    let folded = reader.lines.iter().filter(|line| line.kind == Kind::Folded).count();
    reader.turn_quotes();
    reader.lay_out(width, 20, &jiff::tz::TimeZone::UTC, 0);
    assert!(folded == 0 || reader.lines.iter().all(|line| line.kind != Kind::Folded), "{name}");
    let lines = || reader.lines.iter().filter(|line| line.kind != Kind::Rule);
    for line in &reader.lines {
        let bad = line.text.chars().find(|c| c.is_control());
        assert_eq!(bad, None, "{name}: {:?}", line.text);
    }
    // Wrapped and parted again, the text is all there, but for targets: those are in the box.
    let squeezed = |text: &str| -> String {
        text.chars().filter(|c| !c.is_whitespace() && *c != '>').collect()
    };
    let shown = squeezed(&lines().map(|line| line.text.as_str()).collect::<Vec<_>>().join(""));
    let mut at = 0;
    for line in parsed.text.lines() {
        let listed = mailtui::mail::links::listed(line);
        if let Some((_, target)) = listed {
            let target = mailtui::mail::links::normal(target);
            let known = all.iter().any(|link| link.target == target);
            assert!(known || all.len() >= 1_000, "{name}: {target} is in no box");
        } else {
            let line = squeezed(line);
            let found = shown[at..].find(&line);
            assert!(found.is_some(), "{name} at {width}: {line:?} is not shown in its place");
            at += found.unwrap_or(0) + line.len();
        }
    }
    for link in &all {
        let host = host(&link.target).unwrap_or_default();
        let clean = |text: &str| !text.chars().any(char::is_control);
        assert!(clean(&host) && clean(&link.text) && clean(&link.target), "{name}: {link:?}");
    }
}

fn row() -> Row {
    Row {
        thread: ThreadId::try_from("aaaaaaaaaaaaaaaaaaaa").expect("an id"),
        members: Vec::new(),
        subject: None,
        participants: Vec::new(),
        last_activity: 0,
        labels: Vec::new(),
        place: Place::Inbox,
        message_count: 1,
        unread_count: 1,
        starred: false,
        muted: false,
        has_attachment: false,
        snoozed_until: None,
        snippet: String::new(),
    }
}

fn message(parsed: &Parsed) -> Message {
    Message {
        id: MessageId::try_from("aaaaaaaaaaaaaaaaaaaa").expect("an id"),
        thread: row().thread,
        message_id: parsed.message_id.clone(),
        from: parsed.from.clone(),
        to: parsed.to.clone(),
        cc: parsed.cc.clone(),
        bcc: parsed.bcc.clone(),
        reply_to: parsed.reply_to.clone(),
        date: parsed.date,
        sort_date: parsed.date.unwrap_or(0),
        sort_from: SortFrom::Date,
        subject: parsed.subject.clone(),
        text: parsed.text.clone(),
        facts: parsed.facts.clone(),
        flags: mailtui::mail::Flags::default(),
        attachments: parsed.attachments.clone(),
        copies: 0,
        defects: parsed.defects.clone(),
        references: Vec::new(),
        raw: None,
        outline: None,
        wanted: false,
        size: 0,
    }
}
