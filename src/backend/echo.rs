//! What both sides agreed on of a conversation, and what a server was told since: so that its word
//! is told from an echo of our own.
//!
//! Invariant: pure. What was told and answered is agreed on as far as the server shows it, before
//! anything else is decided, so what was done here meanwhile goes out after it. What a connection
//! that is gone told without an answer may be carried out at any time until it is [`LATE`] old, in
//! any order and after anything that later connections tell: until then a word of the server that
//! is one of these is an echo, heard once. Both sides agree on it then, and where it is not what we
//! want it is written back. Any other word is another client's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::bridge::follow::Change;
use crate::id::MessageId;
use crate::imap::orders::{Aligned, Ordered, Ours};
use crate::imap::shown::Shown;
use crate::imap::{FolderKey, What, Wish};
use crate::label::Place;
use crate::mail::Flags;

/// How long after it was told something may still be carried out, in seconds: a server keeps a
/// connection from which it hears nothing for so long at least (RFC 3501, section 5.4), and what it
/// has read of it.
const LATE: i64 = 30 * 60;
/// What was told and not answered is remembered of one conversation so many times; the oldest goes.
const MOST_TOLD: usize = 16;

/// What both sides last agreed on, and what was told since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreed {
    /// What both said.
    #[serde(flatten)]
    pub(crate) stand: Aligned,
    /// What the server was told and has not confirmed, the oldest first.
    #[serde(rename = "u", default, skip_serializing_if = "Vec::is_empty")]
    told: Vec<Told>,
    /// The same as it was written before: the conversation as it was wanted.
    #[serde(rename = "w", default, skip_serializing)]
    sent: Option<Sent>,
}

/// What a former version wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    #[serde(flatten)]
    stand: Aligned,
    #[serde(rename = "r", default)]
    read: BTreeMap<MessageId, bool>,
}

/// What the server was told with one round of orders.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Told {
    /// The connection.
    #[serde(rename = "c")]
    connection: u64,
    /// How often all folders had been looked at on it.
    #[serde(rename = "k")]
    looks: u64,
    /// When, Unix seconds.
    #[serde(rename = "t")]
    at: i64,
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    starred: Option<bool>,
    #[serde(rename = "l", skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, bool>,
    /// Read marks.
    #[serde(rename = "r", skip_serializing_if = "BTreeMap::is_empty")]
    read: BTreeMap<MessageId, bool>,
    /// Folders into which something was copied.
    #[serde(rename = "f", skip_serializing_if = "BTreeSet::is_empty")]
    copied: BTreeSet<FolderKey>,
}

impl Told {
    /// What orders tell of a conversation, over what was agreed on; nothing where there are none.
    pub(crate) fn of(
        ours: &Ours,
        stand: &Aligned,
        ordered: &[Ordered],
        wish: &Wish,
        now: i64,
    ) -> Self {
        if ordered.is_empty() {
            return Self::default();
        }
        Self::over(ours, stand, ordered, wish, now)
    }

    fn over(ours: &Ours, stand: &Aligned, ordered: &[Ordered], wish: &Wish, now: i64) -> Self {
        let want = &ours.stand;
        let on = want.labels.difference(&stand.labels).map(|label| (label.clone(), true));
        let off = stand.labels.difference(&want.labels).map(|label| (label.clone(), false));
        let marks = ordered.iter().any(|(_, what)| match what {
            What::Flags { on, off } => on.iter().chain(off).any(|flag| flag == "\\Seen"),
            _ => false,
        });
        let received = ours.messages.iter().filter(|message| marks && !message.own);
        let copied = ordered.iter().filter_map(|(_, what)| match what {
            What::CopyTo(folder) => Some(*folder),
            _ => None,
        });
        Self {
            connection: wish.connection,
            looks: wish.looks,
            at: now,
            place: (want.place != stand.place).then_some(want.place),
            starred: (want.starred != stand.starred).then_some(want.starred),
            labels: on.chain(off).collect(),
            read: received.map(|message| (message.id.clone(), message.read)).collect(),
            copied: copied.collect(),
        }
    }

    fn is_empty(&self) -> bool {
        let Self { place, starred, labels, read, copied, .. } = self;
        let none = place.is_none() && starred.is_none();
        none && labels.is_empty() && read.is_empty() && copied.is_empty()
    }

