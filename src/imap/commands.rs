//! The commands of a connection that is signed in, one function each.
//!
//! Invariant: as in `client`: a deadline and a size for each, and every text from elsewhere goes
//! out as a string of its own. What is said of messages that were not asked for is left to who
//! asked.

use std::ops::RangeInclusive;
use std::time::Duration;

use imap_proto::{AttributeValue, MailboxDatum, Response, ResponseCode, Status, StatusAttribute};

use crate::imap::ImapError;
use crate::imap::client::{
    Client, End, FolderStatus, Listed, MAX_UNREADABLE, News, Piece, Selected, Since, Woken,
};
use crate::imap::edge::Known;
use crate::imap::reading::{Kept, attribute, internal_date, known, parse, places, uid, unescaped};
use crate::imap::wire::MAX_LITERAL_BYTES;

/// Bytes of a message that are asked for at a time.
pub(super) const PART_BYTES: u32 = 4 * 1024 * 1024;
/// Folders of one account at most.
pub(super) const MAX_FOLDERS: usize = 10_000;
/// What else comes with the messages that one command asks for, in bytes.
const MAX_BODIES_BESIDE: usize = 1024 * 1024;

impl Client {
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
}
