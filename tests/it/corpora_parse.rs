//! What we read in real mail against what other mail tools read in it (the corpora's oracle).
//!
//! Where the tools agree, so must we, or the difference stands in [`EXPLAINED`] with its reason; a
//! listed difference that no longer occurs fails too. Where they disagree, any tool's answer does.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mailtui::mail::{Address, Attachment, Parsed, message_key, parse};
use mailtui::safe_text;
use serde_json::Value;

/// Differences that stay: file, field, reason.
const EXPLAINED: &[(&str, &str, &str)] = &[
    (
        "mail-parser/msg/rfc/006.eml",
        "text_tokens",
        "its text says that it is for programs without HTML: its page is shown",
    ),
    (
        "enmime/msg/testdata/mail/non-mime-html-charset-header-only.raw",
        "text_tokens",
        "the word is in <title>, which a browser does not show in the page",
    ),
    (
        "enmime/msg/testdata/mail/non-mime-html.raw",
        "text_tokens",
        "the word is in <title>, which a browser does not show in the page",
    ),
    (
        "enmime/msg/testdata/mail/malformed-multiple-address-header-values.raw",
        "from",
        "two addresses without a comma are two, as for notmuch; Python and Dovecot drop the second",
    ),
    (
        "enmime/msg/testdata/mail/qp-utf8-header-recursed.raw",
        "from-name",
        "the second address of a field that Python cannot read and notmuch reads half of; its name \
         is an encoded word with a space inside, shown as it stands",
    ),
    (
        "mail-parser/msg/legacy/026.eml",
        "attachments",
        "a raw byte that is not UTF-8 in a name is read as Windows-1252; notmuch does so in the \
         same message's other copies, here only Python was asked",
    ),
    (
        "mikel-mail/msg/attachment_emails/attachment_with_base64_encoded_name.eml",
        "attachments",
        "an encoded word without quotes as a file name is decoded; Python finds no name",
    ),
    (
        "mikel-mail/msg/attachment_emails/attachment_with_unquoted_name.eml",
        "attachments",
        "`filename=This is a test.txt` is the whole name; Python stops at the space",
    ),
    (
        "mikel-mail/msg/error_emails/bad_subject.eml",
        "from-name",
        "encoded words that follow each other join without a space (RFC 2047 section 6.2); Python \
         puts spaces in, notmuch stops after the first",
    ),
    (
        "mikel-mail/msg/error_emails/missing_body.eml",
        "to",
        "an empty group inside angle brackets; Dovecot marks it as a syntax error, here it stands \
         as written",
    ),
    (
        "mikel-mail/msg/mime_emails/raw_email_with_binary_encoded.eml",
        "attachments",
        "an unquoted boundary may hold `=`; Python stops there and finds no part",
    ),
    (
        "mikel-mail/msg/plain_emails/mix_caps_content_type.eml",
        "from",
        "`Big Bug bb@bug.com` is a name and an address; the tools find a third and a fourth form",
    ),
    (
        "mikel-mail/msg/plain_emails/raw_email_with_at_display_name.eml",
        "to",
        "`Mikel@Lindsaar <raasdnil@gmail.com>` has an `@` in its name without quotes; Dovecot \
         takes the name for the address and drops the rest of the list",
    ),
    (
        "mikel-mail/msg/plain_emails/raw_email_incorrect_header.eml",
        "text_tokens",
        "the word is in the subject: as for notmuch and Dovecot the header goes on behind the line \
         that is no field; Python's text begins there",
    ),
];

