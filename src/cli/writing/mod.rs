//! `compose`, `reply`, `forward`: a message is written from the command line, in an editor where
//! one is at a terminal, and saved as a draft or queued.
//!
//! Invariant: what was typed is never lost: it lies in a file until it is saved, and what is left
//! there of a command that did not come to that is saved by the next one. No lock is held while an
//! editor runs. Every change goes through an intent.

mod args;
mod attach;
mod drafts;
mod editor;
mod find;
mod identities;
mod original;
mod outbox;
mod send;
mod sent;
mod unsubscribe;

pub(super) use args::Verb;

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use serde_json::json;

use crate::cli::attach::{Part, expanded};
use crate::cli::desk::Desk;
use crate::cli::home::Home;
use crate::cli::output::Output;
use crate::command::intent::Intent;
use crate::engine::view::{Done, OutboxRow};
use crate::engine::writing::JournalEntry;
use crate::id::{EventId, ThreadId};
use crate::mail::compose::{self, Answer, Draft, Edited, Style, mailto};
use crate::mail::{Address, attached};
use crate::notice::{Exit, Notice};
use crate::safe_text;
use crate::store::Blobs;
use args::{Drafts, Forward, Outbox, Reply, Words, Writing};
pub(super) use original::Original;
use send::{Plan, What};

/// The line above a signature, and the one before it.
const SIGNATURE: &str = "\n-- \n";

/// A message that is being written.
struct Begun {
    draft: Draft,
    /// Where it was saved before.
    saved: Option<(ThreadId, EventId)>,
    /// Files that go with it and are not kept yet.
    parts: Vec<Part>,
    /// Where the text of the command line goes.
    place: Place,
    /// What waits in the outbox and is taken out with the save, or before an editor runs.
    back: Option<OutboxRow>,
    /// What may have been sent, or was refused, and is sent in another form with this.
    again: Option<EventId>,
    /// Whether its text came on standard input, and is nowhere else.
    piped: bool,
}

/// Where the text of the command line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Above what is there.
    Above,
    /// Below what is quoted, above the signature.
    Below,
    /// Instead of what is there.
    Instead,
}

impl Begun {
    const fn new(draft: Draft, place: Place) -> Self {
        let (saved, back, again) = (None, None, None);
        Self { draft, saved, parts: Vec::new(), place, back, again, piped: false }
    }
}

/// Does it.
pub(super) fn run(home: &Home, output: Output, verb: Verb) -> Result<Exit, Notice> {
    match verb {
        Verb::Compose(writing) => compose(home, output, &writing),
        Verb::Reply(of) => reply(home, output, &of),
        Verb::Forward(of) => forward(home, output, &of),
        Verb::Drafts { verb } => drafts::run(home, output, verb),
        Verb::Send(of) => send::run(home, output, &of),
        Verb::Outbox { verb } => outbox::run(home, output, verb),
        Verb::Unsubscribe { thread, yes, wait } => {
            unsubscribe::run(home, output, &thread, yes, wait)
        }
        Verb::Mailto { link } => mailto(home, output, &link),
    }
}

/// `compose`.
fn compose(home: &Home, output: Output, writing: &Writing) -> Result<Exit, Notice> {
    let me = identities::all(home, output)?;
    let chosen = match &writing.words.account {
        Some(name) if !me.is_empty() => Some(identities::of_account(&me, name)?),
        _ => me.first(),
    };
    let draft = chosen.map(compose::blank).unwrap_or_default();
    write(home, output, writing, Begun::new(draft, Place::Above))
}

/// `reply`.
fn reply(home: &Home, output: Output, reply: &Reply) -> Result<Exit, Notice> {
    let original = Original::find(home, &reply.target, reply.message.as_deref())?;
    let mut shown = original.shown();
    let answer = match (reply.all, reply.list) {
        (true, _) => Answer::All,
        (_, true) => Answer::List,
        _ => Answer::Sender,
    };
    if answer == Answer::List && !shown.has_list() {
        let line = "the message came by no list that takes answers";
        return Err(Notice::error("no-list", line, "answer with --all, or its sender only"));
    }
    if reply.no_quote {
        shown.text.clear();
    }
    let me = identities::all(home, output)?;
    let draft = compose::reply(&shown, answer, &me, style(shown.date));
    let draft = Draft { near: vec![original.message().thread.clone()], ..draft };
    // Where one writes, as the identity has it.
    let place = if compose::is_above(&draft.body) { Place::Above } else { Place::Below };
    write(home, output, &reply.writing, Begun::new(draft, place))
}

