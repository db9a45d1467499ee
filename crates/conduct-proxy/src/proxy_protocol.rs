//! The header of the PROXY protocol: who is at the other end of a connection that somebody else
//! accepted. Both versions are read, the second is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header that is taken: the one with the most attributes that a load balancer sends.
pub const HEADER_BYTES_MAX: usize = 1024;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const V1_BYTES_MAX: usize = 107;
const V2_BYTES_MIN: usize = 16;

/// Both ends of the connection that was accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ends {
    /// Who connected.
    pub source: SocketAddr,
    /// To where.
    pub destination: SocketAddr,
}

/// A whole header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// How many bytes it took.
    pub bytes: usize,
    /// What it says; nothing where the sender speaks for itself, as it does for health checks.
    pub ends: Option<Ends>,
}

/// Why bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Something else, such as a client that came past the load balancer.
    #[error("the connection does not begin with a header of the PROXY protocol")]
    NoHeader,
    /// A header that breaks its own rules.
    #[error("the header of the PROXY protocol is broken")]
    Broken,
    /// More than anybody sends.
    #[error("the header of the PROXY protocol has more than {HEADER_BYTES_MAX} bytes")]
    Long,
}

/// Reads the header that a connection begins with; nothing as long as more of it has to come.
pub fn read(bytes: &[u8]) -> Result<Option<Header>, HeaderError> {
    let begins = |known: &[u8]| known.iter().zip(bytes).all(|(a, b)| a == b);
    if begins(SIGNATURE) {
        read_v2(bytes)
    } else if begins(b"PROXY ") {
        read_v1(bytes)
    } else {
        Err(HeaderError::NoHeader)
    }
}

fn read_v1(bytes: &[u8]) -> Result<Option<Header>, HeaderError> {
    let line = &bytes[..bytes.len().min(V1_BYTES_MAX)];
    let Some(end) = line.windows(2).position(|pair| pair == b"\r\n") else {
        let is_whole = line.len() == V1_BYTES_MAX;
        return if is_whole {
            Err(HeaderError::Broken)
        } else {
            Ok(None)
        };
    };
    let text = std::str::from_utf8(&line[..end]).map_err(|_| HeaderError::Broken)?;
    let words: Vec<&str> = text.split(' ').collect();
    let ends = match words.as_slice() {
        ["PROXY", "UNKNOWN", ..] => None,
        [
            "PROXY",
            family @ ("TCP4" | "TCP6"),
            source,
            destination,
            from,
            to,
        ] => {
            let end = |ip: &str, port: &str| {
                let ip: IpAddr = ip.parse().ok()?;
                let fits = ip.is_ipv4() == (*family == "TCP4");
                fits.then_some(SocketAddr::new(ip, port.parse().ok()?))
            };
            let ends = end(source, from).zip(end(destination, to));
            let (source, destination) = ends.ok_or(HeaderError::Broken)?;
            Some(Ends {
                source,
                destination,
            })
        }
        _ => return Err(HeaderError::Broken),
    };
    let bytes = end + 2;
    Ok(Some(Header { bytes, ends }))
}

fn read_v2(bytes: &[u8]) -> Result<Option<Header>, HeaderError> {
    if bytes.len() < V2_BYTES_MIN {
        return Ok(None);
    }
    let length = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    let whole = V2_BYTES_MIN + length;
    if whole > HEADER_BYTES_MAX {
        return Err(HeaderError::Long);
    }
    let Some(body) = bytes.get(V2_BYTES_MIN..whole) else {
        return Ok(None);
    };
    let ends = match (bytes[12], bytes[13]) {
        (0x21, 0x11) => Some(ends_v4(body).ok_or(HeaderError::Broken)?),
        (0x21, 0x21) => Some(ends_v6(body).ok_or(HeaderError::Broken)?),
        // The sender itself; datagrams, Unix sockets, what is not specified: a caller all the same.
        (0x20 | 0x21, _) => None,
        _ => return Err(HeaderError::Broken),
    };
    Ok(Some(Header { bytes: whole, ends }))
}

