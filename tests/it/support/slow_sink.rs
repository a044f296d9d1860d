//! A mail server in the test's own process that takes everything, slowly, and remembers how often
//! it took each message: so that whoever sends can be killed at any moment of it.
//!
//! Invariant: a message counts when its last dot was read, whether or not anybody is left to hear
//! the answer. It speaks in clear on loopback, and asks nobody who they are.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::record::Random;
use super::{SCREEN_DEADLINE, wait_for};

/// The longest that it thinks about an answer.
const THINKS: Duration = Duration::from_millis(25);

/// A message that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    /// Its Message-ID, as it stands in the header.
    pub(crate) id: String,
    /// Its subject.
    pub(crate) subject: String,
    /// What stands below the header.
    pub(crate) body: String,
}

#[derive(Default)]
struct Shared {
    taken: Mutex<Vec<Taken>>,
    /// Connections that are still being served.
    open: AtomicUsize,
    met: AtomicU64,
}

/// A server; its port is free again when the process ends.
pub(crate) struct SlowSink {
    shared: Arc<Shared>,
    /// Its port.
    pub(crate) port: u16,
}

impl SlowSink {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                shared.open.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    let seed = shared.met.fetch_add(1, Ordering::SeqCst) * 2 + 1;
                    // One that breaks off has nobody to tell.
                    let _ = serve(&shared, &stream, &mut Random(seed));
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { shared, port }
    }

    /// What was taken, when nobody is being served any more.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let idle = || (self.shared.open.load(Ordering::SeqCst) == 0).then_some(());
        wait_for(SCREEN_DEADLINE, idle).expect("whoever was killed is gone");
        self.shared.taken.lock().expect("nobody failed with it").clone()
    }
}

fn serve(shared: &Shared, stream: &TcpStream, random: &mut Random) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut say = |answer: &str| {
        let most = u64::try_from(THINKS.as_micros()).unwrap_or(1);
        std::thread::sleep(Duration::from_micros(random.below(most)));
        (&mut &*stream).write_all(answer.as_bytes())
    };
    say("220 localhost ESMTP\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => say("250-localhost\r\n250 8BITMIME\r\n")?,
            "DATA" => {
                say("354 go on\r\n")?;
                let Some(message) = message(&mut lines)? else { return Ok(()) };
                shared.taken.lock().expect("nobody failed with it").push(message);
                say("250 taken\r\n")?;
            }
            "QUIT" => return say("221 bye\r\n"),
            _ => say("250 fine\r\n")?,
        }
    }
}

/// A message up to its last dot; `None` where that never came.
fn message(lines: &mut impl std::io::BufRead) -> std::io::Result<Option<Taken>> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 || !line.ends_with("\r\n") {
            return Ok(None);
        }
        let line = line.trim_end_matches("\r\n");
        if line == "." {
            break;
        }
        all.push(line.strip_prefix('.').unwrap_or(line).to_owned());
    }
    let end = all.iter().position(String::is_empty).unwrap_or(all.len());
    let header: BTreeMap<String, &str> = all[..end]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let field = |name: &str| header.get(name).copied().unwrap_or_default().to_owned();
    let body = all.get(end + 1..).unwrap_or_default().join("\n");
    Ok(Some(Taken { id: field("message-id"), subject: field("subject"), body }))
}

#[test]
fn a_message_counts_at_its_last_dot() {
    let sink = SlowSink::start();
    let begun = "EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n";
    let text = "Message-ID: <1@x>\r\nSubject: hi\r\n\r\n..\r\nword\r\n.";
    for (rest, count) in [("", 0), ("\r\n", 1), ("\r\n", 2)] {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, sink.port)).expect("it listens");
        stream.write_all(format!("{begun}{text}{rest}").as_bytes()).expect("taken");
        stream.shutdown(std::net::Shutdown::Write).expect("shut");
        let mut heard = String::new();
        std::io::Read::read_to_string(&mut stream, &mut heard).expect("answers");
        let taken = sink.taken();
        assert_eq!(taken.len(), count, "{heard}");
        assert!(taken.iter().all(|t| (t.id.as_str(), t.body.as_str()) == ("<1@x>", ".\nword")));
    }
}
