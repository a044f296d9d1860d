//! The style sheets of a page: what they hide, and what of an element's own style they undo.
//!
//! Invariant: errs towards showing. Rules whose selectors are of one element, by type, class and
//! id, count as CSS says; of others it is believed only that they show, and then that they win.
//! Rules for small screens, paper and the dark are left out, since no reader of the text has them.
//! Linear, bounded: past a limit a sheet, a name or an element hides nothing.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use super::css::{Compound, Media, Selector, clean};
use super::declared::{Declared, declarations, important, is_paint};
use super::style::is_zero;
use super::token::{Tag, Token, Tokens};

/// Bytes of style sheets that are read; a page with more hides nothing.
const MAX_BYTES: usize = 512 * 1024;
/// Names of classes and elements that are remembered; a page with more hides nothing.
const MAX_NAMES: usize = 4_096;
/// Rules that are remembered; a page with more hides nothing.
const MAX_RULES: usize = 4_096;
/// Classes of one element that are looked at; one with more hides nothing.
const MAX_CLASSES: usize = 32;
/// Rules that one element is compared with; one with more hides nothing.
const MAX_COMPARED: usize = 64;

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
    /// The colour of letters.
    Colour = 256,
    /// The colour of letters, where it would come from around the element.
    AroundColour = 512,
    /// Where it is.
    Place = 1024,
    /// Where what is around it is.
    AroundPlace = 2048,
}

/// What rules that are not looked into may show.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    /// Over whatever else is said.
    strong: u16,
    /// Over what another rule says.
    any: u16,
}

impl Shown {
    const ALL: Self = Self { strong: u16::MAX, any: u16::MAX };

    fn add(&mut self, other: Self) {
        (self.strong, self.any) = (self.strong | other.strong, self.any | other.any);
    }
}

/// A rule for elements that can be told by themselves.
#[derive(Debug)]
struct Rule {
    compound: Compound,
    says: Rc<Declared>,
}

impl Rule {
    /// Ids, classes, types: which of two rules wins (Selectors level 4, section 17).
    fn rank(&self) -> (bool, usize, bool) {
        (self.compound.id.is_some(), self.compound.classes.len(), self.compound.name.is_some())
    }
}

/// What the rules of a page do.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// For every element.
    all: Shown,
    /// For those with a class or an id.
    named: HashMap<String, Shown>,
    rules: Vec<Rule>,
    /// The rules by one name that an element must have.
    keyed: HashMap<String, Vec<usize>>,
    colours: bool,
    paints: bool,
    /// What was compared, to know what a page costs.
    pub(super) steps: Cell<usize>,
}

/// What the rules do to an element.
pub(super) struct Ruled {
    shown: Shown,
    /// What is said, by rules and then by its own style.
    pub(super) says: Declared,
}

impl Ruled {
    /// Whether nothing may show what these properties hide.
    pub(super) fn free(&self, property: Property, names: &[&str]) -> bool {
        let by = if self.says.is_by_rule(names) { self.shown.any } else { self.shown.strong };
        by & property as u16 == 0 && !self.says.is_unread()
    }
}

impl Sheet {
    /// Reads all style sheets of a page, wherever they stand.
    pub(super) fn read(page: &str) -> Self {
        let mut sheet = Self::default();
        let mut left = MAX_BYTES;
        let mut tokens = Tokens::new(page);
        while let Some(token) = tokens.next() {
            let Token::Open(tag) = token else { continue };
            if tag.name != "style" {
                let raw = super::RAW.contains(&tag.name.as_str()) && !tag.closed;
                if raw || matches!(tag.name.as_str(), "textarea" | "xmp") {
                    tokens.skip_to_end_of(&tag.name);
                }
                continue;
            }
            let text = tokens.skip_to_end_of("style");
            let Some(after) = left.checked_sub(text.len()) else {
                sheet.show_all();
                break;
            };
            left = after;
            let mut media = tag.attribute("media").map_or(Media::Here, Media::read);
            let kind = tag.attribute("type").unwrap_or("text/css").trim();
            if tag.closed || !kind.eq_ignore_ascii_case("text/css") {
                media = media.and(Media::Unclear);
            }
            let clean = clean(text);
            sheet.blocks(&clean.text, clean.sure, media);
        }
        sheet.steps.set(tokens.steps);
        sheet
    }

