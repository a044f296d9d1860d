//! What a word is: for the index, for a query, for a snippet, for a highlight.
//!
//! A word is a run of letters and digits, folded: compatibility forms are taken apart (NFKD), marks
//! of alphabets that can be read without them are left out, letters are lower case. In scripts that
//! put no space between words (Han, Kana, Hangul, Thai, Lao, Khmer, Burmese) each character is a
//! word, with the marks on it; so is each pictograph. Whoever searches for a longer run asks for a
//! phrase of such words.
//!
//! Invariant: folding what was folded changes nothing; no word is empty, holds white space, or is
//! longer than [`MAX_WORD_BYTES`]; time is linear in the text. This file must not know what a query
//! or an index is.

use std::ops::Range;

use unicode_normalization::char::{compose, decompose_compatible, is_combining_mark};

/// The longest word that is told apart from a longer one with the same beginning, in folded bytes.
pub const MAX_WORD_BYTES: usize = 128;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Folded.
    pub text: String,
    /// Where it stands in the source, in bytes.
    pub at: Range<usize>,
}

/// Tells `see` each word of `text` in order: folded, and where it stands, in bytes.
pub fn each(text: &str, see: impl FnMut(&str, Range<usize>)) {
    let bytes = text.as_bytes();
    let mut run = Run { word: String::new(), at: 0..0, alone: false, see };
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii_alphanumeric() {
            let rest = bytes[at..].iter();
            let end = at + rest.take_while(|byte| byte.is_ascii_alphanumeric()).count();
            run.letters(&text[at..end], at..end);
            at = end;
        } else if byte.is_ascii() {
            run.end();
            at += 1;
        } else {
            let Some(c) = text[at..].chars().next() else { break };
            run.take(c, at..at + c.len_utf8());
            at += c.len_utf8();
        }
    }
    run.end();
}

/// The words of `text` with their places.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    each(text, |word, at| found.push(Word { text: word.to_owned(), at }));
    found
}

/// The words of `text`, folded.
#[must_use]
pub fn folded(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    each(text, |word, _| found.push(word.to_owned()));
    found
}

/// Appends the words of `text`, folded, with a space before each that is not the first in `out`:
/// what an index is given of a text.
pub fn join(text: &str, out: &mut String) {
    each(text, |word, _| {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    });
}

/// The word that is being read.
struct Run<F> {
    word: String,
    at: Range<usize>,
    /// It is of a script in which each character is a word: only marks are added.
    alone: bool,
    see: F,
}

impl<F: FnMut(&str, Range<usize>)> Run<F> {
    fn end(&mut self) {
        if !self.word.is_empty() {
            (self.see)(&self.word, self.at.clone());
            self.word.clear();
        }
        self.alone = false;
    }

    fn begin(&mut self, at: &Range<usize>) {
        if self.word.is_empty() {
            self.at = at.clone();
        }
        self.at.end = at.end;
    }

    /// A run of ASCII letters and digits.
    fn letters(&mut self, letters: &str, at: Range<usize>) {
        if self.alone {
            self.end();
        }
        self.begin(&at);
        let old = self.word.len();
        let room = MAX_WORD_BYTES.saturating_sub(old);
        self.word.push_str(&letters[..letters.len().min(room)]);
        self.word[old..].make_ascii_lowercase();
    }

    fn push(&mut self, c: char, at: &Range<usize>) {
        self.begin(at);
        if self.word.len() + c.len_utf8() <= MAX_WORD_BYTES {
            self.word.push(c);
        }
    }

    fn letter(&mut self, c: char, at: &Range<usize>) {
        if self.alone {
            self.end();
        }
        self.push(c, at);
    }

    /// A character that is a word. Jamo are put together to the syllable that they are: file names
    /// of some systems have them apart.
    fn alone(&mut self, c: char, at: &Range<usize>) {
        if self.alone && matches!(c, '\u{1161}'..='\u{11ff}') && self.compose(c, at) {
            return;
        }
        self.end();
        self.push(c, at);
        self.alone = true;
    }

    fn compose(&mut self, c: char, at: &Range<usize>) -> bool {
        let mut chars = self.word.chars();
        let (Some(one), None) = (chars.next(), chars.next()) else { return false };
        let Some(both) = compose(one, c) else { return false };
        self.word.clear();
        self.word.push(both);
        self.at.end = at.end;
        true
    }

