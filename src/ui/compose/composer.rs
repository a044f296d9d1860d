//! A draft while it is written on: fields, text, focus, and how far it is kept.
//!
//! Invariant: [`Composer::draft`] is all that was typed, half addresses too; what no field shows
//! (what it answers, its ancestors) stays as it was. This file must not ask the engine: `keeping`
//! does.

use std::collections::VecDeque;

use super::area::{Area, At};
use super::noted::Noted;
use super::sending::Plan;
use crate::command::key::Key;
use crate::engine::view::{Message, OutboxRow, SaveRow};
use crate::id::{EventId, ThreadId};
use crate::mail::compose::{AddressError, Completion, Draft, Field};

/// What keys type into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Focus {
    /// From.
    From,
    /// To.
    To,
    /// Cc.
    Cc,
    /// Bcc.
    Bcc,
    /// The subject.
    Subject,
    /// The text.
    Body,
}

impl Focus {
    /// All of them, from the top.
    pub const ALL: [Self; 6] =
        [Self::From, Self::To, Self::Cc, Self::Bcc, Self::Subject, Self::Body];

    /// The address field that it is, if it is one.
    #[must_use]
    pub const fn field(self) -> Option<Field> {
        match self {
            Self::From => Some(Field::From),
            Self::To => Some(Field::To),
            Self::Cc => Some(Field::Cc),
            Self::Bcc => Some(Field::Bcc),
            Self::Subject | Self::Body => None,
        }
    }

    /// The focus of an address field.
    #[must_use]
    pub const fn of(field: Field) -> Self {
        match field {
            Field::From | Field::ReplyTo => Self::From,
            Field::To => Self::To,
            Field::Cc => Self::Cc,
            Field::Bcc => Self::Bcc,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::From => "From",
            Self::To => "To",
            Self::Cc => "Cc",
            Self::Bcc => "Bcc",
            Self::Subject => "Subject",
            Self::Body => "Text",
        }
    }
}

/// Addresses that may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Popup {
    /// What they stand for, and what they are.
    pub found: Completion,
    /// The one under the cursor; none is chosen at first.
    pub cursor: Option<usize>,
}

/// What a composer waits for before keys type into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// The conversation whose message is answered so.
    Thread(ThreadId, super::opening::Answering),
    /// The draft that was asked for under this ticket.
    Draft(u64),
    /// The header of this message, which says who is answered; the ticket, and since when, Unix
    /// milliseconds.
    Original(u64, super::opening::Answering, Box<Message>, i64),
    /// The editor, which has it now.
    Editor,
}

/// What is typed while there is nothing to type into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A key.
    Key(Key),
    /// A text.
    Paste(String),
}

/// What is done with it once it is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Nothing: it was left.
    Rest,
    /// It is sent so.
    Send(Plan),
    /// It is thrown away; an undo brings it back.
    Discard,
}

/// A draft that is open.
#[derive(Debug, Clone)]
pub struct Composer {
    /// Its number in the journal.
    pub slot: i64,
    /// Its store, where it was saved.
    pub thread: Option<ThreadId>,
    /// The save that it goes on from.
    pub from: Option<EventId>,
    /// What of it was refused, and is sent in another form with this.
    pub again: Option<EventId>,
    /// Whether that may have been sent all the same.
    pub doubtful: bool,
    /// The message whose other recipients got it, and whether it is to be sent at once.
    pub rest: Option<(Box<OutboxRow>, bool)>,
    /// What it began with.
    pub begun: Draft,
    /// What no field shows, and what is attached.
    pub base: Draft,
    /// From, To, Cc, Bcc and the subject.
    pub fields: [Area; 5],
    /// The text.
    pub body: Area,
    /// What keys type into.
    pub focus: Focus,
    /// Addresses that may be meant.
    pub popup: Option<Popup>,
    /// Files that are being read: ticket and path.
    pub coming: Vec<(u64, String)>,
    /// Whether what is wrong is shown where one types, too.
    pub strict: bool,
    /// What its last save has; `None` where there is none.
    pub saved: Option<Draft>,
    /// What the save has that is under way.
    pub saving: Option<Draft>,
    /// Its last save that is on disk.
    pub kept: Option<(ThreadId, EventId, Draft)>,
    /// Whether all is decided that is to come of it: it waits for the disk.
    pub done: bool,
    /// What queued it, where it was sent.
    pub order: Option<EventId>,
    /// What the journal has of it.
    pub noted: Noted,
    /// When something was changed that is not in the journal: first and last, Unix milliseconds.
    pub changed: Option<(i64, i64)>,
    /// What it waits for, and the keys that wait with it.
    pub waits: Option<Waits>,
    /// Keys and pastes that wait.
    pub held: VecDeque<Typed>,
    /// What comes once it is saved.
    pub then: Option<Then>,
    /// Every save of its store, newest first.
    pub history: Vec<SaveRow>,
    /// Whether it was said that another device wrote on it.
    pub forks: bool,
    /// Columns of fields and text, and rows of the text, as they were laid out last.
    pub room: (usize, usize, usize),
}

