//! Sizes and colours of a picture in cells.
//!
//! Invariant: pure and total; a picture is never made larger than it is, and keeps its shape.

use ratatui::style::Color;

/// Shades, from the darkest to the brightest.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];
/// The same in signs that every font has.
const SIGNS: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// The sides in pixels of a picture of `sides` in a room of `cells` with so many pixels each, and
/// the cells that it covers.
pub(super) fn fit(
    sides: (u32, u32),
    cells: (u16, u16),
    cell: (u16, u16),
) -> ((u32, u32), (u16, u16)) {
    let cell = (u32::from(cell.0.max(1)), u32::from(cell.1.max(1)));
    let most = (u32::from(cells.0.max(1)) * cell.0, u32::from(cells.1.max(1)) * cell.1);
    let (width, height) = (sides.0.max(1), sides.1.max(1));
    let scaled = |side: u32, most: u32, whole: u32| {
        let side = u64::from(side) * u64::from(most) / u64::from(whole);
        u32::try_from(side).unwrap_or(u32::MAX).max(1)
    };
    let mut fitted = (width, height);
    if fitted.0 > most.0 {
        fitted = (most.0, scaled(height, most.0, width));
    }
    if fitted.1 > most.1 {
        fitted = (scaled(width, most.1, height).min(most.0), most.1);
    }
    let covers = |side: u32, cell: u32| u16::try_from(side.div_ceil(cell)).unwrap_or(u16::MAX);
    (fitted, (covers(fitted.0, cell.0), covers(fitted.1, cell.1)))
}

/// The sign of a brightness.
pub(super) fn shade(luma: u8, plain: bool) -> char {
    let ramp: &[char] = if plain { &SIGNS } else { &SHADES };
    ramp[usize::from(luma) * (ramp.len() - 1) / usize::from(u8::MAX)]
}

/// The colour of the 256 that is next to this one: of the cube, or a grey.
pub(super) fn indexed(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else { return colour };
    let level = |c: u8| match c {
        0..48 => 0_u8,
        48..115 => 1,
        _ => (c - 35) / 40,
    };
    let value = |level: u8| if level == 0 { 0_u8 } else { 55 + level * 40 };
    let grey = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let step = u8::try_from(grey.saturating_sub(3) / 10).unwrap_or(0).min(23);
    let apart = |to: (u8, u8, u8)| {
        let one = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        one(r, to.0) + one(g, to.1) + one(b, to.2)
    };
    let cube = (level(r), level(g), level(b));
    let shown = 8 + step * 10;
    if apart((shown, shown, shown)) < apart((value(cube.0), value(cube.1), value(cube.2))) {
        return Color::Indexed(232 + step);
    }
    Color::Indexed(16 + 36 * cube.0 + 6 * cube.1 + cube.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_shape_and_stays_in_its_room() {
        for (sides, cells, cell, expected) in [
            ((16, 16), (80, 20), (1, 2), ((16, 16), (16, 8))),
            ((800, 400), (80, 20), (1, 2), ((80, 40), (80, 20))),
            ((800, 600), (80, 20), (1, 2), ((53, 40), (53, 20))),
            ((1, 100_000), (80, 20), (1, 2), ((1, 40), (1, 20))),
            ((100_000, 1), (80, 20), (8, 16), ((640, 1), (80, 1))),
            ((0, 0), (0, 0), (0, 0), ((1, 1), (1, 1))),
        ] {
            assert_eq!(fit(sides, cells, cell), expected, "{sides:?}");
        }
    }

    #[test]
    fn colours_are_next_to_what_they_were() {
        for (colour, expected) in [
            ((0, 0, 0), 16),
            ((255, 255, 255), 231),
            ((255, 0, 0), 196),
            ((95, 135, 175), 67),
            ((128, 128, 128), 244),
            ((250, 250, 250), 231),
        ] {
            let rgb = Color::Rgb(colour.0, colour.1, colour.2);
            assert_eq!(indexed(rgb), Color::Indexed(expected), "{colour:?}");
        }
        assert_eq!((shade(0, false), shade(255, false), shade(128, true)), (' ', '█', '='));
    }
}
