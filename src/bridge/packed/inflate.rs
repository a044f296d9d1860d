//! The DEFLATE format (RFC 1951), one block at a time.
//!
//! Invariant: total over any bytes, in bounded memory (the window of 32 KiB and as much again); no
//! byte behind the end of the data is taken. It must not know what is wrapped around the data.

use std::io::{self, Read};

use super::bits::{Bits, damaged};

/// How far back a match may reach, in bytes (RFC 1951 section 2).
const WINDOW_BYTES: usize = 32 * 1024;
/// Output that is kept ready at a time, in bytes.
const OUTPUT_BYTES: usize = 32 * 1024;
/// The longest code (RFC 1951 section 3.2.7), in bits.
const MAX_CODE_BITS: usize = 15;
/// Codes of so many bits are found in one step.
const FAST_BITS: usize = 10;

/// Base values and numbers of extra bits of lengths, from code 257 on (RFC 1951 section 3.2.5).
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// The order in which the lengths of the codes for lengths stand (RFC 1951 section 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// A Huffman code.
#[derive(Debug)]
struct Code {
    /// By the next bits: `symbol << 4 | bits`, 0 where the code is longer.
    fast: Vec<u16>,
    /// How many codes there are of each number of bits.
    counts: [u16; MAX_CODE_BITS + 1],
    /// Symbols by code.
    symbols: Vec<u16>,
}

impl Code {
    /// The code with these numbers of bits by symbol; `single` where a lone code of one bit may
    /// stand for a complete one.
    fn new(lengths: &[u8], single: bool) -> io::Result<Self> {
        let mut counts = [0_u16; MAX_CODE_BITS + 1];
        for length in lengths {
            counts[usize::from(*length)] += 1;
        }
        counts[0] = 0;
        let (mut left, mut longest) = (1_i32, 0);
        for (bits, count) in counts.iter().enumerate().skip(1) {
            left = left * 2 - i32::from(*count);
            if left < 0 {
                return Err(damaged("a code has too many words"));
            }
            if *count > 0 {
                longest = bits;
            }
        }
        if left > 0 && longest > 0 && !(single && longest == 1) {
            return Err(damaged("a code has too few words"));
        }
        let mut next = [0_u16; MAX_CODE_BITS + 2];
        for bits in 1..=MAX_CODE_BITS {
            next[bits + 1] = next[bits] + counts[bits];
        }
        let mut code =
            Self { fast: vec![0; 1 << FAST_BITS], counts, symbols: vec![0; lengths.len()] };
        for (symbol, length) in (0_u16..).zip(lengths) {
            if *length > 0 {
                let at = &mut next[usize::from(*length)];
                code.symbols[usize::from(*at)] = symbol;
                *at += 1;
            }
        }
        code.fill_fast();
        Ok(code)
    }

    fn fill_fast(&mut self) {
        let (mut word, mut index) = (0_usize, 0_usize);
        for bits in 1..=FAST_BITS {
            for _ in 0..self.counts[bits] {
                let entry = self.symbols[index] << 4 | u16::try_from(bits).unwrap_or(0);
                let reversed = word.reverse_bits() >> (usize::BITS as usize - bits);
                let mut at = reversed;
                while at < self.fast.len() {
                    self.fast[at] = entry;
                    at += 1 << bits;
                }
                word += 1;
                index += 1;
            }
            word <<= 1;
        }
    }

    fn read<R: Read>(&self, bits: &mut Bits<R>) -> io::Result<u16> {
        let ahead = bits.ahead(MAX_CODE_BITS)?;
        let entry = self.fast[ahead & ((1 << FAST_BITS) - 1)];
        if entry != 0 {
            bits.take(usize::from(entry & 15))?;
            return Ok(entry >> 4);
        }
        let (mut word, mut first, mut index) = (0_usize, 0_usize, 0_usize);
        for length in 1..=MAX_CODE_BITS {
            word |= ahead >> (length - 1) & 1;
            let count = usize::from(self.counts[length]);
            if word < first + count {
                bits.take(length)?;
                return Ok(self.symbols[index + word - first]);
            }
            index += count;
            first = (first + count) << 1;
            word <<= 1;
        }
        // Fewer bits than the longest code may be left; then the data is cut, not wrong.
        bits.need(MAX_CODE_BITS)?;
        Err(damaged("a word is in no code"))
    }
}

/// What is being read.
#[derive(Debug)]
enum Block {
    /// The next thing is a block's header.
    None,
    /// So many bytes as they are.
    Stored(usize),
    /// Symbols by these codes.
    Coded { literals: Code, distances: Code },
    /// The last block has ended.
    End,
}

