//! A double of the engine, with mail of our own.
//!
//! It is a double because the screens are tested as pure functions of what the engine says; the
//! real engine is driven by the tests with a pty. It answers as `engine::handle` promises: pages
//! with their tickets, one `Done` an intent, then `Changed`.

use crate::command::intent::{Change, Intent, Target};
use crate::command::snooze::ends;
use crate::engine::handle::{PurgeOf, PurgeStep, Request, Update};
use crate::engine::search::{Found, Sought};
use crate::engine::view::{
    Cursor, Done, HistoryPage, HistoryRow, ImportProgress, Label, LabelKind, Link, Outgoing, Page,
    PurgeSum, Row, Status, Thread, Window,
};
use crate::id::{ActionId, Epoch, EventId, LabelId, Seen, ThreadId};
use crate::label::{self, Place};
use crate::mail::Address;
use crate::mail::compose::Draft;
use crate::search::{Field, Needles};
use crate::ui::double_message::sample_message;

/// Thu 13 Nov 2025, 09:41:00 UTC, in milliseconds.
pub(crate) const NOW_MS: i64 = 1_763_026_860_000;

/// The double.
pub(crate) struct Double {
    pub(crate) rows: Vec<Row>,
    pub(crate) user_labels: Vec<String>,
    pub(crate) log: Vec<Intent>,
    pub(crate) open: Option<ThreadId>,
    /// Drafts and the outbox.
    pub(crate) outgoing: Outgoing,
    /// Every save, with its store.
    pub(crate) saves: Vec<(ThreadId, EventId, Draft)>,
    /// What the journal has.
    pub(crate) journal: std::collections::BTreeMap<i64, Draft>,
    /// Why the disk takes nothing, where it does not.
    pub(crate) full: Option<crate::notice::Notice>,
    /// How often it took back what was decided.
    pub(crate) losses: u64,
    /// What a purge would take.
    doomed: Vec<ThreadId>,
    past: Vec<(ActionId, Past)>,
    undone: Vec<(ActionId, Past)>,
    history: Vec<HistoryRow>,
    reached: std::collections::BTreeMap<ActionId, Vec<ThreadId>>,
    actions: u32,
}

/// Rows, drafts and outbox as they were.
type Past = (Vec<Row>, Outgoing);

/// One line of the sample: sender names, subject, snippet, minutes ago, messages, unread, marks.
type Sample = (&'static str, &'static str, &'static str, i64, u64, u64, &'static str);

const SAMPLES: [Sample; 14] = [
    (
        "Ann Example",
        "Quarterly numbers",
        "Here are the figures for the third quarter",
        12,
        3,
        1,
        "@ work",
    ),
    (
        "Bob Builder,Carla Diaz,Me",
        "Lunch on Friday?",
        "The place at the corner has a new menu",
        95,
        5,
        0,
        "*",
    ),
    (
        "花子 田中",
        "来週の会議について",
        "お世話になっております。会議の件ですが",
        300,
        1,
        1,
        "travel",
    ),
    (
        "rust-users list",
        "[rust-users] Pinning, once more",
        "I think the book says it best",
        540,
        14,
        0,
        "",
    ),
    ("", "", "", 700, 1, 0, ""),
    (
        "Émile Zola",
        "Re: J'accuse… la mise en page",
        "Voilà les épreuves corrigées",
        1_500,
        2,
        0,
        "@ work books",
    ),
    (
        "Shipping Desk",
        "Your parcel is on its way",
        "It will be with you between 10 and 12",
        2_000,
        1,
        1,
        "",
    ),
    (
        "Carla Diaz",
        "Photos from the lake 🏞️",
        "I have put them all in one folder 📷",
        4_400,
        4,
        0,
        "@ travel *",
    ),
    ("Дмитрий Орлов", "Отчёт за октябрь", "Добрый день, отчёт во вложении", 9_000, 1, 0, "@"),
    ("Tax Office", "Your notice of assessment", "Please keep this letter", 40_000, 1, 0, "money"),
    (
        "Ann Example,Bob Builder",
        "A very long subject that goes on and on until it meets the edge of the window, and on",
        "and a snippet",
        90_000,
        2,
        0,
        "work travel books money",
    ),
    ("נועה כהן", "שלום", "מה שלומך היום", 200_000, 1, 0, ""),
    ("Old Friend", "Do you remember?", "It has been sixteen years", 8_400_000, 1, 0, ""),
    ("J. R. Hartley", "Fly fishing", "I found the book at last", 8_500_000, 2, 0, "books"),
];

