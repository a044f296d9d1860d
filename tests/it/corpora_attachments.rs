//! The bytes of everything that is attached in real mail, against what Python's `email` decodes.
//!
//! Where they differ the reason stands in [`EXPLAINED`]; a listed difference that no longer occurs
//! fails too. Python runs on the files themselves; nothing of them is kept here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailtui::mail::each_attachment;
use serde_json::Value;

/// Files in which Python gives other bytes, or other parts, and why ours stay.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "mail-parser/msg/rfc/001.eml",
        "message/external-body with a name is a part that can be saved as it stands; Python takes \
         it for a message, and what is in that has no name",
    ),
    (
        "mail-parser/msg/rfc/008.eml",
        "a message in base64 is decoded, though RFC 2046 section 5.2.1 forbids to encode one; \
         Python gives the base64 as a message's text",
    ),
    (
        "python-test_email/msg/msg_15.txt",
        "a multipart and the one inside it have one boundary; the picture behind the inner end is \
         found, Python ends there",
    ),
    ("python-test_email/msg/msg_36.txt", "message/external-body with a name, as above"),
];

/// Reads a line a message: its file, and what we found attached, in base64; prints what Python
/// finds. What counts as attached is what the command line promises: a leaf with a file name or the
/// disposition `attachment`, and every attached message. Python does not keep an attached message's
/// bytes but writes it anew; ours are equal when the same comes of them.
const PYTHON: &str = r#"
import base64, email, email.generator, io, json, sys

MESSAGES = ("message/rfc822", "message/global", "message/news")

def anew(message):
    out = io.BytesIO()
    generator = email.generator.BytesGenerator(out, mangle_from_=False, maxheaderlen=0)
    generator.flatten(message)
    return out.getvalue()

def attached(part):
    if part.get_content_type() in MESSAGES:
        return True
    if part.is_multipart():
        return False
    named = (part.get_filename() or "").strip()
    return bool(named) or part.get_content_disposition() == "attachment"

def bytes_of(part, ours):
    if part.get_content_type() not in MESSAGES or not part.is_multipart():
        return part.get_payload(decode=True) or b""
    theirs = anew(part.get_payload(0))
    if ours is not None and anew(email.message_from_bytes(ours)) == theirs:
        return ours
    return theirs

for line in sys.stdin:
    path, ours = json.loads(line)
    ours = [base64.b64decode(one) for one in ours]
    with open(path, "rb") as file:
        message = email.message_from_bytes(file.read())
    found = []
    for part in message.walk():
        try:
            if attached(part):
                own = ours[len(found)] if len(found) < len(ours) else None
                found.append(base64.b64encode(bytes_of(part, own)).decode())
        except Exception as error:
            found.append("!" + type(error).__name__)
    print(json.dumps(found))
"#;

#[test]
fn attachments_have_the_bytes_that_python_decodes() {
    let Some(corpora) = crate::corpora_files::corpora() else { return };
    let files = files(&corpora);
    let ours: Vec<Vec<String>> = files.iter().map(|file| ours(&corpora.join(file))).collect();
    let Some(theirs) = python(&corpora, &files, &ours) else {
        println!("skipped: there is no python3");
        return;
    };
    let (mut differ, mut attachments) = (BTreeMap::new(), 0);
    for ((file, ours), theirs) in files.iter().zip(ours).zip(theirs) {
        attachments += ours.len();
        if ours != theirs {
            differ.insert(file.as_str(), told(&ours, &theirs));
        }
    }
    assert!(attachments > 100, "{attachments} attachments in {} messages", files.len());
    let explained: BTreeSet<&str> = EXPLAINED.iter().map(|(file, _)| *file).collect();
    let new: Vec<_> = differ.iter().filter(|(file, _)| !explained.contains(**file)).collect();
    assert!(new.is_empty(), "{} of {} messages differ: {new:#?}", new.len(), files.len());
    let gone: Vec<_> = explained.iter().filter(|file| !differ.contains_key(**file)).collect();
    assert!(gone.is_empty(), "explained, but equal: {gone:#?}");
}

/// Every message of the corpora that lies in a file of its own.
fn files(corpora: &Path) -> Vec<String> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(corpora.join("oracle")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains(".jsonl") || name.contains(".search.") {
            continue;
        }
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let truth: Value = serde_json::from_str(line).unwrap();
            files.extend(truth["file"].as_str().map(str::to_owned));
        }
    }
    files.retain(|file| corpora.join(file).is_file());
    files.into_iter().collect()
}

fn ours(path: &Path) -> Vec<String> {
    let raw = std::fs::read(path).unwrap();
    let mut ours = Vec::new();
    each_attachment(&raw, &mut |_, _, bytes| ours.push(STANDARD.encode(bytes)));
    ours
}

/// What Python finds in each of the files; `None` where there is no Python.
fn python(corpora: &Path, files: &[String], ours: &[Vec<String>]) -> Option<Vec<Vec<String>>> {
    let mut child = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let lines: Vec<String> = files
        .iter()
        .zip(ours)
        .map(|(file, ours)| serde_json::json!([corpora.join(file), ours]).to_string())
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    // It answers while it is told.
    let told = std::thread::spawn(move || {
        for line in lines {
            writeln!(stdin, "{line}").unwrap();
        }
    });
    let output = child.wait_with_output().unwrap();
    told.join().unwrap();
    assert!(output.status.success(), "python3: {}", output.status);
    let lines = String::from_utf8(output.stdout).unwrap();
    let found: Vec<Vec<String>> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), files.len());
    Some(found)
}

/// The first place at which they part.
fn told(ours: &[String], theirs: &[String]) -> String {
    let mut pairs = ours.iter().zip(theirs).enumerate();
    let Some((number, (ours, theirs))) = pairs.find(|(_, (ours, theirs))| ours != theirs) else {
        return format!("{} of ours, {} of theirs", ours.len(), theirs.len());
    };
    let ours = STANDARD.decode(ours).unwrap();
    // What is no base64 is the name of Python's error.
    let theirs = STANDARD.decode(theirs).unwrap_or_else(|_| theirs.clone().into_bytes());
    let at = ours.iter().zip(&theirs).position(|(a, b)| a != b);
    let at = at.unwrap_or(ours.len().min(theirs.len()));
    let around = |bytes: &[u8]| {
        let part = &bytes[at.saturating_sub(20)..bytes.len().min(at + 20)];
        String::from_utf8_lossy(part).into_owned()
    };
    format!(
        "number {number}, byte {at} of {} and {}: ours {:?}, theirs {:?}",
        ours.len(),
        theirs.len(),
        around(&ours),
        around(&theirs)
    )
}