    fn mark(&mut self, c: char, at: &Range<usize>) {
        if self.word.is_empty() {
            return;
        }
        self.at.end = at.end;
        if matches!(c, '\u{3099}' | '\u{309a}') {
            // The mark of a voiced kana: か and が are different letters.
            self.compose(c, at);
        } else if is_mark_a_letter(c) {
            self.push(c, at);
        }
    }

    /// Any character beyond ASCII.
    fn take(&mut self, c: char, at: Range<usize>) {
        if is_ignored(c) {
            return;
        }
        if matches!(c, '\u{ac00}'..='\u{d7a3}') {
            // A Hangul syllable: taken apart, it would be two or three letters.
            return self.alone(c, &at);
        }
        let symbol = is_symbol(c);
        if symbol {
            self.end();
        }
        decompose_compatible(c, |part| self.part(part, &at));
        if symbol {
            self.end();
        }
    }

    fn part(&mut self, part: char, at: &Range<usize>) {
        if let Some(letters) = letters_of(part) {
            return letters.chars().for_each(|c| self.letter(c, at));
        }
        for c in part.to_lowercase() {
            if is_ignored(c) {
                // A ligature of Arabic can hold one.
            } else if is_combining_mark(c) {
                self.mark(c, at);
            } else if is_alone(c) {
                self.alone(c, at);
            } else if c.is_alphanumeric() {
                self.letter(c, at);
            } else {
                self.end();
            }
        }
    }
}

/// What a letter is written as by who has no key for it, where Unicode does not take it apart.
const fn letters_of(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'ł' | 'Ł' => "l",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'þ' | 'Þ' => "th",
        'ħ' | 'Ħ' => "h",
        'ŧ' | 'Ŧ' => "t",
        'ı' => "i",
        'ς' => "σ",
        _ => return None,
    })
}

/// What is between letters and does not part them: it is not seen, or only at the end of a line.
const fn is_ignored(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{640}' | '\u{180e}' | '\u{200b}' | '\u{200d}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{1f3fb}'..='\u{1f3ff}')
}

/// What is no letter even where it is made of some: `Acme™` is found as `acme`.
fn is_symbol(c: char) -> bool {
    matches!(c, '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f189}')
        || !(c.is_alphanumeric() || is_combining_mark(c))
}

/// Marks that are as much of a word as its letters: vowels of the scripts of India and beyond.
const fn is_mark_a_letter(c: char) -> bool {
    matches!(c, '\u{780}'..='\u{7bf}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{1a20}'..='\u{1aaf}' | '\u{a8e0}'..='\u{a8ff}' | '\u{aa60}'..='\u{aa7f}'
        | '\u{11000}'..='\u{114ff}')
}

