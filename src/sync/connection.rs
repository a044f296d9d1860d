//! One WebSocket that carries frames, over any transport.
//!
//! Invariant: before the peer has shown its token nothing larger than a hello is read; every read
//! has a bound. No retry and no clock here: deadlines are the caller's.

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

use crate::limits::{MAX_FRAME_BYTES, MAX_HELLO_BYTES};
use crate::sync::{Frame, SyncError, decode, encode};

/// A connection.
#[derive(Debug)]
pub struct Connection<T> {
    socket: WebSocketStream<T>,
}

fn bounded(bytes: usize) -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(bytes)).max_frame_size(Some(bytes))
}

fn lost(error: &WsError) -> SyncError {
    SyncError::Unreached(error.to_string())
}

/// The backend's side of the handshake. A browser (it sends an Origin) is refused.
///
/// # Errors
/// When the peer does not shake hands.
pub async fn accept<T>(transport: T) -> Result<Connection<T>, SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    #[expect(clippy::result_large_err, reason = "the library's callback has this type")]
    let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        if request.headers().contains_key("origin") {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = StatusCode::FORBIDDEN;
            return Err(refusal);
        }
        Ok(response)
    };
    let config = Some(bounded(MAX_HELLO_BYTES));
    let socket = tokio_tungstenite::accept_hdr_async_with_config(transport, check, config)
        .await
        .map_err(|error| lost(&error))?;
    Ok(Connection { socket })
}

/// The device's side of the handshake.
///
/// # Errors
/// When the address is none or the peer does not shake hands.
pub async fn connect<T>(transport: T, url: &str) -> Result<Connection<T>, SyncError>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let config = Some(bounded(MAX_FRAME_BYTES));
    let (socket, _) = tokio_tungstenite::client_async_with_config(url, transport, config)
        .await
        .map_err(|error| lost(&error))?;
    Ok(Connection { socket })
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
    /// The peer has shown its token: full frames are read from now on. Between its hello and our
    /// welcome it sends nothing, so no byte is lost when the reader is made anew.
    pub async fn trust(self) -> Self {
        let transport = self.socket.into_inner();
        let config = Some(bounded(MAX_FRAME_BYTES));
        Self { socket: WebSocketStream::from_raw_socket(transport, Role::Server, config).await }
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&mut self, frame: &Frame) -> Result<(), SyncError> {
        send(&mut self.socket, frame).await
    }

    /// The next frame; `None` when the peer has ended.
    ///
    /// # Errors
    /// When the connection is gone, or what came is no frame.
    pub async fn receive(&mut self) -> Result<Option<Frame>, SyncError> {
        receive(&mut self.socket).await
    }

    /// Ends the connection.
    pub async fn close(&mut self) {
        // The peer may be gone already; then there is nothing to end.
        let _ = self.socket.close(None).await;
    }

    /// Two halves, so that reading goes on while a write waits for the peer: two peers that write
    /// at the same time cannot block each other.
    pub fn split(self) -> (Outgoing<T>, Incoming<T>) {
        let (sink, stream) = self.socket.split();
        (Outgoing(sink), Incoming(stream))
    }
}

/// The writing half of a connection.
#[derive(Debug)]
pub struct Outgoing<T>(SplitSink<WebSocketStream<T>, Message>);

/// The reading half of a connection.
#[derive(Debug)]
pub struct Incoming<T>(SplitStream<WebSocketStream<T>>);

impl<T: AsyncRead + AsyncWrite + Unpin> Outgoing<T> {
    /// Sends a frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&mut self, frame: &Frame) -> Result<(), SyncError> {
        send(&mut self.0, frame).await
    }

    /// Ends the connection.
    pub async fn close(&mut self) {
        // The peer may be gone already; then there is nothing to end.
        let _ = self.0.close().await;
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Incoming<T> {
    /// The next frame; `None` when the peer has ended.
    ///
    /// # Errors
    /// When the connection is gone, or what came is no frame.
    pub async fn receive(&mut self) -> Result<Option<Frame>, SyncError> {
        receive(&mut self.0).await
    }
}

async fn send<S>(sink: &mut S, frame: &Frame) -> Result<(), SyncError>
where
    S: futures_util::Sink<Message, Error = WsError> + Unpin,
{
    let bytes = encode(frame)?;
    sink.send(Message::binary(bytes)).await.map_err(|error| lost(&error))
}

async fn receive<S>(stream: &mut S) -> Result<Option<Frame>, SyncError>
where
    S: futures_util::Stream<Item = Result<Message, WsError>> + Unpin,
{
    loop {
        match stream.next().await {
            None | Some(Ok(Message::Close(_))) => return Ok(None),
            Some(Ok(Message::Binary(bytes))) => return decode(&bytes).map(Some),
            Some(Ok(Message::Text(_))) => {
                return Err(SyncError::Frame("text where bytes were expected".to_owned()));
            }
            // The library answers pings itself.
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(lost(&error)),
        }
    }
}
