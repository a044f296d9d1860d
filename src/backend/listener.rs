//! Sockets to the backend: TCP for `serve`, an in-process pipe when embedded; the same frames.
//!
//! Invariant: a peer has a bounded time to shake hands and show its token, and there is a bounded
//! number of peers, of those that have and of those that have not: who has a token is heard however
//! many have none. The caller owns the listening socket and says when to stop.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{AbortHandle, JoinSet};

use crate::backend::auth::Token;
use crate::backend::{BackendError, HostHandle};
use crate::id::DeviceId;
use crate::limits::{
    CONNECT_TIMEOUT, DEAD_AFTER, HELLO_TIMEOUT, MAX_SESSIONS, MAX_STRANGERS, PING_AFTER,
};
use crate::sync::{
    ACCOUNTS, Connection, Frame, MEND, Outgoing, PROTOCOL, SEARCH, SyncError, accept,
};

/// Bytes that an in-process pipe holds.
const PIPE_BYTES: usize = 256 * 1024;
/// The rest after the system refused a connection.
const ACCEPT_REST: Duration = Duration::from_millis(50);
/// Frames of a device that wait for their answer or for its way out: beyond that the device waits.
const ANSWERS: usize = 32;
/// Numbers of sessions, over all listeners of this process.
static NEXT_SESSION: AtomicU64 = AtomicU64::new(1);

/// Binds the address that `serve` was given. Beyond loopback it refuses: there is no TLS yet.
///
/// # Errors
/// When the address is none, not of this machine, taken, or not loopback.
pub async fn bind(address: &str) -> Result<TcpListener, BackendError> {
    let no = |reason: String| BackendError::Listen { address: address.to_owned(), reason };
    let parsed: SocketAddr =
        address.parse().map_err(|_| no("it is not IP:PORT, such as 127.0.0.1:7070".to_owned()))?;
    if !parsed.ip().is_loopback() {
        return Err(no("only loopback addresses are served without TLS".to_owned()));
    }
    TcpListener::bind(parsed).await.map_err(|error| no(error.to_string()))
}

/// What a connection over TCP has to pass.
struct Entrance {
    token: Token,
    /// Room for those that have shown it.
    permits: Arc<Semaphore>,
    /// It has.
    known: Arc<AtomicBool>,
}

/// A connection that has not shown a token, as far as is known.
struct Stranger {
    task: AbortHandle,
    known: Arc<AtomicBool>,
}

impl Stranger {
    fn is_none(&self) -> bool {
        self.known.load(Ordering::SeqCst) || self.task.is_finished()
    }
}

/// Serves devices on a TCP socket until `shutdown` ends.
pub async fn run(
    listener: TcpListener,
    host: HostHandle,
    token: Token,
    shutdown: impl Future<Output = ()>,
) {
    let permits = Arc::new(Semaphore::new(MAX_SESSIONS));
    let mut strangers = VecDeque::<Stranger>::new();
    let mut tasks = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of descriptors, or the peer gave up: others are served all the same.
                    tokio::time::sleep(ACCEPT_REST).await;
                    continue;
                };
                stream
            }
            Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
        };
        strangers.retain(|stranger| !stranger.is_none());
        while strangers.len() >= MAX_STRANGERS {
            strangers.pop_front().inspect(|oldest| oldest.task.abort());
        }
        // Small frames must not wait for company.
        let _ = stream.set_nodelay(true);
        let (host, known) = (host.clone(), Arc::<AtomicBool>::default());
        let (permits, mine) = (Arc::clone(&permits), Arc::clone(&known));
        let entrance = Entrance { token: token.clone(), permits, known: mine };
        let task = tasks.spawn(async move {
            // A peer that misbehaves or goes away ends its own session and nothing else.
            let _ = serve(stream, host, Some(entrance)).await;
        });
        strangers.push_back(Stranger { task, known });
    }
    tasks.shutdown().await;
}

/// The device's end of a pipe to an embedded backend; no token, nobody else can reach it.
#[must_use]
pub fn pipe(host: &HostHandle) -> DuplexStream {
    let (device, backend) = tokio::io::duplex(PIPE_BYTES);
    let host = host.clone();
    tokio::spawn(async move {
        let _ = serve(backend, host, None).await;
    });
    device
}

/// One device, from handshake to end.
async fn serve<T>(
    transport: T,
    host: HostHandle,
    entrance: Option<Entrance>,
) -> Result<(), BackendError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let token = entrance.as_ref().map(|entrance| &entrance.token);
    let hello = tokio::time::timeout(HELLO_TIMEOUT, greet(transport, token));
    let (mut connection, device, hears) = hello.await.map_err(|_| SyncError::Timeout)??;
    let mut permit = None;
    if let Some(Entrance { permits, known, .. }) = entrance {
        known.store(true, Ordering::SeqCst);
        permit = permits.try_acquire_owned().ok();
        if permit.is_none() {
            return Err(refuse(&mut connection, "busy", "too many devices", true).await?.into());
        }
    }
    let session = NEXT_SESSION.fetch_add(1, Ordering::Relaxed);
    let frames = host.connect(session, device).await?;
    if hears.iter().any(|name| name == ACCOUNTS) {
        host.hears_accounts(session).await?;
    }
    if hears.iter().any(|name| name == SEARCH) {
        host.hears_finder(session).await?;
    }
    if hears.iter().any(|name| name == MEND) {
        host.hears_lacks(session).await?;
    }
    let ended = shuttle(connection, &host, session, frames).await;
    host.stop_search(session);
    host.gone(session).await;
    drop(permit);
    ended
}

