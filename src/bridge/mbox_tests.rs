//! Tests of the mbox reader: where messages begin and end, in every dialect, and in no dialect.

use super::*;
use proptest::prelude::*;

/// Reads all of `file`: (offset, raw) of each message, and offsets of those too large.
fn read(file: &[u8], max: usize) -> (Vec<(u64, Vec<u8>)>, Vec<u64>) {
    let mut reader = MboxReader::new(io::BufReader::with_capacity(7, file), max);
    let (mut messages, mut large) = (Vec::new(), Vec::new());
    while let Some(entry) = reader.next_entry().unwrap() {
        match entry {
            Entry::Message { offset, raw, .. } => messages.push((offset, raw)),
            Entry::TooLarge { offset, .. } => large.push(offset),
        }
    }
    assert_eq!(reader.offset(), file.len() as u64);
    (messages, large)
}

fn check(file: &str, expected: &[(u64, &str)]) {
    let (messages, large) = read(file.as_bytes(), 10_000);
    let messages: Vec<(u64, String)> = messages
        .into_iter()
        .map(|(offset, raw)| (offset, String::from_utf8(raw).unwrap()))
        .collect();
    let expected: Vec<(u64, String)> =
        expected.iter().map(|(offset, raw)| (*offset, (*raw).to_owned())).collect();
    assert_eq!((messages, large), (expected, vec![]), "{file:?}");
}

const D: &str = "From a@b Fri Feb 22 17:06:23 2008";

#[test]
fn messages_begin_after_an_empty_line() {
    check("", &[]);
    check("\n\n", &[]);
    check(&format!("{D}\nA: 1\n\nx\n\n{D}\nB: 2\n\n"), &[(0, "A: 1\n\nx\n"), (43, "B: 2\n")]);
    check(&format!("\n{D}\nA: 1\n\nx"), &[(1, "A: 1\n\nx")]);
    // Not after an empty line, and prose after one: both are text.
    check(&format!("{D}\nA: 1\n\nx\n{D}\n"), &[(0, &format!("A: 1\n\nx\n{D}\n"))]);
    check(&format!("{D}\nA: 1\n\nFrom me to you\nx\n"), &[(0, "A: 1\n\nFrom me to you\nx\n")]);
    check("From x\nA: 1\n\nFrom \nB: 2\n", &[(0, "A: 1\n"), (13, "B: 2\n")]);
    check(&format!("{D}\n\n{D}\nB: 2\n"), &[(0, ""), (35, "B: 2\n")]);
}

#[test]
fn a_file_that_was_cut_gives_what_is_there() {
    check(&format!("{D}\nA: 1\n\nx\n\n{D}"), &[(0, "A: 1\n\nx\n"), (43, "")]);
    check(&format!("{D}\nA: 1\n\nx\n\n{}", &D[..12]), &[(0, "A: 1\n\nx\n"), (43, "")]);
    check(&format!("{D}\nA: 1\n\nx\n\n{D}\nB"), &[(0, "A: 1\n\nx\n"), (43, "B")]);
}

#[test]
fn quoting_is_undone_by_one() {
    check(
        &format!("{D}\nA: 1\n\n>From x\n>>From y\n> From z\n>Fromage\n\n"),
        &[(0, "A: 1\n\nFrom x\n>From y\n> From z\n>Fromage\n")],
    );
}

#[test]
fn crlf_files_keep_their_line_ends() {
    check(
        &format!("{D}\r\nA: 1\r\n\r\n>From x\r\n\r\n{D}\r\nB: 2\r\n\r\n"),
        &[(0, "A: 1\r\n\r\nFrom x\r\n"), (54, "B: 2\r\n")],
    );
}

#[test]
fn a_message_above_the_bound_is_listed_and_the_rest_goes_on() {
    let long = "y".repeat(3 * PIECE_BYTES);
    let file = format!("{D}\nA: 1\n\n{D}\nC: {long}\n\n{D}\nB: 2\n");
    let (messages, large) = read(file.as_bytes(), 100);
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1].1, b"B: 2\n");
    assert_eq!(large, [40]);
    // Exactly the bound is taken in.
    let file = format!("{D}\n{}\n\n", "z".repeat(99));
    assert_eq!(read(file.as_bytes(), 100).0[0].1.len(), 100);
    assert_eq!(read(file.as_bytes(), 99).1, [0]);
}

#[test]
fn a_line_longer_than_a_piece_does_not_begin_one() {
    let long = format!("{}From a@b Fri Feb 22 17:06:23 2008", "y".repeat(PIECE_BYTES));
    check_len(&format!("{D}\nA: 1\n\n{long}\n"), 1);
}

