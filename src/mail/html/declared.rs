//! What styles declare, of an element by itself and by rules: of each property what counts.
//!
//! Invariant: linear and bounded: of a property one value is kept. A style that is not looked into
//! is said to be unread: nothing is hidden by what is unread.

use super::css::clean;
use super::style::is_css_space;

/// The properties that are looked at.
const KNOWN: [&str; 36] = [
    "display",
    "visibility",
    "opacity",
    "font",
    "font-size",
    "position",
    "overflow",
    "height",
    "width",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "padding",
    "padding-top",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-block",
    "padding-inline",
    "color",
    "background",
    "background-color",
    "background-image",
    "left",
    "right",
    "margin",
    "margin-left",
    "text-indent",
    "text-align",
    "direction",
    "transform",
    "scale",
    "translate",
    "inset",
    "all",
];

/// Beginnings of properties that paint letters in another way than by their colour.
const PAINTS: [&str; 8] = [
    "-webkit-text-fill",
    "-webkit-text-stroke",
    "-webkit-background-clip",
    "-webkit-filter",
    "mix-blend",
    "filter",
    "text-shadow",
    "background-clip",
];

/// A value of a property.
#[derive(Debug, Clone)]
struct Pair {
    name: &'static str,
    value: String,
    important: bool,
    /// A rule says it, not the element itself.
    by_rule: bool,
}

/// What a style declares.
#[derive(Debug, Default, Clone)]
pub(super) struct Declared {
    pairs: Vec<Pair>,
    /// It paints letters in a way that is not looked into.
    pub(super) paints: bool,
    /// What it says changes with the time.
    pub(super) moves: bool,
    unread: bool,
}

impl Declared {
    /// What an element says of itself.
    pub(super) fn of_element(style: &str) -> Self {
        if style.contains("/*") {
            return Self::read(&clean(style).text, false);
        }
        Self::read(style, false)
    }

    /// What the block of a rule says; it is [`clean`].
    pub(super) fn of_rule(block: &str) -> Self {
        Self::read(block, true)
    }

    /// What is not looked into.
    pub(super) fn unread() -> Self {
        Self { unread: true, ..Self::default() }
    }

    fn read(style: &str, by_rule: bool) -> Self {
        // Escapes are how styles say one thing to a reader and another to a browser.
        if style.contains('\\') {
            return Self::unread();
        }
        let mut out = Self::default();
        for declaration in declarations(style) {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let (value, important) = important(value);
            let name = name.trim_matches(is_css_space).to_ascii_lowercase();
            let value = value.to_ascii_lowercase();
            out.paints |= is_paint(&name);
            out.moves |= name.contains("animation");
            out.unread |= name == "all";
            let known = KNOWN.iter().find(|known| **known == name);
            if let Some(name) = known.filter(|_| !value.is_empty()) {
                out.put(Pair { name, value, important, by_rule });
            }
        }
        out
    }

    fn put(&mut self, pair: Pair) {
        match self.pairs.iter_mut().find(|known| known.name == pair.name) {
            Some(known) if known.important && !pair.important => {}
            Some(known) => *known = pair,
            None => self.pairs.push(pair),
        }
    }

    /// Adds what counts more, but for what is important.
    pub(super) fn add(&mut self, other: &Self) {
        for pair in &other.pairs {
            self.put(pair.clone());
        }
        self.paints |= other.paints;
        self.moves |= other.moves;
        self.unread |= other.unread;
    }

    pub(super) fn is_unread(&self) -> bool {
        self.unread
    }

    /// Nothing that is looked at is said.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty() && !self.paints && !self.moves
    }

    /// What counts of a property.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|pair| pair.name == name);
        pair.map(|pair| pair.value.as_str())
    }

    /// The values of all properties whose names begin so.
    pub(super) fn values(&self, begin: &str) -> impl Iterator<Item = &str> {
        let found = self.pairs.iter().filter(move |pair| pair.name.starts_with(begin));
        found.map(|pair| pair.value.as_str())
    }

    /// Whether one of these properties is what it is by a rule over which another may win.
    pub(super) fn is_by_rule(&self, names: &[&str]) -> bool {
        let by_rule = |pair: &Pair| pair.by_rule && !pair.important;
        self.pairs.iter().any(|pair| by_rule(pair) && names.contains(&pair.name))
    }
}

/// Whether a property paints letters in another way than by their colour.
pub(super) fn is_paint(name: &str) -> bool {
    PAINTS.iter().any(|known| name.starts_with(known))
}

/// Parts a style at its semicolons, but not inside strings and brackets.
pub(super) fn declarations(style: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(style);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quote, mut depth) = (None, 0_usize);
        for (at, byte) in text.bytes().enumerate() {
            match (quote, byte) {
                (Some(open), _) => quote = Some(open).filter(|open| *open != byte),
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'(' | b'[' | b'{') => depth += 1,
                (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                (None, b';') if depth == 0 => {
                    rest = Some(&text[at + 1..]);
                    return Some(&text[..at]);
                }
                _ => {}
            }
        }
        rest = None;
        Some(text)
    })
}

/// A value without its `!important`, and whether that was there.
pub(super) fn important(value: &str) -> (&str, bool) {
    let value = value.trim_matches(is_css_space);
    match value.rsplit_once('!') {
        Some((value, word))
            if word.trim_matches(is_css_space).eq_ignore_ascii_case("important") =>
        {
            (value.trim_matches(is_css_space), true)
        }
        _ => (value, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_end_at_their_own_semicolons() {
        let parted: Vec<&str> = declarations("a:url(x;y);b:\"p;q\";;c:'").collect();
        assert_eq!(parted, ["a:url(x;y)", "b:\"p;q\"", "", "c:'"]);
        assert_eq!(important(" none ! IMPORTANT "), ("none", true));
        assert_eq!(important("none"), ("none", false));
    }
}