/// `forward`.
fn forward(home: &Home, output: Output, forward: &Forward) -> Result<Exit, Notice> {
    let original = Original::find(home, &forward.target, forward.message.as_deref())?;
    let shown = original.shown();
    let raw = original.raw(original.message())?;
    let me = identities::all(home, output)?;
    let style = style(shown.date);
    let (draft, parts) = if forward.attached {
        let whole = (Blobs::name(&raw), raw.len() as u64);
        let from = &original.message().from;
        let ours = from.iter().any(|from| me.iter().any(|me| me.is(&from.address)));
        let raw = if ours { compose::without_bcc(&raw).into_owned() } else { raw };
        let mut draft = compose::forward_attached(&shown, whole, &me, style);
        let part = draft.attachments.pop();
        let part =
            part.map(|file| Part { name: file.name, media_type: file.media_type, bytes: raw });
        (draft, part.into_iter().collect())
    } else {
        let draft = compose::forward_inline(&shown, Vec::new(), &me, style);
        let files = attached(&raw).into_iter().map(|(file, bytes)| Part {
            name: safe_text::file_name(file.name.as_deref().unwrap_or("attachment")),
            media_type: file.media_type,
            bytes,
        });
        (draft, files.collect())
    };
    let draft = Draft { near: vec![original.message().thread.clone()], ..draft };
    let begun = Begun { parts, ..Begun::new(draft, Place::Above) };
    write(home, output, &forward.writing, begun)
}

/// `mailto:…`: what a link asks for is a draft.
fn mailto(home: &Home, output: Output, link: &str) -> Result<Exit, Notice> {
    let link = mailto::parse(link).map_err(|error| {
        let hint = "a link is like mailto:ann@example.org?subject=Hello";
        Notice::error("mailto", error.to_string(), hint).exit(Exit::Usage)
    })?;
    let told = (!link.refused.is_empty()).then(|| {
        let line = format!("the link also says {}", link.refused.join(", "));
        let hint = "a link may not say that, or not so; it was left out, for you to write";
        Notice::warning("mailto", line, hint)
    });
    let me = identities::all(home, output)?;
    let base = me.first().map(compose::blank).unwrap_or_default();
    let body = with_text(&base.body, link.draft.body.trim_end_matches('\n'), Place::Above);
    let draft = Draft { account: base.account, from: base.from, body, ..link.draft };
    // On the screen, unless another has it: then it waits among the drafts.
    if let Some(exit) = super::tui::write(home, output, draft.clone(), told.clone())? {
        return Ok(exit);
    }
    if let Some(told) = &told {
        output.notice(told);
    }
    let writing = Writing::plain();
    write(home, output, &writing, Begun::new(draft, Place::Above))
}

fn style(date: Option<i64>) -> Style {
    Style { utc_offset: identities::offset_at(date), ..Style::default() }
}

/// Takes in what the command line says, opens the editor, saves, and sends where that is asked for.
/// A text that was piped in is kept also where that fails.
fn write(home: &Home, output: Output, writing: &Writing, mut begun: Begun) -> Result<Exit, Notice> {
    let taken = take(&mut begun, &writing.words);
    let mut saved = false;
    let piped =
        begun.piped.then(|| (begun.draft.clone(), begun.saved.clone(), begun.back.is_some()));
    let done = taken.and_then(|()| go_on(home, output, writing, begun, &mut saved));
    if let (Err(_), false, Some((draft, at, waits))) = (&done, saved, piped) {
        // What waits in the outbox stays there: the text is a draft beside it.
        let at = at.filter(|_| !waits);
        rescue(home, output, Begun { saved: at, ..Begun::new(draft, Place::Above) });
    }
    done
}

