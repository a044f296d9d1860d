//! Messages that are not fetched whole, and the rest of those that are wanted.
//!
//! Invariant: what is left out stays at the server, and nothing is done to it there. Whatever does
//! not fit together is fetched whole; the rest of a message comes as the message, whole, under the
//! UID of which its outline came.

use std::fmt::Write as _;

use imap_proto::{AttributeValue, MessageSection, Response, SectionPath};

use crate::imap::ImapError;
use crate::imap::client::{Client, Piece};
use crate::imap::edge::{Arrived, Batch, Known, Missing};
use crate::imap::outline::{Fetched, Outline, Part, structure};
use crate::imap::pass::fetch_one;
use crate::imap::plan;
use crate::imap::reading::{internal_date, known, uid};
use crate::imap::wire::MAX_LITERAL_BYTES;
use crate::imap::worker::Running;
use crate::limits::MAX_MESSAGE_BYTES;

/// The longest header of a message that is not fetched whole, in bytes.
const MAX_HEADER_BYTES: usize = 256 * 1024;
/// The longest header of a part of it.
const MAX_PART_HEADER_BYTES: u64 = 16 * 1024;

/// What a server says of a message before its parts are asked for.
type Front = (Known, Option<i64>, Vec<u8>, Part);

impl Client {
    /// A message without what is large in it; `None` where it is to be fetched whole.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub(super) async fn outline(
        &mut self,
        of: u32,
    ) -> Result<Option<(Known, Option<i64>, Outline)>, ImapError> {
        let Some((known, received, header, part)) = self.front(of).await? else { return Ok(None) };
        let fetched = self.parts(of, &part).await?;
        Ok(part.assemble(&header, &fetched).map(|outline| (known, received, outline)))
    }

    async fn front(&mut self, of: u32) -> Result<Option<Front>, ImapError> {
        let mut found = None;
        let mut each = |response: &Response<'_>| {
            let Response::Fetch(_, values) = response else { return };
            if uid(values) != Some(of) {
                return;
            }
            let (mut date, mut header, mut part) = (None, None, None);
            for value in values {
                match value {
                    AttributeValue::BodyStructure(said) => part = structure(said),
                    AttributeValue::InternalDate(text) => date = internal_date(text),
                    AttributeValue::BodySection {
                        section: Some(SectionPath::Full(MessageSection::Header)),
                        data: Some(data),
                        ..
                    } => header = Some(data.to_vec()),
                    _ => {}
                }
            }
            if let (Some(known), Some(header), Some(part)) = (known(values), header, part) {
                found = Some((known, date, header, part));
            }
        };
        let gmail = if self.labels { " X-GM-LABELS X-GM-THRID" } else { "" };
        let ask = format!(
            "UID FETCH {of} (UID FLAGS INTERNALDATE{gmail} BODYSTRUCTURE \
             BODY.PEEK[HEADER]<0.{MAX_HEADER_BYTES}>)"
        );
        self.fetch_pieces(&ask, MAX_HEADER_BYTES, &mut each).await?;
        Ok(found)
    }

    async fn parts(&mut self, of: u32, part: &Part) -> Result<Vec<Fetched>, ImapError> {
        let (mut what, mut bytes) = (String::new(), 0_u64);
        for (number, body) in part.wanted() {
            let _ = write!(what, " BODY.PEEK[{number}.MIME]<0.{MAX_PART_HEADER_BYTES}>");
            bytes += MAX_PART_HEADER_BYTES;
            if let Some(octets) = body {
                let _ = write!(what, " BODY.PEEK[{number}]<0.{}>", octets.max(1));
                bytes += octets;
            }
        }
        let mut fetched: Vec<Fetched> = Vec::new();
        if what.is_empty() {
            return Ok(fetched);
        }
        let mut each = |response: &Response<'_>| {
            let Response::Fetch(_, values) = response else { return };
            if uid(values) != Some(of) {
                return;
            }
            for value in values {
                let AttributeValue::BodySection {
                    section: Some(SectionPath::Part(number, section)),
                    data: Some(data),
                    ..
                } = value
                else {
                    continue;
                };
                let at = fetched.iter().position(|one| one.number == *number);
                let at = at.unwrap_or_else(|| {
                    fetched.push(Fetched { number: number.clone(), ..Fetched::default() });
                    fetched.len() - 1
                });
                match section {
                    Some(MessageSection::Mime) => fetched[at].header = Some(data.to_vec()),
                    None => fetched[at].body = Some(data.to_vec()),
                    Some(_) => {}
                }
            }
        };
        let ask = format!("UID FETCH {of} (UID{what})");
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.fetch_pieces(&ask, bytes, &mut each).await?;
        Ok(fetched)
    }

    /// A fetch whose answer has so many bytes in literals at most.
    async fn fetch_pieces(
        &mut self,
        ask: &str,
        bytes: usize,
        each: &mut (dyn FnMut(&Response<'_>) + Send),
    ) -> Result<(), ImapError> {
        self.framer.allow(bytes.saturating_add(MAX_LITERAL_BYTES));
        let done = self.command("FETCH", &[Piece::Plain(ask)], each).await;
        self.framer.allow(MAX_LITERAL_BYTES);
        match done {
            // A server that cannot take a message apart can give it whole.
            Ok(_) | Err(ImapError::No { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Running {
    /// Fetches the rest of messages that is wanted. Whether another folder was selected by it.
    pub(super) async fn complete(&mut self, client: &mut Client) -> Result<bool, ImapError> {
        let wanted = self.job.edge.wanted(&self.job.account)?;
        for missing in &wanted {
            match self.complete_one(client, missing).await {
                Ok(()) => {}
                Err(error) if error.ends_connection() => return Err(error),
                Err(error) => {
                    self.shared.problem(error.to_string());
                    self.not_to_be_had(missing, &error.to_string())?;
                }
            }
        }
        Ok(!wanted.is_empty())
    }

    async fn complete_one(
        &mut self,
        client: &mut Client,
        missing: &Missing,
    ) -> Result<(), ImapError> {
        let folder = self.folders.iter().find(|folder| folder.key == missing.folder).cloned();
        let Some(folder) = folder else { return Ok(()) }; // it is met elsewhere, or is gone
        let selected = client.select(&folder.name, None).await?;
        if selected.uidvalidity != missing.uidvalidity {
            return Ok(());
        }
        self.doing(&folder, 0, 1);
        let sizes = client.sizes(&missing.uid.to_string()).await?;
        for fetch in plan::fetches(&[missing.uid], &sizes, MAX_MESSAGE_BYTES) {
            let messages = fetch_one(client, &fetch).await?;
            let (folder, uidvalidity, says) =
                (folder.key, selected.uidvalidity, folder.says.clone());
            self.job.edge.completed(Batch { folder, uidvalidity, says, messages })?;
            let received = client.received();
            self.shared.tell(|status| status.received = received);
        }
        Ok(())
    }

    fn not_to_be_had(&mut self, missing: &Missing, why: &str) -> Result<(), ImapError> {
        let known = Known { uid: missing.uid, ..Known::default() };
        let raw = Err(("refused".to_owned(), why.to_owned()));
        let messages = vec![Arrived { known, raw, received: None, outline: None }];
        let (folder, uidvalidity) = (missing.folder, missing.uidvalidity);
        let says = crate::bridge::Folder::default();
        Ok(self.job.edge.completed(Batch { folder, uidvalidity, says, messages })?)
    }
}
