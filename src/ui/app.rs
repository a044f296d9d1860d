//! The model: everything the screen shows, and nothing else.
//!
//! Invariant: a value; no channel, file, clock or terminal in it. Only `update` changes it, and
//! drawing reads it.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::command::again::Last;
use crate::command::bindings::Bindings;
use crate::command::context::{Context, Subject};
use crate::command::key::Key;
use crate::command::keymap::Keymap;
use crate::config::Loaded;
use crate::config::colour::Rgb;
use crate::engine::accounts::{AccountAsk, Accounts};
use crate::engine::handle::{Request, Update};
use crate::engine::search::Indexed;
use crate::engine::stats::Stats;
use crate::engine::view::{ImportProgress, Label, Page, Status};
use crate::id::{ActionId, LabelId};
use crate::label::Place;
use crate::notice::{Notice, Severity};
use crate::search::Named;
use crate::ui::announce::Watch;
use crate::ui::compose::Writing;
use crate::ui::compose::desk::{DeskAsk, DeskSaid, EditorJob, EditorSaid};
use crate::ui::compose::keys::{AttachBox, SavesBox};
use crate::ui::compose::outgoing;
use crate::ui::compose::sending::SendBox;
use crate::ui::ex::ExLine;
use crate::ui::files::{FileLine, FilesBox, FilesState, Page as TextPage};
use crate::ui::filter::FilterBox;
use crate::ui::find::FindBox;
use crate::ui::first_run::{FirstRun, Screen};
use crate::ui::help::HelpBox;
use crate::ui::history::History;
use crate::ui::labels::{Colours, Rename};
use crate::ui::layout::{Divided, Panes};
use crate::ui::line::Line;
use crate::ui::links::LinksBox;
use crate::ui::list::List;
use crate::ui::look::Look;
use crate::ui::meter::Figures;
use crate::ui::mouse::Mouse;
use crate::ui::mover::MoveBox;
use crate::ui::palette::PaletteBox;
use crate::ui::panel::{self, Panel};
use crate::ui::past::Wanted;
use crate::ui::picker::Picker;
use crate::ui::purge::PurgeBox;
use crate::ui::reader::Reader;
use crate::ui::search::Search;
use crate::ui::search::saved::SaveBox;
use crate::ui::snooze::SnoozeBox;
use crate::ui::theme::Theme;
use crate::ui::tour::Tour;
use crate::ui::unsubscribe::LeaveBox;
use crate::ui::update::Refresh;
use crate::ui::wizard::Wizard;

/// The smallest screen that is drawn, in columns and rows.
pub const LEAST_SIZE: (u16, u16) = (30, 6);
/// From this many columns on there is a sidebar.
pub const SIDEBAR_FROM: u16 = 72;
/// From this many columns on the list stays beside the reader.
pub const BESIDE_FROM: u16 = 130;
/// Actions that `undo` can name by itself; older ones are undone in the order of the history.
pub const UNDO_DEPTH: usize = 1_000;
/// How long a notice stays, in milliseconds.
pub const NOTICE_MS: i64 = 12_000;

/// What is behind the layers.
#[derive(Debug, Clone)]
pub enum Stage {
    /// The choices of the first run.
    FirstRun(Box<Screen>),
    /// The mailbox.
    Mail,
}

/// What lies on top.
#[derive(Debug, Clone)]
pub enum Layer {
    /// The help.
    Help(HelpBox),
    /// The palette.
    Palette(Box<PaletteBox>),
    /// A command is typed.
    Ex(Box<ExLine>),
    /// What the program shows of itself.
    Panel(Panel),
    /// The accounts, scrolled this far.
    Accounts(usize),
    /// The label picker.
    Picker(Picker),
    /// A name is asked for, for a label.
    Rename(Rename),
    /// A name is asked for, for a search.
    SaveSearch(SaveBox),
    /// A colour is asked for, for a label.
    Colours(Colours),
    /// It is asked until when conversations sleep.
    Snooze(SnoozeBox),
    /// A path is asked for.
    Path(Line),
    /// An account is being added.
    Wizard(Box<Wizard>),
    /// A yes is asked for, before something goes for ever.
    Purge(PurgeBox),
    /// It is asked where conversations are moved.
    Move(Box<MoveBox>),
    /// It is asked what to find in the conversation.
    Find(Box<FindBox>),
    /// Words are typed that the history is looked through for.
    Filter(Box<FilterBox>),
    /// It is asked when something is sent.
    Sending(SendBox),
    /// A file to attach is asked for.
    Attach(AttachBox),
    /// The saves of what is being written.
    Saves(SavesBox),
    /// The files of a conversation.
    Files(FilesBox),
    /// Something is typed about one.
    FileLine(FileLine),
    /// A text that is read.
    Page(TextPage),
    /// The links of a message.
    Links(LinksBox),
    /// It is asked whether a mailing list shall be left.
    Leave(Box<LeaveBox>),
}

