//! Which instance speaks through a connection: the kernel knows whose socket it is.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use conduct_model::InstanceId;

use crate::processes::marked;

/// Who holds the far end of a connection to this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaker {
    /// A process of this instance.
    Instance(InstanceId),
    /// A process that belongs to none of those asked about.
    Stranger,
    /// The socket is gone, or is not this machine's.
    Unknown,
}

/// Looks for the socket that is bound to `remote` and connected to `local` among the processes of
/// some instances.
pub fn speaker(remote: SocketAddr, local: SocketAddr, among: &[InstanceId]) -> Speaker {
    let Some(inode) = inode(remote, local) else {
        return Speaker::Unknown;
    };
    let socket = format!("socket:[{inode}]");
    let holds = |instance: &&InstanceId| marked(**instance).iter().any(|pid| has(*pid, &socket));
    match among.iter().find(holds) {
        Some(instance) => Speaker::Instance(*instance),
        None => Speaker::Stranger,
    }
}

/// Whether a process has this file open.
fn has(pid: u32, file: &str) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd"));
    let mut open = open.into_iter().flatten().flatten();
    open.any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == Path::new(file)))
}

/// The kernel's number for the socket at the far end, from its table of connections.
fn inode(own: SocketAddr, peer: SocketAddr) -> Option<u64> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .find_map(|table| {
            let text = fs::read_to_string(table).ok()?;
            text.lines().skip(1).find_map(|line| {
                let mut columns = line.split_whitespace().skip(1);
                let (from, to) = (columns.next()?, columns.next()?);
                if !is(from, own) || !is(to, peer) {
                    return None;
                }
                columns.nth(6)?.parse().ok().filter(|inode| *inode != 0)
            })
        })
}

/// Whether the table's `0100007F:1F90` is this address: words in the machine's own byte order.
fn is(text: &str, address: SocketAddr) -> bool {
    let words: Vec<u8> = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let word = |bytes: &[u8]| {
        let bytes = <[u8; 4]>::try_from(bytes).unwrap_or_default();
        format!("{:08X}", u32::from_ne_bytes(bytes))
    };
    let plain: String = words.chunks(4).map(word).collect();
    let mapped = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets().chunks(4).map(word).collect(),
        IpAddr::V6(_) => plain.clone(),
    };
    let port = format!("{:04X}", address.port());
    text == format!("{plain}:{port}") || text == format!("{mapped}:{port}")
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;

    use super::*;
    use crate::environment::INSTANCE_VARIABLE;

    #[test]
    fn a_connection_is_known_by_the_process_at_its_other_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let (mine, other) = (InstanceId::from_u128(0xa11ce), InstanceId::from_u128(0xb0b));
        let talk = format!(
            "exec 3<>/dev/tcp/127.0.0.1/{}; read -r line <&3",
            local.port()
        );
        let mut child = Command::new("bash")
            .args(["-c", &talk])
            .env(INSTANCE_VARIABLE, mine.to_string())
            .spawn()
            .unwrap();
        let (_held, remote) = listener.accept().unwrap();
        assert_eq!(
            speaker(remote, local, &[other, mine]),
            Speaker::Instance(mine)
        );
        assert_eq!(speaker(remote, local, &[other]), Speaker::Stranger);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn somebody_else_is_a_stranger_and_nobody_is_unknown() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let own = TcpStream::connect(local).unwrap();
        let remote = own.local_addr().unwrap();
        let instance = InstanceId::from_u128(0xa11ce);
        assert_eq!(speaker(remote, local, &[instance]), Speaker::Stranger);
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(speaker(nobody, local, &[instance]), Speaker::Unknown);
    }
}
