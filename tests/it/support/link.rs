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
    /// The link is cut after so many bytes that the program sends; below 0 never.
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

    /// Cuts the link after so many more bytes that the program sends: they arrive, and nothing
    /// behind them does, however much of it is read at a time.
    pub(crate) fn cut_after(&self, bytes: i64) {
        self.state.left.store(bytes, Ordering::SeqCst);
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
            if pump(&mut from, &mut to, &mut |bytes| state.passes(bytes)) {
                let _ = state.left.compare_exchange(0, -1, Ordering::SeqCst, Ordering::SeqCst);
                state.cut();
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

    /// How many of the bytes that the program sends get through. The link is cut when it sends on
    /// after the last that does: what that is answered it still hears.
    fn passes(&self, bytes: &[u8]) -> usize {
        let pass = |left: i64| (left >= 0).then(|| left - len_of(bytes).min(left));
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, pass) {
            Ok(left) => usize::try_from(left).expect("not below 0").min(bytes.len()),
            Err(_) => bytes.len(),
        }
    }
}

fn len_of(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).expect("a read is short")
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
