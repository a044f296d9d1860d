//! The style sheets of a page, as far as they show what an element's own style hides.
//!
//! Invariant: errs towards showing: a rule that may win over an element's own style is taken to
//! win. Rules for small screens, paper and the dark are left out, since no reader of the text has
//! them. Linear, bounded.

use std::collections::HashMap;

use super::style::{declarations, important, is_zero};
use super::token::Tag;

/// Bytes of style sheets that are read; a page with more hides nothing.
const MAX_BYTES: usize = 512 * 1024;
/// Names of classes and elements that are remembered; a page with more hides nothing.
const MAX_NAMES: usize = 4_096;
/// Classes of one element that are looked at; one with more hides nothing.
const MAX_CLASSES: usize = 32;
/// The widest screen that counts as a small one, in pixels.
const SMALL_SCREEN: u32 = 900;

/// What a rule can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    /// What is laid out.
    Display = 1,
    /// What is visible.
    Visibility = 2,
    /// The size of letters.
    Size = 4,
    /// The size of a box.
    Box = 8,
    /// How much shines through.
    Opacity = 16,
    /// The attribute `hidden`, over which any rule wins.
    Hidden = 32,
    /// The size of letters, where it would come from around the element.
    AroundSize = 64,
    /// What is visible, where it would come from around the element.
    AroundVisibility = 128,
}

/// What the rules of a page show.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// For every element.
    all: u8,
    /// For those with a class or an id.
    named: HashMap<String, u8>,
    colours: bool,
}

impl Sheet {
    /// Reads all style sheets of a page, wherever they stand.
    pub(super) fn read(page: &str) -> Self {
        let mut sheet = Self::default();
        let mut left = MAX_BYTES;
        let mut rest = page;
        while let Some(at) = rest.find('<') {
            rest = &rest[at + 1..];
            if !rest.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("style")) {
                continue;
            }
            let Some(start) = rest.find('>') else { break };
            let end = end_of(&rest[start..]).map_or(rest.len(), |end| start + end);
            let text = &rest[start + 1..end.max(start + 1)];
            let Some(after) = left.checked_sub(text.len()) else {
                sheet.show_all();
                break;
            };
            left = after;
            sheet.rules(&without_comments(text));
            rest = &rest[end..];
        }
        sheet
    }

    /// Says of an element's own style whether what it says of a property counts.
    pub(super) fn free(&self, tag: &Tag<'_>) -> impl Fn(Property) -> bool + use<> {
        let mut shown = self.all;
        if !self.named.is_empty() {
            shown |= self.named.get(&element(&tag.name)).copied().unwrap_or(0);
            for name in ["class", "id"] {
                let names = tag.attribute(name).unwrap_or_default().split_ascii_whitespace();
                for (index, name) in names.enumerate() {
                    shown |= self.named.get(name).copied().unwrap_or(0);
                    // A reference in it could be any name.
                    if index >= MAX_CLASSES || name.contains('&') {
                        shown = u8::MAX;
                        break;
                    }
                }
            }
        }
        move |property| shown & property as u8 == 0
    }

    /// Whether any rule gives a ground or letters a colour.
    pub(super) fn colours(&self) -> bool {
        self.colours
    }

    fn show_all(&mut self) {
        (self.all, self.colours) = (u8::MAX, true);
    }

    fn rules(&mut self, text: &str) {
        let mut rest = text;
        // How many blocks are open, and in which of them one was opened that does not count.
        let (mut depth, mut skipped) = (0_usize, None);
        while let Some(at) = rest.find(['{', '}', ';']) {
            let (head, after) = (rest[..at].trim(), &rest[at + 1..]);
            let sign = rest.as_bytes()[at];
            rest = after;
            match sign {
                b'{' if head.starts_with('@') => {
                    depth += 1;
                    if skipped.is_none() && is_elsewhere(head) {
                        skipped = Some(depth);
                    }
                }
                b'{' => {
                    let end = after.find('}').unwrap_or(after.len());
                    if skipped.is_none() {
                        self.rule(head, &after[..end]);
                    }
                    rest = after.get(end + 1..).unwrap_or_default();
                }
                b'}' => {
                    if skipped == Some(depth) {
                        skipped = None;
                    }
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
        }
    }

    fn rule(&mut self, selectors: &str, block: &str) {
        let mut shows = 0;
        for declaration in declarations(block) {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let (value, important) = important(value);
            let (name, value) = (name.trim().to_ascii_lowercase(), value.to_ascii_lowercase());
            self.colours |= name == "color" || name.starts_with("background") || name == "all";
            shows |= shown_by(&name, &value, important);
        }
        if shows == 0 {
            return;
        }
        for selector in selectors.split(',') {
            self.show(selector.trim(), shows);
        }
    }

    /// Notes what a selector's last element is shown by.
    fn show(&mut self, selector: &str, shows: u8) {
        let last = selector.rsplit([' ', '>', '+', '~', '\n', '\t', '\r']).next();
        let last = last.unwrap_or_default();
        let end = last.find([':', '[']).unwrap_or(last.len());
        let names = last[..end].split(['.', '#']).skip(1).filter(|name| !name.is_empty());
        // One name that the element must have is enough; the last is the rarest.
        match names.last().filter(|name| !name.contains('\\')) {
            Some(_) if self.named.len() >= MAX_NAMES => self.show_all(),
            Some(name) => *self.named.entry(name.to_owned()).or_default() |= shows,
            // `a[x-apple-data-detectors]` is for what an application adds.
            None if last[end..].starts_with("[x-apple") => {}
            None if last.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                *self.named.entry(element(&last[..end])).or_default() |= shows;
            }
            None => self.all |= shows,
        }
    }
}

