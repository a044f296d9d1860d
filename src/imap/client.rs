//! One connection to a mail server: a function a command.
//!
//! Invariant: one command at a time, each with a deadline; after any error but a `NO` the
//! connection is dropped, since nobody knows what of it is still to come. Every text that goes out
//! is a quoted string or a literal: nothing from outside becomes part of a command. What was sent
//! is never in an error.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use imap_proto::{
    AttributeValue, MailboxDatum, NameAttribute, Response, ResponseCode, Status, StatusAttribute,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::imap::ImapError;
use crate::imap::edge::Known;
use crate::imap::wire::{Framer, MAX_LITERAL_BYTES};
use crate::mail::Flags;

/// How long a server may be silent within a command.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes of a message that are asked for at a time.
pub const PART_BYTES: u32 = 4 * 1024 * 1024;
/// Responses of one command that cannot be read, before the connection is given up.
const MAX_UNREADABLE: usize = 1_000;
/// Responses of one command at most: a listing asks for fewer messages at a time.
const MAX_RESPONSES: usize = 100_000;
/// Bytes of all responses to one command at most, beside those of messages that it asks for.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Folders of one account at most.
pub(super) const MAX_FOLDERS: usize = 10_000;
/// Keywords and labels of one message at most; a longer list is no list of a person's.
const MAX_KEYWORDS: usize = 200;
/// The longest keyword or label that is taken, in bytes.
const MAX_KEYWORD_BYTES: usize = 1_000;
/// Ranges of UIDs that one command tells to be gone, at most.
const MAX_RANGES: usize = 200_000;
/// What is kept of the answer to one command, in bytes, about.
const MAX_KEPT_BYTES: usize = 16 * 1024 * 1024;
/// What else comes with the messages that one command asks for, in bytes.
const MAX_BODIES_BESIDE: usize = 1024 * 1024;
/// How many times as long as a server may be silent a whole command may take...
const COMMAND_SILENCES: u32 = 5;
/// ...beside the time that its bytes take on the slowest line, in bytes a second.
const SLOWEST_LINE: u64 = 512;

