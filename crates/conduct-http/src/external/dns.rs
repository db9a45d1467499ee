//! Records that tell where a service is (RFC 2782). The system's own look-up knows only addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use rand::TryRng;
use tokio::net::UdpSocket;

/// A datagram with an answer. Longer ones are cut off by the server, and what is there is taken.
const ANSWER_BYTES_MAX: usize = 1232;
/// How long one server may take.
const SERVER_TIME_MAX: Duration = Duration::from_secs(2);
/// Servers that are asked in turn.
const SERVERS_MAX: usize = 3;
/// Targets that one name may have.
const TARGETS_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 255;
const LABEL_BYTES_MAX: usize = 63;
/// Jumps in a compressed name; a name that needs more goes in circles.
const JUMPS_MAX: usize = 16;

const SRV: u16 = 33;
const INTERNET: u16 = 1;
const HEADER_BYTES: usize = 12;

/// Where a service is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Asks the system's servers for the targets of a service, the preferred ones first.
pub(super) async fn services(name: &str) -> io::Result<Vec<Target>> {
    let conf = tokio::fs::read_to_string("/etc/resolv.conf")
        .await
        .unwrap_or_default();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for server in servers(&conf) {
        match tokio::time::timeout(SERVER_TIME_MAX, ask(server, name)).await {
            Ok(Ok(targets)) => return Ok(targets),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

fn servers(conf: &str) -> Vec<SocketAddr> {
    let named = conf
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"));
    let mut servers: Vec<SocketAddr> = named
        .filter_map(|ip| ip.trim().parse::<IpAddr>().ok())
        .map(|ip| (ip, 53).into())
        .take(SERVERS_MAX)
        .collect();
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, 53).into());
    }
    servers
}

async fn ask(server: SocketAddr, name: &str) -> io::Result<Vec<Target>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    let drawn = rand::rngs::SysRng.try_next_u32();
    let id = drawn.expect("the kernel has randomness as soon as any process runs") as u16;
    let question = question(id, name).ok_or(io::ErrorKind::InvalidInput)?;
    socket.send(&question).await?;
    let mut answer = [0; ANSWER_BYTES_MAX];
    loop {
        let length = socket.recv(&mut answer).await?;
        // Anybody may send a datagram; only an answer to this question counts.
        if answer[..length].starts_with(&id.to_be_bytes()) {
            return read(&answer[..length]).ok_or(io::ErrorKind::InvalidData.into());
        }
    }
}

fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut bytes = id.to_be_bytes().to_vec();
    // Recursion is desired; one question, nothing else.
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        if label.is_empty() || label.len() > LABEL_BYTES_MAX {
            return None;
        }
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(SRV.to_be_bytes());
    bytes.extend(INTERNET.to_be_bytes());
    (name.len() <= NAME_BYTES_MAX).then_some(bytes)
}

/// The targets in an answer; nothing for bytes that are none, or that say there is no such name.
fn read(answer: &[u8]) -> Option<Vec<Target>> {
    let is_answer = answer.get(2)? & 0x80 != 0;
    let went_well = answer.get(3)? & 0x0f == 0;
    if !is_answer || !went_well {
        return None;
    }
    let questions = number(answer, 4)?;
    let answers = number(answer, 6)?;
    let mut at = HEADER_BYTES;
    for _ in 0..questions {
        at = skip_name(answer, at)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..answers {
        at = skip_name(answer, at)?;
        let (kind, length) = (number(answer, at)?, number(answer, at + 8)?);
        at += 10;
        if kind == SRV && found.len() < TARGETS_MAX {
            let (priority, weight) = (number(answer, at)?, number(answer, at + 2)?);
            let port = number(answer, at + 4)?;
            let host = read_name(answer, at + 6)?;
            found.push((priority, u16::MAX - weight, Target { host, port }));
        }
        at += usize::from(length);
    }
    found.sort_by(|a, b| (a.0, a.1, &a.2.host).cmp(&(b.0, b.1, &b.2.host)));
    Some(found.into_iter().map(|(_, _, target)| target).collect())
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([two[0], two[1]]))
}

