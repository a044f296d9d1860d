//! The files of a conversation: the box that lists them, what is done with one, and the page on
//! which a text is read.
//!
//! Invariant: values only; bytes are fetched, written and read elsewhere, and an answer counts only
//! while its ticket is the one that is waited for. What is a program is opened after a typed `yes`.

mod page;

pub use page::{Page, drawn, place, resized};

use std::sync::Arc;

use crate::command::files::FileVerb;
use crate::command::motion::Motion;
use crate::engine::view::Message;
use crate::id::BlobHash;
use crate::mail::Attachment;
use crate::notice::{Notice, Severity};
use crate::ui::app::{Effect, Layer, Model};
use crate::ui::compose::desk::DeskAsk;
use crate::ui::compose::original;
use crate::ui::line::Line;
use crate::ui::picture::Picture;

/// Where files are saved unless something else was said.
const FIRST_DIR: &str = "~/Downloads";

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileItem {
    /// The message's bytes.
    pub raw: BlobHash,
    /// How many.
    pub raw_size: u64,
    /// Its place in the message.
    pub at: usize,
    /// What it is.
    pub attachment: Attachment,
}

/// What is asked of files, beside the interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAsk {
    /// Returned with the answers.
    pub ticket: u64,
    /// Which; of several each is done.
    pub items: Vec<FileItem>,
    /// What.
    pub act: FileAct,
    /// Columns and rows that a picture may have.
    pub room: (u16, u16),
}

/// What is done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAct {
    /// Into this directory, as it was typed.
    Save(String),
    /// With the program for its kind; also what is a program when that was said.
    Open(bool),
    /// To this program and its arguments, as they were typed; no shell reads them.
    Pipe(String),
    /// To be read here.
    View,
    /// The whole message, to be read here.
    Source,
    /// What of it is not shown since another form is, to be read here.
    Other,
    /// A picture of the message, counted from its first; behind the last is the first.
    Picture(i64),
}

/// How far it is.
#[derive(Debug, Clone)]
pub enum FileStep {
    /// So many bytes of so many are here.
    Fetching(u64, u64),
    /// It is done, and this is to be said.
    Done(String),
    /// It is a program of this kind: is it to be opened?
    Program(String),
    /// It can be read: a title and lines.
    Page(String, String),
    /// It can be seen: a title and a picture.
    Picture(String, Arc<Picture>),
    /// It was not done.
    Failed(Notice),
}

/// What of it outlives the box.
#[derive(Debug, Clone, Default)]
pub struct FilesState {
    /// Where the last one was saved.
    pub dir: Option<String>,
    /// The ticket that is waited for.
    pub waits: Option<u64>,
    /// What of it is here, and how much there is.
    pub fetched: Option<(u64, u64)>,
    last: u64,
}

/// The box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesBox {
    /// Those of the conversation.
    pub items: Vec<FileItem>,
    /// The one under the cursor.
    pub cursor: usize,
}

/// What is typed about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// About which.
    pub items: Vec<FileItem>,
    /// What is asked for.
    pub asks: FileAsks,
    /// What is typed.
    pub line: Line,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAsks {
    /// A directory.
    Dir,
    /// A program with its arguments.
    Program,
    /// A yes: it is a program of this kind.
    Yes(String),
}

impl FilesBox {
    fn current(&self) -> Option<&FileItem> {
        self.items.get(self.cursor)
    }
}

/// Where a motion leads among `count` lines from `from`, a page being `page` of them.
fn moved(from: usize, motion: Motion, count: usize, page: usize) -> usize {
    let page = page.max(1);
    let to = match motion {
        Motion::Down => from.saturating_add(1),
        Motion::Up => from.saturating_sub(1),
        Motion::HalfDown => from.saturating_add(page / 2),
        Motion::HalfUp => from.saturating_sub(page / 2),
        Motion::PageDown => from.saturating_add(page),
        Motion::PageUp => from.saturating_sub(page),
        Motion::First => 0,
        Motion::Last => usize::MAX,
    };
    to.min(count.saturating_sub(1))
}

/// Moves in what is on top.
pub fn go(model: &mut Model, motion: Motion) {
    let rows = usize::from(model.size.1).saturating_sub(4);
    match model.layers.last_mut() {
        Some(Layer::Files(open)) => {
            open.cursor = moved(open.cursor, motion, open.items.len(), rows);
        }
        Some(Layer::Page(page)) => page.top = moved(page.top, motion, page.lines.len(), rows),
        _ => {}
    }
}

