//! The connection to the backend: dial, greet, shuttle frames, and dial again.
//!
//! Invariant: it holds no state of a store; what is lost with a connection is offered again by the
//! device. Every wait has a deadline. A refusal for good ends the tries.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::clock::{Clock as _, SystemClock};
use crate::id::DeviceId;
use crate::limits::{CONNECT_TIMEOUT, DEAD_AFTER, HELLO_TIMEOUT, PING_AFTER, RECONNECT_MOST};
use crate::notice::Explain as _;
use crate::sync::{
    ACCOUNTS, Backoff, Connection, Deadlines, Frame, Incoming, MEND, Outgoing, PROTOCOL, SEARCH,
    SyncError, connect,
};

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
/// Frames that wait for the socket: beyond that the device keeps what it has to say.
const FRAMES_OUT: usize = 256;
/// How long an answer may take; then the connection is begun anew.
const ANSWER_WITHIN: Duration = DEAD_AFTER;
/// How often it is looked whether an answer is overdue.
const LOOK: Duration = Duration::from_secs(5);

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
    /// There is room again for what could not be sent.
    Room,
    /// The connection is gone; it will be dialled again.
    Down(SyncError),
    /// The backend refused for good; it will not be dialled again.
    Refused(SyncError),
}

/// A running link. Dropping it ends the connection.
#[derive(Debug)]
pub struct Link {
    out: Sender<Frame>,
    wish: Arc<Wish>,
}

/// What the engine wants of the link, beside that frames are sent.
#[derive(Debug, Default)]
struct Wish {
    redial: Notify,
    /// To be told when there is room for frames.
    room: AtomicBool,
}

impl Link {
    /// Starts the link on a thread of its own; events go to `events`.
    ///
    /// # Errors
    /// When the runtime cannot be made.
    pub fn start<E>(
        endpoint: Endpoint,
        device: DeviceId,
        events: mpsc::Sender<E>,
    ) -> Result<Self, SyncError>
    where
        E: From<LinkEvent> + Send + 'static,
    {
        let (out, frames) = channel(FRAMES_OUT);
        let wish = Arc::new(Wish::default());
        let wished = Arc::clone(&wish);
        let failed = |error: std::io::Error| SyncError::Unreached(error.to_string());
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        std::thread::Builder::new()
            .name("link".to_owned())
            .spawn(move || {
                let tell = move |event: LinkEvent| events.send(event.into()).is_ok();
                let mut engine = Engine { frames, wish: wished, tell: &tell };
                runtime.block_on(dial_again(endpoint, device, &mut engine));
            })
            .map_err(failed)?;
        Ok(Self { out, wish })
    }

    /// Sends frames in order while there is room, and returns the others: [`LinkEvent::Room`] says
    /// when they may be tried again. What a connection loses is offered again by the device.
    #[must_use]
    pub fn send(&self, frames: Vec<Frame>) -> Vec<Frame> {
        let mut frames = frames.into_iter();
        while let Some(frame) = frames.next() {
            let Err(TrySendError::Full(frame)) = self.out.try_send(frame) else { continue };
            self.wish.room.store(true, Ordering::SeqCst);
            // It may have become free before the wish was written down.
            if let Err(TrySendError::Full(frame)) = self.out.try_send(frame) {
                return std::iter::once(frame).chain(frames).collect();
            }
        }
        Vec::new()
    }

    /// Ends this connection and dials again: a frame of it could not be taken in, and what came
    /// after it makes no sense without it.
    pub fn redial(&self) {
        self.wish.redial.notify_one();
    }
}

/// The engine, as the link sees it.
struct Engine<'a> {
    frames: Receiver<Frame>,
    wish: Arc<Wish>,
    tell: &'a dyn Fn(LinkEvent) -> bool,
}

impl Engine<'_> {
    fn tell(&self, event: LinkEvent) -> bool {
        (self.tell)(event)
    }
}

async fn dial_again(endpoint: Endpoint, device: DeviceId, engine: &mut Engine<'_>) {
    let mut backoff = Backoff::default();
    loop {
        let begun = Instant::now();
        if !engine.tell(LinkEvent::Dialing) {
            return;
        }
        let ended = match &endpoint {
            Endpoint::Pipe(dial) => session(dial(), "ws://mailtui", None, &device, engine).await,
            Endpoint::Url { url, token } => remote(url, token, &device, engine).await,
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
            engine.tell(LinkEvent::Refused(error));
            return;
        }
        if !engine.tell(LinkEvent::Down(error)) {
            return;
        }
        // Frames of the old connection are not for the next one.
        let mut random = [0; 8];
        SystemClock.random(&mut random);
        tokio::time::sleep(backoff.wait(u64::from_le_bytes(random))).await;
        while engine.frames.try_recv().is_ok() {}
        let _ = engine.wish.redial.notified().now_or_never();
        if engine.frames.is_closed() {
            return;
        }
    }
}