/// Says why a connection ends, and ends it; what it is told.
async fn refuse<T>(
    connection: &mut Connection<T>,
    code: &str,
    message: &str,
    retry: bool,
) -> Result<SyncError, SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (code, message) = (code.to_owned(), message.to_owned());
    let frame = Frame::Error { code: code.clone(), message: message.clone(), retry };
    connection.send(&frame).await?;
    connection.close().await;
    Ok(SyncError::Refused { code, message })
}

/// Shakes hands and checks the hello; who it is, and what it hears.
async fn greet<T>(
    transport: T,
    token: Option<&Token>,
) -> Result<(Connection<T>, DeviceId, Vec<String>), SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = accept(transport).await?;
    let refusal = match connection.receive().await {
        Ok(Some(Frame::Hello { protocol, .. })) if protocol != PROTOCOL => {
            SyncError::other_protocol(protocol)
        }
        Ok(Some(Frame::Hello { token: offered, device, hears, .. })) => match token {
            Some(token) if !offered.as_deref().is_some_and(|text| token.matches(text)) => {
                ("token", "the token is wrong".to_owned())
            }
            _ => return Ok((connection.trust().await, device, hears)),
        },
        Ok(Some(_)) | Err(SyncError::Frame(_)) => {
            ("hello", "the first frame is not a hello".to_owned())
        }
        Ok(None) => return Err(SyncError::Unreached("the device has gone".to_owned())),
        Err(error) => return Err(error),
    };
    Err(refuse(&mut connection, refusal.0, &refusal.1, false).await?)
}

/// Frames both ways until one side ends. Silence is broken by a ping, and a dead peer is given up.
async fn shuttle<T>(
    connection: Connection<T>,
    host: &HostHandle,
    session: u64,
    mut frames: tokio::sync::mpsc::Receiver<Frame>,
) -> Result<(), BackendError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (mut outgoing, mut incoming) = connection.split();
    let answers = Semaphore::new(ANSWERS);
    let unreadable = Notify::new();
    let writing = async {
        loop {
            let frame = tokio::select! {
                biased;
                () = unreadable.notified() => {
                    let (code, message) = ("frame".to_owned(), "it is no frame".to_owned());
                    write(&mut outgoing, &Frame::Error { code, message, retry: true }).await?;
                    break;
                }
                frame = tokio::time::timeout(PING_AFTER, frames.recv()) => match frame {
                    Ok(Some(frame)) => frame,
                    Ok(None) => break,
                    Err(_) => Frame::Ping { n: session },
                },
            };
            write(&mut outgoing, &frame).await?;
            if frame.takes_credit() {
                host.written(session).await?;
            }
            if is_answer(&frame) && answers.available_permits() < ANSWERS {
                answers.add_permits(1);
            }
        }
        // A peer that does not read need not be told goodbye.
        let _ = tokio::time::timeout(CONNECT_TIMEOUT, outgoing.close()).await;
        Ok(())
    };
    let reading = async {
        loop {
            let frame = tokio::time::timeout(DEAD_AFTER, incoming.receive());
            match frame.await.map_err(|_| SyncError::Timeout)? {
                Ok(Some(Frame::Pong { .. })) => {}
                Ok(Some(frame)) => {
                    if has_answer(&frame) {
                        // Never closed; the writing side has a deadline.
                        answers.acquire().await.map_err(|_| SyncError::Timeout)?.forget();
                    }
                    if let Some(frame) = host.search(session, frame) {
                        host.frame(session, frame).await?;
                    }
                }
                Ok(None) => return Ok(()),
                Err(SyncError::Frame(_)) => {
                    // It hears why; the writing side ends the connection.
                    unreadable.notify_one();
                    std::future::pending::<()>().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    tokio::select! {
        ended = writing => ended,
        ended = reading => ended,
    }
}

async fn write<T>(outgoing: &mut Outgoing<T>, frame: &Frame) -> Result<(), SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let sent = tokio::time::timeout(DEAD_AFTER, outgoing.send(frame));
    sent.await.map_err(|_| SyncError::Timeout)?
}

/// Whether a frame has one answer that comes soon, so that who does not read the answers can be
/// made to wait. Pages and blobs have their credit; a settle may take long.
const fn has_answer(frame: &Frame) -> bool {
    matches!(
        frame,
        Frame::Push { .. }
            | Frame::Ingest { .. }
            | Frame::Follow { .. }
            | Frame::Purge { .. }
            | Frame::BlobPut { .. }
            | Frame::Ping { .. }
    )
}

const fn is_answer(frame: &Frame) -> bool {
    matches!(
        frame,
        Frame::Ack { .. }
            | Frame::Ingested { .. }
            | Frame::Purged { .. }
            | Frame::BlobHave { .. }
            | Frame::Pong { .. }
            | Frame::Error { .. }
    )
}
