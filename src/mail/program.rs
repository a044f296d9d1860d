//! Whether what came in a mail is a program: something that does what its writer wants when it is
//! opened.
//!
//! Invariant: pure and total; the type, the name and the bytes are looked at, and one is enough.
//! What is not named here may be harmful as well: this is for a question, not for a promise.

/// How programs begin, whatever they are called.
const MAGIC: [(&[u8], &str); 13] = [
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ", "a program (Windows)"),
    (b"#!", "a script"),
    (b"\xca\xfe\xba\xbe", "a program (Java or macOS)"),
    (b"\xfe\xed\xfa\xce", "a program (macOS)"),
    (b"\xfe\xed\xfa\xcf", "a program (macOS)"),
    (b"\xce\xfa\xed\xfe", "a program (macOS)"),
    (b"\xcf\xfa\xed\xfe", "a program (macOS)"),
    (b"\0asm", "a program (WebAssembly)"),
    (b"!<arch>\ndebian", "a package that installs programs"),
    (b"\xed\xab\xee\xdb", "a package that installs programs"),
    (b"L\0\0\0\x01\x14\x02\0", "a Windows shortcut, which can start anything"),
    (b"@echo off", "a script"),
];
/// Names of files that start something when they are opened, by their end.
const ENDINGS: [(&str, &[&str]); 5] = [
    (
        "a program",
        &[
            "exe",
            "com",
            "scr",
            "pif",
            "cpl",
            "dll",
            "sys",
            "msi",
            "msp",
            "jar",
            "jnlp",
            "class",
            "app",
            "appimage",
            "run",
            "elf",
            "so",
            "apk",
            "xpi",
            "gadget",
            "wasm",
            "ocx",
            "drv",
            "msc",
            "diagcab",
            "ipa",
            "aab",
            "crx",
            "dylib",
            "bundle",
            "prefpane",
            "saver",
            "qlgenerator",
            "application",
            "xbap",
            "action",
            "osax",
        ],
    ),
    (
        "a script",
        &[
            "bat",
            "cmd",
            "ps1",
            "psm1",
            "vb",
            "vbs",
            "vbe",
            "js",
            "jse",
            "mjs",
            "ws",
            "wsf",
            "wsc",
            "wsh",
            "hta",
            "sct",
            "sh",
            "bash",
            "zsh",
            "csh",
            "ksh",
            "fish",
            "command",
            "tool",
            "py",
            "pyw",
            "pyc",
            "pyz",
            "pl",
            "rb",
            "php",
            "lua",
            "tcl",
            "awk",
            "scpt",
            "applescript",
            "workflow",
            "reg",
            "inf",
            "terminal",
            "term",
            "inetloc",
            "fileloc",
            "scptd",
            "shortcut",
            "ahk",
            "au3",
            "a3x",
            "psd1",
            "ps1xml",
            "pssc",
            "cdxml",
            "msh",
            "msh1",
            "msh2",
            "mst",
            "job",
            "jsx",
            "cjs",
            "groovy",
            "nsh",
            "phar",
            "tcsh",
            "dash",
            "ins",
            "isp",
            "jxa",
        ],
    ),
    (
        "a link that can start anything",
        &[
            "desktop",
            "lnk",
            "url",
            "website",
            "webloc",
            "scf",
            "service",
            "library-ms",
            "search-ms",
            "searchconnector-ms",
            "settingcontent-ms",
            "appref-ms",
            "theme",
            "themepack",
            "deskthemepack",
            "appcontent-ms",
            "diagcfg",
            "rdp",
            "ica",
            "mobileconfig",
            "glk",
            "shb",
            "shs",
            "vsw",
        ],
    ),
    (
        "a package or a disk that brings programs",
        &[
            "deb",
            "rpm",
            "pkg",
            "mpkg",
            "dmg",
            "iso",
            "img",
            "vhd",
            "vhdx",
            "flatpakref",
            "flatpak",
            "snap",
            "msix",
            "appx",
            "cab",
            "chm",
            "hlp",
            "appxbundle",
            "msixbundle",
            "appinstaller",
            "msu",
            "xip",
            "sparsebundle",
            "sparseimage",
            "udf",
            "vmdk",
            "wim",
            "whl",
            "gem",
            "vsix",
            "oxt",
            "air",
        ],
    ),
    (
        "a document with a program in it",
        &[
            "docm", "dotm", "xlsm", "xltm", "xlam", "xlsb", "xll", "pptm", "potm", "ppsm", "ppam",
            "sldm", "xla", "xlm", "wll", "ppa", "wiz", "slk", "iqy", "oqy", "rqy", "dqy", "odc",
            "udl", "accde", "accda", "accdr", "ade", "adp", "mda", "mdb", "mde", "mam", "mad",
            "maf", "mag", "maq", "mar", "mas", "mau", "mav", "maw", "one", "onepkg",
        ],
    ),
];
/// Media types of programs; a part of the subtype is enough.
const SUBTYPES: [(&str, &str); 14] = [
    ("executable", "a program"),
    ("msdownload", "a program"),
    ("msdos-program", "a program"),
    ("x-elf", "a program"),
    ("mach-binary", "a program"),
    ("java-archive", "a program"),
    ("x-msi", "a program"),
    ("shellscript", "a script"),
    ("x-sh", "a script"),
    ("javascript", "a script"),
    ("ecmascript", "a script"),
    ("x-python", "a script"),
    ("x-perl", "a script"),
    ("x-desktop", "a link that can start anything"),
];
/// How a desktop entry begins; comments may stand before it.
const DESKTOP: &[u8] = b"[Desktop Entry]";
/// Where it is looked for, in bytes.
const LOOKED_AT: usize = 4_096;

