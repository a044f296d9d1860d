//! Address lists (RFC 5322 section 3.4 and 4.4), leniently.
//!
//! Invariant: total and linear; whatever is in the field, its text is in some name or address. This
//! file must not judge whether an address can be delivered to.

mod token;

use super::Address;
use super::charset;
use super::defect::{self, Defects};
use super::script::is_unseen;
use super::word;
use token::{Reader, Token};

/// Addresses of one field that are kept.
const MAX_ADDRESSES: usize = 10_000;

/// Reads the addresses of a field's value.
pub(super) fn parse(value: &[u8], defects: &mut Defects) -> Vec<Address> {
    let text: String = charset::guess(value).replace(['\r', '\n'], "");
    let mut reader = Reader::new(&text);
    let (mut out, mut piece) = (Vec::new(), Piece::default());
    while let Some(token) = reader.next() {
        match token {
            Token::Comma => piece.finish(&mut out, defects),
            Token::Colon if !piece.group && !piece.has_address() => piece.open_group(),
            Token::Colon => piece.words.push(Word { text: ":", quoted: false, spaced: false }),
            Token::Semicolon => piece.close_group(&mut out, defects),
            Token::Angle(address) => piece.angle(address, &mut out, defects),
            Token::Space => piece.spaced = true,
            Token::Comment(comment) => piece.comments.push(comment),
            Token::Word(text) => piece.push(text, false),
            Token::Quoted(text) => piece.push(text, true),
        }
        if out.len() >= MAX_ADDRESSES {
            defects.note(defect::HEADER_CUT);
            return out;
        }
    }
    piece.close_group(&mut out, defects);
    out
}

struct Word<'a> {
    text: &'a str,
    quoted: bool,
    /// White space stood before it.
    spaced: bool,
}

/// What was read since the last comma.
#[derive(Default)]
struct Piece<'a> {
    words: Vec<Word<'a>>,
    comments: Vec<&'a str>,
    angle: Option<&'a str>,
    /// How many words stand before the angle brackets.
    before_angle: usize,
    spaced: bool,
    /// Inside `name: … ;`, and whether it had a member yet.
    group: bool,
    group_name: Option<String>,
}

impl<'a> Piece<'a> {
    fn push(&mut self, text: &'a str, quoted: bool) {
        self.words.push(Word { text, quoted, spaced: std::mem::take(&mut self.spaced) });
    }

    /// Angle brackets; second ones end the address before them: the comma was forgotten.
    fn angle(&mut self, address: &'a str, out: &mut Vec<Address>, defects: &mut Defects) {
        if self.angle.is_some() {
            let next = self.words.split_off(self.before_angle);
            self.finish(out, defects);
            self.words = next;
        }
        self.angle = Some(address);
        self.before_angle = self.words.len();
        self.spaced = true;
    }

    fn has_address(&self) -> bool {
        self.angle.is_some()
            || self.words.iter().any(|word| !word.quoted && word.text.contains('@'))
    }

    fn open_group(&mut self) {
        self.group = true;
        self.group_name = Some(join(&self.words));
        self.words.clear();
        self.comments.clear();
        self.spaced = false;
    }

    fn close_group(&mut self, out: &mut Vec<Address>, defects: &mut Defects) {
        self.finish(out, defects);
        let name = self.group_name.take();
        self.group = false;
        // A group without members is all there is to show: `undisclosed-recipients:;`.
        if let Some(name) = name.and_then(|name| display(&name, defects)) {
            out.push(Address { name: Some(name), address: String::new() });
        }
    }

    fn finish(&mut self, out: &mut Vec<Address>, defects: &mut Defects) {
        let words = std::mem::take(&mut self.words);
        let comments = std::mem::take(&mut self.comments);
        self.spaced = false;
        let comment = (!comments.is_empty()).then(|| unescape(&comments.join(" ")));
        let (name, address) = match self.angle.take() {
            Some(angle) => {
                let name = join(&words);
                let name = if name.trim().is_empty() { comment } else { Some(name) };
                (name, addr_spec(angle))
            }
            None => bare(&words, comment),
        };
        let name = name.and_then(|name| display(&name, defects));
        if address.chars().any(is_unseen) {
            defects.note(defect::ADDRESS_HIDDEN);
        }
        let address = defects.line(&address);
        if name.is_some() || !address.is_empty() {
            self.group_name = None;
            out.push(Address { name, address });
        }
    }
}

