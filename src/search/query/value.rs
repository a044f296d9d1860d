//! What stands behind the operators that have words of their own: `is:unread`, `in:trash`,
//! `has:attachment`, and those that mean a query in other words.
//!
//! Invariant: the first name of a row is the one that is shown and printed.

use super::{Field, State, Test, Thing, Where};
use crate::label::Place;

/// What a value means.
#[derive(Debug, Clone, Copy)]
pub(in crate::search) enum Meaning {
    Place(Place),
    All,
    Anywhere,
    System(&'static str),
    Is(State),
    Has(Thing),
    /// It does not have it.
    Lacks(Thing),
    /// A label, by its name.
    Label(&'static str),
    /// Any of these words in a text.
    Words(Field, &'static [&'static str]),
}

/// A value as it is known.
#[derive(Debug, Clone, Copy)]
pub(in crate::search) struct Row {
    pub(in crate::search) names: &'static [&'static str],
    pub(in crate::search) meaning: Meaning,
    pub(in crate::search) what: &'static str,
}

const fn row(names: &'static [&'static str], meaning: Meaning, what: &'static str) -> Row {
    Row { names, meaning, what }
}

/// What may stand behind `in:`, beside labels.
pub(in crate::search) const IN: &[Row] = &[
    row(&["inbox"], Meaning::Place(Place::Inbox), "waits for you"),
    row(&["archive", "archived", "done"], Meaning::Place(Place::Archive), "done, kept"),
    row(&["sent"], Meaning::System("sent"), "what you sent"),
    row(&["drafts", "draft"], Meaning::System("drafts"), "what you are writing"),
    row(&["trash", "bin", "deleted"], Meaning::Place(Place::Trash), "thrown away"),
    row(&["spam", "junk"], Meaning::Place(Place::Spam), "unwanted"),
    row(&["anywhere"], Meaning::Anywhere, "everything, with trash and spam"),
    row(&["all"], Meaning::All, "everything but trash and spam"),
    row(&["snoozed"], Meaning::System("snoozed"), "comes back later"),
    row(&["starred"], Meaning::Is(State::Starred), "with a star"),
    row(&["unread"], Meaning::Is(State::Unread), "not read"),
    row(&["muted"], Meaning::System("muted"), "muted"),
    row(&["outbox", "scheduled"], Meaning::System("outbox"), "waits to be sent"),
];

/// What may stand behind `is:`.
pub(in crate::search) const IS: &[Row] = &[
    row(&["unread", "new", "unseen"], Meaning::Is(State::Unread), "not read"),
    row(&["read", "seen"], Meaning::Is(State::Read), "read"),
    row(&["starred", "flagged"], Meaning::Is(State::Starred), "with a star"),
    row(&["unstarred", "unflagged"], Meaning::Is(State::Unstarred), "without a star"),
    row(&["snoozed"], Meaning::Is(State::Snoozed), "comes back later"),
    row(&["muted"], Meaning::Is(State::Muted), "muted"),
    row(&["important"], Meaning::Label("important"), "with Gmail's label Important"),
    row(&["inbox"], Meaning::Place(Place::Inbox), "in the inbox"),
    row(&["archived", "done"], Meaning::Place(Place::Archive), "done, kept"),
    row(&["sent"], Meaning::System("sent"), "what you sent"),
    row(&["draft", "drafts"], Meaning::System("drafts"), "what you are writing"),
    row(&["spam", "junk"], Meaning::Place(Place::Spam), "unwanted"),
    row(&["trash", "trashed", "deleted"], Meaning::Place(Place::Trash), "thrown away"),
    row(&["scheduled"], Meaning::System("outbox"), "waits to be sent"),
];

/// What may stand behind `has:`.
pub(in crate::search) const HAS: &[Row] = &[
    row(&["attachment", "attachments", "file"], Meaning::Has(Thing::Attachment), "a file with it"),
    row(&["userlabels", "userlabel", "label"], Meaning::Has(Thing::UserLabel), "any label"),
    row(&["nouserlabels", "nouserlabel", "nolabel"], Meaning::Lacks(Thing::UserLabel), "no label"),
    row(&["star", "yellow-star"], Meaning::Is(State::Starred), "a star"),
    row(&["pdf"], Meaning::Words(Field::Filename, &["pdf"]), "a PDF with it"),
    row(&["image", "photo"], Meaning::Words(Field::Filename, IMAGES), "a picture with it"),
    row(&["document"], Meaning::Words(Field::Filename, DOCUMENTS), "a document with it"),
    row(&["spreadsheet"], Meaning::Words(Field::Filename, SHEETS), "a spreadsheet with it"),
    row(&["presentation"], Meaning::Words(Field::Filename, SLIDES), "slides with it"),
    row(&["calendar", "invite"], Meaning::Words(Field::Filename, &["ics"]), "an invitation"),
    row(&["drive"], Meaning::Words(Field::Any, DRIVE), "a link to Google Drive"),
    row(&["youtube"], Meaning::Words(Field::Any, &["youtube", "youtu.be"]), "a link to YouTube"),
];

const IMAGES: &[&str] = &["jpg", "jpeg", "png", "gif", "webp", "heic", "tif", "tiff", "svg"];
const DOCUMENTS: &[&str] = &["doc", "docx", "odt", "rtf", "pages"];
const SHEETS: &[&str] = &["xls", "xlsx", "ods", "csv", "numbers"];
const SLIDES: &[&str] = &["ppt", "pptx", "odp", "key"];
const DRIVE: &[&str] = &["drive.google.com", "docs.google.com"];

/// The meaning of a value among `rows`, in any case.
pub(super) fn find(rows: &[Row], value: &str) -> Option<Meaning> {
    let value = value.to_ascii_lowercase();
    rows.iter().find(|row| row.names.contains(&value.as_str())).map(|row| row.meaning)
}

impl Meaning {
    /// What is asked, and whether it is to be absent. More than one is any of them.
    pub(super) fn tests(self) -> (Vec<Test>, bool) {
        let one = |test| (vec![test], false);
        match self {
            Self::Place(place) => one(Test::In(Where::Place(place))),
            Self::All => one(Test::In(Where::All)),
            Self::Anywhere => one(Test::In(Where::Anywhere)),
            Self::System(id) => one(Test::In(Where::System(id))),
            Self::Is(state) => one(Test::Is(state)),
            Self::Has(thing) => one(Test::Has(thing)),
            Self::Lacks(thing) => (vec![Test::Has(thing)], true),
            Self::Label(name) => one(Test::Label(name.to_owned())),
            Self::Words(field, words) => {
                let text = |word: &&str| {
                    let words = crate::search::words::folded(word);
                    Test::Text { field, words, prefix: false }
                };
                (words.iter().map(text).collect(), false)
            }
        }
    }
}