/// Letters of scripts that put no space between words, and pictographs.
const fn is_alone(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{17e9}' | '\u{2600}'..='\u{2775}' | '\u{2794}'..='\u{27bf}'
        | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}'
        | '\u{3038}'..='\u{303c}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{a4cf}' | '\u{a960}'..='\u{a97f}'
        | '\u{aa60}'..='\u{aa7f}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{1b000}'..='\u{1b16f}' | '\u{1f1e6}'..='\u{1f1ff}' | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_of_texts() {
        let cases: [(&str, &[&str]); 34] = [
            ("", &[]),
            ("Hello, World", &["hello", "world"]),
            ("a.b@c-d.de", &["a", "b", "c", "d", "de"]),
            ("don't foo_bar 1,000 C++", &["don", "t", "foo", "bar", "1", "000", "c"]),
            ("Größe STRASSE Straße", &["grosse", "strasse", "strasse"]),
            ("café cafe\u{301} CAFÉ", &["cafe", "cafe", "cafe"]),
            ("Łódź Søren Đorđe Æther œuvre", &["lodz", "soren", "dorde", "aether", "oeuvre"]),
            ("İstanbul ISTANBUL ıstanbul", &["istanbul", "istanbul", "istanbul"]),
            ("ΟΔΟΣ οδός", &["οδοσ", "οδοσ"]),
            ("Ёлка ёлка елка", &["елка", "елка", "елка"]),
            ("日本語", &["日", "本", "語"]),
            ("Tokyo東京2020年", &["tokyo", "東", "京", "2020", "年"]),
            ("だがし ｶﾞｷﾞ", &["だ", "が", "し", "ガ", "ギ"]),
            ("か\u{3099}", &["が"]),
            ("한국어", &["한", "국", "어"]),
            ("\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}", &["한", "국"]),
            ("ＦＵＬＬ ｗｉｄｔｈ１", &["full", "width1"]),
            ("ﬁne m² ½", &["fine", "m2", "1", "2"]),
            ("Acme™ 5㎏ №7 ①", &["acme", "tm", "5", "kg", "no", "7", "1"]),
            ("so\u{ad}ft\u{200b}er\u{2060}x", &["softerx"]),
            ("می\u{200c}خواهم", &["می", "خواهم"]),
            ("كتــاب كِتَاب", &["كتاب", "كتاب"]),
            ("שָׁלוֹם", &["שלום"]),
            ("हिन्दी की", &["हिन्दी", "की"]),
            ("क्\u{200d}ष", &["क्ष"]),
            ("ที่นี่", &["ที่", "นี่"]),
            ("party🎉time 👩\u{200d}💻 👍🏽", &["party", "🎉", "time", "👩", "💻", "👍"]),
            ("❤\u{fe0f} 🇩🇪", &["❤", "🇩", "🇪"]),
            ("\u{f0b7}item", &["item"]),
            ("\u{301}a \u{302}", &["a"]),
            ("²³", &["23"]),
            ("𝐁𝐨𝐥𝐝 𝓈𝒸𝓇𝒾𝓅𝓉", &["bold", "script"]),
            ("x\u{fffd}y\u{1b}z", &["x", "y", "z"]),
            ("Ⅳ ⓐ", &["iv", "a"]),
        ];
        for (text, expected) in cases {
            assert_eq!(folded(text), expected, "{text:?}");
        }
    }

    #[test]
    fn places_are_those_of_the_source() {
        for (text, shown) in [
            ("  Größe, 日本!", &["Größe", "日", "本"][..]),
            ("cafe\u{301}s ﬁ½", &["cafe\u{301}s", "ﬁ½", "½"]),
            ("so\u{ad}ft. \u{1112}\u{1161}\u{11ab}", &["so\u{ad}ft", "\u{1112}\u{1161}\u{11ab}"]),
            ("ｶﾞx", &["ｶﾞ", "x"]),
        ] {
            let found: Vec<&str> = words(text).into_iter().map(|w| &text[w.at]).collect();
            assert_eq!(found, shown, "{text:?}");
        }
    }

    #[test]
    fn long_words_are_cut_to_one_length() {
        let long = "x".repeat(500);
        assert_eq!(folded(&long), ["x".repeat(MAX_WORD_BYTES)]);
        assert_eq!(words(&long)[0].at, 0..500);
        let wide = "é".repeat(3) + &"ж".repeat(500);
        assert!(folded(&wide)[0].len() <= MAX_WORD_BYTES);
    }

    #[test]
    fn join_is_what_an_index_holds() {
        let mut out = String::new();
        join("Ann Lee", &mut out);
        join("<ann@example.org>", &mut out);
        assert_eq!(out, "ann lee ann example org");
    }

    fn check_invariants(text: &str) {
        let once = folded(text);
        for word in &once {
            assert!(!word.is_empty() && word.len() <= MAX_WORD_BYTES, "{text:?}: {word:?}");
            assert!(!word.contains(char::is_whitespace), "{text:?}: {word:?}");
        }
        assert_eq!(folded(&once.join(" ")), once, "{text:?}");
        let mut last = 0;
        for word in words(text) {
            assert!(word.at.start >= last && text.get(word.at.clone()).is_some(), "{text:?}");
            last = word.at.start;
        }
    }

    #[test]
    fn each_character_alone_and_between_letters() {
        // Of the blocks of Han and Hangul, each character is treated as the first.
        let blocks = ['\0'..='\u{3500}', '\u{a000}'..='\u{ad00}', '\u{d7a0}'..='\u{1ffff}'];
        for c in blocks.into_iter().flatten() {
            check_invariants(&format!("{c} a{c}か{c}\u{1100}{c}"));
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            check_invariants(&text);
        }

        #[test]
        fn a_text_is_the_words_of_its_parts(one in "\\PC{0,20}", two in "\\PC{0,20}") {
            let mut both = folded(&one);
            both.extend(folded(&two));
            prop_assert_eq!(folded(&format!("{one} {two}")), both);
        }
    }
}