/// The key of all elements of a name.
fn element(name: &str) -> String {
    format!("<{}>", name.to_ascii_lowercase())
}

/// What a declaration shows: the properties over whose hiding value it wins.
fn shown_by(name: &str, value: &str, important: bool) -> u8 {
    let zero = value.split_ascii_whitespace().all(is_zero);
    let (wins, always) = match name {
        "display" if value != "none" => (Property::Display as u8, Property::Hidden as u8),
        "visibility" if value != "hidden" => {
            (Property::Visibility as u8, Property::AroundVisibility as u8)
        }
        "font" | "font-size" if !zero => (Property::Size as u8, Property::AroundSize as u8),
        "opacity" if !zero => (Property::Opacity as u8, 0),
        "height" | "width" | "max-height" | "max-width" | "overflow" => (Property::Box as u8, 0),
        "min-height" | "min-width" if !zero => (0, Property::Box as u8),
        name if name.starts_with("padding") && !zero => (0, Property::Box as u8),
        "all" => (u8::MAX, u8::MAX),
        _ => (0, 0),
    };
    always | if important { wins } else { 0 }
}

/// Where a style sheet ends.
fn end_of(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find("</") {
        let here = from + at;
        if text[here + 2..].get(..5).is_some_and(|name| name.eq_ignore_ascii_case("style")) {
            return Some(here);
        }
        from = here + 2;
    }
    None
}

/// A style sheet without its comments, and without what hides it from programs of long ago.
fn without_comments(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.replace("<!--", " ").replace("-->", " ")
}

/// Whether a block is for screens, or paper, that nobody reads mail in a terminal on.
fn is_elsewhere(head: &str) -> bool {
    let head = head.to_ascii_lowercase();
    if !head.starts_with("@media") {
        // `@font-face` and the like have no rules inside; `@supports` may hold.
        return !head.starts_with("@supports") && !head.starts_with("@layer");
    }
    let small = head.split_once("max-").is_some_and(|(_, rest)| {
        let digits: String = rest
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        rest.contains("width") && digits.parse::<u32>().is_ok_and(|width| width <= SMALL_SCREEN)
    });
    let paper = head.contains("print") && !head.contains("not");
    let dark = head.contains("prefers-color-scheme") && head.contains("dark");
    (small || paper || dark) && !head.contains(',')
}
