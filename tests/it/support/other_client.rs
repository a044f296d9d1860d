//! Another mail program at the same server: plain IMAP and LMTP, line by line, by none of our own
//! code.
//!
//! Invariant: every answer has a deadline; a command that is refused fails its test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const ANSWER: Duration = Duration::from_mins(1);

/// A connection.
pub(crate) struct OtherClient {
    reader: BufReader<TcpStream>,
    tag: u32,
}

impl OtherClient {
    /// Connects and reads the greeting.
    pub(crate) fn try_connect(port: u16) -> std::io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(ANSWER))?;
        let mut client = Self { reader: BufReader::new(stream), tag: 0 };
        let greeting = client.line()?;
        if greeting.starts_with(b"* OK") {
            Ok(client)
        } else {
            Err(std::io::Error::other("no greeting"))
        }
    }

    fn line(&mut self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line)
    }

    /// One response with its literals.
    fn response(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let line = self.line().expect("an answer");
            all.extend_from_slice(&line);
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            let length = text
                .strip_suffix('}')
                .and_then(|text| text.rsplit_once('{'))
                .and_then(|(_, digits)| digits.parse::<usize>().ok());
            let Some(length) = length else { return all };
            let mut literal = vec![0; length];
            self.reader.read_exact(&mut literal).expect("a literal");
            all.extend_from_slice(&literal);
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).expect("it is sent");
    }

    /// A command; its untagged answers. It must succeed.
    pub(crate) fn ok(&mut self, command: &str) -> Vec<Vec<u8>> {
        self.tag += 1;
        let tag = format!("o{}", self.tag);
        self.send(format!("{tag} {command}\r\n").as_bytes());
        self.answers(&tag, command)
    }

    fn answers(&mut self, tag: &str, command: &str) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let response = self.response();
            if response.starts_with(tag.as_bytes()) {
                let text = String::from_utf8_lossy(&response);
                assert!(text.starts_with(&format!("{tag} OK")), "{command}: {text}");
                return all;
            }
            all.push(response);
        }
    }

    /// As [`OtherClient::ok`], as text.
    pub(crate) fn text(&mut self, command: &str) -> Vec<String> {
        let all = self.ok(command);
        all.iter().map(|one| String::from_utf8_lossy(one).trim_end().to_owned()).collect()
    }

    /// Appends a message.
    pub(crate) fn append(&mut self, folder: &str, flags: &str, raw: &[u8]) {
        self.tag += 1;
        let tag = format!("o{}", self.tag);
        let head = format!("{tag} APPEND \"{folder}\" ({flags}) {{{}}}\r\n", raw.len());
        self.send(head.as_bytes());
        let go_on = self.line().expect("an answer");
        assert!(go_on.starts_with(b"+"), "{}", String::from_utf8_lossy(&go_on));
        self.send(&[raw, b"\r\n"].concat());
        self.answers(&tag, "APPEND");
    }

    /// What a folder has: UID, flags, Message-ID, ascending by UID. Selects it.
    pub(crate) fn folder(&mut self, name: &str) -> Vec<Mail> {
        self.ok(&format!("SELECT \"{name}\""));
        let answers = self.ok("UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
        let mut mails: Vec<Mail> = answers.iter().filter_map(|one| Mail::of(one)).collect();
        mails.sort_by_key(|mail| mail.uid);
        mails
    }

    /// The names of all folders that hold messages.
    pub(crate) fn folders(&mut self) -> Vec<String> {
        let lines = self.text("LIST \"\" \"*\"");
        let name = |line: &String| {
            let holds = line.starts_with("* LIST") && !line.to_lowercase().contains("\\noselect");
            let name = line.rsplit_once(' ').filter(|_| holds)?.1;
            Some(name.trim_matches('"').to_owned())
        };
        lines.iter().filter_map(name).collect()
    }
}

/// A message in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    /// Its UID.
    pub(crate) uid: u32,
    /// Its flags, sorted, without `\Recent`.
    pub(crate) flags: Vec<String>,
    /// Its Message-ID without brackets.
    pub(crate) id: String,
}

impl Mail {
    fn of(answer: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(answer);
        let uid = text.split_once("UID ")?.1.split([' ', ')']).next()?.parse().ok()?;
        let flags = text.split_once("FLAGS (")?.1.split_once(')')?.0;
        let mut flags: Vec<String> =
            flags.split_whitespace().filter(|f| *f != "\\Recent").map(str::to_owned).collect();
        flags.sort();
        let id = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        Some(Self { uid, flags, id: id.map_or_else(String::new, |(id, _)| id.to_owned()) })
    }

    /// Whether it has a flag.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|held| held == flag)
    }
}

/// Delivers a message by LMTP (RFC 2033).
pub(crate) fn lmtp(port: u16, user: &str, raw: &[u8]) {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("LMTP accepts");
    stream.set_read_timeout(Some(ANSWER)).expect("a deadline");
    let mut reader = BufReader::new(stream);
    let expect = |reader: &mut BufReader<TcpStream>, code: &str| {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("an answer");
            assert!(line.starts_with(code), "LMTP says {line}");
            if line.as_bytes().get(3) == Some(&b' ') {
                return;
            }
        }
    };
    expect(&mut reader, "220");
    let mut data = raw.to_vec();
    data.extend_from_slice(b"\r\n.\r\n");
    let steps: [(&[u8], &str); 5] = [
        (b"LHLO test\r\n", "250"),
        (b"MAIL FROM:<sender@example.org>\r\n", "250"),
        (&format!("RCPT TO:<{user}@example.org>\r\n").into_bytes(), "250"),
        (b"DATA\r\n", "354"),
        (&data, "250"),
    ];
    for (bytes, code) in steps {
        reader.get_mut().write_all(bytes).expect("it is sent");
        expect(&mut reader, code);
    }
}