/// File and field; what we read, and what would have been accepted.
type Differences = BTreeMap<(String, &'static str), String>;

#[test]
fn we_read_what_other_tools_read() {
    let Some(corpora) = corpora() else { return };
    let (mut found, mut messages) = (Differences::new(), 0);
    for set in oracle_files(&corpora) {
        for line in std::fs::read_to_string(&set).unwrap().lines() {
            let truth: Value = serde_json::from_str(line).unwrap();
            let file = truth["file"].as_str().unwrap();
            compare(file, &parse(&message(&corpora, file)), &truth, &mut found);
            messages += 1;
        }
    }
    assert!(messages > 0, "no oracle lines in {}", corpora.display());
    let explained: BTreeSet<(&str, &str)> = EXPLAINED.iter().map(|(f, x, _)| (*f, *x)).collect();
    let occurred: BTreeSet<(&str, &str)> = found.keys().map(|(f, x)| (f.as_str(), *x)).collect();
    let gone: Vec<_> = explained.difference(&occurred).collect();
    let new: Vec<_> =
        found.iter().filter(|((f, x), _)| !explained.contains(&(f.as_str(), *x))).collect();
    assert!(new.is_empty(), "{} unexplained of {messages} messages: {new:#?}", new.len());
    assert!(gone.is_empty(), "explained, but no longer there: {gone:#?}");
}

/// References alone, without any subject, must give the groups that three tools agree on.
#[test]
fn references_join_what_other_tools_join() {
    let Some(corpora) = corpora() else { return };
    for set in ["notmuch-default", "sa-easy-ham-1"] {
        let oracle = corpora.join("oracle").join(format!("{set}.jsonl"));
        let (mut groups, mut agreed) = (Groups::default(), Vec::new());
        for line in std::fs::read_to_string(oracle).unwrap().lines() {
            let truth: Value = serde_json::from_str(line).unwrap();
            let file = truth["file"].as_str().unwrap();
            let raw = message(&corpora, file);
            let parsed = parse(&raw);
            let key = message_key(&parsed, &raw);
            for ancestor in &parsed.references {
                groups.join(&key, ancestor);
            }
            if truth["thread_tools_agree"] == true {
                agreed.push((key, truth["thread_key"].as_str().unwrap().to_owned()));
            }
        }
        let mut theirs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut ours: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, group) in agreed {
            theirs.entry(group).or_default().insert(key.clone());
            ours.entry(groups.root(&key)).or_default().insert(key);
        }
        let theirs: BTreeSet<_> = theirs.into_values().collect();
        let ours: BTreeSet<_> = ours.into_values().collect();
        let differ: Vec<_> = theirs.symmetric_difference(&ours).collect();
        assert!(differ.is_empty(), "{set}: {differ:#?}");
        assert!(ours.len() > 20, "{set}: {} threads", ours.len());
    }
}

/// Names that belong together.
#[derive(Default)]
struct Groups(BTreeMap<String, String>);

impl Groups {
    fn root(&self, name: &str) -> String {
        self.0.get(name).map_or_else(|| name.to_owned(), |parent| self.root(parent))
    }

    fn join(&mut self, one: &str, other: &str) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            self.0.insert(one, other);
        }
    }
}

fn corpora() -> Option<PathBuf> {
    let root = std::env::var_os("MAILTUI_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"),
        PathBuf::from,
    );
    if root.join("oracle").is_dir() {
        return Some(root);
    }
    println!("skipped: no corpora at {}", root.display());
    None
}

/// The oracle's files of messages (not those of searches).
fn oracle_files(corpora: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(corpora.join("oracle"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.ends_with(".jsonl") && !name.ends_with(".search.jsonl")
        })
        .collect();
    files.sort();
    files
}

/// The bytes of `path`, or of the n-th message of an mbox for `path#n`.
fn message(corpora: &Path, file: &str) -> Vec<u8> {
    let Some((path, index)) = file.rsplit_once('#') else {
        return std::fs::read(corpora.join(file)).unwrap();
    };
    let raw = std::fs::read(corpora.join(path)).unwrap();
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if line.starts_with(b"From ") {
            messages.push(Vec::new());
        } else if let Some(last) = messages.last_mut() {
            last.extend_from_slice(line);
        }
    }
    messages.swap_remove(index.parse().unwrap())
}

fn compare(file: &str, ours: &Parsed, truth: &Value, found: &mut Differences) {
    let mut check = |field, ours: String, accepted: Vec<String>| {
        if !accepted.contains(&ours) {
            found.insert((file.to_owned(), field), format!("{ours:?}, accepted: {accepted:?}"));
        }
    };
    let subject = accepted(truth, "subject", &truth["subject"]);
    check("subject", ours.subject.clone().unwrap_or_default(), lines(&subject));
    let id = accepted(truth, "message_id", &truth["message_id"]);
    let id = lines(&id).iter().map(|id| id.trim_matches(['<', '>']).to_owned()).collect();
    check("message_id", ours.message_id.clone().unwrap_or_default(), id);
    let date = accepted(truth, "date_utc", &truth["date_utc"]);
    let date = date.iter().map(|date| date.as_str().unwrap_or("none").to_owned()).collect();
    let stamp = |at| jiff::Timestamp::from_second(at).unwrap().to_string();
    check("date_utc", ours.date.map_or("none".to_owned(), stamp), date);
    check("from", addresses(&ours.from), from_accepted(truth));
    check("to", addresses(&ours.to), vec![joined(&truth["dovecot"]["to"])]);
    if let Some(ancestors) = ancestors(truth) {
        check("references", ours.references.join(" "), vec![ancestors]);
    }
    // Python shows no name that stands in a comment; notmuch does.
    let shown = [&truth["from"], &truth["notmuch"]["from"]];
    let shown = shown.map(|from| unquoted(from.as_str().unwrap_or_default()));
    for name in ours.from.iter().filter_map(|address| address.name.as_deref()) {
        if !shown.iter().any(|shown| shown.contains(&unquoted(name))) {
            check("from-name", name.to_owned(), shown.to_vec());
        }
    }
    let listed = |list: &Value| {
        list.as_array().into_iter().flatten().map(attachment_of).collect::<Vec<_>>().join(", ")
    };
    let mut lists = vec![listed(&truth["attachments"])];
    if truth["attachments_agree"].as_str().is_some_and(|agree| agree != "names+sizes") {
        lists.push(listed(&truth["attachments_notmuch"]));
    }
    check("attachments", attachments(&ours.attachments, truth), lists);
    let text = ours.text.to_lowercase();
    let tokens = truth["text_tokens"].as_array().into_iter().flatten();
    for token in tokens.filter_map(Value::as_str) {
        if !text.contains(&token.to_lowercase()) {
            check("text_tokens", text.clone(), vec![token.to_owned()]);
        }
    }
}