/// Keeps a text that cannot be sent as it is: as a draft, or where the next command finds it.
fn rescue(home: &Home, output: Output, begun: Begun) {
    let kept = Desk::open(home).and_then(|mut desk| {
        let (done, _) = save(home, &mut desk, &begun, None)?;
        let _ = desk.finish(home, false);
        Ok(done.wrote)
    });
    if let Ok(Some(wrote)) = kept {
        let line = format!("kept as a draft: mailtui drafts edit {}", wrote.thread);
        output.notice(&Notice::info(line));
        return;
    }
    let (thread, from) = begun.saved.clone().unzip();
    match editor::leave(&home.dir, JournalEntry { thread, from, draft: begun.draft }) {
        Ok(path) => {
            let line = format!("the text is kept in {path}; {}", editor::NEXT);
            output.notice(&Notice::info(line));
        }
        Err(notice) => output.notice(&notice),
    }
}

/// As [`write()`], with the text of the command line taken in; says when it is saved.
fn go_on(
    home: &Home,
    output: Output,
    writing: &Writing,
    mut begun: Begun,
    saved: &mut bool,
) -> Result<Exit, Notice> {
    if let Some(option) = writing.misplaced() {
        let line = format!("{option} is for what is sent");
        return Err(Notice::error("usage", line, "add --send").exit(Exit::Usage));
    }
    let plan = Plan::read(&writing.order)?;
    let words = &writing.words;
    let me = identities::all(home, output)?;
    identities::choose(&mut begun.draft, &me, words.account.as_deref(), words.from.as_deref())?;
    if words.from.is_some() && !plan.is_forced() {
        identities::is_mine(&begun.draft, &me)?;
    }
    begun.parts.extend(attach::read(&words.attach)?);
    if let Some(notice) = attach::unreadable(&begun.draft.body) {
        output.notice(&notice);
    }
    let changes = words.any() || words.account.is_some() || words.from.is_some() || writing.send;
    if begun.place == Place::Instead && !changes && !wants_editor(words) {
        let hint = "name what changes, such as --subject, or open it with --edit";
        return Err(Notice::error("usage", "nothing is changed", hint).exit(Exit::Usage));
    }
    if wants_editor(words) {
        return edit(home, output, writing, begun, plan, saved);
    }
    if writing.send {
        send::check(output, &with_sizes(&begun), plan)?;
    }
    let mut desk = Desk::open(home)?;
    recover(home, output, &mut desk);
    let (done, draft) = save(home, &mut desk, &begun, None)?;
    *saved = true;
    let what = (&draft, begun.again.as_ref());
    told(home, output, desk, writing, what, &done, plan.forced())
}

/// As [`write()`], with the editor in between.
fn edit(
    home: &Home,
    output: Output,
    writing: &Writing,
    mut begun: Begun,
    plan: Plan,
    saved: &mut bool,
) -> Result<Exit, Notice> {
    let parts = std::mem::take(&mut begun.parts);
    let kept = attach::keep(home, parts)?;
    begun.draft.attachments.extend(kept);
    let (thread, from) = begun.saved.clone().unzip();
    let base = JournalEntry { thread, from, draft: begun.draft.clone() };
    let sheet = editor::sheet(&home.dir, base)?;
    // It must not be sent while it is written on; what comes to nothing puts it back.
    let out = outbox::out(home, begun.back.take())?;
    let back = |notice| outbox::put_back(home, output, out.as_ref(), notice);
    let ran = editor::edit(&sheet);
    let Some(edited) = editor::edited(&sheet).map_err(back)? else {
        // Nothing was typed: what the command line itself says is kept all the same, and what was
        // piped in also where the editor failed.
        sheet.done();
        ran.map_err(back)?;
        if !writing.words.any() {
            return Err(back(nothing()));
        }
        let desk = Desk::open(home)?;
        return keep(home, output, desk, writing, &begun, plan, saved);
    };
    // The file has it, and is of another text than it was made from: it is found.
    *saved = true;
    ran.map_err(back)?;
    let attach = files(output, &edited).map_err(back)?;
    begun.draft = edited.draft;
    begun.parts = attach;
    let mut desk = Desk::open(home)?;
    recover(home, output, &mut desk);
    let (done, draft) = save(home, &mut desk, &begun, editor::slot(&sheet))?;
    sheet.done();
    begun.draft = draft;
    begun.parts.clear();
    let what = (&begun.draft, begun.again.as_ref());
    told(home, output, desk, writing, what, &done, plan)
}

