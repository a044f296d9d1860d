//! Tests of packed files: known streams, streams that are cut or changed, and bombs.

use std::fmt::Write as _;

use base64::Engine as _;
use proptest::prelude::*;

use super::*;

const TEXT: &str = "From: a@example.org\nSubject: packed\n\n\
    the same words, the same words, the same words\n";
/// [`TEXT`] by gzip: as it is, by the fixed code, and with a name in the header.
const STORED: &str = "H4sIAAAAAAAEAwFUAKv/RnJvbTogYUBleGFtcGxlLm9yZwpTdWJqZWN0OiBwYWNrZWQKCnRoZS\
    BzYW1lIHdvcmRzLCB0aGUgc2FtZSB3b3JkcywgdGhlIHNhbWUgd29yZHMKxABGSVQAAAA=";
const FIXED: &str = "H4sIAAAAAAACA3Mrys+1Ukh0SK1IzC3ISdXLL0rnCi5NykpNLrFSKEhMzk5N4eIqyUhVKE7MTV\
    Uozy9KKdZRwM/nAgDEAEZJVAAAAA==";
const NAMED: &str = "H4sICAEAAAAC/25hbWUubWJveABzK8rPtVJIdEitSMwtyEnVyy9K5wouTcpKTS6xUihITM5OTe\
    HiKslIVShOzE1VKM8vSinWUcDP5wIAxABGSVQAAAA=";
/// Three times [`TEXT`] and three times all bytes, by codes of its own.
const DYNAMIC: &str = "H4sIAAAAAAACA3Mrys+1Ukh0SK1IzC3ISdXLL0rnCi5NykpNLrFSKEhMzk5N4eIqyUhVKE7MTV\
    Uozy9KKdZRwM/nchsiZjIwMjGzsLKxc3BycfPw8vELCAoJi4iKiUtISknLyMrJKygqKauoqqlraGpp6+jq6RsYGhmbmJqZ\
    W1haWdvY2tk7ODo5u7i6uXt4enn7+Pr5BwQGBYeEhoVHREZFx8TGxSckJiWnpKalZ2RmZefk5uUXFBYVl5SWlVdUVlXX1N\
    bVNzQ2Nbe0trV3dHZ19/T29U+YOGnylKnTps+YOWv2nLnz5i9YuGjxkqXLlq9YuWr1mrXr1m/YuGnzlq3btu/YuWv3nr37\
    9h84eOjwkaPHjp84eer0mbPnzl+4eOnylavXrt+4eev2nbv37j94+Ojxk6fPnr94+er1m7fv3n/4+Onzl6/fvv/4+ev3n7\
    ///o/6f2T7HwCrlURO/AMAAA==";

fn bytes(base64: &str) -> Vec<u8> {
    let plain: String = base64.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(plain).unwrap()
}

/// What the file holds, and why it is not read to its end.
fn read(file: &[u8]) -> (Vec<u8>, Option<PackedError>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, file).unwrap();
    let mut out = Vec::new();
    let read = open(&path).and_then(|mut input| input.read_to_end(&mut out).map(|_| ()));
    (out, read.err().map(|error| PackedError::of(&error).unwrap().clone()))
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).unwrap()
}

#[test]
fn known_streams() {
    let mut all = TEXT.repeat(3).into_bytes();
    all.extend((0..3).flat_map(|_| 0..=255_u8));
    let text = TEXT.as_bytes();
    let twice = TEXT.repeat(2).into_bytes();
    let cases: [(&str, Vec<u8>, &[u8]); 10] = [
        ("plain", text.to_vec(), text),
        ("nothing", Vec::new(), b""),
        ("stored", bytes(STORED), text),
        ("fixed", bytes(FIXED), text),
        ("named", bytes(NAMED), text),
        ("dynamic", bytes(DYNAMIC), &all),
        ("members", [bytes(FIXED), bytes(NAMED)].concat(), &twice),
        ("padded", [bytes(FIXED), vec![0; 700]].concat(), text),
        ("zstd", zstd(text), text),
        (
            "frames",
            [zstd(text), b"\x50\x2a\x4d\x18\x01\0\0\0x".to_vec(), zstd(text)].concat(),
            &twice,
        ),
    ];
    for (name, file, expected) in cases {
        let (out, error) = read(&file);
        assert_eq!((error, &out[..]), (None, expected), "{name}");
    }
}

