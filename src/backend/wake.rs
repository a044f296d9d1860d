//! Snoozes that have run out: the conversation wakes, whichever device put it to sleep.
//!
//! Invariant: what the log says decides, not the row: an event names the snooze that it ends, and
//! is written only for one that is over by the backend's clock. What cannot be woken is not tried
//! again before its log grows. A clock that jumps wakes early or late; nothing is lost by it.

use crate::backend::core::Backend;
use crate::backend::ingest::event_id;
use crate::backend::storage;
use crate::backend::thread_client::state_of;
use crate::id::{ActionId, DeviceId, EventId, StoreId, ThreadId};
use crate::mailbox;
use crate::store::{Args, Log, NewEvent, StoreError};
use crate::thread::{Base, Entry, ThreadState, Unsnoozed, What, decide, name};

/// The writer of what the backend's client of a Thread store appends of itself.
pub(super) const CLIENT: &str = "thread-client";
/// Conversations that wake in one turn.
const A_TURN: usize = 200;
/// Threads remembered as not to be woken; beyond that all are tried again.
const MOST_LEFT: usize = 1_000;

impl Backend {
    /// Wakes conversations whose snooze is over at `now` (Unix seconds), at most once a second;
    /// durable after the commit. Returns whether any woke.
    ///
    /// # Errors
    /// As [`Backend::push`].
    pub fn wake(&mut self, now: i64) -> Result<bool, StoreError> {
        // Whichever way the clock jumps, another second is another look.
        if self.woke == Some(now) {
            return Ok(false);
        }
        let most = A_TURN + self.left.len();
        let due = mailbox::snoozed_until(self.mailbox.db(), now, most)?;
        let mut woken = 0;
        for thread in &due {
            let head = Log::head(&self.db, &StoreId::thread(thread))?.position;
            if self.left.get(thread) == Some(&head) {
                continue;
            }
            if woken == A_TURN {
                break;
            }
            if self.wake_one(thread, now)? {
                woken += 1;
            } else {
                if self.left.len() >= MOST_LEFT {
                    self.left.clear();
                }
                self.left.insert(thread.clone(), head);
            }
        }
        // Those behind a full turn are due now as well.
        if woken == 0 || due.len() < most {
            self.woke = Some(now);
        }
        Ok(woken > 0)
    }

    /// Wakes one, should its log say that its snooze is over.
    fn wake_one(&mut self, thread: &ThreadId, now: i64) -> Result<bool, StoreError> {
        let store = StoreId::thread(thread);
        let state = match state_of(&self.db, &store) {
            // It is `doctor`'s concern, and holds up no other thread.
            Err(StoreError::Broken { .. }) => return Ok(false),
            state => state?,
        };
        let Some((until, snooze)) = snooze_of(&state).filter(|(until, _)| *until <= now) else {
            return Ok(false);
        };
        self.begin()?;
        let at = state.position.to_string();
        let id = event_id(&["woken", thread.as_str(), snooze.as_str(), &at], &[]);
        let args = Args::of(&Unsnoozed { until: Some(until), snooze: Some(snooze) });
        let device =
            DeviceId::try_from(CLIENT).map_err(|error| StoreError::Row(error.to_string()))?;
        let (name, epoch) = (name::THREAD_UNSNOOZED.to_owned(), self.epoch.clone());
        let event = NewEvent { id, name, args, device, action: None, epoch };
        Ok(storage::append(&self.db, &self.epoch, &store, &[event])?.added > 0)
    }
}

