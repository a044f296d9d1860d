//! What an element's own style does to what is inside it: whether a browser shows it.
//!
//! Invariant: whatever cannot be told is shown. A style that hides is believed only where no style
//! sheet of the page can say otherwise, and where what it says has an effect on this kind of
//! element. Linear, bounded.

use super::entity::in_attribute;
use super::sheet::{Property, Sheet};
use super::token::Tag;

/// The longest style that is read, in bytes; a longer one hides nothing.
const MAX_STYLE_BYTES: usize = 16 * 1024;

type Rgb = [u8; 3];

/// How what is inside an element looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Look {
    /// Not laid out, or see-through: nothing inside can be seen.
    gone: bool,
    /// In a box of no size: only what leaves the box can be seen.
    boxed: bool,
    /// Invisible, until something inside says otherwise.
    unseen: bool,
    /// In letters of no size, until something inside says otherwise.
    tiny: bool,
    letters: Option<Rgb>,
    ground: Option<Rgb>,
}

impl Look {
    /// Whether text is shown.
    pub(super) fn shows_text(self) -> bool {
        self.shows_boxes() && !self.tiny && (self.letters.is_none() || self.letters != self.ground)
    }

    /// Whether images and lines are shown.
    pub(super) fn shows_boxes(self) -> bool {
        !(self.gone || self.boxed || self.unseen)
    }

    /// Whether it takes part in the layout.
    pub(super) fn is_gone(self) -> bool {
        self.gone || self.boxed
    }

    /// How it looks inside an element.
    pub(super) fn inside(mut self, tag: &Tag<'_>, sheet: &Sheet) -> Self {
        let style = tag.attribute("style").filter(|style| style.len() <= MAX_STYLE_BYTES);
        let style = style.map(in_attribute).unwrap_or_default();
        let own = Declared::read(&style);
        let free = sheet.free(tag);
        self.begin(tag);
        self.tiny &= free(Property::AroundSize);
        self.unseen &= free(Property::AroundVisibility);
        let is = |name: &str, value: &str| own.value(name) == Some(value);
        let shown = own.value("display").is_some_and(|display| display != "none");
        if free(Property::Display) && is("display", "none")
            || free(Property::Hidden) && !shown && tag.attribute("hidden").is_some()
            || free(Property::Opacity) && own.value("opacity").is_some_and(is_zero)
        {
            self.gone = true;
        }
        if let Some(value) = own.value("visibility") {
            self.unseen = matches!(value, "hidden" | "collapse") && free(Property::Visibility);
        } else if !free(Property::Visibility) {
            self.unseen = false;
        }
        if !free(Property::Size) {
            self.tiny = false;
        } else if let Some(size) = own.size() {
            self.tiny = size.within(self.tiny);
        }
        // What is laid out by itself is not cut off by the box around it.
        if own.value("position").is_some_and(|p| matches!(p, "absolute" | "fixed")) {
            self.boxed = false;
        }
        self.boxed |= free(Property::Box) && own.has_no_size(tag);
        self.colours(tag, &own, sheet);
        self
    }

    /// What an element begins with, whatever its style.
    fn begin(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            // Without a document type a table inherits neither size nor colour of letters.
            "table" => (self.tiny, self.letters) = (false, None),
            "button" | "input" | "select" | "textarea" | "mark" => {
                (self.tiny, self.letters, self.ground) = (false, None, None);
            }
            "a" => self.letters = None,
            "font" if tag.attribute("size").is_some() => self.tiny = false,
            _ => {}
        }
    }

    fn colours(&mut self, tag: &Tag<'_>, own: &Declared<'_>, sheet: &Sheet) {
        if let Some(given) = tag.attribute("color") {
            self.letters = colour(given);
        }
        if let Some(given) = own.value("color").filter(|given| *given != "inherit") {
            self.letters = colour(given);
        }
        if own.paints || sheet.colours() {
            self.letters = None;
        }
        if let Some(given) = tag.attribute("bgcolor") {
            self.ground = colour(given);
        }
        for name in ["background", "background-color"] {
            if let Some(given) = own.value(name) {
                self.ground = colour(given);
            }
        }
        if tag.attribute("background").is_some() || own.value("background-image").is_some() {
            self.ground = None;
        }
    }
}

/// How large letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    /// Of no size.
    Zero,
    /// Of a size of their own.
    Own,
    /// As those around, more or less.
    Relative,
}

impl Size {
    fn within(self, tiny: bool) -> bool {
        match self {
            Self::Zero => true,
            Self::Own => false,
            Self::Relative => tiny,
        }
    }
}

/// What a style declares: of each property what counts.
struct Declared<'a> {
    pairs: Vec<(&'a str, String, bool)>,
    /// It paints letters in a way that is not looked into.
    paints: bool,
}

impl<'a> Declared<'a> {
    fn read(style: &'a str) -> Self {
        let mut out = Self { pairs: Vec::new(), paints: false };
        // Escapes and comments are how styles say one thing to a reader and another to a browser.
        if style.contains('\\') || style.contains("/*") {
            return out;
        }
        for declaration in declarations(style) {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let (value, important) = important(value);
            let name = name.trim_matches(is_css_space);
            let value = value.to_ascii_lowercase();
            out.paints |= ["-webkit-text", "mix-blend", "filter", "text-shadow", "background-clip"]
                .iter()
                .any(|known| {
                    name.get(..known.len()).is_some_and(|n| n.eq_ignore_ascii_case(known))
                });
            if value.is_empty() || !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            let known = out.pairs.iter_mut().find(|(known, ..)| known.eq_ignore_ascii_case(name));
            match known {
                Some((_, _, true)) if !important => {}
                Some(known) => *known = (name, value, important),
                None => out.pairs.push((name, value, important)),
            }
        }
        out
    }