/// Fits what is on top to the screen.
pub fn lay_out(model: &mut Model) {
    let (columns, rows) = (usize::from(model.size.0), usize::from(model.size.1));
    if let Some(Layer::Page(page)) = model.layers.last_mut() {
        page.lay_out(columns.saturating_sub(4), rows.saturating_sub(3));
    }
}

/// Does what a key asks for.
pub fn perform(model: &mut Model, verb: FileVerb) -> Vec<Effect> {
    let item = match model.layers.last() {
        Some(Layer::Files(open)) => open.current().cloned(),
        _ => None,
    };
    match (verb, item) {
        (FileVerb::List, _) => list(model),
        (FileVerb::Source, _) if is_page(model) => page::turn_form(model),
        (FileVerb::Source, _) => source(model),
        (FileVerb::Pictures, _) => page::pictures(model),
        (FileVerb::NextPicture, _) => page::turn(model, 1),
        (FileVerb::PreviousPicture, _) => page::turn(model, -1),
        (FileVerb::View, Some(item)) => {
            let title = name(&item.attachment);
            read(model, title, vec![item], FileAct::View)
        }
        (FileVerb::Save, Some(item)) => match model.files.dir.clone() {
            Some(dir) => begin(model, vec![item], FileAct::Save(dir)),
            None => ask(model, vec![item], FileAsks::Dir),
        },
        (FileVerb::SaveTo, Some(item)) => ask(model, vec![item], FileAsks::Dir),
        (FileVerb::SaveAll, Some(_)) => {
            let Some(Layer::Files(open)) = model.layers.last() else { return Vec::new() };
            let items = open.items.clone();
            ask(model, items, FileAsks::Dir)
        }
        (FileVerb::Open, Some(item)) => begin(model, vec![item], FileAct::Open(false)),
        (FileVerb::Pipe, Some(item)) => ask(model, vec![item], FileAsks::Program),
        _ => Vec::new(),
    }
}

fn list(model: &mut Model) -> Vec<Effect> {
    let Some(reader) = &model.reader else { return Vec::new() };
    let messages = reader.messages.as_deref().unwrap_or_default();
    let items: Vec<(usize, FileItem)> =
        messages.iter().enumerate().flat_map(|(at, m)| of(m).map(move |i| (at, i))).collect();
    // The cursor is at the first of the message that is read.
    let cursor = items.iter().position(|(at, _)| *at == reader.current).unwrap_or(0);
    let items: Vec<FileItem> = items.into_iter().map(|(_, item)| item).collect();
    if let Some(effects) = rest(model) {
        return effects;
    }
    if items.is_empty() {
        model.say(Severity::Info, "Nothing is attached", "");
    } else {
        model.layers.push(Layer::Files(FilesBox { items, cursor }));
    }
    Vec::new()
}

/// Asks for the rest of the message that is read, where it is not whole.
fn rest(model: &mut Model) -> Option<Vec<Effect>> {
    let message = original::read(model).filter(|of| !of.attachments.is_empty())?.clone();
    original::rest(model, &message)
}

fn of(message: &Message) -> impl Iterator<Item = FileItem> + '_ {
    let raw = message.raw.as_ref();
    message.attachments.iter().enumerate().filter_map(move |(at, attachment)| {
        let attachment = attachment.clone();
        Some(FileItem { raw: raw?.clone(), raw_size: message.size, at, attachment })
    })
}

/// The message that is read, as a file.
fn current(model: &Model) -> Option<FileItem> {
    let reader = model.reader.as_ref()?;
    let message = reader.messages.as_ref()?.get(reader.current)?;
    let (raw, size) = (message.raw.clone()?, message.size);
    let attachment = Attachment { name: None, media_type: "message/rfc822".to_owned(), size };
    Some(FileItem { raw, raw_size: size, at: 0, attachment })
}

fn source(model: &mut Model) -> Vec<Effect> {
    if let Some(message) = original::read(model).filter(|of| of.outline.is_some()).cloned() {
        return original::rest(model, &message).unwrap_or_default();
    }
    let Some(item) = current(model) else {
        model.say(Severity::Info, "There is nothing to show yet", "");
        return Vec::new();
    };
    read(model, "As it came".to_owned(), vec![item], FileAct::Source)
}

