//! Pages as data, and the text that is shown of them.
//!
//! Invariant: hostile pages are here as data, and what they cost is counted, not timed.

use super::{render, to_text, walk};

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
    check("<a href=http://WWW.X.y>www.X.Y</a>", "www.X.Y");
    check("<a href=\"mailto:a@b.c\">a@b.c</a>", "a@b.c");
    check(
        "<a href='http://a'>1</a><a href='http://b'>2</a><a href='http://a'>3</a>",
        "1 [1]2 [2]3 [1]\n\n[1] http://a/\n[2] http://b/",
    );
    check("<a href='javascript:x'>no</a><a name=x>y</a>", "noy");
    check("<img src=http://x alt='A cat'><img src=y><img alt=i1.PNG>z", "[A cat]z");
    check("<img src='cid:a@b' alt='A cat'><img src=CID:c alt=i1.PNG>z", "[image: A cat]z");
    check("<a href='http://x'><img src=y></a>", "[1]\n\n[1] http://x/");
}

#[test]
fn a_target_leads_where_it_would_lead_in_a_browser() {
    for (href, target) in [
        (" http://a/b c ", "http://a/b%20c"),
        ("http://a/\n\tb\r\nc", "http://a/bc"),
        ("mailto:a@b.c?subject=two words", "mailto:a@b.c?subject=two%20words"),
        ("http://a/\u{a0}\u{3000}", "http://a/%C2%A0%E3%80%80"),
        ("http://a/\u{202e}\u{200b}\u{200d}\u{1b}x", "http://a/%E2%80%AE%E2%80%8B%E2%80%8D%1Bx"),
        ("http://a/\u{e9}", "http://a/%C3%A9"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http:\\\\evil.example\\x", "http://evil.example/x"),
        ("http://evil\u{3002}example/", "http://evil.example/"),
        ("http://exa%6dple.com", "http://example.com/"),
        ("http://\u{ff47}oogle.test", "http://google.test/"),
        ("http://[", "http://["),
        // A name without its semicolon is none before a `=` (HTML standard section 13.2.5.73).
        ("http://a/?x=1&copy=2&reg=3&lt=4", "http://a/?x=1&copy=2&reg=3&lt=4"),
        ("http://a/?x&amp;copy=2&copy;&lt/&#38=&region=", "http://a/?x&copy=2%C2%A9%3C/&=&region="),
    ] {
        check(&format!("<a href='{href}'>x</a>"), &format!("x [1]\n\n[1] {target}"));
    }
    check("1 &lt= 2 &copy=", "1 <= 2 \u{a9}=");
    check("<a href='java script:x'>no</a>", "no");
}

#[test]
fn lists_count_from_where_they_say() {
    check("<ol start=5><li>a<li value=9>b<li>c</ol>", "5. a\n9. b\n10. c");
    check("<ol start=' 3 '><li>a</ol>", "3. a");
    for start in ["", "x", "-1", "99999999999999999999", "18446744073709551615"] {
        check(&format!("<ol start='{start}'><li>a<li>b</ol>"), "1. a\n2. b");
    }
    check("<ul><li value=7>a</ul>", "- a");
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

/// What is shown, and words hidden, trackers, remote content.
fn check_left_out(source: &str, expected: &str, counts: (u32, u32, u32)) {
    let page = render(source, 1);
    let left = page.counts;
    assert_eq!(page.text, expected, "{source}");
    assert_eq!((left.hidden, left.trackers, left.remote), counts, "{source}");
}

#[test]
fn what_a_page_hides_is_left_out_and_counted() {
    for style in [
        "display:none",
        "DISPLAY : None !important",
        "display:block;display:none",
        "visibility:hidden",
        "opacity:0",
        "font-size:0px",
        "font:0/0 a",
        "max-height:0;overflow:hidden",
        "height:0px;overflow:hidden;padding:0",
        "color:#fff;background-color:#FFFFFF",
        "color:&#35;fff;background:white",
        "display:/**/none",
        "display/*x*/:none",
        "color:transparent",
        "color:rgba(0, 0, 0, 0)",
        "color:#0000",
        "position:absolute;left:-10000px",
        "position:absolute;left:-999em;width:1px",
        "text-indent:-9999px",
        "transform:scale(0)",
        "transform:scale(0,0)",
    ] {
        let source = format!("a<br><div style=\"{style}\">one <b>two</b></div>b");
        check_left_out(&source, "a\nb", (2, 0, 0));
    }
    check_left_out("a <span hidden>x</span> b", "a b", (1, 0, 0));
    check_left_out("<td bgcolor=#ffffff><font color=white>x</font>y</td>", "y", (1, 0, 0));
    check_left_out("a<p style=display:none>b<p>c", "a\n\nc", (1, 0, 0));
    check_left_out("<ul hidden><li>a</ul>b<blockquote hidden>c</blockquote>d", "bd", (2, 0, 0));
    check_left_out("<div style=display:none>a<a href=http://x>b</a></div>c", "c", (2, 0, 0));
    check_left_out("a &zwnj;&nbsp;&#847;&zwnj; &#173; b", "a b", (0, 0, 0));
}

#[test]
fn what_a_browser_shows_is_never_left_out() {
    for source in [
        // The value is none, or another one counts.
        "<div style='display:none;display:block'>x</div>",
        "<div style='display:block!important;display:none'>x</div>",
        "<div style='display:none x'>x</div>",
        "<div style='content:\"a;display:none\"'>x</div>",
        "<div style='/*;display:none;*/'>x</div>",
        "<div style='display:n\\one'>x</div>",
        "<div style='mso-hide:all'>x</div>",
        "<div style='font-size:0.1px'>x</div>",
        "<div style='font:400 12px/0 a'>x</div>",
        "<div style='opacity:0.5'>x</div>",
        // What is inside says otherwise.
        "<div style='font-size:0'><p style='font-size:12px'>x</p></div>",
        "<div style='font-size:0'><table><td>x</table></div>",
        "<div style='visibility:hidden'><b style='visibility:visible'>x</b></div>",
        "<div style='max-height:0;overflow:hidden'><b style='position:absolute'>x</b></div>",
        "<div style='color:#fff;background:#fff'><b style='color:red'>x</b></div>",
        "<div style='color:#00f;background:#00f'><a href='mailto:x'>x</a></div>",
        // It has no effect on this kind of element, or is not known to have one.
        "<span style='height:0;overflow:hidden'>x</span>",
        "<table><td style='height:0;overflow:hidden'>x</table>",
        "<div style='height:0'>x</div>",
        "<div style='height:0;overflow:hidden;padding:9px'>x</div>",
        "<font color=white>x</font>",
        "<td bgcolor=#fff background=dark.png><font color=#fff>x</font>",
        // A style sheet says otherwise.
        "<style>.a{display:block!important}</style><p class='b a' style='display:none'>x",
        "<style>div{display:block}</style><div hidden>x</div>",
        "<style>@media screen{#i{visibility:visible!important}}</style>\
         <p id=i style='visibility:hidden'>x",
        "<style>.t{font-size:14px}</style><div style='font-size:0'><p class=t>x</div>",
        "<style>td{background:#000}</style><td bgcolor=#fff><font color=#fff>x</font>",
        "<p style='display:none'>a</p><style>x{}</style>x",
        // It has ended.
        "<p style=display:none>a<div>x</div>",
        "<b style=display:none>a<p></b>x",
        "<span style=display:none>a</span>x",
        "<div style=display:none><span>a</div>x",
        "<ul><li style=display:none>a<li>x</ul>",
        "<table><tr><td style=display:none>a<td>x</table>",
        "<table style=display:none>x<tr><td>a</table>",
        "<table style=display:none><tr><div>x</div><td>a</table>",
        "<!--a--!>x",
        "<!--[if mso]>a<![endif]-->x",
        "<!--[if !mso]><!-->x<!--<![endif]-->",
        "<object data=a>x</object>",
    ] {
        let text = to_text(source);
        assert!(text.contains('x'), "{source}: {text:?}");
    }
}

#[test]
fn what_a_sheet_hides_is_left_out_and_counted() {
    for (sheet, class) in [
        (".h{display:none !important}", "h"),
        (".h{display:none}", "a h"),
        (".h{DISPLAY:None}", "h"),
        ("div.h.i{display:none}", "i h"),
        (".a,.h{visibility:hidden}", "h"),
        (".h{display:block}.h{display:none}", "h"),
        ("div.h{display:none}.h{display:block}", "h"),
        (".h{display:none!important}.h{display:block}", "h"),
        ("div{display:block}.h{display:none}", "h"),
        ("#x{display:none}.h{display:block}", "h"),
        ("@media screen{.h{display:none}}", "h"),
        ("@media all{.h{display:none}}", "h"),
        ("@media (min-width:600px){.h{display:none}}", "h"),
        (".h{display:none}@media (max-width:600px){.h{display:block!important}}", "h"),
        (".h{display:none}@media print{.h{display:block!important}}", "h"),
        ("@font-face{font-family:x;src:url(a)}.h{display:none}", "h"),
        ("@import url(a;b);.h{display:none}", "h"),
        ("<!-- .h{display:/**/none} -->", "h"),
        (".h{max-height:0;overflow:hidden}", "h"),
        (".h{font-size:0}", "h"),
        (".h{opacity:0}", "h"),
        (".h{color:transparent}", "h"),
        (".h{position:absolute;left:-9999px}", "h"),
        (".h{text-indent:-9999px}", "h"),
        (".h{transform:scale(0)}", "h"),
    ] {
        let style = format!("<style type=text/css>{sheet}</style>");
        let source = format!("{style}a<br><div id=x class='{class}'>one <b>two</b></div>b");
        check_left_out(&source, "a\nb", (2, 0, 0));
        let late = format!("a<br><div id=x class='{class}'>one <b>two</b></div>b{style}");
        check_left_out(&late, "a\nb", (2, 0, 0));
    }
    let preheader = "<style>.preheader{display:none !important}</style>\
                     <span class=preheader>PREHEAD</span>x";
    check_left_out(preheader, "x", (1, 0, 0));
    check_left_out(
        "<style>.h{display:none!important}</style><p class=h style=display:block>a",
        "",
        (1, 0, 0),
    );
}

#[test]
fn what_a_sheet_may_show_is_never_left_out() {
    for source in [
        // Another rule, or the element's own style, counts more.
        "<style>.h{display:none}.h{display:block}</style><p class=h>x",
        "<style>.h{display:block!important}.h{display:none}</style><p class=h>x",
        "<style>p.h{display:block}.h{display:none}</style><p class=h>x",
        "<style>#i{display:block}p.h{display:none}</style><p id=i class=h>x",
        "<style>.h{display:none}</style><p class=h style='display:block'>x",
        "<style>.h{display:none!important}</style><p class=h style='display:block!important'>x",
        "<style>.h{display:none}.a .h{display:block}</style><p class=h>x",
        "<style>.h{display:none}:checked~.h{display:block}</style><p class=h>x",
        "<style>.h{display:none}</style><p class=h style='displa\\79:block'>x",
        // It is for others.
        "<style>.h{display:none}</style><p class='H k'>x",
        "<style>.h.k{display:none}</style><p class=h>x",
        "<style>.k .h{display:none}</style><p class=h>x",
        "<style>p.h{display:none}</style><div class=h>x",
        "<style>@media print{.h{display:none}}</style><p class=h>x",
        "<style>@media (max-width:600px){.h{display:none!important}}</style><p class=h>x",
        "<style>@media not screen{.h{display:none!important}}</style><p class=h>x",
        "<style>@supports (a:b){.h{display:none}}</style><p class=h>x",
        "<style media=print>.h{display:none}</style><p class=h>x",
        "<style type=text/x>.h{display:none}</style><p class=h>x",
        "<!--[if mso]><style>.h{display:none}</style><![endif]--><p class=h>x",
        "<textarea><style>.h{display:none}</style></textarea><p class=h>x",
        // A browser reads no rule there.
        "<style>.h, :-x-y{display:none}</style><p class=h>x",
        "<style>.1h{display:none}</style><p class=1h>x",
        "<style>}.h{display:none}</style><p class=h>x",
        "<style>a;.h{display:none}</style><p class=h>x",
        "<style>a{b:\"}.h{display:none}\"}</style><p class=h>x",
        "<style>a{b:url(}.h{display:none})}</style><p class=h>x",
        "<style>a{b:(}.h{display:none})}</style><p class=h>x",
        "<style>/*.h{display:none}*/</style><p class=h>x",
        "<style>.h{display:n/**/one}</style><p class=h>x",
        "<style>.a\\{}.h{display:none}</style><p class=h>x",
        "<style>.h{display:none\\9}</style><p class=h>x",
        // It moves.
        "<style>.h{opacity:0;animation:a 1s}</style><p class=h>x",
        // It is seen all the same.
        "<style>.h{color:transparent}</style><p class=h style='text-shadow:0 0 1px #000'>x",
        "<div style='color:transparent'><b style='color:#000'>x</b></div>",
        "<div style='color:transparent'><a href='mailto:x'>x</a></div>",
        "<style>.h b{color:red}</style><div style='color:transparent'><b>x</b></div>",
        "<div style='left:-10000px'>x</div>",
        "<div style='position:absolute;left:-10px'>x</div>",
        "<div style='position:absolute;left:-9999px;right:0'>x</div>",
        "<div dir=rtl style='position:absolute;left:-9999px'>x</div>",
        "<div style='position:absolute;left:-9999px'><b style='position:fixed'>x</b></div>",
        "<span style='text-indent:-9999px'>x</span>",
        "<div style='text-indent:-99px'>x</div>",
        "<div style='text-indent:-9999px'>a<br>x</div>",
        "<div style='text-indent:-9999px;text-align:right'>x</div>",
        "<span style='transform:scale(0)'>x</span>",
        "<div style='transform:scale(0.5)'>x</div>",
        "<div style='opacity:0px'>x</div>",
    ] {
        let text = to_text(source);
        assert!(text.contains('x'), "{source}: {text:?}");
    }
    let long = "word ".repeat(100);
    let page = format!("<div style='text-indent:-9999px'>{long}x</div>");
    assert!(to_text(&page).contains('x'));
}

#[test]
fn only_screens_of_others_do_not_count() {
    for sheet in [
        "@media only screen and (max-width: 600px){.m{display:block!important}}",
        "@media print{.m{display:block !important}}",
        "@media (prefers-color-scheme:dark){.m{display:block !important}}",
        ".other{display:block!important}",
        "/* .m{display:block!important} */",
        "#outlook a{padding:0}.m{color:red!important}",
    ] {
        let source = format!("<style>{sheet}</style><p class=m style='display:none'>m</p>x");
        check_left_out(&source, "x", (1, 0, 0));
    }
}

#[test]
fn trackers_and_remote_content_are_counted() {
    for (image, counts) in [
        ("<img src='http://a/b.png' width=1 height=1>", (0, 1, 0)),
        ("<img src='https://a/b.png' style='width:1px; height:1px'>", (0, 1, 0)),
        ("<img src=//a/b width=0 height=40>", (0, 1, 0)),
        ("<img src=http://a/b style=display:none>", (0, 1, 0)),
        ("<img src='http://a/wf/open?upn=x' alt=''>", (0, 1, 0)),
        ("<img src='http://a/wf/open?upn=x' width=600>", (0, 0, 1)),
        ("<img src=http://a/b width=1 height=40>", (0, 0, 1)),
        ("<img src=cid:a width=1 height=1>", (0, 0, 0)),
        ("<img src=data:image/gif;base64,x width=1 height=1>", (0, 0, 0)),
        ("<td background=http://a/b>", (0, 0, 1)),
        ("<td style='background:url(\"http://a/b\")'>", (0, 0, 1)),
        ("<link rel=stylesheet href=http://a/b>", (0, 0, 1)),
    ] {
        check_left_out(&format!("{image}x"), "x", counts);
    }
}

#[test]
fn quotes_of_other_programs() {
    check(
        "a<div class=gmail_quote><div class=gmail_attr>Ann wrote:<br></div>\
         <blockquote class=gmail_quote>b</blockquote></div>c",
        "a\nAnn wrote:\n\n> b\n\nc",
    );
    check(
        "a<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm'>\
         <p><b>From:</b> Ann</div></div><p>b",
        "a\n\n> From: Ann\n\n> b",
    );
    check("<div id=x_divRplyFwdMsg>From: Ann</div>b", "> From: Ann\n> b");
    check("<table role=presentation><td>a<td>b</table>", "a  b");
    check("<table><td><table><td>a</table><td>b</table>", "a\nb");
}

#[test]
fn links_are_told_with_their_text() {
    let page = render("<a href=http://a>one\n<b>two</b></a><a href=http://b><img></a>", 3);
    let told: Vec<_> = page.anchors.iter().map(|a| (a.n, a.text.as_str())).collect();
    assert_eq!((told, page.next), (vec![(3, "one two"), (4, "")], 5));
}

/// From 64 KiB to 4 MiB each doubling may cost 2.6 times the work at most.
#[test]
fn work_grows_with_the_page_and_no_faster() {
    let deep = "<div>".repeat(400);
    let all = "<p>a<!----><b><p></b><i style='color:#fff;background:#fff'>x</i>&#x26;&amp;&</u>";
    let classes = format!("<style>{}</style>", ".a.b.c.d{display:none}.e.f.g.h{left:0}".repeat(32));
    let keyed = format!("<style>{}</style>", ".a{display:none;color:red}".repeat(4_000));
    for (before, piece, doublings) in [
        ("", all, 6),
        ("", "<div>", 3),
        ("", "<!-- -- ", 3),
        ("", "<table><tr><td>", 3),
        ("", "<a href='http://x?", 3),
        ("", "<style>a{b", 3),
        ("", "<style>.a{display:block!important}</style>", 3),
        ("", "<p style='a:b;display:none;", 3),
        ("", "<style>.a{display:none}</style><p class=a>", 3),
        ("", "<style>.a,.b,.c{display:none}", 3),
        (classes.as_str(), "<p class='a b c d e f g h i j k l'>a</p>", 3),
        (keyed.as_str(), "<p class=a>a</p>", 3),
        ("<p><table><td>", "<div></div>", 3),
        (deep.as_str(), "<b><div></b></div>", 3),
        (deep.as_str(), "<u><i></u></i>", 3),
    ] {
        let cost = |bytes: usize| {
            let page = format!("{before}{}", piece.repeat(bytes / piece.len()));
            let (page, steps) = walk(&page, 1);
            steps + page.text.len()
        };
        let mut last = cost(64 * 1024);
        for doubling in 1..=doublings {
            let next = cost((64 * 1024) << doubling);
            assert!(next * 10 <= last * 26, "{piece}: {last} to {next}");
            last = next;
        }
    }
}
