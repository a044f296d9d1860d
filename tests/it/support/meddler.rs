//! Between a device and its backend: what the backend says passes through here, and is changed.
//!
//! Invariant: what a device says passes as it is. A connection ends when either side ends it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};

use mailtui::sync::{Frame, decode, encode};

/// What becomes of a frame.
pub(crate) enum Said {
    /// Another frame.
    Frame(Frame),
    /// A message of any bytes.
    Bytes(Vec<u8>),
    /// Bytes on the socket, beside any message.
    Raw(Vec<u8>),
    /// The connection ends.
    End,
}

/// What becomes of each frame of a connection: told which it is, from 0 on.
pub(crate) type Meddler = Box<dyn FnMut(u64, Frame) -> Vec<Said>>;
/// Makes one for a connection.
pub(crate) type Meddling = fn() -> Meddler;

/// Listens on a port of its own, and passes on to another; it ends with the process.
pub(crate) fn between(port: u16, meddling: Meddling) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let own = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for device in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || pass(device, port, meddling()));
        }
    });
    own
}

fn pass(mut device: TcpStream, port: u16, meddler: Meddler) {
    let Ok(mut backend) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
    let ends = || [device.try_clone(), backend.try_clone()].map(|end| end.expect("an end"));
    let ([mut up_from, mut up_to], both) = (ends(), ends());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut up_from, &mut up_to);
        let _ = up_to.shutdown(Shutdown::Both);
    });
    // Either side may go at any moment: then there is nothing to pass on.
    let _ = down(&mut backend, &mut device, meddler);
    for end in both {
        let _ = end.shutdown(Shutdown::Both);
    }
}

fn down(
    backend: &mut TcpStream,
    device: &mut TcpStream,
    mut meddler: Meddler,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        backend.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    device.write_all(&head)?;
    let mut count = 0;
    loop {
        let (opcode, bytes) = message(backend)?;
        let Some(frame) = (opcode == 2).then(|| decode(&bytes).expect("a backend says frames"))
        else {
            send(device, opcode, &bytes)?;
            continue;
        };
        for said in meddler(count, frame) {
            match said {
                Said::Frame(frame) => send(device, 2, &encode(&frame).expect("encodes"))?,
                Said::Bytes(bytes) => send(device, 2, &bytes)?,
                Said::Raw(bytes) => device.write_all(&bytes)?,
                Said::End => return Ok(()),
            }
        }
        count += 1;
    }
}

/// A message of RFC 6455, which no backend of ours parts.
fn message(from: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    from.read_exact(&mut head)?;
    let long = match head[1] & 0x7f {
        126 => 2,
        127 => 8,
        short => {
            let mut bytes = vec![0; usize::from(short)];
            from.read_exact(&mut bytes)?;
            return Ok((head[0] & 0xf, bytes));
        }
    };
    let mut length = [0; 8];
    from.read_exact(&mut length[8 - long..])?;
    let mut bytes = vec![0; usize::try_from(u64::from_be_bytes(length)).expect("it fits")];
    from.read_exact(&mut bytes)?;
    Ok((head[0] & 0xf, bytes))
}

fn send(to: &mut TcpStream, opcode: u8, bytes: &[u8]) -> std::io::Result<()> {
    let mut frame = vec![0x80 | opcode, 127];
    frame.extend((bytes.len() as u64).to_be_bytes());
    frame.extend(bytes);
    to.write_all(&frame)
}
