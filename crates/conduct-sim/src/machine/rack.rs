//! One machine of the cluster, and the daemon that runs on it or not.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use bytes::Bytes;
use conduct_model::{Digest, NodeKey, Now};
use conduct_node::config::Config;
use conduct_node::descriptor::Descriptor;
use conduct_node::restored::{Crash, Folder, Restored, Settled, SettledMember};
use conduct_node::{Node, effect::Effect, input::Input};

use super::{Archives, Clock, Disk, Hands, Processes};
use crate::engine::{Dice, Moment};

/// A machine.
pub struct Machine {
    /// Its settings, for every daemon that it will run.
    pub config: Config,
    /// Its clocks.
    pub clock: Clock,
    /// Its state folder.
    pub disk: Disk,
    /// Its archives.
    pub archives: Archives,
    /// Its instances.
    pub hands: Hands,
    /// Its process table.
    pub processes: Processes,
    /// Whether it has power.
    pub powered: bool,
    /// Its daemon.
    pub daemon: Option<Daemon>,
    /// Counts its daemons.
    pub life: u32,
    /// Whether the daemon, or all of the machine, stands still.
    pub pause: Option<Pause>,
    /// What arrived meanwhile.
    pub inbox: VecDeque<crate::world::Occurrence>,
    /// Whether a look at the leases is planned.
    pub lease_planned: bool,
    /// Crashes that the driver noted for the next life.
    pub crashes: Vec<Crash>,
    /// What its own chances are drawn from.
    pub dice: Dice,
    /// The machine has left the cluster for good.
    pub has_left: bool,
    /// How many state folders it has had.
    pub folders: u32,
    /// The cluster that its first daemon is a member of.
    pub settled: Option<Settled>,
    /// A copy of the state folder that somebody took.
    pub backup: Option<BTreeMap<Bytes, Bytes>>,
}

/// A running daemon.
pub struct Daemon {
    /// The product.
    pub node: Node,
    /// When its timer is due.
    pub armed: Moment,
    /// The earliest timer event that is planned for it.
    pub planned: Moment,
    /// When it was started.
    pub since: Moment,
    /// It skips the record that is made to crash it.
    pub skips: bool,
}

/// What stands still.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pause {
    /// The daemon alone: SIGSTOP.
    Daemon,
    /// Everything: the machine is suspended, and its clocks go on.
    Machine,
}

/// The port that clusters talk on.
const CLUSTER_PORT: u16 = 9004;

impl Machine {
    /// Machine number `index` of the simulation with this seed. Lower numbers have lower keys.
    pub fn new(seed: u64, index: usize) -> Machine {
        let mut dice = Dice::of(seed, "machine", index as u64);
        Machine {
            config: Config::local(key_of(seed, index), address_of(index)),
            clock: Clock::usual(&mut dice),
            disk: Disk::default(),
            archives: Archives::default(),
            hands: Hands::default(),
            processes: Processes::default(),
            powered: true,
            daemon: None,
            life: 0,
            pause: None,
            inbox: VecDeque::new(),
            lease_planned: false,
            crashes: Vec::new(),
            dice,
            has_left: false,
            folders: 1,
            settled: None,
            backup: None,
        }
    }

    /// Its key.
    pub const fn key(&self) -> NodeKey {
        self.config.key
    }

    /// Both of its clocks.
    pub fn read_clock(&self, now: Moment) -> Now {
        self.clock.read(now)
    }

    /// The seed that its next daemon will be given.
    pub fn next_seed(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.key().digest().as_bytes()[8..16]);
        u64::from_be_bytes(bytes) ^ u64::from(self.life + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    /// Whether its daemon runs and makes progress.
    pub const fn is_awake(&self) -> bool {
        self.daemon.is_some() && self.pause.is_none()
    }

    /// What a daemon that starts now finds on the disk.
    pub fn restored(&mut self) -> Restored {
        let folder = if self.disk.take_damaged() {
            Folder::Repaired
        } else {
            Folder::Intact
        };
        Restored {
            records: self.copy_of_disk(),
            folder,
            crashes: self.crashes.clone(),
            settled: self.settled.take(),
        }
    }

    /// What a daemon would know if the power went now and came back: a node made from what is
    /// synced, which has told nobody anything.
    pub fn as_if_restarted(&self, now: Moment) -> Node {
        let restored = Restored {
            records: self.copy_of_disk(),
            folder: Folder::Intact,
            crashes: Vec::new(),
            settled: None,
        };
        let mut node = Node::new(self.config.clone(), 0, restored);
        let mut unheard: Vec<Effect> = Vec::new();
        node.step(self.read_clock(now), Input::Start, &mut unheard);
        node
    }

    fn copy_of_disk(&self) -> Vec<(Bytes, Bytes)> {
        self.disk
            .records()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// All machines as one cluster of long standing.
pub fn settled(machines: &[Machine]) -> Settled {
    let member = |machine: &Machine| SettledMember {
        key: machine.key(),
        address: machine.config.address,
        duty: machine.config.duty,
        seed: machine.next_seed(),
    };
    Settled {
        members: machines.iter().map(member).collect(),
    }
}

/// How a bundle is called in timelines.
pub fn name_in(descriptor: &Descriptor) -> String {
    descriptor.name.clone()
}

/// The key of machine number `index`: its first two bytes count, so that order among keys is order
/// among machines, and the rest is chance.
pub fn key_of(seed: u64, index: usize) -> NodeKey {
    let mut dice = Dice::of(seed, "key", index as u64);
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&dice.bits().to_be_bytes());
    }
    bytes[..2].copy_from_slice(&(index as u16).to_be_bytes());
    NodeKey::from_digest(Digest::from_bytes(bytes))
}

/// The machine that has this key.
pub fn index_of(key: NodeKey) -> usize {
    let bytes = key.digest().as_bytes();
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// The address of machine number `index`.
pub fn address_of(index: usize) -> SocketAddr {
    let [_, b, c, d] = (index as u32 + 1).to_be_bytes();
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(10, b, c, d), CLUSTER_PORT))
}

/// The machine that has this address.
pub fn index_at(address: SocketAddr) -> Option<usize> {
    let SocketAddr::V4(address) = address else {
        return None;
    };
    let [net, b, c, d] = address.ip().octets();
    if net != 10 {
        return None;
    }
    (u32::from_be_bytes([0, b, c, d]) as usize).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_addresses_lead_back_to_their_machine() {
        for index in [0, 1, 254, 255, 4_999] {
            assert_eq!(index_of(key_of(7, index)), index);
            assert_eq!(index_at(address_of(index)), Some(index));
        }
        assert!(key_of(7, 1) < key_of(7, 2));
    }
}
