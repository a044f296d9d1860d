//! The search on screen: a line that is typed, and what it finds in place of the list.
//!
//! Invariant: a value. What is asked is always what the line says; an answer to anything else is
//! left. Where the search began is kept whole, and Esc gives it back.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::command::motion::Edit;
use crate::command::search::Does;
use crate::engine::elsewhere::AskedThere;
use crate::engine::handle::{Request, Update};
use crate::engine::search::{Found, Indexed, Sought};
use crate::engine::view::Label;
use crate::id::{LabelId, ThreadId};
use crate::label;
use crate::notice::{Notice, Severity};
use crate::search::{
    Completion, Context, Known, Named, Needles, Order, Parsed, Person, Query, Snippet, complete,
    parse,
};
use crate::ui::app::{Effect, Model};
use crate::ui::compose::{Writing, outgoing};
use crate::ui::history::History;
use crate::ui::keys;
use crate::ui::line::Line;
use crate::ui::list::List;
use crate::ui::reader::Reader;
use crate::ui::tabs;
use crate::ui::update::ask;

pub mod saved;

/// Searches that are remembered.
const MOST_SEARCHES: usize = 100;
/// People that are looked through for a word, the likeliest first.
const MOST_PEOPLE: usize = 2_000;

/// The search.
#[derive(Debug, Clone)]
pub struct Search {
    /// What is typed.
    pub line: Line,
    /// Whether keys are for the line; else they are for what was found.
    pub open: bool,
    /// In which order conversations are found.
    pub order: Order,
    /// What the line says.
    pub parsed: Parsed,
    /// What is shown as found.
    pub needles: Needles,
    /// Why nothing could be looked at.
    pub wrong: Option<Notice>,
    /// How far the backend is, where it is asked too.
    pub there: AskedThere,
    /// What the backend alone found: this device does not hold its words.
    pub elsewhere: BTreeSet<ThreadId>,
    /// Where the words stand, by conversation.
    pub snippets: BTreeMap<ThreadId, Snippet>,
    /// The ticket of what is shown.
    shown: Option<u64>,
    /// What may be meant by the word at the caret.
    pub offers: Vec<Completion>,
    /// Of these the one that was taken, and the line before.
    pub taken: Option<(usize, Line)>,
    /// Which of the searches before the line shows, and what it said first.
    recalled: Option<(usize, Line)>,
    /// What was read last.
    read: Option<(String, usize)>,
    /// What was asked last.
    asked: Option<Asked>,
    /// The saved search that is shown, by its id.
    pub saved: Option<LabelId>,
    /// When it was asked last, Unix milliseconds; and how often that is to be done again.
    asked_at: i64,
    again: u8,
    back: Box<Back>,
}

impl Search {
    fn take_facts(&mut self, found: &Found) {
        self.wrong.clone_from(&found.wrong);
        self.elsewhere.clone_from(&found.elsewhere);
        self.there = found.there;
    }
}

/// What decides what is found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    query: Query,
    order: Order,
    typing: bool,
}

/// Where a search began.
#[derive(Debug, Clone)]
struct Back {
    list: List,
    reader: Option<Reader>,
    history: Option<History>,
}

/// Does what a key is for.
pub fn press(model: &mut Model, does: Does) -> Vec<Effect> {
    match does {
        Does::Open => open(model),
        Does::Turn => turn(model),
        Does::Complete(next) => complete_line(model, next),
        Does::Past(older) => past(model, older),
        Does::Hit(next) => hit(model, next),
        Does::Save => saved::ask_name(model),
    }
}

/// Takes in what the engine says of a search; of other things nothing.
pub fn said(model: &mut Model, update: Update) -> Vec<Effect> {
    match update {
        Update::Found(ticket, what) => found(model, ticket, what),
        Update::Elsewhere(ticket, what) => elsewhere(model, ticket, what),
        Update::Snippets(ticket, of) => snippets(model, ticket, of),
        Update::Indexed(at) => indexed(model, at),
        Update::Searches(before) => {
            // What was searched meanwhile is newer.
            for text in before {
                if model.searches.len() < MOST_SEARCHES && !model.searches.contains(&text) {
                    model.searches.push(text);
                }
            }
            Vec::new()
        }
        Update::Rows(ticket, rows) => {
            let requests = model.list.take_rows(ticket, rows);
            let mut effects = ask(requests);
            effects.extend(keys::release_held(model));
            effects
        }
        _ => Vec::new(),
    }
}

