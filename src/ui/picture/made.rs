//! From bytes to a picture.
//!
//! Invariant: what a file says of itself is not believed before it is bounded: its kind is what its
//! first bytes say, its sides are looked at before a pixel is read, and reading ends when time is
//! up or nobody wants it any more. Of moving pictures the first is read.

use std::io::{BufRead, Cursor, Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use image::metadata::Orientation;
use image::{
    DynamicImage, GenericImageView as _, ImageDecoder as _, ImageError, ImageFormat, ImageReader,
    Limits, Rgb, RgbImage,
};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use ratatui::widgets::Widget as _;
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::halfblocks::Halfblocks;

use super::pixels::{fit, indexed, shade};
use super::protocol;
use super::{Dot, MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE, Picture, PictureError, Room, Shape, Way};
use crate::mail::file_type;
use crate::safe_text;
use crate::ui::text;

/// Memory that a decoder may take for itself, in bytes.
const MAX_DECODER_BYTES: u64 = 256 * 1024 * 1024;
/// How long a file is read.
const PATIENCE: Duration = Duration::from_secs(10);
/// Half blocks have two pixels above each other in a cell.
const BLOCK: (u16, u16) = (1, 2);
/// What is behind what can be seen through: pages are white.
const PAPER: u8 = 255;
/// Signs of an error of a decoder that are said.
const SAID_COLUMNS: usize = 60;

/// The bytes, until time is up.
struct Timed<'a> {
    bytes: Cursor<&'a [u8]>,
    until: Instant,
    stop: &'a dyn Fn() -> bool,
}

impl Timed<'_> {
    fn look(&self) -> std::io::Result<()> {
        if Instant::now() > self.until || (self.stop)() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.look()?;
        self.bytes.read(out)
    }
}

impl BufRead for Timed<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.look()?;
        self.bytes.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.consume(amount);
    }
}

impl Seek for Timed<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.bytes.seek(to)
    }
}

pub(super) fn make(
    bytes: &[u8],
    room: Room,
    stop: &dyn Fn() -> bool,
) -> Result<Picture, PictureError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(PictureError::Large(text::size(bytes.len() as u64)));
    }
    let (format, kind) = match file_type("", bytes) {
        "image/png" => (ImageFormat::Png, "PNG"),
        "image/jpeg" => (ImageFormat::Jpeg, "JPEG"),
        "image/gif" => (ImageFormat::Gif, "GIF"),
        "image/webp" => (ImageFormat::WebP, "WebP"),
        _ => return Err(PictureError::Kind),
    };
    let image =
        read(Timed { bytes: Cursor::new(bytes), until: Instant::now() + PATIENCE, stop }, format)?;
    let sides = image.dimensions();
    let facts = format!("{} × {}, {kind}, {}", sides.0, sides.1, text::size(bytes.len() as u64));
    Ok(picture(&image, room, facts))
}