    /// Clocks go wrong both ways.
    fn is_over(&self, now: i64) -> bool {
        now.abs_diff(self.at) > LATE.unsigned_abs()
    }

    /// Of what a connection that is gone told, what the server shows and is not agreed on was
    /// answered before it went; all else may come yet.
    fn settle_more(&mut self, stand: &mut Aligned, shown: &Shown<'_>) {
        if let Some(to) = self.place.take_if(|to| *to != stand.place && shown.is_in(*to)) {
            stand.place = to;
        }
        let starred = shown.is_starred();
        if self.starred.take_if(|to| *to != stand.starred && starred == *to).is_some() {
            stand.starred = starred;
        }
        self.labels.retain(|label, on| {
            let held = stand.labels.contains(label);
            let news = held != *on && shown.has_label(label) == *on;
            if news && *on {
                stand.labels.insert(label.clone());
            } else if news {
                stand.labels.remove(label);
            }
            !news
        });
    }

    /// What the server shows of it is agreed on. While something of the conversation is `away`,
    /// that a star or a label is not shown says nothing: it may be on what is away.
    fn settle(&mut self, stand: &mut Aligned, shown: &Shown<'_>, away: bool) {
        if let Some(place) = self.place.take_if(|place| shown.is_in(*place)) {
            stand.place = place;
        }
        let is = |starred: &mut bool| shown.is_starred() == *starred && (*starred || !away);
        if let Some(starred) = self.starred.take_if(is) {
            stand.starred = starred;
        }
        self.labels.retain(|label, on| {
            let done = shown.has_label(label) == *on && (*on || !away);
            match (done, *on) {
                (true, true) => drop(stand.labels.insert(label.clone())),
                (true, false) => drop(stand.labels.remove(label)),
                (false, _) => {}
            }
            !done
        });
        self.copied.retain(|folder| !shown.is_all_in(*folder));
        self.read.clear(); // each message has its own, in its rows
    }
}

impl Agreed {
    /// Nothing was told since.
    pub(crate) const fn of(stand: Aligned) -> Self {
        Self { stand, told: Vec::new(), sent: None }
    }

    /// The same, and another stand.
    pub(crate) fn with(self, stand: Aligned) -> Self {
        Self { stand, ..self }
    }

    /// As it was read from where it is kept: what a former version wrote is as if it had been told
    /// by a connection that is gone.
    pub(crate) fn adopted(mut self, now: i64) -> Self {
        if let Some(Sent { stand, read }) = self.sent.take() {
            let ours = Ours { stand, messages: Vec::new() };
            let told = Told::over(&ours, &self.stand, &[], &Wish::default(), now);
            self.tell(Told { read, ..told });
        }
        self
    }

    /// Remembers what the server is told now.
    pub(crate) fn tell(&mut self, told: Told) {
        if !told.is_empty() {
            self.told.push(told);
        }
        let most = self.told.len().saturating_sub(MOST_TOLD);
        self.told.drain(..most);
    }

    /// Orders are asked for again: what was told on this connection before is answered. What the
    /// server shows of it is agreed on; what it does not show after a look at all folders (unless
    /// something of the conversation is `away`) was refused. What is too old is forgotten.
    pub(crate) fn settle(&mut self, shown: &Shown<'_>, wish: &Wish, away: bool, now: i64) {
        let stand = &mut self.stand;
        // What is shown is of the last that told it: those before may be to come.
        for told in self.told.iter_mut().rev() {
            if told.connection == wish.connection {
                told.settle(stand, shown, away);
            } else if !away {
                told.settle_more(stand, shown);
            }
        }
        self.told.retain(|told| {
            let waits = if told.connection == wish.connection {
                away || told.looks == wish.looks
            } else {
                !told.is_over(now)
            };
            waits && !told.is_empty()
        });
    }

    /// Whether a copy into a folder was told on this connection and is not seen yet: no folder was
    /// looked at since. Where a server does not say which UID a copy has (RFC 4315) it would be
    /// made again and again.
    pub(crate) fn awaits_copy(&self, to: FolderKey, wish: &Wish) -> bool {
        let of = |told: &Told| (told.connection, told.looks) == (wish.connection, wish.looks);
        self.told.iter().any(|told| of(told) && told.copied.contains(&to))
    }

