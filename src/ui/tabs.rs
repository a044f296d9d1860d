//! Tabs above the list: lists, labels and saved searches that are a key away.
//!
//! Invariant: there are none unless they are set; a tab whose label or search is not there is seen,
//! and passed over.

use crate::config::tabs::Tab;
use crate::id::LabelId;
use crate::label::{self, folded};
use crate::notice::Severity;
use crate::ui::app::{Effect, Model};
use crate::ui::keys;
use crate::ui::text;

/// A tab as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its list; `None` where that is not there.
    pub label: Option<LabelId>,
    /// Its name.
    pub name: String,
    /// Its count; empty shows none.
    pub count: String,
    /// Whether it is the list that is shown.
    pub here: bool,
}

/// The tabs.
#[must_use]
pub fn all(model: &Model) -> Vec<Shown> {
    let tabs = &model.settings().tabs;
    if tabs.is_empty() {
        return Vec::new();
    }
    let entries = model.sidebar();
    let here = model.shown_list();
    tabs.iter()
        .map(|tab| {
            let (label, name) = found(model, tab);
            let entry = entries.iter().find(|entry| Some(&entry.label) == label.as_ref());
            let count = match (tab, label.as_ref()) {
                (Tab::Search(_), Some(id)) => model.found.get(id).map(|(many, more)| {
                    let plus = if *more { "+" } else { "" };
                    format!("{}{plus}", text::count(*many as u64))
                }),
                _ => entry.filter(|entry| entry.count > 0).map(|entry| text::count(entry.count)),
            };
            let name = entry.map_or(name, |entry| entry.name.clone());
            Shown {
                here: label.as_ref() == Some(here),
                count: count.unwrap_or_default(),
                label,
                name,
            }
        })
        .collect()
}

/// What a tab stands for, if that is there, and what it is called.
fn found(model: &Model, tab: &Tab) -> (Option<LabelId>, String) {
    match tab {
        Tab::List(id) => (label::system_id(id), id.clone()),
        Tab::Label(name) => {
            let user = model.labels.iter().filter(|l| !label::is_system(l.id.as_str()));
            let wanted = folded(name);
            let mut named = user.filter(|label| folded(&label.name) == wanted);
            (named.next().map(|label| label.id.clone()), name.clone())
        }
        Tab::Search(name) => {
            let wanted = folded(name);
            let saved = model.saved.iter().find(|saved| folded(&saved.name) == wanted);
            (saved.map(|saved| saved.id.clone()), format!("@{name}"))
        }
    }
}

/// To the next (`true`) or previous tab that is there.
pub fn along(model: &mut Model, next: bool) -> Vec<Effect> {
    let tabs = all(model);
    let there: Vec<&Shown> = tabs.iter().filter(|tab| tab.label.is_some()).collect();
    let at = there.iter().position(|tab| tab.here);
    let count = there.len();
    let to = match (at, next) {
        (_, _) if count == 0 => None,
        (Some(at), true) => Some((at + 1) % count),
        (Some(at), false) => Some((at + count - 1) % count),
        (None, true) => Some(0),
        (None, false) => Some(count - 1),
    };
    let Some(label) = to.and_then(|to| there[to].label.clone()) else {
        model.say(Severity::Info, "None of the tabs is here yet", "");
        return Vec::new();
    };
    keys::show(model, label)
}

/// Remembers how many conversations the saved search that is shown finds.
pub fn note(model: &mut Model) {
    let saved = model.search.as_ref().and_then(|search| search.saved.clone());
    if let Some(id) = saved
        && !model.list.jumping()
        && model.saved.iter().any(|saved| saved.id == id)
    {
        model.found.insert(id, (model.list.rows.len(), model.list.more_after));
    }
}