/// Whether keys are for the line or for what was found, so that leaving is leaving the search.
#[must_use]
pub fn leaves(model: &Model) -> bool {
    let kept = model.context() == crate::command::context::Context::List;
    model.search.is_some() && (kept || is_typed(model))
}

/// Opens the line; of a search that is there already to go on with it.
fn open(model: &mut Model) -> Vec<Effect> {
    model.notice = None;
    if let Some(search) = &mut model.search {
        (search.open, search.read) = (true, None);
        let effects = if model.reader.is_some() { keys::back(model) } else { Vec::new() };
        return effects;
    }
    let found = model.list.to_seek();
    let list = std::mem::replace(&mut model.list, found);
    let (reader, history) = (model.reader.take(), model.history.take());
    let close = reader.is_some().then_some(Request::Close);
    model.search = Some(Box::new(Search {
        line: Line::default(),
        open: true,
        order: Order::Newest,
        parsed: Parsed { query: Query::All, marks: Vec::new() },
        needles: Needles::default(),
        wrong: None,
        there: AskedThere::Nobody,
        elsewhere: BTreeSet::new(),
        snippets: BTreeMap::new(),
        shown: None,
        offers: Vec::new(),
        taken: None,
        recalled: None,
        read: None,
        asked: None,
        saved: None,
        asked_at: 0,
        again: 0,
        back: Box::new(Back { list, reader, history }),
    }));
    let mut effects = ask(close);
    effects.extend(outgoing::ask_met(model));
    effects
}

/// Whether keys are for the line.
#[must_use]
pub fn is_typed(model: &Model) -> bool {
    model.context() == crate::command::context::Context::Search
}

/// Types text.
pub fn insert(model: &mut Model, text: &str) {
    if let Some(search) = &mut model.search {
        search.line.insert(&text.replace(['\n', '\r'], " "));
        (search.taken, search.recalled) = (None, None);
    }
}

/// Does an edit key.
pub fn edit(model: &mut Model, how: Edit) {
    if let Some(search) = &mut model.search {
        search.line.edit(how);
        (search.taken, search.recalled) = (None, None);
    }
}

/// Asks for what the line says, where that is not what was asked last.
pub fn look(model: &mut Model) -> Vec<Effect> {
    let now = model.now();
    let Some(search) = model.search.as_mut() else { return Vec::new() };
    if !search.open && search.asked.is_some() {
        return Vec::new(); // dates like `today` move on; what was found stays
    }
    let state = (search.line.text().to_owned(), search.line.caret());
    if search.read.as_ref() == Some(&state) {
        return Vec::new();
    }
    if search.taken.is_none() {
        let known = (model.labels.as_slice(), model.searches.as_slice(), model.saved.as_slice());
        search.offers = offers(&state.0, state.1, known, &model.writing);
    }
    if search.open && search.read.as_ref().is_some_and(|(text, _)| *text != state.0) {
        search.saved = None; // it is another search now
    }
    search.read = Some(state);
    let me: Vec<String> =
        model.writing.identities.iter().map(|me| me.from.address.clone()).collect();
    let saved = model.saved.as_slice();
    // A saved search asks what its name asks elsewhere: its last word does not grow.
    let grows = search.saved.is_none();
    let context = Context { now, zone: &model.zone, me: &me, typing: grows, saved };
    search.parsed = parse(search.line.text(), &context);
    let labels: Vec<_> =
        model.labels.iter().map(|label| (label.id.as_str(), label.name.as_str())).collect();
    // None are there yet: nothing can be said of them.
    if !labels.is_empty() {
        let typed_to = (grows && search.open).then(|| search.line.text().trim_end().len());
        search.parsed.mark_unknown_labels(&labels, typed_to);
    }
    if search.line.text().trim().is_empty() {
        let had = search.asked.take().is_some();
        search.needles = Needles::default();
        if had {
            model.list.seek_nothing();
            return ask([Request::StopSearch]);
        }
        return Vec::new();
    }
    let typing = search.open;
    let wanted = Asked { query: search.parsed.query.clone(), order: search.order, typing };
    if search.asked.as_ref() == Some(&wanted) {
        return Vec::new();
    }
    search.needles = Needles::of(&wanted.query);
    search.snippets.clear();
    seek(model, wanted)
}