#[derive(Debug)]
enum Ended {
    ByUs,
    ByPeer,
}

async fn remote(
    url: &str,
    token: &str,
    device: &DeviceId,
    engine: &mut Engine<'_>,
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
    session(stream, url, Some(token.to_owned()), device, engine).await
}

async fn session<T>(
    transport: T,
    url: &str,
    token: Option<String>,
    device: &DeviceId,
    engine: &mut Engine<'_>,
) -> Result<Ended, SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let greeted = tokio::time::timeout(HELLO_TIMEOUT, greet(transport, url, token, device));
    let (connection, welcome) = greeted.await.map_err(|_| SyncError::Timeout)??;
    if !engine.tell(LinkEvent::Frame(Box::new(welcome), Place::default())) {
        return Ok(Ended::ByUs);
    }
    shuttle(connection, engine).await
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
    // Beside its backend a device asks who fetches.
    let hears = token.iter().flat_map(|_| [ACCOUNTS, SEARCH, MEND]).map(str::to_owned).collect();
    let device = device.clone();
    connection.send(&Frame::Hello { protocol: PROTOCOL, device, token, hears }).await?;
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

/// What both halves of a connection know.
#[derive(Default)]
struct Shared {
    asked: RefCell<Deadlines>,
    /// The backend's last ping, if it was not answered yet.
    ping: Cell<Option<u64>>,
    pinged: Notify,
}

async fn shuttle<T>(connection: Connection<T>, engine: &mut Engine<'_>) -> Result<Ended, SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (outgoing, incoming) = connection.split();
    let places = Arc::new(Semaphore::new(FRAMES_WAITING));
    let shared = Shared::default();
    let tell = engine.tell;
    tokio::select! {
        ended = write(outgoing, engine, &shared) => ended,
        ended = read(incoming, tell, &shared, &places) => ended,
        error = overdue(&shared, &places) => Err(error),
    }
}

/// Writes what the engine says, and answers pings: all of one peer's are one.
async fn write<T>(
    mut outgoing: Outgoing<T>,
    engine: &mut Engine<'_>,
    shared: &Shared,
) -> Result<Ended, SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut silent_since = Instant::now();
    loop {
        let frame = tokio::select! {
            () = engine.wish.redial.notified() => {
                return Err(SyncError::Unreached("it begins anew".to_owned()));
            }
            () = shared.pinged.notified() => match shared.ping.take() {
                Some(n) => Frame::Pong { n },
                None => continue,
            },
            // That it is heard and answered is not said by answering pings.
            () = tokio::time::sleep_until(silent_since + PING_AFTER) => Frame::Ping { n: 0 },
            frame = engine.frames.recv() => {
                let Some(frame) = frame else {
                    // A peer that does not read need not be told goodbye.
                    let _ = tokio::time::timeout(CONNECT_TIMEOUT, outgoing.close()).await;
                    return Ok(Ended::ByUs);
                };
                frame
            },
        };
        if !matches!(frame, Frame::Pong { .. }) {
            silent_since = Instant::now();
        }
        if engine.frames.is_empty() && engine.wish.room.swap(false, Ordering::SeqCst) {
            engine.tell(LinkEvent::Room);
        }
        shared.asked.borrow_mut().sent(&frame, Instant::now().into_std());
        let sent = tokio::time::timeout(DEAD_AFTER, outgoing.send(&frame));
        sent.await.map_err(|_| SyncError::Timeout)??;
    }
}

async fn read<T>(
    mut incoming: Incoming<T>,
    tell: &dyn Fn(LinkEvent) -> bool,
    shared: &Shared,
    places: &Arc<Semaphore>,
) -> Result<Ended, SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        // Never closed, so there is always one in the end.
        let place = Place { _permit: Arc::clone(places).acquire_owned().await.ok() };
        let frame = tokio::time::timeout(DEAD_AFTER, incoming.receive());
        let Some(frame) = frame.await.map_err(|_| SyncError::Timeout)?? else {
            return Ok(Ended::ByPeer);
        };
        shared.asked.borrow_mut().came(&frame, Instant::now().into_std());
        match frame {
            Frame::Pong { .. } => {}
            Frame::Ping { n } => {
                shared.ping.set(Some(n));
                shared.pinged.notify_one();
            }
            frame => {
                crate::crash::point("link.frame");
                if !tell(LinkEvent::Frame(Box::new(frame), place)) {
                    return Ok(Ended::ByUs);
                }
            }
        }
        // The engine's thread may share this core with us.
        tokio::task::yield_now().await;
    }
}

