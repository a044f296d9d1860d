//! The command line: arguments, wiring, one file a subcommand.
//!
//! Invariant: thin. A command parses, asks the engine or the backend, and prints; every error
//! becomes one line and a hint here, with the exit code of the contract.

mod account;
mod args;
mod attach;
mod attachment;
mod attend;
mod backup;
mod beside;
mod demo;
pub mod demo_mail;
mod desk;
mod device;
mod doctor;
mod export;
mod history;
mod home;
mod import;
mod keys;
mod labels;
mod list;
mod mail_fetch;
mod manual;
mod opener;
mod output;
mod own_files;
mod purge;
mod reach;
mod reading;
mod rest;
mod restore;
mod search;
mod serve;
mod session;
mod settings;
mod sheet;
mod shelf;
mod show;
mod sinks;
mod space;
mod stats;
mod stop;
mod sync_only;
mod triage;
mod tui;
mod tui_editor;
mod tui_files;
mod tui_mail;
mod tui_write;
mod upgrade;
mod watch;
mod writing;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::command::intent::{Change, Intent};
use crate::engine::Device;
use crate::label::Place;
use crate::notice::{Exit, Explain as _, Notice};
use args::{Cli, Command};
use home::Home;
use output::Output;

/// Runs a command line; returns its exit code.
#[must_use]
pub fn run(args: impl Iterator<Item = OsString>) -> u8 {
    let args = args::prepare(args);
    let given = |option: &str| args.iter().take_while(|arg| *arg != "--").any(|arg| arg == option);
    let output = Output { json: given("--json"), quiet: given("--quiet") };
    let cli = match reading::parse(&args).map_or_else(|| Cli::try_parse_from(args), Ok) {
        Ok(cli) => cli,
        Err(error) => return refuse(output, &error),
    };
    let dir = cli.global.data_dir.clone();
    match command(cli, output) {
        Ok(exit) => exit as u8,
        Err(notice) => {
            let notice = placed(notice, dir);
            output.notice(&notice);
            notice.exit as u8
        }
    }
}

/// Damage that was met while a file was in use says at least in which directory it is.
fn placed(mut notice: Notice, dir: Option<PathBuf>) -> Notice {
    if notice.code == "damaged"
        && let Some(dir) = dir.or_else(|| home::default_dir().ok())
        && !notice.message.contains(&*dir.to_string_lossy())
    {
        let dir = crate::safe_text::line(&dir.to_string_lossy());
        notice.message = format!("{}: a file in {dir}", notice.message);
    }
    notice
}

/// A command line that is wrong; or help and version, which are asked for in the same way.
fn refuse(output: Output, error: &clap::Error) -> u8 {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let shown = output.bytes(text.as_bytes());
        return shown.map_or(Exit::Error as u8, |()| Exit::Done as u8);
    }
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let rest: Vec<&str> = text
        .lines()
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Usage:"))
        .take(3)
        .collect();
    let hint = if rest.is_empty() { "see `mailtui --help`".to_owned() } else { rest.join(" ") };
    output.notice(&Notice::error("usage", first, hint));
    Exit::Usage as u8
}

fn command(cli: Cli, output: Output) -> Result<Exit, Notice> {
    if cli.print_default_config {
        return settings::print_default(output);
    }
    // What is said of the program itself opens no mailbox.
    match cli.command {
        Some(Command::Keys { markdown, preset }) => return keys::run(output, preset, markdown),
        Some(Command::Man) => return manual::man(output),
        Some(Command::Completions { shell }) => return manual::completions(output, shell),
        _ => {}
    }
    let home = Home::of(&cli.global)?;
    crate::crash::report::install(&home.dir);
    // For who can mend it; a script reads one line of an error.
    let token = cli.global.token_file.as_deref().filter(|_| !output.json);
    if let Some(notice) = token.and_then(home::exposed_token) {
        output.notice(&notice);
    }
    // The interface does so behind its first screen; and what a restore puts aside stays as it is.
    let restores = matches!(cli.command, Some(Command::Restore { .. }));
    if !restores {
        home.is_not_half_restored()?;
    }
    if !restores && (cli.command.is_some() || cli.sync_only || !tui::is_drawn()) {
        upgrade::bring_up(&home, output)?;
    }
    let Some(command) = cli.command else {
        return if cli.sync_only {
            sync_only::run(&home, output, cli.watch)
        } else {
            tui::run(&home, output, cli.linear)
        };
    };
    match command {
        Command::Demo { linear } => demo::run(&home, output, linear || cli.linear),
        _ if cli.linear => {
            let hint = "`mailtui --linear`, or `mailtui demo --linear`";
            Err(Notice::error("usage", "--linear is for the interface", hint).exit(Exit::Usage))
        }
        command => named(&home, output, command),
    }
}