impl Composer {
    /// A composer of `draft`.
    #[must_use]
    pub fn new(slot: i64, draft: Draft) -> Self {
        let field = |text: &str| Area::new(text, false);
        let mut composer = Self {
            slot,
            thread: None,
            from: None,
            again: None,
            doubtful: false,
            rest: None,
            fields: [
                field(&draft.from),
                field(&draft.to),
                field(&draft.cc),
                field(&draft.bcc),
                field(&draft.subject),
            ],
            body: Area::new(&draft.body, true),
            base: draft,
            begun: Draft::default(),
            focus: Focus::To,
            popup: None,
            coming: Vec::new(),
            strict: false,
            saved: None,
            saving: None,
            kept: None,
            done: false,
            order: None,
            noted: Noted::default(),
            changed: None,
            waits: None,
            held: VecDeque::new(),
            then: None,
            history: Vec::new(),
            forks: false,
            room: (60, 72, 10),
        };
        for field in &mut composer.fields {
            field.to_end();
        }
        composer.begun = composer.draft();
        composer.focus = if composer.begun.to.is_empty() { Focus::To } else { Focus::Body };
        composer
    }

    /// Everything that is written.
    #[must_use]
    pub fn draft(&self) -> Draft {
        let [from, to, cc, bcc, subject] = &self.fields;
        Draft {
            from: from.text(),
            to: to.text(),
            cc: cc.text(),
            bcc: bcc.text(),
            subject: subject.text(),
            body: self.body.text(),
            ..self.base.clone()
        }
    }

    /// Puts other words in its place, as one edit of each field.
    pub fn fill(&mut self, draft: Draft) {
        let texts = [&draft.from, &draft.to, &draft.cc, &draft.bcc, &draft.subject];
        for (field, text) in self.fields.iter_mut().zip(texts) {
            field.set(text);
            field.to_end();
        }
        self.body.set(&draft.body);
        self.base = draft;
        self.popup = None;
    }

    /// Whether nothing was written since it was begun.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.saved.is_none() && self.coming.is_empty() && {
            let draft = self.draft();
            draft == self.begun || (draft.is_blank() && self.begun.is_blank())
        }
    }

    /// What one types into.
    pub fn area(&mut self) -> &mut Area {
        match self.focus {
            Focus::Body => &mut self.body,
            focus => &mut self.fields[focus as usize],
        }
    }

    /// The text of a field.
    #[must_use]
    pub fn field(&self, focus: Focus) -> &Area {
        match focus {
            Focus::Body => &self.body,
            focus => &self.fields[focus as usize],
        }
    }

    /// What is wrong in an address field.
    #[must_use]
    pub fn errors(&self, focus: Focus) -> Vec<AddressError> {
        let Some(field) = focus.field() else { return Vec::new() };
        if focus == self.focus && !self.strict {
            return Vec::new();
        }
        let mut draft = Draft::default();
        *draft.field_mut(field) = self.field(focus).text();
        draft.recipients().errors
    }

    /// Goes to what is wrong.
    pub fn go_to(&mut self, error: &AddressError) {
        self.focus = Focus::of(error.field);
        self.strict = true;
        self.popup = None;
        self.area().place(At { line: 0, byte: error.range.end });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_all_of_the_draft() {
        let draft = Draft {
            from: "me@x.org".into(),
            to: "half an addr".into(),
            subject: "s".into(),
            body: "a\n\nb\n".into(),
            references: vec!["1@x".into()],
            reply_to: "other@x.org".into(),
            ..Draft::default()
        };
        let mut composer = Composer::new(1, draft.clone());
        assert_eq!(composer.draft(), draft);
        assert!(composer.is_untouched());
        composer.area().insert("x");
        assert!(!composer.is_untouched());
        composer.fill(draft.clone());
        assert_eq!(composer.draft(), draft);
    }

    #[test]
    fn what_is_wrong_is_said_where_nobody_types() {
        let draft = Draft { to: "ann@x.org, bob".into(), ..Draft::default() };
        let mut composer = Composer::new(1, draft);
        assert_eq!(composer.focus, Focus::Body);
        let errors = composer.errors(Focus::To);
        assert_eq!(errors.len(), 1);
        composer.focus = Focus::To;
        assert!(composer.errors(Focus::To).is_empty(), "half an address is not wrong yet");
        composer.go_to(&errors[0]);
        assert_eq!((composer.errors(Focus::To).len(), composer.area().caret().byte), (1, 14));
    }
}