/// How the answer to `ENABLE` begins.
const ENABLED: &[u8] = b"* ENABLED";

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
    framer: Framer,
    tag: u32,
    /// Who it is, for errors.
    pub(super) server: String,
    capabilities: BTreeSet<String>,
    /// Whether labels of Gmail are asked for.
    labels: bool,
    news: News,
    received: u64,
    silence: Duration,
    /// When the command that is answered began, and what had come in until then.
    began: (Instant, u64),
    /// What the answer may still have, in bytes.
    left: usize,
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
            silence: SILENCE,
            began: (Instant::now(), 0),
            left: MAX_ANSWER_BYTES,
        }
    }

    /// How long the server may be silent within a command.
    pub const fn set_silence(&mut self, silence: Duration) {
        self.silence = silence;
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
            let read = self.stream.read_buf(self.framer.room());
            let read = tokio::time::timeout(within, read).await;
            let read = read.map_err(|_| ImapError::Slow(self.server.clone()))?;
            match read {
                Ok(0) | Err(_) => return Err(ImapError::Closed),
                Ok(count) => self.received += count as u64,
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
    fn begins(&mut self) {
        self.began = (Instant::now(), self.received);
        self.left = MAX_ANSWER_BYTES;
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), ImapError> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match tokio::time::timeout(self.silence, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ImapError::Closed),
            Err(_) => Err(ImapError::Slow(self.server.clone())),
        }
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
    async fn begin(
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
                return Err(self.refusal("command", &response));
            }
            if let Some(read) = parse(&response) {
                self.note(&read);
                each(&read);
            }
        }
        Err(ImapError::TooLarge("answers without end"))
    }

    fn refusal(&self, command: &'static str, response: &[u8]) -> ImapError {
        match parse(response) {
            Some(Response::Done { outcome, .. }) => {
                let words = outcome.information.unwrap_or_default();
                ImapError::No { command, words: ImapError::words(&words) }
            }
            _ => ImapError::Malformed,
        }
    }

    /// Reads on until the command's own answer.
    async fn finish(
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
    fn note(&mut self, response: &Response<'_>) {
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

    /// All folders, with what they are for (RFC 6154).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn list(&mut self) -> Result<Vec<Listed>, ImapError> {
        let mut all = Vec::new();
        let mut each = |response: &Response<'_>| {
            let Response::MailboxData(MailboxDatum::List(data)) = response else { return };
            if all.len() > MAX_FOLDERS {
                return;
            }
            all.push(Listed {
                name: unescaped(&data.name),
                delimiter: data.delimiter.as_deref().map(unescaped),
                attributes: data.name_attributes.iter().map(attribute).collect(),
            });
        };
        let ask = if self.can("SPECIAL-USE") && self.can("LIST-EXTENDED") {
            "LIST \"\" \"*\" RETURN (SPECIAL-USE)"
        } else {
            "LIST \"\" \"*\""
        };
        self.command("LIST", &[Piece::Plain(ask)], &mut each).await?;
        if all.len() > MAX_FOLDERS {
            return Err(ImapError::TooLarge("more folders than are read"));
        }
        Ok(all)
    }

    /// What a folder has, without selecting it.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn status(&mut self, name: &str) -> Result<FolderStatus, ImapError> {
        let mut found = FolderStatus::default();
        let mut each = |response: &Response<'_>| {
            let Response::MailboxData(MailboxDatum::Status { status, .. }) = response else {
                return;
            };
            for one in status {
                match one {
                    StatusAttribute::HighestModSeq(value) => found.modseq = *value,
                    StatusAttribute::Messages(value) => found.messages = *value,
                    StatusAttribute::UidNext(value) => found.uidnext = *value,
                    StatusAttribute::UidValidity(value) => found.uidvalidity = *value,
                    _ => {}
                }
            }
        };
        let what = if self.can("CONDSTORE") || self.can("QRESYNC") {
            " (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
        } else {
            " (MESSAGES UIDNEXT UIDVALIDITY)"
        };
        let pieces = [Piece::Plain("STATUS "), Piece::Text(name.as_bytes()), Piece::Plain(what)];
        self.command("STATUS", &pieces, &mut each).await?;
        Ok(found)
    }

    /// Selects a folder; with a known state what changed since comes along (RFC 7162).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn select(
        &mut self,
        name: &str,
        since: Option<Since>,
    ) -> Result<Selected, ImapError> {
        let (mut selected, mut kept) = (Selected::default(), Kept::default());
        let mut each = |response: &Response<'_>| match response {
            Response::MailboxData(MailboxDatum::Exists(count)) => selected.exists = *count,
            Response::Data { outcome, .. } | Response::Done { outcome, .. } => {
                match &outcome.code {
                    Some(ResponseCode::UidValidity(value)) => selected.uidvalidity = *value,
                    Some(ResponseCode::UidNext(value)) => selected.uidnext = *value,
                    // RFC 7162, section 3.1: it has 63 bits; what has more is none.
                    Some(ResponseCode::HighestModSeq(value)) => {
                        selected.modseq = if i64::try_from(*value).is_ok() { *value } else { 0 };
                    }
                    Some(ResponseCode::PermanentFlags(flags)) => {
                        selected.keywords = flags.iter().any(|flag| flag == "\\*");
                    }
                    Some(ResponseCode::ReadOnly) => selected.read_only = true,
                    _ => {}
                }
            }
            Response::Fetch(_, values) => kept.push(&mut selected.changed, known(values)),
            Response::Vanished { uids, .. } => kept.ranges(&mut selected.vanished, uids),
            _ => {}
        };
        let extra = match since {
            Some(Since(validity, modseq)) if self.can("QRESYNC") => {
                format!(" (QRESYNC ({validity} {modseq}))")
            }
            _ if self.can("CONDSTORE") || self.can("QRESYNC") => " (CONDSTORE)".to_owned(),
            _ => String::new(),
        };
        let pieces = [Piece::Plain("SELECT "), Piece::Text(name.as_bytes()), Piece::Plain(&extra)];
        self.command("SELECT", &pieces, &mut each).await?;
        kept.fits()?;
        self.news = News::default();
        Ok(selected)
    }

    /// What is said of the messages of a set of UIDs; with `since`, of those that changed since,
    /// and what is gone where the server tells it.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn listing(
        &mut self,
        set: &str,
        since: Option<u64>,
    ) -> Result<(Vec<Known>, Vec<RangeInclusive<u32>>), ImapError> {
        let (mut messages, mut vanished) = (Vec::new(), Vec::new());
        let mut kept = Kept::default();
        let mut each = |response: &Response<'_>| match response {
            Response::Fetch(_, values) => kept.push(&mut messages, known(values)),
            Response::Vanished { uids, .. } => kept.ranges(&mut vanished, uids),
            _ => {}
        };
        let gmail = if self.labels { " X-GM-LABELS X-GM-THRID" } else { "" };
        let how = match since {
            Some(modseq) if self.can("QRESYNC") => format!(" (CHANGEDSINCE {modseq} VANISHED)"),
            Some(modseq) => format!(" (CHANGEDSINCE {modseq})"),
            None => String::new(),
        };
        let ask = format!("UID FETCH {set} (UID FLAGS{gmail}){how}");
        self.command("FETCH", &[Piece::Plain(&ask)], &mut each).await?;
        kept.fits()?;
        Ok((messages, vanished))
    }

    /// Sizes of messages, by UID.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn sizes(&mut self, set: &str) -> Result<Vec<(u32, u32)>, ImapError> {
        let mut sizes = Vec::new();
        let mut each = |response: &Response<'_>| {
            let Response::Fetch(_, values) = response else { return };
            let size = values.iter().find_map(|value| match value {
                AttributeValue::Rfc822Size(size) => Some(*size),
                _ => None,
            });
            sizes.extend(uid(values).zip(size));
        };
        let ask = format!("UID FETCH {set} (UID RFC822.SIZE)");
        self.command("FETCH", &[Piece::Plain(&ask)], &mut each).await?;
        Ok(sizes)
    }

    /// The Message-IDs and sizes of messages, by UID: which they are.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn identities(
        &mut self,
        set: &str,
    ) -> Result<Vec<(u32, Option<String>, u64)>, ImapError> {
        let mut found = Vec::new();
        let mut each = |response: &Response<'_>| {
            let Response::Fetch(_, values) = response else { return };
            let (mut size, mut header) = (0, None);
            for value in values {
                match value {
                    AttributeValue::Rfc822Size(bytes) => size = u64::from(*bytes),
                    AttributeValue::BodySection { data: Some(data), .. } => {
                        header = crate::mail::parse(data).message_id;
                    }
                    _ => {}
                }
            }
            found.extend(uid(values).map(|uid| (uid, header, size)));
        };
        let ask =
            format!("UID FETCH {set} (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
        self.command("FETCH", &[Piece::Plain(&ask)], &mut each).await?;
        Ok(found)
    }

    /// Whole messages, at most `bytes` of them together: UID, what is said, date, bytes.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn bodies(
        &mut self,
        set: &str,
        bytes: usize,
    ) -> Result<Vec<(Known, Option<i64>, Vec<u8>)>, ImapError> {
        self.fetch_bodies(set, "BODY.PEEK[]", bytes).await
    }

    /// A part of one message, from an offset.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn part(
        &mut self,
        uid: u32,
        offset: u32,
    ) -> Result<Option<(Known, Option<i64>, Vec<u8>)>, ImapError> {
        let what = format!("BODY.PEEK[]<{offset}.{PART_BYTES}>");
        let bytes = usize::try_from(PART_BYTES).unwrap_or(usize::MAX);
        let mut all = self.fetch_bodies(&uid.to_string(), &what, bytes).await?;
        all.retain(|(known, ..)| known.uid == uid);
        Ok(all.pop())
    }

    async fn fetch_bodies(
        &mut self,
        set: &str,
        what: &str,
        bytes: usize,
    ) -> Result<Vec<(Known, Option<i64>, Vec<u8>)>, ImapError> {
        let (mut bodies, mut total) = (Vec::new(), 0);
        let most = bytes.saturating_mul(2).saturating_add(MAX_LITERAL_BYTES);
        let mut each = |response: &Response<'_>| {
            let Response::Fetch(_, values) = response else { return };
            let (mut body, mut date) = (None, None);
            for value in values {
                match value {
                    AttributeValue::BodySection { section: None, data: Some(data), .. }
                    | AttributeValue::Rfc822(Some(data)) => body = Some(data.to_vec()),
                    AttributeValue::InternalDate(text) => date = internal_date(text),
                    _ => {}
                }
            }
            if let (Some(known), Some(body)) = (known(values), body) {
                total += body.len();
                if total <= most {
                    bodies.push((known, date, body));
                }
            }
        };
        let gmail = if self.labels { " X-GM-LABELS X-GM-THRID" } else { "" };
        let ask = format!("UID FETCH {set} (UID FLAGS INTERNALDATE{gmail} {what})");
        self.framer.allow(bytes.saturating_add(MAX_LITERAL_BYTES));
        let tag = self.begin(&[Piece::Plain(&ask)], &mut each).await?;
        self.left = most.saturating_add(MAX_BODIES_BESIDE);
        let done = self.finish("FETCH", &tag, &mut each).await;
        self.framer.allow(MAX_LITERAL_BYTES);
        done?;
        Ok(bodies)
    }

    /// Sets (`on`) or clears flags and keywords.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn store(&mut self, set: &str, flags: &[String], on: bool) -> Result<(), ImapError> {
        let sign = if on { '+' } else { '-' };
        let ask = format!("UID STORE {set} {sign}FLAGS.SILENT ({})", flags.join(" "));
        self.command("STORE", &[Piece::Plain(&ask)], &mut |_| {}).await.map(drop)
    }

    /// Sets or clears labels of Gmail.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn store_labels(
        &mut self,
        set: &str,
        labels: &[String],
        on: bool,
    ) -> Result<(), ImapError> {
        let sign = if on { '+' } else { '-' };
        let head = format!("UID STORE {set} {sign}X-GM-LABELS (");
        let mut pieces = vec![Piece::Plain(head.as_str())];
        for (at, label) in labels.iter().enumerate() {
            if at > 0 {
                pieces.push(Piece::Plain(" "));
            }
            // A system label is an atom with a backslash; another one is text.
            let system =
                label.starts_with('\\') && label[1..].bytes().all(|b| b.is_ascii_alphabetic());
            pieces.push(if system { Piece::Plain(label) } else { Piece::Text(label.as_bytes()) });
        }
        pieces.push(Piece::Plain(")"));
        self.command("STORE", &pieces, &mut |_| {}).await.map(drop)
    }

    /// Moves messages (RFC 6851).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn uid_move(&mut self, set: &str, to: &str) -> Result<End, ImapError> {
        self.transfer("MOVE", set, to).await
    }

    /// Copies messages.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn uid_copy(&mut self, set: &str, to: &str) -> Result<End, ImapError> {
        self.transfer("COPY", set, to).await
    }

    async fn transfer(
        &mut self,
        name: &'static str,
        set: &str,
        to: &str,
    ) -> Result<End, ImapError> {
        let head = format!("UID {name} {set} ");
        let pieces = [Piece::Plain(&head), Piece::Text(to.as_bytes())];
        // MOVE tells where to before its end, in an untagged OK (RFC 6851, section 4.3).
        let mut copied = None;
        let mut each = |response: &Response<'_>| {
            if let Response::Data { outcome, .. } = response {
                copied = places(outcome.code.as_ref()).0.or(copied.take());
            }
        };
        let mut end = self.command(name, &pieces, &mut each).await?;
        end.copied = end.copied.or(copied);
        Ok(end)
    }

    /// Takes out messages that are marked as deleted: of these UIDs alone (RFC 4315).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn expunge(&mut self, set: &str) -> Result<(), ImapError> {
        let ask = format!("UID EXPUNGE {set}");
        self.command("EXPUNGE", &[Piece::Plain(&ask)], &mut |_| {}).await.map(drop)
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn create(&mut self, name: &str) -> Result<(), ImapError> {
        let pieces = [Piece::Plain("CREATE "), Piece::Text(name.as_bytes())];
        self.command("CREATE", &pieces, &mut |_| {}).await.map(drop)
    }

    /// Asks whether there is news.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn noop(&mut self) -> Result<(), ImapError> {
        self.command("NOOP", &[Piece::Plain("NOOP")], &mut |_| {}).await.map(drop)
    }

    /// Ends the session in good order.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn logout(&mut self) -> Result<(), ImapError> {
        self.command("LOGOUT", &[Piece::Plain("LOGOUT")], &mut |_| {}).await.map(drop)
    }

    /// Waits for news of the selected folder (RFC 2177), until `called` or for `most`.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn idle(
        &mut self,
        called: impl Future<Output = ()> + Send,
        most: Duration,
    ) -> Result<Woken, ImapError> {
        let mut nothing = |_: &Response<'_>| {};
        let tag = self.begin(&[Piece::Plain("IDLE")], &mut nothing).await?;
        self.go_on(&tag, &mut nothing).await?;
        let silence = std::mem::replace(&mut self.silence, most);
        let mut called = std::pin::pin!(called);
        self.begins();
        let mut heard = 0;
        let woken = loop {
            heard += 1;
            if heard > MAX_UNREADABLE {
                break Err(ImapError::TooLarge("answers without end"));
            }
            if self.news.any {
                break Ok(Woken::News);
            }
            let next = tokio::select! {
                biased;
                () = &mut called => break Ok(Woken::Called),
                next = self.response() => next,
            };
            match next {
                Ok(response) => match parse(&response) {
                    Some(Response::Data { status: Status::Bye, .. }) => {
                        break Err(ImapError::Closed);
                    }
                    Some(read) => self.note(&read),
                    None => {}
                },
                Err(ImapError::Slow(_)) => break Ok(Woken::Time),
                Err(error) => break Err(error),
            }
        };
        self.silence = silence;
        let woken = woken?;
        self.begins();
        self.send(b"DONE\r\n").await?;
        self.finish("IDLE", &tag, &mut nothing).await?;
        Ok(woken)
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

/// A response, read. The parser is not ours: should it panic over something, that was no IMAP.
fn parse(response: &[u8]) -> Option<Response<'_>> {
    // The parser takes what was switched on (RFC 5161) for all that the server can do.
    let head = response.get(..ENABLED.len()).unwrap_or_default();
    if head.eq_ignore_ascii_case(ENABLED) {
        return None;
    }
    let read = crate::crash::report::contained(|| Response::parse(response).ok());
    read.flatten().map(|(_, read)| read)
}

