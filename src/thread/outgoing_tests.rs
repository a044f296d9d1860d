//! What is written and sent, step by step.

use super::*;

fn id(text: &str) -> EventId {
    EventId::try_from(text).unwrap()
}

/// `s1`, `s2<s1` save; `-s1` discards; `q1:s1` queues, `q2:s1*q1` again; `xq1` cancels;
/// `cq1:s1` claims; `dq1:s1` sent; `fq1`, `tq1`, `uq1` failed for good, for now, unknown.
fn step(word: &str) -> (EventId, Step) {
    let title = Title::default();
    let unnamed = || id(&format!("e-{}", word.replace([':', '<', '*'], "-")));
    let two = |text: &str| {
        let (queued, save) = text.split_once(':').unwrap();
        (id(queued), id(save))
    };
    match word.split_at(1) {
        ("s", _) => {
            let (save, from) =
                word.split_once('<').map_or((word, None), |(save, from)| (save, Some(id(from))));
            (id(save), Step::Saved { from, title })
        }
        ("-", save) => (unnamed(), Step::Discarded(id(save))),
        ("q", _) => {
            let (queued, rest) = word.split_once(':').unwrap();
            let (save, again) =
                rest.split_once('*').map_or((rest, None), |(save, q)| (save, Some(id(q))));
            let save = id(save);
            let message_id = String::new();
            (id(queued), Step::Queued { save, message_id, title, hold: 10, send_at: None, again })
        }
        ("x", queued) => (unnamed(), Step::Cancelled(id(queued))),
        ("c", rest) => {
            let (queued, save) = two(rest);
            (unnamed(), Step::Claimed { queued, save, title })
        }
        ("d", rest) => {
            let (queued, save) = two(rest);
            (unnamed(), Step::Sent { queued, save, refused: Vec::new() })
        }
        (kind, queued) => {
            let why = String::new();
            let stage = match kind {
                "f" => Stage::Failed { why },
                "t" => Stage::Waiting { retry_at: Some(9), why },
                _ => Stage::Unknown { why },
            };
            (unnamed(), Step::Failed { queued: id(queued), stage })
        }
    }
}

fn check(words: &str, expected: &str) {
    let mut outgoing = Outgoing::default();
    for word in words.split(' ') {
        let (event, step) = step(word);
        outgoing.apply(&event, &step);
    }
    let drafts = outgoing.drafts.iter().map(|line| format!("{}={}", line.draft, line.save));
    let items = outgoing.items.iter().map(|item| {
        let stage = match &item.stage {
            Stage::Waiting { retry_at: None, .. } => "waiting",
            Stage::Waiting { .. } => "again",
            Stage::Claimed => "claimed",
            Stage::Failed { .. } => "failed",
            Stage::Unknown { .. } => "unknown",
        };
        format!("{}:{}:{stage}", item.queued, item.save)
    });
    let shown: Vec<String> = drafts.chain(items).collect();
    assert_eq!(shown.join(" "), expected, "{words}");
}

#[test]
fn a_save_from_another_than_the_current_one_is_a_second_draft() {
    check("s1", "s1=s1");
    check("s1 s2<s1 s3<s2", "s1=s3");
    check("s1 s2<s1 s3<s1", "s1=s2 s3=s3");
    check("s1 s2<s1 s3<s1 s4<s3 s5<s2", "s1=s5 s3=s4");
    check("s1 -s1", "");
    check("s1 s2<s1 -s1", "s1=s2");
    check("s1 -s1 s2<s1", "s2=s2");
}

#[test]
fn what_went_to_some_only_stays_until_that_was_seen() {
    let sent = |retried: &[bool], then: &str| {
        let mut outgoing = Outgoing::default();
        for word in ["s1", "q1:s1", "cq1:s1"] {
            let (event, step) = step(word);
            outgoing.apply(&event, &step);
        }
        let to = |retried: &bool| RefusedTo {
            address: "a@x".to_owned(),
            reason: "no".to_owned(),
            retried: *retried,
        };
        let refused = retried.iter().map(to).collect();
        let sent = Step::Sent { queued: id("q1"), save: id("s1"), refused };
        outgoing.apply(&id("sent"), &sent);
        for word in then.split(' ').filter(|word| !word.is_empty()) {
            let (event, step) = step(word);
            outgoing.apply(&event, &step);
        }
        // Said again it is no news.
        outgoing.apply(&id("sent"), &sent);
        (outgoing.items.len(), outgoing.partly.len(), outgoing.drafts.len())
    };
    assert_eq!(sent(&[], ""), (0, 0, 0));
    assert_eq!(sent(&[true], ""), (0, 0, 0), "it is tried again by itself");
    assert_eq!(sent(&[true, false], ""), (0, 1, 0));
    assert_eq!(sent(&[false], "xq1"), (0, 1, 0), "it was sent");
    assert_eq!(sent(&[false], "-s1"), (0, 0, 0));
}

#[test]
fn what_was_sent_before_is_known_whatever_became_of_its_row() {
    let before = |words: &str| {
        let mut outgoing = Outgoing::default();
        for word in words.split(' ') {
            let (event, step) = step(word);
            outgoing.apply(&event, &step);
        }
        outgoing.before().map(|(id, surely)| format!("{id} {surely}")).unwrap_or_default()
    };
    assert_eq!(before("s1 q1:s1"), "");
    assert_eq!(before("s1 q1:s1 cq1:s1 uq1"), "q1 false");
    assert_eq!(before("s1 q1:s1 cq1:s1 uq1 xq1"), "q1 false");
    assert_eq!(before("s1 q1:s1 cq1:s1 uq1 xq1 dq1:s1"), "q1 true");
    assert_eq!(before("s1 q1:s1 cq1:s1 fq1 xq1"), "");
}

#[test]
fn what_is_queued_is_that_save_and_no_other() {
    check("s1 q1:s1", "q1:s1:waiting");
    check("s1 q1:s1 xq1", "s1=s1");
    check("s1 s2<s1 q1:s1", "s1=s2 q1:s1:waiting");
    check("s1 q1:s1 s2<s1", "s2=s2 q1:s1:waiting");
    check("s1 q1:s1 cq1:s1 dq1:s1", "");
    check("s1 q1:s1 cq1:s1 tq1", "q1:s1:again");
    check("s1 q1:s1 cq1:s1 tq1 xq1", "s1=s1");
    check("s1 q1:s1 cq1:s1 fq1 s2<s1", "s1=s2");
    check("s1 q1:s1 cq1:s1 uq1 s2<s1", "s2=s2 q1:s1:unknown");
    check("s1 q1:s1 cq1:s1 uq1 q2:s1*q1", "q2:s1:waiting");
    check("s1 q1:s1 cq1:s1 q2:s1*q1", "q1:s1:claimed q2:s1:waiting");
}

#[test]
fn a_claim_stands_above_what_cancels_it_in_any_order() {
    check("s1 q1:s1 cq1:s1 xq1", "q1:s1:claimed");
    check("s1 q1:s1 xq1 cq1:s1", "q1:s1:claimed");
    check("s1 cq1:s1 q1:s1 xq1", "q1:s1:claimed");
    check("s1 q1:s1 xq1 dq1:s1", "");
    check("s1 dq1:s1 q1:s1", "");
    check("s1 dq1:s1 cq1:s1 q1:s1", "");
    check("dq1:s1 q1:s1 s1", "s1=s1");
    check("s1 q1:s1 dq1:s1 cq1:s1", "");
}