/// Reads one stream of blocks.
#[derive(Debug)]
pub(super) struct Inflate {
    block: Block,
    last: bool,
    /// The window, then what was not handed out yet.
    out: Vec<u8>,
    handed: usize,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self { block: Block::None, last: false, out: Vec::new(), handed: 0 }
    }

    /// The next bytes; 0 at the end of the data.
    pub(super) fn read<R: Read>(
        &mut self,
        bits: &mut Bits<R>,
        into: &mut [u8],
    ) -> io::Result<usize> {
        if self.handed == self.out.len() {
            let gone = self.out.len().saturating_sub(WINDOW_BYTES);
            self.out.drain(..gone);
            self.handed = self.out.len();
            // What was made before an error is handed out first; the error comes again.
            if let Err(error) = self.fill(bits)
                && self.handed == self.out.len()
            {
                return Err(error);
            }
        }
        let ready = &self.out[self.handed..];
        let count = ready.len().min(into.len());
        into[..count].copy_from_slice(&ready[..count]);
        self.handed += count;
        Ok(count)
    }

    fn fill<R: Read>(&mut self, bits: &mut Bits<R>) -> io::Result<()> {
        let enough = self.handed + OUTPUT_BYTES;
        while self.out.len() < enough {
            match &mut self.block {
                Block::End => return Ok(()),
                Block::None if self.last => self.block = Block::End,
                Block::None => {
                    self.last = bits.read(1)? == 1;
                    self.block = begin(bits)?;
                }
                Block::Stored(0) => self.block = Block::None,
                Block::Stored(left) => {
                    let count = (*left).min(enough - self.out.len());
                    for _ in 0..count {
                        self.out.push(bits.byte()?);
                        *left -= 1;
                    }
                }
                Block::Coded { literals, distances } => {
                    if coded(bits, literals, distances, &mut self.out, enough)? {
                        self.block = Block::None;
                    }
                }
            }
        }
        Ok(())
    }
}

fn begin<R: Read>(bits: &mut Bits<R>) -> io::Result<Block> {
    match bits.read(2)? {
        0 => {
            bits.align();
            let (length, check) = (bits.read(16)?, bits.read(16)?);
            if length != !check & 0xffff {
                return Err(damaged("a length does not match its check"));
            }
            Ok(Block::Stored(length))
        }
        1 => {
            let mut lengths = [8_u8; 288];
            lengths[144..256].fill(9);
            lengths[256..280].fill(7);
            let literals = Code::new(&lengths, false)?;
            Ok(Block::Coded { literals, distances: Code::new(&[5; 32], false)? })
        }
        2 => codes(bits),
        _ => Err(damaged("a block of no kind")),
    }
}

/// The codes of a block that brings its own.
fn codes<R: Read>(bits: &mut Bits<R>) -> io::Result<Block> {
    let literals = bits.read(5)? + 257;
    let distances = bits.read(5)? + 1;
    let own = bits.read(4)? + 4;
    let mut lengths = [0_u8; 19];
    for at in &ORDER[..own] {
        lengths[*at] = u8::try_from(bits.read(3)?).unwrap_or(0);
    }
    let code = Code::new(&lengths, false)?;
    let mut lengths: Vec<u8> = Vec::with_capacity(literals + distances);
    while lengths.len() < literals + distances {
        let symbol = code.read(bits)?;
        let (value, times) = match symbol {
            16 => {
                let before = lengths.last().ok_or_else(|| damaged("nothing to repeat"))?;
                (*before, bits.read(2)? + 3)
            }
            17 => (0, bits.read(3)? + 3),
            18 => (0, bits.read(7)? + 11),
            value => (u8::try_from(value).unwrap_or(0), 1),
        };
        lengths.extend(std::iter::repeat_n(value, times));
    }
    if lengths.len() > literals + distances || literals > 286 || lengths[256] == 0 {
        return Err(damaged("the lengths of a code are wrong"));
    }
    let (literal, distance) = lengths.split_at(literals);
    Ok(Block::Coded { literals: Code::new(literal, true)?, distances: Code::new(distance, true)? })
}

/// Reads symbols until `out` holds `enough` or the block ends; true at its end.
fn coded<R: Read>(
    bits: &mut Bits<R>,
    literals: &Code,
    distances: &Code,
    out: &mut Vec<u8>,
    enough: usize,
) -> io::Result<bool> {
    while out.len() < enough {
        let symbol = literals.read(bits)?;
        if let Ok(byte) = u8::try_from(symbol) {
            out.push(byte);
            continue;
        }
        if symbol == 256 {
            return Ok(true);
        }
        let (base, extra) = *LENGTHS
            .get(usize::from(symbol) - 257)
            .ok_or_else(|| damaged("a length of no kind"))?;
        let length = usize::from(base) + bits.read(usize::from(extra))?;
        let symbol = usize::from(distances.read(bits)?);
        if symbol > 29 {
            return Err(damaged("a distance of no kind"));
        }
        // Four without extra bits, then two for each number of them.
        let extra = (symbol / 2).saturating_sub(1);
        let base = if symbol < 2 { symbol } else { (2 + symbol % 2) << extra };
        let distance = base + 1 + bits.read(extra)?;
        let from = out.len().checked_sub(distance).ok_or_else(|| damaged("a match before all"))?;
        if distance >= length {
            out.extend_from_within(from..from + length);
        } else {
            for at in from..from + length {
                out.push(out[at]);
            }
        }
    }
    Ok(false)
}
