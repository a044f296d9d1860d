//! A screen of cells as a picture: SVG with text that can be selected.
//!
//! Invariant: pure; the same cells give the same bytes. Every character stands in its cell whatever
//! font the reader has: each run of text says where it begins and how wide it is. Lines that are
//! drawn with characters are drawn as lines, so that they meet.

use std::fmt::Write as _;

use mailtui::ui::text;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// Pixels of a cell.
const CELL: (usize, usize) = (9, 20);
/// Pixels around the screen.
const MARGIN: usize = 16;
/// Where letters stand in a cell, pixels from its top.
const BASELINE: usize = 15;
/// The dark theme: what is under the letters, and the letters.
const GROUND: Rgb = (0x12, 0x15, 0x1b);
const LETTERS: Rgb = (0xd8, 0xdd, 0xe6);
/// The 16 colours on it, in the order of ANSI.
const COLOURS: [Rgb; 16] = [
    (0x3a, 0x40, 0x4c),
    (0xf0, 0x71, 0x78),
    (0x8c, 0xcf, 0x8f),
    (0xe5, 0xc0, 0x7b),
    (0x7f, 0xb0, 0xf5),
    (0xc7, 0x9b, 0xf0),
    (0x6c, 0xcf, 0xd8),
    (0xc3, 0xc9, 0xd4),
    (0x6b, 0x74, 0x85),
    (0xff, 0x8f, 0x95),
    (0xa8, 0xe5, 0xab),
    (0xf5, 0xd7, 0x9a),
    (0xa0, 0xc8, 0xff),
    (0xdc, 0xb8, 0xff),
    (0x92, 0xe6, 0xee),
    (0xff, 0xff, 0xff),
];
/// Parts of 100 of dim letters that are still letters.
const DIM_PARTS: u16 = 68;

type Rgb = (u8, u8, u8);

/// How a run of cells looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    letters: Rgb,
    ground: Option<Rgb>,
    bold: bool,
}