fn ends_v4(body: &[u8]) -> Option<Ends> {
    let ip = |at: usize| {
        Some(IpAddr::from(
            <[u8; 4]>::try_from(body.get(at..at + 4)?).ok()?,
        ))
    };
    ends(ip(0)?, ip(4)?, body.get(8..12)?)
}

fn ends_v6(body: &[u8]) -> Option<Ends> {
    let ip = |at: usize| {
        Some(IpAddr::from(
            <[u8; 16]>::try_from(body.get(at..at + 16)?).ok()?,
        ))
    };
    ends(ip(0)?, ip(16)?, body.get(32..36)?)
}

fn ends(source: IpAddr, destination: IpAddr, ports: &[u8]) -> Option<Ends> {
    let [a, b, c, d] = *ports else { return None };
    Some(Ends {
        source: SocketAddr::new(source, u16::from_be_bytes([a, b])),
        destination: SocketAddr::new(destination, u16::from_be_bytes([c, d])),
    })
}

/// Writes a header of version 2.
pub fn write(ends: Ends) -> Vec<u8> {
    let mut bytes = SIGNATURE.to_vec();
    let ips = (
        ends.source.ip().to_canonical(),
        ends.destination.ip().to_canonical(),
    );
    if let (IpAddr::V4(source), IpAddr::V4(destination)) = ips {
        bytes.extend([0x21, 0x11, 0, 12]);
        bytes.extend(source.octets());
        bytes.extend(destination.octets());
    } else {
        bytes.extend([0x21, 0x21, 0, 36]);
        bytes.extend(v6(ips.0).octets());
        bytes.extend(v6(ips.1).octets());
    }
    bytes.extend(ends.source.port().to_be_bytes());
    bytes.extend(ends.destination.port().to_be_bytes());
    bytes
}

fn v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::to_ipv6_mapped(&ip),
        IpAddr::V6(ip) => ip,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_version_is_a_line() {
        let line = b"PROXY TCP4 192.168.0.1 10.0.0.2 56324 443\r\nGET /";
        let header = read(line).unwrap().unwrap();
        assert_eq!(header.bytes, line.len() - 5);
        let ends = header.ends.unwrap();
        assert_eq!(ends.source, "192.168.0.1:56324".parse().unwrap());
        assert_eq!(ends.destination, "10.0.0.2:443".parse().unwrap());
        let unknown = read(b"PROXY UNKNOWN\r\n").unwrap().unwrap();
        assert_eq!((unknown.bytes, unknown.ends), (15, None));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in [
            "GET / HTTP/1.1\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 5 x\r\n",
            "PROXY TCP6 1.2.3.4 1.2.3.4 5 6\r\n",
            "PROXY TCP4 1.2.3.4 1.2.3.4 5\r\n",
            "PROXY\r\n",
            "\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0",
            "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x04abcd",
        ] {
            assert!(read(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
        assert_eq!(
            read("PROXY TCP4 ".repeat(20).as_bytes()),
            Err(HeaderError::Broken)
        );
        let long = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff";
        assert_eq!(read(long), Err(HeaderError::Long));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_whole_and_not_before(
            source: SocketAddr,
            destination: SocketAddr,
            rest: Vec<u8>,
        ) {
            let mut bytes = write(Ends { source, destination });
            let whole = bytes.len();
            for part in 0..whole {
                prop_assert_eq!(read(&bytes[..part]), Ok(None));
            }
            bytes.extend(rest);
            let header = read(&bytes).unwrap().unwrap();
            prop_assert_eq!(header.bytes, whole);
            let ends = header.ends.unwrap();
            prop_assert_eq!(ends.source.ip().to_canonical(), source.ip().to_canonical());
            prop_assert_eq!(ends.destination.ip().to_canonical(), destination.ip().to_canonical());
            prop_assert_eq!(ends.source.port(), source.port());
            prop_assert_eq!(ends.destination.port(), destination.port());
        }

        #[test]
        fn no_bytes_make_it_panic(mut bytes: Vec<u8>, signed: bool) {
            if signed {
                bytes.splice(0..0, SIGNATURE.iter().copied());
            }
            let read = read(&bytes);
            if let Ok(Some(header)) = read {
                prop_assert!(header.bytes <= bytes.len());
            }
        }
    }
}