fn seek(model: &mut Model, wanted: Asked) -> Vec<Effect> {
    let Some(search) = model.search.as_mut() else { return Vec::new() };
    let Asked { query, order, typing } = wanted.clone();
    search.asked = Some(wanted);
    search.asked_at = model.now_ms;
    model.waiting_since = model.now_ms;
    ask([model.list.seek(Sought { query, order, typing })])
}

/// What may be meant by the word at the caret.
fn offers(
    text: &str,
    caret: usize,
    (labels, history, saved): (&[Label], &[String], &[Named]),
    writing: &Writing,
) -> Vec<Completion> {
    let user = labels.iter().filter(|label| !label::is_system(label.id.as_str()));
    let labels: Vec<String> = user.map(|label| label.name.clone()).collect();
    let mut people: Vec<_> = writing.known.values().collect();
    people.sort_by_key(|who| (!who.wrote_to, Reverse(who.count), Reverse(who.last)));
    let person = |who: &&crate::mail::compose::Person| Person {
        name: who.address.name.clone(),
        address: who.address.address.clone(),
    };
    let people: Vec<Person> = people.iter().take(MOST_PEOPLE).map(person).collect();
    complete(text, caret, &Known { labels: &labels, people: &people, history, saved })
}

/// Completes the word at the caret by the next (`true`) or previous that may be meant.
fn complete_line(model: &mut Model, next: bool) -> Vec<Effect> {
    let Some(search) = model.search.as_mut() else { return Vec::new() };
    let count = search.offers.len();
    let (at, before) = match search.taken.take() {
        Some((at, before)) if next => ((at + 1) % count.max(1), before),
        Some((at, before)) => ((at + count.saturating_sub(1)) % count.max(1), before),
        None => (0, search.line.clone()),
    };
    let Some(offer) = search.offers.get(at) else { return Vec::new() };
    search.line = before.clone();
    search.line.put(offer.replace.clone(), &offer.insert);
    search.taken = (count > 1).then_some((at, before));
    Vec::new()
}

/// Shows an older (`true`) or newer search.
fn past(model: &mut Model, older: bool) -> Vec<Effect> {
    let Some(search) = model.search.as_mut() else { return Vec::new() };
    let (at, first) = match search.recalled.take() {
        Some((at, first)) if older => (Some(at + 1), first),
        Some((at, first)) => (at.checked_sub(1), first),
        None if older => (Some(0), search.line.clone()),
        None => return Vec::new(),
    };
    search.taken = None;
    let Some(at) = at else {
        search.line = first;
        return Vec::new();
    };
    let at = at.min(model.searches.len().saturating_sub(1));
    if let Some(text) = model.searches.get(at) {
        search.line = Line::default();
        search.line.insert(text);
        search.recalled = Some((at, first));
    }
    Vec::new()
}

/// Remembers what was searched.
fn remember(searches: &mut Vec<String>, text: &str) {
    let text = text.trim();
    searches.retain(|known| known != text);
    searches.insert(0, text.to_owned());
    searches.truncate(MOST_SEARCHES);
}

/// Keeps what was found as a list.
pub fn keep(model: &mut Model) -> Vec<Effect> {
    let Some(search) = model.search.as_mut() else { return Vec::new() };
    if search.asked.is_none() {
        return leave(model);
    }
    search.open = false;
    let text = search.line.text().trim().to_owned();
    remember(&mut model.searches, &text);
    let mut effects = ask([Request::Searched(text)]);
    effects.extend(ask_kept(model));
    effects
}

