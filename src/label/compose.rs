//! Names written with combining marks, as the systems of some machines write file names, made the
//! names that people type: composed (NFC).
//!
//! Invariant: two forms of a name that differ only in how its marks are written become one, as far
//! as each character has one composed form; what has none stays as it is. Pure, and idempotent.

/// Marks, each with the characters that it composes with and what they become, in turn (the primary
/// composites of Unicode, section 3.11 of its standard).
const MARKS: [(char, &str); 63] = [
    (
        '\u{300}',
        "AÀEÈIÌOÒUÙaàeèiìoòuùÜǛüǜNǸnǹЕЀИЍеѐиѝĒḔēḕŌṐōṑWẀwẁÂẦâầĂẰăằÊỀêềÔỒôồƠỜơờƯỪưừYỲyỳ\
        ἀἂἁἃἈἊἉἋἐἒἑἓἘἚἙἛἠἢἡἣἨἪἩἫἰἲἱἳἸἺἹἻὀὂὁὃὈὊὉὋὐὒὑὓὙὛὠὢὡὣὨὪὩὫαὰεὲηὴιὶοὸυὺωὼΑᾺΕῈΗῊ᾿῍ϊῒΙῚ῾῝ϋῢΥῪ\
        ¨῭ΟῸΩῺ",
    ),
    (
        '\u{301}',
        "AÁEÉIÍOÓUÚYÝaáeéiíoóuúyýCĆcćLĹlĺNŃnńRŔrŕSŚsśZŹzźÜǗüǘGǴgǵÅǺåǻÆǼæǽØǾøǿ¨΅ΑΆΕΈΗΉ\
        ΙΊΟΌΥΎΩΏϊΐαάεέηήιίϋΰοόυύωώϒϓГЃКЌгѓкќÇḈçḉĒḖēḗÏḮïḯKḰkḱMḾmḿÕṌõṍŌṒōṓPṔpṕŨṸũṹWẂwẃÂẤâấĂẮăắÊẾ\
        êếÔỐôốƠỚơớƯỨưứἀἄἁἅἈἌἉἍἐἔἑἕἘἜἙἝἠἤἡἥἨἬἩἭἰἴἱἵἸἼἹἽὀὄὁὅὈὌὉὍὐὔὑὕὙὝὠὤὡὥὨὬὩὭ᾿῎῾῞",
    ),
    ('\u{302}', "AÂEÊIÎOÔUÛaâeêiîoôuûCĈcĉGĜgĝHĤhĥJĴjĵSŜsŝWŴwŵYŶyŷZẐzẑẠẬạậẸỆẹệỌỘọộ"),
    ('\u{303}', "AÃNÑOÕaãnñoõIĨiĩUŨuũVṼvṽÂẪâẫĂẴăẵEẼeẽÊỄêễÔỖôỗƠỠơỡƯỮưữYỸyỹ"),
    (
        '\u{304}',
        "AĀaāEĒeēIĪiīOŌoōUŪuūÜǕüǖÄǞäǟȦǠȧǡÆǢæǣǪǬǫǭÖȪöȫÕȬõȭȮȰȯȱYȲyȳИӢиӣУӮуӯGḠgḡḶḸḷḹṚṜṛṝ\
        αᾱΑᾹιῑΙῙυῡΥῩ",
    ),
    ('\u{306}', "AĂaăEĔeĕGĞgğIĬiĭOŎoŏUŬuŭУЎИЙийуўЖӁжӂАӐаӑЕӖеӗȨḜȩḝẠẶạặαᾰΑᾸιῐΙῘυῠΥῨ"),
    (
        '\u{307}',
        "CĊcċEĖeėGĠgġIİZŻzżAȦaȧOȮoȯBḂbḃDḊdḋFḞfḟHḢhḣMṀmṁNṄnṅPṖpṗRṘrṙSṠsṡŚṤśṥŠṦšṧṢṨṣṩTṪ\
        tṫWẆwẇXẊxẋYẎyẏſẛ",
    ),
    (
        '\u{308}',
        "AÄEËIÏOÖUÜaäeëiïoöuüyÿYŸΙΪΥΫιϊυϋϒϔЕЁІЇеёіїАӒаӓӘӚәӛЖӜжӝЗӞзӟИӤиӥОӦоӧӨӪөӫЭӬэӭУӰ\
        уӱЧӴчӵЫӸыӹHḦhḧÕṎõṏŪṺūṻWẄwẅXẌxẍtẗ",
    ),
    ('\u{309}', "AẢaảÂẨâẩĂẲăẳEẺeẻÊỂêểIỈiỉOỎoỏÔỔôổƠỞơởUỦuủƯỬưửYỶyỷ"),
    ('\u{30a}', "AÅaåUŮuůwẘyẙ"),
    ('\u{30b}', "OŐoőUŰuűУӲуӳ"),
    ('\u{30c}', "CČcčDĎdďEĚeěLĽlľNŇnňRŘrřSŠsšTŤtťZŽzžAǍaǎIǏiǐOǑoǒUǓuǔÜǙüǚGǦgǧKǨkǩƷǮʒǯjǰHȞhȟ"),
    ('\u{30f}', "AȀaȁEȄeȅIȈiȉOȌoȍRȐrȑUȔuȕѴѶѵѷ"),
    ('\u{311}', "AȂaȃEȆeȇIȊiȋOȎoȏRȒrȓUȖuȗ"),
    ('\u{313}', "αἀΑἈεἐΕἘηἠΗἨιἰΙἸοὀΟὈυὐωὠΩὨρῤ"),
    ('\u{314}', "αἁΑἉεἑΕἙηἡΗἩιἱΙἹοὁΟὉυὑΥὙωὡΩὩρῥΡῬ"),
    ('\u{31b}', "OƠoơUƯuư"),
    (
        '\u{323}',
        "BḄbḅDḌdḍHḤhḥKḲkḳLḶlḷMṂmṃNṆnṇRṚrṛSṢsṣTṬtṭVṾvṿWẈwẉZẒzẓAẠaạEẸeẹIỊiịOỌoọƠỢơợUỤuụ\
        ƯỰưựYỴyỵ",
    ),
    ('\u{324}', "UṲuṳ"),
    ('\u{325}', "AḀaḁ"),
    ('\u{326}', "SȘsșTȚtț"),
    ('\u{327}', "CÇcçGĢgģKĶkķLĻlļNŅnņRŖrŗSŞsşTŢtţEȨeȩDḐdḑHḨhḩ"),
    ('\u{328}', "AĄaąEĘeęIĮiįUŲuųOǪoǫ"),
    ('\u{32d}', "DḒdḓEḘeḙLḼlḽNṊnṋTṰtṱUṶuṷ"),
    ('\u{32e}', "HḪhḫ"),
    ('\u{330}', "EḚeḛIḬiḭUṴuṵ"),
    ('\u{331}', "BḆbḇDḎdḏKḴkḵLḺlḻNṈnṉRṞrṟTṮtṯZẔzẕhẖ"),
    (
        '\u{338}',
        "←↚→↛↔↮⇐⇍⇔⇎⇒⇏∃∄∈∉∋∌∣∤∥∦∼≁≃≄≅≇≈≉=≠≡≢≍≭<≮>≯≤≰≥≱≲≴≳≵≶≸≷≹≺⊀≻⊁⊂⊄⊃⊅⊆⊈⊇⊉⊢⊬⊨⊭⊩⊮⊫⊯≼⋠≽⋡\
        ⊑⋢⊒⋣⊲⋪⊳⋫⊴⋬⊵⋭",
    ),
    ('\u{342}', "ἀἆἁἇἈἎἉἏἠἦἡἧἨἮἩἯἰἶἱἷἸἾἹἿὐὖὑὗὙὟὠὦὡὧὨὮὩὯαᾶ¨῁ηῆ᾿῏ιῖϊῗ῾῟υῦϋῧωῶ"),
    (
        '\u{345}',
        "ἀᾀἁᾁἂᾂἃᾃἄᾄἅᾅἆᾆἇᾇἈᾈἉᾉἊᾊἋᾋἌᾌἍᾍἎᾎἏᾏἠᾐἡᾑἢᾒἣᾓἤᾔἥᾕἦᾖἧᾗἨᾘἩᾙἪᾚἫᾛἬᾜἭᾝἮᾞἯᾟὠᾠὡᾡὢᾢὣᾣὤᾤὥᾥ\
        ὦᾦὧᾧὨᾨὩᾩὪᾪὫᾫὬᾬὭᾭὮᾮὯᾯὰᾲαᾳάᾴᾶᾷΑᾼὴῂηῃήῄῆῇΗῌὼῲωῳώῴῶῷΩῼ",
    ),
    ('\u{653}', "\u{627}\u{622}"),
    (
        '\u{654}',
        "\u{627}\u{623}\u{648}\u{624}\u{64a}\u{626}\u{6d5}\u{6c0}\u{6c1}\u{6c2}\
        \u{6d2}\u{6d3}",
    ),
    ('\u{655}', "\u{627}\u{625}"),
    ('\u{93c}', "नऩरऱळऴ"),
    ('\u{9be}', "\u{9c7}\u{9cb}"),
    ('\u{9d7}', "\u{9c7}\u{9cc}"),
    ('\u{b3e}', "\u{b47}\u{b4b}"),
    ('\u{b56}', "\u{b47}\u{b48}"),
    ('\u{b57}', "\u{b47}\u{b4c}"),
    ('\u{bbe}', "\u{bc6}\u{bca}\u{bc7}\u{bcb}"),
    ('\u{bd7}', "ஒஔ\u{bc6}\u{bcc}"),
    ('\u{c56}', "\u{c46}\u{c48}"),
    ('\u{cc2}', "\u{cc6}\u{cca}"),
    ('\u{cd5}', "\u{cbf}\u{cc0}\u{cc6}\u{cc7}\u{cca}\u{ccb}"),
    ('\u{cd6}', "\u{cc6}\u{cc8}"),
    ('\u{d3e}', "\u{d46}\u{d4a}\u{d47}\u{d4b}"),
    ('\u{d57}', "\u{d46}\u{d4c}"),
    ('\u{dca}', "\u{dd9}\u{dda}\u{ddc}\u{ddd}"),
    ('\u{dcf}', "\u{dd9}\u{ddc}"),
    ('\u{ddf}', "\u{dd9}\u{dde}"),
    ('\u{102e}', "ဥဦ"),
    (
        '\u{1b35}',
        "ᬅᬆᬇᬈᬉᬊᬋᬌᬍᬎᬑᬒ\u{1b3a}\u{1b3b}\u{1b3c}\u{1b3d}\u{1b3e}\u{1b40}\u{1b3f}\u{1b41}\
        \u{1b42}\u{1b43}",
    ),
    (
        '\u{3099}',
        "かがきぎくぐけげこごさざしじすずせぜそぞただちぢつづてでとどはばひびふぶへべほぼうゔゝゞカガキギクグケゲコゴサザシジスズセゼソゾタダチヂツヅテデトドハバ\
        ヒビフブヘベホボウヴワヷヰヸヱヹヲヺヽヾ",
    ),
    ('\u{309a}', "はぱひぴふぷへぺほぽハパヒピフプヘペホポ"),
    ('\u{110ba}', "𑂙𑂚𑂛𑂜𑂥𑂫"),
    ('\u{11127}', "\u{11131}\u{1112e}\u{11132}\u{1112f}"),
    ('\u{1133e}', "\u{11347}\u{1134b}"),
    ('\u{11357}', "\u{11347}\u{1134c}"),
    ('\u{114b0}', "\u{114b9}\u{114bc}"),
    ('\u{114ba}', "\u{114b9}\u{114bb}"),
    ('\u{114bd}', "\u{114b9}\u{114be}"),
    ('\u{115af}', "\u{115b8}\u{115ba}\u{115b9}\u{115bb}"),
    ('\u{11930}', "\u{11935}\u{11938}"),
];

