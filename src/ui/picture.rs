//! A picture of a message as the terminal can show it: cells of half blocks, or bytes in the
//! terminal's own protocol for pictures.
//!
//! Invariant: made off the loop, from bytes that anybody may have sent: bounded in bytes, sides,
//! memory and time, and a decoder that dies takes nothing with it. What is drawn is our own pixels,
//! never a byte of the file; nothing is asked of the terminal.

#[cfg(feature = "images")]
mod made;
#[cfg(feature = "images")]
mod pixels;
#[cfg(feature = "images")]
mod protocol;
mod way;

#[cfg(feature = "images")]
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use ratatui::style::Color;

pub use way::{Way, way};

use crate::notice::{Explain, Notice};

/// The largest file that is looked at, in bytes.
pub const MAX_FILE_BYTES: usize = 32 * 1024 * 1024;
/// The longest side, in pixels.
pub const MAX_SIDE: u32 = 16_384;
/// The most pixels.
pub const MAX_PIXELS: u64 = 40_000_000;

/// A picture, for so many columns and rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Columns that it has.
    pub columns: u16,
    /// Rows that it has.
    pub rows: u16,
    /// The columns and rows that it was made for.
    pub room: (u16, u16),
    /// What it is: its sides and its kind.
    pub facts: String,
    /// How it is shown.
    pub shape: Shape,
}

/// How a picture is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// As cells, row after row.
    Cells(Vec<Dot>),
    /// By the terminal.
    Drawn(Arc<Drawing>),
}

/// A cell of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dot {
    /// Its sign.
    pub sign: char,
    /// The sign's colour.
    pub fg: Option<Color>,
    /// What is behind it.
    pub bg: Option<Color>,
}

/// What the terminal is given to draw a picture, at its upper left cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawing {
    /// What draws it.
    pub bytes: Vec<u8>,
    /// What takes it away where writing over it does not.
    pub erase: Vec<u8>,
}

/// What a picture is made for.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Columns and rows.
    pub cells: (u16, u16),
    /// Pixels of a cell, where the terminal tells.
    pub cell: Option<(u16, u16)>,
    /// How the terminal shows pictures.
    pub way: Way,
}

/// Why a picture is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// No kind that is read here.
    #[error("it is no PNG, JPEG, GIF or WebP picture")]
    Kind,
    /// Too large a file, or too many pixels.
    #[error("{0}: more than is read here")]
    Large(String),
    /// It cannot be read.
    #[error("it is broken: {0}")]
    Broken(String),
    /// It takes too long.
    #[error("it takes too long to read")]
    Slow,
    /// The program was built without pictures.
    #[error("this program was built without pictures")]
    Without,
}

impl Explain for PictureError {
    fn is_permanent(&self) -> bool {
        !matches!(self, Self::Slow)
    }

    fn notice(&self) -> Notice {
        Notice::warning("no-picture", self.to_string(), "o opens it, s saves it")
    }
}

/// Makes a picture of `bytes`; `stop` says that it is not wanted any more.
///
/// # Errors
/// When it cannot be read, or only with more than is given to it.
#[cfg(feature = "images")]
pub fn make(bytes: &[u8], room: Room, stop: &dyn Fn() -> bool) -> Result<Picture, PictureError> {
    let made = crate::crash::report::contained(AssertUnwindSafe(|| made::make(bytes, room, stop)));
    made.unwrap_or_else(|| Err(PictureError::Broken("it cannot be read".to_owned())))
}

/// Makes no picture: this program was built without.
///
/// # Errors
/// Always.
#[cfg(not(feature = "images"))]
pub fn make(_: &[u8], _: Room, _: &dyn Fn() -> bool) -> Result<Picture, PictureError> {
    Err(PictureError::Without)
}
