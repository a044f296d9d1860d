//! A link between the program and a server that counts bytes and can be cut.
//!
//! Invariant: it changes no byte; it is cut in both directions at once, as a network is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

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
    /// The link is cut after so many pieces that the program sends; below 0 never.
    left: AtomicI64,
    open: Mutex<Vec<TcpStream>>,
}

impl Link {
    /// To a server's port.
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let state = Arc::new(State { left: AtomicI64::new(-1), ..State::default() });
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

    /// Cuts the link after so many more pieces that the program sends.
    pub(crate) fn cut_after(&self, pieces: i64) {
        self.state.left.store(pieces, Ordering::SeqCst);
    }

    /// Whether the cut that was ordered has happened, or none was.
    pub(crate) fn is_whole(&self) -> bool {
        self.state.left.load(Ordering::SeqCst) < 0
    }
}

impl State {
    fn cut(&self) {
        let mut open = self.open.lock().expect("nobody panicked");
        for stream in open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn carry(self: &Arc<Self>, client: &TcpStream, server: &TcpStream) {
        let copy = |stream: &TcpStream| stream.try_clone().expect("a socket");
        self.open.lock().expect("nobody panicked").extend([copy(client), copy(server)]);
        let (mut from, mut to, state) = (copy(client), copy(server), Arc::clone(self));
        std::thread::spawn(move || {
            pump(&mut from, &mut to, &mut |_| {
                let left = state.left.load(Ordering::SeqCst);
                if left == 0 {
                    state.left.store(-1, Ordering::SeqCst);
                    state.cut();
                    return false;
                }
                if left > 0 {
                    state.left.fetch_sub(1, Ordering::SeqCst);
                }
                true
            });
        });
        let (mut from, mut to, state) = (copy(server), copy(client), Arc::clone(self));
        std::thread::spawn(move || {
            pump(&mut from, &mut to, &mut |bytes| {
                state.down.fetch_add(bytes as u64, Ordering::SeqCst);
                true
            });
        });
    }
}

fn pump(from: &mut TcpStream, to: &mut TcpStream, each: &mut dyn FnMut(usize) -> bool) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut bytes) {
        if count == 0 || !each(count) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
