//! One connection to a mail server: how a command goes out and its answer comes in.
//!
//! Invariant: one command at a time, each with a deadline; after any error but a `NO` the
//! connection is dropped, since nobody knows what of it is still to come. Every text that goes out
//! is a quoted string or a literal: nothing from outside becomes part of a command. What was sent
//! is never in an error.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use imap_proto::{MailboxDatum, Response, ResponseCode, Status};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::imap::ImapError;
use crate::imap::edge::Known;
use crate::imap::rate::Bucket;
use crate::imap::reading::{is_quotable, parse, places};
use crate::imap::wire::Framer;

/// How long a server may be silent within a command.
const SILENCE: Duration = Duration::from_mins(1);
/// Responses of one command that cannot be read, before the connection is given up.
pub(super) const MAX_UNREADABLE: usize = 1_000;
/// Responses of one command at most: a listing asks for fewer messages at a time.
const MAX_RESPONSES: usize = 100_000;
/// Bytes of all responses to one command at most, beside those of messages that it asks for.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Bytes that are sent at a time, each with a time of their own.
const SEND_BYTES: usize = 64 * 1024;
/// How many times as long as a server may be silent a whole command may take...
const COMMAND_SILENCES: u32 = 5;
/// ...beside the time that its bytes take on the slowest line, in bytes a second.
const SLOWEST_LINE: u64 = 512;

/// A way to a server.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A piece of a command.
#[derive(Clone, Copy)]
pub enum Piece<'a> {
    /// Part of the command itself.
    Plain(&'a str),
    /// Text from elsewhere.
    Text(&'a [u8]),
}

/// What a command ended with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// The server's words, sanitised.
    pub words: String,
    /// From UIDs of the source to those of the destination (RFC 4315): the destination's
    /// `UIDVALIDITY`, and the pairs.
    pub copied: Option<(u32, Vec<(u32, u32)>)>,
    /// The place of an appended message.
    pub appended: Option<(u32, u32)>,
}

/// A folder that was selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// Its UIDs count under this.
    pub uidvalidity: u32,
    /// The next UID; 0 where the server does not say.
    pub uidnext: u32,
    /// Messages in it.
    pub exists: u32,
    /// Its state (RFC 7162), or 0.
    pub modseq: u64,
    /// Whether keywords of any name can be set.
    pub keywords: bool,
    /// Whether nothing can be changed.
    pub read_only: bool,
    /// What changed since the state that was named (RFC 7162, section 3.2.5).
    pub changed: Vec<Known>,
    /// What is gone since then.
    pub vanished: Vec<RangeInclusive<u32>>,
}

/// A state that is known: `UIDVALIDITY`, `HIGHESTMODSEQ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(pub u32, pub u64);

/// A folder in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name as the server writes it.
    pub name: String,
    /// What parts names within each other.
    pub delimiter: Option<String>,
    /// Its attributes, lower case, without the backslash.
    pub attributes: BTreeSet<String>,
}

/// What a server says of a folder that is not selected (RFC 3501, section 7.2.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FolderStatus {
    /// Messages.
    pub messages: u32,
    /// The next UID.
    pub uidnext: u32,
    /// Under which UIDs count.
    pub uidvalidity: u32,
    /// The state, or 0.
    pub modseq: u64,
}

/// What came for the selected folder that nobody asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Something changed in it.
    pub any: bool,
    /// So many messages of it are gone.
    pub gone: u32,
    /// There are so many messages now.
    pub exists: Option<u32>,
}

/// Why waiting for news ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The server said something.
    News,
    /// It was called off.
    Called,
    /// It was long enough.
    Time,
}

/// A connection.
pub struct Client {
    stream: Box<dyn Stream>,
    pub(super) framer: Framer,
    tag: u32,
    /// Who it is, for errors.
    pub(super) server: String,
    capabilities: BTreeSet<String>,
    /// Whether labels of Gmail are asked for.
    pub(super) labels: bool,
    pub(super) news: News,
    received: u64,
    /// How much may come in.
    rate: Option<Bucket>,
    pub(super) silence: Duration,
    /// When the command that is answered began, and what had come in until then.
    began: (Instant, u64),
    /// What the answer may still have, in bytes.
    pub(super) left: usize,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.server)
    }
}