impl Double {
    /// The sample mailbox.
    pub(crate) fn sample() -> Self {
        let rows = SAMPLES.iter().enumerate().map(|(at, sample)| sample_row(at, sample)).collect();
        let user_labels = ["Books", "Money", "Travel", "Work"].map(str::to_owned).to_vec();
        Self {
            rows,
            user_labels,
            log: Vec::new(),
            open: None,
            outgoing: Outgoing::default(),
            saves: Vec::new(),
            journal: std::collections::BTreeMap::new(),
            full: None,
            losses: 0,
            doomed: Vec::new(),
            past: Vec::new(),
            undone: Vec::new(),
            history: Vec::new(),
            reached: std::collections::BTreeMap::new(),
            actions: 0,
        }
    }

    /// Rows in scripts that take two columns a sign, or several characters a sign, or run from the
    /// right.
    pub(crate) fn scripts() -> Self {
        const TEXTS: [&str; 12] = [
            "家族👩\u{200d}👩\u{200d}👧\u{200d}👦の写真を送ります、ご確認ください",
            "e\u{301}te\u{301} a\u{300} la me\u{300}re, cafe\u{301} cre\u{300}me",
            "مرحبا بالعالم، هذه رسالة طويلة جدا من صديق قديم",
            "שלום עולם, זוהי הודעה ארוכה מאוד מחבר ותיק",
            "👍🏽👍🏿 🇫🇷🇯🇵🇧🇷 1️⃣2️⃣ ☎️ ❤️\u{200d}🔥",
            "हिन्दी में एक क्षत्रिय का पत्र: नमस्ते",
            "ภาษาไทยที่มีสระและวรรณยุกต์น้ำ",
            "한국어와 \u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}",
            "ｆｕｌｌｗｉｄｔｈ ﾊﾝｶｸ",
            "Z\u{337}\u{330}a\u{334}\u{316}l\u{336}\u{33c}g\u{335}\u{31d}o\u{337}\u{329}",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語",
        ];
        let mut double = Self::many(60);
        for (at, row) in double.rows.iter_mut().enumerate() {
            let text = TEXTS[at % TEXTS.len()];
            row.subject = Some(text.to_owned());
            row.snippet = TEXTS[(at + 1) % TEXTS.len()].to_owned();
            row.last_activity -= i64::try_from(at).unwrap() * 3_000_000;
            for who in &mut row.participants {
                who.name = Some(TEXTS[(at + 2) % TEXTS.len()].to_owned());
            }
        }
        double.user_labels = TEXTS[..5].iter().map(|text| (*text).to_owned()).collect();
        double
    }

    /// A mailbox of `n` rows, the newest first, named by their number.
    pub(crate) fn many(n: usize) -> Self {
        let mut double = Self::sample();
        double.rows = (0..n)
            .map(|at| {
                let mut row = sample_row(at, &SAMPLES[at % SAMPLES.len()]);
                row.subject = Some(format!("row {at}"));
                row.last_activity = NOW_MS / 1_000 - i64::try_from(at).unwrap() * 60;
                row
            })
            .collect();
        double
    }

    fn listed(&self, label: &LabelId) -> Vec<Row> {
        let shown = |row: &&Row| match label.as_str() {
            "anywhere" => true,
            "all" => row.place.hidden() < 2,
            id => {
                let asleep = Place::parse(id).is_some() && row.snoozed_until.is_some();
                row.labels.contains(label) && !asleep
            }
        };
        let mut rows: Vec<Row> = self.rows.iter().filter(shown).cloned().collect();
        rows.sort_by(|a, b| {
            b.last_activity.cmp(&a.last_activity).then_with(|| a.thread.cmp(&b.thread))
        });
        rows
    }

    pub(crate) fn page(&self, label: &LabelId, window: &Window, limit: usize) -> Page {
        let rows = self.listed(label);
        let before = |row: &Row, at: &Cursor| {
            (-row.last_activity, &row.thread) < (-at.last_activity, &at.thread)
        };
        let (start, end) = match window {
            Window::First => (0, limit),
            Window::Last => (rows.len().saturating_sub(limit), rows.len()),
            Window::From(at) => {
                let start = rows.iter().filter(|row| before(row, at)).count();
                (start, start + limit)
            }
            Window::After(at) => {
                let start =
                    rows.iter().filter(|row| before(row, at) || row.thread == at.thread).count();
                (start, start + limit)
            }
            Window::Before(at) => {
                let end = rows.iter().filter(|row| before(row, at)).count();
                (end.saturating_sub(limit), end)
            }
        };
        let (start, end) = (start.min(rows.len()), end.min(rows.len()));
        Page {
            label: label.clone(),
            more_before: start > 0,
            more_after: end < rows.len(),
            rows: rows[start..end].to_vec(),
        }
    }