/// Which mailbox to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The user's own.
    Own,
    /// The sample mailbox, gone on quit.
    Demo,
}

/// How far quitting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quitting {
    /// Not asked for.
    #[default]
    No,
    /// Waits until all is saved.
    Saving,
}

/// How the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UiExit {
    /// All was saved.
    Quit,
    /// The user did not wait for the last saves.
    Forced,
    /// The engine ended by itself; something is wrong.
    EngineGone,
    /// A thread has panicked; what was decided is saved where that was still possible.
    Crashed,
    /// The mailbox could not be opened.
    NotOpened(Notice),
    /// The disk refused what was decided last.
    Unsaved(Notice),
}

/// What an intent that is under way was sent for: its answer is treated by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// A key asked for it: `undo` takes it back.
    Key,
    /// An undo.
    Undo,
    /// A redo.
    Redo,
    /// Nobody asked for it (a conversation was opened): no notice, no undo.
    Silent,
    /// What is being written under this number is saved.
    Draft(i64),
    /// It is sent.
    Order(i64),
    /// What was left in an editor's file of this number is saved.
    Leftover(i64),
}

/// A notice on the status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// How bad it is.
    pub severity: Severity,
    /// What it says.
    pub text: String,
    /// What to do about it; may be empty.
    pub hint: String,
    /// When it came, Unix milliseconds.
    pub since: i64,
}

/// A running or ended import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// How far it is.
    pub progress: ImportProgress,
    /// When it began, Unix milliseconds.
    pub began: i64,
    /// The user asked to stop it.
    pub stopping: bool,
}

/// What happens to the model.
#[derive(Debug)]
pub enum Message {
    /// A key.
    Key(Key),
    /// The mouse was used.
    Mouse(Mouse),
    /// Text was pasted.
    Paste(String),
    /// The screen has this size.
    Resize(u16, u16),
    /// A mailbox was opened.
    Opened(Door),
    /// It could not be opened.
    NotOpened(Notice),
    /// The engine says something.
    Engine(Box<Update>),
    /// What the user has set is other than before.
    Settings(Box<Loaded>),
    /// The terminal's background is this.
    Background(Rgb),
    /// What was asked of the world outside came back.
    Desk(Box<DeskSaid>),
    /// The editor has ended.
    Edited(Box<EditorSaid>),
    /// The engine is gone.
    EngineGone,
    /// The terminal is gone, or the system asks for the end.
    Hangup,
    /// There is no shell that could continue the program once it is stopped.
    NoShell,
    /// It is this time, Unix milliseconds.
    Time(i64),
    /// Keys are bound otherwise.
    Keys(Bindings),
    /// How fast keys are drawn.
    Measured(Figures),
    /// The model was drawn.
    Drawn,
}

/// What is to be done outside the model.
#[derive(Debug)]
pub enum Effect {
    /// Ask the engine.
    Ask(Request),
    /// Stop, as the shell's job.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// Ask who can add accounts.
    Account(AccountAsk),
    /// Ask for what is outside: files, identities.
    Desk(DeskAsk),
    /// Give this to the editor, and the terminal with it.
    Edit(Box<EditorJob>),
    /// Tell of new mail, as the terminal can.
    Announce(String),
    /// Put this on the clipboard.
    Copy(String),
    /// Open a mailbox, to import from these paths.
    Open(Door, Vec<PathBuf>),
    /// End.
    Exit(UiExit),
}

