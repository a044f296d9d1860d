//! The command line, declared once.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::writing;

/// A terminal email client: your whole mailbox at the speed of a local editor.
#[derive(Debug, Parser)]
#[command(name = "mailtui", version, about, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    /// Synchronise without a screen, say how it went, and exit.
    #[arg(long)]
    pub(super) sync_only: bool,
    /// With --sync-only: go on, and say every change.
    #[arg(long, requires = "sync_only")]
    pub(super) watch: bool,
    /// Print config.toml with every setting as it is without one, and exit.
    #[arg(long)]
    pub(super) print_default_config: bool,
    /// The interface as lines, for screen readers and scripts: what is typed is read line by line.
    #[arg(long)]
    pub(super) linear: bool,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What the help calls the options that every command has: its own come first.
const EVERYWHERE: &str = "Everywhere";

/// Options before and after every command.
#[derive(Debug, Clone, Args)]
pub(super) struct Global {
    /// Where the mail lies (XDG by default).
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    #[arg(
        long,
        global = true,
        help_heading = EVERYWHERE,
        value_name = "URL",
        help = "The backend of another process, such as ws://127.0.0.1:7070"
    )]
    pub(super) backend: Option<String>,
    /// A file with the backend's token.
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Open no connection; what is done is kept and sent later.
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(super) offline: bool,
    /// One JSON object a line on standard output.
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(super) json: bool,
    /// Say nothing but results and errors.
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Take in mbox files, Maildirs, .eml files, and directories of them.
    Import {
        /// Files and directories.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Put all of it there: inbox, archive, spam or trash.
        #[arg(long, value_parser = place)]
        place: Option<crate::label::Place>,
        /// Put this label on all of it.
        #[arg(long, value_name = "LABEL")]
        label: Vec<String>,
        /// Tags of notmuch for the messages: the output of `notmuch dump`.
        #[arg(long, value_name = "FILE")]
        notmuch_tags: Option<PathBuf>,
        /// Also what was purged before.
        #[arg(long)]
        purged_too: bool,
        /// Then go on, and take in every change of the directories as it is made.
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        wait: Wait,
    },
    /// List conversations, newest first.
    List(List),
    /// Show conversations with their messages.
    Show {
        /// Threads.
        #[arg(required = true, value_name = "THREAD")]
        threads: Vec<String>,
        /// The messages' bytes, as they came.
        #[arg(long)]
        raw: bool,
        /// With --raw: even to a terminal.
        #[arg(long)]
        force: bool,
    },
    /// List, save, open and pipe what is attached to a conversation.
    Attachment {
        #[command(subcommand)]
        verb: super::attachment::Verb,
    },
    /// Write mail into a Maildir, or a conversation into an mbox file; `import` reads it again.
    Export(super::export::Export),
    /// Find conversations, the newest answer first; the README says what can be asked.
    Search(Search),
    /// List labels with their counts; or make, rename, recolor and delete them.
    Labels {
        #[command(subcommand)]
        verb: Option<LabelVerb>,
    },
    /// Put labels on (+name) and take them off (-name).
    Label {
        /// Threads, +labels and -labels.
        #[arg(required = true, value_name = "THREAD|+LABEL|-LABEL")]
        words: Vec<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Move to the archive.
    Archive(Threads),
    /// Move to trash.
    Trash(Threads),
    /// Move to spam.
    Spam(Threads),
    /// Move to a place: inbox, archive, spam or trash.
    Move {
        /// Threads, then the place.
        #[arg(required = true, num_args = 2.., value_name = "THREAD… PLACE")]
        words: Vec<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Mark read.
    Read(Threads),
    /// Mark unread.
    Unread(Threads),
    /// Star.
    Star(Threads),
    /// Unstar.
    Unstar(Threads),
    /// Mute: what comes later in these conversations does not bring them back to the inbox.
    Mute(Threads),
    /// Unmute.
    Unmute(Threads),
    /// Hide conversations until a time; then they are in the inbox again.
    Snooze {
        /// Threads.
        #[arg(required = true, value_name = "THREAD")]
        threads: Vec<String>,
        /// Until when: 3h, 2d, "today 18:00", tomorrow, monday, or a time as in RFC 3339.
        #[arg(long, value_name = "WHEN")]
        until: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// End snoozes now.
    Unsnooze(Threads),
    /// Make conversations one.
    Link {
        /// Two threads or more.
        #[arg(required = true, num_args = 2.., value_name = "THREAD")]
        threads: Vec<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Take threads out of their conversations; `show` lists what is in one.
    Unlink(Threads),
    /// Undo the last action of this device, or the named one.
    Undo {
        /// The action.
        action: Option<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Do again what was undone last on this device, or the named action.
    Redo {
        /// The action that was undone.
        action: Option<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// List what was done, newest first: what, on which device, when, and whether it was undone.
    History {
        /// At most so many; 0 for all.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
        /// Only what was done on this device: an id, a name, or `this`.
        #[arg(long, value_name = "DEVICE")]
        device: Option<String>,
        /// Only what was done to this conversation.
        #[arg(long, value_name = "THREAD")]
        thread: Option<String>,
        /// Go on after this action.
        #[arg(long, value_name = "ACTION")]
        before: Option<String>,
    },
    /// Count: mail a week, who writes, lists, labels, how soon mail is answered; what `g S` shows.
    Stats,
    /// Delete for ever what lies in trash. This cannot be undone.
    Purge(Purge),
    /// Check everything: project every thread anew and compare.
    Doctor {
        /// Write every file anew without what was deleted.
        #[arg(long, conflicts_with = "disk")]
        compact: bool,
        /// Say what takes how much room.
        #[arg(long)]
        disk: bool,
        /// Say what the backend refused once more, and take the list away.
        #[arg(long, conflicts_with_all = ["disk", "compact"])]
        clear_refused: bool,
    },
    /// Say or choose which conversations of a remote backend this device keeps.
    Device {
        #[command(subcommand)]
        verb: Option<DeviceVerb>,
    },
    /// Write all mail, and all that was done to it, into one file; also of a backend that runs.
    Backup {
        /// The file; it is made.
        file: PathBuf,
        /// Also in the place of one that is there.
        #[arg(long)]
        force: bool,
    },
    /// Put a backup back into this data directory; what is there now is put aside.
    Restore {
        /// The file.
        file: PathBuf,
    },
    #[command(flatten)]
    Write(writing::Verb),
    /// Add, list, try and remove accounts: the servers of your mail.
    Account {
        #[command(subcommand)]
        verb: super::account::Verb,
    },
    /// List every key with what it does.
    Keys {
        /// As a table for a manual.
        #[arg(long)]
        markdown: bool,
        /// Those of a preset, and not as they are bound: gmail, vim or mutt.
        #[arg(long, value_name = "PRESET", value_parser = preset)]
        preset: Option<crate::command::preset::Preset>,
    },
    /// Write the manual page: `mailtui man | man -l -`.
    Man,
    /// Write the completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Look around in sample mail, gone on quit.
    Demo {
        /// As lines, for screen readers.
        #[arg(long)]
        linear: bool,
    },
    /// Run the backend for other devices.
    Serve {
        /// IP:PORT on this machine.
        #[arg(long, value_name = "IP:PORT")]
        listen: String,
    },
}

/// What is listed.
#[derive(Debug, Args)]
pub(super) struct List {
    /// A label by id or name, or `all`, or `anywhere`.
    #[arg(long, default_value = "inbox")]
    pub(super) label: String,
    /// At most so many; 0 for all.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(super) limit: usize,
    /// Go on after this row: its thread, `lastActivity.thread`, or a time.
    #[arg(long, value_name = "CURSOR")]
    pub(super) before: Option<String>,
}

impl List {
    /// So many of the inbox, the newest; 0 for all.
    pub(super) fn inbox(limit: usize) -> Self {
        Self { label: "inbox".to_owned(), limit, before: None }
    }
}

/// What is looked for.
#[derive(Debug, Args)]
pub(super) struct Search {
    /// What to look for: words, \"phrases\", begin*, from:name, label:x, @saved, -not, a OR b, …
    #[arg(required_unless_present_any = ["saved", "unsave"], value_name = "QUERY")]
    pub(super) query: Vec<String>,
    /// At most so many; 0 for all.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(super) limit: usize,
    /// In which order: newest or relevance.
    #[arg(long, default_value = "newest", value_name = "ORDER", value_parser = order)]
    pub(super) by: crate::search::Order,
    /// Save the query under this name, for every device; `search @NAME` asks it.
    #[arg(long, value_name = "NAME", requires = "query", conflicts_with_all = ["saved", "unsave"])]
    pub(super) save: Option<String>,
    /// List the saved searches; with a name, ask that one.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with = "query")]
    pub(super) saved: Option<String>,
    /// Remove the search that is saved under this name.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["saved", "query"])]
    pub(super) unsave: Option<String>,
    #[command(flatten)]
    pub(super) wait: Wait,
}

/// What goes for ever; nothing named is what has been in trash for longer than it is kept.
#[derive(Debug, Args)]
pub(super) struct Purge {
    /// Threads in trash or spam.
    #[arg(value_name = "THREAD", conflicts_with_all = ["trash", "trash_older"])]
    pub(super) threads: Vec<String>,
    /// All that is in trash.
    #[arg(long, conflicts_with = "trash_older")]
    pub(super) trash: bool,
    /// What has been in trash for at least so long, such as 30d, 2w or 12h.
    #[arg(long, value_name = "AGE", value_parser = super::purge::age)]
    pub(super) trash_older: Option<i64>,
    /// The named threads, wherever they are.
    #[arg(long, requires = "threads", conflicts_with_all = ["trash", "trash_older"])]
    pub(super) anywhere: bool,
    /// Say what would go; nothing goes.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    pub(super) yes: bool,
}

/// What is done to a label.
#[derive(Debug, Subcommand)]
pub(super) enum LabelVerb {
    /// Make a label; one that was deleted comes back with its conversations.
    Create {
        /// Its name.
        name: String,
        /// Its colour: a name of the terminal's palette, such as red or bright-blue.
        #[arg(long, value_name = "COLOR")]
        color: Option<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Give a label another name.
    Rename {
        /// The label, by id or name.
        label: String,
        /// Its new name.
        #[arg(value_name = "NEW")]
        name: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Give a label another colour of the terminal's palette, or none.
    Recolor {
        /// The label, by id or name.
        label: String,
        /// A colour such as red or bright-blue, or none.
        color: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Hide a label. Conversations keep it, and `undo` brings it back.
    Delete {
        /// The label, by id or name.
        label: String,
        #[command(flatten)]
        wait: Wait,
    },
}

/// What is done to this device.
#[derive(Debug, Subcommand)]
pub(super) enum DeviceVerb {
    /// Keep conversations on this device, to read them offline; nothing named says what is kept.
    Keep {
        /// What: opened, starred, newest:N, days:N and all, any of them together; or none.
        #[arg(value_name = "WHAT")]
        what: Vec<String>,
        /// At most so much, such as 2GiB or 500MB; the least recently used goes first.
        #[arg(long, value_name = "SIZE", value_parser = crate::engine::policy::size)]
        limit: Option<u64>,
    },
    /// Keep these conversations, whatever else is kept.
    Pin {
        /// Threads.
        #[arg(required = true, value_name = "THREAD")]
        threads: Vec<String>,
    },
    /// Keep them no longer than any other.
    Unpin {
        /// Threads.
        #[arg(required = true, value_name = "THREAD")]
        threads: Vec<String>,
    },
}

/// Threads to do something with.
#[derive(Debug, Args)]
pub(super) struct Threads {
    /// Threads.
    #[arg(required = true, value_name = "THREAD")]
    pub(super) threads: Vec<String>,
    #[command(flatten)]
    pub(super) wait: Wait,
}

/// When a writing command returns.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct Wait {
    /// Return once it is on disk, before the backend has taken it in.
    #[arg(long)]
    pub(super) no_wait: bool,
}

pub(super) fn order(text: &str) -> Result<crate::search::Order, String> {
    match text {
        "newest" => Ok(crate::search::Order::Newest),
        "relevance" => Ok(crate::search::Order::Relevance),
        _ => Err("the order is newest or relevance".to_owned()),
    }
}

fn preset(text: &str) -> Result<crate::command::preset::Preset, String> {
    crate::command::preset::Preset::parse(text)
        .ok_or_else(|| "a preset is gmail, vim or mutt".to_owned())
}

fn place(text: &str) -> Result<crate::label::Place, String> {
    crate::label::Place::parse(&text.to_lowercase())
        .ok_or_else(|| "a place is inbox, archive, spam or trash".to_owned())
}

/// Marks `-name` of the `label` and `search` commands as a word: to the parser it would be an
/// option.
const MINUS: char = '\u{1f}';

/// Options of the whole program that take a value.
const VALUED: [&str; 3] = ["--data-dir", "--backend", "--token-file"];

/// A link in the place of a command is one.
fn with_link(args: Vec<OsString>) -> Vec<OsString> {
    let mut out = Vec::with_capacity(args.len() + 1);
    let mut args = args.into_iter();
    out.extend(args.next());
    while let Some(arg) = args.next() {
        let text = arg.to_str().unwrap_or_default();
        let is_link = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
        if is_link {
            out.push("mailto".into());
        }
        let valued = VALUED.contains(&text);
        let goes_on = text.starts_with("--") && text != "--" && !is_link;
        out.push(arg);
        if valued {
            out.extend(args.next());
        }
        if !goes_on {
            break;
        }
    }
    out.extend(args);
    out
}

/// The arguments as the parser takes them.
pub(super) fn prepare(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let args = with_link(args.collect()).into_iter();
    let (mut labelling, mut ended) = (false, false);
    args.map(|arg| {
        // What is not UTF-8 is no label's name; the parser says so.
        let Some(text) = arg.to_str() else { return arg };
        labelling |= matches!(text, "label" | "search");
        ended |= text == "--";
        let option = text.starts_with("--") || matches!(text, "-h" | "-V");
        let minus = text.starts_with('-') && text.len() > 1 && text != "--";
        if labelling && minus && (ended || !option) {
            return OsString::from(format!("{MINUS}{}", &text[1..]));
        }
        arg
    })
    .collect()
}

/// A part of a query as it was typed.
pub(super) fn query_word(word: &str) -> String {
    word.strip_prefix(MINUS).map_or_else(|| word.to_owned(), |rest| format!("-{rest}"))
}

/// A word of the `label` command: `Some(on, label)` for +label and -label.
pub(super) fn label_word(word: &str) -> Option<(bool, &str)> {
    match word.strip_prefix('+') {
        Some(name) => Some((true, name)),
        None => word.strip_prefix(MINUS).map(|name| (false, name)),
    }
}