    pub(crate) fn labels(&self) -> Vec<Label> {
        let system =
            ["inbox", "archive", "spam", "trash", "starred", "unread", "sent", "drafts", "outbox"];
        let count = |id: LabelId, name: &str, kind| {
            let rows = self.listed(&id);
            Label {
                name: name.to_owned(),
                kind,
                color: None,
                thread_count: rows.len() as u64,
                unread_count: rows.iter().filter(|row| row.unread_count > 0).count() as u64,
                id,
            }
        };
        let user = self.user_labels.iter();
        system
            .into_iter()
            .map(|id| count(label::system(id), id, LabelKind::System))
            .chain(user.map(|name| count(label::user_label(name), name, LabelKind::User)))
            .collect()
    }

    pub(crate) fn status() -> Status {
        Status { link: Link::Online { behind: 0 }, remote: false, saving: 0, pending: 0 }
    }

    /// All that is there was imported.
    fn import(&self) -> Vec<Update> {
        let done = self.rows.len() as u64;
        let (total, imported, failed, ended) = (Some(done), done, 0, true);
        let progress = ImportProgress { done, total, imported, failed, ended };
        vec![Update::Import(progress), Update::Labels(self.labels()), Update::Changed]
    }

    /// Answers one request.
    pub(crate) fn answer(&mut self, request: Request) -> Vec<Update> {
        match request {
            Request::List { ticket, label, window, limit } => {
                vec![Update::Page { ticket, page: self.page(&label, &window, limit) }]
            }
            Request::History { ticket, before, limit } => {
                let at = before.and_then(|id| self.history.iter().position(|r| r.action == id));
                let rest = &self.history[at.map_or(0, |at| at + 1)..];
                let rows = rest.iter().take(limit).cloned().collect();
                let page = HistoryPage { rows, more: rest.len() > limit };
                vec![Update::History { ticket, page }]
            }
            Request::ActionRows { action, limit } => {
                let threads = &self.reached[&action];
                let meant = |row: &&Row| threads.contains(&row.thread);
                let mut rows: Vec<Row> = self.rows.iter().filter(meant).cloned().collect();
                let total = rows.len();
                rows.truncate(limit);
                vec![Update::ActionRows { action, rows, total }]
            }
            Request::Open(id) => {
                self.open = Some(id.clone());
                vec![self.thread(&id)]
            }
            Request::Close => {
                self.open = None;
                Vec::new()
            }
            Request::LookPurge { ticket, of } => {
                self.doomed = self.rows_of(&of);
                vec![Update::Purge(ticket, PurgeStep::Found(self.sum()))]
            }
            Request::Purge(ticket) => {
                let gone = PurgeStep::Gone(self.sum());
                let doomed = std::mem::take(&mut self.doomed);
                self.rows.retain(|row| !doomed.contains(&row.thread));
                vec![Update::Purge(ticket, gone), Update::Labels(self.labels()), Update::Changed]
            }
            Request::LeavePurge => {
                self.doomed.clear();
                Vec::new()
            }
            asks @ (Request::Search { .. } | Request::Rows { .. }) => vec![self.sought(asks)],
            Request::Intend(intent) => {
                let done = self.intend(&intent);
                self.note(&intent, &done);
                self.log.push(intent);
                let mut updates =
                    vec![Update::Done(done), Update::Labels(self.labels()), Update::Changed];
                updates.extend(self.open.clone().map(|id| self.thread(&id)));
                updates
            }
            Request::Import(_) => self.import(),
            Request::Quit => vec![Update::Ended],
            // What is asked of drafts; the rest is not answered.
            request => self.written(request),
        }
    }

    fn sought(&self, asks: Request) -> Update {
        let row = |id: &ThreadId| self.rows.iter().find(|row| row.thread == *id).cloned();
        match asks {
            Request::Search { ticket, sought, limit } => {
                Update::Found(ticket, self.find(&sought, limit))
            }
            Request::Rows { ticket, threads } => {
                Update::Rows(ticket, threads.iter().filter_map(row).collect())
            }
            _ => Update::Changed,
        }
    }

    /// Conversations with a wanted word in what their rows say, the newest first.
    fn find(&self, sought: &Sought, limit: usize) -> Found {
        let needles = Needles::of(&sought.query);
        let texts = |row: &Row| {
            let names = row.participants.iter().filter_map(|who| who.name.clone());
            let said = [row.subject.clone().unwrap_or_default(), row.snippet.clone()];
            names.chain(said).collect::<Vec<_>>().join("\n")
        };
        let mut rows = self.listed(&label::system("all"));
        rows.retain(|row| needles.is_in(Field::Any, &texts(row)));
        let more = rows.len() > limit;
        rows.truncate(limit);
        Found { rows, more, ..Found::default() }
    }