/// The place behind a name.
fn skip_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            // The rest of it stands elsewhere.
            length if length >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

fn read_name(bytes: &[u8], mut at: usize) -> Option<String> {
    let mut name = String::new();
    let mut jumps = 0;
    loop {
        match *bytes.get(at)? {
            0 => return (!name.is_empty()).then_some(name),
            length if length >= 0xc0 => {
                jumps += 1;
                if jumps > JUMPS_MAX {
                    return None;
                }
                at = usize::from(number(bytes, at)? & 0x3fff);
            }
            length => {
                let label = bytes.get(at + 1..at + 1 + usize::from(length))?;
                let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
                if !label.iter().all(is_plain) || name.len() + label.len() > NAME_BYTES_MAX {
                    return None;
                }
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(std::str::from_utf8(label).ok()?);
                at += 1 + label.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with two targets, whose names lean on the question's.
    fn answer() -> Vec<u8> {
        let mut bytes = question(7, "_http._tcp.example").unwrap();
        bytes[2] |= 0x80;
        bytes[7] = 2;
        for (priority, port, label) in [(20_u16, 8080_u16, "b"), (10, 80, "a")] {
            bytes.extend([0xc0, HEADER_BYTES as u8]);
            bytes.extend(SRV.to_be_bytes());
            bytes.extend(INTERNET.to_be_bytes());
            bytes.extend([0, 0, 0, 60, 0, 10]);
            bytes.extend(priority.to_be_bytes());
            bytes.extend([0, 5]);
            bytes.extend(port.to_be_bytes());
            bytes.push(1);
            bytes.extend(label.as_bytes());
            // `example`, behind `_http` and `_tcp`.
            bytes.extend([0xc0, HEADER_BYTES as u8 + 11]);
        }
        bytes
    }

    #[test]
    fn targets_are_read_and_the_preferred_one_comes_first() {
        let target = |host: &str, port| Target {
            host: host.to_owned(),
            port,
        };
        let expected = vec![target("a.example", 80), target("b.example", 8080)];
        assert_eq!(read(&answer()), Some(expected));
    }

    #[test]
    fn names_that_go_in_circles_or_out_of_the_answer_are_refused() {
        let mut circle = answer();
        let last = circle.len() - 1;
        circle[last] = last as u8 - 1;
        assert_eq!(read(&circle), None);
        for length in 0..answer().len() {
            assert_eq!(read(&answer()[..length]), None, "{length}");
        }
    }

    #[test]
    fn servers_are_those_of_the_system() {
        let conf = "# x\nnameserver 10.0.0.1\nsearch a\nnameserver fe80::1\nnameserver nonsense\n";
        let servers = servers(conf);
        assert_eq!(
            servers,
            [
                "10.0.0.1:53".parse().unwrap(),
                "[fe80::1]:53".parse().unwrap()
            ]
        );
        assert_eq!(super::servers("").len(), 1);
    }

    #[tokio::test]
    async fn a_server_is_asked_and_strangers_are_not_heard() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let asking = tokio::spawn(async move { ask(address, "_http._tcp.example").await });
        let mut asked = [0; 512];
        let (_, from) = server.recv_from(&mut asked).await.unwrap();
        server.send_to(b"nonsense", from).await.unwrap();
        let mut told = answer();
        told[..2].copy_from_slice(&asked[..2]);
        server.send_to(&told, from).await.unwrap();
        assert_eq!(asking.await.unwrap().unwrap().len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_an_answer(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
            at in 0..80_usize,
            byte in proptest::num::u8::ANY,
        ) {
            let _ = read(&bytes);
            let mut broken = answer();
            if let Some(place) = broken.get_mut(at) {
                *place = byte;
            }
            let _ = read(&broken);
        }
    }
}
