//! Benches: see `tests/run bench`.

fn main() {}
