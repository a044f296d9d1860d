//! HTML to lines of text: one pass over the source, no tree, nothing fetched.
//!
//! Invariant: total and linear; nothing that a browser would show as text is left out, scripts and
//! styles are. There is no document tree because hostile nesting costs stack or squared time in
//! every tree builder, and a message's layout tables are not worth it. This file must not wrap.

mod render;
mod token;

use render::Renderer;
use token::{Token, Tokens};

/// Elements whose content is not text.
const RAW: [&str; 8] =
    ["script", "style", "title", "template", "noframes", "iframe", "object", "xml"];

/// The text of an HTML document, its links as numbers with their targets at the end.
pub(super) fn to_text(source: &str) -> String {
    let mut renderer = Renderer::default();
    let mut tokens = Tokens::new(source);
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => renderer.text(text),
            Token::Open(tag) => {
                if RAW.contains(&tag.name.as_str()) && !tag.closed {
                    tokens.skip_to_end_of(&tag.name);
                } else {
                    renderer.open(&tag);
                }
            }
            Token::Close(name) => renderer.close(&name),
        }
    }
    renderer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        assert_eq!(to_text(source), expected, "{source}");
    }

    #[test]
    fn text_and_blocks() {
        check("<p>One\n two</p><p>three</p>", "One two\n\nthree");
        check("<div>a</div><div>b</div>c<br>d<br><br><br>e", "a\nb\nc\nd\n\ne");
        check("<h1>T</h1>x<hr>y", "T\n\nx\n---\ny");
        check("a<b>b</b> <i> c</i>", "ab c");
        check("<pre>a\n  b\n</pre>c", "a\n  b\n\nc");
        check("<head><title>no</title><style>p{}</style></head><script>x<y</script>yes", "yes");
        check("a<!-- <b> -->b<!DOCTYPE x><?php y ?>c", "abc");
        check("1 < 2 & 3 > 2 <", "1 < 2 & 3 > 2 <");
        check("", "");
    }

    #[test]
    fn entities() {
        check("&lt;&amp;&gt;&quot;&eacute;&#233;&#xE9;&#146;&nbsp;x", "<&>\"ééé’ x");
        check("&amp &unknown; &; &#; &#x110000; &copy2", "& &unknown; &; &#; \u{fffd} &copy2");
    }

    #[test]
    fn lists_quotes_and_tables() {
        check("<ul><li>a<li>b<ol><li>c</li></ol></ul>d", "- a\n- b\n  1. c\n\nd");
        check(
            "x<blockquote>a<br>b<blockquote>c</blockquote></blockquote>y",
            "x\n\n> a\n> b\n\n>> c\n\ny",
        );
        check("<table><tr><th>a</th><th>b</th></tr><tr><td>c<td>d</table>", "a | b\nc | d");
    }

    #[test]
    fn links_and_images() {
        check("<a href='https://x.y/z'>here</a> now", "here [1] now\n\n[1] https://x.y/z");
        check("<a href=https://x.y/>https://x.y/</a>", "https://x.y/");
        check("<a href=\"mailto:a@b.c\">a@b.c</a>", "a@b.c");
        check(
            "<a href='http://a'>1</a><a href='http://b'>2</a><a href='http://a'>3</a>",
            "1 [1]2 [2]3 [1]\n\n[1] http://a\n[2] http://b",
        );
        check("<a href='javascript:x'>no</a><a name=x>y</a>", "noy");
        check("<img src=http://x alt='A cat'><img src=y><img alt=i1.PNG>z", "[A cat]z");
        check("<a href='http://x'><img src=y></a>", "[1]\n\n[1] http://x");
    }

    #[test]
    fn hostile_sources_cost_linear_time() {
        let long = 20_000;
        for piece in [
            "<div>",
            "</div>",
            "<table>",
            "<td>",
            "<!--",
            "<a href=",
            "<a href='x'>",
            "<",
            "&",
            "&#",
            "<blockquote>a",
            "<ul><li>",
            "<b",
            "</",
            "<style>",
            "<p a=\"",
            "<![CDATA[",
            "<a b c d=e ",
        ] {
            let source = piece.repeat(long);
            assert!(to_text(&source).len() <= source.len() * 12 + 100, "{piece}");
        }
    }
}
