//! Keys of the first run: what is chosen, and the import that follows.
//!
//! Invariant: nothing is written before a choice.

use crate::command::key::Key;
use crate::engine::handle::Request;
use crate::notice::Severity;
use crate::ui::app::{Door, Effect, Layer, Model, Stage};
use crate::ui::first_run::Does;
use crate::ui::update::ask;
use crate::ui::wizard;

pub(super) fn choose(model: &mut Model, key: Key) -> Vec<Effect> {
    let readable = !model.list.rows.is_empty();
    let importing = model.import.as_ref().is_some_and(|import| !import.progress.ended);
    let Stage::FirstRun(screen) = &mut model.stage else { return Vec::new() };
    let number = key.typed().and_then(|c| c.to_digit(10));
    if number.is_none() && model.import.is_some() && readable {
        model.stage = Stage::Mail;
        return Vec::new();
    }
    if importing || screen.opening.is_some() {
        return Vec::new();
    }
    if let Some(number) = number {
        let at = screen.choices.iter().position(|choice| choice.number == Some(number));
        screen.cursor = at.unwrap_or(screen.cursor);
    }
    let Some(choice) = screen.choices.get(screen.cursor).cloned() else { return Vec::new() };
    match choice.does {
        Does::LookAround if model.open => {
            model.say(Severity::Info, "Your own mailbox is open", "`mailtui demo` looks around");
            Vec::new()
        }
        Does::LookAround => {
            screen.opening = Some("making the sample mailbox");
            vec![Effect::Open(Door::Demo, Vec::new())]
        }
        Does::Import(path) => import_from(model, path),
        Does::ImportOther => {
            let typed = screen.typed.clone();
            model.layers.push(Layer::Path(typed));
            Vec::new()
        }
        Does::AddAccount => wizard::open(model),
        Does::Later => {
            model.say(Severity::Info, format!("{}: {}", choice.title, choice.detail), "");
            Vec::new()
        }
    }
}

pub(super) fn import_from(model: &mut Model, path: std::path::PathBuf) -> Vec<Effect> {
    model.notice = None;
    if model.open {
        model.import = Some(crate::ui::app::Import {
            progress: crate::engine::view::ImportProgress::default(),
            began: model.now_ms,
            stopping: false,
        });
        return ask([Request::Import(vec![path])]);
    }
    if let Stage::FirstRun(screen) = &mut model.stage {
        screen.paths = vec![path.clone()];
        screen.opening = Some("opening the mailbox");
    }
    vec![Effect::Open(Door::Own, vec![path])]
}

pub(super) fn stop_import(model: &mut Model) -> Vec<Effect> {
    match &mut model.import {
        Some(import) if !import.progress.ended => {
            import.stopping = true;
            ask([Request::StopImport])
        }
        _ if matches!(model.stage, Stage::Mail) => {
            model.say(Severity::Info, "Nothing is being imported", "");
            Vec::new()
        }
        _ => Vec::new(),
    }
}
