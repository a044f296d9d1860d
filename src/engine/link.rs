//! The connection to the backend: dial, greet, shuttle frames, and dial again.
//!
//! Invariant: it holds no state of a store; what is lost with a connection is offered again by the
//! device. Every wait has a deadline. A refusal for good ends the tries.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::{Clock as _, SystemClock};
use crate::id::DeviceId;
use crate::limits::{CONNECT_TIMEOUT, DEAD_AFTER, HELLO_TIMEOUT, PING_AFTER, RECONNECT_MOST};
use crate::notice::Explain as _;
use crate::sync::{Backoff, Connection, Frame, PROTOCOL, SyncError, connect};

/// Makes one end of a pipe to an embedded backend, within the link's runtime.
pub type Dial = Arc<dyn Fn() -> DuplexStream + Send + Sync>;

/// Where the backend is.
#[derive(Clone)]
pub enum Endpoint {
    /// In this process.
    Pipe(Dial),
    /// At an address, with a token.
    Url {
        /// `ws://HOST:PORT`.
        url: String,
        /// Its token.
        token: String,
    },
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pipe(_) => f.write_str("Pipe"),
            Self::Url { url, .. } => write!(f, "Url({url})"),
        }
    }
}

/// Frames that were read and not yet taken in: beyond that the backend waits, not our memory.
const FRAMES_WAITING: usize = 32;

/// A frame's place among those that wait; dropped with it.
#[derive(Debug, Default)]
pub struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

/// What the link tells the engine.
#[derive(Debug)]
pub enum LinkEvent {
    /// It dials.
    Dialing,
    /// A frame; the first of a connection is the welcome.
    Frame(Box<Frame>, Place),
    /// The connection is gone; it will be dialled again.
    Down(SyncError),
    /// The backend refused for good; it will not be dialled again.
    Refused(SyncError),
}

/// A running link. Dropping it ends the connection.
#[derive(Debug)]
pub struct Link {
    // Unbounded, but never long: the device has at most one push a store and a few questions
    // under way, and an import waits for its answers.
    out: UnboundedSender<Out>,
}

/// What the link is told to do.
#[derive(Debug)]
enum Out {
    Send(Frame),
    Redial,
}

impl Link {
    /// Starts the link on a thread of its own; events go to `events`.
    ///
    /// # Errors
    /// When the runtime cannot be made.
    pub fn start<E>(
        endpoint: Endpoint,
        device: DeviceId,
        events: Sender<E>,
    ) -> Result<Self, SyncError>
    where
        E: From<LinkEvent> + Send + 'static,
    {
        let (out, frames) = unbounded_channel();
        let failed = |error: std::io::Error| SyncError::Unreached(error.to_string());
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        std::thread::Builder::new()
            .name("link".to_owned())
            .spawn(move || {
                let tell = move |event: LinkEvent| events.send(event.into()).is_ok();
                runtime.block_on(dial_again(endpoint, device, frames, &tell));
            })
            .map_err(failed)?;
        Ok(Self { out })
    }

    /// Sends a frame; one that cannot be sent any more is offered again by the device.
    pub fn send(&self, frame: Frame) {
        let _ = self.out.send(Out::Send(frame));
    }

    /// Ends this connection and dials again: a frame of it could not be taken in, and what came
    /// after it makes no sense without it.
    pub fn redial(&self) {
        let _ = self.out.send(Out::Redial);
    }
}

async fn dial_again(
    endpoint: Endpoint,
    device: DeviceId,
    mut frames: UnboundedReceiver<Out>,
    tell: &dyn Fn(LinkEvent) -> bool,
) {
    let mut backoff = Backoff::default();
    loop {
        let begun = Instant::now();
        if !tell(LinkEvent::Dialing) {
            return;
        }
        let ended = match &endpoint {
            Endpoint::Pipe(dial) => {
                session(dial(), "ws://mailtui", None, &device, &mut frames, tell).await
            }
            Endpoint::Url { url, token } => remote(url, token, &device, &mut frames, tell).await,
        };
        let error = match ended {
            Ok(Ended::ByUs) => return,
            Ok(Ended::ByPeer) => SyncError::Unreached("the connection ended".to_owned()),
            Err(error) => error,
        };
        // One that ends as soon as it begins is no success.
        if begun.elapsed() > RECONNECT_MOST {
            backoff.reset();
        }
        if error.is_permanent() {
            tell(LinkEvent::Refused(error));
            return;
        }
        if !tell(LinkEvent::Down(error)) {
            return;
        }
        // Frames of the old connection are not for the next one.
        let mut random = [0; 8];
        SystemClock.random(&mut random);
        tokio::time::sleep(backoff.wait(u64::from_le_bytes(random))).await;
        while frames.try_recv().is_ok() {}
        if frames.is_closed() {
            return;
        }
    }
}

