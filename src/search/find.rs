//! A query answered: conversations, the newest answer first.
//!
//! Invariant: each conversation is found once, by its newest message that answers, or by the one
//! that answers best; what is asked of conversations is asked of those who show them. What is read
//! is bounded by what is wanted wherever the index can answer in order. This file must not know
//! how conversations are made.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use rusqlite::{OptionalExtension as _, Statement, params};

use crate::id::{LabelId, ThreadId};
use crate::label;
use crate::search::index::Index;
use crate::search::plan::{Expr, Names, Plan};
use crate::search::query::Query;
use crate::search::walk::Among;
use crate::store::StoreError;

/// Threads of a list that are looked up one by one, at most: in larger ones the newest answers are
/// looked for, and asked whether they are in it.
const FEW: usize = 20_000;
/// Messages that are looked at between two questions whether to go on.
const A_LOOK: usize = 256;

/// Who shows conversations.
pub trait Rows: Names {
    /// The conversation that shows a thread, by its root, and the labels that it shows, sorted;
    /// `None` where none does.
    ///
    /// # Errors
    /// When the storage refuses.
    fn shown(&mut self, thread: &ThreadId) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError>;

    /// As [`Rows::shown`]; a conversation that is not in each of `lists`, each the union of some
    /// labels, may be left out.
    ///
    /// # Errors
    /// When the storage refuses.
    fn shown_in(
        &mut self,
        thread: &ThreadId,
        lists: &[Vec<LabelId>],
    ) -> Result<Option<(ThreadId, Vec<LabelId>)>, StoreError> {
        let _ = lists;
        self.shown(thread)
    }

    /// All threads of the conversations in any of these lists; `None` when they are more than
    /// `most`.
    ///
    /// # Errors
    /// When the storage refuses.
    fn few(&mut self, lists: &[LabelId], most: usize) -> Result<Option<Vec<ThreadId>>, StoreError>;
}

/// In which order conversations are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest answer first.
    #[default]
    Newest,
    /// The best answer first.
    Relevance,
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// What is asked.
    pub query: &'a Query,
    /// At most so many conversations.
    pub limit: usize,
    /// In which order.
    pub order: Order,
    /// Somebody is typing: the beginning of a last word of one or two letters is looked for in
    /// subjects, names and files only.
    pub typing: bool,
}

/// A conversation that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its root.
    pub root: ThreadId,
    /// The thread of the message that answers.
    pub thread: ThreadId,
    /// The date of that message, Unix seconds.
    pub date: i64,
}

impl Index {
    /// Answers; fewer when `go_on` says no meanwhile.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn find(
        &self,
        ask: &Ask<'_>,
        rows: &mut dyn Rows,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<Hit>, StoreError> {
        let ranked = ask.order == Order::Relevance;
        let _still = self.db.still()?;
        // What is best is counted by what was asked.
        let spelled = if ranked { None } else { self.spelled_out(ask.query) };
        let query = spelled.as_ref().unwrap_or(ask.query);
        let plan = Plan::of(query, rows, ask.typing, ranked);
        let mut search = Search {
            index: self,
            rest: &plan.rest,
            lists: plan.lists.clone(),
            dates: plan.dates,
            threads: HashMap::new(),
            sets: HashMap::new(),
        };
        let Some(among) = search.among(rows)? else { return Ok(Vec::new()) };
        let (mut hits, mut met, mut looked) = (Vec::new(), HashSet::new(), 0);
        let mut find = self.db.sql().prepare_cached(MESSAGE)?;
        self.walk(&plan, &among, ranked, &mut |row| {
            looked += 1;
            if hits.len() >= ask.limit || (looked % A_LOOK == 0 && !go_on()) {
                return Ok(false);
            }
            let message = message(&mut find, row, &|thread| search.is_through_with(thread))?;
            if let Some(message) = message
                && let Some(shown) = search.answers(&message, rows)?
            {
                search.threads.insert(message.thread, None);
                if met.insert(shown.root.clone()) {
                    let (root, thread) = (shown.root.clone(), shown.thread.clone());
                    hits.push(Hit { root, thread, date: message.date });
                }
            }
            Ok(hits.len() < ask.limit)
        })?;
        Ok(hits)
    }
}

/// A message that is not gone.
const MESSAGE: &str =
    "SELECT thread, date, size, attached, msgid FROM message WHERE id = ?1 AND gone = 0";

/// The message of a row, by the statement [`MESSAGE`], unless nothing of its thread is wanted.
fn message(
    find: &mut Statement<'_>,
    row: i64,
    unwanted: &dyn Fn(i64) -> bool,
) -> Result<Option<Message>, StoreError> {
    let message = find.query_row([row], |found| {
        let thread = found.get(0)?;
        if unwanted(thread) {
            return Ok(None);
        }
        Ok(Some(Message {
            row,
            thread,
            date: found.get(1)?,
            size: u64::try_from(found.get::<_, i64>(2)?).unwrap_or_default(),
            attached: found.get(3)?,
            name: found.get(4)?,
        }))
    });
    Ok(message.optional()?.flatten())
}

/// What is known of a message beside its words.
struct Message {
    row: i64,
    thread: i64,
    date: i64,
    size: u64,
    attached: bool,
    name: i64,
}

/// A thread as it is shown.
struct Shown {
    thread: ThreadId,
    /// The root of its conversation.
    root: ThreadId,
    labels: Vec<LabelId>,
}

