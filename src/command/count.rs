//! Numbers of things as they are said.
//!
//! Invariant: the same number is written the same way on the screen, in the history and by
//! commands.

/// `n` with a comma between thousands.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `one` or `many` after the number, as `n` asks.
#[must_use]
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// "3 conversations".
#[must_use]
pub fn conversations(count: u64) -> String {
    plural(count, "conversation", "conversations")
}
