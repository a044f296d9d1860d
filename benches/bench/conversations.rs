//! The conversations of a large mailbox, each from its number alone.
//!
//! Invariant: equal seed, number and count give equal bytes on every machine; so conversations can
//! be made on any thread in any order. Sizes, places, labels and dates are spread as in a mailbox
//! of ten years; bodies are short, so that many fit.

use std::fmt::Write as _;

use mailtui::bridge::{Folder, Incoming};
use mailtui::label::Place;
use mailtui::mail::Flags;

use super::random::Random;

/// 2016-01-01T00:00:00Z: the first conversation begins about then.
const FIRST: i64 = 1_451_606_400;
/// Ten years, in seconds: the last one begins at their end.
const SPAN: u64 = 3_653 * 86_400;
/// Who takes part.
const PEOPLE: u64 = 5_000;
/// Who takes part in one conversation, at most.
const CIRCLE: u64 = 8;
/// Ancestors that a reply names at most.
const REFERENCES: usize = 10;
/// From so many conversations on, the newest hold one of exactly 5 and one of exactly 300 messages.
const WITH_KNOWN_SIZES: u64 = 1_000;

const GIVEN: [&str; 50] = [
    "Ada", "Bela", "Chidi", "Dunja", "Eero", "Farah", "Gert", "Hana", "Imre", "Jun", "Kofi",
    "Lena", "Mira", "Nils", "Olga", "Paavo", "Quentin", "Rosa", "Sami", "Tove", "Uma", "Vera",
    "Wim", "Xenia", "Yusuf", "Zora", "Anouk", "Bruno", "Carla", "Dario", "Elif", "Femi", "Greta",
    "Hugo", "Ines", "Joris", "Katya", "Luca", "Maren", "Noor", "Otto", "Pia", "Ravi", "Selma",
    "Timo", "Ursa", "Viggo", "Wanda", "Yara", "Zeno",
];
const FAMILY: [&str; 20] = [
    "Moser",
    "Okafor",
    "Lindqvist",
    "Novak",
    "Haddad",
    "Virtanen",
    "Dupont",
    "Rossi",
    "Tanaka",
    "Silva",
    "Jansen",
    "Kowalska",
    "Mensah",
    "Petrov",
    "Weber",
    "Yilmaz",
    "Costa",
    "Eriksen",
    "Farkas",
    "Garcia",
];
/// The user's labels, the most used first.
pub(crate) const LABELS: [&str; 40] = [
    "Lists",
    "Work",
    "Family",
    "Receipts",
    "Travel",
    "Newsletters",
    "Projects",
    "House",
    "Bank",
    "School",
    "Health",
    "Club",
    "Friends",
    "Insurance",
    "Taxes",
    "Photos",
    "Garden",
    "Music",
    "Books",
    "Recipes",
    "Car",
    "Flat",
    "Election",
    "Court",
    "Library",
    "Sports",
    "Theatre",
    "Jobs",
    "Orders",
    "Warranty",
    "Hosting",
    "Domains",
    "Alerts",
    "Backups",
    "Reviews",
    "Minutes",
    "Contracts",
    "Invoices",
    "Support",
    "Someday",
];

