//! What stands beside the list: the lists that there are, what they are called, the connection.
//!
//! Invariant: reads the model only; an order that does not change under the hand.

use crate::engine::view::Link;
use crate::label;
use crate::ui::app::Model;

/// From this many columns on it is said since when there is no connection.
const SINCE_FROM: u16 = 60;
/// After so long without a connection one that is tried again is not worth another word, in
/// milliseconds.
const FELT_OFFLINE_MS: i64 = 2_000;

/// An entry of the sidebar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The list.
    pub label: crate::id::LabelId,
    /// Its name.
    pub name: String,
    /// The count that is shown; 0 shows none.
    pub count: u64,
    /// Whether the count asks for attention.
    pub strong: bool,
    /// Made by the user.
    pub user: bool,
    /// Its colour, a name of the palette.
    pub color: Option<String>,
}

impl Model {
    /// The lists of the sidebar: the system's in a fixed order, then the user's labels.
    #[must_use]
    pub fn sidebar(&self) -> Vec<Entry> {
        const SYSTEM: [(&str, &str); 11] = [
            ("inbox", "Inbox"),
            ("starred", "Starred"),
            ("unread", "Unread"),
            ("snoozed", "Snoozed"),
            ("sent", "Sent"),
            ("drafts", "Drafts"),
            ("outbox", "Outbox"),
            ("archive", "Archive"),
            ("all", "All mail"),
            ("spam", "Spam"),
            ("trash", "Trash"),
        ];
        let known = |id: &str| self.labels.iter().find(|label| label.id.as_str() == id);
        // What nobody uses takes no line.
        let sleeps = |id: &str| known(id).is_some_and(|label| label.thread_count > 0);
        let hidden = ["snoozed", "outbox"];
        let listed =
            |id: &str| !hidden.contains(&id) || self.list.label.as_str() == id || sleeps(id);
        let system = SYSTEM.iter().filter(|(id, _)| listed(id)).map(|(id, name)| {
            let (threads, unread) = known(id).map_or((0, 0), |l| (l.thread_count, l.unread_count));
            let count = match *id {
                "inbox" => unread,
                "starred" | "drafts" | "outbox" | "unread" | "snoozed" => threads,
                _ => 0,
            };
            let (label, name) = (label::system(id), (*name).to_owned());
            Entry { label, name, count, strong: *id == "inbox", user: false, color: None }
        });
        let user = self.labels.iter().filter(|l| !label::is_system(l.id.as_str())).map(|l| Entry {
            label: l.id.clone(),
            name: l.name.clone(),
            count: l.unread_count,
            strong: true,
            user: true,
            color: l.color.clone(),
        });
        let saved = self.saved.iter().map(|saved| Entry {
            label: saved.id.clone(),
            name: format!("@{}", saved.name),
            count: 0,
            strong: false,
            user: true,
            color: None,
        });
        system.chain(user).chain(saved).collect()
    }

    /// The list of the sidebar that is shown: a label, or a saved search.
    #[must_use]
    pub fn shown_list(&self) -> &crate::id::LabelId {
        let saved = self.search.as_ref().and_then(|search| search.saved.as_ref());
        saved.unwrap_or(&self.list.label)
    }

    /// What a label is called.
    #[must_use]
    pub fn label_name(&self, id: &crate::id::LabelId) -> String {
        let saved = self.search.as_ref().and_then(|search| search.saved.as_ref());
        if let Some(one) = self.saved.iter().find(|one| Some(&one.id) == saved)
            && *id == self.list.label
        {
            return format!("@{}", one.name);
        }
        if self.search.is_some() && *id == self.list.label {
            return "Search".to_owned();
        }
        let entry = self.sidebar().into_iter().find(|entry| entry.label == *id);
        entry.map_or_else(|| id.as_str().to_owned(), |entry| entry.name)
    }

    /// That there is no connection, and since when where there is room for it.
    fn is_long_offline(&self) -> bool {
        self.offline_since.is_some_and(|since| self.now_ms - since > FELT_OFFLINE_MS)
    }

    fn offline(&self) -> String {
        match self.offline_since.filter(|_| self.size.0 >= SINCE_FROM) {
            Some(since) => {
                let since = since.div_euclid(1_000);
                format!("offline since {}", crate::ui::date::listed(since, self, true))
            }
            None => "offline".to_owned(),
        }
    }

    /// The connection in one or two words.
    #[must_use]
    pub fn link(&self) -> String {
        let link = match self.status.link {
            // Nothing was tried yet.
            Link::Offline if !self.open => return String::new(),
            Link::Offline => self.offline(),
            // One that is tried again and again was not there meanwhile.
            Link::Connecting if self.is_long_offline() => self.offline(),
            Link::Connecting => "connecting".to_owned(),
            Link::Online { behind: 0 } => "online".to_owned(),
            Link::Online { behind } => format!("behind {}", crate::ui::text::count(behind)),
            Link::Syncing { done, total } => {
                let count = crate::ui::text::count;
                format!("syncing {}/{}", count(done), count(total))
            }
            Link::Refused => "refused".to_owned(),
        };
        match (self.status.remote, self.status.link) {
            (true, _) => format!("{link} · remote"),
            // Embedded, the connection is only worth a word while it catches up or is broken.
            (false, Link::Online { behind: 0 }) => "local".to_owned(),
            (false, _) => format!("{link} · local"),
        }
    }
}
