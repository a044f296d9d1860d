//! A random source that a seed repeats, and the words that generated mail is made of.
//!
//! Invariant: equal seeds give equal values on every machine, in every version.

/// What texts are made of.
const WORDS: [&str; 48] = [
    "about", "after", "agenda", "again", "almost", "answer", "before", "better", "between",
    "bridge", "budget", "build", "change", "coffee", "could", "draft", "early", "every", "first",
    "garden", "harbour", "Helsinki", "invoice", "keep", "late", "letter", "Lisbon", "market",
    "meeting", "minutes", "morning", "notes", "number", "order", "paper", "plan", "question",
    "release", "report", "review", "second", "should", "station", "summer", "ticket", "train",
    "version", "would",
];
/// A random source that a seed repeats (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next value.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A value below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let len = u64::try_from(of.len()).expect("small");
        &of[usize::try_from(self.below(len)).expect("small")]
    }

    /// So many words.
    pub(crate) fn words(&mut self, count: u64) -> String {
        let words: Vec<&str> = (0..count).map(|_| *self.pick(&WORDS)).collect();
        words.join(" ")
    }

    /// An index below `bound`, small ones far more often: the n-th about 1/n as often as the first.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "bounds are far below 2^52, and the rank lies below them"
    )]
    pub(crate) fn rank(&mut self, bound: u64) -> u64 {
        // The inverse of the harmonic sum, near enough: bound^u - 1 for u in [0, 1).
        let share = self.below(1 << 20) as f64 / f64::from(1 << 20);
        let rank = ((bound as f64 + 1.0).powf(share) - 1.0).floor();
        (rank as u64).min(bound - 1)
    }
}