/// Draws `screen`; `title` says to those who do not see it what it is.
pub(crate) fn picture(screen: &Buffer, title: &str) -> String {
    let (columns, rows) = (usize::from(screen.area.width), usize::from(screen.area.height));
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, rows * CELL.1 + 2 * MARGIN);
    // A theme may have a background of its own.
    let ground = rgb(screen[(0, 0)].bg).unwrap_or(GROUND);
    let rows: Vec<Row> = (0..screen.area.height).map(|y| row(screen, y, ground)).collect();
    let mut looks: Vec<Look> = rows.iter().flat_map(|row| &row.runs).map(|run| run.look).collect();
    looks.sort_unstable();
    looks.dedup();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n<style>\n\
         text{{font:15px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",\
         \"Liberation Mono\",monospace;white-space:pre}}\n\
         path{{fill:none;stroke-width:1}}\n",
        escaped(title)
    );
    for (at, look) in looks.iter().enumerate() {
        let weight = if look.bold { ";font-weight:700" } else { "" };
        let _ = writeln!(out, ".l{at}{{fill:{}{weight}}}", hex(look.letters));
    }
    let _ = write!(
        out,
        "</style>\n<rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"{}\"/>\n",
        hex(ground)
    );
    for (y, row) in rows.iter().enumerate() {
        row.draw(MARGIN + y * CELL.1, &looks, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

/// Cells of one look beside each other; no gap of two blanks in them.
struct Run {
    column: usize,
    columns: usize,
    text: String,
    look: Look,
}

struct Row {
    runs: Vec<Run>,
    /// Column, columns and colour of what is not the ground.
    grounds: Vec<(usize, usize, Rgb)>,
    /// Path data and colour of lines, in cells from the top left.
    lines: Vec<(String, Rgb)>,
}

fn row(screen: &Buffer, y: u16, ground: Rgb) -> Row {
    let mut row = Row { runs: Vec::new(), grounds: Vec::new(), lines: Vec::new() };
    let mut x = 0;
    while x < screen.area.width {
        let cell = &screen[(x, y)];
        let (look, column) = (look(cell, ground), usize::from(x));
        let columns = text::width(cell.symbol()).max(1);
        if let Some(ground) = look.ground {
            match row.grounds.last_mut() {
                Some((at, wide, colour)) if *at + *wide == column && *colour == ground => {
                    *wide += columns;
                }
                _ => row.grounds.push((column, columns, ground)),
            }
        }
        match line(cell.symbol(), column) {
            Some(line) => row.lines.push((line, look.letters)),
            None => row.put(column, columns, cell.symbol(), look),
        }
        x += u16::try_from(columns).expect("a screen is not that wide");
    }
    for run in &mut row.runs {
        let blanks = run.text.len() - run.text.trim_end_matches(' ').len();
        run.text.truncate(run.text.len() - blanks);
        run.columns -= blanks;
    }
    row
}

impl Row {
    fn put(&mut self, column: usize, columns: usize, symbol: &str, look: Look) {
        let next = self.runs.last_mut().filter(|run| {
            // What a font may not have in the width of its cells stands alone.
            let joined = letters(symbol) && letters(&run.text);
            run.look == look && run.column + run.columns == column && joined
        });
        match next {
            Some(run) if symbol != " " || !run.text.ends_with(' ') => {
                run.text.push_str(symbol);
                run.columns += columns;
            }
            _ if symbol == " " => {}
            _ => self.runs.push(Run { column, columns, text: symbol.to_owned(), look }),
        }
    }

    fn draw(&self, top: usize, looks: &[Look], out: &mut String) {
        let left = |column: usize| MARGIN + column * CELL.0;
        for (column, columns, colour) in &self.grounds {
            let at = format!("x=\"{}\" y=\"{top}\"", left(*column));
            let size = format!("width=\"{}\" height=\"{}\"", columns * CELL.0, CELL.1);
            let _ = writeln!(out, "<rect {at} {size} fill=\"{}\"/>", hex(*colour));
        }
        let mut colours: Vec<Rgb> = self.lines.iter().map(|(_, colour)| *colour).collect();
        colours.sort_unstable();
        colours.dedup();
        for colour in colours {
            let same = self.lines.iter().filter(|(_, other)| *other == colour);
            let data: String = same.map(|(line, _)| line.as_str()).collect();
            let at = format!("translate({MARGIN} {top})");
            let _ =
                writeln!(out, "<path transform=\"{at}\" stroke=\"{}\" d=\"{data}\"/>", hex(colour));
        }
        // An element a run: some browsers keep to the width of whole elements only.
        for run in &self.runs {
            let look = looks.binary_search(&run.look).expect("every look is listed");
            let (x, y, width) = (left(run.column), top + BASELINE, run.columns * CELL.0);
            let width = match run.columns {
                1 => String::new(),
                _ => format!(" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\""),
            };
            let text = escaped(&run.text);
            let _ =
                writeln!(out, "<text class=\"l{look}\" x=\"{x}\" y=\"{y}\"{width}>{text}</text>");
        }
    }
}

/// Whether all of `text` are letters of one cell and what stands between them.
fn letters(text: &str) -> bool {
    let narrow = text::width(text) == text.chars().count();
    narrow && text.chars().all(|c| c.is_alphanumeric() || c.is_ascii() || "“”‘’…·„".contains(c))
}

/// The lines of a character that is a line, from the left of `column` on.
fn line(symbol: &str, column: usize) -> Option<String> {
    let (left, right) = (column * CELL.0, (column + 1) * CELL.0);
    // The middle of a pixel, so that a line is one pixel wide.
    let (x, y, bottom) = (left + CELL.0 / 2, CELL.1 / 2, CELL.1);
    let across = format!("M{left} {y}.5H{right}");
    let (to_left, to_right) = (format!("M{x}.5 {y}.5H{left}"), format!("M{x}.5 {y}.5H{right}"));
    let (up, down) = (format!("M{x}.5 {y}.5V0"), format!("M{x}.5 {y}.5V{bottom}"));
    Some(match symbol {
        "─" => across,
        // A little longer than its cell: two of them meet at any scale.
        "│" => format!("M{x}.5 0V{bottom}.5"),
        "┬" => across + &down,
        "┴" => across + &up,
        "┌" | "╭" => to_right + &down,
        "┐" | "╮" => to_left + &down,
        "└" | "╰" => to_right + &up,
        "┘" | "╯" => to_left + &up,
        _ => return None,
    })
}

fn look(cell: &Cell, under: Rgb) -> Look {
    let mut letters = rgb(cell.fg).unwrap_or(LETTERS);
    let mut ground = rgb(cell.bg).filter(|ground| *ground != under);
    if cell.modifier.contains(Modifier::DIM) {
        letters = between(letters, ground.unwrap_or(under));
    }
    if cell.modifier.contains(Modifier::REVERSED) {
        (letters, ground) = (ground.unwrap_or(under), Some(letters));
    }
    Look { letters, ground, bold: cell.modifier.contains(Modifier::BOLD) }
}

fn between(letters: Rgb, ground: Rgb) -> Rgb {
    let mix = |a: u8, b: u8| {
        let sum = u16::from(a) * DIM_PARTS + u16::from(b) * (100 - DIM_PARTS);
        u8::try_from(sum / 100).expect("between two bytes")
    };
    (mix(letters.0, ground.0), mix(letters.1, ground.1), mix(letters.2, ground.2))
}

fn rgb(colour: Color) -> Option<Rgb> {
    let at = match colour {
        Color::Rgb(r, g, b) => return Some((r, g, b)),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(at @ 0..16) => usize::from(at),
        Color::Reset | Color::Indexed(_) => return None,
    };
    Some(COLOURS[at])
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    /// The runs of a row that `parts` were written to, as `column+columns text`.
    fn check(parts: &[(&str, Style)], runs: &[&str]) {
        let mut screen = Buffer::empty(Rect::new(0, 0, 20, 1));
        parts.iter().fold(0, |x, (text, style)| screen.set_stringn(x, 0, text, 20, *style).0);
        let row = row(&screen, 0, GROUND);
        let found: Vec<String> = row
            .runs
            .iter()
            .map(|run| format!("{}+{} {}", run.column, run.columns, run.text))
            .collect();
        assert_eq!(found, runs);
    }

    #[test]
    fn every_run_stands_in_its_cells() {
        let (plain, bold) = (Style::new(), Style::new().add_modifier(Modifier::BOLD));
        check(&[("to be  or not", plain)], &["0+5 to be", "7+6 or not"]);
        check(&[("to ", plain), ("be", bold)], &["0+2 to", "3+2 be"]);
        check(&[("a 石臼 b", plain)], &["0+1 a", "2+2 石", "4+2 臼", "7+1 b"]);
        check(&[("Pavel Dvořák", plain)], &["0+12 Pavel Dvořák"]);
        check(&[("● a🥐b", plain)], &["0+1 ●", "2+1 a", "3+2 🥐", "5+1 b"]);
        check(&[("─│x", plain)], &["2+1 x"]);
        check(&[("   ", plain)], &[]);
    }

    #[test]
    fn what_is_drawn_is_marked_up_and_says_what_it_is() {
        let mut screen = Buffer::empty(Rect::new(0, 0, 8, 2));
        let cursor = Style::new().add_modifier(Modifier::REVERSED);
        screen.set_stringn(0, 0, "a<b>&c", 8, cursor);
        screen.set_stringn(0, 1, "─┬─", 8, Style::new().fg(Color::Cyan));
        let drawn = picture(&screen, "two & two");
        for part in [
            "<title>two &amp; two</title>",
            "a&lt;b&gt;&amp;c</text>",
            "<rect x=\"16\" y=\"16\" width=\"54\" height=\"20\" fill=\"#d8dde6\"/>",
            "stroke=\"#6ccfd8\" d=\"M0 10.5H9M9 10.5H18M13.5 10.5V20M18 10.5H27\"",
        ] {
            assert!(drawn.contains(part), "{part} is not in {drawn}");
        }
        assert_eq!(drawn, picture(&screen, "two & two"));
    }
}
