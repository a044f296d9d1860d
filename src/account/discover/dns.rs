//! Questions to the name servers of this machine: SRV and MX, which the system's own look-up does
//! not answer.
//!
//! Invariant: a stub and nothing more. It asks who the system asks, one datagram and one more where
//! none comes back, by TCP where the answer is too long; an answer that is not to the question is
//! passed over, and bytes that are no answer are none. What it hears is not proved by anything.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, TYPE};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use super::SrvRecord;

/// How long one server may take before the next is asked.
const ONE_SERVER: Duration = Duration::from_millis(1500);
/// How often all servers are asked.
const ROUNDS: usize = 2;
/// Name servers that are asked.
const MAX_SERVERS: usize = 3;
/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// The longest datagram, in bytes: we do not ask for longer ones.
const MAX_DATAGRAM_BYTES: usize = 1232;
/// Records of one answer that are taken.
const MAX_RECORDS: usize = 16;
/// The port of name servers.
const PORT: u16 = 53;

/// Whom the system asks: lines `nameserver ADDRESS` of `resolv.conf`.
pub(super) fn servers(resolv_conf: &str) -> Vec<SocketAddr> {
    let addresses = resolv_conf.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next())??.parse::<IpAddr>().ok()
    });
    addresses.take(MAX_SERVERS).map(|address| SocketAddr::new(address, PORT)).collect()
}

/// Records of a service.
pub(super) async fn srv(servers: &[SocketAddr], name: &str) -> Vec<SrvRecord> {
    let answer = ask(servers, name, TYPE::SRV).await.unwrap_or_default();
    let found = records(&answer, |data| match data {
        RData::SRV(srv) => Some(SrvRecord {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            host: host(&srv.target),
        }),
        _ => None,
    });
    found.into_iter().filter(|record| record.host.is_empty() || is_host(&record.host)).collect()
}

/// Hosts that take mail in for a domain, the preferred first.
pub(super) async fn mx(servers: &[SocketAddr], domain: &str) -> Vec<String> {
    let answer = ask(servers, domain, TYPE::MX).await.unwrap_or_default();
    let mut found = records(&answer, |data| match data {
        RData::MX(mx) => Some((mx.preference, host(&mx.exchange))),
        _ => None,
    });
    found.sort();
    found.into_iter().map(|(_, host)| host).filter(|host| is_host(host)).collect()
}

fn host(name: &Name<'_>) -> String {
    name.to_string().trim_end_matches('.').to_ascii_lowercase()
}

fn is_host(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    !name.is_empty() && name.len() <= 253 && name.bytes().all(inside)
}

fn records<T>(answer: &[u8], read: impl Fn(&RData<'_>) -> Option<T>) -> Vec<T> {
    let Ok(packet) = Packet::parse(answer) else { return Vec::new() };
    packet.answers.iter().filter_map(|record| read(&record.rdata)).take(MAX_RECORDS).collect()
}

async fn ask(servers: &[SocketAddr], name: &str, kind: TYPE) -> Option<Vec<u8>> {
    for server in servers.iter().cycle().take(servers.len() * ROUNDS) {
        let answer = tokio::time::timeout(ONE_SERVER, ask_one(*server, name, kind)).await;
        if let Ok(Some(answer)) = answer {
            return Some(answer);
        }
    }
    None
}

async fn ask_one(server: SocketAddr, name: &str, kind: TYPE) -> Option<Vec<u8>> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).ok()?;
    let id = u16::from_be_bytes(id);
    let question = question(id, name, kind)?;
    let any: SocketAddr = if server.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    let socket = UdpSocket::bind(any).await.ok()?;
    // Connected: the system lets in what comes from this server only.
    socket.connect(server).await.ok()?;
    socket.send(&question).await.ok()?;
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    loop {
        let length = socket.recv(&mut buffer).await.ok()?;
        let answer = buffer.get(..length)?;
        if !fits(answer, id, name) {
            continue;
        }
        let cut = Packet::parse(answer).map_or(true, |p| p.has_flags(PacketFlag::TRUNCATION));
        return if cut { by_tcp(server, &question, id, name).await } else { Some(answer.to_vec()) };
    }
}

/// RFC 7766: the same with its length before it.
async fn by_tcp(server: SocketAddr, question: &[u8], id: u16, name: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    let mut framed = u16::try_from(question.len()).ok()?.to_be_bytes().to_vec();
    framed.extend_from_slice(question);
    stream.write_all(&framed).await.ok()?;
    let length = usize::from(stream.read_u16().await.ok()?);
    if length > MAX_ANSWER_BYTES {
        return None;
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await.ok()?;
    fits(&answer, id, name).then_some(answer)
}

fn question(id: u16, name: &str, kind: TYPE) -> Option<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).ok()?;
    packet.questions.push(Question::new(name, kind.into(), CLASS::IN.into(), false));
    packet.build_bytes_vec().ok()
}

/// Whether `answer` is one to our question. One that was cut may not be read to its end.
fn fits(answer: &[u8], id: u16, name: &str) -> bool {
    if answer.get(..2) != Some(&id.to_be_bytes()) || answer.get(2).is_none_or(|b| b & 0x80 == 0) {
        return false;
    }
    let Ok(packet) = Packet::parse(answer) else {
        return answer.get(2).is_some_and(|b| b & 2 != 0);
    };
    let about = packet.questions.first().map(|question| host(&question.qname));
    about.is_some_and(|about| about.eq_ignore_ascii_case(name.trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::SRV;

    use super::*;

    fn answer(id: u16, name: &str) -> Vec<u8> {
        let mut packet = Packet::new_reply(id);
        let name = Name::new(name).unwrap();
        let ask = Question::new(name.clone(), TYPE::SRV.into(), CLASS::IN.into(), false);
        packet.questions.push(ask);
        let target = Name::new("Imap.example.org").unwrap();
        let srv = SRV { priority: 1, weight: 2, port: 993, target };
        packet.answers.push(ResourceRecord::new(name, CLASS::IN, 60, RData::SRV(srv)));
        packet.build_bytes_vec_compressed().unwrap()
    }

    #[test]
    fn name_servers_of_the_system() {
        let found =
            servers("# x\nnameserver 10.0.0.1\nsearch a\n nameserver  ::1 x\nnameserver no\n");
        assert_eq!(found, ["10.0.0.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()]);
    }

    #[test]
    fn an_answer_is_taken_only_to_its_question() {
        let name = "_imaps._tcp.example.org";
        let bytes = answer(7, name);
        assert!(fits(&bytes, 7, name));
        assert!(!fits(&bytes, 8, name) && !fits(&bytes, 7, "other.org") && !fits(&[], 7, name));
        assert!(!fits(&question(7, name, TYPE::SRV).unwrap(), 7, name), "a question is no answer");
        let hosts = records(&bytes, |data| match data {
            RData::SRV(srv) => Some(host(&srv.target)),
            _ => None,
        });
        assert_eq!(hosts, ["imap.example.org"]);
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_answer_are_none(
            at in 0usize..80,
            byte: u8,
            cut in 0usize..90,
            noise in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let mut bytes = answer(7, "_imaps._tcp.example.org");
            if let Some(place) = bytes.get_mut(at) { *place = byte; }
            bytes.truncate(cut);
            for bytes in [&bytes, &noise] {
                let _ = fits(bytes, 7, "x");
                let _ = records(bytes, |data| Some(format!("{data:?}").len()));
            }
        }
    }
}
