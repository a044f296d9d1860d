//! A link between the program and a server that counts bytes and can be cut.
//!
//! Invariant: it changes no byte; a connection is cut in both directions at once, as a network is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// A running link.
pub(crate) struct Link {
    /// Where the program connects.
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Bytes that came from the server.
    down: AtomicU64,
    /// Each connection is cut after so many bytes that the program sends; below 0 none is.
    most: AtomicI64,
    /// Whether one was, since that was ordered.
    was_cut: AtomicBool,
}

impl Link {
    /// To a server's port.
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let state = Arc::new(State { most: AtomicI64::new(-1), ..State::default() });
        let of_thread = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else {
                    continue;
                };
                of_thread.carry(&client, &server);
            }
        });
        Self { port, state }
    }

    /// Bytes that came from the server.
    pub(crate) fn received(&self) -> u64 {
        self.state.down.load(Ordering::SeqCst)
    }

    /// Cuts each connection after so many bytes that the program sends on it, until it is said
    /// otherwise (below 0 none): they arrive, and nothing behind them does, however much of it is
    /// read at a time, and whatever order connections are made in.
    pub(crate) fn cut_after(&self, bytes: i64) {
        self.state.was_cut.store(false, Ordering::SeqCst);
        self.state.most.store(bytes, Ordering::SeqCst);
    }

    /// Whether a cut that was ordered has happened.
    pub(crate) fn was_cut(&self) -> bool {
        self.state.was_cut.load(Ordering::SeqCst)
    }
}

impl State {
    fn carry(self: &Arc<Self>, client: &TcpStream, server: &TcpStream) {
        let copy = |stream: &TcpStream| stream.try_clone().expect("a socket");
        let (mut from, mut to, state) = (copy(client), copy(server), Arc::clone(self));
        std::thread::spawn(move || {
            let mut sent = 0;
            let mut passes = |bytes: &[u8]| {
                let through = state.passes(sent, bytes.len());
                sent += through;
                through
            };
            if pump(&mut from, &mut to, &mut passes) {
                state.was_cut.store(true, Ordering::SeqCst);
            }
        });
        let (mut from, mut to, state) = (copy(server), copy(client), Arc::clone(self));
        std::thread::spawn(move || {
            pump(&mut from, &mut to, &mut |bytes| {
                state.down.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                bytes.len()
            });
        });
    }

    /// How many of so many bytes get through behind those that were sent. A connection is cut when
    /// the program sends on after the last that does: what that is answered it still hears.
    fn passes(&self, sent: usize, more: usize) -> usize {
        let most = usize::try_from(self.most.load(Ordering::SeqCst));
        most.map_or(more, |most| most.saturating_sub(sent).min(more))
    }
}

/// Carries what `each` lets through, to the end or until that is not all; whether it was not.
fn pump(from: &mut TcpStream, to: &mut TcpStream, each: &mut dyn FnMut(&[u8]) -> usize) -> bool {
    let (mut bytes, mut held_back) = (vec![0; 64 * 1024], false);
    while let Ok(count) = from.read(&mut bytes) {
        let through = each(&bytes[..count]);
        held_back = through < count;
        if to.write_all(&bytes[..through]).is_err() || count == 0 || held_back {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
    held_back
}
