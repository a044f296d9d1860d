//! Reads Rust source as text: enough to know imports, functions and line lengths.
//!
//! Invariant: what is in comments and literals is never taken for code. This is no parser; what it
//! cannot know (macros that write imports) it does not see.

use std::path::{Path, PathBuf};

/// A source file of the project.
pub(crate) struct Source {
    /// The path from the project's root, with `/`.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// Comments and the insides of literals as spaces; lines stay where they are.
    pub(crate) code: String,
}

impl Source {
    /// A file with this path and text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: code_only(text) }
    }
}

/// All `.rs` files below a folder of the project, sorted by path.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join(folder), &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
        Source::new(&name, &std::fs::read_to_string(path).expect("a source file is UTF-8"))
    };
    paths.iter().map(read).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// The source with comments and the insides of literals replaced by spaces.
pub(crate) fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code: Vec<char> = chars.clone();
    let mut at = 0;
    while at < chars.len() {
        let end = skip_length(&chars, at);
        if let Some(end) = end {
            for c in &mut code[at..end] {
                if *c != '\n' {
                    *c = ' ';
                }
            }
            at = end;
        } else {
            at += 1;
        }
    }
    code.into_iter().collect()
}

/// Where the comment or literal that begins at `at` ends.
fn skip_length(chars: &[char], at: usize) -> Option<usize> {
    let next = chars.get(at + 1).copied();
    let word_before = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next == Some('/') => Some(find(chars, at, |c| c == '\n')),
        '/' if next == Some('*') => Some(block_comment_end(chars, at)),
        '"' => Some(string_end(chars, at)),
        'r' if !word_before || chars[at - 1] == 'b' => raw_string_end(chars, at),
        '\'' => char_end(chars, at),
        _ => None,
    }
}

fn find(chars: &[char], from: usize, stop: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|&i| stop(chars[i])).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut i) = (0_u32, at);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => depth -= 1,
            _ => {
                i += 1;
                continue;
            }
        }
        i += 2;
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = at + 2 + hashes;
    let found = (body..chars.len()).find(|&i| chars[i..].starts_with(&close));
    Some(found.map_or(chars.len(), |i| i + close.len()))
}

/// A character literal; a lifetime is none.
fn char_end(chars: &[char], at: usize) -> Option<usize> {
    match (chars.get(at + 1)?, chars.get(at + 2)) {
        ('\\', _) => Some(find(chars, at + 3, |c| c == '\'') + 1),
        (_, Some('\'')) => Some(at + 3),
        _ => None,
    }
}

/// The first names behind every `PREFIX::`, where a group in braces gives several.
pub(crate) fn names_behind(code: &str, prefix: &str) -> Vec<String> {
    let start = format!("{prefix}::");
    let mut names = Vec::new();
    for (at, _) in code.match_indices(&start) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = code[at + start.len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_heads(group)),
            None => names.push(head(rest)),
        }
    }
    names
}

fn head(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut item) = (1_u32, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.push(head(&std::mem::take(&mut item))),
            _ if depth == 1 => item.push(c),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads.push(head(&item));
    heads.retain(|h| !h.is_empty());
    heads
}

/// Whether the code names an outside library: `NAME::`, or `use NAME`.
pub(crate) fn names_library(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let before = code[..at].trim_end();
        let bound = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
            || code[..at].ends_with(" ::");
        let rest = &code[at + library.len()..];
        let used = before.ends_with("use") || before.ends_with("crate");
        bound && (rest.starts_with("::") || (used && rest.starts_with([';', ' '])))
    })
}

/// Name, first line (from 1) and number of lines of every function with a body.
pub(crate) fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let name = head(&code[at + 3..]);
        if name.is_empty() {
            continue;
        }
        if let Some(length) = body_length(&code[at..]) {
            let first = code[..at].matches('\n').count() + 1;
            let lines = code[at..at + length].matches('\n').count() + 1;
            found.push((name, first, lines));
        }
    }
    found
}

/// Bytes from `fn` to its closing brace; `None` for a declaration without a body.
fn body_length(code: &str) -> Option<usize> {
    let (mut round, mut curly) = (0_i32, 0_i32);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            ';' if round == 0 && curly == 0 => return None,
            '{' => curly += 1,
            '}' => {
                curly -= 1;
                if curly <= 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn comments_and_literals_are_no_code() {
    let source = "a // crate::x\n/* b /* c */ */ d \"crate::y\\\"\" r#\"z\"# 'q' '\\'' &'a e";
    let code = code_only(source);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "d", "&'a", "e"]);
    assert_eq!(code.lines().count(), 2);
}

#[test]
fn imports_libraries_and_functions_are_found() {
    let code = "use crate::{mail::{Address, Flags}, id};\nlet x = crate::store::Log::new();";
    assert_eq!(names_behind(code, "crate"), ["mail", "id", "store"]);
    assert_eq!(names_behind("mycrate::x", "crate"), Vec::<String>::new());
    assert!(names_library("use rusqlite;", "rusqlite"));
    assert!(names_library("let c = rusqlite::Connection::open();", "rusqlite"));
    assert!(!names_library("let rusqlite_path = my_rusqlite::x;", "rusqlite"));
    let code = "trait T { fn d(); }\nfn long(x: [u8; 3])\n{\n  if x {}\n}\n";
    assert_eq!(functions(code), [("long".to_owned(), 2, 4)]);
}