#[test]
fn a_file_with_other_line_ends_is_not_lost() {
    let file = format!("{D}\rA: 1\r\r{}", "x\r".repeat(600));
    check(&file, &[(0, &file)]);
}

fn check_len(file: &str, expected: usize) {
    assert_eq!(read(file.as_bytes(), 1 << 20).0.len(), expected);
}

#[test]
fn an_unquoted_from_line_is_text_unless_a_header_follows() {
    let text = |body: &str| {
        let raw = format!("A: 1\n\n{body}\n");
        check(
            &format!("{D}\n{raw}\n{D}\nB: 2\n"),
            &[(0, &raw), (D.len() as u64 + raw.len() as u64 + 2, "B: 2\n")],
        );
    };
    text("x\n\nFrom now on, we meet at 17:06.\nNote: bring tea");
    text("x\n\nFrom a@b Fri Feb 22 17:06:23 2008\nand so on: not a field");
    text("x\n\nFrom our talk on Fri Feb 22 17:06:23 2008\n\nSubject: x");
    text("x\n\nFrom a@b on Friday\nhe wrote: no");
    text("x\nFrom a@b Fri Feb 22 17:06:23 2008\nSubject: not after an empty line");
    // Nothing tells this one from a separator, and a writer that does not quote loses.
    let file = format!("{D}\nA: 1\n\nx\n\n{D}\nSubject: y\n");
    check(&file, &[(0, "A: 1\n\nx\n"), (43, "Subject: y\n")]);
}

#[test]
fn mozilla_and_eudora_need_no_empty_line() {
    let moz = "From - Sat Feb 05 09:19:10 2022";
    let eudora = "From ???@??? Sat Feb 05 09:19:10 2022";
    for line in [moz, eudora] {
        let file = format!("{line}\nA: 1\n\nx\n{line}\nB: 2\n\ny\n\n{line}\nC: 3\n");
        let second = line.len() as u64 + 9;
        let third = second + line.len() as u64 + 10;
        check(&file, &[(0, "A: 1\n\nx\n"), (second, "B: 2\n\ny\n"), (third, "C: 3\n")]);
        let file = format!("{line}\nA: 1\n\nx\n{line}\nhe wrote\n");
        check(&file, &[(0, &format!("A: 1\n\nx\n{line}\nhe wrote\n"))]);
    }
}

/// A file of one message with this length and body, then `after`; what is read of its first.
fn check_length(length: &str, body: &str, after: &str, expected: &[&str]) {
    let file = format!("{D}\nContent-Length: {length}\n\n{body}{after}");
    let (messages, _) = read(file.as_bytes(), 10_000);
    let bodies: Vec<String> = messages
        .iter()
        .map(|(_, raw)| {
            let raw = String::from_utf8_lossy(raw);
            raw.strip_prefix(&format!("Content-Length: {length}\n\n")).unwrap_or(&raw).to_owned()
        })
        .collect();
    assert_eq!(bodies, expected, "{file:?}");
}

#[test]
fn a_length_counts_only_where_a_message_ends_there() {
    let next = format!("{D}\nB: 2\n");
    let body = format!("x\n\n{D}\nSubject: unquoted\n");
    let right = body.len().to_string();
    check_length(&right, &body, &format!("\n{next}"), &[&body, "B: 2\n"]);
    check_length(&right, &body, &next, &[&body, "B: 2\n"]);
    check_length(&right, &body, "", &[&body]);
    check_length(&right, &body, "\n", &[&body]);
    check_length("0", "", &format!("\n{next}"), &["", "B: 2\n"]);
    check_length("1", "x", &format!("\n\n{next}"), &["x", "B: 2\n"]);
    check_length("1", "x", &format!("\r\n\r\n{next}"), &["x", "B: 2\n"]);
    // Quoting is undone, as in mboxo, unless something shows that this writer does none.
    check_length("9", ">From me\n", &format!("\n{next}"), &["From me\n", "B: 2\n"]);
    check_length("17", "From x\n>From me\n ", "\n", &["From x\n>From me\n "]);
    // Wrong, and several that do not agree: by the separator.
    for wrong in ["1", "2", "400", "99999999999999999999999", "-4", "4, 4", "", "4\n5"] {
        check_length(wrong, "x y\n", &format!("\n{next}"), &["x y\n", "B: 2\n"]);
    }
    let with_two = "4\nContent-Length: 5";
    check_length(with_two, "x y\n", &format!("\n{next}"), &["x y\n", "B: 2\n"]);
    // A message that is cut.
    check_length("400", "x y\n", "", &["x y\n"]);
}

