//! Changes of bytes, drawn by dice.
//!
//! Invariant: the same dice give the same bytes; none is longer than [`MAX_BYTES`]. This file must
//! not know what the bytes mean: words of a format come in as tokens.

use crate::support::clock::Dice;

/// The longest input, in bytes.
pub(super) const MAX_BYTES: usize = 64 * 1024;
/// Changes of one input at most.
const MAX_CHANGES: usize = 8;
/// The longest run of repeats that one change puts in, in bytes.
const MAX_RUN_BYTES: usize = 16 * 1024;
/// Bytes that readers treat as special.
const SPECIAL: &[u8] = b"\0\t\n\r\x1b \"'()<>[]{}\\/;:,=?&%#@*+-_.!|~\x7f\x80\x9b\xc2\xe2\xf0\xff";
/// Numbers at the edges of what fits somewhere.
const NUMBERS: [&str; 10] = [
    "0",
    "-1",
    "127",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "99999999999999999999999",
];

/// An input: one of the seeds, changed.
pub(super) fn input(dice: &mut Dice, seeds: &[Vec<u8>], tokens: &[&[u8]]) -> Vec<u8> {
    let mut bytes = dice.pick(seeds).clone();
    for _ in 0..=dice.below(MAX_CHANGES) {
        change(dice, &mut bytes, seeds, tokens);
        bytes.truncate(MAX_BYTES);
    }
    bytes
}

fn change(dice: &mut Dice, bytes: &mut Vec<u8>, seeds: &[Vec<u8>], tokens: &[&[u8]]) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(12) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *dice.pick(SPECIAL);
            }
        }
        3 => {
            bytes.drain(some(dice, bytes.len()));
        }
        4 => bytes.truncate(at),
        5 => {
            let range = some(dice, bytes.len());
            let most = (MAX_RUN_BYTES / range.len().max(1)).max(1);
            let most = most.min(1 << dice.below(14));
            let times = 1 + dice.below(most);
            put(bytes, at, &bytes[range].repeat(times));
        }
        6 | 7 => put(bytes, at, dice.pick::<&[u8]>(tokens)),
        8 => {
            let token = *dice.pick(tokens);
            let times = (MAX_RUN_BYTES / token.len().max(1)).min(1 << dice.below(14));
            put(bytes, at, &token.repeat(times));
        }
        9 => {
            let other = dice.pick(seeds);
            put(bytes, at, &other[some(dice, other.len())]);
        }
        10 => number(dice, bytes, at),
        _ => {
            let range = some(dice, bytes.len());
            for byte in &mut bytes[range] {
                *byte = dice.next().to_le_bytes()[0];
            }
        }
    }
}

/// A range of so many bytes, short more often than long.
fn some(dice: &mut Dice, length: usize) -> std::ops::Range<usize> {
    let start = dice.below(length + 1);
    let most = (length - start).min(1 << dice.below(15));
    start..start + dice.below(most + 1)
}

fn put(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    bytes.splice(at..at, new.iter().copied());
}

/// Another number in place of the next one.
fn number(dice: &mut Dice, bytes: &mut Vec<u8>, from: usize) {
    let Some(start) = (from..bytes.len()).find(|at| bytes[*at].is_ascii_digit()) else { return };
    let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.splice(start..start + digits, dice.pick(&NUMBERS).bytes());
}

/// The smallest part of an input that still fails in the same way, as far as `most` tries go.
pub(super) fn smallest(input: &[u8], most: usize, fails: &mut dyn FnMut(&[u8]) -> bool) -> Vec<u8> {
    let (mut best, mut tries) = (input.to_vec(), 0);
    let mut piece = best.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < best.len() && tries < most {
            let end = (at + piece).min(best.len());
            let without = [&best[..at], &best[end..]].concat();
            tries += 1;
            if fails(&without) {
                best = without;
            } else {
                at = end;
            }
        }
        piece /= 2;
    }
    best
}

#[test]
fn what_fails_is_made_as_small_as_it_gets() {
    let input = [vec![b'a'; 3_000], b"<!x".to_vec(), vec![b'b'; 3_000]].concat();
    let mut fails = |bytes: &[u8]| bytes.windows(2).any(|two| two == b"<!");
    assert_eq!(smallest(&input, 2_000, &mut fails), b"<!");
}

#[test]
fn a_seed_always_draws_the_same() {
    let draw = |seed| {
        let mut dice = Dice::new(seed);
        let seeds = [b"From: a@b\r\n\r\ntext 12".to_vec(), Vec::new()];
        (0..200).map(|_| input(&mut dice, &seeds, &[b"=?utf-8?q?"])).collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
    assert!(draw(9).iter().all(|bytes| bytes.len() <= MAX_BYTES));
}