/// Without angle brackets: the words are the address, except where one of several has the `@`.
fn bare(words: &[Word<'_>], comment: Option<String>) -> (Option<String>, String) {
    if words.is_empty() {
        return (comment, String::new());
    }
    let at = words.iter().position(|word| !word.quoted && word.text.contains('@'));
    let Some(at) = at else {
        let spaced = words.iter().skip(1).any(|word| word.spaced);
        let text = join(words);
        return if spaced { (Some(text), String::new()) } else { (comment, text) };
    };
    // `"local part"@domain`, `local . part @ domain`: the words that touch it belong to it.
    let mut start = at;
    while start > 0 {
        let (before, this) = (&words[start - 1], &words[start]);
        let touches = !this.spaced
            || this.text.starts_with(['@', '.'])
            || !before.quoted && before.text.ends_with('.');
        if !touches {
            break;
        }
        start -= 1;
    }
    let mut end = at + 1;
    while let Some(next) = words.get(end) {
        let before = words[end - 1].text;
        if next.spaced && !next.text.starts_with('.') && !before.ends_with(['@', '.']) {
            break;
        }
        end += 1;
    }
    let mut address = String::new();
    for word in &words[start..end] {
        push_quoted(&mut address, word);
    }
    let others: Vec<&Word<'_>> = words[..start].iter().chain(&words[end..]).collect();
    let name = if others.is_empty() { None } else { Some(join_refs(&others)) };
    (name.or(comment), address)
}

fn push_quoted(out: &mut String, word: &Word<'_>) {
    if word.quoted {
        out.push('"');
    }
    out.push_str(word.text);
    if word.quoted {
        out.push('"');
    }
}

fn join(words: &[Word<'_>]) -> String {
    join_refs(&words.iter().collect::<Vec<_>>())
}

fn join_refs(words: &[&Word<'_>]) -> String {
    let mut out = String::new();
    for (index, word) in words.iter().enumerate() {
        if word.spaced && index > 0 {
            out.push(' ');
        }
        if word.quoted {
            out.push_str(&unescape(word.text));
        } else {
            out.push_str(word.text);
        }
    }
    out
}

/// What stands in quotes, without the backslash before each sign that has one (RFC 5322 section
/// 3.2.4); one at the end stands for itself.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

/// What stands between angle brackets, without route, comments and white space outside quotes.
fn addr_spec(text: &str) -> String {
    let text = text.trim().trim_start_matches('<');
    let text = match text.strip_prefix('@').and_then(|route| route.split_once(':')) {
        Some((_route, address)) => address,
        None => text,
    };
    let (mut out, mut quoted, mut depth) = (String::with_capacity(text.len()), false, 0_usize);
    for c in text.chars() {
        match c {
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => {
                depth -= 1;
                continue;
            }
            c if c.is_whitespace() && !quoted => continue,
            _ => {}
        }
        if depth == 0 {
            out.push(c);
        }
    }
    out
}

fn display(name: &str, defects: &mut Defects) -> Option<String> {
    let decoded = word::decode(name.as_bytes(), defects);
    let line = defects.line(&decoded);
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expected: &[(&str, &str)]) {
        let got = parse(given.as_bytes(), &mut Defects::default());
        let got: Vec<_> =
            got.iter().map(|a| (a.name.as_deref().unwrap_or("-"), a.address.as_str())).collect();
        assert_eq!(got, expected, "{given:?}");
    }

    #[test]
    fn lists() {
        check("a@b.c", &[("-", "a@b.c")]);
        check("Ann B <a@b.c>, \"C, D\" <c@d.e>", &[("Ann B", "a@b.c"), ("C, D", "c@d.e")]);
        check("a@b.c (Ann \\) B)", &[("Ann ) B", "a@b.c")]);
        check("=?utf-8?Q?J=C3=BCrgen?= <j@x.de>", &[("Jürgen", "j@x.de")]);
        check("\"=?utf-8?Q?J=C3=BC?=\" <j@x.de>", &[("Jü", "j@x.de")]);
        check("=?utf-8?Q?a,_b?= <j@x.de>", &[("a, b", "j@x.de")]);
        check(
            "Friends: a@b.c, D <d@e.f>; g@h.i",
            &[("-", "a@b.c"), ("D", "d@e.f"), ("-", "g@h.i")],
        );
        check("undisclosed-recipients:;", &[("undisclosed-recipients", "")]);
        check("<@r1,@r2:a@b.c>", &[("-", "a@b.c")]);
        check("\"quoted local\"@b.c", &[("-", "\"quoted local\"@b.c")]);
        check("Ann a@b.c", &[("Ann", "a@b.c")]);
        check("a @ b . c", &[("-", "a@b.c")]);
        check("Whomever", &[("-", "Whomever")]);
        check("The Team", &[("The Team", "")]);
        check("A <a@b.c> B <d@e.f>", &[("A", "a@b.c"), ("B", "d@e.f")]);
        check("<a@b.c> Ann", &[("Ann", "a@b.c")]);
        check("a@b.c; d@e.f", &[("-", "a@b.c"), ("-", "d@e.f")]);
        check("\"Ann <a@b.c>", &[("\"Ann", "a@b.c")]);
        check("Ann <a@b.c", &[("Ann", "<a@b.c")]);
        check("a@[IPv6:::1]", &[("-", "a@[IPv6:::1]")]);
        check(", ,\r\n ,", &[]);
        check("<>", &[]);
        check("x\u{1b}[2J <a\u{202e}@b.c>", &[("x\u{fffd}[2J", "a@b.c")]);
    }

    #[test]
    fn hostile_lists_cost_linear_time() {
        for mark in ["\"", "(", "<", "=?", "(\\", ",", "a:", "[", "=?a?Q? ", "=?a?Qx,", "x@"] {
            parse(mark.repeat(20_000).as_bytes(), &mut Defects::default());
        }
    }
}