/// The model.
#[derive(Debug)]
pub struct Model {
    /// Columns and rows.
    pub size: (u16, u16),
    /// Unix milliseconds.
    pub now_ms: i64,
    /// The user's zone.
    pub zone: TimeZone,
    /// How things look.
    pub theme: Theme,
    /// What that is made of, and what else is set.
    pub look: Look,
    /// How many of the three panes are shown at most; a key changes it.
    pub panes: Panes,
    /// How the user has divided the screen.
    pub divided: Divided,
    /// Whether this is the sample mailbox.
    pub demo: bool,
    /// Where the tour of the sample mailbox is, while there is one.
    pub tour: Option<Tour>,
    /// Whether an engine answers.
    pub open: bool,
    /// Since when the mailbox is brought to this format, Unix milliseconds, before it can open.
    pub older: Option<i64>,
    /// What is behind the layers.
    pub stage: Stage,
    /// What lies on top, the topmost last.
    pub layers: Vec<Layer>,
    /// The labels, as the engine sent them.
    pub labels: Vec<Label>,
    /// The list.
    pub list: List,
    /// The search whose finds the list shows.
    pub search: Option<Box<Search>>,
    /// How far the index is, where that was told.
    pub indexed: Option<Indexed>,
    /// What was searched before, the newest first.
    pub searches: Vec<String>,
    /// The saved searches, in the order of their names.
    pub saved: Vec<Named>,
    /// The open conversation.
    pub reader: Option<Reader>,
    /// What keys mean.
    pub keymap: Arc<Keymap>,
    /// The keys pressed so far of a sequence.
    pub keys: Vec<Key>,
    /// When the first of them was pressed, Unix milliseconds.
    pub keys_since: i64,
    /// The rows that a command is for, while one is done that was asked for in a box over them.
    pub drawn: Option<Vec<Subject>>,
    /// How often the next key is meant.
    pub count: Option<usize>,
    /// What a key did last, to do it again.
    pub last: Option<Last>,
    /// How many conversations a saved search found last, and whether there are more.
    pub found: BTreeMap<LabelId, (usize, bool)>,
    /// Names of commands and lists that the palette or the line did, the last first.
    pub recent: Vec<String>,
    /// Commands that were typed, the last first.
    pub lines: Vec<String>,
    /// Keys that wait for a jump to land.
    pub held: VecDeque<Key>,
    /// The status line's facts.
    pub status: Status,
    /// How accounts are, where this process fetches their mail.
    pub accounts: Option<Accounts>,
    /// The last notice.
    pub notice: Option<Shown>,
    /// What is asked for again.
    pub refresh: Refresh,
    /// What was said.
    pub said: panel::Log,
    /// How fast keys are drawn, while that is shown.
    pub latency: Option<Figures>,
    /// What was counted last.
    pub stats: Option<Box<Stats>>,
    /// Since when there is no connection, Unix milliseconds.
    pub offline_since: Option<i64>,
    /// The running or ended import.
    pub import: Option<Import>,
    /// How far quitting is.
    pub quitting: Quitting,
    /// Since when, Unix milliseconds.
    pub quitting_since: i64,
    /// Why what was decided last could not be saved, where the program ends by it.
    pub unsaved: Option<Notice>,
    /// Whether Ctrl-C was pressed once.
    pub interrupted: bool,
    /// Intents that were sent so far, and those that were answered: they are answered in order.
    pub asked: u64,
    /// See there.
    pub answered: u64,
    /// Intents that are not answered yet, oldest first.
    pub sent: VecDeque<Sent>,
    /// Those that were not waited for any longer, and are answered first.
    pub late: VecDeque<Sent>,
    /// When the oldest unanswered intent or jump was last waited for, Unix milliseconds.
    pub waiting_since: i64,
    /// Undos and redos that wait for those answers, each with the intents that came before it.
    pub wanted: VecDeque<(Wanted, u64)>,
    /// Actions that were undone here and not redone, newest last.
    pub undone: Vec<ActionId>,
    /// What is done with files of a conversation.
    pub files: FilesState,
    /// What is written, sent and on its way.
    pub writing: Writing,
    /// The history, when it is shown instead of the list.
    pub history: Option<History>,
    /// The next ticket of a history.
    pub tickets: u64,
    /// Actions that keys asked for and that stand, newest last, each with its intent's number.
    pub done: Vec<(u64, ActionId)>,
    /// What is told of the inbox where another backend fetches.
    pub watch: Watch,
    /// What was asked of accounts: the number of the last.
    pub asks: u64,
    /// Purges that were asked for: the number of the last.
    pub purges: u64,
    /// The conversations that were asked for ahead last.
    pub prefetched: Vec<crate::id::ThreadId>,
}

/// What the model begins with.
#[derive(Debug)]
pub struct Beginning {
    /// Unix milliseconds.
    pub now_ms: i64,
    /// The user's zone.
    pub zone: TimeZone,
    /// How things look.
    pub theme: Theme,
    /// Whether this is the sample mailbox.
    pub demo: bool,
    /// The first screen, read before the engine has started.
    pub first: Option<(Page, Vec<Label>, Status)>,
    /// The first run, when there is no mail yet.
    pub first_run: Option<FirstRun>,
}