impl Client {
    /// A connection over a stream; nothing was read yet.
    #[must_use]
    pub fn new(stream: Box<dyn Stream>, server: &str) -> Self {
        Self {
            stream,
            framer: Framer::new(),
            tag: 0,
            server: server.to_owned(),
            capabilities: BTreeSet::new(),
            labels: false,
            news: News::default(),
            received: 0,
            rate: None,
            silence: SILENCE,
            began: (Instant::now(), 0),
            left: MAX_ANSWER_BYTES,
        }
    }

    /// How long the server may be silent within a command.
    pub const fn set_silence(&mut self, silence: Duration) {
        self.silence = silence;
    }

    /// No more than so many bytes come in within a second; 0 is no limit.
    pub(super) fn set_rate(&mut self, rate: u64) {
        self.rate = Bucket::of(rate);
    }

    /// Whether labels of Gmail are asked for from now on.
    pub const fn use_labels(&mut self, labels: bool) {
        self.labels = labels;
    }

    /// Bytes that came in.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Whether the server says that it can do this.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    /// What came for the selected folder since this was asked last.
    pub fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    /// As `take_news`, and it stays.
    #[must_use]
    pub const fn news_so_far(&self) -> &News {
        &self.news
    }

    /// The stream below, for TLS: refused where bytes wait that came in clear.
    pub(super) fn into_stream(self) -> Result<Box<dyn Stream>, ImapError> {
        if self.framer.is_empty() { Ok(self.stream) } else { Err(ImapError::Injected(self.server)) }
    }

    /// The next response, whole.
    pub(super) async fn response(&mut self) -> Result<Vec<u8>, ImapError> {
        loop {
            if let Some(response) = self.framer.response()? {
                let left = self.left.checked_sub(response.len());
                self.left = left.ok_or(ImapError::TooLarge("answers without end"))?;
                return Ok(response);
            }
            let within = self.silence.min(self.time_left());
            let most = self.rate.map_or(u64::MAX, |rate| rate.at_a_time());
            let mut stream = (&mut self.stream).take(most);
            let read = stream.read_buf(self.framer.room());
            let read = tokio::time::timeout(within, read).await;
            let read = read.map_err(|_| ImapError::Slow(self.server.clone()))?;
            match read {
                Ok(0) | Err(_) => return Err(ImapError::Closed),
                Ok(count) => {
                    self.received += count as u64;
                    if let Some(rate) = &mut self.rate {
                        let now = tokio::time::Instant::now().into_std();
                        let wait = rate.take(count as u64, now);
                        tokio::time::sleep(wait).await;
                    }
                }
            }
        }
    }

    /// How much longer the command may take: a server that says a byte now and then is as one that
    /// is silent.
    fn time_left(&self) -> Duration {
        let (began, before) = self.began;
        let bytes = self.received.saturating_sub(before);
        let whole = self.silence * COMMAND_SILENCES + Duration::from_secs(bytes / SLOWEST_LINE);
        whole.saturating_sub(began.elapsed())
    }

