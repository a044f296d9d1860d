//! Labels that a query names and that nobody has: they find nothing, which is said where they
//! stand.
//!
//! Invariant: what is still being typed is marked once no label begins so. Pure.

use super::{Mark, Parsed, Test, hyphened, is_label, is_virtual, nearest_label, value_text};
use crate::label::{folded, system_id};
use crate::search::mark::Weight;

impl Parsed {
    /// Marks the labels that are none of these (ids and names). `typed_to` is the end of what is
    /// being typed, in bytes, where it may go on.
    pub fn mark_unknown_labels(&mut self, labels: &[(&str, &str)], typed_to: Option<usize>) {
        let mut unknown: Vec<Mark> = Vec::new();
        self.query.leaves(&mut |leaf, _| {
            let Test::Label(given) = &leaf.test else { return };
            let grows = typed_to == Some(leaf.span.end);
            let known = is_virtual(given)
                || system_id(&given.to_lowercase()).is_some()
                || labels.iter().any(|(id, name)| is_label(given, id, name))
                || grows && labels.iter().any(|(id, name)| begins(given, id, name));
            if !known && unknown.iter().all(|mark| mark.span != leaf.span) {
                unknown.push(unknown_label(given, labels, leaf.span.clone()));
            }
        });
        self.marks.append(&mut unknown);
        self.marks.sort_by_key(|mark| mark.span.start);
    }
}

/// Whether the id or the name begins with what is there.
fn begins(given: &str, id: &str, name: &str) -> bool {
    let plain = |text: &str| hyphened(&folded(text));
    let given = plain(given);
    plain(id).starts_with(&given) || plain(name).starts_with(&given)
}

fn unknown_label(given: &str, labels: &[(&str, &str)], span: std::ops::Range<usize>) -> Mark {
    let names: Vec<String> = labels.iter().map(|(_, name)| (*name).to_owned()).collect();
    let hint = match nearest_label(given, &names) {
        Some(near) => format!("did you mean label:{} ?", value_text(near)),
        None => "it finds nothing; Tab completes the labels there are".to_owned(),
    };
    Mark::new(span, Weight::Warning, &format!("no label is called {given}"), &hint)
}

#[cfg(test)]
mod tests {
    use super::super::{Context, parse};

    fn said(text: &str, typing: bool) -> Vec<String> {
        let zone = jiff::tz::TimeZone::UTC;
        let context = Context { now: 0, zone: &zone, me: &[], typing, saved: &[] };
        let mut parsed = parse(text, &context);
        let labels = [("l-1", "Work"), ("l-2", "To do"), ("inbox", "Inbox")];
        parsed.mark_unknown_labels(&labels, typing.then_some(text.len()));
        let say = |mark: &super::Mark| format!("{}: {}", &text[mark.span.clone()], mark.message);
        parsed.marks.iter().map(say).collect()
    }

    #[test]
    fn a_label_that_is_not_there_is_marked_at_its_place() {
        for known in
            ["label:work", "label:to-do a", "in:inbox", "in:trash", "label:all", "-label:WORK", "a"]
        {
            assert!(said(known, false).is_empty(), "{known}");
        }
        assert_eq!(said("label:wrk hello", false), ["label:wrk: no label is called wrk"]);
        assert_eq!(said("(a OR in:nowhere)", true), ["in:nowhere: no label is called nowhere"]);
        assert_eq!(said("label:x label:x", false).len(), 2);
    }

    #[test]
    fn one_that_is_being_typed_is_marked_once_it_can_be_none() {
        assert!(said("label:wo", true).is_empty() && said("label:to-d", true).is_empty());
        assert_eq!(said("label:wo", false).len(), 1);
        assert_eq!(said("label:wo b", true).len(), 1);
        assert_eq!(said("label:wox", true).len(), 1);
    }
}