fn read(bytes: Timed<'_>, format: ImageFormat) -> Result<DynamicImage, PictureError> {
    let mut reader = ImageReader::with_format(bytes, format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| failed(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || width.max(height) > MAX_SIDE {
        return Err(PictureError::Large(format!("{width} × {height} pixels")));
    }
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| failed(&error))?;
    image.apply_orientation(turned);
    Ok(image)
}

fn failed(error: &ImageError) -> PictureError {
    match error {
        ImageError::Limits(_) => PictureError::Large("it is large".to_owned()),
        ImageError::IoError(io) if io.kind() == std::io::ErrorKind::TimedOut => PictureError::Slow,
        // It may quote the file.
        other => {
            let said = safe_text::line(&other.to_string());
            PictureError::Broken(text::cut(&said, SAID_COLUMNS))
        }
    }
}

fn picture(image: &DynamicImage, room: Room, facts: String) -> Picture {
    let sides = image.dimensions();
    if let Some(cell) = room.cell.filter(|cell| cell.0 > 0 && cell.1 > 0) {
        let (fitted, (columns, rows)) = fit(sides, room.cells, cell);
        let own = matches!(room.way, Way::Kitty | Way::Iterm | Way::Sixel);
        let drawing = own
            .then(|| on_paper(&scaled(image, fitted)))
            .and_then(|image| protocol::draw(&image, (columns, rows), room.way));
        if let Some(drawing) = drawing {
            let shape = Shape::Drawn(drawing.into());
            return Picture { columns, rows, room: room.cells, facts, shape };
        }
    }
    let (fitted, (columns, rows)) = fit(sides, room.cells, BLOCK);
    let image = on_paper(&scaled(image, fitted));
    let dots = match room.way {
        Way::Shades | Way::Signs => shades(&image, (columns, rows), room.way == Way::Signs),
        way => blocks(image, (columns, rows), way == Way::Indexed),
    };
    Picture { columns, rows, room: room.cells, facts, shape: Shape::Cells(dots) }
}

fn scaled(image: &DynamicImage, sides: (u32, u32)) -> DynamicImage {
    if image.dimensions() == sides {
        return image.clone();
    }
    image.thumbnail_exact(sides.0, sides.1)
}

/// What can be seen through stands on white.
fn on_paper(image: &DynamicImage) -> DynamicImage {
    let image = image.to_rgba8();
    let mut out = RgbImage::new(image.width(), image.height());
    for (from, to) in image.pixels().zip(out.pixels_mut()) {
        let [r, g, b, seen] = from.0;
        let over = |c: u8| {
            let (c, seen) = (u32::from(c), u32::from(seen));
            u8::try_from((c * seen + u32::from(PAPER) * (255 - seen)) / 255).unwrap_or(PAPER)
        };
        *to = Rgb([over(r), over(g), over(b)]);
    }
    DynamicImage::ImageRgb8(out)
}

fn shades(image: &DynamicImage, (columns, rows): (u16, u16), plain: bool) -> Vec<Dot> {
    let small = image.thumbnail_exact(columns.into(), rows.into()).to_luma8();
    let dot = |luma: u8| Dot { sign: shade(luma, plain), fg: None, bg: None };
    small.pixels().map(|pixel| dot(pixel.0[0])).collect()
}

fn blocks(image: DynamicImage, (width, height): (u16, u16), few: bool) -> Vec<Dot> {
    let area = Rect { x: 0, y: 0, width, height };
    let mut cells = Buffer::empty(area);
    let blocks = Halfblocks::new(image, Size { width, height });
    if let Ok(blocks) = blocks.map(Protocol::Halfblocks) {
        ratatui_image::Image::new(&blocks).render(area, &mut cells);
    }
    let colour = |colour: Color| {
        (colour != Color::Reset).then(|| if few { indexed(colour) } else { colour })
    };
    let dot = |cell: &ratatui::buffer::Cell| Dot {
        sign: cell.symbol().chars().next().unwrap_or(' '),
        fg: colour(cell.fg),
        bg: colour(cell.bg),
    };
    cells.content.iter().map(dot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { cells: (40, 10), cell: Some((8, 16)), way: Way::Blocks };

    fn bytes(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Vec::new();
        image.write_to(&mut Cursor::new(&mut out), format).unwrap();
        out
    }

    fn made(bytes: &[u8], way: Way) -> Result<Picture, PictureError> {
        make(bytes, Room { way, ..ROOM }, &|| false)
    }

    #[test]
    fn four_kinds_are_shown() {
        let red = DynamicImage::ImageRgb8(RgbImage::from_pixel(64, 32, Rgb([250, 0, 0])));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let file = bytes(&red, format);
            let shown = made(&file, Way::Blocks).unwrap();
            assert_eq!((shown.columns, shown.rows), (40, 10), "{format:?}");
            assert!(shown.facts.starts_with("64 × 32, "), "{}", shown.facts);
            let Shape::Cells(dots) = shown.shape else { panic!("{format:?}") };
            assert_eq!(dots.len(), 400);
            let Some(Color::Rgb(r, g, b)) = dots[5].bg else { panic!("{:?}", dots[5]) };
            assert!(r > 230 && g < 30 && b < 30, "{:?}", dots[5]);
            let few = made(&file, Way::Indexed).unwrap();
            assert!(
                matches!(few.shape, Shape::Cells(dots) if dots[0].bg == Some(Color::Indexed(196)))
            );
            let calm = made(&file, Way::Shades).unwrap();
            let Shape::Cells(dots) = calm.shape else { panic!("{format:?}") };
            assert!(dots.iter().all(|dot| dot.fg.is_none() && dot.bg.is_none()));
            for own in [Way::Kitty, Way::Iterm, Way::Sixel] {
                let drawn = made(&file, own).unwrap();
                assert_eq!((drawn.columns, drawn.rows), (8, 2), "as large as it is");
                assert!(matches!(drawn.shape, Shape::Drawn(_)));
            }
        }
    }

    #[test]
    fn a_protocol_needs_the_size_of_a_cell() {
        let file = bytes(&DynamicImage::new_rgba8(9, 9), ImageFormat::Png);
        let room = Room { cell: None, way: Way::Kitty, ..ROOM };
        let shown = make(&file, room, &|| false).unwrap();
        let Shape::Cells(dots) = shown.shape else { panic!("it is drawn") };
        assert_eq!(dots[0].bg, Some(Color::Rgb(255, 255, 255)), "nothing is seen on white");
    }

    /// The beginning of a PNG that says it has these sides.
    fn claims(width: u32, height: u32) -> Vec<u8> {
        let mut file = bytes(&DynamicImage::new_rgb8(1, 1), ImageFormat::Png);
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&file[12..29]);
        file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        file
    }

    #[test]
    fn what_lies_is_not_shown() {
        let large = |bytes: &[u8]| matches!(made(bytes, Way::Blocks), Err(PictureError::Large(_)));
        assert!(large(&claims(100_000, 100_000)) && large(&claims(16_000, 16_000)));
        assert!(large(&vec![0; MAX_FILE_BYTES + 1]));
        let sides = *b"\xff\xff\xff\xff";
        // A GIF of 65535 by 65535 in a few bytes.
        let parts = [
            &b"GIF89a"[..],
            &sides,
            b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0",
            &sides,
            b"\0\x02\x02D\x01\0;",
        ];
        assert!(large(&parts.concat()));
        let broken =
            |bytes: &[u8]| matches!(made(bytes, Way::Blocks), Err(PictureError::Broken(_)));
        assert!(broken(&claims(3_000, 3_000)));
        let noise =
            RgbImage::from_fn(90, 90, |x, y| Rgb([x * y, x * 7, y].map(|c| c.to_le_bytes()[0])));
        let noise = DynamicImage::ImageRgb8(noise);
        for format in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
            let whole = bytes(&noise, format);
            assert!(broken(&whole[..whole.len() / 2]), "{format:?}");
        }
        // The beginning of a JPEG may be shown, or not; it is never waited for.
        let whole = bytes(&noise, ImageFormat::Jpeg);
        drop(made(&whole[..whole.len() / 2], Way::Blocks));
        for other in [&b""[..], b"<svg/>", b"BM\0\0", b"%PDF-1.4"] {
            assert_eq!(made(other, Way::Blocks), Err(PictureError::Kind));
        }
    }

    #[test]
    fn reading_stops_when_nobody_wants_it() {
        let file = bytes(&DynamicImage::new_rgb8(800, 800), ImageFormat::Png);
        assert_eq!(make(&file, ROOM, &|| true), Err(PictureError::Slow));
    }
}