#[test]
fn lengths_above_the_bound_are_not_looked_at() {
    let body = "y".repeat(200);
    let file = format!("{D}\nContent-Length: 201\n\n{body}\n\n{D}\nB: 2\n");
    let (messages, large) = read(file.as_bytes(), 100);
    assert_eq!((messages.len(), large.len()), (1, 1));
}

#[test]
fn what_was_read_before_an_error_is_there() {
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    let file = format!("{D}\nA: 1\n\nx\n\n{D}\nB: 2\n");
    let mut reader = MboxReader::new(file.as_bytes().chain(Breaks), 1000);
    assert!(matches!(reader.next_entry(), Ok(Some(Entry::Message { offset: 0, .. }))));
    assert_eq!(reader.next_entry().unwrap_err().to_string(), "broken");
    assert_eq!(reader.begun_at(), 43);
}

/// The dialects, as their writers write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    O,
    Rd,
    Cl,
    Cl2,
}

fn write(dialect: Dialect, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for message in messages {
        file.extend_from_slice(D.as_bytes());
        file.push(b'\n');
        let mut quoted = Vec::new();
        for line in message.split_inclusive(|b| *b == b'\n') {
            let quotes = line.iter().take_while(|b| **b == b'>').count();
            let quote = match dialect {
                Dialect::Rd => line[quotes..].starts_with(PREFIX),
                Dialect::O | Dialect::Cl => line.starts_with(PREFIX),
                Dialect::Cl2 => false,
            };
            if quote {
                quoted.push(b'>');
            }
            quoted.extend_from_slice(line);
        }
        if matches!(dialect, Dialect::Cl | Dialect::Cl2) {
            let header = quoted.windows(2).position(|pair| pair == b"\n\n").unwrap();
            let length = quoted.len() - header - 2;
            file.extend_from_slice(format!("Content-Length: {length}\n").as_bytes());
        }
        file.extend_from_slice(&quoted);
        file.push(b'\n');
    }
    file
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let words = prop_oneof![
        Just(b"From ".to_vec()),
        Just(b">".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(format!("\n\n{D}\n").into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(words, 0..12).prop_map(|words| {
        let mut text = b"A: 1\n\n".to_vec();
        text.extend(words.concat());
        text.push(b'\n');
        text
    })
}

proptest! {
    #[test]
    fn what_mboxrd_writes_is_read_back(messages in proptest::collection::vec(body(), 1..5)) {
        let (read, large) = read(&write(Dialect::Rd, &messages), 1 << 20);
        let read: Vec<Vec<u8>> = read.into_iter().map(|(_, raw)| raw).collect();
        prop_assert_eq!(read, messages);
        prop_assert!(large.is_empty());
    }

    #[test]
    fn every_dialect_gives_the_same_messages(
        messages in proptest::collection::vec(body(), 1..5),
    ) {
        for dialect in [Dialect::O, Dialect::Rd, Dialect::Cl, Dialect::Cl2] {
            let (read, large) = read(&write(dialect, &messages), 1 << 20);
            let hashes = |raws: Vec<&Vec<u8>>| -> Vec<[u8; 32]> {
                raws.into_iter().map(|raw| crate::mail::canonical_hash(raw)).collect()
            };
            let same = hashes(read.iter().map(|(_, raw)| raw).collect())
                == hashes(messages.iter().collect());
            prop_assert!(same, "{:?}: {:?}", dialect, read);
            prop_assert!(large.is_empty());
        }
    }

    #[test]
    fn any_bytes_are_read_to_the_end(file in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&file, 50);
    }

    #[test]
    fn any_lines_are_read_to_the_end(
        lines in proptest::collection::vec(prop_oneof![
            Just(D.to_owned()),
            Just("From - Sat Feb 05 09:19:10 2022".to_owned()),
            Just("A: 1".to_owned()),
            (0_usize..300).prop_map(|n| format!("Content-Length: {n}")),
            Just(String::new()),
            "[ -~]{0,20}",
        ], 0..30),
        max in 10_usize..200,
    ) {
        let file = lines.join("\n");
        let (messages, large) = read(file.as_bytes(), max);
        let offsets: Vec<u64> = messages.iter().map(|(offset, _)| *offset).collect();
        prop_assert!(offsets.is_sorted() && large.is_sorted());
    }
}
