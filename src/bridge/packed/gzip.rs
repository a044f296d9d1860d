//! The gzip format (RFC 1952): one member or several in a row.
//!
//! Invariant: bytes are handed out as they are made; a member whose check is wrong is an error
//! after its bytes, so that what came before a damage is not lost with it. It must not look at a
//! member's name or time.

use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::GzDecoder;

/// What a member begins with (RFC 1952 section 2.3.1): its mark, and DEFLATE.
pub(super) const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Reads what a gzip file holds.
#[derive(Debug)]
pub(super) struct Gzip<R> {
    /// `None` only while one member follows on another, and after the last.
    member: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Gzip<R> {
    pub(super) fn new(input: R) -> Self {
        Self { member: Some(GzDecoder::new(BufReader::new(input))) }
    }

    /// Bytes that were read of the file and are not done with.
    pub(super) fn ahead(&self) -> u64 {
        self.member.as_ref().map_or(0, |member| member.get_ref().buffer().len() as u64)
    }

    /// Goes on to the next member, if there is one. Zeroes to the end are what tapes and some
    /// copies put there.
    fn next(&mut self) -> io::Result<()> {
        let Some(ended) = self.member.take() else { return Ok(()) };
        let mut input = ended.into_inner();
        let mut padded = false;
        loop {
            let left = input.fill_buf()?;
            let Some(first) = left.iter().position(|byte| *byte != 0) else {
                if left.is_empty() {
                    return Ok(());
                }
                padded = true;
                let all = left.len();
                input.consume(all);
                continue;
            };
            if padded || first > 0 || left[0] != MAGIC[0] {
                let what = "what follows is no gzip data";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            self.member = Some(GzDecoder::new(input));
            return Ok(());
        }
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            self.next()?;
        }
        Ok(0)
    }
}