impl Model {
    /// The model at start.
    #[must_use]
    pub fn new(beginning: Beginning) -> Self {
        let (list, labels, status) = match beginning.first {
            Some((page, labels, status)) => (List::of(page), labels, status),
            None => (List::new(Place::Inbox.label()), Vec::new(), Status::default()),
        };
        let first_run = |told| Stage::FirstRun(Box::new(Screen::new(told)));
        let stage = beginning.first_run.map_or(Stage::Mail, first_run);
        Self {
            size: (80, 24),
            now_ms: beginning.now_ms,
            zone: beginning.zone,
            theme: beginning.theme,
            look: Look::default(),
            panes: Panes::default(),
            divided: Divided::default(),
            demo: beginning.demo,
            tour: beginning.demo.then(Tour::default),
            open: false,
            older: None,
            stage,
            layers: Vec::new(),
            labels,
            list,
            search: None,
            indexed: None,
            searches: Vec::new(),
            saved: Vec::new(),
            reader: None,
            keymap: Arc::default(),
            keys: Vec::new(),
            keys_since: beginning.now_ms,
            drawn: None,
            count: None,
            last: None,
            found: BTreeMap::new(),
            recent: Vec::new(),
            lines: Vec::new(),
            held: VecDeque::new(),
            status,
            accounts: None,
            notice: None,
            refresh: Refresh::default(),
            said: panel::Log::default(),
            latency: None,
            stats: None,
            offline_since: None,
            import: None,
            quitting: Quitting::No,
            quitting_since: beginning.now_ms,
            unsaved: None,
            interrupted: false,
            asked: 0,
            answered: 0,
            sent: VecDeque::new(),
            late: VecDeque::new(),
            waiting_since: beginning.now_ms,
            wanted: VecDeque::new(),
            undone: Vec::new(),
            files: FilesState::default(),
            writing: Writing::default(),
            history: None,
            tickets: 1,
            done: Vec::new(),
            watch: Watch::default(),
            asks: 0,
            purges: 0,
            prefetched: Vec::new(),
        }
    }

    /// Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now_ms.div_euclid(1_000)
    }

    /// Whose keys are meant.
    #[must_use]
    pub fn context(&self) -> Context {
        match (self.layers.last(), &self.stage, &self.reader) {
            (Some(Layer::Help(_)), ..) => Context::Help,
            (Some(Layer::Palette(_)), ..) => Context::Palette,
            (Some(Layer::Ex(_)), ..) => Context::Ex,
            (Some(Layer::Accounts(_)), ..) => Context::Accounts,
            (Some(Layer::Panel(_)), ..) => Context::Panel,
            (Some(Layer::Picker(_)), ..) => Context::Picker,
            (Some(Layer::Colours(_)), ..) => Context::Colours,
            (Some(Layer::Saves(_)), ..) => Context::Saves,
            (Some(Layer::Files(_)), ..) => Context::Files,
            (Some(Layer::Page(_)), ..) => Context::Page,
            (Some(Layer::Links(_)), ..) => Context::Links,
            (
                Some(
                    Layer::Wizard(_)
                    | Layer::Path(_)
                    | Layer::Purge(_)
                    | Layer::Rename(_)
                    | Layer::SaveSearch(_)
                    | Layer::Snooze(_)
                    | Layer::Move(_)
                    | Layer::Find(_)
                    | Layer::Filter(_)
                    | Layer::Sending(_)
                    | Layer::FileLine(_)
                    | Layer::Attach(_)
                    | Layer::Leave(_),
                ),
                ..,
            ) => Context::Prompt,
            _ => self.context_behind_layers(),
        }
    }

    /// Whose keys the help explains.
    #[must_use]
    pub fn context_behind_layers(&self) -> Context {
        match &self.stage {
            Stage::FirstRun(_) => Context::FirstRun,
            Stage::Mail if self.writing.open.is_some() => Context::Compose,
            Stage::Mail if self.search.as_ref().is_some_and(|search| search.open) => {
                Context::Search
            }
            Stage::Mail if self.reader.is_some() => Context::Reader,
            Stage::Mail if self.history.is_some() => Context::History,
            Stage::Mail => match outgoing::shown(self) {
                Some(outgoing::Shown::Drafts) => Context::Drafts,
                Some(outgoing::Shown::Outbox) => Context::Outbox,
                None => Context::List,
            },
        }
    }

    /// Whether the choices of the first run wait for one.
    #[must_use]
    pub fn first_run_waits(&self) -> bool {
        matches!(&self.stage, Stage::FirstRun(screen) if screen.opening.is_none())
    }

    /// Shows a notice.
    pub fn say(&mut self, severity: Severity, text: impl Into<String>, hint: impl Into<String>) {
        let (text, hint): (String, String) = (text.into(), hint.into());
        // A line is no sentence: no full stop, whoever said it.
        let text = text
            .strip_suffix('.')
            .filter(|t| !t.ends_with('.'))
            .map_or(text.clone(), str::to_owned);
        let shown = Shown { severity, text, hint, since: self.now_ms };
        self.said.keep(shown.clone());
        self.notice = Some(shown);
    }
}