/// Hangul syllables are made of a leading consonant, a vowel and perhaps a trailing consonant, by
/// arithmetic (section 3.12 of the standard).
const LEADING: u32 = 0x1100;
const VOWEL: u32 = 0x1161;
const TRAILING: u32 = 0x11a7;
const SYLLABLE: u32 = 0xac00;
const VOWELS: u32 = 21;
const TRAILINGS: u32 = 28;
const SYLLABLES: u32 = 19 * VOWELS * TRAILINGS;

/// `text` with every mark composed that has a composed form.
#[must_use]
pub(super) fn composed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Where the last character begins that is no mark, and whether a mark after it stayed one: it
    // is between that character and the marks that follow.
    let (mut base, mut stuck): (Option<usize>, Option<u8>) = (None, None);
    for c in text.chars() {
        let class = class(c);
        let free = stuck.is_none_or(|before| before < class);
        if let Some(at) = base.filter(|_| free)
            && let Some(held) = out[at..].chars().next()
            && let Some(both) = pair(held, c)
        {
            out.replace_range(at..at + held.len_utf8(), both.encode_utf8(&mut [0; 4]));
            continue;
        }
        if class == 0 {
            (base, stuck) = (Some(out.len()), None);
        } else {
            stuck = Some(class);
        }
        out.push(c);
    }
    out
}

