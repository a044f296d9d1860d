//! Sizes as they are written: `5M`, `100k`, `1.5 GB`, `4096`.
//!
//! Invariant: k, M and G are powers of 1024, as where the language comes from; what does not fit
//! is the largest number.

/// Units by their first letter, the largest first.
const UNITS: [(char, u64); 3] = [('g', 1 << 30), ('m', 1 << 20), ('k', 1 << 10)];

/// The bytes that `text` means.
pub(super) fn parse(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim_start() {
        "" | "b" | "bytes" => 1,
        unit => {
            let mut rest = unit.chars();
            let first = rest.next()?;
            if !matches!(rest.as_str(), "" | "b" | "ib") {
                return None;
            }
            UNITS.iter().find(|(letter, _)| *letter == first)?.1
        }
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole = whole.parse::<u64>().unwrap_or(u64::MAX);
    // Three digits behind the point are more than anybody means.
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    let part: u64 = part.parse().ok()?;
    Some(whole.saturating_mul(unit).saturating_add(part * unit / 1_000))
}

/// `bytes` as it is written, such that reading it gives the same.
pub(super) fn print(bytes: u64) -> String {
    for (letter, unit) in UNITS {
        if bytes > 0 && bytes.is_multiple_of(unit) {
            return format!("{}{}", bytes / unit, letter.to_ascii_uppercase());
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("4096", Some(4096)),
            ("0", Some(0)),
            ("5M", Some(5 << 20)),
            ("5mb", Some(5 << 20)),
            ("5 MiB", Some(5 << 20)),
            ("100k", Some(100 << 10)),
            ("1.5K", Some(1536)),
            ("1G", Some(1 << 30)),
            ("99999999999999999999G", Some(u64::MAX)),
            ("", None),
            ("M", None),
            (".5M", None),
            ("5x", None),
            ("5mm", None),
            ("1.2.3", None),
            ("-5", None),
            ("٣", None),
        ] {
            assert_eq!(parse(text), bytes, "{text:?}");
        }
        for bytes in [0, 1, 1023, 1024, 1 << 20, (1 << 20) + 1, 3 << 30, u64::MAX] {
            assert_eq!(parse(&print(bytes)), Some(bytes));
        }
        assert_eq!(print(5 << 20), "5M");
    }
}