/// Files that an editor's text names; and what could not be taken as it was meant.
fn files(output: Output, edited: &Edited) -> Result<Vec<Part>, Notice> {
    for problem in &edited.problems {
        let line = format!("line {}: {}", problem.line, problem.why);
        output.notice(&Notice::warning("line", line, ""));
    }
    let paths: Vec<_> = edited.attach.iter().map(|path| expanded(path)).collect();
    attach::read(&paths).map_err(|notice| {
        let hint = format!("the text is kept; {}", editor::NEXT);
        Notice { hint, ..notice }
    })
}

/// Saves it, and sends it where that is asked for.
fn keep(
    home: &Home,
    output: Output,
    mut desk: Desk,
    writing: &Writing,
    begun: &Begun,
    plan: Plan,
    saved: &mut bool,
) -> Result<Exit, Notice> {
    let (done, draft) = save(home, &mut desk, begun, None)?;
    *saved = true;
    told(home, output, desk, writing, (&draft, begun.again.as_ref()), &done, plan)
}

/// Saves it; the draft as it was saved.
fn save(
    home: &Home,
    desk: &mut Desk,
    begun: &Begun,
    slot: Option<i64>,
) -> Result<(Done, Draft), Notice> {
    let mut draft = begun.draft.clone();
    draft.attachments.extend(attach::keep(home, begun.parts.clone())?);
    let (thread, from) = begun.saved.clone().unzip();
    if let Some(row) = &begun.back {
        outbox::take_out(home, desk, row)?;
    }
    let intent = Intent::SaveDraft { slot, thread, from, draft: Box::new(draft.clone()) };
    Ok((desk.decide(home, &[], &intent)?, draft))
}

/// What is said of a draft that was saved, or sent at once.
fn told(
    home: &Home,
    output: Output,
    mut desk: Desk,
    writing: &Writing,
    (draft, again): (&Draft, Option<&EventId>),
    done: &Done,
    plan: Plan,
) -> Result<Exit, Notice> {
    let Some(wrote) = &done.wrote else { return Err(nothing()) };
    let wait = !writing.wait.no_wait;
    if writing.send {
        let refused = send::check(output, draft, plan);
        if refused.is_ok() {
            let (thread, save) = (&wrote.thread, &wrote.event);
            let what = What { thread, save, draft, again: again.cloned() };
            return send::queue(home, output, desk, &what, plan, wait);
        }
        let line = format!("it is kept as the draft {}", wrote.thread);
        output.notice(&Notice::info(line));
        let finished = desk.finish(home, wait);
        return refused.and(finished).map(|()| Exit::Done);
    }
    let finished = desk.finish(home, wait);
    if wait && finished.is_ok() {
        desk.keep_here(home, &wrote.thread);
    }
    let (pending, _) =
        desk.device().pending().map_err(|error| crate::notice::Explain::notice(&error))?;
    let value = json!({
        "action": done.action, "thread": wrote.thread, "save": wrote.event, "pending": pending,
    });
    output.result(&value, || format!("{}  {}", wrote.thread, done.says))?;
    finished.map(|()| Exit::Done)
}

/// Saves what commands left that did not come to it. What cannot be saved stays where it is.
fn recover(home: &Home, output: Output, desk: &mut Desk) {
    for sheet in editor::left(&home.dir) {
        let edited = match editor::edited(&sheet) {
            Ok(Some(edited)) => edited,
            Ok(None) => {
                sheet.done();
                continue;
            }
            Err(notice) => {
                output.notice(&notice);
                continue;
            }
        };
        let paths: Vec<_> = edited.attach.iter().map(|path| expanded(path)).collect();
        let parts = attach::read(&paths).unwrap_or_default();
        if parts.len() < paths.len() {
            let line = "files that a draft names could not be attached";
            output.notice(&Notice::warning("attach", line, "attach them again"));
        }
        let base = sheet.base();
        let saved = base.thread.clone().zip(base.from.clone());
        let begun = Begun { saved, parts, ..Begun::new(edited.draft, Place::Above) };
        match save(home, desk, &begun, editor::slot(&sheet)) {
            Ok(_) => {
                sheet.done();
                output.notice(&Notice::info("a draft that was being written is in Drafts"));
            }
            Err(notice) => output.notice(&notice),
        }
    }
}