/// Every tool's answer where they disagree, else the one answer.
fn accepted(truth: &Value, field: &str, agreed: &Value) -> Vec<Value> {
    match &truth["tools_disagree"][field] {
        Value::Object(tools) => tools.values().cloned().collect(),
        _ => vec![agreed.clone()],
    }
}

fn lines(values: &[Value]) -> Vec<String> {
    values.iter().map(|value| folded(value.as_str().unwrap_or_default())).collect()
}

/// As the contract shows it: safe, runs of white space as one space.
fn folded(text: &str) -> String {
    safe_text::line(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unquoted(text: &str) -> String {
    folded(&text.replace(['"', '\\'], ""))
}

/// Addresses alone: how a display name is quoted differs between tools and says nothing.
fn addresses(list: &[Address]) -> String {
    let list = list.iter().map(|a| a.address.clone()).filter(|address| !address.is_empty());
    list.collect::<Vec<_>>().join(", ")
}

/// Addresses as Dovecot lists them, without its marks for groups and for what is missing.
fn joined(list: &Value) -> String {
    let list = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    let list = list.map(|address| folded(address.trim_end_matches("@MISSING_DOMAIN")));
    list.filter(|a| !a.ends_with('@') && a != "MISSING_MAILBOX").collect::<Vec<_>>().join(", ")
}

fn from_accepted(truth: &Value) -> Vec<String> {
    match &truth["tools_disagree"]["from_addr"] {
        Value::Object(tools) => tools.values().map(joined).collect(),
        _ => vec![joined(&truth["dovecot"]["from"])],
    }
}

/// The ids that Python found, by our rules: with `@`, each once, not its own. In-Reply-To counts
/// only where it is one id and nothing else; Python gives the whole field as it stands.
fn ancestors(truth: &Value) -> Option<String> {
    let own = truth["message_id"].as_str().unwrap_or_default();
    let listed = truth["references"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut listed: Vec<&str> = listed.collect();
    if !listed.iter().any(|id| id.contains('@')) {
        listed = truth["in_reply_to"].as_str().into_iter().collect();
        if listed.iter().any(|id| !id.starts_with('<') || id.find('>') != Some(id.len() - 1)) {
            return None;
        }
    }
    let mut ids: Vec<String> = Vec::new();
    for id in listed.into_iter().filter(|id| *id != own && id.contains('@')) {
        let bare = folded(id.trim_matches(['<', '>']));
        if !ids.contains(&bare) {
            ids.push(bare);
        }
    }
    Some(ids.join(" "))
}

fn attachments(list: &[Attachment], truth: &Value) -> String {
    // The oracle lists a message/rfc822 only where it has a name or a disposition.
    let named = truth["attachments"].as_array().is_some_and(|list| {
        list.iter().any(|a| a["type"] == "message/rfc822" && a["name"].is_null())
    });
    list.iter()
        .filter(|a| a.media_type != "message/rfc822" || a.name.is_some() || named)
        .map(|a| {
            // ... and leaves their size open.
            let size = if a.media_type == "message/rfc822" { None } else { Some(a.size) };
            attachment(a.name.as_deref().unwrap_or_default(), size)
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn attachment_of(value: &Value) -> String {
    let is_message = value["type"] == "message/rfc822";
    let size = if is_message { None } else { value["size"].as_u64() };
    attachment(&folded(value["name"].as_str().unwrap_or_default()), size)
}

fn attachment(name: &str, size: Option<u64>) -> String {
    size.map_or_else(|| format!("{name}:?"), |size| format!("{name}:{size}"))
}
