//! Messages of the engine's double.

use super::double::people;
use crate::engine::view::{Message, Row};
use crate::id::MessageId;
use crate::mail::{Attachment, Flags, SortFrom};

/// A message of a row.
pub(super) fn sample_message(row: &Row, at: u64) -> Message {
    let last = at + 1 == row.message_count;
    let writers = row.participants.len().max(1) as u64;
    let from = row.participants.get(usize::try_from(at % writers).unwrap()).cloned();
    let quoted = "> Could you send me the figures before the meeting? I would like to read them\n\
                  > on the train.\n>\n>> Of course.\n";
    let text = format!(
        "Hello,\n\n{}. This line is rather long, so that a window of the usual width has to wrap \
         it somewhere near its right edge, as mail from the web often makes it necessary.\n\n\
         {}\nSee https://example.org/figures for the rest.\n\n-- \nMessage {at}\n",
        row.snippet,
        if at > 0 { quoted } else { "" },
    );
    Message {
        id: MessageId::try_from(format!("{}-m{at}", row.thread)).unwrap(),
        thread: row.thread.clone(),
        message_id: None,
        from: from.into_iter().collect(),
        to: people("Me"),
        cc: if last { people("Bob Builder") } else { Vec::new() },
        bcc: Vec::new(),
        reply_to: Vec::new(),
        date: Some(row.last_activity),
        sort_date: row.last_activity - i64::try_from(row.message_count - at - 1).unwrap() * 7_200,
        sort_from: SortFrom::Date,
        subject: row.subject.clone(),
        text,
        facts: crate::mail::Facts::default(),
        flags: Flags {
            read: at + row.unread_count < row.message_count,
            starred: row.starred && last,
            ..Flags::default()
        },
        attachments: if row.has_attachment && last {
            vec![Attachment {
                name: Some("figures-q3.ods".to_owned()),
                media_type: "application/vnd.oasis.opendocument.spreadsheet".to_owned(),
                size: 48_213,
            }]
        } else {
            Vec::new()
        },
        references: Vec::new(),
        raw: None,
        outline: None,
        wanted: false,
        size: 0,
        copies: 0,
        defects: if at == 1 { vec!["date-missing".to_owned()] } else { Vec::new() },
    }
}