/// A search that is going on.
struct Search<'a> {
    index: &'a Index,
    rest: &'a [Expr],
    lists: Vec<Vec<LabelId>>,
    dates: (Option<i64>, Option<i64>),
    /// Threads as they are shown; `None` where none of their messages is to be found any more.
    threads: HashMap<i64, Option<Rc<Shown>>>,
    /// Messages that answer a test of texts, by the test.
    sets: HashMap<String, HashSet<i64>>,
}

impl Search<'_> {
    /// The messages of the shortest list that is asked for, where it is short; nothing to find is
    /// `None`.
    fn among(&mut self, rows: &mut dyn Rows) -> Result<Option<Among>, StoreError> {
        let mut least: Option<Vec<ThreadId>> = None;
        for lists in &self.lists {
            if lists.is_empty() {
                return Ok(None); // there is no such label
            }
            if lists.iter().any(|list| list.as_str() == "archive") {
                continue; // all there is, mostly
            }
            let most = least.as_ref().map_or(FEW, Vec::len);
            if let Some(threads) = rows.few(lists, most)? {
                least = Some(threads);
            }
        }
        let Some(threads) = least else { return Ok(Some(Among::Any)) };
        let mut find = self.index.db.sql().prepare_cached(
            "SELECT id FROM message WHERE thread = (SELECT key FROM thread WHERE id = ?1)",
        )?;
        let mut messages = Vec::new();
        for thread in &threads {
            for row in find.query_map([thread.as_str()], |row| row.get(0))? {
                messages.push(row?);
            }
        }
        messages.sort_unstable_by(|a: &i64, b| b.cmp(a));
        Ok(Some(Among::These(messages)))
    }

    /// Whether nothing shows a thread, or its conversation is found.
    fn is_through_with(&self, thread: i64) -> bool {
        matches!(self.threads.get(&thread), Some(None))
    }

    /// What shows a message, where that answers what is left to be asked.
    fn answers(
        &mut self,
        message: &Message,
        rows: &mut dyn Rows,
    ) -> Result<Option<Rc<Shown>>, StoreError> {
        let (from, to) = self.dates;
        if from.is_some_and(|from| message.date < from) || to.is_some_and(|to| message.date >= to) {
            return Ok(None);
        }
        if !self.threads.contains_key(&message.thread) {
            let shown = self.shown(message.thread, rows)?.map(Rc::new);
            self.threads.insert(message.thread, shown);
        }
        let Some(Some(shown)) = self.threads.get(&message.thread).cloned() else {
            return Ok(None);
        };
        let has = |any: &[LabelId]| any.iter().any(|label| shown.labels.contains(label));
        if !self.lists.iter().all(|lists| has(lists)) {
            return Ok(None);
        }
        for expr in self.rest {
            if !self.holds(expr, message, (&shown.thread, &shown.labels))? {
                return Ok(None);
            }
        }
        Ok(Some(shown))
    }

    fn shown(&self, key: i64, rows: &mut dyn Rows) -> Result<Option<Shown>, StoreError> {
        let sql = "SELECT id FROM thread WHERE key = ?1";
        let mut find = self.index.db.sql().prepare_cached(sql)?;
        let id: Option<String> = find.query_row([key], |row| row.get(0)).optional()?;
        let Some(thread) = id.and_then(|id| ThreadId::try_from(id).ok()) else { return Ok(None) };
        let shown = rows.shown_in(&thread, &self.lists)?;
        Ok(shown.map(|(root, labels)| Shown { thread, root, labels }))
    }

    fn holds(
        &mut self,
        expr: &Expr,
        message: &Message,
        of: (&ThreadId, &[LabelId]),
    ) -> Result<bool, StoreError> {
        let (thread, labels) = of;
        Ok(match expr {
            Expr::All => true,
            Expr::And(parts) => {
                for part in parts {
                    if !self.holds(part, message, of)? {
                        return Ok(false);
                    }
                }
                true
            }
            Expr::Or(parts) => {
                for part in parts {
                    if self.holds(part, message, of)? {
                        return Ok(true);
                    }
                }
                false
            }
            Expr::Not(part) => !self.holds(part, message, of)?,
            Expr::Text(text) => self.set(&text.words)?.contains(&message.row),
            Expr::Labels(any) => any.iter().any(|label| labels.contains(label)),
            Expr::UserLabel => labels.iter().any(|found| !label::is_system(found.as_str())),
            Expr::Attached => message.attached,
            Expr::Larger(size) => message.size > *size,
            Expr::Smaller(size) => message.size < *size,
            Expr::Before(at) => message.date < *at,
            Expr::After(at) => message.date >= *at,
            Expr::Threads(threads) => threads.contains(thread),
            Expr::Named(name) => message.name == *name,
        })
    }

    /// All messages that answer a test of texts.
    fn set(&mut self, test: &str) -> Result<&HashSet<i64>, StoreError> {
        if !self.sets.contains_key(test) {
            let sql = "SELECT rowid FROM words WHERE words MATCH ?1";
            let mut find = self.index.db.sql().prepare_cached(sql)?;
            let rows = find.query_map(params![test], |row| row.get(0))?;
            let set: HashSet<i64> = rows.collect::<Result<_, _>>()?;
            self.sets.insert(test.to_owned(), set);
        }
        Ok(&self.sets[test])
    }
}
