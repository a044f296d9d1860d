//! Makes a mailbox out of nothing: plausible sizes, threads, HTML and attachments, from a seed.
//!
//! Invariant: equal seed and count give equal bytes on every machine; no clock, no names of people.

use std::fmt::Write as _;
use std::path::Path;

use crate::random::Random;

/// 2022-01-03T08:00:00Z: the first message; each is some minutes after the one before.
const FIRST: i64 = 1_641_196_800;
/// Of a hundred messages so many answer an earlier one.
const REPLIES: u64 = 60;
/// Of a hundred messages so many have an HTML part beside the text.
const HTML: u64 = 30;
/// Of a hundred messages so many have an attachment.
const ATTACHMENTS: u64 = 6;
/// Of a hundred messages so many were read.
const READ: u64 = 80;
/// A reply answers one of so many last threads.
const OPEN_THREADS: usize = 400;

const NAMES: [&str; 12] = [
    "Ada", "Bela", "Chidi", "Dunja", "Eero", "Farah", "Gert", "Hana", "Imre", "Jun", "Kofi", "Lena",
];

/// A thread that may be answered: its subject and the ids of its messages.
struct Thread {
    subject: String,
    ids: Vec<String>,
}

/// Writes `count` messages as a Maildir and returns their bytes in all.
pub(crate) fn write_maildir(folder: &Path, count: u64, seed: u64) -> u64 {
    for sub in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(folder.join(sub)).expect("a Maildir");
    }
    let (mut random, mut open, mut at, mut bytes) = (Random(seed), Vec::new(), FIRST, 0);
    for n in 0..count {
        at += 60 + i64::try_from(random.below(3_600)).expect("small");
        let message = message(&mut random, &mut open, n, at);
        let flags = if random.below(100) < READ { "S" } else { "" };
        let path = folder.join(format!("cur/{at}.M{n}.generated:2,{flags}"));
        std::fs::write(path, &message).expect("room on the disk");
        bytes += message.len() as u64;
    }
    bytes
}

fn message(random: &mut Random, open: &mut Vec<Thread>, n: u64, at: i64) -> String {
    let id = format!("m{n}.{at}@generated.example");
    let reply = !open.is_empty() && random.below(100) < REPLIES;
    let mut out = String::with_capacity(4_096);
    let date = jiff::Timestamp::from_second(at).expect("a time of our own");
    let (from, to) = (random.pick(&NAMES), random.pick(&NAMES));
    let _ = writeln!(out, "Return-Path: <{}@example.org>", from.to_lowercase());
    for hop in 0..2 + random.below(3) {
        let stamp = date.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let _ = writeln!(out, "Received: from mx{hop}.example.net (mx{hop}.example.net");
        let _ = writeln!(out, "\t[192.0.2.{hop}]) by mail.example.org with ESMTPS; {stamp}");
    }
    let _ = writeln!(out, "From: {from} Example <{}@example.org>", from.to_lowercase());
    let _ = writeln!(out, "To: {to} Example <{}@example.org>", to.to_lowercase());
    let _ = writeln!(out, "Date: {}", date.strftime("%a, %d %b %Y %H:%M:%S +0000"));
    let _ = writeln!(out, "Message-ID: <{id}>");
    if reply {
        let last = u64::try_from(open.len()).expect("small");
        let thread = &mut open[usize::try_from(random.below(last)).expect("small")];
        let _ = writeln!(out, "Subject: Re: {}", thread.subject);
        let parent = random.pick(&thread.ids).clone();
        let _ = writeln!(out, "In-Reply-To: <{parent}>");
        let references: Vec<String> = thread.ids.iter().map(|id| format!("<{id}>")).collect();
        let from = references.len().saturating_sub(8);
        let _ = writeln!(out, "References: {}", references[from..].join("\n "));
        thread.ids.push(id);
    } else {
        let words = 3 + random.below(4);
        let subject = format!("{} {n}", random.words(words));
        let _ = writeln!(out, "Subject: {subject}");
        open.push(Thread { subject, ids: vec![id] });
        if open.len() > OPEN_THREADS {
            open.remove(0);
        }
    }
    body(random, &mut out);
    out
}

fn body(random: &mut Random, out: &mut String) {
    let mut text = String::new();
    // One or two of four messages are long: the mean is near 2 KB of text.
    let paragraphs = 1 + random.below(4) * random.below(4);
    for _ in 0..paragraphs {
        let count = 30 + random.below(90);
        for line in random.words(count).as_bytes().chunks(72) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push('\n');
    }
    let html = random.below(100) < HTML;
    let attachment = random.below(100) < ATTACHMENTS;
    if !html && !attachment {
        let _ = write!(out, "Content-Type: text/plain; charset=utf-8\n\n{text}");
        return;
    }
    let kind = if attachment { "mixed" } else { "alternative" };
    let _ = write!(
        out,
        "MIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=\"=_part\"\n\n\
         --=_part\nContent-Type: text/plain; charset=utf-8\n\n{text}"
    );
    if html {
        let paragraphs: Vec<&str> = text.split("\n\n").collect();
        let _ = write!(
            out,
            "--=_part\nContent-Type: text/html; charset=utf-8\n\n<html><body><p>{}</p>\n\
             <p><a href=\"https://example.org/{}\">more</a></p></body></html>\n",
            paragraphs.join("</p>\n<p>"),
            random.below(100_000)
        );
    }
    if attachment {
        out.push_str(
            "--=_part\nContent-Type: application/octet-stream; name=\"data.bin\"\n\
             Content-Disposition: attachment; filename=\"data.bin\"\n\
             Content-Transfer-Encoding: base64\n\n",
        );
        for _ in 0..100 + random.below(300) {
            let [a, b, c] = [random.next(), random.next(), random.next()];
            let _ = writeln!(out, "{a:016x}{b:016x}{c:016x}{a:016x}");
        }
    }
    out.push_str("--=_part--\n");
}