    fn rows_of(&self, of: &PurgeOf) -> Vec<ThreadId> {
        let trash = self.rows.iter().filter(|row| row.place == Place::Trash);
        match of {
            PurgeOf::Trash => trash.map(|row| row.thread.clone()).collect(),
            PurgeOf::Rows(rows) => rows.iter().map(|row| row[0].thread.clone()).collect(),
        }
    }

    fn sum(&self) -> PurgeSum {
        let rows = self.rows.iter().filter(|row| self.doomed.contains(&row.thread));
        let messages: u64 = rows.map(|row| row.message_count).sum();
        let (rows, bytes) = (self.doomed.len() as u64, messages * 2_048);
        PurgeSum { rows, messages, bytes, kept: 0 }
    }

    /// The subject of the one conversation that something was done to.
    fn subject_of(&self, threads: &[ThreadId]) -> Option<String> {
        let [thread] = threads else { return None };
        self.rows.iter().find(|row| row.thread == *thread)?.subject.clone()
    }

    /// Keeps what was done for the history.
    fn note(&mut self, intent: &Intent, done: &Done) {
        let Some(action) = done.action.clone() else { return };
        let threads: Vec<ThreadId> = if let Intent::Change { targets, .. } = intent {
            targets.iter().map(|t| t.thread.clone()).collect()
        } else {
            let of = done.undid.as_ref().or(done.redid.as_ref());
            of.map(|of| self.reached[of].clone()).unwrap_or_default()
        };
        let device = crate::id::DeviceId::make("laptop", &[0; 8]);
        let mut what = done.says.trim_end_matches('.').to_lowercase();
        for row in &mut self.history {
            if Some(&row.action) == done.undid.as_ref() {
                row.undone_by = Some(action.clone());
                what = format!("undo of {}", row.what);
            }
            if Some(&row.action) == done.redid.as_ref() {
                what.clone_from(&row.what);
            }
        }
        let row = HistoryRow {
            action: action.clone(),
            at: NOW_MS - 60_000,
            device_name: device.name().to_owned(),
            device,
            here: self.history.len() % 3 != 1,
            name: what.clone(),
            what,
            changes: Vec::new(),
            threads: threads.len() as u64,
            subject: self.subject_of(&threads),
            undone_by: None,
            undoes: done.undid.clone(),
            redoes: done.redid.clone(),
            pending: false,
        };
        self.history.insert(0, row);
        self.reached.insert(action, threads);
    }

    fn intend(&mut self, intent: &Intent) -> Done {
        let before = (self.rows.clone(), self.outgoing.clone());
        let mut wrote = None;
        self.actions += 1;
        let action = ActionId::try_from(format!("action-{:04}", self.actions)).unwrap();
        let (says, threads) = match intent {
            Intent::Change { changes, targets } => self.change(changes, targets),
            Intent::NewLabel { name, targets, .. } => {
                self.user_labels.push(name.clone());
                self.change(&[Change::Label(label::user_label(name), true)], targets)
            }
            Intent::CreateLabel(name) => {
                self.user_labels.push(name.clone());
                (format!("Made the label {name}."), 0)
            }
            Intent::Join(threads) => (format!("Joined {}.", threads.len()), threads.len()),
            Intent::Split(threads) => (format!("Split {}.", threads.len()), 1),
            Intent::RenameLabel(id, name) => (format!("Renamed {id} to {name}."), 0),
            Intent::RecolorLabel(id, _) => (format!("Recoloured {id}."), 0),
            Intent::SaveSearch { name, .. } => (format!("Saved {name}."), 0),
            Intent::RemoveSearch(name) => (format!("Removed {name}."), 0),
            Intent::Fetch(_)
            | Intent::SaveDraft { .. }
            | Intent::DiscardDraft { .. }
            | Intent::Send(_)
            | Intent::CancelSend { .. } => {
                wrote = self.write(intent);
                ("Written.".to_owned(), 1)
            }
            Intent::DeleteLabel(id) => {
                self.user_labels.retain(|name| label::user_label(name) != *id);
                (format!("Deleted {id}."), 0)
            }
            Intent::Undo(which) => {
                let at = match which {
                    Some(id) => self.past.iter().position(|(past, _)| past == id),
                    None => self.past.len().checked_sub(1),
                };
                let Some(at) = at else {
                    let says = "There is nothing to undo.".to_owned();
                    return Done { says, ..Done::default() };
                };
                let (undid, rows) = self.past.remove(at);
                let after = self.put_back(rows);
                self.undone.push((undid.clone(), after));
                let (action, says) = (Some(action), "Undone.".to_owned());
                return Done { action, threads: 1, says, undid: Some(undid), ..Done::default() };
            }
            Intent::Redo(which) => {
                let at = match which {
                    Some(id) => self.undone.iter().position(|(undone, _)| undone == id),
                    None => self.undone.len().checked_sub(1),
                };
                let Some(at) = at else {
                    let says = "There is nothing to redo.".to_owned();
                    return Done { says, ..Done::default() };
                };
                let (redid, rows) = self.undone.remove(at);
                let before = self.put_back(rows);
                self.past.push((action.clone(), before));
                let (action, says) = (Some(action), "Redone.".to_owned());
                return Done { action, threads: 1, says, redid: Some(redid), ..Done::default() };
            }
        };
        self.past.push((action.clone(), before));
        let until = if let Intent::Change { changes, .. } = intent { ends(changes) } else { None };
        Done { action: Some(action), threads, says, wrote, until, ..Done::default() }
    }

