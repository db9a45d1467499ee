//! Addresses that nobody uses.

use std::io;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use conduct_terminal::exit::{Exit, Failure};

use crate::range::Range;
use crate::record::{
    CLUSTER_PORT, CONTROL_PORT, INGRESS_STATUS_PORT, LOCATOR_PORT, STATUS_PORT, host_and_port,
};

/// The ranges that are tried when none is named: `127.0.10.0/24` and those after it.
const THIRD_PARTS: std::ops::RangeInclusive<u8> = 10..=250;

/// Addresses that are this sandbox's. Nobody else takes them while the claim is held, and when it is
/// dropped the nodes hold their ports.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) addresses: Vec<IpAddr>,
    #[expect(dead_code, reason = "the kernel takes the name back when it is closed")]
    name: UnixListener,
}

/// Claims `count` addresses: of `range`, or of the first range where all are free. `taken` are those
/// of sandboxes whose nodes may be down at the moment.
pub(crate) fn claim(
    range: Option<Range>,
    count: usize,
    ingress_port: Option<u16>,
    taken: &[IpAddr],
) -> Result<Claim, Failure> {
    let ports = Ports::new(ingress_port);
    let Some(range) = range else {
        return anywhere(count, &ports, taken);
    };
    if !range.is_loopback() {
        return Err(Failure::new(
            Exit::Usage,
            format_args!("{range} is not on this machine alone"),
        )
        .hint("nodes without certificates listen on loopback only, and need no aliases there")
        .hint("take a range such as 127.0.10.0/24"));
    }
    let Some(name) = name(range) else {
        return Err(Failure::new(
            Exit::Refused,
            format_args!("another sandbox is being started in {range}"),
        ));
    };
    // As many as might be needed past those that are in use.
    let all = range.hosts(count + 256);
    if all.len() < count {
        return Err(Failure::new(
            Exit::Usage,
            format_args!(
                "{range} has room for {}, and {count} nodes are meant",
                all.len()
            ),
        ));
    }
    let mut reason = None;
    let mut addresses = Vec::new();
    for address in all {
        match ports.obstacle(address, taken) {
            None => addresses.push(address),
            Some(why) => drop(reason.get_or_insert(why)),
        }
        if addresses.len() == count {
            return Ok(Claim { addresses, name });
        }
    }
    let failure = Failure::new(
        Exit::Failed,
        format_args!(
            "of {range} only {} addresses are free, and {count} nodes are meant",
            addresses.len()
        ),
    );
    Err(reason.iter().fold(failure, Failure::hint))
}

fn anywhere(count: usize, ports: &Ports, taken: &[IpAddr]) -> Result<Claim, Failure> {
    let mut reason = None;
    for third in THIRD_PARTS {
        let range = Range::loopback(third);
        let Some(name) = name(range) else { continue };
        let addresses = range.hosts(count);
        let obstacle = addresses
            .iter()
            .find_map(|address| ports.obstacle(*address, taken));
        match obstacle {
            None => return Ok(Claim { addresses, name }),
            Some(why) => drop(reason.get_or_insert(why)),
        }
    }
    let failure = Failure::new(
        Exit::Failed,
        format_args!("no range of loopback addresses has {count} that are free"),
    );
    Err(reason.iter().fold(failure, Failure::hint))
}

/// A name in the kernel that only one process of this network can hold, and that goes with it.
fn name(range: Range) -> Option<UnixListener> {
    let name = format!("conduct-sandbox/{range}");
    let address = SocketAddr::from_abstract_name(name).ok()?;
    UnixListener::bind_addr(&address).ok()
}

/// The ports that a node needs.
struct Ports {
    tcp: Vec<u16>,
}

impl Ports {
    fn new(ingress: Option<u16>) -> Ports {
        let mut tcp = vec![CONTROL_PORT, STATUS_PORT, LOCATOR_PORT];
        tcp.extend(ingress.iter().flat_map(|port| [*port, INGRESS_STATUS_PORT]));
        Ports { tcp }
    }

    /// Why a node cannot have this address.
    fn obstacle(&self, address: IpAddr, taken: &[IpAddr]) -> Option<String> {
        if taken.contains(&address) {
            return Some(format!("{address} is a node of another sandbox"));
        }
        let tcp = self.tcp.iter().map(|port| {
            let opened = TcpListener::bind((address, *port)).map(drop);
            (*port, opened)
        });
        let udp = std::iter::once_with(|| {
            let opened = UdpSocket::bind((address, CLUSTER_PORT)).map(drop);
            (CLUSTER_PORT, opened)
        });
        tcp.chain(udp)
            .find_map(|(port, opened)| Some(sentence(address, port, &opened.err()?)))
    }
}

fn sentence(address: IpAddr, port: u16, error: &io::Error) -> String {
    let place = host_and_port(address, port);
    match error.kind() {
        io::ErrorKind::AddrInUse => format!("{place} is in use (see: ss -ltnup)"),
        io::ErrorKind::AddrNotAvailable => format!("this machine has no address {address}"),
        io::ErrorKind::PermissionDenied => format!("{place} is for root only"),
        _ => format!("{place} cannot be opened: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each test has a range of its own: what is bound here is real.

    #[test]
    fn a_claimed_range_is_passed_over_by_others() {
        let range: Range = "127.0.251.0/28".parse().expect("a range");
        let first = claim(Some(range), 3, Some(9000), &[]).expect("free");
        let second = claim(Some(range), 3, Some(9000), &[]).expect_err("claimed");
        assert_eq!(second.exit, Exit::Refused);
        drop(first);
        claim(Some(range), 3, Some(9000), &[]).expect("free again");
    }

    #[test]
    fn addresses_in_use_are_left_out_and_too_few_are_refused() {
        let range: Range = "127.0.252.0/29".parse().expect("a range");
        let held = TcpListener::bind(("127.0.252.2", CONTROL_PORT)).expect("free");
        let taken: Vec<IpAddr> = vec!["127.0.252.3".parse().expect("an address")];
        let claimed = claim(Some(range), 2, None, &taken).expect("enough are free");
        let addresses: Vec<String> = claimed.addresses.iter().map(IpAddr::to_string).collect();
        assert_eq!(addresses, ["127.0.252.1", "127.0.252.4"]);
        drop(claimed);
        let failure = claim(Some(range), 5, None, &taken).expect_err("four are free");
        assert_eq!(failure.exit, Exit::Failed);
        assert!(
            failure.hints[0].contains("127.0.252.2:9005 is in use"),
            "{failure:?}"
        );
        drop(held);
        let failure = claim(Some(range), 7, None, &[]).expect_err("six are there");
        assert_eq!(failure.exit, Exit::Usage);
    }

    #[test]
    fn a_range_that_others_could_reach_is_refused() {
        let range: Range = "192.168.10.0/24".parse().expect("a range");
        let failure = claim(Some(range), 3, None, &[]).expect_err("refused");
        assert_eq!(failure.exit, Exit::Usage);
    }
}
