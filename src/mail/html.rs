//! HTML to lines of text: one pass over the source, no tree of it, nothing fetched.
//!
//! Invariant: total and linear; nothing that a browser would show as text is left out, scripts and
//! styles are. What a browser would not show is counted: see `style` for when that is believed.
//! There is no document tree because hostile nesting costs stack or squared time in every tree
//! builder, and a message's layout tables are not worth it; `tree` has the open elements only. This
//! file must not wrap.

mod css;
mod declared;
mod entity;
mod media;
mod render;
mod sheet;
mod style;
mod target;
#[cfg(test)]
mod tests;
mod token;
mod tree;

use super::facts::{Anchor, LeftOut};
use render::Renderer;
use sheet::Sheet;
use token::{Token, Tokens};

/// Elements whose content is not text.
const RAW: [&str; 7] = ["script", "style", "title", "template", "noframes", "noembed", "iframe"];

/// A page as text.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    /// The text, its links as numbers with their targets at the end.
    pub(super) text: String,
    /// Where in it the list of targets begins.
    pub(super) list: usize,
    /// What is said where a number stands.
    pub(super) anchors: Vec<Anchor>,
    /// What the page has and the text has not.
    pub(super) counts: LeftOut,
    /// The number that the next link would have.
    pub(super) next: usize,
}

/// The text of an HTML document, whose first link has the number `first`.
pub(super) fn render(source: &str, first: usize) -> Rendered {
    walk(source, first).0
}

/// The text of an HTML document alone.
pub(super) fn to_text(source: &str) -> String {
    render(source, 1).text
}

/// Renders, and counts what it costs: bytes that were passed, and looks at open elements.
fn walk(source: &str, first: usize) -> (Rendered, usize) {
    let mut renderer = Renderer::new(Sheet::read(source), first);
    let mut tokens = Tokens::new(source);
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => renderer.text(text),
            Token::Open(tag) if RAW.contains(&tag.name.as_str()) && !tag.closed => {
                tokens.skip_to_end_of(&tag.name);
            }
            Token::Open(tag) => renderer.open(tag),
            Token::Close(name) => renderer.close(&name),
        }
    }
    let steps = tokens.steps + renderer.tree.steps + renderer.sheet.steps.get();
    (renderer.finish(), steps)
}