fn is_quotable(text: &[u8]) -> bool {
    text.len() < 1024 && text.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}

fn attribute(attribute: &NameAttribute<'_>) -> String {
    let name = match attribute {
        NameAttribute::NoInferiors => "noinferiors",
        NameAttribute::NoSelect => "noselect",
        NameAttribute::Marked => "marked",
        NameAttribute::Unmarked => "unmarked",
        NameAttribute::All => "all",
        NameAttribute::Archive => "archive",
        NameAttribute::Drafts => "drafts",
        NameAttribute::Flagged => "flagged",
        NameAttribute::Junk => "junk",
        NameAttribute::Sent => "sent",
        NameAttribute::Trash => "trash",
        NameAttribute::Extension(name) => name.trim_start_matches('\\'),
        _ => "",
    };
    name.to_ascii_lowercase()
}

/// A string without the backslashes that quote (RFC 3501, section 9, `quoted`): the parser leaves
/// them in. One before another character is itself, as in the atom of a flag.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let quoted = characters.next_if(|next| character == '\\' && matches!(next, '\\' | '"'));
        plain.push(quoted.unwrap_or(character));
    }
    plain
}

fn uid(values: &[AttributeValue<'_>]) -> Option<u32> {
    values.iter().find_map(|value| match value {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    })
}

/// What is said of a message; `None` where it is not said of which, or nothing of its flags.
fn known(values: &[AttributeValue<'_>]) -> Option<Known> {
    let mut known = Known { uid: uid(values)?, ..Known::default() };
    let mut told = false;
    for value in values {
        match value {
            AttributeValue::Flags(flags) => {
                told = true;
                let (set, keywords) = flags_of(flags.iter().map(AsRef::as_ref));
                (known.flags, known.keywords) = (set, keywords);
            }
            AttributeValue::Rfc822Size(size) => known.size = Some(*size),
            AttributeValue::GmailLabels(labels) => {
                let labels: Vec<String> = labels.iter().map(|label| unescaped(label)).collect();
                known.labels = Some(bounded(labels.iter().map(String::as_str)));
            }
            AttributeValue::GmailThrId(thread) => {
                known.conversation = Some(crate::mail::conversation_key(*thread));
            }
            _ => {}
        }
    }
    told.then_some(known)
}

/// Words of a list, as many and as long as a person's are, each once.
fn bounded<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let short = words.filter(|word| word.len() <= MAX_KEYWORD_BYTES);
    let mut words: Vec<String> = short.take(MAX_KEYWORDS).map(str::to_owned).collect();
    words.sort();
    words.dedup();
    words
}

/// What was kept of the answer to one command.
#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    ranges: usize,
}