    /// Folders into which a connection that is gone may have copied something, or may yet.
    pub(crate) fn copied(&self, wish: &Wish) -> BTreeSet<FolderKey> {
        let gone = self.told.iter().filter(|told| told.connection != wish.connection);
        gone.flat_map(|told| told.copied.iter().copied()).collect()
    }

    /// Forgets the first that was told of which this is a part, as it takes it out.
    fn take(told: &mut [Told], now: i64, part: impl FnMut(&mut Told) -> bool) -> bool {
        told.iter_mut().filter(|told| !told.is_over(now)).any(part)
    }

    /// Takes out of a change what the server was told by us, and agrees on it; `starred` is whether
    /// any message of the conversation is starred there after the change. That none is any more is
    /// said of one message after the other, and agreed on with the last.
    pub(crate) fn hear_echo(&mut self, change: &mut Change, starred: bool, now: i64) {
        let Self { stand, told, .. } = self;
        if let Some(to) = change.place.filter(|to| *to != stand.place)
            && Self::take(told, now, |told| told.place.take_if(|place| *place == to).is_some())
        {
            stand.place = to;
            change.place = None;
        }
        let was = stand.starred;
        for flags in &mut change.flags {
            for (said, to) in [(&mut flags.set, true), (&mut flags.cleared, false)] {
                let more = starred && !to;
                let star = |told: &mut Told| match told.starred {
                    Some(of) if of == to && more => true,
                    _ => told.starred.take_if(|of| *of == to).is_some(),
                };
                // A star is on several rows of one message, and heard of each.
                if said.starred && was != to && (stand.starred == to || Self::take(told, now, star))
                {
                    said.starred = false;
                    stand.starred = to || more;
                }
                let mark = |told: &mut Told| {
                    let is = told.read.get(&flags.message) == Some(&to);
                    is && told.read.remove(&flags.message).is_some()
                };
                if said.read && Self::take(told, now, mark) {
                    said.read = false;
                }
            }
        }
        change.flags.retain(|flags| {
            let none = Flags::default();
            flags.set != none || flags.cleared != none || flags.sent.is_some()
        });
        for (labels, to) in [(&mut change.on, true), (&mut change.off, false)] {
            labels.retain(|label| {
                let label_of = |told: &mut Told| {
                    let is = told.labels.get(label) == Some(&to);
                    is && told.labels.remove(label).is_some()
                };
                let echo = stand.labels.contains(label) != to && Self::take(told, now, label_of);
                if echo && to {
                    stand.labels.insert(label.clone());
                } else if echo {
                    stand.labels.remove(label);
                }
                !echo
            });
        }
        told.retain(|told| !told.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::Folder;
    use crate::bridge::follow::FlagsChange;
    use crate::imap::Role;
    use crate::imap::orders::{FolderInfo, Message, Row};
    use crate::label::Place;

    fn message(read: bool) -> Message {
        let id = MessageId::try_from("m").unwrap();
        Message { id, read, answered: false, forwarded: false, own: false }
    }

    /// `PLACE[*] [LABEL...]`.
    fn stand(text: &str) -> Aligned {
        let mut words = text.split(' ');
        let place = words.next().unwrap();
        let starred = place.ends_with('*');
        let place = match place.trim_end_matches('*') {
            "inbox" => Place::Inbox,
            "archive" => Place::Archive,
            _ => Place::Trash,
        };
        Aligned { place, starred, labels: words.map(str::to_owned).collect() }
    }

    /// Told on connection 1 at time 0.
    fn told(agreed: &Agreed, sent: &str) -> Told {
        let ours = Ours { stand: stand(sent), messages: Vec::new() };
        let wish = Wish { connection: 1, ..Wish::default() };
        let read = [(message(true).id, true)].into();
        Told { read, ..Told::over(&ours, &agreed.stand, &[], &wish, 0) }
    }

    /// What a server's word leaves after what was sent, and what both agree on then.
    fn check(agreed: &str, sent: &str, change: &Change, left: &Change, then: &str) {
        let mut agreed = Agreed::of(stand(agreed));
        agreed.tell(told(&agreed, sent));
        let mut late = agreed.clone();
        let mut heard = change.clone();
        agreed.hear_echo(&mut heard, false, LATE);
        assert_eq!((&heard, &agreed.stand), (left, &stand(then)), "{sent}: {change:?}");
        let text = serde_json::to_string(&agreed).unwrap();
        assert_eq!(serde_json::from_str::<Agreed>(&text).unwrap(), agreed);
        let mut heard = change.clone();
        late.hear_echo(&mut heard, false, LATE + 1);
        assert_eq!(&heard, change, "nothing is an echo for ever: {sent}");
    }

    fn flags(set: Flags, cleared: Flags) -> Change {
        let message = MessageId::try_from("m").unwrap();
        let flags = vec![FlagsChange { message, set, cleared, sent: None }];
        Change { flags, ..Change::default() }
    }

    #[test]
    fn what_was_sent_is_an_echo_and_all_else_is_not() {
        let none = Change::default();
        let place = |place| Change { place: Some(place), ..Change::default() };
        let on = |name: &str| Change { on: vec![name.to_owned()], ..Change::default() };
        let off = |name: &str| Change { off: vec![name.to_owned()], ..Change::default() };
        let (star, read, not) = (
            Flags { starred: true, ..Flags::default() },
            Flags { read: true, ..Flags::default() },
            Flags::default(),
        );
        check("inbox", "archive", &place(Place::Archive), &none, "archive");
        check("inbox", "archive", &place(Place::Trash), &place(Place::Trash), "inbox");
        check("inbox", "inbox", &place(Place::Archive), &place(Place::Archive), "inbox");
        check("inbox", "inbox*", &flags(star, not), &none, "inbox*");
        check("inbox*", "inbox", &flags(not, star), &none, "inbox");
        check("inbox*", "inbox*", &flags(not, star), &flags(not, star), "inbox*");
        check("inbox", "inbox", &flags(read, not), &none, "inbox");
        check("inbox", "inbox", &flags(not, read), &flags(not, read), "inbox");
        check("inbox", "inbox a", &on("a"), &none, "inbox a");
        check("inbox", "inbox a", &on("b"), &on("b"), "inbox");
        check("inbox a", "inbox", &off("a"), &none, "inbox");
        check("inbox a", "inbox a", &off("a"), &off("a"), "inbox a");
    }

    /// What connections that are gone told, in order; what the server says then, in order; where
    /// both agree after each, and whether it was an echo.
    fn hear(agreed: &str, all: &[&str], said: &[(&str, bool)]) {
        let mut agreed = Agreed::of(stand(agreed));
        for sent in all {
            let next = told(&agreed, sent);
            agreed.tell(next);
        }
        for (place, echo) in said {
            let to = stand(place).place;
            let mut change = Change { place: Some(to), ..Change::default() };
            agreed.hear_echo(&mut change, false, 1);
            assert_eq!(change.place.is_none(), *echo, "{all:?}: {said:?}: {place}");
            agreed.stand.place = to; // another's word is agreed on by who follows it
        }
    }

    #[test]
    fn all_that_was_told_is_remembered_and_each_heard_once() {
        hear("inbox", &["archive", "trash"], &[("trash", true), ("archive", true)]);
        hear("inbox", &["archive", "trash"], &[("archive", true), ("trash", true)]);
        hear("inbox", &["archive"], &[("archive", true), ("inbox", false), ("archive", false)]);
        hear("inbox", &["archive", "archive"], &[("archive", true), ("inbox", false)]);
        hear("inbox", &["trash"], &[("archive", false), ("trash", true)]);
        let mut agreed = Agreed::of(stand("inbox"));
        for _ in 0..MOST_TOLD * 2 {
            let next = told(&agreed, "archive");
            agreed.tell(next);
        }
        assert_eq!(agreed.told.len(), MOST_TOLD);
    }

    /// A conversation whose message is in these folders, `*` where it is starred.
    fn settle(agreed: &str, sent: &str, rows: &[&str], wish: Wish, away: bool) -> Agreed {
        let names = ["inbox", "archive", "a"];
        let folder = |(key, name): (i64, &str)| {
            let (role, place, labels) = match name {
                "inbox" => (Role::Inbox, Place::Inbox, Vec::new()),
                "archive" => (Role::Archive, Place::Archive, Vec::new()),
                label => (Role::Label, Place::Archive, vec![label.to_owned()]),
            };
            let says = Folder { place: Some(place), labels, ..Folder::default() };
            (key, FolderInfo { role, says, keywords: true })
        };
        let folders: BTreeMap<_, _> = (1..).zip(names).map(folder).collect();
        let row = |text: &&str| Row {
            folder: (1..).zip(names).find(|(_, n)| *n == text.trim_end_matches('*')).unwrap().0,
            uid: 1,
            message: message(true).id,
            base: Flags { starred: text.ends_with('*'), ..Flags::default() },
            keywords: Vec::new(),
            labels: None,
            moved_from: None,
        };
        let rows: Vec<Row> = rows.iter().map(row).collect();
        let ours = Ours { stand: stand(sent), messages: vec![message(true)] };
        let mut agreed = Agreed::of(stand(agreed));
        agreed.tell(told(&agreed, sent));
        agreed.settle(&Shown { ours: &ours, rows: &rows, folders: &folders }, &wish, away, 1);
        agreed
    }

    #[test]
    fn what_is_answered_and_shown_is_agreed_on_before_anything_else() {
        let wish = |connection, looks| Wish { connection, looks, ..Wish::default() };
        let cases = [
            // agreed, told, there now, connection, looks, away, agreed then, remembered
            ("inbox", "archive", &["archive"][..], wish(1, 0), false, "archive", 0),
            ("archive", "inbox", &["inbox"], wish(1, 0), false, "inbox", 0),
            ("inbox", "inbox*", &["inbox*"], wish(1, 0), false, "inbox*", 0),
            ("inbox*", "inbox", &["inbox"], wish(1, 0), false, "inbox", 0),
            ("inbox", "inbox a", &["inbox", "a"], wish(1, 0), false, "inbox a", 0),
            ("inbox a", "inbox", &["inbox"], wish(1, 0), false, "inbox", 0),
            // Not seen yet, then refused; but not while it is on its way.
            ("inbox", "archive", &["inbox"], wish(1, 0), false, "inbox", 1),
            ("inbox", "archive", &["inbox"], wish(1, 1), false, "inbox", 0),
            ("inbox", "archive", &[], wish(1, 1), true, "inbox", 1),
            ("inbox*", "inbox", &[], wish(1, 1), true, "inbox*", 1),
            ("inbox", "inbox*", &["inbox*"], wish(1, 1), true, "inbox*", 0),
            ("inbox a", "inbox", &["inbox"], wish(1, 1), true, "inbox a", 1),
            ("inbox", "archive* a", &["archive"], wish(1, 0), false, "archive", 1),
            // By a connection that is gone: it may come at any time, unless it came before that.
            ("inbox", "archive", &["inbox"], wish(2, 9), false, "inbox", 1),
            ("inbox", "archive", &["archive"], wish(2, 9), false, "archive", 1),
        ];
        for (agreed, sent, rows, wish, away, then, remembered) in cases {
            let now = settle(agreed, sent, rows, wish, away);
            let told = now.told.len();
            assert_eq!((now.stand, told), (stand(then), remembered), "{agreed} {sent} {rows:?}");
        }
    }

    #[test]
    fn that_no_message_is_starred_is_agreed_on_with_the_last() {
        let mut agreed = Agreed::of(stand("inbox*"));
        agreed.tell(told(&agreed, "inbox"));
        let star = Flags { starred: true, ..Flags::default() };
        for (more, then) in [(true, "inbox*"), (true, "inbox*"), (false, "inbox")] {
            let mut change = flags(Flags::default(), star);
            agreed.hear_echo(&mut change, more, 1);
            assert_eq!((&change, &agreed.stand), (&Change::default(), &stand(then)));
        }
    }

    #[test]
    fn what_a_former_version_sent_is_known_for_an_echo() {
        let text = r#"{"p":"inbox","w":{"p":"archive","s":true,"r":{"m":true}}}"#;
        let mut agreed = serde_json::from_str::<Agreed>(text).unwrap().adopted(7);
        let mut change = Change { place: Some(Place::Archive), ..Change::default() };
        agreed.hear_echo(&mut change, false, 8);
        assert_eq!((change.place, agreed.stand.place), (None, Place::Archive));
    }
}