/// Puts what the command line says into the draft.
fn take(begun: &mut Begun, words: &Words) -> Result<(), Notice> {
    let draft = &mut begun.draft;
    let lists =
        [(&words.to, &mut draft.to), (&words.cc, &mut draft.cc), (&words.bcc, &mut draft.bcc)];
    for (given, field) in lists {
        if begun.place == Place::Instead && !given.is_empty() {
            field.clear();
        }
        for address in given {
            if !field.is_empty() {
                field.push_str(", ");
            }
            field.push_str(&line(address));
        }
    }
    if let Some(subject) = &words.subject {
        draft.subject = line(subject);
    }
    let piped = !std::io::stdin().is_terminal() && !words.edit;
    let piped = piped && begun.place != Place::Instead;
    let (text, wrong) = match (&words.body, words.body_file.as_deref()) {
        (Some(text), _) => (Some(text.clone()), None),
        (None, Some(path)) if path != Path::new("-") => (Some(attach::text(path)?), None),
        (None, None) if words.stdin.is_none() && !piped => (None, None),
        (None, _) => {
            let (text, wrong) = attach::piped()?;
            begun.piped = !text.trim().is_empty();
            (Some(text), wrong)
        }
    };
    if let Some(text) = text {
        let text = text.replace("\r\n", "\n");
        let text = text.strip_suffix('\n').unwrap_or(&text);
        draft.body = with_text(&draft.body, text, begun.place);
    }
    // What was piped in is nowhere else: it is kept though it is not what it should be.
    wrong.map_or(Ok(()), Err)
}

/// A text put into another.
fn with_text(body: &str, text: &str, place: Place) -> String {
    let signed = body.rfind(SIGNATURE);
    match place {
        _ if text.is_empty() => body.to_owned(),
        Place::Instead => text.to_owned(),
        Place::Above if body.is_empty() => text.to_owned(),
        Place::Above => format!("{text}\n{body}"),
        Place::Below => {
            let (quoted, signature) = body.split_at(signed.unwrap_or(body.len()));
            let quoted = quoted.trim_matches('\n');
            let between = if quoted.is_empty() { "" } else { "\n\n" };
            let end = if signature.is_empty() { "" } else { "\n" };
            format!("{quoted}{between}{text}{end}{signature}")
        }
    }
}

/// A word of the command line as one line: nothing in it ends a field.
fn line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.trim().to_owned()
}

/// The draft with the sizes of what goes with it, to be checked.
fn with_sizes(begun: &Begun) -> Draft {
    let mut draft = begun.draft.clone();
    let hash = crate::id::BlobHash::try_from("0");
    for part in &begun.parts {
        let Ok(hash) = hash.clone() else { continue };
        let (name, media_type) = (part.name.clone(), part.media_type.clone());
        let size = part.bytes.len() as u64;
        draft.attachments.push(compose::Attached { name, media_type, hash, size });
    }
    draft
}

/// Whether the editor is wanted: asked for, or at a terminal with no text given.
fn wants_editor(words: &Words) -> bool {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    words.edit || (terminal && !words.no_edit && !words.any_text())
}

fn nothing() -> Notice {
    Notice::error("nothing", "nothing was written, and nothing is kept", "").exit(Exit::Stopped)
}

/// Asks on the terminal: whether it was a whole `yes`; `None` when there is nobody to ask.
fn confirmed(output: Output, question: &str) -> Option<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    output.ask(question);
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    Some(read.is_ok() && line.trim() == "yes")
}

/// An address for people.
fn shown(address: &Address) -> String {
    safe_text::line(&compose::format_address(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_put_where_it_belongs() {
        let check = |body: &str, place, want: &str| {
            assert_eq!(with_text(body, "text", place), want, "{body:?}");
        };
        check("", Place::Above, "text");
        check("\n-- \nAnn\n", Place::Above, "text\n\n-- \nAnn\n");
        check("\n\n---- Forwarded", Place::Above, "text\n\n\n---- Forwarded");
        check("Ann wrote:\n> hi\n\n", Place::Below, "Ann wrote:\n> hi\n\ntext");
        check("Ann:\n> hi\n\n\n-- \nMe\n", Place::Below, "Ann:\n> hi\n\ntext\n\n-- \nMe\n");
        check("\n-- \nMe\n", Place::Below, "text\n\n-- \nMe\n");
        check("before", Place::Instead, "text");
        assert_eq!(with_text("before", "", Place::Instead), "before");
        assert_eq!(line(" Hi\r\nBcc: all\t"), "Hi  Bcc: all");
    }
}