    fn value(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        pair.map(|(_, value, _)| value.as_str())
    }

    /// Both the long and the short form are there: which one counts is not looked into.
    fn size(&self) -> Option<Size> {
        match (self.value("font-size"), self.value("font")) {
            (Some(size), None) => Some(font_size(size)),
            (None, Some(font)) => Some(font_shorthand(font)),
            (Some(size), Some(font)) => {
                let (one, other) = (font_size(size), font_shorthand(font));
                Some(if one == other { one } else { Size::Own })
            }
            (None, None) => None,
        }
    }

    /// Whether it makes a box that nothing can be seen in.
    fn has_no_size(&self, tag: &Tag<'_>) -> bool {
        let zero = |name: &str| self.value(name).is_some_and(is_zero);
        let cut = |name: &str| self.value(name).is_some_and(|v| matches!(v, "hidden" | "clip"));
        let flat = zero("max-height") || zero("height") || zero("max-width") || zero("width");
        let least = ["min-height", "min-width"].iter();
        let least = least.filter_map(|name| self.value(name)).all(is_zero);
        let padded = self.pairs.iter().any(|(name, value, _)| {
            name.get(..7).is_some_and(|n| n.eq_ignore_ascii_case("padding"))
                && !value.split(is_css_space).all(is_zero)
        });
        let block = match self.value("display") {
            Some(display) => matches!(display, "block" | "inline-block"),
            None => is_block(&tag.name) || tag.name == "img",
        };
        block && flat && cut("overflow") && least && !padded
    }
}

/// The properties that are looked at.
const KNOWN: [&str; 25] = [
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
    "all",
];

/// Elements that are boxes by themselves, and no part of a table: those grow with what is inside.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "p"
            | "center"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "main"
            | "aside"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "blockquote"
            | "ul"
            | "ol"
            | "li"
            | "form"
    )
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

fn is_css_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// Whether a length or number is nought.
pub(super) fn is_zero(value: &str) -> bool {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_lowercase() || c == '%');
    let unit = &value[digits.len()..];
    let known = ["", "px", "pt", "em", "rem", "%", "cm", "mm", "in", "pc", "ex", "vw", "vh"];
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    !digits.is_empty()
        && known.contains(&unit)
        && digits.bytes().all(|b| matches!(b, b'0' | b'.'))
        && digits.contains('0')
}

/// What a `font-size` does.
fn font_size(value: &str) -> Size {
    if is_zero(value) {
        return Size::Zero;
    }
    let relative = ["em", "%", "ex", "ch"];
    let is_relative = relative.iter().any(|unit| value.ends_with(unit)) && !value.ends_with("rem");
    if is_relative || matches!(value, "inherit" | "smaller" | "larger" | "unset") {
        return Size::Relative;
    }
    Size::Own
}

/// What a `font` does: its size stands before a slash, or is the length in it.
fn font_shorthand(value: &str) -> Size {
    let mut sizes = value.split(is_css_space).filter_map(|word| match word.split_once('/') {
        Some((size, _)) => Some(size),
        None => is_zero(word).then_some(word),
    });
    match (sizes.next(), sizes.next()) {
        (Some(size), None) => font_size(size),
        // Weights are numbers as well.
        _ => Size::Own,
    }
}

/// A colour as its parts; `None` for what is not looked into.
fn colour(given: &str) -> Option<Rgb> {
    let given = given.trim().to_ascii_lowercase();
    if let Some(hex) = given.strip_prefix('#') {
        let wide: String = match hex.len() {
            3 => hex.chars().flat_map(|c| [c, c]).collect(),
            6 => hex.to_owned(),
            _ => return None,
        };
        let number = u32::from_str_radix(&wide, 16).ok()?;
        let [_, red, green, blue] = number.to_be_bytes();
        return Some([red, green, blue]);
    }
    if let Some(parts) = given.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')')) {
        let mut parts = parts.split(',').map(|part| part.trim().parse::<u8>());
        let rgb = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
        return parts.next().is_none().then_some(rgb);
    }
    match given.as_str() {
        "white" => Some([255; 3]),
        "black" => Some([0; 3]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_colours() {
        for (value, zero) in [
            ("0", true),
            ("0px", true),
            ("0.0em", true),
            ("+0%", true),
            (".5px", false),
            ("00", true),
            (".", false),
            ("", false),
            ("0x", false),
            ("10", false),
            ("auto", false),
        ] {
            assert_eq!(is_zero(value), zero, "{value:?}");
        }
        assert_eq!(colour(" #FFF "), Some([255; 3]));
        assert_eq!(colour("rgb(1, 2,3)"), Some([1, 2, 3]));
        assert_eq!((colour("rgba(1,2,3,0)"), colour("#ff"), colour("teal")), (None, None, None));
        assert_eq!(font_shorthand("0/0 a"), Size::Zero);
        assert_eq!(font_shorthand("bold 0px arial"), Size::Zero);
        assert_eq!(font_shorthand("400 12px/0 arial"), Size::Own);
    }

    #[test]
    fn declarations_end_at_their_own_semicolons() {
        let parted: Vec<&str> = declarations("a:url(x;y);b:\"p;q\";;c:'").collect();
        assert_eq!(parted, ["a:url(x;y)", "b:\"p;q\"", "", "c:'"]);
        assert_eq!(important(" none ! IMPORTANT "), ("none", true));
        assert_eq!(important("none"), ("none", false));
    }
}