enum Ended {
    ByUs,
    ByPeer,
}

async fn remote(
    url: &str,
    token: &str,
    device: &DeviceId,
    frames: &mut UnboundedReceiver<Out>,
    tell: &dyn Fn(LinkEvent) -> bool,
) -> Result<Ended, SyncError> {
    let parsed = url::Url::parse(url).map_err(|error| SyncError::Address(error.to_string()))?;
    if parsed.scheme() != "ws" {
        return Err(SyncError::Address("only ws:// is known to this version".to_owned()));
    }
    let host = parsed.host_str().ok_or_else(|| SyncError::Address("no host".to_owned()))?;
    // An IPv6 address stands in brackets in a URL (RFC 3986, section 3.2.2) and nowhere else.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = parsed.port_or_known_default().unwrap_or(80);
    let dialled = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect((host, port)));
    let stream = dialled
        .await
        .map_err(|_| SyncError::Timeout)?
        .map_err(|error| SyncError::Unreached(error.to_string()))?;
    // Small frames must not wait for company.
    let _ = stream.set_nodelay(true);
    session(stream, url, Some(token.to_owned()), device, frames, tell).await
}

async fn session<T>(
    transport: T,
    url: &str,
    token: Option<String>,
    device: &DeviceId,
    frames: &mut UnboundedReceiver<Out>,
    tell: &dyn Fn(LinkEvent) -> bool,
) -> Result<Ended, SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let greeted = tokio::time::timeout(HELLO_TIMEOUT, greet(transport, url, token, device));
    let (connection, welcome) = greeted.await.map_err(|_| SyncError::Timeout)??;
    if !tell(LinkEvent::Frame(Box::new(welcome), Place::default())) {
        return Ok(Ended::ByUs);
    }
    shuttle(connection, frames, tell).await
}

async fn greet<T>(
    transport: T,
    url: &str,
    token: Option<String>,
    device: &DeviceId,
) -> Result<(Connection<T>, Frame), SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = connect(transport, url).await?;
    connection.send(&Frame::Hello { protocol: PROTOCOL, device: device.clone(), token }).await?;
    match connection.receive().await? {
        Some(welcome @ Frame::Welcome { .. }) => Ok((connection, welcome)),
        Some(Frame::Error { code, message, retry: false }) => {
            let message = crate::safe_text::line(&message);
            Err(SyncError::Refused { code: crate::safe_text::line(&code), message })
        }
        Some(_) => Err(SyncError::Frame("the first frame is not a welcome".to_owned())),
        None => Err(SyncError::Unreached("the connection ended".to_owned())),
    }
}

async fn shuttle<T>(
    connection: Connection<T>,
    frames: &mut UnboundedReceiver<Out>,
    tell: &dyn Fn(LinkEvent) -> bool,
) -> Result<Ended, SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (mut outgoing, mut incoming) = connection.split();
    let writing = async {
        loop {
            let frame = match tokio::time::timeout(PING_AFTER, frames.recv()).await {
                Ok(Some(Out::Send(frame))) => frame,
                Ok(Some(Out::Redial)) => {
                    return Err(SyncError::Unreached("it begins anew".to_owned()));
                }
                Ok(None) => {
                    // A peer that does not read need not be told goodbye.
                    let _ = tokio::time::timeout(CONNECT_TIMEOUT, outgoing.close()).await;
                    return Ok(Ended::ByUs);
                }
                Err(_) => Frame::Ping { n: 0 },
            };
            let sent = tokio::time::timeout(DEAD_AFTER, outgoing.send(&frame));
            sent.await.map_err(|_| SyncError::Timeout)??;
        }
    };
    let places = Arc::new(Semaphore::new(FRAMES_WAITING));
    let reading = async {
        loop {
            // Never closed, so there is always one in the end.
            let place = Place { _permit: Arc::clone(&places).acquire_owned().await.ok() };
            let frame = tokio::time::timeout(DEAD_AFTER, incoming.receive());
            match frame.await.map_err(|_| SyncError::Timeout)?? {
                Some(Frame::Pong { .. }) => {}
                Some(frame) => {
                    crate::crash::point("link.frame");
                    if !tell(LinkEvent::Frame(Box::new(frame), place)) {
                        return Ok(Ended::ByUs);
                    }
                }
                None => return Ok(Ended::ByPeer),
            }
            // The engine's thread may share this core with us.
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = writing => ended,
        ended = reading => ended,
    }
}

/// How long a command waits for a silent backend before it gives up.
pub const SILENCE: Duration = DEAD_AFTER;
