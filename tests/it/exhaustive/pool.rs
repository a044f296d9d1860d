//! Processes that run and are in a state that somebody may go on from.
//!
//! Invariant: as many as the files that may be open allow; the ones that came first go first, since
//! what is new is what the next round asks for.

use std::collections::{HashMap, VecDeque};

use super::process::Machine;

/// Processes that are kept running, at most.
const MOST: usize = 1_000;
/// Files that one has open, at most: each database with its log and the log's index, and readers.
const FILES: usize = 16;

/// How many may be kept running, here and, as many again, by a round.
fn room() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find(|line| line.starts_with("Max open files"));
    let files = files.and_then(|line| line.split_whitespace().nth(3)?.parse::<usize>().ok());
    // Half of the files for those of a round.
    (files.unwrap_or(1_024) / FILES / 2).clamp(4, MOST)
}

/// A process by who it is, and in which state.
type Key = (usize, u32);

/// All of them.
pub(super) struct Pool {
    room: usize,
    held: HashMap<Key, Box<Machine>>,
    order: VecDeque<Key>,
}

impl Pool {
    pub(super) fn new() -> Self {
        Self { room: room(), held: HashMap::new(), order: VecDeque::new() }
    }

    /// How many it holds.
    pub(super) const fn room(&self) -> usize {
        self.room
    }

    pub(super) fn take(&mut self, key: Key) -> Option<Box<Machine>> {
        self.held.remove(&key)
    }

    pub(super) fn put(&mut self, key: Key, machine: Box<Machine>) {
        self.held.insert(key, machine);
        self.order.push_back(key);
        while self.held.len() > self.room {
            let Some(first) = self.order.pop_front() else { break };
            self.held.remove(&first);
        }
    }
}