impl Kept {
    fn push(&mut self, all: &mut Vec<Known>, known: Option<Known>) {
        let Some(known) = known else { return };
        let words = known.keywords.iter().chain(known.labels.iter().flatten());
        // A word is a string of its own, with its place in the list and in memory.
        self.bytes += size_of::<Known>() + words.map(|word| 48 + word.len()).sum::<usize>();
        if self.bytes <= MAX_KEPT_BYTES {
            all.push(known);
        }
    }

    fn ranges(&mut self, all: &mut Vec<RangeInclusive<u32>>, ranges: &[RangeInclusive<u32>]) {
        self.ranges += ranges.len();
        if self.ranges <= MAX_RANGES {
            all.extend(ranges.iter().cloned());
        }
    }

    /// Whether all of it was kept: a part of an answer is none.
    const fn fits(&self) -> Result<(), ImapError> {
        if self.bytes <= MAX_KEPT_BYTES && self.ranges <= MAX_RANGES {
            return Ok(());
        }
        Err(ImapError::TooLarge("answers without end"))
    }
}

/// Flags and keywords of a list (RFC 9051, section 2.3.2).
fn flags_of<'a>(names: impl Iterator<Item = &'a str>) -> (Flags, Vec<String>) {
    let (mut flags, mut keywords) = (Flags::default(), Vec::new());
    for name in names {
        match name.to_ascii_lowercase().as_str() {
            "\\seen" => flags.read = true,
            "\\flagged" => flags.starred = true,
            "\\answered" => flags.answered = true,
            "\\draft" => flags.draft = true,
            "\\deleted" => flags.trashed = true,
            "$forwarded" | "\\forwarded" | "forwarded" => flags.forwarded = true,
            other if other.starts_with('\\') => {}
            _ => keywords.push(name),
        }
    }
    (flags, bounded(keywords.into_iter()))
}

