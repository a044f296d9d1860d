//! Why nothing is searched.
//!
//! Invariant: a query that cannot be asked says where and what to write instead.

use crate::notice::{Exit, Explain, Notice};

use super::mark::Mark;

/// An error of a search.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// What is asked cannot be.
    #[error("{} (at character {character} of the query)", mark.message)]
    Query {
        /// What is wrong.
        mark: Mark,
        /// At which character of the query, from 1.
        character: usize,
    },
}

impl Explain for SearchError {
    fn is_permanent(&self) -> bool {
        match self {
            Self::Query { .. } => true,
        }
    }

    fn notice(&self) -> Notice {
        match self {
            Self::Query { mark, .. } => {
                Notice::error("query", self.to_string(), &mark.hint).exit(Exit::Usage)
            }
        }
    }
}