fn is_page(model: &Model) -> bool {
    matches!(model.layers.last(), Some(Layer::Page(_)))
}

/// What a file is called.
#[must_use]
pub fn name(attachment: &Attachment) -> String {
    attachment.name.clone().unwrap_or_else(|| match attachment.media_type.as_str() {
        "message/rfc822" => "a message".to_owned(),
        other => format!("({other})"),
    })
}

fn read(model: &mut Model, title: String, items: Vec<FileItem>, act: FileAct) -> Vec<Effect> {
    let of = items.first().map(|item| (item.clone(), act.clone()));
    model.layers.push(Layer::Page(Page { title, of, ..Page::default() }));
    begin(model, items, act)
}

fn ask(model: &mut Model, items: Vec<FileItem>, asks: FileAsks) -> Vec<Effect> {
    let mut line = Line::default();
    if asks == FileAsks::Dir {
        line.insert(model.files.dir.as_deref().unwrap_or(FIRST_DIR));
    }
    model.layers.push(Layer::FileLine(FileLine { items, asks, line }));
    Vec::new()
}

fn begin(model: &mut Model, items: Vec<FileItem>, act: FileAct) -> Vec<Effect> {
    let mut effects = stop(model);
    model.files.last += 1;
    let ticket = model.files.last;
    model.files.waits = Some(ticket);
    let room = page::room(model.size);
    effects.push(Effect::Desk(DeskAsk::File(Box::new(FileAsk { ticket, items, act, room }))));
    effects
}

/// Stops what is under way.
fn stop(model: &mut Model) -> Vec<Effect> {
    model.files.fetched = None;
    let waits = model.files.waits.take();
    waits.map(|ticket| Effect::Desk(DeskAsk::StopFile(ticket))).into_iter().collect()
}

/// Takes what was typed.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Layer::FileLine(asked)) = model.layers.pop() else { return Vec::new() };
    let typed = asked.line.text().trim().to_owned();
    match asked.asks {
        _ if typed.is_empty() => Vec::new(),
        FileAsks::Dir => begin(model, asked.items, FileAct::Save(typed)),
        FileAsks::Program => {
            let title = typed.clone();
            read(model, title, asked.items, FileAct::Pipe(typed))
        }
        FileAsks::Yes(_) if typed == "yes" => begin(model, asked.items, FileAct::Open(true)),
        FileAsks::Yes(_) => {
            model.say(Severity::Info, "It was not opened", "s saves it");
            Vec::new()
        }
    }
}

/// Whether the files, or a page of one, lie on top.
#[must_use]
pub fn is_open(model: &Model) -> bool {
    matches!(model.layers.last(), Some(Layer::Files(_) | Layer::Page(_)))
}

/// Esc: stops what is under way, else closes what is on top.
pub fn close(model: &mut Model) -> Vec<Effect> {
    let effects = stop(model);
    let keeps = matches!(model.layers.last(), Some(Layer::Files(_))) && !effects.is_empty();
    if keeps {
        model.say(Severity::Info, "Stopped", "");
    } else {
        model.layers.pop();
    }
    effects
}

/// Takes in how far it is.
pub fn step(model: &mut Model, of: &FileAsk, step: FileStep) -> Vec<Effect> {
    if model.files.waits != Some(of.ticket) {
        return Vec::new();
    }
    if let FileStep::Fetching(here, all) = step {
        model.files.fetched = Some((here, all));
        return Vec::new();
    }
    model.files.waits = None;
    model.files.fetched = None;
    let page = matches!(model.layers.last(), Some(Layer::Page(page)) if page.waits());
    match step {
        step @ (FileStep::Page(..) | FileStep::Picture(..)) => {
            if let Some(Layer::Page(open)) = model.layers.last_mut().filter(|_| page) {
                page::put(open, step);
            }
            return Vec::new();
        }
        _ if page => drop(model.layers.pop()),
        _ => {}
    }
    match step {
        FileStep::Done(says) => {
            if let FileAct::Save(dir) = &of.act {
                model.files.dir = Some(dir.clone());
            }
            model.say(Severity::Info, says, "");
        }
        FileStep::Program(kind) => {
            return ask(model, of.items.clone(), FileAsks::Yes(kind));
        }
        FileStep::Failed(notice) => model.say(notice.severity, notice.message, notice.hint),
        FileStep::Fetching(..) | FileStep::Page(..) | FileStep::Picture(..) => {}
    }
    Vec::new()
}