    fn put_back(&mut self, (rows, outgoing): Past) -> Past {
        let rows = std::mem::replace(&mut self.rows, rows);
        (rows, std::mem::replace(&mut self.outgoing, outgoing))
    }

    fn change(&mut self, changes: &[Change], targets: &[Target]) -> (String, usize) {
        let meant = |row: &&mut Row| targets.iter().any(|t| t.thread == row.thread);
        let mut threads = 0;
        let mut says = String::new();
        for row in self.rows.iter_mut().filter(meant) {
            threads += 1;
            for change in changes {
                let (id, on, said) = match change {
                    Change::Place(place) => {
                        row.labels.retain(|l| Place::parse(l.as_str()).is_none());
                        row.place = *place;
                        (place.label(), true, format!("Moved to {}", place.as_str()))
                    }
                    Change::Label(id, on) => (id.clone(), *on, format!("Labelled {id}")),
                    Change::Read(read) => {
                        row.unread_count = u64::from(!read);
                        (label::system("unread"), !read, "Marked".to_owned())
                    }
                    Change::Star(on) => {
                        row.starred = *on;
                        (label::system("starred"), *on, "Starred".to_owned())
                    }
                    Change::Snooze(until) => {
                        row.snoozed_until = *until;
                        (label::system("snoozed"), until.is_some(), "Snoozed".to_owned())
                    }
                    Change::Mute(_) => (label::system("muted"), true, "Muted".to_owned()),
                };
                row.labels.retain(|l| *l != id);
                if on {
                    row.labels.push(id);
                    row.labels.sort();
                }
                says = said;
            }
        }
        (format!("{says}: {threads}."), threads)
    }

    fn thread(&self, id: &ThreadId) -> Update {
        let thread = self.rows.iter().find(|row| row.thread == *id).map(|row| {
            let messages = (0..row.message_count).map(|at| sample_message(row, at)).collect();
            Box::new(Thread { row: row.clone(), messages })
        });
        Update::Thread(id.clone(), thread)
    }
}

pub(super) fn people(names: &str) -> Vec<Address> {
    names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| Address {
            name: Some(name.to_owned()),
            address: format!("{}@example.org", name.to_lowercase().replace(' ', ".")),
        })
        .collect()
}

fn sample_row(at: usize, sample: &Sample) -> Row {
    let (names, subject, snippet, minutes, messages, unread, marks) = sample;
    let thread = ThreadId::try_from(format!("thread-{at:06}")).unwrap();
    let seen = Seen { epoch: Epoch::try_from("e1").unwrap(), position: 10 };
    let mut labels = vec![Place::Inbox.label()];
    labels.extend(marks.split(' ').filter(|m| m.len() > 1).map(label::user_label));
    if marks.contains('*') {
        labels.push(label::system("starred"));
    }
    if *unread > 0 {
        labels.push(label::system("unread"));
    }
    labels.sort();
    Row {
        members: vec![Target { thread: thread.clone(), seen }],
        thread,
        subject: (!subject.is_empty()).then(|| (*subject).to_owned()),
        participants: people(names),
        last_activity: NOW_MS / 1_000 - minutes * 60,
        labels,
        place: Place::Inbox,
        message_count: *messages,
        unread_count: *unread,
        starred: marks.contains('*'),
        muted: false,
        has_attachment: marks.contains('@'),
        snoozed_until: None,
        snippet: (*snippet).to_owned(),
    }
}
