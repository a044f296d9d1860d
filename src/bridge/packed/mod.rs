//! Opens a file that may be packed: gzip and zstd are read as what they hold.
//!
//! Invariant: memory is bounded whatever a file unpacks to, and so is what it may unpack to: a
//! stream that grows far beyond its file is an error with the bounds in it. A file is packed by its
//! first bytes, never by its name. It must not read a whole file.

mod gzip;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use gzip::Gzip;

/// Bytes that are looked at to know what a file is.
const FRONT_BYTES: usize = 8 * 1024;
/// What a packed file may always unpack to, in bytes.
pub const FREE_BYTES: u64 = 64 * 1024 * 1024;
/// Beyond that, how many bytes each byte of the file may unpack to. Mail is packed to a tenth, a
/// box of much the same message to a hundredth; only nothing at all packs so well.
pub const MAX_RATIO: u64 = 400;
/// The largest window of a zstd frame, as a power of two: 128 MiB, what `zstd --long` writes.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What a zstd frame begins with (RFC 8878 section 3.1.1), and what one to be skipped does, but
/// for its lowest four bits.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const ZSTD_SKIPPED: [u8; 3] = [0x2a, 0x4d, 0x18];

/// What begins so is packed in a way that is not read here; each with what it is.
const OTHERS: [(&[u8], &str); 9] = [
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\xfd7zXZ\x00", "packed by xz"),
    (b"\x04\x22\x4d\x18", "packed by lz4"),
    (b"Dovecot-LZ4\x0d\x2a\x9b\xc5", "packed by lz4"),
    (b"\x1f\x9d", "packed by compress"),
    (b"BZh", "packed by bzip2"),
    (b"!BDN", "an Outlook data file"),
];
/// What follows `BZh` and a digit: without it, it is text.
const BZIP2_BLOCK: &[u8] = b"\x31\x41\x59\x26\x53\x59";
/// Where a tar archive says that it is one.
const TAR_MARK: (usize, &[u8]) = (257, b"ustar");

/// Why a packed file is not read, or not further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PackedError {
    /// A stable word.
    pub code: &'static str,
    /// One line.
    pub reason: String,
}

impl From<PackedError> for io::Error {
    fn from(error: PackedError) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

impl PackedError {
    /// The one inside, if it is one of ours.
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// The bytes of a file as they are, those that were looked at first.
type Whole = Chain<Cursor<Vec<u8>>, Counted>;

/// A file, and how much of it was read.
#[derive(Debug)]
struct Counted {
    file: File,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

enum Inner {
    Plain(Whole),
    Gzip(Box<Gzip<Whole>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Whole>>>),
}

/// What a file holds, unpacked.
pub struct Input {
    inner: Inner,
    read: Rc<Cell<u64>>,
    made: u64,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (read, made) = (self.read.get(), self.made);
        f.debug_struct("Input").field("read", &read).field("made", &made).finish_non_exhaustive()
    }
}

/// Opens a file.
///
/// # Errors
/// When it cannot be read, or is packed in a way that is not read here.
pub fn open(path: &Path) -> io::Result<Input> {
    let mut file = File::open(path)?;
    let mut front = Vec::with_capacity(FRONT_BYTES);
    file.by_ref().take(FRONT_BYTES as u64).read_to_end(&mut front)?;
    let read = Rc::new(Cell::new(front.len() as u64));
    if let Some(what) = other(&front) {
        return Err(not_read(what));
    }
    let counted = Counted { file, read: Rc::clone(&read) };
    let (gzip, zstd) = (front.starts_with(&gzip::MAGIC), is_zstd(&front));
    let whole = Cursor::new(front).chain(counted);
    let inner = if gzip {
        Inner::Gzip(Box::new(Gzip::new(whole)))
    } else if zstd {
        let mut decoder = zstd::stream::read::Decoder::new(whole)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG)?;
        Inner::Zstd(Box::new(decoder))
    } else {
        Inner::Plain(whole)
    };
    Ok(Input { inner, read, made: 0 })
}

impl Input {
    /// Whether the file is packed.
    #[must_use]
    pub fn packed(&self) -> bool {
        !matches!(self.inner, Inner::Plain(_))
    }

    /// How much of the file was read, in bytes of the file.
    #[must_use]
    pub fn position(&self) -> u64 {
        match &self.inner {
            Inner::Gzip(gzip) => self.read.get().saturating_sub(gzip.ahead()),
            Inner::Plain(_) | Inner::Zstd(_) => self.read.get(),
        }
    }

    /// What goes wrong with a packed file, in words.
    fn why(&self, error: &io::Error) -> io::Error {
        let how = if matches!(self.inner, Inner::Gzip(_)) { "gzip" } else { "zstd" };
        let at = self.position();
        let reason = match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("the {how} data is cut off at byte {at}"),
            _ => format!("the {how} data is damaged at byte {at} or before: {error}"),
        };
        PackedError { code: "damaged", reason }.into()
    }

    fn bounded(&self) -> io::Result<()> {
        let read = self.read.get();
        if self.made <= FREE_BYTES || self.made / MAX_RATIO <= read {
            return Ok(());
        }
        let free = FREE_BYTES / (1024 * 1024);
        let reason = format!(
            "{read} bytes unpack to more than {free} MiB and to more than {MAX_RATIO} times as many"
        );
        Err(PackedError { code: "unpacks-too-large", reason }.into())
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.inner {
            Inner::Plain(whole) => return whole.read(into),
            Inner::Gzip(gzip) => gzip.read(into),
            Inner::Zstd(zstd) => zstd.read(into),
        };
        match count {
            Ok(count) => {
                self.made += count as u64;
                self.bounded()?;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.why(&error)),
        }
    }
}

fn is_zstd(front: &[u8]) -> bool {
    front.starts_with(&ZSTD)
        || matches!(front, [0x50..=0x5f, rest @ ..] if rest.starts_with(&ZSTD_SKIPPED))
}

/// What a file that begins so is, where it is packed in a way that is not read here.
fn other(front: &[u8]) -> Option<&'static str> {
    let (_, what) = OTHERS.into_iter().find(|(mark, _)| front.starts_with(mark))?;
    let text = front.starts_with(b"BZh")
        && !front[3..].get(1..).is_some_and(|f| f.starts_with(BZIP2_BLOCK));
    (!text).then_some(what)
}

fn not_read(what: &str) -> io::Error {
    let reason = format!("{what}: unpack it first, and import what is in it");
    PackedError { code: "not-mail", reason }.into()
}

/// Refuses what is an archive once it is unpacked.
///
/// # Errors
/// When it begins as one.
pub(crate) fn no_archive(start: &[u8]) -> io::Result<()> {
    let (at, mark) = TAR_MARK;
    if start.get(at..).is_some_and(|rest| rest.starts_with(mark)) {
        return Err(not_read("a tar archive"));
    }
    other(start).map_or(Ok(()), |what| Err(not_read(what)))
}

/// The name of a file as it was before it was packed.
pub(crate) fn stem(name: &str) -> &str {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let packed = ["gz", "zst", "zstd"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    if packed && !stem.is_empty() { stem } else { name }
}