    /// What the rules and its own style do to an element.
    pub(super) fn ruled(&self, tag: &Tag<'_>, own: Declared) -> Ruled {
        let mut shown = self.all;
        if self.named.is_empty() && self.keyed.is_empty() {
            return Ruled { shown, says: own };
        }
        let mut keys = vec![String::new(), element(&tag.name)];
        let mut held: [Vec<&str>; 2] = [Vec::new(), Vec::new()];
        for (held, (name, sign)) in held.iter_mut().zip([("class", '.'), ("id", '#')]) {
            let names = tag.attribute(name).unwrap_or_default().split_ascii_whitespace();
            for (index, name) in names.enumerate() {
                // A reference in it could be any name.
                if index >= MAX_CLASSES || name.contains('&') {
                    return Ruled { shown: Shown::ALL, says: own };
                }
                shown.add(self.named.get(name).copied().unwrap_or_default());
                keys.push(format!("{sign}{}", name.to_ascii_lowercase()));
                held.push(name);
            }
        }
        shown.add(self.named.get(&keys[1]).copied().unwrap_or_default());
        keys.sort_unstable();
        keys.dedup();
        let found = keys.iter().filter_map(|key| self.keyed.get(key)).flatten();
        let mut found: Vec<usize> = found.take(MAX_COMPARED + 1).copied().collect();
        self.steps.set(self.steps.get() + keys.len() + found.len());
        if found.len() > MAX_COMPARED {
            return Ruled { shown: Shown::ALL, says: own };
        }
        let [classes, ids] = held;
        found.retain(|at| {
            let of = &self.rules[*at].compound;
            let (mut exact, mut same) = (true, of.name.as_ref().is_none_or(|n| *n == tag.name));
            for (wanted, held) in of
                .classes
                .iter()
                .map(|class| (class, &classes))
                .chain(of.id.iter().map(|id| (id, &ids)))
            {
                exact &= held.contains(&wanted.as_str());
                same &= held.iter().any(|name| name.eq_ignore_ascii_case(wanted));
            }
            // In old pages names are the same in capitals and in small letters.
            if same && !exact {
                shown = Shown::ALL;
            }
            same && exact
        });
        found.sort_by_key(|at| (self.rules[*at].rank(), *at));
        let mut says = Declared::default();
        for at in found {
            self.steps.set(self.steps.get() + 1);
            says.add(&self.rules[at].says);
        }
        says.add(&own);
        Ruled { shown, says }
    }

    /// Whether any rule gives a ground or letters a colour.
    pub(super) fn colours(&self) -> bool {
        self.colours
    }

    /// Whether any rule paints letters in another way than by their colour.
    pub(super) fn paints(&self) -> bool {
        self.paints
    }

    fn show_all(&mut self) {
        (self.all, self.colours, self.paints) = (Shown::ALL, true, true);
    }

    fn blocks(&mut self, text: &str, mut sure: usize, media: Media) {
        // The blocks that are open, and where what is in them counts; whether what begins here
        // belongs to something that no browser knows.
        let (mut open, mut broken) = (Vec::new(), false);
        let mut at = 0;
        while let Some(next) = text[at..].find(['{', '}', ';']) {
            let (head, sign) = (text[at..at + next].trim(), text.as_bytes()[at + next]);
            let begin = at + next + 1;
            at = begin;
            let here = open.last().copied().unwrap_or(media);
            match sign {
                b'{' if head.starts_with('@') => {
                    open.push(here.and(of_block(head)));
                    broken = false;
                }
                b'{' => {
                    let end = text[begin..].find('}').map_or(text.len(), |end| begin + end);
                    let block = &text[begin..end];
                    let even = is_even(head) && is_even(block);
                    if !even || block.contains('{') {
                        sure = sure.min(begin);
                    }
                    let believed = !broken && end <= sure && here == Media::Here;
                    if here != Media::Elsewhere {
                        self.rule(head, block, believed);
                    }
                    broken = false;
                    at = text.len().min(end + 1);
                }
                b'}' => {
                    let ended = open.pop();
                    // What is no rule in a block may belong there, as in `@font-face`.
                    broken = ended.is_none_or(|m| m != Media::Elsewhere && !head.is_empty());
                }
                _ if !head.starts_with('@') => broken = true,
                _ => {}
            }
        }
    }

