//! The machine itself: what goes in, and what can be asked.

use std::net::SocketAddr;

use conduct_model::{Incarnation, NodeKey, Time};

use crate::effect::{DiskRecord, Effect, Ticket, Token};
use crate::identity::{Card, Record};
use crate::message::Message;
use crate::profile::Profile;
use crate::register::Register;

/// What a machine is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The own key.
    pub key: NodeKey,
    /// What the node says of itself.
    pub card: Card,
    /// The numbers.
    pub profile: Profile,
    /// Addresses to ask for admission when no known member answers.
    pub seeds: Vec<SocketAddr>,
    /// Drawn afresh by the driver for every start of the daemon.
    pub nonce: u64,
    /// Seeds the machine's own generator.
    pub dice: u64,
    /// Room for news in one datagram.
    pub update_bytes_max: usize,
}

/// What is known when a machine is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Boot {
    /// What the disk holds; nothing on the first start.
    Disk(Vec<DiskRecord>),
    /// A member of long standing, for simulations that begin with a settled cluster.
    Warm {
        /// The own start.
        start: u64,
        /// The voters.
        register: Register,
        /// All members, this node among them.
        members: Vec<Record>,
    },
}

/// What is heard of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// It stands.
    Connected,
    /// It is being made: neither success nor failure for a while.
    Connecting,
    /// It ended, or could not be made.
    Lost,
    /// The kernel says that the host answers and the daemon is gone. A hint: it may lengthen a
    /// wait, never shorten one.
    Refused,
}

/// What an operator, or the daemon for it, may ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Make a cluster of this node alone. Only a node that belongs to none may.
    Bootstrap,
    /// Ask at these addresses too.
    Join(Vec<SocketAddr>),
    /// Give up the vote, then leave for good.
    Leave,
    /// The daemon stops and is expected back: peers wait as after the kernel's hint.
    Stop,
    /// The own card changed.
    Change(Card),
    /// Declare, against the rule, that these members are the voters. Two halves of a cluster that
    /// both do this are two clusters.
    ForceMajority(Vec<NodeKey>),
}

/// Why a command has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A cluster is made once.
    #[error("this node already belongs to a cluster")]
    HasCluster,
    /// There is nothing to leave or to force.
    #[error("this node belongs to no cluster")]
    NoCluster,
    /// Voters are core members, at most [`crate::VOTERS_MAX`], and this node is one of them.
    #[error("these cannot be the voters")]
    Voters,
    /// Longer than [`Card::NOTE_BYTES_MAX`].
    #[error("a note has at most {max} bytes, this has {0}", max = Card::NOTE_BYTES_MAX)]
    Note(usize),
}

/// How a member appears to the layer above.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// Its instances count and serve.
    Reachable,
    /// They count, their endpoints do not serve.
    Unreachable,
    /// They count, their endpoints serve while they answer.
    Restarting,
    /// They do not count.
    Down,
    /// They do not count.
    Left,
}

/// A member, for reading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Who.
    pub key: NodeKey,
    /// Which life.
    pub incarnation: Incarnation,
    /// How it appears.
    pub status: Status,
    /// Whether its state has been pulled: before that it starts nothing and does not vote.
    pub ready: bool,
    /// Whether it votes.
    pub voter: bool,
    /// Its place in the order of joining.
    pub seat: u32,
    /// What it says of itself.
    pub card: Card,
}

/// Who is here, who is not, and whether we count: one node's part of the protocol.
#[derive(Debug)]
pub struct Membership {
    settings: Settings,
}

impl Membership {
    /// Starts a life. Nothing is sent before its start is on disk.
    pub fn new(settings: Settings, boot: Boot, now: Time, out: &mut Vec<Effect>) -> Membership {
        let _ = (boot, now, out);
        Membership { settings }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Time, out: &mut Vec<Effect>) {
        let _ = (now, out);
    }

    /// A peer says something; the transport has proved who it is.
    pub fn message(&mut self, now: Time, from: NodeKey, message: Message, out: &mut Vec<Effect>) {
        let _ = (now, from, message, out);
    }

    /// News of the connection to a peer.
    pub fn link(&mut self, now: Time, peer: NodeKey, link: Link, out: &mut Vec<Effect>) {
        let _ = (now, peer, link, out);
    }

    /// A dialled address answered with this key.
    pub fn dialed(&mut self, now: Time, address: SocketAddr, peer: NodeKey, out: &mut Vec<Effect>) {
        let _ = (now, address, peer, out);
    }

    /// A write is on disk.
    pub fn stored(&mut self, now: Time, token: Token, out: &mut Vec<Effect>) {
        let _ = (now, token, out);
    }

    /// A write failed and is not on disk.
    pub fn store_failed(&mut self, now: Time, token: Token, out: &mut Vec<Effect>) {
        let _ = (now, token, out);
    }

    /// The state of this voter was pulled.
    pub fn synced(&mut self, now: Time, ticket: Ticket, with: NodeKey, out: &mut Vec<Effect>) {
        let _ = (now, ticket, with, out);
    }

    /// Does what an operator asks for.
    ///
    /// # Errors
    /// When the command makes no sense now; nothing happened then.
    pub fn command(
        &mut self,
        now: Time,
        command: Command,
        out: &mut Vec<Effect>,
    ) -> Result<(), CommandError> {
        let _ = (now, command, out);
        Ok(())
    }

    /// The own key.
    pub fn key(&self) -> NodeKey {
        self.settings.key
    }

    /// The own life.
    pub fn incarnation(&self) -> Incarnation {
        Incarnation::default()
    }

    /// All members in the order of their keys, this node among them.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        std::iter::empty()
    }

    /// One member.
    pub fn member(&self, key: &NodeKey) -> Option<Member> {
        self.members().find(|member| member.key == *key)
    }

    /// How a member appears.
    pub fn status(&self, key: &NodeKey) -> Option<Status> {
        self.member(key).map(|member| member.status)
    }

    /// Where a member is reached.
    pub fn address(&self, key: &NodeKey) -> Option<SocketAddr> {
        self.member(key).map(|member| member.card.address)
    }

    /// When something was last heard from this peer itself.
    pub fn heard(&self, key: &NodeKey) -> Option<Time> {
        let _ = key;
        None
    }

    /// Whether this node accepts no change.
    pub fn is_quarantined(&self) -> bool {
        true
    }

    /// The voters of the highest epoch that this node knows.
    pub fn voters(&self) -> Option<&Register> {
        None
    }

    /// Whether this node votes.
    pub fn is_voter(&self) -> bool {
        self.voters()
            .is_some_and(|register| register.contains(&self.settings.key))
    }

    /// Whether those that confirmed something are enough: a quorum of the voters, and of those
    /// before as long as the new ones are not in force.
    pub fn is_quorum(&self, reached: impl Fn(&NodeKey) -> bool) -> bool {
        self.voters()
            .is_some_and(|register| register.is_quorum(reached))
    }

    /// The last majority contact.
    pub fn majority_contact(&self) -> Option<Time> {
        None
    }

    /// Up to `count` members to tell news to, drawn from those that connections are kept to.
    pub fn gossip_targets(&mut self, count: usize) -> Vec<NodeKey> {
        let _ = count;
        Vec::new()
    }
}
