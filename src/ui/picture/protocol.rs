//! A picture in the terminal's own protocols.
//!
//! Invariant: all bytes of a file were pixels before they come here; what is given to the terminal
//! is bounded, since a key waits while it is written.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat};
use ratatui::layout::Size;
use ratatui_image::protocol::iterm2::Iterm2;
use ratatui_image::protocol::sixel::Sixel;

use super::{Drawing, Way};

/// The longest drawing, in bytes; what is longer is shown as half blocks.
const MAX_DRAWING_BYTES: usize = 6 * 1024 * 1024;
/// Bytes of base 64 in one sequence of kitty's.
const CHUNK_BYTES: usize = 4_096;

/// The drawing of `image` on so many cells; `None` where there is none.
pub(super) fn draw(image: &DynamicImage, cells: (u16, u16), way: Way) -> Option<Drawing> {
    let size = Size { width: cells.0, height: cells.1 };
    let drawing = match way {
        Way::Kitty => kitty(image)?,
        Way::Iterm => {
            let data = Iterm2::new(image.clone(), size, false).ok()?.data;
            Drawing { bytes: data.into_bytes(), erase: Vec::new() }
        }
        Way::Sixel => {
            let data = Sixel::new(image.clone(), size, false).ok()?.data;
            Drawing { bytes: data.into_bytes(), erase: Vec::new() }
        }
        Way::Blocks | Way::Indexed | Way::Shades | Way::Signs => return None,
    };
    (drawing.bytes.len() <= MAX_DRAWING_BYTES).then_some(drawing)
}

/// Kitty's: the picture and its place in one, the cursor stays, nothing is answered (`q=2`).
fn kitty(image: &DynamicImage) -> Option<Drawing> {
    let mut png = Vec::new();
    image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).ok()?;
    // The picture's number; another with the same takes its place.
    let number = std::process::id() & 0x7fff_ffff | 1;
    let encoded = STANDARD.encode(&png);
    let mut bytes = Vec::with_capacity(encoded.len() + encoded.len() / 64);
    let chunks: Vec<&[u8]> = encoded.as_bytes().chunks(CHUNK_BYTES).collect();
    for (at, chunk) in chunks.iter().enumerate() {
        let more = u8::from(at + 1 < chunks.len());
        let head = match at {
            0 => format!("\x1b_Ga=T,f=100,i={number},q=2,C=1,m={more};"),
            _ => format!("\x1b_Gm={more};"),
        };
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\x1b\\");
    }
    let erase = format!("\x1b_Ga=d,d=I,i={number},q=2\x1b\\").into_bytes();
    Some(Drawing { bytes, erase })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_hold_no_more_than_their_sequences() {
        let image = DynamicImage::new_rgb8(120, 60);
        for (way, begins, ends) in [
            (Way::Kitty, "\x1b_Ga=T,f=100,", "\x1b\\"),
            (Way::Iterm, "\x1b[", "\x07"),
            (Way::Sixel, "\x1b[", "\x1b\\"),
        ] {
            let drawn = draw(&image, (12, 3), way).unwrap();
            let text = String::from_utf8(drawn.bytes).unwrap();
            assert!(text.starts_with(begins) && text.ends_with(ends), "{way:?} {text:?}");
            assert_eq!(drawn.erase.is_empty(), way != Way::Kitty);
        }
        assert_eq!(draw(&image, (12, 3), Way::Blocks), None);
    }
}