/// Until when a thread sleeps, and the event that says so.
fn snooze_of(state: &ThreadState) -> Option<(i64, EventId)> {
    let until = state.trail().1.snoozed?;
    let undone = decide(&Base::default(), &state.entries, 0);
    let mut says: Vec<&Entry> = state.entries.iter().collect();
    says.retain(|entry| matches!(entry.what, What::Snooze { until: Some(of), .. } if of == until));
    let stands = |action: &ActionId| !undone.contains_key(action);
    let standing = says.iter().rev().find(|entry| entry.action.as_ref().is_none_or(stands));
    // An undo may have left alone what the undone action wrote.
    standing.or(says.last()).map(|entry| (until, entry.id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::tests::{mail, open, push, star, take_in, text_id};
    use crate::store::Action;
    use crate::thread::Snoozed;

    fn snooze(backend: &mut Backend, thread: &ThreadId, id: &str, until: i64) {
        let epoch = backend.epoch.clone();
        let position = Log::head(&backend.db, &StoreId::thread(thread)).unwrap().position;
        let seen = Some(crate::id::Seen { epoch: epoch.clone(), position });
        let args = Args::of(&Snoozed { until, seen });
        let action = Action { id: text_id(id), name: "snooze".to_owned(), at: 1, redoes: None };
        let name = name::THREAD_SNOOZED.to_owned();
        push(
            backend,
            thread,
            vec![NewEvent { name, args, action: Some(action), ..star(id, "{}") }],
        );
        backend.drain().unwrap();
    }

    fn sleeps(backend: &Backend, thread: &ThreadId) -> Option<i64> {
        let row = mailbox::raw_row(backend.mailbox.db(), thread).unwrap().unwrap();
        assert_eq!(row.shown.labels.contains(&crate::label::system("snoozed")), {
            row.shown.snoozed_until.is_some()
        });
        row.shown.snoozed_until
    }

    /// What wakes at `now`, by whether something did.
    fn wake(backend: &mut Backend, now: i64) -> bool {
        let woke = backend.wake(now).unwrap();
        backend.commit().unwrap();
        backend.drain().unwrap();
        woke
    }

    #[test]
    fn a_snooze_ends_on_time_once_and_is_on_top_then() {
        let dir = tempfile::tempdir().unwrap();
        let mut backend = open(dir.path());
        let threads = take_in(&mut backend, vec![mail("one", &[]), mail("two", &[])]);
        let [one, two] = threads.as_slice() else { panic!("{threads:?}") };
        let (soon, later) = (1_800_000_000, 1_900_000_000);
        snooze(&mut backend, one, "one-soon", soon);
        snooze(&mut backend, two, "two-later", later);
        assert!(!wake(&mut backend, soon - 1));
        assert_eq!(sleeps(&backend, one), Some(soon));
        assert!(wake(&mut backend, soon));
        assert_eq!((sleeps(&backend, one), sleeps(&backend, two)), (None, Some(later)));
        let row = mailbox::raw_row(backend.mailbox.db(), one).unwrap().unwrap();
        assert_eq!(row.last_activity, soon, "as if it had come then");
        // A clock that goes back and comes again wakes nobody twice, and puts nobody to sleep.
        for now in [0, soon - 10, soon, soon + 1] {
            assert!(!wake(&mut backend, now), "{now}");
        }
        let log = Log::all(&backend.db, &StoreId::thread(one)).unwrap();
        let woken: Vec<Unsnoozed> = log
            .iter()
            .filter(|event| event.event.name == name::THREAD_UNSNOOZED)
            .map(|event| event.event.args.read().unwrap())
            .collect();
        let named = Unsnoozed { until: Some(soon), snooze: Some(text_id("one-soon")) };
        assert_eq!(woken, [named]);
        assert_eq!(log.last().unwrap().event.device.as_str(), CLIENT);
    }

    #[test]
    fn a_later_snooze_is_not_ended_by_the_end_of_an_earlier_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut backend = open(dir.path());
        let one = take_in(&mut backend, vec![mail("one", &[])]).remove(0);
        snooze(&mut backend, &one, "a", 1_800_000_000);
        snooze(&mut backend, &one, "b", 1_900_000_000);
        assert!(!wake(&mut backend, 1_850_000_000));
        let args = Args::of(&Unsnoozed { until: Some(1_800_000_000), snooze: None });
        let late = NewEvent {
            name: name::THREAD_UNSNOOZED.to_owned(),
            args,
            action: None,
            ..star("late", "{}")
        };
        push(&mut backend, &one, vec![late]);
        backend.drain().unwrap();
        assert_eq!(sleeps(&backend, &one), Some(1_900_000_000));
        // Over while nobody was there.
        drop(backend);
        let mut backend = open(dir.path());
        assert!(wake(&mut backend, 2_000_000_000));
        assert_eq!(sleeps(&backend, &one), None);
    }

    #[test]
    fn many_wake_in_turns_and_a_row_whose_log_says_nothing_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut backend = open(dir.path());
        let mails = (0..A_TURN + 3).map(|n| mail(&format!("m{n}"), &[])).collect();
        let threads = take_in(&mut backend, mails);
        for (n, thread) in threads.iter().enumerate() {
            snooze(&mut backend, thread, &format!("s{n}"), 1_800_000_000);
        }
        let lies = "UPDATE threadIndex SET snoozedUntil = 5 WHERE id = ?1";
        let other = take_in(&mut backend, vec![mail("other", &[])]).remove(0);
        backend.drain().unwrap();
        backend.mailbox.db().sql().execute(lies, [other.as_str()]).unwrap();
        let now = 1_800_000_000;
        assert!(wake(&mut backend, now) && wake(&mut backend, now));
        assert!(!wake(&mut backend, now) && !wake(&mut backend, now + 1));
        assert!(threads.iter().all(|thread| sleeps(&backend, thread).is_none()));
        let head = Log::head(&backend.db, &StoreId::thread(&other)).unwrap().position;
        assert_eq!(backend.left.get(&other), Some(&head));
    }
}