/// Where copies are, and where a message was appended (RFC 4315).
type Places = (Option<(u32, Vec<(u32, u32)>)>, Option<(u32, u32)>);

fn places(code: Option<&ResponseCode<'_>>) -> Places {
    match code {
        Some(ResponseCode::CopyUid(validity, from, to)) => {
            (Some((*validity, expand(from).into_iter().zip(expand(to)).collect())), None)
        }
        Some(ResponseCode::AppendUid(validity, uids)) => {
            (None, expand(uids).first().map(|uid| (*validity, *uid)))
        }
        _ => (None, None),
    }
}

/// UIDs of a set, bounded: no command of ours names more.
fn expand(set: &[imap_proto::rfc4315::UidSetMember]) -> Vec<u32> {
    use imap_proto::rfc4315::UidSetMember;
    const MOST: usize = 10_000;
    let mut uids = Vec::new();
    for member in set {
        match member {
            UidSetMember::Uid(uid) => uids.push(*uid),
            UidSetMember::UidRange(range) => uids.extend(range.clone().take(MOST)),
        }
        if uids.len() > MOST {
            break;
        }
    }
    uids
}

/// `17-Jul-1996 02:44:25 -0700` as Unix seconds (RFC 3501, section 9, `date-time`).
fn internal_date(text: &str) -> Option<i64> {
    let date = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?;
    Some(date.to_timestamp().ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_keywords() {
        let (flags, keywords) =
            flags_of(["\\Seen", "\\FLAGGED", "\\Recent", "work", "$Forwarded", "work"].into_iter());
        assert!(flags.read && flags.starred && flags.forwarded && !flags.answered);
        assert_eq!(keywords, ["work"]);
    }

    #[test]
    fn quoted_characters() {
        let cases = [("\\Inbox", "\\Inbox"), (r"\\Inbox", r"\Inbox"), (r#"a\"b"#, "a\"b")];
        for (text, expected) in cases {
            assert_eq!(unescaped(text), expected);
        }
    }

    #[test]
    fn dates_of_arrival() {
        assert_eq!(internal_date("17-Jul-1996 02:44:25 -0700"), Some(837_596_665));
        assert_eq!(internal_date(" 1-Jan-1970 00:00:09 +0000"), Some(9));
        assert_eq!(internal_date("yesterday"), None);
    }

    #[test]
    fn what_was_switched_on_is_not_all_that_the_server_can() {
        assert_eq!(parse(b"* ENABLED QRESYNC\r\n"), None);
        assert!(parse(b"* CAPABILITY IMAP4rev1 MOVE\r\n").is_some());
    }

    #[test]
    fn a_panic_of_the_parser_is_no_imap() {
        assert_eq!(parse("* OK [ALERT]é\r\n".as_bytes()), None);
    }
}
