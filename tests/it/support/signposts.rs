//! Where a domain says that its servers are: an HTTPS server and a name server that say what a test
//! wants.
//!
//! Invariant: both listen on loopback and end with their test; every question is noted.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use simple_dns::rdata::{MX, RData, SRV};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, ResourceRecord, TYPE};

/// How long one read may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Files by `HOST/PATH` without the query: whole answers of HTTP.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// An HTTPS server for every host that its certificate names.
pub(crate) struct Https {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
}

impl Https {
    /// Starts it.
    pub(crate) fn start(config: Arc<ServerConfig>, files: Files) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let (asked, over) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let (noted, ended) = (Arc::clone(&asked), Arc::clone(&over));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (config, files) = (Arc::clone(&config), files.clone());
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let _ = serve(stream, config, &files, &noted);
                });
            }
        });
        Self { address, asked, over }
    }

    /// What was asked: `HOST/PATH?QUERY`; for a POST that word before it, and behind it what was
    /// posted and the names of the header.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic while noted").clone()
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    files: &Files,
    noted: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).expect("a connection");
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let (mut path, mut host) = (String::new(), String::new());
    let (mut posted, mut names) = (None, Vec::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            rest.split(' ').next().unwrap_or_default().clone_into(&mut path);
        } else if let Some(rest) = line.strip_prefix("POST ") {
            rest.split(' ').next().unwrap_or_default().clone_into(&mut path);
            posted = Some(0);
        } else if let Some(value) = line.to_lowercase().strip_prefix("host:") {
            value.trim().clone_into(&mut host);
        } else if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            posted = posted.and(value.trim().parse().ok());
        }
        names.extend(line.to_lowercase().split_once(':').map(|(name, _)| name.to_owned()));
    }
    let mut all = format!("{host}{path}");
    if let Some(octets) = posted {
        let mut body = vec![0; octets];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        all = format!("POST {all} {body} ({})", names.join(" "));
    }
    let bare = format!("{host}{path}").split('?').next().unwrap_or_default().to_owned();
    noted.lock().expect("no panic while noted").push(all);
    let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
    let answer = files.get(&bare).unwrap_or(&missing);
    let stream = reader.get_mut();
    stream.write_all(answer)?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// A name server.
pub(crate) struct Names {
    /// Where it listens, by UDP and TCP.
    pub(crate) address: SocketAddr,
    over: Arc<AtomicBool>,
}

/// What it knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Zone {
    /// Services: name, priority, weight, port, host.
    pub(crate) srv: Vec<(&'static str, u16, u16, u16, &'static str)>,
    /// Hosts that take mail in, for any domain.
    pub(crate) mx: Vec<(u16, &'static str)>,
    /// Whether its datagrams are cut, so that it has to be asked by TCP.
    pub(crate) cut: bool,
}

impl Names {
    /// Starts it.
    pub(crate) fn start(zone: &Zone) -> Self {
        // One number for both: a port that is free for TCP may be taken for UDP.
        let (listener, socket) = (0..100)
            .find_map(|_| {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
                let socket = UdpSocket::bind(listener.local_addr().ok()?).ok()?;
                Some((listener, socket))
            })
            .expect("a port");
        let address = listener.local_addr().expect("its address");
        let over = Arc::<AtomicBool>::default();
        let (ended, known) = (Arc::clone(&over), zone.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                if let Some(reply) = reply(&buffer[..length], &known, known.cut) {
                    let _ = socket.send_to(b"\0\0no answer", from);
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        let (ended, known) = (Arc::clone(&over), zone.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let _ = by_tcp(stream, &known);
            }
        });
        Self { address, over }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let poke = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let _ = poke.and_then(|socket| socket.send_to(b"x", self.address));
    }
}

fn by_tcp(mut stream: TcpStream, zone: &Zone) -> std::io::Result<()> {
    use std::io::Read as _;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut question)?;
    let reply = reply(&question, zone, false).unwrap_or_default();
    let length = u16::try_from(reply.len()).expect("short");
    stream.write_all(&[&length.to_be_bytes()[..], &reply].concat())
}

fn reply(question: &[u8], zone: &Zone, cut: bool) -> Option<Vec<u8>> {
    let asked = Packet::parse(question).ok()?;
    let mut packet = Packet::new_reply(asked.id());
    let one = asked.questions.first()?.clone();
    let (name, kind) = (one.qname.to_string(), one.qtype);
    packet.questions.push(one.clone());
    if cut {
        packet.set_flags(PacketFlag::TRUNCATION);
        return packet.build_bytes_vec().ok();
    }
    let mut put = |data| {
        packet.answers.push(ResourceRecord::new(one.qname.clone(), CLASS::IN, 60, data));
    };
    match kind {
        QTYPE::TYPE(TYPE::SRV) => {
            for (service, priority, weight, port, host) in &zone.srv {
                if name.eq_ignore_ascii_case(service) {
                    let (priority, weight, port) = (*priority, *weight, *port);
                    let target = Name::new(host).ok()?;
                    put(RData::SRV(SRV { priority, weight, port, target }));
                }
            }
        }
        QTYPE::TYPE(TYPE::MX) => {
            for (preference, host) in &zone.mx {
                let exchange = Name::new(host).ok()?;
                put(RData::MX(MX { preference: *preference, exchange }));
            }
        }
        _ => {}
    }
    packet.build_bytes_vec().ok()
}