/// Ends when something that was asked is not answered, though the engine has taken in all that
/// came.
async fn overdue(shared: &Shared, places: &Semaphore) -> SyncError {
    loop {
        tokio::time::sleep(LOOK).await;
        let now = Instant::now().into_std();
        // One place is the reader's.
        if places.available_permits() + 1 < FRAMES_WAITING {
            shared.asked.borrow_mut().begin_anew(now);
        } else if shared.asked.borrow().is_overdue(ANSWER_WITHIN, now) {
            return SyncError::Timeout;
        }
    }
}

/// How long a command waits for a silent backend before it gives up.
pub const SILENCE: Duration = DEAD_AFTER;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, StoreId};
    use crate::sync::accept;

    /// How a connection ends whose backend is there, sends pings, and after its welcome says only
    /// what `says` has; and after how long, by the clock of the test.
    fn ends(asked: Vec<Frame>, says: Vec<Frame>) -> (Result<Ended, SyncError>, Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(async move {
                let mut backend = accept(theirs).await.unwrap();
                assert!(matches!(backend.receive().await, Ok(Some(Frame::Hello { .. }))));
                let epoch = Epoch::try_from("1.a").unwrap();
                let welcome = Frame::Welcome { protocol: PROTOCOL, backend: "b".into(), epoch };
                backend.send(&welcome).await.unwrap();
                for frame in says {
                    backend.send(&frame).await.unwrap();
                }
                let (mut outgoing, mut incoming) = backend.split();
                let pings = async {
                    loop {
                        tokio::time::sleep(Duration::from_secs(10)).await;
                        if outgoing.send(&Frame::Ping { n: 7 }).await.is_err() {
                            return;
                        }
                    }
                };
                let reading = async {
                    let mut pongs = 0;
                    while let Ok(Some(frame)) = incoming.receive().await {
                        pongs += usize::from(frame == Frame::Pong { n: 7 });
                    }
                    assert!(pongs > 1, "pings are answered while nothing else comes");
                };
                tokio::join!(pings, reading);
            });
            let (out, frames) = channel(FRAMES_OUT);
            for frame in asked {
                out.try_send(frame).unwrap();
            }
            let mut engine = Engine { frames, wish: Arc::default(), tell: &|_| true };
            let device = DeviceId::try_from("device").unwrap();
            let begun = Instant::now();
            let most = Duration::from_secs(200);
            let session = session(ours, "ws://mailtui", None, &device, &mut engine);
            let ended = tokio::time::timeout(most, session).await;
            (ended.unwrap_or(Ok(Ended::ByUs)), begun.elapsed())
        })
    }

    #[test]
    fn an_answer_that_never_comes_ends_the_connection_though_the_backend_is_there() {
        let store = StoreId::mailbox();
        let questions = [
            Frame::Push { stores: Vec::new() },
            Frame::Subscribe { store: store.clone(), cursor: None },
            Frame::Settle { seq: 1 },
        ];
        for question in questions {
            let (ended, after) = ends(vec![question.clone()], Vec::new());
            assert!(matches!(ended, Err(SyncError::Timeout)), "{question:?}");
            let bound = ANSWER_WITHIN + 2 * LOOK;
            assert!((ANSWER_WITHIN..bound).contains(&after), "{question:?}: {after:?}");
        }
        // A ping of ours that is not answered ends it too: who is there must also listen.
        let (ended, after) = ends(Vec::new(), Vec::new());
        assert!(matches!(ended, Err(SyncError::Timeout)) && after < 2 * DEAD_AFTER, "{after:?}");
    }

    #[test]
    fn frames_that_do_not_fit_wait_for_room() {
        let (out, mut frames) = channel(2);
        let link = Link { out, wish: Arc::default() };
        let pings = |range: std::ops::Range<u64>| range.map(|n| Frame::Ping { n }).collect();
        let left = link.send(pings(0..5));
        assert_eq!(left, pings(2..5));
        assert!(link.wish.room.load(Ordering::SeqCst), "it wants to be told");
        assert_eq!(frames.try_recv().unwrap(), Frame::Ping { n: 0 });
        assert_eq!(link.send(left), pings(3..5));
    }
}