    /// Notes a rule; only what is `believed` may hide.
    fn rule(&mut self, selectors: &str, block: &str, believed: bool) {
        let mut shows = Shown::default();
        for declaration in declarations(block) {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let (value, important) = important(value);
            let (name, value) = (name.trim().to_ascii_lowercase(), value.to_ascii_lowercase());
            self.colours |= name == "color" || name.starts_with("background") || name == "all";
            self.paints |= is_paint(&name);
            shows.add(shown_by(&name, &value, important));
        }
        let read: Vec<_> = selectors.split(',').map(|text| (text, Selector::read(text))).collect();
        let believed = believed && !read.iter().any(|(_, selector)| *selector == Selector::Wrong);
        let says = Rc::new(Declared::of_rule(block));
        for (text, selector) in read {
            match selector {
                Selector::Simple(compound) if believed && !says.is_unread() => {
                    if !says.is_empty() {
                        self.note(Rule { compound, says: Rc::clone(&says) });
                    }
                }
                _ if shows.strong | shows.any == 0 => {}
                _ => self.show(text.trim(), shows),
            }
        }
    }

    fn note(&mut self, rule: Rule) {
        if self.rules.len() >= MAX_RULES {
            self.show_all();
            return;
        }
        let of = &rule.compound;
        let key = match (&of.id, of.classes.last(), &of.name) {
            (Some(id), ..) => format!("#{}", id.to_ascii_lowercase()),
            (_, Some(class), _) => format!(".{}", class.to_ascii_lowercase()),
            (_, _, Some(name)) => element(name),
            _ => String::new(),
        };
        self.keyed.entry(key).or_default().push(self.rules.len());
        self.rules.push(rule);
    }

    /// Notes what a selector's last element is shown by.
    fn show(&mut self, selector: &str, shows: Shown) {
        let last = selector.rsplit([' ', '>', '+', '~', '\n', '\t', '\r']).next();
        let last = last.unwrap_or_default();
        let end = last.find([':', '[']).unwrap_or(last.len());
        let names = last[..end].split(['.', '#']).skip(1).filter(|name| !name.is_empty());
        // One name that the element must have is enough; the last is the rarest.
        match names.last().filter(|name| !name.contains('\\')) {
            Some(_) if self.named.len() >= MAX_NAMES => self.show_all(),
            Some(name) => self.named.entry(name.to_owned()).or_default().add(shows),
            // `a[x-apple-data-detectors]` is for what an application adds.
            None if last[end..].starts_with("[x-apple") => {}
            None if last.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                self.named.entry(element(&last[..end])).or_default().add(shows);
            }
            None => self.all.add(shows),
        }
    }
}

/// The key of all elements of a name.
fn element(name: &str) -> String {
    format!("<{}>", name.to_ascii_lowercase())
}

/// Whether what is opened in a piece is closed in it.
fn is_even(text: &str) -> bool {
    let count = |sign: char| text.matches(sign).count();
    count('(') == count(')') && count('[') == count(']')
}

/// What a declaration shows: the properties over whose hiding value it wins.
fn shown_by(name: &str, value: &str, important: bool) -> Shown {
    let zero = value.split_ascii_whitespace().all(is_zero);
    let (wins, always) = match name {
        "display" if value != "none" => (Property::Display as u16, Property::Hidden as u16),
        "visibility" if value != "hidden" => {
            (Property::Visibility as u16, Property::AroundVisibility as u16)
        }
        "font" | "font-size" if !zero => (Property::Size as u16, Property::AroundSize as u16),
        "opacity" if !zero => (Property::Opacity as u16, 0),
        "width" => (Property::Box as u16 | Property::Place as u16, 0),
        "height" | "max-height" | "max-width" | "overflow" => (Property::Box as u16, 0),
        "min-height" | "min-width" if !zero => (0, Property::Box as u16),
        name if name.starts_with("padding") && !zero => (0, Property::Box as u16),
        "color" => (Property::Colour as u16, Property::AroundColour as u16),
        "left" | "right" | "top" | "bottom" | "inset" | "direction" | "scale" | "translate" => {
            (Property::Place as u16, 0)
        }
        "position" | "text-indent" | "text-align" | "transform" => {
            (Property::Place as u16, Property::AroundPlace as u16)
        }
        "all" => (u16::MAX, u16::MAX),
        name if name.contains("animation") => (u16::MAX, u16::MAX),
        _ => (0, 0),
    };
    let strong = always | if important { wins } else { 0 };
    Shown { strong, any: strong | wins }
}

/// Where what is in a block counts.
fn of_block(head: &str) -> Media {
    let head = head.to_ascii_lowercase();
    match head.strip_prefix("@media") {
        Some(queries) => Media::read(queries),
        // `@font-face` and the like have no rules inside; `@supports` may hold.
        None if head.starts_with("@supports") || head.starts_with("@layer") => Media::Unclear,
        None => Media::Elsewhere,
    }
}
