//! A connection between a device and the backend: frames as their bytes, and what each side
//! believes of it.
//!
//! Invariant: what arrives in one direction is a beginning of what was sent, in order; there is no
//! frame twice. What a transport cannot do within a connection happens across them: an old one may
//! still carry frames up when the device has long dialled again.

use std::collections::VecDeque;

use mailtui::engine::MailboxPage;
use mailtui::sync::{Frame, decode, encode};

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) session: u64,
    /// Whether the backend still has its session.
    pub(crate) there: bool,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
}

impl Wire {
    pub(crate) const fn new(session: u64) -> Self {
        Self { session, there: true, up: VecDeque::new(), down: VecDeque::new() }
    }

    /// The device says something; where nobody listens any more it is gone.
    pub(crate) fn send_up(&mut self, frame: &Frame) {
        if self.there {
            self.up.push_back(encode(frame).expect("encodes"));
        }
    }

    pub(crate) fn send_down(&mut self, frame: &Frame) {
        self.down.push_back(encode(frame).expect("encodes"));
    }

    pub(crate) fn next_up(&mut self) -> Option<Frame> {
        self.up.pop_front().map(|bytes| decode(&bytes).expect("decodes"))
    }

    pub(crate) fn next_down(&mut self) -> Option<Frame> {
        self.down.pop_front().map(|bytes| decode(&bytes).expect("decodes"))
    }

    /// The next frame down where it is a page of the Mailbox log.
    pub(crate) fn next_page(&mut self) -> Option<MailboxPage> {
        let frame = decode(self.down.front()?).expect("decodes");
        let (Frame::Page { store, events, head, chain, .. }
        | Frame::Live { store, events, head, chain }) = frame
        else {
            return None;
        };
        if store.as_thread().is_some() {
            return None;
        }
        self.down.pop_front();
        Some(MailboxPage { events, head, chain })
    }

    /// The backend has no session of it any more; what it sent before may still arrive.
    pub(crate) fn lost(&mut self) {
        self.there = false;
        self.up.clear();
    }

    /// The device reads it no more; what it sent before may still arrive.
    pub(crate) fn let_go(&mut self) {
        self.down.clear();
    }

    /// Whether nothing will come of it any more.
    pub(crate) fn is_silent(&self) -> bool {
        !self.there && self.down.is_empty()
    }
}
