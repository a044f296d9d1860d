//! How an honest mail server answers, as far as a small mailbox needs it: the ordinary half of the
//! scripted server.
//!
//! Invariant: from a command to bytes; it reads no socket, and knows of no lies.

use std::fmt::Write as _;

use super::scripted_imap::State;

/// A message on the server.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    pub(crate) flags: Vec<String>,
    pub(crate) raw: Vec<u8>,
    /// Labels of Gmail, as it spells them, and the number of the conversation.
    pub(crate) labels: Vec<String>,
    pub(crate) conversation: u64,
}

/// A folder on the server.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) attributes: String,
    pub(crate) uidvalidity: u32,
    pub(crate) uidnext: u32,
    pub(crate) messages: Vec<Message>,
}

/// A message with no flags.
pub(crate) fn message(raw: &[u8]) -> Message {
    let (flags, labels) = (Vec::new(), Vec::new());
    Message { uid: 0, flags, raw: raw.to_vec(), labels, conversation: 0 }
}

/// A folder with these messages under UIDs from 1 on.
pub(crate) fn folder(name: &str, attributes: &str, messages: Vec<Message>) -> Folder {
    let mut new = Folder {
        name: name.to_owned(),
        attributes: attributes.to_owned(),
        uidvalidity: 7,
        uidnext: 1,
        messages: Vec::new(),
    };
    for message in messages {
        new.take(message);
    }
    new
}

impl Folder {
    /// Takes a message in, under a new UID.
    pub(crate) fn take(&mut self, message: Message) -> u32 {
        let uid = self.uidnext;
        self.uidnext += 1;
        self.messages.push(Message { uid, ..message });
        uid
    }
}

/// One connection's half of the talk.
pub(super) struct Engine {
    pub(super) starttls: bool,
    /// The tag of the waiting IDLE.
    pub(super) idle_tag: String,
    selected: Option<usize>,
}

impl Engine {
    pub(super) const fn new(starttls: bool) -> Self {
        Self { starttls, idle_tag: String::new(), selected: None }
    }

    /// The honest answer.
    pub(super) fn answer(&mut self, state: &mut State, tag: &str, command: &str) -> Vec<u8> {
        if command == "GREETING" {
            return b"* OK ready\r\n".to_vec();
        }
        let up = command.to_ascii_uppercase();
        let mut said: Vec<u8> = Vec::new();
        let mut code = String::new();
        let words = quoted(command);
        if up.starts_with("CAPABILITY") {
            let more = if self.starttls { " STARTTLS LOGINDISABLED" } else { "" };
            line(&mut said, &format!("* CAPABILITY {}{more}", state.can));
        } else if up.starts_with("LIST") {
            for folder in &state.folders {
                let name = escaped(&folder.name);
                line(&mut said, &format!("* LIST ({}) \"/\" \"{name}\"", folder.attributes));
            }
        } else if up.starts_with("CREATE") {
            state.folders.push(folder(&words[0], "", Vec::new()));
        } else if up.starts_with("STATUS") {
            let Some(at) = find(state, &words[0]) else { return no(tag) };
            let of = &state.folders[at];
            let name = escaped(&of.name);
            let (count, next, validity) = (of.messages.len(), of.uidnext, of.uidvalidity);
            let text = format!("MESSAGES {count} UIDNEXT {next} UIDVALIDITY {validity}");
            line(&mut said, &format!("* STATUS \"{name}\" ({text})"));
        } else if up.starts_with("SELECT") {
            self.selected = find(state, &words[0]);
            let Some(at) = self.selected else { return no(tag) };
            let of = &state.folders[at];
            line(&mut said, "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)");
            line(&mut said, "* OK [PERMANENTFLAGS (\\Seen \\Flagged \\*)] yes");
            line(&mut said, &format!("* {} EXISTS", of.messages.len()));
            line(&mut said, &format!("* OK [UIDVALIDITY {}] so", of.uidvalidity));
            line(&mut said, &format!("* OK [UIDNEXT {}] so", of.uidnext));
        } else if up == "IDLE" {
            tag.clone_into(&mut self.idle_tag);
            return b"+ idling\r\n".to_vec();
        } else if let Some(rest) = up.strip_prefix("UID ") {
            let Some(at) = self.selected else { return no(tag) };
            code = uid(state, at, &command[4..], rest, &words, &mut said);
        }
        line(&mut said, &format!("{tag} OK {code}done"));
        said
    }
}