/// In what part of a character a mark stands: two marks of one part keep their order. 0 is no mark.
fn class(c: char) -> u8 {
    match u32::from(c) {
        // Below and above, the ones that names of people's languages have.
        0x0316..=0x0319 | 0x031c..=0x0320 | 0x0323..=0x0326 | 0x0329..=0x0333 | 0x0339..=0x033c => {
            220
        }
        0x0321 | 0x0322 | 0x0327 | 0x0328 => 202,
        0x031b => 216,
        0x0334..=0x0338 => 1,
        0x0345 => 240,
        0x0300..=0x036f => 230,
        0x3099 | 0x309a => 8,
        _ => 0,
    }
}

fn pair(base: char, mark: char) -> Option<char> {
    if let Some(syllable) = hangul(u32::from(base), u32::from(mark)) {
        return char::from_u32(syllable);
    }
    let (_, pairs) = MARKS.iter().find(|(known, _)| *known == mark)?;
    let mut chars = pairs.chars();
    while let (Some(known), Some(both)) = (chars.next(), chars.next()) {
        if known == base {
            return Some(both);
        }
    }
    None
}

fn hangul(first: u32, second: u32) -> Option<u32> {
    let (leading, vowel) = (first.wrapping_sub(LEADING), second.wrapping_sub(VOWEL));
    if leading < 19 && vowel < VOWELS {
        return Some(SYLLABLE + (leading * VOWELS + vowel) * TRAILINGS);
    }
    let (syllable, trailing) = (first.wrapping_sub(SYLLABLE), second.wrapping_sub(TRAILING));
    let open = syllable < SYLLABLES && syllable.is_multiple_of(TRAILINGS);
    (open && (1..TRAILINGS).contains(&trailing)).then(|| first + trailing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, typed: &str) {
        assert_eq!(composed(written), typed, "{written:?}");
        assert_eq!(composed(typed), typed, "twice");
    }

    #[test]
    fn marks_are_composed() {
        check("plain", "plain");
        check("Gro\u{308}\u{df}e", "Gr\u{f6}\u{df}e");
        check("Cafe\u{301}", "Caf\u{e9}");
        // Two marks, below before above; and two above.
        check("vie\u{323}\u{302}t", "vi\u{1ec7}t");
        check("u\u{308}\u{304}", "\u{1d6}");
        check("\u{438}\u{306}", "\u{439}");
        check("\u{3b1}\u{313}\u{301}", "\u{1f04}");
        check("\u{304b}\u{3099}\u{306f}\u{309a}", "\u{304c}\u{3071}");
        check("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}", "\u{d55c}\u{ae00}");
    }

    #[test]
    fn what_has_no_composed_form_stays() {
        check("q\u{308}", "q\u{308}");
        check("\u{301}a", "\u{301}a");
        // Something is between: a mark of the same part, or a character.
        check("q\u{308}\u{301}", "q\u{308}\u{301}");
        check("a\u{30a}\u{308}", "\u{e5}\u{308}");
        check("a-\u{301}", "a-\u{301}");
        check("\u{ac01}\u{11a8}", "\u{ac01}\u{11a8}");
        check("", "");
    }

    #[test]
    fn the_table_is_of_pairs_that_compose() {
        for (mark, pairs) in MARKS {
            assert_eq!(pairs.chars().count() % 2, 0, "{mark:?}");
        }
    }
}