/// Runs the command that was named.
fn named(home: &Home, output: Output, command: Command) -> Result<Exit, Notice> {
    let change = |threads: args::Threads, change: Change| {
        triage::change(home, output, &threads.threads, vec![change], !threads.wait.no_wait)
    };
    match command {
        Command::Import { paths, place, label, notmuch_tags, purged_too, watch, wait } => {
            let mut request = import::request(paths, place, label, purged_too)?;
            request.notmuch_tags = notmuch_tags;
            if watch {
                return watch::run(home, output, request, !wait.no_wait);
            }
            import::run(home, output, &request, !wait.no_wait)
        }
        Command::List(asked) => list::list(home, output, &asked),
        Command::Search(asked) => search::run(home, output, &asked),
        Command::Show { threads, raw, force } => show::show(home, output, &threads, raw, force),
        Command::Attachment { verb } => attachment::run(home, output, verb),
        Command::Export(export) => export::run(home, output, &export),
        Command::Labels { verb: None } => labels::list(home, output),
        Command::Labels { verb: Some(verb) } => labels::change(home, output, verb),
        Command::Label { words, wait } => triage::label(home, output, &words, !wait.no_wait),
        Command::Archive(threads) => change(threads, Change::Place(Place::Archive)),
        Command::Trash(threads) => change(threads, Change::Place(Place::Trash)),
        Command::Spam(threads) => change(threads, Change::Place(Place::Spam)),
        Command::Move { words, wait } => triage::move_to(home, output, &words, !wait.no_wait),
        Command::Read(threads) => change(threads, Change::Read(true)),
        Command::Unread(threads) => change(threads, Change::Read(false)),
        Command::Star(threads) => change(threads, Change::Star(true)),
        Command::Unstar(threads) => change(threads, Change::Star(false)),
        Command::Mute(threads) => change(threads, Change::Mute(true)),
        Command::Unmute(threads) => change(threads, Change::Mute(false)),
        Command::Snooze { threads, until, wait } => {
            triage::snooze(home, output, &threads, &until, !wait.no_wait)
        }
        Command::Unsnooze(threads) => change(threads, Change::Snooze(None)),
        Command::Link { threads, wait } => {
            triage::link(home, output, &threads, Intent::Join, !wait.no_wait)
        }
        Command::Unlink(args::Threads { threads, wait }) => {
            triage::link(home, output, &threads, Intent::Split, !wait.no_wait)
        }
        Command::Undo { action, wait } => {
            triage::undo(home, output, action.as_deref(), !wait.no_wait)
        }
        Command::Redo { action, wait } => {
            triage::redo(home, output, action.as_deref(), !wait.no_wait)
        }
        Command::History { limit, device, thread, before } => {
            let (device, thread) = (device.as_deref(), thread.as_deref());
            let asked = history::Asked { limit, device, thread, before: before.as_deref() };
            history::history(home, output, &asked)
        }
        Command::Stats => stats::run(home, output),
        Command::Purge(purge) => purge::run(home, output, &purge),
        Command::Doctor { compact: true, .. } => space::compact(home, output),
        Command::Doctor { disk: true, .. } => space::disk(home, output),
        Command::Doctor { clear_refused: true, .. } => doctor::clear_refused(home, output),
        Command::Doctor { .. } => doctor::run(home, output),
        Command::Device { verb } => device::run(home, output, verb),
        Command::Restore { file } => restore::run(home, output, &file),
        Command::Backup { file, force } => backup::run(home, output, &file, force),
        Command::Write(verb) => writing::run(home, output, verb),
        Command::Account { verb } => account::run(home, output, verb),
        Command::Keys { markdown, preset } => keys::run(output, preset, markdown),
        Command::Man => manual::man(output),
        Command::Completions { shell } => manual::completions(output, shell),
        Command::Demo { linear } => demo::run(home, output, linear),
        Command::Serve { listen } => serve::run(home, output, &listen),
    }
}

/// Opens the device for reading; what was served, or not waited for, is taken in before. Beside
/// another process that owns the directory the files are read as they are. `None` when there is
/// nothing.
fn caught_up(home: &Home) -> Result<Option<Device>, Notice> {
    // One reader from the beginning on: who opens a file alone, and closes it, makes and removes
    // what lies beside it, each time.
    let mut device = home.reader()?;
    let outdated = device.as_ref().map(Device::knew_others).transpose();
    if outdated.map_err(|error| error.notice())? == Some(true)
        && let Ok(owner) = home.own()
    {
        drop((device, home.device()?, owner));
        device = home.reader()?;
    }
    let mut session = if home.served_only() {
        session::Session::open(home)?
    } else if home.is_behind(device.as_ref())? {
        match home.own() {
            Ok(owner) => session::Session::of(home, owner)?,
            // In use, or not ours to write: the files are read as they are.
            Err(_) => return Ok(device),
        }
    } else {
        return Ok(device);
    };
    session.connect()?;
    session.synchronise()?;
    home.reader()
}

/// As [`caught_up`], of one moment of the file.
fn caught_up_still(home: &Home) -> Result<Option<Device>, Notice> {
    home::still(caught_up(home)?)
}