#[test]
fn what_is_cut_or_changed_is_an_error_after_what_was_good() {
    for (name, whole) in [("gzip", bytes(FIXED)), ("zstd", zstd(TEXT.as_bytes()))] {
        for cut in 4..whole.len() {
            let (out, error) = read(&whole[..cut]);
            let error = error.unwrap_or_else(|| panic!("{name} cut at {cut} is whole"));
            assert_eq!(error.code, "damaged");
            assert!(error.reason.contains(&format!("the {name} data is cut off at byte ")));
            assert!(TEXT.as_bytes().starts_with(&out), "{name} at {cut}");
        }
    }
    let mut wrong = bytes(FIXED);
    let crc = wrong.len() - 8;
    wrong[crc] ^= 1;
    let (out, error) = read(&wrong);
    assert_eq!(out, TEXT.as_bytes());
    let reason = error.unwrap().reason;
    assert!(reason.contains("damaged at byte ") && reason.contains("checksum"), "{reason}");
    let (out, error) = read(&[bytes(FIXED), b"junk".to_vec()].concat());
    assert_eq!(out, TEXT.as_bytes());
    assert_eq!(error.unwrap().code, "damaged");
}

#[test]
fn what_grows_far_beyond_its_file_is_refused() {
    let size = usize::try_from(FREE_BYTES).unwrap() + 8 * 1024 * 1024;
    let (out, error) = read(&zstd(&vec![b'x'; size]));
    let error = error.unwrap();
    assert_eq!(error.code, "unpacks-too-large");
    assert!(error.reason.contains("64 MiB") && error.reason.contains("400"), "{error}");
    assert!(out.len() as u64 <= FREE_BYTES + 1024 * 1024);
    // As much of what does not pack so well is read.
    let mut varied = String::new();
    let mut n = 1_u64;
    while varied.len() < 1024 * 1024 {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let _ = write!(varied, "{n:x}");
    }
    let varied = varied.repeat(size / varied.len() + 1);
    let packed = zstd::encode_all(varied.as_bytes(), 1).unwrap();
    let (out, error) = read(&packed);
    assert_eq!((error, out.len()), (None, varied.len()));
}

#[test]
fn other_archives_are_named() {
    let mut tar = vec![b'x'; 300];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(no_archive(&tar).unwrap_err().to_string().contains("a tar archive"));
    assert!(no_archive(TEXT.as_bytes()).is_ok());
    for (file, expected) in [
        (&b"PK\x03\x04x"[..], Some("a zip archive")),
        (b"BZh91AY&SYx", Some("packed by bzip2")),
        (b"BZh9 is a name", None),
        (b"BZh", None),
        (b"\xfd7zXZ\x00\x00", Some("packed by xz")),
    ] {
        let error = read(file).1;
        assert_eq!(error.is_some(), expected.is_some(), "{file:?}");
        if let (Some(error), Some(expected)) = (error, expected) {
            assert!(error.reason.starts_with(expected) && error.reason.contains("unpack it first"));
            assert_eq!(error.code, "not-mail");
        }
    }
}

#[test]
fn a_name_loses_the_ending_of_the_packer() {
    for (name, expected) in [
        ("Inbox.mbox.gz", "Inbox.mbox"),
        ("a.eml.ZST", "a.eml"),
        ("x", "x"),
        (".gz", ".gz"),
        ("gz", "gz"),
        ("a.mbox", "a.mbox"),
    ] {
        assert_eq!(stem(name), expected);
    }
}

proptest! {
    #[test]
    fn changed_streams_never_panic_and_stay_in_bounds(
        which in 0_usize..5,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let text = zstd(TEXT.as_bytes());
        let all = [bytes(STORED), bytes(FIXED), bytes(DYNAMIC), bytes(NAMED), text];
        let mut file = all[which].clone();
        for (at, byte) in changes {
            let at = 3 + at.index(file.len() - 3);
            file[at] = byte;
        }
        let (out, _) = read_bytes(&file);
        prop_assert!(out.len() < 1024 * 1024);
    }

    #[test]
    fn any_blocks_never_panic(blocks in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut file = b"\x1f\x8b\x08\0\0\0\0\0\0\0".to_vec();
        file.extend(blocks);
        read_bytes(&file);
    }
}

/// As [`read`], without a file where it is gzip.
fn read_bytes(file: &[u8]) -> (Vec<u8>, Option<io::Error>) {
    let mut out = Vec::new();
    if !file.starts_with(&gzip::MAGIC) {
        return (read(file).0, None);
    }
    let error = Gzip::new(file).read_to_end(&mut out).err();
    (out, error)
}
