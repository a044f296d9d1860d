//! What an element's own style does to what is inside it: whether a browser shows it.
//!
//! Invariant: whatever cannot be told is shown. A style that hides is believed only where no style
//! sheet of the page can say otherwise, and where what it says has an effect on this kind of
//! element. Linear, bounded.

use super::declared::Declared;
use super::entity::in_attribute;
use super::sheet::{Property, Ruled, Sheet};
use super::token::Tag;

/// The longest style that is read, in bytes; a longer one hides nothing.
const MAX_STYLE_BYTES: usize = 16 * 1024;

/// What moves something off the left of every screen, in pixels.
const FAR_PIXELS: f64 = 2_000.0;
/// The same in heights of letters, which are at least four pixels where they can be read.
const FAR_EMS: f64 = 500.0;

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
    /// In letters that are seen through.
    clear: bool,
    /// Letters are painted in a way that is not looked into.
    painted: bool,
    /// Off the left of every screen.
    away: bool,
    /// The first line begins there.
    indented: bool,
    /// Lines may begin elsewhere than at the left.
    turned: bool,
    letters: Option<Rgb>,
    ground: Option<Rgb>,
}

impl Look {
    /// Whether text is shown.
    pub(super) fn shows_text(self) -> bool {
        self.shows_boxes()
            && !self.tiny
            && !self.clear
            && (self.letters.is_none() || self.letters != self.ground)
    }

    /// Whether images and lines are shown.
    pub(super) fn shows_boxes(self) -> bool {
        !(self.gone || self.boxed || self.unseen || self.away)
    }

    /// Whether it takes part in the layout.
    pub(super) fn is_gone(self) -> bool {
        self.gone || self.boxed
    }

    /// Whether the first line inside begins where nobody sees it.
    pub(super) fn is_indented(self) -> bool {
        self.indented
    }

    /// How it looks inside an element.
    pub(super) fn inside(mut self, tag: &Tag<'_>, sheet: &Sheet) -> Self {
        let own = match tag.attribute("style") {
            Some(style) if style.len() > MAX_STYLE_BYTES => Declared::unread(),
            Some(style) => Declared::of_element(&in_attribute(style)),
            None => Declared::default(),
        };
        let ruled = sheet.ruled(tag, own);
        let (says, free) = (&ruled.says, |what, names: &[&str]| ruled.free(what, names));
        self.begin(tag);
        self.tiny &= free(Property::AroundSize, &[]);
        self.unseen &= free(Property::AroundVisibility, &[]);
        self.clear &= free(Property::AroundColour, &[]);
        let is = |name: &str, value: &str| says.value(name) == Some(value);
        let shown = says.value("display").is_some_and(|display| display != "none");
        let still = !says.moves;
        if free(Property::Display, &["display"]) && is("display", "none")
            || free(Property::Hidden, &[]) && !shown && tag.attribute("hidden").is_some()
            || free(Property::Opacity, &["opacity"])
                && still
                && says.value("opacity").is_some_and(is_nought)
        {
            self.gone = true;
        }
        let seen = !free(Property::Visibility, &["visibility"]) || !still;
        if let Some(value) = says.value("visibility") {
            self.unseen = matches!(value, "hidden" | "collapse") && !seen;
        } else if seen {
            self.unseen = false;
        }
        if !free(Property::Size, &["font", "font-size"]) || !still {
            self.tiny = false;
        } else if let Some(size) = size(says) {
            self.tiny = size.within(self.tiny);
        }
        // What is laid out by itself is not cut off by the box around it.
        if says.value("position").is_some_and(|p| matches!(p, "absolute" | "fixed")) {
            self.boxed = false;
        }
        self.boxed |= free(Property::Box, &BOX) && still && has_no_size(says, tag);
        self.place(tag, &ruled);
        self.colours(tag, &ruled, sheet);
        self
    }

