//! Our own sent mail at the server: filed where the server does not do that itself, and looked for
//! where nobody knows whether it was sent.
//!
//! Invariant: a message is looked for by its Message-ID before it is filed, so that a second try
//! makes no second copy. What the server refuses is said and tried again at the next look; nothing
//! here sends anything.

use imap_proto::{MailboxDatum, Response};

use crate::imap::client::{Client, End, Piece};
use crate::imap::edge::{Filed, Letter, Role};
use crate::imap::worker::Running;
use crate::imap::{ImapError, gmail, plan};

/// Messages with one Message-ID that are looked at: a server that finds more looks for something
/// else.
const MAX_FOUND: usize = 20;

impl Client {
    /// The UIDs of messages in the selected folder whose Message-ID has this in it (RFC 3501,
    /// section 6.4.4: a search looks for a part).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn search_message_id(&mut self, message_id: &str) -> Result<Vec<u32>, ImapError> {
        let mut found = Vec::new();
        let mut each = |response: &Response<'_>| {
            if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                let room = MAX_FOUND.saturating_sub(found.len());
                found.extend(uids.iter().take(room).copied());
            }
        };
        let ask = Piece::Plain("UID SEARCH HEADER MESSAGE-ID ");
        self.command("SEARCH", &[ask, Piece::Text(message_id.as_bytes())], &mut each).await?;
        Ok(found)
    }

    /// Puts a message into a folder, as one that was read (RFC 3501, section 6.3.11).
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn append(&mut self, folder: &str, message: &[u8]) -> Result<End, ImapError> {
        let pieces = [
            Piece::Plain("APPEND "),
            Piece::Text(folder.as_bytes()),
            Piece::Plain(" (\\Seen) "),
            Piece::Text(message),
        ];
        let mut nothing = |_: &Response<'_>| {};
        let tag = self.begin(&pieces, &mut nothing).await?;
        // What it took to send the bytes is not taken from the server's time to answer.
        self.begins();
        self.finish("APPEND", &tag, &mut nothing).await
    }
}

impl Running {
    /// Files what was sent, and looks for what may have been; `fresh`, only what was not tried
    /// yet.
    pub(super) async fn file_sent(
        &mut self,
        client: &mut Client,
        fresh: bool,
    ) -> Result<(), ImapError> {
        let letters = self.job.edge.letters(&self.job.account, fresh)?;
        if letters.is_empty() {
            return Ok(());
        }
        let mut folder = None;
        for letter in letters {
            let filed = match self.file_one(client, &letter, &mut folder).await {
                Ok(filed) => filed,
                Err(error) if error.ends_connection() => {
                    // A server that hangs up at a message would do so for ever, before all others.
                    if letter.file && !matches!(error, ImapError::Backend(_) | ImapError::Stopped) {
                        self.shared.problem(format!("no copy among sent mail: {error}"));
                        self.job.edge.filed(&letter.name, Filed::Refused)?;
                    }
                    return Err(error);
                }
                Err(error) if letter.file => {
                    self.shared.problem(format!("no copy among sent mail: {error}"));
                    Filed::Refused
                }
                Err(_) => Filed::Absent,
            };
            self.job.edge.filed(&letter.name, filed)?;
        }
        Ok(())
    }

    async fn file_one(
        &mut self,
        client: &mut Client,
        letter: &Letter,
        selected: &mut Option<String>,
    ) -> Result<Filed, ImapError> {
        let folder = if let Some(folder) = selected {
            folder.clone()
        } else {
            let Some(folder) = self.sent_folder(client, letter.file).await? else {
                return Ok(Filed::Absent);
            };
            client.select(&folder, None).await?;
            selected.insert(folder).clone()
        };
        if is_there(client, &letter.message_id).await? {
            return Ok(Filed::There);
        }
        // With labels the server files by itself what goes through it.
        if !letter.file || client.can(gmail::CAPABILITY) {
            return Ok(if letter.file { Filed::Done } else { Filed::Absent });
        }
        let Some(message) = self.job.edge.letter(&letter.name)? else { return Ok(Filed::Done) };
        client.append(&folder, &message).await?;
        Ok(Filed::Done)
    }

    /// The folder of sent mail, made where there is none and one is needed. All mail has it too,
    /// where that is one folder.
    async fn sent_folder(
        &mut self,
        client: &mut Client,
        make: bool,
    ) -> Result<Option<String>, ImapError> {
        let find = |of: &Self| {
            let role = |wanted| of.folders.iter().find(|folder| folder.role == wanted);
            role(Role::Sent).or_else(|| role(Role::All)).map(|folder| folder.name.clone())
        };
        if find(self).is_none() && make {
            client.create(Role::Sent.default_name()).await?;
            self.list(client).await?;
        }
        Ok(find(self))
    }
}

/// Whether a message with this very Message-ID is in the selected folder.
async fn is_there(client: &mut Client, message_id: &str) -> Result<bool, ImapError> {
    let uids = client.search_message_id(message_id).await?;
    if uids.is_empty() {
        return Ok(false);
    }
    let found = client.identities(&plan::set(&uids)).await?;
    Ok(found.iter().any(|(_, id, _)| id.as_deref() == Some(message_id)))
}
