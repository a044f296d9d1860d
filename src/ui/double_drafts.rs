//! Drafts and the outbox of the engine's double.

use super::double::{Double, NOW_MS};
use crate::command::intent::Intent;
use crate::engine::handle::{Request, Update};
use crate::engine::view::{DraftRow, OpenDraft, OutboxRow, OutboxState, Outgoing, SaveRow, Wrote};
use crate::id::{EventId, ThreadId};
use crate::mail::compose::Draft;

impl Double {
    /// Answers what is asked of drafts.
    pub(super) fn written(&mut self, request: Request) -> Vec<Update> {
        match request {
            Request::Outgoing => vec![Update::Outgoing(self.outgoing.clone())],
            Request::Draft { ticket, thread, save } => {
                vec![Update::Draft(ticket, self.draft(&thread, save.as_ref()))]
            }
            Request::Journal(journal) => {
                let slot = journal.slot;
                match (journal.entry, &self.full) {
                    (Some(_), Some(full)) => vec![Update::Noted(slot, Err(full.clone()))],
                    (Some(entry), None) => {
                        self.journal.insert(slot, entry.draft);
                        vec![Update::Noted(slot, Ok(()))]
                    }
                    (None, _) => Vec::new(),
                }
            }
            Request::Forget { slot, losses } => match &self.full {
                // A save that is not on disk is not forgotten.
                Some(full) => {
                    self.losses += 1;
                    self.saves.clear();
                    self.outgoing = Outgoing::default();
                    vec![Update::TakenBack(full.clone())]
                }
                None if losses < self.losses => Vec::new(),
                None => {
                    self.journal.remove(&slot);
                    vec![Update::Kept(slot)]
                }
            },
            _ => Vec::new(),
        }
    }

    /// A draft at a save, or at its last.
    pub(super) fn draft(
        &self,
        thread: &ThreadId,
        save: Option<&EventId>,
    ) -> Option<Box<OpenDraft>> {
        let mine = self.saves.iter().filter(|(of, ..)| of == thread);
        let found = match save {
            Some(save) => mine.clone().find(|(_, id, _)| id == save)?,
            None => mine.clone().next_back()?,
        };
        let history = mine.clone().rev().map(|(_, save, draft)| SaveRow {
            save: save.clone(),
            at: NOW_MS / 1_000 - 60,
            device_name: "laptop".to_owned(),
            snippet: draft.body.clone(),
        });
        let (thread, save, draft) = found.clone();
        Some(Box::new(OpenDraft { thread, save, draft, history: history.collect() }))
    }

    fn event(&self) -> EventId {
        EventId::try_from(format!("event-{:03}", self.saves.len() + self.log.len())).unwrap()
    }

    fn row(&self, thread: &ThreadId, save: &EventId, draft: &EventId) -> DraftRow {
        let of = self.saves.iter().find(|(_, id, _)| id == save).map(|(.., draft)| draft.clone());
        let of = of.unwrap_or_default();
        DraftRow {
            before: None,
            thread: thread.clone(),
            draft: draft.clone(),
            save: save.clone(),
            to: of.to,
            subject: of.subject,
            snippet: of.body.replace('\n', " "),
            at: NOW_MS / 1_000 - 60,
            attachments: !of.attachments.is_empty(),
        }
    }

    /// Does what an intent asks of drafts; what was written.
    pub(super) fn write(&mut self, intent: &Intent) -> Option<Wrote> {
        let event = self.event();
        match intent {
            Intent::SaveDraft { thread, from, draft, .. } => {
                let thread = thread.clone().unwrap_or_else(|| {
                    ThreadId::try_from(format!("draft-{:03}", self.saves.len())).unwrap()
                });
                self.saves.push((thread.clone(), event.clone(), Draft::clone(draft)));
                let rows = &mut self.outgoing.drafts;
                let at = rows.iter().position(|row| Some(&row.save) == from.as_ref());
                let known = at.map_or_else(|| event.clone(), |at| rows.remove(at).draft);
                let row = self.row(&thread, &event, &known);
                self.outgoing.drafts.insert(0, row);
                Some(Wrote { thread, event })
            }
            Intent::DiscardDraft { thread, save } => {
                self.outgoing.drafts.retain(|row| row.save != *save);
                Some(Wrote { thread: thread.clone(), event })
            }
            Intent::Send(order) => {
                self.outgoing.drafts.retain(|row| row.save != order.save);
                self.outgoing.outbox.retain(|row| Some(&row.queued) != order.again.as_ref());
                let row = self.row(&order.thread, &order.save, &order.save);
                self.outgoing.outbox.push(OutboxRow {
                    thread: row.thread,
                    queued: event.clone(),
                    save: row.save,
                    to: row.to,
                    subject: row.subject,
                    at: row.at,
                    hold: order.hold,
                    send_at: order.send_at,
                    state: OutboxState::Queued,
                    why: None,
                    retry_at: None,
                    refused: Vec::new(),
                    confirmed: true,
                });
                Some(Wrote { thread: order.thread.clone(), event })
            }
            Intent::CancelSend { thread, queued } => {
                let at = self.outgoing.outbox.iter().position(|row| row.queued == *queued)?;
                let row = self.outgoing.outbox.remove(at);
                let row = self.row(&row.thread, &row.save, &row.save);
                self.outgoing.drafts.insert(0, row);
                Some(Wrote { thread: thread.clone(), event })
            }
            _ => None,
        }
    }
}
