//! Writing on the screen: the composer, drafts, the outbox. Values, like all of the model.
//!
//! Invariant: nothing that was typed is lost. What is open is in the journal at every pause, it is
//! saved as a draft when it is left, and of one draft only one save is under way at a time, so that
//! no save forks by itself.
//!
//! | question | file |
//! |---|---|
//! | text that is written, in rows | [`area`], [`rows`] |
//! | what is open | [`composer`] |
//! | what its keys do | [`keys`] |
//! | how a draft begins: new, an answer, a forward, one from the list | [`opening`] |
//! | what it needs of the message that it answers: its header, its files | [`original`] |
//! | when it is put in the journal, saved, sent | [`keeping`], [`noted`] |
//! | what is left of it when the program cannot keep it | [`rescue`] |
//! | what is asked before it is sent | [`sending`] |
//! | the lists of drafts and of what is being sent | [`outgoing`] |
//! | what is done outside the model: files, the editor, accounts | [`desk`] |

pub mod area;
pub mod composer;
pub mod desk;
pub mod keeping;
pub mod keys;
pub mod noted;
pub mod opening;
pub mod original;
pub mod outgoing;
pub mod rescue;
pub mod rows;
pub mod sending;

use std::collections::BTreeMap;

use crate::engine::view::Outgoing;
use crate::mail::compose::{Identity, People, Person};

use composer::Composer;
use outgoing::Held;

/// All of the model that is about writing.
#[derive(Debug, Default)]
pub struct Writing {
    /// What is being written.
    pub open: Option<Box<Composer>>,
    /// What was left and is not kept yet: saves and orders that are under way.
    pub leaving: Vec<Composer>,
    /// As whom is written.
    pub identities: Vec<Identity>,
    /// Whether the backend said so, and no file here does.
    pub told: bool,
    /// How long what an account sends is held, in seconds, where it says so.
    pub holds: BTreeMap<String, u64>,
    /// Whom mail is from.
    pub people: People,
    /// When it was asked last who was met in mail, Unix milliseconds.
    pub met_ms: Option<i64>,
    /// The same by address, to be added to.
    pub known: BTreeMap<String, Person>,
    /// What is known of the headers of messages that were read.
    pub heads: original::Heads,
    /// The message whose list is to be left once its header came, by the ticket.
    pub leaves: Option<(u64, crate::id::MessageId)>,
    /// The earlier save that was asked for.
    pub looked: Option<u64>,
    /// What is written and not sent, as the engine said it last.
    pub outgoing: Outgoing,
    /// The line under the cursor of drafts or the outbox.
    pub cursor: usize,
    /// What was sent here just now.
    pub held: Vec<Held>,
    /// The number of what was asked for last.
    pub ticket: u64,
    /// How many were opened here.
    pub opened: i64,
    /// How often the disk took back what was decided, as far as that was told.
    pub losses: u64,
    /// Why something could not be kept, last.
    pub refused: String,
    /// Where it is whose order the disk took back, until it is left again.
    pub unsent: Option<i64>,
}

impl Writing {
    /// A new ticket.
    pub const fn next_ticket(&mut self) -> u64 {
        self.ticket += 1;
        self.ticket
    }

    /// Whatever is open or being left under this slot.
    pub fn of_slot(&mut self, slot: i64) -> Option<&mut Composer> {
        let open = self.open.as_deref_mut();
        open.into_iter().chain(&mut self.leaving).find(|composer| composer.slot == slot)
    }
}