    /// A command begins, or goes on after a wait that was its purpose.
    pub(super) fn begins(&mut self) {
        self.began = (Instant::now(), self.received);
        self.left = MAX_ANSWER_BYTES;
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), ImapError> {
        // Each part has its own time: a long message on a slow line is not a server that hangs.
        for part in bytes.chunks(SEND_BYTES) {
            let write = async {
                self.stream.write_all(part).await?;
                self.stream.flush().await
            };
            match tokio::time::timeout(self.silence, write).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(ImapError::Closed),
                Err(_) => return Err(ImapError::Slow(self.server.clone())),
            }
        }
        Ok(())
    }

    /// Sends a command and hands every untagged response to `each`.
    ///
    /// # Errors
    /// [`ImapError::No`] when the server refuses; otherwise the connection is of no more use.
    pub async fn command(
        &mut self,
        name: &'static str,
        pieces: &[Piece<'_>],
        each: &mut (dyn FnMut(&Response<'_>) + Send),
    ) -> Result<End, ImapError> {
        let tag = self.begin(pieces, each).await?;
        self.finish(name, &tag, each).await
    }

    /// Sends a command as far as its last piece.
    pub(super) async fn begin(
        &mut self,
        pieces: &[Piece<'_>],
        each: &mut (dyn FnMut(&Response<'_>) + Send),
    ) -> Result<String, ImapError> {
        self.begins();
        self.tag += 1;
        let tag = format!("m{}", self.tag);
        let mut line = format!("{tag} ").into_bytes();
        for piece in pieces {
            match piece {
                Piece::Plain(text) => line.extend_from_slice(text.as_bytes()),
                Piece::Text(text) if is_quotable(text) => {
                    line.push(b'"');
                    for byte in *text {
                        if matches!(byte, b'"' | b'\\') {
                            line.push(b'\\');
                        }
                        line.push(*byte);
                    }
                    line.push(b'"');
                }
                Piece::Text(text) => {
                    let plus = self.can("LITERAL+") || (self.can("LITERAL-") && text.len() <= 4096);
                    let mark = if plus { "+" } else { "" };
                    line.extend_from_slice(format!("{{{}{mark}}}\r\n", text.len()).as_bytes());
                    if !plus {
                        self.send(&line).await?;
                        line.clear();
                        self.go_on(&tag, each).await?;
                    }
                    line.extend_from_slice(text);
                }
            }
        }
        line.extend_from_slice(b"\r\n");
        self.send(&line).await?;
        Ok(tag)
    }

    /// Waits until the server asks to go on; its words in base 64, where it has some.
    pub(super) async fn go_on(
        &mut self,
        tag: &str,
        each: &mut (dyn FnMut(&Response<'_>) + Send),
    ) -> Result<Vec<u8>, ImapError> {
        for _ in 0..MAX_RESPONSES {
            let response = self.response().await?;
            if let Some(words) = response.strip_prefix(b"+") {
                return Ok(words.trim_ascii().to_vec());
            }
            if response.starts_with(format!("{tag} ").as_bytes()) {
                return Err(refusal("command", &response));
            }
            if let Some(read) = parse(&response) {
                self.note(&read);
                each(&read);
            }
        }
        Err(ImapError::TooLarge("answers without end"))
    }

    /// Reads on until the command's own answer.
    pub(super) async fn finish(
        &mut self,
        command: &'static str,
        tag: &str,
        each: &mut (dyn FnMut(&Response<'_>) + Send),
    ) -> Result<End, ImapError> {
        let end = self.finish_with(command, tag, each).await?;
        end.ok_or(ImapError::Malformed)
    }

    /// As `finish`; `None` when the server asks to go on.
    pub(super) async fn finish_or_go_on(
        &mut self,
        command: &'static str,
        tag: &str,
    ) -> Result<Option<End>, ImapError> {
        self.finish_with(command, tag, &mut |_| {}).await
    }

    async fn finish_with(
        &mut self,
        command: &'static str,
        tag: &str,
        each: &mut (dyn FnMut(&Response<'_>) + Send),
    ) -> Result<Option<End>, ImapError> {
        let mut unreadable = 0;
        for _ in 0..MAX_RESPONSES {
            let response = self.response().await?;
            if response.starts_with(b"+") {
                return Ok(None);
            }
            let Some(read) = parse(&response) else {
                // A kind of response that the parser does not know; never the answer itself.
                unreadable += 1;
                if unreadable > MAX_UNREADABLE || response.starts_with(tag.as_bytes()) {
                    return Err(ImapError::Malformed);
                }
                continue;
            };
            self.note(&read);
            let Response::Done { tag: answered, status, outcome } = &read else {
                if let Response::Data { status: Status::Bye, .. } = &read
                    && command != "LOGOUT"
                {
                    return Err(ImapError::Closed);
                }
                each(&read);
                continue;
            };
            if answered.0 != tag {
                return Err(ImapError::Malformed);
            }
            let words = ImapError::words(outcome.information.as_deref().unwrap_or_default());
            if *status != Status::Ok {
                return Err(ImapError::No { command, words });
            }
            each(&read);
            let (copied, appended) = places(outcome.code.as_ref());
            return Ok(Some(End { words, copied, appended }));
        }
        Err(ImapError::TooLarge("answers without end"))
    }

    /// What any response may say besides.
    pub(super) fn note(&mut self, response: &Response<'_>) {
        match response {
            Response::Capabilities(all) => self.learn(all),
            Response::Data { outcome, .. } | Response::Done { outcome, .. } => {
                if let Some(ResponseCode::Capabilities(all)) = &outcome.code {
                    self.learn(all);
                }
            }
            Response::MailboxData(MailboxDatum::Exists(count)) => {
                self.news.any = true;
                self.news.exists = Some(*count);
            }
            Response::Expunge(_) => {
                self.news.any = true;
                self.news.gone = self.news.gone.saturating_add(1);
            }
            Response::Vanished { earlier: false, uids } => {
                self.news.any = true;
                let count =
                    |range: &RangeInclusive<u32>| range.end().saturating_sub(*range.start());
                let gone = uids.iter().map(|range| count(range).saturating_add(1));
                self.news.gone = gone.fold(self.news.gone, u32::saturating_add);
            }
            Response::Fetch(..) => self.news.any = true,
            _ => {}
        }
    }

    fn learn(&mut self, all: &[imap_proto::Capability<'_>]) {
        use imap_proto::Capability;
        let name = |capability: &Capability<'_>| match capability {
            Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
            Capability::Auth(name) => format!("AUTH={}", name.to_ascii_uppercase()),
            Capability::Atom(name) => name.to_ascii_uppercase(),
        };
        self.capabilities = all.iter().map(name).collect();
    }

    /// What was learned in clear is forgotten.
    pub(super) fn forget_capabilities(&mut self) {
        self.capabilities.clear();
    }

    /// Asks what the server can do.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn capability(&mut self) -> Result<(), ImapError> {
        self.command("CAPABILITY", &[Piece::Plain("CAPABILITY")], &mut |_| {}).await.map(drop)
    }

    /// Switches extensions on (RFC 5161): with QRESYNC, what is gone is told by UID.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn enable(&mut self) -> Result<(), ImapError> {
        if self.can("QRESYNC") && self.can("ENABLE") {
            self.command("ENABLE", &[Piece::Plain("ENABLE QRESYNC")], &mut |_| {}).await?;
        }
        Ok(())
    }

    /// Sends bytes as they are: an answer in the middle of a command.
    pub(super) async fn answer(&mut self, bytes: &[u8]) -> Result<(), ImapError> {
        self.send(bytes).await
    }

    /// Begins a command whose answer is read elsewhere.
    pub(super) async fn start(&mut self, pieces: &[Piece<'_>]) -> Result<String, ImapError> {
        self.begin(pieces, &mut |_| {}).await
    }

    /// The server's first words.
    pub(super) async fn greeting(&mut self) -> Result<Status, ImapError> {
        let response = self.response().await?;
        match parse(&response) {
            Some(read) => {
                self.note(&read);
                match read {
                    Response::Data { status: Status::Bye, .. } => Err(ImapError::Closed),
                    Response::Data { status, .. } => Ok(status),
                    _ => Err(ImapError::Malformed),
                }
            }
            None => Err(ImapError::Malformed),
        }
    }
}

/// What the answer to a command is, where it was to ask to go on.
fn refusal(command: &'static str, response: &[u8]) -> ImapError {
    match parse(response) {
        Some(Response::Done { outcome, .. }) => {
            let words = outcome.information.unwrap_or_default();
            ImapError::No { command, words: ImapError::words(&words) }
        }
        _ => ImapError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_comes_in_than_is_allowed() {
        let (ours, mut theirs) = tokio::io::duplex(1024 * 1024);
        let mut client = Client::new(Box::new(ours), "a server");
        client.set_rate(10 * 1024);
        let line = format!("* OK {}\r\n", "x".repeat(100 * 1024 - 7));
        theirs.write_all(line.as_bytes()).await.unwrap();
        let begun = tokio::time::Instant::now();
        client.begins();
        assert_eq!(client.response().await.unwrap().len(), 100 * 1024);
        let took = begun.elapsed();
        let (least, most) = (Duration::from_secs(9), Duration::from_secs(10));
        assert!(took >= least && took <= most, "{took:?} for ten times what a second allows");
    }
}