/// A command with UIDs; what its end says besides.
fn uid(
    state: &mut State,
    at: usize,
    command: &str,
    up: &str,
    words: &[String],
    said: &mut Vec<u8>,
) -> String {
    let set = up.split(' ').nth(1).unwrap_or_default().to_owned();
    let gmail = state.can.contains("X-GM-EXT-1");
    let folder = &mut state.folders[at];
    let greatest = folder.messages.iter().map(|message| message.uid).max().unwrap_or(0);
    let is_in = |uid: u32| holds(&set, uid, greatest);
    if up.starts_with("FETCH") {
        for (n, message) in folder.messages.iter().enumerate().filter(|(_, m)| is_in(m.uid)) {
            fetch(said, n + 1, message, up, gmail);
        }
    } else if up.starts_with("STORE") {
        for message in folder.messages.iter_mut().filter(|message| is_in(message.uid)) {
            store(message, command, up);
        }
    } else if up.starts_with("EXPUNGE") {
        folder.messages.retain(|m| !(is_in(m.uid) && m.flags.iter().any(|f| f == "\\Deleted")));
    } else if up.starts_with("COPY") || up.starts_with("MOVE") {
        let some: Vec<Message> = folder.messages.iter().filter(|m| is_in(m.uid)).cloned().collect();
        if up.starts_with("MOVE") {
            folder.messages.retain(|message| !is_in(message.uid));
        }
        let Some(to) = find(state, words.last().map_or("", String::as_str)) else {
            return String::new();
        };
        let (mut from, mut into) = (Vec::new(), Vec::new());
        for message in some {
            from.push(message.uid.to_string());
            into.push(state.folders[to].take(message).to_string());
        }
        if !state.can.contains("UIDPLUS") {
            return String::new(); // where it went is not said
        }
        let to = &state.folders[to];
        return format!("[COPYUID {} {} {}] ", to.uidvalidity, from.join(","), into.join(","));
    }
    String::new()
}

fn fetch(said: &mut Vec<u8>, n: usize, message: &Message, up: &str, gmail: bool) {
    let mut text = format!("* {n} FETCH (UID {}", message.uid);
    if up.contains("FLAGS") {
        let _ = write!(text, " FLAGS ({})", message.flags.join(" "));
    }
    if gmail && up.contains("X-GM-LABELS") {
        let spelled = |label: &String| {
            if label.starts_with('\\') { format!("\"{}\"", escaped(label)) } else { atom(label) }
        };
        let labels: Vec<String> = message.labels.iter().map(spelled).collect();
        let _ = write!(text, " X-GM-LABELS ({})", labels.join(" "));
        let _ = write!(text, " X-GM-THRID {}", message.conversation);
    }
    if up.contains("RFC822.SIZE") {
        let _ = write!(text, " RFC822.SIZE {}", message.raw.len());
    }
    if up.contains("INTERNALDATE") {
        text.push_str(" INTERNALDATE \"06-May-2024 09:00:00 +0000\"");
    }
    let header = String::from_utf8_lossy(&message.raw).into_owned();
    let id = header.lines().find(|line| line.to_ascii_lowercase().starts_with("message-id:"));
    let (section, data) = if up.contains("HEADER.FIELDS") {
        let id = format!("{}\r\n\r\n", id.unwrap_or_default());
        (" BODY[HEADER.FIELDS (MESSAGE-ID)]", id.into_bytes())
    } else if up.contains("BODY.PEEK[]") {
        (" BODY[]", message.raw.clone())
    } else {
        line(said, &format!("{text})"));
        return;
    };
    said.extend_from_slice(format!("{text}{section} {{{}}}\r\n", data.len()).as_bytes());
    said.extend_from_slice(&data);
    line(said, ")");
}

fn store(message: &mut Message, command: &str, up: &str) {
    let list = command.split_once('(').and_then(|(_, list)| list.rsplit_once(')'));
    let names = names(list.map_or("", |(list, _)| list));
    let gmail = up.contains("X-GM-LABELS");
    let held = if gmail { &mut message.labels } else { &mut message.flags };
    held.retain(|name| !names.contains(name));
    if up.contains(" +") {
        held.extend(names);
    }
}

/// Words of a list, quoted or not.
fn names(list: &str) -> Vec<String> {
    let (mut all, mut word, mut inside, mut escape) = (Vec::new(), String::new(), false, false);
    for character in list.chars() {
        match character {
            _ if escape => {
                word.push(character);
                escape = false;
            }
            '\\' if inside => escape = true,
            '"' => inside = !inside,
            ' ' if !inside => all.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    all.push(word);
    all.retain(|word| !word.is_empty());
    all
}

/// The quoted words of a command.
fn quoted(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = command;
    while let Some(open) = rest.find('"') {
        let text = &rest[open..];
        let mut end = 1;
        let bytes = text.as_bytes();
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let end = (end + 1).min(text.len());
        words.push(names(&text[..end]).concat());
        rest = &text[end..];
    }
    words
}

fn find(state: &State, name: &str) -> Option<usize> {
    state.folders.iter().position(|folder| folder.name == name)
}

fn holds(set: &str, uid: u32, greatest: u32) -> bool {
    let number = |text: &str| if text == "*" { greatest } else { text.parse().unwrap_or(0) };
    set.split(',').any(|part| match part.split_once(':') {
        Some((from, to)) => {
            let (from, to) = (number(from), number(to));
            (from.min(to)..=from.max(to)).contains(&uid)
        }
        None => number(part) == uid,
    })
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn atom(label: &str) -> String {
    let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"&-/+,".contains(&byte));
    if plain { label.to_owned() } else { format!("\"{}\"", escaped(label)) }
}

fn no(tag: &str) -> Vec<u8> {
    format!("{tag} NO there is none\r\n").into_bytes()
}

fn line(said: &mut Vec<u8>, text: &str) {
    said.extend_from_slice(text.as_bytes());
    said.extend_from_slice(b"\r\n");
}