/// What kind of program this is, in a few words; `None` when it looks like none.
#[must_use]
pub fn program(name: &str, media_type: &str, bytes: &[u8]) -> Option<&'static str> {
    by_bytes(bytes).or_else(|| by_name(name)).or_else(|| by_type(media_type))
}

fn by_bytes(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.trim_ascii_start();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let begins = |magic: &[u8]| {
        let head = |from: &[u8]| {
            from.get(..magic.len()).is_some_and(|head| head.eq_ignore_ascii_case(magic))
        };
        head(bytes) || head(start)
    };
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| begins(magic)) {
        return Some(what);
    }
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let desktop = head.split(|b| *b == b'\n').any(|line| line.trim_ascii() == DESKTOP);
    desktop.then_some("a link that can start anything")
}

fn by_name(name: &str) -> Option<&'static str> {
    // Some systems take dots and spaces off the end of a name.
    let name = name.trim_end_matches(|c: char| c.is_whitespace() || c == '.');
    let ending = name.rsplit_once('.')?.1.to_lowercase();
    ENDINGS.iter().find(|(_, known)| known.contains(&ending.as_str())).map(|(what, _)| *what)
}

fn by_type(media_type: &str) -> Option<&'static str> {
    let subtype = media_type.split_once('/')?.1.to_lowercase();
    SUBTYPES.iter().find(|(part, _)| subtype.contains(part)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_bytes_by_name_and_by_type() {
        for (name, media_type, bytes) in [
            ("report.pdf", "application/pdf", &b"MZ\x90\0"[..]),
            ("photo.jpg", "image/jpeg", b"\x7fELF\x02"),
            ("notes.txt", "text/plain", b"#!/bin/sh\nrm -rf ~\n"),
            ("notes.txt", "text/plain", b"\xef\xbb\xbf#!/bin/sh\n"),
            ("notes.txt", "text/plain", b"\r\n@ECHO OFF\r\n"),
            ("notes", "text/plain", b"# hello\n[Desktop Entry]\nExec=rm\n"),
            ("invoice.pdf.exe", "application/pdf", b"x"),
            ("invoice.PDF.ScR", "application/octet-stream", b""),
            ("invoice.exe. ", "application/octet-stream", b""),
            ("a.desktop", "text/plain", b""),
            ("a.docm", "application/octet-stream", b"PK\x03\x04"),
            ("a.terminal", "application/xml", b"<?xml version='1.0'?>"),
            ("a.ahk", "text/plain", b"Run calc"),
            ("a.slk", "text/plain", b"ID;P"),
            ("a.iqy", "text/plain", b"WEB"),
            ("a.inetloc", "text/xml", b"<plist>"),
            ("a.fileloc", "text/xml", b"<plist>"),
            ("a.SettingContent-ms", "text/xml", b"<P>"),
            ("a.mobileconfig", "text/xml", b"<plist>"),
            ("a.appref-ms", "text/plain", b""),
            ("a.rdp", "text/plain", b"full address:s:evil.test"),
            ("a.one", "application/octet-stream", b""),
            ("a.appinstaller", "text/xml", b""),
            ("a.mdb", "application/octet-stream", b""),
            ("a", "application/x-shellscript", b"echo"),
            ("a", "application/vnd.microsoft.portable-executable", b""),
            ("a.txt", "text/javascript", b""),
        ] {
            assert!(program(name, media_type, bytes).is_some(), "{name} {media_type}");
        }
        for (name, media_type, bytes) in [
            ("report.pdf", "application/pdf", &b"%PDF-1.7"[..]),
            ("photo.jpg", "image/jpeg", b"\xff\xd8\xff"),
            ("notes.txt", "text/plain", b"Made at #! noon"),
            ("exe", "text/plain", b"M"),
            ("a.docx", "application/octet-stream", b"PK\x03\x04"),
            ("", "", b""),
            ("x.html", "text/html", b"<html>"),
        ] {
            assert_eq!(program(name, media_type, bytes), None, "{name} {media_type}");
        }
    }
}