/// The messages of conversation `number` of `count`, the first one first.
pub(crate) fn conversation(seed: u64, number: u64, count: u64) -> Vec<Incoming> {
    let mut random = Random(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
    random.next();
    let known = if count < WITH_KNOWN_SIZES { 0 } else { count - number };
    let size = match known {
        5 => 5,
        7 => 300,
        _ => size(&mut random),
    };
    let folder = folder(&mut random, (1..20).contains(&known));
    let unread = if random.below(100) < 15 { 1 + random.below(2) } else { 0 };
    let starred = random.below(100) < 3;
    let step = SPAN / count.max(1);
    let begins = number * step + random.below(step.max(1));
    let words = 2 + random.below(5);
    let subject = random.words(words);
    let people = if size == 1 { 1 } else { 2 + random.below(size.min(CIRCLE) - 1) };
    let circle = (0..people).map(|_| random.rank(PEOPLE)).collect();
    let topic = Topic { number, size, subject, circle };
    let mut at = FIRST + i64::try_from(begins).expect("ten years");
    let own = random.below(4) == 0;
    let mut messages = Vec::new();
    for index in 0..size {
        let raw = topic.message(&mut random, index, at);
        let flags = Flags {
            read: index + unread < size,
            starred: starred && index == 0,
            ..Flags::default()
        };
        let sent = own && index % 3 == 1;
        let folder = Folder { sent, ..folder.clone() };
        messages.push(Incoming { raw, folder, flags: Some(flags), file_time: Some(at) });
        at += 120 + i64::try_from(random.below(1 + 86_400 / (1 + index / 8))).expect("a day");
    }
    messages
}

/// How many messages: most conversations have one, a few have hundreds.
fn size(random: &mut Random) -> u64 {
    match random.below(10_000) {
        0..=6_419 => 1,
        6_420..=9_649 => 2 + random.rank(9),
        9_650..=9_974 => 11 + random.rank(39),
        _ => 50 + random.rank(251),
    }
}

/// Where it lies, and its labels.
fn folder(random: &mut Random, in_inbox: bool) -> Folder {
    let place = match random.below(100) {
        _ if in_inbox => Place::Inbox,
        0..=56 => Place::Archive,
        57..=91 => Place::Inbox,
        92..=95 => Place::Trash,
        _ => Place::Spam,
    };
    let labels = match random.below(100) {
        0..=49 => 0,
        50..=89 => 1,
        _ => 2,
    };
    let mut named = Vec::new();
    for _ in 0..labels {
        let rank = random.rank(LABELS.len() as u64);
        let name = LABELS[usize::try_from(rank).expect("small")].to_owned();
        if !named.contains(&name) {
            named.push(name);
        }
    }
    Folder { place: Some(place), labels: named, ..Folder::default() }
}

/// What the messages of a conversation share.
struct Topic {
    number: u64,
    size: u64,
    subject: String,
    /// Who takes part, by number.
    circle: Vec<u64>,
}

impl Topic {
    fn id(&self, index: u64) -> String {
        format!("c{}.{index}@generated.example", self.number)
    }

    fn message(&self, random: &mut Random, index: u64, at: i64) -> Vec<u8> {
        let mut out = String::with_capacity(1_024);
        let date = jiff::Timestamp::from_second(at).expect("a time of our own");
        let date = date.strftime("%a, %d %b %Y %H:%M:%S +0000");
        let circle = self.circle.len() as u64;
        let from = self.circle[usize::try_from(index % circle).expect("small")];
        let to = self.circle[usize::try_from(random.below(circle)).expect("small")];
        let (from, to) = (person(from), person(to));
        let re = if index == 0 { "" } else { "Re: " };
        let _ = write!(
            out,
            "Received: from mx.example.net ([192.0.2.7]) by mail.example.org; {date}\n\
             From: {from}\nTo: {to}\nDate: {date}\nMessage-ID: <{}>\nSubject: {re}{} {}\n",
            self.id(index),
            self.subject,
            self.number,
        );
        if index > 0 {
            let parent = index - 1 - random.below(index.min(3));
            let named = parent.saturating_sub(REFERENCES as u64 - 1)..=parent;
            let named: Vec<String> = named.map(|n| format!("<{}>", self.id(n))).collect();
            let _ = writeln!(out, "References: {}", named.join("\n "));
        }
        // The longer the conversation, the shorter its answers.
        let words = 6 + random.below(1 + 30 / self.size.min(6));
        let text = random.words(words);
        if random.below(100) < 4 {
            let _ = write!(
                out,
                "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=_part\"\n\n\
                 --=_part\nContent-Type: text/plain; charset=utf-8\n\n{text}\n\
                 --=_part\nContent-Type: text/csv; name=\"data.csv\"\n\
                 Content-Disposition: attachment; filename=\"data.csv\"\n\n{};{}\n--=_part--\n",
                random.next(),
                random.next()
            );
        } else {
            let _ = write!(out, "Content-Type: text/plain; charset=utf-8\n\n{text}\n");
        }
        out.into_bytes()
    }
}

/// The n-th of the people, the busiest first.
fn person(n: u64) -> String {
    let at = |n: u64, of: &[&'static str]| of[usize::try_from(n).expect("small") % of.len()];
    let (given, family) = (at(n, &GIVEN), at(n / GIVEN.len() as u64, &FAMILY));
    let local = format!("{}.{}", given.to_lowercase(), family.to_lowercase());
    format!("{given} {family} <{local}{n}@example.org>")
}
