//! The shown text of a message: which parts, and in what form.
//!
//! Invariant: nothing that is shown is cut or wrapped; the result is safe for a terminal. This file
//! must not decode bytes.

use super::defect::Defects;
use super::html;
use super::part::{Kind, Node};

/// All shown parts of the tree, joined by an empty line.
pub(super) fn text(node: &Node, defects: &mut Defects) -> String {
    let mut out = String::new();
    render(node, &mut out);
    defects.text(out.trim_end())
}

fn render(node: &Node, out: &mut String) {
    match node {
        Node::Text(Kind::Plain, text) => join(out, text),
        Node::Text(Kind::Flowed { delete_space }, text) => {
            join(out, &unflowed(text, *delete_space));
        }
        Node::Text(Kind::Html, text) => join(out, &html::to_text(text)),
        Node::All(nodes) => nodes.iter().for_each(|node| render(node, out)),
        Node::OneOf(nodes) => {
            if let Some(chosen) = choose(nodes) {
                render(chosen, out);
            }
        }
        Node::Message(summary, node) => {
            join(out, summary);
            render(node, out);
        }
    }
}

/// The plainest alternative that says something, else the last one that does (RFC 2046 section
/// 5.1.4: the last is the richest).
pub(super) fn choose(nodes: &[Node]) -> Option<&Node> {
    let plain = nodes.iter().find(|node| says(node, true));
    plain.or_else(|| nodes.iter().rev().find(|node| says(node, false)))
}

fn says(node: &Node, plain_only: bool) -> bool {
    match node {
        Node::Text(Kind::Html, text) => !plain_only && text.contains(|c: char| !c.is_whitespace()),
        Node::Text(_, text) => text.contains(|c: char| !c.is_whitespace()),
        Node::All(nodes) | Node::OneOf(nodes) => nodes.iter().any(|node| says(node, plain_only)),
        Node::Message(..) => !plain_only,
    }
}

/// Appends a part behind an empty line; blank parts are left out.
fn join(out: &mut String, text: &str) {
    let text = text.trim_start_matches(['\r', '\n']).trim_end();
    if text.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push_str("\n\n");
    }
    out.push_str(text);
}

/// Joins the soft line ends of `format=flowed` (RFC 3676 section 4.1) and takes space-stuffing
/// away.
fn unflowed(text: &str, delete_space: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // The quote depth of the paragraph that is open, if one is.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|&b| b == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_signature = content == "-- ";
        let joins = open == Some(depth) && !is_signature;
        if !joins {
            if !out.is_empty() {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n('>', depth));
            if depth > 0 && !content.is_empty() {
                out.push(' ');
            }
        }
        let soft = content.ends_with(' ') && !is_signature;
        let content = if soft && delete_space { &content[..content.len() - 1] } else { content };
        out.push_str(content);
        open = soft.then_some(depth);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowed_text() {
        let cases = [
            ("one \ntwo\nthree", false, "one two\nthree"),
            ("one \ntwo", true, "onetwo"),
            ("> a \n> b\n>> c\nd", false, "> a b\n>> c\nd"),
            ("> a \nb", false, "> a \nb"),
            (" From here\n >stuffed", false, "From here\n>stuffed"),
            ("a\n-- \nsig \nend", false, "a\n-- \nsig end"),
            ("a\n\nb", false, "a\n\nb"),
        ];
        for (given, delete_space, expected) in cases {
            assert_eq!(unflowed(given, delete_space), expected, "{given:?}");
        }
    }
}
