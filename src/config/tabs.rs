//! Tabs above the list, as the file names them: `inbox`, `label:Team`, `search:invoices`.
//!
//! Invariant: total; what cannot be a tab is none, and a name is one line that is safe to show.

use crate::safe_text;

/// The most tabs.
pub const MOST_TABS: usize = 12;
/// The most characters of a name.
const MAX_NAME_CHARS: usize = 64;
/// Lists that need no word before their name.
const LISTS: [&str; 9] =
    ["inbox", "unread", "starred", "snoozed", "sent", "archive", "all", "spam", "trash"];

/// A tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tab {
    /// A list that is always there, by its id.
    List(String),
    /// A label, by its name.
    Label(String),
    /// A saved search, by its name.
    Search(String),
}

impl Tab {
    /// Reads one; `None` where it can be none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let name = |name: &str| {
            let name = safe_text::line(name.trim());
            let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
            fits.then_some(name)
        };
        if let Some(label) = text.strip_prefix("label:") {
            return name(label).map(Self::Label);
        }
        if let Some(search) = text.strip_prefix("search:") {
            return name(search.trim().trim_start_matches('@')).map(Self::Search);
        }
        let list = text.to_lowercase();
        LISTS.contains(&list.as_str()).then_some(Self::List(list))
    }

    /// As the file has it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::List(id) => id.clone(),
            Self::Label(name) => format!("label:{name}"),
            Self::Search(name) => format!("search:{name}"),
        }
    }
}

/// All of them, as the file has them.
#[must_use]
pub fn written(tabs: &[Tab]) -> String {
    let quoted = tabs.iter().map(|tab| toml_edit::Value::from(tab.text()).to_string());
    format!("[{}]", quoted.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_is_a_list_a_label_or_a_saved_search() {
        let check = |text: &str, wanted: Option<Tab>| assert_eq!(Tab::read(text), wanted, "{text}");
        check("inbox", Some(Tab::List("inbox".to_owned())));
        check(" Unread ", Some(Tab::List("unread".to_owned())));
        check("label:Big Plans", Some(Tab::Label("Big Plans".to_owned())));
        check("search: @invoices", Some(Tab::Search("invoices".to_owned())));
        for none in
            ["", "team", "label:", "search: ", "outbox", &format!("label:{}", "x".repeat(65))]
        {
            check(none, None);
        }
        let Some(Tab::Label(name)) = Tab::read("label:\u{1b}[31mred\u{202e}") else { panic!() };
        assert!(!name.contains(char::is_control) && !name.contains('\u{202e}'), "{name:?}");
        let tabs = [Tab::List("inbox".to_owned()), Tab::Label("a \"b\"".to_owned())];
        assert!(written(&tabs).starts_with("[\"inbox\", "), "{}", written(&tabs));
        assert_eq!(written(&[]), "[]");
    }
}
