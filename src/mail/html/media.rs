//! What a page would fetch, and which of it is there to tell on the reader.
//!
//! Invariant: counts only; nothing is fetched, and no address leaves this file.

use super::declared::declarations;
use super::entity::in_attribute;
use super::style::is_zero;
use super::token::Tag;
use crate::mail::facts::LeftOut;

/// Ends of paths, and pieces of them, by which services that count openings are known.
const PIXELS: [&str; 14] = [
    "/open.php",
    "/open.aspx",
    "/open.gif",
    "/track/open",
    "/wf/open",
    "/e/open",
    "/email/open",
    "/pixel.gif",
    "/pixel.png",
    "/pixel.php",
    "/beacon.gif",
    "/o.gif",
    "/trk/open",
    "/imp?",
];

/// Counts what a tag would fetch.
pub(super) fn count(tag: &Tag<'_>, counts: &mut LeftOut) {
    let is_image = tag.name == "img" || tag.name == "input";
    let mut remote = 0_u32;
    for name in ["src", "background", "poster", "data", "srcset"] {
        remote +=
            u32::from(tag.attribute(name).is_some_and(|value| is_remote(&in_attribute(value))));
    }
    if tag.name == "link" {
        let loads = |rel: &str| ["stylesheet", "icon", "preload"].iter().any(|r| rel.contains(r));
        let rel = tag.attribute("rel").unwrap_or_default().to_ascii_lowercase();
        let target = in_attribute(tag.attribute("href").unwrap_or_default());
        remote += u32::from(loads(&rel) && is_remote(&target));
    }
    if let Some(style) = tag.attribute("style").filter(|style| style.contains("url(")) {
        let style = in_attribute(style);
        let urls = style.split("url(").skip(1).map(|url| url.trim_start_matches([' ', '"', '\'']));
        remote += u32::try_from(urls.filter(|url| is_remote(url)).count()).unwrap_or(u32::MAX);
    }
    if tag.name == "img" && is_inside(tag) {
        counts.inside = counts.inside.saturating_add(1);
    }
    if remote == 0 {
        return;
    }
    if is_image && is_tracker(tag) {
        counts.trackers = counts.trackers.saturating_add(1);
    } else {
        counts.remote = counts.remote.saturating_add(remote);
    }
}

/// Whether an image cannot be meant to be seen.
pub(super) fn is_tracker(tag: &Tag<'_>) -> bool {
    let src = in_attribute(tag.attribute("src").unwrap_or_default()).to_ascii_lowercase();
    if !is_remote(&src) {
        return false;
    }
    let style = in_attribute(tag.attribute("style").unwrap_or_default()).to_ascii_lowercase();
    let declared = |name: &str| {
        let own = declarations(&style).filter_map(|d| d.split_once(':'));
        let last = own.filter(|(known, _)| known.trim() == name).last();
        last.map(|(_, value)| value.trim_end_matches("!important").trim().to_owned())
    };
    let side = |name: &str| declared(name).or_else(|| tag.attribute(name).map(str::to_owned));
    let dot = |name: &str| side(name).map(|side| is_zero(&side) || is_one(&side));
    let nought = ["width", "height"].iter().any(|name| side(name).is_some_and(|s| is_zero(&s)));
    let is_dot = dot("width") == Some(true) && dot("height") == Some(true);
    let hidden = declared("display").is_some_and(|display| display == "none")
        || declared("visibility").is_some_and(|value| value == "hidden");
    // A known path counts only where no size says that there is something to see.
    let known = side("width").is_none() && PIXELS.iter().any(|piece| src.contains(piece));
    is_dot || nought || hidden || known
}

/// Whether an image came with the message (RFC 2392).
pub(super) fn is_inside(tag: &Tag<'_>) -> bool {
    let src = in_attribute(tag.attribute("src").unwrap_or_default());
    src.trim_start().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:"))
}

fn is_one(side: &str) -> bool {
    side.trim().strip_suffix("px").unwrap_or(side.trim()) == "1"
}

fn is_remote(target: &str) -> bool {
    let target = target.trim_start();
    let begins =
        |with: &str| target.get(..with.len()).is_some_and(|t| t.eq_ignore_ascii_case(with));
    begins("http:") || begins("https:") || begins("//") || begins("ftp:")
}
