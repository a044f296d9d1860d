//! Colours as values: what a text names, how two contrast, what a terminal of fewer has.
//!
//! Invariant: pure. Contrast is that of WCAG 2.2 ("contrast ratio", "relative luminance"), and is
//! known for true colours only: what a terminal shows for `red` is the terminal's own.

use crate::label::COLORS;

/// The least contrast of text (WCAG 2.2, 1.4.3, level AA).
pub const AA: f64 = 4.5;
/// The least contrast of text at level AAA (WCAG 2.2, 1.4.6).
pub const AAA: f64 = 7.0;
/// Steps by which a colour is moved until it can be read.
const STEPS: u16 = 20;
/// Steps of a ground that stands out from another.
const RAISED: u16 = 1;

/// Red, green and blue of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// The terminal's own for text or ground.
    Default,
    /// One of the terminal's 16, or of the 240 that follow them.
    Indexed(u8),
    /// A true colour.
    True(Rgb),
}

impl Colour {
    /// What a text names: `#rrggbb`, a name of the 16, or `default`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::Default);
        }
        if let Some(at) = COLORS.iter().position(|name| *name == text) {
            return u8::try_from(at).ok().map(Self::Indexed);
        }
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| all_hex)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Some(Self::True(Rgb(red, green, blue)))
    }

    /// The same for a terminal of 256 colours.
    #[must_use]
    pub fn of_256(self) -> Self {
        match self {
            Self::True(rgb) => Self::Indexed(rgb.nearest()),
            other => other,
        }
    }
}

/// The steps of red, green and blue of the colour cube of xterm.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The colour with this number of the cube and the greys, 16 to 255.
#[must_use]
pub fn indexed(at: u8) -> Option<Rgb> {
    match at {
        0..16 => None,
        16..232 => {
            let at = usize::from(at - 16);
            Some(Rgb(CUBE[at / 36], CUBE[at / 6 % 6], CUBE[at % 6]))
        }
        232.. => {
            let grey = 8 + 10 * (at - 232);
            Some(Rgb(grey, grey, grey))
        }
    }
}

impl Rgb {
    /// Relative luminance, 0 to 1.
    #[must_use]
    pub fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// The contrast ratio of two colours, 1 to 21.
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Whether letters on it are best light.
    #[must_use]
    pub fn is_dark(self) -> bool {
        self.contrast(Self(255, 255, 255)) >= self.contrast(Self(0, 0, 0))
    }

    /// This colour, moved away from `ground` until it has this contrast to it.
    #[must_use]
    pub fn readable(self, ground: Self, least: f64) -> Self {
        let end = if ground.is_dark() { Self(255, 255, 255) } else { Self(0, 0, 0) };
        let moved = |step| self.mixed(end, step);
        (0..=STEPS).map(moved).find(|rgb| rgb.contrast(ground) >= least).unwrap_or(end)
    }

    /// A ground that stands out a little from this one, as letters on it do.
    #[must_use]
    pub fn raised(self) -> Self {
        self.mixed(if self.is_dark() { Self(255, 255, 255) } else { Self(0, 0, 0) }, RAISED)
    }

    fn mixed(self, end: Self, step: u16) -> Self {
        let part = |from: u8, to: u8| {
            let sum = u16::from(from) * (STEPS - step) + u16::from(to) * step;
            u8::try_from(sum / STEPS).unwrap_or(u8::MAX)
        };
        Self(part(self.0, end.0), part(self.1, end.1), part(self.2, end.2))
    }

    /// The nearest of the 240 colours of a terminal that are the same everywhere.
    fn nearest(self) -> u8 {
        let far = |other: Self| {
            let part = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
            part(self.0, other.0) + part(self.1, other.1) + part(self.2, other.2)
        };
        (16..=255).min_by_key(|at| indexed(*at).map_or(u32::MAX, far)).unwrap_or(16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_a_colour_or_none() {
        for (text, colour) in [
            ("#1b2C3d", Some(Colour::True(Rgb(0x1b, 0x2c, 0x3d)))),
            ("red", Some(Colour::Indexed(1))),
            ("bright-white", Some(Colour::Indexed(15))),
            ("default", Some(Colour::Default)),
            ("#12345", None),
            ("#+12345", None),
            ("#éé1", None),
            ("Red", None),
            ("", None),
        ] {
            assert_eq!(Colour::parse(text), colour, "{text}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let (black, white) = (Rgb(0, 0, 0), Rgb(255, 255, 255));
        assert!((black.contrast(white) - 21.0).abs() < 1e-9);
        assert!((white.contrast(white) - 1.0).abs() < 1e-9);
        // The greys that are known to stand on either side of 4.5 on white.
        assert!(Rgb(0x76, 0x76, 0x76).contrast(white) >= AA);
        assert!(Rgb(0x77, 0x77, 0x77).contrast(white) < AA);
        assert!((Rgb(255, 0, 0).contrast(white) - 3.998).abs() < 0.001);
    }

    #[test]
    fn whatever_the_colour_it_can_be_made_readable() {
        let grounds = [Rgb(0, 0, 0), Rgb(0x12, 0x15, 0x1b), Rgb(128, 128, 128), Rgb(250, 250, 240)];
        for ground in grounds {
            for colour in [Rgb(0, 0, 128), Rgb(255, 255, 0), Rgb(128, 128, 128), ground] {
                let made = colour.readable(ground, AA);
                assert!(made.contrast(ground) >= AA, "{colour:?} on {ground:?}: {made:?}");
            }
        }
        assert_eq!(Rgb(255, 255, 255).readable(Rgb(0, 0, 0), AA), Rgb(255, 255, 255));
    }

    #[test]
    fn a_terminal_of_256_gets_the_nearest() {
        for (rgb, at) in [(Rgb(0, 0, 0), 16), (Rgb(255, 255, 255), 231), (Rgb(8, 8, 8), 232)] {
            assert_eq!(Colour::True(rgb).of_256(), Colour::Indexed(at));
        }
        assert_eq!(Colour::Indexed(3).of_256(), Colour::Indexed(3));
        for at in 16..=255 {
            let rgb = indexed(at).unwrap();
            let Colour::Indexed(found) = Colour::True(rgb).of_256() else { panic!("{at}") };
            assert_eq!(indexed(found), Some(rgb));
        }
    }
}
