//! The gzip format (RFC 1952): one member or several in a row.
//!
//! Invariant: bytes are handed out as they are made; a member whose check is wrong is an error
//! after its bytes, so that what came before a damage is not lost with it. It must not look at a
//! member's name or time.

use std::io::{self, Read};

use super::bits::{Bits, damaged};
use super::inflate::Inflate;

/// What a member begins with (RFC 1952 section 2.3.1): its mark, and DEFLATE.
pub(super) const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Flags of a member's header.
const HEADER_CHECK: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// Reads what a gzip file holds.
#[derive(Debug)]
pub(super) struct Gzip<R> {
    bits: Bits<R>,
    member: Option<Member>,
    /// Whether a member was read to its end.
    any: bool,
    ended: bool,
}

#[derive(Debug)]
struct Member {
    inflate: Inflate,
    crc: u32,
    length: u32,
}

impl<R: Read> Gzip<R> {
    pub(super) fn new(input: R) -> Self {
        Self { bits: Bits::new(input), member: None, any: false, ended: false }
    }

    /// How many bytes of the file are done with.
    pub(super) fn position(&self) -> u64 {
        self.bits.position()
    }

    /// Begins the next member; false where the file ends.
    fn begin(&mut self) -> io::Result<bool> {
        if self.any && self.bits.at_end()? {
            return Ok(false);
        }
        let first = self.bits.byte()?;
        if first == 0 && self.any {
            return self.padding();
        }
        let mark = [first, self.bits.byte()?, self.bits.byte()?];
        if mark != MAGIC {
            return Err(damaged("what follows is no gzip data"));
        }
        let flags = self.bits.byte()?;
        if flags & RESERVED != 0 {
            return Err(damaged("a header of no kind"));
        }
        for _ in 0..6 {
            self.bits.byte()?;
        }
        if flags & EXTRA != 0 {
            for _ in 0..self.bits.read(16)? {
                self.bits.byte()?;
            }
        }
        for field in [NAME, COMMENT] {
            while flags & field != 0 && self.bits.byte()? != 0 {}
        }
        if flags & HEADER_CHECK != 0 {
            self.bits.read(16)?;
        }
        self.member = Some(Member { inflate: Inflate::new(), crc: !0, length: 0 });
        Ok(true)
    }

    /// Zeroes to the end are what tapes and some copies put there.
    fn padding(&mut self) -> io::Result<bool> {
        while !self.bits.at_end()? {
            if self.bits.byte()? != 0 {
                return Err(damaged("what follows is no gzip data"));
            }
        }
        Ok(false)
    }

    fn end(&mut self, crc: u32, length: u32) -> io::Result<()> {
        self.bits.align();
        let (said_crc, said_length) = (self.bits.read(32)?, self.bits.read(32)?);
        if said_crc != crc as usize || said_length != length as usize {
            return Err(damaged("the check sum is wrong"));
        }
        self.any = true;
        Ok(())
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !into.is_empty() {
            let Some(member) = &mut self.member else {
                self.ended = !self.begin()?;
                continue;
            };
            let count = member.inflate.read(&mut self.bits, into)?;
            member.crc = crc(member.crc, &into[..count]);
            // The length is kept modulo 2^32.
            member.length = member.length.wrapping_add(u32::try_from(count).unwrap_or(0));
            if count > 0 {
                return Ok(count);
            }
            let (crc, length) = (!member.crc, member.length);
            self.member = None;
            self.end(crc, length)?;
        }
        Ok(0)
    }
}

/// The table of the check sum (RFC 1952 section 8).
const CRC: [u32; 256] = {
    let mut table = [0_u32; 256];
    let mut at = 0;
    while at < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "at is below 256")]
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { 0xedb8_8320 ^ value >> 1 } else { value >> 1 };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
};

fn crc(mut crc: u32, bytes: &[u8]) -> u32 {
    for byte in bytes {
        crc = CRC[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ crc >> 8;
    }
    crc
}
