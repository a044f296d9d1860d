//! Bits of a stream, the lowest first, and its whole bytes.
//!
//! Invariant: what was looked at and not taken is still there; how many bytes were taken is known
//! at any time. It must not look at more of the stream than its buffer holds.

use std::io::{self, Read};

/// How much is read at a time, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// The stream does not say what its format allows.
pub(super) fn damaged(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Reads a stream bit by bit.
#[derive(Debug)]
pub(super) struct Bits<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    /// Bytes that were read before the buffer.
    before: u64,
    held: u64,
    count: usize,
}

impl<R: Read> Bits<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), at: 0, before: 0, held: 0, count: 0 }
    }

    /// How many bytes are done with, the one that is begun included.
    pub(super) fn position(&self) -> u64 {
        self.before + self.at as u64 - (self.count / 8) as u64
    }

    /// Holds as many bits as there are room and stream for.
    fn hold(&mut self) -> io::Result<()> {
        while self.count <= 56 {
            if self.at == self.buffer.len() {
                self.before += self.buffer.len() as u64;
                self.at = 0;
                self.buffer.clear();
                self.input.by_ref().take(BUFFER_BYTES as u64).read_to_end(&mut self.buffer)?;
                if self.buffer.is_empty() {
                    return Ok(());
                }
            }
            self.held |= u64::from(self.buffer[self.at]) << self.count;
            self.at += 1;
            self.count += 8;
        }
        Ok(())
    }

    /// The next bits, `bits` (at most 56) of them or more; behind the end they are 0.
    pub(super) fn ahead(&mut self, bits: usize) -> io::Result<usize> {
        if self.count < bits {
            self.hold()?;
        }
        Ok(usize::try_from(self.held & 0xffff_ffff).unwrap_or(0))
    }

    /// Whether so many bits are there.
    pub(super) fn need(&mut self, bits: usize) -> io::Result<()> {
        if self.count < bits {
            self.hold()?;
            if self.count < bits {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Takes bits (at most 56) that were looked at.
    pub(super) fn take(&mut self, bits: usize) -> io::Result<()> {
        self.need(bits)?;
        self.held >>= bits;
        self.count -= bits;
        Ok(())
    }

    /// A number of so many bits (at most 32).
    pub(super) fn read(&mut self, bits: usize) -> io::Result<usize> {
        self.need(bits)?;
        let value = self.held & ((1 << bits) - 1);
        self.take(bits)?;
        Ok(usize::try_from(value).unwrap_or(0))
    }

    /// Leaves the rest of a byte that is begun.
    pub(super) fn align(&mut self) {
        let rest = self.count % 8;
        self.held >>= rest;
        self.count -= rest;
    }

    /// A whole byte.
    pub(super) fn byte(&mut self) -> io::Result<u8> {
        Ok(u8::try_from(self.read(8)?).unwrap_or(0))
    }

    /// Whether nothing is left.
    pub(super) fn at_end(&mut self) -> io::Result<bool> {
        self.hold()?;
        Ok(self.count == 0)
    }
}