/// Asks for what is kept: while one types, one or two letters are looked for in less than all.
fn ask_kept(model: &mut Model) -> Vec<Effect> {
    match model.search.as_ref().and_then(|search| search.asked.clone()) {
        Some(asked) => seek(model, Asked { typing: false, ..asked }),
        None => Vec::new(),
    }
}

/// Goes back to where the search began.
pub fn leave(model: &mut Model) -> Vec<Effect> {
    let Some(search) = model.search.take() else { return Vec::new() };
    let Back { mut list, reader, history } = *search.back;
    let mut requests = vec![Request::StopSearch];
    requests.extend(list.resume(&model.list));
    model.list = list;
    (model.reader, model.history) = (reader, history);
    requests.extend(model.history.as_mut().map(History::refresh).unwrap_or_default());
    requests.extend(model.reader.as_ref().map(|reader| Request::Open(reader.row.thread.clone())));
    model.held.clear();
    ask(requests)
}

/// Turns the order.
fn turn(model: &mut Model) -> Vec<Effect> {
    let Some(search) = model.search.as_mut() else {
        model.say(Severity::Info, "Only what a search found has another order", "/ searches");
        return Vec::new();
    };
    search.order = match search.order {
        Order::Newest => Order::Relevance,
        Order::Relevance => Order::Newest,
    };
    let order = search.order;
    match search.asked.clone() {
        Some(asked) => seek(model, Asked { order, ..asked }),
        None => Vec::new(),
    }
}

/// Takes in what was found.
fn found(model: &mut Model, ticket: u64, found: Found) -> Vec<Effect> {
    let Some(search) = &mut model.search else { return Vec::new() };
    if !model.list.waits_for_ticket(ticket) {
        return Vec::new();
    }
    search.shown = Some(ticket);
    search.take_facts(&found);
    let requests = model.list.take_found(ticket, found);
    tabs::note(model);
    let mut effects = ask(requests);
    effects.extend(keys::release_held(model));
    effects
}

/// Takes in what was found with what the backend found: the row under the cursor stays there, but
/// while the line is typed, where the first row is what is meant.
fn elsewhere(model: &mut Model, ticket: u64, found: Found) -> Vec<Effect> {
    let Some(search) = model.search.as_mut().filter(|search| search.shown == Some(ticket)) else {
        return Vec::new();
    };
    search.take_facts(&found);
    let first = search.open && model.list.cursor == 0;
    ask(model.list.join_found(found, first))
}

/// Takes in where the words stand in what is shown.
fn snippets(model: &mut Model, ticket: u64, of: Vec<(ThreadId, Snippet)>) -> Vec<Effect> {
    if let Some(search) = model.search.as_mut().filter(|search| search.shown == Some(ticket)) {
        search.snippets.extend(of);
    }
    Vec::new()
}

/// Takes in how far the index is; once it has all, it is asked again.
fn indexed(model: &mut Model, at: Indexed) -> Vec<Effect> {
    // It is told when it changes, and is true of the next search as well.
    let before = model.indexed.replace(at);
    let Some(search) = &mut model.search else { return Vec::new() };
    let grew = at.grew || before.is_some_and(|before| before.lacks > 0 && before != at);
    // Rows that somebody works on do not move under the hand.
    let rests = model.list.cursor == 0 && model.list.selected.is_empty() && !model.list.jumping();
    match search.asked.clone() {
        Some(asked) if grew && rests && model.reader.is_none() => seek(model, asked),
        _ => Vec::new(),
    }
}

/// Whether the reader shows what was found.
#[must_use]
pub fn hits(model: &Model) -> bool {
    model.reader.as_ref().is_some_and(Reader::has_hits)
}

/// To the next (`true`) or previous place that was found.
pub fn hit(model: &mut Model, next: bool) -> Vec<Effect> {
    let went = model.reader.as_mut().is_some_and(|reader| reader.hit(next));
    if !went && hits(model) {
        let what = if next { "last" } else { "first" };
        model.say(
            Severity::Info,
            format!("This is the {what} hit"),
            "J and K: other conversations",
        );
    } else if !went {
        model.say(Severity::Info, "Nothing that was searched for stands here", "/ searches");
    }
    Vec::new()
}