    /// What an element begins with, whatever its style.
    fn begin(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            // Without a document type a table inherits neither size nor colour of letters.
            "table" => (self.tiny, self.letters, self.clear) = (false, None, false),
            "button" | "input" | "select" | "textarea" | "mark" => {
                (self.tiny, self.letters, self.ground, self.clear) = (false, None, None, false);
            }
            "a" => (self.letters, self.clear) = (None, false),
            "font" if tag.attribute("size").is_some() => self.tiny = false,
            _ => {}
        }
    }

    /// What is moved off the screen, or made to nothing.
    fn place(&mut self, tag: &Tag<'_>, ruled: &Ruled) {
        let says = &ruled.says;
        let is_dir = |dir: &str| dir.trim().eq_ignore_ascii_case("rtl");
        self.turned |= tag.attribute("dir").is_some_and(is_dir) || tag.attribute("align").is_some();
        self.turned |= says.value("direction").is_some();
        self.turned |= says.value("text-align").is_some_and(|to| !matches!(to, "left" | "start"));
        let placed = says.value("position").is_some_and(|position| position != "static");
        if placed || !ruled.free(Property::AroundPlace, &[]) {
            self.away = false;
        }
        let far = |name: &str| says.value(name).is_some_and(is_far);
        if says.value("text-indent").is_some() || !ruled.free(Property::AroundPlace, &[]) {
            self.indented = false;
        }
        if says.moves || !ruled.free(Property::Place, &PLACE) {
            return;
        }
        let nothing = says.value("transform").is_some_and(scales_to_nothing)
            || says.value("scale").is_some_and(is_nought);
        self.gone |= nothing && is_box(says, tag);
        let back = ["right", "inset", "margin", "margin-left", "transform", "translate"];
        let alone = back.iter().all(|name| says.value(name).is_none());
        let narrow = says.value("width").is_none_or(is_narrow);
        self.away |= placed && far("left") && alone && narrow && !self.turned;
        self.indented |= far("text-indent") && is_box(says, tag) && !self.turned;
    }

    fn colours(&mut self, tag: &Tag<'_>, ruled: &Ruled, sheet: &Sheet) {
        let says = &ruled.says;
        self.painted |= says.paints || sheet.paints();
        if let Some(given) = tag.attribute("color") {
            (self.letters, self.clear) = (colour(given), false);
        }
        if let Some(given) = says.value("color").filter(|given| *given != "inherit") {
            self.letters = colour(given);
            self.clear = is_transparent(given);
        }
        self.clear &= ruled.free(Property::Colour, &["color"]) && !says.moves && !self.painted;
        if says.paints || sheet.colours() {
            self.letters = None;
        }
        if let Some(given) = tag.attribute("bgcolor") {
            self.ground = colour(given);
        }
        for name in ["background", "background-color"] {
            if let Some(given) = says.value(name) {
                self.ground = colour(given);
            }
        }
        if tag.attribute("background").is_some() || says.value("background-image").is_some() {
            self.ground = None;
        }
    }
}

/// What makes a box that nothing can be seen in.
const BOX: [&str; 6] = ["height", "width", "max-height", "max-width", "overflow", "display"];
/// What moves something off the screen.
const PLACE: [&str; 6] = ["position", "left", "text-indent", "transform", "scale", "display"];

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

/// How large letters are. Both the long and the short form may be there: which one counts is not
/// looked into.
fn size(says: &Declared) -> Option<Size> {
    match (says.value("font-size"), says.value("font")) {
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
fn has_no_size(says: &Declared, tag: &Tag<'_>) -> bool {
    let zero = |name: &str| says.value(name).is_some_and(is_zero);
    let cut = |name: &str| says.value(name).is_some_and(|v| matches!(v, "hidden" | "clip"));
    let flat = zero("max-height") || zero("height") || zero("max-width") || zero("width");
    let least = ["min-height", "min-width"].iter();
    let least = least.filter_map(|name| says.value(name)).all(is_zero);
    let padded = says.values("padding").any(|v| !v.split(is_css_space).all(is_zero));
    let image = tag.name == "img" && says.value("display").is_none();
    (is_box(says, tag) || image) && flat && cut("overflow") && least && !padded
}

/// Whether it is a box, and no part of a table.
fn is_box(says: &Declared, tag: &Tag<'_>) -> bool {
    match says.value("display") {
        Some(display) => matches!(display, "block" | "inline-block"),
        None => is_block(&tag.name),
    }
}

/// Whether a length leads off the left of every screen.
fn is_far(value: &str) -> bool {
    let Some(value) = value.strip_prefix('-') else { return false };
    let at_least = |unit: &str, least: f64| {
        value.strip_suffix(unit).and_then(|n| n.parse().ok()).is_some_and(|n: f64| n >= least)
    };
    at_least("px", FAR_PIXELS) || at_least("em", FAR_EMS) || at_least("rem", FAR_EMS)
}

/// Whether a width does not reach back from there.
fn is_narrow(value: &str) -> bool {
    let below = |unit: &str, most: f64| {
        value.strip_suffix(unit).and_then(|n| n.parse().ok()).is_some_and(|n: f64| n <= most)
    };
    value == "auto" || is_zero(value) || below("px", FAR_PIXELS / 2.0) || below("%", 100.0)
}

/// Whether a `transform` makes a box to nothing.
fn scales_to_nothing(value: &str) -> bool {
    let Some((name, rest)) = value.split_once('(') else { return false };
    let Some(inner) = rest.strip_suffix(')') else { return false };
    let known = matches!(name, "scale" | "scalex" | "scaley");
    known && inner.split(',').take(2).all(|factor| is_nought(factor.trim()))
}

/// Whether a colour lets everything through.
fn is_transparent(value: &str) -> bool {
    if let Some(hex) = value.strip_prefix('#') {
        let digits = hex.bytes().all(|b| b.is_ascii_hexdigit());
        return digits
            && (hex.len() == 4 && hex.ends_with('0') || hex.len() == 8 && hex.ends_with("00"));
    }
    let inner = ["rgba(", "hsla("].iter().find_map(|name| value.strip_prefix(name));
    let parts = inner.and_then(|inner| inner.strip_suffix(')'));
    let parts: Vec<&str> = parts.map(|p| p.split(',').map(str::trim).collect()).unwrap_or_default();
    value == "transparent" || parts.len() == 4 && is_nought(parts[3])
}

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

pub(super) fn is_css_space(c: char) -> bool {
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

/// Whether a number, or a share, is nought.
fn is_nought(value: &str) -> bool {
    is_zero(value) && !value.contains(|c: char| c.is_ascii_lowercase())
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
}
