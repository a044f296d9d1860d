//! Messages that may answer, in order: what the tables of the index say, walked through together.
//!
//! Invariant: numbers come in falling order, each once, unless the best are wanted first. Nothing
//! is read ahead of who looks at them.

use std::collections::HashSet;

use rusqlite::{Rows, params};

use crate::search::index::{BEHIND, Index};
use crate::search::plan::Plan;
use crate::store::StoreError;

/// The best first. What a word weighs, by column: subject, sender, recipient, cc, bcc, body, file,
/// list.
const BEST: &str = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3
     ORDER BY bm25(words, 8.0, 4.0, 3.0, 2.0, 2.0, 1.0, 4.0, 0.0)";
const WORDS: &str = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3
     ORDER BY rowid DESC";
/// The same from the oldest on: FTS5 goes forward in the list of a common word by its index, and
/// backward by reading that index anew for each page.
const OLDEST: &str = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3
     ORDER BY rowid LIMIT ?4";
/// Answers that are few enough to be read from the oldest on, and told from the newest on.
const FEW: i64 = 32;
const SHORT: &str = "SELECT rowid FROM short WHERE short MATCH ?1 AND rowid BETWEEN ?2 AND ?3
     ORDER BY rowid DESC";
const EVERY: &str = "SELECT id FROM message WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC";

/// Among which messages.
pub(super) enum Among {
    /// All there are.
    Any,
    /// These, the newest first.
    These(Vec<i64>),
}

impl Index {
    /// Tells `each` the messages that may answer; it says whether to go on.
    pub(super) fn walk(
        &self,
        plan: &Plan,
        among: &Among,
        ranked: bool,
        each: &mut dyn FnMut(i64) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let (from, to) = plan.dates;
        let from = from.unwrap_or(i64::MIN);
        let to = to.map_or(i64::MAX, |to| to.saturating_add(BEHIND));
        let sql = self.db.sql();
        let ranked = ranked && plan.words.is_some();
        if let (Some(test), None, false) = (&plan.words, &plan.short, ranked)
            && let Some(few) = self.few(test, (from, to))?
        {
            let wanted = |row: &i64| match among {
                Among::Any => true,
                Among::These(rows) => rows.contains(row),
            };
            for row in few.into_iter().rev().filter(wanted) {
                if !each(row)? {
                    break;
                }
            }
            return Ok(());
        }
        // A table that is not asked is not opened.
        let asked = [(&plan.words, if ranked { BEST } else { WORDS }), (&plan.short, SHORT)];
        let mut statements = Vec::new();
        for (test, select) in asked {
            if let Some(test) = test {
                statements.push((sql.prepare_cached(select)?, test));
            }
        }
        let mut sources = Vec::new();
        for (statement, test) in &mut statements {
            sources.push(statement.query(params![&**test, from, to])?);
        }
        let wanted: HashSet<i64> = match among {
            Among::These(rows) if !sources.is_empty() => rows.iter().copied().collect(),
            _ => HashSet::new(),
        };
        match (among, sources.is_empty()) {
            (Among::These(rows), true) => {
                for row in rows {
                    if !each(*row)? {
                        break;
                    }
                }
                Ok(())
            }
            (Among::Any, true) => {
                let mut every = sql.prepare_cached(EVERY)?;
                together(&mut [every.query(params![from, to])?], each)
            }
            (Among::Any, false) => together(&mut sources, each),
            (Among::These(_), false) => {
                together(&mut sources, &mut |row| Ok(!wanted.contains(&row) || each(row)?))
            }
        }
    }
}

impl Index {
    /// All that has these words, the oldest first, where that is little and they stand beside each
    /// other: in an address a rare word mostly stands beside very common ones.
    fn few(&self, test: &str, (from, to): (i64, i64)) -> Result<Option<Vec<i64>>, StoreError> {
        if !has_phrase(test) {
            return Ok(None);
        }
        let mut find = self.db.sql().prepare_cached(OLDEST)?;
        let rows = find.query_map(params![test, from, to, FEW], |row| row.get(0))?;
        let rows: Vec<i64> = rows.collect::<Result<_, _>>()?;
        Ok(i64::try_from(rows.len()).is_ok_and(|rows| rows < FEW).then_some(rows))
    }
}

/// Whether an expression asks for words that stand beside each other.
fn has_phrase(test: &str) -> bool {
    test.split('"').skip(1).step_by(2).any(|words| words.contains(' '))
}

/// Walks through what is in all sources, which are in falling order; a single one may be in any.
fn together(
    sources: &mut [Rows<'_>],
    each: &mut dyn FnMut(i64) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let next = |source: &mut Rows<'_>| -> Result<Option<i64>, StoreError> {
        Ok(source.next()?.map(|row| row.get(0)).transpose()?)
    };
    let Some((first, others)) = sources.split_first_mut() else { return Ok(()) };
    // Of each of the others the number at which it stands.
    let mut stand = Vec::with_capacity(others.len());
    for other in others.iter_mut() {
        stand.push(next(other)?);
    }
    while let Some(row) = next(first)? {
        let mut in_all = true;
        for (other, at) in others.iter_mut().zip(&mut stand) {
            while at.is_some_and(|at| at > row) {
                *at = next(other)?;
            }
            match at {
                None => return Ok(()),
                Some(at) => in_all &= *at == row,
            }
        }
        if in_all && !each(row)? {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_words_beside_each_other() {
        for (test, has) in [
            ("\"a\"", false),
            ("sender : \"a b\"", true),
            ("(\"a\") AND (\"b\")", false),
            ("(\"a\") AND (cc : \"b c\" *)", true),
        ] {
            assert_eq!(has_phrase(test), has, "{test}");
        }
    }
}
